"""What the columns of unknown lists are: headings as real programs write them, people invented."""

from __future__ import annotations

import pytest

from engine.sync.headings import Facts, Guess, guess, guess_key, in_order, is_footer


def facts(*values: str) -> Facts:
    made = Facts()
    for value in values:
        made.take(value)
    return made


@pytest.mark.parametrize(
    ("heading", "role", "place"),
    [
        # MP-FEUER
        ("Pers.-Nr.", "key", ""),
        ("Vorname", "first", ""),
        ("Nachname", "last", ""),
        ("E-Mail privat", "mail", "private"),
        ("Kurzbezeich.", "functions", ""),
        # FOX112
        ("PERSONAL_NR", "key", ""),
        ("NACHNAME", "last", ""),
        ("TEL_P", "phone", "private"),
        ("TEL_D", "phone", "work"),
        ("MOBIL_P", "mobile", "private"),
        ("MOBIL_D", "mobile", "work"),
        ("EMAIL_D", "mail", "work"),
        ("ABTEILUNG", "groups", ""),
        # FeuerON
        ("Personalnummer", "key", ""),
        ("Mobil dienstlich", "mobile", "work"),
        # HiOrg-Server
        ("handy", "mobile", ""),
        ("telpriv", "phone", "private"),
        ("gruppen_namen", "groups", ""),
        # Feuersoftware Connect
        ("FirstName", "first", ""),
        ("LastName", "last", ""),
        ("EMail", "mail", ""),
        ("PhoneNumber", "phone", ""),
        ("PagerIssi", "issi", ""),
        # FE2's own
        ("aPagerPro", "pager", ""),
        # and as people write them
        ("Straße", "street", ""),
        ("PLZ", "zip", ""),
        ("Handy-Nr.", "mobile", ""),
        ("Telefon (geschäftlich)", "phone", "work"),
        ("Austritt am", "left", ""),
        ("Mitgliedsnummer", "key", ""),
    ],
)
def test_a_heading_says_what_its_column_is(heading: str, role: str, place: str) -> None:
    found = guess(heading)
    assert found is not None
    assert (found.role, found.place, found.sure) == (role, place, True)


@pytest.mark.parametrize(
    ("heading", "role"), [("Vornahme", "first"), ("Personalnumer", "key"), ("attributes.vorname", "first")]
)
def test_a_near_heading_is_guessed_and_unsure(heading: str, role: str) -> None:
    found = guess(heading)
    assert found is not None
    assert (found.role, found.sure) == (role, False)


@pytest.mark.parametrize(
    "heading", ["IBAN", "Telefon Mutter", "Notfallkontakt Telefon", "Bankverbindung", "Name der Bank", "Fax", "", "???"]
)
def test_other_peoples_numbers_and_bank_data_are_nobodys(heading: str) -> None:
    assert guess(heading, facts("030 1234567", "030 1234568")) is None


def test_cells_tell_what_a_heading_does_not() -> None:
    assert guess("Kontakt", facts("a@example.org", "b@example.org", "")) == Guess("Kontakt", "mail", False)
    assert guess("Spalte 7", facts("0151 5550101", "+49 30 1234567")) == Guess("Spalte 7", "phone", False)
    assert guess("Spalte 7", facts("blau", "rot")) is None


def test_dates_are_no_telephone_numbers() -> None:
    assert guess("Eintritt", facts("01.02.2001", "03.04.2011")) is None


def test_a_sum_at_the_end_is_no_person() -> None:
    assert is_footer(["Summe", "", "4", "", ""])
    assert is_footer(["", "Anzahl: 12", "", ""])
    assert not is_footer(["1001", "Summer", "Max", ""])
    assert not is_footer(["Ende", "Max"])


def test_mobile_comes_before_landline_and_private_before_work() -> None:
    headings = ["TEL_D", "TEL_P", "MOBIL_D", "MOBIL_P", "Handy"]
    found = [one for heading in headings if (one := guess(heading)) is not None]
    assert [one.heading for one in in_order(found, "mobile", "phone")] == [
        "MOBIL_P",
        "Handy",
        "MOBIL_D",
        "TEL_P",
        "TEL_D",
    ]


def key_of(columns: dict[str, list[str]]) -> tuple[str, str]:
    known = {heading: facts(*values) for heading, values in columns.items()}
    guesses = [one for heading in columns if (one := guess(heading, known[heading])) is not None]
    found = guess_key(list(columns), known, guesses)
    return found.heading, found.doubt


def test_the_key_is_unique_never_empty_and_called_so() -> None:
    assert key_of({"Vorname": ["A", "B"], "Pers.-Nr.": ["7", "8"], "PLZ": ["1", "2"]}) == ("Pers.-Nr.", "")
    assert key_of({"ID": ["1", "2"], "Personalnummer": ["7", "8"]}) == ("Personalnummer", "")
    assert key_of({"ID": ["1", "2"], "Personalnummer": ["7", ""]}) == ("ID", "")


def test_a_doubtful_key_says_why() -> None:
    assert key_of({"Pers.-Nr.": ["7", "7", "8"], "Prüfung": ["G26", "G41", "G26"]}) == ("Pers.-Nr.", "repeated")
    assert key_of({"Pers.-Nr.": ["7", "", "8"], "Vorname": ["A", "B", "A"]}) == ("Pers.-Nr.", "empty")
    assert key_of({"Zeichen": ["A7", "A8"], "Vorname": ["A", "B"]}) == ("Zeichen", "guessed")
    assert key_of({"Vorname": ["A", "A"], "Nachname": ["B", "B"]})[1] == "none"


def test_a_running_number_is_no_key() -> None:
    assert key_of({"lfd. Nr.": ["1", "2"], "Ausweis": ["77", "78"]}) == ("Ausweis", "guessed")


def test_yes_and_no_is_a_mark_but_no_consent() -> None:
    marks = facts("ja", "nein", "", "X")
    assert guess("AGT", marks) == Guess("AGT", "flag", False)
    assert guess("Newsletter", marks) is None
    assert guess("Aktiv", marks) == Guess("Aktiv", "status")
    assert guess("AGT", facts("nein", "")) is None
    assert guess("AGT", facts("ja", "2020")) is None


@pytest.mark.parametrize("heading", ["Abt.", "Abteilung", "Einheit", "Gruppe", "Löschzug", "Züge"])
def test_words_for_groups(heading: str) -> None:
    assert guess(heading) == Guess(heading, "groups")
