"""How fast rows become people, how much memory that takes, and how long the command takes to start."""

from __future__ import annotations

import gc
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from engine.config.load import load
from engine.sync.reading import open_reading
from engine.sync.script import prepare
from engine.template.environment import Environment
from engine.template.filters import email as checked_email
from engine.template.filters import phone
from engine.template.kinds import NAMES, TEXT, AnyKind
from engine.template.program import Block, Field, Program, Rendered, Script

ROWS = 100_000
CHUNK = 2_000
NAMES_IN_ORDER = ("nr", "vorname", "nachname", "status", "zug", "strasse", "plz", "ort", "funktionen", "handy", "email")
TABLE = {"1. zug": ["Alarm Zug 1"], "2. zug": ["Alarm Zug 2", "Alarm Nacht"]}
FIELDS: dict[str, tuple[str, AnyKind]] = {
    "externalDbId": ("{{ nr }}", TEXT),
    "firstName": ("{{ vorname }}", TEXT),
    "lastName": ("{{ nachname }}", TEXT),
    "note": ("{{ strasse }}, {{ plz }} {{ ort }}", TEXT),
    "osFunctions": ("{{ funktionen }}", NAMES),
    "alarmGroups": ("{{ zug | lookup('alarmgruppen') }}", NAMES),
    "aPagerPro": ("{{ email | email }}", TEXT),
    "email": ("{{ email }}", TEXT),
    "mobil": ("{{ mobil }}", TEXT),
    "aPagerProFieldMode": ("LEGACY", TEXT),
}

Row = tuple[str, ...]
Made = tuple[str, tuple[Any, ...]] | None


def people(count: int) -> list[Row]:
    """A list as a brigade has it: nine in ten are active, a third have umlauts."""
    return [
        (
            str(1000 + number),
            ("Max", "Jörg", "Anna")[number % 3],
            ("Muster", "Beispiel", "Müller")[number % 3] + str(number % 97),
            "ausgetreten" if number % 10 == 9 else "aktiv",
            ("1. Zug", "2. Zug")[number % 2],
            f"Hauptstraße {number % 200}" if number % 3 else f"Am Markt {number % 200}",
            f"{number % 90000 + 10000:05}",
            "Musterstadt",
            ("Maschinist, Sprecher", "Gruppenführer", "")[number % 3],
            f"0151 {2000000 + number}",
            f"person{number}@example.org",
        )
        for number in range(count)
    ]


def by_program(rows: list[Row]) -> Iterator[Rendered]:
    """The row program."""
    environment = Environment({"alarmgruppen": TABLE}, ZoneInfo("Europe/Berlin"))
    fields = tuple(Field(name, kind, text) for name, (text, kind) in FIELDS.items())
    where = "{{ status == 'aktiv' }}"
    variables = (("mobil", "{{ handy | phone }}"),)
    script = Script(NAMES_IN_ORDER, "nr", where, (), variables, (Block("fe2.sync", fields),))
    program = Program(environment, script)
    for chunk in _chunks(rows):
        yield from program.run(chunk, {})


def _as_tuples(rows: Iterable[Rendered]) -> list[Made]:
    return [(made.key or "", made.values[0] or ()) if made.selected else None for made in rows]


def by_hand(rows: list[Row]) -> Iterator[Made]:
    """The same mapping as a programmer would write it for this one list."""
    for nr, vorname, nachname, status, zug, strasse, plz, ort, funktionen, handy, email in rows:
        if status != "aktiv":
            yield None
            continue
        functions = [part for part in map(str.strip, re.split(r"[,;\r\n]", funktionen)) if part]
        yield (
            nr.strip(),
            (
                nr.strip(),
                vorname.strip(),
                nachname.strip(),
                f"{strasse}, {plz} {ort}".strip(),
                list(dict.fromkeys(functions)),
                list(TABLE[zug.strip().casefold()]),
                checked_email(email),
                email.strip(),
                phone(handy),
                "LEGACY",
            ),
        )


def by_field(rows: list[Row]) -> Iterator[Made]:
    """One render of Jinja for every template of every row."""
    jinja = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    jinja.filters |= {"phone": phone, "email": checked_email}
    jinja.filters["lookup"] = lambda value, table: ", ".join(TABLE[value.strip().casefold()])
    where = jinja.from_string("{{ status == 'aktiv' }}")
    mobil = jinja.from_string("{{ handy | phone }}")
    fields = [(jinja.from_string(text), kind) for text, kind in FIELDS.values()]
    for row in rows:
        names = dict(zip(NAMES_IN_ORDER, row, strict=True))
        if where.render(names) != "True":
            yield None
            continue
        names["mobil"] = mobil.render(names)
        yield names["nr"], tuple(_typed(template.render(names).strip(), kind) for template, kind in fields)


def _typed(text: str, kind: AnyKind) -> Any:
    return [part.strip() for part in text.split(",") if part.strip()] if kind is NAMES else text


def _chunks(rows: list[Row]) -> Iterator[list[Row]]:
    waiting = iter(rows)
    while chunk := list(islice(waiting, CHUNK)):
        yield chunk


def _rate(make: Callable[[list[Row]], Iterator[object]], rows: list[Row]) -> float:
    gc.collect()
    begin = time.perf_counter()
    for _made in make(rows):
        pass
    return len(rows) / (time.perf_counter() - begin)


def bench_rows_per_second() -> Iterable[str]:
    """The row program, by hand and field by field: the same rows, the same results, in turns."""
    rows = people(ROWS)
    few = rows[: ROWS // 20]
    assert _as_tuples(by_program(rows)) == list(by_hand(rows))
    assert _as_tuples(by_program(few)) == list(by_field(few))
    rates = [(_rate(by_program, rows), _rate(by_hand, rows), _rate(by_field, few)) for _turn in range(5)]
    program, hand, field = (statistics.median(rate[index] for rate in rates) for index in range(3))
    yield f"{ROWS:,} rows with {len(FIELDS)} fields, medians of {len(rates)} turns"
    yield f"row program  {program:>9,.0f} rows/s"
    # Turn by turn: a machine that is busy for a while slows down all three.
    to_hand, to_field = (statistics.median(rate[0] / rate[index] for rate in rates) for index in (1, 2))
    yield f"by hand      {hand:>9,.0f} rows/s   the program is {to_hand:.2f} times as fast (aim: 1)"
    yield f"field by field {field:>7,.0f} rows/s   the program is {to_field:.1f} times as fast (aim: 15)"


def bench_failing_rows() -> Iterable[str]:
    """Every row has a telephone number that can't be one: the program leaves its loop for each."""
    rows = [(*row[:9], "unbekannt", row[10]) for row in people(ROWS // 10)]
    begin = time.perf_counter()
    environment = Environment({"alarmgruppen": TABLE}, ZoneInfo("Europe/Berlin"))
    fields = tuple(Field(name, kind, text.replace("mobil", "handy | phone")) for name, (text, kind) in FIELDS.items())
    program = Program(environment, Script(NAMES_IN_ORDER, "nr", None, (), (), (Block("fe2.sync", fields),)))
    failed = sum(bool(made.faults) for made in program.run(rows, {}))
    assert failed == len(rows)
    yield f"{len(rows) / (time.perf_counter() - begin):,.0f} rows/s when every row fails"


def bench_file_to_rows() -> Iterable[str]:
    """A CSV file through scan, contract and row program."""
    with tempfile.TemporaryDirectory() as folder:
        _project(Path(folder), ROWS)
        project = load(Path(folder))
        job, problems = prepare(project, project.mappings["personal"])
        assert not [problem for problem in problems if problem.severity == "error"], problems
        begin = time.perf_counter()
        reading = open_reading(job, Path(folder) / "list.csv", None)
        scanned = time.perf_counter()
        count = sum(1 for row in reading.each() if not row.rendered.faults)
        end = time.perf_counter()
    assert count == ROWS
    yield f"scan   {ROWS / (scanned - begin):>9,.0f} rows/s"
    yield f"render {ROWS / (end - scanned):>9,.0f} rows/s"
    yield f"both   {ROWS / (end - begin):>9,.0f} rows/s"


def bench_memory_of_preview() -> Iterable[str]:
    """``preview --json`` streams: only the keys may take more memory where there are more rows."""
    peaks = {}
    for count in (10_000, 100_000):
        with tempfile.TemporaryDirectory() as folder:
            _project(Path(folder), count)
            peaks[count] = _peak("--project", folder, "preview", "personal", f"{folder}/list.csv", "--json")
        yield f"{count:>7,} rows: {peaks[count] / 1024:.0f} MiB at most"
    grown = peaks[100_000] - peaks[10_000]
    yield f"{grown * 1024 / 90_000:.0f} bytes for each further row; its key takes about 120"


def bench_start_up() -> Iterable[str]:
    """From typing a command to its end."""
    with tempfile.TemporaryDirectory() as folder:
        _project(Path(folder), 10)
        for words in (["--help"], ["--project", folder, "check"]):
            times = []
            for _turn in range(7):
                begin = time.perf_counter()
                subprocess.run([sys.executable, "-m", "engine", *words], capture_output=True, check=True)
                times.append(time.perf_counter() - begin)
            yield f"abgleich {words[-1]:<7} {statistics.median(times):.2f} s"


# The child's own child: what it took is told apart from what others took before.
_MEASURE = (
    "import resource, subprocess, sys; "
    "done = subprocess.run([sys.executable, '-m', 'engine', *sys.argv[1:]], stdout=subprocess.DEVNULL); "
    "assert done.returncode == 0, done; "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)


def _peak(*words: str) -> int:
    """The most memory a command took, in KiB."""
    done = subprocess.run([sys.executable, "-c", _MEASURE, *words], capture_output=True, text=True, check=True)
    # macOS counts bytes
    return int(done.stdout) // (1024 if sys.platform == "darwin" else 1)


def _project(folder: Path, count: int) -> None:
    """A small project with a list of so many people."""
    (folder / "mappings").mkdir()
    (folder / "mappings" / "configuration.yaml").write_text(
        "language: en\nconnections:\n  town:\n    type: fe2\n    url: http://localhost:1\n    access_key: key\n",
        encoding="utf-8",
    )
    headings = "\n".join(f"    {name}: {name.title()}" for name in NAMES_IN_ORDER)
    fields = "\n".join(f'      {name}: "{text}"' for name, (text, _kind) in FIELDS.items())
    (folder / "mappings" / "personal.yaml").write_text(
        "source:\n  type: csv\n  path: list.csv\n  key: nr\n  columns:\n"
        f"{headings}\n  where: \"{{{{ status == 'aktiv' }}}}\"\n"
        'variables:\n  mobil: "{{ handy | phone }}"\n'
        "tables:\n  alarmgruppen:\n    1. Zug: [Alarm Zug 1]\n    2. Zug: [Alarm Zug 2, Alarm Nacht]\n"
        f"actions:\n  - action: fe2.sync\n    connection: town\n    fields:\n{fields}\n",
        encoding="utf-8",
    )
    with (folder / "list.csv").open("w", encoding="utf-8", newline="") as file:
        file.write(";".join(name.title() for name in NAMES_IN_ORDER) + "\r\n")
        file.writelines(";".join(row) + "\r\n" for row in people(count))
