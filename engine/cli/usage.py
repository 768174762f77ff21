"""What typer itself says, in the language in use: help pages, and what is wrong with a command line.

typer's own texts are English and can't be exchanged, so they are recognised: a test goes through all of them, and one
that is not recognised is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import typer
from typer.core import TyperCommand, TyperGroup

from engine.i18n import _
from engine.problems import did_you_mean

_TYPE = re.compile(r"[ ]<(?:list\[)?(?:str|path|int|int range|bool)\]?>")


def helped(text: str) -> str:
    """A help page in the language in use, without the names of types that only programmers know."""
    page = _TYPE.sub(lambda found: " " * len(found[0]), text)
    words = {
        "Usage: ": _("Usage:") + " ",
        " [OPTIONS]": " " + _("[OPTIONS]"),
        "COMMAND [ARGS]...": _("COMMAND [ARGS]..."),
        "Show this message and exit.": _("Show this help."),
        "[required]": _("[required]"),
        "[default: ": _("[default: "),
    }
    for english, said in words.items():
        page = page.replace(english, said)
    heads = {"Options:": _("Options:"), "Arguments:": _("Arguments:"), "Commands:": _("Commands:")}
    return "\n".join(heads.get(line, line).rstrip() for line in page.split("\n"))


class Command(TyperCommand):
    """A command whose help page is in the language in use."""

    def get_help(self, ctx: typer.Context) -> str:  # type: ignore[override] # the base names a class of its own
        return helped(super().get_help(ctx))


class Group(TyperGroup):
    """All commands, the same."""

    def get_help(self, ctx: typer.Context) -> str:  # type: ignore[override]
        return helped(super().get_help(ctx))


def wrong_usage(error: typer.TyperException, commands: tuple[str, ...]) -> Iterator[str]:
    """What is wrong with a command line, and what to write instead; a whole help page where just that was asked for."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        yield error.format_message()
        return
    yield _("Nothing was done: {reason}").format(reason=_reason(error, commands))
    if context is not None:
        yield helped(context.get_usage())
    path = context.command_path if context is not None else "abgleich"
    yield _("`{command} --help` shows everything.").format(command=path)


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
    near = did_you_mean(name, commands)
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
