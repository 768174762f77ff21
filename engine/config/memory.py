"""What a reading met and what it depends on, so that nothing is read again that is still the same."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from engine.problems import Problem

Stamp = tuple[int, int, int, int]

YOUNG = 2.5 * 10**9
"""Nanoseconds: a file changed so shortly before may be changed again under the same stamp (FAT counts in 2 seconds)."""


@dataclass(slots=True)
class Seen:
    """A file as it was: ``stamp`` is None where there was none, ``content`` the hash of what was read of it.

    ``text`` is what stood in it, but for secrets. A file that is ``young`` is told by its content, not by its stamp.
    """

    stamp: Stamp | None
    young: bool
    content: bytes | None = None
    text: str | None = field(default=None, repr=False)


@dataclass
class Met:
    """What a reading met, and everything outside of it that it depends on.

    ``again``: it depends on more than is noted here, so it must not be remembered. ``height`` counts nested includes.
    """

    problems: list[Problem] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set, repr=False)
    files: dict[Path, Seen] = field(default_factory=dict, repr=False)
    folders: dict[Path, tuple[Path, ...]] = field(default_factory=dict, repr=False)
    variables: dict[str, str | None] = field(default_factory=dict, repr=False)
    again: bool = False
    height: int = 0

    def add(self, other: Met) -> None:
        """What a part of the reading met, was met by the whole."""
        self.problems += other.problems
        self.secrets |= other.secrets
        for path, seen in other.files.items():
            if path not in self.files or self.files[path].content is None:
                self.files[path] = seen
        self.folders |= other.folders
        self.variables |= other.variables
        self.again = self.again or other.again

    def look(self, path: Path) -> Seen:
        """Note a file as it is now; what was noted of it first stays."""
        if path not in self.files:
            stamp = stamp_of(path)
            self.files[path] = Seen(stamp, is_young(stamp))
        return self.files[path]

    def texts(self) -> dict[Path, str]:
        """What stood in the files that were read, but for secrets."""
        return {path: seen.text for path, seen in self.files.items() if seen.text is not None}


class Present:
    """What is there now; every file and every folder is looked at once. ``listing`` gives the files of a folder."""

    def __init__(self, listing: Callable[[Path], tuple[Path, ...]]) -> None:
        self._listing = listing
        self._stamps: dict[Path, Stamp | None] = {}
        self._contents: dict[Path, bytes | None] = {}
        self._folders: dict[Path, tuple[Path, ...]] = {}

    def holds(self, met: Met) -> bool:
        """Whether everything that a reading depends on is as it was."""
        return (
            not met.again
            and all(os.environ.get(name) == value for name, value in met.variables.items())
            and all(self._is_same(path, seen) for path, seen in met.files.items())
            and all(self._listed(folder) == files for folder, files in met.folders.items())
        )

    def _is_same(self, path: Path, seen: Seen) -> bool:
        if path not in self._stamps:
            self._stamps[path] = stamp_of(path)
        if self._stamps[path] != seen.stamp:
            return False
        if not seen.young or seen.content is None:
            return True
        still_young = is_young(seen.stamp)
        if path not in self._contents:
            self._contents[path] = _content_of(path)
        same = self._contents[path] == seen.content
        seen.young = still_young or not same
        return same

    def _listed(self, folder: Path) -> tuple[Path, ...]:
        if folder not in self._folders:
            self._folders[folder] = self._listing(folder)
        return self._folders[folder]


def stamp_of(path: Path) -> Stamp | None:
    """Changes whenever a file is written or replaced; None where there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns


def hash_of(data: bytes) -> bytes:
    """The hash of a file's content."""
    return hashlib.sha256(data).digest()


def _content_of(path: Path) -> bytes | None:
    try:
        return hash_of(path.read_bytes())
    except OSError:
        return None


def is_young(stamp: Stamp | None) -> bool:
    """Whether a file changed so shortly before now that its next change may not show in its stamp."""
    return stamp is not None and time.time_ns() - max(stamp[1], stamp[3]) < YOUNG
