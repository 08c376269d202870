"""Secrets are unreadable at rest, and what is wrong with them is said."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.errors import OurError, UserError
from infra.embedded.secrets import FileSecrets

HELLO = "github_1-octo-hello"


@pytest.fixture
def secrets(tmp_path: Path) -> FileSecrets:
    return FileSecrets(tmp_path / "secrets")


async def test_they_come_back_and_are_each_services_own(secrets: FileSecrets, tmp_path: Path) -> None:
    assert await secrets.get(HELLO) == {}
    await secrets.set(HELLO, "TOKEN", "s3cret")
    await secrets.set("other", "TOKEN", "other")
    await secrets.set(HELLO, "TOKEN", "newer")
    assert await FileSecrets(tmp_path / "secrets").get(HELLO) == {"TOKEN": "newer"}
    await secrets.unset(HELLO, "TOKEN")
    await secrets.unset(HELLO, "NEVER")
    assert await secrets.get(HELLO) == {}
    assert await secrets.get("other") == {"TOKEN": "other"}


async def test_at_rest_they_are_encrypted_and_the_bots_alone(secrets: FileSecrets, tmp_path: Path) -> None:
    await secrets.set(HELLO, "DATABASE_PASSWORD", "s3cret")
    files = [file for file in (tmp_path / "secrets").iterdir() if file.name != "lock"]
    assert {oct(file.stat().st_mode & 0o777) for file in files} == {"0o600"}
    assert oct((tmp_path / "secrets").stat().st_mode & 0o777) == "0o700"
    for file in files:
        for word in (b"s3cret", b"DATABASE_PASSWORD", HELLO.encode()):
            assert word not in file.read_bytes()


async def test_writers_at_the_same_time_lose_nothing(secrets: FileSecrets, tmp_path: Path) -> None:
    others = [FileSecrets(tmp_path / "secrets") for _ in range(4)]
    await asyncio.gather(*(others[n % 4].set(HELLO, f"KEY_{n}", str(n)) for n in range(20)))
    assert await secrets.get(HELLO) == {f"KEY_{n}": str(n) for n in range(20)}


async def test_another_key_is_named_as_such(secrets: FileSecrets, tmp_path: Path) -> None:
    await secrets.set(HELLO, "TOKEN", "s3cret")
    (tmp_path / "secrets" / "secrets.key").write_bytes(Fernet.generate_key())
    with pytest.raises(OurError, match=r"secrets\.key is not its key.*one backup"):
        await secrets.get(HELLO)
    with pytest.raises(OurError, match="is not its key"):
        await secrets.set(HELLO, "OTHER", "x")


async def test_a_lost_key_is_not_replaced_by_a_new_one(secrets: FileSecrets, tmp_path: Path) -> None:
    await secrets.set(HELLO, "TOKEN", "s3cret")
    (tmp_path / "secrets" / "secrets.key").unlink()
    for _ in range(2):
        with pytest.raises(OurError, match="is gone"):
            await secrets.set(HELLO, "OTHER", "x")


async def test_a_damaged_key_or_file_is_said(secrets: FileSecrets, tmp_path: Path) -> None:
    await secrets.set(HELLO, "TOKEN", "s3cret")
    key = (tmp_path / "secrets" / "secrets.key").read_bytes()
    (tmp_path / "secrets" / "secrets.key").write_bytes(b"")
    with pytest.raises(OurError, match="is no key"):
        await secrets.get(HELLO)
    (tmp_path / "secrets" / "secrets.key").write_bytes(key)
    (tmp_path / "secrets" / "secrets.enc").write_bytes(b"cut of")
    with pytest.raises(OurError, match="can't be decrypted"):
        await secrets.get(HELLO)


@pytest.mark.parametrize("name", ["", "1X", "A-B", "A B", "A=B", "Ä", "X" * 129, "A\n"])
async def test_a_name_that_no_environment_takes_is_refused(secrets: FileSecrets, name: str) -> None:
    with pytest.raises(UserError, match="can't be the name"):
        await secrets.set(HELLO, name, "x")


@pytest.mark.parametrize("name", ["PORT", "server_port", "SERVER_ADDRESS", "WHALERAY_HOME_DIR", "PATH"])
async def test_what_whaleray_sets_itself_is_refused(secrets: FileSecrets, name: str) -> None:
    with pytest.raises(UserError, match="set by WhaleRay itself"):
        await secrets.set(HELLO, name, "x")


@pytest.mark.parametrize("value", ["x" * (32 * 1024 + 1), "a\0b", "\ud800"])
async def test_a_value_that_no_process_takes_is_refused(secrets: FileSecrets, value: str) -> None:
    with pytest.raises(UserError, match=r"is too long|is no text"):
        await secrets.set(HELLO, "TOKEN", value)


async def test_a_value_may_be_of_several_lines_and_any_script(secrets: FileSecrets) -> None:
    await secrets.set(HELLO, "CERTIFICATE", "-----BEGIN\nМир 世界\n-----END\n")
    assert (await secrets.get(HELLO))["CERTIFICATE"] == "-----BEGIN\nМир 世界\n-----END\n"
