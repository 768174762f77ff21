"""PURE: problems, plans, runs and tests as text for people. JSON has the same content, see the records' ``as_json``."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.config.lines import masked
from engine.config.text import split
from engine.i18n import _, ngettext
from engine.problems import Problem

if TYPE_CHECKING:
    from engine.config.schema import Connection
    from engine.explain.base import Explanation

MAX_CHANGES = 40
MAX_REJECTED = 5
MAX_ALIKE = 10
MAX_WIDTH = 60
MAX_NAME = 40
MOST_UNCLAIMED = 10
NOTHING = "–"
SIGNS = {"created": "+", "updated": "~", "removed": "-", "unchanged": "="}
COUNTED = {"+": "created", "~": "updated", "-": "removed", "!": "held", "x": "failed"}

Line = tuple[str, str]
"""(style, text): ``good``, ``bad``, ``warn``, ``dim``, ``add``, ``change``, ``remove``, ``head`` or nothing."""


def status_word(status: str) -> str:
    """A status for people."""
    words = {
        "planned": _("planned"),
        "done": _("done"),
        "unchanged": _("unchanged"),
        "skipped": _("skipped"),
        "partial": _("partly done"),
        "held": _("held: waits for an approval"),
        "refused": _("refused: nothing was written"),
        "failed": _("failed"),
        "running": _("running or cut off"),
    }
    return words.get(status, status)


def status_style(status: str) -> str:
    """How a status is shown."""
    return {"failed": "bad", "refused": "bad", "held": "warn", "partial": "warn", "skipped": "dim"}.get(status, "good")


# -- problems --------------------------------------------------------------------------------------------------------


def problem_lines(problem: Mapping[str, Any], line_of: Callable[[str, int], str | None]) -> Iterator[Line]:
    """A problem with its place, the user's own line with a caret, and what to do."""
    place = ":".join(str(problem[name]) for name in ("file", "line", "column") if problem.get(name) is not None)
    style = "warn" if problem["severity"] == "warning" else "bad"
    word = _("warning") if problem["severity"] == "warning" else _("error")
    if place:
        yield "head", place
    yield style, f"  {word} [{problem['code']}] {problem['message'] or ''}".rstrip()
    for number, line in enumerate(pointed_at(problem, line_of)):
        yield "dim" if not number else style, f"    {line}"
    if problem.get("hint"):
        yield "", f"  → {problem['hint']}"
    used = problem.get("used_by")
    if used:
        yield "dim", "  " + _("used in {place}").format(place=used)


def pointed_at(problem: Mapping[str, Any], line_of: Callable[[str, int], str | None]) -> list[str]:
    """The user's own line, and below it a caret under the place; nothing where it is not shown."""
    shown = line_of(problem["file"], problem["line"]) if problem.get("file") and problem.get("line") else None
    if shown is None:
        return []
    column = problem.get("column")
    return [shown, " " * (column - 1) + "^"] if column and column <= len(shown) + 1 else [shown]


def problem_as_shown(
    problem: Problem, line_of: Callable[[str, int], str | None] | None = None, effect: str = ""
) -> dict[str, Any]:
    """A problem's JSON with what a console shows beside it, where there is such a thing.

    ``effect``: what did not happen. ``shown``: the user's own line and the caret. ``used_by``: the line that uses the
    blueprint it stands in.
    """
    shown = problem.as_json()
    if effect:
        shown["effect"] = effect
    if line_of is not None and (lines := pointed_at(shown, line_of)):
        shown["shown"] = "\n".join(lines)
    if problem.used_by is not None:
        shown["used_by"] = str(problem.used_by)
    return shown


def problems_lines(
    problems: Iterable[Problem], line_of: Callable[[str, int], str | None], effects: Mapping[str, str]
) -> Iterator[Line]:
    """Problems in the order given; before the first error of a file what does not happen because of it."""
    said: set[str] = set()
    for problem in problems:
        effect = effects.get(problem.at.file or "", "") if problem.severity == "error" else ""
        if effect and effect not in said:
            yield "bad", effect
            said.add(effect)
        yield from problem_lines(problem_as_shown(problem), line_of)


def reason_text(problem: Problem, line_of: Callable[[str, int], str | None]) -> str:
    """Why a list was not taken, for a file beside it: the place and the line in a mapping where there is one."""
    shown = problem.as_json()
    if problem.at.line is None:
        return f"{problem.message} {problem.hint}".strip()
    lines = [str(problem.at), problem.message, *(f"    {line}" for line in pointed_at(shown, line_of))]
    return "\n".join([*lines, *([f"→ {problem.hint}"] if problem.hint else [])])


def problems_summary(problems: Iterable[Problem]) -> Line:
    """How many there are."""
    listed = list(problems)
    errors = sum(1 for problem in listed if problem.severity == "error")
    warnings = len(listed) - errors
    if not listed:
        return "good", _("Everything is in order.")
    count = ngettext("{n} error", "{n} errors", errors).format(n=errors)
    more = ngettext("{n} warning", "{n} warnings", warnings).format(n=warnings)
    return ("bad" if errors else "warn"), f"{count}, {more}"


def fixable_line(count: int) -> Iterator[Line]:
    """How many of the problems `--fix` puts right, where it can do anything."""
    if count:
        text = ngettext("`abgleich check --fix` mends {n} of them.", "`abgleich check --fix` mends {n} of them.", count)
        yield "", "→ " + text.format(n=count)


def fixed_lines(diffs: Iterable[tuple[str, str, str]], mended: int, left: int) -> Iterator[Line]:
    """What was mended, as a diff of every file (name, before, after), and what is left to do by hand."""
    styles = {"+": "add", "-": "remove", "@": "dim"}
    for file, before, after in diffs:
        lines = difflib.unified_diff(split(before), split(after), file, file, n=1, lineterm="")
        for number, line in enumerate(lines):
            if number < 2:
                yield "head", line
            else:
                yield styles.get(line[:1], ""), line if line[:1] == "@" else line[:1] + masked(file, line[1:])
    if mended:
        yield "good", ngettext("{n} mistake was mended.", "{n} mistakes were mended.", mended).format(n=mended)
    elif left:
        yield "", _("Nothing could be mended for certain.")
    if left:
        yield "head", _("Left to do by hand:")


def explanation_lines(explained: Mapping[str, Explanation], whole: bool) -> Iterator[Line]:
    """Codes with their meaning, one a line; or ``whole``, with example and cure."""
    width = max((len(code) for code in explained), default=0)
    for code, one in explained.items():
        if not whole:
            yield "", f"{code:<{width}}  {one.meaning}"
            continue
        yield "head", code
        yield "", f"  {one.meaning}"
        yield "dim", "  " + _("Example:")
        yield from (("bad", f"    {line}") for line in one.example.split("\n"))
        yield "", f"  → {one.cure}"
        yield from (("good", f"    {line}") for line in one.right.split("\n") if line)


# -- runs ------------------------------------------------------------------------------------------------------------


def no_line(_file: str, _line: int) -> None:
    """For where the files of a problem are not at hand, or have changed since."""


def run_lines(
    report: Mapping[str, Any],
    most: int | None = MAX_CHANGES,
    line_of: Callable[[str, int], str | None] = no_line,
) -> Iterator[Line]:
    """A run or a plan: what the list gave, every action as a diff, who was rejected, what waits and what to do now.

    At the most ``most`` changes of an action are shown, None for all. ``line_of`` gives the user's own lines.
    """
    yield from _source_lines(report)
    if report["status"] in ("refused", "skipped"):
        yield "bad" if report["status"] == "refused" else "warn", _("Nothing was written.")
    actions, run = report.get("actions", []), report.get("run") or ""
    for action in actions:
        yield from action_lines(action, most, run)
    yield from _signs_line(
        {sign for action in actions for change in action["changes"][:most] for sign in _signs(change)}
    )
    yield from _rejected_lines(report.get("rejected", []), most is None, run)
    yield from _problems_of_run(report.get("problems", []), most is None, line_of, run)
    yield from _ending_lines(report)


def _problems_of_run(
    problems: Sequence[Mapping[str, Any]], everything: bool, line_of: Callable[[str, int], str | None], run: str
) -> Iterator[Line]:
    """What is to be said; where many persons have the same, the first few and how many there are."""
    counts = Counter(problem["code"] for problem in problems)
    shown: Counter[str] = Counter()
    for problem in problems:
        code = problem["code"]
        shown[code] += 1
        if everything or shown[code] <= MAX_ALIKE:
            yield from problem_lines(problem, line_of)
        elif shown[code] == counts[code]:
            more = counts[code] - MAX_ALIKE
            text = ngettext("… and {n} more of the kind [{code}]", "… and {n} more of the kind [{code}]", more)
            yield "dim", text.format(n=more, code=code) + _in_full(run)


def _source_lines(report: Mapping[str, Any]) -> Iterator[Line]:
    title = " · ".join(str(part) for part in (report.get("run"), report["mapping"]) if part)
    source = report.get("source")
    if source and source.get("rows") is not None:
        rejected = _("{n} rejected").format(n=source["rejected"])
        title += f" · {source['file']}: {_rows_counted(source['rows'], source['selected'])}, {rejected}"
    yield "head", title


def _rows_counted(rows: int, selected: int) -> str:
    """How many rows there are, and how many of them take part."""
    every = ngettext("{n} row", "{n} rows", rows).format(n=rows)
    part = ngettext("{n} takes part", "{n} take part", selected).format(n=selected)
    return f"{every}, {part}"


def action_lines(action: Mapping[str, Any], most: int | None = MAX_CHANGES, run: str = "") -> Iterator[Line]:
    """One action as a diff: ``+`` new, ``~`` changed, ``-`` gone, ``=`` unchanged; ``!`` waits, ``x`` failed.

    ``run``: the number of the run that has all of it on record, where there is one.
    """
    yield "", f"{action['id']} → {action['connection']}: {status_word(action['status'])}"
    changes = action["changes"]
    shown = changes[:most]
    for change in shown:
        yield _change_line(change)
    if len(changes) > len(shown):
        more = len(changes) - len(shown)
        text = ngettext("… and {n} more change", "… and {n} more changes", more).format(n=more)
        yield "dim", f"  {text}{_in_full(run)}"
    yield "dim", "  = " + (counted(action) or _("nobody"))


def _in_full(run: str) -> str:
    """How to see what was cut."""
    return ": " + _("`abgleich show {run}` lists them all").format(run=run) if run else ""


def _signs(change: Mapping[str, Any]) -> Iterator[str]:
    """The signs that a change is shown with."""
    kind = SIGNS.get(change["kind"], "")
    yield from ("!" if change.get("held") else "x" if change.get("failed") else "", kind)
    if change["kind"] == "updated":
        parts = [part for name, values in change["fields"].items() for part in _difference(name, *values)]
        yield NOTHING if any(NOTHING in part.split() for part in parts) else ""


def _signs_line(signs: Collection[str]) -> Iterator[Line]:
    """What signs mean, those that occur only."""
    words = {
        "+": _("new"),
        "~": _("changed"),
        "-": _("removed"),
        "=": _("unchanged"),
        "!": _("held"),
        "x": _("failed"),
        NOTHING: _("empty"),
    }
    meant = [f"{sign} {word}" for sign, word in words.items() if sign in signs]
    if meant:
        yield "dim", "  " + _("Signs: {signs}").format(signs=", ".join(meant))


def counted(action: Mapping[str, Any]) -> str:
    """What became of an action in numbers; nothing where there are none."""
    counts = [
        (_("{n} new"), action["created"]),
        (_("{n} changed"), action["updated"]),
        (_("{n} removed"), action["removed"]),
        (_("{n} unchanged"), action["unchanged"]),
        (_("{n} rejected"), action["rejected"]),
        (_("{n} held"), action["held"]),
        (_("{n} failed"), action["failed"]),
    ]
    return ", ".join(text.format(n=count) for text, count in counts if count)


def _change_line(change: Mapping[str, Any]) -> Line:
    kind = SIGNS.get(change["kind"], "?")
    sign = "!" if change.get("held") else "x" if change.get("failed") else kind
    mark = sign if sign == kind else f"{sign}{kind}"
    who = " ".join(part for part in (change["key"], change.get("name") or "") if part)
    style = {"+": "add", "~": "change", "-": "remove", "!": "warn", "x": "bad"}.get(sign, "")
    if change["kind"] != "updated":
        return style, f"  {mark} {who}"
    parts = [part for name, values in change["fields"].items() for part in _difference(name, values[0], values[1])]
    return style, f"  {mark} {who}  {'; '.join(parts)}".rstrip()


def _difference(name: str, before: Any, after: Any) -> Iterator[str]:
    """What differs in one field: of lists only what came and went, of keys and values only the keys that differ."""
    if isinstance(before, dict) or isinstance(after, dict):
        old, new = before or {}, after or {}
        for key in {**old, **new}:
            if old.get(key) != new.get(key):
                yield from _difference(f"{name}.{key}", old.get(key), new.get(key))
    elif isinstance(before, list) and isinstance(after, list) and before and after:
        gone = [f"−{_shown(item)}" for item in before if item not in after]
        come = [f"+{_shown(item)}" for item in after if item not in before]
        yield f"{name}: " + (", ".join([*gone, *come]) or _("another order"))
    else:
        yield f"{name}: {_shown(before)} → {_shown(after)}"


def _shown(value: Any) -> str:
    if value is None or value == "" or value == []:
        return NOTHING
    if isinstance(value, list):
        text = ", ".join(_shown(item) for item in value)
    elif isinstance(value, dict):
        # What people wrote; the numbers beside it say of which kind it is.
        text = " ".join(_shown(item) for item in value.values() if isinstance(item, str) and item) or NOTHING
    else:
        text = str(value)
    return text if len(text) <= MAX_WIDTH else text[: MAX_WIDTH - 1] + "…"


def _rejected_lines(rejected: list[Mapping[str, Any]], everything: bool, run: str) -> Iterator[Line]:
    """Rows by reason: the first few of each, and how many there are."""
    if not rejected:
        return
    yield "warn", _("Rejected rows (whoever they are stays as last sent):")
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for entry in rejected:
        groups.setdefault((entry["action"], entry["field"], entry["code"]), []).append(entry)
    for entries in groups.values():
        shown = entries if everything else entries[:MAX_REJECTED]
        for entry in shown:
            yield "warn", _rejected_line(entry)
        if entries[0].get("hint"):
            yield "", f"    → {entries[0]['hint']}"
        if len(entries) > len(shown):
            more = len(entries) - len(shown)
            text = ngettext("… and {n} more for this reason", "… and {n} more for this reason", more)
            yield "dim", "    " + text.format(n=more) + _in_full(run)


def _rejected_line(entry: Mapping[str, Any]) -> str:
    place = entry.get("place") or _("line {line}").format(line=entry["line"])
    if entry["key"]:
        place += ", " + _("key {key}").format(key=entry["key"])
    field = ".".join(part for part in (entry["action"], entry["field"]) if part)
    return f"  {place}{', ' + field if field else ''}: {entry['message'] or entry['code']}"


def _ending_lines(report: Mapping[str, Any]) -> Iterator[Line]:
    status = report["status"]
    yield status_style(status), _("Result: {status}").format(status=status_word(status))
    plan = report.get("plan")
    if status == "held" and plan:
        yield "", "  " + _("abgleich approve {plan}   carries it out").format(plan=plan)
        yield "", "  " + _("abgleich reject {plan}    drops it").format(plan=plan)
    elif status == "planned" and plan:
        yield "", "  " + _("abgleich apply {plan}   carries it out").format(plan=plan)
    elif status == "failed" and report.get("source"):
        yield "", "  " + _("abgleich run {mapping}   tries it again").format(mapping=report["mapping"])


def runs_lines(runs: Sequence[Mapping[str, Any]], more: int = 0, mapping: str = "") -> Iterator[Line]:
    """Runs, one a line, and what the signs in them mean; ``more`` are not shown, all of one ``mapping``."""
    numbers = [_count_signs(run["counts"]) for run in runs]
    widths = [max((len(text) for text in column), default=0) for column in zip(*map(_run_cells, runs), strict=True)]
    width = max(map(len, numbers), default=0)
    for run, number in zip(runs, numbers, strict=True):
        cells = "  ".join(f"{text:<{wide}}" for text, wide in zip(_run_cells(run), widths, strict=True))
        yield status_style(run["status"]), f"{cells}  {number:<{width}}  {status_word(run['status'])}"
    yield from _signs_line({sign for run in runs for sign, name in COUNTED.items() if run["counts"][name]})
    if more:
        text = ngettext("… and {n} older run: {line}", "… and {n} older runs: {line}", more)
        words = ["abgleich runs", *([mapping] if mapping else []), f"--limit {len(runs) + more}"]
        yield "dim", "  " + text.format(n=more, line=" ".join(words))


def _run_cells(run: Mapping[str, Any]) -> tuple[str, str, str]:
    """Number, time and mapping; the day where the number does not tell it."""
    day, _blank, time = run["started"].partition(" ")
    return run["run"], time if run["run"].startswith(day) else run["started"], run["mapping"]


def _count_signs(counts: Mapping[str, int]) -> str:
    return " ".join(f"{sign}{counts[name]}" for sign, name in COUNTED.items() if counts[name])


# -- what is going on ------------------------------------------------------------------------------------------------


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
        text = _("{file} waits, and nothing reads it: the mapping has no triggers. Now: abgleich run {mapping}")
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


# -- tests and previews ----------------------------------------------------------------------------------------------


def test_lines(result: Mapping[str, Any]) -> Iterator[Line]:
    """What the tests of mappings said."""
    for test in result["tests"]:
        yield ("good" if test["ok"] else "bad"), f"{'✓' if test['ok'] else '✗'} {test['mapping']}: {test['name']}"
        for difference in test["differences"]:
            field = ".".join(str(part) for part in (difference["action"], difference["field"]) if part)
            if difference.get("message"):
                yield "", f"    {field}: {difference['message']}" if field else f"    {difference['message']}"
            else:
                yield from _unmet_lines(field, difference["expected"], difference["got"])
    yield (
        ("good" if result["ok"] else "bad"),
        _("{passed} passed, {failed} failed").format(passed=result["passed"], failed=result["failed"]),
    )


def _unmet_lines(field: str, expected: Any, got: Any) -> Iterator[Line]:
    """What a field should be and what it is; of lists what is missing and what is too much."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for name, value in expected.items():
            if value != got.get(name):
                yield from _unmet_lines(f"{field}.{name}", value, got.get(name))
    elif isinstance(expected, list) and isinstance(got, list) and any(isinstance(one, dict) for one in expected):
        if len(expected) != len(got):
            text = ngettext(
                "{field}: {expected} entry expected, {got} there",
                "{field}: {expected} entries expected, {got} there",
                len(expected),
            )
            yield "bad", "    " + text.format(field=field, expected=len(expected), got=len(got))
        for number, (one, other) in enumerate(zip(expected, got, strict=False), 1):
            yield from _unmet_lines(f"{field}[{number}]", one, other)
    elif isinstance(expected, list) and isinstance(got, list) and expected and got:
        yield "bad", f"    {field}:"
        missing, more = [one for one in expected if one not in got], [one for one in got if one not in expected]
        if missing:
            yield "remove", "      " + _("missing: {items}").format(items=", ".join(map(_quoted, missing)))
        if more:
            yield "add", "      " + _("too much: {items}").format(items=", ".join(map(_quoted, more)))
        if not missing and not more:
            yield (
                "",
                "      "
                + _("the same in another order: expected {items}").format(items=", ".join(map(_quoted, expected))),
            )
    else:
        yield "bad", f"    {field}:"
        yield "remove", "      " + _("expected: {value}").format(value=_quoted(expected))
        yield "add", "      " + _("got:      {value}").format(value=_quoted(got))


def _quoted(value: Any) -> str:
    if value is None or value in ("", []):
        return _("nothing")
    if isinstance(value, list):
        return ", ".join(map(_quoted, value))
    return _("“{text}”").format(text=value) if isinstance(value, str) else str(value)


def preview_lines(row: Mapping[str, Any]) -> Iterator[Line]:
    """What one row becomes."""
    who = row.get("place") or _("line {line}").format(line=row["line"])
    if row["key"]:
        who += ", " + _("key {key}").format(key=row["key"])
    if not row["selected"] and not row["problems"]:
        yield "dim", f"{who}: " + _("does not take part: `where` leaves the row out")
        return
    yield "head", who
    for action, fields in row["actions"].items():
        if fields is None:
            rejected = any(p["severity"] == "error" and p["action"] in (None, action) for p in row["problems"])
            text = _("does not take part")
            if rejected:
                text = _("rejected: nothing is sent of this row; whoever was sent before stays as last sent")
            yield "warn" if rejected else "dim", f"  {action}: {text}"
            continue
        yield "", f"  {action}"
        for name, value in fields.items():
            if value not in ("", [], None):
                yield "", f"    {name}: {_shown(value)}"
            elif name == "alarmGroups":
                yield "warn", f"    {name}: – " + _("(would not be alarmed)")
    for problem in row["problems"]:
        where = f" ({problem['place']})" if problem.get("place") and problem["place"] != row.get("place") else ""
        yield "warn", f"  [{problem['code']}] {problem['message']}{where}"
        if problem.get("hint"):
            yield "", f"  → {problem['hint']}"


def is_rejected(row: Mapping[str, Any]) -> bool:
    """Whether a row of a preview is rejected, for any action."""
    return any(problem["severity"] == "error" for problem in row["problems"])


def preview_summary(rows: int, selected: int, rejected: int, doubted: int) -> Line:
    """How many rows were looked at, how many of them are rejected, and how many only bring a warning."""
    parts = [_rows_counted(rows, selected), _("{n} rejected").format(n=rejected)]
    if doubted:
        parts.append(ngettext("{n} with a warning", "{n} with warnings", doubted).format(n=doubted))
    return ("warn" if rejected or doubted else "good"), ", ".join(parts) + ". " + _("Nothing was sent.")


def step_lines(row: Mapping[str, Any]) -> Iterator[Line]:
    """One person with every step from the cells to the target."""
    steps = row["steps"]
    who = _("line {line}").format(line=row["line"])
    if row["key"]:
        who += ", " + _("key {key}").format(key=row["key"])
    yield "head", who
    yield from _cell_lines(steps)
    if steps["where"] is not None:
        yield "", "  " + _("Takes part? (`where` of the source)")
        yield _condition_line(steps["where"])
    if steps["variables"]:
        yield "", "  " + _("Variables")
    width = _name_width([*steps["variables"], *(f for action in steps["actions"].values() for f in action["fields"])])
    for step in steps["variables"]:
        yield from _step_lines(step, width)
    for action, found in steps["actions"].items():
        yield "", f"  {action} → {found['connection']}"
        if found["where"] is not None:
            yield _condition_line(found["where"])
        for step in found["fields"]:
            yield from _step_lines(step, width)
        yield from _also_sent_lines(row["actions"].get(action), found["fields"])
        yield from _outcome_lines(found["outcome"])
    for problem in row["problems"]:
        yield "warn", f"  [{problem['code']}] {problem['message']}"
        if problem.get("hint"):
            yield "", f"  → {problem['hint']}"


def _cell_lines(steps: Mapping[str, Any]) -> Iterator[Line]:
    if steps["cells"]:
        yield "", "  " + _("Cells of the list, and the column each gives")
    width = min(max((len(cell["heading"]) for cell in steps["cells"]), default=0), MAX_NAME)
    for cell in steps["cells"]:
        value = _("(not in the list)") if cell["cell"] is None else _shown(cell["cell"])
        text = f"    {cell['heading']:<{width}}  {value}"
        yield ("", f"{text}  → {cell['column']}") if cell["taken"] else ("dim", text)
    if steps.get("joined"):
        more = steps["joined"]
        text = ngettext(
            "{n} more row of this person is joined with it.", "{n} more rows of this person are joined with it.", more
        )
        yield "dim", "    " + text.format(n=more)


def _condition_line(step: Mapping[str, Any]) -> Line:
    if step["message"]:
        return "warn", f"    {_written(step['template'])}  → {step['message']}"
    answer = _("yes") if step["value"] else _("no: the row does not take part")
    return ("" if step["value"] else "warn"), f"    {_written(step['template'])}  → {answer}"


def _name_width(steps: Sequence[Mapping[str, Any]]) -> int:
    return min(max((len(step["name"]) for step in steps), default=0), MAX_NAME)


def _step_lines(step: Mapping[str, Any], width: int) -> Iterator[Line]:
    text = f"    {step['name']:<{width}}  {_written(step['template'])}"
    if step["message"]:
        yield "bad", f"{text}  → {step['message']}"
        if step["hint"]:
            yield "", f"      → {step['hint']}"
        return
    parts = [*_parts(step["template"], step["value"])]
    if not parts:
        yield "", f"{text}  → {_shown(step['value'])}  ({_type_word(step)})"
        return
    yield "", f"    {step['name']}  ({_type_word(step)})"
    for name, template, value in parts:
        yield "", f"      {name:<{width - 2}}  {_written(template)}  → {_shown(value)}"


def _parts(template: Any, value: Any) -> Iterator[tuple[str, Any, Any]]:
    """The entries of a field that holds several, each with what the mapping says about it."""
    if isinstance(template, dict) and isinstance(value, dict):
        yield from ((name, template.get(name), item) for name, item in value.items())
    elif isinstance(template, list) and isinstance(value, list) and any(isinstance(item, dict) for item in template):
        yield from ((str(n), one, item) for n, (one, item) in enumerate(zip(template, value, strict=False), 1))


def _type_word(step: Mapping[str, Any]) -> str:
    value = step["value"]
    if step["type"] == "list" and not value:
        return _("empty list")
    if step["type"] == "list":
        return ngettext("list of {n}", "list of {n}", len(value)).format(n=len(value))
    if step["type"] == "text" and not value:
        return _("empty text")
    words = {
        "text": _("text"),
        "number": _("number"),
        "truth": _("truth value"),
        "mapping": _("keys and values"),
        "nothing": _("nothing"),
    }
    return words.get(step["type"], str(step["type"]))


def _written(template: Any) -> str:
    """What stands in the mapping, on one line."""
    text = template if isinstance(template, str) else _shown(template) if template is not None else ""
    shown = " ".join(text.split())
    return shown if len(shown) <= MAX_WIDTH else shown[: MAX_WIDTH - 1] + "…"


def _also_sent_lines(record: Mapping[str, Any] | None, fields: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    """What the target gets that is not just a field's value: a prefix, the key in its user field."""
    values = {step["name"]: step["value"] for step in fields}
    for name, value in (record or {}).items():
        if value not in ("", [], None) and value != values.get(name):
            yield "dim", "    " + _("is sent as {field}: {value}").format(field=name, value=_shown(value))


def _outcome_lines(outcome: Mapping[str, Any]) -> Iterator[Line]:
    words = {
        "created": ("add", _("new: was not sent from here yet")),
        "updated": ("change", _("differs from what was last sent:")),
        "unchanged": ("good", _("the same as last sent")),
        "removed": ("remove", _("takes no part, but was sent before: would be removed")),
        "kept": ("", _("takes no part, but was sent before: stays as last sent (removal: keep)")),
        "rejected": ("bad", _("rejected: nothing is sent of this row; whoever was sent before stays as last sent")),
        "none": ("dim", _("takes no part, and was not sent before")),
    }
    style, text = words[outcome["status"]]
    yield style, f"    = {text}"
    if outcome["reason"]:
        yield "bad", f"      {outcome['reason']}"
    for name, (before, after) in outcome["changes"].items():
        for line in _difference(name, before, after):
            yield style, f"      {line}"
    if outcome["loses"]:
        yield "warn", "      " + _("Takes the person out of the alarm: the guard counts it as a removal.")


# -- pings -----------------------------------------------------------------------------------------------------------


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
