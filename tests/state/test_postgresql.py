"""The same code on PostgreSQL: runs, holds, approvals, contacts, forgetting."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from engine.state.service import ServiceState
from engine.state.store import Store
from tests.service.process import engine, wait_for
from tests.world import CONTACTS, Result, World, changed, people, without


@pytest.fixture
def shared(world: World, postgresql: str) -> World:
    world.extra = f"database: {postgresql}\n"
    world.configure()
    return world


def test_runs_holds_and_approvals(shared: World) -> None:
    shared.mapping()
    first = shared.run(people(20))
    assert first.status == "held"
    assert shared.approve(first.plan).status == "done"
    assert shared.run(changed(people(20), 1, zug="2")).counts() == {"updated": 1, "unchanged": 19}
    held = shared.run(people(5))
    assert held.status == "held"
    assert len(shared.fe2.persons) == 20
    assert shared.approve(held.plan).status == "done"
    assert sorted(shared.fe2.persons) == ["1", "2", "3", "4", "5"]
    assert shared.run().status == "unchanged"
    assert [run["status"] for run in shared("runs").json["runs"]].count("held") == 2
    assert not (shared.root / ".abgleich" / "state.sqlite").exists()


def test_contacts_and_forgetting(shared: World) -> None:
    server = shared.connect_greyhound()
    shared.mapping(CONTACTS.rstrip() + "\n    removal: trash\n", name="contacts")
    assert shared.run(people(5), mapping="contacts").status == "done"
    assert shared.run(without(people(5), 2), mapping="contacts").counts("greyhound.sync")["removed"] == 1
    assert shared("forget", "contacts", "3").status == "done"
    assert sum(1 for contact in server.contacts.values() if not contact.get("Flags")) == 3


def test_a_folder_of_the_state_is_not_needed_but_kept_for_itself(shared: World) -> None:
    shared.mapping()
    assert shared("runs").code == 0
    assert shared("check").code == 0


def test_several_runs_at_the_same_time_get_numbers_of_their_own(shared: World) -> None:
    shared.configure(first_sync="go")
    for number in range(4):
        shared.connect_fe2(f"fe2_{number}", first_sync="go")
        shared.mapping(name=f"m{number}", connection=f"fe2_{number}", path=f"inbox/m{number}.csv")
        shared.drop(people(5), f"m{number}.csv")
    processes = [shared.process("run", f"m{number}") for number in range(4)]
    results: list[Result] = []
    threads = [threading.Thread(target=lambda p=p: results.append(Result(0, *p.communicate()))) for p in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [result.status for result in results] == ["done"] * 4
    assert len({result.json["run"] for result in results}) == 4


def test_a_run_whose_session_is_cut_stops_writing_and_the_next_does_the_rest(shared: World, postgresql: str) -> None:
    slow = shared.connect_greyhound()
    slow.latency = 0.05
    shared.mapping(CONTACTS, name="contacts")
    shared.drop(people(60), "contacts.csv")
    process = shared.process("run", "contacts")
    wait_for("The first contacts", lambda: len(slow.contacts) > 5)
    cut_every_lock(postgresql)
    stopped = Result(0, *process.communicate())
    assert stopped.status == "failed"
    assert stopped.problem("lock_lost")["hint"]
    assert len(slow.contacts) < 60
    assert shared.run(mapping="contacts").status == "done"
    assert len(slow.contacts) == 60
    assert slow.breaches == []


def cut_every_lock(postgresql: str) -> None:
    """What a restart of the server does to the sessions that hold locks."""
    database = create_engine(postgresql.replace("postgresql://", "postgresql+psycopg://"))
    with database.begin() as session:
        session.execute(text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"))
    database.dispose()


def test_workers_whose_sessions_are_cut_are_all_there_again(shared: World, postgresql: str) -> None:
    shared.mapping()
    with engine(shared, "--worker"), engine(shared, "--worker"):
        wait_for("Both", lambda: len(processes(shared)) == 2)
        cut_every_lock(postgresql)
        with closing(Store(shared.root / ".abgleich", postgresql)) as store:
            state = ServiceState(store)
            for one in state.engines():
                state.go(one.id)  # as the one that leads does with whom it takes for dead
        wait_for("Both again", lambda: len(processes(shared)) == 2)


def processes(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world("status").json["engine"]["processes"]
    return found
