"""Where the state lives: opening SQLite or PostgreSQL so that every transaction is alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from engine.config.values import POSTGRESQL
from engine.i18n import _
from engine.problems import Problem, UserMustFix

FILE = "state.sqlite"
MOST_SESSIONS = 40
"""More than the pool keeps: locks have sessions of their own."""
ONE_AT_A_TIME = 0x616267_6C656963
"""Names the lock that every transaction on PostgreSQL takes."""


def sqlite(folder: Path) -> Any:
    """The state of a project in its own folder; nobody else can read it."""
    path = folder / FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise unusable(error) from None
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        # The driver would begin a transaction late and read before it: two programs could both see the old state.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout=30000")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def server(database: str) -> Any:
    """The state on a server, or wherever the address leads. Raises :class:`UserMustFix` where it can't be used."""
    try:
        pool = {"max_overflow": MOST_SESSIONS} if is_postgresql(database) else {}
        engine = create_engine(server_url(database), pool_pre_ping=True, **pool)
    except (SQLAlchemyError, ImportError, ValueError):
        message = _("The database in configuration.yaml can't be used.")
        hint = _("Write sqlite, or postgresql://user@host/db with the package psycopg installed: {command}")
        command = "pip install abgleich[postgresql]"
        raise UserMustFix(Problem("database_unusable", message, hint.format(command=command))) from None

    if not is_postgresql(database):
        return engine

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # One at a time, as with SQLite: what is read in a transaction is still so when it writes.
        if connection.get_isolation_level() != "AUTOCOMMIT":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})")

    return engine


def is_postgresql(database: str) -> bool:
    """Whether programs on several machines may share it."""
    return server_url(database).startswith("postgresql+")


def server_url(database: str) -> str:
    """The address of a database with the driver that we use."""
    scheme, found, rest = database.partition("://")
    return f"postgresql+psycopg://{rest}" if found and scheme in POSTGRESQL else database


def unusable(error: Exception) -> UserMustFix:
    """Why the state can't be used, and what to look at."""
    reason = getattr(error, "strerror", None) or str(getattr(error, "orig", "") or type(error).__name__)
    message = _("The state can't be read or written: {reason}").format(reason=reason)
    hint = _("Check the folder .abgleich: free space, permissions, another program.")
    return UserMustFix(Problem("state_unusable", message, hint))
