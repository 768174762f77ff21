"""``status`` says that a good run is missing, whether an engine is at work or not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.config.load import load
from engine.service.status import Reader
from engine.state.notices import Notices
from engine.state.store import Store
from tests.world import PERSONAL, World, people


@pytest.fixture
def done(world: World) -> World:
    """A mapping that is expected every eight days, and ran just now."""
    world.configure(first_sync="go")
    world.mapping("expect_every: 8d\n" + PERSONAL)
    assert world.run(people(12)).status == "done"
    return world


def overdue(world: World, **later: float) -> bool:
    project = load(world.root)
    store = Store(project.state_folder, project.configuration.database)
    try:
        status = Reader(project, store, datetime.now(UTC) + timedelta(**later)).read()
    finally:
        store.close()
    (mapping,) = status.mappings
    return bool(mapping["overdue"])


def test_after_the_last_good_run_it_is_counted(done: World) -> None:
    assert not overdue(done, days=7)
    assert overdue(done, days=9)


def test_a_bad_run_does_not_count_as_good(done: World) -> None:
    done.drop_text("")
    assert done.run().status == "refused"
    assert overdue(done, days=9)


def test_a_mapping_that_is_switched_off_or_expects_nothing_is_not_missed(done: World) -> None:
    done.mapping("enabled: false\nexpect_every: 8d\n" + PERSONAL)
    assert not overdue(done, days=9)
    done.mapping(PERSONAL)
    assert not overdue(done, days=900)


def test_a_run_by_hand_ends_what_the_engine_told(done: World) -> None:
    project = load(done.root)
    store = Store(project.state_folder, project.configuration.database)
    Notices(store).tell("personal", "overdue", "overdue")
    store.close()
    assert not overdue(done)


def test_what_never_ran_is_not_missed_before_an_engine_saw_it(world: World) -> None:
    world.mapping("expect_every: 8d\n" + PERSONAL)
    assert not overdue(world, days=9)
