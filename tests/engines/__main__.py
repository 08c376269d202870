"""`make test-engines`: one Docker engine for all of pytest's workers."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.engines.room import docker_engine

if __name__ == "__main__":
    try:
        with docker_engine() as host:
            command = [sys.executable, "-m", "pytest", "-m", "engines", "--dist", "loadgroup", "tests/engines"]
            code = subprocess.run(
                [*command, *sys.argv[1:]], env=os.environ | {"DOCKER_HOST": host}, check=False
            ).returncode
    except AssertionError as error:
        sys.exit(str(error))
    sys.exit(code)
