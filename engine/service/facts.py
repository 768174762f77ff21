"""What the health page tells of an engine, from the state."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime

from engine.problems import ProblemError
from engine.service.engine import Engine
from engine.service.health import ConnectionFacts, Facts, MappingFacts
from engine.state.drops import Drops
from engine.state.jobs import Jobs
from engine.state.notices import Notices
from engine.sync.owners import place_of

SILENT = 60.0
"""An engine that has looked at nothing for so many seconds hangs."""


def facts_of(engine: Engine) -> Facts:
    """The facts now. Not ready where the state can't be used."""
    alive = not engine.stopping.is_set() and time.monotonic() - engine.looked < SILENT
    try:
        return _read(engine, alive)
    except ProblemError:
        return Facts(alive, ready=False)


def _read(engine: Engine, alive: bool) -> Facts:
    store, project = engine.store, engine.live.project
    last, good, told = store.last_runs(), store.good_runs(), Notices(store).told()
    mappings = [
        MappingFacts(
            name,
            last.get(name, ("never", ""))[0],
            name in engine.live.stale or None in engine.live.stale,
            told.get((name, "overdue"), ("ok", ""))[0] == "overdue",
            _seconds(good.get(name)),
        )
        for name in sorted(project.ids)
    ]
    connections = []
    for name in project.connections:
        known = store.connection(name).at(place_of(project, name, store))
        success = known.last_success.timestamp() if known.last_success is not None else None
        connections.append(ConnectionFacts(name, known.certain, success))
    drops = Counter[str](drop.state for drop in Drops(store).all())
    return Facts(alive, alive, tuple(mappings), drops, tuple(connections), Jobs(store).counts())


def _seconds(moment: str | None) -> float | None:
    return datetime.fromisoformat(moment).timestamp() if moment is not None else None
