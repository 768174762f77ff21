"""Runs that wait, run or have ended. At the most one of a mapping waits: what comes meanwhile collapses into it."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy import Connection as Database

from engine.state import tables as t
from engine.state.store import Store, now_text


@dataclass(frozen=True, slots=True)
class Job:
    """One run to be. ``failures`` counts the tries before it; it is not begun before ``due_at``."""

    id: str
    mapping: str
    trigger: str
    trigger_id: str | None
    path: str | None
    failures: int
    state: str
    due_at: str
    made_at: str


class Jobs:
    """The table of jobs."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def want(
        self, mapping: str, trigger: str, trigger_id: str | None, path: str | None, due: datetime, failures: int = 0
    ) -> Job:
        """A run of the mapping is wanted. Where one waits already it takes this up: a file counts more than a time."""
        values: dict[str, Any] = {"trigger": trigger, "trigger_id": trigger_id, "path": path, "failures": failures}
        due_at = now_text(due)
        c = t.jobs.c
        with self.store.transaction() as database:
            row = database.execute(select(t.jobs).where(c.mapping == mapping, c.state == "waiting")).first()
            if row is None:
                made = self.store.now()
                values |= {"id": secrets.token_hex(16), "mapping": mapping, "state": "waiting"}
                database.execute(insert(t.jobs).values(**values, due_at=due_at, made_at=made))
            else:
                kept = path is None and row.path is not None
                values = {} if kept else values
                database.execute(update(t.jobs).where(c.id == row.id).values(**values, due_at=min(due_at, row.due_at)))
            return _job(database.execute(select(t.jobs).where(c.mapping == mapping, c.state == "waiting")).one())

    def open(self) -> list[Job]:
        """All jobs that wait or run, oldest first."""
        with self.store.transaction() as database:
            query = select(t.jobs).where(t.jobs.c.state.in_(("waiting", "running"))).order_by(t.jobs.c.made_at)
            return [_job(row) for row in database.execute(query).all()]

    def begin(self, job: str) -> Job | None:
        """The job runs from now on, again where it was cut off; None where it has ended or never was."""
        c = t.jobs.c
        with self.store.transaction() as database:
            row = database.execute(select(t.jobs).where(c.id == job, c.state.in_(("waiting", "running")))).first()
            if row is None:
                return None
            database.execute(update(t.jobs).where(c.id == job).values(state="running", began_at=self.store.now()))
            return _job(row)

    def end(self, job: Job, status: str, run: str | None, again: datetime | None = None) -> None:
        """What became of it. ``again``: it is tried again then, unless another run of the mapping waits by now."""
        c = t.jobs.c
        moment = self.store.now()
        values = {"state": "ended", "status": status, "run": run, "ended_at": moment}
        with self.store.transaction() as database:
            database.execute(update(t.jobs).where(c.id == job.id).values(**values))
            waits = select(c.id).where(c.mapping == job.mapping, c.state == "waiting")
            if again is None or database.execute(waits).first() is not None:
                return
            retry = {"trigger": job.trigger, "trigger_id": job.trigger_id, "path": job.path}
            retry |= {"id": secrets.token_hex(16), "mapping": job.mapping, "state": "waiting", "made_at": moment}
            database.execute(insert(t.jobs).values(**retry, failures=job.failures + 1, due_at=now_text(again)))

    def drop_waiting(self, mapping: str) -> None:
        """Nothing of this mapping shall run any more."""
        c = t.jobs.c
        with self.store.transaction() as database:
            database.execute(delete(t.jobs).where(c.mapping == mapping, c.state == "waiting"))

    def counts(self) -> dict[tuple[str, str], int]:
        """How many jobs of each (mapping, status) have ever ended."""
        with self.store.transaction() as database:
            counts = Counter(_ended(database))
            for row in database.execute(select(t.totals)):
                counts[row.mapping, row.status] += row.jobs
        return dict(counts)

    def prune(self, before: datetime) -> None:
        """Forget what ended before then, but for how many there were."""
        c, total = t.jobs.c, t.totals.c
        old = c.ended_at < now_text(before)
        with self.store.transaction() as database:
            for (mapping, status), count in _ended(database, old).items():
                here = (total.mapping == mapping, total.status == status)
                more = update(t.totals).where(*here).values(jobs=total.jobs + count)
                if not database.execute(more).rowcount:
                    database.execute(insert(t.totals).values(mapping=mapping, status=status, jobs=count))
            database.execute(delete(t.jobs).where(c.state == "ended", old))


def _ended(database: Database, *conditions: ColumnElement[bool]) -> dict[tuple[str, str], int]:
    """How many jobs of each (mapping, status) have ended that are still on record."""
    c = t.jobs.c
    ended = select(c.mapping, c.status, func.count()).where(c.state == "ended", *conditions)
    return {(row[0], row[1]): row[2] for row in database.execute(ended.group_by(c.mapping, c.status)).all()}


def _job(row: Any) -> Job:
    return Job(
        row.id, row.mapping, row.trigger, row.trigger_id, row.path, row.failures, row.state, row.due_at, row.made_at
    )
