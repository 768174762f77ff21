"""``abgleich test``: runs the ``tests:`` of the mappings, and makes them of real rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.arguments import json_option, mappings_argument
from engine.cli.common import given_file, given_key, good_mapping, load_project, mapping_ids
from engine.cli.door import EXIT_FAILED, EXIT_OK
from engine.cli.output import problems_document, show, show_json, show_problems
from engine.cli.usage import Examples, WrongUsage
from engine.i18n import _
from engine.problems import Problem
from engine.report.words import Line

if TYPE_CHECKING:
    from engine.config.load import Project


def summary() -> str:
    """What the command does."""
    return _("Run the tests of the mappings, or make one of a real row.")


def examples() -> Examples:
    """Command lines to copy."""
    return (
        ("abgleich test", _("the tests of all mappings")),
        ("abgleich test personal --freeze 1042", _("makes a test of the row with the key 1042")),
    )


def command(
    context: typer.Context,
    mappings: Annotated[list[str] | None, mappings_argument()] = None,
    freeze: Annotated[
        str | None,
        typer.Option(
            "--freeze",
            metavar=_("KEY"),
            help=_("Write a test of the row with this key, with invented names and numbers."),
        ),
    ] = None,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    """Test."""
    from engine.problems import ProblemError
    from engine.report.previews import test_lines
    from engine.sync.trials import run_tests

    freeze = given_key(freeze, "--freeze")
    project = load_project(context)
    if freeze is not None:
        _freeze(project, mappings or [], freeze, as_json)
        return
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
        show_json(document | (problems_document(problems, project.root) if problems else {}))
    else:
        show_problems(problems, project.root)
        show(test_lines(document))
        show(_untested(project, names))
    raise typer.Exit(EXIT_OK if document["ok"] else EXIT_FAILED)


def _untested(project: Project, names: list[str]) -> Iterator[Line]:
    """Which mappings have no tests, and how to come by one."""
    for name in names:
        if name in project.mappings and not project.mappings[name].tests:
            line = f"abgleich test {name} --freeze {_('KEY')}"
            text = _("{id} has no tests. This makes one of a real row, with an invented person: {line}")
            yield "warn", text.format(id=name, line=line)


def _freeze(project: Project, words: list[str], key: str, as_json: bool) -> None:
    """Write a test of a real row into the mapping."""
    import random

    from engine.problems import ProblemError
    from engine.sync.freeze import freeze, write

    if not words and len(project.ids) == 1:
        words = list(project.ids)
    if not 1 <= len(words) <= 2:
        text = _("Name the mapping, and the list if it is not the newest one: {line}")
        example = f"abgleich test {_('MAPPING')} [{_('FILE')}] --freeze {key}"
        known = _("Known are: {names}").format(names=", ".join(project.ids))
        raise WrongUsage(Problem("wrong_usage", text.format(line=example), known))
    try:
        mapping = good_mapping(project, words[0])
        file = given_file(Path(words[1]) if len(words) > 1 else None, project, mapping)
        frozen = freeze(project, mapping, file, key, random.SystemRandom())
        line = write(mapping, frozen)
    except ProblemError as error:
        if as_json:
            show_json({"ok": False, **problems_document(error.problems, project.root)})
        else:
            show_problems(error.problems, project.root)
        raise typer.Exit(EXIT_FAILED) from None
    name = mapping.file.relative_to(project.root).as_posix()
    if as_json:
        place = {"mapping": mapping.id, "file": name, "line": line}
        show_json({"ok": True, **place, "test": frozen.as_json(), "kept": frozen.kept})
        return
    show([("good", _("This test was written to {file}, line {line}:").format(file=name, line=line))])
    show(("", f"  {text}") for text in frozen.lines())
    cells = {name: value if isinstance(value, list) else [value] for name, value in frozen.kept.items()}
    kept = ", ".join(f"{heading}: {', '.join(texts)}" for heading, texts in cells.items()) or _("none")
    show(
        [
            (
                "warn",
                _("Read it before you pass it on or commit it: names, numbers, dates and addresses are invented."),
            ),
            ("warn", _("These cells stand in it as they are, because they decide: {cells}").format(cells=kept)),
        ]
    )
    show([("", _("Give it a better name there, then: abgleich test {id}").format(id=mapping.id))])
