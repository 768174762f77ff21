"""PURE: what is going on, as text for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.i18n import _, ngettext
from engine.report.problems import problem_lines
from engine.report.words import Line, status_style, status_word

MOST_UNCLAIMED = 10


def status_lines(status: Mapping[str, Any]) -> Iterator[Line]:
    """The engine, then everything that wants somebody's attention before what is in order."""
    yield from _engine_lines(status["engine"])
    yield "head", _("Mappings")
    for mapping in status["mappings"]:
        yield from _mapping_lines(mapping)
    if not status["mappings"]:
        yield "dim", "  " + _("none")
    waiting = [drop for drop in status["drops"] if drop["state"] not in ("done", "superseded")]
    if waiting:
        yield "head", _("Dropped files")
    for drop in waiting:
        text = f"  {drop['path']} · {drop['mapping']}: {drop_word(drop['state'])} " + _since(drop["since"])
        yield _drop_style(drop["state"]), text
        yield from (("", f"    {line}") for line in (drop["reason"] or "").split("\n") if line)
    for lone in status["unclaimed"][:MOST_UNCLAIMED]:
        yield "warn", "  " + _("{path}: no mapping takes this file, its name fits no path.").format(path=lone["path"])
        line = f'abgleich new "{lone["path"]}" --to fe2'
        yield "", "    " + _("A mapping for it: {line} (or greyhound). Or give it a name that fits.").format(line=line)
        yield "", "    " + _("Taken here: {patterns}").format(patterns=_some(lone["patterns"]))
    if len(status["unclaimed"]) > MOST_UNCLAIMED:
        count = len(status["unclaimed"]) - MOST_UNCLAIMED
        text = ngettext(
            "… and {count} more file that no mapping takes.", "… and {count} more files that no mapping takes.", count
        )
        yield "warn", "  " + text.format(count=count) + " " + _("`abgleich status --json` names all of them.")
    done = sum(1 for drop in status["drops"] if drop["state"] == "done")
    if done:
        yield "dim", ngettext("{n} file is done.", "{n} files are done.", done).format(n=done)
    yield "head", _("Connections")
    for connection in status["connections"]:
        yield _connection_line(connection)
    for people in status["unattended"]:
        text = ngettext(
            "{connection}: {count} person of {mapping} stays as last sent, nobody looks after them.",
            "{connection}: {count} persons of {mapping} stay as last sent, nobody looks after them.",
            people["persons"],
        )
        yield "warn", text.format(connection=people["connection"], count=people["persons"], mapping=people["mapping"])
        for plan in people["plans"]:
            text = _("Plan {plan} waits: abgleich approve {plan}, or abgleich reject {plan}")
            yield "warn", "    " + text.format(plan=plan)
    for problem in status["problems"]:
        yield from problem_lines(problem, lambda _file, _line: None)


def _some(names: Sequence[str]) -> str:
    """The first few of them, and how many more there are."""
    more = len(names) - MOST_UNCLAIMED
    text = ", ".join(names[:MOST_UNCLAIMED])
    return text + " " + ngettext("and {n} more", "and {n} more", more).format(n=more) if more > 0 else text


def _engine_lines(engine: Mapping[str, Any]) -> Iterator[Line]:
    if not engine["alive"]:
        yield "warn", _("The engine is not running: nothing happens by itself. `abgleich start` starts it.")
    for process in engine["processes"]:
        text = _("The engine is at work: process {pid} on {host}").format(pid=process["pid"], host=process["host"])
        yield "good", f"{text} {_since(process['since'])}"


def _mapping_lines(mapping: Mapping[str, Any]) -> Iterator[Line]:
    last = _("never run") if mapping["status"] == "never" else status_word(mapping["status"])
    good = mapping["last_good"]
    parts = [last, _("last good run {when}").format(when=_moment(good)) if good else _("no good run yet")]
    if mapping["next"]:
        parts.append(_("next {when}").format(when=_moment(mapping["next"])))
    if mapping["enabled"] is False:
        parts = [_("switched off")]
    style = "" if mapping["status"] == "never" else status_style(mapping["status"])
    yield style, f"  {mapping['id']}: {', '.join(parts)}"
    if mapping["unread"]:
        text = _("{file} is newer than the last run, and nothing reads it by itself: the mapping has no triggers.")
        if mapping["enabled"] is False:
            text = _("{file} waits, and nothing reads it. `enabled: true` switches the mapping on.")
        yield "warn", "    " + text.format(file=mapping["unread"], mapping=mapping["id"])
    if mapping["stale"]:
        words = {
            "nothing": _("The mapping has mistakes and does not run:"),
            "last good version": _("The newest version has mistakes; the last good one runs:"),
        }
        yield "warn", "    " + words.get(mapping["runs"], words["nothing"])
        for problem in mapping["problems"][:1]:
            yield "", f"      {problem['file']}:{problem['line']}: {problem['message']}"
        yield "", "      " + _("`abgleich check` shows everything.")
    if mapping["overdue"]:
        yield "warn", "    " + _("Overdue: no good run for longer than expected.")
    for plan in mapping["held"]:
        text = _("Plan {plan} waits: abgleich approve {plan}, or abgleich reject {plan}")
        if plan in mapping["outdated"]:
            text = _("Plan {plan} is out of date, the mapping or a connection was changed: abgleich run {mapping}")
        yield "warn", "    " + text.format(plan=plan, mapping=mapping["id"])


def _connection_line(connection: Mapping[str, Any]) -> Line:
    success = connection["last_success"]
    when = _("last success {when}").format(when=_moment(success)) if success else _("nothing was sent yet")
    text = f"  {connection['id']} ({connection['type']}): {when}"
    if connection["state"] == "unknown":
        return "warn", text + ", " + _("what it holds is not known: the next run sends everything")
    return "", text


def drop_word(state: str) -> str:
    """A drop's state for people."""
    words = {
        "seen": _("seen"),
        "settling": _("is still being written, or rests"),
        "complete": _("complete"),
        "queued": _("waits for its run"),
        "running": _("is being run"),
        "done": _("done"),
        "held": _("held"),
        "refused": _("refused"),
        "failed": _("failed, is tried again"),
        "superseded": _("superseded"),
    }
    return words.get(state, state)


def _drop_style(state: str) -> str:
    return "bad" if state in ("refused", "failed") else "warn" if state == "held" else "dim"


def _since(moment: str | None) -> str:
    return _("since {when}").format(when=_moment(moment))


def _moment(moment: str | None) -> str:
    return moment[:16].replace("T", " ") if moment else "–"
