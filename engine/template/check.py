"""What is wrong with a template before any row is seen: syntax, names, filters, tables, tuples, headings as names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from jinja2 import meta, nodes
from jinja2.exceptions import TemplateSyntaxError

from engine.config.names import heading_key
from engine.i18n import _
from engine.problems import did_you_mean
from engine.template.environment import Environment, parse, unknown_table
from engine.template.faults import Fault, Finding

ALWAYS = ("row", "rows", "source", "trigger", "first_of", "now", "today", "range", "dict", "namespace")

_EXPRESSION = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_HEADING_LIKE = re.compile(r"[^\W\d]\w*(?:[-. /]+\w+)+\.?")


@dataclass(frozen=True)
class Names:
    """What a template may use. ``known`` is None where the headings of the file are not known yet.

    ``headings`` leads from a heading (folded) to the way it is written in a template.
    """

    known: Collection[str] | None
    headings: Mapping[str, str] = field(default_factory=dict)


def is_template(text: str) -> bool:
    """Whether the text holds anything for Jinja to do."""
    return "{{" in text or "{%" in text or "{#" in text


def check_template(environment: Environment, text: str, names: Names) -> list[Finding]:
    """All that is wrong with one template; empty when nothing is."""
    as_names = list(_headings_as_names(text, names))
    if as_names:
        return as_names
    try:
        tree = parse(environment, text)
    except TemplateSyntaxError as error:
        return [_syntax(error)]
    findings = [*_tuples(tree), *_unknown_filters(environment, tree), *_tables(environment, tree)]
    return findings + list(_unknown_names(tree, names))


def check_truth(text: str) -> list[Finding]:
    """A condition without braces would be true for everybody."""
    if "{{" in text or "{%" in text:
        return []
    return [
        Finding(
            "condition_without_braces",
            _("A condition must be a template."),
            _("Write: {line}").format(line='"{{ ' + text.strip() + ' }}"'),
        )
    ]


def check_constant(text: str, names: Names) -> list[Finding]:
    """A constant that equals a name was meant as the name."""
    word = text.strip()
    if names.known is not None and word in names.known and word not in ALWAYS:
        return [_constant(word, word)]
    heading = names.headings.get(heading_key(word)) if word else None
    return [_constant(word, heading)] if heading is not None and heading.isidentifier() else []


def _constant(word: str, name: str) -> Finding:
    return Finding(
        "constant_is_name",
        _("Every person would get the word “{word}” itself.").format(word=word),
        _("Did you mean {name}?").format(name='"{{ ' + name + ' }}"')
        + " "
        + _("To mean the word, write {example}.").format(example="\"{{ '" + word + "' }}\""),
    )


def used_names(environment: Environment, text: str) -> set[str]:
    """The names from outside that a template uses; none where it can't be parsed."""
    try:
        return meta.find_undeclared_variables(parse(environment, text))
    except TemplateSyntaxError:
        return set()


def _headings_as_names(text: str, names: Names) -> Iterator[Finding]:
    for match in _EXPRESSION.finditer(text):
        inner = match[1].split("|")[0].strip()
        line = text.count("\n", 0, match.start(1)) + 1
        if not inner or (names.known is not None and inner in names.known):
            continue
        written = names.headings.get(heading_key(inner))
        if written is None and names.known is None and _HEADING_LIKE.fullmatch(inner) and _is_not_code(inner):
            written = f"row[{_quote(inner)}]"
        if written is not None and written != inner:
            rest = match[1][match[1].find("|") :] if "|" in match[1] else ""
            corrected = "{{ " + f"{written} {rest}".strip() + " }}"
            message = _("“{heading}” is a heading, not a name.").format(heading=inner)
            yield Finding("heading_as_name", message, _("Write: {line}").format(line=corrected), inner, line)


def _is_not_code(inner: str) -> bool:
    # `a - b` and `source.file` are code; `E-Mail` and `Tel. privat` are headings.
    first = re.split(r"[-. /]", inner)[0]
    words = re.split(r"\W+", inner)
    code_words = {"if", "else", "and", "or", "not", "in", "is"} & set(words)
    return first not in ALWAYS and " - " not in inner and not code_words and (inner[0].isupper() or ". " in inner)


def _quote(text: str) -> str:
    return f"'{text}'" if "'" not in text else f'"{text}"'


def _syntax(error: TemplateSyntaxError) -> Finding:
    reason = str(error.message or error)
    needle = None
    if match := re.search(r"got '(.+?)'|char '(.+?)'|tag '(\w+)'", reason):
        needle = match[1] or match[2] or match[3]
    return Finding(
        "template_syntax",
        _("This is not a valid template: {reason}").format(reason=reason),
        _("Compare the brackets and quotes: {example}.").format(example="{{ name | filter }}"),
        needle,
        error.lineno,
    )


def _tuples(tree: nodes.Template) -> Iterator[Finding]:
    for output in tree.find_all(nodes.Output):
        for part in output.nodes:
            if isinstance(part, nodes.Tuple):
                names = [item.name if isinstance(item, nodes.Name) else "…" for item in part.items]
                written = "{{ " + ", ".join(names) + " }}"
                meant = ", ".join("{{ " + name + " }}" for name in names)
                yield Finding(
                    "tuple",
                    _("{written} makes a pair.").format(written=written),
                    _("Did you mean {name}?").format(name=meant),
                    names[0] if names[0] != "…" else None,
                    part.lineno,
                )


def _unknown_filters(environment: Environment, tree: nodes.Template) -> Iterator[Finding]:
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        assert isinstance(node, nodes.Filter | nodes.Test)
        is_filter = isinstance(node, nodes.Filter)
        known = [name for name in (environment.filters if is_filter else environment.tests) if not name.startswith("_")]
        if node.name in known:
            continue
        near = did_you_mean(node.name, known)
        message = _("There is no filter {name}.") if is_filter else _("There is no test {name}.")
        yield Finding(
            "unknown_filter",
            message.format(name=node.name),
            _("Did you mean {name}?").format(name=near) if near else "",
            node.name,
            node.lineno,
        )


def _tables(environment: Environment, tree: nodes.Template) -> Iterator[Finding]:
    for node in tree.find_all(nodes.Filter):
        if node.name != "lookup" or not node.args or not isinstance(node.args[0], nodes.Const):
            continue
        table = str(node.args[0].value)
        if table not in environment.tables:
            fault: Fault = unknown_table(table, environment.tables)
            yield Finding(fault.code, fault.message, fault.hint, table, node.lineno)


def _unknown_names(tree: nodes.Template, names: Names) -> Iterator[Finding]:
    if names.known is None:
        return
    optional = _asked_for(tree)
    for name in sorted(meta.find_undeclared_variables(tree)):
        if name in names.known or name in ALWAYS or name in optional:
            continue
        line = next((node.lineno for node in tree.find_all(nodes.Name) if node.name == name), None)
        near = did_you_mean(name, names.known)
        yield Finding(
            "unknown_name",
            _("The name {name} is not known.").format(name=name),
            _("Did you mean {name}?").format(name=near)
            if near
            else _("Known are: {names}").format(names=", ".join(names.known)),
            name,
            line,
        )


def _asked_for(tree: nodes.Template) -> set[str]:
    """Names that a template asks about before it uses them (``x is defined``, ``x | default('')``)."""
    asked = set()
    for node in tree.find_all((nodes.Test, nodes.Filter)):
        assert isinstance(node, nodes.Test | nodes.Filter)
        if node.name in ("defined", "undefined", "default", "d") and isinstance(node.node, nodes.Name):
            asked.add(node.node.name)
    return asked
