"""Every folder beside this file is a project with one mistake, and its name says which. ``expected.txt`` is what
``abgleich check`` says about it, to the letter, ``expected.de.txt`` the same in German. ``ABGLEICH_UPDATE_GOLDEN=1``
writes them anew: read them afterwards.

``secrets.yaml`` stands here as ``secrets.yaml.in``: under its own name git would not keep it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cli.door import EXIT_FAILED, EXIT_OK, run
from engine.i18n import language, use_language

HERE = Path(__file__).parent
CASES = sorted(path.name for path in HERE.iterdir() if (path / "mappings").is_dir())
LANGUAGES = {"en": "expected.txt", "de": "expected.de.txt"}
UPDATE = os.environ.get("ABGLEICH_UPDATE_GOLDEN") == "1"

SAID: dict[tuple[str, str], str] = {}

PROBLEM = re.compile(r"^  \w+ \[([a-z0-9_]+)\] ", re.MULTILINE)


@pytest.fixture(autouse=True)
def same_language() -> Iterator[None]:
    before = language()
    yield
    use_language(before)


@pytest.fixture(params=LANGUAGES)
def spoken(request: pytest.FixtureRequest) -> str:
    """A language."""
    return str(request.param)


@pytest.fixture
def said(request: pytest.FixtureRequest, spoken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What ``check`` says of a case, asked once for all tests."""
    if (request.param, spoken) not in SAID:
        SAID[request.param, spoken] = _said(HERE / request.param, spoken, tmp_path, capsys)
    return SAID[request.param, spoken]


def _said(case: Path, spoken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    project = tmp_path / "project"
    shutil.copytree(case, project)
    for secrets in project.rglob("secrets.yaml.in"):
        secrets.rename(secrets.with_suffix(""))
    configuration = project / "mappings" / "configuration.yaml"
    text = configuration.read_bytes()
    configuration.write_bytes(text.replace(b"language: en", b"language: " + spoken.encode()))
    code = run(["--project", str(project), "check"])
    printed = capsys.readouterr()
    wrong = " error [" in printed.out or " Fehler [" in printed.out
    assert (code, printed.err) == (EXIT_FAILED if wrong else EXIT_OK, "")
    return printed.out


@pytest.mark.parametrize(("said", "case"), [(case, case) for case in CASES], indirect=["said"], ids=CASES)
def test_the_message_is_the_expected_one(said: str, case: str, spoken: str) -> None:
    expected = HERE / case / LANGUAGES[spoken]
    if UPDATE:
        expected.write_text(said, "utf-8", newline="\n")
    assert said == expected.read_text("utf-8")


@pytest.mark.parametrize("said", CASES, indirect=True)
def test_one_mistake_is_one_problem_that_says_what_to_do(said: str) -> None:
    assert len(PROBLEM.findall(said)) == 1
    assert said.count("  → ") == 1
    assert re.search(
        r"^(1 error, 0 warnings|0 errors, 1 warning|1 Fehler, 0 Warnungen|0 Fehler, 1 Warnung)$", said, re.M
    )


@pytest.mark.parametrize("said", CASES, indirect=True)
def test_first_it_says_what_does_not_happen(said: str) -> None:
    if " error [" in said:
        assert said.startswith(("The mapping ", "The mappings ", "Nothing runs with these settings."))


@pytest.mark.parametrize("said", CASES, indirect=True)
def test_no_password_is_shown(said: str) -> None:
    assert "3f9c0a7be2" not in said
    assert "8d1e44c09a" not in said
