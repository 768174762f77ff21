"""No part of an address that is a secret is ever shown: not in text, JSON, the state, or what a driver says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.source import lists
from tests.source.lists import Web
from tests.world import World, people

MAPPING = """\
source:
  type: %s
  url: !secret bad
  query: "select Nr from mitglieder"
  timeout: 2s
  key: nr
  columns: {nr: Nr}
actions:
  - action: fe2.sync
    connection: fe2
    fields: {externalDbId: "{{ nr }}", alarmGroups: []}
"""
PARTS = ("GEHEIM", "geheim", "10.255", "54329", "127.0.0.1")


def mapped(world: World, url: str, kind: str = "sql") -> None:
    text = MAPPING % kind
    world.mapping(text if kind == "sql" else text.replace('  query: "select Nr from mitglieder"\n', ""))
    world.configure()
    secrets = world.root / "mappings" / "secrets.yaml"
    secrets.write_text(secrets.read_text("utf-8") + f"bad: '{url}'\n", "utf-8")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nix/PASSWORTGEHEIM.db",
        "sqlite:///GEHEIM.db",
        "sqlite:///ordner/geheim",
        "GEHEIM://user@GEHEIMHOST/GEHEIMDB",
        "GEHEIM",
        "postgresql://GEHEIMUSER:GEHEIM%40@127.0.0.1:54329/GEHEIMDB",
        "postgresql://u:GEHEIM@127.0.0.1:54329/GEHEIMDB?options=-cGEHEIM",
        "postgresql+psycopg://GEHEIMUSER@/GEHEIMDB?host=127.0.0.1&port=54329",
        "postgresql+GEHEIM://GEHEIMUSER@127.0.0.1/GEHEIMDB",
        "sqlite+GEHEIM:///x.db",
    ],
)
def test_nothing_of_a_secret_address_is_shown(world: World, url: str) -> None:
    mapped(world, url)
    for words in (("run",), ("preview",), ("plan",)):
        for as_json in (True, False):
            result = world(words[0], "personal", as_json=as_json)
            assert result.code == 1
            assert not [part for part in PARTS if part in result.out + result.err], result.out
    assert b"GEHEIM" not in world.state_bytes()


def test_a_database_that_does_not_exist_is_named_after_its_key(world: World) -> None:
    mapped(world, "sqlite:////nix/PASSWORTGEHEIM.db")
    assert world.run().json["problems"][0]["message"] == "The database of `url` does not exist."


def test_nothing_of_it_stands_in_a_run_that_went_well(world: World) -> None:
    mapped(world, "sqlite:///geheim.db")
    world.configure(first_sync="go")
    secrets = world.root / "mappings" / "secrets.yaml"
    secrets.write_text(secrets.read_text("utf-8") + "bad: 'sqlite:///geheim.db'\n", "utf-8")
    lists.write_sqlite(world.root / "geheim.db", ("Nr", "Name"), [(n, "A") for n in range(12)])
    result = world.run()
    assert result.status == "done"
    assert result.json["source"]["file"] == "database of `url`"
    assert "geheim" not in result.out + world("status").out + world("show", result.json["run"]).out
    assert b"geheim" not in world.state_bytes()


@pytest.mark.parametrize(
    "query", ["select Nr from niemand", "select Nr from mitglieder where Nr < 0", "select Nr, Nr from mitglieder"]
)
def test_nothing_of_it_stands_in_what_is_said_of_the_query(world: World, query: str) -> None:
    mapped(world, "sqlite:///geheim.db")
    lists.write_sqlite(world.root / "geheim.db", ("Nr", "Name"), [(1, "A")])
    file = world.root / "mappings" / "personal.yaml"
    file.write_text(file.read_text("utf-8").replace("select Nr from mitglieder", query), "utf-8")
    result = world.run()
    assert result.code == 1
    assert "geheim" not in result.out


def test_nothing_of_a_secret_database_of_a_server_is_shown(world: World, postgresql: str) -> None:
    before, _slash, name = postgresql.rpartition("/")
    database, question, rest = name.partition("?")
    mapped(world, f"{before}/{database}geheim{question}{rest}")
    shown = world.run().out + world("run", "personal", as_json=False).out
    assert "database of `url`" in shown
    assert database not in shown
    assert "geheim" not in shown


def test_a_database_that_is_no_secret_keeps_its_name(world: World) -> None:
    mapped(world, "x")
    file = world.root / "mappings" / "personal.yaml"
    file.write_text(file.read_text("utf-8").replace("!secret bad", "sqlite:///verein.db"), "utf-8")
    assert "verein.db" in world.run().json["problems"][0]["message"]
    lists.write_sqlite(world.root / "verein.db", ("Nr", "Name"), [(n, "A") for n in range(12)])
    assert world.run().json["source"]["file"] == "database verein.db"


@pytest.fixture
def server() -> Iterator[Web]:
    with lists.web() as found:
        yield found


def test_nothing_of_a_secret_web_address_is_shown(world: World, server: Web) -> None:
    for url in (
        f"{server.url}/geheim",
        "http://geheim.invalid/geheim",
        "http://127.0.0.1:1/geheim",
        "geheim",
        "http://geheim:x",
    ):
        mapped(world, url, "http")
        shown = world.run().out + world("run", "personal", as_json=False).out
        assert "geheim" not in shown
        assert "127.0.0.1" not in shown


# --- a list without anybody -------------------------------------------------------------------------------------------


def test_who_is_asked_for_a_list_without_anybody_depends_on_where_it_comes_from(world: World, server: Web) -> None:
    mapped(world, "sqlite:///verein.db")
    lists.write_sqlite(world.root / "verein.db", ("Nr", "Name"), [])
    hint = world.run().problem("no_rows")["hint"]
    assert "Export" not in hint
    assert "query" in hint
    for body, kind in ((b"[]", "application/json"), (b"Nr;Name\n", "text/csv"), (b"", "text/csv")):
        server.gives(body, kind)
        mapped(world, server.url, "http")
        hint = world.run().problem("no_rows")["hint"]
        assert "Export" not in hint
        assert "server" in hint
    world.mapping()
    world.drop(people(0))
    assert "Export the file again." in world.run().problem("no_rows")["hint"]
