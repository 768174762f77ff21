"""What every source gives: one look over the whole, then its rows in chunks of text.

A source knows nothing of mappings or templates. It takes :class:`SourceOptions` and gives tuples of values in the order
of :attr:`Scan.names`; what breaks its contract is a :class:`~engine.problems.Refused`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from engine.problems import NOWHERE, Location

CHUNK_ROWS = 2000
LAST_ROWS = 3
"""How many rows at the end of a list tell what its persons look like there, and where a footer is looked for."""

Value: TypeAlias = Any
"""What a name stands for: text, or where source or mapping make them, lists of values and keys with values.

A cell that can't be believed is an :class:`~engine.template.faults.Unusable`."""


@dataclass(frozen=True, slots=True)
class Column:
    """One entry of ``columns:``: a template name and the headings it may come from; the first cell not empty wins.

    All headings must be in the file unless the column is ``optional``. ``at`` is where the mapping says so.

    A heading with ``*`` stands for a number: the column is the list of all of them in the order of their numbers. With
    ``each`` (key -> heading with ``*``, instead of ``headings``) it is a list of records, one for each number. With
    ``marked`` the ``*`` stands for any text, and the list holds what stands in place of it where a cell is marked:
    ``yes`` for x, ja, 1 …, ``filled`` for any text.
    """

    name: str
    headings: tuple[str, ...]
    optional: bool = False
    at: Location = NOWHERE
    each: tuple[tuple[str, str], ...] = ()
    marked: str = ""

    @property
    def patterns(self) -> tuple[str, ...]:
        """All headings that the column asks for."""
        return self.headings or tuple(heading for _key, heading in self.each)


@dataclass(frozen=True, slots=True)
class Remote:
    """Where a list comes from that is no file. ``timeout`` in seconds; ``secrets`` may stand in no message.

    ``query`` for a database; ``headers``, ``format``, ``next`` and ``page`` for a web address. ``sleep`` waits before a
    request is repeated; None: nothing is repeated.
    """

    url: str = field(repr=False)
    query: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    format: str | None = None
    next: str | None = None
    page: str | None = None
    timeout: float = 60.0
    ca_file: str | None = None
    verify_tls: bool = True
    root: Path = Path()
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    sleep: Callable[[float], None] | None = None


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What a mapping says about the shape of its source. None means: find out; ``columns`` None: every heading.

    ``quote`` may be ``""``: the file quotes nothing. ``header_row`` is a line of the file and counts from 1.
    ``at`` is the ``source:`` key of the mapping.
    """

    columns: tuple[Column, ...] | None
    delimiter: str | None = None
    quote: str | None = None
    encoding: str | None = None
    header_row: int | None = None
    skip_footer: int = 0
    at: Location = NOWHERE
    sheet: str | None = None
    rows: str | None = None
    remote: Remote | None = None


def nowhere(_line: int, _names: Sequence[str]) -> str:
    """The place of a row in a source whose lines say enough."""
    return ""


@dataclass(frozen=True, slots=True)
class Scan:
    """What one look over the whole file tells, before anything is rendered.

    ``rows`` counts data rows: damaged ones are in, blank ones and the footer are not. ``modified`` is in UTC.
    ``header`` holds the cleaned headings as the file has them, ``names`` the template names in the order of the tuples.

    ``name`` is what people call the source where there is no ``file``. ``structured`` are the names whose values are
    not text in every row. ``place`` says where in the source the values of some names stand (none: the row) for a
    row's ``line``, without the file: ``sheet Aktive, F17``; "" where the line says enough.

    ``footer`` are the rows that ``skip_footer`` leaves out, each with its line, ``last`` the :data:`LAST_ROWS` before
    them: an export that has no footer this time has a person there.
    """

    file: Path | None
    sha256: str
    rows: int
    modified: datetime
    header: tuple[str, ...]
    names: tuple[str, ...]
    header_line: int
    encoding: str = ""
    delimiter: str = ""
    name: str = ""
    structured: frozenset[str] = frozenset()
    place: Callable[[int, Sequence[str]], str] = nowhere
    footer: tuple[tuple[int, tuple[Value, ...]], ...] = field(default=(), repr=False, compare=False)
    last: tuple[tuple[Value, ...], ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Damaged:
    """A row that can't be read as the header promises; the rows around it can.

    ``number`` and ``line`` count as in :class:`Chunk`. ``values`` are the texts of the names as far as the cells allow,
    for a *tentative* key: what stands behind the damage has moved, so a key that nobody is known by proves nothing.
    They are None where the row may have swallowed others (a stray quote took in several lines): it could be anybody.
    ``nobody``: it is no row of a person for certain.
    """

    number: int
    line: int
    cells: tuple[str, ...]
    code: str
    message: str
    hint: str = ""
    values: tuple[Value, ...] | None = None
    nobody: bool = False


@dataclass(slots=True)
class Chunk:
    """Some rows in the order of the file. ``rows``, ``numbers``, ``lines`` (and ``raw``) run in parallel.

    ``rows``: values in the order of :attr:`Scan.names`; texts are without outer blanks, in NFC. ``numbers``: 1 is the
    first data row. ``lines``: where the row begins in the file (quoted cells may span lines), in the sheet, or the
    number of the record. ``raw``: heading -> value, only if asked for; with ``columns`` only the headings named there,
    as the mapping writes them. What is in ``damaged`` is not in ``rows``.
    """

    rows: list[tuple[Value, ...]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    raw: list[dict[str, Value]] | None = None
    damaged: list[Damaged] = field(default_factory=list)

    def __len__(self) -> int:
        """All rows of the chunk, damaged ones too."""
        return len(self.rows) + len(self.damaged)


class Source(Protocol):
    """One file (or table, or address) as a stream of rows. It may be scanned and read any number of times.

    It is made of :class:`SourceOptions`, a file source of a path and them; making it touches nothing yet: what is wrong
    with the file or the options is told by :meth:`scan`.
    """

    def scan(self) -> Scan:
        """Look over the whole source once and remember what it tells.

        Raises Refused with all that breaks the contract of the whole: unreadable, cut off, no rows, missing headings.
        """
        ...

    def chunks(self, size: int = CHUNK_ROWS, raw: bool = False) -> Iterator[Chunk]:
        """The rows that were scanned, at most ``size`` at a time; never more than one chunk is held.

        Scans first where nobody did. Raises Refused ``file_changed``, before the last chunk at the latest, when the
        file is no longer the one that was scanned: nothing read from it may be used then.
        """
        ...
