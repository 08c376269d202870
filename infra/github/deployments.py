"""GitHub's deployments and their statuses."""

from __future__ import annotations

from pydantic import TypeAdapter

from bot.errors import Outage
from bot.model import Repository
from infra.github import bodies
from infra.github.answers import DeploymentAnswer, Id, StatusAnswer, read
from infra.github.base import Part, of
from infra.github.failures import Absent, Transient

_DEPLOYMENTS = TypeAdapter(list[DeploymentAnswer])
_STATUSES = TypeAdapter(list[StatusAnswer])


class Deployments(Part):
    async def find_deployment(self, repo: Repository, sha: str, deployment_id: str) -> int | None:
        """The App's GitHub deployment of that commit whose payload says `{"whaleray": deployment_id}`."""
        try:
            async for page in self._client.pages(of(repo, "/deployments"), repo.installation_id, sha=sha):
                for each in read(_DEPLOYMENTS, page):
                    app = each.performed_via_github_app
                    ours = app is None or not self._app_id or app.id == self._app_id
                    if ours and each.payload.get("whaleray") == deployment_id:
                        return each.id
        except Absent:
            return None
        return None

    async def create_deployment(
        self, repo: Repository, sha: str, environment: str, deployment_id: str, description: str
    ) -> int:
        """An answer that got lost: the deployment is looked up; Outage when it is not there (yet)."""
        body = bodies.new_deployment(sha, environment, deployment_id, description)
        try:
            response = await self._client.send(
                "POST", of(repo, "/deployments"), repo.installation_id, body=body, again=False
            )
        except Transient as failure:
            found = await self.find_deployment(repo, sha, deployment_id) if failure.arrived else None
            if found is None:
                raise
            return found
        if response.status_code == 202:
            raise Outage("GitHub merged a branch in place of making a deployment.", "It was asked not to.")
        return read(Id, response).id

    async def set_deployment_status(
        self,
        repo: Repository,
        github_deployment_id: int,
        state: str,
        *,
        environment_url: str = "",
        log_url: str = "",
        description: str = "",
    ) -> None:
        """An answer that got lost: fine when the newest status is this one, else Outage. Raises Gone when there is no
        such deployment."""
        body = bodies.deployment_status(state, environment_url, log_url, description)
        url = of(repo, "/deployments/{}/statuses", github_deployment_id)
        try:
            await self._client.send("POST", url, repo.installation_id, body=body, again=False)
        except Transient as failure:
            if not failure.arrived:
                raise
            newest = read(_STATUSES, await self._client.get(url, repo.installation_id, per_page=1))
            wanted = StatusAnswer.model_validate(body)
            if not newest or newest[0] != wanted:
                raise
