"""``row['…']``, ``key`` and ``group_by`` find a heading as every other comparison of headings does."""

from __future__ import annotations

import json

import pytest

from tests.source import lists
from tests.world import World

ACTION = """\
actions:
  - action: fe2.sync
    connection: fe2
    fields:
      externalDbId: "{{ %s }}"
      alarmGroups: []
      email: "{{ %s }}"
"""
LIST = "\ufeffNR;Name; E-MAIL privat \n1;Anna;anna@example.org\n2;Jörg;joerg@example.org\n"


def mapped(world: World, field: str, key: str = "NR", source: str = "", number: str = "NR") -> None:
    world.mapping(f"source:\n  path: inbox/personal*\n  settle: 0s\n  key: {key}\n{source}" + ACTION % (number, field))


def emails(world: World) -> list[str | None]:
    shown = world("preview", "personal")
    assert shown.code == 0, shown.out
    return [(row["actions"]["fe2.sync"] or {}).get("email") for row in shown.json["rows"]]


@pytest.mark.parametrize(
    "field",
    [
        "row['E-Mail privat']",
        "row['e-mail\u00a0PRIVAT ']",
        "row.get('E-Mail privat', '')",
        "row['E-MAIL privat'] if 'E-Mail privat' in row else ''",
        "row['E-MAIL privat'] if 'Telefon' not in row else ''",
        "row.get('Telefon', row['E-Mail privat'])",
        "row['Telefon'] | default(row['E-Mail privat'])",
    ],
)
def test_a_row_finds_a_heading_whatever_its_case_and_blanks(world: World, field: str) -> None:
    mapped(world, field)
    world.drop_text(LIST)
    assert emails(world) == ["anna@example.org", "joerg@example.org"]


def test_a_row_finds_only_the_headings_that_columns_name(world: World) -> None:
    mapped(world, "row['E-mail PRIVAT']", "nr", "  columns: {nr: Nr, email: E-Mail privat}\n", "row['NR']")
    world.drop_text(LIST)
    assert emails(world) == ["anna@example.org", "joerg@example.org"]
    mapped(world, "'Name' in row", "nr", "  columns: {nr: Nr, email: E-Mail privat}\n", "nr")
    assert emails(world) == ["False", "False"]


def test_a_workbook_and_json_find_them_as_well(world: World) -> None:
    mapped(world, "row['E-Mail privat']", "Nr", number="row['Nr']")
    path = world.root / "inbox" / "personal.xlsx"
    lists.write_xlsx(path, {"Aktive": [("NR", "E-MAIL privat"), (1, "anna@example.org")]})
    assert emails(world) == ["anna@example.org"]
    path.unlink()
    world.drop_text(json.dumps([{"NR": "1", "E-MAIL privat": "anna@example.org"}]), "personal.json")
    assert emails(world) == ["anna@example.org"]


def test_a_heading_that_is_not_there_is_told_with_the_nearest(world: World) -> None:
    mapped(world, "row['E-Mial privat']")
    world.drop_text(LIST)
    refused = world("preview", "personal").json["problems"][0]
    assert refused["code"] == "unknown_key"
    assert "e-mail privat" in refused["hint"].casefold()
    mapped(world, "row['E-Mial' ~ ' privat']")
    row = world("preview", "personal").json["rows"][0]
    assert "Did you mean E-MAIL privat?" in row["problems"][0]["message"]


def test_of_two_headings_that_differ_in_case_only_the_exact_one_is_meant(world: World) -> None:
    mapped(world, "row['Mail'] ~ row['MAIL']")
    world.drop_text("NR;Mail;MAIL\n1;a;b\n")
    assert emails(world) == ["ab"]
    mapped(world, "row['mail']")
    assert world("preview", "personal").json["rows"][0]["problems"][0]["code"] == "unknown_name"


@pytest.mark.parametrize("key", ["Nr", "nr", '" NR\u00a0"'])
def test_the_key_is_found_whatever_its_case_and_blanks(world: World, key: str) -> None:
    mapped(world, "Name", key)
    world.drop_text(LIST)
    assert [row["key"] for row in world("preview", "personal").json["rows"]] == ["1", "2"]


def test_the_rows_of_a_person_are_joined_by_a_key_in_other_letters(world: World) -> None:
    mapped(world, "rows | map(attribute='Name') | join(' ')", "Nr", "  group_by: nr\n")
    world.drop_text("NR;Name\n1;Anna\n1;Beate\n2;Jörg\n")
    assert emails(world) == ["Anna Beate", "Jörg"]


def test_a_key_that_is_not_there_is_told_with_the_nearest(world: World) -> None:
    mapped(world, "Name", "Nrr")
    world.drop_text(LIST)
    refused = world("preview", "personal").json["problems"][0]
    assert (refused["code"], refused["hint"]) == ("unknown_column", "Did you mean NR?")
