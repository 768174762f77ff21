"""Every folder beside this file is a list, or a mapping, that is right until its rows are seen. ``expected.txt`` is
what ``abgleich preview`` says about it, ``expected.de.txt`` the same in German. ``ABGLEICH_UPDATE_GOLDEN=1`` writes
them anew: read them afterwards. All use the one ``configuration.yaml`` that lies here.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cli.door import run
from engine.config.load import load
from engine.i18n import language, use_language
from engine.sync.script import problems_of

HERE = Path(__file__).parent
CASES = sorted(path.name for path in HERE.iterdir() if (path / "mappings").is_dir())
LANGUAGES = {"en": "expected.txt", "de": "expected.de.txt"}
UPDATE = os.environ.get("ABGLEICH_UPDATE_GOLDEN") == "1"
CODE = re.compile(r"^  (?:\w+ )?\[([a-z0-9_]+)\] ", re.MULTILINE)


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
def project(request: pytest.FixtureRequest, spoken: str, tmp_path: Path) -> Path:
    root = tmp_path / "project"
    shutil.copytree(HERE / request.param, root)
    text = (HERE / "configuration.yaml").read_text("utf-8").replace("language: en", f"language: {spoken}")
    (root / "mappings" / "configuration.yaml").write_text(text, "utf-8")
    for file in (root / "inbox").glob("*"):
        os.utime(file, (1_000_000_000, 1_000_000_000))  # it has rested
    return root


@pytest.mark.parametrize(("project", "case"), [(case, case) for case in CASES], indirect=["project"], ids=CASES)
def test_what_is_said_is_the_expected(
    project: Path, case: str, spoken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert problems_of(load(project)) == [], "what check can see belongs to tests/golden"
    run(["--project", str(project), "preview", "personal"])
    said = capsys.readouterr().out.replace(f"{project.resolve()}{os.sep}", "").replace(f"inbox{os.sep}", "inbox/")
    expected = HERE / case / LANGUAGES[spoken]
    if UPDATE:
        expected.write_text(said, "utf-8", newline="\n")
    assert said == expected.read_text("utf-8")
    assert CODE.search(said)
    assert "  → " in said
