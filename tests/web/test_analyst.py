"""Who says why a deployment failed."""

from __future__ import annotations

from bot import wiring
from bot.diagnosis import RulesAnalyst
from bot.diagnosis.fallback import FallbackAnalyst
from bot.settings import Settings


async def test_a_model_that_is_named_is_asked_on_one_machine_too(settings: Settings) -> None:
    for model, kind in (("", RulesAnalyst), ("anthropic.claude-haiku-5-5", FallbackAnalyst)):
        runtime = wiring.runtime(settings.model_copy(update={"bedrock_model_id": model}))
        assert isinstance(runtime.ports.analyst, kind)
        await runtime.close()
