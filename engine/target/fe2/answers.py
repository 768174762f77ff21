"""What every answer of FE2 means, and what is tried again after which pauses."""

from __future__ import annotations

from collections.abc import Sequence

from engine.http import Answer, Http, Unreachable
from engine.i18n import _, ngettext
from engine.problems import Problem
from engine.target.base import Outcome

# How often and after which pauses a code is repeated (spec: 423 at least three times within three minutes, 503 at most
# twice because a proxy may have answered, everything undocumented at most four times: the sync is idempotent).
BUSY = (2.0, 8.0, 20.0, 45.0)
UNAVAILABLE = (2.0, 5.0)
UNKNOWN = (0.5, 1.0, 2.0, 5.0)
FINAL = frozenset({200, 204, 301, 302, 303, 307, 308, 400, 401, 403, 404, 412})


def pauses(result: Answer | Unreachable) -> Sequence[float]:
    """How long to wait before each further attempt."""
    if isinstance(result, Unreachable):
        return UNKNOWN
    if result.status == 423:
        return BUSY
    if result.status == 503:
        return UNAVAILABLE
    return () if result.status in FINAL else UNKNOWN


def sync_refused(answer: Answer, http: Http, sent: int) -> Problem:
    """Why a sync of so many persons was no clear success."""
    return _with_words(_page() if answer.status == 200 else _explained(answer.status, sent), answer, http)


def delete_refused(answer: Answer, http: Http) -> Problem:
    """Why a person was not deleted singly."""
    if answer.status == 200:
        problem = _page()
    elif answer.status == 403:
        problem = _not_allowed()
    else:
        problem = _explained(answer.status, 1)
    return _with_words(problem, answer, http)


def not_known(key: str, remote: str) -> Outcome:
    """Somebody to be deleted whom FE2 does not know: gone already, or the call itself is not there."""
    message = _("FE2 answers that there is no {id} (code 404).").format(id=remote)
    hint = _("If FE2 still shows the person, delete them there by hand: FE2 before 2.36 gives the same answer.")
    return Outcome(key, "removed", "fe2_person_unknown", message, hint)


def nobody_known(count: int) -> Problem:
    """FE2 says of everybody to be deleted that they are not there."""
    message = ngettext(
        "FE2 answers that it does not know the {count} person to be deleted (code 404).",
        "FE2 answers that it knows none of the {count} persons to be deleted (code 404).",
        count,
    ).format(count=count)
    hint = _(
        "FE2 before 2.36 answers just so and deletes nobody. Does FE2 really show none of them any more? Then take "
        "them out with `abgleich forget`."
    )
    return Problem("fe2_nobody_known", message, hint)


def unreachable(url: str, error: Unreachable, untouched: bool) -> Problem:
    """No answer came. ``untouched``: nothing can have arrived at FE2 either."""
    hint = (
        _("Nothing was sent, FE2 holds what it held before. Mend this and run again: the next run sends it.")
        if untouched
        else _("What FE2 holds is not known now; the next run sends everything again.")
    )
    return Problem("fe2_unreachable", cant_be_reached(url, error.message), hint)


def cant_be_reached(url: str, reason: str) -> str:
    """The message where no answer came."""
    return _("FE2 at {url} can't be reached: {reason}.").format(url=url, reason=reason)


def wrong_address(status: int) -> Problem:
    """Somebody answers, but there is nothing of FE2."""
    return Problem(
        "fe2_path",
        _("There is no FE2 interface at this address (code {status}).").format(status=status),
        _("Check url in configuration.yaml: https or http, name and port as they are in the browser."),
    )


def wrong_key() -> Problem:
    """FE2 does not know the access key."""
    return Problem(
        "fe2_access_key",
        _("FE2 does not accept the access key."),
        _("Copy it again from FE2: settings of the organisation, address book synchronisation, access key."),
    )


def words_of(answer: Answer, http: Http) -> str:
    """What FE2 said, without secrets; nothing where it was a page for people."""
    shown = "" if answer.is_html else http.redact(answer.text).strip()
    return _("FE2 answered: {text}").format(text=shown) if shown else ""


def _with_words(problem: Problem, answer: Answer, http: Http) -> Problem:
    words = words_of(answer, http)
    return Problem(problem.code, problem.message, f"{problem.hint} {words}".strip())


def _page() -> Problem:
    return Problem(
        "fe2_not_fe2",
        _("A web page answered instead of FE2."),
        _("Is the address right, or is a proxy in between? What FE2 holds is not known now."),
    )


def _not_allowed() -> Problem:
    return Problem(
        "fe2_delete_not_allowed",
        _("FE2 does not allow to delete a single person."),
        _("Tick “Person löschen erlauben” in the synchronisation settings of the organisation, or use removal: sync."),
    )


def _explained(status: int, sent: int) -> Problem:
    if 300 <= status < 400 or status == 404:
        return wrong_address(status)
    if status == 401:
        return wrong_key()
    if status == 403:
        return Problem(
            "fe2_quota",
            ngettext(
                "The organisation's quota of persons is too small: {count} was sent.",
                "The organisation's quota of persons is too small: {count} were sent.",
                sent,
            ).format(count=sent),
            _("Raise the quota in FE2 (settings of the organisation), then run again."),
        )
    if status == 412:
        return Problem(
            "fe2_other_organisation",
            _("At least one person belongs to another organisation of this FE2."),
            _("Ids must differ between organisations: set id_prefix in the connection."),
        )
    if status == 423:
        return Problem(
            "fe2_busy",
            _("FE2 is busy with another synchronisation; nothing was changed."),
            _("Run again later. Does another program write to this organisation?"),
        )
    if status == 503:
        return Problem(
            "fe2_not_active",
            _("The synchronisation is not switched on in this organisation, or FE2 is not available."),
            _("Switch on the automatic synchronisation in the settings of the organisation in FE2."),
        )
    return Problem(
        "fe2_answer",
        _("FE2 answered with the code {status}, which its documentation does not name.").format(status=status),
        _("What FE2 holds is not known now; the next run sends everything again."),
    )
