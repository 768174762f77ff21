"""Where something stands is told as the user knows it: from the project's folder on."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.source import lists
from tests.world import PERSONAL, World, people

COLUMNS = """\
source:
  path: inbox/personal*
  settle: 0s
  key: nr
  columns: {nr: Nr, vorname: Vorname, nachname: N}
actions:
  - action: fe2.sync
    connection: fe2
    fields: {externalDbId: "{{ nr }}", firstName: "{{ vorname }}", lastName: "{{ nachname }}", alarmGroups: []}
"""


def broken(name: str) -> Callable[[World], None]:
    """A list that is refused."""

    def empty(world: World) -> None:
        world.mapping()
        world.drop_text("")

    def header_only(world: World) -> None:
        world.mapping()
        world.drop([])

    def cut_off(world: World) -> None:
        world.mapping()
        world.drop_text("nr;vorname\n1;Anna\n2")

    def no_heading(world: World) -> None:
        world.mapping(COLUMNS)
        world.drop(people(3))

    def double_heading(world: World) -> None:
        world.mapping(COLUMNS)
        world.drop_text("Nr;Vorname;N;Nr\n1;A;B;1\n")

    def too_few(world: World) -> None:
        world.mapping(PERSONAL.replace("  key: nr\n", "  key: nr\n  expect: {min_rows: 5}\n"))
        world.drop(people(3))

    def unreadable(world: World) -> None:
        world.mapping(PERSONAL)
        (world.root / "inbox" / "personal.csv").write_bytes(b"nr;vorname\n1;\xff\x00\x01\n" * 20)

    def sheet(world: World) -> None:
        world.mapping(COLUMNS)
        lists.write_xlsx(world.root / "inbox" / "personal.xlsx", {"Aktive": [("Nr", "Vorname", "N")]})

    def sheet_without_heading(world: World) -> None:
        world.mapping(COLUMNS)
        lists.write_xlsx(world.root / "inbox" / "personal.xlsx", {"Aktive": [("Nr", "Vorname", "Q"), (1, "a", "b")]})

    def document(world: World) -> None:
        world.mapping(COLUMNS)
        world.drop_text(json.dumps([]), "personal.json")

    def no_header(world: World) -> None:
        world.mapping(PERSONAL.replace("  key: nr\n", "  key: nr\n  header_row: 40\n"))
        world.drop(people(3))

    return locals()[name]  # type: ignore[no-any-return]


CASES = (
    "empty",
    "header_only",
    "cut_off",
    "no_heading",
    "double_heading",
    "too_few",
    "unreadable",
    "sheet",
    "sheet_without_heading",
    "document",
    "no_header",
)


@pytest.mark.parametrize(
    "words", [("run",), ("plan",), ("preview",), ("preview", "--key", "1"), ("test", "--freeze", "1")]
)
@pytest.mark.parametrize("case", CASES)
def test_no_refusal_says_where_the_project_lies(world: World, case: str, words: tuple[str, ...]) -> None:
    broken(case)(world)
    result = world(words[0], "personal", *words[1:])
    assert result.code == 1
    (problem, *_more) = result.json["problems"]
    assert not problem["file"] or problem["file"] in (
        "mappings/personal.yaml",
        *(path.relative_to(world.root).as_posix() for path in (world.root / "inbox").iterdir()),
    )
    for shown in (result.out, world(words[0], "personal", *words[1:], as_json=False).out):
        assert str(world.root) not in shown


def test_a_missing_heading_is_told_with_the_list_as_the_user_knows_it(world: World) -> None:
    broken("no_heading")(world)
    message = world.run().problem("missing_heading")["message"]
    assert message == 'The heading "N" is missing in inbox/personal.csv:1.'
    broken("sheet_without_heading")(world)
    (world.root / "inbox" / "personal.csv").unlink()
    message = world.run().problem("missing_heading")["message"]
    assert message == 'The heading "N" is missing in inbox/personal.xlsx, sheet Aktive, row 1.'


def test_a_list_from_elsewhere_keeps_its_whole_path(world: World) -> None:
    world.mapping()
    other = world.root.parent / "elsewhere.csv"
    other.write_text("nr;vorname\n1;Anna\n2", "utf-8")
    assert world("run", "personal", str(other)).json["problems"][0]["file"] == str(other)


def test_what_is_kept_of_a_run_does_not_say_it_either(world: World) -> None:
    broken("cut_off")(world)
    run = world.run().json["run"]
    assert str(world.root) not in world("show", run).out
