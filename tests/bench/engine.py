"""What the engine costs: beyond ``settle``, while nothing happens, and with many mappings."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.service.process import EngineProcess, engine, wait_for
from tests.world import PERSONAL, World, changed, people

FEED = "triggers: [{trigger: file, path: inbox/personal*.csv}]\n"
SETTLE = 0.5
DROPS = 10
IDLE = 20.0


@contextmanager
def _world() -> Iterator[World]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        world = World(Path(folder) / "project", stack)
        world.configure(first_sync="go")
        yield world


def bench_overhead_of_a_drop() -> Iterator[str]:
    """From the moment a file is complete to the target's request, beyond ``settle``."""
    with _world() as world:
        world.mapping(FEED + PERSONAL, settle=f"{SETTLE}s")
        with engine(world):
            took = [_drop(world, number) - SETTLE for number in range(DROPS + 1)][1:]
        yield f"{DROPS} drops of 20 persons, settle {SETTLE} s"
        yield f"median {1000 * statistics.median(took):.0f} ms, longest {1000 * max(took):.0f} ms beyond settle"


def _drop(world: World, number: int) -> float:
    """Seconds from the rename to the answered sync."""
    before = world.fe2.writes
    rows = changed(people(20), 1, vorname=f"V{number}")
    part = world.drop(rows, "personal.csv.part")
    begun = time.monotonic()
    part.rename(part.with_name("personal.csv"))
    while world.fe2.writes == before:
        time.sleep(0.002)
    took = time.monotonic() - begun
    time.sleep(1.0)  # the run ends
    return took


def bench_an_idle_engine() -> Iterator[str]:
    """200 mappings that watch 200 folders, and nothing happens."""
    if not Path("/proc/self/stat").exists():
        yield "only measured on Linux"
        return
    with _world() as world:
        _many(world, 200)
        with engine(world) as running:
            time.sleep(10.0)
            before = _cpu(running)
            time.sleep(IDLE)
            share = (_cpu(running) - before) / IDLE
            yield f"200 mappings, 200 folders: {100 * share:.1f} % of one core, {_memory(running):.0f} MiB"


def bench_a_thousand_mappings() -> Iterator[str]:
    """How long the start takes, and how long one edit needs to be live."""
    with _world() as world:
        _many(world, 1000)
        for start in ("first start", "second start"):
            took, running = _started(world)
            yield f"{start:<13} {took:.1f} s"
            if start == "second start":
                path = world.root / "mappings" / "m500.yaml"
                edits = [_edit(path, running, number) for number in range(5)]
                yield f"one edit      {statistics.median(edits):.2f} s until it is live, longest {max(edits):.2f} s"
                yield f"memory        {_memory(running):.0f} MiB"
            running.stop()


def _many(world: World, count: int) -> None:
    for number in range(count):
        feed = FEED.replace("inbox/personal*.csv", f"inbox/f{number}/personal*.csv")
        text = PERSONAL.replace("inbox/personal*.csv", f"inbox/f{number}/personal*.csv")
        world.mapping(feed + text, name=f"m{number}")
        (world.root / "inbox" / f"f{number}").mkdir()


def _started(world: World) -> tuple[float, EngineProcess]:
    begun = time.monotonic()
    running = EngineProcess(world)
    _wait("the start", lambda: "The engine is at work" in running.log)
    return time.monotonic() - begun, running


def _edit(path: Path, running: EngineProcess, number: int) -> float:
    before = running.log.count("was read again")
    text = path.read_text("utf-8")
    begun = time.monotonic()
    path.write_text(f"{text}# {number}\ndescription: {number}\n" if number == 0 else text.replace(
        f"description: {number - 1}", f"description: {number}"), "utf-8")  # fmt: skip
    _wait("the edit", lambda: running.log.count("was read again") > before)
    took = time.monotonic() - begun
    time.sleep(2.0)
    return took


def _wait(what: str, condition: Callable[[], bool]) -> None:
    wait_for(what, condition, 300.0)


def _cpu(running: EngineProcess) -> float:
    fields = Path(f"/proc/{running.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(running: EngineProcess) -> float:
    status = Path(f"/proc/{running.process.pid}/status").read_text("ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
