"""The last step of GitHub's manifest flow: a code becomes an App's credentials, once and within an hour."""

from __future__ import annotations

import re

import httpx
from githubkit import GitHub
from githubkit.exception import RequestError, RequestFailed
from pydantic import ValidationError

from bot.errors import Outage, UserError
from bot.setup import Credentials
from infra.github import failures

_CODE = re.compile(r"[A-Za-z0-9_-]{1,200}")
"""It becomes part of a path."""


async def convert(api_url: str, code: str) -> Credentials:
    """Raises UserError for a code that GitHub doesn't know (any more), Outage when it can't be asked."""
    if not _CODE.fullmatch(code):
        raise UserError("GitHub did not give a code.", "", "Begin again at the address that was printed.")
    github = GitHub(base_url=api_url, user_agent="WhaleRay", auto_retry=False, http_cache=False, timeout=10.0)
    try:
        answer = await github.rest.apps.async_create_from_manifest(code)
    except RequestFailed as error:
        response = error.response.raw_response
        if response.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
            raise UserError(
                "GitHub did not give the App's credentials.",
                f"It said: {failures.words(response)}.",
                "A code is good once and for an hour. Delete the new App on GitHub and run whaleray setup again.",
            ) from error
        raise Outage(f"GitHub answered {response.status_code}.", failures.words(response)) from error
    except RequestError as error:
        raise Outage("GitHub can't be reached.", f"{type(error.exc).__name__}.") from error
    try:
        return Credentials.model_validate_json(answer.content)
    except ValidationError as error:
        raise Outage(
            "GitHub's answer with the App's credentials could not be read.",
            f"It lacks {', '.join(str(each['loc'][0]) for each in error.errors() if each['loc']) or 'everything'}.",
            "Delete the new App on GitHub and run whaleray setup again.",
        ) from error
