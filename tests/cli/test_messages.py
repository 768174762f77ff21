"""One message, one form: on a console, in JSON and beside a refused list. First what did not happen, then what is wrong
with the user's own line and a caret under the place, then what to write.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cli.door import EXIT_FAILED, run
from engine.config.lines import reader_of_lines
from engine.i18n import language, use_language
from engine.problems import Location, Problem
from engine.report.problems import reason_text
from tests.config.folder import Folder

MAPPING = """\
source:
  path: inbox/personal.csv
  settle: 0s
  key: nr
  where: "{{ status == 'aktiv' }}"
actions:
  - action: fe2.sync
    connection: fe2
    fields: {externalDbId: "{{ nr }}", alarmGroups: []}
"""
LINE = "  where: \"{{ status == 'aktiv' }}\""
CARET = "             ^"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Folder]:
    """A mapping whose mistake shows only when its list is there: the heading is another one."""
    before = language()
    use_language("en")
    folder = Folder(tmp_path / "project")
    folder.write("personal.yaml", MAPPING)
    (folder.root / "inbox").mkdir()
    (folder.root / "inbox" / "personal.csv").write_text("nr;stand\n1;aktiv\n", "utf-8")
    yield folder
    use_language(before)


def said(folder: Folder, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(["--project", str(folder.root), *words]) == EXIT_FAILED
    return capsys.readouterr().out


@pytest.mark.parametrize("command", ["run", "plan", "preview"])
def test_a_console_shows_first_what_did_not_happen_then_the_line_then_the_cure(
    project: Folder, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    told = said(project, capsys, command, "personal")
    assert "Nothing was written.\nmappings/personal.yaml:5:14\n" in told
    assert f"\n    {LINE}\n    {CARET}\n  → " in told


@pytest.mark.parametrize("command", ["run", "plan"])
def test_programs_get_the_line_as_well(project: Folder, capsys: pytest.CaptureFixture[str], command: str) -> None:
    (context,) = json.loads(said(project, capsys, command, "personal", "--json"))["context"]
    assert context["shown"] == f"{LINE}\n{CARET}"


def test_beside_a_refused_list_the_same_is_written(project: Folder) -> None:
    at = Location("mappings/personal.yaml", 5, 14)
    problem = Problem("unknown_name", "The name status is not known.", "Known are: nr, stand", at)
    assert reason_text(problem, reader_of_lines(project.root)).split("\n") == [
        "mappings/personal.yaml:5:14",
        "The name status is not known.",
        f"    {LINE}",
        f"    {CARET}",
        "→ Known are: nr, stand",
    ]


def test_a_line_of_a_list_is_never_shown_since_it_holds_people(project: Folder) -> None:
    problem = Problem("cut_off_file", "Cut off.", "Export again.", Location("inbox/personal.csv", 2))
    assert reason_text(problem, reader_of_lines(project.root)) == "inbox/personal.csv:2\nCut off.\n→ Export again."
