"""A mapping -> what is run: targets, fields and templates, checked as far as that goes without seeing a row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import PurePath as FilePath
from typing import Any
from zoneinfo import ZoneInfo

from engine.config.find import CONFIGURATION, FOLDER, SECRETS
from engine.config.load import Action, Project
from engine.config.load import Mapping as MappingFile
from engine.config.names import heading_key, name_of
from engine.config.parse import misplaced, unknown_key
from engine.config.schema import ActionModel, AnyColumn, ColumnModel, FileTrigger, TemplateCondition
from engine.config.secret import hidden
from engine.config.words import CHECK_MARKS, check_mark, meant, surely_meant
from engine.i18n import _, ngettext
from engine.problems import Location, Path, Problem, ProblemError, Refused, did_you_mean
from engine.source.base import Column, Remote, Scan, SourceOptions
from engine.source.columns import written_name
from engine.source.files import REMOTE, TYPES, is_remote, source_type
from engine.sync.examples import action_meant, check_examples, offered, unread_headings
from engine.target import TARGETS, target_class
from engine.target.base import Target
from engine.template.check import Names, check_constant, check_template, check_truth, is_template, texts_in, used_names
from engine.template.environment import Environment
from engine.template.faults import Fault, Finding
from engine.template.kinds import NAMES, TEXT, AnyKind, Items, Kind, Pairs
from engine.template.program import Block, Field, Program, Script, texts_of
from engine.template.truths import one_answer

_FILES = ("csv", "excel", "json", "ndjson")
KEYS_OF = {
    "path": _FILES,
    "settle": _FILES,
    "archive": _FILES,
    "combine": _FILES,
    "delimiter": ("csv", "http"),
    "quote": ("csv", "http"),
    "encoding": ("csv", "json", "ndjson", "http"),
    "header_row": ("csv", "excel", "http"),
    "skip_footer": ("csv", "excel", "http"),
    "sheet": ("excel", "http"),
    "rows": ("json", "http"),
    "url": REMOTE,
    "query": ("sql",),
    "timeout": REMOTE,
    **dict.fromkeys(("headers", "format", "next", "page", "ca_file", "verify_tls"), ("http",)),
}
"""The types of sources for which a key means something; what is not here means something for all."""


@dataclass
class Job:
    """A mapping ready to run: its targets by action id, its fields, and the environment of its templates."""

    project: Project
    mapping: MappingFile
    environment: Environment
    targets: dict[str, Target] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    _columns_of: dict[Path, tuple[str, ...]] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        """The project's time zone."""
        return ZoneInfo(self.project.configuration.timezone)

    def action(self, action_id: str) -> Action:
        """The action with this id."""
        return next(action for action in self.mapping.actions if action.id == action_id)

    def options(self, sleep: Callable[[float], None] | None = None) -> SourceOptions:
        """What the source must know. ``sleep`` waits where asking a server again may help; None: nobody asks again."""
        source = self.mapping.model.source
        columns = None
        if self.mapping.columns is not None:
            columns = tuple(
                _column(name, column, self.mapping.node.locate(("source", "columns", name)))
                for name, column in self.mapping.columns.items()
            )
        remote = None
        if source.url is not None:
            remote = Remote(
                source.url,
                source.query or "",
                source.headers,
                source.format,
                source.next,
                source.page,
                source.timeout,
                source.ca_file,
                source.verify_tls,
                self.project.root,
                self.project.secrets,
                sleep,
            )
        return SourceOptions(
            columns,
            source.delimiter,
            source.quote,
            source.encoding,
            source.header_row,
            source.skip_footer,
            self.mapping.node.locate_key(("source",)),
            source.sheet,
            source.rows,
            remote,
        )

    @property
    def is_remote(self) -> bool:
        """Whether the list comes from a database or a web address: there is no file then."""
        return is_remote(self.mapping.model.source.type)

    def path_of(self, action: str | None, field_name: str | None) -> Path:
        """Where the mapping says what an action's field gets; nothing where there is no such field."""
        fields = next((block.fields for block in self.blocks if block.id == action), ())
        return next((entry.path for entry in fields if entry.name == field_name), ())

    def columns_of(self, path: Path) -> tuple[str, ...]:
        """The columns from which the value at a place of the mapping is made, also by way of variables."""
        found = self._columns_of.get(path)
        if found is None:
            found = self._columns_of[path] = tuple(self._made_from(self._text_at(path), frozenset()))
        return found

    def _text_at(self, path: Path) -> Any:
        model = self.mapping.model
        if path[:1] == ("variables",) and len(path) > 1:
            return model.variables.get(str(path[1]))
        if path == ("source", "key"):
            return "{{ " + self.key_name(self.mapping.columns or ()) + " }}"
        if path == ("source", "where"):
            return model.source.where
        for block in self.blocks:
            if path == block.where_path:
                return block.where
            entry = next((entry for entry in block.fields if entry.path == path), None)
            if entry is not None:
                return entry.value
        return None

    def _made_from(self, value: Any, seen: frozenset[str]) -> list[str]:
        used = {name for text in texts_of(value) for name in used_names(self.environment, text)}
        found: dict[str, None] = {}
        for name in sorted(used - seen):
            if name in self.mapping.model.variables:
                below = self._made_from(self.mapping.model.variables[name], seen | {name})
                found |= dict.fromkeys(below)
            else:
                found[name] = None
        return list(found)

    def script(self, names: tuple[str, ...], structured: frozenset[str] = frozenset()) -> Script:
        """What is computed from a row with these names; the values of ``structured`` may be other than text."""
        source = self.mapping.model.source
        return Script(
            names,
            self.key_name(names),
            source.where,
            ("source", "where"),
            tuple(self.mapping.model.variables.items()),
            tuple(self.blocks),
            structured,
        )

    def key_name(self, names: Collection[str]) -> str:
        """The name of the key; without ``columns`` it may be written as the heading."""
        key = self.mapping.model.source.key
        return key if key in self.mapping.model.variables else written_name(key, names)

    def bind(self, scan: Scan) -> Program:
        """The row program for a file. Raises :class:`Refused` where names are not in its header."""
        problems: list[Problem] = []
        if self.mapping.columns is None:
            headings = {heading_key(heading): _written(heading, scan.names) for heading in scan.header if heading}
            problems = [*_Checker(self, Names(scan.names, headings, has_columns=False)).templates()]
            key = self.key_name(scan.names)
            known = [*scan.names, *self.mapping.model.variables]
            if key not in known:
                problems.append(
                    _no_key(self.mapping.model.source.key, known, self.mapping.node.locate(("source", "key")))
                )
        errors = [problem for problem in problems if problem.severity == "error"]
        if errors:
            raise Refused(*errors)
        return Program(self.environment, self.script(scan.names, scan.structured))

    def close(self) -> None:
        """Let go of the targets."""
        for target in self.targets.values():
            target.close()


def prepare(project: Project, mapping: MappingFile) -> tuple[Job, list[Problem]]:
    """The job of a mapping, and everything that is wrong with its actions and templates."""
    environment = Environment(_tables(mapping), ZoneInfo(project.configuration.timezone))
    job = Job(project, mapping, environment)
    checker = _Checker(job, _known_names(mapping))
    found = [*checker.tables(), *checker.actions(), *checker.templates(), *checker.source(), *check_examples(mapping)]
    found += checker.marks()
    problems = list(hidden(found, project.secrets))
    return job, [mapping.seen(problem) for problem in problems]


@contextmanager
def told_from_project(job: Job) -> Iterator[None]:
    """Problems as the user of the project knows their places: see :func:`from_project`."""
    try:
        yield
    except ProblemError as error:
        raise type(error)(*(from_project(job, problem) for problem in error.problems)) from None


def from_project(job: Job, problem: Problem) -> Problem:
    """The problem with files from the project's folder on; of a blueprint it leads to the line that uses it."""
    return job.mapping.seen(problem).within(job.project.root)


def problems_of(project: Project, mappings: Collection[str] | None = None) -> list[Problem]:
    """Every problem of the project, or of some mappings of it, in the order of the files."""
    found = list(project.problems)
    if mappings is not None:
        files = [project.ids[name] for name in mappings]
        found = [problem for file in files for problem in project.errors_of(file)]
    for mapping in [*project.mappings.values(), *project.drafts]:
        if mappings is None or mapping.id in mappings:
            found += prepare(project, mapping)[1]
    # A mistake in a file that several mappings use is one mistake.
    users: dict[Problem, dict[Location, None]] = {}
    for problem in found:
        users.setdefault(replace(problem, used_by=()), {}).update(dict.fromkeys(problem.used_by))
    unique = [replace(problem, used_by=tuple(places)) for problem, places in users.items()]
    return sorted(unique, key=lambda p: (p.at.file or "", p.at.line or 0, p.at.column or 0))


def _column(name: str, column: AnyColumn, at: Location) -> Column:
    if isinstance(column, ColumnModel):
        return Column(name, column.heading, column.optional, at, (), column.marked)
    return Column(name, (), column.optional, at, tuple(column.each.items()))


def _known(names: Collection[str]) -> str:
    return _("Known are: {names}").format(names=", ".join(names))


def effects_of(project: Project, problems: Iterable[Problem]) -> dict[str, str]:
    """What does not happen because of the errors in a file, by the file."""
    settings = {f"{FOLDER}/{CONFIGURATION}"}
    files = {path.relative_to(project.root).as_posix(): name for name, path in project.ids.items()}
    users: dict[Location, set[str]] = {}
    for name, path in project.ids.items():
        for problem in project.problems_of.get(path, ()):
            users.setdefault(problem.at, set()).add(name)
    mappings: dict[str, set[str]] = {}
    for problem in problems:
        file = problem.at.file or ""
        if file.endswith(SECRETS):
            settings.add(file)
        using = [place.file or "" for place in problem.used_by]
        names = {files[name] for name in (file, *using) if name in files} | users.get(problem.at, set())
        mappings.setdefault(file, set()).update(names or _made_of(project, file))
    effects = {file: _("Nothing runs with these settings.") for file in settings}
    for file, names in mappings.items():
        if names and file not in settings:
            text = ngettext(
                "The mapping {names} is not used as it stands.",
                "The mappings {names} are not used as they stand.",
                len(names),
            )
            effects[file] = text.format(names=", ".join(sorted(names)))
    return effects


def _made_of(project: Project, file: str) -> set[str]:
    """The mappings that values of a file went into."""
    every = [*project.mappings.values(), *project.drafts]
    return {mapping.id for mapping in every if any(node.at.file == file for node in mapping.node.walk())}


def _tables(mapping: MappingFile) -> dict[str, dict[str, Any]]:
    """The tables by name; one that is not right is there, and empty: nobody shall say that it does not exist."""
    return {name: table if isinstance(table, dict) else {} for name, table in mapping.model.tables.items()}


def _known_names(mapping: MappingFile) -> Names:
    if mapping.columns is None or mapping.node.is_broken(("source", "columns")):
        return Names(None)
    headings = {heading_key(heading): name for name, column in mapping.columns.items() for heading in column.patterns}
    return Names(tuple(mapping.columns), headings, unread_headings(mapping))


def _fields_of(action: Action) -> Mapping[str, AnyKind]:
    """The fields of an action; of one that is misspelled, those that were meant."""
    word = action.model.action
    kind = word if word in TARGETS else action_meant(word, offered()) if word else None
    return target_class(kind).fields if kind else {}


def _written(heading: str, names: Collection[str]) -> str:
    name = name_of(heading)
    return name if name in names else f"row['{heading}']"


def _given(kind: AnyKind, value: Any) -> Any:
    """What a field says, without keys that stand there with nothing behind them: they are not given."""
    if isinstance(kind, Items):
        return [_without_nothing(item) for item in value]
    return _without_nothing(value) if isinstance(kind, Pairs) else value


def _without_nothing(pairs: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in pairs.items() if value is not None}


def _no_key(key: str, known: Collection[str], at: Location) -> Problem:
    near = did_you_mean(key, known)
    message = _("The key {name} is neither a column nor a variable.").format(name=key)
    hint = (
        _("Did you mean {name}?").format(name=near) if near else _("Known are: {names}").format(names=", ".join(known))
    )
    return Problem("unknown_column", message, hint, at)


def _names_at(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """The names that a list, or a text with several, writes itself, each with its place."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _names_at(item, (*path, index))
    elif isinstance(value, str) and not is_template(value):
        yield from ((path, name) for name in NAMES.finish(value))


def _no_pair(finding: Finding) -> Finding:
    """Two conditions with a comma between them are joined by a word; two pairs of braces would always be true."""
    if finding.code != "tuple":
        return finding
    return replace(finding, hint=_("Join them by `and` or by `or`, between one pair of braces."))


class _Checker:
    def __init__(self, job: Job, names: Names) -> None:
        self.job = job
        self.mapping = job.mapping
        self.node = job.mapping.node
        self.environment = job.environment
        self.draft = job.project.mappings.get(job.mapping.id) is not job.mapping
        inputs = tuple(job.mapping.inputs)
        self.columns = names if names.known is None else replace(names, known=(*names.known, *inputs))

    def marks(self) -> Iterator[Problem]:
        """What `abgleich new` only guessed and nobody has looked at since: one problem, at the first mark."""
        written = next((node for node in self.node.walk() if node.source is not None), None)
        if written is None or written.source is None:
            return
        marks = [f"# {word}:" for word in CHECK_MARKS.values()]
        marked = [
            (number, line.index(mark) + 1)
            for number, line in enumerate(written.source.lines(), 1)
            for mark in marks
            if mark in line
        ]
        for number, column in marked[:1]:
            message = ngettext(
                "{count} line is still marked {mark}: what it says was guessed.",
                "{count} lines are still marked {mark}: what they say was guessed.",
                len(marked),
            ).format(count=len(marked), mark=check_mark())
            hint = _("Look at each line that is marked so. Where it is right, delete the mark.")
            yield Problem("marks_left", message, hint, Location(written.at.file, number, column), "warning")

    # -- tables and source -------------------------------------------------------------------------------------------

    def tables(self) -> Iterator[Problem]:
        for name, table in self.mapping.model.tables.items():
            if self.node.is_broken(("tables", name)):
                continue
            if not isinstance(table, dict):
                at = self.node.locate(("tables", name))
                yield Problem(
                    "expected_mapping",
                    _("A table holds keys and values."),
                    _("Write `key: value` lines, indented."),
                    at,
                )
                continue
            for key, value in table.items():
                yield from self._entry(value, ("tables", name, key))

    def _entry(self, value: Any, path: Path) -> Iterator[Problem]:
        """What a word of a table leads to: a text, or a list of them."""
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) or item is None for item in items):
            message = _("A table's value is a text or a list of texts.")
            yield Problem("expected_text", message, _("Write for example [one, two]."), self.node.locate(path))
            return
        hint = _("Write what belongs there; to mean none, write `[]`.")
        for index, item in enumerate(items):
            place = (*path, index) if isinstance(value, list) else path
            if item is None and not self.node.is_broken(place):
                yield self._nothing(place, hint)

    def _nothing(self, path: Path, hint: str) -> Problem:
        return Problem("value_missing", _("A value is missing here."), hint, self.node.locate(path))

    def source(self) -> Iterator[Problem]:
        source = self.mapping.model.source
        if not source.type and not source.path:
            return  # a draft: what is missing has been said
        kind = source_type(source.type, source.path)
        known = (*dict.fromkeys(TYPES.values()), *REMOTE)
        if kind not in known:
            near = did_you_mean(kind, known)
            message = _("The source type {name} is not known.").format(name=kind)
            hint = _("Did you mean {name}?").format(name=near) if near else _known(known)
            at = self.node.locate(("source", "type") if source.type else ("source", "path"))
            yield Problem("unknown_source_type", message, hint, at)
        elif source.type or "*" not in FilePath(source.path).suffix:
            yield from self._keys_of_others(kind)
            yield from self._elsewhere(kind)
        yield from self._lists_elsewhere()
        if (
            source.group_by is not None
            and self.mapping.columns is not None
            and source.group_by not in self.mapping.columns
        ):
            yield _no_key(source.group_by, tuple(self.mapping.columns), self.node.locate(("source", "group_by")))

    def _elsewhere(self, kind: str) -> Iterator[Problem]:
        """What can be said of an address or a query without asking anybody."""
        source = self.mapping.model.source
        try:
            if kind == "sql" and source.query:
                from engine.source.sql import only_select

                only_select(source.query, self.node.locate(("source", "query")))
            elif kind == "http" and source.url:
                from engine.source.http import check_address

                check_address(source.url, self.node.locate(("source", "url")))
        except Refused as error:
            yield from error.problems

    def _keys_of_others(self, kind: str) -> Iterator[Problem]:
        """Keys that mean nothing for this type of source: whoever wrote them believes that they do something."""
        node = self.node.get("source")
        misspelled = [problem.at for problem in self.job.project.problems if problem.code == "unknown_key"]
        for key in node.value if node is not None and isinstance(node.value, dict) else ():
            kinds = KEYS_OF.get(key)
            if kinds is None or kind in kinds or self.node.locate_key(("source", key)) in misspelled:
                continue
            message = _("{key} is for sources of the type {types}, this one is of the type {kind}.").format(
                key=key, types=", ".join(kinds), kind=kind
            )
            hint = _("Remove it, or set `type:` to what the list is.")
            yield Problem("key_of_another_type", message, hint, self.node.locate_key(("source", key)))

    def _lists_elsewhere(self) -> Iterator[Problem]:
        """Where several files make one list, a file that only starts the run would never be read."""
        source = self.mapping.model.source
        for number, trigger in enumerate(self.mapping.triggers if source.combine == "all" else ()):
            if isinstance(trigger, FileTrigger) and trigger.path != source.path:
                message = _("`combine: all` reads {path}, and this trigger watches other files.")
                hint = _("Write the same path in both places: {path}").format(path=source.path)
                at = self.node.locate(("triggers", number, "path"))
                yield Problem("trigger_elsewhere", message.format(path=source.path), hint, at)

    # -- actions -----------------------------------------------------------------------------------------------------

    def actions(self) -> Iterator[Problem]:
        for action in self.mapping.actions:
            if not action.model.action:
                continue
            if action.model.action not in TARGETS:
                yield from self._unknown_action(action)
                continue
            yield from self._action(action, target_class(action.model.action))

    def _unknown_action(self, action: Action) -> Iterator[Problem]:
        word, known = action.model.action, offered()
        near, sure = action_meant(word, known), surely_meant(word, known)
        message = _("The action {name} is not known.").format(name=word)
        hint = _("Did you mean {name}?").format(name=near) if near else _known(known)
        path = (*action.path, "action")
        fixes = self.node.rewriting(path, sure) if sure else ()
        yield Problem("unknown_action", message, hint, self.node.locate(path), fixes=fixes)
        if near:
            yield from self._fields(action, target_class(near))

    def _action(self, action: Action, kind: type[Target]) -> Iterator[Problem]:
        connection = self.job.project.connections.get(action.model.connection)
        if connection is None:
            # Reported by the loader already; without it the fields can still be checked.
            yield from self._fields(action, kind)
            return
        if connection.type != kind.connection_type:
            message = _("{action} needs a connection of the type {wanted}; {name} is of the type {found}.").format(
                action=action.model.action,
                wanted=kind.connection_type,
                name=action.model.connection,
                found=connection.type,
            )
            at = self.node.locate((*action.path, "connection"))
            fitting = [name for name, one in self.job.project.connections.items() if one.type == kind.connection_type]
            hint = _("Name another connection: {names}").format(names=", ".join(fitting))
            if not fitting:
                hint = _("There is none of this type yet. Add one in configuration.yaml, with {line}.")
                hint = hint.format(line=f"`type: {kind.connection_type}`")
            yield Problem("connection_type", message, hint, at)
            yield from self._fields(action, kind)
            return
        if action.model.removal is not None and action.model.removal not in kind.removals:
            message = _("“{value}” is not allowed here.").format(value=action.model.removal)
            near = meant(action.model.removal, kind.removals)
            hint = _("Did you mean {name}?").format(name=near) if near else ""
            known = _("Allowed are: {names}").format(names=", ".join(kind.removals))
            at = self.node.locate((*action.path, "removal"))
            yield Problem("value_not_allowed", message, f"{hint} {known}".strip(), at)
        fields: list[Field] = []
        problems = [*self._fields(action, kind, fields)]
        yield from problems
        if self.draft and self._misshapen(action):
            return  # what the target would say may only follow from that
        target = kind(action.model, connection)
        for path, finding in target.check():
            if path[:1] == ("connection",):
                yield self._problem_of_connection(finding, (action.model.connection, *path[1:]))
            else:
                yield self._problem(finding, (*action.path, *path))
        yield from self._misnamed(target, fields)
        fields += [replace(extra, path=(*action.path, *extra.path)) for extra in target.extra_fields()]
        self.job.targets[action.id] = target
        self.job.blocks.append(Block(action.id, tuple(fields), action.model.where, (*action.path, "where")))

    def _misnamed(self, target: Target, fields: Iterable[Field]) -> Iterator[Problem]:
        """Names that the target can't know: those that the mapping writes itself, and those of the one table used."""
        for entry in fields:
            if entry.kind is not NAMES:
                continue
            named = [*_names_at(entry.value, entry.path)]
            texts = {text for made in self._texts_behind(entry.value) for text in texts_in(self.environment, made)}
            used = [name for name in self.mapping.model.tables if name in texts]
            table = self.mapping.model.tables[used[0]] if len(used) == 1 else None
            for key, value in table.items() if isinstance(table, dict) else ():
                named += _names_at(value, ("tables", used[0], key))
            for path, name in named:
                fault = target.misnamed(entry.name, name)
                if fault is not None:
                    yield Problem(fault.code, fault.message, fault.hint, self.node.locate(path), "warning")

    def _texts_behind(self, value: Any, seen: frozenset[str] = frozenset()) -> Iterator[str]:
        """The templates that make a value, also those of the variables it uses."""
        for text in texts_of(value):
            yield text
            for name in used_names(self.environment, text) - seen:
                yield from self._texts_behind(self.mapping.model.variables.get(name), seen | {name})

    def _misshapen(self, action: Action) -> bool:
        """Whether the action has mistakes of its own, outside of its fields."""
        depth = len(action.path)
        return any(
            problem.at.path[:depth] == action.path and problem.at.path[depth : depth + 1] != ("fields",)
            for problem in self.job.project.problems
            if problem.at.file == self.node.at.file
        )

    def _fields(self, action: Action, kind: type[Target], fields: list[Field] | None = None) -> Iterator[Problem]:
        base: Path = (*action.path, "fields")
        if self.node.is_broken(base) or not self._is_mapping(base):
            return
        unknown = [name for name in action.model.fields if name not in kind.fields]
        intended = {meant(name, kind.fields) for name in unknown}
        for name in kind.required:
            if (
                action.model.fields.get(name) is None
                and name not in intended
                and not self.node.is_broken((*base, name))
            ):
                yield self._missing_field(name, (*base, name))
        for name, value in action.model.fields.items():
            path: Path = (*base, name)
            if name in unknown and name in ActionModel.model_fields:
                yield misplaced(path, (*action.path, name), self.node)
            elif name in unknown:
                problem = unknown_key(name, list(kind.fields), self.node, path)
                message = _("{action} has no field {name}.").format(action=kind.action, name=name)
                yield replace(problem, code="unknown_field", message=message)
            elif value is not None:
                problems = [*self._shape(kind.fields[name], value, path)]
                yield from problems
                if fields is not None and not problems:
                    fields.append(Field(name, kind.fields[name], _given(kind.fields[name], value), path))

    def _missing_field(self, name: str, path: Path) -> Problem:
        hint = (
            _("Add the line `alarmGroups: …`. To mean none write `[]`: it takes a person out of every alarm.")
            if name == "alarmGroups"
            else _("Add the line `{key}: …` here.").format(key=name)
        )
        if self.node.find(path) is not None:
            message = _("The field {name} has no value.").format(name=name)
            return Problem("field_missing", message, hint, self.node.locate_key(path))
        message = _("The field {name} must be named.").format(name=name)
        return Problem("field_missing", message, hint, self.node.locate_missing(path))

    def _is_mapping(self, path: Path) -> bool:
        node = self.node.find(path)
        return node is not None and (node.value is None or isinstance(node.value, dict))

    def _shape(self, kind: AnyKind, value: Any, path: Path) -> Iterator[Problem]:
        """Whether what stands in the mapping can become a field of this kind."""
        if isinstance(kind, Items):
            if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
                yield Problem(
                    "expected_list",
                    _("A list of entries is expected here."),
                    _("Each entry starts with `- `."),
                    self.node.locate(path),
                )
                return
            for index, item in enumerate(value):
                yield from self._item(kind, item, (*path, index))
        elif isinstance(kind, Pairs):
            if not isinstance(value, dict):
                yield Problem(
                    "expected_mapping",
                    _("Keys and values are expected here."),
                    _("Write `key: value` lines, indented."),
                    self.node.locate(path),
                )
                return
            for key, item in value.items():
                yield from self._shape(kind.value, item, (*path, key))
        elif isinstance(value, dict):
            yield self._no_text(path)
        elif isinstance(value, list):
            yield from self._names(kind, value, path)
        elif isinstance(value, str) and not is_template(value):
            yield from self._constant(kind, value, path)

    def _item(self, kind: Items, item: dict[str, Any], path: Path) -> Iterator[Problem]:
        intended = {meant(key, kind.keys) for key in item if key not in kind.keys}
        for key in kind.required:
            if key not in item and key not in intended:
                message = _("The key {key} is missing.").format(key=key)
                hint = _("Add the line `{key}: …` here.").format(key=key)
                yield Problem("key_missing", message, hint, self.node.locate((*path, key)))
        for key, value in item.items():
            if key not in kind.keys:
                yield unknown_key(key, list(kind.keys), self.node, (*path, key))
            elif value is None and key in kind.filled and not self.node.is_broken((*path, key)):
                hint = _("Write it behind the colon; to mean an empty text, write `{line}`.").format(line=f'{key}: ""')
                if kind.keys[key] is not TEXT:
                    hint = _("Write it behind the colon.")
                yield self._nothing((*path, key), hint)
            else:
                yield from self._shape(kind.keys[key], value, (*path, key))

    def _names(self, kind: Kind, value: list[Any], path: Path) -> Iterator[Problem]:
        if kind is not NAMES:
            message = _("A list stands where one text belongs.")
            hint = _("Write one template, for example {example}.").format(example='"{{ a }}, {{ b }}"')
            yield Problem("list_where_text", message, hint, self.node.locate(path))
            return
        for index, item in enumerate(value):
            if item is None and not self.node.is_broken((*path, index)):
                line = f"`{path[-1]}: []`"
                hint = _("Write a name; to mean none, write {line}.").format(line=line)
                yield self._nothing((*path, index), hint)
            elif item is not None and not isinstance(item, str):
                yield self._no_text((*path, index))

    def _no_text(self, path: Path) -> Problem:
        message = _("A text is expected here, not a list or keys and values.")
        hint = _("Write one template, for example {example}.").format(example='"{{ name }}"')
        return Problem("expected_text", message, hint, self.node.locate(path))

    def _constant(self, kind: Kind, value: str, path: Path) -> Iterator[Problem]:
        try:
            kind.finish(value)
        except Fault as fault:
            yield Problem(fault.code, fault.message, fault.hint, self.node.locate(path))

    # -- templates ---------------------------------------------------------------------------------------------------

    def templates(self) -> Iterator[Problem]:
        """All templates of the mapping, each with the names it may use."""
        model = self.mapping.model
        yield from self._truth(model.source.where, ("source", "where"), self.columns)
        names = self.columns
        if self.node.is_broken(("variables",)) or not isinstance(model.variables, dict):
            names = Names(None)
        for name, value in model.variables.items():
            yield from self._texts(value, ("variables", name), names)
            names = names if names.known is None else replace(names, known=(*names.known, name))
        everything = Names(("source", "trigger", "now", "today"), has_columns=False)
        for condition, path in self.mapping.conditions:
            if isinstance(condition, TemplateCondition):
                yield from self._truth(condition.value_template, path, everything)
        for action in self.mapping.actions:
            yield from self._truth(action.model.where, (*action.path, "where"), names)
            match = (action.model.match or {}).get("id")
            yield from self._texts(match, (*action.path, "match", "id"), names)
            kinds = _fields_of(action)
            for name, value in action.model.fields.items():
                yield from self._texts(value, (*action.path, "fields", name), names, kinds.get(name))

    def _truth(self, text: str | None, path: Path, names: Names) -> Iterator[Problem]:
        if text is None:
            return
        findings = check_truth(self.environment, text, names) or check_template(self.environment, text, names)
        findings = [_no_pair(finding) for finding in findings] or one_answer(self.environment, text, is_question=True)
        yield from (self._problem(self._too_early(finding, names), path) for finding in findings)

    def _too_early(self, finding: Finding, names: Names) -> Finding:
        """A variable that is used where it is not computed yet is no unknown name."""
        if finding.code != "unknown_name" or finding.needle not in self.mapping.model.variables:
            return finding
        message = _("The variable {name} is not computed yet here.").format(name=finding.needle)
        hint = _("`where` of the source sees columns only, a variable only those above it: move it up.")
        return replace(finding, message=message, hint=hint)

    def _texts(self, value: Any, path: Path, names: Names, kind: AnyKind | None = None) -> Iterator[Problem]:
        """All templates in a value; in a text or list field also the constants that were meant as names."""
        if isinstance(value, dict):
            for key, item in value.items():
                inner = (
                    kind.keys.get(key) if isinstance(kind, Items) else kind.value if isinstance(kind, Pairs) else kind
                )
                yield from self._texts(item, (*path, key), names, inner)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._texts(item, (*path, index), names, None if kind is TEXT else kind)
        elif isinstance(value, str):
            if is_template(value):
                findings = check_template(self.environment, value, names)
                findings = [self._too_early(finding, names) for finding in findings]
                findings = findings or one_answer(self.environment, value, is_question=False)
            else:
                # A function or a group may be called like a column of the list.
                known = replace(names, headings={}) if kind is NAMES else names
                findings = check_constant(value, known) if kind in (TEXT, NAMES) else []
            yield from (self._problem(finding, path) for finding in findings)

    def _problem_of_connection(self, finding: Finding, path: Path) -> Problem:
        """What the target says about a key of its connection stands in configuration.yaml."""
        configuration = self.job.project.configuration_node
        assert configuration is not None
        at = configuration.locate(("connections", *path))
        return Problem(finding.code, finding.message, finding.hint, at)

    def _problem(self, finding: Finding, path: Path) -> Problem:
        at = self.node.locate_text(path, finding.needle, finding.line)
        severity = "warning" if finding.severity == "warning" else "error"
        fixes = self.node.rewriting(path, finding.instead) if finding.instead is not None else ()
        return Problem(finding.code, finding.message, finding.hint, at, severity, fixes=fixes)  # type: ignore[arg-type]
