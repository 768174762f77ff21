"""PURE: desired x last sent -> a plan: who is new, changed or gone, and who is left as last sent.

A plan is immutable and holds everything it will send. Nothing is written before a plan exists.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from engine.sync.record import Owner, Person, Record, Sent, differing, digest

ChangeKind = Literal["created", "updated", "removed"]
ANYBODY = "rows_without_key"
"""The code of the reason that no approval lifts: a row could be anybody, also one of those who seem to be gone."""


@dataclass(frozen=True, slots=True)
class Change:
    """What shall happen to one person. ``held``: not before somebody approves; until then they stay as last sent.

    ``taken_from`` says who sent the person before: a mapping that no longer exists, or this one under another key.
    ``intended``: an earlier write about them was never confirmed; over there they may differ from ``before``.
    """

    kind: ChangeKind
    key: str
    before: Record | None
    after: Record | None
    remote: str | None = None
    row: int | None = None
    line: int | None = None
    loses: bool = False
    held: bool = False
    taken_from: Owner | None = None
    intended: bool = False

    def fields(self) -> dict[str, tuple[Any, Any]]:
        """The fields that differ, before and after."""
        return differing(self.before, self.after)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is held: a stable code and a text for people."""

    code: str
    message: str
    hint: str = ""
    action: str | None = None


@dataclass(frozen=True, slots=True)
class ActionPlan:
    """One action's part. ``known`` counts the persons last sent; ``rejected`` the rows this action could not take.

    ``kept`` counts persons who are not in the source and stay because ``removal`` is keep. ``handed_over`` are keys of
    persons whom somebody else claims: they stay, and are no longer this action's. ``let_go`` are keys of those who
    were perhaps created and are not in the source any more, where ``removal`` is keep.
    """

    id: str
    connection: str
    target: str
    removal: str
    changes: tuple[Change, ...] = ()
    unchanged: int = 0
    rejected: int = 0
    known: int = 0
    kept: int = 0
    adopted: tuple[Change, ...] = ()
    resend: bool = False
    handed_over: tuple[str, ...] = ()
    let_go: tuple[str, ...] = ()

    def count(self, kind: ChangeKind, held: bool = False) -> int:
        """How many changes of a kind are held, or are not."""
        return sum(1 for change in self.changes if change.kind == kind and change.held == held)

    @property
    def going(self) -> tuple[Change, ...]:
        """The changes that may be carried out."""
        return tuple(change for change in self.changes if not change.held)

    @property
    def held(self) -> tuple[Change, ...]:
        """The changes that wait for an approval."""
        return tuple(change for change in self.changes if change.held)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything one run wants. ``holds`` are reasons why nothing of it may be written before an approval."""

    mapping: str
    actions: tuple[ActionPlan, ...]
    mapping_hash: str = ""
    connection_hashes: Mapping[str, str] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)
    holds: tuple[Reason, ...] = ()
    removal_holds: tuple[Reason, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to send: no changes, nobody to take over, nothing to send again."""
        return not any(action.changes or action.adopted or action.resend for action in self.actions)

    @property
    def is_held(self) -> bool:
        """Whether anything waits for an approval."""
        return bool(self.holds) or any(action.held for action in self.actions)

    def fingerprint(self) -> str:
        """What an approval is about: everything the plan does, where and how, and why it waits."""
        actions = [
            [action.id, action.connection, self.connection_hashes.get(action.connection), action.removal]
            + [[change.kind, change.key, change.before, change.after] for change in action.changes]
            for action in self.actions
        ]
        return digest([actions, sorted(reason.code for reason in self.holds)])

    def only_held(self) -> Plan:
        """The plan that is left once everything that may go out has gone out."""
        actions = tuple(
            replace(action, changes=action.held, adopted=(), resend=False, handed_over=()) for action in self.actions
        )
        return replace(self, actions=actions)

    def released(self) -> Plan:
        """The plan with nothing held any more that an approval can release: somebody approved it.

        While a row could be anybody nobody is removed, whoever approves (dsl.md §5).
        """
        barred = {reason.action for reason in self.removal_holds if reason.code == ANYBODY}
        actions = tuple(
            replace(
                action,
                changes=tuple(
                    replace(change, held=action.id in barred and change.kind == "removed") for change in action.changes
                ),
            )
            for action in self.actions
        )
        left = tuple(reason for reason in self.removal_holds if reason.code == ANYBODY)
        return replace(self, actions=actions, holds=(), removal_holds=left)


def plan_action(
    base: ActionPlan,
    persons: Iterable[Person],
    rejected_keys: Collection[str],
    sent: Mapping[str, Sent],
    orphans: Mapping[str, Sent],
    loses: Callable[[Record, Record], bool],
    remote_of: Callable[[Record], str | None],
    creation_only: Collection[str] = (),
    everything: bool = False,
    orphan_of: Callable[[Person], Sent | None] = lambda _person: None,
    rejected_remotes: Collection[str] = (),
    wanted_elsewhere: Collection[str] = (),
) -> ActionPlan:
    """Compare who is wanted with who was last sent.

    ``rejected_keys`` belong to rows that failed: whoever was sent before stays as last sent. ``orphans`` are persons of
    mappings that no longer exist, by their id over there: whoever claims one takes it over; where records hold no such
    id, ``orphan_of`` finds them. ``loses`` says whether an update would take a person out of the alarm. With
    ``everything`` unchanged persons are sent as well. ``rejected_remotes``, ids that rejected rows bring under
    whatever key, are not removed; nor are those that are ``wanted_elsewhere``: they are handed over to whom they are
    claimed by. Whoever is ``intended`` is written
    again although nothing differs; who was perhaps created counts as new, or, where nobody wants them, as removed.
    """
    changes: list[Change] = []
    adopted: list[Change] = []
    unchanged = 0
    persons = list(persons)
    wanted = {person.key for person in persons}
    gone = {
        key: one
        for key, one in sent.items()
        if key not in wanted and key not in rejected_keys and one.remote not in rejected_remotes
    }
    gone_by_remote = {one.remote: one for one in gone.values() if one.remote is not None}
    for person in persons:
        before = sent.get(person.key)
        perhaps = before is not None and before.is_perhaps
        taken = None
        if before is None or before.is_perhaps:
            # The same id under another key is the same person; so is a person of a mapping that is gone.
            remote = remote_of(person.record)
            before = gone_by_remote.get(remote) if remote is not None else None
            if before is not None:
                del gone[before.key]
            else:
                before = orphans.get(remote) if remote is not None else orphan_of(person)
            taken = before.owner if before is not None else None
        if before is None or before.is_perhaps:
            made = Change("created", person.key, None, person.record, row=person.row, line=person.line)
            changes.append(replace(made, taken_from=taken, intended=perhaps or before is not None))
            continue
        change = Change(
            "updated",
            person.key,
            before.record,
            person.record,
            before.remote,
            person.row,
            person.line,
            loses=loses(before.record, person.record),
            taken_from=taken,
            intended=before.intended,
        )
        if any(name not in creation_only for name in differing(before.record, person.record)):
            changes.append(change)
            continue
        unchanged += 1
        if taken is not None or everything or before.intended:
            adopted.append(change)
    handed_over = [one.key for one in gone.values() if one.remote in wanted_elsewhere]
    leaving = [one for one in gone.values() if base.removal != "keep" and one.key not in handed_over]
    changes += [Change("removed", one.key, one.record, None, one.remote, intended=one.intended) for one in leaving]
    let_go = tuple(one.key for one in gone.values() if base.removal == "keep" and one.is_perhaps)
    return replace(
        base,
        changes=tuple(changes),
        adopted=tuple(adopted),
        unchanged=unchanged,
        known=len(sent),
        kept=len(gone) - len(leaving) - len(handed_over) - len(let_go),
        handed_over=tuple(handed_over),
        let_go=let_go,
    )
