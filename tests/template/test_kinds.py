"""The field decides the type, never the look of the value (dsl.md §4)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.template.faults import Fault
from engine.template.kinds import as_integer, as_names, as_text, choice, join_names, truth

KIND = choice("Kind", {"Phone": 1, "mobile": 4})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("  a b \n", "a b"),
        ("A\u0308", "Ä"),
        ("01067", "01067"),
        ("[1]", "[1]"),
        (7, "7"),
        (True, "True"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        ("ä" * 32_768, "ä" * 32_768),
        ("a\nä", "a\nä"),
    ],
)
def test_a_text_is_trimmed_and_composed(value: object, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (["a"], "list_where_text"),
        (("a",), "list_where_text"),
        ({"a": 1}, "list_where_text"),
        ({"a"}, "list_where_text"),
        (range(2), "list_where_text"),
        (iter("ab"), "list_where_text"),
        (len, "function_where_text"),
        ("a" * 65_537, "result_too_long"),
        ("ä" * 32_769, "result_too_long"),
        ("\ud800", "not_a_text"),
    ],
)
def test_what_is_no_text_is_refused(value: object, code: str) -> None:
    with pytest.raises(Fault) as caught:
        as_text(value)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (None, []),
        ("", []),
        (" , ;\n", []),
        ("A, B;C\r\nD\nA", ["A", "B", "C", "D"]),
        ("1. Zug", ["1. Zug"]),
        (["A, B", " A, B ", None, "", 7], ["A, B", "7"]),
        (("A", "B"), ["A", "B"]),
        (iter(["A"]), ["A"]),
        ({"A": 1}.keys(), ["A"]),
        (7, ["7"]),
    ],
)
def test_names_come_from_a_list_or_a_separated_text(value: object, names: list[str]) -> None:
    assert as_names(value) == names


def test_a_list_of_names_is_new_every_time() -> None:
    as_names("A, B").append("C")
    assert as_names("A, B") == ["A", "B"]


@pytest.mark.parametrize("value", [{"A": 1}, [["A"]], [{"A": 1}]])
def test_names_in_names_are_refused(value: object) -> None:
    with pytest.raises(Fault, match="list of names"):
        as_names(value)


def test_each_element_of_a_yaml_list_is_one_name_and_lists_are_spliced_in() -> None:
    assert join_names(["A, B", ["C", "D"], ("E",), iter(["F"]), None, "", "C"]) == ["A, B", "C", "D", "E", "F"]


@given(st.lists(st.text("ab ,;\nÄ", max_size=6)))
def test_names_are_trimmed_and_single_and_stay_as_they_are(parts: list[str]) -> None:
    names = as_names(",".join(parts))
    assert len(set(names)) == len(names)
    assert all(name and name == name.strip() for name in names)
    assert as_names(names) == as_names(", ".join(names)) == names


@pytest.mark.parametrize(("value", "number"), [("7", 7), (" 042 ", 42), ("-3", -3), (7, 7), (7.0, 7)])
def test_a_whole_number_is_digits(value: object, number: int) -> None:
    assert as_integer(value) == number


@pytest.mark.parametrize("value", ["", None, "7.5", "7,0", "x", "²", "٣", True, 7.5, "9" * 5000, ["7"]])
def test_anything_else_is_no_whole_number(value: object) -> None:
    with pytest.raises(Fault):
        as_integer(value)


@pytest.mark.parametrize(
    ("value", "number"), [("mobile", 4), (" MOBILE ", 4), ("phone", 1), ("4", 4), (4, 4), (4.0, 4)]
)
def test_an_enumeration_goes_by_name_or_number(value: object, number: int) -> None:
    assert KIND.finish(value) == number


@pytest.mark.parametrize("value", ["", "5", "mobil", "²", "9" * 5000, None, ["mobile"]])
def test_an_unknown_choice_is_refused(value: object) -> None:
    with pytest.raises(Fault):
        KIND.finish(value)


def test_an_unknown_choice_comes_with_the_nearest() -> None:
    with pytest.raises(Fault) as caught:
        KIND.finish("mobil")
    assert "mobile" in caught.value.hint


@pytest.mark.parametrize("value", ["", "  ", [], (), {}, None, 0, False, "0", "false", "OFF", " no ", "Nein", iter(())])
def test_these_are_false(value: Any) -> None:
    assert truth(value) is False


@pytest.mark.parametrize("value", ["ja", "x", "none", "00", [""], 1, True, iter([0]), dt.date(2026, 1, 1)])
def test_anything_else_is_true(value: Any) -> None:
    assert truth(value) is True
