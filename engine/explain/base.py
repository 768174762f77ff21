"""What an explanation is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a problem's code means, for people.

    ``example`` is what somebody wrote, or met; ``cure`` says what to do, and ``right`` shows how it looks then, where
    that can be written down.
    """

    meaning: str
    example: str
    cure: str
    right: str = ""


Entries = dict[str, Explanation]
"""Explanations by code."""
