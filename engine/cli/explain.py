"""``abgleich explain``: what a problem's code means, an example, the cure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.arguments import json_option
from engine.cli.output import show, show_json
from engine.cli.usage import Examples, WrongUsage
from engine.i18n import _, ngettext
from engine.problems import Problem, did_you_mean

if TYPE_CHECKING:
    from engine.explain.base import Explanation


MOST = 10


def summary() -> str:
    """What the command does."""
    return _("Explain the code of a message, with an example and the cure.")


def examples() -> Examples:
    """Command lines to copy."""
    return (
        ("abgleich explain unknown_key", _("what this code means")),
        ("abgleich explain", _("all codes")),
    )


def command(
    word: Annotated[
        str | None,
        typer.Argument(
            metavar=_("CODE"), help=_("It stands in brackets behind “error” or “warning”; default: all codes.")
        ),
    ] = None,
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    """Explain."""
    from engine.explain import explanations
    from engine.report.problems import explanation_lines

    known = explanations()
    chosen = known if word is None else {name: known[name] for name in (_meant(word, known),)}
    if as_json:
        show_json({"codes": [_as_json(name, explained) for name, explained in chosen.items()]})
    else:
        show(explanation_lines(chosen, whole=word is not None))
        if word is None:
            typer.echo(_where_codes_stand(), err=True)


def _meant(word: str, known: dict[str, Explanation]) -> str:
    """The code that is meant, also as a message shows it, in brackets. Ends with exit code 2 for an unknown one."""
    name = word.strip("[] ").casefold()
    if name in known:
        return name
    near = did_you_mean(name, known)
    hint = _("Did you mean {name}?").format(name=near) if near else _found(name, known)
    raise WrongUsage(Problem("wrong_usage", _("There is no code {name}.").format(name=word), hint))


def _found(word: str, known: dict[str, Explanation]) -> str:
    """The codes whose name or meaning holds the beginning of a word; where there is none, how to find one."""
    begins = re.compile(rf"(?:\b|_){re.escape(word)}")
    found = [name for name, one in known.items() if word and begins.search(f"{name} {one.meaning}".casefold())]
    if not found:
        return _where_codes_stand()
    lines = [f"  {name}: {known[name].meaning}" for name in found[:MOST]]
    more = len(found) - MOST
    if more > 0:
        lines.append("  " + ngettext("… and {n} more: {names}", "… and {n} more: {names}", more))
        lines[-1] = lines[-1].format(n=more, names=", ".join(found[MOST:]))
    return "\n".join([_("These speak of it:"), *lines])


def _where_codes_stand() -> str:
    text = _("A code stands in brackets in a message, like {example}. {line} finds those that speak of something.")
    return text.format(example="[unknown_key]", line="`abgleich explain GREYHOUND`")


def _as_json(name: str, explained: Explanation) -> dict[str, str | None]:
    return {
        "code": name,
        "meaning": explained.meaning,
        "example": explained.example,
        "cure": explained.cure,
        "right": explained.right or None,
    }
