"""Who carries notices: whatever goes wrong is told, and no notice is given away in silence."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import select, update

from engine.config.load import load
from engine.service import courier as door
from engine.service.courier import MOST_TRIES, Courier
from engine.service.logs import Log
from engine.state import tables
from engine.state.notices import Notice, Notices
from engine.state.store import Store
from tests.service.process import wait_for
from tests.service.test_notices import mailbox
from tests.world import PERSONAL, World

REFUSED = Notice("refused", "personal", "Alle", "Text.")


class Scene:
    """A project with one address, and a courier that has not begun."""

    def __init__(self, world: World, store: Store) -> None:
        self.world = world
        self.notices = Notices(store)
        self.settled = True
        self.file = world.root / "courier.log"
        log = Log("text", tuple)
        log.add_file(self.file)
        self.courier = Courier(store, lambda: load(world.root), lambda: self.settled, log)

    def address(self, url: str, name: str = "leitung") -> None:
        self.world.extra = f"notify: {{{name}: '{url}'}}\n"
        self.world.configure()
        self.world.mapping(PERSONAL)

    def tell(self, value: str = "refused") -> None:
        self.notices.tell("personal", "run", value, REFUSED, ["leitung"])

    def tries(self) -> list[int]:
        with self.notices.store.transaction() as database:
            rows = select(tables.notices.c.tries).where(tables.notices.c.due_at > self.notices.store.now())
            return list(database.execute(rows).scalars())

    @property
    def said(self) -> str:
        return self.file.read_text("utf-8") if self.file.exists() else ""

    def has_said(self, text: str) -> bool:
        return text in self.said


@pytest.fixture
def scene(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(door, "POLL", 0.05)
    with closing(Store(world.root / ".abgleich")) as store:
        yield Scene(world, store)
        logging.getLogger("apprise").handlers.clear()


def test_with_a_broken_configuration_nothing_is_given_away(scene: Scene) -> None:
    scene.address("json://127.0.0.1:9", name="andere")
    scene.settled = False
    scene.tell()
    scene.courier.start()
    assert not scene.has_said("dropped")
    with mailbox() as (box, address):
        scene.address(address)
        scene.settled = True
        wait_for("The notice", lambda: box.letters)


def test_an_address_that_is_gone_is_told(scene: Scene) -> None:
    scene.address("json://127.0.0.1:9", name="andere")
    scene.tell()
    scene.courier.start()
    wait_for("The word", lambda: scene.has_said("The notice to leitung is dropped"))


def test_an_error_that_nobody_foresaw_ends_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> dict[str, object]:
        raise RuntimeError("can't start new thread")

    with mailbox() as (box, address), monkeypatch.context() as patched:
        scene.address(address)
        patched.setattr(door, "send", fails)
        patched.setattr(door, "LEASE", door.LEASE * 0)
        scene.tell()
        scene.courier.start()
        wait_for("The word", lambda: scene.has_said("A bug in abgleich: RuntimeError"))
        patched.undo()
        wait_for("The notice", lambda: box.letters)


def test_it_is_given_up_after_a_day_of_tries_however_old_it_is(scene: Scene) -> None:
    scene.address("json://127.0.0.1:9")
    for mapping, tries in (("personal", MOST_TRIES - 1), ("young", 0)):
        scene.notices.tell(mapping, "run", "refused", REFUSED, ["leitung"])
        set_of = update(tables.notices).where(tables.notices.c.tries == 0)
        with scene.notices.store.transaction() as database:
            database.execute(set_of.values(tries=tries, made_at="2020-01-01T00:00:00.000000+00:00"))
    scene.courier.start()
    wait_for("The end", lambda: scene.has_said(f"is given up after {MOST_TRIES} tries"))
    wait_for("The other one", lambda: scene.tries() == [0])
    assert scene.said.count("could not be sent") == 1  # who was silent just now is not asked again for the other one
