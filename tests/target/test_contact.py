"""PURE: what becomes of a contact when a person's fields are written into it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from engine.target.greyhound.contact import (
    FieldTwice,
    bracketed,
    is_live_contact,
    merged,
    merged_links,
    new_item,
    trashed,
    user_values,
    value_of,
)

FIELDS = {"6": 6, "Abteilung": 7, "Mitgliedsnummer": 6}
MAIL, LETTER, PHONE, MOBILE = 0, 2, 3, 4
BUSINESS, PRIVATE = 1, 2


def link(text: str, kind: int = MAIL, category: int = BUSINESS, **more: Any) -> dict[str, Any]:
    return {"Kind": kind, "Category": category, "Text": text, **more}


def record(**fields: Any) -> dict[str, Any]:
    return {"GroupRef": 1, "Subject": "John Doe", "UserFields": {"6": "K-0815"}, **fields}


def item(contact: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "ID": 1001,
        "Kind": 8,
        "State": 1,
        "GroupRef": 1,
        "Priority": 2,
        "Subject": "John Doe",
        "Properties": {"Contact": contact or {}},
        "UserFields": [{"FieldRef": 6, "Value": "K-0815"}],
        **more,
    }


def links(existing: list[dict[str, Any]], *wanted: dict[str, Any]) -> list[dict[str, Any]] | None:
    return merged_links(existing, list(wanted), "<{}>")


# -- a new contact -----------------------------------------------------------------------------------------------------


def test_a_new_contact_looks_as_in_the_vendors_sample() -> None:
    wanted = record(
        Firstname="John",
        Lastname="Doe",
        ComLinks=[
            link("johndoe@test.com", Preferred=True),
            link("Musterstraße 123, 12345 Musterhausen, Deutschland", LETTER),
        ],
    )
    assert new_item(wanted, 1, FIELDS, "<{}>") == {
        "Kind": 8,
        "State": 1,
        "GroupRef": 1,
        "Priority": 2,
        "Subject": "John Doe",
        "Properties": {
            "Contact": {
                "Firstname": "John",
                "Lastname": "Doe",
                "ComLinks": [
                    {"Category": 1, "Kind": 0, "Preferred": True, "Text": "<johndoe@test.com>"},
                    {
                        "Category": 1,
                        "Kind": 2,
                        "Preferred": False,
                        "Text": "<Musterstraße 123, 12345 Musterhausen, Deutschland>",
                    },
                ],
            }
        },
        "UserFields": [{"FieldRef": 6, "Value": "K-0815"}],
    }


def test_state_and_priority_of_the_mapping_are_used_for_a_new_contact() -> None:
    made = new_item(record(State=3, Priority=4), 2, FIELDS, "<{}>")
    assert (made["State"], made["Priority"], made["GroupRef"]) == (3, 4, 2)


def test_links_and_user_fields_without_a_value_are_left_out_of_a_new_contact() -> None:
    wanted = record(ComLinks=[link("")], UserFields={"6": "K-0815", "Abteilung": ""})
    made = new_item(wanted, 1, FIELDS, "<{}>")
    assert "ComLinks" not in made["Properties"]["Contact"]
    assert made["UserFields"] == [{"FieldRef": 6, "Value": "K-0815"}]


def test_brackets_that_are_there_already_are_not_doubled() -> None:
    made = new_item(record(ComLinks=[link("<a@b.de>")]), 1, FIELDS, "<{}>")
    assert made["Properties"]["Contact"]["ComLinks"][0]["Text"] == "<a@b.de>"


def test_another_text_format_is_used_as_it_is() -> None:
    made = new_item(record(ComLinks=[link("a@b.de")]), 1, FIELDS, "{}")
    assert made["Properties"]["Contact"]["ComLinks"][0]["Text"] == "a@b.de"


@pytest.mark.parametrize(
    ("text", "inside"), [("a@b.de", False), ("<a@b.de>", False), ("Max <a@b.de>", True), ("<<a@b.de>>", True)]
)
def test_brackets_inside_of_a_text_are_seen(text: str, inside: bool) -> None:
    assert bracketed(link(text)) is inside


# -- a contact that is there -------------------------------------------------------------------------------------------


def test_where_nothing_managed_differs_there_is_nothing_to_put() -> None:
    assert merged(item({"Firstname": "John"}), record(Firstname="John"), FIELDS, "<{}>") is None


def test_a_missing_property_is_an_empty_one() -> None:
    assert merged(item(), record(Firstname="", Sex=0), FIELDS, "<{}>") is None


def test_an_empty_value_empties_what_is_managed() -> None:
    made = merged(item({"Firstname": "John", "Title": "Dr."}), record(Firstname=""), FIELDS, "<{}>")
    assert made is not None
    assert made["Properties"]["Contact"] == {"Firstname": "", "Title": "Dr."}


def test_everything_that_is_not_managed_stays_at_every_level() -> None:
    before = item(
        {
            "Firstname": "Jon",
            "Company": "ACME",
            "Unknown": {"a": [1]},
            "ComLinks": [link("<j@x.de>", Note="alt", ID=3), link("<0301234>", PHONE, PRIVATE, ID=4)],
        },
        Flags=1,
        Foreign={"b": 2},
        UserFields=[{"FieldRef": 6, "Value": "K-0815", "X": 1}, {"FieldRef": 7, "Value": "A", "X": 2}],
    )
    before["Properties"]["Other"] = {"c": 3}
    kept = copy.deepcopy(before)
    wanted = record(Firstname="John", ComLinks=[link("john@x.de")], UserFields={"6": "K-0815", "Abteilung": "B"})
    made = merged(before, wanted, FIELDS, "<{}>")
    expected = copy.deepcopy(kept)
    expected["Properties"]["Contact"]["Firstname"] = "John"
    expected["Properties"]["Contact"]["ComLinks"][0]["Text"] = "<john@x.de>"
    expected["UserFields"][1]["Value"] = "B"
    assert made == expected | {"Protocol": "", "Remarks": ""}
    assert before == kept


def test_group_state_and_priority_stay_where_people_put_them() -> None:
    made = merged(
        item(GroupRef=3, State=5, Priority=4), record(Subject="Jane Doe", State=1, Priority=2), FIELDS, "<{}>"
    )
    assert made is not None
    assert (made["GroupRef"], made["State"], made["Priority"]) == (3, 5, 4)


@pytest.mark.parametrize(("before", "after"), [("geändert", ""), ([{"Text": "geändert"}], []), (None, "")])
def test_protocol_and_remarks_are_emptied_because_a_put_appends_them(before: Any, after: Any) -> None:
    made = merged(item(Protocol=before, Remarks=before), record(Subject="Jane"), FIELDS, "<{}>")
    assert made is not None
    assert (made["Protocol"], made["Remarks"]) == (after, after)


def test_to_the_trash_goes_the_whole_item_with_one_flag_more() -> None:
    made = trashed(item({"Firstname": "John"}, Flags=4, Protocol="x", Foreign=1))
    assert made == item({"Firstname": "John"}, Flags=6, Protocol="", Remarks="", Foreign=1)


# -- links -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("standing", "wanted", "kind"),
    [
        ("<+49 151 2000001>", "00491512000001", MOBILE),
        ("<00491512000001>", "0151 2000001", MOBILE),
        ("+491512000001", "0049 151 2000001", PHONE),
        ("<Max@X.de>", "max@x.de", MAIL),
        ("< Weg 1,  12345 Ort >", "Weg 1, 12345 Ort", LETTER),
        ("<Durchwahl ABC>", "Durchwahl ABC", PHONE),
    ],
)
def test_a_text_that_the_server_wrote_in_its_own_way_is_the_same(standing: str, wanted: str, kind: int) -> None:
    assert links([link(standing, kind)], link(wanted, kind)) is None


def test_an_unmanaged_link_stays_and_keeps_its_place() -> None:
    private, mobile = link("<p@x.de>", MAIL, PRIVATE), link("<0151>", MOBILE)
    made = links([private, link("<old@x.de>"), mobile], link("new@x.de"))
    assert made == [private, link("<new@x.de>"), mobile]


def test_a_managed_link_with_an_empty_text_is_removed() -> None:
    private = link("<p@x.de>", MAIL, PRIVATE)
    assert links([link("<old@x.de>"), private], link("")) == [private]


def test_an_empty_text_where_there_is_no_link_changes_nothing() -> None:
    assert links([], link("")) is None


def test_a_second_link_of_a_managed_kind_goes() -> None:
    assert links([link("<a@x.de>"), link("<b@x.de>", ID=2)], link("b@x.de")) == [link("<b@x.de>", ID=2)]


def test_a_link_that_is_new_comes_last() -> None:
    letter = link("<Weg 1>", LETTER)
    made = links([letter], link("a@x.de", Preferred=True))
    assert made == [letter, {"Kind": 0, "Category": 1, "Preferred": True, "Text": "<a@x.de>"}]


def test_two_links_of_one_kind_are_told_apart_by_their_texts() -> None:
    both = [link("<a@x.de>", ID=1), link("<b@x.de>", ID=2)]
    assert links(both, link("b@x.de"), link("a@x.de")) is None
    assert links(both, link("b@x.de"), link("c@x.de")) == [link("<c@x.de>", ID=1), link("<b@x.de>", ID=2)]


def test_preferred_is_left_alone_where_the_mapping_does_not_name_it() -> None:
    assert links([link("<a@x.de>", Preferred=True)], link("a@x.de")) is None
    assert links([link("<a@x.de>", Preferred=True)], link("b@x.de")) == [link("<b@x.de>", Preferred=True)]


def test_preferred_is_managed_where_the_mapping_names_it() -> None:
    made = links([link("<a@x.de>")], link("a@x.de", Preferred=True))
    assert made == [link("<a@x.de>", Preferred=True)]


def test_a_link_that_leaves_out_what_is_zero_is_the_same_link() -> None:
    assert links([{"Text": "<a@x.de>"}], link("a@x.de", MAIL, 0, Preferred=False)) is None


def test_what_another_text_format_wrote_is_recognised() -> None:
    assert merged_links([link("tel:0151 1")], [link("0151 1")], "tel:{}") is None


# -- user fields -------------------------------------------------------------------------------------------------------


def test_a_user_field_that_is_emptied_is_taken_out_and_others_stay() -> None:
    standing = [{"FieldRef": 6, "Value": "K-0815"}, {"FieldRef": 7, "Value": "A"}, {"FieldRef": 9, "Value": 4}]
    made = merged(item(UserFields=standing), record(UserFields={"6": "K-0815", "Abteilung": ""}), FIELDS, "<{}>")
    assert made is not None
    assert made["UserFields"] == [standing[0], standing[2]]


def test_a_user_field_that_was_empty_is_added() -> None:
    made = merged(item(), record(UserFields={"6": "K-0815", "Abteilung": "A"}), FIELDS, "<{}>")
    assert made is not None
    assert made["UserFields"] == [{"FieldRef": 6, "Value": "K-0815"}, {"FieldRef": 7, "Value": "A"}]


def test_a_number_in_a_user_field_is_the_same_as_its_digits() -> None:
    before = item(UserFields=[{"FieldRef": 6, "Value": 815}])
    assert merged(before, record(UserFields={"6": "815"}), FIELDS, "<{}>") is None


def test_one_field_under_two_names_is_one_field() -> None:
    assert user_values(record(UserFields={"6": "1", "Mitgliedsnummer": "1"}), FIELDS) == {6: "1"}


def test_one_field_under_two_names_can_not_have_two_values() -> None:
    with pytest.raises(FieldTwice, match="Mitgliedsnummer"):
        user_values(record(UserFields={"6": "1", "Mitgliedsnummer": "2"}), FIELDS)


def test_the_value_of_a_user_field_is_text_and_never_none() -> None:
    given = {"UserFields": [{"FieldRef": 6, "Value": None}, {"FieldRef": 7, "Value": 12}]}
    assert [value_of(given, ref) for ref in (6, 7, 8)] == ["", "12", ""]


@pytest.mark.parametrize(
    ("given", "live"),
    [
        ({"Kind": 8}, True),
        ({"Kind": 8, "Flags": 5}, True),
        ({"Kind": 8, "Flags": 3}, False),
        ({"Kind": 1}, False),
        ({}, False),
        (None, False),
    ],
)
def test_a_live_contact_has_kind_8_and_is_not_in_the_trash(given: dict[str, Any] | None, live: bool) -> None:
    assert is_live_contact(given) is live
