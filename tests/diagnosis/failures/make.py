"""Makes the example logs by running their failures: `python -m tests.diagnosis.failures.make [ID...]`.

Needs JDK 17 and 25, Maven, curl and Maven Central; each recipe runs in a directory of its own. Without an ID, those
are made that have no log yet. A log is the command's whole output; only the names of this machine's directories are
replaced, by those that a build in WhaleRay has.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.diagnosis.failures.recipe import Recipe
from tests.diagnosis.failures.recipes import ALL

HERE = Path(__file__).parent
JDKS = {"17": "/usr/lib/jvm/java-17-openjdk-amd64", "25": "/usr/lib/jvm/temurin-25-jdk-amd64"}
SOURCE, HOME = "/workspace/source", "/workspace/home"


def log_path(recipe: Recipe) -> Path:
    return HERE / "logs" / f"{recipe.id}.log.gz"


def read_log(recipe: Recipe) -> str:
    return gzip.decompress(log_path(recipe).read_bytes()).decode()


def make(recipe: Recipe) -> str:
    """The output of the recipe's command."""
    with tempfile.TemporaryDirectory(prefix="failure-") as directory:
        source = Path(directory, "source")
        for name, text in recipe.files.items():
            path = source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("latin-1" if name.endswith("Latin.java") else "utf-8"))
        java = JDKS[recipe.java]
        environment = {
            "PATH": f"{java}/bin:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(Path.home()),
            "JAVA_HOME": java,
            "LANG": "C.UTF-8",
            "JDK25": JDKS["25"],
            "MAVEN_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
            **recipe.env,
        }
        for command in filter(None, (recipe.before, recipe.command)):
            done = subprocess.run(
                ["timeout", "-k", "5", str(recipe.seconds), "nice", "-n", "2", "bash", "-c", command],
                cwd=source,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
        output = done.stdout.decode(errors="replace")
        for named, meant in ((str(source), SOURCE), (directory, "/workspace"), (str(Path.home()), HOME)):
            output = output.replace(named, meant)
        return output


def main(ids: list[str]) -> None:
    (HERE / "logs").mkdir(exist_ok=True)
    for recipe in ALL:
        path = log_path(recipe)
        if (
            recipe.written_from
            or (recipe.id.startswith("gradle-") and not shutil.which("gradle"))
            or (recipe.id not in ids if ids else path.exists())
        ):
            continue
        output = make(recipe)
        path.write_bytes(gzip.compress(output.encode(), mtime=0))
        print(f"{recipe.id}: {output.count(chr(10))} lines, {path.stat().st_size} bytes", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
