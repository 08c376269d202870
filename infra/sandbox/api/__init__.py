"""The REST API: importing the endpoints' modules fills the table in `call`."""

from infra.sandbox.api import accounts, apps, checks, conversation, deployments, gitdata, repositories

__all__ = ["accounts", "apps", "checks", "conversation", "deployments", "gitdata", "repositories"]
