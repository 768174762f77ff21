"""Edits of the configuration are taken up while the engine runs; a broken one never stops what worked."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.config.memory import stamp_of
from engine.config.yaml import Reader
from engine.i18n import language, use_language
from engine.problems import UserMustFix
from engine.service import live as live_module
from engine.service.live import Live
from engine.state.database import FILE
from engine.state.store import Store
from engine.state.versions import Versions
from engine.sync.script import prepare
from tests.config.folder import CONFIGURATION, MAPPING, Folder

SECRET = "3f9c0a7be2"
LATER = 4_000_000_000  # a time that no clock has reached
BROKEN = MAPPING.replace("{{ nr }}", "{{ nummer }}")
SECOND = MAPPING + "alias: second\n"
USING = "use_blueprint: {path: x.yaml, input: {ordner: inbox}}\n"
BLUEPRINT = "blueprint: {name: x, input: {ordner: {}}}\n" + MAPPING


class Engine:
    """A project whose configuration is live; time passes with the looks only."""

    def __init__(self, root: Path) -> None:
        self.folder = Folder(root)
        self.folder.write("secrets.yaml", f"key: {SECRET}\npassword: 8d1e44c09a\n")
        text = CONFIGURATION.replace(SECRET, "!secret key").replace("8d1e44c09a", "!secret password")
        self.folder.write("configuration.yaml", text)
        self.store = Store(root / ".abgleich")
        self.moment = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def write(self, name: str, content: str) -> Path:
        return self.folder.write(name, content)

    def start(self) -> Live:
        self.live = Live(self.folder.root, Versions(self.store), lambda: self.moment)
        return self.live

    def look(self) -> bool:
        """One look, a second after the one before."""
        self.moment += timedelta(seconds=1)
        return self.live.look()

    def settle(self) -> bool:
        """Look until an edit had to be taken up; whether anything changed."""
        return any([self.look(), self.look()])

    @property
    def running(self) -> dict[str, str | None]:
        """The mappings that run, with their aliases."""
        for mapping in self.live.project.mappings.values():
            # What a run asks for before it begins.
            job, problems = prepare(self.live.project, mapping)
            job.close()
            assert [*self.live.project.errors_of(mapping.file), *(p for p in problems if p.severity == "error")] == []
        return {name: mapping.model.alias for name, mapping in self.live.project.mappings.items()}

    @property
    def stale(self) -> dict[str | None, bool]:
        """What is broken, and whether its last good version goes on."""
        return {name: stale.running for name, stale in self.live.stale.items()}

    @property
    def changed(self) -> set[str]:
        """The mappings that are others since the last change."""
        return set(self.live.changed)

    def commit(self) -> str | None:
        """The commit that a run would note."""
        return self.live.commit

    def kept(self) -> bytes:
        """All bytes of the state."""
        self.store.close()
        return b"".join(path.read_bytes() for path in self.store.folder.glob(f"{FILE}*"))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    before = language()
    use_language("en")
    made = Engine(tmp_path / "project")
    yield made
    made.store.close()
    use_language(before)


@pytest.fixture
def one(engine: Engine) -> Engine:
    """An engine that runs one mapping."""
    engine.write("personal.yaml", MAPPING + "alias: first\n")
    engine.start()
    return engine


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are parsed from now on."""
    names: list[str] = []
    read = Reader.read

    def noted(self: Reader, path: Path, *args: Any, **more: Any) -> Any:
        names.append(path.name)
        return read(self, path, *args, **more)

    monkeypatch.setattr(Reader, "read", noted)
    return names


def count_prepared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The mappings that are prepared from now on."""
    names: list[str] = []

    def noted(project: Any, mapping: Any) -> Any:
        names.append(mapping.id)
        return prepare(project, mapping)

    monkeypatch.setattr(live_module, "prepare", noted)
    return names


# -- edits -----------------------------------------------------------------------------------------------------------


def test_a_new_mapping_and_an_edit_are_taken_up_and_named(one: Engine) -> None:
    assert (one.running, one.changed) == ({"personal": "first"}, {"personal"})
    assert not one.settle()
    one.write("other.yaml", MAPPING)
    assert one.settle()
    assert (one.running, one.changed) == ({"other": None, "personal": "first"}, {"other"})
    one.write("personal.yaml", SECOND)
    assert one.settle()
    assert (one.running["personal"], one.changed) == ("second", {"personal"})
    assert one.live.stale == {}


def test_an_edit_saved_by_rename_is_taken_up(one: Engine) -> None:
    there = one.folder.mappings / "personal.yaml"
    new = one.folder.mappings / "4913"
    new.write_text(SECOND, "utf-8")
    there.replace(there.with_name("personal.yaml~"))
    new.replace(there)
    assert one.settle()
    assert one.running == {"personal": "second"}


def test_the_files_of_editors_change_nothing(one: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    names = count_reads(monkeypatch)
    for name in ("personal.yaml~", ".#personal.yaml", "4913", ".personal.yaml.swp", "#personal.yaml#", ".git/x.yaml"):
        one.write(name, BROKEN)
        assert not one.settle()
    assert names == []


def test_a_file_that_is_only_touched_changes_nothing(one: Engine) -> None:
    before = one.live.project
    os.utime(one.folder.mappings / "personal.yaml", (1, 1))
    assert not one.settle()
    assert one.live.project is before


def test_a_comment_changes_the_lines_but_not_the_version(one: Engine) -> None:
    one.write("personal.yaml", "# why\n" + MAPPING + "alias: first\n")
    assert one.settle()
    assert one.changed == set()


def test_a_second_edit_under_the_stamp_of_the_first_is_taken_up_a_little_later(one: Engine) -> None:
    path = one.write("personal.yaml", MAPPING + "alias: other\n")
    os.utime(path, (LATER, LATER))
    assert one.settle()
    path.write_bytes(path.read_bytes().replace(b"other", b"third"))
    os.utime(path, (LATER, LATER))
    # What a file system whose times are coarse shows.
    one.live._read = one.live._walked(), *one.live._read[1:]
    one.live._memory.units[path].met.files[path].stamp = stamp_of(path)
    assert any([one.look(), one.look(), one.look(), one.look()])
    assert one.running == {"personal": "third"}


def test_a_deleted_mapping_stops(one: Engine) -> None:
    (one.folder.mappings / "personal.yaml").unlink()
    assert one.settle()
    assert (one.running, one.stale, one.changed) == ({}, {}, set())
    assert Versions(one.store).ids() == set()


def test_a_mapping_that_was_moved_is_the_same(one: Engine) -> None:
    (one.folder.mappings / "sub").mkdir()
    (one.folder.mappings / "personal.yaml").rename(one.folder.mappings / "sub" / "personal.yaml")
    assert one.settle()
    assert (one.running, one.changed) == ({"personal": "first"}, set())
    assert one.live.project.mappings["personal"].file == one.folder.mappings / "sub" / "personal.yaml"


def test_a_mapping_that_gets_another_id_is_another_one(one: Engine) -> None:
    one.write("personal.yaml", SECOND + "id: other\n")
    assert one.settle()
    assert (one.running, one.changed) == ({"other": "second"}, {"other"})


@pytest.mark.parametrize("end", ["", "id: personal\n"])
def test_a_mapping_that_is_switched_off_does_not_go_on_however_broken_it_is(one: Engine, end: str) -> None:
    one.write("personal.yaml", BROKEN + "enabled: false\n" + end)
    assert one.settle()
    assert (one.running, one.stale) == ({}, {"personal": False})
    one.write("personal.yaml", MAPPING + "enabled: false\n" + end)
    assert one.settle()
    assert not one.live.project.mappings["personal"].model.enabled
    assert one.stale == {}


# -- broken edits ----------------------------------------------------------------------------------------------------


def break_id(engine: Engine) -> None:
    engine.write("personal.yaml", "- no: mapping\n")


def break_template(engine: Engine) -> None:
    engine.write("personal.yaml", BROKEN)


def break_with_other_id(engine: Engine) -> None:
    engine.write("personal.yaml", BROKEN + "id: other\n")


def use_id_twice(engine: Engine) -> None:
    engine.write("another.yaml", MAPPING + "id: personal\n")


BREAKS = [break_id, break_template, break_with_other_id, use_id_twice]


@pytest.mark.parametrize("damage", BREAKS)
def test_a_broken_edit_keeps_the_last_good_version_until_it_is_mended(
    one: Engine, damage: Callable[[Engine], None]
) -> None:
    good = one.live.project.mappings["personal"].hash
    damage(one)
    assert one.settle()
    since = one.moment
    assert (one.running, one.stale, one.changed) == ({"personal": "first"}, {"personal": True}, set())
    assert one.live.stale["personal"].problems
    assert one.live.stale["personal"].since == since
    one.write("more.yaml", MAPPING)
    assert one.settle()
    assert one.live.stale["personal"].since == since
    one.start()
    assert (one.running, one.stale) == ({"more": None, "personal": "first"}, {"personal": True})
    assert one.live.project.mappings["personal"].hash == good
    assert one.changed == set()
    (one.folder.mappings / "another.yaml").unlink(missing_ok=True)
    one.write("personal.yaml", SECOND)
    assert one.settle()
    assert (one.running, one.stale) == ({"more": None, "personal": "second"}, {})
    assert one.changed == {"personal"}


def test_a_mapping_that_was_never_good_does_not_run_and_says_why(engine: Engine) -> None:
    engine.write("personal.yaml", BROKEN)
    engine.start()
    assert (engine.running, engine.stale) == ({}, {"personal": False})
    assert [problem.code for problem in engine.live.stale["personal"].problems] == ["unknown_name"]
    assert "personal" in engine.live.project.ids


def test_the_people_of_a_broken_mapping_belong_to_somebody(one: Engine) -> None:
    break_id(one)
    one.settle()
    assert one.live.project.ids["personal"] == one.folder.mappings / "personal.yaml"


def test_a_mapping_edited_while_the_engine_was_down_is_named_at_its_start(one: Engine) -> None:
    one.start()
    assert one.changed == set()
    one.write("personal.yaml", SECOND)
    one.start()
    assert one.changed == {"personal"}


def test_a_last_good_version_goes_on_with_the_present_connections_only(one: Engine) -> None:
    break_template(one)
    one.settle()
    text = (one.folder.mappings / "configuration.yaml").read_text("utf-8")
    one.write("configuration.yaml", text.replace("  fe2:", "  renamed:"))
    assert one.settle()
    assert (one.running, one.stale) == ({}, {"personal": False})
    one.write("configuration.yaml", text)
    assert one.settle()
    assert (one.running, one.stale) == ({"personal": "first"}, {"personal": True})


# -- what a mapping uses ---------------------------------------------------------------------------------------------


def test_a_changed_include_reloads_what_uses_it_also_outside_of_the_mappings(engine: Engine) -> None:
    table = engine.folder.root / "tables" / "zug.txt"
    table.parent.mkdir()
    table.write_text("a: b\n", "utf-8")
    engine.write("personal.yaml", MAPPING + "tables: {zug: !include ../tables/zug.txt}\n")
    engine.write("other.yaml", MAPPING)
    engine.start()
    assert not engine.settle()
    table.write_text("a: longer\n", "utf-8")
    assert engine.settle()
    assert engine.changed == {"personal"}
    assert engine.live.project.mappings["personal"].model.tables == {"zug": {"a": "longer"}}
    table.write_text("a: [\n", "utf-8")
    assert engine.settle()
    assert engine.stale == {"personal": True}
    engine.start()
    assert engine.live.project.mappings["personal"].model.tables == {"zug": {"a": "longer"}}
    table.unlink()
    assert engine.settle()
    assert (set(engine.running), engine.stale) == ({"other", "personal"}, {"personal": True})
    table.write_text("a: mended\n", "utf-8")
    assert engine.settle()
    assert engine.stale == {}


def test_a_file_that_comes_into_an_included_folder_is_taken_up(engine: Engine) -> None:
    folder = engine.folder.root / "tables"
    folder.mkdir()
    engine.write("personal.yaml", MAPPING + "tables: !include_dir_named ../tables\n")
    engine.start()
    (folder / "zug.yaml").write_text("a: b\n", "utf-8")
    assert engine.settle()
    assert engine.changed == {"personal"}


def test_a_changed_blueprint_reloads_what_uses_it_and_a_broken_one_nothing(engine: Engine) -> None:
    engine.write("blueprints/x.yaml", BLUEPRINT)
    engine.write("a.yaml", USING)
    engine.write("b.yaml", USING)
    engine.write("c.yaml", MAPPING)
    engine.start()
    engine.write("blueprints/x.yaml", BLUEPRINT + "alias: new\n")
    assert engine.settle()
    assert (engine.running, engine.changed) == ({"a": "new", "b": "new", "c": None}, {"a", "b"})
    engine.write("blueprints/x.yaml", BLUEPRINT.replace("{{ nr }}", "{{ nummer }}"))
    assert engine.settle()
    assert (engine.running, engine.stale) == ({"a": "new", "b": "new", "c": None}, {"a": True, "b": True})
    engine.start()
    assert (engine.running, engine.stale) == ({"a": "new", "b": "new", "c": None}, {"a": True, "b": True})


def test_a_mapping_of_a_ready_blueprint_runs_goes_on_and_changes_with_one_of_its_own(engine: Engine) -> None:
    """The blueprint lies in the program, outside of the project."""
    using = "use_blueprint: {path: csv_fe2.yaml, input: {connection: fe2, alarmgruppen: [Alle]}}\nalias: good\n"
    engine.write("a.yaml", using)
    engine.start()
    assert engine.running == {"a": "good"}
    engine.write("a.yaml", using + "alais: bad\n")
    assert engine.settle()
    assert (engine.running, engine.stale) == ({"a": "good"}, {"a": True})
    engine.start()
    assert (engine.running, engine.stale) == ({"a": "good"}, {"a": True}), "also over a restart"
    engine.write("a.yaml", using)
    engine.write("blueprints/csv_fe2.yaml", BLUEPRINT.replace("input: {ordner", "input: {connection: {}, alarmgruppen"))
    assert engine.settle()
    assert (engine.stale, engine.changed) == ({}, {"a"}), "a file of the project with this name comes first"


def test_a_changed_secret_is_used_from_now_on(one: Engine) -> None:
    one.write("secrets.yaml", "key: another-key\npassword: 8d1e44c09a\n")
    assert one.settle()
    connection: Any = one.live.project.connections["fe2"]
    assert connection.access_key.get_secret_value() == "another-key"
    assert one.changed == set()


# -- the configuration -----------------------------------------------------------------------------------------------


def test_a_broken_configuration_changes_nothing_until_it_is_mended(one: Engine) -> None:
    text = (one.folder.mappings / "configuration.yaml").read_text("utf-8")
    one.write("configuration.yaml", text + "kep: {}\n")
    assert one.settle()
    assert (one.running, one.stale) == ({"personal": "first"}, {None: True})
    assert [problem.code for problem in one.live.stale[None].problems] == ["unknown_key"]
    one.write("personal.yaml", SECOND)
    one.settle()
    assert one.running == {"personal": "first"}
    one.start()
    assert (one.running, one.stale) == ({"personal": "first"}, {None: True})
    assert one.live.project.connections.keys() == {"fe2", "gh"}
    one.write("configuration.yaml", text)
    assert one.settle()
    assert (one.running, one.stale, one.changed) == ({"personal": "second"}, {}, {"personal"})


def test_while_the_configuration_is_broken_a_deleted_mapping_stops_all_the_same(one: Engine) -> None:
    one.write("other.yaml", MAPPING)
    one.write("off.yaml", MAPPING)
    one.settle()
    one.write("configuration.yaml", "connections: [\n")
    one.write("off.yaml", MAPPING + "enabled: false\n")
    (one.folder.mappings / "other.yaml").unlink()
    assert one.settle()
    assert one.running == {"personal": "first"}
    one.start()
    assert one.running == {"personal": "first"}


@pytest.mark.parametrize("content", ["key: [\n", "key:\npassword: x\n", None])
def test_broken_secrets_change_nothing_while_the_engine_runs(one: Engine, content: str | None) -> None:
    path = one.folder.mappings / "secrets.yaml"
    good = path.read_text("utf-8")
    path.unlink()
    if content is not None:
        one.write("secrets.yaml", content)
    assert one.settle()
    assert (one.running, one.stale) == ({"personal": "first"}, {None: True})
    connection: Any = one.live.project.connections["fe2"]
    assert connection.access_key.get_secret_value() == SECRET
    one.start()
    assert (one.running, one.stale) == ({}, {None: False, "personal": False})
    path.write_text(good, "utf-8")
    assert one.settle()
    assert (one.running, one.stale, one.changed) == ({"personal": "first"}, {}, set())


def test_a_folder_that_is_away_for_a_while_stops_nothing(one: Engine) -> None:
    away = one.folder.root / "away"
    one.folder.mappings.rename(away)
    assert one.settle()
    assert (one.running, one.stale) == ({"personal": "first"}, {None: True})
    assert "personal" in one.live.project.ids
    away.rename(one.folder.mappings)
    assert one.settle()
    assert (one.running, one.stale, one.changed) == ({"personal": "first"}, {}, set())


def test_another_connection_makes_its_mappings_be_checked_again(one: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = count_prepared(monkeypatch)
    text = (one.folder.mappings / "configuration.yaml").read_text("utf-8")
    one.write("configuration.yaml", text.replace("greyhound.example", "other.example"))
    assert one.settle()
    assert prepared == []
    one.write("configuration.yaml", text.replace("fe2.example", "other.example"))
    assert one.settle()
    assert prepared == ["personal"]


# -- secrets ---------------------------------------------------------------------------------------------------------


def test_no_secret_gets_into_the_state(engine: Engine) -> None:
    engine.write("secrets.yaml", f'key: {SECRET}\npassword: 8d1e44c09a\nother: "two\\tparts"\nshort: x7\n')
    engine.write("personal.yaml", MAPPING + f"alias: key {SECRET}\n")
    engine.write("other.yaml", MAPPING + 'alias: !secret other\ndescription: "two\\tparts"\n')
    engine.write("short.yaml", MAPPING + "alias: !secret short\ndescription: it is x7!\n")
    engine.write("good.yaml", MAPPING + "alias: !secret short\n")
    engine.start()
    texts = {name: set(version.texts) for name, version in Versions(engine.store).all().items()}
    assert texts["personal"] == texts["other"] == texts["short"] == set()
    assert texts["good"] == {"mappings/good.yaml"}
    assert texts[""] == {"mappings/configuration.yaml"}
    kept = engine.kept()
    assert SECRET.encode() not in kept
    assert b"8d1e44c09a" not in kept


@pytest.mark.parametrize(
    "text",
    [
        CONFIGURATION,
        CONFIGURATION.replace(SECRET, "!secret key").replace("8d1e44c09a", '"8d1e\\x344c09a"'),
        CONFIGURATION.replace(SECRET, "!secret key").replace("8d1e44c09a", "!secret password # password: old-one"),
        CONFIGURATION.replace(SECRET, "!secret key").replace("password: 8d1e44c09a", "password: !env_var X 8d1e44c09a"),
    ],
)
def test_a_configuration_with_a_secret_in_plain_is_not_kept_over_a_restart(engine: Engine, text: str) -> None:
    engine.write("configuration.yaml", text)
    engine.write("personal.yaml", MAPPING)
    engine.start()
    assert engine.running == {"personal": None}
    assert Versions(engine.store).all()[""].texts == {}
    engine.write("configuration.yaml", text + "kep: x\n")
    assert engine.settle()
    assert engine.stale == {None: True}
    assert engine.start().project.mappings == {}
    assert engine.stale == {None: False, "personal": False}


# -- many at once ----------------------------------------------------------------------------------------------------


def test_many_files_at_once_are_one_reload(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        engine.write(f"m{number}.yaml", MAPPING)
    engine.start()
    names = count_reads(monkeypatch)
    for number in range(15):
        engine.write(f"m{number}.yaml", SECOND)
    assert not engine.look()
    for number in range(15, 30):
        engine.write(f"m{number}.yaml", SECOND)
    looks = [engine.look(), engine.look()]
    assert looks.count(True) == 1
    assert engine.changed == {f"m{number}" for number in range(30)}
    assert len(names) == 30


def test_changes_that_never_end_are_taken_up_all_the_same(one: Engine) -> None:
    taken = []
    for number in range(4):
        one.write("personal.yaml", MAPPING + f"alias: a{number:0{number + 1}}\n")
        taken.append(one.look())
    assert taken == [False, False, True, False]


def test_an_edit_among_300_mappings_parses_and_checks_one_file(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(300):
        engine.write(f"m{number}.yaml", MAPPING)
    engine.start()
    names, prepared = count_reads(monkeypatch), count_prepared(monkeypatch)
    engine.write("m250.yaml", SECOND)
    assert engine.settle()
    assert (names, prepared) == (["m250.yaml"], ["m250"])
    engine.write("m250.yaml", BROKEN)
    assert engine.settle()
    assert names.count("m250.yaml") == len(names) == 3  # the broken one, and the good one's text
    names.clear()
    prepared.clear()
    engine.write("m100.yaml", SECOND)
    assert engine.settle()
    assert (names, prepared) == (["m100.yaml"], ["m100"])
    prepared.clear()
    engine.start()
    assert set(prepared) == {"m250"}


# -- the state and git -----------------------------------------------------------------------------------------------


def test_an_edit_is_taken_up_once_the_state_can_be_written_again(one: Engine) -> None:
    one.write("personal.yaml", SECOND)
    assert not one.look()
    with one.store.transaction() as database:
        database.exec_driver_sql("ALTER TABLE versions RENAME TO away")
    with pytest.raises(UserMustFix):
        one.look()
    assert one.running == {"personal": "first"}
    with one.store.transaction() as database:
        database.exec_driver_sql("ALTER TABLE away RENAME TO versions")
    assert one.look()
    assert (one.running, one.changed) == ({"personal": "second"}, {"personal"})


def git(folder: Path, *words: str) -> str:
    names = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    environment = {**os.environ, **names, "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(["git", *words], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_commit_of_the_work_tree_is_known_wherever_git_keeps_it(one: Engine, tmp_path: Path) -> None:
    assert one.commit() is None
    git(tmp_path, "init", "-b", "main")
    assert one.commit() is None
    git(tmp_path, "commit", "--allow-empty", "-m", "one")
    first = git(tmp_path, "rev-parse", "HEAD")
    assert one.commit() == first
    git(tmp_path, "pack-refs", "--all")
    assert one.commit() == first
    git(tmp_path, "worktree", "add", "-b", "side", str(one.folder.root / "linked"))
    git(one.folder.root / "linked", "commit", "--allow-empty", "-m", "two")
    second = git(tmp_path, "rev-parse", "side")
    assert Live(one.folder.root / "linked", Versions(one.store), lambda: one.moment).commit == second != first
    git(tmp_path, "checkout", "--detach", "side")
    assert one.commit() == second
