"""FE2 (Alamos): one call that replaces everybody.

Whoever is missing in a sync is deleted there and no longer alarmed (vendor page „API - Automatische Synchronisation des
FE2 Adressbuches“). So the body always holds the persons of all mappings of the connection, and is never empty.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from engine.config.schema import ActionModel, Connection, Fe2Connection
from engine.http import Answer, Http, Unreachable, json_body, repeated
from engine.i18n import _
from engine.problems import Path, Problem, TargetStopped, did_you_mean
from engine.sync.plan import ActionPlan, Change
from engine.sync.record import Record, Sent
from engine.target.base import Effects, FieldFault, Ledger, Outcome
from engine.template.faults import Fault, Finding
from engine.template.kinds import NAMES, TEXT, AnyKind, as_text
from engine.template.program import Field

SYNC = "/rest/addressbook/sync"
PERSON = "/rest/addressbook/external/persons/"

# Order and names as in the vendor's sample.
FIELDS: dict[str, AnyKind] = {
    "externalDbId": TEXT,
    "firstName": TEXT,
    "lastName": TEXT,
    "note": TEXT,
    "osFunctions": NAMES,
    "osGroups": NAMES,
    "alarmGroups": NAMES,
    "issi": TEXT,
    "xmpp": TEXT,
    "aPagerPro": TEXT,
    "email": TEXT,
    "mobil": TEXT,
    "aPagerProFieldMode": TEXT,
}
MODE_SINCE = (2, 29)
DELETE_SINCE = (2, 36)
LEGACY, TOKEN = "LEGACY", "TOKEN"

# How often and after which pauses a code is repeated (spec: 423 at least three times within three minutes, 503 at most
# twice because a proxy may have answered, everything undocumented at most four times: the sync is idempotent).
BUSY = (2.0, 8.0, 20.0, 45.0)
UNAVAILABLE = (2.0, 5.0)
UNKNOWN = (0.5, 1.0, 2.0, 5.0)
FINAL = frozenset({200, 204, 301, 302, 303, 307, 308, 400, 401, 403, 404, 412})

_NUMBER = re.compile(r"0049[1-9][0-9]{5,13}")
_ANY_NUMBER = re.compile(r"00[1-9][0-9]{5,15}")
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>.]+")


class Fe2Sync:
    """``fe2.sync``: the persons of one action become part of the organisation's address book."""

    action: ClassVar[str] = "fe2.sync"
    connection_type: ClassVar[str] = "fe2"
    fields: ClassVar[Mapping[str, AnyKind]] = FIELDS
    required: ClassVar[tuple[str, ...]] = ("externalDbId", "alarmGroups")
    removals: ClassVar[tuple[str, ...]] = ("sync", "delete", "keep")
    replaces_everybody: ClassVar[bool] = True
    creation_only: ClassVar[tuple[str, ...]] = ()

    def __init__(self, model: ActionModel, connection: Connection) -> None:
        assert isinstance(connection, Fe2Connection)
        self.model = model
        self.connection = connection
        self.version = _version(connection.fe2_version)
        self.alarm_groups = None if connection.alarm_groups is None else [as_text(g) for g in connection.alarm_groups]
        self._http: Http | None = None

    def check(self) -> Iterator[tuple[Path, Finding]]:
        """``removal: delete`` needs FE2 2.36, which the connection may say is not there; the key must fit a header."""
        if self.model.removal == "delete" and self._is_older(DELETE_SINCE):
            problem = self._too_old()
            yield ("removal",), Finding(problem.code, problem.message, problem.hint)
        if not self._key.isprintable():
            message = _("The access_key of the connection holds line ends or control characters.")
            yield ("connection",), Finding("access_key_unusable", message, _("Copy it again from FE2, as one line."))

    def extra_fields(self) -> tuple[Field, ...]:
        """FE2 needs nothing beyond its fields."""
        return ()

    # -- one person --------------------------------------------------------------------------------------------------

    def record(self, key: str, values: Mapping[str, Any]) -> tuple[Record, list[FieldFault]]:
        """All fields of the vendor's sample; what is not named is ``""`` or ``[]``."""
        record: Record = {name: values.get(name, [] if kind is NAMES else "") for name, kind in FIELDS.items()}
        own_id = record["externalDbId"]
        record["externalDbId"] = self.connection.id_prefix + own_id
        return record, [*_id_rules(own_id, record["externalDbId"]), *self._rules(record)]

    def _rules(self, record: Record) -> Iterator[FieldFault]:
        yield from _pager_rules(record["aPagerPro"], record["aPagerProFieldMode"])
        if record["mobil"] and not _ANY_NUMBER.fullmatch(record["mobil"]):
            yield _fault(
                "mobil",
                "number_form",
                _("mobil: FE2 expects 0049…, not “{value}”.").format(value=record["mobil"]),
                _("Use the filter phone: {example}").format(example="{{ … | phone }}"),
                warning=True,
            )
        for group in record["alarmGroups"] if self.alarm_groups is not None else ():
            if group not in (self.alarm_groups or ()):
                near = did_you_mean(group, self.alarm_groups or (), cutoff=0.85)
                yield _fault(
                    "alarmGroups",
                    "unknown_alarm_group",
                    _("The alarm group “{name}” is not among alarm_groups of the connection.").format(name=group),
                    _("Did you mean {name}?").format(name=near)
                    if near
                    else _("If FE2 has it, add it to alarm_groups in configuration.yaml. There are: {names}").format(
                        names=", ".join(self.alarm_groups or ())
                    ),
                )

    def remote_of(self, record: Record) -> str | None:
        """The externalDbId with the connection's prefix."""
        return str(record["externalDbId"])

    def loses(self, before: Record, after: Record) -> bool:
        """Without alarm groups or without a pager address nobody is alarmed: as bad as a removal."""
        return any(before.get(name) and not after.get(name) for name in ("alarmGroups", "aPagerPro"))

    def unchangeable(self, before: Record, after: Record) -> FieldFault | None:
        """The id is for ever: FE2 would delete the person and make a new one, and a token would be lost."""
        if before["externalDbId"] == after["externalDbId"]:
            return None
        message = _("externalDbId would change from {before} to {after}; FE2 would delete the person.").format(
            before=before["externalDbId"], after=after["externalDbId"]
        )
        hint = _("Put the old id back. If the person really is another one, give the row another key.")
        return FieldFault("externalDbId", Fault("id_changed", message, hint))

    # -- writing -----------------------------------------------------------------------------------------------------

    def apply(self, plan: ActionPlan, ledger: Ledger, effects: Effects) -> Iterator[Outcome]:
        """DELETE each first where ``removal`` is delete, then one sync with everybody of the connection.

        ``removal`` erase deletes singly and sends no list (``abgleich forget``).
        """
        if not (plan.going or plan.adopted or plan.resend):
            return
        if plan.removal == "erase" and self._is_older(DELETE_SINCE):
            raise TargetStopped(self._too_old())
        singly = plan.removal in ("delete", "erase")
        deleted = [change for change in plan.going if change.kind == "removed" and singly]
        listed = [change for change in plan.going if not (change.kind == "removed" and singly)]
        body = self.body(ledger.everybody(), plan)
        if not body["personList"] and (listed or not deleted):
            raise TargetStopped(_empty_list())
        certain = ledger.is_certain()
        ledger.begin()
        yield from self._delete_each(deleted, body, ledger, effects)
        if plan.removal == "erase" or not body["personList"]:
            # Without a list nothing is proven about the others.
            if certain:
                ledger.finish()
            return
        self._sync(body, effects)
        ledger.finish((change, self._id(change.after)) for change in (*listed, *plan.adopted))
        for change in listed:
            yield Outcome(change.key, change.kind)

    def body(self, everybody: Sequence[Sent], plan: ActionPlan) -> dict[str, Any]:
        """Everybody last sent over this connection, with this plan's changes: what FE2 holds afterwards."""
        # By key and id: who got another key keeps the id, and must stay when the old key goes.
        leaving = Counter((change.key, self._id(change.before)) for change in plan.going if change.kind == "removed")
        persons: dict[str, Record] = {}
        for one in everybody:
            own = (one.key, self._id(one.record))
            if leaving[own]:
                leaving[own] -= 1
            else:
                persons[one.record["externalDbId"]] = one.record
        for change in plan.going:
            if change.after is not None:
                persons[change.after["externalDbId"]] = change.after
        return {"source": self.connection.source, "personList": [self._wire(person) for person in persons.values()]}

    @staticmethod
    def _id(record: Record | None) -> str | None:
        return None if record is None else str(record["externalDbId"])

    def _wire(self, record: Record) -> Record:
        if self._is_older(MODE_SINCE):
            return {name: value for name, value in record.items() if name != "aPagerProFieldMode"}
        return record

    def _is_older(self, since: tuple[int, ...]) -> bool:
        return self.version is not None and self.version < since

    def _too_old(self) -> Problem:
        message = _("FE2 {version} can't delete single persons.").format(version=self.connection.fe2_version)
        return Problem("fe2_too_old", message, _("Use removal: sync, or update FE2 to 2.36."))

    def _delete_each(
        self, deleted: Sequence[Change], body: dict[str, Any], ledger: Ledger, effects: Effects
    ) -> Iterator[Outcome]:
        staying = {person["externalDbId"] for person in body["personList"]}
        for number, change in enumerate(deleted, 1):
            remote = str(self._id(change.before))
            if remote not in staying:
                self._delete(remote, effects)
            ledger.done(change, None, None)
            effects.step(number)
            yield Outcome(change.key, "removed")

    def _sync(self, body: dict[str, Any], effects: Effects) -> None:
        headers = self._headers() | {"Content-Type": "application/json"}
        answer = self._repeated("POST", SYNC, headers, json_body(body), effects)
        if answer.status != 200 or answer.is_html:
            raise TargetStopped(self._explain(answer, *_explained(answer.status, len(body["personList"]))))

    def _delete(self, remote: str, effects: Effects) -> None:
        answer = self._repeated("DELETE", PERSON + quote(remote, safe=""), self._headers(), b"", effects)
        if answer.status == 404 or (answer.status in (200, 204) and not answer.is_html):
            return
        explained = _not_allowed() if answer.status == 403 else _explained(answer.status, 1)
        raise TargetStopped(self._explain(answer, *explained))

    def _repeated(self, method: str, path: str, headers: Mapping[str, str], data: bytes, effects: Effects) -> Answer:
        try:
            return repeated(lambda: self.http.send(method, path, headers, data), _pauses, effects.sleep)
        except Unreachable as error:
            message = _("FE2 at {url} can't be reached: {reason}.").format(
                url=self.connection.url, reason=error.message
            )
            hint = _("What FE2 holds is not known now; the next run sends everything again.")
            raise TargetStopped(Problem("fe2_unreachable", message, hint)) from None

    @property
    def _key(self) -> str:
        return self.connection.access_key.get_secret_value().strip()

    def _headers(self) -> dict[str, str]:
        # The key as it is, without `Bearer` (vendor page). Keys may hold any character: sent as UTF-8.
        return {"Authorization": self._key}

    def _explain(self, answer: Answer, code: str, message: str, hint: str) -> Problem:
        """The problem behind an answer, with what FE2 said about it."""
        if answer.status == 200:
            code, message = "fe2_not_fe2", _("A web page answered instead of FE2.")
            hint = _("Is the address right, or is a proxy in between? What FE2 holds is not known now.")
        shown = self.http.redact(answer.text).strip()
        if shown and not answer.is_html:
            hint += " " + _("FE2 answered: {text}").format(text=shown)
        return Problem(code, message, hint)

    @property
    def http(self) -> Http:
        """The connection to the server, made when first needed."""
        if self._http is None:
            connection = self.connection
            self._http = Http(
                connection.url, connection.timeout, [self._key], connection.ca_file, connection.verify_tls
            )
        return self._http

    def close(self) -> None:
        """Close the connection to the server."""
        if self._http is not None:
            self._http.close()
            self._http = None


def _id_rules(own_id: str, whole: str) -> Iterator[FieldFault]:
    if not own_id:
        yield _fault("externalDbId", "id_empty", _("externalDbId is empty."), _("Every person needs an id."))
    if whole in (".", ".."):
        yield _fault("externalDbId", "id_invalid", _("externalDbId may not be “.” or “..”."), _("Use another id."))


def _pager_rules(address: str, mode: str) -> Iterator[FieldFault]:
    if mode not in ("", LEGACY, TOKEN):
        yield _fault(
            "aPagerProFieldMode",
            "pager_mode_unknown",
            _("aPagerProFieldMode “{value}” is not in FE2's documentation; it is sent as it is.").format(value=mode),
            _("Known are: {names}").format(names=f"{LEGACY}, {TOKEN}"),
            warning=True,
        )
    if not address:
        return
    if mode == TOKEN:
        message = _("With aPagerProFieldMode TOKEN the field aPagerPro must be empty.")
        yield _fault("aPagerPro", "pager_with_token", message, _("Leave aPagerPro out, or use LEGACY."))
    elif not (_NUMBER.fullmatch(address) or _EMAIL.fullmatch(address)):
        yield _fault(
            "aPagerPro",
            "pager_address",
            _("aPagerPro takes an e-mail address or a mobile number as 0049…, not “{value}”.").format(value=address),
            _("For numbers use the filter phone: {example}").format(example="{{ … | phone }}"),
        )


def _pauses(result: Answer | Unreachable) -> Sequence[float]:
    if isinstance(result, Unreachable):
        return UNKNOWN
    if result.status == 423:
        return BUSY
    if result.status == 503:
        return UNAVAILABLE
    return () if result.status in FINAL else UNKNOWN


def _not_allowed() -> tuple[str, str, str]:
    return (
        "fe2_delete_not_allowed",
        _("FE2 does not allow to delete a single person."),
        _("Tick “Person löschen erlauben” in the synchronisation settings of the organisation, or use removal: sync."),
    )


def _explained(status: int, sent: int) -> tuple[str, str, str]:
    if 300 <= status < 400 or status == 404:
        return (
            "fe2_path",
            _("There is no FE2 interface at this address (code {status}).").format(status=status),
            _("Check url in configuration.yaml: https or http, name and port as they are in the browser."),
        )
    if status == 401:
        return (
            "fe2_access_key",
            _("FE2 does not accept the access key."),
            _("Copy it again from FE2: settings of the organisation, address book synchronisation, access key."),
        )
    if status == 403:
        return (
            "fe2_quota",
            _("The organisation's quota of persons is too small: {count} were sent.").format(count=sent),
            _("Raise the quota in FE2 (settings of the organisation), then run again."),
        )
    if status == 412:
        return (
            "fe2_other_organisation",
            _("At least one person belongs to another organisation of this FE2."),
            _("Ids must differ between organisations: set id_prefix in the connection."),
        )
    if status == 423:
        return (
            "fe2_busy",
            _("FE2 is busy with another synchronisation; nothing was changed."),
            _("Run again later. Does another program write to this organisation?"),
        )
    if status == 503:
        return (
            "fe2_not_active",
            _("The synchronisation is not switched on in this organisation, or FE2 is not available."),
            _("Switch on the automatic synchronisation in the settings of the organisation in FE2."),
        )
    return (
        "fe2_answer",
        _("FE2 answered with the code {status}, which its documentation does not name.").format(status=status),
        _("What FE2 holds is not known now; the next run sends everything again."),
    )


def _empty_list() -> Problem:
    message = _("The list for FE2 would be empty; an empty list is never sent.")
    return Problem(
        "empty_list", message, _("It would delete everybody. Use `removal: delete` to remove the last persons.")
    )


def _fault(field: str, code: str, message: str, hint: str = "", warning: bool = False) -> FieldFault:
    return FieldFault(field, Fault(code, message, hint), warning)


def _version(text: str | None) -> tuple[int, ...] | None:
    found = re.search(r"(?<!\w)[0-9]+(?:\.[0-9]+)*(?!\w)", text or "")
    return tuple(int(number) for number in found[0].split(".")) if found else None
