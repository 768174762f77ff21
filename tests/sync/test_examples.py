"""What is said of the tests of a mapping before they are run: who is wrong where two places differ, and no noise."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.problems import Problem
from tests.config.folder import Folder

HEAD = """\
source:
  path: inbox/personal.csv
  key: nr
  columns:
    nr: Personalnummer
    name: Nachname
    rufname: Vorname
actions:
  - action: fe2.sync
    connection: fe2
    fields:
      externalDbId: "{{ nr }}"
      lastName: "{{ name }} {{ rufname }}"
      alarmGroups: []
tests:
"""
ONE = "  - {name: a, row: {Personalnummer: 1}, expect: {fe2.sync: {externalDbId: 1}}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "project")


def with_tests(folder: Folder, *rows: str, head: str = HEAD, expect: str = "{fe2.sync: {}}") -> list[Problem]:
    tests = [
        f"  - {{name: t{n}, row: {{Personalnummer: {n}, {row}}}, expect: {expect}}}\n" for n, row in enumerate(rows)
    ]
    folder.write("personal.yaml", (head + "".join(tests)).encode())
    return folder.problems()


def test_where_the_name_of_the_column_agrees_with_the_test_the_column_is_wrong(folder: Folder) -> None:
    (problem,) = with_tests(folder, "Name: A", head=HEAD.replace("name: Nachname", "name: Nahme"))
    assert (problem.code, problem.at.line, problem.at.column) == ("unknown_heading", 6, 11)
    assert "“Nahme”" in problem.message
    assert "(line 16)" in problem.message
    assert "`name: Name`" in problem.hint
    assert problem.fixes == ()


def test_where_all_tests_agree_the_column_is_wrong_once(folder: Folder) -> None:
    rows = ["Vorname: A", "Vorname: B", "Vorname: C"]
    (problem,) = with_tests(folder, *rows, head=HEAD.replace("rufname: Vorname", "rufname: [Vornahme, Rufname]"))
    assert (problem.code, problem.at.line, problem.at.column) == ("unknown_heading", 7, 15)
    assert "(line 16, 17, 18)" in problem.message


def test_where_other_tests_agree_with_the_column_the_test_is_wrong(folder: Folder) -> None:
    (problem,) = with_tests(folder, "Vorname: A", "Vornahme: B")
    assert (problem.code, problem.at.line) == ("unknown_heading", 17)
    assert problem.hint == "Did you mean Vorname?"
    assert problem.fixes


def test_where_nobody_can_tell_both_places_are_shown(folder: Folder) -> None:
    (problem,) = with_tests(folder, "Vornahme: B")
    assert (problem.code, problem.at.line) == ("unknown_heading", 16)
    assert "“Vornahme”, in line 7 “Vorname”" in problem.message
    assert problem.fixes == ()


def test_a_heading_that_no_column_has_is_told_once_with_the_line_to_add(folder: Folder) -> None:
    (problem,) = with_tests(folder, "Straße / Nr.: A", "Straße / Nr.: B")
    assert (problem.code, problem.at.line) == ("unknown_heading", 16)
    assert "line 17" in problem.message
    assert "`strasse_nr: Straße / Nr.`" in problem.hint


def test_a_name_whose_heading_stands_in_the_tests_comes_with_the_line_to_add(folder: Folder) -> None:
    problems = with_tests(folder, "Geb.-Datum: 1.1.2000", head=HEAD.replace("{{ rufname }}", "{{ geb_datum }}"))
    assert "`geb_datum: Geb.-Datum`" in next(p.hint for p in problems if p.code == "unknown_name")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("fe2.abgleich", "fe2.sync"),
        ("fe2sync", "fe2.sync"),
        ("FE2", "fe2.sync"),
        ("fe2-update", "fe2.sync"),
        ("greyhound", "greyhound.sync"),
    ],
)
def test_a_misspelled_action_is_one_problem(folder: Folder, written: str, meant: str) -> None:
    head = HEAD.replace("action: fe2.sync", f"action: {written}")
    if meant != "fe2.sync":
        head = head.split("actions:")[0] + f"actions:\n  - action: {written}\n    connection: gh\n"
        head += '    match: {user_field: 6}\n    fields: {GroupRef: 1, Subject: "{{ nr }}"}\ntests:\n'
    (problem,) = with_tests(folder, "Vorname: A", head=head, expect=f"{{{meant}: {{}}}}")
    assert (problem.code, problem.hint) == ("unknown_action", f"Did you mean {meant}?")


def test_an_action_that_nobody_can_guess_is_one_problem(folder: Folder) -> None:
    (problem,) = with_tests(folder, "Vorname: A", head=HEAD.replace("action: fe2.sync", "action: senden"))
    assert problem.hint == "Known are: fe2.sync, greyhound.sync"


@pytest.mark.parametrize("written", ["fe2", "fe2.snyc", "FE2.sync", "fe2.abgleich"])
def test_a_test_that_misspells_an_action_is_told_which_is_meant(folder: Folder, written: str) -> None:
    (problem,) = with_tests(folder, "Vorname: A", expect=f"{{{written}: {{}}}}")
    assert (problem.code, problem.hint) == ("unknown_key", "Did you mean fe2.sync?")


def test_fields_are_checked_behind_a_misspelled_action(folder: Folder) -> None:
    head = HEAD.replace("action: fe2.sync", "action: fe2.snyc")
    problems = with_tests(folder, "Vorname: A", head=head, expect="{fe2.sync: {lastNam: A}}")
    assert [problem.code for problem in problems] == ["unknown_action", "unknown_field"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("Geb.-Datum", "`geb_datum: Geb.-Datum`"),
        ("1. Zug", "`column_1_zug: Geb.-Datum`"),
        ("Straße / Nr.", "`strasse_nr: Geb.-Datum`"),
        ("row", "`row_: Geb.-Datum`"),
    ],
)
def test_what_can_be_no_name_comes_with_a_proper_one(folder: Folder, name: str, line: str) -> None:
    folder.write("personal.yaml", (HEAD + ONE).replace("rufname: Vorname", f"{name}: Geb.-Datum").encode())
    problem = next(problem for problem in folder.problems() if problem.code == "bad_name")
    assert problem.hint.endswith(f"Write: {line}")


def test_capitals_and_umlauts_are_names(folder: Folder) -> None:
    text = (HEAD + ONE).replace("rufname: Vorname", "AGT: AGT\n    Straße: Straße").replace("rufname", "AGT ~ Straße")
    folder.write("personal.yaml", text.encode())
    assert folder.problems() == []


@pytest.mark.parametrize("expect", ["", "~", "{}"])
def test_a_test_that_expects_nothing_would_always_pass(folder: Folder, expect: str) -> None:
    (problem,) = with_tests(
        folder, "Vorname: A", expect=expect, head=HEAD.replace("fe2.sync\n", "fe2.sync\n    id: alarm\n")
    )
    assert (problem.code, problem.at.line, problem.at.path) == ("nothing_expected", 17, ("tests", 0, "expect"))
    assert "`expect: {alarm: null}`" in problem.hint


def test_that_a_row_is_sent_or_not_is_something_to_expect(folder: Folder) -> None:
    assert with_tests(folder, "Vorname: A", expect="{fe2.sync: {}}") == []
    assert with_tests(folder, "Vorname: A", expect="{fe2.sync: ~}") == []
