"""How many requests GREYHOUND gets, and how long a thousand new contacts take beside a plain script."""

from __future__ import annotations

import base64
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from engine.simulator import GreyhoundSimulator
from tests.world import CONTACTS, PASSWORD, Row, World, changed, people

COUNT = 1_000
LATENCY = 0.02
ACTION = "greyhound.sync"


@contextmanager
def _world(**settings: str) -> Iterator[tuple[World, GreyhoundSimulator]]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        world = World(Path(folder) / "project", stack)
        server = world.connect_greyhound(**settings)
        world.mapping(CONTACTS, "contacts")
        yield world, server


def _methods(server: GreyhoundSimulator, work: Callable[[], object]) -> str:
    """The requests that the work makes, by method."""
    before = len(server.calls)
    work()
    methods = Counter(call.method.removeprefix("RpcItems.") for call in server.calls[before:])
    return f"{sum(methods.values()):>5} requests: " + ", ".join(f"{n:,} {name}" for name, n in methods.most_common())


def _run(world: World, rows: list[Row], *words: str) -> None:
    result = world.run(rows, *words, mapping="contacts")
    assert result.status in ("done", "unchanged"), result.out


def bench_requests() -> Iterable[str]:
    """A thousand contacts: what each kind of run asks for. Aim: the pages of the index, and four for each change."""
    rows = people(COUNT)
    with _world() as (world, server):
        yield f"{COUNT:,} contacts on pages of {server.page_size}"
        yield "all are new       " + _methods(server, lambda: _run(world, rows))
        yield "nothing changed   " + _methods(server, lambda: _run(world, rows))
        five = rows
        for number in range(1, 6):
            five = changed(five, number, vorname="Neu")
        yield "5 changed         " + _methods(server, lambda: _run(world, five))
        more = [*five, *people(5, start=COUNT + 1)]
        yield "5 new             " + _methods(server, lambda: _run(world, more))
        yield "a full run        " + _methods(server, lambda: _run(world, more, "--full"))
        world.lose_the_state()
        yield "adopted as new    " + _methods(server, lambda: _run(world, more))


def bench_new_contacts() -> Iterable[str]:
    """A thousand new contacts on a server that takes 20 ms for each request, beside a script without any look-ups."""
    rows = people(COUNT)
    seconds = {}
    for at_once in ("1", "8"):
        with _world(requests_at_once=at_once) as (world, server):
            world.drop(rows, "contacts.csv")
            server.latency = LATENCY
            seconds[at_once] = _timed(lambda: _run(world, rows))
            assert len(server.contacts) == COUNT
    with GreyhoundSimulator(users={"api": PASSWORD}) as server:
        server.latency = LATENCY
        script = _timed(lambda: _plain_script(server.url, rows))
        assert len(server.contacts) == COUNT
    yield f"{COUNT:,} new contacts, {LATENCY * 1000:.0f} ms for each request"
    yield f"a plain script, one connection for each request {script:>6.1f} s"
    for at_once, taken in seconds.items():
        yield f"requests_at_once: {at_once} {taken:>32.1f} s   {script / taken:.1f} times as fast as the script"
    yield f"8 at once are {seconds['1'] / seconds['8']:.1f} times as fast as one"


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _plain_script(url: str, rows: list[Row]) -> None:
    """What somebody writes who has read the vendor's page: New for each row, and nothing else."""
    login = base64.b64encode(f"{'0123456789abcdef' * 2}-api:{PASSWORD}".encode("cp1252")).decode("ascii")
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json; charset=utf-8"}
    for number, row in enumerate(rows, 1):
        link = {"Category": 1, "Kind": 0, "Preferred": True, "Text": f"<{row['email']}>"}
        item = {
            "Kind": 8,
            "State": 1,
            "GroupRef": 1,
            "Priority": 2,
            "Subject": f"{row['vorname']} {row['nachname']}",
            "Properties": {"Contact": {"ComLinks": [link]}},
            "UserFields": [{"FieldRef": 6, "Value": row["nr"]}],
        }
        call = {"version": "1.1", "method": "RpcItems.New", "params": [item, False], "id": number}
        # Without the certificates of the machine, which take longer to read than the request.
        with httpx.Client(trust_env=False, verify=False) as client:
            answer = client.post(f"{url}/json", headers=headers, content=json.dumps(call).encode())
        assert answer.json()["result"]
