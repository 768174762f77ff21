"""Names in templates: which words they keep for themselves, and how a heading becomes a name (dsl.md §3)."""

from __future__ import annotations

import keyword
import re
from unicodedata import normalize

from engine.i18n import language

_TEMPLATE_WORDS = ("true", "false", "none", "recursive", "loop", "self", "super", "varargs", "kwargs", "caller")
_TEMPLATE_NAMES = ("row", "rows", "source", "trigger", "now", "today", "first_of")
RESERVED_NAMES = frozenset((*keyword.kwlist, *_TEMPLATE_WORDS, *_TEMPLATE_NAMES))
"""Literals and keywords of Jinja and Python, and what templates find under these names already."""

WORD = re.compile(r"[^\W\d]\w*")
"""A name, as far as its letters go."""

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_BLANKS = str.maketrans({"\u00a0": " ", "\u2007": " ", "\u202f": " ", "\ufeff": None, "\u200b": None, "\u2060": None})


def name_of(heading: str) -> str:
    """The template name of a heading: what can't stand in a name becomes ``_``; "" for an empty heading."""
    name = "".join(char if _stays(char) else "_" for char in clean_heading(heading))
    return f"_{name}" if name and (not name.isidentifier() or name in RESERVED_NAMES) else name


def is_name(word: str) -> bool:
    """Whether a column or a variable can have this name."""
    return WORD.fullmatch(word) is not None and word not in RESERVED_NAMES


def proposed_name(heading: str) -> str:
    """A name for the column with this heading: its own words in small letters; of ``attributes.vorname`` the last."""
    part = heading.rpartition(".")[2] if re.fullmatch(r"[\w\[\]]+(?:\.[\w\[\]]+)+", heading) else heading
    plain = normalize("NFKC", name_of(part.translate(_UMLAUTS)).casefold())
    name = re.sub(r"[\W_]+", "_", plain).strip("_")
    if not WORD.fullmatch(name):
        name = f"spalte_{name}".strip("_") if language() == "de" else f"column_{name}".strip("_")
    return f"{name}_" if name in RESERVED_NAMES else name


def _stays(char: str) -> bool:
    """Whether templates take it in a name: of marks that stand upon letters Jinja knows only some."""
    return char == "_" or (char.isalnum() and f"a{char}".isidentifier())


def clean_heading(heading: str) -> str:
    """The heading without BOM and outer blanks, with plain blanks, in NFC."""
    return normalize("NFC", heading.translate(_BLANKS).strip())


def heading_key(heading: str) -> str:
    """What two headings are compared by."""
    return clean_heading(heading).casefold()
