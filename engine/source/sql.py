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
        name = _name(url, remote)
        engine = _engine(url, remote, self._options, name)
        try:
            with _database_errors(name, url, remote), engine.connect() as connection:
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
            again = _("Try the query in a program for databases: whom does it leave out?")
            raise nobody(_("The query gives no rows."), Location(name), again)
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
        raise _no_address(options) from None
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
        if _is_secret(url, remote):
            message = _("The database of `url` does not exist.")
        hint = _("Check its name; the path counts from the project folder.")
        raise refusal("unreadable_file", message, hint, options.at)
    return url.set(database=str(file))


def _name(url: URL, remote: Remote) -> str:
    """What people call the database: never its server, user or password, and nothing of an address that is a secret."""
    if _is_secret(url, remote):
        return _("database of `url`")
    return _("database {name}").format(name=Path(url.database or "").name or url.get_backend_name())


def _is_secret(url: URL, remote: Remote) -> bool:
    """Whether the database's own name may be part of a secret."""
    known = [secret.strip() for secret in remote.secrets if len(secret.strip()) > 2]
    return remote.url.strip() in known or any(secret in (url.database or "") for secret in known)


def _no_address(options: SourceOptions) -> Refused:
    message = _("This is no address of a database.")
    hint = _("Write for example sqlite:///verein.db or postgresql://user:password@host/db, best as !secret.")
    return refusal("bad_database_url", message, hint, options.at)


def _engine(url: URL, remote: Remote, options: SourceOptions, name: str) -> Engine:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    from sqlalchemy.pool import NullPool

    try:
        arguments = {key: max(1, int(remote.timeout)) for key in _WAITS.get(url.get_backend_name(), ())}
        return create_engine(url, poolclass=NullPool, connect_args=arguments)
    except (NoSuchModuleError, ImportError, ArgumentError):
        kind = url.get_backend_name()
        if kind not in _DRIVERS and _is_secret(url, remote):
            raise _no_address(options) from None
        message = _("{name}: the library for databases of the kind {kind} is missing.").format(name=name, kind=kind)
        hint = _("Install it beside abgleich: pip install {library}").format(library=_DRIVERS.get(kind, kind))
        raise refusal("database_driver_missing", message, hint, options.at) from None


@contextmanager
def _database_errors(name: str, url: URL, remote: Remote) -> Iterator[None]:
    """What the database says: a wrong query is refused, a server that can't be reached may be there later."""
    from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError, SQLAlchemyError

    try:
        yield
    except Refused:
        raise
    except SQLAlchemyError as error:
        # What is said of values may hold those of people.
        said = getattr(error, "orig", None) if isinstance(error, OperationalError | ProgrammingError) else None
        reason = _without_secrets(str(said or type(error).__name__), url, remote)
        broken = isinstance(error, OperationalError) and not _is_about_the_query(reason)
        if broken or (isinstance(error, DBAPIError) and error.connection_invalidated):
            if _is_secret(url, remote):
                # Drivers say where they looked, in words of their own.
                reason = _in_own_words(reason)
            message = _("{name} can't be read: {reason}").format(name=name, reason=reason)
            hint = _("Is the server running, are user and password right? It is tried again by itself by the engine.")
            raise SourceFailed(Problem("database_failed", message, hint, Location(name))) from None
        message = _("{name} refuses the query: {reason}").format(name=name, reason=reason)
        hint = _("Try the query in a program for databases, then correct it in the mapping.")
        raise refusal("query_failed", message, hint, Location(name)) from None


def _is_about_the_query(reason: str) -> bool:
    """SQLite says the same of a wrong query as of a file that it can't open."""
    return re.search(r"syntax|no such (table|column|function)|readonly|read-only|incomplete input", reason) is not None


def _in_own_words(reason: str) -> str:
    """What a driver means who could not reach a database, without any name or address."""
    words = {
        r"password|authentication|access denied|login failed": _("user or password are not right"),
        r"does not exist|unknown database|no such": _("the server has no such database or user"),
        r"translate host|resolve|name or service|nodename|getaddrinfo": _("nobody knows a server of this name"),
        r"refused|unreachable|no route": _("no server answers there"),
        r"timeout|timed out": _("it does not answer in time"),
        r"not a database|malformed": _("the file is no database, or it is damaged"),
        r"locked": _("another program has it open"),
    }
    found = (said for pattern, said in words.items() if re.search(pattern, reason, re.IGNORECASE))
    return next(found, _("the connection fails"))


def _without_secrets(text: str, url: URL, remote: Remote) -> str:
    """The first line of a message, without what must not be shown."""
    known = {remote.url, url.password, url.username, url.host}
    known |= {secret for secret in remote.secrets if len(secret) > 2}
    if _is_secret(url, remote):
        known |= {url.database, Path(url.database or "").name}
    for secret in sorted((str(secret) for secret in known if secret), key=len, reverse=True):
        text = text.replace(secret, "…") if len(secret) > 2 else re.sub(rf"\b{re.escape(secret)}\b", "…", text)
    return text.strip().split("\n")[0][:300]
