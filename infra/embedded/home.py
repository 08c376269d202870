"""The state directory of one machine: where it is, and what is decided in it once and stays."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from bot.errors import SettingsError
from bot.model import EngineName
from bot.settings import Settings
from infra.embedded import docker


def state_directory(settings: Settings) -> Path:
    """The state directory, made where it is missing. Raises SettingsError."""
    directory = settings.home_dir.expanduser()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = directory / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            f"The state directory {directory} can't be written.",
            f"{error.strerror}.",
            "Name a directory of your own in WHALERAY_HOME_DIR, with room for builds.",
        ) from error
    return directory.resolve()


def kept_secret(path: Path) -> str:
    """A random value that stays."""
    return _kept(path, lambda: secrets.token_hex(32))


def pin_engine(settings: Settings, directory: Path) -> EngineName:
    """The engine of this state directory: chosen at the first start, since services can't move between engines."""
    known = _kept(directory / "engine", lambda: _choose_engine(settings))
    if known not in list(EngineName) or settings.engine not in ("auto", known):
        raise SettingsError(
            f"The services in {directory} run on the engine {known!r}, and WHALERAY_ENGINE is {settings.engine!r}.",
            "A service stays on the engine that it began with.",
            f"Use WHALERAY_ENGINE={known}, or another WHALERAY_HOME_DIR.",
        )
    return EngineName(known)


def _kept(path: Path, make: Callable[[], str]) -> str:
    """What was made once, by whoever came first, and is never seen half-written."""
    if not path.exists():
        new = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(make())
        with contextlib.suppress(FileExistsError):
            os.link(new, path)
        new.unlink()
    return path.read_text().strip()


def _choose_engine(settings: Settings) -> EngineName:
    if settings.engine != "auto":
        return EngineName(settings.engine)
    return EngineName.DOCKER if docker.answers() else EngineName.PROCESS
