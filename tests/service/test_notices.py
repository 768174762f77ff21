"""People hear of a change of state once, whatever it was; nothing is told twice and nothing fails in silence."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.service.process import drops, engine, wait_for
from tests.world import PERSONAL, World, people

FEED = "triggers: [{trigger: file, path: inbox/personal*.csv}]\nalias: Einsatzabteilung\n"


class Mailbox:
    """Whoever hears of it: what arrived, as (title, body)."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, str]] = []

    def titles(self) -> list[str]:
        return [title for title, _body in self.letters]


@contextmanager
def mailbox(port: int = 0) -> Iterator[tuple[Mailbox, str]]:
    box = Mailbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            letter = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            box.letters.append((letter["title"], letter["message"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield box, f"json://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def heard(world: World) -> Iterator[Mailbox]:
    """A mapping whose changes of state somebody hears of."""
    with mailbox() as (box, address):
        world.extra = f"notify: {{leitung: '{address}', default: [leitung]}}\n"
        world.configure(first_sync="go")
        world.mapping(FEED + PERSONAL, settle="0.2s")
        yield box


def state(world: World, wanted: str) -> None:
    wait_for(f"The state {wanted}", lambda: drops(world).get("personal.csv") == wanted)


def test_a_refusal_is_told_once_and_so_is_the_recovery(world: World, heard: Mailbox) -> None:
    with engine(world):
        world.drop(people(5))
        state(world, "done")
        for text in ("nr;vorname\n1;A\n", "nr;vorname\n2;B\n"):
            world.drop_text(text)
            state(world, "refused")
        wait_for("The notice", lambda: heard.letters)
        world.drop(people(6))
        wait_for("The recovery", lambda: len(heard.letters) == 2)
    assert ["refused" in title for title in heard.titles()] == [True, False]
    assert "Einsatzabteilung" in heard.titles()[0]
    assert "status is not known" in heard.letters[0][1]
    assert "in order again" in heard.titles()[1]


def test_what_is_held_is_told_with_the_next_step_and_so_is_the_decision(world: World, heard: Mailbox) -> None:
    with engine(world):
        world.drop(people(20))
        state(world, "done")
        world.drop(people(5))
        wait_for("The notice", lambda: heard.letters)
        plan = world("status").json["mappings"][0]["held"][0]
        assert plan in heard.letters[0][1]
        assert world.approve(plan).status == "done"
        wait_for("The recovery", lambda: len(heard.letters) == 2)


def test_a_broken_edit_is_told_and_so_is_its_cure(world: World, heard: Mailbox) -> None:
    with engine(world):
        path = world.mapping(FEED + PERSONAL.replace("{{ nachname }}", "{{ nachname | uper }}"), settle="0.2s")
        wait_for("The notice", lambda: heard.letters)
        assert "uper" in heard.letters[0][1]
        path.write_text(FEED + PERSONAL, "utf-8")
        wait_for("The recovery", lambda: len(heard.letters) == 2)


def test_a_run_that_does_not_come_is_told(world: World, heard: Mailbox) -> None:
    world.mapping(FEED + "expect_every: 2s\n" + PERSONAL, settle="0.2s")
    with engine(world):
        wait_for("The notice", lambda: heard.letters)
        (mapping,) = world("status").json["mappings"]
    assert mapping["overdue"] is True
    assert "overdue" in heard.titles()[0]


def test_a_notice_that_can_not_be_sent_is_in_the_log_without_its_address(world: World) -> None:
    world.extra = "notify: {leitung: 'json://user:geheim-geheim@127.0.0.1:9', default: [leitung]}\n"
    world.configure(first_sync="go")
    world.mapping(FEED + PERSONAL, settle="0.2s")
    with engine(world) as running:
        world.drop_text("nr;vorname\n1;A\n")
        wait_for("The word", lambda: "The notice to leitung" in running.log)
        assert "geheim-geheim" not in running.log


def test_a_notice_survives_a_mail_server_that_is_down_and_a_killed_engine(world: World) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    world.extra = f"notify: {{leitung: 'json://127.0.0.1:{port}/geheim-geheim', default: [leitung]}}\n"
    world.configure(first_sync="go")
    world.mapping(FEED + PERSONAL, settle="0.2s")
    with engine(world) as running:
        world.drop_text("nr;vorname\n1;A\n")
        wait_for("The word", lambda: "The notice to leitung" in running.log)
        running.kill()
    assert all(b"geheim-geheim" not in file.read_bytes() for file in (world.root / ".abgleich").glob("*.sqlite*"))
    with mailbox(port) as (box, _address), engine(world):
        wait_for("The notice", lambda: box.letters)
    with mailbox(port) as (again, _address), engine(world):
        wait_for("A sign of life", lambda: world("status").json["engine"]["alive"])
        assert again.letters == []
    assert ["refused" in title for title in box.titles()] == [True]
