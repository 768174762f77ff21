"""What people read of a run."""

from __future__ import annotations

from typing import Any

from engine.problems import Problem
from engine.report import MAX_ALIKE, run_lines


def report(*problems: Problem) -> dict[str, Any]:
    return {"mapping": "personal", "status": "partial", "problems": [problem.as_json() for problem in problems]}


def text(found: dict[str, Any], most: int | None) -> str:
    return "\n".join(line for _style, line in run_lines(found, most))


def test_many_persons_with_the_same_problem_leave_room_for_the_others() -> None:
    alike = [Problem("contact_locked", f"contact {number}.", "wait") for number in range(MAX_ALIKE + 5)]
    shown = text(report(*alike, Problem("other", "something else")), 40)
    assert shown.count("[contact_locked]") == MAX_ALIKE + 1
    assert "… and 5 more of the kind [contact_locked]" in shown
    assert "something else" in shown


def test_a_run_in_full_shows_every_problem() -> None:
    alike = [Problem("contact_locked", f"contact {number}.", "wait") for number in range(MAX_ALIKE + 5)]
    shown = text(report(*alike), None)
    assert all(f"contact {number}." in shown for number in range(MAX_ALIKE + 5))
    assert "more of the kind" not in shown
