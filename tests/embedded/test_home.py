"""What is decided once in a state directory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.model import EngineName
from bot.settings import Settings
from infra.embedded.home import kept_secret, pin_engine


def test_the_engine_of_the_first_start_stays(tmp_path: Path) -> None:
    assert pin_engine(Settings(_env_file=None, engine="process"), tmp_path) is EngineName.PROCESS
    assert pin_engine(Settings(_env_file=None, engine="auto"), tmp_path) is EngineName.PROCESS
    with pytest.raises(SettingsError, match="Use WHALERAY_ENGINE=process"):
        pin_engine(Settings(_env_file=None, engine="docker"), tmp_path)


def test_a_kept_secret_is_one_for_all_and_for_this_user_only(tmp_path: Path) -> None:
    path = tmp_path / "link.key"
    first = kept_secret(path)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(kept_secret, [path] * 32)) == {first}
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["link.key"]
