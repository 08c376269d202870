"""The REST API: importing the endpoints' modules fills the table in `call`."""

from infra.sandbox.api import apps, checks, conversation, deployments, gitdata, repositories

__all__ = ["apps", "checks", "conversation", "deployments", "gitdata", "repositories"]
