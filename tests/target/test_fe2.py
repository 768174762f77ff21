"""FE2: what is sent, what every answer means, and what is known afterwards."""

from __future__ import annotations

import html
import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine.config.schema import Fe2Connection
from engine.http import Answer, Http
from engine.i18n import language, use_language
from engine.problems import TargetStopped
from engine.simulator import Answer as SimulatorAnswer
from engine.simulator import Fault, Fe2Simulator
from engine.sync.plan import ActionPlan, Change
from engine.target.base import Effects, FieldFault
from engine.target.fe2.server import version_of
from engine.target.fe2.sync import FIELDS, MODE, Fe2Sync
from tests.target.helpers import NAME, World, action, removal_of
from tests.world import PERSONAL, changed, without
from tests.world import World as Project
from tests.world import people as people_of_a_list

KEY = 'ä"key/%+<b>&' + "k" * 300
BUSY = [2.0, 8.0, 20.0, 45.0]
UNKNOWN = [0.5, 1.0, 2.0, 5.0]
SYNC = "/rest/addressbook/sync"


def connection(url: str, **keys: Any) -> Fe2Connection:
    return Fe2Connection.model_validate({"type": "fe2", "url": url, "access_key": "key", **keys})


def person(key: str, **fields: Any) -> dict[str, Any]:
    return {"externalDbId": key, "firstName": "Max", "alarmGroups": ["Zug 1"], **fields}


def people(*keys: str) -> dict[str, dict[str, Any]]:
    return {key: person(key) for key in keys}


@pytest.fixture
def fe2() -> Iterator[Fe2Simulator]:
    with Fe2Simulator() as server:
        yield server


@pytest.fixture
def world(fe2: Fe2Simulator, tmp_path: Path) -> World:
    return World.made(Fe2Sync, connection(fe2.url), action("fe2.sync"), tmp_path)


@pytest.fixture
def project(tmp_path: Path, pauses: list[float]) -> Iterator[Project]:
    """A whole project with its FE2, for what only a run shows."""
    before = language()
    with ExitStack() as stack:
        made = Project(tmp_path / "project", stack)
        yield made
        assert made.fe2.breaches == []
    use_language(before)


def target(model: Any = None, **keys: Any) -> Fe2Sync:
    return Fe2Sync(model or action("fe2.sync"), connection("http://fe2", **keys))


def faults(of: Fe2Sync, **fields: Any) -> list[tuple[str, str | None, bool]]:
    record, found = of.record("1", person("1", **fields))
    assert record
    return [(one.fault.code, one.field, one.warning) for one in found]


# -- what is sent ------------------------------------------------------------------------------------------------------


def test_the_header_is_exactly_the_access_key(fe2: Fe2Simulator, tmp_path: Path) -> None:
    fe2.access_key = None
    key = "k" * 400
    world = World.made(Fe2Sync, connection(fe2.url, access_key=f" {key}\n"), action("fe2.sync"), tmp_path)
    world.run(people("1", "2"))
    world.run(people("1"), removal="delete")
    assert [request.headers["Authorization"] for request in fe2.requests] == [key] * 3
    assert [request.headers["Content-Type"] for request in fe2.requests if request.method == "POST"] == [
        "application/json"
    ] * 2


def test_all_fields_of_the_vendors_sample_are_sent_and_lists_are_lists(fe2: Fe2Simulator, world: World) -> None:
    world.run({"1": {"externalDbId": "1", "alarmGroups": []}})
    assert json.loads(fe2.requests[0].body) == {
        "source": "abgleich",
        "personList": [
            {
                "externalDbId": "1",
                "firstName": "",
                "lastName": "",
                "note": "",
                "osFunctions": [],
                "osGroups": [],
                "alarmGroups": [],
                "issi": "",
                "xmpp": "",
                "aPagerPro": "",
                "email": "",
                "mobil": "",
                "aPagerProFieldMode": "",
            }
        ],
    }
    assert fe2.breaches == []


def test_the_body_names_the_source_of_the_connection(fe2: Fe2Simulator, world: World) -> None:
    world.connection = connection(fe2.url, source="MP-FEUER")
    world.run(people("1"))
    assert fe2.syncs[0]["source"] == "MP-FEUER"


def test_the_body_holds_the_persons_of_all_mappings(fe2: Fe2Simulator, world: World) -> None:
    world.run(people("1"))
    mine = world.owner
    world.owner = type(mine)("another", "sync")
    world.run(people("2"))
    assert fe2.persons.keys() == {"1", "2"}
    world.run(people("3"))
    assert fe2.persons.keys() == {"1", "3"}


def test_the_prefix_stands_before_every_id(fe2: Fe2Simulator, world: World) -> None:
    world.connection = connection(fe2.url, id_prefix="A-")
    world.run(people("1", "2"))
    assert fe2.persons.keys() == {"A-1", "A-2"}
    world.run(people("1"), removal="delete")
    assert fe2.deletes == ["A-2"]
    assert world.remotes() == {"1": "A-1"}


@pytest.mark.parametrize("version", ["2.28", "2.24.1"])
def test_before_2_29_the_pager_mode_is_not_sent(fe2: Fe2Simulator, world: World, version: str) -> None:
    world.connection = connection(fe2.url, fe2_version=version)
    fe2.version = version
    world.run(people("1"))
    assert fe2.breaches == []
    assert json.loads(fe2.requests[0].body)["personList"][0].keys() == FIELDS.keys() - {"aPagerProFieldMode"}


@pytest.mark.parametrize("version", [None, "2.29", "2.100", "FE2 2.39.1"])
def test_since_2_29_the_pager_mode_is_sent(fe2: Fe2Simulator, world: World, version: str | None) -> None:
    world.connection = connection(fe2.url, fe2_version=version) if version else connection(fe2.url)
    world.run(people("1"))
    assert fe2.persons["1"].keys() == FIELDS.keys()


def test_an_unchanged_list_is_sent_again_when_the_plan_says_so(fe2: Fe2Simulator, world: World) -> None:
    world.run(people("1"))
    world.apply(ActionPlan("sync", NAME, "fe2.sync", "sync", resend=True))
    assert len(fe2.syncs) == 2
    assert fe2.syncs[0] == fe2.syncs[1]


@pytest.mark.parametrize("removal", ["sync", "delete", "keep"])
def test_an_empty_list_is_never_sent(fe2: Fe2Simulator, world: World, removal: str) -> None:
    plan = ActionPlan("sync", NAME, "fe2.sync", removal, resend=True)
    _done, problem = world.stopped(plan)
    assert problem.code == "empty_list"
    assert "removal: delete" in problem.hint
    assert fe2.requests == []
    assert world.ledger.is_certain()


def test_removing_everybody_by_sync_is_refused_before_anything_is_written(fe2: Fe2Simulator, world: World) -> None:
    world.run(people("1", "2"))
    _done, problem = world.stopped(world.plan({}))
    assert problem.code == "empty_list"
    assert len(fe2.requests) == 1
    assert world.ledger.is_certain()
    assert world.sent().keys() == {"1", "2"}


# -- deleting singly ---------------------------------------------------------------------------------------------------


def test_every_delete_comes_before_the_sync(fe2: Fe2Simulator, world: World) -> None:
    world.run(people("1", "2", "3"))
    fe2.requests.clear()
    world.run(people("1"), removal="delete")
    assert [request.method for request in fe2.requests] == ["DELETE", "DELETE", "POST"]
    assert fe2.deletes == ["2", "3"]
    assert fe2.persons.keys() == {"1"}
    assert fe2.breaches == []


@pytest.mark.parametrize("key", ["a/b", "#1", "50%", "%2F", "a?b=c", "Müller Änne", "a b", "a..b", "é/../x", "+&;=@"])
def test_an_id_is_one_segment_of_the_path(fe2: Fe2Simulator, world: World, key: str) -> None:
    world.run(people("1", key))
    world.run(people("1"), removal="delete")
    assert fe2.deletes == [key]
    assert fe2.breaches == []


@pytest.mark.parametrize("status", [200, 204])
def test_a_delete_is_done_with_200_and_204(fe2: Fe2Simulator, world: World, status: int) -> None:
    world.run(people("1", "2"))
    fe2.fail(Fault(on="/persons/", status=status, body="", content_type="text/plain"))
    assert world.run(people("1"), removal="delete") == {"2": "removed"}


def test_who_is_gone_already_counts_as_deleted(fe2: Fe2Simulator, world: World) -> None:
    world.run(people("1", "2"))
    del fe2.persons["2"]
    assert world.run(people("1"), removal="delete") == {"2": "removed"}
    assert world.sent().keys() == {"1"}


@pytest.mark.parametrize(
    ("status", "code", "sleeps"),
    [
        (400, "fe2_answer", []),
        (401, "fe2_access_key", []),
        (403, "fe2_delete_not_allowed", []),
        (423, "fe2_busy", BUSY),
        (500, "fe2_answer", UNKNOWN),
        (503, "fe2_not_active", [2.0, 5.0]),
    ],
)
def test_a_delete_that_fails_stops_the_sync(
    fe2: Fe2Simulator, world: World, status: int, code: str, sleeps: list[float]
) -> None:
    world.run(people("1", "2", "3"))
    fe2.fail(Fault(on="/persons/3", status=status, times=9))
    done, problem = world.stopped(world.plan(people("1"), removal="delete"))
    assert [(outcome.key, outcome.kind) for outcome in done] == [("2", "removed")]
    assert problem.code == code
    assert problem.hint
    assert world.sleeps == sleeps
    assert len(fe2.syncs) == 1
    assert world.sent().keys() == {"1", "3"}
    assert not world.ledger.is_certain()


def test_where_deleting_is_not_allowed_the_switch_is_named(fe2: Fe2Simulator, world: World) -> None:
    world.run(people("1", "2"))
    fe2.delete_allowed = False
    _done, problem = world.stopped(world.plan(people("1"), removal="delete"))
    assert "Person löschen erlauben" in problem.hint


def test_a_page_in_answer_to_a_delete_proves_nothing(fe2: Fe2Simulator, world: World) -> None:
    world.run(people("1", "2"))
    fe2.fail(Fault(on="/persons/", status=200, body="<html>Login</html>"))
    _done, problem = world.stopped(world.plan(people("1"), removal="delete"))
    assert problem.code == "fe2_not_fe2"
    assert world.sent().keys() == {"1", "2"}


def test_the_last_persons_can_be_deleted_and_no_list_is_sent(fe2: Fe2Simulator, world: World) -> None:
    world.run(people("1", "2"))
    assert world.run({}, removal="delete") == {"1": "removed", "2": "removed"}
    assert fe2.persons == {}
    assert len(fe2.syncs) == 1
    assert world.ledger.is_certain()
    assert fe2.breaches == []


def test_deleting_the_last_persons_proves_nothing_about_a_lost_sync(fe2: Fe2Simulator, world: World) -> None:
    world.run(people("1"))
    world.ledger.begin()
    world.run({}, removal="delete")
    assert not world.ledger.is_certain()


def test_erase_deletes_one_person_and_sends_no_list(fe2: Fe2Simulator, world: World) -> None:
    world.run(people("1", "2"))
    assert world.run(people("1"), removal="erase") == {"2": "removed"}
    assert fe2.deletes == ["2"]
    assert len(fe2.syncs) == 1
    assert world.ledger.is_certain()


def test_erase_does_not_make_certain_what_was_unknown(fe2: Fe2Simulator, world: World) -> None:
    world.run(people("1", "2"))
    world.ledger.begin()
    world.run(people("1"), removal="erase")
    assert not world.ledger.is_certain()


def test_erase_is_refused_where_the_version_can_not_delete(fe2: Fe2Simulator, world: World) -> None:
    world.run(people("1", "2"))
    world.connection = connection(fe2.url, fe2_version="2.35")
    _done, problem = world.stopped(world.plan(people("1"), removal="erase"))
    assert problem.code == "fe2_too_old"
    assert fe2.deletes == []
    assert world.sent().keys() == {"1", "2"}


def test_deletes_tell_how_far_they_are(world: World) -> None:
    world.run(people("1", "2", "3"))
    world.run(people("1"), removal="delete")
    assert world.steps == [1, 2]


# -- a person who gets another key -------------------------------------------------------------------------------------


@pytest.mark.parametrize("removal", ["sync", "delete"])
def test_who_gets_another_key_and_keeps_the_id_is_never_deleted(fe2: Fe2Simulator, world: World, removal: str) -> None:
    world.run({"old": person("7", firstName="Alt"), "1": person("1")})
    old = next(one for one in world.store.sent(NAME) if one.key == "old")
    created = Change("created", "new", None, old.record | {"firstName": "Neu"})
    outcomes = world.apply(ActionPlan("sync", NAME, "fe2.sync", removal, (created, removal_of(old))))
    assert {outcome.key: outcome.kind for outcome in outcomes} == {"old": "removed", "new": "created"}
    assert fe2.persons["7"]["firstName"] == "Neu"
    assert fe2.deletes == []
    assert world.sent().keys() == {"1", "new"}


def test_the_old_key_can_go_later_without_taking_the_person_along(fe2: Fe2Simulator, world: World) -> None:
    world.run({"old": person("7"), "1": person("1")})
    old = next(one for one in world.store.sent(NAME) if one.key == "old")
    world.apply(ActionPlan("sync", NAME, "fe2.sync", "sync", (Change("created", "new", None, old.record),)))
    world.apply(ActionPlan("sync", NAME, "fe2.sync", "sync", (removal_of(old),)))
    assert fe2.persons.keys() == {"1", "7"}
    assert world.sent().keys() == {"1", "new"}


# -- what every answer means -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "code", "sleeps", "words"),
    [
        (Fault(status=301, headers={"Location": "/new"}), "fe2_path", [], "url"),
        (Fault(status=400), "fe2_answer", [], "next run"),
        (Fault(status=401), "fe2_access_key", [], "access key"),
        (Fault(status=403), "fe2_quota", [], "quota"),
        (Fault(status=404), "fe2_path", [], "url"),
        (Fault(status=412), "fe2_other_organisation", [], "id_prefix"),
        (Fault(status=418), "fe2_answer", UNKNOWN, "next run"),
        (Fault(status=204), "fe2_answer", [], "next run"),
        (Fault(status=423), "fe2_busy", BUSY, "Run again"),
        (Fault(status=500), "fe2_answer", UNKNOWN, "next run"),
        (Fault(status=502), "fe2_answer", UNKNOWN, "next run"),
        (Fault(status=503), "fe2_not_active", [2.0, 5.0], "Switch on"),
        (Fault(body="<html>Please log in</html>"), "fe2_not_fe2", [], "proxy"),
        (Fault(body="\ufeff <!DOCTYPE html><p>", content_type="text/plain"), "fe2_not_fe2", [], "proxy"),
        (Fault(reset="before"), "fe2_unreachable", UNKNOWN, "next run"),
        (Fault(reset="after"), "fe2_unreachable", UNKNOWN, "next run"),
        (Fault(truncate=True), "fe2_unreachable", UNKNOWN, "next run"),
    ],
    ids=lambda value: None,
)
def test_after_anything_but_a_clear_success_it_is_unknown_what_fe2_holds(
    fe2: Fe2Simulator, world: World, fault: Fault, code: str, sleeps: list[float], words: str
) -> None:
    world.run(people("1"))
    fe2.fail(*[fault] * 9)
    done, problem = world.stopped(world.plan(people("1", "2")))
    assert done == []
    assert problem.code == code
    assert words in problem.hint
    assert world.sleeps == sleeps
    assert len(fe2.requests) == 1 + 1 + len(sleeps)
    assert not world.ledger.is_certain()
    assert world.sent().keys() == {"1"}


@pytest.mark.parametrize(
    ("fault", "sleeps"),
    [
        (Fault(status=423), [2.0]),
        (Fault(status=423, times=4), BUSY),
        (Fault(status=503, times=2), [2.0, 5.0]),
        (Fault(status=500, times=4), UNKNOWN),
        (Fault(reset="before"), [0.5]),
        (Fault(reset="after"), [0.5]),
        (Fault(truncate=True), [0.5]),
    ],
)
def test_what_passes_by_itself_is_tried_again(
    fe2: Fe2Simulator, world: World, fault: Fault, sleeps: list[float]
) -> None:
    fe2.fail(fault)
    assert world.run(people("1")) == {"1": "created"}
    assert world.sleeps == sleeps
    assert world.ledger.is_certain()
    assert fe2.persons.keys() == {"1"}


def test_no_answer_in_time_is_tried_again(fe2: Fe2Simulator, world: World) -> None:
    world.connection = connection(fe2.url, timeout="0.05")
    fe2.fail(Fault(delay=0.3))
    assert world.run(people("1")) == {"1": "created"}
    assert world.sleeps == [0.5]


def test_the_pauses_grow_and_end_within_three_minutes() -> None:
    assert len(BUSY) >= 3
    assert sorted(BUSY) == BUSY
    assert sum(BUSY) < 180


def test_a_200_without_a_page_is_a_success_whatever_stands_in_it(fe2: Fe2Simulator, world: World) -> None:
    fe2.fail(Fault(garbage=True))
    assert world.run(people("1")) == {"1": "created"}
    assert world.ledger.is_certain()


@pytest.mark.parametrize("content_type", ["text/html", "text/plain"])
def test_an_empty_200_is_no_page(fe2: Fe2Simulator, world: World, content_type: str) -> None:
    fe2.ok = SimulatorAnswer(200, b"", content_type)
    assert world.run(people("1")) == {"1": "created"}


@pytest.mark.parametrize(
    ("body", "content_type", "page"),
    [
        (b"<html>", "text/plain", True),
        (b"\xef\xbb\xbf\r\n<!DOCTYPE HTML PUBLIC>", "", True),
        (b'<?xml version="1.0"?><html>', "", True),
        (b"log in", "text/html; charset=utf-8", True),
        (b" ", "text/html", False),
        (b'{"html": 1}', "application/json", False),
        (b"OK", "text/plain", False),
    ],
)
def test_a_page_for_people_is_recognised(body: bytes, content_type: str, page: bool) -> None:
    assert Answer(200, body, content_type).is_html is page


def test_a_quota_that_is_too_small_says_how_many_were_sent(fe2: Fe2Simulator, world: World) -> None:
    fe2.quota = 2
    _done, problem = world.stopped(world.plan(people("1", "2", "3")))
    assert "3 were sent" in problem.message


def test_what_fe2_says_is_passed_on(fe2: Fe2Simulator, world: World) -> None:
    fe2.fail(Fault(status=400, body="Feld issi ist zu lang", content_type="text/plain"))
    _done, problem = world.stopped(world.plan(people("1")))
    assert "Feld issi ist zu lang" in problem.hint


def test_the_next_run_heals_what_was_unknown(fe2: Fe2Simulator, world: World) -> None:
    fe2.fail(*[Fault(reset="after")] * 5)
    world.stopped(world.plan(people("1", "2")))
    assert world.run(people("1", "3")) == {"1": "created", "3": "created"}
    assert fe2.persons.keys() == {"1", "3"}
    assert world.ledger.is_certain()


def test_a_server_that_is_not_there_is_named(world: World, fe2: Fe2Simulator) -> None:
    url = fe2.url
    fe2.stop()
    _done, problem = world.stopped(world.plan(people("1")))
    assert problem.code == "fe2_unreachable"
    assert url in problem.message
    assert "is the server running" in problem.message


def test_where_nothing_can_have_arrived_fe2_holds_what_it_held(world: World, fe2: Fe2Simulator) -> None:
    fe2.stop()
    _done, problem = world.stopped(world.plan(people("1")))
    assert problem.hint.startswith("Nothing was sent, FE2 holds what it held before.")
    assert world.sleeps == UNKNOWN


@pytest.mark.parametrize("fault", [Fault(reset="after"), Fault(status=500)])
def test_after_one_attempt_that_may_have_arrived_it_is_unknown_what_fe2_holds(
    world: World, fe2: Fe2Simulator, fault: Fault
) -> None:
    fe2.fail(fault)
    plan, target = world.plan(people("1")), world.target()

    def pause(seconds: float) -> None:
        fe2.stop()

    with pytest.raises(TargetStopped) as caught:
        list(target.apply(plan, world.ledger, Effects(pause)))
    (problem,) = caught.value.problems
    assert problem.code == "fe2_unreachable"
    assert problem.hint.startswith("What FE2 holds is not known now")


def test_after_a_delete_nobody_says_that_nothing_was_sent(world: World, fe2: Fe2Simulator) -> None:
    world.run(people("1", "2", "3"))
    plan, target = world.plan(people("1"), removal="delete"), world.target()
    with pytest.raises(TargetStopped) as caught:
        for _outcome in target.apply(plan, world.ledger, Effects(lambda _seconds: None)):
            fe2.stop()
    assert caught.value.problems[0].hint.startswith("What FE2 holds is not known now")


def test_a_server_without_encryption_is_named(world: World, fe2: Fe2Simulator) -> None:
    world.connection = connection(fe2.url.replace("http:", "https:"))
    _done, problem = world.stopped(world.plan(people("1")))
    assert "http://" in problem.message


# -- a run -------------------------------------------------------------------------------------------------------------


def test_only_the_person_whose_pager_mode_would_change_stays_as_last_sent(project: Project) -> None:
    project.mapping(PERSONAL.rstrip() + '\n      aPagerProFieldMode: "{{ status }}"\n', aPagerPro='""')
    rows = people_of_a_list(5, status="LEGACY")
    project.settled(rows)
    rows = changed(changed(rows, 1, status="TOKEN", vorname="Neu"), 2, vorname="Neu")
    result = project.run(rows)
    assert result.status == "partial"
    assert result.counts() == {"updated": 1, "unchanged": 3, "rejected": 1}
    rejection = result.rejection("1")
    assert (rejection["field"], rejection["code"]) == ("aPagerProFieldMode", "pager_mode_changed")
    assert {key: project.at_fe2(key)["firstName"] for key in "12"} == {"1": "Vorname1", "2": "Neu"}
    assert project.at_fe2(1)["aPagerProFieldMode"] == "LEGACY"


def test_who_was_away_for_one_run_comes_back_with_the_new_pager_mode(project: Project) -> None:
    project.mapping(PERSONAL.rstrip() + '\n      aPagerProFieldMode: "{{ status }}"\n', aPagerPro='""')
    rows = people_of_a_list(5, status="LEGACY")
    project.settled(rows)
    assert project.run(without(rows, 1)).status == "done"
    assert project.run(changed(rows, 1, status="TOKEN")).status == "done"
    assert project.fe2.tokens.keys() == {"1"}


def test_a_check_warns_where_the_version_lacks_a_field_and_refuses_one_without_a_sync(project: Project) -> None:
    project.mapping(PERSONAL.rstrip() + "\n      aPagerProFieldMode: LEGACY\n")
    project.configure(fe2_version='"2.28"')
    result = project("check")
    assert (result.code, result.problem("fe2_version_lacks")["severity"]) == (0, "warning")
    assert result.problem("fe2_version_lacks")["path"] == ["actions", 0, "fields", "aPagerProFieldMode"]
    for version, code in (("neu", "fe2_version_unreadable"), ("2.23", "fe2_no_synchronisation")):
        project.configure(fe2_version=f'"{version}"')
        result = project("check")
        assert (result.code, result.codes) == (1, [code])
        problem = result.problem(code)
        assert (problem["file"], problem["path"][-1]) == ("mappings/configuration.yaml", "fe2_version")
        assert project.run(people_of_a_list(3)).codes == [code]
    assert project.fe2.requests == []


# -- secrets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "echo",
    [KEY, json.dumps({"key": KEY}), json.dumps({"key": KEY}, ensure_ascii=False), html.escape(KEY)],
    ids=["plain", "JSON", "JSON with umlauts", "page"],
)
@pytest.mark.parametrize("status", [400, 401, 403, 412, 423, 500, 503])
def test_the_access_key_is_never_shown_even_if_the_server_echoes_it(
    fe2: Fe2Simulator, world: World, status: int, echo: str
) -> None:
    world.connection = connection(fe2.url, access_key=KEY)
    fe2.fail(*[Fault(status=status, body="x" * 300 + echo, content_type="text/plain")] * 9)
    _done, problem = world.stopped(world.plan(people("1")))
    assert "k" * 20 not in str(problem)


def test_a_key_that_fits_in_no_header_is_found_before_any_request() -> None:
    codes = [finding.code for key in ("a\nb", "a\x00b") for _path, finding in target(access_key=key).check()]
    assert codes == ["access_key_unusable"] * 2
    assert [*target(access_key=KEY).check()] == []


def test_a_key_that_fits_in_no_header_stops_the_target_clearly(fe2: Fe2Simulator, world: World) -> None:
    world.connection = connection(fe2.url, access_key="a\nb")
    _done, problem = world.stopped(world.plan(people("1")))
    assert problem.code == "fe2_unreachable"
    assert "control characters" in problem.message


# -- what a person must look like --------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["", "0049151123456", "max.mustermann@example.com", "ö@müller.de"])
def test_a_pager_address_is_a_german_number_or_an_email(address: str) -> None:
    assert faults(target(), aPagerPro=address, aPagerProFieldMode="LEGACY") == []


@pytest.mark.parametrize(
    "address",
    ["+49151123456", "0049 151 123456", "0151123456", "0043664123456", "max@", "max@x", "a b@x.de", "0049٣٣٣٣٣٣٣"],
)
def test_any_other_pager_address_is_rejected(address: str) -> None:
    assert faults(target(), aPagerPro=address) == [("pager_address", "aPagerPro", False)]


def test_with_a_token_the_pager_address_must_be_empty() -> None:
    assert faults(target(), aPagerPro="a@b.de", aPagerProFieldMode="TOKEN") == [
        ("pager_with_token", "aPagerPro", False)
    ]
    assert faults(target(), aPagerPro="", aPagerProFieldMode="TOKEN") == []


def test_a_mode_that_is_not_documented_is_sent_with_a_warning() -> None:
    assert faults(target(), aPagerProFieldMode="EMAIL") == [("pager_mode_unknown", "aPagerProFieldMode", True)]


@pytest.mark.parametrize(
    ("number", "warned"), [("", False), ("0049151123456", False), ("0043664123456", False), ("+49151123456", True)]
)
def test_a_number_in_another_form_is_a_warning(number: str, warned: bool) -> None:
    assert faults(target(), mobil=number) == ([("number_form", "mobil", True)] if warned else [])


def test_an_alarm_group_that_fe2_does_not_have_rejects_the_person_with_a_suggestion() -> None:
    made = target(alarm_groups=["Alarm Zug 1", "Alarm Zug 2"])
    assert faults(made, alarmGroups=["Alarm Zug 1"]) == []
    _record, found = made.record("1", person("1", alarmGroups=["alarm zug 1", "Alarm Zg 2", "Küche"]))
    assert [one.fault.code for one in found] == ["unknown_alarm_group"] * 3
    assert [one.fault.hint for one in found[:2]] == ["Did you mean Alarm Zug 1?", "Did you mean Alarm Zug 2?"]
    assert "alarm_groups" in found[2].fault.hint


def test_without_a_list_of_alarm_groups_any_name_goes() -> None:
    assert faults(target(), alarmGroups=["whatever"]) == []


def test_an_empty_list_of_alarm_groups_allows_none() -> None:
    assert faults(target(alarm_groups=[]), alarmGroups=["Zug"]) == [("unknown_alarm_group", "alarmGroups", False)]


def test_alarm_groups_in_decomposed_letters_are_the_same_names() -> None:
    assert faults(target(alarm_groups=["Löschzug"]), alarmGroups=["Löschzug"]) == []


@pytest.mark.parametrize(
    ("key", "prefix", "code"),
    [("", "", "id_empty"), ("", "A-", "id_empty"), (".", "", "id_invalid"), ("..", "", "id_invalid"),
     (".", ".", "id_invalid")],
)  # fmt: skip
def test_an_id_that_makes_no_address_is_rejected(key: str, prefix: str, code: str) -> None:
    assert [fault[0] for fault in faults(target(id_prefix=prefix), externalDbId=key)] == [code]


def test_dots_behind_a_prefix_are_an_id_like_any_other() -> None:
    assert faults(target(id_prefix="A"), externalDbId="..") == []


def test_an_id_can_never_change() -> None:
    made = target()
    before, after = ({"externalDbId": key} for key in ("1", "2"))
    fault = made.unchangeable(before, after)
    assert fault is not None
    assert fault.fault.code == "id_changed"
    assert made.unchangeable(before, before) is None


def mode_fault(before: str, after: str, **keys: Any) -> FieldFault | None:
    old, new = ({"externalDbId": "1", "aPagerProFieldMode": mode} for mode in (before, after))
    return target(**keys).unchangeable(old, new)


@pytest.mark.parametrize(("before", "after"), [("LEGACY", "TOKEN"), ("TOKEN", "LEGACY"), ("", "TOKEN"), ("TOKEN", "")])
def test_the_pager_mode_of_a_known_person_can_never_change(before: str, after: str) -> None:
    found = mode_fault(before, after)
    assert found is not None
    assert (found.field, found.fault.code, found.warning) == ("aPagerProFieldMode", "pager_mode_changed", False)
    assert f"from {before or 'LEGACY'} to {after or 'LEGACY'}" in found.fault.message
    assert f"Put {before or 'LEGACY'} back" in found.fault.hint
    assert "Person löschen erlauben" in found.fault.hint


@pytest.mark.parametrize(("before", "after"), [("", "LEGACY"), ("LEGACY", ""), ("TOKEN", "TOKEN"), ("", "")])
def test_no_pager_mode_is_the_same_as_legacy(before: str, after: str) -> None:
    assert mode_fault(before, after) is None


def test_a_mode_that_is_not_sent_may_change() -> None:
    assert mode_fault("LEGACY", "TOKEN", fe2_version="2.28") is None
    assert mode_fault("LEGACY", "TOKEN", fe2_version="2.29") is not None


def test_a_mode_that_was_not_sent_to_an_older_version_is_not_taken_for_sent_later() -> None:
    old, new = target(fe2_version="2.28"), target(fe2_version="2.29")
    before, after = (made.record("1", person("1", aPagerProFieldMode="TOKEN"))[0] for made in (old, new))
    fault = new.unchangeable(before, after)
    assert fault is not None
    assert "from LEGACY to TOKEN" in fault.fault.message


def test_a_person_last_sent_without_a_mode_keeps_the_ordinary_one() -> None:
    assert target().unchangeable({"externalDbId": "1"}, {"externalDbId": "1", "aPagerProFieldMode": ""}) is None


@pytest.mark.parametrize("field", ["alarmGroups", "aPagerPro"])
def test_losing_the_alarm_counts_as_a_removal(field: str) -> None:
    full = {"alarmGroups": ["Zug"], "aPagerPro": "a@b.de"}
    assert target().loses(full, full | {field: ""})
    assert not target().loses(full | {field: ""}, full)


def test_a_version_that_can_not_delete_is_a_mistake_in_the_mapping() -> None:
    model = action("fe2.sync", removal="delete")
    ((path, finding),) = target(model, fe2_version="2.35").check()
    assert (path, finding.code) == (("removal",), "fe2_too_old")
    for version in ("2.36", "2.100", "3.0", None):
        keys = {"fe2_version": version} if version else {}
        assert [*target(model, **keys).check()] == []


def test_a_version_that_can_not_delete_is_no_matter_for_a_sync() -> None:
    assert [*target(action("fe2.sync", removal="sync"), fe2_version="2.30").check()] == []


@pytest.mark.parametrize(("version", "warned"), [("2.28", True), ("2.24", True), ("2.29", False), (None, False)])
def test_a_version_without_pager_modes_is_a_warning_at_the_field(version: str | None, warned: bool) -> None:
    model = action("fe2.sync", fields={"aPagerProFieldMode": "LEGACY"})
    keys = {"fe2_version": version} if version else {}
    found = [(path, finding.code, finding.severity) for path, finding in target(model, **keys).check()]
    assert found == ([(("fields", "aPagerProFieldMode"), "fe2_version_lacks", "warning")] if warned else [])


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({MODE: "KOMISCH"}, [(MODE, "pager_mode_unknown", "warning")]),
        ({MODE: "TOKEN", "aPagerPro": "{{ email }}"}, [("aPagerPro", "pager_with_token", "warning")]),
        ({MODE: "TOKEN", "aPagerPro": "a@example.org"}, [("aPagerPro", "pager_with_token", "warning")]),
        ({"aPagerPro": "0151 2000001"}, [("aPagerPro", "pager_address", "warning")]),
        ({MODE: "TOKEN", "aPagerPro": ""}, []),
        ({MODE: "TOKEN"}, []),
        ({MODE: "{{ mode }}", "aPagerPro": "{{ email }}"}, []),
        ({MODE: "LEGACY", "aPagerPro": "{{ email }}"}, []),
        ({MODE: " TOKEN ", "aPagerPro": None}, []),
    ],
)
def test_what_every_person_would_be_told_of_the_pager_is_told_beforehand(
    fields: dict[str, Any], found: list[tuple[str, str, str]]
) -> None:
    told = target(action("fe2.sync", fields=fields)).check()
    assert [(path[1], finding.code, finding.severity) for path, finding in told] == found


def test_a_version_without_pager_modes_is_no_matter_where_nobody_sets_one() -> None:
    assert [*target(action("fe2.sync", fields={"aPagerProFieldMode": None}), fe2_version="2.28").check()] == []


@pytest.mark.parametrize("version", ["neu", "2", "2,39", "zwei.drei"])
def test_a_version_that_is_none_is_a_mistake(version: str) -> None:
    ((path, finding),) = target(fe2_version=version).check()
    assert (path, finding.code, finding.severity) == (("connection", "fe2_version"), "fe2_version_unreadable", "error")
    assert version in finding.message
    assert '"2.39"' in finding.hint


def test_a_version_that_can_not_be_synchronised_is_a_mistake_and_the_only_one() -> None:
    model = action("fe2.sync", removal="delete", fields={"aPagerProFieldMode": "LEGACY"})
    ((path, finding),) = target(model, fe2_version="2.23.9").check()
    assert (path, finding.code, finding.severity) == (("connection", "fe2_version"), "fe2_no_synchronisation", "error")
    assert "2.24" in finding.hint


@pytest.mark.parametrize(
    ("text", "version"),
    [("2.39", (2, 39)), ("v2.39", (2, 39)), ("FE2 2.39.1", (2, 39, 1)), ("2.39-rc1", (2, 39)), ("2.40b", (2, 40)),
     ("FE2", None), ("2", None), (None, None)],
)  # fmt: skip
def test_a_version_is_read_as_people_write_it(text: str | None, version: tuple[int, ...] | None) -> None:
    assert version_of(text) == version


# -- certificates ------------------------------------------------------------------------------------------------------


class _Ok(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing is printed."""


class _Quiet(HTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that trusts nobody hangs up."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate, and is not here")
    folder = tmp_path_factory.mktemp("tls")
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-days", "2", "-subj", "/CN=fe2", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*made, *names, *files], check=True, capture_output=True)
    return folder / "cert.pem"


@pytest.fixture
def secure(certificate: Path) -> Iterator[str]:
    server = _Quiet(("127.0.0.1", 0), _Ok)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=lambda: server.serve_forever(0.01), daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_certificate_nobody_trusts_says_what_to_set(secure: str, world: World) -> None:
    world.connection = connection(secure)
    _done, problem = world.stopped(world.plan(people("1")))
    assert "ca_file" in problem.message


def test_a_certificate_in_ca_file_is_trusted(secure: str, certificate: Path, world: World) -> None:
    world.connection = connection(secure, ca_file=str(certificate))
    assert world.run(people("1")) == {"1": "created"}


def test_without_verification_every_certificate_goes(secure: str, world: World) -> None:
    world.connection = connection(secure, verify_tls="false")
    assert world.run(people("1")) == {"1": "created"}


def test_a_certificate_for_another_name_is_not_blamed_on_ca_file(secure: str, certificate: Path, world: World) -> None:
    world.connection = connection(secure.replace("127.0.0.1", "localhost"), ca_file=str(certificate))
    _done, problem = world.stopped(world.plan(people("1")))
    assert "another name" in problem.message


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_is_missing_or_none_is_named(
    fe2: Fe2Simulator, world: World, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "fe2.pem"
    if content is not None:
        path.write_text(content)
    world.connection = connection(fe2.url.replace("http:", "https:"), ca_file=str(path))
    _done, problem = world.stopped(world.plan(people("1")))
    assert problem.code == "ca_file_unusable"
    assert str(path) in problem.message
    assert fe2.requests == []


def test_closing_a_target_that_was_never_used_is_fine() -> None:
    target().close()


def test_a_stopped_target_raises_for_the_core(fe2: Fe2Simulator, world: World) -> None:
    fe2.access_key = "another"
    with pytest.raises(TargetStopped, match="access key"):
        world.run(people("1"))


def test_an_access_key_with_an_umlaut_is_sent_as_servers_read_headers() -> None:
    key = "geheimer-Schlüssel"
    with Fe2Simulator(access_key=key) as fe2:
        http = Http(fe2.url, 5.0, [key], None, True)
        answer = http.send("DELETE", "/rest/addressbook/external/persons/1", {"Authorization": key})
        http.close()
    assert answer.status == 404


def test_whoever_shall_be_erased_and_is_not_known_is_not_passed_over_in_silence(
    fe2: Fe2Simulator, world: World
) -> None:
    world.run(people("1", "2"))
    del fe2.persons["2"]
    plan = ActionPlan("sync", NAME, "fe2.sync", "erase", (removal_of(world.store.sent(NAME)[1]),))
    (outcome,) = world.apply(plan)
    assert (outcome.kind, outcome.code) == ("removed", "fe2_person_unknown")
    assert "delete them there by hand" in outcome.hint
