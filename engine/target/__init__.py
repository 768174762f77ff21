"""The targets, by the name of their action. A new one is a module and a line here."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from engine.target.base import Target

TARGETS: dict[str, str] = {
    "fe2.sync": "engine.target.fe2:Fe2Sync",
    "greyhound.sync": "engine.target.greyhound.sync:GreyhoundSync",
    "memory.sync": "engine.target.memory:MemorySync",
}
"""Where each target's class is: a target's libraries are loaded only where a mapping needs them."""

HIDDEN = frozenset({"memory.sync"})
"""Not for mappings: the core's own tests use it."""


def target_class(action: str) -> type[Target]:
    """The class behind ``action``; raises KeyError for an unknown one."""
    module, _colon, name = TARGETS[action].partition(":")
    return cast("type[Target]", getattr(import_module(module), name))
