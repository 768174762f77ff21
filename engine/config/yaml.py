"""The ruamel door: text -> a tree of nodes that know where they stand, every scalar as text, tags resolved.

YAML's own ideas about numbers, dates and truth are not used (dsl.md §1): ``01067``, ``no`` and ``12:30`` stay as typed.
Everything wrong in a file becomes a problem; a mistake that is understood is mended in memory so that the ones behind
it are found in the same go.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from engine.i18n import _
from engine.problems import Location, Problem, did_you_mean
from engine.problems import Path as KeyPath

MAX_FILE_BYTES = 1 << 20
MAX_NODES = 100_000
MAX_INCLUDE_DEPTH = 20
MAX_REPAIRS = 50
NULLS = frozenset({"", "~", "null", "Null", "NULL"})
TAGS = (
    "!secret",
    "!env_var",
    "!include",
    "!include_dir_list",
    "!include_dir_named",
    "!include_dir_merge_list",
    "!include_dir_merge_named",
    "!input",
)

_UNQUOTED = re.compile(r"^(?P<head>\s*(?:-\s+)*(?:[^\s#'\"{][^#'\"{]*?:\s+)?)(?P<value>\{[{%].*?)\s*$")
_TAB = re.compile(r"^[ ]*\t[ \t]*")


@dataclass(slots=True)
class Node:
    """A value of a YAML file with its place.

    ``value`` is text, None (nothing, ``~``, ``null``), a list of nodes or a dict of nodes. ``raw`` is the scalar as it
    stands in the file, quotes and all, so that a place inside of it can be found. ``secret`` names the secret a text
    came from.
    """

    value: str | list[Node] | dict[str, Node] | None
    at: Location
    raw: str = ""
    style: str | None = None
    secret: str | None = None
    keys: dict[str, Location] = field(default_factory=dict)
    weight: int = 1

    def plain(self) -> Any:
        """Texts, lists and dicts without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def fingerprint(self) -> Any:
        """Like :meth:`plain`, with the names of secrets instead of their values."""
        if self.secret is not None:
            return f"!secret {self.secret}"
        if isinstance(self.value, dict):
            return {key: node.fingerprint() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.fingerprint() for node in self.value]
        return self.value

    def get(self, key: str) -> Node | None:
        """The node under ``key`` of a mapping; None where there is none."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def find(self, path: KeyPath) -> Node | None:
        """The node at ``path``, or None where the path leads nowhere."""
        node: Node | None = self
        for part in path:
            if isinstance(node, Node) and isinstance(node.value, dict):
                node = node.value.get(str(part))
            elif isinstance(node, Node) and isinstance(node.value, list) and isinstance(part, int):
                node = node.value[part] if part < len(node.value) else None
            else:
                return None
        return node

    def locate(self, path: KeyPath) -> Location:
        """Where ``path`` stands; the nearest place above it where it stands nowhere. The path itself is kept."""
        node = self
        for index, part in enumerate(path):
            below = node.find((part,))
            if below is None:
                break
            if index == len(path) - 1 and below.value is None and isinstance(node.value, dict):
                return replace(node.keys.get(str(part), below.at), path=path)
            node = below
        return replace(node.at, path=path)

    def locate_key(self, path: KeyPath) -> Location:
        """Where the key that ends ``path`` stands."""
        parent = self.find(path[:-1]) if path else None
        if parent is not None and path and str(path[-1]) in parent.keys:
            return replace(parent.keys[str(path[-1])], path=path)
        return self.locate(path)

    def locate_text(self, path: KeyPath, needle: str | None, line: int | None = None) -> Location:
        """The place of ``needle`` inside the text at ``path``, on its ``line`` (from 1) where several stand there."""
        node = self.find(path)
        if node is None or not node.raw or node.at.line is None or node.at.column is None:
            return self.locate(path)
        lines = node.raw.splitlines() or [""]
        block = node.style in ("|", ">")
        offset = line if block and line is not None else (line or 1) - 1
        order = sorted(range(len(lines)), key=lambda index: (abs(index - offset), index))
        found = _find_in(lines, needle, order) if needle else None
        if found is None:
            if not (block and line is not None and offset < len(lines)):
                return replace(node.at, path=path)
            text = lines[offset]
            found = (offset, len(text) - len(text.lstrip()))
        row, column = found
        first = node.at.column if row == 0 else 1
        return Location(node.at.file, node.at.line + row, first + column, path)


def _find_in(lines: list[str], needle: str, order: list[int]) -> tuple[int, int] | None:
    # As a word first (`nr` is not the start of `nrx`), then anywhere.
    word = re.compile(rf"(?<!\w){re.escape(needle)}(?!\w)")
    for index in order:
        if match := word.search(lines[index]):
            return index, match.start()
    for index in order:
        column = lines[index].find(needle)
        if column >= 0:
            return index, column
    return None


@dataclass
class Reader:
    """Reads files of one project. Problems and secrets met along the way are gathered on it.

    ``root`` is the project folder: nothing outside is ever included, also not through a symlink. ``secrets_root`` is
    the folder up to which ``secrets.yaml`` is looked for, starting beside the file that asks.
    """

    root: Path
    secrets_root: Path
    problems: list[Problem] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    _secret_files: dict[Path, Node | None] = field(default_factory=dict)
    _stack: tuple[Path, ...] = ()

    def read(self, path: Path, inputs: dict[str, Node] | None = None, only: str | None = None) -> Node | None:
        """The tree of a file. None (and a problem) if it can't be read.

        ``inputs`` are what ``!input`` names; with ``only``, just what stands under that key of the top level.
        """
        text = self._text(path)
        if text is None:
            return None
        name = self.relative(path)
        if "\t" in text:
            text = self._mend_tabs(text, name)
        root, text = self._compose(text, name)
        if root is None:
            return None
        if only is not None:
            root = _under(root, only)
            if root is None:
                message = _("The key {key} is missing.").format(key=only)
                self.report("key_missing", message, _("Add it here."), Location(name, 1, 1))
                return None
        return _Builder(self, path, name, text, inputs).build_root(root)

    def report(self, code: str, message: str, hint: str = "", at: Location = Location()) -> None:
        """Note a problem and go on."""
        self.problems.append(Problem(code, message, hint, at))

    def relative(self, path: Path) -> str:
        """The file's name as the user knows it: relative to the project, with forward slashes."""
        try:
            return path.relative_to(self.root).as_posix()
        except ValueError:
            return str(path)

    def _text(self, path: Path) -> str | None:
        name = self.relative(path)
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                self.report(
                    "file_too_large",
                    _("{file} is larger than 1 MiB.").format(file=name),
                    _("A mapping is a few pages of text. Is this a list that was put into the wrong folder?"),
                    Location(name),
                )
                return None
            data = path.read_bytes()
        except OSError as error:
            self.report(
                "file_unreadable",
                _("{file} can't be read: {reason}").format(file=name, reason=error.strerror or type(error).__name__),
                _("Check the file's name and its permissions."),
                Location(name),
            )
            return None
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self.report(
                "file_not_utf8",
                _("{file} is not saved as UTF-8.").format(file=name),
                _("Save it with the encoding UTF-8 in the editor."),
                Location(name, line, 1),
            )
            return None

    def _mend_tabs(self, text: str, name: str) -> str:
        lines = text.split("\n")
        for index, line in enumerate(lines):
            match = _TAB.match(line)
            if match and line.strip():
                blanks = _indent_after(lines[:index])
                self.report(
                    "tab_indentation",
                    _("A tab stands where only blanks may stand."),
                    _("Replace it by blanks: {line}").format(line=f"`{blanks}{line.strip()}`"),
                    Location(name, index + 1, match.group().index("\t") + 1),
                )
                lines[index] = blanks + line[match.end() :]
        return "\n".join(lines)

    def _compose(self, text: str, name: str) -> tuple[Any, str]:
        """The node graph, after mending what is understood (a template without quotes), and the text it came from."""
        for _attempt in range(MAX_REPAIRS):
            try:
                return YAML(typ="safe", pure=True).compose(text), text
            except RecursionError:
                self.report("yaml_too_deep", _("The file is nested too deeply."), "", Location(name, 1, 1))
                return None, text
            except MarkedYAMLError as error:
                mended = self._mend_template(text, name, error)
                if mended is None:
                    self._syntax(error, name, text)
                    return None, text
                text = mended
            except (YAMLError, ValueError) as error:
                self._unreadable(error, name, text)
                return None, text
        return None, text

    def _mend_template(self, text: str, name: str, error: MarkedYAMLError) -> str | None:
        """The text with the template without quotes that caused ``error`` put in quotes; None if that's not the cause.

        The error is often seen one line late, so the lines before the mark are looked at as well.
        """
        lines = text.split("\n")
        mark = error.problem_mark or error.context_mark
        last = min(mark.line if mark else 0, len(lines) - 1)
        first = error.context_mark.line if error.context_mark else last
        for index in range(last, max(min(first, last) - 1, last - 3, -1), -1):
            match = _UNQUOTED.match(lines[index].rstrip("\r"))
            if match:
                corrected = match["head"] + _quoted(match["value"])
                self._template_without_quotes(corrected, Location(name, index + 1, len(match["head"]) + 1))
                lines[index] = corrected
                return "\n".join(lines)
        return None

    def _template_without_quotes(self, corrected: str, at: Location) -> None:
        self.report(
            "template_without_quotes",
            _("A template must stand in quotes."),
            _("Write: {line}").format(line=f"`{corrected.strip()}`"),
            at,
        )

    def _syntax(self, error: MarkedYAMLError, name: str, text: str) -> None:
        mark = error.problem_mark or error.context_mark
        at = Location(name, mark.line + 1, mark.column + 1) if mark else Location(name, 1, 1)
        problem = str(error.problem or "")
        lines = text.split("\n")
        line = lines[at.line - 1].strip() if at.line and at.line <= len(lines) else ""
        code, message, hint = _explain_syntax(problem, str(error.context or ""), line)
        self.report(code, message, hint, at)

    def _unreadable(self, error: Exception, name: str, text: str) -> None:
        position = getattr(error, "position", None)
        line = text.count("\n", 0, position) + 1 if isinstance(position, int) else 1
        self.report(
            "yaml_character",
            _("The file holds a character that can't stand in YAML."),
            _("Remove it; it is often invisible (a NUL byte or another control character)."),
            Location(name, line, 1),
        )

    # -- tags ------------------------------------------------------------------------------------------------------

    def secret(self, name: str, asking: Path, at: Location) -> Node:
        """The value of ``!secret name``; an empty text and a problem where there is none."""
        known: set[str] = set()
        for folder in [asking.parent, *asking.parent.parents]:
            values = self._secrets_in(folder)
            if values is not None and isinstance(values.value, dict):
                found = values.value.get(name)
                if found is not None and isinstance(found.value, str):
                    self.secrets[name] = found.value
                    return Node(found.value, at, secret=name)
                known |= values.value.keys()
            if folder == self.secrets_root or folder == self.root:
                break
        near = did_you_mean(name, known)
        hint = (
            _("Did you mean {name}?").format(name=near)
            if near
            else _("Add the line `{name}: …` to mappings/secrets.yaml (see secrets.example.yaml beside it).").format(
                name=name
            )
        )
        self.report("secret_missing", _("The secret {name} is not in secrets.yaml.").format(name=name), hint, at)
        return Node("", at, secret=name)

    def _secrets_in(self, folder: Path) -> Node | None:
        path = folder / "secrets.yaml"
        if path not in self._secret_files:
            self._secret_files[path] = self.read(path) if path.is_file() else None
        return self._secret_files[path]

    def include(self, target: str, asking: Path, at: Location) -> Node | None:
        """The tree of ``!include target``, relative to the file that asks."""
        path = self.inside(asking.parent / target, target, at)
        if path is None:
            return None
        if not path.is_file():
            near = did_you_mean(path.name, [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else [])
            self.report(
                "include_missing",
                _("The file {file} does not exist.").format(file=self.relative(path)),
                _("Did you mean {name}?").format(name=near) if near else _("Paths count from the file that includes."),
                at,
            )
            return None
        return self._nested(path, at)

    def include_folder(self, target: str, asking: Path, at: Location) -> list[tuple[str, Node]]:
        """The files of a folder and its sub-folders, by name, with their trees."""
        folder = self.inside(asking.parent / target, target, at)
        if folder is None:
            return []
        if not folder.is_dir():
            self.report(
                "include_missing",
                _("The folder {file} does not exist.").format(file=self.relative(folder)),
                _("Paths count from the file that includes."),
                at,
            )
            return []
        found = []
        for path in sorted(yaml_files(folder)):
            inside = self.inside(path, target, at)
            node = self._nested(inside, at) if inside is not None else None
            if node is not None:
                found.append((path.stem, node))
        return found

    def _nested(self, path: Path, at: Location) -> Node | None:
        if path in self._stack or len(self._stack) >= MAX_INCLUDE_DEPTH:
            self.report(
                "include_circle",
                _("{file} includes itself.").format(file=self.relative(path)),
                _("Take out one of the includes."),
                at,
            )
            return None
        before = self._stack
        self._stack = (*before, path)
        try:
            return self.read(path)
        finally:
            self._stack = before

    def inside(self, path: Path, written: str, at: Location) -> Path | None:
        """The path if it stays in the project, also through symlinks; else None and a problem."""
        resolved = Path(os.path.normpath(path))
        real = resolved.resolve()
        if not real.is_relative_to(self.root.resolve()) or not resolved.is_relative_to(self.root):
            self.report(
                "include_outside",
                _("{file} lies outside of the project folder.").format(file=written),
                _("Copy it into the project: included files must lie there."),
                at,
            )
            return None
        return resolved


def _under(root: Any, key: str) -> Any:
    if isinstance(root, MappingNode):
        for key_node, value_node in root.value:
            if isinstance(key_node, ScalarNode) and key_node.value == key:
                return value_node
    return None


def yaml_files(folder: Path) -> Iterator[Path]:
    """All YAML files below ``folder`` but secrets and hidden ones."""
    for pattern in ("*.yaml", "*.yml"):
        for path in folder.rglob(pattern):
            hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
            if not hidden and path.name not in ("secrets.yaml", "secrets.example.yaml"):
                yield path


def _indent_after(lines: list[str]) -> str:
    """The blanks that a line most likely wants behind ``lines``."""
    before = next((line for line in reversed(lines) if line.strip() and not line.lstrip().startswith("#")), "")
    return before[: len(before) - len(before.lstrip())] + ("  " if before.rstrip().endswith(":") else "")


def _quoted(value: str) -> str:
    if '"' not in value:
        return f'"{value}"'
    return "'" + value.replace("'", "''") + "'"


def _explain_syntax(problem: str, context: str, line: str) -> tuple[str, str, str]:
    if "could not find expected ':'" in problem or "expected ':'" in problem:
        return (
            "yaml_colon",
            _("A colon is missing here."),
            _("Every line is `key: value`, with a blank behind the colon."),
        )
    if "mapping values are not allowed" in problem:
        return (
            "yaml_indentation",
            _("A second colon stands in this line, or it is indented differently from its neighbours."),
            _("Put the value in quotes, or align the line with the ones around it."),
        )
    if "expected <block end>" in problem or "bad indentation" in problem or "did not find expected" in problem:
        return (
            "yaml_indentation",
            _("This line is indented differently from its neighbours."),
            _("Keys of the same level start in the same column; list items start with `- `."),
        )
    if "while scanning a quoted scalar" in context or "unexpected end of stream" in problem:
        return (
            "yaml_quote",
            _("A quotation mark is opened here and never closed."),
            _("Put the same mark at the end of the value."),
        )
    if "single document" in context or "another document" in problem:
        return ("yaml_documents", _("A file holds one document only."), _("Take out the line `---`."))
    if "alias" in problem:
        return ("yaml_alias", _("The alias is not defined."), _("Define it above with `&name`."))
    if "cannot start any token" in problem:
        return (
            "yaml_character",
            _("A value can't start with this character."),
            _("Put the value in quotes: {line}").format(line=f"`{line}`") if line else "",
        )
    return (
        "yaml_syntax",
        _("This is not valid YAML: {problem}").format(problem=problem),
        _("Compare with a working file."),
    )


class _Builder:
    """Turns ruamel's nodes of one file into ours."""

    def __init__(self, reader: Reader, path: Path, name: str, text: str, inputs: dict[str, Node] | None) -> None:
        self.reader = reader
        self.path = path
        self.name = name
        self.text = text
        self.inputs = inputs
        self.built: dict[int, Node] = {}
        self.open: set[int] = set()

    def build_root(self, root: Any) -> Node | None:
        try:
            node = self.build(root)
        except RecursionError:
            self.reader.report("yaml_too_deep", _("The file is nested too deeply."), "", Location(self.name, 1, 1))
            return None
        if node.weight > MAX_NODES:
            self.reader.report(
                "yaml_too_large",
                _("With all its aliases and includes the file has more than {limit} values.").format(limit=MAX_NODES),
                _("Aliases that hold aliases grow without bound; write the values out."),
                Location(self.name, 1, 1),
            )
            return None
        return node

    def at(self, node: Any) -> Location:
        mark = node.start_mark
        return Location(self.name, mark.line + 1, mark.column + 1)

    def build(self, node: Any) -> Node:
        known = self.built.get(id(node))
        if known is not None:
            return known
        at = self.at(node)
        if id(node) in self.open:
            self.reader.report("yaml_alias", _("An alias holds itself."), _("Write the values out."), at)
            return Node(None, at)
        self.open.add(id(node))
        built = self._build(node, at)
        self.open.discard(id(node))
        self.built[id(node)] = built
        return built

    def _build(self, node: Any, at: Location) -> Node:
        tag = str(node.tag) if node.tag else ""
        if tag.startswith("!") and tag != "!":
            return self._tagged(tag, node, at)
        if isinstance(node, MappingNode):
            return self._mapping(node, at)
        if isinstance(node, SequenceNode):
            items = [self.build(item) for item in node.value]
            return Node(list(items), at, weight=1 + sum(item.weight for item in items))
        assert isinstance(node, ScalarNode)
        raw = self.text[node.start_mark.index : node.end_mark.index]
        plain = not node.style and not raw.startswith(("'", '"', "|", ">"))
        value = None if plain and node.value in NULLS else node.value
        return Node(value, at, raw=raw, style=raw[:1] if raw[:1] in ("|", ">", "'", '"') else None)

    def _mapping(self, node: Any, at: Location) -> Node:
        template = self._template(node)
        if template is not None:
            return template
        values: dict[str, Node] = {}
        keys: dict[str, Location] = {}
        merged: list[tuple[Any, Location]] = []
        for key_node, value_node in node.value:
            key_at = self.at(key_node)
            if not isinstance(key_node, ScalarNode):
                self.reader.report("key_not_text", _("A key must be text."), "", key_at)
                continue
            key = key_node.value
            if key == "<<" and not key_node.style:
                merged.append((value_node, key_at))
                continue
            if key in values:
                self.reader.report(
                    "duplicate_key",
                    _("The key {key} stands here a second time (first in line {line}).").format(
                        key=key, line=keys[key].line
                    ),
                    _("Keep one of the two."),
                    key_at,
                )
                continue
            values[key] = self.build(value_node)
            keys[key] = key_at
        for value_node, key_at in merged:
            self._merge(self.build(value_node), values, keys, key_at)
        return Node(values, at, keys=keys, weight=1 + sum(1 + value.weight for value in values.values()))

    def _merge(self, source: Node, values: dict[str, Node], keys: dict[str, Location], at: Location) -> None:
        for one in source.value if isinstance(source.value, list) else [source]:
            if not isinstance(one.value, dict):
                self.reader.report("merge_not_mapping", _("`<<` needs keys and values."), "", at)
                continue
            for key, value in one.value.items():
                if key not in values:
                    values[key] = value
                    keys[key] = one.keys.get(key, at)

    def _template(self, node: Any) -> Node | None:
        """``{{ x }}`` without quotes is a mapping whose key is a mapping: report it and take the text it meant."""
        raw = self.text[node.start_mark.index : node.end_mark.index]
        if not raw.startswith(("{{", "{%")):
            return None
        at = self.at(node)
        lines = self.text.split("\n")
        head = lines[node.start_mark.line][: node.start_mark.column]
        self.reader._template_without_quotes(head + _quoted(raw.strip()), at)
        return Node(raw, at, raw=raw)

    def _tagged(self, tag: str, node: Any, at: Location) -> Node:
        if tag not in TAGS:
            near = did_you_mean(tag, TAGS)
            self.reader.report(
                "unknown_tag",
                _("The tag {tag} is not known.").format(tag=tag),
                _("Did you mean {name}?").format(name=near)
                if near
                else _("Known are: {names}").format(names=", ".join(TAGS)),
                at,
            )
            return Node(None, at)
        if not isinstance(node, ScalarNode) or not node.value.strip():
            self.reader.report("tag_without_name", _("Behind {tag} a name must follow.").format(tag=tag), "", at)
            return Node(None, at)
        handlers: dict[str, Callable[[str, Location], Node]] = {
            "!secret": lambda word, at: self.reader.secret(word, self.path, at),
            "!env_var": self._env_var,
            "!include": lambda word, at: self.reader.include(word, self.path, at) or Node(None, at),
            "!input": self._input,
        }
        handler = handlers.get(tag)
        if handler is not None:
            return handler(node.value.strip(), at)
        return self._folder(tag, node.value.strip(), at)

    def _env_var(self, words: str, at: Location) -> Node:
        name, _blank, default = words.partition(" ")
        value = os.environ.get(name)
        if value is None:
            if not default.strip():
                self.reader.report(
                    "env_var_missing",
                    _("The environment variable {name} is not set.").format(name=name),
                    _("Set it, or give a default: `!env_var {name} default`.").format(name=name),
                    at,
                )
            value = default.strip()
        return Node(value, at)

    def _input(self, name: str, at: Location) -> Node:
        if self.inputs is None:
            self.reader.report(
                "input_outside_blueprint", _("!input may only stand in a blueprint."), _("Write the value itself."), at
            )
            return Node(None, at)
        if name not in self.inputs:
            near = did_you_mean(name, self.inputs)
            self.reader.report(
                "unknown_input",
                _("The blueprint has no input {name}.").format(name=name),
                _("Did you mean {name}?").format(name=near) if near else "",
                at,
            )
            return Node(None, at)
        return self.inputs[name]

    def _folder(self, tag: str, target: str, at: Location) -> Node:
        found = self.reader.include_folder(target, self.path, at)
        weight = 1 + sum(node.weight for _name, node in found)
        if tag == "!include_dir_list":
            return Node([node for _name, node in found], at, weight=weight)
        if tag == "!include_dir_named":
            return Node(dict(found), at, keys={name: node.at for name, node in found}, weight=weight)
        if tag == "!include_dir_merge_list":
            items: list[Node] = []
            for _name, node in found:
                if isinstance(node.value, list):
                    items += node.value
                else:
                    self.reader.report("include_not_list", _("This file must hold a list."), "", node.at)
            return Node(items, at, weight=weight)
        return self._merged_named(found, at, weight)

    def _merged_named(self, found: list[tuple[str, Node]], at: Location, weight: int) -> Node:
        values: dict[str, Node] = {}
        keys: dict[str, Location] = {}
        for _name, node in found:
            if not isinstance(node.value, dict):
                self.reader.report("include_not_mapping", _("This file must hold keys and values."), "", node.at)
                continue
            for key, value in node.value.items():
                if key in values:
                    message = _("The key {key} stands here a second time.").format(key=key)
                    self.reader.report(
                        "duplicate_key", message, _("Keep one of the two."), node.keys.get(key, value.at)
                    )
                else:
                    values[key], keys[key] = value, node.keys.get(key, value.at)
        return Node(values, at, keys=keys, weight=weight)
