"""PURE: letters and signs for streams that don't know them all, as a German Windows' code page does not know ✓ or ı."""

from __future__ import annotations

import codecs
import unicodedata
from typing import TextIO

READABLE = "abgleich-readable"
"""The name of this way of dealing with what can't be encoded, for :func:`codecs.register_error`."""

SIGNS = {
    "→": "->",
    "−": "-",
    "–": "-",
    "—": "-",
    "…": "...",
    "·": "|",
    "✓": "ok",
    "✗": "x",
    "“": '"',
    "”": '"',
    "„": '"',
    "’": "'",
    "ß": "ss",
    "ı": "i",
    "ø": "o",
    "ł": "l",
    "đ": "d",
}


def readable(error: UnicodeError) -> tuple[str, int]:
    """What stands for the letters that could not be encoded, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_near, error.object[error.start : error.end])), error.end


def _near(sign: str) -> str:
    plain = SIGNS.get(sign) or SIGNS.get(sign.lower(), "")
    if not plain:
        bare = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode("ascii")
        return bare or "?"
    return plain.upper() if sign != sign.lower() else plain


def takes_all_letters(stream: TextIO) -> bool:
    """Whether a stream can hold any text; one without an encoding is in memory."""
    encoding = getattr(stream, "encoding", None)
    return encoding is None or codecs.lookup(encoding).name.startswith("utf")
