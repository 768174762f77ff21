"""How many rows a second every kind of source gives, looked over and read, all with the same list."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from engine.source import REMOTES, SOURCES
from engine.source.base import Column, Remote, Source, SourceOptions
from tests.bench.rows import NAMES_IN_ORDER, people
from tests.source import lists

ROWS = 100_000
HEADINGS = tuple(name.title() for name in NAMES_IN_ORDER)
COLUMNS = tuple(Column(name, (name.title(),)) for name in NAMES_IN_ORDER)
OPTIONS = SourceOptions(COLUMNS)


def bench_sources() -> Iterable[str]:
    """Every source with the same list."""
    rows = people(ROWS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, made in _sources(folder, rows):
            begin = time.perf_counter()
            source = made()
            scan = source.scan()
            looked = time.perf_counter() - begin
            count = sum(len(chunk.rows) for chunk in source.chunks())
            took = time.perf_counter() - begin
            assert count == scan.rows == ROWS
            seconds = f"looked over in {looked:.2f} s, read in {took - looked:.2f} s"
            yield f"{kind:<7} {ROWS / took:>9,.0f} rows/s ({seconds})"


def _sources(folder: Path, rows: list[tuple[str, ...]]) -> Iterator[tuple[str, Callable[[], Source]]]:
    records = lists.records(HEADINGS, rows)
    files = {
        "csv": ("csv", lists.write_csv(folder / "p.csv", HEADINGS, rows)),
        "xlsx": ("excel", lists.write_xlsx(folder / "p.xlsx", {"A": [HEADINGS, *rows]})),
        "ods": ("excel", lists.write_ods(folder / "p.ods", {"A": [HEADINGS, *rows]})),
        "json": ("json", lists.write_json(folder / "p.json", {"data": records})),
        "ndjson": ("ndjson", lists.write_ndjson(folder / "p.ndjson", records)),
    }
    for name, (kind, file) in files.items():
        yield name, lambda kind=kind, file=file: SOURCES[kind](file, OPTIONS)  # type: ignore[misc]
    lists.write_sqlite(folder / "p.db", HEADINGS, rows)
    remote = Remote("sqlite:///p.db", "select * from mitglieder", root=folder)
    yield "sql", lambda: REMOTES["sql"](SourceOptions(COLUMNS, remote=remote))
