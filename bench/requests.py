"""What one deployment, and each command, costs in requests to GitHub: the real bot, engine and router."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench import fixture, town
from bench.report import Report, Size
from bench.town import AUTHOR, Town
from infra.sandbox.rest import Recorded

MOST = 15
SLOW = "for second in $(seq 40); do echo line $second; sleep 1; done\n" + fixture.PACKS
"""Long enough for its log's tail to be shown."""
QUIET_S = 1.5
COMMANDS = (
    "help",
    "status",
    "logs",
    "env",
    "diagnose",
    "lock because",
    "unlock",
    "cancel",
    "restart",
    "stop",
    "start",
    "deploy",
    "rollback",
    "deploi",
)


@dataclass(frozen=True)
class Counted:
    what: str
    asked: tuple[Recorded, ...]
    tails: int = 0
    """Of them, those that only brought the build's log up to date."""

    @property
    def count(self) -> int:
        return len(self.asked) - self.tails


def run(size: Size) -> Report:
    with town.real() as place:
        deployments = [_push(place, "first push to a repository", "first", fixture.PACKS, pushes=1)]
        deployments.append(_push(place, "later push", "later", fixture.PACKS, pushes=2))
        if not size.quick:
            deployments.append(_push(place, "later push, built in 40 s", "slow", SLOW, pushes=2))
        commands = _commands(place, COMMANDS[:2] if size.quick else COMMANDS)
    return _report(deployments, commands)


def _push(place: Town, what: str, name: str, script: str, pushes: int) -> Counted:
    """The last of so many pushes; the earlier ones are built at once."""
    (full_name,) = place.repositories(1, name)
    for version in range(1, pushes):
        _runs(place, full_name, place.push(full_name, version, fixture.files(str(version))))
    since = len(place.sandbox.requests)
    sha = place.push(full_name, pushes, fixture.files(str(pushes), script))
    _runs(place, full_name, sha)
    return Counted(what, tuple(place.asked(since)), _tails(place, full_name, sha))


def _runs(place: Town, full_name: str, sha: str) -> None:
    place.until(lambda: place.running(full_name, sha), f"{full_name} to run")
    place.quiet(QUIET_S)


def _tails(place: Town, full_name: str, sha: str) -> int:
    """How often the check was written again while it was BUILDING."""
    (check,) = [each for each in place.sandbox.check_runs(full_name, sha) if each["external_id"] != "offer"]
    shown = Counter(moment.title.split()[0] for moment in place.sandbox.check_run_history(check["id"]))
    return max(shown["BUILDING"] - 1, 0)


def _commands(place: Town, commands: Sequence[str]) -> list[Counted]:
    (name,) = place.repositories(1, "commands")
    _runs(place, name, place.push(name, 1, fixture.files("1")))
    changed = {**fixture.files("2"), "version": b"2\n"}
    place.sandbox.push(name, changed, branch="feature", message="Version 2", by=AUTHOR, executable={"mvnw"})
    pull = place.sandbox.open_pull_request(name, head="feature", title="Version 2", by=AUTHOR)
    place.quiet(QUIET_S)
    found = []
    for command in commands:
        since = len(place.sandbox.requests)
        comment = place.sandbox.comment(name, pull, f"/whaleray {command}", by=AUTHOR)
        place.until(lambda comment=comment: _answered(place, name, comment), f"an answer to {command}")  # type: ignore[misc]
        place.quiet(QUIET_S)
        found.append(Counted(command, tuple(place.asked(since))))
    return found


def _answered(place: Town, full_name: str, comment: int) -> bool:
    return any(each.content in ("rocket", "confused") for each in place.sandbox.reactions(full_name, comment))


def _report(deployments: Sequence[Counted], commands: Sequence[Counted]) -> Report:
    most = max(each.count for each in deployments)
    lines = [
        f"Requests from the webhook to the last write, the source's download included; wanted: at most {MOST} for a"
        " deployment,",
        f"log tails counted apart. Here {most}, {most / MOST:.2f} of it.",
        "",
        "| deployment | requests | log tails |",
        "| --- | ---: | ---: |",
        *(f"| {each.what} | {each.count} | {each.tails} |" for each in deployments),
    ]
    for each in deployments:
        lines += ["", f"{each.what.capitalize()}, in order:", ""]
        lines += [f"{n}. `{asked.method} {asked.template}` {asked.status}" for n, asked in enumerate(each.asked, 1)]
    lines += [
        "",
        "Commands, with all that follows from them:",
        "",
        "| command | requests | which |",
        "| --- | ---: | --- |",
    ]
    lines += [f"| `{each.what}` | {each.count} | {_which(each.asked)} |" for each in commands]
    figures = {each.what: each.count for each in (*deployments, *commands)}
    return Report("Requests to GitHub", lines, {"requests": figures})


def _which(asked: Sequence[Recorded]) -> str:
    """Short, in the order of their first appearance."""
    counted = Counter(f"{each.method} {'/'.join(each.template.split('/')[4:]) or each.template}" for each in asked)
    return ", ".join(f"`{name}`" + (f" x{count}" if count > 1 else "") for name, count in counted.items())
