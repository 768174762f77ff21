"""`new`: from an unknown list to a mapping that is right as it stands, sends nothing, and shows what to look at."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config.emit import flow_list, scalar
from engine.config.load import load
from engine.config.yaml import Reader
from engine.i18n import language, use_language
from engine.problems import ProblemError
from engine.sync.draft import draft, pattern_for
from engine.sync.preview import preview
from engine.sync.sample import look_at
from engine.sync.script import problems_of
from tests.world import World


@pytest.fixture(autouse=True)
def same_language() -> Iterator[None]:
    before = language()
    yield
    use_language(before)


FOX = """\
PERSONAL_NR;NACHNAME;VORNAME;ABTEILUNG;STATUS;TEL_P;TEL_D;MOBIL_P;MOBIL_D;EMAIL_P;EMAIL_D;IBAN
1001;MÜLLER;JÖRG;Einsatz;aktiv;030 1234567;;0151 5550101;;joerg@example.org;;DE021
1002;SCHMIDT;ANNA;Einsatz;aktiv;;;;+49 170 5550102;;anna@example.org;DE022
1003;WEISS;KARL;Jugend;passiv;030 1234569;;;;;;DE023
"""
EXAMS = """\
Kurzbezeich.;Pers.-Nr.;Vorname;Nachname;E-Mail privat
G26;7;Max;Muster;max@example.org
AGT;7;Max;Muster;max@example.org
G26;8;Eva;Beispiel;eva@example.org
"""
TITLED = """\
Erreichbarkeiten der Feuerwehr Musterstadt;;;
Stand: heute;;;
Name, Vorname;Personalnummer;Mobil privat;E-Mail privat
"Muster, Max";0007;0151 5550107;max@example.org
"Beispiel, Eva";0008;0151 5550108;eva@example.org
"""


def test_a_list_becomes_a_mapping_that_is_right_and_switched_off(world: World) -> None:
    world.drop_text(FOX, "mitglieder-2026-11-03.csv")
    made = world("new", str(world.root / "inbox" / "mitglieder-2026-11-03.csv"), "--to", "fe2").json
    assert (made["ok"], made["file"], made["rows"], made["key"]) == (True, "mappings/mitglieder.yaml", 3, "personal_nr")
    assert made["columns"]["phone"] == ["MOBIL_P", "MOBIL_D", "TEL_P", "TEL_D"]
    assert made["columns"]["email"] == ["EMAIL_P", "EMAIL_D"]
    assert "IBAN" not in [heading for headings in made["columns"].values() for heading in headings]
    rows = [row["actions"]["fe2.sync"] for row in made["preview"]]
    assert [row["mobil"] for row in rows] == ["00491515550101", "00491705550102", "0049301234569"]
    assert [row["email"] for row in rows] == ["joerg@example.org", "anna@example.org", ""]
    checked = world("check")
    assert (checked.json["ok"], checked.codes) == (True, ["marks_left"])
    assert world.run(mapping="mitglieder").codes == ["mapping_disabled"]
    assert world.fe2.requests == []


def test_what_only_a_person_can_decide_is_marked(world: World) -> None:
    world.drop_text(FOX)
    made = world("new", str(world.root / "inbox" / "personal.csv"), "--to", "fe2").json
    lines = (world.root / "mappings" / "personal.yaml").read_text("utf-8").splitlines()
    marked = {lines[check["line"] - 1].partition(":")[0].strip() for check in made["checks"]}
    assert {"enabled", "alarmGroups", "# TO CHECK"} <= marked
    text = "\n".join(lines)
    assert "alarmGroups: []" in text
    assert "an empty list takes people out of every alarm" in text
    assert "#    Einsatz: []" in text
    assert "  #where: \"{{ status == 'aktiv' }}\"" in text
    assert "Not read at all" in text and "IBAN" in text


PROPOSAL = re.compile(r"( *)#(?=\S|  )")
"""A # with a key right behind it, or with the two blanks of a line inside of a block; `# text` explains."""


def taken(path: Path, *left: str, out: str = "") -> None:
    """Take away just the # of all proposals, and nothing else; of several ways to say one thing the ``left`` stay.

    ``out`` is a line that the comments say to take out.
    """
    head, id_line, body = path.read_text("utf-8").partition("\nid: ")
    lines = []
    for line in body.split("\n"):
        found = PROPOSAL.match(line)
        is_left = any(part in line for part in left)
        lines.append(found[1] + line[found.end() :] if found is not None and not is_left else line)
    assert lines != body.split("\n")
    path.write_text(head + id_line + "\n".join(line for line in lines if not out or out not in line), "utf-8")


def test_the_proposals_in_comments_work_when_just_their_signs_are_taken_away(world: World) -> None:
    world.drop_text(FOX)
    world("new", str(world.root / "inbox" / "personal.csv"), "--to", "fe2")
    path = world.root / "mappings" / "personal.yaml"
    taken(path, "alarmGroups: [Full", out="alarmGroups: []")
    path.write_text(path.read_text("utf-8").replace("    Einsatz: []", "    Einsatz: [Vollalarm]"), "utf-8")
    assert world("check").codes == ["marks_left"]
    rows = world("preview", "personal").json["rows"]
    assert [row["selected"] for row in rows] == [True, True, False]
    assert rows[0]["actions"]["fe2.sync"]["alarmGroups"] == ["Vollalarm"]
    assert "\ntriggers:\n  - trigger: file\n    path: inbox/personal.csv\n" in path.read_text("utf-8")


@pytest.mark.parametrize("left", ["status ==", "not austritt"])
def test_either_way_to_say_who_takes_part_works_as_it_stands(world: World, left: str) -> None:
    world.drop_text("Nr;Status;Austritt\n1;aktiv;\n2;weg;1.1.2020\n")
    world("new", str(world.root / "inbox" / "personal.csv"), "--to", "fe2")
    taken(world.root / "mappings" / "personal.yaml", left, out="alarmGroups: []")
    assert world("check").codes == ["marks_left"]
    assert [row["selected"] for row in world("preview", "personal").json["rows"]] == [True, False]


def test_without_a_status_the_proposal_who_takes_part_works_as_well(world: World) -> None:
    world.drop_text("Nr;Nachname;Handy\n1;Groß;0151 5550101\n2;Klein;\n")
    world("new", str(world.root / "inbox" / "personal.csv"), "--to", "fe2")
    taken(world.root / "mappings" / "personal.yaml", out="alarmGroups: []")
    assert world("check").codes == ["marks_left"]
    assert [row["selected"] for row in world("preview", "personal").json["rows"]] == [True, False]


def test_the_guard_is_written_out(world: World) -> None:
    world.connect_greyhound()
    world.drop_text(FOX)
    for kind in ("fe2", "greyhound"):
        world("new", str(world.root / "inbox" / "personal.csv"), "--to", kind, "--out", kind)
        text = (world.root / "mappings" / f"{kind}.yaml").read_text("utf-8")
        assert re.search(r"    guard: .*\n      max_removals: 3 or 10% .*\n      max_changes: 25 or 50% ", text)
    assert world("check").json["ok"]


def test_a_list_for_greyhound_keeps_mobile_and_landline_apart(world: World) -> None:
    world.connect_greyhound()
    world.drop_text(FOX)
    made = world("new", str(world.root / "inbox" / "personal.csv"), "--to", "greyhound", "--out", "kontakte").json
    assert (made["ok"], made["file"]) == (True, "mappings/kontakte.yaml")
    links = made["preview"][0]["actions"]["greyhound.sync"]["ComLinks"]
    assert [link["Text"] for link in links] == ["joerg@example.org", "+491515550101", "+49301234567"]
    assert world("check").json["ok"]


def test_several_rows_per_person_are_joined(world: World) -> None:
    world.drop_text(EXAMS)
    made = world("new", str(world.root / "inbox" / "personal.csv"), "--to", "fe2").json
    assert made["ok"]
    assert [row["key"] for row in made["preview"]] == ["7", "8"]
    assert [row["actions"]["fe2.sync"]["osFunctions"] for row in made["preview"]] == [["G26", "AGT"], ["G26"]]
    (said,) = [check["text"] for check in made["checks"] if "several rows" in check["text"]]
    assert "kurzbezeich" in said


def test_groups_of_several_rows_are_all_alarmed(world: World) -> None:
    world.drop_text("Pers.-Nr.;Name;Abt.;AGT\n7;Max;Zug 1;nein\n7;Max;Zug 2;ja\n8;Eva;Zug 1;nein\n8;Eva;;nein\n")
    world("new", str(world.root / "inbox" / "personal.csv"), "--to", "fe2")
    path = world.root / "mappings" / "personal.yaml"
    taken(path, "alarmGroups: [Full", out="alarmGroups: []")
    text = path.read_text("utf-8").replace("    Zug 1: []", "    Zug 1: [A]").replace("    Zug 2: []", "    Zug 2: [B]")
    path.write_text(text, "utf-8")
    people = [row["actions"]["fe2.sync"] for row in world("preview", "personal").json["rows"]]
    assert [one["alarmGroups"] for one in people] == [["A", "B"], ["A"]]
    assert [one["osGroups"] for one in people] == [["Zug 1", "Zug 2"], ["Zug 1"]]
    assert [one["osFunctions"] for one in people] == [["AGT"], []]


def test_several_values_in_a_cell_are_taken_apart_everywhere(world: World) -> None:
    world.drop_text("Nr;Einheit;Qualifikation;Status\n1;Zug 1;AGT, TM;aktiv, Reserve\n2;Zug 1, Zug 2;;aktiv\n3;;;weg\n")
    made = world("new", str(world.root / "inbox" / "personal.csv"), "--to", "fe2").json
    assert made["preview"][0]["actions"]["fe2.sync"]["osFunctions"] == ["AGT", "TM"]
    path = world.root / "mappings" / "personal.yaml"
    text = path.read_text("utf-8")
    assert "{{ qualifikation | split }}" in text
    assert "==" not in text
    taken(path, "alarmGroups: [Full", out="alarmGroups: []")
    text = path.read_text("utf-8").replace("    Zug 1: []", "    Zug 1: [A]").replace("    Zug 2: []", "    Zug 2: [B]")
    path.write_text(text, "utf-8")
    rows = world("preview", "personal").json["rows"]
    assert [row["selected"] for row in rows] == [True, True, False]
    assert [row["actions"]["fe2.sync"]["alarmGroups"] for row in rows[:2]] == [["A"], ["A", "B"]]


def test_columns_of_yes_and_no_become_functions(world: World) -> None:
    world.drop_text("Nr;Funktionen;AGT;Maschinist;Newsletter;Aktiv\n1;GF, ZF;ja;x;ja;ja\n2;;nein;;ja;nein\n")
    made = world("new", str(world.root / "inbox" / "personal.csv"), "--to", "fe2").json
    functions = [row["actions"]["fe2.sync"]["osFunctions"] for row in made["preview"]]
    assert functions == [["AGT", "Maschinist", "GF", "ZF"], []]
    text = (world.root / "mappings" / "personal.yaml").read_text("utf-8")
    assert "{{ 'AGT' if agt | ja else '' }}" in text
    assert '  #where: "{{ aktiv | ja }}"' in text


NESTED = [
    {
        "id": 101,
        "vorname": "Max",
        "nachname": "Muster",
        "kontakt": {
            "email": "max@example.org",
            "telefone": [
                {"art": "Festnetz", "nummer": "030 5550101"},
                {"art": "mobil", "nummer": "0151 5550101"},
                {"art": "Handy dienstlich", "nummer": "0170 5550101"},
            ],
        },
        "abteilungen": ["Einsatz", "Jugend"],
        "qualifikationen": [{"name": "AGT", "seit": "2020-01-02", "module": ["a"]}, {"name": "TM", "seit": ""}],
        "fahrzeuge": [],
    },
    {"id": 102, "vorname": "Eva", "nachname": "Beispiel", "kontakt": {"email": "", "telefone": []}, "abteilungen": []},
    {"id": 103, "vorname": "Ole", "nachname": "Ohne", "kontakt": {"email": ""}, "abteilungen": ["Einsatz"]},
    {"id": 104, "vorname": "Ida", "nachname": "Leer", "kontakt": {}},
]


def test_lists_inside_of_records_are_proposed_and_the_proposals_work(world: World) -> None:
    world.drop_text(json.dumps({"mitglieder": NESTED}), "verein.json")
    made = world("new", str(world.root / "inbox" / "verein.json"), "--to", "fe2").json
    assert (made["ok"], made["key"]) == (True, "id")
    path = world.root / "mappings" / "verein.yaml"
    text = path.read_text("utf-8")
    assert "    #abteilungen: abteilungen\n" in text
    assert "    #telefone: {each: {art: kontakt.telefone.*.art, nummer: kontakt.telefone.*.nummer}}\n" in text
    (not_read,) = [line for line in text.splitlines() if "Not read at all" in line]
    assert not_read.endswith(": qualifikationen.*.module, fahrzeuge")
    taken(path, "where:", "alarmGroups: [Full", out="alarmGroups: []")
    path.write_text(path.read_text("utf-8").replace("    Einsatz: []", "    Einsatz: [A]"), "utf-8")
    assert world("check").codes == ["marks_left"]
    people = [row["actions"]["fe2.sync"] for row in world("preview", "verein").json["rows"]]
    assert [one["mobil"] for one in people] == ["00491515550101", "", "", ""]
    assert [one["osGroups"] for one in people] == [["Einsatz", "Jugend"], [], ["Einsatz"], []]
    assert [one["osFunctions"] for one in people] == [["AGT", "TM"], [], [], []]
    assert [one["alarmGroups"] for one in people] == [["A"], [], ["A"], []]


def test_a_list_of_functions_beside_columns_of_yes_and_no_joins_them(world: World) -> None:
    records = [{"id": 1, "AGT": True, "kurse": ["TM", "MA"], "alarmgruppen": ["A"]}, {"id": 2, "AGT": False}]
    world.drop_text(json.dumps(records), "a.json")
    world("new", str(world.root / "inbox" / "a.json"), "--to", "fe2")
    taken(world.root / "mappings" / "a.yaml", "where:", "[Full", out="alarmGroups: []")
    assert world("check").codes == ["marks_left"]
    people = [row["actions"]["fe2.sync"] for row in world("preview", "a").json["rows"]]
    assert [one["osFunctions"] for one in people] == [["AGT", "TM", "MA"], []]
    assert [one["alarmGroups"] for one in people] == [["A"], []]


def test_numbers_in_lists_are_proposed_for_the_address_book(world: World) -> None:
    world.connect_greyhound()
    world.drop_text(json.dumps([{"id": 1, "name": "Max M", "telefone": ["0151 5550101"]}, {"id": 2}]), "b.json")
    world("new", str(world.root / "inbox" / "b.json"), "--to", "greyhound")
    taken(world.root / "mappings" / "b.yaml")
    assert world("check").codes == ["marks_left"]
    rows = world("preview", "b").json["rows"]
    assert [link["Text"] for link in rows[0]["actions"]["greyhound.sync"]["ComLinks"]] == ["+491515550101"]


def test_names_in_one_column_are_taken_apart(world: World) -> None:
    world.drop_text(TITLED)
    made = world("new", str(world.root / "inbox" / "personal.csv"), "--to", "fe2").json
    people = [row["actions"]["fe2.sync"] for row in made["preview"]]
    assert [(one["firstName"], one["lastName"], one["externalDbId"]) for one in people] == [
        ("Max", "Muster", "0007"),
        ("Eva", "Beispiel", "0008"),
    ]


def test_a_sum_at_the_end_is_left_out_and_marked(world: World) -> None:
    world.drop_text(FOX + "Summe;3;;;;;;;;;;\n")
    made = world("new", str(world.root / "inbox" / "personal.csv"), "--to", "fe2").json
    assert (made["ok"], made["rows"]) == (True, 3)
    assert "skip_footer: 1" in (world.root / "mappings" / "personal.yaml").read_text("utf-8")
    assert len(world("preview", "personal").json["rows"]) == 3


def test_functions_with_slashes_are_taken_apart(world: World) -> None:
    world.drop_text("Nr;Vorname;Funktionen\n1;Max;GF/AGT\n2;Eva;MA\n")
    made = world("new", str(world.root / "inbox" / "personal.csv"), "--to", "fe2").json
    assert made["preview"][0]["actions"]["fe2.sync"]["osFunctions"] == ["GF", "AGT"]


def test_rows_that_would_be_rejected_are_told_at_once(world: World) -> None:
    world.drop_text(FOX.replace("030 1234569", "keins"))
    said = world("new", str(world.root / "inbox" / "personal.csv"), "--to", "fe2", as_json=False)
    assert said.code == 0
    assert "3 rows, 3 take part, 1 rejected" in said.out
    assert "line 4" in said.out and "keins" in said.out


def test_the_preview_says_who_would_not_be_alarmed(world: World) -> None:
    world.drop_text(FOX)
    said = world("new", str(world.root / "inbox" / "personal.csv"), "--to", "fe2", as_json=False)
    assert "alarmGroups: – (would not be alarmed)" in said.out


def test_a_misspelled_list_gets_the_one_that_was_meant(world: World) -> None:
    world.drop_text(FOX, "mitglieder.csv")
    result = world("new", str(world.root / "inbox" / "mitgleider.csv"), "--to", "fe2")
    assert result.problem("no_file")["hint"].endswith("inbox/mitglieder.csv?")


def test_nothing_is_overwritten(world: World) -> None:
    world.drop_text(FOX)
    path = world.mapping()
    before = path.read_text("utf-8")
    result = world("new", str(world.root / "inbox" / "personal.csv"), "--to", "fe2")
    assert (result.code, result.codes) == (1, ["file_exists"])
    path.write_text("id: anders\n" + before, "utf-8")
    assert world("new", str(world.root / "inbox" / "personal.csv"), "--to", "fe2", "--out", "anders").codes == [
        "duplicate_id"
    ]
    assert path.read_text("utf-8") == "id: anders\n" + before


def test_without_a_connection_it_says_what_to_write_there(world: World) -> None:
    world.drop_text(FOX)
    result = world("new", str(world.root / "inbox" / "personal.csv"), "--to", "greyhound")
    assert (result.code, result.codes) == (1, ["no_connection"])
    assert "type: greyhound" in result.problem("no_connection")["hint"]
    assert not (world.root / "mappings" / "personal.yaml").exists()


def test_several_connections_are_marked(world: World) -> None:
    world.connect_fe2("fe2_b")
    world.drop_text(FOX)
    world("new", str(world.root / "inbox" / "personal.csv"), "--to", "fe2")
    text = (world.root / "mappings" / "personal.yaml").read_text("utf-8")
    assert "TO CHECK: there are also fe2_b" in text


@pytest.mark.parametrize("out", ["mappings/blueprints/a.yaml", "../a.yaml", "mappings/configuration.yaml"])
def test_a_mapping_is_written_only_where_mappings_are_looked_for(world: World, out: str) -> None:
    world.drop_text(FOX)
    result = world("new", str(world.root / "inbox" / "personal.csv"), "--to", "fe2", "--out", out)
    assert (result.code, result.codes) == (1, ["not_a_mapping_place"])


def test_a_list_outside_of_the_project_is_read_and_its_place_marked(world: World, tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(FOX, "utf-8")
    made = world("new", str(tmp_path / "export.csv"), "--to", "fe2").json
    assert made["ok"] and len(made["preview"]) == 3
    text = (world.root / "mappings" / "export.yaml").read_text("utf-8")
    assert "path: inbox/export.csv" in text


def test_a_missing_list_is_a_problem_and_nothing_is_written(world: World) -> None:
    result = world("new", str(world.root / "inbox" / "nichts.csv"), "--to", "fe2")
    assert (result.code, len(result.codes)) == (1, 1)
    assert [path.name for path in (world.root / "mappings").iterdir() if path.stem == "nichts"] == []


def test_the_draft_speaks_german_in_a_german_project(world: World) -> None:
    configuration = world.root / "mappings" / "configuration.yaml"
    configuration.write_text(configuration.read_text("utf-8").replace("language: en", "language: de"), "utf-8")
    world.drop_text(FOX)
    said = world("new", str(world.root / "inbox" / "personal.csv"), "--to", "fe2", as_json=False)
    assert said.code == 0
    text = (world.root / "mappings" / "personal.yaml").read_text("utf-8")
    assert "# PRÜFEN: " in text
    assert "TO CHECK" not in text
    assert "handy: [MOBIL_P" in text


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("personal-2026-11-03.csv", "personal*.csv"),
        ("Export 20261103.xlsx", "Export*.xlsx"),
        ("personal.csv", "personal.csv"),
        ("2026.csv", "2026.csv"),
        ("mitglieder2.csv", "mitglieder2.csv"),
        ("a[1] 2026.csv", "a[1] 2026.csv"),
    ],
)
def test_the_date_in_a_files_name_is_no_part_of_it(name: str, pattern: str) -> None:
    assert pattern_for(name) == pattern


# -- any list whatever -------------------------------------------------------------------------------------------------

HEADINGS = ["Personalnummer", "Name", "Vorname", "Nachname", "Mobil privat", "E-Mail", "Status", "Zug", "Straße", "Ort"]
heading = st.one_of(st.sampled_from(HEADINGS), st.text(min_size=1, max_size=12))
cell = st.one_of(st.text(max_size=12), st.from_regex(r"[0-9]{1,6}", fullmatch=True), st.just("a@example.org"))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_the_list_holds_its_draft_is_right(data: st.DataObject) -> None:
    use_language(data.draw(st.sampled_from(["de", "en"])))
    header = data.draw(st.lists(heading, min_size=2, max_size=6, unique_by=lambda text: text.strip().casefold()))
    rows = data.draw(st.lists(st.lists(cell, min_size=len(header), max_size=len(header)), min_size=1, max_size=5))
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([header, *rows])
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "mappings").mkdir()
        (root / "mappings" / "configuration.yaml").write_text(
            "connections:\n  a: {type: fe2, url: http://a, access_key: abc123}\n"
            "  b: {type: greyhound, url: http://b, username: u, password: geheim99}\n",
            "utf-8",
        )
        path = root / "liste.csv"
        path.write_text(text.getvalue(), "utf-8", errors="replace", newline="")
        try:
            sample = look_at(path)
        except ProblemError:
            return
        for kind in ("fe2", "greyhound"):
            made = draft(load(root), sample, kind, kind, "liste.csv", is_elsewhere=False)
            (root / "mappings" / f"{kind}.yaml").write_text(made.text, "utf-8")
        project = load(root)
        assert [problem for problem in problems_of(project) if problem.severity == "error"] == []
        for kind in ("fe2", "greyhound"):
            assert [*preview(project, project.mappings[kind], path)]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.text(max_size=20).filter(lambda text: not any("\ud800" <= sign <= "\udfff" for sign in text)), min_size=1
    )
)
def test_a_text_is_read_again_as_it_was_written(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.yaml"
        path.write_text(
            f"a: {scalar(texts[0])}\nb: {flow_list(texts)}\n? {scalar(texts[0])}\n: c\n", "utf-8", newline=""
        )
        reader = Reader(Path(folder), Path(folder))
        node = reader.read(path)
        assert reader.problems == [] or "duplicate" in reader.problems[0].code
        assert node is not None
        plain = node.plain()
        assert plain["b"] == texts
        assert plain["a"] in (texts[0], "c")


def test_a_json_list_with_lists_and_objects_in_it_is_read_by_its_ways(world: World) -> None:
    people = [
        {
            "id": n,
            "attributes": {"vorname": f"V{n}", "nachname": f"N{n}", "handy": f"0151 55501{n:02}", "gruppen": ["A"]},
        }
        for n in range(1, 9)
    ]
    world.drop_text(json.dumps({"data": people}), "hiorg.json")
    made = world("new", str(world.root / "inbox" / "hiorg.json"), "--to", "fe2").json
    assert (made["ok"], made["key"]) == (True, "id")
    (first, *_others) = [row["actions"]["fe2.sync"] for row in made["preview"]]
    assert (first["firstName"], first["lastName"], first["mobil"]) == ("V1", "N1", "00491515550101")


def test_a_list_without_numbers_keeps_the_name_that_is_its_key(world: World) -> None:
    world.drop_text("Nachname;Vorname;Telefon\nMuster;Max;0151 5550101\nBeispiel;Eva;0151 5550102\n", "telefon.csv")
    made = world("new", str(world.root / "inbox" / "telefon.csv"), "--to", "fe2").json
    assert [row["actions"]["fe2.sync"]["lastName"] for row in made["preview"]] == ["Muster", "Beispiel"]


def test_a_list_that_lies_in_the_inbox_is_named_with_its_folder(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.drop_text(FOX, "mitglieder.csv")
    monkeypatch.chdir(world.root)
    assert "inbox/mitglieder.csv" in world("new", "mitglieder.csv", "--to", "fe2").problem("no_file")["hint"]
    assert "inbox?" not in world("new", "inbox", "--to", "fe2").problem("no_file")["hint"]


def test_a_folder_is_told_from_a_list_and_the_lists_in_it_are_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.root)
    assert "no list" in world("new", "inbox", "--to", "fe2").problem("no_file")["hint"]
    world.drop_text(FOX, "mitglieder.csv")
    world.drop_text("x", "lies mich.pdf")
    world.drop_text(FOX, "andere liste.txt")
    problem = world("new", "inbox", "--to", "fe2").problem("no_file")
    assert problem["message"] == "inbox is a folder, not a list."
    assert 'abgleich new "inbox/andere liste.txt"\n' in problem["hint"]
    assert problem["hint"].endswith("abgleich new inbox/mitglieder.csv")


def test_that_the_list_does_not_exist_is_said_before_anything_else(world: World) -> None:
    world.connect_greyhound()
    world.mapping()
    for words in (["--to", "fe2", "--out", "personal.yaml"], [], ["--to", "fe2", "--out", "Tel GH.yaml"]):
        assert world("new", str(world.root / "inbox" / "fehlt.csv"), *words).codes == ["no_file"]


def test_a_name_that_no_mapping_can_have_is_refused_before_anything_is_written(world: World) -> None:
    world.drop_text(FOX, "mitglieder.csv")
    before = sorted(path.name for path in (world.root / "mappings").iterdir())
    file = str(world.root / "inbox" / "mitglieder.csv")
    assert world("new", file, "--to", "fe2", "--out", "Tel GH.yaml").codes == ["not_a_mapping_place"]
    assert sorted(path.name for path in (world.root / "mappings").iterdir()) == before


def test_columns_behind_a_heading_that_stands_twice_are_read(world: World) -> None:
    world.drop_text("Nr;Datum;Datum;Vorname;Nachname\n1;a;b;Max;Muster\n")
    made = world("new", str(world.root / "inbox" / "personal.csv"), "--to", "fe2").json
    assert made["preview"][0]["actions"]["fe2.sync"]["lastName"] == "Muster"
