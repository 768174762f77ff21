"""PURE: edits made in the text of a file. What stands around them, comments and line ends too, stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.problems import Fix

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|$)")


def applied(text: str, fixes: Iterable[Fix]) -> str | None:
    """The text with all edits made; None where one doesn't fit what stands there, or meets another one."""
    lines = _LINE.findall(text)
    by_line: dict[int, list[Fix]] = {}
    for fix in fixes:
        by_line.setdefault(fix.line, []).append(fix)
    for number, listed in by_line.items():
        made = _line(lines[number - 1], listed) if 0 < number <= len(lines) else None
        if made is None:
            return None
        lines[number - 1] = made
    return "".join(lines)


def _line(line: str, fixes: list[Fix]) -> str | None:
    end = len(line)
    # From the right: what stands to the left keeps its columns.
    for fix in sorted(fixes, key=lambda fix: fix.column, reverse=True):
        start = fix.column - 1
        if fix.removed and line[start : start + 1] in ("'", '"') and line.startswith(fix.removed, start + 1):
            start += 1  # a key in quotes
        if start + len(fix.removed) > end or not line.startswith(fix.removed, start):
            return None
        line = line[:start] + fix.inserted + line[start + len(fix.removed) :]
        end = start
    return line
