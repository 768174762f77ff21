"""``abgleich release``."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.cli.arguments import json_option
from engine.cli.common import finish, load_project, problems_shown, tools
from engine.cli.usage import Examples
from engine.i18n import _


def summary() -> str:
    """What the command does."""
    return _("Plan the removal of the people of a deleted mapping.")


def examples() -> Examples:
    """Command lines to copy."""
    return (("abgleich release jugend", _("plans it; `abgleich approve` then does it")),)


def command(
    context: typer.Context,
    mapping: Annotated[
        str,
        typer.Argument(metavar=_("ID"), help=_("The id of the mapping that was deleted; `abgleich status` names it.")),
    ],
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    """Release."""
    from engine.sync.people import release_mapping

    project = load_project(context)
    with problems_shown(context, as_json, mapping), tools(project) as used:
        report = release_mapping(project, mapping, used)
    finish(report, as_json, project.root)
