"""Editor and engine agree: what is right validates, a wrong key does not, and every key says what it means.

Files are read here as an editor reads them: by YAML's own rules, and a tagged value is the text behind its tag.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from engine.cli.schema import EDITOR, SCHEMA
from engine.config.yaml import TAGS
from engine.i18n import language, use_language
from engine.sync.schema import KINDS, editor_schema, schema_of
from tests.world import World

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden"
MAPPINGS = [ROOT / "mappings", *sorted(path / "mappings" for path in (ROOT / "examples").iterdir() if path.is_dir())]
FILES = sorted(file for folder in MAPPINGS for file in folder.rglob("*.yaml"))

# What a schema can see: wrong, missing and misplaced keys, and words out of a fixed choice.
STRUCTURAL = {
    "unknown_key",
    "unknown_field",
    "unknown_action",
    "unknown_trigger",
    "unknown_condition",
    "unknown_type",
    "unknown_choice",
    "key_missing",
    "field_missing",
    "match_missing",
    "value_not_allowed",
    "list_where_text",
}
# Only the whole project tells which actions a mapping has.
UNSEEN = {"unknown_action_in_test", "where_below_columns"}


def editor_reads(text: str) -> Any:
    yaml = YAML(typ="safe", pure=True)
    for tag in TAGS:
        yaml.constructor.add_constructor(tag, lambda constructor, node: node.value)
    return json.loads(json.dumps(yaml.load(text), default=str))


def complaints(schema: dict[str, Any], text: str) -> list[str]:
    validator = jsonschema.Draft7Validator(schema)
    return [error.message for error in validator.iter_errors(editor_reads(text))]


@pytest.fixture(autouse=True)
def same_language() -> Iterator[None]:
    before = language()
    yield
    use_language(before)


@pytest.mark.parametrize("kind", KINDS)
def test_the_schemas_are_schemas(kind: str) -> None:
    jsonschema.Draft7Validator.check_schema(schema_of(kind))
    jsonschema.Draft7Validator.check_schema(editor_schema())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_file_of_every_project_here_is_right_in_an_editor(path: Path) -> None:
    text = path.read_text("utf-8")
    assert complaints(editor_schema(), text) == []
    if path.name == "configuration.yaml":
        assert complaints(schema_of("configuration"), text) == []
    elif "blueprints" in path.parts:
        assert complaints(schema_of("blueprint"), text) == []
    elif not path.name.startswith("secrets") and "tables" not in path.parts:
        assert complaints(schema_of("mapping"), text) == []


def structural_cases() -> list[str]:
    found = []
    for path in sorted(GOLDEN.glob("*/expected*.txt")):
        code = re.search(r"\[(\w+)\]", path.read_text("utf-8"))
        if code is not None and code[1] in STRUCTURAL and path.parent.name not in UNSEEN:
            found.append(path.parent.name)
    return sorted(set(found))


@pytest.mark.parametrize("case", structural_cases())
def test_a_wrong_key_is_underlined(case: str) -> None:
    """A file that is no YAML at all is underlined by the editor itself."""
    wrong = []
    for path in (GOLDEN / case / "mappings").rglob("*.yaml"):
        try:
            wrong += complaints(editor_schema(), path.read_text("utf-8"))
        except YAMLError as error:
            wrong.append(str(error))
    assert wrong != []


def test_there_are_structural_cases_of_many_kinds() -> None:
    assert len(structural_cases()) >= 15


@pytest.mark.parametrize(
    "text",
    [
        "use_blueprint: {path: fe2.yaml, input: {connection: fe2}}\nid: personal\n",
        "source: !include source.yaml\nactions: !include_dir_list actions\n",
        "source: {path: a.csv, key: nr, columns: !include columns.yaml}\nactions: [!include fe2.yaml]\n",
        'source: {path: a.csv, key: nr, where: "{{ nr }}"}\naction: !include fe2.yaml\n',
        "source: {path: !env_var LIST a.csv, key: nr, settle: {seconds: 5}, archive: Keep}\nactions: !include a.yaml\n",
    ],
)
def test_tags_and_short_forms_are_right(text: str) -> None:
    assert complaints(schema_of("mapping"), text) == []
    assert complaints(editor_schema(), text) == []


def test_a_blueprint_takes_inputs_everywhere() -> None:
    text = """\
blueprint:
  name: Liste nach FE2
  input:
    connection: {name: Verbindung, selector: {text: }}
    removal:
source: {path: !input path, key: nr, columns: !input columns, archive: !input archive, expect: !input expect}
actions:
  - action: fe2.sync
    connection: !input connection
    removal: !input removal
    fields: {externalDbId: "{{ nr }}", alarmGroups: !input groups}
"""
    assert complaints(schema_of("blueprint"), text) == []
    assert complaints(editor_schema(), text) == []
    assert complaints(schema_of("blueprint"), text.replace("removal: !input", "removl: !input")) != []


@pytest.mark.parametrize(
    "text",
    [
        "source: {path: a.csv, key: nr}\nactions: [{action: fe2.sync, connection: a}]\n",
        "source: {path: a.csv, key: nr}\n",
        "source: {path: a.csv, kye: nr}\nactions: !include a.yaml\n",
        "use_blueprint: {path: a.yaml}\nvariables: {a: b}\n",
        'source: {path: a.csv, key: nr}\nactions: !include a.yaml\ntriggers: [{trigger: time, att: "03:00"}]\n',
        "source: {path: a.csv, key: nr, columns: {a: {heading: A, optinal: true}}}\nactions: !include a.yaml\n",
        "source: {path: a.csv, key: nr, expect: {minrows: 1}}\nactions: !include a.yaml\n",
        "connections: {a: {type: fe2, url: http://a, access_kye: b}}\n",
        "connections: {a: {type: greyhound, url: http://a, access_key: b}}\n",
        "language: de\nkeep: {runs: 90d, persons: 30d}\n",
    ],
)
def test_misspelled_and_missing_keys_are_wrong_wherever_they_stand(text: str) -> None:
    assert complaints(editor_schema(), text) != []


def properties(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key that a schema names, with what it says about it."""
    if isinstance(schema, list):
        for item in schema:
            yield from properties(item, path)
    elif isinstance(schema, dict):
        for name, value in schema.items():
            if name == "properties":
                for key, inner in value.items():
                    yield f"{path}.{key}", inner
                    yield from properties(inner, f"{path}.{key}")
            elif name not in ("enum", "required", "if"):
                yield from properties(value, path)


# The units of a duration ({minutes: 5}) say it themselves.
SELF_EXPLAINING = {"milliseconds", "seconds", "minutes", "hours", "days", "weeks"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_explained_in_german_and_in_english(kind: str) -> None:
    texts: dict[str, dict[str, str]] = {}
    for name in ("en", "de"):
        use_language(name)
        for path, schema in properties(schema_of(kind)):
            if path.rsplit(".", 1)[-1] not in SELF_EXPLAINING or "description" in schema:
                texts.setdefault(path, {})[name] = schema.get("description", "")
    assert [path for path, found in texts.items() if not found["en"]] == []
    assert [path for path, found in texts.items() if found["de"] == found["en"]] == []


def test_the_command_prints_each_schema_in_the_language_asked_for(world: World) -> None:
    german = json.loads(world("schema", "--language", "de", as_json=False).out)
    assert german["properties"]["source"]["description"] == "Woher die Liste kommt."
    english = json.loads(world("schema", "configuration", "--language", "en", as_json=False).out)
    assert "connections" in english["properties"]


def test_a_new_project_helps_its_editor(world: World, tmp_path: Path) -> None:
    assert world("init", str(tmp_path / "neu"), as_json=False).code == 0
    folder = tmp_path / "neu" / EDITOR
    settings = json.loads((folder / "settings.json").read_text("utf-8"))
    assert settings["yaml.yamlVersion"] == "1.2"
    assert {tag.split()[0] for tag in settings["yaml.customTags"]} == set(TAGS)
    assert [*settings["yaml.schemas"]] == [f"{EDITOR}/{SCHEMA}"]
    assert json.loads((folder / "extensions.json").read_text("utf-8"))["recommendations"] == ["redhat.vscode-yaml"]
    schema = json.loads((folder / SCHEMA).read_text("utf-8"))
    for path in (tmp_path / "neu" / "mappings").glob("*.yaml"):
        assert complaints(schema, path.read_text("utf-8")) == []


def test_the_editors_files_are_made_anew_and_own_settings_stay(world: World) -> None:
    folder = world.root / EDITOR
    folder.mkdir()
    (folder / "settings.json").write_text("{}", "utf-8")
    said = world("schema", "--vscode", as_json=False)
    assert said.code == 0
    assert (folder / SCHEMA).is_file()
    assert (folder / "settings.json").read_text("utf-8") == "{}"
    assert "settings.json" in said.out
