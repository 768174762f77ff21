"""What the engine says about itself: one line per event, on standard error and in a file where asked for.

No secret and no line end gets through, and whatever becomes of standard error or the file, the engine goes on.
"""

from __future__ import annotations

import json
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from engine.config.secret import SHORTEST
from engine.i18n import _, ngettext
from engine.problems import Location, Problem, UserMustFix, why

Form = Literal["text", "json"]

FILE_BYTES = 5 * 1024 * 1024
FILES = 5
LINES_WAITING = 10_000
"""More than so many lines that nobody takes are lost, and counted."""
LIBRARY_SIGNS = 500
LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_DBOS = "dbos"
_NOBODY = logging.NullHandler()


def setup(
    form: Form, file: Path | None, secrets: Callable[[], Iterable[str]], zone: Callable[[], ZoneInfo] | None = None
) -> Log:
    """A log to standard error, also to ``file`` where it is given. Raises :class:`UserMustFix` for an unusable file.

    ``secrets`` and ``zone`` are asked anew for every line; without a zone times are those of the machine. Libraries
    are kept from writing to standard error until :meth:`Log.close`.
    """
    log = Log(form, secrets, zone)
    if file is not None:
        try:
            log.add_file(file)
        except UserMustFix:
            log.close()
            raise
    log.take_over_libraries()
    return log


class Log:
    """Made by :func:`setup`. All methods may be called from any thread, none raises while the engine works."""

    def __init__(
        self, form: Form, secrets: Callable[[], Iterable[str]], zone: Callable[[], ZoneInfo] | None = None
    ) -> None:
        self._secrets = secrets
        self._formatter = _Json(zone) if form == "json" else _Text(zone)
        # Not from logging.getLogger: there may be several, and nobody else writes to this one.
        self._logger = logging.Logger("abgleich", logging.INFO)
        self._stderr = _Stderr(sys.stderr)
        self._stderr.setFormatter(self._formatter)
        self._logger.addHandler(self._stderr)
        self._from_dbos = _FromDbos(self)

    def event(self, name: str, text: str, level: str = "info", **facts: Any) -> None:
        """Write a line. ``name`` is stable, like a problem's code; ``level`` is info, warning or error.

        The fact ``mapping`` stands in front of the text; the others are found in JSON only.
        """
        hidden = _forms(self._secrets())
        known = {key: _clean(value, hidden) for key, value in facts.items() if value is not None}
        extra = {"event": name, "facts": known}
        self._logger.log(LEVELS.get(level, logging.INFO), "%s", _clean(text, hidden), extra=extra)

    def close(self, seconds: float = 2.0) -> None:
        """Write what waits, for so long at the most, and let the libraries go. To be called before ``os._exit``."""
        logging.getLogger(_DBOS).removeFilter(self._from_dbos)
        logging.getLogger().removeHandler(_NOBODY)
        logging.captureWarnings(False)
        self._stderr.drain(seconds)
        for handler in self._logger.handlers[:]:
            self._logger.removeHandler(handler)
            handler.close()
        self._logger.addHandler(_NOBODY)

    def add_file(self, file: Path) -> None:
        """Write to a file, too, from now on."""
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            handler = _File(file, self._file_lost)
        except OSError as error:
            message = _("The log can't be written to {file}: {reason}.").format(file=file, reason=why(error))
            hint = _("Name a file in a folder that may be written to: --log-file FILE.")
            raise UserMustFix(Problem("log_file_unusable", message, hint, Location(str(file)))) from None
        handler.setFormatter(self._formatter)
        self._logger.addHandler(handler)

    def take_over_libraries(self) -> None:
        """Nothing of the libraries is printed; what DBOS warns of becomes an event."""
        # A filter and no handler: DBOS adds and takes away handlers of its own.
        logging.getLogger(_DBOS).addFilter(self._from_dbos)
        # Where nobody listens, logging itself prints.
        logging.getLogger().addHandler(_NOBODY)
        logging.captureWarnings(True)

    def _file_lost(self, file: str, reason: str) -> None:
        text = _("Lines of the log are missing in {file}: {reason}. Is the disk full, or the folder gone?")
        record = _record("log_file", text.format(file=file, reason=reason))
        self._stderr.handle(record)


class _Stderr(logging.Handler):
    """Writes from a thread of its own: whoever does not read our standard error must not stop the engine."""

    def __init__(self, stream: Any) -> None:
        super().__init__()
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(LINES_WAITING)
        self._lost = 0
        self._counting = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.put_nowait(self.format(record))
        except queue.Full:
            with self._counting:
                self._lost += 1

    def drain(self, seconds: float) -> None:
        """Wait until everything is written, for so long at the most; nothing is written afterwards."""
        end = time.monotonic() + seconds
        try:
            self._lines.put(None, timeout=seconds)
        except queue.Full:
            return
        self._thread.join(max(0.0, end - time.monotonic()))

    def _work(self) -> None:
        while (line := self._lines.get()) is not None:
            with self._counting:
                lost, self._lost = self._lost, 0
            if lost:
                text = ngettext(
                    "{n} line is missing here: nobody read it in time.",
                    "{n} lines are missing here: nobody read them in time.",
                    lost,
                ).format(n=lost)
                self._write(self.format(_record("log_lines_lost", text)))
            self._write(line)

    def _write(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError, AttributeError):
            # Closed, broken, or there never was one: nobody is there to be told.
            return


class _File(RotatingFileHandler):
    """A file that is told about once when it can't be written, and goes on as soon as it can be."""

    def __init__(self, file: Path, lost: Callable[[str, str], None]) -> None:
        super().__init__(file, maxBytes=FILE_BYTES, backupCount=FILES - 1, encoding="utf-8", errors="backslashreplace")
        self._told_lost = lost
        self._failing = False

    def emit(self, record: logging.LogRecord) -> None:
        if self.stream is not None and not Path(self.baseFilename).exists():
            # Somebody tidied up: what is written to a deleted file is lost.
            self.stream.close()
            self.stream = None  # as logging does it; opened anew below
        before = self._failing
        self._failing = False
        super().emit(record)
        if self._failing and not before:
            self._told_lost(self.baseFilename, self._reason)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (a name of logging)
        error = sys.exc_info()[1]
        self._failing = True
        self._reason = why(error or OSError())

    def doRollover(self) -> None:  # noqa: N802 (a name of logging)
        """Where somebody has the file open, which Windows does not let be renamed, it grows until it can be.

        The newest moves first: where it can't, nothing older moves, and nothing is lost.
        """
        if self.stream is not None:
            self.stream.close()
        with suppress(OSError):
            Path(self.baseFilename).replace(f"{self.baseFilename}.0")
            for number in range(self.backupCount, 0, -1):
                with suppress(OSError):
                    Path(f"{self.baseFilename}.{number - 1}").replace(f"{self.baseFilename}.{number}")
        self.stream = self._open()


class _FromDbos(logging.Filter):
    """Takes all that DBOS logs; its warnings become events of one line, without traces, which may hold people."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING:
            try:
                text = record.getMessage().strip()
            except (TypeError, ValueError):
                text = str(record.msg)  # placeholders that don't fit
            self._log.event("library", text.partition("\n")[0][:LIBRARY_SIGNS], "warning", library=record.name)
        return False


class _Formatter(logging.Formatter):
    def __init__(self, zone: Callable[[], ZoneInfo] | None) -> None:
        super().__init__()
        self._zone = zone

    def moment(self, record: logging.LogRecord) -> datetime:
        """When it happened, on people's clocks."""
        zone = self._zone() if self._zone is not None else None
        return datetime.fromtimestamp(record.created, UTC).astimezone(zone)


class _Text(_Formatter):
    """``2026-11-23 12:00:05  personal  done: 3 new, 1 changed``"""

    def format(self, record: logging.LogRecord) -> str:
        """One line for people."""
        event, facts = _told(record)
        words = {logging.WARNING: _("warning"), logging.ERROR: _("error")}
        word = f"{words[record.levelno]}: " if record.levelno in words else ""
        who = facts.get("mapping") or event
        return f"{self.moment(record):%Y-%m-%d %H:%M:%S}  {who}  {word}{record.getMessage()}"


class _Json(_Formatter):
    """One JSON object per line: time, event, level, text, and the facts."""

    def format(self, record: logging.LogRecord) -> str:
        """One line for programs."""
        event, facts = _told(record)
        moment = self.moment(record).isoformat(timespec="milliseconds")
        line = {"time": moment, "event": event, "level": record.levelname.lower(), "text": record.getMessage()}
        return json.dumps(line | {key: value for key, value in facts.items() if key not in line}, ensure_ascii=False)


def _told(record: logging.LogRecord) -> tuple[str, dict[str, Any]]:
    return record.__dict__["event"], record.__dict__["facts"]


def _record(event: str, text: str) -> logging.LogRecord:
    """A warning of the log itself."""
    fields = {"event": event, "facts": {}, "msg": "%s", "args": (text,)}
    return logging.makeLogRecord(fields | {"levelno": logging.WARNING, "levelname": "WARNING"})


def _forms(secrets: Iterable[str]) -> list[str]:
    """The secrets, also as they stand in an address; longer ones first, for they may hold shorter ones."""
    long = [secret for secret in secrets if len(secret) >= SHORTEST]
    return sorted({*long, *(quote(secret, safe="") for secret in long)}, key=len, reverse=True)


def _clean(value: Any, hidden: list[str]) -> Any:
    """The value without secrets, line ends and control characters; what is no number becomes text."""
    if isinstance(value, bool | int | float):
        return value
    text = str(value)
    for secret in hidden:
        text = text.replace(secret, "***")
    return text if text.isprintable() else "".join(_harmless(sign) for sign in text)


def _harmless(sign: str) -> str:
    if sign.isprintable():
        return sign
    # Line ends of all kinds, tabs, and blanks that don't break.
    return " " if sign.isspace() else sign.encode("unicode_escape").decode("ascii")
