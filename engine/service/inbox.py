"""What lies in the folders that mappings watch. A look is the truth; each folder is read once per look."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from engine.i18n import _
from engine.problems import why
from engine.source.files import TYPES, fitting, is_temporary, matches

WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Look:
    """A file as it lies there now. ``stamp`` changes when it is touched."""

    path: Path
    size: int
    modified: int
    inode: int

    @property
    def stamp(self) -> str:
        """Size, time and identity in one text."""
        return f"{self.size}:{self.modified}:{self.inode}"

    def is_as(self, stamp: str) -> bool:
        """Whether size and time are those of a stamp: on some drives a file that is moved gets another identity."""
        return stamp.rpartition(":")[0] == f"{self.size}:{self.modified}"


def look_of(path: Path, stat: os.stat_result) -> Look:
    """A file as the system tells of it."""
    return Look(path, stat.st_size, stat.st_mtime_ns, stat.st_ino)


@dataclass(frozen=True, slots=True)
class Found:
    """The files of one pattern. ``reason`` says why its folder can't be read: then nothing is known of its files."""

    looks: tuple[Look, ...]
    reason: str | None = None


@dataclass(slots=True)
class _Folder:
    listing: dict[str, Look] = field(default_factory=dict)
    reason: str | None = None
    version: int = 0


class Inbox:
    """The folders of one project. ``changed`` says whether anything differs from the look before."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.changed = False
        self._folders: dict[Path, _Folder] = {}
        self._found: dict[str, tuple[int, Found]] = {}

    def look(self, patterns: Iterable[str]) -> dict[str, Found]:
        """The files of every pattern now, without temporary and archived ones."""
        wanted = {pattern: folder_of(self.root, pattern) for pattern in patterns}
        plain = {folder for folder, name in wanted.values() if name is not None}
        self.changed = False
        for folder in self._folders.keys() - plain:
            del self._folders[folder]
        for folder in plain:
            self.changed |= _read(folder, self._folders.setdefault(folder, _Folder()))
        found = {pattern: self._of(pattern, *where) for pattern, where in wanted.items()}
        for pattern in self._found.keys() - found.keys():
            del self._found[pattern]
        return found

    def unclaimed(self, patterns: Iterable[str]) -> Iterator[Path]:
        """Lists of the last look that lie in a watched folder, but fit none of these patterns."""
        patterns = set(patterns)
        by_folder: dict[Path, list[str]] = {}
        taken = {look.path for _version, found in self._found.values() for look in found.looks}
        for folder, name in (folder_of(self.root, pattern) for pattern in patterns):
            if name is not None:
                by_folder.setdefault(folder, []).append(name)
        for folder in sorted(self._folders):
            fits = fitting(*sorted(by_folder.get(folder, [])))
            for name, look in self._folders[folder].listing.items():
                if look.path.suffix.casefold() in TYPES and look.path not in taken and not fits(name):
                    yield look.path

    def _of(self, pattern: str, folder: Path, name: str | None) -> Found:
        if name is None:
            # Folders are patterns, too: there is no single one to read.
            reason = None if folder.is_dir() else _("there is no such folder")
            found = Found(tuple(_stats(matches(self.root, pattern))), reason)
            known = self._found.get(pattern)
            self.changed |= known is None or known[1] != found
            self._found[pattern] = (0, found)
            return found
        read = self._folders[folder]
        known = self._found.get(pattern)
        if known is None or known[0] != read.version:
            fits = fitting(name)
            looks = tuple(look for entry, look in read.listing.items() if fits(entry))
            known = (read.version, Found(looks, read.reason))
            self._found[pattern] = known
        return known[1]


@lru_cache(maxsize=4096)
def folder_of(root: Path, pattern: str) -> tuple[Path, str | None]:
    """The folder to read and the pattern of its names; None for the names where the folder is a pattern itself."""
    path = Path(pattern)
    wild = [number for number, part in enumerate(path.parts) if WILD.search(part)]
    if wild and wild[0] < len(path.parts) - 1:
        return root / Path(*path.parts[: wild[0]]), None
    return (root / path).parent, path.name


def _read(folder: Path, known: _Folder) -> bool:
    """Read a folder anew. Whether anything differs."""
    listing: dict[str, Look] = {}
    reason = None
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                look = _look(entry, folder)
                if look is not None:
                    listing[entry.name] = look
    except OSError as error:
        listing, reason = {}, why(error)
    if listing == known.listing and reason == known.reason and known.version:
        return False
    known.listing, known.reason, known.version = listing, reason, known.version + 1
    return True


def _look(entry: os.DirEntry[str], folder: Path) -> Look | None:
    if is_temporary(entry.name) or not is_writable(entry.name):
        return None
    try:
        if not entry.is_file():
            return None
        # On Windows what the folder says of a file may be old; the file itself says how it is.
        stat = entry.stat() if os.name == "posix" else Path(entry.path).stat()
    except OSError:
        return None
    return look_of(folder / entry.name, stat)


def is_writable(name: str) -> bool:
    """Whether a name can be written down: one that is no text of any encoding can't be, and is nobody's list."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _stats(paths: Iterable[Path]) -> Iterator[Look]:
    for path in paths:
        if not is_writable(str(path)):
            continue
        try:
            stat = path.stat()
        except OSError:
            continue
        yield look_of(path, stat)
