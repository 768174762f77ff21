"""``archive: move``: finished drops are put into ``done/YYYY-MM/`` or ``failed/`` beside where they lay."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from engine.i18n import _
from engine.service.logs import Log
from engine.source.files import DONE, FAILED
from engine.state.drops import Drop

GOOD = ("done", "superseded")
REASON = ".txt"


def archive(root: Path, drop: Drop, log: Log) -> Drop:
    """The drop, moved where its run is over; as it is where it waits for somebody, or where it can't be moved.

    Why it was refused stands in a text file beside it.
    """
    if drop.state not in (*GOOD, "refused"):
        return drop
    path = root / drop.path
    folder = path.parent / DONE / f"{datetime.now().astimezone():%Y-%m}" if drop.state in GOOD else path.parent / FAILED
    try:
        stat = path.stat()
        if f"{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ino}" != drop.stamp:
            return drop  # something else lies there by now
        folder.mkdir(parents=True, exist_ok=True)
        goal = _free(folder, path.name)
        path.replace(goal)
        if drop.state == "refused":
            head = _("{file} was refused, nothing was written:").format(file=path.name)
            goal.with_name(goal.name + REASON).write_text(f"{head}\n{drop.reason or drop.code}\n", "utf-8")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        text = _("The file could not be moved to {folder}: {reason}.").format(folder=folder.name, reason=reason)
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
