"""A real row -> a test of the mapping, with an invented person in it (``abgleich test --freeze``).

What decides (a status, a group, whatever stands in tables or is compared in templates) stays; everything else is
replaced. What is written holds no value of the real person: that is looked at once more before it is written.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from engine.config.append import appended
from engine.config.emit import scalar
from engine.config.load import Mapping as MappingFile
from engine.config.load import Project
from engine.config.names import heading_key, name_of
from engine.config.schema import Fe2Connection, TestModel
from engine.config.values import FALSE_WORDS, TRUE_WORDS
from engine.config.yaml import outline
from engine.i18n import _
from engine.problems import Location, Problem, UserMustFix, why
from engine.source.base import Value
from engine.source.columns import fits
from engine.sync.headings import Role, guess
from engine.sync.invent import Inventor
from engine.sync.preview import checked_job, records
from engine.sync.reading import Reading, Row, open_reading
from engine.sync.script import Job, told_from_project
from engine.sync.trace import Search, not_found
from engine.sync.trials import differences_of, render_rows, unprefixed
from engine.template.check import chosen_by, is_template, texts_in, used_names
from engine.template.kinds import AnyKind, Choice, Items

SHARED: tuple[Role, ...] = ("status", "functions", "groups", "alarm", "salutation", "title")
"""Columns whose values belong to many: they stay where at least one more person has them."""
NEVER: tuple[Role, ...] = ("key", "first", "last", "whole", "mobile", "phone", "mail", "pager", "issi", "birthday")
"""Columns whose values are replaced even where a template or a table names them."""
WORDS = TRUE_WORDS | FALSE_WORDS | {"x", "j", "n"}
TRIES = 30
SHORTEST = 4

_PARTS = re.compile(r"(\s*[,;|/\r\n]+\s*)")


@dataclass(frozen=True)
class Frozen:
    """A test made of the real rows of a person. ``kept`` are the cells that stand in it as they are, of lists those
    texts that do.
    """

    name: str
    rows: tuple[dict[str, Value], ...]
    expect: dict[str, Any]
    kept: dict[str, Value]

    @property
    def row(self) -> Any:
        """What stands under ``row:``: one row, or a list of several."""
        return self.rows[0] if len(self.rows) == 1 else list(self.rows)

    def lines(self) -> list[str]:
        """The test as YAML, without indentation."""
        made = [f"- name: {scalar(self.name)}", "  row:"]
        dash = "" if len(self.rows) == 1 else "- "
        for row in self.rows:
            lines = [line for heading, value in row.items() for line in _field_lines(heading, value, "")]
            made += [f"    {' ' * len(dash) if number else dash}{line}" for number, line in enumerate(lines)]
        made.append("  expect:")
        for action, fields in self.expect.items():
            if fields is None:
                made.append(f"    {scalar(action)}: null")
                continue
            made.append(f"    {scalar(action)}:")
            made += [line for name, value in fields.items() for line in _field_lines(name, value, "      ")]
        return made

    def as_json(self) -> dict[str, Any]:
        """The test as it stands in the mapping."""
        return {"name": self.name, "row": self.row, "expect": self.expect}


def freeze(project: Project, mapping: MappingFile, file: Path | None, key: str, random: Random) -> Frozen:
    """The test for the row with this key. Raises :class:`UserMustFix` where there is none, or none can be made."""
    job = checked_job(project, mapping)
    with told_from_project(job):
        row, facts = _look(job, open_reading(job, file, None), key)
    problem = _unfit(row)
    if problem is not None:
        raise UserMustFix(Problem("row_not_frozen", problem, _other_row(), Location(row.file, row.line)))
    assert row.kept is not None
    rows = [_used_cells(job, cells) for cells in (row.kept.cells, *row.kept.joined)]
    for _try in range(TRIES):
        found = _attempt(job, rows, facts, random, _free_name(mapping))
        if found is not None:
            return found
    message = _("No invented row behaves like this one. Nothing was written.")
    raise UserMustFix(Problem("row_not_frozen", message, _other_row(), Location(row.file, row.line)))


def _other_row() -> str:
    return _("Take another person's key, or write the test by hand: `tests:` in the documentation.")


@dataclass
class _Facts:
    """What the list as a whole tells: all keys, how many rows share a value, and what the mapping names itself."""

    keys: set[str]
    shared: dict[str, Counter[str]]
    known: set[str]
    deciding: set[str]


def _look(job: Job, reading: Reading, key: str) -> tuple[Row, _Facts]:
    reading.keeps = True
    found: Row | None = None
    search = Search(key)
    shared: dict[str, Counter[str]] = {}
    roles: dict[str, Role | None] = {}
    for row in reading.each():
        search.pass_by(row)
        # Of rows that are joined, those that `where` leaves out come first.
        is_better = found is None or (row.rendered.selected and not found.rendered.selected)
        if (row.rendered.key or row.left_out) == key and is_better:
            found = row
        for heading, value in row.kept.cells.items() if row.kept is not None else ():
            if heading not in roles:
                roles[heading] = _role(heading)
            if roles[heading] in SHARED and value:
                parts = {part.casefold() for text in _leaves(value) for part in _parts(text)}
                shared.setdefault(heading, Counter()).update(parts)
    if found is None:
        raise UserMustFix(not_found(job, search, reading.rows, None))
    known_words, deciding = _named_by_mapping(job)
    return found, _Facts({one.casefold() for one in search.keys}, shared, known_words, deciding)


def _unfit(row: Row) -> str | None:
    """Why a row can't become a test: a test says what a row becomes, and this one becomes nothing."""
    if row.damaged is not None or row.kept is None:
        return _("This row is damaged, so it can't become a test.")
    if row.rendered.selected and row.rendered.faults:
        reason = row.rendered.faults[0].fault.message
        return _("This row is rejected, so it can't become a test: {reason}").format(reason=reason)
    return None


def _attempt(job: Job, rows: Sequence[Mapping[str, Value]], facts: _Facts, random: Random, name: str) -> Frozen | None:
    """Invented rows with what they become; None where they are rejected or something real has survived."""
    invented, kept = _invented(job, rows, facts, random)
    rendered = render_rows(job, invented)
    problems: list[dict[str, Any]] = []
    targets = unprefixed(job)
    made = dict(records(job, targets, rendered, problems)) if rendered.selected else {}
    if rendered.selected and (rendered.faults or any(problem["severity"] == "error" for problem in problems)):
        return None
    expect = {block.id: _expected(job, block.id, made.get(block.id)) for block in job.blocks}
    frozen = Frozen(name, invented, expect, kept)
    cells = [(heading, text) for row in rows for heading, value in row.items() for text in _leaves(value)]
    real = {text for heading, text in cells if _is_real(text, kept.get(heading))}
    if _survives(real, facts.known, frozen):
        return None
    test = TestModel(name=name, row=invented, expect=expect)
    return frozen if not [*differences_of(job, targets, test)] else None


def _invented(
    job: Job, rows: Sequence[Mapping[str, Value]], facts: _Facts, random: Random
) -> tuple[tuple[dict[str, Value], ...], dict[str, Value]]:
    """The rows with everything replaced that does not decide, and the cells that stay.

    Names first: mails need them. The same text is replaced by the same one in every row.
    """
    texts: dict[str, list[str]] = {}
    for row in rows:
        for heading, value in row.items():
            texts.setdefault(heading, []).extend(_leaves(value))
    values = {text.casefold() for each in texts.values() for text in each}
    words = {word for value in values for word in re.findall(r"\w+", value)}
    inventor = Inventor(random, values | {word for word in words if len(word) > 1} | facts.keys)
    roles = {heading: _role(heading, " ".join(each)) for heading, each in texts.items()}
    mails = {heading: any("@" in text for text in each) for heading, each in texts.items()}
    made: list[dict[str, Value]] = [{} for _row in rows]
    kept: dict[str, Value] = {}
    for heading in sorted(texts, key=lambda one: (roles[one] not in ("first", "last", "whole"), mails[one])):
        role = roles[heading]
        staying: dict[str, None] = {}

        def change(text: str, heading: str = heading, role: Role | None = role, into: dict[str, None] = staying) -> str:
            changed, stays = _changed(
                text, role, [_stays(job, heading, p, role, facts) for p in _split(text)], inventor
            )
            if stays:
                into[text] = None
            return changed

        for row, new in zip(rows, made, strict=True):
            if heading in row:
                new[heading] = _mapped(row[heading], change)
        if staying:
            is_one = len(rows) == 1 and isinstance(rows[0].get(heading), str)
            kept[heading] = next(iter(staying)) if is_one else list(staying)
    ordered = ({heading: new[heading] for heading in row} for row, new in zip(rows, made, strict=True))
    return tuple(ordered), kept


def _changed(text: str, role: Role | None, stays: list[bool], inventor: Inventor) -> tuple[str, bool]:
    """What stands instead of a text, and whether all of it stays; each of several values in it is looked at alone."""
    if not any(stays):
        return inventor.value(text, role), False
    parts = _PARTS.split(text)
    pieces = (part if n % 2 or stays[n // 2] else inventor.value(part, role) for n, part in enumerate(parts))
    return "".join(pieces), all(stays)


def _mapped(value: Value, change: Callable[[str], str]) -> Value:
    """A value with every text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    return value


def _is_real(text: str, kept: Value) -> bool:
    """Whether a text says something about the person, and was not left as it is on purpose."""
    return re.search(r"\w", text) is not None and text not in _leaves(kept)


def _stays(job: Job, heading: str, part: str, role: Role | None, facts: _Facts) -> bool:
    word = part.strip().casefold()
    if not word or role in NEVER or heading_key(heading) in _key_headings(job):
        return not word
    if word in WORDS:
        return True
    if word in facts.known:
        return role is None or role in SHARED or bool(_names_of(job, heading) & facts.deciding)
    return role in SHARED and facts.shared.get(heading, Counter())[word] > 1


def _split(text: str) -> list[str]:
    return _PARTS.split(text)[::2]


def _parts(value: str) -> list[str]:
    return [part.strip() for part in _split(value)]


def _role(heading: str, value: str = "") -> Role | None:
    found = guess(heading)
    if found is not None:
        return found.role
    return "mail" if "@" in value else None


# -- what the mapping says -------------------------------------------------------------------------------------------


def _templates(job: Job) -> Iterator[str]:
    model = job.mapping.model
    values: list[Any] = [model.source.where, *model.variables.values()]
    values += [value for block in job.blocks for value in (block.where, *(entry.value for entry in block.fields))]
    while values:
        value = values.pop()
        if isinstance(value, str) and is_template(value):
            yield value
        elif isinstance(value, list | dict):
            values += value.values() if isinstance(value, dict) else value


def _named_by_mapping(job: Job) -> tuple[set[str], set[str]]:
    """The words that tables and templates name, in lower case; and the names whose values are compared with them."""
    words = {str(key) for table in job.mapping.model.tables.values() if isinstance(table, dict) for key in table}
    deciding: set[str] = set()
    for text in _templates(job):
        words |= texts_in(job.environment, text)
        deciding |= chosen_by(job.environment, text)
    for block in job.blocks:
        connection = job.project.connections[job.action(block.id).model.connection]
        words |= set(connection.alarm_groups or ()) if isinstance(connection, Fe2Connection) else set()
    variables = job.mapping.model.variables
    for name in reversed(variables):
        if name in deciding:
            deciding |= used_names(job.environment, str(variables[name]))
    return {word.strip().casefold() for word in words if word.strip()}, deciding


def _used_cells(job: Job, cells: Mapping[str, Value]) -> dict[str, Value]:
    """The cells that the mapping reads: without ``columns`` those that a template names."""
    if job.mapping.columns is not None:
        return {heading: value for heading, value in cells.items() if value}
    used = {name for text in _templates(job) for name in used_names(job.environment, text)}
    named = {heading_key(text) for text in _templates(job) for text in texts_in(job.environment, text)}
    key = job.key_name(tuple(map(name_of, cells)))
    wanted = {*used, key}
    return {h: value for h, value in cells.items() if value and (name_of(h) in wanted or heading_key(h) in named)}


def _names_of(job: Job, heading: str) -> set[str]:
    if job.mapping.columns is None:
        return {name_of(heading)}
    columns = job.mapping.columns.items()
    return {name for name, column in columns if any(fits(pattern, heading) for pattern in column.patterns)}


def _key_headings(job: Job) -> set[str]:
    """The headings that the key is made of, through variables."""
    source, variables = job.mapping.model.source, job.mapping.model.variables
    names = {source.key, name_of(source.key)}
    for name in reversed(variables):
        if name in names:
            names |= used_names(job.environment, str(variables[name]))
    if job.mapping.columns is None:
        return {heading_key(source.key)} | {heading_key(name) for name in names}
    return {heading_key(h) for name, column in job.mapping.columns.items() if name in names for h in column.patterns}


# -- what is written -------------------------------------------------------------------------------------------------


def _expected(job: Job, action: str, record: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The fields that the mapping names, as people write them."""
    if record is None:
        return None
    fields, kinds = job.action(action).model.fields, job.targets[action].fields
    made = {}
    for name in fields:
        if name in record:
            value = record[name]
            if isinstance(value, dict) and isinstance(fields[name], dict):
                value = {key: item for key, item in value.items() if key in fields[name]}
            made[name] = _worded(kinds[name], value)
    return made


def _worded(kind: AnyKind, value: Any) -> Any:
    """Numbers of enumerations as their words, everything else as text."""
    if isinstance(kind, Items):
        return [{key: _worded(kind.keys[key], item) for key, item in entry.items()} for entry in value]
    if isinstance(kind, Choice):
        return next((word for word, number in kind.numbers.items() if number == value), str(value))
    if isinstance(value, dict):
        return {key: str(item) for key, item in value.items()}
    if isinstance(value, list):
        return [str(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _field_lines(name: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        yield f"{indent}{scalar(name)}:"
        for entry in value:
            yield f"{indent}  - {_flow(entry)}"
    else:
        yield f"{indent}{scalar(name)}: {_flow(value)}"


def _flow(value: Any) -> str:
    """A value in one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return scalar("" if value is None else str(value))


def _survives(real: Collection[str], known: Collection[str], frozen: Frozen) -> bool:
    """Whether a real value, or a part of one that says something, stands in the test."""
    said = [text.casefold() for text in (*_leaves(frozen.row), *_leaves(frozen.expect))]
    kept = {text.casefold() for text in _leaves(frozen.kept)}
    for value in {text.strip().casefold() for text in real}:
        is_real = len(value) > 1 and value not in known and value not in kept
        if is_real and (value in said or (len(value) >= SHORTEST and any(value in text for text in said))):
            return True
    return False


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    elif value is not None:
        yield str(value)


def _free_name(mapping: MappingFile) -> str:
    taken = {test.name for test in mapping.tests}
    names = (_("frozen example {n}").format(n=number) for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def write(mapping: MappingFile, frozen: Frozen) -> int:
    """Put the test at the end of the mapping's ``tests:`` and return its line. Nothing else of the file changes.

    Raises :class:`UserMustFix` where the tests can't be added to from here.
    """
    path = mapping.file.resolve()
    try:
        with path.open(encoding="utf-8", newline="") as file:
            before = file.read()
        for text, line in appended(before, "tests", frozen.lines()):
            if _adds_only(before, text, frozen):
                fresh = path.with_name(f".{path.name}.new")
                fresh.write_text(text, "utf-8", newline="")
                shutil.copymode(path, fresh)
                fresh.replace(path)
                return line
    except OSError as error:
        message = _("{file} can't be written: {reason}").format(file=path.name, reason=why(error))
        raise UserMustFix(Problem("not_writable", message, _("Choose a folder where you may write."))) from None
    message = _("The tests of this mapping stand in brackets or in another file. Nothing was written.")
    hint = _("Put this test there yourself:") + "\n\n" + "\n".join(f"    {line}" for line in frozen.lines())
    raise UserMustFix(Problem("tests_elsewhere", message, hint, mapping.node.locate_key(("tests",))))


def _adds_only(before: str, after: str, frozen: Frozen) -> bool:
    """Whether the file says the same as before, and the test."""
    try:
        old, new = outline(before.lstrip("\ufeff")), outline(after.lstrip("\ufeff"))
    except ValueError:
        return False
    if not isinstance(new, dict) or not isinstance(new.get("tests"), list):
        return False
    tests = new.pop("tests")
    former = old.pop("tests", []) if isinstance(old, dict) else []
    wanted = {"name": frozen.name, "row": _as_outline(frozen.row), "expect": _as_outline(frozen.expect)}
    return bool(new == old and tests[:-1] == (former or []) and tests[-1] == wanted)


def _as_outline(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_outline(item) for key, item in value.items()}
    return [_as_outline(item) for item in value] if isinstance(value, list) else "" if value is None else value
