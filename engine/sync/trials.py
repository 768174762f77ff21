"""The ``tests:`` of a mapping: what rows become, and how that differs from what is expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.config.load import Mapping as MappingFile
from engine.config.load import Project
from engine.config.names import heading_key, name_of
from engine.config.schema import AnyColumn, Fe2Connection, TestModel
from engine.i18n import _
from engine.problems import Problem, Refused, UserMustFix, did_you_mean
from engine.source.base import CHUNK_ROWS, Chunk, Column, Scan
from engine.source.columns import MISSING, fits, layout_of
from engine.source.records import clean
from engine.sync.gather import no_key
from engine.sync.preview import fault_as_json, records
from engine.sync.reading import Reading
from engine.sync.record import Record
from engine.sync.script import Job, prepare
from engine.target.base import Target
from engine.template.check import is_template, used_names
from engine.template.faults import Fault
from engine.template.kinds import NAMES, AnyKind, Items, Kind, Pairs
from engine.template.program import Rendered


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
        rendered = render_rows(job, test.row)
    except Refused as error:
        for problem in error.problems:
            yield _difference(None, None, message=f"{problem.message} {problem.hint}".strip())
        return
    found: list[dict[str, Any]] = []
    if rendered.selected:
        found += [fault_as_json(fault.fault, fault.action, fault.field) for fault in rendered.faults]
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


def render_rows(job: Job, rows: Sequence[Mapping[str, Any]]) -> Rendered:
    """The rows of one person, given by headings or by the names of columns; what is not given is empty.

    They go the way of a list. Raises :class:`Refused` where they are not one person, or a heading is not the list's.
    """
    given = _Given(job, rows)
    reading = Reading(job, [given])
    reading.scans = [given.scan()]
    made = [row.rendered for row in reading.each()]
    at = job.mapping.node.locate(("tests",))
    found = [rendered for rendered in made if rendered.selected] or made[:1]
    if len(found) > 1:
        message = _("A test speaks of one person; these rows are several.")
        hint = _("Write the same key into each row. Rows are joined where the mapping has `group_by`.")
        raise Refused(Problem("several_persons", message, hint, at))
    if found[0].selected and not found[0].key and job.mapping.model.source.group_by is not None:
        raise Refused(Problem("key_empty", no_key(job).message, _("Write the key into the row of the test."), at))
    return found[0]


class _Given:
    """Rows of a test as a source."""

    def __init__(self, job: Job, rows: Sequence[Mapping[str, Any]]) -> None:
        self.job = job
        self.rows = [_by_headings(row, job.mapping.columns or {}) for row in rows]
        columns = job.options().columns
        self.headings = self._headings(columns)
        self.layout = layout_of(self.headings, columns, job.mapping.node.locate(("tests",)))

    def _headings(self, columns: Sequence[Column] | None) -> list[str]:
        """All that are given, and those that the mapping wants besides: they are empty."""
        given = list({heading_key(name): name for row in self.rows for name in row}.values())
        if columns is None:
            return [*given, *_missing_names(self.job, map(name_of, given))]
        patterns = [heading for column in columns for heading in column.patterns]
        unknown = [name for name in given if not any(fits(heading, name) for heading in patterns)]
        if unknown:
            raise Refused(*(_unknown_heading(self.job, name, patterns) for name in unknown))
        # Of some only the star is known.
        missing = [pattern for pattern in patterns if not any(fits(pattern, name) for name in given)]
        headings = [*given, *(pattern.replace("*", "1") for pattern in missing)]
        return list({heading_key(heading): heading for heading in headings}.values())

    def scan(self) -> Scan:
        """As if it were a file of just these rows."""
        names = self.layout.names
        now = datetime.now(UTC)
        count = len(self.rows)
        return Scan(Path("test"), "", count, now, tuple(self.headings), names, 1, structured=frozenset(names))

    def chunks(self, size: int = CHUNK_ROWS, raw: bool = False) -> Iterator[Chunk]:
        """All rows at once."""
        chunk = Chunk(raw=[] if raw else None)
        for number, row in enumerate(self.rows, 1):
            given = {heading_key(name): clean(value) for name, value in row.items()}
            cells = tuple(
                "" if place == MISSING else given.get(heading_key(self.headings[place]), "")
                for place in self.layout.places
            )
            chunk.rows.append(self.layout.values(cells))
            chunk.numbers.append(number)
            chunk.lines.append(number + 1)
            if chunk.raw is not None:
                chunk.raw.append(self.layout.raw(cells))
        yield chunk


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


def _unknown_heading(job: Job, name: str, headings: list[str]) -> Problem:
    near = did_you_mean(name, headings)
    hint = (
        _("Did you mean {name}?").format(name=near)
        if near
        else _("Known are: {names}").format(names=", ".join(headings))
    )
    message = _("The heading {name} is not in `columns`.").format(name=name)
    return Problem("unknown_heading", message, hint, job.mapping.node.locate(("tests",)))
