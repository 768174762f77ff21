"""The httpx door: time-outs, certificates, redaction, and transport errors by their consequence.

Redirects are never followed (a POST would become a GET elsewhere), proxies and ``.netrc`` of the environment are not
used: the address in the configuration is the address that is called.
"""

from __future__ import annotations

import html
import json
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from engine.i18n import _
from engine.problems import Problem, TargetStopped

if TYPE_CHECKING:
    import httpx

BODY_KEPT = 500
CONNECT_SECONDS = 10.0
MEBIBYTE = 1 << 20
MOST_MEBIBYTES = 64
"""No answer of ours is anywhere near as large; a larger one would only fill the memory."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered. ``link``: its ``Link`` header."""

    status: int
    body: bytes
    content_type: str = ""
    link: str = ""

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced."""
        return self.body.decode("utf-8", errors="replace")

    @property
    def is_html(self) -> bool:
        """A page for people, from a proxy or a login form: never an answer of the target itself."""
        start = self.text.lstrip("\ufeff \t\r\n")[:1000].casefold()
        return bool(start) and ("html" in self.content_type.casefold() or (start[0] == "<" and "html" in start))


class Unreachable(Exception):
    """No answer came that can be read. ``maybe_done``: the request may have taken effect all the same.

    ``answered``: somebody did answer, but with an error that says nothing about it.
    """

    def __init__(self, message: str, maybe_done: bool, answered: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.maybe_done = maybe_done
        self.answered = answered


class Http:
    """Connections to one server, kept open between requests. Raises :class:`TargetStopped` for a bad ``ca_file``.

    ``timeout`` is how many seconds an answer may keep us waiting, and also how many its whole body may take: a server
    that sends a byte now and then must not hold a run for hours. ``late`` is what to do where it takes longer.
    """

    def __init__(
        self, url: str, timeout: float, secrets: Sequence[str], ca_file: str | None, verify: bool, late: str = ""
    ) -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        self._secrets = sorted(forms, key=len, reverse=True)
        # Not above: whoever only checks a mapping need not wait for it.
        import httpx

        self._timeout = timeout
        self._late = late or _("if the server needs longer, raise `timeout` of the connection in configuration.yaml")
        self._client = httpx.Client(
            base_url=url,
            timeout=httpx.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS)),
            verify=_tls(ca_file) if verify and url.casefold().startswith("https:") else False,
            follow_redirects=False,
            trust_env=False,
        )

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """One request. Raises :class:`Unreachable` where no whole answer came."""
        import httpx

        raw = [(name.encode("ascii"), _header(value)) for name, value in headers.items()]
        answering = False
        try:
            with self._client.stream(method, path, headers=raw, content=body) as response:
                answering = True
                body, headers = self._whole(response), response.headers
                return Answer(response.status_code, body, headers.get("content-type", ""), headers.get("link", ""))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise Unreachable(_connect_message(error), False) from None
        except httpx.LocalProtocolError:
            raise Unreachable(_("the request can't be sent (control characters in a name or key?)"), False) from None
        except httpx.TimeoutException:
            raise Unreachable(self._late_message(answering), True) from None
        except httpx.HTTPError:
            raise Unreachable(_("the connection broke off"), True) from None

    def _whole(self, response: httpx.Response) -> bytes:
        """The body, where it comes in time and is not too large; else the connection is given up."""
        end = time.monotonic() + self._timeout
        body = bytearray()
        for part in response.iter_bytes():
            body += part
            if time.monotonic() > end:
                raise Unreachable(self._late_message(True), True)
            if len(body) > MOST_MEBIBYTES * MEBIBYTE:
                message = _("its answer is larger than {size} MB (is the address right, is a proxy in between?)")
                raise Unreachable(message.format(size=MOST_MEBIBYTES), True)
        return bytes(body)

    def _late_message(self, answering: bool) -> str:
        if answering:
            message = _("its answer came too slowly, it was not complete within {seconds} s ({advice})")
        else:
            message = _("no answer within {seconds} s ({advice})")
        return message.format(seconds=f"{self._timeout:g}", advice=self._late)

    def redact(self, text: str) -> str:
        """The first 500 characters of an answer, without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return legible(text[:BODY_KEPT])

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


def legible(text: str) -> str:
    """A server's text for people: halves of characters, which nothing can write, are replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


def json_body(value: Any) -> bytes:
    """JSON in UTF-8. Halves of characters that a server sent broken are escaped: UTF-8 can't hold them."""
    try:
        return json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value).encode("ascii")


def _header(value: str) -> bytes:
    """Servers read headers as Latin-1; what does not fit there is sent as UTF-8."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8")


def _connect_message(error: Exception) -> str:
    import httpx

    reason = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return _certificate_message(reason)
    if "[SSL" in reason:
        return _("no encrypted connection can be made (does the server want http:// instead of https://?)")
    if isinstance(error, httpx.ConnectTimeout):
        return _("it does not answer (is the address right, is a firewall in between?)")
    if any(sign in reason for sign in ("Name or service", "getaddrinfo", "nodename", "name resolution")):
        return _("the name of the server is not known")
    return _("nothing answers at this address (is the server running, is the port right?)")


def _certificate_message(reason: str) -> str:
    if "mismatch" in reason:
        return _("its certificate is for another name (write the address as it stands in the certificate)")
    if "expired" in reason:
        return _("its certificate has expired (renew it on the server)")
    return _("its certificate is not trusted (set ca_file to the certificate of your server)")


def _tls(ca_file: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError):
        message = _("The ca_file {path} can't be read as a certificate.").format(path=ca_file)
        hint = _("Export the server's certificate as PEM (it begins with BEGIN CERTIFICATE) and name that file.")
        raise TargetStopped(Problem("ca_file_unusable", message, hint)) from None
    if ca_file is not None:
        # The file may hold the server's own certificate instead of the authority that signed it.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _forms(secret: str) -> set[str]:
    """How a server may write a secret back: as it is, in an address, in JSON, in a page."""
    in_json = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    in_page = {html.escape(secret), html.escape(secret, quote=False)}
    in_another_encoding = {secret.encode("cp1252", "replace").decode("utf-8", "replace")}
    return {secret, quote(secret, safe=""), quote(secret)} | in_json | in_page | in_another_encoding


def repeated(
    attempt: Callable[[], T],
    pauses: Callable[[T | Unreachable], Sequence[float]],
    sleep: Callable[[float], None],
    until: float = 180.0,
) -> T:
    """Try, and try again after pauses while ``pauses`` of the last result names one more, for ``until`` seconds.

    The last result is returned; a last :class:`Unreachable` is raised, and says ``maybe_done`` where any of the
    attempts may have taken effect.
    """
    end = time.monotonic() + until
    tries = 0
    maybe_done = False
    while True:
        result: T | Unreachable
        try:
            result = attempt()
        except Unreachable as error:
            result = error
        maybe_done = maybe_done or not isinstance(result, Unreachable) or result.maybe_done
        allowed = pauses(result)
        if tries >= len(allowed) or time.monotonic() + allowed[tries] > end:
            if isinstance(result, Unreachable):
                result.maybe_done = maybe_done
                raise result
            return result
        sleep(allowed[tries])
        tries += 1
