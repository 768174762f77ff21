"""``abgleich show``."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.cli.common import AsJson, load_project, open_store, problems_shown
from engine.cli.output import show, show_json
from engine.i18n import _


def summary() -> str:
    """What the command does."""
    return _("Show one run in full.")


def command(
    context: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN")],
    as_json: AsJson = False,
) -> None:
    """Show."""
    from engine.problems import Problem, UserMustFix
    from engine.report import run_lines
    from engine.sync.account import report_of

    project = load_project(context)
    with problems_shown(context, as_json), open_store(project) as store:
        plan = store.plan(run) if run.upper().startswith("P") else None
        stored = store.run(plan.run if plan is not None else run)
        if stored is None:
            message = _("There is no run {id}.").format(id=run)
            raise UserMustFix(Problem("unknown_run", message, _("`abgleich runs` lists them.")))
    report = report_of(stored)
    if as_json:
        show_json(report)
    else:
        show(run_lines(report, most=None))
