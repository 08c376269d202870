"""Which deployment an event of EventBridge is about. What it says happened is not believed: it is only a hint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

FAMILY = "whaleray-"
"""A task definition's family is this and the deployment's id: a task's event names no other thing of ours."""
_VARIABLE = "DEPLOYMENT_ID"


@dataclass(frozen=True)
class About:
    """One of the two is known, or neither."""

    deployment: str = ""
    service_id: str = ""


def family(deployment_id: str) -> str:
    return f"{FAMILY}{deployment_id}"


def about(event: dict[str, Any]) -> About:
    """Of "CodeBuild Build State Change", "CodeBuild Build Phase Change", "ECS Task State Change", "ECS Deployment State
    Change" and "ECS Service Action"; what is not there or not as documented is not known."""
    detail = event.get("detail")
    detail = detail if isinstance(detail, dict) else {}
    match event.get("source"):
        case "aws.codebuild":
            return About(deployment=_variable(detail))
        case "aws.ecs":
            task = _last(str(detail.get("taskDefinitionArn", ""))).partition(":")[0]
            if task.startswith(FAMILY):
                return About(deployment=task.removeprefix(FAMILY))
            services = [name for name in map(str, event.get("resources") or []) if ":service/" in name]
            return About(service_id=_last(services[0]) if services else "")
        case _:
            return About()


def _variable(detail: dict[str, Any]) -> str:
    found: Any = detail
    for name in ("additional-information", "environment"):
        found = found.get(name) if isinstance(found, dict) else None
    variables = found.get("environment-variables") if isinstance(found, dict) else None
    for each in variables if isinstance(variables, list) else []:
        if isinstance(each, dict) and each.get("name") == _VARIABLE:
            return str(each.get("value", ""))
    return ""


def _last(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]
