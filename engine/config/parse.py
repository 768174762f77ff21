"""A node tree -> a frozen model, with every problem of the shape at its place."""

from __future__ import annotations

from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine.config.yaml import Node
from engine.i18n import _
from engine.problems import Path, Problem, did_you_mean

M = TypeVar("M", bound=BaseModel)

PLURALS = {"trigger": "triggers", "condition": "conditions", "action": "actions"}


def parse(model: type[M], node: Node, problems: list[Problem], path: Path = (), root: Node | None = None) -> M | None:
    """The model made of ``node``; None and problems where it does not fit. ``path`` is the way from ``root`` to it."""
    top = root or node
    before = len(problems)
    plain = _prepare(model, node, problems, path, top)
    if plain is None:
        return None
    try:
        made = model.model_validate(plain)
    except ValidationError as error:
        problems += [_problem(detail, top, path) for detail in error.errors(include_url=False)]
        return None
    return made if len(problems) == before else None


def choose(
    kinds: dict[str, type[M]], key: str, node: Node, problems: list[Problem], path: Path, root: Node
) -> tuple[type[M], str] | None:
    """The model for an entry whose ``key`` names its kind, e.g. ``trigger: file``; None and a problem if unknown."""
    word = node.get(key)
    if word is None or not isinstance(word.value, str):
        names = ", ".join(kinds)
        message = _("The key {key} is missing.").format(key=key)
        problems.append(Problem("key_missing", message, _("Known are: {names}").format(names=names), root.locate(path)))
        return None
    kind = kinds.get(word.value)
    if kind is None:
        near = did_you_mean(word.value, kinds)
        hint = _("Did you mean {name}?").format(name=near) if near else ""
        known = _("Known are: {names}").format(names=", ".join(kinds))
        message = _("{key}: {value} is not known.").format(key=key, value=word.value)
        problems.append(Problem(f"unknown_{key}", message, f"{hint} {known}".strip(), root.locate((*path, key))))
        return None
    return kind, word.value


def with_plurals(node: Node) -> Node:
    """The node with ``trigger``, ``condition`` and ``action`` under their plural names, as Home Assistant allows."""
    if not isinstance(node.value, dict):
        return node
    values: dict[str, Node] = {}
    keys = {}
    for key, value in node.value.items():
        name = PLURALS.get(key, key)
        name = key if name in node.value and name != key else name
        values[name] = value
        keys[name] = node.keys.get(key, value.at)
    return Node(values, node.at, keys=keys, weight=node.weight)


def as_list(node: Node | None) -> Node | None:
    """A single entry as a list of one."""
    if node is None or node.value is None or isinstance(node.value, list):
        return node
    return Node([node], node.at, weight=node.weight + 1)


def _prepare(
    model: type[BaseModel], node: Node, problems: list[Problem], path: Path, root: Node
) -> dict[str, Any] | None:
    if not isinstance(node.value, dict):
        problems.append(
            Problem(
                "expected_mapping",
                _("Keys and values are expected here."),
                _("Known keys are: {names}").format(names=", ".join(model.model_fields)),
                root.locate(path),
            )
        )
        return None
    plain: dict[str, Any] = {}
    for key, value in node.value.items():
        info = model.model_fields.get(key)
        if info is None:
            problems.append(unknown_key(key, list(model.model_fields), root, (*path, key)))
            continue
        if value.value is None and not info.is_required():
            continue
        nested = _nested_model(info.annotation)
        if nested is not None:
            inner = _prepare(nested, value, problems, (*path, key), root)
            if inner is not None:
                plain[key] = inner
        else:
            plain[key] = value.plain()
    return plain


def unknown_key(key: str, known: list[str], root: Node, path: Path) -> Problem:
    """The problem of a key that nobody knows, with the nearest one that is known."""
    near = did_you_mean(key, known)
    return Problem(
        "unknown_key",
        _("The key {key} is not known here.").format(key=key),
        _("Did you mean {name}?").format(name=near)
        if near
        else _("Known keys are: {names}").format(names=", ".join(known)),
        root.locate_key(path),
    )


def _nested_model(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _problem(detail: ErrorDetails, root: Node, path: Path) -> Problem:
    where = (*path, *detail["loc"])
    kind = detail["type"]
    context = detail.get("ctx", {})
    at = root.locate(where)
    if kind == "missing":
        message = _("The key {key} is missing.").format(key=where[-1])
        return Problem("key_missing", message, _("Add it here."), root.locate(where[:-1]))
    if kind == "literal_error":
        allowed = [word.strip("'") for word in str(context.get("expected", "")).replace(" or ", ", ").split(", ")]
        near = did_you_mean(str(detail["input"]), allowed)
        hint = _("Did you mean {name}?").format(name=near) if near else ""
        known = _("Allowed are: {names}").format(names=", ".join(allowed))
        message = _("“{value}” is not allowed here.").format(value=detail["input"])
        return Problem("value_not_allowed", message, f"{hint} {known}".strip(), at)
    if "message" in context:
        return Problem(kind, str(context["message"]), str(context.get("hint", "")), at)
    return Problem("value_invalid", _("This value does not fit here."), "", at)
