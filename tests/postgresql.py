"""A private PostgreSQL server, where its programs are there."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PLACES = ("/usr/lib/postgresql", "/usr/local/pgsql")


def program(name: str) -> str | None:
    """Where a program of the server lies; Debian keeps them out of the path."""
    found = shutil.which(name)
    if found is not None:
        return found
    places = sorted(path for place in PLACES for path in Path(place).glob(f"**/bin/{name}"))
    return str(places[-1]) if places else None


def is_there() -> bool:
    """Whether a server can be started here; root may not run one, but somebody else of this machine may."""
    return all(program(name) for name in ("initdb", "pg_ctl")) and (not _is_root() or bool(_other_user()))


@contextmanager
def server() -> Iterator[str]:
    """A server on the loopback with a folder of its own; the address of a user that may do everything."""
    with tempfile.TemporaryDirectory(prefix="abgleich-pg-", ignore_cleanup_errors=True) as folder:
        user = _other_user() if _is_root() else None
        if user:
            shutil.chown(folder, user)
        data = str(Path(folder) / "data")
        port = _free_port()
        _run(user, program("initdb"), "-D", data, "-A", "trust", "-U", "abgleich", "-E", "UTF8", "--no-locale")
        options = f"-k {folder} -p {port} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=300"
        _run(user, program("pg_ctl"), "-D", data, "-o", options, "-l", str(Path(folder) / "log"), "-w", "start")
        try:
            yield f"postgresql://abgleich@127.0.0.1:{port}"
        finally:
            _run(user, program("pg_ctl"), "-D", data, "-m", "immediate", "stop")


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _other_user() -> str | None:
    """The user of the server's package, else nobody in particular."""
    import pwd

    names = {entry.pw_name for entry in pwd.getpwall()}
    found = next((name for name in ("postgres", "nobody") if name in names and name != getpass.getuser()), None)
    return found if shutil.which("runuser") else None


def _run(user: str | None, *command: str | None) -> None:
    words = [str(word) for word in command]
    as_user = ["runuser", "-u", user, "--", *words] if user else words
    subprocess.run(as_user, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tempfile.gettempdir())


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
