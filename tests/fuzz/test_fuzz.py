"""A few of what ``make fuzz`` tries twenty thousand of."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.harness import attempt, trials
from tests.fuzz.lists import FORMATS
from tests.fuzz.mappings import Mappings

FEW = 120


@pytest.mark.parametrize("index", range(2 + len(FORMATS)))
def test_nothing_raises_or_hangs_and_everything_has_its_place(tmp_path: Path, index: int) -> None:
    trial = trials(tmp_path)[index]
    result = attempt(trial, range(0, FEW, trial.share))
    assert result.failed == []
    assert result.tried == FEW // trial.share


def test_the_same_number_is_the_same_file(tmp_path: Path) -> None:
    trial = Mappings(tmp_path)
    found = []
    for number in (7, 8, 7):
        trial.write(number)
        found.append({path.name: path.read_bytes() for path in trial.root.rglob("*.yaml")})
    assert found[0] == found[2] != found[1]


def test_the_harness_tells_what_raises(tmp_path: Path) -> None:
    class Broken:
        name = "broken"
        share = 1

        def write(self, number: int) -> None:
            pass

        def look(self, number: int) -> None:
            assert number != 3

    result = attempt(Broken(), range(5))
    assert [number for number, _reason in result.failed] == [3]
    assert "AssertionError" in result.failed[0][1]
