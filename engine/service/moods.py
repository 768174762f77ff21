"""What people are told: once per change of a mapping's state, not once per run."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.config.load import Project
from engine.i18n import _
from engine.service.logs import Log
from engine.service.notify import Notice, addresses, send
from engine.service.retries import next_try
from engine.state.drops import Drop, Drops, DropState
from engine.state.service import ServiceState
from engine.state.store import Store

OK = "ok"
CONFIGURATION = "configuration.yaml"
"""Stands for the mapping where the configuration itself is meant; no mapping can have a file of this name."""
BAD = ("failed", "held", "refused")
GIVE_UP = timedelta(days=1)
DECIDED: dict[str, DropState] = {"applied": "done", "rejected": "refused", "superseded": "superseded"}


class Moods:
    """Compares what is with what people were last told, and sends notices of what differs."""

    def __init__(self, store: Store, courier: Courier) -> None:
        self.store = store
        self.state = ServiceState(store)
        self.drops = Drops(store)
        self.courier = courier

    def ran(self, project: Project, mapping: str, status: str, text: str) -> None:
        """A run has ended. One that was skipped says nothing about how the mapping is."""
        if status == "skipped":
            return
        self._tell(project, mapping, "run", status if status in BAD else OK, text)

    def look(self, project: Project, stale: dict[str, str], now: datetime) -> bool:
        """Everything that changes without a run: broken edits, runs that don't come, decisions about plans.

        Whether drops have come to their end by a decision.
        """
        told = self.state.told()
        good = self.store.good_runs()
        for mapping in (*project.ids, CONFIGURATION):
            value = "stale" if mapping in stale else OK
            if told.get((mapping, "stale"), ("", ""))[0] != value:
                self._tell(project, mapping, "stale", value, stale.get(mapping, ""))
        for mapping in project.ids:
            since = good.get(mapping) or told.get((mapping, "stale"), ("", now.isoformat()))[1]
            value = "overdue" if _is_late(project, mapping, datetime.fromisoformat(since), now) else OK
            if told.get((mapping, "overdue"), ("", ""))[0] != value:
                text = _("No good run for longer than expected (expect_every). Is the list still exported?")
                self._tell(project, mapping, "overdue", value, text if value != OK else "")
        decided = self._decided(project)
        self.state.forget_told({mapping for mapping, _aspect in told} - {*project.ids, CONFIGURATION})
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
        for (mapping, aspect), (value, _since) in self.state.told().items():
            if (aspect, value) == ("run", "held") and mapping not in waiting and mapping in project.ids:
                # Rejected: the list was not sent, and that is no recovery.
                decided = self.store.last_decided(mapping)
                if decided is not None and decided[1] == "applied":
                    self._tell(project, mapping, "run", OK, _("The plan {plan} was approved.").format(plan=decided[0]))
                else:
                    self.state.tell(mapping, "run", OK)
        return changed

    def _tell(self, project: Project, mapping: str, aspect: str, value: str, text: str) -> None:
        before = self.state.tell(mapping, aspect, value)
        if before == value or (before is None and value == OK):
            return
        others = [known for (name, _other), (known, _since) in self.state.told().items() if name == mapping]
        if value == OK and any(known != OK for known in others):
            return  # something else is still wrong
        model = project.mappings[mapping].model if mapping in project.mappings else None
        alias = (model.alias if model is not None else None) or mapping
        kind: Any = "recovered" if value == OK else value
        self.courier.take(project, Notice(kind, mapping, alias, text))


def _is_late(project: Project, mapping: str, since: datetime, now: datetime) -> bool:
    found = project.mappings.get(mapping)
    if found is None or not found.model.enabled or found.model.expect_every is None:
        return False
    return now - since > timedelta(seconds=found.model.expect_every)


def _decided(drop: Drop, status: str, moment: str) -> Drop:
    state = DECIDED.get(status, "done")
    reasons = {
        "done": _("The plan {plan} was approved."),
        "refused": _("The plan {plan} was rejected."),
        "superseded": _("A later run planned something else than {plan}."),
    }
    reason = reasons[state].format(plan=drop.plan)
    return replace(drop, state=state, outcome=state, since=moment, code=f"plan_{status}", reason=reason)


@dataclass(slots=True)
class _Parcel:
    project: Project
    notice: Notice
    to: dict[str, str]
    tries: int
    due: datetime
    until: datetime


class Courier:
    """Sends notices from a thread of its own; what can't be sent is tried again for a day."""

    def __init__(self, log: Log, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.log = log
        self._clock = clock
        self._parcels: queue.SimpleQueue[_Parcel] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def take(self, project: Project, notice: Notice) -> None:
        """Send a notice to whom the mapping chose."""
        if notice.kind in ("overdue", "recovered"):
            # The others are in the log already: of the run, or of the edit.
            text = _("in order again") if notice.kind == "recovered" else notice.text
            self.log.event(notice.kind, text, _level(notice.kind), mapping=notice.mapping)
        to = addresses(project, notice.mapping)
        if not to:
            return
        now = self._clock()
        self._parcels.put(_Parcel(project, notice, to, 0, now, now + GIVE_UP))
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        later: list[_Parcel] = []
        while True:
            with suppress(queue.Empty):
                later.append(self._parcels.get(timeout=5.0 if later else None))
            now = self._clock()
            due = [parcel for parcel in later if parcel.due <= now]
            later = [parcel for parcel in later if parcel.due > now]
            for parcel in due:
                later += self._sent(parcel)

    def _sent(self, parcel: _Parcel) -> list[_Parcel]:
        """Send it; what is left to be tried again."""
        failed = send(parcel.notice, parcel.to, parcel.project.root.name)
        for problem in failed.values():
            self.log.event("notify", f"{problem.message} {problem.hint}", level="warning")
        left = {name: parcel.to[name] for name in failed}
        if not left or self._clock() > parcel.until:
            return []
        tries = parcel.tries + 1
        return [_Parcel(parcel.project, parcel.notice, left, tries, next_try(tries, self._clock()), parcel.until)]


def _level(kind: str) -> str:
    return "info" if kind == "recovered" else "warning"
