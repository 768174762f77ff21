"""Lines that slipped a level in or out: one problem each, at the line that slipped, which says where it belongs."""

from __future__ import annotations

import pytest

from tests.config.folder import MAPPING as SHORT
from tests.config.folder import Folder

MAPPING = """\
source:
  path: inbox/personal.csv
  key: nr
  columns:
    nr: Personalnummer
    name: Name
    zug:
      heading: Zug
      optional: true
    ort: Ort
  where: "{{ ort }}"
  expect:
    min_rows: 10
    max_shrink: 30%
    max_rejected: 3
variables:
  eins: "{{ nr }}"
  zwei: "{{ eins }}"
  drei: "{{ zwei }}"
tables:
  zuege:
    a: [A]
    b: [B]
    c: [C]
actions:
  - action: fe2.sync
    connection: fe2
    fields:
      externalDbId: "{{ drei }}"
      lastName: "{{ name }}"
      osFunctions: "{{ zug | lookup('zuege') }}"
      alarmGroups: []
      email: ""
    removal: sync
    guard:
      max_removals: 3
  - action: greyhound.sync
    connection: gh
    match: {user_field: 6}
    fields:
      GroupRef: 1
      Subject: "{{ name }}"
      ComLinks:
        - {Kind: email, Text: a@example.org}
        - {Kind: mobile, Text: "0049"}
        - {Kind: letter, Text: Dorf}
      UserFields:
        6: "{{ nr }}"
tests:
  - name: eins
    row: {Personalnummer: 1, Name: A}
    expect:
      fe2.sync: {lastName: A}
"""

SLIPS = [
    # the line, its blanks now, where it belongs, and the blanks wanted
    ("where:", 0, "source", 2),
    ("where:", 4, "source", 2),
    ("expect:\n    min", 4, "source", 2),
    ("min_rows:", 2, "expect", 4),
    ("max_shrink:", 2, "expect", 4),
    ("max_rejected:", 2, "expect", 4),
    ("name: Name", 2, "columns", 4),
    ("name: Name", 6, "columns", 4),
    ("optional:", 4, "zug", 6),
    ("heading:", 4, "zug", 6),
    ("key: nr", 4, "source", 2),
    ("path:", 0, "source", 2),
    ("columns:", 0, "source", 2),
    ("zwei:", 0, "variables", 2),
    ("zwei:", 4, "variables", 2),
    ("drei:", 0, "variables", 2),
    ("b: [B]", 2, "zuege", 4),
    ("zuege:\n", 0, "tables", 2),
    ("connection: fe2", 2, "actions", 4),
    ("connection: fe2", 6, "actions", 4),
    ("fields:\n      ext", 2, "actions", 4),
    ("fields:\n      ext", 0, "actions", 4),
    ('lastName: "', 4, "fields", 6),
    ('lastName: "', 8, "fields", 6),
    ('email: ""', 4, "fields", 6),
    ("removal:", 6, "actions", 4),
    ("guard:", 6, "actions", 4),
    ("max_removals:", 4, "guard", 6),
    ("- action: greyhound", 0, "actions", 2),
    ("- action: greyhound", 4, "actions", 2),
    ("- {Kind: mobile", 6, "ComLinks", 8),
    ("- {Kind: mobile", 10, "ComLinks", 8),
    ("UserFields:", 4, "fields", 6),
    ("row:", 6, "tests", 4),
    ("fe2.sync: {", 4, "expect", 6),
]


@pytest.mark.parametrize(
    ("line", "blanks", "owner", "wanted"), SLIPS, ids=[f"{line.strip()} {n}" for line, n, *_ in SLIPS]
)
def test_a_line_that_slipped_is_told_where_it_belongs(
    folder: Folder, line: str, blanks: int, owner: str, wanted: int
) -> None:
    lines = MAPPING.split("\n")
    at = MAPPING[: MAPPING.index(f"{' ' * wanted}{line}")].count("\n")
    lines[at] = " " * blanks + lines[at].lstrip()
    folder.write("personal.yaml", "\n".join(lines).encode())
    problem = folder.problem()
    assert (problem.at.line, problem.at.column) == (at + 1, blanks + 1)
    assert f"under `{owner}:`" in problem.hint
    assert f"Put {wanted} blanks before it; now there are {blanks}." in problem.hint


def test_a_whole_block_that_slipped_is_one_problem(folder: Folder) -> None:
    folder.write("personal.yaml", MAPPING.replace("    min_", "  min_").replace("    max_", "  max_", 2).encode())
    assert "The same holds for the 2 lines below it." in folder.problem().hint


def test_a_key_that_slipped_away_from_its_lines_keeps_them(folder: Folder) -> None:
    folder.write("personal.yaml", MAPPING.replace("variables:", "  variables:").encode())
    problem = folder.problem()
    assert (problem.code, problem.at.line) == ("unknown_key", 16)
    assert problem.hint == "It belongs at the outermost level: take away the blanks before it."


def test_a_dash_too_many_does_not_tear_an_entry_apart(folder: Folder) -> None:
    folder.write("personal.yaml", MAPPING.replace("    connection: fe2\n", "  - connection: fe2\n").encode())
    problem = folder.problem()
    assert (problem.code, problem.at.line) == ("yaml_indentation", 27)
    assert problem.message == "The dash begins a new entry here, but connection belongs to the entry above."


def test_a_column_may_have_the_name_of_a_key(folder: Folder) -> None:
    text = MAPPING.replace(
        "    ort: Ort\n", "    ort: Ort\n    path: Pfad\n    key: Schlüssel\n    optional: Wahlfach\n"
    )
    folder.write("personal.yaml", text.encode())
    assert folder.problems() == []


def test_a_template_is_no_heading(folder: Folder) -> None:
    folder.write("personal.yaml", MAPPING.replace("ort: Ort\n", 'ort: "{{ Ort }}"\n').encode())
    problem = folder.problem()
    assert (problem.code, problem.at.path) == ("expected_text", ("source", "columns", "ort"))


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ("source:\n", "source: [\n", "1:9"),
        ("alarmGroups: []", "alarmGroups: [", "32:20"),
        ("alarmGroups: []", "alarmGroups: [  # nobody", "32:20"),
        ("tables:\n", "tables: {\n", "20:9"),
    ],
)
def test_a_bracket_that_is_opened_and_left_alone(folder: Folder, right: str, wrong: str, place: str) -> None:
    folder.write("personal.yaml", MAPPING.replace(right, wrong, 1))
    problem = folder.problem()
    assert (problem.code, str(problem.at)) == ("yaml_bracket", f"mappings/personal.yaml:{place}")
    assert "or take it away" in problem.hint


@pytest.mark.parametrize("bracket", ["[", "{"])
def test_a_bracket_at_the_end_of_the_configuration(folder: Folder, bracket: str) -> None:
    folder.write("configuration.yaml", f"language: en\nconnections: {bracket}\n")
    problem = folder.problem()
    assert (problem.code, problem.at.line, problem.at.column) == ("yaml_bracket", 2, 14)
    assert "…" not in problem.hint


def test_where_there_is_nothing_yet_it_is_told_how_to_add_it(folder: Folder) -> None:
    folder.write("configuration.yaml", "language: en\n")
    folder.write("personal.yaml", f"notify: [leitung]\n{SHORT}")
    notify, connection = folder.problems()
    assert (notify.code, connection.code) == ("unknown_notify", "unknown_connection")
    assert "`leitung: " in notify.hint
    assert "`fe2: {type: " in connection.hint


def test_where_no_connection_fits_it_is_told_how_to_add_one(folder: Folder) -> None:
    configuration = folder.root / "mappings" / "configuration.yaml"
    text = configuration.read_text("utf-8")
    folder.write("configuration.yaml", text[text.index("  gh:") :].join(["connections:\n", ""]))
    folder.write("personal.yaml", SHORT.replace("connection: fe2", "connection: gh"))
    problem = folder.problem()
    assert problem.code == "connection_type"
    assert "`type: fe2`" in problem.hint
