"""The GREYHOUND stand-in keeps to the vendor's page, refuses what it forbids, and fails on demand."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from engine.simulator import Fault, GreyhoundSimulator

ONE, OTHER = "1" * 32, "2" * 32
LINKS = [
    {"Category": 1, "Preferred": True, "Text": "<johndoe@test.com>"},
    {"Category": 1, "Kind": 2, "Text": "<Musterstraße 123, 12345 Musterhausen, Deutschland>"},
]
SAMPLE: dict[str, Any] = {
    "Kind": 8,
    "State": 1,
    "GroupRef": 1,
    "Priority": 2,
    "Subject": "John Doe",
    "Properties": {"Contact": {"Firstname": "John", "Lastname": "Doe", "ComLinks": LINKS}},
    "UserFields": [{"FieldRef": 6, "Value": "K-0815"}],
}
EVERY_CONTACT = {
    "Kinds": 256,
    "States": 255,
    "Priorities": 31,
    "MinClassified": -1,
    "MaxClassified": -1,
    "NegativeFlags": 2,
}


class RpcError(Exception):
    pass


@dataclass
class Caller:
    """Calls a method the way a program does: everything that is left out of the answer is None."""

    http: httpx.Client
    server: GreyhoundSimulator
    client: str = ONE
    user: str = "api"
    password: str = "secret"

    def post(self, content: Any, **headers: str) -> httpx.Response:
        login = f"{self.client}-{self.user}:{self.password}".encode("cp1252")
        basic = {"Authorization": f"Basic {base64.b64encode(login).decode()}", "Content-Type": "application/json"}
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.http.post(f"{self.server.url}/json", content=body, headers={**basic, **headers})

    def __call__(self, method: str, *params: Any) -> Any:
        response = self.post({"version": "1.1", "method": method, "params": params})
        answer = response.json()
        if "error" in answer:
            assert response.status_code == 500
            raise RpcError(answer["error"])
        assert response.status_code == 200
        return answer.get("result")

    def index(self, filter_: dict[str, Any] | None = None, offset: int = 0, order: int = 11, direction: int = 0) -> Any:
        wanted = EVERY_CONTACT if filter_ is None else filter_
        return self("RpcItems.GetList", wanted, order, direction, offset, 805591041, [6, 7], 0, 0) or []

    def change(self, item_id: int, **changes: Any) -> None:
        self("RpcItems.Lock", item_id)
        item = {**self("RpcItems.Get", item_id, False), **changes}
        for name in ("Protocol", "Remarks"):
            if name not in changes:
                item.pop(name, None)
        try:
            self("RpcItems.Put", item)
        finally:
            self("RpcItems.Unlock", item_id)


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=5) as client:
        yield client


@pytest.fixture
def greyhound() -> Iterator[GreyhoundSimulator]:
    with GreyhoundSimulator() as server:
        yield server


@pytest.fixture
def call(http: httpx.Client, greyhound: GreyhoundSimulator) -> Caller:
    return Caller(http, greyhound)


def having(key: str) -> dict[str, Any]:
    return {**EVERY_CONTACT, "UserFields": [{"FieldRef": 6, "Compare": 0, "Combine": 0, "Value": key}]}


def changed(**fields: Any) -> dict[str, Any]:
    return {**SAMPLE, **fields}


def with_contact(**properties: Any) -> dict[str, Any]:
    return changed(Properties={"Contact": properties})


def without(name: str) -> dict[str, Any]:
    return {field: value for field, value in SAMPLE.items() if field != name}


# -- login and clients -------------------------------------------------------------------------------------------------


def test_a_login_is_the_client_id_a_dash_and_the_user(call: Caller, greyhound: GreyhoundSimulator) -> None:
    assert call("RpcInfo.GetServerStatus")
    (made,) = greyhound.calls
    assert (made.method, made.params, made.client, made.user, made.error) == (
        "RpcInfo.GetServerStatus",
        [],
        ONE,
        "api",
        None,
    )
    assert greyhound.breaches == []


@pytest.mark.parametrize(("user", "password"), [("api", "wrong"), ("nobody", "secret"), ("api", "")])
def test_a_wrong_login_is_401(http: httpx.Client, greyhound: GreyhoundSimulator, user: str, password: str) -> None:
    call = Caller(http, greyhound, user=user, password=password)
    assert call.post({}).status_code == 401
    assert greyhound.calls == []
    assert greyhound.breaches == []


@pytest.mark.parametrize("client", ["1" * 31, "1" * 33, ""])
def test_a_client_id_of_another_length_is_a_breach(
    http: httpx.Client, greyhound: GreyhoundSimulator, client: str
) -> None:
    assert Caller(http, greyhound, client=client).post({}).status_code == 401
    assert "32 characters" in greyhound.breaches[0]


def test_without_basic_the_login_is_a_breach(call: Caller, greyhound: GreyhoundSimulator) -> None:
    assert call.post({}, Authorization="Bearer x").status_code == 401
    assert call.post({}, Authorization="Basic ???").status_code == 401
    assert len(greyhound.breaches) == 1


def test_a_password_is_read_in_the_servers_encoding(http: httpx.Client) -> None:
    for encoding, code in (("cp1252", 200), ("utf-8", 401)):
        with GreyhoundSimulator(users={"jörg": "ge:heim€"}, auth_encoding=encoding) as server:
            call = Caller(http, server, user="jörg", password="ge:heim€")
            response = call.post({"version": "1.1", "method": "RpcInfo.GetServerStatus", "params": []})
            assert response.status_code == code


def test_without_users_anybody_gets_in(http: httpx.Client) -> None:
    with GreyhoundSimulator(users=None) as server:
        assert Caller(http, server, user="anna", password="x")("RpcInfo.GetServerStatus")


def test_one_client_too_many_is_refused_until_another_expires(http: httpx.Client) -> None:
    with GreyhoundSimulator(max_clients=2) as server:
        now = 0.0
        server.clock = lambda: now
        one, two, three = (Caller(http, server, client=digit * 32) for digit in "123")
        one("RpcInfo.GetServerStatus")
        now = 30
        two("RpcInfo.GetServerStatus")
        with pytest.raises(RpcError, match="too many clients"):
            three("RpcInfo.GetServerStatus")
        one("RpcInfo.GetServerStatus")
        now = 90.5
        three("RpcInfo.GetServerStatus")
        assert set(server.clients) == {("api", "3" * 32)}


# -- requests and answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", ["text/plain", "application/json; charset=iso-8859-1"])
def test_another_content_type_is_a_breach(call: Caller, greyhound: GreyhoundSimulator, content_type: str) -> None:
    assert call.post({}, **{"Content-Type": content_type}).status_code == 415
    assert "Content-Type" in greyhound.breaches[0]


def test_the_id_is_echoed(call: Caller) -> None:
    request = {"version": "1.1", "method": "RpcInfo.GetServerInfo", "params": [False], "id": 17}
    response = call.post(request, **{"Content-Type": "application/json; charset=utf-8"})
    assert response.json() == {
        "version": "1.1",
        "result": {"Name": "GREYHOUND stand-in", "Version": "5.6.0"},
        "id": 17,
    }


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 100_000,
        {"version": "2.0", "method": "RpcInfo.GetServerStatus", "params": []},
        {"method": "RpcInfo.GetServerStatus", "params": []},
        {"version": "1.1", "params": []},
        {"version": "1.1", "method": "RpcInfo.GetServerStatus", "params": {}},
        {"version": "1.1", "method": "RpcItems.Nonsense", "params": []},
        {"version": "1.1", "method": "RpcItems.Get", "params": [1]},
        {"version": "1.1", "method": "RpcItems.Get", "params": [1, 0]},
        {"version": "1.1", "method": "RpcItems.Get", "params": ["1", False]},
        {"version": "1.1", "method": "RpcItems.Get", "params": [True, False]},
        {"version": "1.1", "method": "RpcItems.Lock", "params": [1, False]},
        {"version": "1.1", "method": "RpcItems.New", "params": [[], False]},
    ],
)
def test_a_request_of_another_form_is_an_error_and_a_breach(
    call: Caller, greyhound: GreyhoundSimulator, content: Any
) -> None:
    response = call.post(content)
    assert response.status_code == 500
    assert response.json()["error"]["code"] in (701, 702)
    assert len(greyhound.breaches) == 1
    assert greyhound.calls[0].error == greyhound.breaches[0]


def test_another_path_is_404_and_another_method_405(http: httpx.Client, greyhound: GreyhoundSimulator) -> None:
    assert http.post(f"{greyhound.url}/").status_code == 404
    assert http.get(f"{greyhound.url}/json").status_code == 405


def test_empty_values_are_left_out_of_answers(call: Caller, greyhound: GreyhoundSimulator) -> None:
    links = [{"Category": 0, "Kind": 0, "Preferred": False, "Text": "<a@b.de>"}, {"Text": ""}]
    item_id = greyhound.add_contact(contact={"Firstname": "", "Sex": 0, "ComLinks": links}, Priority=0, Custom=None)
    item = call("RpcItems.Get", item_id, False)
    assert item["Properties"] == {"Contact": {"ComLinks": [{"Text": "<a@b.de>"}, {}]}}
    assert {"Priority", "Flags", "Remarks", "UserFields", "Custom"}.isdisjoint(item)
    assert call.post({"version": "1.1", "method": "RpcItems.Lock", "params": [item_id]}).json() == {"version": "1.1"}


@pytest.mark.parametrize(
    ("shape", "error"),
    [
        ("object", {"code": 704, "message": "The item 1 does not exist."}),
        ("fault", {"faultCode": 704, "faultString": "The item 1 does not exist."}),
        ("text", "The item 1 does not exist. (704)"),
    ],
)
def test_errors_come_in_three_shapes(call: Caller, greyhound: GreyhoundSimulator, shape: Any, error: Any) -> None:
    greyhound.error_shape = shape
    response = call.post({"version": "1.1", "method": "RpcItems.Get", "params": [1, False], "id": 3})
    assert response.status_code == 500
    assert response.json() == {"version": "1.1", "error": error, "id": 3}
    assert greyhound.breaches == []


def test_raw_controls_make_answers_that_only_a_lenient_reader_takes(
    call: Caller, greyhound: GreyhoundSimulator
) -> None:
    greyhound.raw_controls = True
    item_id = greyhound.add_contact(Subject="a\nb\\n")
    text = call.post({"version": "1.1", "method": "RpcItems.Get", "params": [item_id, False]}).text
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    assert json.loads(text, strict=False)["result"]["Subject"] == "a\nb\\n"


# -- the server's own lists --------------------------------------------------------------------------------------------


def test_groups_user_fields_and_settings_can_be_asked_for(call: Caller) -> None:
    assert [group["Path"] for group in call("RpcGroups.GetList", False)] == [
        "Kontakte",
        "Kontakte/Mitglieder",
        "Kontakte/Kunden",
    ]
    fields = {one["ID"]: one for one in call("RpcUserFields.GetList")}
    assert [ref for ref, one in fields.items() if one["Kinds"] & 256] == [6, 7, 9]
    assert [ref for ref, one in fields.items() if one.get("ReadOnly")] == [9]
    assert call("RpcInfo.GetServerSettings") == {"ElementsPerList": 50}


def test_groups_user_fields_and_limits_are_set_by_the_test(http: httpx.Client) -> None:
    groups = [{"ID": 5, "Name": "Alle", "Path": "Alle"}]
    with GreyhoundSimulator(groups=groups, user_fields=[], page_size=7, max_search_results=20) as server:
        call = Caller(http, server)
        assert call("RpcGroups.GetList", True) == groups
        assert call("RpcUserFields.GetList") is None
        assert call("RpcInfo.GetServerSettings") == {"ElementsPerList": 7, "MaxSearchResults": 20}
        assert server.contacts[server.add_contact()]["GroupRef"] == 5


# -- New ---------------------------------------------------------------------------------------------------------------


def test_the_vendors_sample_makes_a_contact(call: Caller, greyhound: GreyhoundSimulator) -> None:
    item_id = call("RpcItems.New", SAMPLE, False)
    assert greyhound.contacts[item_id].items() >= SAMPLE.items()
    assert greyhound.locks == {}
    assert greyhound.writes == 1
    assert greyhound.breaches == []


def test_a_contact_can_be_created_locked(call: Caller, greyhound: GreyhoundSimulator) -> None:
    item_id = call("RpcItems.New", SAMPLE, True)
    assert greyhound.locks == {item_id: ("api", ONE)}


@pytest.mark.parametrize(
    ("item", "word"),
    [
        (without("Kind"), "e-mail"),
        (changed(Kind=0), "e-mail"),
        (changed(Kind=1), "Kind 8"),
        (changed(Kind="8"), "Kind"),
        (without("GroupRef"), "GroupRef"),
        (without("Subject"), "Subject"),
        (changed(Subject=""), "Subject"),
        (changed(Subject=1), "Subject"),
        (changed(State="1"), "State"),
        (changed(Properties=[]), "Properties"),
        (changed(Properties={"Contact": {}, "UserFields": []}), "beside"),
        (with_contact(UserFields=[]), "beside"),
        (with_contact(Firstname=None), "Firstname"),
        (with_contact(Sex=4), "Sex"),
        (with_contact(ComLinks={}), "ComLinks"),
        (with_contact(ComLinks=[{"Text": "a@b.de"}]), "angle brackets"),
        (with_contact(ComLinks=[{"Text": "<<a@b.de>>"}]), "angle brackets"),
        (with_contact(ComLinks=[{"Text": "<>"}]), "angle brackets"),
        (with_contact(ComLinks=[{"Kind": 6, "Text": "<a>"}]), "Kind 6"),
        (with_contact(ComLinks=[{"Category": 5, "Text": "<a>"}]), "Category 5"),
        (with_contact(ComLinks=[{"Category": "business", "Text": "<a>"}]), "Category"),
        (with_contact(ComLinks=[{"Preferred": 1, "Text": "<a>"}]), "Preferred"),
        (changed(UserFields={"6": "K-1"}), "UserFields"),
        (changed(UserFields=[{"Value": "K-1"}]), "UserFields"),
        (changed(UserFields=[{"FieldRef": 5, "Value": "K-1"}]), "does not exist"),
        (changed(UserFields=[{"FieldRef": 8, "Value": "K-1"}]), "on contacts"),
        (changed(UserFields=[{"FieldRef": 9, "Value": "K-1"}]), "read-only"),
        (changed(UserFields=[{"FieldRef": 6, "Value": 815}]), "text"),
        (changed(UserFields=[{"FieldRef": 6, "Value": "a"}, {"FieldRef": 6, "Value": "b"}]), "twice"),
    ],
)
def test_a_new_item_that_is_no_proper_contact_is_refused(
    call: Caller, greyhound: GreyhoundSimulator, item: dict[str, Any], word: str
) -> None:
    with pytest.raises(RpcError, match=word):
        call("RpcItems.New", item, False)
    assert any(word in breach for breach in greyhound.breaches)
    assert greyhound.contacts == {}
    assert greyhound.writes == 0


def test_an_unknown_group_is_an_error_but_no_breach(call: Caller, greyhound: GreyhoundSimulator) -> None:
    with pytest.raises(RpcError, match="group 99"):
        call("RpcItems.New", changed(GroupRef=99), False)
    assert greyhound.breaches == []


@pytest.mark.parametrize("name", ["State", "Priority"])
def test_a_state_or_priority_left_out_reads_as_empty_and_is_a_breach(
    call: Caller, greyhound: GreyhoundSimulator, name: str
) -> None:
    item_id = call("RpcItems.New", without(name), False)
    assert name not in greyhound.contacts[item_id]
    assert name in greyhound.breaches[0]


# -- locks -------------------------------------------------------------------------------------------------------------


def test_a_lock_belongs_to_the_user_and_the_client(
    call: Caller, greyhound: GreyhoundSimulator, http: httpx.Client
) -> None:
    item_id = greyhound.add_contact()
    other = Caller(http, greyhound, client=OTHER)
    call("RpcItems.Lock", item_id)
    call("RpcItems.Lock", item_id)
    with pytest.raises(RpcError, match="locked by another"):
        other("RpcItems.Lock", item_id)
    assert greyhound.breaches == []
    with pytest.raises(RpcError, match="locked by another"):
        other("RpcItems.Unlock", item_id)
    assert len(greyhound.breaches) == 1
    call("RpcItems.Unlock", item_id)
    other("RpcItems.Lock", item_id)
    assert greyhound.locks == {item_id: ("api", OTHER)}


def test_somebody_who_edits_a_contact_keeps_the_lock_for_as_long_as_they_like(
    call: Caller, greyhound: GreyhoundSimulator
) -> None:
    item_id = greyhound.add_contact()
    greyhound.lock_by_other(item_id)
    greyhound.clock = lambda: 1e9
    with pytest.raises(RpcError, match="locked by another"):
        call("RpcItems.Lock", item_id)
    greyhound.unlock_by_other(item_id)
    call("RpcItems.Lock", item_id)
    greyhound.unlock_by_other(item_id)
    assert greyhound.locks == {item_id: ("api", ONE)}


def test_the_locks_of_a_client_that_was_silent_for_a_minute_expire(call: Caller, greyhound: GreyhoundSimulator) -> None:
    now = 0.0
    greyhound.clock = lambda: now
    item_id = greyhound.add_contact()
    call("RpcItems.Lock", item_id)
    now = 50
    call("RpcInfo.GetServerStatus")
    now = 110
    call("RpcInfo.GetServerStatus")
    assert greyhound.locks != {}
    now = 171
    with pytest.raises(RpcError, match="not locked"):
        call("RpcItems.Unlock", item_id)
    assert greyhound.breaches == []


def test_an_unknown_item_can_be_neither_got_nor_locked(call: Caller) -> None:
    for method, *more in (("RpcItems.Get", False), ("RpcItems.Lock",), ("RpcItems.Unlock",), ("RpcItems.Delete",)):
        with pytest.raises(RpcError, match="does not exist"):
            call(method, 1, *more)


# -- Put ---------------------------------------------------------------------------------------------------------------


def test_a_contact_is_locked_got_changed_put_and_unlocked(call: Caller, greyhound: GreyhoundSimulator) -> None:
    item_id = greyhound.add_contact(Remarks="wichtig", Custom={"a": 1}, user_fields={6: "K-1"})
    before = dict(greyhound.contacts[item_id])
    call.change(item_id, Subject="Neu")
    after = greyhound.contacts[item_id]
    assert after["Subject"] == "Neu"
    assert after["Modified"] >= before["Modified"]
    same = before.keys() - {"Subject", "Modified", "Flags", "Properties"}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert greyhound.writes == 1
    assert greyhound.breaches == []


def test_a_put_without_ones_own_lock_is_refused(
    call: Caller, greyhound: GreyhoundSimulator, http: httpx.Client
) -> None:
    item_id = greyhound.add_contact(Subject="Alt")
    item = call("RpcItems.Get", item_id, False)
    with pytest.raises(RpcError, match="without a lock"):
        call("RpcItems.Put", item)
    Caller(http, greyhound, client=OTHER)("RpcItems.Lock", item_id)
    with pytest.raises(RpcError, match="without a lock"):
        call("RpcItems.Put", item)
    assert len(greyhound.breaches) == 2
    assert greyhound.writes == 0


def test_a_put_replaces_everything_so_what_is_left_out_is_lost(call: Caller, greyhound: GreyhoundSimulator) -> None:
    fields = {6: "K-1", 7: "Technik"}
    links = [{"Text": "<a@b.de>"}, {"Kind": 3, "Text": "<0049301>"}]
    item_id = greyhound.add_contact(contact={"Firstname": "A", "ComLinks": links}, user_fields=fields, Custom="x")
    call("RpcItems.Lock", item_id)
    lean = with_contact(ComLinks=[{"Text": "<c@d.de>"}])
    call("RpcItems.Put", {**lean, "ID": item_id})
    stored = greyhound.contacts[item_id]
    assert stored["Properties"] == {"Contact": {"ComLinks": [{"Text": "<c@d.de>"}]}}
    assert stored["UserFields"] == [{"FieldRef": 6, "Value": "K-0815"}]
    assert "Custom" not in stored


@pytest.mark.parametrize("name", ["Protocol", "Remarks"])
@pytest.mark.parametrize(
    ("old", "new", "both"), [("alt", "neu", "altneu"), ([1], [2], [1, 2]), ("alt", [2], ["alt", [2]])]
)
def test_protocol_and_remarks_of_a_put_are_appended_and_a_breach(
    call: Caller, greyhound: GreyhoundSimulator, name: str, old: Any, new: Any, both: Any
) -> None:
    item_id = greyhound.add_contact(**{name: old})
    call.change(item_id, **{name: new})
    assert greyhound.contacts[item_id][name] == both
    assert len(greyhound.breaches) == 1
    assert name in greyhound.breaches[0]


@pytest.mark.parametrize("empty", ["", [], None])
def test_an_empty_protocol_on_put_leaves_the_stored_one(
    call: Caller, greyhound: GreyhoundSimulator, empty: Any
) -> None:
    item_id = greyhound.add_contact(Protocol="alt")
    call.change(item_id, Protocol=empty)
    assert greyhound.contacts[item_id]["Protocol"] == "alt"
    assert greyhound.breaches == []


@pytest.mark.parametrize("name", ["Kind", "Subject", "GroupRef", "State", "Priority"])
def test_a_put_of_a_part_of_the_item_is_refused(call: Caller, greyhound: GreyhoundSimulator, name: str) -> None:
    item_id = greyhound.add_contact()
    call("RpcItems.Lock", item_id)
    with pytest.raises(RpcError, match=name):
        call("RpcItems.Put", {**without(name), "ID": item_id})
    assert len(greyhound.breaches) == 1
    assert greyhound.writes == 0


def test_a_priority_that_was_empty_may_stay_away_on_put(call: Caller, greyhound: GreyhoundSimulator) -> None:
    item_id = greyhound.add_contact(Priority=0, State=0)
    call.change(item_id, Subject="Neu")
    assert greyhound.breaches == []


def test_an_item_that_is_no_contact_is_never_overwritten(call: Caller, greyhound: GreyhoundSimulator) -> None:
    item_id = greyhound.add_contact(Kind=3)
    with pytest.raises(RpcError, match="not a contact"):
        call.change(item_id, Kind=8)
    assert greyhound.contacts[item_id]["Kind"] == 3


def test_a_put_without_an_id_finds_nothing(call: Caller) -> None:
    for item_id in (0, "1", [1], True):
        with pytest.raises(RpcError, match="does not exist"):
            call("RpcItems.Put", changed(ID=item_id))


def test_odd_values_that_are_stored_already_may_go_back_unchanged(call: Caller, greyhound: GreyhoundSimulator) -> None:
    links = [{"Kind": 3, "Category": 0, "Text": "030 1"}, {"Kind": 17, "Text": "x"}]
    item_id = greyhound.add_contact(contact={"ComLinks": links}, user_fields={8: "m", 9: "42", 7: 3})
    call.change(item_id, Subject="Neu")
    assert greyhound.breaches == []


def test_computed_user_fields_survive_a_put_without_them(call: Caller, greyhound: GreyhoundSimulator) -> None:
    item_id = greyhound.add_contact(user_fields={7: "Technik", 9: "42"})
    call.change(item_id, UserFields=[{"FieldRef": 6, "Value": "K-1"}])
    assert greyhound.contacts[item_id]["UserFields"] == [
        {"FieldRef": 6, "Value": "K-1"},
        {"FieldRef": 9, "Value": "42"},
    ]


def test_a_computed_user_field_can_not_be_changed(call: Caller, greyhound: GreyhoundSimulator) -> None:
    item_id = greyhound.add_contact(user_fields={9: "42"})
    with pytest.raises(RpcError, match="read-only"):
        call.change(item_id, UserFields=[{"FieldRef": 9, "Value": "43"}])
    assert len(greyhound.breaches) == 1


# -- Delete ------------------------------------------------------------------------------------------------------------


def test_delete_needs_a_lock_and_moves_to_the_trash(call: Caller, greyhound: GreyhoundSimulator) -> None:
    item_id = greyhound.add_contact(Flags=4)
    with pytest.raises(RpcError, match="without a lock"):
        call("RpcItems.Delete", item_id)
    assert len(greyhound.breaches) == 1
    call("RpcItems.Lock", item_id)
    call("RpcItems.Delete", item_id)
    call("RpcItems.Unlock", item_id)
    assert greyhound.contacts[item_id]["Flags"] == 6
    assert greyhound.writes == 1
    assert call.index() == []


def test_delete_can_be_final(http: httpx.Client) -> None:
    with GreyhoundSimulator(delete_is_final=True) as server:
        call = Caller(http, server)
        item_id = server.add_contact()
        call("RpcItems.Lock", item_id)
        call("RpcItems.Delete", item_id)
        assert server.contacts == {}
        assert server.locks == {}
        with pytest.raises(RpcError, match="does not exist"):
            call("RpcItems.Unlock", item_id)


# -- GetList -----------------------------------------------------------------------------------------------------------


def test_a_contact_is_found_by_its_key(call: Caller, greyhound: GreyhoundSimulator) -> None:
    item_id = greyhound.add_contact(Subject="A", GroupRef=2, user_fields={6: "K-1", 9: "42"}, contact={"Title": "Dr."})
    greyhound.add_contact(user_fields={6: "K-11"})
    greyhound.add_contact(user_fields={7: "K-1"})
    (found,) = call.index(having("K-1"))
    stored = greyhound.contacts[item_id]
    assert found == {
        "ID": item_id,
        "GroupRef": 2,
        "State": 1,
        "Kind": 8,
        "Subject": "A",
        "Created": stored["Created"],
        "Modified": stored["Modified"],
        "UserValues": [{"FieldRef": 6, "Value": "K-1"}],
    }
    assert greyhound.breaches == []


def test_several_user_fields_of_a_filter_must_all_match(call: Caller, greyhound: GreyhoundSimulator) -> None:
    greyhound.add_contact(Subject="A", user_fields={6: "K-1", 7: "T"})
    greyhound.add_contact(Subject="B", user_fields={6: "K-1"})
    both = {**EVERY_CONTACT, "UserFields": [{"FieldRef": 6, "Value": "K-1"}, {"FieldRef": 7, "Value": "T"}]}
    assert [item["Subject"] for item in call.index(both)] == ["A"]


def test_the_trash_and_other_kinds_are_left_out_where_the_filter_says_so(
    call: Caller, greyhound: GreyhoundSimulator
) -> None:
    greyhound.add_contact(Subject="A", Flags=2)
    greyhound.add_contact(Subject="B", Kind=0)
    greyhound.add_contact(Subject="C")
    assert [item["Subject"] for item in call.index()] == ["C"]
    assert [item["Subject"] for item in call.index({**EVERY_CONTACT, "NegativeFlags": 0})] == ["A", "C"]
    assert greyhound.breaches == []


@pytest.mark.parametrize("name", EVERY_CONTACT)
def test_a_mask_that_is_not_sent_is_a_breach(call: Caller, greyhound: GreyhoundSimulator, name: str) -> None:
    greyhound.add_contact()
    found = call.index({mask: value for mask, value in EVERY_CONTACT.items() if mask != name})
    assert bool(found) == (name == "NegativeFlags")
    assert len(greyhound.breaches) == 1
    assert name in greyhound.breaches[0]


@pytest.mark.parametrize("name", ["MinClassified", "MaxClassified"])
def test_classified_other_than_minus_1_finds_nothing_and_is_a_breach(
    call: Caller, greyhound: GreyhoundSimulator, name: str
) -> None:
    greyhound.add_contact()
    assert call.index({**EVERY_CONTACT, name: 0}) == []
    assert name in greyhound.breaches[0]


@pytest.mark.parametrize(
    "filter_",
    [
        {"Groups": [1]},
        {"Kinds": "256"},
        {"States": 1},
        {"Priorities": 4},
        {"UserFields": {}},
        {"UserFields": ["K-1"]},
        {"UserFields": [{"Value": "K-1"}]},
        {"UserFields": [{"FieldRef": 5, "Value": "K-1"}]},
        {"UserFields": [{"FieldRef": 6, "Compare": 1, "Value": "K-1"}]},
        {"UserFields": [{"FieldRef": 6, "Combine": 1, "Value": "K-1"}]},
    ],
)
def test_a_filter_that_is_not_documented_is_refused_and_not_passed_over(
    call: Caller, greyhound: GreyhoundSimulator, filter_: dict[str, Any]
) -> None:
    with pytest.raises(RpcError):
        call.index({**EVERY_CONTACT, **filter_})
    assert len(greyhound.breaches) == 1


def test_an_order_that_is_not_documented_is_refused(call: Caller) -> None:
    for wrong in ({"order": 1}, {"direction": 2}, {"offset": -1}):
        with pytest.raises(RpcError):
            call.index(None, **wrong)


@pytest.mark.parametrize(("version", "count"), [("4.9", 6), ("5.0.3", 7), ("5.4", 7), ("5.5", 8), ("5.10", 8)])
def test_the_version_decides_how_many_params_a_list_takes(http: httpx.Client, version: str, count: int) -> None:
    params = [EVERY_CONTACT, 11, 0, 0, 805591041, [6], 0, 0]
    with GreyhoundSimulator(version=version) as server:
        call = Caller(http, server)
        server.add_contact()
        for number in (5, 6, 7, 8):
            if number == count:
                assert len(call("RpcItems.GetList", *params[:number])) == 1
            else:
                with pytest.raises(RpcError, match="params"):
                    call("RpcItems.GetList", *params[:number])


@pytest.mark.parametrize("order", [11, 12, 15])
def test_pages_follow_each_other_without_gaps_or_repeats(http: httpx.Client, order: int) -> None:
    with GreyhoundSimulator(page_size=4) as server:
        call = Caller(http, server)
        ids = [server.add_contact(Created="2026", Modified="2026") for _ in range(10)]
        pages = [call.index(offset=offset, order=order) for offset in (0, 4, 8, 12)]
        assert [len(page) for page in pages] == [4, 4, 2, 0]
        assert [item["ID"] for page in pages for item in page] == ids
        assert [item["ID"] for item in call.index(order=order, direction=1)] == ids[:5:-1]


def test_the_orders_are_created_and_modified(call: Caller, greyhound: GreyhoundSimulator) -> None:
    first = greyhound.add_contact(Created="2026-01-01", Modified="2026-03-01")
    second = greyhound.add_contact(Created="2025-01-01", Modified="2026-04-01")
    assert [item["ID"] for item in call.index(order=11)] == [second, first]
    assert [item["ID"] for item in call.index(order=12)] == [first, second]


def test_the_server_may_cap_what_paging_reaches(http: httpx.Client) -> None:
    with GreyhoundSimulator(page_size=4, max_search_results=6) as server:
        call = Caller(http, server)
        for number in range(10):
            server.add_contact(user_fields={6: f"K-{number}"})
        assert [len(call.index(offset=offset)) for offset in (0, 4, 6, 8)] == [4, 2, 0, 0]
        assert len(call.index(having("K-9"))) == 1


def test_a_server_that_ignores_the_filter_gives_everybody(call: Caller, greyhound: GreyhoundSimulator) -> None:
    greyhound.ignore_filter = True
    greyhound.add_contact(user_fields={6: "K-1"})
    greyhound.add_contact(user_fields={6: "K-2"})
    assert len(call.index(having("K-2"))) == 2


def test_a_server_may_leave_the_user_values_out(call: Caller, greyhound: GreyhoundSimulator) -> None:
    greyhound.omit_user_values = True
    greyhound.add_contact(user_fields={6: "K-1"})
    (found,) = call.index()
    assert "UserValues" not in found


def test_other_list_values_bring_only_the_id(call: Caller, greyhound: GreyhoundSimulator) -> None:
    item_id = greyhound.add_contact()
    assert call("RpcItems.GetList", EVERY_CONTACT, 11, 0, 0, 0, [], 0, 0) == [{"ID": item_id}]


# -- faults ------------------------------------------------------------------------------------------------------------


def test_a_fault_is_meant_for_a_method(call: Caller, greyhound: GreyhoundSimulator) -> None:
    greyhound.fail(Fault(on="RpcItems.New", reset="after"))
    call("RpcInfo.GetServerStatus")
    with pytest.raises(httpx.ReadError):
        call("RpcItems.New", SAMPLE, False)
    assert len(greyhound.contacts) == 1
    assert len(call.index(having("K-0815"))) == 1
    assert greyhound.faults == []


def test_faults_without_effect_leave_no_call(call: Caller, greyhound: GreyhoundSimulator) -> None:
    greyhound.fail(Fault(status=503), Fault(on="/json", reset="before"))
    assert call.post({"version": "1.1", "method": "RpcItems.New", "params": [SAMPLE, False]}).status_code == 503
    with pytest.raises(httpx.ReadError):
        call("RpcItems.New", SAMPLE, False)
    assert greyhound.calls == []
    assert greyhound.writes == 0


def test_a_request_that_is_no_json_can_still_meet_a_fault(call: Caller, greyhound: GreyhoundSimulator) -> None:
    greyhound.fail(Fault(on="RpcItems.New", status=502), Fault(on="json", status=504))
    assert call.post(b"[]").status_code == 504


def test_a_fault_for_get_is_none_for_getlist(call: Caller, greyhound: GreyhoundSimulator) -> None:
    greyhound.fail(Fault(on="RpcItems.Get(", status=502))
    call("RpcItems.GetList", EVERY_CONTACT, 11, 0, 0, 0, [], 0, 0)
    assert [request.status for request in greyhound.requests] == [200]
    assert len(greyhound.faults) == 1
