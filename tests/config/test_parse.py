"""A tree becomes a model; every problem of its shape stands at its place, and a mistake is reported once."""

from __future__ import annotations

import pytest

from engine.config.node import Node
from engine.config.parse import draft, parse
from engine.config.schema import ActionModel, Configuration, MappingModel, Model, SourceModel
from engine.config.values import Limit
from engine.problems import Problem
from tests.config.folder import CONFIGURATION, MAPPING, Folder


def parsed(folder: Folder, model: type[Model], content: str) -> tuple[Model | None, list[Problem], Node]:
    node = folder.tree(content)
    problems: list[Problem] = []
    return parse(model, node, problems), problems, node


def said(problems: list[Problem]) -> list[tuple[str, tuple[str | int, ...]]]:
    return [(problem.code, problem.at.path) for problem in problems]


def test_text_becomes_what_the_schema_asks_for(folder: Folder) -> None:
    made, problems, _node = parsed(
        folder,
        SourceModel,
        "path: 007\nkey: 01067\nsettle: 5m\narchive: MOVE\nheader_row: 11\nexpect: {min_rows: 10, max_shrink: 30%}\n",
    )
    assert problems == []
    assert isinstance(made, SourceModel)
    assert (made.path, made.key) == ("007", "01067")
    assert (made.settle, made.archive, made.header_row) == (300.0, "move", 11)
    assert made.expect.max_shrink == Limit(0, 30.0)


@pytest.mark.parametrize("nothing", ["", " ~", " null"])
def test_nothing_means_the_default_where_a_value_may_be_missing(folder: Folder, nothing: str) -> None:
    made, problems, _node = parsed(
        folder,
        SourceModel,
        f"path: x\nkey: k\nsettle:{nothing}\nexpect:{nothing}\narchive:{nothing}\nwhere:{nothing}\n",
    )
    assert problems == []
    assert made == SourceModel.model_validate({"path": "x", "key": "k"})


@pytest.mark.parametrize("nothing", ["", " ~", " null", " ''", " '  '"])
def test_nothing_is_an_error_where_a_value_must_be(folder: Folder, nothing: str) -> None:
    made, problems, _node = parsed(folder, SourceModel, f"path: x\nkey:{nothing}\n")
    assert made is None
    assert said(problems) == [("value_missing", ("key",))]
    assert problems[0].at.line == 2


def test_a_quoted_null_is_a_value(folder: Folder) -> None:
    made, _problems, _node = parsed(folder, SourceModel, 'path: x\nkey: "null"\n')
    assert isinstance(made, SourceModel)
    assert made.key == "null"


def test_a_missing_key_is_reported_at_the_key_above_it(folder: Folder) -> None:
    _made, problems, _node = parsed(folder, MappingModel, "alias: x\nsource:\n  path: x\nactions: []\n")
    assert said(problems) == [("key_missing", ("source", "key"))]
    assert str(problems[0].at) == "mappings/x.yaml:2:1"


def test_an_unknown_key_gets_a_suggestion(folder: Folder) -> None:
    _made, problems, _node = parsed(folder, SourceModel, "path: x\nkey: k\nsetle: 5m\n")
    assert said(problems) == [("unknown_key", ("setle",))]
    assert problems[0].hint == "Did you mean settle?"


def test_a_misspelled_key_is_not_missing_as_well(folder: Folder) -> None:
    _made, problems, node = parsed(folder, SourceModel, "pth: x\nkye: k\n")
    assert said(problems) == [("unknown_key", ("pth",)), ("unknown_key", ("kye",))]
    assert draft(SourceModel, node, []) == SourceModel.model_validate({"path": "x", "key": "k"})


def test_what_is_wrong_under_a_misspelled_key_is_found_as_well(folder: Folder) -> None:
    _made, problems, _node = parsed(folder, MappingModel, "sourc:\n  path: x\n  key: k\n  settle: soon\nactions: []\n")
    assert said(problems) == [("unknown_key", ("sourc",)), ("expected_duration", ("source", "settle"))]


def test_a_key_that_is_there_already_is_not_overwritten_by_a_misspelled_one(folder: Folder) -> None:
    _made, problems, node = parsed(folder, SourceModel, "path: x\npaht: y\nkey: k\n")
    assert said(problems) == [("unknown_key", ("paht",))]
    assert node.plain()["path"] == "x"


def test_a_key_one_level_too_far_out_is_told_where_it_belongs(folder: Folder) -> None:
    _made, problems, _node = parsed(folder, MappingModel, "source:\n  path: x\nkey: k\nactions: []\n")
    assert said(problems) == [("unknown_key", ("key",))]
    assert problems[0].hint == "It belongs under `source:`. Put 2 blanks before it; now there are 0."


def test_a_key_one_level_too_far_in_is_told_where_it_belongs(folder: Folder) -> None:
    _made, problems, _node = parsed(folder, MappingModel, "source:\n  path: x\n  key: k\n  actions: []\n")
    assert said(problems) == [("unknown_key", ("source", "actions"))]
    assert problems[0].hint == "It belongs at the outermost level: take away the blanks before it."


@pytest.mark.parametrize(
    ("model", "content", "path"),
    [
        (Configuration, CONFIGURATION + "kep: {runs: 1d}\n", ("kep",)),
        (Configuration, "keep: {runz: 1d}\n", ("keep", "runz")),
        (MappingModel, MAPPING + "varaibles: {}\n", ("varaibles",)),
        (SourceModel, "path: x\nkey: k\nexpect: {min_row: 3}\n", ("expect", "min_row")),
        (ActionModel, "action: a\nconnection: c\nfields: {}\nguard: {max_removal: 3}\n", ("guard", "max_removal")),
    ],
)
def test_unknown_keys_are_found_at_every_level(
    folder: Folder, model: type[Model], content: str, path: tuple[str | int, ...]
) -> None:
    _made, problems, _node = parsed(folder, model, content)
    assert said(problems) == [("unknown_key", path)]
    assert problems[0].hint.startswith("Did you mean ")


@pytest.mark.parametrize("value", ["text", "[a, b]", "5"])
def test_keys_and_values_are_expected(folder: Folder, value: str) -> None:
    _made, problems, _node = parsed(folder, MappingModel, f"source: {value}\nactions: []\n")
    assert said(problems) == [("expected_mapping", ("source",))]


def test_a_wrong_part_of_a_list_is_at_its_place(folder: Folder) -> None:
    _made, problems, _node = parsed(folder, MappingModel, MAPPING + "notify: [leitung, [x]]\n")
    assert said(problems) == [("expected_text", ("notify", 1))]
    assert problems[0].at.column == 19


@pytest.mark.parametrize("value", ["[keep]", "{keep: x}", "keeep", "''"])
def test_one_of_several_words_is_expected(folder: Folder, value: str) -> None:
    _made, problems, _node = parsed(folder, SourceModel, f"path: x\nkey: k\narchive: {value}\n")
    assert said(problems) == [("value_not_allowed", ("archive",))]
    assert "keep, move" in problems[0].hint


def test_all_mistakes_are_found_at_once(folder: Folder) -> None:
    _made, problems, _node = parsed(
        folder,
        MappingModel,
        "idd: x\nenabled: maybe\nsource: {settle: soon, archiv: keep, key: [k]}\nexpect_every: never\n",
    )
    assert {code for code, _path in said(problems)} == {
        "unknown_key",
        "expected_truth",
        "expected_duration",
        "expected_text",
        "key_missing",
    }
    assert [path for code, path in said(problems) if code == "key_missing"] == [("actions",)]


def test_a_draft_holds_what_is_right(folder: Folder) -> None:
    node = folder.tree("source: {path: x, settle: soon}\nenabled: no\nexpect_every: never\nvariables: {a: b}\n")
    made = draft(MappingModel, node, [])
    assert made is not None
    assert made.source.model_dump(include={"path", "key", "settle"}) == {"path": "x", "key": None, "settle": 2.0}
    assert (made.enabled, made.expect_every, made.variables, made.actions) == (False, None, {"a": "b"}, ())


def test_a_broken_value_is_not_complained_about_again(folder: Folder) -> None:
    node, first = folder.read("path: !secret none\nkey: !include nothing.yaml\nsettle: !unknown x\n")
    assert len(first) == 3
    assert node is not None
    problems: list[Problem] = []
    assert parse(SourceModel, node, problems) is None
    assert problems == []
