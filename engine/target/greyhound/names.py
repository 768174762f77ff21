"""User fields and groups, as people write them (by number, name or path), held against what GREYHOUND has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from engine.http import legible
from engine.i18n import _
from engine.problems import Problem, did_you_mean
from engine.target.base import Listed
from engine.target.greyhound import shape
from engine.target.greyhound.rpc import Rpc

FOR_CONTACTS = 256


def number(name: str) -> int | None:
    """The number that stands there instead of a name; None where it is a name."""
    return int(name) if name.isascii() and name.isdecimal() else None


def user_fields(rpc: Rpc) -> list[Listed]:
    """All user fields, by number; only one that contacts have and that is not computed can be written."""
    found = [
        Listed(int(entry["ID"]), legible(str(entry.get("Name", ""))), _flaw(entry))
        for entry in shape.items(rpc.call("RpcUserFields.GetList"))
    ]
    return sorted(found, key=lambda entry: entry.id)


def _flaw(entry: Mapping[str, Any]) -> str | None:
    kinds = entry.get("Kinds")
    if not (isinstance(kinds, int) and kinds & FOR_CONTACTS):
        return _("it does not belong to contacts")
    return _("it is read-only") if entry.get("ReadOnly") else None


def groups(rpc: Rpc) -> list[Listed]:
    """All groups with their whole paths, by path."""
    found = [
        Listed(int(entry["ID"]), legible(str(entry.get("Path") or entry.get("Name", ""))))
        for entry in shape.items(rpc.call("RpcGroups.GetList", False))
    ]
    return sorted(found, key=lambda entry: entry.name.casefold())


def resolved(wanted: Collection[str], known: Iterable[Listed], what: str) -> tuple[dict[str, int], list[Problem]]:
    """The numbers behind what people wrote, and a problem for each that can't be used.

    A server that lists nothing at all proves nothing about numbers: they are taken as they are.
    """
    entries = list(known)
    by_id = {entry.id: entry for entry in entries}
    by_name: Mapping[str, list[Listed]] = defaultdict(list)
    for entry in entries:
        by_name[entry.name].append(entry)
    numbers: dict[str, int] = {}
    problems = []
    for name in sorted(wanted):
        written = number(name)
        found = by_name.get(name, []) if written is None else [by_id[written]] if written in by_id else []
        usable = [entry for entry in found if entry.flaw is None]
        if len(usable) == 1:
            numbers[name] = usable[0].id
        elif written is not None and not entries:
            numbers[name] = written
        else:
            problems.append(_problem(name, found, usable, entries, what))
    return numbers, problems


def _problem(name: str, found: list[Listed], usable: list[Listed], entries: list[Listed], what: str) -> Problem:
    if usable:
        message = _("GREYHOUND has several of the name “{name}” ({what}).").format(what=what, name=name)
        numbers = ", ".join(str(entry.id) for entry in usable)
        return Problem("greyhound_name_twice", message, _("Write one of the numbers: {names}").format(names=numbers))
    if found:
        message = _("The {what} “{name}” can't be used: {reason}.").format(what=what, name=name, reason=found[0].flaw)
        return Problem("greyhound_not_writable", message, _known(entries))
    near = did_you_mean(name, [entry.name for entry in entries if entry.flaw is None])
    message = _("GREYHOUND has no {what} “{name}”.").format(what=what, name=name)
    hint = _("Did you mean {name}?").format(name=near) if near else _known(entries)
    return Problem("greyhound_unknown_name", message, hint)


def _known(entries: Iterable[Listed]) -> str:
    names = ", ".join(f"{entry.name} ({entry.id})" for entry in entries if entry.flaw is None)
    return _("Usable are: {names}").format(names=names or _("none"))
