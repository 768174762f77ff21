"""FE2 (Alamos): one call that replaces everybody.

Whoever is missing in a sync is deleted there and no longer alarmed (vendor page „API - Automatische Synchronisation des
FE2 Adressbuches“). So the body always holds the persons of all mappings of the connection, and is never empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, ClassVar
from urllib.parse import quote

from engine.config.schema import ActionModel, Connection, Fe2Connection
from engine.http import Answer, Http, Unreachable, repeated
from engine.i18n import _
from engine.problems import Path, Problem, TargetStopped, did_you_mean
from engine.sync.plan import ActionPlan
from engine.sync.record import Record, Sent
from engine.target.base import Effects, FieldFault, Ledger, Outcome
from engine.template.faults import Fault, Finding
from engine.template.kinds import NAMES, TEXT, AnyKind
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

# How often and after which pauses a code is repeated (spec: 423 at least three times within three minutes, 503 at most
# twice because a proxy may have answered, everything undocumented at most four times: the sync is idempotent).
BUSY = (2.0, 8.0, 20.0, 45.0)
UNAVAILABLE = (2.0, 5.0)
UNKNOWN = (0.5, 1.0, 2.0, 5.0)
FINAL = frozenset({200, 204, 301, 302, 303, 307, 308, 400, 401, 403, 404, 412})

_NUMBER = re.compile(r"0049[1-9]\d{4,13}")
_ANY_NUMBER = re.compile(r"00[1-9]\d{5,15}")
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+")


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
        self._http: Http | None = None

    def check(self) -> Iterator[tuple[Path, Finding]]:
        """``removal: delete`` needs FE2 2.36, which the connection may say is not there."""
        if self.model.removal == "delete" and self.version is not None and self.version < DELETE_SINCE:
            message = _("FE2 {version} can't delete single persons.").format(version=self.connection.fe2_version)
            yield ("removal",), Finding("fe2_too_old", message, _("Use removal: sync, or update FE2 to 2.36."))

    def extra_fields(self) -> tuple[Field, ...]:
        """FE2 needs nothing beyond its fields."""
        return ()

    # -- one person --------------------------------------------------------------------------------------------------

    def record(self, key: str, values: Mapping[str, Any]) -> tuple[Record, list[FieldFault]]:
        """All fields of the vendor's sample; what is not named is ``""`` or ``[]``."""
        record: Record = {name: values.get(name, [] if kind is NAMES else "") for name, kind in FIELDS.items()}
        faults = list(self._rules(record))
        record["externalDbId"] = self.connection.id_prefix + record["externalDbId"]
        return record, faults

    def _rules(self, record: Record) -> Iterator[FieldFault]:
        if not record["externalDbId"]:
            yield _fault("externalDbId", "id_empty", _("externalDbId is empty."), _("Every person needs an id."))
        if record["externalDbId"] in (".", ".."):
            yield _fault("externalDbId", "id_invalid", _("externalDbId may not be “.” or “..”."), _("Use another id."))
        yield from self._pager(record["aPagerPro"], record["aPagerProFieldMode"])
        if record["mobil"] and not _ANY_NUMBER.fullmatch(record["mobil"]):
            yield _fault(
                "mobil",
                "number_form",
                _("mobil: FE2 expects 0049…, not “{value}”.").format(value=record["mobil"]),
                _("Use the filter phone: {example}").format(example="{{ … | phone }}"),
                warning=True,
            )
        for group in record["alarmGroups"] if self.connection.alarm_groups is not None else ():
            if group not in (self.connection.alarm_groups or ()):
                near = did_you_mean(group, self.connection.alarm_groups or ())
                yield _fault(
                    "alarmGroups",
                    "unknown_alarm_group",
                    _("FE2 has no alarm group “{name}”.").format(name=group),
                    _("Did you mean {name}?").format(name=near)
                    if near
                    else _("The groups of FE2 stand in configuration.yaml under alarm_groups."),
                )

    @staticmethod
    def _pager(address: str, mode: str) -> Iterator[FieldFault]:
        if not address:
            return
        if mode == "TOKEN":
            message = _("With aPagerProFieldMode TOKEN the field aPagerPro must be empty.")
            yield _fault("aPagerPro", "pager_with_token", message, _("Leave aPagerPro out, or use LEGACY."))
        elif not (_NUMBER.fullmatch(address) or _EMAIL.fullmatch(address)):
            yield _fault(
                "aPagerPro",
                "pager_address",
                _("aPagerPro takes an e-mail address or a mobile number as 0049…, not “{value}”.").format(
                    value=address
                ),
                _("For numbers use the filter phone: {example}").format(example="{{ … | phone }}"),
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
        singly = plan.removal in ("delete", "erase")
        removed = [change for change in plan.going if change.kind == "removed" and singly]
        listed = [change for change in plan.going if not (singly and change.kind == "removed")]
        rest = [*listed, *plan.adopted]
        certain = ledger.is_certain()
        body = self.body(ledger.everybody(), plan)
        ledger.begin()
        for change in removed:
            self._delete(str(change.remote), effects)
            ledger.done(change, None, None)
            yield Outcome(change.key, "removed")
        if plan.removal == "erase":
            if certain:
                ledger.finish()
            return
        if body["personList"]:
            self._sync(body, effects)
        elif rest or not removed:
            raise TargetStopped(_empty_list())
        ledger.finish((change, self.remote_of(change.after) if change.after else None) for change in rest)
        for change in listed:
            yield Outcome(change.key, change.kind)

    def body(self, everybody: Sequence[Sent], plan: ActionPlan) -> dict[str, Any]:
        """Everybody last sent over this connection, with this plan's changes: what FE2 holds afterwards."""
        persons = {str(one.remote): one.record for one in everybody}
        for change in plan.going:
            if change.kind == "removed":
                persons.pop(str(change.remote), None)
        for change in plan.going:
            if change.after is not None:
                persons[str(self.remote_of(change.after))] = change.after
        return {"source": self.connection.source, "personList": [self._wire(person) for person in persons.values()]}

    def _wire(self, record: Record) -> Record:
        if self.version is not None and self.version < MODE_SINCE:
            return {name: value for name, value in record.items() if name != "aPagerProFieldMode"}
        return record

    def _sync(self, body: dict[str, Any], effects: Effects) -> None:
        data = json.dumps(body, ensure_ascii=False).encode("utf-8")
        headers = self._headers() | {"Content-Type": "application/json"}
        answer = self._repeated("POST", SYNC, headers, data, effects)
        if answer.status != 200 or answer.is_html:
            raise TargetStopped(self._explain(answer, len(body["personList"])))

    def _delete(self, remote: str, effects: Effects) -> None:
        answer = self._repeated("DELETE", PERSON + quote(remote, safe=""), self._headers(), b"", effects)
        if (answer.status not in (200, 204, 404)) or (answer.is_html and answer.status != 404):
            raise TargetStopped(self._explain(answer, 1))

    def _repeated(self, method: str, path: str, headers: Mapping[str, str], data: bytes, effects: Effects) -> Answer:
        def pauses(result: Answer | Unreachable) -> Sequence[float]:
            if isinstance(result, Unreachable):
                return UNKNOWN
            if result.status == 423:
                return BUSY
            if result.status == 503:
                return UNAVAILABLE
            return () if result.status in FINAL else UNKNOWN

        try:
            return repeated(lambda: self.http.send(method, path, headers, data), pauses, effects.sleep)
        except Unreachable as error:
            message = _("FE2 at {url} can't be reached: {reason}.").format(
                url=self.connection.url, reason=error.message
            )
            hint = _("What FE2 holds is not known now; the next run sends everything again.")
            raise TargetStopped(Problem("fe2_unreachable", message, hint)) from None

    def _headers(self) -> dict[str, str]:
        # The key as it is, without `Bearer` (vendor page). Keys may hold any character: sent as UTF-8.
        return {"Authorization": self.connection.access_key.get_secret_value().strip()}

    def _explain(self, answer: Answer, sent: int) -> Problem:
        """The problem behind a code, as in the vendor's table, with the next step."""
        code, message, hint = _explained(answer.status, sent)
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
            ca_file = FilePath(connection.ca_file) if connection.ca_file else None
            secret = connection.access_key.get_secret_value().strip()
            self._http = Http(connection.url, connection.timeout, [secret], ca_file, connection.verify_tls)
        return self._http

    def close(self) -> None:
        """Close the connection to the server."""
        if self._http is not None:
            self._http.close()


def _explained(status: int, sent: int) -> tuple[str, str, str]:
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
    numbers = re.findall(r"\d+", text or "")
    return tuple(int(number) for number in numbers[:3]) or None
