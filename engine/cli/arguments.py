"""Arguments and options that several commands share, in the language in use when a command line is built."""

from __future__ import annotations

from typing import Any

import typer

from engine.i18n import _


def json_option() -> Any:
    """``--json``."""
    return typer.Option("--json", help=_("Print one JSON document, for programs."))


def mapping_argument() -> Any:
    """One mapping."""
    return typer.Argument(metavar=_("MAPPING"), help=_("The mapping: its id or its file."))


def mappings_argument() -> Any:
    """Several mappings, or none for all."""
    return typer.Argument(metavar=_("MAPPING"), help=_("Mappings by id or file; default: all."))


def file_argument() -> Any:
    """A list given by hand."""
    return typer.Argument(metavar=_("FILE"), help=_("This list; default: the newest that the mapping names."))


def plan_argument() -> Any:
    """A plan that waits."""
    text = _("The plan's number, for example P12; `abgleich status` names what waits.")
    return typer.Argument(metavar=_("PLAN"), help=text)
