"""The httpx door: time-outs, certificates, redaction, and transport errors by their consequence.

Redirects are never followed (a POST would become a GET elsewhere), proxies and ``.netrc`` of the environment are not
used: the address in the configuration is the address that is called.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import httpx

from engine.i18n import _

BODY_KEPT = 500
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    status: int
    body: bytes
    content_type: str = ""

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced."""
        return self.body.decode("utf-8", errors="replace")

    @property
    def is_html(self) -> bool:
        """A page for people, from a proxy or a login form: never an answer of the target itself."""
        return "html" in self.content_type.casefold() or self.text.lstrip()[:15].casefold().startswith(
            ("<!doctype", "<html")
        )


class Unreachable(Exception):
    """No answer came. ``maybe_done``: the request may have taken effect all the same."""

    def __init__(self, message: str, maybe_done: bool) -> None:
        super().__init__(message)
        self.message = message
        self.maybe_done = maybe_done


class Http:
    """Connections to one server, kept open between requests."""

    def __init__(self, url: str, timeout: float, secrets: Sequence[str], ca_file: Path | None, verify: bool) -> None:
        self._secrets = [form for secret in secrets if secret for form in _forms(secret)]
        self._client = httpx.Client(
            base_url=url,
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
            verify=_tls(ca_file) if verify else False,
            follow_redirects=False,
            trust_env=False,
        )

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """One request. Raises :class:`Unreachable` where no whole answer came."""
        try:
            response = self._client.request(
                method,
                path,
                headers=[(name.encode("ascii"), value.encode("utf-8")) for name, value in headers.items()],
                content=body,
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise Unreachable(self._connect_message(error), False) from None
        except httpx.TimeoutException:
            raise Unreachable(_("no answer in time"), True) from None
        except httpx.HTTPError:
            raise Unreachable(_("the connection broke off"), True) from None
        return Answer(response.status_code, response.content, response.headers.get("content-type", ""))

    def redact(self, text: str) -> str:
        """The first 500 characters of an answer, without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return text[:BODY_KEPT]

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    @staticmethod
    def _connect_message(error: Exception) -> str:
        reason = str(error)
        if "CERTIFICATE" in reason.upper():
            return _("its certificate is not trusted (set ca_file to the certificate of your server)")
        if isinstance(error, httpx.ConnectTimeout):
            return _("it does not answer (is the address right, is a firewall in between?)")
        if "Name or service" in reason or "getaddrinfo" in reason or "nodename" in reason:
            return _("the name of the server is not known")
        return _("nothing answers at this address (is the server running, is the port right?)")


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(ca_file) if ca_file is not None else None)


def _forms(secret: str) -> set[str]:
    return {secret, quote(secret, safe=""), secret.encode("unicode_escape").decode("ascii")}


def repeated(
    attempt: Callable[[], T],
    pauses: Callable[[T | Unreachable], Sequence[float]],
    sleep: Callable[[float], None],
    until: float = 180.0,
) -> T:
    """Try, and try again after pauses while ``pauses`` of the last result names one more, for ``until`` seconds.

    The last result is returned; a last :class:`Unreachable` is raised.
    """
    end = time.monotonic() + until
    tries = 0
    while True:
        result: T | Unreachable
        try:
            result = attempt()
        except Unreachable as error:
            result = error
        allowed = pauses(result)
        if tries >= len(allowed) or time.monotonic() + allowed[tries] > end:
            if isinstance(result, Unreachable):
                raise result
            return result
        sleep(allowed[tries])
        tries += 1
