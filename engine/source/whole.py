"""What all sources have in common: a file taken in as a whole, and how a source is refused."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from engine.i18n import _, ngettext
from engine.problems import Location, Problem, Refused, why

MOST_MEBIBYTES = 256
"""No list of people is larger; a larger file of these formats would only fill the memory."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A file as it was at one moment; ``modified`` is in UTC."""

    content: bytes
    sha256: str
    modified: datetime


def read_whole(file: Path) -> Whole:
    """The whole file. Raises Refused where it can't be read, is empty, or is too large to be held."""
    with os_errors(file), file.open("rb") as raw:
        found = os.fstat(raw.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise no_file(file)
        if found.st_size > MOST_MEBIBYTES << 20:
            raise too_large(place_of(file))
        content = raw.read()
        after = os.fstat(raw.fileno())
    if not content:
        raise no_rows(place_of(file))
    if (after.st_size, after.st_mtime_ns) != (found.st_size, found.st_mtime_ns) or len(content) != after.st_size:
        raise file_changed(file)
    return Whole(content, hashlib.sha256(content).hexdigest(), datetime.fromtimestamp(found.st_mtime, UTC))


def place_of(file: Path, line: int | None = None) -> Location:
    """A line of a file."""
    return Location(file=str(file), line=line)


@contextmanager
def os_errors(file: Path) -> Iterator[None]:
    """What the system says about a file, as a refusal."""
    try:
        yield
    except OSError as error:
        message = _("The file can't be read: {reason}.").format(reason=why(error))
        hint = _("Check that it is still there and that abgleich may read it.")
        raise refusal("unreadable_file", message, hint, place_of(file)) from error


def refusal(code: str, message: str, hint: str, at: Location) -> Refused:
    """A refusal with one problem."""
    return Refused(Problem(code, message, hint, at))


def no_file(file: Path) -> Refused:
    """A folder, or a device."""
    return refusal("unreadable_file", _("This is no file."), _("Name a file as the path."), place_of(file))


def file_changed(file: Path) -> Refused:
    """Two looks at a file saw two contents."""
    message = _("The file changed while it was read; nothing of it was used.")
    hint = _("Wait until the program that writes it has finished (settle), then run again.")
    return refusal("file_changed", message, hint, place_of(file))


def too_large(at: Location) -> Refused:
    """More than can be held."""
    message = _("The list is larger than {size} MB.").format(size=MOST_MEBIBYTES)
    return refusal("list_too_large", message, _("Check that this is the right list."), at)


def no_rows(at: Location, footer: int = 0, sheet: str = "") -> Refused:
    """There is nobody in the list; ``at`` has a line where there is a header. ``sheet``: which one of a workbook."""
    if footer:
        message = ngettext(
            "skip_footer leaves out the only row of the file.",
            "skip_footer leaves out all {count} rows of the file.",
            footer,
        ).format(count=footer)
        return refusal(
            "no_rows",
            message,
            _("Export the whole list again. Only where its last rows are people, make skip_footer smaller."),
            at,
        )
    message = _("There is nothing below the header.") if at.line else _("The file is empty.")
    if sheet:
        message = _("There is nothing below the header of {sheet}.").format(sheet=sheet)
    return nobody(message, at)


def nobody(message: str, at: Location, again: str = "") -> Refused:
    """A list without any row; ``again`` is how to come by another one, where it is no file."""
    hint = _("An empty list would remove everybody, so it is never sent.")
    return refusal("no_rows", message, f"{hint} {again or export_again()}", at)


def export_again() -> str:
    """What to do about a file that is not whole."""
    return _("Export the file again.")
