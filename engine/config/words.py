"""PURE: which word of the language somebody meant who wrote another one: a German word, or a misspelled one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from engine.i18n import language
from engine.problems import did_you_mean

SURE = 0.75
"""So alike two words must be at least that one is taken for the other without asking."""

CHECK_MARKS = {"en": "TO CHECK", "de": "PRÜFEN"}
"""What `abgleich new` writes behind a line that was guessed, by language. A project may change its language."""

_WORD = re.compile(r"[\w.-]+")
"""More than one word may be more than one mistake."""

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "-": "_", " ": "_"})

_GERMAN = {
    "triggers": "auslöser",
    "conditions": "bedingung bedingungen voraussetzung voraussetzungen",
    "actions": "aktion aktionen",
    "action": "aktion",
    "source": "quelle quellen datenquelle",
    "columns": "spalte spalten",
    "key": "schlüssel schlüsselspalte",
    "access_key": "zugriffsschlüssel zugangsschlüssel schlüssel",
    "fields": "feld felder",
    "connection": "verbindung",
    "connections": "verbindungen verbindung",
    "variables": "variable variablen",
    "tables": "tabelle tabellen nachschlagetabellen",
    "tests": "prüfungen prüfung",
    "where": "wo wobei bedingung filter auswahl",
    "expect": "erwarte erwartet erwartung erwartungen",
    "expect_every": "erwartet_alle erwarte_alle",
    "min_rows": "mindestzeilen min_zeilen",
    "max_rejected": "max_abgewiesen",
    "max_removals": "max_entfernungen max_löschungen",
    "max_changes": "max_änderungen",
    "heading": "überschrift spaltenüberschrift",
    "path": "pfad datei",
    "type": "typ art",
    "trigger": "auslöser plattform",
    "condition": "bedingung",
    "weekday": "wochentag wochentage tag tage",
    "at": "um uhrzeit zeit",
    "after": "nach ab",
    "before": "vor bis",
    "hours": "stunde stunden",
    "minutes": "minute minuten",
    "seconds": "sekunde sekunden",
    "days": "tage tag",
    "weeks": "woche wochen",
    "alias": "anzeigename titel",
    "name": "bezeichnung",
    "description": "beschreibung",
    "enabled": "aktiv aktiviert eingeschaltet",
    "notify": "benachrichtigung benachrichtigungen benachrichtige",
    "delimiter": "trennzeichen",
    "quote": "anführungszeichen",
    "encoding": "kodierung zeichensatz",
    "header_row": "kopfzeile überschriftenzeile",
    "skip_footer": "fußzeile fußzeilen",
    "archive": "archiv ablage",
    "combine": "zusammenfassen verbinden",
    "settle": "ruhezeit",
    "group_by": "gruppieren gruppiere_nach gruppieren_nach",
    "removal": "entfernen entfernung löschen löschung",
    "guard": "wächter schutz",
    "match": "abgleich zuordnung",
    "user_field": "benutzerfeld",
    "row": "zeile",
    "language": "sprache",
    "timezone": "zeitzone",
    "database": "datenbank",
    "url": "adresse",
    "username": "benutzer benutzername",
    "password": "passwort kennwort",
    "alarm_groups": "alarmgruppen",
    "alarmGroups": "alarmgruppe alarmgruppen",
    "osFunctions": "funktion funktionen",
    "osGroups": "gruppe gruppen",
    "firstName": "vorname",
    "lastName": "nachname familienname",
    "Firstname": "vorname",
    "Lastname": "nachname familienname",
    "mobil": "handy mobilnummer",
    "Subject": "betreff",
    "use_blueprint": "blaupause",
    "input": "eingabe eingaben",
    "default": "standard vorgabe ersatzwert sonst",
    "file": "datei",
    "time": "zeit uhrzeit",
    "time_pattern": "zeitmuster",
    "mapping": "zuordnung",
    "template": "vorlage",
    "delete": "löschen",
    "keep": "behalten",
    "trash": "papierkorb",
    "move": "verschieben",
    "all": "alle",
    "newest": "neueste",
    "sync": "abgleichen",
    "de": "deutsch",
    "en": "englisch",
    "mon": "mo montag",
    "tue": "di dienstag",
    "wed": "mi mittwoch",
    "thu": "do donnerstag",
    "fri": "fr freitag",
    "sat": "sa samstag sonnabend",
    "sun": "so sonntag",
    "phone": "telefon telefonnummer telefonnr rufnummer handy handynummer mobil mobilnummer nummer tel",
    "email": "mail e_mail mailadresse email_adresse",
    "lookup": "suchen suche nachschlagen tabelle sverweis vlookup zuordnen",
    "split": "trennen trenne teilen aufteilen",
    "date": "datum datumsformat",
    "age": "alter",
    "title_name": "eigenname namen groß_klein großklein normalschreibung",
    "digits": "ziffern zahlen nummer nur_ziffern",
    "ascii": "umlaute ohne_umlaute",
    "regex_replace": "muster_ersetzen",
    "upper": "groß großbuchstaben großschreiben großschreibung uppercase",
    "lower": "klein kleinbuchstaben kleinschreiben kleinschreibung lowercase",
    "trim": "glätten leerzeichen kürzen strip",
    "replace": "ersetzen ersetze wechseln",
    "join": "verbinden verketten zusammenfügen",
    "first": "erste erster erstes",
    "last": "letzte letzter letztes",
    "unique": "eindeutig ohne_doppelte",
    "sort": "sortieren sortiert",
    "length": "länge anzahl",
    "int": "zahl ganzzahl ganze_zahl",
    "round": "runden gerundet",
    "approve": "freigeben freigabe genehmigen erlauben",
    "reject": "verwerfen ablehnen",
    "check": "prüfen kontrollieren",
    "preview": "vorschau ansehen",
    "run": "ausführen laufen übertragen lauf senden",
    "show": "zeigen anzeigen",
    "runs": "läufe verlauf",
    "new": "neu neues",
    "start": "starten",
    "init": "anlegen einrichten projekt",
    "forget": "vergessen löschen",
    "release": "entlassen",
    "explain": "erklären",
    "plan": "planen",
    "test": "testen",
    "simulate": "nachbau nachbauen simulieren",
    "--help": "hilfe",
    "fe2.sync": "fe2 fe2.abgleich fe2.abgleichen feuer2",
    "greyhound.sync": "greyhound greyhound.abgleich greyhound.abgleichen kontakte",
}
"""A word of the language -> what a German might write for it."""


def _folded(word: str) -> str:
    return word.strip().casefold().translate(_UMLAUTS)


_BY_GERMAN: dict[str, list[str]] = {}
for _ours, _theirs in _GERMAN.items():
    for _word in _theirs.split():
        _BY_GERMAN.setdefault(_folded(_word), []).append(_ours)


def meant(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant; None when nothing is near."""
    listed = list(known)
    german = _german(word, listed)
    return german[0] if german else did_you_mean(word, listed)


def surely_meant(word: str, known: Iterable[str]) -> str | None:
    """The known word that alone can have been meant; None where there is a choice, or no word is near enough."""
    listed = list(known)
    for found in (_german(word, listed), [name for name in listed if _folded(name) == _folded(word)]):
        if found:
            return found[0] if len(found) == 1 else None
    by_folded = {_folded(name): name for name in listed}
    near = difflib.get_close_matches(_folded(word), by_folded, n=2) if _WORD.fullmatch(word) else []
    if len(near) != 1 or difflib.SequenceMatcher(None, _folded(word), near[0]).ratio() < SURE:
        return None
    return by_folded[near[0]]


def all_meant(word: str, known: Iterable[str]) -> list[str]:
    """All known words that were perhaps meant, the likeliest first."""
    listed = list(known)
    near = did_you_mean(word, listed)
    return _german(word, listed) or ([near] if near is not None else [])


def _german(word: str, known: list[str]) -> list[str]:
    """The known words of which this is the German one."""
    wanted = _BY_GERMAN.get(_folded(word), ())
    return [name for name in known if name in wanted]


def check_mark() -> str:
    """The word that marks a line of a mapping which was guessed: somebody must look at it."""
    return CHECK_MARKS.get(language(), CHECK_MARKS["en"])
