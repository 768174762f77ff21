"""One person, step by step: cells, columns, variables, fields, what the target would get, and how that differs from
what was last sent. Nothing is reached and nothing is changed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from engine.config.load import Mapping as MappingFile
from engine.config.names import name_of
from engine.i18n import _, ngettext
from engine.problems import Problem
from engine.source.base import Value
from engine.source.columns import fits
from engine.state.store import Store
from engine.sync.gather import Known
from engine.sync.owners import known_people, orphan_finder
from engine.sync.plan import ActionPlan, Change, plan_action
from engine.sync.reading import Reading, Row
from engine.sync.record import Owner, Person, Record, differing
from engine.sync.script import Job
from engine.target.base import Target
from engine.template.program import Step

MOST_COMPARED = 5000
MOST_NAMED = 5


def steps_of(job: Job, reading: Reading, row: Row, store: Store | None, made: Mapping[str, Any]) -> dict[str, Any]:
    """How this row became what it is. ``made`` is its preview; ``store`` is None where nothing was ever sent."""
    if row.kept is None:
        return {"cells": [], "where": None, "variables": [], "actions": {}}
    steps = [*row.kept.program.steps(row.kept.given, reading.shared())]
    before = [_shown(step) for step in steps if step.action is None]
    actions: dict[str, Any] = {}
    for block in job.blocks:
        own = [_shown(step) for step in steps if step.action == block.id]
        actions[block.id] = {
            "connection": job.action(block.id).model.connection,
            "where": next((step for step in own if step["name"] == "where"), None),
            "fields": [step for step in own if step["name"] != "where"],
            "outcome": _outcome(job, block.id, row, store, made),
        }
    return {
        "cells": [*_cells(job, row.kept.cells)],
        "joined": len(row.kept.joined),
        "where": next((step for step in before if step["name"] == "where"), None),
        "variables": [step for step in before if step["name"] != "where"],
        "actions": actions,
    }


def _cells(job: Job, cells: Mapping[str, Value]) -> Iterator[dict[str, Any]]:
    """The cells that are read, with the column each gives; of several for one column only one is taken, or all where
    the column is a list of them.
    """
    if job.mapping.columns is None:
        for heading, value in cells.items():
            yield {"heading": heading, "cell": _plain(value), "column": name_of(heading), "taken": True}
        return
    for name, column in job.mapping.columns.items():
        found = [(pattern, [h for h in cells if fits(pattern, h)] or [pattern]) for pattern in column.patterns]
        whole = any("*" in pattern for pattern in column.patterns)
        headings = [heading for _pattern, fitting in found for heading in fitting]
        taken = next((heading for heading in headings if cells.get(heading)), headings[0])
        for heading in headings:
            cell = _plain(cells.get(heading))
            yield {"heading": heading, "cell": cell, "column": name, "taken": whole or heading == taken}


def _shown(step: Step) -> dict[str, Any]:
    fault = step.fault
    return {
        "name": step.name,
        "template": step.written,
        "value": _plain(step.value),
        "type": type_word(step.value) if fault is None else None,
        "code": fault.code if fault is not None else None,
        "message": fault.message if fault is not None else None,
        "hint": (fault.hint or None) if fault is not None else None,
    }


def _plain(value: Any) -> Any:
    """The value as JSON has it; dates and the like as text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def type_word(value: Any) -> str:
    """The kind of a value, the same in every language: text, number, truth, list, mapping, nothing, or Python's own."""
    words: list[tuple[Any, str]] = [
        (bool, "truth"),
        (str, "text"),
        (int | float, "number"),
        (list | tuple | set, "list"),
        (dict, "mapping"),
        (type(None), "nothing"),
    ]
    return next((word for kind, word in words if isinstance(value, kind)), type(value).__name__)


# -- what would become of the person ---------------------------------------------------------------------------------


def _outcome(job: Job, action: str, row: Row, store: Store | None, made: Mapping[str, Any]) -> dict[str, Any]:
    """``status``: created, updated, unchanged, removed, rejected (whoever it is stays as last sent) or none."""
    model, target = job.action(action).model, job.targets[action]
    known = Known()
    if store is not None:
        known = known_people(job.project, Owner(job.mapping.id, action), model.connection, store)
    key = made["key"] or ""
    sent = known.sent.get(key)
    before = sent.record if sent is not None and not sent.is_perhaps else None
    if not key or any(p["severity"] == "error" and p["action"] in (None, action) for p in made["problems"]):
        return _told("rejected", before, None)
    record: Record | None = made["actions"].get(action)
    if record is None:
        removal = model.removal or target.removals[0]
        status = "none" if before is None else "kept" if removal == "keep" else "removed"
        return _told(status, before, None)
    remote = target.remote_of(record)
    other = known.theirs.get(remote or "") or known.claimed.get(remote or "")
    if other is not None:
        return _told("rejected", before, record, reason=_claimed(remote, other))
    return _compared(job, action, target, known, Person(key, record, row.number, row.line))


def _claimed(remote: str | None, other: str) -> str:
    return _("The id {id} is also claimed by the mapping {mapping}.").format(id=remote, mapping=other)


def _compared(job: Job, action: str, target: Target, known: Known, person: Person) -> dict[str, Any]:
    base = ActionPlan(action, job.action(action).model.connection, target.action, "keep")
    planned = plan_action(
        base,
        [person],
        (),
        known.sent,
        known.orphans,
        target.loses,
        target.remote_of,
        target.creation_only,
        orphan_of=orphan_finder(known.orphans),
    )
    change: Change | None = next(iter(planned.changes), None)
    if change is None:
        return _told("unchanged", person.record, person.record)
    fault = target.unchangeable(change.before, person.record) if change.before is not None else None
    if fault is not None:
        return _told("rejected", change.before, person.record, reason=fault.fault.message)
    told = _told(change.kind, change.before, person.record)
    return told | {"loses": change.loses}


def _told(status: str, before: Record | None, after: Record | None, reason: str | None = None) -> dict[str, Any]:
    changed = differing(before, after) if status == "updated" else {}
    return {
        "status": status,
        "reason": reason,
        "loses": False,
        "last_sent": before,
        "changes": {name: list(pair) for name, pair in changed.items()},
    }


# -- who is not there ------------------------------------------------------------------------------------------------


class Search:
    """A search for one key: the keys it came across, and who holds the text in another column. For people who type a
    name; what it says is for whoever asked, and never for a log.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self.keys: list[str] = []
        self.holding: dict[tuple[str, ...], list[str]] = {}
        """Headings -> the keys of the rows that hold the text there, or one word of it in each."""
        self._whole = _plain_words(key)

    def pass_by(self, row: Row) -> None:
        """A row of the list."""
        known = row.rendered.key or row.left_out
        if not known:
            return
        self.keys.append(known)
        if row.kept is not None and (headings := self._where(row.kept.cells)):
            self.holding.setdefault(headings, []).append(known)

    def _where(self, cells: Mapping[str, Value]) -> tuple[str, ...]:
        plain = {heading: _plain_words(value) for heading, value in cells.items() if isinstance(value, str) and value}
        for heading, words in plain.items():
            if words == self._whole:
                return (heading,)
        # First and last name stand in columns of their own, in any order.
        single = {words[0]: heading for heading, words in plain.items() if len(words) == 1}
        if len(self._whole) > 1 and all(word in single for word in self._whole):
            return tuple(single[word] for word in self._whole)
        return ()


def _plain_words(text: str) -> list[str]:
    return text.replace(",", " ").casefold().split()


def key_heading(mapping: MappingFile) -> str:
    """Where the key of a mapping stands, in the words of the list: a heading, or the name of the variable."""
    name = mapping.model.source.key
    column = (mapping.columns or {}).get(name)
    return " / ".join(column.patterns) if column is not None and column.patterns else name


def not_found(job: Job, search: Search, rows: int, store: Store | None) -> Problem:
    """Nobody has this key: how many rows were looked at, who is meant or near, and whether it was sent before."""
    key, column = search.key, key_heading(job.mapping)
    message = ngettext(
        "No row has the key {key}: {rows} row was looked at.",
        "No row has the key {key}: {rows} rows were looked at.",
        rows,
    ).format(key=key, rows=rows)
    hints = [_holding(headings, keys) for headings, keys in search.holding.items()]
    near = _near(key, search.keys) if not hints else None
    if hints:
        hints.append(_("The key is what stands in {column}.").format(column=column))
    if near is not None:
        hints.append(_("Did you mean {name}?").format(name=near))
    if store is not None and any(
        key in known_people(job.project, Owner(job.mapping.id, block.id), action.connection, store).sent
        for block in job.blocks
        for action in [job.action(block.id).model]
    ):
        hints.append(_("It was sent before: the person has left the list since."))
    if not hints:
        hints.append(_("The key is what stands in {column}; compare it with the list.").format(column=column))
    return Problem("key_not_found", message, " ".join(hints), job.mapping.node.locate(("source", "key")))


def _holding(headings: tuple[str, ...], keys: list[str]) -> str:
    text = ngettext(
        "This stands in {column} of the row with the key {keys}.",
        "This stands in {column} of the rows with the keys {keys}.",
        len(keys),
    )
    more = len(keys) - MOST_NAMED
    shown = ", ".join(keys[:MOST_NAMED])
    if more > 0:
        shown += " " + ngettext("and {n} more", "and {n} more", more).format(n=more)
    return text.format(column=" + ".join(headings), keys=shown)


def _near(key: str, keys: list[str]) -> str | None:
    """The key that is meant: leading zeros and signs are what people leave out."""
    bare = _bare(key)
    for known in keys:
        if _bare(known) == bare:
            return known
    found = difflib.get_close_matches(key, keys[:MOST_COMPARED], n=1, cutoff=0.6)
    return found[0] if found else None


def _bare(key: str) -> str:
    letters = "".join(sign for sign in key.casefold().removesuffix(".0") if sign.isalnum())
    return letters.lstrip("0")
