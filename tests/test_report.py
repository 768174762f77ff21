"""What people read of a run."""

from __future__ import annotations

from typing import Any

from engine.i18n import LANGUAGES, language, use_language
from engine.problems import Problem
from engine.report import previews
from engine.report.runs import MAX_ALIKE, run_lines, runs_lines


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
        line for _style, line in previews.test_lines({"ok": False, "passed": 0, "failed": 1, "tests": [found]})
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
    assert "f: 1 entry expected, 2 there" in unmet([{"Text": "a"}], [{"Text": "a"}, {"Text": "b"}])


def change(kind: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "key": "1", "name": "Max", "fields": {}} | more


def of_changes(*changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    names = ("created", "updated", "removed", "unchanged", "rejected", "held", "failed")
    action = {"id": "fe2.sync", "connection": "fe2", "status": "done", "changes": list(changes)}
    return report() | {"actions": [action | dict.fromkeys(names, 0)]} | more


def test_below_the_changes_stands_what_their_signs_mean_and_no_others() -> None:
    assert "\n  Signs: + new\n" in text(of_changes(change("created")), 40)
    both = of_changes(change("removed", held=True), change("updated", failed=True, fields={"mobil": ["1", ""]}))
    assert "  !- 1 Max\n  x~ 1 Max  mobil: 1 → –\n" in text(both, 40)
    assert "\n  Signs: ~ changed, - removed, ! held, x failed, – empty\n" in text(both, 40)
    assert "Signs" not in text(of_changes(), 40)


def test_all_signs_fit_into_80_columns_in_both_languages() -> None:
    every = [change(kind, held=True) for kind in ("created", "updated", "removed")]
    every += [change("updated", failed=True, fields={"mobil": ["1", ""]})]
    before = language()
    try:
        for one in LANGUAGES:
            use_language(one)
            (line,) = [line for line in text(of_changes(*every), 40).splitlines() if "+ " in line and ", " in line]
            assert len(line) <= 80
    finally:
        use_language(before)


def test_what_is_cut_is_counted_and_says_how_to_see_it() -> None:
    many = of_changes(*[change("created")] * 45, run="2026-11-22-3")
    assert "  … and 5 more changes: `abgleich show 2026-11-22-3` lists them all\n" in text(many, 40)
    entry = {"action": "fe2.sync", "field": "mobil", "code": "phone", "key": "1", "line": 2, "message": "no."}
    rejected = of_changes(rejected=[entry] * 8, run="2026-11-22-3")
    assert "… and 3 more for this reason: `abgleich show 2026-11-22-3` lists them all" in text(rejected, 40)
    # A plan that is not on record can't be looked up.
    assert "abgleich show" not in text(of_changes(*[change("created")] * 45), 40)


def a_run(number: int, mapping: str = "personal", **counts: int) -> dict[str, Any]:
    every = dict.fromkeys(("created", "updated", "removed", "unchanged", "rejected", "held", "failed"), 0)
    day = "2026-11-22"
    return {"run": f"{day}-{number}", "started": f"{day} 03:00", "mapping": mapping, "status": "held"} | {
        "counts": every | counts
    }


def test_runs_fit_into_80_columns_and_their_signs_are_explained() -> None:
    shown = [*runs_lines([a_run(112, created=12, updated=345, removed=3, held=2), a_run(3)])]
    lines = [line for _style, line in shown]
    assert lines[0] == "2026-11-22-112  03:00  personal  +12 ~345 -3 !2  held: waits for an approval"
    assert lines[1].startswith("2026-11-22-3    03:00  personal                  held")
    assert lines[2] == "  Signs: + new, ~ changed, - removed, ! held"
    assert max(map(len, lines)) <= 80


def test_a_run_that_began_on_another_day_than_its_number_says_so() -> None:
    shown = [*runs_lines([a_run(1) | {"started": "2026-11-21 23:59"}])]
    assert "2026-11-21 23:59" in shown[0][1]


def test_runs_that_are_not_shown_are_counted() -> None:
    assert [*runs_lines([a_run(2)], 1)][-1][1] == "  … and 1 older run: abgleich runs --limit 2"
    of_one = [*runs_lines([a_run(2)], 5, "personal")][-1][1]
    assert of_one == "  … and 5 older runs: abgleich runs personal --limit 6"
