"""``abgleich show``."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.cli.arguments import json_option
from engine.cli.common import load_project, open_store, problems_shown
from engine.cli.output import show, show_json
from engine.cli.usage import Examples
from engine.i18n import _


def summary() -> str:
    """What the command does."""
    return _("Show one run in full.")


def examples() -> Examples:
    """Command lines to copy."""
    return (("abgleich show 2026-11-22-3", _("every change of this run")),)


def command(
    context: typer.Context,
    run: Annotated[
        str,
        typer.Argument(metavar=_("RUN"), help=_("The run's number, or that of a plan; `abgleich runs` lists them.")),
    ],
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    """Show."""
    from engine.cli.candidates import latest_hint
    from engine.problems import Problem, UserMustFix
    from engine.report.runs import run_lines
    from engine.sync.account import report_of

    project = load_project(context)
    with problems_shown(context, as_json), open_store(project) as store:
        plan = store.plan(run) if run.upper().startswith("P") else None
        stored = store.run(plan.run if plan is not None else run)
        if stored is None:
            message = _("There is no run {id}.").format(id=run)
            raise UserMustFix(Problem("unknown_run", message, latest_hint(project, store, run)))
    report = report_of(stored)
    if as_json:
        show_json(report)
    else:
        show(run_lines(report, most=None))
