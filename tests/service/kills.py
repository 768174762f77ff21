"""Kills engines at random moments while lists are dropped, and looks at what is left in the end.

    python -m tests.service.kills [KILLS] [--postgresql] [--seed N]

prints how many kills there were and whether both stand-ins hold exactly the last list.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.simulator import GreyhoundSimulator
from engine.state.drops import FINAL
from tests import postgresql as pg
from tests.service.process import EngineProcess, drops, wait_for
from tests.world import CONTACTS, PERSONAL, Row, World, people, person

FEEDS = {
    "personal": "triggers: [{trigger: file, path: inbox/personal*.csv}]\n",
    "contacts": "triggers: [{trigger: file, path: inbox/contacts*.csv}]\n",
}
LATENCY = 0.01
LONGEST_LIFE = 2.5
END = 300.0


@dataclass
class Outcome:
    """What is left after the last kill."""

    kills: int = 0
    lists: int = 0
    began: float = field(default_factory=time.monotonic)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        seconds = time.monotonic() - self.began
        word = "all as it must be" if not self.faults else "; ".join(self.faults)
        return f"{self.kills} kills, {self.lists} lists dropped, {seconds:.0f} s: {word}"


class Slaughter:
    """A project with both targets, and engines that don't live long."""

    def __init__(self, root: Path, stack: ExitStack, chance: random.Random, database: str | None) -> None:
        self.world = World(root, stack)
        self.chance = chance
        self.options = ["--worker"] if database else []
        self.world.extra = f"database: {database}\n" if database else ""
        self.world.configure(first_sync="go")
        self.server: GreyhoundSimulator = self.world.connect_greyhound()
        self.server.latency = LATENCY
        # Nothing shall be held: whoever would approve is not there.
        guard = "    guard: {max_removals: 1000}\n"
        shrink = ("  key: nr\n", "  key: nr\n  expect: {max_shrink: 100%}\n")
        self.world.mapping(FEEDS["personal"] + PERSONAL.replace(*shrink) + guard, settle="0.1s")
        contacts = CONTACTS.replace(*shrink).rstrip() + "\n    removal: trash\n" + guard
        self.world.mapping(FEEDS["contacts"] + contacts, name="contacts", settle="0.1s")
        self.last: dict[str, list[Row]] = {}
        self.dropped = 0

    def drop(self) -> None:
        """A new list for one of the mappings: somebody comes, somebody goes, somebody changes."""
        name = self.chance.choice(sorted(FEEDS))
        rows = [
            person(number, vorname=f"V{self.chance.randrange(9)}")
            for number in range(1, 41)
            if self.chance.random() < 0.8
        ] or people(1)
        self.dropped += 1
        # Written beside and renamed, as careful programs do: half a file would rightly be refused.
        self.world.drop(rows, f"{name}.csv.part").rename(self.world.root / "inbox" / f"{name}.csv")
        self.last[name] = rows

    def start(self) -> EngineProcess:
        return EngineProcess(self.world, *self.options)

    def faults(self) -> list[str]:
        """What is not as the last lists say."""
        wanted = {name: {row["nr"]: row for row in self.last.get(name, [])} for name in FEEDS}
        found = []
        held = {key: value["firstName"] for key, value in self.world.fe2.persons.items()}
        if held != {key: row["vorname"] for key, row in wanted["personal"].items()}:
            found.append("FE2 holds something else than the last list")
        live = [item for item in self.server.contacts.values() if not item.get("Flags", 0) & 2]
        keys = [str(field["Value"]) for item in live for field in item["UserFields"]]
        if len(keys) != len(set(keys)):
            found.append("a key is in GREYHOUND twice")
        names = {f"{row['vorname']} {row['nachname']}" for row in wanted["contacts"].values()}
        if set(keys) != set(wanted["contacts"]) or {item["Subject"] for item in live} != names:
            found.append("GREYHOUND holds something else than the last list")
        found += [f"breach: {sentence}" for sentence in (*self.world.fe2.breaches, *self.server.breaches)]
        states = drops(self.world)
        found += [f"{name} is {state}" for name, state in states.items() if state not in FINAL]
        return found

    def is_over(self) -> bool:
        """Whether every drop has come to its end and says what the last list says."""
        states = drops(self.world)
        return len(states) == len(self.last) and all(state == "done" for state in states.values()) and not self.faults()


def slaughter(kills: int, root: Path, chance: random.Random, database: str | None = None) -> Outcome:
    """Kill so many engines, one after the other; with a database three at a time, one of them never started again."""
    outcome = Outcome()
    with ExitStack() as stack:
        scene = Slaughter(root, stack, chance, database)
        engines = [scene.start() for _number in range(3 if database else 1)]
        stack.callback(_end, engines)
        engines[0].wait_until_at_work()
        scene.drop()
        while outcome.kills < kills:
            end = time.monotonic() + chance.uniform(0.05, LONGEST_LIFE)
            while time.monotonic() < end:
                if chance.random() < 0.15:
                    scene.drop()
                time.sleep(0.1)
            number = chance.randrange(len(engines))
            engines[number].kill()
            outcome.kills += 1
            if database and len(engines) == 3:
                del engines[number]  # its runs are taken over by the others
            else:
                engines[number] = scene.start()
            if chance.random() < 0.5:
                engines[-1].wait_until_at_work()
        try:
            wait_for("The end", scene.is_over, END)
        except AssertionError:
            outcome.faults = [*scene.faults(), *(one.log[-2000:] for one in engines)]
        outcome.lists = scene.dropped
    return outcome


def _end(engines: list[EngineProcess]) -> None:
    for one in engines:
        if one.process.poll() is None:
            one.kill()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kills", type=int, nargs="?", default=100)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options: Any = parser.parse_args()
    chance = random.Random(options.seed)
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))) / "project"
        database = None
        if options.postgresql:
            if not pg.is_there():
                print("no PostgreSQL on this machine")
                return 1
            database = f"{stack.enter_context(pg.server())}/postgres"
        where = "three workers on PostgreSQL" if database else "one engine on SQLite"
        outcome = slaughter(options.kills, root, chance, database)
        print(f"{where}, seed {options.seed}: {outcome}")
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main())
