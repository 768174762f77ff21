"""Every folder beside this file is a project with one mistake, and its name says which. ``expected.txt`` is what
``abgleich check`` says about it, to the letter. ``ABGLEICH_UPDATE_GOLDEN=1`` writes them anew: read them afterwards.

``secrets.yaml`` stands here as ``secrets.yaml.in``: under its own name git would not keep it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cli.door import EXIT_FAILED, run
from engine.i18n import language, use_language

HERE = Path(__file__).parent
CASES = sorted(path.name for path in HERE.iterdir() if (path / "mappings").is_dir())
UPDATE = os.environ.get("ABGLEICH_UPDATE_GOLDEN") == "1"


@pytest.fixture(autouse=True)
def same_language() -> Iterator[None]:
    before = language()
    yield
    use_language(before)


@pytest.fixture
def said(request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    project = tmp_path / "project"
    shutil.copytree(HERE / request.param, project)
    for secrets in project.rglob("secrets.yaml.in"):
        secrets.rename(secrets.with_suffix(""))
    code = run(["--project", str(project), "check"])
    printed = capsys.readouterr()
    assert (code, printed.err) == (EXIT_FAILED, "")
    return printed.out


@pytest.mark.parametrize(("said", "case"), [(case, case) for case in CASES], indirect=["said"], ids=CASES)
def test_the_message_is_the_expected_one(said: str, case: str) -> None:
    expected = HERE / case / "expected.txt"
    if UPDATE:
        expected.write_text(said, "utf-8")
    assert said == expected.read_text("utf-8")


@pytest.mark.parametrize("said", CASES, indirect=True)
def test_one_mistake_is_one_problem_that_says_what_to_do(said: str) -> None:
    assert said.count(" error [") == 1
    assert said.count("  → ") == 1
    assert said.endswith("1 error, 0 warnings\n")


@pytest.mark.parametrize("said", CASES, indirect=True)
def test_no_password_is_shown(said: str) -> None:
    assert "3f9c0a7be2" not in said
    assert "8d1e44c09a" not in said
