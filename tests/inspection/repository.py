"""A commit held in memory, that counts what is read of it."""

from __future__ import annotations

from collections.abc import Mapping

from bot.ports import Tree, TreeEntry


class Repository:
    """`modes`: of those paths that are no plain files; one without content is only listed (a submodule)."""

    def __init__(
        self, files: Mapping[str, bytes], modes: Mapping[str, str] | None = None, *, truncated: bool = False
    ) -> None:
        modes = modes or {}
        self._files = dict(files)
        paths = [*files, *(path for path in modes if path not in files)]
        self.tree = Tree(
            entries=tuple(
                TreeEntry(path=path, sha="0" * 40, mode=modes.get(path, "100644"), size=len(files.get(path, b"")))
                for path in paths
            ),
            truncated=truncated,
        )
        self.reads: list[str] = []

    async def read(self, path: str) -> bytes:
        assert path not in self.reads, f"{path} is read twice"
        assert len(self.reads) < 4, f"{path} is read after {self.reads}"
        self.reads.append(path)
        return self._files[path]
