"""What breaks no rule and is odd all the same is said before somebody is alarmed too much, or not at all."""

from __future__ import annotations

import pytest

from tests.world import PERSONAL, World, people, person

FOOTER = {"nr": "Summe", "vorname": "12 Mitglieder", "nachname": "", "status": "", "zug": "", "handy": "", "email": ""}


def test_a_row_with_the_sum_is_doubted_where_it_stands(world: World) -> None:
    world.mapping()
    problem = world.plan([*people(12), FOOTER]).problem("looks_like_footer")
    assert (problem["file"], problem["line"], problem["severity"]) == ("inbox/personal.csv", 14, "warning")
    assert "skip_footer: 1" in problem["hint"]


def test_a_row_with_the_sum_is_doubted_where_rows_are_joined(world: World) -> None:
    world.mapping(PERSONAL.replace("  key: nr\n", "  key: nr\n  group_by: nr\n"))
    assert "looks_like_footer" in world.plan([*people(12), FOOTER]).codes


@pytest.mark.parametrize(
    "row",
    [
        person("Summe"),
        person(13, nachname="Gesamt", vorname="Anna"),
        FOOTER | {"status": "ausgetreten"},
    ],
    ids=["with all cells", "a name", "left out"],
)
def test_a_row_of_a_person_is_not_doubted(world: World, row: dict[str, str]) -> None:
    world.mapping()
    assert "looks_like_footer" not in world.plan([*people(12), row]).codes


def test_a_sum_in_the_middle_of_a_list_is_not_looked_for(world: World) -> None:
    world.mapping()
    assert "looks_like_footer" not in world.plan([FOOTER, *people(12)]).codes


def test_persons_without_a_name_are_told_once_with_their_number_and_the_first_of_them(world: World) -> None:
    world.mapping()
    nameless = people(3, start=20, vorname="", nachname="")
    result = world.plan([*people(5), *nameless])
    assert result.codes.count("name_empty") == 1
    problem = result.problem("name_empty")
    assert problem["message"].endswith("(3 times)")
    assert problem["line"] == 7


def test_a_mapping_that_sends_no_names_is_not_told_that_they_are_missing(world: World) -> None:
    lines = [line for line in PERSONAL.splitlines() if "Name:" not in line]
    world.mapping("\n".join(lines))
    assert "name_empty" not in world.plan(people(5)).codes


def test_a_list_of_which_nobody_would_be_alarmed_is_told(world: World) -> None:
    world.mapping()
    result = world.plan(people(5, zug="7"))
    problem = result.problem("nobody_alarmed")
    assert (problem["path"], problem["line"]) == (["actions", 0, "fields", "alarmGroups"], 17)
    assert "5 persons" in problem["message"]


def test_one_who_is_alarmed_is_enough(world: World) -> None:
    world.mapping()
    assert "nobody_alarmed" not in world.plan([*people(5, zug="7"), person(6)]).codes


def test_whoever_writes_that_nobody_shall_be_alarmed_is_believed(world: World) -> None:
    world.mapping(alarmGroups="[]")
    assert "nobody_alarmed" not in world.plan(people(5)).codes


def test_what_was_only_guessed_is_said_by_every_run_until_the_marks_are_gone(world: World) -> None:
    text = PERSONAL.replace("  key: nr\n", "  key: nr  # TO CHECK: does it never change?\n")
    world.mapping(text)
    assert world.plan(people(5)).problem("marks_left")["line"] == 4
    assert world("check").problem("marks_left")["severity"] == "warning"
    assert world("check").json["ok"]
    world.mapping(text.replace("# TO CHECK: does", "# does"))
    assert "marks_left" not in world.plan(people(5)).codes
    assert world("check").codes == []


def test_an_alarm_group_that_fe2_has_not_is_told_before_any_list_is_there(world: World) -> None:
    world.configure(alarm_groups="[Alarm Zug 1, Alarm Zug 2]")
    world.mapping()
    problem = world("check").problem("unknown_alarm_group")
    assert problem["path"] == ["tables", "alarmgruppen", "2", 1]
    assert problem["severity"] == "warning"
    world.mapping(alarmGroups="[Alarm Zug1, Alarm Zug 2]")
    assert world("check").problem("unknown_alarm_group")["path"] == ["actions", 0, "fields", "alarmGroups", 0]
    assert "Alarm Zug 1" in world("check").problem("unknown_alarm_group")["hint"]


def test_a_table_that_only_leads_to_another_one_holds_no_alarm_groups(world: World) -> None:
    world.configure(alarm_groups="[Alarm Zug 1, Alarm Zug 2, Alarm Nacht]")
    text = PERSONAL.replace("tables:\n", 'tables:\n  zuege: {"eins": "1"}\n')
    world.mapping(text, alarmGroups="\"{{ zug | lookup('zuege') | lookup('alarmgruppen') }}\"")
    assert world("check").codes == []


def test_a_table_is_looked_into_by_way_of_a_variable(world: World) -> None:
    world.configure(alarm_groups="[Alarm Zug 1, Alarm Zug 2]")
    text = PERSONAL.replace("tables:\n", "variables:\n  gruppen: \"{{ zug | lookup('alarmgruppen') }}\"\ntables:\n")
    world.mapping(text, alarmGroups='"{{ gruppen }}"')
    assert world("check").codes == ["unknown_alarm_group"]


def test_numbers_of_the_landline_as_mobile_ones_are_told(world: World) -> None:
    world.mapping(mobil='"{{ handy | phone }}"')
    rows = [person(1, handy="0151 2000001"), person(2, handy="05151 23010"), person(3, handy="030 2312510")]
    problem = world.plan(rows).problem("mobile_is_landline")
    assert problem["message"].startswith("2 persons")
    assert problem["path"] == ["actions", 0, "fields", "mobil"]
    rows = [person(1, handy="0151 2000001"), person(2, handy=""), person(3, handy="+43 664 1234567")]
    assert "mobile_is_landline" not in world.plan(rows).codes
