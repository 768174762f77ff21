"""What is decided about a plan afterwards: apply, approve, reject; refused where it is out of date."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from pathlib import Path

from engine.config.load import Project
from engine.config.schema import ActionModel
from engine.i18n import _
from engine.problems import Problem, Refused, UserMustFix
from engine.state.store import Store, StoredPlan
from engine.sync.account import (
    Report,
    Tools,
    begun,
    held_problems,
    planned_actions,
    recorded,
    writing,
)
from engine.sync.carry import Targets, carry_out, targets_of
from engine.sync.gather import Rejection
from engine.sync.owners import connection_mark, is_live, sent_over
from engine.sync.plan import ActionPlan, Plan
from engine.sync.record import Owner, key_fields
from engine.sync.script import prepare
from engine.target import target_class
from engine.target.base import Target


def apply_plan(project: Project, plan_id: str, tools: Tools, approved: bool) -> Report:
    """Carry out exactly this plan. Not past the guard, unless somebody approved it; refused where it is stale."""
    stored = known_plan(tools.store, plan_id)
    connections = sorted({action.connection for action in stored.plan.actions})
    with ExitStack() as stack:
        for name in connections:
            stack.enter_context(writing(tools, name))
        report = begun(project, tools, stored.plan.mapping, "approve" if approved else "apply")
        report.plan = stored.id
        report.mapping_hash = stored.plan.mapping_hash
        report.source = {
            name: stored.plan.source.get(name) for name in ("file", "sha256", "rows", "selected", "rejected")
        }
        planned = tools.store.run(stored.run)
        told = planned.report if planned is not None else {}
        report.rejected = [Rejection.from_json(entry) for entry in told.get("rejected", [])]
        if files := (told.get("source") or {}).get("files"):
            report.source["files"] = files
        with recorded(tools, report):
            stored = known_plan(tools.store, plan_id)
            targets = _fresh_targets(project, stored, tools.store, approved)
            for target in targets.values():
                stack.callback(target.close)
            _decide(project, stored, targets, tools, report, approved)
    return report


def _decide(
    project: Project, stored: StoredPlan, targets: Targets, tools: Tools, report: Report, approved: bool
) -> None:
    plan = stored.plan.released() if approved else stored.plan
    goes = any(action.going or action.adopted or action.resend for action in plan.actions)
    if approved and plan.is_held and not goes:
        raise Refused(*(Problem(reason.code, reason.message, reason.hint) for reason in plan.removal_holds))
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
        report.plan = tools.store.save_plan(plan.only_held(), report.run or "", "held", rest_of=plan)
        tools.store.end_plan(stored.id, "applied") if report.plan != stored.id else None
        return
    tools.store.end_plan(stored.id, "applied")
    if plan.source.get("rows") is not None:
        tools.store.set_good(plan.mapping, report.run or "", plan.source["rows"])


def reject_plan(project: Project, plan_id: str, tools: Tools) -> StoredPlan:
    """End a plan without carrying it out."""
    connections = sorted({action.connection for action in known_plan(tools.store, plan_id).plan.actions})
    with ExitStack() as stack:
        for name in connections:
            stack.enter_context(writing(tools, name))
        stored = known_plan(tools.store, plan_id)
        if not stored.is_open:
            raise Refused(_not_open(stored))
        tools.store.end_plan(stored.id, "rejected")
    return stored


def out_of_date(project: Project, store: Store) -> list[StoredPlan]:
    """Held plans of mappings at work that can't be approved any more: the mapping or a connection was changed."""
    found = []
    for stored in store.open_plans():
        mapping = project.mappings.get(stored.plan.mapping)
        if stored.status != "held" or mapping is None or not mapping.model.enabled or not stored.plan.mapping_hash:
            continue
        names = {action.connection for action in stored.plan.actions}
        marks = {name: connection_mark(project, name, store) for name in names}
        if mapping.hash != stored.plan.mapping_hash or marks != dict(stored.plan.connection_hashes):
            found.append(stored)
    return found


def known_plan(store: Store, plan_id: str) -> StoredPlan:
    """The plan with this number. Raises :class:`UserMustFix` where there is none."""
    stored = store.plan(plan_id)
    if stored is not None:
        return stored
    waiting = ", ".join(plan.id for plan in store.open_plans()) or _("none")
    message = _("There is no plan {id}.").format(id=plan_id)
    raise UserMustFix(Problem("unknown_plan", message, _("Waiting plans: {names}").format(names=waiting)))


def _fresh_targets(project: Project, stored: StoredPlan, store: Store, approved: bool) -> dict[tuple[str, str], Target]:
    """The plan's targets. Raises :class:`Refused` where the plan is stale: something it was made from has changed."""
    if not stored.is_open:
        raise Refused(_not_open(stored))
    plan = stored.plan
    released = not plan.mapping_hash
    if not released:
        _check_mapping(project, plan)
    for action in plan.actions:
        if connection_mark(project, action.connection, store) != plan.connection_hashes.get(action.connection):
            raise Refused(_stale(stored, _("the connection {name} was changed").format(name=action.connection)))
        if released and is_live(project, Owner(plan.mapping, action.id), action.connection):
            raise Refused(_stale(stored, _("the mapping {id} is back").format(id=plan.mapping)))
    # Who approves what is held decides about the plan as shown; anything else is bound to its file, too.
    if not released and not (approved and stored.status == "held"):
        _check_source(stored)
    if released:
        targets = {(action.connection, action.id): released_target(project, action) for action in plan.actions}
    else:
        job, problems = prepare(project, project.mappings[plan.mapping])
        errors = [problem for problem in problems if problem.severity == "error"]
        if errors:
            raise Refused(*errors)
        targets = targets_of(job)
    for action in plan.actions:
        if not _people_as_planned(project, plan.mapping, action, targets[action.connection, action.id], store):
            raise Refused(_stale(stored, _("other runs have changed these persons since")))
    return targets


def _people_as_planned(project: Project, mapping: str, action: ActionPlan, target: Target, store: Store) -> bool:
    """Whether everybody in the plan is still as it found them, and nobody else has claimed their ids."""
    me = Owner(mapping, action.id)
    everybody = sent_over(project, action.connection, store)
    mine = {one.key: one for one in everybody if one.owner == me}
    others = [one for one in everybody if one.owner != me]
    theirs = {one.remote for one in others if is_live(project, one.owner, action.connection)}
    for change in (*action.changes, *action.adopted):
        before = mine.get(change.key)
        if change.taken_from is not None and before is None:
            from_whom = mine.values() if change.taken_from == me else others
            before = next((s for s in from_whom if s.owner == change.taken_from and s.remote == change.remote), None)
        if change.kind == "created" and before is not None and before.is_perhaps:
            before = None
        remote = target.remote_of(change.after) if change.after is not None else change.remote
        if (before.record if before is not None else None) != change.before or (remote and remote in theirs):
            return False
    return True


def _check_mapping(project: Project, plan: Plan) -> None:
    mapping = project.mappings.get(plan.mapping)
    if mapping is None or not mapping.model.enabled or mapping.hash != plan.mapping_hash:
        message = _("The mapping {id} was changed since the plan was made.").format(id=plan.mapping)
        hint = _("A new plan: {line}").format(line=f"`abgleich run {plan.mapping}`")
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
    word = "run" if stored.plan.mapping_hash else "release"
    hint = _("Nothing was written. A new plan: {line}").format(line=f"`abgleich {word} {stored.plan.mapping}`")
    return Problem("plan_stale", message, hint)


def _not_open(stored: StoredPlan) -> Problem:
    states = {
        "applied": _("it was carried out already"),
        "rejected": _("it was rejected"),
        "superseded": _("a later run planned something else"),
    }
    message = _("The plan {id} can't be carried out: {reason}.").format(
        id=stored.id, reason=states.get(stored.status, stored.status)
    )
    hint = _("`abgleich runs` shows what has been. A new plan: {line}")
    return Problem("plan_not_open", message, hint.format(line=f"`abgleich run {stored.plan.mapping}`"))


def released_target(project: Project, action: ActionPlan) -> Target:
    """A target for removals without a mapping: how a contact is recognised is told by what was last sent."""
    found = [key_fields(change.before or {}, change.key) for change in action.changes]
    fields = sorted(set.intersection(*found)) if found else []
    if len(fields) > 1 and any(change.intended for change in action.changes):
        # Whoever is in doubt is looked for by the key: in another field it may be anybody's value.
        message = _("{action}: several user fields hold the key ({names}); which one is the match can't be told.")
        hint = _("Put the mapping back and run it once, then delete it and release it again.")
        shown = message.format(action=action.id, names=", ".join(fields))
        raise UserMustFix(Problem("match_unknown", shown, hint))
    match = {"user_field": fields[0]} if fields else {"id": "{{ id }}"}
    model = ActionModel.model_construct(action=action.target, connection=action.connection, fields={}, match=match)
    return target_class(action.target)(model, project.connections[action.connection])
