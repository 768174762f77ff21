"""PURE: problems as text for people, what was mended, and what codes mean."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from engine.config.lines import masked
from engine.config.text import split
from engine.i18n import _, ngettext
from engine.problems import Problem
from engine.report.words import Line

if TYPE_CHECKING:
    from engine.explain.base import Explanation


def problem_lines(problem: Mapping[str, Any], line_of: Callable[[str, int], str | None]) -> Iterator[Line]:
    """A problem with its place, the user's own line with a caret, and what to do."""
    place = ":".join(str(problem[name]) for name in ("file", "line", "column") if problem.get(name) is not None)
    style = "warn" if problem["severity"] == "warning" else "bad"
    word = _("warning") if problem["severity"] == "warning" else _("error")
    if place:
        yield "head", place
    yield style, f"  {word} [{problem['code']}] {problem['message'] or ''}".rstrip()
    for number, line in enumerate(pointed_at(problem, line_of)):
        yield "dim" if not number else style, f"    {line}"
    if problem.get("hint"):
        yield "", f"  → {problem['hint']}"
    used = problem.get("used_by")
    if used:
        yield "dim", "  " + _("used in {place}").format(place=used)


def pointed_at(problem: Mapping[str, Any], line_of: Callable[[str, int], str | None]) -> list[str]:
    """The user's own line, and below it a caret under the place; nothing where it is not shown."""
    shown = line_of(problem["file"], problem["line"]) if problem.get("file") and problem.get("line") else None
    if shown is None:
        return []
    column = problem.get("column")
    return [shown, " " * (column - 1) + "^"] if column and column <= len(shown) + 1 else [shown]


def problem_as_shown(
    problem: Problem, line_of: Callable[[str, int], str | None] | None = None, effect: str = ""
) -> dict[str, Any]:
    """A problem's JSON with what a console shows beside it, where there is such a thing.

    ``effect``: what did not happen. ``shown``: the user's own line and the caret. ``used_by``: the lines that use the
    blueprint it stands in, or where the input went in it.
    """
    shown = problem.as_json()
    if effect:
        shown["effect"] = effect
    if line_of is not None and (lines := pointed_at(shown, line_of)):
        shown["shown"] = "\n".join(lines)
    if problem.used_by:
        shown["used_by"] = ", ".join(map(str, problem.used_by))
    return shown


def problems_lines(
    problems: Iterable[Problem], line_of: Callable[[str, int], str | None], effects: Mapping[str, str]
) -> Iterator[Line]:
    """Problems in the order given; before the first error of a file what does not happen because of it."""
    said: set[str] = set()
    for problem in problems:
        effect = effects.get(problem.at.file or "", "") if problem.severity == "error" else ""
        if effect and effect not in said:
            yield "bad", effect
            said.add(effect)
        yield from problem_lines(problem_as_shown(problem), line_of)


def reason_text(problem: Problem, line_of: Callable[[str, int], str | None]) -> str:
    """Why a list was not taken, for a file beside it: the place and the line in a mapping where there is one."""
    shown = problem.as_json()
    if problem.at.line is None:
        return f"{problem.message} {problem.hint}".strip()
    lines = [str(problem.at), problem.message, *(f"    {line}" for line in pointed_at(shown, line_of))]
    return "\n".join([*lines, *([f"→ {problem.hint}"] if problem.hint else [])])


def problems_summary(problems: Iterable[Problem]) -> Line:
    """How many there are."""
    listed = list(problems)
    errors = sum(1 for problem in listed if problem.severity == "error")
    warnings = len(listed) - errors
    if not listed:
        return "good", _("Everything is in order.")
    count = ngettext("{n} error", "{n} errors", errors).format(n=errors)
    more = ngettext("{n} warning", "{n} warnings", warnings).format(n=warnings)
    return ("bad" if errors else "warn"), f"{count}, {more}"


def fixable_line(count: int) -> Iterator[Line]:
    """How many of the problems `--fix` puts right, where it can do anything."""
    if count:
        text = ngettext("`abgleich check --fix` mends {n} of them.", "`abgleich check --fix` mends {n} of them.", count)
        yield "", "→ " + text.format(n=count)


def fixed_lines(diffs: Iterable[tuple[str, str, str]], mended: int, left: int) -> Iterator[Line]:
    """What was mended, as a diff of every file (name, before, after), and what is left to do by hand."""
    styles = {"+": "add", "-": "remove", "@": "dim"}
    for file, before, after in diffs:
        lines = difflib.unified_diff(split(before), split(after), file, file, n=1, lineterm="")
        for number, line in enumerate(lines):
            if number < 2:
                yield "head", line
            else:
                yield styles.get(line[:1], ""), line if line[:1] == "@" else line[:1] + masked(file, line[1:])
    if mended:
        yield "good", ngettext("{n} mistake was mended.", "{n} mistakes were mended.", mended).format(n=mended)
    elif left:
        yield "", _("Nothing could be mended for certain.")
    if left:
        yield "head", _("Left to do by hand:")


def explanation_lines(explained: Mapping[str, Explanation], whole: bool) -> Iterator[Line]:
    """Codes with their meaning, one a line; or ``whole``, with example and cure."""
    width = max((len(code) for code in explained), default=0)
    for code, one in explained.items():
        if not whole:
            yield "", f"{code:<{width}}  {one.meaning}"
            continue
        yield "head", code
        yield "", f"  {one.meaning}"
        yield "dim", "  " + _("Example:")
        yield from (("bad", f"    {line}") for line in one.example.split("\n"))
        yield "", f"  → {one.cure}"
        yield from (("good", f"    {line}") for line in one.right.split("\n") if line)
