"""Every layout in `layouts/` has the plan, or the refusal, that lies beside it as JSON.

`UPDATE_LAYOUTS=1 pytest tests/inspection/test_layouts.py` writes them anew: read the difference before committing it.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from bot.errors import UserError
from bot.inspection import ConfigError, inspect
from bot.model import BuildPlan
from tests.inspection import layouts


@pytest.mark.parametrize("name", layouts.NAMES)
async def test_layout(name: str) -> None:
    repository = layouts.load(name)
    answer: dict[str, Any]
    try:
        plan = await inspect(repository.tree, repository.read)
    except UserError as error:
        answer = {"error": {"what": error.what, "why": error.why, "mend": error.mend}}
        if isinstance(error, ConfigError):
            answer["error"]["at"] = f"{error.path}:{error.line}"
    else:
        answer = {"command": " ".join(plan.command), "plan": plan.model_dump(mode="json", exclude_defaults=True)}
        assert BuildPlan.model_validate_json(plan.model_dump_json()) == plan
    answer = {"reads": repository.reads} | answer
    expected = layouts.DIRECTORY / f"{name}.json"
    if os.environ.get("UPDATE_LAYOUTS"):
        expected.write_text(json.dumps(answer, indent=2, ensure_ascii=False) + "\n")
    assert answer == json.loads(expected.read_text())


def test_every_snapshot_has_its_layout_and_there_are_enough_to_call_it_a_matrix() -> None:
    assert sorted(path.stem for path in layouts.DIRECTORY.glob("*.json")) == layouts.NAMES
    assert len(layouts.NAMES) >= 40
