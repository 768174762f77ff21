"""What every problem's code means, with an example and the cure: one module per area, each a table by code.

A test holds the tables against the codes that the source names: none is missing, none is left over.
"""

from __future__ import annotations

from engine.explain import fe2, formats, greyhound, mapping, program, rows, run, source, syntax, template
from engine.explain.base import Entries

AREAS = (syntax, mapping, template, rows, source, formats, run, fe2, greyhound, program)


def explanations() -> Entries:
    """All explanations in the language in use, by code in alphabetical order."""
    found: Entries = {}
    for area in AREAS:
        found |= area.entries()
    return dict(sorted(found.items()))
