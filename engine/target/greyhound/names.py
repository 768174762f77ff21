"""User fields and groups, as people write them (by number, name or path), held against what GREYHOUND has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from engine.http import legible
from engine.i18n import _
from engine.problems import Problem, did_you_mean
from engine.target.greyhound import shape
from engine.target.greyhound.rpc import Rpc

FOR_CONTACTS = 256


@dataclass(frozen=True, slots=True)
class UserField:
    """A user field; only one that contacts have and that is not computed can be written."""

    id: int
    name: str
    on_contacts: bool
    read_only: bool

    @property
    def flaw(self) -> str | None:
        """Why it can't be written on contacts."""
        if not self.on_contacts:
            return _("it does not belong to contacts")
        return _("it is read-only") if self.read_only else None


@dataclass(frozen=True, slots=True)
class Group:
    """A group; ``name`` is its whole path."""

    id: int
    name: str

    @property
    def flaw(self) -> str | None:
        """A group can always be written into, as far as the list tells."""
        return None


Entry = UserField | Group


def number(name: str) -> int | None:
    """The number that stands there instead of a name; None where it is a name."""
    return int(name) if name.isascii() and name.isdecimal() else None


def user_fields(rpc: Rpc) -> list[UserField]:
    """All user fields, by number."""
    found = [
        UserField(
            int(entry["ID"]),
            legible(str(entry.get("Name", ""))),
            isinstance(kinds := entry.get("Kinds"), int) and bool(kinds & FOR_CONTACTS),
            bool(entry.get("ReadOnly")),
        )
        for entry in shape.items(rpc.call("RpcUserFields.GetList"))
    ]
    return sorted(found, key=lambda entry: entry.id)


def groups(rpc: Rpc) -> list[Group]:
    """All groups, by path."""
    found = [
        Group(int(entry["ID"]), legible(str(entry.get("Path") or entry.get("Name", ""))))
        for entry in shape.items(rpc.call("RpcGroups.GetList", False))
    ]
    return sorted(found, key=lambda entry: entry.name.casefold())


def resolved(wanted: Collection[str], known: Iterable[Entry], what: str) -> tuple[dict[str, int], list[Problem]]:
    """The numbers behind what people wrote, and a problem for each that can't be used.

    A server that lists nothing at all proves nothing about numbers: they are taken as they are.
    """
    entries = list(known)
    by_id = {entry.id: entry for entry in entries}
    by_name: Mapping[str, list[Entry]] = defaultdict(list)
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


def _problem(name: str, found: list[Entry], usable: list[Entry], entries: list[Entry], what: str) -> Problem:
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


def _known(entries: Iterable[Entry]) -> str:
    names = ", ".join(f"{entry.name} ({entry.id})" for entry in entries if entry.flaw is None)
    return _("Usable are: {names}").format(names=names or _("none"))
