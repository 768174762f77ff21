"""Whatever somebody does to a mapping in an editor: nothing raises, and every problem points into a file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config.load import load
from engine.config.text import split
from engine.problems import Problem
from engine.sync.script import problems_of
from tests.config.folder import CONFIGURATION, Folder

SEED = """\
id: personal
alias: "Einsatzabteilung: nach FE2"
triggers:
  - trigger: file
    path: inbox/personal*.csv
  - {trigger: time, at: "03:00", weekday: [mon, thu]}
conditions:
  - "{{ source.rows > 20 }}"
source: &source
  path: inbox/personal*.csv
  key: nr
  columns:
    nr: Personalnummer
    name: [Name, Nachname]
    email: {heading: E-Mail privat, optional: true}
  where: "{{ email and name != 'x' }}"
  expect: {min_rows: 10, max_shrink: 30%}
variables:
  mobil: |
    {%- if name -%}
    {{ nr | phone }}
    {%- endif -%}
tables:
  gruppen:
    1. Zug: [Alarm Zug 1]
    <<: {2. Zug: !secret gruppe}
actions:
  - action: fe2.sync
    connection: fe2
    fields:
      externalDbId: "{{ nr }}"
      lastName: '{{ name | default("") }}'
      alarmGroups: "{{ name | lookup('gruppen') }}"
    guard: {max_removals: 3 or 10%}
  - action: greyhound.sync
    connection: gh
    match: {user_field: 6}
    fields:
      GroupRef: 1
      Subject: "{{ name }}"
      ComLinks:
        - {Kind: email, Category: business, Text: "{{ email }}"}
tests:
  - name: eins
    row: {Personalnummer: 1, Name: Max}
    expect: {fe2.sync: {lastName: Max}, greyhound.sync: null}
"""
PIECES = [
    "\t",
    "\x00",
    "{{",
    "}}",
    "{%",
    "'",
    '"',
    ":",
    ": ",
    "- ",
    "#",
    "&a ",
    "*a",
    "!secret ",
    "!x",
    "|",
    ">",
    "[",
    "]",
]
PIECES += [
    "{",
    "}",
    ",",
    "\\",
    "\n",
    "\r",
    " ",
    "~",
    "null",
    "@",
    "%",
    "<<: ",
    "---\n",
    "ü",
    "\u2028",
    "\x85",
    "😀",
    "\\ud800",
]

Mutation = Callable[[str], str]


@st.composite
def mutations(draw: st.DrawFn) -> Mutation:
    """One thing that happens to a text: to a line of it, or to a place in it."""
    kind = draw(st.sampled_from(("delete", "duplicate", "move", "indent", "insert", "cut", "swap")))
    where = draw(st.integers(0, 10_000))
    other = draw(st.integers(0, 10_000))
    piece = draw(st.sampled_from(PIECES))
    blanks = draw(st.integers(-4, 4))

    def mutate(text: str) -> str:
        if kind in ("insert", "cut", "swap"):
            at = where % (len(text) + 1)
            gone = other % 5 + 1 if kind != "insert" else 0
            return text[:at] + ("" if kind == "cut" else piece) + text[at + gone :]
        lines = text.split("\n")
        index, target = where % len(lines), other % len(lines)
        line = lines[index]
        if kind == "duplicate":
            lines.insert(target, line)
        elif kind == "indent":
            lines[index] = " " * blanks + line if blanks > 0 else line[-blanks:]
        else:
            del lines[index]
            if kind == "move":
                lines.insert(target, line)
        return "\n".join(lines)

    return mutate


def found_in(root: Path) -> list[Problem]:
    project = load(root)
    found = problems_of(project)
    for name, file in project.ids.items():
        assert set(problems_of(project, [name])) <= set(found) | set(project.errors_of(file))
        assert name in project.mappings or project.errors_of(file), "a mapping that can't run says why"
    return found


def lines_of(path: Path) -> list[str]:
    return split(path.read_bytes().decode("utf-8-sig", errors="replace"))


def points_into_the_project(root: Path, problem: Problem) -> None:
    assert problem.message
    assert problem.at.file is not None
    assert not Path(problem.at.file).is_absolute()
    assert (root / problem.at.file).is_file()
    assert problem.at.line is not None
    assert problem.at.column is not None
    lines = lines_of(root / problem.at.file)
    assert 1 <= problem.at.line <= len(lines)
    assert 1 <= problem.at.column <= len(lines[problem.at.line - 1]) + 1


def test_the_text_that_is_mutated_is_right(folder: Folder) -> None:
    folder.write("secrets.yaml", "gruppe: Alarm Zug 2\n")
    folder.write("personal.yaml", SEED)
    assert found_in(folder.root) == []


@pytest.mark.parametrize("file", ["personal.yaml", "configuration.yaml", "blueprints/x.yaml", "secrets.yaml"])
@settings(max_examples=25, deadline=None)
@given(changes=st.lists(mutations(), min_size=1, max_size=4))
def test_every_problem_of_a_mangled_file_points_into_the_project(file: str, changes: list[Mutation]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Folder(Path(name).resolve() / "project")
        texts = {
            "secrets.yaml": "gruppe: Alarm Zug 2\nother: x\n",
            "configuration.yaml": CONFIGURATION,
            "personal.yaml": SEED,
        }
        if file.startswith("blueprints/"):
            texts[file] = "blueprint:\n  name: X\n  input: {c: {default: fe2}}\n" + SEED.replace(
                "connection: fe2", "connection: !input c"
            )
            texts["personal.yaml"] = "use_blueprint: {path: x.yaml}\n"
        for change in changes:
            texts[file] = change(texts[file])
        for path, text in texts.items():
            folder.write(path, text.encode())
        for problem in found_in(folder.root):
            points_into_the_project(folder.root, problem)
