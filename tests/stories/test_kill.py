"""SIGKILL before and after every call of a port: each deployment reaches its end, the service answers all the while,
and GitHub shows the truth, once.

The calls are read from the Protocols: one without a story here fails `test_every_call_of_a_port_has_its_story`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot import ports, wiring
from infra.demo.load import Load
from infra.demo.machine import Machine
from tests.stories import saboteur
from tests.stories.town import AUTHOR, PATIENCE_S, Place, Town
from tests.support import openapi

PROTOCOLS: dict[str, type] = {
    "store": ports.Store,
    "inbox": ports.Queue,
    "view": ports.Queue,
    "engine": ports.Engine,
    "registry": ports.Registry,
    "github": ports.GitHub,
    "secrets": ports.Secrets,
    "analyst": ports.Analyst,
}
CALLS = {
    f"{name}.{method}"
    for name, protocol in PROTOCOLS.items()
    for method, function in vars(protocol).items()
    if inspect.iscoroutinefunction(function)
}
NO_JOB = {
    "store.service_named": "a page asks",
    "store.put_audit": "a page asks",
    "store.audits": "a page asks",
    "secrets.set": "a page or an operator asks",
    "secrets.unset": "a page or an operator asks",
    "inbox.depth": "/metrics asks",
    "view.depth": "/metrics asks",
    "engine.hints": "one call for the life of a process",
}
"""Calls that are no part of any job: whoever asked sees that the bot is gone, and asks again."""
FAILS = "echo '[ERROR] Failed to execute goal on project hello'\nexit 1"


@dataclass
class Scene:
    """The place where all of it happens: a service that is live, and whose versions count up."""

    town: Town
    place: Place
    kills: Path
    version: int = 0
    pulls: list[int] = field(default_factory=list)

    @property
    def machine(self) -> Machine:
        return self.town.machine

    def next(self) -> str:
        self.version += 1
        return str(self.version)

    def restart(self) -> None:
        """Begin anew with what is to be killed already set: the start itself has calls."""
        self.machine.stop_bot()
        self.machine.start_bot(wait=False)

    def ended(self) -> bool:
        return self.machine.exit_code() is not None

    def expect(self, sha: str, title: str) -> None:
        """One check, one GitHub deployment, both with the right end."""

        def shown() -> bool:
            runs = self.place.checks(sha)
            return bool(runs) and runs[-1]["status"] == "completed"

        self.town.until(shown, f"{sha[:7]} to end")
        (check,) = self.place.checks(sha)
        assert check["output"]["title"].startswith(title), check["output"]
        wanted = {"RUNNING": "success", "FAILED": "failure"}[title]

        def told() -> bool:
            found = [d for d in self.town.sandbox.deployments(self.place.full_name) if d["sha"] == sha]
            return len(found) == 1 and [s["state"] for s in found[0]["statuses"]][-1:] == [wanted]

        self.town.until(told, f"one GitHub deployment of {sha[:7]} that ended as {wanted}")


Then = Callable[[], None]
"""What has to be true in the end."""
Story = Callable[[Scene], Then]


def push(scene: Scene) -> Then:
    version = scene.next()
    sha = scene.place.push(version)

    def then() -> None:
        scene.expect(sha, "RUNNING")
        scene.place.serves(version)

    return then


def failing_push(scene: Scene) -> Then:
    live = str(scene.version)
    sha = scene.place.push(f"{live}-broken", FAILS)

    def then() -> None:
        scene.expect(sha, "FAILED")
        scene.place.serves(live)

    return then


def comment(scene: Scene) -> Then:
    version = scene.next()
    pull, head = scene.place.pull_request(version, branch=f"feature-{version}")
    said = scene.place.say(pull, "/whaleray deploy")

    def then() -> None:
        scene.expect(head, "RUNNING")
        scene.place.serves(version)
        scene.place.reacted(said, "rocket")
        scene.town.until(lambda: scene.place.url in scene.place.sticky(pull), "the sticky comment with the URL")

    return then


def status(scene: Scene) -> Then:
    pull, _ = scene.place.pull_request(f"{scene.version}-asked", branch=f"asked-{scene.next()}")
    live = scene.version - 1
    scene.version = live
    scene.place.say(pull, "/whaleray status")

    def then() -> None:
        scene.place.answer(pull)
        assert len(scene.place.comments(pull)) == 1

    return then


def refusal(scene: Scene) -> Then:
    stranger = "mallory"
    scene.town.sandbox.create_user(stranger)
    scene.town.sandbox.grant(scene.place.full_name, stranger, "read")
    pull, _ = scene.place.pull_request(f"{scene.version}-refused", branch=f"refused-{scene.kills.stat().st_mtime_ns}")
    scene.place.say(pull, "/whaleray deploy", by=stranger)

    def then() -> None:
        scene.place.answer(pull)
        assert len(scene.place.comments(pull)) == 1

    return then


def unlock(scene: Scene) -> Then:
    keeper = "carol"
    scene.town.sandbox.create_user(keeper)
    scene.town.sandbox.grant(scene.place.full_name, keeper, "write")
    pull, _ = scene.place.pull_request(f"{scene.version}-locked", branch=f"locked-{scene.kills.stat().st_mtime_ns}")
    scene.place.say(pull, "/whaleray lock load test", by=keeper)
    scene.place.say(pull, "/whaleray unlock", by=AUTHOR)

    def then() -> None:
        scene.place.answer(pull, 2)
        assert len(scene.place.comments(pull)) == 2

    return then


def waits(scene: Scene) -> Then:
    place = scene.town.repository()
    sha = place.push("1", files={".whaleray.yml": b"wait_for_checks: true\n"})
    place.other_check(sha, "success")

    def then() -> None:
        place.runs(sha)
        assert len(place.checks(sha)) == 1
        place.serves("1")

    return then


def install(scene: Scene) -> Then:
    owner = scene.town.organisation()
    place = scene.town.repository(install=False, owner=owner)
    head = place.push("1")
    scene.town.sandbox.install(owner, [place.full_name], by=AUTHOR)

    def then() -> None:
        place.neutral(head)

    return then


def uninstall(scene: Scene) -> Then:
    owner = scene.town.organisation()
    place = scene.town.repository(owner=owner)
    place.runs(place.push("1"))
    url = place.url
    scene.town.sandbox.uninstall(owner, by=AUTHOR)

    def then() -> None:
        scene.town.until(lambda: scene.town.http.get(url).status_code in (404, 503), "the service to be gone")

    return then


def unknown_account(scene: Scene) -> Then:
    """The installation's own delivery never arrives: a push is the first that is heard of it."""
    owner = scene.town.organisation()
    with scene.town.sandbox.webhooks_down():
        place = scene.town.repository(owner=owner)
        scene.town.sandbox.settle()
    sha = place.push("1")

    def then() -> None:
        place.runs(sha)
        place.serves("1")

    return then


def outage(scene: Scene) -> Then:
    """GitHub answers 502 for longer than a call tries again by itself; the work is put back."""
    scene.town.sandbox.fail("GET /repos/*/git/ref/*", status=502, times=8)
    scene.town.sandbox.fail("POST /repos/*/check-runs", status=502, times=4)
    return push(scene)


def start(scene: Scene) -> Then:
    scene.restart()
    return push(scene)


def missed(scene: Scene) -> Then:
    """A push while no webhook arrives is taken up at the next start."""
    version = scene.next()
    with scene.town.sandbox.webhooks_down():
        sha = scene.place.push(version)
        scene.town.sandbox.settle()
    scene.restart()

    def then() -> None:
        scene.expect(sha, "RUNNING")
        scene.place.serves(version)

    return then


HAPPY = (
    "store.service store.put_service store.deployment store.put_deployment store.deployments_of store.view "
    "store.put_view inbox.send inbox.lease inbox.ack view.send view.lease view.ack "
    "engine.start_build engine.start_rollout engine.scale engine.observe engine.log registry.register "
    "registry.deregister registry.addresses registry.publish registry.confirm registry.drain_seconds "
    "github.branch_head github.tree github.file github.source github.create_check_run github.update_check_run "
    "github.create_deployment github.set_deployment_status secrets.get"
)
STORIES: Mapping[str, Story] = {
    **dict.fromkeys(HAPPY.split(), push),
    **dict.fromkeys(("engine.cancel", "analyst.diagnose", "github.merged_from"), failing_push),
    **dict.fromkeys(
        (
            "github.pull_request",
            "github.commit",
            "github.can_write",
            "github.react",
            "github.create_comment",
            "github.update_comment",
            "store.branch",
            "store.put_branch",
        ),
        comment,
    ),
    **dict.fromkeys(("store.installation", "store.put_installation", "github.repository"), install),
    **dict.fromkeys(("store.delete_installation", "engine.remove"), uninstall),
    **dict.fromkeys(("store.in_flight", "store.services", "engine.prune", "github.missed_deliveries"), start),
    **dict.fromkeys(("github.redeliver",), missed),
    **dict.fromkeys(("inbox.release", "view.release"), outage),
    "github.user_id": unknown_account,
    "store.once": refusal,
    "github.can_maintain": unlock,
    "github.other_checks": waits,
    "github.find_check_run": push,
    "github.find_deployment": push,
    "github.find_comment": status,
}
PRELUDE = {
    "github.find_check_run": "github.create_check_run:after",
    "github.find_deployment": "github.create_deployment:after",
    "github.find_comment": "github.create_comment:after",
}
"""What has to be cut off before, so that the call is made at all."""


def test_every_call_of_a_port_has_its_story() -> None:
    assert set(STORIES) | set(NO_JOB) == CALLS
    assert not set(STORIES) & set(NO_JOB)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, compiled: Mapping[str, bytes]) -> Iterator[Scene]:
    home = tmp_path_factory.mktemp("killed")
    kills = home.parent / f"{home.name}.kills"
    kills.touch()
    machine = Machine(
        home,
        end_services=wiring.end_services,
        entry=("-m", "tests.stories.saboteur"),
        extra={saboteur.KILLS: str(kills)},
    )
    machine.sandbox.checks.append(openapi.github().request)
    with machine:
        town = Town(machine, compiled)
        made = Scene(town, town.repository(), kills)
        push(made)()
        yield made
        town.http.close()
        assert not machine.sandbox.violations, machine.sandbox.violations


@pytest.mark.parametrize("call", sorted(STORIES))
def test_killed_before_and_after(scene: Scene, call: str) -> None:
    lines = [PRELUDE[call]] if call in PRELUDE else []
    lines += [f"{call}:before", f"{call}:after"]
    with Load(scene.place.url) as load:
        scene.kills.write_text("".join(f"{line}\n" for line in lines))
        then = STORIES[call](scene)
        for line in lines:
            scene.machine.until(scene.ended, f"the bot to be killed at {line}", PATIENCE_S, alive=False)
            scene.machine.start_bot(wait=False)
        assert scene.kills.read_text() == ""
        then()
    assert load.failed == 0, load.first_failure
    assert load.sent > 0
