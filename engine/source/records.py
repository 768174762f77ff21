"""Lists whose rows are records, keys with values: from JSON, a database or a web address. They are held as a whole.

What a mapping calls a heading is a key, or the way to a value inside of others: ``attributes.vorname``; what stands in
a list is numbered from 1, so that ``telefone.*.nummer`` is the same as under numbered headings.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from unicodedata import normalize

from engine.config.names import clean_heading
from engine.i18n import _
from engine.problems import Location
from engine.source.base import CHUNK_ROWS, Chunk, Damaged, Scan, SourceOptions, Value
from engine.source.columns import MISSING, Layout, layout_of
from engine.source.whole import nobody, refusal
from engine.template.faults import Fault, Unusable

MOST_HEADINGS = 5000
MOST_DEEP = 20

Step = str | int
Getter = Callable[[Mapping[str, Any]], Value]


@dataclass(slots=True)
class Loaded:
    """A list as it was fetched. ``records`` are dicts; anything else has a fault under its index.

    ``lines`` are the lines of the records in the file, where they have any: else their numbers, from 1.
    """

    records: list[Any]
    sha256: str
    modified: datetime
    file: Path | None = None
    name: str = ""
    lines: Sequence[int] = ()
    faults: dict[int, Fault] = field(default_factory=dict)

    @property
    def at(self) -> Location:
        """The list as a place."""
        return Location(str(self.file) if self.file is not None else self.name)


class RecordSource:
    """Implements :class:`engine.source.base.Source` over what ``_load`` gives, which is asked once."""

    def __init__(self, options: SourceOptions) -> None:
        self._options = options
        self._seen: _Seen | None = None

    def _load(self) -> Loaded:
        """The list, fetched now. Raises Refused, or SourceFailed where another attempt may help."""
        raise NotImplementedError

    def scan(self) -> Scan:
        """See :meth:`Source.scan`. A second call gives the same, without fetching again."""
        return self._look().scan

    def chunks(self, size: int = CHUNK_ROWS, raw: bool = False) -> Iterator[Chunk]:
        """See :meth:`Source.chunks`."""
        seen = self._look()
        layout, loaded = seen.layout, seen.loaded
        chunk = Chunk(raw=[] if raw else None)
        for index, record in enumerate(loaded.records):
            if len(chunk) >= size:
                yield chunk
                chunk = Chunk(raw=[] if raw else None)
            line = loaded.lines[index] if loaded.lines else index + 1
            fault = loaded.faults.get(index) or (None if isinstance(record, dict) else _no_record())
            if fault is not None:
                chunk.damaged.append(Damaged(index + 1, line, (), fault.code, fault.message, fault.hint))
                continue
            texts = tuple(getter(record) for getter in seen.getters)
            chunk.rows.append(layout.values(texts))
            chunk.numbers.append(index + 1)
            chunk.lines.append(line)
            if chunk.raw is not None:
                chunk.raw.append(layout.raw(texts))
        yield chunk

    def _look(self) -> _Seen:
        if self._seen is None:
            self._seen = _seen(self._load(), self._options)
        return self._seen


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a scan found out."""

    scan: Scan
    layout: Layout
    getters: tuple[Getter, ...]
    loaded: Loaded


def _seen(loaded: Loaded, options: SourceOptions) -> _Seen:
    if not loaded.records:
        raise nobody(_("The list holds no record."), loaded.at)
    columns = options.columns
    into_lists = any("*" in pattern or any(map(str.isdigit, pattern.split("."))) for column in columns or ()
                     for pattern in column.patterns)  # fmt: skip
    paths, structured = _paths(loaded, into_lists)
    header = tuple(map(heading_of, paths))
    layout = layout_of(header, columns, loaded.at)
    getters = tuple(_getter(paths[place]) if place != MISSING else _nothing for place in layout.places)
    lists = {name for name in layout.names if any(paths[place] in structured for place in layout.places_of(name))}

    def place(line: int, names: Sequence[str]) -> str:
        where = [header[at] for name in names if name in layout.names for at in layout.places_of(name)]
        number = _("line {line}").format(line=line) if loaded.lines else _("record {number}").format(number=line)
        return ", ".join([number, *where[:3]])

    scan = Scan(
        file=loaded.file,
        sha256=loaded.sha256,
        rows=len(loaded.records),
        modified=loaded.modified,
        header=tuple(map(clean_heading, header)),
        names=layout.names,
        header_line=0,
        name=loaded.name,
        structured=layout.listed | lists,
        place=place,
    )
    return _Seen(scan, layout, getters, loaded)


def heading_of(path: Sequence[Step]) -> str:
    """The way to a value as a mapping writes it."""
    return ".".join(str(step + 1) if isinstance(step, int) else step for step in path)


# --- ways to values ---------------------------------------------------------------------------------------------------

_HOLDS = ("",)  # no key of a tree is a tuple: the mark of values that hold others
_Tree = dict[Any, Any]


def _paths(loaded: Loaded, into_lists: bool) -> tuple[list[tuple[Step, ...]], set[tuple[Step, ...]]]:
    """All ways to values, in the order in which they were met, and those that lead to lists or keys with values."""
    tree: _Tree = {}
    for record in loaded.records:
        if isinstance(record, dict):
            _grow(tree, record, into_lists, 0)
    paths: list[tuple[Step, ...]] = []
    structured: set[tuple[Step, ...]] = set()
    waiting: list[tuple[tuple[Step, ...], _Tree]] = [((step,), below) for step, below in reversed(tree.items())]
    while waiting:
        path, below = waiting.pop()
        if _HOLDS in below:
            structured.add(path)
        paths.append(path)
        if len(paths) > MOST_HEADINGS:
            message = _("The records have more than {count} different keys.").format(count=MOST_HEADINGS)
            hint = _("Is the way to the list right? `rows:` names the list itself, not what stands above it.")
            raise refusal("too_many_headings", message, hint, loaded.at)
        waiting += [((*path, step), under) for step, under in reversed(below.items()) if step != _HOLDS]
    return paths, structured


def _grow(tree: _Tree, value: Any, into_lists: bool, depth: int) -> None:
    """Note all keys of a value in a tree of keys."""
    for step, item in value.items() if isinstance(value, dict) else enumerate(value):
        below = tree.get(step)
        if below is None:
            below = tree[step] = {}
        if isinstance(item, dict | list):
            below[_HOLDS] = {}
            if depth < MOST_DEEP and (into_lists or isinstance(item, dict)):
                _grow(below, item, into_lists, depth + 1)


def _nothing(_record: Mapping[str, Any]) -> str:
    return ""


def _getter(path: tuple[Step, ...]) -> Getter:
    """What gives the value at the end of a way; "" where a record does not have it."""
    if len(path) == 1:
        (key,) = path
        return lambda record: clean(record.get(key))  # type: ignore[arg-type]  # a record's own keys are text

    def get(record: Mapping[str, Any]) -> Value:
        value: Any = record
        for step in path:
            if isinstance(step, int):
                value = value[step] if isinstance(value, list) and step < len(value) else None
            else:
                value = value.get(step) if isinstance(value, dict) else None
            if value is None:
                return ""
        return clean(value)

    return get


def clean(value: Any) -> Value:
    """A value as templates get it: texts without outer blanks, in NFC; nothing is an empty text, also inside of others.

    True and false become words that conditions and ``ja`` understand, numbers and dates their plain text.
    """
    if isinstance(value, str):
        text = value.strip()
        return text if text.isascii() else _composed(text)
    if value is None:
        return ""
    if isinstance(value, Unusable):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return {str(key): clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(item) for item in value]
    return _plain(value)


def _composed(text: str) -> Value:
    try:
        text.encode()
    except UnicodeEncodeError:
        message = _("The value holds characters that can't be written: half of a pair.")
        return Unusable(Fault("not_a_text", message, _("Correct it in the source.")))
    return normalize("NFC", text)


def _plain(value: Any) -> Value:
    """The text of a number, a date or a time of day; ISO for dates, as databases write them."""
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    if isinstance(value, dt.datetime) and value.time() == dt.time() and value.tzinfo is None:
        return value.date().isoformat()
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    if isinstance(value, bytes | bytearray | memoryview):
        return clean(bytes(value).decode("utf-8", "surrogateescape"))
    return str(value)


def _no_record() -> Fault:
    message = _("This entry of the list holds no keys and values.")
    return Fault("no_record", message, _("Is the way to the list right? See `rows:` in the mapping."))


def combined(parts: Sequence[Loaded]) -> Loaded:
    """Several pages as one list."""
    records = [record for part in parts for record in part.records]
    faults: dict[int, Fault] = {}
    before = 0
    for part in parts:
        faults |= {before + index: fault for index, fault in part.faults.items()}
        before += len(part.records)
    return replace(parts[0], records=records, lines=(), faults=faults)
