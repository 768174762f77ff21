"""A command line that is wrong is answered in the project's language, with what is wrong first; help pages as well."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
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
    "freigeben": "There is no command freigeben. Did you mean approve?",
    "hilfe": "There is no command hilfe. Did you mean --help?",
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


def page(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """A help page in a window of 80 columns."""
    assert run([*([command] if command else []), "--help"]) == EXIT_OK
    return capsys.readouterr().out


@pytest.fixture(params=["en_GB.UTF-8", "de_DE.UTF-8"])
def eighty_columns(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A window of 80 columns, in both languages one after the other."""
    monkeypatch.setenv("LC_ALL", request.param)
    monkeypatch.setenv("COLUMNS", "80")
    return str(request.param)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_into_80_columns_and_nothing_is_cut(
    command: str, eighty_columns: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = page(command, capsys)
    assert [line for line in said.splitlines() if len(line) > 80] == []
    assert "..." not in said.replace("[ARGS]...", "").replace("[ANGABEN]...", "").replace("[MAPPING]...", "")


@pytest.mark.usefixtures("eighty_columns")
def test_the_first_page_tells_of_every_command_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    said = " ".join(page("", capsys).split())
    summaries = [import_module(f"engine.cli.{name.replace('-', '_')}").summary() for name in COMMANDS]
    assert [summary for summary in summaries if summary not in said] == []


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.usefixtures("eighty_columns")
def test_every_command_has_an_example_and_explains_what_can_be_said(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = page(command, capsys).splitlines()
    heads = [number for number, line in enumerate(lines) if line.endswith(":") and not line.startswith(" ")]
    examples = lines[heads[-1] + 1 :]
    assert examples[0].startswith(f"  abgleich {command}")
    entries = [line for line in lines[heads[0] : heads[-1]] if line.startswith("  ") and line[2] != " "]
    # A word, two blanks or more, and what it means: on its line, or on the next where the word is long.
    unexplained = [line for line in entries if "  " not in line.strip() and len(line) < 40]
    assert unexplained == []


def test_what_stands_for_something_is_german_in_german(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert "abgleich run [OPTIONEN] MAPPING [DATEI]" in page("run", capsys)
    assert "abgleich forget [OPTIONEN] MAPPING SCHLÜSSEL" in page("forget", capsys)
    assert "--keep ORDNER" in page("demo", capsys)
    assert run(["show"]) == EXIT_USAGE
    assert "LAUF fehlt." in capsys.readouterr().err
