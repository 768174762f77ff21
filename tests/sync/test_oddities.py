"""What breaks no rule and is odd all the same is said before somebody is alarmed too much, or not at all."""

from __future__ import annotations

import pytest

from tests.source import lists
from tests.world import HEADINGS, PERSONAL, World, people, person

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


def test_a_list_of_landline_numbers_as_mobile_ones_is_told(world: World) -> None:
    world.mapping(mobil='"{{ handy | phone }}"')
    landline = [person(number, handy=f"05151 2301{number}") for number in range(1, 7)]
    mobile = [person(number, handy=f"0151 20000{number}") for number in range(10, 20)]
    problem = world.plan([*landline, *mobile[:5]]).problem("mobile_is_landline")
    assert problem["message"].startswith("6 persons")
    assert problem["path"] == ["actions", 0, "fields", "mobil"]
    for rows in ([*landline, *mobile], landline[:4], [person(n, handy="+43 664 1234567") for n in range(9)]):
        assert "mobile_is_landline" not in world.plan(rows).codes


# --- the headings again, as page breaks of an export bring them -------------------------------------------------------

AGAIN = {name: name for name in HEADINGS}


def test_the_headings_again_are_no_person(world: World) -> None:
    world.configure(first_sync="go")
    world.mapping()
    result = world.run([*people(12), AGAIN, *people(12, start=20)])
    (entry,) = result.json["rejected"]
    assert (entry["code"], entry["key"], entry["line"]) == ("repeated_headings", None, 14)
    assert result.status == "partial"
    assert len(world.ids) == 24


def test_they_could_not_be_anybody_so_removals_go_on(world: World) -> None:
    world.configure(first_sync="go")
    world.mapping()
    world.settled(people(24))
    result = world.run([*people(12), AGAIN, *people(11, start=13)])
    assert result.counts()["removed"] == 1
    assert "24" not in world.ids


def test_headings_that_where_leaves_out_are_not_rejected(world: World) -> None:
    world.configure(first_sync="go")
    for where in ("{{ status == 'aktiv' }}", "{{ row['Status'] == 'aktiv' }}"):
        world.mapping(PERSONAL, where=f'"{where}"')
        result = world.run([*people(12), AGAIN, *people(12, start=20)])
        assert (result.json["rejected"], result.status) in (([], "done"), ([], "unchanged"))


@pytest.mark.parametrize("columns", ["", "\n  columns: {nr: Nr, vorname: VORNAME, nachname: Nachname, status: Status}"])
def test_headings_may_be_cut_or_written_a_little_otherwise(world: World, columns: str) -> None:
    world.mapping(
        f"source:\n  path: inbox/personal.csv\n  key: nr{columns}\nactions:\n  - action: fe2.sync\n"
        '    connection: fe2\n    fields: {externalDbId: "{{ nr }}", lastName: "{{ nachname }}", alarmGroups: []}\n'
    )
    again = AGAIN | {"email": "", "handy": "", "nachname": " Nachname\u00a0"}
    assert [p["code"] for p in rejected(world, [*people(3), again, *people(3, start=4)])] == ["repeated_headings"]


def rejected(world: World, rows: list[dict[str, str]]) -> list[dict[str, str]]:
    world.drop(rows)
    return [problem for row in world("preview", "personal").json["rows"] for problem in row["problems"]]


@pytest.mark.parametrize("row", [person("nr"), AGAIN | {"vorname": "Anna"}, AGAIN | {"nr": "77"}])
def test_a_person_with_a_name_like_a_heading_is_a_person(world: World, row: dict[str, str]) -> None:
    world.mapping()
    assert "repeated_headings" not in [problem["code"] for problem in rejected(world, [*people(3), row])]


def test_the_headings_of_a_workbook_again_are_told_with_their_row(world: World) -> None:
    world.mapping(path="inbox/*.xlsx")
    rows = [tuple(row.values()) for row in (AGAIN, *people(3), AGAIN, *people(3, start=4))]
    lists.write_xlsx(world.root / "inbox" / "P.xlsx", {"Aktive": rows})
    (row,) = (row for row in world("preview", "personal").json["rows"] if row["problems"])
    assert (row["place"], row["problems"][0]["code"]) == ("P.xlsx, sheet Aktive, row 5", "repeated_headings")


def test_the_headings_again_are_found_where_rows_are_joined(world: World) -> None:
    world.mapping(PERSONAL.replace("  key: nr\n", "  key: nr\n  group_by: nr\n"))
    assert [p["code"] for p in rejected(world, [*people(3), AGAIN, *people(3)])] == ["repeated_headings"]


WITH_FOOTER = PERSONAL.replace("  key: nr\n", "  key: nr\n  skip_footer: 1\n")


@pytest.mark.parametrize("group_by", ["", "  group_by: nr\n"], ids=["row by row", "joined"])
def test_a_person_where_the_footer_was_stays_and_is_told(world: World, group_by: str) -> None:
    world.mapping(WITH_FOOTER.replace("  key: nr\n", f"  key: nr\n{group_by}"))
    world.settled([*people(12), FOOTER])
    result = world.run(people(12))
    assert result.status == "partial"
    assert world.ids == {str(number) for number in range(1, 13)}
    rejection = result.rejection("12")
    assert (rejection["code"], rejection["row"], rejection["line"]) == ("footer_is_a_person", 12, 13)
    assert "skip_footer" in rejection["hint"]
    counts = result.json["source"]
    assert (counts["rows"], counts["selected"], counts["rejected"]) == (12, 11, 1)


def test_nobody_is_removed_while_an_unknown_person_stands_where_the_footer_was(world: World) -> None:
    world.mapping(WITH_FOOTER)
    world.settled([*people(12), FOOTER])
    result = world.run(people(12, start=2))
    assert result.rejection("13")["code"] == "footer_is_a_person"
    assert "1" in world.ids


@pytest.mark.parametrize(
    "footer",
    [
        "Summe;54;;;;;",
        "Stand: 01.01.2026",
        "Ende der Liste",
        "Summe;54;aktiv: 30;passiv: 24;;;",
        "54;;;;;;",
        "Anzahl: 54;Stand: 01.01.2026;Seite 1;1;;;",
        ";Druck;01.01.2026;Meier;;;",
        "1;Seite 1 von 1;Stand 2026;;;;",
    ],
)
def test_a_real_footer_is_left_out_in_silence(world: World, footer: str) -> None:
    world.mapping(WITH_FOOTER)
    file = world.drop(people(12))
    world.drop_text(f"{file.read_text('utf-8')}{footer}\n")
    result = world.plan()
    assert result.json["rejected"] == []
    assert (result.json["source"]["rows"], result.json["source"]["selected"]) == (12, 12)


def test_a_person_with_the_name_ende_is_no_footer(world: World) -> None:
    world.mapping(WITH_FOOTER)
    rows = [*people(11), person(12, nachname="Ende")]
    assert world.plan(rows).rejection("12")["code"] == "footer_is_a_person"
