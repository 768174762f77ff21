"""The engine as a process: real folders, real stand-ins, real signals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.config.load import load
from engine.service.logs import Log
from engine.service.work import Work
from engine.simulator import GreyhoundSimulator
from engine.simulator.server import Fault
from engine.state.jobs import Jobs
from engine.state.service import ServiceState
from engine.state.store import Store
from tests.service.process import EngineProcess, drops, engine, wait_for
from tests.world import CONTACTS, PERSONAL, World, changed, people, without

TRIGGERS = "triggers: [{trigger: file, path: inbox/personal*.csv, id: list}]\n"
FEEDS = "triggers: [{trigger: file, path: inbox/contacts*.csv}]\n"


@pytest.fixture
def watched(world: World) -> World:
    """A mapping that watches the inbox and needs no approval."""
    world.configure(first_sync="go")
    world.mapping(TRIGGERS + PERSONAL, settle="0.3s")
    return world


def runs(world: World, mapping: str = "personal") -> list[dict[str, object]]:
    found: list[dict[str, object]] = world("runs", mapping).json["runs"]
    return found


def _has_runs(world: World, count: int) -> bool:
    return len(runs(world)) == count


def _put_away(inbox: Path, count: int) -> bool:
    return len([*inbox.glob("done/*/*.csv")]) == count


def held_by(world: World) -> list[str]:
    return sorted(world.fe2.persons)


def done(world: World, name: str = "personal.csv") -> None:
    wait_for(f"The run of {name}", lambda: drops(world).get(name) == "done")


# -- drops -------------------------------------------------------------------------------------------------------------


def test_a_dropped_file_reaches_the_target(watched: World) -> None:
    with engine(watched) as running:
        watched.drop(people(3))
        wait_for("The sync", lambda: held_by(watched) == ["1", "2", "3"])
        done(watched)
        (run,) = runs(watched)
        assert run["status"] == "done"
        assert running.stop() == 0
    assert "personal" in running.log
    assert "Vorname1" not in running.log


def test_a_file_that_was_there_before_the_start_is_run_once(watched: World) -> None:
    watched.drop(people(3))
    for _start in range(2):
        with engine(watched) as running:
            done(watched)
            assert running.stop() == 0
    assert len(runs(watched)) == 1


def test_fifty_writes_to_one_file_are_one_run(watched: World) -> None:
    with engine(watched):
        for count in range(1, 51):
            watched.drop(people(count))
        wait_for("The sync", lambda: len(held_by(watched)) == 50)
        done(watched)
    assert len(runs(watched)) == 1


def test_a_slow_writer_is_waited_for(watched: World) -> None:
    watched.mapping(TRIGGERS + PERSONAL, settle="1s")
    with engine(watched):
        path = watched.drop(people(1))
        for number in range(2, 12):
            time.sleep(0.3)
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{number};V{number};N{number};aktiv;1;;p{number}@example.org\n")
        done(watched)
    assert len(held_by(watched)) == 11
    assert len(runs(watched)) == 1


def test_a_then_b_then_a_again_are_three_runs(watched: World) -> None:
    both = people(6)
    with engine(watched):
        for number, rows in enumerate((both, changed(both, 1, zug="2"), both), 1):
            watched.drop(rows)
            wait_for("The run", partial(_has_runs, watched, number))
            done(watched)
    assert [run["status"] for run in runs(watched)] == ["done"] * 3


def test_a_cut_off_list_is_refused_and_nothing_is_written(watched: World) -> None:
    with engine(watched):
        watched.drop(people(10))
        done(watched)
        text = (watched.root / "inbox" / "personal.csv").read_text("utf-8")
        watched.drop_text(text[:-20])
        wait_for("The refusal", lambda: drops(watched).get("personal.csv") == "refused")
        (drop,) = watched("status").json["drops"]
        assert drop["reason"]
    assert len(held_by(watched)) == 10


def test_held_removals_wait_for_somebody_and_the_drop_ends_with_the_decision(watched: World) -> None:
    with engine(watched):
        watched.drop(people(20))
        done(watched)
        watched.drop(people(5))
        wait_for("The hold", lambda: drops(watched).get("personal.csv") == "held")
        (plan,) = watched("status").json["mappings"][0]["held"]
        assert len(held_by(watched)) == 20
        assert watched.approve(plan).status == "done"
        assert len(held_by(watched)) == 5
        wait_for("The end of the drop", lambda: drops(watched).get("personal.csv") == "done")


def test_what_somebody_has_rejected_no_schedule_asks_about_again(watched: World) -> None:
    watched.mapping("triggers: [{trigger: file, path: inbox/*.csv}, {trigger: time_pattern, seconds: /1}]\n" + PERSONAL)
    with engine(watched):
        watched.drop(people(20))
        done(watched)
        watched.drop(people(5))
        wait_for("The hold", lambda: drops(watched).get("personal.csv") == "held")
        (plan,) = watched("status").json["mappings"][0]["held"]
        assert watched("reject", plan).code == 0
        wait_for("A skipped run", lambda: watched("runs").json["runs"][0]["status"] == "skipped")
        shown = watched("show", watched("runs").json["runs"][0]["run"]).json
        assert plan in next(p for p in shown["problems"] if p["code"] == "plan_rejected")["message"]
        assert watched("status").json["mappings"][0]["held"] == []
        assert watched.run(None).status == "held"  # whoever asks for it by hand gets it
    assert len(held_by(watched)) == 20


def test_removals_that_somebody_has_rejected_are_left_out_and_the_rest_goes_on(watched: World) -> None:
    watched.mapping("triggers: [{trigger: file, path: inbox/*.csv}, {trigger: time_pattern, seconds: /1}]\n" + PERSONAL)
    with engine(watched):
        watched.drop(people(20))
        done(watched)
        watched.drop(people(16))
        wait_for("The hold", lambda: drops(watched).get("personal.csv") == "held")
        (plan,) = watched("status").json["mappings"][0]["held"]
        assert watched("reject", plan).code == 0
        wait_for("A run that leaves them out", lambda: watched("runs").json["runs"][0]["status"] == "partial")
        assert watched("status").json["mappings"][0]["held"] == []
    assert len(held_by(watched)) == 20


def test_a_held_plan_is_made_anew_when_the_mapping_or_a_connection_was_changed(watched: World) -> None:
    good = (watched.root / "mappings" / "personal.yaml").read_text("utf-8")
    with engine(watched):
        watched.drop(people(20))
        done(watched)
        watched.drop(people(5))
        wait_for("The hold", lambda: drops(watched).get("personal.csv") == "held")
        (first,) = watched("status").json["mappings"][0]["held"]
        watched.configure(resend_after="12h")
        wait_for("A new plan", lambda: watched("status").json["mappings"][0]["held"] not in ([], [first]))
        wait_for("The hold", lambda: drops(watched).get("personal.csv") == "held")
        changed = good.replace("  key: nr", "  key: nr\n  expect: {max_shrink: 90%}")
        watched.mapping(changed.replace("    fields:", "    guard: {max_removals: 90%}\n    fields:"))
        wait_for("The sync", lambda: len(held_by(watched)) == 5)
        done(watched)
        assert watched("status").json["mappings"][0]["held"] == []


def test_an_edit_never_runs_another_list_than_the_plan_was_made_from(watched: World) -> None:
    with engine(watched) as running:
        watched.drop(people(20), "personal-1.csv")
        done(watched, "personal-1.csv")
        newer = watched.drop(people(23)[6:], "personal-2.csv")
        wait_for("The hold", lambda: drops(watched).get("personal-2.csv") == "held")
        assert len(held_by(watched)) == 23
        newer.unlink()
        wait_for("Its end", lambda: "personal-2.csv" not in drops(watched))
        watched.configure(resend_after="12h")
        wait_for("The edit", lambda: "read again" in running.log)
        status = wait_for("The word", lambda: _with_outdated(watched))
        assert len(held_by(watched)) == 23
        assert status["outdated"] == status["held"]
    assert [run["command"] for run in runs(watched)] == ["run", "run"]


def _with_outdated(world: World) -> dict[str, Any] | None:
    (mapping,) = world("status").json["mappings"]
    return mapping if mapping["outdated"] else None


def test_an_edit_never_carries_out_what_was_only_planned(watched: World) -> None:
    watched.mapping(settle="0s")
    watched.settled(people(20))
    with engine(watched) as running:
        assert watched.plan(people(23)[6:]).status == "held"
        watched.configure(resend_after="12h")
        wait_for("The edit", lambda: "read again" in running.log)
        wait_for("The word", lambda: _with_outdated(watched))
    assert len(held_by(watched)) == 20


def test_what_is_asked_for_again_by_hand_waits_for_its_decision(watched: World) -> None:
    watched.mapping("triggers: [{trigger: file, path: inbox/*.csv}, {trigger: time_pattern, seconds: /1}]\n" + PERSONAL)
    with engine(watched):
        watched.drop(people(20))
        done(watched)
        watched.drop(people(16))
        wait_for("The hold", lambda: drops(watched).get("personal.csv") == "held")
        (plan,) = watched("status").json["mappings"][0]["held"]
        assert watched("reject", plan).code == 0
        wait_for("A run that leaves them out", lambda: watched("runs").json["runs"][0]["status"] == "partial")
        again = watched.run(None)
        count = len(runs(watched))
        wait_for("Two more scheduled runs", lambda: len(runs(watched)) >= count + 2)
        assert watched("status").json["mappings"][0]["held"] == [again.plan]
        assert watched.approve(again.plan).status == "done"
    assert len(held_by(watched)) == 16


def test_a_held_list_goes_on_waiting_where_a_condition_does_not_hold_when_it_is_planned_anew(watched: World) -> None:
    condition = "conditions: [{condition: template, value_template: '{{ source.rows != 5 or true }}'}]\n"
    watched.mapping(TRIGGERS + condition + PERSONAL, settle="0.2s")
    with engine(watched) as running:
        watched.drop(people(20))
        done(watched)
        watched.drop(people(5))
        wait_for("The hold", lambda: drops(watched).get("personal.csv") == "held")
        watched.mapping(TRIGGERS + condition.replace("or true", "") + PERSONAL, settle="0.2s")
        wait_for("The skipped run", lambda: "skipped" in running.log)
        wait_for("The hold", lambda: drops(watched).get("personal.csv") == "held")
        watched.mapping(TRIGGERS + condition + PERSONAL, settle="0.2s")
        wait_for("A plan", lambda: not _with_outdated(watched) and watched("status").json["mappings"][0]["held"])
        (again,) = watched("status").json["mappings"][0]["held"]
        wait_for("The hold", lambda: drops(watched).get("personal.csv") == "held")
        assert watched.approve(again).status == "done"
    assert len(held_by(watched)) == 5


def test_two_engines_never_work_on_one_project_also_where_the_lock_s_file_is_deleted(watched: World) -> None:
    with engine(watched) as first:
        (watched.root / ".abgleich" / "locks" / "+engine.lock").unlink()
        with engine(watched) as second:
            ends = lambda: first.process.poll() is not None or second.process.poll() is not None  # noqa: E731
            wait_for("The end of one of both", ends)
            ended = first if first.process.poll() is not None else second
            assert ended.wait() == 1
            assert "An engine is at work on this project already" in first.log + second.log
            watched.drop(people(3))
            done(watched)


def test_a_mapping_that_is_switched_on_again_has_missed_nothing(watched: World) -> None:
    timed = "triggers: [{trigger: time, at: '03:00'}]\n" + PERSONAL
    watched.mapping("enabled: false\n" + timed)
    watched.drop(people(3))
    with closing(Store(watched.root / ".abgleich")) as store:
        ServiceState(store).look_after("personal", "x", datetime.now(UTC) - timedelta(days=21))
    with engine(watched) as running:
        with closing(Store(watched.root / ".abgleich")) as store:
            assert ServiceState(store).looked_after_until("personal", "x") is None
        watched.mapping(timed)
        wait_for("The edit", lambda: "read again" in running.log)
    assert "Missed" not in running.log
    assert held_by(watched) == []


def test_the_reason_of_a_failed_run_is_about_no_person(world: World) -> None:
    greyhound = world.connect_greyhound()
    world.configure(first_sync="go")
    both = PERSONAL.replace("actions:\n", "actions:\n" + CONTACTS.split("actions:\n")[1])
    world.mapping(TRIGGERS + both, settle="0.2s")
    with engine(world) as running:
        world.drop(people(3))
        wait_for("The sync", lambda: drops(world).get("personal.csv") == "done")
        first = greyhound.contacts[min(greyhound.contacts)]
        first["UserFields"][0]["Value"] = "Mueller, Erna"
        world.fe2.fail(Fault(status=401, times=20))
        world.drop(people(3, nachname="Geheim"))
        wait_for("The failure", lambda: drops(world).get("personal.csv") == "failed")
    assert "Erna" not in running.log
    assert "access key" in running.log


def test_finished_files_are_put_away_where_that_is_asked_for(watched: World) -> None:
    watched.mapping(TRIGGERS + PERSONAL.replace("  key: nr", "  archive: move\n  key: nr"), settle="0.2s")
    inbox = watched.root / "inbox"
    with engine(watched):
        for count in (5, 6):
            watched.drop(people(count))
            wait_for("The move", partial(_put_away, inbox, count - 4))
        watched.drop_text("nr;vorname\n1;A\n")
        reason = wait_for("The reason", lambda: [*inbox.glob("failed/*.txt")])[0]
        wait_for("The move", lambda: not (inbox / "personal.csv").exists())
    assert "The name status is not known" in reason.read_text("utf-8")
    assert [path.name for path in sorted(inbox.glob("done/*/*.csv"))] == ["personal (2).csv", "personal.csv"]
    assert len(held_by(watched)) == 6


def test_a_file_that_two_mappings_take_is_put_away_when_both_are_done_with_it(watched: World) -> None:
    moving = TRIGGERS + PERSONAL.replace("  key: nr", "  archive: move\n  key: nr")
    watched.mapping(moving, settle="0.2s")
    second = watched.connect_fe2("fe2_second", first_sync="hold")
    watched.mapping(moving, name="second", settle="0.2s", connection="fe2_second")
    inbox = watched.root / "inbox"
    with engine(watched):
        watched.drop(people(5))
        wait_for("The hold", lambda: watched("status").json["mappings"][1]["held"])
        wait_for("The sync", lambda: len(held_by(watched)) == 5)
        assert (inbox / "personal.csv").exists()
        (plan,) = watched("status").json["mappings"][1]["held"]
        assert watched.approve(plan).status == "done"
        wait_for("The move", partial(_put_away, inbox, 1))
        assert not (inbox / "personal.csv").exists()
    assert len(second.persons) == 5


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_a_name_with_control_characters_does_nothing_to_the_terminal(watched: World) -> None:
    watched.drop(people(3), "personal\x1b[31m.csv")
    with engine(watched):
        wait_for("The drop", lambda: len(held_by(watched)) == 3)
    shown = watched("status", as_json=False).out + watched("runs", as_json=False).out
    assert "\x1b" not in shown


def test_a_failed_run_is_tried_again_by_itself(watched: World) -> None:
    watched.fe2.fail(Fault(status=401))
    with engine(watched):
        watched.drop(people(3))
        wait_for("The failure", lambda: drops(watched).get("personal.csv") == "failed")
        (mapping,) = watched("status").json["mappings"]
        assert mapping["next"] is not None
        assert held_by(watched) == []


def test_a_failed_run_does_not_take_the_place_of_a_newer_list(watched: World) -> None:
    watched.fe2.fail(Fault(status=401, delay=2.0))
    with engine(watched):
        watched.drop(people(3), "personal-a.csv")
        wait_for("The run", lambda: drops(watched).get("personal-a.csv") == "running")
        watched.drop(people(5), "personal-b.csv")
        wait_for("The sync", lambda: len(held_by(watched)) == 5)
        wait_for("The end", lambda: drops(watched).get("personal-b.csv") == "done")
        assert drops(watched)["personal-a.csv"] == "superseded"


def test_what_came_before_a_lost_answer_is_sent_again(watched: World) -> None:
    with engine(watched):
        watched.drop(people(6))
        done(watched)
        # The second list takes effect and its answer is lost, as often as it is tried; then the first one comes back.
        watched.fe2.fail(Fault(reset="after", times=9))
        watched.drop(without(people(6), 5))
        wait_for("The failure", lambda: drops(watched).get("personal.csv") == "failed")
        assert "5" not in held_by(watched)
        watched.fe2.recover()
        watched.drop(people(6))
        wait_for("The sync", lambda: "5" in held_by(watched))


def test_whatever_is_over_is_put_away_and_never_run_again(watched: World) -> None:
    text = "triggers: [{trigger: file, path: inbox/personal*.csv}]\n" + PERSONAL
    watched.mapping(text.replace("  key: nr", "  archive: move\n  key: nr"), settle="0.2s")
    inbox = watched.root / "inbox"
    with engine(watched):
        watched.drop(people(20), "personal-1.csv")
        wait_for("The first", partial(_put_away, inbox, 1))
        watched.drop(people(5), "personal-2.csv")
        wait_for("The hold", lambda: drops(watched).get("personal-2.csv") == "held")
        assert (inbox / "personal-2.csv").exists()
        (plan,) = watched("status").json["mappings"][0]["held"]
        watched.approve(plan)
        wait_for("The second", partial(_put_away, inbox, 2))
        for number in (3, 4):
            watched.drop(people(5 + number), f"personal-{number}.csv")
        wait_for("The rest", partial(_put_away, inbox, 4))
    assert len(held_by(watched)) == 9


def test_a_list_that_no_mapping_takes_is_told_of(watched: World) -> None:
    with engine(watched) as running:
        watched.drop(people(3), "Mitglieder.xlsx")
        wait_for("The word", lambda: "inbox/Mitglieder.xlsx: no mapping takes this file" in running.log)
        (lone,) = watched("status").json["unclaimed"]
        assert lone == {"path": "inbox/Mitglieder.xlsx", "patterns": ["inbox/personal*.csv"]}
        shown = watched("status", as_json=False).out
        assert "inbox/Mitglieder.xlsx: no mapping takes this file" in shown
        assert "Taken here: inbox/personal*.csv" in shown
        assert 'abgleich new "inbox/Mitglieder.xlsx" --to fe2' in shown


def test_a_decision_that_is_refused_says_nothing_about_the_mapping(watched: World) -> None:
    watched.mapping()
    watched.settled(people(20))
    plan = watched.run(people(5)).plan
    assert watched.run(people(20)).status == "unchanged"
    assert watched.approve(plan).status == "refused"
    (mapping,) = watched("status").json["mappings"]
    assert mapping["status"] == "unchanged"


# -- schedules, mappings -----------------------------------------------------------------------------------------------


def test_a_time_pattern_runs_the_newest_file(watched: World) -> None:
    watched.mapping("triggers: [{trigger: time_pattern, seconds: /1}]\n" + PERSONAL)
    watched.drop(people(3))
    with engine(watched):
        wait_for("The sync", lambda: held_by(watched) == ["1", "2", "3"])


def test_a_changed_mapping_runs_where_it_says_so(watched: World) -> None:
    watched.drop(people(3))
    with engine(watched):
        watched.mapping("triggers: [{trigger: mapping}]\n" + PERSONAL)
        wait_for("The sync", lambda: held_by(watched) == ["1", "2", "3"])
        watched.mapping(
            "triggers: [{trigger: mapping}]\n" + PERSONAL.replace('"{{ vorname }}"', '"{{ vorname | upper }}"')
        )
        wait_for("The change", lambda: watched.fe2.persons["1"]["firstName"] == "VORNAME1")


def test_a_run_wanted_by_an_edit_is_not_lost_with_the_file_that_nobody_watches_any_more(watched: World) -> None:
    watched.drop(people(3))
    project = load(watched.root)
    with closing(Store(watched.root / ".abgleich")) as store:
        jobs, work = (
            Jobs(store),
            Work(watched.root, store, lambda: project, Log("text", tuple), lambda *_: None, lambda: None),
        )
        jobs.want("personal", "file", None, "inbox/personal.csv", datetime.now(UTC))
        watched.mapping("triggers: [{trigger: mapping}]\n" + PERSONAL)
        project = load(watched.root)
        job = jobs.want("personal", "mapping", None, None, datetime.now(UTC))
        assert work.run(job.id)["status"] == "done"


def test_a_broken_edit_keeps_the_last_good_version_also_over_a_restart_and_is_shown(watched: World) -> None:
    with engine(watched) as running:
        watched.drop(people(3))
        done(watched)
        good = (watched.root / "mappings" / "personal.yaml").read_text("utf-8")
        watched.mapping(good.replace("{{ nachname }}", "{{ nachname | uper }}"))
        wait_for("The word", lambda: "uper" in running.log)
        watched.drop(people(4))
        wait_for("The run with the last good version", lambda: len(held_by(watched)) == 4)
        (mapping,) = watched("status").json["mappings"]
        assert mapping["stale"] is True
        assert running.stop() == 0
    with engine(watched):
        watched.drop(people(5))
        wait_for("The run after a restart", lambda: len(held_by(watched)) == 5)
        watched.mapping(good)
        wait_for("The cure", lambda: watched("status").json["mappings"][0]["stale"] is False)


def test_a_refused_drop_is_tried_again_when_the_mapping_was_mended(watched: World) -> None:
    good = (watched.root / "mappings" / "personal.yaml").read_text("utf-8")
    watched.mapping(good.replace("  key: nr", "  key: nr\n  expect: {min_rows: 10}"))
    with engine(watched):
        watched.drop(people(3))
        wait_for("The refusal", lambda: drops(watched).get("personal.csv") == "refused")
        watched.mapping(good)
        wait_for("The sync", lambda: held_by(watched) == ["1", "2", "3"])


def test_a_deleted_mapping_stops_and_removes_nobody(watched: World) -> None:
    with engine(watched):
        watched.drop(people(3))
        done(watched)
        watched.no_mapping("personal")
        watched.drop(people(9))
        wait_for("The end", lambda: watched("status").json["mappings"] == [])
        time.sleep(2.0)
        status = watched("status").json
    assert held_by(watched) == ["1", "2", "3"]
    (left,) = status["unattended"]
    assert left == {"connection": "fe2", "mapping": "personal", "persons": 3, "plans": []}


# -- one engine, one writer, stopping, killing -------------------------------------------------------------------------


def test_a_second_engine_says_so_and_ends(watched: World) -> None:
    with engine(watched) as first:
        second = EngineProcess(watched)
        assert second.wait() == 1
        assert "at work on this project already" in second.log
        assert str(first.process.pid) in second.log
        assert watched("status").json["engine"]["pid"] == first.process.pid


@pytest.mark.parametrize("gone", [".abgleich", ".abgleich/state.sqlite", ".abgleich/workflows.sqlite"])
def test_an_engine_whose_memory_is_taken_away_says_so_and_ends_and_the_next_one_works(
    watched: World, gone: str
) -> None:
    with engine(watched) as running:
        watched.drop(people(3))
        done(watched)
        path = watched.root / gone
        path.rename(path.with_name("elsewhere"))
        assert running.wait() == 1
        assert "was taken away" in running.log
        assert "Traceback" not in running.log
    with engine(watched):
        watched.drop(people(4))
        wait_for("The sync", lambda: len(held_by(watched)) == 4)


def test_status_tells_whether_the_engine_lives_also_after_it_was_killed(watched: World) -> None:
    assert watched("status").json["engine"]["alive"] is False
    with engine(watched) as running:
        assert watched("status").json["engine"]["alive"] is True
        running.kill()
        assert watched("status").json["engine"]["alive"] is False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_time_with_exit_code_0(watched: World, number: int) -> None:
    with engine(watched) as running:
        begun = time.monotonic()
        assert running.stop(number) == 0
        assert time.monotonic() - begun < 30
    assert "Traceback" not in running.log


@pytest.fixture
def slow(world: World) -> GreyhoundSimulator:
    """A GREYHOUND that takes its time, and a mapping that feeds it."""
    server = world.connect_greyhound()
    server.latency = 0.05
    world.mapping(FEEDS + CONTACTS, name="contacts", settle="0.1s")
    return server


def keys(server: GreyhoundSimulator) -> list[str]:
    return sorted(str(field["Value"]) for item in server.contacts.values() for field in item["UserFields"])


def test_stopped_in_the_middle_it_goes_on_at_the_next_start(world: World, slow: GreyhoundSimulator) -> None:
    with engine(world) as running:
        world.drop(people(60), "contacts.csv")
        wait_for("The first contacts", lambda: len(slow.contacts) > 5)
        assert running.stop() == 0
    assert len(slow.contacts) < 60
    with engine(world):
        wait_for("The rest", lambda: drops(world).get("contacts.csv") == "done")
    assert keys(slow) == sorted(str(number) for number in range(1, 61))
    assert slow.breaches == []


def test_killed_in_the_middle_it_goes_on_at_the_next_start(world: World, slow: GreyhoundSimulator) -> None:
    with engine(world) as running:
        world.drop(people(60), "contacts.csv")
        wait_for("The first contacts", lambda: len(slow.contacts) > 5)
        running.kill()
    with engine(world):
        wait_for("The rest", lambda: drops(world).get("contacts.csv") == "done")
    assert keys(slow) == sorted(str(number) for number in range(1, 61))
    assert slow.breaches == []


def test_a_run_by_hand_waits_for_the_engine(world: World, slow: GreyhoundSimulator) -> None:
    with engine(world):
        world.drop(people(30), "contacts.csv")
        wait_for("The first contacts", lambda: len(slow.contacts) > 3)
        assert world("run", "contacts").status == "unchanged"
    assert len(slow.contacts) == 30
    assert slow.breaches == []


def test_a_newer_file_during_a_run_comes_after_it(world: World, slow: GreyhoundSimulator) -> None:
    with engine(world):
        world.drop(people(30), "contacts.csv")
        wait_for("The first contacts", lambda: len(slow.contacts) > 3)
        world.drop(without(changed(people(31), 2, vorname="Neu"), 30), "contacts.csv")
        wait_for("The second run", lambda: "31" in keys(slow))
        wait_for("The end", lambda: drops(world).get("contacts.csv") == "done")
    assert [run["status"] for run in runs(world, "contacts")] == ["done", "done"]


# -- logs, health ------------------------------------------------------------------------------------------------------


def test_log_lines_are_json_where_that_is_asked_for(watched: World) -> None:
    file = watched.root / "log.jsonl"
    with engine(watched, "--log", "json", "--log-file", str(file)) as running:
        watched.drop(people(3))
        done(watched)
        assert running.stop() == 0
    events = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert {"start", "run", "stop"} <= {event["event"] for event in events}
    assert all("Vorname" not in json.dumps(event) for event in events)


def test_the_state_and_the_log_hold_no_secret(watched: World) -> None:
    with engine(watched) as running:
        watched.drop(people(3))
        done(watched)
        assert running.stop() == 0
    for path in [*watched.root.glob(".abgleich/*"), running.file]:
        if path.is_file():
            assert b"geheimer-schluessel" not in path.read_bytes(), path


def test_files_of_the_state_are_for_their_owner_only(watched: World) -> None:
    if os.name != "posix":
        pytest.skip("file modes have no meaning here")
    with engine(watched):
        pass
    for path in Path(watched.root / ".abgleich").rglob("*"):
        if path.suffix == ".sqlite":
            assert path.stat().st_mode & 0o077 == 0, path


# -- what comes together, what is away ---------------------------------------------------------------------------------


def test_runs_that_wait_collapse_into_the_newest(world: World, slow: GreyhoundSimulator) -> None:
    with engine(world):
        world.drop(people(30), "contacts.csv")
        wait_for("The first contacts", lambda: len(slow.contacts) > 3)
        for number in range(2, 6):
            world.drop(people(30 + number), f"contacts-{number}.csv")
            wait_for("The queue", partial(_is_queued, world, f"contacts-{number}.csv"))
        wait_for("The end", lambda: drops(world).get("contacts-5.csv") == "done")
        states = drops(world)
    assert [states[f"contacts-{number}.csv"] for number in (2, 3, 4)] == ["superseded"] * 3
    assert len(runs(world, "contacts")) == 2
    assert len(slow.contacts) == 35


def _is_queued(world: World, name: str) -> bool:
    return drops(world).get(name) in ("queued", "superseded")


def test_several_files_that_make_one_list_are_one_run(watched: World) -> None:
    text = (TRIGGERS + PERSONAL).replace("  key: nr", "  combine: all\n  key: nr")
    watched.mapping(text, settle="0.3s")
    with engine(watched):
        watched.drop(people(3), "personal-a.csv")
        watched.drop(people(3, start=4), "personal-b.csv")
        wait_for("The run", lambda: set(drops(watched).values()) == {"done"} and len(drops(watched)) == 2)
    assert held_by(watched) == ["1", "2", "3", "4", "5", "6"]
    assert len(runs(watched)) == 1


def test_a_folder_that_is_renamed_away_and_back_starts_no_run_and_is_watched_again(watched: World) -> None:
    inbox = watched.root / "inbox"
    with engine(watched) as running:
        watched.drop(people(3))
        done(watched)
        inbox.rename(watched.root / "away")
        wait_for("The word", lambda: "folder of the mapping can't be read" in running.log)
        (watched.root / "away").rename(inbox)
        time.sleep(2.5)
        assert len(runs(watched)) == 1
        watched.drop(people(4))
        wait_for("The sync", lambda: len(held_by(watched)) == 4)


def test_a_folder_that_is_deleted_and_made_anew_is_watched_again(watched: World) -> None:
    inbox = watched.root / "inbox"
    with engine(watched):
        watched.drop(people(3))
        done(watched)
        shutil.rmtree(inbox)
        wait_for("The end of the drop", lambda: len(watched("status").json["drops"]) <= 1)
        inbox.mkdir()
        watched.drop(people(4))
        wait_for("The sync", lambda: len(held_by(watched)) == 4)


def test_what_was_missed_while_the_engine_was_down_is_caught_up_once_and_said(watched: World) -> None:
    watched.mapping("triggers: [{trigger: time, at: '03:00'}]\n" + PERSONAL)
    watched.drop(people(3))
    with engine(watched):
        time.sleep(1.5)
        assert runs(watched) == []
    with sqlite3.connect(watched.root / ".abgleich" / "state.sqlite") as database:
        database.execute("UPDATE schedules SET until = '2026-01-01T00:00:00.000000+00:00'")
    database.close()
    with engine(watched) as running:
        wait_for("The sync", lambda: held_by(watched) == ["1", "2", "3"])
        assert "Missed while the engine was down" in running.log
        time.sleep(2.0)
    assert len(runs(watched)) == 1


def test_the_record_of_a_run_holds_the_mapping_s_hash_and_the_commit(watched: World) -> None:
    git = ["git", "-C", str(watched.root), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["add", "mappings/personal.yaml"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    with engine(watched):
        watched.drop(people(3))
        done(watched)
    (run,) = runs(watched)
    shown = watched("show", str(run["run"])).json
    assert (shown["commit"], len(shown["mapping_hash"])) == (commit, 64)


def test_the_health_page_tells_how_it_is(watched: World) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with engine(watched, "--health", str(port)):
        watched.drop(people(3))
        done(watched)
        assert httpx.get(f"http://127.0.0.1:{port}/health").json() == {"alive": True}
        assert httpx.get(f"http://127.0.0.1:{port}/ready").status_code == 200
        metrics = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert 'abgleich_runs_total{mapping="personal",status="done"} 1.0' in metrics
    assert 'abgleich_drops{state="done"} 1.0' in metrics


def test_a_refused_drop_does_not_say_where_the_project_lies(watched: World) -> None:
    watched.mapping(TRIGGERS + PERSONAL.replace("  key: nr\n", "  key: nr\n  archive: move\n"), settle="0.2s")
    with engine(watched) as running:
        watched.drop_text("nr;vorname\n1;Anna\n2")
        wait_for("The refusal", lambda: drops(watched).get("personal.csv") == "refused")
        status = watched("status").json
        assert status["drops"][0]["code"] == "cut_off_file"
        assert str(watched.root) not in json.dumps(status["drops"])
        (beside,) = wait_for("The word beside it", lambda: [*watched.root.glob("inbox/failed/**/*.txt")])
        assert str(watched.root) not in beside.read_text("utf-8")
        assert "inbox/personal.csv:3" in status["drops"][0]["reason"]
        assert f"{watched.root}/inbox" not in running.log
