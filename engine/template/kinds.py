"""PURE: what a field takes. The field decides the type, never the look of the value (dsl.md §4)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.i18n import _
from engine.problems import did_you_mean
from engine.template.faults import Fault

MAX_TEXT = 64 * 1024

_SEPARATORS = re.compile(r"[,;\r\n]")
_FALSE_WORDS = frozenset({"", "0", "false", "off", "no", "nein"})


@dataclass(frozen=True)
class Kind:
    """A simple value: ``finish`` turns what a template gives into what the target gets, or raises :class:`Fault`."""

    name: str
    finish: Callable[[Any], Any]


@dataclass(frozen=True)
class Items:
    """A YAML list of entries with fixed keys (GREYHOUND's ComLinks)."""

    keys: Mapping[str, Kind]
    required: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pairs:
    """YAML keys and values, the keys chosen by the user (GREYHOUND's UserFields)."""

    value: Kind


AnyKind = Kind | Items | Pairs


def as_text(value: Any) -> str:
    """Text, outer blanks removed, NFC; None gives ``""``; a list or mapping is a fault."""
    if value is None:
        return ""
    if not isinstance(value, str):
        if isinstance(value, list | tuple | dict | set) or hasattr(value, "__next__"):
            raise Fault(
                "list_where_text",
                _("A list stands where one text belongs."),
                _("Take one of them ({first}) or join them ({join}).").format(
                    first="{{ … | first }}", join="{{ … | join(', ') }}"
                ),
            )
        value = str(value)
    text: str = value.strip()
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if len(text) > MAX_TEXT:
        raise too_long()
    return text


def too_long() -> Fault:
    """The fault of a result beyond 64 KiB."""
    return Fault("result_too_long", _("The result is longer than 64 KiB."), _("Make the template's result shorter."))


def as_names(value: Any) -> list[str]:
    """A list of names: a list as it is, text split at ``,`` ``;`` and line ends; empty and repeated ones dropped."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return _unique(_SEPARATORS.split(value))
    if isinstance(value, dict):
        raise _not_names()
    if isinstance(value, list | tuple) or hasattr(value, "__iter__"):
        return _unique(value)
    return _unique([value])


def join_names(values: Iterable[Any]) -> list[str]:
    """A YAML list of names: each element one name, an element that gives a list is spliced in."""
    spliced: list[Any] = []
    for value in values:
        if isinstance(value, list | tuple) or hasattr(value, "__next__"):
            spliced += value
        else:
            spliced.append(value)
    return _unique(spliced)


def _unique(values: Iterable[Any]) -> list[str]:
    found: dict[str, None] = {}
    size = 0
    for value in values:
        if isinstance(value, list | tuple | dict):
            raise _not_names()
        name = as_text(value)
        if name:
            found[name] = None
            size += len(name)
            if size > MAX_TEXT:
                raise too_long()
    return list(found)


def _not_names() -> Fault:
    return Fault("not_a_list", _("A list of names is expected here."), _("Each element must be a text."))


def as_integer(value: Any) -> int:
    """A whole number: text of digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = as_text(value)
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise Fault(
            "not_a_number", _("“{value}” is not a whole number.").format(value=text), _("Only digits may stand here.")
        )
    return int(text)


def as_flag(value: Any) -> bool:
    """A truth value: see :func:`truth`."""
    return truth(value)


def truth(value: Any) -> bool:
    """Empty text or list, none, 0 and ``false off no nein`` are false, anything else is true (dsl.md §4)."""
    if isinstance(value, str):
        return value.strip().casefold() not in _FALSE_WORDS
    if hasattr(value, "__next__"):
        return next(iter(value), None) is not None
    return bool(value)


def choice(name: str, numbers: Mapping[str, int]) -> Kind:
    """An enumeration by name or number; the target gets the number."""

    def finish(value: Any) -> int:
        text = as_text(value).casefold()
        if text in numbers:
            return numbers[text]
        if text.isdigit() and int(text) in numbers.values():
            return int(text)
        near = did_you_mean(text, numbers)
        known = ", ".join(f"{word} ({number})" for word, number in numbers.items())
        hint = _("Did you mean {name}?").format(name=near) if near else _("Known are: {names}").format(names=known)
        raise Fault("unknown_choice", _("{name}: “{value}” is not known.").format(name=name, value=text), hint)

    return Kind(name, finish)


TEXT = Kind("text", as_text)
NAMES = Kind("names", as_names)
INTEGER = Kind("integer", as_integer)
FLAG = Kind("flag", as_flag)
