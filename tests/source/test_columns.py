from __future__ import annotations

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.names import RESERVED_NAMES, heading_key, name_of
from engine.problems import NOWHERE, Location, Refused
from engine.source.base import Column
from engine.source.columns import Layout, layout_of, tidy

HEADER = Location("personal.csv", 3)


def layout(header: str, *columns: Column) -> Layout:
    return layout_of(header.split(";"), columns or None, HEADER)


def values(of: Layout, row: str) -> tuple[str, ...]:
    return of.values(of.texts(row.split(";")))


def raw(of: Layout, row: str) -> dict[str, str]:
    return of.raw(of.texts(row.split(";")))


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Vorname", "Vorname"),
        ("E-Mail privat", "E_Mail_privat"),
        ("1. Telefon", "_1__Telefon"),
        ("Straße", "Straße"),
        ("Größe (m²)", "Größe__m__"),
        ("PV_TELEP.1.TEL_ART", "PV_TELEP_1_TEL_ART"),
        ("Gültig\nbis", "Gültig_bis"),
        ("row", "_row"),
        ("class", "_class"),
        ("Row", "Row"),
        ("not", "_not"),
        ("#", "_"),
        ("\ufeff Nr.\u00a0", "Nr_"),
        ("", ""),
    ],
)
def test_a_heading_becomes_a_name(heading: str, name: str) -> None:
    assert name_of(heading) == name


@given(st.text(min_size=1, max_size=12))
def test_every_name_can_stand_in_a_template(heading: str) -> None:
    name = name_of(heading)
    assert name == "" or (name.isidentifier() and name not in RESERVED_NAMES)
    if name:
        assert jinja2.Template("{{ " + name + " }}").render({name: "x"}) == "x"


@pytest.mark.parametrize("heading", ["  personalnummer ", "\ufeffPersonalnummer", "PERSONALNUMMER\u00a0"])
def test_headings_are_compared_without_bom_blanks_and_case(heading: str) -> None:
    assert heading_key(heading) == heading_key("Personalnummer")


def test_a_non_breaking_blank_inside_a_heading_is_a_blank() -> None:
    assert heading_key("E-Mail\u00a0privat") == heading_key("E-Mail privat")


def test_texts_lose_outer_blanks_and_are_composed() -> None:
    assert tidy([" Mu\u0308ller\u00a0", "00042", "\tno "]) == ("Müller", "00042", "no")


def test_columns_give_the_names_and_their_order() -> None:
    of = layout("Nr;Nachname;Vorname", Column("vorname", ("Vorname",)), Column("nr", ("nr",)))
    assert of.names == ("vorname", "nr")
    assert values(of, "7;Muster;Max") == ("Max", "7")
    assert raw(of, "7;Muster;Max") == {"Vorname": "Max", "nr": "7"}, (
        "the mapping's spelling, and nothing it didn't name"
    )


def test_of_several_headings_the_first_that_is_not_empty_wins() -> None:
    of = layout("Nr;Mobil;Dienst;Privat", Column("handy", ("Mobil", "Dienst", "Privat")), Column("nr", ("Nr",)))
    assert values(of, "7;a;b;c") == ("a", "7")
    assert values(of, "7; ;b;c") == ("b", "7")
    assert values(of, "7;;;c") == ("c", "7")
    assert values(of, "7;;;") == ("", "7")
    assert raw(of, "7;;b;c") == {"Mobil": "", "Nr": "7", "Dienst": "b", "Privat": "c"}


def test_an_optional_column_that_is_missing_is_empty() -> None:
    of = layout("Nr", Column("nr", ("Nr",)), Column("email", ("E-Mail", "Mail"), optional=True))
    assert values(of, "7") == ("7", "")
    assert raw(of, "7") == {"Nr": "7", "E-Mail": "", "Mail": ""}


def test_a_single_column_is_a_tuple_too() -> None:
    assert values(layout("Nr;Name", Column("name", ("Name",))), "7;Muster") == ("Muster",)


def test_all_missing_headings_are_told_at_once_where_the_mapping_names_them() -> None:
    columns = [
        Column("nr", ("Personalnr",), at=Location("mappings/p.yaml", 4)),
        Column("ok", ("Ort",), at=Location("mappings/p.yaml", 5)),
        Column("handy", ("Handy", "Vornamen"), at=Location("mappings/p.yaml", 6)),
    ]
    with pytest.raises(Refused) as refused:
        layout("Personalnummer;Ort;Vorname;Straße", *columns)
    first, second, third = refused.value.problems
    assert {problem.code for problem in refused.value.problems} == {"missing_heading"}
    assert (first.at.line, second.at.line, third.at.line) == (4, 6, 6)
    assert '"Personalnr"' in first.message
    assert "personal.csv:3" in first.message
    assert '"Personalnummer"' in first.hint
    assert "Personalnummer, Ort, Vorname, Straße" in second.hint
    assert '"Vorname"' in third.hint


def test_a_wanted_heading_that_stands_there_twice_is_refused_and_an_unwanted_one_is_not() -> None:
    assert layout("Nr;Telefon;TELEFON", Column("nr", ("Nr",))).names == ("nr",)
    with pytest.raises(Refused) as refused:
        layout("Nr;Telefon;TELEFON", Column("tel", ("Telefon",), optional=True))
    assert [problem.code for problem in refused.value.problems] == ["double_heading"]
    assert refused.value.problems[0].at == HEADER


def test_without_columns_every_heading_is_a_name() -> None:
    of = layout("Nr;E-Mail privat;;1. Telefon")
    assert of.names == ("Nr", "E_Mail_privat", "_1__Telefon")
    assert values(of, "7;a@b;secret;0151") == ("7", "a@b", "0151")


def test_headings_with_one_name_are_reachable_through_raw_only() -> None:
    of = layout("Tel-1;Nr;Tel.1")
    assert of.names == ("Nr",)
    assert values(of, "a;7;b") == ("7",)
    assert raw(of, "a;7;b") == {"Tel-1": "a", "Nr": "7", "Tel.1": "b"}
    assert layout("Name;Name;Nr").names == ("Nr",)


def test_names_that_python_takes_for_one_are_no_names() -> None:
    assert layout("ﬁx;fix;Nr").names == ("Nr",)


@pytest.mark.parametrize("written", ["Mobil privat, Telefon", "Mobil privat; Telefon", "Mobil privat oder Telefon"])
def test_several_headings_without_brackets_get_them(written: str) -> None:
    columns = [Column("nr", ("Nr",), False, NOWHERE), Column("handy", (written,), False, NOWHERE)]
    with pytest.raises(Refused) as raised:
        layout_of(["Nr", "Mobil privat", "Telefon"], columns, NOWHERE)
    (problem,) = raised.value.problems
    assert problem.hint.endswith("[Mobil privat, Telefon]")
