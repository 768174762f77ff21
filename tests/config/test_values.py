"""The schema turns text into a number, a truth value, a duration, a limit … and says what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from engine.config import values
from engine.config.values import Limit


def refused(check: Callable[[Any], Any], value: Any) -> tuple[str, dict[str, Any]]:
    """Code and context of the error."""
    with pytest.raises(PydanticCustomError) as error:
        check(value)
    context = error.value.context
    assert context is not None
    assert context["message"]
    assert context["hint"], "every message says what to do next"
    return error.value.type, context


@pytest.mark.parametrize("word", ["true", "yes", "on", "ja", "True", "JA", " yes "])
def test_words_for_true(word: str) -> None:
    assert values.flag(word) is True


@pytest.mark.parametrize("word", ["false", "no", "off", "nein", "NEIN"])
def test_words_for_false(word: str) -> None:
    assert values.flag(word) is False


@pytest.mark.parametrize("word", ["", "1", "0", "y", "wahr", "maybe"])
def test_other_words_are_no_truth_value(word: str) -> None:
    assert refused(values.flag, word)[0] == "expected_truth"


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("90", 90),
        ("0", 0),
        ("1.5", 1.5),
        ("2s", 2),
        ("5m", 300),
        ("1h", 3600),
        ("7d", 604800),
        ("2 s", 2),
        (" 5m ", 300),
        ("1.5h", 5400),
        ("01:30:00", 5400),
        ("01:30", 5400),
        ("100:00:00", 360000),
        ({"minutes": "5"}, 300),
        ({"hours": "1", "minutes": "30"}, 5400),
        ({"days": "1", "weeks": "1"}, 691200),
        ({"milliseconds": "500"}, 0.5),
    ],
)
def test_durations(written: Any, seconds: float) -> None:
    assert values.seconds(written) == seconds


@pytest.mark.parametrize(
    "written",
    [
        "",
        "soon",
        "5 minutes",
        "-5m",
        "5M",
        "1e3",
        "٣s",
        "1:75",
        "1h30m",
        "9" * 400 + "d",
        "99999d",
        "inf",
        "nan",
        [],
        {},
    ],
)
def test_what_is_no_duration(written: Any) -> None:
    assert refused(values.seconds, written)[0] == "expected_duration"


def test_an_unknown_unit_gets_a_suggestion_at_its_place() -> None:
    code, context = refused(values.seconds, {"minuts": "5"})
    assert (code, context["inside"]) == ("unknown_key", ("minuts",))
    assert context["hint"].startswith("Did you mean minutes?")


def test_a_wrong_number_of_a_unit_is_at_its_place() -> None:
    assert refused(values.seconds, {"minutes": "5.5"})[1]["inside"] == ("minutes",)


def test_a_timeout_is_longer_than_nothing() -> None:
    assert values.some_seconds("30s") == 30
    assert refused(values.some_seconds, "0s")[0] == "expected_duration"


@pytest.mark.parametrize(
    ("written", "limit"),
    [
        ("3", Limit(3)),
        ("10%", Limit(0, 10)),
        ("3 or 10%", Limit(3, 10)),
        ("3 oder 10 %", Limit(3, 10)),
        ("3or10%", Limit(3, 10)),
        ("0", Limit(0)),
        ("2.5%", Limit(0, 2.5)),
        ("2,5%", Limit(0, 2.5)),
        ("100%", Limit(0, 100)),
    ],
)
def test_limits(written: str, limit: Limit) -> None:
    assert values.limit(written) == limit


@pytest.mark.parametrize("written", ["", "3 of 10%", "ten", "-1", "%", "10% or 3", "3 or 10", "3.5", "9" * 5000])
def test_what_is_no_limit(written: str) -> None:
    assert refused(values.limit, written)[0] == "expected_limit"


@pytest.mark.parametrize(
    ("limit", "number", "of", "allowed"),
    [
        (Limit(3), 3, 0, True),
        (Limit(3), 4, 1000, False),
        (Limit(0, 10), 10, 100, True),
        (Limit(0, 10), 11, 100, False),
        (Limit(0, 10), 1, 0, False),
        (Limit(3, 10), 3, 5, True),
        (Limit(3, 10), 30, 300, True),
        (Limit(3, 10), 31, 300, False),
        (Limit(0, 0), 0, 0, True),
    ],
)
def test_the_larger_of_count_and_percentage_counts(limit: Limit, number: int, of: int, allowed: bool) -> None:
    assert limit.allows(number, of) is allowed


@pytest.mark.parametrize("written", ["3", "10%", "3 or 10%", "3 or 2.5%"])
def test_a_limit_is_shown_as_it_is_written(written: str) -> None:
    assert str(values.limit(written)) == written


@pytest.mark.parametrize("written", ["", "1.5", "-1", "1_000", "٣", "0x10", "1e3", "1" * 10, "one"])
def test_what_is_no_whole_number(written: str) -> None:
    assert refused(values.count, written)[0] == "expected_number"


def test_whole_numbers_may_have_zeros_in_front() -> None:
    assert values.count("007") == 7


@pytest.mark.parametrize(
    ("written", "clock"), [("03:00", time(3)), ("3:00", time(3)), ("23:59:59", time(23, 59, 59)), (" 03:00 ", time(3))]
)
def test_times_of_day(written: str, clock: time) -> None:
    assert values.clock(written) == clock


@pytest.mark.parametrize("written", ["24:00", "3", "03:60", "0300", "3 Uhr", ""])
def test_what_is_no_time_of_day(written: str) -> None:
    assert refused(values.clock, written)[0] == "expected_time"


def test_several_times_of_day_each_at_its_place() -> None:
    assert values.clocks(["03:00", "15:00"]) == (time(3), time(15))
    assert values.clocks("03:00") == (time(3),)
    assert refused(values.clocks, ["03:00", "25:00"])[1]["inside"] == (1,)
    assert refused(values.clocks, [])[0] == "value_missing"


def test_days_of_the_week() -> None:
    assert values.weekdays("mon") == ("mon",)
    assert values.weekdays(["Mon", "SUN"]) == ("mon", "sun")
    assert refused(values.weekdays, ["mon", "thr"])[1]["inside"] == (1,)
    assert refused(values.weekdays, "montag")[0] == "expected_weekday"
    assert refused(values.weekdays, [])[0] == "value_missing"


@pytest.mark.parametrize("written", ["*", "/4", "/15", "0", "59"])
def test_patterns_of_times(written: str) -> None:
    assert values.time_pattern(59)(written) == written


@pytest.mark.parametrize("written", ["", "/0", "4/", "*/4", "1,2", "often", "100"])
def test_what_is_no_pattern_of_times(written: str) -> None:
    assert refused(values.time_pattern(59), written)[0] == "expected_pattern"


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("https://fe2.example.org:83", "https://fe2.example.org:83"),
        ("http://10.0.0.1/", "http://10.0.0.1"),
        ("https://host/path/", "https://host/path"),
        ("https://[::1]:83", "https://[::1]:83"),
    ],
)
def test_addresses(written: str, address: str) -> None:
    assert values.url(written) == address


@pytest.mark.parametrize(
    "written",
    [
        "",
        "fe2.example.org",
        "ftp://host",
        "https://",
        "https://host:port",
        "https://host:99999",
        "https://[::1",
        "https://ho st",
        "https://host/?x=1",
        "https://host/#x",
    ],
)
def test_what_is_no_address_is_not_repeated(written: str) -> None:
    code, context = refused(values.url, written)
    assert code == "expected_url"
    assert not written or written not in context["message"]


def test_a_password_may_not_stand_in_an_address() -> None:
    code, context = refused(values.url, "https://user:geheim@host")
    assert code == "secret_in_url"
    assert "geheim" not in str(context)


def test_time_zones() -> None:
    assert values.zone("Europe/Berlin") == "Europe/Berlin"
    assert refused(values.zone, "Europe/Berln")[1]["hint"] == "Did you mean Europe/Berlin?"


@pytest.mark.parametrize("written", ["", "Europe", "../../etc/passwd", "/etc/localtime", "a\0b", "x" * 1000])
def test_what_is_no_time_zone(written: str) -> None:
    assert refused(values.zone, written)[0] == "unknown_timezone"


def test_one_character() -> None:
    assert [values.sign(written) for written in (";", "tab", "\\t", "\t", "|")] == [";", "\t", "\t", "\t", "|"]
    assert refused(values.sign, ";;")[0] == "expected_character"
    assert refused(values.sign, "")[0] == "expected_character"
    assert (values.quote(""), values.quote("'")) == ("", "'")


def test_encodings() -> None:
    assert values.encoding("cp1252") == "cp1252"
    assert refused(values.encoding, "utf8-bomb")[0] == "unknown_encoding"
    assert refused(values.encoding, "base64")[0] == "unknown_encoding"
    assert refused(values.encoding, "cp1225")[1]["hint"].startswith("Did you mean cp1252?")


def test_lists_of_texts() -> None:
    assert values.names(None) == ()
    assert values.names("one") == ("one",)
    assert values.names(["one", "two"]) == ("one", "two")
    assert refused(values.names, {"a": "b"})[0] == "expected_list"
    assert refused(values.names, ["one", ["two"]])[1]["inside"] == (1,)
    assert refused(values.names, ["one", None])[0] == "value_missing"


@pytest.mark.parametrize(
    "check", [values.text, values.filled, values.flag, values.count, values.clock, values.limit, values.url]
)
def test_nothing_is_no_value(check: Callable[[Any], Any]) -> None:
    assert refused(check, None)[0] == "value_missing"


@pytest.mark.parametrize("check", [values.text, values.flag, values.count, values.clock, values.limit, values.zone])
@pytest.mark.parametrize("value", [["a"], {"a": "b"}])
def test_a_list_or_mapping_is_no_text(check: Callable[[Any], Any], value: Any) -> None:
    assert refused(check, value)[0] == "expected_text"


def test_a_text_that_must_say_something() -> None:
    assert values.text("") == ""
    assert refused(values.filled, " ")[0] == "value_missing"


@pytest.mark.parametrize("written", ["0", "33", "999999999"])
def test_how_many_at_a_time_has_its_limits(written: str) -> None:
    assert refused(values.at_once, written)[0] == "number_out_of_range"


@pytest.mark.parametrize("written", ["1", "32"])
def test_how_many_at_a_time_is_a_number(written: str) -> None:
    assert values.at_once(written) == int(written)


@pytest.mark.parametrize(
    "written",
    ["sqlite", "postgresql://u@h/db", "postgres://u@h:5432/db", "postgresql+psycopg://u:p@h/db", "postgresql:///db"],
)
def test_databases_for_the_state(written: str) -> None:
    assert values.database(written) == written


def test_sqlite_may_be_written_in_capitals() -> None:
    assert values.database("SQLite") == "sqlite"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("mysql://u:3f9c0a7be2@h/db", "Write sqlite"),
        ("oracle", "Write sqlite"),
        ("postgresql", "Did you mean postgresql://…?"),
        ("sqlite:///state.db", "Did you mean sqlite?"),
        ("postgresql+psycopg2://u@h/db", "Did you mean postgresql+psycopg://…?"),
    ],
)
def test_what_is_no_database_for_the_state_is_not_repeated(written: str, meant: str) -> None:
    code, context = refused(values.database, written)
    assert code == "database_unusable"
    assert context["hint"].startswith(meant)
    assert "3f9c0a7be2" not in context["message"] + context["hint"]


@pytest.mark.parametrize("written", ["0", "00"])
def test_what_is_counted_from_one_has_no_zero(written: str) -> None:
    assert refused(values.number_from_one, written)[0] == "number_out_of_range"
    assert values.number_from_one("1") == 1


@pytest.mark.parametrize("written", ["", "<>", "{x}", "{} {}"])
def test_a_form_for_texts_has_one_place_for_the_text(written: str) -> None:
    assert refused(values.text_format, written)[0] == "placeholder_missing"
    assert values.text_format("{}") == "{}"
