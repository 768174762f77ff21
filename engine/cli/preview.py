"""``abgleich preview``: what each row becomes, without a network."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.arguments import file_argument, json_option, mapping_argument
from engine.cli.common import given_file, given_key, good_mapping, last_sent, load_project, problems_shown
from engine.cli.door import EXIT_FAILED
from engine.cli.output import json_text, problems_document, show, show_json, show_problems
from engine.cli.usage import Examples
from engine.i18n import _, ngettext
from engine.problems import ProblemError

if TYPE_CHECKING:
    from engine.config.load import Project


def summary() -> str:
    """What the command does."""
    return _("Show what each row becomes; nothing is sent.")


def examples() -> Examples:
    """Command lines to copy."""
    return (
        ("abgleich preview personal --limit 3", _("the first three rows")),
        ("abgleich preview personal --key 1042", _("every step for one person")),
    )


def command(
    context: typer.Context,
    mapping: Annotated[str, mapping_argument()],
    file: Annotated[Path | None, file_argument()] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key", metavar=_("KEY"), help=_("One person only, with every step from the cells to the target.")
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar=_("NUMBER"), min=0, help=_("So many rows only."))
    ] = None,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    """Preview."""
    from engine.sync.preview import preview

    key = given_key(key, "--key")
    project = load_project(context)
    if key is not None:
        _person(context, project, mapping, file, key, as_json)
        return
    with problems_shown(context, as_json, shape={"rows": []}):
        wanted = good_mapping(project, mapping)
        rows = preview(project, wanted, given_file(file, project, wanted), limit)
        first = next(rows, None)
    found = itertools.chain([first] if first is not None else [], rows)
    if as_json:
        _as_json(found)
    else:
        _as_text(found, limit)


def _person(context: typer.Context, project: Project, mapping: str, file: Path | None, key: str, as_json: bool) -> None:
    """One person with every step."""
    from engine.report.previews import step_lines
    from engine.sync.preview import preview_person

    try:
        with last_sent(project) as store:
            wanted = good_mapping(project, mapping)
            rows = preview_person(project, wanted, given_file(file, project, wanted), key, store)
    except ProblemError as error:
        if as_json:
            show_json({"rows": [], **problems_document(error.problems, project.root)})
        else:
            show_problems(error.problems, project.root)
        raise typer.Exit(EXIT_FAILED) from None
    if as_json:
        show_json({"rows": rows})
        return
    for row in rows:
        show(step_lines(row))
    show([("good", _("Nothing was sent."))])


def _as_json(rows: Iterator[dict[str, Any]]) -> None:
    typer.echo('{"rows": [', nl=False)
    try:
        for index, row in enumerate(rows):
            typer.echo(("," if index else "") + "\n  " + json_text(row), nl=False)
    except ProblemError as error:
        # What was shown so far can't be taken back: the document says itself that it is not whole.
        problems = [problem.as_json() for problem in error.problems]
        typer.echo('\n], "problems": ' + json_text(problems) + "}")
        raise typer.Exit(EXIT_FAILED) from None
    typer.echo("\n]}")


def _as_text(rows: Iterator[dict[str, Any]], limit: int | None) -> None:
    from engine.report.previews import is_rejected, preview_lines, preview_summary

    silent = 0
    counts = {"rows": 0, "selected": 0, "rejected": 0, "doubted": 0}
    for row in rows:
        show(preview_lines(row))
        counts["rows"] += 1
        counts["selected"] += row["selected"]
        counts["rejected"] += is_rejected(row)
        counts["doubted"] += bool(row["problems"]) and not is_rejected(row)
        silent += any(fields is not None and fields.get("alarmGroups") == [] for fields in row["actions"].values())
    show([preview_summary(**counts)])
    if silent:
        text = ngettext("{n} person would not be alarmed.", "{n} persons would not be alarmed.", silent)
        show([("warn", text.format(n=silent))])
    if counts["rows"] and not counts["selected"]:
        show([("warn", _("Nobody takes part: compare `where` with what stands in the list."))])
    if limit is not None and counts["rows"] == limit:
        text = ngettext("Only the first row was looked at: --limit {n}", "Only the first {n} rows: --limit {n}", limit)
        show([("dim", text.format(n=limit))])
