"""The jinja2 door: a sandbox in which templates are strict, typed by their field, and can't run away.

A template is parsed once into Jinja's own syntax tree, checked there, and changed a little: texts are joined with None
as nothing, every loop is counted, growth is capped. :mod:`engine.template.program` makes one program of many.

What bounds time and memory: nothing a template makes is larger than :data:`MAX_TEXT` (texts) or :data:`MAX_NODES`
(lists), values can't be changed in place, and loops, macros and ``map`` take steps from a :class:`_Budget`.
"""

from __future__ import annotations

import json
import operator
import re
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, tzinfo
from types import BuiltinFunctionType, FunctionType, GeneratorType, MethodType
from typing import Any, cast
from unicodedata import normalize
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError, TemplateError, TemplateRuntimeError, TemplateSyntaxError, UndefinedError
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.filters import make_attrgetter
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedFormatter
from jinja2.utils import Namespace, missing, pass_environment
from jinja2.visitor import NodeTransformer

from engine.i18n import _
from engine.problems import did_you_mean
from engine.template.faults import Fault
from engine.template.filters import FILTERS, FilterError, e164, first_of, phone, still_valid
from engine.template.kinds import MAX_TEXT, as_names, plain_text, too_long, truth

MAX_ITEMS = 10_000
MAX_NODES = 100_000
MAX_LIST_TEXT = 1024 * 1024
MAX_STEPS = 100_000
MAX_SECONDS = 0.8
MAX_EXPONENT = 1_000
MAX_DIGITS = 1_000
MAX_DEPTH = 60
MAX_BLOCK_DEPTH = 8

ROWS = "__rows"
"""The name of what the row program loops over."""

FORBIDDEN_FILTERS = frozenset(
    {"random", "pprint", "xmlattr", "urlize", "filesizeformat", "forceescape", "e", "escape", "safe"}
)
SIZED_FILTERS = ("center", "batch", "slice", "round")
LIST_FILTERS = ("list", "batch", "slice", "groupby", "dictsort", "items", "sort", "sum", "unique", "map", "first")
MAPPED_FILTERS = frozenset({"map", "select", "reject", "selectattr", "rejectattr"})
# These are mistakes of the mapping, not of a value: a default does not excuse them.
MAPPING_ERRORS = frozenset({"phone_region", "filter_needs_text"})
# What makes bytes, or texts of any length.
FORBIDDEN_METHODS = frozenset({"encode", "translate", "maketrans", "to_bytes", "from_bytes", "fromhex", "hex"})
ZONE_METHODS = frozenset({"key", "utcoffset", "tzname", "dst"})
# Statements that reach beyond the one template; the word is how the user wrote it.
FORBIDDEN_STATEMENTS: dict[type[nodes.Node], str] = {
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "from",
    nodes.Extends: "extends",
    nodes.Block: "block",
    nodes.ScopedEvalContextModifier: "autoescape",
}
BLOCKS = (nodes.For, nodes.If, nodes.With, nodes.Macro, nodes.CallBlock, nodes.FilterBlock, nodes.AssignBlock)
_MISSING: Any = object()


class Recorder:
    """What templates noticed on the way: values met in no table, and values that were left out."""

    def __init__(self) -> None:
        self.unmatched: Counter[tuple[str, str]] = Counter()
        self.notes: list[Fault] = []
        self.misses: list[tuple[str, str]] = []

    def commit(self) -> list[Fault]:
        """The row is done: count what it missed, each value once, and give its notes."""
        if self.misses:
            self.unmatched.update(dict.fromkeys(self.misses, 1))
        notes = list(self.notes)
        self.discard()
        return notes

    def discard(self) -> None:
        """Forget what the row noticed so far: it is done again."""
        self.misses.clear()
        self.notes.clear()


class Unsuitable(TemplateSyntaxError):
    """A template that Jinja would take and we don't. ``needle`` is the word to point at."""

    def __init__(self, fault: Fault, line: int = 1, needle: str | None = None) -> None:
        super().__init__(fault.message, line)
        self.fault = fault
        self.needle = needle


class _Missing(StrictUndefined):
    """A name or key that is not there; says so in plain words."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        name, owner = str(self._undefined_name), self._undefined_obj
        if self._undefined_hint:
            return str(self._undefined_hint)
        if owner is missing:
            return _("The name {name} is not known.").format(name=name)
        if isinstance(owner, dict):
            near = did_you_mean(name, [key for key in owner if isinstance(key, str)])
            message = _("There is no “{name}” here.").format(name=name)
            return f"{message} {_('Did you mean {name}?').format(name=near)}" if near else message
        if owner is None:
            return _("An empty value has no “{name}”.").format(name=name)
        if isinstance(owner, list | tuple):
            return _("The list has no element {name}.").format(name=name)
        return _("This value has no “{name}”.").format(name=name)


class _Plain(Namespace):
    """``namespace()``; what it holds is never shown."""

    def __repr__(self) -> str:
        return "namespace"


# -- Python code -----------------------------------------------------------------------------------------------------


class _Generator(NativeCodeGenerator):
    """Leaves every output as the value it is; nothing is computed at compile time.

    A ``Concat`` is what :mod:`engine.template.program` makes of texts alone. The loop over :data:`ROWS` is a plain one:
    it knows no ``loop``, and what it sets needs no bookkeeping.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.undeclared: set[str] = set()

    def _output_child_to_const(self, node: nodes.Expr, frame: Any, finalize: Any) -> Any:
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return node.as_const(frame.eval_ctx)

    def enter_frame(self, frame: Frame) -> None:
        super().enter_frame(frame)
        for action, name in frame.symbols.loads.values():
            if action == "resolve" and name is not None:
                self.undeclared.add(name)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        # Python turns this into what it makes of an f-string.
        parts = [None if not isinstance(part, nodes.Const) else str(part.value) for part in node.nodes]
        pattern = "".join("%s" if part is None else part.replace("%", "%%") for part in parts)
        self.write(f"({pattern!r} % (")
        for part in node.nodes:
            if not isinstance(part, nodes.Const):
                self.visit(part, frame)
                self.write(", ")
        self.write("))")

    def visit_For(self, node: nodes.For, frame: Frame) -> None:
        if not (isinstance(node.iter, nodes.Name) and node.iter.name == ROWS):
            super().visit_For(node, frame)
            return
        inner = frame.inner()
        inner.symbols.analyze_node(node, for_branch="body")
        self.writeline("for ", node)
        self.visit(node.target, inner)
        self.write(" in ")
        self.visit(node.iter, frame)
        self.write(":")
        self.indent()
        self.enter_frame(inner)
        self.blockvisit(node.body, inner)
        self.outdent()
        self.leave_frame(inner, with_python_scope=True)


class _Tamer(NodeTransformer):
    """Makes an ``if`` without ``else`` give nothing, counts loops and macros, joins texts with None as nothing."""

    def visit_CondExpr(self, node: nodes.CondExpr) -> nodes.Node:
        self.generic_visit(node)
        if node.expr2 is None:
            node.expr2 = nodes.Const(None)
        return node

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:
        # `(x if y) | default('z')` gives z, as everywhere in Jinja
        open_end = node.name in ("default", "d") and isinstance(node.node, nodes.CondExpr) and node.node.expr2 is None
        self.generic_visit(node)
        if open_end:
            assert isinstance(node.node, nodes.CondExpr)
            node.node.expr2 = None
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return filtered(nodes.List(list(node.nodes)), "_concat")

    def visit_List(self, node: nodes.List) -> nodes.Node:
        self.generic_visit(node)
        return filtered(node, "_weighed")

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        self.generic_visit(node)
        return filtered(node, "_weighed")

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        self.generic_visit(node)
        return node if node.ctx == "store" else filtered(node, "_weighed")

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.iter = filtered(cast("nodes.Expr", node.iter), "_steps")
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:
        self.generic_visit(node)
        node.body.insert(0, nodes.ExprStmt(filtered(nodes.Const(None), "_step")))
        return node

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:
        self.generic_visit(node)
        node.body.insert(0, nodes.ExprStmt(filtered(nodes.Const(None), "_step")))
        return node


class _Shown(NodeTransformer):
    """Counts all that statements put out: a loop may not gather texts without end."""

    def visit_Output(self, node: nodes.Output) -> nodes.Node:
        node.nodes = [part if isinstance(part, nodes.TemplateData) else filtered(part, "_shown") for part in node.nodes]
        return node


def filtered(node: nodes.Expr, name: str, *args: nodes.Expr) -> nodes.Filter:
    """``node | name(args)``."""
    return nodes.Filter(node, name, list(args), [], None, None)


def walk(tree: nodes.Node) -> Iterator[nodes.Node]:
    """All nodes of a tree, in the order they are written; trees may be deeper than Python's stack."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(list(node.iter_child_nodes()))


# -- the environment -------------------------------------------------------------------------------------------------


class Environment(ImmutableSandboxedEnvironment):
    """A sandbox for the templates of one mapping, with its tables.

    ``clock`` gives the present moment; ``now()`` and ``today()`` show it in ``zone``.
    """

    code_generator_class: type[CodeGenerator] = _Generator
    intercepted_binops = frozenset({"*", "**", "+", "%"})

    def __init__(
        self,
        tables: Mapping[str, Mapping[str, Any]],
        zone: ZoneInfo,
        clock: Callable[[ZoneInfo], datetime] = datetime.now,
    ) -> None:
        super().__init__(undefined=_Missing, autoescape=False, optimized=False, extensions=["jinja2.ext.do"])
        self.recorder = Recorder()
        self.budget = _Budget()
        self.tables = {name: {_folded(key): value for key, value in table.items()} for name, table in tables.items()}
        self._found: dict[tuple[str, str], Any] = {}
        self._found_names: dict[tuple[str, str], tuple[str, ...]] = {}
        self.globals = {
            "range": _range,
            "dict": dict,
            "namespace": _Plain,
            "first_of": first_of,
            "now": lambda: clock(zone),
            "today": lambda: clock(zone).date(),
        }
        self.filters = {name: function for name, function in JINJA_FILTERS.items() if name not in FORBIDDEN_FILTERS}
        for name in SIZED_FILTERS:
            self.filters[name] = _like(self.filters[name], _sized(self.filters[name]))
        for name in LIST_FILTERS:
            self.filters[name] = _like(self.filters[name], _weighing(self.filters[name]))
        self.filters |= FILTERS
        self.filters |= {
            "phone": self._lenient(phone),
            "e164": self._lenient(e164),
            "lookup": self._lookup,
            "age": lambda value, today=None: FILTERS["age"](value, today or clock(zone).date()),
            "join": _join,
            "replace": _replace,
            "format": _format,
            "indent": _indent,
            "wordwrap": _wordwrap,
            "tojson": _tojson,
            "_concat": _concat,
            "_lookup_names": self._lookup_names,
            "_weighed": weighed,
            "_start": self.budget.start,
            "_step": self.budget.step,
            "_steps": self.budget.steps,
            "_shown": self.budget.shown,
            "_stripped": str.strip,
            "_truth": truth,
        }

        # `bis is valid`, and for lists `selectattr('bis', 'valid')`
        self.tests["valid"] = lambda value, empty=False: still_valid(value, empty, clock(zone).date())

    # jinja2 reads this from the environment for blocks such as {% set x %}…{% endset %}
    @staticmethod
    def concat(parts: Iterable[Any]) -> str:
        """Join the parts of a block; None is nothing."""
        return _concat(parts)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic that can't run away."""
        return _BINOPS[operator](left, right)

    def call_filter(self, *args: Any, **kwargs: Any) -> Any:
        """What ``map`` and its kin call once for every element."""
        self.budget.step()
        return super().call_filter(*args, **kwargs)

    def call_test(self, *args: Any, **kwargs: Any) -> Any:
        """What ``select`` and its kin call once for every element."""
        self.budget.step()
        return super().call_test(*args, **kwargs)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Nothing of functions and types, nothing that changes a value, nothing that makes bytes."""
        if isinstance(obj, type | FunctionType | MethodType | BuiltinFunctionType | GeneratorType | bytes | bytearray):
            return False
        if isinstance(obj, tzinfo) and attr not in ZONE_METHODS:
            return False
        return attr not in FORBIDDEN_METHODS and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """``str.format`` and ``format_map``, with all widths and the result bounded."""
        if not isinstance(value, BuiltinFunctionType | MethodType) or not isinstance(value.__self__, str):
            return None
        pattern: str = value.__self__
        if value.__name__ == "format":
            return lambda *args, **kwargs: _Formatter(self).vformat(pattern, args, kwargs)
        if value.__name__ == "format_map":
            return lambda names: _Formatter(self).vformat(pattern, (), names)
        return None

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call an object from a template; methods of texts are checked before, lists are weighed after."""
        owner = getattr(__obj, "__self__", None)
        if isinstance(owner, str):
            if __obj.__name__ == "join" and len(args) == 1:
                return _join(__self, args[0], owner)
            _check_method(owner, __obj.__name__, args, kwargs)
        return weighed(super().call(__context, __obj, *args, **kwargs))

    def _lenient(self, function: Callable[..., str]) -> Callable[..., Any]:
        def filtered(value: Any, region: str = "DE", default: Any = _MISSING) -> Any:
            if default is _MISSING:
                return function(value, region)
            try:
                return function(value, region)
            except FilterError as error:
                if error.code in MAPPING_ERRORS:
                    raise
                self.recorder.notes.append(Fault(error.code, error.message, error.hint_with_default))
                return default

        return filtered

    def _lookup(self, value: Any, table: str, default: Any = _MISSING, keep: bool = False) -> Any:
        """The entry of ``table`` for ``value``, compared without case and outer blanks; a list gives a list.

        With ``keep``, a value that is not in the table stays as it is.
        """
        if type(value) is str and type(table) is str:
            found = self._found.get((table, value), _MISSING)
            if found is not _MISSING:
                return found
        elif isinstance(value, list | tuple) or hasattr(value, "__next__"):
            return self._lookup_all(value, table, default, keep)
        entries = self.tables.get(str(table))
        if entries is None:
            raise unknown_table(str(table), self.tables)
        word = _plain_number(value)
        entry = entries.get(_folded(word), _MISSING)
        if entry is not _MISSING:
            if type(value) is str and len(self._found) < MAX_ITEMS and len(value) <= 200:
                self._found[table, value] = entry
            return entry
        if keep:
            return value
        if default is not _MISSING and not word.strip():
            # An empty cell with a default is no gap in the table.
            return default
        self.recorder.misses.append((table, word.strip()))
        if default is not _MISSING:
            return default
        raise Fault(
            "not_in_table",
            _("“{value}” is not in the table {table}.").format(value=word, table=table),
            _("Add it to the table, or give a default: {example}.").format(example=f"lookup('{table}', '')"),
        )

    def _lookup_names(self, value: Any, table: str, *default: Any) -> list[str]:
        """What ``lookup`` gives as a finished list of names; what a text in a table leads to is made once."""
        plain = not default and isinstance(value, str)
        if plain and (known := self._found_names.get((table, value))) is not None:
            return list(known)
        names = as_names(self._lookup(value, table, *default))
        if plain and len(self._found_names) < MAX_ITEMS and len(value) <= 200:
            self._found_names[table, value] = tuple(names)
        return names

    def _lookup_all(self, values: Iterable[Any], table: str, default: Any, keep: bool) -> list[Any]:
        found: list[Any] = []
        for item in values:
            entry = self._lookup(item, table, default, keep)
            found += entry if isinstance(entry, list) else [entry]
            if len(found) > MAX_ITEMS:
                raise runs_away()
        return found


def unknown_table(table: str, known: Iterable[str]) -> Fault:
    """The fault of a look-up in a table that the mapping does not have."""
    near = did_you_mean(table, known)
    hint = _("Did you mean {name}?").format(name=near) if near else _("Tables stand under `tables:`.")
    return Fault("unknown_table", _("There is no table {name}.").format(name=table), hint)


_OR_NOTHING = "{{ name | default('') }}"


def explain(error: Exception) -> Fault:
    """The fault behind any exception that a template raised."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, Unsuitable):
        return error.fault
    if isinstance(error, FilterError):
        return Fault(error.code, error.message, error.hint)
    if isinstance(error, UndefinedError):
        message = _("A name or key is not there: {reason}").format(reason=error.message)
        return Fault("unknown_name", message, _("Where it may be missing write {example}.").format(example=_OR_NOTHING))
    if isinstance(error, SecurityError):
        named = re.search(r"attribute '(\w+)'", str(error.message))
        message = _("Templates may not use “{name}”.").format(name=named[1] if named else "…")
        return Fault("forbidden", message, _("Use columns, variables and filters only."))
    if isinstance(error, ZeroDivisionError):
        hint = _("Ask before: {example}.").format(example="{{ a / b if b else '' }}")
        return Fault("division_by_zero", _("The template divides by zero."), hint)
    if isinstance(error, RecursionError | MemoryError | OverflowError):
        return Fault("runs_away", _("The template would compute for ever."), _("Make it simpler."))
    if isinstance(error, TypeError | TemplateRuntimeError) and (found := _wrong_call(str(error))):
        return found
    if isinstance(error, TypeError) and re.search(
        r"unsupported operand|can only concatenate|not supported|__\w+__|interpreted as an integer|must be", str(error)
    ):
        return Fault(
            "template_failed",
            _("Texts, numbers and lists can't be computed with each other."),
            _("Make a text a number with {number}, and join texts with {join}.").format(
                number="{{ a | int }}", join="{{ a ~ b }}"
            ),
        )
    message = _("The template failed: {reason}").format(reason=_reason(error))
    hint = _("`abgleich preview` with --key shows one person; try the parts of the template one by one.")
    return Fault("template_failed", message, hint)


def _wrong_call(reason: str) -> Fault | None:
    """The fault behind what Python says of brackets that hold the wrong things, or stand where they can't."""
    if re.search(r"argument|expected at (?:most|least)", reason):
        hint = _("Compare what stands in the round brackets with the documentation of the filter or function.")
        return Fault("wrong_arguments", _("In round brackets something stands that does not belong there."), hint)
    if named := re.search(r"No (?:filter|test) named '(\w+)'", reason):
        message = _("There is no filter or test {name}.").format(name=named[1])
        return Fault("unknown_filter", message, _("`abgleich explain unknown_filter` says what each one does."))
    if "not callable" in reason:
        message = _("Round brackets stand behind something that is no function.")
        return Fault("template_failed", message, _("Take them away: {example}.").format(example="{{ name }}"))
    if "not iterable" in reason:
        message = _("A list is expected, and something else stands there.")
        return Fault("template_failed", message, _("A text becomes a list with {example}.").format(example="| split"))
    return None


def _reason(error: Exception) -> str:
    text = str(error) if isinstance(error, TemplateError | TypeError | ValueError) else ""
    return (text or type(error).__name__)[:300]


# -- from text to code -----------------------------------------------------------------------------------------------


def parse(environment: Environment, text: str) -> nodes.Template:
    """The syntax tree as written; raises :class:`jinja2.exceptions.TemplateSyntaxError`."""
    if len(text) > MAX_TEXT:
        raise Unsuitable(Fault("template_too_long", _("The template is longer than 64 KiB."), _("Make it simpler.")))
    try:
        with warnings.catch_warnings():
            # '\d' in a pattern is meant as it is written
            warnings.simplefilter("ignore", DeprecationWarning)
            tree = environment.parse(text)
    except (RecursionError, MemoryError) as error:
        raise _too_deep() from error
    except (ValueError, OverflowError) as error:
        raise Unsuitable(
            Fault(
                "number_too_long", _("A number in the template is too long."), _("If it is a text, put it in quotes.")
            )
        ) from error
    _check_statements(tree)
    _check_depth(tree)
    return tree


def _check_statements(tree: nodes.Template) -> None:
    for node in walk(tree):
        word = FORBIDDEN_STATEMENTS.get(type(node))
        if word is not None:
            message = _("Templates can't use {statement}.").format(statement="{% " + word + " %}")
            hint = _("Every template stands for itself; share values through `variables:`.")
            raise Unsuitable(Fault("forbidden_statement", message, hint), node.lineno, word)
        if isinstance(node, nodes.For) and node.recursive:
            message = _("Loops can't be recursive.")
            raise Unsuitable(Fault("forbidden_statement", message, _("Use a plain loop.")), node.lineno, "recursive")
        if isinstance(node, nodes.Name) and (node.name == "self" or node.name.startswith("__")):
            message = _("The name {name} can't be used.").format(name=node.name)
            raise Unsuitable(Fault("forbidden_name", message, _("Choose another name.")), node.lineno, node.name)


def _check_depth(tree: nodes.Template) -> None:
    """Python's own limits, of brackets and blocks in each other, must never be met."""
    waiting: list[tuple[nodes.Node, int, int]] = [(tree, 0, 0)]
    while waiting:
        node, depth, blocks = waiting.pop()
        depth += isinstance(node, nodes.Expr)
        blocks += isinstance(node, BLOCKS)
        if depth > MAX_DEPTH or blocks > MAX_BLOCK_DEPTH:
            raise _too_deep(node.lineno)
        waiting += [(child, depth, blocks) for child in node.iter_child_nodes()]


def _too_deep(line: int = 1) -> Unsuitable:
    message = _("The template is nested too deeply, or holds too many operators in one place.")
    return Unsuitable(Fault("template_too_deep", message, _("Split it up with `variables:`.")), line)


def free_names(environment: Environment, text: str) -> set[str]:
    """The names a template takes from outside, :func:`namespace` and its kin too. Compiles it, as a run would.

    Raises :class:`jinja2.exceptions.TemplateSyntaxError`.
    """
    tree = parse(environment, text)
    before, expression = as_expression(environment, tree, "__tried")
    return _compiled(environment, [*before, nodes.Output([expression])])[1]


def as_expression(environment: Environment, tree: nodes.Template, name: str) -> tuple[list[nodes.Node], nodes.Expr]:
    """What a template gives, as one expression, with the statements that must run before it.

    One ``{{ … }}`` alone keeps its type; text around or several of them give text; statements give the text of their
    block, which is kept under ``name``. The tree is used up.
    """
    counted = any(_is_counted(node) for node in walk(tree))
    before: list[nodes.Node] = [nodes.ExprStmt(filtered(nodes.Const(None), "_start"))] if counted else []
    body = [_Tamer().visit(node) for node in tree.body]
    if not all(isinstance(node, nodes.Output) for node in body):
        body = [_Shown().visit(node) for node in body] if counted else body
        return [*before, nodes.AssignBlock(nodes.Name(name, "store"), None, body)], nodes.Name(name, "load")
    parts = [part for node in body for part in node.nodes]
    shown = [part for part in parts if not (isinstance(part, nodes.TemplateData) and not part.data.strip())]
    if len(shown) == 1 and not isinstance(shown[0], nodes.TemplateData):
        return before, shown[0]
    if all(isinstance(part, nodes.TemplateData) for part in parts):
        return before, nodes.Const("".join(part.data for part in parts))
    joined = [nodes.Const(part.data) if isinstance(part, nodes.TemplateData) else part for part in parts]
    return before, filtered(nodes.List(joined), "_concat")


def _is_counted(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Filter):
        return node.name in MAPPED_FILTERS
    return isinstance(node, nodes.For | nodes.Macro | nodes.CallBlock)


def compile_tree(environment: Environment, body: list[nodes.Node]) -> Callable[[dict[str, Any]], Iterator[Any]]:
    """A function from names to the stream of what the tree outputs."""
    code, _free = _compiled(environment, body)
    template = environment.template_class.from_code(environment, code, environment.globals)
    known = environment.globals

    def run(names: dict[str, Any]) -> Iterator[Any]:
        return template.root_render_func(template.new_context({**known, **names}, shared=True))

    return run


def _compiled(environment: Environment, body: list[nodes.Node]) -> tuple[Any, set[str]]:
    tree = nodes.Template(body, lineno=1)
    tree.set_environment(environment)
    for node in walk(tree):
        node.lineno = node.lineno or 1
    generator = _Generator(environment, None, None, optimized=False)
    try:
        generator.visit(tree)
        return compile(generator.stream.getvalue(), "<template>", "exec"), generator.undeclared  # type: ignore[attr-defined]
    except (RecursionError, MemoryError) as error:
        raise _too_deep() from error
    except SyntaxError as error:
        raise TemplateSyntaxError(str(error.msg), 1) from error


# -- caps ------------------------------------------------------------------------------------------------------------


class _Budget:
    """Steps, time and text that the loops and macros of one template may use, all together."""

    def __init__(self) -> None:
        self.start()

    def start(self, value: Any = None) -> None:
        """A template begins."""
        self.left = MAX_STEPS
        self.text = MAX_LIST_TEXT
        self.until = time.monotonic() + MAX_SECONDS

    def step(self, value: Any = None) -> None:
        """One round of a loop, one call of a macro, one element of ``map``."""
        self.left -= 1
        if self.left < 0 or time.monotonic() > self.until:
            raise runs_away()

    def steps(self, values: Any) -> Iterator[Any]:
        """The values, each of them a step."""
        for value in values:
            self.step()
            yield value

    def shown(self, value: Any) -> str:
        """The value as text, counted."""
        text = value if isinstance(value, str) else "" if value is None else plain_text(value)
        self.text -= len(text)
        if self.text < 0:
            raise too_long()
        return text


def runs_away() -> Fault:
    """The fault of a template that would take too much time or memory."""
    return Fault("runs_away", _("The template would grow beyond all bounds."), _("Use smaller numbers."))


def weighed(value: Any) -> Any:
    """The value, if it is not a list or mapping that holds too much, counted as often as it is held."""
    if not isinstance(value, list | tuple | dict):
        return value
    waiting: list[Any] = [value]
    number = size = 0
    while waiting:
        group = waiting.pop()
        number += len(group)
        if number > MAX_NODES:
            raise runs_away()
        for item in [*group, *group.values()] if isinstance(group, dict) else group:
            if isinstance(item, str):
                size += len(item)
            elif isinstance(item, list | tuple | dict):
                waiting.append(item)
        if size > MAX_LIST_TEXT or len(waiting) > MAX_NODES:
            raise runs_away()
    return value


def _folded(word: str) -> str:
    return normalize("NFC", word.strip()).casefold()


def _plain_number(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return plain_text(value)


def _concat(parts: Iterable[Any]) -> str:
    texts = []
    size = 0
    for part in parts:
        if not isinstance(part, str):
            if part is None:
                continue
            part = plain_text(part)
        size += len(part)
        if size > MAX_TEXT:
            raise too_long()
        texts.append(part)
    return "".join(texts)


def _range(*args: int) -> range:
    made = range(*args)
    if len(made) > MAX_ITEMS:
        raise runs_away()
    return made


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | list | tuple) else 0


def _multiply(left: Any, right: Any) -> Any:
    for sequence, times in ((left, right), (right, left)):
        if isinstance(sequence, str | list | tuple) and isinstance(times, int):
            cap = MAX_TEXT if isinstance(sequence, str) else MAX_ITEMS
            if _size(sequence) * times > cap:
                raise runs_away()
            return weighed(sequence * times)
    _check_numbers(left, right)
    return left * right


def _power(left: Any, right: Any) -> Any:
    _check_numbers(left, right)
    if isinstance(right, int) and abs(right) > MAX_EXPONENT:
        raise runs_away()
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() * abs(right) > MAX_DIGITS * 4:
        raise runs_away()
    return left**right


def _check_numbers(*values: Any) -> None:
    for value in values:
        if isinstance(value, int) and value.bit_length() > MAX_DIGITS * 4:
            raise runs_away()


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > MAX_TEXT:
            raise runs_away()
        return str(left) + right
    if isinstance(left, list | tuple) and _size(left) + _size(right) > MAX_ITEMS:
        raise runs_away()
    return weighed(left + right)


def _modulo(left: Any, right: Any) -> Any:
    if not isinstance(left, str):
        return left % right
    _check_percent(left, right)
    return str(left) % right


_BINOPS: dict[str, Callable[[Any, Any], Any]] = {
    "*": _multiply,
    "**": _power,
    "+": _add,
    "%": _modulo,
    "-": operator.sub,
}


def _like(function: Any, wrapper: Callable[..., Any]) -> Callable[..., Any]:
    """The wrapper, called with the same first argument (environment, context) as Jinja's own filter."""
    if hasattr(function, "jinja_pass_arg"):
        wrapper.jinja_pass_arg = function.jinja_pass_arg  # type: ignore[attr-defined]
    wrapper.__wrapped__ = function  # type: ignore[attr-defined]
    return wrapper


def _sized(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter of Jinja whose whole numbers say how large its result is."""

    def filtered(*args: Any, **kwargs: Any) -> Any:
        for value in (*args[1:], *kwargs.values()):
            if isinstance(value, int) and not -MAX_ITEMS <= value <= MAX_ITEMS:
                raise runs_away()
        return function(*args, **kwargs)

    return filtered


def _weighing(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter of Jinja that makes lists, or a stream of them."""

    def filtered(*args: Any, **kwargs: Any) -> Any:
        made = function(*args, **kwargs)
        return map(weighed, made) if hasattr(made, "__next__") else weighed(made)

    return filtered


@pass_environment
def _join(environment: Environment, value: Any, d: str = "", attribute: str | int | None = None) -> str:
    """Jinja's ``join`` with None as nothing and a bounded result."""
    item_of = make_attrgetter(environment, attribute) if attribute is not None else lambda item: item
    joined: list[Any] = []
    size = 0
    for item in value or ():
        part = item_of(item)
        joined += [d, part] if joined else [part]
        size += _size(part) + _size(d)
        if size > MAX_TEXT:
            raise too_long()
    return _concat(joined)


def _replace(value: Any, old: str, new: str, count: int | None = None) -> str:
    text, old, new = plain_text(value), str(old), str(new)
    _check_replace(text, old, new)
    return text.replace(old, new, -1 if count is None else count)


def _check_replace(text: str, old: str, new: str) -> None:
    times = len(text) + 1 if not old else text.count(old)
    if len(text) + times * (len(new) - len(old)) > MAX_TEXT:
        raise runs_away()


def _indent(value: Any, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    text = plain_text(value)
    length = width if isinstance(width, int) else len(width)
    if len(text) + (len(text.splitlines()) + 1) * length > MAX_TEXT:
        raise runs_away()
    return str(JINJA_FILTERS["indent"](text, width, first, blank))


@pass_environment
def _wordwrap(environment: Environment, value: Any, width: int = 79, *args: Any, **kwargs: Any) -> str:
    text = plain_text(value)
    if len(text) > MAX_ITEMS or any(_size(arg) > 100 for arg in (*args, *kwargs.values())):
        raise runs_away()
    return str(JINJA_FILTERS["wordwrap"](environment, text, width, *args, **kwargs))


def _tojson(value: Any, indent: int | None = None) -> str:
    if indent is not None and not 0 <= indent <= 8:
        raise runs_away()
    return json.dumps(value, ensure_ascii=False, indent=indent)


_PERCENT = re.compile(r"%(?:\([^)]*\))?[#0\- +]*(\*|\d+)?(?:\.(\*|\d+)?)?[a-zA-Z%]")


def _format(value: Any, *args: Any, **kwargs: Any) -> str:
    pattern, values = plain_text(value), kwargs or args
    _check_percent(pattern, values)
    return pattern % values


def _check_percent(pattern: str, values: Any) -> None:
    """Refuse widths and results without bounds: what each ``%s`` gives can be as long as the longest value."""
    given = values.values() if isinstance(values, dict) else values if isinstance(values, tuple) else (values,)
    longest = max((len(item) if isinstance(item, str) else len(str(item)) for item in given), default=0)
    widest = max((abs(item) for item in given if isinstance(item, int)), default=0)
    size = len(pattern)
    for found in _PERCENT.finditer(pattern):
        size += longest
        for width in filter(None, found.groups()):
            size += widest if width == "*" else int(width[:9])
    if size > 4 * MAX_TEXT:
        raise runs_away()


class _Formatter(SandboxedFormatter):
    """``str.format`` in the sandbox; a field's final form tells how wide it is."""

    left = MAX_TEXT

    def format_field(self, value: Any, format_spec: str) -> str:
        if any(int(digits[:9]) > MAX_ITEMS for digits in re.findall(r"[0-9]+", format_spec)):
            raise runs_away()
        text = format("" if value is None else value, format_spec)
        self.left -= len(text)
        if self.left < 0:
            raise too_long()
        return text


def _check_method(owner: str, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    if name == "replace" and len(args) >= 2:
        _check_replace(owner, str(args[0]), str(args[1]))
    elif name == "expandtabs":
        size = next((value for value in (*args, *kwargs.values()) if isinstance(value, int)), 8)
        if len(owner) + owner.count("\t") * size > MAX_TEXT:
            raise runs_away()
    elif name in ("center", "ljust", "rjust", "zfill") and args and isinstance(args[0], int) and args[0] > MAX_TEXT:
        raise runs_away()
