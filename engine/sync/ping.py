"""Reaching connections without changing anything, and what the state knows of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from engine.config.find import CONFIGURATION, FOLDER, SECRETS
from engine.config.load import Project
from engine.config.schema import Connection, Fe2Connection
from engine.problems import Problem
from engine.state.store import Store
from engine.sync.account import Tools
from engine.sync.owners import leads_elsewhere, place_of, tls_warnings
from engine.target import ping_of
from engine.target.base import Listed, Pong

SECTION = "connections"


@dataclass(frozen=True, slots=True)
class History:
    """What was sent over a connection. ``certain`` is None where that has no meaning: nothing was sent, or one by one.

    ``persons`` are those last sent by all mappings together.
    """

    last_success: datetime | None = None
    persons: int = 0
    certain: bool | None = None


@dataclass(frozen=True, slots=True)
class Pinged:
    """One connection. ``pong`` is None where its settings are wrong and nothing was tried."""

    id: str
    connection: Connection | None
    pong: Pong | None
    history: History
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether the server was reached for certain and nothing speaks against it."""
        clear = self.pong is not None and self.pong.status == "reached"
        return clear and all(problem.severity != "error" for problem in self.problems)

    def as_json(self) -> dict[str, Any]:
        """The shape that ``ping --json`` prints."""
        pong, success = self.pong, self.history.last_success
        return {
            "id": self.id,
            "type": self.connection.type if self.connection is not None else None,
            "url": self.connection.url if self.connection is not None else None,
            "ok": self.ok,
            "status": pong.status if pong is not None else None,
            "version": pong.version if pong is not None else None,
            "last_success": success.isoformat(timespec="seconds") if success is not None else None,
            "persons": self.history.persons if pong is not None else None,
            "certain": self.history.certain,
            "notes": list(self._notes()),
            "user_fields": _fields_as_json(pong.user_fields) if pong is not None else None,
            "groups": _groups_as_json(pong.groups) if pong is not None else None,
            "problems": [problem.as_json() for problem in self.problems],
        }

    def _notes(self) -> tuple[str, ...]:
        if self.pong is None:
            return ()
        # Where a write succeeded before, with these settings, it was proven then.
        unproven = self.pong.unproven if self.history.last_success is None else ""
        return (*([unproven] if unproven else []), *self.pong.notes)


def _fields_as_json(fields: tuple[Listed, ...] | None) -> list[dict[str, Any]] | None:
    if fields is None:
        return None
    return [{"id": one.id, "name": one.name, "usable": one.flaw is None, "reason": one.flaw} for one in fields]


def _groups_as_json(groups: tuple[Listed, ...] | None) -> list[dict[str, Any]] | None:
    return None if groups is None else [{"id": one.id, "path": one.name} for one in groups]


def connection_names(project: Project) -> list[str]:
    """The connections as configuration.yaml names them, also those with mistakes."""
    node = project.configuration_node.get(SECTION) if project.configuration_node is not None else None
    listed = node.value if node is not None and isinstance(node.value, dict) else {}
    return [*listed, *(name for name in project.connections if name not in listed)]


def general_errors(project: Project) -> list[Problem]:
    """What is wrong with configuration.yaml or the secrets beyond single connections; other keys don't matter here."""
    return [
        problem
        for problem in _errors(project)
        if problem.at.path in ((), (SECTION,)) or (problem.at.file or "").endswith(SECRETS)
    ]


def ping_connection(project: Project, name: str, tools: Tools) -> Pinged:
    """Reach one connection. Its settings must be right, those of others need not be."""
    connection = project.connections.get(name)
    errors = tuple(problem for problem in _errors(project) if problem.at.path[:2] == (SECTION, name))
    if connection is None or errors:
        return Pinged(name, connection, None, History(), errors)
    history = _history(project, name, tools.store)
    pong = ping_of(connection.type)(connection, partial(tools.store.client_id, name), tools.sleep)
    return Pinged(name, connection, pong, history, (*pong.problems, *tls_warnings(project, name)))


def _errors(project: Project) -> list[Problem]:
    return project.errors_of(project.root / FOLDER / CONFIGURATION)


def _history(project: Project, name: str, store: Store) -> History:
    if leads_elsewhere(project, name, store):
        return History()  # what was sent to the old server says nothing about the new one
    state = store.connection(name).at(place_of(project, name, store))
    persons = sum(count for (connection, _mapping, _action), count in store.owners().items() if connection == name)
    success = state.last_success
    if success is not None:
        success = success.astimezone(ZoneInfo(project.configuration.timezone))
    whole = isinstance(project.connections[name], Fe2Connection)
    certain = state.certain if whole and (success is not None or not state.certain) else None
    return History(success, persons, certain)
