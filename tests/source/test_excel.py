from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.problems import Problem, Refused
from engine.source import SOURCES
from engine.source.base import Column, Source, SourceOptions
from engine.source.excel import as_text
from engine.source.sheets import column_of, letters
from engine.template.faults import Fault, Unusable
from tests.source import lists

FILES = Path(__file__).parent / "files"
NAMED = SourceOptions((Column("nr", ("Nr",)), Column("name", ("Name",))))


def local(*parts: int) -> dt.datetime:
    """A moment as a workbook has it: without a time zone."""
    return dt.datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


def source(file: Path, options: SourceOptions = SourceOptions(None)) -> Source:  # noqa: B008  # frozen
    return SOURCES["excel"](file, options)


def rows_of(file: Path, options: SourceOptions = SourceOptions(None)) -> list[tuple[Any, ...]]:  # noqa: B008
    return [row for chunk in source(file, options).chunks() for row in chunk.rows]


def refusal(file: Path, options: SourceOptions = NAMED) -> Problem:
    with pytest.raises(Refused) as refused:
        source(file, options).scan()
    (problem,) = refused.value.problems
    assert problem.message and problem.hint
    return problem


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (1042.0, "1042"),
        (1042, "1042"),
        (-3.0, "-3"),
        (1.5, "1.5"),
        (0.1 + 0.2, "0.3"),
        (1e-7, "0.0000001"),
        (1.234567890123457e17, "123456789012345700"),
        (True, "true"),
        (False, "false"),
        (dt.date(1980, 2, 1), "01.02.1980"),
        (local(1980, 2, 1), "01.02.1980"),
        (local(1980, 2, 1, 13, 45), "01.02.1980 13:45"),
        (local(1980, 2, 1, 13, 44, 59, 999_999), "01.02.1980 13:45"),
        (dt.time(8, 30), "08:30"),
        (dt.time(8, 30, 5), "08:30:05"),
        (dt.timedelta(hours=30, minutes=5), "30:05"),
        (" Mu\u0308ller\u00a0", "Müller"),
        ("0042", "0042"),
        ("", ""),
    ],
)
def test_a_cell_becomes_what_the_sheet_shows(cell: Any, shown: str) -> None:
    assert as_text(cell) == shown


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_whole_numbers_keep_all_their_digits(number: int) -> None:
    assert as_text(float(number)) == str(number)


@given(st.integers(0, 16383))
def test_columns_have_letters(number: int) -> None:
    assert column_of(letters(number)) == number


def test_a_real_xls_has_dates_numbers_and_a_footer() -> None:
    options = SourceOptions(
        (Column("nr", ("Pers.-Nr.",)), Column("bis", ("Gültig bis",)), Column("ok", ("OK",))), skip_footer=1
    )
    source = SOURCES["excel"](FILES / "untersuchungen.xls", options)
    scan = source.scan()
    (chunk,) = source.chunks()
    assert (scan.rows, scan.header_line) == (5, 3)
    assert chunk.rows[0] == ("1042", "01.03.2099", "Ja")
    assert chunk.lines == [4, 5, 6, 7, 8]
    assert (len(scan.last), scan.last[-1], [line for line, _values in scan.footer]) == (3, chunk.rows[-1], [10])
    assert scan.place(4, ("bis",)) == "sheet Untersuchungen, D4"


def test_leading_zeros_of_a_number_format_are_kept(tmp_path: Path) -> None:
    """A postcode that is a number shown with five digits."""
    rows = [("Nr", "PLZ", "Tel", "Wert"), (1, 1067, 1512000001, 7), (2, "", "", ""), (3, "01067", 12, 1067.5)]
    formats = {"B2": "00000", "B3": "00000", "B4": "00000", "C2": '"0"0', "C4": "\\+0", "D2": "0.00", "D4": "00000"}
    file = lists.write_xlsx(tmp_path / "p.xlsx", {"A": rows}, formats)
    assert rows_of(file) == [("1", "01067", "01512000001", "7"), ("2", "", "", ""), ("3", "01067", "+12", "1067.5")]


def test_an_error_is_a_value_that_fails_where_it_is_used(tmp_path: Path) -> None:
    file = lists.write_xlsx(tmp_path / "p.xlsx", {"A": [("Nr", "Name"), (1, "#DIV/0!"), (2, "b")]})
    import openpyxl

    book = openpyxl.load_workbook(file)
    book["A"]["B2"].value = "#DIV/0!"
    book["A"]["B2"].data_type = "e"
    book.save(file)
    first, second = rows_of(file)
    assert second == ("2", "b")
    assert isinstance(first[1], Unusable)
    for use in (str, bool, len, list, lambda value: value == "", lambda value: value in ("",)):
        with pytest.raises(Fault, match="#DIV/0!"):
            use(first[1])


def test_an_ods_tells_its_errors_and_zeros_too(tmp_path: Path) -> None:
    sheets: dict[str, list[lists.Row]] = {
        "Ä & B": [("Nr", "PLZ", "Name"), (), (), (1, 1067, "#DIV/0!"), (2, 99999, "b")],
        "C": [("x",)],
    }
    file = lists.write_ods(tmp_path / "p.ods", sheets)
    shown = [
        ('"1067"><text:p>1067<', '"1067"><text:p>01067<'),
        ('value-type="string"><text:p>#DIV', 'value-type="string" calcext:value-type="error"><text:p>#DIV'),
        ("<table:table-row></table:table-row><table:table-row></table:table-row>",
         '<table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>'),
    ]  # fmt: skip
    with zipfile.ZipFile(file) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    content = parts["content.xml"].decode()
    for before, after in shown:
        assert before in content
        content = content.replace(before, after)
    with zipfile.ZipFile(file, "w") as book:
        for name, part in (parts | {"content.xml": content.encode()}).items():
            book.writestr(name, part)
    first, second = rows_of(file)
    assert (first[:2], second) == (("1", "01067"), ("2", "99999", "b"))
    assert isinstance(first[2], Unusable)
    assert "#DIV/0!" in first[2].fault.message


def test_the_first_sheet_with_the_headings_is_taken(tmp_path: Path) -> None:
    sheets: dict[str, list[lists.Row]] = {
        "Deckblatt": [("Nr", "Stand"), (1, 2)],
        "Aktive": [("Name", "Nr"), ("A", 1)],
        "Alte": [("Nr", "Name"), (9, "Z")],
    }
    file = lists.write_xlsx(tmp_path / "p.xlsx", sheets)
    assert rows_of(file, NAMED) == [("1", "A")]
    assert rows_of(file) == [("1", "2")], "without columns it is the first one"
    options = {"Alte": ("9", "Z"), "alte": ("9", "Z"), "2": ("1", "A"), "3": ("9", "Z")}
    for sheet, row in options.items():
        assert rows_of(file, SourceOptions(NAMED.columns, sheet=sheet)) == [row]
    assert refusal(file, SourceOptions(NAMED.columns, sheet="Aktiv")).code == "unknown_sheet"
    assert "Aktive" in refusal(file, SourceOptions(NAMED.columns, sheet="Aktiv")).hint
    assert refusal(file, SourceOptions(NAMED.columns, sheet="4")).code == "unknown_sheet"


def test_a_hidden_sheet_is_read_only_by_name(tmp_path: Path) -> None:
    file = lists.write_xlsx(
        tmp_path / "p.xlsx", {"Versteckt": [("Nr", "Name"), (1, "A")], "B": [("Nr", "Name"), (2, "B")]}
    )
    import openpyxl

    book = openpyxl.load_workbook(file)
    book["Versteckt"].sheet_state = "hidden"
    book.active = 1
    book.save(file)
    assert rows_of(file, NAMED) == [("2", "B")]
    assert rows_of(file, SourceOptions(NAMED.columns, sheet="versteckt")) == [("1", "A")]


def test_a_list_may_begin_anywhere_in_the_sheet(tmp_path: Path) -> None:
    rows: list[lists.Row] = [
        [],
        [None, None, "Titel"],
        [],
        [None, None, "Nr", None, "Name"],
        [None, None, 7, "x", "A", "Notiz"],
    ]
    file = lists.write_xlsx(tmp_path / "p.xlsx", {"A": rows})
    scan = source(file, NAMED).scan()
    assert rows_of(file, NAMED) == [("7", "A")]
    assert (scan.header_line, scan.place(5, ("name",)), scan.place(5, ())) == (4, "sheet A, E5", "sheet A, row 5")


@pytest.mark.parametrize("row", [1, 3, 99])
def test_a_header_row_without_headings_is_told(tmp_path: Path, row: int) -> None:
    file = lists.write_xlsx(tmp_path / "p.xlsx", {"A": [[], ("Nr", "Name"), [], (1, "A")]})
    assert refusal(file, SourceOptions(NAMED.columns, header_row=row)).code == "no_header"


@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.99])
@pytest.mark.parametrize("kind", ["xlsx", "ods", "xls"])
def test_every_cut_off_workbook_is_refused(tmp_path: Path, kind: str, share: float) -> None:
    rows = [("Nr", "Name"), *((n, f"N{n}") for n in range(300))]
    file = tmp_path / f"p.{kind}"
    if kind == "xls":
        file.write_bytes((FILES / "untersuchungen.xls").read_bytes())
    else:
        (lists.write_xlsx if kind == "xlsx" else lists.write_ods)(file, {"A": rows})
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    assert refusal(file).code == "cut_off_file"


def test_text_that_calls_itself_a_workbook_is_told(tmp_path: Path) -> None:
    file = tmp_path / "p.xls"
    file.write_text("Nr;Name\n1;A\n", "utf-8")
    problem = refusal(file)
    assert problem.code == "no_workbook"
    assert "type: csv" in problem.hint


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_a_cell_far_away_does_not_fill_the_memory(tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"p.{kind}"
    if kind == "xlsx":
        import openpyxl

        book = openpyxl.Workbook()
        book.worksheets[0]["A1"] = "Nr"
        book.worksheets[0]["XFD1048576"] = "x"
        book.save(file)
    else:
        lists.write_ods(file, {"A": [("Nr",)]})
        with zipfile.ZipFile(file) as book_file:
            parts = {name: book_file.read(name) for name in book_file.namelist()}
        cell = b'<table:table-cell table:number-columns-repeated="2000000000" office:value-type="string">'
        parts["content.xml"] = parts["content.xml"].replace(b'<table:table-cell office:value-type="string">', cell)
        with zipfile.ZipFile(file, "w") as book_file:
            for name, content in parts.items():
                book_file.writestr(name, content)
    assert refusal(file).code == "list_too_large"


def test_a_file_that_changes_later_changes_nothing(tmp_path: Path) -> None:
    """The sheet is held: both looks see the same."""
    file = lists.write_xlsx(tmp_path / "p.xlsx", {"A": [("Nr", "Name"), (1, "A")]})
    found = source(file, NAMED)
    assert found.scan().rows == 1
    file.unlink()
    assert [row for chunk in found.chunks() for row in chunk.rows] == [("1", "A")]


def test_a_workbook_with_a_password_says_so(tmp_path: Path) -> None:
    file = lists.write_ods(tmp_path / "geheim.ods", {"Aktive": [("Nr", "Name"), ("1", "Anna")]})
    locked = tmp_path / "locked.ods"
    with zipfile.ZipFile(file) as book, zipfile.ZipFile(locked, "w") as made:
        for name in book.namelist():
            content = book.read(name)
            if name == "META-INF/manifest.xml":
                content = (
                    b'<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
                    b'<manifest:file-entry manifest:full-path="content.xml">'
                    b"<manifest:encryption-data/></manifest:file-entry></manifest:manifest>"
                )
            made.writestr(name, content)
    assert refusal(locked).code == "workbook_locked"


def test_an_encrypted_workbook_of_excel_says_so(tmp_path: Path) -> None:
    """Excel puts the encrypted workbook into a container of the old kind, in a stream of this name."""
    file = tmp_path / "geheim.xlsx"
    file.write_bytes(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(480)
    )
    assert refusal(file).code == "workbook_locked"
