"""Hints come whenever something moved, whatever became of the folder meanwhile; and never because somebody read."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import pytest

from engine.service import watch as door
from engine.service.folders import is_network, is_unc, lies_on_network
from engine.service.watch import TRY_AGAIN, Watch

DEADLINE = 30.0


class Watched:
    """A watch, the hints it gave, and a clock that only the test moves."""

    def __init__(self, mode: Literal["auto", "native", "poll"] = "auto") -> None:
        self.hinted = threading.Event()
        self.seconds = 1000.0
        self.watch = Watch(self.hinted.set, mode, lambda: self.seconds)

    def hints_of(self, act: Callable[[], object]) -> bool:
        """Whether a hint comes when something is done."""
        self.hinted.clear()
        act()
        return self.hinted.wait(DEADLINE)

    def be_quiet(self) -> None:
        """Wait until what was done before gives no hints any more."""
        while self.hinted.wait(0.8):  # watchdog holds a move back for half a second
            self.hinted.clear()

    def soon_hints_in(self, folder: Path) -> bool:
        """Whether ticks of the engine bring hints of new files back, what happened before left aside."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            self.watch.keep([folder])
            self.be_quiet()
            write(folder / "new.csv")
            if self.hinted.wait(1):
                return True
        return False


@pytest.fixture
def watched() -> Iterator[Watched]:
    made = Watched()
    yield made
    made.watch.close()


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def write(path: Path) -> None:
    path.write_text("nr;name\n1;Max\n", "utf-8")


# --- what hints, and what does not


def test_a_file_that_is_written_hints(watched: Watched, inbox: Path) -> None:
    watched.watch.keep([inbox])
    assert watched.hints_of(lambda: write(inbox / "a.csv"))
    assert watched.watch.problems == {}


def test_a_file_that_grows_hints(watched: Watched, inbox: Path) -> None:
    write(inbox / "a.csv")
    watched.watch.keep([inbox])
    with (inbox / "a.csv").open("ab", buffering=0) as file:
        assert watched.hints_of(lambda: file.write(b"2;Eva\n"))


def test_a_file_renamed_into_place_hints(watched: Watched, inbox: Path) -> None:
    write(inbox / "a.part")
    watched.watch.keep([inbox])
    assert watched.hints_of(lambda: (inbox / "a.part").rename(inbox / "a.csv"))


def test_a_file_moved_in_from_elsewhere_hints(watched: Watched, inbox: Path, tmp_path: Path) -> None:
    write(tmp_path / "a.csv")
    watched.watch.keep([inbox])
    assert watched.hints_of(lambda: (tmp_path / "a.csv").rename(inbox / "a.csv"))


def test_a_deleted_file_hints(watched: Watched, inbox: Path) -> None:
    write(inbox / "a.csv")
    watched.watch.keep([inbox])
    assert watched.hints_of((inbox / "a.csv").unlink)


def test_a_new_sub_folder_hints(watched: Watched, inbox: Path) -> None:
    watched.watch.keep([inbox])
    assert watched.hints_of((inbox / "2026").mkdir)


def test_what_happens_in_a_sub_folder_does_not_hint(watched: Watched, inbox: Path) -> None:
    (inbox / "2026").mkdir()
    watched.watch.keep([inbox])
    (inbox / "2026" / "deeper").mkdir()
    write(inbox / "2026" / "a.csv")
    assert not watched.hinted.wait(1)


def test_reading_a_file_and_listing_the_folder_do_not_hint(watched: Watched, inbox: Path) -> None:
    write(inbox / "a.csv")
    watched.watch.keep([inbox])
    for _ in range(20):
        (inbox / "a.csv").read_text("utf-8")
        list(inbox.iterdir())
    assert not watched.hinted.wait(1)
    assert watched.hints_of(lambda: write(inbox / "b.csv")), "the folder was watched all the time"


@pytest.mark.skipif(os.name != "posix", reason="making links needs rights on Windows")
def test_a_link_to_a_folder_means_the_folder(watched: Watched, inbox: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(inbox, target_is_directory=True)
    watched.watch.keep([link])
    assert watched.hints_of(lambda: write(inbox / "a.csv"))


@pytest.mark.skipif(os.name != "posix", reason="making links needs rights on Windows")
def test_a_link_that_leads_elsewhere_now_is_followed_again(watched: Watched, inbox: Path, tmp_path: Path) -> None:
    link, other = tmp_path / "link", tmp_path / "other"
    other.mkdir()
    link.symlink_to(inbox, target_is_directory=True)
    watched.watch.keep([link])
    link.unlink()
    link.symlink_to(other, target_is_directory=True)
    watched.watch.keep([link])
    assert watched.hints_of(lambda: write(other / "a.csv"))


# --- which folders


def test_a_folder_no_longer_kept_does_not_hint(watched: Watched, inbox: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    watched.watch.keep([inbox, other])
    watched.watch.keep([other])
    write(inbox / "a.csv")
    assert not watched.hinted.wait(1)
    assert watched.hints_of(lambda: write(other / "a.csv"))


def test_two_names_of_one_folder_do_not_disturb_each_other(watched: Watched, inbox: Path, tmp_path: Path) -> None:
    other = inbox / ".." / "inbox"
    watched.watch.keep([inbox, other])
    watched.watch.keep([other])
    assert watched.hints_of(lambda: write(inbox / "a.csv"))


def test_two_hundred_folders_hint_each(watched: Watched, tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(200)]
    for folder in folders:
        folder.mkdir()
    watched.watch.keep(folders)
    assert watched.watch.problems == {}
    for folder in folders[::66]:
        watched.be_quiet()
        assert watched.hints_of(lambda folder=folder: write(folder / "a.csv"))  # type: ignore[misc]


def test_a_tick_without_news_leaves_the_watches_alone(
    watched: Watched, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.watch.keep([inbox])
    monkeypatch.setattr(watched.watch, "_watch", None)
    for _ in range(100):
        watched.watch.keep([inbox])
    assert watched.watch.problems == {}
    assert watched.hints_of(lambda: write(inbox / "a.csv"))


# --- folders that come and go


def test_a_missing_folder_is_noted_and_watched_as_soon_as_it_is_there(watched: Watched, tmp_path: Path) -> None:
    folder = tmp_path / "later"
    watched.watch.keep([folder])
    assert watched.watch.problems == {folder: "There is no such folder. Create it, or correct the path in the mapping."}
    folder.mkdir()
    watched.watch.keep([folder])
    assert watched.watch.problems == {}
    assert watched.hints_of(lambda: write(folder / "a.csv"))


def test_a_file_in_place_of_the_folder_is_no_folder(watched: Watched, tmp_path: Path) -> None:
    write(tmp_path / "inbox")
    watched.watch.keep([tmp_path / "inbox", tmp_path / "inbox" / "deeper"])
    assert set(watched.watch.problems) == {tmp_path / "inbox", tmp_path / "inbox" / "deeper"}


def test_a_folder_renamed_away_and_back_hints_again(watched: Watched, inbox: Path, tmp_path: Path) -> None:
    watched.watch.keep([inbox])
    inbox.rename(tmp_path / "away")
    watched.watch.keep([inbox])
    assert set(watched.watch.problems) == {inbox}
    (tmp_path / "away").rename(inbox)
    watched.watch.keep([inbox])
    assert watched.watch.problems == {}
    assert watched.hints_of(lambda: write(inbox / "a.csv"))


def test_a_folder_renamed_away_and_back_between_two_ticks_still_hints(
    watched: Watched, inbox: Path, tmp_path: Path
) -> None:
    watched.watch.keep([inbox])
    inbox.rename(tmp_path / "away")
    (tmp_path / "away").rename(inbox)
    assert watched.soon_hints_in(inbox)


def test_a_folder_with_another_in_its_place_hints(watched: Watched, inbox: Path, tmp_path: Path) -> None:
    watched.watch.keep([inbox])
    inbox.rename(tmp_path / "away")
    inbox.mkdir()
    watched.watch.keep([inbox])
    write(tmp_path / "away" / "b.csv")
    assert not watched.hinted.wait(1), "the old folder is nobody's any more"
    assert watched.hints_of(lambda: write(inbox / "a.csv"))


def test_a_folder_deleted_and_made_anew_hints_again(watched: Watched, inbox: Path) -> None:
    for _ in range(3):  # the new one often gets the old one's number
        watched.watch.keep([inbox])
        shutil.rmtree(inbox)
        inbox.mkdir()
        assert watched.soon_hints_in(inbox)
        assert watched.watch.problems == {}


def test_a_folder_below_one_that_was_replaced_hints_again(watched: Watched, tmp_path: Path) -> None:
    folder = tmp_path / "share" / "inbox"
    folder.mkdir(parents=True)
    watched.watch.keep([folder])
    (tmp_path / "share").rename(tmp_path / "old")
    folder.mkdir(parents=True)
    watched.watch.keep([folder])
    assert watched.hints_of(lambda: write(folder / "a.csv"))


def test_a_watch_whose_observer_died_is_made_anew(watched: Watched, inbox: Path) -> None:
    watched.watch.keep([inbox])
    observer = watched.watch._observer
    assert observer is not None
    observer.stop()
    observer.join()
    watched.watch.keep([inbox])
    assert watched.hints_of(lambda: write(inbox / "a.csv"))


# --- what can't be watched


@pytest.mark.parametrize(
    ("number", "word"),
    [(errno.ENOSPC, "max_user_watches"), (errno.EMFILE, "max_user_instances"), (errno.ENOMEM, "tried again by itself")],
)
def test_what_the_system_refuses_is_noted_and_tried_again_after_half_a_minute(
    watched: Watched, inbox: Path, monkeypatch: pytest.MonkeyPatch, number: int, word: str
) -> None:
    tries = []

    def refuse(*_args: Any, **_named: Any) -> None:
        tries.append(watched.seconds)
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr("watchdog.observers.api.BaseObserver.schedule", refuse)
        for _ in range(10):
            watched.watch.keep([inbox])
            watched.seconds += 5
        assert tries == [1000, 1030]
        assert word in watched.watch.problems[inbox]
    watched.watch.keep([inbox])
    assert inbox in watched.watch.problems, "not yet"
    watched.seconds += TRY_AGAIN
    watched.watch.keep([inbox])
    assert watched.watch.problems == {}
    assert watched.hints_of(lambda: write(inbox / "a.csv"))


def test_an_observer_that_can_not_be_made_is_a_problem_of_the_folder(
    watched: Watched, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OSError(errno.EMFILE, "inotify instance limit reached")

    monkeypatch.setattr(door, "Observer", refuse)
    watched.watch.keep([inbox])
    assert "max_user_instances" in watched.watch.problems[inbox]
    watched.watch.keep([])
    assert watched.watch.problems == {}, "who is not kept has no problem"


CROWDED = """
import sys, threading
from pathlib import Path
from engine.service.watch import Watch

limit = Path("/proc/sys/user/max_inotify_watches")  # of this user namespace only
limit.write_text("2", "utf-8")
folders = [Path(sys.argv[1], name) for name in "abc"]
for folder in folders:
    folder.mkdir()
now, hinted = [0.0], threading.Event()
watch = Watch(hinted.set, "native", lambda: now[0])
watch.keep(folders)
(crowded, why), = watch.problems.items()
assert "max_user_watches" in why, why
limit.write_text("10", "utf-8")
now[0] += 31
watch.keep(folders)
assert watch.problems == {}, watch.problems
hinted.clear()
(crowded / "a.csv").write_bytes(b"x")
assert hinted.wait(30)
watch.close()
print("fine")
"""


def _own_namespace() -> list[str] | None:
    command = [shutil.which("unshare") or "", "--user", "--map-root-user"]
    if not command[0]:
        return None
    probe = "import os; assert os.access('/proc/sys/user/max_inotify_watches', os.W_OK)"
    tried = subprocess.run([*command, sys.executable, "-c", probe], check=False, capture_output=True)
    return command if tried.returncode == 0 else None


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of Linux")
def test_the_real_limit_of_watches_is_noted_and_got_over(tmp_path: Path) -> None:
    namespace = _own_namespace()
    if namespace is None:
        pytest.skip("no user namespace may be made here")
    assert child([*namespace, sys.executable, "-c", CROWDED, str(tmp_path)]) == "fine\n"


FORBIDDEN = """
import os, sys, tempfile, threading
from pathlib import Path
from engine.service.watch import Watch

if os.getuid() == 0:
    os.setuid(65534)  # root may read everything
with tempfile.TemporaryDirectory() as made:
    folder = Path(made, "inbox")
    folder.mkdir()
    folder.chmod(0o300)
    deeper = Path(made, "closed", "inbox")
    deeper.mkdir(parents=True)
    deeper.parent.chmod(0)
    now, hinted = [0.0], threading.Event()
    watch = Watch(hinted.set, "native", lambda: now[0])
    watch.keep([folder, deeper])
    assert len(watch.problems) == 2 and all("right to read" in why for why in watch.problems.values()), watch.problems
    folder.chmod(0o700)
    deeper.parent.chmod(0o700)
    now[0] += 31
    watch.keep([folder, deeper])
    assert watch.problems == {}, watch.problems
    for each in (folder, deeper):
        hinted.clear()
        (each / "a.csv").write_bytes(b"x")
        assert hinted.wait(30)
    watch.close()
print("fine")
"""


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_folder_without_read_permission_is_noted_and_watched_once_it_may_be_read() -> None:
    assert child([sys.executable, "-c", FORBIDDEN]) == "fine\n"


def child(command: list[str]) -> str:
    """What a program of its own printed; it had nothing to complain about."""
    root = Path(__file__).parent.parent.parent
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, cwd=root)
    assert done.stderr == ""
    return done.stdout


# --- modes and the end


def test_a_network_folder_is_only_scanned_unless_native_watches_are_wanted(
    inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "is_network", lambda _path: True)
    auto, native = Watched(), Watched("native")
    auto.watch.keep([inbox])
    native.watch.keep([inbox])
    assert "network" in auto.watch.problems[inbox]
    assert native.watch.problems == {}
    assert native.hints_of(lambda: write(inbox / "a.csv"))
    assert not auto.hinted.is_set()
    auto.watch.close()
    native.watch.close()


def test_polling_watches_nothing_and_that_is_no_problem(inbox: Path, tmp_path: Path) -> None:
    polled = Watched("poll")
    polled.watch.keep([inbox, tmp_path / "missing"])
    write(inbox / "a.csv")
    assert not polled.hinted.wait(1)
    assert polled.watch.problems == {}
    polled.watch.close()


def test_after_closing_nothing_hints_and_no_thread_is_left(inbox: Path) -> None:
    before = set(threading.enumerate())
    closed = Watched()
    closed.watch.keep([inbox])
    closed.watch.close()
    closed.watch.close()
    closed.watch.keep([inbox])
    write(inbox / "a.csv")
    assert not closed.hinted.wait(1)
    assert set(threading.enumerate()) <= before


def test_what_was_never_used_can_be_closed() -> None:
    Watched().watch.close()


# --- which drives are of the network

MOUNTS = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 253:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 27 0:50 / /mnt/nas rw,relatime shared:2 master:1 - cifs //nas/daten rw,vers=3.1.1
41 40 253:1 / /mnt/nas/local rw - ext4 /dev/vdb rw
42 27 0:51 / /mnt/Austausch\040der\040Wehr rw - nfs4 server:/export rw
43 27 0:52 / /mnt/with\134backslash rw - fuse.sshfs me@there:/ rw
44 27 0:53 / /mnt/cloud rw - fuse.rclone gdrive: rw
45 27 0:54 / /mnt/dav rw - fuse https://dav.example.org/ rw
46 27 0:55 / /mnt/stick rw - fuse /dev/sdb1 rw
47 27 0:56 / /mnt/c rw - 9p C:\134 rw
48 27 0:57 / /mnt/auto rw - autofs systemd-1 rw
49 48 0:58 / /mnt/auto rw - nfs server:/auto rw
50 27 0:59 / /mnt/covered rw - nfs server:/old rw
51 50 253:2 / /mnt/covered rw - xfs /dev/vdc rw
52 27 0:60 / /mnt/host rw - virtiofs share rw
a line nobody understands
"""


@pytest.mark.parametrize(
    ("path", "network"),
    [
        ("/home/me/inbox", False),
        ("/mnt/nas", True),
        ("/mnt/nas/inbox/2026", True),
        ("/mnt/nas2/inbox", False),
        ("/mnt/nas/local/inbox", False),
        ("/mnt/Austausch der Wehr/inbox", True),
        ("/mnt/Austausch", False),
        ("/mnt/with\\backslash/inbox", True),
        ("/mnt/cloud/inbox", True),
        ("/mnt/dav/inbox", True),
        ("/mnt/stick/inbox", False),
        ("/mnt/c/Users/me", True),
        ("/mnt/auto/inbox", True),
        ("/mnt/covered/inbox", False),
        ("/mnt/host/inbox", True),
    ],
)
def test_the_mount_tells_whether_a_path_is_of_the_network(path: str, network: bool) -> None:
    assert lies_on_network(PurePosixPath(path), MOUNTS) is network


def test_without_any_mount_nothing_is_of_the_network() -> None:
    assert not lies_on_network(PurePosixPath("/home"), "")


@pytest.mark.parametrize(
    ("path", "server"),
    [
        ("\\\\nas\\daten\\inbox", True),
        ("//nas/daten/inbox", True),
        ("\\\\?\\UNC\\nas\\daten", True),
        ("\\\\?\\C:\\inbox", False),
        ("\\\\.\\C:\\inbox", False),
        ("C:\\inbox", False),
        ("inbox", False),
    ],
)
def test_a_windows_path_that_names_a_server(path: str, server: bool) -> None:
    assert is_unc(path) is server


def test_this_machines_temporary_folder_is_its_own(tmp_path: Path) -> None:
    assert not is_network(tmp_path)
    assert not is_network(tmp_path / "missing")
