"""Every problem code of the package, read from its source: whoever takes a ``code`` is given one somewhere.

A function or class that has a parameter or field ``code`` takes one. What stands there in a call must be a text, a
module's constant, or a code handed on (``problem.code``, the parameter itself); anything else could be any code and is
listed in :attr:`Codes.unclear`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

ENGINE = Path(__file__).parent.parent / "engine"
APART = ("simulator", "explain")
"""What speaks the vendors' codes, and what explains ours."""


@dataclass
class Codes:
    """``used``: code -> the places (``file:line``) that name it. ``unclear``: places where a code can't be told."""

    used: dict[str, set[str]] = field(default_factory=dict)
    unclear: list[str] = field(default_factory=list)


Takers = dict[str, int]
"""What takes a code, by its name: the position of its parameter ``code``."""


def codes_of(folder: Path = ENGINE) -> Codes:
    """All codes that the modules below ``folder`` can give."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sorted(folder.rglob("*.py"))}
    trees = {path: tree for path, tree in trees.items() if path.relative_to(folder).parts[0] not in APART}
    takers: Takers = {}
    for tree in trees.values():
        takers |= _takers(tree)
    found = Codes()
    for path, tree in trees.items():
        constants = _constants(tree)
        for line, given in _given(tree, takers):
            place = f"{path.relative_to(folder.parent).as_posix()}:{line}"
            for part in _parts(given):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    _note(found, part.value, place)
                elif (name := _named(part)) in constants:
                    for code in constants[name]:
                        _note(found, code, place)
                elif not _handed_on(part):
                    found.unclear.append(f"{place} {ast.unparse(part)}")
    return found


def _note(found: Codes, code: str, place: str) -> None:
    if code:
        found.used.setdefault(code, set()).add(place)


def _takers(tree: ast.Module) -> Takers:
    takers: Takers = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            fields = [item.target.id for item in node.body if isinstance(item, ast.AnnAssign) and _is_name(item.target)]
            if "code" in fields:
                takers[node.name] = fields.index("code")
            for item in node.body:
                if isinstance(item, ast.FunctionDef):
                    name = node.name if item.name == "__init__" else item.name
                    takers |= _place_of_code(name, item.args.args[1:])
        elif isinstance(node, ast.FunctionDef) and [a.arg for a in node.args.args[:1]] != ["self"]:
            takers |= _place_of_code(node.name, node.args.args)
    return takers


def _place_of_code(name: str, arguments: list[ast.arg]) -> Takers:
    places = [place for place, argument in enumerate(arguments) if argument.arg == "code" and _is_text(argument)]
    return {name: places[0]} if places else {}


def _is_name(node: ast.expr, name: str = "") -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and (not name or node.id == name)


def _is_text(argument: ast.arg) -> bool:
    return argument.annotation is not None and "str" in ast.unparse(argument.annotation)


def _named(part: ast.expr) -> str:
    """The module's constant that is meant: ``NAME``, or ``NAMES[of]``."""
    inner = part.value if isinstance(part, ast.Subscript) else part
    return inner.id if isinstance(inner, ast.Name) else ""


def _constants(tree: ast.Module) -> dict[str, list[str]]:
    """The module's constants that are texts, or lead to texts."""
    constants: dict[str, list[str]] = {}
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        values = node.value.values if isinstance(node.value, ast.Dict) else [node.value]
        texts = [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Name) and len(texts) == len(values):
                constants[target.id] = texts
    return constants


def _given(tree: ast.Module, takers: Takers) -> Iterator[tuple[int, ast.expr]]:
    """Where a code is given, and what stands there; also what a variable ``code`` is set to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(_is_name(target, "code") for target in node.targets):
            yield node.lineno, node.value
        if not isinstance(node, ast.Call):
            continue
        named = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        position = takers.get(_called(node.func))
        if named:
            yield node.lineno, named[0]
        elif position is not None and position < len(node.args):
            yield node.lineno, node.args[position]


def _called(function: ast.expr) -> str:
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _parts(given: ast.expr) -> Iterator[ast.expr]:
    if isinstance(given, ast.IfExp):
        yield from _parts(given.body)
        yield from _parts(given.orelse)
    elif isinstance(given, ast.BoolOp):
        for value in given.values:
            yield from _parts(value)
    else:
        yield given


def _handed_on(part: ast.expr) -> bool:
    if isinstance(part, ast.Constant) and part.value is None:
        return True
    if isinstance(part, ast.Name):
        return part.id == "code"
    if isinstance(part, ast.Subscript):  # of an error of pydantic, whose type is the code that `wrong` was given
        return isinstance(part.slice, ast.Constant) and part.slice.value in ("code", "type")
    return isinstance(part, ast.Attribute) and part.attr in ("code", "type")
