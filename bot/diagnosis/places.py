"""Where in the repository something is that a log names by the build machine's path, or by a class."""

from __future__ import annotations

from collections.abc import Sequence

_SOURCES = (".java", ".kt", ".groovy")


def path_in(named: str, files: Sequence[str]) -> str | None:
    """The one of `files` that `named` means: an absolute path of the machine that built, a path relative to some
    module, or a bare file name. None when none fits, or several do and nothing tells them apart."""
    named = named.removeprefix("file://").replace("\\", "/").removeprefix("./")
    parts = [part for part in named.split("/") if part]
    if not parts:
        return None
    if named.startswith("/") or ":" in parts[0]:
        inside = [path for path in files if f"/{named}".endswith(f"/{path}")]
        if inside:
            # of `src/A.java` and `web/src/A.java`, an absolute path that ends in both can only be the longer
            return max(inside, key=len)
        least = min(2, len(parts))
    else:
        least = len(parts)
    for length in range(len(parts), least - 1, -1):
        end = "/" + "/".join(parts[-length:])
        ends = [path for path in files if f"/{path}".endswith(end)]
        if ends:
            return ends[0] if len(ends) == 1 else None
    return None


def class_in(name: str, files: Sequence[str]) -> str | None:
    """The source file of the class `com.acme.Shop`, or of the outer class of `com.acme.Shop$Item`."""
    path = name.partition("$")[0].replace(".", "/")
    found = [place for end in _SOURCES if (place := path_in(path + end, files))]
    return found[0] if len(found) == 1 else None
