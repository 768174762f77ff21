"""The commit a folder is at, read from git's own files: git itself need not be there."""

from __future__ import annotations

import re
from pathlib import Path

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def commit_of(folder: Path) -> str | None:
    """The commit that is checked out in the work tree around ``folder``; None where that can't be told."""
    for place in (folder, *folder.parents):
        git = place / ".git"
        pointer = _read(git)  # of a linked work tree or a submodule
        if pointer.startswith("gitdir:"):
            git = place / pointer.removeprefix("gitdir:").strip()
        if (git / "HEAD").is_file():
            found = _head(git)
            return found if _COMMIT.fullmatch(found) else None
    return None


def _head(git: Path) -> str:
    head = _read(git / "HEAD")
    if not head.startswith("ref:"):
        return head
    name = head.removeprefix("ref:").strip()
    common = git / (_read(git / "commondir") or ".")
    packed = (line.split() for line in _read(common / "packed-refs").splitlines())
    in_pack = next((words[0] for words in packed if words[1:] == [name]), "")
    return _read(git / name) or _read(common / name) or in_pack


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, ValueError):
        return ""
