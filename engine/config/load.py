"""A project folder -> :class:`Project`: the mappings that are good, and all problems of all files at once."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.config.blueprint import use as use_blueprint
from engine.config.find import CONFIGURATION, FOLDER, STATE_FOLDER
from engine.config.names import RESERVED_NAMES
from engine.config.parse import as_list, choose, parse, unknown_key, with_plurals
from engine.config.schema import (
    CONDITIONS,
    CONNECTIONS,
    TRIGGERS,
    ActionModel,
    ColumnModel,
    Configuration,
    Connection,
    MappingModel,
    Model,
    TemplateCondition,
    TestModel,
)
from engine.config.yaml import Node, Reader, yaml_files
from engine.i18n import _
from engine.problems import Location, Problem, did_you_mean
from engine.problems import Path as KeyPath

NOT_MAPPINGS = ("blueprints", "tables")

_ID = re.compile(r"[\w][\w.-]{0,99}")
_ID_LINE = re.compile(r"^id:[ \t]*([\"']?)([^\s\"'#]+)\1", re.MULTILINE)
_WORD = re.compile(r"[^\W\d]\w*")


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
    model: MappingModel
    node: Node
    hash: str
    columns: dict[str, ColumnModel] | None
    triggers: tuple[Model, ...]
    conditions: tuple[tuple[Model, KeyPath], ...]
    actions: tuple[Action, ...]
    tests: tuple[TestModel, ...]
    inputs: dict[str, Any] = field(default_factory=dict)
    used_by: Location | None = None


@dataclass(frozen=True)
class Project:
    """What a folder holds. ``ids`` names the file of every mapping, also of those with problems."""

    root: Path
    configuration: Configuration
    connections: dict[str, Connection]
    connection_hashes: dict[str, str]
    mappings: dict[str, Mapping]
    ids: dict[str, Path]
    problems: tuple[Problem, ...]
    secrets: frozenset[str]
    configuration_node: Node | None = None

    @property
    def state_folder(self) -> Path:
        """Where the state lives; never in git."""
        return self.root / STATE_FOLDER

    def errors_of(self, file: Path) -> list[Problem]:
        """The errors that keep a mapping from running: its own and those of ``configuration.yaml``."""
        names = {_relative(self.root, file), f"{FOLDER}/{CONFIGURATION}", f"{FOLDER}/secrets.yaml"}
        return [p for p in self.problems if p.severity == "error" and (p.at.file in names or _used_in(p, names))]


def _used_in(problem: Problem, names: set[str]) -> bool:
    return problem.used_by is not None and problem.used_by.file in names


def _relative(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def load(root: Path) -> Project:
    """Read a whole project. Never raises for what stands in the files: see ``Project.problems``."""
    return _Loader(root.resolve()).load()


class _Loader:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / FOLDER
        self.reader = Reader(root, self.folder)
        self.problems = self.reader.problems
        self.configuration_node: Node | None = None
        self.connection_names: list[str] = []

    def load(self) -> Project:
        configuration = self._configuration()
        connections, hashes = self._connections(self.configuration_node)
        mappings: dict[str, Mapping] = {}
        ids: dict[str, Path] = {}
        for path in self._mapping_files():
            first = len(self.problems)
            loaded, name = self._mapping(path)
            self._note_id(name, path, ids)
            if loaded is not None and all(p.severity != "error" for p in self.problems[first:]):
                mappings[name] = loaded
        return Project(
            self.root,
            configuration,
            connections,
            hashes,
            mappings,
            ids,
            tuple(sorted(dict.fromkeys(self.problems), key=_place)),
            frozenset(value for value in self.reader.secrets.values() if value),
            self.configuration_node,
        )

    # -- configuration.yaml ------------------------------------------------------------------------------------------

    def _configuration(self) -> Configuration:
        path = self.folder / CONFIGURATION
        if not path.is_file():
            message = _("{file} does not exist.").format(file=f"{FOLDER}/{CONFIGURATION}")
            self.reader.report(
                "no_configuration",
                message,
                _("`abgleich init` makes a new project."),
                Location(f"{FOLDER}/{CONFIGURATION}"),
            )
            return Configuration()
        node = self.reader.read(path)
        if node is None or node.value is None:
            return Configuration()
        self.configuration_node = node
        return parse(Configuration, node, self.problems) or Configuration()

    def _connections(self, node: Node | None) -> tuple[dict[str, Connection], dict[str, str]]:
        connections: dict[str, Connection] = {}
        hashes: dict[str, str] = {}
        listed = node.get("connections") if node is not None else None
        if node is None or listed is None or not isinstance(listed.value, dict):
            return connections, hashes
        self.connection_names = list(listed.value)
        for name, entry in listed.value.items():
            path: KeyPath = ("connections", name)
            if not _ID.fullmatch(name):
                self.problems.append(_bad_name(name, node.locate_key(path)))
            kind = choose(CONNECTIONS, "type", entry, self.problems, path, node)
            made = parse(kind[0], entry, self.problems, path, node) if kind else None
            if made is not None:
                connections[name] = made
                hashes[name] = _hash(entry)
        return connections, hashes

    # -- mappings ----------------------------------------------------------------------------------------------------

    def _mapping_files(self) -> Iterator[Path]:
        for path in sorted(yaml_files(self.folder)) if self.folder.is_dir() else []:
            parts = path.relative_to(self.folder).parts
            if path.name != CONFIGURATION and not (len(parts) > 1 and parts[0] in NOT_MAPPINGS):
                yield path

    def _note_id(self, name: str, path: Path, ids: dict[str, Path]) -> None:
        if name in ids:
            other = _relative(self.root, ids[name])
            node_at = self._id_place(path)
            message = _("The id {id} is used twice: {file} has it as well.").format(id=name, file=other)
            self.problems.append(Problem("duplicate_id", message, _("Give one of the two another id."), node_at))
        else:
            ids[name] = path

    def _id_place(self, path: Path) -> Location:
        text = path.read_text("utf-8", errors="replace")
        match = _ID_LINE.search(text)
        line = text.count("\n", 0, match.start()) + 1 if match else 1
        return Location(_relative(self.root, path), line, match.start(2) - match.start() + 1 if match else 1, ("id",))

    def _mapping(self, path: Path) -> tuple[Mapping | None, str]:
        """The mapping (None with problems) and its id, which is known even where nothing else is."""
        node = self.reader.read(path)
        if node is None:
            match = _ID_LINE.search(path.read_text("utf-8", errors="replace")) if path.is_file() else None
            return None, match[2] if match else path.stem
        if node.get("use_blueprint") is not None:
            return self._from_blueprint(node, path)
        if node.value is None:
            message = _("The mapping is empty.")
            self.problems.append(Problem("mapping_empty", message, _("Write it, or delete the file."), node.at))
            return None, path.stem
        return self._checked(with_plurals(node), path, {})

    def _from_blueprint(self, node: Node, path: Path) -> tuple[Mapping | None, str]:
        first = len(self.problems)
        used = use_blueprint(self.reader, self.folder, node)
        mapping = self._checked(with_plurals(used[0]), path, used[1])[0] if used is not None else None
        using = node.locate_key(("use_blueprint",))
        self.problems[first:] = [_also_at(problem, using) for problem in self.problems[first:]]
        return (replace(mapping, used_by=using) if mapping is not None else None), _id_of(node, path)

    def _checked(self, node: Node, path: Path, inputs: dict[str, Any]) -> tuple[Mapping | None, str]:
        name = _id_of(node, path)
        if not _ID.fullmatch(name):
            self.problems.append(_bad_name(name, node.locate(("id",))))
        for key in ("triggers", "conditions", "actions", "tests"):
            listed = as_list(node.get(key))
            if listed is not None and isinstance(node.value, dict):
                node.value[key] = listed
        model = parse(MappingModel, node, self.problems)
        columns = self._columns(node)
        triggers = self._entries(node, "triggers", TRIGGERS, "trigger")
        conditions = self._conditions(node)
        actions = self._actions(node)
        tests = self._tests(node, [action.id for action in actions])
        self._names(node, columns)
        if model is None:
            return None, name
        return Mapping(
            name, path, model, node, _hash(node), columns, triggers, conditions, actions, tests, inputs
        ), name

    def _columns(self, node: Node) -> dict[str, ColumnModel] | None:
        listed = node.find(("source", "columns"))
        if listed is None or not isinstance(listed.value, dict):
            return None
        columns: dict[str, ColumnModel] = {}
        for name, entry in listed.value.items():
            path: KeyPath = ("source", "columns", name)
            if isinstance(entry.value, dict):
                made = parse(ColumnModel, entry, self.problems, path, node)
            else:
                found: list[Problem] = []
                wrapped = Node({"heading": entry}, entry.at, keys={"heading": entry.at})
                made = parse(ColumnModel, wrapped, found)
                self.problems += [problem.located(node.locate(path)) for problem in found]
            columns[name] = made or ColumnModel.model_construct(heading=(), optional=True)
        return columns

    def _names(self, node: Node, columns: dict[str, ColumnModel] | None) -> None:
        """Columns and variables must be names; the key must be one of them."""

        variables = node.get("variables")
        computed = list(variables.value) if variables is not None and isinstance(variables.value, dict) else []
        places: list[tuple[str, KeyPath]] = [(name, ("source", "columns", name)) for name in columns or {}]
        places += [(name, ("variables", name)) for name in computed]
        for name, path in places:
            if not _WORD.fullmatch(name) or name in RESERVED_NAMES:
                message = _("{name} can't be a name in templates.").format(name=name)
                hint = _("Use letters, digits and _ only, none of the words templates need themselves, no digit first.")
                self.problems.append(Problem("bad_name", message, hint, node.locate_key(path)))
        key = node.find(("source", "key"))
        known = [*(columns or {}), *computed]
        if columns is not None and key is not None and isinstance(key.value, str) and key.value not in known:
            near = did_you_mean(key.value, known)
            message = _("The key {name} is neither a column nor a variable.").format(name=key.value)
            hint = (
                _("Did you mean {name}?").format(name=near)
                if near
                else _("Known are: {names}").format(names=", ".join(known))
            )
            self.problems.append(Problem("unknown_column", message, hint, node.locate(("source", "key"))))

    def _entries(self, node: Node, key: str, kinds: dict[str, type[Model]], word: str) -> tuple[Model, ...]:
        listed = node.get(key)
        made = []
        for index, entry in enumerate(listed.value if listed is not None and isinstance(listed.value, list) else []):
            path: KeyPath = (key, index)
            named = _renamed(entry, "platform", word)
            kind = choose(kinds, word, named, self.problems, path, node)
            if kind is not None:
                model = parse(kind[0], named, self.problems, path, node)
                made += [model] if model is not None else []
        return tuple(made)

    def _conditions(self, node: Node) -> tuple[tuple[Model, KeyPath], ...]:
        listed = node.get("conditions")
        made: list[tuple[Model, KeyPath]] = []
        for index, entry in enumerate(listed.value if listed is not None and isinstance(listed.value, list) else []):
            path: KeyPath = ("conditions", index)
            if isinstance(entry.value, str):
                made.append((TemplateCondition(value_template=entry.value), path))
                continue
            kind = choose(CONDITIONS, "condition", entry, self.problems, path, node)
            model = parse(kind[0], entry, self.problems, path, node) if kind else None
            if model is not None:
                made.append((model, (*path, "value_template") if isinstance(model, TemplateCondition) else path))
        return tuple(made)

    def _actions(self, node: Node) -> tuple[Action, ...]:
        listed = node.get("actions")
        made: list[Action] = []
        taken: dict[str, int] = {}
        entries = listed.value if listed is not None and isinstance(listed.value, list) else []
        if listed is not None and not entries:
            message = _("A mapping needs at least one action.")
            self.problems.append(
                Problem("no_actions", message, _("Add fe2.sync or greyhound.sync."), node.locate(("actions",)))
            )
        for index, entry in enumerate(entries):
            path: KeyPath = ("actions", index)
            model = parse(ActionModel, entry, self.problems, path, node)
            self._connection_of(entry, path, node)
            word = entry.get("id") or entry.get("action")
            name = str(word.value) if word is not None and isinstance(word.value, str) else f"action_{index + 1}"
            taken[name] = taken.get(name, 0) + 1
            if taken[name] > 1 and entry.get("id") is not None:
                message = _("The id {id} is used by two actions.").format(id=name)
                self.problems.append(
                    Problem("duplicate_id", message, _("Give one of the two another id."), node.locate((*path, "id")))
                )
            name = name if taken[name] == 1 else f"{name}_{taken[name]}"
            if model is not None:
                made.append(Action(name, model, path))
        return tuple(made)

    def _connection_of(self, entry: Node, path: KeyPath, node: Node) -> None:
        word = entry.get("connection")
        if word is None or not isinstance(word.value, str) or word.value in self.connection_names:
            return
        near = did_you_mean(word.value, self.connection_names)
        known = ", ".join(self.connection_names) or "–"
        message = _("The connection {name} is not in configuration.yaml.").format(name=word.value)
        hint = _("Did you mean {name}?").format(name=near) if near else _("Known are: {names}").format(names=known)
        self.problems.append(Problem("unknown_connection", message, hint, node.locate((*path, "connection"))))

    def _tests(self, node: Node, actions: list[str]) -> tuple[TestModel, ...]:
        listed = node.get("tests")
        made = []
        for index, entry in enumerate(listed.value if listed is not None and isinstance(listed.value, list) else []):
            model = parse(TestModel, entry, self.problems, ("tests", index), node)
            expected = entry.get("expect")
            names = list(expected.value) if expected is not None and isinstance(expected.value, dict) else []
            for name in names:
                if actions and name not in actions:
                    self.problems.append(unknown_key(name, actions, node, ("tests", index, "expect", name)))
            made += [model] if model is not None else []
        return tuple(made)


def _also_at(problem: Problem, using: Location) -> Problem:
    return problem if problem.at.file == using.file else replace(problem, used_by=using)


def _place(problem: Problem) -> tuple[str, int, int]:
    return problem.at.file or "", problem.at.line or 0, problem.at.column or 0


def _hash(node: Node) -> str:
    return hashlib.sha256(json.dumps(node.fingerprint(), sort_keys=True).encode()).hexdigest()


def _id_of(node: Node, path: Path) -> str:
    word = node.get("id")
    return word.value if word is not None and isinstance(word.value, str) and word.value else path.stem


def _bad_name(name: str, at: Location) -> Problem:
    message = _("{name} can't be a name.").format(name=name)
    return Problem("bad_name", message, _("Use letters, digits, `_`, `-` and `.`, at most 100."), at)


def _renamed(node: Node, old: str, new: str) -> Node:
    if not isinstance(node.value, dict) or old not in node.value or new in node.value:
        return node
    values = {new if key == old else key: value for key, value in node.value.items()}
    keys = {new if key == old else key: at for key, at in node.keys.items()}
    return Node(values, node.at, keys=keys, weight=node.weight)
