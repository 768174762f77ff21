"""The contract of every target: what the core relies on, whatever the system behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import pytest

from engine.sync.plan import ActionPlan
from tests.target.helpers import GONE, ME, NAME, World, held, kinds, removal_of

AWKWARD = {
    "umlauts": "Jürgen Größe-Übel ẞ",
    "quotes": "\"Änne\" 'O’Neill' `x` \\ \\n",
    "markup": "<b>Tom & Jerry</b> &amp; ]]> <!-- --> {{ x }} %s",
    "emoji": "Zoë 🚒👩🏽‍🚒 Ωμέγα 火",
    "one line of many": "Feld 1\nFeld 2\tTab",
}


class Side(ABC):
    """One target with the system behind it, empty at first."""

    removal: str
    world: World

    @abstractmethod
    def values(self, name: str) -> dict[str, Any]:
        """What a mapping gives for a person of this name."""

    @abstractmethod
    def people(self) -> dict[str, str]:
        """Who is there: key -> name. Fails where a key is there twice."""

    @abstractmethod
    def writes(self) -> int:
        """How many requests changed something, or meant to."""

    def breaches(self) -> list[str]:
        """What the strict stand-in took offence at."""
        return []


class Contract:
    """The tests; every target has a subclass with a fixture ``opened``: its side, started."""

    @pytest.fixture
    def side(self, opened: Side) -> Iterator[Side]:
        yield opened
        assert opened.breaches() == []

    @staticmethod
    def run(side: Side, names: dict[str, str], **keys: Any) -> dict[str, str]:
        wanted = {key: side.values(name) for key, name in names.items()}
        return side.world.run(wanted, removal=side.removal, **keys)

    @staticmethod
    def plan(side: Side, names: dict[str, str], **keys: Any) -> ActionPlan:
        wanted = {key: side.values(name) for key, name in names.items()}
        return side.world.plan(wanted, removal=side.removal, **keys)

    @staticmethod
    def assert_exact(side: Side, names: dict[str, str]) -> None:
        """Both the system and the state hold these people, and the state knows it for certain."""
        assert side.people() == names
        target = side.world.target()
        assert side.world.sent() == {key: target.record(key, side.values(name))[0] for key, name in names.items()}
        assert side.world.ledger.is_certain()

    def test_created_persons_are_there_with_their_fields(self, side: Side) -> None:
        assert self.run(side, {"1": "Ada", "2": "Bob"}) == {"1": "created", "2": "created"}
        self.assert_exact(side, {"1": "Ada", "2": "Bob"})

    def test_where_there_is_nothing_to_do_nothing_is_written(self, side: Side) -> None:
        self.run(side, {"1": "Ada"})
        before = side.writes()
        assert self.run(side, {"1": "Ada"}) == {}
        assert side.writes() == before
        self.assert_exact(side, {"1": "Ada"})

    def test_an_update_changes_only_who_differs(self, side: Side) -> None:
        self.run(side, {"1": "Ada", "2": "Bob"})
        before = side.writes()
        assert self.run(side, {"1": "Ada", "2": "Bert"}) == {"2": "updated"}
        assert side.writes() == before + 1
        self.assert_exact(side, {"1": "Ada", "2": "Bert"})

    def test_a_removed_person_is_gone_and_the_others_stay(self, side: Side) -> None:
        self.run(side, {"1": "Ada", "2": "Bob"})
        assert self.run(side, {"1": "Ada"}) == {"2": "removed"}
        self.assert_exact(side, {"1": "Ada"})

    def test_somebody_removed_can_come_back(self, side: Side) -> None:
        self.run(side, {"1": "Ada", "2": "Bob"})
        self.run(side, {"1": "Ada"})
        assert self.run(side, {"1": "Ada", "2": "Bob"}) == {"2": "created"}
        self.assert_exact(side, {"1": "Ada", "2": "Bob"})

    def test_every_outcome_is_named_by_its_key(self, side: Side) -> None:
        self.run(side, {"1": "Ada", "2": "Bob", "3": "Cem"})
        assert self.run(side, {"1": "Ada", "2": "Bert", "4": "Dörte"}) == {
            "2": "updated",
            "3": "removed",
            "4": "created",
        }
        self.assert_exact(side, {"1": "Ada", "2": "Bert", "4": "Dörte"})

    @pytest.mark.parametrize("count", [0, 1, 200])
    def test_planning_again_after_applying_gives_nothing(self, side: Side, count: int) -> None:
        names = {str(number): f"Person {number}" for number in range(count)}
        assert set(self.run(side, names).values()) <= {"created"}
        again = self.plan(side, names)
        assert kinds(again) == {}
        assert again.unchanged == count
        self.assert_exact(side, names)

    def test_a_held_change_is_not_carried_out(self, side: Side) -> None:
        self.run(side, {"1": "Ada", "2": "Bob", "3": "Cem"})
        plan = held(self.plan(side, {"1": "Anna", "2": "Bert"}), "1", "3")
        assert [(o.key, o.kind) for o in side.world.apply(plan)] == [("2", "updated")]
        self.assert_exact(side, {"1": "Ada", "2": "Bert", "3": "Cem"})

    def test_a_plan_that_is_held_as_a_whole_writes_nothing(self, side: Side) -> None:
        self.run(side, {"1": "Ada", "2": "Bob"})
        before = side.writes()
        plan = held(self.plan(side, {"1": "Anna", "3": "Cem"}), "1", "2", "3")
        assert side.world.apply(plan) == []
        assert side.writes() == before
        self.assert_exact(side, {"1": "Ada", "2": "Bob"})

    def test_whoever_was_rejected_stays_as_last_sent(self, side: Side) -> None:
        self.run(side, {"1": "Ada", "2": "Bob"})
        assert self.run(side, {"1": "Anna"}, rejected={"2"}) == {"1": "updated"}
        self.assert_exact(side, {"1": "Anna", "2": "Bob"})

    @pytest.mark.parametrize("name", AWKWARD.values(), ids=AWKWARD)
    def test_every_text_arrives_as_it_is(self, side: Side, name: str) -> None:
        self.run(side, {"1": name})
        self.assert_exact(side, {"1": name})

    @pytest.mark.parametrize("key", ["Ü/ 1?#%", "…", "a'b\"c", "🚒"])
    def test_every_key_finds_its_person_again(self, side: Side, key: str) -> None:
        self.run(side, {key: "Ada", "1": "Bob"})
        assert self.run(side, {key: "Anna", "1": "Bob"}) == {key: "updated"}
        self.assert_exact(side, {key: "Anna", "1": "Bob"})
        assert self.run(side, {"1": "Bob"}) == {key: "removed"}
        self.assert_exact(side, {"1": "Bob"})

    def test_the_people_of_a_mapping_that_is_gone_are_taken_over(self, side: Side) -> None:
        self.run_as_old(side, {"1": "Ada", "2": "Bob"})
        orphans = {str(one.remote): one for one in side.world.store.sent(NAME)}
        self.run(side, {"1": "Ada"}, orphans=orphans)
        assert side.world.sent().keys() == {"1"}
        assert side.people() == {"1": "Ada", "2": "Bob"}

    def test_whoever_was_taken_over_survives_the_release_of_the_old_mapping(self, side: Side) -> None:
        self.run_as_old(side, {"1": "Ada", "2": "Bob"})
        orphans = {str(one.remote): one for one in side.world.store.sent(NAME)}
        self.run(side, {"1": "Ada"}, orphans=orphans)
        side.world.owner = GONE
        left = side.world.store.sent(NAME, GONE.mapping, GONE.action)
        changes = tuple(removal_of(one) for one in left)
        side.world.apply(ActionPlan("sync", NAME, side.world.target().action, side.removal, changes))
        assert side.people() == {"1": "Ada"}
        assert side.world.sent() == {}

    @staticmethod
    def run_as_old(side: Side, names: dict[str, str]) -> None:
        side.world.owner = GONE
        Contract.run(side, names)
        side.world.owner = ME
