"""What all tests share: a world of its own for each, without waiting."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import settings

from engine.i18n import language, use_language
from tests.world import World

# The same examples in every automatic check; others on every developer's machine, where a find can be looked into.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


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
