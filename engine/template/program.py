"""The row program: all fields of a mapping as one compiled loop over the rows (see CONTRIBUTING, Architecture).

Rendering every field by itself costs about 20 µs a field and row. Here one Jinja template unpacks each row into names,
which become Python locals, and outputs one tuple per row. A row that fails leaves the loop, is done again field by
field to name the culprit, and the loop goes on behind it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jinja2 import nodes

from engine.i18n import _
from engine.problems import Path
from engine.template.check import is_template, used_names
from engine.template.environment import (
    MAPPED_FILTERS,
    ROWS,
    Environment,
    Recorder,
    as_expression,
    compile_tree,
    explain,
    filtered,
    parse,
    walk,
)
from engine.template.faults import Fault
from engine.template.kinds import MAX_TEXT, NAMES, TEXT, AnyKind, Items, Kind, Pairs, join_names, truth


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
    structured: frozenset[str] = frozenset()
    """Names whose values may be lists, or keys with values."""


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
    faults: Sequence[RowFault] = ()
    notes: Sequence[Fault] = ()

    def fails(self, action: str) -> bool:
        """Whether the row is rejected for this action."""
        return any(fault.action in (None, action) for fault in self.faults)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing computed from a row: what the mapping says at ``path``, and what it gave or why it gave nothing.

    ``action`` is None before the actions; ``name`` is the variable's or the field's, "where" for a condition.
    """

    path: Path
    name: str
    written: Any
    value: Any = None
    fault: Fault | None = None
    action: str | None = None


LEFT_OUT = Rendered(False)
"""What becomes of every row that ``where`` leaves out."""

# Their results need no finishing: text without outer blanks, in NFC, and short.
_TIDY_FILTERS = frozenset({"phone", "e164", "email"})
# Only these leave something with the recorder.
_NOTING_FILTERS = frozenset({"phone", "e164", "lookup"})
_SHORT = MAX_TEXT // 4


class Program:
    """A compiled :class:`Script`. The names that every row shares are ``source``, ``trigger`` and a blueprint's inputs.

    Rows are tuples of values in the order of ``script.names``, followed by ``row`` and ``rows`` where :attr:`extras`
    names them. Texts are as :class:`engine.source.base.Chunk` promises: without outer blanks, in NFC.
    """

    def __init__(self, environment: Environment, script: Script) -> None:
        self.environment = environment
        self.script = script
        self.extras = tuple(name for name in ("row", "rows") if name in _used_names(environment, script))
        self._columns = set(script.names) - script.structured - {name for name, _value in script.variables}
        self._tidy: set[str] = set()  # variables that a tidy filter made
        self._noting = False
        self._fields: dict[tuple[int, int], Callable[[dict[str, Any]], Iterator[Any]]] = {}
        self._loop = compile_tree(environment, [self._tree()])

    def run(self, rows: Sequence[tuple[Any, ...]], names: Mapping[str, Any]) -> Iterator[Rendered]:
        """One :class:`Rendered` per row, in order. Never raises for what stands in a row."""
        source = iter(rows)
        recorder = self.environment.recorder
        recorder.discard()
        shared = {**names, ROWS: source}
        while True:
            try:
                yield from self._loop(shared)
                return
            except Exception as error:  # any exception of a template is that row's fault
                failed = len(rows) - operator.length_hint(source) - 1
                if failed < 0:
                    raise
                recorder.discard()
                rendered = self._one_by_one(rows[failed], names, error)
                if rendered.selected:
                    rendered.notes = recorder.commit()
                recorder.discard()
            yield rendered

    def steps(self, row: tuple[Any, ...], shared: Mapping[str, Any]) -> Iterator[Step]:
        """Everything that is computed from one row, in order, each by itself; it ends where the row does."""
        recorder = self.environment.recorder
        recorder.discard()
        script = self.script
        names = {**shared, **dict(zip((*script.names, *self.extras), row, strict=True))}
        if script.where is not None:
            step = self._step(Step(script.where_path, "where", script.where), _TRUTH, names)
            yield step
            if step.fault is not None or not step.value:
                return
        for name, value in script.variables:
            step = self._step(Step(("variables", name), name, value), None, names)
            yield step
            if step.fault is not None:
                return
            names[name] = step.value
        for block in script.blocks:
            yield from self._block_steps(block, names)
        recorder.discard()

    def _block_steps(self, block: Block, names: dict[str, Any]) -> Iterator[Step]:
        if block.where is not None:
            step = self._step(Step(block.where_path, "where", block.where, action=block.id), _TRUTH, names)
            yield step
            if step.fault is not None or not step.value:
                return
        for entry in block.fields:
            yield self._step(Step(entry.path, entry.name, entry.value, action=block.id), entry.kind, names)

    def _step(self, step: Step, kind: AnyKind | None, names: dict[str, Any]) -> Step:
        try:
            return replace(step, value=self._value(kind, step.written, names))
        except Exception as reason:  # any exception of a template is this step's fault
            return replace(step, fault=explain(reason))

    # -- the loop ----------------------------------------------------------------------------------------------------

    def _tree(self) -> nodes.Node:
        script = self.script
        body: list[nodes.Node] = []
        if script.where is not None:
            body += self._gate(script.where)
        for index, (name, value) in enumerate(script.variables):
            before, expression = self._variable(value, f"__variable{index}")
            body += [*before, nodes.Assign(nodes.Name(name, "store"), expression)]
            if self._is_tidy(expression):
                self._tidy.add(name)
        blocks: list[nodes.Expr] = []
        for index, block in enumerate(script.blocks):
            before, expression = self._block(block, f"__block{index}")
            body += before
            blocks.append(expression)
        key = self._finished(TEXT, nodes.Name(script.key, "load"))
        made = "_noted" if self._noting else "_made"
        body.append(nodes.Output([filtered(nodes.Const(True), made, key, nodes.Tuple(blocks, "load"))]))
        recorder = self.environment.recorder
        self.environment.filters |= {"_made": Rendered, "_noted": _noted(recorder), "_left_out": _left_out(recorder)}
        names = [nodes.Name(name, "store") for name in (*script.names, *self.extras)]
        return nodes.For(nodes.Tuple(names, "store"), nodes.Name(ROWS, "load"), body, [], None, False)

    def _gate(self, where: str) -> list[nodes.Node]:
        """The statements that let only those rows on for which ``where`` is true."""
        before, test = self._condition(where, "__where")
        left_out: nodes.Expr = filtered(nodes.Const(None), "_left_out")
        return [*before, nodes.If(nodes.Not(test), [nodes.Output([left_out]), nodes.Continue()], [], [])]

    def _block(self, block: Block, name: str) -> tuple[list[nodes.Node], nodes.Expr]:
        """The statements and the expression that give a block's tuple of values, or None."""
        before: list[nodes.Node] = []
        values: list[nodes.Expr] = []
        for index, entry in enumerate(block.fields):
            statements, expression = self._field(entry.kind, entry.value, f"{name}_{index}")
            before += statements
            values.append(expression)
        made: nodes.Expr = nodes.Tuple(values, "load")
        if block.where is None:
            return before, made
        statements, test = self._condition(block.where, f"{name}_where")
        if not before:
            return statements, nodes.CondExpr(test, made, nodes.Const(None))
        store = nodes.Assign(nodes.Name(name, "store"), made)
        nothing = nodes.Assign(nodes.Name(name, "store"), nodes.Const(None))
        return [*statements, nodes.If(test, [*before, store], [], [nothing])], nodes.Name(name, "load")

    def _condition(self, text: str, name: str) -> tuple[list[nodes.Node], nodes.Expr]:
        before, test = self._expression(text, name)
        return before, test if _is_truth(test) else filtered(test, "_truth")

    # -- values ------------------------------------------------------------------------------------------------------

    def _finished(self, kind: Kind, value: nodes.Expr) -> nodes.Expr:
        """The expression of a finished value. What is known before any row is seen costs nothing per row."""
        if isinstance(value, nodes.Const):
            try:
                return _constant(kind.finish(value.value))
            except Fault:
                return self._finish(kind, value)
        if kind is NAMES and isinstance(value, nodes.Filter) and value.name == "lookup" and not value.kwargs:
            value.name = "_lookup_names"
            return value
        if kind is not TEXT:
            return self._finish(kind, value)
        if isinstance(value, nodes.Name) and value.name in self._columns:
            # Tidy by contract; only its length is not known.
            short = nodes.Compare(filtered(value, "length"), [nodes.Operand("lteq", nodes.Const(_SHORT))])
            return nodes.CondExpr(short, value, self._finish(kind, value))
        if self._is_tidy(value):
            return value
        if isinstance(value, nodes.Filter) and value.name == "_concat":
            parts = value.node
            assert isinstance(parts, nodes.List)
            if all(isinstance(part, nodes.Const) or self._is_text(part) for part in parts.items):
                return self._finish(kind, nodes.Concat(parts.items))
        return self._finish(kind, value)

    def _finish(self, kind: Kind, value: nodes.Expr) -> nodes.Expr:
        # Filters are called directly, without the sandbox.
        name = f"_finish_{kind.name}_{id(kind)}"
        self.environment.filters[name] = kind.finish
        return filtered(value, name)

    def _is_tidy(self, value: nodes.Expr) -> bool:
        if isinstance(value, nodes.Filter) and value.name in _TIDY_FILTERS:
            return len(value.args) < 2 and all(pair.key == "region" for pair in value.kwargs)
        return isinstance(value, nodes.Name) and value.name in self._tidy

    def _is_text(self, value: nodes.Expr) -> bool:
        return self._is_tidy(value) or (isinstance(value, nodes.Name) and value.name in self._columns)

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
            items = [expression for _statements, expression in parts]
            kind = _JOINED if kind is NAMES else kind
            if all(isinstance(item, nodes.Const) for item in items):
                return [], self._finished(
                    kind, nodes.Const([item.value for item in items if isinstance(item, nodes.Const)])
                )
            return before, self._finish(kind, nodes.List(items))
        before, expression = self._expression(value, name)
        return before, self._finished(kind, expression)

    def _variable(self, value: Any, name: str) -> tuple[list[nodes.Node], nodes.Expr]:
        if isinstance(value, list):
            parts = [self._variable(item, f"{name}_{number}") for number, item in enumerate(value)]
            before = [node for statements, _expression in parts for node in statements]
            return before, nodes.List([expression for _statements, expression in parts])
        if isinstance(value, dict):
            made = {key: self._variable(item, f"{name}_{number}") for number, (key, item) in enumerate(value.items())}
            before = [node for statements, _expression in made.values() for node in statements]
            return before, _dict({key: expression for key, (_statements, expression) in made.items()})
        before, expression = self._expression(value, name)
        statements = isinstance(expression, nodes.Name) and expression.name == name
        joined = isinstance(expression, nodes.Filter) and expression.name == "_concat"
        return before, filtered(expression, "_stripped") if statements or joined else expression

    def _expression(self, value: Any, name: str) -> tuple[list[nodes.Node], nodes.Expr]:
        if value is None:
            return [], nodes.Const(None)
        text = str(value)
        if not is_template(text):
            return [], nodes.Const(text)
        tree = parse(self.environment, text)
        self._noting = self._noting or any(map(_may_note, walk(tree)))
        return as_expression(self.environment, tree, name)

    # -- one row, piece by piece ---------------------------------------------------------------------------------------

    def _one_by_one(self, row: tuple[Any, ...], shared: Mapping[str, Any], error: Exception) -> Rendered:
        """The row with its faults, each at its field; the actions that do not fail keep their values."""
        script = self.script
        names = {**shared, **dict(zip((*script.names, *self.extras), row, strict=True))}
        key = names.get(script.key)
        faults: list[RowFault] = []
        rendered = Rendered(True, key if isinstance(key, str) else None, (), faults)
        try:
            if script.where is not None and not self._value(_TRUTH, script.where, names):
                return Rendered(False)
        except Exception as reason:
            faults.append(RowFault(explain(reason), script.where_path))
            return rendered
        if self._compute(names, rendered, faults):
            rendered.values = tuple(self._block_values(block, names, faults) for block in script.blocks)
            if not faults:
                faults.append(RowFault(explain(error), ()))
        return rendered

    def _compute(self, names: dict[str, Any], rendered: Rendered, faults: list[RowFault]) -> bool:
        for name, value in self.script.variables:
            try:
                names[name] = self._value(None, value, names)
            except Exception as reason:
                fault = explain(reason)
                message = _("Variable {name}: {message}").format(name=name, message=fault.message)
                faults.append(RowFault(Fault(fault.code, message, fault.hint), ("variables", name)))
                # A key that was there before tells who this is: they stay as last sent.
                if self.script.key in names:
                    self._take_key(names, rendered, faults)
                return False
        return self._take_key(names, rendered, faults)

    def _take_key(self, names: Mapping[str, Any], rendered: Rendered, faults: list[RowFault]) -> bool:
        try:
            if self.script.key not in names:
                raise _no_such_key(self.script.key)
            rendered.key = TEXT.finish(names[self.script.key])
        except Exception as reason:
            faults.append(RowFault(explain(reason), ("source", "key")))
            return False
        return True

    def _block_values(self, block: Block, names: dict[str, Any], faults: list[RowFault]) -> tuple[Any, ...] | None:
        try:
            if block.where is not None and not self._value(_TRUTH, block.where, names):
                return None
        except Exception as reason:
            faults.append(RowFault(explain(reason), block.where_path, block.id))
            return None
        values = []
        for entry in block.fields:
            try:
                values.append(self._value(entry.kind, entry.value, names))
            except Exception as reason:
                faults.append(RowFault(explain(reason), entry.path, block.id, entry.name))
        return tuple(values) if len(values) == len(block.fields) else None

    def _value(self, kind: AnyKind | None, value: Any, names: dict[str, Any]) -> Any:
        """One template alone. The script holds on to ``value``, so its id is its own."""
        key = (id(kind), id(value))
        piece = self._fields.get(key)
        if piece is None:
            made = self._variable(value, "__piece") if kind is None else self._field(kind, value, "__piece")
            piece = compile_tree(self.environment, [*made[0], nodes.Output([made[1]])])
            self._fields[key] = piece
        *_nothing, found = piece(names)
        return found


def holds(environment: Environment, text: str, names: Mapping[str, Any]) -> bool:
    """Whether a condition is true. Raises what its template raises: see :func:`engine.template.environment.explain`."""
    before, expression = as_expression(environment, parse(environment, text), "__condition")
    run = compile_tree(environment, [*before, nodes.Output([filtered(expression, "_truth")])])
    *_nothing, found = run(dict(names))
    return bool(found)


_JOINED = Kind("joined_names", join_names)
_TRUTH = Kind("truth", truth)


def _noted(recorder: Recorder) -> Callable[..., Rendered]:
    notes, misses = recorder.notes, recorder.misses

    def made(selected: bool, key: str, values: tuple[Any, ...]) -> Rendered:
        return Rendered(selected, key, values, (), recorder.commit() if notes or misses else ())

    return made


def _left_out(recorder: Recorder) -> Callable[[Any], Rendered]:
    def made(_value: Any) -> Rendered:
        recorder.discard()
        return LEFT_OUT

    return made


def _may_note(node: nodes.Node) -> bool:
    """Whether a filter may leave something with the recorder and go on: it was given a default."""
    if not isinstance(node, nodes.Filter):
        return False
    if node.name in MAPPED_FILTERS:
        name = node.args[0] if node.args else None
        return not isinstance(name, nodes.Const) or name.value in _NOTING_FILTERS
    given = len(node.args) > 1 or node.kwargs or node.dyn_args is not None or node.dyn_kwargs is not None
    return node.name in _NOTING_FILTERS and bool(given)


def _is_truth(node: nodes.Expr) -> bool:
    """Whether an expression gives True or False already."""
    if isinstance(node, nodes.And | nodes.Or):
        return _is_truth(node.left) and _is_truth(node.right)
    return isinstance(node, nodes.Compare | nodes.Not | nodes.Test)


def _no_such_key(name: str) -> Fault:
    return Fault("unknown_column", _("The key {name} is neither a column nor a variable.").format(name=name))


def _constant(value: Any) -> nodes.Expr:
    """A finished value as code; a list is made anew for every row."""
    return nodes.List([nodes.Const(item) for item in value]) if isinstance(value, list) else nodes.Const(value)


def _dict(pairs: Mapping[str, nodes.Expr]) -> nodes.Dict:
    return nodes.Dict([nodes.Pair(nodes.Const(key), value) for key, value in pairs.items()])


def texts_of(value: Any) -> Iterator[str]:
    """All texts inside of what stands in a mapping."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts_of(item)


def _script_texts(script: Script) -> Iterator[str]:
    """All templates and constants of a script."""
    sites: list[Any] = [script.where, *(value for _name, value in script.variables)]
    for block in script.blocks:
        sites += [block.where, *(entry.value for entry in block.fields)]
    for site in sites:
        yield from texts_of(site)


def _used_names(environment: Environment, script: Script) -> set[str]:
    used: set[str] = set()
    for text in _script_texts(script):
        if "row" in text and is_template(text):
            used |= used_names(environment, text)
    return used
