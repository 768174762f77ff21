"""``abgleich test``: runs the ``tests:`` of the mappings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.common import AsJson, good_mapping, load_project, mapping_ids
from engine.cli.door import EXIT_FAILED, EXIT_OK
from engine.cli.output import show, show_json, show_problems
from engine.i18n import _

if TYPE_CHECKING:
    from engine.problems import Problem


def summary() -> str:
    """What the command does."""
    return _("Run the tests of the mappings.")


def command(
    context: typer.Context,
    mappings: Annotated[list[str] | None, typer.Argument(metavar="[MAPPING]...")] = None,
    as_json: AsJson = False,
) -> None:
    """Test."""
    from engine.problems import ProblemError
    from engine.report import test_lines
    from engine.sync.preview import run_tests

    project = load_project(context)
    names = mapping_ids(project, mappings) if mappings else list(project.ids)
    results: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for name in names:
        try:
            results += run_tests(project, good_mapping(project, name))
        except ProblemError as error:
            problems += error.problems
    passed = len([result for result in results if result["ok"]])
    failed = len(results) - passed
    document: dict[str, Any] = {"ok": not failed and not problems, "passed": passed, "failed": failed, "tests": results}
    if as_json:
        shown = {"problems": [problem.as_json() for problem in problems]} if problems else {}
        show_json(document | shown)
    else:
        show_problems(problems, project.root)
        show(test_lines(document))
    raise typer.Exit(EXIT_OK if document["ok"] else EXIT_FAILED)
