"""``abgleich check``: every problem of the configuration and all mappings at once."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.cli.common import AsJson, load_project, mapping_ids
from engine.cli.door import EXIT_FAILED, EXIT_OK
from engine.cli.output import show, show_json, show_problems
from engine.i18n import _


def summary() -> str:
    """What the command does."""
    return _("Show every problem of the configuration and all mappings at once.")


def command(
    context: typer.Context,
    mappings: Annotated[list[str] | None, typer.Argument(metavar="[MAPPING]...")] = None,
    as_json: AsJson = False,
) -> None:
    """Check."""
    from engine.report import problems_summary
    from engine.sync.script import problems_of

    project = load_project(context)
    problems = problems_of(project, mapping_ids(project, mappings) if mappings else None)
    good = all(problem.severity != "error" for problem in problems)
    if as_json:
        show_json({"ok": good, "problems": [problem.as_json() for problem in problems]})
    else:
        show_problems(problems, project.root)
        show([problems_summary(problems)])
    raise typer.Exit(EXIT_OK if good else EXIT_FAILED)
