"""What both fault tables share: how often a fault comes, pauses that let the server finish, and how a run ended."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from engine.problems import TargetStopped
from engine.simulator import Simulator
from engine.sync.plan import ActionPlan
from engine.target.base import Effects, Outcome
from tests.target.helpers import World

# Of a caller in a hurry, of an answer that is later than that, and of one that takes that long for a few bytes.
TIMEOUT, LATE, DRIP = "0.2", 0.3, 0.03
BAD = ("failed", "conflict", "locked")


class Pauses(list[float]):
    """Notes each pause, and waits only until the server is done with what its caller gave up: as in a real pause."""

    def __init__(self, server: Simulator) -> None:
        super().__init__()
        self.server = server

    def append(self, seconds: float, /) -> None:
        super().append(seconds)
        settle(self.server)


def settle(server: Simulator) -> None:
    """Waits until no request is under way any more."""
    end = time.monotonic() + 10
    while not server.is_quiet and time.monotonic() < end:
        time.sleep(0.005)


@dataclass(frozen=True)
class Ending:
    """How a run ended: what became of each change, which problem stopped the target, and all that people read."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    stop: str = ""
    text: str = ""

    def __str__(self) -> str:
        """As in the tables: ``done``, ``stop CODE``, or ``KEY KEY: CODE`` of those who did not get through."""
        if self.stop:
            return f"stop {self.stop}"
        codes = {key: one.code for key, one in self.outcomes.items() if one.kind in BAD}
        by_code = {code: " ".join(sorted(key for key in codes if codes[key] == code)) for code in codes.values()}
        return ", ".join(f"{keys}: {code}" for code, keys in sorted(by_code.items())) or "done"


def ending(world: World, plan: ActionPlan) -> Ending:
    """Carry out a plan. What escapes the target, besides the clear stop of it, is a bug and ends the test."""
    target = world.target()
    done: list[Outcome] = []
    stop = text = ""
    try:
        for outcome in target.apply(plan, world.ledger, Effects(world.sleeps.append, world.steps.append)):
            done.append(outcome)
    except TargetStopped as error:
        problem = error.problems[0]
        assert problem.message
        assert problem.hint
        stop, text = problem.code, f"{problem.message} {problem.hint}"
    finally:
        target.close()
    for one in done:
        assert (one.message and one.hint and one.code) or one.kind not in BAD, one
        text += f" {one.message} {one.hint}"
    outcomes = {one.key: one for one in done}
    assert len(outcomes) == len(done)
    return Ending(outcomes, stop, text)
