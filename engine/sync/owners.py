"""Who looks after whom: what was last sent over a connection, by whom, and whether anybody still cares for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.config.load import Project
from engine.config.schema import Fe2Connection
from engine.i18n import _
from engine.problems import Problem
from engine.state.store import Store
from engine.sync.gather import Known
from engine.sync.record import Owner, Person, Sent, digest, key_fields

HANDED_OVER = "+handed-over"
"""Stands for the mapping of persons who were given up to somebody that claims them and has not run since.

No mapping can have this id, and every shell takes it as a word: `abgleich release +handed-over`.
"""

MARK = "#"
"""Stands between an FE2's address and the mark of its access key. No address of a connection holds one."""


def place_of(project: Project, connection: str, store: Store) -> str:
    """What a connection writes to. In FE2 one access key is one organisation: another key is another place."""
    settings = project.connections[connection]
    if isinstance(settings, Fe2Connection):
        return f"{settings.url}{MARK}{store.salted(settings.access_key.get_secret_value().strip())}"
    return settings.url


def connection_mark(project: Project, connection: str, store: Store) -> str | None:
    """Changes with anything in a connection's settings, also with a secret; None where it is gone."""
    known = project.connection_hashes.get(connection)
    return digest([known, place_of(project, connection, store)]) if connection in project.connections else None


def tls_warnings(project: Project, connection: str) -> list[Problem]:
    """``verify_tls: false`` is reported at every start."""
    if project.connections[connection].verify_tls:
        return []
    message = _("{connection}: certificates are not verified, so the server could be anybody.")
    hint = _("Better: ca_file with the server's certificate.")
    return [Problem("tls_not_verified", message.format(connection=connection), hint, severity="warning")]


def leads_elsewhere(project: Project, connection: str, store: Store) -> bool:
    """Whether a connection leads to another server or organisation than the one its people were sent to."""
    place = store.connection(connection).place
    return place is not None and place != place_of(project, connection, store)


def server_changed(project: Project, connection: str, store: Store) -> bool:
    """Whether a connection leads to another server than the one its people were sent to, one contact at a time.

    Ids over there mean nothing then. Where one call replaces everybody it does not matter, the first sync waits: unless
    the name belonged to another kind of system before.
    """
    kind = project.connections.get(connection)
    before = store.connection(connection).place
    if kind is None or before is None:
        return False
    return MARK not in before if isinstance(kind, Fe2Connection) else leads_elsewhere(project, connection, store)


def sent_over(project: Project, connection: str, store: Store) -> list[Sent]:
    """Who was last sent over a connection; nobody where it leads to another server by now."""
    return [] if server_changed(project, connection, store) else store.sent(connection)


def is_live(project: Project, owner: Owner, connection: str) -> bool:
    """Whether somebody still looks after these people: an enabled mapping with this action on this connection.

    A mapping whose file has mistakes is alive: it will be mended.
    """
    if owner.mapping not in project.ids:
        return False
    mapping = project.mappings.get(owner.mapping)
    if mapping is None:
        return True
    return mapping.model.enabled and any(
        action.id == owner.action and action.model.connection == connection for action in mapping.actions
    )


def known_people(project: Project, me: Owner, connection: str, store: Store) -> Known:
    """What the state tells about an action: its own people, those of others, and those nobody owns any more."""
    known = Known()
    mine: dict[str, str] = {}
    for one in sent_over(project, connection, store):
        remote = one.remote or ""
        if one.owner == me:
            known.sent[one.key] = one
            mine[remote] = one.key
        elif is_live(project, one.owner, connection):
            known.theirs |= {} if one.is_perhaps else {remote: one.owner.mapping}
        else:
            # Who was perhaps created has no id yet; nobody's id holds a line end.
            known.orphans[f"\n{one.key}" if one.is_perhaps else remote] = one
    for remote, owner, _key in store.claims(connection):
        if owner != me and remote in mine and is_live(project, owner, connection):
            known.claimed[remote] = owner.mapping
    return known


def orphan_finder(orphans: Mapping[str, Sent]) -> Callable[[Person], Sent | None]:
    """Finds the person of a mapping that is gone by the key that their contact carries."""
    by_key = {one.key: one for one in orphans.values()}

    def find(person: Person) -> Sent | None:
        one = by_key.get(person.key)
        return (
            one if one is not None and key_fields(one.record, one.key) & key_fields(person.record, person.key) else None
        )

    return find
