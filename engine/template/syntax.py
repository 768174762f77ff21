"""What Jinja says of a text that is no template, in plain words of the project's language."""

from __future__ import annotations

import re
from collections.abc import Callable

from jinja2.exceptions import TemplateSyntaxError

from engine.i18n import _
from engine.problems import did_you_mean
from engine.template.environment import Unsuitable
from engine.template.faults import Finding

_MISSING_BEHIND = re.compile(
    r"(?:(\||==|!=|<=|>=|[-<>~+*/,=]|(?<!\{)%|(?<![\w.])(?:and|or|not|in|is|if|elif|else|for|set))\s*|([.]))[-+]?[}%]\}"
)

CHOICE = "{{ 'a' if name else 'b' }}"

Explained = tuple[str, str, str | None]


def explained(error: TemplateSyntaxError, text: str) -> Finding:
    """The finding for what Jinja says about this text."""
    if isinstance(error, Unsuitable):
        return Finding(error.fault.code, error.fault.message, error.fault.hint, error.needle, error.lineno)
    reason = str(error.message or error)
    for pattern, explain in _REASONS:
        if found := re.search(pattern, reason):
            message, hint, needle = explain(*found.groups())
            break
    else:
        message, hint, needle = _("This is not a valid template."), _compare_brackets() + f" (Jinja: {reason})", None
    missing = _missing_behind(text, error.lineno) if needle is None else None
    message, hint, needle = missing or (message, hint, needle)
    return Finding("template_syntax", message, hint, needle, error.lineno)


def _compare_brackets() -> str:
    return _("Compare the brackets and quotes: {example}.").format(example="{{ name | filter }}")


def _missing_behind(text: str, line: int) -> Explained | None:
    """What the last word before the end of a tag is waiting for."""
    lines = text.split("\n")
    found = _MISSING_BEHIND.search(lines[line - 1]) if 0 < line <= len(lines) else None
    if found is None:
        return None
    word = found[1] or found[2]
    hint = _("Write behind it what is meant, or take it away.")
    if word == "|":
        hint = _("Write a filter behind it, or take it away: {example}.").format(example="{{ name | upper }}")
    return _("Behind “{word}” something is missing.").format(word=word), hint, word


def _not_closed(tag: str) -> Explained:
    if tag == "comment":
        return _("{tag} is never ended.").format(tag="{#"), _("Write {tag} where it ends.").format(tag="#}"), "{#"
    start, end = "{% " + tag + " … %}", "{% end" + tag + " %}"
    return _("{tag} is never ended.").format(tag=start), _("Write {tag} where it ends.").format(tag=end), tag


def _cut_off(*_found: str) -> Explained:
    hint = _("Compare the brackets: every {open} needs its {close}.").format(open="{{", close="}}")
    return _("The template ends too early."), hint, None


_KNOWN_TAGS = ("if", "elif", "else", "endif", "for", "endfor", "set", "endset", "do", "with", "macro")


def _unknown_tag(tag: str) -> Explained:
    if tag in ("end", "endif", "endfor", "endset", "endmacro", "else", "elif"):
        message = _("{tag} stands alone: nothing before it is open.").format(tag="{% " + tag + " %}")
        return message, _("Remove it, or write what it belongs to before it."), tag
    near = did_you_mean(tag, _KNOWN_TAGS)
    hint = _("To show a value, write {example}.").format(example="{{ " + tag + " }}")
    hint = _("Did you mean {name}?").format(name="{% " + near + " %}") if near else hint
    return _("There is no statement {tag}.").format(tag="{% " + tag + " %}"), hint, tag


def _no_tag(*_found: str) -> Explained:
    hint = _("A statement is written like {example}; a value is shown with {other}.")
    return (
        _("Behind {open} a statement is missing.").format(open="{%"),
        hint.format(example="{% if name %}", other="{{ name }}"),
        None,
    )


def _wrong_sign(sign: str) -> Explained:
    message = _("The sign {sign} can't stand here.").format(sign=sign)
    if sign in "'\"":
        message = _("A quotation mark is opened here and never closed.")
        return message, _("Put the same mark at the end of the text."), sign
    hint = _("Is a heading meant? In templates it is written as a name, or as {example}.").format(example="row['…']")
    if sign == "?":
        hint = _("To choose between two values, write {example}.").format(example=CHOICE)
    return message, hint, sign


def _bracket(sign: str, wanted: str | None = None) -> Explained:
    if wanted:
        message = _("Before {sign} the bracket {wanted} is missing.").format(sign=sign, wanted=wanted)
        return message, _("Write {word} where it belongs.").format(word=wanted), sign
    hint = _("Compare the brackets: every one that is opened must be closed, in the right order.")
    return _("The bracket {sign} does not fit here.").format(sign=sign), hint, sign


def _leftover(word: str) -> Explained:
    kinds = {"string": _("A text in quotes"), "integer": _("A number"), "float": _("A number")}
    hint = _("Something is missing before it: a filter follows {bar}, and {join} joins texts.").format(
        bar="|", join="{{ a ~ ' ' ~ b }}"
    )
    if word in kinds:
        message = _("{what} does not fit here.").format(what=kinds[word])
        return message, _("Something is missing before it: {join} joins texts.").format(join="{{ a ~ 'b' }}"), None
    message = _("“{word}” does not fit here.").format(word=word)
    if word.casefold() in ("then", "dann", "wenn"):
        return message, _("To choose between two values, write {example}.").format(example=CHOICE), word
    if word == "=":
        return message, _("Two values are compared with {sign}.").format(sign="=="), "="
    if word in (",", ";", ":", ".", "|"):
        return message, _("Take it away, or write before it what is meant."), word
    return message, hint, word


def _nothing_there(*_found: str) -> Explained:
    hint = _("Write a name between the brackets: {example}.").format(example="{{ name }}")
    return _("Something is missing before the closing brackets."), hint, None


def _word_missing(wanted: str, *_found: str) -> Explained:
    message = _("“{word}” is missing here.").format(word=wanted)
    examples = {"in": "{% for one in rows %}", "=": "{% set x = 1 %}"}
    hint = _compare_brackets()
    if wanted in examples:
        hint = _("It is written like this: {example}.").format(example=examples[wanted])
    return message, hint, None


def _after_dot(*_found: str) -> Explained:
    hint = _("Is a heading meant? In templates it is written as a name, or as {example}.").format(example="row['…']")
    hint += " " + _("Texts are joined by {example}.").format(example="{{ a ~ ' ' ~ b }}")
    return _("Behind the dot a name is missing."), hint, None


def _call(*_found: str) -> Explained:
    message = _("The values in the brackets are in the wrong order, or one is named twice.")
    return message, _("First the plain values, then the named ones: {example}.").format(example="f(a, b=1)"), None


def _in_brackets(*_found: str) -> Explained:
    hint = _("Write a name or a number there: {example}.").format(example="row['E-Mail']")
    return _("The square brackets are empty."), hint, None


def _no_name(*_found: str) -> Explained:
    hint = _("It is written like this: {example}.").format(example="{% set x = 1 %}")
    return _("Only a name can be given a value."), hint, None


def _two_tests(*_found: str) -> Explained:
    hint = _("Join two questions by {word}: {example}.").format(
        word="and", example="{{ a is defined and b is defined }}"
    )
    return _("Behind “{word}” stands a second “{word}”.").format(word="is"), hint, None


def _backslash(*_found: str) -> Explained:
    hint = _("Write {double} where {single} itself is meant.").format(double="\\\\", single="\\")
    return _("A {sign} in a text stands before a letter it does not fit.").format(sign="\\"), hint, None


_ENDS = "end of (?:print statement|statement block|template)"
_REASONS: tuple[tuple[str, Callable[..., Explained]], ...] = (
    (
        r"innermost block that needs to be closed is '(\w+)'(?s:.*)|^Missing end of (\w+)",
        lambda a, b: _not_closed(a or b),
    ),
    (r"unknown tag '(\w+)'", _unknown_tag),
    (r"tag name expected", _no_tag),
    (r"unexpected char \"?'(.)'\"?|unexpected char \"(.)\"", lambda a, b: _wrong_sign(a or b)),
    (r"^unexpected '([)\]}])'(?:, expected '(.)')?", _bracket),
    (r"expected token '[^']*', got '([)\]}])'", _bracket),
    (r"expected token '(in|=)'", _word_missing),
    (
        rf"[Ee]xpected an expression, got '{_ENDS}'|expected token 'name', got '{_ENDS}'|unexpected '{_ENDS}'",
        _nothing_there,
    ),
    (r"[Uu]nexpected end of template|got 'end of template'", _cut_off),
    (rf"expected token '[^']*', got '{_ENDS}'", _cut_off),
    (r"got '(.+?)'|unexpected '(.+?)'", lambda a, b: _leftover(a or b)),
    (r"expected name or number", _after_dot),
    (r"expected subscript expression", _in_brackets),
    (r"function call expression|keyword argument repeated|non-default argument", _call),
    (r"[Cc]an(?:'t|not) assign to", _no_name),
    (r"chain multiple tests", _two_tests),
    (r"escape|codec", _backslash),
)
"""What Jinja and Python say, and what it means."""
