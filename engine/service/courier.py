"""Carries notices to their addresses. What is not taken stays in the state and is tried again for a day."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from engine.config.load import Project
from engine.i18n import _
from engine.problems import ProblemError
from engine.service.logs import Log
from engine.service.notify import addresses, send
from engine.service.retries import next_try
from engine.state.notices import Notices, Parcel
from engine.state.store import Store

GIVE_UP = timedelta(days=1)
LEASE = timedelta(minutes=2)
"""A process that was killed while it sent has not sent: after so long another try is due."""
POLL = 5.0
BATCH = 20


class Courier:
    """Sends from a thread of its own: a server that is silent holds up neither runs nor the end."""

    def __init__(self, store: Store, project: Callable[[], Project], log: Log) -> None:
        self._notices = Notices(store)
        self._shared = store.is_shared
        self._project = project
        self._log = log
        self._wake = threading.Event()

    def start(self) -> None:
        """Send from now on, first what is left from before: until the process ends."""
        if not self._shared:
            self._notices.hurry()
        threading.Thread(target=self._work, daemon=True).start()

    def wake(self) -> None:
        """A notice is on its way."""
        self._wake.set()

    def _work(self) -> None:
        told = ""
        while True:
            self._wake.clear()
            try:
                now = datetime.now(UTC)
                silent: set[str] = set()
                for parcel in self._notices.take(now, now + LEASE, BATCH):
                    silent |= self._carry(parcel, silent)
                told = ""
            except ProblemError as error:
                problem = error.problems[0]
                if problem.code != told:
                    self._log.event(problem.code, f"{problem.message} {problem.hint}".strip(), "error")
                told = problem.code
            self._wake.wait(POLL)

    def _carry(self, parcel: Parcel, silent: set[str]) -> set[str]:
        """Send one, but not to those who have been silent just now; who did not take it."""
        project = self._project()
        every = addresses(project, None)
        # An address that was taken out of the configuration meanwhile is nobody's any more.
        names = {name for name in parcel.names if name in every}
        problems = send(parcel.notice, {name: every[name] for name in names - silent}, project.root.name)
        for problem in problems.values():
            self._log.event("notify", f"{problem.message} {problem.hint}", level="warning")
        failed = problems.keys() | (names & silent)
        now = datetime.now(UTC)
        if not failed:
            self._notices.delivered(parcel)
        elif now - datetime.fromisoformat(parcel.made_at) > GIVE_UP:
            self._notices.delivered(parcel)
            text = _("The notice to {names} is given up after a day.").format(names=", ".join(sorted(failed)))
            self._log.event("notify", text, level="error", mapping=parcel.notice.mapping)
        else:
            self._notices.try_again(parcel, failed, next_try(parcel.tries + 1, now))
        return failed
