"""Mutated lists, of every format that there are files of here: another format is another entry of :data:`FORMATS`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from engine.problems import Refused
from engine.source import SOURCES
from engine.source.base import Column, SourceOptions
from tests.fuzz.mutate import mutated_bytes

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


@dataclass(frozen=True)
class Format:
    """A format of lists: files that are right, what mappings may say about them, and what happens to them."""

    suffix: str
    seeds: Callable[[], Sequence[bytes]]
    options: Sequence[SourceOptions]
    mutated: Callable[[bytes, Random], bytes] = mutated_bytes
    has_lines: bool = True
    """Whether places are lines of the file; else they are rows of a sheet, or records."""


_BREAK = re.compile(rb"\r\n|\n|\r")
_NAMED = SourceOptions((Column("nr", ("Personalnummer", "Nr")), Column("name", ("Nachname", "Name"), optional=True)))


def _csv() -> list[bytes]:
    lists = _examples("*.csv")
    lists.append('Nr;Name;"Bemerkung"\r\n1;Müller;"mit ""Zitat"";\r\nund Zeile"\r\n2;Groß;\r\n'.encode("cp1252"))
    lists.append("\ufeffMitglieder der Wehr\n\nNr,Name,Vorname\n1,A,B\n2,C,D\n\nSumme,2,\n".encode())
    return lists


def _examples(pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(EXAMPLES.glob(f"*/inbox/{pattern}"))]


FORMATS: dict[str, Format] = {
    "csv": Format(
        ".csv",
        _csv,
        (
            SourceOptions(None),
            _NAMED,
            SourceOptions(None, delimiter=";", quote="", header_row=1),
            SourceOptions(None, encoding="utf-8", skip_footer=2),
        ),
    ),
    "excel": Format(
        ".xlsx",
        lambda: _examples("*.xlsx"),
        (SourceOptions(None), SourceOptions(None, header_row=11), SourceOptions(None, sheet="1", skip_footer=1)),
        has_lines=False,
    ),
    "json": Format(
        ".json",
        lambda: [*_examples("*.json"), b'[{"Nr": 1, "Name": "A", "x": [1.50, null, {"y": true}]}, {"Nr": "2"}]'],
        (SourceOptions(None), SourceOptions(None, rows="data"), _NAMED),
        has_lines=False,
    ),
    "ndjson": Format(".ndjson", lambda: [b'{"Nr": 1, "Name": "A"}\n\n{"Nr": 2}\n'], (SourceOptions(None), _NAMED)),
}


class Lists:
    """Tries one mutated list at a time."""

    share = 1

    def __init__(self, folder: Path, kind: str) -> None:
        self.name = f"{kind} lists"
        self.kind = kind
        self.format = FORMATS[kind]
        self.seeds = self.format.seeds()
        self.file = folder / f"list{self.format.suffix}"

    def write(self, number: int) -> None:
        """The list with the number."""
        chance = Random(number)
        self.options = chance.choice(self.format.options)
        self.file.write_bytes(self.format.mutated(chance.choice(self.seeds), chance))

    def look(self, number: int) -> None:
        """It is refused with a place in the file, or every row has one; and twice read it is the same."""
        source = SOURCES[self.kind](self.file, self.options)
        try:
            scan = source.scan()
            chunks = list(source.chunks(raw=bool(number % 2)))
        except Refused as refused:
            for problem in refused.problems:
                assert problem.message
                assert problem.at.file
                assert problem.at.line is None or 1 <= problem.at.line <= self._lines()
            return
        assert sum(map(len, chunks)) == scan.rows > 0
        lines = [line for chunk in chunks for line in (*chunk.lines, *(damaged.line for damaged in chunk.damaged))]
        assert all(1 <= line <= self._lines() for line in lines)
        assert all(len(row) == len(scan.names) for chunk in chunks for row in chunk.rows)

    def _lines(self) -> int:
        """At the most: in UTF-16 one line end looks like two."""
        if not self.format.has_lines:
            return 2**31
        return len(_BREAK.findall(self.file.read_bytes())) + 1
