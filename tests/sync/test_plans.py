"""Plans and what is decided about them (dsl.md §6, last paragraph; cli.md)."""

from __future__ import annotations

import shutil

import pytest

from tests.world import CONTACTS, PERSONAL, World, changed, people, person, without

TEN = people(10)
IDS = {str(number) for number in range(1, 11)}
FEWER = without(TEN, 1, 2, 3, 4)
LATE = [*TEN, *people(10, start=11)]


@pytest.fixture
def synced(world: World) -> World:
    """FE2 holds twenty persons, and this installation knows it."""
    world.mapping()
    world.settled(LATE)
    return world


SIXTEEN = without(LATE, 1, 2, 3, 4)
ALL = {str(number) for number in range(1, 21)}


def refused(world: World, plan: str, word: str = "approve") -> str:
    """Why a plan can't be carried out; nothing was written."""
    writes = world.fe2.writes
    result = world(word, plan)
    assert (result.code, result.status) == (1, "refused"), result.out
    assert world.fe2.writes == writes
    assert result.json["problems"][0]["hint"]
    return str(result.codes[0])


def test_who_was_rejected_is_told_by_whatever_carries_the_plan_out(synced: World) -> None:
    rows = changed([*LATE, person(21)], 1, email="keine adresse")
    planned = synced.plan(rows)
    (wrong,) = planned.json["rejected"]
    applied = synced.apply(planned.plan)
    assert applied.status == "partial"
    assert applied.json["rejected"] == [wrong]
    assert synced("show", applied.json["run"]).json["rejected"] == [wrong]


def test_all_files_of_a_list_are_named_by_whatever_carries_the_plan_out(world: World) -> None:
    world.configure(first_sync="go")
    world.mapping(PERSONAL.replace("  settle: 0s\n", "  settle: 0s\n  combine: all\n"))
    world.drop(people(5), "personal-1.csv")
    world.drop(people(5, start=6), "personal-2.csv")
    planned = world.plan()
    applied = world.apply(planned.plan)
    assert planned.json["source"]["files"] == ["inbox/personal-1.csv", "inbox/personal-2.csv"]
    assert applied.json["source"]["files"] == planned.json["source"]["files"]


# -- plan and apply ---------------------------------------------------------------------------------------------------


def test_a_plan_writes_nothing_and_is_applied_exactly(synced: World) -> None:
    planned = synced.plan(changed([*LATE, person(21)], 1, vorname="Neu"))
    assert (planned.code, planned.status) == (0, "planned")
    assert planned.counts() == {"created": 1, "updated": 1, "unchanged": 19}
    assert synced.at_fe2(1)["firstName"] == "Vorname1"
    applied = synced.apply(planned.plan)
    assert (applied.code, applied.status) == (0, "done")
    assert applied.counts() == {"created": 1, "updated": 1, "unchanged": 19}
    assert synced.at_fe2(1)["firstName"] == "Neu"
    assert refused(synced, planned.plan, "apply") == "plan_not_open"
    assert synced.run().status == "unchanged"


def test_a_plan_for_nothing_has_no_number(synced: World) -> None:
    planned = synced.plan()
    assert (planned.code, planned.status, planned.json["plan"]) == (0, "unchanged", None)


def test_apply_never_passes_the_guard(synced: World) -> None:
    planned = synced.plan([*SIXTEEN, person(21)])
    assert (planned.code, planned.status) == (3, "held")
    applied = synced.apply(planned.plan)
    assert (applied.code, applied.status, applied.counts()) == (3, "held", {"created": 1, "unchanged": 16, "held": 4})
    assert applied.plan == planned.plan
    assert synced.ids == ALL | {"21"}
    assert synced.run().plan == planned.plan
    assert synced.approve(planned.plan).counts()["removed"] == 4
    assert synced.ids == (ALL | {"21"}) - {"1", "2", "3", "4"}


def test_apply_carries_out_nothing_of_a_plan_that_is_held_as_a_whole(synced: World) -> None:
    planned = synced.plan(without(LATE, *range(1, 8)))
    applied = synced.apply(planned.plan)
    assert (applied.code, applied.status) == (3, "held")
    assert synced.ids == ALL


def test_a_plan_with_rejected_rows_is_applied_in_part(synced: World) -> None:
    planned = synced.plan(changed(changed(LATE, 1, vorname="Neu"), 2, email="kaputt"))
    assert planned.status == "planned"
    applied = synced.apply(planned.plan)
    assert (applied.code, applied.status) == (4, "partial")
    assert applied.counts() == {"updated": 1, "unchanged": 18, "rejected": 1}


# -- numbers ----------------------------------------------------------------------------------------------------------


def test_the_same_removals_keep_the_plans_number(synced: World) -> None:
    first = synced.run(SIXTEEN)
    assert synced.run().plan == first.plan
    assert synced.run(changed(SIXTEEN, 20, vorname="Neu")).plan == first.plan
    assert synced.at_fe2(20)["firstName"] == "Neu"
    assert synced.approve(first.plan).counts()["removed"] == 4
    assert synced.ids == ALL - {"1", "2", "3", "4"}


def test_the_same_plan_held_as_a_whole_keeps_its_number(world: World) -> None:
    world.mapping()
    first = world.run(TEN)
    assert world.run().plan == first.plan
    other = world.run(people(11))
    assert other.plan != first.plan
    assert refused(world, first.plan) == "plan_not_open"


def test_other_removals_supersede_a_plan(synced: World) -> None:
    first = synced.run(SIXTEEN)
    second = synced.run(without(SIXTEEN, 5))
    assert second.plan != first.plan
    assert refused(synced, first.plan) == "plan_not_open"
    assert synced.approve(second.plan).counts()["removed"] == 5


def test_a_run_that_brings_the_people_back_ends_the_plan(synced: World) -> None:
    first = synced.run(SIXTEEN)
    assert synced.run(LATE).status == "unchanged"
    assert refused(synced, first.plan) == "plan_not_open"
    assert synced.ids == ALL


def test_a_refused_or_skipped_run_leaves_the_plan_as_it_is(synced: World) -> None:
    first = synced.run(SIXTEEN)
    synced.drop_text("")
    assert synced.run().status == "refused"
    assert synced.approve(first.plan).status == "done"


def test_a_number_is_never_given_twice(synced: World) -> None:
    numbers = []
    for rows in (SIXTEEN, LATE, SIXTEEN):
        numbers.append(synced.run(rows).json["plan"])
        synced("forget", "personal", "999")
    assert numbers[0] != numbers[2]


# -- approve and reject -----------------------------------------------------------------------------------------------


def test_a_plan_is_approved_once(synced: World) -> None:
    plan = synced.run(SIXTEEN).plan
    assert synced.approve(plan).status == "done"
    assert refused(synced, plan) == "plan_not_open"
    rejected = synced.reject(plan)
    assert (rejected.code, rejected.codes) == (1, ["plan_not_open"])


def test_a_rejected_plan_is_not_carried_out_and_a_later_run_makes_a_new_one(synced: World) -> None:
    plan = synced.run(SIXTEEN).plan
    result = synced.reject(plan)
    assert (result.code, result.json) == (0, {"plan": plan, "mapping": "personal", "status": "rejected"})
    assert refused(synced, plan) == "plan_not_open"
    assert synced.ids == ALL
    again = synced.run()
    assert again.status == "held"
    assert again.plan != plan


@pytest.mark.parametrize("word", ["apply", "approve", "reject"])
@pytest.mark.parametrize("plan", ["P99", "nonsense", "2026-11-22-1", "P-1", "P" + "9" * 30])
def test_an_unknown_plan_names_those_that_wait(synced: World, word: str, plan: str) -> None:
    waiting = synced.run(SIXTEEN).plan
    result = synced(word, plan)
    assert (result.code, result.codes) == (1, ["unknown_plan"])
    assert waiting in result.json["problems"][0]["hint"]


def test_an_approval_brings_a_new_baseline(synced: World) -> None:
    ten = without(LATE, *range(1, 11))
    result = synced.run(ten)
    result.problem("shrunk")
    assert synced.approve(result.plan).counts() == {"removed": 10, "unchanged": 10}
    assert synced.run(ten).status == "unchanged"
    assert "shrunk" not in synced.run(without(ten, 11, 12, 13)).codes


# -- what makes a plan stale ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["apply", "approve"])
def test_a_changed_mapping_makes_it_stale(synced: World, word: str) -> None:
    plan = synced.plan(SIXTEEN).plan
    synced.mapping("description: anders\n" + PERSONAL)
    assert refused(synced, plan, word) == "plan_stale"
    assert synced.ids == ALL


@pytest.mark.parametrize("word", ["apply", "approve"])
def test_a_changed_connection_makes_it_stale(synced: World, word: str) -> None:
    plan = synced.plan(SIXTEEN).plan
    synced.configure(timeout="60s")
    assert refused(synced, plan, word) == "plan_stale"


def test_a_deleted_or_disabled_mapping_makes_it_stale(synced: World) -> None:
    plan = synced.plan(SIXTEEN).plan
    synced.mapping("enabled: false\n" + PERSONAL)
    assert refused(synced, plan) == "plan_stale"
    synced.no_mapping("personal")
    assert refused(synced, plan) == "plan_stale"
    assert synced.ids == ALL


def test_a_changed_file_makes_it_stale_for_apply_but_not_for_approve(synced: World) -> None:
    plan = synced.plan(SIXTEEN).plan
    synced.drop(without(LATE, 9))
    assert refused(synced, plan, "apply") == "plan_stale"
    assert synced.approve(plan).status == "done"
    assert synced.ids == ALL - {"1", "2", "3", "4"}


def test_any_changed_file_of_several_makes_it_stale_for_apply(synced: World) -> None:
    synced.mapping(PERSONAL.replace("  settle: 0s", "  settle: 0s\n  combine: all"))
    synced.drop([person(30)], "personal-2.csv")
    plan = synced.plan().plan
    synced.drop([person(31)], "personal-2.csv")
    assert refused(synced, plan, "apply") == "plan_stale"


@pytest.mark.parametrize("word", ["apply", "approve"])
def test_a_moved_file_does_not_matter(synced: World, word: str) -> None:
    plan = synced.plan([*LATE, person(21)]).plan
    shutil.move(synced.root / "inbox" / "personal.csv", synced.root / "done.csv")
    assert synced(word, plan).status == "done"
    assert "21" in synced.ids


def test_people_whom_another_run_changed_make_it_stale(synced: World) -> None:
    """The plan's own mapping supersedes it; a forgotten person does so as well."""
    plan = synced.plan(SIXTEEN).plan
    synced("forget", "personal", "1")
    assert refused(synced, plan) == "plan_not_open"


def test_a_person_whom_another_mapping_claimed_meanwhile_makes_it_stale(synced: World) -> None:
    plan = synced.plan([*LATE, person(77, vorname="Meiner")]).plan
    synced.mapping(name="jugend", path="inbox/jugend*.csv")
    assert synced.run([person(77, vorname="Jugend")], mapping="jugend").status == "done"
    assert refused(synced, plan) == "plan_stale"
    assert synced.at_fe2(77)["firstName"] == "Jugend"


def test_people_whom_another_mapping_took_over_make_it_stale(synced: World) -> None:
    synced.mapping(name="jugend", path="inbox/jugend*.csv")
    synced.settled([person(77)], mapping="jugend")
    synced.mapping("enabled: false\n" + PERSONAL, name="jugend", path="inbox/jugend*.csv")
    plan = synced.plan([*LATE, person(77, vorname="Meiner")]).plan
    synced.mapping(name="jugend", path="inbox/jugend*.csv")
    assert refused(synced, plan) == "plan_stale"
    assert synced.at_fe2(77)["firstName"] == "Vorname77"


def test_an_approval_that_fails_can_be_repeated(synced: World) -> None:
    plan = synced.run(SIXTEEN).plan
    synced.fe2.down = True
    failed = synced.approve(plan)
    assert (failed.code, failed.status) == (1, "failed")
    synced.fe2.down = False
    assert synced.approve(plan).status == "done"
    assert synced.ids == ALL - {"1", "2", "3", "4"}


# -- results ----------------------------------------------------------------------------------------------------------


def test_the_result_has_the_promised_shape(synced: World) -> None:
    result = synced.run(changed(changed(LATE, 1, vorname="Neu"), 2, email="kaputt")).json
    assert {"run", "plan", "mapping", "status", "source", "actions", "rejected", "problems"} <= result.keys()
    assert {"file": "inbox/personal.csv", "rows": 20, "selected": 20, "rejected": 1}.items() <= result["source"].items()
    assert len(result["source"]["sha256"]) == 64
    action = result["actions"][0]
    assert {"created", "updated", "removed", "unchanged", "rejected", "held", "failed"} <= action.keys()
    assert (action["id"], action["connection"]) == ("fe2.sync", "fe2")
    assert action["status"] == "partial"
    change = action["changes"][0]
    assert (change["kind"], change["key"]) == ("updated", "1")
    assert change["fields"] == {"firstName": ["Vorname1", "Neu"]}
    assert result["rejected"][0].keys() >= {"row", "line", "key", "action", "field", "code", "message"}


def test_actions_are_independent_and_the_worst_status_counts(world: World) -> None:
    greyhound = world.connect_greyhound()
    action = CONTACTS[CONTACTS.index("  - action") :]
    world.mapping(PERSONAL + action)
    world.configure(first_sync="go")
    world.fe2.sync_active = False
    result = world.run(TEN)
    assert (result.code, result.status) == (1, "failed")
    assert (result.action()["status"], result.counts()) == ("failed", {"failed": 10})
    assert (result.action("greyhound.sync")["status"], result.counts("greyhound.sync")) == ("done", {"created": 10})
    world.fe2.sync_active = True
    result = world.run()
    assert (result.status, result.counts(), result.counts("greyhound.sync")) == (
        "done",
        {"created": 10},
        {"unchanged": 10},
    )
    assert greyhound.breaches == []


def test_a_held_removal_in_one_action_holds_nothing_in_the_other(world: World) -> None:
    greyhound = world.connect_greyhound()
    world.mapping(PERSONAL + CONTACTS[CONTACTS.index("  - action") :])
    world.configure(first_sync="go")
    world.run(LATE)
    result = world.run([*SIXTEEN, person(21)])
    assert (result.status, result.action()["status"]) == ("held", "held")
    assert result.action("greyhound.sync")["status"] == "done"
    assert len(greyhound.contacts) == 21
    assert len(world.ids) == 21


def test_runs_and_show_tell_what_has_been(synced: World) -> None:
    held = synced.run(SIXTEEN)
    listed = synced("runs").json
    assert [run["status"] for run in listed["runs"]] == ["held", "done", "held"]
    assert [run["command"] for run in listed["runs"]] == ["run", "approve", "run"]
    assert listed["plans"] == [{"plan": held.plan, "mapping": "personal", "status": "held"}]
    assert synced("show", held.json["run"]).json == held.json
    assert synced("show", held.plan).json == held.json
    unknown = synced("show", "2020-01-01-1")
    assert (unknown.code, unknown.codes) == (1, ["unknown_run"])
    assert "approve" in synced("runs", as_json=False).out
    assert "Vorname1 Nachname1" in synced("show", held.plan, as_json=False).out


def test_every_held_result_says_what_to_do_next(synced: World) -> None:
    synced.drop(SIXTEEN)
    shown = synced("run", "personal", as_json=False)
    plan = synced.run().plan
    assert f"abgleich approve {plan}" in shown.out
    assert f"abgleich reject {plan}" in shown.out
    assert "They stay as last sent" in shown.out


def test_an_unknown_mapping_is_wrong_usage(synced: World) -> None:
    result = synced("run", "personel")
    assert result.code == 2
    assert "Did you mean personal?" in result.err


def test_a_mapping_and_a_list_may_be_named_as_files(synced: World) -> None:
    path = synced.drop([*LATE, person(21)], "other.csv")
    result = synced("run", str(synced.root / "mappings" / "personal.yaml"), str(path))
    assert (result.status, result.json["source"]["file"]) == ("done", "inbox/other.csv")
    assert "21" in synced.ids
