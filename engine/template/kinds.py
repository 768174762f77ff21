"""PURE: what a field takes. The field decides the type, never the look of the value (dsl.md §4)."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.i18n import _
from engine.problems import did_you_mean
from engine.template.faults import Fault

MAX_TEXT = 64 * 1024

_SEPARATORS = re.compile(r"[,;\r\n]")
_REMEMBERED = 200
_NOTHING: Any = object()
_FALSE_WORDS = frozenset({"", "0", "false", "off", "no", "nein"})


@dataclass(frozen=True)
class Kind:
    """A simple value: ``finish`` turns what a template gives into what the target gets, or raises :class:`Fault`."""

    name: str
    finish: Callable[[Any], Any]


@dataclass(frozen=True)
class Choice(Kind):
    """An enumeration; ``numbers`` are its words with the numbers that the target gets."""

    numbers: Mapping[str, int]


@dataclass(frozen=True)
class Items:
    """A YAML list of entries with fixed keys (GREYHOUND's ComLinks).

    ``filled`` are keys that may not stand there without a value, also where they may be left out.
    """

    keys: Mapping[str, Kind]
    required: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pairs:
    """YAML keys and values, the keys chosen by the user (GREYHOUND's UserFields)."""

    value: Kind


AnyKind = Kind | Items | Pairs


def as_text(value: Any) -> str:
    """Text, outer blanks removed, NFC; None gives ``""``; a list or mapping is a fault."""
    if type(value) is not str:
        if value is None:
            return ""
        value = plain_text(value)
    text: str = value.strip()
    if text.isascii():
        if len(text) <= MAX_TEXT:
            return text
        raise too_long()
    text = unicodedata.normalize("NFC", text)
    try:
        if len(text) * 4 <= MAX_TEXT or len(text.encode()) <= MAX_TEXT:
            if not text.isprintable():
                text.encode()
            return text
    except UnicodeEncodeError:
        raise Fault(
            "not_a_text",
            _("The value holds characters that can't be written: half of a pair."),
            _("Correct it in the source."),
        ) from None
    raise too_long()


def plain_text(value: Any) -> str:
    """The text of a single value; a list, a mapping or a function is a fault."""
    text = str(value)  # an undefined name raises here
    if isinstance(value, str):
        return text
    if isinstance(value, Iterable):
        raise Fault(
            "list_where_text",
            _("A list stands where one text belongs."),
            _("Take one of them ({first}) or join them ({join}).").format(
                first="{{ … | first }}", join="{{ … | join(', ') }}"
            ),
        )
    if callable(value):
        raise Fault(
            "function_where_text",
            _("A function stands where a text belongs."),
            _("Write the brackets too, for example {example}.").format(example="{{ today() }}"),
        )
    return text


def too_long() -> Fault:
    """The fault of a result beyond 64 KiB."""
    return Fault("result_too_long", _("The result is longer than 64 KiB."), _("Make the template's result shorter."))


def as_names(value: Any) -> list[str]:
    """A list of names: a list as it is, text split at ``,`` ``;`` and line ends; empty and repeated ones dropped."""
    if isinstance(value, str):
        return list(_remembered_names(value) if len(value) <= _REMEMBERED else _split_names(value))
    return join_names((value,))


def _split_names(text: str) -> tuple[str, ...]:
    parts = map(str.strip, _SEPARATORS.split(as_text(text)))
    return tuple(dict.fromkeys(part for part in parts if part))


# Functions and groups come in few combinations.
_remembered_names = functools.lru_cache(4096)(_split_names)


def join_names(values: Iterable[Any]) -> list[str]:
    """A YAML list of names: each element one name, an element that gives a list is spliced in."""
    found: dict[str, None] = {}
    size = 0
    for value in values:
        for item in (value,) if isinstance(value, str) else _elements(value):
            name = as_text(item)
            if name:
                found[name] = None
                size += len(name)
                if size > MAX_TEXT:
                    raise too_long()
    return list(found)


def _elements(value: Any) -> Iterable[Any]:
    """The elements of a list or stream, each of them one name; anything else is the only one."""
    if isinstance(value, dict):
        raise _not_names()
    if value is None or callable(value) or not isinstance(value, Iterable):
        return (value,)
    return (_one_name(item) for item in value)


def _one_name(item: Any) -> Any:
    if isinstance(item, list | tuple | dict):
        raise _not_names()
    return item


def _not_names() -> Fault:
    return Fault("not_a_list", _("A list of names is expected here."), _("Each element must be a text."))


def as_integer(value: Any) -> int:
    """A whole number: text of digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = as_text(int(value) if isinstance(value, float) and value.is_integer() else value)
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
    if isinstance(value, Iterator):
        return next(value, _NOTHING) is not _NOTHING
    return bool(value)


def choice(name: str, numbers: Mapping[str, int]) -> Choice:
    """An enumeration by name or number; the target gets the number."""
    by_word = {word.casefold(): number for word, number in numbers.items()}
    by_number = frozenset(numbers.values())

    def finish(value: Any) -> int:
        text = as_text(int(value) if isinstance(value, float) and value.is_integer() else value).casefold()
        if text in by_word:
            return by_word[text]
        number = int(text) if re.fullmatch("[0-9]{1,18}", text) else None
        if number in by_number:
            return number
        near = did_you_mean(text, numbers)
        known = ", ".join(f"{word} ({number})" for word, number in numbers.items())
        hint = _("Did you mean {name}?").format(name=near) if near else _("Known are: {names}").format(names=known)
        raise Fault("unknown_choice", _("{name}: “{value}” is not known.").format(name=name, value=text), hint)

    return Choice(name, finish, numbers)


TEXT = Kind("text", as_text)
NAMES = Kind("names", as_names)
INTEGER = Kind("integer", as_integer)
FLAG = Kind("flag", as_flag)
