"""What every source promises, whatever it reads: one set of tests over all of them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.problems import Location, Problem, ProblemError, Refused, SourceFailed
from engine.source import REMOTES, SOURCES
from engine.source.base import Chunk, Column, Remote, Source, SourceOptions
from engine.source.files import source_type
from tests.source import lists
from tests.source.lists import SECRET, Row, Web

COLUMNS = (Column("nr", ("Nr",)), Column("name", ("Name",)), Column("email", ("E-Mail", "Mail privat"), optional=True))
HEADINGS = ("Nr", "Name", "E-Mail")
PEOPLE = (("0042", " Jörg Groß ", "j@example.org"), ("1001", "Eva", ""), ("1002", "no", "1e5"))
MAPPING = Location("mappings/personal.yaml", 3)

Make = Callable[[Row, Sequence[Row]], Source]


@dataclass
class Case:
    """One kind of source: ``make`` gives one that holds a list, ``cut`` one that holds half of it."""

    make: Make
    cut: Make


OPTIONS = SourceOptions(COLUMNS, at=MAPPING)


def _file_case(kind: str, write: Callable[[Row, Sequence[Row]], Path], end: float = 0.6) -> Case:
    def make(headings: Row, rows: Sequence[Row]) -> Source:
        return SOURCES[kind](write(headings, rows), OPTIONS)

    def cut(headings: Row, rows: Sequence[Row]) -> Source:
        file = write(headings, rows)
        content = file.read_bytes()
        file.write_bytes(content[: int(len(content) * end)])
        return SOURCES[kind](file, OPTIONS)

    return Case(make, cut)


def _csv(folder: Path) -> Case:
    return _file_case("csv", lambda headings, rows: lists.write_csv(folder / "p.csv", headings, rows), 0.75)


def _xlsx(folder: Path) -> Case:
    return _file_case("excel", lambda headings, rows: lists.write_xlsx(folder / "p.xlsx", {"A": [headings, *rows]}))


def _ods(folder: Path) -> Case:
    return _file_case("excel", lambda headings, rows: lists.write_ods(folder / "p.ods", {"A": [headings, *rows]}))


def _json(folder: Path) -> Case:
    return _file_case("json", lambda names, rows: lists.write_json(folder / "p.json", lists.records(names, rows)))


def _ndjson(folder: Path) -> Case:
    return _file_case("ndjson", lambda names, rows: lists.write_ndjson(folder / "p.ndjson", lists.records(names, rows)))


def _sql(folder: Path) -> Case:
    def make(headings: Row, rows: Sequence[Row]) -> Source:
        lists.write_sqlite(folder / "verein.db", headings, rows)
        remote = Remote("sqlite:///verein.db", "select * from mitglieder", root=folder, secrets=frozenset({SECRET}))
        return REMOTES["sql"](replace(OPTIONS, remote=remote))

    def cut(headings: Row, rows: Sequence[Row]) -> Source:
        source = make(headings, rows)
        file = folder / "verein.db"
        file.write_bytes(file.read_bytes()[:5000])
        return source

    return Case(make, cut)


def _http(server: Web, body: Callable[[Row, Sequence[Row]], Any], content_type: str) -> Case:
    headers = {"Authorization": f"Bearer {SECRET}"}
    remote = Remote(f"{server.url}/api", headers=headers, secrets=frozenset({SECRET}), timeout=5)
    source = REMOTES["http"](replace(OPTIONS, remote=remote))

    def make(headings: Row, rows: Sequence[Row]) -> Source:
        server.gives(body(headings, rows), content_type)
        return source

    def cut(headings: Row, rows: Sequence[Row]) -> Source:
        whole = str(len(lists.csv_text(headings, rows)) + 1000)
        server.gives(lists.csv_text(headings, rows).encode(), content_type, **{"Content-Length": whole})
        return source

    return Case(make, cut)


KINDS = ("csv", "xlsx", "ods", "json", "ndjson", "sql", "http-json", "http-csv")


@pytest.fixture(params=KINDS)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    files = {"csv": _csv, "xlsx": _xlsx, "ods": _ods, "json": _json, "ndjson": _ndjson, "sql": _sql}
    if request.param in files:
        yield files[request.param](tmp_path)
        return
    with lists.web() as server:
        if request.param == "http-json":
            yield _http(server, lambda names, rows: {"data": lists.records(names, rows)}, "application/json")
        else:
            yield _http(server, lambda names, rows: lists.csv_text(names, rows).encode(), "text/csv; charset=utf-8")


def problem_of(source: Source) -> Problem:
    with pytest.raises(ProblemError) as refused:
        source.scan()
    assert isinstance(refused.value, Refused | SourceFailed)
    for problem in refused.value.problems:
        assert problem.message and problem.hint
        assert SECRET not in f"{problem.message} {problem.hint} {problem.at}"
    return refused.value.problems[0]


def rows_of(source: Source) -> list[Any]:
    return [row for chunk in source.chunks() for row in chunk.rows]


def test_texts_come_tidy_and_as_they_were_typed(case: Case) -> None:
    source = case.make(HEADINGS, PEOPLE)
    scan = source.scan()
    assert (scan.rows, scan.names) == (3, ("nr", "name", "email"))
    assert len(scan.sha256) == 64
    assert scan.structured == frozenset()
    expected = [("0042", "Jörg Groß", "j@example.org"), ("1001", "Eva", ""), ("1002", "no", "1e5")]
    assert rows_of(source) == expected


def test_a_source_may_be_read_again_and_tells_raw_values_to_who_asks(case: Case) -> None:
    source = case.make(HEADINGS, PEOPLE)
    first = list(source.chunks(raw=True))
    assert [chunk.rows for chunk in source.chunks()] == [chunk.rows for chunk in first]
    raw = [row for chunk in first for row in chunk.raw or []]
    assert raw[0] == {"Nr": "0042", "Name": "Jörg Groß", "E-Mail": "j@example.org", "Mail privat": ""}


def test_numbers_run_through_and_rows_are_in_chunks(case: Case) -> None:
    source = case.make(HEADINGS, [(str(n), f"Name {n}", "") for n in range(1, 4501)])
    chunks: list[Chunk] = list(source.chunks())
    assert source.scan().rows == sum(map(len, chunks)) == 4500
    assert [number for chunk in chunks for number in chunk.numbers] == list(range(1, 4501))


def test_a_missing_heading_is_told_with_the_nearest_one(case: Case) -> None:
    problem = problem_of(case.make(("Nr", "Nmae", "E-Mail"), PEOPLE))
    assert problem.code == "missing_heading"
    assert '"Name"' in problem.message
    assert "Nmae" in problem.hint


def test_a_missing_key_column_is_told(case: Case) -> None:
    problem = problem_of(case.make(("Personal", "Name", "E-Mail"), PEOPLE))
    assert problem.code == "missing_heading"
    assert '"Nr"' in problem.message


def test_an_optional_column_may_be_missing(case: Case) -> None:
    assert rows_of(case.make(("Name", "Nr"), [("Eva", "7")])) == [("7", "Eva", "")]


def test_an_empty_list_is_refused(case: Case) -> None:
    assert problem_of(case.make(HEADINGS, [])).code == "no_rows"


def test_a_list_that_was_cut_off_is_refused_or_failed(case: Case) -> None:
    source = case.cut(HEADINGS, [(str(n), f"Name {n}", "") for n in range(1, 400)])
    problem = problem_of(source)
    assert problem.code in ("cut_off_file", "source_unreachable", "database_failed", "query_failed")


def test_doubles_are_all_there(case: Case) -> None:
    """Which of them is right is not for the source to say."""
    assert [row[0] for row in rows_of(case.make(HEADINGS, [PEOPLE[0], PEOPLE[0]]))] == ["0042", "0042"]


def test_every_row_has_a_line_and_a_place_for_people(case: Case) -> None:
    source = case.make(HEADINGS, PEOPLE)
    scan = source.scan()
    lines = [line for chunk in source.chunks() for line in chunk.lines]
    assert lines == sorted(set(lines))
    assert isinstance(scan.place(lines[1], ("name",)), str)


WHOLE = (("Nr", "Name"), *((str(n), f"Name {n}") for n in range(30)))
FORMS: dict[str, Callable[[Path], Path]] = {
    "csv": lambda file: lists.write_csv(file, WHOLE[0], WHOLE[1:]),
    "xlsx": lambda file: lists.write_xlsx(file, {"A": WHOLE}),
    "ods": lambda file: lists.write_ods(file, {"A": WHOLE}),
    "xls": lambda file: Path(shutil.copy(Path(__file__).parent / "files" / "untersuchungen.xls", file)),
    "json": lambda file: lists.write_json(file, lists.records(WHOLE[0], WHOLE[1:])),
    "ndjson": lambda file: lists.write_ndjson(file, lists.records(WHOLE[0], WHOLE[1:])),
}


@cache
def whole(form: str) -> bytes:
    """A good file. It holds the moment in which it was made, so it is made once."""
    with tempfile.TemporaryDirectory() as folder:
        return FORMS[form](Path(folder) / f"p.{form}").read_bytes()


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_and_nothing_else(form: str, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"p.{form}"
        content = bytearray(whole(form))
        for _change in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(content) - 1))
            content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        file.write_bytes(content)
        try:
            source = SOURCES[source_type(None, file.name)](file, SourceOptions(None))
            assert sum(map(len, source.chunks(raw=True))) == source.scan().rows
        except Refused as refused:
            assert all(problem.hint and problem.at.file for problem in refused.problems)
