"""``abgleich release``."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.cli.common import AsJson, finish, load_project, problems_shown, tools
from engine.i18n import _


def summary() -> str:
    """What the command does."""
    return _("Plan the removal of the people of a mapping that no longer exists.")


def command(
    context: typer.Context,
    mapping: Annotated[str, typer.Argument(metavar="ID")],
    as_json: AsJson = False,
) -> None:
    """Release."""
    from engine.sync.people import release_mapping

    project = load_project(context)
    with problems_shown(context, as_json, mapping), tools(project) as used:
        report = release_mapping(project, mapping, used)
    finish(report, as_json, project.root)
