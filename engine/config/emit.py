"""PURE: how a text is written in YAML so that it is read again as exactly this text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

# Every scalar without quotes is text (dsl.md §1): only what YAML itself would take for something else needs them.
_PLAIN = re.compile(r"[\w(/+.][\w .()/+@&°$~^=-]*", re.UNICODE)
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_ENDS = ("...", "---")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def scalar(text: str) -> str:
    """A text as a YAML scalar, plain where it can be; it may stand anywhere, also between brackets."""
    plain = _PLAIN.fullmatch(text) and text == text.strip() and text not in _NOTHING
    if plain and not text.startswith(_ENDS):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def comment(text: str) -> str:
    """A text as it may stand in a comment: on one line, without signs that YAML forbids."""
    return _UNPRINTABLE.sub("?", text)


def flow_list(texts: Iterable[str]) -> str:
    """Texts as a YAML list on one line."""
    return "[" + ", ".join(map(scalar, texts)) + "]"
