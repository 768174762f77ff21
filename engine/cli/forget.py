"""``abgleich forget``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.common import AsJson, finish, load_project, mapping_ids, problems_shown, tools
from engine.i18n import _


def summary() -> str:
    """What the command does."""
    return _("Erase one person from the targets and from the state.")


def command(
    context: typer.Context,
    mapping: Annotated[str, typer.Argument(metavar="MAPPING")],
    key: Annotated[str, typer.Argument(metavar="KEY")],
    as_json: AsJson = False,
) -> None:
    """Forget."""
    from engine.sync.people import forget_person

    project = load_project(context)
    if Path(mapping).suffix in (".yaml", ".yml"):
        mapping = mapping_ids(project, [mapping])[0]
    with problems_shown(context, as_json, mapping), tools(project) as used:
        report = forget_person(project, mapping, key, used)
    finish(report, as_json, project.root)
