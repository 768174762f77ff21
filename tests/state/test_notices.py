"""Notices on their way: one process at a time carries each, and none is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.state.notices import Notice, Notices
from engine.state.store import Store

NOW = datetime(2099, 11, 22, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
REFUSED = Notice("refused", "personal", "Alle", "Text.")


@pytest.fixture(params=["sqlite", "postgresql"])
def notices(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Notices]:
    database = request.param if request.param == "sqlite" else request.getfixturevalue("postgresql")
    store = Store(tmp_path, database)
    yield Notices(store)
    store.close()


def test_what_people_know_already_is_not_told_again(notices: Notices) -> None:
    assert notices.tell("personal", "run", "refused", REFUSED, ["leitung"])
    assert not notices.tell("personal", "run", "refused", REFUSED, ["leitung"])
    assert len(notices.take(NOW, NOW + MINUTE, 10)) == 1


def test_what_one_process_carries_no_other_does_until_it_is_dead(notices: Notices) -> None:
    notices.tell("personal", "run", "refused", REFUSED, ["leitung"])
    (parcel,) = notices.take(NOW, NOW + MINUTE, 10)
    assert parcel.notice == REFUSED
    assert notices.take(NOW, NOW + MINUTE, 10) == []
    assert [again.id for again in notices.take(NOW + MINUTE, NOW + 2 * MINUTE, 10)] == [parcel.id]


def test_only_who_has_not_taken_it_is_tried_again(notices: Notices) -> None:
    notices.tell("personal", "run", "refused", REFUSED, ["leitung", "vorstand"])
    (parcel,) = notices.take(NOW, NOW + MINUTE, 10)
    notices.try_again(parcel, ["vorstand"], NOW + 5 * MINUTE)
    assert notices.take(NOW + 4 * MINUTE, NOW + 9 * MINUTE, 10) == []
    (again,) = notices.take(NOW + 5 * MINUTE, NOW + 9 * MINUTE, 10)
    assert (again.names, again.tries, again.made_at) == (("vorstand",), 1, parcel.made_at)
    notices.delivered(again)
    notices.hurry()
    assert notices.take(NOW + 60 * MINUTE, NOW + 61 * MINUTE, 10) == []


def test_nobody_to_hear_of_it_leaves_nothing_on_its_way(notices: Notices) -> None:
    notices.tell("personal", "run", "refused", REFUSED, [])
    assert notices.take(NOW, NOW + MINUTE, 10) == []
    assert notices.told()["personal", "run"][0] == "refused"


def test_a_notice_put_off_by_a_clock_that_was_wrong_is_due(notices: Notices) -> None:
    notices.tell("personal", "run", "refused", REFUSED, ["leitung"])
    notices.take(NOW + timedelta(days=300), NOW + timedelta(days=300, minutes=5), 10)
    assert len(notices.take(NOW, NOW + MINUTE, 10)) == 1
