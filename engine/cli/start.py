"""``abgleich start``."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from engine.cli.common import load_project, open_store, problems_shown
from engine.cli.output import show_problems
from engine.cli.usage import Examples
from engine.config.find import CONFIGURATION, FOLDER
from engine.i18n import _
from engine.problems import Location, Problem, UserMustFix

if TYPE_CHECKING:
    from engine.config.load import Project
    from engine.service.engine import Engine
    from engine.service.logs import Log


class LogForm(StrEnum):
    """How log lines are written."""

    text = "text"
    json = "json"


def summary() -> str:
    """What the command does."""
    return _("Work by itself: watch folders and keep schedules until stopped.")


def examples() -> Examples:
    """Command lines to copy."""
    return (
        ("abgleich start", _("runs until Ctrl-C")),
        ("abgleich start --log-file abgleich.log", _("and keeps a log")),
    )


def command(
    context: typer.Context,
    worker: Annotated[bool, typer.Option("--worker", help=_("One of several on a PostgreSQL database."))] = False,
    health: Annotated[
        int | None,
        typer.Option(
            "--health", min=0, max=65535, metavar="PORT", help=_("Page for monitoring programs, on this computer only.")
        ),
    ] = None,
    log: Annotated[
        LogForm, typer.Option("--log", metavar="text|json", help=_("Log lines for people or for programs."))
    ] = LogForm.text,
    log_file: Annotated[
        Path | None, typer.Option("--log-file", metavar=_("FILE"), help=_("Write the log into a file, too."))
    ] = None,
) -> None:
    """Start."""
    from engine.service.engine import Engine
    from engine.service.facts import facts_of
    from engine.service.health import Health
    from engine.service.logs import setup

    project = load_project(context)
    show_problems([*project.problems, *_idle(project)], project.root)
    _refuse_unknown_database(project)
    with problems_shown(context, as_json=False), open_store(project) as store:
        if worker and not store.is_shared:
            raise UserMustFix(_needs_server())
        known: list[Engine] = []
        zone = ZoneInfo(project.configuration.timezone)
        logs = setup(log.value, log_file, lambda: _secrets(project, known), lambda: zone)
        engine = Engine(project.root, store, project.configuration.database, logs, worker)
        known.append(engine)
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), lambda _signal, _frame: _stop(engine))
        if hasattr(signal, "SIGIO"):
            signal.signal(signal.SIGIO, signal.SIG_IGN)  # see engine.service.busy
        threading.excepthook = lambda failure: _told(logs, failure)
        try:
            if health is not None:
                Health(health, lambda: facts_of(engine)).start()
            engine.run()
        finally:
            logs.close()
    sys.stdout.flush()
    # Threads that wait on a silent server must not keep the program from ending; the state is safe.
    os._exit(0)


def _idle(project: Project) -> Iterator[Problem]:
    """That nothing will happen: an engine that looks at work would be believed."""
    if not project.mappings or any(one.model.enabled and one.triggers for one in project.mappings.values()):
        return
    message = _("No mapping runs by itself: none that is switched on has `triggers:`.")
    hint = _("Take away the # before `triggers:` and the lines below it, or run by hand: abgleich run MAPPING")
    yield Problem("no_triggers", message, hint, Location(FOLDER), "warning")


def _stop(engine: Engine) -> None:
    # The main thread may hold a lock that stopping needs.
    threading.Thread(target=engine.stop, daemon=True).start()


def _told(logs: Log, failure: threading.ExceptHookArgs) -> None:
    """A thread has ended by a bug: its kind is told, its text may hold people."""
    kind = failure.exc_type.__name__
    name = failure.thread.name if failure.thread is not None else "?"
    logs.event("bug", _("A bug in abgleich: {kind} at {place}.").format(kind=kind, place=name), "error")


def _refuse_unknown_database(project: Project) -> None:
    """Where the state is stands in the configuration: with a broken one only a state that is there may be taken."""
    errors = project.errors_of(project.root / FOLDER / CONFIGURATION)
    if errors and not (project.state_folder / "state.sqlite").exists():
        raise UserMustFix(errors[0])


def _secrets(project: Project, engines: list[Engine]) -> frozenset[str]:
    """The secrets of the configuration as it was at the start, as it is, and as it would be."""
    return project.secrets.union(*((one.live.project.secrets | one.live.newest.secrets) for one in engines))


def _needs_server() -> Problem:
    message = _("Several workers need a PostgreSQL server as `database` in configuration.yaml.")
    return Problem("worker_needs_server", message, _("Without it one engine is enough: abgleich start."))
