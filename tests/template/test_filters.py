"""What the filters of a template promise (dsl.md §4)."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from engine.template import filters
from engine.template.filters import (
    FILTERS,
    FilterError,
    age,
    date,
    digits,
    e164,
    email,
    first_of,
    ja,
    parse_date,
    phone,
    regex_replace,
    regex_search,
    slug,
    split,
    still_valid,
    title_name,
    to_ascii,
)

# The first use of a library loads it, which takes longer than an example may.
unhurried = settings(deadline=None, max_examples=300)


def refusal(filter_: Any, *arguments: Any, **named: Any) -> FilterError:
    with pytest.raises(FilterError) as caught:
        filter_(*arguments, **named)
    assert str(caught.value) == caught.value.message
    assert re.fullmatch(r"[a-z][a-z0-9_]+", caught.value.code)
    assert caught.value.hint
    return caught.value


def test_every_filter_of_the_language_is_listed() -> None:
    assert set(FILTERS) == {
        *("phone", "e164", "split", "date", "age", "ja", "email", "ascii", "slug"),
        *("regex_replace", "regex_search", "title_name", "digits"),
    }


@pytest.mark.parametrize(
    ("name", "result"),
    [
        *[(name, "") for name in ("phone", "e164", "date", "email", "ascii", "slug", "title_name", "digits")],
        *[("split", []), ("age", None), ("ja", False), ("regex_replace", ""), ("regex_search", True)],
    ],
)
@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_in_gives_nothing_out(name: str, result: object, nothing: object) -> None:
    assert FILTERS[name](nothing) == result


@pytest.mark.parametrize("name", sorted(set(FILTERS) - {"split"}))
def test_a_list_where_a_text_belongs_is_refused(name: str) -> None:
    assert refusal(FILTERS[name], ["0151 2000001"]).code == "filter_needs_text"


def test_importing_the_filters_loads_no_library() -> None:
    code = (
        "import sys, engine.template.filters as f; f.phone('0151 2000001'); f.email('a@b.de'); "
        "print([name for name in ('phonenumbers', 'email_validator', 'regex', 'jinja2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- phone ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "dialled"),
    [
        ("", ""),
        ("   ", ""),
        ("\xa0\u200b", ""),
        ("0151-2000001", "00491512000001"),
        ("151 2000001", "00491512000001"),
        ("1512000001", "00491512000001"),
        ("+49 (0)151 2000001", "00491512000001"),
        ("+49(0)151/2000001", "00491512000001"),
        ("+49 0151 2000001", "00491512000001"),
        ("0049 151 2000001", "00491512000001"),
        ("00491512000001", "00491512000001"),
        ("00 49 (0) 151 2000001", "00491512000001"),
        ("0151/2000001", "00491512000001"),
        ("0151 / 200 00 01", "00491512000001"),
        ("0151/200/0001", "00491512000001"),
        ("033056/012345", "004933056012345"),
        ("+49 (0)33056 / 012345", "004933056012345"),
        ("+43 4212/012345", "00434212012345"),
        ("(0151) 2000001", "00491512000001"),
        ("(+49) 151 2000001", "00491512000001"),
        ("[0151] 2000001", "00491512000001"),
        ("0151.200.0001", "00491512000001"),
        ("0151\xa0200\u202f0001", "00491512000001"),
        ("0151–2000001", "00491512000001"),
        ("\u202a+49 151 2000001\u202c", "00491512000001"),
        ("０１５１２０００００１", "00491512000001"),
        ("491512000001", "00491512000001"),
        ("49 160 2000001", "00491602000001"),
        ("49 176 20000012", "004917620000012"),
        ("+49 30 1234567", "0049301234567"),
        ("0491 512345", "0049491512345"),
        ("0911 12345-0", "0049911123450"),
        ("0049151123456", "0049151123456"),
        ("+43 664 1234567", "00436641234567"),
        ("+43 (0)664 1234567", "00436641234567"),
        ("0043 664 1234567", "00436641234567"),
        ("+41 79 123 45 67", "0041791234567"),
        ("+39 06 12345678", "00390612345678"),
        ("+1 212 555 1234", "0012125551234"),
        (1512000001, "00491512000001"),
        (1512000001.0, "00491512000001"),
        ("1512000001.0", "00491512000001"),
        (491512000001, "00491512000001"),
    ],
)
def test_a_number_is_dialled_from_abroad(written: object, dialled: str) -> None:
    assert phone(written) == dialled
    assert e164(written) == ("+" + dialled[2:] if dialled else "")


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("Tel.: 0151 2000001", "phone_letters"),
        ("unbekannt", "phone_letters"),
        ("1.51E+09", "phone_letters"),
        (True, "phone_letters"),
        ("4930 1234567", "phone_country_or_area"),
        ("49", "phone_country_or_area"),
        ("49151 2000", "phone_country_or_area"),
        ("0491512000001", "phone_country_or_area"),
        ("12", "phone_too_short"),
        ("112", "phone_too_short"),
        ("0151", "phone_too_short"),
        ("0", "phone_too_short"),
        ("+49", "phone_too_short"),
        ("+43 1", "phone_too_short"),
        ("0151 200000120000012", "phone_too_long"),
        ("+49 151 20000012000001", "phone_too_long"),
        ("0" * 300, "phone_too_long"),
        ("1" * 300, "phone_too_long"),
        ("0151 2000001 0171 2000002", "phone_too_long"),
        ("0151 2000001, 0171 2000002", "phone_two_numbers"),
        ("0151 2000001; 0171 2000002", "phone_two_numbers"),
        ("0151 2000001 / 0171 2000002", "phone_two_numbers"),
        ("0151 2000001/0171 2000002", "phone_two_numbers"),
        ("0911 12345 / 12346", "phone_two_numbers"),
        ("0151 2000001\n0171 2000002", "phone_two_numbers"),
        ("0151 2000001 oder 0171 2000002", "phone_two_numbers"),
        ("0151 2000001 +49 171 2000002", "phone_two_numbers"),
        ("0151 2000001 #2", "phone_unreadable"),
        ("0151 2000001²", "phone_unreadable"),
        ("++49 151 2000001", "phone_unreadable"),
        ("0151 2000001+", "phone_unreadable"),
        ("+49 00151 2000001", "phone_unreadable"),
        ("-", "phone_unreadable"),
        ("+", "phone_unreadable"),
        (1512000001.5, "phone_unreadable"),
        (float("nan"), "phone_unreadable"),
        (1e22, "phone_too_long"),
        ("+999 1234567", "phone_country"),
        ("000151 2000001", "phone_country"),
        ("+41 79 123 45", "phone_too_short"),
    ],
)
def test_an_unusable_number_is_refused_or_gives_the_default(written: object, code: str) -> None:
    assert refusal(phone, written).code == code
    assert refusal(e164, written).code == code
    assert phone(written, default="") == ""
    assert e164(written, default="none") == "none"
    assert phone(written, default=None) is None


@pytest.mark.parametrize(
    ("written", "way_out"),
    [
        ("0151 2000001, 0171 2000002", "{{ handy | split | first | default('') | phone }}"),
        ("0151 2000001 / 0171 2000002", "{{ handy | split('/') | first | default('') | phone }}"),
        ("0151 2000001 oder 0171 2000002", "{{ handy | split('oder') | first | default('') | phone }}"),
        ("0151 2000001 +49 171 2000002", "{{ handy | split(' +') | first | default('') | phone }}"),
    ],
)
def test_two_numbers_in_a_cell_come_with_the_way_to_the_first(written: str, way_out: str) -> None:
    assert way_out in refusal(phone, written).hint
    separator = re.search(r"split\('(.*?)'\)", way_out)
    assert phone(split(written, separator[1] if separator else None)[0]) == "00491512000001"


def test_the_default_is_for_unusable_numbers_only() -> None:
    assert phone("", default="none") == ""
    assert phone("0151 2000001", default="") == "00491512000001"


@pytest.mark.parametrize("value", [["0151 2000001"], {"a": 1}])
def test_the_default_does_not_hide_a_mistake_in_the_mapping(value: object) -> None:
    assert refusal(phone, value, default="").code == "filter_needs_text"
    assert refusal(phone, "0151 2000001", region="XX", default="").code == "phone_region"


@pytest.mark.parametrize(
    ("region", "written", "dialled"),
    [
        ("AT", "0664 1234567", "00436641234567"),
        ("at", "0664/123 45 67", "00436641234567"),
        ("AT", "664 1234567", "00436641234567"),
        ("AT", "+43 (0)664 1234567", "00436641234567"),
        ("AT", "0049 151 2000001", "00491512000001"),
        ("AT", "+49 (0)151 2000001", "00491512000001"),
        ("CH", "079 123 45 67", "0041791234567"),
        ("CH", "41 79 123 45 67", "0041791234567"),
        ("IT", "06 12345678", "00390612345678"),
        ("DK", "45 12 34 56", "004545123456"),
        ("DK", "45 45 12 34 56", "004545123456"),
        ("GB", "020 7946 0018", "00442079460018"),
        ("LU", "621 123 456", "00352621123456"),
        ("US", "(212) 555-1234", "0012125551234"),
        ("US", "1 212 555 1234", "0012125551234"),
        ("US", "0049 151 2000001", "00491512000001"),
        ("de", "0151 2000001", "00491512000001"),
    ],
)
def test_a_number_without_country_code_belongs_to_the_region(region: str, written: str, dialled: str) -> None:
    assert phone(written, region=region) == dialled
    assert phone(written, region) == dialled


def test_the_own_country_code_without_plus_is_unclear_where_it_may_be_an_area() -> None:
    assert refusal(phone, "43 664 1234567", region="AT").code == "phone_country_or_area"


@pytest.mark.parametrize("region", ["XX", "", "Deutschland", None, 49])
def test_an_unknown_region_is_refused(region: Any) -> None:
    assert refusal(phone, "0664 1234567", region=region).code == "phone_region"


plain_prefixes = st.sampled_from(
    ["", "0", "+49", "+49 ", "0049", "0049 ", "+49 (0)", "+49(0)", "+49 (0) ", "0049(0)", "+490", "49", "+43", "00"]
)
separated_digits = st.lists(
    st.tuples(
        st.text("0123456789", min_size=1, max_size=6), st.sampled_from(["", "", " ", "-", "/", " - ", "  ", "."])
    ),
    min_size=1,
    max_size=6,
).map(lambda parts: "".join(digits_ + separator for digits_, separator in parts))
telephone_like = st.one_of(
    st.builds(str.__add__, plain_prefixes, separated_digits),
    st.text("0123456789+-/() .49\xa0", max_size=24),
)


@unhurried
@given(telephone_like)
@example("0151-2000001")
@example("+49 (0)30 1234")
@example("0491512000001")
@example("151 200")
def test_the_fast_path_says_what_the_library_says(written: str) -> None:
    plain = filters._plain_german(written)
    if plain is not None:
        assert plain == filters.international_digits(written, "DE")


@unhurried
@given(
    st.sampled_from(["", "0", "+49", "+49 ", "0049", "+49 (0)", "0049 (0) "]),
    st.from_regex(r"(?!49)[1-9][0-9]{2,4}", fullmatch=True),
    st.sampled_from(["", " ", "-", "/"]),
    st.from_regex(r"[0-9]{3,8}", fullmatch=True),
)
def test_the_usual_german_forms_take_the_fast_path(prefix: str, area: str, separator: str, rest: str) -> None:
    written = prefix + area + separator + rest
    assert filters._plain_german(written) == "49" + area + rest == filters.international_digits(written, "DE")


@unhurried
@given(
    st.one_of(telephone_like, st.text(max_size=24), st.integers(0, 10**13)),
    st.sampled_from(["DE", "DE", "AT", "CH", "IT", "DK", "US", "LU", "GB", "BR", "AR", "MX"]),
)
def test_a_dialled_number_is_00_and_digits_and_dialling_it_again_changes_nothing(written: object, region: str) -> None:
    try:
        dialled = phone(written, region)
    except FilterError:
        assume(False)
    assert re.fullmatch(r"|00[1-9][0-9]{3,18}", dialled, re.ASCII)
    assert phone(dialled, region) == dialled
    assert phone(dialled) == dialled
    assert phone(e164(written, region)) == dialled


# --- split, first_of --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "sep", "parts"),
    [
        ("Maschinist, Gruppenführer", None, ["Maschinist", "Gruppenführer"]),
        ("A;B,C\nD\r\nE", None, ["A", "B", "C", "D", "E"]),
        (" , ;A ; ,", None, ["A"]),
        ("1. Zug/2. Zug", None, ["1. Zug/2. Zug"]),
        ("1. Zug/2. Zug", "/", ["1. Zug", "2. Zug"]),
        ("A, B|C", "|", ["A, B", "C"]),
        ("A und B", " und ", ["A", "B"]),
        (["A", " B "], None, ["A", " B "]),
        (("A", "B"), None, ["A", "B"]),
        (1042.0, None, ["1042"]),
    ],
)
def test_split_gives_the_parts_of_a_text(value: object, sep: str | None, parts: list[str]) -> None:
    assert split(value, sep) == parts


@pytest.mark.parametrize("sep", ["", 1])
def test_split_needs_something_to_split_at(sep: Any) -> None:
    assert refusal(split, "A", sep).code == "split_separator"


@given(st.text())
def test_split_gives_trimmed_parts_without_separators_and_finds_them_again(text: str) -> None:
    parts = split(text)
    assert all(isinstance(part, str) and part and part == part.strip() for part in parts)
    assert not any(set(",;\r\n") & set(str(part)) for part in parts)
    assert split(", ".join(map(str, parts))) == parts
    assert split(parts) == parts


@pytest.mark.parametrize(
    ("values", "result"),
    [
        (("", None, "0151", "0171"), "0151"),
        (("  ", [], {}, (), "x"), "x"),
        ((None, 0), 0),
        ((False, "x"), False),
        (("", None), ""),
        ((), ""),
    ],
)
def test_first_of_gives_the_first_that_is_not_empty(values: tuple[object, ...], result: object) -> None:
    assert first_of(*values) == result


# --- dates ------------------------------------------------------------------------------------------------------------

FIRST_OF_FEBRUARY = dt.date(2020, 2, 1)
TODAY = dt.date(2026, 6, 15)


@pytest.mark.parametrize(
    "value",
    [
        "2020-02-01",
        " 2020-02-01 ",
        "20200201",
        20200201,
        "1.2.2020",
        "01.02.2020",
        "1. 2. 2020",
        "01.02.20",
        "2020-02-01T23:30:00",
        "2020-02-01T23:30:00Z",
        "2020-02-01T23:30:00.123+01:00",
        "2020-02-01 00:00:00",
        "01.02.2020 00:00",
        "01.02.2020 00:00:00",
        FIRST_OF_FEBRUARY,
        dt.datetime(2020, 2, 1, 23, 30, tzinfo=dt.UTC),
    ],
)
def test_a_date_is_read(value: object) -> None:
    assert parse_date(value, TODAY) == FIRST_OF_FEBRUARY
    assert date(value) == "01.02.2020"
    assert date(value, "%Y-%m-%d") == "2020-02-01"
    assert date(value, format="%d.%m.") == "01.02."


@pytest.mark.parametrize(
    ("value", "year"), [("01.02.41", 2041), ("01.02.42", 1942), ("01.02.00", 2000), ("01.02.99", 1999)]
)
def test_a_year_of_two_digits_is_at_most_fifteen_years_ahead(value: str, year: int) -> None:
    assert parse_date(value, TODAY) == dt.date(year, 2, 1)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("1/2/2020", "date_unreadable"),
        ("01-02-2020", "date_unreadable"),
        ("Februar 2020", "date_unreadable"),
        ("1.2.", "date_unreadable"),
        ("2020", "date_unreadable"),
        ("2020-02-01T25:00", "date_unreadable"),
        (43862.0, "date_unreadable"),
        ("30.02.2020", "date_impossible"),
        ("2020-13-01", "date_impossible"),
        ("29.02.2021", "date_impossible"),
        ("00.00.0000", "date_impossible"),
    ],
)
def test_what_is_no_date_is_refused(value: object, code: str) -> None:
    assert refusal(date, value).code == code
    assert refusal(age, value).code == code


@pytest.mark.parametrize("format_", ["%d" * 200, 5])
def test_a_format_that_can_not_be_used_is_refused(format_: Any) -> None:
    assert refusal(date, "2020-02-01", format_).code == "date_format"


@given(st.dates())
def test_every_day_is_read_back_from_iso_and_german(day: dt.date) -> None:
    assert parse_date(day.isoformat()) == day
    assert parse_date(f"{day.day}.{day.month}.{day.year:04}") == day


@pytest.mark.parametrize(
    ("born", "today", "years"),
    [
        ("24.12.1990", "2020-12-23", 29),
        ("24.12.1990", "2020-12-24", 30),
        ("29.02.2000", "28.02.2018", 17),
        ("29.02.2000", "01.03.2018", 18),
        ("24.12.46", TODAY, 79),
        ("15.06.2026", TODAY, 0),
        ("15.06.2000", dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC), 26),
        ("", TODAY, None),
    ],
)
def test_age_counts_whole_years(born: str, today: object, years: int | None) -> None:
    assert age(born, today) == years


def test_age_is_counted_to_today_by_default() -> None:
    assert age(dt.datetime.now(dt.UTC).astimezone().date()) == 0


def test_who_is_born_in_the_future_has_no_age() -> None:
    assert refusal(age, "16.06.2026", TODAY).code == "date_in_future"


# --- ja ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["Ja", "JA", " ja ", "j", "x", "X", "1", 1, 1.0, True, "true", "yes", "Y", "on", "Wahr"]
)
def test_ja_is_true(value: object) -> None:
    assert ja(value) is True


@pytest.mark.parametrize("value", ["Nein", "n", "0", 0, 0.0, False, "FALSE", "no", "off", "falsch", "", " ", None])
def test_ja_is_false(value: object) -> None:
    assert ja(value) is False


@pytest.mark.parametrize("value", ["vielleicht", "2", "-", 2, "jaja"])
def test_ja_does_not_guess(value: object) -> None:
    assert refusal(ja, value).code == "ja_unclear"


# --- email ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("Max.Muster@Example.ORG", "max.muster@example.org"),
        (" a@b.de\xa0", "a@b.de"),
        ("\u200ba@b.de", "a@b.de"),
        ("wehr@zentrale.local", "wehr@zentrale.local"),
        ("a+b_c-d@sub.example-one.de", "a+b_c-d@sub.example-one.de"),
        ("Müller@Müller.de", "müller@müller.de"),
        ("o'neill@example.org", "o'neill@example.org"),
    ],
)
def test_an_address_is_written_in_lower_case(written: str, address: str) -> None:
    assert email(written) == address


@pytest.mark.parametrize(
    ("written", "code", "hint"),
    [
        ("Max <max@example.org>", "email_not_alone", "max@example.org"),
        ("mailto:max@example.org", "email_not_alone", "max@example.org"),
        ("max@example.org (privat)", "email_not_alone", "max@example.org"),
        ("a@b.de; c@d.de", "email_two_addresses", "{{ email | split | first | default('') | email }}"),
        ("a@b.de, c@d.de", "email_two_addresses", "split"),
        ("a@b.de c@d.de", "email_two_addresses", "split"),
        ("max muster@example.org", "email_invalid", "without blanks"),
        ("keine", "email_invalid", "name@example.org"),
        ("a@b@c.de", "email_invalid", "name@example.org"),
        ("a..b@c.de", "email_invalid", "name@example.org"),
        ("a@-b.de", "email_invalid", "name@example.org"),
        ("a@b.de.", "email_invalid", "name@example.org"),
        ("a" * 250 + "@example.org", "email_invalid", "name@example.org"),
        ("max@gmx", "email_domain", "max@gmx.de"),
        (5, "email_invalid", "name@example.org"),
    ],
)
def test_what_is_not_one_address_is_refused(written: object, code: str, hint: str) -> None:
    error = refusal(email, written)
    assert error.code == code
    assert hint in error.hint


email_like = st.one_of(
    st.emails(),
    st.from_regex(r"[a-zA-Z0-9._+-]{1,12}@[a-zA-Z0-9.-]{1,12}\.[a-z]{1,4}", fullmatch=True),
    st.builds("{}@{}.de".format, st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=8)),
)


@unhurried
@given(email_like)
@example("a@xn--mller-kva.de")
@example("a@b--c.de")
@example("0@0.arpa")
@example("\u212a@b.de")
def test_a_plain_address_is_what_the_library_accepts(written: str) -> None:
    plain = filters._plain_email(written)
    if plain is not None:
        assert plain == filters.checked_email(written)


@unhurried
@given(email_like)
def test_a_checked_address_stays_as_it_is(written: str) -> None:
    try:
        address = email(written)
    except FilterError:
        assume(False)
    assert address == address.lower()
    assert email(address) == address


# --- text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("Jörg Weiß", "Joerg Weiss"),
        ("Ärzte Übel Öl", "Aerzte Uebel Oel"),
        ("MÜLLER", "MUELLER"),
        ("GROẞ HÖ", "GROSS HOE"),
        ("Mu\u0308ller", "Mueller"),
        ("Renée Çelik Wałęsa Søren", "Renee Celik Walesa Soren"),
        ("Löschgruppe – Süd", "Loeschgruppe - Sued"),
        ("½ € ☎ 消防", "1/2"),
    ],
)
def test_ascii_writes_umlauts_out(value: str, result: str) -> None:
    assert to_ascii(value) == result


@given(st.text())
def test_ascii_gives_ascii_and_leaves_it_alone(text: str) -> None:
    result = to_ascii(text)
    assert result.isascii()
    assert to_ascii(result) == result
    assert re.fullmatch(r"|[a-z0-9]+(-[a-z0-9]+)*", slug(text))


@given(st.text("äöüßÄÖÜabcXYZ ,-", max_size=20))
def test_ascii_does_not_mind_how_umlauts_are_encoded(text: str) -> None:
    assert to_ascii(unicodedata.normalize("NFD", text)) == to_ascii(text)


@pytest.mark.parametrize(
    ("value", "result"),
    [("1. Zug – Löschgruppe Süd", "1-zug-loeschgruppe-sued"), ("--Ä--", "ae"), ("O'Neill", "o-neill"), ("€", "")],
)
def test_slug_joins_words(value: str, result: str) -> None:
    assert slug(value) == result


@pytest.mark.parametrize(
    ("value", "result"), [("Nr. 0042/7", "00427"), (1042.0, "1042"), (1042, "1042"), ("٣²4", "4"), ("keine", "")]
)
def test_digits_keeps_only_digits(value: object, result: str) -> None:
    assert digits(value) == result


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("MÜLLER-LÜDENSCHEIDT", "Müller-Lüdenscheidt"),
        ("anna-lena", "Anna-Lena"),
        ("Müller", "Müller"),
        ("McDonald", "McDonald"),
        ("GROß", "Groß"),
        ("ANNA LENA müller", "Anna Lena Müller"),
        ("LUDWIG VAN BEETHOVEN", "Ludwig van Beethoven"),
        ("VAN DER BERG", "Van der Berg"),
        ("VON STEIN", "Von Stein"),
        ("von stein", "Von Stein"),
        ("von Stein", "von Stein"),
        ("Max von STEIN", "Max von Stein"),
        ("ROTH-VON STEIN", "Roth-von Stein"),
        ("MCDONALD", "McDonald"),
        ("macdonald", "MacDonald"),
        ("MACKENSEN", "Mackensen"),
        ("O'NEILL", "O'Neill"),
        ("d’angelo", "D’Angelo"),
        ("ANDREA'S", "Andrea's"),
        ("DR. MÜLLER", "Dr. Müller"),
        ("Dr. Müller", "Dr. Müller"),
        ("J.R. EWING", "J.R. Ewing"),
        ("(MAX)", "(Max)"),
        ("HEINRICH VIII", "Heinrich VIII"),
        ("MÜLLER  II", "Müller  II"),
        ("1. ZUG", "1. Zug"),
        ("ÉMILE", "Émile"),
    ],
)
def test_title_name_writes_names_as_names_are_written(value: str, result: str) -> None:
    assert title_name(value) == result


@given(st.lists(st.text("aäbcmnoßAÄBCMNOIV'-.", min_size=1, max_size=9) | st.sampled_from(["VON", "von", "De", "IV"])))
def test_title_name_changes_nothing_the_second_time(words: list[str]) -> None:
    written = title_name(" ".join(words))
    assert title_name(written) == written


# --- regular expressions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        (("Zug 1 (Nord)", r"\s*\(.*\)"), "Zug 1"),
        (("a-b", r"(\w)-(\w)", r"\2-\1"), "b-a"),
        (("a-b", r"(?P<first>\w)-", r"\g<first>"), "ab"),
        (("Zug zug", "zug", "x"), "Zug x"),
        (("Zug zug", "zug", "x", True), "x x"),
        ((1042.0, "^10", ""), "42"),
        (("  a", "^ +", ""), "a"),
        (("abc", "", "-"), "-a-b-c-"),
    ],
)
def test_regex_replace(arguments: tuple[Any, ...], result: str) -> None:
    assert regex_replace(*arguments) == result


def test_regex_filters_take_the_names_home_assistant_has() -> None:
    assert regex_replace("Zug", find="zug", replace="x", ignorecase=True) == "x"
    assert regex_search("Zug", find="zug", ignorecase=True)


@pytest.mark.parametrize(
    ("value", "find", "found"),
    [("Gruppenführer", "führer$", True), ("Zug 2", r"\b1\b", False), ("Zug", "zug", False), ("", "^$", True)],
)
def test_regex_search(value: str, find: str, found: bool) -> None:
    assert regex_search(value, find) is found


@pytest.mark.parametrize("find", ["(", "[", "*", r"\p{Nothing}", "a{99999999999999999999}", "(" * 4000, "a" * 5000, 5])
def test_a_bad_pattern_is_refused(find: Any) -> None:
    assert refusal(regex_search, "a", find).code == "regex_invalid"
    assert refusal(regex_replace, "a", find).code == "regex_invalid"


@pytest.mark.parametrize("replace", [r"\5", r"\g<name>", "\\", r"\q"])
def test_a_bad_replacement_is_refused(replace: str) -> None:
    assert refusal(regex_replace, "a", "a", replace).code == "regex_replacement"


def test_a_pattern_that_runs_away_is_stopped() -> None:
    assert refusal(regex_search, "a" * 60 + "b", r"^(a|a)*$").code == "regex_too_slow"


@pytest.mark.parametrize(
    ("value", "find", "replace"),
    [
        ("a" * 60_000, "", "b" * 4000),
        ("a" * 70_000, "b", ""),
        ("ab" * 20_000, "b", "ä" * 3),
        ("a", "a", "b" * 70_000),
    ],
)
def test_a_result_above_64_kib_is_refused(value: str, find: str, replace: str) -> None:
    assert refusal(regex_replace, value, find, replace).code == "text_too_long"


@pytest.mark.parametrize(
    ("last", "empty", "valid"),
    [
        ("23.11.2026", False, True),
        ("22.11.2026", False, False),
        ("2027-01-01", False, True),
        ("31.12.26", False, True),
        ("", False, False),
        ("", True, True),
        (None, True, True),
    ],
)
def test_a_date_is_valid_up_to_its_last_day(last: str | None, empty: bool, valid: bool) -> None:
    assert still_valid(last, empty, today="2026-11-23") is valid


def test_what_is_no_date_is_neither_valid_nor_not() -> None:
    with pytest.raises(FilterError):
        still_valid("bald", today="2026-11-23")
