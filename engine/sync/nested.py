"""PURE: lists that stand inside of the records of a list, and how a mapping would read each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.config.emit import scalar
from engine.config.names import heading_key, proposed_name
from engine.sync.headings import Facts, Role, guess

_PLAIN_WAY = re.compile(r"[^\W\d][\w.*-]*")
_TITLES = frozenset({"name", "bezeichnung", "kurzbezeichnung", "kuerzel", "kürzel", "kurz", "titel", "title", "label"})


@dataclass(slots=True)
class Listed:
    """What the lists at one way hold: ``texts``, or records with ``keys`` (the ways inside of them).

    ``deeper`` are the ways to further lists in the records; "" where a list holds lists itself.
    """

    way: str
    texts: Facts = field(default_factory=Facts)
    keys: dict[str, Facts] = field(default_factory=dict)
    deeper: dict[str, None] = field(default_factory=dict)

    def take(self, values: list[Any]) -> None:
        """The list of one more record."""
        for value in values:
            if isinstance(value, str):
                self.texts.take(value)
            elif isinstance(value, dict):
                self._take_record(value, "")
            elif isinstance(value, list):
                self.deeper[""] = None

    def _take_record(self, record: Mapping[str, Any], before: str) -> None:
        for key, value in record.items():
            way = f"{before}{key}"
            if isinstance(value, str):
                self.keys.setdefault(way, Facts()).take(value)
            elif isinstance(value, dict):
                self._take_record(value, f"{way}.")
            elif isinstance(value, list):
                self.deeper[way] = None

    @property
    def role(self) -> Role | None:
        """What the list holds, by its own name or by the looks of its texts."""
        found = guess(self.way.rpartition(".")[2], self.texts)
        return found.role if found is not None else None

    @property
    def can_be_read(self) -> bool:
        """Whether a mapping can name all that is in it: signs with a meaning of their own stand in no key."""
        ways = [self.way, *self.keys]
        numbers = any(part.isdigit() for way in ways for part in way.split("."))
        return not numbers and "*" not in "".join(ways) and len({*map(heading_key, self.keys)}) == len(self.keys)

    def column(self) -> str:
        """What stands behind the column's name in a mapping; "" where there is nothing that could be read."""
        if not self.can_be_read:
            return ""
        if not self.keys:
            return _way(self.way) if self.texts.filled else ""
        if len(self.keys) == 1:
            return _way(f"{self.way}.*.{next(iter(self.keys))}")
        each = ", ".join(f"{name}: {_way(f'{self.way}.*.{key}')}" for name, key in self.names().items())
        return f"{{each: {{{each}}}}}"

    def names(self) -> dict[str, str]:
        """The keys of the records under the names that templates get them by."""
        names: dict[str, str] = {}
        for key in self.keys:
            name = proposed_name(key)
            names[next(one for one in (name, *(f"{name}_{n}" for n in range(2, 1000))) if one not in names)] = key
        return names

    def not_read(self) -> Iterator[str]:
        """The ways to what no column proposed here reads."""
        if not self.column():
            yield self.way
        for way in self.deeper:
            yield f"{self.way}.*.{way}" if way else f"{self.way}.*"

    def as_texts(self, name: str) -> str:
        """An expression that gives the texts of the list; of records what they are called."""
        names = self.names()
        if len(names) < 2:
            return name
        title = next((one for one, key in names.items() if key.casefold() in _TITLES), next(iter(names)))
        return f"{name} | map(attribute='{title}') | list"

    def first_number(self, name: str) -> str:
        """An expression for the first telephone number, a mobile one where that is told; "" where there are none."""
        if not self.keys:
            return f"{name} | select | first | default('')" if self.role in ("mobile", "phone") else ""
        names = self.names()
        number = next((one for one, key in names.items() if _has_numbers(self.keys[key])), None)
        if number is None:
            return ""
        if len(names) == 1:
            return f"{name} | select | first | default('')"
        kinds = ((one, _mobile_words(self.keys[key])) for one, key in names.items() if one != number)
        kind, words = next(((one, words) for one, words in kinds if words), ("", []))
        chosen = f" | selectattr('{kind}', 'in', [{', '.join(map(repr, words))}])" if words else ""
        return f"{name}{chosen} | map(attribute='{number}') | select | first | default('')"


def _has_numbers(facts: Facts) -> bool:
    return facts.mostly(facts.phones)


def _mobile_words(facts: Facts) -> list[str]:
    """The values of a column that mean a mobile number: ``mobil``, ``Handy privat``."""
    words = [word for word in facts.common or () if (found := guess(word)) is not None and found.role == "mobile"]
    return [word for word in words if re.fullmatch(r"[\w .()/-]+", word)]


def _way(text: str) -> str:
    return text if _PLAIN_WAY.fullmatch(text) else scalar(text)
