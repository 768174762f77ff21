"""PURE: the text of a file whose places stay those of the file, also after mistakes were mended in memory.

A mend never adds or removes a line, and every index into the mended text leads back to the line and column the user
sees in an editor.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

_BREAK = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Edit:
    """In a line, from ``column`` (from 0) on: ``removed`` characters become ``inserted``."""

    column: int
    removed: int
    inserted: str


class Text:
    """A text by lines; ``_edits`` holds for a line (from 0) each round of mending, in the columns before that round."""

    def __init__(self, text: str, edits: dict[int, tuple[tuple[Edit, ...], ...]] | None = None) -> None:
        self.text = text
        self._starts = [0, *(match.end() for match in _BREAK.finditer(text))]
        self._edits = edits or {}

    def __len__(self) -> int:
        return len(self.text)

    def line_of(self, index: int) -> int:
        """The line (from 0) that holds ``index``; the last one that holds anything for the end of the text."""
        line = max(bisect_right(self._starts, index) - 1, 0)
        while line > 0 and self._starts[line] >= len(self.text):
            line -= 1
        return line

    def column_of(self, index: int) -> int:
        """The column (from 0) of ``index`` in its line of the mended text; at most the line's end."""
        line = self.line_of(index)
        end = self._starts[line + 1] if line + 1 < len(self._starts) else len(self.text)
        return min(index - self._starts[line], len(self.text[self._starts[line] : end].rstrip("\r\n")))

    def lines(self) -> list[str]:
        """All lines without their ends."""
        return _BREAK.split(self.text)

    def place(self, index: int) -> tuple[int, int]:
        """Line and column (from 1) in the file."""
        line = self.line_of(index)
        return line + 1, self.original(line, self.column_of(index)) + 1

    def original(self, line: int, column: int) -> int:
        """The column (from 0) in the file of a column in the mended text."""
        for edits in reversed(self._edits.get(line, ())):
            column = _before(edits, column)
        return column

    def is_mended(self, line: int) -> bool:
        """Whether a line (from 0) differs from that of the file."""
        return line in self._edits

    def mended(self, line: int, edits: Iterable[Edit]) -> Text:
        """The text with one line changed."""
        listed = tuple(sorted(edits, key=lambda edit: edit.column))
        start = self._starts[line]
        text = self.text
        for edit in reversed(listed):
            at = start + edit.column
            text = text[:at] + edit.inserted + text[at + edit.removed :]
        return Text(text, {**self._edits, line: (*self._edits.get(line, ()), listed)})


def split(text: str) -> list[str]:
    """Lines as an editor counts them (``str.splitlines`` also splits at form feeds and the like)."""
    return _BREAK.split(text)


def _before(edits: tuple[Edit, ...], column: int) -> int:
    shift = 0
    for edit in edits:
        start = edit.column + shift
        if column < start:
            break
        if column < start + len(edit.inserted):
            return edit.column
        shift += len(edit.inserted) - edit.removed
    return column - shift
