"""The records WhaleRay keeps, in the words of docs/design.md. All are frozen values; times are UTC epoch seconds."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Record(BaseModel):
    """A frozen value; unknown fields of a later version are ignored when read back."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Stage(StrEnum):
    INSPECTING = "INSPECTING"
    BUILDING = "BUILDING"
    DEPLOYING = "DEPLOYING"
    RUNNING = "RUNNING"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def ended(self) -> bool:
        return self in (Stage.RUNNING, Stage.FAILED, Stage.CANCELLED)


class Kind(StrEnum):
    DEPLOY = "DEPLOY"
    ROLLBACK = "ROLLBACK"


class Desired(StrEnum):
    RUNNING = "RUNNING"
    STOPPED = "STOPPED"
    REMOVED = "REMOVED"


class EngineName(StrEnum):
    PROCESS = "process"
    DOCKER = "docker"
    AWS = "aws"


class Trigger(StrEnum):
    """What a person (or GitHub) did that caused a deployment."""

    PUSH = "push"
    COMMAND = "command"
    BUTTON = "button"
    RERUN = "rerun"


class Cause(Record):
    """Where a deployment comes from; its id is made of it (see `bot.naming.deployment_id`)."""

    delivery: str
    """The `X-GitHub-Delivery` GUID."""
    ordinal: int = 0
    """Which command of the comment, counted from 0."""
    trigger: Trigger = Trigger.PUSH
    comment_id: int | None = None
    at: float = 0.0
    """When GitHub says that it happened."""


class Repository(Record):
    """A repository as GitHub names it now; `id` never changes, the rest may."""

    id: int
    owner: str
    name: str
    installation_id: int
    default_branch: str = "main"
    private: bool = False
    html_url: str = ""

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"


class Installation(Record):
    id: int
    account: str
    account_id: int
    installer: str = ""
    installer_id: int = 0
    suspended: bool = False


class Lock(Record):
    owner: str
    reason: str = ""
    since: float = 0.0


class Pushes(Record):
    """What `.whaleray.yml` says of pushes."""

    branch: str = ""
    """The one that deploys by itself; "" is the default branch."""
    auto: bool = True
    wait_for_checks: bool = False


class Service(Record):
    """What a repository runs as: exactly one per repository."""

    repository: Repository
    service_id: str
    engine: EngineName
    port: int = 8080
    """Frozen per service at its first plan; the router's upstream names it."""
    desired: Desired = Desired.RUNNING
    stopped_at: float = 0.0
    """When a person stopped it last: what was opened later starts it again, what was opened earlier does not."""
    live_deployment: str | None = None
    instances: int = 1
    locked_by: Lock | None = None
    pushes: Pushes | None = None
    """None: not read yet."""
    listed: bool = False
    """In the router's file of upstreams."""
    rollout: str | None = None
    """The deployment whose rollout has begun: one at a time, others wait for its end."""
    revision: int = 0

    @property
    def repository_id(self) -> int:
        return self.repository.id


class Builder(StrEnum):
    MAVEN = "maven"
    GRADLE = "gradle"
    DOCKERFILE = "dockerfile"
    """A Dockerfile alone, with no build file that WhaleRay knows."""


class Health(Record):
    """How an instance is asked whether it is up. `path` None: a TCP connect, then `/`."""

    path: str | None = None
    actuator: bool = False


class BuildPlan(Record):
    """How to turn one commit into a release and run it. Pure data, made by `bot.inspection.plan`."""

    builder: Builder
    directory: str = ""
    """Where the build is started, relative to the repository's root; "" is the root."""
    module: str = ""
    """The sub-module that holds the application, relative to `directory`; "" when there is only one."""
    wrapper: bool = False
    """The repository's own `mvnw`/`gradlew` is used; else the machine's tool."""
    wrapper_executable: bool = True
    jdk: int = 17
    jdk_from: str = "default"
    """Which file or property said so, for the reader."""
    spring_boot: str = ""
    """The version where it could be read; "" otherwise."""
    port: int = 8080
    health: Health = Health()
    context_path: str = ""
    dockerfile: str | None = None
    """The repository's own Dockerfile, relative to the root; None: one is injected."""
    context: str = ""
    """The directory that its own Dockerfile is built in, relative to the root."""
    task: str = "bootJar"
    """Gradle's task that packages the application."""
    repackage: bool = False
    """The POM doesn't apply Spring Boot's plugin: the build calls its goal, which makes the jar executable."""
    arguments: tuple[str, ...] = ()
    """Extra build arguments from `.whaleray.yml`."""
    env: tuple[tuple[str, str], ...] = ()
    memory_mb: int = 512
    cpu: float = 1.0
    instances: int = 1
    notes: tuple[str, ...] = ()
    """What the reader should know about the plan, a sentence each."""

    @property
    def command(self) -> tuple[str, ...]:
        """The build command as run in `directory`, the wrapper or tool first."""
        module = self.module.strip("/")
        if self.builder is Builder.MAVEN:
            tool = "./mvnw" if self.wrapper else "mvn"
            only: tuple[str, ...] = ("-pl", module, "-am") if module else ()
            # Maven 3.6.1 brought -ntp; wrappers of the time before Spring Boot 2.2 name older ones, which refuse it.
            quiet = () if self.wrapper and self.spring_boot.startswith(("1.", "2.0.", "2.1.")) else ("-ntp",)
            plugin = f"org.springframework.boot:spring-boot-maven-plugin:{self.spring_boot}"
            goals = ("package", f"{plugin}:repackage") if self.repackage else ("package",)
            return (tool, "-B", *quiet, "-DskipTests", *only, *self.arguments, *goals)
        if self.builder is Builder.GRADLE:
            tool = "./gradlew" if self.wrapper else "gradle"
            # By directory and not by project path: settings may map the two as they like.
            only = ("-p", module) if module else ()
            return (tool, "--console=plain", "--no-daemon", *only, *self.arguments, self.task)
        return ()


class Release(Record):
    """The built artifact, kept so that a rollback needs no build."""

    deployment: str
    """The deployment whose build made it."""
    artifact: str
    """The engine's own name of it: a jar's path, or an image."""
    size: int = 0
    """Bytes."""
    sha: str = ""


class Evidence(Record):
    line: int
    """1-based, in the log."""
    quote: str


class Finding(Record):
    """One thing that broke: the diagnosis's `issues[]`."""

    severity: Literal["error", "warning"] = "error"
    title: str
    cause: str = ""
    file: str | None = None
    """Relative to the repository's root."""
    line: int | None = None
    column: int | None = None
    evidence: tuple[Evidence, ...] = ()
    code: str = ""
    """That line of the file, as it is at the commit."""
    fix: str = ""
    verified: bool = True
    """False when a quote was not found in the log."""


class Diagnosis(Record):
    """Why a deployment failed."""

    status: Literal["diagnosed", "unrecognised"]
    summary: str = ""
    issues: tuple[Finding, ...] = ()
    recommendations: tuple[str, ...] = ()
    confidence: Literal["high", "medium", "low"] = "low"
    by: str = ""
    """`rule <name>` or the model's id."""
    note: str = ""
    """Why another analyst did not answer, for the footer."""
    log_lines: int = 0
    extract: tuple[Evidence, ...] = ()
    """The closest lines, redacted, for the evidence fold."""
    took_s: float = 0.0
    cost_usd: float = 0.0


class Failure(Record):
    """What a FAILED deployment says even before its diagnosis."""

    stage: Stage
    what: str
    why: str = ""
    mend: str = ""
    log: Literal["build", "app"] | None = None
    """Which log holds the cause; None when no log does."""
    path: str = ""
    """The file of the repository that is wrong, where it is known, and its line."""
    line: int = 0


class Step(StrEnum):
    """The sub-steps of a rollout, in order; each job does one."""

    START = "start"
    HEALTHY = "healthy"
    REGISTER = "register"
    CONFIRM = "confirm"
    DEREGISTER = "deregister"
    DRAIN = "drain"
    DONE = "done"


class StageTime(Record):
    stage: Stage
    at: float


class Deployment(Record):
    """One attempt to make one commit the service's live version."""

    id: str
    repository_id: int
    service_id: str
    kind: Kind = Kind.DEPLOY
    cause: Cause
    sha: str
    ref: str
    """The branch's name, or what the person named."""
    message: str = ""
    """First line of the commit's message."""
    environment: str = "production"
    pr: int | None = None
    actor: str = ""
    stage: Stage = Stage.INSPECTING
    stage_times: tuple[StageTime, ...] = ()
    step: Step = Step.START
    step_at: float = 0.0
    plan: BuildPlan | None = None
    release: Release | None = None
    failure: Failure | None = None
    diagnosis: Diagnosis | None = None
    waits: bool = False
    """Until the other checks of its commit have passed (`wait_for_checks`)."""
    superseded_by: str | None = None
    """The commit or person that cancelled it, for its check."""
    replaced: str | None = None
    """The deployment that was live when this one went live."""
    revision: int = 0
    """Grows by one with each write; a conditional write names the one it read."""

    @property
    def short_sha(self) -> str:
        return self.sha[:7]

    @property
    def opened_at(self) -> float:
        return self.stage_times[0].at if self.stage_times else 0.0

    def entered(self, stage: Stage) -> float | None:
        """When `stage` was entered, or None."""
        return next((t.at for t in self.stage_times if t.stage is stage), None)


class View(Record):
    """What GitHub shows of a deployment: ids of what was made, and hashes of what was last written there."""

    deployment: str
    check_run_id: int | None = None
    github_deployment_id: int | None = None
    sticky_comment_id: int | None = None
    begun: frozenset[str] = frozenset()
    """What may have been created already (`check`, `deployment`, `sticky`), though its id is not known: a crash fell
    between GitHub's answer and our write. Those are looked for before they are created; others need no look."""
    hashes: dict[str, str] = Field(default_factory=dict)
    pr: int | None = None
    """Of a neutral check: the pull request whose head its button deploys."""


class Audit(Record):
    """Who changed a secret of a service, and when; never its value."""

    service_id: str
    key: str
    action: Literal["set", "unset"]
    actor: str
    at: float


class LogKind(StrEnum):
    BUILD = "build"
    APP = "app"


class BuildState(StrEnum):
    ABSENT = "absent"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class InstanceState(StrEnum):
    STARTING = "starting"
    HEALTHY = "healthy"
    EXITED = "exited"


class Instance(Record):
    """One running copy of a release."""

    id: str
    address: str
    """IPv4 address."""
    port: int
    state: InstanceState
    detail: str = ""
    """What the last probe or the exit said, for the reader: `GET /actuator/health: 503`, `exit code 1`."""


class Observation(Record):
    """What an engine sees of one deployment, now."""

    build: BuildState = BuildState.ABSENT
    build_failure: Failure | None = None
    release: Release | None = None
    instances: tuple[Instance, ...] = ()
    log_size: int = 0
    """Bytes of build log so far; changes when there is something new to show."""


class Branch(Record):
    """A pull request's head as webhooks told it: when it was *received* here."""

    repository_id: int
    ref: str
    """`refs/pull/N/head`; `refs/pull/N/closed`, whose `sha` is "" while it is open again."""
    sha: str
    received_at: float
