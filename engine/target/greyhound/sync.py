"""``greyhound.sync``: every person is a contact. Checks, records, and the frame around the writing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from typing import Any, ClassVar

from engine.config.schema import ActionModel, Connection, GreyhoundConnection
from engine.config.words import meant
from engine.http import Unreachable
from engine.i18n import _
from engine.problems import Path, TargetStopped
from engine.sync.plan import ActionPlan, Change
from engine.sync.record import Record, key_fields
from engine.target.base import Effects, FieldFault, Ledger, Outcome, looked_after
from engine.target.greyhound.contact import CONTACT, CREATION_ONLY, FIELDS, bracketed
from engine.target.greyhound.crew import Breaker, Notes, each
from engine.target.greyhound.rpc import Rpc, RpcError, new_client_id, not_reached, refused
from engine.target.greyhound.writing import Done, Writing
from engine.template.faults import Fault, Finding
from engine.template.kinds import INTEGER, AnyKind
from engine.template.program import Field

MATCH_ID = "match.id"
MATCH_KEYS = ("user_field", "id")


class GreyhoundSync:
    """The persons of one action as contacts of one GREYHOUND server."""

    action: ClassVar[str] = "greyhound.sync"
    connection_type: ClassVar[str] = "greyhound"
    fields: ClassVar[Mapping[str, AnyKind]] = FIELDS
    required: ClassVar[tuple[str, ...]] = ("GroupRef", "Subject")
    removals: ClassVar[tuple[str, ...]] = ("keep", "trash", "delete")
    found_by: ClassVar[tuple[str, ...]] = MATCH_KEYS
    replaces_everybody: ClassVar[bool] = False
    creation_only: ClassVar[tuple[str, ...]] = CREATION_ONLY

    def __init__(self, model: ActionModel, connection: Connection) -> None:
        assert isinstance(connection, GreyhoundConnection)
        self.model = model
        self.connection = connection
        match = {name: value for name, value in (model.match or {}).items() if isinstance(value, str)}
        self.match_field = match.get("user_field")
        self.match_id = match.get("id")
        self._rpc: Rpc | None = None

    # -- before any row ----------------------------------------------------------------------------------------------

    def check(self) -> Iterator[tuple[Path, Finding]]:
        """``match`` must say how a contact is found again, by exactly one way."""
        if not self.model.match:
            message = _("`match` is missing: without it every run would make new contacts.")
            yield (), Finding("match_missing", message, _("Add: {line}").format(line="match: {user_field: 6}"))
            return
        yield from self._check_match(self.model.match)
        kind = self.model.fields.get("Kind")
        if kind is not None and str(kind) != str(CONTACT):
            message = _("Kind must be {kind}: abgleich writes contacts only.").format(kind=CONTACT)
            yield ("fields", "Kind"), Finding("kind_not_contact", message, _("Leave Kind out."))

    def _check_match(self, match: Mapping[str, Any]) -> Iterator[tuple[Path, Finding]]:
        for key, value in match.items():
            if key not in MATCH_KEYS:
                near = meant(key, MATCH_KEYS)
                hint = _("Did you mean {name}?").format(name=near) if near else _("Known are: user_field, id.")
                yield (
                    ("match", key),
                    Finding("unknown_key", _("The key {key} is not known here.").format(key=key), hint),
                )
            elif not isinstance(value, str) or not value:
                message = _("A text is expected here, not a list or keys and values.")
                yield ("match", key), Finding("expected_text", message)
        if len(match.keys() & set(MATCH_KEYS)) != 1:
            message = _("`match` takes either user_field or id.")
            hint = _("Write: {line}").format(line="match: {user_field: 6}")
            yield ("match",), Finding("match_missing", message, hint)

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
        if any(bracketed(link) for link in record.get("ComLinks", [])):
            message = _("The text of a link may not hold < or > inside: GREYHOUND puts it between them.")
            faults.append(FieldFault("ComLinks", Fault("link_brackets", message, _("Take the signs out of the text."))))
        if self.match_field:
            fields = {self.match_field: key} | record.get("UserFields", {})
            record["UserFields"] = fields
            if fields[self.match_field] != key:
                faults.append(self._not_key())
        elif MATCH_ID in values:
            record["ID"] = str(values[MATCH_ID])
        return record, faults

    def _not_key(self) -> FieldFault:
        message = _("The user field {field} must hold the key, contacts are found by it.").format(
            field=self.match_field
        )
        hint = _("Leave it out: it is filled by itself.")
        return FieldFault("UserFields", Fault("match_field_not_key", message, hint))

    def misnamed(self, field: str, name: str) -> Fault | None:
        """Any name may be known."""
        return None

    def doubts(self, records: Iterable[Record]) -> Iterator[FieldFault]:
        """Whatever they are, nothing hangs on it."""
        return iter(())

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
        """Change by change, ``requests_at_once`` of them at a time, each noted before it begins and when it is done.

        One bad contact never stops the others; a silent server is left alone.
        """
        changes = (*plan.going, *plan.adopted)
        if not changes:
            return
        rpc = self._open(ledger, effects)
        rpc.patient = True
        writing = self._writing(rpc, plan, ledger)
        try:
            writing.prepare()
        except (RpcError, Unreachable) as error:
            raise self._stopped(error) from None
        breaker = Breaker(rpc)
        coming = [change for change in changes if change.after is not None]
        leaving = [change for change in changes if change.after is None]
        noted = filter(writing.leaves_traces, changes)
        with rpc.kept_alive(), Notes(ledger, noted, {change.key for change in plan.adopted}) as notes:
            for number, (change, done) in enumerate(self._rounds(writing, breaker, notes, coming, leaving), 1):
                notes.take(change, done)
                breaker.saw(done)
                rpc.patient = not breaker.doubtful
                effects.step(number)
                # What stops the whole target is told once, behind the loop.
                if done.stop is None:
                    yield done.outcome
        if breaker.stop is not None:
            raise self._stopped(breaker.stop)
        ledger.finish()

    def _writing(self, rpc: Rpc, plan: ActionPlan, ledger: Ledger) -> Writing:
        everybody = ledger.everybody()
        changes = (*plan.going, *plan.adopted)
        keys = {one.key for one in everybody if one.remote is not None}
        keys |= {change.key for change in changes if keys and change.after is not None}
        doubtful = {change.key for change in changes if change.intended}
        former = [key_fields(one.record, one.key) for one in everybody if one.intended and one.key in doubtful]
        return Writing(self.connection, rpc, plan, self.match_field, keys, former)

    def _rounds(
        self, writing: Writing, breaker: Breaker, notes: Notes, coming: list[Change], leaving: list[Change]
    ) -> Iterator[tuple[Change, Done]]:
        """Who comes or changes first: a contact that somebody else has now is not removed with who had it before."""
        at_once = self.connection.requests_at_once

        def begun(changes: list[Change]) -> Iterator[Change]:
            return map(notes.begun, takewhile(lambda _: breaker.stop is None, changes))

        yield from each(writing.carry_out, begun(coming), at_once)
        if leaving:
            notes.write()
            writing.staying = looked_after(notes.ledger.everybody(), leaving)
        yield from each(writing.carry_out, begun(leaving), at_once)

    def _open(self, ledger: Ledger, effects: Effects) -> Rpc:
        if self._rpc is None:
            client = ledger.client_id(new_client_id)
            self._rpc = Rpc(self.connection, client, effects.sleep)
        return self._rpc

    def _stopped(self, error: RpcError | Unreachable | TargetStopped) -> TargetStopped:
        if isinstance(error, TargetStopped):
            return error
        if isinstance(error, Unreachable):
            hint = _("What was written is noted; the next run does the rest.")
            return TargetStopped(not_reached(self.connection.url, error, hint))
        return TargetStopped(refused(error))

    def close(self) -> None:
        """Close the connections."""
        if self._rpc is not None:
            self._rpc.close()
            self._rpc = None


def _empty(field: str) -> FieldFault:
    message = _("{field} is empty; GREYHOUND takes no contact without it.").format(field=field)
    return FieldFault(field, Fault("field_empty", message, _("Give it a value for every row.")))
