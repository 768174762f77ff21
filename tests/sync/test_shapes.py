"""The shapes of real exports: several rows a person, numbered headings, marked columns, titles and footers."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.source import lists
from tests.world import World

FILES = Path(__file__).parent.parent / "source" / "files"


def mapping(world: World, source: str, fields: str, more: str = "") -> None:
    """A mapping of this source with these fields beside the key."""
    text = "source:\n" + "".join(f"  {line}\n" for line in source.strip().splitlines())
    text += f"{more}actions:\n  - action: fe2.sync\n    connection: fe2\n    fields:\n"
    text += "".join(f"      {line}\n" for line in fields.strip().splitlines())
    world.mapping(text)


def preview(world: World) -> dict[str, dict[str, Any]]:
    """What FE2 would get, by key."""
    result = world("preview", "personal")
    assert not result.json.get("problems"), result.out
    return {row["key"]: row["actions"]["fe2.sync"] for row in result.json["rows"] if row["selected"]}


MP_FEUER = """
path: inbox/*.xls
skip_footer: 1
group_by: nr
key: nr
columns:
  nr: Pers.-Nr.
  vorname: Vorname
  nachname: Nachname
  pruefung: Kurzbezeich.
  datum: Datum
  bis: Gültig bis
  ok: OK
  anzeigen: bei EI anzeigen
"""


def test_several_rows_of_a_person_are_joined_and_only_valid_ones_count(world: World) -> None:
    mapping(
        world,
        MP_FEUER,
        'externalDbId: "{{ nr }}"\nlastName: "{{ nachname }}"\nalarmGroups: []\nosFunctions: "{{ gueltig }}"\n'
        "note: \"{{ rows | map(attribute='datum') | join(' ') }} {{ anzeigen }}\"",
        "variables:\n  gueltig: \"{{ rows | selectattr('ok', 'equalto', 'Ja') | selectattr('bis', 'valid')"
        " | map(attribute='pruefung') | list }}\"\n",
    )
    shutil.copy(FILES / "untersuchungen.xls", world.root / "inbox")
    made = preview(world)
    assert {key: person["osFunctions"] for key, person in made.items()} == {
        "1042": ["G26.3"],
        "1043": [],
        "1044": ["G25"],
    }
    assert made["1042"]["lastName"] == "Groß-Müller"
    assert made["1042"]["note"] == "01.03.2024 15.01.2025 true"


def test_single_rows_can_be_left_out_before_they_are_joined(world: World) -> None:
    mapping(
        world,
        MP_FEUER + 'where: "{{ ok | ja and bis is valid }}"',
        'externalDbId: "{{ nr }}"\nalarmGroups: []\n'
        "osFunctions: \"{{ rows | map(attribute='pruefung') | unique | list }}\"",
    )
    shutil.copy(FILES / "untersuchungen.xls", world.root / "inbox")
    assert {key: one["osFunctions"] for key, one in preview(world).items()} == {"1042": ["G26.3"], "1044": ["G25"]}


def test_only_the_columns_that_are_named_are_read(world: World) -> None:
    """FOX112: supporting members and bank data are in the same file."""
    heads = ("PERSONAL_NR", "NACHNAME", "VORNAME", "ABTEILUNG", "MOBIL_P", "EMAIL_P", "IBAN")
    rows = [
        (n, f"Nach{n}", f"Vor{n}", "Einsatz" if n < 20 else "Förderer", "", "", f"DE00{n:018}") for n in range(1, 30)
    ]
    lists.write_xlsx(world.root / "inbox" / "fox.xlsx", {"Personal": [heads, *rows]})
    mapping(
        world,
        "path: inbox/*.xlsx\nsettle: 0s\nkey: nr\nwhere: \"{{ abteilung == 'Einsatz' }}\"\n"
        "columns: {nr: PERSONAL_NR, name: NACHNAME, abteilung: ABTEILUNG}",
        'externalDbId: "{{ nr }}"\nlastName: "{{ name }}"\nalarmGroups: []',
    )
    result = world.run()
    assert result.json["source"] | {"sha256": ""} == {
        "file": "inbox/fox.xlsx", "sha256": "", "rows": 29, "selected": 19, "rejected": 0,
    }  # fmt: skip
    assert b"DE0000" not in world.state_bytes()


@pytest.mark.parametrize("header_row", ["", "header_row: 11\n"])
def test_a_header_in_row_eleven_is_found(world: World, header_row: str) -> None:
    """FeuerON, Erreichbarkeiten."""
    title = [["Erreichbarkeiten"], *[[] for _row in range(3)], *([f"Hinweis {n}"] for n in range(6))]
    heads = ("Name", "Vorname", "Personalnummer", "Mobil privat")
    lists.write_xlsx(world.root / "inbox" / "e.xlsx", {"Export": [*title, heads, ("Groß", "Jörg", 7, "0151 2000001")]})
    columns = "columns: {nr: Personalnummer, handy: Mobil privat}"
    mapping(
        world,
        f"path: inbox/*.xlsx\nkey: nr\n{header_row}{columns}",
        'externalDbId: "{{ nr }}"\nalarmGroups: []\nmobil: "{{ handy | phone }}"',
    )
    (row,) = world("preview", "personal").json["rows"]
    assert row["line"] == 12
    assert row["actions"]["fe2.sync"]["mobil"] == "00491512000001"


FEUERON = (
    "PV_PERSNR;PV_TELEP.1.TEL_ART;PV_TELEP.1.TELEPHON;PV_TELEP.2.TEL_ART;PV_TELEP.2.TELEPHON;"
    "PV_TELEP.10.TEL_ART;PV_TELEP.10.TELEPHON;PV_FUNKT.1.FUNKTION;PV_FUNKT.1.BIS;PV_FUNKT.2.FUNKTION;PV_FUNKT.2.BIS\n"
    "0042;privat;05151 12345;mobil;0151 2000001;;;AGT;31.12.2099;MA;31.12.2020\n"
    "0043;;;privat;05151 54321;mobil;0151 2000002;GF;;;\n"
)


def test_numbered_headings_are_a_list_of_records(world: World) -> None:
    world.drop_text(FEUERON)
    mapping(
        world,
        "path: inbox/personal.csv\nkey: nr\ncolumns:\n  nr: PV_PERSNR\n"
        "  telefone: {each: {art: PV_TELEP.*.TEL_ART, nummer: PV_TELEP.*.TELEPHON}}\n"
        "  funktionen: {each: {name: PV_FUNKT.*.FUNKTION, bis: PV_FUNKT.*.BIS}}",
        'externalDbId: "{{ nr }}"\nalarmGroups: []\n'
        "mobil: \"{{ telefone | selectattr('art', 'equalto', 'mobil') | map(attribute='nummer') | first | phone }}\"\n"
        "osFunctions: \"{{ funktionen | selectattr('bis', 'valid', empty=true) | map(attribute='name') | list }}\"",
    )
    made = preview(world)
    assert {key: person["mobil"] for key, person in made.items()} == {
        "0042": "00491512000001",
        "0043": "00491512000002",
    }
    assert {key: person["osFunctions"] for key, person in made.items()} == {"0042": ["AGT"], "0043": ["GF"]}


def test_two_numbered_columns_stay_side_by_side(world: World) -> None:
    world.drop_text(FEUERON)
    mapping(
        world,
        "path: inbox/personal.csv\nkey: nr\ncolumns:\n  nr: PV_PERSNR\n  arten: PV_TELEP.*.TEL_ART\n"
        "  nummern: PV_TELEP.*.TELEPHON",
        'externalDbId: "{{ nr }}"\nalarmGroups: []\nosFunctions: "{{ nummern }}"\n'
        'note: "{% for nummer in nummern %}{{ loop.index }}:{{ arten[loop.index0] }}={{ nummer }} {% endfor %}"',
    )
    made = preview(world)
    assert made["0043"]["note"] == "1:= 2:privat=05151 54321 3:mobil=0151 2000002", "in the order of the numbers"
    assert made["0043"]["osFunctions"] == ["05151 54321", "0151 2000002"]


def test_marked_columns_are_the_list_of_their_names(world: World) -> None:
    """FE2's own CSV."""
    world.drop_text("Nr;Nachname;G_Zug 1;G_Zug 2;F_AGT;F_MA;Leiter\n1;A;x;;X; ;ja\n2;B;;;nein;1;\n3;C;?;;;;\n")
    mapping(
        world,
        "path: inbox/personal.csv\nkey: nr\ncolumns:\n  nr: Nr\n  gruppen: {heading: G_*, marked: true}\n"
        "  funktionen: {heading: [F_*, Leiter], marked: ja}",
        'externalDbId: "{{ nr }}"\nalarmGroups: "{{ gruppen }}"\nosFunctions: "{{ funktionen }}"',
    )
    one, two, three = world("preview", "personal").json["rows"]
    assert one["actions"]["fe2.sync"]["alarmGroups"] == ["Zug 1"]
    assert one["actions"]["fe2.sync"]["osFunctions"] == ["AGT", "Leiter"]
    assert two["actions"]["fe2.sync"]["alarmGroups"] == []
    assert two["actions"]["fe2.sync"]["osFunctions"] == ["MA"]
    assert [problem["code"] for problem in three["problems"]] == ["unclear_mark"]
    assert three["problems"][0]["field"] == "alarmGroups"
    mapping(
        world,
        "path: inbox/personal.csv\nkey: nr\ncolumns:\n  nr: Nr\n  gruppen: {heading: G_*, marked: filled}",
        'externalDbId: "{{ nr }}"\nalarmGroups: "{{ gruppen }}"',
    )
    assert preview(world)["3"]["alarmGroups"] == ["Zug 1"]


def test_a_star_that_fits_nothing_is_told(world: World) -> None:
    world.drop_text("Nr;G_Zug 1\n1;x\n")
    mapping(
        world,
        "path: inbox/personal.csv\nkey: nr\nsettle: 0s\ncolumns: {nr: Nr, gruppen: G_*}",
        'externalDbId: "{{ nr }}"\nalarmGroups: "{{ gruppen }}"',
    )
    problem = world.run().problem("missing_heading")
    assert "marked: true" in problem["hint"]


def test_a_star_in_a_heading_itself_is_no_star(world: World) -> None:
    world.drop_text("Nr*;Name *\n1;Groß\n")
    mapping(
        world,
        "path: inbox/personal.csv\nkey: nr\ncolumns: {nr: Nr*, name: Name *}",
        'externalDbId: "{{ nr }}"\nalarmGroups: []\nlastName: "{{ name }}"',
    )
    assert preview(world)["1"]["lastName"] == "Groß"


def test_lists_inside_of_json_are_numbered_too(world: World) -> None:
    """HiOrg-Server."""
    found = [
        {"id": 1, "attributes": {"qualifikationen": [{"name_kurz": "RS"}, {"name_kurz": "AGT", "bis": "2099-01-01"}]}},
        {"id": 2, "attributes": {"qualifikationen": []}},
    ]
    lists.write_json(world.root / "inbox" / "p.json", {"data": found, "included": []})
    mapping(
        world,
        "path: inbox/*.json\nrows: data\nkey: nr\ncolumns:\n  nr: id\n"
        "  kurz: attributes.qualifikationen.*.name_kurz\n"
        "  quali: {each: {name: attributes.qualifikationen.*.name_kurz, bis: attributes.qualifikationen.*.bis}}\n"
        "  alle: attributes.qualifikationen",
        'externalDbId: "{{ nr }}"\nalarmGroups: "{{ kurz }}"\n'
        "osFunctions: \"{{ quali | selectattr('bis', 'valid') | map(attribute='name') | list }}\"\n"
        "osGroups: \"{{ alle | map(attribute='name_kurz') | list }}\"",
    )
    made = preview(world)
    assert made["1"] | {} == made["1"] | {
        "alarmGroups": ["RS", "AGT"], "osFunctions": ["AGT"], "osGroups": ["RS", "AGT"],
    }  # fmt: skip
    assert made["2"]["alarmGroups"] == []


def test_footers_and_blank_rows_are_no_people(world: World) -> None:
    rows = [("Nr", "Name"), (1, "A"), (), (2, "B"), ("", ""), ("Summe", 2)]
    lists.write_ods(world.root / "inbox" / "p.ods", {"T": rows})
    mapping(
        world,
        "path: inbox/*.ods\nskip_footer: 1\nkey: nr\ncolumns: {nr: Nr}",
        'externalDbId: "{{ nr }}"\nalarmGroups: []',
    )
    assert list(preview(world)) == ["1", "2"]


TESTS = """tests:
  - name: Listen
    row: {PV_PERSNR: 7, PV_TELEP.1.TELEPHON: 1, PV_TELEP.2.TELEPHON: 2, G_Zug 1: x, gruppen: [A, B]}
    expect: {fe2.sync: {externalDbId: 7, osFunctions: [1, 2], alarmGroups: [Zug 1], osGroups: [A, B]}}
  - name: nichts
    row: {PV_PERSNR: 8}
    expect: {fe2.sync: {osFunctions: [], alarmGroups: []}}
"""


def test_the_tests_of_a_mapping_know_lists(world: World) -> None:
    mapping(
        world,
        "type: json\npath: inbox/x.json\nkey: nr\ncolumns:\n  nr: PV_PERSNR\n  nummern: PV_TELEP.*.TELEPHON\n"
        "  zuege: {heading: G_*, marked: true}\n  gruppen: {heading: gruppen, optional: true}",
        'externalDbId: "{{ nr }}"\nalarmGroups: "{{ zuege }}"\nosFunctions: "{{ nummern }}"\nosGroups: "{{ gruppen }}"',
        TESTS,
    )
    result = world("test")
    assert result.json["ok"], result.out


NAMED = """tests:
  - name: mit den Namen der Spalten
    row: {nr: 7, handy: 0151 2000001, G_Zug 1: x}
    expect: {fe2.sync: {externalDbId: 7, mobil: 00491512000001, alarmGroups: [Zug 1]}}
"""
COLUMNS = "columns:\n  nr: Pers.-Nr.\n  handy: [Mobil privat, Mobil]\n  zuege: {heading: G_*, marked: true}"


def test_the_row_of_a_test_may_name_a_column_instead_of_its_heading(world: World) -> None:
    """Where headings are inputs of a blueprint, nothing else can be written there."""
    fields = 'externalDbId: "{{ nr }}"\nalarmGroups: "{{ zuege }}"\nmobil: "{{ handy | phone }}"'
    mapping(world, f"path: inbox/x.csv\nkey: nr\n{COLUMNS}", fields, NAMED)
    assert world("check").json == {"ok": True, "problems": []}
    assert world("test").json["ok"], world("test").out


def test_a_list_of_marked_columns_has_no_single_heading_that_a_test_could_mean(world: World) -> None:
    fields = 'externalDbId: "{{ nr }}"\nalarmGroups: "{{ zuege }}"'
    mapping(world, f"path: inbox/x.csv\nkey: nr\n{COLUMNS}", fields, NAMED.replace("G_Zug 1: x", "zuege: x"))
    (problem,) = [one for one in world("check").json["problems"] if one["code"] == "unknown_heading"]
    assert problem["path"][-1] == "zuege"


def test_a_heading_goes_before_the_name_of_a_column(world: World) -> None:
    columns = "columns: {vorname: Name, name: Vorname}"
    fields = 'externalDbId: "{{ name }}"\nalarmGroups: []\nlastName: "{{ vorname }}"'
    tests = "tests: [{name: a, row: {Name: A, Vorname: B}, expect: {fe2.sync: {lastName: A, externalDbId: B}}}]\n"
    mapping(world, f"path: inbox/x.csv\nkey: name\n{columns}", fields, tests)
    assert world("test").json["ok"], world("test").out


TESTED = """
path: inbox/*.csv
group_by: nr
key: nr
columns: {nr: Nr, name: Name, kurs: Kurs, ok: OK}
where: "{{ ok | ja }}"
"""
COURSES = 'externalDbId: "{{ nr }}"\nalarmGroups: []\nosFunctions: "{{ rows | map(attribute=\'kurs\') | list }}"'
SAMPLE = "Nr;Name;Kurs;OK\n0042;Groß;Funk;ja\n0042;Groß;AGT;nein\n0042;Groß;TH;ja\n0043;Weiß;Funk;ja\n"


def unmet(world: World, rows: str, expect: str) -> list[str]:
    """What a test with these rows does not get of what it expects."""
    mapping(world, TESTED, COURSES)
    path = world.root / "mappings" / "personal.yaml"
    test = f"tests:\n  - name: eine Person\n    row:\n{rows}    expect: {{fe2.sync: {expect}}}\n"
    path.write_text(path.read_text("utf-8") + test, "utf-8")
    (found,) = world("test").json["tests"]
    return [one["message"] or str(one["got"]) for one in found["differences"]]


def test_a_test_may_have_the_several_rows_of_a_person(world: World) -> None:
    rows = "".join(
        f"      - {{Nr: 1, Kurs: {course}, OK: {ok}}}\n"
        for course, ok in [("Funk", "ja"), ("AGT", "nein"), ("TH", "x")]
    )
    assert unmet(world, rows, "{externalDbId: 1, osFunctions: [Funk, TH]}") == []
    assert unmet(world, rows, "{osFunctions: [Funk, AGT, TH]}") == ["['Funk', 'TH']"]
    assert unmet(world, "      - {Nr: 1, OK: nein}\n      - {Nr: 1, OK: nein}\n", "null") == []


def test_rows_of_several_persons_are_no_test(world: World) -> None:
    (said,) = unmet(world, "      - {Nr: 1, OK: ja}\n      - {Nr: 2, OK: ja}\n", "{externalDbId: 1}")
    assert "these rows are several" in said
    (said,) = unmet(world, "      - {Name: Groß, OK: ja}\n", "{externalDbId: 1}")
    assert "The key nr is empty" in said


def test_all_rows_of_a_person_are_frozen_with_one_invented_key(world: World) -> None:
    mapping(world, TESTED, COURSES)
    world.drop_text(SAMPLE)
    made = world("test", "personal", "--freeze", "0042").json["test"]
    assert [sorted(row) for row in made["row"]] == [["Kurs", "Name", "Nr", "OK"]] * 2
    assert len({row["Nr"] for row in made["row"]}) == 1
    assert made["row"][0]["Nr"] != "0042"
    assert len(made["expect"]["fe2.sync"]["osFunctions"]) == 2
    assert world("test").json["passed"] == 1
    text = (world.root / "mappings" / "personal.yaml").read_text("utf-8")
    assert "    row:\n      - Nr: " in text
    assert "Groß" not in text
