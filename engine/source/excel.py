"""Workbooks (.xlsx, .xls, .ods) through python-calamine: the calamine door.

Cells become what the sheet shows, as far as that can be told: ``1042.0`` is ``1042``, dates and times are German
(``01.02.1980``, ``01.02.1980 13:45``, ``13:45``), true and false are words that conditions understand. What calamine
does not tell (error cells, leading zeros of a number format) is read beside it: :mod:`engine.source.sheets`.
"""

from __future__ import annotations

import datetime as dt
import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from engine.config.names import clean_heading, heading_key
from engine.i18n import _
from engine.problems import Refused, did_you_mean
from engine.source.base import CHUNK_ROWS, LAST_ROWS, Chunk, Scan, SourceOptions, Value
from engine.source.columns import MISSING, Again, Layout, layout_of, nearness, wanted_keys
from engine.source.sheets import Extras, TooLarge, is_locked, letters, look_beside
from engine.source.whole import no_rows, nobody, place_of, read_whole, refusal
from engine.template.faults import Unusable

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

HEAD_ROWS = 20
"""So many rows that are not blank may hold the header."""

_OLE, _OLE_SECTOR = b"\xd0\xcf\x11\xe0", 512
"""How an .xls file begins, and of how many bytes its parts are: the last one is never shorter."""
_WORKBOOKS = (b"PK\x03\x04", _OLE)
_PLAIN_DIGITS = 10**15
_Cells = Sequence[Any]


class ExcelSource:
    """One sheet of a workbook as rows of text. Implements :class:`engine.source.base.Source`.

    The sheet is held as a whole, outside of Python's own objects; it is read once, so both looks see the same.
    """

    def __init__(self, file: Path, options: SourceOptions) -> None:
        self._file = file
        self._options = options
        self._seen: _Seen | None = None

    def scan(self) -> Scan:
        """See :meth:`Source.scan`. A second call gives the same, without looking again."""
        return self._look().scan

    def chunks(self, size: int = CHUNK_ROWS, raw: bool = False) -> Iterator[Chunk]:
        """See :meth:`Source.chunks`."""
        seen = self._look()
        layout, again = seen.layout, seen.again
        chunk = Chunk(raw=[] if raw else None)
        for number, (line, cells) in enumerate(islice(seen.sheet.rows_below(seen.line), seen.scan.rows), 1):
            if len(chunk) >= size:
                yield chunk
                chunk = Chunk(raw=[] if raw else None)
            texts = seen.texts(line, cells)
            if texts[again.place] == again.text and (headings := again.found(number, line, texts)) is not None:
                chunk.damaged.append(headings)
                continue
            chunk.rows.append(layout.values(texts))
            chunk.numbers.append(number)
            chunk.lines.append(line)
            if chunk.raw is not None:
                chunk.raw.append(layout.raw(texts))
        yield chunk

    def _look(self) -> _Seen:
        if self._seen is None:
            self._seen = self._scan()
        return self._seen

    def _scan(self) -> _Seen:
        file, options = self._file, self._options
        whole = read_whole(file)
        workbook = _opened(file, whole.content)
        sheet, line = _find(file, workbook, whole.content, options)
        cells = sheet.row(line)
        at = place_of(file, line)
        header = tuple(clean_heading(_heading(cell)) for cell in cells)
        layout = layout_of(header, options.columns, at, f"{file}, {sheet.label}, {_row(line)}")
        rows, ending = 0, deque[tuple[int, _Cells]](maxlen=options.skip_footer + LAST_ROWS)
        for row in sheet.rows_below(line):
            rows += 1
            ending.append(row)
        if rows <= options.skip_footer:
            raise no_rows(at, rows, sheet.label)
        first, label = sheet.first_column, sheet.label

        def place(row: int, names: Sequence[str]) -> str:
            places = {place: None for name in names if name in layout.names for place in layout.places_of(name)}
            found = ", ".join(f"{letters(first + place)}{row}" for place in list(places)[:4])
            return f"{label}, {found or _row(row)}"

        scan = Scan(
            file=file,
            sha256=whole.sha256,
            rows=rows - options.skip_footer,
            modified=whole.modified,
            header=header,
            names=layout.names,
            header_line=line,
            structured=layout.listed,
            place=place,
        )
        seen = _Seen(scan, layout, sheet, line, Again(layout, [_heading(cell) for cell in cells]))
        if not options.skip_footer:
            return seen
        values = [(number, layout.values(seen.texts(number, row))) for number, row in ending]
        last, footer = values[: -options.skip_footer], values[-options.skip_footer :]
        scan = replace(scan, footer=tuple(footer), last=tuple(row for _number, row in last))
        return replace(seen, scan=scan)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a scan found out. The header stands in the row ``line`` of the sheet."""

    scan: Scan
    layout: Layout
    sheet: _Sheet
    line: int
    again: Again

    def texts(self, line: int, cells: _Cells) -> tuple[Value, ...]:
        """The values of the layout's headings in a row."""
        beside = self.sheet.extras.rows.get(line)
        if beside is not None:
            first = self.sheet.first_column
            cells = [beside.get(first + place, cell) for place, cell in enumerate(cells)]
        return tuple("" if place == MISSING else as_text(cells[place]) for place in self.layout.places)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A sheet with what stands beside it. Rows are counted as the sheet does, from 1; columns from 0."""

    name: str
    sheet: CalamineSheet
    extras: Extras

    @property
    def label(self) -> str:
        """The sheet as people call it."""
        return _("sheet {name}").format(name=self.name)

    @property
    def first_column(self) -> int:
        """The column of a row's first cell: empty ones to the left are not there."""
        return self.sheet.start[1] if self.sheet.start is not None else 0

    def row(self, line: int) -> _Cells:
        """The cells of one row."""
        return next(islice(self.sheet.iter_rows(), line - 1, None), [])

    def rows_below(self, line: int) -> Iterator[tuple[int, _Cells]]:
        """The rows behind one that are not blank, with their numbers."""
        for number, cells in enumerate(islice(self.sheet.iter_rows(), line, None), line + 1):
            if any(cells) or _filled(cells) or number in self.extras.rows:
                yield number, cells


def _row(number: int) -> str:
    return _("row {number}").format(number=number)


def _filled(cells: Iterable[Any]) -> bool:
    return any(cell is not None and (not isinstance(cell, str) or cell.strip()) for cell in cells)


# --- the workbook and its sheets --------------------------------------------------------------------------------------


def _opened(file: Path, content: bytes) -> CalamineWorkbook:
    at = place_of(file)
    if not content.startswith(_WORKBOOKS):
        message = _("This is no workbook, whatever its name says.")
        hint = _("Many programs call a text file .xls: say `type: csv` in the mapping, or export it as a workbook.")
        raise refusal("no_workbook", message, hint, at)
    if content.startswith(_OLE) and len(content) % _OLE_SECTOR:
        raise _damaged(file)
    if is_locked(content):
        message = _("The workbook is protected by a password.")
        raise refusal("workbook_locked", message, _("Save it without a password."), at)
    import python_calamine

    with _calamine_errors(file):
        return python_calamine.load_workbook(io.BytesIO(content))


class _calamine_errors:  # noqa: N801  # a context manager
    """What calamine says about a file, as a refusal: also where it gives up altogether (a panic is no Exception)."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _where: object) -> None:
        if error is None or isinstance(error, Refused | KeyboardInterrupt | SystemExit | GeneratorExit):
            return
        import python_calamine

        if not isinstance(error, python_calamine.CalamineError | OSError | ValueError) and (
            type(error).__name__ != "PanicException"
        ):
            return
        raise _damaged(self._file) from None


def _damaged(file: Path) -> Refused:
    message = _("The workbook can't be read: it was cut off, or it is damaged.")
    hint = _("Export it again. If Excel opens it, save it anew as .xlsx, without a password.")
    return refusal("cut_off_file", message, hint, place_of(file))


def _find(file: Path, workbook: CalamineWorkbook, content: bytes, options: SourceOptions) -> tuple[_Sheet, int]:
    """The sheet that is meant, and the row of its header: the first sheet with all wanted headings, or with most, or
    with those that are most like them; else the first.
    """
    wanted = wanted_keys(options.columns)
    best: tuple[tuple[int, int], _Sheet, int] | None = None
    for name in _candidates(file, workbook, options):
        sheet = _sheet(file, workbook, content, name)
        found = _header(file, sheet, wanted, options.header_row)
        if found is None:
            continue
        alike, line = found
        if best is None or alike > best[0]:
            best = alike, sheet, line
        if alike[0] == len(wanted):
            break
    if best is None:
        raise nobody(_("The workbook is empty."), place_of(file))
    return best[1], best[2]


def _candidates(file: Path, workbook: CalamineWorkbook, options: SourceOptions) -> list[str]:
    """The sheets to look at: the one that is named or numbered, else all that people see."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    names = [sheet.name for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    if options.sheet is None:
        visible = [
            sheet.name
            for sheet in workbook.sheets_metadata
            if sheet.name in names and sheet.visible == SheetVisibleEnum.Visible
        ]
        return visible or names
    by_key = {heading_key(name): name for name in reversed(names)}
    wanted = options.sheet.strip()
    if heading_key(wanted) in by_key:
        return [by_key[heading_key(wanted)]]
    if wanted.isdecimal() and 1 <= int(wanted) <= len(names):
        return [names[int(wanted) - 1]]
    near = did_you_mean(wanted, names)
    known = ", ".join(f"{number} {name}" for number, name in enumerate(names, 1))
    hint = _("Did you mean {name}?").format(name=near) if near else _("Known are: {names}").format(names=known)
    message = _("The workbook has no sheet {name}.").format(name=wanted)
    raise refusal("unknown_sheet", message, hint, options.at if options.at.file else place_of(file))


def _sheet(file: Path, workbook: CalamineWorkbook, content: bytes, name: str) -> _Sheet:
    try:
        extras = look_beside(content, name)
    except TooLarge:
        message = _("The sheet {name} is too large: {size} million cells at the most can be read.").format(
            name=name, size=TooLarge.MILLIONS
        )
        hint = _("Delete what stands far off to the right or below, or copy the list into a new workbook.")
        raise refusal("list_too_large", message, hint, place_of(file)) from None
    with _calamine_errors(file):
        return _Sheet(name, workbook.get_sheet_by_name(name), extras)


def _header(
    file: Path, sheet: _Sheet, wanted: frozenset[str], header_row: int | None
) -> tuple[tuple[int, int], int] | None:
    """How many of the wanted headings a sheet has, or else how many are like them, and in which row; None where it is
    empty.

    Without wanted headings it is the first row that is no title: with more than one cell, and most of those of the
    rows around it.
    """
    if header_row is not None:
        cells = sheet.row(header_row)
        if not _filled(cells):
            raise _no_header(file, sheet, header_row)
        return (len(wanted & _keys(cells)), 0), header_row
    rows = list(islice(sheet.rows_below(0), HEAD_ROWS))
    if not rows:
        return None
    if wanted:
        found, _order, line = max((len(wanted & _keys(cells)), -line, line) for line, cells in rows)
        if found:
            return (found, 0), line
        near, _order, line = max((nearness(wanted, map(_heading, cells)), -line, line) for line, cells in rows)
        if near:
            return (0, near), line
    widths = [sum(_filled([cell]) for cell in cells) for _line, cells in rows]
    usual = max(widths[1:] or widths)
    place = next((place for place, width in enumerate(widths) if width > 1 and width * 2 >= usual), 0)
    return (0, 0), rows[place][0]


def _no_header(file: Path, sheet: _Sheet, row: int) -> Refused:
    message = _("There is nothing in row {row} of {place}, where header_row says the headings are.").format(
        row=row, place=sheet.label
    )
    hint = _("Rows count from 1, as the sheet shows them. Without header_row they are found.")
    return refusal("no_header", message, hint, place_of(file))


def _keys(cells: Iterable[Any]) -> frozenset[str]:
    return frozenset(heading_key(_heading(cell)) for cell in cells)


def _heading(cell: Any) -> str:
    value = as_text(cell)
    return value if isinstance(value, str) else ""


# --- cells ------------------------------------------------------------------------------------------------------------


def as_text(cell: Any) -> Value:
    """What the sheet shows, without outer blanks, in NFC; an error can't be believed."""
    kind = type(cell)
    if kind is str:
        text: str = cell.strip()
        return text if text.isascii() else normalize("NFC", text)
    write = _WRITERS.get(kind)
    return write(cell) if write is not None else _other(cell)


def _number(value: float) -> str:
    if value.is_integer():
        return str(int(value)) if abs(value) < _PLAIN_DIGITS else f"{Decimal(repr(value)):f}"
    return f"{Decimal(f'{value:.15g}'):f}"


def _date(value: dt.date) -> str:
    return f"{value.day:02}.{value.month:02}.{value.year:04}"


def _moment(value: dt.datetime) -> str:
    value = _to_the_second(value)
    return _date(value) if value.time() == dt.time() else f"{_date(value)} {_clock(value.time())}"


def _clock(value: dt.time) -> str:
    return f"{value.hour:02}:{value.minute:02}" + (f":{value.second:02}" if value.second else "")


def _to_the_second(value: dt.datetime) -> dt.datetime:
    """Times of day are fractions of a day in a workbook: what is a hair below a second is that second."""
    half = dt.timedelta(microseconds=500_000)
    return (value + half).replace(microsecond=0) if value.microsecond else value


def _duration(value: dt.timedelta) -> str:
    minutes, seconds = divmod(round(value.total_seconds()), 60)
    return f"{minutes // 60}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else "")


def _error(cell: Unusable) -> Unusable:
    return cell


_WRITERS: Mapping[type, Callable[[Any], Value]] = {
    float: _number,
    int: str,
    bool: lambda value: "true" if value else "false",
    dt.datetime: _moment,
    dt.date: _date,
    dt.time: _clock,
    dt.timedelta: _duration,
    Unusable: _error,
}


def _other(cell: Any) -> Value:
    return "" if cell is None else str(cell).strip()
