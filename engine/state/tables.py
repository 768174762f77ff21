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

# Dropped files. `stamp` tells whether a file was touched, `content` is its hash once it is complete, `ran` is the
# content of the last finished run; `state` as in dsl.md §3. The path is relative to the project where it lies inside.
drops = Table(
    "drops",
    metadata,
    Column("mapping", String(100), primary_key=True),
    Column("path", String(1000), primary_key=True),
    Column("stamp", String(100), nullable=False),
    Column("modified", String(30), nullable=False),
    Column("content", String(64)),
    Column("ran", String(64)),
    Column("outcome", String(20)),
    Column("state", String(20), nullable=False),
    Column("code", String(100)),
    Column("reason", Text),
    Column("since", String(40), nullable=False),
    Column("run", String(40)),
    Column("plan", String(20)),
    Column("trigger", String(100)),
)

# Runs that wait, run or have ended. At the most one of a mapping waits: what comes meanwhile is put into it.
jobs = Table(
    "jobs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("mapping", String(100), nullable=False, index=True),
    Column("trigger", String(20), nullable=False),
    Column("trigger_id", String(100)),
    Column("path", String(1000)),
    Column("failures", Integer, nullable=False, default=0),
    Column("state", String(20), nullable=False, index=True),
    Column("due_at", String(40), nullable=False),
    Column("made_at", String(40), nullable=False),
    Column("began_at", String(40)),
    Column("ended_at", String(40)),
    Column("run", String(40)),
    Column("status", String(20)),
)

# When a schedule of a mapping was last looked after; `trigger` tells schedules apart, also when others come or go.
# How many jobs have ended whose rows are forgotten: what is counted for monitoring never falls.
totals = Table(
    "totals",
    metadata,
    Column("mapping", String(100), primary_key=True),
    Column("status", String(20), primary_key=True),
    Column("jobs", Integer, nullable=False),
)

schedules = Table(
    "schedules",
    metadata,
    Column("mapping", String(100), primary_key=True),
    Column("trigger", String(64), primary_key=True),
    Column("until", String(40), nullable=False),
)

# What was last told about a mapping: each of its aspects has a value, and people hear of changes only.
told = Table(
    "told",
    metadata,
    Column("mapping", String(100), primary_key=True),
    Column("aspect", String(20), primary_key=True),
    Column("value", String(20), nullable=False),
    Column("since", String(40), nullable=False),
)

# Processes of the engine. Whether one lives is told by its lock, not by this table.
# Notices on their way; `names` are those of configuration.yaml, never the addresses, which hold passwords.
notices = Table(
    "notices",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(20), nullable=False),
    Column("mapping", String(100), nullable=False),
    Column("alias", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("names", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_at", String(40), nullable=False),
    Column("made_at", String(40), nullable=False),
    sqlite_autoincrement=True,
)

engines = Table(
    "engines",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("pid", Integer, nullable=False),
    Column("host", String(200), nullable=False),
    Column("started_at", String(40), nullable=False),
    Column("seen_at", String(40), nullable=False),
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

# The last good version of every mapping, and of the configuration under the id "". `mark` changes with all that it was
# found good with; `texts` are the files it was read from, by their paths in the project: never one that shows a secret.
versions = Table(
    "versions",
    metadata,
    Column("mapping", String(100), primary_key=True),
    Column("file", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("mark", String(64), nullable=False),
    Column("accepted_at", String(40), nullable=False),
    Column("texts", Text, nullable=False),
)
