"""Where rows come from: one class per format, by the name that ``type:`` in a mapping uses."""

from __future__ import annotations

from typing import Final

from engine.source.base import Source
from engine.source.csv import CsvSource

SOURCES: Final[dict[str, type[Source]]] = {"csv": CsvSource}
