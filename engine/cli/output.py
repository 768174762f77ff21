"""What people see: text to standard output, progress to standard error, one JSON document where asked for."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from engine.cli.letters import takes_all_letters
from engine.config.lines import reader_of_lines
from engine.problems import Problem, ProblemError
from engine.report.problems import problem_as_shown, problems_lines
from engine.report.words import Line

if TYPE_CHECKING:
    import rich.progress

COLOURS = {
    "good": "green",
    "bad": "red",
    "warn": "yellow",
    "dim": "bright_black",
    "add": "green",
    "change": "cyan",
    "remove": "red",
}
PATIENCE = 1.0
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")

_secrets: set[str] = set()


def hide(secrets: Iterable[str]) -> None:
    """From now on these texts are never shown."""
    _secrets.update(secret for secret in secrets if len(secret) >= 4)


def redacted(text: str) -> str:
    """The text without secrets."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "…")
    return text


def printable(text: str) -> str:
    """The text without what would move the cursor or ring the bell: names of files and cells come from anywhere."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def show(lines: Iterable[Line]) -> None:
    """Print lines, in colour on a terminal."""
    for style, text in lines:
        shown = printable(redacted(text))
        if style == "head":
            typer.secho(shown, bold=True)
        elif style in COLOURS:
            typer.secho(shown, fg=COLOURS[style])
        else:
            typer.echo(shown)


def show_json(document: Any) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(_redacted_tree(document), ensure_ascii=not takes_all_letters(sys.stdout), indent=2))


def json_text(value: Any) -> str:
    """One value of a document that is written bit by bit."""
    return json.dumps(_redacted_tree(value), ensure_ascii=not takes_all_letters(sys.stdout))


def _redacted_tree(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value) if _secrets else value
    if isinstance(value, dict):
        return {name: _redacted_tree(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted_tree(item) for item in value]
    return value


def show_problems(
    problems: Iterable[Problem], root: Path | None = None, effects: Mapping[str, str] | None = None
) -> None:
    """Print problems with the user's own lines; ``effects`` say for a file what does not happen."""
    show(problems_lines(problems, reader_of_lines(root), effects or {}))


def problems_document(
    problems: Iterable[Problem], root: Path | None = None, effects: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """``problems`` in the shape of cli.md; ``context``, one entry for each, has what a console shows beside them.

    ``context`` is left out where there is nothing.
    """
    line_of, known = reader_of_lines(root), effects or {}
    made: list[dict[str, Any]] = []
    context: list[dict[str, Any] | None] = []
    for problem in problems:
        effect = known.get(problem.at.file or "", "") if problem.severity == "error" else ""
        plain = problem.as_json()
        beside = {key: item for key, item in problem_as_shown(problem, line_of, effect).items() if key not in plain}
        made.append(plain)
        context.append(beside or None)
    return {"problems": made, "context": context} if any(context) else {"problems": made}


def show_error(error: ProblemError, as_json: bool, root: Path | None = None) -> None:
    """Print what kept a command from working."""
    if as_json:
        show_json({"ok": False, **problems_document(error.problems, root)})
    else:
        show_problems(error.problems, root)


def show_usage(lines: Iterable[str], problem: Problem, as_json: bool) -> None:
    """Print what is wrong with a command line to standard error; as JSON to standard output where that is wanted."""
    for line in lines:
        typer.echo(printable(redacted(line)), err=True)
    if as_json:
        show_json({"ok": False, "problems": [problem.as_json()]})


class Progress:
    """Counters on standard error for work that takes longer than a second, on a terminal only."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._bar: rich.progress.Progress | None = None
        self._tasks: dict[str, rich.progress.TaskID] = {}

    def tell(self, words: str, count: int) -> None:
        """So far ``count`` of what ``words`` says."""
        if not sys.stderr.isatty() or time.monotonic() - self._begun < PATIENCE:
            return
        bar = self._bar or self._start()
        if words not in self._tasks:
            self._tasks[words] = bar.add_task(words, total=None)
        bar.update(self._tasks[words], completed=count)

    def _start(self) -> rich.progress.Progress:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}"), TimeElapsedColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._bar.start()
        return self._bar

    def stop(self) -> None:
        """Take the counters off the screen."""
        if self._bar is not None:
            self._bar.stop()


@contextmanager
def progress() -> Iterator[Progress]:
    """Counters for as long as the work lasts."""
    shown = Progress()
    try:
        yield shown
    finally:
        shown.stop()
