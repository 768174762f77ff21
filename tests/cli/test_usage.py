"""A command line that is wrong is answered in the project's language, with what is wrong first; help pages as well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cli.app import COMMANDS
from engine.cli.door import EXIT_OK, EXIT_USAGE, run
from engine.i18n import language, use_language

WRONG = {
    "run": "MAPPING is missing.",
    "simulate": "fe2|greyhound is missing.",
    "simulate foo": "fe2|greyhound: “foo” is not known. Known are: fe2, greyhound",
    "preview x --limit many": "--limit: a whole number is expected.",
    "preview x --limit -1": "--limit: the number must be at least 0.",
    "start --health 99999": "--health: the number must be at the most 65535.",
    "preview x --limit": "The option --limit needs a value.",
    "check --json=1": "The option --json takes no value.",
    "plan a b c": "This is too much: c",
    "check --jsn": "There is no option --jsn. Did you mean --json?",
    "check --colour": "There is no option --colour.",
    "chek": "There is no command chek. Did you mean check?",
    "xyzzy": "There is no command xyzzy.",
}
ENGLISH = (
    "Error:",
    "Try '",
    "No such",
    "Missing",
    "Invalid",
    "Usage:",
    "Options:",
    "Show this",
    "required",
    "Input should",
)


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Outside of any project: the environment names the language."""
    before = language()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    yield
    use_language(before)


@pytest.mark.parametrize("line", WRONG)
def test_what_is_wrong_stands_first(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line.split()) == EXIT_USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    first, *_usage, last = printed.err.splitlines()
    assert first == f"Nothing was done: {WRONG[line]}"
    assert last.endswith("--help` shows everything.")


@pytest.mark.parametrize("line", WRONG)
def test_in_german_nothing_of_it_is_english(
    line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert run(line.split()) == EXIT_USAGE
    said = capsys.readouterr().err
    assert "Nichts wurde getan" in said
    assert [word for word in ENGLISH if word in said] == []


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_pages_are_german_too(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert run([*([command] if command else []), "--help"]) == EXIT_OK
    said = capsys.readouterr().out
    assert said.startswith("Aufruf: abgleich")
    assert [word for word in (*ENGLISH, "default:", "<str>", "<path>") if word in said] == []


def test_without_a_command_the_help_page_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == EXIT_USAGE
    assert "Commands:" in capsys.readouterr().err
