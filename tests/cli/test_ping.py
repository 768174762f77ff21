"""`ping`: every server is reached and nothing is changed; where it is not reached, what to do."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from engine.config.schema import CONNECTIONS
from engine.simulator import Answer, Fault, GreyhoundSimulator
from engine.target import PINGS
from tests.world import ACCESS_KEY, CONTACTS, PASSWORD, Result, World, people

FIELDS = [
    {"id": 6, "name": "Mitgliedsnummer", "usable": True, "reason": None},
    {"id": 7, "name": "Abteilung", "usable": True, "reason": None},
    {"id": 8, "name": "Nur Mail", "usable": False, "reason": "it does not belong to contacts"},
    {"id": 9, "name": "Berechnet", "usable": False, "reason": "it is read-only"},
]
READING = {"RpcInfo", "RpcUserFields", "RpcGroups"}


def entry(result: Result, name: str = "fe2") -> dict[str, Any]:
    """What was found out about one connection."""
    (found,) = (one for one in result.json["connections"] if one["id"] == name)
    return dict(found)


def codes(result: Result, name: str = "fe2") -> list[str]:
    return [problem["code"] for problem in entry(result, name)["problems"]]


def alone(world: World, **settings: str) -> GreyhoundSimulator:
    """GREYHOUND as the only connection."""
    world.settings.clear()
    return world.connect_greyhound("gh", **settings)


# -- FE2 ---------------------------------------------------------------------------------------------------------------


def test_fe2_is_reached_with_one_get_that_changes_nothing(world: World) -> None:
    result = world("ping", "fe2")
    assert (result.code, result.json["ok"], result.json["problems"]) == (0, True, [])
    assert [(request.method, request.path) for request in world.fe2.requests] == [("GET", "/rest/addressbook/sync")]
    assert world.fe2.requests[0].headers["Authorization"] == ACCESS_KEY
    assert world.fe2.writes == 0
    found = entry(result)
    assert (found["type"], found["url"], found["ok"], found["status"]) == ("fe2", world.fe2.url, True, "reached")
    nothing = ("version", "last_success", "certain", "user_fields", "groups")
    assert [found[name] for name in nothing] == [None] * len(nothing)
    assert (found["persons"], found["problems"]) == (0, [])


def test_what_only_a_sync_can_show_is_said_until_there_was_one(world: World) -> None:
    world.mapping()
    (note,) = entry(world("ping"))["notes"]
    assert "shows only a first sync" in note
    assert "abgleich plan" in note
    world.settled(people(5))
    found = entry(world("ping"))
    assert found["notes"] == []
    assert (found["persons"], found["certain"]) == (5, True)
    assert found["last_success"].startswith("20")
    assert "Persons last sent: 5" in world("ping", as_json=False).out


def test_after_a_lost_answer_it_is_said_that_nobody_knows_what_fe2_holds(world: World) -> None:
    world.mapping()
    world.settled(people(5))
    world.fe2.fail(Fault(status=400))
    world.run(people(6))
    assert entry(world("ping"))["certain"] is False
    assert "not known for certain" in world("ping", as_json=False).out


def test_another_access_key_is_another_organisation_of_which_nothing_is_known(world: World) -> None:
    world.mapping()
    world.settled(people(5))
    world.configure(access_key="another-key-of-another-organisation")
    found = entry(world("ping"))
    assert (found["last_success"], found["certain"], found["persons"]) == (None, None, 0)


@pytest.mark.parametrize(
    ("fault", "status", "code", "severity", "words"),
    [
        (Fault(status=401), "refused", "fe2_access_key", "error", "Copy it again from FE2"),
        (Fault(status=404), "unreachable", "fe2_path", "error", "Check url"),
        (Fault(status=302, headers={"Location": "/login"}), "unreachable", "fe2_path", "error", "Check url"),
        (Fault(status=502), "unreachable", "fe2_unreachable", "error", "ping again"),
        (Fault(status=504), "unreachable", "fe2_unreachable", "error", "ping again"),
        (Fault(reset="before"), "unreachable", "fe2_unreachable", "error", "ping again"),
        (Fault(truncate=True), "unreachable", "fe2_unreachable", "error", "ping again"),
        (Fault(body="<html>Login</html>"), "doubtful", "fe2_not_fe2", "warning", "in the browser"),
        (Fault(status=503), "doubtful", "fe2_answer", "warning", "switched on"),
        (Fault(status=500), "doubtful", "fe2_answer", "warning", "in the browser"),
    ],
)
def test_every_answer_of_fe2_has_a_meaning_and_a_next_step(
    world: World, fault: Fault, status: str, code: str, severity: str, words: str
) -> None:
    world.fe2.fail(fault)
    result = world("ping", "fe2")
    (problem,) = entry(result)["problems"]
    assert (entry(result)["status"], problem["code"], problem["severity"]) == (status, code, severity)
    assert words in problem["hint"]
    assert "run" not in problem["hint"]
    # Also somebody of whom nobody knows who it is is not in order.
    assert result.code == 1
    assert result.json["ok"] is entry(result)["ok"] is False
    assert len(world.fe2.requests) == 1


@pytest.mark.parametrize("status", [200, 204, 400, 405, 415, 418, 423])
def test_any_other_answer_is_somebody_who_is_there(world: World, status: int) -> None:
    world.fe2.fail(Fault(status=status, body="", content_type="text/plain"))
    assert entry(world("ping"))["status"] == "reached"


def test_a_port_that_wants_encryption_is_named(world: World) -> None:
    world.fe2.fail(Fault(status=400, body="<html>The plain HTTP request was sent to HTTPS port</html>"))
    result = world("ping")
    assert (result.code, codes(result)) == (1, ["fe2_unreachable"])
    assert "https://" in entry(result)["problems"][0]["message"]


def test_a_server_that_is_not_there_leaves_no_talk_of_the_next_run(world: World) -> None:
    world.fe2.stop()
    result = world("ping", as_json=False)
    assert result.code == 1
    assert "not reached" in result.out
    assert "is the server running" in result.out
    assert "next run" not in result.out


def test_a_server_without_encryption_is_named(world: World) -> None:
    world.configure(url=world.fe2.url.replace("http:", "https:"))
    assert "http://" in entry(world("ping"))["problems"][0]["message"]


def test_a_server_that_takes_too_long_is_given_up_and_the_setting_named(world: World) -> None:
    world.configure(timeout="0.1s")
    world.fe2.fail(Fault(delay=1))
    (problem,) = entry(world("ping"))["problems"]
    assert problem["code"] == "fe2_unreachable"
    assert "no answer within 0.1 s" in problem["message"]
    assert "`timeout`" in problem["message"]


def test_a_ca_file_that_is_no_certificate_is_named(world: World) -> None:
    (world.root / "fe2.pem").write_text("no certificate", "utf-8")
    world.configure(url=world.fe2.url.replace("http:", "https:"), ca_file="fe2.pem")
    result = world("ping")
    assert (result.code, codes(result)) == (1, ["ca_file_unusable"])


def test_an_access_key_that_fits_in_no_header_is_named(world: World) -> None:
    world.configure(access_key='"a\\nb"')
    result = world("ping")
    assert (result.code, codes(result)) == (1, ["access_key_unusable"])
    assert world.fe2.requests == []


def test_certificates_that_are_not_verified_are_reported(world: World) -> None:
    world.configure(verify_tls="false")
    result = world("ping")
    assert (result.code, codes(result)) == (0, ["tls_not_verified"])
    assert "certificates are not verified" in world("ping", as_json=False).out


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("2.28", ["aPagerProFieldMode is not sent", "no `removal: delete`"]),
        ("2.35", ["no `removal: delete`"]),
        ("2.41", ["switches nothing off"]),
    ],
)
def test_what_the_version_in_the_settings_switches_off_is_said(world: World, version: str, words: list[str]) -> None:
    world.configure(fe2_version=f'"{version}"')
    notes = entry(world("ping"))["notes"][1:]
    assert len(notes) == len(words)
    assert all(word in note for word, note in zip(words, notes, strict=True))


@pytest.mark.parametrize(("version", "code"), [("neu", "fe2_version_unreadable"), ("2.20", "fe2_no_synchronisation")])
def test_a_version_that_can_not_be_is_a_problem(world: World, version: str, code: str) -> None:
    world.configure(fe2_version=f'"{version}"')
    result = world("ping")
    assert (result.code, codes(result), entry(result)["status"]) == (1, [code], "reached")
    assert "the settings are not right" in world("ping", as_json=False).out


def test_the_access_key_is_never_shown_even_if_the_server_echoes_it(world: World) -> None:
    world.fe2.fail(*[Fault(status=401, body=f"wrong: {ACCESS_KEY}", content_type="text/plain")] * 2)
    for as_json in (True, False):
        out = world("ping", as_json=as_json).out
        assert "wrong: …" in out
        assert ACCESS_KEY not in out


# -- GREYHOUND ---------------------------------------------------------------------------------------------------------


def test_greyhound_tells_its_version_and_what_mappings_name_by_number(world: World) -> None:
    server = alone(world)
    result = world("ping", "gh")
    found = entry(result, "gh")
    assert (result.code, found["status"], found["version"], found["certain"]) == (0, "reached", "5.6.0", None)
    assert found["user_fields"] == FIELDS
    assert {"id": 2, "path": "Kontakte/Mitglieder"} in found["groups"]
    assert len(found["groups"]) == len(server.groups)


def test_greyhound_is_only_read(world: World) -> None:
    server = alone(world)
    world("ping")
    assert {call.method.partition(".")[0] for call in server.calls} == READING
    assert (server.writes, server.breaches, server.contacts, server.locks) == (0, [], {}, {})


def test_numbers_and_names_stand_below_each_other_ready_to_be_copied(world: World) -> None:
    server = alone(world)
    server.user_fields[104] = {"ID": 104, "Name": "Pers.-Nr.", "Kinds": 256}
    lines = world("ping", as_json=False).out.splitlines()
    assert "      6  Mitgliedsnummer  match: {user_field: 6}" in lines
    assert "    104  Pers.-Nr.        match: {user_field: 104}" in lines
    assert "    8  Nur Mail   it does not belong to contacts" in lines
    assert "    2  Kontakte/Mitglieder  GroupRef: 2" in lines


def test_a_server_without_user_fields_and_groups_says_so(world: World) -> None:
    server = alone(world)
    server.user_fields.clear()
    server.groups.clear()
    found = entry(world("ping"), "gh")
    assert (found["user_fields"], found["groups"]) == ([], [])
    assert "Groups: none" in world("ping", as_json=False).out


def test_a_ping_and_a_run_are_one_client(world: World) -> None:
    server = alone(world)
    server.max_clients = 1
    world.mapping(CONTACTS.replace("connection: greyhound", "connection: gh"), name="contacts")
    assert world("ping").code == 0
    assert world.run(people(2), mapping="contacts").status == "done"
    assert world("ping").code == 0
    assert len({call.client for call in server.calls}) == 1
    found = entry(world("ping"), "gh")
    assert found["persons"] == 2
    assert found["last_success"] is not None


def test_a_wrong_password_is_refused_with_a_next_step(world: World) -> None:
    server = alone(world, password="falsch-und-geheim")
    result = world("ping")
    assert (result.code, entry(result, "gh")["status"], codes(result, "gh")) == (1, "refused", ["greyhound_login"])
    assert "secrets.yaml" in entry(result, "gh")["problems"][0]["hint"]
    assert (entry(result, "gh")["user_fields"], entry(result, "gh")["groups"]) == (None, None)
    assert server.calls == []
    assert "falsch-und-geheim" not in result.out


def test_too_many_clients_are_named(world: World) -> None:
    server = alone(world)
    server.max_clients = 0
    result = world("ping")
    assert (result.code, codes(result, "gh")) == (1, ["greyhound_refused"])
    assert "too many clients" in entry(result, "gh")["problems"][0]["message"]


@pytest.mark.parametrize(
    ("method", "missing"),
    [("RpcUserFields.GetList", "user_fields"), ("RpcGroups.GetList", "groups"), ("RpcInfo.GetServerInfo", "version")],
)
def test_what_the_user_may_not_read_keeps_nothing_else_back(world: World, method: str, missing: str) -> None:
    server = alone(world)
    refusal = '{"version": "1.1", "error": {"code": 712, "message": "no right"}}'
    server.fail(Fault(on=method, status=500, body=refusal, content_type="application/json"))
    result = world("ping")
    found = entry(result, "gh")
    assert (result.code, codes(result, "gh")) == (0, ["greyhound_refused"])
    assert "712 (12) no right" in found["problems"][0]["message"]
    assert [name for name in ("user_fields", "groups", "version") if found[name] is None] == [missing]


def test_limits_that_the_user_may_not_read_are_no_failure(world: World) -> None:
    server = alone(world)
    server.max_search_results = 200
    assert any("200" in note for note in entry(world("ping"), "gh")["notes"])
    server.fail(Fault(on="GetServerSettings", status=500, body='{"error": "no right"}'))
    found = entry(world("ping"), "gh")
    assert (found["ok"], found["problems"], found["notes"]) == (True, [], [])


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(status=404), "greyhound_path"),
        (Fault(body="<html>Login</html>", times=3), "greyhound_unreachable"),
        (Fault(reset="before", times=3), "greyhound_unreachable"),
        (Fault(on="RpcGroups.GetList", garbage=True, times=3), "greyhound_unreachable"),
    ],
)
def test_what_is_not_greyhound_is_not_reached(world: World, fault: Fault, code: str) -> None:
    alone(world).fail(fault)
    result = world("ping")
    assert (result.code, entry(result, "gh")["status"], codes(result, "gh")) == (1, "unreachable", [code])
    assert "run" not in entry(result, "gh")["problems"][0]["hint"]


def test_names_with_line_ends_do_not_break_the_table(world: World) -> None:
    server = alone(world)
    server.groups[5] = {"ID": 5, "Name": "Zeile 1\n\tZeile 2", "Path": "Zeile 1\n\tZeile 2"}
    server.groups[6] = {"ID": 6, "Name": "lang " * 40, "Path": "lang " * 40}
    out = world("ping", as_json=False).out
    assert "Zeile 1 Zeile 2" in out
    assert all(line.count("GroupRef") <= 1 for line in out.splitlines())


# -- which connections -------------------------------------------------------------------------------------------------


def test_without_a_name_every_connection_is_tried_also_if_one_fails(world: World) -> None:
    world.connect_greyhound("gh")
    other = world.connect_fe2("other", id_prefix='"B-"', url="http://127.0.0.1:9")
    world.fe2.stop()
    result = world("ping")
    assert result.code == 1
    assert {one["id"]: one["status"] for one in result.json["connections"]} == {
        "fe2": "unreachable",
        "gh": "reached",
        "other": "unreachable",
    }
    assert other.requests == []
    assert "1 of 3 connections is in order." in world("ping", as_json=False).out


def test_with_a_name_only_this_one_is_tried(world: World) -> None:
    server = world.connect_greyhound("gh")
    world.fe2.stop()
    result = world("ping", "gh")
    assert (result.code, [one["id"] for one in result.json["connections"]]) == (0, ["gh"])
    assert server.calls != []


@pytest.mark.parametrize(("word", "hint"), [("fe22", "Did you mean fe2?"), ("xyz", "Known are: fe2")])
def test_an_unknown_connection_is_a_wrong_command(world: World, word: str, hint: str) -> None:
    result = world("ping", word)
    assert (result.code, result.json["ok"]) == (2, False)
    assert f"There is no connection {word}. {hint}" in result.err
    assert world.fe2.requests == []


def test_mistakes_in_mappings_and_other_settings_do_not_matter(world: World) -> None:
    world.mapping("nonsense: 1\nsource: [\n", name="kaputt")
    world.extra = "keep: {runs: forever}\nnotify: {default: nobody}\n"
    world.configure()
    assert world("check").code == 1
    assert (world("ping").code, world("ping").json["problems"]) == (0, [])


def test_a_connection_with_mistakes_is_not_tried_and_the_others_are(world: World) -> None:
    world.configure("kaputt", type="fe2", url="nix", access_key="!secret key")
    result = world("ping")
    assert result.code == 1
    assert entry(result)["status"] == "reached"
    broken = entry(result, "kaputt")
    assert [broken[name] for name in ("status", "ok", "persons")] == [None, False, None]
    (problem,) = broken["problems"]
    assert (problem["code"], problem["path"]) == ("expected_url", ["connections", "kaputt", "url"])
    text = world("ping", as_json=False).out
    assert "url: nix" in text
    assert "not tried" in text
    assert world("ping", "fe2").code == 0


def test_a_ca_file_that_is_missing_is_shown_where_it_is_named(world: World) -> None:
    world.configure(ca_file="nowhere.pem")
    result = world("ping")
    assert (result.code, codes(result), entry(result)["status"]) == (1, ["ca_file_missing"], None)
    assert world.fe2.requests == []


def test_settings_that_can_not_be_read_are_shown_with_their_line(world: World) -> None:
    (world.root / "mappings" / "configuration.yaml").write_text("language: en\nconnections: [\n", "utf-8")
    result = world("ping")
    assert (result.code, result.json["ok"]) == (1, False)
    assert [problem["line"] for problem in result.json["problems"]] == [2]
    assert "connections: [" in world("ping", "fe2", as_json=False).out


def test_settings_without_connections_say_how_to_get_one(world: World) -> None:
    (world.root / "mappings" / "configuration.yaml").write_text("language: en\n", "utf-8")
    result = world("ping")
    assert (result.code, result.codes) == (1, ["no_connections"])


def test_a_mistake_in_the_secrets_is_shown_and_what_can_be_reached_is(world: World) -> None:
    path = world.root / "mappings" / "secrets.yaml"
    path.write_text(path.read_text("utf-8") + "other: a\nother: b\n", "utf-8")
    result = world("ping")
    assert (result.code, result.json["ok"], entry(result)["ok"]) == (1, False, True)
    assert result.codes == ["duplicate_key"]


# -- all of it ---------------------------------------------------------------------------------------------------------


def test_every_type_of_connection_can_be_pinged() -> None:
    assert PINGS.keys() == CONNECTIONS.keys()


def test_the_texts_are_there_in_every_language(world: World) -> None:
    world.connect_greyhound("gh")
    path = world.root / "mappings" / "configuration.yaml"
    path.write_text(path.read_text("utf-8").replace("language: en", "language: de"), "utf-8")
    result = world("ping", as_json=False)
    assert result.code == 0
    assert "match: {user_field: 6}" in result.out


def test_a_ping_changes_nothing_in_the_state_but_for_a_new_client_id(world: World) -> None:
    world.mapping()
    world.settled(people(5))
    before = _rows(world)
    world("ping")
    assert _rows(world) == before
    world.connect_greyhound("gh")
    world("ping")
    (new,) = set(_rows(world)) - set(before)
    assert "'gh'" in new


def _rows(world: World) -> list[str]:
    with closing(sqlite3.connect(world.root / ".abgleich" / "state.sqlite")) as database:
        return list(database.iterdump())


def test_secrets_are_neither_in_the_output_nor_in_the_state(world: World) -> None:
    world.connect_greyhound("gh")
    world.fe2.ok = Answer(200, b"OK")
    result = world("ping")
    assert ACCESS_KEY not in result.out
    assert PASSWORD not in result.out
    assert ACCESS_KEY.encode() not in world.state_bytes()
    assert PASSWORD.encode() not in world.state_bytes()
