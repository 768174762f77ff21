"""``check --fix`` mends what is certain, and nothing else: comments, order, line ends and everything right stay."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cli.door import EXIT_FAILED, EXIT_OK, run
from engine.config.load import load
from engine.sync.fix import Mended, fix, write
from engine.sync.script import problems_of
from tests.config.folder import CONFIGURATION, MAPPING, Folder
from tests.config.test_fuzz import SEED
from tests.fuzz.mutate import mutated_text
from tests.golden.test_golden import CASES, HERE

WRONG = """\
id: personal   # Kommentar bleibt
alias: Export: Montag
auslöser:
  - auslöser: datei
    pfad: inbox/personal*.csv
quelle:
  pfad: inbox/personal*.csv
  schluessel: nr

  spalten:
    nr:   Personalnummer      # drei Leerzeichen
    name:Name
    email: {heading: E-Mail privat, optionl: true}
  where: name
variablen:
\tmobil: "{{ E-Mail privat }}"
aktionen:
  - aktion: fe2.sync
    verbindung: fe2
    felder:
      externalDbID: {{ nr }}   # wichtig
      nachname: „{{ name }}“
      firstName: [a, b]
      alarmGroups: []
"""
RIGHT = """\
id: personal   # Kommentar bleibt
alias: "Export: Montag"
triggers:
  - trigger: file
    path: inbox/personal*.csv
source:
  path: inbox/personal*.csv
  key: nr

  columns:
    nr:   Personalnummer      # drei Leerzeichen
    name: Name
    email: {heading: E-Mail privat, optional: true}
  where: "{{ name }}"
variables:
  mobil: "{{ email }}"
actions:
  - action: fe2.sync
    connection: fe2
    fields:
      externalDbId: "{{ nr }}"   # wichtig
      lastName: "{{ name }}"
      firstName: [a, b]
      alarmGroups: []
"""


GOOD = SEED.replace("!secret gruppe", "Alarm")


SLIPPED = """\
source:
  path: "C:/temp/x.csv"
  key: nr
  columns:
    nr: Nr
    zug: Zug
  where: "{{ zug != '9' }}"
variables:
  ort: "{{ zug }}"
tables:
  zuege:
    "1. Zug":
      - Alarm Zug 1
      - Alarm Nacht
    "2. Zug": [Alarm Zug 2]
actions:
  - action: fe2.sync
    connection: fe2
    fields:
      externalDbId: "{{ nr }}"
      lastName: "{{ ort }}"
      alarmGroups: "{{ zug | lookup('zuege') }}"
"""


def mend(folder: Folder) -> str:
    """The mapping as it is after ``check --fix``."""
    write(fix(folder.root).files)
    return (folder.mappings / "personal.yaml").read_bytes().decode()


def mended(folder: Folder, text: str) -> str:
    folder.write("personal.yaml", text.encode())
    return mend(folder)


def test_everything_certain_is_mended_and_the_rest_is_left(folder: Folder) -> None:
    assert mended(folder, WRONG) == RIGHT
    assert folder.said() == [("personal.yaml:23:18", "list_where_text")]


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_and_the_mark_at_the_start_stay(folder: Folder, end: str) -> None:
    assert mended(folder, "\ufeff" + WRONG.replace("\n", end)) == "\ufeff" + RIGHT.replace("\n", end)


def test_what_was_mended_is_mended(folder: Folder) -> None:
    mended(folder, WRONG)
    assert fix(folder.root).files == ()


def test_what_comes_to_light_behind_a_mistake_is_mended_with_it(folder: Folder) -> None:
    text = GOOD.replace("fe2.sync\n", "fe2.snyc\n").replace("lastName:", "nachname:")
    assert mended(folder, text) == GOOD


def test_a_key_that_could_be_two_is_left_alone(folder: Folder) -> None:
    text = SEED.replace("max_shrink: 30%", "max_r: 30%")
    assert mended(folder, text) == text


def test_a_name_in_a_template_is_left_alone_since_it_may_be_another_column(folder: Folder) -> None:
    text = SEED.replace("{{ nr | phone }}", "{{ nrr | phone }}")
    assert mended(folder, text) == text


def test_a_key_that_stands_there_already_is_not_made_twice(folder: Folder) -> None:
    text = SEED.replace("id: personal", "id: personal\nquelle: {path: x.csv}")
    assert mended(folder, text) == text


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("  where: ", "  where = "),
        ("  where: ", "  where="),
        ("  where: ", "   where: "),
        ("  where: ", " where: "),
        ("actions:", " actions:"),
        ("variables:", "   variables:"),
        ("source:", " source:"),
        ("  columns:", "   columns:"),
        ('"1. Zug":', "„1. Zug“:"),
        ("      - Alarm Zug 1", "      Alarm Zug 1"),
        ("      - Alarm Zug 1", "      -Alarm Zug 1"),
        ("      - Alarm Zug 1\n      - Alarm Nacht", "      -Alarm Zug 1\n      - Alarm Nacht"),
        ("      - Alarm Zug 1\n      - Alarm Nacht", "      Alarm Zug 1\n      Alarm Nacht"),
        ('"C:/temp/x.csv"', '"C:\\temp\\x.csv"'),
    ],
)
def test_a_slip_of_one_sign_is_mended_to_what_was_meant(folder: Folder, right: str, wrong: str) -> None:
    assert right in SLIPPED
    assert mended(folder, SLIPPED.replace(right, wrong, 1)) == SLIPPED


def test_secrets_are_never_touched(folder: Folder) -> None:
    path = folder.write("secrets.yaml", b"fe2_key: @3f9c0a7be2\ngruppe: Alarm Zug 2\n")
    folder.write("configuration.yaml", CONFIGURATION.replace("3f9c0a7be2", "!secret fe2_key"))
    mended(folder, SEED)
    assert path.read_bytes() == b"fe2_key: @3f9c0a7be2\ngruppe: Alarm Zug 2\n"


def test_a_blueprint_is_mended_once_for_all_that_use_it(folder: Folder) -> None:
    head = "blueprint:\n  name: X\n  input: {c: {default: fe2}}\n"
    text = head + GOOD.replace("id: personal\n", "").replace("connection: fe2", "verbindung: !input c")
    path = folder.write("blueprints/x.yaml", text.encode())
    folder.write("one.yaml", "use_blueprint: {path: x.yaml}\n")
    folder.write("two.yaml", "use_blueprint: {path: x.yaml}\n")
    write(fix(folder.root).files)
    assert path.read_text("utf-8") == text.replace("verbindung", "connection")
    assert folder.problems() == []


def test_only_the_mappings_that_are_named_are_mended(folder: Folder) -> None:
    text = GOOD.replace("source:", "quelle:")
    one, two = (folder.write(f"{name}.yaml", text.replace("id: personal", f"id: {name}").encode()) for name in "ab")
    write(fix(folder.root, ["a"]).files)
    assert "\nsource:" in one.read_text("utf-8")
    assert "\nquelle:" in two.read_text("utf-8")


def test_a_mapping_that_gets_its_id_by_being_mended_is_still_the_one_that_was_named(folder: Folder) -> None:
    folder.write("personal.yaml", GOOD.replace("id: personal", "Id: anders").replace("{{ nr |", "{{ nrr |").encode())
    fixed = fix(folder.root, ["personal"])
    assert [problem.code for problem in fixed.mended] == ["unknown_key"]
    assert [problem.code for problem in fixed.problems] == ["unknown_name"]


def test_a_file_indented_by_tabs_becomes_what_every_editor_showed(folder: Folder) -> None:
    tabs = (
        GOOD.replace("      - {", "\t\t\t\t- {")
        .replace("      ", "\t\t\t")
        .replace("    ", "\t\t")
        .replace("\n  ", "\n\t")
    )
    assert "\n\t" in tabs
    mended(folder, tabs)
    assert folder.problems() == []
    assert "\t" not in (folder.mappings / "personal.yaml").read_text("utf-8")


def test_a_stray_tab_among_blanks_follows_its_neighbours(folder: Folder) -> None:
    assert mended(folder, GOOD.replace("      lastName", "\tlastName")) == GOOD


def test_a_file_that_changed_meanwhile_is_left_alone(folder: Folder) -> None:
    path = folder.write("personal.yaml", WRONG.encode())
    files = fix(folder.root).files
    path.write_bytes(b"id: anders\n")
    write(files)
    assert path.read_bytes() == b"id: anders\n"


@pytest.mark.skipif(os.name != "posix", reason="making links needs rights on Windows")
def test_a_link_stays_a_link_and_a_file_keeps_its_permissions(folder: Folder) -> None:
    real = folder.root / "elsewhere.yaml"
    real.write_bytes(WRONG.encode())
    real.chmod(0o640)
    (folder.mappings / "personal.yaml").symlink_to(real)
    assert mend(folder) == RIGHT
    assert (folder.mappings / "personal.yaml").is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in folder.root.rglob("*.tmp")) == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_takes_no_file_is_told(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.write("personal.yaml", WRONG.encode())
    folder.mappings.chmod(0o500)
    try:
        assert check(folder, "--fix") == EXIT_FAILED
    finally:
        folder.mappings.chmod(0o700)
    assert "[file_not_writable]" in capsys.readouterr().out


def test_a_file_that_is_gone_is_told(folder: Folder) -> None:
    from engine.problems import UserMustFix

    with pytest.raises(UserMustFix) as told:
        write([Mended(folder.mappings / "gone.yaml", "a", "b")])
    assert [problem.code for problem in told.value.problems] == ["file_not_writable"]


# -- the command -----------------------------------------------------------------------------------------------------


def check(folder: Folder, *words: str) -> int:
    return run(["--project", str(folder.root), "check", *words])


def test_the_difference_is_shown_and_what_is_left_to_do(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.write("personal.yaml", GOOD.replace("{{ nr |", "{{ nrr |").encode())
    folder.write("other.yaml", GOOD.replace("personal", "other").encode())
    path = folder.mappings / "other.yaml"
    path.write_bytes(path.read_bytes().replace(b"source: &source", b"quelle:"))
    assert check(folder, "--fix") == EXIT_FAILED
    said = capsys.readouterr().out
    assert said.startswith("--- mappings/other.yaml\n+++ mappings/other.yaml\n@@ ")
    assert "\n-quelle:\n+source:\n" in said
    assert "\n1 mistake was mended.\nLeft to do by hand:\nThe mapping personal is not used as it stands.\n" in said
    assert said.endswith("1 error, 0 warnings\n")


def test_where_all_is_mended_all_is_in_order(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.write("personal.yaml", GOOD.replace("source: &source", "quelle:").encode())
    assert check(folder, "--fix") == EXIT_OK
    assert capsys.readouterr().out.endswith("1 mistake was mended.\nEverything is in order.\n")


def test_programs_get_what_was_mended_and_what_is_left(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.write("personal.yaml", WRONG.encode())
    assert check(folder, "--fix", "--json") == EXIT_FAILED
    document = json.loads(capsys.readouterr().out)
    assert (document["ok"], [one["code"] for one in document["problems"]]) == (False, ["list_where_text"])
    found = {(one["line"], one["code"]): (one["before"], one["after"]) for one in document["fixed"]}
    assert found[12, "yaml_colon"] == ("    name:Name", "    name: Name")
    assert found[3, "unknown_key"] == ("auslöser:", "triggers:")


@pytest.mark.parametrize(
    ("wrong", "promised"),
    [
        ("{{ name oder nr }}", True),
        # behind the heading comes to light what a person must decide
        ("{{ Familienname (alt) | fone }}", False),
        ("{{ upper(nam) }}", False),
    ],
)
def test_a_mend_is_promised_only_where_it_is_possible(
    folder: Folder, capsys: pytest.CaptureFixture[str], wrong: str, promised: bool
) -> None:
    text = MAPPING.replace("{{ name }}", wrong).replace("name: Name", "name: Familienname (alt)")
    folder.write("personal.yaml", text)
    check(folder)
    assert ("check --fix` mends 1 of them" in capsys.readouterr().out) is promised
    assert (check(folder, "--fix") == EXIT_OK) is promised


def test_a_password_in_a_mended_line_is_not_shown(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.write("configuration.yaml", CONFIGURATION.replace("access_key: 3f9c", "zugriffsschlüssel: @3f9c"))
    check(folder, "--fix")
    said = capsys.readouterr().out
    assert "+    access_key: …" in said
    assert "3f9c0a7be2" not in said
    assert 'access_key: "@3f9c0a7be2"' in (folder.mappings / "configuration.yaml").read_text("utf-8")


# -- whatever stands there ---------------------------------------------------------------------------------------------


def test_what_check_offers_to_mend_is_mended(tmp_path: Path) -> None:
    """In every broken project that goes with the messages."""
    offered, kept = [], []
    for case in CASES:
        root = tmp_path / case
        shutil.copytree(HERE / case, root)
        for secrets in root.rglob("secrets.yaml.in"):
            secrets.rename(secrets.with_suffix(""))
        problems = problems_of(load(root))
        if any(problem.fixes for problem in problems):
            offered.append(case)
            kept += [case] if fix(root).problems else []
    assert kept == []
    assert len(offered) > 25


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_stands_there_it_gets_better_or_stays(seed: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Folder(Path(name).resolve() / "project")
        folder.write("secrets.yaml", "gruppe: Alarm Zug 2\n")
        before = mutated_text(SEED, Random(seed)).encode("utf-8", "surrogatepass")
        path = folder.write("personal.yaml", before)
        problems = folder.problems()
        fixed = fix(folder.root)
        write(fixed.files)
        if not any(problem.severity == "error" for problem in problems):
            assert path.read_bytes() == before
        assert folder.problems() == list(fixed.problems)
        assert len(fixed.problems) <= len(problems) - bool(fixed.mended)
        assert fix(folder.root).files == ()


TEST = '  - name: a\n    row: {nr: 1}\n    expect: {fe2.sync: {lastName: ""}}\n'
WITH_DASHES = f"triggers:\n  - trigger: mapping\n{MAPPING}tests:\n{TEST}"


@pytest.mark.parametrize("word", ["trigger", "action", "name"])
def test_a_dash_without_a_blank_gets_one(folder: Folder, word: str) -> None:
    text = WITH_DASHES.replace(f"- {word}:", f"-{word}:")
    folder.write("personal.yaml", text)
    problem = folder.problem()
    assert (problem.code, problem.at.line) == ("yaml_dash", text[: text.index(f"-{word}")].count("\n") + 1)
    assert mended(folder, text) == WITH_DASHES
    assert folder.problems() == []


def test_all_dashes_of_a_list_get_their_blanks(folder: Folder) -> None:
    right = 'triggers:\n  - trigger: mapping\n  - trigger: time\n    at: "03:00"\n  - trigger: mapping\n' + MAPPING
    assert mended(folder, right.replace("- trigger", "-trigger")) == right


def test_a_dash_in_a_text_or_a_word_of_a_table_is_left_alone(folder: Folder) -> None:
    text = f'description: |\n  -name: so\n{MAPPING}tables:\n  t:\n    -x: [A]\n    "-name": [B]\n'
    assert mended(folder, text) == text
    assert folder.problems() == []


@pytest.mark.parametrize("blank", ["\u00a0", "\u2007", "\u202f"])
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("  ", "XX"),
        ("  ", " X"),
        ("    ", "XX  "),
        ("  key: nr", "X key: nr"),
        ("key: nr", "key:Xnr"),
        ("nr: Pers", "nr:XPers"),
        ("- action", "-Xaction"),
        ("actions:\n", "XX\nactions:\nXX# so\n"),
    ],
)
def test_non_breaking_blanks_are_one_problem_that_names_them(
    folder: Folder, right: str, wrong: str, blank: str
) -> None:
    text = WITH_DASHES.replace(right, wrong.replace("X", blank))
    folder.write("personal.yaml", text.encode())
    problem = folder.problem()
    assert problem.code == "yaml_blank"
    assert "non-breaking" in problem.message
    line = text.split("\n")[(problem.at.line or 0) - 1]
    assert blank in line[(problem.at.column or 0) - 1 :][:2]
    assert mended(folder, text) == text.replace(blank, " ")
    assert folder.problems() == []


def test_non_breaking_blanks_in_texts_are_left_alone(folder: Folder) -> None:
    texts = 'description: |\n  eins\n  \u00a0\u00a0zwei\nalias: "a\u00a0b"\n'
    text = f"{texts}{MAPPING}tables:\n  t:\n    1.\u00a0Zug: [A\u00a0B]\n"
    assert mended(folder, text) == text
    assert folder.problems() == []


def test_tabs_and_non_breaking_blanks_are_two_problems(folder: Folder) -> None:
    text = MAPPING.replace("  key", "\u00a0\u00a0key").replace("      lastName", "\tlastName")
    folder.write("personal.yaml", text.encode())
    assert sorted(code for _place, code in folder.said()) == ["tab_indentation", "yaml_blank"]
    assert mended(folder, text) == MAPPING
