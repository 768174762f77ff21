"""What holds for every list: planning, judging, and the whole way to FE2 and back."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from engine.config.values import Limit
from engine.state.codec import plan_from_json, plan_to_json
from engine.sync.guard import Facts, Limits, judge
from engine.sync.plan import ActionPlan, Plan, plan_action
from engine.sync.record import Owner, Person, Record, Sent
from tests.world import PERSONAL, Row, World, person

ME = Owner("personal", "fe2.sync")
KEYS = [str(number) for number in range(12)]
KEY = st.sampled_from(KEYS)
RECORDS = st.fixed_dictionaries({"name": st.sampled_from("abc"), "groups": st.sampled_from([[], ["x"], ["y"]])})
LISTS = st.dictionaries(KEY, RECORDS)
REMOVALS = st.sampled_from(["sync", "keep", "delete"])
LIMIT = st.builds(Limit, st.integers(0, 5), st.none() | st.sampled_from([0.0, 10.0, 50.0, 100.0]))


def loses(before: Record, after: Record) -> bool:
    return bool(before["groups"] and not after["groups"])


def as_sent(records: dict[str, Record]) -> dict[str, Sent]:
    return {key: Sent(ME, key, record, record.get("id", key)) for key, record in records.items()}


def planned(
    wanted: dict[str, Record], sent: dict[str, Sent], rejected: Collection[str] = (), removal: str = "sync"
) -> ActionPlan:
    persons = [Person(key, record, 1, 2) for key, record in wanted.items() if key not in rejected]
    base = ActionPlan("fe2.sync", "fe2", "fe2.sync", removal, rejected=len(rejected))
    return plan_action(base, persons, rejected, sent, {}, loses, lambda record: record.get("id"))


def judged(plan: ActionPlan, limit: Limit, unidentified: int = 0) -> ActionPlan:
    limits = {plan.id: Limits(limit, None, Limit(1000))}
    made = judge(Plan("personal", (plan,)), Facts(limits, unidentified=unidentified))
    return made.actions[0] if not made.holds else ActionPlan("fe2.sync", "fe2", "fe2.sync", "sync")


def after(sent: dict[str, Sent], plan: ActionPlan) -> dict[str, Sent]:
    """Who was sent once a plan was carried out."""
    left = dict(sent)
    for change in (*plan.going, *plan.adopted):
        if change.taken_from == ME:
            left = {key: one for key, one in left.items() if one.remote != change.remote}
        if change.after is None:
            del left[change.key]
        else:
            left[change.key] = Sent(ME, change.key, change.after, change.after.get("id", change.key))
    return left


@given(LISTS, LISTS, REMOVALS)
def test_planning_again_after_applying_gives_an_empty_plan(
    wanted: dict[str, Record], before: dict[str, Record], removal: str
) -> None:
    sent = as_sent(before)
    done = after(sent, planned(wanted, sent, removal=removal))
    again = planned(wanted, done, removal=removal)
    assert (again.changes, again.adopted) == ((), ())


@given(LISTS, LISTS, st.sets(KEY), REMOVALS)
def test_nobody_who_is_rejected_is_changed_or_removed(
    wanted: dict[str, Record], before: dict[str, Record], rejected: set[str], removal: str
) -> None:
    plan = planned(wanted, as_sent(before), rejected, removal)
    assert rejected.isdisjoint(change.key for change in plan.changes)


@given(LISTS, LISTS, st.sets(KEY), REMOVALS)
def test_everybody_is_counted_once(
    wanted: dict[str, Record], before: dict[str, Record], rejected: set[str], removal: str
) -> None:
    plan = planned(wanted, as_sent(before), rejected, removal)
    taken = len(wanted.keys() - rejected)
    assert plan.count("created") + plan.count("updated") + plan.unchanged == taken
    stayed = plan.count("updated") + plan.unchanged + plan.count("removed") + plan.kept + len(before.keys() & rejected)
    assert stayed == plan.known == len(before)


@given(LISTS, LISTS, st.sets(KEY), LIMIT)
def test_the_guard_never_lets_more_than_the_limit_go(
    wanted: dict[str, Record], before: dict[str, Record], rejected: set[str], limit: Limit
) -> None:
    plan = judged(planned(wanted, as_sent(before), rejected), limit)
    lost = [change for change in plan.going if change.kind == "removed" or change.loses]
    assert limit.allows(len(lost), len(before))


@given(LISTS, LISTS, LIMIT)
def test_with_a_row_that_could_be_anybody_nobody_goes(
    wanted: dict[str, Record], before: dict[str, Record], limit: Limit
) -> None:
    plan = judged(planned(wanted, as_sent(before)), limit, unidentified=1)
    assert not [change for change in plan.going if change.kind == "removed"]


@given(LISTS, LISTS, LIMIT)
def test_a_plan_survives_being_written_down(wanted: dict[str, Record], before: dict[str, Record], limit: Limit) -> None:
    plan = judge(
        Plan("personal", (planned(wanted, as_sent(before)),)),
        Facts({"fe2.sync": Limits(limit, Limit(1), Limit(0))}, first_syncs={"fe2": ("x",)}),
    )
    assert plan_from_json(plan_to_json(plan)) == plan
    assert plan_from_json(plan_to_json(plan)).fingerprint() == plan.fingerprint()


@given(LISTS, LISTS, LIMIT)
def test_what_goes_and_what_is_held_are_the_whole_plan(
    wanted: dict[str, Record], before: dict[str, Record], limit: Limit
) -> None:
    plan = judge(Plan("p", (planned(wanted, as_sent(before)),)), Facts({"fe2.sync": Limits(limit, None, Limit(99))}))
    action = plan.actions[0]
    assert len(action.going) + len(action.held) == len(action.changes)
    waiting = plan.only_held().released().actions[0].going
    assert {change.key for change in (*action.going, *waiting)} == {change.key for change in action.changes}


IDS = st.sampled_from(["i", "j", "k", "l"])


@given(st.dictionaries(KEY, IDS, max_size=4), st.dictionaries(KEY, IDS, max_size=4))
def test_an_id_that_stays_is_never_removed_whatever_its_key(wanted: dict[str, str], before: dict[str, str]) -> None:
    """Ids are unique in a list, and a known key keeps its id: the gatherer sees to that."""
    old = {key: name for key, name in before.items() if list(before.values()).count(name) == 1}
    new = {key: old.get(key, name) for key, name in wanted.items()}
    new = {key: name for key, name in new.items() if list(new.values()).count(name) == 1}
    records = {key: {"id": name, "name": "a", "groups": ["x"]} for key, name in new.items()}
    sent = as_sent({key: {"id": name, "name": "a", "groups": ["x"]} for key, name in old.items()})
    plan = planned(records, sent)
    removed = {change.remote for change in plan.changes if change.kind == "removed"}
    assert removed.isdisjoint(new.values())
    left = after(sent, plan)
    assert sorted(str(one.remote) for one in left.values()) == sorted(new.values())


# -- the whole way ----------------------------------------------------------------------------------------------------

ROWS = st.lists(
    st.builds(
        person,
        st.sampled_from(["1", "2", "3", "4", "5", "6", "7", "8", ""]),
        status=st.sampled_from(["aktiv", "aktiv", "aktiv", "ausgetreten"]),
        zug=st.sampled_from(["1", "1", "2", "?"]),
        vorname=st.sampled_from(["Anna", "Bernd"]),
        email=st.sampled_from(["a@example.org", "a@example.org", "", "kaputt"]),
    ),
    max_size=9,
)


@contextmanager
def fresh_world() -> Iterator[World]:
    with (
        tempfile.TemporaryDirectory() as folder,
        ExitStack() as stack,
        patch("engine.cli.common.time", SimpleNamespace(sleep=lambda _seconds: None)),
    ):
        yield World(Path(folder) / "project", stack)


# Without shrinking: an example takes a second, and a failing one is short enough to be read.
@settings(max_examples=6, deadline=None, derandomize=True, phases=[Phase.generate])
@given(st.lists(ROWS, min_size=2, max_size=4))
def test_whatever_lists_come_fe2_loses_nobody_by_accident(lists: list[list[Row]]) -> None:
    with fresh_world() as world:
        world.configure(first_sync="go")
        world.mapping(PERSONAL + "    guard: {max_removals: 2}\n")
        for rows in lists:
            before = dict(world.fe2.persons)
            result = world.run(rows)
            assert result.code in (0, 1, 3, 4), result.out + result.err
            lost = before.keys() - world.fe2.persons.keys()
            unalarmed = {
                key
                for key, one in world.fe2.persons.items()
                if key in before and any(before[key][name] and not one[name] for name in ("alarmGroups", "aPagerPro"))
            }
            assert len(lost | unalarmed) <= 2
            rejected = {entry["key"] for entry in result.json["rejected"]}
            assert not lost & rejected
            assert all(world.fe2.persons[key] == before[key] for key in rejected & before.keys())
            if any(not row["nr"] and row["status"] == "aktiv" for row in rows):
                assert not lost
            again = world.run()
            assert again.status in ("unchanged", "partial", "held", "refused")
            assert not [change for action in again.json["actions"] for change in action["changes"]
                        if not change.get("held")]  # fmt: skip
        assert world.fe2.breaches == []
