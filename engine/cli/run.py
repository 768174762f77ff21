"""``abgleich run``."""

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
    return _("Plan, guard and apply: bring the targets up to date.")


def examples() -> Examples:
    """Command lines to copy."""
    return (
        ("abgleich run personal", _("the newest list")),
        ("abgleich run personal probe.csv", _("this list instead")),
    )


def command(
    context: typer.Context,
    mapping: Annotated[str, mapping_argument()],
    file: Annotated[Path | None, file_argument()] = None,
    full: Annotated[bool, typer.Option("--full", help=_("Also send what seems unchanged."))] = False,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    """run."""
    from engine.sync.run import run_mapping

    project = load_project(context)
    with problems_shown(context, as_json, mapping), tools(project) as used:
        wanted = good_mapping(project, mapping)
        report = run_mapping(project, wanted, used, given_file(file, project, wanted), full=full)
    finish(report, as_json, project.root)
