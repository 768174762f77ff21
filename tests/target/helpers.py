"""What the tests of targets share: a state in a folder, pauses that are only noted, plans from plain values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.config.schema import ActionModel, Connection
from engine.problems import Problem, TargetStopped
from engine.state.ledger import StateLedger
from engine.state.store import Store
from engine.sync.plan import ActionPlan, Change, plan_action
from engine.sync.record import Owner, Person, Record, Sent
from engine.target.base import Effects, Outcome, Target

ME = Owner("personal", "sync")
GONE = Owner("old", "sync")
NAME = "connection"


def action(name: str, **keys: Any) -> ActionModel:
    """An action of a mapping."""
    return ActionModel.model_validate({"action": name, "connection": NAME, "fields": {}, **keys})


@dataclass
class World:
    """A target with its state; runs are made the way the core makes them."""

    kind: type[Target]
    connection: Connection
    model: ActionModel
    store: Store
    owner: Owner = ME
    sleeps: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)

    @classmethod
    def made(cls, kind: type[Target], connection: Connection, model: ActionModel, folder: Path) -> World:
        # The real state and its statements, without the waiting for a disk.
        return cls(kind, connection, model, Store(folder, "sqlite://"))

    @property
    def ledger(self) -> StateLedger:
        return StateLedger(self.store, NAME, self.owner)

    def sent(self) -> dict[str, Record]:
        """Whom this action last sent."""
        return {one.key: one.record for one in self._mine() if not one.is_perhaps}

    def remotes(self) -> dict[str, str | None]:
        return {one.key: one.remote for one in self._mine() if not one.is_perhaps}

    def intended(self) -> set[str]:
        """The keys about which a write began and was never confirmed."""
        return {one.key for one in self._mine() if one.intended}

    def _mine(self) -> list[Sent]:
        return self.store.sent(NAME, self.owner.mapping, self.owner.action)

    def target(self) -> Target:
        return self.kind(self.model, self.connection)

    def plan(
        self,
        wanted: Mapping[str, Mapping[str, Any]],
        rejected: Collection[str] = (),
        orphans: Mapping[str, Sent] | None = None,
        removal: str | None = None,
        full: bool = False,
    ) -> ActionPlan:
        """The plan of a run whose source gives ``wanted``: key -> values of fields."""
        target = self.target()
        persons = []
        for row, (key, values) in enumerate(wanted.items()):
            record, faults = target.record(key, values)
            assert [fault for fault in faults if not fault.warning] == []
            persons.append(Person(key, record, row, row))
        known = {one.key: one for one in self.store.sent(NAME, self.owner.mapping, self.owner.action)}
        base = ActionPlan("sync", NAME, target.action, removal or self.model.removal or target.removals[0])
        by_key = {one.key: one for one in (orphans or {}).values()}
        return plan_action(
            base,
            persons,
            rejected,
            known,
            orphans or {},
            target.loses,
            target.remote_of,
            target.creation_only,
            everything=full and not target.replaces_everybody,
            orphan_of=lambda person: by_key.get(person.key),
        )

    def apply(self, plan: ActionPlan) -> list[Outcome]:
        """Carry out a plan with a fresh target, as every run does."""
        target = self.target()
        try:
            return list(target.apply(plan, self.ledger, Effects(self.sleeps.append, self.steps.append)))
        finally:
            target.close()

    def run(self, wanted: Mapping[str, Mapping[str, Any]], **keys: Any) -> dict[str, str]:
        """Plan and apply; what became of each key."""
        return {outcome.key: outcome.kind for outcome in self.apply(self.plan(wanted, **keys))}

    def outcomes(self, wanted: Mapping[str, Mapping[str, Any]], **keys: Any) -> dict[str, Outcome]:
        return {outcome.key: outcome for outcome in self.apply(self.plan(wanted, **keys))}

    def stopped(self, plan: ActionPlan) -> tuple[list[Outcome], Problem]:
        """Carry out a plan that the target gives up: what became of some, and why."""
        target = self.target()
        done: list[Outcome] = []
        try:
            for outcome in target.apply(plan, self.ledger, Effects(self.sleeps.append, self.steps.append)):
                done.append(outcome)
        except TargetStopped as error:
            return done, error.problems[0]
        finally:
            target.close()
        raise AssertionError(f"The target did not stop: {done}")


def held(plan: ActionPlan, *keys: str) -> ActionPlan:
    """The plan with the changes of these keys held."""
    return replace(plan, changes=tuple(replace(c, held=c.held or c.key in keys) for c in plan.changes))


def kinds(plan: ActionPlan) -> dict[str, str]:
    """What a plan wants to do to each key."""
    return {change.key: change.kind for change in plan.changes}


def removal_of(one: Sent) -> Change:
    """The removal of somebody as last sent."""
    return Change("removed", one.key, one.record, None, one.remote)
