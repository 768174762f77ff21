"""Rows -> who each action wants, and who could not be taken: every row is accounted for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.i18n import _, ngettext
from engine.problems import Path, Problem
from engine.sync.reading import Row, damage_fault
from engine.sync.record import Person, Record, Sent
from engine.sync.script import Job
from engine.template.faults import Fault
from engine.template.program import Rendered

KEY: Path = ("source", "key")


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row, or one action's part of it, that can't be taken; ``action`` and ``field`` are None before them."""

    row: int
    line: int
    file: str
    key: str | None
    action: str | None
    field: str | None
    code: str
    message: str
    hint: str = ""
    place: str = ""

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Rejection:
        """What :meth:`as_json` wrote; of an old run texts may be gone."""
        known: dict[str, Any] = {name: entry[name] for name in ("row", "line", "key", "action", "field", "code")}
        known |= {name: entry.get(name) or "" for name in ("file", "message", "hint", "place")}
        return cls(**known)

    def as_json(self) -> dict[str, Any]:
        """The shape that cli.md promises under ``rejected``; ``place`` where a line does not say enough."""
        return {
            "row": self.row,
            "file": self.file,
            "line": self.line,
            "place": self.place or None,
            "key": self.key,
            "action": self.action,
            "field": self.field,
            "code": self.code,
            "message": self.message,
            "hint": self.hint or None,
        }


@dataclass(slots=True)
class Known:
    """What the state tells about one action before a run.

    ``theirs`` are the ids of others on the same connection, ``claimed`` those that others claim and this action holds.
    """

    sent: dict[str, Sent] = field(default_factory=dict)
    orphans: dict[str, Sent] = field(default_factory=dict)
    theirs: dict[str, str] = field(default_factory=dict)
    claimed: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Warned:
    """How many rows bring the same warning, and the first of them."""

    first: Row
    count: int = 0


@dataclass(slots=True)
class Gathered:
    """The list as a whole, per action. ``claims`` are ids that this run wants and somebody else has: id -> key.

    ``rejected_remotes`` are ids over there that rejected rows bring: whoever has them stays, under whatever key.
    """

    persons: dict[str, dict[str, Person]]
    selected: int = 0
    unidentified: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    warnings: dict[tuple[str, str, str], Warned] = field(default_factory=dict)
    claims: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    rejected_remotes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def rejected_rows(self, action: str | None = None) -> set[int]:
        """The rows rejected for an action (None: for any)."""
        return {r.row for r in self.rejections if action is None or r.action in (None, action)}

    def rejected_keys(self, action: str) -> set[str]:
        """The keys of rows rejected for an action: whoever they are stays as last sent."""
        return {r.key for r in self.rejections if r.key and r.action in (None, action)}


def gather(job: Job, rows: Iterable[Row], known: Mapping[str, Known], seen: Callable[[int], None]) -> Gathered:
    """Take in all rows. ``seen`` is told now and then how many there were."""
    return _Gatherer(job, known).take(rows, seen)


class _Gatherer:
    def __init__(self, job: Job, known: Mapping[str, Known]) -> None:
        self.job = job
        self.known = known
        self.found = Gathered({block.id: {} for block in job.blocks})
        self.names = {block.id: tuple(entry.name for entry in block.fields) for block in job.blocks}
        self.first: dict[str, Row] = {}
        self.doubled: dict[str, list[Row]] = {}
        self.broken: set[str] = set()

    def take(self, rows: Iterable[Row], seen: Callable[[int], None]) -> Gathered:
        for count, row in enumerate(rows, 1):
            if row.rendered.selected:
                self._row(row)
            if count % 1000 == 0:
                seen(count)
        # The key of a damaged row that has a good row elsewhere: the cells moved, it could be anybody.
        self.found.unidentified += len(self.broken & self.first.keys())
        self._doubles()
        self._protect()
        for block in self.job.blocks:
            self._same_ids(block.id)
            self._others(block.id)
            self._changed_ids(block.id)
            self._held_ids(block.id)
        self._actions_apart()
        return self.found

    def _protect(self) -> None:
        """One bad row of a key spoils the good ones: half a person must not be sent."""
        for rejection in self.found.rejections:
            for action, persons in self.found.persons.items():
                if rejection.key in persons and rejection.action in (None, action):
                    self._keep_remote(action, persons.pop(rejection.key).record)

    def _keep_remote(self, action: str, record: Record) -> None:
        remote = self.job.targets[action].remote_of(record)
        if remote is not None:
            self.found.rejected_remotes[action].add(remote)

    def _row(self, row: Row) -> None:
        rendered = row.rendered
        if row.damaged is not None:
            self._damaged(row)
            return
        self.found.selected += 1
        if any(fault.action is None and fault.path[:1] == ("variables",) for fault in rendered.faults) and (
            self.job.mapping.model.source.key in self.job.mapping.model.variables
        ):
            # The key is computed: what stands in a column of the same name is not the key.
            rendered.key = None
        if not rendered.key:
            self.found.unidentified += 1
            if not any(fault.action is None for fault in rendered.faults):
                self._reject(row, None, None, no_key(self.job), KEY)
                return
        for fault in rendered.faults:
            self._reject(row, fault.action, fault.field, fault.fault, fault.path)
        for note in rendered.notes:
            self._warn(row, note)
        if rendered.key and rendered.key in self.first:
            self.doubled.setdefault(rendered.key, [self.first[rendered.key]]).append(row)
        elif rendered.key:
            self.first[rendered.key] = row
            self._persons(row, rendered, rendered.key)

    def _warn(self, row: Row, fault: Fault) -> None:
        self.found.warnings.setdefault((fault.code, fault.message, fault.hint), Warned(row)).count += 1

    def _damaged(self, row: Row) -> None:
        """Cells may have moved: a key that nobody is known by proves nothing."""
        assert row.damaged is not None
        self._reject(row, None, None, damage_fault(row.damaged))
        key = row.rendered.key
        if row.damaged.nobody:
            return
        if key is None or not any(key in known.sent for known in self.known.values()):
            self.found.unidentified += 1
        else:
            self.broken.add(key)

    def _persons(self, row: Row, rendered: Rendered, key: str) -> None:
        for block, values in zip(self.job.blocks, rendered.values, strict=False):
            if values is None or rendered.fails(block.id):
                continue
            record, faults = self.job.targets[block.id].record(
                key, dict(zip(self.names[block.id], values, strict=True))
            )
            for fault in faults:
                if fault.warning:
                    self._warn(row, fault.fault)
                else:
                    self._reject(row, block.id, fault.field, fault.fault)
            if all(fault.warning for fault in faults):
                self.found.persons[block.id][key] = Person(key, record, row.number, row.line)
            else:
                self._keep_remote(block.id, record)

    def _doubles(self) -> None:
        for key, rows in self.doubled.items():
            message = _("The key {key} stands in several rows (lines {lines}).")
            others = ", ".join(str(row.line) for row in rows)
            if len({row.file for row in rows}) > 1:
                message = _("The key {key} stands in several rows ({places}).")
                others = "; ".join(row.place() for row in rows)
            message = message.format(key=key, lines=others, places=others)
            hint = _("Which one is right? Keep one row, or join them with group_by.")
            for row in rows:
                self._reject(row, None, None, Fault("double_key", message, hint), KEY)

    def _same_ids(self, action: str) -> None:
        target = self.job.targets[action]
        persons = self.found.persons[action]
        by_remote: dict[str, list[Person]] = defaultdict(list)
        for person in persons.values():
            remote = target.remote_of(person.record)
            if remote is not None:
                by_remote[remote].append(person)
        for remote, several in by_remote.items():
            if len(several) < 2:
                continue
            keys = ", ".join(person.key for person in several)
            message = _("The id {id} belongs to several persons of this list: {keys}.").format(id=remote, keys=keys)
            for person in several:
                fault = Fault("same_id", message, _("Every person needs an id of their own."))
                self._drop(action, person, fault)

    def _others(self, action: str) -> None:
        """One id over there, two who claim it: a problem for both, and the person stays as last sent."""
        known, target = self.known[action], self.job.targets[action]
        for person in list(self.found.persons[action].values()):
            remote = target.remote_of(person.record)
            if remote is None:
                continue
            other = known.theirs.get(remote)
            if other is not None:
                self.found.claims[action][remote] = person.key
            other = other or known.claimed.get(remote)
            if other is not None:
                message = _("The id {id} is also claimed by the mapping {mapping}.").format(id=remote, mapping=other)
                hint = _("One person may come from one mapping only: narrow one of the two with `where`.")
                self._drop(action, person, Fault("id_claimed_twice", message, hint))

    def _changed_ids(self, action: str) -> None:
        known, target = self.known[action], self.job.targets[action]
        by_remote = {one.remote: one for one in known.sent.values() if one.remote is not None} | known.orphans
        for person in list(self.found.persons[action].values()):
            # Also who comes under another key, or from a mapping that is gone, is known over there.
            before = known.sent.get(person.key) or by_remote.get(target.remote_of(person.record) or "")
            fault = target.unchangeable(before.record, person.record) if before is not None else None
            if fault is not None:
                self._drop(action, person, fault.fault, fault.field)

    def _held_ids(self, action: str) -> None:
        """An id that a rejected person of this list still holds can't go to another key."""
        target = self.job.targets[action]
        rejected = self.found.rejected_keys(action)
        holders = {one.remote: key for key, one in self.known[action].sent.items() if key in rejected}
        for person in list(self.found.persons[action].values()):
            remote = target.remote_of(person.record)
            holder = holders.get(remote) if remote is not None else None
            if holder is not None and holder != person.key:
                message = _("The id {id} still belongs to {key}, whose row is rejected.").format(id=remote, key=holder)
                self._drop(action, person, Fault("same_id", message, _("Mend that row first.")))

    def _actions_apart(self) -> None:
        """Two actions of one mapping that bring the same id to one connection."""
        wanted: dict[tuple[str, str], list[tuple[str, Person]]] = defaultdict(list)
        for action, persons in self.found.persons.items():
            connection = self.job.action(action).model.connection
            for person in persons.values():
                remote = self.job.targets[action].remote_of(person.record)
                if remote is not None:
                    wanted[connection, remote].append((action, person))
        for (_connection, remote), several in wanted.items():
            names = ", ".join(action for action, _person in several)
            message = _("The id {id} is brought by several actions: {names}.").format(id=remote, names=names)
            for action, person in several if len(several) > 1 else ():
                hint = _("A person may go to a connection once: narrow one of the actions with `where`.")
                self._drop(action, person, Fault("same_id", message, hint))

    def _drop(self, action: str, person: Person, fault: Fault, field_name: str | None = "externalDbId") -> None:
        self.found.persons[action].pop(person.key, None)
        self._keep_remote(action, person.record)
        row = self.first[person.key]
        self._reject(row, action, field_name, fault)

    def _reject(
        self, row: Row, action: str | None, field_name: str | None, fault: Fault, path: Path | None = None
    ) -> None:
        """``path`` is the place of the mapping that could not be made; by default that of the field."""
        made_from = self.job.columns_of(path or self.job.path_of(action, field_name))
        self.found.rejections.append(
            Rejection(
                row.number,
                row.line,
                row.file,
                row.rendered.key,
                action,
                field_name,
                fault.code,
                fault.message,
                fault.hint,
                row.place(made_from),
            )
        )


def no_key(job: Job) -> Fault:
    """Why a row without a key is rejected."""
    message = _("The key {name} is empty: this row could be anybody.").format(name=job.mapping.model.source.key)
    return Fault("key_empty", message, _("Fill it in, or leave the row out with `where`."))


def unmatched_values(job: Job) -> list[Problem]:
    """Every value met that is in no table, once, with its count."""
    found = []
    for (table, value), count in sorted(job.environment.recorder.unmatched.items()):
        message = ngettext(
            "“{value}” is not in the table {table} ({count} time).",
            "“{value}” is not in the table {table} ({count} times).",
            count,
        ).format(value=value, table=table, count=count)
        at = job.mapping.node.locate(("tables", table))
        found.append(Problem("not_in_table", message, _("Add it to the table."), at, "warning"))
    return found
