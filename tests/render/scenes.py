"""Deployments as they are stored, to render: one shop, one Monday evening."""

from __future__ import annotations

from typing import Any

from bot.model import (
    Builder,
    BuildPlan,
    Cause,
    Deployment,
    Diagnosis,
    Evidence,
    Failure,
    Finding,
    Health,
    Kind,
    Release,
    Repository,
    Stage,
    StageTime,
    Step,
    Trigger,
)
from bot.render import Scene

NOON = 1_793_620_800.0
"""2 November 2026, 12:00:00 UTC."""
SHA = "3f9c2ab71d5e4f60a8b9c0d1e2f3a4b5c6d7e8f9"
LIVE_SHA = "91d0e77c2b3a4d5e6f708192a3b4c5d6e7f80910"
NEWER_SHA = "a01bb2c3d4e5f60718293a4b5c6d7e8f9a0b1c2d"
DELIVERY = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
URL = "https://service.example/github_1234-acme-shop/"
LOG_URL = "https://bot.example/deployments/d3f9/log?expires=1794307200&signature=0a1b2c"
APP_LOG_URL = "https://bot.example/deployments/d3f9/app-log"

REPOSITORY = Repository(
    id=1234, owner="acme", name="shop", installation_id=7, private=True, html_url="https://github.com/acme/shop"
)
PUBLIC = REPOSITORY.model_copy(update={"private": False})

PLAN = BuildPlan(
    builder=Builder.MAVEN,
    wrapper=True,
    jdk=17,
    spring_boot="3.5",
    port=8080,
    health=Health(path="/actuator/health", actuator=True),
)
GRADLE = BuildPlan(
    builder=Builder.GRADLE,
    directory="backend",
    module="shop/web",
    jdk=21,
    notes=("The `Dockerfile` is not used: the process engine builds the jar.",),
)
IMAGE = BuildPlan(builder=Builder.DOCKERFILE, dockerfile="docker/Dockerfile", port=9000)

LOG = "\n".join(f"[INFO] line {number}" for number in range(1, 61))

_PATH: dict[Stage, tuple[tuple[Stage, float], ...]] = {
    Stage.INSPECTING: ((Stage.INSPECTING, 0.0),),
    Stage.BUILDING: ((Stage.INSPECTING, 0.0), (Stage.BUILDING, 0.4)),
    Stage.DEPLOYING: ((Stage.INSPECTING, 0.0), (Stage.BUILDING, 0.4), (Stage.DEPLOYING, 71.0)),
}
_PATH[Stage.RUNNING] = (*_PATH[Stage.DEPLOYING], (Stage.RUNNING, 118.3))


def deployment(stage: Stage, *, after: Stage = Stage.BUILDING, **changes: Any) -> Deployment:
    """One in `stage`; `after`: the stage in which it failed or was cancelled."""
    path = _PATH[stage] if stage in _PATH else (*_PATH[after], (stage, _PATH[after][-1][1] + 61.0))
    values: dict[str, Any] = {
        "id": "d3f9",
        "repository_id": REPOSITORY.id,
        "service_id": "github_1234-acme-shop",
        "cause": Cause(delivery=DELIVERY),
        "sha": SHA,
        "ref": "main",
        "message": "Show prices in won",
        "actor": "octocat",
        "stage": stage,
        "stage_times": tuple(StageTime(stage=s, at=NOON + at) for s, at in path),
        "plan": None if stage is Stage.INSPECTING else PLAN,
    }
    return Deployment(**(values | changes))


LIVE = deployment(Stage.RUNNING, id="d91d", sha=LIVE_SHA, message="Sell shoes").model_copy(
    update={
        "stage_times": (
            StageTime(stage=Stage.INSPECTING, at=NOON - 9000),
            StageTime(stage=Stage.RUNNING, at=NOON - 8880),
        )
    }
)
RUNNING = deployment(Stage.RUNNING, replaced=LIVE.id)
ON_PULL = {"ref": "prices", "pr": 5, "environment": "pull/5"}
BY_COMMAND = Cause(delivery=DELIVERY, trigger=Trigger.COMMAND, comment_id=9)


def rollback(stage: Stage, sha: str = LIVE_SHA, **changes: Any) -> Deployment:
    times = ((Stage.DEPLOYING, 0.0), (stage, 8.2)) if stage.ended else ((Stage.DEPLOYING, 0.0),)
    return deployment(
        stage,
        id="d4b1",
        kind=Kind.ROLLBACK,
        sha=sha,
        cause=BY_COMMAND,
        release=Release(deployment=LIVE.id, artifact="shop.jar", sha=sha),
    ).model_copy(update={"stage_times": tuple(StageTime(stage=s, at=NOON + at) for s, at in times)} | changes)


BUILD_FAILURE = Failure(stage=Stage.BUILDING, what="The build failed.", why="`./mvnw` ended with 1.", log="build")
DIAGNOSED = Diagnosis(
    status="diagnosed",
    summary="`PriceService.java` uses `PriceFormatter`, which doesn't exist.",
    issues=(
        Finding(
            title="cannot find symbol PriceFormatter",
            file="src/main/java/com/acme/PriceService.java",
            line=24,
            column=16,
            evidence=(
                Evidence(line=93, quote="[ERROR] COMPILATION ERROR :"),
                Evidence(line=1895, quote="[ERROR] …/PriceService.java:[24,16] cannot find symbol"),
                Evidence(line=1896, quote="[ERROR]   symbol: variable PriceFormatter"),
            ),
            code="    return PriceFormatter.format(price);",
            fix="commit `PriceFormatter.java` (it is imported in 2 files and tracked in none), or remove the call.",
        ),
    ),
    confidence="high",
    by="global.anthropic.claude-haiku-5-5",
    log_lines=1940,
    took_s=3.1,
    cost_usd=0.0042,
)
BY_RULE = DIAGNOSED.model_copy(
    update={"by": "rule javac-cannot-find-symbol", "note": "Bedrock didn't answer in 10 s.", "cost_usd": 0.0}
)
SEVERAL = DIAGNOSED.model_copy(
    update={
        "issues": (
            *DIAGNOSED.issues,
            Finding(title="`Won` is not a `Currency`", cause="Its `of` takes two arguments.", verified=False),
            *(Finding(severity="warning", title=f"unused import {n}", file="src/A.java", line=n) for n in (3, 4, 5)),
        ),
        "recommendations": ("Build in the pull request's checks, too.", "Keep generated sources out of Git."),
    }
)
UNRECOGNISED = Diagnosis(
    status="unrecognised",
    log_lines=310,
    note="Bedrock didn't answer in 10 s.",
    extract=(Evidence(line=302, quote="make: *** [all] Error 2"), Evidence(line=310, quote="``` exit 2 ```")),
)
FAILED = deployment(Stage.FAILED, failure=BUILD_FAILURE, diagnosis=DIAGNOSED)
NOT_FOUND = deployment(
    Stage.FAILED,
    after=Stage.INSPECTING,
    plan=None,
    failure=Failure(
        stage=Stage.INSPECTING,
        what="No Spring Boot application found.",
        why="Looked for `pom.xml`, `build.gradle(.kts)` and `Dockerfile` in the root and 14 folders.",
        mend="If it is elsewhere, add `.whaleray.yml` with `path: backend/`.",
    ),
)
MISCONFIGURED = deployment(
    Stage.FAILED,
    after=Stage.INSPECTING,
    plan=None,
    failure=Failure(
        stage=Stage.INSPECTING,
        what="`.whaleray.yml` is wrong at line 2.",
        why="There is no key `prot`.",
        mend="Mend that line, then push again.",
        path=".whaleray.yml",
        line=2,
    ),
)
APP_FAILED = deployment(
    Stage.FAILED,
    after=Stage.DEPLOYING,
    failure=Failure(
        stage=Stage.DEPLOYING,
        what="The application stopped while it was starting: exit code 1.",
        mend="Its own log ends with the reason.",
        log="app",
    ),
    diagnosis=DIAGNOSED.model_copy(
        update={
            "summary": "The database refused the password.",
            "issues": (
                Finding(
                    title="password authentication failed",
                    evidence=(Evidence(line=41, quote="FATAL: password authentication failed for user shop"),),
                    fix="set `SPRING_DATASOURCE_PASSWORD` with `/whaleray env`.",
                ),
            ),
        }
    ),
)
SWITCHING = deployment(Stage.DEPLOYING, step=Step.CONFIRM)


def scene(shown: Deployment, **changes: Any) -> Scene:
    """42.6 s after the build began, with `LIVE` serving."""
    values: dict[str, Any] = {
        "deployment": shown,
        "repository": REPOSITORY,
        "service_url": URL,
        "now": NOON + 43.0,
        "live": LIVE,
        "log_at": NOON + 43.0,
        "log_url": LOG_URL,
        "app_log_url": APP_LOG_URL,
    }
    return Scene(**(values | changes))
