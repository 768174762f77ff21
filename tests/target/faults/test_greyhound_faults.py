"""Every fault × every call of GREYHOUND: who does not get through and why, what the server holds, and that the next run
brings everything to the list."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from engine.config.schema import GreyhoundConnection
from engine.simulator import Fault, GreyhoundSimulator, Request
from engine.sync.plan import Change
from engine.target.greyhound.sync import GreyhoundSync
from tests.target.faults.wire import DRIP, LATE, TIMEOUT, Ending, ending, settle
from tests.target.helpers import World, action

PASSWORD = "geheimes-kennwort-" + "p" * 20
WHY = f"Nein, {PASSWORD}!"
PAGE = f"<html><body>Bitte anmelden. {PASSWORD}</body></html>"


def page(status: int, **keys: Any) -> Fault:
    return Fault(status=status, body=PAGE, **keys)


def answered(document: Any, status: int = 200, **keys: Any) -> Fault:
    """A JSON answer in place of the real one."""
    return Fault(status=status, body=json.dumps(document), content_type="application/json", **keys)


def refused(error: Any, status: int) -> Fault:
    return answered({"version": "1.1", "error": error}, status)


def odd(**result: Any) -> Fault:
    """The call is carried out; what it gives back is not what it should."""
    return answered({"version": "1.1", **result}, after_effect=True)


# -- the faults, by what they mean -------------------------------------------------------------------------------------

LOST = {  # no answer, and nothing was done
    "reset": Fault(reset="before"),
    "200 page": page(200),
    "200 JSON list": answered([{"result": 1}]),
    "301 page": page(301, headers={"Location": "/json"}),
    "400 page": page(400),
    "400 text": Fault(status=400, body=WHY, content_type="text/plain"),
    "500 page": page(500),
    "502 page": page(502),
    "503 page": page(503),
}
LOST_AFTER = {  # no answer, but it was done
    "reset after": Fault(reset="after"),
    "truncated": Fault(truncate=True),
    "not UTF-8": Fault(garbage=True),
    "504 page after": page(504, after_effect=True),
}
SLOW = {  # the same, after the time-out
    "time-out": Fault(delay=LATE),
    "slow body": replace(odd(result=" " * 30), drip=DRIP),
}
REFUSED = {  # an error of GREYHOUND itself, in every shape
    "object": refused({"code": 799, "message": WHY}, 500),
    "object, code as text": refused({"code": "799", "message": WHY}, 200),
    "object in a 403": refused({"code": 799, "message": WHY}, 403),
    "fault": refused({"faultCode": 799, "faultString": WHY}, 200),
    "fault, code as text": refused({"faultCode": "799", "faultString": WHY}, 500),
    "text": refused(f"{WHY} (799)", 500),
    "text in a 200": refused(f"{WHY} (799)", 200),
}
FOR_ALL = {  # nothing else will work either
    "401 page": (page(401), "greyhound_login"),
    "401 error": (refused("no", 401), "greyhound_login"),
    "403 page": (page(403), "greyhound_login"),
    "404 page": (page(404), "greyhound_path"),
}
ODD = {  # done, with a result of another type
    "text": odd(result="abc"),
    "entries without ID": odd(result=[{"Name": "Mitgliedsnummer", "Path": "Kontakte/Mitglieder"}]),
    "entries with a text as ID": odd(result=[{"ID": "x", "Kind": 8}]),
    "object": odd(result={"a": [1]}),
    "true": odd(result=True),
}
MISSING = odd()

# -- the table: who does not get through -------------------------------------------------------------------------------
# The run: 1 stays, 2 changes, 3 leaves, 4 is new, 5 is new and carries the key over there already.

DONE = "done"
STOP, REFUSE, NO_GROUP = "stop greyhound_unreachable", "stop greyhound_refused", "stop greyhound_unknown_name"
SIL_3, SIL_4, SILENT = (f"{keys}: greyhound_silent" for keys in ("3", "4", "2 3 5"))
REF_2, REF_3, REF_4, REFUSED_ALL = (f"{keys}: greyhound_refused" for keys in ("2", "3", "4", "2 3 5"))
LOCKED, UNREAD = "2 3 5: contact_locked", "2: contact_unreadable"


class Row(NamedTuple):
    """How the run ends, where the fault comes once and where it lasts."""

    lost: str
    lost_always: str
    after: str
    after_always: str
    refused: str
    refused_always: str
    odd: str
    odd_always: str
    missing: str


# fmt: off
CALLS = {
    #                                LOST           LOST_AFTER,    REFUSED               ODD            MISSING
    #                                               SLOW
    #                                once   always  once   always  once    always        once   always  once
    "RpcInfo.GetServerStatus":   Row(DONE,  STOP,   DONE,  STOP,   REFUSE, REFUSE,       DONE,  DONE,   DONE),
    "RpcUserFields.GetList":     Row(DONE,  STOP,   DONE,  STOP,   DONE,   DONE,         STOP,  STOP,   DONE),
    "RpcGroups.GetList":         Row(DONE,  STOP,   DONE,  STOP,   REFUSE, REFUSE,       STOP,  STOP,   NO_GROUP),
    "RpcInfo.GetServerInfo":     Row(DONE,  STOP,   DONE,  STOP,   DONE,   DONE,         DONE,  DONE,   DONE),
    "RpcItems.GetList":          Row(DONE,  STOP,   DONE,  STOP,   REFUSE, REFUSE,       STOP,  STOP,   DONE),
    "RpcInfo.GetServerSettings": Row(DONE,  STOP,   DONE,  STOP,   DONE,   DONE,         DONE,  DONE,   DONE),
    "RpcItems.New":              Row(SIL_4, SIL_4,  DONE,  DONE,   REF_4,  REF_4,        DONE,  DONE,   DONE),
    "RpcItems.Lock":             Row(DONE,  SILENT, DONE,  SILENT, DONE,   LOCKED,       DONE,  DONE,   DONE),
    "RpcItems.Get":              Row(DONE,  SILENT, DONE,  SILENT, REF_2,  REFUSED_ALL,  DONE,  SILENT, UNREAD),
    "RpcItems.Put":              Row(DONE,  SILENT, DONE,  DONE,   REF_2,  REFUSED_ALL,  DONE,  DONE,   DONE),
    "RpcItems.Unlock":           Row(DONE,  DONE,   DONE,  DONE,   DONE,   DONE,         DONE,  DONE,   DONE),
    "RpcItems.Delete":           Row(DONE,  SIL_3,  DONE,  DONE,   REF_3,  REF_3,        DONE,  DONE,   DONE),
}
# fmt: on


def expected(call: str, column: str, how: str) -> str:
    """A cell of the table."""
    return str(CALLS[call]._asdict()[column if how == "once" else f"{column}_always"])


def removal_with(call: str) -> str:
    return "delete" if call == "RpcItems.Delete" else "trash"


def person(subject: str) -> dict[str, Any]:
    return {"GroupRef": "Kontakte/Mitglieder", "Subject": subject}


BEFORE = {key: person(f"Alt {key}") for key in ("1", "2", "3")}
LIST = {"1": person("Alt 1"), "2": person("Neu 2"), "4": person("Neu 4"), "5": person("Neu 5")}
BACK = {**BEFORE, "5": person("Alt 5")}
HOW = {"once": (1, LIST), "always": (1000, LIST), "always, and the list goes back": (1000, BACK)}
FOREIGN = "999"
TWICE = ["once", "always"]
RESETS = {"reset": "lost", "reset after": "after"}


@dataclass
class Case:
    """A server with a list of before, a contact with the key of somebody new, and contacts that are none of ours."""

    server: Mortal
    world: World
    untouched: dict[int, Any]

    def live(self) -> dict[str, list[int]]:
        """Key -> the contacts that carry it, without the trash."""
        found: dict[str, list[int]] = {}
        for contact, item in self.server.contacts.items():
            key = "".join(entry["Value"] for entry in item["UserFields"] if entry["FieldRef"] == 6)
            if key not in ("", FOREIGN) and not item.get("Flags", 0) & 2:
                found.setdefault(key, []).append(contact)
        return found

    def subjects(self) -> dict[str, str]:
        """Key -> what its one contact is called. Nobody is there twice."""
        live = self.live()
        assert {key: ids for key, ids in live.items() if len(ids) > 1} == {}
        return {key: self.server.contacts[ids[0]]["Subject"] for key, ids in live.items()}


class Mortal(GreyhoundSimulator):
    """A server that may die: from the ``nth`` call of a method on it gives these faults and no answer any more."""

    def __init__(self) -> None:
        super().__init__(users={"api": PASSWORD})
        self._last, self._left = "", 0
        self._then: tuple[Fault, ...] = ()

    def dies(self, call: str, nth: int, *then: Fault) -> None:
        self._last, self._left, self._then = call, nth, then

    def arrived(self, request: Request, under_way: Sequence[Request]) -> None:
        if f"{self._last}()" in self.fault_names(request):
            self._left -= 1
            if self._left == 0:
                self.fail(*self._then)
                self.requests.clear()


@pytest.fixture
def server() -> Iterator[Mortal]:
    with Mortal() as made:
        yield made
        assert made.breaches == []


@pytest.fixture
def case(server: Mortal, tmp_path: Path) -> Case:
    world = World.made(GreyhoundSync, connection(server), keyed(), tmp_path)
    sent = []
    for key, values in BEFORE.items():
        contact = server.add_contact(user_fields={6: key}, Subject=values["Subject"], GroupRef=2)
        sent.append((Change("created", key, None, world.target().record(key, values)[0]), str(contact)))
    world.ledger.finish(sent)
    server.add_contact(user_fields={6: "5"}, Subject="Alt 5", GroupRef=2, contact={"Company": "ACME"})
    untouched = [
        1001,
        server.add_contact(Subject="Fremd", contact={"Company": "Fremd GmbH"}, Remarks="bleibt"),
        server.add_contact(Subject="Fremd", user_fields={6: FOREIGN, 7: "Zug"}, Unknown={"a": [1]}),
    ]
    return Case(server, world, {contact: copy.deepcopy(server.contacts[contact]) for contact in untouched})


def connection(server: GreyhoundSimulator, **keys: Any) -> GreyhoundConnection:
    given = {"type": "greyhound", "url": server.url, "username": "api", "password": PASSWORD, **keys}
    return GreyhoundConnection.model_validate(given)


def keyed() -> Any:
    return action("greyhound.sync", match={"user_field": "6"})


def meet(case: Case, call: str, fault: Fault, how: str, ends: str) -> Ending:
    """One cell of the table: the run that meets the fault, and the run after it."""
    server, world, removal = case.server, case.world, removal_with(call)
    times, next_list = HOW[how]
    server.fail(replace(fault, on=f"{call}(", times=times))
    end = ending(world, world.plan(LIST, removal=removal))
    settle(server)
    assert any(f"{call}()" in server.fault_names(request) for request in server.requests)
    assert server.faults == [] or times > 1
    assert PASSWORD[-15:] not in end.text
    assert str(end) == ends, end.text
    assert len(server.requests) < 60
    holds_before_or_after(case, end, fault)
    if call != "RpcItems.Unlock":
        assert server.locks == {}
    next_run_heals(case, next_list, removal)
    return end


def next_run_heals(case: Case, people: Mapping[str, Mapping[str, Any]], removal: str) -> None:
    """Without faults, server and state are exactly the list afterwards, and a run after that writes nothing."""
    server, world = case.server, case.world
    server.recover()
    assert str(ending(world, world.plan(people, removal=removal))) == DONE
    assert case.subjects() == {key: wanted["Subject"] for key, wanted in people.items()}
    assert world.sent() == {key: world.target().record(key, values)[0] for key, values in people.items()}
    assert world.remotes() == {key: str(ids[0]) for key, ids in case.live().items()}
    assert {contact: server.contacts[contact] for contact in case.untouched} == case.untouched
    assert server.contacts[1004]["Properties"]["Contact"]["Company"] == "ACME"
    writes = server.writes
    assert world.run(people, removal=removal) == {}
    assert server.writes == writes


def holds_before_or_after(case: Case, end: Ending, fault: Fault) -> None:
    """Everybody is as before or as wanted: after a success as wanted, after a failure without effect as before."""
    before = {"1": "Alt 1", "2": "Alt 2", "3": "Alt 3", "5": "Alt 5"}
    after = {key: wanted["Subject"] for key, wanted in LIST.items()}
    there = case.subjects()
    for key in ("1", "2", "3", "4", "5"):
        outcome = end.outcomes.get(key)
        fine = outcome is not None and outcome.kind in ("created", "updated", "removed", "unchanged")
        allowed = [after.get(key)] if fine else [before.get(key)]
        if not fine and not fault.spares_the_effect():
            allowed.append(after.get(key))
        assert there.get(key) in allowed


@pytest.mark.parametrize("how", TWICE)
@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("call", CALLS)
def test_no_answer(case: Case, call: str, fault: str, how: str) -> None:
    meet(case, call, LOST[fault], how, expected(call, "lost", how))


@pytest.mark.parametrize("how", TWICE)
@pytest.mark.parametrize("fault", LOST_AFTER)
@pytest.mark.parametrize("call", CALLS)
def test_no_answer_after_the_effect(case: Case, call: str, fault: str, how: str) -> None:
    meet(case, call, LOST_AFTER[fault], how, expected(call, "after", how))


@pytest.mark.parametrize("how", TWICE)
@pytest.mark.parametrize("fault", SLOW)
@pytest.mark.parametrize("call", CALLS)
def test_no_answer_in_time(case: Case, call: str, fault: str, how: str) -> None:
    case.world.connection = connection(case.server, timeout=TIMEOUT)
    meet(case, call, SLOW[fault], how, expected(call, "after", how))


@pytest.mark.parametrize("how", TWICE)
@pytest.mark.parametrize("fault", REFUSED)
@pytest.mark.parametrize("call", CALLS)
def test_an_error_of_greyhound(case: Case, call: str, fault: str, how: str) -> None:
    end = meet(case, call, REFUSED[fault], how, expected(call, "refused", how))
    assert str(end) == DONE or "799" in end.text


@pytest.mark.parametrize("fault", FOR_ALL)
@pytest.mark.parametrize("call", CALLS)
def test_what_is_wrong_for_all(case: Case, call: str, fault: str) -> None:
    what, code = FOR_ALL[fault]
    meet(case, call, what, "once", DONE if call == "RpcItems.Unlock" else f"stop {code}")


@pytest.mark.parametrize("how", TWICE)
@pytest.mark.parametrize(
    ("call", "fault"),
    [(call, fault) for call in CALLS for fault in ODD],
)
def test_a_result_of_another_type(case: Case, call: str, fault: str, how: str) -> None:
    meet(case, call, ODD[fault], how, expected(call, "odd", how))


@pytest.mark.parametrize("call", CALLS)
def test_a_result_that_is_missing(case: Case, call: str) -> None:
    meet(case, call, MISSING, "once", CALLS[call].missing)


@pytest.mark.parametrize("fault", RESETS)
@pytest.mark.parametrize("call", CALLS)
def test_what_failed_is_looked_at_again_also_if_the_list_goes_back(case: Case, call: str, fault: str) -> None:
    ends = expected(call, RESETS[fault], "always")
    meet(case, call, {**LOST, **LOST_AFTER}[fault], "always, and the list goes back", ends)


# -- what no cell shows ------------------------------------------------------------------------------------------------


WRITING = ["RpcItems.New", "RpcItems.Lock", "RpcItems.Get", "RpcItems.Put", "RpcItems.Unlock"]


@pytest.mark.parametrize(
    ("call", "fault", "at_once"),
    [
        *((call, "reset", "1") for call in CALLS if call != "RpcItems.Delete"),
        *((call, "truncated", "1") for call in WRITING),
        *((call, "reset", "4") for call in WRITING),
    ],
)
def test_a_dead_greyhound_does_not_get_hundreds_of_requests(
    tmp_path: Path, call: str, fault: str, at_once: str
) -> None:
    """250 who are there already and 250 who are new."""
    with Mortal() as server:
        made = connection(server, requests_at_once=at_once)
        world = World.made(GreyhoundSync, made, keyed(), tmp_path)
        keys = [str(number) for number in range(500)]
        for key in keys[::2]:
            server.add_contact(user_fields={6: key}, Subject="Alt")
        then = replace({**LOST, **LOST_AFTER}[fault], times=100_000)
        server.dies(call, 5 if call in WRITING else 1, then)
        end = ending(world, world.plan({key: person("Neu") for key in keys}))
        assert str(end) == STOP
        assert len(server.requests) < (40 if at_once == "1" else 80)
        assert server.breaches == []
        settled = {key for key, one in end.outcomes.items() if one.kind in ("created", "updated")}
        assert settled == {key for key in world.sent() if world.remotes()[key] is not None}


def test_no_server_at_all(case: Case) -> None:
    case.server.stop()
    assert str(ending(case.world, case.world.plan(LIST, removal="trash"))) == STOP
    case.server.start()
    next_run_heals(case, LIST, "trash")


@pytest.mark.parametrize("call", ["RpcItems.Lock", "RpcItems.Get", "RpcItems.Put"])
def test_one_call_that_is_never_answered_is_given_up_although_the_server_lives(tmp_path: Path, call: str) -> None:
    with GreyhoundSimulator(users={"api": PASSWORD}) as server:
        world = World.made(GreyhoundSync, connection(server), keyed(), tmp_path)
        keys = [str(number) for number in range(500)]
        for key in keys:
            server.add_contact(user_fields={6: key}, Subject="Alt")
        server.fail(replace(LOST["502 page"], on=f"{call}(", times=10_000))
        assert str(ending(world, world.plan({key: person("Neu") for key in keys}))) == STOP
        assert len(server.requests) < 120
        assert {item["Subject"] for item in server.contacts.values()} == {"Alt"}
        assert (server.breaches, server.locks) == ([], {})


def test_where_the_user_fields_are_named_an_error_on_their_list_stops(case: Case) -> None:
    case.world.model = action("greyhound.sync", match={"user_field": "Mitgliedsnummer"})
    for fault in REFUSED.values():
        case.server.fail(replace(fault, on="RpcUserFields.GetList("))
        end = ending(case.world, case.world.plan(LIST))
        assert str(end) == REFUSE
        assert "799" in end.text
    assert case.server.writes == 0


@pytest.mark.parametrize("people", [LIST, BACK], ids=["the list stays", "the list goes back"])
@pytest.mark.parametrize(
    ("call", "nth", "key"),
    [("RpcItems.Put", 1, "2"), ("RpcItems.New", 1, "4"), ("RpcItems.Put", 2, "5"), ("RpcItems.Put", 3, "3"),
     ("RpcItems.Delete", 1, "3")],
)  # fmt: skip
def test_what_was_done_in_the_moment_of_death_is_found_by_the_next_run(
    case: Case, call: str, nth: int, key: str, people: dict[str, Any]
) -> None:
    """The effect is there, its answer is lost, and so is everything that would tell of it in the same run."""
    server, world, removal = case.server, case.world, removal_with(call)
    server.dies(call, nth, Fault(on=f"{call}(", reset="after"), replace(LOST["reset"], times=1000))
    end = ending(world, world.plan(LIST, removal=removal))
    assert end.outcomes[key].code == "greyhound_silent"
    assert len(server.requests) < 40
    assert case.subjects().get(key) == LIST.get(key, {}).get("Subject")
    next_run_heals(case, people, removal)


@pytest.mark.parametrize("fault", RESETS)
@pytest.mark.parametrize("call", CALLS)
def test_several_requests_at_once_end_the_same(case: Case, call: str, fault: str) -> None:
    case.world.connection = connection(case.server, requests_at_once="4")
    meet(case, call, {**LOST, **LOST_AFTER}[fault], "always", expected(call, RESETS[fault], "always"))


@pytest.mark.parametrize("code", ["²", "9" * 5000], ids=["no number", "too long for a number"])
def test_a_code_that_is_no_number_is_an_error_like_any_other(case: Case, code: str) -> None:
    case.server.fail(replace(refused({"code": code, "message": "799"}, 500), on="RpcItems.New("))
    assert str(ending(case.world, case.world.plan(LIST))) == "4: greyhound_refused"


@pytest.mark.parametrize("removal", ["trash", "delete"])
@pytest.mark.parametrize(
    "faults",
    [
        [replace(MISSING, on="RpcItems.Get(")],
        [replace(ODD["object"], on="RpcItems.Get(")],
        [replace(REFUSED["object"], on="RpcItems.Get("), replace(REFUSED["object"], on="RpcItems.Lock(")],
    ],
    ids=["Get finds nothing", "Get gives no item", "Lock and Get are refused"],
)
def test_nobody_is_forgotten_who_is_still_there(case: Case, faults: list[Fault], removal: str) -> None:
    """A doubtful answer about one contact does not prove that it is gone: the list of keys says that it is there."""
    case.server.fail(*(replace(fault, times=1000) for fault in faults))
    ending(case.world, case.world.plan(LIST, removal=removal))
    assert case.subjects()["3"] == "Alt 3"
    assert "3" in case.world.sent()
    case.server.recover()
    assert str(ending(case.world, case.world.plan(LIST, removal=removal))) == DONE
    assert case.subjects() == {key: wanted["Subject"] for key, wanted in LIST.items()}


def test_a_list_of_nobody_makes_no_double_of_who_is_known_to_be_there(case: Case) -> None:
    """The state knows three contacts with keys: an empty list of all contacts can't be true."""
    case.server.fail(replace(MISSING, on="RpcItems.GetList("))
    ending(case.world, case.world.plan(LIST))
    assert case.subjects().keys() >= {"5"}


@pytest.mark.parametrize(
    "match",
    [
        pytest.param({"user_field": "6"}, id="by key"),
        pytest.param(
            {"id": "{{ id }}"},
            id="by id",
        ),
    ],
)
def test_an_answer_about_another_contact_is_never_written_back(case: Case, match: Any) -> None:
    """Answers of two requests were swapped, or a proxy kept one."""
    server, world = case.server, case.world
    other = max(case.untouched)
    world.model = action("greyhound.sync", match=match)
    server.fail(replace(answered({"result": {**server.contacts[other], "ID": other}}), on="RpcItems.Get(", times=1000))
    wanted = {"2": person("Neu 2")}
    if "id" in match:
        world.owner = type(world.owner)("another", "sync")
        wanted["2"]["match.id"] = 1002
    end = ending(world, world.plan(wanted))
    breaches, server.breaches = server.breaches, []
    assert breaches == []
    assert end.outcomes["2"].kind in ("failed", "conflict")
    assert server.contacts[1002]["Subject"] == "Alt 2"
    assert server.locks == {}
