"""Jobs: one of a mapping waits, and what has ended stays counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.state.jobs import Jobs
from engine.state.store import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def jobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Jobs]:
    database = request.param if request.param == "sqlite" else request.getfixturevalue("postgresql")
    store = Store(tmp_path, database)
    yield Jobs(store)
    store.close()


def end(jobs: Jobs, status: str, mapping: str = "personal") -> None:
    job = jobs.want(mapping, "time", None, None, datetime.now(UTC))
    jobs.begin(job.id)
    jobs.end(job, status, None)


def test_what_has_ended_stays_counted_when_it_is_forgotten(jobs: Jobs) -> None:
    for status in ("done", "done", "failed"):
        end(jobs, status)
    for _ in range(2):  # also when it is forgotten twice
        jobs.prune(datetime.now(UTC) + timedelta(hours=1))
        assert jobs.counts() == {("personal", "done"): 2, ("personal", "failed"): 1}
    end(jobs, "done")
    assert jobs.counts() == {("personal", "done"): 3, ("personal", "failed"): 1}


def test_what_waits_takes_up_what_comes(jobs: Jobs) -> None:
    now = datetime.now(UTC)
    first = jobs.want("personal", "time", "nightly", None, now + timedelta(hours=1))
    again = jobs.want("personal", "file", None, "inbox/a.csv", now)
    assert (again.id, again.trigger, again.path) == (first.id, "file", "inbox/a.csv")
    assert jobs.want("personal", "time", "nightly", None, now).path == "inbox/a.csv"
    assert len(jobs.open()) == 1
