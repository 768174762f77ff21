"""A stand-in for one FE2 organisation's address book, strict by the vendor's page ("API - Automatische Synchronisation
des FE2 Adressbuches", here *the page*); ``shared/spec/fe2.md`` names what is known beyond it.

Not documented and therefore chosen here: the body of a 200, the codes of DELETE (404 unknown, 403 where deleting is
not allowed, 503 where the synchronisation is off), 400 for a body that breaks the rules, 415 for a wrong Content-Type.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from engine.simulator.server import Answer, Request, Simulator, content_type_flaw, read_json, version_of

Person = dict[str, Any]

SYNC = "/rest/addressbook/sync"
PERSONS = "/rest/addressbook/external/persons/"

LIST_FIELDS = ("osFunctions", "osGroups", "alarmGroups")
TEXT_FIELDS = (
    "externalDbId",
    "firstName",
    "lastName",
    "note",
    "issi",
    "xmpp",
    "aPagerPro",
    "email",
    "mobil",
    "aPagerProFieldMode",
)
MODE = "aPagerProFieldMode"
MODE_SINCE = (2, 29)
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>.]+")
_MOBILE = re.compile(r"0049[0-9]{6,}")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class _RefusedError(Exception):
    """The request is answered with a code of the page and changes nothing; a breach is recorded where there is one."""

    def __init__(self, status: int, *breaches: str, text: str = "") -> None:
        super().__init__(text or " ".join(breaches))
        self.status = status
        self.breaches = breaches


class Fe2Simulator(Simulator):
    """One organisation. ``access_key=None`` takes any key that is not empty; ``quota`` counts the persons of a body and
    those made by hand; ``version`` decides whether DELETE (2.36) and 423 (2.39) exist.

    Settable while it runs: ``access_key``, ``delete_allowed`` ("Person löschen erlauben"), ``quota``, ``sync_active``
    (False: 503), ``sync_busy`` (True: 423, without the 60 seconds), ``foreign`` (ids of another organisation: 412),
    ``ok`` (the answer to what was done).
    """

    def __init__(
        self,
        access_key: str | None = "key",
        delete_allowed: bool = True,
        quota: int | None = None,
        version: str = "2.41",
        port: int = 0,
    ) -> None:
        super().__init__(port)
        self.access_key = access_key
        self.delete_allowed = delete_allowed
        self.quota = quota
        self.version = version
        self.sync_active = True
        self.sync_busy = False
        self.ok = Answer(HTTPStatus.OK, b"OK")
        self.persons: dict[str, Person] = {}
        self.deleted: dict[str, Person] = {}
        self.manual: list[Person] = []
        self.foreign: set[str] = set()
        self.tokens: dict[str, str] = {}
        self.syncs: list[dict[str, Any]] = []
        self.deletes: list[str] = []
        self._tokens_made = 0

    @property
    def writes(self) -> int:
        """How many POST and DELETE were accepted and carried out."""
        return len(self.syncs) + len(self.deletes)

    def arrived(self, request: Request, under_way: Sequence[Request]) -> None:
        """The page, "Löschen von Personen": not at the same time as the sync."""
        calls = {_call(request), *(_call(other) for other in under_way)}
        if _call(request) is not None and {"sync", "delete"} <= calls:
            self.breach("A DELETE and a sync were under way at the same time.")

    def answer(self, request: Request) -> Answer:
        try:
            if _path(request) == SYNC:
                self._sync(request)
            elif _path(request).startswith(PERSONS):
                self._delete(request)
            else:
                raise _RefusedError(HTTPStatus.NOT_FOUND, text="There is nothing here.")
        except _RefusedError as refused:
            self.breaches += refused.breaches
            return Answer(refused.status, str(refused).encode())
        return self.ok

    def _sync(self, request: Request) -> None:
        self._need_method(request, "POST", since="2.24")
        self._need_access(request)
        if flaw := content_type_flaw(request.headers):
            raise _RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, flaw)
        body = _body_of(request, self._fields())
        self._need_room(body["personList"])
        self._replace(body["personList"])
        self.syncs.append(copy.deepcopy(body))

    def _fields(self) -> tuple[str, ...]:
        """What a person has: an older server knows no mode."""
        fields = (*TEXT_FIELDS, *LIST_FIELDS)
        return fields if version_of(self.version) >= MODE_SINCE else tuple(name for name in fields if name != MODE)

    def _delete(self, request: Request) -> None:
        self._need_method(request, "DELETE", since="2.36")
        self._need_access(request)
        if not self.delete_allowed:
            raise _RefusedError(HTTPStatus.FORBIDDEN, text="The organisation does not allow to delete persons.")
        key = _id_of(request.path)
        if key not in self.persons and key not in self.deleted:
            raise _RefusedError(HTTPStatus.NOT_FOUND, text="This person did not come from a sync.")
        for book in (self.persons, self.deleted, self.tokens):
            book.pop(key, None)
        self.deletes.append(key)

    def _need_method(self, request: Request, method: str, since: str) -> None:
        if version_of(self.version) < version_of(since):
            raise _RefusedError(HTTPStatus.NOT_FOUND, text=f"This call exists since FE2 {since}.")
        if request.method != method:
            raise _RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, text=f"Only {method} is known here.")

    def _need_access(self, request: Request) -> None:
        """The page, "Authentifizierung": the key as it is; then 503 and 423 of its table."""
        key = request.headers.get("Authorization", "")
        if not key:
            raise _RefusedError(HTTPStatus.UNAUTHORIZED, "The header Authorization with the access key is missing.")
        if key != self.access_key and re.match(r"bearer\b", key, re.IGNORECASE):
            raise _RefusedError(HTTPStatus.UNAUTHORIZED, "The access key was sent with Bearer; it goes without.")
        if self.access_key is not None and key != self.access_key:
            raise _RefusedError(HTTPStatus.UNAUTHORIZED, text="The access key is wrong.")
        if not self.sync_active:
            raise _RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, text="The synchronisation is not active.")
        if self.sync_busy and version_of(self.version) >= (2, 39):
            raise _RefusedError(HTTPStatus.LOCKED, text="Another synchronisation is running.")

    def _need_room(self, people: list[Person]) -> None:
        """The page, "Return-Codes": 412 and 403, with nothing changed."""
        if any(person["externalDbId"] in self.foreign for person in people):
            raise _RefusedError(HTTPStatus.PRECONDITION_FAILED, text="A person belongs to another organisation.")
        if self.quota is not None and len(people) + len(self.manual) > self.quota:
            raise _RefusedError(HTTPStatus.FORBIDDEN, text="The quota of persons is too small.")

    def _replace(self, people: list[Person]) -> None:
        """The page, "Besonderheiten": whoever came from a sync and is missing now is deleted, or marked as deleted."""
        if not people:
            self.breach("An empty personList was sent: everybody who came from a sync is deleted.")
        before = self.persons
        self.persons = {person["externalDbId"]: copy.deepcopy(person) for person in people}
        for key in before.keys() - self.persons.keys():
            if self.delete_allowed:
                self.tokens.pop(key, None)
            else:
                self.deleted[key] = before[key]
        for key, person in self.persons.items():
            is_new = key not in before and self.deleted.pop(key, None) is None
            if is_new and person.get(MODE) == "TOKEN":
                self._make_token(key)

    def _make_token(self, key: str) -> None:
        """The page, "Hinweis zur Verwendung von aPager PRO Tokens": made with the person, never changed by a sync."""
        self._tokens_made += 1
        self.tokens[key] = f"TOKEN-{self._tokens_made:06}"


def _path(request: Request) -> str:
    return request.path.partition("?")[0]


def _call(request: Request) -> str | None:
    if request.method == "POST" and _path(request) == SYNC:
        return "sync"
    return "delete" if request.method == "DELETE" and request.path.startswith(PERSONS) else None


def _id_of(path: str) -> str:
    """The externalDbId of a DELETE: everything behind the fixed part, decoded as one segment of the path."""
    segment = path.removeprefix(PERSONS)
    if flaw := _segment_flaw(segment):
        raise _RefusedError(HTTPStatus.NOT_FOUND, f"The id in DELETE {path} {flaw}.")
    return unquote(segment, errors="strict")


def _segment_flaw(segment: str) -> str | None:
    if not segment:
        return "is empty"
    if "/" in segment:
        return "holds a slash that is not encoded as %2F"
    if "?" in segment:
        return "is followed by a query (a question mark must be encoded as %3F)"
    if not segment.isascii() or _BAD_ESCAPE.search(segment):
        return "is not percent-encoded"
    try:
        decoded = unquote(segment, errors="strict")
    except UnicodeDecodeError:
        return "is not percent-encoded UTF-8"
    return "makes another path of the call" if decoded in {".", ".."} else None


def _body_of(request: Request, fields: Sequence[str]) -> dict[str, Any]:
    try:
        body = read_json(request.body)
    except ValueError as error:
        raise _RefusedError(HTTPStatus.BAD_REQUEST, f"The sync could not be read: {error}.") from error
    if not isinstance(body, dict):
        raise _RefusedError(HTTPStatus.BAD_REQUEST, "The body of the sync is not an object.")
    if flaws := list(_body_flaws(body, fields)):
        raise _RefusedError(HTTPStatus.BAD_REQUEST, *flaws)
    return body


def _body_flaws(body: dict[str, Any], fields: Sequence[str]) -> Iterator[str]:
    """The page, "Datenformat", and the fields of its sample."""
    for name in body.keys() - {"source", "personList"}:
        yield f"The body of the sync has the unknown field {name}."
    source = body.get("source")
    if not isinstance(source, str) or not source.strip():
        yield "The field source must be the readable name of the supplying system."
    people = body.get("personList")
    if not isinstance(people, list):
        yield "The field personList must be a list."
        return
    seen: set[str] = set()
    for place, person in enumerate(people, start=1):
        yield from _person_flaws(person, place, seen, fields)


def _person_flaws(person: Any, place: int, seen: set[str], fields: Sequence[str]) -> Iterator[str]:
    """``seen`` holds the ids of the persons before this one, and gets this one's."""
    if not isinstance(person, dict):
        yield f"Person {place} is not an object."
        return
    key = person.get("externalDbId")
    name = f"Person {place} ({key})"
    if not isinstance(key, str) or not key.strip():
        yield f"Person {place} has no externalDbId, or one that is not text."
    elif key in seen:
        yield f"{name} has an externalDbId that an earlier person of the list has too."
    else:
        seen.add(key)
    yield from _field_flaws(person, name, fields)
    yield from _pager_flaws(person, name)


def _field_flaws(person: Person, name: str, known: Sequence[str]) -> Iterator[str]:
    for unknown in sorted(person.keys() - set(known)):
        yield f"{name} has the unknown field {unknown}."
    for missing in (field for field in known if field not in person and field != "externalDbId"):
        yield f"{name} has no {missing}; a field without a value must be sent empty, as in the vendor's sample."
    for field in TEXT_FIELDS[1:]:
        if not isinstance(person.get(field, ""), str):
            yield f"{name} has a {field} that is not text."
    for field in LIST_FIELDS:
        value = person.get(field, [])
        if not isinstance(value, list) or not all(isinstance(element, str) and element for element in value):
            yield f"{name} has {field} that are not a list of texts."


def _pager_flaws(person: Person, name: str) -> Iterator[str]:
    """The page, table of fields: an e-mail or a number as 0049…, and empty where tokens are used."""
    address = person.get("aPagerPro", "")
    if not isinstance(address, str) or not address:
        return
    if person.get("aPagerProFieldMode") == "TOKEN":
        yield f"{name} has an aPagerPro although the mode is TOKEN."
    if not _EMAIL.fullmatch(address) and not _MOBILE.fullmatch(address):
        yield f"{name} has the aPagerPro {address}, which is neither an e-mail nor a number in the form 0049…."
