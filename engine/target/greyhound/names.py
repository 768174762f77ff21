"""Names of user fields and groups, as people write them, to GREYHOUND's numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from engine.i18n import _
from engine.problems import Problem, did_you_mean
from engine.target.greyhound.rpc import Rpc

FOR_CONTACTS = 256
Numbers = Mapping[str, list[int]]


def number(name: str) -> int | None:
    """The number that stands there instead of a name; None where it is a name."""
    return int(name) if name.isascii() and name.isdecimal() else None


def user_fields(rpc: Rpc) -> Numbers:
    """The user fields that can be written on contacts."""
    found: dict[str, list[int]] = defaultdict(list)
    for entry in rpc.call("RpcUserFields.GetList") or []:
        if int(entry.get("Kinds") or 0) & FOR_CONTACTS and not entry.get("ReadOnly"):
            found[str(entry.get("Name", ""))].append(int(entry["ID"]))
    return found


def group_paths(rpc: Rpc) -> Numbers:
    """All groups by their path."""
    found: dict[str, list[int]] = defaultdict(list)
    for entry in rpc.call("RpcGroups.GetList", False) or []:
        found[str(entry.get("Path") or entry.get("Name", ""))].append(int(entry["ID"]))
    return found


def resolved(names: Collection[str], known: Numbers, what: str) -> tuple[dict[str, int], list[Problem]]:
    """The numbers behind the names, and a problem for every name that stands for none or for several."""
    problems = [_problem(name, known, what) for name in sorted(names) if len(known.get(name, ())) != 1]
    return {name: known[name][0] for name in names if len(known.get(name, ())) == 1}, problems


def _problem(name: str, known: Numbers, what: str) -> Problem:
    if name in known:
        message = _("GREYHOUND has several of the name “{name}” ({what}).").format(what=what, name=name)
        numbers = ", ".join(map(str, known[name]))
        return Problem("greyhound_name_twice", message, _("Write one of the numbers: {names}").format(names=numbers))
    near = did_you_mean(name, known)
    message = _("GREYHOUND has no {what} “{name}” that can be written.").format(what=what, name=name)
    hint = (
        _("Did you mean {name}?").format(name=near) if near else _("Known are: {names}").format(names=", ".join(known))
    )
    return Problem("greyhound_unknown_name", message, hint)
