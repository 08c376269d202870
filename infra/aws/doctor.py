"""Whether the model that diagnoses is there, is to stay, and may be asked. With the operator's own credentials."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.doctor import Check
from bot.errors import SettingsError, WhaleRayError
from infra.aws.client import Client, code_of
from infra.aws.prices import split

NAME = "model"
SOON = timedelta(days=90)
_SET = "Set WHALERAY_BEDROCK_MODEL_ID to a current model or inference profile of this region."
_ALLOW = "Accept its terms in Bedrock's console, and allow bedrock:InvokeModel on it."


async def check_model(bedrock: Client, model: str, now: datetime | None = None) -> Check:
    """`bedrock`: the service of that name, which knows the models; `bedrock-runtime` asks them."""
    profile, base = split(model)
    try:
        details = (await bedrock("get_foundation_model", modelIdentifier=base))["modelDetails"]
        access = await bedrock("get_foundation_model_availability", modelId=base)
    except WhaleRayError as error:
        if code_of(error) in ("ResourceNotFoundException", "ValidationException"):
            error = SettingsError(f"Bedrock knows no model {base} here.", "", _SET)
        return Check.wrong(NAME, error)
    if refused := _refused(access, regional=not profile):
        return Check.wrong(NAME, SettingsError(f"The model {model} may not be asked.", refused, _ALLOW))
    return _lasting(model, details.get("modelLifecycle", {}), now or datetime.now(UTC))


def _refused(access: dict[str, Any], *, regional: bool) -> str:
    """Why it can't be asked; "" where it can. A profile is there in more regions than its model."""
    if access.get("authorizationStatus") == "NOT_AUTHORIZED":
        return "The account is not authorised."
    if access.get("agreementAvailability", {}).get("status") in ("NOT_AVAILABLE", "ERROR"):
        return "Its terms have not been accepted."
    if access.get("entitlementAvailability") == "NOT_AVAILABLE":
        return "The account has no access to it."
    if regional and access.get("regionAvailability") == "NOT_AVAILABLE":
        return "It is not in this region."
    return ""


def _lasting(model: str, life: dict[str, Any], now: datetime) -> Check:
    ends = life.get("endOfLifeTime")
    if ends is not None and ends <= now:
        return Check.wrong(
            NAME, SettingsError(f"The model {model} reached its end of life on {ends:%Y-%m-%d}.", "", _SET)
        )
    if ends is not None and ends - now < SOON:
        return Check(NAME, f"{model}, until {ends:%Y-%m-%d}: choose its successor soon")
    return Check(NAME, f"{model}{', a legacy model' if life.get('status') == 'LEGACY' else ''}")
