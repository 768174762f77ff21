"""Every target keeps the contract, over its strict stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.config.schema import Connection, Fe2Connection, GreyhoundConnection
from engine.simulator import Fe2Simulator, GreyhoundSimulator
from engine.target.base import Target
from engine.target.fe2.sync import Fe2Sync
from engine.target.greyhound.sync import GreyhoundSync
from engine.target.memory import MemorySync
from tests.target.contract import Contract, Side
from tests.target.helpers import World, action


class MemorySide(Side):
    removal = "delete"

    def __init__(self, folder: Path) -> None:
        connection = Connection.model_validate({"type": "memory", "url": "http://memory"})
        self.world = World.made(MemorySync, connection, action("memory.sync"), folder)
        self.memory = MemorySync(self.world.model, connection)
        self.world.target = lambda: self.memory  # type: ignore[method-assign]

    def values(self, name: str) -> dict[str, Any]:
        return {"name": name, "groups": ["Zug 1"]}

    def people(self) -> dict[str, str]:
        assert all(record["groups"] == ["Zug 1"] for record in self.memory.people.values())
        return {key: record["name"] for key, record in self.memory.people.items()}

    def writes(self) -> int:
        return self.memory.writes


class Fe2Side(Side):
    def __init__(self, folder: Path, server: Fe2Simulator, removal: str) -> None:
        self.removal = removal
        self.server = server
        connection = Fe2Connection.model_validate({"type": "fe2", "url": server.url, "access_key": "key"})
        self.world = World.made(Fe2Sync, connection, action("fe2.sync"), folder)

    def values(self, name: str) -> dict[str, Any]:
        return {"externalDbId": "", "firstName": name, "alarmGroups": ["Zug 1"], "mobil": "0049151123456"}

    def people(self) -> dict[str, str]:
        for person in self.server.persons.values():
            assert (person["alarmGroups"], person["mobil"]) == (["Zug 1"], "0049151123456")
        return {key: person["firstName"] for key, person in self.server.persons.items()}

    def writes(self) -> int:
        return len(self.server.requests)

    def breaches(self) -> list[str]:
        return self.server.breaches


class _KeyedFe2(Fe2Sync):
    """The mapping says ``externalDbId: "{{ key }}"``."""

    def record(self, key: str, values: Any) -> Any:
        return super().record(key, {**values, "externalDbId": key})


class GreyhoundSide(Side):
    def __init__(self, folder: Path, server: GreyhoundSimulator, removal: str, at_once: int) -> None:
        self.removal = removal
        self.server = server
        keys = {"type": "greyhound", "url": server.url, "username": "api", "password": "secret"}
        connection = GreyhoundConnection.model_validate(keys | {"requests_at_once": at_once})
        model = action("greyhound.sync", match={"user_field": "6"})
        self.world = World.made(GreyhoundSync, connection, model, folder)

    def values(self, name: str) -> dict[str, Any]:
        links = [{"Kind": 4, "Category": 1, "Preferred": True, "Text": "0049151123456"}]
        return {"GroupRef": 1, "Subject": name, "Lastname": name, "ComLinks": links}

    def people(self) -> dict[str, str]:
        live = [item for item in self.server.contacts.values() if not item.get("Flags", 0) & 2]
        found = {}
        for item in live:
            contact = item["Properties"]["Contact"]
            (link,) = contact["ComLinks"]
            assert (link["Text"], contact["Lastname"]) == ("<0049151123456>", item["Subject"])
            found[{entry["FieldRef"]: entry["Value"] for entry in item["UserFields"]}[6]] = item["Subject"]
        assert len(found) == len(live)
        return found

    def writes(self) -> int:
        return self.server.writes

    def breaches(self) -> list[str]:
        assert self.server.locks == {}
        return self.server.breaches


class TestMemory(Contract):
    @pytest.fixture
    def opened(self, tmp_path: Path) -> Iterator[Side]:
        yield MemorySide(tmp_path)


class TestFe2(Contract):
    removal = "sync"

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Iterator[Side]:
        with Fe2Simulator() as server:
            side = Fe2Side(tmp_path, server, self.removal)
            side.world.kind = _KeyedFe2
            yield side


class TestFe2WithDelete(TestFe2):
    """``removal: delete`` needs a second request, and keeps the same contract."""

    removal = "delete"


class TestGreyhound(Contract):
    removal = "trash"
    at_once = 1

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Iterator[Side]:
        with GreyhoundSimulator(page_size=30) as server:
            yield GreyhoundSide(tmp_path, server, self.removal, self.at_once)


class TestGreyhoundWithDelete(TestGreyhound):
    """``removal: delete`` keeps the same contract."""

    removal = "delete"


class TestGreyhoundAtOnce(TestGreyhound):
    """So do several requests at a time."""

    at_once = 8


def test_every_target_has_the_contract() -> None:
    from engine.target import TARGETS, target_class

    tested: set[type[Target]] = {MemorySync, Fe2Sync, GreyhoundSync}
    assert {target_class(name) for name in TARGETS} == tested
