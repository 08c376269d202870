"""Deployments and their statuses in GitHub's JSON."""

from __future__ import annotations

from infra.sandbox.records import Deployment, DeploymentStatus, Repository, iso
from infra.sandbox.shapes.base import Base, Shape, node


class Deployments(Base):
    def deployment(self, repository: Repository, deployment: Deployment) -> Shape:
        base = f"{self.api}/repos/{repository.full_name}"
        url = f"{base}/deployments/{deployment.id}"
        newest = deployment.statuses[-1] if deployment.statuses else None
        return {
            "url": url,
            "id": deployment.id,
            "node_id": node("Deployment", deployment.id),
            "sha": deployment.sha,
            "ref": deployment.ref,
            "task": deployment.task,
            "payload": deployment.payload,
            "original_environment": deployment.environment,
            "environment": deployment.environment,
            "description": deployment.description or None,
            "creator": self.account(deployment.creator),
            "created_at": iso(deployment.created_at),
            "updated_at": iso(newest.created_at if newest else deployment.created_at),
            "statuses_url": f"{url}/statuses",
            "repository_url": base,
            "transient_environment": deployment.transient,
            "production_environment": deployment.production,
            "performed_via_github_app": self.app(deployment.app) if deployment.app else None,
        }

    def deployment_status(self, repository: Repository, deployment: Deployment, status: DeploymentStatus) -> Shape:
        base = f"{self.api}/repos/{repository.full_name}"
        return {
            "url": f"{base}/deployments/{deployment.id}/statuses/{status.id}",
            "id": status.id,
            "node_id": node("DeploymentStatus", status.id),
            "state": status.state,
            "creator": self.account(status.creator),
            "description": status.description,
            "environment": status.environment,
            "target_url": status.log_url,
            "created_at": iso(status.created_at),
            "updated_at": iso(status.created_at),
            "deployment_url": f"{base}/deployments/{deployment.id}",
            "repository_url": base,
            "environment_url": status.environment_url,
            "log_url": status.log_url,
            "performed_via_github_app": self.app(deployment.app) if deployment.app else None,
        }
