"""Codes that no broken project and no list brings about, each in its situation: all that people may look up are met."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import BaseModel

from engine.cli import start
from engine.cli.door import EXIT_FAILED, run
from engine.config.load import load
from engine.config.parse import parse
from engine.i18n import language, use_language
from engine.problems import Problem, ProblemError
from engine.service.engine import Engine, Homeless
from engine.service.moods import _decided
from engine.service.presence import Presence
from engine.service.work import bug
from engine.source import SOURCES
from engine.source.base import SourceOptions
from engine.state.drops import Drop
from engine.state.locks import Locks
from engine.state.store import Store
from engine.sync import account
from engine.sync.decide import released_target
from engine.sync.plan import ActionPlan, Change
from tests.config.folder import MAPPING, Folder
from tests.world import World, people


@pytest.fixture(autouse=True)
def english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = language()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    use_language("en")
    yield
    use_language(before)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "project")


def told(action: Callable[[], object]) -> Problem:
    """The one problem that something raises; it says what to do."""
    with pytest.raises(ProblemError) as raised:
        action()
    (problem,) = raised.value.problems
    assert problem.hint
    return problem


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(list(words)) == EXIT_FAILED
    return capsys.readouterr().out


def test_a_bug_is_told_by_its_kind_and_place_without_what_people_typed() -> None:
    try:
        raise KeyError("Rumpelstilz")
    except KeyError as error:
        problem = bug(error)
    assert problem.code == "bug"
    assert "KeyError at test_rare_codes.py:" in problem.message
    assert "Rumpelstilz" not in problem.message


def test_two_writers_of_one_connection_wait_for_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "LOCK_WAIT", 0.05)
    store = Store(tmp_path / "state")

    def write() -> None:
        with account.writing(account.Tools(store), "fe2"):
            pass

    with Locks(store).hold("fe2"):
        assert told(write).code == "connection_busy"
    write()
    store.close()


def test_a_database_that_nobody_knows_is_told(tmp_path: Path) -> None:
    assert told(lambda: Store(tmp_path, "mysql://localhost/abgleich")).code == "database_unusable"


def test_a_second_engine_is_told_who_is_at_work(tmp_path: Path) -> None:
    store = Store(tmp_path / "state")
    first = Presence(store, worker=False)
    first.come()
    problem = told(Presence(store, worker=False).come)
    assert (problem.code, str(os.getpid()) in problem.message) == ("engine_at_work", True)
    first.go()
    first.close()
    store.close()


def test_an_engine_without_its_state_ends() -> None:
    def step() -> None:
        raise Homeless

    assert told(lambda: Engine._safely(cast(Engine, None), step)).code == "state_gone"


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("Nr;Name\n1;Anna\n2;Bert\n", "utf-8")
    source = SOURCES["csv"](file, SourceOptions(None))
    source.scan()
    file.write_text("Nr;Name\n1;Anna\n2;Carl\n3;Dora\n", "utf-8")
    assert told(lambda: list(source.chunks())).code == "file_changed"


def test_what_is_in_doubt_in_several_fields_is_not_guessed(folder: Folder) -> None:
    sent = {"Subject": "Max", "UserFields": {"6": "1", "7": "1"}}
    change = Change("removed", "1", sent, None, intended=True)
    plan = ActionPlan("greyhound.sync", "gh", "greyhound.sync", "delete", (change,))
    assert told(lambda: released_target(folder.load(), plan)).code == "match_unknown"


def test_who_is_forgotten_may_come_back(world: World) -> None:
    world.mapping()
    world.settled(people(3))
    assert world("forget", "personal", "2").codes == ["may_come_back"]


def test_a_folder_without_a_project_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "[no_project]" in said(capsys, "check")


def test_a_project_is_not_overwritten(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    assert "[project_exists]" in said(capsys, "init", str(folder.root))


def test_a_project_can_not_lie_in_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    assert "[not_writable]" in said(capsys, "init", str(tmp_path / "file" / "project"))


def test_a_port_that_is_taken_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert "[port_taken]" in said(capsys, "simulate", "fe2", "--port", str(taken.getsockname()[1]))


def test_several_workers_need_a_server(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.write("personal.yaml", MAPPING)
    assert "[worker_needs_server]" in said(capsys, "--project", str(folder.root), "start", "--worker")


def test_rows_of_one_person_from_files_with_other_headings_are_not_joined(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    joined = "path: inbox/*.csv\n  settle: 0s\n  combine: all\n  group_by: nr"
    text = MAPPING.replace("path: inbox/personal.csv", joined).replace(
        "  columns:\n    nr: Personalnummer\n    name: Name\n", ""
    )
    folder.write("personal.yaml", text)
    (folder.root / "inbox").mkdir()
    (folder.root / "inbox" / "a.csv").write_text("nr;name\n1;Anna\n", "utf-8")
    (folder.root / "inbox" / "b.csv").write_text("nr;name;zug\n2;Bert;1\n", "utf-8")
    assert "[other_headings]" in said(capsys, "--project", str(folder.root), "preview", "personal")


def test_what_was_decided_about_a_plan_is_noted_at_its_list() -> None:
    drop = Drop("personal", "inbox/personal.csv", "stamp", "", "held", "", plan="P7")
    found = {status: _decided(drop, status, "now") for status in ("applied", "rejected", "superseded")}
    assert [(made.state, made.code) for made in found.values()] == [
        ("done", "plan_applied"),
        ("refused", "plan_rejected"),
        ("superseded", "plan_superseded"),
    ]


def test_a_template_has_an_end(folder: Folder) -> None:
    folder.write("personal.yaml", MAPPING.replace('"{{ name }}"', '"{{ name }}' + "x" * 70_000 + '"'))
    assert folder.problem().code == "template_too_long"


def test_a_value_that_pydantic_refuses_with_words_of_its_own_has_a_place(folder: Folder) -> None:
    class Counted(BaseModel):
        number: int

    problems: list[Problem] = []
    assert parse(Counted, folder.tree("number: viele\n"), problems) is None
    assert [(problem.code, problem.at.line, problem.at.column) for problem in problems] == [("value_invalid", 1, 9)]
    assert cast(Any, problems[0]).hint


def test_an_engine_without_anything_to_do_says_so(folder: Folder) -> None:
    folder.write("personal.yaml", MAPPING)
    (problem,) = start._idle(load(folder.root))
    assert (problem.code, problem.severity) == ("no_triggers", "warning")
    folder.write("personal.yaml", MAPPING + "triggers: [{trigger: time, at: '03:00'}]\n")
    assert [*start._idle(load(folder.root))] == []
    folder.write("personal.yaml", MAPPING + "enabled: false\ntriggers: [{trigger: time, at: '03:00'}]\n")
    assert len([*start._idle(load(folder.root))]) == 1
