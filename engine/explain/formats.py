"""Lists that are no csv: workbooks, JSON, databases, web addresses; and lists of columns."""

from __future__ import annotations

from engine.explain.base import Entries, Explanation
from engine.i18n import _


def entries() -> Entries:
    """The explanations, by code."""
    return _workbooks() | _documents() | _databases() | _addresses()


def _workbooks() -> Entries:
    return {
        "cell_error": Explanation(
            _("A cell of the workbook holds an error of its formula. The row is rejected where the cell is used."),
            "#N/A",
            _("Correct the formula in the workbook, then save it again."),
        ),
        "list_too_large": Explanation(
            _("The list is too large to be read safely: mostly something stands far off in an empty sheet."),
            _("A blank was typed into the last row of the sheet."),
            _("Copy the list into a new workbook, or export it as csv."),
        ),
        "no_workbook": Explanation(
            _("The file is no workbook, whatever its name says: many programs call a text file .xls."),
            "path: inbox/personal.xls",
            _("Say that it is a text file, or export it as a workbook."),
            "type: csv",
        ),
        "too_many_headings": Explanation(
            _("The records have so many different keys that they can't be people."),
            "rows: data",
            _("Name the way to the list itself, not to what stands above it."),
            "rows: data.members",
        ),
        "unclear_mark": Explanation(
            _("In a column of marks stands something that is no mark. The row is rejected."),
            _("In the column G_Zug 1 stands “perhaps”."),
            _("Write x or leave the cell empty, or count any text as a mark."),
            "columns:\n  gruppen: {heading: G_*, marked: filled}",
        ),
        "unknown_sheet": Explanation(
            _("The workbook has no sheet of this name or number. The file is refused."),
            "sheet: Aktiv",
            _("Write the name as the workbook shows it, or the number of the sheet from 1."),
            "sheet: Aktive",
        ),
        "workbook_locked": Explanation(
            _("The workbook is protected by a password and can't be read."),
            _("The workbook was saved with a password."),
            _("Save it without a password."),
        ),
    }


def _documents() -> Entries:
    return {
        "bad_json": Explanation(
            _("The file is no valid JSON, or was cut off. It is refused as a whole."),
            '[{"nr": 1}, {"nr": 2}',
            _("Export it again. The message names the place."),
            '[{"nr": 1}, {"nr": 2}]',
        ),
        "key_of_another_type": Explanation(
            _("A key of `source:` is for another type of source than this one."),
            "source: {type: csv, path: inbox/a.csv, sheet: Aktive}",
            _("Remove the key, or set `type:` to what the list is."),
            "source: {type: excel, path: inbox/a.xlsx, sheet: Aktive}",
        ),
        "no_record": Explanation(
            _("An entry of the list is no person with keys and values. It is rejected."),
            '[{"nr": 1}, "x"]',
            _("Name the way to the list of persons with `rows:`."),
            "rows: data",
        ),
        "rows_not_found": Explanation(
            _("In the document there is no list where `rows:` says it is."),
            "rows: dta",
            _("Write the way to the list, its keys joined by dots."),
            "rows: data",
        ),
    }


def _databases() -> Entries:
    return {
        "bad_database_url": Explanation(
            _("The address of the database can't be understood, or its file does not exist."),
            "url: verein.db",
            _("Write it as SQLAlchemy does; one with a password best as !secret."),
            "url: sqlite:///verein.db",
        ),
        "database_driver_missing": Explanation(
            _("The library for this kind of database is not installed."),
            "url: mysql+pymysql://…",
            _("Install it beside abgleich."),
            "pip install pymysql",
        ),
        "database_failed": Explanation(
            _("The database was not reached or broke off. Nothing was written; the engine tries again by itself."),
            _("The server is switched off."),
            _("Is the server running, are user and password right? Then run again."),
        ),
        "query_failed": Explanation(
            _("The database does not accept the query."),
            "query: select nr from mitglider",
            _("Try the query in a program for databases, then correct it in the mapping."),
            "query: select nr from mitglieder",
        ),
        "query_not_read_only": Explanation(
            _("The query is no single select. Nothing that could change the database is ever sent to it."),
            "query: delete from mitglieder",
            _("Write one select that gives the rows."),
            "query: select nr, vorname, nachname from mitglieder",
        ),
    }


def _addresses() -> Entries:
    return {
        "bad_address": Explanation(
            _("The address of the source is no web address."),
            "url: verein.example.org",
            _("Write it in full."),
            "url: https://verein.example.org/api/members",
        ),
        "bad_header": Explanation(
            _("A name or value under `headers:` can't be sent as a header of a request."),
            "headers: {Mein Token: abc}",
            _("Write the header's name as the server's documentation does."),
            "headers: {Authorization: !secret token}",
        ),
        "bad_next_link": Explanation(
            _("Where `next:` points to, the document has no address of a next page."),
            "next: links",
            _("Name the place of the address itself."),
            "next: links.next",
        ),
        "http_not_a_list": Explanation(
            _("The server answers with a page for people: mostly a login or a proxy."),
            "url: https://verein.example.org/login",
            _("Check address and token."),
            "headers: {Authorization: !secret token}",
        ),
        "http_status": Explanation(
            _("The server refuses to give the list. Nothing was written."),
            _("The server answers with the error 401."),
            _("Check address and token; the message says which of both is likely."),
        ),
        "more_pages": Explanation(
            _("The server gives its list in pages, and this is only the first. A part is never taken for the whole."),
            "source: {type: http, url: https://verein.example.org/api/members}",
            _("Say where the address of the next page stands, or how pages are counted."),
            "next: links.next",
        ),
        "next_page_elsewhere": Explanation(
            _("The next page is on another server. The headers may hold secrets, so it is not asked."),
            '"next": "https://other.example.org/page/2"',
            _("Ask those who run the server for links on itself."),
        ),
        "pages_not_possible": Explanation(
            _("The list comes in pages in a form whose pages can't be joined."),
            "format: csv",
            _("Ask the server for all rows at once, or for json."),
            "format: json",
        ),
        "pages_without_end": Explanation(
            _("The server gives the same page again and again."),
            "page: p",
            _("See the server's documentation for the name of the parameter that counts pages."),
            "page: page",
        ),
        "source_unreachable": Explanation(
            _("The server of the list was not reached. Nothing was written; the engine tries again by itself."),
            _("The server is switched off."),
            _("Check address and network, then run again."),
        ),
    }
