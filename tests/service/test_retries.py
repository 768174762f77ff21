"""A failed run is tried again by itself, less and less often, and never given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.service.retries import is_due, next_try

FAILED = datetime(2026, 6, 1, 12, 0, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(("failures", "minutes"), [(1, 1), (2, 5), (3, 15), (4, 60), (5, 60), (1000, 60)])
def test_the_waits_grow_to_an_hour_and_stay_there(failures: int, minutes: int) -> None:
    assert next_try(failures, FAILED) == FAILED + timedelta(minutes=minutes)


def test_a_wait_is_real_time_also_when_the_clock_is_changed_in_between() -> None:
    failed = datetime(2026, 3, 29, 1, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert next_try(4, failed) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert next_try(4, failed).tzinfo is UTC


def test_without_a_failure_there_is_nothing_to_try_again() -> None:
    with pytest.raises(ValueError, match="nothing has failed"):
        next_try(0, FAILED)


def test_what_is_due_impossibly_late_was_put_off_by_a_clock_that_was_wrong() -> None:
    assert is_due(FAILED, FAILED)
    assert not is_due(FAILED + timedelta(minutes=60), FAILED)
    assert is_due(FAILED + timedelta(days=300), FAILED)
