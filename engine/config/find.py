"""Where a project is. Kept apart from loading it: the command line needs no more to know its language."""

from __future__ import annotations

from pathlib import Path

CONFIGURATION = "configuration.yaml"
FOLDER = "mappings"
SECRETS = "secrets.yaml"
STATE_FOLDER = ".abgleich"


def find_project(start: Path) -> Path | None:
    """The nearest folder from ``start`` upwards that holds ``mappings/configuration.yaml``."""
    for folder in [start, *start.parents]:
        if (folder / FOLDER / CONFIGURATION).is_file():
            return folder
    return None
