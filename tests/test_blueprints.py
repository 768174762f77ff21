"""The ready blueprints, used as a clerk uses them: three lines, on the command line, over real sockets."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from engine.config.blueprint import described, ready_blueprints
from engine.config.yaml import TAGS
from engine.simulator import Fe2Simulator, GreyhoundSimulator
from tests.test_examples import EXAMPLES, WITH_BLUEPRINTS, Program, contacts_by_key, example, fe2, greyhound, of_all
from tests.world import World

FOLDER = EXAMPLES / WITH_BLUEPRINTS
EXPECTED: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text("utf-8"))
README = Path(__file__).parent.parent / "README.md"
BRIGADE = EXAMPLES / "05-brigade"

__all__ = ["example", "fe2", "greyhound"]


def with_mapping(mapping: str) -> Any:
    """The example of the blueprints and one of its mappings."""
    return pytest.param(WITH_BLUEPRINTS, mapping, id=mapping)


each_mapping = pytest.mark.parametrize(
    ("example", "mapping"), [with_mapping(name) for name in EXPECTED], indirect=["example"]
)


def carry_out(program: Program, mapping: str) -> Any:
    """``run``, and ``approve`` where the first sync is held."""
    report = json.loads(program("run", mapping, "--json").stdout)
    return program.json("approve", report["plan"]) if report["status"] == "held" else report


# -- every ready blueprint -------------------------------------------------------------------------------------------


def test_the_example_uses_every_ready_blueprint_in_three_lines() -> None:
    used = {}
    for name in EXPECTED:
        text = (FOLDER / f"mappings/{name}.yaml").read_text("utf-8")
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        assert len(lines) == 3, name
        used[name] = lines[1].removeprefix("  path: ")
    assert sorted(used.values()) == sorted(ready_blueprints())


def test_every_ready_blueprint_is_in_the_documentation() -> None:
    for text in (README.read_text("utf-8"), (FOLDER / "README.md").read_text("utf-8")):
        assert [name for name in ready_blueprints() if f"`{name}`" not in text] == []


@pytest.mark.parametrize("name", ready_blueprints())
def test_a_ready_blueprint_explains_itself_and_every_input(name: str) -> None:
    one = described(ready_blueprints()[name])
    text = ready_blueprints()[name].read_text("utf-8")

    assert one.name
    assert one.description
    assert all(entry.title and entry.description for entry in one.inputs)
    assert {entry.name for entry in one.inputs} == set(re.findall(r"!input (\w+)", text)) | in_templates(
        one.inputs, text
    )
    assert "tests:" in text
    # They lie outside of every project: there is nothing beside them that could be included.
    assert [tag for tag in TAGS if tag != "!input" and tag in text] == []


def in_templates(inputs: Any, text: str) -> set[str]:
    """The inputs that are used as names in templates."""
    used = {word for template in re.findall(r"\{[{%].*?[%}]\}", text) for word in re.findall(r"\w+", template)}
    return {entry.name for entry in inputs if entry.name in used}


@each_mapping
def test_no_row_of_its_list_is_rejected(example: Program, mapping: str) -> None:
    rows = example.json("preview", mapping)["rows"]

    assert [row for row in rows if row["problems"]] == []
    assert len(rows) >= 10


@each_mapping
def test_the_target_holds_what_the_example_says_and_the_same_list_again_writes_nothing(
    example: Program, mapping: str, fe2: Fe2Simulator, greyhound: GreyhoundSimulator
) -> None:
    report = carry_out(example, mapping)
    before = fe2.writes, greyhound.writes

    assert (report["status"], report["problems"], report["rejected"]) == ("done", [], [])
    assert fe2.persons == EXPECTED[mapping].get("fe2", {})
    assert contacts_by_key(greyhound) == EXPECTED[mapping].get("greyhound", {})
    assert example.json("run", mapping)["status"] == "unchanged"
    assert (fe2.writes, greyhound.writes) == before


@of_all(WITH_BLUEPRINTS)
def test_people_of_several_lists_stand_side_by_side(
    example: Program, fe2: Fe2Simulator, greyhound: GreyhoundSimulator
) -> None:
    for mapping in EXPECTED:
        assert carry_out(example, mapping)["status"] == "done"

    every = [person for expected in EXPECTED.values() for person in expected.get("fe2", {})]
    contacts = [contact for expected in EXPECTED.values() for contact in expected.get("greyhound", {})]
    assert sorted(fe2.persons) == sorted(every)
    assert sorted(contacts_by_key(greyhound)) == sorted(contacts)


# -- what may be said beside what must be ----------------------------------------------------------------------------


def use(program: Program, mapping: str, inputs: str) -> dict[str, Any]:
    """Give a mapping of the example further inputs; what the target would get, by key."""
    path = program.root / f"mappings/{mapping}.yaml"
    text = path.read_text("utf-8")
    path.write_text(text.rstrip().removesuffix("}") + f", {inputs}}}\n", "utf-8")
    assert program.json("check") == {"ok": True, "problems": []}
    assert program.json("test", mapping)["ok"], program("test", mapping).stdout
    rows = program.json("preview", mapping)["rows"]
    assert [row for row in rows if row["problems"]] == []
    return {row["key"]: next(iter(row["actions"].values())) for row in rows if row["selected"]}


@of_all(WITH_BLUEPRINTS)
@pytest.mark.parametrize(
    ("mapping", "inputs", "key", "groups"),
    [
        ("mp_feuer", "alarmgruppen_je_untersuchung: {G26.3: [Alarm Atemschutz]}", "1002", ["Alarm Atemschutz"]),
        ("mp_feuer", "alarmgruppen_je_untersuchung: {G26.3: [Alarm Atemschutz]}", "1001", []),
        ("fox112", "alarmgruppen_je_abteilung: {einsatzabteilung: [Alarm Zug 1]}", "2001", ["Alarm Zug 1"]),
        ("feueron_import", "alarmgruppen_je_funktion: {Atemschutz: [Alarm Atemschutz]}", "4001", ["Alarm Atemschutz"]),
        ("hiorg", "alarmgruppen_je_gruppe: {Führung: [Alarm Zug 1]}", "5002", ["Alarm Zug 1"]),
        ("hiorg", "alarmgruppen_je_qualifikation: {SanH: [Alarm Sanität]}", "5001", ["Alarm Sanität"]),
        ("personal", "alarmgruppen_je_gruppe: {2. Zug: [Alarm Zug 2]}", "0002", ["Alarm Zug 2"]),
    ],
)
def test_further_alarm_groups(example: Program, mapping: str, inputs: str, key: str, groups: list[str]) -> None:
    assert use(example, mapping, inputs)[key]["alarmGroups"] == ["Alarm Alle", *groups]


@of_all(WITH_BLUEPRINTS)
def test_the_address_of_apager_may_be_the_number_and_a_wrong_word_is_told(example: Program) -> None:
    people = use(example, "fox112", "apager: Mobil")
    assert {person["aPagerPro"] == person["mobil"] for person in people.values()} == {True}
    text = (example.root / "mappings/hiorg.yaml").read_text("utf-8")
    (example.root / "mappings/hiorg.yaml").write_text(
        text.replace("gruppen: [Ein", "apager: handy, gruppen: [Ein"), "utf-8"
    )
    problems = [problem for row in example.json("preview", "hiorg")["rows"] for problem in row["problems"]]
    assert {problem["field"] for problem in problems} == {"aPagerPro"}


@of_all(WITH_BLUEPRINTS)
def test_an_examination_without_a_date_may_be_valid_for_ever(example: Program) -> None:
    mapping = example.root / "mappings/mp_feuer.yaml"
    row = "{name: ohne Datum, row: {Pers.-Nr.: 1, Kurzbezeich.: G25, OK: Ja}, expect: {fe2.sync: {osFunctions: %s}}}"
    text = mapping.read_text("utf-8")
    mapping.write_text(text + "tests: [" + row % "[]" + "]\n", "utf-8")
    assert example.json("test", "mp_feuer")["passed"] == 1
    changed = text.rstrip().removesuffix("}") + ", ohne_datum: ja}\n"
    mapping.write_text(changed + "tests: [" + row % "[G25]" + "]\n", "utf-8")
    assert example.json("test", "mp_feuer")["passed"] == 1


@of_all(WITH_BLUEPRINTS)
def test_a_plain_list_may_have_any_headings(example: Program) -> None:
    path = example.root / "inbox/personal.csv"
    text = path.read_bytes().decode("cp1252").replace("Personalnummer", "Nr.").replace("Mobil", "Handy")
    path.write_text(text, "utf-8")
    columns = "{nr: Nr., vorname: Vorname, nachname: Nachname, gruppe: Gruppe, handy: [Handy, Telefon], email: E-Mail}"
    assert use(example, "personal", f"spalten: {columns}")["0002"]["mobil"] == "00491515550181"


# -- ready for every project, and the project's own first ------------------------------------------------------------

CSV = "use_blueprint:\n  path: csv_fe2.yaml\n  input: {connection: fe2_musterstadt, alarmgruppen: [Alarm Zug 1]}\n"


@pytest.fixture
def fresh(tmp_path: Path) -> Program:
    """A new project with a mapping of three lines."""
    assert Program(tmp_path)("init", "projekt").returncode == 0
    made = Program(tmp_path / "projekt")
    (made.root / "mappings/liste.yaml").write_text(CSV, "utf-8")
    return made


def test_a_ready_blueprint_needs_nothing_in_the_project(fresh: Program) -> None:
    assert not (fresh.root / "mappings/blueprints").exists()
    assert fresh.json("check") == {"ok": True, "problems": []}
    assert fresh.json("test", "liste")["passed"] == 2


def test_a_blueprint_of_the_project_comes_first(fresh: Program) -> None:
    assert fresh.json("blueprints", "csv_fe2", "--copy") == {"ok": True, "file": "mappings/blueprints/csv_fe2.yaml"}
    own = fresh.root / "mappings/blueprints/csv_fe2.yaml"
    assert own.read_bytes() == ready_blueprints()["csv_fe2.yaml"].read_bytes()
    assert fresh.json("check") == {"ok": True, "problems": []}
    own.write_text(own.read_text("utf-8").replace("firstName:", "firstNam:"), "utf-8")
    (problem,) = fresh.json("check", code=1)["problems"]
    assert (problem["file"], problem["code"]) == ("mappings/blueprints/csv_fe2.yaml", "unknown_field")


def test_a_copy_never_takes_the_place_of_a_file(fresh: Program) -> None:
    fresh.json("blueprints", "csv_fe2.yaml", "--copy")
    own = fresh.root / "mappings/blueprints/csv_fe2.yaml"
    own.write_text("# mine\n", "utf-8")
    done = fresh("blueprints", "csv_fe2.yaml", "--copy")
    assert done.returncode == 1
    assert "[file_exists]" in done.stdout
    assert own.read_text("utf-8") == "# mine\n"


def test_what_is_missing_is_told_in_the_project_and_not_in_the_program(fresh: Program) -> None:
    path = fresh.root / "mappings/liste.yaml"
    path.write_text(CSV.replace(", alarmgruppen: [Alarm Zug 1]", ""), "utf-8")
    (problem,) = fresh.json("check", code=1)["problems"]
    assert (problem["code"], problem["file"]) == ("input_missing", "mappings/liste.yaml")
    path.write_text(CSV.replace("csv_fe2", "cvs_fe2"), "utf-8")
    (problem,) = fresh.json("check", code=1)["problems"]
    assert (problem["code"], "csv_fe2.yaml" in problem["hint"]) == ("blueprint_missing", True)


def test_fix_never_writes_into_the_program(fresh: Program, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in ready_blueprints().values()}
    path = fresh.root / "mappings/liste.yaml"
    path.write_text(CSV + "alais: Liste\n", "utf-8")
    assert fresh("check", "--fix").returncode == 0
    assert "alias: Liste" in path.read_text("utf-8")
    assert before == {path: path.read_bytes() for path in ready_blueprints().values()}


# -- the command -----------------------------------------------------------------------------------------------------


def test_the_blueprints_are_listed_and_one_is_explained(world: World) -> None:
    listed = world("blueprints", as_json=False).out
    assert all(name in listed for name in ready_blueprints())
    (one,) = world("blueprints", "hiorg_fe2").json["blueprints"]
    needed = [entry["name"] for entry in one["inputs"] if entry["needed"]]
    assert needed == ["connection", "gruppen", "alarmgruppen"]
    text = world("blueprints", "hiorg_fe2", as_json=False).out
    assert one["description"] in text
    assert "      gruppen: …" in text
    assert "mindestens (default: 10)" in text


def test_an_unknown_blueprint_gets_the_one_that_was_meant(world: World) -> None:
    result = world("blueprints", "hiorg_f2.yaml", as_json=False)
    assert result.code == 2
    assert "hiorg_fe2.yaml" in result.err
    assert world("blueprints", "--copy", as_json=False).code == 2


# -- the rules of a brigade ------------------------------------------------------------------------------------------


def test_every_rule_of_the_brigade_is_written_down_and_marked_where_it_is_done() -> None:
    rules = [int(number) for number in re.findall(r"^(\d+)\. .*", readme_rules(), re.MULTILINE)]
    mapping = (BRIGADE / "mappings/brigade.yaml").read_text("utf-8").split("\ntests:")[0]
    configuration = (BRIGADE / "mappings/configuration.yaml").read_text("utf-8")
    marked = {int(number) for comment in re.findall("#.*", mapping) for number in re.findall(r"\((\d+)\)", comment)}

    assert rules == list(range(1, 34))
    assert marked | {int(number) for number in re.findall(r"Regel (\d+)", configuration)} == set(rules)


def test_every_group_of_rules_has_a_test() -> None:
    """All but the guard's and those of the connection, which no single row shows."""
    tests = (BRIGADE / "mappings/brigade.yaml").read_text("utf-8").split("\ntests:")[1]
    shown = {int(n) for found in re.findall(r"name: .*\(([\d, ]+)\)$", tests, re.MULTILINE) for n in found.split(", ")}
    assert set(range(1, 34)) - shown == {4, 5, 6, 7, 8, 12, 31, 33}


def readme_rules() -> str:
    return (BRIGADE / "README.md").read_text("utf-8").split("## Ausprobieren")[0]


@of_all("05-brigade")
def test_an_alarm_group_that_fe2_does_not_have_rejects_the_entry(example: Program) -> None:
    path = example.root / "mappings/brigade.yaml"
    path.write_text(path.read_text("utf-8").replace("RS: [Alarm Sanität]", "RS: [Alarm Sani]"), "utf-8")
    rows = example.json("preview", "brigade")["rows"]
    (wrong,) = [row for row in rows if row["problems"]]
    assert wrong["key"] == "0004"
    assert "Alarm Sanität" in wrong["problems"][0]["hint"]


@of_all("05-brigade")
def test_a_list_of_nine_is_refused_and_who_is_on_leave_is_removed(example: Program, fe2: Fe2Simulator) -> None:
    example.carry_out()
    path = example.root / "inbox/hiorg.json"
    found = json.loads(path.read_text("utf-8"))
    found["data"][1]["attributes"]["status"] = "beurlaubt"
    path.write_text(json.dumps(found), "utf-8")
    assert example.json("run", "brigade")["actions"][0]["removed"] == 1
    assert "FF-0002" not in fe2.persons
    path.write_text(json.dumps({"data": found["data"][:9]}), "utf-8")
    report = example.json("run", "brigade", code=1)
    assert (report["status"], report["problems"][0]["code"]) == ("refused", "min_rows")
