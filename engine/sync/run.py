"""One run of one mapping: read, render, plan, guard, apply, report. Also what is decided about a plan afterwards."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from engine.config.load import Mapping as MappingFile
from engine.config.load import Project
from engine.config.schema import ActionModel, Fe2Connection
from engine.i18n import _, ngettext
from engine.problems import NOWHERE, Problem, ProblemError, Refused, TargetStopped, UserMustFix, did_you_mean
from engine.state.store import StateLedger, Store, StoredPlan, StoredRun
from engine.sync.gather import Gathered, Known, Rejection, gather, unmatched_values
from engine.sync.guard import Facts, Limits, judge
from engine.sync.plan import ActionPlan, Change, Plan, Reason, plan_action
from engine.sync.reading import Reading, TriggerFacts, open_reading
from engine.sync.record import Owner, Person, Sent
from engine.sync.script import Job, prepare
from engine.target import TARGETS, target_class
from engine.target.base import Effects, Outcome, Target

SEVERITY = ("unchanged", "planned", "skipped", "done", "partial", "held", "refused", "failed")
"""Statuses of a run, the worst last."""

FAILURES = ("failed", "conflict", "locked")
LOCK_WAIT = 600.0


@dataclass(frozen=True)
class Tools:
    """Everything impure a run needs: the state, the present moment, waiting, and telling how far it is."""

    store: Store
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = lambda _seconds: None
    rows_seen: Callable[[int], None] = lambda _count: None
    steps_done: Callable[[int], None] = lambda _count: None


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
    mapping_hash: str = ""

    def as_json(self) -> dict[str, Any]:
        """The shape that cli.md promises."""
        return {
            "run": self.run,
            "plan": self.plan,
            "mapping": self.mapping,
            "mapping_hash": self.mapping_hash or None,
            "status": self.status,
            "source": self.source,
            "actions": [action.as_json() for action in self.actions],
            "rejected": [rejection.as_json() for rejection in self.rejected],
            "problems": [problem.as_json() for problem in self.problems],
        }


def without_people(report: dict[str, Any]) -> dict[str, Any]:
    """A stored report with counts and keys only (``keep.people``)."""
    stripped = dict(report)
    stripped["actions"] = [
        action | {"changes": [{"kind": c["kind"], "key": c["key"], "fields": {}} for c in action.get("changes", [])]}
        for action in report.get("actions", [])
    ]
    stripped["rejected"] = [entry | {"message": None, "hint": None} for entry in report.get("rejected", [])]
    stripped["problems"] = [entry | {"message": None, "hint": None} for entry in report.get("problems", [])]
    return stripped


def worst(statuses: list[str]) -> str:
    """The status that counts."""
    return max(statuses, key=SEVERITY.index, default="unchanged")


# -- run and plan ----------------------------------------------------------------------------------------------------


def run_mapping(
    project: Project,
    mapping: MappingFile,
    tools: Tools,
    file: Path | None = None,
    full: bool = False,
    only_plan: bool = False,
    trigger: TriggerFacts = TriggerFacts(),
) -> Report:
    """Run a mapping, or with ``only_plan`` make and keep its plan. Raises :class:`UserMustFix` before it begins."""
    job, problems = prepare(project, mapping)
    errors = [*project.errors_of(mapping.file), *(p for p in problems if p.severity == "error")]
    if errors:
        raise UserMustFix(*errors)
    if not mapping.model.enabled:
        message = _("The mapping {id} is switched off: it changes nothing.").format(id=mapping.id)
        hint = _("Write `enabled: true` to switch it on. `abgleich preview` shows what its rows become.")
        raise UserMustFix(Problem("mapping_disabled", message, hint, mapping.node.locate(("enabled",))))
    return _Run(job, tools, full, only_plan).execute(file, trigger)


class _Run:
    def __init__(self, job: Job, tools: Tools, full: bool, only_plan: bool) -> None:
        self.job = job
        self.project = job.project
        self.mapping = job.mapping
        self.tools = tools
        self.store = tools.store
        self.full = full
        self.only_plan = only_plan

    def execute(self, file: Path | None, trigger: TriggerFacts) -> Report:
        names = sorted({action.model.connection for action in self.mapping.actions})
        with ExitStack() as stack:
            stack.callback(self.job.close)
            for name in names if not self.only_plan else []:
                stack.enter_context(writing(self.project, name))
            report = begun(self.project, self.tools, self.mapping.id, "plan" if self.only_plan else "run")
            report.mapping_hash = self.mapping.hash
            with recorded(self.tools, report):
                self._execute(report, file, trigger)
        return report

    def _execute(self, report: Report, file: Path | None, trigger: TriggerFacts) -> None:
        reading = open_reading(self.job, file, self.tools.sleep, trigger)
        report.source = {
            "file": reading.name,
            "sha256": reading.sha256,
            "rows": reading.rows,
            "selected": 0,
            "rejected": 0,
        }
        unmet = reading.unmet_condition(self.tools.now().astimezone(self.job.zone))
        if unmet is not None:
            report.status = "skipped"
            report.problems.append(Problem("condition_not_met", unmet, "", severity="warning"))
            return
        known = {action.id: self._known(action.id) for action in self.mapping.actions}
        found = gather(self.job, reading.each(), known, self.tools.rows_seen)
        self._account(report, found)
        self._refuse_empty(found, known)
        wanted = self._plan(reading, found, known, report)
        self._refuse_nobody_left(wanted)
        plan = judge(wanted, self._facts(reading, found))
        for action in self.mapping.actions:
            owner = Owner(self.mapping.id, action.id)
            self.store.set_claims(action.model.connection, owner, found.claims[action.id])
        if self.only_plan:
            self._keep_plan(plan, report)
        else:
            self._carry_out(plan, report)

    # -- before the plan -----------------------------------------------------------------------------------------------

    def _account(self, report: Report, found: Gathered) -> None:
        assert report.source is not None
        report.source["selected"] = found.selected
        report.source["rejected"] = len(found.rejected_rows())
        report.rejected = sorted(found.rejections, key=lambda r: (r.row, r.action or ""))
        for (code, message, hint), count in found.warnings.items():
            times = ngettext("({count} time)", "({count} times)", count).format(count=count)
            report.problems.append(Problem(code, f"{message} {times}", hint, severity="warning"))
        report.problems += unmatched_values(self.job)

    def _refuse_empty(self, found: Gathered, known: Mapping[str, Known]) -> None:
        """An empty list is never sent: it would delete everybody."""
        if not found.selected:
            rejected = len(found.rejections)
            message = _("No row takes part: `where` leaves out all of them.")
            if rejected:
                message = _("No row takes part: {count} are rejected, the others left out.").format(count=rejected)
            at = self.mapping.node.locate(("source", "where") if self.mapping.model.source.where else ("source",))
            raise Refused(
                Problem("none_selected", message, _("Nothing was written. Compare `where` with the list."), at)
            )
        for action in self.mapping.actions:
            removal = self._removal(action.id)
            idle = not found.persons[action.id] and not found.rejected_rows(action.id)
            if idle and known[action.id].sent and removal != "keep":
                message = _("{action}: no person takes part any more, {count} were last sent.").format(
                    action=action.id, count=len(known[action.id].sent)
                )
                at = self.mapping.node.locate((*action.path, "where"))
                raise Refused(
                    Problem("none_selected", message, _("Nothing was written. Compare `where` with the list."), at)
                )

    def _refuse_nobody_left(self, plan: Plan) -> None:
        """Where everybody of a connection would go, the list for it would be empty."""
        for name in {action.connection for action in plan.actions}:
            actions = [action for action in plan.actions if action.connection == name]
            going = sum(action.count("removed") for action in actions)
            coming = sum(action.count("created") for action in actions)
            whole = all(self.job.targets[action.id].replaces_everybody for action in actions)
            if whole and going and not coming and going >= len(self.store.sent(name)):
                message = _("Nobody would be left in {connection}: all {count} who were last sent would go.").format(
                    connection=name, count=going
                )
                hint = _("Nothing was written. Is the file the right one? Mend the rejected rows, then run again.")
                at = self.mapping.node.locate(("source",))
                raise Refused(Problem("nobody_left", message, hint, at))

    def _removal(self, action_id: str) -> str:
        action = self.job.action(action_id)
        return action.model.removal or self.job.targets[action_id].removals[0]

    def _known(self, action_id: str) -> Known:
        """What the state tells about an action: its own people, those of others, and those nobody owns any more."""
        connection = self.job.action(action_id).model.connection
        me = Owner(self.mapping.id, action_id)
        known = Known()
        mine: dict[str, str] = {}
        for one in self.store.sent(connection):
            remote = one.remote or ""
            if one.owner == me:
                known.sent[one.key] = one
                mine[remote] = one.key
            elif is_live(self.project, one.owner, connection):
                known.theirs[remote] = one.owner.mapping
            else:
                known.orphans[remote] = one
        for remote, owner, _key in self.store.claims(connection):
            if owner != me and remote in mine and is_live(self.project, owner, connection):
                known.claimed[remote] = owner.mapping
        return known

    # -- the plan ------------------------------------------------------------------------------------------------------

    def _plan(self, reading: Reading, found: Gathered, known: Mapping[str, Known], report: Report) -> Plan:
        actions = []
        for action in self.mapping.actions:
            target = self.job.targets[action.id]
            base = ActionPlan(
                action.id,
                action.model.connection,
                target.action,
                self._removal(action.id),
                rejected=len(found.rejected_rows(action.id)),
            )
            planned = plan_action(
                base,
                found.persons[action.id].values(),
                found.rejected_keys(action.id),
                known[action.id].sent,
                known[action.id].orphans,
                target.loses,
                target.remote_of,
                target.creation_only,
                everything=self.full and not target.replaces_everybody,
                shared=known[action.id].theirs.keys(),
                orphan_of=orphan_finder(known[action.id].orphans),
            )
            actions.append(replace(planned, resend=self._resend(planned, target)))
        files = [{"path": str(scan.file), "sha256": scan.sha256} for scan in reading.scans]
        source = dict(report.source or {}) | {"files": files}
        hashes = {action.connection: self.project.connection_hashes.get(action.connection, "") for action in actions}
        return Plan(self.mapping.id, tuple(actions), self.mapping.hash, hashes, source)

    def _resend(self, planned: ActionPlan, target: Target) -> bool:
        """Whether an unchanged list is sent all the same: what the target holds is unknown, old, or asked for anew."""
        if not target.replaces_everybody or not (planned.unchanged or planned.known):
            return False
        connection = self.project.connections[planned.connection]
        state = self.store.connection(planned.connection).at(connection.url)
        if self.full or not state.certain or state.last_success is None:
            return True
        assert isinstance(connection, Fe2Connection)
        return self.tools.now() - state.last_success >= timedelta(seconds=connection.resend_after)

    def _facts(self, reading: Reading, found: Gathered) -> Facts:
        expect = self.mapping.model.source.expect
        return Facts(
            {
                action.id: Limits(action.model.guard.max_removals, action.model.guard.max_changes, expect.max_rejected)
                for action in self.mapping.actions
            },
            reading.rows,
            self.store.good_rows(self.mapping.id),
            expect.max_shrink,
            found.unidentified,
            self._first_syncs(),
        )

    def _first_syncs(self) -> dict[str, tuple[str, ...]]:
        """The connections never synced from here, with the other mappings that write there and were never sent."""
        first: dict[str, tuple[str, ...]] = {}
        sent = {(connection, mapping) for connection, mapping, _action in self.store.owners()}
        for action in self.mapping.actions:
            name = action.model.connection
            connection = self.project.connections[name]
            if not isinstance(connection, Fe2Connection) or connection.first_sync == "go":
                continue
            if self.store.connection(name).at(connection.url).last_success is None:
                first[name] = tuple(
                    other.id
                    for other in self.project.mappings.values()
                    if other.id != self.mapping.id
                    and other.model.enabled
                    and any(a.model.connection == name for a in other.actions)
                    and (name, other.id) not in sent
                )
        return first

    # -- behind the plan -----------------------------------------------------------------------------------------------

    def _keep_plan(self, plan: Plan, report: Report) -> None:
        report.actions = planned_actions(plan)
        if plan.is_empty and not plan.holds:
            self.store.end_plans(self.mapping.id)
            report.status = worst([action.status for action in report.actions])
            return
        report.plan = self.store.save_plan(plan, report.run or "", "held" if plan.is_held else "planned")
        report.status = "held" if plan.is_held else "planned"
        report.problems += held_problems(plan)

    def _carry_out(self, plan: Plan, report: Report) -> None:
        if plan.holds:
            report.plan = self.store.save_plan(plan, report.run or "", "held")
            report.actions = planned_actions(plan)
            report.status = "held"
            report.problems += held_problems(plan)
            return
        if plan.is_held:
            report.plan = self.store.save_plan(plan.only_held(), report.run or "", "held")
        else:
            self.store.end_plans(self.mapping.id)
            if not plan.is_empty:
                report.plan = self.store.number_plan(self.mapping.id, report.run or "")
        carry_out(self.project, plan, self.job.targets, self.tools, report)
        report.problems += held_problems(plan)
        if report.status in ("done", "unchanged", "partial"):
            self.store.set_good(self.mapping.id, report.run or "", plan.source.get("rows"))


# -- carrying out ----------------------------------------------------------------------------------------------------


def carry_out(project: Project, plan: Plan, targets: Mapping[str, Target], tools: Tools, report: Report) -> None:
    """Bring the targets to what the plan does not hold. Actions are independent: each is tried."""
    for action in plan.actions:
        report.actions.append(_carry_out_action(project, plan, action, targets[action.id], tools, report))
    report.status = worst([action.status for action in report.actions])


def _carry_out_action(
    project: Project, plan: Plan, action: ActionPlan, target: Target, tools: Tools, report: Report
) -> ActionReport:
    made = ActionReport(action.id, action.connection, "unchanged", kept=action.kept)
    made.counts.update(unchanged=action.unchanged, rejected=action.rejected, held=len(action.held))
    stopped = False
    outcomes: dict[str, Outcome] = {}
    if action.going or action.adopted or action.resend:
        place = project.connections[action.connection].url
        ledger = StateLedger(tools.store, action.connection, Owner(plan.mapping, action.id), place)
        try:
            for outcome in target.apply(action, ledger, Effects(tools.sleep, tools.steps_done)):
                outcomes[outcome.key] = outcome
        except TargetStopped as error:
            stopped = True
            report.problems += error.problems
    for change in action.changes:
        kind = _counted(outcomes.pop(change.key, None), report, action.id)
        made.changes.append(change_as_json(change, None if change.held else kind))
        made.counts[kind] += not change.held
    for outcome in outcomes.values():
        # Somebody unchanged who was sent all the same: only a failure is worth a count.
        made.counts["failed"] += _counted(outcome, report, action.id) == "failed"
    made.status = _action_status(action, made, stopped)
    return made


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


def planned_actions(plan: Plan) -> list[ActionReport]:
    """What a plan would do: counts of what may go out, and of what waits."""
    made = []
    for action in plan.actions:
        whole = bool(plan.holds)
        held = len(action.changes) if whole else len(action.held)
        wanted = bool(action.changes or action.adopted or action.resend)
        waiting = whole and (wanted or plan.is_empty)
        status = "held" if waiting or held else "planned" if wanted else "unchanged"
        report = ActionReport(action.id, action.connection, status, kept=action.kept)
        report.counts.update(unchanged=action.unchanged, rejected=action.rejected, held=held)
        for change in action.changes:
            report.changes.append(change_as_json(replace(change, held=change.held or whole), None))
            if not whole and not change.held:
                report.counts[change.kind] += 1
        made.append(report)
    return made


def change_as_json(change: Change, became: str | None) -> dict[str, Any]:
    """A change as cli.md promises it, with ``held`` where it waits and ``failed`` where it did not happen.

    ``became`` is what it turned out to be: a contact that was there already is updated, not created.
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
    return made


def report_of(stored: StoredRun) -> dict[str, Any]:
    """What a run on record reported; of one that was cut off, that it was."""
    if stored.report:
        return stored.report
    message = _("The run has no report: it is still running, or was cut off.")
    hint = _("If it was cut off: run the mapping again. What FE2 holds is not known then, so everything is sent.")
    problem = Problem("cut_off", message, hint, severity="warning")
    return Report(stored.id, stored.mapping, stored.status, problems=[problem]).as_json()


def name_of_person(record: Mapping[str, Any]) -> str:
    """What people call somebody, from the fields that targets have for it."""
    parts = (record.get("firstName"), record.get("lastName"))
    return " ".join(part for part in parts if part) or str(record.get("Subject") or record.get("name") or "")


def held_problems(plan: Plan) -> list[Problem]:
    """Why something is held, as problems."""
    return [Problem(r.code, r.message, r.hint, NOWHERE, "warning") for r in (*plan.holds, *plan.removal_holds)]


# -- deciding about plans --------------------------------------------------------------------------------------------


def apply_plan(project: Project, plan_id: str, tools: Tools, approved: bool) -> Report:
    """Carry out exactly this plan. Not past the guard, unless somebody approved it; refused where it is stale."""
    stored = known_plan(tools.store, plan_id)
    connections = sorted({action.connection for action in stored.plan.actions})
    with ExitStack() as stack:
        for name in connections:
            stack.enter_context(writing(project, name))
        report = begun(project, tools, stored.plan.mapping, "approve" if approved else "apply")
        report.plan = stored.id
        report.mapping_hash = stored.plan.mapping_hash
        report.source = {
            name: stored.plan.source.get(name) for name in ("file", "sha256", "rows", "selected", "rejected")
        }
        with recorded(tools, report):
            stored = known_plan(tools.store, plan_id)
            targets = _fresh_targets(project, stored, tools.store, approved)
            for target in targets.values():
                stack.callback(target.close)
            _decide(project, stored, targets, tools, report, approved)
    return report


def _decide(
    project: Project, stored: StoredPlan, targets: Mapping[str, Target], tools: Tools, report: Report, approved: bool
) -> None:
    plan = stored.plan.released() if approved else stored.plan
    if plan.holds:
        report.actions = planned_actions(plan)
        report.status = "held"
        report.problems += held_problems(plan)
        return
    carry_out(project, plan, targets, tools, report)
    report.problems += held_problems(plan)
    if report.status == "failed":
        return
    if plan.is_held:
        report.plan = tools.store.save_plan(plan.only_held(), report.run or "", "held")
        tools.store.end_plan(stored.id, "applied") if report.plan != stored.id else None
        return
    tools.store.end_plan(stored.id, "applied")
    if plan.source.get("rows") is not None:
        tools.store.set_good(plan.mapping, report.run or "", plan.source["rows"])


def reject_plan(project: Project, plan_id: str, tools: Tools) -> StoredPlan:
    """End a plan without carrying it out."""
    stored = known_plan(tools.store, plan_id)
    if not stored.is_open:
        raise Refused(_not_open(stored))
    tools.store.end_plan(stored.id, "rejected")
    return stored


def known_plan(store: Store, plan_id: str) -> StoredPlan:
    """The plan with this number. Raises :class:`UserMustFix` where there is none."""
    stored = store.plan(plan_id)
    if stored is not None:
        return stored
    waiting = ", ".join(plan.id for plan in store.open_plans()) or _("none")
    message = _("There is no plan {id}.").format(id=plan_id)
    raise UserMustFix(Problem("unknown_plan", message, _("Waiting plans: {names}").format(names=waiting)))


def _fresh_targets(project: Project, stored: StoredPlan, store: Store, approved: bool) -> dict[str, Target]:
    """The plan's targets. Raises :class:`Refused` where the plan is stale: something it was made from has changed."""
    if not stored.is_open:
        raise Refused(_not_open(stored))
    plan = stored.plan
    released = not plan.mapping_hash
    if not released:
        _check_mapping(project, plan)
    for action in plan.actions:
        if project.connection_hashes.get(action.connection) != plan.connection_hashes.get(action.connection):
            raise Refused(_stale(stored, _("the connection {name} was changed").format(name=action.connection)))
        if released and is_live(project, Owner(plan.mapping, action.id), action.connection):
            raise Refused(_stale(stored, _("the mapping {id} is back").format(id=plan.mapping)))
    if not approved and not released:
        _check_source(stored)
    if released:
        targets = {action.id: released_target(project, action) for action in plan.actions}
    else:
        job, problems = prepare(project, project.mappings[plan.mapping])
        errors = [problem for problem in problems if problem.severity == "error"]
        if errors:
            raise Refused(*errors)
        targets = job.targets
    for action in plan.actions:
        if not _people_as_planned(project, plan.mapping, action, targets[action.id], store):
            raise Refused(_stale(stored, _("other runs have changed these persons since")))
    return targets


def _people_as_planned(project: Project, mapping: str, action: ActionPlan, target: Target, store: Store) -> bool:
    """Whether everybody in the plan is still as it found them, and nobody else has claimed their ids."""
    me = Owner(mapping, action.id)
    everybody = store.sent(action.connection)
    mine = {one.key: one for one in everybody if one.owner == me}
    others = [one for one in everybody if one.owner != me]
    theirs = {one.remote for one in others if is_live(project, one.owner, action.connection)}
    for change in (*action.changes, *action.adopted):
        before = mine.get(change.key)
        if change.taken_from is not None and before is None:
            from_whom = mine.values() if change.taken_from == me else others
            before = next((s for s in from_whom if s.owner == change.taken_from and s.remote == change.remote), None)
        remote = target.remote_of(change.after) if change.after is not None else change.remote
        if (before.record if before is not None else None) != change.before or (remote and remote in theirs):
            return False
    return True


def _check_mapping(project: Project, plan: Plan) -> None:
    mapping = project.mappings.get(plan.mapping)
    if mapping is None or not mapping.model.enabled or mapping.hash != plan.mapping_hash:
        message = _("The mapping {id} was changed since the plan was made.").format(id=plan.mapping)
        hint = _("Run it again: that makes a new plan.")
        raise Refused(Problem("plan_stale", message, hint))


def _check_source(stored: StoredPlan) -> None:
    """A moved file doesn't matter, the plan holds everything; a changed one does."""
    for entry in stored.plan.source.get("files", ()):
        path = Path(entry["path"])
        if not path.is_file():
            continue
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != entry["sha256"]:
            raise Refused(_stale(stored, _("the file {name} has changed").format(name=path.name)))


def _stale(stored: StoredPlan, reason: str) -> Problem:
    message = _("The plan {id} is out of date: {reason}.").format(id=stored.id, reason=reason)
    return Problem("plan_stale", message, _("Nothing was written. Run the mapping again: that makes a new plan."))


def _not_open(stored: StoredPlan) -> Problem:
    states = {
        "applied": _("it was carried out already"),
        "rejected": _("it was rejected"),
        "superseded": _("a later run planned something else"),
    }
    message = _("The plan {id} can't be carried out: {reason}.").format(
        id=stored.id, reason=states.get(stored.status, stored.status)
    )
    return Problem(
        "plan_not_open", message, _("`abgleich runs` shows what has been; run the mapping to make a new plan.")
    )


# -- people of mappings that are gone, and single persons ------------------------------------------------------------


def is_live(project: Project, owner: Owner, connection: str) -> bool:
    """Whether somebody still looks after these people: an enabled mapping with this action on this connection.

    A mapping whose file has mistakes is alive: it will be mended.
    """
    if owner.mapping not in project.ids:
        return False
    mapping = project.mappings.get(owner.mapping)
    if mapping is None:
        return True
    return mapping.model.enabled and any(
        action.id == owner.action and action.model.connection == connection for action in mapping.actions
    )


def orphan_finder(orphans: Mapping[str, Sent]) -> Callable[[Person], Sent | None]:
    """Finds the person of a mapping that is gone by the key that their contact carries."""
    by_key = {one.key: one for one in orphans.values()}

    def find(person: Person) -> Sent | None:
        one = by_key.get(person.key)
        return one if one is not None and _marks(one.record, one.key) & _marks(person.record, person.key) else None

    return find


def _marks(record: Mapping[str, Any], key: str) -> set[str]:
    """The user fields in which a contact carries its key."""
    return {name for name, value in record.get("UserFields", {}).items() if value == key}


def release_mapping(project: Project, mapping_id: str, tools: Tools) -> Report:
    """Plan the removal of the people of a mapping, or of actions of it, that no longer exist. It waits for approval."""
    actions = []
    for connection, owner in _orphaned(project, tools.store):
        if owner.mapping != mapping_id:
            continue
        if connection not in project.connections:
            message = _("The connection {name} is not in configuration.yaml.").format(name=connection)
            raise UserMustFix(
                Problem("unknown_connection", message, _("Put it back: without it nobody can be removed."))
            )
        actions.append(_removal_plan(project, connection, owner, tools.store))
    if not actions:
        raise UserMustFix(_nothing_to_release(project, mapping_id, tools.store))
    report = begun(project, tools, mapping_id, "release")
    with recorded(tools, report):
        hold = Reason("release", _("The people of {id} would be removed.").format(id=mapping_id), "")
        hashes = {action.connection: project.connection_hashes[action.connection] for action in actions}
        plan = Plan(mapping_id, tuple(actions), "", hashes, holds=(hold,))
        report.plan = tools.store.save_plan(plan, report.run or "", "held")
        report.actions = planned_actions(plan)
        report.status = "held"
        report.problems += held_problems(plan)
    return report


def _orphaned(project: Project, store: Store) -> Iterator[tuple[str, Owner]]:
    for connection, mapping, action in store.owners():
        owner = Owner(mapping, action)
        if not is_live(project, owner, connection):
            yield connection, owner


def _nothing_to_release(project: Project, mapping_id: str, store: Store) -> Problem:
    names = sorted({owner.mapping for _connection, owner in _orphaned(project, store)})
    if mapping_id in project.ids:
        message = _("The mapping {id} still exists.").format(id=mapping_id)
        return Problem("mapping_exists", message, _("Delete its file or set `enabled: false` first."))
    near = did_you_mean(mapping_id, names)
    message = _("Nobody was sent by a mapping {id}.").format(id=mapping_id)
    hint = (
        _("Did you mean {name}?").format(name=near)
        if near
        else _("Released can be: {names}").format(names=", ".join(names) or _("none"))
    )
    return Problem("unknown_mapping", message, hint)


def _removal_plan(project: Project, connection: str, owner: Owner, store: Store) -> ActionPlan:
    kind = project.connections[connection].type
    target = next(name for name in TARGETS if target_class(name).connection_type == kind)
    everybody = store.sent(connection)
    sent = [one for one in everybody if one.owner == owner]
    removal = "trash"
    if target_class(target).replaces_everybody:
        # Without anybody left the body would be empty, and an empty list is never sent.
        staying = any(
            one.owner.mapping != owner.mapping or is_live(project, one.owner, connection) for one in everybody
        )
        removal = "sync" if staying else "delete"
    # Whom another mapping looks after as well stays.
    theirs = {one.remote for one in everybody if one.owner != owner and is_live(project, one.owner, connection)}
    changes = tuple(
        Change("removed", one.key, one.record, None, one.remote) for one in sent if one.remote not in theirs
    )
    return ActionPlan(owner.action, connection, target, removal, changes, known=len(sent))


def released_target(project: Project, action: ActionPlan) -> Target:
    """A target for removals without a mapping: how a contact is recognised is told by what was last sent."""
    match: dict[str, str] = {"id": "{{ id }}"}
    for change in action.changes:
        for name in _marks(change.before or {}, change.key):
            match = {"user_field": name}
    model = ActionModel.model_construct(action=action.target, connection=action.connection, fields={}, match=match)
    return target_class(action.target)(model, project.connections[action.connection])


def forget_person(project: Project, mapping_id: str, key: str, tools: Tools) -> Report:
    """Erase one person: from the targets where that is allowed, and everywhere in the state."""
    _known_sender(project, mapping_id, tools.store)
    held: list[tuple[str, Owner, Sent]] = []
    for connection, mapping, action in tools.store.owners():
        if mapping == mapping_id:
            owner = Owner(mapping, action)
            held += [
                (connection, owner, one) for one in tools.store.sent(connection, mapping, action) if one.key == key
            ]
    with ExitStack() as stack:
        for name in sorted({connection for connection, _owner, _one in held}):
            stack.enter_context(writing(project, name))
        report = begun(project, tools, mapping_id, "forget")
        with recorded(tools, report):
            _forget(project, held, mapping_id, key, tools, report)
        if report.status != "failed":
            # After the run is on record: its own entry is erased as well.
            tools.store.erase_person(key, mapping_id)
    return report


def _known_sender(project: Project, mapping_id: str, store: Store) -> None:
    known = sorted({*project.ids, *(mapping for _connection, mapping, _action in store.owners())})
    if mapping_id in known or store.runs(mapping_id, 1):
        return
    near = did_you_mean(mapping_id, known)
    message = _("There is no mapping {name}.").format(name=mapping_id)
    hint = (
        _("Did you mean {name}?").format(name=near)
        if near
        else _("Known are: {names}").format(names=", ".join(known) or _("none"))
    )
    raise UserMustFix(Problem("unknown_mapping", message, hint))


def _forget(
    project: Project, held: list[tuple[str, Owner, Sent]], mapping_id: str, key: str, tools: Tools, report: Report
) -> None:
    if not held:
        message = _("Nobody with the key {key} was sent by {id}.").format(key=key, id=mapping_id)
        hint = _("What runs noted about the key is erased.")
        report.problems.append(Problem("unknown_person", message, hint, NOWHERE, "warning"))
    for connection, owner, one in held:
        removal = _forget_removal(project, owner, connection)
        base = ActionPlan(owner.action, connection, _target_name(project, connection), removal, known=1)
        change = Change("removed", key, one.record, None, one.remote)
        if removal == "keep":
            message = _("{action}: `removal: keep` leaves the contact {id} in GREYHOUND.").format(
                action=owner.action, id=one.remote
            )
            hint = _("Delete it there by hand, or allow it in the mapping: removal: trash.")
            report.problems.append(Problem("kept_over_there", message, hint, NOWHERE, "warning"))
            tools.store.forget_sent(connection, owner, key)
            report.actions.append(ActionReport(owner.action, connection, "done"))
            continue
        plan = Plan(mapping_id, (replace(base, changes=(change,)),))
        target = released_target(project, plan.actions[0])
        try:
            carry_out(project, plan, {owner.action: target}, tools, report)
        finally:
            target.close()
    for action in report.actions:
        for entry in action.changes:
            entry |= {"fields": {}, "name": ""}
    report.status = worst([action.status for action in report.actions] or ["unchanged"])


def _forget_removal(project: Project, owner: Owner, connection: str) -> str:
    if target_class(_target_name(project, connection)).replaces_everybody:
        return "erase"
    mapping = project.mappings.get(owner.mapping)
    actions = mapping.actions if mapping is not None else ()
    return next((action.model.removal or "keep" for action in actions if action.id == owner.action), "keep")


def _target_name(project: Project, connection: str) -> str:
    if connection not in project.connections:
        message = _("The connection {name} is not in configuration.yaml.").format(name=connection)
        raise UserMustFix(Problem("unknown_connection", message, _("Put it back: without it nobody can be removed.")))
    kind = project.connections[connection].type
    return next(name for name in TARGETS if target_class(name).connection_type == kind)


# -- around every run ------------------------------------------------------------------------------------------------


def begun(project: Project, tools: Tools, mapping_id: str, command: str) -> Report:
    """A new run on record. What need not be kept any longer is forgotten on this occasion."""
    keep = project.configuration.keep
    tools.store.prune(keep.runs, keep.people, without_people)
    day = tools.now().astimezone(ZoneInfo(project.configuration.timezone)).date().isoformat()
    return Report(tools.store.begin_run(mapping_id, command, day), mapping_id)


@contextmanager
def recorded(tools: Tools, report: Report) -> Iterator[None]:
    """Keeps what became of the run, also where it was refused or broke off."""
    try:
        yield
    except Refused as error:
        report.status = "refused"
        report.problems += error.problems
    except ProblemError as error:
        report.status = "failed"
        report.problems += error.problems
    finally:
        tools.store.end_run(report.run or "", report.status, report.as_json())


@contextmanager
def writing(project: Project, connection: str) -> Iterator[None]:
    """One writer per connection, also between processes. Waits for the other one to end."""
    from filelock import FileLock, Timeout

    folder = project.state_folder / "locks"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(folder / f"{connection}.lock", timeout=LOCK_WAIT)
    try:
        with lock:
            yield
    except Timeout:
        message = _("Another run writes to {name} for more than ten minutes.").format(name=connection)
        raise UserMustFix(Problem("connection_busy", message, _("Wait for it to end, or end that program."))) from None
