"""PURE: what people write in templates who know another language: German words, signs of Excel and of other programs.

Words in quotes are never touched. Whether the result is a template is for the caller to find out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from engine.problems import did_you_mean

_OPERATORS = {
    "oder": "or",
    "und": "and",
    "nicht": "not",
    "wenn": "if",
    "falls": "if",
    "sonst": "else",
    "andernfalls": "else",
    "ansonsten": "else",
    "ist": "is",
    "aus": "in",
    "gleich": "==",
    "ungleich": "!=",
    "größer": ">",
    "kleiner": "<",
    "&&": "and",
    "&": "and",
    "||": "or",
    "!": "not",
    "===": "==",
    "!==": "!=",
    "<>": "!=",
    **dict.fromkeys("„“”‚‘’»«", "'"),
}
_IN_CAPITALS = {word.upper(): word for word in ("and", "or", "not", "if", "else", "in", "is")}
_STATEMENTS = {
    "wenn": "if",
    "falls": "if",
    "sonst": "else",
    "andernfalls": "else",
    "ansonsten": "else",
    "elseif": "elif",
    "elsif": "elif",
    "sonstwenn": "elif",
    "endwenn": "endif",
    "endewenn": "endif",
    "wennende": "endif",
    "für": "for",
    "fuer": "for",
    "foreach": "for",
    "endfür": "endfor",
    "endfuer": "endfor",
    "setze": "set",
    **{word: word for word in ("if", "elif", "else", "endif", "for", "endfor", "set", "endset")},
}
_TWO_WORDS = {("else", "if"): "elif", ("end", "if"): "endif", ("end", "for"): "endfor"}
_ENDS = ("end", "ende")
_THEN = ("dann", "then")

_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_TOKEN = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\w+|===|!==|&&|\|\||<>|==|!=|<=|>=|\s+|.", re.DOTALL)
_ARGUMENT = re.compile(r"(\|\s*\w+)(?:\s*:\s*|\s+)('[^']*'|\"[^\"]*\")(?=\s*(?:\||$))")
_TESTS = (
    *("defined", "undefined", "none", "None", "string", "number", "integer", "float", "boolean", "true", "false"),
    *("True", "False", "even", "odd", "divisibleby", "lower", "upper", "in", "eq", "ne", "lt", "gt", "le", "ge"),
    *("sameas", "mapping", "iterable", "sequence", "callable", "filter", "test", "equalto", "valid", "escaped"),
)
"""What may stand behind Jinja's ``is``."""


@dataclass(slots=True)
class Rewritten:
    """The text in the words of Jinja; ``instead`` has for what was written what it is there."""

    text: str
    instead: dict[str, str] = field(default_factory=dict)


def in_own_words(text: str, names: Collection[str] = ()) -> Rewritten | None:
    """The template with the words of Jinja for those of others; None where there is none. ``names`` are no words."""
    made = Rewritten("")
    at, opened = 0, list[str]()
    for tag in _TAG.finditer(text):
        made.text += text[at : tag.start()] + _tag(tag[0], names, made.instead, opened)
        at = tag.end()
    made.text += text[at:]
    return made if made.instead else None


def _tag(tag: str, names: Collection[str], instead: dict[str, str], opened: list[str]) -> str:
    """One tag. ``opened`` are the statements that are open before it, and behind it."""
    inner = tag[2:-2]
    left, right = inner[: inner[:1] in "-+" and 1], inner[len(inner) - (inner[-1:] in "-+") :] if inner else ""
    tokens = _TOKEN.findall(inner[len(left) : len(inner) - len(right)])
    words = [number for number, word in enumerate(tokens) if word.strip()]
    if not words:
        return tag
    begin, end = tag[:2], tag[-2:]
    chosen = _inline_if(tokens, names, instead) if begin == "{{" else None
    if chosen is not None:
        return "{{" + left + " " + chosen + " " + right + "}}"
    statement = _statement(tokens, words, opened, begin == "{%", names, instead)
    if statement is not None:
        begin, end = "{%", "%}"
    body = "".join(_operators(tokens, names, instead, is_assigning=statement in ("set", "with")))
    made = _ARGUMENT.sub(r"\1(\2)", body)
    if made != body:
        found = _ARGUMENT.search(body)
        assert found is not None
        instead[found[0].strip()] = f"{found[1]}({found[2]})"
    return begin + left + made + right + end


def _statement(
    tokens: list[str],
    words: list[int],
    opened: list[str],
    is_tag: bool,
    names: Collection[str],
    instead: dict[str, str],
) -> str | None:
    """The statement that a tag is, its word put right in ``tokens``; None for what is shown."""
    first, second = tokens[words[0]], tokens[words[1]] if len(words) > 1 else ""
    if not is_tag and (first in names or second[:1] in (".", "(", "[", "|")):
        return None
    plain = _STATEMENTS.get(first.casefold(), first.casefold())
    pair = ("end" if plain in _ENDS else plain, _STATEMENTS.get(second.casefold(), ""))
    wanted, written = plain, first
    if pair in _TWO_WORDS:
        wanted, written = _TWO_WORDS[pair], f"{first} {second}"
        tokens[words[0] + 1 : words[1] + 1] = []
    elif plain in _ENDS:
        wanted = f"end{opened[-1]}" if opened else "endif"
    elif plain not in _STATEMENTS:
        return None
    tokens[words[0]] = wanted
    if wanted.startswith("end") and opened:
        opened.pop()
    elif wanted in ("if", "for"):
        opened.append(wanted)
    if not is_tag:
        instead["{{ " + written + " … }}" if len(words) > 1 else "{{ " + written + " }}"] = (
            "{% " + wanted + " … %}" if len(words) > 1 else "{% " + wanted + " %}"
        )
    elif written != wanted:
        instead[written] = wanted
    return wanted


def _operators(tokens: list[str], names: Collection[str], instead: dict[str, str], is_assigning: bool) -> Iterator[str]:
    """The tokens with the operators of Jinja; a single ``=`` compares, but for where it names a value of a call."""
    brackets: list[bool] = []
    before = ""
    tokens = [*_comparisons(tokens, names, instead)]
    for number, word in enumerate(tokens):
        if word in ("(", "[", "{"):
            brackets.append(
                word == "(" and (before[-1:].isalnum() or before[-1:] in ("_", ")", "]")) and before not in _CODE
            )
        elif word in (")", "]", "}") and brackets:
            brackets.pop()
        meant = _operator(word, before, names)
        if word == "=" and not is_assigning and not (brackets and brackets[-1]):
            meant = "=="
        if word == ";" and brackets:
            meant = ","
        if meant is None or meant == word:
            yield word
        else:
            instead[word] = meant
            follows = tokens[number + 1] if number + 1 < len(tokens) else ""
            yield f"{meant} " if meant == "not" and follows.strip() else meant
        before = (meant or word) if word.strip() else before


def _comparisons(words: list[str], names: Collection[str], instead: dict[str, str]) -> Iterator[str]:
    """The words with ``==`` and ``!=`` for ``ist 'x'``, ``ist nicht 'x'``, ``ist gleich x``, ``ist aktiv``."""
    at = 0
    while at < len(words):
        places = [number for number in range(at, min(at + 5, len(words))) if words[number].strip()][:3]
        found = _comparison([words[number] for number in places], names) if words[at].strip() else None
        if found is None:
            yield words[at]
            at += 1
            continue
        count, meant = found
        last = places[count - 1]
        instead["".join(words[at : last + 1])] = meant
        yield meant
        at = last + 1


def _comparison(words: list[str], names: Collection[str]) -> tuple[int, str] | None:
    """How many of the words say a comparison, and what it is: Jinja's ``is`` asks for a kind of value instead."""
    plain = [_operator(word, "", names) or word for word in words]
    if plain[:1] != ["is"] or len(plain) < 2:
        return None
    if plain[1] in ("==", "!="):
        return 2, plain[1]
    count, sign = (2, "!=") if plain[1] == "not" else (1, "==")
    if len(plain) <= count:
        return None
    value = words[count]
    if value[0] in "'\"0123456789„“":
        return count, sign
    if value.casefold() == "leer" and value not in names:
        return count + 1, f"{sign} ''"
    if not value.isidentifier() or did_you_mean(value, _TESTS) or _operator(value, "", names):
        return None
    return count + 1, f"{sign} {value}" if value in names else f"{sign} '{value}'"


_CODE = frozenset({"and", "or", "not", "if", "else", "in", "is", "elif"})


def _operator(word: str, before: str, names: Collection[str]) -> str | None:
    if word in names or before == ".":
        return None
    return _OPERATORS.get(word.casefold()) or _IN_CAPITALS.get(word)


def _inline_if(tokens: list[str], names: Collection[str], instead: dict[str, str]) -> str | None:
    """``wenn a dann b sonst c`` and ``WENN(a; b; c)`` as ``b if a else c``; None where it is neither."""
    words = [word for word in tokens if word.strip()]
    if words[0] in names or _STATEMENTS.get(words[0].casefold()) != "if":
        return None
    if len(words) > 2 and words[1] == "(" and words[-1] == ")":
        start, end = tokens.index("("), len(tokens) - 1 - tokens[::-1].index(")")
        parts = [*_parts(tokens[start + 1 : end], (",", ";"))]
        written = f"{words[0]}(…)"
    else:
        behind = tokens[tokens.index(words[0]) + 1 :]
        if not any(word.casefold() in _THEN for word in behind):
            return None
        parts = [*_parts(behind, (*_THEN, "sonst", "else", "andernfalls", "ansonsten"))]
        written = f"{words[0]} … {next(word for word in behind if word.casefold() in _THEN)} …"
    if len(parts) not in (2, 3):
        return None
    inner = ["".join(_operators(part, names, {}, is_assigning=False)).strip() for part in parts]
    instead[written] = "… if … else …" if len(parts) == 3 else "… if …"
    return f"{inner[1]} if {inner[0]}" + (f" else {inner[2]}" if len(inner) == 3 else "")


def _parts(tokens: list[str], at: Collection[str]) -> Iterator[list[str]]:
    """The tokens between those that part them, outside of brackets."""
    depth, part = 0, list[str]()
    for word in tokens:
        depth += (word in ("(", "[", "{")) - (word in (")", "]", "}"))
        if not depth and word.casefold() in at:
            yield part
            part = []
        else:
            part.append(word)
    yield part
