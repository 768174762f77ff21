"""A list that nobody has described yet -> what its columns and the lists inside of its records look like."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.config.names import heading_key, name_of
from engine.i18n import _
from engine.problems import Location, Problem, Refused
from engine.source import SOURCES
from engine.source.base import Scan, Source, SourceOptions, Value
from engine.source.files import source_type
from engine.sync.headings import Facts, Guess, KeyGuess, Role, guess, guess_key, in_order, is_footer
from engine.sync.nested import Listed

WITH_FOOTER = ("csv", "excel")
WITH_WAYS = ("json", "ndjson")
"""Headings are ways through a document there."""
MOST_FOOTERS = 3


@dataclass(frozen=True)
class Sample:
    """A list as it lies there: its headings, what their columns look like, and what each seems to be.

    ``varying`` are the headings whose values differ between the rows of one person; ``lists`` what stands in lists
    inside of the records.
    """

    file: Path
    kind: str
    rows: int
    headings: tuple[str, ...]
    repeated: tuple[str, ...]
    facts: dict[str, Facts]
    guesses: tuple[Guess, ...]
    key: KeyGuess
    footer: int = 0
    varying: frozenset[str] = frozenset()
    lists: tuple[Listed, ...] = ()

    def of(self, *roles: Role) -> list[Guess]:
        """The columns of these roles, in the order in which they are tried."""
        return in_order(self.guesses, *roles)


def look_at(file: Path) -> Sample:
    """Read a list through to its end. Raises :class:`Refused` where it can't be read as one."""
    kind = source_type(None, str(file))
    if kind not in SOURCES:
        message = _("The source type {name} is not known.").format(name=kind)
        hint = _("Known are: {names}").format(names=", ".join(SOURCES))
        raise Refused(Problem("unknown_source_type", message, hint, Location(str(file))))
    source = SOURCES[kind](file, SourceOptions(None))
    scan = source.scan()
    headings, repeated = _headings(scan)
    if not headings:
        message = _("{file} has no headings that could be used.").format(file=file.name)
        hint = _("The first line of the list must name its columns, each differently.")
        raise Refused(Problem("no_header", message, hint, Location(str(file))))
    facts = {heading: Facts() for heading in headings}
    lists: dict[str, Listed] = {}
    last: deque[dict[str, Value]] = deque()
    for chunk in source.chunks(raw=True):
        for row in chunk.raw or ():
            _take_lists(lists, row)
            last.append(row)
        while len(last) > MOST_FOOTERS:
            _take(facts, last.popleft())
    footer = 0
    while last and kind in WITH_FOOTER and is_footer([*last[-1].values()]):
        footer += 1
        last.pop()
    for row in last:
        _take(facts, row)
    guesses = tuple(_named([one for heading in headings if (one := _guess(heading, facts[heading], kind)) is not None]))
    key = guess_key(headings, facts, guesses)
    varying = _varying(source, key.heading, headings) if key.doubt == "repeated" else frozenset()
    # What is a list in some records only can't be read as a column of texts.
    flat = tuple(heading for heading in headings if heading not in lists)
    nested = tuple(lists.values())
    return Sample(file, kind, scan.rows - footer, flat, repeated, facts, guesses, key, footer, varying, nested)


def _take_lists(lists: dict[str, Listed], row: dict[str, Value]) -> None:
    for heading, value in row.items():
        if isinstance(value, list):
            if heading not in lists:
                lists[heading] = Listed(heading)
            lists[heading].take(value)


def _varying(source: Source, key: str, headings: Sequence[str]) -> frozenset[str]:
    """The headings whose values differ between the rows of a key."""
    first: dict[str, tuple[Value, ...]] = {}
    varying: set[str] = set()
    for chunk in source.chunks(raw=True):
        for row in chunk.raw or ():
            values = tuple(row.get(heading, "") for heading in headings)
            known = first.setdefault(str(row.get(key, "")), values)
            varying |= {heading for heading, a, b in zip(headings, known, values, strict=True) if a != b}
    return frozenset(varying)


def _take(facts: dict[str, Facts], row: dict[str, Value]) -> None:
    for heading, column in facts.items():
        value = row.get(heading, "")
        column.take(value if isinstance(value, str) else "")


def _guess(heading: str, facts: Facts, kind: str) -> Guess | None:
    """Of a way through a document (``attributes.vorname``) the last step says what it is."""
    found = guess(heading.rpartition(".")[2] if kind in WITH_WAYS else heading, facts)
    return replace(found, heading=heading) if found is not None else None


def _headings(scan: Scan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The headings that a mapping can name, and those that stand there more than once."""
    places: dict[str, list[str]] = {}
    for heading in scan.header:
        if heading and name_of(heading) not in scan.structured:
            places.setdefault(heading_key(heading), []).append(heading)
    once = tuple(written[0] for written in places.values() if len(written) == 1)
    return once, tuple(written[0] for written in places.values() if len(written) > 1)


def _named(guesses: list[Guess]) -> Iterator[Guess]:
    """``Name`` beside ``Vorname`` is the last name; of several columns for one thing only numbers and mails count."""
    roles = {one.role for one in guesses}
    single: set[Role] = set()
    for one in guesses:
        role: Role = "last" if one.role == "whole" and "first" in roles and "last" not in roles else one.role
        if role == "whole" and "last" in roles:
            continue
        if role not in ("mobile", "phone", "mail", "key", "functions", "groups", "flag") and role in single:
            continue
        single.add(role)
        yield Guess(one.heading, role, one.sure, one.place)
