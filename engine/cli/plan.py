"""``abgleich plan``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.arguments import file_argument, json_option, mapping_argument
from engine.cli.common import finish, given_file, good_mapping, load_project, problems_shown, tools
from engine.cli.usage import Examples
from engine.i18n import _


def summary() -> str:
    """What the command does."""
    return _("Make and keep a plan; nothing is written to a target.")


def examples() -> Examples:
    """Command lines to copy."""
    return (
        ("abgleich plan personal", _("of the newest list")),
        ("abgleich plan personal probe.csv", _("of this list")),
    )


def command(
    context: typer.Context,
    mapping: Annotated[str, mapping_argument()],
    file: Annotated[Path | None, file_argument()] = None,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    """plan."""
    from engine.sync.run import run_mapping

    project = load_project(context)
    with problems_shown(context, as_json, mapping), tools(project) as used:
        wanted = good_mapping(project, mapping)
        report = run_mapping(project, wanted, used, given_file(file, project, wanted), only_plan=True)
    finish(report, as_json, project.root)
