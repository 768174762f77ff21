"""``archive: move``: finished drops are put into ``done/YYYY-MM/`` or ``failed/`` beside where they lay."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from engine.config.load import Project
from engine.i18n import _
from engine.problems import why
from engine.service.inbox import look_of
from engine.service.logs import Log
from engine.source.files import DONE, FAILED
from engine.state.drops import Drop, Drops

GOOD = ("done", "superseded")
REASON = ".txt"


PAUSE = 60.0
"""What can't be moved is tried again after so long."""


class Archive:
    """Moves what is over, of mappings that ask for it; what still waits for another mapping stays."""

    def __init__(self, root: Path, drops: Drops, log: Log, now: Callable[[], float] = time.monotonic) -> None:
        self.root = root
        self.drops = drops
        self.log = log
        self._now = now
        self._not_before: dict[tuple[str, str], float] = {}

    def sweep(self, project: Project, known: Collection[Drop]) -> bool:
        """Whether anything was moved."""
        wanted = [drop for drop in known if self._is_over(project, drop)]
        if not wanted:
            return False
        needed = {drop.path for drop in known if drop.stamp and not _is_final(drop)}
        changes: list[tuple[Drop | None, Drop | None]] = []
        for drop in wanted:
            if drop.path not in needed and self._now() >= self._not_before.get(drop.place, 0.0):
                moved = archive(self.root, drop, self.log)
                if moved == drop:
                    self._not_before[drop.place] = self._now() + PAUSE
                else:
                    changes.append((drop, moved))
        self.drops.replace(changes)
        return bool(changes)

    @staticmethod
    def _is_over(project: Project, drop: Drop) -> bool:
        mapping = project.mappings.get(drop.mapping)
        moves = mapping is not None and mapping.model.source.archive == "move"
        return moves and bool(drop.stamp) and _is_final(drop) and drop.code != "condition_not_met"


def _is_final(drop: Drop) -> bool:
    """Whether nothing will happen to the drop any more, neither by itself nor by a decision."""
    return drop.state in (*GOOD, "refused")


def archive(root: Path, drop: Drop, log: Log) -> Drop:
    """The drop, moved; as it is where it can't be moved. Why it was refused stands in a text file beside it."""
    path = root / drop.path
    folder = path.parent / DONE / f"{datetime.now().astimezone():%Y-%m}" if drop.state in GOOD else path.parent / FAILED
    try:
        if look_of(path, path.stat()).stamp != drop.stamp:
            return drop  # something else lies there by now
        folder.mkdir(parents=True, exist_ok=True)
        goal = _free(folder, path.name)
        if drop.state == "refused":
            head = _("{file} was refused, nothing was written:").format(file=path.name)
            with suppress(OSError):  # the reason is in the state as well
                goal.with_name(goal.name + REASON).write_text(f"{head}\n{drop.reason or drop.code}\n", "utf-8")
        path.replace(goal)
        if not look_of(goal, goal.stat()).is_as(drop.stamp) and not path.exists():
            goal.replace(path)  # a new list has come in that moment: it has not been run
            return drop
    except OSError as error:
        reason = why(error)
        where = folder.relative_to(path.parent).as_posix()
        text = _("The file could not be moved to {folder}: {reason}.").format(folder=where, reason=reason)
        log.event("archive", text, level="warning", mapping=drop.mapping)
        return drop
    moved = _("Moved to {file}.").format(file=goal.relative_to(path.parent).as_posix())
    return replace(drop, stamp="", ran=None, outcome=None, reason=f"{drop.reason or ''} {moved}".strip())


def _free(folder: Path, name: str) -> Path:
    """A name that is not taken: ``list.csv``, ``list (2).csv`` …"""
    path, number = folder / name, 2
    while path.exists():
        path = folder / f"{Path(name).stem} ({number}){Path(name).suffix}"
        number += 1
    return path
