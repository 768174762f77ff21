"""What all tests share: a world of its own for each, without waiting."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, settings

from engine.i18n import language, use_language
from tests import postgresql as pg
from tests.world import World

# The same examples in every automatic check; others on every developer's machine, where a find can be looked into.
# Nothing fails because a machine is slow.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("here", UNHURRIED)
settings.register_profile("ci", UNHURRIED, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that commands asked for; nobody waits for them."""
    asked: list[float] = []
    monkeypatch.setattr("engine.cli.common.time", SimpleNamespace(sleep=asked.append))
    return asked


@pytest.fixture
def world(tmp_path: Path, pauses: list[float]) -> Iterator[World]:
    """A project with one FE2 connection; whatever a test did, the stand-ins saw no breach of the vendors' rules."""
    before = language()
    with ExitStack() as stack:
        made = World(tmp_path / "project", stack)
        yield made
        assert made.fe2.breaches == []
    use_language(before)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """One private server for all tests of a process."""
    if not pg.is_there():
        pytest.skip("no PostgreSQL on this machine")
    with pg.server() as address:
        yield address


@pytest.fixture
def postgresql(postgresql_server: str) -> str:
    """A database of the test's own; its address as it stands in configuration.yaml."""
    import psycopg

    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(f"{postgresql_server}/postgres", autocommit=True) as database:
        database.execute(f"CREATE DATABASE {name}".encode())
    return f"{postgresql_server}/{name}"
