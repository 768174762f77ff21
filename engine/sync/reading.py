"""From files to rendered rows: scan, contract, conditions, row program. Streams; holds one chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.config.schema import TemplateCondition, TimeCondition
from engine.config.values import WEEKDAYS
from engine.i18n import _, ngettext
from engine.problems import Location, Problem, Refused, UserMustFix
from engine.source import REMOTES, SOURCES
from engine.source.base import LAST_ROWS, Chunk, Damaged, Scan, Source, Value
from engine.source.columns import Cells, is_empty, written_name
from engine.source.files import chosen, refuse_unfinished, source_type, wait_until_settled
from engine.sync.headings import is_footer, is_person
from engine.sync.record import digest
from engine.sync.script import Job
from engine.template.environment import explain
from engine.template.faults import Fault
from engine.template.program import LEFT_OUT, Program, Rendered, holds

_SHOWN_CELLS = 3


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """``source`` in templates."""

    file: str
    path: str
    modified: datetime
    rows: int


@dataclass(frozen=True, slots=True)
class TriggerFacts:
    """``trigger`` in templates; ``trigger`` is manual for a run typed by hand."""

    trigger: str = "manual"
    path: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a row was made of, for those who ask about one person: the ``cells`` by heading, what was ``given`` to the
    program, and the cells of further rows that were joined with it.
    """

    program: Program
    given: tuple[Any, ...]
    cells: dict[str, Value]
    joined: tuple[dict[str, Value], ...] = ()


@dataclass(slots=True)
class Row:
    """A row of the list: rendered, or damaged with what may be its key.

    ``left_out`` is the key of a row that ``where`` leaves out: for people who look for it. ``several``: the list is
    made of several files, so that a place must say which.
    """

    number: int
    line: int
    file: str
    rendered: Rendered
    damaged: Damaged | None = None
    left_out: str | None = None
    scan: Scan | None = None
    kept: Kept | None = None
    several: bool = False

    def place(self, columns: Sequence[str] = ()) -> str:
        """Where the values of some columns stand, or the row: ``Personal.xlsx, sheet Aktive, F17``.

        "" where the line says enough: in the only file of a list that is text.
        """
        where = self.scan.place(self.line, columns) if self.scan is not None else ""
        if self.several:
            return f"{self.file}, {where or _('line {line}').format(line=self.line)}"
        return f"{_file_name(self.scan)}, {where}" if self.scan is not None and where else ""


@dataclass(frozen=True, slots=True)
class _Member:
    """A row that is one of several of a person."""

    values: tuple[Value, ...]
    raw: dict[str, Value]
    number: int
    line: int
    file: str
    scan: Scan


class Reading:
    """The list of one run: one file, or several that make one list."""

    def __init__(self, job: Job, sources: list[Source], trigger: TriggerFacts = TriggerFacts()) -> None:
        self.job = job
        self.trigger = trigger
        self.sources = sources
        self.scans: list[Scan] = []
        self.keeps = False
        """Whether rows remember what they were made of."""

    def scan(self) -> None:
        """Look over all files. Raises :class:`Refused` where one breaks the contract: then there is no plan."""
        self.scans = [source.scan() for source in self.sources]
        minimum = self.job.mapping.model.source.expect.min_rows
        if self.rows < minimum:
            message = ngettext(
                "{file} has {rows} row; at least {minimum} are expected.",
                "{file} has {rows} rows; at least {minimum} are expected.",
                self.rows,
            ).format(file=self.name, rows=self.rows, minimum=minimum)
            hint = _("Is the file complete? min_rows in the mapping says how many must be there.")
            raise Refused(Problem("min_rows", message, hint, Location(self.name)))

    @property
    def rows(self) -> int:
        """Rows of all files: damaged ones count, blank ones do not; a footer only where it is a person."""
        return sum(scan.rows + len(self._missed(scan)) for scan in self.scans)

    @property
    def name(self) -> str:
        """The file as the user knows it; of several the first."""
        return self._name_of(self.scans[0]) if self.scans else ""

    @property
    def names(self) -> list[str]:
        """All files as the user knows them."""
        return list(map(self._name_of, self.scans))

    @property
    def sha256(self) -> str:
        """The hash of the content; of several files one over all."""
        hashes = [scan.sha256 for scan in self.scans]
        return hashes[0] if len(hashes) == 1 else digest(hashes)

    def _name_of(self, scan: Scan) -> str:
        root, path = self.job.project.root, scan.file
        if path is None:
            return scan.name
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)

    def shared(self) -> dict[str, Any]:
        """The names that every row shares."""
        first = self.scans[0]
        path = str(first.file) if first.file is not None else first.name
        facts = SourceFacts(_file_name(first), path, first.modified.astimezone(self.job.zone), self.rows)
        return {**self.job.mapping.inputs, "source": facts, "trigger": self.trigger}

    def unmet_condition(self, now: datetime) -> str | None:
        """Why the run must be skipped: the first condition that does not hold; None if all do."""
        for condition, path in self.job.mapping.conditions:
            if isinstance(condition, TimeCondition):
                if not _time_holds(condition, now):
                    return _("It is {now}: outside of the time the mapping allows.").format(now=_shown(now))
            elif isinstance(condition, TemplateCondition):
                try:
                    met = holds(self.job.environment, condition.value_template, self.shared())
                except Exception as error:
                    fault = explain(error)
                    raise UserMustFix(
                        Problem(fault.code, fault.message, fault.hint, self.job.mapping.node.locate(path))
                    ) from None
                if not met:
                    return _("The condition does not hold: {text}").format(text=condition.value_template)
        return None

    def each(self) -> Iterator[Row]:
        """Every row, damaged ones included, in order. Raises :class:`Refused` where the header lacks a name."""
        rows = self._grouped() if self.job.mapping.model.source.group_by is not None else self._single()
        several = len(self.scans) > 1
        for row in rows:
            row.several = several
            yield row

    def _single(self) -> Iterator[Row]:
        """Each row is a person."""
        offset = 0
        for source, scan in zip(self.sources, self.scans, strict=True):
            program = self.job.bind(scan)
            file = self._name_of(scan)
            key = self.job.key_name(scan.names)
            column = scan.names.index(key) if key in scan.names else None
            for chunk in source.chunks(raw=self.keeps or "row" in program.extras):
                given = _with_extras(program, chunk)
                rendered = program.run(given, self.shared())
                for place, (number, line, made) in enumerate(zip(chunk.numbers, chunk.lines, rendered, strict=True)):
                    left_out = chunk.rows[place][column] if not made.selected and column is not None else None
                    left_out = left_out if isinstance(left_out, str) else None
                    kept = Kept(program, given[place], chunk.raw[place]) if self.keeps and chunk.raw else None
                    if number > scan.rows - LAST_ROWS:
                        made = _doubted(made, chunk.rows[place])
                    yield Row(number + offset, line, file, made, None, left_out, scan, kept)
                yield from (self._damaged(one, scan, offset, file) for one in chunk.damaged)
            missed = self._missed(scan)
            yield from (self._damaged(one, scan, offset, file) for one in missed)
            offset += scan.rows + len(missed)

    def _damaged(self, damaged: Damaged, scan: Scan, offset: int, file: str) -> Row:
        if damaged.nobody:
            made, reason = (LEFT_OUT, None) if self._leaves_out(damaged, scan) else (Rendered(True), damaged)
            return Row(damaged.number + offset, damaged.line, file, made, reason, scan=scan)
        key_name = self.job.key_name(scan.names)
        key = None
        if damaged.values is not None and key_name in scan.names:
            value = damaged.values[scan.names.index(key_name)]
            key = value if isinstance(value, str) and value else None
        return Row(damaged.number + offset, damaged.line, file, Rendered(True, key), damaged, scan=scan)

    def _leaves_out(self, headings: Damaged, scan: Scan) -> bool:
        """Whether ``where`` leaves a row out that only repeats the headings: then nothing is said about it."""
        where = self.job.mapping.model.source.where
        if where is None or headings.values is None:
            return False
        values = dict(zip(scan.names, headings.values, strict=True))
        row = Cells((heading, heading) for heading in scan.header if heading)
        names = {**self.shared(), **values, "row": row, "rows": [values]}
        try:
            return not holds(self.job.environment, where, names)
        except Exception:  # what `where` can't tell of a person it can't tell of headings
            return False
        finally:
            self.job.environment.recorder.discard()

    def _missed(self, scan: Scan) -> list[Damaged]:
        """The rows that ``skip_footer`` leaves out and that look like persons: an export may have no footer once."""
        key_name = self.job.key_name(scan.names)
        column = scan.names.index(key_name) if key_name in scan.names else None
        before = [*map(_cells, scan.last)]
        found: list[Damaged] = []
        for line, values in scan.footer:
            cells = _cells(values)
            # A key that is computed can't be looked at here: the row could be anybody.
            key = cells[column] if column is not None else next(filter(None, cells), "")
            if is_person(cells, key, before):
                number = scan.rows + len(found) + 1
                found.append(_missed_person(number, line, values, self.job.mapping.model.source.skip_footer))
        return found

    def _grouped(self) -> Iterator[Row]:
        """``group_by``: rows of one person are joined. ``where`` sees single rows, all else the group."""
        groups: dict[str, list[_Member]] = {}
        structured: frozenset[str] = frozenset()
        offset = 0
        names: tuple[str, ...] = ()
        for source, scan in zip(self.sources, self.scans, strict=True):
            self.job.bind(scan)
            if names and names != scan.names:
                message = _("{file} has other headings than the file before it.").format(file=self._name_of(scan))
                hint = _(
                    "Rows of one person can only be joined where all files have the same headings, or with `columns`."
                )
                raise Refused(Problem("other_headings", message, hint, Location(self._name_of(scan))))
            names = scan.names
            structured |= scan.structured
            column = self._group_column(names)
            full = replace(self.job.script(names, scan.structured), key=names[column], variables=(), blocks=())
            first = Program(self.job.environment, full)
            file = self._name_of(scan)
            for chunk in source.chunks(raw=True):
                given = _with_extras(first, chunk)
                rendered = first.run(given, self.shared())
                raws = chunk.raw or [{} for _row in chunk.rows]
                for row, raw, number, line, made, values in zip(
                    chunk.rows, raws, chunk.numbers, chunk.lines, rendered, given, strict=True
                ):
                    if made.selected and made.key and not made.faults:
                        groups.setdefault(made.key, []).append(_Member(row, raw, number + offset, line, file, scan))
                        continue
                    kept = Kept(first, values, raw) if self.keeps else None
                    left_out = row[column] if not made.selected and isinstance(row[column], str) else None
                    yield Row(number + offset, line, file, made, None, left_out, scan, kept)
                yield from (self._damaged(one, scan, offset, file) for one in chunk.damaged)
            missed = self._missed(scan)
            yield from (self._damaged(one, scan, offset, file) for one in missed)
            offset += scan.rows + len(missed)
        yield from self._joined(groups, names, structured)

    def _joined(
        self, groups: dict[str, list[_Member]], names: tuple[str, ...], structured: frozenset[str]
    ) -> Iterator[Row]:
        program = Program(self.job.environment, replace(self.job.script(names, structured), where=None, where_path=()))
        rows = []
        for members in groups.values():
            all_rows = [dict(zip(names, member.values, strict=True)) for member in members]
            extras = {"row": members[0].raw, "rows": all_rows}
            rows.append((*members[0].values, *(extras[name] for name in program.extras)))
        rendered = program.run(rows, self.shared())
        for members, made, given in zip(groups.values(), rendered, rows, strict=True):
            first = members[0]
            raws = [member.raw for member in members]
            kept = Kept(program, given, raws[0], tuple(raws[1:])) if self.keeps else None
            made = _doubted(made, first.values) if len(members) == 1 else made
            yield Row(first.number, first.line, first.file, made, None, None, first.scan, kept)

    def _group_column(self, names: tuple[str, ...]) -> int:
        group = written_name(self.job.mapping.model.source.group_by or "", names)
        if group in names:
            return names.index(group)
        at = self.job.mapping.node.locate(("source", "group_by"))
        message = _("The key {name} is neither a column nor a variable.").format(name=group)
        raise Refused(Problem("unknown_column", message, _("Known are: {names}").format(names=", ".join(names)), at))


def open_reading(
    job: Job,
    file: Path | None,
    sleep: Callable[[float], None] | None,
    trigger: TriggerFacts = TriggerFacts(),
) -> Reading:
    """The reading of a mapping's newest file, or of the one given by hand, once it has settled (``sleep`` given).

    Where the list is no file it is fetched.
    """
    source = job.mapping.model.source
    options = job.options(sleep)
    if job.is_remote and file is None:
        reading = Reading(job, [REMOTES[source.type or ""](options)], trigger)
        reading.scan()
        return reading
    if file is not None:
        refuse_unfinished(file)
    files = [file] if file is not None else chosen(
        job.project.root, source.path, source.combine, job.mapping.node.locate(("source", "path"))
    )  # fmt: skip
    for path in files if sleep is not None else ():
        wait_until_settled(path, source.settle, sleep or (lambda _seconds: None))
    # What was fetched elsewhere may be tried with a copy of it.
    written = source.format if job.is_remote else source.type
    kinds = [source_type(written, path.name, source.path) for path in files]
    reading = Reading(job, [SOURCES[kind](path, options) for kind, path in zip(kinds, files, strict=True)], trigger)
    reading.scan()
    return reading


def _doubted(made: Rendered, values: Sequence[Value]) -> Rendered:
    """The row with a note where it takes part and looks like the end of a list, not like a person."""
    cells = _cells(values)
    if not made.selected or not is_footer(cells):
        return made
    shown = ", ".join(filter(None, cells))
    message = _("This row looks like the end of the list, not like a person: {cells}").format(cells=shown)
    hint = _("If it is no person, write `skip_footer: 1` under `source:`, or as many rows as do not count at the end.")
    return replace(made, notes=(*made.notes, Fault("looks_like_footer", message, hint)))


def _missed_person(number: int, line: int, values: tuple[Value, ...], count: int) -> Damaged:
    cells = tuple(_cells(values))
    message = _("This row is left out by `skip_footer: {count}`, but looks like a person: {cells}.").format(
        count=count, cells=", ".join([*filter(None, cells)][:_SHOWN_CELLS])
    )
    hint = _(
        "Nobody is removed because of it. Does the list have fewer rows at its end that are no people? Then make "
        "skip_footer smaller; 0 leaves out none."
    )
    return Damaged(number, line, cells, "footer_is_a_person", message, hint, values)


def _cells(values: Sequence[Value]) -> list[str]:
    """What stands in a row, for looking at it; ``·`` for what is no text."""
    return [value if isinstance(value, str) else "" if is_empty(value) else "·" for value in values]


def _with_extras(program: Program, chunk: Chunk) -> list[tuple[Any, ...]]:
    if not program.extras:
        return list(chunk.rows)
    raws = chunk.raw or [{} for _row in chunk.rows]
    rows = []
    for row, raw in zip(chunk.rows, raws, strict=True):
        extras = {"row": raw, "rows": [dict(zip(program.script.names, row, strict=True))]}
        rows.append((*row, *(extras[name] for name in program.extras)))
    return rows


def _file_name(scan: Scan) -> str:
    return scan.file.name if scan.file is not None else scan.name


def _shown(moment: datetime) -> str:
    days = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))
    return f"{days[moment.weekday()]} {moment:%H:%M}"


def _time_holds(condition: TimeCondition, now: datetime) -> bool:
    moment = now.time()
    if condition.weekday is not None and WEEKDAYS[now.weekday()] not in condition.weekday:
        return False
    after, before = condition.after, condition.before
    if after is not None and before is not None and after > before:
        # Over midnight, as in Home Assistant.
        return moment >= after or moment < before
    return (after is None or moment >= after) and (before is None or moment < before)


def damage_fault(damaged: Damaged) -> Fault:
    """Why a damaged row is rejected."""
    return Fault(damaged.code, damaged.message, damaged.hint)
