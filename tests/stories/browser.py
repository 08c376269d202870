"""A person's browser without its pictures: cookies, forms with their origin, and GitHub's page where they sign in."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import httpx

from infra.sandbox import Sandbox


class Browser:
    """`login`: who sits before it. Follows redirects as browsers do, and stops where GitHub asks."""

    def __init__(self, sandbox: Sandbox, login: str) -> None:
        self.login = login
        self._sandbox = sandbox
        self.http = httpx.Client(timeout=30, trust_env=False, follow_redirects=True)

    def open(self, url: str) -> httpx.Response:
        """The page, after signing in where it asks for that."""
        page = self.http.get(url)
        return self._authorise(page) if page.url.path == "/login/oauth/authorize" else page

    def _authorise(self, page: httpx.Response) -> httpx.Response:
        asked = dict(parse_qsl(urlsplit(str(page.url)).query))
        return self.send(str(page.url.copy_with(query=None)), **asked, login=self.login)

    def send(self, url: str, **form: str) -> httpx.Response:
        """A form of a page of the same origin."""
        parts = urlsplit(url)
        return self.http.post(url, data=form, headers={"Origin": f"{parts.scheme}://{parts.netloc}"})

    def close(self) -> None:
        self.http.close()


def token(page: httpx.Response) -> str:
    """What the forms of the secrets' page carry."""
    found = re.search(r'name="form" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]
