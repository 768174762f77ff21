"""JSON-RPC 1.1 as GREYHOUND speaks it: authentication, calls, and errors in every shape they may have."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.config.schema import GreyhoundConnection
from engine.http import Answer, Http, Unreachable, repeated
from engine.i18n import _
from engine.problems import Problem, TargetStopped

JSON_OFFSET = 700
READ_PAUSES = (0.5, 2.0)
# What may be sent twice without harm: it reads, or it only concerns our own lock.
REPEATABLE = frozenset({"Get", "GetList", "GetServerStatus", "GetServerInfo", "GetServerSettings", "Lock", "Unlock"})


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


class Rpc:
    """One client of one GREYHOUND user: the client id is the same for every request (vendor page)."""

    def __init__(self, connection: GreyhoundConnection, client_id: str, sleep: Callable[[float], None]) -> None:
        self.connection = connection
        self._sleep = sleep
        self._ids = itertools.count(1)
        password = connection.password.get_secret_value()
        login = f"{client_id}-{connection.username}:{password}".encode(connection.auth_encoding, errors="replace")
        token = base64.b64encode(login).decode("ascii")
        self._headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json; charset=utf-8"}
        ca_file = Path(connection.ca_file) if connection.ca_file else None
        self._http = Http(connection.url, connection.timeout, [password, token], ca_file, connection.verify_tls)

    def call(self, method: str, *params: Any) -> Any:
        """The result, None where there is nothing to return.

        Raises :class:`RpcError` where the server refuses, :class:`Unreachable` where no answer came, and
        :class:`TargetStopped` where nothing else will work either.
        """
        request = {"version": "1.1", "method": method, "params": list(params), "id": next(self._ids)}
        body = json.dumps(request, ensure_ascii=False).encode("utf-8")
        pauses = READ_PAUSES if method.rsplit(".", 1)[-1] in REPEATABLE else ()
        answer = repeated(
            lambda: self._http.send("POST", "/json", self._headers, body),
            lambda result: pauses if isinstance(result, Unreachable) else (),
            self._sleep,
        )
        return self._result(method, answer)

    def _result(self, method: str, answer: Answer) -> Any:
        document = _parsed(answer)
        if isinstance(document, dict):
            error = document.get("error")
            if error:
                raise self._refused(method, error)
            if answer.status == 200:
                return document.get("result")
        raise self._foreign(method, answer)

    def _refused(self, method: str, error: Any) -> RpcError:
        if not isinstance(error, dict):
            return RpcError(method, None, self._http.redact(str(error)))
        code = error.get("code", error.get("faultCode"))
        message = error.get("message", error.get("faultString", error.get("name", "")))
        number = int(code) if isinstance(code, int) or (isinstance(code, str) and code.isdigit()) else None
        return RpcError(method, number, self._http.redact(str(message)))

    def _foreign(self, method: str, answer: Answer) -> Exception:
        url = self.connection.url
        if answer.status in (401, 403):
            message = _("GREYHOUND does not accept the user {user}, or the user lacks a right.").format(
                user=self.connection.username
            )
            hint = _("Check username and password in configuration.yaml and secrets.yaml, and the user's rights.")
            return TargetStopped(Problem("greyhound_login", message, hint))
        if answer.status == 404:
            message = _("There is no GREYHOUND interface at {url}/json.").format(url=url)
            return TargetStopped(
                Problem("greyhound_path", message, _("Check url: address and HTTP port of the server."))
            )
        if answer.status == 200:
            # Something answered, but cut off or not JSON: what a write did is unknown.
            return Unreachable(_("the answer can't be read"), True)
        shown = self._http.redact(answer.text).strip()
        return RpcError(method, None, f"HTTP {answer.status} {'' if answer.is_html else shown}".strip())

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def _parsed(answer: Answer) -> Any:
    try:
        # Answers may hold raw control characters.
        return json.loads(answer.body.decode("utf-8"), strict=False)
    except (ValueError, RecursionError):
        return None
