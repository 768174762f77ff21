"""One run of one mapping: read, render, plan, guard, apply, report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from engine.config.load import Action, Project
from engine.config.load import Mapping as MappingFile
from engine.config.schema import Fe2Connection
from engine.i18n import _, ngettext
from engine.problems import Location, Problem, Refused, UserMustFix
from engine.sync.account import (
    Report,
    Tools,
    begun,
    held_problems,
    planned_actions,
    recorded,
    worst,
    writing,
)
from engine.sync.carry import carry_out, left_behind, targets_of
from engine.sync.gather import Gathered, Known, gather, unmatched_values
from engine.sync.guard import Facts, Limits, judge
from engine.sync.owners import (
    connection_mark,
    is_live,
    known_people,
    orphan_finder,
    place_of,
    server_changed,
    tls_warnings,
)
from engine.sync.plan import ActionPlan, Plan, plan_action
from engine.sync.reading import Reading, TriggerFacts, open_reading
from engine.sync.record import Owner
from engine.sync.script import Job, from_project, prepare, told_from_project
from engine.target.base import Target

NOTICES = ("fe2_version_lacks", "marks_left", "condition_always_true")
"""Warnings of the mapping that belong into every run: something is not sent, only guessed, or takes everybody."""
SCHEDULED = ("time", "time_pattern")
"""Triggers that come again without anything new."""


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
    notices = [problem for problem in problems if problem.code in NOTICES]
    return _Run(job, tools, full, only_plan, notices).execute(file, trigger)


def _decided_before(plan: Plan, number: str) -> Problem:
    """Somebody has rejected just this: a schedule must not ask again every night."""
    message = _("The plan {plan} was rejected, and this run would do the same: it is not asked about again.")
    if not plan.holds:
        message = _("The plan {plan} was rejected: what it would do is left out, and not asked about again.")
    hint = _("A new list is planned anew; so is this one with: abgleich run {mapping}").format(mapping=plan.mapping)
    return Problem("plan_rejected", message.format(plan=number), hint, severity="warning")


class _Run:
    def __init__(self, job: Job, tools: Tools, full: bool, only_plan: bool, notices: list[Problem]) -> None:
        self.job = job
        self.project = job.project
        self.mapping = job.mapping
        self.tools = tools
        self.store = tools.store
        self.full = full
        self.only_plan = only_plan
        self.notices = notices

    def execute(self, file: Path | None, trigger: TriggerFacts) -> Report:
        names = sorted({action.model.connection for action in self.mapping.actions})
        with ExitStack() as stack:
            stack.callback(self.job.close)
            for name in names if not self.only_plan else []:
                stack.enter_context(writing(self.tools, name))
            report = begun(self.project, self.tools, self.mapping.id, "plan" if self.only_plan else "run")
            report.mapping_hash = self.mapping.hash
            with recorded(self.tools, report), told_from_project(self.job):
                try:
                    self._execute(report, file, trigger)
                finally:
                    report.problems = [from_project(self.job, problem) for problem in report.problems]
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
        if len(reading.names) > 1:
            report.source["files"] = reading.names
        unmet = reading.unmet_condition(self.tools.now().astimezone(self.job.zone))
        if unmet is not None:
            report.status = "skipped"
            report.problems.append(Problem("condition_not_met", unmet, "", severity="warning"))
            return
        report.problems += [*self.notices, *self._tls_warnings(), *self._elsewhere()]
        known = {action.id: self._known(action.id) for action in self.mapping.actions}
        found = gather(self.job, reading.each(), known, self.tools.rows_seen)
        self._account(report, found)
        self._refuse_empty(found, known)
        wanted = self._plan(reading, found, known, report)
        self._refuse_nobody_left(wanted, found)
        report.problems += self._lonely(wanted)
        plan = judge(wanted, self._facts(reading, found))
        if not self.only_plan and not plan.holds:
            for action in self.mapping.actions:
                owner = Owner(self.mapping.id, action.id)
                self.store.set_claims(action.model.connection, owner, found.claims[action.id])
        if self.only_plan:
            self._keep_plan(plan, report)
        else:
            held = plan if plan.holds else plan.only_held()
            scheduled = plan.is_held and trigger.trigger in SCHEDULED
            self._carry_out(plan, report, self.store.rejected_before(held) if scheduled else None)

    # -- before the plan -----------------------------------------------------------------------------------------------

    def _tls_warnings(self) -> Iterator[Problem]:
        names = sorted({action.model.connection for action in self.mapping.actions})
        return (warning for name in names for warning in tls_warnings(self.project, name))

    def _elsewhere(self) -> Iterator[Problem]:
        """A plan shows it before anything is written; a run says it when it has written."""
        for name in sorted({action.model.connection for action in self.mapping.actions}):
            count = (
                len(self.store.sent(name)) if self.only_plan and server_changed(self.project, name, self.store) else 0
            )
            if count:
                yield left_behind(name, count, planned=True)

    def _lonely(self, plan: Plan) -> Iterator[Problem]:
        """People of mappings or actions that are gone stay as last sent: somebody must decide about them.

        Whoever stands in this list is taken over by it, and nobody's any more.
        """
        connections = {action.model.connection for action in self.mapping.actions}
        taken = Counter(
            (action.connection, change.taken_from)
            for action in plan.actions
            for change in (*action.changes, *action.adopted)
        )
        for (connection, mapping, action), count in sorted(self.store.owners(perhaps=True).items()):
            owner = Owner(mapping, action)
            disabled = mapping in self.project.mappings and not self.project.mappings[mapping].model.enabled
            if connection not in connections or disabled or is_live(self.project, owner, connection):
                continue
            if (left := count - taken[connection, owner]) > 0:
                message = ngettext(
                    "{connection}: {count} person of {mapping} stays as last sent, nobody looks after them.",
                    "{connection}: {count} persons of {mapping} stay as last sent, nobody looks after them.",
                    left,
                )
                hint = _("`abgleich release {mapping}` plans their removal.").format(mapping=mapping)
                shown = message.format(connection=connection, count=left, mapping=mapping)
                yield Problem("nobody_looks_after", shown, hint, severity="warning")

    def _account(self, report: Report, found: Gathered) -> None:
        assert report.source is not None
        report.source["selected"] = found.selected
        report.source["rejected"] = len(found.rejected_rows())
        report.rejected = sorted(found.rejections, key=lambda r: (r.row, r.action or ""))
        for (code, message, hint), warned in found.warnings.items():
            times = _("({count} times)").format(count=warned.count) if warned.count > 1 else ""
            at = Location(warned.first.file, warned.first.line)
            report.problems.append(Problem(code, f"{message} {times}".strip(), hint, at, "warning"))
        for action in self.mapping.actions:
            records = (person.record for person in found.persons[action.id].values())
            for doubt in self.job.targets[action.id].doubts(records):
                at = self.mapping.node.locate((*action.path, "fields", *([doubt.field] if doubt.field else [])))
                report.problems.append(Problem(doubt.fault.code, doubt.fault.message, doubt.fault.hint, at, "warning"))
        report.problems += unmatched_values(self.job)

    def _refuse_empty(self, found: Gathered, known: Mapping[str, Known]) -> None:
        """An empty list is never sent: it would delete everybody."""
        if not found.selected:
            rejected = len(found.rejections)
            message = _("No row takes part: `where` leaves out all of them.")
            if rejected:
                message = ngettext(
                    "No row takes part: {count} is rejected, the others left out.",
                    "No row takes part: {count} are rejected, the others left out.",
                    rejected,
                ).format(count=rejected)
            at = self.mapping.node.locate(("source", "where") if self.mapping.model.source.where else ("source",))
            raise Refused(
                Problem("none_selected", message, _("Nothing was written. Compare `where` with the list."), at)
            )
        for action in self.mapping.actions:
            removal = self._removal(action.id)
            idle = not found.persons[action.id] and not found.rejected_rows(action.id)
            if idle and known[action.id].sent and removal != "keep":
                message = ngettext(
                    "{action}: no person takes part any more, {count} was last sent.",
                    "{action}: no person takes part any more, {count} were last sent.",
                    len(known[action.id].sent),
                ).format(action=action.id, count=len(known[action.id].sent))
                at = self.mapping.node.locate((*action.path, "where"))
                raise Refused(
                    Problem("none_selected", message, _("Nothing was written. Compare `where` with the list."), at)
                )

    def _refuse_nobody_left(self, plan: Plan, found: Gathered) -> None:
        """Where everybody of a connection would go, the list for it would be empty."""
        for action in plan.actions:
            going, rejected = action.count("removed"), len(found.rejected_rows(action.id))
            if going and rejected and not found.persons[action.id]:
                message = ngettext(
                    "{action}: all rows that take part are rejected ({rejected}), and {count} person would go.",
                    "{action}: all rows that take part are rejected ({rejected}), and {count} persons would go.",
                    going,
                )
                shown = message.format(action=action.id, rejected=rejected, count=going)
                hint = _("Nothing was written. Was the key or a template changed? Mend that, then run again.")
                raise Refused(Problem("nobody_left", shown, hint, self.mapping.node.locate(("source", "key"))))
        for name in {action.connection for action in plan.actions}:
            actions = [action for action in plan.actions if action.connection == name]
            going = sum(action.count("removed") for action in actions)
            coming = sum(action.count("created") for action in actions)
            whole = all(self.job.targets[action.id].replaces_everybody for action in actions)
            if whole and going and not coming and going >= len(self.store.sent(name)):
                message = ngettext(
                    "Nobody would be left in {connection}: the only person who was last sent would go.",
                    "Nobody would be left in {connection}: all {count} who were last sent would go.",
                    going,
                ).format(connection=name, count=going)
                hint = _("Nothing was written. Is the file the right one? Mend the rejected rows, then run again.")
                at = self.mapping.node.locate(("source",))
                raise Refused(Problem("nobody_left", message, hint, at))

    def _removal(self, action_id: str) -> str:
        action = self.job.action(action_id)
        return action.model.removal or self.job.targets[action_id].removals[0]

    def _known(self, action_id: str) -> Known:
        connection = self.job.action(action_id).model.connection
        return known_people(self.project, Owner(self.mapping.id, action_id), connection, self.store)

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
                orphan_of=orphan_finder(known[action.id].orphans),
                rejected_remotes=found.rejected_remotes[action.id],
                wanted_elsewhere=self._wanted_elsewhere(action, found, known[action.id]),
            )
            self._doubt_rekeyed(planned, found, known[action.id])
            actions.append(replace(planned, resend=self._resend(planned, target)))
        files = [{"path": str(scan.file), "sha256": scan.sha256} for scan in reading.scans if scan.file]
        source = dict(report.source or {}) | {"files": files}
        hashes = {a.connection: connection_mark(self.project, a.connection, self.store) or "" for a in actions}
        return Plan(self.mapping.id, tuple(actions), self.mapping.hash, hashes, source)

    def _wanted_elsewhere(self, action: Action, found: Gathered, known: Known) -> set[str]:
        """Ids of this action that another mapping claims, or that another action of this run wants."""
        others = [other.id for other in self.mapping.actions if other.model.connection == action.model.connection]
        return {*known.claimed, *(remote for other in others if other != action.id for remote in found.claims[other])}

    def _doubt_rekeyed(self, planned: ActionPlan, found: Gathered, known: Known) -> None:
        """Where persons come under new keys, a rejected row with an unknown key may be anybody who seems to be gone."""
        me = Owner(self.mapping.id, planned.id)
        if any(change.taken_from == me for change in (*planned.changes, *planned.adopted)):
            found.unidentified += len(found.rejected_keys(planned.id) - known.sent.keys())

    def _resend(self, planned: ActionPlan, target: Target) -> bool:
        """Whether an unchanged list is sent all the same: what the target holds is unknown, old, or asked for anew."""
        if not target.replaces_everybody or not (planned.unchanged or planned.known):
            return False
        connection = self.project.connections[planned.connection]
        state = self.store.connection(planned.connection).at(place_of(self.project, planned.connection, self.store))
        if self.full or not state.certain or state.last_success is None or state.last_success > self.tools.now():
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
        owners = self.store.owners()
        sent = {(connection, mapping) for connection, mapping, _action in owners}
        for action in self.mapping.actions:
            name = action.model.connection
            connection = self.project.connections[name]
            if not isinstance(connection, Fe2Connection):
                continue
            place = place_of(self.project, name, self.store)
            renamed = [other for other in self.store.connections_at(place) if other != name]
            if connection.first_sync == "go" and not renamed:
                continue
            if self.store.connection(name).at(place).last_success is None:
                never = tuple(
                    other.id
                    for other in self.project.mappings.values()
                    if other.id != self.mapping.id
                    and other.model.enabled
                    and any(a.model.connection == name for a in other.actions)
                    and (name, other.id) not in sent
                )
                # The same organisation under the name the connection had before: its people would go as well.
                before = {other: sum(n for (c, _m, _a), n in owners.items() if c == other) for other in renamed}
                first[name] = (*never, *(_of_former(other, count) for other, count in before.items() if count))
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

    def _carry_out(self, plan: Plan, report: Report, rejected: str | None) -> None:
        """Carry out what is not held, and keep the rest. ``rejected``: the plan by which somebody decided about it."""
        if rejected is not None:
            report.problems.append(_decided_before(plan, rejected))
        if plan.holds and rejected is not None:
            report.status = "skipped"
            return
        if plan.holds:
            report.plan = self.store.save_plan(plan, report.run or "", "held")
            report.actions = planned_actions(plan)
            report.status = "held"
            report.problems += held_problems(plan)
            return
        if plan.is_held and rejected is None:
            report.plan = self.store.save_plan(plan.only_held(), report.run or "", "held", rest_of=plan)
        else:
            self.store.end_plans(self.mapping.id)
            if not plan.is_empty and rejected is None:
                report.plan = self.store.number_plan(self.mapping.id, report.run or "")
        carry_out(self.project, plan, targets_of(self.job), self.tools, report)
        if rejected is not None and report.status == "held":
            report.status = "partial"
        report.problems += held_problems(plan)
        if report.status in ("done", "unchanged", "partial") and rejected is None:
            self.store.set_good(self.mapping.id, report.run or "", plan.source.get("rows"))


def _of_former(connection: str, count: int) -> str:
    text = ngettext(
        "{count} person of the former connection {name}", "{count} persons of the former connection {name}", count
    )
    return text.format(count=count, name=connection)
