"""A word is missing or not known: what may stand there is named, and nothing is done."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cli.door import EXIT_FAILED, EXIT_OK, EXIT_USAGE, run
from engine.i18n import language, use_language
from tests.world import CONTACTS, PERSONAL, World, people


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Outside of a project the environment names the language."""
    before = language()
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    yield
    use_language(before)


LISTS = ("run", "plan", "preview", "forget")


@pytest.mark.parametrize("command", ["approve", "reject", "apply"])
def test_without_a_plan_those_that_wait_are_named(world: World, command: str) -> None:
    world.mapping()
    held = world.run(people(12))
    result = world(command, as_json=False)
    assert (result.code, result.out) == (EXIT_USAGE, "")
    assert "PLAN is missing." in result.err
    assert f"  {held.plan}    personal: 12 changes, held: waits for an approval\n" in result.err
    assert f"abgleich show {held.plan}" in result.err


def test_without_a_plan_that_waits_the_way_to_one_is_named(world: World) -> None:
    world.mapping()
    assert "No plan waits. `abgleich plan MAPPING` makes one" in world("approve", as_json=False).err
    assert not (world.root / ".abgleich").exists(), "looking makes no state"


def test_an_unknown_plan_names_those_that_wait(world: World) -> None:
    world.mapping()
    held = world.run(people(3))
    (problem,) = world("approve", "P77").json["problems"]
    assert (problem["code"], problem["hint"]) == ("unknown_plan", f"Waiting plans: {held.plan} (personal)")


def test_a_run_instead_of_its_plan_is_understood_but_not_carried_out(world: World) -> None:
    world.mapping()
    held = world.run(people(3))
    number = held.json["run"]
    result = world("approve", number)
    assert result.code == EXIT_FAILED
    assert f"{number} is a run; its plan is {held.plan}." in result.problem("unknown_plan")["hint"]
    assert world.ids == set()


def test_without_a_run_the_latest_are_named(world: World) -> None:
    world.mapping()
    assert "Nothing was run yet." in world("show", as_json=False).err
    world.settled(people(3))
    result = world("show", as_json=False)
    assert result.code == EXIT_USAGE
    assert re.search(r"\n  \d{4}-\d\d-\d\d-2 +personal: done\n  \d{4}-\d\d-\d\d-1 +personal: held", result.err)


def test_an_unknown_run_names_the_latest_and_a_mapping_its_own(world: World) -> None:
    world.mapping()
    first = world.run(people(3)).json["run"]
    hint = world("show", "personal").problem("unknown_run")["hint"]
    assert hint == f"The latest runs of personal: {first}. `abgleich runs` lists them."
    assert "Did you mean" in world("show", first.replace("-1", "-7")).problem("unknown_run")["hint"]


@pytest.mark.parametrize("command", LISTS)
def test_without_a_mapping_all_are_named_with_what_they_are_for(world: World, command: str) -> None:
    world.mapping("alias: All members\n" + PERSONAL)
    world.mapping("nonsense: 1\n" + PERSONAL, name="kaputt")
    result = world(command, as_json=False)
    assert result.code == EXIT_USAGE
    assert "\n  personal  All members\n" in result.err
    assert "\n  kaputt    has mistakes: `abgleich check` shows them\n" in result.err


def test_without_any_mapping_the_first_one_is_suggested(world: World) -> None:
    assert "There is no mapping yet. `abgleich new" in world("run", as_json=False).err


@pytest.mark.parametrize("command", ["run", "plan", "preview", "check", "test", "runs"])
def test_an_unknown_mapping_names_the_nearest_and_all(world: World, command: str) -> None:
    world.mapping()
    world.mapping(name="jugend")
    result = world(command, "persnal")
    assert result.code == EXIT_USAGE
    assert "Did you mean personal? Known are: jugend, personal" in result.err
    (problem,) = result.json["problems"]
    assert (problem["code"], result.json["ok"]) == ("unknown_mapping", False)


def test_the_beginning_of_a_name_is_understood(world: World) -> None:
    assert "Did you mean hiorg_fe2.yaml?" in world("blueprints", "hiorg", as_json=False).err


def test_many_candidates_are_cut_and_counted(world: World) -> None:
    for number in range(13):
        world.mapping(name=f"liste{number:02}")
    assert "liste09 and 3 more" in world("run", "xyz", as_json=False).err
    assert "  … and 3 more. `abgleich status` names all of them." in world("run", as_json=False).err


def test_without_a_key_its_column_is_named(world: World) -> None:
    world.mapping(PERSONAL.replace("  key: nr\n", "  key: nr\n  columns: {nr: Personalnummer, status: status}\n"))
    result = world("forget", "personal", as_json=False)
    assert result.code == EXIT_USAGE
    assert "The key is what stands in Personalnummer; `abgleich preview personal` shows it" in result.err


def test_without_an_id_to_release_the_deleted_mappings_are_named(world: World) -> None:
    world.mapping()
    assert "there is nothing to release." in world("release", as_json=False).err
    world.settled(people(3))
    world.no_mapping("personal")
    result = world("release", as_json=False)
    assert (result.code, "\n  personal: 3 persons\n" in result.err) == (EXIT_USAGE, True)


def test_without_a_list_those_in_the_inbox_are_named(world: World) -> None:
    world.drop(people(2))
    (world.root / "inbox" / "notes.docx").write_bytes(b"")
    result = world("new", "--to", "fe2", as_json=False)
    assert (result.code, "\n  inbox/personal.csv\n" in result.err, "docx" in result.err) == (EXIT_USAGE, True, False)


def test_where_a_list_shall_go_is_clear_with_one_connection_only(world: World) -> None:
    path = str(world.drop(people(20)))
    result = world("new", path, as_json=False)
    assert result.code == EXIT_OK, result.err
    assert "It goes to fe2, the only connection (--to fe2)." in result.out
    assert "action: fe2.sync" in (world.root / "mappings" / "personal.yaml").read_text("utf-8")


def test_where_a_list_shall_go_is_asked_with_both_choices(world: World) -> None:
    world.connect_greyhound()
    path = str(world.drop(people(20)))
    result = world("new", path, as_json=False)
    assert result.code == EXIT_USAGE
    assert f"\n  abgleich new {path} --to fe2\n      persons in FE2: who is alarmed" in result.err
    assert f"\n  abgleich new {path} --to greyhound\n      contacts in GREYHOUND" in result.err
    assert not (world.root / "mappings" / "personal.yaml").exists()


def test_both_servers_are_explained_where_one_must_be_named(world: World) -> None:
    assert "greyhound  contacts in GREYHOUND: the address book" in world("simulate", as_json=False).err


def test_a_code_is_found_by_what_it_speaks_of(world: World) -> None:
    result = world("explain", "workers", as_json=False)
    assert (result.code, result.out) == (EXIT_USAGE, "")
    assert "\n  worker_needs_server: " in result.err
    assert "stands in brackets in a message, like [unknown_key]." in world("explain", "xyzzy", as_json=False).err
    assert world("explain", as_json=False).err.endswith("finds those that speak of something.\n")


def test_wrong_usage_is_one_json_document_where_one_was_asked_for(world: World) -> None:
    for words in (["run"], ["approve"], ["runs", "--lmit"], ["nonsense"], ["explain", "xyzzy"]):
        result = world(*words)
        assert result.code == EXIT_USAGE
        (problem,) = result.json["problems"]
        assert (result.json["ok"], problem["code"], bool(problem["message"])) == (False, "wrong_usage", True)


def test_outside_of_a_project_that_is_what_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["run", "--json"]) == EXIT_USAGE
    printed = capsys.readouterr()
    assert json.loads(printed.out)["problems"][0]["code"] == "wrong_usage"
    assert "abgleich init" in printed.err


def test_a_broken_configuration_still_names_the_mappings(world: World) -> None:
    world.mapping(CONTACTS, name="contacts")
    (world.root / "mappings" / "configuration.yaml").write_text("language: en\nconnections: [\n", "utf-8")
    result = world("run", as_json=False)
    assert (result.code, "contacts" in result.err) == (EXIT_USAGE, True)


def test_an_empty_configuration_names_no_connections(world: World) -> None:
    world.mapping()
    world.drop(people(3))
    for text in ("", "# everything is still to be written\n"):
        (world.root / "mappings" / "configuration.yaml").write_text(text, "utf-8")
        for command in ("check", "run", "plan", "preview"):
            result = world(command, "personal")
            assert (command, result.code, result.codes) == (command, EXIT_FAILED, ["unknown_connection"])


@pytest.mark.parametrize("words", [("test", "personal", "--freeze"), ("preview", "personal", "--key")])
def test_an_option_is_no_key(world: World, words: tuple[str, ...]) -> None:
    world.mapping()
    result = world(*words)
    assert result.code == EXIT_USAGE
    assert result.problem("wrong_usage")["message"].endswith("needs a key; --json stands in its place.")
