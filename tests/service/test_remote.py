"""Lists that are no files, in the engine: fetched when it is time, tried again when the server was away."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.service.process import engine, wait_for
from tests.source import lists
from tests.source.lists import SECRET, Web
from tests.world import World

MAPPING = """
triggers:
  - {{trigger: time_pattern, seconds: /1}}
source:
  key: nr
  columns: {{nr: Nr}}
  {source}
actions:
  - action: fe2.sync
    connection: fe2
    fields: {{externalDbId: "{{{{ nr }}}}", alarmGroups: []}}
"""


@pytest.fixture
def server() -> Iterator[Web]:
    with lists.web() as found:
        yield found


def test_an_address_is_asked_when_it_is_time_and_again_after_it_was_away(world: World, server: Web) -> None:
    world.configure(first_sync="go")
    source = f"type: http\n  url: {server.url}/liste\n  headers: {{Authorization: Bearer {SECRET}}}"
    world.mapping(MAPPING.format(source=source))
    server.gives([{"Nr": n} for n in range(1, 13)])
    with engine(world) as running:
        wait_for("The sync", lambda: len(world.ids) == 12)
        body = json.dumps([{"Nr": n} for n in range(1, 13)]).encode()
        server.gives(body[:40], **{"Content-Length": str(len(body))})
        asked = len(server.asked)
        wait_for("A failed attempt", lambda: len(server.asked) > asked)
        server.gives([{"Nr": n} for n in range(1, 15)])
        wait_for("The next sync", lambda: len(world.ids) == 14)
        assert running.stop() == 0
    assert world("status").json["drops"] == []
    assert SECRET not in running.log
    assert SECRET.encode() not in world.state_bytes()


def test_a_database_is_asked_when_it_is_time(world: World) -> None:
    world.configure(first_sync="go")
    file = world.root / "verein.db"
    lists.write_sqlite(file, ("Nr",), [(n,) for n in range(1, 13)])
    world.mapping(MAPPING.format(source='type: sql\n  url: sqlite:///verein.db\n  query: "select Nr from mitglieder"'))
    with engine(world) as running:
        wait_for("The sync", lambda: len(world.ids) == 12)
        assert running.stop() == 0
