"""git over HTTP, by the real `git http-backend`: clone, fetch and push as with any GitHub."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from infra.sandbox import auth
from infra.sandbox.pushes import Pushes
from infra.sandbox.records import Account, Repository
from infra.sandbox.refusal import Refusal
from infra.sandbox.world import World

ROUTE = re.compile(r"/(?P<owner>[^/]+)/(?P<name>[^/]+?)(?:\.git)?/(?P<what>info/refs|git-upload-pack|git-receive-pack)")


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


class GitHttp:
    def __init__(self, world: World, pushes: Pushes) -> None:
        self._world = world
        self._pushes = pushes

    def serve(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Blocks until git has answered. A push takes effect, and is told, before the answer goes out."""
        match = ROUTE.fullmatch(path)
        if match is None:
            return Reply(404, {}, b"Not found")
        writes = "git-receive-pack" in (match["what"], query.removeprefix("service="))
        with self._world.lock:
            try:
                repository = self._world.find(match["owner"], match["name"])
                by = self._admit(repository, headers.get("authorization", ""), writes)
                if repository is None:
                    raise Refusal(404, "Repository not found.")
            except Refusal as refusal:
                ask = {"WWW-Authenticate": 'Basic realm="sandbox"'} if refusal.status == 401 else {}
                words = {"Content-Type": "text/plain; charset=utf-8"}  # which is what git shows a person
                return Reply(refusal.status, {**words, **ask}, f"{refusal.message}\n".encode())
            reply = self._backend(repository, by, match["what"], (method, query, body), headers)
            if writes and match["what"] == "git-receive-pack" and by is not None:
                self._pushes.look(repository, by)
        return reply

    def _admit(self, repository: Repository | None, authorization: str, writes: bool) -> Account | None:
        """Who it is; None for somebody unknown, who may read what is public. Raises Refusal."""
        unknown = Refusal(401, "Sign in with a user name of the sandbox and any password.")
        if not authorization:
            if repository is None or writes or repository.private:
                raise unknown
            return None
        name, password = auth.basic(authorization.partition(" ")[2].strip())
        if password.startswith("ghs_"):
            return self._admit_token(repository, password, writes)
        account = self._world.account(name)
        if account is None or account.type != "User":
            raise unknown
        if repository is None or repository.permission(account) is None:
            raise Refusal(404, "Repository not found.")
        if writes and repository.archived:
            raise Refusal(403, "This repository was archived so it is read-only.")
        if writes and not repository.may(account, "write"):
            raise Refusal(403, f"Permission to {repository.full_name} denied to {account.login}.")
        return account

    def _admit_token(self, repository: Repository | None, password: str, writes: bool) -> Account:
        caller = auth.identify(self._world, f"Bearer {password}")
        if repository is None or not caller.covers(repository):
            raise Refusal(404, "Repository not found.")
        if not caller.has("contents:write" if writes else "contents:read") or (writes and repository.archived):
            raise Refusal(403, "Write access to repository not granted.")
        assert caller.account is not None  # noqa: S101 - a token always has its bot
        return caller.account

    def _backend(
        self,
        repository: Repository,
        by: Account | None,
        what: str,
        request: tuple[str, str, bytes],
        headers: Mapping[str, str],
    ) -> Reply:
        method, query, body = request
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_PROJECT_ROOT": str(repository.git.directory.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{repository.git.directory.name}/{what}",
            "REQUEST_METHOD": method,
            "QUERY_STRING": query,
            "CONTENT_TYPE": headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
            "GIT_PROTOCOL": headers.get("git-protocol", ""),
            "REMOTE_USER": by.login if by else "",
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, capture_output=True, check=False, timeout=120, env=environment
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        answered = dict(line.split(": ", 1) for line in head.decode(errors="replace").split("\r\n") if ": " in line)
        status = int(answered.pop("Status", "200" if done.returncode == 0 else "500").split()[0])
        return Reply(status, answered, content)
