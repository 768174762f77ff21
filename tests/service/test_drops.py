"""The life of a dropped file, with real folders and a real state; only the clock is ours."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import threading
import time
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from engine.config.load import Project, load
from engine.service import drops as drops_module
from engine.service.drops import PATIENCE, DropLife, finished
from engine.service.inbox import Look
from engine.source.files import matches
from engine.state.drops import Drop, Drops
from engine.state.store import Store
from tests.world import PERSONAL, World, people

TRIGGER = "triggers: [{trigger: file, path: inbox/personal*.csv, id: list}]\n"


class Scene:
    """A project whose folders are looked at again and again."""

    def __init__(self, world: World, store: Store) -> None:
        self.world = world
        self.store = store
        self.time = 100.0
        self.life = self.restarted()
        self.mapping()

    def mapping(self, settle: str = "2s", extra: str = "", name: str = "personal") -> None:
        self.world.mapping(TRIGGER + extra + PERSONAL, name=name, settle=settle)
        self.project: Project = load(self.world.root)
        assert self.project.mappings.keys() >= {name}, self.project.problems

    def restarted(self) -> DropLife:
        self.life = DropLife(self.world.root, self.store, lambda: self.time)
        return self.life

    def look(self, seconds: float = 0.0) -> list[str]:
        """A look after some time; the paths whose mapping is to be run."""
        self.time += seconds
        return [drop.path for drop in self.life.look(self.project).wanted]

    def settled(self) -> list[str]:
        """Looks until everything has come to rest."""
        return [*self.look(), *self.look(1.0), *self.look(2.0)]

    def finish(self, state: str = "done") -> None:
        """What waits was run, and ended so."""
        drops = Drops(self.store)
        queued = [drop for drop in drops.all() if drop.state == "queued"]
        drops.replace([(drop, finished(drop, state, self.store.now())) for drop in queued])  # type: ignore[arg-type]
        self.life.stale()

    @property
    def states(self) -> dict[str, str]:
        return {Path(drop.path).name: drop.state for drop in Drops(self.store).all()}

    def drop(self, name: str = "personal.csv") -> Drop:
        return next(drop for drop in Drops(self.store).all() if drop.path == f"inbox/{name}")

    def write(self, text: str, name: str = "personal.csv", modified: int | None = None) -> Path:
        path = self.world.drop_text(text, name)
        if modified is not None:
            os.utime(path, (modified, modified))
        return path


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as stack:
        world = World(tmp_path / "project", stack)
        store = Store(tmp_path / "state")
        stack.callback(store.close)
        yield Scene(world, store)


def test_a_file_is_run_when_it_has_not_changed_for_as_long_as_it_must_settle(scene: Scene) -> None:
    scene.world.drop(people(3))
    assert (scene.look(), scene.states) == ([], {"personal.csv": "seen"})
    assert (scene.look(1.0), scene.states) == ([], {"personal.csv": "settling"})
    assert (scene.look(0.9), scene.states) == ([], {"personal.csv": "settling"})
    assert (scene.look(0.1), scene.states) == (["inbox/personal.csv"], {"personal.csv": "queued"})
    assert scene.drop().trigger == "list"
    assert scene.look(5.0) == []


def test_a_file_that_grows_begins_to_settle_anew(scene: Scene) -> None:
    for size in range(1, 6):
        scene.world.drop(people(size))
        assert scene.look(1.5) == []
    assert scene.look(1.9) == []
    assert scene.look(0.2) == ["inbox/personal.csv"]


def test_a_file_without_a_settling_time_is_run_at_the_next_look(scene: Scene) -> None:
    scene.mapping(settle="0s")
    scene.world.drop(people(3))
    assert scene.look() == []
    assert scene.look() == ["inbox/personal.csv"]


def test_temporary_names_and_other_names_are_no_drops(scene: Scene) -> None:
    for name in ("personal.csv.part", "~$personal.csv", ".personal.csv", "personal.tmp", "others.csv"):
        scene.write("x", name)
    assert scene.settled() == []
    assert scene.states == {}


@pytest.mark.parametrize("name", ["Personal.CSV", "PERSONAL-2026.csv"])
def test_upper_and_lower_case_of_a_name_do_not_matter(scene: Scene, name: str) -> None:
    scene.write("nr\n1\n", name)
    assert scene.settled() == [f"inbox/{name}"]
    assert [path.name for path in matches(scene.world.root, "inbox/personal*.csv")] == [name]


@pytest.mark.parametrize(("pattern", "name"), [("Gro?einsatz*.csv", "Großeinsatz.csv"), ("stra?e.csv", "straße.csv")])
def test_a_sharp_s_is_one_letter(scene: Scene, pattern: str, name: str) -> None:
    scene.write("nr\n1\n", name)
    scene.write("nr\n1\n", name.replace("ß", "ss"))
    assert [path.name for path in matches(scene.world.root, f"inbox/{pattern}")] == [name]


def test_an_umlaut_is_the_same_however_a_system_puts_it_together(scene: Scene) -> None:
    scene.world.mapping(TRIGGER.replace("personal", "übung") + PERSONAL.replace("inbox/personal", "inbox/übung"))
    scene.project = load(scene.world.root)
    scene.write("nr\n1\n", unicodedata.normalize("NFD", "Übung.csv"))
    assert len(scene.settled()) == 1
    assert len(matches(scene.world.root, "inbox/übung*.csv")) == 1


def test_a_list_whose_name_fits_no_pattern_is_known_as_such(scene: Scene) -> None:
    for name in ("personal.csv", "personal.xlsx", "mitglieder.csv", "note.pdf", ".hidden.csv", "personal.csv.part"):
        scene.write("nr\n1\n", name)
    scene.settled()
    assert sorted(scene.life.unclaimed(scene.project)) == ["inbox/mitglieder.csv", "inbox/personal.xlsx"]


def test_a_list_that_a_mapping_reads_without_a_file_trigger_is_taken(scene: Scene) -> None:
    scene.world.mapping(PERSONAL, name="nightly", path="inbox/nightly*.csv")
    scene.project = load(scene.world.root)
    scene.write("nr\n1\n", "nightly.csv")
    scene.settled()
    assert scene.life.unclaimed(scene.project) == []


def test_while_a_mapping_is_broken_nobody_knows_what_it_would_take(scene: Scene) -> None:
    scene.world.mapping(PERSONAL.replace("key: nr", "kye: nr"), name="zug", path="inbox/zug*.csv")
    scene.project = load(scene.world.root)
    scene.write("nr\n1\n", "zug.csv")
    scene.settled()
    assert scene.life.unclaimed(scene.project) == []


def test_a_large_file_that_is_touched_while_it_is_read_is_read_anew(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drops_module, "LARGE", 10)
    wanted: list[str] = []
    for size in (1000, 2000):
        wanted = []
        scene.write("nr\n" + "1\n" * size, "personal-large.csv", modified=size)
        scene.look()
    end = time.monotonic() + 30
    while not wanted and time.monotonic() < end:
        wanted = scene.look(0.3)
    assert wanted == ["inbox/personal-large.csv"]
    content = (scene.world.root / "inbox" / "personal-large.csv").read_bytes()
    assert scene.drop("personal-large.csv").content == hashlib.sha256(content).hexdigest()


def test_a_large_file_is_read_beside_the_looks(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    read = threading.Event()
    content = drops_module._content

    def slowly(look: Look) -> str | None:
        read.wait(30)
        return content(look)

    monkeypatch.setattr(drops_module, "_content", slowly)
    monkeypatch.setattr(drops_module, "LARGE", 1000)
    scene.write("nr\n" + "1\n" * 1000, "personal-large.csv", modified=1000)
    scene.look()
    assert scene.look(2.0) == []
    assert scene.states == {"personal-large.csv": "settling"}
    assert scene.life.next_look() is not None
    read.set()
    wanted: list[str] = []
    end = time.monotonic() + 30
    while not wanted and time.monotonic() < end:
        wanted = scene.look(0.3)
    assert wanted == ["inbox/personal-large.csv"]


def test_saving_by_rename_is_one_drop(scene: Scene) -> None:
    path = scene.write("nr\n1\n", "personal.csv.part")
    assert scene.settled() == []
    path.rename(path.with_name("personal.csv"))
    assert scene.settled() == ["inbox/personal.csv"]


def test_the_same_content_again_is_not_run_also_after_a_restart(scene: Scene) -> None:
    scene.write("nr\n1\n", modified=1000)
    assert scene.settled() == ["inbox/personal.csv"]
    scene.finish()
    for modified in (2000, 3000):
        scene.write("nr\n1\n", modified=modified)
        assert scene.settled() == []
        assert scene.states == {"personal.csv": "done"}
        assert scene.drop().code == "same_content"
        scene.restarted()


@pytest.mark.parametrize("state", ["held", "refused"])
def test_the_same_content_again_is_as_it_was(scene: Scene, state: str) -> None:
    scene.write("nr\n1\n", modified=1000)
    scene.settled()
    scene.finish(state)
    scene.write("nr\n1\n", modified=2000)
    assert scene.settled() == []
    assert scene.states == {"personal.csv": state}


def test_old_content_that_returns_after_another_is_a_new_drop(scene: Scene) -> None:
    runs = []
    for text in ("A", "B", "A"):
        scene.write(f"nr\n{text}\n")
        runs += scene.settled()
        scene.finish()
    assert runs == ["inbox/personal.csv"] * 3


def test_of_several_that_wait_only_the_newest_runs(scene: Scene) -> None:
    for number, name in enumerate(("personal-b.csv", "personal-c.csv", "personal-a.csv")):
        scene.write(name, name, modified=1000 + number)
    assert scene.settled() == ["inbox/personal-a.csv"]
    assert scene.states == {"personal-a.csv": "queued", "personal-b.csv": "superseded", "personal-c.csv": "superseded"}
    assert "inbox/personal-a.csv" in (scene.drop("personal-b.csv").reason or "")
    scene.finish()
    scene.restarted()
    assert scene.settled() == []


def test_of_equally_old_ones_the_name_decides(scene: Scene) -> None:
    for name in ("personal-a.csv", "personal-b.csv"):
        scene.write(name, name, modified=1000)
    assert scene.settled() == ["inbox/personal-b.csv"]


def test_a_newer_file_takes_the_place_of_one_that_still_waits(scene: Scene) -> None:
    scene.write("a", "personal-a.csv", modified=1000)
    scene.settled()
    scene.write("b", "personal-b.csv", modified=2000)
    assert scene.settled() == ["inbox/personal-b.csv"]
    assert scene.states == {"personal-a.csv": "superseded", "personal-b.csv": "queued"}


def test_a_complete_file_waits_for_a_newer_one_that_is_being_written_but_not_for_ever(scene: Scene) -> None:
    scene.write("a", "personal-a.csv", modified=1000)
    scene.look()
    for number in range(int(PATIENCE) - 5):
        scene.write("b" * number, "personal-b.csv", modified=2000 + number)
        assert scene.look(1.0) == []
    assert scene.states["personal-a.csv"] == "complete"
    assert scene.settled() == ["inbox/personal-b.csv"]


def test_files_that_make_one_list_wait_for_each_other_and_are_queued_together(scene: Scene) -> None:
    scene.mapping()
    text = (scene.world.root / "mappings" / "personal.yaml").read_text("utf-8")
    (scene.world.root / "mappings" / "personal.yaml").write_text(text.replace("  key: nr", "  combine: all\n  key: nr"))
    scene.project = load(scene.world.root)
    scene.write("a", "personal-a.csv", modified=2000)
    scene.look()
    scene.write("b", "personal-b.csv", modified=1000)
    assert scene.look(1.5) == []
    assert scene.look(1.0) == []
    assert scene.look(1.0) == ["inbox/personal-a.csv"]
    assert scene.states == {"personal-a.csv": "queued", "personal-b.csv": "queued"}


def test_a_file_that_is_gone_is_forgotten_and_comes_as_a_new_one(scene: Scene) -> None:
    path = scene.write("nr\n1\n")
    scene.settled()
    scene.finish()
    path.unlink()
    scene.look()
    assert scene.states == {}
    scene.write("nr\n1\n")
    assert scene.settled() == ["inbox/personal.csv"]


def test_a_folder_that_is_away_for_a_while_changes_nothing(scene: Scene) -> None:
    scene.write("nr\n1\n")
    scene.settled()
    scene.finish()
    inbox = scene.world.root / "inbox"
    inbox.rename(inbox.with_name("away"))
    assert scene.look() == []
    assert scene.states == {"personal.csv": "done"}
    assert scene.life.reasons.keys() == {"personal"}
    inbox.with_name("away").rename(inbox)
    assert scene.settled() == []
    assert (scene.states, scene.life.reasons) == ({"personal.csv": "done"}, {})


def test_a_folder_made_anew_is_seen(scene: Scene) -> None:
    inbox = scene.world.root / "inbox"
    scene.look()
    shutil.rmtree(inbox)
    scene.look()
    inbox.mkdir()
    scene.write("nr\n1\n")
    assert scene.settled() == ["inbox/personal.csv"]


def test_a_file_without_permission_is_run_when_it_is_given(scene: Scene) -> None:
    path = scene.write("nr\n1\n")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("whoever runs this test reads everything")
    assert scene.settled() == []
    assert scene.drop().code == "file_busy"
    path.chmod(0o600)
    assert scene.look(30.0) == ["inbox/personal.csv"]


def test_a_file_that_can_not_be_opened_stays_pending_and_visible_and_is_tried_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.write("nr\n1\n")
    with monkeypatch.context() as patched:

        def busy(_look: object) -> None:
            raise PermissionError(13, "used by another program")

        patched.setattr("engine.service.drops._content", busy)
        assert scene.settled() == []
        assert scene.look(100.0) == []
        assert (scene.drop().state, scene.drop().code) == ("settling", "file_busy")
        assert "another program has it open" in (scene.drop().reason or "")
    assert scene.look(100.0) == ["inbox/personal.csv"]
    assert scene.drop().reason is None


def test_a_file_that_changes_while_it_waits_is_looked_at_again(scene: Scene) -> None:
    scene.write("nr\n1\n", modified=1000)
    scene.settled()
    scene.write("nr\n1\n2\n", modified=2000)
    scene.look()
    assert scene.states == {"personal.csv": "seen"}
    assert scene.settled() == ["inbox/personal.csv"]


def test_a_file_that_runs_is_left_alone_and_its_next_content_comes_after_it(scene: Scene) -> None:
    scene.write("A", modified=1000)
    scene.settled()
    drops = Drops(scene.store)
    queued = scene.drop()
    drops.replace([(queued, replace(queued, state="running"))])
    scene.life.stale()
    scene.write("B", modified=2000)
    assert scene.settled() == []
    running = scene.drop()
    assert running.state == "running"
    drops.replace([(running, finished(running, "done", scene.store.now()))])
    scene.life.stale()
    assert scene.settled() == ["inbox/personal.csv"]


def test_refused_drops_are_tried_again_when_the_mapping_changes(scene: Scene) -> None:
    scene.write("nr\n1\n")
    scene.settled()
    scene.finish("refused")
    assert scene.look() == []
    scene.life.try_again("personal")
    assert scene.look() == ["inbox/personal.csv"]


def test_drops_of_a_mapping_that_is_deleted_go_and_those_of_one_that_is_switched_off_stay(scene: Scene) -> None:
    scene.mapping(name="other")
    scene.write("nr\n1\n")
    scene.settled()
    scene.finish()
    assert len(Drops(scene.store).all()) == 2
    scene.world.no_mapping("other")
    scene.mapping(extra="enabled: false\n")
    scene.look()
    assert [drop.mapping for drop in Drops(scene.store).all()] == ["personal"]


def test_every_mapping_has_drops_of_its_own(scene: Scene) -> None:
    scene.mapping(name="other")
    scene.write("nr\n1\n")
    assert scene.settled() == ["inbox/personal.csv"] * 2


def test_patterns_over_folders_do_not_find_what_was_put_away(scene: Scene) -> None:
    text = TRIGGER.replace("inbox/personal*.csv", "inbox/**/*.csv")
    scene.world.mapping(text + PERSONAL, settle="0s", path="inbox/**/*.csv")
    scene.project = load(scene.world.root)
    for name in ("a/x.csv", "a/done/2026-11/y.csv", "a/failed/z.csv"):
        path = scene.world.root / "inbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("nr\n1\n", "utf-8")
    assert scene.settled() == ["inbox/a/x.csv"]


def test_two_thousand_files_for_two_hundred_mappings_make_two_hundred_runs(scene: Scene) -> None:
    for number in range(200):
        text = TRIGGER.replace("personal*", f"m{number}-*") + PERSONAL.replace("personal*", f"m{number}-*")
        scene.world.mapping(text, name=f"m{number}", settle="2s")
        for copy in range(10):
            scene.write(f"{number} {copy}", f"m{number}-{copy}.csv", modified=1000 + copy)
    scene.project = load(scene.world.root)
    assert sorted(scene.settled()) == sorted(f"inbox/m{number}-9.csv" for number in range(200))
    assert sorted(scene.states.values()).count("superseded") == 1800


def test_somebody_else_s_change_is_never_overwritten(scene: Scene) -> None:
    scene.write("nr\n1\n", modified=1000)
    scene.settled()
    queued = scene.drop()
    Drops(scene.store).replace([(queued, replace(queued, state="running", run="2026-11-23-1"))])
    # The life still believes that it waits.
    scene.write("nr\n2\n", modified=2000)
    scene.look()
    assert (scene.drop().state, scene.drop().run) == ("running", "2026-11-23-1")


# -- what a hostile world does -----------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_a_file_that_somebody_still_has_open_for_writing_waits_until_it_is_closed(scene: Scene) -> None:
    with (scene.world.root / "inbox" / "personal.csv").open("w", encoding="utf-8") as file:
        file.write("nr\n1\n")
        file.flush()
        assert [*scene.settled(), *scene.look(60.0)] == []
        assert (scene.drop().state, scene.drop().code) == ("settling", "file_busy")
        file.write("2\n")
    assert scene.settled() == ["inbox/personal.csv"]


def test_on_a_network_drive_nobody_can_tell_who_has_a_file_open(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drops_module, "is_network", lambda _path: True)
    with (scene.world.root / "inbox" / "personal.csv").open("w", encoding="utf-8") as file:
        file.write("nr\n1\n")
        file.flush()
        assert scene.settled() == ["inbox/personal.csv"]


def test_a_failed_list_is_superseded_by_a_newer_one_and_waits_together_with_others(scene: Scene) -> None:
    scene.write("a", "personal-a.csv", modified=1000)
    scene.settled()
    scene.finish("failed")
    scene.write("b", "personal-b.csv", modified=2000)
    assert scene.settled() == ["inbox/personal-b.csv"]
    assert scene.states == {"personal-a.csv": "superseded", "personal-b.csv": "queued"}


def test_content_that_returns_after_a_failed_one_is_run_again(scene: Scene) -> None:
    scene.write("A", modified=1000)
    scene.settled()
    scene.finish()
    scene.write("B", modified=2000)
    scene.settled()
    failed = scene.drop()
    Drops(scene.store).replace([(failed, replace(failed, state="failed", ran=None, outcome=None))])
    scene.life.stale()
    scene.write("A", modified=3000)
    assert scene.settled() == ["inbox/personal.csv"]


def test_a_mended_mapping_does_not_bring_back_a_list_that_a_newer_one_followed(scene: Scene) -> None:
    for number, (name, state) in enumerate((("personal-a.csv", "refused"), ("personal-b.csv", "done"))):
        scene.write(name, name, modified=1000 + number)
        scene.settled()
        scene.finish(state)
    scene.life.try_again("personal")
    assert scene.settled() == []
    assert scene.states["personal-a.csv"] == "superseded"


def test_one_file_that_never_rests_does_not_hold_up_the_others_for_ever(scene: Scene) -> None:
    scene.write("a", "personal-a.csv", modified=1000)
    wanted: list[str] = []
    for number in range(int(PATIENCE) + 10):
        scene.write("b" * number, "personal-b.csv", modified=2000 + number)
        wanted += scene.look(1.0)
    assert wanted == ["inbox/personal-a.csv"]


def test_what_could_not_be_put_on_record_is_seen_by_the_next_look(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.look()
    scene.write("nr\n1\n")
    with monkeypatch.context() as patched:

        def full(*_: object) -> bool:
            raise OSError(28, "no space left")

        patched.setattr(scene.life.drops, "replace", full)
        with pytest.raises(OSError, match="no space"):
            scene.look()
    scene.life.stale()
    assert scene.settled() == ["inbox/personal.csv"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such names")
def test_a_name_that_is_no_text_holds_up_nobody(scene: Scene) -> None:
    bad = os.fsencode(str(scene.world.root / "inbox")) + b"/personal-\xff.csv"
    with open(bad, "wb") as file:  # noqa: PTH123 (a path can't hold it)
        file.write(b"x")
    scene.write("nr\n1\n")
    assert scene.settled() == ["inbox/personal.csv"]


def test_a_look_does_not_undo_what_others_have_settled_meanwhile(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.write("A", modified=1000)
    scene.settled()
    queued = scene.drop()
    content = drops_module._content

    def meanwhile(look: Look) -> str | None:
        Drops(scene.store).replace([(queued, finished(queued, "done", scene.store.now()))])
        scene.life.stale()
        return content(look)

    scene.write("b", "other.csv")
    scene.mapping(name="other")
    scene.look()
    scene.look(1.0)
    monkeypatch.setattr(drops_module, "_content", meanwhile)
    scene.look(1.5)
    monkeypatch.setattr(drops_module, "_content", content)
    scene.write("C", modified=3000)
    assert "inbox/personal.csv" in scene.settled()


def test_a_trigger_that_watches_other_files_than_make_the_list_is_a_mistake(scene: Scene) -> None:
    text = TRIGGER.replace("inbox/personal*", "inbox/in*") + PERSONAL.replace("  key: nr", "  combine: all\n  key: nr")
    path = scene.world.root / "mappings" / "personal.yaml"
    path.write_text(text, "utf-8")
    problem = scene.world("check").problem("trigger_elsewhere")
    assert (problem["line"], problem["path"]) == (1, ["triggers", 0, "path"])
    assert "inbox/personal*.csv" in problem["hint"]
    path.write_text(text.replace("inbox/in*", "inbox/personal*"), "utf-8")
    assert scene.world("check").code == 0
