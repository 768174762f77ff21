"""Several changes at a time, and when to leave a server alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Self, TypeVar

from engine.http import Unreachable
from engine.i18n import _
from engine.problems import TargetStopped
from engine.target.base import Ledger, Settled
from engine.target.greyhound.rpc import Rpc, RpcError
from engine.target.greyhound.writing import Done

SILENT_IN_A_ROW = 3
PROBES = 3
NOTED_AT_ONCE = 25
NOTED_AFTER = 0.5
A = TypeVar("A")
B = TypeVar("B")


def each(work: Callable[[A], B], items: Iterable[A], at_once: int) -> Iterator[tuple[A, B]]:
    """``work`` of every item, ``at_once`` at a time, in the order in which they end.

    An item is taken when there is room for it, so whoever ends ``items`` gets what is under way and nothing more.
    """
    if at_once == 1:
        yield from ((item, work(item)) for item in items)
        return
    todo = iter(items)
    with ThreadPoolExecutor(at_once, thread_name_prefix="greyhound") as pool:
        under_way: dict[Future[B], A] = {pool.submit(work, item): item for item in islice(todo, at_once)}
        while under_way:
            ended, _others = wait(under_way, return_when=FIRST_COMPLETED)
            for future in ended:
                yield under_way.pop(future), future.result()
            under_way |= {pool.submit(work, item): item for item in islice(todo, len(ended))}


class Notes:
    """What took effect goes into the ledger a few at a time, and whatever happens in the end.

    Until then it is on record as begun: after a crash the next run looks at these few again.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._waiting: list[Settled] = []
        self._since = 0.0

    def take(self, settled: Settled | None) -> None:
        """One more change has come to its end; None where it took no effect."""
        if settled is None:
            return
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.append(settled)
        if len(self._waiting) >= NOTED_AT_ONCE or time.monotonic() - self._since >= NOTED_AFTER:
            self.write()

    def write(self) -> None:
        """All that waits, now."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self.ledger.done(*waiting)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.write()


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
        """Whether the last change got no answer."""
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
            return Unreachable(_("no answer three times in a row"), True)
        try:
            self.rpc.call_once("RpcInfo.GetServerStatus")
        except (Unreachable, TargetStopped) as error:
            return error
        except RpcError:
            return None
        return None
