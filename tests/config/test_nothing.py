"""Nothing stands where a value belongs: told at its place, and never taken for an empty list or an empty text."""

from __future__ import annotations

import pytest

from engine.sync.preview import preview
from tests.config.folder import MAPPING, Folder

LOOKED_UP = MAPPING.replace("alarmGroups: []", "alarmGroups: \"{{ name | lookup('zuege') }}\"")
TABLE = "tables:\n  zuege:\n    Z1:"
LINKS = """\
source:
  path: inbox/personal.csv
  key: nr
actions:
  - action: greyhound.sync
    connection: gh
    match: {user_field: 6}
    fields:
      GroupRef: 1
      Subject: "{{ nr }}"
      ComLinks:
        - {Kind: email, Category: business, Preferred: true, Text: a@example.org}
      UserFields:
        7: x
"""


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("alarmGroups:\n        -\n", "personal.yaml:14:10"),
        ("alarmGroups: [~]\n", "personal.yaml:13:21"),
        ("alarmGroups: [Alarm, null]\n", "personal.yaml:13:28"),
        ("alarmGroups: []\n      osGroups:\n        - A\n        -\n", "personal.yaml:16:10"),
        ("alarmGroups: []\n      osFunctions: [~]\n", "personal.yaml:14:21"),
    ],
)
def test_an_element_of_a_list_field_without_a_value_is_an_error(folder: Folder, written: str, place: str) -> None:
    folder.write("personal.yaml", MAPPING.replace("alarmGroups: []\n", written))
    assert folder.said() == [(place, "value_missing")]
    assert ": []`" in folder.problem().hint


@pytest.mark.parametrize(
    ("written", "place"), [("", "3:5"), (" ~", "3:5"), (" [Alarm, ~]", "3:17"), ("\n      -", "4:8")]
)
def test_an_entry_of_a_table_without_a_value_is_an_error(folder: Folder, written: str, place: str) -> None:
    folder.write("personal.yaml", f"{TABLE}{written}\n{LOOKED_UP}")
    assert folder.said() == [(f"personal.yaml:{place}", "value_missing")]
    assert "`[]`" in folder.problem().hint


def test_an_entry_of_a_table_that_was_reported_is_not_told_twice(folder: Folder) -> None:
    folder.write("personal.yaml", f"{TABLE} !secret fehlt\n{LOOKED_UP}")
    assert [code for _place, code in folder.said()] == ["secret_missing"]


@pytest.mark.parametrize(("key", "value"), [("Text", "a@example.org"), ("Kind", "email")])
def test_a_link_needs_a_text_and_its_kind_is_no_e_mail_by_mistake(folder: Folder, key: str, value: str) -> None:
    folder.write("personal.yaml", LINKS.replace(f"{key}: {value}", f"{key}: "))
    problem = folder.problem()
    assert (problem.code, problem.at.line, problem.at.path[-1]) == ("value_missing", 12, key)


def test_other_keys_of_a_link_and_user_fields_without_a_value_are_not_given(folder: Folder) -> None:
    links = LINKS.replace("Preferred: true", "Preferred: ").replace("Category: business", "Category: ~")
    folder.write("personal.yaml", links.replace("7: x", "7:"))
    inbox = folder.root / "inbox"
    inbox.mkdir()
    (inbox / "personal.csv").write_text("nr;name\n1;Max\n2;Moritz\n", "utf-8")
    project = folder.load()
    assert folder.problems() == []
    row = next(preview(project, project.mappings["personal"], None))
    assert row["problems"] == []
    record = row["actions"]["greyhound.sync"]
    assert record is not None
    assert (record["ComLinks"], record["UserFields"]) == ([{"Kind": 0, "Text": "a@example.org"}], {"6": "1"})
