"""PURE: invented people instead of real ones, in the same shape: a telephone number stays a possible one, a mail is
built of the invented names, numbers keep their digits' count and leading zeros, words their upper and lower case.

The same value gives the same replacement, also as a part of another value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from random import Random

from engine.sync.headings import Role, is_date
from engine.template.filters import FilterError, phone


def _pool(words: str) -> tuple[str, ...]:
    return tuple(words.split())


FIRST = _pool("""alva bero caja dario elin fenno gesa hauke ilvy jaro kalle levke mirja nuria onno pelle rieke silja
    tjark ulfa vito wencke yola zeno""")
FIRST_UMLAUT = _pool("jörn käthe sönke güde bärta tönnies lütje björk")
LAST = _pool("""amselberg birkhorst cordshagen dohlenbruck eibenfeld falkrode grashoff holmbeck ibisch kranichau
    lerchner mausbach natterkamp otterstedt quellmann rehwinkel spechtner torfhaus uhlenbrock wieseling""")
LAST_UMLAUT = _pool("grünspan köhlbach süßholz möwenthal bärlauch häherlin rüsterfeld löwenzahn")
STREETS = _pool("""ahornpfad birnallee distelgang eschenhof farnring ginsterweg holderpfad kiefernhof lindengang
    nussallee pappelring ulmenhof""")
CITIES = _pool("altmusterhausen beispielrode erfundental fabelbach musterwalde probenau testingen übungsfeld")
MAIL_DOMAIN = "example.org"

_POOLS: dict[Role, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "first": (FIRST, FIRST_UMLAUT),
    "last": (LAST, LAST_UMLAUT),
    "whole": (LAST, LAST_UMLAUT),
    "street": (STREETS, STREETS),
    "city": (CITIES, CITIES),
}
PARTICLES = frozenset(_pool("am an auf de den der des die im in la le und van vom von zu zum zur"))
_SPELLED = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ı": "i", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe"}
)
_CONSONANTS, _VOWELS = "bdfgklmnprstvw", "aeiou"
_RUN = re.compile(r"[^\W\d_]+|\d+")
_MAIL = re.compile(r"([^\s@,;<>]+@[^\s@,;<>]+)")
_GERMAN_DATE = re.compile(r"([0-9]{1,2})([./])([0-9]{1,2})([./])([0-9]{2,4})(.*)", re.DOTALL)
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(.*)", re.DOTALL)
_MOBILE = ("15", "16", "17")
_TRIES = 60


@dataclass
class Inventor:
    """Invents for one row. ``taken`` are texts that may not come out, in lower case: what really stands in the list."""

    random: Random
    taken: Collection[str] = ()
    _whole: dict[str, str] = field(default_factory=dict)
    _words: dict[str, str] = field(default_factory=dict)
    _numbers: dict[str, str] = field(default_factory=dict)
    _folded: dict[str, str] = field(default_factory=dict)

    def value(self, text: str, role: Role | None) -> str:
        """What stands instead of a cell; "" for an empty one."""
        if text and text not in self._whole:
            self._whole[text] = self._invent(text, role)
        return self._whole.get(text, "")

    def _invent(self, text: str, role: Role | None) -> str:
        if "@" in text:
            parts = _MAIL.split(text)
            return "".join(self._mail(part) if n % 2 else self._text(part, role) for n, part in enumerate(parts))
        if is_date(text):
            return self._other(lambda: self._date(text), text)
        if role in ("phone", "mobile", "pager") or _looks_dialled(text):
            return self._phone(text)
        return self._text(text, role)

    def _other(self, make: Callable[[], str], text: str) -> str:
        """Something else than what was there, and than what stands elsewhere in the list."""
        made = make()
        for _try in range(_TRIES):
            if made != text and made.casefold() not in self.taken:
                break
            made = make()
        return made

    # -- words -------------------------------------------------------------------------------------------------------

    def _text(self, text: str, role: Role | None) -> str:
        # `Am Anger` and `von Berg` keep what every other name has, too.
        several = sum(1 for _run in _RUN.finditer(text)) > 1

        def invent(run: re.Match[str]) -> str:
            # So does `M-0042`.
            is_prefix = role == "key" and run[0].isalpha() and len(run[0]) <= 2
            is_common = is_prefix or run[0].casefold() in PARTICLES
            return run[0] if several and is_common else self._run(run[0], role)

        made = _RUN.sub(invent, text)
        # `0A` is all of it: neither the one nor the other may stay then.
        return made if made.casefold() != text.casefold() else _RUN.sub(lambda run: self._run(run[0], role), text)

    def _run(self, run: str, role: Role | None) -> str:
        if run.isdecimal():
            return self._digits(run)
        return _in_case_of(run, self._word(run.casefold(), role))

    def _word(self, word: str, role: Role | None) -> str:
        if word not in self._words:
            made = self._folded.get(fold(word)) or self._other(lambda: self._new_word(word, role), word)
            self._words[word] = made
            self._folded.setdefault(fold(word), fold(made))
        return self._words[word]

    def _new_word(self, word: str, role: Role | None) -> str:
        pools = _POOLS.get(role) if role is not None and len(word) > 2 else None
        pool = pools[not word.isascii()] if pools is not None else ()
        free = [name for name in pool if name not in self._words.values() and not self._holds_taken(name)]
        if free:
            return self.random.choice(free)
        start = self.random.randrange(2)
        return "".join(self.random.choice((_CONSONANTS, _VOWELS)[(n + start) % 2]) for n in range(len(word)))

    def _holds_taken(self, name: str) -> bool:
        return any(len(text) > 2 and text in name for text in self.taken)

    # -- numbers -----------------------------------------------------------------------------------------------------

    def _digits(self, run: str) -> str:
        if run not in self._numbers:
            zeros = len(run) - len(run.lstrip("0"))
            if zeros == len(run):
                # Nothing but zeros: one of them tells nothing, several may be somebody's number.
                zeros = 0 if len(run) > 1 else 1
            # Where all numbers with as many zeros are taken, one with fewer is invented.
            for kept in range(zeros, -1, -1):
                made = self._other(lambda kept=kept: self._new_digits(len(run), kept), run)  # type: ignore[misc]
                if made.casefold() not in self.taken or zeros == len(run):
                    break
            self._numbers[run] = made
        return self._numbers[run]

    def _new_digits(self, length: int, zeros: int) -> str:
        rest = length - zeros
        return "0" * zeros + "".join(self.random.choice("123456789" if not n else "0123456789") for n in range(rest))

    def _phone(self, text: str) -> str:
        dialled = "".join(filter(str.isdigit, text))
        if len(dialled) < 5 or any(map(str.isalpha, text)) or not dialled.isascii():
            return self._text(text, None)
        kept = min(_prefix(text.strip(), dialled), len(dialled) - 3)
        for _try in range(_TRIES):
            made = self._other(lambda: self._dialled(text, kept), text)
            if _verdict(made) == _verdict(text):
                return made
        return self._text(text, None)

    def _dialled(self, text: str, kept: int) -> str:
        count, made = 0, []
        for sign in text:
            is_digit = sign.isascii() and sign.isdigit()
            count += is_digit
            if is_digit and count > kept:
                sign = self.random.choice("123456789" if count == kept + 1 else "0123456789")
            made.append(sign)
        return "".join(made)

    # -- mails and dates ---------------------------------------------------------------------------------------------

    def _mail(self, text: str) -> str:
        """Built of the invented names: what is known by then is taken, the rest is invented."""
        local, _at, _domain = text.partition("@")
        made = _RUN.sub(lambda run: self._mail_part(run[0]), local)
        return f"{fold_case(made)}@{MAIL_DOMAIN}"

    def _mail_part(self, run: str) -> str:
        if run.isdecimal():
            return self._digits(run)
        known = self._folded.get(fold(run)) or fold(self._word(run.casefold(), "last"))
        return _in_case_of(run, known)

    def _date(self, text: str) -> str:
        day, month = self.random.randint(1, 28), self.random.randint(1, 12)
        shift = self.random.choice((-3, -2, -1, 1, 2, 3))
        if german := _GERMAN_DATE.fullmatch(text):
            one, sign, two, other, year, rest = german.groups()
            shown = str((int(year) + shift) % 10 ** len(year)).zfill(len(year))
            return f"{_padded(day, one)}{sign}{_padded(month, two)}{other}{shown}{rest}"
        iso = _ISO_DATE.fullmatch(text)
        if iso is None:
            return self._text(text, None)
        return f"{(int(iso[1]) + shift) % 10000:04d}-{month:02d}-{day:02d}{iso[4]}"


def fold(word: str) -> str:
    """The word as it stands in mail addresses: lower case, ``ä`` as ``ae``, no accents."""
    plain = word.casefold().translate(_SPELLED)
    return "".join(sign for sign in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(sign))


def fold_case(text: str) -> str:
    """ASCII where a mail address needs it; the case stays."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return plain or "post"


def _in_case_of(run: str, word: str) -> str:
    if run.isupper() and len(run) > 1:
        return word.upper()
    return word.capitalize() if run[:1].isupper() else word


def _padded(number: int, like: str) -> str:
    return f"{number:02d}" if len(like) == 2 else str(number % 9 + 1)


def _looks_dialled(text: str) -> bool:
    return re.fullmatch(r"(?:\+|0)[0-9 ()/.\-]{7,}", text) is not None and sum(map(str.isdigit, text)) >= 8


def _prefix(text: str, dialled: str) -> int:
    """How many digits say which form and which kind of number it is: ``+49 (0)151`` stays that."""
    country = 0
    if text.startswith("+"):
        country = 2
    elif dialled.startswith("00"):
        country = 4
    elif dialled.startswith("49") and dialled[2:4] in _MOBILE:
        country = 2
    trunk = country + (dialled[country : country + 1] == "0")
    return trunk + (3 if dialled[trunk : trunk + 2] in _MOBILE else 1)


def _verdict(text: str) -> str:
    """What the filter says about a number: the same of the invented as of the real one."""
    try:
        phone(text)
    except FilterError as error:
        return error.code
    return ""
