"""The httpx door: how long an answer may take and how large it may be, and what a failure says about the request."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from engine.http import MOST_MEBIBYTES, Answer, Http, Unreachable, repeated
from engine.simulator import Fe2Simulator

TIMEOUT = 0.3
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
MEBIBYTE = b"x" * (1 << 20)


@contextmanager
def serving(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that reads a request and then talks as it likes, until the caller hangs up; its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _address = listener.accept()
        with connection:
            connection.recv(65536)
            try:
                talk(connection)
            except OSError:
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()
    thread.join(5)
    assert not thread.is_alive(), "the connection was not closed"


def dripping(first: bytes, drop: bytes) -> Callable[[socket.socket], None]:
    """One drop after the other, each well within the time-out of a single read."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(drop)
            time.sleep(TIMEOUT / 20)

    return talk


def failure(url: str, timeout: float = TIMEOUT) -> Unreachable:
    with closing(Http(url, timeout, [], None, True)) as http, pytest.raises(Unreachable) as caught:
        http.send("GET", "/", {})
    return caught.value


@pytest.mark.parametrize(
    ("first", "drop"),
    [(HEAD, b"x"), (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n")],
    ids=["body", "chunks"],
)
def test_a_server_that_drips_is_given_up_when_the_time_is_over(first: bytes, drop: bytes) -> None:
    begun = time.monotonic()
    with serving(dripping(first, drop)) as url:
        error = failure(url)
    assert error.maybe_done
    assert "came too slowly" in error.message
    assert "0.3 s" in error.message
    assert "`timeout`" in error.message
    assert TIMEOUT <= time.monotonic() - begun < TIMEOUT + 2


def test_a_silent_server_names_the_seconds_and_what_to_raise() -> None:
    def wait_for_the_end(connection: socket.socket) -> None:
        connection.recv(1)

    with serving(wait_for_the_end) as url:
        assert failure(url).message == (
            "no answer within 0.3 s (if the server needs longer, raise `timeout` of the connection in "
            "configuration.yaml)"
        )


def test_a_server_that_does_not_read_is_given_up_too() -> None:
    with serving(lambda connection: time.sleep(2 * TIMEOUT)) as url:
        http = Http(url, TIMEOUT, [], None, True)
        with closing(http), pytest.raises(Unreachable) as caught:
            http.send("POST", "/", {}, MEBIBYTE * 32)
    assert caught.value.maybe_done


def test_the_time_begins_anew_with_every_request() -> None:
    with Fe2Simulator() as fe2, closing(Http(fe2.url, TIMEOUT, [], None, True)) as http:
        for _attempt in range(4):
            fe2.latency = TIMEOUT / 2
            assert http.send("GET", "/", {}).status == 404


def test_an_answer_without_an_end_is_cut_off() -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(MEBIBYTE)

    with serving(talk) as url:
        error = failure(url, timeout=30)
    assert error.maybe_done
    assert f"larger than {MOST_MEBIBYTES} MB" in error.message


def test_a_large_answer_arrives_as_a_whole() -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(MEBIBYTE) * 8}\r\n\r\n".encode())
        connection.sendall(MEBIBYTE * 8)
        connection.recv(1)

    with serving(talk) as url, closing(Http(url, 30, [], None, True)) as http:
        assert http.send("GET", "/", {}).body == MEBIBYTE * 8


def test_a_connection_is_used_again_for_the_next_request() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    def talk(connection: socket.socket) -> None:
        connection.sendall(answer)
        connection.recv(65536)
        connection.sendall(answer)

    with serving(talk) as url, closing(Http(url, 5, [], None, True)) as http:
        assert [http.send("GET", "/", {}).body for _request in range(2)] == [b"ok", b"ok"]


def outcome(*results: Answer | Unreachable) -> Unreachable:
    """What is raised after these results, the last of which is final."""
    left = list(results)

    def attempt() -> Answer:
        result = left.pop(0)
        if isinstance(result, Unreachable):
            raise result
        return result

    with pytest.raises(Unreachable) as caught:
        repeated(attempt, lambda _result: [0.0] * (len(results) - 1), lambda _seconds: None)
    assert left == []
    return caught.value


def test_after_an_attempt_that_may_have_been_done_nothing_is_certain() -> None:
    lost, refused = Unreachable("lost", True), Unreachable("refused", False)
    error = outcome(refused, lost, Unreachable("refused at last", False))
    assert (error.message, error.maybe_done) == ("refused at last", True)
    assert outcome(Answer(500, b""), Unreachable("refused", False)).maybe_done


def test_where_no_attempt_can_have_been_done_that_is_certain() -> None:
    assert not outcome(Unreachable("refused", False), Unreachable("refused", False)).maybe_done
