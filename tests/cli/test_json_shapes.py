"""With ``--json`` every command keeps its own shape, also where something is wrong: one document, and its own keys."""

from __future__ import annotations

import pytest

from tests.world import PERSONAL, World, people

KEYS = {
    "run": {"run", "plan", "mapping", "status", "source", "actions", "rejected", "problems"},
    "preview": {"rows", "problems"},
    "test": {"ok", "passed", "failed", "tests", "problems"},
    "status": {"engine", "mappings", "drops", "connections", "problems"},
    "runs": {"runs", "more", "plans"},
    "ping": {"ok", "connections", "problems"},
    "check": {"ok", "problems"},
}
COMMANDS = (
    ("run", "personal"),
    ("plan", "personal"),
    ("preview", "personal"),
    ("preview", "personal", "--key", "1"),
    ("preview", "personal", "missing.csv"),
    ("test",),
    ("test", "personal"),
    ("test", "personal", "--freeze", "1"),
    ("status",),
    ("runs",),
    ("runs", "personal"),
    ("ping",),
    ("ping", "fe2"),
    ("check",),
)


def expected(words: tuple[str, ...]) -> set[str]:
    if "--freeze" in words:
        return {"ok", "problems"}
    return KEYS["run" if words[0] == "plan" else words[0]]


def broken_mapping(world: World) -> None:
    world.mapping(PERSONAL.replace("externalDbId", "externalDbld"))
    world.drop(people(3))


def no_yaml(world: World) -> None:
    world.mapping("source: [\n")
    world.drop(people(3))


def broken_configuration(world: World) -> None:
    world.mapping()
    world.drop(people(3))
    world.extra = "keeep: {runs: 9d}\ndatabase: nowhere://x\n"
    world.configure()


def configuration_without_yaml(world: World) -> None:
    world.mapping()
    world.drop(people(3))
    (world.root / "mappings" / "configuration.yaml").write_text("language: en\nconnections: [\n", "utf-8")


def no_connection(world: World) -> None:
    world.mapping(PERSONAL.replace("connection: fe2", "connection: fe3"))
    world.drop(people(3))


def refused_list(world: World) -> None:
    world.mapping()
    world.drop([])


def no_list(world: World) -> None:
    world.mapping()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    "wrong",
    [
        broken_mapping,
        no_yaml,
        broken_configuration,
        configuration_without_yaml,
        no_connection,
        refused_list,
        no_list,
    ],
    ids=lambda wrong: wrong.__name__,
)
def test_whatever_is_wrong_a_command_keeps_its_shape(world: World, wrong: object, words: tuple[str, ...]) -> None:
    assert callable(wrong)
    wrong(world)
    result = world(*words)
    document = result.json
    assert expected(words) - {"problems"} <= document.keys(), result.out
    if result.code == 1:
        assert document.get("problems"), result.out
    if words[0] in ("preview", "status", "runs", "test", "ping"):
        assert "rejected" not in document and "source" not in document


@pytest.mark.parametrize(
    "words", [("runs", "nix"), ("ping", "nix"), ("preview", "nix"), ("test", "nix"), ("check", "nix")], ids=" ".join
)
def test_what_is_not_known_is_wrong_usage(world: World, words: tuple[str, ...]) -> None:
    world.mapping()
    result = world(*words)
    assert result.code == 2
    assert result.json["problems"][0]["code"].startswith("unknown_")
    assert result.json["ok"] is False
    assert "nix" in world(*words, as_json=False).err


def test_the_runs_of_a_deleted_mapping_are_still_known(world: World) -> None:
    world.mapping()
    world.run(people(3))
    world.no_mapping("personal")
    assert [run["mapping"] for run in world("runs", "personal").json["runs"]] == ["personal"]
