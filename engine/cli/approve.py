"""``abgleich approve``."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.cli.arguments import json_option, plan_argument
from engine.cli.common import finish, known_plan, load_project, problems_shown, tools
from engine.cli.usage import Examples
from engine.i18n import _


def summary() -> str:
    """What the command does."""
    return _("Approve what is held and carry out the plan.")


def examples() -> Examples:
    """Command lines to copy."""
    return (("abgleich approve P12", _("carries out what the plan P12 holds")),)


def command(
    context: typer.Context,
    plan: Annotated[str, plan_argument()],
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    """approve."""
    from engine.sync.decide import apply_plan

    project = load_project(context)
    with problems_shown(context, as_json), tools(project) as used:
        known_plan(used.store, plan)
        report = apply_plan(project, plan, used, approved=True)
    finish(report, as_json, project.root)
