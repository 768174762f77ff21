"""PURE: what the columns of an unknown list are, by their headings and by the looks of their cells.

A heading is compared without case, signs and umlauts with synonyms in German and English; near misses (difflib, which
is enough for a few dozen words) and cells that look the part count as unsure. Nothing here is ever certain: a person
looks at it.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

Role = Literal[
    "key",
    "first",
    "last",
    "whole",
    "mobile",
    "phone",
    "mail",
    "status",
    "left",
    "functions",
    "groups",
    "alarm",
    "issi",
    "pager",
    "street",
    "house",
    "zip",
    "city",
    "title",
    "salutation",
    "company",
    "birthday",
    "flag",
]
Place = Literal["private", "", "work"]

MOST_DISTINCT = 24
SHOWN = 3
_NEAR = 0.86
_SHORTEST_NEAR = 5

SYNONYMS: dict[Role, str] = {
    "key": """personalnummer personalnr personnr persnr personennummer personennr mitgliedsnummer mitgliedsnr
        mitgliednr mitgliedernummer mitgliedernr mitarbeiternummer mitarbeiternr nr nummer id uid userid personid
        memberid membernumber memberno employeenumber employeeid number no kennung kennnummer dienstnummer
        dienstausweisnummer ausweisnummer ausweisnr stammnummer externaldbid externeid benutzerid""",
    "first": "vorname vornamen rufname firstname givenname forename",
    "last": "nachname familienname zuname surname lastname familyname",
    "whole": """name anzeigename displayname fullname vollername namevorname nachnamevorname vornamenachname
        vornamename mitglied person""",
    "mobile": """mobil mobiltelefon mobiltelefonnummer mobilnummer mobilnr mobiltel mobilfunk mobilfunknummer
        mobilrufnummer handy handynummer handynr mobile mobilephone mobilenumber cell cellphone telmobil telefonmobil
        phonemobile""",
    "phone": """telefon telefonnummer telefonnr telnr tel festnetz festnetznummer rufnummer phone phonenumber telephone
        fon""",
    "mail": "email mail mailadresse emailadresse emailaddress mailaddress",
    "status": "status mitgliedsstatus mitgliedstatus dienststatus personalstatus state zustand aktiv active",
    "left": """austritt austrittsdatum austrittam ausgetreten ausgetretenam ausgeschieden ausgeschiedenam exitdate
        leavingdate""",
    "functions": """funktion funktionen function functions qualifikation qualifikationen qualification qualifications
        ausbildung ausbildungen lehrgang lehrgaenge lehrgangsname lehrgangsbezeichnung kurs kurse modul module
        kurzbezeich kurzbezeichnung skills""",
    "groups": """gruppe gruppen group groups gruppennamen zug zuege abt abteilung abteilungen einheit einheiten
        department unit team teams loeschgruppe loeschgruppen loeschzug loeschzuege ortsfeuerwehr ortswehr""",
    "alarm": "alarmgruppe alarmgruppen alarmgroup alarmgroups",
    "issi": "issi pagerissi issinummer",
    "pager": "apager apagerpro apageradresse",
    "street": "strasse anschrift street strassehausnummer strassenr strasseundhausnummer strassehausnr",
    "house": "hausnummer hausnr hnr housenumber",
    "zip": "plz postleitzahl zip zipcode postcode postalcode",
    "city": "ort wohnort stadt city town",
    "title": "titel title",
    "salutation": "anrede salutation",
    "company": "firma company organisation organization",
    "birthday": "geburtsdatum geburtstag gebdatum geboren geborenam birthday birthdate dateofbirth",
}
_ROLE_OF: dict[str, Role] = {word: role for role, words in SYNONYMS.items() for word in words.split()}

_PRIVATE = frozenset({"privat", "private", "priv", "p", "home", "persoenlich"})
_WORK = frozenset(
    {"dienstlich", "dienstl", "dienst", "d", "geschaeftlich", "gesch", "g", "beruflich", "arbeit", "work"}
)
_WORK |= {"business", "berufl", "geschaeft", "geschaeftl"}
# Somebody else's numbers, or none of an address book's business: never taken for the person's own.
_STRANGERS = re.compile(
    "mutter|vater|eltern|notfall|angehoerig|kontaktperson|ehepartner|ehefrau|ehemann|partner|emergency|arbeitgeber|"
    "iban|bic|konto|bank|blz|religion|konfession|sepa|mandat|fax|verein|anzahl|rfid|chip"
)
# Consents say nothing of what somebody is able to do.
_CONSENTS = re.compile("datenschutz|dsgvo|einwillig|einverstand|zustimm|newsletter|foto|bild|consent|privacy")
_YES = frozenset(["ja", "j", "x", "yes", "y", "true", "wahr", "on"])
_NO = frozenset(["nein", "n", "no", "false", "falsch", "off"])
# Numbers that belong to the line, not to the person: next week they are somebody else's.
_RUNNING = re.compile("lfd|laufend|zeile|position|row|index")
_FOOTER = re.compile(r"(?:summe|gesamt|anzahl|stand|ende|seite|datens|erstellt|total|count|page)\b", re.IGNORECASE)
# In a cell of its own such a word may be somebody's name: Ende; with a colon or a number behind it, it is none.
_COUNTED = re.compile(rf"{_FOOTER.pattern}.*[0-9:]", re.IGNORECASE)
_FEWEST_CELLS = 3
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})

_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"(?:\+|0)[0-9 ()/.\-]{6,20}")
_DATE = re.compile(r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{2,4}|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T].*)?")
_NUMBER = re.compile(r"[A-Za-z]{0,4}[-/ ]?[0-9]{1,12}(?:\.0)?")


def is_mail(value: str) -> bool:
    """Whether a cell looks like a mail address."""
    return _MAIL.fullmatch(value) is not None


def is_phone(value: str) -> bool:
    """Whether a cell looks like a telephone number with its area code."""
    return _PHONE.fullmatch(value) is not None and not is_date(value) and sum(map(str.isdigit, value)) >= 6


def is_footer(cells: Sequence[str]) -> bool:
    """Whether a row at the end of a list is no person: a word such as ``Summe``, and hardly anything else."""
    filled = [cell for cell in cells if cell]
    return len(filled) <= 2 < len(cells) and any(map(_FOOTER.match, filled))


def is_person(cells: Sequence[str], key: str, before: Iterable[Sequence[str]]) -> bool:
    """Whether a row that is left out as the end of a list is a person after all.

    It has a ``key`` and no word of a footer, and as many cells are filled as in the emptiest of the rows ``before``.
    """
    if not key or _FOOTER.match(key) or is_footer(cells) or any(map(_COUNTED.match, cells)):
        return False
    usual = min((sum(map(bool, row)) for row in before), default=0)
    return sum(map(bool, cells)) >= max(usual, 2, min(_FEWEST_CELLS, len(cells)))


def is_date(value: str) -> bool:
    """Whether a cell looks like a date."""
    return _DATE.fullmatch(value) is not None


@dataclass(slots=True)
class Facts:
    """What all cells of a column together tell. ``common`` is None where there are too many different ones."""

    rows: int = 0
    filled: int = 0
    numbers: int = 0
    mails: int = 0
    phones: int = 0
    commas: int = 0
    slashes: int = 0
    unique: bool = True
    common: Counter[str] | None = field(default_factory=Counter)
    _seen: set[int] = field(default_factory=set, repr=False)

    def take(self, value: str) -> None:
        """One more row."""
        self.rows += 1
        if not value:
            return
        self.filled += 1
        self.numbers += _NUMBER.fullmatch(value) is not None
        self.mails += is_mail(value)
        self.phones += is_phone(value)
        self.commas += "," in value or ";" in value
        self.slashes += "/" in value
        if self.common is not None:
            self.common[value] += 1
            if len(self.common) > MOST_DISTINCT:
                self.common = None
        if self.unique:
            mark = hash(value)
            self.unique = mark not in self._seen
            self._seen.add(mark)
            if not self.unique:
                self._seen.clear()

    @property
    def is_key(self) -> bool:
        """Unique and never empty."""
        return self.unique and 0 < self.filled == self.rows

    @property
    def is_yes_or_no(self) -> bool:
        """Whether nothing but yes, no and marks stand there, and a yes among them."""
        words = {value.casefold() for value in self.common or ()}
        return bool(words & _YES) and words <= _YES | _NO

    def mostly(self, count: int) -> bool:
        """Whether nearly all of the filled cells are of a kind."""
        return self.filled > 0 and count * 10 >= self.filled * 8


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column is. ``sure``: its heading says so; ``place``: privately or at work, where it says so."""

    heading: str
    role: Role
    sure: bool = True
    place: Place = ""


def guess(heading: str, facts: Facts | None = None) -> Guess | None:
    """What a column is by its heading, else by its cells; None where neither tells."""
    words = _words(heading)
    joined = "".join(words)
    if not joined or _STRANGERS.search(joined):
        return None
    place: Place = "private" if _PRIVATE & set(words) else "work" if _WORK & set(words) else ""
    bare = "".join(word for word in words if word not in _PRIVATE | _WORK)
    found = _by_words(heading, joined, bare, place)
    if found is not None:
        return found
    if facts is not None and facts.mostly(facts.mails):
        return Guess(heading, "mail", False, place)
    if facts is not None and facts.mostly(facts.phones):
        return Guess(heading, "phone", False, place)
    if facts is not None and facts.is_yes_or_no and not _CONSENTS.search(joined):
        return Guess(heading, "flag", False)
    return None


def _by_words(heading: str, joined: str, bare: str, place: Place) -> Guess | None:
    for word in (joined, bare):
        if word in _ROLE_OF:
            return Guess(heading, _ROLE_OF[word], True, place)
    for ending, where in (*((word, "private") for word in _PRIVATE), *((word, "work") for word in _WORK)):
        stem = joined.removesuffix(ending)
        if len(ending) > 3 and stem != joined and stem in _ROLE_OF:
            return Guess(heading, _ROLE_OF[stem], True, "private" if where == "private" else "work")
    if len(bare) >= _SHORTEST_NEAR:
        near = difflib.get_close_matches(bare, [word for word in _ROLE_OF if len(word) > 3], n=1, cutoff=_NEAR)
        if near:
            return Guess(heading, _ROLE_OF[near[0]], False, place)
    part = heading.rpartition(".")[2]
    if "." in heading.strip(". ") and "".join(_words(part)):
        inner = guess(part)
        return Guess(heading, inner.role, False, inner.place or place) if inner is not None else None
    return None


def _words(heading: str) -> list[str]:
    """The words of a heading, also of ``PhoneNumber`` and ``TEL_P``, without umlauts."""
    parted = re.sub(r"(?<=[a-zäöüß])(?=[A-ZÄÖÜ])", " ", heading)
    return re.findall(r"[^\W\d_]+", parted.casefold().translate(_UMLAUTS))


_PHONE_ORDER = [
    ("mobile", "private"),
    ("mobile", ""),
    ("mobile", "work"),
    ("phone", "private"),
    ("phone", ""),
    ("phone", "work"),
]


def in_order(guesses: Iterable[Guess], *roles: Role) -> list[Guess]:
    """The columns of these roles in the order in which they are tried: mobile before landline, private before work."""
    order = {pair: number for number, pair in enumerate(_PHONE_ORDER)}
    places = {"private": 0, "": 1, "work": 2}
    chosen = [one for one in guesses if one.role in roles]
    return sorted(chosen, key=lambda one: (order.get((one.role, one.place), 0), places[one.place]))


@dataclass(frozen=True, slots=True)
class KeyGuess:
    """Which column identifies a person, and why nobody should believe it blindly."""

    heading: str
    doubt: Literal["", "guessed", "repeated", "empty", "none"]


def guess_key(headings: Sequence[str], facts: dict[str, Facts], guesses: Iterable[Guess]) -> KeyGuess:
    """The column that is unique, never empty and named or shaped like a number.

    ``repeated``: several rows per person; ``empty``: some rows have none; ``none``: nothing here identifies a person.
    """
    guesses = [*guesses]
    # A word of its own (Personalnummer) says more than a short one (Nr, ID).
    named = sorted((one for one in guesses if one.role == "key"), key=lambda one: (not one.sure, -len(one.heading)))
    for one in named:
        if facts[one.heading].is_key:
            return KeyGuess(one.heading, "" if one.sure else "guessed")
    for doubt in _doubtful(named, facts):
        return doubt
    taken = {one.heading for one in guesses if one.role not in ("key", "mail")}
    lasting = [heading for heading in headings if not _RUNNING.search("".join(_words(heading)))]
    free = [heading for heading in lasting if heading not in taken and facts[heading].is_key]
    for heading in free:
        if facts[heading].mostly(facts[heading].numbers) and facts[heading].rows > 1:
            return KeyGuess(heading, "guessed")
    return KeyGuess(free[0], "none") if free else KeyGuess(headings[0], "none")


def _doubtful(named: Iterable[Guess], facts: dict[str, Facts]) -> Iterator[KeyGuess]:
    for one in named:
        if facts[one.heading].filled:
            whole = facts[one.heading].filled == facts[one.heading].rows
            yield KeyGuess(one.heading, "repeated" if whole else "empty")
