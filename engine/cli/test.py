"""``abgleich test``: runs the ``tests:`` of the mappings."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from engine.cli.common import AsJson, good_mapping, load_project, mapping_ids, problems_shown
from engine.cli.door import EXIT_FAILED, EXIT_OK
from engine.cli.output import show, show_json
from engine.i18n import _


def summary() -> str:
    """What the command does."""
    return _("Run the tests of the mappings.")


def command(
    context: typer.Context,
    mappings: Annotated[list[str] | None, typer.Argument(metavar="[MAPPING]...")] = None,
    as_json: AsJson = False,
) -> None:
    """Test."""
    from engine.report import test_lines
    from engine.sync.preview import run_tests

    project = load_project(context)
    names = mapping_ids(project, mappings) if mappings else list(project.ids)
    results: list[dict[str, Any]] = []
    with problems_shown(context, as_json):
        for name in names:
            results += run_tests(project, good_mapping(project, name))
    passed = len([result for result in results if result["ok"]])
    document = {"ok": passed == len(results), "passed": passed, "failed": len(results) - passed, "tests": results}
    if as_json:
        show_json(document)
    else:
        show(test_lines(document))
    raise typer.Exit(EXIT_OK if document["ok"] else EXIT_FAILED)
