"""From a push's webhook to the first check run on GitHub, and from a comment to its reaction: what WhaleRay itself
takes, the stand-in's own time subtracted, step by step."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench import town, trace
from bench.figures import SPREAD_HEAD, Spread
from bench.report import Report, Size
from bench.town import AUTHOR, Town
from infra.sandbox.hooks import Delivery
from infra.sandbox.rest import Recorded

P50_S, P99_S = 0.050, 0.200
A_SECOND = 10
STEPS = (
    "received: GitHub's sending, signature, extraction",
    "stored durably",
    "waits in the inbox",
    "handler: store and the rest",
    "handler: calls of GitHub, the stand-in's time subtracted",
    "waits in the view's queue",
    "view: up to the request for the check run",
)


@dataclass(frozen=True)
class Told:
    """One push: what GitHub sent, and the request that answered it."""

    delivery: Delivery
    full_name: str
    first: bool
    """The first of its repository: the service is claimed, `.whaleray.yml` is looked for."""
    answered: Recorded
    stand_in_s: float
    """What the stand-in itself took for the requests before that one."""

    @property
    def seconds(self) -> float:
        return self.answered.at - self.delivery.at - self.stand_in_s


def run(size: Size) -> Report:
    repositories, comments = size.of(100, 4), size.of(100, 4)
    with town.faked() as (place, file):
        names = place.repositories(repositories)
        pull_names = place.repositories(size.of(10, 2), "pull")
        _warm(place)
        alone = [told for version in (1, 2) for told in _pushes(place, names, version, _one_at_a_time)]
        paced = [told for version in (3, 4) for told in _pushes(place, names, version, _paced)]
        reactions = _comments(place, pull_names, comments)
        place.quiet()
        place.machine.stop_bot()
        saved = trace.load(file)
    return _report(alone, paced, reactions, saved)


def _warm(place: Town) -> None:
    (name,) = place.repositories(1, "warm")
    for version in range(3):
        sha, guids = place.held_back(name, version)
        place.tell(guids)
        place.until(lambda sha=sha: place.running(name, sha), "the warm-up")  # type: ignore[misc]


def _one_at_a_time(place: Town, number: int, name: str, sha: str) -> None:
    place.until(lambda: place.running(name, sha), f"{name} to run")
    place.quiet(0.05)


def _paced(place: Town, number: int, name: str, sha: str) -> None:
    time.sleep(1 / A_SECOND)


def _pushes(place: Town, names: Sequence[str], version: int, then: Callable[[Town, int, str, str], None]) -> list[Told]:
    """To each of the repositories one."""
    held = [(name, *place.held_back(name, version)) for name in names]
    since = len(place.sandbox.requests)
    sent: list[tuple[str, Delivery]] = []
    for number, (name, sha, guids) in enumerate(held):
        sent.append((name, place.tell(guids)))
        then(place, number, name, sha)
    for name, sha, _ in held:
        place.until(lambda name=name, sha=sha: place.running(name, sha), f"{name} to run")  # type: ignore[misc]
    asked = place.asked(since)
    return [_told(delivery, name, version == 1, asked) for name, delivery in sent]


def _told(delivery: Delivery, name: str, first: bool, asked: Sequence[Recorded]) -> Told:
    own = [each for each in asked if each.path.startswith(f"/repos/{name}/") and each.at >= delivery.at]
    answered = next(each for each in own if each.method == "POST" and each.template.endswith("/check-runs"))
    before = sum(each.seconds for each in own if each.at < answered.at)
    return Told(delivery, name, first, answered, before)


def _comments(place: Town, names: Sequence[str], count: int) -> list[float]:
    """`/whaleray status` again and again; seconds from each delivery to the request for its first reaction."""
    pulls = []
    for name in names:
        place.push(name, 1)
        place.sandbox.push(name, {"version": b"2"}, branch="feature", by=AUTHOR)
        pulls.append((name, place.sandbox.open_pull_request(name, head="feature", title="Two", by=AUTHOR)))
    place.quiet()
    found = []
    for number in range(count):
        name, pull = pulls[number % len(pulls)]
        since, known = len(place.sandbox.requests), len(place.sandbox.deliveries("issue_comment"))
        comment = place.sandbox.comment(name, pull, "/whaleray status", by=AUTHOR)
        wanted = f"/repos/{name}/issues/comments/{comment}/reactions"

        def reacted(wanted: str = wanted, since: int = since) -> Recorded | None:
            return next((each for each in place.asked(since) if each.path == wanted), None)

        answered = place.until(reacted, "a reaction")
        place.quiet(0.1)
        delivery = place.sandbox.deliveries("issue_comment")[known]
        before = sum(each.seconds for each in place.asked(since) if delivery.at <= each.at < answered.at)
        found.append(answered.at - delivery.at - before)
    return found


def steps_of(told: Told, saved: trace.Saved) -> tuple[float, ...]:
    """How its seconds spread over STEPS."""
    guid = told.delivery.guid
    push = f"push {guid}"
    deployment = next(each for each, cause in saved.causes.items() if cause == guid)
    show = f"show {deployment}"
    mine = [call for call in saved.calls if call.about == push]
    stored = next(call for call in mine if call.name == "inbox.send")
    leased = next(call for call in mine if call.name == "inbox.lease")
    sent = next(call for call in saved.calls if call.about == show and call.name == "view.send")
    seen = next(call for call in saved.calls if call.about == show and call.name == "view.lease")
    asked = sum(
        call.seconds for call in mine if call.name.startswith("github.") and leased.ended <= call.began < sent.ended
    )
    return (
        stored.began - told.delivery.at,
        stored.seconds,
        leased.ended - stored.ended,
        sent.ended - leased.ended - asked,
        asked - told.stand_in_s,
        seen.ended - sent.ended,
        told.answered.at - seen.ended,
    )


def _report(alone: Sequence[Told], paced: Sequence[Told], reactions: Sequence[float], saved: trace.Saved) -> Report:
    groups = {
        "push to check run, one at a time": [told.seconds for told in alone],
        "… of which the first of its repository": [told.seconds for told in alone if told.first],
        "… of which later ones": [told.seconds for told in alone if not told.first],
        f"push to check run, {A_SECOND} a second": [told.seconds for told in paced],
        "comment to its first reaction": list(reactions),
    }
    spreads = {name: Spread.of(values) for name, values in groups.items()}
    whole = spreads["push to check run, one at a time"]
    lines = [
        "From the moment GitHub sends the webhook to the moment it receives the request that answers it, milliseconds,",
        "the time that the stand-in itself took for the requests before that one subtracted. The engine is a fake.",
        "",
        *SPREAD_HEAD,
        *(spread.row(name) for name, spread in spreads.items()),
        "",
        f"Promised: p50 <= {P50_S * 1000:.0f} ms, p99 <= {P99_S * 1000:.0f} ms. One at a time that is "
        f"{whole.p50 / P50_S:.2f} and {whole.p99 / P99_S:.2f} of it.",
    ]
    breakdowns = {}
    for name, group in (("One at a time", alone), (f"{A_SECOND} a second", paced)):
        columns = list(zip(*(steps_of(told, saved) for told in group), strict=True))
        breakdowns[name] = {step: Spread.of(column) for step, column in zip(STEPS, columns, strict=True)}
        lines += ["", f"{name}, step by step:", "", *SPREAD_HEAD]
        lines += [spread.row(step) for step, spread in breakdowns[name].items()]
    figures = {name: vars(spread) for name, spread in spreads.items()}
    steps = {name: {s: vars(spread) for s, spread in of.items()} for name, of in breakdowns.items()}
    return Report("Push to check run, comment to reaction", lines, {"seconds": figures, "steps": steps})
