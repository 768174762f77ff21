"""The engine as a process of its own, and waiting for what it does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.cli import door
from tests.world import World

DEADLINE = 60.0
"""How long anything may take on a slow day."""


def wait_for(what: str, condition: Callable[[], Any], seconds: float = DEADLINE) -> Any:
    """Wait until something is so, and return what it is."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {seconds:.0f} s: {found!r}")
        time.sleep(0.05)


class EngineProcess:
    """One process of ``abgleich start``."""

    def __init__(self, world: World, *options: str) -> None:
        self.world = world
        self.file = world.root / f"engine-{time.monotonic_ns()}.log"
        self._log = self.file.open("wb")
        environment = os.environ | {"PYTHONPATH": str(Path(door.__file__).parents[2])}
        command = [sys.executable, "-m", "engine", "--project", str(world.root), "start", *options]
        self.process = subprocess.Popen(
            command, stdout=self._log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment,
            cwd=world.root,
        )  # fmt: skip

    @property
    def log(self) -> str:
        return self.file.read_text("utf-8", errors="replace")

    def wait_until_at_work(self) -> EngineProcess:
        wait_for("The start", lambda: "The engine is at work" in self.log or self.process.poll() is not None)
        assert self.process.poll() is None, self.log
        return self

    def kill(self) -> None:
        """SIGKILL: nothing of it can be answered."""
        self.process.kill()
        self.process.wait()
        self._log.close()

    def stop(self, number: int = signal.SIGTERM, seconds: float = DEADLINE) -> int:
        """Ask it to stop; the exit code."""
        self.process.send_signal(number)
        return self.wait(seconds)

    def wait(self, seconds: float = DEADLINE) -> int:
        """Wait for its end; the exit code."""
        code = self.process.wait(seconds)
        self._log.close()
        return code


@contextmanager
def engine(world: World, *options: str) -> Iterator[EngineProcess]:
    """An engine at work; killed at the end where it has not ended."""
    made = EngineProcess(world, *options)
    try:
        yield made.wait_until_at_work()
    finally:
        if made.process.poll() is None:
            made.kill()


def drops(world: World) -> dict[str, str]:
    """File name -> state, as `status` tells."""
    return {Path(drop["path"]).name: drop["state"] for drop in world("status").json["drops"]}
