"""Problems as records, and errors classed by what happens next.

Everything that can go wrong for a user ends as a :class:`Problem`: where it is, a stable code, what is wrong, and what
to do. Nothing in here prints or exits.
"""

from __future__ import annotations

import difflib
import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, Literal

from engine.i18n import _

Severity = Literal["error", "warning"]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file: lines and columns count from 1; ``file`` is relative to the project where it can be."""

    file: str | None = None
    line: int | None = None
    column: int | None = None
    path: Path = ()

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


NOWHERE = Location()


@dataclass(frozen=True, slots=True)
class Fix:
    """An edit that puts right what is wrong for certain: ``removed`` stands at a place of the file, and goes.

    ``line`` and ``column`` count from 1; ``removed`` may be empty and never holds a line end.
    """

    line: int
    column: int
    removed: str
    inserted: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. ``code`` is stable and in ``snake_case``; ``message`` and ``hint`` are for people.

    ``fixes`` are edits of the file of ``at``, all of them or none; empty where a human has to decide. ``used_by`` are
    the lines that use the blueprint it stands in, or the place in a blueprint where the input went.
    """

    code: str
    message: str
    hint: str = ""
    at: Location = NOWHERE
    severity: Severity = "error"
    used_by: tuple[Location, ...] = ()
    fixes: tuple[Fix, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The shape that cli.md promises for ``check --json``."""
        return {
            "severity": self.severity,
            "file": self.at.file,
            "line": self.at.line,
            "column": self.at.column,
            "path": list(self.at.path) if self.at.path else None,
            "code": self.code,
            "message": self.message,
            "hint": self.hint or None,
        }

    def seen_from(self, using: Location) -> Problem:
        """The problem of a blueprint, for the mapping that uses it at this place.

        A blueprint that comes with the program is nobody's to mend: there the mapping's own line is the place.
        """
        file = PurePath(self.at.file or "")
        if self.at.file == using.file or file.suffix.lower() not in (".yaml", ".yml"):
            return self
        if not file.is_absolute():
            return replace(self, used_by=(using,))
        name = file.name
        message = _("{message} (In the blueprint {name}, line {line}.)").format(
            message=self.message, name=name, line=self.at.line or 1
        )
        hint = _(
            "{hint} Check the inputs here: `abgleich blueprints {name}` explains them. Where they are not enough, "
            "`abgleich blueprints {name} --copy` makes it a file of your own that you can change."
        ).format(hint=self.hint, name=name)
        return replace(self, at=using, message=message, hint=hint.strip(), fixes=())

    def within(self, root: PurePath) -> Problem:
        """The problem for people who know their project and not where it lies: nothing in it says more than that."""
        folder = f"{root}{os.sep}"
        file, at = self.at.file or "", self.at
        message, hint = self.message, self.hint
        if file.startswith(folder):
            at = replace(at, file=PurePath(file.removeprefix(folder)).as_posix())
            message, hint = (text.replace(file, at.file or "") for text in (message, hint))
        return replace(self, at=at, message=message.replace(folder, ""), hint=hint.replace(folder, ""))

    def located(self, at: Location) -> Problem:
        """The same problem at another place."""
        return replace(self, at=at)


class ProblemError(Exception):
    """Carries problems to whoever reports them; never shown as a traceback."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems: tuple[Problem, ...] = problems


class UserMustFix(ProblemError):
    """The configuration, a mapping or a command is wrong: nothing was tried."""


class Refused(ProblemError):
    """The source breaks its contract or the guard forbids the plan: nothing was written and there is no plan."""


class SourceFailed(ProblemError):
    """The source can't be read now: a server is away or broke off. Nothing was written; a later attempt may succeed."""


class TargetStopped(ProblemError):
    """A target can't be used further in this run; repeating at once won't help."""


def why(error: BaseException) -> str:
    """Why the system did not do it, in the language of the project where it is a common reason; never any content."""
    known = {
        errno.EACCES: _("no permission, or another program has it open"),
        errno.EPERM: _("no permission"),
        errno.ENOENT: _("it does not exist"),
        errno.ENOTDIR: _("it is no folder"),
        errno.EISDIR: _("it is a folder"),
        errno.EEXIST: _("it exists already"),
        errno.EROFS: _("the drive is write-protected"),
        errno.ENOSPC: _("the drive is full"),
        errno.EIO: _("the drive reports an error"),
        errno.EADDRINUSE: _("another program uses it"),
        errno.ENAMETOOLONG: _("the name is too long"),
    }
    if not isinstance(error, OSError):
        return type(error).__name__
    return known.get(error.errno or 0) or error.strerror or type(error).__name__


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.62) -> str | None:
    """The known word nearest to ``word`` (case ignored), or None when nothing is near."""
    by_folded: dict[str, str] = {}
    for name in known:
        by_folded.setdefault(name.casefold(), name)
    folded = word.casefold()
    if folded in by_folded:
        return by_folded[folded]
    near = difflib.get_close_matches(folded, by_folded, n=1, cutoff=cutoff)
    return by_folded[near[0]] if near else None
