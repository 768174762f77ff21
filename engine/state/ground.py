"""Files of the state that must stay while they are used: one that is taken away goes on being written to, by nobody."""

from __future__ import annotations

from pathlib import Path


class Ground:
    """A file as it was when it was opened. Another one in its place is not the same."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._was = self._identity()

    def is_there(self) -> bool:
        """Whether the file is still where it was."""
        return self._was is not None and self._identity() == self._was

    def _identity(self) -> tuple[int, int] | None:
        try:
            stat = self._file.stat()
        except OSError:
            return None
        return stat.st_dev, stat.st_ino
