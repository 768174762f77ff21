"""One run against one GREYHOUND: each change is Lock, Get, Put, Unlock, or one New."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any

from engine.config.schema import GreyhoundConnection
from engine.http import Unreachable
from engine.i18n import _
from engine.problems import Problem, TargetStopped
from engine.sync.plan import ActionPlan, Change
from engine.target.base import Effects, Ledger, Outcome, OutcomeKind, still_held
from engine.target.greyhound import names
from engine.target.greyhound.contact import FieldTwice, is_live_contact, merged, new_item, trashed, value_of
from engine.target.greyhound.index import Index
from engine.target.greyhound.rpc import Rpc, RpcError

LOCK_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)


class Gone(Exception):
    """The contact is not there any more, is in the trash, or is no contact."""


class Stranger(Exception):
    """The contact carries another key: it is not the person's."""


class Locked(Exception):
    """Somebody edits the contact."""


class Ambiguous(Exception):
    """Several contacts carry one key."""


class Writing:
    """The changes of one plan, one at a time. ``match_field`` is None where the source keeps GREYHOUND's ids."""

    def __init__(
        self,
        connection: GreyhoundConnection,
        rpc: Rpc,
        plan: ActionPlan,
        match_field: str | None,
        ledger: Ledger,
        effects: Effects,
    ) -> None:
        self.connection = connection
        self.rpc = rpc
        self.plan = plan
        self.match_field = match_field
        self.ledger = ledger
        self.effects = effects
        self.fields: dict[str, int] = {}
        self.groups: dict[str, int] = {}

    def prepare(self) -> None:
        """Names of groups and user fields -> numbers. Also the first call: a wrong login ends here."""
        self.rpc.call("RpcInfo.GetServerStatus")
        groups: set[str] = set()
        fields = {self.match_field} if self.match_field else set()
        for change in (*self.plan.going, *self.plan.adopted):
            record = change.after or {}
            fields |= set(record.get("UserFields", {}))
            if isinstance(record.get("GroupRef"), str) and change.kind == "created":
                groups.add(record["GroupRef"])
        self.fields = {name: ref for name in fields if (ref := names.number(name)) is not None}
        unnumbered = fields - self.fields.keys()
        problems: list[Problem] = []
        if unnumbered:
            found, problems = names.resolved(unnumbered, names.user_fields(self.rpc), _("user field"))
            self.fields |= found
        if groups:
            self.groups, unknown = names.resolved(groups, names.group_paths(self.rpc), _("group"))
            problems += unknown
        if problems:
            raise TargetStopped(*problems)

    def carry_out(self, change: Change) -> Outcome:
        """One change. Raises :class:`Unreachable` and :class:`RpcError` where it is not known or not allowed."""
        try:
            return self._remove(change) if change.after is None else self._write(change)
        except Gone:
            return failed(change, "contact_missing", _("The contact has disappeared meanwhile."))
        except Locked as error:
            message = _("Somebody edits the contact: {reason}").format(reason=error)
            return Outcome(change.key, "locked", "contact_locked", message, _("The next run tries again."))
        except Stranger as error:
            hint = _("Correct the user field in GREYHOUND.")
            return Outcome(change.key, "conflict", "contact_other_key", str(error), hint)
        except Ambiguous as error:
            message = _("Several contacts carry this key: {ids}.").format(ids=error)
            hint = _("Nothing was written. Leave the key with one of them, or delete the others.")
            return Outcome(change.key, "conflict", "contact_twice", message, hint)
        except FieldTwice as error:
            message = _("The user field {field} is named twice and gets two values.").format(field=error)
            return failed(change, "user_field_twice", message, _("Name every user field once, by number or name."))

    # -- who wants to be there -----------------------------------------------------------------------------------------

    def _write(self, change: Change) -> Outcome:
        contact = self._linked(change)
        if contact is None:
            contact = _only(self._index.find(change.key))
        if contact is None:
            return self._create(change)
        try:
            return self._update(contact, change)
        except Gone:
            return self._again(contact, change)

    def _linked(self, change: Change) -> int | None:
        """The contact the source names, or the one the person was linked with."""
        if self.match_field is None:
            return int((change.after or {})["ID"])
        return None if change.remote is None else int(change.remote)

    def _again(self, lost: int, change: Change) -> Outcome:
        """Deleted over there while the person is still in the source: made again, if nobody else carries the key."""
        if self.match_field is None:
            message = _("Contact {id} is not there.").format(id=lost)
            return failed(change, "contact_missing", message, _("Correct the id in the source."))
        contact = _only(self._index.look_up(change.key))
        if contact == lost:
            return failed(change, "contact_unreadable", _("Contact {id} can't be locked or read.").format(id=lost))
        if contact is not None:
            return self._update(contact, change)
        note = _("Contact {id} was deleted in GREYHOUND and is made again.").format(id=lost)
        return self._create(change, "contact_made_again", note)

    def _create(self, change: Change, code: str = "", note: str = "") -> Outcome:
        record = change.after or {}
        group = self._group(record["GroupRef"])
        if isinstance(group, Problem):
            return failed(change, group.code, group.message, group.hint)
        contact = self._new(new_item(record, group, self.fields, self.connection.text_format), change.key)
        if not contact:
            return failed(change, "greyhound_refused", _("GREYHOUND gave no id for the new contact."))
        self._index.add(change.key, contact)
        self.ledger.done(change, change.after, str(contact))
        return Outcome(change.key, "created", code, note)

    def _group(self, named: int | str) -> int | Problem:
        """The group's number. One that nobody new was meant for is looked up now: a contact is made again."""
        if isinstance(named, int):
            return named
        if named not in self.groups:
            found, problems = names.resolved([named], names.group_paths(self.rpc), _("group"))
            if problems:
                return problems[0]
            self.groups |= found
        return self.groups[named]

    def _new(self, item: dict[str, Any], key: str) -> int:
        try:
            return int(self.rpc.call("RpcItems.New", item, False) or 0)
        except Unreachable as error:
            # The answer is lost: it may have happened. It is never sent again before the key was looked up.
            contact = _only(self._index.look_up(key)) if error.maybe_done else None
            if contact is None:
                raise
            return contact

    def _update(self, contact: int, change: Change) -> Outcome:
        with self._locked(contact):
            item = self._owned(contact, change.key)
            made = merged(item, change.after or {}, self.fields, self.connection.text_format)
            if made is not None:
                self.rpc.call("RpcItems.Put", made)
        self.ledger.done(change, change.after, str(contact))
        kind: OutcomeKind = "updated" if made is not None or change.kind == "updated" else "unchanged"
        if str(contact) == change.remote or self.match_field is None:
            return Outcome(change.key, kind)
        return Outcome(
            change.key, kind, "contact_adopted", _("Contact {id} carried the key already.").format(id=contact)
        )

    # -- who shall go --------------------------------------------------------------------------------------------------

    def _remove(self, change: Change) -> Outcome:
        if change.remote is not None and change.remote not in self._staying:
            with suppress(Gone):
                self._throw_away(int(change.remote), change.key)
        self.ledger.done(change, None, None)
        return Outcome(change.key, "removed")

    @cached_property
    def _staying(self) -> set[str]:
        return still_held(self.ledger.everybody(), (change for change in self.plan.going if change.after is None))

    def _throw_away(self, contact: int, key: str) -> None:
        with self._locked(contact):
            item = self._owned(contact, key)
            if self.plan.removal == "delete":
                self.rpc.call("RpcItems.Delete", contact)
            else:
                self.rpc.call("RpcItems.Put", trashed(item))

    # -- one contact ---------------------------------------------------------------------------------------------------

    def _owned(self, contact: int, key: str) -> dict[str, Any]:
        """The item, checked: a contact, not in the trash, and carrying exactly this key."""
        item = self.rpc.call("RpcItems.Get", contact, False)
        if not isinstance(item, dict) or not is_live_contact(item):
            raise Gone
        if self.match_field is not None:
            value = value_of(item, self.fields[self.match_field])
            if value != key:
                message = _("Contact {id} carries the key “{value}” and not “{key}”: nothing was written.")
                raise Stranger(message.format(id=contact, value=value, key=key))
        return item

    @contextmanager
    def _locked(self, contact: int) -> Iterator[None]:
        """Locked for writing, and unlocked always, also where the answer to Lock was lost."""
        try:
            self._lock(contact)
        except Unreachable as error:
            if error.maybe_done:
                self._unlock(contact)
            raise
        try:
            yield
        finally:
            self._unlock(contact)

    def _lock(self, contact: int) -> None:
        """Lock, with a few tries: whoever edits the contact may be done soon."""
        retries = self.connection.lock_retries
        pauses = (*LOCK_PAUSES[:retries], *[LOCK_PAUSES[-1]] * (retries - len(LOCK_PAUSES)))
        for pause in (*pauses, None):
            try:
                self.rpc.call("RpcItems.Lock", contact)
                return
            except RpcError as error:
                if self._missing(contact):
                    raise Gone from None
                if pause is None:
                    raise Locked(str(error)) from None
                self.effects.sleep(pause)

    def _missing(self, contact: int) -> bool:
        try:
            return not is_live_contact(self.rpc.call("RpcItems.Get", contact, False))
        except RpcError:
            return True

    def _unlock(self, contact: int) -> None:
        try:
            self.rpc.call("RpcItems.Unlock", contact)
        except (RpcError, Unreachable, TargetStopped):
            # The write is done; the lock dies by itself after 60 s.
            return

    # -- the index -----------------------------------------------------------------------------------------------------

    @cached_property
    def _index(self) -> Index:
        assert self.match_field is not None
        return Index(self.rpc, self.fields[self.match_field], self._list_params())

    def _list_params(self) -> int:
        """How many parameters ``RpcItems.GetList`` takes: by the server's version, if nobody says it."""
        if self.connection.getlist_params != "auto":
            return int(self.connection.getlist_params)
        try:
            info = self.rpc.call("RpcInfo.GetServerInfo", False)
        except RpcError:
            return 8
        version = str(info.get("Version", "")) if isinstance(info, dict) else ""
        numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
        if not numbers or numbers >= (5, 5):
            return 8
        return 7 if numbers >= (5,) else 6


def failed(change: Change, code: str, message: str, hint: str = "") -> Outcome:
    """A change that did not happen."""
    return Outcome(change.key, "failed", code, message, hint or _("The next run tries again."))


def _only(contacts: Sequence[int]) -> int | None:
    if len(contacts) > 1:
        raise Ambiguous(", ".join(map(str, contacts)))
    return contacts[0] if contacts else None
