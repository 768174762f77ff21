"""Reaching FE2 without changing anything.

No harmless call is documented. So the sync is asked for with GET, which by HTTP's rules changes nothing: whoever is
there answers somehow, and only few answers are clear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from engine.config.schema import Connection, Fe2Connection
from engine.http import Answer, Http, Unreachable
from engine.i18n import _
from engine.problems import Problem, TargetStopped
from engine.target.base import Pong
from engine.target.fe2 import answers, server

BEHIND_A_PROXY = (502, 504)
WANTS_TLS = ("HTTPS port", "requires TLS")
"""What servers say to a plain request on a port for encrypted ones."""


def ping(connection: Connection, client_id: Callable[[Callable[[], str]], str], sleep: Callable[[float], None]) -> Pong:
    """One GET; it proves the address, and of the access key only that it is wrong."""
    assert isinstance(connection, Fe2Connection)
    wrong = server.version_problem(connection)
    pong = _asked(connection)
    return replace(
        pong,
        problems=(*([wrong] if wrong is not None else []), *pong.problems),
        notes=() if wrong is not None else tuple(_switched_off(connection)),
    )


def _asked(connection: Fe2Connection) -> Pong:
    unusable = server.key_problem(connection)
    if unusable is not None:
        return Pong("unreachable", (unusable,))
    try:
        http = server.open_http(connection)
    except TargetStopped as error:
        return Pong("unreachable", error.problems)
    try:
        answer = http.send("GET", server.SYNC, server.headers(connection))
        return _interpreted(connection, answer, http)
    except Unreachable as error:
        return Pong("unreachable", (_not_reached(connection, error.message),))
    finally:
        http.close()


def _interpreted(connection: Fe2Connection, answer: Answer, http: Http) -> Pong:
    """With care: what FE2 says to a GET is documented nowhere."""
    status = answer.status
    words = answers.words_of(answer, http)
    if status == 401:
        return Pong("refused", (_with(answers.wrong_key(), words),))
    if 300 <= status < 400 or status == 404:
        since = _("FE2 has this interface since version {version}.").format(version=server.written(server.SYNC_SINCE))
        return Pong("unreachable", (_with(answers.wrong_address(status), since),))
    if status == 400 and any(sign in answer.text for sign in WANTS_TLS):
        return Pong("unreachable", (_not_reached(connection, _("this port wants https:// instead of http://")),))
    if status in BEHIND_A_PROXY:
        reason = _("a proxy answers with the code {status}, FE2 behind it does not answer").format(status=status)
        return Pong("unreachable", (_not_reached(connection, reason),))
    if status == 403 or status >= 500 or (status < 300 and answer.is_html):
        return Pong("doubtful", (_with(_doubtful(answer), words),), unproven=_unproven())
    return Pong("reached", unproven=_unproven())


def _not_reached(connection: Fe2Connection, reason: str) -> Problem:
    hint = _(
        "Check url in configuration.yaml (https or http, name and port as they are in the browser), and whether this "
        "computer may reach the server; then ping again."
    )
    return Problem("fe2_unreachable", answers.cant_be_reached(connection.url, reason), hint)


def _doubtful(answer: Answer) -> Problem:
    if answer.status < 300:
        message = _("A web page answered: this may be FE2, or a proxy or another program.")
        hint = _("Open the url of the connection in the browser: does FE2 show up, without another login before it?")
        return Problem("fe2_not_fe2", message, hint, severity="warning")
    message = _("The code {status} came as an answer: from FE2, or from a proxy before it.").format(
        status=answer.status
    )
    hint = _(
        "Does FE2 work in the browser? Is the automatic synchronisation switched on in the settings of the "
        "organisation in FE2?"
    )
    return Problem("fe2_answer", message, hint, severity="warning")


def _unproven() -> str:
    return _(
        "Whether the access key is right and the synchronisation is switched on shows only a first sync: "
        "`abgleich plan`, then `abgleich run`."
    )


def _with(problem: Problem, words: str) -> Problem:
    return replace(problem, hint=f"{problem.hint} {words}".strip())


def _switched_off(connection: Fe2Connection) -> Iterator[str]:
    """What ``fe2_version`` switches off."""
    if connection.fe2_version is None:
        return
    lacking = []
    if server.is_older(connection, server.MODE_SINCE):
        lacking.append((_("aPagerProFieldMode is not sent"), server.MODE_SINCE))
    if server.is_older(connection, server.DELETE_SINCE):
        lacking.append((_("no `removal: delete`, no `abgleich forget`"), server.DELETE_SINCE))
    for what, since in lacking:
        note = _("fe2_version {version} switches off: {what} (since {since}).")
        yield note.format(version=connection.fe2_version, what=what, since=server.written(since))
    if not lacking:
        yield _("fe2_version {version} switches nothing off.").format(version=connection.fe2_version)
