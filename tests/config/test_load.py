"""A project folder is read as a whole: all good mappings, and all problems of all files at once."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cli.door import EXIT_FAILED, run
from engine.config.load import Memory, load
from engine.config.memory import stamp_of
from engine.config.yaml import Reader
from engine.i18n import use_language
from engine.sync.script import problems_of
from tests.config.folder import CONFIGURATION, MAPPING, Folder


def test_a_good_project_has_no_problems(folder: Folder) -> None:
    folder.write("personal.yaml", MAPPING)
    project = folder.load()
    assert problems_of(project) == []
    assert list(project.mappings) == ["personal"]
    assert list(project.connections) == ["fe2", "gh"]


def test_a_folder_without_a_configuration_says_so(tmp_path: Path) -> None:
    assert [problem.code for problem in load(tmp_path).problems] == ["no_configuration"]


def test_an_empty_configuration_means_the_defaults(folder: Folder) -> None:
    folder.write("configuration.yaml", "")
    assert folder.problems() == []
    assert folder.load().configuration.timezone == "Europe/Berlin"


def test_one_mistake_in_the_configuration_leaves_its_other_values(folder: Folder) -> None:
    folder.write("configuration.yaml", "timezone: Europe/Vienna\nkep: {}\nlanguage: fr\n")
    assert folder.said() == [
        ("configuration.yaml:2:1", "unknown_key"),
        ("configuration.yaml:3:11", "value_not_allowed"),
    ]
    assert folder.load().configuration.timezone == "Europe/Vienna"


# -- which files -----------------------------------------------------------------------------------------------------


def test_sub_folders_are_read_and_blueprints_tables_secrets_and_hidden_files_are_not(folder: Folder) -> None:
    for name in ("a.yaml", "sub/b.yml", "sub/blueprints/c.yaml", "sub/configuration.yaml"):
        folder.write(name, MAPPING)
    for name in ("blueprints/x.yaml", "tables/x.yaml", "secrets.example.yaml", ".x.yaml", ".git/x.yaml", "x.txt"):
        folder.write(name, "!!")
    assert sorted(folder.load().ids) == ["a", "b", "c", "configuration"]


def test_an_empty_mapping_is_reported(folder: Folder) -> None:
    for name, content in {"a.yaml": "", "b.yaml": "# nothing", "c.yaml": "null", "d.yaml": "~\n"}.items():
        folder.write(name, content)
    assert {code for _place, code in folder.said()} == {"mapping_empty"}
    assert len(folder.said()) == 4


@pytest.mark.parametrize("content", ["text", "- a\n- b", "5", '"{{ x }}"'])
def test_a_file_that_is_no_mapping_is_reported_once(folder: Folder, content: str) -> None:
    folder.write("personal.yaml", content)
    assert folder.said() == [("personal.yaml:1:1", "expected_mapping")]


# -- ids -------------------------------------------------------------------------------------------------------------


def test_the_id_is_the_name_of_the_file_unless_it_says_another(folder: Folder) -> None:
    folder.write("one.yaml", MAPPING)
    folder.write("sub/two.yaml", "id: 'zwei'\n" + MAPPING)
    folder.write("three.yaml", "id:\n" + MAPPING)
    assert sorted(folder.load().mappings) == ["one", "three", "zwei"]


def test_an_id_used_twice_is_reported_in_the_second_file(folder: Folder) -> None:
    folder.write("a.yaml", MAPPING)
    folder.write("b.yaml", "alias: x\nid: a\n" + MAPPING)
    problem = folder.problem()
    assert (problem.code, str(problem.at), problem.at.path) == ("duplicate_id", "mappings/b.yaml:2:5", ("id",))
    assert "mappings/a.yaml" in problem.message


@pytest.mark.parametrize("broken", ["a.yaml", "b.yaml"])
@pytest.mark.parametrize("mistake", ["]]}{{[\n", "\x00\n", "enabled: maybe\n"])
def test_an_id_used_twice_is_reported_also_when_a_file_is_broken(folder: Folder, broken: str, mistake: str) -> None:
    for name in ("a.yaml", "b.yaml"):
        folder.write(name, "id: same\n" + (mistake if name == broken else "") + MAPPING)
    said = folder.said()
    assert ("b.yaml:1:5", "duplicate_id") in said
    assert len(said) == 2


def test_the_same_file_name_in_two_folders_is_the_same_id(folder: Folder) -> None:
    folder.write("a.yaml", MAPPING)
    folder.write("sub/a.yaml", MAPPING)
    assert folder.said() == [("sub/a.yaml:1:1", "duplicate_id")]


@pytest.mark.parametrize("name", ["two words", "-x", "a/b", "ä" * 101, "x\ty"])
def test_an_id_must_be_a_name(folder: Folder, name: str) -> None:
    folder.write("personal.yaml", f"id: {json.dumps(name)}\n" + MAPPING)
    assert folder.said() == [("personal.yaml:1:5", "bad_name")]


def test_a_file_name_that_is_no_id_is_told_what_to_do(folder: Folder) -> None:
    folder.write("Personal 2026.yaml", MAPPING)
    assert folder.problem().hint.startswith("Write `id: …` into the file, or rename it.")


def test_german_letters_may_stand_in_an_id(folder: Folder) -> None:
    folder.write("fördermitglieder.yaml", MAPPING)
    assert list(folder.load().mappings) == ["fördermitglieder"]


# -- singular, plural, single entries --------------------------------------------------------------------------------


@pytest.mark.parametrize("trigger", ["trigger", "triggers"])
@pytest.mark.parametrize("condition", ["condition", "conditions"])
@pytest.mark.parametrize("action", ["action", "actions"])
@pytest.mark.parametrize("platform", ["platform", "trigger"])
@pytest.mark.parametrize("dash", ["- ", "  "])
def test_home_assistants_spellings(
    folder: Folder, trigger: str, condition: str, action: str, platform: str, dash: str
) -> None:
    folder.write(
        "personal.yaml",
        MAPPING.replace("actions:", f"{action}:").replace("  - action:", f"  {dash}action:")
        + f"{trigger}:\n  {dash}{platform}: file\n    path: inbox/*.csv\n"
        + f'{condition}: "{{{{ source.rows > 20 }}}}"\n',
    )
    mapping = folder.mapping()
    assert [entry.trigger for entry in mapping.triggers] == ["file"]  # type: ignore[attr-defined]
    assert [path for _model, path in mapping.conditions] == [("conditions", 0)]
    assert [(made.id, made.path) for made in mapping.actions] == [("fe2.sync", ("actions", 0))]


def test_singular_and_plural_at_once_are_one_too_many(folder: Folder) -> None:
    folder.write("personal.yaml", MAPPING + "trigger: {trigger: mapping}\ntriggers: [{trigger: mapping}]\n")
    problem = folder.problem()
    assert (problem.code, problem.message) == ("duplicate_key", "trigger and triggers mean the same.")


def test_a_misspelled_platform_is_at_its_place(folder: Folder) -> None:
    folder.write("personal.yaml", MAPPING + "triggers:\n  - platform: flie\n    path: x\n")
    problem = folder.problem()
    assert (problem.code, str(problem.at)) == ("unknown_trigger", "mappings/personal.yaml:15:15")


# -- triggers and conditions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("{trigger: file}", "key_missing"),
        ("{trigger: time, at: '25:00'}", "expected_time"),
        ("{trigger: time, at: }", "value_missing"),
        ("{trigger: time, at: []}", "value_missing"),
        ("{trigger: time, at: '03:00', weekday: [mo]}", "expected_weekday"),
        ("{trigger: time_pattern}", "key_missing"),
        ("{trigger: time_pattern, hours: often}", "expected_pattern"),
        ("{trigger: time_pattern, hours: 24}", "number_out_of_range"),
        ("{trigger: time_pattern, minutes: /60}", "number_out_of_range"),
        ("{trigger: mapping, path: x}", "unknown_key"),
        ("{trigger: webhook}", "unknown_trigger"),
        ("{tigger: mapping}", "unknown_key"),
        ("{path: inbox/x.csv}", "key_missing"),
        ("file", "key_missing"),
        ("", "key_missing"),
        ("[]", "key_missing"),
        ("{trigger: [file]}", "key_missing"),
        ("{trigger: !secret none}", "secret_missing"),
    ],
)
def test_a_mistake_in_a_trigger_is_one_problem(folder: Folder, entry: str, code: str) -> None:
    folder.write("personal.yaml", MAPPING + f"triggers:\n  - {entry}\n")
    problem = folder.problem()
    assert (problem.code, problem.at.path[:2]) == (code, ("triggers", 0))
    assert problem.hint


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("source.rows > 20", "condition_without_braces"),
        ("{condition: template, value_template: source.rows > 20}", "condition_without_braces"),
        ("{condition: template}", "key_missing"),
        ("{condition: time}", "key_missing"),
        ("{condition: time, after: soon}", "expected_time"),
        ("{condition: state}", "unknown_condition"),
        ("{condition: time, before: '10:00', weekdays: mon}", "unknown_key"),
    ],
)
def test_a_mistake_in_a_condition_is_one_problem(folder: Folder, entry: str, code: str) -> None:
    folder.write("personal.yaml", MAPPING + f"conditions:\n  - {entry}\n")
    assert (folder.problem().code, folder.problem().at.path[:2]) == (code, ("conditions", 0))


# -- actions and connections -----------------------------------------------------------------------------------------


def test_the_second_action_of_a_kind_gets_a_number(folder: Folder) -> None:
    action = MAPPING.split("actions:\n")[1]
    own = action.replace("connection: fe2", "id: fe2.sync_2\n    connection: fe2")
    folder.write(
        "personal.yaml", MAPPING + own + action + action.replace("connection: fe2", "id:\n    connection: fe2")
    )
    assert [made.id for made in folder.mapping().actions] == ["fe2.sync", "fe2.sync_2", "fe2.sync_3", "fe2.sync_4"]


def test_an_id_of_two_actions_is_reported(folder: Folder) -> None:
    action = MAPPING.split("actions:\n")[1].replace("connection: fe2", "id: one\n    connection: fe2")
    folder.write("personal.yaml", MAPPING.split("  - action")[0] + action + action)
    problem = folder.problem()
    assert (problem.code, problem.at.path) == ("duplicate_id", ("actions", 1, "id"))


@pytest.mark.parametrize("actions", ["actions:", "actions: []", "actions: ~"])
def test_a_mapping_needs_an_action(folder: Folder, actions: str) -> None:
    folder.write("personal.yaml", MAPPING.split("actions:")[0] + actions + "\n")
    assert folder.said() == [("personal.yaml:7:1", "no_actions")]


def test_mappings_do_not_complain_about_connections_while_the_configuration_can_not_be_read(folder: Folder) -> None:
    folder.write("personal.yaml", MAPPING)
    for content in (CONFIGURATION + "]]}{{[\n", "connections: !include nothing.yaml\n", "connections: text\n"):
        folder.write("configuration.yaml", content)
        ((place, _code),) = folder.said()
        assert place.startswith("configuration.yaml:")


def test_without_any_connection_the_name_of_one_is_unknown(folder: Folder) -> None:
    folder.write("configuration.yaml", "language: en\n")
    folder.write("personal.yaml", MAPPING)
    assert folder.said() == [("personal.yaml:9:17", "unknown_connection")]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("type: fe2", "type: fe3", "unknown_type"),
        ("type: fe2", "typ: fe2", "unknown_key"),
        ("    type: fe2\n", "", "key_missing"),
        ("type: fe2", "type:", "key_missing"),
        ("access_key: 3f9c0a7be2", "acces_key: 3f9c0a7be2", "unknown_key"),
        ("    access_key: 3f9c0a7be2\n", "", "key_missing"),
        ("access_key: 3f9c0a7be2", "access_key:", "value_missing"),
        ("access_key: 3f9c0a7be2", "access_key: [3f9c0a7be2]", "expected_text"),
        ("url: https://fe2.example.org:83", "url: fe2.example.org", "expected_url"),
        ("url: https://fe2.example.org:83", "url: https://fe2.example.org:83\n    timeout: 0", "expected_duration"),
        ("url: https://fe2.example.org:83", "url: https://fe2.example.org:83\n    first_sync: og", "value_not_allowed"),
        ("  fe2:\n", "  fe 2:\n", "bad_name"),
    ],
)
def test_a_mistake_in_a_connection_is_one_problem(folder: Folder, old: str, new: str, code: str) -> None:
    assert old in CONFIGURATION
    folder.write("configuration.yaml", CONFIGURATION.replace(old, new, 1))
    folder.write(
        "personal.yaml", MAPPING.replace("connection: fe2", f"connection: {'fe 2' if 'fe 2' in new else 'fe2'}")
    )
    problem = folder.problem()
    assert (problem.code, problem.at.file) == (code, "mappings/configuration.yaml")
    assert problem.hint
    assert folder.load().errors_of(folder.mappings / "personal.yaml") == [problem]


def test_addresses_for_notices_are_known_by_name(folder: Folder) -> None:
    folder.write("configuration.yaml", CONFIGURATION + "notify: {leitung: 'mailto://x', default: [leitng], x: [a]}\n")
    folder.write("personal.yaml", MAPPING + "notify: [leitung, laitung]\n")
    assert folder.said() == [
        ("configuration.yaml:12:43", "unknown_notify"),
        ("configuration.yaml:12:55", "expected_text"),
        ("personal.yaml:14:19", "unknown_notify"),
    ]


# -- the source ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("{nr: Nr, name: [A, B]}", []),
        ("{nr: Nr, name: {heading: A, optional: yes}}", []),
        ("{nr: Nr, name: {heading: A, optinal: yes}}", ["unknown_key"]),
        ("{nr: Nr, name: {optional: yes}}", ["key_missing"]),
        ("{nr: Nr, name: }", ["value_missing"]),
        ("{nr: Nr, name: []}", ["value_missing"]),
        ("{nr: Nr, name: [A, [B]]}", ["expected_text"]),
        ("{nr: Nr, name: A, E-Mail: B}", ["bad_name"]),
        ("{nr: Nr, name: A, row: B}", ["bad_name"]),
        ("{nr: Nr, name: A, 1a: B}", ["bad_name"]),
        ("{nummer: Nr, name: A}", ["unknown_column", "heading_as_name"]),
        ("text", ["expected_mapping"]),
        ("!include nothing.yaml", ["include_missing"]),
    ],
)
def test_columns(folder: Folder, columns: str, said: list[str]) -> None:
    text = MAPPING.replace("    nr: Personalnummer\n    name: Name\n", "").replace("columns:", f"columns: {columns}")
    folder.write("personal.yaml", text)
    assert [code for _place, code in folder.said()] == said


def test_a_mistake_hides_no_other(folder: Folder) -> None:
    folder.write(
        "personal.yaml",
        """\
        enabeld: true
        source:
          path: inbox/personal.csv
          key: nr
          settle: soon
          columns:
            nr: Personalnummer
            name: {heading: Name, optinal: yes}
        variables:
          x: "{{ nam }}"
        actions:
          - action: fe2.sync
            conection: fe3
            fields:
              externalDbId: "{{ nr }}"
              lastNam: "{{ name | fone }}"
              alarmGroups: []
          - action: fe2.snyc
            connection: fe2
            fields: {x: "{{ y }}"}
        """,
    )
    assert folder.said() == [
        ("personal.yaml:1:1", "unknown_key"),
        ("personal.yaml:5:11", "expected_duration"),
        ("personal.yaml:8:27", "unknown_key"),
        ("personal.yaml:10:10", "unknown_name"),
        ("personal.yaml:13:5", "unknown_key"),
        ("personal.yaml:13:16", "unknown_connection"),
        ("personal.yaml:16:7", "unknown_field"),
        ("personal.yaml:16:27", "unknown_filter"),
        ("personal.yaml:18:13", "unknown_action"),
        ("personal.yaml:20:5", "field_missing"),
        ("personal.yaml:20:5", "field_missing"),
        ("personal.yaml:20:14", "unknown_field"),
        ("personal.yaml:20:21", "unknown_name"),
    ]


def test_the_hash_of_a_mapping_changes_with_any_value_and_not_with_a_secret(folder: Folder) -> None:
    folder.write("secrets.yaml", "path: one\n")
    text = MAPPING.replace("inbox/personal.csv", "!secret path")
    folder.write("personal.yaml", text)
    first = folder.mapping().hash
    folder.write("secrets.yaml", "path: two\n")
    assert folder.mapping().hash == first
    folder.write("personal.yaml", text + "# a comment\n")
    assert folder.mapping().hash == first
    folder.write("personal.yaml", text + "alias: x\n")
    assert folder.mapping().hash != first


def test_only_the_problems_of_some_mappings_may_be_asked_for(folder: Folder) -> None:
    for name in ("a", "b"):
        folder.write(f"{name}.yaml", MAPPING.replace("{{ nr }}", "{{ nrx }}") + "enabled: maybe\n")
    project = folder.load()
    assert {problem.at.file for problem in problems_of(project, ["a"])} == {"mappings/a.yaml"}
    assert len(problems_of(project, ["a"])) == 2


# -- secrets ---------------------------------------------------------------------------------------------------------

SECRET = "x7-Geheim!9"


def everything_said(folder: Folder, capsys: pytest.CaptureFixture[str]) -> str:
    """What ``check`` shows in both forms, and the problems themselves."""
    said = "".join(map(repr, folder.problems())) + "".join(map(str, folder.problems()))
    for more in ([], ["--json"]):
        assert run(["--project", str(folder.root), "check", *more]) == EXIT_FAILED
        printed = capsys.readouterr()
        said += printed.out + printed.err
    return said


@pytest.mark.parametrize(
    "line",
    [
        f"acces_key: {SECRET}",
        f"acess_kye: {SECRET}",
        f"pw: {SECRET}",
        f"zugang: {SECRET}",
        f'acces_key: "{SECRET}',
        f"access_key: {SECRET}\n    timeout: {SECRET}",
        f"access_key: @{SECRET}",
        f"access_key: !{SECRET}",
        f"access_key: *{SECRET}",
        f"access_key: [{SECRET}",
        f"acces_key:{SECRET}",
        f"acces_key {SECRET}",
        f"\tacces_key: {SECRET}",
        f"acces_key: {SECRET}: x",
        f"access_key: {SECRET}\n    first_sync: !secret key",
        f"access_key: {SECRET}\n    timeout: !secret key",
        f"access_key: {SECRET}\n    url: https://user:{SECRET}@host",
        f"{{access_key: {SECRET}",
    ],
)
def test_no_mistake_shows_a_password(folder: Folder, capsys: pytest.CaptureFixture[str], line: str) -> None:
    folder.write("secrets.yaml", f"key: {SECRET}\n")
    folder.write("configuration.yaml", CONFIGURATION.replace("access_key: 3f9c0a7be2", line))
    assert SECRET not in everything_said(folder, capsys)


@pytest.mark.parametrize(
    "content",
    [
        f"key: {SECRET}\nkey: {SECRET}\n",
        f"key: @{SECRET}\n",
        f"key: !{SECRET}\n",
        f"key: &{SECRET}\n",
        f"key: *{SECRET}\n",
        f"key:{SECRET}\nb: c\n",
        f"key {SECRET}\nb: c\n",
        f"\tkey: {SECRET}\n",
        f'key: "{SECRET}\n',
        f"key: '{SECRET}' {SECRET}\n",
        f"key: {SECRET}: x\n",
        f"key: [{SECRET}\n",
        f"{SECRET}\n",
        f"- {SECRET}\n",
    ],
)
def test_a_mistake_in_the_secrets_shows_none(folder: Folder, capsys: pytest.CaptureFixture[str], content: str) -> None:
    folder.write("secrets.yaml", content.encode())
    folder.write("configuration.yaml", CONFIGURATION.replace("3f9c0a7be2", "!secret key"))
    assert SECRET not in everything_said(folder, capsys)


def test_a_secret_in_a_mapping_is_shown_nowhere(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.write("secrets.yaml", f"key: {SECRET}\n")
    folder.write(
        "personal.yaml",
        MAPPING.replace("key: nr", "key: !secret key").replace("lastName:", "mobil: !secret key\n      firstnam:")
        + "expect_every: !secret key\nenabled: !secret key\nremoval: !secret key\nid: !secret key\n",
    )
    assert SECRET not in everything_said(folder, capsys)


def test_secrets_of_the_same_name_in_two_folders_are_both_hidden(folder: Folder) -> None:
    folder.write("secrets.yaml", "key: first-secret\n")
    folder.write("sub/secrets.yaml", "key: second-secret\n")
    for name in ("a.yaml", "sub/b.yaml"):
        folder.write(name, MAPPING + "alias: !secret key\n")
    assert folder.load().secrets >= {"first-secret", "second-secret"}


def test_a_project_does_not_show_its_secrets(folder: Folder) -> None:
    folder.write("secrets.yaml", f"key: {SECRET}\n")
    folder.write("configuration.yaml", CONFIGURATION.replace("3f9c0a7be2", "!secret key"))
    assert SECRET not in repr(folder.load())


def test_a_certificate_is_looked_for_in_the_project(folder: Folder) -> None:
    text = CONFIGURATION.replace("    access_key:", "    ca_file: certs/fe2.pem\n    access_key:")
    folder.write("configuration.yaml", text)
    assert [problem.code for problem in folder.problems()] == ["ca_file_missing"]
    (folder.root / "certs").mkdir()
    (folder.root / "certs" / "fe2.pem").write_text("a certificate", "utf-8")
    connection = folder.load().connections["fe2"]
    assert connection.ca_file == str(folder.root / "certs" / "fe2.pem")


# -- what is remembered ----------------------------------------------------------------------------------------------

BLUEPRINT = "blueprint:\n  name: x\n  input: {ordner: {}}\n" + MAPPING.replace("inbox/", "!input ordner #")
ZUG = MAPPING + "tables: !include_dir_named tables\n"
CONTENTS: dict[str, tuple[str | None, ...]] = {
    "configuration.yaml": (
        CONFIGURATION,
        CONFIGURATION.replace("fe2:\n", "other:\n"),
        CONFIGURATION.replace("3f9c0a7be2", "!secret key"),
        CONFIGURATION.replace("    url: https", "    ca_file: fe2.pem\n    url: https"),
        CONFIGURATION + "notify: !include ../notify.yaml\n",
        "language: [\n",
        None,
    ),
    "secrets.yaml": ("key: one-secret\n", "key: two-secret\n", "key:\n", "key: [\n", "{{ key }}: [x\n", None),
    "../notify.yaml": ("leitung: mailto://a@b\ndefault: [leitung]\n", "x: 1\n", "- [\n", None),
    "../fe2.pem": ("certificate", None),
    "a.yaml": (
        MAPPING,
        MAPPING.replace("{{ nr }}", "{{ name }}"),
        MAPPING + "id: b\n",
        MAPPING + "alias: !secret key\nnotify: leitung\n",
        MAPPING + "tables: {zug: !include tables/zug.yaml}\n",
        "source: {path: [\n",
        None,
    ),
    "b.yaml": (MAPPING, ZUG, ZUG + "id: a\n", MAPPING + "variables: !include wrong.yaml\n", "id: a\n- x", None),
    "sub/c.yaml": (
        "use_blueprint: {path: x.yaml, input: {ordner: inbox/}}\n",
        "use_blueprint: {path: x.yaml}\nid: a\n",
        "use_blueprint: {path: y.yaml, input: {ordner: !secret key}}\n",
        MAPPING + "triggers: !include ../tables/triggers.yaml\nalias: !env_var ABGLEICH_X\n",
        None,
    ),
    "d.yaml": (
        MAPPING.replace("columns:", "columns: !include tables/columns.yaml\n  exp:"),
        MAPPING.replace("actions:", "triggers: !include tables/triggers.yaml\nactions:"),
        MAPPING + "tables: {zug: !include tables/zug.yaml, b: !include tables/circle.yaml}\n",
        MAPPING + "alias: !include tables/circle.yaml\n",
        None,
    ),
    "sub/secrets.yaml": ("key: three-secret\n", "other: x\n", None),
    "blueprints/x.yaml": (BLUEPRINT, BLUEPRINT.replace("nr }}", "name }}"), "blueprint: [\n", None),
    "tables/zug.yaml": ("a: b\n", "a: c\n", "a: !secret key\n", "a: [\n", None),
    "tables/triggers.yaml": (
        "- {trigger: file, path: x}\n",
        "- {platform: file, path: x}\n",
        "- {trigger: file, pth: x}\n",
        None,
    ),
    "tables/columns.yaml": ("{nr: {heading: Nr, optionl: true}, name: Name}\n", "{nr: Nr, name: Name}\n", None),
    "tables/circle.yaml": ("!include zug.yaml\n", "x: !include circle.yaml\n", None),
    "wrong.yaml": ("a: b\n", None),
}
EDITS = [(name, content) for name, contents in CONTENTS.items() for content in contents]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from(EDITS), min_size=1, max_size=4), min_size=4, max_size=12), st.data())
def test_a_load_with_a_memory_gives_what_one_without_gives(
    tmp_path_factory: pytest.TempPathFactory, edits: list[list[tuple[str, str | None]]], data: st.DataObject
) -> None:
    folder = Folder(tmp_path_factory.mktemp("memory"))
    memory = Memory()
    for name in ("a.yaml", "b.yaml", "sub/c.yaml", "d.yaml", "blueprints/x.yaml", "tables/zug.yaml", "secrets.yaml"):
        folder.write(name, data.draw(st.sampled_from([text for text in CONTENTS[name] if text])))
    for changes in edits:
        for name, content in changes:
            if content is None:
                (folder.mappings / name).unlink(missing_ok=True)
            else:
                folder.write(name, content)
        with pytest.MonkeyPatch.context() as patch:
            if data.draw(st.booleans()):
                patch.setenv("ABGLEICH_X", data.draw(st.sampled_from("xy")))
            fresh = load(folder.root)
            remembered = load(folder.root, memory)
        for field in dataclasses.fields(fresh):
            assert getattr(remembered, field.name) == getattr(fresh, field.name), field.name
        assert list(remembered.mappings) == list(fresh.mappings)
        assert problems_of(remembered) == problems_of(fresh)


def read_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are parsed from now on."""
    names: list[str] = []
    read = Reader.read

    def noted(self: Reader, path: Path, *args: Any, **more: Any) -> Any:
        names.append(path.name)
        return read(self, path, *args, **more)

    monkeypatch.setattr(Reader, "read", noted)
    return names


def test_only_what_changed_is_read_again(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write("secrets.yaml", "key: 3f9c0a7be2\n")
    folder.write("configuration.yaml", CONFIGURATION.replace("3f9c0a7be2", "!secret key"))
    folder.write("tables/zug.yaml", "a: b\n")
    for number in range(20):
        folder.write(f"m{number}.yaml", MAPPING + "tables: {zug: !include tables/zug.yaml}\n" * (number < 3))
    memory = Memory()
    load(folder.root, memory)
    names = read_files(monkeypatch)
    load(folder.root, memory)
    assert names == []
    folder.write("m7.yaml", MAPPING + "alias: x\n")
    assert load(folder.root, memory).mappings["m7"].model.alias == "x"
    assert names == ["m7.yaml"]
    folder.write("tables/zug.yaml", "a: c\n")
    load(folder.root, memory)
    assert names[1:] == ["m0.yaml", "zug.yaml", "m1.yaml", "m2.yaml"]
    folder.write("secrets.yaml", "key: 7be23f9c0a\n")
    load(folder.root, memory)
    assert names[5:] == ["configuration.yaml", "secrets.yaml"]


def test_a_change_that_leaves_the_stamp_as_it_was_is_seen_while_the_file_is_young(folder: Folder) -> None:
    path = folder.write("a.yaml", MAPPING + "alias: one\n")
    later = 4_000_000_000  # a time that no clock has reached
    os.utime(path, (later, later))
    memory = Memory()
    load(folder.root, memory)
    path.write_bytes(path.read_bytes().replace(b"one", b"two"))
    os.utime(path, (later, later))
    memory.units[path].met.files[path].stamp = stamp_of(path)  # what a file system whose times are coarse shows
    assert load(folder.root, memory).mappings["a"].model.alias == "two"


def test_what_is_remembered_speaks_the_language_in_use(folder: Folder) -> None:
    folder.write("a.yaml", MAPPING + "alas: x\n")
    memory = Memory()
    load(folder.root, memory)
    use_language("de")
    assert load(folder.root, memory).problems == load(folder.root).problems


def test_a_mistake_in_a_file_that_two_mappings_include_keeps_both_from_running(folder: Folder) -> None:
    folder.write("tables/triggers.yaml", "- {trigger: file, path: x, idd: y}\n")
    for name in ("a.yaml", "b.yaml"):
        folder.write(name, MAPPING + "triggers: !include tables/triggers.yaml\n")
    assert folder.load().mappings == {}


def test_a_mapping_can_be_made_of_kept_texts(folder: Folder) -> None:
    folder.write("tables/zug.yaml", "a: b\n")
    path = folder.write("a.yaml", MAPPING + "tables: !include_dir_named tables\nalias: !secret key\n")
    folder.write("secrets.yaml", "key: old\n")
    memory = Memory()
    good = load(folder.root, memory).mappings["a"]
    texts = memory.units[path].met.texts()
    assert {text.name for text in texts} == {"a.yaml", "zug.yaml"}
    folder.write("secrets.yaml", "key: new\n")
    folder.write("tables/zug.yaml", "a: [\n")
    folder.write("tables/more.yaml", "a: b\n")
    path.unlink()
    folder.write("b.yaml", MAPPING + "id: a\n")
    kept = load(folder.root, memory, {path: texts}).mappings["a"]
    assert (kept.hash, kept.file, kept.model.tables) == (good.hash, path, {"zug": {"a": "b"}})
    assert kept.model.alias == "new"


@pytest.mark.parametrize(
    ("written", "code"),
    [('""', "value_missing"), ("„{{ source.rows }}“", "typographic_quotes"), ("true", "condition_without_braces")],
)
def test_a_bare_condition_that_says_nothing_is_a_problem_at_its_place(folder: Folder, written: str, code: str) -> None:
    folder.write("personal.yaml", f"conditions: {written}\n" + MAPPING)
    assert folder.said() == [("personal.yaml:1:13", code)]
    assert folder.problem().at.path == ("conditions", 0)


@pytest.mark.parametrize("written", ["[Name]", "Name", "Name, Jugend"])
def test_a_group_may_be_called_like_a_heading_of_the_list(folder: Folder, written: str) -> None:
    folder.write("personal.yaml", f"{MAPPING}      osGroups: {written}\n")
    assert folder.problems() == []


def test_a_group_that_is_called_like_a_column_was_meant_as_the_column(folder: Folder) -> None:
    folder.write("personal.yaml", f"{MAPPING}      osGroups: [name]\n      note: Name\n")
    assert [code for _place, code in folder.said()] == ["constant_is_name", "constant_is_name"]
