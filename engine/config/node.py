"""PURE: the values of YAML files as a tree of nodes that know where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from engine.config.text import Text, split
from engine.problems import Fix, Location
from engine.problems import Path as KeyPath

_WORD = re.compile(r"[^\W\d][\w.]*")


@dataclass(slots=True)
class Node:
    """A value of a YAML file with its place.

    ``value`` is text, None (nothing, ``~``, ``null``), a list of nodes or a dict of nodes. ``raw`` is the scalar as it
    stands in the file, quotes and all, from ``start`` of ``source`` on, so that a place inside of it can be found.
    ``secret`` names the secret a text came from. A ``broken`` value has been reported: nobody shall complain again.
    """

    value: str | list[Node] | dict[str, Node] | None
    at: Location
    raw: str = field(default="", repr=False)
    style: str | None = None
    secret: str | None = None
    keys: dict[str, Location] = field(default_factory=dict)
    weight: int = 1
    depth: int = 1
    broken: bool = False
    source: Text | None = field(default=None, repr=False, compare=False)
    start: int = 0

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

    def walk(self) -> Iterator[Node]:
        """The node and all that are below it."""
        yield self
        for node in self.value.values() if isinstance(self.value, dict) else self.value or ():
            if isinstance(node, Node):
                yield from node.walk()

    def is_broken(self, path: KeyPath) -> bool:
        """Whether the value at ``path``, or one above it, has been reported."""
        return any(node.broken for index in range(len(path) + 1) if (node := self.find(path[:index])) is not None)

    def rename(self, old: str, new: str) -> None:
        """Take what stands under a misspelled key for the value of the key it was meant to be."""
        assert isinstance(self.value, dict)
        self.value = {new if key == old else key: node for key, node in self.value.items()}
        self.keys = {new if key == old else key: at for key, at in self.keys.items()}

    def move(self, key: str, other: Node) -> None:
        """Take what stands under a key of this mapping for a value of another; dropped where that has one."""
        assert isinstance(self.value, dict) and isinstance(other.value, dict)
        node, at = self.value[key], self.keys.get(key, self.at)
        self.value = {name: value for name, value in self.value.items() if name != key}
        if key not in other.value:
            other.value = {**other.value, key: node}
            other.keys = {**other.keys, key: at}

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

    def locate_missing(self, path: KeyPath) -> Location:
        """Where a key that is missing at ``path`` should be added: at the key above it, or at the list item."""
        above = path[:-1]
        if above and isinstance(above[-1], str):
            return replace(self.locate_key(above), path=path)
        return replace(self.locate(above), path=path)

    def rewriting(self, path: KeyPath, text: str) -> tuple[Fix, ...]:
        """The edit that makes the text at ``path`` another one; none where it stands on several lines or was mended."""
        node = self.find(path)
        if node is None or node.source is None or not node.raw or len(split(node.raw)) > 1 or not node.is_as_written():
            return ()
        line = node.source.line_of(node.start)
        if node.source.is_mended(line) or not text.isprintable():
            return ()
        if node.style is None and _WORD.fullmatch(text):
            return (Fix(line + 1, node.source.column_of(node.start) + 1, node.raw, text),)
        single = node.style == "'" or '"' in text or "\\" in text
        written = "'" + text.replace("'", "''") + "'" if single else f'"{text}"'
        return (Fix(line + 1, node.source.column_of(node.start) + 1, node.raw, written),)

    def is_as_written(self) -> bool:
        """Whether a text stands in the file sign by sign, but for the quotes around it."""
        return self.value in (self.raw, self.raw[1:-1]) and self.style in (None, "'", '"')

    def locate_text(self, path: KeyPath, needle: str | None, line: int | None = None) -> Location:
        """The place of ``needle`` inside the text at ``path``, on its ``line`` (from 1) where several stand there."""
        node = self.find(path)
        if node is None or not node.raw or node.source is None:
            return self.locate(path)
        lines = split(node.raw)
        header = next((index for index, text in enumerate(lines) if text.lstrip()[:1] in ("|", ">")), 0)
        block = node.style in ("|", ">")
        offset = header + line if block and line is not None else (line or 1) - 1
        order = sorted(range(len(lines)), key=lambda index: (abs(index - offset), index))
        found = _find_in(lines, needle, order) if needle else None
        if found is None:
            if not (block and line is not None and offset < len(lines)):
                return replace(node.at, path=path)
            text = lines[offset]
            found = (offset, len(text) - len(text.lstrip()))
        row, column = found
        start = node.start
        for text in lines[:row]:
            start += len(text)
            start += 2 if node.source.text.startswith("\r\n", start) else 1
        return Location(node.at.file, *node.source.place(start + column), path)


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
