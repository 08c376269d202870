"""The sandbox as Python sees it: what the demonstration, the story tests and the benches drive."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, Self

from infra.sandbox.events import Events
from infra.sandbox.faults import Fault, Faults, Match
from infra.sandbox.githttp import GitHttp
from infra.sandbox.hooks import Delivery, Hooks
from infra.sandbox.limits import CONTENT_PER_MINUTE, PRIMARY_PER_HOUR
from infra.sandbox.pages import Pages
from infra.sandbox.pushes import Pushes
from infra.sandbox.records import CheckMoment, Reaction
from infra.sandbox.registering import Registering
from infra.sandbox.rest import Check, Recorded, Rest, Violation
from infra.sandbox.server import API, Application, Server
from infra.sandbox.shapes import Shape, Shapes
from infra.sandbox.world import World

WAIT_S = 30.0


class Sandbox(Registering):
    """A stand-in for GitHub on 127.0.0.1: `port` 0 takes any. Git repositories are kept under `directory`, the rest in
    memory. `clock`: epoch seconds now.

    It is no GitHub: it knows what an App like WhaleRay uses, and refuses what it does not know.
    """

    def __init__(self, directory: Path, port: int = 0, *, clock: Callable[[], float] = time.time) -> None:
        world = World(directory, clock)
        self.directory = directory
        self.faults = Faults()
        hooks = Hooks(world)
        # The port is bound now, so that addresses are right from the start.
        self._server = Server(self._serve, hooks, port)
        shapes = Shapes(web=f"http://127.0.0.1:{self._server.port}", api=f"http://127.0.0.1:{self._server.port}{API}")
        events = Events(world, shapes, hooks)
        pushes = Pushes(world, events)
        super().__init__(world, shapes, hooks, events, pushes)
        self.rest = Rest(world, shapes, hooks, events)
        pages = Pages(self, shapes)
        self._application = Application(world, self.rest, GitHttp(world, pushes), self.faults, pages.application())

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        await self._application(scope, receive, send)

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        """What it holds stays until the object goes; `start` serves it again on the same port."""
        self._server.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The pages' address, and git's."""
        return self._shapes.web

    @property
    def api_url(self) -> str:
        return self._shapes.api

    @property
    def violations(self) -> list[Violation]:
        return self.rest.violations

    @property
    def requests(self) -> list[Recorded]:
        return self.rest.requests

    @property
    def checks(self) -> list[Check]:
        """Add a function to hold each request against more than githubkit's models."""
        return self.rest.checks

    def check_runs(self, full_name: str, sha: str) -> list[Shape]:
        """Oldest first, in the API's form."""
        with self.world.lock:
            repository = self.world.repository(full_name)
            runs = [run for run in repository.check_runs.values() if run.head_sha == sha]
            return [
                {**self._shapes.check_run(repository, run), "actions": run.actions, "annotations": run.annotations}
                for run in runs
            ]

    def check_run_history(self, check_run_id: int) -> list[CheckMoment]:
        """What it showed after each request, oldest first."""
        with self.world.lock:
            for repository in self.world.repositories.values():
                if (run := repository.check_runs.get(check_run_id)) is not None:
                    return list(run.history)
        raise LookupError(f"The sandbox has no check run {check_run_id}.")

    def comments(self, full_name: str, number: int) -> list[Shape]:
        with self.world.lock:
            repository = self.world.repository(full_name)
            found = [each for each in repository.comments.values() if each.issue == number]
            return [{**self._shapes.comment(repository, each), "edits": list(each.edits)} for each in found]

    def reactions(self, full_name: str, comment_id: int) -> list[Reaction]:
        with self.world.lock:
            return list(self._comment(self.world.repository(full_name), comment_id).reactions)

    def deployments(self, full_name: str) -> list[Shape]:
        """Oldest first, each with its `statuses`, oldest first."""
        with self.world.lock:
            repository = self.world.repository(full_name)
            shape = self._shapes.deployment_status
            return [
                {
                    **self._shapes.deployment(repository, each),
                    "statuses": [shape(repository, each, status) for status in each.statuses],
                }
                for each in repository.deployments.values()
            ]

    def head(self, full_name: str, branch: str = "") -> str:
        """The SHA that the branch (the default one unless named) is at."""
        with self.world.lock:
            repository = self.world.repository(full_name)
            sha = repository.git.resolve(f"refs/heads/{branch or repository.default_branch}")
        if sha is None:
            raise LookupError(f"{full_name} has no branch {branch}.")
        return sha

    def deliveries(self, event: str | None = None) -> list[Delivery]:
        """Oldest first; redeliveries are entries of their own."""
        return [each for each in list(self._hooks.deliveries) if event in (None, each.event)]

    def redeliver(self, guid: str) -> Delivery:
        """Once more, with the same GUID and body."""
        found = next((each for each in self._hooks.deliveries if each.guid == guid), None)
        if found is None:
            raise LookupError(f"The sandbox has sent no delivery {guid}.")
        return self._hooks.redeliver(found)

    def settle(self, seconds: float = WAIT_S) -> None:
        """Return when every delivery so far has had its answer. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while any(not each.done for each in list(self._hooks.deliveries)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"Deliveries were still waiting for an answer after {seconds:.0f} s.")
            time.sleep(0.01)

    def webhooks_down(self) -> AbstractContextManager[None]:
        """While inside, deliveries fail and never leave."""
        return self._hooks.down()

    def fail(
        self,
        matching: Match,
        *,
        status: int | None = None,
        times: int | None = 1,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        drop: Literal["before", "after"] | None = None,
        delay: float = 0.0,
    ) -> Fault:
        """The next `times` requests (None: all, until lifted) that fit `matching` go wrong. It is method and path with
        wildcards (`POST /repos/*/check-runs`), or method and GitHub's path template, or a function of the two."""
        return self.faults.add(Fault(matching, status, times, headers or {}, body, drop, delay))

    def secondary_limit(self, per_minute: int | None = CONTENT_PER_MINUTE) -> None:
        """Content-creating requests a minute that an installation may make; None turns it off, as it is at first."""
        self.rest.limits.content_per_minute = per_minute

    def primary_limit(self, per_hour: int = PRIMARY_PER_HOUR) -> None:
        self.rest.limits.per_hour = per_hour

    def advance(self, seconds: float) -> None:
        """Set the sandbox's clock ahead: tokens expire, limits are reset."""
        with self.world.lock:
            self.world.ahead += seconds
