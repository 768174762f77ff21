"""``abgleich approve``."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.cli.common import AsJson, finish, load_project, problems_shown, tools
from engine.i18n import _


def summary() -> str:
    """What the command does."""
    return _("Approve what is held and carry out the plan.")


def command(
    context: typer.Context,
    plan: Annotated[str, typer.Argument(metavar="PLAN")],
    as_json: AsJson = False,
) -> None:
    """approve."""
    from engine.sync.decide import apply_plan

    project = load_project(context)
    with problems_shown(context, as_json), tools(project) as used:
        report = apply_plan(project, plan, used, approved=True)
    finish(report, as_json, project.root)
