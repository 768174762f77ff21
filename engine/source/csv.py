"""Text files with a delimiter: what they are written in, where their header is, and their rows.

A file is read twice: :meth:`CsvSource.scan` finds out everything that could refuse it, :meth:`CsvSource.chunks` gives
the rows. Both hash what they read, so they can't have seen different files. Nothing grows with the file.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import os
import re
import stat
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from engine.config.names import clean_heading, heading_key
from engine.i18n import _, ngettext
from engine.problems import Location, Refused, did_you_mean
from engine.source.base import CHUNK_ROWS, LAST_ROWS, Chunk, Damaged, Scan, SourceOptions, Value
from engine.source.columns import Again, Layout, layout_of, nearness, wanted_keys
from engine.source.whole import export_again, file_changed, no_file, no_rows, os_errors, place_of, refusal

DELIMITERS = (";", ",", "\t", "|", ":")
HEAD_ROWS = 20
"""So many rows may hold the header; blank ones don't count."""
HEAD_SEARCH = 1000
"""So many rows are looked through for them."""
LINE_LIMIT = 1 << 20
"""Characters in a line, and in a row with all lines of its quoted cells."""
ROW_LINES = 10_000
"""Lines in a row with all lines of its quoted cells."""

BAD_QUOTING = "bad_quoting"
WRONG_NUMBER_OF_CELLS = "wrong_number_of_cells"

_BLOCK = 1 << 17
_Record = tuple[int, list[str], str]
"""The line where the row begins, its cells, and the code of what is wrong with it ("" for nothing)."""


class CsvSource:
    """A csv file as rows of text. Implements :class:`engine.source.base.Source`."""

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
        scan, head, layout, again = seen.scan, seen.head, seen.layout, seen.again
        chunk = Chunk(raw=[] if raw else None)
        with _text_of(self._file, scan.encoding, scan.sha256) as lines:
            for number, (line, cells, fault) in enumerate(islice(_data_rows(lines, head), scan.rows), 1):
                if len(chunk) >= size:
                    yield chunk
                    chunk = Chunk(raw=[] if raw else None)
                if fault:
                    chunk.damaged.append(_damaged(number, (line, cells, fault), lines.number, seen))
                    continue
                texts = layout.texts(cells)
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
            file, options = self._file, self._options
            found = _look_at_bytes(file, options)
            head = _find_head(file, found.encoding, options)
            layout = layout_of(head.header, options.columns, place_of(file, head.line))
            with _text_of(file, found.encoding, found.sha256) as lines:
                rows, last, footer = _count_rows(lines, head, options.skip_footer)
            header = tuple(map(clean_heading, head.header))
            scan = Scan(
                file=file,
                sha256=found.sha256,
                rows=rows,
                modified=found.modified,
                header=header,
                names=layout.names,
                header_line=head.line,
                encoding=found.encoding,
                delimiter=head.delimiter,
                structured=layout.listed,
                footer=tuple((line, _values(cells, head, layout)) for line, cells, _fault in footer),
                last=tuple(_values(cells, head, layout) for _line, cells, _fault in last if footer),
            )
            self._seen = _Seen(scan, head, layout, Again(layout, head.header))
        return self._seen


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a scan found out."""

    scan: Scan
    head: _Head
    layout: Layout
    again: Again


# --- lines: the file as text -----------------------------------------------------------------------------------------


class _HashedFile(io.FileIO):
    """A file that knows the hash of what was read from it, front to end."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self._sha256 = hashlib.sha256()

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer) or 0
        self._sha256.update(memoryview(buffer)[:count])
        return count

    def block(self) -> bytes:
        """The next bytes; empty at the end."""
        buffer = bytearray(_BLOCK)
        return bytes(buffer[: self.readinto(buffer)])

    def digest_of_all(self) -> str:
        """The hash of the whole file: reads what is left."""
        while self.block():
            pass
        return self._sha256.hexdigest()


class _Lines:
    """The physical lines of a text, none longer than the limit. ``row`` holds those of the row being read."""

    def __init__(self, readline: Callable[[int], str], file: Path) -> None:
        self._readline = readline
        self.file = file
        self.number = 0
        self.row: list[str] = []
        self.size = 0
        self.ended = False

    def skip(self, count: int) -> None:
        """Leave out some lines."""
        for _line in islice(self.feed(), count):
            self.next_row()

    def next_row(self) -> int:
        """Forget the lines of the last row; the number of the line where the next one begins."""
        self.row.clear()
        self.size = 0
        return self.number + 1

    def feed(self) -> Iterator[str]:
        """The lines from here on. Raises Refused where a line, or the row, is longer than any real one."""
        while line := self._readline(LINE_LIMIT + 1):
            self.number += 1
            self.size += len(line)
            if self.size > LINE_LIMIT or len(self.row) > ROW_LINES:
                self.row.append(line)
                raise self.too_long()
            if line == "\x1a":  # how DOS programs end a file
                continue
            self.row.append(line.removeprefix("\ufeff") if self.number == 1 else line)
            yield self.row[-1]
        self.ended = True

    def too_long(self, quote: str = '"') -> Refused:
        """The refusal of the row being read."""
        message = _("This line, or a quoted cell that begins in it, goes on for more than {count} characters.")
        hint = _("Check that this is the right file. Look for a quote too many; where a file has none, say quote: ''.")
        count = min(self.size, LINE_LIMIT) - 1
        return refusal("line_too_long", message.format(count=count), hint, place_of(self.file, self.opened(quote)))

    def opened(self, quote: str) -> int:
        """The line in which the quoted cell begins that is being read: what follows in it holds no single quotes."""
        for back, line in enumerate(reversed(self.row)):
            if quote and quote in line.replace(quote * 2, ""):
                return self.number - back
        return self.number - len(self.row) + 1


@contextmanager
def _text_of(file: Path, encoding: str, sha256: str | None) -> Iterator[_Lines]:
    """The lines of the file. Raises Refused ``file_changed`` unless the file is, to its end, the one with this hash."""
    with os_errors(file), _HashedFile(file) as raw:
        # readline works on decoded blocks; newline="" leaves line ends alone, as csv wants them
        text = io.TextIOWrapper(io.BufferedReader(raw, _BLOCK), encoding, newline="")
        with text:
            try:
                yield _Lines(text.readline, file)
            except UnicodeError as error:
                raise file_changed(file) from error
            except Refused as error:
                if sha256 and raw.digest_of_all() != sha256:
                    raise file_changed(file) from error
                raise
            if sha256 and raw.digest_of_all() != sha256:
                raise file_changed(file)


# --- rows: lines under a delimiter -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Form:
    """How a line is taken apart. Blanks before a quote are no part of a cell: outer blanks are removed anyway."""

    delimiter: str
    quote: str

    def reader(self, lines: Iterable[str], strict: bool) -> Iterator[list[str]]:
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            skipinitialspace=self.delimiter != " ",
            strict=strict,
        )


@dataclass(frozen=True, slots=True)
class _Head:
    """The header that was found. Rows may be as ``wide`` as it is with its empty cells at the end."""

    line: int
    header: tuple[str, ...]
    wide: int
    form: _Form

    @property
    def delimiter(self) -> str:
        return self.form.delimiter


def _records(lines: _Lines, form: _Form) -> Iterator[_Record]:
    """Rows, blank ones too. Raises Refused where the file ends inside a quoted cell, or a cell never ends."""
    reader = form.reader(lines.feed(), strict=True)
    while True:
        line = lines.next_row()
        try:
            yield line, next(reader), ""
        except StopIteration:
            return
        except csv.Error:
            if lines.ended:
                raise _open_quote(lines, form.quote) from None
            if lines.size > csv.field_size_limit():
                raise lines.too_long(form.quote) from None
            yield line, next(form.reader(lines.row, strict=False)), BAD_QUOTING


def _data_rows(lines: _Lines, head: _Head) -> Iterator[_Record]:
    """The rows below the header that are not blank, with what is wrong with their number of cells."""
    narrow, wide = len(head.header), head.wide
    lines.skip(head.line - 1)
    for line, cells, fault in islice(_records(lines, head.form), 1, None):
        if _filled(cells):
            count = len(cells)
            if not fault and (count < narrow or (count > wide and _filled(cells[wide:]))):
                fault = WRONG_NUMBER_OF_CELLS
            yield line, cells, fault


def _filled(cells: Iterable[str]) -> bool:
    return any(map(str.strip, cells))


def _count_rows(lines: _Lines, head: _Head, footer: int) -> tuple[int, list[_Record], list[_Record]]:
    """How many data rows there are without the footer, the last of them, and the footer.

    Raises Refused for none, and for a file that was cut off.
    """
    count, last = 0, deque[_Record](maxlen=footer + LAST_ROWS)
    for record in _data_rows(lines, head):
        last.append(record)
        count += 1
    if count <= footer:
        raise no_rows(place_of(lines.file, head.line), count)
    end = len(last) - footer
    line, cells, _fault = last[end - 1]
    if len(cells) < len(head.header):
        raise _short_last_row(lines.file, line, cells, head)
    rows = [*last]
    return count - footer, rows[:end], rows[end:]


def _values(cells: list[str], head: _Head, layout: Layout) -> tuple[Value, ...]:
    """The values of a row, of one with too few cells as far as they go."""
    return layout.values(layout.texts([*cells, *[""] * (len(head.header) - len(cells))]))


def _damaged(number: int, record: _Record, last_line: int, seen: _Seen) -> Damaged:
    line, cells, fault = record
    head, layout = seen.head, seen.layout
    if fault == BAD_QUOTING:
        code = BAD_QUOTING
        message = _("Text follows behind the closing quote of a cell.")
        hint = _("Inside a quoted cell a quote is written twice.")
    else:
        code = WRONG_NUMBER_OF_CELLS
        message = ngettext(
            "The row has {count} cell, the header has {headings}.",
            "The row has {count} cells, the header has {headings}.",
            len(cells),
        )
        hint = _('Look for a "{delimiter}" or a quote too many or too few.')
    if last_line > line:
        hint += " " + _("The row takes in all lines up to {line}.").format(line=last_line)
    return Damaged(
        number=number,
        line=line,
        cells=tuple(cells),
        code=code,
        message=message.format(count=len(cells), headings=len(head.header)),
        hint=hint.format(delimiter=_shown(head.delimiter)),
        values=None if last_line > line else _values(cells, head, layout),
    )


def _shown(delimiter: str) -> str:
    return _("tab") if delimiter == "\t" else delimiter


def _open_quote(lines: _Lines, quote: str) -> Refused:
    message = _("The file ends inside a quoted cell that begins here: it was cut off, or a quote is too many.")
    hint = _("Export it again; if the file uses no quotes, say quote: ''.")
    return refusal("cut_off_file", message, hint, place_of(lines.file, lines.opened(quote)))


_FOOTER_WORDS = re.compile(r"\b(summe|gesamt|anzahl|stand|ende|seite|datens|erstellt|total|count|rows|page)", re.I)


def _short_last_row(file: Path, line: int, cells: list[str], head: _Head) -> Refused:
    message = ngettext(
        "The last row has {count} cell, the header has {headings}: the file was cut off.",
        "The last row has {count} cells, the header has {headings}: the file was cut off.",
        len(cells),
    ).format(count=len(cells), headings=len(head.header))
    hint = export_again()
    if sum(map(bool, cells)) == 1 or _FOOTER_WORDS.search(" ".join(cells)):
        hint += " " + _("If that row is no person but a footer, say skip_footer: 1 (or how many rows it has).")
    return refusal("cut_off_file", message, hint, place_of(file, line))


# --- head: the delimiter and the header ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sample:
    """The first rows under one delimiter; ``error`` is what kept it from reading more."""

    form: _Form
    rows: list[tuple[int, list[str]]]
    error: Refused | None

    def width(self) -> tuple[int, int]:
        """How many rows agree on a number of cells above 1, and on which; ``(0, 1)`` if none does."""
        counts = {len(cells) for _line, cells in self.rows if len(cells) > 1}
        return max(
            ((sum(_fits(cells, count) for _line, cells in self.rows), count) for count in counts), default=(0, 1)
        )

    def head(self, place: int) -> _Head:
        """The row at ``place`` as the header."""
        line, cells = self.rows[place]
        header = list(cells)
        while header and not clean_heading(header[-1]):
            header.pop()
        return _Head(line, tuple(header), len(cells), self.form)


def _fits(cells: list[str], count: int) -> bool:
    return len(cells) == count or (len(cells) > count and not _filled(cells[count:]))


def _find_head(file: Path, encoding: str, options: SourceOptions) -> _Head:
    """The delimiter and the header row. With columns: the first row that has all required headings, or the one that
    has most of them, or is most like them. Without: the first of the rows that agree on their number of cells.
    """
    start, forms = _where_to_look(file, encoding, options)
    samples = [_sample(file, encoding, form, start, options.header_row) for form in forms]
    readable = [sample for sample in samples if sample.rows]
    if not readable:
        raise _nothing_to_read(file, samples, options.header_row)
    wanted = wanted_keys(options.columns)
    sample, place, complete = _best_match(readable, wanted, options.header_row) or _best_shape(
        readable, options, wanted
    )
    if wanted and not complete and sample.error:
        raise sample.error
    return sample.head(place)


def _where_to_look(file: Path, encoding: str, options: SourceOptions) -> tuple[int, list[_Form]]:
    """The line to begin at, and the forms to try there. Excel's ``sep=;`` is no row: Excel doesn't show it."""
    with _text_of(file, encoding, None) as lines:
        first = next(lines.feed(), "")
    excel = re.fullmatch(r'"?sep=(.)"?', first.rstrip("\r\n"), re.I)
    start = max(options.header_row or 1, 2 if excel else 1)
    if options.delimiter is not None:
        delimiters: Sequence[str] = [_given_delimiter(options.delimiter, options.at)]
    else:
        delimiters = [excel[1]] if excel else DELIMITERS
    quote = '"' if options.quote is None else options.quote
    if len(quote) > 1 or quote in delimiters or quote in ("\r", "\n", " "):
        hint = _("quote is one sign, such as '\"', or '' where the file has none.")
        raise refusal("bad_quote", _("{sign!r} can't be a quote here.").format(sign=quote), hint, options.at)
    return start, [_Form(delimiter, quote) for delimiter in delimiters]


def _given_delimiter(text: str, at: Location) -> str:
    delimiter = "\t" if text.lower() in ("tab", r"\t") else text
    if len(delimiter) != 1 or delimiter in '\r\n"':
        hint = _('delimiter is one sign, such as ";", or the word tab.')
        raise refusal("bad_delimiter", _("{sign!r} can't be a delimiter.").format(sign=text), hint, at)
    return delimiter


def _sample(file: Path, encoding: str, form: _Form, start: int, header_row: int | None) -> _Sample:
    """The first rows that are not blank. With a ``header_row`` the first of them must begin at ``start``."""
    rows: list[tuple[int, list[str]]] = []
    error = None
    try:
        with _text_of(file, encoding, None) as lines:
            lines.skip(start - 1)
            records = islice(_records(lines, form), HEAD_SEARCH)
            sound = ((line, cells) for line, cells, fault in records if not fault and _filled(cells))
            for row in islice(sound, HEAD_ROWS):
                if header_row is not None and not rows and row[0] != start:
                    break
                rows.append(row)
    except Refused as refusal:
        error = refusal
    return _Sample(form, rows, error)


def _nothing_to_read(file: Path, samples: Iterable[_Sample], header_row: int | None) -> Refused:
    for sample in samples:
        if sample.error:
            return sample.error
    if header_row is None:
        return no_rows(place_of(file))
    message = _("There is no header in line {line}.").format(line=header_row)
    hint = _("header_row is the line of the file with the headings; lines count from 1, blank ones too.")
    return refusal("no_header", message, hint, place_of(file, header_row))


def _best_match(
    samples: Sequence[_Sample], wanted: frozenset[str], header_row: int | None
) -> tuple[_Sample, int, bool] | None:
    """The row with most of the wanted headings and whether it has all; the earliest of these; None if none has any."""
    best: tuple[tuple[int, int, int], _Sample, int] | None = None
    for sample in samples:
        for place, (line, cells) in enumerate(sample.rows[: 1 if header_row else None]):
            found = len(wanted & set(map(heading_key, cells))) if wanted else 0
            rank = (found, -line, len(cells))
            if found and (best is None or rank > best[0]):
                best = rank, sample, place
    return best and (best[1], best[2], best[0][0] == len(wanted))


def _best_shape(
    samples: Sequence[_Sample], options: SourceOptions, wanted: frozenset[str]
) -> tuple[_Sample, int, bool]:
    """The delimiter under which most rows agree; of them that which is most like the wanted headings, else the first
    that is no title.
    """
    sample = max(samples, key=_Sample.width)
    agreed, count = sample.width()
    if options.header_row is not None or not agreed:
        return sample, 0, False
    near = [(nearness(wanted, cells), -place) for place, (_line, cells) in enumerate(sample.rows)] if wanted else []
    if near and max(near)[0]:
        return sample, -max(near)[1], False
    rows = [(place, cells) for place, (_line, cells) in enumerate(sample.rows) if _fits(cells, count)]
    # Spreadsheets fill up title rows with delimiters: a header has more than one cell, and most of them.
    for place, cells in rows:
        filled = sum(map(bool, map(str.strip, cells)))
        if filled > 1 and filled * 2 >= count:
            return sample, place, False
    return sample, rows[0][0], False


# --- bytes: hash and encoding ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Bytes:
    """What the bytes of a file tell."""

    sha256: str
    modified: datetime
    encoding: str


_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_EXCEL = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\x0b\x0c\x1a\x1c\x1d\x1e\x1f"))
_ALLOWED_CONTROLS = 8  # a handful of stray control characters is no reason to call a file binary


def _look_at_bytes(file: Path, options: SourceOptions) -> _Bytes:
    """Hash the file and find out its encoding, in one pass. Raises Refused for what can't be text or is cut off."""
    with os_errors(file):
        if not stat.S_ISREG(file.stat().st_mode):
            raise no_file(file)
        with _HashedFile(file) as raw:
            modified = datetime.fromtimestamp(os.fstat(raw.fileno()).st_mtime, UTC)
            first = raw.block()
            if not first:
                raise no_rows(place_of(file))
            encoding = _announced_encoding(file, first, options)
            text = _TextCheck(file, encoding or "utf-8", sure=encoding is not None)
            while first:
                text.take(first)
                first = raw.block()
            text.finish()
            return _Bytes(raw.digest_of_all(), modified, text.encoding or _legacy_encoding(file, text.bad_at))


def _announced_encoding(file: Path, first: bytes, options: SourceOptions) -> str | None:
    """The encoding that the mapping, a BOM or the shape of UTF-16 tells; None where it must be found out."""
    marked = next((encoding for bom, encoding in _BOMS if first.startswith(bom)), None)
    if options.encoding is None:
        return marked or _utf16_without_bom(first)
    given = _known_encoding(options.encoding, options.at)
    if marked and not given.startswith(marked[:5]):
        raise _wrong_encoding(file, options.encoding, 1, marked)
    return marked if given == "utf-8" and marked else given


def _known_encoding(name: str, at: Location) -> str:
    try:
        "".encode(name)
        return codecs.lookup(name).name
    except (LookupError, UnicodeError, ValueError):
        known = ("utf-8", "utf-16", "cp1252", "cp850", "latin-1", "iso-8859-15", "mac_roman")
        near = did_you_mean(name, known)
        hint = _("Did you mean {near}?").format(near=near) if near else _("Known are {names}.")
        message = _("{name!r} is no encoding of text.").format(name=name)
        raise refusal("unknown_encoding", message, hint.format(names=", ".join(known)), at) from None


def _utf16_without_bom(first: bytes) -> str | None:
    """Western text in UTF-16 has a zero in nearly every second byte."""
    half = len(first) // 2
    even, odd = first[0::2].count(0), first[1::2].count(0)
    if odd * 2 > half and even * 50 <= odd:
        return "utf-16-le"
    return "utf-16-be" if even * 2 > half and odd * 50 <= even else None


class _TextCheck:
    """Whether bytes, taken block by block, are text in an encoding; one that is not ``sure`` may turn out wrong.

    Then ``encoding`` is None in the end, and ``bad_at`` is where it first didn't fit.
    """

    def __init__(self, file: Path, encoding: str, sure: bool) -> None:
        self.encoding: str | None = encoding
        self.bad_at = 0
        self._file = file
        self._sure = sure
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._wide = encoding.startswith(("utf-16", "utf-32"))
        self._taken = self._controls = 0
        self._begin = b""

    def take(self, block: bytes) -> None:
        """One more block. Raises Refused for a binary file, and where a sure encoding doesn't fit."""
        self._begin = self._begin or block[:4]
        text = self._decoded(block)
        if not self._wide:
            self._controls += len(block) - len(block.translate(None, _CONTROLS))
        self._taken += len(block)
        if (b"\0" in block if not self._wide else "\0" in text) or self._controls > max(
            _ALLOWED_CONTROLS, self._taken // 50
        ):
            raise self._binary()

    def finish(self) -> None:
        """No more blocks. Raises Refused for a file that ends inside a character."""
        if self.encoding is None:
            return
        try:
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            if not self._sure and not _cut_character(error.object):
                self.encoding, self.bad_at = None, self._taken - len(error.object)
                return
            message = _("The file ends inside a character: it was cut off.")
            at = place_of(self._file, _line_at(self._file, self._taken))
            raise refusal("cut_off_file", message, export_again(), at) from None

    def _decoded(self, block: bytes) -> str:
        if self.encoding is None:
            return ""
        pending = len(self._decoder.getstate()[0])
        try:
            return self._decoder.decode(block)
        except UnicodeError as error:
            start = error.start if isinstance(error, UnicodeDecodeError) else 0
            self.bad_at = max(0, self._taken - pending + start)
            if self._sure:
                raise _wrong_encoding(self._file, self.encoding, _line_at(self._file, self.bad_at)) from None
            self.encoding = None
            return ""

    def _binary(self) -> Refused:
        hint = _("Check that this is the right file.")
        if self._begin.startswith(_EXCEL):
            hint = _("This looks like a workbook. Export it as csv: Save as, CSV.")
        return refusal("binary_file", _("This is no text file: it holds binary data."), hint, place_of(self._file))


def _cut_character(tail: bytes) -> bool:
    """Whether these last bytes are the beginning of a character in UTF-8, rather than a letter of an older encoding."""
    return len(tail) > 1 or tail in (b"\xc2", b"\xc3", b"\xc4", b"\xc5", b"\xcc", b"\xe2", b"\xf0")


def _line_at(file: Path, offset: int) -> int:
    """The line (from 1) that holds the byte at ``offset``."""
    feeds = returns = 0
    with file.open("rb") as raw:
        while offset > 0 and (block := raw.read(min(_BLOCK, offset))):
            offset -= len(block)
            feeds += block.count(b"\n")
            returns += block.count(b"\r")
    return (feeds or returns) + 1


def _wrong_encoding(file: Path, encoding: str, line: int, found: str | None = None) -> Refused:
    message = _("This line is not written in {encoding}.").format(encoding=encoding)
    hint = _("Leave encoding out of the mapping: it is found out.")
    if found:
        message = _("The file says itself that it is written in {found}, not in {encoding}.").format(
            found=found.removesuffix("-sig"), encoding=encoding
        )
    return refusal("wrong_encoding", message, hint, place_of(file, line))


# --- older encodings: the one under which the words look German -------------------------------------------------------

_LEGACY = ("cp1252", "cp850", "mac_roman", "latin-1")
_WORD = re.compile(rb"[A-Za-z\x80-\xff]+")
_WORDS, _WORD_LENGTH = 10_000, 64
_WESTERN = "èêëáàâãåæíìîïñóòôõøœúùûýÈÊËÁÀÂÃÅÆÇÉÍÌÎÏÑÓÒÔÕØŒÚÙÛÝ"
_LETTERS = {**dict.fromkeys("äöüÄÖÜßéç", 4), **dict.fromkeys("šžŠŽ", 3), **dict.fromkeys(_WESTERN, 2)}
_NO_LETTERS = frozenset("ƒªº")
_SIGNS_ANYWHERE = frozenset("’'´`–—\u00a0\u00ad")
_SIGNS_BEFORE = frozenset("„‚§©")
_SIGNS_OUTSIDE = frozenset("“”‘«»‹›…°²³®™")
_SIGNS_ALONE = frozenset("€£±½¼•·×µ")


def _legacy_encoding(file: Path, bad_at: int) -> str:
    """The likeliest of the older encodings; cp1252 where nothing speaks for another."""
    words: Counter[bytes] = Counter()
    high: set[int] = set()
    with file.open("rb") as raw:
        while block := raw.read(_BLOCK):
            for word in _WORD.findall(block):
                if not word.isascii() and (word in words or len(words) < _WORDS):
                    words[word[:_WORD_LENGTH]] += 1
            high |= set(block)
    if _mostly_utf8(words):
        message = _("This line is not written in UTF-8, but most others are.")
        hint = _("Export the file again with one encoding for all, or say encoding: in the mapping.")
        raise refusal("mixed_encoding", message, hint, place_of(file, _line_at(file, bad_at)))
    possible = [encoding for encoding in _LEGACY if _decodes(bytes(high), encoding)]
    return max(possible, key=lambda encoding: _score(words, encoding))


def _score(words: Collection[bytes], encoding: str) -> int:
    # Mac Roman has a German letter where others have š and Š: it is rare, so it must do better.
    return sum(_plausible(word.decode(encoding)) - (encoding == "mac_roman") for word in words)


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _mostly_utf8(words: Collection[bytes]) -> bool:
    return sum(_decodes(word, "utf-8") for word in words) * 2 > len(words)


def _plausible(word: str) -> int:
    """How much the letters and signs beyond ASCII look like those of a German word, and not like an accident."""
    around = f" {word} "
    triples = zip(around, word, around[2:], strict=False)
    return sum(_weight(before, char, after) for before, char, after in triples if not char.isascii())


def _weight(before: str, char: str, after: str) -> int:
    if char.isalpha() and char not in _NO_LETTERS:
        if char.islower() and after.isupper():
            return -2
        if char.isupper() and before.isalpha() and (before.islower() or after.islower()):
            return -2
        if not before.isalpha() and not after.isalpha():
            return 0
        return _LETTERS.get(char, 1)
    if char in _SIGNS_ANYWHERE:
        return 3
    if char in _SIGNS_BEFORE:
        return -1 if before.isalpha() else 3
    if char in _SIGNS_OUTSIDE:
        return -1 if before.isalpha() and after.isalpha() else 3
    if char in _SIGNS_ALONE:
        return -1 if before.isalpha() or after.isalpha() else 3
    return -3
