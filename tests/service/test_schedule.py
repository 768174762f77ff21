"""When a mapping is due by the clock: every time once, also on the two days a year when the clock is changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config.schema import TimePatternTrigger, TimeTrigger
from engine.config.values import WEEKDAYS
from engine.service.schedule import last_due, next_due

Trigger = TimeTrigger | TimePatternTrigger

BERLIN = ZoneInfo("Europe/Berlin")
ST_JOHNS = ZoneInfo("America/St_Johns")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at(*times: str, weekday: Any = None) -> TimeTrigger:
    return TimeTrigger.model_validate({"trigger": "time", "at": list(times), "weekday": weekday or list(WEEKDAYS)})


def pattern(**units: str) -> TimePatternTrigger:
    return TimePatternTrigger.model_validate({"trigger": "time_pattern", **units})


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def dues(trigger: Trigger, start: datetime, end: datetime, zone: ZoneInfo = BERLIN) -> list[datetime]:
    """Every moment in (start, end] at which the trigger is due."""
    found: list[datetime] = []
    while True:
        due = next_due(trigger, found[-1] if found else start, zone)
        if due is None or due > end:
            return found
        found.append(due)


def shown(moments: list[datetime], zone: ZoneInfo = BERLIN) -> list[str]:
    return [f"{moment.astimezone(zone):%d. %H:%M:%S %z}" for moment in moments]


# Times of a day


def test_a_time_is_due_every_day_and_given_in_utc() -> None:
    due = next_due(at("03:00"), local("2026-06-01 12:00"), BERLIN)
    assert due == local("2026-06-02 03:00")
    assert due.tzinfo is UTC
    assert next_due(at("03:00"), local("2026-06-02 02:59:59"), BERLIN) == due


def test_a_trigger_without_days_of_the_week_is_due_every_day() -> None:
    trigger = TimeTrigger.model_validate({"trigger": "time", "at": "03:00"})
    assert len(dues(trigger, local("2026-06-01 00:00"), local("2026-06-08 00:00"))) == 7


def test_the_moment_it_was_due_is_not_the_next() -> None:
    due = local("2026-06-02 03:00:00")
    assert next_due(at("03:00"), due, BERLIN) == local("2026-06-03 03:00")
    assert next_due(at("03:00"), due - timedelta(microseconds=1), BERLIN) == due
    assert next_due(at("03:00"), due + timedelta(microseconds=1), BERLIN) == local("2026-06-03 03:00")


def test_several_times_come_in_the_order_of_the_clock() -> None:
    found = dues(at("18:30:15", "06:00", "06:00"), local("2026-06-01 00:00"), local("2026-06-02 12:00"))
    assert shown(found) == ["01. 06:00:00 +0200", "01. 18:30:15 +0200", "02. 06:00:00 +0200"]


def test_only_the_days_of_the_week_that_are_named_count() -> None:
    found = dues(at("03:00", weekday=["mon", "thu"]), local("2026-06-01 03:00"), local("2026-06-11 03:00"))
    assert [WEEKDAYS[moment.astimezone(BERLIN).weekday()] for moment in found] == ["thu", "mon", "thu"]


def test_the_day_of_the_week_is_that_of_the_project_not_of_utc() -> None:
    due = next_due(at("00:30", weekday="mon"), utc("2026-06-01 00:00"), BERLIN)
    assert due == utc("2026-06-07 22:30")


def test_one_day_a_week_is_found_a_whole_week_ahead() -> None:
    assert next_due(at("03:00", weekday="mon"), local("2026-06-01 03:00"), BERLIN) == local("2026-06-08 03:00")


def test_a_time_the_clock_jumps_over_is_due_once_right_after_the_jump() -> None:
    found = dues(at("02:30"), local("2026-03-28 00:00"), local("2026-03-31 00:00"))
    assert shown(found) == ["28. 02:30:00 +0100", "29. 03:00:00 +0200", "30. 02:30:00 +0200"]
    assert found[1] == utc("2026-03-29 01:00")


@pytest.mark.parametrize("time", ["02:00", "02:59:59", "03:00"])
def test_the_edges_of_the_jump_are_due_right_after_it_too(time: str) -> None:
    assert dues(at(time), utc("2026-03-28 12:00"), utc("2026-03-29 12:00")) == [utc("2026-03-29 01:00")]


def test_times_that_meet_after_the_jump_are_one() -> None:
    found = dues(at("02:15", "02:30", "03:00"), utc("2026-03-28 12:00"), utc("2026-03-29 12:00"))
    assert found == [utc("2026-03-29 01:00")]


def test_the_day_of_the_jump_must_be_named_for_a_time_in_it() -> None:
    assert dues(at("02:30", weekday="sat"), utc("2026-03-28 12:00"), utc("2026-03-30 12:00")) == []
    assert len(dues(at("02:30", weekday="sun"), utc("2026-03-28 12:00"), utc("2026-03-30 12:00"))) == 1


def test_a_time_the_clock_shows_twice_is_due_the_first_time_only() -> None:
    found = dues(at("02:30"), local("2026-10-24 12:00"), local("2026-10-26 12:00"))
    assert shown(found) == ["25. 02:30:00 +0200", "26. 02:30:00 +0100"]


def test_within_the_doubled_hour_nothing_is_due_again() -> None:
    assert next_due(at("02:30"), local("2026-10-25 02:10", fold=1), BERLIN) == local("2026-10-26 02:30")
    assert last_due(at("02:30"), local("2026-10-25 02:40", fold=1), BERLIN, LONG_AGO) == utc("2026-10-25 00:30")


def test_where_the_clock_changes_by_half_an_hour() -> None:
    # 4 October 2026: 02:00 +1030 becomes 02:30 +11; 5 April 2026: 02:00 +11 becomes 01:30 +1030.
    assert shown(dues(at("02:10"), utc("2026-10-03 00:00"), utc("2026-10-04 00:00"), LORD_HOWE), LORD_HOWE) == [
        "04. 02:30:00 +1100"
    ]
    assert shown(dues(at("01:45"), utc("2026-04-04 00:00"), utc("2026-04-05 00:00"), LORD_HOWE), LORD_HOWE) == [
        "05. 01:45:00 +1100"
    ]


def test_where_the_offset_itself_holds_half_an_hour() -> None:
    assert next_due(at("02:30"), utc("2026-06-01 00:00"), ST_JOHNS) == utc("2026-06-01 05:00")
    assert next_due(at("02:30"), utc("2026-03-08 00:00"), ST_JOHNS) == utc("2026-03-08 05:30")


def test_a_day_that_a_country_leaves_out_is_made_up_for_at_its_end() -> None:
    apia = ZoneInfo("Pacific/Apia")  # there was no 30 December 2011
    found = dues(at("03:00"), utc("2011-12-29 14:00"), utc("2011-12-31 00:00"), apia)
    assert shown(found, apia) == ["31. 00:00:00 +1400", "31. 03:00:00 +1400"]


def test_utc_has_no_surprises() -> None:
    found = dues(at("02:30"), utc("2026-03-28 12:00"), utc("2026-03-30 12:00"), ZoneInfo("UTC"))
    assert found == [utc("2026-03-29 02:30"), utc("2026-03-30 02:30")]


# Patterns


def test_every_fourth_hour_starts_at_midnight() -> None:
    found = dues(pattern(hours="/4"), local("2026-06-01 00:00"), local("2026-06-02 00:00"))
    assert shown(found) == [f"{day} +0200" for day in ("01. 04:00:00", "01. 08:00:00", "01. 12:00:00")] + [
        f"{day} +0200" for day in ("01. 16:00:00", "01. 20:00:00", "02. 00:00:00")
    ]


@pytest.mark.parametrize(
    ("units", "after", "due"),
    [
        ({"hours": "5"}, "12:00:00", "2026-06-02 05:00:00"),
        ({"hours": "05", "minutes": "07"}, "05:06:59", "2026-06-01 05:07:00"),
        ({"hours": "*"}, "12:00:00", "2026-06-01 13:00:00"),
        ({"minutes": "5"}, "12:05:00", "2026-06-01 13:05:00"),
        ({"minutes": "/15"}, "12:59:00", "2026-06-01 13:00:00"),
        ({"minutes": "/25"}, "12:50:00", "2026-06-01 13:00:00"),
        ({"seconds": "/20"}, "12:00:40", "2026-06-01 12:01:00"),
        ({"seconds": "*"}, "23:59:59", "2026-06-02 00:00:00"),
        ({"minutes": "*", "seconds": "59"}, "12:00:59", "2026-06-01 12:01:59"),
        ({"hours": "/4", "seconds": "30"}, "12:00:30", "2026-06-01 16:00:30"),
        ({"hours": "23", "minutes": "59", "seconds": "59"}, "23:59:59", "2026-06-02 23:59:59"),
    ],
)
def test_units_left_out_count_as_in_home_assistant(units: dict[str, str], after: str, due: str) -> None:
    assert next_due(pattern(**units), local(f"2026-06-01 {after}"), BERLIN) == local(due)


def test_an_interval_runs_on_through_the_doubled_hour() -> None:
    found = dues(pattern(minutes="/30"), local("2026-10-25 01:30"), local("2026-10-25 03:00"))
    assert shown(found) == [
        "25. 02:00:00 +0200",
        "25. 02:30:00 +0200",
        "25. 02:00:00 +0100",
        "25. 02:30:00 +0100",
        "25. 03:00:00 +0100",
    ]


@pytest.mark.parametrize("hours", ["2", "/2"])
def test_a_pattern_with_chosen_hours_counts_the_doubled_hour_once(hours: str) -> None:
    found = dues(pattern(hours=hours, minutes="/30"), local("2026-10-25 01:30"), local("2026-10-25 03:30"))
    assert shown(found) == ["25. 02:00:00 +0200", "25. 02:30:00 +0200"]


def test_every_first_hour_is_every_hour() -> None:
    night = local("2026-10-25 01:30"), local("2026-10-25 03:30")
    assert dues(pattern(hours="/1"), *night) == dues(pattern(hours="*"), *night) == dues(pattern(minutes="0"), *night)


def test_a_pattern_is_not_due_where_the_clock_jumps_over_it() -> None:
    night = local("2026-03-29 01:30"), local("2026-03-29 03:30")
    assert shown(dues(pattern(minutes="/30"), *night)) == ["29. 03:00:00 +0200", "29. 03:30:00 +0200"]
    assert dues(pattern(hours="2"), *night) == []
    assert next_due(pattern(hours="2"), night[0], BERLIN) == local("2026-03-30 02:00")


def test_patterns_where_the_clock_changes_by_half_an_hour() -> None:
    night = utc("2026-04-04 14:30"), utc("2026-04-04 16:00")  # 01:30 +11 to 02:30 +1030
    assert shown(dues(pattern(minutes="/15"), *night, LORD_HOWE), LORD_HOWE) == [
        "05. 01:45:00 +1100",
        "05. 01:30:00 +1030",
        "05. 01:45:00 +1030",
        "05. 02:00:00 +1030",
        "05. 02:15:00 +1030",
        "05. 02:30:00 +1030",
    ]
    assert shown(dues(pattern(hours="1", minutes="45"), *night, LORD_HOWE), LORD_HOWE) == ["05. 01:45:00 +1100"]
    jump = utc("2026-10-03 15:00"), utc("2026-10-03 16:00")  # 01:30 +1030 to 03:00 +11
    assert shown(dues(pattern(minutes="/15"), *jump, LORD_HOWE), LORD_HOWE) == [
        "04. 01:45:00 +1030",
        "04. 02:30:00 +1100",
        "04. 02:45:00 +1100",
        "04. 03:00:00 +1100",
    ]


def test_patterns_follow_a_clock_that_is_half_an_hour_off() -> None:
    assert next_due(pattern(hours="/4"), utc("2026-06-01 00:00"), ST_JOHNS) == utc("2026-06-01 02:30")


# What was missed


def test_of_all_that_was_missed_only_the_latest_is_caught_up() -> None:
    until = local("2026-06-20 12:00")
    assert last_due(at("03:00"), until, BERLIN, LONG_AGO) == local("2026-06-20 03:00")
    assert last_due(at("03:00", weekday="mon"), until, BERLIN, LONG_AGO) == local("2026-06-15 03:00")
    assert last_due(pattern(hours="/5"), until, BERLIN, LONG_AGO) == local("2026-06-20 10:00")
    assert last_due(pattern(hours="13"), until, BERLIN, LONG_AGO) == local("2026-06-19 13:00")


@pytest.mark.parametrize("trigger", [at("03:00"), pattern(hours="3")])
def test_now_counts_and_what_was_seen_before_does_not(trigger: Trigger) -> None:
    due = local("2026-06-20 03:00")
    early, late = due - timedelta(microseconds=1), due + timedelta(microseconds=1)
    assert last_due(trigger, due, BERLIN, early) == due
    assert last_due(trigger, late, BERLIN, early) == due
    assert last_due(trigger, late, BERLIN, due) is None
    assert last_due(trigger, early, BERLIN, due - timedelta(hours=5)) is None


def test_a_clock_that_was_put_back_finds_nothing_missed() -> None:
    assert last_due(at("03:00"), local("2026-06-20 12:00"), BERLIN, local("2026-06-21 12:00")) is None


def test_what_was_missed_in_the_night_of_a_change_is_found() -> None:
    assert last_due(at("02:30"), utc("2026-03-29 06:00"), BERLIN, utc("2026-03-29 00:59")) == utc("2026-03-29 01:00")
    assert last_due(at("02:30"), utc("2026-03-29 06:00"), BERLIN, utc("2026-03-29 01:00")) is None
    assert last_due(pattern(hours="2"), utc("2026-03-29 06:00"), BERLIN, LONG_AGO) == local("2026-03-28 02:00")


# For all of them

CHANGES = {
    "Europe/Berlin": ["2026-03-29", "2026-10-25"],
    "America/St_Johns": ["2026-03-08", "2026-11-01"],
    "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],
    "America/Scoresbysund": ["2026-03-28", "2026-10-24"],  # changes around midnight
    "UTC": ["2026-07-01"],
}
ZONES = st.sampled_from(sorted(CHANGES)).map(ZoneInfo)
CLOCKS = st.builds("{:02}:{:02}".format, st.integers(0, 4) | st.integers(0, 23), st.integers(0, 59))
DAYS = st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=7)
TIMES = st.builds(lambda times, days: at(*times, weekday=days), st.lists(CLOCKS, min_size=1, max_size=4), DAYS)
HOURS = st.sampled_from(["*", "/1", "/2", "/4", "0", "1", "2", "3", "23"])
MINUTES = st.sampled_from(["*", "/1", "/7", "/15", "/30", "0", "1", "29", "30", "59"])
PATTERNS = (
    st.fixed_dictionaries({}, optional={"hours": HOURS, "minutes": MINUTES}).filter(bool).map(lambda u: pattern(**u))
)
TRIGGERS: st.SearchStrategy[Trigger] = TIMES | PATTERNS


@st.composite
def nights(draw: st.DrawFn) -> tuple[ZoneInfo, datetime]:
    """A zone, and a moment not long before or after one of its changes; not always a whole minute."""
    zone = draw(ZONES)
    day = datetime.combine(date.fromisoformat(draw(st.sampled_from(CHANGES[zone.key]))), datetime.min.time(), zone)
    return zone, day.astimezone(UTC) + timedelta(seconds=draw(st.integers(-30 * 3600, 30 * 3600)))


def matches(written: str | None, number: int) -> bool:
    if written is None or written == "*":
        return True
    return number % int(written[1:]) == 0 if written.startswith("/") else number == int(written)


def is_due(trigger: Trigger, moment: datetime, zone: ZoneInfo) -> bool:
    """Whether a trigger without seconds is due at this whole minute, told from what the clock shows then."""
    now = moment.astimezone(zone)
    if isinstance(trigger, TimePatternTrigger):
        again = now.fold == 1 and trigger.hours not in (None, "*", "/1")
        minutes = trigger.minutes or "0"
        return not again and matches(trigger.hours, now.hour) and matches(minutes, now.minute)
    # The minutes the clock has reached for the first time since a minute ago: one, none, or many where it jumps.
    minute = (moment - MINUTE).astimezone(zone).replace(tzinfo=None) + MINUTE
    while not now.fold and minute <= now.replace(tzinfo=None):
        if minute.time() in trigger.at and WEEKDAYS[minute.weekday()] in (trigger.weekday or WEEKDAYS):
            return True
        minute += MINUTE
    return False


def oracle(trigger: Trigger, start: datetime, zone: ZoneInfo) -> list[datetime]:
    """Every minute of the two days after ``start`` at which the trigger is due."""
    first = start.replace(second=0) + MINUTE
    return [moment for i in range(2 * 1440) if is_due(trigger, moment := first + i * MINUTE, zone)]


@settings(deadline=None)
@given(TRIGGERS, nights())
def test_what_is_due_is_what_somebody_watching_the_clock_for_two_days_would_find(
    trigger: Trigger, night: tuple[ZoneInfo, datetime]
) -> None:
    zone, start = night
    expected = oracle(trigger, start, zone)
    end = start.replace(second=0) + 2 * 1440 * MINUTE
    assert dues(trigger, start, end, zone) == expected
    assert last_due(trigger, end, zone, start) == (expected[-1] if expected else None)


@given(TRIGGERS, nights())
def test_the_next_is_later_and_is_the_last_once_it_has_come(trigger: Trigger, night: tuple[ZoneInfo, datetime]) -> None:
    zone, after = night
    due = next_due(trigger, after, zone)
    if due is None:
        assert last_due(trigger, after, zone, LONG_AGO) is None
    else:
        assert due > after
        assert last_due(trigger, due, zone, after) == due
        assert last_due(trigger, due - timedelta(microseconds=1), zone, after) is None


@given(TRIGGERS, nights(), st.timedeltas(timedelta(0), timedelta(days=9)))
def test_a_later_start_never_has_an_earlier_next(
    trigger: Trigger, night: tuple[ZoneInfo, datetime], later: timedelta
) -> None:
    zone, after = night
    sooner, due = next_due(trigger, after, zone), next_due(trigger, after + later, zone)
    if sooner is None or due is None:
        assert sooner == due
    else:
        assert sooner <= due


@settings(deadline=None)
@given(st.sampled_from(["*", "/20", "0", "59"]), PATTERNS, nights())
def test_seconds_are_found_within_the_minutes_that_match(
    seconds: str, minutely: TimePatternTrigger, night: tuple[ZoneInfo, datetime]
) -> None:
    zone, after = night
    minutely = minutely.model_copy(update={"minutes": minutely.minutes or "0"})
    trigger = minutely.model_copy(update={"seconds": seconds})
    marks = [timedelta(seconds=second) for second in range(60) if matches(seconds, second)]
    expected = [minute + mark for minute in oracle(minutely, after - MINUTE, zone) for mark in marks]
    expected = [moment for moment in expected if moment > after]
    assert next_due(trigger, after, zone) == (expected[0] if expected else None)
    middle = len(expected) // 2
    for before, due in zip(expected[middle : middle + 90], expected[middle + 1 :], strict=False):
        assert next_due(trigger, before, zone) == due
        assert last_due(trigger, due, zone, before) == due
        assert last_due(trigger, due - timedelta(seconds=1), zone, after) == before


def test_even_what_never_comes_is_answered_without_looking_at_every_second(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    class Counted(ZoneInfo):
        def fromutc(self, moment: datetime) -> datetime:
            nonlocal looks
            looks += 1
            return super().fromutc(moment)

    zone = Counted("Europe/Berlin")
    for trigger in (pattern(seconds="*"), pattern(hours="2"), at("02:30", weekday="sun")):
        next_due(trigger, utc("2026-03-28 12:00"), zone)
        last_due(trigger, utc("2026-03-29 12:00"), zone, LONG_AGO)
    assert 0 < looks < 1000
