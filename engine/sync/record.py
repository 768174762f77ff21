"""PURE: people as the targets get them, and how two states of one person differ."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as the source wants them: ``record`` holds the target's fields; ``row`` and ``line`` say where from."""

    key: str
    record: Record
    row: int
    line: int


@dataclass(frozen=True, slots=True)
class Owner:
    """Who brought a person to a connection."""

    mapping: str
    action: str


@dataclass(frozen=True, slots=True)
class Sent:
    """Somebody as last sent. ``remote`` is the id over there: FE2's externalDbId, GREYHOUND's contact.

    ``intended``: a later write was begun and never confirmed, so what the target holds of them is not known.
    """

    owner: Owner
    key: str
    record: Record
    remote: str | None = None
    intended: bool = False

    @property
    def is_perhaps(self) -> bool:
        """Nobody knows whether they were ever created; ``record`` is what was meant to be sent."""
        return self.intended and self.remote is None


def key_fields(record: Mapping[str, Any], key: str) -> set[str]:
    """The user fields in which a contact carries its key."""
    return {name for name, value in record.get("UserFields", {}).items() if value == key}


def differing(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, tuple[Any, Any]]:
    """The fields whose values differ, with both; a field that is missing on one side counts as None there."""
    old, new = before or {}, after or {}
    return {
        name: (old.get(name), new.get(name))
        for name in [*new, *(n for n in old if n not in new)]
        if old.get(name) != new.get(name)
    }


def digest(value: Any) -> str:
    """A hash that is the same for the same JSON value."""
    written = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()
