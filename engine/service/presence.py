"""Which process of the engine this is, and which others live: told from locks that die with their process."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta

from engine.i18n import _
from engine.problems import Problem, UserMustFix
from engine.state.locks import Held, Locks, Taken
from engine.state.service import EngineProcess, ServiceState
from engine.state.store import Store

# No connection can have these names: they share the folder of locks.
MAIN = "+engine"
LEADER = "+leader"
FRESH = timedelta(seconds=30)
"""A process that gave a sign of life so lately is not dead, whatever its lock says."""


class Displaced(UserMustFix):
    """Another engine is at work on this project: there must not be two."""


class Presence:
    """One process among those that work on the same state. ``worker``: several are wanted, and one of them leads."""

    def __init__(self, store: Store, worker: bool) -> None:
        self.id = f"{MAIN}-{secrets.token_hex(8)}" if store.is_shared else MAIN
        self._store = store
        self._worker = worker
        self._locks = Locks(store)
        self._state = ServiceState(store)
        self._own: tuple[ExitStack, Held] | None = None
        self._leading: tuple[ExitStack, Held | None] | None = None

    @property
    def leads(self) -> bool:
        """Whether this process is the one that looks and schedules."""
        return self._leading is not None

    def come(self) -> None:
        """From now on others see that this process lives. Raises :class:`Displaced` where another one is enough."""
        self._own = self._locked()
        self._state.come(self.id)

    def go(self) -> None:
        """The process ends in order."""
        self.stop_leading()
        if self._store.is_there():
            self._state.go(self.id)

    def close(self) -> None:
        """Give the lock back."""
        if self._own is not None:
            self._own[0].close()

    def check(self) -> None:
        """Locks that got lost are taken again. Raises :class:`Displaced` where somebody else has them by now."""
        if self._own is None or not self._own[1].is_held():
            self.close()
            self._own = None
            self._own = self._locked()
        if self._leading is not None and self._leading[1] is not None and not self._leading[1].is_held():
            self.stop_leading()
        self._state.alive(self.id)

    def lead(self) -> bool:
        """Lead, where nobody else does. Whether this process leads now."""
        if self._leading is None:
            stack = ExitStack()
            try:
                held = stack.enter_context(self._locks.hold(LEADER)) if self._store.is_shared else None
            except Taken:
                return False
            self._leading = (stack, held)
        return True

    def stop_leading(self) -> None:
        """Let another one lead."""
        if self._leading is not None:
            self._leading[0].close()
            self._leading = None

    def dead(self, now: datetime) -> Iterator[EngineProcess]:
        """Processes that have ended without a word; whoever asks takes over what they left."""
        for engine in self._state.engines() if self._store.is_shared else ():
            seen = now - datetime.fromisoformat(engine.seen_at)
            if engine.id != self.id and seen >= FRESH and not self._locks.is_held(engine.id):
                yield engine

    def buried(self, engine: EngineProcess) -> None:
        """Nothing is left of a dead process."""
        self._state.go(engine.id)

    def _locked(self) -> tuple[ExitStack, Held]:
        stack = ExitStack()
        try:
            held = stack.enter_context(self._locks.hold(self.id))
            if self._store.is_shared and not self._worker:
                stack.enter_context(self._locks.hold(MAIN))
        except Taken:
            stack.close()
            raise Displaced(self._second()) from None
        return stack, held

    def _second(self) -> Problem:
        at_work = [one for one in self._state.engines() if one.id == MAIN or self._store.is_shared]
        pid = at_work[-1].pid if at_work else "?"
        message = _("An engine is at work on this project already (process {pid}).").format(pid=pid)
        hint = _("`abgleich status` shows what it does. Several at a time: --worker, with PostgreSQL as database.")
        return Problem("engine_at_work", message, hint)
