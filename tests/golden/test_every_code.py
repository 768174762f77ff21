"""Every code is met somewhere: what ``check`` says in a project of this folder, what a run says in a preview of
``tests/golden_runs`` or in another test.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.codes import codes_of
from tests.golden.test_golden import CASES, HERE, LANGUAGES, PROBLEM
from tests.golden_runs.test_golden_runs import CODE as SAID
from tests.golden_runs.test_golden_runs import HERE as RUNS

TESTS = HERE.parent
APART = ("test_explain.py", "test_every_code.py", "codes.py")

CHECKED = ("engine/config/", "engine/template/check.py", "engine/sync/script.py", "engine/target/fe2/server.py")
"""Where the codes come from that ``check`` can say."""
NOT_IN_A_FOLDER = {
    "no_configuration": "without the file there is no project to be checked",
    "file_unreadable": "root reads everything, and git keeps no permissions",
    "file_too_large": "git shall not keep a file of half a MiB",
    "value_invalid": "no value is known that pydantic refuses with words of its own",
}
CODE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


def shown() -> set[str]:
    """The codes in the messages of this folder."""
    return {code for case in CASES for code in PROBLEM.findall((HERE / case / "expected.txt").read_text("utf-8"))}


def shown_by_previews() -> set[str]:
    """The codes in what previews say."""
    return {code for file in RUNS.glob("*/expected.txt") for code in SAID.findall(file.read_text("utf-8"))}


def asserted() -> set[str]:
    """The codes that tests name, in the source and in the texts they compare with."""
    found: set[str] = set()
    for path in TESTS.rglob("*.py"):
        if path.name not in APART:
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
                    found |= set(re.findall(r"\[([a-z0-9_]+)\]", node.value))
    return {word for word in found if CODE.fullmatch(word)}


def test_everything_that_check_can_say_has_a_project_here() -> None:
    said = {code for code, places in codes_of().used.items() if any(place.startswith(CHECKED) for place in places)}
    assert sorted(said - shown() - NOT_IN_A_FOLDER.keys()) == []


def test_every_other_code_is_named_by_a_test() -> None:
    assert sorted(codes_of().used.keys() - shown() - shown_by_previews() - asserted()) == []


def test_every_case_is_there_in_both_languages() -> None:
    assert [case for case in CASES if not all((HERE / case / file).is_file() for file in LANGUAGES.values())] == []


def test_both_languages_have_the_same_places_and_codes() -> None:
    def facts(case: str, file: str) -> list[str]:
        text = Path(HERE / case / file).read_text("utf-8")
        return re.findall(r"^\S+:\d+:\d+$", text, re.MULTILINE) + PROBLEM.findall(text)

    assert [case for case in CASES if facts(case, "expected.txt") != facts(case, "expected.de.txt")] == []
