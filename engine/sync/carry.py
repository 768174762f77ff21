"""Carrying out a plan, action by action, and counting what became of every change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from engine.config.load import Project
from engine.i18n import _, ngettext
from engine.problems import NOWHERE, Problem, TargetStopped
from engine.state.ledger import StateLedger
from engine.sync.account import (
    ActionReport,
    Report,
    Tools,
    change_as_json,
    worst,
)
from engine.sync.owners import HANDED_OVER, place_of, server_changed
from engine.sync.plan import ActionPlan, Change, Plan
from engine.sync.record import Owner
from engine.sync.script import Job
from engine.target.base import Effects, Outcome, Target

FAILURES = ("failed", "conflict", "locked")


Targets = Mapping[tuple[str, str], Target]
"""By connection and action: a released mapping may have had one action on two connections."""


def targets_of(job: Job) -> dict[tuple[str, str], Target]:
    """The targets of a mapping."""
    return {(job.action(name).model.connection, name): target for name, target in job.targets.items()}


def carry_out(project: Project, plan: Plan, targets: Targets, tools: Tools, report: Report) -> None:
    """Bring the targets to what the plan does not hold. Actions are independent: each is tried."""
    for action in plan.actions:
        target = targets[action.connection, action.id]
        report.actions.append(_carry_out_action(project, plan, action, target, tools, report))
    report.status = worst([action.status for action in report.actions])


def _carry_out_action(
    project: Project, plan: Plan, action: ActionPlan, target: Target, tools: Tools, report: Report
) -> ActionReport:
    made = ActionReport(action.id, action.connection, "unchanged", kept=action.kept)
    made.counts.update(unchanged=action.unchanged, rejected=action.rejected, held=len(action.held))
    stopped: Problem | None = None
    owner = Owner(plan.mapping, action.id)
    if action.let_go:
        tools.store.withdraw(action.connection, owner, action.let_go)
    if action.handed_over:
        tools.store.hand_over(action.connection, owner, action.handed_over, Owner(HANDED_OVER, action.id))
    outcomes: dict[str, Outcome] = {}
    if action.going or action.adopted or action.resend:
        place = place_of(project, action.connection, tools.store)
        moved = server_changed(project, action.connection, tools.store)
        count = len(tools.store.sent(action.connection)) if moved else 0
        still_alone = partial(tools.still_alone, action.connection)
        ledger = StateLedger(tools.store, action.connection, owner, place, moved, still_alone)
        try:
            for outcome in target.apply(_in_doubt(action, ledger), ledger, _effects(tools, still_alone)):
                outcomes[outcome.key] = outcome
        except TargetStopped as error:
            stopped = error.problems[0]
            report.stop(error)
        if count and not ledger.moved:
            report.problems.append(left_behind(action.connection, count))
    for change in action.changes:
        became = outcomes.pop(change.key, None)
        kind = _counted(became, report, action.id)
        reason = _reason(became, stopped, target)
        made.changes.append(change_as_json(change, None if change.held else kind, reason))
        made.counts[kind] += not change.held
    for change in action.adopted:
        became = outcomes.pop(change.key, None)
        if became is None and (stopped is None or target.replaces_everybody):
            continue
        # Somebody unchanged who was sent all the same: worth telling where it was not just that.
        kind = _counted(became, report, action.id)
        if kind in ("failed", "created"):
            made.counts["unchanged"] -= 1
            made.counts[kind] += 1
            made.changes.append(change_as_json(change, kind, _reason(became, stopped, target)))
    made.status = _action_status(action, made, stopped is not None)
    return made


def _effects(tools: Tools, still_alone: Callable[[], None]) -> Effects:
    """Waiting and steps, each followed by a look whether nobody else may write by now."""

    def sleep(seconds: float) -> None:
        tools.sleep(seconds)
        still_alone()

    def step(count: int) -> None:
        tools.steps_done(count)
        still_alone()

    return Effects(sleep, step)


def _in_doubt(action: ActionPlan, ledger: StateLedger) -> ActionPlan:
    """The plan with what is known by now of writes that were never confirmed: it may have waited for an approval."""
    doubtful = ledger.in_doubt()

    def marked(changes: tuple[Change, ...]) -> tuple[Change, ...]:
        return tuple(replace(change, intended=change.key in doubtful) for change in changes)

    return replace(action, changes=marked(action.changes), adopted=marked(action.adopted))


def left_behind(connection: str, count: int, planned: bool = False) -> Problem:
    """What it means that a connection leads to another server by now."""
    message = ngettext(
        "{connection} leads to another server than before: {count} person of the old one is forgotten here.",
        "{connection} leads to another server than before: {count} persons of the old one are forgotten here.",
        count,
    )
    if planned:
        message = ngettext(
            "{connection} leads to another server than before: {count} person of the old one does not count here.",
            "{connection} leads to another server than before: {count} persons of the old one don't count here.",
            count,
        )
    hint = _(
        "They are still over there. Was only the address written in another way, nothing is lost: who is in the "
        "list was found again by the key. Who left it meanwhile stays over there."
    )
    return Problem("server_changed", message.format(connection=connection, count=count), hint, severity="warning")


def _reason(outcome: Outcome | None, stopped: Problem | None, target: Target) -> Problem | None:
    """Why a person's change did not happen: their own failure, or what stopped the target."""
    if outcome is not None:
        return Problem(outcome.code, outcome.message)
    if stopped is None or target.replaces_everybody:
        return stopped
    return replace(stopped, code="not_tried")


def _counted(outcome: Outcome | None, report: Report, action: str) -> str:
    """How an outcome counts; what it says goes into the report. Without an outcome it did not happen."""
    if outcome is not None and outcome.message:
        report.problems.append(_outcome_problem(action, outcome))
    if outcome is None or outcome.kind in FAILURES:
        return "failed"
    return outcome.kind


def _outcome_problem(action: str, outcome: Outcome) -> Problem:
    failed = outcome.kind in FAILURES
    message = _("{action}, key {key}: {message}").format(action=action, key=outcome.key, message=outcome.message)
    return Problem(outcome.code, message, outcome.hint, NOWHERE, "error" if failed else "warning")


def _action_status(action: ActionPlan, made: ActionReport, stopped: bool) -> str:
    if stopped:
        return "failed"
    if action.held:
        return "held"
    if made.counts["rejected"] or made.counts["failed"]:
        return "partial"
    return "done" if action.going or action.resend or action.adopted else "unchanged"
