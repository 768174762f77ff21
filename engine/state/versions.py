"""The last good version of every mapping and of the configuration: what goes on while the newest one is broken."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import delete, insert, select

from engine.state import tables as t
from engine.state.store import Store

CONFIGURATION = ""
"""Stands for the configuration where mappings have their id."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version that was good. ``mark`` changes with everything that it was found good with.

    ``texts`` are the files it was read from, by their paths in the project: without ``secrets.yaml``, and none at all
    where a secret stands in one of them.
    """

    mapping: str
    file: str
    hash: str
    mark: str
    accepted_at: str
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)


class Versions:
    """The table of versions."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def all(self) -> dict[str, Version]:
        """The last good versions by mapping; that of the configuration under :data:`CONFIGURATION`."""
        with self.store.transaction() as database:
            rows = database.execute(select(t.versions)).all()
        return {
            row.mapping: Version(row.mapping, row.file, row.hash, row.mark, row.accepted_at, json.loads(row.texts))
            for row in rows
        }

    def ids(self) -> set[str]:
        """The mappings of which there is a good version that can go on over a restart."""
        kept = select(t.versions.c.mapping).where(t.versions.c.texts != "{}")
        with self.store.transaction() as database:
            return set(database.execute(kept).scalars()) - {CONFIGURATION}

    def save(self, accepted: Iterable[Version], gone: Collection[str] = ()) -> None:
        """These are the last good versions from now on; there are none any more of those that are gone."""
        rows = [
            {"mapping": one.mapping, "file": one.file, "hash": one.hash, "mark": one.mark}
            | {"accepted_at": one.accepted_at, "texts": json.dumps(dict(one.texts), ensure_ascii=False)}
            for one in accepted
        ]
        with self.store.transaction() as database:
            for name in (*gone, *(row["mapping"] for row in rows)):
                database.execute(delete(t.versions).where(t.versions.c.mapping == name))
            if rows:
                database.execute(insert(t.versions), rows)
