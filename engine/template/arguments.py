"""What stands in the brackets of filters and functions, as far as it can be told before any row is seen."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator
from typing import Any

from jinja2 import nodes

from engine.i18n import _
from engine.problems import did_you_mean
from engine.template.environment import Environment, walk
from engine.template.faults import Finding
from engine.template.filters import FILTERS, FilterError

PATTERNS = ("regex_replace", "regex_search")
LONGEST_DEFAULT = 12


def wrong_arguments(environment: Environment, tree: nodes.Template, own: Collection[str]) -> Iterator[Finding]:
    """Filters and functions that are given what they do not take; ``own`` are names that are no functions of ours."""
    for node in walk(tree):
        if isinstance(node, nodes.Filter):
            yield from _of_filter(environment, node)
        elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name not in own:
            function = environment.globals.get(node.node.name)
            if function is not None:
                yield from _wrong(node.node.name, function, node.args, node, is_filter=False)


def _of_filter(environment: Environment, node: nodes.Filter) -> Iterator[Finding]:
    name, arguments = node.name, node.args
    if name == "map" and arguments and isinstance(arguments[0], nodes.Const):
        name, arguments = str(arguments[0].value), arguments[1:]
    function = environment.filters.get(name)
    if function is None or name.startswith("_"):
        return
    found = [*_wrong(name, function, arguments, node, is_filter=True)]
    yield from found or _bad_pattern(name, arguments, node)


def _wrong(
    name: str,
    function: Any,
    arguments: list[nodes.Expr],
    node: nodes.Filter | nodes.Call,
    is_filter: bool,
) -> Iterator[Finding]:
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        return
    parameters = _parameters(function, is_filter)
    if parameters is None:
        return
    given = [str(pair.key) for pair in node.kwargs]
    try:
        inspect.Signature(parameters).bind(*arguments, **dict.fromkeys(given))
    except TypeError:
        message = _("{name} does not take what stands in its brackets.").format(name=name)
        names = [one.name for one in parameters if one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
        near = next((did_you_mean(key, names) for key in given if key not in names), None)
        hint = _("Did you mean {name}?").format(name=near) + " " if near else ""
        form = ", ".join(map(_shown, parameters))
        shown = (f"| {name}({form})" if form else f"| {name}") if is_filter else f"{name}({form})"
        written = (
            _("It is written {form}; what has a = may be left out.") if "=" in form else _("It is written {form}.")
        )
        hint += written.format(form=f"`{shown}`")
        yield Finding("wrong_arguments", message, hint, name, node.lineno)


def _parameters(function: Any, is_filter: bool) -> list[inspect.Parameter] | None:
    """What stands in the brackets; None where nobody knows. A filter's first parameter is the value before it."""
    inner = inspect.unwrap(function)
    try:
        parameters = list(inspect.signature(inner).parameters.values())
    except (TypeError, ValueError):
        return None
    hidden = hasattr(inner, "jinja_pass_arg") + is_filter
    if any(one.kind is inspect.Parameter.VAR_POSITIONAL for one in parameters[:hidden]):
        return None
    return parameters[hidden:]


def _shown(parameter: inspect.Parameter) -> str:
    if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        return "…"
    if parameter.default is inspect.Parameter.empty:
        return parameter.name
    default = repr(parameter.default)
    plain = isinstance(parameter.default, str | int) and len(default) <= LONGEST_DEFAULT
    return f"{parameter.name}={default.lower() if isinstance(parameter.default, bool) else default if plain else '…'}"


def _bad_pattern(name: str, arguments: list[nodes.Expr], node: nodes.Filter) -> Iterator[Finding]:
    """A pattern that the mapping writes itself would fail for every row."""
    if name not in PATTERNS:
        return
    given = [*arguments[:1], *(pair.value for pair in node.kwargs if pair.key == "find")]
    for pattern in given:
        if isinstance(pattern, nodes.Const) and isinstance(pattern.value, str):
            try:
                FILTERS["regex_search"]("", pattern.value)
            except FilterError as error:
                yield Finding(error.code, error.message, error.hint, name, node.lineno)
