"""Dropped files as the state remembers them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from sqlalchemy import delete, insert, select, update

from engine.state import tables as t
from engine.state.store import Store

DropState = Literal[
    "seen", "settling", "complete", "queued", "running", "done", "held", "refused", "failed", "superseded"
]
PENDING: frozenset[DropState] = frozenset(("seen", "settling", "complete", "queued", "running"))
FINAL: frozenset[DropState] = frozenset(("done", "held", "refused", "failed", "superseded"))


@dataclass(frozen=True, slots=True)
class Drop:
    """A file that lies, or lay, where a mapping watches. Times are texts as everywhere in the state.

    ``stamp`` changes when the file is touched, and is empty where we moved it away; ``modified`` orders files by age.
    ``content`` is the hash of the complete file, ``ran`` that of the last finished run, ``outcome`` the state it ended
    in. ``reason`` is for people, with
    its ``code``.
    """

    mapping: str
    path: str
    stamp: str
    modified: str
    state: DropState
    since: str
    content: str | None = None
    ran: str | None = None
    outcome: DropState | None = None
    code: str | None = None
    reason: str | None = None
    run: str | None = None
    plan: str | None = None
    trigger: str | None = None

    @property
    def place(self) -> tuple[str, str]:
        """What tells drops apart."""
        return self.mapping, self.path

    @property
    def is_pending(self) -> bool:
        """Whether something is still going to happen to it by itself."""
        return self.state in PENDING


class Drops:
    """The table of drops."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def all(self, mapping: str | None = None) -> list[Drop]:
        """Every drop, or those of one mapping."""
        query = select(t.drops).order_by(t.drops.c.mapping, t.drops.c.path)
        if mapping is not None:
            query = query.where(t.drops.c.mapping == mapping)
        with self.store.transaction() as database:
            return [Drop(**row) for row in database.execute(query).mappings()]

    def replace(self, changes: Iterable[tuple[Drop | None, Drop | None]]) -> bool:
        """Put the new in place of the old, where the old is still so. Whether all of it was.

        (None, drop) adds one, (drop, None) takes one away.
        """
        c = t.drops.c
        complete = True
        with self.store.transaction() as database:
            for old, new in changes:
                if old is None and new is not None:
                    here = select(c.path).where(c.mapping == new.mapping, c.path == new.path)
                    if database.execute(here).first() is not None:
                        complete = False
                        continue
                    database.execute(insert(t.drops).values(**asdict(new)))
                    continue
                assert old is not None
                same = (c.mapping == old.mapping, c.path == old.path, c.state == old.state, c.stamp == old.stamp)
                made = delete(t.drops) if new is None else update(t.drops).values(**asdict(new))
                complete &= bool(database.execute(made.where(*same)).rowcount)
        return complete

    def forget(self, mappings: Collection[str]) -> None:
        """Nobody watches for these mappings any more."""
        with self.store.transaction() as database:
            for mapping in mappings:
                database.execute(delete(t.drops).where(t.drops.c.mapping == mapping))
