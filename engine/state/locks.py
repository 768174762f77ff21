"""Locks that die with their process: files on one machine, advisory locks where the state is on PostgreSQL."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from sqlalchemy import Connection as Database
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from engine.state.database import unusable
from engine.state.ground import Ground
from engine.state.store import Store

FOLDER = "locks"
POLL = 0.1


class Taken(Exception):
    """Somebody else holds the lock."""


class Held:
    """A lock that somebody holds. It may get lost: its file is deleted, or its session is cut."""

    def __init__(self, is_held: Callable[[], bool]) -> None:
        self.is_held = is_held


class Locks:
    """The locks of one project. Names are words of the project: connections, engines."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def hold(self, name: str, wait: float = 0.0) -> AbstractContextManager[Held]:
        """Hold a lock as long as the context lasts. Raises :class:`Taken` where it can't be had within ``wait``."""
        return self._hold_advisory(name, wait) if self.store.is_shared else self._hold_file(name, wait)

    def is_held(self, name: str) -> bool:
        """Whether anybody, also this process, holds it."""
        try:
            with self.hold(name):
                return False
        except Taken:
            return True

    @contextmanager
    def _hold_file(self, name: str, wait: float) -> Iterator[Held]:
        from filelock import FileLock, Timeout

        folder = self.store.folder / FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = folder / f"{name}.lock"
        lock = FileLock(file, timeout=wait, poll_interval=POLL)
        try:
            lock.acquire()
        except Timeout:
            raise Taken(name) from None
        ground = Ground(file)
        try:
            yield Held(lambda: ground.is_there() and self.store.is_there())
        finally:
            lock.release()

    @contextmanager
    def _hold_advisory(self, name: str, wait: float) -> Iterator[Held]:
        number = int.from_bytes(hashlib.sha256(f"abgleich:{name}".encode()).digest()[:8], "big", signed=True)
        try:
            database = self.store.session()
        except SQLAlchemyError as error:
            raise unusable(error) from error
        mutex = threading.Lock()  # a session is not for several threads at a time
        try:
            _wait(lambda: _try(database, number), wait, name)
            try:
                yield Held(lambda: _answers(database, mutex))
            finally:
                with suppress(SQLAlchemyError):
                    database.execute(text("SELECT pg_advisory_unlock(:n)"), {"n": number})
        finally:
            # Not back into the pool: a lock that could not be given back must die with the session.
            with suppress(SQLAlchemyError):
                database.invalidate()
                database.close()


def _answers(database: Database, mutex: threading.Lock) -> bool:
    try:
        with mutex:
            return bool(database.execute(text("SELECT 1")).scalar())
    except SQLAlchemyError:
        return False


def _try(database: Database, number: int) -> bool:
    try:
        return bool(database.execute(text("SELECT pg_try_advisory_lock(:n)"), {"n": number}).scalar())
    except SQLAlchemyError as error:
        raise unusable(error) from error


def _wait(attempt: Callable[[], bool], wait: float, name: str) -> None:
    end = time.monotonic() + wait
    while not attempt():
        if time.monotonic() >= end:
            raise Taken(name)
        time.sleep(POLL)
