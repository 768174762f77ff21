"""What both stand-ins share: a loopback HTTP/1.1 server that records every request and can fail on demand.

One lock surrounds each effect, so a stand-in's state changes by one request at a time. Waiting (latency, delays)
happens outside of it: requests can overlap, as they do on a real server.
"""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

HOST = "127.0.0.1"
GARBAGE = b"\xff\xfe\x80\xc3("
_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the caller."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Request:
    """One request as it arrived. ``path`` is the raw target with its escapes and query; ``time`` is in seconds of the
    stand-in's ``clock``; ``status`` is what was answered, None while under way and when the connection was reset;
    ``faulted`` where a fault befell it, so that the caller may not know what became of it."""

    method: str
    path: str
    headers: Message
    body: bytes
    time: float
    status: int | None = None
    faulted: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure for the next ``times`` requests whose path or RPC method contains ``on`` (None: any request).

    * ``status`` or ``body``: answered *instead of* carrying the request out, as a proxy would; with ``after_effect``
      the request is carried out first. A body alone is answered with 200.
    * ``reset``: the socket is closed with RST and without an answer, ``"before"`` or ``"after"`` the effect.
    * ``truncate``: the full Content-Length, then half of the body; ``garbage``: bytes that are no UTF-8 as the body.
    * ``delay``: seconds between the effect and the answer: a caller that gives up has changed something all the same.
    * ``drip``: seconds before each byte of the body: the answer as a whole is slow although no single read is.
    """

    on: str | None = None
    status: int | None = None
    body: str | bytes | None = None
    content_type: str = "text/html"
    reset: Literal["before", "after"] | None = None
    delay: float = 0.0
    drip: float = 0.0
    truncate: bool = False
    garbage: bool = False
    times: int = 1
    after_effect: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    def answer(self) -> Answer | None:
        """The answer that replaces the real one, or None where the real one goes out."""
        if self.status is None and self.body is None:
            return None
        status = HTTPStatus.OK if self.status is None else self.status
        body = _error_page(status) if self.body is None else self.body
        return Answer(status, body if isinstance(body, bytes) else body.encode(), self.content_type, self.headers)

    def spares_the_effect(self) -> bool:
        """Whether the request is not carried out."""
        if self.reset is not None:
            return self.reset == "before"
        return self.answer() is not None and not self.after_effect


NO_FAULT = Fault()
LOST = Fault(reset="before")


@dataclass(frozen=True, slots=True)
class _Delivery:
    """What is put on the wire; no answer means a reset."""

    answer: Answer | None
    truncate: bool = False
    drip: float = 0.0


class Simulator(ABC):
    """A stand-in server. Use it as a context manager, or call :meth:`start` and :meth:`stop`, as often as you like."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[Request] = []
        self.breaches: list[str] = []
        self.latency: float = 0.0
        self.down: bool = False
        self.clock: Callable[[], float] = time.monotonic
        self.lock = threading.RLock()
        self._port = port
        self._server: _Server | None = None
        self._faults: list[tuple[Fault, int]] = []
        self._under_way: list[Request] = []

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """Carries the request out and gives the answer; called under the lock."""

    def fault_names(self, request: Request) -> tuple[str, ...]:
        """The texts in which a fault's ``on`` is looked for."""
        return (request.path,)

    def arrived(self, request: Request, under_way: Sequence[Request]) -> None:
        """Called under the lock when a request comes in while others are not answered yet."""

    @property
    def url(self) -> str:
        """``http://127.0.0.1:port``; the same again after a stop and a start."""
        if not self._port:
            raise RuntimeError("The stand-in has no address before it is started.")
        return f"http://{HOST}:{self._port}"

    def start(self) -> Self:
        """Listens from now on; does nothing where it already does."""
        if self._server is None:
            self._server = _Server(self, self._port)
            self._port = self._server.server_address[1]
        return self

    def stop(self) -> None:
        """Closes all connections, also those under way, and joins all threads; does nothing where nothing runs."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def fail(self, *faults: Fault) -> None:
        """Queues faults; each request takes at most one, the first that matches it."""
        with self.lock:
            self._faults += [(fault, fault.times) for fault in faults]

    @property
    def faults(self) -> list[Fault]:
        """The faults that were not used up yet."""
        return [fault for fault, _ in self._faults]

    @property
    def is_quiet(self) -> bool:
        """Whether no request is under way, also none whose caller gave up waiting."""
        return not self._under_way

    def recover(self) -> None:
        """Forgets all faults that were not used up yet, and is no longer down."""
        with self.lock:
            self._faults.clear()
            self.down = False

    def breach(self, sentence: str) -> None:
        """Records that a caller did what the vendor's page forbids."""
        self.breaches.append(sentence)

    def exchange(self, request: Request, pause: Callable[[float], bool]) -> _Delivery:
        """One request from its arrival to what is sent back. ``pause`` waits for some seconds; it gives True where the
        server is stopped meanwhile, which then is the end of the request."""
        with self.lock:
            self.requests.append(request)
            self.arrived(request, tuple(self._under_way))
            self._under_way.append(request)
            fault = LOST if self.down else self._take_fault(request)
            request.faulted = fault is not NO_FAULT
        delivery = self._deliver(request, LOST if pause(self.latency) else fault)
        if pause(fault.delay):
            delivery = _Delivery(None)
        with self.lock:  # before anything is sent: who has the answer may send the next request at once
            self._under_way.remove(request)
            request.status = delivery.answer.status if delivery.answer else None
        return delivery

    def _deliver(self, request: Request, fault: Fault) -> _Delivery:
        real = None if fault.spares_the_effect() else self._carry_out(request)
        if fault.reset is not None:
            return _Delivery(None)
        answer = fault.answer() or real
        if answer is not None and fault.garbage:
            answer = Answer(answer.status, GARBAGE, answer.content_type)
        return _Delivery(answer, fault.truncate, fault.drip)

    def _carry_out(self, request: Request) -> Answer:
        with self.lock:
            try:
                return self.answer(request)
            except Exception as error:  # a bug of the stand-in has to be seen by the test, not only by the thread
                self.breach(f"The stand-in itself failed on {request.method} {request.path}: {error!r}.")
                return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, repr(error).encode())

    def _take_fault(self, request: Request) -> Fault:
        names = self.fault_names(request)
        for place, (fault, left) in enumerate(self._faults):
            if fault.on is None or any(fault.on in name for name in names):
                self._faults[place : place + 1] = [(fault, left - 1)] if left > 1 else []
                return fault
        return NO_FAULT


def read_json(body: bytes) -> Any:
    """The body as strict JSON in UTF-8 (no BOM, NaN or name used twice); a ValueError says in words what is wrong."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError("the body is not UTF-8") from error
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"the body is not JSON ({error})") from error
    except RecursionError as error:
        raise ValueError("the body is nested too deep") from error


def content_type_flaw(headers: Message) -> str | None:
    """What is wrong with the Content-Type where it is not ``application/json`` in UTF-8; None where it is."""
    if headers.get("Content-Type") is None:
        return "The header Content-Type is missing."
    if headers.get_content_type() != "application/json":
        return f"The Content-Type must be application/json, not {headers['Content-Type']}."
    if headers.get_content_charset("utf-8") != "utf-8":
        return f"The charset of the Content-Type must be utf-8, not {headers.get_content_charset()}."
    return None


def version_of(text: str) -> tuple[int, ...]:
    """``"5.10.0"`` as numbers that compare."""
    return tuple(int(part) for part in text.split("."))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError(f"a name stands twice in one object, of those: {', '.join(result)}")
    return result


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _error_page(status: int) -> str:
    return f"<html><body><h1>{status}</h1><p>This page comes from a proxy.</p></body></html>"


class _Server(ThreadingHTTPServer):
    """Serves from its making on. Keeps its workers itself: the base class joins only those that can block an exit."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, simulator: Simulator, port: int) -> None:
        super().__init__((HOST, port), _Handler)
        self.simulator = simulator
        self.stopping = threading.Event()
        self.aborted: set[socket.socket] = set()
        self._workers: list[tuple[threading.Thread, socket.socket]] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        """Without the polling of serve_forever, which wakes up for nothing and makes each stop wait for it."""
        while not self.stopping.is_set():
            self.handle_request()

    def server_bind(self) -> None:
        """Without the base class's look-up of a host name, which takes seconds where the name service is slow."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return not self.stopping.is_set()

    def stop(self) -> None:
        self.stopping.set()
        socket.create_connection((HOST, self.server_port)).close()  # wakes the listener
        self._listener.join()
        for worker, connection in self._workers:
            _hang_up(connection)
            worker.join()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        worker = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        worker.start()
        self._workers = [pair for pair in self._workers if pair[0].is_alive()] + [(worker, request)]

    def shutdown_request(self, request: Any) -> None:
        if request in self.aborted:  # without the orderly shutdown of the base class, so that the close sends RST
            self.aborted.discard(request)
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hung up is no news; anything else is shown as usual."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # it is closed already
        return


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        body = self._read_body()
        if body is None:
            return
        simulator = self.server.simulator
        request = Request(self.command, self.path, self.headers, body, simulator.clock())
        delivery = simulator.exchange(request, self.server.stopping.wait)
        if delivery.answer is None:
            self._reset()
        else:
            self._send(delivery.answer, delivery)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _read_body(self) -> bytes | None:
        """None where there is nothing to answer any more, or where the length is not given in a way we read."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self.close_connection = True
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return None
        return body

    def _send(self, answer: Answer, delivery: _Delivery) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status in _WITHOUT_BODY:
            self.end_headers()
            return
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self._send_body(answer.body[: len(answer.body) // 2] if delivery.truncate else answer.body, delivery.drip)
        self.close_connection |= delivery.truncate

    def _send_body(self, body: bytes, drip: float) -> None:
        """All at once, or byte by byte with a pause before each, until the server is stopped."""
        if not drip:
            self.wfile.write(body)
            return
        for place in range(len(body)):
            if self.server.stopping.wait(drip):
                self.close_connection = True
                return
            self.wfile.write(body[place : place + 1])

    def _reset(self) -> None:
        layout = "hh" if sys.platform == "win32" else "ii"
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(layout, 1, 0))
        self.server.aborted.add(self.connection)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed: the requests are on record."""
