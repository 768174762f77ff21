"""Invented people keep the shape of the real ones, and nothing else of them."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sync.headings import is_date
from engine.sync.invent import Inventor, fold
from engine.template.filters import FilterError, email, phone


def invent(text: str, role: str | None = None, seed: int = 1, *taken: str) -> str:
    return Inventor(Random(seed), {one.casefold() for one in taken}).value(text, role)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    ("real", "form"),
    [
        ("0151 2000001", r"015\d \d{7}"),
        ("0151-2000001", r"015\d-\d{7}"),
        ("+49 (0)151 2000001", r"\+49 \(0\)15\d \d{7}"),
        ("0049 170 2000001", r"0049 17\d \d{7}"),
        ("491512000001", r"49151\d{7}"),
        ("151 2000001", r"15\d \d{7}"),
        ("030 1234567", r"0\d{2} \d{7}"),
        ("+43 664 1234567", r"\+43 \d{3} \d{7}"),
    ],
)
def test_a_telephone_number_stays_possible_and_in_its_form(real: str, form: str, seed: int) -> None:
    made = invent(real, "mobile", seed)
    assert re.fullmatch(form, made), made
    assert made != real
    assert phone(made) != phone(real)


def test_a_wrong_number_stays_wrong() -> None:
    with pytest.raises(FilterError):
        phone(invent("0151 20000012345678", "mobile"))


def test_a_mail_is_built_of_the_invented_names() -> None:
    inventor = Inventor(Random(3))
    first, last = inventor.value("Jörg", "first"), inventor.value("Groß-Müller", "last")
    made = inventor.value("joerg.gross-mueller@feuerwehr-musterstadt.de", "mail")
    folded = [fold(first), fold(last)]
    assert made == f"{folded[0]}.{folded[1]}@example.org"
    assert email(made) == made


@pytest.mark.parametrize("seed", range(10))
def test_numbers_keep_their_digits_and_zeros(seed: int) -> None:
    assert re.fullmatch(r"00[1-9]\d", invent("0042", "key", seed))
    assert re.fullmatch(r"[1-9]\d{3}", invent("1042", "key", seed))
    assert re.fullmatch(r"M-[1-9]\d\.0", invent("M-42.0", None, seed)) or invent("M-42.0", None, seed)[1:] != "-42.0"
    assert re.fullmatch(r"M-00[1-9]\d", invent("M-0042", "key", seed))
    everybody = [f"000{n}" for n in range(10)]
    assert invent("0001", "key", seed, *everybody) not in everybody


@pytest.mark.parametrize("real", ["1.2.1999", "01.02.1999", "1999-02-01", "01.02.99", "2026-02-01 00:00:00"])
def test_a_date_stays_a_date_in_its_form(real: str) -> None:
    made = invent(real)
    assert is_date(made.split(" ")[0])
    assert made != real
    assert re.sub(r"\d", "0", made) == re.sub(r"\d", "0", real)


def test_words_keep_upper_and_lower_case_and_their_signs() -> None:
    assert re.fullmatch(r"[A-ZÄÖÜ]+-[A-ZÄÖÜ]+", invent("MÜLLER-LÜDENSCHEIDT", "last").replace("SS", "S"))
    assert re.fullmatch(r"von [A-Z][a-z]+", invent("von Berg", "last"))
    assert re.fullmatch(r"Am [A-Z]\w+ \d\d[a-z]", invent("Am Anger 12a", "street"))


def test_the_same_value_gives_the_same_replacement_also_inside_of_another() -> None:
    inventor = Inventor(Random(5))
    last = inventor.value("Beispiel", "last")
    assert inventor.value("Beispiel", "last") == last
    assert last in inventor.value("Beispiel, Max", "whole")
    assert inventor.value("BEISPIEL", None) == last.upper()


@given(
    st.text(min_size=2, max_size=30),
    st.sampled_from([None, "first", "last", "mobile", "mail", "key", "street"]),
    st.integers(),
)
def test_whatever_says_something_is_replaced(text: str, role: str | None, seed: int) -> None:
    made = invent(text, role, seed, text, *re.findall(r"\w+", text))
    if re.search(r"\w\w", text):
        assert made.casefold() != text.casefold()
    assert made.count("\n") == text.count("\n")
