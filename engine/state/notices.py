"""What people were told of each mapping, and notices on their way: kept until every address has taken them."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import delete, insert, or_, select, update

from engine.state import tables as t
from engine.state.store import Store, now_text

WRONG_CLOCK = timedelta(hours=2)
Kind = Literal["failed", "held", "refused", "stale", "overdue", "recovered", "test"]


@dataclass(frozen=True, slots=True)
class Notice:
    """A change of state of one mapping. ``alias`` is what people call it; ``text`` ends with the next step.

    A ``test`` is about no mapping.
    """

    kind: Kind
    mapping: str
    alias: str
    text: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """A notice on its way. ``names``: whose addresses have not taken it yet; the addresses hold passwords."""

    id: int
    notice: Notice
    names: tuple[str, ...]
    tries: int
    due_at: str
    made_at: str


class Notices:
    """The tables of what was told and of what is on its way."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def told(self) -> dict[tuple[str, str], tuple[str, str]]:
        """(mapping, aspect) -> (value, since): what people were last told."""
        with self.store.transaction() as database:
            rows = database.execute(select(t.told)).all()
        return {(row.mapping, row.aspect): (row.value, row.since) for row in rows}

    def tell(
        self, mapping: str, aspect: str, value: str, notice: Notice | None = None, names: Collection[str] = ()
    ) -> bool:
        """People are told this from now on; the notice is on its way in the same transaction. False: they know it."""
        c = t.told.c
        here = (c.mapping == mapping, c.aspect == aspect)
        with self.store.transaction() as database:
            before = database.execute(select(c.value).where(*here)).scalar()
            if before == value:
                return False
            moment = self.store.now()
            if before is None:
                row = {"mapping": mapping, "aspect": aspect, "value": value, "since": moment}
                database.execute(insert(t.told).values(**row))
            else:
                database.execute(update(t.told).where(*here).values(value=value, since=moment))
            if notice is not None and names:
                of = {"kind": notice.kind, "mapping": notice.mapping, "alias": notice.alias, "text": notice.text}
                way = {"names": json.dumps(sorted(names)), "tries": 0, "due_at": moment, "made_at": moment}
                database.execute(insert(t.notices).values(**of, **way))
        return True

    def forget(self, mappings: Collection[str]) -> None:
        """Nobody is told about these mappings any more."""
        with self.store.transaction() as database:
            for mapping in mappings:
                database.execute(delete(t.told).where(t.told.c.mapping == mapping))

    def take(self, now: datetime, until: datetime, limit: int) -> list[Parcel]:
        """What is due, the longest first, up to so many: the caller's up to ``until``, and nobody else's meanwhile."""
        c = t.notices.c
        mine = []
        with self.store.transaction() as database:
            # Nothing is put off for so long, but by a clock that was wrong.
            is_due = or_(c.due_at <= now_text(now), c.due_at > now_text(now + WRONG_CLOCK))
            due = select(t.notices).where(is_due).order_by(c.due_at, c.id).limit(limit)
            rows = database.execute(due).all()
            for row in rows:
                taken = update(t.notices).where(c.id == row.id, c.due_at == row.due_at).values(due_at=now_text(until))
                if database.execute(taken).rowcount:
                    mine.append(row)
        return [
            Parcel(
                row.id,
                Notice(row.kind, row.mapping, row.alias, row.text),
                tuple(json.loads(row.names)),
                row.tries,
                now_text(until),
                row.made_at,
            )
            for row in mine
        ]

    def delivered(self, parcel: Parcel) -> None:
        """Nothing is left to be done about it."""
        with self.store.transaction() as database:
            database.execute(delete(t.notices).where(t.notices.c.id == parcel.id))

    def try_again(self, parcel: Parcel, names: Collection[str], due: datetime) -> None:
        """These have not taken it: it is due again then."""
        values = {"names": json.dumps(sorted(names)), "tries": parcel.tries + 1, "due_at": now_text(due)}
        with self.store.transaction() as database:
            database.execute(update(t.notices).where(t.notices.c.id == parcel.id).values(**values))

    def put_off(self, parcel: Parcel, due: datetime) -> None:
        """Nobody has tried."""
        with self.store.transaction() as database:
            database.execute(update(t.notices).where(t.notices.c.id == parcel.id).values(due_at=now_text(due)))

    def hurry(self) -> None:
        """Everything on its way is due now."""
        with self.store.transaction() as database:
            database.execute(update(t.notices).values(due_at=self.store.now()))
