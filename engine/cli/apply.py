"""``abgleich apply``."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.cli.common import AsJson, finish, load_project, problems_shown, tools
from engine.i18n import _


def summary() -> str:
    """What the command does."""
    return _("Carry out exactly this plan, or refuse because it is out of date.")


def command(
    context: typer.Context,
    plan: Annotated[str, typer.Argument(metavar="PLAN")],
    as_json: AsJson = False,
) -> None:
    """apply."""
    from engine.sync.decide import apply_plan

    project = load_project(context)
    with problems_shown(context, as_json), tools(project) as used:
        report = apply_plan(project, plan, used, approved=False)
    finish(report, as_json, project.root)
