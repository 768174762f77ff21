"""Carries notices to their addresses. What is not taken stays in the state and is tried again for about a day."""

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
from engine.service.work import bug
from engine.state.notices import Notices, Parcel
from engine.state.store import Store

MOST_TRIES = 27
"""A day of tries, each an hour after the other; a time in which nobody tried does not count."""
SECONDS = 60.0
"""How long an address may take: who is slow must not get the same notice again and again."""
LEASE = timedelta(minutes=5)
"""A process that was killed while it sent has not sent: after so long another try is due."""
POLL = 5.0


class Courier:
    """Sends from a thread of its own: a server that is silent holds up neither runs nor the end.

    ``is_settled`` says whether the addresses are known: with a broken configuration nobody can be said to have none.
    """

    def __init__(self, store: Store, project: Callable[[], Project], is_settled: Callable[[], bool], log: Log) -> None:
        self._notices = Notices(store)
        self._shared = store.is_shared
        self._project = project
        self._is_settled = is_settled
        self._log = log
        self._wake = threading.Event()

    def start(self) -> None:
        """Send from now on, first what is left from before: until the process ends."""
        threading.Thread(target=self._work, daemon=True).start()

    def wake(self) -> None:
        """A notice is on its way."""
        self._wake.set()

    def _work(self) -> None:
        told = ""
        hurry = not self._shared
        while True:
            self._wake.clear()
            try:
                if hurry:
                    self._notices.hurry()
                    hurry = False
                self._carry_all()
                told = ""
            except Exception as error:
                # Whatever it is, the next notice must find somebody who carries it.
                problem = error.problems[0] if isinstance(error, ProblemError) else bug(error)
                if problem.message != told:
                    self._log.event(problem.code, f"{problem.message} {problem.hint}".strip(), "error")
                told = problem.message
            self._wake.wait(POLL)

    def _carry_all(self) -> None:
        silent: set[str] = set()
        while self._is_settled():
            now = datetime.now(UTC)
            parcels = self._notices.take(now, now + LEASE, 1)
            if not parcels:
                return
            silent |= self._carry(parcels[0], silent)

    def _carry(self, parcel: Parcel, silent: set[str]) -> set[str]:
        """Send one, but not to those who have been silent just now; who did not take it."""
        project = self._project()
        every = addresses(project, None)
        names = {name for name in parcel.names if name in every}
        for name in sorted(set(parcel.names) - names):
            text = _("The notice to {name} is dropped: configuration.yaml has no such address any more.")
            self._log.event("notify", text.format(name=name), level="warning", mapping=parcel.notice.mapping)
        if names and names <= silent:
            self._notices.put_off(parcel, datetime.now(UTC) + LEASE)
            return set()
        problems = send(parcel.notice, {name: every[name] for name in names - silent}, project.root.name, SECONDS)
        for problem in problems.values():
            self._log.event("notify", f"{problem.message} {problem.hint}", level="warning")
        failed = problems.keys() | (names & silent)
        if not failed:
            self._notices.delivered(parcel)
        elif parcel.tries + 1 >= MOST_TRIES:
            self._notices.delivered(parcel)
            text = _("The notice to {names} is given up after {count} tries.")
            said = text.format(names=", ".join(sorted(failed)), count=MOST_TRIES)
            self._log.event("notify", said, level="error", mapping=parcel.notice.mapping)
        else:
            self._notices.try_again(parcel, failed, next_try(parcel.tries + 1, datetime.now(UTC)))
        return failed
