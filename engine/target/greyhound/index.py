"""Which contact carries which key: one paged list over all contacts instead of a look-up per person.

There is no limit parameter, the server decides the size of a page; it may also cap the whole list. Where the index
can't be trusted, every key is looked up singly before anything is created.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import Any

from engine.target.greyhound import shape
from engine.target.greyhound.contact import DELETED, is_live_contact, value_of
from engine.target.greyhound.rpc import Rpc, RpcError
from engine.target.greyhound.shape import Item

ORDER_BY_CREATED = 11
LIST_VALUES = 805591041
READ_AGAIN = 3
FILTER: dict[str, Any] = {
    "Kinds": 256,
    "States": 255,
    "Priorities": 31,
    # -1, else only contacts that nothing refers to are found.
    "MinClassified": -1,
    "MaxClassified": -1,
    "NegativeFlags": DELETED,
}


class Index:
    """The keys of all contacts in one user field. It may be asked by several threads; one reads it, the others wait."""

    def __init__(self, rpc: Rpc, field: int, params: int, somebody: bool) -> None:
        self.rpc = rpc
        self.field = field
        self.params = params
        self.somebody = somebody
        """Contacts are known to be there, so a list of nobody is not believed."""
        self._ids: dict[str, set[int]] | None = None
        self._trusted = True
        self._values: dict[int, str] = {}
        self._reading = threading.Lock()

    def read(self) -> None:
        """Ask the server for all contacts, once."""
        with self._reading:
            if self._ids is None:
                self._ids = self._all()

    def find(self, key: str) -> list[int]:
        """The ids of live contacts that carry exactly this key, as it was when they were first asked for."""
        self.read()
        assert self._ids is not None
        if key not in self._ids and not self._trusted:
            self._ids[key] = set(self.look_up(key))
        return sorted(self._ids.get(key, ()))

    def look_up(self, key: str) -> list[int]:
        """Ask for one key now. Every hit is checked: a server that ignores the filter must not pass on a stranger."""
        wanted = {"FieldRef": self.field, "Compare": 0, "Combine": 0, "Value": key}
        items, _whole = self._pages(FILTER | {"UserFields": [wanted]})
        live = [item for item in items if is_live_contact(item)]
        return sorted(int(item["ID"]) for item in live if self._value(item) == key)

    def _value(self, item: Item) -> str:
        """The key of a list item; asked for once where the list does not say it."""
        listed = value_of(item, self.field, "UserValues")
        if listed:
            return listed
        contact = int(item["ID"])
        if contact not in self._values:
            whole = shape.item(self.rpc.call("RpcItems.Get", contact, False), contact)
            self._values[contact] = value_of(whole or {}, self.field) if is_live_contact(whole) else ""
        return self._values[contact]

    def _all(self) -> dict[str, set[int]]:
        for _attempt in range(READ_AGAIN):
            items, steady = self._pages(FILTER)
            if steady:
                break
        ids: dict[str, set[int]] = defaultdict(set)
        for item in items:
            value = value_of(item, self.field, "UserValues")
            if value and is_live_contact(item):
                ids[value].add(int(item["ID"]))
        # No values at all: the server does not return them, or nobody has one. Look up singly, to be sure.
        empty = not items and not self.somebody
        self._trusted = empty or (steady and bool(ids) and not self._capped(len(items)))
        return ids

    def _capped(self, count: int) -> bool:
        try:
            settings = self.rpc.call("RpcInfo.GetServerSettings") or {}
        except RpcError:
            return True
        cap = settings.get("MaxSearchResults") if isinstance(settings, dict) else None
        return isinstance(cap, int) and 0 < cap <= count

    def _pages(self, filters: dict[str, Any]) -> tuple[list[Item], bool]:
        """All items, and whether the list held still meanwhile.

        Every page begins with the last item of the one before: where it does not, somebody has deleted a contact and
        others moved up unseen, or the server turns no pages at all.
        """
        found: dict[int, Item] = {}
        page = self._page(filters, 0)
        several = len(page) > 1
        while page:
            known = len(found)
            found |= {int(item["ID"]): item for item in page}
            if len(found) == known:
                return list(found.values()), several and len(page) == 1
            last = next(reversed(found))
            page = self._page(filters, len(found) - several)
            # An empty page is the end, whoever was deleted: nobody was left to move up.
            if several and page and page[0]["ID"] != last:
                return list(found.values()), False
        return list(found.values()), True

    def _page(self, filters: dict[str, Any], offset: int) -> list[Item]:
        params = [filters, ORDER_BY_CREATED, 0, offset, LIST_VALUES, [self.field], 0, 0]
        return shape.items(self.rpc.call("RpcItems.GetList", *params[: self.params]))
