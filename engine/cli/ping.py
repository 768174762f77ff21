"""``abgleich ping``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.arguments import json_option
from engine.cli.candidates import nearest
from engine.cli.common import load_project, tools
from engine.cli.door import EXIT_FAILED, EXIT_OK
from engine.cli.output import problems_document, show, show_json, show_problems
from engine.cli.usage import Examples, WrongUsage
from engine.config.lines import reader_of_lines
from engine.i18n import _
from engine.problems import Problem, ProblemError, UserMustFix

if TYPE_CHECKING:
    from engine.config.load import Project
    from engine.sync.account import Tools
    from engine.sync.ping import Pinged


def summary() -> str:
    """What the command does."""
    return _("Reach the targets without changing anything.")


def examples() -> Examples:
    """Command lines to copy."""
    return (("abgleich ping", _("all connections of configuration.yaml")),)


def command(
    context: typer.Context,
    connection: Annotated[
        str | None, typer.Argument(metavar=_("CONNECTION"), help=_("Its name in configuration.yaml; default: all."))
    ] = None,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    """Ping."""
    project = load_project(context)
    try:
        good = _ping(project, connection, as_json)
    except ProblemError as error:
        if as_json:
            show_json({"ok": False, "connections": [], **problems_document(error.problems, project.root)})
        else:
            show_problems(error.problems, project.root)
        good = False
    raise typer.Exit(EXIT_OK if good else EXIT_FAILED)


def _ping(project: Project, connection: str | None, as_json: bool) -> bool:
    """Reach all wanted connections, each also where another fails. Whether all went well."""
    from engine.report.pings import ping_summary
    from engine.sync.ping import connection_names, general_errors

    names, errors = connection_names(project), general_errors(project)
    wanted = names if connection is None else [_known(connection, names, errors)]
    if not wanted:
        raise UserMustFix(*(errors or [_no_connections()]))
    if not as_json:
        show_problems(errors, project.root)
    with tools(project) as used:
        found = [_pinged(project, name, used, as_json) for name in wanted]
    good = not errors and all(pinged.ok for pinged in found)
    if as_json:
        shown = [pinged.as_json() for pinged in found]
        show_json({"ok": good, "connections": shown, **problems_document(errors, project.root)})
    elif len(found) > 1:
        show([ping_summary(sum(pinged.ok for pinged in found), len(found))])
    return good


def _pinged(project: Project, name: str, used: Tools, as_json: bool) -> Pinged:
    """Reach one connection and show what became of it, as soon as it is known."""
    from engine.report.pings import ping_head, ping_lines
    from engine.sync.ping import ping_connection

    if as_json:
        return ping_connection(project, name, used)
    # Before the answer: a silent server may take its time.
    show([ping_head(name, project.connections.get(name))])
    pinged = ping_connection(project, name, used)
    show([*ping_lines(pinged.as_json(), reader_of_lines(project.root)), ("", "")])
    return pinged


def _known(word: str, names: list[str], errors: list[Problem]) -> str:
    """The connection of this name. Ends with exit code 2 where there is none."""
    if word in names:
        return word
    if not names and errors:
        raise UserMustFix(*errors)
    message = _("There is no connection {name}.").format(name=word)
    raise WrongUsage(Problem("unknown_connection", message, nearest(word, names)))


def _no_connections() -> Problem:
    message = _("configuration.yaml names no connections.")
    return Problem("no_connections", message, _("Add one under `connections:`; `abgleich init` shows how."))
