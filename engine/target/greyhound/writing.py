"""The changes of one run: each is Lock, Get, Put, Unlock, or one New. Several may be under way."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property

from engine.config.schema import GreyhoundConnection
from engine.http import Unreachable, legible
from engine.i18n import _, ngettext
from engine.problems import Problem, TargetStopped
from engine.sync.plan import ActionPlan, Change
from engine.target.base import Listed, Outcome, OutcomeKind, Settled
from engine.target.greyhound import names, shape
from engine.target.greyhound.contact import FieldTwice, is_live_contact, merged, new_item, trashed, value_of
from engine.target.greyhound.index import Index
from engine.target.greyhound.rpc import Rpc, RpcError
from engine.target.greyhound.shape import Item

LOCK_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one change. ``settled`` where it took effect; ``in_doubt``: a write was sent and nobody knows what
    became of it; ``silent``: no answer came; ``stop``: nothing else will work either."""

    outcome: Outcome
    settled: Settled | None = None
    in_doubt: bool = False
    silent: bool = False
    stop: TargetStopped | None = None


class Gone(Exception):
    """The contact is not there any more, is in the trash, or is no contact."""


class Stranger(Exception):
    """The contact does not carry the person's key but ``value``, which may be empty."""

    def __init__(self, contact: int, value: str) -> None:
        super().__init__(contact, value)
        self.contact = contact
        self.value = value


class Locked(Exception):
    """Somebody edits the contact."""


class Ambiguous(Exception):
    """Several contacts carry one key."""


REASONS = (Gone, Locked, Stranger, Ambiguous, FieldTwice, RpcError)
"""What may keep one person's change from happening, while the others go on."""


class Writing:
    """The changes of one plan.

    ``match_field`` is None where the source keeps GREYHOUND's ids; ``keys`` are all that we are known to have given to
    contacts. ``former_matches`` are, for everybody in doubt, the user fields in which a contact made then would carry
    the key.

    :meth:`carry_out` may be called by several threads; no two requests for one contact are ever under way.
    """

    def __init__(
        self,
        connection: GreyhoundConnection,
        rpc: Rpc,
        plan: ActionPlan,
        match_field: str | None,
        keys: Collection[str],
        former_matches: Sequence[Collection[str]] = (),
    ) -> None:
        self.connection = connection
        self.rpc = rpc
        self.plan = plan
        self.match_field = match_field
        self._keys = keys
        self._former_matches = former_matches
        self._in_doubt: set[str] = set()
        self.staying: set[str] = set()
        """Contacts that somebody is linked with who stays: they are not removed with anybody else."""
        self._fields: dict[str, int] = {}
        self._groups: dict[str, int | Problem] = {}
        self._asking = threading.Lock()
        self._busy: set[int] = set()
        self._released = threading.Condition()

    def prepare(self) -> None:
        """Names and numbers of user fields and groups are looked at, and who carries which key: nothing is written.

        Also the first call: a wrong login ends here. Raises :class:`TargetStopped` where a field or all groups of the
        mapping can't be used.
        """
        self.rpc.call("RpcInfo.GetServerStatus")
        changes = (*self.plan.going, *self.plan.adopted)
        fields = {name for change in changes for name in (change.after or {}).get("UserFields", {})}
        fields |= {self.match_field} if self.match_field else set()
        self._fields, problems = self._resolved(fields, names.user_fields, _("user field")) if fields else ({}, [])
        groups = {str((change.after or {})["GroupRef"]) for change in changes if change.kind == "created"}
        if groups:
            self._ask_for_groups(groups)
            flaws = [flaw for flaw in self._groups.values() if isinstance(flaw, Problem)]
            # One bad group never stops the others; where all are bad, the mapping is.
            problems += flaws if len(flaws) == len(groups) else []
        if problems:
            raise TargetStopped(*problems)
        self._refuse_another_match()
        if self.match_field and any(self._needs_index(change) for change in changes):
            self._index.read()

    @staticmethod
    def _needs_index(change: Change) -> bool:
        return change.remote is None and change.after is not None

    def _refuse_another_match(self) -> None:
        """Who is in doubt can only be found in the user field that was the match then: another holds others' keys."""
        others = [fields for fields in self._former_matches if fields and self.match_field not in fields]
        if not others:
            return
        known, _problems = self._resolved(set().union(*others), names.user_fields, _("user field"))
        mine = self._fields.get(self.match_field or "")
        lost = [fields for fields in others if mine is None or mine not in {known.get(name) for name in fields}]
        if lost:
            message = ngettext(
                "`match` was changed while it is in doubt whether {count} person was written.",
                "`match` was changed while it is in doubt whether {count} persons were written.",
                len(lost),
            )
            hint = _("Write once more {line}, run, and change it then.")
            line = f"`match: {{user_field: {sorted(lost[0])[0]}}}`"
            raise TargetStopped(Problem("match_changed", message.format(count=len(lost)), hint.format(line=line)))

    def _resolved(
        self, wanted: set[str], read: Callable[[Rpc], Sequence[Listed]], what: str
    ) -> tuple[dict[str, int], list[Problem]]:
        try:
            known = read(self.rpc)
        except RpcError:
            # The user may not see the list: then numbers are taken as they are.
            if any(names.number(name) is None for name in wanted):
                raise
            known = ()
        return names.resolved(wanted, known, what)

    def _ask_for_groups(self, wanted: set[str]) -> None:
        found, problems = self._resolved(wanted, names.groups, _("group"))
        self._groups |= found
        self._groups |= zip(sorted(wanted - found.keys()), problems, strict=True)

    def leaves_traces(self, change: Change) -> bool:
        """Whether a lost answer leaves in doubt what is over there of a person. Contacts that carry the key already are
        nobody's of ours before they are linked: they are never removed because we only meant to."""
        if change.remote is not None or change.intended or self.match_field is None:
            return True
        return not self._index.find(change.key)

    def carry_out(self, change: Change) -> Done:
        """One change, to its end: whatever goes wrong is told by what is returned."""
        done = self._carried_out(change)
        return replace(done, in_doubt=done.settled is None and change.key in self._in_doubt)

    def _carried_out(self, change: Change) -> Done:
        try:
            return self._remove(change) if change.after is None else self._write(change)
        except Unreachable as error:
            message = _("GREYHOUND gave no clear answer: {reason}.").format(reason=error.message)
            hint = _("Whether it was done is not known; the next run looks before it writes.")
            return Done(Outcome(change.key, "failed", "greyhound_silent", message, hint), silent=True)
        except TargetStopped as error:
            return Done(Outcome(change.key, "failed"), stop=error)
        except REASONS as error:
            return _explained(change, error)

    # -- who wants to be there -----------------------------------------------------------------------------------------

    def _write(self, change: Change) -> Done:
        contact = self._linked(change)
        if contact is None:
            contact = _only(self._index.find(change.key))
        if contact is None:
            return self._create(change)
        try:
            return self._update(contact, change)
        except (Gone, Stranger) as why:
            return self._again(contact, change, why)

    def _linked(self, change: Change) -> int | None:
        """The contact the source names, or the one the person was linked with."""
        if self.match_field is None:
            return int((change.after or {})["ID"])
        return None if change.remote is None else int(change.remote)

    def _again(self, lost: int, change: Change, why: Gone | Stranger) -> Done:
        """The contact is not the person's any more, who is still in the source: made again, if nobody carries the key.

        It was deleted, or it is another person's of ours by now: GREYHOUND was set up anew or restored. Where somebody
        gave it a key that nobody has, it may still be the person's, and they must say so.
        """
        if self.match_field is None:
            message = _("Contact {id} is not there.").format(id=lost)
            return _failed(change, "contact_missing", message, _("Correct the id in the source."))
        contact = _only(self._index.look_up(change.key))
        if contact == lost:
            return _unreadable(change, lost)
        if contact is not None:
            return self._update(contact, change)
        note = _("Contact {id} was deleted in GREYHOUND and is made again.").format(id=lost)
        if isinstance(why, Stranger):
            if why.value not in self._keys:
                raise why
            note = _("Contact {id} belongs to the key “{value}” by now: the person gets one of their own.")
            note = note.format(id=lost, value=why.value)
        return self._create(change, "contact_made_again", note)

    def _create(self, change: Change, code: str = "", note: str = "") -> Done:
        record = change.after or {}
        group = self._group(str(record["GroupRef"]))
        if isinstance(group, Problem):
            return _failed(change, group.code, group.message, group.hint)
        contact = self._new(new_item(record, group, self._fields, self.connection.text_format), change.key)
        return Done(Outcome(change.key, "created", code, note), (change, change.after, str(contact)))

    def _group(self, named: str) -> int | Problem:
        """The group's number. One that nobody new was meant for is looked up now: a contact is made again."""
        with self._asking:
            if named not in self._groups:
                self._ask_for_groups({named})
            return self._groups[named]

    def _new(self, item: Item, key: str) -> int:
        try:
            with self._writes(key):
                return shape.new_id(self.rpc.call("RpcItems.New", item, False))
        except Unreachable as error:
            # The answer is lost: it may have happened. It is never sent again before the key was looked up.
            contact = _only(self._index.look_up(key)) if error.maybe_done else None
            if contact is None:
                raise
            return contact

    def _update(self, contact: int, change: Change) -> Done:
        put = False

        def attempt() -> None:
            nonlocal put
            with self._locked(contact):
                item = self._owned(contact, change.key)
                made = merged(item, change.after or {}, self._fields, self.connection.text_format)
                if made is not None:
                    put = True
                    with self._writes(change.key):
                        self.rpc.call_once("RpcItems.Put", made)

        self.rpc.patiently(attempt, _always)
        differs = change.kind == "updated" and change.before != change.after
        kind: OutcomeKind = "updated" if put or differs else "unchanged"
        outcome = Outcome(change.key, kind)
        if str(contact) != change.remote and self.match_field is not None:
            note = _("Contact {id} carried the key already.")
            if change.intended:
                note = _("Contact {id} carried the key already: an earlier run was cut off.")
            outcome = Outcome(change.key, kind, "contact_adopted", note.format(id=contact))
        return Done(outcome, (change, change.after, str(contact)))

    # -- who shall go --------------------------------------------------------------------------------------------------

    def _remove(self, change: Change) -> Done:
        done = Done(Outcome(change.key, "removed"), (change, None, None))
        linked = None if change.remote is None else int(change.remote)
        try:
            if linked is not None and (str(linked) in self.staying or self._thrown_away(linked, change.key)):
                return done
        except Stranger as why:
            if not why.value:
                raise
            note = _("Contact {id} carries the key “{value}” by now: it stays.")
            shown = note.format(id=linked, value=legible(why.value))
            done = replace(done, outcome=Outcome(change.key, "removed", "contact_other_key", shown))
        if self.match_field is None:
            return done
        # Nobody is linked, or the contact seems to be gone: not to be locked or read is not yet to be gone.
        found = self._index.look_up(change.key)
        if linked in found:
            return _unreadable(change, linked or 0)
        perhaps = _only([contact for contact in found if str(contact) not in self.staying]) if change.intended else None
        if perhaps is not None:
            self._thrown_away(perhaps, change.key)
        return done

    def _thrown_away(self, contact: int, key: str) -> bool:
        """Whether the contact was there."""

        def attempt() -> None:
            with self._locked(contact):
                item = self._owned(contact, key)
                with self._writes(key):
                    if self.plan.removal == "delete":
                        self.rpc.call_once("RpcItems.Delete", contact)
                    else:
                        self.rpc.call_once("RpcItems.Put", trashed(item))

        try:
            self.rpc.patiently(attempt, _always)
        except Gone:
            return False
        return True

    @contextmanager
    def _writes(self, key: str) -> Iterator[None]:
        """What is called in here may take effect although no answer comes: the person is in doubt until settled."""
        before = key in self._in_doubt
        self._in_doubt.add(key)
        try:
            yield
        except RpcError:
            self._in_doubt.discard(key)
            raise
        except (Unreachable, TargetStopped) as error:
            if not before and not (isinstance(error, Unreachable) and error.maybe_done):
                self._in_doubt.discard(key)
            raise

    # -- one contact ---------------------------------------------------------------------------------------------------

    def _owned(self, contact: int, key: str) -> Item:
        """The item, checked: a contact, not in the trash, and carrying exactly this key."""
        item = shape.item(self.rpc.call_once("RpcItems.Get", contact, False), contact)
        if item is None or not is_live_contact(item):
            raise Gone
        if self.match_field is not None:
            value = value_of(item, self._fields[self.match_field])
            if value != key:
                raise Stranger(contact, value)
        return item

    @contextmanager
    def _locked(self, contact: int) -> Iterator[None]:
        """Locked for writing, and unlocked always, also where the answer to Lock was lost."""
        with self._alone_with(contact), self.rpc.holding_a_lock():
            self._lock(contact)
            try:
                yield
            finally:
                self._unlock(contact)

    @contextmanager
    def _alone_with(self, contact: int) -> Iterator[None]:
        """GREYHOUND locks for a client, not for a thread: two of ours could both hold the lock."""
        with self._released:
            self._released.wait_for(lambda: contact not in self._busy)
            self._busy.add(contact)
        try:
            yield
        finally:
            with self._released:
                self._busy.discard(contact)
                self._released.notify_all()

    def _lock(self, contact: int) -> None:
        """Lock, with a few tries: whoever edits the contact may be done soon."""
        retries = self.connection.lock_retries
        pauses = (*LOCK_PAUSES[:retries], *[LOCK_PAUSES[-1]] * (retries - len(LOCK_PAUSES)))
        for pause in (*pauses, None):
            try:
                self._ask_for_lock(contact)
                return
            except RpcError as error:
                if self._missing(contact):
                    raise Gone from None
                if pause is None:
                    raise Locked(str(error)) from None
                self.rpc.sleep(pause)

    def _ask_for_lock(self, contact: int) -> None:
        """Where the answer is lost the second one says whose the lock is: our own we may take again."""
        try:
            self.rpc.call_once("RpcItems.Lock", contact)
        except Unreachable as error:
            if not error.maybe_done:
                raise
            try:
                self.rpc.call_once("RpcItems.Lock", contact)
            except Unreachable:
                self._unlock(contact, tries=1)
                raise

    def _missing(self, contact: int) -> bool:
        try:
            return not is_live_contact(shape.item(self.rpc.call_once("RpcItems.Get", contact, False), contact))
        except RpcError:
            return True

    def _unlock(self, contact: int, tries: int = 2) -> None:
        """As well as it goes: the write is done, and a lock that stays dies by itself after 60 s."""
        for _attempt in range(tries):
            with suppress(Unreachable):
                with suppress(RpcError, TargetStopped):
                    self.rpc.call_once("RpcItems.Unlock", contact)
                return

    # -- the index -----------------------------------------------------------------------------------------------------

    @property
    def _index(self) -> Index:
        with self._asking:
            return self._the_index

    @cached_property
    def _the_index(self) -> Index:
        assert self.match_field is not None
        return Index(self.rpc, self._fields[self.match_field], self._list_params(), bool(self._keys))

    def _list_params(self) -> int:
        """How many parameters ``RpcItems.GetList`` takes: by the server's version, if nobody says it."""
        if self.connection.getlist_params != "auto":
            return int(self.connection.getlist_params)
        try:
            info = self.rpc.call("RpcInfo.GetServerInfo", False)
        except RpcError:
            return 8
        version = str(info.get("Version", "")) if isinstance(info, dict) else ""
        numbers = tuple(int(part) for part in re.findall(r"[0-9]{1,9}", version)[:2])
        if not numbers or numbers >= (5, 5):
            return 8
        return 7 if numbers >= (5,) else 6


def _failed(change: Change, code: str, message: str, hint: str = "") -> Done:
    """A change that did not happen."""
    return Done(Outcome(change.key, "failed", code, message, hint or _("The next run tries again.")))


def _explained(change: Change, error: Exception) -> Done:
    """What kept one person's change from happening."""
    match error:
        case Gone():
            return _failed(change, "contact_missing", _("The contact has disappeared meanwhile."))
        case Locked():
            message = _("Somebody edits the contact: {reason}").format(reason=error)
            return Done(Outcome(change.key, "locked", "contact_locked", message, _("The next run tries again.")))
        case Stranger():
            return Done(Outcome(change.key, "conflict", "contact_other_key", *_estranged(change, error)))
        case Ambiguous():
            message = _("Several contacts carry this key: {ids}.").format(ids=error)
            hint = _("Nothing was written. Leave the key with one of them, or delete the others.")
            return Done(Outcome(change.key, "conflict", "contact_twice", message, hint))
        case FieldTwice():
            message = _("The user field {field} is named twice and gets two values.").format(field=error)
            return _failed(change, "user_field_twice", message, _("Name every user field once, by number or name."))
    return _failed(change, "greyhound_refused", _("GREYHOUND refused: {reason}").format(reason=error))


def _estranged(change: Change, error: Stranger) -> tuple[str, str]:
    """What is wrong with a contact that may or may not be the person's, and what to do."""
    message = _("Contact {id}, as which the person was last sent, carries no key any more: nothing was written.")
    if error.value:
        message = _("Contact {id}, as which the person was last sent, carries the key “{value}”: nothing was written.")
    hint = _(
        "Look at the contact in GREYHOUND. If it is this person's, enter {key} as the key again. If it is somebody "
        "else's, enter {key} in the contact that is this person's, or in a new one: the next run takes that."
    )
    return message.format(id=error.contact, value=legible(error.value)), hint.format(key=change.key)


def _unreadable(change: Change, contact: int) -> Done:
    return _failed(change, "contact_unreadable", _("Contact {id} can't be locked or read.").format(id=contact))


def _always(_lost: Unreachable) -> bool:
    return True


def _only(contacts: Sequence[int]) -> int | None:
    if len(contacts) > 1:
        raise Ambiguous(", ".join(map(str, contacts)))
    return contacts[0] if contacts else None
