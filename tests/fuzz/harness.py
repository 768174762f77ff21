"""Tries many, measures each, and tells which of them raised or took too long."""

from __future__ import annotations

import faulthandler
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.fuzz.lists import FORMATS, Lists
from tests.fuzz.mappings import Mappings, Mending

LONGEST = 2.0
"""Seconds of the processor's time: a busy machine makes nothing wrong."""
HANGS = 60.0
"""Seconds by the clock, after which it is shown where it hangs."""


class Trial(Protocol):
    """One kind of file."""

    name: str
    share: int
    """One of so many numbers is tried."""

    def write(self, number: int) -> None:
        """Put the file with a number in its place."""

    def look(self, number: int) -> None:
        """Read it; raises where something is wrong."""


@dataclass
class Result:
    """How it went: ``failed`` has the number and the reason of everything that is wrong."""

    name: str
    tried: int = 0
    slowest: tuple[float, int] = (0.0, 0)
    failed: list[tuple[int, str]] = field(default_factory=list)

    def __str__(self) -> str:
        slowest = f"the slowest took {self.slowest[0]:.2f} s (number {self.slowest[1]})"
        return f"{self.name}: {self.tried} tried, {len(self.failed)} failed; {slowest}"


def trials(folder: Path) -> list[Trial]:
    """One of each kind."""
    return [Mappings(folder), Mending(folder), *(Lists(folder, kind) for kind in FORMATS)]


def attempt(trial: Trial, numbers: range, most_failures: int = 20) -> Result:
    """Try all numbers, until too many have failed."""
    result = Result(trial.name)
    for number in numbers:
        trial.write(number)
        faulthandler.dump_traceback_later(HANGS, exit=True)
        begun = time.process_time()
        reason = ""
        try:
            trial.look(number)
        except Exception:  # whatever it is: that is what is looked for
            reason = traceback.format_exc()
        took = time.process_time() - begun
        faulthandler.cancel_dump_traceback_later()
        result.tried += 1
        result.slowest = max(result.slowest, (took, number))
        if reason or took > LONGEST * (5 if trial.share > 1 else 1):
            result.failed.append((number, reason or f"took {took:.2f} s"))
        if len(result.failed) >= most_failures:
            break
    return result
