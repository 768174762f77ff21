"""The filters of templates, each with what it does."""

from __future__ import annotations

from engine.i18n import _


def filters() -> dict[str, str]:
    """What people need of filters, in a few words: our own first, then those of Jinja that lists call for."""
    return {
        "phone": _("telephone number as 0049…"),
        "e164": _("telephone number as +49…"),
        "email": _("mail address in small letters, checked"),
        "lookup": _("what a table has for it: lookup('table')"),
        "split": _("text to list, at commas, semicolons and line ends, or split('/')"),
        "date": _("date, for example date('%d.%m.%Y')"),
        "age": _("age in years, from the date of birth"),
        "ja": _("Ja, Nein, x, 1 or 0 as true or false"),
        "title_name": _("name in capitals with small letters: MÜLLER as Müller"),
        "digits": _("only the digits"),
        "ascii": _("without umlauts: ä as ae"),
        "slug": _("short name without blanks, for addresses"),
        "regex_replace": _("replaces by a search pattern"),
        "regex_search": _("finds by a search pattern"),
        "upper": _("in CAPITALS"),
        "lower": _("in small letters"),
        "trim": _("without blanks at both ends"),
        "replace": _("replaces a text: replace('old', 'new')"),
        "default": _("a value instead of a missing one: default('')"),
        "join": _("list to text: join(', ')"),
        "first": _("the first of a list"),
        "last": _("the last of a list"),
        "unique": _("list without duplicates"),
        "sort": _("sorted list"),
        "length": _("how many elements or letters"),
        "int": _("whole number"),
        "round": _("rounded number"),
    }
