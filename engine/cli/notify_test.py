"""``abgleich notify-test``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.arguments import json_option
from engine.cli.common import load_project
from engine.cli.door import EXIT_FAILED, EXIT_OK
from engine.cli.output import show, show_json, show_problems
from engine.cli.usage import Examples
from engine.config.lines import reader_of_lines
from engine.i18n import _
from engine.problems import Problem

if TYPE_CHECKING:
    from engine.config.load import Project

SECTION = "notify"


def summary() -> str:
    """What the command does."""
    return _("Send a test notice to every address.")


def examples() -> Examples:
    """Command lines to copy."""
    return (("abgleich notify-test", _("asks everybody named under notify: to look")),)


def command(context: typer.Context, as_json: Annotated[bool, json_option()] = False) -> None:
    """Send to all addresses, each also where another fails."""
    from engine.service.notify import addresses

    project = load_project(context)
    every = addresses(project, None)
    errors = _errors(project) or ([] if every else [_no_addresses()])
    if not as_json:
        show_problems(errors, project.root)
    sent = {name: _sent(project, name, url, as_json) for name, url in every.items()}
    good = not errors and not any(sent.values())
    if as_json:
        listed = [
            {"name": name, "ok": problem is None, "problem": problem.as_json() if problem is not None else None}
            for name, problem in sent.items()
        ]
        show_json({"ok": good, "addresses": listed, "problems": [problem.as_json() for problem in errors]})
    raise typer.Exit(EXIT_OK if good else EXIT_FAILED)


def _sent(project: Project, name: str, url: str, as_json: bool) -> Problem | None:
    """Send to one address and show what became of it, as soon as it is known."""
    from engine.report.problems import problem_as_shown, problem_lines
    from engine.service.notify import send
    from engine.state.notices import Notice

    text = _("This is a test. Whoever reads it will hear when a mapping needs attention.")
    problem = send(Notice("test", "", "", text), {name: url}, project.root.name).get(name)
    if not as_json:
        if problem is None:
            show([("good", _("{name}: sent. Has it arrived?").format(name=name))])
        else:
            show([("head", name), *problem_lines(problem_as_shown(problem), reader_of_lines(project.root))])
    return problem


def _errors(project: Project) -> list[Problem]:
    """What is wrong with the addresses, with configuration.yaml as a whole, or with the secrets."""
    from engine.config.find import CONFIGURATION, FOLDER, SECRETS

    found = project.errors_of(project.root / FOLDER / CONFIGURATION)
    return [
        problem
        for problem in found
        if problem.at.path[:1] in ((), (SECTION,)) or (problem.at.file or "").endswith(SECRETS)
    ]


def _no_addresses() -> Problem:
    message = _("configuration.yaml names no addresses for notices.")
    hint = _("Add one under `notify:`, for example `leitung: !secret mail_leitung`, and name it under `default:`.")
    return Problem("no_addresses", message, hint)
