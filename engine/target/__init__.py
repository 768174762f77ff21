"""The targets, by the name of their action. A new one is a module and a line here."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from engine.target.base import Ping, Target

TARGETS: dict[str, str] = {
    "fe2.sync": "engine.target.fe2.sync:Fe2Sync",
    "greyhound.sync": "engine.target.greyhound.sync:GreyhoundSync",
    "memory.sync": "engine.target.memory:MemorySync",
}
"""Where each target's class is: a target's libraries are loaded only where a mapping needs them."""

PINGS: dict[str, str] = {
    "fe2": "engine.target.fe2.ping:ping",
    "greyhound": "engine.target.greyhound.ping:ping",
}
"""How the servers behind a type of connection are reached without changing anything."""

HIDDEN = frozenset({"memory.sync"})
"""Not for mappings: the core's own tests use it."""


def target_class(action: str) -> type[Target]:
    """The class behind ``action``; raises KeyError for an unknown one."""
    return cast("type[Target]", _loaded(TARGETS[action]))


def ping_of(connection_type: str) -> Ping:
    """How connections of this type are pinged; raises KeyError for an unknown one."""
    return cast("Ping", _loaded(PINGS[connection_type]))


def _loaded(place: str) -> Any:
    module, _colon, name = place.partition(":")
    return getattr(import_module(module), name)
