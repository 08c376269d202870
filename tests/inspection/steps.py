"""A Dockerfile's shell steps, run on real files without a container engine.

Only what the injected Dockerfile uses: stages, WORKDIR, COPY between stages, ENV-less RUN in shell and exec form.
Absolute paths are moved under a directory of the test's.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_OURS = re.compile(r"(?<![\w.$])/(source|skeleton|layers|chosen|application|etc/passwd|etc/group)\b")


@dataclass(frozen=True)
class Instruction:
    name: str
    text: str


def instructions(dockerfile: str) -> list[Instruction]:
    lines = "\n".join(line for line in dockerfile.splitlines() if not line.lstrip().startswith("#"))
    joined = lines.replace("\\\n", "\n\x00")
    found = []
    for line in re.split(r"\n(?!\x00)", joined):
        name, _, text = line.replace("\n\x00", "\\\n").partition(" ")
        if name:
            found.append(Instruction(name, text))
    return found


def stages(dockerfile: str) -> dict[str, list[Instruction]]:
    found: dict[str, list[Instruction]] = {}
    stage = ""
    for instruction in instructions(dockerfile):
        if instruction.name == "FROM":
            _, _, alias = instruction.text.partition(" AS ")
            stage = alias or "final"
            found[stage] = []
        found[stage].append(instruction)
    return found


@dataclass
class Machine:
    """Each stage has a directory below `root`; a stage that begins from another one begins with its files."""

    root: Path
    context: Path
    environment: Mapping[str, str]
    shell: tuple[str, ...] = ("/bin/sh", "-c")
    output: list[str] = field(default_factory=list)

    def build(self, dockerfile: str) -> Path:
        """The final stage's root. CalledProcessError when a step fails."""
        known = stages(dockerfile)
        for stage, steps in known.items():
            place = self.root / stage
            base = steps[0].text.partition(" AS ")[0]
            if base in known:
                shutil.copytree(self.root / base, place, symlinks=True)
            (place / "etc").mkdir(parents=True, exist_ok=True)
            directory = place
            for step in steps[1:]:
                directory = self._step(step, place, directory)
        return place

    def _step(self, step: Instruction, place: Path, directory: Path) -> Path:
        match step.name:
            case "WORKDIR":
                directory = place / step.text.lstrip("/")
                directory.mkdir(parents=True, exist_ok=True)
            case "COPY":
                self._copy(step.text.split(), place, directory)
            case "RUN":
                self._run(step.text, place, directory)
        return directory

    def _copy(self, words: list[str], place: Path, directory: Path) -> None:
        source, target = self.context, words[-1]
        if words[0].startswith("--from="):
            source = self.root / words[0].removeprefix("--from=") / words[1].lstrip("/")
            if ":" in words[0]:
                return  # another image: its tools are the test's
        into = directory if target in (".", "./") else place / target.lstrip("/")
        shutil.copytree(source, into, symlinks=True, dirs_exist_ok=True)

    def _run(self, text: str, place: Path, directory: Path) -> None:
        moved = _OURS.sub(lambda found: f"{place}/{found[1]}", text)
        argv = json.loads(moved) if moved.startswith("[") else [*self.shell, moved]
        done = subprocess.run(
            argv, cwd=directory, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        self.output += [done.stdout, done.stderr]
        done.check_returncode()
