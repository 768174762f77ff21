"""A state machine over both targets: random lists, random faults, random ends of the process. What is there at last?

At the end, without faults, the targets hold exactly what the list says, no key twice, and nothing that is not managed
has changed. ``ABGLEICH_EXAMPLES=500`` makes it look longer; ``pytest -s`` shows what the examples met.
"""

from __future__ import annotations

import copy
import csv
import faulthandler
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy import Connection as Database
from sqlalchemy import event

from engine.config.load import Project, load
from engine.http import Http
from engine.simulator import Fault, Fe2Simulator, GreyhoundSimulator
from engine.simulator.greyhound import DELETED, without_empty
from engine.state.store import Store
from engine.sync.account import Tools
from engine.sync.record import Sent
from engine.sync.run import run_mapping

EXAMPLES = int(os.environ.get("ABGLEICH_EXAMPLES", "5"))
PATIENCE = 60.0
KEY_FIELD, TRAIN_FIELD = 6, 7
HEADINGS = ("nr", "name", "zug", "email")

CONFIGURATION = """\
language: en
connections:
  fe2: {{type: fe2, url: http://localhost:1, access_key: key, first_sync: go}}
  greyhound:
    type: greyhound
    url: http://localhost:1
    username: api
    password: secret
    requests_at_once: {at_once}
"""
MAPPING = """\
source:
  path: inbox/list.csv
  settle: 0s
  key: nr
  columns: {{nr: nr, name: name, zug: zug, email: email}}
  expect: {{min_rows: 1, max_shrink: 100%, max_rejected: 99}}
variables:
  mail: "{{{{ email | email }}}}"
actions:
  - action: fe2.sync
    connection: fe2
    fields:
      externalDbId: "{{{{ nr }}}}"
      firstName: "{{{{ name }}}}"
      alarmGroups: "{{{{ zug }}}}"
      aPagerPro: "{{{{ mail }}}}"
    removal: {fe2}
    guard: {{max_removals: 99}}
  - action: greyhound.sync
    connection: greyhound
    match: {{user_field: 6}}
    fields:
      GroupRef: 1
      Subject: "{{{{ name }}}}"
      Firstname: "{{{{ name }}}}"
      ComLinks:
        - {{Kind: email, Category: business, Text: "{{{{ mail }}}}"}}
      UserFields:
        7: "{{{{ zug }}}}"
    removal: {greyhound}
    guard: {{max_removals: 99}}
"""

MET: Counter[str] = Counter()
"""What the examples of this process met."""


# -- the end of a process ----------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process is dead: it sends nothing more and writes nothing more."""


MOMENTS = ("before a request", "before its answer is read", "before a transaction", "after a transaction")


@dataclass
class Life:
    """One process. ``ends`` is the moment of its end and how many of those are still to come."""

    ends: tuple[str, int] | None = None
    ended: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reach(self, moment: str) -> None:
        """The process is at this moment; perhaps it is its last one."""
        with self.lock:
            if self.ends is not None and self.ends[0] == moment:
                self.ends = (moment, self.ends[1] - 1) if self.ends[1] > 1 else None
                self.ended = None if self.ends else moment
            if self.ended is not None:
                raise Killed(self.ended)


class MortalStore(Store):
    """The state; a dead process does not reach it any more."""

    def __init__(self, folder: Path, life: Life) -> None:
        self.life = life
        super().__init__(folder)
        # A process that ends takes nothing back that it gave to the system: nobody has to wait for the disk.
        event.listen(self._engine, "connect", lambda wire, _record: wire.execute("PRAGMA synchronous=OFF"))

    @contextmanager
    def transaction(self) -> Iterator[Database]:
        self.life.reach("before a transaction")
        with super().transaction() as database:
            yield database
        self.life.reach("after a transaction")


# -- what is tested ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A person of the list."""

    name: str
    zug: str
    email: str

    @property
    def is_bad(self) -> bool:
        return self.email == "kaputt"


@cache
def loaded(fe2: str, greyhound: str, at_once: int) -> Project:
    """The project, read once for all examples. Its folder stays as long as the process."""
    folder = tempfile.TemporaryDirectory(prefix="machine-")
    _folders.append(folder)
    root = Path(folder.name)
    for name in ("mappings", "inbox"):
        (root / name).mkdir()
    (root / "mappings" / "configuration.yaml").write_text(CONFIGURATION.format(at_once=at_once), "utf-8")
    (root / "mappings" / "list.yaml").write_text(MAPPING.format(fe2=fe2, greyhound=greyhound), "utf-8")
    project = load(root)
    assert not project.problems, project.problems
    return project


_folders: list[tempfile.TemporaryDirectory[str]] = []


class Site:
    """One project, its stand-ins and its state, and the processes that come and go."""

    def __init__(self, fe2: str = "sync", greyhound: str = "trash", at_once: int = 1) -> None:
        self.stack = ExitStack()
        self.fe2 = self.stack.enter_context(Fe2Simulator(access_key="key"))
        self.greyhound = self.stack.enter_context(GreyhoundSimulator())
        self.seconds = 0.0
        self.greyhound.clock = lambda: self.seconds
        project = loaded(fe2, greyhound, at_once)
        urls = {"fe2": self.fe2.url, "greyhound": self.greyhound.url}
        there = {name: one.model_copy(update={"url": urls[name]}) for name, one in project.connections.items()}
        self.project = replace(project, connections=there)
        self.mapping = project.mappings["list"]
        self.state = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="machine-state-")))
        self.life = Life()
        self.stack.enter_context(patch.object(Http, "send", self._mortal_send()))

    def close(self) -> None:
        self.stack.close()

    def _mortal_send(self) -> Callable[..., Any]:
        real = Http.send

        def send(http: Http, *words: Any, **named: Any) -> Any:
            life: Life = http.__dict__.setdefault("life", self.life)
            life.reach("before a request")
            try:
                return real(http, *words, **named)
            finally:
                life.reach("before its answer is read")

        return send

    def kill(self, moment: str, nth: int) -> None:
        """From now on the process ends at the n-th such moment."""
        self.life.ends = (moment, nth)

    def run(self, rows: Mapping[str, Row], full: bool = False, only_plan: bool = False) -> Any:
        """One run in a process of its own: its report, or None where it was killed."""
        self._write(rows)
        life = self.life
        store = MortalStore(self.state, replace(life, ends=None))
        store.life = life
        try:
            return in_time(lambda: run_mapping(
                self.project, self.mapping, Tools(store), full=full, only_plan=only_plan
            ))  # fmt: skip
        except Killed as killed:
            MET[f"killed {killed}"] += 1
            return None
        finally:
            store.close()
            self.life = Life(life.ends)

    def _write(self, rows: Mapping[str, Row]) -> None:
        with (self.project.root / "inbox" / "list.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerow(HEADINGS)
            writer.writerows((key, row.name, row.zug, row.email) for key, row in rows.items())

    def calm(self) -> None:
        """No faults, nobody else, no end of the process."""
        for server in (self.fe2, self.greyhound):
            MET["faults that did nothing"] += len(server.faults)
            server._faults.clear()
        for contact in self.greyhound.contacts:
            self.greyhound.unlock_by_other(contact)
        self.life = Life()

    # -- what is there -------------------------------------------------------------------------------------------------

    def of_key(self, key: str) -> list[int]:
        """The live contacts that carry the key."""
        return [
            number
            for number, item in self.greyhound.contacts.items()
            if not item.get("Flags", 0) & DELETED and value_of(item, KEY_FIELD) == key
        ]

    def live(self) -> dict[str, list[int]]:
        """The live contacts of every key."""
        keys = {value_of(item, KEY_FIELD) for item in self.greyhound.contacts.values()} - {""}
        return {key: found for key in sorted(keys) if (found := self.of_key(key))}

    def locked_by_us(self) -> set[int]:
        return {contact for contact, owner in self.greyhound.locks.items() if owner[0] == "api"}

    def last_sent(self, connection: str) -> dict[str, Any]:
        return {one.key: one.record for one in self._sent(connection)}

    def linked(self) -> set[int]:
        """The contacts that the state knows as somebody's."""
        return {int(one.remote) for one in self._sent("greyhound") if one.remote is not None}

    def _sent(self, connection: str) -> list[Sent]:
        store = Store(self.state)
        try:
            return store.sent(connection)
        finally:
            store.close()


def in_time(work: Callable[[], Any]) -> Any:
    """What the work gives. A run that hangs fails, and shows where."""
    given: list[Any] = []
    raised: list[BaseException] = []

    def target() -> None:
        try:
            given.append(work())
        except BaseException as error:
            raised.append(error)

    worker = threading.Thread(target=target, daemon=True)
    worker.start()
    worker.join(PATIENCE)
    if worker.is_alive():
        faulthandler.dump_traceback(file=sys.__stderr__ or sys.stderr)
        raise AssertionError(f"The run hangs for {PATIENCE:.0f} s.")
    if raised:
        raise raised[0]
    return given[0]


def value_of(item: Mapping[str, Any], number: int) -> str:
    """A user field of a contact."""
    return next((str(entry["Value"]) for entry in item.get("UserFields", []) if entry["FieldRef"] == number), "")


def is_ours(link: Mapping[str, Any]) -> bool:
    """The business address."""
    return (link.get("Kind", 0), link.get("Category", 0)) == (0, 1)


def managed(item: Mapping[str, Any]) -> dict[str, Any]:
    """What the mapping looks after in a contact."""
    contact = item["Properties"]["Contact"]
    links = [link["Text"] for link in contact.get("ComLinks", []) if is_ours(link)]
    return {
        "Subject": item["Subject"],
        "Firstname": contact.get("Firstname", ""),
        "mails": links,
        "key": value_of(item, KEY_FIELD),
        "zug": value_of(item, TRAIN_FIELD),
    }


def unmanaged(item: Mapping[str, Any]) -> dict[str, Any]:
    """Everything else of a contact that is not empty, but for the trash and the moment of the last change."""
    rest = copy.deepcopy(dict(item)) | {"Subject": "", "Modified": "", "Flags": item.get("Flags", 0) & ~DELETED}
    contact = rest["Properties"]["Contact"]
    contact.pop("Firstname", None)
    contact["ComLinks"] = [link for link in contact.get("ComLinks", []) if not is_ours(link)]
    rest["UserFields"] = [one for one in rest.get("UserFields", []) if one["FieldRef"] not in (KEY_FIELD, TRAIN_FIELD)]
    slim: dict[str, Any] = without_empty(rest)
    return slim


def as_contact(key: str, row: Row) -> dict[str, Any]:
    """What GREYHOUND must hold of a row."""
    mails = [f"<{row.email}>"] if row.email else []
    return {"Subject": row.name, "Firstname": row.name, "mails": mails, "key": key, "zug": row.zug}


def as_person(key: str, row: Row) -> dict[str, Any]:
    """What FE2 must hold of a row."""
    texts = ("lastName", "note", "issi", "xmpp", "email", "mobil", "aPagerProFieldMode")
    lists: dict[str, list[str]] = {"osFunctions": [], "osGroups": [], "alarmGroups": [row.zug] if row.zug else []}
    return {"externalDbId": key, "firstName": row.name, "aPagerPro": row.email, **dict.fromkeys(texts, ""), **lists}


# -- the machine -------------------------------------------------------------------------------------------------------

KEYS = ("1", "2", "3", "Ü/4", "5'", "6 %")
KEY = st.sampled_from(KEYS)
ROW = st.builds(
    Row,
    name=st.sampled_from(["Ada", "Jürgen Groß", "Zoë 🚒"]),
    zug=st.sampled_from(["Zug 1", "Zug 2", ""]),
    email=st.sampled_from(["a@example.org", "b@example.org", "", "", "", "", "", "kaputt"]),
)
LIST = st.dictionaries(KEY, ROW, min_size=1)

PAGE = "<html><body>Bitte anmelden</body></html>"
REFUSAL = '{"version": "1.1", "error": {"code": 999, "message": "Heute nicht."}}'
FAULTS: dict[str, dict[str, Any]] = {
    "reset before": {"reset": "before"},
    "reset after": {"reset": "after"},
    "page before": {"body": PAGE},
    "page after": {"body": PAGE, "after_effect": True},
    "502 before": {"status": 502},
    "502 after": {"status": 502, "after_effect": True},
    "500 before": {"status": 500},
    "503 before": {"status": 503},
    "423 before": {"status": 423},
    "429 before": {"status": 429},
    "401 before": {"status": 401},
    "404 before": {"status": 404},
    "refused": {"status": 500, "body": REFUSAL, "content_type": "application/json"},
    "cut off": {"truncate": True},
    "garbage": {"garbage": True},
}
CALLS = (
    "/rest/addressbook/sync",
    "/rest/addressbook/external",
    *(f"RpcItems.{name}" for name in ("New", "New", "Get", "GetList", "Put", "Lock", "Unlock", "Delete")),
    "anything",
)
FAULT = st.tuples(st.sampled_from(CALLS), st.sampled_from(list(FAULTS)), st.sampled_from([1, 1, 2, 3, 5, 9]))
NTH = st.integers(1, 4) | st.integers(5, 40)
CHANGES = st.dictionaries(KEY, ROW | st.none(), max_size=3)
SERVERS: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "with small pages": {"page_size": 2},
    "without values in lists": {"omit_user_values": True},
    "with a cap": {"max_search_results": 3},
    "that forgets filters": {"ignore_filter": True, "error_shape": "fault", "version": "5.1.0"},
    "of old": {"version": "4.2.0", "error_shape": "text", "raw_controls": True},
}


class Machine(RuleBasedStateMachine):
    """Lists, runs, faults and ends of the process; nobody touches over there what is managed."""

    removals: ClassVar[tuple[str, str]] = ("sync", "trash")
    at_once: ClassVar[int] = 1
    by_hand: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.site = Site(*self.removals, self.at_once)
        self.rows: dict[str, Row] = {"1": Row("Ada", "Zug 1", "")}
        self.good_rows = dict(self.rows)
        self.sound = True
        self.there_before: set[int] = set()
        self.linked: set[int] = set()

    @initialize(rows=LIST, there=st.sets(KEY, max_size=2), kind=st.sampled_from(list(SERVERS)), final=st.booleans())
    def begin(self, rows: dict[str, Row], there: set[str], kind: str, final: bool) -> None:
        """Some contacts carry keys already, and FE2 has somebody made by hand."""
        server = self.site.greyhound
        server.delete_is_final = final
        for name, value in SERVERS[kind].items():
            setattr(server, name, value)
        self.rows = dict(rows)
        for key in sorted(there):
            contact = {"Callname": "Alt", "ComLinks": [{"Kind": 4, "Category": 2, "Text": "<+491511234567>"}]}
            number = server.add_contact(Subject=f"Alt {key}", contact=contact, user_fields={KEY_FIELD: key})
            self.there_before.add(number)
        server.add_contact(Subject="Handwerker")
        self.site.fe2.manual.append({"firstName": "Von Hand"})
        MET["examples"] += 1

    # -- runs, with what happens meanwhile -----------------------------------------------------------------------------

    @rule(rows=LIST)
    def another_list(self, rows: dict[str, Row]) -> None:
        self.rows = dict(rows)

    @rule()
    def the_last_good_list_again(self) -> None:
        self.rows = dict(self.good_rows)

    @rule(changes=CHANGES, full=st.sampled_from([False, False, False, True]))
    def run(self, changes: dict[str, Row | None], full: bool) -> None:
        self.change(changes)
        self.one_run(full)

    @rule(changes=CHANGES, moment=st.sampled_from(MOMENTS), nth=NTH)
    def run_until_killed(self, changes: dict[str, Row | None], moment: str, nth: int) -> None:
        self.change(changes)
        self.site.kill(moment, nth)
        self.one_run(False)

    @rule(changes=CHANGES, faults=st.lists(FAULT, min_size=1, max_size=3))
    def run_with_faults(self, changes: dict[str, Row | None], faults: list[tuple[str, str, int]]) -> None:
        self.change(changes)
        self.fail(faults)
        self.one_run(False)

    @rule(changes=CHANGES, fault=FAULT, moment=st.sampled_from(MOMENTS), nth=NTH)
    def run_with_a_fault_until_killed(
        self, changes: dict[str, Row | None], fault: tuple[str, str, int], moment: str, nth: int
    ) -> None:
        self.change(changes)
        self.fail([fault])
        self.site.kill(moment, nth)
        self.one_run(False)

    def change(self, changes: dict[str, Row | None]) -> None:
        """Some come, change or leave; the list is never empty."""
        made = {key: row for key, row in (self.rows | changes).items() if row is not None}
        self.rows = made or self.rows

    def fail(self, faults: list[tuple[str, str, int]]) -> None:
        for call, name, times in faults:
            server = self.site.fe2 if "addressbook" in call else self.site.greyhound
            server.fail(Fault(on=None if call == "anything" else call, times=times, **FAULTS[name]))
            MET["faults"] += 1

    # -- other people --------------------------------------------------------------------------------------------------

    @rule(key=KEY, what=st.sampled_from(["lock", "lock", "unlock", "wait a minute", "add a contact"]))
    def others(self, key: str, what: str) -> None:
        server = self.site.greyhound
        for contact in self.site.of_key(key):
            if what == "lock" and contact not in self.site.locked_by_us():
                server.lock_by_other(contact)
            elif what == "unlock":
                server.unlock_by_other(contact)
        if what == "wait a minute":
            self.site.seconds += 61
        elif what == "add a contact":
            server.add_contact(Subject="Küster", contact={"Company": "Kirche"}, user_fields={KEY_FIELD: f"x-{key}"})

    # -- what holds --------------------------------------------------------------------------------------------------

    def one_run(self, full: bool, only_plan: bool = False) -> Any:
        """One run. Whatever became of it, it changed nothing that is not its own; where it says so, all is done."""
        site = self.site
        before = copy.deepcopy(site.greyhound.contacts)
        manual = copy.deepcopy(site.fe2.manual)
        self.sound = False
        report = site.run(self.rows, full, only_plan)
        self.linked |= site.linked()
        MET["runs"] += 1
        if report is not None and report.status == "done":
            self.good_rows = dict(self.rows)
        MET[f"runs that are {'killed' if report is None else report.status}"] += 1
        for problem in report.problems if report is not None and report.status == "refused" else ():
            MET[f"refused because of {problem.code}"] += 1
        for number, item in before.items():
            after = site.greyhound.contacts.get(number)
            if value_of(item, KEY_FIELD) not in KEYS:
                assert after == item, f"contact {number} was made by hand, and changed"
            elif after is None:
                assert self.removals[1] == "delete", f"contact {number} is gone for good"
            else:
                assert unmanaged(after) == unmanaged(item), f"contact {number}: something unmanaged changed"
        assert site.fe2.manual == manual
        assert [found for key, found in site.live().items() if len(found) > 1 and key in KEYS] == [], "a key is twice"
        assert [*site.fe2.breaches, *site.greyhound.breaches] == [], [*site.fe2.breaches, *site.greyhound.breaches]
        if report is not None and report.status in ("done", "unchanged"):
            self.is_as_the_list_says(full)
        self.sound = True
        return report

    def is_as_the_list_says(self, full: bool) -> None:
        """What people did in GREYHOUND meanwhile only a full run mends."""
        site = self.site
        assert site.fe2.persons == {key: as_person(key, row) for key, row in self.rows.items()}
        for connection in ("fe2", "greyhound"):
            assert site.last_sent(connection).keys() == self.rows.keys()
        if self.by_hand and not full:
            return
        live = {key: found[0] for key, found in site.live().items() if key in KEYS}
        strangers = {key for key, number in live.items() if key not in self.rows and self.never_ours(number)}
        held = {key: managed(site.greyhound.contacts[number]) for key, number in live.items() if key not in strangers}
        assert held == {key: as_contact(key, row) for key, row in self.rows.items()}

    def teardown(self) -> None:
        try:
            if self.sound:
                self.settle()
        finally:
            self.site.close()

    def settle(self) -> None:
        """Without faults: everything becomes as the list says, and then there is nothing left to do."""
        site = self.site
        site.calm()
        self.rows = {key: replace(row, email="") if row.is_bad else row for key, row in self.rows.items()}
        calls = len(site.greyhound.calls)
        for _attempt in range(3):
            report = self.one_run(full=self.by_hand)
            if report.status in ("done", "unchanged"):
                break
        shown = [(problem.code, problem.message) for problem in report.problems]
        assert report.status in ("done", "unchanged"), (report.status, shown)
        touched = {call.params[0] for call in site.greyhound.calls[calls:] if call.method == "RpcItems.Lock"}
        # Threads of a run that was "killed" live on here, and may be just at an unlock.
        end = time.monotonic() + 10
        while touched & site.locked_by_us() and time.monotonic() < end:
            time.sleep(0.05)
        assert touched & site.locked_by_us() == set(), "a run without faults left a lock"
        self.there_is_nothing_left_to_do()

    def never_ours(self, number: int) -> bool:
        """A contact that was there before, with the key of somebody who left before any run came to link them."""
        return number in self.there_before - self.linked

    def there_is_nothing_left_to_do(self) -> None:
        site = self.site
        before = (site.fe2.writes, site.greyhound.writes, len(site.greyhound.requests))
        planned = self.one_run(full=False, only_plan=True)
        assert planned.status == "unchanged", planned.as_json()
        again = self.one_run(full=False)
        assert again.status == "unchanged", again.as_json()
        assert (site.fe2.writes, site.greyhound.writes, len(site.greyhound.requests)) == before


class HandMachine(Machine):
    """The same, and people work in GREYHOUND meanwhile: only a full run looks at what they did."""

    by_hand = True

    def edited(self, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The contact of a key with its properties; a new one that nobody cares about where there is none."""
        found = self.site.of_key(key)
        item = self.site.greyhound.contacts[found[0]] if found else {"Properties": {}, "UserFields": []}
        return item, item["Properties"].setdefault("Contact", {})

    @rule(key=KEY, what=st.sampled_from(["others' fields", "our fields", "trash", "delete"]))
    def edit(self, key: str, what: str) -> None:
        if what == "others' fields":
            item, contact = self.edited(key)
            contact |= {"Callname": "Spitz", "NobodyKnows": {"a": [1, "ü"]}}
            contact["ComLinks"] = [*contact.get("ComLinks", []), {"Kind": 3, "Category": 2, "Text": "<0815>"}]
            item |= {"Remarks": "Anruf", "Priority": 3, "GroupRef": 2, "State": 2}
        elif what == "our fields":
            item, contact = self.edited(key)
            item["Subject"] = contact["Firstname"] = "Verschrieben"
            link = {"Kind": 0, "Category": 1, "Preferred": True, "Text": "<c@example.org>"}
            contact["ComLinks"] = [*contact.get("ComLinks", []), link]
            kept = [one for one in item["UserFields"] if one["FieldRef"] != TRAIN_FIELD]
            item["UserFields"] = [*kept, {"FieldRef": TRAIN_FIELD, "Value": "Zug 9"}]
        elif what == "trash":
            item, _contact = self.edited(key)
            item["Flags"] = item.get("Flags", 0) | DELETED
        else:
            for number in self.site.of_key(key):
                del self.site.greyhound.contacts[number]


class DeletingMachine(Machine):
    removals = ("delete", "delete")
    at_once = 4


class DeletingHandMachine(HandMachine):
    removals = ("delete", "delete")
    at_once = 4


SETTINGS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("machine", [Machine, DeletingMachine, HandMachine, DeletingHandMachine])
def test_at_last_everything_is_as_the_list_says(machine: type[Machine]) -> None:
    run_state_machine_as_test(machine, settings=SETTINGS)


@pytest.fixture(scope="module", autouse=True)
def _show_what_was_met() -> Iterator[None]:
    MET.clear()
    yield
    print("\n" + "\n".join(f"  {count:>5} {what}" for what, count in sorted(MET.items())))


# -- the machine itself ------------------------------------------------------------------------------------------------


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


TWO = {"1": Row("Ada", "Zug 1", "a@example.org"), "2": Row("Jürgen Groß", "", "")}


@pytest.mark.parametrize(
    ("moment", "nth", "arrived"),
    [("before a request", 5, 4), ("before its answer is read", 5, 5), ("before a transaction", 3, 0)],
)
def test_a_process_ends_when_it_is_told_to(site: Site, moment: str, nth: int, arrived: int) -> None:
    site.kill(moment, nth)
    assert site.run(TWO) is None
    assert len(site.fe2.requests) + len(site.greyhound.requests) == arrived
    assert site.run(TWO).status == "done"


def test_a_dead_process_writes_nothing_into_the_state(site: Site) -> None:
    site.kill("before its answer is read", 1)
    assert site.run(TWO) is None
    assert len(site.fe2.requests) == 1
    store = Store(site.state)
    assert [run.status for run in store.runs()] == ["running"]
    assert not store.connection("fe2").certain
    store.close()


@pytest.mark.parametrize("at_once", [1, 4])
def test_every_moment_of_a_run_can_be_its_last(at_once: int) -> None:
    site = Site(at_once=at_once)
    try:
        for moment in MOMENTS:
            before = MET[f"killed {moment}"]
            for nth in (1, 6, 11):
                site.kill(moment, nth)
                site.run({**TWO, "3": Row(f"{moment} {nth}", "", "")})
            assert MET[f"killed {moment}"] > before
        assert site.run(TWO).status == "done"
        assert list(site.live()) == ["1", "2"]
    finally:
        site.close()


def twice(site: Site) -> None:
    site.greyhound.add_contact(user_fields={KEY_FIELD: "1"})


def left_behind(site: Site) -> None:
    site.greyhound.add_contact(user_fields={KEY_FIELD: "2"})


def another_name(site: Site) -> None:
    site.greyhound.contacts[site.of_key("1")[0]]["Subject"] = "Verschrieben"


def nobody_to_alarm(site: Site) -> None:
    del site.fe2.persons["1"]


@pytest.mark.parametrize("mischief", [twice, left_behind, another_name, nobody_to_alarm])
def test_the_machine_sees_what_must_not_be(mischief: Callable[[Site], None]) -> None:
    machine = Machine()
    try:
        assert machine.one_run(full=False).status == "done"
        mischief(machine.site)
        with pytest.raises(AssertionError):
            machine.settle()
    finally:
        machine.site.close()
