"""Engines killed at random moments lose nothing and do nothing twice. `make kill` kills many more."""

from __future__ import annotations

import random
from pathlib import Path

from tests.service.kills import slaughter


def test_an_engine_that_is_killed_again_and_again_finishes_every_drop(tmp_path: Path) -> None:
    outcome = slaughter(8, tmp_path / "project", random.Random(20261123))
    assert outcome.faults == []


def test_workers_that_are_killed_are_replaced_by_the_others(tmp_path: Path, postgresql: str) -> None:
    outcome = slaughter(6, tmp_path / "project", random.Random(4711), postgresql)
    assert outcome.faults == []
