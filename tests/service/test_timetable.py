"""What is due by the clock, kept over restarts and over clocks that were wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from engine.config.load import Project, load
from engine.service.timetable import Timetable
from engine.state.service import ServiceState
from engine.state.store import Store
from tests.world import PERSONAL, World

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def state(world: World) -> Iterator[ServiceState]:
    store = Store(world.root / ".abgleich")
    yield ServiceState(store)
    store.close()


@pytest.fixture
def project(world: World) -> Project:
    world.mapping("triggers: [{trigger: time_pattern, hours: '*', minutes: '0'}]\n" + PERSONAL)
    return load(world.root)


def due(timetable: Timetable, project: Project, now: datetime) -> list[datetime]:
    return [found.moment for found in timetable.due(project, now)]


def test_a_new_schedule_begins_to_count_now(state: ServiceState, project: Project) -> None:
    timetable = Timetable(state)
    assert due(timetable, project, NOON + HOUR / 2) == []
    assert due(timetable, project, NOON + HOUR) == [NOON + HOUR]
    assert due(timetable, project, NOON + HOUR) == []


def test_of_many_that_were_missed_only_the_last_is_due(state: ServiceState, project: Project) -> None:
    due(Timetable(state), project, NOON)
    assert due(Timetable(state), project, NOON + 7.5 * HOUR) == [NOON + 7 * HOUR]


def test_a_clock_that_was_ahead_for_days_does_not_silence_a_schedule(state: ServiceState, project: Project) -> None:
    due(Timetable(state), project, NOON + timedelta(days=400))
    timetable = Timetable(state)
    assert due(timetable, project, NOON) == []
    assert due(timetable, project, NOON + HOUR) == [NOON + HOUR]


def test_a_clock_that_is_set_back_a_little_runs_nothing_twice(state: ServiceState, project: Project) -> None:
    timetable = Timetable(state)
    due(timetable, project, NOON - HOUR / 2)
    assert due(timetable, project, NOON) == [NOON]
    assert due(timetable, project, NOON - timedelta(seconds=5)) == []
    assert due(timetable, project, NOON) == []
