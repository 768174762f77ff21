"""``abgleich forget``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.arguments import json_option, mapping_argument
from engine.cli.common import finish, load_project, mapping_ids, problems_shown, tools
from engine.cli.usage import Examples
from engine.i18n import _


def summary() -> str:
    """What the command does."""
    return _("Erase one person from the targets and from the state.")


def examples() -> Examples:
    """Command lines to copy."""
    return (("abgleich forget personal 1042", _("erases the person with the key 1042")),)


def command(
    context: typer.Context,
    mapping: Annotated[str, mapping_argument()],
    key: Annotated[str, typer.Argument(metavar=_("KEY"), help=_("The person's key in the list, not the name."))],
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    """Forget."""
    from engine.sync.people import forget_person

    project = load_project(context)
    if Path(mapping).suffix in (".yaml", ".yml"):
        mapping = mapping_ids(project, [mapping])[0]
    with problems_shown(context, as_json, mapping), tools(project) as used:
        report = forget_person(project, mapping, key, used)
    finish(report, as_json, project.root)
