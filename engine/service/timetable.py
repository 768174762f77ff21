"""Time triggers of all mappings: which are due, and which were missed while the engine was down."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from engine.config.load import Mapping, Project
from engine.config.schema import TimePatternTrigger, TimeTrigger
from engine.service.schedule import last_due
from engine.state.service import ServiceState
from engine.sync.record import digest

WRONG_CLOCK = timedelta(hours=1)
"""Who was looked after later than now by more than this was so by a clock that was wrong."""


@dataclass(frozen=True, slots=True)
class Due:
    """A trigger that is due: its ``moment`` may be long ago where the engine was down."""

    mapping: str
    trigger: TimeTrigger | TimePatternTrigger
    moment: datetime


class Timetable:
    """Remembers up to which moment each trigger was looked after; of many missed moments only the last counts."""

    def __init__(self, state: ServiceState) -> None:
        self._state = state
        self._until: dict[tuple[str, str], datetime] = {}

    def stale(self) -> None:
        """Somebody else may have looked after the triggers."""
        self._until.clear()

    def forget(self, mappings: Collection[str]) -> None:
        """These are switched off: once they are on again, nothing was missed meanwhile."""
        self._state.forget_schedules(mappings)
        self._until = {place: until for place, until in self._until.items() if place[0] not in mappings}

    def due(self, project: Project, now: datetime) -> Iterator[Due]:
        """What is due; it counts as looked after once the next is asked for. A new trigger begins to count now."""
        zone = ZoneInfo(project.configuration.timezone)
        for mapping, trigger in _schedules(project):
            name = digest([type(trigger).__name__, trigger.model_dump(mode="json")])[:32]
            since = self._until.get((mapping.id, name)) or self._state.looked_after_until(mapping.id, name)
            if since is not None and since - now > WRONG_CLOCK:
                since = None
            moment = last_due(trigger, now, zone, since) if since is not None else None
            if moment is not None:
                yield Due(mapping.id, trigger, moment)
            if since is None or moment is not None:
                self._state.look_after(mapping.id, name, now)
            # A clock that was set back a little runs nothing twice.
            self._until[mapping.id, name] = max(now, since or now)


def _schedules(project: Project) -> Iterator[tuple[Mapping, TimeTrigger | TimePatternTrigger]]:
    for mapping in project.mappings.values():
        for trigger in mapping.triggers if mapping.model.enabled else ():
            if isinstance(trigger, TimeTrigger | TimePatternTrigger):
                yield mapping, trigger
