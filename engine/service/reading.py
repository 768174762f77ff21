"""Reading large files beside the looks, a few at a time; nobody waits for a drive that does not answer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from engine.service.inbox import Look

AT_ONCE = 4


class Readers:
    """Calls ``read`` for files in threads that don't keep the program from ending."""

    def __init__(self, read: Callable[[Look], str | None]) -> None:
        self._read = read
        self._waiting: queue.SimpleQueue[tuple[Look, Future[str | None]]] = queue.SimpleQueue()
        self._under_way: dict[Path, tuple[Look, Future[str | None]]] = {}
        self._threads = 0

    def read(self, look: Look) -> Future[str | None]:
        """What reading the file as it lies there gives: the same as long as nobody has touched it or asked for it."""
        known = self._under_way.get(look.path)
        if known is not None and known[0] == look:
            return known[1]
        self.forget(look.path)
        made: Future[str | None] = Future()
        self._under_way[look.path] = (look, made)
        self._waiting.put((look, made))
        if self._threads < AT_ONCE:
            self._threads += 1
            threading.Thread(target=self._work, daemon=True).start()
        return made

    def is_reading(self, path: Path) -> bool:
        """Whether the file is just being read, or waits for it."""
        return path in self._under_way

    def forget(self, path: Path) -> None:
        """Nobody asks for it any more; one that still waits is not read at all."""
        known = self._under_way.pop(path, None)
        if known is not None:
            known[1].cancel()

    def _work(self) -> None:
        while True:
            look, made = self._waiting.get()
            if not made.set_running_or_notify_cancel():
                continue
            try:
                made.set_result(self._read(look))
            except BaseException as error:
                made.set_exception(error)
