"""What is wrong with a template before any row is seen: syntax, names, filters, tables, tuples, headings as names."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError

from engine.config.names import heading_key, name_of
from engine.i18n import _
from engine.problems import did_you_mean
from engine.template.environment import Environment, Unsuitable, free_names, parse, unknown_table, walk
from engine.template.faults import Fault, Finding

ALWAYS = ("row", "rows", "source", "trigger", "first_of", "now", "today", "range", "dict", "namespace")

_EXPRESSION = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_TEXTS = re.compile(r"'[^']*'|\"[^\"]*\"")
_OWN_NAMES = re.compile(r"\{%[-+]?\s*(?:set|for|macro|with)\s+([\w, ]+)")
_HEADING_LIKE = re.compile(r"\w*[^\W\d]\w*(?:[-. /]+\w+)+\.?|\d+\. ?[^\W\d]\w*|[^\W\d]\w*\.? \([^()'\"|]*\)")
_ASKING = frozenset({"defined", "undefined", "default", "d"})
KEYS = {"source": ("file", "path", "modified", "rows"), "trigger": ("trigger", "path", "id")}


@dataclass(frozen=True)
class Names:
    """What a template may use. ``known`` is None where the headings of the file are not known yet.

    ``headings`` leads from a heading (folded) to the way it is written in a template.
    """

    known: Collection[str] | None
    headings: Mapping[str, str] = field(default_factory=dict)


_SINGLE_BRACES = re.compile(r"\{\s*([^\W\d]\w*(?:\s*\|[^{}]*)?)\s*\}")
_CURLY_QUOTES = "„“”‚‘’»«"


def is_template(text: str) -> bool:
    """Whether the text holds anything for Jinja to do."""
    return "{{" in text or "{%" in text or "{#" in text


def check_template(environment: Environment, text: str, names: Names) -> list[Finding]:
    """All that is wrong with one template; empty when nothing is."""
    if text.strip()[:1] in _CURLY_QUOTES and text.strip()[1:3] in ("{{", "{%"):
        bare = text.strip().strip(_CURLY_QUOTES)
        message = _("These quotes are typographic: they would be sent along.")
        return [Finding("typographic_quotes", message, _("Write: {line}").format(line=f'"{bare}"'), instead=bare)]
    as_names = list(_headings_as_names(text, names))
    if as_names:
        return as_names
    try:
        tree = parse(environment, text)
    except TemplateSyntaxError as error:
        return list(_headings_inside(text, names, None)) or [_syntax(environment, error)]
    findings = [*_tuples(tree, text), *_unknown_filters(environment, tree), *_tables(environment, tree)]
    if findings:
        return findings
    try:
        used = free_names(environment, text)
    except TemplateSyntaxError as error:
        return [_syntax(environment, error)]
    findings = [*_unknown_names(tree, used, names), *_unknown_keys(tree, names)]
    unknown = {finding.needle for finding in findings if finding.code == "unknown_name"}
    return list(_headings_inside(text, names, unknown)) or findings if unknown else findings


def check_truth(text: str) -> list[Finding]:
    """A condition without braces would be true for everybody."""
    if "{{" in text or "{%" in text:
        return []
    meant = "{{ " + text.strip() + " }}"
    hint = _("Write: {line}").format(line=f'"{meant}"')
    return [Finding("condition_without_braces", _("A condition must be a template."), hint, instead=meant)]


def check_constant(text: str, names: Names) -> list[Finding]:
    """A constant that equals a name was meant as the name."""
    word = text.strip()
    if single := _SINGLE_BRACES.fullmatch(word):
        message = _("Every person would get “{text}” itself: a template has two braces on each side.").format(text=word)
        meant = "{{ " + single[1] + " }}"
        return [Finding("single_braces", message, _("Write: {line}").format(line=f'"{meant}"'), instead=meant)]
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
        return free_names(environment, text)
    except TemplateSyntaxError:
        return set()


def texts_in(environment: Environment, text: str) -> set[str]:
    """The texts that a template names itself, such as what it compares with."""
    try:
        tree = parse(environment, text)
    except TemplateSyntaxError:
        return set()
    return {node.value for node in walk(tree) if isinstance(node, nodes.Const) and isinstance(node.value, str)}


def chosen_by(environment: Environment, text: str) -> set[str]:
    """The names whose values decide something in a template: they are compared, or looked up in a table."""
    try:
        tree = parse(environment, text)
    except TemplateSyntaxError:
        return set()
    deciding = [node for node in walk(tree) if isinstance(node, nodes.Compare) or _looks_up(node)]
    return {name.name for node in deciding for name in walk(node) if isinstance(name, nodes.Name)}


def _looks_up(node: nodes.Node) -> bool:
    if not isinstance(node, nodes.Filter):
        return False
    first = node.args[0] if node.args else None
    return node.name == "lookup" or (isinstance(first, nodes.Const) and first.value == "lookup")


# -- headings where names belong -------------------------------------------------------------------------------------


def _headings_as_names(text: str, names: Names) -> Iterator[Finding]:
    """``{{ E-Mail }}`` and ``{{ Tel. privat | phone }}``: a heading is all there is before the filters."""
    own = {word for found in _OWN_NAMES.finditer(text) for word in re.findall(r"\w+", found[1])}
    for match in _EXPRESSION.finditer(text):
        inner = match[1].split("|")[0].strip()
        if not inner or (names.known is not None and inner in names.known) or inner in own:
            continue
        written = names.headings.get(heading_key(inner))
        if written is not None and (written == inner or _is_all_known(inner, names)):
            continue
        if written is None and (names.known is not None or not _is_heading_like(inner, own)):
            continue
        yield _heading(text, inner, match.start(1) + match[1].index(inner), written or f"row[{_quote(inner)}]")


def _headings_inside(text: str, names: Names, unknown: set[str | None] | None) -> Iterator[Finding]:
    """Headings anywhere in code that is not valid (``unknown`` None), or that has these unknown names."""
    for tag in _TAG.finditer(text):
        bare = _TEXTS.sub(lambda found: " " * len(found[0]), tag[0])
        if len(bare.casefold()) != len(bare):
            continue
        for heading, written in sorted(names.headings.items(), key=lambda pair: -len(pair[0])):
            found = re.search(rf"(?<!\w){re.escape(heading)}(?!\w)", bare.casefold())
            if found is None or heading.isidentifier() or _is_all_known(tag[0][found.start() : found.end()], names):
                continue
            inner = tag[0][found.start() : found.end()]
            if unknown is None or unknown & set(re.findall(r"\w+", inner)):
                finding = _heading(text, inner, tag.start() + found.start(), written)
                if others := _corrected(tag[0], names):
                    whole = text.replace(tag[0], others)
                    finding = replace(finding, hint=_("Write: {line}").format(line=whole.strip()), instead=whole)
                yield finding
                return
    if names.known is None:
        return
    for match in _EXPRESSION.finditer(text):
        inner = match[1].split("|")[0].strip()
        first = re.split(r"[-. /]", inner)[0]
        if first not in names.known and _is_heading_like(inner, ()):
            near = did_you_mean(heading_key(inner), names.headings)
            if near is not None:
                yield _heading(text, inner, match.start(1) + match[1].index(inner), names.headings[near])
                continue
            message = _("“{heading}” is a heading, not a name.").format(heading=inner)
            name = re.sub("_+", "_", name_of(inner)).strip("_").casefold()
            hint = _("Name it under `columns:` ({line}) and write {name}.").format(
                line=f"{name}: {inner}", name="{{ " + name + " }}"
            )
            line = text.count("\n", 0, match.start(1)) + 1
            yield Finding("heading_as_name", message, hint, inner, line)


def _corrected(tag: str, names: Names) -> str:
    """The tag with all headings in it replaced by their names."""
    headings = [heading for heading in names.headings if not heading.isidentifier()]
    either = "|".join(re.escape(heading) for heading in sorted(headings, key=len, reverse=True))
    pattern = re.compile(rf"('[^']*'|\"[^\"]*\")|(?<!\w)(?:{either})(?!\w)", re.IGNORECASE)
    return pattern.sub(lambda found: found[1] or names.headings.get(heading_key(found[0]), found[0]), tag)


def _heading(text: str, inner: str, at: int, written: str) -> Finding:
    begin, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    corrected = text[begin:at] + written + text[at + len(inner) : end if end >= 0 else None]
    whole = text[:at] + written + text[at + len(inner) :]
    message = _("“{heading}” is a heading, not a name.").format(heading=inner)
    line = text.count("\n", 0, at) + 1
    hint = _("Write: {line}").format(line=corrected.strip())
    return Finding("heading_as_name", message, hint, inner, line, instead=whole)


def _is_all_known(inner: str, names: Names) -> bool:
    words = set(re.findall(r"[^\W\d]\w*", inner))
    return names.known is not None and bool(words) and words <= {*names.known, *ALWAYS}


def _is_heading_like(inner: str, own: Collection[str]) -> bool:
    # `a - b` and `source.file` are code; `E-Mail` and `Tel. privat` are headings.
    if not _HEADING_LIKE.fullmatch(inner):
        return False
    first = re.split(r"[-. /(]", inner)[0]
    words = re.split(r"\W+", inner)
    code_words = {"if", "else", "and", "or", "not", "in", "is"} & set(words)
    if first in ALWAYS or first in own or " - " in inner or " / " in inner or code_words:
        return False
    return inner[0].isupper() or ". " in inner


def _quote(text: str) -> str:
    return f"'{text}'" if "'" not in text else f'"{text}"'


# -- syntax ----------------------------------------------------------------------------------------------------------


def _syntax(environment: Environment, error: TemplateSyntaxError) -> Finding:
    if isinstance(error, Unsuitable):
        return Finding(error.fault.code, error.fault.message, error.fault.hint, error.needle, error.lineno)
    reason = str(error.message or error)
    for pattern, explained in _REASONS:
        if found := re.search(pattern, reason):
            message, hint, needle = explained(environment, *found.groups())
            return Finding("template_syntax", message, hint, needle, error.lineno)
    return Finding(
        "template_syntax",
        _("This is not a valid template: {reason}").format(reason=reason),
        _("Compare the brackets and quotes: {example}.").format(example="{{ name | filter }}"),
        None,
        error.lineno,
    )


Explained = tuple[str, str, str | None]


def _not_closed(environment: Environment, tag: str) -> Explained:
    if tag == "comment":
        return _("{tag} is never ended.").format(tag="{#"), _("Write {tag} where it ends.").format(tag="#}"), "{#"
    start, end = "{% " + tag + " … %}", "{% end" + tag + " %}"
    return _("{tag} is never ended.").format(tag=start), _("Write {tag} where it ends.").format(tag=end), tag


def _cut_off(environment: Environment, *_found: str) -> Explained:
    hint = _("Compare the brackets: every {open} needs its {close}.").format(open="{{", close="}}")
    return _("The template ends too early."), hint, None


def _unknown_tag(environment: Environment, tag: str) -> Explained:
    if tag in ("end", "endif", "endfor", "endset", "endmacro", "else", "elif"):
        message = _("{tag} stands alone: nothing before it is open.").format(tag="{% " + tag + " %}")
        return message, _("Remove it, or write what it belongs to before it."), tag
    near = did_you_mean(tag, ("if", "elif", "else", "endif", "for", "endfor", "set", "endset", "do", "with", "macro"))
    hint = _("Did you mean {name}?").format(name="{% " + near + " %}") if near else ""
    return _("There is no statement {tag}.").format(tag="{% " + tag + " %}"), hint, tag


def _wrong_sign(environment: Environment, sign: str) -> Explained:
    message = _("The sign {sign} can't stand here.").format(sign=sign)
    instead = {"&": "and", "!": "not", "„": "'", "“": "'", "”": "'", "‚": "'", "‘": "'", "’": "'", "«": "'", "»": "'"}
    if sign in instead:
        return message, _("Write {word} instead.").format(word=instead[sign]), sign
    hint = _("Is a heading meant? In templates it is written as a name, or as {example}.").format(example="row['…']")
    return message, hint if sign not in "'\"" else _("A quote is opened and not closed."), sign


def _bracket(environment: Environment, sign: str, *_wanted: str) -> Explained:
    hint = _("Compare the brackets: every one that is opened must be closed, in the right order.")
    return _("The bracket {sign} does not fit here.").format(sign=sign), hint, sign


def _leftover(environment: Environment, word: str) -> Explained:
    message = _("“{word}” does not fit here.").format(word=word)
    if word == "=":
        return message, _("Two values are compared with {sign}.").format(sign="=="), "="
    if word in ("string", "integer", "float"):
        return message, _("Something is missing before it: {join} joins texts.").format(join="{{ a ~ 'b' }}"), None
    hint = _("Something is missing before it: a filter follows {bar}, and {join} joins texts.").format(
        bar="|", join="{{ a ~ ' ' ~ b }}"
    )
    return message, hint, word


def _nothing_there(environment: Environment, *_found: str) -> Explained:
    hint = _("Write a name between the brackets: {example}.").format(example="{{ name }}")
    return _("Something is missing before the closing brackets."), hint, None


_ENDS = "end of (?:print statement|statement block|template)"
_REASONS: tuple[tuple[str, Callable[..., Explained]], ...] = (
    (
        r"innermost block that needs to be closed is '(\w+)'(?s:.*)|^Missing end of (\w+)",
        lambda e, a, b: _not_closed(e, a or b),
    ),
    (r"unknown tag '(\w+)'", _unknown_tag),
    (r"unexpected char \"?'(.)'\"?|unexpected char \"(.)\"", lambda e, a, b: _wrong_sign(e, a or b)),
    (r"^unexpected '([)\]}])'(?:, expected '(.)')?", _bracket),
    (r"expected token '[^']*', got '([)\]}])'", _bracket),
    (
        rf"[Ee]xpected an expression, got '{_ENDS}'|expected token 'name', got '{_ENDS}'|unexpected '{_ENDS}'",
        _nothing_there,
    ),
    (r"[Uu]nexpected end of template|got 'end of template'", _cut_off),
    (rf"expected token '[^']*', got '{_ENDS}'", _cut_off),
    (r"got '(.+?)'|unexpected '(.+?)'", lambda e, a, b: _leftover(e, a or b)),
)


# -- what the tree shows ---------------------------------------------------------------------------------------------


def _tuples(tree: nodes.Template, text: str) -> Iterator[Finding]:
    for output in tree.find_all(nodes.Output):
        for part in output.nodes:
            if isinstance(part, nodes.Tuple):
                written, items = _tuple_as_written(text, part)
                meant = ", ".join("{{ " + item + " }}" for item in items)
                yield Finding(
                    "tuple",
                    _("{written} makes a pair.").format(written=written),
                    _("Did you mean {name}?").format(name=meant),
                    items[0] if items and items[0] in text else None,
                    part.lineno,
                )


def _tuple_as_written(text: str, node: nodes.Tuple) -> tuple[str, list[str]]:
    """The tag that makes a tuple, and its parts; names alone where it can't be found."""
    for match in _EXPRESSION.finditer(text):
        line = text.count("\n", 0, match.start(1)) + 1
        parts = _split_at_commas(match[1])
        if len(parts) == len(node.items) and line <= node.lineno <= line + match[1].count("\n"):
            return "{{ " + " ".join(match[1].split()) + " }}", parts
    names = [item.name if isinstance(item, nodes.Name) else "…" for item in node.items]
    return "{{ " + ", ".join(names) + " }}", names


def _split_at_commas(written: str) -> list[str]:
    written = written.strip()
    if written.startswith("(") and written.endswith(")"):
        written = written[1:-1]
    covered = _TEXTS.sub(lambda found: " " * len(found[0]), written)
    parts, depth, begin = [], 0, 0
    for place, sign in enumerate(covered):
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and not depth:
            parts.append(written[begin:place].strip())
            begin = place + 1
    return [part for part in (*parts, written[begin:].strip()) if part]


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


def _unknown_names(tree: nodes.Template, used: Collection[str], names: Names) -> Iterator[Finding]:
    if names.known is None:
        return
    granted = {*names.known, *ALWAYS, *_asked_for(tree), *_set_inside(tree)}
    for name in sorted(set(used) - granted):
        line = next((node.lineno for node in tree.find_all(nodes.Name) if node.name == name), None)
        near = did_you_mean(name, [*names.known, *ALWAYS])
        known = _("Known are: {names}").format(names=", ".join(names.known))
        hint = _("Did you mean {name}?").format(name=near) if near else known
        if name in _compared(tree):
            # Said first: whoever follows the other advice would compare a column with itself.
            hint = _("Is the word itself meant? Then put it in quotes: '{name}'.").format(name=name) + " " + hint
        yield Finding("unknown_name", _("The name {name} is not known.").format(name=name), hint, name, line)


def _compared(tree: nodes.Template) -> set[str]:
    """Names that something is compared with: where a word was meant, its quotes are missing."""
    right = [operand.expr for comparison in tree.find_all(nodes.Compare) for operand in comparison.ops]
    return {name.name for found in right for name in _names_in(found)}


def _names_in(node: nodes.Expr) -> Iterator[nodes.Name]:
    yield from [node] if isinstance(node, nodes.Name) else node.find_all(nodes.Name)


def _unknown_keys(tree: nodes.Template, names: Names) -> Iterator[Finding]:
    """``source.fiel`` and ``row['Emial']``, as far as it is known what there is."""
    own = _set_inside(tree) | {name.name for name in tree.find_all(nodes.Name) if name.ctx in ("store", "param")}
    asked = [
        node.node
        for node in walk(tree)
        if isinstance(node, nodes.Test | nodes.Filter) and node.name in _ASKING and node.node is not None
    ]
    for node in walk(tree):
        if (
            not isinstance(node, nodes.Getattr | nodes.Getitem)
            or not isinstance(node.node, nodes.Name)
            or node in asked
        ):
            continue
        key = node.attr if isinstance(node, nodes.Getattr) else _constant_key(node)
        owner = node.node.name
        if key is None or owner in own:
            continue
        if owner in KEYS and key not in KEYS[owner]:
            yield _unknown_key(owner, key, KEYS[owner], node.lineno)
        is_heading = isinstance(node, nodes.Getitem) and owner == "row" and names.known is not None and names.headings
        if is_heading and heading_key(key) not in names.headings:
            yield _unknown_key(owner, key, list(names.headings), node.lineno)


def _constant_key(node: nodes.Getitem) -> str | None:
    return node.arg.value if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str) else None


def _unknown_key(owner: str, key: str, known: Collection[str], line: int) -> Finding:
    near = did_you_mean(key, known)
    return Finding(
        "unknown_key",
        _("{owner} has no “{key}”.").format(owner=owner, key=key),
        _("Did you mean {name}?").format(name=near) if near else _("Known are: {names}").format(names=", ".join(known)),
        key,
        line,
    )


def _set_inside(tree: nodes.Template) -> set[str]:
    """Names that the template sets itself; in a branch, too."""
    found = {node.name for node in tree.find_all(nodes.Macro)}
    for node in tree.find_all((nodes.Assign, nodes.AssignBlock)):
        assert isinstance(node, nodes.Assign | nodes.AssignBlock)
        found |= {name.name for name in walk(node.target) if isinstance(name, nodes.Name)}
    return found


def _asked_for(tree: nodes.Template) -> set[str]:
    """Names that a template asks about before it uses them (``x is defined``, ``x | default('')``)."""
    asked = set()
    for node in tree.find_all((nodes.Test, nodes.Filter)):
        assert isinstance(node, nodes.Test | nodes.Filter)
        if node.name in _ASKING and isinstance(node.node, nodes.Name):
            asked.add(node.node.name)
    return asked
