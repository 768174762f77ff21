"""Lists that are named by hand, or looked for: where they may lie, and what is said where there is none."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.world import World, people

TYPO = "inbox/persnal*.csv"


@pytest.fixture
def project(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world.mapping()
    world.drop(people(5))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    return world


@pytest.mark.parametrize("name", ["personal.csv", "inbox/personal.csv"])
@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_list_may_be_named_as_it_lies_in_the_inbox_from_anywhere(project: World, command: str, name: str) -> None:
    assert project(command, "personal", name).json["source"]["file"] == "inbox/personal.csv"


def test_the_list_of_the_folder_one_is_in_goes_first(project: World, tmp_path: Path) -> None:
    here = tmp_path / "elsewhere" / "personal.csv"
    here.write_text((project.root / "inbox" / "personal.csv").read_text("utf-8"), "utf-8")
    assert project("plan", "personal", "personal.csv").json["source"]["file"] == str(here.resolve())


@pytest.mark.parametrize("command", ["run", "plan", "preview"])
def test_a_misspelled_list_is_told_with_the_one_that_is_meant(project: World, command: str) -> None:
    result = project(command, "personal", "persnal.csv")
    assert result.code == 1
    assert result.problem("no_file")["hint"].endswith("inbox/personal.csv?")


def test_a_list_without_its_ending_is_found_out(project: World) -> None:
    assert project("plan", "personal", "personal").problem("no_file")["hint"].endswith("inbox/personal.csv?")


def test_a_path_that_finds_nothing_is_told_with_the_name_that_is_meant(project: World) -> None:
    project.mapping(path="inbox/persnal*.csv")
    assert project("plan", "personal").problem("no_file")["hint"] == "Did you mean inbox/personal.csv?"
    project.mapping(path="inbx/personal*.csv")
    assert project("plan", "personal").problem("no_file")["hint"] == "Did you mean inbox/personal*.csv?"


def test_a_path_without_its_folder_is_told_with_the_folder(project: World) -> None:
    project.mapping(path="personal*.csv")
    assert project("plan", "personal").problem("no_file")["hint"] == "Did you mean inbox/personal*.csv?"


def test_a_path_that_finds_nothing_is_told_with_what_lies_there(project: World) -> None:
    project.mapping(path="inbox/*.xlsx")
    assert project("plan", "personal").problem("no_file")["hint"].startswith("In that folder there are: personal.csv.")
    (project.root / "inbox" / "personal.csv").unlink()
    assert project("plan", "personal").problem("no_file")["hint"].startswith("The folder inbox is empty.")
    project.mapping(path="zzz/*.xlsx")
    assert project("plan", "personal").problem("no_file")["hint"].startswith("There is no folder zzz.")


def test_a_mapping_whose_name_ends_in_txt_is_told(project: World) -> None:
    path = project.mapping(name="zweite")
    path.rename(path.with_name("zweite.yaml.txt"))
    problem = project("check").problem("name_ends_in_txt")
    assert problem["file"] == "mappings/zweite.yaml.txt"
    assert "zweite.yaml" in problem["hint"]
    assert project("check").json["ok"]
    assert "its name ends in .txt" in project("run", "zweite").problem("unknown_mapping")["hint"]


def test_an_ending_in_capitals_is_one(project: World) -> None:
    path = project.mapping(name="zweite")
    path.rename(path.with_name("ZWEITE.YAML"))
    assert {entry["id"] for entry in project("status").json["mappings"]} == {"personal", "ZWEITE"}


def unread(project: World) -> str | None:
    (entry,) = project("status").json["mappings"]
    found: str | None = entry["unread"]
    return found


def test_a_list_for_a_mapping_that_nothing_makes_run_is_told(project: World) -> None:
    assert unread(project) is None, "nothing was ever run: somebody is still trying things out"
    project.settled(people(5))
    path = project.drop(people(6))
    later = time.time() + 60
    os.utime(path, (later, later))
    assert unread(project) == "inbox/personal.csv"
    assert "the mapping has no triggers" in project("status", as_json=False).out


def test_a_list_for_a_mapping_that_is_switched_off_is_told(project: World) -> None:
    text = "enabled: false\ntriggers:\n  - trigger: file\n    path: inbox/personal*.csv\n"
    path = project.root / "mappings" / "personal.yaml"
    path.write_text(text + path.read_text("utf-8"), "utf-8")
    assert unread(project) == "inbox/personal.csv"
    assert "enabled: true" in project("status", as_json=False).out
    path.write_text(path.read_text("utf-8").replace("enabled: false", "enabled: true"), "utf-8")
    assert unread(project) is None


def test_a_list_that_was_run_by_hand_does_not_wait(project: World) -> None:
    project.settled(people(5))
    assert unread(project) is None


def test_a_blueprint_that_does_not_fit_the_list_is_told_at_the_users_own_line(project: World) -> None:
    text = """\
        use_blueprint:
          path: csv_fe2.yaml
          input: {connection: fe2, alarmgruppen: [Alarm Zug 1]}
    """
    (project.root / "mappings" / "fertig.yaml").write_text(text, "utf-8")
    os.utime(project.root / "inbox" / "personal.csv", (1_000_000_000, 1_000_000_000))  # it has rested
    for command in ("preview", "run", "plan"):
        result = project(command, "fertig", "personal.csv")
        assert result.code == 1
        assert result.json["problems"]
        for problem in result.json["problems"]:
            assert problem["file"] == "mappings/fertig.yaml"
            assert "abgleich blueprints csv_fe2.yaml --copy" in problem["hint"]


# --- lists that are not finished --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lying", "path", "said"),
    [
        ("~$liste.xlsx", "inbox/liste*.xlsx", "inbox/~$liste.xlsx: the list liste.xlsx is open in Excel."),
        ("~$liste.xlsx", "inbox/*.xlsx", "inbox/~$liste.xlsx: the list liste.xlsx is open in Excel."),
        ("~$Liste.XLSX", "inbox/liste*.xlsx", "is open in Excel."),
        (".~lock.liste.ods#", "inbox/*.ods", "inbox/.~lock.liste.ods#: the list liste.ods is open in LibreOffice."),
        ("liste.csv.crdownload", "inbox/*.csv", "inbox/liste.csv.crdownload is still being downloaded or copied."),
        ("liste.csv.part", "inbox/liste.csv", "inbox/liste.csv.part is still being downloaded or copied."),
        ("liste.csv.filepart", "inbox/l*.csv", "is still being downloaded or copied."),
    ],
)
def test_a_list_that_is_not_finished_is_what_is_told(project: World, lying: str, path: str, said: str) -> None:
    project.mapping(path=path)
    for file in (project.root / "inbox").iterdir():
        file.unlink()
    (project.root / "inbox" / lying).write_bytes(b"x")
    (problem,) = project("preview", "personal").json["problems"]
    assert problem["code"] == "no_file"
    assert said in problem["hint"]
    assert "empty" not in problem["hint"]


@pytest.mark.parametrize("lying", ["~$andere.xlsx", "andere.csv.part", "liste.pdf.crdownload"])
def test_another_list_that_is_not_finished_is_not_meant(project: World, lying: str) -> None:
    project.mapping(path="inbox/liste*.csv")
    for file in (project.root / "inbox").iterdir():
        file.unlink()
    (project.root / "inbox" / lying).write_bytes(b"x")
    (problem,) = project("preview", "personal").json["problems"]
    assert "download" not in problem["hint"]
    assert "Excel" not in problem["hint"]


def test_a_finished_list_is_taken_whatever_lies_beside_it(project: World) -> None:
    project.mapping()
    project.drop(people(3))
    for name in ("~$personal.csv", "personal.csv.crdownload"):
        (project.root / "inbox" / name).write_bytes(b"x")
    assert len(project("preview", "personal").json["rows"]) == 3


@pytest.mark.parametrize("name", ["~$liste.xlsx", "liste.csv.crdownload"])
def test_what_is_not_finished_is_not_read_by_hand_either(project: World, name: str) -> None:
    project.mapping()
    (project.root / "inbox" / name).write_bytes(b"nr;vorname\n1;A\n")
    (problem,) = project("preview", "personal", f"inbox/{name}").json["problems"]
    assert problem["code"] == "file_busy"
    assert problem["file"] == f"inbox/{name}"
