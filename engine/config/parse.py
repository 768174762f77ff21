"""A node tree -> a frozen model, with every problem of the shape at its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from engine.config.mend import put_blanks
from engine.config.node import Node
from engine.config.words import meant, surely_meant
from engine.i18n import _, ngettext
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
        if below is None or below.broken:
            continue
        if nested is not None and isinstance(below.value, dict):
            for key in [key for key in below.value if key not in nested.model_fields and key in model.model_fields]:
                problems.append(misplaced((*path, name, key), (*path, key), root))
                _move_with_block(key, below, node, model, nested)
        wanted = _children(model, name, nested, node)
        if wanted:
            found = misplaced((*path, wanted[0]), (*path, name, wanted[0]), root, len(wanted))
            problems.append(found if nested is not None else _perhaps(found, name, list(model.model_fields)))
            if below.value is None:
                below.value = {}
            for key in wanted:
                node.move(key, below)


def _children(model: type[BaseModel], name: str, nested: type[BaseModel] | None, node: Node) -> list[str]:
    """The keys beside ``name`` that were meant to stand below it."""
    assert isinstance(node.value, dict)
    below = node.value[name]
    unknown = [key for key in node.value if key not in model.model_fields and key not in PLURALS]
    if nested is not None:
        is_there = isinstance(below.value, dict) or below.value is None
        return [key for key in unknown if is_there and key in nested.model_fields]
    if not _takes_any_key(model.model_fields[name].annotation) or not isinstance(below.value, dict | None):
        return []
    # Whatever follows at once and is nobody's: names of columns, variables and fields are free.
    keys = list(node.value)
    following = keys[keys.index(name) + 1 :]
    found = []
    for key in following:
        if key in model.model_fields or key in PLURALS or surely_meant(key, model.model_fields.keys() - node.value):
            break
        text = node.value[key].value
        if name == "columns" and isinstance(text, str) and "{{" in text:
            break  # a heading is no template
        found.append(key)
    return found


def _perhaps(problem: Problem, name: str, known: list[str]) -> Problem:
    """A key that nobody knows may be one of those below the key before it, whose names are free."""
    message = _("The key {key} is not known here.").format(key=problem.at.path[-1])
    belongs = _("It belongs under `{name}:`.").format(name=name)
    asked = problem.hint.replace(belongs, _("Does it belong under `{name}:`?").format(name=name), 1)
    hint = f"{asked} {_('Known keys are: {names}').format(names=', '.join(known))}"
    return replace(problem, message=message, hint=hint)


def _move_with_block(key: str, below: Node, node: Node, outer: type[BaseModel], inner: type[BaseModel]) -> None:
    """Move a key out of the mapping below, and what follows it there where it has lost its own lines."""
    assert isinstance(below.value, dict)
    moved, keys = below.value[key], list(below.value)
    if moved.value is None and not moved.broken:
        own = []
        for name in keys[keys.index(key) + 1 :]:
            if name in inner.model_fields or name in outer.model_fields:
                break
            own.append(name)
        if own:
            moved.value = {}
            for name in own:
                below.move(name, moved)
    below.move(key, node)


def misplaced(path: Path, wanted: Path, root: Node, count: int = 1) -> Problem:
    """The problem of a key that stands at ``path`` and belongs to ``wanted``, maybe with some lines behind it."""
    at = root.locate_key(path)
    key, now = path[-1], next((part for part in reversed(path[:-1]) if isinstance(part, str)), None)
    owner = next((part for part in reversed(wanted[:-1]) if isinstance(part, str)), None)
    message = _("{key} stands under `{name}:` here, where it does not belong.").format(key=key, name=now)
    if now is None:
        message = _("{key} stands at the outermost level here, where it does not belong.").format(key=key)
    hint = _("It belongs at the outermost level: take away the blanks before it.")
    if owner is not None:
        hint = _("It belongs under `{name}:`.").format(name=owner)
        blanks = _blanks(root, wanted)
        if blanks is not None and at.column:
            hint += " " + put_blanks(blanks, at.column - 1)
    if count > 1:
        more = ngettext(
            "The same holds for the line below it.", "The same holds for the {n} lines below it.", count - 1
        )
        hint += " " + more.format(n=count - 1)
    return Problem("unknown_key", message, hint, at)


def _blanks(root: Node, wanted: Path) -> int | None:
    """How many blanks stand before the keys among which a key belongs; None where they stand in one line."""
    owner = root.find(wanted[:-1])
    at = root.locate_key(wanted[:-1])
    keys = [place for place in owner.keys.values() if place.file == at.file] if owner is not None else []
    beside = next((place for place in keys if place.line != at.line and place.column), None)
    if beside is not None and beside.column is not None:
        return beside.column - 1
    return at.column + 1 if not keys and at.column else None


def _takes_any_key(annotation: Any) -> bool:
    return any((get_origin(part) or part) is dict for part in (annotation, *get_args(annotation)))


def join_entries(listed: Node | None, word: str, problems: list[Problem], path: Path) -> None:
    """Report entries of a list that have not the key which every one needs, and go on with the one before them."""
    entries = listed.value if listed is not None and isinstance(listed.value, list) else []
    joined: list[Node] = []
    for entry in entries:
        last = joined[-1] if joined else None
        if last is None or not _continues(last, entry, word):
            joined.append(entry)
            continue
        assert isinstance(entry.value, dict)
        at = replace(entry.at, path=(*path, len(joined)))
        message = _("The dash begins a new entry here, but {key} belongs to the entry above.")
        hint = _("Write a blank instead of the dash.")
        key = next(iter(entry.value))
        problems.append(Problem("yaml_indentation", message.format(key=key), hint, at))
        for key in list(entry.value):
            entry.move(key, last)
    if listed is not None and len(joined) < len(entries):
        listed.value = joined


def _continues(last: Node, entry: Node, word: str) -> bool:
    if not isinstance(last.value, dict) or not isinstance(entry.value, dict) or not entry.value:
        return False
    own = {surely_meant(key, [word]) or key for key in entry.value}
    return word in last.value and word not in own and "platform" not in own and not own & last.value.keys()


def unknown_key(key: str, known: list[str], root: Node, path: Path) -> Problem:
    """The problem of a key that nobody knows, with the nearest one that is known."""
    near, sure = meant(key, known), surely_meant(key, known)
    at = root.locate_key(path)
    beside = root.find(path[:-1])
    taken = beside is not None and isinstance(beside.value, dict) and sure in beside.value
    # Before a word with a dash perhaps just a blank is missing.
    is_sure = sure and not taken and not key.startswith("-")
    fixes = (Fix(at.line, at.column, key, str(sure)),) if is_sure and at.line and at.column else ()
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
