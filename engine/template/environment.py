"""The jinja2 door: a sandbox in which templates are strict, typed by their field, and can't run away.

A template is parsed once into Jinja's own syntax tree, checked there, and changed a little: texts are joined with None
as nothing, every loop is counted, growth is capped. :mod:`engine.template.program` makes one program of many.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined, nodes
from jinja2.compiler import CodeGenerator
from jinja2.exceptions import SecurityError, TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.sandbox import SandboxedEnvironment
from jinja2.visitor import NodeTransformer

from engine.i18n import _
from engine.problems import did_you_mean
from engine.template.faults import Fault
from engine.template.filters import FILTERS, FilterError, e164, first_of, phone
from engine.template.kinds import MAX_TEXT, too_long, truth

MAX_ITEMS = 10_000
MAX_STEPS = 100_000
MAX_EXPONENT = 1_000
MAX_DIGITS = 1_000

FORBIDDEN_FILTERS = frozenset({"random", "pprint", "xmlattr", "urlize", "filesizeformat", "forceescape", "e", "escape"})
SIZED_FILTERS = ("center", "indent", "wordwrap", "truncate", "batch", "slice", "round")
GROWING_METHODS = frozenset(
    {"center", "ljust", "rjust", "zfill", "expandtabs", "join", "replace", "translate", "format", "format_map"}
)
# These are mistakes of the mapping, not of a value: a default does not excuse them.
MAPPING_ERRORS = frozenset({"phone_region", "filter_needs_text"})
_MISSING: Any = object()


class Recorder:
    """What templates noticed on the way: values met in no table, and values that were left out."""

    def __init__(self) -> None:
        self.unmatched: Counter[tuple[str, str]] = Counter()
        self.notes: list[Fault] = []
        self.misses: list[tuple[str, str]] = []

    def commit(self) -> list[Fault]:
        """The row is done: count what it missed, and give its notes."""
        if self.misses:
            self.unmatched.update(self.misses)
        notes = list(self.notes)
        self.discard()
        return notes

    def discard(self) -> None:
        """Forget what the row noticed so far: it is done again."""
        self.misses.clear()
        self.notes.clear()


class _Generator(NativeCodeGenerator):
    """Leaves every output as the value it is; nothing is computed at compile time."""

    def _output_child_to_const(self, node: nodes.Expr, frame: Any, finalize: Any) -> Any:
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return node.as_const(frame.eval_ctx)


class Environment(SandboxedEnvironment):
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
        super().__init__(undefined=StrictUndefined, autoescape=False, optimized=False, extensions=["jinja2.ext.do"])
        self.recorder = Recorder()
        self.budget = _Budget()
        self.tables = {name: {_folded(key): value for key, value in table.items()} for name, table in tables.items()}
        self.globals = {
            "range": _range,
            "dict": dict,
            "namespace": self.globals["namespace"],
            "first_of": first_of,
            "now": lambda: clock(zone),
            "today": lambda: clock(zone).date(),
        }
        self.filters = {name: function for name, function in JINJA_FILTERS.items() if name not in FORBIDDEN_FILTERS}
        for name in SIZED_FILTERS:
            self.filters[name] = _sized(self.filters[name])
        self.filters |= FILTERS
        self.filters |= {
            "phone": self._lenient(phone),
            "e164": self._lenient(e164),
            "lookup": self._lookup,
            "age": lambda value, today=None: FILTERS["age"](value, today or clock(zone).date()),
            "join": _join,
            "replace": _replace,
            "format": _format,
            "_concat": _concat,
            "_steps": self.budget.steps,
            "_truth": truth,
        }

    # jinja2 reads this from the environment for blocks such as {% set x %}…{% endset %}
    @staticmethod
    def concat(parts: Iterable[Any]) -> str:
        """Join the parts of a block; None is nothing."""
        return _concat(parts)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic that can't run away."""
        return _BINOPS[operator](left, right)

    def call(
        __self,
        __context: Any,
        __obj: Any,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        # str.format comes wrapped by the sandbox
        owner = getattr(getattr(__obj, "__wrapped__", __obj), "__self__", None)
        if isinstance(owner, str) and getattr(__obj, "__name__", "") in GROWING_METHODS:
            _check_method(owner, __obj.__name__, args, kwargs)
        return super().call(__context, __obj, *args, **kwargs)

    def _lenient(self, function: Callable[..., str]) -> Callable[..., Any]:
        def filtered(value: Any, region: str = "DE", default: Any = _MISSING) -> Any:
            if default is _MISSING:
                return function(value, region)
            try:
                return function(value, region)
            except FilterError as error:
                if error.code in MAPPING_ERRORS:
                    raise
                self.recorder.notes.append(Fault(error.code, error.message, error.hint))
                return default

        return filtered

    def _lookup(self, value: Any, table: str, default: Any = _MISSING) -> Any:
        """The entry of ``table`` for ``value``, compared without case and outer blanks; a list gives a list."""
        if isinstance(value, list | tuple):
            found: list[Any] = []
            for item in value:
                entry = self._lookup(item, table, default)
                found += entry if isinstance(entry, list) else [entry]
            return found
        entries = self.tables.get(table)
        if entries is None:
            raise unknown_table(table, self.tables)
        word = "" if value is None else str(value)
        entry = entries.get(_folded(word), _MISSING)
        if entry is not _MISSING:
            return entry
        self.recorder.misses.append((table, word.strip()))
        if default is not _MISSING:
            return default
        raise Fault(
            "not_in_table",
            _("“{value}” is not in the table {table}.").format(value=word, table=table),
            _("Add it to the table, or give a default: {example}.").format(example=f"lookup('{table}', '')"),
        )


def unknown_table(table: str, known: Iterable[str]) -> Fault:
    """The fault of a look-up in a table that the mapping does not have."""
    near = did_you_mean(table, known)
    hint = _("Did you mean {name}?").format(name=near) if near else _("Tables stand under `tables:`.")
    return Fault("unknown_table", _("There is no table {name}.").format(name=table), hint)


def explain(error: Exception) -> Fault:
    """The fault behind any exception that a template raised."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, FilterError):
        return Fault(error.code, error.message, error.hint)
    if isinstance(error, UndefinedError):
        return Fault("unknown_name", _("A name or key is not there: {reason}").format(reason=error.message), "")
    if isinstance(error, SecurityError):
        return Fault("forbidden", _("Templates may not do this: {reason}").format(reason=error.message), "")
    if isinstance(error, ZeroDivisionError):
        return Fault("division_by_zero", _("The template divides by zero."), "")
    if isinstance(error, RecursionError | MemoryError | OverflowError):
        return Fault("runs_away", _("The template would compute for ever."), _("Make it simpler."))
    return Fault("template_failed", _("The template failed: {reason}").format(reason=_reason(error)), "")


def _reason(error: Exception) -> str:
    text = str(error) if isinstance(error, TemplateError | TypeError | ValueError) else ""
    return (text or type(error).__name__)[:300]


# -- the tree --------------------------------------------------------------------------------------------------------


class _Tamer(NodeTransformer):
    """Makes an ``if`` without ``else`` give nothing, counts loops, joins texts with None as nothing."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    def visit_CondExpr(self, node: nodes.CondExpr) -> nodes.Node:
        self.generic_visit(node)
        if node.expr2 is None:
            node.expr2 = nodes.Const(None)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return filtered(nodes.List(list(node.nodes)), "_concat")

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.iter = filtered(cast("nodes.Expr", node.iter), "_steps")
        return node


def filtered(node: nodes.Expr, name: str) -> nodes.Filter:
    """``node | name``."""
    return nodes.Filter(node, name, [], [], None, None)


def parse(environment: Environment, text: str) -> nodes.Template:
    """The syntax tree as written; raises :class:`jinja2.exceptions.TemplateSyntaxError`."""
    if len(text) > MAX_TEXT:
        raise TemplateSyntaxError("longer than 64 KiB", 1)
    try:
        return environment.parse(text)
    except RecursionError as error:
        raise TemplateSyntaxError("nested too deeply", 1) from error


def as_expression(environment: Environment, tree: nodes.Template, name: str) -> tuple[list[nodes.Node], nodes.Expr]:
    """What a template gives, as one expression, with the statements that must run before it.

    One ``{{ … }}`` alone keeps its type; text around or several of them give text; statements give the text of their
    block, which is kept under ``name``.
    """
    body = [_Tamer(environment).visit(node) for node in tree.body]
    if not all(isinstance(node, nodes.Output) for node in body):
        return [nodes.AssignBlock(nodes.Name(name, "store"), None, body)], nodes.Name(name, "load")
    parts = [part for node in body for part in node.nodes]
    shown = [part for part in parts if not (isinstance(part, nodes.TemplateData) and not part.data.strip())]
    if len(shown) == 1 and not isinstance(shown[0], nodes.TemplateData):
        return [], shown[0]
    if all(isinstance(part, nodes.TemplateData) for part in parts):
        return [], nodes.Const("".join(part.data for part in parts))
    joined = [nodes.Const(part.data) if isinstance(part, nodes.TemplateData) else part for part in parts]
    return [], filtered(nodes.List(joined), "_concat")


def compile_tree(environment: Environment, body: list[nodes.Node]) -> Callable[[Mapping[str, Any]], Iterator[Any]]:
    """A function from names to the stream of what the tree outputs."""
    tree = nodes.Template(body, lineno=1)
    tree.set_environment(environment)
    tree.set_lineno(1)
    try:
        code = environment.compile(tree)
    except (RecursionError, MemoryError, SyntaxError) as error:
        raise TemplateSyntaxError("nested too deeply", 1) from error
    template = environment.template_class.from_code(environment, code, environment.globals)

    def run(names: Mapping[str, Any]) -> Iterator[Any]:
        return template.root_render_func(template.new_context(dict(names), shared=False))

    return run


# -- caps ------------------------------------------------------------------------------------------------------------


class _Budget:
    """Counts the steps of all loops of one value: nested loops share it."""

    def __init__(self) -> None:
        self.depth = 0
        self.left = MAX_STEPS

    def steps(self, values: Any) -> Iterator[Any]:
        if self.depth == 0:
            self.left = MAX_STEPS
        self.depth += 1
        try:
            for value in values:
                self.left -= 1
                if self.left < 0:
                    raise runs_away()
                yield value
        finally:
            self.depth -= 1


def runs_away() -> Fault:
    """The fault of a template that would take too much time or memory."""
    return Fault("runs_away", _("The template would grow beyond all bounds."), _("Use smaller numbers."))


def _folded(word: Any) -> str:
    return str(word).strip().casefold()


def _concat(parts: Iterable[Any]) -> str:
    texts = []
    size = 0
    for part in parts:
        if part is None:
            continue
        if not isinstance(part, str):
            if isinstance(part, list | tuple | dict):
                raise Fault(
                    "list_where_text",
                    _("A list stands where one text belongs."),
                    _("Join it: {join}").format(join="{{ … | join(', ') }}"),
                )
            part = str(part)
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
    if _size(left) + _size(right) > MAX_TEXT:
        raise runs_away()
    return left + right


def _modulo(left: Any, right: Any) -> Any:
    return _format(left, *(right if isinstance(right, tuple) else (right,))) if isinstance(left, str) else left % right


_BINOPS: dict[str, Callable[[Any, Any], Any]] = {
    "*": _multiply,
    "**": _power,
    "+": _add,
    "%": _modulo,
    "-": operator.sub,
}


def _sized(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter of Jinja whose whole numbers say how large its result is."""

    def filtered(*args: Any, **kwargs: Any) -> Any:
        for value in (*args[1:], *kwargs.values()):
            if isinstance(value, int) and not -MAX_ITEMS <= value <= MAX_ITEMS:
                raise runs_away()
        return function(*args, **kwargs)

    if hasattr(function, "jinja_pass_arg"):
        filtered.jinja_pass_arg = function.jinja_pass_arg  # type: ignore[attr-defined]
    return filtered


def _join(value: Any, d: str = "", attribute: str | None = None) -> str:
    """Jinja's ``join`` with None as nothing and a bounded result."""
    parts: list[Any] = []
    for item in value or ():
        part = item
        for name in attribute.split(".") if attribute else ():
            part = part[name]
        parts.append(part)
    joined: list[Any] = []
    for part in parts:
        joined += [d, part] if joined else [part]
    return _concat(joined)


def _replace(value: Any, old: str, new: str, count: int = -1) -> str:
    text, old, new = str(value), str(old), str(new)
    _check_replace(text, old, new)
    return text.replace(old, new, count)


def _check_replace(text: str, old: str, new: str) -> None:
    times = len(text) + 1 if not old else text.count(old)
    if len(text) + times * (len(new) - len(old)) > MAX_TEXT:
        raise runs_away()


def _format(value: Any, *args: Any, **kwargs: Any) -> str:
    text = str(value)
    _check_pattern(text, args)
    return text % (kwargs or args)


def _check_pattern(text: str, args: Iterable[Any]) -> None:
    digits = ""
    for sign in text:
        digits = digits + sign if sign.isdigit() else ""
        if digits and int(digits[:9]) > MAX_ITEMS:
            raise runs_away()
    if "*" in text and any(isinstance(value, int) and abs(value) > MAX_ITEMS for value in args):
        raise runs_away()


def _check_method(owner: str, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    values = (*args, *kwargs.values())
    if name == "replace" and len(args) >= 2:
        _check_replace(owner, str(args[0]), str(args[1]))
        return
    if name == "join" and args:
        parts = list(args[0])
        if sum(map(_size, parts)) + len(owner) * len(parts) > MAX_TEXT:
            raise runs_away()
        return
    if name in ("format", "format_map"):
        _check_pattern(owner, values)
        if ":{" in owner and any(isinstance(value, int) and abs(value) > MAX_ITEMS for value in values):
            raise runs_away()
        return
    if name == "expandtabs" and owner.count("\t") * (int(args[0]) if args else 8) > MAX_TEXT:
        raise runs_away()
    if any(isinstance(value, int) and abs(value) > MAX_TEXT for value in values):
        raise runs_away()
