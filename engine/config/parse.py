"""A node tree -> a frozen model, with every problem of the shape at its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from engine.config.node import Node
from engine.config.words import meant, surely_meant
from engine.i18n import _
from engine.problems import Fix, Path, Problem

M = TypeVar("M", bound=BaseModel)

PLURALS = {"trigger": "triggers", "condition": "conditions", "action": "actions"}
UNKNOWN_KIND = {"type": "unknown_type", "trigger": "unknown_trigger", "condition": "unknown_condition"}
"""The code for an entry of no known kind, by the key that names the kind."""


def parse(model: type[M], node: Node, problems: list[Problem], path: Path = (), root: Node | None = None) -> M | None:
    """The model made of ``node``; None and problems where it does not fit. ``path`` is the way from ``root`` to it."""
    before = len(problems)
    made = draft(model, node, problems, path, root)
    return made if len(problems) == before and not has_broken(node) else None


def draft(model: type[M], node: Node, problems: list[Problem], path: Path = (), root: Node | None = None) -> M | None:
    """Like :func:`parse`, but where something does not fit the rest is still there: what can be checked further is.

    In a draft, what is wrong or missing is None or empty. None only where no keys and values stand at all.
    """
    top = root or node
    if node.broken:
        return None
    plain = _prepare(model, node, problems, path, top)
    if plain is None:
        return None
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            where = (*path, *detail["loc"])
            # What stands there but was no good has been reported already.
            if detail["type"] != "missing" or top.find(where) is None:
                problems.append(_problem(detail, top, where))
        return _constructed(model, plain)


def has_broken(node: Node) -> bool:
    """Whether anything in a tree was reported while it was read: what is made of it is not whole."""
    below = node.value.values() if isinstance(node.value, dict) else node.value if isinstance(node.value, list) else ()
    return node.broken or any(map(has_broken, below))


def choose(
    kinds: dict[str, type[M]], key: str, node: Node, problems: list[Problem], path: Path, root: Node
) -> tuple[type[M], str] | None:
    """The model for an entry whose ``key`` names its kind, e.g. ``trigger: file``; None and a problem if unknown."""
    if node.broken:
        return None
    _meant(node, key, kinds, problems, path, root)
    word = node.get(key)
    known = _("Known are: {names}").format(names=", ".join(kinds))
    if word is None or not isinstance(word.value, str):
        if word is None or not word.broken:
            message = _("The key {key} is missing.").format(key=key)
            hint = _("Write for example {line}.").format(line=f"`{key}: {next(iter(kinds))}`")
            problems.append(Problem("key_missing", message, f"{hint} {known}", root.locate_missing((*path, key))))
        return None
    kind = kinds.get(word.value)
    if kind is None:
        near, sure = meant(word.value, kinds), surely_meant(word.value, kinds)
        hint = _("Did you mean {name}?").format(name=near) if near else ""
        message = _("{key}: {value} is not known.").format(key=key, value=word.value)
        fixes = root.rewriting((*path, key), sure) if sure else ()
        at = root.locate((*path, key))
        problems.append(Problem(UNKNOWN_KIND[key], message, f"{hint} {known}".strip(), at, fixes=fixes))
        return None
    return kind, word.value


def _meant(node: Node, key: str, kinds: dict[str, type[M]], problems: list[Problem], path: Path, root: Node) -> None:
    """``typ: fe2`` was meant as ``type: fe2``."""
    if not isinstance(node.value, dict) or key in node.value:
        return
    others = {name for kind in kinds.values() for name in kind.model_fields} - {key}
    for word in node.value:
        if word not in others and meant(word, [key, *others]) == key:
            problems.append(unknown_key(word, [key], root, (*path, word)))
            node.rename(word, key)
            return


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
    return Node(values, node.at, keys=keys, weight=node.weight, broken=node.broken)


def as_list(node: Node | None) -> Node | None:
    """A single entry as a list of one."""
    if node is None or node.value is None or isinstance(node.value, list):
        return node
    return Node([node], node.at, weight=node.weight + 1)


def _prepare(
    model: type[BaseModel],
    node: Node,
    problems: list[Problem],
    path: Path,
    root: Node,
) -> dict[str, Any] | None:
    if not isinstance(node.value, dict):
        names = ", ".join(model.model_fields)
        hint = _("Write `key: value` lines, indented.") + " " + _("Known keys are: {names}").format(names=names)
        problems.append(Problem("expected_mapping", _("Keys and values are expected here."), hint, root.locate(path)))
        return None
    _check_keys(model, node, problems, path, root)
    plain: dict[str, Any] = {}
    for key, value in node.value.items():
        info = model.model_fields.get(key)
        if info is None or value.broken or (value.value is None and not info.is_required()):
            continue
        nested = _nested_model(info.annotation)
        if nested is None:
            plain[key] = value.plain()
        elif value.value is None:
            message, hint = _("A value is missing here."), _("Write `key: value` lines under it, indented.")
            problems.append(Problem("value_missing", message, hint, root.locate((*path, key))))
        else:
            inner = _prepare(nested, value, problems, (*path, key), root)
            if inner is not None:
                plain[key] = inner
    return plain


def _check_keys(model: type[BaseModel], node: Node, problems: list[Problem], path: Path, root: Node) -> None:
    """Report keys that nobody knows. One that is near to a key that is not there is taken for it."""
    assert isinstance(node.value, dict)
    known = list(model.model_fields)
    _put_right(model, node, problems, path, root)
    for key in [key for key in node.value if key not in model.model_fields]:
        plural = PLURALS.get(key)
        if plural in model.model_fields and plural in node.value:
            message = _("{key} and {other} mean the same.").format(key=key, other=plural)
            hint = _("Put all entries under {other}.").format(other=plural)
            problems.append(Problem("duplicate_key", message, hint, root.locate_key((*path, key))))
            continue
        problems.append(unknown_key(key, known, root, (*path, key)))
        near = meant(key, known)
        if near is not None and near not in node.value:
            node.rename(key, near)


def _put_right(model: type[BaseModel], node: Node, problems: list[Problem], path: Path, root: Node) -> None:
    """Report keys that stand one level too far out or in, and take them for what stands at the right place."""
    assert isinstance(node.value, dict)
    for name, info in model.model_fields.items():
        nested, below = _nested_model(info.annotation), node.get(name)
        if nested is None or below is None or not isinstance(below.value, dict):
            continue
        for key in [key for key in node.value if key not in model.model_fields and key in nested.model_fields]:
            hint = _("{key} belongs under `{name}:`. Put it there, indented.").format(key=key, name=name)
            problems.append(replace(unknown_key(key, [], root, (*path, key)), hint=hint))
            node.move(key, below)
        for key in [key for key in below.value if key not in nested.model_fields and key in model.model_fields]:
            hint = _("{key} belongs one level further out: put fewer blanks before it.").format(key=key)
            problems.append(replace(unknown_key(key, [], root, (*path, name, key)), hint=hint))
            below.move(key, node)


def unknown_key(key: str, known: list[str], root: Node, path: Path) -> Problem:
    """The problem of a key that nobody knows, with the nearest one that is known."""
    near, sure = meant(key, known), surely_meant(key, known)
    at = root.locate_key(path)
    beside = root.find(path[:-1])
    taken = beside is not None and isinstance(beside.value, dict) and sure in beside.value
    fixes = (Fix(at.line, at.column, key, sure),) if sure and not taken and at.line and at.column else ()
    return Problem(
        "unknown_key",
        _("The key {key} is not known here.").format(key=key),
        _("Did you mean {name}?").format(name=near)
        if near
        else _("Known keys are: {names}").format(names=", ".join(known)),
        at,
        fixes=fixes,
    )


def _nested_model(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _constructed(model: type[M], plain: dict[str, Any]) -> M:
    """The model of what is right; the rest as if it were not there."""
    values: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        nested = _nested_model(info.annotation)
        if nested is not None and (name in plain or info.is_required()):
            values[name] = _constructed(nested, plain.get(name, {}))
        elif name in plain:
            try:
                annotated: Any = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
                values[name] = TypeAdapter(annotated).validate_python(plain[name])
            except ValidationError:
                values[name] = _nothing(info)
        elif info.is_required():
            values[name] = _nothing(info)
    return model.model_construct(**values)


def _nothing(info: FieldInfo) -> Any:
    if not info.is_required():
        return info.get_default(call_default_factory=True, validated_data={})
    kind = get_origin(info.annotation)
    return kind() if kind in (dict, tuple) else None


def _problem(detail: ErrorDetails, root: Node, where: Path) -> Problem:
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind == "missing":
        message = _("The key {key} is missing.").format(key=where[-1])
        hint = _("Add the line `{key}: …` here.").format(key=where[-1])
        return Problem("key_missing", message, hint, root.locate_missing(where))
    if kind == "literal_error":
        allowed = [word.strip("'") for word in str(context.get("expected", "")).replace(" or ", ", ").split(", ")]
        shown = detail["input"] if isinstance(detail["input"], str) else "…"
        near, sure = meant(shown, allowed), surely_meant(shown, allowed)
        hint = _("Did you mean {name}?").format(name=near) if near else ""
        known = _("Allowed are: {names}").format(names=", ".join(allowed))
        message = _("“{value}” is not allowed here.").format(value=shown)
        fixes = root.rewriting(where, sure) if sure else ()
        return Problem("value_not_allowed", message, f"{hint} {known}".strip(), root.locate(where), fixes=fixes)
    if "message" in context:
        at = root.locate((*where, *context.get("inside", ())))
        instead = context.get("instead")
        fixes = root.rewriting(where, instead) if isinstance(instead, str) else ()
        return Problem(detail["type"], str(context["message"]), str(context.get("hint", "")), at, fixes=fixes)
    hint = _("Compare it with the documentation of this key.")
    return Problem("value_invalid", _("This value does not fit here."), hint, root.locate(where))
