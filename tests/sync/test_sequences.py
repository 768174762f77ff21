"""Sequences of runs, edits and mishaps after which nobody may be missing by accident."""

from __future__ import annotations

import pytest

from tests.world import CONTACTS, PERSONAL, World, changed, people, person, without

TEN = people(10)
IDS = {str(number) for number in range(1, 11)}
TWO_TRAINS = PERSONAL.replace("  - action: fe2.sync\n", "  - action: fe2.sync\n    where: \"{{ zug == '1' }}\"\n", 1)
TWO_TRAINS += PERSONAL[PERSONAL.index("  - action: fe2.sync") :].replace(
    "  - action: fe2.sync\n", "  - action: fe2.sync\n    where: \"{{ zug == '2' }}\"\n", 1
)


@pytest.fixture
def synced(world: World) -> World:
    """FE2 holds ten persons, and this installation knows it."""
    world.mapping()
    world.settled(TEN)
    return world


def test_a_released_mapping_is_removed_from_the_server_it_wrote_to(world: World) -> None:
    other = world.connect_fe2("fe2_b")
    world.mapping()
    world.mapping(name="auch", path="inbox/auch*.csv")
    world.mapping(name="b", path="inbox/b*.csv", connection="fe2_b")
    world.settled(TEN)
    world.settled(people(3, start=100), mapping="auch")
    world.settled(people(3, start=200), mapping="b")
    world.mapping(connection="fe2_b")
    world.settled(TEN)
    world.no_mapping("personal")
    released = world("release", "personal")
    assert world.approve(released.plan).status == "done"
    assert world.ids == {"100", "101", "102"}
    assert set(other.persons) == {"200", "201", "202"}


def test_another_access_key_is_another_organisation(synced: World) -> None:
    held = synced.run(people(4, start=5))
    synced.fe2.access_key = "another-organisation-0815"
    secrets = synced.root / "mappings" / "secrets.yaml"
    secrets.write_text(
        secrets.read_text("utf-8").replace("key: geheimer-schluessel-4711", f"key: {synced.fe2.access_key}")
    )
    assert synced.approve(held.plan).codes == ["plan_stale"]
    assert synced.run(changed(TEN, 1, vorname="Neu")).codes == ["first_sync"]
    assert synced.ids == IDS


def test_somebody_in_the_list_is_not_removed_because_their_row_is_rejected_under_another_key(world: World) -> None:
    world.mapping(PERSONAL.replace("  key: nr", "  key: lfd"))
    headings = ("lfd", "nr", "vorname", "nachname", "status", "zug", "handy", "email")
    rows = [{"lfd": str(n), **person(100 + n)} for n in range(1, 31)]
    world.drop(rows, headings=headings)
    held = world.run()
    assert world.approve(held.plan).status == "done"
    left = [row for row in rows if row["nr"] != "128"]
    world.drop([row | {"lfd": str(n)} for n, row in enumerate(left, 1)], headings=headings)
    result = world.run()
    assert result.counts().get("removed", 0) == 0
    assert world.ids == {str(100 + n) for n in range(1, 31)}


def test_moving_between_two_actions_loses_nobody(world: World) -> None:
    world.mapping(TWO_TRAINS)
    rows = [person(n, zug="1" if n % 2 else "2") for n in range(1, 11)]
    world.settled(rows)
    moved = changed(rows, 5, zug="2")
    first = world.run(moved)
    assert (first.status, world.ids) == ("partial", IDS)
    assert world.run(moved).status == "done"
    assert world.ids == IDS
    assert world.at_fe2(5)["alarmGroups"] == ["Alarm Zug 2", "Alarm Nacht"]
    assert world.run(moved).status == "unchanged"


def test_of_two_files_with_one_id_neither_runs(synced: World) -> None:
    copy = synced.root / "mappings" / "alt"
    copy.mkdir()
    (copy / "personal.yaml").write_text(PERSONAL, "utf-8")
    result = synced.run(without(TEN, 1))
    assert (result.status, result.codes) == ("refused", ["duplicate_id"])
    assert synced.ids == IDS


def test_a_plan_that_is_only_looked_at_claims_nothing(synced: World) -> None:
    synced.mapping(name="jugend", path="inbox/jugend*.csv")
    synced.plan([person(3)], mapping="jugend")
    assert synced.run(changed(TEN, 3, vorname="Neu")).status == "done"


def test_a_plan_says_that_rows_are_rejected(synced: World) -> None:
    planned = synced.plan(changed(TEN, 1, email="kaputt"))
    assert (planned.status, planned.code) == ("partial", 4)


def test_approving_what_nothing_holds_still_looks_at_the_file(synced: World) -> None:
    planned = synced.plan(without(TEN, 4))
    synced.drop(TEN)
    assert synced.approve(planned.plan).codes == ["plan_stale"]
    assert synced.ids == IDS


def test_a_plan_that_does_more_gets_another_number(synced: World) -> None:
    held = synced.run(without(TEN, 1, 2, 3, 4))
    planned = synced.plan(changed(without(TEN, 1, 2, 3, 4), 5, vorname="Neu"))
    assert planned.plan != held.plan
    assert synced.approve(held.plan).codes == ["plan_not_open"]


def test_one_bad_row_of_a_group_does_not_take_half_of_a_person_out_of_the_alarm(world: World) -> None:
    grouped = PERSONAL.replace("  key: nr", "  key: nr\n  group_by: nr").replace(
        "\"{{ zug | lookup('alarmgruppen', []) }}\"", "\"{{ rows | map(attribute='zug') | list }}\""
    )
    world.mapping(grouped)
    rows = [row for n in range(1, 11) for row in (person(n, zug="A"), person(n, zug="B"))]
    world.settled(rows)
    lines = (world.root / "inbox" / "personal.csv").read_text("utf-8").splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("5") and "B" in line.split(line[1])[4])
    lines[place] = lines[place].rsplit(lines[place][1], 1)[0]
    world.drop_text("\n".join(lines) + "\n")
    result = world.run()
    assert result.status == "partial"
    assert world.at_fe2(5)["alarmGroups"] == ["A", "B"]


def test_two_connections_to_one_organisation_are_a_mistake(world: World) -> None:
    world.configure("fe2_again", **world.settings["fe2"])
    world.mapping()
    assert "same_organisation" in [problem["code"] for problem in world("check").json["problems"]]


def test_a_renamed_connection_waits_and_names_whom_it_would_remove(synced: World) -> None:
    settings = synced.settings.pop("fe2")
    synced.configure("fe2_neu", **(settings | {"first_sync": "go"}))
    synced.mapping(connection="fe2_neu")
    result = synced.run(without(TEN, 1))
    assert result.codes == ["first_sync"]
    assert "10" in result.problem("first_sync")["message"]
    assert synced.ids == IDS


def test_somebody_handed_over_whom_nobody_takes_is_named_and_can_be_released(synced: World) -> None:
    synced.mapping(name="jugend", path="inbox/jugend*.csv")
    synced.settled(people(5, start=100), mapping="jugend")
    synced.run([*people(5, start=100), person(3)], mapping="jugend")
    assert synced.run(without(TEN, 3)).status == "unchanged"
    lonely = synced.run(without(TEN, 3)).problem("nobody_looks_after")
    assert "abgleich release +handed-over" in lonely["hint"]
    released = synced("release", "+handed-over")
    assert (released.status, "3" in synced.ids) == ("held", True)
    assert synced.approve(released.plan).status == "done"
    assert "3" not in synced.ids
    assert len(synced.ids) == 14


def test_a_connection_that_becomes_another_kind_of_system_begins_anew(world: World) -> None:
    server = world.connect_greyhound("zentrale")
    world.mapping(CONTACTS, connection="zentrale")
    world.drop(people(3), "contacts.csv")
    assert world("run", "personal").status == "done"
    assert len(server.contacts) == 3
    world.configure("zentrale", type="fe2", url=world.fe2.url, access_key="!secret key")
    del world.settings["zentrale"]["username"], world.settings["zentrale"]["password"], world.settings["fe2"]
    world.configure("zentrale")
    world.mapping(connection="zentrale")
    result = world.run(people(2))
    assert result.status == "held"
    assert world.approve(result.plan).status == "done"
    assert world.ids == {"1", "2"}


def test_the_pager_mode_can_not_change_under_another_key_either(world: World) -> None:
    text = PERSONAL.replace('aPagerPro: "{{ email }}"', 'aPagerProFieldMode: "{{ status }}"')
    text = text.replace("    where: \"{{ status != 'ausgetreten' }}\"\n", "").replace(
        'externalDbId: "{{ nr }}"', 'externalDbId: "{{ handy }}"'
    )
    world.mapping(text)
    rows = [person(number, handy=f"id{number}", status="LEGACY") for number in range(1, 6)]
    world.settled(rows)
    result = world.run([*rows[:4], person(50, handy="id5", status="TOKEN")])
    assert result.status == "partial"
    assert result.rejection("50")["code"] == "pager_mode_changed"
    assert world.at_fe2("id5")["aPagerProFieldMode"] == "LEGACY"


@pytest.mark.parametrize("command", ["run", "plan"])
def test_what_an_old_fe2_does_not_get_is_said_in_every_run(world: World, command: str) -> None:
    world.fe2.version = "2.28"
    world.configure(fe2_version="2.28", first_sync="go")
    world.mapping(PERSONAL.replace('mobil: "{{ handy }}"', "aPagerProFieldMode: LEGACY"))
    world.drop(people(2))
    result = world(command, "personal")
    assert result.code == 0
    assert "aPagerProFieldMode" in result.problem("fe2_version_lacks")["message"]
