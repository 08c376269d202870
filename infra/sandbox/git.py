"""Bare Git repositories on disk, by the real git."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ZERO = "0" * 40
_FULL = re.compile(r"[0-9a-f]{40}")
_CONFIG = """
[http]
	receivepack = true
[receive]
	autogc = false
	hideRefs = refs/pull
[gc]
	auto = 0
[transfer]
	unpackLimit = 100000
"""
_QUIET = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_TERMINAL_PROMPT": "0"}


class GitError(Exception):
    """git refused; the text is what it said."""


@dataclass(frozen=True)
class Person:
    name: str
    email: str


@dataclass(frozen=True)
class CommitObject:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    authored_at: int
    committer: Person
    committed_at: int
    message: str

    @property
    def title(self) -> str:
        return self.message.split("\n", 1)[0]


@dataclass(frozen=True)
class TreeItem:
    mode: str
    type: str
    sha: str
    size: int | None
    path: str


class Bare:
    """One bare repository. Every method runs git once or a few times, and blocks meanwhile."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._found: dict[tuple[str, str], str] = {}
        """What full names stand for; an object that is there stays there."""

    def create(self, default_branch: str) -> None:
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        _run("init", "--quiet", "--bare", f"--initial-branch={default_branch}", str(self.directory))
        with (self.directory / "config").open("a") as config:
            config.write(_CONFIG)

    def git(self, *arguments: str, stdin: bytes | None = None) -> str:
        return self.raw(*arguments, stdin=stdin).decode(errors="replace").strip("\n")

    def raw(self, *arguments: str, stdin: bytes | None = None) -> bytes:
        return _run("--git-dir", str(self.directory), *arguments, stdin=stdin)

    def resolve(self, revision: str, kind: str = "commit") -> str | None:
        """The full SHA of what `revision` names; None when there is no such object."""
        if not revision or revision.startswith("-") or ".." in revision:
            return None
        if (found := self._found.get((revision, kind))) is not None:
            return found
        try:
            found = self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{{kind}}}")
        except GitError:
            return None
        if _FULL.fullmatch(revision):
            self._found[revision, kind] = found
        return found

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        lines = self.git("for-each-ref", "--format=%(objectname) %(refname)", prefix).splitlines()
        return {name: sha for sha, name in (line.split(" ", 1) for line in lines)}

    def set_ref(self, name: str, sha: str) -> None:
        self.git("update-ref", name, sha)

    def delete_ref(self, name: str) -> None:
        self.git("update-ref", "-d", name)

    def commit(
        self,
        branch: str,
        files: Mapping[str, bytes],
        message: str,
        author: Person,
        at: int,
        *,
        base: str | None = None,
        executable: Collection[str] = (),
        delete: Collection[str] = (),
        merge: str | None = None,
    ) -> str:
        """One commit on `branch` above `base`; a file that was executable stays so. Returns its SHA."""
        modes = {item.path: item.mode for item in self.tree(base, recursive=True)} if base else {}
        who = f"{author.name} <{author.email}> {at} +0000".encode()
        out = bytearray(b"commit refs/heads/" + branch.encode() + b"\n")
        out += b"author " + who + b"\ncommitter " + who + b"\n" + _data(message.encode())
        if base:
            out += b"from " + base.encode() + b"\n"
        if merge:
            out += b"merge " + merge.encode() + b"\n"
        for path in delete:
            out += b"D " + _quoted(path) + b"\n"
        for path, content in files.items():
            mode = "100755" if path in executable else modes.get(path, "100644")
            out += b"M " + mode.encode() + b" inline " + _quoted(path) + b"\n" + _data(content)
        self.git("fast-import", "--quiet", "--force", "--date-format=raw", stdin=bytes(out) + b"\ndone\n")
        return self.git("rev-parse", f"refs/heads/{branch}")

    def merge_tree(self, ours: str, theirs: str) -> str | None:
        """The tree of merging the two; None when they conflict."""
        try:
            return self.git("merge-tree", "--write-tree", ours, theirs).splitlines()[0]
        except GitError:
            return None

    def commit_tree(self, tree: str, parents: Collection[str], message: str, author: Person, at: int) -> str:
        parts = [part for parent in parents for part in ("-p", parent)]
        who: dict[str, str] = {}
        for role in ("AUTHOR", "COMMITTER"):
            who |= {
                f"GIT_{role}_NAME": author.name,
                f"GIT_{role}_EMAIL": author.email,
                f"GIT_{role}_DATE": f"{at} +0000",
            }
        return (
            _run("--git-dir", str(self.directory), "commit-tree", tree, *parts, stdin=message.encode(), environment=who)
            .decode()
            .strip()
        )

    def fetch(self, other: Bare, sha: str, ref: str) -> None:
        """Take a commit of another repository in, under `ref`."""
        _run(
            *("-c", "uploadpack.allowAnySHA1InWant=true", "--git-dir", str(self.directory)),
            *("fetch", "--quiet", "--force", str(other.directory), f"{sha}:{ref}"),
        )

    def tree(self, treeish: str, *, recursive: bool = False) -> list[TreeItem]:
        return list(_tree(str(self.directory), self.resolve(treeish, "tree") or "", recursive))

    def paths(self, commit: str) -> frozenset[str]:
        return frozenset(item.path for item in self.tree(commit, recursive=True))

    def blob(self, sha: str) -> bytes | None:
        try:
            return self.raw("cat-file", "blob", sha)
        except GitError:
            return None

    def read_commit(self, revision: str) -> CommitObject | None:
        sha = self.resolve(revision)
        return None if sha is None else _commit(str(self.directory), sha)

    def log(self, revision: str, limit: int = 30, *, path: str = "") -> list[CommitObject]:
        sha = self.resolve(revision)
        if sha is None:
            return []
        only = ("--", path) if path else ()
        found = self.git("rev-list", f"--max-count={limit}", sha, *only).split()
        return [_commit(str(self.directory), each) for each in found]

    def between(self, before: str, after: str, limit: int = 20) -> list[CommitObject]:
        """Commits of `after` that `before` lacks, oldest first; all of them when `before` is zeros."""
        span = [after] if before == ZERO else [after, f"^{before}"]
        found = self.git("rev-list", f"--max-count={limit}", "--reverse", *span).split()
        return [_commit(str(self.directory), each) for each in found]

    def changed(self, sha: str) -> dict[str, list[str]]:
        """Paths that the commit `added`, `removed` and `modified`."""
        return {kind: list(paths) for kind, paths in _changed(str(self.directory), sha).items()}

    def is_ancestor(self, older: str, newer: str) -> bool:
        try:
            self.git("merge-base", "--is-ancestor", older, newer)
        except GitError:
            return False
        return True

    def archive(self, sha: str, prefix: str) -> bytes:
        return self.raw("archive", "--format=tar.gz", f"--prefix={prefix}/", sha)


def _run(*arguments: str, stdin: bytes | None = None, environment: Mapping[str, str] | None = None) -> bytes:
    done = subprocess.run(
        ["git", *arguments],
        input=stdin if stdin is not None else b"",
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, **_QUIET, **(environment or {})},
    )
    if done.returncode:
        raise GitError(done.stderr.decode(errors="replace").strip() or f"git {arguments} failed")
    return done.stdout


@lru_cache(maxsize=4096)
def _commit(directory: str, sha: str) -> CommitObject:
    """Cached: a commit's name is its content."""
    form = "%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B"
    text = _run("--git-dir", directory, "log", "-1", f"--format={form}", sha).decode(errors="replace")
    full, tree, parents, an, ae, at, cn, ce, ct, message = text.split("\0", 9)
    author, committer = Person(an, ae), Person(cn, ce)
    return CommitObject(full, tree, tuple(parents.split()), author, int(at), committer, int(ct), message.rstrip("\n"))


@lru_cache(maxsize=1024)
def _changed(directory: str, sha: str) -> dict[str, list[str]]:
    """Cached: a commit's name is its content."""
    out: dict[str, list[str]] = {"added": [], "removed": [], "modified": []}
    kinds = {"A": "added", "D": "removed"}
    options = ("--root", "--no-commit-id", "-r", "-z", "--name-status")
    text = _run("--git-dir", directory, "diff-tree", *options, sha).decode(errors="replace")
    parts = [part for part in text.split("\0") if part]
    for status, path in zip(parts[::2], parts[1::2], strict=True):
        out[kinds.get(status, "modified")].append(path)
    return out


@lru_cache(maxsize=512)
def _tree(directory: str, sha: str, recursive: bool) -> tuple[TreeItem, ...]:
    """Cached: a tree's name is its content."""
    if not sha:
        return ()
    flags = ("-r", "-t") if recursive else ()
    text = _run("--git-dir", directory, "ls-tree", "-z", "-l", *flags, sha).decode(errors="replace")
    items = []
    for line in text.split("\0")[:-1]:
        facts, path = line.split("\t", 1)
        mode, kind, name, size = facts.split()
        items.append(TreeItem(mode, kind, name, None if size == "-" else int(size), path))
    return tuple(items)


def _data(content: bytes) -> bytes:
    return b"data " + str(len(content)).encode() + b"\n" + content + b"\n"


def _quoted(path: str) -> bytes:
    return b'"' + path.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'
