"""PURE: one more entry for a list of a YAML file, as text: comments, order and everything else stay to the letter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from engine.config.text import split

_EMPTY = re.compile(r"(?:|\[\s*\]|~|null)\s*(#.*)?")


def appended(text: str, key: str, entry: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The ways to put an entry at the end of the list under a key of the top level, the likeliest first: each the
    whole text, and the line (from 1) where the entry begins. None where the list stands in brackets or elsewhere.

    ``entry`` are its lines without indentation, the first with ``- ``. Whoever asks makes sure that nothing else of the
    file has changed its meaning: a comment's look may be deceptive in a text of several lines.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = split(text)
    if not lines[-1]:
        lines.pop()  # the end of the last line
    head = next((n for n, line in enumerate(lines) if re.match(rf"{key}[ \t]*:(?:\s|$)", line.lstrip("\ufeff"))), None)
    if head is None:
        # A blank line before it looks better; where a text of several lines ends the file it would belong to that.
        for blank in ([""], []):
            added = [*blank, f"{key}:", *_indented(entry, 2)]
            yield _joined(lines, len(lines), added, newline), len(lines) + len(blank) + 2
        return
    rest = lines[head].partition(":")[2].strip()
    if not _EMPTY.fullmatch(rest):
        return
    comment = rest[rest.index("#") :] if "#" in rest else ""
    lines[head] = lines[head].partition(":")[0] + ":" + (f"  {comment}" if comment else "")
    end = next((n for n in range(head + 1, len(lines)) if _is_outside(lines[n])), len(lines))
    filled = [n for n in range(head + 1, end) if lines[n].strip()]
    said = [n for n in filled if not lines[n].lstrip().startswith("#")]
    first = next((match for n in said if (match := re.match(r"([ ]*)-(?:\s|$)", lines[n]))), None)
    indent = len(first[1]) if first is not None else 2
    places = dict.fromkeys([(said or [head])[-1] + 1, (filled or [head])[-1] + 1])
    for place in places:
        yield _joined(lines, place, _indented(entry, indent), newline), place + 1


def _is_outside(line: str) -> bool:
    return bool(line.strip()) and not line.startswith((" ", "\t", "#", "- ")) and line.rstrip() != "-"


def _indented(entry: Sequence[str], indent: int) -> list[str]:
    return [f"{' ' * indent}{line}" if line else "" for line in entry]


def _joined(lines: Sequence[str], place: int, added: Sequence[str], newline: str) -> str:
    return newline.join([*lines[:place], *added, *lines[place:]]) + newline
