"""The prometheus_client door: a page on the loopback that tells programs how the engine is. No page is for people.

``/health`` says whether the engine is alive, ``/ready`` whether it takes work, ``/metrics`` how the mappings are, in
Prometheus' text format. Nothing here names a person.
"""

from __future__ import annotations

import json
import os
import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from engine.i18n import _
from engine.problems import Problem, UserMustFix, why

if TYPE_CHECKING:
    from prometheus_client import Metric

HOST = "127.0.0.1"
PATIENCE = 10.0
"""So many seconds a caller may take to say what it wants."""
POLL = 0.1
STATUSES = ("never", "running", "done", "unchanged", "skipped", "partial", "held", "refused", "failed")


@dataclass(frozen=True, slots=True)
class MappingFacts:
    """How a mapping is. ``status`` is that of the last run, or never; ``last_good`` is in seconds since 1970."""

    id: str
    status: str
    stale: bool = False
    overdue: bool = False
    last_good: float | None = None


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """How a connection is. ``certain``: it is known what it holds; ``last_success`` is in seconds since 1970."""

    id: str
    certain: bool
    last_success: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """How the engine is. ``drops`` counts dropped files by state, ``runs`` those on record by mapping and status."""

    alive: bool
    ready: bool
    mappings: tuple[MappingFacts, ...] = ()
    drops: Mapping[str, int] = field(default_factory=dict)
    connections: tuple[ConnectionFacts, ...] = ()
    runs: Mapping[tuple[str, str], int] = field(default_factory=dict)


class Health:
    """The page, at work between :meth:`start` and :meth:`close`. ``facts`` is called in threads of its own."""

    def __init__(self, port: int, facts: Callable[[], Facts]) -> None:
        self.port = port
        self._facts = facts
        self._server: _Server | None = None

    def start(self) -> None:
        """Answer from now on; port 0 becomes one that is free. Raises :class:`UserMustFix` where it can't be used."""
        try:
            self._server = _Server(self.port, self._facts)
        except OSError as error:
            message = _("The port {port} for the health page can't be used: {reason}.")
            message = message.format(port=self.port, reason=why(error))
            hint = _("Name another one, --health 0 takes any that is free; or end the program that has it.")
            raise UserMustFix(Problem("health_port_busy", message, hint)) from None
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(POLL,), name="health", daemon=True).start()

    def close(self) -> None:
        """Answer no more, and give the port free."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # There it would let two programs listen at one port.
    allow_reuse_address = os.name != "nt"

    def __init__(self, port: int, facts: Callable[[], Facts]) -> None:
        self.facts = facts
        super().__init__((HOST, port), _Handler)

    def server_bind(self) -> None:
        """Without the base class's look-up of a host name, which takes seconds where the name service is slow."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up in the middle is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = PATIENCE
    server_version = "abgleich"
    sys_version = ""

    def do_GET(self) -> None:
        page = _PAGES.get(self.path.partition("?")[0])
        if page is None:
            self._answer(HTTPStatus.NOT_FOUND, "application/json", b'{"error": "not_found"}\n')
            return
        try:
            status, kind, body = page(self.server.facts())
        except Exception:  # whatever keeps the state from being read: the page must say so, and without a traceback
            status, kind, body = HTTPStatus.SERVICE_UNAVAILABLE, "application/json", b'{"error": "state_unreadable"}\n'
        self._answer(status, kind, body)

    do_HEAD = do_GET  # noqa: N815 (a name of http.server)

    def _refuse(self) -> None:
        self._answer(HTTPStatus.METHOD_NOT_ALLOWED, "application/json", b'{"error": "method_not_allowed"}\n')

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refuse  # noqa: N815 (names of http.server)

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (a name of http.server)
        """Every few seconds somebody asks: no line of the log for that."""


_Page = tuple[HTTPStatus, str, bytes]


def _health(facts: Facts) -> _Page:
    return _yes_or_no("alive", facts.alive)


def _ready(facts: Facts) -> _Page:
    return _yes_or_no("ready", facts.ready)


def _yes_or_no(name: str, good: bool) -> _Page:
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return status, "application/json", json.dumps({name: good}).encode() + b"\n"


def _metrics(facts: Facts) -> _Page:
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(_Collector(facts))
    return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(registry)


_PAGES: dict[str, Callable[[Facts], _Page]] = {"/health": _health, "/ready": _ready, "/metrics": _metrics}


class _Collector:
    """One moment's facts as metrics: nothing is kept between two requests, so nothing that is gone stays on."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def collect(self) -> Iterator[Metric]:
        """All metrics, in the order of the page."""
        facts = self._facts
        yield _gauge("up", "1 while the engine is alive", (), [((), facts.alive)])
        yield from _of_mappings(facts.mappings)
        yield _gauge("drops", "Dropped files by state", ("state",), [((k,), n) for k, n in facts.drops.items()])
        yield from _of_connections(facts.connections)
        yield _runs(facts.runs)


def _of_mappings(mappings: tuple[MappingFacts, ...]) -> Iterator[Metric]:
    one = ("mapping",)
    good = [((each.id,), each.last_good) for each in mappings if each.last_good is not None]
    yield _gauge("mapping_last_good_timestamp_seconds", "When the last good run ended", one, good)
    stale = [((each.id,), each.stale) for each in mappings]
    yield _gauge("mapping_stale", "1 where the newest version has mistakes and does not run", one, stale)
    overdue = [((each.id,), each.overdue) for each in mappings]
    yield _gauge("mapping_overdue", "1 where a good run is missing for longer than expect_every", one, overdue)
    # All of them, with 0 for those that it is not: so an alarm ends.
    is_at = [((each.id, word), each.status == word) for each in mappings for word in _words(each.status)]
    yield _gauge("mapping_status", "1 for the status of the last run", ("mapping", "status"), is_at)


def _words(present: str) -> tuple[str, ...]:
    return STATUSES if present in STATUSES else (*STATUSES, present)


def _of_connections(connections: tuple[ConnectionFacts, ...]) -> Iterator[Metric]:
    one = ("connection",)
    success = [((each.id,), each.last_success) for each in connections if each.last_success is not None]
    yield _gauge("connection_last_success_timestamp_seconds", "When something was last sent with success", one, success)
    certain = [((each.id,), each.certain) for each in connections]
    yield _gauge("connection_certain", "1 where it is known what the target holds", one, certain)


def _runs(counts: Mapping[tuple[str, str], int]) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily("abgleich_runs", "Runs on record by status", labels=("mapping", "status"))
    for labels, count in counts.items():
        family.add_metric(labels, count)
    return family


def _gauge(name: str, text: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(f"abgleich_{name}", text, labels=labels)
    for label, value in values:
        family.add_metric(label, float(value))
    return family
