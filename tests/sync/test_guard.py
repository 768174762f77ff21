"""The guard (dsl.md §6), each rule with what FE2 holds afterwards."""

from __future__ import annotations

import pytest

from engine.simulator import Fe2Simulator
from tests.world import ACCESS_KEY, PERSONAL, World, changed, people, person, without

TWENTY = people(20)
IDS = {str(number) for number in range(1, 21)}


@pytest.fixture
def synced(world: World) -> World:
    """FE2 holds twenty persons, and this installation knows it."""
    world.mapping()
    world.settled(TWENTY)
    return world


# -- the first sync ---------------------------------------------------------------------------------------------------


def test_the_first_sync_waits_because_fe2_would_remove_whoever_else_is_there(world: World) -> None:
    world.mapping()
    result = world.run(TWENTY)
    assert (result.code, result.status, result.counts()) == (3, "held", {"held": 20})
    assert "earlier program" in result.problem("first_sync")["message"]
    assert world.fe2.writes == 0
    approved = world.approve(result.plan)
    assert (approved.code, approved.status, approved.counts()) == (0, "done", {"created": 20})
    assert world.ids == IDS


def test_the_first_sync_names_every_enabled_mapping_that_was_never_sent_from_here(world: World) -> None:
    world.mapping()
    world.mapping(name="jugend", path="inbox/jugend*.csv")
    world.mapping("enabled: false\n" + PERSONAL, name="alt")
    message = world.run(TWENTY).problem("first_sync")["message"]
    assert "jugend" in message
    assert "alt" not in message
    assert "personal" not in message


def test_two_actions_on_one_connection_give_one_reason_for_the_first_sync(world: World) -> None:
    action = PERSONAL[PERSONAL.index("  - action") :].replace('"{{ nr }}"', '"J{{ nr }}"')
    world.mapping(PERSONAL + action)
    assert world.run(TWENTY).codes.count("first_sync") == 1


def test_first_sync_go_sends_at_once(world: World) -> None:
    world.configure(first_sync="go")
    world.mapping()
    result = world.run(TWENTY)
    assert (result.code, result.status) == (0, "done")
    assert world.ids == IDS


def test_only_the_first_sync_waits_not_the_first_of_every_mapping(synced: World) -> None:
    synced.mapping(name="jugend", path="inbox/jugend*.csv")
    result = synced.run(people(3, start=100), mapping="jugend")
    assert result.status == "done"
    assert synced.ids == IDS | {"100", "101", "102"}


def test_a_lost_state_makes_it_the_first_sync_again(synced: World) -> None:
    synced.lose_the_state()
    result = synced.run(without(TWENTY, 1))
    assert result.status == "held"
    result.problem("first_sync")
    assert synced.ids == IDS


def test_another_server_under_the_same_name_is_a_first_sync_again(synced: World) -> None:
    with Fe2Simulator(access_key=ACCESS_KEY) as other:
        synced.configure(url=other.url)
        result = synced.run(without(TWENTY, 1))
        assert result.status == "held"
        result.problem("first_sync")
        assert other.writes == 0
        assert synced.approve(result.plan).status == "done"
        assert set(other.persons) == IDS - {"1"}


# -- the file ---------------------------------------------------------------------------------------------------------


def test_a_file_with_a_third_fewer_rows_waits(synced: World) -> None:
    result = synced.run(without(TWENTY, *range(1, 8)))
    assert (result.code, result.status) == (3, "held")
    assert result.problem("shrunk")["message"] == "The file has 13 rows, the last good one had 20: more than 30% fewer."
    assert synced.ids == IDS
    assert len(synced.fe2.syncs) == 1


def test_thirty_percent_fewer_is_the_border(synced: World) -> None:
    result = synced.run(without(TWENTY, *range(1, 7)))
    assert "shrunk" not in result.codes
    result.problem("too_many_removals")
    assert synced.ids == IDS


def test_a_shrunk_file_waits_even_where_nobody_would_go(world: World) -> None:
    """Half of the rows never took part; their absence says all the same that the file is not whole."""
    world.mapping()
    world.settled(TWENTY + people(20, start=50, status="ausgetreten"))
    result = world.run(TWENTY)
    assert (result.status, result.counts()) == ("held", {"unchanged": 20})
    assert world.approve(result.plan).status == "unchanged"
    assert world.run().status == "unchanged"


def test_a_list_cut_at_ninety_percent_costs_nobody(world: World) -> None:
    world.mapping()
    world.settled(people(100))
    lines = world.drop(people(100)).read_text("utf-8").splitlines(keepends=True)
    world.drop_text("".join(lines[:89]))
    result = world.run()
    assert (result.code, result.status) == (3, "held")
    assert result.counts() == {"unchanged": 88, "held": 12}
    assert len(world.ids) == 100


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nr;vorname;nachname;status;zug;handy;email\n",
        "nr;vorname;nachname;status;zug;handy;email\n1;A;B;aktiv;1;;a@example.org\n2;C",
        'nr;vorname;nachname;status;zug;handy;email\n1;A;B;aktiv;1;;a@example.org\n2;"C',
    ],
    ids=["zero bytes", "only a header", "cut within a row", "cut within a quoted cell"],
)
def test_a_broken_file_is_refused_and_nobody_is_removed(synced: World, text: str) -> None:
    synced.drop_text(text)
    result = synced.run()
    assert (result.code, result.status, result.json["plan"]) == (1, "refused", None)
    assert result.json["problems"][0]["hint"]
    assert synced.ids == IDS
    assert len(synced.fe2.syncs) == 1


def test_not_even_full_sends_an_empty_list(synced: World) -> None:
    synced.drop_text("nr;vorname;nachname;status;zug;handy;email\n")
    assert synced.run(None, "--full").status == "refused"
    assert synced.run(people(20, status="ausgetreten"), "--full").status == "refused"
    assert synced.ids == IDS
    assert len(synced.fe2.syncs) == 1


def test_too_few_rows_are_refused(synced: World) -> None:
    synced.mapping(PERSONAL.replace("  key: nr", "  key: nr\n  expect: {min_rows: 20}"))
    result = synced.run(without(TWENTY, 1))
    assert (result.code, result.status) == (1, "refused")
    assert "19 rows; at least 20" in result.problem("min_rows")["message"]
    assert synced.ids == IDS


def test_a_missing_column_is_refused_with_the_nearest_heading(synced: World) -> None:
    columns = "  key: nr\n  columns: {" + ", ".join(f"{name}: {name}" for name in TWENTY[0]) + "}"
    synced.mapping(PERSONAL.replace("  key: nr", columns))
    synced.drop([{("E-Mail" if name == "email" else name): row[name] for name in row} for row in TWENTY])
    result = synced.run()
    assert (result.code, result.status) == (1, "refused")
    assert "E-Mail" in result.problem("missing_heading")["hint"]
    assert synced.ids == IDS


def test_a_list_in_which_nobody_takes_part_is_refused(synced: World) -> None:
    result = synced.run(people(20, status="ausgetreten"))
    assert (result.code, result.status) == (1, "refused")
    assert result.problem("none_selected")["path"] == ["source", "where"]
    assert synced.ids == IDS


def test_a_list_in_which_nobody_takes_part_in_an_action_is_refused(synced: World) -> None:
    synced.mapping(PERSONAL.replace("    connection: fe2\n", "    connection: fe2\n    where: \"{{ zug == '3' }}\"\n"))
    result = synced.run()
    assert result.status == "refused"
    assert result.problem("none_selected")["path"] == ["actions", 0, "where"]
    assert synced.ids == IDS


@pytest.mark.parametrize("removal", ["sync", "delete"])
def test_the_last_people_of_a_connection_never_go_by_themselves(world: World, removal: str) -> None:
    """Two is within the limit, but then nobody would be left."""
    world.mapping(PERSONAL + f"    removal: {removal}\n")
    world.settled([person(1), person(2)])
    result = world.run([person(3, email="kaputt"), person(4, email="kaputt")])
    assert (result.code, result.status, result.codes) == (1, "refused", ["nobody_left"])
    assert world.ids == {"1", "2"}
    assert world.run([person(1), person(2)]).status == "unchanged"


# -- rejected rows ----------------------------------------------------------------------------------------------------


def test_too_many_rejected_rows_hold_everything(synced: World) -> None:
    rows = changed(TWENTY, 20, vorname="Neu")
    for number in (1, 2, 3, 4):
        rows = changed(rows, number, email="kaputt")
    result = synced.run(rows)
    assert (result.code, result.status) == (3, "held")
    assert "4 rows are rejected, 3 or 10% are allowed" in result.problem("too_many_rejected")["message"]
    assert result.counts() == {"unchanged": 15, "rejected": 4, "held": 1}
    assert synced.at_fe2(20)["firstName"] == "Vorname20"
    assert synced.ids == IDS


def test_too_many_rejected_rows_hold_also_where_nothing_else_changes(synced: World) -> None:
    rows = [row | {"email": "kaputt"} for row in TWENTY]
    result = synced.run(rows)
    assert (result.code, result.status) == (3, "held")
    assert synced.ids == IDS
    assert len(synced.fe2.syncs) == 1


def test_as_many_rejected_rows_as_allowed_are_only_reported(synced: World) -> None:
    rows = changed(TWENTY, 20, vorname="Neu")
    for number in (1, 2, 3):
        rows = changed(rows, number, email="kaputt")
    result = synced.run(rows)
    assert (result.code, result.status) == (4, "partial")
    assert synced.at_fe2(20)["firstName"] == "Neu"
    assert synced.ids == IDS


# -- changes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("updates", "status"), [(5, "done"), (6, "held")])
def test_max_changes_holds_everything_where_it_is_given(synced: World, updates: int, status: str) -> None:
    synced.mapping(PERSONAL + "    guard: {max_changes: 2 or 25%}\n")
    rows = [row | {"vorname": "Neu"} if int(row["nr"]) <= updates else row for row in TWENTY]
    result = synced.run(rows)
    assert result.status == status
    assert (synced.at_fe2(1)["firstName"] == "Neu") == (status == "done")
    if status == "held":
        result.problem("too_many_changes")
        assert synced.approve(result.plan).counts() == {"updated": 6, "unchanged": 14}
        assert synced.at_fe2(6)["firstName"] == "Neu"


def test_without_max_changes_everybody_may_change(synced: World) -> None:
    assert synced.run([row | {"vorname": "Neu"} for row in TWENTY]).status == "done"


def test_keys_whose_zeros_a_spreadsheet_has_eaten_hold_everything(world: World) -> None:
    world.mapping()
    padded = [person(f"{number:05}") for number in range(1, 21)]
    world.settled(padded)
    result = world.run([row | {"nr": row["nr"].lstrip("0")} for row in padded])
    assert (result.code, result.status) == (3, "held")
    assert "leading zeros" in result.problem("keys_changed")["hint"]
    assert result.counts() == {"held": 40}
    assert world.ids == {row["nr"] for row in padded}
    assert len(world.fe2.syncs) == 1


# -- removals ---------------------------------------------------------------------------------------------------------


def test_too_many_removals_wait_while_everything_else_goes_out(synced: World) -> None:
    rows = [*changed(without(TWENTY, 1, 2, 3, 4), 20, vorname="Neu"), person(21)]
    result = synced.run(rows)
    assert (result.code, result.status) == (3, "held")
    assert result.counts() == {"created": 1, "updated": 1, "unchanged": 15, "held": 4}
    assert result.problem("too_many_removals")["hint"] == "They stay as last sent. If it is right, approve the plan."
    assert synced.ids == IDS | {"21"}
    assert synced.at_fe2(20)["firstName"] == "Neu"
    assert synced.at_fe2(1)["firstName"] == "Vorname1"

    approved = synced.approve(result.plan)
    assert (approved.code, approved.status) == (0, "done")
    assert {change["key"] for change in approved.action()["changes"]} == {"1", "2", "3", "4"}
    assert approved.action()["removed"] == 4
    assert synced.ids == (IDS | {"21"}) - {"1", "2", "3", "4"}


@pytest.mark.parametrize(
    ("people_before", "limit", "goes", "stays"),
    [(20, "3 or 10%", 3, 4), (50, "3 or 10%", 5, 6), (55, "3 or 10%", 5, 6), (20, "2", 2, 3), (40, "5%", 2, 3),
     (20, "0", 0, 1)],
)  # fmt: skip
def test_a_limit_is_exact(world: World, people_before: int, limit: str, goes: int, stays: int) -> None:
    world.mapping(PERSONAL + f"    guard: {{max_removals: {limit}}}\n")
    rows = people(people_before)
    world.settled(rows)
    assert world.plan(rows[stays:]).counts()["held"] == stays
    result = world.run(rows[goes:])
    assert result.status == ("done" if goes else "unchanged")
    assert len(world.ids) == people_before - goes


def test_a_table_that_no_longer_matches_alarms_everybody_as_before(synced: World) -> None:
    rows = changed([row | {"zug": "Zug 1", "vorname": "Neu"} for row in TWENTY], 20, zug="2")
    result = synced.run(rows)
    assert (result.code, result.status) == (3, "held")
    assert result.counts() == {"updated": 1, "held": 19}
    message = result.problem("too_many_removals")["message"]
    assert "19 would lose all alarm groups or their aPager address" in message
    assert synced.at_fe2(1)["alarmGroups"] == ["Alarm Zug 1"]
    assert synced.at_fe2(1)["firstName"] == "Vorname1"
    assert synced.at_fe2(20)["alarmGroups"] == ["Alarm Zug 2", "Alarm Nacht"]
    assert synced.approve(result.plan).action()["updated"] == 19
    assert synced.at_fe2(1)["alarmGroups"] == []


def test_a_value_that_is_in_no_table_rejects_and_changes_nobody(synced: World) -> None:
    synced.mapping(PERSONAL.replace("('alarmgruppen', [])", "('alarmgruppen')"))
    result = synced.run([row | {"zug": "Zug 1"} for row in TWENTY])
    assert result.status == "held"
    assert "“Zug 1” is not in the table alarmgruppen (20 times)" in result.problem("not_in_table")["message"]
    assert synced.at_fe2(1)["alarmGroups"] == ["Alarm Zug 1"]


def test_pager_addresses_that_vanish_count_as_removals(synced: World) -> None:
    result = synced.run([row | {"email": ""} for row in TWENTY])
    assert result.status == "held"
    assert result.counts() == {"held": 20}
    assert synced.at_fe2(1)["aPagerPro"] == "p1@example.org"


def test_a_few_who_lose_their_groups_are_within_the_limit(synced: World) -> None:
    result = synced.run(changed(TWENTY, 1, zug=""))
    assert result.status == "done"
    assert synced.at_fe2(1)["alarmGroups"] == []


def test_removals_and_losses_count_together(synced: World) -> None:
    rows = without(TWENTY, 1, 2)
    rows = changed(changed(rows, 3, zug=""), 4, zug="")
    result = synced.run(rows)
    assert (result.status, result.counts()) == ("held", {"unchanged": 16, "held": 4})
    assert synced.ids == IDS
    assert synced.at_fe2(3)["alarmGroups"] == ["Alarm Zug 1"]


def test_a_row_without_a_key_could_be_anybody_so_nobody_is_removed(synced: World) -> None:
    rows = changed(without(TWENTY, 1), 20, vorname="Neu")
    result = synced.run([*rows, person("", vorname="Vorname1")])
    assert (result.code, result.status) == (3, "held")
    assert result.counts() == {"updated": 1, "unchanged": 18, "rejected": 1, "held": 1}
    result.problem("rows_without_key")
    assert synced.ids == IDS
    assert synced.at_fe2(20)["firstName"] == "Neu"
    assert synced.run([*without(TWENTY, 1), person(21)]).status == "done"
    assert synced.ids == (IDS - {"1"}) | {"21"}


def test_nobody_can_approve_removals_while_a_row_could_be_anybody(synced: World) -> None:
    held = synced.run([*without(TWENTY, 1, 2), person("", vorname="Vorname1")])
    assert "abgleich approve" not in synced("show", held.json["run"], as_json=False).out
    refused = synced.approve(held.plan)
    assert (refused.code, refused.status) == (1, "refused")
    refused.problem("rows_without_key")
    assert synced.ids == IDS
    mended = synced.run([*without(TWENTY, 1, 2), person("1")])
    assert (mended.status, synced.ids) == ("done", IDS - {"2"})


def test_an_approval_lets_everything_go_but_removals_while_a_row_could_be_anybody(synced: World) -> None:
    held = synced.run([*without(TWENTY, 1, 2, 3, 4), *people(4, start=31), person("")])
    assert held.status == "held"
    held.problem("keys_changed")
    approved = synced.approve(held.plan)
    assert approved.status == "held"
    assert synced.ids == IDS | {"31", "32", "33", "34"}
    assert synced.approve(approved.plan).status == "refused"
    assert synced.ids == IDS | {"31", "32", "33", "34"}


def test_a_row_with_too_few_cells_could_be_anybody_too(synced: World) -> None:
    text = synced.drop(without(TWENTY, 1, 20)).read_text("utf-8")
    head, first, rest = text.split("\n", 2)
    synced.drop_text(f"{head}\n{first}\n777;Max\n{rest}")
    result = synced.run()
    assert result.status == "held"
    assert synced.ids == IDS


def test_a_damaged_row_under_somebody_elses_key_could_be_anybody(synced: World) -> None:
    """Cells moved: the damaged row seems to be 2, but 2 has a row of their own."""
    text = synced.drop(without(TWENTY, 1)).read_text("utf-8")
    head, first, rest = text.split("\n", 2)
    synced.drop_text(f"{head}\n{first}\n2;Max\n{rest}")
    result = synced.run()
    assert result.status == "held"
    result.problem("rows_without_key")
    assert synced.ids == IDS


def test_a_key_that_can_not_be_computed_could_be_anybody(synced: World) -> None:
    text = PERSONAL.replace("tables:", "variables:\n  id: \"{{ {'a': 1}[nr] if nr == 'x' else nr }}\"\ntables:", 1)
    synced.mapping(text.replace("key: nr", "key: id").replace('"{{ nr }}"', '"{{ id }}"'))
    result = synced.run([*without(TWENTY, 1), person("x")])
    assert result.status == "held"
    result.problem("rows_without_key")
    assert synced.ids == IDS


# -- mistakes in the mapping ------------------------------------------------------------------------------------------


def test_a_where_without_braces_is_found_before_anything_is_read(synced: World) -> None:
    synced.mapping(PERSONAL.replace("\"{{ status != 'ausgetreten' }}\"", "status == 'aktiv'"))
    result = synced.run(without(TWENTY, 1))
    assert (result.code, result.status) == (1, "refused")
    assert result.json["problems"][0]["path"] == ["source", "where"]
    assert synced("check").code == 1
    assert synced.ids == IDS


def test_a_constant_that_is_a_columns_name_is_found_before_anything_is_sent(synced: World) -> None:
    synced.mapping(PERSONAL, firstName="vorname")
    result = synced.run(without(TWENTY, 1))
    assert (result.code, result.status) == (1, "refused")
    assert "{{ vorname }}" in result.json["problems"][0]["hint"]
    assert synced.ids == IDS
    assert synced.at_fe2(1)["firstName"] == "Vorname1"


def test_where_all_rows_are_rejected_nobody_is_removed(world: World) -> None:
    """What another key column looks like, where the values of that stand in many rows."""
    world.mapping()
    rows = [row | {"zug": str(number % 3)} for number, row in enumerate(people(20))]
    world.settled(rows)
    world.mapping(PERSONAL.replace("  key: nr", "  key: zug"))
    result = world.run(rows)
    assert result.status == "refused"
    assert "nobody_left" in result.codes
    assert len(world.fe2.persons) == 20
