"""PURE: plans and runs as text for people. JSON has the same content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from engine.i18n import _, ngettext
from engine.report.problems import problem_lines
from engine.report.words import NOTHING, Line, difference_texts, rows_counted, status_style, status_word
from engine.sync.guard import HOLDS
from engine.sync.plan import ANYBODY

MAX_CHANGES = 40
MAX_REJECTED = 5
MAX_ALIKE = 10
SIGNS = {"created": "+", "updated": "~", "removed": "-", "unchanged": "="}
COUNTED = {"+": "created", "~": "updated", "-": "removed", "!": "held", "x": "failed"}


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
        title += f" · {_files(source)}: {rows_counted(source['rows'], source['selected'])}, {rejected}"
    yield "head", title


def _files(source: Mapping[str, Any]) -> str:
    """The file of a run; of several the first, and how many more there are."""
    more = len(source.get("files", ())) - 1
    if more < 1:
        return str(source["file"])
    text = ngettext("{file} and {n} more file", "{file} and {n} more files", more)
    return text.format(file=source["file"], n=more)


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
        parts = [part for name, values in change["fields"].items() for part in difference_texts(name, *values)]
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
    parts = [part for name, values in change["fields"].items() for part in difference_texts(name, values[0], values[1])]
    return style, f"  {mark} {who}  {'; '.join(parts)}".rstrip()


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
    waits = {problem["code"] for problem in report.get("problems", [])} & {*HOLDS}
    if status == "held" and plan and waits == {ANYBODY}:
        yield "", "  " + _("abgleich run {mapping}   once these rows are mended").format(mapping=report["mapping"])
    elif status == "held" and plan:
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
