"""`test` and `preview`: what they say, and that they touch nothing."""

from __future__ import annotations

from tests.world import PERSONAL, World, people, person

TESTED = (
    PERSONAL
    + """\
tests:
  - name: aktives Mitglied
    row: {nr: 00042, vorname: Max, status: aktiv, zug: "1", email: max@example.org}
    expect:
      fe2.sync: {externalDbId: 00042, alarmGroups: [Alarm Zug 1], mobil: ""}
  - name: ausgetreten
    row: {nr: 7, status: ausgetreten}
    expect: {fe2.sync: null}
"""
)


def test_the_tests_of_a_mapping_run_without_network_and_list(world: World) -> None:
    world.configure(id_prefix='"MS-"')
    world.mapping(TESTED)
    result = world("test")
    assert (result.code, result.json["ok"], result.json["passed"], result.json["failed"]) == (0, True, 2, 0)
    assert world.fe2.requests == []


def test_a_failing_test_names_field_expectation_and_result(world: World) -> None:
    world.mapping(TESTED.replace("[Alarm Zug 1], mobil", "[Alarm Zug 9], mobil"))
    result = world("test", "personal")
    assert (result.code, result.json["ok"]) == (1, False)
    difference = result.json["tests"][0]["differences"][0]
    assert (difference["field"], difference["expected"], difference["got"]) == (
        "alarmGroups",
        ["Alarm Zug 9"],
        ["Alarm Zug 1"],
    )


def test_a_test_without_columns_may_speak_of_headings_and_leave_some_out(world: World) -> None:
    world.mapping(
        TESTED.replace('"{{ email }}"', '"{{ E_Mail_privat }}"').replace("email: max@", "E-Mail privat: max@")
    )
    assert world("test").code == 0


def test_a_broken_mapping_does_not_hide_the_tests_of_the_others(world: World) -> None:
    world.mapping(TESTED)
    world.mapping("nonsense: 1\n" + PERSONAL, name="kaputt")
    result = world("test")
    assert (result.code, result.json["ok"], result.json["passed"]) == (1, False, 2)
    assert result.json["problems"][0]["file"] == "mappings/kaputt.yaml"


def test_a_preview_shows_each_row_and_touches_nothing(world: World) -> None:
    world.mapping()
    world.drop([*people(2), person(3, status="ausgetreten"), person(4, email="kaputt"), person(2)])
    result = world("preview", "personal")
    rows = result.json["rows"]
    assert [row["selected"] for row in rows] == [True, True, False, True, True]
    assert rows[0]["actions"]["fe2.sync"]["externalDbId"] == "1"
    assert rows[2]["actions"]["fe2.sync"] is None
    assert [problem["code"] for problem in rows[3]["problems"]] == ["pager_address"]
    assert [problem["code"] for problem in rows[4]["problems"]] == ["double_key"]
    assert [row["key"] for row in world("preview", "personal", "--key", "4").json["rows"]] == ["4"]
    assert len(world("preview", "personal", "--limit", "2").json["rows"]) == 2
    assert world.fe2.requests == []
    assert not (world.root / ".abgleich").exists()


def test_text_goes_to_the_output_and_nothing_but_json_where_json_is_asked_for(world: World) -> None:
    world.mapping()
    world.drop(people(3))
    for words in (["run", "personal"], ["runs"], ["plan", "personal"], ["show", "P1"], ["approve", "P1"]):
        assert world(*words).json
    assert "unchanged" in world("run", "personal", as_json=False).out


def test_forget_takes_a_mappings_file_too(world: World) -> None:
    world.mapping()
    world.settled(people(5))
    assert world("forget", str(world.root / "mappings" / "personal.yaml"), "1").status == "done"
    assert world.ids == {"2", "3", "4", "5"}


def test_runs_says_how_many_more_there_are(world: World) -> None:
    world.mapping()
    world.settled(people(3))
    world.run()
    first = world("runs", "--limit", "1", as_json=False).out
    assert "… and 2 older runs: abgleich runs --limit 3" in first
    assert world("runs", "--limit", "1").json["more"] == 2
    assert "older" not in world("runs", "--limit", "3", as_json=False).out
    assert [entry["run"][-1] for entry in world("runs", "mappings/personal.yaml").json["runs"]] == ["3", "2", "1"]


def test_runs_of_a_deleted_mapping_are_still_shown(world: World) -> None:
    world.mapping()
    world.run(people(3))
    world.no_mapping("personal")
    assert len(world("runs", "personal").json["runs"]) == 1


def test_a_mapping_without_tests_is_shown_the_way_to_one(world: World) -> None:
    world.mapping()
    result = world("test", as_json=False)
    assert result.code == 0
    assert "personal has no tests." in result.out
    assert "abgleich test personal --freeze KEY" in result.out
    world.mapping(TESTED)
    assert "has no tests" not in world("test", as_json=False).out


def test_one_row_is_no_rows(world: World) -> None:
    world.mapping()
    world.drop(people(1))
    assert "1 row, 1 takes part, 0 rejected. Nothing was sent." in world("preview", "personal", as_json=False).out
    assert "inbox/personal.csv: 1 row, 1 takes part, 0 rejected" in world("run", "personal", as_json=False).out
    world.drop(people(2))
    assert "2 rows, 2 take part, 0 rejected." in world("preview", "personal", as_json=False).out


def test_a_preview_that_was_cut_says_so(world: World) -> None:
    world.mapping()
    world.drop(people(3))
    assert "Only the first 2 rows: --limit 2" in world("preview", "personal", "--limit", "2", as_json=False).out
    assert "Only the first" not in world("preview", "personal", "--limit", "4", as_json=False).out
