"""An organisation's interface as it is called: paths, the access key, and what which version lacks."""

from __future__ import annotations

import re

from engine.config.schema import Fe2Connection
from engine.http import Http
from engine.i18n import _
from engine.problems import Problem

SYNC = "/rest/addressbook/sync"
PERSON = "/rest/addressbook/external/persons/"

Version = tuple[int, ...]
SYNC_SINCE: Version = (2, 24)
MODE_SINCE: Version = (2, 29)
DELETE_SINCE: Version = (2, 36)

_VERSION = re.compile(r"(?<![0-9.])[0-9]{1,9}(?:\.[0-9]{1,9})+")


def version_of(text: str | None) -> Version | None:
    """The numbers in what people wrote (``2.39``, ``FE2 2.39.1``); None where there is no version in it."""
    found = _VERSION.search(text or "")
    return tuple(int(number) for number in found[0].split(".")) if found else None


def is_older(connection: Fe2Connection, since: Version) -> bool:
    """Whether the connection says that its server is older; one that says nothing is taken for new."""
    version = version_of(connection.fe2_version)
    return version is not None and version < since


def version_problem(connection: Fe2Connection) -> Problem | None:
    """What is wrong with ``fe2_version``: it can't be read, or such a server has no synchronisation."""
    version = connection.fe2_version
    if version and version_of(version) is None:
        message = _("fe2_version of the connection is no version: “{value}”.").format(value=version)
        hint = _("Write it as FE2 shows it, for example {example}, or leave it out if FE2 is up to date.")
        return Problem("fe2_version_unreadable", message, hint.format(example='"2.39"'))
    if is_older(connection, SYNC_SINCE):
        message = _("FE2 {version} has no synchronisation of the address book.").format(version=version)
        hint = _("Update FE2 to {version} or newer, or correct fe2_version in configuration.yaml.")
        return Problem("fe2_no_synchronisation", message, hint.format(version=written(SYNC_SINCE)))
    return None


def written(version: Version) -> str:
    """A version as people write it."""
    return ".".join(str(number) for number in version)


def key_of(connection: Fe2Connection) -> str:
    """The access key without the blanks that copying brings along."""
    return connection.access_key.get_secret_value().strip()


def key_problem(connection: Fe2Connection) -> Problem | None:
    """Why the access key fits in no header."""
    if key_of(connection).isprintable():
        return None
    message = _("The access_key of the connection holds line ends or control characters.")
    return Problem("access_key_unusable", message, _("Copy it again from FE2, as one line."))


def headers(connection: Fe2Connection) -> dict[str, str]:
    """The login of every call: the key as it is, without ``Bearer`` (vendor page)."""
    return {"Authorization": key_of(connection)}


def open_http(connection: Fe2Connection) -> Http:
    """A connection to the server. Raises :class:`TargetStopped` for a bad ``ca_file``."""
    return Http(connection.url, connection.timeout, [key_of(connection)], connection.ca_file, connection.verify_tls)
