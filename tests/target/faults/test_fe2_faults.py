"""Every fault × both calls of FE2: what people read, how often it is tried, what FE2 holds, and that the next run
brings everything to the list."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from engine.config.schema import Fe2Connection
from engine.simulator import Fault, Fe2Simulator
from engine.sync.plan import ActionPlan
from engine.target.fe2 import Fe2Sync
from tests.target.faults.wire import DRIP, LATE, TIMEOUT, Pauses, ending, settle
from tests.target.helpers import World, action

KEY = "geheimer-schluessel-" + "k" * 40
PAGE = f"<html><body>Bitte anmelden. {KEY}</body></html>"
BROKEN = b"\xff\xfe{" + KEY.encode()

# The pauses after which it is tried again (shared/spec/fe2.md, table of codes).
NEVER: list[float] = []
BUSY = [2.0, 8.0, 20.0, 45.0]
PROXY = [2.0, 5.0]
UNKNOWN = [0.5, 1.0, 2.0, 5.0]
# An answer that is a success, as far as anybody can tell.
DONE = ""


@dataclass(frozen=True)
class Row:
    """A fault; the pauses while it lasts; the problem that stops the target where the sync, or a DELETE, meets it.

    ``DONE``: the run goes on.
    """

    fault: Fault
    pauses: list[float]
    sync: str
    delete: str

    def code(self, call: str) -> str:
        return self.sync if call == SYNC else self.delete


def page(status: int, **keys: Any) -> Fault:
    return Fault(status=status, body=PAGE, **keys)


def text(status: int, **keys: Any) -> Fault:
    return Fault(status=status, body=f"Nein: {KEY}", content_type="text/plain", **keys)


RESET, RESET_AFTER = Fault(reset="before"), Fault(reset="after")
LATER = Fault(delay=LATE)
DRIPPING = Fault(status=200, body="OK" + " " * 30, content_type="text/plain", drip=DRIP, after_effect=True)
GONE_ON = page(502, after_effect=True)

FAULTS: dict[str, Row] = {
    # what comes back                      again   the sync ends in          a DELETE ends in
    "200 page": Row(page(200), NEVER, "fe2_not_fe2", "fe2_not_fe2"),
    "200 page after the effect": Row(page(200, after_effect=True), NEVER, "fe2_not_fe2", "fe2_not_fe2"),
    "200 not UTF-8": Row(Fault(garbage=True), NEVER, DONE, DONE),
    "201": Row(text(201), UNKNOWN, "fe2_answer", "fe2_answer"),
    "204": Row(Fault(status=204), NEVER, "fe2_answer", DONE),
    "301": Row(page(301, headers={"Location": "/new"}), NEVER, "fe2_path", "fe2_path"),
    "302": Row(page(302, headers={"Location": "/login"}), NEVER, "fe2_path", "fe2_path"),
    "400": Row(text(400), NEVER, "fe2_answer", "fe2_answer"),
    "401": Row(text(401), NEVER, "fe2_access_key", "fe2_access_key"),
    "401 page": Row(page(401), NEVER, "fe2_access_key", "fe2_access_key"),
    "403": Row(text(403), NEVER, "fe2_quota", "fe2_delete_not_allowed"),
    "404": Row(text(404), NEVER, "fe2_path", DONE),
    "405": Row(text(405), UNKNOWN, "fe2_answer", "fe2_answer"),
    "408": Row(text(408), UNKNOWN, "fe2_answer", "fe2_answer"),
    "412": Row(text(412), NEVER, "fe2_other_organisation", "fe2_other_organisation"),
    "413": Row(page(413), UNKNOWN, "fe2_answer", "fe2_answer"),
    "423": Row(text(423), BUSY, "fe2_busy", "fe2_busy"),
    "429": Row(text(429), UNKNOWN, "fe2_answer", "fe2_answer"),
    "500": Row(text(500), UNKNOWN, "fe2_answer", "fe2_answer"),
    "500 after the effect": Row(text(500, after_effect=True), UNKNOWN, "fe2_answer", "fe2_answer"),
    "500 page": Row(page(500), UNKNOWN, "fe2_answer", "fe2_answer"),
    "500 not UTF-8": Row(Fault(status=500, body=BROKEN), UNKNOWN, "fe2_answer", "fe2_answer"),
    "502": Row(page(502), UNKNOWN, "fe2_answer", "fe2_answer"),
    "502 after the effect": Row(GONE_ON, UNKNOWN, "fe2_answer", "fe2_answer"),
    "503": Row(text(503), PROXY, "fe2_not_active", "fe2_not_active"),
    "503 page": Row(page(503), PROXY, "fe2_not_active", "fe2_not_active"),
    "504": Row(page(504), UNKNOWN, "fe2_answer", "fe2_answer"),
    "504 after the effect": Row(page(504, after_effect=True), UNKNOWN, "fe2_answer", "fe2_answer"),
    "reset": Row(RESET, UNKNOWN, "fe2_unreachable", "fe2_unreachable"),
    "reset after the effect": Row(RESET_AFTER, UNKNOWN, "fe2_unreachable", "fe2_unreachable"),
    "truncated": Row(Fault(truncate=True), UNKNOWN, "fe2_unreachable", "fe2_unreachable"),
}
SLOW: dict[str, Row] = {
    "time-out": Row(LATER, UNKNOWN, "fe2_unreachable", "fe2_unreachable"),
    "slow body": Row(DRIPPING, UNKNOWN, "fe2_unreachable", "fe2_unreachable"),
}

SYNC, DELETE = "POST sync", "DELETE person"
CALLS = {SYNC: ("/addressbook/sync", "sync"), DELETE: ("/external/persons/", "delete")}


def person(key: str, name: str = "Max") -> dict[str, Any]:
    return {"externalDbId": key, "firstName": name, "alarmGroups": ["Zug 1"]}


# 2 leaves, 3 gets another name, 4 is new; 1 stays.
BEFORE = {key: person(key) for key in ("1", "2", "3")}
LIST = {"1": person("1"), "3": person("3", "Moritz"), "4": person("4")}
# How often the fault comes, and which list the next run has.
HOW = {"once": (1, LIST), "always": (1000, LIST), "always, and the list goes back": (1000, BEFORE)}
BY_HAND = {"firstName": "Von", "lastName": "Hand", "note": "Ruft selbst an", "alarmGroups": ["Zug 1"]}


@pytest.fixture
def fe2() -> Iterator[Fe2Simulator]:
    with Fe2Simulator(access_key=KEY) as server:
        server.manual = [dict(BY_HAND)]
        yield server
        assert server.breaches == []
        assert server.manual == [BY_HAND]


@pytest.fixture
def world(fe2: Fe2Simulator, tmp_path: Path) -> World:
    made = World.made(Fe2Sync, connection(fe2), action("fe2.sync"), tmp_path)
    made.sleeps = Pauses(fe2)
    made.run(BEFORE)
    fe2.requests.clear()
    return made


def connection(fe2: Fe2Simulator, **keys: Any) -> Fe2Connection:
    return Fe2Connection.model_validate({"type": "fe2", "url": fe2.url, "access_key": KEY, **keys})


def records(world: World, people: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What FE2 and the state hold where these people are all there is."""
    return {key: world.target().record(key, values)[0] for key, values in people.items()}


def as_a_run_plans(world: World, people: Mapping[str, Mapping[str, Any]], removal: str) -> ActionPlan:
    """The plan of a run: where it is unknown what FE2 holds, everybody is sent also if nothing changed."""
    return replace(world.plan(people, removal=removal), resend=not world.ledger.is_certain())


def meet(fe2: Fe2Simulator, world: World, call: str, row: Row, how: str) -> None:
    """One cell of the table: the run that meets the fault, and the run after it."""
    path, removal = CALLS[call]
    times, next_list = HOW[how]
    before, after = records(world, BEFORE), records(world, LIST)
    gone = {key: record for key, record in before.items() if key != "2"}
    plan = as_a_run_plans(world, LIST, removal)
    fe2.fail(replace(row.fault, on=path, times=times))
    end = ending(world, plan)
    tried = [request.method for request in fe2.requests].count(call.partition(" ")[0])
    settle(fe2)
    assert tried
    assert fe2.faults == [] or times > 1
    code = row.code(call)
    assert KEY[-20:] not in end.text
    if not code or (row.pauses and times == 1):
        assert str(end) == "done"
        assert world.sleeps == (row.pauses[:1] if code else [])
        assert (fe2.persons, world.sent()) == (after, after)
        assert world.ledger.is_certain()
    else:
        assert str(end) == f"stop {code}"
        assert world.sleeps == row.pauses
        assert tried == 1 + len(row.pauses)
        effect = not row.fault.spares_the_effect()
        assert fe2.persons == ((after if call == SYNC else gone) if effect else before)
        assert world.sent() == before
        assert not world.ledger.is_certain()
        assert end.outcomes == {}
    fe2.recover()
    fe2.requests.clear()
    certain = world.ledger.is_certain()
    assert str(ending(world, as_a_run_plans(world, next_list, removal))) == "done"
    assert fe2.persons == world.sent() == records(world, next_list)
    assert world.ledger.is_certain()
    posts = [request for request in fe2.requests if request.method == "POST"]
    if certain and next_list is LIST:
        assert fe2.requests == []
    else:
        assert {one["externalDbId"] for one in json.loads(posts[-1].body)["personList"]} == next_list.keys()


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_every_answer_in_every_call(fe2: Fe2Simulator, world: World, fault: str, call: str, how: str) -> None:
    meet(fe2, world, call, FAULTS[fault], how)


@pytest.mark.parametrize("how", ["once", "always"])
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", SLOW)
def test_every_slow_answer_in_every_call(fe2: Fe2Simulator, world: World, fault: str, call: str, how: str) -> None:
    world.connection = connection(fe2, timeout=TIMEOUT)
    started = time.monotonic()
    meet(fe2, world, call, SLOW[fault], how)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", ["502", "423", "reset"])
def test_a_dead_fe2_does_not_get_hundreds_of_requests(fe2: Fe2Simulator, world: World, fault: str, call: str) -> None:
    row = FAULTS[fault]
    many = {str(number): person(str(number)) for number in range(500)}
    world.run(many)
    fe2.requests.clear()
    fe2.fail(replace(row.fault, times=1000))
    half = {key: person(key, "Neu") for key in [*many][250:]}
    assert str(ending(world, as_a_run_plans(world, half, CALLS[call][1]))) == f"stop {row.code(call)}"
    assert len(fe2.requests) == 1 + len(row.pauses)
    assert fe2.persons == world.sent() == records(world, many)


@pytest.mark.parametrize("call", CALLS)
def test_no_server_at_all(fe2: Fe2Simulator, world: World, call: str) -> None:
    removal = CALLS[call][1]
    fe2.stop()
    assert str(ending(world, as_a_run_plans(world, LIST, removal))) == "stop fe2_unreachable"
    assert world.sleeps == UNKNOWN
    assert fe2.persons == world.sent() == records(world, BEFORE)
    fe2.start()
    assert str(ending(world, as_a_run_plans(world, LIST, removal))) == "done"
    assert fe2.persons == world.sent() == records(world, LIST)
    assert world.ledger.is_certain()


@pytest.mark.parametrize("fault", FAULTS)
def test_every_answer_to_the_delete_of_abgleich_forget(fe2: Fe2Simulator, world: World, fault: str) -> None:
    """One DELETE, and no sync behind it that would set things right."""
    row, before = FAULTS[fault], records(world, BEFORE)
    others = {key: BEFORE[key] for key in ("1", "3")}
    fe2.fail(replace(row.fault, on=CALLS[DELETE][0], times=1000))
    end = ending(world, world.plan(others, removal="erase"))
    assert KEY[-20:] not in end.text
    assert {request.method for request in fe2.requests} == {"DELETE"}
    assert str(end) == (f"stop {row.delete}" if row.delete else "done")
    assert world.sent() == (before if row.delete else records(world, others))
    fe2.recover()
    if row.delete:
        assert str(ending(world, world.plan(others, removal="erase"))) == "done"
        assert fe2.persons == world.sent() == records(world, others)
