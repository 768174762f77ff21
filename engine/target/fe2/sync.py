"""``fe2.sync``: one call that replaces everybody.

Whoever is missing in a sync is deleted there and no longer alarmed (vendor page „API - Automatische Synchronisation des
FE2 Adressbuches“). So the body always holds the persons of all mappings of the connection, and is never empty.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from engine.config.schema import ActionModel, Connection, Fe2Connection
from engine.http import Answer, Http, Unreachable, json_body, repeated
from engine.i18n import _, ngettext
from engine.problems import Path, Problem, TargetStopped, did_you_mean
from engine.sync.plan import ActionPlan, Change
from engine.sync.record import Record, Sent
from engine.target.base import Effects, FieldFault, Ledger, Outcome
from engine.target.fe2 import answers, server
from engine.template.check import is_template
from engine.template.faults import Fault, Finding
from engine.template.kinds import NAMES, TEXT, AnyKind, as_text
from engine.template.program import Field

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
MODE = "aPagerProFieldMode"
LEGACY, TOKEN = "LEGACY", "TOKEN"

_NUMBER = re.compile(r"0049[1-9][0-9]{5,13}")
LEAST_FIXED = 5
_GERMAN_FIXED = re.compile(r"0049(?!1[567])")
_ANY_NUMBER = re.compile(r"00[1-9][0-9]{5,15}")
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>.]+")


class Fe2Sync:
    """``fe2.sync``: the persons of one action become part of the organisation's address book."""

    action: ClassVar[str] = "fe2.sync"
    connection_type: ClassVar[str] = "fe2"
    fields: ClassVar[Mapping[str, AnyKind]] = FIELDS
    required: ClassVar[tuple[str, ...]] = ("externalDbId", "alarmGroups")
    removals: ClassVar[tuple[str, ...]] = ("sync", "delete", "keep")
    found_by: ClassVar[tuple[str, ...]] = ()
    replaces_everybody: ClassVar[bool] = True
    creation_only: ClassVar[tuple[str, ...]] = ()

    def __init__(self, model: ActionModel, connection: Connection) -> None:
        assert isinstance(connection, Fe2Connection)
        self.model = model
        self.connection = connection
        self.alarm_groups = None if connection.alarm_groups is None else [as_text(g) for g in connection.alarm_groups]
        self._http: Http | None = None
        self._answered = False

    def check(self) -> Iterator[tuple[Path, Finding]]:
        """What the version of the server lacks, and a key that fits no header."""
        wrong = server.version_problem(self.connection)
        for key, problem in (("fe2_version", wrong), ("access_key", server.key_problem(self.connection))):
            if problem is not None:
                yield ("connection", key), Finding(problem.code, problem.message, problem.hint)
        if wrong is None:
            yield from self._check_lacks()
            yield from self._check_pager()

    def _check_lacks(self) -> Iterator[tuple[Path, Finding]]:
        if self.model.removal == "delete" and self._is_older(server.DELETE_SINCE):
            problem = self._too_old()
            yield ("removal",), Finding(problem.code, problem.message, problem.hint)
        if self.model.fields.get(MODE) is not None and self._is_older(server.MODE_SINCE):
            message = _("FE2 {version} does not know {field}: it is not sent.").format(
                version=self.connection.fe2_version, field=MODE
            )
            hint = _("Leave the field out, or update FE2 to {version} and correct fe2_version in configuration.yaml.")
            shown = hint.format(version=server.written(server.MODE_SINCE))
            yield ("fields", MODE), Finding("fe2_version_lacks", message, shown, severity="warning")

    def _check_pager(self) -> Iterator[tuple[Path, Finding]]:
        """What every person would be told, as far as the mapping writes the pager's fields itself.

        Only told: the target's rules reject rows (dsl.md §5), and `where` may leave all of them out.
        """
        address, mode = (self.model.fields.get(name) or "" for name in ("aPagerPro", MODE))
        if not isinstance(address, str) or not isinstance(mode, str) or is_template(mode):
            return
        mode = "" if self._is_older(server.MODE_SINCE) else mode.strip()
        found = [_with_token()] if is_template(address) and mode == TOKEN else []
        found += _pager_rules("" if is_template(address) else address.strip(), mode)
        for one in found:
            fault = one.fault
            yield ("fields", str(one.field)), Finding(fault.code, fault.message, fault.hint, severity="warning")

    def extra_fields(self) -> tuple[Field, ...]:
        """FE2 needs nothing beyond its fields."""
        return ()

    # -- one person --------------------------------------------------------------------------------------------------

    def record(self, key: str, values: Mapping[str, Any]) -> tuple[Record, list[FieldFault]]:
        """All fields of the vendor's sample; what is not named, or not sent to this version, is ``""`` or ``[]``."""
        record: Record = {name: values.get(name, [] if kind is NAMES else "") for name, kind in FIELDS.items()}
        own_id = record["externalDbId"]
        record["externalDbId"] = self.connection.id_prefix + own_id
        faults = [*_id_rules(own_id, record["externalDbId"]), *self._rules(record)]
        if self._is_older(server.MODE_SINCE):
            record[MODE] = ""
        return record, faults

    def _rules(self, record: Record) -> Iterator[FieldFault]:
        yield from _pager_rules(record["aPagerPro"], record["aPagerProFieldMode"])
        if self.model.fields.get("lastName") is not None and not record["firstName"] + record["lastName"]:
            shown = _("The person has no name.")
            hint = _("Is the row a person at all? If not, leave it out with `where`, or with `skip_footer` at the end.")
            yield _fault("lastName", "name_empty", shown, hint, warning=True)
        if record["mobil"] and not _ANY_NUMBER.fullmatch(record["mobil"]):
            yield _fault(
                "mobil",
                "number_form",
                _("mobil: FE2 expects 0049…, not “{value}”.").format(value=record["mobil"]),
                _("Use the filter phone: {example}").format(example="{{ … | phone }}"),
                warning=True,
            )
        for group in record["alarmGroups"]:
            fault = self.misnamed("alarmGroups", group)
            if fault is not None:
                yield FieldFault("alarmGroups", fault)

    def misnamed(self, field: str, name: str) -> Fault | None:
        """Names match exactly, and case counts (vendor page): `alarm_groups` of the connection says what FE2 has."""
        if field != "alarmGroups" or self.alarm_groups is None or name in self.alarm_groups:
            return None
        message = _("The alarm group “{name}” is not among alarm_groups of the connection.").format(name=name)
        near = did_you_mean(name, self.alarm_groups, cutoff=0.85)
        if near:
            return Fault("unknown_alarm_group", message, _("Did you mean {name}?").format(name=near))
        hint = _("If FE2 has it, add it to alarm_groups in configuration.yaml. There are: {names}")
        return Fault("unknown_alarm_group", message, hint.format(names=", ".join(self.alarm_groups)))

    def doubts(self, records: Iterable[Record]) -> Iterator[FieldFault]:
        """A list of which nobody is in an alarm group, or of which most mobile numbers are in the landline.

        A few are no oddity: where somebody has no mobile phone, mappings take what there is.
        `alarmGroups: []` in the mapping says that it is meant.
        """
        count = alarmed = numbers = fixed = 0
        for record in records:
            count += 1
            alarmed += bool(record["alarmGroups"])
            numbers += bool(record["mobil"])
            fixed += _GERMAN_FIXED.match(record["mobil"]) is not None
        if count and not alarmed and self.model.fields.get("alarmGroups") != []:
            message = ngettext(
                "Nobody would be alarmed: the {count} person is in no alarm group.",
                "Nobody would be alarmed: not one of the {count} persons is in an alarm group.",
                count,
            )
            hint = _("Look at `alarmGroups` in the mapping. If nobody shall be alarmed, write `alarmGroups: []` there.")
            yield _fault("alarmGroups", "nobody_alarmed", message.format(count=count), hint, warning=True)
        if fixed >= LEAST_FIXED and fixed * 2 > numbers:
            message = ngettext(
                "{count} person gets a number of the landline as the mobile one.",
                "{count} persons get a number of the landline as the mobile one.",
                fixed,
            )
            hint = _("Name the column of the mobile number first: `handy: [Mobil privat, Mobil dienstlich]`.")
            yield _fault("mobil", "mobile_is_landline", message.format(count=fixed), hint, warning=True)

    def remote_of(self, record: Record) -> str | None:
        """The externalDbId with the connection's prefix."""
        return str(record["externalDbId"])

    def loses(self, before: Record, after: Record) -> bool:
        """Without alarm groups or without a pager address nobody is alarmed: as bad as a removal."""
        return any(before.get(name) and not after.get(name) for name in ("alarmGroups", "aPagerPro"))

    def unchangeable(self, before: Record, after: Record) -> FieldFault | None:
        """The id is for ever: FE2 would delete the person and make a new one. The pager mode is as well."""
        return self._changed_id(before, after) or self._changed_mode(before, after)

    def _changed_id(self, before: Record, after: Record) -> FieldFault | None:
        if before["externalDbId"] == after["externalDbId"]:
            return None
        message = _("externalDbId would change from {before} to {after}; FE2 would delete the person.").format(
            before=before["externalDbId"], after=after["externalDbId"]
        )
        hint = _("Put the old id back. If the person really is another one, give the row another key.")
        return _fault("externalDbId", "id_changed", message, hint)

    def _changed_mode(self, before: Record, after: Record) -> FieldFault | None:
        """A token is made when FE2 creates the person, which no sync can change later (vendor page)."""
        old, new = (record.get(MODE) or LEGACY for record in (before, after))
        if old == new or self._is_older(server.MODE_SINCE):
            return None
        message = _(
            "aPagerProFieldMode would change from {before} to {after}; FE2 can't change it for a known person."
        ).format(before=old, after=new)
        hint = _(
            "Put {before} back for this person. To really change it: leave the person out of the list for one run, so "
            "that FE2 deletes them (“Person löschen erlauben” must be ticked there), then bring them back: FE2 creates "
            "them anew."
        ).format(before=old)
        return _fault(MODE, "pager_mode_changed", message, hint)

    # -- writing -----------------------------------------------------------------------------------------------------

    def apply(self, plan: ActionPlan, ledger: Ledger, effects: Effects) -> Iterator[Outcome]:
        """DELETE each first where ``removal`` is delete, then one sync with everybody of the connection.

        ``removal`` erase deletes singly and sends no list (``abgleich forget``).
        """
        if not (plan.going or plan.adopted or plan.resend):
            return
        singly = plan.removal in ("delete", "erase")
        deleted = [change for change in plan.going if change.kind == "removed" and singly]
        if deleted and self._is_older(server.DELETE_SINCE):
            raise TargetStopped(self._too_old(erase=plan.removal == "erase"))
        listed = [change for change in plan.going if not (change.kind == "removed" and singly)]
        body = self.body(ledger.everybody(), plan)
        if not body["personList"] and (listed or not deleted):
            raise TargetStopped(_empty_list())
        certain = ledger.is_certain()
        self._answered = False
        ledger.begin()
        yield from self._delete_each(plan, deleted, body, ledger, effects)
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
        if self._is_older(server.MODE_SINCE):
            return {name: value for name, value in record.items() if name != MODE}
        return record

    def _is_older(self, since: server.Version) -> bool:
        return server.is_older(self.connection, since)

    def _too_old(self, erase: bool = False) -> Problem:
        message = _("FE2 {version} can't delete single persons.").format(version=self.connection.fe2_version)
        hint = _("Use removal: sync, or update FE2 to 2.36.")
        if erase:
            hint = _("Take the person out of the list and run the mapping: that deletes them. Or update FE2 to 2.36.")
        return Problem("fe2_too_old", message, hint)

    def _delete_each(
        self, plan: ActionPlan, deleted: Sequence[Change], body: dict[str, Any], ledger: Ledger, effects: Effects
    ) -> Iterator[Outcome]:
        staying = {person["externalDbId"] for person in body["personList"]}
        proven = bool(staying) or plan.removal == "erase"
        unknown = []
        for number, change in enumerate(deleted, 1):
            remote = str(self._id(change.before))
            known = remote in staying or self._delete(remote, effects)
            proven |= known
            effects.step(number)
            if not known:
                unknown.append(change)
                continue
            ledger.done((change, None, None))
            yield Outcome(change.key, "removed")
        if not proven:
            # No sync follows, and nobody was known: an FE2 without this call answers just so.
            raise TargetStopped(answers.nobody_known(len(unknown)))
        for change in unknown:
            ledger.done((change, None, None))
            doubtful = plan.removal == "erase"
            known_as = str(self._id(change.before))
            yield answers.not_known(change.key, known_as) if doubtful else Outcome(change.key, "removed")

    def _sync(self, body: dict[str, Any], effects: Effects) -> None:
        headers = server.headers(self.connection) | {"Content-Type": "application/json"}
        answer = self._repeated("POST", server.SYNC, headers, json_body(body), effects)
        if answer.status != 200 or answer.is_html:
            raise TargetStopped(answers.sync_refused(answer, self.http, len(body["personList"])))

    def _delete(self, remote: str, effects: Effects) -> bool:
        """Delete one person. Whether FE2 knew them: who is gone already is as good as deleted."""
        path = server.PERSON + quote(remote, safe="")
        answer = self._repeated("DELETE", path, server.headers(self.connection), b"", effects)
        if answer.status != 404 and (answer.status not in (200, 204) or answer.is_html):
            raise TargetStopped(answers.delete_refused(answer, self.http))
        return answer.status != 404

    def _repeated(self, method: str, path: str, headers: Mapping[str, str], data: bytes, effects: Effects) -> Answer:
        try:
            answer = repeated(lambda: self.http.send(method, path, headers, data), answers.pauses, effects.sleep)
        except Unreachable as error:
            untouched = not (error.maybe_done or self._answered)
            raise TargetStopped(answers.unreachable(self.connection.url, error, untouched)) from None
        self._answered = True
        return answer

    @property
    def http(self) -> Http:
        """The connection to the server, made when first needed."""
        if self._http is None:
            self._http = server.open_http(self.connection)
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
            MODE,
            "pager_mode_unknown",
            _("aPagerProFieldMode “{value}” is not in FE2's documentation; it is sent as it is.").format(value=mode),
            _("Known are: {names}").format(names=f"{LEGACY}, {TOKEN}"),
            warning=True,
        )
    if not address:
        return
    if mode == TOKEN:
        yield _with_token()
    elif not (_NUMBER.fullmatch(address) or _EMAIL.fullmatch(address)):
        yield _fault(
            "aPagerPro",
            "pager_address",
            _("aPagerPro takes an e-mail address or a mobile number as 0049…, not “{value}”.").format(value=address),
            _("For numbers use the filter phone: {example}").format(example="{{ … | phone }}"),
        )


def _with_token() -> FieldFault:
    message = _("With aPagerProFieldMode TOKEN the field aPagerPro must be empty.")
    return _fault("aPagerPro", "pager_with_token", message, _("Leave aPagerPro out, or use LEGACY."))


def _empty_list() -> Problem:
    message = _("The list for FE2 would be empty; an empty list is never sent.")
    return Problem(
        "empty_list", message, _("It would delete everybody. Use `removal: delete` to remove the last persons.")
    )


def _fault(field: str, code: str, message: str, hint: str = "", warning: bool = False) -> FieldFault:
    return FieldFault(field, Fault(code, message, hint), warning)
