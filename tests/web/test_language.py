"""The language of what people read is a setting of the process."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bot import render, wiring
from bot.settings import Settings
from tests.render.language import speaking


async def test_the_bot_speaks_the_language_of_its_settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHALERAY_LANGUAGE", "ko")
    chosen = Settings(_env_file=None).language
    with speaking("en"):
        runtime = wiring.runtime(settings.model_copy(update={"language": chosen}))
        await runtime.close()
        assert render.unlocked().startswith("잠금을 해제했습니다.")


def test_a_language_that_is_not_spoken_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHALERAY_LANGUAGE", "tlh")
    with pytest.raises(ValidationError, match="'en' or 'ko'"):
        Settings(_env_file=None)
