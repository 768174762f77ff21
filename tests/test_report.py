"""What people read of a run."""

from __future__ import annotations

from typing import Any

from engine import report as shown_as
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


def unmet(expected: Any, got: Any) -> str:
    difference = {"action": "fe2.sync", "field": "f", "expected": expected, "got": got, "message": None}
    found = {"mapping": "personal", "name": "eins", "ok": False, "differences": [difference]}
    return "\n".join(
        line for _style, line in shown_as.test_lines({"ok": False, "passed": 0, "failed": 1, "tests": [found]})
    )


def test_a_field_that_differs_shows_both_below_each_other() -> None:
    assert "fe2.sync.f:\n      expected: “a”\n      got:      “b”" in unmet("a", "b")
    assert "      expected: “a”\n      got:      nothing" in unmet("a", "")


def test_of_lists_is_shown_what_is_missing_and_what_is_too_much() -> None:
    assert "fe2.sync.f:\n      missing: “b”\n      too much: “c”, “d”" in unmet(["a", "b"], ["a", "c", "d"])
    assert "another order: expected “a”, “b”" in unmet(["a", "b"], ["b", "a"])
    assert "expected: “a”\n      got:      nothing" in unmet(["a"], [])


def test_of_entries_only_the_keys_that_differ_are_shown() -> None:
    shown = unmet([{"Text": "a"}, {"Text": "b"}], [{"Text": "a", "Kind": 0}, {"Text": "c", "Kind": 4}])
    assert "fe2.sync.f[2].Text:\n      expected: “b”\n      got:      “c”" in shown
    assert "f[1]" not in shown
    assert "f: 1 entries expected, 2 are there" in unmet([{"Text": "a"}], [{"Text": "a"}, {"Text": "b"}])
