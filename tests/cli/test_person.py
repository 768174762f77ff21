"""`preview --key`: one person from the cells of the list to what the target would get, against what was last sent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.world import PERSONAL, World, changed, people, person, without

COLUMNS = """\
source:
  path: inbox/personal*.csv
  settle: 0s
  key: nr
  columns:
    nr: nr
    vorname: vorname
    status: status
    handy: [mobil, telefon]
    email: {heading: email, optional: true}
  where: "{{ status == 'aktiv' }}"
variables:
  nummer: "{{ handy | phone }}"
actions:
  - action: fe2.sync
    connection: fe2
    where: "{{ email }}"
    fields: {externalDbId: "{{ nr }}", firstName: "{{ vorname }}", mobil: "{{ nummer }}", alarmGroups: [Alle]}
    removal: sync
"""
ROW = {
    "nr": "0042",
    "vorname": "Max",
    "status": "aktiv",
    "mobil": "",
    "telefon": "0151 5550142",
    "email": "m@example.org",
}


def of(world: World, key: str, code: int = 0) -> dict[str, Any]:
    result = world("preview", "personal", "--key", key)
    assert result.code == code, result.out
    (row,) = result.json["rows"]
    return dict(row)


def test_every_step_is_shown(world: World) -> None:
    world.configure(id_prefix='"FW-"')
    world.mapping(COLUMNS)
    world.drop([ROW])
    row = of(world, "0042")
    steps = row["steps"]
    taken = {cell["heading"]: (cell["cell"], cell["column"], cell["taken"]) for cell in steps["cells"]}
    assert taken["telefon"] == ("0151 5550142", "handy", True)
    assert taken["mobil"] == ("", "handy", False)
    assert (steps["where"]["template"], steps["where"]["value"]) == ("{{ status == 'aktiv' }}", True)
    assert [(one["name"], one["value"], one["type"]) for one in steps["variables"]] == [
        ("nummer", "00491515550142", "text")
    ]
    action = steps["actions"]["fe2.sync"]
    fields = {one["name"]: (one["template"], one["value"], one["type"]) for one in action["fields"]}
    assert fields["mobil"] == ("{{ nummer }}", "00491515550142", "text")
    assert fields["alarmGroups"] == (["Alle"], ["Alle"], "list")
    assert action["where"]["value"] is True
    assert action["outcome"]["status"] == "created"
    assert row["actions"]["fe2.sync"]["externalDbId"] == "FW-0042"
    said = world("preview", "personal", "--key", "0042", as_json=False).out
    assert "telefon  0151 5550142  → handy" in said
    assert "is sent as externalDbId: FW-0042" in said
    assert not (world.root / ".abgleich").exists()
    assert world.fe2.requests == []


def test_who_does_not_take_part_learns_why(world: World) -> None:
    world.mapping(COLUMNS)
    world.drop([ROW | {"status": "passiv"}, ROW | {"nr": "0043", "email": ""}])
    left_out = of(world, "0042")
    assert (left_out["selected"], left_out["steps"]["where"]["value"]) == (False, False)
    assert left_out["steps"]["actions"]["fe2.sync"]["outcome"]["status"] == "none"
    elsewhere = of(world, "0043")
    assert elsewhere["selected"]
    assert elsewhere["steps"]["actions"]["fe2.sync"]["where"]["value"] is False


def test_a_template_that_fails_is_named_with_its_reason(world: World) -> None:
    world.mapping(COLUMNS)
    world.drop([ROW | {"telefon": "keins"}])
    row = of(world, "0042")
    (step,) = row["steps"]["variables"]
    assert (step["name"], step["code"], step["value"]) == ("nummer", "phone_letters", None)
    assert row["steps"]["actions"]["fe2.sync"]["outcome"]["status"] == "rejected"
    assert "keins" in world("preview", "personal", "--key", "0042", as_json=False).out


def test_it_is_compared_with_what_was_last_sent(world: World) -> None:
    world.mapping()
    rows = people(5)
    world.settled(rows)
    before = world.fe2.writes
    assert of(world, "3")["steps"]["actions"]["fe2.sync"]["outcome"]["status"] == "unchanged"
    world.drop(changed(changed(rows, 3, zug="2"), 4, status="ausgetreten"))
    outcome = of(world, "3")["steps"]["actions"]["fe2.sync"]["outcome"]
    assert outcome["status"] == "updated"
    assert outcome["changes"] == {"alarmGroups": [["Alarm Zug 1"], ["Alarm Zug 2", "Alarm Nacht"]]}
    assert of(world, "4")["steps"]["actions"]["fe2.sync"]["outcome"]["status"] == "removed"
    said = world("preview", "personal", "--key", "3", as_json=False).out
    assert "alarmGroups: −Alarm Zug 1, +Alarm Zug 2, +Alarm Nacht" in said
    assert world.fe2.writes == before


def test_a_change_that_un_alarms_is_said_and_one_that_is_impossible_too(world: World) -> None:
    world.mapping()
    rows = people(5)
    world.settled(rows)
    world.drop(changed(rows, 3, zug="9"))
    outcome = of(world, "3")["steps"]["actions"]["fe2.sync"]["outcome"]
    assert (outcome["status"], outcome["loses"]) == ("updated", True)
    world.mapping(PERSONAL.replace('externalDbId: "{{ nr }}"', 'externalDbId: "X{{ nr }}"'))
    outcome = of(world, "2")["steps"]["actions"]["fe2.sync"]["outcome"]
    assert outcome["status"] == "rejected"
    assert "externalDbId" in outcome["reason"]


def test_joined_rows_are_traced_as_one_person(world: World) -> None:
    world.mapping(PERSONAL.replace("  key: nr\n", "  key: nr\n  group_by: nr\n"))
    world.drop([person(1), person(1, zug="2"), person(2), person(3, status="ausgetreten")])
    row = of(world, "1")
    assert row["steps"]["joined"] == 1
    assert row["steps"]["actions"]["fe2.sync"]["outcome"]["status"] == "created"
    assert of(world, "3")["steps"]["where"]["value"] is False


def test_a_key_that_is_not_there_gets_the_one_that_was_meant(world: World) -> None:
    world.mapping()
    world.drop([person("0042"), person("1007")])
    result = world("preview", "personal", "--key", "42")
    assert (result.code, result.json["rows"], result.codes) == (1, [], ["key_not_found"])
    problem = result.problem("key_not_found")
    assert "2 rows" in problem["message"]
    assert problem["hint"] == "Did you mean 0042?"
    assert "nr" in world("preview", "personal", "--key", "xyz").problem("key_not_found")["hint"]


def test_a_key_that_left_the_list_is_remembered(world: World) -> None:
    world.mapping()
    rows = people(5)
    world.settled(rows)
    world.drop(without(rows, 3))
    assert "left the list" in world("preview", "personal", "--key", "3").problem("key_not_found")["hint"]


@pytest.mark.parametrize("words", [("preview", "personal", "--key"), ("test", "personal", "--freeze")])
def test_a_name_instead_of_a_key_gives_the_keys_of_whoever_has_it(world: World, words: tuple[str, ...]) -> None:
    world.mapping()
    world.drop([*people(3), person(7, nachname="Müller", vorname="Jörg"), person(9, nachname="MÜLLER ")])
    hint = world(*words, "Müller").problem("key_not_found")["hint"]
    assert hint == "This stands in nachname of the rows with the keys 7, 9. The key is what stands in nr."
    hint = world(*words, "Jörg Müller").problem("key_not_found")["hint"]
    assert hint.startswith("This stands in vorname + nachname of the row with the key 7.")
    assert (
        world(*words, "Müller, Jörg").problem("key_not_found")["hint"].startswith("This stands in nachname + vorname")
    )


def test_of_many_with_a_name_only_some_are_named(world: World) -> None:
    world.mapping()
    world.drop(people(12, zug="Nord"))
    hint = world("preview", "personal", "--key", "nord").problem("key_not_found")["hint"]
    assert "of the rows with the keys 1, 2, 3, 4, 5 and 7 more." in hint


def test_who_was_looked_for_by_name_stands_nowhere_afterwards(world: World) -> None:
    world.mapping()
    world.settled([*people(3), person(7, nachname="Unverwechselbar")])
    before = world.state_bytes().count(b"Unverwechselbar")
    result = world("preview", "personal", "--key", "Unverwechselbar", as_json=False)
    assert "with the key 7" in result.out
    assert result.err == ""
    assert world.state_bytes().count(b"Unverwechselbar") == before
