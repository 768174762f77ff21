"""PURE: when what failed is tried again (dsl.md §3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))


def is_due(due: datetime, now: datetime) -> bool:
    """Whether the moment has come; also where no try can be so far away, but that the clock was set back since."""
    return due <= now or due > now + 2 * _WAITS[-1]


def next_try(failures: int, failed_at: datetime) -> datetime:
    """When to try again, in UTC, after so many failures in a row (from 1), the last at ``failed_at`` (aware)."""
    if failures < 1:
        raise ValueError("nothing has failed")
    return failed_at.astimezone(UTC) + _WAITS[min(failures, len(_WAITS)) - 1]
