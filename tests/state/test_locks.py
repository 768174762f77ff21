"""Locks that die with their process, as files and on PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from engine.problems import Problem, TargetStopped
from engine.state.ledger import StateLedger
from engine.state.locks import Locks, Taken
from engine.state.store import Store
from engine.sync.plan import Change
from engine.sync.record import Owner

HOLD = """
import sys, time
from pathlib import Path
from engine.state.locks import Locks
from engine.state.store import Store
with Locks(Store(Path(sys.argv[1]), sys.argv[2])).hold("fe2"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def locks(request: pytest.FixtureRequest, tmp_path: Path) -> Locks:
    database = request.param if request.param == "sqlite" else request.getfixturevalue("postgresql")
    store = Store(tmp_path, database)
    request.addfinalizer(store.close)
    return Locks(store)


@pytest.fixture
def database(locks: Locks, request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("postgresql")) if locks.store.is_shared else "sqlite"


def test_a_lock_is_had_by_one_at_a_time(locks: Locks) -> None:
    with locks.hold("fe2"):
        assert locks.is_held("fe2")
        with pytest.raises(Taken), locks.hold("fe2"):
            pass
        with locks.hold("greyhound"):
            pass
    assert not locks.is_held("fe2")


def test_whoever_waits_gets_it_when_it_is_given_back(locks: Locks) -> None:
    got = threading.Event()

    def wait() -> None:
        with locks.hold("fe2", 30):
            got.set()

    with locks.hold("fe2"):
        thread = threading.Thread(target=wait)
        thread.start()
        assert not got.wait(0.3)
    thread.join(30)
    assert got.is_set()


def test_a_lock_dies_with_its_process(locks: Locks, database: str) -> None:
    command = [sys.executable, "-c", HOLD, str(locks.store.folder), database]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert locks.is_held("fe2")
        holder.kill()
        holder.wait()
        with locks.hold("fe2", 30):
            pass


def test_a_lock_whose_file_was_deleted_and_made_anew_is_lost(tmp_path: Path) -> None:
    with closing(Store(tmp_path)) as store:
        locks = Locks(store)
        with locks.hold("fe2") as first:
            (tmp_path / "locks" / "fe2.lock").unlink()
            with locks.hold("fe2") as second:
                assert (first.is_held(), second.is_held()) == (False, True)


def test_a_write_that_ends_without_its_lock_leaves_it_open_what_the_target_holds(tmp_path: Path) -> None:
    lost = False

    def still_alone() -> None:
        if lost:
            raise TargetStopped(Problem("lock_lost", "x", "y"))

    with closing(Store(tmp_path)) as store:
        ledger = StateLedger(store, "fe2", Owner("personal", "fe2.sync"), still_alone=still_alone)
        other = StateLedger(store, "fe2", Owner("other", "fe2.sync"))
        created = [Change("created", "1", None, {"name": "x"})]
        ledger.begin()
        ledger.intend(created)
        lost = True
        other.begin()
        other.finish()
        assert other.is_certain()
        with pytest.raises(TargetStopped):
            ledger.finish([(created[0], "1")])
        assert not other.is_certain()
        ledger.withdraw(["1"])
        assert ledger.in_doubt() == {"1"}
