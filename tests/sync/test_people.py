"""What happens to a row and to a person (dsl.md §5), with what the targets hold afterwards."""

from __future__ import annotations

import pytest

from tests.world import CONTACTS, PERSONAL, World, changed, people, person, without

TEN = people(10)
IDS = {str(number) for number in range(1, 11)}
YOUTH = "inbox/jugend*.csv"


@pytest.fixture
def synced(world: World) -> World:
    """FE2 holds ten persons, and this installation knows it."""
    world.mapping()
    world.settled(TEN)
    return world


# -- rejected rows ----------------------------------------------------------------------------------------------------


def test_a_rejected_row_is_named_and_its_person_stays_as_last_sent(synced: World) -> None:
    result = synced.run(changed(changed(TEN, 4, email="kaputt", vorname="Neu"), 5, vorname="Neu"))
    assert (result.code, result.status) == (4, "partial")
    assert result.counts() == {"updated": 1, "unchanged": 8, "rejected": 1}
    rejection = result.rejection("4")
    assert (rejection["row"], rejection["line"], rejection["action"]) == (4, 5, "fe2.sync")
    assert (rejection["field"], rejection["code"]) == ("aPagerPro", "pager_address")
    assert "kaputt" in rejection["message"]
    assert synced.at_fe2(4)["firstName"] == "Vorname4"
    assert synced.at_fe2(5)["firstName"] == "Neu"
    assert synced.ids == IDS


def test_the_text_output_names_line_field_and_reason(synced: World) -> None:
    synced.drop(changed(TEN, 4, email="kaputt"))
    shown = synced("run", "personal", as_json=False).out
    assert "line 5, key 4, fe2.sync.aPagerPro" in shown
    assert "kaputt" in shown


def test_a_new_person_who_is_rejected_is_not_sent(synced: World) -> None:
    assert synced.run([*TEN, person(11, email="kaputt")]).status == "partial"
    assert synced.ids == IDS


def test_two_rows_with_one_key_are_both_rejected(synced: World) -> None:
    result = synced.run([*changed(TEN, 3, vorname="Neu"), person(3, vorname="Anders")])
    assert result.status == "partial"
    assert [entry["line"] for entry in result.json["rejected"]] == [4, 12]
    assert {entry["code"] for entry in result.json["rejected"]} == {"double_key"}
    assert result.json["source"]["rejected"] == 2
    assert synced.at_fe2(3)["firstName"] == "Vorname3"
    assert synced.ids == IDS


def test_a_row_that_takes_no_part_is_no_double(synced: World) -> None:
    assert synced.run([*TEN, person(3, status="ausgetreten")]).status == "unchanged"


def test_two_rows_with_one_external_id_are_both_rejected(synced: World) -> None:
    synced.mapping(externalDbId='"{{ handy or nr }}"')
    result = synced.run([*TEN, person(11, handy="0049151999999"), person(12, handy="0049151999999")])
    assert result.status == "partial"
    assert {entry["code"] for entry in result.json["rejected"]} == {"same_id"}
    assert synced.ids == IDS


def test_a_known_key_can_not_get_another_external_id(synced: World) -> None:
    synced.mapping(externalDbId='"{{ handy or nr }}"')
    result = synced.run(changed(TEN, 3, handy="0049151999999", vorname="Neu"))
    assert result.status == "partial"
    assert result.rejection("3")["code"] == "id_changed"
    assert synced.at_fe2(3)["firstName"] == "Vorname3"
    assert synced.ids == IDS


def test_the_id_of_a_rejected_person_can_not_go_to_somebody_else(synced: World) -> None:
    """3 would become 33 and is rejected; the new 11 wants to be 3: it would overwrite a person who stays."""
    synced.mapping(externalDbId='"{{ handy or nr }}"')
    result = synced.run([*changed(TEN, 3, handy="0049151999999"), person(11, handy="3")])
    assert result.status == "partial"
    assert result.rejection("11")["code"] == "same_id"
    assert synced.at_fe2(3)["firstName"] == "Vorname3"
    assert synced.ids == IDS


def test_another_key_with_the_same_external_id_is_the_same_person(synced: World) -> None:
    """Nobody goes and nobody comes in FE2: a token would survive."""
    synced.mapping(PERSONAL.replace("key: nr", "key: email"))
    result = synced.run()
    assert (result.status, result.counts()) == ("done", {"unchanged": 10})
    assert synced.ids == IDS
    assert synced.run(without(TEN, 1)).counts() == {"removed": 1, "unchanged": 9}
    assert synced.ids == IDS - {"1"}


def test_a_changed_key_stays_one_person_while_removals_are_held(synced: World) -> None:
    synced.mapping(externalDbId='"{{ handy or nr }}"')
    rows = [*without(TEN, 1, 2), person(11, handy="1"), person("")]
    held = synced.run(rows)
    assert held.counts() == {"updated": 1, "unchanged": 8, "rejected": 1, "held": 1}
    assert synced.at_fe2(1)["firstName"] == "Vorname11"
    assert synced.approve(held.plan).status == "refused"
    assert synced.ids == IDS
    assert synced.run([*without(TEN, 1, 2), person(11, handy="1")]).counts() == {"removed": 1, "unchanged": 9}
    assert synced.ids == IDS - {"2"}


def test_two_actions_can_not_bring_one_person_to_one_connection(world: World) -> None:
    action = PERSONAL[PERSONAL.index("  - action") :]
    world.mapping(PERSONAL + action)
    world.configure(first_sync="go")
    result = world.run([person(1)])
    assert {entry["code"] for entry in result.json["rejected"]} == {"same_id"}
    assert world.ids == set()


# -- several mappings -------------------------------------------------------------------------------------------------


@pytest.fixture
def two(synced: World) -> World:
    """A second mapping brought 100 to 104 to the same FE2."""
    synced.mapping(name="jugend", path=YOUTH)
    synced.settled(people(5, start=100), mapping="jugend")
    return synced


YOUNG = {"100", "101", "102", "103", "104"}


def test_a_mappings_people_stay_in_the_body_while_another_runs(two: World) -> None:
    assert two.run(changed(TEN, 1, vorname="Neu")).status == "done"
    assert two.ids == IDS | YOUNG
    assert len(two.fe2.syncs[-1]["personList"]) == 15


def test_two_mappings_that_claim_one_person_are_a_problem_for_both(two: World) -> None:
    mine = [*people(5, start=100), person(3, vorname="Jugend")]
    result = two.run(mine, mapping="jugend")
    assert (result.status, result.rejection("3")["code"]) == ("partial", "id_claimed_twice")
    assert "personal" in result.rejection("3")["message"]

    other = two.run(changed(TEN, 3, vorname="Neu"))
    assert (other.status, other.rejection("3")["code"]) == ("partial", "id_claimed_twice")
    assert "jugend" in other.rejection("3")["message"]
    assert two.at_fe2(3)["firstName"] == "Vorname3"

    assert two.run(people(5, start=100), mapping="jugend").status == "unchanged"
    assert two.run(changed(TEN, 3, vorname="Neu")).status == "done"
    assert two.at_fe2(3)["firstName"] == "Neu"
    assert two.ids == IDS | YOUNG


def test_the_one_who_held_the_person_may_give_it_up(two: World) -> None:
    young = [*people(5, start=100), person(3, vorname="Jugend")]
    two.run(young, mapping="jugend")
    assert two.run(without(TEN, 3)).status == "unchanged"
    assert two.ids == IDS | YOUNG
    assert two.run(young, mapping="jugend").status == "done"
    assert two.at_fe2(3)["firstName"] == "Jugend"
    assert two.ids == IDS | YOUNG
    # Handed over, never deleted in between: a token would be lost.
    for sync in two.fe2.syncs[2:]:
        assert "3" in {one["externalDbId"] for one in sync["personList"]}


@pytest.mark.parametrize("how", ["disabled", "deleted"])
def test_a_mapping_that_is_gone_changes_nothing(two: World, how: str) -> None:
    if how == "deleted":
        two.no_mapping("jugend")
        assert two.run(None, mapping="jugend").code == 2
    else:
        two.mapping("enabled: false\n" + PERSONAL, name="jugend", path=YOUTH)
        result = two.run([person(7)], mapping="jugend")
        assert (result.code, result.status, result.codes) == (1, "refused", ["mapping_disabled"])
    assert two.run(changed(TEN, 1, vorname="Neu")).status == "done"
    assert two.ids == IDS | YOUNG


def test_a_mapping_with_mistakes_keeps_its_people(two: World) -> None:
    two.mapping("nonsense: 1\n" + PERSONAL, name="jugend", path=YOUTH)
    assert two.run(None, mapping="jugend").status == "refused"
    result = two.run([*TEN, person(100, vorname="Neu")])
    assert result.rejection("100")["code"] == "id_claimed_twice"
    assert two.ids == IDS | YOUNG


def test_a_mapping_that_brings_the_same_ids_takes_the_people_over(two: World) -> None:
    two.no_mapping("jugend")
    result = two.run([*TEN, *people(4, start=100), person(104, vorname="Neu")])
    assert (result.status, result.counts()) == ("done", {"updated": 1, "unchanged": 14})
    assert two.ids == IDS | YOUNG
    assert two("release", "jugend").codes == ["unknown_mapping"]
    assert two.run([*TEN, *people(4, start=100)]).counts() == {"removed": 1, "unchanged": 14}


def test_whoever_is_taken_over_under_another_id_of_the_mapping_needs_nobody_else(synced: World) -> None:
    text = (synced.root / "mappings" / "personal.yaml").read_text("utf-8")
    synced.mapping("id: anders\n" + text)
    for result in (synced.plan(TEN, mapping="anders"), synced.run(TEN, mapping="anders")):
        assert "nobody_looks_after" not in result.codes
        assert result.counts() == {"unchanged": 10}


def test_release_plans_the_removal_of_a_deleted_mappings_people(two: World) -> None:
    assert two("release", "jugend").codes == ["mapping_exists"]
    two.no_mapping("jugend")
    result = two("release", "jugend")
    assert (result.code, result.status) == (3, "held")
    assert result.counts() == {"held": 5}
    assert two.ids == IDS | YOUNG
    assert two.approve(result.plan).status == "done"
    assert two.ids == IDS
    assert two("release", "jugend").codes == ["unknown_mapping"]


def test_a_release_is_stale_when_the_mapping_is_back(two: World) -> None:
    path = two.root / "mappings" / "jugend.yaml"
    text = path.read_text("utf-8")
    two.no_mapping("jugend")
    plan = two("release", "jugend").plan
    path.write_text(text, "utf-8")
    result = two.approve(plan)
    assert (result.code, result.codes) == (1, ["plan_stale"])
    assert two.ids == IDS | YOUNG


def test_the_last_people_are_released_one_by_one_because_an_empty_list_is_never_sent(synced: World) -> None:
    synced.no_mapping("personal")
    assert synced.approve(synced("release", "personal").plan).status == "done"
    assert synced.ids == set()
    assert len(synced.fe2.deletes) == 10
    assert len(synced.fe2.syncs) == 1


# -- what leaves ------------------------------------------------------------------------------------------------------


def test_removal_delete_deletes_each_first_and_then_sends_the_list(synced: World) -> None:
    synced.mapping(PERSONAL + "    removal: delete\n")
    assert synced.run(without(TEN, 1, 2)).counts() == {"removed": 2, "unchanged": 8}
    assert synced.fe2.deletes == ["1", "2"]
    assert synced.ids == IDS - {"1", "2"}
    assert len(synced.fe2.syncs) == 2


def test_removal_keep_never_lets_anybody_go(synced: World) -> None:
    synced.mapping(PERSONAL + "    removal: keep\n")
    assert synced.run(changed(without(TEN, 1, 2), 3, vorname="Neu")).counts() == {"updated": 1, "unchanged": 7}
    assert synced.ids == IDS


# -- sending again ----------------------------------------------------------------------------------------------------


def test_an_unchanged_list_is_sent_again_after_a_while(synced: World) -> None:
    assert synced.run().status == "unchanged"
    assert len(synced.fe2.syncs) == 1
    synced.configure(resend_after="0s")
    synced.fe2.persons.clear()
    result = synced.run()
    assert (result.code, result.status, result.counts()) == (0, "done", {"unchanged": 10})
    assert synced.ids == IDS


def test_full_sends_what_seems_unchanged(synced: World) -> None:
    synced.fe2.persons.clear()
    assert synced.run(None, "--full").status == "done"
    assert synced.ids == IDS


def test_full_does_not_pass_the_guard(synced: World) -> None:
    result = synced.run(without(TEN, 1, 2, 3, 4), "--full")
    assert result.status == "held"
    assert synced.ids == IDS


def test_after_a_failed_sync_everything_is_sent_again(synced: World) -> None:
    synced.fe2.down = True
    result = synced.run(changed(TEN, 1, vorname="Neu"))
    assert (result.code, result.status, result.counts()) == (1, "failed", {"failed": 1, "unchanged": 9})
    assert result.problem("fe2_unreachable")["hint"]
    synced.fe2.down = False
    synced.fe2.persons.clear()
    result = synced.run(TEN)
    assert (result.status, result.counts()) == ("done", {"unchanged": 10})
    assert synced.ids == IDS


def test_an_answer_that_is_lost_leaves_nobody_out(synced: World) -> None:
    from engine.simulator import Fault

    synced.fe2.fail(Fault(reset="after", times=5))
    assert synced.run([*TEN, person(11)]).status in ("failed", "done")
    assert synced.run([*TEN, person(11)]).status in ("done", "unchanged")
    assert synced.ids == IDS | {"11"}


def test_a_condition_that_does_not_hold_skips_the_run_and_says_why(synced: World) -> None:
    synced.mapping('conditions: "{{ source.rows > 9 }}"\n' + PERSONAL)
    result = synced.run(without(TEN, 1, 2))
    assert (result.code, result.status) == (0, "skipped")
    assert "source.rows > 9" in result.problem("condition_not_met")["message"]
    assert synced.ids == IDS
    assert synced.run(TEN).status == "unchanged"


# -- forgetting -------------------------------------------------------------------------------------------------------


def test_forget_erases_a_person_in_fe2_and_everywhere_in_the_state(synced: World) -> None:
    rows = changed(TEN, 3, vorname="Rumpelstilz", nachname="Zwirbelbart")
    synced.run(rows)
    synced.run(changed(rows, 3, nachname="Quastenflosser", handy="0171-Zwirbelbart"))
    held = synced.run([row | {"email": ""} for row in rows])
    assert held.status == "held"
    assert b"Rumpelstilz" in synced.state_bytes()

    result = synced("forget", "personal", "3")
    assert (result.code, result.status, result.counts()) == (0, "done", {"removed": 1})
    assert synced.ids == IDS - {"3"}
    assert synced.fe2.deletes == ["3"]
    left = synced.state_bytes()
    for name in (b"Rumpelstilz", b"Zwirbelbart", b"Quastenflosser", b"p3@example.org"):
        assert name not in left
    assert b"Vorname4" in left
    assert synced.approve(held.plan).codes == ["plan_not_open"]


def test_who_can_not_be_deleted_is_not_forgotten(synced: World) -> None:
    synced.fe2.delete_allowed = False
    result = synced("forget", "personal", "3")
    assert (result.code, result.status) == (1, "failed")
    assert b"Vorname3" in synced.state_bytes()
    assert synced.ids == IDS


def test_forget_tells_a_mistyped_mapping(synced: World) -> None:
    result = synced("forget", "personel", "3")
    assert (result.code, result.codes) == (1, ["unknown_mapping"])
    assert "personal" in result.json["problems"][0]["hint"]


def test_forgetting_nobody_is_no_error(synced: World) -> None:
    result = synced("forget", "personal", "999")
    assert (result.code, result.status, result.codes) == (1, "refused", ["unknown_person"])


@pytest.mark.parametrize(("removal", "left"), [("trash", 1), ("delete", 1), ("keep", 2)])
def test_forget_in_greyhound_does_what_the_mapping_allows(world: World, removal: str, left: int) -> None:
    greyhound = world.connect_greyhound()
    world.mapping(CONTACTS + f"    removal: {removal}\n", name="contacts")
    assert world.run(people(2), mapping="contacts").status == "done"
    result = world("forget", "contacts", "1")
    assert (result.code, result.status) == (0, "done")
    assert len([c for c in greyhound.contacts.values() if not int(c.get("Flags") or 0) & 2]) == left
    assert b"Vorname1" not in world.state_bytes()
    assert b"Vorname2" in world.state_bytes()
    assert greyhound.breaches == []


# -- contacts of mappings that are gone -------------------------------------------------------------------------------


def test_a_contact_is_taken_over_and_survives_the_release_of_the_old_mapping(world: World) -> None:
    greyhound = world.connect_greyhound()
    world.mapping(CONTACTS, name="contacts")
    assert world.run(people(3), mapping="contacts").status == "done"
    world.no_mapping("contacts")
    world.mapping(CONTACTS, name="neu", path="inbox/neu*.csv")
    assert world.run(people(2), mapping="neu").counts("greyhound.sync") == {"unchanged": 2}
    released = world("release", "contacts")
    assert released.counts("greyhound.sync") == {"held": 1}
    assert world.approve(released.plan).status == "done"
    live = [c["Subject"] for c in greyhound.contacts.values() if not int(c.get("Flags") or 0) & 2]
    assert sorted(live) == ["Vorname1 Nachname1", "Vorname2 Nachname2"]


def test_a_contact_of_two_mappings_goes_with_the_last_one_that_drops_the_person(world: World) -> None:
    greyhound = world.connect_greyhound()
    world.mapping(CONTACTS + "    removal: trash\n", name="contacts")
    world.mapping(CONTACTS + "    removal: trash\n", name="auch", path="inbox/auch*.csv")

    def live() -> int:
        return len([c for c in greyhound.contacts.values() if not int(c.get("Flags") or 0) & 2])

    assert world.run(people(5), mapping="contacts").status == "done"
    assert world.run(people(5), mapping="auch").status == "done"
    assert world.run(people(4), mapping="contacts").counts("greyhound.sync") == {"removed": 1, "unchanged": 4}
    assert live() == 5
    assert world.run(people(4), mapping="auch").counts("greyhound.sync") == {"removed": 1, "unchanged": 4}
    assert live() == 4


def test_a_greyhound_connection_that_leads_to_another_server_starts_anew(world: World) -> None:
    world.connect_greyhound()
    world.mapping(CONTACTS, name="contacts")
    assert world.run(people(3), mapping="contacts").status == "done"
    other = world.connect_greyhound()
    other.add_contact(Subject="Fremd")
    known = other.add_contact(Subject="Alt", user_fields={6: "2"})
    assert world.run(people(3), mapping="contacts").counts("greyhound.sync") == {"created": 2, "updated": 1}
    assert other.contacts[known]["Subject"] == "Vorname2 Nachname2"
    assert len(other.contacts) == 4
    assert world.run(people(3), mapping="contacts").status == "unchanged"


def test_a_server_whose_certificate_is_not_verified_is_reported_at_every_start(world: World) -> None:
    world.configure(first_sync="go", verify_tls="false")
    world.mapping()
    for _run in range(2):
        assert "tls_not_verified" in world.run(TEN).codes


# -- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["00042", "01067", "no", "1e5", "12:30", "null", "0x10", "1_000", "2026-01-02", "ß€"])
def test_a_value_arrives_at_fe2_as_it_was_typed(world: World, value: str) -> None:
    world.configure(first_sync="go")
    world.mapping(PERSONAL.replace("      mobil:", f"      note: {value}\n      mobil:"))
    assert world.run([person(value, vorname=value)]).status == "done"
    assert world.at_fe2(value)["firstName"] == value
    assert world.at_fe2(value)["note"] == ("" if value == "null" else value)


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("", ""),
        ("0151-2000001", "00491512000001"),
        ("151 2000001", "00491512000001"),
        ("+49 (0)151 2000001", "00491512000001"),
        ("0049 151 2000001", "00491512000001"),
        ("491512000001", "00491512000001"),
        ("+43 664 1234567", "00436641234567"),
    ],
)
def test_a_phone_number_arrives_in_the_vendors_form(world: World, typed: str, sent: str) -> None:
    world.configure(first_sync="go")
    world.mapping(mobil='"{{ handy | phone }}"')
    assert world.run([person(1, handy=typed)]).status == "done"
    assert world.at_fe2(1)["mobil"] == sent


def test_an_id_prefix_is_put_before_every_id(world: World) -> None:
    world.configure(first_sync="go", id_prefix='"MS-"')
    world.mapping()
    world.run(TEN)
    assert world.ids == {f"MS-{number}" for number in IDS}
    world.run(without(TEN, 1))
    assert "MS-1" not in world.ids
