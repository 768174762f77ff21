"""PURE: the words and the short forms that all reports share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.i18n import _, ngettext

MAX_WIDTH = 60
NOTHING = "–"


Line = tuple[str, str]
"""(style, text): ``good``, ``bad``, ``warn``, ``dim``, ``add``, ``change``, ``remove``, ``head`` or nothing."""


def status_word(status: str) -> str:
    """A status for people."""
    words = {
        "planned": _("planned"),
        "done": _("done"),
        "unchanged": _("unchanged"),
        "skipped": _("skipped"),
        "partial": _("partly done"),
        "held": _("held: waits for an approval"),
        "refused": _("refused: nothing was written"),
        "failed": _("failed"),
        "running": _("running or cut off"),
    }
    return words.get(status, status)


def status_style(status: str) -> str:
    """How a status is shown."""
    return {"failed": "bad", "refused": "bad", "held": "warn", "partial": "warn", "skipped": "dim"}.get(status, "good")


def shown(value: Any) -> str:
    """A value of a field as people read it, cut where it is long."""
    if value is None or value == "" or value == []:
        return NOTHING
    if isinstance(value, list):
        text = ", ".join(shown(item) for item in value)
    elif isinstance(value, dict):
        # What people wrote; the numbers beside it say of which kind it is.
        text = " ".join(shown(item) for item in value.values() if isinstance(item, str) and item) or NOTHING
    else:
        text = str(value)
    return text if len(text) <= MAX_WIDTH else text[: MAX_WIDTH - 1] + "…"


def rows_counted(rows: int, selected: int) -> str:
    """How many rows there are, and how many of them take part."""
    every = ngettext("{n} row", "{n} rows", rows).format(n=rows)
    part = ngettext("{n} takes part", "{n} take part", selected).format(n=selected)
    return f"{every}, {part}"


def difference_texts(name: str, before: Any, after: Any) -> Iterator[str]:
    """What differs in one field: of lists only what came and went, of keys and values only the keys that differ."""
    if isinstance(before, dict) or isinstance(after, dict):
        old, new = before or {}, after or {}
        for key in {**old, **new}:
            if old.get(key) != new.get(key):
                yield from difference_texts(f"{name}.{key}", old.get(key), new.get(key))
    elif isinstance(before, list) and isinstance(after, list) and before and after:
        gone = [f"−{shown(item)}" for item in before if item not in after]
        come = [f"+{shown(item)}" for item in after if item not in before]
        yield f"{name}: " + (", ".join([*gone, *come]) or _("another order"))
    else:
        yield f"{name}: {shown(before)} → {shown(after)}"
