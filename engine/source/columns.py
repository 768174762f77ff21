"""PURE: from the headings of a file to the names of templates, and from cells to values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from unicodedata import is_normalized, normalize

from engine.config.names import clean_heading, heading_key, name_of
from engine.i18n import _
from engine.problems import Location, Problem, Refused, did_you_mean
from engine.source.base import Column

_MISSING = -1
_SHOWN_HEADINGS = 20
_SEARCHED_HEADINGS = 1000


def required_keys(columns: Iterable[Column]) -> frozenset[str]:
    """The keys of all headings that must be in the file."""
    return frozenset(heading_key(heading) for column in columns if not column.optional for heading in column.headings)


def tidy(cells: Iterable[str]) -> tuple[str, ...]:
    """The cells without outer blanks, in NFC."""
    texts = tuple(map(str.strip, cells))
    joined = "".join(texts)
    if joined.isascii() or is_normalized("NFC", joined):
        return texts
    return tuple(normalize("NFC", text) for text in texts)


@dataclass(frozen=True, slots=True)
class Layout:
    """How the cells of a row become texts, and texts become the values of ``names``.

    The texts of the names come first, those of further headings (fallbacks; headings without a name) behind them.
    """

    names: tuple[str, ...]
    headings: tuple[str, ...]
    fallbacks: tuple[tuple[int, tuple[int, ...]], ...]
    pick: Callable[[Sequence[str]], Sequence[str]]

    def texts(self, cells: Sequence[str]) -> tuple[str, ...]:
        """The texts of all headings of the layout; ``cells`` are at least as many as the header's."""
        return tidy(self.pick(cells))

    def values(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """The values of the names."""
        if not self.fallbacks:
            return texts if len(texts) == len(self.names) else texts[: len(self.names)]
        values = list(texts[: len(self.names)])
        for position, others in self.fallbacks:
            if not values[position]:
                values[position] = next((texts[other] for other in others if texts[other]), "")
        return tuple(values)

    def raw(self, texts: tuple[str, ...]) -> dict[str, str]:
        """Heading -> text, as ``row`` in templates."""
        return dict(zip(self.headings, texts, strict=True))


def layout_of(header: Sequence[str], columns: Sequence[Column] | None, at: Location) -> Layout:
    """How to read rows under this header, which stands at ``at``.

    Raises Refused with one problem for every heading of ``columns`` that is missing or stands there twice.
    """
    headings = [clean_heading(heading) for heading in header]
    return _every_heading(headings) if columns is None else _named_columns(headings, columns, at)


def _every_heading(header: Sequence[str]) -> Layout:
    places: dict[str, int] = {}
    for place, heading in enumerate(header):
        if heading:
            places.setdefault(heading, place)
    # Two names that Python takes for one (NFKC) can't both be names; nor can a heading that stands there twice.
    uses = Counter(normalize("NFKC", name_of(heading)) for heading in header)
    named = [heading for heading in places if uses[normalize("NFKC", name_of(heading))] == 1]
    known = set(named)
    headings = (*named, *(heading for heading in places if heading not in known))
    return Layout(tuple(map(name_of, named)), headings, (), _picker([places[heading] for heading in headings]))


def _named_columns(header: Sequence[str], columns: Sequence[Column], at: Location) -> Layout:
    places = {heading.casefold(): place for place, heading in reversed(list(enumerate(header))) if heading}
    problems = _broken_contract(header, columns, at)
    if problems:
        raise Refused(*problems)
    headings = [column.headings[0] for column in columns]
    fallbacks = []
    for position, column in enumerate(columns):
        if others := column.headings[1:]:
            fallbacks.append((position, tuple(range(len(headings), len(headings) + len(others)))))
            headings.extend(others)
    pick = _picker([places.get(heading_key(heading), _MISSING) for heading in headings])
    return Layout(tuple(column.name for column in columns), tuple(headings), tuple(fallbacks), pick)


def _picker(places: Sequence[int]) -> Callable[[Sequence[str]], Sequence[str]]:
    """Cells -> the cells at these places; the place ``_MISSING`` gives an empty text."""
    if _MISSING in places:
        pick = _picker([place + 1 for place in places])
        return lambda cells: pick(["", *cells])
    if len(places) > 1:
        return itemgetter(*places)
    return lambda cells: [cells[place] for place in places]


def _broken_contract(header: Sequence[str], columns: Sequence[Column], at: Location) -> list[Problem]:
    uses = Counter(heading.casefold() for heading in header)
    problems = []
    for column in columns:
        for heading in column.headings:
            count = uses[heading_key(heading)]
            if not count and not column.optional:
                problems.append(_missing(heading, header, columns, at))
            elif count > 1:
                problems.append(_double(heading, at))
            else:
                continue
            if column.at.file:
                problems[-1] = replace(problems[-1], at=column.at)
    return problems


def _missing(heading: str, header: Sequence[str], columns: Sequence[Column], at: Location) -> Problem:
    taken = {heading_key(other) for column in columns for other in column.headings}
    known = [other for other in header if other][:_SEARCHED_HEADINGS]
    near = did_you_mean(clean_heading(heading), (other for other in known if other.casefold() not in taken))
    near = near or did_you_mean(clean_heading(heading), known)
    if not taken & {heading_key(other) for other in header}:
        # Not a single one: what stands there may be people, whose values are not to be shown.
        hint = _("None of the headings is there. Is the line with the headings missing, or is it another list?")
    elif near:
        hint = _('Did you mean "{near}"? Correct the heading in the mapping, or say optional: true.').format(near=near)
    else:
        hint = _("The file has: {headings}. Correct the heading in the mapping, or say optional: true.").format(
            headings=_listed(known)
        )
    message = _('The heading "{heading}" is missing in {place}.').format(heading=heading, place=at)
    return Problem("missing_heading", message, hint, at)


def _double(heading: str, at: Location) -> Problem:
    message = _('The heading "{heading}" stands more than once in {place}.').format(heading=heading, place=at)
    hint = _("Rename one of the columns in the program that exports the file, or take the column out of the mapping.")
    return Problem("double_heading", message, hint, at)


def _listed(headings: Sequence[str]) -> str:
    shown = ", ".join(re.sub(r"\s+", " ", heading) for heading in headings[:_SHOWN_HEADINGS])
    return f"{shown} …" if len(headings) > _SHOWN_HEADINGS else shown or "–"
