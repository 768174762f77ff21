"""The watchdog door: hints that something moved in a folder. The regular scan is the truth, a hint only makes it early.

Watchdog's threads end without a word when their folder vanishes, and a folder that was deleted and made anew is another
one for the system. So every watch is looked after: it belongs to one folder with one identity and one living thread.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, EventEmitter, ObservedWatch

from engine.i18n import _
from engine.problems import why
from engine.service.folders import is_network

TRY_AGAIN = 30.0
"""Seconds after which a folder that could not be watched is tried again."""

# Nothing that only reads is among them: our own scan would wake us for ever.
_CHANGES: list[type[FileSystemEvent]] = [
    *(FileCreatedEvent, FileModifiedEvent, FileMovedEvent, FileDeletedEvent, FileClosedEvent),
    *(DirCreatedEvent, DirMovedEvent, DirDeletedEvent),
]
_MISSING = (FileNotFoundError, NotADirectoryError)


class Watch:
    """Hints that something moved in some folders; never the truth.

    ``hint`` is called from a thread of watchdog's, often several times for one change: it must neither block nor raise
    (setting an event is what it is for). All other calls belong to one thread. ``mode``: ``auto`` watches what lies on
    this machine's own drives, ``native`` everything, ``poll`` nothing.
    """

    def __init__(
        self,
        hint: Callable[[], None],
        mode: Literal["auto", "native", "poll"] = "auto",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._handler = _Handler(hint)
        self._mode = mode
        self._clock = clock
        self._observer: BaseObserver | None = None
        self._kept: dict[Path, _Kept] = {}
        self._troubles: dict[Path, _Trouble] = {}
        self._closed = False

    @property
    def problems(self) -> Mapping[Path, str]:
        """Why a folder is only scanned, as a sentence for people. Nothing is wrong with one that is not named here."""
        return {folder: trouble.why for folder, trouble in self._troubles.copy().items()}

    def keep(self, folders: Collection[Path]) -> None:
        """Watch exactly these folders, without their sub-folders, from now on.

        To be called at every tick: it also replaces watches that no longer see anything, which is cheap (one look at
        each folder) while all is well. Never raises; what can't be watched is in :attr:`problems`.
        """
        if self._closed or self._mode == "poll":
            return
        if self._observer is not None and not self._observer.is_alive():
            self._stop()
        wanted = set(folders)
        for folder in (self._kept.keys() | self._troubles.keys()) - wanted:
            self._drop(folder)
            self._troubles.pop(folder, None)
        for folder in wanted:
            self._look_after(folder)

    def close(self) -> None:
        """End all watching; no hint comes afterwards. May be called twice."""
        self._closed = True
        self._stop()
        self._troubles.clear()

    def _look_after(self, folder: Path) -> None:
        trouble = self._troubles.get(folder)
        if trouble is not None and self._clock() < trouble.again:
            return
        try:
            identity = _identity(folder)
            kept = self._kept.get(folder)
            if kept is not None and kept.emitter.is_alive() and kept.identity == identity:
                return
            self._drop(folder)
            if self._mode == "auto" and is_network(folder):
                self._note(folder, _on_network(), TRY_AGAIN)
                return
            self._kept[folder] = self._watch(folder, identity)
            self._troubles.pop(folder, None)
        except Exception as error:  # whatever it is, the scan goes on without hints
            self._drop(folder)
            self._note(folder, _reason(error), 0.0 if isinstance(error, _MISSING) else TRY_AGAIN)

    def _watch(self, folder: Path, identity: tuple[int, int]) -> _Kept:
        # Watchdog takes a folder that may not be read without a word, and sees nothing in it: so try to read it.
        os.scandir(folder).close()
        if self._observer is None:
            self._observer = _observing()
        # A link to a folder means the folder; without following it only the link itself would be watched.
        watch = self._observer.schedule(self._handler, folder, event_filter=_CHANGES, follow_symlink=True)
        emitter = next(emitter for emitter in self._observer.emitters if emitter.watch == watch)
        return _Kept(watch, emitter, identity)

    def _drop(self, folder: Path) -> None:
        kept = self._kept.pop(folder, None)
        if kept is not None and self._observer is not None:
            with suppress(Exception):  # the system has often dropped it already
                self._observer.unschedule(kept.watch)

    def _note(self, folder: Path, why: str, pause: float) -> None:
        self._troubles[folder] = _Trouble(why, self._clock() + pause)

    def _stop(self) -> None:
        observer, self._observer = self._observer, None
        self._kept.clear()
        if observer is not None:
            with suppress(Exception):
                observer.stop()
                observer.join()


@dataclass(frozen=True, slots=True)
class _Kept:
    watch: ObservedWatch
    emitter: EventEmitter
    identity: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Trouble:
    why: str
    again: float


class _Handler(FileSystemEventHandler):
    def __init__(self, hint: Callable[[], None]) -> None:
        self._hint = hint

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._hint()


def _observing() -> BaseObserver:
    # What it would log are lost hints, which the scan makes good, and names of files, which may be people's.
    logging.getLogger("watchdog").setLevel(logging.CRITICAL)
    observer = Observer()
    observer.start()
    return observer


def _identity(folder: Path) -> tuple[int, int]:
    """What another folder under the same name does not share. On Windows the watch itself ends with its folder."""
    seen = folder.stat()
    if not stat.S_ISDIR(seen.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    return (seen.st_dev, seen.st_ino) if os.name == "posix" else (0, 0)


def _on_network() -> str:
    return _(
        "It lies on a network or shared drive, which does not tell of changes: new files are noticed by the regular "
        "scan. Nothing needs to be done."
    )


def _reason(error: Exception) -> str:
    if isinstance(error, _MISSING):
        return _("There is no such folder. Create it, or correct the path in the mapping.")
    if isinstance(error, PermissionError):
        return _("It can't be read. Give the account that abgleich runs under the right to read this folder.")
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOSPC:
        return _(
            "The system watches as many folders as it may: new files are noticed by the regular scan only. To notice "
            "them at once, raise fs.inotify.max_user_watches."
        )
    if number == errno.EMFILE:
        return _(
            "The system's limit of open files or of watching programs is reached: new files are noticed by the regular "
            "scan only. To notice them at once, raise fs.inotify.max_user_instances or the limit of open files."
        )
    reason = why(error)
    return _(
        "The system can't watch it ({reason}): new files are noticed by the regular scan only. It is tried again by "
        "itself."
    ).format(reason=reason)
