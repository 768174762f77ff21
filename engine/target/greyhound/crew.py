"""Several changes at a time, and when to leave a server alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from queue import SimpleQueue
from threading import Thread
from typing import Self, TypeVar, cast

from engine.http import Unreachable
from engine.i18n import _
from engine.problems import TargetStopped
from engine.sync.plan import Change
from engine.target.base import Ledger, Settled
from engine.target.greyhound.rpc import Rpc, RpcError
from engine.target.greyhound.writing import Done

SILENT_IN_A_ROW = 3
PROBES = 3
NOTED_AT_ONCE = 25
NOTED_AFTER = 0.5
GRACE = 5.0
A = TypeVar("A")
B = TypeVar("B")


class _End:
    """Tells a thread to go home."""


END = _End()


def each(work: Callable[[A], B], items: Iterable[A], at_once: int) -> Iterator[tuple[A, B]]:
    """``work`` of every item, ``at_once`` at a time, in the order in which they end.

    An item is taken when there is room for it, so whoever ends ``items`` gets what is under way and nothing more.
    Whoever stops asking waits a little for what is under way; then it is left to itself.
    """
    if at_once == 1:
        yield from ((item, work(item)) for item in items)
        return
    tasks: SimpleQueue[A | _End] = SimpleQueue()
    results: SimpleQueue[tuple[A, B | None, BaseException | None]] = SimpleQueue()
    # Not a pool: the end of the program would wait for its threads, also for a server that answers nobody.
    crew = [Thread(target=_toil, args=(work, tasks, results), daemon=True) for _number in range(at_once)]
    for thread in crew:
        thread.start()
    try:
        todo = iter(items)
        under_way = _handed_out(tasks, islice(todo, at_once))
        while under_way:
            item, result, error = results.get()
            under_way -= 1
            if error is not None:
                raise error
            yield item, cast("B", result)
            under_way += _handed_out(tasks, islice(todo, 1))
    finally:
        for _thread in crew:
            tasks.put(END)
        end = time.monotonic() + GRACE
        for thread in crew:
            thread.join(max(0.0, end - time.monotonic()))


def _handed_out(tasks: SimpleQueue[A | _End], items: Iterable[A]) -> int:
    count = 0
    for item in items:
        tasks.put(item)
        count += 1
    return count


def _toil(
    work: Callable[[A], B],
    tasks: SimpleQueue[A | _End],
    results: SimpleQueue[tuple[A, B | None, BaseException | None]],
) -> None:
    while not isinstance(task := tasks.get(), _End):
        try:
            results.put((task, work(task), None))
        except BaseException as error:
            results.put((task, None, error))


class Notes:
    """The changes of a run in the ledger: all of them before the first is begun, and what took effect a few at a time.

    After a crash the next run looks at all others again; after any other end only at those that are in doubt, and at
    those who are ``unseen``: nothing in the list says that they are still to be written.
    """

    def __init__(self, ledger: Ledger, changes: Iterable[Change], unseen: Collection[str]) -> None:
        self.ledger = ledger
        self._changes = tuple(changes)
        # Who was in doubt before stays so until it is settled.
        self._kept = {change.key for change in self._changes if change.intended} | set(unseen)
        self._untouched = {change.key for change in self._changes} - self._kept
        self._waiting: list[Settled] = []
        self._since = 0.0

    def begun(self, change: Change) -> Change:
        """One of the changes is begun: what becomes of it is told by :meth:`take`, or nobody will ever know."""
        self._untouched.discard(change.key)
        return change

    def take(self, change: Change, done: Done) -> None:
        """One of them has come to its end."""
        if done.settled is None:
            self._untouched |= set() if done.in_doubt else {change.key} - self._kept
            return
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.append(done.settled)
        if len(self._waiting) >= NOTED_AT_ONCE or time.monotonic() - self._since >= NOTED_AFTER:
            self.write()

    def write(self) -> None:
        """All that waits, now."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self.ledger.done(*waiting)

    def __enter__(self) -> Self:
        self.ledger.intend(self._changes)
        return self

    def __exit__(self, *_: object) -> None:
        self.write()
        if self._untouched:
            self.ledger.withdraw(self._untouched)


class Breaker:
    """Says when to stop: a wrong login in the middle, or a server that answers nobody any more.

    After a few silent changes in a row the server is asked how it is. Where it answers, it was the contacts; but even
    then not for ever.
    """

    def __init__(self, rpc: Rpc) -> None:
        self.rpc = rpc
        self.stop: TargetStopped | Unreachable | None = None
        self._silent = 0
        self._probes = 0

    @property
    def doubtful(self) -> bool:
        """Whether the last change got no answer, and nothing else has answered since."""
        return self._silent > 0

    def saw(self, done: Done) -> None:
        """One change has come to its end."""
        self.stop = self.stop or done.stop
        self._silent = self._silent + 1 if done.silent else 0
        if self._silent >= SILENT_IN_A_ROW and self.stop is None:
            self.stop = self._probe()

    def _probe(self) -> TargetStopped | Unreachable | None:
        self._silent = 0
        self._probes += 1
        if self._probes > PROBES:
            return Unreachable(_("it answers, but again and again not to changes"), True)
        try:
            self.rpc.call_once("RpcInfo.GetServerStatus")
        except (Unreachable, TargetStopped) as error:
            return error
        except RpcError:
            return None
        return None
