"""Lists of every kind, from the command line to FE2: what is sent, what is refused, and where a mistake stands."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.problems import Refused
from engine.source import REMOTES
from engine.source.base import Remote, SourceOptions
from tests.source import lists
from tests.source.lists import SECRET, Web
from tests.world import World, people

ACTION = """
actions:
  - action: fe2.sync
    connection: fe2
    fields:
      externalDbId: "{{ nr }}"
      firstName: "{{ vorname }}"
      lastName: "{{ nachname }}"
      alarmGroups: [Alle]
      mobil: "{{ handy | phone }}"
"""
NAMES = "{nr: Nr, vorname: Vorname, nachname: Nachname, handy: Handy}"
HEADINGS = ("Nr", "Vorname", "Nachname", "Handy")


def table(count: int, **cells: str) -> list[tuple[Any, ...]]:
    """So many persons; ``cells`` are other mobile numbers by number: ``n3="x"``."""
    return [(n, f"Vor{n}", f"Nach{n}", cells.get(f"n{n}", f"0151 20000{n:02}")) for n in range(1, count + 1)]


@pytest.fixture
def server() -> Iterator[Web]:
    with lists.web() as found:
        yield found


def source(world: World, text: str) -> None:
    """A mapping with this source."""
    world.mapping("source:\n  key: nr\n" + "".join(f"  {line}\n" for line in text.strip().splitlines()) + ACTION)
    world.configure(first_sync="go")


# --- workbooks --------------------------------------------------------------------------------------------------------


def test_a_workbook_is_sent_and_a_bad_cell_is_named(world: World) -> None:
    source(world, f"path: inbox/*.xlsx\nsettle: 0s\ncolumns: {NAMES}")
    rows = [["Export"], [], HEADINGS, *table(20, n3="0151 abc")]
    lists.write_xlsx(world.root / "inbox" / "Personal.xlsx", {"Deckblatt": [["Stand"]], "Aktive": rows})
    result = world.run()
    assert result.status == "partial"
    assert result.json["source"]["rows"] == 20
    rejection = result.rejection("3")
    assert (rejection["row"], rejection["line"]) == (3, 6)
    assert rejection["place"] == "Personal.xlsx, sheet Aktive, D6"
    assert world.at_fe2(20)["mobil"] == "00491512000020"
    text = world("run", "personal", as_json=False).out
    assert "Personal.xlsx, sheet Aktive, D6, key 3" in text


def test_a_preview_says_where_a_row_and_a_mistake_stand(world: World) -> None:
    source(world, f"path: inbox/*.xlsx\ncolumns: {NAMES}")
    lists.write_xlsx(world.root / "inbox" / "P.xlsx", {"Aktive": [HEADINGS, *table(2, n2="x"), ("", "A", "B", "")]})
    good, bad, without_key = world("preview", "personal").json["rows"]
    assert good["place"] == "P.xlsx, sheet Aktive, row 2"
    assert [problem["place"] for problem in bad["problems"]] == ["P.xlsx, sheet Aktive, D3"]
    assert {problem["place"] for problem in without_key["problems"]} == {"P.xlsx, sheet Aktive, A4"}


def test_a_cell_behind_a_variable_or_several_headings_is_found(world: World) -> None:
    world.mapping(
        "source:\n  path: inbox/*.ods\n  key: nr\n  columns:\n    nr: Nr\n    handy: [Mobil, Dienst]\n"
        'variables:\n  mobil: "{{ handy | phone }}"\nactions:\n  - action: fe2.sync\n    connection: fe2\n'
        '    fields: {externalDbId: "{{ nr }}", alarmGroups: [], mobil: "{{ mobil }}"}\n'
    )
    lists.write_ods(world.root / "inbox" / "P.ods", {"T": [("Nr", "Mobil", "x", "Dienst"), ("1", "", "", "abc")]})
    (row,) = world("preview", "personal").json["rows"]
    assert row["problems"][0]["place"] == "P.ods, sheet T, B2, D2"


def test_doubles_in_a_workbook_are_told_with_their_cells(world: World) -> None:
    source(world, f"path: inbox/*.xlsx\nsettle: 0s\ncolumns: {NAMES}")
    rows = table(20)
    lists.write_xlsx(world.root / "inbox" / "P.xlsx", {"A": [HEADINGS, *rows, rows[0]]})
    places = [entry["place"] for entry in world.run().json["rejected"] if entry["code"] == "double_key"]
    assert places == ["P.xlsx, sheet A, A2", "P.xlsx, sheet A, A22"]


def test_an_error_in_a_cell_rejects_the_row_only_where_it_is_needed(world: World) -> None:
    source(world, f"path: inbox/*.xlsx\nsettle: 0s\ncolumns: {NAMES}")
    import openpyxl

    file = lists.write_xlsx(world.root / "inbox" / "P.xlsx", {"A": [(*HEADINGS, "Rest"), *table(20)]})
    book = openpyxl.load_workbook(file)
    for cell in ("D4", "E5"):
        book["A"][cell].value = "#N/A"
        book["A"][cell].data_type = "e"
    book.save(file)
    (rejected,) = world.run().json["rejected"]
    assert (rejected["code"], rejected["key"], rejected["place"]) == ("cell_error", "3", "P.xlsx, sheet A, D4")


def test_several_workbooks_make_one_list(world: World) -> None:
    source(world, f"path: inbox/zug*.xlsx\nsettle: 0s\ncombine: all\ncolumns: {NAMES}")
    rows = table(12)
    lists.write_xlsx(world.root / "inbox" / "zug1.xlsx", {"A": [HEADINGS, *rows[:7]]})
    lists.write_xlsx(world.root / "inbox" / "zug2.xlsx", {"B": [HEADINGS[::-1], *(row[::-1] for row in rows[7:])]})
    assert world.run().status == "done"
    assert world.ids == {str(n) for n in range(1, 13)}


def test_the_ending_of_each_file_tells_what_it_is(world: World) -> None:
    source(world, f'path: "inbox/*.*"\nsettle: 0s\ncombine: all\ncolumns: {NAMES}')
    rows = table(9)
    lists.write_xlsx(world.root / "inbox" / "a.xlsx", {"A": [HEADINGS, *rows[:3]]})
    lists.write_csv(world.root / "inbox" / "b.csv", HEADINGS, rows[3:6])
    lists.write_json(world.root / "inbox" / "c.json", lists.records(HEADINGS, rows[6:]))
    assert world.run().status == "done"
    assert len(world.ids) == 9


# --- JSON -------------------------------------------------------------------------------------------------------------


def member(n: int, **attributes: Any) -> dict[str, Any]:
    """A record as an association's program gives it (JSON:API)."""
    known = {"vorname": f"Vor{n}", "nachname": f"Nach{n}", "handy": 1512000000 + n, "gruppen": ["Zug 1", "Zug 2"]}
    return {"id": n, "attributes": known | attributes}


HIORG = """
rows: data
columns:
  nr: id
  vorname: attributes.vorname
  nachname: attributes.nachname
  handy: attributes.handy
  gruppen: attributes.gruppen
"""


def test_json_gives_nested_values_and_lists(world: World) -> None:
    source(world, "path: inbox/*.json\nsettle: 0s\n" + HIORG)
    file = world.root / "mappings" / "personal.yaml"
    file.write_text(file.read_text("utf-8").replace("[Alle]", '"{{ gruppen }}"'), "utf-8")
    found = [member(n) for n in range(1, 30)] + [member(30, handy="12", gruppen=None)]
    lists.write_json(world.root / "inbox" / "p.json", {"data": found, "meta": {"count": 30}})
    result = world.run()
    assert result.rejection("30")["place"] == "p.json, record 30, attributes.handy"
    assert world.at_fe2(1)["alarmGroups"] == ["Zug 1", "Zug 2"]
    assert world.at_fe2(1)["mobil"] == "00491512000001"


def test_without_columns_every_value_has_a_name(world: World) -> None:
    world.mapping(
        "source: {path: inbox/*.ndjson, settle: 0s, key: id}\nactions:\n  - action: fe2.sync\n    connection: fe2\n"
        '    fields: {externalDbId: "{{ id }}", alarmGroups: "{{ attributes_gruppen }}",'
        " lastName: \"{{ row['attributes.nachname'] }}\"}\n"
    )
    lists.write_ndjson(world.root / "inbox" / "p.ndjson", [member(1)])
    (row,) = world("preview", "personal").json["rows"]
    assert row["actions"]["fe2.sync"]["alarmGroups"] == ["Zug 1", "Zug 2"]
    assert row["actions"]["fe2.sync"]["lastName"] == "Nach1"


def test_a_list_where_text_belongs_is_told(world: World) -> None:
    source(world, "path: inbox/*.json\nsettle: 0s\n" + HIORG)
    lists.write_json(world.root / "inbox" / "p.json", [member(n) for n in range(1, 20)] + [member(20, vorname=["A"])])
    file = world.root / "mappings" / "personal.yaml"
    file.write_text(file.read_text("utf-8").replace("  rows: data\n", ""), "utf-8")
    assert world.run().rejection("20")["code"] == "list_where_text"


# --- databases --------------------------------------------------------------------------------------------------------

SQL = f"""
type: sql
url: !secret verein
query: "select Nr, Vorname, Nachname, Handy from mitglieder order by Nr"
columns: {NAMES}
"""


def database(world: World, rows: list[tuple[Any, ...]]) -> Path:
    file = world.root / "verein.db"
    file.unlink(missing_ok=True)
    lists.write_sqlite(file, HEADINGS, rows)
    secrets = world.root / "mappings" / "secrets.yaml"
    if "verein" not in secrets.read_text("utf-8"):
        secrets.write_text(secrets.read_text("utf-8") + "verein: sqlite:///verein.db\n", "utf-8")
    return file


def test_a_database_is_planned_applied_and_run(world: World) -> None:
    source(world, SQL)
    database(world, table(12))
    planned = world.plan()
    assert planned.status == "planned"
    assert planned.json["source"]["file"] == "database of `url`"
    assert world.apply(planned.plan).status == "done"
    assert world.run().status == "unchanged"
    database(world, table(13))
    assert world.run().counts() == {"created": 1, "unchanged": 12}
    assert world("preview", "personal", "--key", "13").json["rows"][0]["line"] == 13


def test_a_database_that_shrank_is_held_like_a_file(world: World) -> None:
    source(world, SQL)
    database(world, table(40))
    assert world.run().status == "done"
    database(world, table(20))
    held = world.run()
    assert held.status == "held"
    assert len(world.ids) == 40


@pytest.mark.parametrize(
    "query",
    [
        "delete from mitglieder",
        "select 1; delete from mitglieder",
        "with x as (select 1) insert into mitglieder select * from x",
        "select * into kopie from mitglieder",
        "pragma writable_schema = 1",
        "/* select */ drop table mitglieder",
    ],
)
def test_a_query_that_changes_something_is_an_error_of_the_mapping(world: World, query: str) -> None:
    source(world, f'type: sql\nurl: sqlite:///verein.db\nquery: "{query}"\ncolumns: {NAMES}')
    database(world, table(12))
    checked = world("check")
    assert [problem["code"] for problem in checked.json["problems"]] == ["query_not_read_only"]
    assert checked.json["problems"][0]["path"] == ["source", "query"]


@pytest.mark.parametrize(
    "query",
    ["select 'delete; drop' as Nr", "with x as (select 1 as Nr) select * from x;", '-- into\\nselect 1 as "Nr"'],
)
def test_words_in_texts_and_comments_are_no_statements(world: World, query: str) -> None:
    source(world, f'type: sql\nurl: sqlite:///verein.db\nquery: "{query}"'.replace('"Nr""', '\\"Nr\\""'))
    assert "query_not_read_only" not in world("check").codes


def test_the_database_itself_refuses_to_write(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever gets past the check of the text: the database was told that nothing is to be written."""
    file = database(world, table(3))
    monkeypatch.setattr("engine.source.sql.only_select", lambda _query, _at: None)
    remote = Remote("sqlite:///verein.db", "update mitglieder set Nr = 9 returning Nr", root=world.root)
    with pytest.raises(Refused) as refused:
        REMOTES["sql"](SourceOptions(None, remote=remote)).scan()
    assert refused.value.problems[0].code == "query_failed"
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("select Nr from mitglieder").fetchall() == [(1,), (2,), (3,)]


def test_a_missing_database_is_not_made(world: World) -> None:
    source(world, SQL.replace("!secret verein", "sqlite:///fehlt.db"))
    result = world.run()
    assert result.status == "refused"
    assert result.codes == ["unreadable_file"]
    assert not (world.root / "fehlt.db").exists()


def test_a_wrong_query_is_refused_and_the_address_stays_secret(world: World) -> None:
    source(world, SQL.replace("from mitglieder", "from mitgleider"))
    database(world, table(3))
    result = world.run()
    assert result.status == "refused"
    assert "mitgleider" in result.problem("query_failed")["message"]
    assert "sqlite:///" not in result.out


# --- web addresses ----------------------------------------------------------------------------------------------------

HTTP = f"""
type: http
url: ADDRESS/1
headers: {{Authorization: !secret token}}
next: links.next
rows: data
columns: {NAMES}
"""


def over_http(world: World, server: Web, text: str = HTTP) -> None:
    source(world, text.replace("ADDRESS", server.url))
    secrets = world.root / "mappings" / "secrets.yaml"
    secrets.write_text(secrets.read_text("utf-8") + f"token: Bearer {SECRET}\n", "utf-8")


def page(rows: list[tuple[Any, ...]], following: str | None = None) -> dict[str, Any]:
    return {"data": lists.records(HEADINGS, rows), "links": {"next": following}}


def test_all_pages_of_an_address_make_one_list(world: World, server: Web) -> None:
    over_http(world, server)
    rows = table(15)
    server.pages(page(rows[:6], "/2"), page(rows[6:12], f"{server.url}/3"), page(rows[12:]))
    result = world.run()
    assert result.status == "done"
    assert result.json["source"]["file"] == f"{server.url}/1"
    assert [path for path, _headers in server.asked] == ["/1", "/2", "/3"]
    assert {headers["authorization"] for _path, headers in server.asked} == {f"Bearer {SECRET}"}
    assert len(world.ids) == 15
    assert world.run().status == "unchanged"
    assert SECRET.encode() not in world.state_bytes()


def test_a_page_that_fails_is_a_failed_run_and_never_a_shorter_list(world: World, server: Web) -> None:
    over_http(world, server)
    rows = table(15)
    server.pages(page(rows[:8], "/2"), page(rows[8:]))
    assert world.run().status == "done"
    good = server.answer
    server.answer = lambda path: (500, {}, SECRET.encode()) if path == "/2" else good(path)
    result = world.run()
    assert result.status == "failed"
    assert result.codes == ["source_unreachable"]
    assert SECRET not in result.out + result.err
    assert len(world.ids) == 15
    assert [path for path, _headers in server.asked].count("/2") > 2, "it was tried again before it was given up"
    server.answer = good
    assert world.run().status == "unchanged"


def test_a_body_that_breaks_off_is_a_failed_run(world: World, server: Web) -> None:
    over_http(world, server)
    body = json.dumps(page(table(15))).encode()
    server.gives(body, **{"Content-Length": str(len(body) + 10)})
    result = world.run()
    assert (result.status, result.codes) == ("failed", ["source_unreachable"])
    assert world.ids == set()


def test_a_page_on_another_server_is_not_asked_for(world: World, server: Web) -> None:
    over_http(world, server)
    with lists.web() as other:
        server.pages(page(table(15), f"{other.url}/2"))
        result = world.run()
        assert other.asked == []
    assert (result.status, result.codes) == ("refused", ["next_page_elsewhere"])


def test_pages_that_nobody_named_are_not_left_out(world: World, server: Web) -> None:
    over_http(world, server, HTTP.replace("next: links.next\n", ""))
    server.pages(page(table(15), "/2"), page(table(15)))
    result = world.run()
    assert (result.status, result.codes) == ("refused", ["more_pages"])
    assert "next: links.next" in result.problem("more_pages")["hint"]


def test_the_link_header_leads_to_the_next_page(world: World, server: Web) -> None:
    over_http(world, server, HTTP.replace("next: links.next\nrows: data\n", ""))
    rows = table(15)
    parts = {"/1": rows[:9], "/2?x=%20y": rows[9:]}
    links = {"/1": '</0>; rel="prev", </2?x=%20y>; title="b, c"; rel="next last"'}

    def answer(path: str) -> tuple[int, dict[str, str], bytes]:
        link = {"Link": links[path]} if path in links else {}
        return 200, link, json.dumps(lists.records(HEADINGS, parts[path])).encode()

    server.answer = answer
    assert world.run().status == "done"
    assert len(world.ids) == 15


def test_pages_are_counted_until_one_is_empty(world: World, server: Web) -> None:
    text = HTTP.replace("next: links.next", "page: seite").replace("ADDRESS/1", "ADDRESS/liste?limit=5")
    over_http(world, server, text)
    rows = table(15)

    def answer(path: str) -> tuple[int, dict[str, str], bytes]:
        number = int(path.rpartition("seite=")[2])
        return 200, {}, json.dumps(page(rows[number * 5 - 5 : number * 5])).encode()

    server.answer = answer
    assert world.run().status == "done"
    assert [path for path, _headers in server.asked] == [f"/liste?limit=5&seite={n}" for n in (1, 2, 3, 4)]
    server.gives(page(rows[:5]))
    assert world.run().codes == ["pages_without_end"]


def test_pages_are_counted_from_what_the_address_says(world: World, server: Web) -> None:
    over_http(world, server, HTTP.replace("next: links.next", "page: p").replace("ADDRESS/1", "ADDRESS/?p=0"))
    rows = table(12)

    def answer(path: str) -> tuple[int, dict[str, str], bytes]:
        number = int(path.rpartition("p=")[2])
        return 200, {}, json.dumps(page(rows[number * 6 : number * 6 + 6])).encode()

    server.answer = answer
    assert world.run().status == "done"
    assert len(world.ids) == 12
    assert [path for path, _headers in server.asked] == ["/?p=0", "/?p=1", "/?p=2"]


def test_a_server_that_is_away_is_told_without_a_traceback(world: World, server: Web) -> None:
    over_http(world, server, HTTP.replace("ADDRESS", "http://127.0.0.1:1"))
    for words in (("preview", "personal"), ("plan", "personal")):
        result = world(*words)
        assert result.code == 1
        assert result.codes == ["source_unreachable"]
        assert "127.0.0.1:1/1 can't be read: nothing answers" in result.problem("source_unreachable")["message"]


def test_an_answer_that_takes_too_long_points_to_the_mapping(world: World, server: Web) -> None:
    over_http(world, server, HTTP + "timeout: 0.2s\n")

    def answer(_path: str) -> tuple[int, dict[str, str], bytes]:
        time.sleep(0.5)
        return 200, {}, b"[]"

    server.answer = answer
    message = world("preview", "personal").problem("source_unreachable")["message"]
    assert "no answer within 0.2 s" in message
    assert "in the mapping" in message


def test_pages_that_lead_in_a_circle_end(world: World, server: Web) -> None:
    over_http(world, server)
    server.pages(page(table(5), "/2"), page(table(5), "/1"))
    result = world.run()
    assert (result.status, result.codes) == ("refused", ["pages_without_end"])


@pytest.mark.parametrize(
    ("status", "headers", "body", "code"),
    [
        (401, {}, b"{}", "http_status"),
        (302, {"Location": "/anmelden"}, b"", "http_status"),
        (200, {"Content-Type": "text/html"}, b"<html>Anmeldung</html>", "http_not_a_list"),
        (200, {}, b'{"data": [{"Nr": 1}', "cut_off_file"),
        (200, {}, b'{"errors": []}', "rows_not_found"),
        (200, {}, b'{"data": []}', "no_rows"),
    ],
)
def test_what_is_no_list_is_refused(
    world: World, server: Web, status: int, headers: dict[str, str], body: bytes, code: str
) -> None:
    over_http(world, server)
    server.answer = lambda _path: (status, headers, body)
    result = world.run()
    assert (result.status, result.codes) == ("refused", [code])
    assert SECRET not in result.out


def test_csv_comes_from_an_address_with_lines_as_in_the_file(world: World, server: Web) -> None:
    over_http(world, server, f"type: http\nurl: ADDRESS/liste.csv\ncolumns: {NAMES}")
    server.gives(lists.csv_text(HEADINGS, table(15, n4="x")).encode("cp1252"), "text/csv")
    result = world.run()
    assert result.rejection("4")["line"] == 5
    assert len(world.ids) == 14


def test_a_next_link_that_is_no_address_ends_the_reading(world: World, server: Web) -> None:
    over_http(world, server, HTTP.replace("next: links.next", "next: links"))
    server.gives({"data": lists.records(HEADINGS, table(15)), "links": ["/2"]})
    result = world.run()
    assert (result.status, result.codes) == ("refused", ["bad_next_link"])


def test_pages_of_a_csv_are_not_joined(world: World, server: Web) -> None:
    over_http(world, server, f"type: http\nurl: ADDRESS/liste.csv\ncolumns: {NAMES}")
    body = lists.csv_text(HEADINGS, table(15)).encode()
    server.gives(body, "text/csv", Link='</2>; rel="next"')
    result = world.run()
    assert (result.status, result.codes) == ("refused", ["pages_not_possible"])


def test_a_copy_of_the_answer_can_be_tried_as_a_file(world: World, server: Web) -> None:
    over_http(world, server)
    file = lists.write_json(world.root / "kopie.json", page(table(3)))
    assert len(world("preview", "personal", str(file)).json["rows"]) == 3
    assert server.asked == []


# --- check ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "key"),
    [
        ("type: sql\nurl: sqlite:///v.db", "key_missing", "query"),
        ("type: http", "key_missing", "url"),
        ("type: excel", "key_missing", "path"),
        ("path: a.csv\nsheet: Aktive", "key_of_another_type", "sheet"),
        ("path: a.xlsx\nrows: data", "key_of_another_type", "rows"),
        ("type: http\nurl: https://a.example.org\ncombine: all", "key_of_another_type", "combine"),
        ("type: http\nurl: a.example.org", "bad_address", "url"),
        ("type: http\nurl: https://u:p@a.example.org", "secret_in_url", "url"),
        ("type: http\nurl: https://a.example.org\nheaders: {a b: c}", "bad_header", "headers"),
        ("type: exel\npath: a.xlsx", "unknown_source_type", "type"),
    ],
)
def test_check_tells_what_does_not_fit(world: World, text: str, code: str, key: str) -> None:
    source(world, text)
    problems = world("check").json["problems"]
    assert [(problem["code"], problem["path"][1]) for problem in problems] == [(code, key)]


def test_the_old_way_still_works(world: World) -> None:
    world.mapping()
    world.configure(first_sync="go")
    assert world.run(people(12)).status == "done"
