"""A query on a database as records: one of the two SQLAlchemy doors. Nothing can be changed through it.

The query must be a single select. It runs in a transaction that is rolled back, and where the database knows such a
thing it is told beforehand that nothing is to be written.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.i18n import _
from engine.problems import Location, Problem, Refused, SourceFailed
from engine.source.base import Remote, SourceOptions
from engine.source.records import Loaded, RecordSource, clean
from engine.source.whole import MOST_MEBIBYTES, nobody, refusal, too_large

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

READ_ONLY = {
    "sqlite": "PRAGMA query_only = ON",
    "postgresql": "SET TRANSACTION READ ONLY",
    "mysql": "SET TRANSACTION READ ONLY",
    "mariadb": "SET TRANSACTION READ ONLY",
    "oracle": "SET TRANSACTION READ ONLY",
}
"""How a database is told that nothing is to be written; others only have the rolled-back transaction."""

_WAITS = {"sqlite": ("timeout",), "postgresql": ("connect_timeout",), "mysql": ("connect_timeout",)}
"""What drivers call the seconds that a server is waited for."""
_FETCHED = 5000
_DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql", "mariadb": "pymysql", "mssql": "pyodbc", "oracle": "oracledb"}
# Strings, quoted names and comments: what is said in them is no part of the statement. Databases differ about where
# they end (a backslash in a string, what follows two dashes), so a query must be harmless whichever way it is read.
_ASIDE = (
    re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*(?!!).*?\*/", re.DOTALL),
    re.compile(r"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"\\]|\"\"|\\.)*\"|--(?=\s|$)[^\n]*|#[^\n]*|/\*(?!!).*?\*/", re.DOTALL),
)
_WRITES = re.compile(r"\b(insert|update|delete|merge|replace\s+into|into|drop|alter|create|truncate)\b", re.IGNORECASE)


class SqlSource(RecordSource):
    """What a query gives. Implements :class:`engine.source.base.Source`."""

    def _load(self) -> Loaded:
        remote = self._options.remote
        assert remote is not None
        only_select(remote.query, self._options.at)
        url = _url(remote, self._options)
        name = _("database {name}").format(name=_name(url))
        engine = _engine(url, self._options, name)
        try:
            with _database_errors(name, remote), engine.connect() as connection:
                return self._fetched(connection, remote, name)
        finally:
            engine.dispose()

    def _fetched(self, connection: Connection, remote: Remote, name: str) -> Loaded:
        statement = READ_ONLY.get(connection.dialect.name)
        if statement is not None:
            connection.exec_driver_sql(statement)
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(remote.timeout * 1000)}")
        # Without parameters, so that `:` and `%` are what they are.
        result = connection.execution_options(no_parameters=True).exec_driver_sql(remote.query)
        headings = list(result.keys())
        _no_doubles(headings, name)
        records: list[Any] = []
        found = hashlib.sha256(json.dumps(headings).encode())
        size = 0
        while rows := result.fetchmany(_FETCHED):
            for row in rows:
                values = [clean(value) for value in row]
                written = json.dumps(values, default=repr).encode()
                found.update(written)
                size += len(written)
                records.append(dict(zip(headings, values, strict=True)))
            if size > MOST_MEBIBYTES << 20:
                raise too_large(Location(name))
        connection.rollback()
        if not records:
            raise nobody(_("The query gives no rows."), Location(name))
        return Loaded(records, found.hexdigest(), datetime.now(UTC), name=name)


def only_select(query: str, at: Location) -> None:
    """Raises Refused for anything but a single query that only reads."""
    hint = _("Write one `select …` that gives the rows; nothing else is ever sent to the database.")
    for aside in _ASIDE:
        bare = aside.sub(" ", query).strip().rstrip(";").strip()
        if not re.match(r"\(*\s*(select|with)\b", bare, re.IGNORECASE):
            raise refusal("query_not_read_only", _("The query is no select."), hint, at)
        if ";" in bare:
            raise refusal("query_not_read_only", _("The query holds several statements."), hint, at)
        if word := _WRITES.search(bare):
            message = _("The query would change something: {word}.").format(word=" ".join(word[0].split()).upper())
            raise refusal("query_not_read_only", message, hint, at)


def _no_doubles(headings: Sequence[str], name: str) -> None:
    twice = [heading for heading, count in Counter(headings).items() if count > 1]
    if twice:
        message = _('The heading "{heading}" stands more than once in {place}.').format(heading=twice[0], place=name)
        hint = _("Give each column of the query a name of its own: select a.name as name, b.name as group_name.")
        raise refusal("double_heading", message, hint, Location(name))


def _url(remote: Remote, options: SourceOptions) -> URL:
    """The database's address; a path to an SQLite file counts from the project."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(remote.url)
    except (ArgumentError, ValueError):
        message = _("This is no address of a database.")
        hint = _("Write for example sqlite:///verein.db or postgresql://user:password@host/db, best as !secret.")
        raise refusal("bad_database_url", message, hint, options.at) from None
    if url.get_backend_name() == "postgresql" and url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite":
        return url
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        message = _("An SQLite database is a file.")
        raise refusal("bad_database_url", message, _("Write for example sqlite:///verein.db"), options.at)
    file = remote.root / url.database
    if not file.is_file():
        # SQLite would make an empty one.
        message = _("The database {file} does not exist.").format(file=url.database)
        hint = _("Check its name; the path counts from the project folder.")
        raise refusal("unreadable_file", message, hint, options.at)
    return url.set(database=str(file))


def _name(url: URL) -> str:
    """What people call the database: never its server, user or password."""
    return Path(url.database or "").name or url.get_backend_name()


def _engine(url: URL, options: SourceOptions, name: str) -> Engine:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    from sqlalchemy.pool import NullPool

    timeout = options.remote.timeout if options.remote is not None else 60.0
    try:
        arguments = {key: max(1, int(timeout)) for key in _WAITS.get(url.get_backend_name(), ())}
        return create_engine(url, poolclass=NullPool, connect_args=arguments)
    except (NoSuchModuleError, ImportError, ArgumentError):
        kind = url.get_backend_name()
        message = _("{name}: the library for databases of the kind {kind} is missing.").format(name=name, kind=kind)
        hint = _("Install it beside abgleich: pip install {library}").format(library=_DRIVERS.get(kind, kind))
        raise refusal("database_driver_missing", message, hint, options.at) from None


@contextmanager
def _database_errors(name: str, remote: Remote) -> Iterator[None]:
    """What the database says: a wrong query is refused, a server that can't be reached may be there later."""
    from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError, SQLAlchemyError

    try:
        yield
    except Refused:
        raise
    except SQLAlchemyError as error:
        # What is said of values may hold those of people.
        said = getattr(error, "orig", None) if isinstance(error, OperationalError | ProgrammingError) else None
        reason = _without_secrets(str(said or type(error).__name__), remote)
        broken = isinstance(error, OperationalError) and not _is_about_the_query(reason)
        if broken or (isinstance(error, DBAPIError) and error.connection_invalidated):
            message = _("{name} can't be read: {reason}").format(name=name, reason=reason)
            hint = _("Is the server running, are user and password right? It is tried again by itself by the engine.")
            raise SourceFailed(Problem("database_failed", message, hint, Location(name))) from None
        message = _("{name} refuses the query: {reason}").format(name=name, reason=reason)
        hint = _("Try the query in a program for databases, then correct it in the mapping.")
        raise refusal("query_failed", message, hint, Location(name)) from None


def _is_about_the_query(reason: str) -> bool:
    """SQLite says the same of a wrong query as of a file that it can't open."""
    return re.search(r"syntax|no such (table|column|function)|readonly|read-only|incomplete input", reason) is not None


def _without_secrets(text: str, remote: Remote) -> str:
    """The first line of a message, without what must not be shown."""
    from sqlalchemy import make_url

    url = make_url(remote.url)
    known = {remote.url, url.password or "", url.username or "", url.host or "", *remote.secrets}
    for secret in sorted((secret for secret in known if len(str(secret)) > 2), key=len, reverse=True):
        text = text.replace(str(secret), "…")
    return text.strip().split("\n")[0][:300]
