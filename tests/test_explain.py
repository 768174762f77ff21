"""Every code that the program can give has an explanation, and no explanation is left over."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from ruamel.yaml import YAML

from engine.cli.door import EXIT_OK, EXIT_USAGE, run
from engine.explain import AREAS, explanations
from engine.i18n import language, use_language
from engine.template.environment import Environment, parse
from tests.codes import codes_of

CODES = codes_of()


def test_what_code_a_problem_gets_can_be_read_from_the_source() -> None:
    assert CODES.unclear == []
    assert {"template_without_quotes", "too_many_removals", "wrong_number_of_cells", "not_tried"} <= CODES.used.keys()


def test_every_code_has_an_explanation_and_every_explanation_a_code() -> None:
    known = explanations()
    assert sorted(CODES.used.keys() - known.keys()) == []
    assert sorted(known.keys() - CODES.used.keys()) == []


def test_no_code_is_explained_twice() -> None:
    assert sum(len(area.entries()) for area in AREAS) == len(explanations())


def test_every_explanation_is_short_and_whole() -> None:
    texts = [text for one in explanations().values() for text in (one.meaning, one.cure)]
    assert [text for text in texts if not text.endswith((".", "?")) or not 10 <= len(text) < 260] == []
    assert [code for code, one in explanations().items() if not one.example or one.example == one.right] == []


def test_what_is_shown_as_right_can_be_read() -> None:
    tried = 0
    for one in explanations().values():
        if re.match(r"(- |  )?[\w ]+:( |\n|$)", one.right):
            tried += YAML(typ="safe", pure=True).compose(one.right) is not None
        if "{{" in one.right:
            parse(Environment({}, ZoneInfo("UTC")), one.right)
    assert tried > 100


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Outside of any project: the environment names the language."""
    before = language()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    yield
    use_language(before)


def explain(*words: str) -> int:
    return run(["explain", *words])


def test_a_code_is_explained_with_an_example_and_the_cure(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain("[template_without_quotes]") == EXIT_OK
    said = capsys.readouterr().out
    assert said.startswith("template_without_quotes\n  A template stands without quotes.")
    assert "\n    firstName: {{ vorname }}\n" in said
    assert said.endswith('\n    firstName: "{{ vorname }}"\n')


def test_it_is_explained_in_german_as_well(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert explain("tuple") == EXIT_OK
    assert "Ein Komma zwischen zwei Namen ergibt ein Paar" in capsys.readouterr().out


def test_without_a_code_all_are_listed_one_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain() == EXIT_OK
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(CODES.used)


def test_an_unknown_code_is_wrong_usage_and_the_nearest_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain("unknown_kye") == EXIT_USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "unknown_key" in printed.err


def test_programs_get_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain("tuple", "--json") == EXIT_OK
    (one,) = json.loads(capsys.readouterr().out)["codes"]
    assert list(one) == ["code", "meaning", "example", "cure", "right"]
    assert one["right"] == 'lastName: "{{ nachname }}, {{ vorname }}"'
