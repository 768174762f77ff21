"""The list as a whole: its file, its headings, its encoding."""

from __future__ import annotations

from engine.explain.base import Entries, Explanation
from engine.i18n import _


def entries() -> Entries:
    """The explanations, by code."""
    return {
        "bad_delimiter": Explanation(
            _("The delimiter is not one sign."),
            'delimiter: ";;"',
            _("Write one sign, or leave delimiter out: it is found out."),
            'delimiter: ";"',
        ),
        "bad_quote": Explanation(
            _("The sign around cells can't be used."),
            'quote: ";"',
            _("Write one sign, nothing for a file without quotes, or leave quote out."),
            'quote: ""',
        ),
        "bad_quoting": Explanation(
            _("In a row a cell in quotes goes on behind its closing quote. The row is rejected."),
            '1042;"Max" Muster;aktiv',
            _("Inside a quoted cell a quote is written twice; best the exporting program does it."),
            '1042;"Max ""Muster""";aktiv',
        ),
        "binary_file": Explanation(
            _("The file is no text, for example a workbook that was renamed."),
            _("personal.xlsx was renamed to personal.csv."),
            _("Export it as csv."),
        ),
        "cut_off_file": Explanation(
            _(
                "The file ends in the middle of a row or cell: it was cut off. It is refused as a "
                "whole, since who stands in the missing part would be removed."
            ),
            "1042;Max;Muster\n1043;Eri",
            _("Export it again. If the last row is a footer, say so with skip_footer."),
            "skip_footer: 1",
        ),
        "double_heading": Explanation(
            _("A heading that the mapping uses stands twice in the file."),
            "Nr;Telefon;Telefon",
            _("Rename one of the columns in the exporting program."),
            "Nr;Telefon privat;Telefon dienstlich",
        ),
        "file_busy": Explanation(
            _("The file is still being written, or another program holds it open. It is looked at again by itself."),
            _("The list is open in a spreadsheet program."),
            _("Close it there, or wait for the export to end."),
        ),
        "file_changed": Explanation(
            _("The file changed while it was read. Nothing of it was used."),
            _("An export writes for longer than the source rests."),
            _("Run again, or make settle longer."),
            "settle: 30s",
        ),
        "line_too_long": Explanation(
            _("A line or cell goes on without end: mostly a quote is opened and never closed."),
            '1042;"Max;Muster',
            _("Look for a quote too many; where a file has none, say so."),
            'quote: ""',
        ),
        "min_rows": Explanation(
            _("The file has fewer rows than min_rows expects. It is refused, since a short list would remove people."),
            _("A filter was left on when the list was exported."),
            _("Export the whole list. If it really is so short, lower min_rows."),
            "expect: {min_rows: 5}",
        ),
        "missing_heading": Explanation(
            _("A heading that `columns` names is not in the file. The file is refused."),
            "columns:\n  email: E-Mail privat",
            _("Correct the heading, or say that the column may be missing."),
            "columns:\n  email: {heading: E-Mail privat, optional: true}",
        ),
        "mixed_encoding": Explanation(
            _("Some lines of the file are written in another encoding than the others."),
            _("Two exports were pasted together."),
            _("Export the file again in one go, or name the encoding."),
            "encoding: cp1252",
        ),
        "no_file": Explanation(
            _("No file matches the path of the source."),
            "path: inbox/personal*.csv",
            _("Put the list there, or name a file by hand."),
            "abgleich run personal D:\\Export\\personal.csv",
        ),
        "no_header": Explanation(
            _("There is no row of headings where it should be."),
            "header_row: 99",
            _("Write the line of the headings, counted from 1, or leave header_row out."),
            "header_row: 11",
        ),
        "no_rows": Explanation(
            _("The file holds no person. An empty list would remove everybody, so it is never sent."),
            "Personalnummer;Vorname;Nachname",
            _("Export the file again."),
        ),
        "other_headings": Explanation(
            _("Several files make one list, and they have different headings."),
            "combine: all",
            _("Name the columns, or export all files in the same way."),
            "columns: {nr: Personalnummer}",
        ),
        "unreadable_file": Explanation(
            _("The list can't be opened."),
            _("The path names a folder, or the file is gone again."),
            _("Check the path and the permissions."),
        ),
        "wrong_encoding": Explanation(
            _("The file is not written in the encoding that the mapping names."),
            "encoding: utf-8",
            _("Leave encoding out: it is found out."),
        ),
        "repeated_headings": Explanation(
            _(
                "A row in the middle of the list holds the headings once more, as some programs write them on every "
                "page. It is rejected: it is no person."
            ),
            "Nr;Vorname;Nachname\n1042;Max;Muster\nNr;Vorname;Nachname\n1043;Anna;Beispiel",
            _("Export the list without page breaks, or leave such rows out."),
            "where: \"{{ nr != 'Nr' }}\"",
        ),
        "wrong_number_of_cells": Explanation(
            _(
                "A row has more or fewer cells than the header. It is rejected, since its values may "
                "stand in the wrong columns."
            ),
            "Nr;Vorname;Nachname\n1042;Max;von;Muster",
            _("Put a cell that holds the delimiter in quotes."),
            '1042;Max;"von;Muster"',
        ),
    }
