"""``greyhound.sync``: every person is a contact; each change is Lock, Get, Put, Unlock, or one New."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from engine.config.schema import ActionModel, Connection, GreyhoundConnection
from engine.http import Unreachable
from engine.i18n import _
from engine.problems import Path, Problem, TargetStopped, did_you_mean
from engine.sync.plan import ActionPlan, Change
from engine.sync.record import Record
from engine.target.base import Effects, FieldFault, Ledger, Outcome, OutcomeKind
from engine.target.greyhound.contact import (
    CONTACT,
    CREATION_ONLY,
    DELETED,
    FIELDS,
    is_live_contact,
    merged,
    new_item,
    value_of,
)
from engine.target.greyhound.index import Index
from engine.target.greyhound.rpc import Rpc, RpcError
from engine.template.faults import Fault, Finding
from engine.template.kinds import INTEGER, AnyKind
from engine.template.program import Field

LOCK_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
SILENT_IN_A_ROW = 3
FOR_CONTACTS = 256
MATCH_ID = "match.id"


class Gone(Exception):
    """The contact is not there any more, is in the trash, or is no contact."""


class Stranger(Exception):
    """The contact carries another key: it is not the person's."""


class Locked(Exception):
    """Somebody edits the contact."""


class GreyhoundSync:
    """The persons of one action as contacts of one GREYHOUND server."""

    action: ClassVar[str] = "greyhound.sync"
    connection_type: ClassVar[str] = "greyhound"
    fields: ClassVar[Mapping[str, AnyKind]] = FIELDS
    required: ClassVar[tuple[str, ...]] = ("GroupRef", "Subject")
    removals: ClassVar[tuple[str, ...]] = ("keep", "trash", "delete")
    replaces_everybody: ClassVar[bool] = False
    creation_only: ClassVar[tuple[str, ...]] = CREATION_ONLY

    def __init__(self, model: ActionModel, connection: Connection) -> None:
        assert isinstance(connection, GreyhoundConnection)
        self.model = model
        self.connection = connection
        match = model.match or {}
        self.match_field: str | None = match.get("user_field")
        self.match_id: str | None = match.get("id")
        self._rpc: Rpc | None = None
        self._index: Index | None = None
        self._groups: dict[str, int] = {}
        self._fields: dict[str, int] = {}

    # -- before any row ----------------------------------------------------------------------------------------------

    def check(self) -> Iterator[tuple[Path, Finding]]:
        """``match`` must say how a contact is found again, by exactly one way."""
        match = self.model.match
        if not match:
            message = _("`match` is missing: without it every run would make new contacts.")
            yield (), Finding("match_missing", message, _("Add: {line}").format(line="match: {user_field: 6}"))
            return
        for key in match:
            if key not in ("user_field", "id"):
                near = did_you_mean(key, ("user_field", "id"))
                hint = _("Did you mean {name}?").format(name=near) if near else _("Known are: user_field, id.")
                yield (
                    ("match", key),
                    Finding("unknown_key", _("The key {key} is not known here.").format(key=key), hint),
                )
        if bool(self.match_field) == bool(self.match_id):
            message = _("`match` takes either user_field or id.")
            yield (
                ("match",),
                Finding("match_missing", message, _("Write: {line}").format(line="match: {user_field: 6}")),
            )
        kind = self.model.fields.get("Kind")
        if kind is not None and str(kind) != str(CONTACT):
            message = _("Kind must be {kind}: abgleich writes contacts only.").format(kind=CONTACT)
            yield ("fields", "Kind"), Finding("kind_not_contact", message, _("Leave Kind out."))

    def extra_fields(self) -> tuple[Field, ...]:
        """The template of ``match.id``."""
        if not self.match_id:
            return ()
        return (Field(MATCH_ID, INTEGER, self.match_id, ("match", "id")),)

    # -- one person --------------------------------------------------------------------------------------------------

    def record(self, key: str, values: Mapping[str, Any]) -> tuple[Record, list[FieldFault]]:
        """The fields that the mapping names, and only those; the match field is filled with the key."""
        record: Record = {name: value for name, value in values.items() if name not in (MATCH_ID, "Kind")}
        faults = []
        if not record.get("Subject"):
            faults.append(_empty("Subject"))
        if record.get("GroupRef") in (None, "", 0):
            faults.append(_empty("GroupRef"))
        if self.match_field:
            record["UserFields"] = {self.match_field: key} | record.get("UserFields", {})
            if record["UserFields"][self.match_field] != key:
                message = _("The user field {field} must hold the key, contacts are found by it.").format(
                    field=self.match_field
                )
                hint = _("Leave it out: it is filled by itself.")
                faults.append(FieldFault("UserFields", Fault("match_field_not_key", message, hint)))
        elif MATCH_ID in values:
            record["ID"] = str(values[MATCH_ID])
        return record, faults

    def remote_of(self, record: Record) -> str | None:
        """GREYHOUND's id, where the source keeps it."""
        return record.get("ID")

    def loses(self, before: Record, after: Record) -> bool:
        """Nobody is alarmed from here."""
        return False

    def unchangeable(self, before: Record, after: Record) -> FieldFault | None:
        """Every managed field can change."""
        return None

    # -- writing -----------------------------------------------------------------------------------------------------

    def apply(self, plan: ActionPlan, ledger: Ledger, effects: Effects) -> Iterator[Outcome]:
        """Change by change. One bad contact never stops the others; a silent server is left alone."""
        rpc = self._open(ledger, effects)
        try:
            self._resolve(rpc, plan)
        except (RpcError, Unreachable) as error:
            raise self._stopped(error) from None
        silent = 0
        changes = [*plan.going, *plan.adopted]
        shown = len(plan.going)
        for number, change in enumerate(changes):
            try:
                outcome = self._one(rpc, change, plan.removal, ledger, effects)
                silent = 0
            except Unreachable as error:
                silent += 1
                outcome = _failed(change, "greyhound_silent", _("GREYHOUND: {reason}.").format(reason=error.message))
            except RpcError as error:
                outcome = _failed(change, "greyhound_refused", str(error))
            effects.step(number + 1)
            if number < shown or outcome.kind not in ("unchanged", "updated"):
                yield outcome
            if silent >= SILENT_IN_A_ROW:
                raise self._stopped(Unreachable(_("no answer three times in a row"), True))
        ledger.finish()

    def _one(self, rpc: Rpc, change: Change, removal: str, ledger: Ledger, effects: Effects) -> Outcome:
        try:
            if change.after is None:
                return self._remove(rpc, change, removal, ledger, effects)
            contact, note = self._find(rpc, change)
            if contact is None:
                return self._create(rpc, change, ledger, note)
            try:
                differs = self._update(rpc, contact, change, ledger, effects)
            except Gone:
                # Deleted over there while the person is still in the source: make it again, and say so.
                note = _("Contact {id} was deleted in GREYHOUND and is made again.").format(id=contact)
                return self._again(rpc, change, ledger, effects, note)
            kind: OutcomeKind = "updated" if differs or change.kind == "updated" else "unchanged"
            note = _("Contact {id} carried the key already.").format(id=contact) if change.kind == "created" else ""
            return Outcome(change.key, kind, "contact_adopted" if note else "", note)
        except Locked as error:
            hint = _("The next run tries again.")
            return Outcome(
                change.key,
                "locked",
                "contact_locked",
                _("Somebody edits the contact: {reason}").format(reason=error),
                hint,
            )
        except Stranger as error:
            return Outcome(
                change.key, "conflict", "contact_other_key", str(error), _("Correct the user field in GREYHOUND.")
            )
        except _Ambiguous as error:
            message = _("Several contacts carry this key: {ids}.").format(ids=", ".join(map(str, error.ids)))
            hint = _("Nothing was written. Leave the key with one of them, or delete the others.")
            return Outcome(change.key, "conflict", "contact_twice", message, hint)

    def _find(self, rpc: Rpc, change: Change) -> tuple[int | None, str]:
        """The contact of a person: the one it was linked with, or the one that carries the key."""
        if change.remote is not None:
            return int(change.remote), ""
        if self.match_id and change.after is not None:
            return int(change.after["ID"]), ""
        found = self._indexed(rpc).find(change.key)
        if len(found) > 1:
            raise _Ambiguous(found)
        return (found[0] if found else None), ""

    def _again(self, rpc: Rpc, change: Change, ledger: Ledger, effects: Effects, note: str) -> Outcome:
        if self.match_id:
            message = _("Contact {id} is not there.").format(id=change.remote or (change.after or {}).get("ID"))
            return _failed(change, "contact_missing", message, _("Correct the id in the source."))
        found = self._indexed(rpc).find(change.key)
        if len(found) > 1:
            raise _Ambiguous(found)
        if found and str(found[0]) != change.remote:
            self._update(rpc, found[0], change, ledger, effects)
            return Outcome(change.key, "updated", "contact_adopted", note)
        return self._create(rpc, change, ledger, note)

    def _create(self, rpc: Rpc, change: Change, ledger: Ledger, note: str) -> Outcome:
        record = change.after or {}
        if self.match_id:
            return _failed(change, "contact_missing", _("Contact {id} is not there.").format(id=record.get("ID")))
        named = record["GroupRef"]
        group = self._groups[named] if isinstance(named, str) else int(named)
        item = new_item(record, group, self._fields, self.connection.text_format)
        try:
            contact = int(rpc.call("RpcItems.New", item, False) or 0)
        except Unreachable as error:
            # The answer is lost: it may have happened. It is never sent again before the key was looked up.
            found = self._indexed(rpc).look_up(change.key) if error.maybe_done else []
            if len(found) != 1:
                raise
            contact = found[0]
        if not contact:
            return _failed(change, "greyhound_refused", _("GREYHOUND gave no id for the new contact."))
        self._indexed(rpc).add(change.key, contact)
        ledger.done(change, change.after, str(contact))
        return Outcome(change.key, "created", "contact_made_again" if note else "", note)

    def _update(self, rpc: Rpc, contact: int, change: Change, ledger: Ledger, effects: Effects) -> bool:
        self._lock(rpc, contact, effects)
        try:
            item = self._owned(rpc, contact, change.key)
            made = merged(item, change.after or {}, self._fields, self.connection.text_format)
            if made is not None:
                rpc.call("RpcItems.Put", made)
        finally:
            self._unlock(rpc, contact)
        ledger.done(change, change.after, str(contact))
        return made is not None

    def _remove(self, rpc: Rpc, change: Change, removal: str, ledger: Ledger, effects: Effects) -> Outcome:
        contact = int(change.remote or 0)
        try:
            self._lock(rpc, contact, effects)
        except Gone:
            ledger.done(change, None, None)
            return Outcome(change.key, "removed")
        try:
            item = self._owned(rpc, contact, change.key)
            if removal == "delete":
                rpc.call("RpcItems.Delete", contact)
            else:
                trashed = dict(item) | {"Flags": int(item.get("Flags") or 0) | DELETED, "Protocol": "", "Remarks": ""}
                rpc.call("RpcItems.Put", trashed)
        except Gone:
            pass
        finally:
            self._unlock(rpc, contact)
        ledger.done(change, None, None)
        return Outcome(change.key, "removed")

    def _owned(self, rpc: Rpc, contact: int, key: str) -> dict[str, Any]:
        """The item, checked: a contact, not in the trash, and carrying exactly this key."""
        item = rpc.call("RpcItems.Get", contact, False)
        if not isinstance(item, dict) or not is_live_contact(item):
            raise Gone
        if self.match_field:
            value = value_of(item, self._fields[self.match_field])
            if value != key:
                message = _("Contact {id} carries the key “{value}” and not “{key}”: nothing was written.")
                raise Stranger(message.format(id=contact, value=value, key=key))
        return item

    def _lock(self, rpc: Rpc, contact: int, effects: Effects) -> None:
        """Lock, with a few tries: whoever edits the contact may be done soon."""
        pauses: Sequence[float] = (*LOCK_PAUSES, *[LOCK_PAUSES[-1]] * self.connection.lock_retries)
        for attempt in range(self.connection.lock_retries + 1):
            try:
                rpc.call("RpcItems.Lock", contact)
                return
            except RpcError as error:
                if self._missing(rpc, contact):
                    raise Gone from None
                if attempt == self.connection.lock_retries:
                    raise Locked(str(error)) from None
                effects.sleep(pauses[attempt])

    def _missing(self, rpc: Rpc, contact: int) -> bool:
        try:
            return not is_live_contact(rpc.call("RpcItems.Get", contact, False))
        except RpcError:
            return True

    @staticmethod
    def _unlock(rpc: Rpc, contact: int) -> None:
        try:
            rpc.call("RpcItems.Unlock", contact)
        except (RpcError, Unreachable, TargetStopped):
            # The write is done; the lock dies by itself after 60 s.
            return

    # -- once per run --------------------------------------------------------------------------------------------------

    def _open(self, ledger: Ledger, effects: Effects) -> Rpc:
        if self._rpc is None:
            client = ledger.client_id(lambda: secrets.token_hex(16))
            self._rpc = Rpc(self.connection, client, effects.sleep)
        return self._rpc

    def _resolve(self, rpc: Rpc, plan: ActionPlan) -> None:
        """Names of groups and user fields -> ids, once per run. Also the first call: a wrong login ends here."""
        rpc.call("RpcInfo.GetServerStatus")
        groups, fields = set(), {self.match_field} if self.match_field else set()
        for change in (*plan.going, *plan.adopted):
            record = change.after or {}
            fields |= set(record.get("UserFields", {}))
            if isinstance(record.get("GroupRef"), str) and change.kind == "created":
                groups.add(record["GroupRef"])
        self._fields = {name: int(name) for name in fields if name.isdigit()}
        names = {name for name in fields if not name.isdigit()}
        if names:
            self._fields |= _resolved(names, _user_fields(rpc), _("user field"))
        if groups:
            self._groups = _resolved(groups, _group_paths(rpc), _("group"))

    def _indexed(self, rpc: Rpc) -> Index:
        if self._index is None:
            assert self.match_field is not None
            self._index = Index(rpc, self._fields[self.match_field], self._list_params(rpc))
        return self._index

    def _list_params(self, rpc: Rpc) -> int:
        if self.connection.getlist_params != "auto":
            return int(self.connection.getlist_params)
        try:
            info = rpc.call("RpcInfo.GetServerInfo", False)
        except RpcError:
            return 8
        version = str((info or {}).get("Version", "")) if isinstance(info, dict) else ""
        numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
        if not numbers or numbers >= (5, 5):
            return 8
        return 7 if numbers >= (5,) else 6

    def _stopped(self, error: RpcError | Unreachable) -> TargetStopped:
        if isinstance(error, Unreachable):
            message = _("GREYHOUND at {url} can't be reached: {reason}.").format(
                url=self.connection.url, reason=error.message
            )
            hint = _("What was written is noted; the next run does the rest.")
            return TargetStopped(Problem("greyhound_unreachable", message, hint))
        message = _("GREYHOUND refuses: {reason}").format(reason=error)
        hint = _("Are there too many clients of this user? A user of its own for abgleich is best.")
        return TargetStopped(Problem("greyhound_refused", message, hint))

    def close(self) -> None:
        """Close the connections."""
        if self._rpc is not None:
            self._rpc.close()


class _Ambiguous(Exception):
    def __init__(self, ids: Sequence[int]) -> None:
        super().__init__(str(ids))
        self.ids = ids


def _user_fields(rpc: Rpc) -> dict[str, int]:
    listed = rpc.call("RpcUserFields.GetList") or []
    return {
        str(entry.get("Name", "")): int(entry["ID"])
        for entry in listed
        if int(entry.get("Kinds") or 0) & FOR_CONTACTS and not entry.get("ReadOnly")
    }


def _group_paths(rpc: Rpc) -> dict[str, int]:
    return {
        str(entry.get("Path") or entry.get("Name", "")): int(entry["ID"])
        for entry in rpc.call("RpcGroups.GetList", False) or []
    }


def _resolved(names: set[str], known: Mapping[str, int], what: str) -> dict[str, int]:
    problems = []
    for name in sorted(names):
        if name not in known:
            near = did_you_mean(name, known)
            message = _("GREYHOUND has no {what} “{name}” that can be written.").format(what=what, name=name)
            hint = (
                _("Did you mean {name}?").format(name=near)
                if near
                else _("Known are: {names}").format(names=", ".join(known))
            )
            problems.append(Problem("greyhound_unknown_name", message, hint))
    if problems:
        raise TargetStopped(*problems)
    return {name: known[name] for name in names}


def _failed(change: Change, code: str, message: str, hint: str = "") -> Outcome:
    return Outcome(change.key, "failed", code, message, hint or _("The next run tries again."))


def _empty(field: str) -> FieldFault:
    message = _("{field} is empty; GREYHOUND takes no contact without it.").format(field=field)
    return FieldFault(field, Fault("field_empty", message, _("Give it a value for every row.")))
