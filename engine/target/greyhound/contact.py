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
DIALLED = (LINK_KINDS["fax"], LINK_KINDS["phone"], LINK_KINDS["mobile"])


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
    ),
    "UserFields": Pairs(TEXT),
}


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
            {"FieldRef": fields[name], "Value": value} for name, value in record.get("UserFields", {}).items() if value
        ],
    }


def merged(
    item: Mapping[str, Any], record: Record, fields: Mapping[str, int], text_format: str
) -> dict[str, Any] | None:
    """The whole item with the managed fields as ``record`` wants them; None where nothing managed differs.

    Everything else stays, known or not. ``Protocol`` and ``Remarks`` are emptied: on Put they are appended.
    """
    made = copy.deepcopy(dict(item))
    contact = made.setdefault("Properties", {}).setdefault("Contact", {})
    differs = _set(made, "Subject", record["Subject"])
    for name in PROPERTIES:
        if name in record:
            differs |= _set(contact, name, record[name])
    if "ComLinks" in record:
        links = merged_links(contact.get("ComLinks", []), record["ComLinks"], text_format)
        if links is not None:
            contact["ComLinks"] = links
            differs = True
    values = _merged_fields(made.get("UserFields", []), record.get("UserFields", {}), fields)
    if values is not None:
        made["UserFields"] = values
        differs = True
    made["Protocol"] = ""
    made["Remarks"] = ""
    return made if differs else None


def merged_links(
    existing: list[dict[str, Any]], wanted: list[dict[str, Any]], text_format: str
) -> list[dict[str, Any]] | None:
    """The list of links with the managed ones replaced; None where they say the same already.

    A link is managed when its (Kind, Category) appears in the mapping, also with an empty text: that removes it.
    """
    managed = {_sort(link) for link in wanted}
    ours = [link for link in existing if _sort(link) in managed]
    named = [link for link in wanted if link.get("Text")]
    if sorted(map(_normal, ours)) == sorted(map(_normal, named)):
        return None
    standing = {_normal(link): link for link in ours}
    fresh = [standing.get(_normal(link)) or _link(link, text_format) for link in named]
    first = next((index for index, link in enumerate(existing) if _sort(link) in managed), len(existing))
    before = [link for link in existing[:first] if _sort(link) not in managed]
    behind = [link for link in existing[first:] if _sort(link) not in managed]
    return [*before, *fresh, *behind]


def value_of(item: Mapping[str, Any], field: int, key: str = "UserFields") -> str:
    """The text of a user field of an item (``UserValues`` of a list item)."""
    for entry in item.get(key) or []:
        if entry.get("FieldRef") == field:
            return str(entry.get("Value", ""))
    return ""


def is_live_contact(item: Mapping[str, Any] | None) -> bool:
    """A contact, and not in the trash."""
    return bool(item) and (item or {}).get("Kind") == CONTACT and not int((item or {}).get("Flags") or 0) & DELETED


def _set(target: dict[str, Any], name: str, value: Any) -> bool:
    if (target.get(name) or "") == (value or ""):
        return False
    target[name] = value
    return True


def _merged_fields(
    existing: list[dict[str, Any]], wanted: Mapping[str, str], fields: Mapping[str, int]
) -> list[dict[str, Any]] | None:
    values = {fields[name]: value for name, value in wanted.items()}
    standing = {entry.get("FieldRef"): str(entry.get("Value", "")) for entry in existing}
    if all(standing.get(ref, "") == value for ref, value in values.items()):
        return None
    kept = [entry for entry in existing if entry.get("FieldRef") not in values]
    return kept + [{"FieldRef": ref, "Value": value} for ref, value in values.items() if value]


def _sort(link: Mapping[str, Any]) -> tuple[int, int]:
    return int(link.get("Kind") or 0), int(link.get("Category") or 0)


def _normal(link: Mapping[str, Any]) -> tuple[int, int, bool, str]:
    kind, category = _sort(link)
    text = str(link.get("Text") or "").strip().removeprefix("<").removesuffix(">")
    if kind in DIALLED:
        try:
            text = e164(text)
        except FilterError:
            text = "".join(text.split())
    elif kind == LINK_KINDS["email"]:
        text = text.strip().casefold()
    else:
        text = " ".join(text.split())
    return kind, category, bool(link.get("Preferred")), text


def _link(link: Mapping[str, Any], text_format: str) -> dict[str, Any]:
    kind, category = _sort(link)
    text = str(link["Text"])
    written = text if text.startswith("<") and text.endswith(">") else text_format.replace("{}", text)
    return {"Category": category, "Kind": kind, "Preferred": bool(link.get("Preferred")), "Text": written}
