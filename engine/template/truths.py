"""PURE: questions that have one answer only. A `where` that is true for everybody sends whom nobody meant to send."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError

from engine.i18n import _
from engine.template.environment import Environment, parse, walk
from engine.template.faults import Finding
from engine.template.kinds import truth

_ASKING = (nodes.Compare, nodes.Test, nodes.Not, nodes.And, nodes.Or)
_TEXT = r"'[^']*'|\"[^\"]*\""
_EQUAL_OR = re.compile(rf"(?P<name>\w+)\s*==\s*(?P<one>{_TEXT})\s+or\s+(?P<other>{_TEXT})(?!\s*[=!<>]=)")
_UNEQUAL_OR = re.compile(rf"(?P<name>\w+)\s*!=\s*(?P<one>{_TEXT})\s+or\s+(?P=name)\s*!=\s*(?P<other>{_TEXT})")
_EQUAL_AND = re.compile(rf"(?P<name>\w+)\s*==\s*(?P<one>{_TEXT})\s+and\s+(?P=name)\s*==\s*(?P<other>{_TEXT})")


def one_answer(environment: Environment, text: str, is_question: bool) -> list[Finding]:
    """What in a template asks and has one answer only; ``is_question``: the template as a whole is a condition."""
    try:
        tree = parse(environment, text)
    except TemplateSyntaxError:
        return []
    found = [*_as_a_whole(tree, text)] if is_question else []
    return found or [*_inside(tree, text, is_question)]


def _as_a_whole(tree: nodes.Template, text: str) -> Iterator[Finding]:
    """A condition is true for any text but a few words: what stands beside the braces makes it true for everybody."""
    outputs = [part for node in tree.body if isinstance(node, nodes.Output) for part in node.nodes]
    beside = [part.data.strip() for part in outputs if isinstance(part, nodes.TemplateData) and part.data.strip()]
    asked = [part for part in outputs if not isinstance(part, nodes.TemplateData)]
    if beside and asked:
        message = _("“{text}” stands outside of the braces: so the condition is true for every row.")
        hint = _("Everything belongs between one pair of braces, for example {line}.")
        example = "\"{{ status == 'aktiv' and zug == '1. Zug' }}\""
        yield _doubt(message.format(text=beside[0]), hint.format(line=example), beside[0])
    elif len(asked) > 1 and any(isinstance(part, _ASKING) for part in asked):
        message = _("Two questions side by side make a text: so the condition is true for every row.")
        hint = _("Join them by `and` or by `or`, between one pair of braces.")
        yield _always(message, hint, None)
    elif len(asked) == 1 and _is_text(asked[0]):
        word = asked[0].as_const()
        message = _("“{text}” asks nothing: so the condition is true for every row.").format(text=word)
        hint = _("Compare a column with it, for example {line}.")
        line = f"\"{{{{ status == '{word}' }}}}\""
        yield _doubt(message, hint.format(line=line), word)


def _inside(tree: nodes.Template, text: str, is_question: bool) -> Iterator[Finding]:
    for test in _tests(tree, is_question):
        for node in walk(test):
            if isinstance(node, nodes.Or) and _is_text(node.right) and isinstance(node.left, _ASKING):
                message = _("The question behind `or` is missing: “{text}” alone is always true.")
                shown = message.format(text=node.right.as_const())
                yield _always(shown, _instead(text, _EQUAL_OR, "in", _("Write the question out on both sides.")), None)
            elif isinstance(node, nodes.Or) and _same_compared(node, "ne"):
                message = _("Whatever it is, it is not the one or not the other: this is true for every row.")
                yield _always(message, _instead(text, _UNEQUAL_OR, "not in", _("Join them by `and`.")), None)
            elif isinstance(node, nodes.And) and _same_compared(node, "eq"):
                message = _("Nothing is both at once: this is true for no row.")
                hint = _instead(text, _EQUAL_AND, "in", _("Join them by `or`."))
                yield Finding("condition_never_true", message, hint)


def _tests(tree: nodes.Template, is_question: bool) -> Iterator[nodes.Node]:
    """The questions of a template: all of it where it is one, and what stands behind `if`."""
    if is_question:
        yield from (part for node in tree.body if isinstance(node, nodes.Output) for part in node.nodes)
    else:
        yield from (node.test for node in walk(tree) if isinstance(node, nodes.CondExpr | nodes.If))


def _is_text(node: nodes.Node) -> bool:
    """Whether it is a text that is true: `nein` and the like are not."""
    return isinstance(node, nodes.Const) and isinstance(node.value, str) and truth(node.value)


def _same_compared(node: nodes.BinExpr, sign: str) -> bool:
    """Whether both sides compare the same with different texts."""
    sides = (node.left, node.right)
    if not all(isinstance(side, nodes.Compare) and [op.op for op in side.ops] == [sign] for side in sides):
        return False
    (left, one), (right, other) = ((side.expr, side.ops[0].expr) for side in sides)  # type: ignore[attr-defined]
    values = [side.value for side in (one, other) if isinstance(side, nodes.Const) and isinstance(side.value, str)]
    return left == right and len(values) == 2 and values[0] != values[1]


def _instead(text: str, pattern: re.Pattern[str], word: str, otherwise: str) -> str:
    match = pattern.search(text)
    if match is None:
        return otherwise
    return _("Write: {line}").format(line=f"{match['name']} {word} [{match['one']}, {match['other']}]")


def _always(message: str, hint: str, needle: str | None) -> Finding:
    return Finding("condition_always_true", message, hint, needle)


def _doubt(message: str, hint: str, needle: str) -> Finding:
    """The language takes any text for true, and somebody may mean it: so it is said, and not refused (dsl.md §4)."""
    return replace(_always(message, hint, needle), severity="warning")
