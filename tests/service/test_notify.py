"""Notices reach people, in their language; who can't be reached is told by name, and no password is."""

from __future__ import annotations

import io
import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from engine.config.load import load
from engine.i18n import _, language, use_language
from engine.service.notify import addresses, send
from engine.state.notices import Kind, Notice
from tests.world import PERSONAL, World

PASSWORD = "kennwort-fuer-notizen"
HELD = Notice("held", "personal", "Einsatzabteilung für Übungen", "5 Personen würden gelöscht: abgleich approve P1.")


class Board:
    """A server on which notices arrive; it answers with ``status``, or not at all where that is None."""

    def __init__(self) -> None:
        self.status: int | None = 200
        self.notices: list[dict[str, Any]] = []
        self.waiting = threading.Event()
        self.released = threading.Event()
        board = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                board.notices.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                if board.status is None:
                    board.waiting.set()
                    board.released.wait(60)
                    return
                self.send_response(board.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"json://melder:{PASSWORD}@127.0.0.1:{self._server.server_address[1]}/{PASSWORD}"

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def board() -> Iterator[Board]:
    with closing(Board()) as made:
        yield made


@pytest.fixture(autouse=True)
def _language() -> Iterator[None]:
    before = language()
    use_language("en")
    yield
    use_language(before)


@pytest.fixture
def everything_logged() -> Iterator[io.StringIO]:
    """What a program that logs everything would have in its log."""
    text = io.StringIO()
    handler, root, level = logging.StreamHandler(text), logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


def dead_address() -> str:
    """An address where nobody listens."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return f"json://melder:{PASSWORD}@127.0.0.1:{free.getsockname()[1]}/"


# -- sending -----------------------------------------------------------------------------------------------------------


def test_a_notice_arrives_with_its_title_its_text_and_its_umlauts(board: Board) -> None:
    assert send(HELD, {"leitung": board.address}, "Feuerwehr Süd") == {}
    (notice,) = board.notices
    assert notice["title"] == "abgleich – Einsatzabteilung für Übungen: a plan waits for an approval"
    lines = notice["message"].splitlines()
    assert lines[0] == HELD.text
    assert "Project: Feuerwehr Süd" in lines
    assert "Mapping: personal" in lines
    assert notice["type"] == "warning"


@pytest.mark.parametrize("kind", ["failed", "held", "refused", "stale", "overdue", "recovered", "test"])
def test_every_kind_has_a_title_of_its_own(board: Board, kind: Kind) -> None:
    assert send(Notice(kind, "personal", "Alle", "Text."), {"leitung": board.address}, "p") == {}
    assert len(board.notices[0]["title"]) > len("abgleich – Alle: ")


def test_all_addresses_get_it_also_where_one_is_dead(board: Board) -> None:
    with closing(Board()) as second:
        problems = [*send(HELD, {"a": board.address, "b": dead_address(), "c": second.address}, "p").values()]
        assert (len(board.notices), len(second.notices)) == (1, 1)
    assert [problem.code for problem in problems] == ["notice_not_sent"]
    assert "to b could" in problems[0].message


def test_one_name_may_hold_several_addresses(board: Board) -> None:
    assert send(HELD, {"alle": f"{board.address}, {board.address}x"}, "p") == {}
    assert len(board.notices) == 2


@pytest.mark.parametrize(
    ("status", "words"), [(401, "status 401"), (404, "status 404"), (500, "status 500"), (302, "status 302")]
)
def test_a_server_that_does_not_take_it_is_told_with_its_answer(board: Board, status: int, words: str) -> None:
    board.status = status
    (problem,) = send(HELD, {"leitung": board.address}, "p").values()
    assert words in problem.message


def test_a_nonsense_address_is_told_as_one() -> None:
    problems = [*send(HELD, {"a": f"nonsense {PASSWORD}", "b": f"gibtesnicht://{PASSWORD}@x", "c": ""}, "p").values()]
    assert [problem.code for problem in problems] == ["notice_not_sent"] * 3
    assert all("none that Apprise knows" in problem.message for problem in problems)


def test_a_problem_names_the_address_and_the_next_step_but_never_the_password(
    board: Board, capfd: pytest.CaptureFixture[str], everything_logged: io.StringIO
) -> None:
    board.status = 403
    to = {"eins": board.address, "zwei": dead_address(), "drei": f"nonsense://{PASSWORD}@host/?pass={PASSWORD}"}
    problems = [*send(HELD, to, "p").values()]
    assert len(problems) == 3
    for name, problem in zip(to, problems, strict=True):
        assert f"to {name} could" in problem.message
        assert "abgleich notify-test" in problem.hint
        assert PASSWORD not in repr(problem)
    printed = capfd.readouterr()
    assert PASSWORD not in printed.out + printed.err + everything_logged.getvalue()
    assert printed.err == ""


def test_a_silent_server_holds_nobody_up_for_long(board: Board) -> None:
    board.status = None
    with closing(Board()) as quick:
        # Whatever the machine's speed: the silent one is released only after `send` has returned.
        problems = [*send(HELD, {"stumm": board.address}, "p", 0.2).values()]
        assert board.waiting.wait(60)
        assert send(HELD, {"flink": quick.address}, "p", 60.0) == {}
    (problem,) = problems
    assert "no answer within 0.2 s" in problem.message
    assert "stumm" in problem.message


def test_nobody_to_send_to_is_no_problem() -> None:
    assert send(HELD, {}, "p") == {}


@pytest.mark.parametrize("spoken", ["de", "en"])
def test_the_notice_speaks_the_language_in_use(board: Board, spoken: str) -> None:
    use_language(spoken)
    assert send(HELD, {"leitung": board.address}, "p") == {}
    title = _("{mapping}: a plan waits for an approval").format(mapping=HELD.alias)
    assert board.notices[0]["title"] == f"abgleich – {title}"


# -- to whom -----------------------------------------------------------------------------------------------------------


def with_addresses(world: World, notify_text: str, mapping_notify: str = "") -> World:
    world.extra = notify_text
    world.configure()
    world.mapping(PERSONAL + mapping_notify)
    return world


NOTIFY = "notify:\n  leitung: json://a\n  wache: json://b\n  it: json://c\n"


@pytest.mark.parametrize(
    ("default", "own", "expected"),
    [
        ("  default: [leitung, it]\n", "", ["leitung", "it"]),
        ("  default: leitung\n", "", ["leitung"]),
        ("  default: [leitung]\n", "notify: [wache]\n", ["wache"]),
        ("  default: [leitung]\n", "notify: wache\n", ["wache"]),
        ("  default: [leitung]\n", "notify: []\n", []),
        ("", "notify: [it, wache]\n", ["it", "wache"]),
        ("", "", []),
    ],
)
def test_a_mapping_is_told_to_its_own_people_else_to_the_default(
    world: World, default: str, own: str, expected: list[str]
) -> None:
    project = load(with_addresses(world, NOTIFY + default, own).root)
    assert project.problems == ()
    assert list(addresses(project, "personal")) == expected


def test_a_mapping_that_can_not_be_read_is_told_to_the_default(world: World) -> None:
    project = load(with_addresses(world, NOTIFY + "  default: [it]\n", "nonsense: 1\n").root)
    assert addresses(project, "personal") == {"it": "json://c"}


def test_without_a_mapping_everybody_is_meant(world: World) -> None:
    project = load(with_addresses(world, NOTIFY + "  default: [it]\n").root)
    assert addresses(project, None) == {"leitung": "json://a", "wache": "json://b", "it": "json://c"}


# -- the command -------------------------------------------------------------------------------------------------------


def test_notify_test_sends_to_every_address(world: World, board: Board) -> None:
    world.extra = f"notify:\n  leitung: {board.address}\n  it: {board.address}\n"
    world.configure()
    result = world("notify-test")
    assert result.code == 0
    named = [{"name": name, "ok": True, "problem": None} for name in ("leitung", "it")]
    assert result.json == {"ok": True, "addresses": named, "problems": []}
    assert [notice["title"] for notice in board.notices] == ["abgleich – Test notice"] * 2
    shown = world("notify-test", as_json=False)
    assert "leitung: sent" in shown.out


def test_notify_test_says_which_address_failed_and_what_to_do(world: World, board: Board) -> None:
    world.extra = f"notify:\n  leitung: {board.address}\n  it: {dead_address()}\n"
    world.configure()
    result = world("notify-test")
    assert (result.code, result.json["ok"]) == (1, False)
    assert [(one["name"], one["ok"]) for one in result.json["addresses"]] == [("leitung", True), ("it", False)]
    assert result.json["addresses"][1]["problem"]["code"] == "notice_not_sent"
    shown = world("notify-test", as_json=False)
    assert shown.code == 1
    assert "leitung: sent" in shown.out
    assert "Check the address it" in shown.out
    assert PASSWORD not in result.out + result.err + shown.out + shown.err


def test_notify_test_without_addresses_fails_and_says_how_to_add_one(world: World) -> None:
    result = world("notify-test")
    assert (result.code, result.json["ok"], result.json["addresses"]) == (1, False, [])
    assert [problem["code"] for problem in result.json["problems"]] == ["no_addresses"]
    assert "notify:" in world("notify-test", as_json=False).out


def test_notify_test_reports_a_broken_address_and_sends_to_the_others(world: World, board: Board) -> None:
    world.extra = f"notify:\n  leitung: {board.address}\n  it: !secret gibt_es_nicht\n"
    world.configure()
    result = world("notify-test")
    assert (result.code, result.json["ok"]) == (1, False)
    assert [one["name"] for one in result.json["addresses"]] == ["leitung"]
    assert [problem["code"] for problem in result.json["problems"]] == ["secret_missing"]
    assert len(board.notices) == 1


def test_mistakes_elsewhere_do_not_matter_to_notify_test(world: World, board: Board) -> None:
    world.extra = f"notify:\n  leitung: {board.address}\n"
    world.configure(timeout="soon")
    assert world("notify-test").code == 0
