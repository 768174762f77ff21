"""How a text of a YAML file becomes a number, a truth value, a duration or a limit, where the schema asks for one.

Every function takes what stands there (text, None, a list or a dict) and raises a
``PydanticCustomError`` whose type is a problem's code and whose context may hold a ``hint``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, PlainValidator
from pydantic_core import PydanticCustomError

from engine.i18n import _

TRUE_WORDS = frozenset({"true", "yes", "on", "ja"})
FALSE_WORDS = frozenset({"false", "no", "off", "nein"})
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_UNIT_WORDS = {"milliseconds": 0.001, "seconds": 1, "minutes": 60, "hours": 3600, "days": 86400, "weeks": 604800}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")
_CLOCK = re.compile(r"(\d{1,3}):([0-5]\d)(?::([0-5]\d))?")
_LIMIT = re.compile(r"(?:(\d+)|(?:(\d+)\s*(?:or|oder)\s*)?(\d+(?:[.,]\d+)?)\s*%)")


@dataclass(frozen=True, slots=True)
class Limit:
    """``3 or 10%``: whichever is larger. A bare count has ``percent`` None, a bare percentage ``count`` 0."""

    count: int = 0
    percent: float | None = None

    def allows(self, number: int, of: int) -> bool:
        """Whether ``number`` stays within the limit, percent counted from ``of``."""
        return number <= self.count or (self.percent is not None and number * 100 <= self.percent * of)

    def __str__(self) -> str:
        if self.percent is None:
            return str(self.count)
        percent = f"{self.percent:g}%"
        return f"{self.count} or {percent}" if self.count else percent


def wrong(code: str, message: str, hint: str = "") -> PydanticCustomError:
    """The error a validator raises; ``message`` is for people and already translated."""
    return PydanticCustomError(code, "{message}", {"message": message, "hint": hint})


def text(value: Any) -> str:
    """A text that must be there."""
    if value is None:
        raise wrong("value_missing", _("A value is missing here."), _("Quote the word to mean the word."))
    if not isinstance(value, str):
        raise wrong("expected_text", _("A text is expected here, not a list or keys and values."))
    return value


def flag(value: Any) -> bool:
    """``true/false/yes/no/on/off/ja/nein``."""
    if isinstance(value, bool):
        return value
    word = text(value).strip().casefold()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise wrong(
        "expected_truth", _("“{value}” is neither true nor false.").format(value=value), _("Write true or false.")
    )


def count(value: Any) -> int:
    """A whole number from 0."""
    if isinstance(value, int):
        return value
    digits = text(value).strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 9:
        raise wrong(
            "expected_number", _("“{value}” is not a whole number.").format(value=value), _("Write digits only.")
        )
    return int(digits)


def seconds(value: Any) -> float:
    """A duration in seconds: ``90``, ``2s``, ``5m``, ``1h``, ``7d``, ``01:30:00``, ``{minutes: 5}``."""
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, dict) and value:
        unknown = [key for key in value if key not in _UNIT_WORDS]
        if not unknown:
            return sum(_UNIT_WORDS[key] * count(number) for key, number in value.items())
    elif isinstance(value, str):
        if match := _DURATION.fullmatch(value.strip()):
            return float(match[1]) * _UNITS[match[2] or "s"]
        if match := _CLOCK.fullmatch(value.strip()):
            return int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3] or 0)
    shown = value if isinstance(value, str) else "…"
    hint = _("Write for example 90, 2s, 5m, 1h, 7d, 01:30:00 or {{minutes: 5}}.").format()
    raise wrong("expected_duration", _("“{value}” is not a duration.").format(value=shown), hint)


def clock(value: Any) -> time:
    """A time of day: ``03:00`` or ``03:00:30``."""
    if isinstance(value, time):
        return value
    match = _CLOCK.fullmatch(text(value).strip())
    if match and int(match[1]) < 24:
        return time(int(match[1]), int(match[2]), int(match[3] or 0))
    raise wrong(
        "expected_time", _("“{value}” is not a time of day.").format(value=value), _('Write for example "03:00".')
    )


def limit(value: Any) -> Limit:
    """``3``, ``10%`` or ``3 or 10%``."""
    if isinstance(value, Limit):
        return value
    match = _LIMIT.fullmatch(text(value).strip())
    if not match:
        message = _("“{value}” is not a limit.").format(value=value)
        raise wrong("expected_limit", message, _("Write for example 3, 10% or 3 or 10%."))
    if match[1]:
        return Limit(int(match[1]))
    return Limit(int(match[2] or 0), float(match[3].replace(",", ".")))


def names(value: Any) -> tuple[str, ...]:
    """A list of texts; a single text counts as a list of one."""
    if value is None:
        return ()
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise wrong("expected_list", _("A list of texts is expected here."), _("Write for example [one, two]."))
    return tuple(text(item) for item in items)


def some_names(value: Any) -> tuple[str, ...]:
    """Like :func:`names`, with at least one."""
    found = names(value)
    if not found:
        raise wrong("value_missing", _("A value is missing here."))
    return found


def clocks(value: Any) -> tuple[time, ...]:
    """One or several times of day."""
    return tuple(clock(item) for item in (value if isinstance(value, list | tuple) else [value]))


def weekdays(value: Any) -> tuple[str, ...]:
    """``mon`` … ``sun``, as in Home Assistant."""
    days = tuple(day.casefold() for day in some_names(value))
    for day in days:
        if day not in WEEKDAYS:
            message = _("“{value}” is not a day of the week.").format(value=day)
            raise wrong("expected_weekday", message, _("Known are: {names}").format(names=", ".join(WEEKDAYS)))
    return days


def url(value: Any) -> str:
    """``http(s)://host[:port][/path]`` without a slash at the end."""
    written = text(value).strip().rstrip("/")
    try:
        parts = urlsplit(written)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or parts.query or parts.fragment or any(sign.isspace() for sign in written):
        raise wrong(
            "expected_url", _("This is not an address of a server."), _("Write for example https://fe2.example.org:83")
        )
    if parts.username or parts.password:
        hint = _("Put it into its own key with !secret.")
        raise wrong("secret_in_url", _("A user or password may not stand in the address."), hint)
    return written


def zone(value: Any) -> str:
    """The name of a time zone that this machine knows."""
    name = text(value).strip()
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        message = _("The time zone “{value}” is not known.").format(value=name)
        raise wrong("unknown_timezone", message, _("Write for example Europe/Berlin.")) from error
    return name


def mapping(value: Any) -> dict[str, Any]:
    """Keys and values; nothing means none."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong(
            "expected_mapping", _("Keys and values are expected here."), _("Write `key: value` lines, indented.")
        )
    return value


def sequence(value: Any) -> tuple[Any, ...]:
    """A list; a single entry counts as a list of one, nothing as an empty one."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


Text = Annotated[str, PlainValidator(text)]
Flag = Annotated[bool, PlainValidator(flag)]
Count = Annotated[int, PlainValidator(count)]
Seconds = Annotated[float, PlainValidator(seconds)]
Clocks = Annotated[tuple[time, ...], PlainValidator(clocks)]
LimitText = Annotated[Limit, PlainValidator(limit)]
Names = Annotated[tuple[str, ...], PlainValidator(names)]
SomeNames = Annotated[tuple[str, ...], PlainValidator(some_names)]
Url = Annotated[str, PlainValidator(url)]
Zone = Annotated[str, PlainValidator(zone)]
Mapping = Annotated[dict[str, Any], PlainValidator(mapping)]
Sequence = Annotated[tuple[Any, ...], PlainValidator(sequence)]
Lower = BeforeValidator(lambda value: value.strip().casefold() if isinstance(value, str) else value)

# The same where nothing may stand: a missing value never gets as far as the validator.
OptionalText = Annotated[str | None, PlainValidator(text)]
OptionalCount = Annotated[int | None, PlainValidator(count)]
OptionalSeconds = Annotated[float | None, PlainValidator(seconds)]
OptionalClock = Annotated[time | None, PlainValidator(clock)]
OptionalLimit = Annotated[Limit | None, PlainValidator(limit)]
OptionalNames = Annotated[tuple[str, ...] | None, PlainValidator(names)]
OptionalWeekdays = Annotated[tuple[str, ...] | None, PlainValidator(weekdays)]
OptionalMapping = Annotated[dict[str, Any] | None, PlainValidator(mapping)]
