"""The Lambdas' zip: the same bytes from the same sources, and nothing missing of what is left out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.aws import package

ENTRIES = sorted(path.stem for path in (package.ROOT / "infra/aws/entry").glob("*.py") if path.stem != "__init__")
WITHOUT = """
import importlib, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[1].split(","):
            raise ModuleNotFoundError(f"{name} is not in the zip", name=name)

sys.meta_path.insert(0, Absent())
for name in sys.argv[2].split(","):
    importlib.import_module(name)
"""
MODULES = {"install-jdk": "jdk", "linkify-it-py": "linkify_it", "markdown-it-py": "markdown_it"}


def test_every_function_does_without_what_is_left_out() -> None:
    """Also when it asks GitHub, signs people in, and has a model diagnose."""
    absent = [MODULES.get(name, name.replace("-", "_")) for name in package.UNUSED]
    wanted = [f"infra.aws.entry.{name}" for name in ENTRIES]
    wanted += ["infra.github", "infra.github.signin", "infra.aws.bedrock", "bot.diagnosis.fallback"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, ",".join(absent), ",".join(wanted)],
        cwd=package.ROOT,
        env=dict(os.environ) | {"AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_requirements_are_the_locked_ones_with_their_hashes() -> None:
    listed = dict(re.findall(r"(?m)^([a-z0-9-]+)==([^ ;\\]+)", package.requirements()))
    assert {"botocore", "mangum", "aws-lambda-powertools", "fastapi", "githubkit", "pydantic"} <= set(listed)
    assert not set(listed) & set(package.UNUSED)
    assert not {"moto", "pytest", "mypy"} & set(listed)
    locked = (package.ROOT / "uv.lock").read_text()
    assert all(f'name = "{name}"\nversion = "{version}"' in locked for name, version in listed.items())
    blocks = package.requirements().split("\n\n")[0]
    assert blocks.count("--hash=sha256:") > len(listed)


def tree(root: Path, names: list[str], at: float) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"NAME = {name!r}\nMANY = {{'a', 'b', 'c', 'd'}}\n\n\ndef f(x):\n    return x in {{1, 'y'}}\n")
        os.utime(path, (at, at))
    return root


NAMES = ["b/__init__.py", "a.py", "b/c.py", "b/d/e.py"]


def test_the_same_files_make_the_same_zip(tmp_path: Path) -> None:
    digests = []
    for number, names in enumerate((NAMES, NAMES[::-1])):
        target = tree(tmp_path / str(number) / "task", names, at=1e9 + 1e6 * number)
        package.compile_all(target, sys.executable)
        digests.append(package.write_zip(target, tmp_path / f"{number}.zip"))
    assert digests[0] == digests[1]
    with zipfile.ZipFile(tmp_path / "0.zip") as archive:
        names = archive.namelist()
    assert names == sorted(names)
    assert sum(name.endswith(".pyc") for name in names) == len(NAMES)
    tree(tmp_path / "1" / "task", ["new.py"], at=1e9)
    assert package.write_zip(tmp_path / "1" / "task", tmp_path / "1.zip") != digests[0]


def test_what_an_installer_notes_of_this_machine_is_left_out(tmp_path: Path) -> None:
    kept = ["x-1.dist-info/METADATA", "botocore/data/sqs/2012-11-05/service-2.json", "botocore/data/endpoints.json"]
    gone = ["x-1.dist-info/RECORD", "bin/x", "x/__pycache__/y.pyc", "botocore/data/braket/2019-09-01/service-2.json"]
    tree(tmp_path, [*kept, *gone], at=1e9)
    package.slim(tmp_path)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in package.files(tmp_path)) == sorted(kept)


def test_the_sources_are_those_of_the_functions(tmp_path: Path) -> None:
    package.add_sources(tmp_path)
    for name in ("infra/aws/entry/http.py", "templates/diagnosis/persona.txt.j2", "handlers/push.py", "bot/web.py"):
        assert (tmp_path / name).read_bytes() == (package.ROOT / name).read_bytes()
    assert not (tmp_path / "infra/sandbox").exists()
    assert not list(tmp_path.rglob("__pycache__"))


def test_a_python_that_is_not_here_is_asked_for() -> None:
    with pytest.raises(FileNotFoundError, match=r"Python 3\.2 is not here.*PATH"):
        package.find_python("3.2")


def test_every_service_that_is_called_has_its_description() -> None:
    called = (package.ROOT / "infra/aws/operations.txt").read_text().split()
    assert {each.partition(":")[0] for each in called} <= package.SERVICES
