"""The user's own lines of YAML files, for showing what is wrong in them; never one that may hold a secret."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.config.find import CONFIGURATION, SECRETS
from engine.config.text import split

LONGEST = 500
SUSPICIOUS = ("access", "passw", "secret", "token", "kennwort", "zugriffs", "zugangs")


def reader_of_lines(root: Path | None) -> Callable[[str, int], str | None]:
    """Reads a line of a file of the project; never one that may hold a secret."""
    texts: dict[str, list[str]] = {}

    def line_of(file: str, line: int) -> str | None:
        if root is None or not file.endswith((".yaml", ".yml")) or Path(file).name == SECRETS:
            return None
        if file not in texts:
            try:
                texts[file] = split((root / file).read_text("utf-8-sig", errors="replace"))
            except OSError:
                texts[file] = []
        lines = texts[file]
        return masked(file, lines[line - 1]) if 0 < line <= len(lines) and len(lines[line - 1]) <= LONGEST else None

    return line_of


def masked(file: str, line: str) -> str:
    """A line of a file with the value of anything that looks like a secret hidden, and blanks for tabs."""
    name, colon, value = line.partition(":")
    word = name.strip().strip("-").strip().casefold()
    suspicious = any(part in word for part in SUSPICIOUS)
    suspicious = suspicious or ("schlüssel" in word and Path(file).name == CONFIGURATION)
    if colon and suspicious and value.strip() and not value.strip().startswith("!"):
        return f"{name}: …"
    return line.replace("\t", " ")
