"""How a text of a YAML file becomes a number, a truth value, a duration or a limit, where the schema asks for one.

Every function takes what stands there (text, None, a list or a dict) and raises a ``PydanticCustomError`` whose type is
a problem's code. Its context may hold a ``hint``, and as ``inside`` the way to the part of the value that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import time
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, PlainValidator
from pydantic_core import PydanticCustomError

from engine.config.words import meant
from engine.i18n import _
from engine.problems import did_you_mean

T = TypeVar("T")

TRUE_WORDS = frozenset({"true", "yes", "on", "ja"})
FALSE_WORDS = frozenset({"false", "no", "off", "nein"})
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_AT_ONCE = 32
CURLY_QUOTES = "„“”‚‘’»«"
ENCODINGS = ("utf-8", "utf-16", "cp1252", "cp850", "latin-1", "iso-8859-15", "mac_roman")
POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")
"""How the address of a PostgreSQL database may begin."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_UNIT_WORDS = {"milliseconds": 0.001, "seconds": 1, "minutes": 60, "hours": 3600, "days": 86400, "weeks": 604800}
DURATION_KEYS = tuple(_UNIT_WORDS)
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([smhd]?)")
_CLOCK = re.compile(r"([0-9]{1,3}):([0-5][0-9])(?::([0-5][0-9]))?")
_LIMIT = re.compile(r"(?:([0-9]{1,9})|(?:([0-9]{1,9})\s*(?:or|oder)\s*)?([0-9]{1,9}(?:[.,][0-9]{1,9})?)\s*%)")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PATTERN = re.compile(r"\*|/[0-9]{1,2}|[0-9]{1,2}")
_LONGEST = 100 * 366 * 86400.0


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
        return _("{count} or {percent}").format(count=self.count, percent=percent) if self.count else percent


def wrong(
    code: str, message: str, hint: str = "", inside: tuple[str | int, ...] = (), instead: str | None = None
) -> PydanticCustomError:
    """The error a validator raises; ``message`` is for people and already translated.

    ``instead`` is the text as it should be, where nothing else can have been meant.
    """
    context = {"message": message, "hint": hint, "inside": inside, "instead": instead}
    return PydanticCustomError(code, "{message}", context)


def missing(inside: tuple[str | int, ...] = ()) -> PydanticCustomError:
    """Nothing stands where something must."""
    hint = _("Write one; to mean the word null or ~ itself, put it in quotes.")
    return wrong("value_missing", _("A value is missing here."), hint, inside)


def text(value: Any) -> str:
    """A text that must be there."""
    if value is None:
        raise missing()
    if not isinstance(value, str):
        hint = _("Write the text behind the colon; put it in quotes where it holds brackets or a colon.")
        raise wrong("expected_text", _("A text is expected here, not a list or keys and values."), hint)
    return value


def filled(value: Any) -> str:
    """A text that must say something."""
    written = text(value)
    if not written.strip():
        raise missing()
    if written[0] in CURLY_QUOTES and written[-1] in CURLY_QUOTES and len(written) > 1:
        bare = written.strip(CURLY_QUOTES)
        message, hint = _("These quotes are typographic: they would be taken along."), _("Write: {line}")
        raise wrong("typographic_quotes", message, hint.format(line=f'"{bare}"'), instead=bare)
    return written


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


def number_from_one(value: Any) -> int:
    """A whole number that counts from 1."""
    found = count(value)
    if not found:
        raise wrong("number_out_of_range", _("It is counted from 1 here, there is no 0."), _("Write 1 or more."))
    return found


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


def at_once(value: Any) -> int:
    """How many at a time: from 1 to 32, more would only wait for each other."""
    found = count(value)
    if not 1 <= found <= MOST_AT_ONCE:
        message = _("{value} at a time is not possible.").format(value=value)
        raise wrong("number_out_of_range", message, _("Write a number from 1 to {most}.").format(most=MOST_AT_ONCE))
    return found


def seconds(value: Any) -> float:
    """A duration in seconds: ``90``, ``2s``, ``5m``, ``1h``, ``7d``, ``01:30:00``, ``{minutes: 5}``."""
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, dict) and value:
        for key in value:
            if key not in _UNIT_WORDS:
                near = meant(key, _UNIT_WORDS)
                hint = _("Did you mean {name}?").format(name=near) if near else ""
                known = _("Known are: {names}").format(names=", ".join(_UNIT_WORDS))
                message = _("The key {key} is not known here.").format(key=key)
                raise wrong("unknown_key", message, f"{hint} {known}".strip(), (key,))
        found = sum(_UNIT_WORDS[key] * _inside((key,), count, number) for key, number in value.items())
        if found <= _LONGEST:
            return found
    elif isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        if match and float(match[1]) * _UNITS[match[2] or "s"] <= _LONGEST:
            return float(match[1]) * _UNITS[match[2] or "s"]
        if match := _CLOCK.fullmatch(value.strip()):
            return int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3] or 0)
    elif value is None:
        raise missing()
    shown = value if isinstance(value, str) else "…"
    hint = _("Write for example 90, 2s, 5m, 1h, 7d, 01:30:00 or {{minutes: 5}}.").format()
    raise wrong("expected_duration", _("“{value}” is not a duration.").format(value=shown), hint)


def some_seconds(value: Any) -> float:
    """A duration of more than nothing."""
    found = seconds(value)
    if not found:
        raise wrong("expected_duration", _("This duration must be longer than nothing."), _("Write for example 30s."))
    return found


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
    return tuple(_inside((index,), text, item) for index, item in enumerate(items))


def _inside(part: tuple[str | int, ...], check: Callable[[Any], T], value: Any) -> T:
    """What ``check`` gives for a part of a value; its error names the part."""
    try:
        return check(value)
    except PydanticCustomError as error:
        context = error.context or {}
        raise wrong(error.type, str(context.get("message", "")), str(context.get("hint", "")), part) from None


def some_names(value: Any) -> tuple[str, ...]:
    """Like :func:`names`, with at least one."""
    found = names(value)
    if not found:
        raise missing()
    return found


def clocks(value: Any) -> tuple[time, ...]:
    """One or several times of day."""
    if not isinstance(value, list | tuple):
        return (clock(value),)
    if not value:
        raise missing()
    return tuple(_inside((index,), clock, item) for index, item in enumerate(value))


def weekdays(value: Any) -> tuple[str, ...]:
    """``mon`` … ``sun``, as in Home Assistant."""
    days = tuple(day.casefold() for day in some_names(value))
    for index, day in enumerate(days):
        if day not in WEEKDAYS:
            message = _("“{value}” is not a day of the week.").format(value=day)
            near = meant(day, WEEKDAYS)
            hint = _("Did you mean {name}?").format(name=near) if near else ""
            hint = f"{hint} {_('Known are: {names}').format(names=', '.join(WEEKDAYS))}".strip()
            raise wrong("expected_weekday", message, hint, (index,) if isinstance(value, list | tuple) else ())
    return days


def time_pattern(most: int) -> Callable[[Any], str]:
    """``*``, ``/4`` (every fourth) or a number up to ``most``, as in Home Assistant."""

    def pattern(value: Any) -> str:
        written = text(value).strip()
        if not _PATTERN.fullmatch(written) or written in ("/0", "/00"):
            message = _("“{value}” is not a pattern of times.").format(value=written)
            raise wrong("expected_pattern", message, _('Write for example "/4" (every fourth), "*" (every) or 3.'))
        if written != "*" and int(written.removeprefix("/")) > most:
            message = _("“{value}” never comes: no clock shows more than {most} here.").format(value=written, most=most)
            raise wrong("number_out_of_range", message, _("Write a number from 0 to {most}.").format(most=most))
        return written

    return pattern


def sign(value: Any) -> str:
    """One character, or ``tab``."""
    written = text(value)
    if written.casefold() in ("tab", "\\t"):
        return "\t"
    if len(written) != 1:
        message = _("“{value}” is not one character.").format(value=written)
        raise wrong("expected_character", message, _('Write for example ";" or tab.'))
    return written


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


def rpc_url(value: Any) -> str:
    """Like :func:`url`; the path of GREYHOUND's interface, as on the vendor's page, may stand at its end."""
    return url(value).removesuffix("/json").rstrip("/")


def text_format(value: Any) -> str:
    """A text with ``{}`` in one place, where each person's own text is put."""
    written = text(value)
    if written.count("{}") != 1:
        message = _("“{value}” would be written instead of every text: {sign} stands for the text itself.")
        if "{}" in written:
            message = _("“{value}” would write every text several times: {sign} stands for the text itself.")
        hint = _("Write {sign} once, where the text belongs: {example}.").format(sign="{}", example='"<{}>"')
        raise wrong("placeholder_missing", message.format(value=written, sign="{}"), hint)
    return written


def quote(value: Any) -> str:
    """One character, or nothing for a file without quotes."""
    return "" if value == "" else sign(value)


def encoding(value: Any) -> str:
    """The name of an encoding of text."""
    name = text(value).strip()
    try:
        "".encode(name)
    except (LookupError, ValueError) as error:
        near = did_you_mean(name, ENCODINGS)
        hint = _("Did you mean {name}?").format(name=near) if near else ""
        known = _("Known are: {names}").format(names=", ".join(ENCODINGS))
        message = _("“{value}” is not an encoding of text.").format(value=name)
        raise wrong("unknown_encoding", message, f"{hint} {known}".strip()) from error
    return name


def database(value: Any) -> str:
    """Where the state is kept: ``sqlite`` or the address of a PostgreSQL database, which is never shown."""
    written = filled(value).strip()
    if written.casefold() == "sqlite":
        return "sqlite"
    scheme, found, _rest = written.partition("://")
    if found and scheme in POSTGRESQL:
        return written
    message = _("The state can't be kept in this database.")
    hint = _("Write sqlite, or postgresql://user@host/db, best as !secret.")
    if near := did_you_mean(scheme, ("sqlite", *POSTGRESQL)):
        hint = _("Did you mean {name}?").format(name="sqlite" if near == "sqlite" else f"{near}://…") + " " + hint
    raise wrong("database_unusable", message, hint)


def zone(value: Any) -> str:
    """The name of a time zone that this machine knows."""
    name = text(value).strip()
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        message = _("The time zone “{value}” is not known.").format(value=name)
        near = did_you_mean(name, available_timezones())
        hint = _("Did you mean {name}?").format(name=near) if near else _("Write for example Europe/Berlin.")
        raise wrong("unknown_timezone", message, hint) from error
    return name


def mark(value: Any) -> str:
    """What counts as a mark in a cell: ``yes`` for x, ja, 1 …, ``filled`` for any text, "" where nothing is marked."""
    if isinstance(value, str) and value.strip().casefold() in ("filled", "yes", ""):
        return value.strip().casefold()
    return "yes" if flag(value) else ""


def mapping(value: Any) -> dict[str, Any]:
    """Keys and values; nothing means none."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong(
            "expected_mapping", _("Keys and values are expected here."), _("Write `key: value` lines, indented.")
        )
    return value


def rows(value: Any) -> tuple[dict[str, Any], ...]:
    """One row as keys and values, or a list of rows."""
    listed = value if isinstance(value, list | tuple) else [value]
    if not listed or not all(isinstance(row, dict) for row in listed):
        example = "{Personalnummer: 1042, Vorname: Max}"
        raise wrong(
            "expected_mapping",
            _("A row is expected here."),
            _("Write: {line}").format(line=f"`row: {example}`"),
        )
    return tuple(listed)


def names_by_key(value: Any) -> dict[str, str]:
    """Keys with one text each, and at least one."""
    found = mapping(value)
    if not found:
        raise missing()
    return {key: _inside((key,), filled, item) for key, item in found.items()}


def headers(value: Any) -> dict[str, str]:
    """Headers of a request: names and values as the protocol allows them."""
    found = {key: _inside((key,), filled, item) for key, item in mapping(value).items()}
    for key, item in found.items():
        if not _HEADER.fullmatch(key) or "\n" in item.strip() or "\r" in item.strip():
            message = _("{name} can't be a header of a request.").format(name=key)
            raise wrong("bad_header", message, _("Write `Name: value` lines under `headers:`."), (key,))
    return {key: item.strip() for key, item in found.items()}


def sequence(value: Any) -> tuple[Any, ...]:
    """A list; a single entry counts as a list of one, nothing as an empty one."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


Text = Annotated[str, PlainValidator(text)]
Filled = Annotated[str, PlainValidator(filled)]
Flag = Annotated[bool, PlainValidator(flag)]
Count = Annotated[int, PlainValidator(count)]
AtOnce = Annotated[int, PlainValidator(at_once)]
Seconds = Annotated[float, PlainValidator(seconds)]
SomeSeconds = Annotated[float, PlainValidator(some_seconds)]
Clocks = Annotated[tuple[time, ...], PlainValidator(clocks)]
LimitText = Annotated[Limit, PlainValidator(limit)]
Names = Annotated[tuple[str, ...], PlainValidator(names)]
SomeNames = Annotated[tuple[str, ...], PlainValidator(some_names)]
Url = Annotated[str, PlainValidator(url)]
Database = Annotated[str, PlainValidator(database)]
TextFormat = Annotated[str, PlainValidator(text_format)]
RpcUrl = Annotated[str, PlainValidator(rpc_url)]
Zone = Annotated[str, PlainValidator(zone)]
Headers = Annotated[dict[str, str], PlainValidator(headers)]
Mark = Annotated[str, PlainValidator(mark)]
Mapping = Annotated[dict[str, Any], PlainValidator(mapping)]
Rows = Annotated[tuple[dict[str, Any], ...], PlainValidator(rows)]
NamesByKey = Annotated[dict[str, str], PlainValidator(names_by_key)]
Sequence = Annotated[tuple[Any, ...], PlainValidator(sequence)]
Lower = BeforeValidator(lambda value: value.strip().casefold() if isinstance(value, str) else value)

# The same where nothing may stand: a missing value never gets as far as the validator.
OptionalText = Annotated[str | None, PlainValidator(text)]
OptionalFilled = Annotated[str | None, PlainValidator(filled)]
OptionalHours = Annotated[str | None, PlainValidator(time_pattern(23))]
OptionalSixtieth = Annotated[str | None, PlainValidator(time_pattern(59))]
OptionalSign = Annotated[str | None, PlainValidator(sign)]
OptionalQuote = Annotated[str | None, PlainValidator(quote)]
OptionalEncoding = Annotated[str | None, PlainValidator(encoding)]
OptionalNumber = Annotated[int | None, PlainValidator(number_from_one)]
OptionalSeconds = Annotated[float | None, PlainValidator(seconds)]
OptionalClock = Annotated[time | None, PlainValidator(clock)]
OptionalLimit = Annotated[Limit | None, PlainValidator(limit)]
OptionalNames = Annotated[tuple[str, ...] | None, PlainValidator(names)]
OptionalWeekdays = Annotated[tuple[str, ...] | None, PlainValidator(weekdays)]
OptionalMapping = Annotated[dict[str, Any] | None, PlainValidator(mapping)]
