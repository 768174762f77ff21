"""A project folder -> :class:`Project`: the mappings that are good, and all problems of all files at once."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from collections.abc import Mapping as Map
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from engine.config.blueprint import places_of
from engine.config.blueprint import use as use_blueprint
from engine.config.emit import scalar
from engine.config.find import CONFIGURATION, FOLDER, SECRETS, STATE_FOLDER
from engine.config.memory import Met, Present
from engine.config.names import is_name, proposed_name
from engine.config.node import Node
from engine.config.parse import as_list, choose, draft, has_broken, join_entries, misplaced, parse, with_plurals
from engine.config.schema import (
    CONDITIONS,
    CONNECTIONS,
    TRIGGERS,
    ActionModel,
    AnyColumn,
    ColumnModel,
    Configuration,
    Connection,
    EachColumnModel,
    Expect,
    Fe2Connection,
    MappingModel,
    Model,
    SourceModel,
    TemplateCondition,
    TestModel,
    TimeCondition,
    TimePatternTrigger,
)
from engine.config.secret import hidden, in_configuration, in_source
from engine.config.values import FALSE_WORDS, TRUE_WORDS
from engine.config.yaml import MAX_FILE_BYTES, Part, Reader, listed
from engine.i18n import _, language
from engine.problems import Location, Problem, did_you_mean
from engine.problems import Path as KeyPath

NEEDED = {"sql": ("url", "query"), "http": ("url",)}
"""Keys that a source of these types must have; one of any other type has a ``path``."""
ENTRIES = {"triggers": "trigger", "actions": "action", "tests": "name"}
"""Lists of a mapping, and the key with which every entry of them begins."""
NOT_MAPPINGS = ("blueprints", "tables")

ID = re.compile(r"[\w][\w.-]{0,99}")
_ID_LINE = re.compile(r"^id:[ \t]*([\"']?)([^\s\"'#]+)\1", re.MULTILINE)


@dataclass(frozen=True)
class Action:
    """An action with its place in the mapping: ``path`` is ``("actions", n)``."""

    id: str
    model: ActionModel
    path: KeyPath


@dataclass(frozen=True)
class Mapping:
    """A mapping file whose shape is right. ``node`` tells where everything stands; ``hash`` changes with any value."""

    id: str
    file: Path
    model: MappingModel = field(repr=False)
    node: Node = field(repr=False)
    hash: str
    columns: dict[str, AnyColumn] | None
    triggers: tuple[Model, ...]
    conditions: tuple[tuple[Model, KeyPath], ...]
    actions: tuple[Action, ...]
    tests: tuple[TestModel, ...]
    inputs: dict[str, Any] = field(default_factory=dict)
    used_by: Location | None = None
    input_places: dict[KeyPath, Location] = field(default_factory=dict, repr=False)

    def seen(self, problem: Problem) -> Problem:
        """A problem of the mapping; of one made by a blueprint with the other place that belongs to it."""
        return problem if self.used_by is None else _seen(problem, self.used_by, self.input_places)


@dataclass(frozen=True)
class Project:
    """What a folder holds. ``ids`` names the file of every mapping, also of those with problems.

    ``drafts`` are mappings that can't run, as far as they are right: to find the mistakes behind the first ones.
    ``problems_of`` has for each file the problems met while reading it, also those in files that it includes.
    """

    root: Path
    configuration: Configuration
    connections: dict[str, Connection]
    connection_hashes: dict[str, str]
    mappings: dict[str, Mapping]
    ids: dict[str, Path]
    problems: tuple[Problem, ...]
    secrets: frozenset[str] = field(repr=False)
    configuration_node: Node | None = field(default=None, repr=False)
    drafts: tuple[Mapping, ...] = ()
    problems_of: dict[Path, tuple[Problem, ...]] = field(default_factory=dict, repr=False)

    @property
    def state_folder(self) -> Path:
        """Where the state lives; never in git."""
        return self.root / STATE_FOLDER

    def errors_of(self, file: Path) -> list[Problem]:
        """The errors that keep a mapping from running: its own and those of ``configuration.yaml``."""
        configuration = self.root / FOLDER / CONFIGURATION
        found = [*self.problems_of.get(configuration, ()), *self.problems_of.get(file, ())]
        found += [problem for problem in self.problems if (problem.at.file or "").endswith(f"/{SECRETS}")]
        return [problem for problem in dict.fromkeys(found) if problem.severity == "error"]


def _relative(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


Texts = Map[Path, str]


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``configuration.yaml`` gave. The names are None where they can't be told."""

    configuration: Configuration
    connections: dict[str, Connection]
    hashes: dict[str, str]
    node: Node | None
    connection_names: list[str] | None
    notify_names: list[str] | None
    met: Met
    texts: Texts | None


@dataclass(frozen=True, slots=True)
class Unit:
    """What one mapping file gave. It depends on what was ``met``, and on ``names`` of the configuration."""

    mapping: Mapping | None
    is_broken: bool
    id: str
    names: tuple[list[str] | None, list[str] | None]
    met: Met
    texts: Texts | None


class Memory:
    """What former loads of one folder gave: what still holds is not read again. Use it from one thread."""

    def __init__(self) -> None:
        self.language = language()
        self.settings: dict[bool, Settings] = {}
        self.units: dict[Path, Unit] = {}
        self.kept: dict[Path, Unit] = {}
        self.included: dict[Path, Part] = {}
        self.secret_files: dict[Path, Part] = {}

    def met(self) -> Iterator[Met]:
        """Everything that the files lying there depend on."""
        yield from (settings.met for is_kept, settings in self.settings.items() if not is_kept)
        yield from (unit.met for unit in self.units.values())

    def speak(self, words: str) -> None:
        """Problems are in a language: what speaks another one is forgotten."""
        if words != self.language:
            self.language = words
            for remembered in (self.settings, self.units, self.kept, self.included, self.secret_files):
                remembered.clear()


def load(
    root: Path, memory: Memory | None = None, kept: Map[Path, Texts] | None = None, instead: Texts | None = None
) -> Project:
    """Read a whole project. Never raises for what stands in the files: see ``Project.problems``.

    With a ``memory`` only what changed is read; the result is the same. ``kept`` names files (mappings, the
    configuration) that are made of these texts of their own, of what they include and of blueprints, whatever lies
    there by now; another file with the id of such a mapping is left out. ``instead`` are texts to be tried for what
    lies in some files; it goes without a memory.
    """
    return _Loader(root.resolve(), memory or Memory(), kept or {}, instead or {}).load()


class _Loader:
    def __init__(self, root: Path, memory: Memory, kept: Map[Path, Texts], instead: Texts) -> None:
        memory.speak(language())
        self.root = root
        self.folder = root / FOLDER
        self.memory = memory
        self.kept = kept
        self.present = Present(listed)
        self.reader = Reader(root, self.folder, included=self._held(memory.included), instead=instead)
        self.reader.secret_files = self._held(memory.secret_files)
        self.configuration_node: Node | None = None
        self.connection_names: list[str] | None = None
        self.notify_names: list[str] | None = None

    @property
    def problems(self) -> list[Problem]:
        return self.reader.problems

    def _held(self, parts: dict[Path, Part]) -> dict[Path, Part]:
        return {path: part for path, part in parts.items() if self.present.holds(part.met)}

    def load(self) -> Project:
        settings = self._settings()
        found = {self.folder / CONFIGURATION: [*settings.met.problems, *self._misnamed_files()]}
        secrets = set(settings.met.secrets)
        mappings: dict[str, Mapping] = {}
        drafts: list[Mapping] = []
        ids: dict[str, Path] = {}
        for path, unit in self._units().items():
            secrets |= unit.met.secrets
            found[path] = [*unit.met.problems]
            again = self._note_id(unit.id, path, ids)
            if again is not None:
                # Which of the two is meant? Neither runs, and the people of both stay as last sent.
                found[path].append(again)
                found[ids[unit.id]].append(again)
                drafts += [mappings.pop(unit.id)] if unit.id in mappings else []
            if unit.mapping is None:
                continue
            if unit.is_broken or any(problem.severity == "error" for problem in found[path]):
                drafts.append(unit.mapping)
            else:
                mappings[unit.id] = unit.mapping
        self._remember()
        shown = frozenset(value for value in secrets if value)
        every = [problem for problems in found.values() for problem in problems]
        return Project(
            self.root,
            settings.configuration,
            settings.connections,
            settings.hashes,
            mappings,
            ids,
            tuple(sorted(dict.fromkeys(hidden(every, shown)), key=_place)),
            shown,
            settings.node,
            tuple(drafts),
            {path: tuple(hidden(problems, shown)) for path, problems in found.items()},
        )

    # -- what is remembered ------------------------------------------------------------------------------------------

    def _settings(self) -> Settings:
        texts = self.kept.get(self.folder / CONFIGURATION)
        settings = self.memory.settings.get(texts is not None)
        if settings is None or settings.texts is not texts or not self.present.holds(settings.met):
            settings = self._read_settings(texts)
            self.memory.settings[texts is not None] = settings
        self.configuration_node = settings.node
        self.connection_names, self.notify_names = settings.connection_names, settings.notify_names
        return settings

    def _read_settings(self, texts: Texts | None) -> Settings:
        with self.reader.whole(texts) as met:
            configuration = self._configuration()
            connections, hashes = self._connections(self.configuration_node)
            self._notify()
        names = self.connection_names, self.notify_names
        return Settings(configuration, connections, hashes, self.configuration_node, *names, met, texts)

    def _units(self) -> dict[Path, Unit]:
        """All mapping files in their order; of those that are kept, and of the others, what they give now."""
        configuration = self.folder / CONFIGURATION
        kept = {path: self._unit(path, texts) for path, texts in self.kept.items() if path != configuration}
        lying = [*self._mapping_files()]
        units = {path: kept[path] if path in kept else self._unit(path, None) for path in sorted({*lying, *kept})}
        taken = {unit.id for unit in kept.values()}
        self.memory.units = {path: self.memory.units[path] for path in lying if path in self.memory.units}
        if kept:
            self.memory.kept = {path: self.memory.kept[path] for path in kept}
        return {path: unit for path, unit in units.items() if path in kept or unit.id not in taken}

    def _unit(self, path: Path, texts: Texts | None) -> Unit:
        memory = self.memory.units if texts is None else self.memory.kept
        names = self.connection_names, self.notify_names
        unit = memory.get(path)
        if unit is None or unit.texts is not texts or unit.names != names or not self.present.holds(unit.met):
            with self.reader.whole(texts) as met:
                mapping, name = self._mapping(path)
            if mapping is not None:
                met.secrets |= in_source(mapping.node)
            is_broken = mapping is not None and has_broken(mapping.node)
            unit = memory[path] = Unit(mapping, is_broken, name, names, met, texts)
        return unit

    def _remember(self) -> None:
        self.memory.included = self.reader.included
        self.memory.secret_files = self.reader.secret_files

    # -- configuration.yaml ------------------------------------------------------------------------------------------

    def _configuration(self) -> Configuration:
        path = self.folder / CONFIGURATION
        if not self.reader.is_file(path):
            message = _("{file} does not exist.").format(file=f"{FOLDER}/{CONFIGURATION}")
            self.reader.report(
                "no_configuration",
                message,
                _("`abgleich init` makes a new project."),
                Location(f"{FOLDER}/{CONFIGURATION}"),
            )
            return Configuration()
        node = self.reader.read(path)
        if node is None:
            return Configuration()
        if node.value is None:
            # An empty file names no connections; of one that can't be read nobody knows.
            self.connection_names = []
            return Configuration()
        self.configuration_node = node
        made = draft(Configuration, node, self.problems) or Configuration()
        self.reader.met.secrets |= in_configuration(node, CONNECTIONS)
        return made

    def _connections(self, node: Node | None) -> tuple[dict[str, Connection], dict[str, str]]:
        connections: dict[str, Connection] = {}
        hashes: dict[str, str] = {}
        listed = node.get("connections") if node is not None else None
        if node is not None and (listed is None or listed.value is None) and not node.is_broken(("connections",)):
            self.connection_names = []
        if node is None or listed is None or not isinstance(listed.value, dict):
            return connections, hashes
        self.connection_names = None if listed.broken else list(listed.value)
        for name, entry in listed.value.items():
            path: KeyPath = ("connections", name)
            if not ID.fullmatch(name):
                self.problems.append(_bad_name(name, node.locate_key(path)))
            kind = choose(CONNECTIONS, "type", entry, self.problems, path, node)
            made = parse(kind[0], entry, self.problems, path, node) if kind else None
            if made is not None:
                connections[name] = self._with_ca_file(made, (*path, "ca_file"), node)
                hashes[name] = _hash(entry)
        self._one_connection_each(connections, node)
        return connections, hashes

    def _one_connection_each(self, connections: dict[str, Connection], node: Node) -> None:
        """Two connections to one organisation would delete each other's people with every run."""
        seen: dict[tuple[str, str], str] = {}
        for name, connection in connections.items():
            if not isinstance(connection, Fe2Connection):
                continue
            place = (connection.url.casefold(), connection.access_key.get_secret_value().strip())
            other = seen.setdefault(place, name)
            if other != name:
                message = _("{name} and {other} lead to the same organisation of FE2.").format(name=name, other=other)
                hint = _("Keep one of them: each would delete the people of the other.")
                at = node.locate(("connections", name, "url"))
                self.problems.append(Problem("same_organisation", message, hint, at))

    def _with_ca_file(self, connection: Connection, path: KeyPath, node: Node) -> Connection:
        """The connection with its certificate's file as an absolute path; paths count from the project."""
        if connection.ca_file is None:
            return connection
        file = self.root / connection.ca_file
        self.reader.met.look(file)
        if not file.is_file():
            message = _("The file {file} does not exist.").format(file=connection.ca_file)
            hint = _("Put the server's certificate there; paths count from the project folder.")
            self.problems.append(Problem("ca_file_missing", message, hint, node.locate(path)))
        return connection.model_copy(update={"ca_file": str(file)})

    def _notify(self) -> None:
        """``notify`` holds addresses by name; ``default`` names some of them."""
        node = self.configuration_node
        listed = node.get("notify") if node is not None else None
        if node is None or node.is_broken(("notify",)):
            return
        entries = listed.value if listed is not None and isinstance(listed.value, dict) else {}
        self.notify_names = [name for name in entries if name != "default"]
        for name, entry in entries.items():
            path: KeyPath = ("notify", name)
            if name == "default":
                self._known_notify(entry, path, node)
            elif not isinstance(entry.value, str) and not entry.broken:
                message = _("An address is expected here.")
                hint = _("Write an Apprise address, best as !secret.")
                self.problems.append(Problem("expected_text", message, hint, node.locate(path)))

    def _known_notify(self, entry: Node | None, path: KeyPath, node: Node) -> None:
        if entry is None or self.notify_names is None:
            return
        single = not isinstance(entry.value, list)
        for index, item in enumerate([entry] if not isinstance(entry.value, list) else entry.value):
            if not isinstance(item.value, str) or item.value in self.notify_names:
                continue
            near = did_you_mean(item.value, self.notify_names)
            # An address written here in full holds a password, and no message may show it.
            shown = "…" if "://" in item.value else item.value
            message = _("The address {name} is not in configuration.yaml under notify.").format(name=shown)
            hint = _("Known are: {names}").format(names=", ".join(self.notify_names))
            if not self.notify_names:
                hint = _("There is none yet. Add one there: {line}").format(line="`leitung: mailto://…`")
            hint = _("Did you mean {name}?").format(name=near) if near else hint
            at = node.locate(path if single else (*path, index))
            self.problems.append(Problem("unknown_notify", message, hint, at))

    # -- mappings ----------------------------------------------------------------------------------------------------

    def _misnamed_files(self) -> Iterator[Problem]:
        """Mappings that an editor saved under another name: nobody would read them, and nobody would know."""
        for path in sorted(self.folder.rglob("*.txt")) if self.folder.is_dir() else ():
            if Path(path.stem).suffix.lower() in (".yaml", ".yml"):
                message = _("{name} is not read: its name ends in .txt.").format(name=path.name)
                hint = _("Rename it to {name}. Windows shows the whole name with View → File name extensions.")
                at = Location(_relative(self.root, path))
                yield Problem("name_ends_in_txt", message, hint.format(name=path.stem), at, "warning")

    def _mapping_files(self) -> Iterator[Path]:
        for path in listed(self.folder) if self.folder.is_dir() else ():
            parts = path.relative_to(self.folder).parts
            if parts != (CONFIGURATION,) and not (len(parts) > 1 and parts[0] in NOT_MAPPINGS):
                yield path

    def _note_id(self, name: str, path: Path, ids: dict[str, Path]) -> Problem | None:
        """Remember whose id this is; a problem where another file has it already."""
        if name not in ids:
            ids[name] = path
            return None
        message = _("The id {id} is used twice: {file} has it as well.").format(
            id=name, file=_relative(self.root, ids[name])
        )
        return Problem("duplicate_id", message, _("Give one of the two another id."), self._id_place(path))

    def _text_of(self, path: Path) -> str:
        """What of a file can be read: its id is looked for even where nothing else can be understood."""
        if path in self.reader.instead:
            return self.reader.instead[path]
        try:
            return path.read_bytes()[:MAX_FILE_BYTES].decode("utf-8-sig", errors="replace")
        except OSError:
            return ""

    def _id_place(self, path: Path) -> Location:
        text = self._text_of(path)
        match = _ID_LINE.search(text)
        line = text.count("\n", 0, match.start()) + 1 if match else 1
        return Location(_relative(self.root, path), line, match.start(2) - match.start() + 1 if match else 1, ("id",))

    def _mapping(self, path: Path) -> tuple[Mapping | None, str]:
        """The mapping (None with problems) and its id, which is known even where nothing else is."""
        node = self.reader.read(path)
        if node is None:
            match = _ID_LINE.search(self._text_of(path))
            return None, match[2] if match else path.stem
        if node.get("use_blueprint") is not None:
            return self._from_blueprint(node, path)
        if node.broken:
            return None, path.stem
        if node.value is None:
            message = _("The mapping is empty.")
            self.problems.append(Problem("mapping_empty", message, _("Write it, or delete the file."), node.at))
            return None, path.stem
        return self._checked(with_plurals(node), path, {})

    def _from_blueprint(self, node: Node, path: Path) -> tuple[Mapping | None, str]:
        first = len(self.problems)
        used = use_blueprint(self.reader, self.folder, node)
        mapping, name = None, _id_of(node, path)
        places: dict[KeyPath, Location] = {}
        if used is not None:
            made = with_plurals(used[0])
            mapping, name = self._checked(made, path, {name: item.plain() for name, item in used[1].items()})
            places = places_of(made, used[1])
        using = node.locate_key(("use_blueprint",))
        self.problems[first:] = [_seen(problem, using, places) for problem in self.problems[first:]]
        return (replace(mapping, used_by=using, input_places=places) if mapping is not None else None), name

    def _checked(self, node: Node, path: Path, inputs: dict[str, Any]) -> tuple[Mapping | None, str]:
        name = _id_of(node, path)
        if not ID.fullmatch(name):
            self.problems.append(_bad_name(name, node.locate(("id",)), node.get("id") is None))
        for key, word in ENTRIES.items():
            join_entries(node.get(key), word, self.problems, (key,))
        self._out_of_columns(node)
        model = draft(MappingModel, node, self.problems)
        for key in ("triggers", "conditions", "actions", "tests"):
            listed = as_list(node.get(key))
            if listed is not None and isinstance(node.value, dict):
                node.value[key] = listed
        columns = self._columns(node)
        self._source(node)
        triggers = self._entries(node, "triggers", TRIGGERS, "trigger")
        conditions = self._conditions(node)
        actions = self._actions(node)
        tests = self._tests(node)
        columns = self._named(node, columns)
        self._known_notify(node.get("notify"), ("notify",), node)
        if model is None:
            return None, name
        return Mapping(
            name, path, model, node, _hash(node, inputs), columns, triggers, conditions, actions, tests, inputs
        ), name

    def _source(self, node: Node) -> None:
        """What a source of this type must have: by default it is a file."""
        source, kind = node.get("source"), node.find(("source", "type"))
        if source is None or not isinstance(source.value, dict) or node.is_broken(("source",)):
            return
        for key in NEEDED.get(kind.value if kind is not None and isinstance(kind.value, str) else "", ("path",)):
            there = source.get(key)
            if there is None:
                message = _("The key {key} is missing.").format(key=key)
                hint = _("Add the line `{key}: …` here.").format(key=key)
                self.problems.append(Problem("key_missing", message, hint, node.locate_missing(("source", key))))
            elif not there.broken and (there.value is None or there.value == ""):
                hint = _("Write one; to mean the word null or ~ itself, put it in quotes.")
                at = node.locate(("source", key))
                self.problems.append(Problem("value_missing", _("A value is missing here."), hint, at))

    def _out_of_columns(self, node: Node) -> None:
        """Report what stands under ``columns`` and is no column there, and take it for what it is.

        Any name would do for a column: ``where`` one level too deep would else let everybody take part.
        """
        source, listed = node.get("source"), node.find(("source", "columns"))
        if source is None or listed is None or not isinstance(listed.value, dict):
            return
        base: KeyPath = ("source", "columns")
        before, above = None, ""
        known = Expect.model_fields.keys()
        for name, entry in list(listed.value.items()):
            path = (*base, name)
            is_template = isinstance(entry.value, str) and ("{{" in entry.value or "{%" in entry.value)
            is_setting = name == "expect" and isinstance(entry.value, dict) and entry.value.keys() <= known
            of_above = before is not None and name in ColumnModel.model_fields and name not in (before.value or ())
            if name in SourceModel.model_fields and (is_template or is_setting):
                self.problems.append(misplaced(path, ("source", name), node))
                listed.move(name, source)
            elif before is not None and of_above and _is_setting_of_column(name, entry):
                self.problems.append(misplaced(path, (*base, above, name), node))
                before.value = before.value or {}
                listed.move(name, before)
                continue
            elif is_template:
                message = _("A heading of the list belongs here, not a template.")
                hint = _("What is computed stands under `variables:`.")
                self.problems.append(Problem("expected_text", message, hint, node.locate(path)))
                entry.broken = True
            takes_more = entry.value is None or (isinstance(entry.value, dict) and "each" not in entry.value)
            before, above = (entry, name) if takes_more else (None, "")

    def _columns(self, node: Node) -> dict[str, AnyColumn] | None:
        listed = node.find(("source", "columns"))
        if listed is None or not isinstance(listed.value, dict):
            return None
        columns: dict[str, AnyColumn] = {}
        for name, entry in listed.value.items():
            path: KeyPath = ("source", "columns", name)
            made: AnyColumn | None = None
            if entry.broken:
                pass
            elif isinstance(entry.value, dict) and "each" in entry.value:
                made = draft(EachColumnModel, entry, self.problems, path, node)
            elif isinstance(entry.value, dict):
                made = draft(ColumnModel, entry, self.problems, path, node)
            else:
                found: list[Problem] = []
                wrapped = Node({"heading": entry}, entry.at, keys={"heading": node.locate_key(path)})
                made = draft(ColumnModel, wrapped, found)
                inner = [replace(problem.at, path=(*path, *problem.at.path[1:])) for problem in found]
                self.problems.extend(problem.located(at) for problem, at in zip(found, inner, strict=True))
            columns[name] = made or ColumnModel.model_construct(heading=(), optional=True)
        return columns

    def _named(self, node: Node, columns: dict[str, AnyColumn] | None) -> dict[str, AnyColumn] | None:
        """Columns and variables must be names; the key must be one of them.

        Gives the columns under names that they can have: templates are checked with those.
        """
        variables = node.get("variables")
        computed = list(variables.value) if variables is not None and isinstance(variables.value, dict) else []
        for word in computed:
            if not is_name(word):
                self.problems.append(_no_name(word, f"{proposed_name(word)}: …", node.locate_key(("variables", word))))
        for name in columns or {}:
            if not is_name(name):
                self.problems.append(self._no_column_name(name, node))
        key = node.find(("source", "key"))
        known = [*(columns or {}), *computed]
        right = columns
        if columns is not None:
            right = {name if is_name(name) else proposed_name(name): column for name, column in columns.items()}
        if node.is_broken(("variables",)) or node.is_broken(("source", "columns")):
            return right
        if columns is not None and key is not None and isinstance(key.value, str) and key.value not in known:
            near = did_you_mean(key.value, known)
            message = _("The key {name} is neither a column nor a variable.").format(name=key.value)
            hint = (
                _("Did you mean {name}?").format(name=near)
                if near
                else _("Known are: {names}").format(names=", ".join(known))
            )
            self.problems.append(Problem("unknown_column", message, hint, node.locate(("source", "key"))))
        return right

    def _no_column_name(self, name: str, node: Node) -> Problem:
        path: KeyPath = ("source", "columns", name)
        entry = node.find(path)
        heading = entry.value if entry is not None and isinstance(entry.value, str) else "…"
        shown = scalar(heading) if heading != "…" else heading
        return _no_name(name, f"{proposed_name(name)}: {shown}", node.locate_key(path))

    def _entries(self, node: Node, key: str, kinds: dict[str, type[Model]], word: str) -> tuple[Model, ...]:
        listed = node.get(key)
        made = []
        for index, entry in enumerate(listed.value if listed is not None and isinstance(listed.value, list) else []):
            path: KeyPath = (key, index)
            if isinstance(entry.value, dict) and "platform" in entry.value and word not in entry.value:
                entry.rename("platform", word)
            kind = choose(kinds, word, entry, self.problems, path, node)
            if kind is not None:
                before = len(self.problems)
                model = draft(kind[0], entry, self.problems, path, node)
                made += [model] if model is not None else []
                if isinstance(model, TimePatternTrigger) and len(self.problems) == before:
                    self._needs_one(model, ("hours", "minutes", "seconds"), path, node)
        return tuple(made)

    def _needs_one(self, model: Model, keys: tuple[str, ...], path: KeyPath, node: Node) -> None:
        if all(getattr(model, key) is None for key in keys):
            message = _("One of these keys is needed: {names}").format(names=", ".join(keys))
            hint = _("Add the line `{key}: …` here.").format(key=keys[0])
            self.problems.append(Problem("key_missing", message, hint, node.locate(path)))

    def _conditions(self, node: Node) -> tuple[tuple[Model, KeyPath], ...]:
        listed = node.get("conditions")
        made: list[tuple[Model, KeyPath]] = []
        for index, entry in enumerate(listed.value if listed is not None and isinstance(listed.value, list) else []):
            path: KeyPath = ("conditions", index)
            if isinstance(entry.value, str):
                made += self._bare_condition(entry, path)
                continue
            kind = choose(CONDITIONS, "condition", entry, self.problems, path, node)
            before = len(self.problems)
            model = draft(kind[0], entry, self.problems, path, node) if kind else None
            if isinstance(model, TimeCondition) and len(self.problems) == before:
                self._needs_one(model, ("after", "before", "weekday"), path, node)
            if model is not None:
                made.append((model, (*path, "value_template") if isinstance(model, TemplateCondition) else path))
        return tuple(made)

    def _bare_condition(self, entry: Node, path: KeyPath) -> Iterator[tuple[Model, KeyPath]]:
        """A condition that is written as its template alone."""
        found: list[Problem] = []
        wrapped = Node({"value_template": entry}, entry.at, keys={"value_template": entry.at})
        model = draft(TemplateCondition, wrapped, found)
        self.problems.extend(problem.located(replace(problem.at, path=path)) for problem in found)
        if model is not None:
            yield model, path

    def _actions(self, node: Node) -> tuple[Action, ...]:
        listed = node.get("actions")
        made: list[Action] = []
        taken: set[str] = set()
        entries = listed.value if listed is not None and isinstance(listed.value, list) else []
        if listed is not None and not entries and not listed.broken:
            message = _("A mapping needs at least one action.")
            self.problems.append(
                Problem("no_actions", message, _("Add fe2.sync or greyhound.sync."), node.locate_key(("actions",)))
            )
        for index, entry in enumerate(entries):
            path: KeyPath = ("actions", index)
            model = draft(ActionModel, entry, self.problems, path, node)
            self._connection_of(entry, path, node)
            given, kind = entry.get("id"), entry.get("action")
            own = given is not None and isinstance(given.value, str)
            word = given if own else kind
            name = str(word.value) if word is not None and isinstance(word.value, str) else f"action_{index + 1}"
            if own and name in taken:
                message = _("The id {id} is used by two actions.").format(id=name)
                self.problems.append(
                    Problem("duplicate_id", message, _("Give one of the two another id."), node.locate((*path, "id")))
                )
            name = next(free for free in _numbered(name) if free not in taken)
            taken.add(name)
            if model is not None:
                made.append(Action(name, model, path))
        return tuple(made)

    def _connection_of(self, entry: Node, path: KeyPath, node: Node) -> None:
        word = entry.get("connection")
        if word is None or not isinstance(word.value, str) or self.connection_names is None:
            return
        if not word.value.strip() or word.value in self.connection_names:
            return
        near = did_you_mean(word.value, self.connection_names)
        message = _("The connection {name} is not in configuration.yaml.").format(name=word.value)
        hint = _("Known are: {names}").format(names=", ".join(self.connection_names))
        if not self.connection_names:
            line = f"`{word.value}: {{type: …, url: …}}`"
            hint = _("There is none yet. Add it there under `connections:`: {line}").format(line=line)
        hint = _("Did you mean {name}?").format(name=near) if near else hint
        self.problems.append(Problem("unknown_connection", message, hint, node.locate((*path, "connection"))))

    def _tests(self, node: Node) -> tuple[TestModel, ...]:
        listed = node.get("tests")
        made = []
        for index, entry in enumerate(listed.value if listed is not None and isinstance(listed.value, list) else []):
            model = draft(TestModel, entry, self.problems, ("tests", index), node)
            made += [model] if model is not None else []
        return tuple(made)


def _seen(problem: Problem, using: Location, places: Map[KeyPath, Location]) -> Problem:
    """A mistake in a blueprint with the line that uses it; one in an input's value with the place where that went."""
    if problem.at.file != using.file:
        return problem.seen_from(using)
    way = problem.at.path
    place = next((places[way[:length]] for length in range(len(way), 0, -1) if way[:length] in places), None)
    if place is None or place.file is None:
        return problem
    # A blueprint that comes with the program is known by its name.
    file = Path(place.file).name if Path(place.file).is_absolute() else place.file
    return replace(problem, used_by=(replace(place, file=file),))


def _place(problem: Problem) -> tuple[str, int, int]:
    return problem.at.file or "", problem.at.line or 0, problem.at.column or 0


def _hash(node: Node, inputs: dict[str, Any] | None = None) -> str:
    """What changes with any value; the inputs of a blueprint are also names in its templates."""
    return hashlib.sha256(json.dumps([node.fingerprint(), inputs or {}], sort_keys=True).encode()).hexdigest()


def _id_of(node: Node, path: Path) -> str:
    word = node.get("id")
    return word.value if word is not None and isinstance(word.value, str) and word.value else path.stem


def _bad_name(name: str, at: Location, of_file: bool = False) -> Problem:
    message = _("{name} can't be a name.").format(name=name)
    hint = _("Use letters, digits, `_`, `-` and `.`, at most 100.")
    if of_file:
        hint = _("Write `id: …` into the file, or rename it.") + " " + hint
    return Problem("bad_name", message, hint, at)


def _no_name(name: str, line: str, at: Location) -> Problem:
    message = _("{name} can't be a name in templates.").format(name=name)
    hint = _("A name has letters, digits and _ only, and no digit first; {reserved} and the like are taken.").format(
        reserved=", ".join(("row", "source", "if", "none"))
    )
    return Problem("bad_name", message, hint + " " + _("Write: {line}").format(line=f"`{line}`"), at)


def _is_setting_of_column(name: str, entry: Node) -> bool:
    """Whether a name under ``columns`` is one of a column's own keys, by what stands behind it."""
    if name == "heading":
        return True
    return isinstance(entry.value, str) and entry.value.casefold() in (*TRUE_WORDS, *FALSE_WORDS, "filled")


def _numbered(name: str) -> Iterator[str]:
    yield name
    for number in count(2):
        yield f"{name}_{number}"
