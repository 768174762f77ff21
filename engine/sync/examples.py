"""What is wrong with the ``tests:`` of a mapping before they are run: headings, actions, fields that do not exist."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from engine.config.emit import scalar
from engine.config.load import Mapping
from engine.config.names import heading_key, proposed_name
from engine.config.node import Node
from engine.config.parse import unknown_key
from engine.config.words import meant
from engine.i18n import _
from engine.problems import Location, Path, Problem, did_you_mean
from engine.source.columns import fits
from engine.target import HIDDEN, TARGETS, target_class
from engine.target.base import Target

_NUMBERED = re.compile(r"_\d+$")


def action_meant(word: str, known: Collection[str]) -> str | None:
    """The action that was probably meant: ``fe2.abgleich`` and ``FE2`` begin like one."""
    begins = (name for name in known if word.casefold().startswith(name.partition(".")[0].casefold()))
    return meant(word, known) or next(begins, None)


def offered() -> list[str]:
    """The kinds of actions that people are told of."""
    return [name for name in TARGETS if name not in HIDDEN]


def unread_headings(mapping: Mapping) -> list[str]:
    """The headings that tests have and ``columns:`` has not."""
    return [stray.heading for stray in _strays(mapping).values()]


def check_examples(mapping: Mapping) -> Iterator[Problem]:
    """The headings of the rows, and the actions and fields that are expected, exist."""
    for stray in _strays(mapping).values():
        yield from _heading_problems(mapping, stray)
    yield from _several_rows(mapping)
    yield from _expectations(mapping)


def _several_rows(mapping: Mapping) -> Iterator[Problem]:
    """Several rows make a person only where the mapping joins them."""
    for index in range(_count(mapping)):
        if len(_row_paths(mapping, index)) > 1 and mapping.model.source.group_by is None:
            message = _("A test speaks of one person; these rows are several.")
            hint = _("Make a test of each. Rows are joined where the mapping has `group_by`.")
            yield Problem("several_persons", message, hint, mapping.node.locate(("tests", index, "row")))


# -- headings --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Stray:
    """A heading that no column has, and the tests in whose rows it stands."""

    heading: str
    tests: list[int]


def _strays(mapping: Mapping) -> dict[str, _Stray]:
    if mapping.columns is None or mapping.node.is_broken(("source", "columns")):
        return {}
    patterns = _patterns(mapping)
    names = {name for name, column in mapping.columns.items() if column.in_tests}
    strays: dict[str, _Stray] = {}
    for index, row in enumerate(_rows(mapping)):
        for heading in row:
            if heading not in names and not any(fits(known, heading) for known in patterns):
                strays.setdefault(heading_key(heading), _Stray(heading, [])).tests.append(index)
    return strays


def _patterns(mapping: Mapping) -> list[str]:
    return [heading for column in (mapping.columns or {}).values() for heading in column.patterns]


def _rows(mapping: Mapping) -> list[list[str]]:
    """The headings of each test, of all its rows."""
    return [
        [*dict.fromkeys(key for path in _row_paths(mapping, index) for key in _keys(mapping, path))]
        for index in range(_count(mapping))
    ]


def _row_paths(mapping: Mapping, index: int) -> list[Path]:
    """Where the rows of a test stand: under ``row``, or there in a list."""
    path: Path = ("tests", index, "row")
    node = mapping.node.find(path)
    listed = node.value if node is not None and isinstance(node.value, list) else None
    return [path] if listed is None else [(*path, number) for number in range(len(listed))]


def _count(mapping: Mapping) -> int:
    listed = mapping.node.get("tests")
    return len(listed.value) if listed is not None and isinstance(listed.value, list) else 0


def _keys(mapping: Mapping, path: Path) -> list[str]:
    node = mapping.node.find(path)
    return list(node.value) if node is not None and isinstance(node.value, dict) else []


def _heading_problems(mapping: Mapping, stray: _Stray) -> Iterator[Problem]:
    """Who is wrong where a heading is nearly that of a column: the column, or the test?

    The test, where others have the heading of the column; else the column, where its name says so or several tests do.
    """
    places = [_place(mapping, index, stray) for index in stray.tests]
    near = did_you_mean(stray.heading, _patterns(mapping)) or did_you_mean(stray.heading, mapping.columns or {})
    if near is None:
        yield _not_listed(stray, places)
        return
    found = _column_with(mapping, near)
    agreeing = sum(any(fits(near, heading) for heading in row) for row in _rows(mapping))
    if found is None or agreeing:
        for index in stray.tests:
            yield _misspelled(mapping, stray, index, near, found[1] if found else None, is_sure=bool(agreeing))
        return
    name, at = found
    is_name = proposed_name(stray.heading) == name != proposed_name(near)
    if not is_name and len(stray.tests) == 1:
        yield _misspelled(mapping, stray, stray.tests[0], near, at, is_sure=False)
        return
    message = _(
        "Here stands the heading “{columns}”, in the tests “{tests}” (line {lines}): one of the two is misspelled."
    )
    hint = _("Look into the list. Is it “{tests}” there? Then write here: {line}. Else correct the tests.")
    yield Problem(
        "unknown_heading",
        message.format(columns=near, tests=stray.heading, lines=_lines(places)),
        hint.format(tests=stray.heading, line=f"`{name}: {scalar(stray.heading)}`"),
        at,
    )


def _misspelled(mapping: Mapping, stray: _Stray, index: int, near: str, at: Location | None, is_sure: bool) -> Problem:
    path = _place(mapping, index, stray).path
    problem = unknown_key(str(path[-1]), [near], mapping.node, path)
    message = _("The heading {name} is not in `columns`.").format(name=path[-1])
    hint = _("Did you mean {name}?").format(name=near)
    if at is not None and not is_sure:
        message = _("Here stands the heading “{tests}”, in line {line} “{columns}”: one of the two is misspelled.")
        message = message.format(tests=path[-1], columns=near, line=at.line)
        hint = _("Look into the list, and write it the same way in both places.")
    fixes = problem.fixes if is_sure else ()
    return replace(problem, code="unknown_heading", message=message, hint=hint, fixes=fixes)


def _not_listed(stray: _Stray, places: list[Location]) -> Problem:
    message = _("The heading {name} is not in `columns`.").format(name=stray.heading)
    if len(places) > 1:
        message += " " + _("It also stands in line {lines}.").format(lines=_lines(places[1:]))
    line = f"`{proposed_name(stray.heading)}: {scalar(stray.heading)}`"
    hint = _("To have it read, add the line {line} under `columns:`; else take it out of the tests.").format(line=line)
    return Problem("unknown_heading", message, hint, places[0])


def _lines(places: list[Location]) -> str:
    return ", ".join(dict.fromkeys(str(at.line) for at in places))


def _place(mapping: Mapping, index: int, stray: _Stray) -> Location:
    places = ((path, key) for path in _row_paths(mapping, index) for key in _keys(mapping, path))
    path, key = next(place for place in places if heading_key(place[1]) == heading_key(stray.heading))
    return mapping.node.locate_key((*path, key))


def _column_with(mapping: Mapping, heading: str) -> tuple[str, Location] | None:
    """The name of the column with this heading, and where the heading stands."""
    for name in _keys(mapping, ("source", "columns")):
        path: Path = ("source", "columns", name)
        entry = mapping.node.find(path)
        found = next((node for node in entry.walk() if node.value == heading), None) if entry is not None else None
        if found is not None:
            return name, replace(found.at, path=path)
    return None


# -- what is expected ------------------------------------------------------------------------------------------------


def _expectations(mapping: Mapping) -> Iterator[Problem]:
    kinds = dict(_kinds(mapping))
    for index in range(_count(mapping)):
        yield from _nothing_expected(mapping, ("tests", index, "expect"))
        for word in _keys(mapping, ("tests", index, "expect")):
            path: Path = ("tests", index, "expect", word)
            plain = _NUMBERED.sub("", word)
            kind = kinds.get(word) or (kinds.get(plain) if plain in _mistaken(mapping) else None)
            if kind is not None:
                yield from _fields(mapping, kind, path)
            elif mapping.actions and word not in kinds and not _may_follow(mapping, plain):
                yield _unknown_action(mapping.node, word, list(kinds), path)


def _nothing_expected(mapping: Mapping, path: Path) -> Iterator[Problem]:
    node = mapping.node.find(path)
    if node is None or node.value or not isinstance(node.value, dict | None) or mapping.node.is_broken(path):
        return
    word = mapping.actions[0].id if mapping.actions else offered()[0]
    message = _("This test expects nothing: it would always pass.")
    hint = _("Write what a field becomes: {line}. To say that the row is not sent: {other}.")
    field = next(iter(mapping.actions[0].model.fields), "…") if mapping.actions else "…"
    lines = {"line": f"`expect: {{{word}: {{{field}: …}}}}`", "other": f"`expect: {{{word}: null}}`"}
    yield Problem("nothing_expected", message, hint.format(**lines), mapping.node.locate(path))


def _kinds(mapping: Mapping) -> Iterator[tuple[str, type[Target] | None]]:
    """What tests may name: the actions by id; for one of an unknown kind, the kind that was probably meant."""
    mistaken = _mistaken(mapping)
    for action in mapping.actions:
        if action.model.action in TARGETS:
            yield action.id, target_class(action.model.action)
        elif action.model.id == action.id:
            yield action.id, None
    yield from ((kind, target_class(kind)) for kind in mistaken if kind)


def _mistaken(mapping: Mapping) -> set[str]:
    """What was meant by the actions of unknown kinds; "" where nobody knows."""
    words = [action.model.action for action in mapping.actions if action.model.action not in TARGETS]
    return {action_meant(word, offered()) or "" if word else "" for word in words}


def _may_follow(mapping: Mapping, word: str) -> bool:
    """Whether an action is unknown only because the mapping misspells it, in a way that nobody can guess."""
    named = {action.model.action for action in mapping.actions}
    return word in named or ("" in _mistaken(mapping) and word in TARGETS)


def _fields(mapping: Mapping, kind: type[Target], path: Path) -> Iterator[Problem]:
    for name in _keys(mapping, path):
        if name not in kind.fields:
            problem = unknown_key(name, list(kind.fields), mapping.node, (*path, name))
            message = _("{action} has no field {name}.").format(action=kind.action, name=name)
            yield replace(problem, code="unknown_field", message=message)


def _unknown_action(node: Node, word: str, known: list[str], path: Path) -> Problem:
    problem = unknown_key(word, known, node, path)
    near = action_meant(word, known)
    message = _("The mapping has no action {name}.").format(name=word)
    hint = (
        _("Did you mean {name}?").format(name=near) if near else _("Known are: {names}").format(names=", ".join(known))
    )
    return replace(problem, message=message, hint=hint)
