"""The last step of GitHub's manifest flow: a code becomes an App's credentials, once and within an hour."""

from __future__ import annotations

import httpx
from githubkit import GitHub
from githubkit.exception import RequestError, RequestFailed

from bot.errors import Outage, UserError
from bot.setup import Credentials
from infra.github import failures


async def convert(api_url: str, code: str) -> Credentials:
    """Raises UserError for a code that GitHub doesn't know (any more), Outage when it can't be asked."""
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
    return Credentials.model_validate_json(answer.content)
