"""A stand-in for one GREYHOUND server's contacts over JSON-RPC, strict by the vendor's page ("Kontakte anlegen über
JSON-RPC", here *the page*); ``shared/spec/greyhound.md`` (here *the spec*) names what is known beyond it.

Not documented and therefore chosen here: the numbers of errors (before 700 is added), the form of ``Protocol`` and
``Remarks`` (text), of ``Created`` and ``Modified`` (ISO 8601, UTC), ``DataType`` 0 for text, the result of
GetServerStatus. What the stand-in can't know (filters, masks and orders beyond the spec) it answers with an error
instead of guessing.
"""

from __future__ import annotations

import base64
import binascii
import copy
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, NoReturn

from engine.simulator.server import Answer, Request, Simulator, content_type_flaw, read_json, version_of

Item = dict[str, Any]

CONTACT = 8
CONTACT_BIT = 256
DELETED = 2
ALL_STATES = 255
ALL_PRIORITIES = 31
LIST_VALUES = 805591041
TEXT = 0
USERS: Mapping[str, str] = MappingProxyType({"api": "secret"})
GROUPS: tuple[Item, ...] = (
    {"ID": 1, "Name": "Kontakte", "Path": "Kontakte"},
    {"ID": 2, "Name": "Mitglieder", "Path": "Kontakte/Mitglieder"},
    {"ID": 3, "Name": "Kunden", "Path": "Kontakte/Kunden"},
)
USER_FIELDS: tuple[Item, ...] = (
    {"ID": 6, "Name": "Mitgliedsnummer", "Kinds": CONTACT_BIT, "DataType": TEXT, "ReadOnly": False},
    {"ID": 7, "Name": "Abteilung", "Kinds": CONTACT_BIT, "DataType": TEXT, "ReadOnly": False},
    {"ID": 8, "Name": "Nur Mail", "Kinds": 1, "DataType": TEXT, "ReadOnly": False},
    {"ID": 9, "Name": "Berechnet", "Kinds": CONTACT_BIT, "DataType": TEXT, "ReadOnly": True},
)

_CLIENT_ID_LENGTH = 32
_MASKS = ("Kinds", "States", "Priorities", "NegativeFlags", "MinClassified", "MaxClassified")
_LIST_ITEM = ("ID", "GroupRef", "State", "Kind", "Flags", "Subject", "Created", "Modified")
_ORDERS = {11: "Created", 12: "Modified", 15: "ID"}
_NUMBERS = ("ID", "Kind", "State", "GroupRef", "Priority", "Flags")
_CONTACT_TEXTS = ("Firstname", "Lastname", "Secondname", "Callname", "Company", "Title", "Salutation", "Url")
_APPENDED = ("Protocol", "Remarks")
_IN_BRACKETS = re.compile(r"<[^<>]+>")


class Code(IntEnum):
    """Numbers of errors; invented, the vendor's page names none. Over JSON 700 is added (the spec)."""

    WRONG_CALL = 1
    UNKNOWN_METHOD = 2
    TOO_MANY_CLIENTS = 3
    UNKNOWN_ITEM = 4
    UNKNOWN_GROUP = 5
    LOCKED = 6
    NOT_LOCKED = 7
    WRONG_VALUE = 8


@dataclass(slots=True, eq=False)
class Call:
    """One RPC call that got past the login, with the error it was answered with."""

    client: str
    user: str
    method: str = ""
    params: list[Any] = field(default_factory=list)
    error: str | None = None


class _Client(NamedTuple):
    """Whom locks belong to (the page)."""

    user: str
    id: str


_SOMEBODY = _Client("somebody else", "desktop")


class _RpcError(Exception):
    """A call that is answered with an error."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Method(NamedTuple):
    """How a method is carried out, and the types of its positional params."""

    run: Callable[..., Any]
    params: tuple[str, ...] = ()


class GreyhoundSimulator(Simulator):
    """One server. ``users=None`` takes any name and password; ``page_size`` and ``max_search_results`` are the server's
    own limits of lists; ``lock_seconds`` is how long a client may be silent; ``version`` decides how many params
    RpcItems.GetList takes (below 5: 6, below 5.5: 7, else 8).

    Settable while it runs: everything given here, ``clock`` (seconds, for the life of clients and locks),
    ``error_shape``, ``delete_is_final``, ``ignore_filter`` (GetList forgets the user fields of its filter),
    ``omit_user_values`` (list items come without UserValues), ``raw_controls`` (line ends and tabs stand raw in the
    answers' texts, which is no JSON).
    """

    def __init__(
        self,
        users: Mapping[str, str] | None = USERS,
        groups: Iterable[Mapping[str, Any]] = GROUPS,
        user_fields: Iterable[Mapping[str, Any]] = USER_FIELDS,
        page_size: int = 50,
        max_search_results: int | None = None,
        max_clients: int = 3,
        lock_seconds: float = 60,
        version: str = "5.6.0",
        auth_encoding: str = "cp1252",
        port: int = 0,
        delete_is_final: bool = False,
    ) -> None:
        super().__init__(port)
        self.users = users
        self.groups: dict[int, Item] = {group["ID"]: dict(group) for group in groups}
        self.user_fields: dict[int, Item] = {one["ID"]: dict(one) for one in user_fields}
        self.page_size = page_size
        self.max_search_results = max_search_results
        self.max_clients = max_clients
        self.lock_seconds = lock_seconds
        self.version = version
        self.auth_encoding = auth_encoding
        self.delete_is_final = delete_is_final
        self.error_shape: Literal["object", "fault", "text"] = "object"
        self.ignore_filter = False
        self.omit_user_values = False
        self.raw_controls = False
        self.contacts: dict[int, Item] = {}
        self.calls: list[Call] = []
        self.locks: dict[int, tuple[str, str]] = {}
        self.clients: dict[tuple[str, str], float] = {}
        self.writes = 0
        self._last_id = 1000
        self._methods = self._all_methods()

    # -- for tests and demos: what is in the server, past the wire -----------------------------------------------------

    def add_contact(
        self,
        *,
        contact: Mapping[str, Any] | None = None,
        user_fields: Mapping[int, Any] | None = None,
        **item: Any,
    ) -> int:
        """Puts a contact in as if somebody had made it in GREYHOUND, unchecked; ``item`` holds its own properties.

        Without ``Subject``, ``GroupRef``, ``State``, ``Priority`` or ``Kind`` it gets those of a new contact.
        """
        fields = [{"FieldRef": ref, "Value": value} for ref, value in (user_fields or {}).items()]
        first_group = next(iter(self.groups), 1)
        defaults = {"Kind": CONTACT, "State": 1, "GroupRef": first_group, "Priority": 2, "Subject": "Kontakt"}
        whole = {**defaults, "Properties": {"Contact": dict(contact or {})}, "UserFields": fields, **item}
        with self.lock:
            return self._store(whole, f"{whole['Subject']} was made by hand.")

    def lock_by_other(self, item_id: int) -> None:
        """Somebody edits the contact, and goes on doing so."""
        with self.lock:
            self.locks[item_id] = _SOMEBODY

    def unlock_by_other(self, item_id: int) -> None:
        """Somebody is done with the contact; other locks stay."""
        with self.lock:
            if self.locks.get(item_id) == _SOMEBODY:
                del self.locks[item_id]

    # -- transport -----------------------------------------------------------------------------------------------------

    def fault_names(self, request: Request) -> tuple[str, ...]:
        """The method stands with a bracket: ``RpcItems.Get(`` is not ``RpcItems.GetList(``."""
        try:
            return (request.path, f"{json.loads(request.body)['method']}()")
        except (ValueError, TypeError, KeyError, RecursionError):
            return (request.path,)

    def answer(self, request: Request) -> Answer:
        if request.path != "/json":
            return Answer(HTTPStatus.NOT_FOUND, b"There is nothing here.")
        if request.method != "POST":
            return Answer(HTTPStatus.METHOD_NOT_ALLOWED, b"Only POST is known here.")
        client = self._login(request)
        if client is None:
            return Answer(HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": 'Basic realm="GREYHOUND"'})
        if flaw := content_type_flaw(request.headers):
            self.breach(flaw)
            return Answer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, flaw.encode())
        return self._answer_call(client, request.body)

    def _answer_call(self, client: _Client, body: bytes) -> Answer:
        call = Call(client.id, client.user)
        self.calls.append(call)
        echoed: Item = {}
        try:
            message = self._read(body)
            echoed = {"id": message["id"]} if "id" in message else {}
            self._admit(client)
            result = without_empty(self._perform(client, call, message))
        except _RpcError as failure:
            call.error = str(failure)
            shape = _error_of(failure, self.error_shape)
            return self._render({"version": "1.1", "error": shape, **echoed}, HTTPStatus.INTERNAL_SERVER_ERROR)
        return self._render({"version": "1.1", **({"result": result} if result else {}), **echoed}, HTTPStatus.OK)

    def _render(self, message: Item, status: int) -> Answer:
        text = json.dumps(message, ensure_ascii=False)
        if self.raw_controls:
            raw = {r"\n": "\n", r"\r": "\r", r"\t": "\t"}
            text = re.sub(r"\\.", lambda escape: raw.get(escape[0], escape[0]), text)
        return Answer(status, text.encode(), "application/json; charset=utf-8")

    def _login(self, request: Request) -> _Client | None:
        """The page: Basic with clientId-user; the spec: the password in plain text, all in ``auth_encoding``."""
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            self.breach("The header Authorization with Basic is missing.")
            return None
        try:
            text = base64.b64decode(encoded, validate=True).decode(self.auth_encoding)
        except (binascii.Error, UnicodeDecodeError):
            return None
        name, _, password = text.partition(":")
        client, dash, user = name[:_CLIENT_ID_LENGTH], name[_CLIENT_ID_LENGTH:][:1], name[_CLIENT_ID_LENGTH + 1 :]
        if dash != "-" or not user:
            self.breach("The login does not begin with a client id of 32 characters, a dash and the user.")
            return None
        known = self.users is None or (user in self.users and self.users[user] == password)
        return _Client(user, client) if known else None

    def _admit(self, client: _Client) -> None:
        """The page: a client that was silent too long is gone with its locks; one user has only so many clients."""
        now = self.clock()
        gone = {key for key, seen in self.clients.items() if now - seen > self.lock_seconds}
        self.clients = {key: seen for key, seen in self.clients.items() if key not in gone}
        self.locks = {item_id: owner for item_id, owner in self.locks.items() if owner not in gone}
        others = sum(user == client.user for user, client_id in self.clients if client_id != client.id)
        if client not in self.clients and others >= self.max_clients:
            raise _RpcError(Code.TOO_MANY_CLIENTS, f"The user {client.user} has too many clients.")
        self.clients[client] = now

    def _read(self, body: bytes) -> Item:
        """The page, "Request Body"."""
        try:
            message = read_json(body)
        except ValueError as error:
            self._forbid(Code.WRONG_CALL, f"The request could not be read: {error}.")
        if not isinstance(message, dict):
            self._forbid(Code.WRONG_CALL, "The request is not an object.")
        if message.get("version") != "1.1":
            self._forbid(Code.WRONG_CALL, "The request's version is not 1.1.")
        if not isinstance(message.get("method"), str) or not isinstance(message.get("params", []), list):
            self._forbid(Code.WRONG_CALL, "The request's method is not a text or its params are not a list.")
        return message

    def _perform(self, client: _Client, call: Call, message: Item) -> Any:
        call.method, call.params = message["method"], message.get("params", [])
        method = self._methods.get(call.method)
        if method is None:
            self._forbid(Code.UNKNOWN_METHOD, f"The method {call.method} is unknown.")
        types = self._getlist_types() if call.method == "RpcItems.GetList" else method.params
        if len(call.params) != len(types):
            self._forbid(Code.WRONG_CALL, f"{call.method} takes {len(types)} params, not {len(call.params)}.")
        for place, (kind, value) in enumerate(zip(types, call.params, strict=True), start=1):
            if not _is(kind, value):
                self._forbid(Code.WRONG_CALL, f"Param {place} of {call.method} is not of the type {kind}.")
        return method.run(client, *call.params)

    def _forbid(self, code: Code, *sentences: str) -> NoReturn:
        self.breaches += sentences
        raise _RpcError(code, " ".join(sentences))

    def _all_methods(self) -> dict[str, _Method]:
        """The spec, "Functions"."""
        return {
            "RpcItems.New": _Method(self._new, ("object", "bool")),
            "RpcItems.Get": _Method(self._get, ("int", "bool")),
            "RpcItems.GetList": _Method(self._get_list),
            "RpcItems.Put": _Method(self._put, ("object",)),
            "RpcItems.Lock": _Method(self._lock, ("int",)),
            "RpcItems.Unlock": _Method(self._unlock, ("int",)),
            "RpcItems.Delete": _Method(self._delete, ("int",)),
            "RpcInfo.GetServerStatus": _Method(lambda _client: 1),
            "RpcInfo.GetServerInfo": _Method(self._server_info, ("bool",)),
            "RpcInfo.GetServerSettings": _Method(self._server_settings),
            "RpcUserFields.GetList": _Method(lambda _client: list(self.user_fields.values())),
            "RpcGroups.GetList": _Method(lambda _client, _advanced: list(self.groups.values()), ("bool",)),
        }

    def _getlist_types(self) -> tuple[str, ...]:
        """The spec: the 8th param exists since 5.5, the oldest servers take 6."""
        types = ("object", "int", "int", "int", "int", "list of int", "int", "int")
        version = version_of(self.version)
        return types[: 6 if version < (5,) else 7 if version < (5, 5) else 8]

    # -- the methods ---------------------------------------------------------------------------------------------------

    def _server_info(self, _client: _Client, _extended: bool) -> Item:
        return {"Name": "GREYHOUND stand-in", "Version": self.version}

    def _server_settings(self, _client: _Client) -> Item:
        return {"ElementsPerList": self.page_size, "MaxSearchResults": self.max_search_results}

    def _new(self, client: _Client, item: Item, create_locked: bool) -> int:
        self._check(item, {})
        for name in ("State", "Priority"):
            if name not in item:
                self.breach(f"New was sent without {name}, which then reads as its empty value.")
        item_id = self._store(item, f"{item['Subject']} was made by {client.user}.")
        if create_locked:
            self.locks[item_id] = client
        self.writes += 1
        return item_id

    def _get(self, _client: _Client, item_id: int, _mark_as_reading: bool) -> Item:
        return self._stored(item_id)

    def _put(self, client: _Client, item: Item) -> None:
        stored = self._stored(item.get("ID", 0))
        self._need_lock(client, stored["ID"], "Put")
        self._check(item, stored)
        for name in ("State", "Priority"):
            if stored.get(name) and name not in item:
                self._forbid(Code.WRONG_VALUE, f"The item of Put is not complete: {name} is missing.")
        fresh = copy.deepcopy(item)
        for name in _APPENDED:
            fresh[name] = self._appended(name, stored, item)
        fresh["UserFields"] = [*fresh.get("UserFields", []), *self._computed(stored, fresh)]
        fresh.update(ID=stored["ID"], Created=stored["Created"], Modified=_now())
        self.contacts[stored["ID"]] = fresh
        self.writes += 1

    def _appended(self, name: str, stored: Item, item: Item) -> Any:
        """The spec: what Put brings in Protocol and Remarks is added to what is there."""
        old, new = stored.get(name, ""), item.get(name)
        if not new:
            return old
        self.breach(f"Put was sent with {name}, which is appended to what the contact has already.")
        return old + new if isinstance(new, type(old)) and isinstance(new, str | list) else [old, new]

    def _computed(self, stored: Item, fresh: Item) -> list[Item]:
        """The values of read-only user fields that a Put left out: the server computes them, they don't get lost."""
        sent = _values_of(fresh)
        return [
            {"FieldRef": ref, "Value": value}
            for ref, value in _values_of(stored).items()
            if ref not in sent and self.user_fields.get(ref, {}).get("ReadOnly")
        ]

    def _lock(self, client: _Client, item_id: int) -> None:
        self._stored(item_id)
        if self.locks.get(item_id, client) != client:
            raise _RpcError(Code.LOCKED, f"The item {item_id} is locked by another client.")
        self.locks[item_id] = client

    def _unlock(self, client: _Client, item_id: int) -> None:
        """The page: the same client id as for the lock. A lock that expired is an error, but nobody's fault; nor is it
        where a caller asked for the lock and heard nothing."""
        self._stored(item_id)
        owner = self.locks.get(item_id)
        if owner is None:
            raise _RpcError(Code.NOT_LOCKED, f"The item {item_id} is not locked.")
        if owner != client:
            sentence = f"Unlock was sent for item {item_id}, which is locked by another client."
            if self._asked_to_lock(client, item_id):
                raise _RpcError(Code.LOCKED, sentence)
            self._forbid(Code.LOCKED, sentence)
        del self.locks[item_id]

    def _asked_to_lock(self, client: _Client, item_id: int) -> bool:
        """Whether the caller may not know what became of a request of theirs for the lock."""
        return any(
            "RpcItems.Lock()" in self.fault_names(request)
            and json.loads(request.body)["params"] == [item_id]
            and request.faulted
            and self._login(request) == client
            for request in self.requests
        )

    def _delete(self, client: _Client, item_id: int) -> None:
        """Whether the real one moves to the trash or deletes for good is not documented: ``delete_is_final``."""
        stored = self._stored(item_id)
        self._need_lock(client, item_id, "Delete")
        if self.delete_is_final:
            del self.contacts[item_id], self.locks[item_id]
        else:
            stored.update(Flags=stored.get("Flags", 0) | DELETED, Modified=_now())
        self.writes += 1

    def _get_list(
        self,
        _client: _Client,
        wanted: Item,
        order: int,
        direction: int,
        offset: int,
        values: int,
        refs: list[int],
        order_ref: int = 0,
        _values_ex: int = 0,
    ) -> list[Item]:
        self._check_list(wanted, order, direction, offset, refs, order_ref)
        found = [item for item in self.contacts.values() if self._matches(item, wanted)]
        found.sort(key=lambda item: (item[_ORDERS[order]], item["ID"]), reverse=direction == 1)
        page = found[: self.max_search_results][offset : offset + self.page_size]
        return [self._list_item(item, values, refs) for item in page]

    def _check_list(
        self, wanted: Item, order: int, direction: int, offset: int, refs: list[int], order_ref: int
    ) -> None:
        """The spec, "Finding a contact again": every mask is sent, MinClassified and MaxClassified are -1."""
        for name in (name for name in _MASKS if name not in wanted):
            self.breach(f"The filter of GetList has no {name}, which then reads as 0.")
        for name in ("MinClassified", "MaxClassified"):
            if wanted.get(name, -1) != -1:
                self.breach(f"The filter of GetList has a {name} other than -1, which finds next to nothing.")
        flaws = list(_filter_flaws(wanted))
        for ref in refs if flaws else [*refs, *(entry["FieldRef"] for entry in wanted.get("UserFields", []))]:
            if ref not in self.user_fields:
                flaws.append(f"GetList names the user field {ref}, which does not exist.")
        if order not in _ORDERS or direction not in (0, 1) or order_ref:
            flaws.append("GetList orders by something that is not documented.")
        if offset < 0:
            flaws.append("The offset of GetList is negative.")
        if flaws:
            self._forbid(Code.WRONG_VALUE, *flaws)

    def _matches(self, item: Item, wanted: Item) -> bool:
        if any(wanted.get(name, 0) != -1 for name in ("MinClassified", "MaxClassified")):
            return False
        if not wanted.get("States") or not wanted.get("Priorities"):
            return False
        if not (1 << item.get("Kind", 0)) & wanted.get("Kinds", 0):
            return False
        if item.get("Flags", 0) & wanted.get("NegativeFlags", 0):
            return False
        values = _values_of(item)
        asked = [] if self.ignore_filter else wanted.get("UserFields", [])
        return all(str(values.get(entry["FieldRef"], "")) == str(entry.get("Value", "")) for entry in asked)

    def _list_item(self, item: Item, values: int, refs: list[int]) -> Item:
        """Which bit of ListValues brings what is not documented: the spec's number brings all, others only the ID."""
        names = _LIST_ITEM if values & LIST_VALUES == LIST_VALUES else ("ID",)
        found = {name: item.get(name) for name in names}
        if not self.omit_user_values:
            known = _values_of(item)
            found["UserValues"] = [{"FieldRef": ref, "Value": known[ref]} for ref in refs if known.get(ref)]
        return found

    # -- items ---------------------------------------------------------------------------------------------------------

    def _store(self, item: Item, protocol: str) -> int:
        self._last_id += 1
        fresh: Item = {"Flags": 0, "Remarks": "", "Properties": {}, "UserFields": [], **copy.deepcopy(item)}
        fresh.update(ID=self._last_id)
        fresh.setdefault("Protocol", protocol)
        for name in ("Created", "Modified"):
            fresh.setdefault(name, _now())
        self.contacts[self._last_id] = fresh
        return self._last_id

    def _stored(self, item_id: Any) -> Item:
        if not _is_int(item_id) or item_id not in self.contacts:
            raise _RpcError(Code.UNKNOWN_ITEM, f"The item {item_id} does not exist.")
        return self.contacts[item_id]

    def _need_lock(self, client: _Client, item_id: int, method: str) -> None:
        """The page: an item is locked first, by the same user and client id."""
        if self.locks.get(item_id) != client:
            self._forbid(Code.NOT_LOCKED, f"{method} was sent for item {item_id} without a lock by this client.")

    def _check(self, item: Item, stored: Item) -> None:
        """Refuses an item of New (``stored`` is empty then) or Put; what is stored just so already may always stay."""
        flaws = list(_item_flaws(item, stored))
        if not flaws:
            flaws = [*_contact_flaws(item, stored), *_user_field_flaws(item, stored, self.user_fields)]
        if flaws:
            self._forbid(Code.WRONG_VALUE, *flaws)
        if item["GroupRef"] not in self.groups:
            raise _RpcError(Code.UNKNOWN_GROUP, f"The group {item['GroupRef']} does not exist.")


def without_empty(value: Any) -> Any:
    """The spec: empty values are left out of answers, at every level; elements of lists keep their place."""
    if isinstance(value, dict):
        slim = ((name, without_empty(inner)) for name, inner in value.items())
        return {name: inner for name, inner in slim if inner}
    return [without_empty(inner) for inner in value] if isinstance(value, list) else value


def _error_of(failure: _RpcError, shape: Literal["object", "fault", "text"]) -> Any:
    """The three forms in which an error may come (the spec: the exact one is not documented)."""
    code, message = 700 + failure.code, str(failure)
    if shape == "text":
        return f"{message} ({code})"
    return {"faultCode": code, "faultString": message} if shape == "fault" else {"code": code, "message": message}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is(kind: str, value: Any) -> bool:
    if kind == "int":
        return _is_int(value)
    if kind == "list of int":
        return isinstance(value, list) and all(map(_is_int, value))
    return isinstance(value, {"bool": bool, "object": dict}[kind])


def _values_of(item: Item) -> dict[Any, Any]:
    """The user fields of an item by their number."""
    return {entry.get("FieldRef", 0): entry.get("Value", "") for entry in item.get("UserFields") or []}


def _are_user_fields(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) and _is_int(one.get("FieldRef")) for one in value)


def _filter_flaws(wanted: Item) -> Iterator[str]:
    """What the spec doesn't describe: a filter that is not understood must not be passed over."""
    for name in wanted.keys() - {*_MASKS, "UserFields"}:
        yield f"The filter of GetList has {name}, which this stand-in does not know."
    for name in _MASKS:
        if not _is_int(wanted.get(name, 0)):
            yield f"{name} in the filter of GetList is not a whole number."
    if wanted.get("States", 0) not in (0, ALL_STATES) or wanted.get("Priorities", 0) not in (0, ALL_PRIORITIES):
        yield "The filter of GetList has other States or Priorities than all, which are not documented."
    entries = wanted.get("UserFields", [])
    if not _are_user_fields(entries) or any(entry.get("Compare", 0) or entry.get("Combine", 0) for entry in entries):
        yield "UserFields in the filter of GetList are no list of fields compared by equal and combined by and."


def _item_flaws(item: Item, stored: Item) -> Iterator[str]:
    """The page: Kind 8 makes a contact, 0 or nothing an e-mail; group and subject are mandatory; UserFields stand
    beside Properties."""
    for name in _NUMBERS:
        if not _is_int(item.get(name, 0)):
            yield f"{name} is not a whole number."
    if item.get("Kind", 0) == 0:
        yield "The item has no Kind, which makes it an e-mail."
    elif item["Kind"] != CONTACT or stored.get("Kind", CONTACT) != CONTACT:
        yield "The item is not a contact (Kind 8)."
    if not item.get("GroupRef"):
        yield "The item has no GroupRef, which is mandatory."
    if not isinstance(item.get("Subject"), str) or not item["Subject"]:
        yield "The item has no Subject, which is mandatory."
    properties = item.get("Properties", {})
    if not isinstance(properties, dict) or not isinstance(properties.get("Contact", {}), dict):
        yield "Properties or Properties.Contact is not an object."
    elif "UserFields" in properties or "UserFields" in properties.get("Contact", {}):
        yield "UserFields stand inside of Properties instead of beside them."


def _contact_of(item: Item) -> Item:
    contact: Item = item.get("Properties", {}).get("Contact", {})
    return contact


def _contact_flaws(item: Item, stored: Item) -> Iterator[str]:
    contact = _contact_of(item)
    for name in _CONTACT_TEXTS:
        if not isinstance(contact.get(name, ""), str):
            yield f"{name} of the contact is not a text."
    if not _is_int(contact.get("Sex", 0)) or not 0 <= contact.get("Sex", 0) <= 3:
        yield "Sex of the contact is not one of 0, 1, 2, 3."
    links = contact.get("ComLinks", [])
    if not isinstance(links, list) or not all(isinstance(link, dict) for link in links):
        yield "ComLinks are not a list of objects."
        return
    kept = [without_empty(link) for link in _contact_of(stored).get("ComLinks") or []]
    for link in links:
        if without_empty(link) not in kept:
            yield from _link_flaws(link)


def _link_flaws(link: Item) -> Iterator[str]:
    """The page: texts of links stand in angle brackets; the spec: the numbers of categories and kinds."""
    text = link.get("Text", "")
    if not isinstance(text, str) or not _IN_BRACKETS.fullmatch(text):
        yield f"The Text of a link does not stand in angle brackets: {text!r}."
    for name, highest in (("Category", 4), ("Kind", 5)):
        number = link.get(name, 0)
        if not _is_int(number) or not 0 <= number <= highest:
            yield f"A link has the unknown {name} {number!r}."
    if not isinstance(link.get("Preferred", False), bool):
        yield "Preferred of a link is not true or false."


def _user_field_flaws(item: Item, stored: Item, known: Mapping[int, Item]) -> Iterator[str]:
    entries = item.get("UserFields", [])
    if not _are_user_fields(entries):
        yield "UserFields are not a list of objects with a FieldRef."
        return
    refs = [entry["FieldRef"] for entry in entries]
    for ref in {ref for ref in refs if refs.count(ref) > 1}:
        yield f"The user field {ref} stands twice in the item."
    before = _values_of(stored)
    for ref, value in _values_of(item).items():
        if value == before.get(ref, ""):
            continue
        if flaw := _value_flaw(known.get(ref), value):
            yield f"The user field {ref} {flaw}."


def _value_flaw(user_field: Item | None, value: Any) -> str | None:
    """What speaks against writing a value: the spec, "Numbers" and RpcUserFields.GetList."""
    if user_field is None:
        return "does not exist"
    if user_field.get("ReadOnly"):
        return "is read-only"
    if not user_field.get("Kinds", 0) & CONTACT_BIT:
        return "can't be used on contacts"
    if user_field.get("DataType", TEXT) == TEXT and not isinstance(value, str):
        return "takes a text"
    return None
