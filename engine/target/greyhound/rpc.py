"""JSON-RPC 1.1 as GREYHOUND speaks it: authentication, calls, and errors in every shape they may have."""

from __future__ import annotations

import base64
import itertools
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from engine.config.schema import GreyhoundConnection
from engine.http import Answer, Http, Unreachable, json_body, repeated
from engine.i18n import _
from engine.problems import Problem, TargetStopped

T = TypeVar("T")
PATH = "/json"
JSON_OFFSET = 700
PAUSES = (0.5, 2.0)
# What only reads may be sent twice without harm.
READS = frozenset({"Get", "GetList", "GetServerStatus", "GetServerInfo", "GetServerSettings"})
# A client that is silent for 60 s is gone, and its locks with it (vendor page).
KEEP_ALIVE = 25.0
DIGITS = re.compile(r"[0-9]{1,9}")


class RpcError(Exception):
    """The server refused a call. Over JSON its codes are the documented ones plus 700: both are shown."""

    def __init__(self, method: str, code: int | None, message: str) -> None:
        super().__init__(message)
        self.method = method
        self.code = code
        self.message = message

    def __str__(self) -> str:
        if self.code is None:
            return f"{self.method}: {self.message}"
        documented = f" ({self.code - JSON_OFFSET})" if self.code > JSON_OFFSET else ""
        return f"{self.method}: {self.code}{documented} {self.message}".rstrip()


def new_client_id() -> str:
    """32 characters that nobody else has (vendor page)."""
    return secrets.token_hex(16)


def refused(error: RpcError) -> Problem:
    """The server refuses what everything else needs."""
    message = _("GREYHOUND refuses: {reason}").format(reason=error)
    hint = _("Are there too many clients of this user? A user of its own for abgleich is best.")
    return Problem("greyhound_refused", message, hint)


def not_reached(url: str, error: Unreachable, hint: str) -> Problem:
    """No answer came from the server, or none of its own."""
    message = _("GREYHOUND at {url} can't be reached: {reason}.")
    if error.answered:
        message = _("GREYHOUND at {url} does not work: {reason}.")
        hint = _("Is it starting, or is a proxy in between? Look at the server.") + " " + hint
    message = message.format(url=url, reason=error.message)
    return Problem("greyhound_unreachable", message, hint)


class Rpc:
    """One client of one GREYHOUND user: the client id is the same for every request (vendor page).

    Calls may be made by several threads at once.
    """

    def __init__(self, connection: GreyhoundConnection, client_id: str, sleep: Callable[[float], None]) -> None:
        self.connection = connection
        self.sleep = sleep
        self.patient = True
        """Whether what got no answer is tried again after pauses: not while the server seems to be dead."""
        self._ids = itertools.count(1)
        self._last_sent = time.monotonic()
        self._locks_held = 0
        self._counting = threading.Lock()
        password = connection.password.get_secret_value()
        token = base64.b64encode(_login(connection, f"{client_id}-{connection.username}:{password}")).decode("ascii")
        self._headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json; charset=utf-8"}
        self._http = Http(
            connection.url, connection.timeout, [password, token], connection.ca_file, connection.verify_tls
        )

    def call(self, method: str, *params: Any) -> Any:
        """The result, None where there is nothing to return. What is surely not done yet is tried again after pauses.

        Raises :class:`RpcError` where the server refuses, :class:`Unreachable` where no answer came, and
        :class:`TargetStopped` where nothing else will work either.
        """
        reads = method.rsplit(".", 1)[-1] in READS
        return self.patiently(lambda: self.call_once(method, *params), lambda lost: reads or not lost.maybe_done)

    def patiently(self, attempt: Callable[[], T], harmless: Callable[[Unreachable], bool]) -> T:
        """``attempt``, again after a pause where no answer came and it does no harm."""

        def pauses(result: T | Unreachable) -> Sequence[float]:
            return PAUSES if self.patient and isinstance(result, Unreachable) and harmless(result) else ()

        return repeated(attempt, pauses, self.sleep)

    def call_once(self, method: str, *params: Any) -> Any:
        """Like :meth:`call` without any pause: for use while a lock is held."""
        request = {"version": "1.1", "method": method, "params": list(params), "id": next(self._ids)}
        body = json_body(request)
        self._last_sent = time.monotonic()
        return self._result(method, self._http.send("POST", PATH, self._headers, body))

    @contextmanager
    def holding_a_lock(self) -> Iterator[None]:
        """Somewhere in here the client holds a lock, which must not die of silence."""
        with self._counting:
            self._locks_held += 1
        try:
            yield
        finally:
            with self._counting:
                self._locks_held -= 1

    @contextmanager
    def kept_alive(self) -> Iterator[None]:
        """A sign of life now and then while locks are held and nothing else is sent: one request takes very long."""
        over = threading.Event()
        keeper = threading.Thread(target=self._keep_alive, args=(over,), daemon=True)
        keeper.start()
        try:
            yield
        finally:
            over.set()
            keeper.join()

    def _keep_alive(self, over: threading.Event) -> None:
        while not over.wait(KEEP_ALIVE / 5):
            if self._locks_held and time.monotonic() - self._last_sent >= KEEP_ALIVE:
                with suppress(RpcError, Unreachable, TargetStopped):
                    self.call_once("RpcInfo.GetServerStatus")

    def _result(self, method: str, answer: Answer) -> Any:
        document = _parsed(answer)
        if answer.status == 401 or not isinstance(document, dict):
            raise self._foreign(answer)
        if document.get("error"):
            raise self._refused(method, document["error"])
        if answer.status != 200:
            raise self._foreign(answer)
        return document.get("result")

    def _refused(self, method: str, error: Any) -> RpcError:
        if not isinstance(error, dict):
            return RpcError(method, None, self._http.redact(str(error)))
        number = error.get("code", error.get("faultCode"))
        message = error.get("message", error.get("faultString", error.get("name", "")))
        return RpcError(method, _number(number), self._http.redact(str(message)))

    def _foreign(self, answer: Answer) -> Exception:
        """What an answer means that is none of JSON-RPC."""
        if answer.status in (401, 403):
            message = _("GREYHOUND does not accept the user {user}, or the user lacks a right.").format(
                user=self.connection.username
            )
            hint = _("Check username and password in configuration.yaml and secrets.yaml, and the user's rights.")
            return TargetStopped(Problem("greyhound_login", message, hint))
        if answer.status == 404:
            message = _("There is no GREYHOUND interface at {url}.").format(url=f"{self.connection.url}{PATH}")
            hint = _("Check url: address and HTTP port of the server.")
            return TargetStopped(Problem("greyhound_path", message, hint))
        # Cut off, not JSON, or from a proxy on the way: what a write did is unknown.
        if answer.status != 200:
            shown = "" if answer.is_html else self._http.redact(answer.text).strip()
            return Unreachable(f"HTTP {answer.status} {shown}".strip(), True, answered=True)
        if answer.is_html:
            return Unreachable(_("a web page answered (is the address right, is a proxy in between?)"), True)
        return Unreachable(_("the answer can't be read"), True)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def _number(code: Any) -> int | None:
    """The code of an error, where it is one."""
    if isinstance(code, int) and not isinstance(code, bool):
        return code
    return int(code) if isinstance(code, str) and DIGITS.fullmatch(code) else None


def _login(connection: GreyhoundConnection, text: str) -> bytes:
    try:
        return text.encode(connection.auth_encoding)
    except UnicodeEncodeError:
        message = _("Username or password hold characters that {encoding} does not have.").format(
            encoding=connection.auth_encoding
        )
        hint = _("Set auth_encoding: utf-8 in the connection, or change the password.")
        raise TargetStopped(Problem("greyhound_auth_encoding", message, hint)) from None


def _parsed(answer: Answer) -> Any:
    try:
        # Answers may hold raw control characters.
        return json.loads(answer.body.decode("utf-8-sig"), strict=False)
    except (ValueError, RecursionError):
        return None
