"""Carrying out a plan, action by action, and counting what became of every change."""

from __future__ import annotations

from collections.abc import Mapping

from engine.config.load import Project
from engine.i18n import _
from engine.problems import NOWHERE, Problem, TargetStopped
from engine.state.store import StateLedger
from engine.sync.account import (
    ActionReport,
    Report,
    Tools,
    change_as_json,
    worst,
)
from engine.sync.owners import HANDED_OVER, place_of, server_changed
from engine.sync.plan import ActionPlan, Plan
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
    if action.handed_over:
        owner = Owner(plan.mapping, action.id)
        tools.store.hand_over(action.connection, owner, action.handed_over, Owner(HANDED_OVER, action.id))
    outcomes: dict[str, Outcome] = {}
    if action.going or action.adopted or action.resend:
        place = place_of(project, action.connection, tools.store)
        if server_changed(project, action.connection, tools.store):
            tools.store.forget_connection(action.connection)
        ledger = StateLedger(tools.store, action.connection, Owner(plan.mapping, action.id), place)
        try:
            for outcome in target.apply(action, ledger, Effects(tools.sleep, tools.steps_done)):
                outcomes[outcome.key] = outcome
        except TargetStopped as error:
            stopped = error.problems[0]
            report.problems += error.problems
    for change in action.changes:
        became = outcomes.pop(change.key, None)
        kind = _counted(became, report, action.id)
        reason = _reason(became, stopped, target)
        made.changes.append(change_as_json(change, None if change.held else kind, reason))
        made.counts[kind] += not change.held
    for outcome in outcomes.values():
        # Somebody unchanged who was sent all the same: only a failure is worth a count.
        made.counts["failed"] += _counted(outcome, report, action.id) == "failed"
    made.status = _action_status(action, made, stopped is not None)
    return made


def _reason(outcome: Outcome | None, stopped: Problem | None, target: Target) -> tuple[str, str] | None:
    """Why a person's change did not happen: their own failure, or what stopped the target."""
    if outcome is not None:
        return outcome.code, outcome.message
    if stopped is None:
        return None
    return (stopped.code if target.replaces_everybody else "not_tried"), stopped.message


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
