"""PURE: a contact as GREYHOUND holds it. What a mapping manages, what is kept, and when two contacts are the same.

On requests a property left out counts as empty, in answers empty values are left out (vendor page).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from engine.sync.record import Record
from engine.template.filters import FilterError, e164
from engine.template.kinds import FLAG, INTEGER, TEXT, AnyKind, Items, Kind, Pairs, as_text, choice

CONTACT = 8
STATE_NEW = 1
PRIORITY_NORMAL = 2
DELETED = 2

LINK_KINDS = {"email": 0, "fax": 1, "letter": 2, "phone": 3, "mobile": 4, "message": 5}
LINK_CATEGORIES = {"none": 0, "business": 1, "private": 2, "invoice": 3, "supplier": 4}
SEXES = {"none": 0, "male": 1, "female": 2, "diverse": 3}
APPENDED = ("Protocol", "Remarks")
DIALLED = (LINK_KINDS["fax"], LINK_KINDS["phone"], LINK_KINDS["mobile"])


class FieldTwice(Exception):
    """A user field is named by its number and by its name, with two values."""


def _group(value: Any) -> int | str:
    text = as_text(value)
    return int(text) if text.isascii() and text.isdigit() else text


# GroupRef, State and Priority belong to creation only: an existing contact stays where people put it.
CREATION_ONLY = ("GroupRef", "Kind", "State", "Priority")
PROPERTIES = (
    "Firstname",
    "Lastname",
    "Secondname",
    "Callname",
    "Company",
    "Title",
    "Salutation",
    "Url",
    "Birthday",
    "Sex",
)
FIELDS: dict[str, AnyKind] = {
    "GroupRef": Kind("group", _group),
    "Subject": TEXT,
    "Kind": INTEGER,
    "State": INTEGER,
    "Priority": INTEGER,
    **dict.fromkeys(PROPERTIES, TEXT),
    "Sex": choice("Sex", SEXES),
    "ComLinks": Items(
        {
            "Kind": choice("Kind", LINK_KINDS),
            "Category": choice("Category", LINK_CATEGORIES),
            "Preferred": FLAG,
            "Text": TEXT,
        },
        required=("Text",),
        filled=("Kind", "Text"),  # nothing is the number of e-mails
    ),
    "UserFields": Pairs(TEXT),
}


def user_values(record: Record, fields: Mapping[str, int]) -> dict[int, str]:
    """The user fields by their numbers. Raises :class:`FieldTwice` where two names mean one field and differ."""
    values: dict[int, str] = {}
    for name, value in record.get("UserFields", {}).items():
        if values.setdefault(fields[name], value) != value:
            raise FieldTwice(name)
    return values


def new_item(record: Record, group: int, fields: Mapping[str, int], text_format: str) -> dict[str, Any]:
    """The item of ``RpcItems.New``: Kind, State and Priority are always sent: left out they mean something else."""
    contact: dict[str, Any] = {name: record[name] for name in PROPERTIES if record.get(name)}
    links = [_link(link, text_format) for link in record.get("ComLinks", []) if link.get("Text")]
    if links:
        contact["ComLinks"] = links
    return {
        "Kind": CONTACT,
        "State": record.get("State", STATE_NEW),
        "GroupRef": group,
        "Priority": record.get("Priority", PRIORITY_NORMAL),
        "Subject": record["Subject"],
        "Properties": {"Contact": contact},
        "UserFields": [
            {"FieldRef": ref, "Value": value} for ref, value in user_values(record, fields).items() if value
        ],
    }


def merged(
    item: Mapping[str, Any], record: Record, fields: Mapping[str, int], text_format: str
) -> dict[str, Any] | None:
    """The whole item with the managed fields as ``record`` wants them; None where nothing managed differs.

    Everything else stays, known or not. ``Protocol`` and ``Remarks`` are emptied: on Put they are appended.
    """
    made = emptied(item)
    made["Properties"] = properties = made.get("Properties") or {}
    properties["Contact"] = contact = properties.get("Contact") or {}
    differs = _set(made, "Subject", record["Subject"])
    for name in PROPERTIES:
        if name in record:
            differs |= _set(contact, name, record[name])
    if "ComLinks" in record:
        links = merged_links(contact.get("ComLinks") or [], record["ComLinks"], text_format)
        if links is not None:
            contact["ComLinks"] = links
            differs = True
    values = _merged_fields(made.get("UserFields") or [], user_values(record, fields))
    if values is not None:
        made["UserFields"] = values
        differs = True
    return made if differs else None


def trashed(item: Mapping[str, Any]) -> dict[str, Any]:
    """The whole item, moved to the trash."""
    return emptied(item) | {"Flags": int(item.get("Flags") or 0) | DELETED}


def emptied(item: Mapping[str, Any]) -> dict[str, Any]:
    """A copy to put back: without the texts that a Put would append to themselves."""
    made = copy.deepcopy(dict(item))
    for name in APPENDED:
        made[name] = [] if isinstance(made.get(name), list) else ""
    return made


def merged_links(
    existing: list[dict[str, Any]], wanted: list[dict[str, Any]], text_format: str
) -> list[dict[str, Any]] | None:
    """The list of links with the managed ones replaced; None where they say the same already.

    A link is managed when its (Kind, Category) appears in the mapping, also with an empty text: that removes it.
    """
    managed = {_sort(link) for link in wanted}
    todo = [link for link in wanted if link.get("Text")]
    made: list[dict[str, Any]] = []
    spare: list[dict[str, Any]] = []
    for link in existing:
        same = next((one for one in todo if _same(link, one, text_format)), None)
        made.append(link)
        if same is not None:
            todo.remove(same)
        elif _sort(link) in managed:
            spare.append(link)
    if not todo and not spare:
        return None
    for link in spare:
        place = next(index for index, one in enumerate(made) if one is link)
        new = next((one for one in todo if _sort(one) == _sort(link)), None)
        made[place : place + 1] = [] if new is None else [link | _written(new, text_format)]
        if new is not None:
            todo.remove(new)
    return made + [_link(link, text_format) for link in todo]


def bracketed(link: Mapping[str, Any]) -> bool:
    """Whether the text of a link holds angle brackets inside: they stand around it, nothing could tell them apart."""
    return any(sign in _bare(link) for sign in "<>")


def value_of(item: Mapping[str, Any], field: int, key: str = "UserFields") -> str:
    """The text of a user field of an item (``UserValues`` of a list item)."""
    return next((_text(entry) for entry in item.get(key) or [] if entry.get("FieldRef") == field), "")


def is_live_contact(item: Mapping[str, Any] | None) -> bool:
    """A contact, and not in the trash."""
    return bool(item) and (item or {}).get("Kind") == CONTACT and not int((item or {}).get("Flags") or 0) & DELETED


def _set(target: dict[str, Any], name: str, value: Any) -> bool:
    if (target.get(name) or "") == (value or ""):
        return False
    target[name] = value
    return True


def _merged_fields(existing: list[dict[str, Any]], wanted: Mapping[int, str]) -> list[dict[str, Any]] | None:
    standing = {entry.get("FieldRef"): _text(entry) for entry in existing}
    if all(standing.get(ref, "") == value for ref, value in wanted.items()):
        return None
    made = []
    for entry in existing:
        value = wanted.get(entry.get("FieldRef", 0))
        if value is None or value == _text(entry):
            made.append(entry)
        elif value:
            made.append(entry | {"Value": value})
    return made + [{"FieldRef": ref, "Value": value} for ref, value in wanted.items() if value and ref not in standing]


def _text(entry: Mapping[str, Any]) -> str:
    value = entry.get("Value")
    return "" if value is None else str(value)


def _sort(link: Mapping[str, Any]) -> tuple[int, int]:
    return int(link.get("Kind") or 0), int(link.get("Category") or 0)


def _bare(link: Mapping[str, Any]) -> str:
    return str(link.get("Text") or "").strip().removeprefix("<").removesuffix(">").strip()


def _comparable(kind: int, text: str) -> str:
    """The text as it is compared: the server may write numbers and blanks in its own way."""
    if kind in DIALLED:
        try:
            return e164(text)
        except FilterError:
            return "".join(text.split())
    return text.casefold() if kind == LINK_KINDS["email"] else " ".join(text.split())


def _same(standing: Mapping[str, Any], wanted: Mapping[str, Any], text_format: str) -> bool:
    """Whether a link says what is wanted. ``Preferred`` counts only where the mapping names it."""
    kind, _category = _sort(standing)
    if _sort(standing) != _sort(wanted):
        return False
    if "Preferred" in wanted and bool(standing.get("Preferred")) != wanted["Preferred"]:
        return False
    return _comparable(kind, _bare(standing)) == _comparable(kind, _bare(_written(wanted, text_format)))


def _written(link: Mapping[str, Any], text_format: str) -> dict[str, Any]:
    """What is written of a link that stands already: its text, and ``Preferred`` where the mapping names it."""
    text = str(link["Text"])
    written = text if text.startswith("<") and text.endswith(">") else text_format.replace("{}", text)
    return {name: link[name] for name in ("Preferred",) if name in link} | {"Text": written}


def _link(link: Mapping[str, Any], text_format: str) -> dict[str, Any]:
    kind, category = _sort(link)
    return {"Category": category, "Kind": kind, "Preferred": False} | _written(link, text_format)
