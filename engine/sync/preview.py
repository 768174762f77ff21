"""What rows become, without a network and without the state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from engine.config.load import Mapping as MappingFile
from engine.config.load import Project
from engine.i18n import _
from engine.problems import UserMustFix
from engine.state.store import Store
from engine.sync.gather import KEY, no_key
from engine.sync.reading import Reading, Row, damage_fault, open_reading
from engine.sync.record import Record
from engine.sync.script import Job, prepare, told_from_project
from engine.sync.trace import Search, not_found, steps_of
from engine.target.base import Target
from engine.template.faults import Fault
from engine.template.program import Rendered


def preview(
    project: Project, mapping: MappingFile, file: Path | None, limit: int | None = None
) -> Iterator[dict[str, Any]]:
    """Every row as ``preview --json`` shows it. Raises before the first row where the file or the mapping is wrong."""
    job = checked_job(project, mapping)
    with told_from_project(job):
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
    with told_from_project(job):
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
        problems.append(fault_as_json(damage_fault(row.damaged), None, None) | _place(row))
    elif rendered.selected:
        for fault in rendered.faults:
            place = _place(row, job.columns_of(fault.path))
            problems.append(fault_as_json(fault.fault, fault.action, fault.field) | place)
        problems += [fault_as_json(note, None, None, "warning") | _place(row) for note in rendered.notes]
        if not rendered.key and not problems:
            problems.append(fault_as_json(no_key(job), None, None) | _place(row, job.columns_of(KEY)))
        elif rendered.key in doubled:
            message = _("The key {key} stands in several rows.").format(key=rendered.key)
            hint = _("Which one is right? Keep one row, or join them with group_by.")
            problems.append(
                fault_as_json(Fault("double_key", message, hint), None, None) | _place(row, job.columns_of(KEY))
            )
        told = len(problems)
        actions = dict(records(job, job.targets, rendered, problems))
        for problem in problems[told:]:
            problem |= _place(row, job.columns_of(job.path_of(problem["action"], problem["field"])))
    return {
        "row": row.number,
        "file": row.file,
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
        problems += [fault_as_json(f.fault, block.id, f.field, "warning" if f.warning else "error") for f in faults]
        yield block.id, record


def fault_as_json(fault: Fault, action: str | None, field: str | None, severity: str = "error") -> dict[str, Any]:
    """A fault of a row, or of one action's part of it, as ``preview --json`` shows it."""
    return {
        "severity": severity,
        "action": action,
        "field": field,
        "code": fault.code,
        "message": fault.message,
        "hint": fault.hint or None,
    }
