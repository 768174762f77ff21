"""Writes that were begun and never confirmed, connections that lead elsewhere: nobody pays for what is not known."""

from __future__ import annotations

import pytest

from engine.simulator import Fault, Fe2Simulator, GreyhoundSimulator
from tests.world import CONTACTS, Row, World, people, person, without

TRASH = CONTACTS + "    removal: trash\n"


@pytest.fixture
def server(world: World) -> GreyhoundSimulator:
    return world.connect_greyhound()


def left_in_doubt(world: World, server: GreyhoundSimulator, rows: list[Row], mapping: str = "contacts") -> None:
    """Everybody is created, no answer comes, and nobody can be looked up: what a crash leaves as well."""
    pages = 2 if server.contacts else 1
    server.fail(Fault(on="RpcItems.GetList(", times=pages), Fault(on="RpcItems.GetList(", reset="before", times=99))
    server.fail(Fault(on="RpcItems.New(", reset="after", times=99))
    assert world.run(rows, mapping=mapping).status == "partial"
    server.recover()
    assert {row["nr"] for row in rows} <= set(keys(server))


def keys(server: GreyhoundSimulator) -> list[str]:
    """The keys of the contacts that are not in the trash."""
    live = [item for item in server.contacts.values() if not item.get("Flags", 0) & 2]
    return [entry["Value"] for item in live for entry in item["UserFields"] if entry["FieldRef"] == 6]


# -- persons in doubt --------------------------------------------------------------------------------------------------


def test_a_plan_with_persons_in_doubt_can_be_applied(world: World, server: GreyhoundSimulator) -> None:
    world.mapping(TRASH, name="contacts")
    left_in_doubt(world, server, people(4))
    planned = world.plan(people(5), mapping="contacts")
    assert world.apply(planned.plan).status == "done"
    assert sorted(keys(server)) == ["1", "2", "3", "4", "5"]
    assert world.run(people(5), mapping="contacts").status == "unchanged"


def test_what_is_held_with_persons_in_doubt_can_be_approved(world: World, server: GreyhoundSimulator) -> None:
    world.mapping(TRASH, name="contacts")
    left_in_doubt(world, server, people(9))
    held = world.run(people(4), mapping="contacts")
    assert held.status == "held"
    assert len(keys(server)) == 9
    assert world.approve(held.plan).status == "done"
    assert keys(server) == ["1", "2", "3", "4"]


def test_a_contact_that_a_colleague_made_is_not_removed_because_a_run_was_stopped(
    world: World, server: GreyhoundSimulator
) -> None:
    world.mapping(TRASH, name="contacts")
    server.fail(Fault(on="RpcItems.New(", status=401, times=99))
    assert world.run(people(5), mapping="contacts").status == "failed"
    server.recover()
    made = server.add_contact(Subject="von Hand", user_fields={6: "3"})
    assert world.run(without(people(5), 3), mapping="contacts").counts("greyhound.sync") == {"created": 4}
    assert not server.contacts[made].get("Flags")


def test_a_contact_that_was_there_before_is_not_removed_where_the_server_hides_values(
    world: World, server: GreyhoundSimulator
) -> None:
    server.omit_user_values = True
    made = server.add_contact(Subject="von Hand", user_fields={6: "3"})
    server.lock_by_other(made)
    world.mapping(TRASH, name="contacts")
    assert world.run(people(5), mapping="contacts").status == "partial"
    server.unlock_by_other(made)
    assert world.run(without(people(5), 3), mapping="contacts").status == "unchanged"
    assert not server.contacts[made].get("Flags")


def test_who_was_perhaps_created_is_let_go_where_nobody_is_removed(world: World, server: GreyhoundSimulator) -> None:
    world.mapping(CONTACTS, name="contacts")
    left_in_doubt(world, server, people(5))
    assert world.run(without(people(5), 5), mapping="contacts").status == "done"
    world.mapping(TRASH, name="contacts")
    assert world.run(without(people(5), 5), mapping="contacts").status == "unchanged"
    assert keys(server) == ["1", "2", "3", "4", "5"]


def test_the_match_can_not_be_changed_while_somebody_is_in_doubt(world: World, server: GreyhoundSimulator) -> None:
    world.mapping(TRASH, name="contacts")
    left_in_doubt(world, server, people(5))
    stranger = server.add_contact(Subject="Fremd", user_fields={7: "2"})
    world.mapping(TRASH.replace("user_field: 6", "user_field: 7"), name="contacts")
    stopped = world.run(without(people(5), 2), mapping="contacts")
    assert stopped.status == "failed"
    assert "match: {user_field: 6}" in stopped.problem("match_changed")["hint"]
    assert not server.contacts[stranger].get("Flags")
    assert keys(server) == ["1", "2", "3", "4", "5"]
    # The same field by its name is no other match.
    world.mapping(TRASH.replace("user_field: 6", "user_field: Mitgliedsnummer"), name="contacts")
    assert world.run(without(people(5), 2), mapping="contacts").status == "done"
    assert keys(server) == ["1", "3", "4", "5"]


def test_a_mapping_that_is_renamed_takes_its_doubts_along(world: World, server: GreyhoundSimulator) -> None:
    world.mapping(TRASH, name="alt")
    world.drop(people(3), "contacts.csv")
    server.fail(Fault(on="RpcItems.GetList("), Fault(on="RpcItems.GetList(", reset="before", times=99))
    server.fail(Fault(on="RpcItems.New(", reset="after", times=99))
    assert world("run", "alt").status == "partial"
    server.recover()
    world.no_mapping("alt")
    world.mapping(TRASH, name="neu")
    assert world("run", "neu").status == "done"
    assert keys(server) == ["1", "2", "3"]
    assert "Nobody was sent by a mapping alt" in world("release", "alt").out


def test_persons_in_doubt_of_a_mapping_that_is_gone_are_named_and_can_be_released(
    world: World, server: GreyhoundSimulator
) -> None:
    world.mapping(TRASH, name="contacts")
    left_in_doubt(world, server, people(3))
    world.no_mapping("contacts")
    world.mapping(CONTACTS, name="andere", path="inbox/andere*.csv")
    result = world.run([person(9)], mapping="andere")
    assert "3 persons of contacts" in result.problem("nobody_looks_after")["message"]
    assert world.approve(world("release", "contacts").plan).status == "done"
    assert keys(server) == ["9"]


def test_whoever_could_not_be_forgotten_is_not_lost(world: World, server: GreyhoundSimulator) -> None:
    world.mapping(TRASH, name="contacts")
    left_in_doubt(world, server, people(2))
    server.lock_by_other(1001)
    assert world("forget", "contacts", "1").status == "partial"
    server.unlock_by_other(1001)
    assert world("forget", "contacts", "1").status == "done"
    assert keys(server) == ["2"]


def test_whoever_is_forgotten_is_looked_for_in_the_field_of_the_mapping(
    world: World, server: GreyhoundSimulator
) -> None:
    world.mapping(
        TRASH.replace("      ComLinks:", '      UserFields: {7: "{{ zug }}"}\n      ComLinks:'), name="contacts"
    )
    stranger = server.add_contact(Subject="auch im ersten Zug", user_fields={6: "99", 7: "1"})
    left_in_doubt(world, server, people(1))
    assert world("forget", "contacts", "1").status == "done"
    assert not server.contacts[stranger].get("Flags")
    assert keys(server) == ["99"]


def test_whoever_is_forgotten_and_kept_over_there_is_to_be_looked_for_by_the_key(
    world: World, server: GreyhoundSimulator
) -> None:
    world.mapping(CONTACTS, name="contacts")
    assert world.run(people(1), mapping="contacts").status == "done"
    # By now the contact may be somebody else's: nobody shall be told to delete it unseen.
    problem = world("forget", "contacts", "1").problem("kept_over_there")
    assert "Look there for the key 1" in problem["hint"]
    assert keys(server) == ["1"]


def test_persons_sent_again_who_fail_are_counted_once(world: World, server: GreyhoundSimulator) -> None:
    world.mapping(CONTACTS, name="contacts")
    assert world.run(people(4), mapping="contacts").status == "done"
    server.lock_by_other(1002)
    result = world.run(people(4), "--full", mapping="contacts")
    assert (result.status, result.counts("greyhound.sync")) == ("partial", {"unchanged": 3, "failed": 1})
    (change,) = result.action("greyhound.sync")["changes"]
    assert (change["key"], change["failed"], change["code"]) == ("2", True, "contact_locked")


# -- connections that lead elsewhere -----------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(world: World) -> Fe2Simulator:
    """Five were sent to FE2; by now its connection leads to another organisation with people of the same ids."""
    world.mapping()
    world.settled(people(5))
    world.mapping(name="auch", path="inbox/auch*.csv")
    assert world.run([person(9)], mapping="auch").status == "done"
    other = world.connect_fe2("other")
    del world.settings["other"]
    other.persons = {str(number): dict(world.fe2.persons["1"], externalDbId=str(number)) for number in range(1, 21)}
    world.configure(url=other.url)
    return other


def test_a_mapping_is_never_released_from_another_organisation(world: World, elsewhere: Fe2Simulator) -> None:
    world.no_mapping("auch")
    result = world("release", "auch")
    assert (result.status, result.codes) == ("refused", ["server_changed"])
    assert (len(elsewhere.persons), elsewhere.writes) == (20, 0)


def test_nobody_is_forgotten_in_another_organisation(world: World, elsewhere: Fe2Simulator) -> None:
    result = world("forget", "personal", "5")
    assert "server_changed" in result.codes
    assert (len(elsewhere.persons), elsewhere.writes) == (20, 0)


def test_a_typing_mistake_in_the_address_forgets_nobody(world: World, server: GreyhoundSimulator) -> None:
    world.mapping(TRASH, name="contacts")
    assert world.run(people(5), mapping="contacts").status == "done"
    right = world.settings["greyhound"]["url"]
    world.configure("greyhound", url="http://127.0.0.1:9")
    assert world.run(people(5), mapping="contacts").status == "failed"
    world.configure("greyhound", url=right)
    assert world.run(without(people(5), 5), mapping="contacts").counts("greyhound.sync")["removed"] == 1
    assert keys(server) == ["1", "2", "3", "4"]


def test_people_left_behind_on_another_server_are_counted(world: World, server: GreyhoundSimulator) -> None:
    world.mapping(TRASH, name="contacts")
    assert world.run(people(5), mapping="contacts").status == "done"
    world.connect_greyhound()
    plan = world("plan", "contacts")
    assert "5 persons of the old one don't count" in plan.problem("server_changed")["message"]
    result = world.run(people(5), mapping="contacts")
    assert "5 persons of the old one are forgotten" in result.problem("server_changed")["message"]
    assert "server_changed" not in world("plan", "contacts").codes


# -- an FE2 without DELETE ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("said", "code"), [(None, "fe2_nobody_known"), ("2.30", "fe2_too_old")])
def test_the_last_persons_are_not_lost_where_fe2_can_not_delete(world: World, said: str | None, code: str) -> None:
    world.mapping()
    world.settled(people(3))
    world.no_mapping("personal")
    world.fe2.version = "2.30"
    if said:
        world.configure(fe2_version=said)
    result = world.approve(world("release", "personal").plan)
    assert (result.status, result.codes[-1]) == ("failed", code)
    assert len(world.ids) == 3
    assert world("release", "personal").counts("fe2.sync")["held"] == 3


# -- what servers say --------------------------------------------------------------------------------------------------


def test_half_a_character_in_an_answer_ends_no_run(world: World, server: GreyhoundSimulator) -> None:
    world.mapping(CONTACTS, name="contacts")
    body = '{"error": {"code": 799, "message": "kaputt \\ud83d"}}'
    server.fail(Fault(on="RpcItems.New(", status=500, body=body, content_type="application/json"))
    result = world.run(people(2), mapping="contacts")
    assert (result.code, result.status) == (4, "partial")
    assert "kaputt ?" in result.problem("greyhound_refused")["message"]
