"""Reaching GREYHOUND without changing anything, and listing what mappings name by number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from engine.config.schema import Connection, GreyhoundConnection
from engine.http import Unreachable
from engine.i18n import _, ngettext
from engine.problems import Problem, TargetStopped
from engine.target.base import Pong
from engine.target.greyhound.names import groups, user_fields
from engine.target.greyhound.rpc import Rpc, RpcError, new_client_id, not_reached, refused

T = TypeVar("T")


def ping(connection: Connection, client_id: Callable[[Callable[[], str]], str], sleep: Callable[[float], None]) -> Pong:
    """Log in as the one client that the runs use, too, and read: version, limits, user fields, groups."""
    assert isinstance(connection, GreyhoundConnection)
    try:
        rpc = Rpc(connection, client_id(new_client_id), sleep)
    except TargetStopped as error:
        return Pong("unreachable", error.problems)
    try:
        rpc.call("RpcInfo.GetServerStatus")
        return _read(rpc)
    except TargetStopped as error:
        return Pong("refused" if error.problems[0].code == "greyhound_login" else "unreachable", error.problems)
    except RpcError as error:
        return Pong("refused", (refused(error),))
    except Unreachable as error:
        return Pong("unreachable", (_not_reached(connection, error),))
    finally:
        rpc.close()


def _read(rpc: Rpc) -> Pong:
    """Everything worth knowing; a part that the user may not read does not keep the others back."""
    problems: list[Problem] = []

    def part(what: str, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except RpcError as error:
            problems.append(_part_refused(what, error))
            return None

    info = part(_("the version"), lambda: rpc.call("RpcInfo.GetServerInfo", False))
    fields = part(_("the user fields"), lambda: user_fields(rpc))
    known_groups = part(_("the groups"), lambda: groups(rpc))
    version = info.get("Version") if isinstance(info, dict) else None
    return Pong(
        "reached",
        version=version if isinstance(version, str) else None,
        notes=tuple(_limits(rpc)),
        user_fields=None if fields is None else tuple(fields),
        groups=None if known_groups is None else tuple(known_groups),
        problems=tuple(problems),
    )


def _limits(rpc: Rpc) -> Iterator[str]:
    """The server's limits for lists. Not every user may read them, which is no failure."""
    try:
        settings = rpc.call("RpcInfo.GetServerSettings")
    except RpcError:
        return
    page, most = (_count(settings, name) for name in ("ElementsPerList", "MaxSearchResults"))
    if page:
        yield ngettext(
            "The server gives {count} contact of a list at a time.",
            "The server gives {count} contacts of a list at a time.",
            page,
        ).format(count=page)
    if most:
        yield ngettext(
            "The server finds {count} contact at the most; beyond that each one is looked up singly.",
            "The server finds {count} contacts at the most; beyond that each one is looked up singly.",
            most,
        ).format(count=most)


def _count(settings: Any, name: str) -> int | None:
    value = settings.get(name) if isinstance(settings, dict) else None
    return value if isinstance(value, int) and value > 0 else None


def _part_refused(what: str, error: RpcError) -> Problem:
    message = _("GREYHOUND does not tell {what}: {reason}").format(what=what, reason=error)
    hint = _("Give the user of this connection the right to read them; a run may need them, too.")
    return Problem("greyhound_refused", message, hint, severity="warning")


def _not_reached(connection: GreyhoundConnection, error: Unreachable) -> Problem:
    hint = _(
        "Check url in configuration.yaml (address and HTTP port of the server), and whether this computer may reach "
        "the server; then ping again."
    )
    return not_reached(connection.url, error, hint)
