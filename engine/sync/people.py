"""People of mappings that are gone (release), and single persons (forget)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

from engine.config.load import Project
from engine.i18n import _
from engine.problems import NOWHERE, Problem, UserMustFix, did_you_mean
from engine.state.store import Store
from engine.sync.account import (
    ActionReport,
    Report,
    Tools,
    begun,
    held_problems,
    planned_actions,
    recorded,
    worst,
    writing,
)
from engine.sync.carry import carry_out
from engine.sync.decide import released_target
from engine.sync.owners import connection_mark, is_live, leads_elsewhere
from engine.sync.plan import ActionPlan, Change, Plan, Reason
from engine.sync.record import Owner, Sent
from engine.target import TARGETS, target_class
from engine.target.base import Target


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
        if leads_elsewhere(project, connection, tools.store):
            raise UserMustFix(_elsewhere(connection))
        actions.append(_removal_plan(project, connection, owner, tools.store))
    if not actions:
        raise UserMustFix(_nothing_to_release(project, mapping_id, tools.store))
    report = begun(project, tools, mapping_id, "release")
    with recorded(tools, report):
        hold = Reason("release", _("The people of {id} would be removed.").format(id=mapping_id), "")
        hashes = {
            action.connection: connection_mark(project, action.connection, tools.store) or "" for action in actions
        }
        plan = Plan(mapping_id, tuple(actions), "", hashes, holds=(hold,))
        report.plan = tools.store.save_plan(plan, report.run or "", "held")
        report.actions = planned_actions(plan)
        report.status = "held"
        report.problems += held_problems(plan)
    return report


def _elsewhere(connection: str) -> Problem:
    message = _("{connection} leads to another server or organisation by now than the one these people were sent to.")
    hint = _("Nobody was removed: the same ids may be other people there. Put address and key back to remove them.")
    return Problem("server_changed", message.format(connection=connection), hint)


def _orphaned(project: Project, store: Store) -> Iterator[tuple[str, Owner]]:
    for connection, mapping, action in store.owners(perhaps=True):
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
        Change("removed", one.key, one.record, None, one.remote, intended=one.intended)
        for one in sent
        if one.remote not in theirs or one.is_perhaps
    )
    return ActionPlan(owner.action, connection, target, removal, changes, known=len(sent))


def forget_person(project: Project, mapping_id: str, key: str, tools: Tools) -> Report:
    """Erase one person: from the targets where that is allowed, and everywhere in the state."""
    _known_sender(project, mapping_id, tools.store)
    held: list[tuple[str, Owner, Sent]] = []
    for connection, mapping, action in tools.store.owners(perhaps=True):
        if mapping == mapping_id:
            owner = Owner(mapping, action)
            held += [
                (connection, owner, one) for one in tools.store.sent(connection, mapping, action) if one.key == key
            ]
    with ExitStack() as stack:
        for name in sorted({connection for connection, _owner, _one in held}):
            stack.enter_context(writing(tools, name))
        report = begun(project, tools, mapping_id, "forget")
        with recorded(tools, report):
            _forget(project, held, mapping_id, key, tools, report)
        if all(action.status == "done" for action in report.actions):
            # After the run is on record: its own entry is erased as well.
            tools.store.erase_person(key, mapping_id)
    return report


def _known_sender(project: Project, mapping_id: str, store: Store) -> None:
    known = sorted({*project.ids, *(mapping for _connection, mapping, _action in store.owners(perhaps=True))})
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
        hint = _(
            "Nobody was deleted. The key of the list belongs here, not a name; what runs noted about it is erased."
        )
        report.problems.append(Problem("unknown_person", message, hint))
    for connection, owner, one in held:
        if leads_elsewhere(project, connection, tools.store):
            # Ids of the old server mean somebody else on the new one.
            message = _("{connection} leads to another server by now: nobody was removed there.")
            hint = _("Delete {id} on the old server by hand.").format(id=one.remote or key)
            problem = Problem("server_changed", message.format(connection=connection), hint, NOWHERE, "warning")
            report.problems.append(problem)
            tools.store.forget_sent(connection, owner, key)
            report.actions.append(ActionReport(owner.action, connection, "done"))
            continue
        removal = _forget_removal(project, owner, connection)
        base = ActionPlan(owner.action, connection, _target_name(project, connection), removal, known=1)
        change = Change("removed", key, one.record, None, one.remote, intended=one.intended)
        if removal == "keep":
            message = _("{action}: `removal: keep` leaves the contact in GREYHOUND, last known as {id}.").format(
                action=owner.action, id=one.remote or "–"
            )
            hint = _(
                "Look there for the key {key} and delete that contact by hand. Next time, for others: `removal: trash` "
                "in the mapping allows it."
            ).format(key=key)
            report.problems.append(Problem("kept_over_there", message, hint, NOWHERE, "warning"))
            tools.store.forget_sent(connection, owner, key)
            report.actions.append(ActionReport(owner.action, connection, "done"))
            continue
        plan = Plan(mapping_id, (replace(base, changes=(change,)),))
        target = _target_of(project, plan)
        try:
            carry_out(project, plan, {(connection, owner.action): target}, tools, report)
        finally:
            target.close()
    for action in report.actions:
        for entry in action.changes:
            entry |= {"fields": {}, "name": ""}
    report.status = worst([action.status for action in report.actions] or ["refused"])
    if report.actions and report.status != "failed":
        message = _("If {key} is still in the list, the next run brings them again.").format(key=key)
        hint = _("Take the person out of the list first.")
        report.problems.append(Problem("may_come_back", message, hint, NOWHERE, "warning"))


def _target_of(project: Project, plan: Plan) -> Target:
    """The target of the person's own action; where that is gone, one that is made from what was sent."""
    (action,) = plan.actions
    mapping = project.mappings.get(plan.mapping)
    for own in mapping.actions if mapping is not None else ():
        if own.id == action.id and own.model.connection == action.connection:
            return target_class(action.target)(own.model, project.connections[action.connection])
    return released_target(project, action)


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
