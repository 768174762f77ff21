"""``combine: all``: several files make one list, and every message says which of them it speaks of."""

from __future__ import annotations

import pytest

from tests.source import lists
from tests.world import PERSONAL, World, people

ALL = PERSONAL.replace("  settle: 0s\n", "  settle: 0s\n  combine: all\n")


@pytest.fixture
def two(world: World) -> World:
    """A list in two files: the second one has a person too many, and one without a key."""
    world.configure(first_sync="go")
    world.mapping(ALL)
    world.drop(people(12), "personal1.csv")
    world.drop([*people(10, start=13), *people(1, start=5), *people(1, start=99, nr="")], "personal2.csv")
    return world


def test_a_rejected_row_names_its_file(two: World) -> None:
    result = two.run()
    found = {(entry["file"], entry["line"], entry["key"]) for entry in result.json["rejected"]}
    assert found == {
        ("inbox/personal1.csv", 6, "5"),
        ("inbox/personal2.csv", 12, "5"),
        ("inbox/personal2.csv", 13, ""),
    }
    text = two("show", result.json["run"], as_json=False).out
    assert "  inbox/personal2.csv, line 13, fe2.sync" in text or "  inbox/personal2.csv, line 13:" in text


def test_a_double_key_names_both_files(two: World) -> None:
    message = "The key 5 stands in several rows (inbox/personal1.csv, line 6; inbox/personal2.csv, line 12)."
    assert two.run().rejection("5")["message"] == message
    rows = [row for row in two("preview", "personal").json["rows"] if row["key"] == "5"]
    assert [(row["file"], row["line"]) for row in rows] == [("inbox/personal1.csv", 6), ("inbox/personal2.csv", 12)]
    assert "inbox/personal2.csv, line 12, key 5" in two("preview", "personal", as_json=False).out


def test_a_run_says_that_there_were_several(two: World) -> None:
    result = two.run()
    assert result.json["source"]["file"] == "inbox/personal1.csv"
    assert result.json["source"]["files"] == ["inbox/personal1.csv", "inbox/personal2.csv"]
    text = two("show", result.json["run"], as_json=False).out
    assert "personal · inbox/personal1.csv and 1 more file: 24 rows" in text


def test_one_file_is_called_as_before(world: World) -> None:
    world.configure(first_sync="go")
    world.mapping(ALL)
    world.drop([*people(12), *people(1)], "personal1.csv")
    result = world.run()
    assert "files" not in result.json["source"]
    assert result.rejection("1")["file"] == "inbox/personal1.csv"
    assert "(lines 2, 14)" in result.rejection("1")["message"]
    assert "  line 2, key 1" in world("show", result.json["run"], as_json=False).out


def test_workbooks_of_one_name_are_told_apart_by_their_folders(world: World) -> None:
    world.mapping(ALL, path='"inbox/*/personal*"')
    for folder, number in (("a", 1), ("b", 2)):
        (world.root / "inbox" / folder).mkdir()
        rows = [("nr", "vorname", "nachname", "status", "zug", "handy", "email"), (number, "", "", "", "9", "", "x")]
        lists.write_xlsx(world.root / "inbox" / folder / "personal.xlsx", {"Aktive": rows})
    shown = world("preview", "personal").json["rows"]
    assert [row["place"] for row in shown] == [
        "inbox/a/personal.xlsx, sheet Aktive, row 2",
        "inbox/b/personal.xlsx, sheet Aktive, row 2",
    ]
