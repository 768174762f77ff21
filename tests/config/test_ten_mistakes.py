"""Ten different mistakes in three files are ten problems, each at its place, none hidden behind another."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.cli.door import EXIT_FAILED, run
from tests.config.folder import CONFIGURATION, Folder

PERSONAL = """\
id: personal
expect_evry: 8d
source:
  path: inbox/personal*.csv
  key: nr
  columns:
    nr: Personalnummer
    vorname: Vorname
    handy: {heading: Tel. privat, optional: maybe}
  where: nr
variables:
  mobil: "{{ handy | fone }}"
actions:
  - action: fe2.sync
    connection: fe2_musterstadt
    fields:
      externalDbId: {{ nr }}
      firstName: "{{ vornahme }}"
      alarmGroups: []
      mobil: "{{ mobil }}"
"""
MEMBERS = """\
id: personal
source:
  path: inbox/mitglieder.csv
  key: nr
actions:
  - action: greyhound.sync
    connection: gh
    match: {user_field: 6}
    fields:
      Subject: "{{ Nachname }}, {{ Vorname }}"
      GroupRef: Kontakte/Mitglieder
    guard:
      max_removals: 3 of 10%
"""
WRONG_TIMEZONE = CONFIGURATION + "timezone: Europe/Berln\n"

TEN = [
    ("configuration.yaml", 12, 11, ["timezone"], "unknown_timezone"),
    ("mitglieder.yaml", 13, 21, ["actions", 0, "guard", "max_removals"], "expected_limit"),
    ("personal.yaml", 1, 5, ["id"], "duplicate_id"),
    ("personal.yaml", 2, 1, ["expect_evry"], "unknown_key"),
    ("personal.yaml", 9, 45, ["source", "columns", "handy", "optional"], "expected_truth"),
    ("personal.yaml", 10, 10, ["source", "where"], "condition_without_braces"),
    ("personal.yaml", 12, 22, ["variables", "mobil"], "unknown_filter"),
    ("personal.yaml", 15, 17, ["actions", 0, "connection"], "unknown_connection"),
    ("personal.yaml", 17, 21, ["actions", 0, "fields", "externalDbId"], "template_without_quotes"),
    ("personal.yaml", 18, 22, ["actions", 0, "fields", "firstName"], "unknown_name"),
]


def check(folder: Folder, capsys: pytest.CaptureFixture[str]) -> Any:
    """What ``check --json`` prints, which is one JSON document and nothing else."""
    assert run(["--project", str(folder.root), "check", "--json"]) == EXIT_FAILED
    printed = capsys.readouterr()
    assert printed.err == ""
    return json.loads(printed.out)


def places(document: Any) -> list[tuple[str, int, int, list[str | int], str]]:
    return [
        (found["file"].removeprefix("mappings/"), found["line"], found["column"], found["path"], found["code"])
        for found in document["problems"]
    ]


@pytest.fixture
def ten(folder: Folder) -> Folder:
    folder.write("configuration.yaml", WRONG_TIMEZONE)
    folder.write("personal.yaml", PERSONAL)
    folder.write("mitglieder.yaml", MEMBERS)
    return folder


def test_ten_mistakes_are_ten_problems_each_at_its_place(ten: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    document = check(ten, capsys)
    assert document["ok"] is False
    assert places(document) == TEN


def test_every_problem_has_the_shape_that_is_promised(ten: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    document = check(ten, capsys)
    assert list(document) == ["ok", "problems", "context"]
    for problem in document["problems"]:
        assert list(problem) == ["severity", "file", "line", "column", "path", "code", "message", "hint"]
        assert problem["severity"] == "error"
        assert problem["message"]
        assert problem["hint"]


def test_beside_it_stands_what_a_console_shows(ten: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    document = check(ten, capsys)
    pairs = zip(document["problems"], document["context"], strict=True)
    found = {problem["code"]: (context["effect"], context["shown"]) for problem, context in pairs}
    assert found["unknown_filter"] == (
        "The mapping personal is not used as it stands.",
        '  mobil: "{{ handy | fone }}"\n                     ^',
    )
    assert found["unknown_timezone"][0] == "Nothing runs with these settings."


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_the_places_are_the_same_with_other_line_ends(
    ten: Folder, capsys: pytest.CaptureFixture[str], line_end: bytes
) -> None:
    for path in ten.mappings.iterdir():
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", line_end))
    assert places(check(ten, capsys)) == TEN


def test_ten_mistakes_of_the_syntax_in_one_file_are_found_as_well(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.write(
        "personal.yaml",
        """\
        alias: Export: Montag
        source:
          path: *.csv
          key: nr
          columns:
            nr: Personalnummer
             name: Name
            status:Status
          where: '{{ status == 'aktiv' }}'
        variables:
          nur_ziffern: "{{ nr | regex_replace('\\D', '') }}"
        tables:
          gruppen: {a: [x, y}
        actions:
          - action: fe2.sync
            connection: fe2
            fields:
        \t\texternalDbId: "{{ nur_ziffern }}"
              lastName: {{ name }} {{ nr }}
              firstName: "{{ name }}
              alarmGroups: []
        """,
    )
    assert places(check(folder, capsys)) == [
        ("personal.yaml", 1, 14, ["alias"], "yaml_colon"),
        ("personal.yaml", 3, 9, ["source", "path"], "yaml_character"),
        ("personal.yaml", 7, 6, ["source", "columns", "name"], "yaml_indentation"),
        ("personal.yaml", 8, 11, ["source", "columns", "status"], "yaml_colon"),
        ("personal.yaml", 9, 24, ["source", "where"], "quote_inside"),
        ("personal.yaml", 11, 40, ["variables", "nur_ziffern"], "yaml_escape"),
        ("personal.yaml", 13, 16, ["tables", "gruppen", "a"], "yaml_bracket"),
        ("personal.yaml", 18, 1, ["actions", 0, "fields", "externalDbId"], "tab_indentation"),
        ("personal.yaml", 19, 17, ["actions", 0, "fields", "lastName"], "template_without_quotes"),
        ("personal.yaml", 20, 18, ["actions", 0, "fields", "firstName"], "yaml_quote"),
    ]


def test_a_mistake_in_one_file_leaves_the_other_mappings_alone(ten: Folder) -> None:
    ten.write("good.yaml", MEMBERS.replace("id: personal", "id: good").replace("3 of 10%", "3 or 10%"))
    assert "mappings/good.yaml" not in {problem.at.file for problem in ten.problems()}
    assert "good" in ten.load().mappings
