"""The state's tables. Times are text in ISO 8601, UTC; values of people are JSON text."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, MetaData, String, Table, Text

SCHEMA_VERSION = 1

metadata = MetaData()

meta = Table("meta", metadata, Column("name", String(50), primary_key=True), Column("value", Text, nullable=False))

# One row per person and action: what was last sent. `remote` is the id over there.
sent = Table(
    "sent",
    metadata,
    Column("connection", String(100), primary_key=True),
    Column("mapping", String(100), primary_key=True),
    Column("action", String(100), primary_key=True),
    Column("key", String(500), primary_key=True),
    Column("remote", String(500)),
    Column("record", Text, nullable=False),
    Column("sent_at", String(40), nullable=False),
    Index("sent_remote", "connection", "remote"),
)

# Writes that were begun one person at a time and are not confirmed: `record` is what was meant to be there, or to go.
intents = Table(
    "intents",
    metadata,
    Column("connection", String(100), primary_key=True),
    Column("mapping", String(100), primary_key=True),
    Column("action", String(100), primary_key=True),
    Column("key", String(500), primary_key=True),
    Column("record", Text, nullable=False),
)

# Ids that a row claimed although they belong to somebody else: the other side must hear of it, too.
claims = Table(
    "claims",
    metadata,
    Column("connection", String(100), primary_key=True),
    Column("remote", String(500), primary_key=True),
    Column("mapping", String(100), primary_key=True),
    Column("action", String(100), primary_key=True),
    Column("key", String(500), nullable=False),
)

# `certain` is false from before a write until its clear success, which was at the address `place`.
connections = Table(
    "connections",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("client_id", String(64)),
    Column("certain", Boolean, nullable=False, default=True),
    Column("last_success", String(40)),
    Column("place", Text),
)

mappings = Table(
    "mappings",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("good_rows", Integer),
    Column("good_run", String(40)),
    Column("good_at", String(40)),
)

plans = Table(
    "plans",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("mapping", String(100), nullable=False, index=True),
    Column("run", String(40), nullable=False),
    Column("status", String(20), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("content", Text, nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("ended_at", String(40)),
    # A number is never given twice: somebody may still hold it in their hands.
    sqlite_autoincrement=True,
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("day", String(10), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("mapping", String(100), nullable=False, index=True),
    Column("command", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    Column("started_at", String(40), nullable=False),
    Column("ended_at", String(40)),
    Column("people", Boolean, nullable=False, default=True),
    Column("report", Text),
)
