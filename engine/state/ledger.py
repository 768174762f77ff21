"""What one action may note in the state while it writes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from engine.problems import ProblemError
from engine.state.store import Store
from engine.sync.plan import Change
from engine.sync.record import Owner, Record, Sent


class StateLedger:
    """The :class:`engine.target.base.Ledger` of one action, kept in the state.

    ``place`` is the server's address; ``moved``: it is another one than before, and nobody was sent there yet.
    ``still_alone`` is called before writes begin and raises where others may write, too.
    """

    def __init__(
        self,
        store: Store,
        connection: str,
        owner: Owner,
        place: str | None = None,
        moved: bool = False,
        still_alone: Callable[[], None] = lambda: None,
    ) -> None:
        self.store = store
        self.connection = connection
        self.owner = owner
        self.place = place
        self.moved = moved
        self._still_alone = still_alone

    def everybody(self) -> list[Sent]:
        """All persons last sent over this connection."""
        return [] if self.moved else self.store.sent(self.connection)

    def in_doubt(self) -> set[str]:
        """The keys of this action about which a write began and was never confirmed."""
        if self.moved:
            return set()
        sent = self.store.sent(self.connection, self.owner.mapping, self.owner.action)
        return {one.key for one in sent if one.intended}

    def is_certain(self) -> bool:
        """Whether what the target holds is known."""
        return self.store.connection(self.connection).at(self.place).certain

    def begin(self) -> None:
        """A write begins."""
        self._still_alone()
        if self.moved:
            self.store.forget_connection(self.connection)
            self.moved = False
        self.store.set_uncertain(self.connection)

    def intend(self, changes: Iterable[Change]) -> None:
        """Writes about these persons begin."""
        self._still_alone()
        meant = ((change.key, change.after or change.before or {}) for change in changes)
        self.store.intend(self.connection, self.owner, meant, self.place, self.moved)
        self.moved = False

    def withdraw(self, keys: Collection[str]) -> None:
        """Nothing was written about these persons after all. Without the lock others may have noted them, too."""
        try:
            self._still_alone()
        except ProblemError:
            return
        self.store.withdraw(self.connection, self.owner, keys)

    def finish(self, changes: Iterable[tuple[Change, str | None]] = ()) -> None:
        """The write as a whole was a clear success. Where the lock got lost meanwhile that means nothing any more."""
        try:
            self._still_alone()
        except ProblemError:
            self.store.set_uncertain(self.connection)
            raise
        settled = [(change, change.after, remote) for change, remote in changes]
        self.store.record_changes(self.connection, self.owner, settled, final=True, place=self.place)

    def done(self, *settled: tuple[Change, Record | None, str | None]) -> None:
        """These changes took effect."""
        self.store.record_changes(self.connection, self.owner, settled, final=False)

    def client_id(self, make: Callable[[], str]) -> str:
        """The id of this installation at the target."""
        return self.store.client_id(self.connection, make)
