"""Where rows come from: one class per format, by the name that ``type:`` in a mapping uses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from engine.source.base import Source, SourceOptions
from engine.source.csv import CsvSource
from engine.source.files import REMOTE


def _excel(file: Path, options: SourceOptions) -> Source:
    from engine.source.excel import ExcelSource

    return ExcelSource(file, options)


def _json(file: Path, options: SourceOptions) -> Source:
    from engine.source.json import JsonSource

    return JsonSource(file, options)


def _ndjson(file: Path, options: SourceOptions) -> Source:
    from engine.source.json import NdjsonSource

    return NdjsonSource(file, options)


def _sql(options: SourceOptions) -> Source:
    from engine.source.sql import SqlSource

    return SqlSource(options)


def _http(options: SourceOptions) -> Source:
    from engine.source.http import HttpSource

    return HttpSource(options)


# Each is loaded when it is used: most mappings need one of them.
SOURCES: Final[dict[str, Callable[[Path, SourceOptions], Source]]] = {
    "csv": CsvSource,
    "excel": _excel,
    "json": _json,
    "ndjson": _ndjson,
}
REMOTES: Final[dict[str, Callable[[SourceOptions], Source]]] = dict(zip(REMOTE, (_sql, _http), strict=True))
TYPES: Final = (*SOURCES, *REMOTES)
