"""The JSON Schema that editors check `.whaleray.yml` with, made from the model.

`python -m bot.inspection.schema > docs/whaleray.schema.json` writes the one in the documentation anew.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from bot.inspection.config import Configuration


def schema() -> dict[str, Any]:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Configuration.model_json_schema()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2) + "\n")
