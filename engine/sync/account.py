"""What is told of a run: its report, its record in the state, and the rule of one writer per connection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.config.load import Project
from engine.i18n import _
from engine.problems import NOWHERE, Problem, ProblemError, Refused, TargetStopped, UserMustFix
from engine.state.locks import Held, Locks, Taken
from engine.state.store import Store, StoredRun
from engine.sync.gather import Rejection
from engine.sync.plan import Change, Plan

SEVERITY = ("unchanged", "planned", "skipped", "done", "partial", "held", "refused", "failed")
"""Statuses of a run, the worst last."""

LOCK_WAIT = 600.0


@dataclass(frozen=True)
class Tools:
    """Everything impure a run needs: the state, the present moment, waiting, and telling how far it is."""

    store: Store
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = lambda _seconds: None
    rows_seen: Callable[[int], None] = lambda _count: None
    steps_done: Callable[[int], None] = lambda _count: None
    commit: str | None = None
    """The commit of the project's work tree, for the record."""
    locks: dict[str, Held] = field(default_factory=dict)
    """The connections that this run alone may write to just now; kept by :func:`writing`."""

    def still_alone(self, connection: str) -> None:
        """Raises :class:`TargetStopped` where the lock got lost: somebody else may write there by now."""
        held = self.locks.get(connection)
        if held is None or held.is_held():
            return
        message = _("The lock of {name} got lost while it was written to: another run may write there by now.")
        hint = _("What was written is noted. Run it again: the rest follows. (The engine does so by itself.)")
        raise TargetStopped(Problem("lock_lost", message.format(name=connection), hint))


@dataclass
class ActionReport:
    """What became of one action."""

    id: str
    connection: str
    status: str
    counts: Counter[str] = field(default_factory=Counter)
    changes: list[dict[str, Any]] = field(default_factory=list)
    kept: int = 0

    def as_json(self) -> dict[str, Any]:
        """The shape that cli.md promises."""
        names = ("created", "updated", "removed", "unchanged", "rejected", "held", "failed")
        counts = {name: self.counts[name] for name in names}
        return {"id": self.id, "connection": self.connection, "status": self.status, **counts, "changes": self.changes}


@dataclass
class Report:
    """What became of a run."""

    run: str | None
    mapping: str
    status: str = "failed"
    plan: str | None = None
    source: dict[str, Any] | None = None
    actions: list[ActionReport] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    reasons: list[Problem] = field(default_factory=list)
    """Those of the problems that decided about the run or an action as a whole: none is about one person."""
    mapping_hash: str = ""
    commit: str | None = None

    def stop(self, error: ProblemError) -> None:
        """The run, or an action of it, could not go on."""
        self.problems += error.problems
        self.reasons += error.problems

    def as_json(self) -> dict[str, Any]:
        """The shape that cli.md promises."""
        return {
            "run": self.run,
            "plan": self.plan,
            "mapping": self.mapping,
            "mapping_hash": self.mapping_hash or None,
            "commit": self.commit,
            "status": self.status,
            "source": self.source,
            "actions": [action.as_json() for action in self.actions],
            "rejected": [rejection.as_json() for rejection in self.rejected],
            "problems": [problem.as_json() for problem in self.problems],
        }


def without_people(report: dict[str, Any]) -> dict[str, Any]:
    """A stored report with counts and keys only (``keep.people``)."""
    stripped = dict(report)
    kept = ("kind", "key", "held", "failed", "code")
    stripped["actions"] = [
        action
        | {
            "changes": [
                {name: c[name] for name in kept if name in c} | {"fields": {}} for c in action.get("changes", [])
            ]
        }
        for action in report.get("actions", [])
    ]
    stripped["rejected"] = [entry | {"message": None, "hint": None} for entry in report.get("rejected", [])]
    stripped["problems"] = [entry | {"message": None, "hint": None} for entry in report.get("problems", [])]
    return stripped


def worst(statuses: list[str]) -> str:
    """The status that counts."""
    return max(statuses, key=SEVERITY.index, default="unchanged")


def planned_actions(plan: Plan) -> list[ActionReport]:
    """What a plan would do: counts of what may go out, and of what waits."""
    made = []
    for action in plan.actions:
        whole = bool(plan.holds)
        held = len(action.changes) if whole else len(action.held)
        wanted = bool(action.changes or action.adopted or action.resend)
        waiting = whole and (wanted or plan.is_empty)
        idle = "partial" if action.rejected else "unchanged"
        status = "held" if waiting or held else "planned" if wanted else idle
        report = ActionReport(action.id, action.connection, status, kept=action.kept)
        report.counts.update(unchanged=action.unchanged, rejected=action.rejected, held=held)
        for change in action.changes:
            report.changes.append(change_as_json(replace(change, held=change.held or whole), None))
            if not whole and not change.held:
                report.counts[change.kind] += 1
        made.append(report)
    return made


def change_as_json(change: Change, became: str | None, reason: Problem | None = None) -> dict[str, Any]:
    """A change as cli.md promises it, with ``held`` where it waits and ``failed`` where it did not happen.

    ``became`` is what it turned out to be: a contact that was there already is updated, not created. ``reason`` says
    why it failed.
    """
    made: dict[str, Any] = {
        "kind": change.kind if became in (None, "failed") else became,
        "key": change.key,
        "name": name_of_person(change.after or change.before or {}),
        "fields": {name: list(values) for name, values in change.fields().items()},
    }
    if change.held:
        made["held"] = True
    elif became == "failed":
        made["failed"] = True
        if reason is not None:
            made["code"], made["message"] = reason.code, reason.message
    return made


def report_of(stored: StoredRun) -> dict[str, Any]:
    """What a run on record reported; of one that was cut off, that it was."""
    if stored.report:
        return stored.report
    message = _("The run has no report: it is still running, or was cut off.")
    hint = _("If it was cut off: {line}. What FE2 holds is not known then, so everything is sent.")
    hint = hint.format(line=f"`abgleich run {stored.mapping}`")
    problem = Problem("cut_off", message, hint, severity="warning")
    return Report(stored.id, stored.mapping, stored.status, problems=[problem]).as_json()


def name_of_person(record: Mapping[str, Any]) -> str:
    """What people call somebody, from the fields that targets have for it."""
    parts = (record.get("firstName"), record.get("lastName"))
    return " ".join(part for part in parts if part) or str(record.get("Subject") or record.get("name") or "")


def held_problems(plan: Plan) -> list[Problem]:
    """Why something is held, as problems."""
    return [Problem(r.code, r.message, r.hint, NOWHERE, "warning") for r in (*plan.holds, *plan.removal_holds)]


def begun(project: Project, tools: Tools, mapping_id: str, command: str) -> Report:
    """A new run on record. What need not be kept any longer is forgotten on this occasion."""
    keep = project.configuration.keep
    tools.store.prune(keep.runs, keep.people, without_people)
    day = tools.now().astimezone(ZoneInfo(project.configuration.timezone)).date().isoformat()
    return Report(tools.store.begin_run(mapping_id, command, day), mapping_id, commit=tools.commit)


@contextmanager
def recorded(tools: Tools, report: Report) -> Iterator[None]:
    """Keeps what became of the run, also where it was refused or broke off."""
    try:
        yield
    except Refused as error:
        report.status = "refused"
        report.stop(error)
    except ProblemError as error:
        report.status = "failed"
        report.stop(error)
    finally:
        tools.store.end_run(report.run or "", report.status, report.as_json())


@contextmanager
def writing(tools: Tools, connection: str) -> Iterator[None]:
    """One writer per connection, also between processes. Waits for the other one to end."""
    try:
        with Locks(tools.store).hold(connection, LOCK_WAIT) as held:
            tools.locks[connection] = held
            try:
                yield
            finally:
                del tools.locks[connection]
    except Taken:
        message = _("Another run writes to {name} for more than ten minutes.").format(name=connection)
        raise UserMustFix(Problem("connection_busy", message, _("Wait for it to end, or end that program."))) from None
