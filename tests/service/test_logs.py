"""What the engine says: a line per event for people or programs, without secrets, whatever becomes of the outputs."""

from __future__ import annotations

import io
import json
import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, redirect_stderr
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.i18n import language, use_language
from engine.problems import UserMustFix
from engine.service import logs
from engine.service.logs import Form, Log, setup

BERLIN = ZoneInfo("Europe/Berlin")
SECRET = "geheim/er schlüssel+4711"


@pytest.fixture(autouse=True)
def _language() -> Iterator[None]:
    before = language()
    use_language("en")
    yield
    use_language(before)


@pytest.fixture
def stderr() -> io.StringIO:
    """What stands on standard error."""
    return io.StringIO()


def log_to(
    stream: Any,
    form: Form = "text",
    file: Path | None = None,
    secrets: Callable[[], Iterable[str]] = frozenset,
    zone: Callable[[], ZoneInfo] | None = None,
) -> Log:
    """A log of a program that has this standard error."""
    with redirect_stderr(stream):
        return setup(form, file, secrets, zone)


def written(stderr: io.StringIO, form: Form, tell: Callable[[Log], None]) -> list[str]:
    """The lines after ``tell`` has said everything."""
    with closing(log_to(stderr, form, None, lambda: {SECRET, "abc"}, lambda: BERLIN)) as log:
        tell(log)
    return stderr.getvalue().splitlines()


def told(stderr: io.StringIO, tell: Callable[[Log], None]) -> list[dict[str, Any]]:
    """The events of a log in JSON."""
    return [json.loads(line) for line in written(stderr, "json", tell)]


# -- the lines ---------------------------------------------------------------------------------------------------------


def test_a_line_for_people_has_the_time_the_mapping_and_the_text(
    stderr: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 1_795_431_605.25)  # 2026-11-23 11:00:05 UTC
    monkeypatch.setattr("time.time_ns", lambda: 1_795_431_605_250_000_000)  # which newer Pythons ask
    (line,) = written(stderr, "text", lambda log: log.event("run", "done: 3 new, 1 changed", mapping="personal"))
    assert line == "2026-11-23 12:00:05  personal  done: 3 new, 1 changed"


def test_what_is_about_no_mapping_carries_the_name_of_the_event(stderr: io.StringIO) -> None:
    (line,) = written(stderr, "text", lambda log: log.event("start", "The engine is at work."))
    assert line[19:] == "  start  The engine is at work."


@pytest.mark.parametrize("level", ["warning", "error"])
def test_warnings_and_errors_are_named(stderr: io.StringIO, level: str) -> None:
    (line,) = written(stderr, "text", lambda log: log.event("x", "Something.", level))
    assert line[19:] == f"  x  {level}: Something."


def test_a_line_for_programs_is_json_with_all_facts(stderr: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_782_900_000.25)
    monkeypatch.setattr("time.time_ns", lambda: 1_782_900_000_250_000_000)
    (event,) = told(
        stderr, lambda log: log.event("run", "Grüße", "warning", mapping="personal", rows=3, good=True, none=None)
    )
    assert event == {
        "time": "2026-07-01T12:00:00.250+02:00",
        "event": "run",
        "level": "warning",
        "text": "Grüße",
        "mapping": "personal",
        "rows": 3,
        "good": True,
    }


def test_facts_never_hide_what_every_line_has(stderr: io.StringIO) -> None:
    (event,) = told(stderr, lambda log: log.event("run", "text", time="never", event="none"))
    assert (event["event"], event["time"][:2]) == ("run", "20")


def test_without_a_zone_times_are_those_of_the_machine(stderr: io.StringIO) -> None:
    with closing(log_to(stderr, "json", None)) as log:
        log.event("x", "y")
    assert json.loads(stderr.getvalue())["time"][:2] == "20"


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_text_stays_one_line_and_sends_no_commands_to_a_terminal(stderr: io.StringIO, form: Form) -> None:
    nasty = "a\nb\r\nc\td\x1b[31me\u2028f\x85g\u202eh\x00i\ud800j\u00a0k % %s {x}"
    written_lines = written(stderr, form, lambda log: log.event("x", nasty, mapping="m\nn"))
    (line,) = stderr.getvalue().split("\n")[:-1]
    assert written_lines == [line]
    assert line.isprintable()
    line.encode("utf-8")
    text = json.loads(line)["text"] if form == "json" else line
    assert "a b  c d\\x1b[31me f g\\u202eh\\x00i\\ud800j k % %s {x}" in text
    assert "m n" in line


# -- secrets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "json"])
def test_secrets_are_starred_in_texts_and_facts_also_as_they_stand_in_addresses(
    stderr: io.StringIO, form: Form
) -> None:
    quoted = "geheim%2Fer%20schl%C3%BCssel%2B4711"
    (line,) = written(stderr, form, lambda log: log.event("x", f"<{SECRET}> <{quoted}>", mapping=f"m-{SECRET}"))
    assert "<***> <***>" in line
    assert "m-***" in line
    assert "geheim" not in line


def test_very_short_secrets_would_only_spoil_words(stderr: io.StringIO) -> None:
    (line,) = written(stderr, "text", lambda log: log.event("x", "abc stays"))
    assert line.endswith("abc stays")


def test_a_secret_that_holds_another_is_starred_as_a_whole(stderr: io.StringIO) -> None:
    with closing(log_to(stderr, "text", None, lambda: ["kennwort", "kennwort-lang"])) as log:
        log.event("x", "<kennwort-lang>")
    assert "<***>" in stderr.getvalue()


def test_secrets_are_asked_for_anew_with_every_line(stderr: io.StringIO) -> None:
    secrets: set[str] = set()
    with closing(log_to(stderr, "text", None, lambda: secrets)) as log:
        log.event("x", "neues-kennwort")
        secrets.add("neues-kennwort")
        log.event("x", "neues-kennwort")
    first, second = stderr.getvalue().splitlines()
    assert "neues-kennwort" in first
    assert "***" in second


# -- standard error ----------------------------------------------------------------------------------------------------


class Closed(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


@pytest.mark.parametrize("stream", [Closed(), None], ids=["broken", "none at all"])
def test_without_standard_error_the_engine_goes_on_and_the_file_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: Any
) -> None:
    with closing(log_to(stream, "text", tmp_path / "log")) as log:
        for number in range(10):
            log.event("x", f"line {number}")
    assert len((tmp_path / "log").read_text("utf-8").splitlines()) == 10


def test_a_closed_standard_error_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    with closing(log_to(text, "text", None)) as log:
        text.close()
        log.event("x", "nobody hears this")


def test_a_reader_that_stops_reading_does_not_stop_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LINES_WAITING", 50)
    stream = Gate()
    log = log_to(stream, "json", tmp_path / "log")
    # Without a thread of its own the first line would hang.
    for number in range(400):
        log.event("x", f"line {number}")
    log.close(seconds=0.1)
    assert stream.getvalue() == ""
    assert len((tmp_path / "log").read_text("utf-8").splitlines()) == 400
    stream.open.set()


def test_lines_that_were_lost_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LINES_WAITING", 5)
    stream = Gate()
    with closing(log_to(stream, "json", None)) as log:
        log.event("x", "first")
        assert stream.reached.wait(60)
        for number in range(12):
            log.event("x", f"{number}")
        stream.open.set()
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [event["text"] for event in events if event["event"] == "x"] == ["first", *"01234"]
    (lost,) = (event for event in events if event["event"] == "log_lines_lost")
    assert lost["text"].startswith("7 lines are missing here")


class Gate(io.StringIO):
    """Takes nothing until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.open = threading.Event()

    def write(self, text: str) -> int:
        self.reached.set()
        self.open.wait(60)
        return super().write(text)


def test_many_threads_write_whole_lines(stderr: io.StringIO, tmp_path: Path) -> None:
    def say() -> None:
        for _number in range(50):
            log.event("x", "y" * 200)

    with closing(log_to(stderr, "json", tmp_path / "log")) as log:
        threads = [threading.Thread(target=say) for _one in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for text in (stderr.getvalue(), (tmp_path / "log").read_text("utf-8")):
        assert [json.loads(line)["text"] for line in text.splitlines()] == ["y" * 200] * 400


# -- the file ----------------------------------------------------------------------------------------------------------


def test_the_file_gets_the_same_lines_and_goes_on_after_a_restart(stderr: io.StringIO, tmp_path: Path) -> None:
    file = tmp_path / "logs" / "abgleich.log"
    for text in ("Größe", "zweite"):
        with closing(log_to(stderr, "text", file)) as log:
            log.event("x", text)
    assert file.read_text("utf-8") == stderr.getvalue()
    assert len(file.read_text("utf-8").splitlines()) == 2


def test_the_file_is_rotated_and_old_ones_go(
    stderr: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 1000)
    with closing(log_to(stderr, "text", tmp_path / "log")) as log:
        for number in range(200):
            log.event("x", f"line {number}" + "." * 60)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["log", "log.1", "log.2", "log.3", "log.4"]
    assert all(path.stat().st_size <= 1100 for path in tmp_path.iterdir())
    assert "line 199" in (tmp_path / "log").read_text("utf-8")


def test_a_file_that_can_not_be_renamed_just_grows(
    stderr: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 1000)
    with closing(log_to(stderr, "text", tmp_path / "log")) as log:
        # A folder in the way, as good as the program that has the file open on Windows.
        (tmp_path / "log.0" / "in the way").mkdir(parents=True)
        (tmp_path / "log.4").write_text("an older one\n", "utf-8")
        for number in range(50):
            log.event("x", f"line {number}" + "." * 60)
    assert len((tmp_path / "log").read_text("utf-8").splitlines()) == 50
    assert (tmp_path / "log.4").read_text("utf-8") == "an older one\n"
    assert "missing" not in stderr.getvalue()


def test_a_file_that_can_not_be_made_is_told_before_anything_begins(stderr: io.StringIO, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    for path in (tmp_path / "file" / "log", tmp_path):
        with pytest.raises(UserMustFix) as caught:
            log_to(stderr, "text", path)
        (problem,) = caught.value.problems
        assert problem.code == "log_file_unusable"
        assert "--log-file" in problem.hint


@pytest.mark.skipif(os.name != "posix", reason="an open file can't be deleted here")
def test_a_file_that_somebody_deletes_is_made_anew(stderr: io.StringIO, tmp_path: Path) -> None:
    file = tmp_path / "log"
    with closing(log_to(stderr, "text", file)) as log:
        log.event("x", "before")
        file.unlink()
        log.event("x", "after")
    assert "after" in file.read_text("utf-8")
    assert "missing" not in stderr.getvalue()


@pytest.mark.skipif(os.name != "posix", reason="an open file can't be deleted here")
def test_a_file_that_can_not_be_written_any_more_is_told_once_and_gone_on_with(
    stderr: io.StringIO, tmp_path: Path
) -> None:
    folder = tmp_path / "logs"
    with closing(log_to(stderr, "text", folder / "log")) as log:
        (folder / "log").unlink()
        folder.rmdir()
        log.event("x", "lost")
        log.event("x", "lost too")
        folder.mkdir()
        log.event("x", "found")
    assert "found" in (folder / "log").read_text("utf-8")
    lines = stderr.getvalue().splitlines()
    assert len([line for line in lines if "Lines of the log are missing" in line]) == 1
    assert len(lines) == 4


# -- libraries ---------------------------------------------------------------------------------------------------------


def test_warnings_of_dbos_become_one_line_without_a_trace(
    stderr: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    def tell(_log: Log) -> None:
        dbos = logging.getLogger("dbos")
        # DBOS hangs a handler of its own into its logger, and workflow.py takes it out again.
        dbos.addHandler(logging.StreamHandler(stderr))
        dbos.info("started")
        try:
            raise ValueError("Max Mustermann")
        except ValueError:
            dbos.warning("Queue %s waits\nTraceback: Max Mustermann", "runs", exc_info=True)
        dbos.handlers.clear()
        dbos.error(f"lost {SECRET}")
        dbos.error("does not fit %d", "text")

    events = told(stderr, tell)
    assert [event["text"] for event in events] == ["Queue runs waits", "lost ***", "does not fit %d"]
    assert {(event["event"], event["level"], event["library"]) for event in events} == {("library", "warning", "dbos")}
    assert capfd.readouterr().err == ""


def test_other_libraries_do_not_print(stderr: io.StringIO, capfd: pytest.CaptureFixture[str]) -> None:
    def tell(_log: Log) -> None:
        for name in ("apprise", "httpx", "httpcore.connection", "watchdog.observers", "sqlalchemy.pool", "urllib3"):
            logging.getLogger(name).error("https://user:password@host")

    assert written(stderr, "text", tell) == []
    assert capfd.readouterr().err == ""


def test_warnings_of_python_do_not_print_between_the_lines(stderr: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert written(stderr, "json", lambda _log: warnings.warn("old", UserWarning, stacklevel=1)) == []


def test_after_the_end_libraries_log_as_before(stderr: io.StringIO) -> None:
    before = logging.getLogger().handlers[:], logging.getLogger("dbos").filters[:]
    written(stderr, "text", lambda log: log.event("x", "y"))
    assert (logging.getLogger().handlers[:], logging.getLogger("dbos").filters[:]) == before


def test_what_is_said_after_the_end_does_no_harm(stderr: io.StringIO) -> None:
    log = log_to(stderr, "text", None)
    log.close()
    log.event("x", "too late", "error")
    log.close()
    assert stderr.getvalue() == ""
