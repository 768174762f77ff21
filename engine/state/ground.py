"""Files of the state that must stay while they are used: one that is taken away goes on being written to, by nobody."""

from __future__ import annotations

from pathlib import Path


class Ground:
    """A file as it was when it was opened. Another one in its place is not the same."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._was = self._number()

    def is_there(self) -> bool:
        """Whether the file is still where it was. Where the system can't tell just now, it is."""
        try:
            number = self._number()
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return 0 in (number, self._was) or number == self._was

    def _number(self) -> int:
        """What the system tells files apart by; 0 where it has nothing."""
        return self._file.stat().st_ino
