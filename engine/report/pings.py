"""PURE: what servers answered, as text for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.i18n import _, ngettext
from engine.report.problems import problem_lines
from engine.report.words import Line

if TYPE_CHECKING:
    from engine.config.schema import Connection

MAX_NAME = 40


def ping_head(name: str, connection: Connection | None) -> Line:
    """Which connection is reached."""
    parts = [name] if connection is None else [name, connection.type.upper(), connection.url]
    return "head", " · ".join(parts)


def ping_lines(pinged: Mapping[str, Any], line_of: Callable[[str, int], str | None]) -> Iterator[Line]:
    """What became of reaching one connection: its answer, what to do, what was sent over it, and what it has."""
    yield _ping_answer(pinged)
    for problem in pinged["problems"]:
        yield from problem_lines(problem, line_of)
    for note in pinged["notes"]:
        yield "", f"  {note}"
    if pinged["status"] is not None:
        yield from _sent_lines(pinged)
    yield from _user_field_lines(pinged["user_fields"])
    yield from _group_lines(pinged["groups"])


def ping_summary(good: int, count: int) -> Line:
    """How many were reached."""
    text = ngettext(
        "{good} of {count} connections is in order.", "{good} of {count} connections are in order.", good
    ).format(good=good, count=count)
    return ("good" if good == count else "bad"), text


def _ping_answer(pinged: Mapping[str, Any]) -> Line:
    words = {
        "reached": ("good", "✓", _("reached")),
        "doubtful": ("warn", "?", _("somebody answers, but it is not clear who")),
        "refused": ("bad", "✗", _("reached, but the login is refused")),
        "unreachable": ("bad", "✗", _("not reached")),
        None: ("bad", "✗", _("not tried: its settings in configuration.yaml are not right")),
    }
    style, sign, word = words[pinged["status"]]
    if style == "good" and not pinged["ok"]:
        style, sign, word = "bad", "✗", _("reached, but the settings are not right")
    version = ", " + _("version {version}").format(version=pinged["version"]) if pinged["version"] else ""
    return style, f"  {sign} {word}{version}"


def _sent_lines(pinged: Mapping[str, Any]) -> Iterator[Line]:
    success, persons = pinged["last_success"], pinged["persons"]
    if success is None and not persons:
        yield "dim", "  " + _("Nothing was sent over it yet.")
    else:
        when = success[:16].replace("T", " ") if success is not None else "–"
        yield "dim", "  " + _("Last success: {when}. Persons last sent: {count}.").format(when=when, count=persons)
    if pinged["certain"] is True:
        yield "dim", "  " + _("What FE2 holds is known.")
    elif pinged["certain"] is False:
        yield "warn", "  " + _("What FE2 holds is not known for certain: the next run sends everything.")


def _user_field_lines(fields: Sequence[Mapping[str, Any]] | None) -> Iterator[Line]:
    if fields is None:
        return
    usable = [field for field in fields if field["usable"]]
    others = [field for field in fields if not field["usable"]]
    yield "", "  " + _("User fields for contacts:") + ("" if usable else " " + _("none"))
    for text in _table([(field["id"], field["name"], f"match: {{user_field: {field['id']}}}") for field in usable]):
        yield "", text
    if others:
        yield "dim", "  " + _("User fields that can't be used for contacts:")
    for text in _table([(field["id"], field["name"], field["reason"]) for field in others]):
        yield "dim", text


def _group_lines(groups: Sequence[Mapping[str, Any]] | None) -> Iterator[Line]:
    if groups is None:
        return
    yield "", "  " + _("Groups:") + ("" if groups else " " + _("none"))
    for text in _table([(group["id"], group["path"], f"GroupRef: {group['id']}") for group in groups]):
        yield "", text


def _table(rows: Sequence[tuple[int, str, str]]) -> Iterator[str]:
    """Number, name and what to write or know, each below the other."""
    shown = [(str(number), " ".join(name.split()) or "–", text) for number, name, text in rows]
    first = max((len(number) for number, _name, _text in shown), default=0)
    second = max((min(len(name), MAX_NAME) for _number, name, _text in shown), default=0)
    for number, name, text in shown:
        yield f"    {number:>{first}}  {name:<{second}}  {text}"
