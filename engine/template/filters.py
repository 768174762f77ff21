"""The filters of a template beyond Jinja's: plain functions, value first, that know nothing of Jinja.

``None`` counts as ``''``, and a whole number from a spreadsheet or JSON (``1042.0``) as its digits. A filter that
can't do its job raises :class:`FilterError`: it never guesses.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, TypeVar, overload

from engine.i18n import _

if TYPE_CHECKING:
    import phonenumbers
    import regex

LIMIT: Final = 64 * 1024
"""The longest text, in bytes of UTF-8, that a filter takes in or gives."""

T = TypeVar("T")


class FilterError(ValueError):
    """A value a filter can't use. ``code`` is stable, ``message`` and ``hint`` are for people and translated.

    ``hint_with_default`` is what is left to do where the mapping gives a default already.
    """

    def __init__(self, code: str, message: str, hint: str = "", hint_with_default: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.hint_with_default = hint_with_default or hint


class Missing(Enum):
    """The type of :data:`MISSING`, so that ``None`` can be a default like any other."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING

# Blanks of all kinds, and what copying from web pages and address books leaves invisibly around a text.
_INVISIBLE = "".join(chr(n) for n in (*range(0x2000, 0x2010), *range(0x2028, 0x2030), *range(0x205F, 0x206A)))
_INVISIBLE += "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\xad\u1680\u3000\ufeff"


def _text(value: object) -> str:
    """The value as text, without blanks around it; lists and mappings are refused."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    elif isinstance(value, (list, tuple, set, frozenset, dict)):
        raise FilterError(
            "filter_needs_text",
            _("This filter needs one text, but got a list: {value}").format(value=_shown(value)),
            _("Take one of its elements, for example with | first, or join them with | join(', ')."),
        )
    text = str(value).strip()
    return text if text.isascii() else text.strip(_INVISIBLE)


def _shown(value: object) -> str:
    """The value as a message shows it: on one line, and not too long."""
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else text[:59] + "…"


# --- Telephone numbers ------------------------------------------------------------------------------------------------

# The forms nearly all cells have: 0151 2000001, 0151-2000001, 0151/2000001, 01512000001, 151 2000001,
# +49 (0)151 2000001, 0049 151 20 00 001. Whatever is not plainly one of them goes the long way.
_PLAIN_GERMAN = re.compile(
    r"(?:(?:\+|00)49 ?(?:\(0\) ?)?|0?)(?!49)([1-9][0-9]{1,4})[ /-]?([0-9][0-9 -]{2,12})"
).fullmatch
_PLAIN_LENGTHS = range(6, 14)

# A number cell's text, 1512000001.0: the dot would otherwise be read as a separator and add a digit.
_NUMBER_CELL = re.compile(r"[1-9][0-9]{6,}\.0")
_NEVER_INSIDE_A_NUMBER = re.compile(r"[,;|&\n\r]|\b(?:oder|und|or|and)\b", re.IGNORECASE)
_GERMAN_MOBILE = re.compile(r"491[567][0-9]{8,}")
_SEPARATORS = frozenset("()[]./−\t\n\r")


@overload
def phone(value: object, region: str = "DE", default: Literal[Missing.MISSING] = MISSING) -> str: ...
@overload
def phone(value: object, region: str, default: T) -> str | T: ...
@overload
def phone(value: object, region: str = "DE", *, default: T) -> str | T: ...
def phone(value: object, region: str = "DE", default: T | Missing = MISSING) -> str | T:
    """``00``, country code and number, digits only; ``''`` stays ``''``.

    Possible length decides, not the numbering plan. A number without country code belongs to ``region``. Unusable
    numbers raise, or give ``default`` where there is one; a list or an unknown region is the mapping's mistake and
    raises in any case.

    >>> phone("0151-2000001"), phone("+49 (0)151 2000001"), phone(1512000001.0)
    ('00491512000001', '00491512000001', '00491512000001')
    >>> phone("0664 1234567", region="AT"), phone("none", default="")
    ('00436641234567', '')
    """
    return _dialled("00", value, region, default)


@overload
def e164(value: object, region: str = "DE", default: Literal[Missing.MISSING] = MISSING) -> str: ...
@overload
def e164(value: object, region: str, default: T) -> str | T: ...
@overload
def e164(value: object, region: str = "DE", *, default: T) -> str | T: ...
def e164(value: object, region: str = "DE", default: T | Missing = MISSING) -> str | T:
    """Like :func:`phone`, with ``+`` in front.

    >>> e164("0151 2000001")
    '+491512000001'
    """
    return _dialled("+", value, region, default)


def _dialled(prefix: str, value: object, region: str, default: T | Missing) -> str | T:
    if region == "DE" and isinstance(value, str) and (plain := _plain_german(value)):
        return prefix + plain
    text = _text(value)
    _check_region(region)
    if not text:
        return ""
    try:
        if isinstance(value, float) and not value.is_integer():
            raise _unreadable(text)
        return prefix + international_digits(text, region.upper())
    except FilterError:
        if default is MISSING:
            raise
        return default


def _plain_german(text: str) -> str | None:
    """Country code and number of a plain German form, None for any other text: the fast path of :func:`phone`."""
    found = _PLAIN_GERMAN(text)
    if found is None:
        return None
    area, rest = found.groups()
    if not rest.isdigit():
        rest = rest.replace(" ", "").replace("-", "")
    return "49" + area + rest if len(area) + len(rest) in _PLAIN_LENGTHS else None


def _check_region(region: object) -> None:
    if region == "DE":
        return
    import phonenumbers

    if not isinstance(region, str) or region.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise FilterError(
            "phone_region",
            _("'{region}' is not a country that telephone numbers are known of.").format(region=_shown(region)),
            _("Write the country's two letters, for example phone(region='AT')."),
        )


def international_digits(text: str, region: str) -> str:
    """Country code and number as digits, found with the library ``phonenumbers``: the long way of :func:`phone`."""
    import phonenumbers

    if _NUMBER_CELL.fullmatch(text):
        text = text[:-2]
    _refuse_two_numbers(text)
    digits = _digits_to_dial(text)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if not digits.startswith("+"):
        digits = _with_country_where_it_begins_so(text, digits, region)
    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException as error:
        raise _unparsed(text, error.error_type) from None
    _refuse_impossible_length(text, number)
    country, national = number.country_code or 0, phonenumbers.national_significant_number(number)
    home = phonenumbers.PhoneMetadata.metadata_for_region(phonenumbers.region_code_for_country_code(country))
    if home is not None and home.national_prefix == "0" and national.startswith("0"):
        # The library leaves the 0 of an area code where too little follows it, and the second of two.
        raise _unreadable(text) if _is_possible(f"+{country}{national.lstrip('0')}") else _too_short(text)
    return f"{country}{national}"


def _refuse_two_numbers(text: str) -> None:
    pieces = [piece for piece in _NEVER_INSIDE_A_NUMBER.split(text) if sum(map(str.isdigit, piece)) >= 6]
    if len(pieces) > 1 or _goes_on_after_a_whole_number(text):
        raise FilterError(
            "phone_two_numbers",
            _("'{value}' looks like two telephone numbers.").format(value=_shown(text)),
            _("Only one can be used: keep one in the cell, or take the first with {example}.").format(
                example=f"{{{{ handy | {_split_that_parts(text)} | first | default('') | phone }}}}"
            ),
        )


def _split_that_parts(text: str) -> str:
    """The filter that parts the two numbers of a text."""
    separator = re.search(r"[,;\n\r]", text) or _NEVER_INSIDE_A_NUMBER.search(text)
    if separator is None:
        return "split('/')" if "/" in text else "split(' +')"
    return "split" if separator[0] in ",;\n\r" else f"split('{separator[0]}')"


def _goes_on_after_a_whole_number(text: str) -> bool:
    """True for ``0911 12345 / 0911 12346``, ``0911 12345/12346`` and ``0151 2000001 +49 152 2000002``."""
    for separator in re.finditer(r"[/+]", text):
        before, after = (re.sub(r"[^0-9+]", "", side) for side in (text[: separator.start()], text[separator.end() :]))
        # An area code is 0 and at most five digits: after more than that, the number itself has begun.
        national = re.sub(r"^(?:\+|00|(?=491[567]))[0-9]{2}", "", before)
        begins_again = len(after) >= 6 and (separator[0] == "+" or after.startswith("0"))
        if len(national) >= (7 if begins_again else 8) and after:
            return True
    return False


def _digits_to_dial(text: str) -> str:
    """The digits, after a ``+`` where the text begins with one; whatever people put between them is left out."""
    if any(map(str.isalpha, text)):
        raise FilterError(
            "phone_letters",
            _("'{value}' holds letters, so it can't be used as a telephone number.").format(value=_shown(text)),
            _("Leave only the number in the cell, or keep the person without it: phone(default='')."),
            _("Leave only the number in the cell."),
        )
    dialled: list[str] = []
    for character in text:
        if character.isdecimal():
            dialled.append(str(unicodedata.decimal(character)))
        elif character in "+＋":
            dialled.append("+")
        elif character not in _SEPARATORS and unicodedata.category(character) not in ("Zs", "Pd", "Cf"):
            raise _unreadable(text)
    digits = "".join(dialled)
    if "+" in digits[1:] or digits in ("", "+"):
        raise _unreadable(text)
    return digits


def _with_country_where_it_begins_so(text: str, digits: str, region: str) -> str:
    """With ``+`` where digits without ``+`` and ``00`` begin with the country's own code, and that is meant."""
    import phonenumbers

    own = str(phonenumbers.country_code_for_region(region))
    if region == "DE":
        if _GERMAN_MOBILE.fullmatch(digits):
            return "+" + digits
        # 049151…: one 0 short of 0049151…, and too long for a number in Leer (0491).
        if digits.startswith(own) or _GERMAN_MOBILE.fullmatch(digits.removeprefix("0")):
            raise _country_or_area(text, own)
        return digits
    if not digits.startswith(own):
        return digits
    as_country, as_area = "+" + digits, f"+{own}{digits}"
    if not _is_possible(as_area):
        return as_country
    if _is_possible(as_country) and phonenumbers.parse(as_country) != phonenumbers.parse(as_area):
        raise _country_or_area(text, own)
    return as_area


def _is_possible(digits: str) -> bool:
    import phonenumbers

    try:
        number = phonenumbers.parse(digits)
    except phonenumbers.NumberParseException:
        return False
    reason = phonenumbers.is_possible_number_with_reason(number)
    return bool(reason == phonenumbers.ValidationResult.IS_POSSIBLE)


def _refuse_impossible_length(text: str, number: phonenumbers.PhoneNumber) -> None:
    import phonenumbers

    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason == phonenumbers.ValidationResult.IS_POSSIBLE:
        return
    if reason == phonenumbers.ValidationResult.TOO_LONG:
        raise _too_long(text)
    if reason == phonenumbers.ValidationResult.INVALID_LENGTH:
        raise FilterError(
            "phone_length",
            _("'{value}' has a number of digits that no telephone number with +{country} has.").format(
                value=_shown(text), country=number.country_code
            ),
            _("Compare it with the source: is a digit missing or one too many?"),
        )
    raise _too_short(text)


def _unparsed(text: str, reason: int) -> FilterError:
    import phonenumbers

    if reason == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
        return FilterError(
            "phone_country",
            _("'{value}' begins with a country code that does not exist.").format(value=_shown(text)),
            _("Write the country code after + or 00, for example +49 for Germany."),
        )
    return _too_long(text) if reason == phonenumbers.NumberParseException.TOO_LONG else _too_short(text)


def _country_or_area(text: str, own: str) -> FilterError:
    return FilterError(
        "phone_country_or_area",
        _("'{value}' is unclear: is {own} the country or the area code?").format(value=_shown(text), own=own),
        _("Write +{own} in front if it is the country, or 0{own} if it is the area.").format(own=own),
    )


def _too_short(text: str) -> FilterError:
    return FilterError(
        "phone_too_short",
        _("'{value}' is too short for a telephone number.").format(value=_shown(text)),
        _("Complete it with its area code, or keep the person without it: phone(default='')."),
        _("Complete it with its area code."),
    )


def _too_long(text: str) -> FilterError:
    return FilterError(
        "phone_too_long",
        _("'{value}' is too long for a telephone number.").format(value=_shown(text)),
        _("Are these two numbers in one cell? Only one can be used."),
    )


def _unreadable(text: str) -> FilterError:
    return FilterError(
        "phone_unreadable",
        _("'{value}' can't be read as a telephone number.").format(value=_shown(text)),
        _("Write it like 0151 2000001 or +49 151 2000001, or leave the cell empty."),
    )


# --- Lists and the first of several -----------------------------------------------------------------------------------


def split(value: object, sep: str | None = None) -> list[object]:
    r"""The parts of a text between ``,`` ``;`` and line ends, or between ``sep``; a list is passed through.

    >>> split("Maschinist, Gruppenführer;\nSprecher,"), split("A/B", "/"), split("")
    (['Maschinist', 'Gruppenführer', 'Sprecher'], ['A', 'B'], [])
    """
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)
    if sep is not None and not (sep and isinstance(sep, str)):
        raise FilterError(
            "split_separator",
            _("split can't split a text at '{separator}'.").format(separator=_shown(sep)),
            _("Name a character, for example split('/'), or write split alone for commas, semicolons and line ends."),
        )
    text = _text(value)
    parts = re.split(r"[,;\r\n]", text) if sep is None else text.split(sep)
    return [part for part in map(_text, parts) if part]


def first_of(*values: object) -> object:
    """The first value that is not empty (``None``, blank text, an empty list or mapping), else ``''``. 0 is a value.

    >>> first_of("", None, "0151 2000001", "0171 2000002")
    '0151 2000001'
    """
    return next((value for value in values if not _is_empty(value)), "")


def _is_empty(value: object) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, (list, tuple, set, frozenset, dict)) and not value)


# --- Dates ------------------------------------------------------------------------------------------------------------

_TIME = r"(?:[T ]+(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?\s*(?:Z|[+-]\d{2}(?::?\d{2})?)?)?"
_ISO = re.compile(rf"(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}}){_TIME}", re.ASCII)
_ISO_BASIC = re.compile(r"(?P<year>(?:19|20)\d{2})(?P<month>\d{2})(?P<day>\d{2})", re.ASCII)
_GERMAN = re.compile(rf"(?P<day>\d{{1,2}})\.\s*(?P<month>\d{{1,2}})\.\s*(?P<year>\d{{4}}|\d{{2}}){_TIME}", re.ASCII)

YEARS_AHEAD: Final = 15
"""How far in the future a year of two digits may be: long enough for a driving licence that has just been issued."""


def parse_date(value: object, today: dt.date | None = None, years_ahead: int = YEARS_AHEAD) -> dt.date | None:
    """The day a value names; None for an empty one.

    Read are dates and times of Python, ``2020-02-01``, ``20200201``, ``1.2.2020`` and ``01.02.20``, with a time of day
    or without. A time zone moves nothing: the day is the one that is written. Two digits of a year mean the latest
    such year that is at most ``years_ahead`` after ``today``.

    >>> parse_date("01.02.20"), parse_date("2020-02-01T23:30:00Z")
    (datetime.date(2020, 2, 1), datetime.date(2020, 2, 1))
    """
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    text = _text(value)
    if not text:
        return None
    found = _ISO.fullmatch(text) or _GERMAN.fullmatch(text) or _ISO_BASIC.fullmatch(text)
    if found is None:
        raise FilterError(
            "date_unreadable",
            _("'{value}' can't be read as a date.").format(value=_shown(text)),
            _("Write it like 31.12.2026 or 2026-12-31; in a spreadsheet, format the cell as a date."),
        )
    year = int(found["year"])
    if len(found["year"]) == 2:
        latest = (today or _today()).year + years_ahead
        year = latest - (latest - year) % 100
    try:
        return dt.date(year, int(found["month"]), int(found["day"]))
    except ValueError:
        raise FilterError(
            "date_impossible",
            _("'{value}' is not a day of the calendar.").format(value=_shown(text)),
            _("Correct it in the source; dates are read as day.month.year or year-month-day."),
        ) from None


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).astimezone().date()


def date(value: object, format: str = "%d.%m.%Y") -> str:
    """A date as text, with the codes of Python's ``strftime``; ``''`` stays ``''``.

    >>> date("2020-02-01"), date("1.2.2020", "%Y-%m-%d")
    ('01.02.2020', '2020-02-01')
    """
    day = parse_date(value)
    if day is None:
        return ""
    try:
        if len(format) > 200 or "%" not in format:
            raise ValueError  # `TT.MM.JJJJ` would come out as it is
        return day.strftime(format)
    except (TypeError, ValueError):
        raise FilterError(
            "date_format",
            _("'{format}' can't be used to write a date.").format(format=_shown(format)),
            _("Use %d for the day, %m for the month and %Y for the year, for example date('%d.%m.%Y')."),
        ) from None


def age(value: object, today: object = None) -> int | None:
    """Whole years from a date to ``today`` (default: the computer's); None for an empty value.

    A year of two digits is never in the future here. Who was born on 29 February is a year older on 1 March.

    >>> age("24.12.1990", "2020-12-23"), age("24.12.1990", "2020-12-24")
    (29, 30)
    """
    now = parse_date(today) or _today()
    born = parse_date(value, now, years_ahead=0)
    if born is None:
        return None
    years = now.year - born.year - ((now.month, now.day) < (born.month, born.day))
    if years < 0:
        raise FilterError(
            "date_in_future",
            _("'{value}' is in the future, so there is no age.").format(value=_shown(value)),
            _("Correct the date in the source."),
        )
    return years


def still_valid(value: object, empty: bool = False, today: object = None) -> bool:
    """Whether a date is ``today`` (default: the computer's) or later; ``empty`` says what a missing date means.

    >>> still_valid("31.12.2026", today="2026-12-31"), still_valid("30.12.2026", today="2026-12-31"), still_valid("")
    (True, False, False)
    """
    now = parse_date(today) or _today()
    last = parse_date(value, now)
    return empty is True if last is None else last >= now


# --- Truth ------------------------------------------------------------------------------------------------------------

_TRUTH: Final = dict.fromkeys(("ja", "j", "yes", "y", "x", "1", "true", "on", "wahr"), True) | dict.fromkeys(
    ("", "nein", "n", "no", "0", "false", "off", "falsch"), False
)


def ja(value: object) -> bool:
    """The truth of ``Ja``, ``x``, ``1``, ``yes`` … and ``Nein``, ``0``, ``no`` …; ``''`` is False, case is ignored.

    >>> ja("Ja"), ja("x"), ja("nein"), ja("")
    (True, True, False, False)
    """
    text = _text(value)
    truth = _TRUTH.get(text.casefold())
    if truth is None:
        raise FilterError(
            "ja_unclear",
            _("'{value}' is neither yes nor no.").format(value=_shown(text)),
            _("Known are Ja/Nein, yes/no, true/false, wahr/falsch, on/off, x, 1 and 0."),
        )
    return truth


# --- E-mail addresses -------------------------------------------------------------------------------------------------

# Plain addresses: at most 64 characters in all, so that no part of one can be too long. `.local` is a domain
# that houses give themselves; `.arpa` holds no mailboxes.
_PLAIN_EMAIL = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+"
    r"(?!arpa\Z)[a-z]{2,24}",
    re.ASCII,
).fullmatch
_ADDRESS_IN_TEXT = re.compile(r"""[^\s<>()\[\],;:/|"']+@[^\s<>()\[\],;:/|"']+""")


def email(value: object) -> str:
    """An e-mail address in lower case; ``''`` stays ``''``. Checked is its form, not whether it exists.

    >>> email("Max.Muster@Example.ORG")
    'max.muster@example.org'
    """
    text = _text(value)
    if not text:
        return ""
    plain = _plain_email(text)
    return checked_email(text) if plain is None else plain


def _plain_email(text: str) -> str | None:
    """The address in lower case where it is plainly one, None for any other text: the fast path of :func:`email`."""
    # isascii first: the lower case of the Kelvin sign is an ordinary k.
    lowered = text.lower() if text.isascii() and len(text) <= 64 else ""
    return lowered if _PLAIN_EMAIL(lowered) else None


def checked_email(text: str) -> str:
    """The address in lower case, checked with the library ``email-validator``: the long way of :func:`email`."""
    import email_validator

    try:
        checked = email_validator.validate_email(text, check_deliverability=False, globally_deliverable=False)
    except (email_validator.EmailNotValidError, ValueError):
        raise _not_an_email(text) from None
    if "." not in checked.domain:
        raise FilterError(
            "email_domain",
            _("'{value}' has no complete domain after the @.").format(value=_shown(text)),
            _("Complete it, for example {example}.").format(example=_shown(f"{text}.de")),
        )
    return unicodedata.normalize("NFC", checked.normalized.lower())


def _not_an_email(text: str) -> FilterError:
    addresses = _ADDRESS_IN_TEXT.findall(text)
    if len(addresses) > 1:
        return FilterError(
            "email_two_addresses",
            _("'{value}' holds more than one e-mail address.").format(value=_shown(text)),
            _("Only one can be used: keep one in the cell, or take the first with {example}.").format(
                example="{{ email | split | first | default('') | email }}"
            ),
        )
    # Where a blank is all that comes before it, the blank may as well be a mistake inside the address.
    if addresses and addresses[0] != text and re.search(r"(?:^|[<(\[,;:/|\"'])\s*$", text[: text.index(addresses[0])]):
        return FilterError(
            "email_not_alone",
            _("'{value}' holds more than the e-mail address.").format(value=_shown(text)),
            _("Leave only the address in the cell: {address}").format(address=_shown(addresses[0])),
        )
    return FilterError(
        "email_invalid",
        _("'{value}' is not an e-mail address.").format(value=_shown(text)),
        _("Write only the address, without blanks, like name@example.org, or leave the cell empty."),
    )


# --- Text -------------------------------------------------------------------------------------------------------------

# Letters and signs that Unicode does not take apart into a plain one and a mark.
_PLAIN_LETTERS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe"}
    | {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i"}
    | dict.fromkeys("‐‑‒–—−", "-")
    | dict.fromkeys("‘’‚´`", "'")
    | dict.fromkeys("“”„«»", '"')
    | {"⁄": "/"}
)
_CAPITAL_UMLAUT = re.compile(r"[ÄÖÜ]")
_UMLAUT_LETTERS = {"Ä": "Ae", "Ö": "Oe", "Ü": "Ue"}


def to_ascii(value: object) -> str:
    """The text in ASCII, umlauts written out; what has no counterpart is dropped.

    >>> to_ascii("Jörg Weiß"), to_ascii("MÜLLER"), to_ascii("Renée Wałęsa")
    ('Joerg Weiss', 'MUELLER', 'Renee Walesa')
    """
    text = _text(value)
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text)
    text = _CAPITAL_UMLAUT.sub(_capital_umlaut, text).translate(_PLAIN_LETTERS)
    # The compatibility forms may hold such letters and signs again: ½ is 1, a fraction slash and 2.
    text = unicodedata.normalize("NFKD", text).translate(_PLAIN_LETTERS)
    return text.encode("ascii", "ignore").decode("ascii").strip()


def _capital_umlaut(match: re.Match[str]) -> str:
    """``Ue`` for Übel, ``UE`` for MÜLLER and for the last letter of a word in capitals."""
    after = match.string[match.end() : match.end() + 1]
    before = match.string[max(match.start() - 1, 0) : match.start()]
    letters = _UMLAUT_LETTERS[match[0]]
    return letters.upper() if (after if after.isalpha() else before).isupper() else letters


def slug(value: object) -> str:
    """The text as an identifier: ASCII in lower case, words joined by ``-``.

    >>> slug("1. Zug – Löschgruppe Süd")
    '1-zug-loeschgruppe-sued'
    """
    return re.sub(r"[^a-z0-9]+", "-", to_ascii(value).lower()).strip("-")


def digits(value: object) -> str:
    """Only the digits 0 to 9 of the text.

    >>> digits("Nr. 0042/7"), digits(1042.0)
    ('00427', '1042')
    """
    return re.sub(r"[^0-9]", "", _text(value))


_PARTICLES: Final = frozenset(("von", "vom", "van", "der", "den", "de", "zu", "zum", "zur", "la", "di"))
_NUMERALS: Final = frozenset(("II", "III", "IV", "VI", "VII", "VIII", "IX"))
# Only whole names: Mackensen, Macher and Mack are no Scots.
_MAC: Final = re.compile(
    r"mac(?=(?:allister|arthur|aulay|beth|donald|dougall|farlane|gregor|intosh|intyre|kenzie|lean|leod|millan|pherson)$)"
)
_LETTERS = re.compile(r"[^\W\d_](?:[^\W_]|[\u0300-\u036f])*")
_APOSTROPHES: Final = frozenset("'’`´")


def title_name(value: object) -> str:
    """A name that was typed in capitals or in small letters, as names are written; other words stay as typed.

    ``von``, ``van``, ``der``, ``zu`` … are small unless they come first; a small one that comes first stays so where
    the rest of the name shows that somebody took care (``von Stein``). ``II`` to ``IX`` stay after a name.

    >>> title_name("MÜLLER-LÜDENSCHEIDT"), title_name("LUDWIG VAN BEETHOVEN"), title_name("o'neill")
    ('Müller-Lüdenscheidt', 'Ludwig van Beethoven', "O'Neill")
    >>> title_name("McDonald"), title_name("von Stein"), title_name("VON STEIN")
    ('McDonald', 'von Stein', 'Von Stein')
    """
    text = unicodedata.normalize("NFC", _text(value))
    typed_with_care = any(map(_is_mixed, text.split()))

    def recased(match: re.Match[str]) -> str:
        word, first = match[0], match.start() == 0
        if _is_mixed(word) or (word in _NUMERALS and not first):
            return word
        if word.islower() and word in _PARTICLES and typed_with_care:
            return word
        return _LETTERS.sub(lambda letters: _recased_letters(letters, first and letters.start() == 0), word)

    return re.sub(r"\S+", recased, text)


def _is_mixed(word: str) -> bool:
    """True for ``Müller`` and ``McDonald``; ß is found in words of capitals too (``GROß``)."""
    letters = word.replace("ß", "")
    return letters != letters.upper() and letters != letters.lower()


def _recased_letters(match: re.Match[str], first: bool) -> str:
    letters = match[0].lower()
    last_after_apostrophe = match.end() == len(match.string) and match.string[match.start() - 1] in _APOSTROPHES
    if (letters in _PARTICLES and not first) or (len(letters) == 1 and match.start() and last_after_apostrophe):
        return letters
    if len(letters) > 4 and letters.startswith("mc"):
        return "Mc" + letters[2:].capitalize()
    if _MAC.match(letters):
        return "Mac" + letters[3:].capitalize()
    return letters.capitalize()


# --- Regular expressions ----------------------------------------------------------------------------------------------

_SECONDS: Final = 0.3
_LONGEST_PATTERN: Final = 4096


def regex_replace(value: object, find: str = "", replace: str = "", ignorecase: bool = False) -> str:
    r"""The text with every match of the pattern ``find`` replaced; ``\1`` or ``\g<name>`` is a group of the match.

    >>> regex_replace("Zug 1 (Nord)", r"\s*\(.*\)"), regex_replace("a-b", r"(\w)-(\w)", r"\2-\1")
    ('Zug 1', 'b-a')
    """
    import regex as library

    text, pattern = _searched(value), _compiled(find, ignorecase)
    if len(str(replace)) > _LONGEST_PATTERN:
        raise _too_much()
    size = len(text)

    def replaced(match: regex.Match[str]) -> str:
        nonlocal size
        try:
            part = match.expand(str(replace))
        except (library.error, IndexError) as error:
            raise _bad_replacement(str(replace), error) from None
        size += len(part) - len(match[0])
        if size > LIMIT:
            raise _too_much()
        return part

    with _Translated(find):
        result = pattern.sub(replaced, text, timeout=_SECONDS)
    if len(result.encode("utf-8", "surrogatepass")) > LIMIT:
        raise _too_much()
    return result


def regex_search(value: object, find: str = "", ignorecase: bool = False) -> bool:
    r"""True where the pattern ``find`` is found anywhere in the text.

    >>> regex_search("Gruppenführer", "^gruppe", ignorecase=True), regex_search("Zug 2", r"\b1\b")
    (True, False)
    """
    text, pattern = _searched(value), _compiled(find, ignorecase)
    with _Translated(find):
        return pattern.search(text, timeout=_SECONDS) is not None


def _searched(value: object) -> str:
    """The value as text with its blanks: a pattern may be about them."""
    text = value if isinstance(value, str) else _text(value)
    if len(text.encode("utf-8", "surrogatepass")) > LIMIT:
        raise _too_much()
    return text


def _compiled(find: str, ignorecase: bool) -> regex.Pattern[str]:
    import regex

    with _Translated(find):
        if len(find) > _LONGEST_PATTERN:
            raise OverflowError
        return regex.compile(find, regex.IGNORECASE if ignorecase else 0)


class _Translated:
    """Turns the errors of ``regex`` inside the ``with`` block into :class:`FilterError`."""

    def __init__(self, find: str) -> None:
        self.find = find

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        import regex

        if isinstance(error, TimeoutError):
            raise FilterError(
                "regex_too_slow",
                _("The search for '{find}' took too long and was stopped.").format(find=_shown(self.find)),
                _("Make the pattern simpler: no repetition inside a repetition, such as (a+)+."),
            ) from None
        if isinstance(error, (regex.error, OverflowError, RecursionError, MemoryError, TypeError)):
            raise FilterError(
                "regex_invalid",
                _("'{find}' can't be used as a search pattern: {reason}").format(
                    find=_shown(self.find), reason=_why_no_pattern(error)
                ),
                _(r"To search for one of . * + ? ( ) [ ] itself, put \ before it."),
            ) from None


def _why_no_pattern(error: Exception) -> str:
    """What is wrong with a pattern or a replacement, in plain words where it is a common mistake."""
    said = str(error) or type(error).__name__
    known = {
        "missing )": _("a bracket ( is opened and not closed"),
        "unbalanced parenthesis": _("a bracket ) closes nothing"),
        "trailing characters": _("a bracket ) closes nothing"),
        "unterminated character set": _("a bracket [ is opened and not closed"),
        "bad set": _("a bracket [ is opened and not closed"),
        "nothing to repeat": _("before * or + stands nothing to repeat"),
        "multiple repeat": _("before * or + stands nothing to repeat"),
        "no such group": _("the pattern has not so many brackets"),
        "invalid group reference": _("the pattern has not so many brackets"),
        "unknown group": _("the pattern has not so many brackets"),
        "bad escape": _("a \\ stands before a letter it does not fit"),
        "incomplete escape": _("a \\ stands before a letter it does not fit"),
        "min repeat greater": _("in curly brackets the smaller number comes first"),
        "repeat count too big": _("a number in curly brackets is too large"),
        "bad character range": _("in [ ] a range such as a-z is the wrong way round"),
        "missing >": _("a < is opened and not closed"),
    }
    place = re.search(r"at position ([0-9]+)", said)
    unknown = _("character {number} does not fit").format(number=int(place[1]) + 1) if place else type(error).__name__
    return next((words for part, words in known.items() if part in said), unknown)


def _bad_replacement(replace: str, reason: Exception) -> FilterError:
    return FilterError(
        "regex_replacement",
        _("'{replace}' can't be used as a replacement: {reason}").format(
            replace=_shown(replace), reason=_why_no_pattern(reason)
        ),
        _(r"\1 is what the first pair of round brackets in the pattern found; write \\ for a \ itself."),
    )


def _too_much() -> FilterError:
    return FilterError(
        "text_too_long",
        _("The text for or from this filter is longer than {limit} KiB.").format(limit=LIMIT // 1024),
        _("Is the right column used, and does the pattern match what it should?"),
    )


FILTERS: Final[dict[str, Callable[..., object]]] = {
    "phone": phone,
    "e164": e164,
    "split": split,
    "date": date,
    "age": age,
    "ja": ja,
    "email": email,
    "ascii": to_ascii,
    "slug": slug,
    "regex_replace": regex_replace,
    "regex_search": regex_search,
    "title_name": title_name,
    "digits": digits,
}
