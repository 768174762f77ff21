"""Blueprints (dsl.md §7): a mapping with a ``blueprint:`` head and ``!input name`` anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.config.node import Node
from engine.config.parse import draft, parse, unknown_key
from engine.config.schema import BlueprintHead, BlueprintInput, UseBlueprint
from engine.config.yaml import Reader
from engine.data import data_folder
from engine.i18n import _
from engine.problems import Location, Problem, did_you_mean
from engine.problems import Path as KeyPath

HEAD = "blueprint"
FOLDER = "blueprints"
OWN_KEYS = ("id", "alias", "description", "enabled", "expect_every", "notify", "tests")


def use(reader: Reader, folder: Path, node: Node) -> tuple[Node, dict[str, Node]] | None:
    """The mapping that ``use_blueprint`` makes, and its inputs; None and problems where it can't be made.

    Beside ``use_blueprint`` a mapping may describe itself (:data:`OWN_KEYS`).
    """
    using = node.get("use_blueprint")
    assert using is not None and isinstance(node.value, dict)
    for key in node.value:
        if key != "use_blueprint" and key not in OWN_KEYS:
            reader.problems.append(unknown_key(key, ["use_blueprint", *OWN_KEYS], node, (key,)))
    model = parse(UseBlueprint, using, reader.problems, ("use_blueprint",), node)
    path = _file(reader, folder, model.path, node.locate(("use_blueprint", "path"))) if model is not None else None
    before = len(reader.problems)
    head = reader.read(path, only=HEAD) if path is not None else None
    if head is not None:
        del reader.problems[before:]  # the whole file is read again, with its inputs
    inputs = _inputs(reader, head, using, node) if head is not None else None
    body = reader.read(path, inputs=inputs) if path is not None and inputs is not None else None
    if body is None or inputs is None or not isinstance(body.value, dict):
        return None
    own = {key: value for key, value in node.value.items() if key in OWN_KEYS}
    values = {key: value for key, value in body.value.items() if key != HEAD} | own
    keys = body.keys | {key: node.keys[key] for key in own}
    return Node(values, body.at, keys=keys, weight=body.weight), inputs


def places_of(made: Node, inputs: dict[str, Node]) -> dict[KeyPath, Location]:
    """The ways to the values that came from inputs in the mapping made, and where the blueprint names each of them."""
    given = {id(node) for node in inputs.values()}

    def found(node: Node, way: KeyPath) -> Iterator[tuple[KeyPath, Location]]:
        below = node.value.items() if isinstance(node.value, dict) else enumerate(node.value or ())
        for part, item in below:
            if not isinstance(item, Node):
                continue
            if id(item) in given:
                yield (*way, part), node.keys.get(str(part), node.at)
            else:
                yield from found(item, (*way, part))

    return dict(found(made, ()))


@dataclass(frozen=True, slots=True)
class Input:
    """An input as its blueprint describes it; ``default`` is None where it is ``needed``."""

    name: str
    title: str
    description: str
    needed: bool
    default: Any

    @property
    def shown_default(self) -> str:
        """The default on one line; empty for an empty one."""
        if not self.default:
            return ""
        return self.default if isinstance(self.default, str) else json.dumps(self.default, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Described:
    """A blueprint as its head describes it."""

    file: str
    name: str
    description: str
    inputs: tuple[Input, ...]

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return asdict(self)


def described(path: Path) -> Described:
    """What the head of a ready blueprint says."""
    node = Reader(path.parent, path.parent).read(path, only=HEAD)
    head = node.plain() if node is not None else {}
    inputs = tuple(
        Input(name, entry.get("name", ""), entry.get("description", ""), "default" not in entry, entry.get("default"))
        for name, entry in head.get("input", {}).items()
    )
    return Described(path.name, head.get("name", ""), head.get("description", ""), inputs)


def ready_blueprints() -> dict[str, Path]:
    """The blueprints that come with the program, by the names of their files.

    A project uses them like its own; a file of its own with the same name comes first.
    """
    return {path.name: path for path in sorted((data_folder("mappings") / FOLDER).glob("*.yaml"))}


def _file(reader: Reader, folder: Path, name: str, at: Location) -> Path | None:
    path = reader.inside(folder / FOLDER / name, name, at)
    if path is None or reader.is_file(path):
        return path
    ready = ready_blueprints()
    if name in ready:
        return ready[name]
    reader.met.again = True
    near = did_you_mean(name, [*(item.name for item in (folder / FOLDER).glob("*.y*ml")), *ready])
    message = _("The blueprint {file} does not exist.").format(file=f"{folder.name}/{FOLDER}/{name}")
    hint = _("Did you mean {name}?").format(name=near)
    if not near:
        hint = _("Blueprints lie in mappings/blueprints/. `abgleich blueprints` shows the ready ones.")
    reader.problems.append(Problem("blueprint_missing", message, hint, at))
    return None


def _inputs(reader: Reader, head: Node, using: Node, node: Node) -> dict[str, Node] | None:
    above = Node({HEAD: head}, head.at)
    model = draft(BlueprintHead, head, reader.problems, (HEAD,), above)
    if model is None:
        return None
    given = using.get("input")
    values = given.value if given is not None and isinstance(given.value, dict) else {}
    inputs: dict[str, Node] = {}
    unknown = [name for name in values if name not in model.input]
    meant = {did_you_mean(name, model.input) for name in unknown}
    for name in model.input:
        entry = head.find(("input", name))
        described = entry is not None and entry.value is not None
        if described and entry is not None:
            draft(BlueprintInput, entry, reader.problems, (HEAD, "input", name), above)
        default = entry.get("default") if entry is not None else None
        path = ("use_blueprint", "input", name)
        if name in values and (values[name].value is not None or values[name].broken):
            inputs[name] = values[name]
        elif default is not None:
            inputs[name] = default
        else:
            at = node.locate_key(path) if name in values else node.locate_missing(path)
            if name not in meant:
                message = _("The blueprint needs the input {name}.").format(name=name)
                hint = _("Add the line `{key}: …` under `input:`.").format(key=name)
                if name in values:
                    hint = _("Write its value behind `{key}:`.").format(key=name)
                reader.problems.append(Problem("input_missing", message, hint, at))
            inputs[name] = Node(None, at, broken=True)
    for name in unknown:
        reader.problems.append(unknown_key(name, list(model.input), node, ("use_blueprint", "input", name)))
    return inputs
