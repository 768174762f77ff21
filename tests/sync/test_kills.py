"""Runs that end in the middle: a process that is killed, a server that is gone. The next run does the rest, once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest

from engine.simulator import Fault, GreyhoundSimulator
from engine.simulator.server import Answer, Request, Simulator
from tests.world import CONTACTS, Result, World, changed, people

GREYHOUND = "greyhound.sync"
REFUSAL = '{"version": "1.1", "error": {"code": 712, "message": "Nicht dieser Kontakt."}}'


def kill_when(world: World, server: Simulator, mapping: str, moment: Callable[[], bool]) -> None:
    """Run the mapping in a process of its own, which dies at the first request that comes or is done at this moment."""
    real_arrived, real_answer = server.arrived, server.answer

    def arrived(request: Request, under_way: Sequence[Request]) -> None:
        real_arrived(request, under_way)
        if moment():
            process.kill()

    def answer(request: Request) -> Answer:
        answered = real_answer(request)
        if moment():
            process.kill()
        return answered

    with patch.object(server, "arrived", arrived), patch.object(server, "answer", answer):
        process = world.process("run", mapping)
        out, err = process.communicate(timeout=60)
    assert (out, err) == ("", ""), "the process came to its end"


def keys_of(server: GreyhoundSimulator) -> Counter[str]:
    """How often every key is there."""
    return Counter(entry["Value"] for item in server.contacts.values() for entry in item["UserFields"])


def shown(server: GreyhoundSimulator) -> dict[str, tuple[str, list[dict[str, Any]]]]:
    """Subject and links of every key."""
    return {
        item["UserFields"][0]["Value"]: (item["Subject"], item["Properties"]["Contact"]["ComLinks"])
        for item in server.contacts.values()
    }


def wanted(count: int) -> dict[str, tuple[str, list[dict[str, Any]]]]:
    """What a list of so many people must become."""
    link = {"Category": 1, "Kind": 0, "Preferred": False}
    return {str(n): (f"Vorname{n} Nachname{n}", [link | {"Text": f"<p{n}@example.org>"}]) for n in range(1, count + 1)}


def called(server: GreyhoundSimulator, method: str) -> int:
    """How many calls of a method were carried out."""
    return sum(call.method == f"RpcItems.{method}" for call in server.calls)


def seen_by(server: Simulator, count: int) -> bool:
    return len(server.requests) >= count


def contacts(world: World, count: int, **settings: str) -> GreyhoundSimulator:
    """A server, and a list of so many new people for it."""
    server = world.connect_greyhound(**settings)
    world.mapping(CONTACTS, "contacts")
    world.drop(people(count), "contacts.csv")
    return server


# -- a process is killed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at_once", "moments"), [(1, (2, 12, 20)), (4, (16, 14))])
def test_however_often_a_run_is_killed_every_contact_is_made_once(
    world: World, at_once: int, moments: tuple[int, ...]
) -> None:
    server = contacts(world, 40, requests_at_once=str(at_once))
    server.latency = 0.01
    for more in moments:
        seen = len(server.requests)
        kill_when(world, server, "contacts", partial(seen_by, server, seen + more))
    made = len(server.contacts)
    assert 0 < made < 40
    result = world("run", "contacts")
    assert result.status == "done", result.out
    assert keys_of(server) == dict.fromkeys(map(str, range(1, 41)), 1)
    assert shown(server) == wanted(40)
    # What was done before is not written again, also not where the answer came too late to be noted.
    assert (called(server, "New"), called(server, "Put"), server.writes) == (40, 0, 40)
    assert server.breaches == []
    before = len(server.requests)
    assert world("run", "contacts").status == "unchanged"
    assert len(server.requests) == before


def test_a_run_killed_among_updates_leaves_the_rest_for_the_next_one(world: World) -> None:
    server = contacts(world, 20)
    assert world("run", "contacts").status == "done"
    rows = people(20, vorname="Neu")
    world.drop(rows, "contacts.csv")
    server.latency = 0.01
    kill_when(world, server, "contacts", lambda: called(server, "Put") >= 7)
    assert world("run", "contacts").status == "done"
    assert {subject for subject, _links in shown(server).values()} == {f"Neu Nachname{n}" for n in range(1, 21)}
    assert called(server, "Put") == 20
    assert (server.locks, server.breaches) == ({}, [])


def test_what_a_killed_run_perhaps_created_goes_when_it_left_the_list(world: World) -> None:
    server = world.connect_greyhound()
    world.mapping(CONTACTS + "    removal: trash\n    guard: {max_removals: 99}\n", "contacts")
    world.drop(people(10), "contacts.csv")
    server.latency = 0.05
    kill_when(world, server, "contacts", lambda: called(server, "New") >= 3)
    server.latency = 0
    world.drop(people(1), "contacts.csv")
    assert world("run", "contacts").status == "done"
    live = [item["Subject"] for item in server.contacts.values() if not item.get("Flags", 0) & 2]
    assert live == ["Vorname1 Nachname1"]


@pytest.mark.parametrize("after", [False, True], ids=["before FE2 has it", "after FE2 has it"])
def test_a_killed_sync_is_sent_again_as_a_whole_also_where_the_list_is_the_old_one(world: World, after: bool) -> None:
    world.mapping()
    ten = people(10)
    world.settled(ten)
    world.drop(changed(ten, 3, vorname="Neu"))
    sent = len(world.fe2.requests)
    if after:
        world.fe2.fail(Fault(delay=0.5))
        kill_when(world, world.fe2, "personal", lambda: len(world.fe2.syncs) > 1)
    else:
        world.fe2.latency = 0.5
        kill_when(world, world.fe2, "personal", lambda: len(world.fe2.requests) > sent)
    world.fe2.latency = 0
    world.drop(ten)
    assert world.run().status == "done"
    assert len(world.fe2.syncs[-1]["personList"]) == 10
    time.sleep(0.6)  # the killed process's request is carried out at last: whoever comes last wins
    world.run(None, "--full")
    assert world.at_fe2(3)["firstName"] == "Vorname3"
    assert len(world.ids) == 10


# -- a server is gone --------------------------------------------------------------------------------------------------


def gone_after(server: GreyhoundSimulator, news: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is gone for good once it made so many contacts."""
    real = server.answer

    def answer(request: Request) -> Answer:
        answered = real(request)
        server.down = server.down or called(server, "New") >= news
        return answered

    monkeypatch.setattr(server, "answer", answer)


def failures(result: Result) -> dict[str, dict[str, Any]]:
    """The changes that did not happen, by key."""
    changes = result.action(GREYHOUND)["changes"]
    assert all(bool(change.get("failed")) == ("code" in change) for change in changes)
    return {change["key"]: change for change in changes if change.get("failed")}


@pytest.mark.parametrize("at_once", [1, 8])
def test_a_run_that_fails_half_way_leaves_an_exact_record(
    world: World, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    server = contacts(world, 500, requests_at_once=str(at_once))
    gone_after(server, 200, monkeypatch)
    result = world("run", "contacts")
    assert result.status == "failed"
    made = len(server.contacts)
    assert made == 200 if at_once == 1 else 200 <= made < 200 + at_once
    assert result.counts(GREYHOUND) == {"created": made, "failed": 500 - made}
    failed = failures(result)
    assert failed.keys() | keys_of(server).keys() == set(map(str, range(1, 501)))
    assert len(failed) == 500 - made
    codes = Counter(change["code"] for change in failed.values())
    assert codes.keys() == {"greyhound_silent", "not_tried"}
    assert codes["greyhound_silent"] <= 2 + at_once
    assert all(change["message"] for change in failed.values())
    # A dead server is left alone after a few tries, each with a few look-ups of what became of it.
    assert sum(request.status is None for request in server.requests) <= 10 + 4 * at_once

    monkeypatch.undo()
    server.down = False
    again = world("run", "contacts")
    assert again.status == "done"
    assert again.counts(GREYHOUND) == {"created": 500 - made, "unchanged": made}
    assert (called(server, "New"), called(server, "Put")) == (500, 0)
    assert keys_of(server) == dict.fromkeys(map(str, range(1, 501)), 1)
    assert shown(server) == wanted(500)
    assert server.breaches == []


def test_one_bad_contact_never_stops_the_others_and_says_why(world: World) -> None:
    server = contacts(world, 30)
    server.fail(*[Fault(on="RpcItems.New", status=500, body=REFUSAL, content_type="application/json")] * 4)
    result = world("run", "contacts")
    assert result.status == "partial"
    assert result.counts(GREYHOUND) == {"created": 26, "failed": 4}
    failed = failures(result)
    assert {change["code"] for change in failed.values()} == {"greyhound_refused"}
    assert all("Nicht dieser Kontakt." in change["message"] for change in failed.values())
    assert world("run", "contacts").counts(GREYHOUND) == {"created": 4, "unchanged": 26}
