"""GitHub through githubkit, behind `bot.ports.GitHub`."""

from infra.github.adapter import GithubkitGitHub

__all__ = ["GithubkitGitHub"]
