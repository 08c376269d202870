"""Inspection asks for one listing and at most four files, each once, by paths that the listing holds."""

from __future__ import annotations

import pytest

from bot.errors import UserError
from bot.inspection import configuration, inspect
from tests.inspection.repository import Repository

POM = b"""<project><parent><groupId>org.springframework.boot</groupId>
<artifactId>spring-boot-starter-parent</artifactId>
<version>3.5.0</version></parent><build><plugins><plugin><groupId>org.springframework.boot</groupId>
<artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins></build></project>"""


async def test_everything_that_could_be_read_is_there_and_four_files_are() -> None:
    repository = Repository(
        {
            ".whaleray.yml": b"memory: 1g\n",
            "pom.xml": POM,
            "Dockerfile": b"FROM scratch\nEXPOSE 9000\n",
            ".java-version": b"21\n",
            ".sdkmanrc": b"java=21.0.1-tem\n",
            "system.properties": b"java.runtime.version=21\n",
            "src/main/resources/application.properties": b"server.port=9000\n",
            "src/main/resources/application.yml": b"server:\n  port: 9001\n",
        }
    )
    plan = await inspect(repository.tree, repository.read)
    assert (plan.port, plan.memory_mb, plan.dockerfile) == (9000, 1024, "Dockerfile")
    assert repository.reads == [".whaleray.yml", "pom.xml", "Dockerfile", "src/main/resources/application.properties"]


async def test_the_configuration_alone_takes_one_read_and_none_when_there_is_none() -> None:
    repository = Repository({".whaleray.yml": b"auto: false\nbranch: release\n", "pom.xml": POM})
    wanted = await configuration(repository.tree, repository.read)
    assert (wanted.auto, wanted.branch, wanted.wait_for_checks) == (False, "release", False)
    assert repository.reads == [".whaleray.yml"]
    bare = Repository({"pom.xml": POM})
    assert (await configuration(bare.tree, bare.read)).auto
    assert bare.reads == []


async def test_nothing_is_read_to_say_that_nothing_is_there() -> None:
    repository = Repository({"README.md": b"", "docs/index.md": b"", "web/app/main.ts": b""})
    with pytest.raises(UserError, match="in the root and 3 folders"):
        await inspect(repository.tree, repository.read)
    assert repository.reads == []
