"""The state: who may read it, what it never holds, how long it keeps things, and what survives a crash."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.problems import UserMustFix
from engine.state.store import Store
from engine.sync.plan import Plan
from tests.world import ACCESS_KEY, CONTACTS, PASSWORD, PERSONAL, World, changed, people, person, without

TEN = people(10)
IDS = {str(number) for number in range(1, 11)}


@pytest.fixture
def synced(world: World) -> World:
    """FE2 holds ten persons, and this installation knows it."""
    world.mapping()
    world.settled(TEN)
    return world


def state_file(world: World) -> Path:
    return world.root / ".abgleich" / "state.sqlite"


# -- the file ---------------------------------------------------------------------------------------------------------


def test_only_its_owner_may_read_the_state(world: World) -> None:
    world.mapping()
    before = os.umask(0)
    try:
        world.run(TEN)
    finally:
        os.umask(before)
    assert stat.S_IMODE(state_file(world).stat().st_mode) == 0o600
    assert stat.S_IMODE((world.root / ".abgleich").stat().st_mode) == 0o700


def test_secrets_are_never_in_the_state(world: World) -> None:
    world.connect_greyhound()
    world.mapping(PERSONAL + CONTACTS[CONTACTS.index("  - action") :])
    world.approve(world.run(TEN).plan)
    world.fe2.access_key = "another key"
    assert world.run(changed(TEN, 1, vorname="Neu")).status == "failed"
    world.run(people(3))
    for secret in (ACCESS_KEY, PASSWORD):
        assert secret.encode() not in world.state_bytes()


def test_a_state_of_another_version_is_left_alone(synced: World) -> None:
    for version in ("2", "x"):
        with sqlite3.connect(state_file(synced)) as database:
            database.execute("UPDATE meta SET value = ? WHERE name = 'schema'", [version])
        database.close()
        result = synced.run(without(TEN, 1))
        assert (result.code, result.codes) == (1, ["state_version"])
    assert synced.ids == IDS


def test_a_broken_state_is_told_and_nothing_is_written(synced: World) -> None:
    state_file(synced).write_bytes(b"no database at all, but long enough to be read as one" * 40)
    result = synced.run(without(TEN, 1))
    assert (result.code, result.codes) == (1, ["state_unusable"])
    assert ".abgleich" in result.json["problems"][0]["hint"]
    assert synced.ids == IDS


# -- several programs -------------------------------------------------------------------------------------------------


def test_two_programs_may_make_the_state_at_the_same_time(world: World) -> None:
    world.mapping()
    world.configure(first_sync="go")
    world.drop(TEN)
    started = [world.process(word, "personal") for word in ("plan", "plan", "plan", "run")]
    for process in started:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, out + err
    assert len(world.fe2.syncs) == 1


def test_of_two_runs_at_once_one_waits_and_nothing_is_sent_twice(world: World) -> None:
    world.mapping()
    world.configure(first_sync="go")
    world.drop(TEN)
    world.fe2.latency = 0.5
    started = [world.process("run", "personal") for _ in range(2)]
    statuses = []
    for process in started:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, out + err
        statuses.append("unchanged" if '"status": "unchanged"' in out.partition('"source"')[0] else "done")
    assert sorted(statuses) == ["done", "unchanged"]
    assert len(world.fe2.syncs) == 1


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_run_that_was_killed_while_fe2_answered_is_made_good_by_the_next(synced: World) -> None:
    synced.drop(without(TEN, 1))
    synced.fe2.latency = 5
    seen = len(synced.fe2.requests)
    process = synced.process("run", "personal")
    until = time.monotonic() + 20
    while len(synced.fe2.requests) == seen and time.monotonic() < until:
        time.sleep(0.02)
    process.kill()
    process.communicate()
    synced.fe2.latency = 0

    listed = synced("runs").json["runs"][0]
    assert listed["status"] == "running"
    shown = synced("show", listed["run"])
    assert shown.json["actions"] == []
    assert shown.codes == ["cut_off"]

    result = synced.run(TEN)
    assert (result.code, result.status, result.counts()) == (0, "done", {"unchanged": 10})
    assert synced.ids == IDS
    assert [run["status"] for run in synced("runs").json["runs"][:2]] == ["done", "failed"]


# -- how long ---------------------------------------------------------------------------------------------------------


def test_values_of_people_go_first_and_runs_later(tmp_path: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    store = Store(tmp_path, clock=lambda: now)
    run = store.begin_run("personal", "run", "2026-01-01")
    store.end_run(run, "done", {"actions": [{"id": "a", "changes": [{"kind": "created", "key": "1", "name": "Max"}]}]})

    def prune() -> None:
        from engine.sync.account import without_people

        store.prune(90 * 86400, 30 * 86400, without_people)

    now += timedelta(days=29)
    prune()
    kept = store.run(run)
    assert kept is not None
    assert kept.report["actions"][0]["changes"][0]["name"] == "Max"
    now += timedelta(days=2)
    prune()
    kept = store.run(run)
    assert kept is not None
    assert kept.report["actions"][0]["changes"] == [{"kind": "created", "key": "1", "fields": {}}]
    now += timedelta(days=60)
    prune()
    assert store.run(run) is None
    store.close()


def test_keep_is_taken_from_the_configuration(synced: World) -> None:
    synced.run(changed(TEN, 1, vorname="Rumpelstilz"))
    synced.run(TEN)
    assert b"Rumpelstilz" in synced.state_bytes()
    synced.keep(people="0s", runs="1h")
    synced.run()
    assert b"Rumpelstilz" not in synced.state_bytes()
    assert len(synced("runs").json["runs"]) == 5
    assert synced("show", synced("runs").json["runs"][2]["run"]).code == 0
    synced.keep(people="0s", runs="0s")
    synced.run()
    assert len(synced("runs").json["runs"]) == 1


def test_a_run_whose_plan_waits_is_kept(world: World) -> None:
    world.mapping()
    world.keep(runs="0s", people="0s")
    held = world.run(TEN)
    world.mapping(name="jugend", path="inbox/jugend*.csv")
    world.run([person(70)], mapping="jugend")
    assert world("show", held.plan).json["run"] == held.json["run"]
    assert world.approve(held.plan).status == "done"


def test_what_a_plan_held_is_gone_when_it_has_ended(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for end in ("applied", "rejected"):
        number = store.save_plan(Plan("personal", (), source={"path": "Rumpelstilz"}), "r", "held")
        store.end_plan(number, end)
        stored = store.plan(number)
        assert stored is not None
        assert (stored.status, stored.plan.source) == (end, {})
    number = store.save_plan(Plan("personal", (), source={"path": "Rumpelstilz"}), "r", "held")
    store.end_plans("personal")
    assert not store.open_plans()
    store.close()
    assert b"Rumpelstilz" not in (tmp_path / "state.sqlite").read_bytes()


def test_without_a_place_to_write_the_reason_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(UserMustFix) as error:
        Store(tmp_path / "file")
    assert error.value.problems[0].code == "state_unusable"
