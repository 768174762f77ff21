"""The state: what was last sent, plans, runs. Every method is one transaction; the file is ``state.sqlite``.

Where it lies, and how transactions stay alone, is told by :mod:`engine.state.database`.
"""

from __future__ import annotations

import hmac
import json
import secrets
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection as Database
from sqlalchemy import Select, Table, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from engine.i18n import _
from engine.problems import Problem, UserMustFix
from engine.state import tables as t
from engine.state.codec import plan_from_json, plan_to_json
from engine.state.database import FILE, is_postgresql, server, sqlite, unusable
from engine.state.ground import Ground
from engine.sync.plan import Change, Plan
from engine.sync.record import Owner, Record, Sent

CHUNK = 500
LEAST_VALUE = 3
EMPTY = {"content": "", "fingerprint": ""}
"""What is left of the content of a plan that has ended: it is never carried out again."""


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan on record. ``status``: planned, held, applied, rejected, superseded, ended."""

    id: str
    run: str
    status: str
    plan: Plan
    made_at: str

    @property
    def is_open(self) -> bool:
        """Whether it may still be carried out."""
        return self.status in ("planned", "held")


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run on record; ``report`` is what ``--json`` prints."""

    id: str
    mapping: str
    command: str
    status: str
    started_at: str
    ended_at: str | None
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """What is known of a connection: ``certain`` is false after anything but a clear success, made at ``place``."""

    certain: bool = True
    last_success: datetime | None = None
    place: str | None = None

    def at(self, place: str | None) -> ConnectionState:
        """The same for a server at this address: nothing is known of one that was never written to."""
        return self if place is None or self.place in (None, place) else ConnectionState(certain=False, place=place)


def is_there(folder: Path, database: str = "sqlite") -> bool:
    """Whether there is a state yet; on a server nobody knows before asking."""
    return database != "sqlite" or (folder / FILE).exists()


def now_text(moment: datetime | None = None) -> str:
    """A moment as the state keeps it."""
    return (moment or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="microseconds")


class Store:
    """The state of one project."""

    def __init__(self, folder: Path, database: str = "sqlite", clock: Callable[[], datetime] | None = None) -> None:
        self._clock = clock or (lambda: datetime.now(UTC))
        self.folder = folder
        self.is_shared = is_postgresql(database)
        """Whether programs on several machines use this state."""
        if database == "sqlite":
            self._engine = sqlite(folder)
        else:
            self._engine = server(database)
        try:
            self._prepare()
        except SQLAlchemyError as error:
            raise unusable(error) from None
        self._ground = Ground(folder / FILE) if database == "sqlite" else None

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def now(self) -> str:
        """The present moment as the state keeps it."""
        return now_text(self._clock())

    @contextmanager
    def transaction(self) -> Iterator[Database]:
        """One transaction. Raises :class:`UserMustFix` where the database can't be used."""
        try:
            with self._engine.begin() as database:
                yield database
        except SQLAlchemyError as error:
            raise unusable(error) from error

    def is_there(self) -> bool:
        """Whether the state's file is still where it was; a server's state is always there."""
        return self._ground is None or self._ground.is_there()

    def session(self) -> Database:
        """A session with the database that is nobody else's, outside of transactions; whoever asks for it closes it."""
        session: Database = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        return session

    def _prepare(self) -> None:
        with self._engine.begin() as database:
            t.metadata.create_all(database)
            version = database.execute(select(t.meta.c.value).where(t.meta.c.name == "schema")).scalar()
            if version is None:
                database.execute(insert(t.meta).values(name="schema", value=str(t.SCHEMA_VERSION)))
            elif version != str(t.SCHEMA_VERSION):
                message = _(
                    "The state was written by another version of abgleich (schema {found}, not {wanted})."
                ).format(found=version, wanted=t.SCHEMA_VERSION)
                raise UserMustFix(Problem("state_version", message, _("Use the newer version of abgleich.")))

    # -- people ------------------------------------------------------------------------------------------------------

    def sent(self, connection: str, mapping: str | None = None, action: str | None = None) -> list[Sent]:
        """Who was last sent over a connection, or perhaps was; narrowed to a mapping and an action."""
        with self.transaction() as database:
            rows = database.execute(_people_of(t.sent, connection, mapping, action)).all()
            begun = database.execute(_people_of(t.intents, connection, mapping, action)).all()
        intents = {(Owner(row.mapping, row.action), row.key): row.record for row in begun}
        known = [
            Sent(owner, row.key, json.loads(row.record), row.remote, intents.pop((owner, row.key), None) is not None)
            for row in rows
            for owner in [Owner(row.mapping, row.action)]
        ]
        return known + [Sent(owner, key, json.loads(text), None, True) for (owner, key), text in intents.items()]

    def owners(self, perhaps: bool = False) -> dict[tuple[str, str, str], int]:
        """How many persons every (connection, mapping, action) last sent; also those it ``perhaps`` sent."""
        everybody = _persons(t.sent)
        both = everybody.union(_persons(t.intents)) if perhaps else everybody
        people = both.subquery()
        owner = (people.c.connection, people.c.mapping, people.c.action)
        with self.transaction() as database:
            counted = database.execute(select(*owner, func.count()).group_by(*owner)).all()
        return {(row[0], row[1], row[2]): row[3] for row in counted}

    def withdraw(self, connection: str, owner: Owner, keys: Collection[str]) -> None:
        """Nothing was written about these keys, and nothing is under way."""
        with self.transaction() as database:
            _delete_people(database, t.intents, connection, owner, sorted(keys))

    def intend(
        self,
        connection: str,
        owner: Owner,
        changes: Iterable[tuple[str, Record]],
        place: str | None = None,
        forget: bool = False,
    ) -> None:
        """Writes about these keys begin, at this address: until each is confirmed, what is over there is not known.

        ``forget``: it is another server than before, and what was sent to that one says nothing about this one.
        """
        rows = [
            {"connection": connection, "mapping": owner.mapping, "action": owner.action, "key": key}
            | {"record": json.dumps(record, ensure_ascii=False)}
            for key, record in changes
        ]
        with self.transaction() as database:
            if forget:
                _forget_connection(database, connection)
            _delete_people(database, t.intents, connection, owner, [row["key"] for row in rows])
            for start in range(0, len(rows), CHUNK):
                database.execute(insert(t.intents), rows[start : start + CHUNK])
            if place is not None:
                _set_connection(database, connection, place=place)

    def record_changes(
        self,
        connection: str,
        owner: Owner,
        changes: Iterable[tuple[Change, Record | None, str | None]],
        final: bool,
        place: str | None = None,
    ) -> None:
        """These changes took effect. ``final``: the write as a whole was a clear success, at this address."""
        moment = self.now()
        with self.transaction() as database:
            gone: list[str] = []
            rows: list[dict[str, Any]] = []
            for change, record, remote in changes:
                gone.append(change.key)
                if change.taken_from is not None:
                    _take_over(database, connection, change.taken_from, change)
                if record is not None:
                    rows.append(_sent_row(connection, owner, change.key, record, remote, moment))
            for table in (t.sent, t.intents):
                _delete_people(database, table, connection, owner, gone)
            for start in range(0, len(rows), CHUNK):
                database.execute(insert(t.sent), rows[start : start + CHUNK])
            if final:
                _set_connection(database, connection, certain=True, last_success=moment, place=place)

    def forget_connection(self, connection: str) -> None:
        """The connection leads to another server: what was sent to the old one says nothing about it."""
        with self.transaction() as database:
            _forget_connection(database, connection)

    def hand_over(self, connection: str, owner: Owner, keys: Iterable[str], to: Owner) -> None:
        """These persons are no longer the owner's; they stay as last sent until somebody takes them over."""
        c = t.sent.c
        with self.transaction() as database:
            for key in keys:
                mine = (c.connection == connection, c.mapping == owner.mapping, c.action == owner.action, c.key == key)
                remote = database.execute(select(c.remote).where(*mine)).scalar()
                # Keys of different mappings may be the same; ids over there are not.
                database.execute(
                    update(t.sent).where(*mine).values(mapping=to.mapping, action=to.action, key=str(remote or key))
                )

    def salted(self, text: str) -> str:
        """A mark that is the same for the same text in this installation, and tells nothing about it."""
        with self.transaction() as database:
            salt = database.execute(select(t.meta.c.value).where(t.meta.c.name == "salt")).scalar()
            if salt is None:
                salt = secrets.token_hex(32)
                database.execute(insert(t.meta).values(name="salt", value=salt))
        return hmac.new(bytes.fromhex(salt), text.encode("utf-8", "surrogatepass"), "sha256").hexdigest()[:32]

    def connections_at(self, place: str) -> list[str]:
        """The names under which a server was written to."""
        with self.transaction() as database:
            names = database.execute(select(t.connections.c.name).where(t.connections.c.place == place)).scalars()
            return sorted(names)

    def forget_sent(self, connection: str, owner: Owner, key: str) -> None:
        """Nobody was ever sent under this key."""
        with self.transaction() as database:
            for table in (t.sent, t.intents):
                _delete_people(database, table, connection, owner, [key])

    # -- claims ------------------------------------------------------------------------------------------------------

    def claims(self, connection: str) -> list[tuple[str, Owner, str]]:
        """(id over there, who claims it, under which key), where somebody else holds the id."""
        with self.transaction() as database:
            rows = database.execute(select(t.claims).where(t.claims.c.connection == connection)).all()
        return [(row.remote, Owner(row.mapping, row.action), row.key) for row in rows]

    def set_claims(self, connection: str, owner: Owner, claims: Mapping[str, str]) -> None:
        """The ids (with their keys) that this action claims and others hold, instead of what it claimed before."""
        c = t.claims.c
        with self.transaction() as database:
            database.execute(
                delete(t.claims).where(c.connection == connection, c.mapping == owner.mapping, c.action == owner.action)
            )
            for remote, key in claims.items():
                database.execute(
                    insert(t.claims).values(
                        connection=connection, remote=remote, mapping=owner.mapping, action=owner.action, key=key
                    )
                )

    # -- connections -------------------------------------------------------------------------------------------------

    def connection(self, name: str) -> ConnectionState:
        """What is known of a connection."""
        with self.transaction() as database:
            row = database.execute(select(t.connections).where(t.connections.c.name == name)).first()
        if row is None:
            return ConnectionState()
        success = datetime.fromisoformat(row.last_success) if row.last_success else None
        return ConnectionState(row.certain, success, row.place)

    def set_uncertain(self, name: str) -> None:
        """A write begins: what the target holds is unknown until it succeeded."""
        with self.transaction() as database:
            _set_connection(database, name, certain=False)

    def client_id(self, name: str, make: Callable[[], str]) -> str:
        """The client id of a connection, made once."""
        with self.transaction() as database:
            known = database.execute(select(t.connections.c.client_id).where(t.connections.c.name == name)).scalar()
            if known:
                return str(known)
            made = make()
            _set_connection(database, name, client_id=made)
            return made

    # -- mappings ----------------------------------------------------------------------------------------------------

    def good_rows(self, mapping: str) -> int | None:
        """The file's rows in the last good run; None if there was none."""
        with self.transaction() as database:
            return database.execute(select(t.mappings.c.good_rows).where(t.mappings.c.id == mapping)).scalar()

    def good_runs(self) -> dict[str, str]:
        """When each mapping had its last good run."""
        with self.transaction() as database:
            rows = database.execute(select(t.mappings.c.id, t.mappings.c.good_at)).all()
        return {row.id: row.good_at for row in rows if row.good_at is not None}

    def set_good(self, mapping: str, run: str, rows: int | None) -> None:
        """A good run: its file is what the next one is measured against."""
        values: dict[str, Any] = {"good_run": run, "good_at": self.now()}
        if rows is not None:
            values["good_rows"] = rows
        with self.transaction() as database:
            changed = database.execute(update(t.mappings).where(t.mappings.c.id == mapping).values(**values))
            if not changed.rowcount:
                database.execute(insert(t.mappings).values(id=mapping, **values))

    # -- plans -------------------------------------------------------------------------------------------------------

    def save_plan(self, plan: Plan, run: str, status: str, rest_of: Plan | None = None) -> str:
        """Keep a plan and return its number; other open plans of the mapping are superseded.

        The same content again keeps its number; so does what is left of a plan (``rest_of``) once the rest went out.
        """
        fingerprint = plan.fingerprint()
        kept = [fingerprint, rest_of.fingerprint()] if rest_of is not None else [fingerprint]
        content = plan_to_json(plan)
        with self.transaction() as database:
            same = database.execute(
                select(t.plans.c.number).where(_open(plan.mapping), t.plans.c.fingerprint.in_(kept))
            ).scalar()
            if same is None:
                number = database.execute(
                    insert(t.plans).values(
                        mapping=plan.mapping,
                        run=run,
                        status=status,
                        fingerprint=fingerprint,
                        content=content,
                        made_at=self.now(),
                    )
                ).inserted_primary_key[0]  # type: ignore[index]
            else:
                number = same
                database.execute(
                    update(t.plans)
                    .where(t.plans.c.number == number)
                    .values(run=run, content=content, status=status, fingerprint=fingerprint)
                )
            self._end_others(database, plan.mapping, int(number))
        return f"P{number}"

    def number_plan(self, mapping: str, run: str) -> str:
        """A number for a plan that is carried out at once: its content is in the run's report."""
        with self.transaction() as database:
            moment = self.now()
            values = {"mapping": mapping, "run": run, "status": "applied", "fingerprint": "", "content": ""}
            made = database.execute(insert(t.plans).values(**values, made_at=moment, ended_at=moment))
            return f"P{made.inserted_primary_key[0]}"  # type: ignore[index]

    def end_plans(self, mapping: str) -> None:
        """A run planned something else: what was open is not to be carried out any more."""
        with self.transaction() as database:
            self._end_others(database, mapping, 0)

    def _end_others(self, database: Database, mapping: str, keep: int) -> None:
        others = update(t.plans).where(_open(mapping), t.plans.c.number != keep)
        database.execute(others.values(status="superseded", ended_at=self.now(), **EMPTY))

    def plan(self, plan_id: str) -> StoredPlan | None:
        """The plan with this number (``P12``), whatever became of it."""
        number = plan_id.strip().removeprefix("P").removeprefix("p")
        if not (number.isascii() and number.isdigit()) or len(number) > 9:
            return None
        with self.transaction() as database:
            row = database.execute(select(t.plans).where(t.plans.c.number == int(number))).first()
        return _stored_plan(row) if row is not None else None

    def open_plans(self, mapping: str | None = None) -> list[StoredPlan]:
        """All plans that wait, oldest first."""
        query = select(t.plans).where(t.plans.c.status.in_(("planned", "held"))).order_by(t.plans.c.number)
        if mapping is not None:
            query = query.where(t.plans.c.mapping == mapping)
        with self.transaction() as database:
            return [_stored_plan(row) for row in database.execute(query).all()]

    def last_decided(self, mapping: str) -> tuple[str, str] | None:
        """The last plan of a mapping that was applied or rejected, and which of both."""
        c = t.plans.c
        decided = (c.mapping == mapping, c.status.in_(("applied", "rejected")))
        with self.transaction() as database:
            row = database.execute(select(c.number, c.status).where(*decided).order_by(c.ended_at.desc())).first()
        return (f"P{row.number}", row.status) if row is not None else None

    def end_plan(self, plan_id: str, status: str) -> None:
        """What became of a plan: applied or rejected. Its people go with it; what was rejected is known again."""
        number = int(plan_id.removeprefix("P"))
        left = {"content": ""} if status == "rejected" else EMPTY
        with self.transaction() as database:
            database.execute(
                update(t.plans).where(t.plans.c.number == number).values(status=status, ended_at=self.now(), **left)
            )

    def rejected_before(self, plan: Plan) -> str | None:
        """The number of the plan that somebody decided about last, where it was rejected and did just the same.

        None where somebody has asked for it again since, and it waits.
        """
        c = t.plans.c
        decided = (c.mapping == plan.mapping, c.status.in_(("applied", "rejected")))
        with self.transaction() as database:
            row = database.execute(select(t.plans).where(*decided).order_by(c.ended_at.desc(), c.number.desc())).first()
            waits = select(c.number).where(_open(plan.mapping), c.fingerprint == plan.fingerprint())
            asked_again = database.execute(waits).first() is not None
        same = row is not None and row.status == "rejected" and row.fingerprint == plan.fingerprint()
        return f"P{row.number}" if row is not None and same and not asked_again else None

    # -- runs --------------------------------------------------------------------------------------------------------

    def begin_run(self, mapping: str, command: str, day: str) -> str:
        """A new run's number, e.g. ``2026-11-22-3``. Runs of this mapping that were cut off are marked as failed."""
        moment = self.now()
        with self.transaction() as database:
            stale = update(t.runs).where(t.runs.c.mapping == mapping, t.runs.c.status == "running")
            database.execute(stale.values(status="failed", ended_at=moment))
            number = (database.execute(select(func.max(t.runs.c.number)).where(t.runs.c.day == day)).scalar() or 0) + 1
            run = f"{day}-{number}"
            database.execute(
                insert(t.runs).values(
                    id=run, day=day, number=number, mapping=mapping, command=command, status="running",
                    started_at=moment, people=True,
                )
            )  # fmt: skip
        return run

    def end_run(self, run: str, status: str, report: Mapping[str, Any]) -> None:
        """What became of a run, with its report."""
        written = json.dumps(report, ensure_ascii=False)
        with self.transaction() as database:
            database.execute(
                update(t.runs).where(t.runs.c.id == run).values(status=status, ended_at=self.now(), report=written)
            )

    def runs(self, mapping: str | None = None, limit: int = 50) -> list[StoredRun]:
        """The latest runs, newest first."""
        query = select(t.runs).order_by(t.runs.c.day.desc(), t.runs.c.number.desc()).limit(limit)
        if mapping is not None:
            query = query.where(t.runs.c.mapping == mapping)
        with self.transaction() as database:
            return [_stored_run(row) for row in database.execute(query).all()]

    def count_runs(self, mapping: str | None = None) -> int:
        """How many runs are on record."""
        query = select(func.count()).select_from(t.runs)
        if mapping is not None:
            query = query.where(t.runs.c.mapping == mapping)
        with self.transaction() as database:
            return int(database.execute(query).scalar_one())

    def last_runs(self) -> dict[str, tuple[str, str]]:
        """Each mapping's last run: its status and when it began. A refused decision, and a plan, are no run."""
        c = t.runs.c
        runs = or_(c.command == "run", and_(c.command.in_(("approve", "apply")), c.status != "refused"))
        with self.transaction() as database:
            rows = database.execute(select(c.mapping, c.status, c.started_at).where(runs).order_by(c.started_at)).all()
        return {row.mapping: (row.status, row.started_at) for row in rows}

    def run(self, run: str) -> StoredRun | None:
        """One run."""
        with self.transaction() as database:
            row = database.execute(select(t.runs).where(t.runs.c.id == run)).first()
        return _stored_run(row) if row is not None else None

    def prune(
        self, runs_seconds: float, people_seconds: float, strip: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> None:
        """Forget what need not be kept: old runs as a whole, and sooner the values of people in them."""
        now = self._clock()
        old_runs, old_people = (now_text(now - timedelta(seconds=age)) for age in (runs_seconds, people_seconds))
        open_runs = select(t.plans.c.run).where(t.plans.c.status.in_(("planned", "held")))
        with self.transaction() as database:
            database.execute(
                delete(t.runs).where(
                    t.runs.c.started_at < old_runs, t.runs.c.status != "running", t.runs.c.id.not_in(open_runs)
                )
            )
            stale = select(t.runs.c.id, t.runs.c.report).where(t.runs.c.started_at < old_people, t.runs.c.people)
            for run, report in database.execute(stale).all():
                stripped = json.dumps(strip(json.loads(report)), ensure_ascii=False) if report else None
                database.execute(update(t.runs).where(t.runs.c.id == run).values(report=stripped, people=False))
            database.execute(
                delete(t.plans).where(t.plans.c.ended_at < old_people, t.plans.c.status.not_in(("planned", "held")))
            )

    def erase_person(self, key: str, mapping: str) -> None:
        """Take one person out of all runs and plans of a mapping (``forget``); nothing is left in the file either."""
        self.end_plans(mapping)
        with self.transaction() as database:
            rows = database.execute(select(t.runs.c.id, t.runs.c.report).where(t.runs.c.mapping == mapping)).all()
            reports = {run: json.loads(report) for run, report in rows if report}
            values = {value for report in reports.values() for value in _values_of(report, key)}
            for run, report in reports.items():
                erased = _without_person(report, key, values)
                if erased != report:
                    written = json.dumps(erased, ensure_ascii=False)
                    database.execute(update(t.runs).where(t.runs.c.id == run).values(report=written))
            database.execute(update(t.plans).where(t.plans.c.mapping == mapping).values(**EMPTY))
            claims = t.claims.c
            database.execute(delete(t.claims).where(claims.mapping == mapping, claims.key == key))
        if self._engine.dialect.name == "sqlite":
            self._rewrite()

    def _rewrite(self) -> None:
        """Write the file anew: what was erased is not left in unused parts of it."""
        try:
            database = self._engine.raw_connection()
            try:
                cursor = database.cursor()
                cursor.execute("VACUUM")
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                cursor.close()
            finally:
                database.close()
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise unusable(error) from error


def _sent_row(
    connection: str, owner: Owner, key: str, record: Record, remote: str | None, moment: str
) -> dict[str, Any]:
    return {
        "connection": connection,
        "mapping": owner.mapping,
        "action": owner.action,
        "key": key,
        "remote": remote,
        "record": json.dumps(record, ensure_ascii=False),
        "sent_at": moment,
    }


def _persons(table: Table) -> Select[Any]:
    return select(table.c.connection, table.c.mapping, table.c.action, table.c.key)


def _people_of(table: Table, connection: str, mapping: str | None, action: str | None) -> Select[Any]:
    c = table.c
    query = select(table).where(c.connection == connection)
    if mapping is not None:
        query = query.where(c.mapping == mapping)
    if action is not None:
        query = query.where(c.action == action)
    return query.order_by(c.mapping, c.action, c.key)


def _take_over(database: Database, connection: str, former: Owner, change: Change) -> None:
    """Whoever had the person has them no longer, neither as sent nor as intended."""
    c = t.sent.c
    theirs = (c.connection == connection, c.mapping == former.mapping, c.action == former.action)
    keys = {change.key}
    if change.remote is not None:
        keys |= set(database.execute(select(c.key).where(*theirs, c.remote == change.remote)).scalars())
        database.execute(delete(t.sent).where(*theirs, c.remote == change.remote))
    _delete_people(database, t.intents, connection, former, sorted(keys))


def _forget_connection(database: Database, connection: str) -> None:
    for table in (t.sent, t.intents):
        database.execute(delete(table).where(table.c.connection == connection))
    _set_connection(database, connection, place=None, last_success=None)


def _delete_people(database: Database, table: Table, connection: str, owner: Owner, gone: list[str]) -> None:
    c = table.c
    for start in range(0, len(gone), CHUNK):
        keys = gone[start : start + CHUNK]
        database.execute(
            delete(table).where(
                c.connection == connection, c.mapping == owner.mapping, c.action == owner.action, c.key.in_(keys)
            )
        )


def _set_connection(database: Database, name: str, **values: Any) -> None:
    changed = database.execute(update(t.connections).where(t.connections.c.name == name).values(**values))
    if not changed.rowcount:
        database.execute(insert(t.connections).values(**({"name": name, "certain": True} | values)))


def _open(mapping: str) -> Any:
    return (t.plans.c.mapping == mapping) & or_(t.plans.c.status == "planned", t.plans.c.status == "held")


def _stored_plan(row: Any) -> StoredPlan:
    plan = plan_from_json(row.content) if row.content else Plan(row.mapping, ())
    return StoredPlan(f"P{row.number}", row.run, row.status, plan, row.made_at)


def _stored_run(row: Any) -> StoredRun:
    report = json.loads(row.report) if row.report else {}
    return StoredRun(row.id, row.mapping, row.command, row.status, row.started_at, row.ended_at, report)


def _values_of(report: Any, key: str) -> Iterator[str]:
    """The texts that a report holds about a person."""
    if isinstance(report, list):
        for item in report:
            yield from _values_of(item, key)
    elif isinstance(report, dict):
        if report.get("key") == key:
            yield from _texts([report.get("name"), report.get("fields")])
        for value in report.values():
            yield from _values_of(value, key)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from [value] if len(value) >= LEAST_VALUE else []
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))


def _without_person(report: Any, key: str, values: Collection[str]) -> Any:
    """The report without the entries of a person, and without the messages that name something of theirs."""
    if isinstance(report, list):
        kept = [item for item in report if not (isinstance(item, dict) and item.get("key") == key)]
        return [_without_person(item, key, values) for item in kept]
    if isinstance(report, dict):
        made = {name: _without_person(value, key, values) for name, value in report.items()}
        if any(value in str(made.get(name) or "") for name in ("message", "hint") for value in values):
            made |= {"message": None, "hint": None}
        return made
    return report
