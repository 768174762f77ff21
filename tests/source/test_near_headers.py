"""Not one of the wanted headings is there: the row that is most like them is the header, and they are suggested."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine.problems import Problem, Refused
from engine.source import SOURCES
from engine.source.base import Column, SourceOptions
from tests.source import lists

WANTED = (Column("nr", ("Personal-Nr.",)), Column("vorname", ("Vorname",)), Column("zug", ("Zug",), optional=True))
TITLE = ["Mitgliederliste der Feuerwehr", "Stand 01.02.2026"]
HEADER = ["Personalnr.", "Vornamen", "Züge"]
PEOPLE = [["1042", "Max", "1. Zug"], ["1043", "Anna", "2. Zug"]]


def problems(file: Path, *columns: Column) -> list[Problem]:
    kind = "csv" if file.suffix == ".csv" else "excel"
    with pytest.raises(Refused) as refused:
        SOURCES[kind](file, SourceOptions(columns or WANTED)).scan()
    return list(refused.value.problems)


def written(folder: Path, ending: str, rows: list[list[str]]) -> Path:
    file = folder / f"list{ending}"
    if ending == ".csv":
        file.write_text("".join(";".join(row) + "\n" for row in rows), "utf-8")
        return file
    return lists.write_xlsx(file, {"Aktive": rows})


@pytest.fixture(params=[".csv", ".xlsx"])
def ending(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_nearest_heading_is_suggested_for_each(tmp_path: Path, ending: str) -> None:
    first, second = problems(written(tmp_path, ending, [TITLE, [""], HEADER, *PEOPLE]))
    assert '"Personalnr."' in first.hint
    assert '"Vornamen"' in second.hint
    assert first.at.line == 3
    assert ("list.csv:3" if ending == ".csv" else "sheet Aktive, row 3") in first.message


def test_what_is_near_to_none_is_told_with_all_that_there_are(tmp_path: Path, ending: str) -> None:
    *_near, last = problems(written(tmp_path, ending, [HEADER, *PEOPLE]), *WANTED, Column("x", ("Eintritt",)))
    assert "Personalnr., Vornamen, Züge" in last.hint


def test_of_a_list_without_header_nobody_is_shown(tmp_path: Path, ending: str) -> None:
    people = [["1042", "Max", "Personal"], ["1043", "Vorneman", "Zug"]]
    for problem in problems(written(tmp_path, ending, people)):
        assert "None of the headings is there" in problem.hint
        assert "Vorneman" not in problem.message + problem.hint


def test_the_sheet_that_is_most_like_it_is_named(tmp_path: Path) -> None:
    file = lists.write_xlsx(tmp_path / "l.xlsx", {"Deckblatt": [TITLE, ["a", "b"]], "Aktive": [HEADER, *PEOPLE]})
    assert "sheet Aktive, row 1" in problems(file)[0].message


def test_a_wide_list_of_long_texts_takes_no_time(tmp_path: Path, ending: str) -> None:
    rows = [[f"{'Ueberschrift' * 9}{row}{cell}" for cell in range(400)] for row in range(20)]
    wanted = [Column(f"c{number}", ("Unterschrift" * 9 + str(number),)) for number in range(60)]
    file = written(tmp_path, ending, rows)
    begin = time.monotonic()
    assert len(problems(file, *wanted)) == 60
    assert time.monotonic() - begin < 10
