"""The commands and their order. A command's module holds its arguments; its work is imported when it runs."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.usage import Command, Examples, Group, example_text
from engine.i18n import _

COMMANDS = (
    "demo",
    "init",
    "new",
    "blueprints",
    "check",
    "explain",
    "test",
    "preview",
    "ping",
    "notify-test",
    "plan",
    "apply",
    "run",
    "approve",
    "reject",
    "release",
    "forget",
    "start",
    "status",
    "runs",
    "show",
    "simulate",
    "schema",
)


def build(arguments: list[str]) -> typer.Typer:
    """The command line in the language in use. Where the command is plain, the others are not even loaded."""
    app = typer.Typer(
        name="abgleich",
        help=_("Keeps the address books of FE2 and GREYHOUND in step with your lists."),
        epilog=example_text(_first_steps()),
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        cls=Group,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    version = typer.Option("--version", help=_("Show the version."), is_eager=True, callback=_show_version)
    project = typer.Option(
        "--project", metavar=_("DIR"), help=_("The project folder; default: the nearest one from here upwards.")
    )

    def settings(
        context: typer.Context,
        project_folder: Annotated[Path | None, project] = None,
        _version: Annotated[bool, version] = False,
    ) -> None:
        context.obj = project_folder

    # The annotations hold objects of this function: they can't be looked up by name.
    settings.__annotations__ = {
        "context": typer.Context,
        "project_folder": Annotated[Path | None, project],
        "_version": Annotated[bool, version],
    }
    app.callback()(settings)
    for name in _needed(arguments):
        module = import_module(f"engine.cli.{name.replace('-', '_')}")
        about = {"help": module.summary(), "epilog": example_text(module.examples())}
        app.command(name, cls=Command, **about)(module.command)
    return app


def _first_steps() -> Examples:
    return (
        ("abgleich " + _("COMMAND") + " --help", _("one command, with examples")),
        ("abgleich demo", _("the whole way of a list, without any server")),
    )


def _needed(arguments: list[str]) -> tuple[str, ...]:
    # `--project DIR` stands first, if at all.
    rest = arguments[2:] if arguments[:1] == ["--project"] else arguments
    word = rest[0] if rest else ""
    return (word,) if word in COMMANDS else COMMANDS


def _show_version(wanted: bool) -> None:
    if wanted:
        from engine import __version__

        typer.echo(f"abgleich {__version__}")
        raise typer.Exit
