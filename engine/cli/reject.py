"""``abgleich reject``."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.cli.arguments import json_option, plan_argument
from engine.cli.common import known_plan, load_project, problems_shown, tools
from engine.cli.output import show, show_json
from engine.cli.usage import Examples
from engine.i18n import _


def summary() -> str:
    """What the command does."""
    return _("Drop a plan that waits; nothing of it is carried out.")


def examples() -> Examples:
    """Command lines to copy."""
    return (("abgleich reject P12", _("drops what the plan P12 holds")),)


def command(
    context: typer.Context,
    plan: Annotated[str, plan_argument()],
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    """Reject."""
    from engine.sync.decide import reject_plan

    project = load_project(context)
    with problems_shown(context, as_json), tools(project) as used:
        known_plan(used.store, plan)
        ended = reject_plan(project, plan, used)
    if as_json:
        show_json({"plan": ended.id, "mapping": ended.plan.mapping, "status": "rejected"})
    else:
        show([("good", _("The plan {id} is dropped. Everybody stays as last sent.").format(id=ended.id))])
