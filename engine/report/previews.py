"""PURE: tests of mappings, what rows become, and every step of one person, as text for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.i18n import _, ngettext
from engine.report.words import MAX_WIDTH, Line, difference_texts, rows_counted, shown

MAX_NAME = 40


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
                yield "", f"    {name}: {shown(value)}"
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
    parts = [rows_counted(rows, selected), _("{n} rejected").format(n=rejected)]
    if doubted:
        parts.append(ngettext("{n} with a warning", "{n} with warnings", doubted).format(n=doubted))
    return ("warn" if rejected or doubted else "good"), ", ".join(parts) + ". " + _("Nothing was sent.")


def step_lines(row: Mapping[str, Any]) -> Iterator[Line]:
    """One person with every step from the cells to the target."""
    steps = row["steps"]
    who = row.get("place") or _("line {line}").format(line=row["line"])
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
        value = _("(not in the list)") if cell["cell"] is None else shown(cell["cell"])
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
        yield "", f"{text}  → {shown(step['value'])}  ({_type_word(step)})"
        return
    yield "", f"    {step['name']}  ({_type_word(step)})"
    for name, template, value in parts:
        yield "", f"      {name:<{width - 2}}  {_written(template)}  → {shown(value)}"


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
    text = template if isinstance(template, str) else shown(template) if template is not None else ""
    line = " ".join(text.split())
    return line if len(line) <= MAX_WIDTH else line[: MAX_WIDTH - 1] + "…"


def _also_sent_lines(record: Mapping[str, Any] | None, fields: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    """What the target gets that is not just a field's value: a prefix, the key in its user field."""
    values = {step["name"]: step["value"] for step in fields}
    for name, value in (record or {}).items():
        if value not in ("", [], None) and value != values.get(name):
            yield "dim", "    " + _("is sent as {field}: {value}").format(field=name, value=shown(value))


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
        for line in difference_texts(name, before, after):
            yield style, f"      {line}"
    if outcome["loses"]:
        yield "warn", "      " + _("Takes the person out of the alarm: the guard counts it as a removal.")
