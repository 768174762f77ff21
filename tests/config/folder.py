"""A project on disk, and what is wrong with it, in short forms."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from engine.config.load import Mapping, Project, load
from engine.config.node import Node
from engine.config.yaml import Reader
from engine.problems import Problem
from engine.sync.script import problems_of

CONFIGURATION = """\
language: en
connections:
  fe2:
    type: fe2
    url: https://fe2.example.org:83
    access_key: 3f9c0a7be2
  gh:
    type: greyhound
    url: http://greyhound.example.org
    username: api
    password: 8d1e44c09a
"""

MAPPING = """\
source:
  path: inbox/personal.csv
  key: nr
  columns:
    nr: Personalnummer
    name: Name
actions:
  - action: fe2.sync
    connection: fe2
    fields:
      externalDbId: "{{ nr }}"
      lastName: "{{ name }}"
      alarmGroups: []
"""


class Folder:
    """A project with two connections; every other file is written by the test."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.mappings = root / "mappings"
        self.mappings.mkdir(parents=True)
        self.write("configuration.yaml", CONFIGURATION)

    def write(self, name: str, content: str | bytes) -> Path:
        """A file below ``mappings/``."""
        path = self.mappings / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else dedent(content).encode())
        return path

    def load(self) -> Project:
        return load(self.root)

    def mapping(self, name: str = "personal") -> Mapping:
        """The mapping, which must be good."""
        project = self.load()
        assert problems_of(project) == []
        return project.mappings[name]

    def problems(self) -> list[Problem]:
        return problems_of(self.load())

    def problem(self) -> Problem:
        """The only problem there is."""
        (problem,) = self.problems()
        return problem

    def said(self) -> list[tuple[str, str]]:
        """Place and code of every problem."""
        return [(str(problem.at).removeprefix("mappings/"), problem.code) for problem in self.problems()]

    def read(self, content: str | bytes, name: str = "x.yaml") -> tuple[Node | None, list[Problem]]:
        """The tree of one file, and what is wrong with it."""
        path = self.write(name, content)
        reader = Reader(self.root, self.mappings)
        return reader.read(path), reader.problems

    def tree(self, content: str | bytes, name: str = "x.yaml") -> Node:
        """The tree of one file, which must be right."""
        node, problems = self.read(content, name)
        assert problems == []
        assert node is not None
        return node


def place(node: Node | None) -> tuple[int | None, int | None]:
    """Line and column of a value."""
    assert node is not None
    return node.at.line, node.at.column
