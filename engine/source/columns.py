"""PURE: from the headings of a file to the names of templates, and from cells to values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import Any
from unicodedata import is_normalized, normalize

from engine.config.names import clean_heading, heading_key, name_of
from engine.i18n import _
from engine.problems import Location, Problem, Refused, did_you_mean
from engine.source.base import Column, Damaged, Value
from engine.template.faults import Fault, Unusable
from engine.template.filters import FilterError, ja

MISSING = -1
"""The place of a heading that is not there: its cells are empty."""
_SHOWN_HEADINGS = 20
_BETWEEN = re.compile(r"\s*[,;|]\s*|\s+(?:oder|or|und|and)\s+")
_SEARCHED_HEADINGS = 1000
_LONGEST_HEADING = 80
"""Letters of a heading that is compared with others: longer ones are texts, and take long."""
_MEANT_HEADINGS = 20

Shape = Callable[[Sequence[Value]], Value]
"""From the values of a row's headings to that of a name."""


class Cells(dict[str, Value]):
    """``row`` in templates: heading -> value. A heading is found whatever its case and blanks, as everywhere.

    Only what is not there as it is written is looked for among the others; of several that differ in case only, none
    is meant. The rows of a list share what was found.
    """

    __slots__ = ()

    def __missing__(self, heading: object) -> Value:
        written = _as_written(tuple(self), heading) if isinstance(heading, str) else None
        if written is None:
            raise KeyError(heading)
        return self[written]

    def __contains__(self, heading: object) -> bool:
        return super().__contains__(heading) or (
            isinstance(heading, str) and _as_written(tuple(self), heading) is not None
        )

    def get(self, heading: Any, default: Any = None, /) -> Value:
        """The value, or ``default`` where there is no such heading."""
        try:
            return self[heading]
        except KeyError:
            return default


@lru_cache(maxsize=1024)
def _as_written(headings: tuple[str, ...], heading: str) -> str | None:
    key = heading_key(heading)
    found = [written for written in headings if heading_key(written) == key]
    return found[0] if len(found) == 1 else None


def written_name(heading: str, names: Collection[str]) -> str:
    """The one of the ``names`` that a heading gives, whatever its case; its own where there is none."""
    name = name_of(heading)
    if heading in names or name in names:
        return heading if heading in names else name
    found = [known for known in names if known.casefold() == name.casefold()]
    return found[0] if len(found) == 1 else name


def required_keys(columns: Iterable[Column]) -> frozenset[str]:
    """The keys of all headings that must be in the file, by which its header is known."""
    return frozenset(
        heading_key(heading)
        for column in columns
        if not column.optional
        for heading in column.patterns
        if "*" not in heading
    )


def wanted_keys(columns: Iterable[Column] | None) -> frozenset[str]:
    """What a header is looked for by: the required headings, or where there are none all of them."""
    every = tuple(columns or ())
    named = frozenset(heading_key(heading) for column in every for heading in column.patterns if "*" not in heading)
    return required_keys(every) or named


def nearness(wanted: Collection[str], cells: Iterable[str]) -> int:
    """How many of the wanted headings are meant by one of these cells, roughly; 0 unless they look like a header.

    So many must be near that it can be no row of a person whose name is like a heading.
    """
    keys = sorted(wanted)[:_MEANT_HEADINGS]
    known = list(_comparable(map(heading_key, cells)))
    found = sum(_near(key, known) is not None for key in keys)
    return found if found * 2 >= len(keys) and found >= min(2, len(keys)) else 0


def _comparable(headings: Iterable[str]) -> Iterator[str]:
    return (heading for heading in islice(headings, _SEARCHED_HEADINGS) if 0 < len(heading) <= _LONGEST_HEADING)


def _near(heading: str, known: Iterable[str]) -> str | None:
    return did_you_mean(heading, known) if len(heading) <= _LONGEST_HEADING else None


def tidy(cells: Iterable[str]) -> tuple[str, ...]:
    """The cells without outer blanks, in NFC."""
    texts = tuple(map(str.strip, cells))
    joined = "".join(texts)
    if joined.isascii() or is_normalized("NFC", joined):
        return texts
    return tuple(normalize("NFC", text) for text in texts)


def is_empty(value: Value) -> bool:
    """Whether nothing stands there; what can't be believed is not nothing."""
    return isinstance(value, str | list | dict) and not value


@dataclass(frozen=True, slots=True)
class Layout:
    """How the cells of a row become texts, and texts become the values of ``names``.

    ``places`` are those of the headings in the header. The texts of the names come first, those of further headings
    (fallbacks, members of lists, headings without a name) behind them; ``shapes`` make the values of lists out of them.
    """

    names: tuple[str, ...]
    headings: tuple[str, ...]
    fallbacks: tuple[tuple[int, tuple[int, ...]], ...]
    places: tuple[int, ...]
    pick: Callable[[Sequence[str]], Sequence[str]]
    shapes: tuple[tuple[int, Shape], ...] = ()
    members: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def texts(self, cells: Sequence[str]) -> tuple[str, ...]:
        """The texts of all headings of the layout; ``cells`` are at least as many as the header's."""
        return tidy(self.pick(cells))

    def values(self, texts: tuple[Value, ...]) -> tuple[Value, ...]:
        """The values of the names."""
        if not self.fallbacks and not self.shapes:
            return texts if len(texts) == len(self.names) else texts[: len(self.names)]
        values = list(texts[: len(self.names)])
        for position, others in self.fallbacks:
            if is_empty(values[position]):
                values[position] = next((texts[other] for other in others if not is_empty(texts[other])), "")
        for position, shape in self.shapes:
            values[position] = shape(texts)
        return tuple(values)

    def raw(self, texts: tuple[Value, ...]) -> Cells:
        """Heading -> value, as ``row`` in templates."""
        return Cells({heading: text for heading, text in zip(self.headings, texts, strict=True) if heading})

    @property
    def listed(self) -> frozenset[str]:
        """The names whose values are lists."""
        return frozenset(self.names[position] for position, _shape in self.shapes)

    def places_of(self, name: str) -> tuple[int, ...]:
        """Where in the header a name's values may stand."""
        position = self.names.index(name)
        others = next((others for at, others in self.fallbacks if at == position), ())
        found = (self.places[place] for place in (position, *others, *self.members.get(name, ())))
        return tuple(place for place in found if place != MISSING)


class Again:
    """Finds rows that are the headings once more, as exports bring them with every page.

    ``place`` is that of a text to look at first, ``texts`` is what it holds there: of hardly any other row.
    """

    def __init__(self, layout: Layout, header: Sequence[str]) -> None:
        self._layout = layout
        self._headings = layout.texts(header)
        self.place = next((place for place, heading in enumerate(self._headings) if heading), 0)
        self.text = self._headings[self.place]

    def found(self, number: int, line: int, texts: Sequence[Value]) -> Damaged | None:
        """The row as a damaged one, where all its cells are their own headings; some may be empty."""
        pairs = [pair for pair in zip(texts, self._headings, strict=True) if pair[0] != ""]
        if len(pairs) < min(2, len(list(filter(None, self._headings)))) or any(
            not isinstance(text, str) or heading_key(text) != heading_key(heading) for text, heading in pairs
        ):
            return None
        message = _("The headings stand here once more, in the middle of the list: this is no person.")
        hint = _("Export the list without page breaks, or leave such rows out with `where`.")
        cells = tuple(map(str, texts))
        values = self._layout.values(tuple(texts))
        return Damaged(number, line, cells, "repeated_headings", message, hint, values, nobody=True)


def layout_of(header: Sequence[str], columns: Sequence[Column] | None, at: Location, place: str = "") -> Layout:
    """How to read rows under this header, which stands at ``at``; ``place`` is what people call that.

    Raises Refused with one problem for every heading of ``columns`` that is missing or stands there twice.
    """
    headings = [clean_heading(heading) for heading in header]
    return _every_heading(headings) if columns is None else _named_columns(headings, columns, at, place or str(at))


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
    found = tuple(places[heading] for heading in headings)
    return Layout(tuple(map(name_of, named)), headings, (), found, _picker(found))


def _named_columns(header: Sequence[str], columns: Sequence[Column], at: Location, place: str) -> Layout:
    places = {heading.casefold(): place for place, heading in reversed(list(enumerate(header))) if heading}
    numbered = {column.name: _numbered(column, header, places) for column in columns}
    problems = _broken_contract(header, columns, numbered, at, place)
    if problems:
        raise Refused(*problems)
    is_list = {column.name: bool(column.each or column.marked or numbered[column.name]) for column in columns}
    headings = ["" if is_list[column.name] else column.headings[0] for column in columns]
    fallbacks, shapes = [], []
    members: dict[str, tuple[int, ...]] = {}
    found = [places.get(heading_key(heading), MISSING) if heading else MISSING for heading in headings]
    for position, column in enumerate(columns):
        begin = len(found)
        if not is_list[column.name]:
            if others := column.headings[1:]:
                fallbacks.append((position, tuple(range(begin, begin + len(others)))))
                headings.extend(others)
                found.extend(places.get(heading_key(heading), MISSING) for heading in others)
            continue
        cells = [cell for cells in numbered[column.name].values() for cell in cells]
        headings.extend(header[cell.place] for cell in cells)
        found.extend(cell.place for cell in cells)
        members[column.name] = tuple(range(begin, len(found)))
        shapes.append((position, _shape(column, numbered[column.name], begin)))
    return Layout(
        tuple(column.name for column in columns),
        tuple(headings),
        tuple(fallbacks),
        tuple(found),
        _picker(found),
        tuple(shapes),
        members,
    )


# --- lists: headings that repeat under numbers, and columns that are marked -------------------------------------------


@dataclass(frozen=True, slots=True)
class _Cell:
    """A heading that a ``*`` stands for: its place, and what stands in place of the star."""

    place: int
    number: tuple[int, ...]
    label: str


def _numbered(column: Column, header: Sequence[str], places: Mapping[str, int]) -> dict[str, list[_Cell]]:
    """Each heading with ``*`` of a column (and those beside it) with the cells it stands for; {} for a plain column."""
    starred = [heading for heading in column.patterns if "*" in heading and heading_key(heading) not in places]
    if not starred and not column.each and not column.marked:
        return {}
    found: dict[str, list[_Cell]] = {}
    for heading in column.patterns:
        if heading in starred:
            found[heading] = _cells(heading, header, bool(column.marked))
        elif heading_key(heading) in places:
            found[heading] = [_Cell(places[heading_key(heading)], (), clean_heading(heading))]
        else:
            found[heading] = []
    return found


def _cells(heading: str, header: Sequence[str], any_text: bool) -> list[_Cell]:
    """The cells that a heading with ``*`` stands for, in the order of their numbers."""
    pattern = _pattern(heading, any_text)
    matches = [(place, pattern.fullmatch(written)) for place, written in enumerate(header)]
    cells = [
        _Cell(place, () if any_text else tuple(map(int, found.groups())), " ".join(found.groups()).strip())
        for place, found in matches
        if found is not None
    ]
    return sorted(cells, key=lambda cell: cell.number)


def _pattern(heading: str, any_text: bool) -> re.Pattern[str]:
    star = "(.+)" if any_text else "([0-9]{1,9})"
    return re.compile(star.join(map(re.escape, clean_heading(heading).split("*"))), re.IGNORECASE)


def fits(heading: str, written: str) -> bool:
    """Whether a heading of a mapping, which may hold ``*``, stands for one that is written in a list."""
    if heading_key(heading) == heading_key(written):
        return True
    return "*" in heading and _pattern(heading, any_text=True).fullmatch(clean_heading(written)) is not None


def _shape(column: Column, numbered: Mapping[str, Sequence[_Cell]], begin: int) -> Shape:
    """What makes a column's list. Its cells stand in the texts from ``begin`` on, in the order of ``numbered``."""
    if column.marked:
        labels = [cell.label for cells in numbered.values() for cell in cells]
        return lambda texts: _marked(labels, texts[begin : begin + len(labels)], column.marked)
    if not column.each:
        end = begin + sum(map(len, numbered.values()))
        return lambda texts: list(texts[begin:end])
    at: dict[str, dict[tuple[int, ...], int]] = {}
    place = begin
    for heading, cells in numbered.items():
        at[heading] = {cell.number: place + index for index, cell in enumerate(cells)}
        place += len(cells)
    numbers = sorted({number for cells in at.values() for number in cells})
    records = [[(key, at[heading].get(number)) for key, heading in column.each] for number in numbers]
    return lambda texts: _records(records, texts)


def _records(records: Sequence[Sequence[tuple[str, int | None]]], texts: Sequence[Value]) -> list[dict[str, Value]]:
    made = ({key: "" if place is None else texts[place] for key, place in record} for record in records)
    return [record for record in made if not all(map(is_empty, record.values()))]


def _marked(labels: Sequence[str], texts: Sequence[Value], marked: str) -> Value:
    """The labels of the cells that are marked; unusable where one is neither clearly marked nor clearly not."""
    found = []
    for label, text in zip(labels, texts, strict=True):
        if is_empty(text):
            continue
        if isinstance(text, Unusable):
            return text
        try:
            if marked == "filled" or ja(text):
                found.append(label)
        except FilterError:
            message = _("In the column {label} stands “{text}”: is that a mark?").format(label=label, text=text)
            hint = _("Write x or leave the cell empty; or say `marked: filled` to count any text as a mark.")
            return Unusable(Fault("unclear_mark", message, hint))
    return found


def _picker(places: Sequence[int]) -> Callable[[Sequence[str]], Sequence[str]]:
    """Cells -> the cells at these places; the place ``MISSING`` gives an empty text."""
    if MISSING in places:
        pick = _picker([place + 1 for place in places])
        return lambda cells: pick(["", *cells])
    if len(places) > 1:
        return itemgetter(*places)
    return lambda cells: [cells[place] for place in places]


def _broken_contract(
    header: Sequence[str],
    columns: Sequence[Column],
    numbered: Mapping[str, Mapping[str, Sequence[_Cell]]],
    at: Location,
    place: str,
) -> list[Problem]:
    uses = Counter(heading.casefold() for heading in header)
    problems = []
    wanted = {heading_key(heading) for column in columns for heading in column.patterns}
    is_header = bool(wanted & uses.keys()) or nearness(wanted_keys(columns), header) > 0
    for column in columns:
        for heading in column.patterns:
            cells = numbered[column.name].get(heading, ())
            count = max(uses[heading_key(heading)], 1 if cells else 0)
            twice = Counter((cell.number, cell.label.casefold()) for cell in cells)
            if not count and not column.optional:
                problems.append(_missing(heading, header, wanted if is_header else None, at, place))
            elif count > 1 or (twice and max(twice.values()) > 1):
                problems.append(_double(heading, at, place))
            else:
                continue
            if column.at.file:
                problems[-1] = replace(problems[-1], at=column.at)
    return problems


def _missing(heading: str, header: Sequence[str], taken: Collection[str] | None, at: Location, place: str) -> Problem:
    """``taken`` are the headings that are asked for; None where nothing in the header is like one of them."""
    known = list(filter(None, header))[:_SEARCHED_HEADINGS]
    free = (other for other in known if other.casefold() not in (taken or ()))
    near = None
    if taken is not None:
        near = _near(clean_heading(heading), _comparable(free)) or _near(clean_heading(heading), _comparable(known))
    several = [part for part in _BETWEEN.split(heading) if part]
    if len(several) > 1 and {heading_key(part) for part in several} <= {heading_key(other) for other in known}:
        hint = _("Several headings stand in brackets, the first that is not empty counts: {line}")
        hint = hint.format(line=f"[{', '.join(several)}]")
    elif "*" in heading:
        hint = _("The star stands for a number, as in {example}. For columns marked with x say `marked: true`.")
        hint = hint.format(example=heading.replace("*", "1"))
    elif taken is None:
        # Not a single one: what stands there may be people, whose values are not to be shown.
        hint = _("None of the headings is there. Is the line with the headings missing, or is it another list?")
    elif near:
        hint = _('Did you mean "{near}"? Correct the heading in the mapping, or say optional: true.').format(near=near)
    else:
        hint = _("The file has: {headings}. Correct the heading in the mapping, or say optional: true.").format(
            headings=_listed(known)
        )
    message = _('The heading "{heading}" is missing in {place}.').format(heading=heading, place=place)
    return Problem("missing_heading", message, hint, at)


def _double(heading: str, at: Location, place: str) -> Problem:
    message = _('The heading "{heading}" stands more than once in {place}.').format(heading=heading, place=place)
    hint = _("Rename one of the columns in the program that exports the file, or take the column out of the mapping.")
    return Problem("double_heading", message, hint, at)


def _listed(headings: Sequence[str]) -> str:
    shown = ", ".join(re.sub(r"\s+", " ", heading) for heading in headings[:_SHOWN_HEADINGS])
    return f"{shown} …" if len(headings) > _SHOWN_HEADINGS else shown or "–"
