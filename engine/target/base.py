"""What a target is (one small Protocol), and what it may note while it writes.

A target is one module and one entry in :data:`engine.target.TARGETS`. It declares its fields and abilities, says what a
person must look like, and carries out a finished action plan. Locks, plans and the guard live outside of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from engine.config.schema import ActionModel, Connection
from engine.problems import Path, Problem
from engine.sync.plan import ActionPlan, Change
from engine.sync.record import Record, Sent
from engine.template.faults import Fault, Finding
from engine.template.kinds import AnyKind
from engine.template.program import Field

OutcomeKind = Literal["created", "updated", "removed", "unchanged", "failed", "conflict", "locked"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change. ``kind`` may differ from the plan's: a contact that was there already is updated."""

    key: str
    kind: OutcomeKind
    code: str = ""
    message: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class FieldFault:
    """A rule of the target that a person breaks (``warning``: that it bends)."""

    field: str | None
    fault: Fault
    warning: bool = False


Settled = tuple[Change, Record | None, str | None]
"""A change that took effect, with the record and the id that the target holds now (None: nobody)."""


class Ledger(Protocol):
    """The state as one action of one connection sees it. Every method is a transaction of its own."""

    def everybody(self) -> list[Sent]:
        """All persons last sent over this connection, of all mappings."""

    def is_certain(self) -> bool:
        """Whether what the target holds is known: the last write ended in a clear success."""

    def begin(self) -> None:
        """From now on what the target holds is unknown, until :meth:`finish`."""

    def intend(self, changes: Iterable[Change]) -> None:
        """These persons are going to be written one by one: until :meth:`done` what is over there of them is not known.

        Whoever is left without it is looked at by the next run, also where nothing seems to have changed.
        """

    def withdraw(self, keys: Collection[str]) -> None:
        """Nothing was written about these persons after all, and nothing is under way."""

    def finish(self, changes: Iterable[tuple[Change, str | None]] = ()) -> None:
        """The whole write was a clear success: these changes took effect, with their ids over there."""

    def done(self, *settled: Settled) -> None:
        """These changes took effect."""

    def client_id(self, make: Callable[[], str]) -> str:
        """The id of this installation at the target, made once and kept."""


@dataclass(frozen=True)
class Effects:
    """Everything impure a target needs besides its ledger: waiting, and telling how far it is."""

    sleep: Callable[[float], None]
    step: Callable[[int], None] = field(default=lambda done: None)


def looked_after(everybody: Iterable[Sent], removed: Iterable[Change]) -> set[str]:
    """The ids over there that somebody holds also when these persons leave: under another key, or another mapping's.

    They stay over there; only the state forgets that this action sent them.
    """
    left = Counter(one.remote for one in everybody if one.remote is not None)
    left.subtract(change.remote for change in removed if change.remote is not None)
    return {remote for remote, count in left.items() if count > 0}


PingStatus = Literal["reached", "doubtful", "refused", "unreachable"]
"""``doubtful``: somebody answered who may be another one. ``refused``: the login or the key is not accepted."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Something over there that a mapping can name by its number. ``flaw`` says why a mapping can't use it."""

    id: int
    name: str
    flaw: str | None = None


@dataclass(frozen=True, slots=True)
class Pong:
    """What a target answered to a call that changes nothing.

    ``unproven`` says what only a real write can show, ``notes`` what is good to know; lists are None where the target
    has no such thing or did not tell.
    """

    status: PingStatus
    problems: tuple[Problem, ...] = ()
    version: str | None = None
    unproven: str = ""
    notes: tuple[str, ...] = ()
    user_fields: tuple[Listed, ...] | None = None
    groups: tuple[Listed, ...] | None = None


class Ping(Protocol):
    """Reaches a connection's server without changing anything there. Never raises for what the server does."""

    def __call__(
        self, connection: Connection, client_id: Callable[[Callable[[], str]], str], sleep: Callable[[float], None]
    ) -> Pong:
        """``client_id`` gives the id of this installation at the target, see :meth:`Ledger.client_id`."""


class Target(Protocol):
    """One action's target. The class attributes describe it; an instance belongs to one action and its connection."""

    action: ClassVar[str]
    connection_type: ClassVar[str]
    fields: ClassVar[Mapping[str, AnyKind]]
    required: ClassVar[tuple[str, ...]]
    removals: ClassVar[tuple[str, ...]]
    creation_only: ClassVar[tuple[str, ...]]
    """Fields that matter when a person is created and never again."""
    found_by: ClassVar[tuple[str, ...]]
    """The keys of ``match``: how a person is found again over there. One must be named where there are any."""
    replaces_everybody: ClassVar[bool]
    """One call replaces everybody: a person left out is deleted, and an empty list must never be sent."""

    def __init__(self, model: ActionModel, connection: Connection) -> None: ...

    def check(self) -> Iterator[tuple[Path, Finding]]:
        """What is wrong with the action beyond its fields; paths count from the action.

        What comes after ``connection`` is a key of that connection in configuration.yaml.
        """

    def extra_fields(self) -> tuple[Field, ...]:
        """Templates of the action outside of ``fields`` that are rendered with them."""

    def record(self, key: str, values: Mapping[str, Any]) -> tuple[Record, list[FieldFault]]:
        """What the target gets for a person, and every rule this breaks."""

    def misnamed(self, field: str, name: str) -> Fault | None:
        """Why the target can't know a name in a list field, as far as the settings tell."""

    def doubts(self, records: Iterable[Record]) -> Iterator[FieldFault]:
        """What is odd about all persons together although none of them breaks a rule."""

    def remote_of(self, record: Record) -> str | None:
        """The id over there, where the record itself says it."""

    def loses(self, before: Record, after: Record) -> bool:
        """Whether an update takes something vital away and so counts as a removal for the guard."""

    def unchangeable(self, before: Record, after: Record) -> FieldFault | None:
        """Why a known person can't become this."""

    def apply(self, plan: ActionPlan, ledger: Ledger, effects: Effects) -> Iterator[Outcome]:
        """Carry out what the plan does not hold. Raises :class:`TargetStopped` when the rest is lost."""

    def close(self) -> None:
        """Give connections back."""
