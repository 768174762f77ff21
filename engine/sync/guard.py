"""PURE: the guard (dsl.md §6). A plan is judged whole, before the first write: it goes, or waits, in part or whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.config.values import Limit
from engine.i18n import _, ngettext
from engine.sync.plan import ANYBODY, ActionPlan, Change, Plan, Reason

HOLDS = (
    "first_sync",
    "shrunk",
    "too_many_rejected",
    "too_many_changes",
    "keys_changed",
    "too_many_removals",
    ANYBODY,
)
"""The codes of the reasons why a plan, or a part of it, waits."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one action allows."""

    max_removals: Limit
    max_changes: Limit | None
    max_rejected: Limit


@dataclass(frozen=True, slots=True)
class Facts:
    """What the plan itself can't know.

    ``rows`` and ``last_rows`` are the file's rows now and in the last good run (None: there was none). ``unidentified``
    counts rows whose key could not be determined. ``first_syncs`` names the FE2 connections that this installation has
    never synced, with the other mappings that write there and were never sent from here.
    """

    limits: Mapping[str, Limits]
    rows: int = 0
    last_rows: int | None = None
    max_shrink: Limit = Limit(0, 30.0)
    unidentified: int = 0
    first_syncs: Mapping[str, tuple[str, ...]] | None = None


def judge(plan: Plan, facts: Facts) -> Plan:
    """The plan with everything marked that must wait for an approval. Refusals came earlier: there is a plan."""
    holds = [*_first_syncs(plan, facts), *_shrunk(facts)]
    removal_holds: list[Reason] = []
    actions: list[ActionPlan] = []
    for action in plan.actions:
        limits = facts.limits[action.id]
        holds += _rejections(action, limits) + _changes(action, limits) + _turnover(action, limits)
        reasons = _removals(action, limits, facts.unidentified)
        removal_holds += reasons
        actions.append(replace(action, changes=tuple(_marked(c, reasons) for c in action.changes)))
    if plan.is_empty:
        # Nothing would be written; what is odd about the file itself still has to be looked at.
        holds = [reason for reason in holds if reason.code != "first_sync"]
    return replace(plan, actions=tuple(actions), holds=tuple(holds), removal_holds=tuple(removal_holds))


def _first_syncs(plan: Plan, facts: Facts) -> list[Reason]:
    reasons = []
    for connection, others in (facts.first_syncs or {}).items():
        # FE2 removes whoever any earlier program or installation synced.
        message = _(
            "This is the first sync of {connection} from here: FE2 removes everybody whom an earlier program or "
            "installation brought there and who is not in this list."
        ).format(connection=connection)
        if others:
            message += " " + _("Not sent from here yet: {names}.").format(names=", ".join(others))
        hint = _("Compare the number of persons with FE2, then approve. `first_sync: go` switches this off.")
        reasons.append(Reason("first_sync", message, hint))
    return reasons


def _shrunk(facts: Facts) -> list[Reason]:
    if facts.last_rows is None or facts.max_shrink.allows(facts.last_rows - facts.rows, facts.last_rows):
        return []
    message = ngettext(
        "The file has {rows} row, the last good one had {last}: more than {limit} fewer.",
        "The file has {rows} rows, the last good one had {last}: more than {limit} fewer.",
        facts.rows,
    ).format(rows=facts.rows, last=facts.last_rows, limit=facts.max_shrink)
    return [Reason("shrunk", message, _("Is the file complete? If it is, approve the plan."))]


def _rejections(action: ActionPlan, limits: Limits) -> list[Reason]:
    if limits.max_rejected.allows(action.rejected, action.known):
        return []
    message = ngettext(
        "{action}: {count} row is rejected, {limit} are allowed.",
        "{action}: {count} rows are rejected, {limit} are allowed.",
        action.rejected,
    ).format(action=action.id, count=action.rejected, limit=limits.max_rejected)
    return [Reason("too_many_rejected", message, _("Mend the rows or the mapping, then run again."), action.id)]


def _changes(action: ActionPlan, limits: Limits) -> list[Reason]:
    updates = action.count("updated")
    if limits.max_changes is None or limits.max_changes.allows(updates, action.known):
        return []
    message = ngettext(
        "{action}: {count} known person would change, {limit} are allowed.",
        "{action}: {count} known persons would change, {limit} are allowed.",
        updates,
    ).format(action=action.id, count=updates, limit=limits.max_changes)
    return [
        Reason("too_many_changes", message, _("Look at the changes; if they are right, approve the plan."), action.id)
    ]


def _turnover(action: ActionPlan, limits: Limits) -> list[Reason]:
    removals = action.count("removed")
    # Who was perhaps created already is known by the key.
    creations = sum(1 for change in action.changes if change.kind == "created" and not change.intended)
    both = not limits.max_removals.allows(removals, action.known) and not limits.max_removals.allows(
        creations, action.known
    )
    if not both:
        return []
    # What a changed key column looks like: leading zeros eaten by a spreadsheet, another column taken as the key.
    message = ngettext(
        "{action}: {removals} person would go and {creations} come at the same time.",
        "{action}: {removals} persons would go and {creations} come at the same time.",
        removals,
    ).format(action=action.id, removals=removals, creations=creations)
    hint = _("Did the key column change (leading zeros lost, other numbers)? If everything is right, approve the plan.")
    return [Reason("keys_changed", message, hint, action.id)]


def _removals(action: ActionPlan, limits: Limits, unidentified: int) -> list[Reason]:
    removed = action.count("removed")
    losing = sum(1 for change in action.changes if change.loses)
    reasons = []
    if not limits.max_removals.allows(removed + losing, action.known):
        going = ngettext("{n} person would be removed", "{n} persons would be removed", removed).format(n=removed)
        if losing:
            text = ngettext(
                "{going} and {n} would lose all alarm groups or the aPager address",
                "{going} and {n} would lose all alarm groups or their aPager address",
                losing,
            )
            going = text.format(going=going, n=losing)
        message = _("{action}: {going}, {limit} are allowed.").format(
            action=action.id, going=going, limit=limits.max_removals
        )
        hint = _("They stay as last sent. If it is right, approve the plan.")
        reasons.append(Reason("too_many_removals", message, hint, action.id))
    if removed and unidentified:
        # A row without a key could be anybody, also one of those who seem to be gone.
        message = ngettext(
            "{action}: {count} row has no key, so nobody is removed.",
            "{action}: {count} rows have no key, so nobody is removed.",
            unidentified,
        ).format(action=action.id, count=unidentified)
        hint = _("No approval lifts this: mend these rows in the list, or leave them out with `where`, then run again.")
        reasons.append(Reason("rows_without_key", message, hint, action.id))
    return reasons


def _marked(change: Change, reasons: list[Reason]) -> Change:
    codes = {reason.code for reason in reasons}
    if change.kind == "removed" and codes:
        return replace(change, held=True)
    if change.loses and "too_many_removals" in codes:
        return replace(change, held=True)
    return change
