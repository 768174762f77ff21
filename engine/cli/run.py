"""``abgleich run``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.common import AsJson, finish, given_file, good_mapping, load_project, problems_shown, tools
from engine.i18n import _


def summary() -> str:
    """What the command does."""
    return _("Plan, guard and apply: bring the targets up to date.")


def command(
    context: typer.Context,
    mapping: Annotated[str, typer.Argument(metavar="MAPPING")],
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]")] = None,
    full: Annotated[bool, typer.Option("--full")] = False,
    as_json: AsJson = False,
) -> None:
    """run."""
    from engine.sync.run import run_mapping

    project = load_project(context)
    with problems_shown(context, as_json, mapping), tools(project) as used:
        wanted = good_mapping(project, mapping)
        report = run_mapping(project, wanted, used, given_file(file, project, wanted), full=full)
    finish(report, as_json, project.root)
