"""What is wrong with a template before any row is seen: syntax, names, filters, tables, tuples, headings as names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError

from engine.config.emit import scalar
from engine.config.names import heading_key, name_of, proposed_name
from engine.config.words import all_meant
from engine.explain.filters import filters
from engine.i18n import _
from engine.problems import did_you_mean
from engine.template.arguments import wrong_arguments
from engine.template.environment import Environment, Unsuitable, free_names, parse, unknown_table, walk
from engine.template.faults import Fault, Finding
from engine.template.rewritten import Rewritten, in_own_words
from engine.template.syntax import explained

LONGEST_HEADING = 200
ALWAYS = ("row", "rows", "source", "trigger", "first_of", "now", "today", "range", "dict", "namespace")

_EXPRESSION = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_TEXTS = re.compile(r"'[^']*'|\"[^\"]*\"")
_OWN_NAMES = re.compile(r"\{%[-+]?\s*(?:set|for|macro|with)\s+([\w, ]+)")
_HEADING_LIKE = re.compile(r"\w*[^\W\d]\w*(?:[-. /]+\w+)+\.?|\d+\. ?[^\W\d]\w*|[^\W\d]\w*\.? \([^()'\"|]*\)")
_CODE_WORDS = frozenset({"if", "else", "and", "or", "not", "in", "is"})
_JOINING = frozenset({"oder", "und", "nicht", "wenn", "sonst", "ist"})
_PERHAPS_HEADING = re.compile(r"(?:[^\W\da-zäöüß_]|\d+\.)[\w .,:;/&#°%*+()§$?!-]*")
_STATEMENT = re.compile(r"(?:if|elif|else|endif|for|endfor|set|endset)\b", re.IGNORECASE)
_ASKING = frozenset({"defined", "undefined", "default", "d"})
KEYS = {"source": ("file", "path", "modified", "rows"), "trigger": ("trigger", "path", "id")}


@dataclass(frozen=True)
class Names:
    """What a template may use. ``known`` is None where the headings of the file are not known yet.

    ``headings`` leads from a heading (folded) to the way it is written in a template. ``unread`` are headings that are
    met in tests and not named under ``columns:``, ``has_columns`` whether others can be named there.
    """

    known: Collection[str] | None
    headings: Mapping[str, str] = field(default_factory=dict)
    unread: Collection[str] = ()
    has_columns: bool = True


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
        return _broken(environment, text, names, error)
    findings = [
        *_tuples(tree, text, names),
        *_filters_as_functions(environment, tree, text, names),
        *_unknown_filters(environment, tree),
        *wrong_arguments(environment, tree, {*(names.known or ()), *_set_inside(tree)}),
        *_tables(environment, tree, text, names),
    ]
    findings = findings or _with_names(environment, text, names, tree)
    meant = in_own_words(text, names.known or ()) if findings else None
    if meant is not None and not check_template(environment, meant.text, names):
        return [_in_own_words(text, meant, [])]
    return findings


def _with_names(environment: Environment, text: str, names: Names, tree: nodes.Template) -> list[Finding]:
    """What is wrong with the names in a template that can be parsed."""
    try:
        used = free_names(environment, text)
    except TemplateSyntaxError as error:
        return [explained(error, text)]
    findings = [*_unknown_names(tree, used, names), *_unknown_keys(tree, names)]
    unknown = {finding.needle for finding in findings if finding.code == "unknown_name"}
    if unknown or _has_attribute_of_number(tree):
        return [*_headings_inside(text, names, unknown)] or [*_unlisted(environment, text, names, unknown)] or findings
    return findings


def _broken(environment: Environment, text: str, names: Names, error: TemplateSyntaxError) -> list[Finding]:
    """What was meant by a text that is no template: a heading, the words of another language, or who knows."""
    found = list(_headings_inside(text, names, None))
    if found:
        return found
    if isinstance(error, Unsuitable):
        return [explained(error, text)]
    meant = in_own_words(text, names.known or ())
    is_template_then = meant is not None and _can_be_parsed(environment, meant.text)
    headings = list(_unlisted(environment, text, names, None))
    if meant is not None and is_template_then:
        unknown = names.known is not None and any(
            finding.code == "unknown_name" for finding in check_template(environment, meant.text, names)
        )
        if not (headings and unknown):
            return [_in_own_words(text, meant, headings)]
    if headings:
        return headings
    if beside := _side_by_side(text, names):
        return [beside]
    return [_in_own_words(text, meant, []) if meant is not None and _says_words(meant) else explained(error, text)]


def _can_be_parsed(environment: Environment, text: str) -> bool:
    try:
        parse(environment, text)
    except TemplateSyntaxError:
        return False
    return True


def check_truth(environment: Environment, text: str, names: Names) -> list[Finding]:
    """A condition without braces would be true for everybody."""
    if "{{" in text or "{%" in text:
        return []
    meant, quoted = _condition(environment, text.strip(), names)
    hint = _("Write: {line}").format(line=f'"{meant or quoted}"')
    if meant is None and quoted is None:
        hint = _("Write what must hold, for example {line}.").format(line=f'"{_comparison(text.strip(), names)}"')
    return [Finding("condition_without_braces", _("A condition must be a template."), hint, instead=meant)]


def _condition(environment: Environment, text: str, names: Names) -> tuple[str | None, str | None]:
    """The template that a condition without braces was meant to be; second, where only quotes are missing in it."""
    meant = "{{ " + text + " }}"
    found = check_template(environment, meant, names)
    if len(found) == 1 and found[0].instead is not None:
        meant = found[0].instead
        found = check_template(environment, meant, names)
    if not found:
        return meant, None
    words = {finding.needle for finding in found if finding.code == "unknown_name"} - {None}
    compared = _compared(parse(environment, meant)) if words and len(words) == len(found) else set()
    for word in words:
        written = names.headings.get(heading_key(str(word))) or (f"'{word}'" if word in compared else None)
        if written is not None:
            meant = re.sub(rf"(?<![\w'\"]){re.escape(str(word))}(?![\w'\"])", written, meant)
    return None, None if check_template(environment, meant, names) else meant


def _comparison(text: str, names: Names) -> str:
    """A condition for somebody to begin with, with a column that there is and the word that was written."""
    if not names.has_columns:
        return "{{ source.rows > 20 }}"
    known = list(names.known or ())
    column = next((name for name in known if "status" in name.casefold()), next(iter(known), "status"))
    word = text if re.fullmatch(r"\w[\w .-]{0,40}", text) and text not in known else "aktiv"
    return "{{ " + column + " == '" + word + "' }}"


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


def _unlisted(environment: Environment, text: str, names: Names, unknown: set[str | None] | None) -> Iterator[Finding]:
    """Headings that no column has, where a name belongs: in code that is not valid, or that has ``unknown`` names."""
    for match in _EXPRESSION.finditer(text):
        inner = match[1].split("|")[0].strip()
        first = re.split(r"[-. /]", inner)[0]
        if not inner or (names.known is not None and first in names.known):
            continue
        is_code = _can_be_parsed(environment, "{{ " + inner + " }}")
        if is_code and unknown is not None and first not in unknown and not first.isdigit():
            continue
        if _is_heading_like(inner, ()) or (not is_code and _is_perhaps_heading(inner)):
            yield _unlisted_heading(text, inner, match.start(1) + match[1].index(inner), names)


def _unlisted_heading(text: str, inner: str, at: int, names: Names) -> Finding:
    if names.known is None:
        return _heading(text, inner, at, f"row[{_quote(inner)}]")
    message = _("“{heading}” is a heading, not a name.").format(heading=inner)
    heading = did_you_mean(heading_key(inner), names.headings)
    near = "{{ " + names.headings[heading] + " }}" if heading is not None else None
    hint = _("The list has no such heading.")
    if names.has_columns:
        hint = _or_else(near, _add_column(inner, names))
    elif near is not None:
        hint = _("Did you mean {name}?").format(name=near)
    return Finding("heading_as_name", message, hint, inner, text.count("\n", 0, at) + 1)


def _add_column(heading: str, names: Names) -> str:
    """How a heading that is not read gets a name."""
    name = proposed_name(heading)
    if name in (names.known or ()) and heading_key(heading) not in names.headings:
        name = f"{name}_2"
    hint = _("What does not stand under `columns:` is not read: add the line {line} there, and write {name} here.")
    return hint.format(line=f"`{name}: {scalar(heading)}`", name="{{ " + name + " }}")


def _or_else(near: str | None, hint: str) -> str:
    return _("Did you mean {name}? If not: {hint}").format(name=near, hint=hint) if near else hint


def _is_perhaps_heading(inner: str) -> bool:
    """Whether what is no code may be a heading: it begins like one, and has no texts, brackets or comparisons."""
    return len(inner) <= LONGEST_HEADING and bool(_PERHAPS_HEADING.fullmatch(inner)) and not _STATEMENT.match(inner)


def _has_attribute_of_number(tree: nodes.Template) -> bool:
    """``1. Telefon`` is valid code, and never meant as such."""
    return any(
        isinstance(node.node, nodes.Const) and isinstance(node.node.value, int) for node in tree.find_all(nodes.Getattr)
    )


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
    if len(inner) > LONGEST_HEADING or not _HEADING_LIKE.fullmatch(inner):
        return False
    first = re.split(r"[-. /(]", inner)[0]
    words = re.split(r"\W+", inner)
    code_words = (_CODE_WORDS | _JOINING) & set(words)
    if first in ALWAYS or first in own or " - " in inner or " / " in inner or code_words:
        return False
    return inner[0].isupper() or ". " in inner


def _quote(text: str) -> str:
    return f"'{text}'" if "'" not in text else f'"{text}"'


# -- other words -----------------------------------------------------------------------------------------------------


def _in_own_words(text: str, meant: Rewritten, headings: list[Finding]) -> Finding:
    """The words that templates have for those of another language, and the corrected line where it is a template."""
    written = sorted(meant.instead, key=text.find)
    pairs = ", ".join(f"{word} → {meant.instead[word]}" for word in written)
    message = _("Templates have other words here: {pairs}.").format(pairs=pairs)
    needle = written[0]
    needle = needle.strip("{} …") if needle.startswith("{{") else re.split(r"\(…| … ", needle)[0]
    before, after = text.split("\n"), meant.text.split("\n")
    line = next((number for number, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), 0)
    hint = _("Write: {line}").format(line=after[line].strip())
    if headings:
        hint += " " + _("Is the whole a heading? {hint}").format(hint=headings[0].hint)
    return Finding("template_syntax", message, hint, needle, line + 1, instead=None if headings else meant.text)


def _says_words(meant: Rewritten) -> bool:
    return any(word.isalpha() and ours.isalpha() for word, ours in meant.instead.items())


def _side_by_side(text: str, names: Names) -> Finding | None:
    """``{{ vorname nachname }}``: every name needs its own braces."""
    for match in _EXPRESSION.finditer(text):
        words = match[1].split()
        written = [_name_for(word, names) for word in words]
        if len(words) > 1 and all(written):
            braced = " ".join("{{ " + str(name) + " }}" for name in written)
            whole = text[: match.start()] + braced + text[match.end() :]
            line = text.count("\n", 0, match.start()) + 1
            message = _("“{word}” does not fit here.").format(word=words[1])
            hint = _("Write: {line}").format(line=whole.split("\n")[line - 1].strip())
            return Finding("template_syntax", message, hint, words[1], line)
    return None


def _name_for(word: str, names: Names) -> str | None:
    """The name that a word is, or whose heading it is."""
    if names.known is not None and word in names.known:
        return word
    return names.headings.get(heading_key(word))


# -- what the tree shows ---------------------------------------------------------------------------------------------


def _tuples(tree: nodes.Template, text: str, names: Names) -> Iterator[Finding]:
    for output in tree.find_all(nodes.Output):
        for part in output.nodes:
            if isinstance(part, nodes.Tuple):
                written, items = _tuple_as_written(text, part)
                meant = ", ".join("{{ " + (_name_for(item, names) or item) + " }}" for item in items)
                hint = _("Did you mean {name}?").format(name=meant)
                whole = written[2:-2].strip()
                words = all(item[:1].isupper() for item in items) and not all(_name_for(item, names) for item in items)
                if names.known is not None and names.has_columns and words:
                    hint += " " + _("Is the whole a heading? {hint}").format(hint=_add_column(whole, names))
                yield Finding(
                    "tuple",
                    _("{written} makes a pair.").format(written=written),
                    hint,
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
        message = _("There is no filter {name}.") if is_filter else _("There is no test {name}.")
        hint = _meant_filter(node.name, known) if is_filter else _meant_test(node.name, known)
        yield Finding("unknown_filter", message.format(name=node.name), hint, node.name, node.lineno)


def _meant_filter(name: str, known: list[str]) -> str:
    said = filters()
    near = all_meant(name, [*(one for one in said if one in known), *(one for one in known if one not in said)])
    if near:
        shown = [f"{one} ({said[one]})" if one in said else one for one in near]
        return _("Did you mean {name}?").format(name=_(" or ").join(shown))
    ours = ", ".join(said)
    return _("There are: {names}. `abgleich explain unknown_filter` says what each one does.").format(names=ours)


def _meant_test(name: str, known: list[str]) -> str:
    near = did_you_mean(name, known)
    hint = _("To compare with a word, write {example}.").format(example=f"== '{name}'")
    return _("Did you mean {name}?").format(name=f"is {near}") + " " + hint if near else hint


def _filters_as_functions(environment: Environment, tree: nodes.Template, text: str, names: Names) -> Iterator[Finding]:
    """``upper(name)`` is written ``name | upper``."""
    own = {*(names.known or ()), *environment.globals, *_set_inside(tree)}
    whole: str | None = text
    found: list[tuple[str, str, int]] = []
    for node in tree.find_all(nodes.Call):
        called = node.node.name if isinstance(node.node, nodes.Name) else ""
        meant = called if called in environment.filters else next(iter(all_meant(called, filters())), "")
        is_other = meant != called and (called.istitle() or did_you_mean(called, own) is not None)
        if called and called not in own and meant and not is_other:
            found.append((called, meant, node.lineno))
            whole = _behind_a_bar(whole, called, meant) if whole is not None else None
    if found:
        called, meant, line = found[0]
        message = _("{name} is a filter: it stands behind the value and a bar.").format(name=meant)
        example = "{{ name | " + meant + " }}"
        hint = _("Write: {line}").format(line=whole.strip() if whole is not None else example)
        yield Finding("unknown_name", message, hint, called, line, instead=whole)


def _behind_a_bar(text: str, called: str, name: str) -> str | None:
    """The text with ``called(value, more)`` as ``value | name(more)``; None where its brackets can't be told."""
    begin = re.search(rf"(?<![\w.|]){re.escape(called)}\s*\(", text)
    if begin is None or "\n" in text.strip():
        return None
    covered = _TEXTS.sub(lambda found: "_" * len(found[0]), text)
    depth, end = 1, begin.end()
    while depth and end < len(text):
        depth += (covered[end] in "([{") - (covered[end] in ")]}")
        end += 1
    if depth:
        return None
    parts = _split_at_commas(text[begin.end() : end - 1])
    if not parts:
        return None
    if name == "lookup" and parts[1:] and parts[0][0] in "'\"":
        parts = [parts[1], parts[0], *parts[2:]]  # the table was named first
    simple = re.fullmatch(r"[\w.|' ()\[\]]*", parts[0]) and not _CODE_WORDS & set(re.findall(r"\w+", parts[0]))
    value = parts[0] if simple else f"({parts[0]})"
    made = f"{value} | {name}" + (f"({', '.join(parts[1:])})" if parts[1:] else "")
    made = f"({made})" if text[end : end + 1] in (".", "[", "(") else made
    return text[: begin.start()] + made + text[end:]


def _tables(environment: Environment, tree: nodes.Template, text: str, names: Names) -> Iterator[Finding]:
    for node in tree.find_all(nodes.Filter):
        if node.name != "lookup" or not node.args:
            continue
        table = node.args[0]
        if isinstance(table, nodes.Const) and str(table.value) not in environment.tables:
            fault: Fault = unknown_table(str(table.value), environment.tables)
            yield Finding(fault.code, fault.message, fault.hint, str(table.value), node.lineno)
        if isinstance(table, nodes.Name) and table.name not in {*(names.known or ()), *_set_inside(tree)}:
            near = did_you_mean(table.name, environment.tables)
            if near is None or (near != table.name and names.known is None):
                continue
            message = _("The name of a table stands in quotes.")
            whole = re.sub(rf"(lookup\s*\(\s*){re.escape(table.name)}\b", rf"\g<1>'{near}'", text)
            hint = _("Write: {line}").format(line=f"lookup('{near}')")
            yield Finding("unknown_name", message, hint, table.name, node.lineno, instead=whole)


def _unknown_names(tree: nodes.Template, used: Collection[str], names: Names) -> Iterator[Finding]:
    if names.known is None:
        return
    granted = {*names.known, *ALWAYS, *_asked_for(tree), *_set_inside(tree)}
    for name in sorted(set(used) - granted):
        line = next((node.lineno for node in tree.find_all(nodes.Name) if node.name == name), None)
        hint = _meant_name(name, names)
        if name in _compared(tree):
            # Said first: whoever follows the other advice would compare a column with itself.
            hint = _("Is the word itself meant? Then put it in quotes: '{name}'.").format(name=name) + " " + hint
        yield Finding("unknown_name", _("The name {name} is not known.").format(name=name), hint, name, line)


def _meant_name(name: str, names: Names) -> str:
    """What somebody meant by a name that is not known: one of ours, or a heading."""
    assert names.known is not None
    same = next(
        (heading for heading in names.unread if name in (heading, name_of(heading), proposed_name(heading))), ""
    )
    if same and names.has_columns:
        return _add_column(same, names)
    near = did_you_mean(name, [*names.known, *ALWAYS])
    if near is None and (heading := did_you_mean(heading_key(name.replace("_", " ")), names.headings)) is not None:
        near = names.headings[heading]
    if name[:1].isupper() and names.has_columns and (near is None or near.casefold() != name.casefold()):
        return _or_else(near, _add_column(name.replace("_", " "), names))
    known = _("Known are: {names}").format(names=", ".join(names.known))
    return _("Did you mean {name}?").format(name=near) if near else known


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
