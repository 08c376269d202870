"""What the bot keeps in memory, files and threads after more and more deployments, on a fake engine."""

from __future__ import annotations

from dataclasses import dataclass

from bench import town
from bench.figures import growth
from bench.process import Use, stored, use
from bench.report import Report, Size
from bench.town import Town

FLAT = 0.10
REPOSITORIES = 20
MEBI = 2**20


@dataclass(frozen=True)
class Point:
    deployments: int
    use: Use
    stored: int


def run(size: Size) -> Report:
    stops = (20, 40, 60) if size.quick else (100, 200, 500, 1000)
    points: list[Point] = []
    with town.faked(build_s=0.01, traced=False) as (place, _):
        names = place.repositories(REPOSITORIES)
        done = 0
        while done < stops[-1]:
            _round(place, names, done // REPOSITORIES)
            done += REPOSITORIES
            if done in stops:
                place.quiet(2.0)
                points.append(_point(place, done))
    return _report(points)


def _round(place: Town, names: list[str], version: int) -> None:
    """One push to each."""
    heads = [(name, place.push(name, version)) for name in names]
    for name, sha in heads:
        place.until(lambda name=name, sha=sha: place.running(name, sha), f"{name} to run")  # type: ignore[misc]


def _point(place: Town, deployments: int) -> Point:
    pid = place.machine.pid
    if pid is None:
        raise RuntimeError("the bot does not run")
    return Point(deployments, use(pid), stored(place.machine.home))


def _report(points: list[Point]) -> Report:
    first, last = points[0], points[-1]
    more = growth(first.use.pss, last.use.pss)
    lines = [
        f"Pushes to {REPOSITORIES} repositories, each deployed until it runs; wanted: flat within {FLAT:.0%} from"
        f" {first.deployments} to {last.deployments}.",
        f"It grew by {more:.1%}. Traces are off; the databases grow with what is kept of each deployment.",
        "",
        "| deployments | PSS MiB | RSS MiB | descriptors | threads | databases MiB |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {each.deployments} | {each.use.pss / MEBI:.1f} | {each.use.rss / MEBI:.1f} | {each.use.descriptors}"
        f" | {each.use.threads} | {each.stored / MEBI:.1f} |"
        for each in points
    ]
    figures = {
        "growth": more,
        "points": [{"deployments": p.deployments, "stored": p.stored, **vars(p.use)} for p in points],
    }
    return Report("The bot's memory after many deployments", lines, figures)
