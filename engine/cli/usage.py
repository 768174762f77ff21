"""What typer itself says, in the language in use: help pages, and what is wrong with a command line.

typer's own texts are English and can't be exchanged, so they are recognised: a test goes through all of them, and one
that is not recognised is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from engine.i18n import _
from engine.problems import Problem, did_you_mean

if TYPE_CHECKING:
    from typer._click.formatting import HelpFormatter

Examples = Sequence[tuple[str, str]]
"""Command lines, each with what it does."""

_TYPE = re.compile(r"[ ]?<[^<>]*>$")
_NOTES = re.compile(r"(?:^|[ ][ ])\[([^\[\]]*)\]$")
_WIDEST = 48


def example_text(examples: Examples) -> str:
    """Examples as a command keeps them until its help page is wanted: one a line, and what it does behind a tab."""
    return "\n".join("\t".join(example) for example in examples)


class Command(TyperCommand):
    """A command whose help page is in the language in use; its ``epilog`` holds examples (:func:`example_text`)."""

    def format_usage(self, ctx: typer.Context, formatter: HelpFormatter) -> None:  # type: ignore[override] # a class of its own
        _write_usage(self, ctx, formatter)

    def format_options(self, ctx: typer.Context, formatter: HelpFormatter) -> None:  # type: ignore[override]
        _write_options(self, ctx, formatter)

    def format_epilog(self, ctx: typer.Context, formatter: HelpFormatter) -> None:  # type: ignore[override]
        _write_examples(self, formatter)


class Group(TyperGroup):
    """All commands, the same."""

    def format_usage(self, ctx: typer.Context, formatter: HelpFormatter) -> None:  # type: ignore[override]
        _write_usage(self, ctx, formatter)

    def format_options(self, ctx: typer.Context, formatter: HelpFormatter) -> None:  # type: ignore[override]
        _write_options(self, ctx, formatter)
        # Each in full: typer itself cuts what does not fit on a line.
        _write_section(formatter, _("Commands:"), [(name, one.help or "") for name, one in self.commands.items()])

    def format_epilog(self, ctx: typer.Context, formatter: HelpFormatter) -> None:  # type: ignore[override]
        _write_examples(self, formatter)


def _write_usage(command: TyperCommand | TyperGroup, ctx: Any, formatter: HelpFormatter) -> None:
    """The first line. What is needed stands there without braces, one of several words keeps them."""
    words = {"[OPTIONS]": _("[OPTIONS]"), "COMMAND [ARGS]...": _("COMMAND [ARGS]...")}
    pieces = [words.get(piece, piece) for piece in command.collect_usage_pieces(ctx)]
    bare = (re.sub(r"^\{([\w-]+)\}$", r"\1", piece) for piece in pieces)
    formatter.write_usage(ctx.command_path, " ".join(bare), prefix=_("Usage:") + " ")


def _write_options(command: TyperCommand | TyperGroup, ctx: Any, formatter: HelpFormatter) -> None:
    """Arguments and options, without the names of types and limits that only programmers know."""
    rows: dict[str, list[tuple[str, str]]] = {"argument": [], "option": []}
    for param in command.get_params(ctx):
        record = param.get_help_record(ctx)
        if record is not None:
            rows[param.param_type_name].append((_TYPE.sub("", record[0]), _plain(record[1])))
    _write_section(formatter, _("Arguments:"), rows["argument"])
    _write_section(formatter, _("Options:"), rows["option"])


def _write_examples(command: TyperCommand | TyperGroup, formatter: HelpFormatter) -> None:
    lines = [line.partition("\t") for line in (command.epilog or "").split("\n") if line]
    _write_section(formatter, _("Examples:"), [(line, what) for line, _tab, what in lines])


def _plain(text: str) -> str:
    """The help of an option with its default, and without limits of numbers: who passes one is told."""
    found = _NOTES.search(text)
    if found is None:
        return _("Show this help.") if text == "Show this message and exit." else text
    defaults = [part for part in found[1].split("; ") if part.startswith("default: ")]
    said = [_("[default: ") + part.removeprefix("default: ") + "]" for part in defaults]
    return "  ".join([text[: found.start()], *said]).strip()


def _write_section(formatter: HelpFormatter, head: str, rows: list[tuple[str, str]]) -> None:
    if rows:
        formatter.write(f"\n{head}\n")
        formatter.indent()
        formatter.write_dl(rows, col_max=_WIDEST)
        formatter.dedent()


class WrongUsage(Exception):
    """A word of the command line can't be right: nothing was done. Ends with exit code 2."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem

    def lines(self) -> Iterator[str]:
        """What is wrong, and what to write instead."""
        between = "\n" if "\n" in self.problem.hint else " "
        reason = f"{self.problem.message}{between}{self.problem.hint}".strip()
        yield _("Nothing was done: {reason}").format(reason=reason)


def is_help(error: typer.TyperException) -> bool:
    """Whether nothing was asked for, and the help page is the answer."""
    return type(error).__name__ == "NoArgsIsHelpError"


def wrong_usage_problem(error: typer.TyperException, commands: tuple[str, ...]) -> Problem:
    """What is wrong with a command line. The hint: lines of what may stand there, and where everything stands."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "abgleich"
    everything = _("`{command} --help` shows everything.").format(command=path)
    return Problem("wrong_usage", _reason(error, commands), "\n".join([*_candidates(error), everything]))


def wrong_usage(error: typer.TyperException, problem: Problem) -> Iterator[str]:
    """What is wrong with a command line, and what to write instead."""
    context = getattr(error, "ctx", None)
    yield _("Nothing was done: {reason}").format(reason=problem.message)
    *candidates, everything = problem.hint.split("\n")
    yield from candidates
    if context is not None:
        yield context.get_usage()
    yield everything


def _candidates(error: typer.TyperException) -> list[str]:
    """What may stand where something is missing."""
    context, parameter = getattr(error, "ctx", None), getattr(error, "param", None)
    if type(error).__name__ != "MissingParameter" or context is None or parameter is None:
        return []
    from engine.cli.candidates import candidates

    return candidates(context, parameter.name or "")


def _reason(error: typer.TyperException, commands: tuple[str, ...]) -> str:
    text = error.format_message()
    for pattern, said in _REASONS:
        if found := re.search(pattern, text, re.DOTALL):
            return said(commands, *found.groups())
    return text


def _no_option(_commands: tuple[str, ...], name: str, near: str | None) -> str:
    hint = " " + _("Did you mean {name}?").format(name=near) if near else ""
    return _("There is no option {name}.").format(name=name) + hint


def _no_command(commands: tuple[str, ...], name: str) -> str:
    from engine.config.words import meant

    near = meant(name, (*commands, "--help"))
    hint = " " + _("Did you mean {name}?").format(name=near) if near else ""
    return _("There is no command {name}.").format(name=name) + hint


def _not_one_of(_commands: tuple[str, ...], name: str, value: str, names: str) -> str:
    known = [word.strip(" '") for word in names.rstrip(".").split(",")]
    near = did_you_mean(value, known)
    hint = _("Did you mean {name}?").format(name=near) if near else ""
    known_are = _("Known are: {names}").format(names=", ".join(known))
    return f"{_('{name}: “{value}” is not known.').format(name=name, value=value)} {hint}".strip() + f" {known_are}"


_VALUE = r"Invalid value for '?([^':]*)'?: .*?"
_REASONS: tuple[tuple[str, Callable[..., str]], ...] = (
    (
        r"^No such option: (\S+?)(?: \(Possible options: ([^,)]+).*\)| Did you mean '?([^'?]+).*)?$",
        lambda commands, name, near, other: _no_option(commands, name, near or other),
    ),
    (r"^No such command '(.*?)'\.", _no_command),
    (r"^Missing command", lambda _c: _("A command is missing.")),
    (
        r"^Missing (?:argument|option|parameter) '?([^'.]+)'?\.",
        lambda _c, name: _("{name} is missing.").format(name=name),
    ),
    (
        r"^Option '(.*?)' requires (?:an|\d+) arguments?",
        lambda _c, name: _("The option {name} needs a value.").format(name=name),
    ),
    (
        r"^Option '(.*?)' does not take a value",
        lambda _c, name: _("The option {name} takes no value.").format(name=name),
    ),
    (
        r"^Got unexpected extra argument(?:\(s\)|s)? \((.*)\)$",
        lambda _c, words: _("This is too much: {words}").format(words=words),
    ),
    (_VALUE + r"'([^']*)' is not one of (.*)$", _not_one_of),
    (_VALUE + r"valid integer", lambda _c, name: _("{name}: a whole number is expected.").format(name=name)),
    (
        _VALUE + r"greater than or equal to (-?\d+)",
        lambda _c, name, least: _("{name}: the number must be at least {least}.").format(name=name, least=least),
    ),
    (
        _VALUE + r"less than or equal to (-?\d+)",
        lambda _c, name, most: _("{name}: the number must be at the most {most}.").format(name=name, most=most),
    ),
)
"""What typer says -> what we say. The first that fits counts."""
