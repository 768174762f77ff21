"""Single rows of a list: keys, dates, numbers, addresses."""

from __future__ import annotations

from engine.explain.base import Entries, Explanation
from engine.i18n import _


def entries() -> Entries:
    """The explanations, by code."""
    return {
        "date_format": Explanation(
            _("The format given to date can't be used."),
            "\"{{ geburt | date('TT.MM.JJJJ') }}\"",
            _("Use %d, %m and %Y."),
            "\"{{ geburt | date('%d.%m.%Y') }}\"",
        ),
        "date_impossible": Explanation(
            _("A date is not in the calendar."), "31.02.2026", _("Correct it in the source.")
        ),
        "date_in_future": Explanation(
            _("A date of birth lies in the future, so there is no age."), "01.01.2099", _("Correct it in the source.")
        ),
        "date_unreadable": Explanation(
            _("A text can't be read as a date."),
            "Anfang März",
            _("Write day.month.year or year-month-day in the source."),
            "01.03.2026",
        ),
        "double_key": Explanation(
            _(
                "Two rows that take part have the same key. Which one is right can't be told: both "
                "are rejected, and the person stays as last sent."
            ),
            "Personalnummer;Vorname\n1042;Max\n1042;Moritz",
            _("Keep one row, leave one out with where, or join rows of one person with group_by."),
            "group_by: nr",
        ),
        "email_domain": Explanation(
            _("An e-mail address has no complete domain behind the @."),
            "max@example",
            _("Complete it in the source."),
            "max@example.org",
        ),
        "email_invalid": Explanation(
            _("A text is no e-mail address."),
            "max at example.org",
            _("Correct it in the source, or leave the cell empty."),
            "max@example.org",
        ),
        "email_not_alone": Explanation(
            _("A cell holds more than the e-mail address."),
            "Max Muster <max@example.org>",
            _("Leave only the address in the cell."),
            "max@example.org",
        ),
        "email_two_addresses": Explanation(
            _("A cell holds two e-mail addresses, and the field takes one."),
            "a@example.org, b@example.org",
            _("Keep one, or take the first."),
            '"{{ mail | split | first | email }}"',
        ),
        "filter_needs_text": Explanation(
            _("A filter needs one text and got a list."),
            '"{{ handy | split | phone }}"',
            _("Take one element, or join them."),
            '"{{ handy | split | first | phone }}"',
        ),
        "footer_is_a_person": Explanation(
            _(
                "A row that skip_footer leaves out looks like a person: it has a key, as many cells as the rows before "
                "it, and no word such as Summe or Stand. The export may have no footer this time. The row is rejected, "
                "so that whoever it is stays as last sent."
            ),
            "1017;Max;Muster;aktiv",
            _("Make skip_footer smaller, or take the line out where the export has no footer any more."),
            "source: {skip_footer: 0}",
        ),
        "id_claimed_twice": Explanation(
            _("Two mappings bring the same id to one FE2. Both rows are rejected, and the person stays as last sent."),
            _("One person stands in the list of the active members and in that of the youth."),
            _("Narrow one of the two mappings with where."),
            "where: \"{{ abteilung == 'aktiv' }}\"",
        ),
        "ja_unclear": Explanation(
            _("A text is neither yes nor no."), "vielleicht", _("Write Ja or Nein, x or nothing, 1 or 0 in the source.")
        ),
        "key_empty": Explanation(
            _(
                "A row has no key, so it could be anybody. It is rejected, and while there is such a "
                "row nobody is removed."
            ),
            "Personalnummer;Vorname\n;Max",
            _("Fill in the key, or leave such rows out with where."),
            'where: "{{ nr }}"',
        ),
        "looks_like_footer": Explanation(
            _(
                "A row at the end of the list takes part although it looks like a sum or a date of printing. "
                "It would become a person."
            ),
            "Summe;54 Mitglieder;;;",
            _("Say how many rows at the end are no people, or leave the row out with `where`."),
            "source: {skip_footer: 1}",
        ),
        "phone_country": Explanation(
            _("A number begins with + or 00 and a country code that does not exist."),
            "+999 151 2000001",
            _("Write the right country code."),
            "+49 151 2000001",
        ),
        "phone_country_or_area": Explanation(
            _("A number begins with digits that may be the country or the area. A wrong guess would call a stranger."),
            "4981 234567",
            _("Write + before the country code or 0 before the area code."),
            "+49 81 234567",
        ),
        "phone_length": Explanation(
            _("A number has a number of digits that no telephone number of its country has."),
            "+7 8942328059832",
            _("Compare it with the source: a digit may be missing."),
        ),
        "phone_letters": Explanation(
            _("A cell for a number holds letters."),
            "0151 2000001 (privat)",
            _("Leave only the number in the cell, or keep the person without it."),
            "\"{{ handy | phone(default='') }}\"",
        ),
        "phone_region": Explanation(
            _("The country given to phone is not known."),
            "\"{{ handy | phone(region='Deutschland') }}\"",
            _("Write the country's two letters."),
            "\"{{ handy | phone(region='DE') }}\"",
        ),
        "phone_too_long": Explanation(
            _("A number has too many digits."),
            "0151 2000001 0151 2000002",
            _("Keep one number in the cell."),
            "0151 2000001",
        ),
        "phone_too_short": Explanation(
            _("A number has too few digits, for example because the area code is missing."),
            "234",
            _("Complete it, or keep the person without it."),
            "\"{{ telefon | phone(default='') }}\"",
        ),
        "phone_two_numbers": Explanation(
            _("A cell holds two numbers, and the field takes one."),
            "0151 2000001 / 0151 2000002",
            _("Keep one, or take the first."),
            "\"{{ handy | split('/') | first | phone }}\"",
        ),
        "phone_unreadable": Explanation(
            _("A text can't be read as a telephone number."),
            "***",
            _("Correct it in the source, or leave the cell empty."),
            "0151 2000001",
        ),
        "regex_invalid": Explanation(
            _("A search pattern can't be read."),
            "\"{{ nr | regex_replace('(', '') }}\"",
            _("Put a backslash before brackets that are meant as such."),
            "\"{{ nr | regex_replace('\\\\(', '') }}\"",
        ),
        "regex_replacement": Explanation(
            _("What is to be put in place of a find can't be used."),
            "\"{{ nr | regex_replace('a', '\\\\9') }}\"",
            _("Refer only to groups that the pattern has."),
        ),
        "regex_too_slow": Explanation(
            _("A search took too long and was stopped, so that one pattern can't hold up everything."),
            "\"{{ text | regex_search('(a+)+b') }}\"",
            _("Make the pattern simpler: no repetition inside a repetition."),
            "\"{{ text | regex_search('a+b') }}\"",
        ),
        "same_id": Explanation(
            _("Two persons of one list, or of two actions, would get the same id."),
            'externalDbId: "{{ nachname }}"',
            _("Make the id from something that every person has alone."),
            'externalDbId: "{{ nr }}"',
        ),
        "split_separator": Explanation(
            _("split can't split a text at this."),
            "\"{{ funktionen | split('') }}\"",
            _("Name a character, or write split alone."),
            '"{{ funktionen | split }}"',
        ),
        "text_too_long": Explanation(
            _("The text for a filter is too long to be worked on."),
            _("A cell holds a whole document."),
            _("Is the right column used? Shorten the cell in the source."),
        ),
    }
