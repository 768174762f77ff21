"""PURE: when the triggers ``time`` and ``time_pattern`` are due (dsl.md §3), on a clock that is changed twice a year.

``time`` names times of a day, and each is due once on each of its days: where the clock shows it twice, the first time;
where the clock jumps over it, at the first moment after the jump (together with whatever else is due then).

``time_pattern`` names what the clock shows, as in Home Assistant: a unit left out counts as 0 below the largest one
named and as ``*`` above it. It is due whenever the clock shows a match, so not at all where the clock jumps over it.
With every hour (``*``) it is an interval and runs on through a doubled hour; with chosen hours (``/4``, ``2``) it is a
time of day, and the doubled hour counts once, the first time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from engine.config.schema import TimePatternTrigger, TimeTrigger
from engine.config.values import WEEKDAYS

_SECOND = timedelta(seconds=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)

# A day of the week comes again after 7 days; one more, as a jump may move a time over midnight.
_DAYS_OF_A_TIME = 8
# A pattern that ever matches does so every day, unless the clock jumps over the match or over the whole day.
_SPAN_OF_A_PATTERN = timedelta(days=4)


def next_due(trigger: TimeTrigger | TimePatternTrigger, after: datetime, zone: ZoneInfo) -> datetime | None:
    """The first moment strictly after ``after`` (aware) at which the trigger is due, in UTC; None if never."""
    start = _whole_second(after) + _SECOND
    if isinstance(trigger, TimeTrigger):
        return min((moment for moment in _moments_around(trigger, start, zone) if moment >= start), default=None)
    matches = _matches(trigger, start, start + _SPAN_OF_A_PATTERN, zone)
    return next((first for first, last in matches), None)


def last_due(
    trigger: TimeTrigger | TimePatternTrigger, until: datetime, zone: ZoneInfo, since: datetime
) -> datetime | None:
    """The latest moment in (since, until] (both aware) at which the trigger was due, in UTC; None if it was not.

    What an engine that was down has missed is caught up by this one moment, however many there were.
    """
    end = _whole_second(until)
    if isinstance(trigger, TimeTrigger):
        found = max((moment for moment in _moments_around(trigger, end, zone) if moment <= end), default=None)
    else:
        matches = _matches(trigger, end - _SPAN_OF_A_PATTERN, end + _SECOND, zone)
        found = max((last for first, last in matches), default=None)
    return found if found is not None and found > since.astimezone(UTC) else None


def _whole_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _moments_around(trigger: TimeTrigger, moment: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """When the trigger is due on the days before and after ``moment``, one time of each of its days at least."""
    today = moment.astimezone(zone).date()
    for distance in range(-_DAYS_OF_A_TIME, _DAYS_OF_A_TIME + 1):
        day = today + timedelta(days=distance)
        if not trigger.weekday or WEEKDAYS[day.weekday()] in trigger.weekday:
            for at in trigger.at:
                yield _first_shown(day, at, zone)


def _first_shown(day: date, at: time, zone: ZoneInfo) -> datetime:
    """When the clock first shows ``at`` on that day; where it jumps over it, the first moment after the jump."""
    wall = datetime.combine(day, at, zone)
    moment = wall.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return moment
    before_the_jump = wall.replace(fold=1).astimezone(UTC)
    return _next_change(before_the_jump, moment, zone)


def _matches(
    trigger: TimePatternTrigger, start: datetime, end: datetime, zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime]]:
    """For each hour of the clock in [start, end) with a match: the first and the last match in it."""
    hours, seconds = _pattern(trigger.hours, trigger.minutes, trigger.seconds)
    for begin, stop, offset, again in _even_stretches(start, end, zone):
        if again and len(hours) < 24:
            continue
        # The clock runs evenly from begin to stop, so what it shows is reckoned as if it were UTC.
        hour = (begin + offset).replace(minute=0, second=0)
        while hour < stop + offset:
            low = bisect_left(seconds, (begin + offset - hour) // _SECOND)
            high = bisect_left(seconds, (stop + offset - hour) // _SECOND)
            if hour.hour in hours and low < high:
                yield (
                    hour - offset + timedelta(seconds=seconds[low]),
                    hour - offset + timedelta(seconds=seconds[high - 1]),
                )
            hour += _HOUR


@lru_cache(maxsize=256)
def _pattern(hours: str | None, minutes: str | None, seconds: str | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The hours of a day and, in order, the seconds of an hour that match."""
    if minutes is None and hours is not None:
        minutes = "0"
    if seconds is None and minutes is not None:
        seconds = "0"
    seconds_of_minute = _numbers(seconds, 60)
    return _numbers(hours, 24), tuple(
        minute * 60 + second for minute in _numbers(minutes, 60) for second in seconds_of_minute
    )


def _numbers(written: str | None, size: int) -> tuple[int, ...]:
    """The numbers below ``size`` that ``*``, ``/4`` or ``4`` stands for; none if it is too large."""
    if written is None or written == "*":
        return tuple(range(size))
    if written.startswith("/"):
        return tuple(range(0, size, int(written[1:])))
    return tuple(number for number in (int(written),) if number < size)


def _even_stretches(
    start: datetime, end: datetime, zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime, timedelta, bool]]:
    """Pieces of [start, end) in which the clock runs evenly: begin, stop, what it is ahead of UTC, and whether it shows
    these times again, for the second time.
    """
    while start < end:
        offset, again = _clock(start, zone)
        stop = min(start + _DAY, end)
        if _clock(stop, zone) != (offset, again):
            stop = _next_change(start, stop, zone)
        yield start, stop, offset, again
        start = stop


def _next_change(start: datetime, end: datetime, zone: ZoneInfo) -> datetime:
    """The first moment in (start, end] at which the clock does not go on as at ``start``, to the second."""
    before = _clock(start, zone)
    span = range((end - start) // _SECOND)
    changed = bisect_left(span, True, key=lambda second: _clock(start + second * _SECOND, zone) != before)
    return start + changed * _SECOND


def _clock(moment: datetime, zone: ZoneInfo) -> tuple[timedelta, bool]:
    """What the clock is ahead of UTC, and whether it shows this time for the second time."""
    local = moment.astimezone(zone)
    return local.replace(tzinfo=UTC, fold=0) - moment, local.fold == 1
