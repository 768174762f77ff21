"""What else the engine remembers: schedules it looked after, and its processes."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection as Database
from sqlalchemy import delete, insert, select, update

from engine.state import tables as t
from engine.state.store import Store, now_text


@dataclass(frozen=True, slots=True)
class EngineProcess:
    """A process of the engine. Whether it lives is told by its lock."""

    id: str
    pid: int
    host: str
    started_at: str
    seen_at: str


class ServiceState:
    """The small tables of the engine."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def looked_after_until(self, mapping: str, trigger: str) -> datetime | None:
        """Up to which moment a schedule was looked after; None where it never was."""
        c = t.schedules.c
        with self.store.transaction() as database:
            query = select(c.until).where(c.mapping == mapping, c.trigger == trigger)
            found = database.execute(query).scalar()
        return datetime.fromisoformat(found) if found is not None else None

    def look_after(self, mapping: str, trigger: str, until: datetime) -> None:
        """A schedule was looked after up to this moment."""
        c = t.schedules.c
        with self.store.transaction() as database:
            here = (c.mapping == mapping, c.trigger == trigger)
            changed = database.execute(update(t.schedules).where(*here).values(until=now_text(until)))
            if not changed.rowcount:
                database.execute(insert(t.schedules).values(mapping=mapping, trigger=trigger, until=now_text(until)))

    def forget_schedules(self, mappings: Collection[str]) -> None:
        """Nobody looks after the schedules of these mappings."""
        with self.store.transaction() as database:
            for mapping in mappings:
                database.execute(delete(t.schedules).where(t.schedules.c.mapping == mapping))

    def come(self, engine: str) -> None:
        """A process of the engine begins."""
        with self.store.transaction() as database:
            database.execute(delete(t.engines).where(t.engines.c.id == engine))
            self._enter(database, engine)

    def alive(self, engine: str) -> None:
        """A sign of life. Whoever was taken for dead meanwhile is there again."""
        with self.store.transaction() as database:
            seen = update(t.engines).where(t.engines.c.id == engine).values(seen_at=self.store.now())
            if not database.execute(seen).rowcount:
                self._enter(database, engine)

    def _enter(self, database: Database, engine: str) -> None:
        moment = self.store.now()
        row = {"pid": os.getpid(), "host": socket.gethostname(), "started_at": moment, "seen_at": moment}
        database.execute(insert(t.engines).values(id=engine, **row))

    def go(self, engine: str) -> None:
        """A process has ended, and nothing of it is left."""
        with self.store.transaction() as database:
            database.execute(delete(t.engines).where(t.engines.c.id == engine))

    def engines(self) -> list[EngineProcess]:
        """All processes on record, the living and the dead."""
        with self.store.transaction() as database:
            rows = database.execute(select(t.engines).order_by(t.engines.c.started_at)).all()
        return [EngineProcess(row.id, row.pid, row.host, row.started_at, row.seen_at) for row in rows]
