"""The one exit door: language first, then the command; every error becomes text, a next step and an exit code."""

from __future__ import annotations

import codecs
import os
import re
import signal
import sys
import traceback
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.letters import READABLE, readable
from engine.i18n import _, environment_language, use_language

if TYPE_CHECKING:
    import typer

    from engine.cli.usage import WrongUsage

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_HELD = 3
EXIT_PARTIAL = 4
EXIT_BUG = 70
EXIT_INTERRUPTED = 130

_LANGUAGE = re.compile(r"^language:[ \t]*[\"']?(de|en)\b", re.MULTILINE)


class Interrupted(BaseException):
    """Ctrl-C; a KeyboardInterrupt would be answered by typer before anybody could say what happens next."""


def interruptible() -> None:
    """Let Ctrl-C end the program through this door."""

    def stop(_signal: int, _frame: object) -> None:
        raise Interrupted

    signal.signal(signal.SIGINT, stop)


def run(arguments: list[str]) -> int:
    """Run a command line and return its exit code."""
    _use_readable_streams()
    arguments = _project_first(arguments)
    use_language(_language(arguments))
    import typer

    from engine.cli.app import COMMANDS, build
    from engine.cli.usage import WrongUsage
    from engine.problems import ProblemError

    try:
        ended = build(arguments)(arguments, prog_name="abgleich", standalone_mode=False)
        return ended if isinstance(ended, int) else EXIT_OK
    except typer.TyperException as error:
        return _wrong_usage(error, COMMANDS, as_json="--json" in arguments)
    except WrongUsage as error:
        return _wrong_word(error, as_json="--json" in arguments)
    except typer.Abort:
        return EXIT_FAILED
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else EXIT_OK if stop.code is None else EXIT_FAILED
    except ProblemError as error:
        from engine.cli.output import show_error

        show_error(error, as_json="--json" in arguments)
        return EXIT_FAILED
    except Interrupted:
        sys.stderr.write("\n" + _("Interrupted. What was written is noted; run again to do the rest.") + "\n")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return EXIT_OK
    except Exception:  # a bug: nobody shall have to read a traceback
        return _bug()


def _wrong_usage(error: typer.TyperException, commands: tuple[str, ...], as_json: bool) -> int:
    from engine.cli.output import show_usage
    from engine.cli.usage import is_help, wrong_usage, wrong_usage_problem

    if is_help(error):
        sys.stderr.write(error.format_message() + "\n")
        return EXIT_USAGE
    problem = wrong_usage_problem(error, commands)
    show_usage(wrong_usage(error, problem), problem, as_json)
    return EXIT_USAGE


def _wrong_word(error: WrongUsage, as_json: bool) -> int:
    from engine.cli.output import show_usage

    show_usage(error.lines(), error.problem, as_json)
    return EXIT_USAGE


def _use_readable_streams() -> None:
    """Nothing that is printed may fail for its letters, or come out as others.

    Who reads on Linux and macOS says by the locale what is understood; everywhere by ``PYTHONIOENCODING``. On Windows
    the console understands everything, and a file is written as UTF-8, whatever code page the machine has.
    """
    codecs.register_error(READABLE, readable)
    asked = bool(os.environ.get("PYTHONIOENCODING", "").partition(":")[0])
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding=None if asked or os.name != "nt" else "utf-8", errors=READABLE)


def _project_first(arguments: list[str]) -> list[str]:
    """``--project`` may stand anywhere."""
    for index, word in enumerate(arguments):
        if word == "--":
            break
        if word == "--project" and index + 1 < len(arguments):
            return [word, arguments[index + 1], *arguments[:index], *arguments[index + 2 :]]
        if word.startswith("--project="):
            return [word, *arguments[:index], *arguments[index + 1 :]]
    return arguments


def _language(arguments: list[str]) -> str:
    """The project's language, read without loading the project; the environment's outside of one."""
    from engine.config.find import find_project

    named = None
    if arguments and arguments[0].startswith("--project"):
        named = arguments[0].partition("=")[2] or (arguments[1] if len(arguments) > 1 else None)
    root = Path(named) if named else find_project(Path.cwd())
    return project_language(root) if root is not None else environment_language()


def project_language(root: Path) -> str:
    """The language of the project in this folder; the environment's where there is none."""
    from engine.config.find import CONFIGURATION, FOLDER

    try:
        text = (root / FOLDER / CONFIGURATION).read_text("utf-8", errors="replace")
    except OSError:
        return environment_language()
    found = _LANGUAGE.search(text)
    return found[1] if found else "de"


def _bug() -> int:
    """Write down what happened, without what people typed, and say where."""
    from engine import __version__

    report = Path.cwd() / f"abgleich-bug-{datetime.now().astimezone():%Y%m%d-%H%M%S}.txt"
    text = f"abgleich {__version__}, Python {sys.version}\n\n{_trace()}\n"
    try:
        report.write_text(text, "utf-8")
        place = str(report)
    except OSError:
        place = _("nowhere (the folder can't be written)")
    sys.stderr.write(_("This is a bug in abgleich. A report was written to {file}.").format(file=place) + "\n")
    return EXIT_BUG


def _trace() -> str:
    """The places and the kind of the error; its text may hold values of people or secrets and is left out."""
    kind, error, _trace = sys.exc_info()
    frames = traceback.extract_tb(error.__traceback__) if error is not None else []
    lines = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return "\n".join([*lines, kind.__name__ if kind is not None else ""])
