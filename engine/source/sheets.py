"""What stands in a sheet (.xlsx, .ods) and calamine does not tell: error cells, leading zeros of a number format.

calamine gives error cells as empty ones, and a number without its format: a postcode 01067 that is kept as the number
1067 would lose its zero. It also takes memory for every cell up to the last one, so how far off that is must be known
beforehand. The XML is searched, not built: it may be large.
"""

from __future__ import annotations

import html
import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from engine.i18n import _
from engine.source.base import Value
from engine.template.faults import Fault, Unusable

MOST_CELLS = 30_000_000
MOST_BYTES = 1 << 30
"""Bytes of XML in a workbook."""
MANIFEST = "META-INF/manifest.xml"
MOST_OF_MANIFEST = 1 << 20


class TooLarge(Exception):
    """Reading a sheet would take too much memory."""

    MILLIONS: ClassVar[int] = MOST_CELLS // 1_000_000


@dataclass(frozen=True, slots=True)
class Extras:
    """Cells that calamine gives otherwise: row (from 1) -> column (from 0) -> value."""

    rows: dict[int, dict[int, Value]] = field(default_factory=dict)


def is_locked(content: bytes) -> bool:
    """Whether a workbook is encrypted, which calamine does not tell from a damaged one."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return "EncryptedPackage".encode("utf-16-le") in content
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book, book.open(MANIFEST) as file:
            return b"encryption-data" in file.read(MOST_OF_MANIFEST)
    except (KeyError, OSError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error):
        return False


def look_beside(content: bytes, sheet: str) -> Extras:
    """What calamine does not tell about a sheet. Raises :class:`TooLarge`.

    A workbook of another format, or whose parts are not where they belong, tells nothing more: reading it will say so.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            if sum(part.file_size for part in book.infolist()) > MOST_BYTES:
                raise TooLarge
            if "content.xml" in book.namelist():
                xml = book.read("content.xml")
                _measure_ods(xml)
                return _extras_ods(xml, sheet)
            part = _part_of(book, sheet)
            if part is None:
                return Extras()
            xml = book.read(part)
            _measure(xml)
            return _extras(xml, _zeros(book))
    except (zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        return Extras()


def letters(column: int) -> str:
    """The letters of a column, which counts from 0."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def column_of(text: str) -> int:
    """The column, from 0, that has these letters."""
    number = 0
    for letter in text:
        number = number * 26 + ord(letter) - 64
    return number - 1


# --- how far the cells go ---------------------------------------------------------------------------------------------

_ROWS = re.compile(rb'<(?:\w+:)?row\b[^>]*?\br="(\d{1,9})"')
_COLUMNS = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3})\d')
_REPEATED = re.compile(rb'table:number-(columns|rows)-repeated="(\d+)"')
_ODS_ROW = re.compile(rb"<table:table-row\b([^>]*?)(?:/>|>(.*?)</table:table-row>)", re.DOTALL)


def _measure(xml: bytes) -> None:
    rows = max(map(int, _ROWS.findall(xml)), default=0)
    columns = max((column_of(found.decode()) for found in set(_COLUMNS.findall(xml))), default=0) + 1
    if rows * columns > MOST_CELLS:
        raise TooLarge


def _measure_ods(xml: bytes) -> None:
    """Cells and rows that are repeated stand there once; empty ones at the end don't count."""
    cells = 0
    for head, inside in _ODS_ROW.findall(xml):
        if b"office:value" not in inside and b"<text:p" not in inside:
            continue
        rows = _times(head, b"rows")
        cells += rows * _width(inside)
        if cells > MOST_CELLS:
            raise TooLarge


_ODS_CELL = re.compile(rb"<table:(?:covered-)?table-cell\b([^>]*?)(/?)>")


def _width(inside: bytes) -> int:
    """The columns of a row up to its last cell with a value, or all of them where none is repeated."""
    if b"-repeated=" not in inside:
        return inside.count(b"table-cell")
    width = last = 0
    for attributes, _empty in _ODS_CELL.findall(inside):
        width += _times(attributes, b"columns")
        if b"office:value" in attributes:
            last = width
    return last


def _times(attributes: bytes, what: bytes) -> int:
    return next((int(number) for kind, number in _REPEATED.findall(attributes) if kind == what), 1)


# --- where a sheet's XML is -------------------------------------------------------------------------------------------

_ATTRIBUTE = re.compile(r'([\w:]+)\s*=\s*"([^"]*)"')


def _tags(xml: str, name: str) -> list[dict[str, str]]:
    """The attributes of all tags of one name, whatever their prefix."""
    found = re.findall(rf"<(?:\w+:)?{name}\b([^>]*)>", xml)
    return [{key: html.unescape(value) for key, value in _ATTRIBUTE.findall(one)} for one in found]


def _text(book: zipfile.ZipFile, part: str) -> str:
    return book.read(part).decode("utf-8-sig", "replace")


def _part_of(book: zipfile.ZipFile, sheet: str) -> str | None:
    """The part of an .xlsx file that holds a sheet."""
    names = {tag.get("name"): tag for tag in _tags(_text(book, "xl/workbook.xml"), "sheet")}
    tag = names.get(sheet, {})
    wanted = next((value for key, value in tag.items() if key.endswith(":id")), None)
    for relation in _tags(_text(book, "xl/_rels/workbook.xml.rels"), "Relationship"):
        if relation.get("Id") == wanted and "Target" in relation:
            target = relation["Target"]
            path = target.lstrip("/") if target.startswith("/") else posixpath.join("xl", target)
            return posixpath.normpath(path)
    return None


# --- formats and errors -----------------------------------------------------------------------------------------------

_PADDED = re.compile(r'(?:"([^"]*)"|\\(.))?(0+)(?:;@|;General)?')


@dataclass(frozen=True, slots=True)
class _Zeros:
    """A number format that shows leading zeros: what stands before them, and how many digits there are at least."""

    before: str
    digits: int

    def shown(self, number: str) -> str:
        """The number as the sheet shows it."""
        return self.before + number.zfill(self.digits)


def _zeros(book: zipfile.ZipFile) -> dict[int, _Zeros]:
    """The cell styles that show leading zeros."""
    if "xl/styles.xml" not in book.namelist():
        return {}
    styles = _text(book, "xl/styles.xml")
    formats: dict[str, _Zeros] = {}
    for tag in _tags(styles, "numFmt"):
        match = _PADDED.fullmatch(tag.get("formatCode", ""))
        if match is not None and (match[1] or match[2] or len(match[3]) > 1):
            formats[tag.get("numFmtId", "")] = _Zeros(match[1] or match[2] or "", len(match[3]))
    cells = re.search(r"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", styles, re.DOTALL)
    if not formats or cells is None:
        return {}
    styled = enumerate(_tags(cells[0], "xf"))
    return {number: formats[tag["numFmtId"]] for number, tag in styled if tag.get("numFmtId") in formats}


def _extras(xml: bytes, zeros: dict[int, _Zeros]) -> Extras:
    extras = Extras()
    if b't="e"' in xml:
        for row, column, _style, value in _cells(xml, rb'\bt="e"'):
            extras.rows.setdefault(row, {})[column] = _error(value)
    if zeros:
        styles = b"|".join(str(number).encode() for number in zeros)
        for row, column, style, value in _cells(xml, rb'\bs="(?:' + styles + rb')"'):
            if re.fullmatch(r"[0-9]{1,15}(\.0+)?", value):
                number = value.partition(".")[0]
                extras.rows.setdefault(row, {})[column] = zeros[style].shown(number)
    return extras


def _cells(xml: bytes, with_attribute: bytes) -> list[tuple[int, int, int, str]]:
    """Row, column, style and value of the cells whose tag has an attribute, and which hold a number or an error."""
    pattern = re.compile(
        rb"<(?:\w+:)?c\b(?=[^>]*" + with_attribute + rb")([^>/]*)>(?:(?!</(?:\w+:)?c>).)*?<(?:\w+:)?v>([^<]*)</",
        re.DOTALL,
    )
    found = []
    for attributes, value in pattern.findall(xml):
        tag = dict(_ATTRIBUTE.findall(attributes.decode("utf-8", "replace")))
        place = re.fullmatch(r"([A-Z]{1,3})([0-9]{1,7})", tag.get("r", ""))
        if place is not None and tag.get("t", "n") in ("n", "e"):
            style = int(tag["s"]) if tag.get("s", "").isdigit() else 0
            found.append((int(place[2]), column_of(place[1]), style, html.unescape(value.decode("utf-8", "replace"))))
    return found


_ODS_TELLING = re.compile(rb'value-type="error"|office:value-type="float"[^>]*><text:p>0[0-9]+</text:p>')
_ODS_FULL_CELL = re.compile(
    rb"<table:(?:covered-)?table-cell\b([^>]*?)(?:/>|>(.*?)</table:(?:covered-)?table-cell>)", re.DOTALL
)
_ODS_TEXT = re.compile(rb"<text:p>([^<]*)</text:p>")


def _extras_ods(xml: bytes, sheet: str) -> Extras:
    """The errors and leading zeros of an OpenDocument sheet, whose cells hold the text that is shown."""
    extras = Extras()
    if _ODS_TELLING.search(xml) is None:
        return extras
    name = html.escape(sheet).encode()
    table = next((part for part in xml.split(b"<table:table ")[1:] if b'table:name="%s"' % name in part[:2000]), b"")
    number = 0
    for attributes, inside in _ODS_ROW.findall(table):
        if _ODS_TELLING.search(inside) is not None:
            extras.rows[number + 1] = dict(_told_by_ods(inside))
        number += _times(attributes, b"rows")
    return extras


def _told_by_ods(row: bytes) -> Iterator[tuple[int, Value]]:
    column = 0
    for attributes, inside in _ODS_FULL_CELL.findall(row):
        shown = _ODS_TEXT.search(inside)
        text = html.unescape(shown[1].decode("utf-8", "replace")) if shown is not None else ""
        if b'value-type="error"' in attributes:
            yield column, _error(text or "?")
        elif b'office:value-type="float"' in attributes and re.fullmatch("0[0-9]+", text):
            yield column, text
        column += _times(attributes, b"columns")


def _error(text: str) -> Unusable:
    """A cell that holds an error, such as #N/A, which a German Excel shows as #NV."""
    message = _("The cell holds the error {error}.").format(error=text)
    return Unusable(Fault("cell_error", message, _("Correct the formula in the workbook, then save it again.")))
