"""``abgleich status``."""

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
    return _("Show what is going on and what waits for you.")


def examples() -> Examples:
    """Command lines to copy."""
    return (("abgleich status", _("now, and what to do")),)


def command(context: typer.Context, as_json: Annotated[bool, json_option()] = False) -> None:
    """Status."""
    from engine.report.status import status_lines
    from engine.service.status import NOTHING_KNOWN, Reader

    project = load_project(context)
    with problems_shown(context, as_json, shape=NOTHING_KNOWN.as_json()), open_store(project) as store:
        status = Reader(project, store).read()
    if as_json:
        show_json(status.as_json())
    else:
        show(status_lines(status.as_json()))
