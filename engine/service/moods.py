"""What people are told: once per change of a mapping's state, not once per run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from engine.config.load import Project
from engine.i18n import _
from engine.service.logs import Log
from engine.service.notify import addresses
from engine.state.drops import Drop, Drops, DropState
from engine.state.notices import Notice, Notices
from engine.state.store import Store

OK = "ok"
CONFIGURATION = "configuration.yaml"
"""Stands for the mapping where the configuration itself is meant; no mapping can have a file of this name."""
BAD = ("failed", "held", "refused")
LOGGED = {"overdue": "warning", "recovered": "info"}
"""The others are in the log already: of the run, or of the edit."""
DECIDED: dict[str, DropState] = {"applied": "done", "rejected": "refused", "superseded": "superseded"}
PLAN_CODES = {"applied": "plan_applied", "rejected": "plan_rejected", "superseded": "plan_superseded"}


class Moods:
    """Compares what is with what people were last told, and puts notices of what differs on their way.

    ``told`` is called where one is on its way.
    """

    def __init__(self, store: Store, log: Log, told: Callable[[], None]) -> None:
        self.store = store
        self.notices = Notices(store)
        self.drops = Drops(store)
        self.log = log
        self.told = told

    def ran(self, project: Project, mapping: str, status: str, text: str) -> None:
        """A run has ended. One that was skipped says nothing about how the mapping is."""
        if status == "skipped":
            return
        self._tell(project, mapping, "run", status if status in BAD else OK, text)

    def look(self, project: Project, stale: dict[str, str], now: datetime) -> bool:
        """Everything that changes without a run: broken edits, runs that don't come, decisions about plans.

        Whether drops have come to their end by a decision.
        """
        told = self.notices.told()
        good = self.store.good_runs()
        for mapping in (*project.ids, CONFIGURATION):
            value = "stale" if mapping in stale else OK
            if told.get((mapping, "stale"), ("", ""))[0] != value:
                self._tell(project, mapping, "stale", value, stale.get(mapping, ""))
        for mapping in project.ids:
            value = "overdue" if is_overdue(project, mapping, good, told, now) else OK
            if told.get((mapping, "overdue"), ("", ""))[0] != value:
                text = _("No good run for longer than expected (expect_every). Is the list still exported?")
                self._tell(project, mapping, "overdue", value, text if value != OK else "")
        decided = self._decided(project)
        self.notices.forget({mapping for mapping, _aspect in told} - {*project.ids, CONFIGURATION})
        return decided

    def _decided(self, project: Project) -> bool:
        """Plans that were held and that somebody has decided about since."""
        changed = False
        for drop in self.drops.all():
            if drop.state != "held" or drop.plan is None:
                continue
            plan = self.store.plan(drop.plan)
            if plan is None or not plan.is_open:
                status = plan.status if plan is not None else "superseded"
                self.drops.replace([(drop, _decided(drop, status, self.store.now()))])
                changed = True
        waiting = {plan.plan.mapping for plan in self.store.open_plans() if plan.status == "held"}
        for (mapping, aspect), (value, _since) in self.notices.told().items():
            if (aspect, value) == ("run", "held") and mapping not in waiting and mapping in project.ids:
                # Rejected: the list was not sent, and that is no recovery.
                decided = self.store.last_decided(mapping)
                if decided is not None and decided[1] == "applied":
                    self._tell(project, mapping, "run", OK, _("The plan {plan} was approved.").format(plan=decided[0]))
                else:
                    self.notices.tell(mapping, "run", OK)
        return changed

    def _tell(self, project: Project, mapping: str, aspect: str, value: str, text: str) -> None:
        told = self.notices.told()
        before = told.get((mapping, aspect), (None, ""))[0]
        others = [known for (name, other), (known, _since) in told.items() if name == mapping and other != aspect]
        # In order from the beginning is no news, and neither is it while something else is still wrong.
        if value == OK and (before in (None, OK) or any(known != OK for known in others)):
            self.notices.tell(mapping, aspect, value)
            return
        model = project.mappings[mapping].model if mapping in project.mappings else None
        alias = (model.alias if model is not None else None) or mapping
        kind: Any = "recovered" if value == OK else value
        notice = Notice(kind, mapping, alias, text)
        if not self.notices.tell(mapping, aspect, value, notice, addresses(project, mapping)):
            return
        if kind in LOGGED:
            self.log.event(kind, _("in order again") if kind == "recovered" else text, LOGGED[kind], mapping=mapping)
        self.told()


def is_overdue(
    project: Project,
    mapping: str,
    good: Mapping[str, str],
    told: Mapping[tuple[str, str], tuple[str, str]],
    now: datetime,
) -> bool:
    """Whether a good run is missing for longer than ``expect_every``: since the last one, or since an engine first saw
    the mapping. ``good`` and ``told`` are what the state knows.
    """
    found = project.mappings.get(mapping)
    if found is None or not found.model.enabled or found.model.expect_every is None:
        return False
    since = good.get(mapping) or told.get((mapping, "stale"), ("", now.isoformat()))[1]
    return now - datetime.fromisoformat(since) > timedelta(seconds=found.model.expect_every)


def _decided(drop: Drop, status: str, moment: str) -> Drop:
    state = DECIDED.get(status, "done")
    reasons = {
        "done": _("The plan {plan} was approved."),
        "refused": _("The plan {plan} was rejected."),
        "superseded": _("A later run planned something else than {plan}."),
    }
    reason = reasons[state].format(plan=drop.plan)
    return replace(drop, state=state, outcome=state, since=moment, code=PLAN_CODES[status], reason=reason)
