"""A real target in memory: for the core's own tests, and the shortest example of how a target is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from engine.config.schema import ActionModel, Connection
from engine.problems import Path
from engine.sync.plan import ActionPlan
from engine.sync.record import Record
from engine.target.base import Effects, FieldFault, Ledger, Outcome, looked_after
from engine.template.faults import Fault, Finding
from engine.template.kinds import NAMES, TEXT, AnyKind
from engine.template.program import Field


class MemorySync:
    """Keeps people in :attr:`people`, by key, one change at a time. ``writes`` counts what changed them."""

    action: ClassVar[str] = "memory.sync"
    connection_type: ClassVar[str] = "memory"
    fields: ClassVar[Mapping[str, AnyKind]] = {"name": TEXT, "groups": NAMES}
    required: ClassVar[tuple[str, ...]] = ("name",)
    removals: ClassVar[tuple[str, ...]] = ("delete", "keep")
    found_by: ClassVar[tuple[str, ...]] = ()
    replaces_everybody: ClassVar[bool] = False
    creation_only: ClassVar[tuple[str, ...]] = ()

    def __init__(self, model: ActionModel, connection: Connection) -> None:
        self.model = model
        self.people: dict[str, Record] = {}
        self.writes = 0

    def check(self) -> Iterator[tuple[Path, Finding]]:
        """Nothing can be wrong here."""
        return iter(())

    def extra_fields(self) -> tuple[Field, ...]:
        """No templates but the fields."""
        return ()

    def record(self, key: str, values: Mapping[str, Any]) -> tuple[Record, list[FieldFault]]:
        """The fields as they are."""
        return {"name": values.get("name", ""), "groups": values.get("groups", [])}, []

    def misnamed(self, field: str, name: str) -> Fault | None:
        """Any name may be known."""
        return None

    def doubts(self, records: Iterable[Record]) -> Iterator[FieldFault]:
        """Whatever they are, nothing hangs on it."""
        return iter(())

    def remote_of(self, record: Record) -> str | None:
        """Ids are the ledger's alone."""
        return None

    def loses(self, before: Record, after: Record) -> bool:
        """Nobody is alarmed from here."""
        return False

    def unchangeable(self, before: Record, after: Record) -> FieldFault | None:
        """Everything can change."""
        return None

    def apply(self, plan: ActionPlan, ledger: Ledger, effects: Effects) -> Iterator[Outcome]:
        """One change after the other."""
        if not (plan.going or plan.adopted):
            return
        staying = looked_after(ledger.everybody(), (change for change in plan.going if change.after is None))
        for change in plan.going:
            if change.after is not None:
                self.people[change.key] = change.after
                self.writes += 1
            elif change.remote not in staying:
                self.people.pop(change.key, None)
                self.writes += 1
            ledger.done((change, change.after, change.key))
            yield Outcome(change.key, change.kind)
        for change in plan.adopted:
            ledger.done((change, change.after, change.key))
        ledger.finish()

    def close(self) -> None:
        """Nothing to give back."""
