"""The Apprise door: notices about a change of state, sent to the addresses of ``configuration.yaml``.

An address holds passwords: none ever stands in a problem or reaches a log.
"""

from __future__ import annotations

import logging
import queue
import re
import threading
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from functools import cache

from engine.config.load import Project
from engine.i18n import _
from engine.problems import Problem
from engine.state.notices import Notice

SECONDS = 10.0
"""So long all addresses together may take."""
DEFAULT = "default"

_TYPES = {"failed": "failure", "refused": "failure", "recovered": "success", "test": "info"}
_CHATTY = ("apprise", "urllib3", "requests")
"""Loggers that write addresses with their passwords."""
_MUTE = logging.NullHandler()
_STATUS = re.compile(r"\berror=(\d{3})\b")


def addresses(project: Project, mapping_id: str | None) -> dict[str, str]:
    """Who hears of a mapping, as Apprise addresses by name: its own ``notify``, else the default. None: everybody."""
    listed = project.configuration.notify
    every = {name: url for name, url in listed.items() if name != DEFAULT and isinstance(url, str)}
    if mapping_id is None:
        return every
    mapping = project.mappings.get(mapping_id)
    own = mapping.model.notify if mapping is not None else None
    wanted = own if own is not None else _names(listed.get(DEFAULT))
    return {name: every[name] for name in wanted if name in every}


def send(notice: Notice, to: Mapping[str, str], project_name: str, seconds: float = SECONDS) -> dict[str, Problem]:
    """Send a notice to all addresses at once; by name a problem for each that did not take it. Never raises.

    Returns after ``seconds`` at the latest: what was not taken by then counts as not sent, although it may come.
    """
    title, body, kind = _title(notice), _body(notice, project_name), _TYPES.get(notice.kind, "warning")
    ended: queue.SimpleQueue[tuple[str, str | None]] = queue.SimpleQueue()

    def deliver(name: str, url: str) -> None:
        ended.put((name, _deliver(url, title, body, kind)))

    if to:
        _load()
    # Daemons and no pool: a server that is silent must keep nobody from ending the program.
    for name, url in to.items():
        threading.Thread(target=deliver, args=(name, url), daemon=True).start()
    reasons: dict[str, str | None] = {}
    end = time.monotonic() + seconds
    while len(reasons) < len(to):
        try:
            name, reason = ended.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            break
        reasons[name] = reason
    late = _("no answer within {seconds} s").format(seconds=f"{seconds:g}")
    failed = {name: reasons.get(name, late) for name in to}
    return {name: _not_sent(name, reason) for name, reason in failed.items() if reason is not None}


@cache
def _load() -> None:
    """Have Apprise import its plugins, which takes a while, and which warn of what they import."""
    with suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import apprise

        apprise.Apprise().add("json://localhost")


def _deliver(url: str, title: str, body: str, kind: str) -> str | None:
    """Why the address did not take it, in words without any secret; None where it did."""
    try:
        import apprise

        _silence()
        sender = apprise.Apprise()
        if not sender.add(url):
            return _("its address is none that Apprise knows (see https://github.com/caronc/apprise/wiki)")
        result = sender.notify(body=body, title=title, notify_type=kind, body_format=apprise.NotifyFormat.TEXT)
        if result:
            return None
        # Of what Apprise says only the number: the rest may hold parts of the address.
        said = " ".join(entry.message for entry in result.logs())
    except Exception as error:  # plugins of many hands: one that breaks must not take the engine along
        return _("an error inside of Apprise ({kind})").format(kind=type(error).__name__)
    status = _STATUS.search(said)
    if status is not None:
        return _("the server answered with status {status}").format(status=status[1])
    return _("the server was not reached, or did not accept it")


def _silence() -> None:
    for name in _CHATTY:
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.addHandler(_MUTE)


def _not_sent(name: str, reason: str) -> Problem:
    message = _("The notice to {name} could not be sent: {reason}.").format(name=name, reason=reason)
    hint = _("Check the address {name} under notify in configuration.yaml, then try it: abgleich notify-test.")
    return Problem("notice_not_sent", message, hint.format(name=name))


def _title(notice: Notice) -> str:
    titles = {
        "failed": _("{mapping}: the run has failed"),
        "held": _("{mapping}: a plan waits for an approval"),
        "refused": _("{mapping}: refused, nothing was written"),
        "stale": _("{mapping}: the newest version of the mapping has mistakes"),
        "overdue": _("{mapping}: overdue, no good run for longer than expected"),
        "recovered": _("{mapping}: in order again"),
        "test": _("Test notice"),
    }
    return "abgleich – " + titles[notice.kind].format(mapping=notice.alias or notice.mapping)


def _body(notice: Notice, project_name: str) -> str:
    lines = [notice.text, "", _("Project: {name}").format(name=project_name)]
    if notice.mapping:
        lines += [_("Mapping: {name}").format(name=notice.mapping), _("abgleich status shows what is going on.")]
    return "\n".join(lines).strip()


def _names(listed: object) -> tuple[str, ...]:
    """``default`` may be one name or several."""
    if isinstance(listed, str):
        return (listed,)
    return tuple(name for name in listed if isinstance(name, str)) if isinstance(listed, list | tuple) else ()
