"""Questions with one answer only: a `where` that is true for everybody is found before anybody is sent."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from engine.template.environment import Environment
from engine.template.truths import one_answer

ENVIRONMENT = Environment({}, ZoneInfo("Europe/Berlin"))


def codes(text: str, is_question: bool = True) -> list[str]:
    return [finding.code for finding in one_answer(ENVIRONMENT, text, is_question)]


@pytest.mark.parametrize(
    "text",
    [
        "{{ status == 'aktiv' or 'Jugend' }}",
        "{{ status == 'aktiv' or zug == '1' or 'Jugend' }}",
        "{{ status != 'a' or status != 'b' }}",
        "{{ a == 'x' }} und {{ b == 'y' }}",
        "= {{ status == 'aktiv' }}",
        "{{ a == 'x' }} {{ b == 'y' }}",
        "{{ 'aktiv' }}",
    ],
)
def test_what_is_true_for_everybody_is_no_condition(text: str) -> None:
    assert codes(text) == ["condition_always_true"]


@pytest.mark.parametrize(
    "text",
    [
        "{{ status == 'aktiv' }}",
        " {{ status in ['aktiv', 'Jugend'] }} ",
        "{{ email }}",
        "{{ email }}{{ handy }}",
        "{{ email or handy }}",
        "{{ (zug or 'ohne') != 'ohne' }}",
        "{{ status != 'a' or zug != 'b' }}",
        "{{ status != 'a' and status != 'b' }}",
        "{% if status == 'aktiv' %}ja{% endif %}",
        "{% set x = status | lower %}{{ x == 'aktiv' }}",
        "{{ 'ja' if status == 'aktiv' else '' }}",
        "{{ true }}",
        "{{ 'nein' }}",
        "{{ '' }}",
        "{{ status == }}",
    ],
)
def test_whatever_may_be_meant_is_left_alone(text: str) -> None:
    assert codes(text) == []


@pytest.mark.parametrize("text", ["{{ 'aktiv' }}", "x{{ status }}", "{{ a == 'x' }} und {{ b == 'y' }}"])
def test_a_text_is_true_by_the_language_so_it_is_only_a_warning(text: str) -> None:
    (finding,) = one_answer(ENVIRONMENT, text, is_question=True)
    assert finding.severity == "warning"


def test_nobody_is_both_at_once() -> None:
    assert codes("{{ zug == '1' and zug == '2' }}") == ["condition_never_true"]
    assert codes("{{ zug == '1' and status == '2' }}") == []


def test_what_stands_behind_if_is_a_question_too() -> None:
    assert codes("{{ 'AGT' if kurs == 'AGT' or 'TM' else '' }}", is_question=False) == ["condition_always_true"]
    assert codes("{% if a != 'x' or a != 'y' %}z{% endif %}", is_question=False) == ["condition_always_true"]
    assert codes("{{ zug or 'ohne' }} und {{ 'Text' }}", is_question=False) == []


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("{{ status == 'aktiv' or 'Jugend' }}", "status in ['aktiv', 'Jugend']"),
        ("{{ status != 'a' or status != 'b' }}", "status not in ['a', 'b']"),
        ("{{ zug == '1' and zug == '2' }}", "zug in ['1', '2']"),
    ],
)
def test_the_hint_is_the_condition_that_was_meant(text: str, instead: str) -> None:
    (finding,) = one_answer(ENVIRONMENT, text, is_question=True)
    assert instead in finding.hint
