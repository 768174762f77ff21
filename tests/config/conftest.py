"""A project folder to write into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.i18n import language, use_language
from tests.config.folder import Folder


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    before = language()
    use_language("en")
    yield
    use_language(before)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "project")
