"""What databases other than SQLite do; the rest is in the contract and in tests/sync/test_sources.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.problems import NOWHERE, ProblemError, Refused, SourceFailed
from engine.source import REMOTES
from engine.source.base import Column, Remote, Source, SourceOptions
from engine.source.sql import only_select
from tests.source import lists

PASSWORD = "kennwort-4711"


def source(url: str, query: str, *headings: str) -> Source:
    columns = tuple(Column(heading, (heading,)) for heading in headings) or None
    return REMOTES["sql"](SourceOptions(columns, remote=Remote(url, query, root=Path(), timeout=5)))


def test_values_of_a_postgresql_database_become_texts_and_lists(postgresql: str) -> None:
    query = (
        "select 42::numeric as nr, 'a:b %s %(x)s' as t, date '1980-02-01' as d, array['A','B'] as l,"
        " true as w, null as n, timestamp '1980-02-01 13:45' as m, '{\"x\": 1.5}'::jsonb as j"
    )
    found = source(postgresql, query)
    (chunk,) = found.chunks()
    (row,) = chunk.rows
    assert row == (
        "42",
        "a:b %s %(x)s",
        "1980-02-01",
        ["A", "B"],
        "true",
        "",
        "1980-02-01 13:45:00",
        {"x": "1.5"},
        "1.5",
    )
    assert found.scan().structured == {"l", "j"}


def test_postgresql_lets_nothing_be_written(postgresql: str) -> None:
    import psycopg

    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("create sequence zaehler")
    with pytest.raises(Refused) as refused:
        source(postgresql, "select nextval('zaehler') as nr").scan()
    assert refused.value.problems[0].code == "query_failed"


def test_a_query_without_end_is_ended(postgresql: str) -> None:
    remote = Remote(postgresql, "select pg_sleep(60) as nr", timeout=0.2)
    with pytest.raises(ProblemError) as failed:
        REMOTES["sql"](SourceOptions(None, remote=remote)).scan()
    assert isinstance(failed.value, SourceFailed)


def test_a_server_that_is_away_may_come_back_and_its_password_stays_secret() -> None:
    with pytest.raises(SourceFailed) as failed:
        source(f"postgresql://leser:{PASSWORD}@127.0.0.1:1/verein", "select 1 as nr").scan()
    (problem,) = failed.value.problems
    assert problem.code == "database_failed"
    assert "database verein" in problem.message
    assert not {PASSWORD, "leser", "127.0.0.1"} & set(problem.message.replace(",", " ").replace('"', " ").split())
    assert PASSWORD not in problem.message


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("kein url", "bad_database_url"),
        ("sqlite://", "bad_database_url"),
        ("sqlite:///fehlt.db", "unreadable_file"),
        ("nixda://host/db", "database_driver_missing"),
        ("mssql+pyodbc://host/db", "database_driver_missing"),
    ],
)
def test_addresses_that_can_not_be_used_are_told(url: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        source(url, "select 1 as nr").scan()
    assert refused.value.problems[0].code == code


def test_two_columns_of_one_name_are_told(tmp_path: Path) -> None:
    file = lists.write_sqlite(tmp_path / "v.db", ("nr", "name"), [(1, "a")])
    with pytest.raises(Refused) as refused:
        source(f"sqlite:///{file}", "select a.nr, b.nr from mitglieder a, mitglieder b").scan()
    assert refused.value.problems[0].code == "double_heading"


@pytest.mark.parametrize(
    "query",
    [
        "select 'a\\'; commit; delete from x; --'",
        'select "a\\"; delete from x; --"',
        "select 5--1; delete from x",
        "select 1 # '\n; delete from x --'",
        "select 1 /*! ; delete from x */",
        "select 1 /* /* */ ; delete from x */",
        "select $$; delete from x; select $$",
        "with x as (delete from y returning *) select * from x",
        "explain analyze delete from x",
        "",
    ],
)
def test_no_way_of_reading_a_query_lets_it_write(query: str) -> None:
    with pytest.raises(Refused) as refused:
        only_select(query, NOWHERE)
    assert refused.value.problems[0].code == "query_not_read_only"


@pytest.mark.parametrize(
    "query",
    [
        "select 1",
        " (select 1) union (select 2) ; ",
        "-- insert\nselect 'it''s; into' as \"delete\" /* drop; */",
        "with a as (select 1 as updated) select updated from a where t like '%:x%'",
    ],
)
def test_a_query_that_reads_may_say_anything(query: str) -> None:
    only_select(query, NOWHERE)


def test_half_a_character_in_a_database_fails_where_it_is_used(tmp_path: Path) -> None:
    file = lists.write_sqlite(tmp_path / "v.db", ("nr", "name"), [(1, "ab"), (2, b"J\xf6rg")])
    found = source(f"sqlite:///{file}", "select nr, name from mitglieder")
    (chunk,) = found.chunks()
    assert chunk.rows[0] == ("1", "ab")
    assert chunk.rows[1][1].fault.code == "not_a_text"
