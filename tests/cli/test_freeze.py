"""`test --freeze`: a test made of a real row in which nobody real is left."""

from __future__ import annotations

import datetime
import re
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.config.append import appended
from engine.config.load import load
from engine.config.yaml import outline
from engine.problems import ProblemError
from engine.sync.freeze import WORDS, freeze, write
from engine.sync.trials import run_tests
from tests.world import PERSONAL, World, people, person

MAPPING = """\
# Ein Mapping mit Kommentaren.
source:
  path: inbox/personal*.csv
  settle: 0s
  key: nr
  columns:
    nr: Personalnummer
    vorname: Vorname
    nachname: Nachname
    status: Status          # wer mitmacht
    zug: Zug
    strasse: Straße
    plz: PLZ
    ort: Ort
    geboren: Geburtsdatum
    hinweis: Hinweis
    handy: [Mobil privat, Telefon]
    email: E-Mail privat
  where: "{{ status == 'aktiv' }}"
variables:
  mobil: "{{ handy | phone(default='') }}"
tables:
  gruppen:
    1. Zug: [Alarm Zug 1]
    2. Zug: [Alarm Zug 2, Alarm Nacht]
actions:
  - action: fe2.sync
    connection: fe2
    fields:
      externalDbId: "{{ nr }}"
      firstName: "{{ vorname }}"
      lastName: "{{ nachname | upper }}"
      note: "{{ hinweis }} {{ geboren }} {{ strasse }}, {{ plz }} {{ ort }}"
      alarmGroups: "{{ zug | lookup('gruppen') }}"
      email: "{{ email | lower }}"
      mobil: "{{ mobil }}"
"""
HEADINGS = ["Personalnummer", "Vorname", "Nachname", "Status", "Zug", "Straße", "PLZ", "Ort", "Geburtsdatum", "Hinweis"]
HEADINGS += ["Mobil privat", "Telefon", "E-Mail privat"]
MAX = {
    "Personalnummer": "0042",
    "Vorname": "Jörg",
    "Nachname": "Groß-Müller",
    "Status": "aktiv",
    "Zug": "2. Zug",
    "Straße": "Am Löschteich 17",
    "PLZ": "01234",
    "Ort": "Neustadt",
    "Geburtsdatum": "16.11.1984",
    "Hinweis": "Wohnt neben Familie Weber",
    "Mobil privat": "0151-5550142",
    "Telefon": "",
    "E-Mail privat": "joerg.gross-mueller@example.com",
}


def frozen(world: World, *words: str) -> dict[str, Any]:
    result = world("test", "personal", "--freeze", *words)
    assert result.code == 0, result.out
    return result.json


def test_a_real_row_becomes_a_test_with_an_invented_person(world: World) -> None:
    path = world.mapping(MAPPING)
    before = path.read_text("utf-8")
    world.drop([MAX])
    made = frozen(world, "0042")
    after = path.read_text("utf-8")
    assert after.startswith(before)
    row, expect = made["test"]["row"], made["test"]["expect"]["fe2.sync"]
    assert (row["Status"], row["Zug"]) == ("aktiv", "2. Zug")
    assert made["kept"] == {"Status": "aktiv", "Zug": "2. Zug"}
    assert expect["alarmGroups"] == ["Alarm Zug 2", "Alarm Nacht"]
    assert re.fullmatch("00[1-9][0-9]", row["Personalnummer"])
    assert expect["externalDbId"] == row["Personalnummer"]
    assert expect["lastName"] == row["Nachname"].upper()
    assert re.fullmatch(r"015\d-\d{7}", row["Mobil privat"])
    assert re.fullmatch(r"0049\d{10}", expect["mobil"])
    assert row["E-Mail privat"].endswith("@example.org")
    for heading, value in MAX.items():
        if value and heading not in made["kept"]:
            assert value.casefold() not in after[len(before) :].casefold()
    for word in ("Löschteich", "Weber", "Neustadt", "Müller", "mueller"):
        assert word.casefold() not in after[len(before) :].casefold()
    assert world("test").json["passed"] == 1
    assert world("check").json["ok"]
    assert after.splitlines()[made["line"] - 1].strip() == f"- name: {made['test']['name']}"


def test_what_was_written_is_shown_with_a_warning(world: World) -> None:
    world.mapping(MAPPING)
    world.drop([MAX])
    said = world("test", "personal", "--freeze", "0042", as_json=False)
    assert said.code == 0
    assert "mappings/personal.yaml, line" in said.out
    assert "      externalDbId: 00" in "\n" + said.out
    assert "Read it before you pass it on or commit it" in said.out
    assert "Status: aktiv" in said.out


def test_tests_that_are_there_stay_and_are_added_to(world: World) -> None:
    old = (
        MAPPING
        + "tests:\n- name: von Hand   # bleibt\n  row: {Personalnummer: 7, Status: weg}\n  expect: {fe2.sync: null}\n"
    )
    path = world.mapping(old)
    world.drop([MAX, MAX | {"Personalnummer": "0043", "Status": "ausgetreten"}])
    frozen(world, "0042")
    second = frozen(world, "0043")
    assert second["test"]["expect"] == {"fe2.sync": None}
    assert path.read_text("utf-8").startswith(old)
    assert [test["name"] for test in world("test").json["tests"]] == [
        "von Hand",
        "frozen example 1",
        "frozen example 2",
    ]
    assert world("test").json["ok"]


def test_tests_in_the_middle_of_a_file_are_added_to_where_they_stand(world: World) -> None:
    tests = "tests:\n  - name: eins\n    row: {Personalnummer: 7}\n    expect: {fe2.sync: null}\n"
    path = world.mapping(f"{tests}\n# Jetzt kommt die Quelle.\n{MAPPING}")
    world.drop([MAX])
    frozen(world, "0042")
    text = path.read_text("utf-8")
    assert text.index("frozen example") < text.index("# Jetzt kommt die Quelle.")
    assert text.endswith(MAPPING)
    assert world("test").json["passed"] == 2


@pytest.mark.parametrize("empty", ["tests:", "tests: []   # noch keine", "tests: ~"])
def test_an_empty_list_of_tests_gets_its_first(world: World, empty: str) -> None:
    path = world.mapping(f"{MAPPING}{empty}\n")
    world.drop([MAX])
    frozen(world, "0042")
    assert world("test").json["passed"] == 1
    assert ("# noch keine" in path.read_text("utf-8")) == ("# noch keine" in empty)


def test_windows_line_ends_and_a_bom_stay(world: World) -> None:
    path = world.mapping(MAPPING)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    world.drop([MAX])
    frozen(world, "0042")
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf#")
    assert data.count(b"\n") == data.count(b"\r\n")
    assert world("test").json["passed"] == 1


def test_tests_in_brackets_are_left_alone_and_the_test_is_shown(world: World) -> None:
    tests = "tests: [{name: eins, row: {Personalnummer: 7}, expect: {fe2.sync: null}}]\n"
    path = world.mapping(MAPPING + tests)
    before = path.read_bytes()
    world.drop([MAX])
    result = world("test", "personal", "--freeze", "0042")
    assert (result.code, result.codes) == (1, ["tests_elsewhere"])
    assert "- name: frozen example 1" in result.problem("tests_elsewhere")["hint"]
    assert path.read_bytes() == before


def test_a_row_that_is_rejected_makes_no_test(world: World) -> None:
    path = world.mapping(MAPPING)
    before = path.read_bytes()
    world.drop([MAX | {"Zug": "3. Zug"}])
    result = world("test", "personal", "--freeze", "0042")
    assert (result.code, result.codes) == (1, ["row_not_frozen"])
    assert path.read_bytes() == before


def test_an_unknown_key_gets_the_one_that_was_meant(world: World) -> None:
    world.mapping(MAPPING)
    world.drop([MAX])
    result = world("test", "personal", "--freeze", "42")
    assert (result.code, result.problem("key_not_found")["hint"]) == (1, "Did you mean 0042?")


def test_another_list_may_be_named(world: World, tmp_path: Path) -> None:
    world.mapping(MAPPING)
    lines = [";".join(MAX), ";".join(MAX.values())]
    (tmp_path / "andere.csv").write_text("\n".join(lines) + "\n", "utf-8")
    result = world("test", "personal", str(tmp_path / "andere.csv"), "--freeze", "0042")
    assert result.code == 0, result.out


def test_without_columns_only_what_the_mapping_reads_is_written(world: World) -> None:
    world.mapping(PERSONAL)
    rows = [row | {"iban": "DE02120300000000202051"} for row in people(3)]
    world.drop(rows)
    made = frozen(world, "2")
    assert set(made["test"]["row"]) == {"nr", "vorname", "nachname", "status", "zug", "email"}
    assert "DE0212" not in (world.root / "mappings" / "personal.yaml").read_text("utf-8")
    assert world("test").json["ok"]


def test_groups_that_others_have_too_stay_and_what_only_one_has_does_not(world: World) -> None:
    text = PERSONAL.replace("      mobil:", '      osFunctions: "{{ funktionen }}"\n      mobil:')
    world.mapping(text)
    rows = [person(1, funktionen="AGT, Sonderling"), person(2, funktionen="AGT"), person(3, funktionen="")]
    world.drop(rows)
    functions = frozen(world, "1")["test"]["row"]["funktionen"]
    assert functions.startswith("AGT, ")
    assert "Sonderling" not in functions


# -- nobody real is left, whoever they are -----------------------------------------------------------------------------

name = st.from_regex(r"[A-ZÄÖÜ][a-zäöüß]{3,9}(?:-[A-Z][a-z]{3,8})?", fullmatch=True)
number = st.from_regex(r"0{0,2}[1-9][0-9]{3,6}", fullmatch=True)
mobile = st.from_regex(r"(?:0|\+49 |0049 )1[567][0-9][ /-]?[1-9][0-9]{6,7}", fullmatch=True)
street = st.from_regex(r"[A-ZÄÖÜ][a-zäöü]{4,9}(?:straße|weg| Allee) [1-9][0-9]{1,2}[a-f]?", fullmatch=True)
date = st.dates(min_value=datetime.date(1900, 1, 1)).map(lambda day: f"{day:%d.%m.%Y}")
note = st.text(st.characters(categories=("L", "Nd", "P", "Zs")), min_size=4, max_size=30).map(str.strip)
persons = st.fixed_dictionaries(
    {
        "Personalnummer": number,
        "Vorname": name,
        "Nachname": name,
        "Straße": street,
        "PLZ": st.from_regex(r"[0-9]{5}", fullmatch=True),
        "Ort": name,
        "Geburtsdatum": date,
        "Hinweis": note,
        "Mobil privat": mobile,
        "E-Mail privat": st.builds("{}.{}@{}.de".format, name, name, name),
    }
)
HEAD = "language: en\nconnections:\n  fe2: {type: fe2, url: http://a, access_key: schluessel-4711}\n"


@settings(max_examples=40, deadline=None)
@given(persons, persons, st.sampled_from(["1. Zug", "2. Zug"]), st.integers())
def test_no_value_of_the_person_is_in_the_written_file(
    real: dict[str, str], other: dict[str, str], group: str, seed: int
) -> None:
    # Ja and nein are nobody's own.
    said = [value.casefold() for value in real.values() if re.search(r"\w{2}", value) and value.casefold() not in WORDS]
    assume(not any(value in (MAPPING + "frozen example row expect tests null").casefold() for value in said))
    assume(real["Personalnummer"] != other["Personalnummer"])
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "mappings").mkdir()
        (root / "mappings" / "configuration.yaml").write_text(HEAD, "utf-8")
        path = root / "mappings" / "personal.yaml"
        path.write_text(MAPPING, "utf-8")
        rows = [one | {"Status": "aktiv", "Zug": group, "Telefon": ""} for one in (real, other)]
        lines = [HEADINGS, *([row[heading] for heading in HEADINGS] for row in rows)]
        text = "\n".join(";".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in line) for line in lines)
        (root / "personal.csv").write_text(text + "\n", "utf-8")
        project = load(root)
        try:
            made = freeze(
                project, project.mappings["personal"], root / "personal.csv", real["Personalnummer"], Random(seed)
            )
        except ProblemError as error:
            assert [problem.code for problem in error.problems] == ["row_not_frozen"]
            return
        write(project.mappings["personal"], made)
        after = path.read_text("utf-8")
        assert after.startswith(MAPPING)
        assert [value for value in said if value in after[len(MAPPING) :].casefold()] == []
        again = load(root)
        assert [test["differences"] for test in run_tests(again, again.mappings["personal"])] == [[]]


blank = st.sampled_from(["", "   ", "# Kommentar", "  # eingerückt"])
top = st.sampled_from(["a: 1", "b: [x, y]", "c:\n  - 1\n  - 2", "d: |\n  Text\n  # kein Kommentar", "e: {f: g}"])
own = st.sampled_from(
    ["tests:", "tests: []", "tests:\n- a", "tests:\n  - a\n  - b: |\n      x\n      # y", "tests:\n    - a"]
)


@given(
    st.lists(st.one_of(blank, top), max_size=5),
    st.one_of(st.just(""), own),
    st.lists(st.one_of(blank, top), max_size=5),
)
def test_an_entry_is_put_at_the_end_of_a_list_and_nothing_else_changes(
    before: list[str], tests: str, after: list[str]
) -> None:
    keys = re.findall(r"^(\w):", "\n".join([*before, *after]), re.MULTILINE)
    assume(len(keys) == len(set(keys)))
    text = "\n".join([*before, *([tests] if tests else []), *after]) + "\n"
    old = outline(text) or {}
    good = []
    for made, line in appended(text, "tests", ["- name: neu", "  row: {}"]):
        new = outline(made)
        if new["tests"] == [*(old.get("tests") or []), {"name": "neu", "row": {}}]:
            rest = {key: value for key, value in new.items() if key != "tests"}
            if rest == {key: value for key, value in old.items() if key != "tests"}:
                good.append(made.splitlines()[line - 1])
    assert good
    assert good[0].strip() == "- name: neu"
