"""One list in every form that can be read: written by code, served on the loopback, kept in a database."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Row = Sequence[Any]
SECRET = "geheimes-token-4711"


# --- files ------------------------------------------------------------------------------------------------------------


def write_csv(file: Path, headings: Row, rows: Sequence[Row]) -> Path:
    """A csv file with semicolons."""
    file.write_text(csv_text(headings, rows), "utf-8")
    return file


def csv_text(headings: Row, rows: Sequence[Row]) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\n").writerows([headings, *rows])
    return text.getvalue()


def write_xlsx(file: Path, sheets: Mapping[str, Sequence[Row]], formats: Mapping[str, str] | None = None) -> Path:
    """A workbook; ``formats`` are number formats by cell of the last sheet."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    for cell, form in (formats or {}).items():
        sheet[cell].number_format = form
    book.save(file)
    return file


_ODS_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content'
    ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2">'
    "<office:body><office:spreadsheet>"
)


def write_ods(file: Path, sheets: Mapping[str, Sequence[Row]]) -> Path:
    """An OpenDocument table, as LibreOffice writes it: the sheet is filled up with empty cells and rows."""
    body = "".join(
        f'<table:table table:name="{escape(name)}">'
        + "".join(f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in rows)
        + '<table:table-row table:number-rows-repeated="1048000"><table:table-cell'
        ' table:number-columns-repeated="16384"/></table:table-row></table:table>'
        for name, rows in sheets.items()
    )
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
        book.writestr("META-INF/manifest.xml", manifest)
        content = f"{_ODS_HEAD}{body}</office:spreadsheet></office:body></office:document-content>"
        book.writestr("content.xml", content)
    return file


def _ods_cell(value: Any) -> str:
    if value is None or value == "":
        return "<table:table-cell/>"
    if isinstance(value, int | float):
        kind = f'office:value-type="float" office:value="{value}"'
    else:
        kind = 'office:value-type="string"'
    return f"<table:table-cell {kind}><text:p>{escape(str(value))}</text:p></table:table-cell>"


def records(headings: Row, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows as keys with values."""
    return [dict(zip(headings, row, strict=False)) for row in rows]


def write_json(file: Path, document: Any) -> Path:
    """A JSON document."""
    file.write_text(json.dumps(document, ensure_ascii=False, indent=1), "utf-8")
    return file


def write_ndjson(file: Path, found: Sequence[Mapping[str, Any]]) -> Path:
    """One record a line."""
    file.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in found), "utf-8")
    return file


def write_sqlite(file: Path, headings: Row, rows: Sequence[Row], table: str = "mitglieder") -> Path:
    """A database with one table."""
    with sqlite3.connect(file) as connection:
        names = ", ".join(f'"{heading}"' for heading in headings)
        connection.execute(f"create table {table} ({names})")
        marks = ", ".join("?" for _heading in headings)
        connection.executemany(f"insert into {table} values ({marks})", rows)
    connection.close()
    return file


# --- a server ---------------------------------------------------------------------------------------------------------


class Web:
    """A server on the loopback. ``answer`` makes (status, headers, body) of a path; ``asked`` is what it was asked.

    A body that is shorter than the header ``Content-Length`` breaks off.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answer: Callable[[str], tuple[int, dict[str, str], bytes]] = lambda _path: (404, {}, b"")

    def gives(self, document: Any, content_type: str = "application/json", **headers: str) -> None:
        """Every path gives the same."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.answer = lambda _path: (200, {"Content-Type": content_type} | headers, body)

    def pages(self, *documents: Any) -> None:
        """/1, /2 … give these documents."""
        self.answer = lambda path: (
            200,
            {"Content-Type": "application/json"},
            json.dumps(documents[int(path.strip("/") or 1) - 1]).encode(),
        )


@contextmanager
def web() -> Iterator[Web]:
    """A server that runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            status, headers, body = found.answer(self.path)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            if headers.get("Content-Length", str(len(body))) != str(len(body)):
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Web(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
