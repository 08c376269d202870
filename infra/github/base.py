"""What the parts of the port share: the client and who the App is."""

from __future__ import annotations

from collections.abc import Callable

from bot.model import Repository
from infra.github.answers import App, read
from infra.github.client import Client, path


class Part:
    def __init__(self, client: Client, app_id: str, clock: Callable[[], float]) -> None:
        self._client = client
        self._app_id = int(app_id) if app_id.strip().isdigit() else 0
        self._clock = clock
        self._app: App | None = None

    async def app_slug(self) -> str:
        """The App's name in URLs: its comments are by `<slug>[bot]`. Asked once."""
        return (await self._itself()).slug

    async def install_url(self) -> str:
        """Where people install the App; "" where GitHub doesn't say. Asked once."""
        url = (await self._itself()).html_url
        return f"{url}/installations/new" if url else ""

    async def _itself(self) -> App:
        if self._app is None:
            self._app = read(App, await self._client.get("/app"))
        return self._app


def of(repo: Repository, template: str, *values: object) -> str:
    """A path below the repository, quoted: `of(repo, "/git/trees/{}", sha)`."""
    return path("/repos/{}/{}" + template, repo.owner, repo.name, *values)
