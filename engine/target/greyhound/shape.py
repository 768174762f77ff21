"""PURE: whether an answer has the shape that the rest relies on. Everything behind it may take an item as it is."""

from __future__ import annotations

from typing import Any, cast

from engine.http import Unreachable
from engine.i18n import _

Item = dict[str, Any]


def items(result: Any) -> list[Item]:
    """The entries of a list; a missing result is an empty list. Raises :class:`Unreachable` for anything else."""
    if result is None:
        return []
    if not isinstance(result, list) or not all(_is_item(entry) and "ID" in entry for entry in result):
        raise _unreadable()
    return result


def item(result: Any, wanted: int) -> Item | None:
    """The item asked for, None where there is nothing. Raises :class:`Unreachable` for anything else."""
    if not result and isinstance(result, dict | None):
        return None
    if not _is_item(result):
        raise _unreadable()
    if result.get("ID") != wanted:
        raise Unreachable(_("the answer is about another contact"), True)
    return cast("Item", result)


def new_id(result: Any) -> int:
    """The number of what was made. Raises :class:`Unreachable` where there is none: it may have been made."""
    if not _is_number(result) or not result:
        raise _unreadable()
    return int(result)


def _is_item(value: Any) -> bool:
    """Numbers where we compare numbers, lists of entries where we look into entries; the rest is as it is."""
    if not isinstance(value, dict) or not all(_is_number(value.get(name)) for name in ("ID", "Kind", "Flags")):
        return False
    properties = value.get("Properties")
    if not isinstance(properties, dict | None):
        return False
    contact = (properties or {}).get("Contact")
    if not isinstance(contact, dict | None):
        return False
    links = (contact or {}).get("ComLinks")
    fields = [value.get("UserFields"), value.get("UserValues")]
    return _are_entries(links, ("Kind", "Category")) and all(_are_entries(part, ("FieldRef",)) for part in fields)


def _are_entries(value: Any, numbers: tuple[str, ...]) -> bool:
    return value is None or (
        isinstance(value, list)
        and all(isinstance(entry, dict) and all(_is_number(entry.get(name)) for name in numbers) for entry in value)
    )


def _is_number(value: Any) -> bool:
    """Empty values are left out of answers, so nothing is the number 0."""
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _unreadable() -> Unreachable:
    return Unreachable(_("the answer can't be read"), True)
