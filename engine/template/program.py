"""The row program: all fields of a mapping as one compiled loop over the rows (see CONTRIBUTING, Architecture).

Rendering every field by itself costs about 20 µs a field and row. Here one Jinja template unpacks each row into names,
which become Python locals, and outputs one tuple per row. A row that fails leaves the loop, is done again field by
field to name the culprit, and the loop goes on behind it.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes

from engine.i18n import _
from engine.problems import Path
from engine.template.check import is_template, used_names
from engine.template.environment import Environment, Recorder, as_expression, compile_tree, explain, filtered, parse
from engine.template.faults import Fault
from engine.template.kinds import NAMES, TEXT, AnyKind, Items, Kind, Pairs, join_names, truth


@dataclass(frozen=True)
class Field:
    """One field of a target: its kind and what the mapping says, with the way to it for messages."""

    name: str
    kind: AnyKind
    value: Any
    path: Path = ()


@dataclass(frozen=True)
class Block:
    """The fields that one action wants of a row; ``where`` leaves rows out of this action only."""

    id: str
    fields: tuple[Field, ...]
    where: str | None = None
    where_path: Path = ()


@dataclass(frozen=True)
class Script:
    """Everything a mapping computes from a row, in the order of dsl.md §4."""

    names: tuple[str, ...]
    key: str
    where: str | None = None
    where_path: Path = ()
    variables: tuple[tuple[str, Any], ...] = ()
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why a row, or one action's part of it, can't be made. ``action`` and ``field`` are None before them."""

    fault: Fault
    path: Path
    action: str | None = None
    field: str | None = None


@dataclass(slots=True)
class Rendered:
    """What became of a row. ``values`` holds a tuple of field values per block: None where the block's ``where`` is
    false or the row failed for it. A row left out by the source's ``where`` has ``selected`` False.
    """

    selected: bool
    key: str | None = None
    values: tuple[tuple[Any, ...] | None, ...] = ()
    faults: list[RowFault] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)

    def fails(self, action: str) -> bool:
        """Whether the row is rejected for this action."""
        return any(fault.action in (None, action) for fault in self.faults)


class Program:
    """A compiled :class:`Script`. The names that every row shares are ``source``, ``trigger`` and a blueprint's inputs.

    Rows are tuples of texts in the order of ``script.names``, followed by ``row`` and ``rows`` where :attr:`extras`
    names them.
    """

    def __init__(self, environment: Environment, script: Script) -> None:
        self.environment = environment
        self.script = script
        self.extras = tuple(name for name in ("row", "rows") if name in _used_names(environment, script))
        self._loop = compile_tree(environment, [self._tree()])
        self._pieces: dict[tuple[int, str | int], Any] = {}

    def run(self, rows: Sequence[tuple[Any, ...]], names: Mapping[str, Any]) -> Iterator[Rendered]:
        """One :class:`Rendered` per row, in order. Never raises for what stands in a row."""
        source = iter(rows)
        recorder = self.environment.recorder
        recorder.discard()
        shared = {**names, "__rows": source}
        done = 0
        while done < len(rows):
            try:
                for values in self._loop(shared):
                    done += 1
                    yield self._rendered(values, recorder)
                break
            except Exception as error:  # any exception of a template is that row's fault
                if done >= len(rows):
                    raise
                recorder.discard()
                rendered = self._one_by_one(rows[done], names, error)
                rendered.notes = recorder.commit()
                yield rendered
                done += 1
                taken = len(rows) - operator.length_hint(source)
                for _skip in range(done - taken):
                    next(source, None)

    @staticmethod
    def _rendered(values: tuple[Any, ...] | None, recorder: Recorder) -> Rendered:
        if values is None:
            recorder.discard()
            return Rendered(False)
        rendered = Rendered(True, values[0], values[1:])
        if recorder.notes or recorder.misses:
            rendered.notes = recorder.commit()
        return rendered

    # -- the loop ----------------------------------------------------------------------------------------------------

    def _tree(self) -> nodes.Node:
        script = self.script
        body: list[nodes.Node] = []
        for index, (name, value) in enumerate(script.variables):
            before, expression = self._variable(value, f"__variable{index}")
            body += [*before, nodes.Assign(nodes.Name(name, "store"), expression)]
        emitted: list[nodes.Expr] = [filtered(nodes.Name(script.key, "load"), self._finisher(TEXT))]
        for index, block in enumerate(script.blocks):
            name = f"__block{index}"
            body += self._block(block, name)
            emitted.append(nodes.Name(name, "load"))
        body.append(nodes.Output([nodes.Tuple(emitted, "load")]))
        if script.where is not None:
            before, test = self._expression(script.where, "__where")
            nothing = nodes.Output([nodes.Const(None)])
            body = [*before, nodes.If(filtered(test, "_truth"), body, [], [nothing])]
        names = [nodes.Name(name, "store") for name in (*script.names, *self.extras)]
        return nodes.For(nodes.Tuple(names, "store"), nodes.Name("__rows", "load"), body, [], None, False)

    def _block(self, block: Block, name: str) -> list[nodes.Node]:
        before: list[nodes.Node] = []
        values: list[nodes.Expr] = []
        for index, entry in enumerate(block.fields):
            statements, expression = self._field(entry.kind, entry.value, f"{name}_{index}")
            before += statements
            values.append(expression)
        store = nodes.Name(name, "store")
        made: list[nodes.Node] = [*before, nodes.Assign(store, nodes.Tuple(values, "load"))]
        if block.where is None:
            return made
        statements, test = self._expression(block.where, f"{name}_where")
        nothing = nodes.Assign(nodes.Name(name, "store"), nodes.Const(None))
        return [*statements, nodes.If(filtered(test, "_truth"), made, [], [nothing])]

    def _field(self, kind: AnyKind, value: Any, name: str) -> tuple[list[nodes.Node], nodes.Expr]:
        """The statements and the expression that give a finished field; structures hold finished leaves."""
        before: list[nodes.Node] = []
        if isinstance(kind, Items):
            entries: list[nodes.Expr] = []
            for number, entry in enumerate(value):
                pairs = {key: self._field(kind.keys[key], entry[key], f"{name}_{number}_{key}") for key in entry}
                before += [node for statements, _expression in pairs.values() for node in statements]
                entries.append(_dict({key: made for key, (_statements, made) in pairs.items()}))
            return before, nodes.List(entries)
        if isinstance(kind, Pairs):
            made = {
                key: self._field(kind.value, item, f"{name}_{number}")
                for number, (key, item) in enumerate(value.items())
            }
            before = [node for statements, _expression in made.values() for node in statements]
            return before, _dict({key: expression for key, (_statements, expression) in made.items()})
        if isinstance(value, list):
            parts = [self._expression(item, f"{name}_{number}") for number, item in enumerate(value)]
            before = [node for statements, _expression in parts for node in statements]
            joined = nodes.List([expression for _statements, expression in parts])
            return before, filtered(joined, self._finisher(_JOINED if kind is NAMES else kind))
        before, expression = self._expression(value, name)
        return before, filtered(expression, self._finisher(kind))

    def _variable(self, value: Any, name: str) -> tuple[list[nodes.Node], nodes.Expr]:
        if isinstance(value, list):
            parts = [self._variable(item, f"{name}_{number}") for number, item in enumerate(value)]
            before = [node for statements, _expression in parts for node in statements]
            return before, nodes.List([expression for _statements, expression in parts])
        if isinstance(value, dict):
            made = {key: self._variable(item, f"{name}_{number}") for number, (key, item) in enumerate(value.items())}
            before = [node for statements, _expression in made.values() for node in statements]
            return before, _dict({key: expression for key, (_statements, expression) in made.items()})
        return self._expression(value, name)

    def _expression(self, value: Any, name: str) -> tuple[list[nodes.Node], nodes.Expr]:
        if value is None:
            return [], nodes.Const(None)
        text = str(value)
        if not is_template(text):
            return [], nodes.Const(text)
        return as_expression(self.environment, parse(self.environment, text), name)

    def _finisher(self, kind: Kind) -> str:
        """The name under which the kind's ``finish`` is a filter: filters are called directly, without the sandbox."""
        name = f"_finish_{kind.name}_{id(kind)}"
        self.environment.filters[name] = kind.finish
        return name

    # -- one row, piece by piece ---------------------------------------------------------------------------------------

    def _one_by_one(self, row: tuple[Any, ...], shared: Mapping[str, Any], error: Exception) -> Rendered:
        """The row with its faults, each at its field; the actions that do not fail keep their values."""
        script = self.script
        names = {**shared, **dict(zip((*script.names, *self.extras), row, strict=True))}
        key = names.get(script.key)
        rendered = Rendered(True, str(key).strip() if isinstance(key, str) else None)
        try:
            if script.where is not None and not self._value(_TRUTH, script.where, names):
                return Rendered(False)
        except Exception as reason:
            rendered.faults.append(RowFault(explain(reason), script.where_path))
            return rendered
        if not self._compute(names, rendered):
            return rendered
        rendered.values = tuple(self._block_values(block, names, rendered) for block in script.blocks)
        if not rendered.faults:
            rendered.faults.append(RowFault(explain(error), ()))
        return rendered

    def _compute(self, names: dict[str, Any], rendered: Rendered) -> bool:
        for name, value in self.script.variables:
            try:
                names[name] = self._value(None, value, names)
            except Exception as reason:
                fault = explain(reason)
                message = _("Variable {name}: {message}").format(name=name, message=fault.message)
                rendered.faults.append(RowFault(Fault(fault.code, message, fault.hint), ("variables", name)))
                return False
        try:
            rendered.key = TEXT.finish(names[self.script.key])
        except Exception as reason:
            rendered.faults.append(RowFault(explain(reason), ("source", "key")))
            return False
        return True

    def _block_values(self, block: Block, names: dict[str, Any], rendered: Rendered) -> tuple[Any, ...] | None:
        try:
            if block.where is not None and not self._value(_TRUTH, block.where, names):
                return None
        except Exception as reason:
            rendered.faults.append(RowFault(explain(reason), block.where_path, block.id))
            return None
        values = []
        failed = False
        for entry in block.fields:
            try:
                values.append(self._value(entry.kind, entry.value, names))
            except Exception as reason:
                failed = True
                rendered.faults.append(RowFault(explain(reason), entry.path, block.id, entry.name))
        return None if failed else tuple(values)

    def _value(self, kind: AnyKind | None, value: Any, names: Mapping[str, Any]) -> Any:
        key = (id(kind), value if isinstance(value, str) else id(value))
        piece = self._pieces.get(key)
        if piece is None:
            before, expression = (
                self._variable(value, "__piece") if kind is None else self._field(kind, value, "__piece")
            )
            piece = compile_tree(self.environment, [*before, nodes.Output([expression])])
            self._pieces[key] = piece
        found = list(piece(names))
        return found[-1]


def holds(environment: Environment, text: str, names: Mapping[str, Any]) -> bool:
    """Whether a condition is true. Raises what its template raises: see :func:`engine.template.environment.explain`."""
    before, expression = as_expression(environment, parse(environment, text), "__condition")
    run = compile_tree(environment, [*before, nodes.Output([filtered(expression, "_truth")])])
    return bool(list(run(names))[-1])


_JOINED = Kind("joined_names", join_names)
_TRUTH = Kind("truth", truth)


def _dict(pairs: Mapping[str, nodes.Expr]) -> nodes.Dict:
    return nodes.Dict([nodes.Pair(nodes.Const(key), value) for key, value in pairs.items()])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)


def _used_names(environment: Environment, script: Script) -> set[str]:
    sites: list[Any] = [script.where, *(value for _name, value in script.variables)]
    for block in script.blocks:
        sites += [block.where, *(entry.value for entry in block.fields)]
    used: set[str] = set()
    for site in sites:
        for text in _texts(site):
            if is_template(text):
                used |= used_names(environment, text)
    return used
