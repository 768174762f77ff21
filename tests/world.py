"""A project in a temporary folder with real stand-ins, driven through the real command line: what the tests speak of.

Nothing is mocked: the stand-ins listen on the loopback, lists are files, and every command is one call of the program's
own entry. Only waiting is taken out (:mod:`tests.conftest`).
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from engine.cli import door
from engine.simulator import Fe2Simulator, GreyhoundSimulator

ACCESS_KEY = "geheimer-schluessel-4711"
PASSWORD = "kennwort-ganz-geheim"  # the stand-in's own
HEADINGS = ("nr", "vorname", "nachname", "status", "zug", "handy", "email")
Row = dict[str, str]

PERSONAL = """\
source:
  path: inbox/personal*.csv
  settle: 0s
  key: nr
  where: "{{ status != 'ausgetreten' }}"
tables:
  alarmgruppen:
    "1": [Alarm Zug 1]
    "2": [Alarm Zug 2, Alarm Nacht]
actions:
  - action: fe2.sync
    connection: fe2
    fields:
      externalDbId: "{{ nr }}"
      firstName: "{{ vorname }}"
      lastName: "{{ nachname }}"
      alarmGroups: "{{ zug | lookup('alarmgruppen', []) }}"
      aPagerPro: "{{ email }}"
      mobil: "{{ handy }}"
"""

CONTACTS = """\
source:
  path: inbox/contacts*.csv
  settle: 0s
  key: nr
actions:
  - action: greyhound.sync
    connection: greyhound
    match: {user_field: 6}
    fields:
      GroupRef: 1
      Subject: "{{ vorname }} {{ nachname }}"
      ComLinks:
        - {Kind: email, Category: business, Text: "{{ email }}"}
"""


def person(number: int | str, **fields: str) -> Row:
    """A row of the list: invented, and different for every number."""
    row = {
        "nr": str(number),
        "vorname": f"Vorname{number}",
        "nachname": f"Nachname{number}",
        "status": "aktiv",
        "zug": "1",
        "handy": "",
        "email": f"p{number}@example.org",
    }
    return row | fields


def people(count: int, start: int = 1, **fields: str) -> list[Row]:
    """Rows with the numbers from ``start`` on."""
    return [person(number, **fields) for number in range(start, start + count)]


def without(rows: Iterable[Row], *numbers: int | str) -> list[Row]:
    """The rows but for these persons."""
    gone = {str(number) for number in numbers}
    return [row for row in rows if row["nr"] not in gone]


def changed(rows: Iterable[Row], number: int | str, **fields: str) -> list[Row]:
    """The rows with other values for one person."""
    return [row | fields if row["nr"] == str(number) else row for row in rows]


@dataclass(frozen=True)
class Result:
    """What one command gave: exit code, the JSON document, and what was printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.out))

    @property
    def status(self) -> str:
        return str(self.json["status"])

    @property
    def plan(self) -> str:
        return str(self.json["plan"])

    def action(self, action: str = "fe2.sync") -> dict[str, Any]:
        return next(entry for entry in self.json["actions"] if entry["id"] == action)

    def counts(self, action: str = "fe2.sync") -> dict[str, int]:
        """The counts of an action that are not zero."""
        names = ("created", "updated", "removed", "unchanged", "rejected", "held", "failed")
        return {name: self.action(action)[name] for name in names if self.action(action)[name]}

    def problem(self, code: str) -> dict[str, Any]:
        """The problem with this code."""
        found = [problem for problem in self.json["problems"] if problem["code"] == code]
        assert found, f"no problem {code} in {[problem['code'] for problem in self.json['problems']]}"
        return cast("dict[str, Any]", found[0])

    @property
    def codes(self) -> list[str]:
        return [problem["code"] for problem in self.json["problems"]]

    def rejection(self, key: str | None) -> dict[str, Any]:
        """Why the row with this key was rejected."""
        return next(entry for entry in self.json["rejected"] if entry["key"] == key)


class World:
    """One project and its stand-ins."""

    def __init__(self, root: Path, stack: ExitStack) -> None:
        self.root = root
        self._stack = stack
        self.settings: dict[str, dict[str, str]] = {}
        self.extra = ""
        (root / "mappings").mkdir(parents=True)
        (root / "inbox").mkdir()
        self.fe2 = self.connect_fe2("fe2")

    # -- what there is -----------------------------------------------------------------------------------------------

    def connect_fe2(self, name: str, **settings: str) -> Fe2Simulator:
        """One more organisation, started."""
        fe2 = self._stack.enter_context(Fe2Simulator(access_key=ACCESS_KEY))
        self.configure(name, **({"type": "fe2", "url": fe2.url, "access_key": "!secret key"} | settings))
        return fe2

    def connect_greyhound(self, name: str = "greyhound", **settings: str) -> GreyhoundSimulator:
        """A GREYHOUND server, started."""
        server = self._stack.enter_context(GreyhoundSimulator(users={"api": PASSWORD}))
        known = {"type": "greyhound", "url": server.url, "username": "api", "password": "!secret password"}
        self.configure(name, **(known | settings))
        return server

    def configure(self, connection: str = "fe2", **settings: str) -> None:
        """Set some keys of a connection."""
        self.settings[connection] = self.settings.get(connection, {}) | settings
        self._write_configuration()

    def keep(self, **durations: str) -> None:
        """Set ``keep:`` in configuration.yaml."""
        self.extra = "keep: {" + ", ".join(f"{name}: {value}" for name, value in durations.items()) + "}\n"
        self._write_configuration()

    def _write_configuration(self) -> None:
        lines = ["language: en", "connections:"]
        for name, settings in self.settings.items():
            lines += [f"  {name}:", *(f"    {key}: {value}" for key, value in settings.items())]
        folder = self.root / "mappings"
        (folder / "configuration.yaml").write_text("\n".join(lines) + "\n" + self.extra, "utf-8")
        (folder / "secrets.yaml").write_text(f"key: {ACCESS_KEY}\npassword: {PASSWORD}\n", "utf-8")

    def mapping(self, text: str = PERSONAL, name: str = "personal", **replaced: str) -> Path:
        """Write a mapping; ``replaced`` swaps the values of keys that stand on a line of their own."""
        lines = []
        for line in text.splitlines():
            key = line.strip().removeprefix("- ").partition(":")[0]
            if key in replaced:
                line = line.partition(":")[0] + ": " + replaced[key]
            lines.append(line)
        path = self.root / "mappings" / f"{name}.yaml"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return path

    def no_mapping(self, name: str) -> None:
        """Delete a mapping's file."""
        (self.root / "mappings" / f"{name}.yaml").unlink()

    def drop(self, rows: Sequence[Mapping[str, str]], name: str = "personal.csv", headings: Sequence[str] = ()) -> Path:
        """Write a list into the inbox."""
        names = list(headings or (rows[0] if rows else HEADINGS))
        text = io.StringIO()
        writer = csv.DictWriter(text, names, delimiter=";", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return self.drop_text(text.getvalue(), name)

    def drop_text(self, text: str, name: str = "personal.csv") -> Path:
        """Write a file into the inbox, as it is."""
        path = self.root / "inbox" / name
        path.write_text(text, "utf-8")
        return path

    def lose_the_state(self) -> None:
        """Somebody deletes the state folder."""
        shutil.rmtree(self.root / ".abgleich")

    # -- what is done ------------------------------------------------------------------------------------------------

    def __call__(self, *words: str, as_json: bool = True) -> Result:
        """One command."""
        arguments = ["--project", str(self.root), *words, *(["--json"] if as_json else [])]
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = door.run(arguments)
        return Result(code, out.getvalue(), err.getvalue())

    def process(self, *words: str) -> subprocess.Popen[str]:
        """One command in a process of its own."""
        command = [sys.executable, "-m", "engine", "--project", str(self.root), *words, "--json"]
        environment = os.environ | {"PYTHONPATH": str(Path(door.__file__).parents[2])}
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=self.root
        )

    def run(self, rows: Sequence[Row] | None = None, *words: str, mapping: str = "personal") -> Result:
        """Run a mapping; with rows after they were dropped."""
        if rows is not None:
            self.drop(rows, f"{mapping}.csv")
        return self("run", mapping, *words)

    def plan(self, rows: Sequence[Row] | None = None, mapping: str = "personal") -> Result:
        """Plan a mapping; with rows after they were dropped."""
        if rows is not None:
            self.drop(rows, f"{mapping}.csv")
        return self("plan", mapping)

    def apply(self, plan: str) -> Result:
        return self("apply", plan)

    def approve(self, plan: str) -> Result:
        return self("approve", plan)

    def reject(self, plan: str) -> Result:
        return self("reject", plan)

    def settled(self, rows: Sequence[Row], mapping: str = "personal") -> None:
        """The target holds these rows, and this installation knows it: the first sync was approved."""
        result = self.run(rows, mapping=mapping)
        if result.status == "held":
            result = self.approve(result.plan)
        assert result.status == "done", result.out

    # -- what is there afterwards ------------------------------------------------------------------------------------

    @property
    def ids(self) -> set[str]:
        """The ids of the persons whom FE2 holds."""
        return set(self.fe2.persons)

    def at_fe2(self, key: str | int) -> dict[str, Any]:
        """A person as FE2 holds them."""
        return self.fe2.persons[str(key)]

    def state_bytes(self) -> bytes:
        """Everything that lies in the state folder."""
        files = [path for path in (self.root / ".abgleich").rglob("*") if path.is_file()]
        assert files
        return b"".join(path.read_bytes() for path in files)
