"""What rows become, without a network and without the state; and the mappings' own tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from engine.config.load import Mapping as MappingFile
from engine.config.load import Project
from engine.config.names import heading_key, name_of
from engine.config.schema import AnyColumn, Fe2Connection, TestModel
from engine.i18n import _
from engine.problems import Problem, Refused, UserMustFix, did_you_mean
from engine.source.base import Scan
from engine.source.columns import MISSING, fits, layout_of
from engine.source.records import clean
from engine.state.store import Store
from engine.sync.gather import KEY
from engine.sync.reading import Reading, Row, damage_fault, open_reading
from engine.sync.record import Record
from engine.sync.script import Job, prepare, seen_by_user
from engine.sync.trace import Search, not_found, steps_of
from engine.target.base import Target
from engine.template.check import is_template, used_names
from engine.template.faults import Fault
from engine.template.kinds import NAMES, AnyKind, Items, Kind, Pairs
from engine.template.program import Rendered


def preview(
    project: Project, mapping: MappingFile, file: Path | None, limit: int | None = None
) -> Iterator[dict[str, Any]]:
    """Every row as ``preview --json`` shows it. Raises before the first row where the file or the mapping is wrong."""
    job = checked_job(project, mapping)
    with seen_by_user(mapping):
        reading = open_reading(job, file, None)
        doubled = _doubled_keys(reading)
        for row in islice(reading.each(), limit):
            yield _as_json(job, row, doubled)


def preview_person(
    project: Project, mapping: MappingFile, file: Path | None, key: str, store: Store | None
) -> list[dict[str, Any]]:
    """The rows with this key, each with ``steps``: how it became what it is, and how that differs from what was last
    sent (``store`` None: nothing was ever sent). Raises :class:`UserMustFix` where no row has the key.
    """
    job = checked_job(project, mapping)
    found, search = [], Search(key)
    with seen_by_user(mapping):
        reading = open_reading(job, file, None)
        doubled = _doubled_keys(reading)
        reading.keeps = True
        for row in reading.each():
            known = row.rendered.key or row.left_out
            if known == key:
                made = _as_json(job, row, doubled)
                found.append(made | {"steps": steps_of(job, reading, row, store, made)})
            else:
                search.pass_by(row)
    if not found:
        raise UserMustFix(not_found(job, search, reading.rows, store))
    return found


def checked_job(project: Project, mapping: MappingFile) -> Job:
    """The job of a mapping. Raises :class:`UserMustFix` with everything that keeps it from running."""
    job, problems = prepare(project, mapping)
    errors = [*project.errors_of(mapping.file), *(p for p in problems if p.severity == "error")]
    if errors:
        raise UserMustFix(*errors)
    return job


def _doubled_keys(reading: Reading) -> set[str]:
    """The keys that stand in several rows that take part: found beforehand, so that rows can be shown as they come."""
    seen: set[str] = set()
    doubled: set[str] = set()
    blocks = reading.job.blocks
    reading.job.blocks = []
    try:
        for row in reading.each():
            key = row.rendered.key
            if row.rendered.selected and row.damaged is None and key:
                (doubled if key in seen else seen).add(key)
    finally:
        reading.job.blocks = blocks
    return doubled


def _as_json(job: Job, row: Row, doubled: set[str]) -> dict[str, Any]:
    rendered = row.rendered
    problems: list[dict[str, Any]] = []
    actions: dict[str, Record | None] = {block.id: None for block in job.blocks}
    if row.damaged is not None:
        problems.append(_shown(damage_fault(row.damaged), None, None) | _place(row))
    elif rendered.selected:
        for fault in rendered.faults:
            place = _place(row, job.columns_of(fault.path))
            problems.append(_shown(fault.fault, fault.action, fault.field) | place)
        problems += [_shown(note, None, None, "warning") | _place(row) for note in rendered.notes]
        if not rendered.key and not problems:
            message = _("The key {name} is empty: this row could be anybody.").format(name=job.mapping.model.source.key)
            hint = _("Fill it in, or leave the row out with `where`.")
            problems.append(_shown(Fault("key_empty", message, hint), None, None) | _place(row, job.columns_of(KEY)))
        elif rendered.key in doubled:
            message = _("The key {key} stands in several rows.").format(key=rendered.key)
            hint = _("Which one is right? Keep one row, or join them with group_by.")
            problems.append(_shown(Fault("double_key", message, hint), None, None) | _place(row, job.columns_of(KEY)))
        told = len(problems)
        actions = dict(records(job, job.targets, rendered, problems))
        for problem in problems[told:]:
            problem |= _place(row, job.columns_of(job.path_of(problem["action"], problem["field"])))
    return {
        "row": row.number,
        "line": row.line,
        **_place(row),
        "key": rendered.key or row.left_out,
        "selected": rendered.selected and row.damaged is None,
        "actions": actions,
        "problems": problems,
    }


def _place(row: Row, columns: Sequence[str] = ()) -> dict[str, str | None]:
    return {"place": row.place(columns) or None}


def records(
    job: Job, targets: Mapping[str, Target], rendered: Rendered, problems: list[dict[str, Any]]
) -> Iterator[tuple[str, Record | None]]:
    """What each action's target would get; None where the row takes no part or is rejected."""
    for index, block in enumerate(job.blocks):
        values = rendered.values[index] if index < len(rendered.values) else None
        if values is None or rendered.fails(block.id):
            yield block.id, None
            continue
        names = [entry.name for entry in block.fields]
        record, faults = targets[block.id].record(rendered.key or "", dict(zip(names, values, strict=True)))
        problems += [_shown(f.fault, block.id, f.field, "warning" if f.warning else "error") for f in faults]
        yield block.id, record


def _shown(fault: Fault, action: str | None, field: str | None, severity: str = "error") -> dict[str, Any]:
    return {
        "severity": severity,
        "action": action,
        "field": field,
        "code": fault.code,
        "message": fault.message,
        "hint": fault.hint or None,
    }


# -- tests of mappings -----------------------------------------------------------------------------------------------


def run_tests(project: Project, mapping: MappingFile) -> Iterator[dict[str, Any]]:
    """Each test of a mapping, as ``test --json`` shows it."""
    job, problems = prepare(project, mapping)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise UserMustFix(*errors)
    targets = unprefixed(job)
    for test in mapping.tests:
        differences = list(differences_of(job, targets, test))
        yield {"mapping": mapping.id, "name": test.name, "ok": not differences, "differences": differences}


def unprefixed(job: Job) -> dict[str, Target]:
    """The targets as tests see them."""
    return {name: _without_prefix(target) for name, target in job.targets.items()}


def _without_prefix(target: Target) -> Target:
    """Tests speak of the ids of the list: the connection's prefix is not their matter."""
    connection = getattr(target, "connection", None)
    if not isinstance(connection, Fe2Connection):
        return target
    return type(target)(target.model, connection.model_copy(update={"id_prefix": ""}))  # type: ignore[attr-defined]


def differences_of(job: Job, targets: Mapping[str, Target], test: TestModel) -> Iterator[dict[str, Any]]:
    """What a test expects and does not get."""
    try:
        rendered = render_row(job, test.row)
    except Refused as error:
        for problem in error.problems:
            yield _difference(None, None, message=f"{problem.message} {problem.hint}".strip())
        return
    found: list[dict[str, Any]] = []
    if rendered.selected:
        found += [_shown(fault.fault, fault.action, fault.field) for fault in rendered.faults]
    made = dict(records(job, targets, rendered, found)) if rendered.selected else {}
    for action, expected in test.expect.items():
        rejected = [p for p in found if p["severity"] == "error" and p["action"] in (None, action)]
        got = None if rejected else made.get(action)
        if rejected:
            for reason in rejected:
                message = _("the row is rejected: {message}").format(message=reason["message"])
                yield _difference(action, reason["field"], message=message)
        elif expected is None and got is not None:
            yield _difference(action, None, message=_("the row takes part, but was expected not to"))
        elif expected is not None and got is None:
            yield _difference(action, None, message=_("the row takes no part"))
        elif isinstance(expected, dict) and got is not None:
            yield from _field_differences(job, targets[action], action, expected, got)


def _field_differences(
    job: Job, target: Target, action: str, expected: Mapping[str, Any], got: Record
) -> Iterator[dict[str, Any]]:
    for name, value in expected.items():
        kind = target.fields.get(name)
        if kind is None:
            near = did_you_mean(name, target.fields)
            hint = _("Did you mean {name}?").format(name=near) if near else ""
            message = _("{action} has no field {name}.").format(action=target.action, name=name)
            yield _difference(action, name, message=f"{message} {hint}".strip())
            continue
        try:
            wanted = _finished(kind, value)
        except Fault as fault:
            yield _difference(action, name, message=fault.message)
            continue
        found = got.get(name, "")
        if not _matches(wanted, found):
            yield _difference(action, name, wanted, found)


def _finished(kind: AnyKind, value: Any) -> Any:
    """What a test expects, in the field's own type."""
    if isinstance(kind, Items):
        entries = value if isinstance(value, list) else [value]
        return [
            {key: _finished(kind.keys[key], item) for key, item in entry.items() if key in kind.keys}
            for entry in entries
        ]
    if isinstance(kind, Pairs):
        return {key: _finished(kind.value, item) for key, item in (value or {}).items()}
    assert isinstance(kind, Kind)
    return kind.finish(list(value) if kind is NAMES and isinstance(value, list) else value)


def _matches(wanted: Any, found: Any) -> bool:
    """Equal, or for structures equal in what is named."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(_matches(value, found.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(_matches, wanted, found))
    return bool(wanted == found)


def _difference(
    action: str | None, field: str | None, expected: Any = None, got: Any = None, message: str = ""
) -> dict[str, Any]:
    return {"action": action, "field": field, "expected": expected, "got": got, "message": message or None}


def render_row(job: Job, row: Mapping[str, Any]) -> Rendered:
    """One row, given by headings or by the names of columns; what is not given is empty."""
    columns = job.options().columns
    row = _by_headings(row, job.mapping.columns or {})
    given = {heading_key(name): clean(value) for name, value in row.items()}
    headings = [*row, *(name for name in _missing_names(job, map(name_of, row)))]
    if columns is not None:
        patterns = [heading for column in columns for heading in column.patterns]
        unknown = [name for name in row if not any(fits(heading, name) for heading in patterns)]
        if unknown:
            raise Refused(*(_unknown_heading(job, name, patterns) for name in unknown))
        # Headings that are not given are empty, also those of which only the star is known.
        headings = [
            *row,
            *(heading.replace("*", "1") for heading in patterns if not any(fits(heading, name) for name in row)),
        ]
        headings = list({heading_key(heading): heading for heading in headings}.values())
    layout = layout_of(headings, columns, job.mapping.node.locate(("tests",)))
    texts = tuple("" if place == MISSING else given.get(heading_key(headings[place]), "") for place in layout.places)
    values = layout.values(texts)
    scan = replace(_scan(tuple(headings), layout.names), structured=frozenset(layout.names))
    program = job.bind(scan)
    extras = {"row": layout.raw(texts), "rows": [dict(zip(layout.names, values, strict=True))]}
    full = (*values, *(extras[name] for name in program.extras))
    reading = Reading(job, [])
    reading.scans = [scan]
    return next(iter(list(program.run([full], reading.shared()))))


def _by_headings(row: Mapping[str, Any], columns: Mapping[str, AnyColumn]) -> dict[str, Any]:
    """The row with the heading where the test says the column's name: headings may be inputs of a blueprint."""
    patterns = [heading for column in columns.values() for heading in column.patterns]
    meant = {name: column.in_tests for name, column in columns.items() if column.in_tests}
    return {
        name if any(fits(heading, name) for heading in patterns) else meant.get(name, name): value
        for name, value in row.items()
    }


def _missing_names(job: Job, given: Iterable[str]) -> Iterator[str]:
    """Without ``columns``: the names that templates use and nothing else gives, for headings not in the row."""
    model = job.mapping.model
    own = {*given, *model.variables, *job.mapping.inputs, *job.environment.globals, "row", "rows", "source", "trigger"}
    texts = [model.source.where, *model.variables.values()]
    texts += [value for block in job.blocks for value in (block.where, *(entry.value for entry in block.fields))]
    used = {name for text in _templates(texts) for name in used_names(job.environment, text)}
    yield from sorted(used - own)


def _templates(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from [value] if is_template(value) else []
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _templates(item)


def _scan(header: tuple[str, ...], names: tuple[str, ...]) -> Scan:
    from datetime import UTC, datetime

    return Scan(Path("test"), "", 1, datetime.now(UTC), header, names, 1, "utf-8", ";")


def _unknown_heading(job: Job, name: str, headings: list[str]) -> Problem:
    near = did_you_mean(name, headings)
    hint = (
        _("Did you mean {name}?").format(name=near)
        if near
        else _("Known are: {names}").format(names=", ".join(headings))
    )
    message = _("The heading {name} is not in `columns`.").format(name=name)
    return Problem("unknown_heading", message, hint, job.mapping.node.locate(("tests",)))
