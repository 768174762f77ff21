"""The FE2 stand-in keeps to the vendor's page, refuses what it forbids, and fails on demand."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from engine.simulator import Answer, Fault, Fe2Simulator

SAMPLE: dict[str, Any] = {
    "externalDbId": "123456",
    "firstName": "Max",
    "lastName": "Mustermann",
    "note": "Das ist eine Notiz",
    "osFunctions": ["AGT", "MA"],
    "osGroups": ["Löschgruppe 1"],
    "alarmGroups": ["Alarm Gruppe", "Alarm Gruppe 2"],
    "issi": "",
    "xmpp": "",
    "aPagerPro": "max.mustermann@example.com",
    "email": "max.mustermann@example.com",
    "mobil": "0049151123456",
    "aPagerProFieldMode": "LEGACY",
}
TOKEN = {"aPagerPro": "", "aPagerProFieldMode": "TOKEN"}


@pytest.fixture
def fe2() -> Iterator[Fe2Simulator]:
    with Fe2Simulator() as server:
        yield server


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=5, headers={"Authorization": "key"}) as client:
        yield client


def person(key: str = "123456", **fields: Any) -> dict[str, Any]:
    return {**SAMPLE, "externalDbId": key, **fields}


def without(name: str) -> dict[str, Any]:
    return {field: value for field, value in SAMPLE.items() if field != name}


def sync(fe2: Fe2Simulator, http: httpx.Client, *people: Any, **headers: str) -> int:
    body = {"source": "Leitstelle", "personList": list(people)}
    return http.post(f"{fe2.url}/rest/addressbook/sync", json=body, headers=headers).status_code


def post(fe2: Fe2Simulator, http: httpx.Client, body: bytes | str, content_type: str = "application/json") -> int:
    url = f"{fe2.url}/rest/addressbook/sync"
    return http.post(url, content=body, headers={"Content-Type": content_type}).status_code


def delete(fe2: Fe2Simulator, http: httpx.Client, segment: str) -> int:
    return http.delete(f"{fe2.url}/rest/addressbook/external/persons/{segment}").status_code


# -- the synchronisation -----------------------------------------------------------------------------------------------


def test_the_vendors_sample_is_accepted(fe2: Fe2Simulator, http: httpx.Client) -> None:
    assert sync(fe2, http, SAMPLE) == 200
    assert fe2.persons == {"123456": SAMPLE}
    assert fe2.syncs == [{"source": "Leitstelle", "personList": [SAMPLE]}]
    assert fe2.writes == 1
    assert fe2.breaches == []


def test_a_person_missing_from_the_list_is_deleted(fe2: Fe2Simulator, http: httpx.Client) -> None:
    sync(fe2, http, person("1"), person("2"))
    sync(fe2, http, person("2", note="neu"), person("3"))
    assert list(fe2.persons) == ["2", "3"]
    assert fe2.persons["2"]["note"] == "neu"
    assert fe2.deleted == {}


def test_where_deleting_is_not_allowed_a_missing_person_is_marked(fe2: Fe2Simulator, http: httpx.Client) -> None:
    fe2.delete_allowed = False
    sync(fe2, http, person("1"), person("2"))
    sync(fe2, http, person("2"))
    assert list(fe2.persons) == ["2"]
    assert list(fe2.deleted) == ["1"]


def test_a_marked_person_who_comes_back_is_marked_no_more(fe2: Fe2Simulator, http: httpx.Client) -> None:
    fe2.delete_allowed = False
    sync(fe2, http, person("1", **TOKEN), person("2"))
    token = fe2.tokens["1"]
    sync(fe2, http, person("2"))
    sync(fe2, http, person("1", **TOKEN), person("2"))
    assert fe2.deleted == {}
    assert fe2.tokens == {"1": token}


def test_persons_made_by_hand_are_never_touched(fe2: Fe2Simulator, http: httpx.Client) -> None:
    fe2.manual.append({"firstName": "Hand", "lastName": "Gemacht"})
    sync(fe2, http, person("1"))
    sync(fe2, http, person("2"))
    assert fe2.manual == [{"firstName": "Hand", "lastName": "Gemacht"}]


def test_an_empty_list_is_a_breach_and_deletes_everybody(fe2: Fe2Simulator, http: httpx.Client) -> None:
    sync(fe2, http, person("1"))
    assert sync(fe2, http) == 200
    assert fe2.persons == {}
    assert "empty personList" in fe2.breaches[0]


def test_a_token_is_made_with_the_person_and_never_changed_by_a_sync(fe2: Fe2Simulator, http: httpx.Client) -> None:
    sync(fe2, http, person("1", **TOKEN))
    token = fe2.tokens["1"]
    sync(fe2, http, person("1"))
    sync(fe2, http, person("1", **TOKEN))
    assert fe2.tokens == {"1": token}


def test_no_token_is_made_for_a_person_who_exists_already(fe2: Fe2Simulator, http: httpx.Client) -> None:
    sync(fe2, http, person("1"))
    sync(fe2, http, person("1", **TOKEN))
    assert fe2.tokens == {}


def test_deleting_and_creating_a_person_anew_loses_the_token(fe2: Fe2Simulator, http: httpx.Client) -> None:
    sync(fe2, http, person("1", **TOKEN), person("2"))
    token = fe2.tokens["1"]
    sync(fe2, http, person("2"))
    sync(fe2, http, person("1", **TOKEN))
    assert fe2.tokens["1"] != token


# -- access ------------------------------------------------------------------------------------------------------------


def test_a_wrong_key_is_401(fe2: Fe2Simulator, http: httpx.Client) -> None:
    assert sync(fe2, http, SAMPLE, Authorization="other") == 401
    assert fe2.persons == {}
    assert fe2.breaches == []


@pytest.mark.parametrize("key", ["Bearer key", "bearer key", ""])
def test_bearer_and_no_key_at_all_are_breaches(fe2: Fe2Simulator, http: httpx.Client, key: str) -> None:
    assert sync(fe2, http, SAMPLE, Authorization=key) == 401
    assert len(fe2.breaches) == 1


def test_without_a_key_of_its_own_it_takes_any_key_but_none(http: httpx.Client) -> None:
    with Fe2Simulator(access_key=None) as fe2:
        assert sync(fe2, http, SAMPLE, Authorization="x" * 400) == 200
        assert sync(fe2, http, SAMPLE, Authorization="") == 401
        assert sync(fe2, http, SAMPLE, Authorization="Bearer key") == 401


def test_a_sync_that_is_switched_off_is_503(fe2: Fe2Simulator, http: httpx.Client) -> None:
    fe2.sync_active = False
    assert sync(fe2, http, SAMPLE) == 503
    assert delete(fe2, http, "1") == 503
    assert fe2.persons == {}


def test_a_busy_organisation_is_423(fe2: Fe2Simulator, http: httpx.Client) -> None:
    fe2.sync_busy = True
    assert sync(fe2, http, SAMPLE) == 423
    assert fe2.persons == {}


def test_a_quota_that_is_too_small_is_403_and_changes_nothing(http: httpx.Client) -> None:
    with Fe2Simulator(quota=2) as fe2:
        assert sync(fe2, http, person("1"), person("2")) == 200
        assert sync(fe2, http, person("3"), person("4"), person("5")) == 403
        assert list(fe2.persons) == ["1", "2"]
        assert fe2.breaches == []


def test_a_person_of_another_organisation_is_412_and_changes_nothing(fe2: Fe2Simulator, http: httpx.Client) -> None:
    fe2.foreign.add("2")
    assert sync(fe2, http, person("1"), person("2")) == 412
    assert fe2.persons == {}
    assert fe2.writes == 0


def test_unknown_paths_are_404_and_other_methods_405(fe2: Fe2Simulator, http: httpx.Client) -> None:
    assert http.get(f"{fe2.url}/").status_code == 404
    assert http.post(f"{fe2.url}/rest/addressbook").status_code == 404
    assert http.get(f"{fe2.url}/rest/addressbook/sync").status_code == 405
    assert fe2.breaches == []


# -- the body ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", ["text/plain", "application/json; charset=latin-1", "application/xml"])
def test_another_content_type_is_a_breach(fe2: Fe2Simulator, http: httpx.Client, content_type: str) -> None:
    assert post(fe2, http, b"{}", content_type) == 415
    assert "Content-Type" in fe2.breaches[0]


def test_a_content_type_with_utf_8_is_fine(fe2: Fe2Simulator, http: httpx.Client) -> None:
    body = json.dumps({"source": "x", "personList": [SAMPLE]})
    assert post(fe2, http, body, "application/json; charset=UTF-8") == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"\xef\xbb\xbf{}",
        '{"source": "Müller"}'.encode("cp1252"),
        b'{"source": NaN}',
        b'{"source": "x"}',
        b'{"personList": []}',
        b'{"source": "", "personList": []}',
        b'{"source": 7, "personList": []}',
        b'{"source": "x", "personList": {}}',
        b'{"source": "x", "personList": null}',
        b'{"source": "x", "personList": ["text"]}',
        b'{"source": "x", "personList": [], "personList": []}',
        b'{"source": "x", "personList": [], "dryRun": true}',
    ],
)
def test_a_body_of_another_form_is_a_breach_and_changes_nothing(
    fe2: Fe2Simulator, http: httpx.Client, body: bytes
) -> None:
    sync(fe2, http, person("1"))
    assert post(fe2, http, body) == 400
    assert list(fe2.persons) == ["1"]
    assert fe2.breaches != []


@pytest.mark.parametrize("name", SAMPLE)
def test_every_field_of_the_sample_must_be_sent(fe2: Fe2Simulator, http: httpx.Client, name: str) -> None:
    assert sync(fe2, http, without(name)) == 400
    assert len(fe2.breaches) == 1
    assert name in fe2.breaches[0]


@pytest.mark.parametrize(
    "fields",
    [
        {"externalDbId": ""},
        {"externalDbId": 7},
        {"firstName": None},
        {"mobil": 49151123456},
        {"alarmGroups": {}},
        {"alarmGroups": "Alarm"},
        {"osFunctions": [1]},
        {"osGroups": [""]},
        {"birthday": "1990-01-01"},
    ],
)
def test_fields_of_another_type_or_name_are_breaches(
    fe2: Fe2Simulator, http: httpx.Client, fields: dict[str, Any]
) -> None:
    assert sync(fe2, http, {**SAMPLE, **fields}) == 400
    assert len(fe2.breaches) == 1
    assert next(iter(fields)) in fe2.breaches[0]


def test_two_persons_with_one_id_are_a_breach(fe2: Fe2Simulator, http: httpx.Client) -> None:
    assert sync(fe2, http, person("1"), person("1")) == 400
    assert "Person 2 (1)" in fe2.breaches[0]


def test_all_breaches_of_a_body_are_recorded_at_once(fe2: Fe2Simulator, http: httpx.Client) -> None:
    sync(fe2, http, person("1", firstName=1), person("2", lastName=2))
    assert len(fe2.breaches) == 2


@pytest.mark.parametrize("address", ["", "0049151123456", "004915112345678", "max@example.com", "m.ü@bücher.example"])
def test_the_pager_address_may_be_empty_an_email_or_0049(fe2: Fe2Simulator, http: httpx.Client, address: str) -> None:
    assert sync(fe2, http, person(aPagerPro=address)) == 200


@pytest.mark.parametrize(
    "address",
    ["+49151123456", "0151123456", "0049", "00491", "0049 151 123456", "0043664123456", "max", "a@b", "a b@c.de"],
)
def test_any_other_pager_address_is_a_breach(fe2: Fe2Simulator, http: httpx.Client, address: str) -> None:
    assert sync(fe2, http, person(aPagerPro=address)) == 400
    assert "aPagerPro" in fe2.breaches[0]


def test_a_pager_address_with_a_token_is_a_breach(fe2: Fe2Simulator, http: httpx.Client) -> None:
    assert sync(fe2, http, person(aPagerProFieldMode="TOKEN")) == 400
    assert "TOKEN" in fe2.breaches[0]


# -- deleting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["1", "a/b", "ä ö", "50%", "#7", "x?y=1", "a+b", "%2F"])
def test_an_encoded_id_is_one_segment(fe2: Fe2Simulator, http: httpx.Client, key: str) -> None:
    sync(fe2, http, person(key), person("other"))
    assert delete(fe2, http, quote(key, safe="")) == 200
    assert list(fe2.persons) == ["other"]
    assert fe2.deletes == [key]
    assert fe2.writes == 2
    assert fe2.breaches == []


@pytest.mark.parametrize("segment", ["a/b", "a?b", "%E4", "%2E%2E", ""])
def test_an_id_that_is_not_encoded_right_is_a_breach(fe2: Fe2Simulator, http: httpx.Client, segment: str) -> None:
    sync(fe2, http, person("a"))
    assert delete(fe2, http, segment) == 404
    assert list(fe2.persons) == ["a"]
    assert len(fe2.breaches) == 1


def test_an_unknown_person_is_404(fe2: Fe2Simulator, http: httpx.Client) -> None:
    assert delete(fe2, http, "1") == 404
    assert fe2.breaches == []
    assert fe2.writes == 0


def test_deleting_is_403_where_the_organisation_does_not_allow_it(fe2: Fe2Simulator, http: httpx.Client) -> None:
    fe2.delete_allowed = False
    sync(fe2, http, person("1"))
    assert delete(fe2, http, "1") == 403
    assert list(fe2.persons) == ["1"]


def test_deleting_needs_the_key_too(fe2: Fe2Simulator) -> None:
    response = httpx.delete(f"{fe2.url}/rest/addressbook/external/persons/1", headers={"Authorization": "Bearer key"})
    assert response.status_code == 401
    assert len(fe2.breaches) == 1


def test_before_2_36_there_is_no_deleting(http: httpx.Client) -> None:
    with Fe2Simulator(version="2.35") as fe2:
        sync(fe2, http, person("1"))
        assert delete(fe2, http, "1") == 404
        assert list(fe2.persons) == ["1"]


def test_a_sync_during_a_delete_is_a_breach(fe2: Fe2Simulator, http: httpx.Client) -> None:
    fe2.fail(Fault(on="/persons/", delay=0.3))
    with ThreadPoolExecutor() as pool:
        running = pool.submit(delete, fe2, http, "1")
        while not fe2.requests:
            time.sleep(0.005)
        sync(fe2, http, SAMPLE)
        running.result()
    assert fe2.breaches == ["A DELETE and a sync were under way at the same time."]


def test_a_sync_right_after_a_delete_is_fine(fe2: Fe2Simulator, http: httpx.Client) -> None:
    for _ in range(50):
        delete(fe2, http, "1")
        sync(fe2, http, SAMPLE)
    assert fe2.breaches == []


# -- the server both stand-ins share -----------------------------------------------------------------------------------


def test_every_request_is_on_record_with_its_answer(fe2: Fe2Simulator, http: httpx.Client) -> None:
    delete(fe2, http, "a%2Fb")
    (request,) = fe2.requests
    assert (request.method, request.path, request.body) == ("DELETE", "/rest/addressbook/external/persons/a%2Fb", b"")
    assert request.headers["authorization"] == "key"
    assert request.status == 404
    assert request.time <= time.monotonic()


def test_one_connection_serves_many_requests_quickly(fe2: Fe2Simulator, http: httpx.Client) -> None:
    started = time.perf_counter()
    for _ in range(50):
        sync(fe2, http, SAMPLE)
    assert time.perf_counter() - started < 2
    assert sum(thread.name.endswith("(process_request_thread)") for thread in threading.enumerate()) == 1


def test_requests_at_the_same_time_are_carried_out_one_by_one(fe2: Fe2Simulator, http: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda number: sync(fe2, http, person(str(number))), range(40)))
    assert set(codes) == {200}
    assert len(fe2.persons) == 1
    assert fe2.writes == 40


def test_starting_and_stopping_twice_is_harmless_and_keeps_the_address(http: httpx.Client) -> None:
    fe2 = Fe2Simulator().start()
    url = fe2.start().url
    sync(fe2, http, SAMPLE)
    fe2.stop()
    fe2.stop()
    with pytest.raises(httpx.TransportError):
        sync(fe2, http, SAMPLE)
    with fe2:
        assert fe2.url == url
        assert sync(fe2, http, SAMPLE) == 200


def test_before_the_start_there_is_no_address() -> None:
    with pytest.raises(RuntimeError, match="started"):
        _ = Fe2Simulator().url


def test_stopping_ends_connections_and_waits_and_leaves_no_thread(http: httpx.Client) -> None:
    before = threading.active_count()
    fe2 = Fe2Simulator().start()
    sync(fe2, http, SAMPLE)
    fe2.latency = 60
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(sync, fe2, http, SAMPLE)
        while len(fe2.requests) < 2:
            time.sleep(0.005)
        started = time.perf_counter()
        fe2.stop()
        assert time.perf_counter() - started < 2
        with pytest.raises(httpx.TransportError):
            waiting.result()
    assert fe2.writes == 1
    assert threading.active_count() == before


def test_a_fault_answers_instead_of_the_server(fe2: Fe2Simulator, http: httpx.Client) -> None:
    fe2.fail(Fault(status=502), Fault(body="<html>Anmeldung</html>"), Fault(status=423, body=b"{}", times=2))
    assert [sync(fe2, http, SAMPLE) for _ in range(4)] == [502, 200, 423, 423]
    assert fe2.persons == {}
    assert fe2.faults == []
    assert [request.status for request in fe2.requests] == [502, 200, 423, 423]
    assert sync(fe2, http, SAMPLE) == 200
    assert fe2.writes == 1


def test_a_fault_carries_headers_and_may_come_after_the_effect(fe2: Fe2Simulator, http: httpx.Client) -> None:
    fe2.fail(Fault(status=302, headers={"Location": "/login"}, after_effect=True))
    response = http.post(f"{fe2.url}/rest/addressbook/sync", json={"source": "x", "personList": [SAMPLE]})
    assert response.headers["Location"] == "/login"
    assert response.headers["Content-Type"] == "text/html"
    assert list(fe2.persons) == ["123456"]


def test_a_fault_waits_for_the_request_it_is_meant_for(fe2: Fe2Simulator, http: httpx.Client) -> None:
    fe2.fail(Fault(on="/persons/", status=500))
    assert sync(fe2, http, SAMPLE) == 200
    assert delete(fe2, http, "123456") == 500
    assert delete(fe2, http, "123456") == 200


@pytest.mark.parametrize(("reset", "writes"), [("before", 0), ("after", 1)])
def test_a_reset_comes_before_or_after_the_effect(
    fe2: Fe2Simulator, http: httpx.Client, reset: Any, writes: int
) -> None:
    fe2.fail(Fault(reset=reset))
    with pytest.raises(httpx.ReadError):
        sync(fe2, http, SAMPLE)
    assert fe2.writes == writes
    assert fe2.requests[0].status is None
    assert sync(fe2, http, SAMPLE) == 200


def test_a_server_that_is_down_resets_every_request(fe2: Fe2Simulator, http: httpx.Client) -> None:
    sync(fe2, http, SAMPLE)
    fe2.down = True
    for _ in range(2):
        with pytest.raises(httpx.ReadError):
            sync(fe2, http, SAMPLE)
    fe2.down = False
    assert sync(fe2, http, SAMPLE) == 200
    assert [request.status for request in fe2.requests] == [200, None, None, 200]


def test_a_server_that_recovers_has_no_faults_left(fe2: Fe2Simulator, http: httpx.Client) -> None:
    fe2.fail(Fault(status=502, times=1000), Fault(status=500))
    assert sync(fe2, http, SAMPLE) == 502
    fe2.down = True
    fe2.recover()
    assert fe2.faults == []
    assert sync(fe2, http, SAMPLE) == 200


def test_a_server_is_quiet_again_only_when_the_last_answer_is_out(fe2: Fe2Simulator) -> None:
    seen = [fe2.is_quiet]
    fe2.fail(Fault(delay=0.3))
    with httpx.Client(timeout=0.1, headers={"Authorization": "key"}) as hasty, pytest.raises(httpx.ReadTimeout):
        sync(fe2, hasty, SAMPLE)
    seen.append(fe2.is_quiet)
    deadline = time.monotonic() + 5
    while not fe2.is_quiet and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [*seen, fe2.is_quiet] == [True, False, True]


def test_a_truncated_answer_comes_after_the_effect(fe2: Fe2Simulator, http: httpx.Client) -> None:
    fe2.fail(Fault(truncate=True))
    with pytest.raises(httpx.RemoteProtocolError):
        sync(fe2, http, SAMPLE)
    assert fe2.writes == 1


def test_garbage_is_no_text(fe2: Fe2Simulator, http: httpx.Client) -> None:
    fe2.fail(Fault(garbage=True))
    response = http.post(f"{fe2.url}/rest/addressbook/sync", json={"source": "x", "personList": [SAMPLE]})
    assert response.status_code == 200
    with pytest.raises(UnicodeDecodeError):
        response.content.decode()


def test_a_delayed_answer_has_its_effect_before_the_caller_gives_up(fe2: Fe2Simulator) -> None:
    fe2.fail(Fault(delay=1))
    with httpx.Client(timeout=0.1, headers={"Authorization": "key"}) as hasty, pytest.raises(httpx.ReadTimeout):
        sync(fe2, hasty, SAMPLE)
    assert fe2.writes == 1


def test_a_dripping_answer_is_slow_as_a_whole_although_no_read_is(fe2: Fe2Simulator) -> None:
    fe2.fail(Fault(status=200, body="0123456789", drip=0.02, after_effect=True))
    with httpx.Client(timeout=1, headers={"Authorization": "key"}) as patient:
        started = time.perf_counter()
        with patient.stream("DELETE", f"{fe2.url}/rest/addressbook/external/persons/1") as response:
            pieces = [piece for piece in response.iter_raw() if piece]
        assert time.perf_counter() - started >= 0.2
    assert b"".join(pieces) == b"0123456789"
    assert len(pieces) > 1


def test_a_dripping_answer_comes_after_the_effect_and_may_be_cut_off_too(fe2: Fe2Simulator, http: httpx.Client) -> None:
    fe2.fail(Fault(drip=0.01), Fault(drip=0.01, truncate=True))
    assert sync(fe2, http, SAMPLE) == 200
    with pytest.raises(httpx.RemoteProtocolError):
        sync(fe2, http, SAMPLE)
    assert fe2.writes == 2


def test_a_stop_ends_an_answer_that_drips(http: httpx.Client) -> None:
    before = threading.active_count()
    with Fe2Simulator() as fe2, ThreadPoolExecutor(1) as pool:
        fe2.fail(Fault(status=200, body="x" * 1000, drip=0.05, after_effect=True))
        waiting = pool.submit(sync, fe2, http, SAMPLE)
        while not fe2.writes:
            time.sleep(0.01)
        time.sleep(0.1)  # the first bytes are on their way
        started = time.perf_counter()
        fe2.stop()
        assert time.perf_counter() - started < 1
        with pytest.raises(httpx.TransportError):
            waiting.result()
    assert threading.active_count() == before


def test_a_caller_that_gives_up_on_a_dripping_answer_hinders_nobody(fe2: Fe2Simulator, http: httpx.Client) -> None:
    fe2.fail(Fault(status=200, body="x" * 1000, drip=0.01, after_effect=True))
    with httpx.Client(headers={"Authorization": "key"}) as hasty:
        url, body = f"{fe2.url}/rest/addressbook/sync", {"source": "x", "personList": [SAMPLE]}
        with hasty.stream("POST", url, json=body) as response:
            assert response.status_code == 200
    assert sync(fe2, http, SAMPLE) == 200
    assert fe2.writes == 2


def test_latency_slows_every_request(fe2: Fe2Simulator, http: httpx.Client) -> None:
    fe2.latency = 0.05
    started = time.perf_counter()
    sync(fe2, http, SAMPLE)
    sync(fe2, http, SAMPLE)
    assert time.perf_counter() - started >= 0.1


def test_the_answer_to_what_was_done_can_be_another(fe2: Fe2Simulator, http: httpx.Client) -> None:
    fe2.ok = Answer(204)
    assert sync(fe2, http, SAMPLE) == 204
    assert sync(fe2, http, SAMPLE) == 204


def test_a_body_without_a_length_is_refused_and_not_read_as_empty(fe2: Fe2Simulator, http: httpx.Client) -> None:
    response = http.post(f"{fe2.url}/rest/addressbook/sync", content=iter([b"{}"]))
    assert response.status_code == 411
    assert fe2.requests == []


def test_a_bug_of_the_stand_in_is_seen(fe2: Fe2Simulator, http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fe2, "_replace", None)
    assert sync(fe2, http, SAMPLE) == 500
    assert "itself failed" in fe2.breaches[0]
