"""Which files a mapping means: the newest match of a pattern, or all of them; and when a file is finished."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from engine.i18n import _
from engine.problems import Location, Problem, Refused, did_you_mean, why

TYPES = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "csv",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
    ".ods": "excel",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
}
REMOTE = ("sql", "http")
"""Types of sources that are no files: nothing is dropped, settles or is put away."""
TEMPORARY = ("*.tmp", "*.part", "*.filepart", "*.crdownload", "~$*", "*.swp", ".*")
_OPEN = {"Excel": re.compile(r"~\$(.+)"), "LibreOffice": re.compile(r"\.~lock\.(.+)#")}
"""What these programs call the file that lies beside a list for as long as it is open."""
_PARTS = re.compile(r"(.+)\.(?:tmp|part|filepart|crdownload)", re.IGNORECASE)
DONE, FAILED = "done", "failed"
"""Folders beside a drop that hold what was archived (``archive: move``)."""
MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
LONGEST_WAIT = 60.0
MOST_NAMED = 5
_SIGNS = re.compile(r"[*?\[\]]+")


def source_type(written: str | None, *paths: str) -> str:
    """The source's type as the mapping says it, or by the first ending that says something; csv where none does."""
    endings = (TYPES.get(Path(path).suffix.casefold()) for path in paths)
    return written or next((kind for kind in endings if kind), "csv")


def is_remote(written: str | None) -> bool:
    """Whether a source of this type is no file."""
    return written in REMOTE


def matches(root: Path, pattern: str) -> list[Path]:
    """The files a pattern means, newest first (modification time, then name); no temporary or hidden ones."""
    folder, fits = Path(pattern).parent, fitting(Path(pattern).name)
    found = [path for path in _around(root, pattern) if fits(path.name)]
    files = [path for path in found if path.is_file() and not is_temporary(path.name)]
    if any(sign in str(folder) for sign in "*?["):
        files = [path for path in files if not is_archived(path)]
    return [path for _age, path in sorted(_aged(files), reverse=True)]


def _around(root: Path, pattern: str, hidden: bool = False) -> Iterator[Path]:
    """Everything in the folders that a pattern looks into."""
    folder, name = Path(pattern).parent, Path(pattern).name
    # Deeper than one folder only where the pattern says so.
    last = "**" if name == "**" else "*"
    full = os.path.join("" if folder.is_absolute() else glob.escape(str(root)), folder, last)
    return map(Path, glob.glob(full, recursive=True, include_hidden=hidden))


@lru_cache(maxsize=4096)
def fitting(*patterns: str) -> Callable[[str], object]:
    """Whether a file's name fits one of the patterns. Case, and how an umlaut is put together, don't matter.

    So a project does the same on Windows, on a Mac and on Linux.
    """
    fits = re.compile("|".join(fnmatch.translate(_plain(pattern)) for pattern in patterns) or r"(?!)").match
    return lambda name: fits(_plain(name))


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).lower()


def _aged(paths: Iterable[Path]) -> Iterator[tuple[tuple[int, str], Path]]:
    """Each with its age; one that has vanished meanwhile is none."""
    for path in paths:
        with suppress(OSError):
            yield (path.stat().st_mtime_ns, path.name), path


def is_temporary(name: str) -> bool:
    """Whether a program is still writing under this name, or hides it."""
    return any(fnmatch.fnmatchcase(name.casefold(), pattern) for pattern in TEMPORARY)


def unfinished(name: str) -> tuple[str, str] | None:
    """The list that a file of this name says is not finished, and the program that has it open.

    The program is "" where the file is the list itself, on its way; None for any other file.
    """
    for program, pattern in _OPEN.items():
        if found := pattern.fullmatch(name):
            return found[1], program
    found = _PARTS.fullmatch(name)
    return (found[1], "") if found is not None else None


def refuse_unfinished(path: Path) -> None:
    """Raises :class:`Refused` for a file that somebody names and that is no list yet, or never."""
    found = unfinished(path.name)
    if found is not None:
        hint = _("Name {name} itself, once it is there.").format(name=found[0])
        raise Refused(Problem("file_busy", _why_unfinished(path.name, *found), hint, Location(str(path))))


def _why_unfinished(file: str, name: str, program: str) -> str:
    if program:
        text = _("{file}: the list {name} is open in {program}. Save it and close it there.")
        return text.format(file=file, name=name, program=program)
    return _("{file} is still being downloaded or copied.").format(file=file)


def is_archived(path: Path) -> bool:
    """Whether a file lies where drops are put away: a pattern over folders must not find it again."""
    above, folder = path.parent.parent.name, path.parent.name
    return folder == FAILED or (above == DONE and MONTH.fullmatch(folder) is not None)


def chosen(root: Path, pattern: str, combine: str, at: Location) -> list[Path]:
    """The newest match, or all of them in the order of their names. Raises :class:`Refused` where there is none."""
    found = matches(root, pattern)
    if not found:
        message = _("No file matches {pattern}.").format(pattern=pattern)
        raise Refused(Problem("no_file", message, _otherwise(root, pattern), at))
    return sorted(found) if combine == "all" else found[:1]


def _otherwise(root: Path, pattern: str) -> str:
    """What may be the reason that a pattern finds nothing, and what to do."""
    fits = fitting(Path(pattern).name)
    for path in sorted(_around(root, pattern, hidden=True)):
        found = unfinished(path.name)
        if found is not None and fits(found[0]) and path.is_file():
            file = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
            return _why_unfinished(file, *found) + " " + _("Run again when that is done.")
    hint = _("Put the list there, or name it: abgleich run MAPPING FILE. Paths count from the project folder.")
    return _meant(root, pattern) or f"{_lying(root, pattern)} {hint}".strip()


def near_file(name: str, folders: Iterable[Path]) -> Path | None:
    """The file in one of the folders whose name is nearest to ``name``, or is it but for its ending."""
    lying = {path.name: path for folder in folders for path in files_in(folder)}
    stems = {path.stem: path.name for path in lying.values()}
    near = did_you_mean(name, lying) or stems.get(did_you_mean(Path(name).stem, stems) or "")
    return lying[near] if near else None


def files_in(folder: Path) -> list[Path]:
    """The files of a folder by name, no temporary or hidden ones; none where it can't be read."""
    try:
        return sorted(path for path in folder.iterdir() if path.is_file() and not is_temporary(path.name))
    except OSError:
        return []


def _meant(root: Path, pattern: str) -> str:
    """What a pattern that finds nothing may be meant to be: another folder, or a file that lies there."""
    folder, name = Path(pattern).parent, Path(pattern).name
    if folder == Path() and (below := next(_folders_with(root, name), None)) is not None:
        meant: Path | None = below.relative_to(root) / name
    elif (root / folder).is_dir():
        near = near_file(_SIGNS.sub("", name), [root / folder])
        meant = folder / near.name if near is not None else None
    else:
        others = [path.name for path in (root / folder).parent.glob("*") if path.is_dir()]
        other = did_you_mean(folder.name, others)
        meant = folder.parent / other / name if other is not None else None
    return _("Did you mean {name}?").format(name=meant.as_posix()) if meant is not None else ""


def _folders_with(root: Path, name: str) -> Iterator[Path]:
    """The folders right below the project in which files fit: `inbox/` is what people leave out."""
    fits = fitting(name)
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if any(fits(path.name) for path in files_in(folder)):
            yield folder


def _lying(root: Path, pattern: str) -> str:
    """What lies where a pattern looks."""
    folder = Path(pattern).parent
    if _SIGNS.search(str(folder)):
        return ""
    if not (root / folder).is_dir():
        return _("There is no folder {folder}.").format(folder=folder.as_posix())
    there = [path.name for path in files_in(root / folder)]
    if not there:
        return _("The folder {folder} is empty.").format(folder=folder.as_posix())
    names = ", ".join(there[:MOST_NAMED]) + (", …" if len(there) > MOST_NAMED else "")
    return _("In that folder there are: {names}.").format(names=names)


def wait_until_settled(
    path: Path, settle: float, sleep: Callable[[float], None], now: Callable[[], float] = time.time
) -> None:
    """Wait until a file has not changed for ``settle`` seconds. Raises :class:`Refused` where it never rests."""
    waited = 0.0
    seen = _look(path)
    while waited <= LONGEST_WAIT:
        age = now() - seen[1] / 1e9
        if age >= settle:
            return
        # A time in the future tells nothing: rest for as long as asked and look again.
        pause = settle if age < 0 else settle - age
        sleep(pause)
        waited += pause
        latest = _look(path)
        if latest == seen and age < 0:
            return
        seen = latest
    message = _("{file} is still being written.").format(file=path.name)
    raise Refused(Problem("file_busy", message, _("Run again when the program is done with it."), Location(str(path))))


def _look(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError as error:
        message = _("{file} can't be read: {reason}").format(file=path, reason=why(error))
        hint = _("Check the file's name and its permissions.")
        raise Refused(Problem("file_unreadable", message, hint, Location(str(path)))) from None
    return stat.st_size, stat.st_mtime_ns
