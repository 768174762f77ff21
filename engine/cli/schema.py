"""``abgleich schema``: what editors need to help with the files of a project."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.common import project_root
from engine.cli.output import show, show_json
from engine.cli.usage import Examples
from engine.i18n import _, use_language

EDITOR = ".vscode"
SCHEMA = "abgleich.schema.json"
TAG_KIND = "scalar"


class Kind(StrEnum):
    """The kinds of files."""

    mapping = "mapping"
    configuration = "configuration"
    blueprint = "blueprint"


class Language(StrEnum):
    """The languages of the explanations."""

    de = "de"
    en = "en"


def summary() -> str:
    """What the command does."""
    return _("Help editors: print a JSON Schema, set up Visual Studio Code.")


def examples() -> Examples:
    """Command lines to copy."""
    return (
        ("abgleich schema > mapping.json", _("for an editor of your own")),
        ("abgleich schema --vscode", _("sets up Visual Studio Code")),
    )


def command(
    context: typer.Context,
    kind: Annotated[
        Kind, typer.Argument(metavar="mapping|configuration|blueprint", help=_("The kind of files it shall describe."))
    ] = Kind.mapping,
    language: Annotated[
        Language | None,
        typer.Option("--language", metavar="de|en", help=_("Language of the explanations; default: the project's.")),
    ] = None,
    editor: Annotated[
        bool,
        typer.Option("--vscode", help=_("Write the folder .vscode of the project anew instead: schema and settings.")),
    ] = False,
) -> None:
    """Schema."""
    from engine.sync.schema import schema_of

    if language is not None:
        use_language(language.value)
    if not editor:
        show_json(schema_of(kind.value))
        return
    root = project_root(context)
    kept = write_editor_files(root)
    show([("good", _("Visual Studio Code knows the keys now: {folder} was written.").format(folder=root / EDITOR))])
    for name in kept:
        text = _("{file} was there already and stays as it is. It needs: {line}")
        line = ", ".join(f'"{key}"' for key in _settings()) if name == "settings.json" else "redhat.vscode-yaml"
        show([("warn", text.format(file=f"{EDITOR}/{name}", line=line))])


def write_editor_files(root: Path) -> list[str]:
    """The schema, and settings where there are none: returns the names of files that were there and were left alone.

    The language is the one in use. Raises OSError where the folder can't be written.
    """
    from engine.sync.schema import editor_schema

    folder = root / EDITOR
    folder.mkdir(exist_ok=True)
    fresh = folder / f"{SCHEMA}.new"
    fresh.write_text(_json(editor_schema()), "utf-8")
    fresh.replace(folder / SCHEMA)
    kept = []
    for name, content in (("settings.json", _settings()), ("extensions.json", _extensions())):
        path = folder / name
        if not path.exists():
            path.write_text(_json(content), "utf-8")
        elif path.read_text("utf-8-sig", errors="replace") != _json(content):
            kept.append(name)
    return kept


def _settings() -> dict[str, Any]:
    """YAML 1.2 and our tags: the editor reads files as the engine does."""
    from engine.config.yaml import TAGS

    return {
        "yaml.yamlVersion": "1.2",
        "yaml.customTags": [f"{tag} {TAG_KIND}" for tag in TAGS],
        "yaml.schemas": {f"{EDITOR}/{SCHEMA}": ["mappings/*.yaml", "mappings/**/*.yaml"]},
        "yaml.schemaStore.enable": False,
    }


def _extensions() -> dict[str, Any]:
    return {"recommendations": ["redhat.vscode-yaml"]}


def _json(content: Any) -> str:
    import json

    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"
