"""GREYHOUND: what is sent, how contacts are found again, and what happens when something goes wrong."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.config.schema import GreyhoundConnection
from engine.problems import TargetStopped
from engine.simulator import Fault, GreyhoundSimulator, Request
from engine.simulator.greyhound import GROUPS, USER_FIELDS
from engine.sync.plan import ActionPlan, Change
from engine.target.base import Effects
from engine.target.greyhound.sync import GreyhoundSync
from tests.target.helpers import GONE, NAME, World, action, held, removal_of

MAIL = {"Kind": 0, "Category": 1, "Preferred": True, "Text": "johndoe@test.com"}


def connection(url: str, **keys: Any) -> GreyhoundConnection:
    given = {"type": "greyhound", "url": url, "username": "api", "password": "secret", **keys}
    return GreyhoundConnection.model_validate(given)


def person(subject: str = "John Doe", **fields: Any) -> dict[str, Any]:
    return {"GroupRef": 1, "Subject": subject, **fields}


def people(*keys: str) -> dict[str, dict[str, Any]]:
    return {key: person(f"Person {key}") for key in keys}


@pytest.fixture
def server() -> Iterator[GreyhoundSimulator]:
    with GreyhoundSimulator() as made:
        yield made
        assert made.breaches == []
        assert {owner for owner in made.locks.values() if owner[0] == "api"} == set()


@pytest.fixture
def world(server: GreyhoundSimulator, tmp_path: Path) -> World:
    return World.made(GreyhoundSync, connection(server.url), keyed("6"), tmp_path)


def keyed(field: str, **keys: Any) -> Any:
    return action("greyhound.sync", match={"user_field": field}, **keys)


def calls(server: GreyhoundSimulator, method: str) -> list[list[Any]]:
    """The params of every call of a method."""
    return [call.params for call in server.calls if call.method == f"RpcItems.{method}"]


def methods(server: GreyhoundSimulator) -> list[str]:
    return [call.method.removeprefix("RpcItems.") for call in server.calls if call.method.startswith("RpcItems.")]


def contact_of(server: GreyhoundSimulator, contact: int) -> dict[str, Any]:
    found: dict[str, Any] = server.contacts[contact]["Properties"]["Contact"]
    return found


def keys_of(server: GreyhoundSimulator) -> list[str]:
    """The keys of all live contacts."""
    live = [item for item in server.contacts.values() if not item.get("Flags", 0) & 2]
    return sorted(entry["Value"] for item in live for entry in item["UserFields"] if entry["FieldRef"] == 6)


# -- transport ---------------------------------------------------------------------------------------------------------


def test_the_login_is_client_id_user_and_password_in_cp1252(world: World, server: GreyhoundSimulator) -> None:
    server.users = {"api": "ä€"}
    world.connection = connection(server.url, password="ä€")
    assert world.run(people("1")) == {"1": "created"}
    headers = {request.headers["Authorization"] for request in server.requests}
    assert len(headers) == 1
    scheme, _blank, encoded = headers.pop().partition(" ")
    client, dash, rest = base64.b64decode(encoded).partition(b"-")
    assert (scheme, len(client), dash, rest) == ("Basic", 32, b"-", b"api:\xe4\x80")
    assert {request.path for request in server.requests} == {"/json"}
    assert {request.headers.get_content_type() for request in server.requests} == {"application/json"}


def test_the_login_can_be_utf_8(world: World, server: GreyhoundSimulator) -> None:
    server.users, server.auth_encoding = {"api": "Ω火"}, "utf-8"
    world.connection = connection(server.url, password="Ω火", auth_encoding="utf-8")
    assert world.run(people("1")) == {"1": "created"}


def test_a_password_that_the_encoding_does_not_have_is_named(world: World, server: GreyhoundSimulator) -> None:
    world.connection = connection(server.url, password="火")
    _done, problem = world.stopped(world.plan(people("1")))
    assert problem.code == "greyhound_auth_encoding"
    assert "auth_encoding: utf-8" in problem.hint
    assert "火" not in str(problem)


def test_one_client_id_is_kept_for_all_runs(world: World, server: GreyhoundSimulator) -> None:
    for keys in (["1"], ["1", "2"], ["1", "2", "3"], ["2", "3"]):
        world.run(people(*keys), removal="trash")
    assert len({call.client for call in server.calls}) == 1


def test_a_wrong_login_stops_the_target(world: World, server: GreyhoundSimulator) -> None:
    server.users = {"api": "another"}
    done, problem = world.stopped(world.plan(people("1", "2")))
    assert (done, problem.code) == ([], "greyhound_login")
    assert "api" in problem.message
    assert "secrets.yaml" in problem.hint
    assert len(server.requests) == 1


def test_a_wrong_login_with_an_error_body_is_a_wrong_login(world: World, server: GreyhoundSimulator) -> None:
    server.fail(Fault(status=401, body='{"error": "no"}', content_type="application/json"))
    assert world.stopped(world.plan(people("1")))[1].code == "greyhound_login"


def test_a_login_that_ends_in_the_middle_stops_the_target(world: World, server: GreyhoundSimulator) -> None:
    plan = world.plan(people("1", "2"))
    server.fail(Fault(on="RpcItems.New", status=401))
    done, problem = world.stopped(plan)
    assert (done, problem.code) == ([], "greyhound_login")


def test_a_wrong_path_stops_the_target(world: World, server: GreyhoundSimulator) -> None:
    world.connection = connection(f"{server.url}/other")
    _done, problem = world.stopped(world.plan(people("1")))
    assert problem.code == "greyhound_path"
    assert "/other/json" in problem.message
    assert "url" in problem.hint


def test_the_address_may_be_written_with_the_path_of_the_vendors_page(world: World, server: GreyhoundSimulator) -> None:
    world.connection = connection(f"{server.url}/json/")
    assert world.run(people("1")) == {"1": "created"}


def test_a_server_that_answers_with_errors_only_is_there_but_does_not_work(
    world: World, server: GreyhoundSimulator
) -> None:
    server.fail(Fault(status=503, body="busy", content_type="text/plain", times=9))
    _done, problem = world.stopped(world.plan(people("1")))
    assert problem.code == "greyhound_unreachable"
    assert "does not work: HTTP 503 busy" in problem.message
    assert "proxy" in problem.hint


def test_a_web_page_is_not_greyhound(world: World, server: GreyhoundSimulator) -> None:
    server.fail(Fault(body="<html>Login</html>", times=9))
    _done, problem = world.stopped(world.plan(people("1")))
    assert problem.code == "greyhound_unreachable"
    assert "web page" in problem.message
    assert world.sleeps == [0.5, 2.0]


LOST = {
    "reset before": Fault(reset="before"),
    "reset after": Fault(reset="after"),
    "502": Fault(status=502),
    "500": Fault(status=500, body="", content_type="text/plain"),
    "301": Fault(status=301, headers={"Location": "/json"}),
    "truncated": Fault(truncate=True),
    "garbage": Fault(garbage=True),
}
ERROR = Fault(status=500, body='{"error": {"code": 799, "message": "no"}}', content_type="application/json")


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
@pytest.mark.parametrize("on", ["GetServerStatus", "RpcItems.Lock", "RpcItems.Get", "RpcItems.Put", "Unlock"])
def test_a_change_whose_answer_was_lost_is_tried_again_from_the_lock_on(
    world: World, server: GreyhoundSimulator, fault: Fault, on: str
) -> None:
    world.run(people("1"))
    server.fail(replace(fault, on=on))
    assert world.run({"1": person("Neu")}) == {"1": "updated"}
    assert world.sleeps == ([] if on in ("RpcItems.Lock", "Unlock") else [0.5])
    assert server.locks == {}
    assert server.contacts[1001]["Subject"] == "Neu"
    assert server.faults == []


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
def test_a_list_is_asked_for_again(world: World, server: GreyhoundSimulator, fault: Fault) -> None:
    server.add_contact(user_fields={6: "1"})
    server.fail(replace(fault, on="GetList"))
    assert world.run(people("1")) == {"1": "updated"}
    assert world.sleeps == [0.5]


def test_a_server_that_is_not_there_is_named(world: World, server: GreyhoundSimulator) -> None:
    server.stop()
    _done, problem = world.stopped(world.plan(people("1")))
    assert problem.code == "greyhound_unreachable"
    assert server.url in problem.message
    assert "is the server running" in problem.message


def test_a_server_that_answers_nobody_any_more_is_left_alone(world: World, server: GreyhoundSimulator) -> None:
    keys = [str(number) for number in range(500)]
    world.run(people(*keys))
    before = len(server.requests)
    wanted = {key: person("Neu") for key in keys}
    plan = world.plan(wanted)
    server.fail(*[Fault(on="RpcItems.", reset="before", times=500), Fault(on="GetServerStatus")])
    server.fail(Fault(on="GetServerStatus", reset="before", times=500))
    done, problem = world.stopped(plan)
    assert [(outcome.key, outcome.kind, outcome.code) for outcome in done] == [
        (key, "failed", "greyhound_silent") for key in ("0", "1", "2")
    ]
    assert problem.code == "greyhound_unreachable"
    assert "next run" in problem.hint
    assert len(server.requests) - before < 20
    assert world.intended() == set()  # no Put was ever sent


def test_contacts_that_get_no_answer_do_not_stop_the_others(world: World, server: GreyhoundSimulator) -> None:
    world.run(people(*"12345"))
    lost, fine = Fault(on="RpcItems.Put", reset="before"), Fault(on="RpcItems.Put")
    # The first is tried three times, the others once as long as nobody gets an answer; then the server is asked.
    server.fail(lost, lost, lost, lost, lost, fine)
    outcomes = world.run({key: person("Neu") for key in "12345"})
    assert outcomes == {"1": "failed", "2": "failed", "3": "failed", "4": "updated", "5": "updated"}
    assert [call.method for call in server.calls].count("RpcInfo.GetServerStatus") == 3


def test_a_server_that_is_well_but_never_writes_is_left_alone_in_the_end(
    world: World, server: GreyhoundSimulator
) -> None:
    keys = [str(number) for number in range(100)]
    world.run(people(*keys))
    server.fail(Fault(on="RpcItems.Put", reset="before", times=1000))
    done, problem = world.stopped(world.plan({key: person("Neu") for key in keys}))
    assert {outcome.code for outcome in done} == {"greyhound_silent"}
    assert len(done) < 20
    assert problem.code == "greyhound_unreachable"


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ("object", "GREYHOUND refused: RpcItems.New: 705 (5) The group 99 does not exist."),
        ("fault", "GREYHOUND refused: RpcItems.New: 705 (5) The group 99 does not exist."),
        ("text", "GREYHOUND refused: RpcItems.New: The group 99 does not exist. (705)"),
    ],
)
def test_an_error_is_shown_with_both_codes_and_the_others_go_on(
    world: World, server: GreyhoundSimulator, shape: Any, text: str
) -> None:
    server.error_shape = shape
    # Who may not see the groups is believed: then it is New that refuses.
    server.fail(replace(ERROR, on="RpcGroups.GetList"))
    outcomes = world.outcomes({"1": person(GroupRef=99), "2": person()})
    assert (outcomes["1"].kind, outcomes["1"].message) == ("failed", text)
    assert outcomes["2"].kind == "created"
    assert world.sent().keys() == {"2"}


def test_control_characters_in_answers_are_read(world: World, server: GreyhoundSimulator) -> None:
    server.raw_controls = True
    contact = server.add_contact(user_fields={6: "1"}, contact={"Company": "A\tB\r\nC"})
    assert world.run(people("1")) == {"1": "updated"}
    assert contact_of(server, contact)["Company"] == "A\tB\r\nC"


def test_halves_of_characters_go_back_as_they_came(world: World, server: GreyhoundSimulator) -> None:
    broken = '{"version": "1.1", "result": {"ID": 1001, "Kind": 8, "State": 1, "GroupRef": 1, "Priority": 2,'
    broken += ' "Subject": "a\\ud83d", "UserFields": [{"FieldRef": 6, "Value": "1"}], "Note": "\\ud83d"}}'
    world.run(people("1"))
    server.fail(Fault(on="RpcItems.Get", status=200, body=broken, content_type="application/json"))
    assert world.run({"1": person("Neu")}) == {"1": "updated"}
    assert server.contacts[1001]["Note"] == "\ud83d"


@pytest.mark.parametrize("status", [400, 500])
def test_the_password_is_never_shown_even_if_the_server_echoes_it(
    world: World, server: GreyhoundSimulator, status: int
) -> None:
    password = 'p"ss/ä&wört'
    server.users = {"api": password}
    world.connection = connection(server.url, password=password)
    world.run({})
    header = "Authorization"
    for echo in (password, 'p\\"ss/\\u00e4&w\\u00f6rt'):
        body = f'{{"error": {{"code": 701, "message": "{echo}"}}}}'.replace('p"ss', 'p\\"ss')
        server.fail(Fault(on="RpcItems.New", status=status, body=body, content_type="application/json"))
        (outcome,) = world.outcomes(people("1")).values()
        assert outcome.kind == "failed"
        assert "ss/" not in outcome.message + outcome.hint
    token = server.requests[-1].headers[header].split()[1]
    server.fail(Fault(on="Status", status=status, body=f"got {token}", content_type="text/plain", times=3))
    assert token not in str(world.stopped(world.plan(people("1")))[1])


def test_too_many_clients_are_named_as_such(world: World, server: GreyhoundSimulator) -> None:
    server.max_clients = 0
    _done, problem = world.stopped(world.plan(people("1")))
    assert problem.code == "greyhound_refused"
    assert "703 (3)" in problem.message
    assert "clients" in problem.hint


# -- a new contact -----------------------------------------------------------------------------------------------------


def test_new_is_called_as_in_the_vendors_sample(world: World, server: GreyhoundSimulator) -> None:
    letter = {"Kind": 2, "Category": 1, "Text": "Musterstraße 123, 12345 Musterhausen, Deutschland"}
    world.run({"K-0815": person(Firstname="John", Lastname="Doe", ComLinks=[MAIL, letter])})
    assert calls(server, "New") == [
        [
            {
                "Kind": 8,
                "State": 1,
                "GroupRef": 1,
                "Priority": 2,
                "Subject": "John Doe",
                "Properties": {
                    "Contact": {
                        "Firstname": "John",
                        "Lastname": "Doe",
                        "ComLinks": [
                            {"Category": 1, "Kind": 0, "Preferred": True, "Text": "<johndoe@test.com>"},
                            {
                                "Category": 1,
                                "Kind": 2,
                                "Preferred": False,
                                "Text": "<Musterstraße 123, 12345 Musterhausen, Deutschland>",
                            },
                        ],
                    }
                },
                "UserFields": [{"FieldRef": 6, "Value": "K-0815"}],
            },
            False,
        ]
    ]
    assert world.remotes() == {"K-0815": "1001"}


def test_the_whole_first_import_costs_few_calls_besides_new(world: World, server: GreyhoundSimulator) -> None:
    server.add_contact(user_fields={6: "other"})
    world.run(people(*map(str, range(60))))
    assert len(calls(server, "New")) == 60
    assert len(server.calls) - 60 <= 7


# -- finding a contact again -------------------------------------------------------------------------------------------


def test_a_contact_that_carries_the_key_is_taken_over(world: World, server: GreyhoundSimulator) -> None:
    contact = server.add_contact(user_fields={6: "1"}, contact={"Company": "ACME"})
    outcome = world.outcomes(people("1"))["1"]
    assert (outcome.kind, outcome.code) == ("updated", "contact_adopted")
    assert str(contact) in outcome.message
    assert world.remotes() == {"1": str(contact)}
    assert contact_of(server, contact)["Company"] == "ACME"
    assert calls(server, "New") == []


def test_a_contact_that_says_the_same_already_is_taken_over_without_a_put(
    world: World, server: GreyhoundSimulator
) -> None:
    server.add_contact(user_fields={6: "1"}, Subject="Person 1")
    assert world.run(people("1")) == {"1": "unchanged"}
    assert calls(server, "Put") == []


def test_the_index_turns_pages(world: World, server: GreyhoundSimulator) -> None:
    server.page_size = 3
    ids = [server.add_contact(user_fields={6: str(number)}, Subject=f"Person {number}") for number in range(8)]
    assert set(world.run(people(*map(str, range(8)))).values()) == {"unchanged"}
    assert world.remotes() == {str(number): str(contact) for number, contact in enumerate(ids)}
    assert [params[3] for params in calls(server, "GetList")] == [0, 2, 4, 6, 7]


@pytest.mark.parametrize("page_size", [2, 3, 50])
def test_somebody_who_moves_up_while_pages_are_turned_is_not_overlooked(
    world: World, server: GreyhoundSimulator, page_size: int
) -> None:
    server.page_size = page_size
    ids = [server.add_contact(user_fields={6: str(number)}, Subject=f"Person {number}") for number in range(9)]
    get_list = server._get_list

    def once_deleted(*params: Any) -> Any:
        page = get_list(*params)
        # A colleague tidies up in the middle of our reading.
        server.contacts[ids[0]]["Flags"] = 2
        return page

    server._methods["RpcItems.GetList"] = type(server._methods["RpcItems.GetList"])(once_deleted)
    world.run(people(*map(str, range(1, 9))))
    assert calls(server, "New") == []
    assert world.remotes() == {str(number): str(ids[number]) for number in range(1, 9)}


def test_every_mask_is_sent_explicitly(world: World, server: GreyhoundSimulator) -> None:
    world.run(people("1"))
    assert calls(server, "GetList")[0] == [
        {
            "Kinds": 256,
            "States": 255,
            "Priorities": 31,
            "MinClassified": -1,
            "MaxClassified": -1,
            "NegativeFlags": 2,
        },
        11,
        0,
        0,
        805591041,
        [6],
        0,
        0,
    ]


@pytest.mark.parametrize(
    "blur",
    [
        {"omit_user_values": True},
        {"omit_user_values": True, "ignore_filter": True},
        {"max_search_results": 3},
    ],
    ids=["no values in lists", "nor filters", "capped"],
)
def test_where_the_index_can_not_be_trusted_keys_are_looked_up_singly(
    world: World, server: GreyhoundSimulator, blur: dict[str, Any]
) -> None:
    for number in range(5):
        server.add_contact(user_fields={6: str(number)}, Subject=f"Person {number}")
    for name, value in blur.items():
        setattr(server, name, value)
    assert world.run(people("4", "1", "9")) == {"4": "unchanged", "1": "unchanged", "9": "created"}
    assert keys_of(server) == ["0", "1", "2", "3", "4", "9"]


def test_where_filters_and_values_are_missing_every_contact_is_read_only_once(
    world: World, server: GreyhoundSimulator
) -> None:
    for number in range(5):
        server.add_contact(user_fields={6: f"x{number}"})
    server.omit_user_values = server.ignore_filter = True
    world.run(people("1", "2", "3"))
    assert len(calls(server, "Get")) == 5


def test_a_server_that_forgets_the_filter_does_not_pass_on_a_stranger(world: World, server: GreyhoundSimulator) -> None:
    server.ignore_filter, server.max_search_results = True, 2
    strangers = [server.add_contact(user_fields={6: key}, Subject="Fremd") for key in ("7", "8", "")]
    assert world.run(people("1")) == {"1": "created"}
    assert {server.contacts[contact]["Subject"] for contact in strangers} == {"Fremd"}


def test_a_server_that_turns_no_pages_makes_no_doubles(
    world: World, server: GreyhoundSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.page_size = 2
    for number in range(5):
        server.add_contact(user_fields={6: str(number)}, Subject=f"Person {number}")
    turning = server._get_list
    monkeypatch.setitem(
        server._methods,
        "RpcItems.GetList",
        type(server._methods["RpcItems.GetList"])(lambda c, w, o, d, _offset, *rest: turning(c, w, o, d, 0, *rest)),
    )
    assert set(world.run(people(*"01234")).values()) == {"unchanged"}
    assert keys_of(server) == list("01234")


def test_a_server_that_does_not_tell_its_cap_is_asked_for_every_key(world: World, server: GreyhoundSimulator) -> None:
    server.add_contact(user_fields={6: "x"})
    server.fail(replace(ERROR, on="GetServerSettings"))
    world.run(people("1", "2"))
    assert sum("UserFields" in params[0] for params in calls(server, "GetList")) == 2


@pytest.mark.parametrize("item", [{"Flags": 2}, {"Kind": 1}], ids=["in the trash", "an e-mail"])
def test_what_is_no_live_contact_is_not_found(world: World, server: GreyhoundSimulator, item: dict[str, Any]) -> None:
    server.add_contact(user_fields={6: "1"}, **item)
    assert world.run(people("1")) == {"1": "created"}


@pytest.mark.parametrize("near", ["01", "1 ", "1a", "A"])
def test_only_the_exact_value_is_a_hit(world: World, server: GreyhoundSimulator, near: str) -> None:
    server.add_contact(user_fields={6: near})
    assert world.run({"1": person(), "a": person()}) == {"1": "created", "a": "created"}


@pytest.mark.parametrize("capped", [False, True])
def test_two_hits_are_a_conflict_that_names_both(world: World, server: GreyhoundSimulator, capped: bool) -> None:
    both = [server.add_contact(user_fields={6: "1"}) for _ in range(2)]
    server.max_search_results = 2 if capped else None
    outcomes = world.outcomes(people("1", "2"))
    assert (outcomes["1"].kind, outcomes["1"].code) == ("conflict", "contact_twice")
    assert all(str(contact) in outcomes["1"].message for contact in both)
    assert outcomes["2"].kind == "created"
    assert server.writes == 1
    assert world.sent().keys() == {"2"}


@pytest.mark.parametrize(
    ("version", "params"), [("4.9.2", 6), ("5.0", 7), ("5.4.1", 7), ("5.5.0", 8), ("5.6.0", 8), ("10.0", 8)]
)
def test_lists_are_asked_for_as_the_server_s_version_takes_it(
    world: World, server: GreyhoundSimulator, version: str, params: int
) -> None:
    server.version = version
    world.run(people("1"))
    assert {len(given) for given in calls(server, "GetList")} == {params}


def test_the_number_of_params_can_be_set(world: World, server: GreyhoundSimulator) -> None:
    server.version = "4.9"
    world.connection = connection(server.url, getlist_params="6")
    world.run(people("1"))
    assert {len(given) for given in calls(server, "GetList")} == {6}
    assert "RpcInfo.GetServerInfo" not in [call.method for call in server.calls]


@pytest.mark.parametrize("body", ['{"error": "no"}', '{"result": {}}', '{"result": {"Version": "?"}}'])
def test_a_server_that_does_not_tell_its_version_is_a_new_one(
    world: World, server: GreyhoundSimulator, body: str
) -> None:
    status = 500 if "error" in body else 200
    server.fail(Fault(on="GetServerInfo", status=status, body=body, content_type="application/json"))
    assert world.run(people("1")) == {"1": "created"}
    assert {len(given) for given in calls(server, "GetList")} == {8}


# -- changing a contact ------------------------------------------------------------------------------------------------


def test_an_update_is_lock_get_put_unlock(world: World, server: GreyhoundSimulator) -> None:
    world.run(people("1"))
    server.calls.clear()
    assert world.run({"1": person("Neu")}) == {"1": "updated"}
    assert methods(server) == ["Lock", "Get", "Put", "Unlock"]
    assert calls(server, "Get") == [[1001, False]]


def test_nothing_is_put_where_nothing_managed_differs(world: World, server: GreyhoundSimulator) -> None:
    world.run({"1": person("Alt")})
    server.contacts[1001]["Subject"] = "Neu"
    server.calls.clear()
    assert world.run({"1": person("Neu")}) == {"1": "updated"}
    assert methods(server) == ["Lock", "Get", "Unlock"]
    assert world.sent()["1"]["Subject"] == "Neu"


def test_unmanaged_and_unknown_properties_stay_at_every_level(world: World, server: GreyhoundSimulator) -> None:
    world.run({"1": person(Lastname="Alt", ComLinks=[MAIL])})
    item = server.contacts[1001]
    item |= {"Unknown": {"a": 1}, "Flags": 4, "GroupRef": 3, "State": 5, "Priority": 4, "Remarks": "Notiz"}
    item["Properties"]["Other"] = {"b": 2}
    contact = item["Properties"]["Contact"]
    contact |= {"Company": "ACME", "Unknown": [3]}
    contact["ComLinks"][0]["Note"] = "privat?"
    contact["ComLinks"].append({"Kind": 3, "Category": 2, "Text": "<030 1234>", "Note": "x"})
    item["UserFields"].append({"FieldRef": 7, "Value": "A", "Note": "y"})
    protocol = item["Protocol"]
    world.run({"1": person("Neu", Lastname="Neu", ComLinks=[MAIL | {"Text": "neu@test.com"}])})
    after = server.contacts[1001]
    assert (after["Unknown"], after["Flags"], after["Properties"]["Other"]) == ({"a": 1}, 4, {"b": 2})
    assert (after["GroupRef"], after["State"], after["Priority"]) == (3, 5, 4)
    assert (after["Remarks"], after["Protocol"]) == ("Notiz", protocol)
    assert after["UserFields"] == [{"FieldRef": 6, "Value": "1"}, {"FieldRef": 7, "Value": "A", "Note": "y"}]
    contact = contact_of(server, 1001)
    assert (contact["Company"], contact["Unknown"], contact["Lastname"]) == ("ACME", [3], "Neu")
    assert [(link["Text"], link["Note"]) for link in contact["ComLinks"]] == [
        ("<neu@test.com>", "privat?"),
        ("<030 1234>", "x"),
    ]


def test_protocol_and_remarks_are_put_empty(world: World, server: GreyhoundSimulator) -> None:
    world.run(people("1"))
    server.contacts[1001]["Remarks"] = "Notiz"
    world.run({"1": person("Neu")})
    ((item,),) = calls(server, "Put")
    assert (item["Protocol"], item["Remarks"]) == ("", "")


def test_a_link_with_an_empty_text_is_removed(world: World, server: GreyhoundSimulator) -> None:
    world.run({"1": person(ComLinks=[MAIL])})
    world.run({"1": person(ComLinks=[MAIL | {"Text": ""}])})
    assert contact_of(server, 1001).get("ComLinks", []) == []


def test_a_number_that_the_server_wrote_in_its_own_way_is_not_put_again(
    world: World, server: GreyhoundSimulator
) -> None:
    mobile = {"Kind": 4, "Category": 1, "Text": "00491512000001"}
    world.run({"1": person(ComLinks=[mobile])})
    contact_of(server, 1001)["ComLinks"][0]["Text"] = "<+49 151 2000001>"
    assert kinds_of(world, {"1": person(ComLinks=[mobile])}) == {}
    world.run({"1": person("Neu", ComLinks=[mobile])})
    assert contact_of(server, 1001)["ComLinks"][0]["Text"] == "<+49 151 2000001>"
    assert world.run({"1": person("Neu", ComLinks=[mobile])}, full=True) == {"1": "unchanged"}
    assert len(calls(server, "Put")) == 1


def kinds_of(world: World, wanted: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {change.key: change.kind for change in world.plan(wanted).changes}


@pytest.mark.parametrize(
    "fault",
    [
        replace(ERROR, on="RpcItems.Get"),
        replace(ERROR, on="RpcItems.Put"),
        Fault(on="RpcItems.Get", reset="before", times=3),
        Fault(on="RpcItems.Put", reset="before", times=3),
        Fault(on="RpcItems.Put", status=502, times=3),
    ],
    ids=["Get refused", "Put refused", "Get silent", "Put silent", "Put behind a proxy"],
)
def test_a_contact_is_unlocked_also_after_an_error(world: World, server: GreyhoundSimulator, fault: Fault) -> None:
    world.run(people("1", "2"))
    server.fail(fault)
    assert world.run({"1": person("Neu"), "2": person("Neu")}) == {"1": "failed", "2": "updated"}
    assert methods(server)[-1] == "Unlock"
    assert server.locks == {}
    assert world.sent()["1"]["Subject"] == "Person 1"


def test_a_lock_whose_answer_was_lost_is_given_back(world: World, server: GreyhoundSimulator) -> None:
    world.run(people("1"))
    server.fail(Fault(on="RpcItems.Lock", reset="after", times=6))
    assert world.run({"1": person("Neu")}) == {"1": "failed"}
    assert server.locks == {}


def test_an_unlock_that_fails_after_a_good_put_is_no_failure(world: World, server: GreyhoundSimulator) -> None:
    world.run(people("1", "2"))
    server.fail(replace(ERROR, on="Unlock", after_effect=True))
    server.fail(Fault(on="Unlock", reset="after", times=3))
    assert world.run({"1": person("Neu"), "2": person("Neu")}) == {"1": "updated", "2": "updated"}
    assert {item["Subject"] for item in server.contacts.values()} == {"Neu"}
    assert {record["Subject"] for record in world.sent().values()} == {"Neu"}


def test_a_put_whose_answer_was_lost_is_settled_at_once(world: World, server: GreyhoundSimulator) -> None:
    world.run(people("1"))
    server.fail(Fault(on="Put", reset="after"))
    assert world.run({"1": person("Neu")}) == {"1": "updated"}
    assert len(calls(server, "Put")) == 1
    assert world.sent()["1"]["Subject"] == "Neu"


def test_a_lost_put_is_undone_where_the_list_goes_back_to_what_was(world: World, server: GreyhoundSimulator) -> None:
    world.run(people("1"))
    server.fail(Fault(on="RpcItems.Put", reset="after"), Fault(on="RpcItems.Lock"))
    server.fail(Fault(on="RpcItems.Lock", reset="before", times=4))
    assert world.run({"1": person("Neu")}) == {"1": "failed"}
    assert server.contacts[1001]["Subject"] == "Neu"
    assert world.intended() == {"1"}
    world.run(people("1"))
    assert server.contacts[1001]["Subject"] == "Person 1"
    assert world.intended() == set()


def test_somebody_who_was_perhaps_created_and_leaves_is_looked_for_and_removed(
    world: World, server: GreyhoundSimulator
) -> None:
    world.model = keyed("6", removal="trash")
    server.fail(Fault(on="RpcItems.New", reset="after"))
    plan = world.plan(people("1", "2"))
    server.fail(Fault(on="RpcItems.GetList"), Fault(on="RpcItems.GetList", reset="before", times=3))
    assert [outcome.kind for outcome in world.apply(plan)] == ["failed", "created"]
    assert keys_of(server) == ["1", "2"]
    assert world.run(people("2")) == {"1": "removed"}
    assert [item.get("Flags", 0) for item in server.contacts.values()] == [2, 0]
    assert world.intended() == set()


def test_somebody_who_was_removed_without_an_answer_and_comes_back_is_made_again(
    world: World, server: GreyhoundSimulator
) -> None:
    world.model = keyed("6", removal="trash")
    world.run(people("1", "2"))
    server.fail(Fault(on="RpcItems.Put", reset="after"), Fault(on="RpcItems.Lock"))
    server.fail(Fault(on="RpcItems.Lock", reset="before", times=4))
    assert world.run(people("2")) == {"1": "failed"}
    assert server.contacts[1001]["Flags"] == 2
    assert world.outcomes(people("1", "2"))["1"].code == "contact_made_again"
    assert keys_of(server) == ["1", "2"]


def test_a_contact_that_is_somebody_s_by_now_is_not_removed_with_who_was_perhaps_created(
    world: World, server: GreyhoundSimulator
) -> None:
    world.model = keyed("6", removal="trash")
    mine = world.owner
    contact = server.add_contact(user_fields={6: "1"}, Subject="Person 1")
    world.ledger.intend(world.plan(people("1")).changes)
    world.owner = GONE
    world.run(people("1"))
    world.owner = mine
    assert world.run(people("2")) == {"1": "removed", "2": "created"}
    assert not server.contacts[contact].get("Flags")


@pytest.mark.parametrize(
    ("retries", "sleeps"), [(0, []), (1, [1.0]), (3, [1.0, 2.0, 4.0]), (7, [1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0])]
)
def test_somebody_else_s_lock_is_waited_for_and_the_others_go_on(
    world: World, server: GreyhoundSimulator, retries: int, sleeps: list[float]
) -> None:
    world.connection = connection(server.url, lock_retries=str(retries))
    world.run(people("1", "2"))
    server.lock_by_other(1001)
    outcomes = world.outcomes({"1": person("Neu"), "2": person("Neu")})
    assert (outcomes["1"].kind, outcomes["1"].code) == ("locked", "contact_locked")
    assert "706 (6)" in outcomes["1"].message
    assert outcomes["2"].kind == "updated"
    assert world.sleeps == sleeps
    assert server.contacts[1001]["Subject"] == "Person 1"
    server.unlock_by_other(1001)
    assert world.run({"1": person("Neu"), "2": person("Neu")}) == {"1": "updated"}


def test_a_lock_that_is_given_back_in_time_is_no_problem(world: World, server: GreyhoundSimulator) -> None:
    world.run(people("1"))
    server.lock_by_other(1001)
    sleep, world.sleeps = world.sleeps, _Released(server)
    assert sleep == []
    assert world.run({"1": person("Neu")}) == {"1": "updated"}


class _Released(list[float]):
    """Pauses during which somebody is done with the contact."""

    def __init__(self, server: GreyhoundSimulator) -> None:
        super().__init__()
        self.server = server

    def append(self, seconds: float) -> None:
        self.server.unlock_by_other(1001)


@pytest.mark.parametrize("value", ["99", ""])
def test_a_contact_that_does_not_carry_the_key_any_more_is_left_alone(
    world: World, server: GreyhoundSimulator, value: str
) -> None:
    world.run(people("1", "2"))
    server.contacts[1001]["UserFields"] = [{"FieldRef": 6, "Value": value}]
    outcomes = world.outcomes({"1": person("Neu"), "2": person("Neu")})
    assert (outcomes["1"].kind, outcomes["1"].code) == ("conflict", "contact_other_key")
    assert all(text in outcomes["1"].message for text in ("1001", value))
    assert "enter 1 " in outcomes["1"].hint
    assert outcomes["2"].kind == "updated"
    assert server.contacts[1001]["Subject"] == "Person 1"


@pytest.mark.parametrize("value", ["99", ""])
def test_the_contact_that_carries_the_key_now_is_the_person_s(
    world: World, server: GreyhoundSimulator, value: str
) -> None:
    world.run(people("1"))
    server.contacts[1001]["UserFields"] = [{"FieldRef": 6, "Value": value}]
    other = server.add_contact(user_fields={6: "1"})
    assert world.outcomes({"1": person("Neu")})["1"].code == "contact_adopted"
    assert world.remotes() == {"1": str(other)}
    assert server.contacts[1001]["Subject"] == "Person 1"


def test_after_the_server_was_set_up_anew_a_full_run_brings_everybody_back(
    world: World, server: GreyhoundSimulator
) -> None:
    everybody = people("1", "2", "3")
    world.run(everybody)
    second = server.contacts[1002]
    server.contacts.clear()
    # Ids begin anew over there: the one that was the first person's is the second one's now.
    server.contacts[1001] = second | {"ID": 1001}
    outcomes = world.outcomes(everybody, full=True)
    assert [outcomes[key].code for key in everybody] == ["contact_made_again", "contact_adopted", "contact_made_again"]
    assert "1001" in outcomes["1"].message
    assert keys_of(server) == ["1", "2", "3"]
    assert set(world.run(everybody, full=True).values()) == {"unchanged"}


def test_an_unchanged_person_whom_a_full_run_could_not_write_is_looked_at_again(
    world: World, server: GreyhoundSimulator
) -> None:
    world.run(people("1", "2"))
    server.lock_by_other(1001)
    assert world.run(people("1", "2"), full=True) == {"1": "locked", "2": "unchanged"}
    assert world.run(people("1", "2")) == {"1": "locked"}
    server.unlock_by_other(1001)
    server.contacts[1001]["Subject"] = "Von Hand"
    assert world.run(people("1", "2")) == {"1": "updated"}
    server.calls.clear()
    assert world.run(people("1", "2")) == {}
    assert server.calls == []


# -- contacts that are gone, answers that are lost ---------------------------------------------------------------------


@pytest.mark.parametrize("final", [False, True])
def test_a_contact_deleted_over_there_is_made_again_and_that_is_said(
    world: World, server: GreyhoundSimulator, final: bool
) -> None:
    world.run(people("1", "2"))
    if final:
        del server.contacts[1001]
    else:
        server.contacts[1001]["Flags"] = 2
    outcomes = world.outcomes({"1": person("Neu"), "2": person("Person 2")})
    assert (outcomes["1"].kind, outcomes["1"].code) == ("created", "contact_made_again")
    assert "1001" in outcomes["1"].message
    assert world.remotes() == {"1": "1003", "2": "1002"}
    assert keys_of(server) == ["1", "2"]


def test_a_contact_made_again_goes_into_the_group_that_is_named(world: World, server: GreyhoundSimulator) -> None:
    group = "Kontakte/Mitglieder"
    world.run({"1": person(GroupRef=group)})
    del server.contacts[1001]
    assert world.run({"1": person("Neu", GroupRef=group)}) == {"1": "created"}
    assert server.contacts[1002]["GroupRef"] == 2


def test_a_contact_that_can_not_be_made_again_stops_nobody_else(world: World, server: GreyhoundSimulator) -> None:
    group = "Kontakte/Mitglieder"
    world.run({"1": person(GroupRef=group), "2": person(GroupRef=group)})
    del server.contacts[1001], server.groups[2]
    server.contacts[1002]["GroupRef"] = 1
    outcomes = world.outcomes({"1": person("Neu", GroupRef=group), "2": person("Neu", GroupRef=group)})
    assert (outcomes["1"].kind, outcomes["1"].code) == ("failed", "greyhound_unknown_name")
    assert outcomes["2"].kind == "updated"


def test_another_contact_that_carries_the_key_takes_the_place_of_a_deleted_one(
    world: World, server: GreyhoundSimulator
) -> None:
    world.run(people("1"))
    del server.contacts[1001]
    other = server.add_contact(user_fields={6: "1"})
    assert world.outcomes({"1": person("Neu")})["1"].code == "contact_adopted"
    assert world.remotes() == {"1": str(other)}


def test_a_contact_that_only_can_not_be_read_is_not_made_twice(world: World, server: GreyhoundSimulator) -> None:
    world.run(people("1"))
    server.fail(replace(ERROR, on="RpcItems.Lock"), replace(ERROR, on="RpcItems.Get"))
    outcome = world.outcomes({"1": person("Neu")})["1"]
    assert (outcome.kind, outcome.code) == ("failed", "contact_unreadable")
    assert keys_of(server) == ["1"]


def test_a_contact_that_disappears_behind_the_index_is_made_again(world: World, server: GreyhoundSimulator) -> None:
    contact = server.add_contact(user_fields={6: "1"})
    server.fail(replace(ERROR, on="RpcItems.Lock"))
    get = server._get

    def trashed(*params: Any) -> Any:
        server.contacts[contact]["Flags"] = 2
        return get(*params)

    server._methods["RpcItems.Get"] = type(server._methods["RpcItems.Get"])(trashed, ("int", "bool"))
    assert world.run(people("1")) == {"1": "created"}
    assert keys_of(server) == ["1"]


@pytest.mark.parametrize(
    "fault",
    [LOST["reset after"], LOST["truncated"], LOST["garbage"], Fault(status=502, after_effect=True)],
    ids=["reset", "truncated", "garbage", "proxy"],
)
def test_a_lost_answer_to_new_makes_no_double(world: World, server: GreyhoundSimulator, fault: Fault) -> None:
    server.fail(replace(fault, on="RpcItems.New"))
    assert world.run(people("1", "2")) == {"1": "created", "2": "created"}
    assert keys_of(server) == ["1", "2"]
    assert world.remotes() == {"1": "1001", "2": "1002"}
    assert world.run(people("1", "2")) == {}


def test_a_new_that_timed_out_makes_no_double(world: World, server: GreyhoundSimulator) -> None:
    world.connection = connection(server.url, timeout="0.1")
    server.fail(Fault(on="RpcItems.New", delay=0.4))
    assert world.run(people("1")) == {"1": "created"}
    assert keys_of(server) == ["1"]


def test_a_lost_answer_makes_no_double_in_the_next_run_either(world: World, server: GreyhoundSimulator) -> None:
    server.fail(Fault(on="RpcItems.New", reset="after"))
    plan = world.plan(people("1"))
    server.fail(Fault(on="RpcItems.GetList"), Fault(on="RpcItems.GetList", reset="before", times=3))
    (outcome,) = world.apply(plan)
    assert (outcome.kind, outcome.code) == ("failed", "greyhound_silent")
    assert world.sent() == {}
    assert world.outcomes(people("1"))["1"].code == "contact_adopted"
    assert keys_of(server) == ["1"]


def test_a_new_that_never_arrived_is_left_to_the_next_run(world: World, server: GreyhoundSimulator) -> None:
    server.fail(Fault(on="RpcItems.New", reset="before"))
    assert world.run(people("1", "2")) == {"1": "failed", "2": "created"}
    assert world.run(people("1", "2")) == {"1": "created"}
    assert keys_of(server) == ["1", "2"]


def test_a_lost_new_that_two_contacts_could_be_is_a_conflict(world: World, server: GreyhoundSimulator) -> None:
    new = server._new

    def twice(*params: Any) -> Any:
        new(*params)
        return new(*params)

    server._methods["RpcItems.New"] = type(server._methods["RpcItems.New"])(twice, ("object", "bool"))
    server.fail(Fault(on="RpcItems.New", reset="after"))
    assert world.outcomes(people("1"))["1"].code == "contact_twice"


# -- names -------------------------------------------------------------------------------------------------------------


def test_names_of_fields_and_groups_become_numbers(world: World, server: GreyhoundSimulator) -> None:
    world.model = keyed("Mitgliedsnummer")
    world.run({"1": person(GroupRef="Kontakte/Mitglieder", UserFields={"Abteilung": "A"})})
    item = server.contacts[1001]
    assert item["GroupRef"] == 2
    assert item["UserFields"] == [{"FieldRef": 6, "Value": "1"}, {"FieldRef": 7, "Value": "A"}]


@pytest.mark.parametrize(
    ("field", "wanted", "near"),
    [
        ("Mitgliedsnumer", person(), "Mitgliedsnummer"),
        ("mitgliedsnummer", person(), "Mitgliedsnummer"),
        ("6", person(UserFields={"Abteilungen": "A"}), "Abteilung"),
        ("6", person(GroupRef="Mitglieder"), "Kontakte/Mitglieder"),
        ("6", person(GroupRef="Kontakte/mitglieder"), "Kontakte/Mitglieder"),
    ],
)
def test_a_name_that_is_not_there_stops_with_a_suggestion_before_anything_is_written(
    world: World, server: GreyhoundSimulator, field: str, wanted: dict[str, Any], near: str
) -> None:
    world.model = keyed(field)
    done, problem = world.stopped(world.plan({"1": wanted, "2": wanted}))
    assert (done, problem.code) == ([], "greyhound_unknown_name")
    assert problem.hint == f"Did you mean {near}?"
    assert server.writes == 0


def test_a_name_that_is_like_none_gets_a_list_of_all(world: World) -> None:
    _done, problem = world.stopped(world.plan({"1": person(UserFields={"Q": "A"})}))
    assert "Mitgliedsnummer (6), Abteilung (7)" in problem.hint


@pytest.mark.parametrize("name", ["Nur Mail", "Berechnet"])
def test_a_field_that_contacts_do_not_have_or_nobody_can_write_is_not_known(world: World, name: str) -> None:
    _done, problem = world.stopped(world.plan({"1": person(UserFields={name: "A"})}))
    assert name in problem.message


@pytest.mark.parametrize(
    ("ref", "code", "text"),
    [
        ("99", "greyhound_unknown_name", "GREYHOUND has no user field “99”."),
        ("8", "greyhound_not_writable", "it does not belong to contacts"),
        ("9", "greyhound_not_writable", "it is read-only"),
    ],
)
@pytest.mark.parametrize("as_match", [False, True], ids=["a field", "the match field"])
def test_numbers_of_user_fields_are_checked_before_anything_is_written(
    world: World, server: GreyhoundSimulator, ref: str, code: str, text: str, as_match: bool
) -> None:
    world.model = keyed(ref if as_match else "6")
    _done, problem = world.stopped(world.plan({"1": person(UserFields={} if as_match else {ref: "A"})}))
    assert problem.code == code
    assert text in problem.message
    assert "Mitgliedsnummer (6)" in problem.hint
    assert server.writes == 0
    assert world.intended() == set()


def test_where_all_groups_are_unknown_the_mapping_is_wrong(world: World, server: GreyhoundSimulator) -> None:
    done, problem = world.stopped(world.plan({"1": person(GroupRef=99), "2": person(GroupRef=99)}))
    assert (done, problem.code) == ([], "greyhound_unknown_name")
    assert "Kontakte/Mitglieder (2)" in problem.hint
    assert server.writes == 0


def test_one_unknown_group_among_others_stops_nobody_else(world: World, server: GreyhoundSimulator) -> None:
    outcomes = world.outcomes({"1": person(GroupRef="Gibt es nicht"), "2": person(GroupRef=2)})
    assert (outcomes["1"].kind, outcomes["1"].code) == ("failed", "greyhound_unknown_name")
    assert outcomes["2"].kind == "created"


@pytest.mark.parametrize("listed", ["refused", "nothing"])
def test_a_server_that_shows_no_lists_is_not_argued_with_about_numbers(
    world: World, server: GreyhoundSimulator, listed: str
) -> None:
    empty = Fault(body='{"version": "1.1"}', content_type="application/json")
    fault = ERROR if listed == "refused" else empty
    server.fail(replace(fault, on="RpcUserFields.GetList"), replace(fault, on="RpcGroups.GetList"))
    assert world.run(people("1")) == {"1": "created"}


def test_all_unknown_names_are_told_at_once(world: World) -> None:
    target = world.target()
    plan = world.plan({"1": person(GroupRef="Kunde", UserFields={"Q": "A", "R": "B"})})
    with pytest.raises(TargetStopped) as stopped:
        list(target.apply(plan, world.ledger, Effects(world.sleeps.append)))
    target.close()
    assert len(stopped.value.problems) == 3


def test_a_name_that_two_have_is_not_guessed(world: World, server: GreyhoundSimulator) -> None:
    server.user_fields[10] = USER_FIELDS[1] | {"ID": 10}
    server.groups[4] = GROUPS[2] | {"ID": 4}
    _done, problem = world.stopped(world.plan({"1": person(UserFields={"Abteilung": "A"})}))
    assert (problem.code, problem.hint) == ("greyhound_name_twice", "Write one of the numbers: 7, 10")
    _done, problem = world.stopped(world.plan({"1": person(GroupRef="Kontakte/Kunden")}))
    assert (problem.code, problem.hint) == ("greyhound_name_twice", "Write one of the numbers: 3, 4")


def test_a_group_of_somebody_who_is_there_already_need_not_exist(world: World, server: GreyhoundSimulator) -> None:
    world.run({"1": person(GroupRef="Kontakte/Kunden")})
    server.groups[3]["Path"] = "Kontakte/Käufer"
    assert world.run({"1": person("Neu", GroupRef="Kontakte/Kunden")}) == {"1": "updated"}


def test_the_match_field_may_be_named_once_more_by_its_name(world: World, server: GreyhoundSimulator) -> None:
    assert world.run({"1": person(UserFields={"Mitgliedsnummer": "1"})}) == {"1": "created"}
    assert server.contacts[1001]["UserFields"] == [{"FieldRef": 6, "Value": "1"}]


def test_the_match_field_can_not_get_another_value_by_its_name(world: World, server: GreyhoundSimulator) -> None:
    outcome = world.outcomes({"1": person(UserFields={"Mitgliedsnummer": "2"})})["1"]
    assert (outcome.kind, outcome.code) == ("failed", "user_field_twice")
    assert server.writes == 0


# -- removals ----------------------------------------------------------------------------------------------------------


def test_keep_removes_nobody(world: World, server: GreyhoundSimulator) -> None:
    world.run(people("1", "2"))
    assert world.run(people("1"), removal="keep") == {}
    assert keys_of(server) == ["1", "2"]


def test_trash_sets_the_flag_and_keeps_everything_else(world: World, server: GreyhoundSimulator) -> None:
    world.run(people("1", "2"))
    server.contacts[1002] |= {"Flags": 4, "Unknown": 1, "Remarks": "Notiz"}
    server.calls.clear()
    assert world.run(people("1"), removal="trash") == {"2": "removed"}
    item = server.contacts[1002]
    assert (item["Flags"], item["Unknown"], item["Remarks"], item["Subject"]) == (6, 1, "Notiz", "Person 2")
    assert methods(server) == ["Lock", "Get", "Put", "Unlock"]


@pytest.mark.parametrize("final", [False, True])
def test_delete_calls_delete_under_a_lock(world: World, server: GreyhoundSimulator, final: bool) -> None:
    server.delete_is_final = final
    world.run(people("1", "2"))
    server.calls.clear()
    assert world.run(people("1"), removal="delete") == {"2": "removed"}
    assert methods(server) == ["Lock", "Get", "Delete", "Unlock"]
    assert keys_of(server) == ["1"]
    assert world.sent().keys() == {"1"}


@pytest.mark.parametrize("removal", ["trash", "delete"])
def test_who_is_gone_already_counts_as_removed(world: World, server: GreyhoundSimulator, removal: str) -> None:
    world.run(people("1", "2", "3"))
    del server.contacts[1002]
    server.contacts[1003]["Flags"] = 2
    assert world.run(people("1"), removal=removal) == {"2": "removed", "3": "removed"}
    assert server.writes == 3
    assert world.sent().keys() == {"1"}


@pytest.mark.parametrize("removal", ["trash", "delete"])
def test_a_contact_without_its_key_is_not_removed(world: World, server: GreyhoundSimulator, removal: str) -> None:
    world.run(people("1", "2"))
    server.contacts[1002]["UserFields"] = []
    assert world.run(people("1"), removal=removal) == {"2": "conflict"}
    assert not server.contacts[1002].get("Flags")
    assert world.sent().keys() == {"1", "2"}


@pytest.mark.parametrize("removal", ["trash", "delete"])
def test_a_contact_that_got_another_key_stays_when_the_person_leaves(
    world: World, server: GreyhoundSimulator, removal: str
) -> None:
    world.run(people("1", "2"))
    server.contacts[1002]["UserFields"] = [{"FieldRef": 6, "Value": "99"}]
    outcome = world.outcomes(people("1"), removal=removal)["2"]
    assert (outcome.kind, outcome.code) == ("removed", "contact_other_key")
    assert "1002" in outcome.message
    assert not server.contacts[1002].get("Flags")
    assert world.sent().keys() == {"1"}


def test_a_locked_contact_is_removed_by_a_later_run(world: World, server: GreyhoundSimulator) -> None:
    world.run(people("1", "2"))
    server.lock_by_other(1002)
    assert world.run(people("1"), removal="trash") == {"2": "locked"}
    server.unlock_by_other(1002)
    assert world.run(people("1"), removal="trash") == {"2": "removed"}


def test_a_contact_that_another_action_looks_after_is_not_removed(world: World, server: GreyhoundSimulator) -> None:
    world.run(people("1", "2"))
    mine = world.owner
    world.owner = type(mine)("another", "sync")
    world.run(people("1"))
    world.owner = mine
    assert world.run(people("2"), removal="trash") == {"1": "removed"}
    assert keys_of(server) == ["1", "2"]
    assert world.sent().keys() == {"2"}


# -- match by id -------------------------------------------------------------------------------------------------------


@pytest.fixture
def by_id(world: World) -> World:
    world.model = action("greyhound.sync", match={"id": "{{ greyhound_id }}"})
    return world


def known_as(contact: int, subject: str = "Neu", **fields: Any) -> dict[str, Any]:
    return {"match.id": contact, **person(subject, **fields)}


def test_the_contact_the_source_names_is_updated(by_id: World, server: GreyhoundSimulator) -> None:
    contact = server.add_contact(contact={"Company": "ACME"}, user_fields={7: "A"})
    outcomes = by_id.outcomes({"1": known_as(contact)})
    assert (outcomes["1"].kind, outcomes["1"].message) == ("updated", "")
    assert server.contacts[contact]["Subject"] == "Neu"
    assert contact_of(server, contact)["Company"] == "ACME"
    assert by_id.remotes() == {"1": str(contact)}
    assert calls(server, "GetList") == []
    assert calls(server, "New") == []


@pytest.mark.parametrize("item", [None, {"Flags": 2}, {"Kind": 0}])
def test_an_id_that_is_no_live_contact_fails_and_makes_nothing(
    by_id: World, server: GreyhoundSimulator, item: dict[str, Any] | None
) -> None:
    contact = 4711 if item is None else server.add_contact(**item)
    outcome = by_id.outcomes({"1": known_as(contact)})["1"]
    assert (outcome.kind, outcome.code) == ("failed", "contact_missing")
    assert str(contact) in outcome.message
    assert server.writes == 0


def test_when_the_source_names_another_id_that_contact_is_meant(by_id: World, server: GreyhoundSimulator) -> None:
    first, second = server.add_contact(), server.add_contact()
    by_id.run({"1": known_as(first, "Eins")})
    by_id.run({"1": known_as(second, "Zwei")})
    assert (server.contacts[first]["Subject"], server.contacts[second]["Subject"]) == ("Eins", "Zwei")
    assert by_id.remotes() == {"1": str(second)}


def test_who_gets_another_key_and_keeps_the_contact_is_not_removed(by_id: World, server: GreyhoundSimulator) -> None:
    contact = server.add_contact()
    by_id.run({"old": known_as(contact)})
    (old,) = by_id.store.sent(NAME)
    created = Change("created", "new", None, old.record)
    by_id.apply(ActionPlan("sync", NAME, "greyhound.sync", "trash", (created, removal_of(old))))
    assert not server.contacts[contact].get("Flags")
    assert by_id.sent().keys() == {"new"}


def test_the_id_is_a_template_of_the_action(by_id: World) -> None:
    (field,) = by_id.target().extra_fields()
    assert (field.name, field.value, field.path) == ("match.id", "{{ greyhound_id }}", ("match", "id"))
    by_id.model = keyed("6")
    assert by_id.target().extra_fields() == ()


# -- sending what is unchanged, and what is held -----------------------------------------------------------------------


def test_a_full_run_heals_what_people_changed(world: World, server: GreyhoundSimulator) -> None:
    world.run(people("1", "2", "3"))
    server.contacts[1001]["Subject"] = "von Hand"
    del server.contacts[1002]
    server.lock_by_other(1003)
    assert world.run(people("1", "2", "3"), full=True) == {"1": "updated", "2": "created", "3": "locked"}
    assert server.contacts[1001]["Subject"] == "Person 1"
    assert keys_of(server) == ["1", "2", "3"]


def test_held_changes_are_not_asked_about(world: World, server: GreyhoundSimulator) -> None:
    world.run(people("1"))
    server.requests.clear()
    assert world.apply(held(world.plan({"1": person("Neu", UserFields={"unbekannt": "x"})}), "1")) == []
    assert server.requests == []


def test_progress_is_told_change_by_change(world: World) -> None:
    world.run(people("1", "2", "3"))
    assert world.steps == [1, 2, 3]


def test_a_second_apply_of_one_target_sees_what_others_made(world: World, server: GreyhoundSimulator) -> None:
    target = world.target()
    world.target = lambda: target  # type: ignore[method-assign]
    world.run(people("1"))
    contact = server.add_contact(user_fields={6: "2"}, Subject="Person 2")
    assert world.run(people("1", "2")) == {"2": "unchanged"}
    assert world.remotes()["2"] == str(contact)


# -- before any row ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "codes"),
    [
        (None, ["match_missing"]),
        ({}, ["match_missing"]),
        ({"user_field": "6"}, []),
        ({"id": "{{ id }}"}, []),
        ({"user_field": "6", "id": "{{ id }}"}, ["match_missing"]),
        ({"userfield": "6"}, ["unknown_key", "match_missing"]),
        ({"user_field": ["6"]}, ["expected_text"]),
        ({"id": {"a": "b"}}, ["expected_text"]),
    ],
)
def test_the_action_must_say_how_a_contact_is_found_again(match: Any, codes: list[str]) -> None:
    target = GreyhoundSync(action("greyhound.sync", match=match), connection("http://greyhound"))
    assert [finding.code for _path, finding in target.check()] == codes


def test_a_wrong_key_of_match_gets_a_suggestion() -> None:
    target = GreyhoundSync(action("greyhound.sync", match={"userfield": "6"}), connection("http://greyhound"))
    path, finding = next(target.check())
    assert (path, finding.hint) == (("match", "userfield"), "Did you mean user_field?")


@pytest.mark.parametrize(("kind", "codes"), [("8", []), ("0", ["kind_not_contact"]), ("mail", ["kind_not_contact"])])
def test_only_contacts_are_written(kind: str, codes: list[str]) -> None:
    target = GreyhoundSync(keyed("6", fields={"Kind": kind}), connection("http://greyhound"))
    assert [finding.code for _path, finding in target.check()] == codes


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Subject": ""}, "field_empty"),
        ({"GroupRef": ""}, "field_empty"),
        ({"GroupRef": 0}, "field_empty"),
        ({"UserFields": {"6": "2"}}, "match_field_not_key"),
        ({"ComLinks": [MAIL | {"Text": "Max <a@b.de>"}]}, "link_brackets"),
    ],
)
def test_a_person_that_greyhound_could_not_take_is_rejected(fields: dict[str, Any], code: str) -> None:
    target = GreyhoundSync(keyed("6"), connection("http://greyhound"))
    _record, faults = target.record("1", person(**fields))
    assert [fault.fault.code for fault in faults] == [code]


def test_the_match_field_is_filled_with_the_key() -> None:
    target = GreyhoundSync(keyed("6"), connection("http://greyhound"))
    record, faults = target.record("1", person(Kind=8, UserFields={"7": "A"}))
    assert faults == []
    assert record == {"GroupRef": 1, "Subject": "John Doe", "UserFields": {"6": "1", "7": "A"}}


# -- several at a time -------------------------------------------------------------------------------------------------


class Crowd:
    """Watches how many requests are under way at once, and about which contacts.

    Requests take long until as many as expected were under way: so it doesn't matter how fast the machine is.
    """

    def __init__(self, server: GreyhoundSimulator, expected: int = 1) -> None:
        self.most = 0
        self.doubled: list[str] = []
        self.expected = expected
        self.server = server
        server.latency = 0.3 if expected > 1 else 0.005
        server.arrived = self.arrived  # type: ignore[method-assign]

    def arrived(self, request: Request, under_way: Sequence[Request]) -> None:
        self.most = max(self.most, len(under_way) + 1)
        if self.most >= self.expected:
            self.server.latency = 0.005
        contact = self.contact_of(request)
        if contact and contact in map(self.contact_of, under_way):
            self.doubled.append(str(contact))

    @staticmethod
    def contact_of(request: Request) -> Any:
        call = json.loads(request.body)
        if call["method"] not in ("RpcItems.Lock", "RpcItems.Get", "RpcItems.Put", "RpcItems.Unlock"):
            return None
        first = call["params"][0]
        return first["ID"] if isinstance(first, dict) else first


@pytest.mark.parametrize("at_once", [1, 8])
def test_so_many_requests_are_under_way_and_no_more(world: World, server: GreyhoundSimulator, at_once: int) -> None:
    world.connection = connection(server.url, requests_at_once=at_once)
    keys = [str(number) for number in range(40)]
    crowd = Crowd(server, at_once)
    assert set(world.run(people(*keys)).values()) == {"created"}
    assert set(world.run({key: person("Neu") for key in keys}).values()) == {"updated"}
    assert crowd.most == at_once
    assert crowd.doubled == []
    assert len({call.client for call in server.calls}) == 1
    assert sorted(keys_of(server)) == sorted(keys)
    assert world.intended() == set()


def test_two_persons_of_one_contact_are_written_one_after_the_other(world: World, server: GreyhoundSimulator) -> None:
    contact = server.add_contact()
    world.connection = connection(server.url, requests_at_once=8)
    world.model = action("greyhound.sync", match={"id": "{{ id }}"})
    crowd = Crowd(server)
    world.run({str(number): person(f"P{number}", **{"match.id": contact}) for number in range(8)})
    assert crowd.doubled == []
    assert server.locks == {}


def test_a_failure_among_several_at_a_time_is_one_person_s(world: World, server: GreyhoundSimulator) -> None:
    world.connection = connection(server.url, requests_at_once=4)
    server.fail(replace(ERROR, on="RpcItems.New", times=3))
    outcomes = world.run(people(*map(str, range(20))))
    assert sorted(outcomes.values()) == ["created"] * 17 + ["failed"] * 3
    assert len(world.sent()) == 17
    assert world.intended() == set()


def test_a_wrong_login_among_several_at_a_time_ends_the_others(world: World, server: GreyhoundSimulator) -> None:
    world.connection = connection(server.url, requests_at_once=4)
    plan = world.plan(people(*map(str, range(100))))
    server.fail(Fault(on="RpcItems.New"), Fault(on="RpcItems.New", status=401, times=1000))
    done, problem = world.stopped(plan)
    assert problem.code == "greyhound_login"
    assert [outcome.kind for outcome in done] == ["created"]
    assert len(server.requests) < 20


def test_whoever_stops_listening_ends_the_run_and_what_was_under_way_is_looked_at_again(
    world: World, server: GreyhoundSimulator
) -> None:
    world.connection = connection(server.url, requests_at_once=4)
    Crowd(server)
    target = world.target()
    outcomes = target.apply(world.plan(people(*map(str, range(40)))), world.ledger, Effects(world.sleeps.append))
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    target.close()
    made = len(keys_of(server))
    assert made < 10
    assert len(world.sent()) == 1
    world.run(people(*map(str, range(40))))
    assert len(keys_of(server)) == len(set(keys_of(server))) == 40
    assert len(calls(server, "New")) == 40


# -- signs of life -----------------------------------------------------------------------------------------------------


def test_a_lock_is_kept_alive_while_one_request_takes_long(
    world: World, server: GreyhoundSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run(people("1"))
    monkeypatch.setattr("engine.target.greyhound.rpc.KEEP_ALIVE", 0.05)
    before = len(server.calls)
    server.fail(Fault(on="RpcItems.Get", delay=0.4))
    assert world.run({"1": person("Neu")}) == {"1": "updated"}
    methods_sent = [call.method for call in server.calls[before:]]
    assert methods_sent[2:4] == ["RpcItems.Lock", "RpcItems.Get"]
    assert "RpcInfo.GetServerStatus" in methods_sent[4:]


def test_without_a_lock_nobody_is_woken(
    world: World, server: GreyhoundSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.target.greyhound.rpc.KEEP_ALIVE", 0.05)
    server.fail(Fault(on="RpcItems.New", delay=0.4))
    assert world.run(people("1")) == {"1": "created"}
    assert [call.method for call in server.calls].count("RpcInfo.GetServerStatus") == 1


@pytest.mark.parametrize("on", ["RpcItems.Lock", "RpcItems.Get", "RpcItems.Put"])
def test_a_lock_is_never_held_across_a_pause(world: World, server: GreyhoundSimulator, on: str) -> None:
    world.run(people("1"))
    locked: list[bool] = []
    world.sleeps = _Watching(server, locked)
    server.fail(Fault(on=on, reset="after", times=4 if on == "RpcItems.Lock" else 2))
    assert world.run({"1": person("Neu")}) == {"1": "updated"}
    assert locked and not any(locked)


class _Watching(list[float]):
    """Pauses that look whether anything is locked meanwhile."""

    def __init__(self, server: GreyhoundSimulator, locked: list[bool]) -> None:
        super().__init__()
        self.server = server
        self.locked = locked

    def append(self, seconds: float) -> None:
        self.locked.append(bool(self.server.locks))
        super().append(seconds)


def test_a_lock_that_somebody_else_holds_is_never_given_back_for_them(world: World, server: GreyhoundSimulator) -> None:
    world.run(people("1"))
    server.lock_by_other(1001)
    server.fail(Fault(on="RpcItems.Lock", reset="before"))
    assert world.outcomes({"1": person("Neu")})["1"].code == "contact_locked"
    assert "Unlock" not in methods(server)


def test_a_contact_whose_adoption_fails_is_never_removed_as_if_it_were_ours(
    world: World, server: GreyhoundSimulator
) -> None:
    world.model = keyed("6", removal="trash")
    contact = server.add_contact(user_fields={6: "1"}, Subject="von Hand")
    server.lock_by_other(contact)
    assert world.run(people("1", "2")) == {"1": "locked", "2": "created"}
    server.unlock_by_other(contact)
    assert world.intended() == set()
    assert world.run(people("2")) == {}
    assert not server.contacts[contact].get("Flags")


def test_a_contact_that_is_locked_and_can_not_be_read_is_not_unlocked_for_others(
    world: World, server: GreyhoundSimulator
) -> None:
    world.run(people("1"))
    server.lock_by_other(1001)
    server.fail(Fault(on="RpcItems.Get(", status=502, times=9))
    assert world.outcomes({"1": person("Neu")})["1"].code == "greyhound_silent"
    assert "Unlock" not in methods(server)
