"""What there is to show of a deployment: the stored records, and the log's end."""

from __future__ import annotations

from dataclasses import dataclass

from bot.model import Deployment, Repository, Stage


@dataclass(frozen=True)
class Scene:
    """Everything that a check, a sticky comment or a diagnosis says, as values."""

    deployment: Deployment
    repository: Repository
    service_url: str
    now: float
    """UTC epoch seconds."""
    live: Deployment | None = None
    """What the service serves now; may be `deployment` itself."""
    replaced: Deployment | None = None
    """What was live before `deployment` went live."""
    log: str = ""
    """The build log, redacted already."""
    log_at: float = 0.0
    """When `log` was read."""
    log_url: str = ""
    """The whole build log; "" where there is none."""
    app_log_url: str = ""
    """The application's log, behind a sign-in with GitHub; "" where there is none."""

    @property
    def is_live(self) -> bool:
        return self.live is not None and self.live.id == self.deployment.id

    @property
    def other_live(self) -> Deployment | None:
        """The live version, unless it is this one."""
        return None if self.is_live else self.live

    @property
    def build_log_url(self) -> str:
        """`log_url`, once there is a build to log."""
        return self.log_url if self.deployment.entered(Stage.BUILDING) is not None else ""

    @property
    def before(self) -> Deployment | None:
        """What is live until this one is, or was."""
        return self.replaced or self.other_live

    @property
    def may_show_log(self) -> bool:
        """Whether lines of the log that holds the cause may be posted: an application's own log is never posted on a
        public repository (docs/design.md)."""
        failure = self.deployment.failure
        return self.repository.private or failure is None or failure.log != "app"
