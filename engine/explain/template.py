"""Templates: what is wrong with them, and what fails for one row."""

from __future__ import annotations

from engine.explain.base import Entries, Explanation
from engine.explain.filters import filters
from engine.i18n import _


def entries() -> Entries:
    """The explanations, by code."""
    return {
        "condition_always_true": Explanation(
            _("A condition is true for every row, so everybody takes part. It can't be meant so."),
            "where: \"{{ status == 'aktiv' or 'Jugend' }}\"",
            _("Write a question on both sides, between one pair of braces."),
            "where: \"{{ status in ['aktiv', 'Jugend'] }}\"",
        ),
        "condition_never_true": Explanation(
            _("A condition is true for no row, so nobody takes part."),
            "where: \"{{ zug == '1. Zug' and zug == '2. Zug' }}\"",
            _("Ask whether it is one of them."),
            "where: \"{{ zug in ['1. Zug', '2. Zug'] }}\"",
        ),
        "condition_without_braces": Explanation(
            _("A condition is written without braces. It would be a fixed text, and so true for everybody."),
            "where: status == 'aktiv'",
            _("Put it in quotes and double braces."),
            "where: \"{{ status == 'aktiv' }}\"",
        ),
        "constant_is_name": Explanation(
            _(
                "A field has a fixed word that is also the name of a column or its heading: every "
                "person would get this word."
            ),
            "firstName: vorname",
            _("Write the name in double braces and quotes."),
            'firstName: "{{ vorname }}"',
        ),
        "division_by_zero": Explanation(
            _("A template divides by zero for this row."),
            '"{{ 100 / anzahl | int }}"',
            _("Ask before dividing."),
            '"{{ 100 / (anzahl | int) if anzahl | int else 0 }}"',
        ),
        "forbidden": Explanation(
            _("A template tries something that templates may not do, such as reaching into the program."),
            '"{{ vorname.__class__ }}"',
            _("Use the filters that the documentation names."),
        ),
        "forbidden_name": Explanation(
            _("A template sets a name that it needs itself."),
            "{% set __x = 1 %}",
            _("Choose another name."),
            "{% set x = 1 %}",
        ),
        "forbidden_statement": Explanation(
            _("A template uses a statement that is not available here, such as include."),
            "{% include 'x' %}",
            _("Every template stands for itself; share values through variables."),
            'variables:\n  mobil: "{{ handy | phone }}"',
        ),
        "function_where_text": Explanation(
            _("A function stands where a text belongs: its brackets are missing."),
            '"{{ today }}"',
            _("Write the brackets, too."),
            '"{{ today() }}"',
        ),
        "heading_as_name": Explanation(
            _("In a template stands a heading with blanks, dots or hyphens; templates know names only."),
            '"{{ E-Mail privat }}"',
            _(
                "Write the name that the column has under columns; give it one there if it has none. Without columns, "
                "write row with the heading in quotes."
            ),
            '"{{ email }}"\n"{{ row[\'E-Mail privat\'] }}"',
        ),
        "not_a_list": Explanation(
            _("A field takes a list of names, and an element of it is no text."),
            "alarmGroups: \"{{ [['Zug 1', 'Zug 2']] }}\"",
            _("Give one list of texts."),
            "alarmGroups: \"{{ ['Zug 1', 'Zug 2'] }}\"",
        ),
        "not_a_number": Explanation(
            _("A field takes a whole number, and this is none."), "State: eins", _("Write digits only."), "State: 1"
        ),
        "not_a_text": Explanation(
            _("A value holds a broken character that can't be written."),
            _("A cell was cut off in the middle of an emoji."),
            _("Correct the cell in the source."),
        ),
        "not_in_table": Explanation(
            _("A value is met that the look-up table does not have. The row is rejected unless a default is given."),
            "alarmGroups: \"{{ zug | lookup('alarmgruppen') }}\"",
            _("Add the value to the table, or give a default."),
            "alarmGroups: \"{{ zug | lookup('alarmgruppen', default=[]) }}\"",
        ),
        "number_too_long": Explanation(
            _("A number in a template has too many digits to compute with."),
            _("A number with thousands of digits."),
            _("Write numbers that are texts in quotes."),
        ),
        "result_too_long": Explanation(
            _("The result of a template is longer than 64 KiB."),
            '"{{ bemerkung * 1000 }}"',
            _("Make the result shorter."),
        ),
        "runs_away": Explanation(
            _("A template would compute without end, or its result would grow beyond all bounds."),
            '"{{ 9 ** 9999999 }}"',
            _("Use smaller numbers and simpler loops."),
        ),
        "single_braces": Explanation(
            _("A name stands in single braces: every person would get this text itself."),
            'firstName: "{vorname}"',
            _("Write two braces on each side."),
            'firstName: "{{ vorname }}"',
        ),
        "template_failed": Explanation(
            _("A template could not be computed for this row, for example because text and numbers are mixed."),
            '"{{ nr + 1 }}"',
            _("Make texts numbers with int, and join texts with ~."),
            '"{{ nr | int + 1 }}"',
        ),
        "template_syntax": Explanation(
            _(
                "A template can't be read: brackets or quotes do not fit, a word is left over, or it is none that "
                "templates know: they say and, or, not, if, else, in, == and !=."
            ),
            "\"{{ vorname wenn status = 'aktiv' sonst '' }}\"",
            _("Compare the brackets and quotes, and write the words that the message names."),
            "\"{{ vorname if status == 'aktiv' else '' }}\"",
        ),
        "template_too_deep": Explanation(
            _("A template has too many brackets inside of each other, or too many operators in one place."),
            '"{{ a ~ b ~ c ~ d ~ … }}"',
            _("Split it up with variables."),
        ),
        "template_too_long": Explanation(
            _("A template is longer than 64 KiB."),
            _("A long table was written into a template."),
            _("Put look-up values under tables and use lookup."),
            "\"{{ zug | lookup('alarmgruppen') }}\"",
        ),
        "tuple": Explanation(
            _("A comma between two names makes a pair, and no field takes a pair."),
            'lastName: "{{ nachname, vorname }}"',
            _("Give each name its own braces; the comma stands between them."),
            'lastName: "{{ nachname }}, {{ vorname }}"',
        ),
        "typographic_quotes": Explanation(
            _("Around a template stand typographic quotes. YAML does not know them: they would be sent along."),
            "firstName: „{{ vorname }}“",
            _("Write straight quotes. Word processors make curved ones; use an editor for plain text."),
            'firstName: "{{ vorname }}"',
        ),
        "unknown_filter": Explanation(
            _("Behind the bar stands a filter or a test that does not exist."),
            '"{{ handy | fone }}"',
            _("Write the filter that the message suggests; these are there."),
            '"{{ handy | phone }}"\n' + "\n".join(f"{name}: {what}" for name, what in filters().items()),
        ),
        "unknown_name": Explanation(
            _(
                "A template uses a name that is no column and no variable, or one that is not "
                "computed yet in this place."
            ),
            'firstName: "{{ vornahme }}"',
            _("Write the name that stands under columns or variables."),
            'firstName: "{{ vorname }}"',
        ),
        "unknown_table": Explanation(
            _("lookup names a table that the mapping does not have."),
            "\"{{ zug | lookup('alarmgruppe') }}\"",
            _("Write the name that stands under tables."),
            "\"{{ zug | lookup('alarmgruppen') }}\"",
        ),
        "wrong_arguments": Explanation(
            _("A filter or a function is given something in its brackets that it does not take."),
            "\"{{ email | email(default='') }}\"",
            _("Write in the brackets what the message shows, or nothing."),
            '"{{ email | email }}"',
        ),
    }
