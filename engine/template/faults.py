"""Faults of templates: why one value can't be made. Always about one row or one place, never about the run."""

from __future__ import annotations

from dataclasses import dataclass


class Fault(Exception):
    """A value that can't be made: a stable code, what is wrong, and what to do."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake seen in a template's text: ``needle`` and ``line`` (from 1) say where inside of it."""

    code: str
    message: str
    hint: str = ""
    needle: str | None = None
    line: int | None = None
    severity: str = "error"
