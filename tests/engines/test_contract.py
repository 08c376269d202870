"""The engine contract, of `tests/engine`, kept by the docker engine."""

from __future__ import annotations

import pytest

from tests.engine.test_contract_builds import *  # noqa: F403
from tests.engine.test_contract_instances import *  # noqa: F403

pytestmark = pytest.mark.engines
