"""The health page: programs are told how the engine is, by status and by number, and nothing else is told."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.problems import UserMustFix
from engine.service.health import HOST, ConnectionFacts, Facts, Health, MappingFacts

GOOD = 1_795_000_000.5
FACTS = Facts(
    alive=True,
    ready=True,
    mappings=(
        MappingFacts("personal", "held", stale=True, overdue=True, last_good=GOOD),
        MappingFacts('mit "Zeichen" \\ ü', "never"),
    ),
    drops={"done": 3, "held": 1},
    connections=(ConnectionFacts("fe2", True, GOOD), ConnectionFacts("greyhound", False)),
    runs={("personal", "done"): 7, ("personal", "held"): 1},
)


@contextmanager
def page(facts: Callable[[], Facts] | Facts = FACTS) -> Iterator[Health]:
    """A page that answers, on a port of its own."""
    made = Health(0, facts if callable(facts) else lambda: facts)
    made.start()
    with closing(made):
        yield made


def ask(health: Health, path: str, method: str = "GET") -> tuple[int, str, bytes]:
    """Status, content type and body."""
    with closing(http.client.HTTPConnection(HOST, health.port, timeout=60)) as connection:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()


def metrics(health: Health) -> dict[tuple[str, ...], float]:
    """Every value of the page by its name and the values of its labels."""
    status, kind, body = ask(health, "/metrics")
    assert (status, kind.partition(";")[0]) == (200, "text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(body.decode("utf-8"))
        for sample in family.samples
    }


# -- alive, ready ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("alive", "ready", "statuses"), [(True, True, [200, 200]), (True, False, [200, 503])])
def test_health_and_ready_are_told_by_status_and_in_json(alive: bool, ready: bool, statuses: list[int]) -> None:
    with page(Facts(alive, ready)) as health:
        answers = [ask(health, path) for path in ("/health", "/ready")]
    assert [answer[0] for answer in answers] == statuses
    assert [json.loads(answer[2]) for answer in answers] == [{"alive": alive}, {"ready": ready}]
    assert {answer[1] for answer in answers} == {"application/json"}


def test_an_engine_that_hangs_is_not_alive() -> None:
    with page(Facts(alive=False, ready=False)) as health:
        assert ask(health, "/health")[0] == 503
        assert metrics(health)["abgleich_up",] == 0


def test_a_question_mark_behind_the_address_does_not_matter() -> None:
    with page() as health:
        assert ask(health, "/health?from=monitoring")[0] == 200


def test_head_is_answered_without_a_body() -> None:
    with page() as health:
        assert ask(health, "/health", "HEAD")[::2] == (200, b"")


def test_facts_are_asked_anew_every_time() -> None:
    ready = threading.Event()
    with page(lambda: Facts(True, ready.is_set())) as health:
        assert ask(health, "/ready")[0] == 503
        ready.set()
        assert ask(health, "/ready")[0] == 200


# -- metrics -----------------------------------------------------------------------------------------------------------


def test_the_metrics_tell_of_every_mapping_drop_connection_and_run() -> None:
    with page() as health:
        found = metrics(health)
    assert found["abgleich_up",] == 1
    assert found["abgleich_mapping_last_good_timestamp_seconds", "personal"] == GOOD
    assert found["abgleich_mapping_stale", "personal"] == 1
    assert found["abgleich_mapping_overdue", "personal"] == 1
    assert found["abgleich_mapping_status", "personal", "held"] == 1
    assert found["abgleich_mapping_status", "personal", "done"] == 0
    assert (found["abgleich_drops", "done"], found["abgleich_drops", "held"]) == (3, 1)
    assert found["abgleich_connection_last_success_timestamp_seconds", "fe2"] == GOOD
    assert found["abgleich_connection_certain", "fe2"] == 1
    assert found["abgleich_connection_certain", "greyhound"] == 0
    assert found["abgleich_runs_total", "personal", "done"] == 7


def test_what_never_happened_has_no_time() -> None:
    with page() as health:
        names = metrics(health)
    assert ("abgleich_mapping_last_good_timestamp_seconds", 'mit "Zeichen" \\ ü') not in names
    assert ("abgleich_connection_last_success_timestamp_seconds", "greyhound") not in names
    assert names["abgleich_mapping_status", 'mit "Zeichen" \\ ü', "never"] == 1


def test_exactly_one_status_of_a_mapping_is_on_also_one_that_nobody_knows_yet() -> None:
    with page(Facts(True, True, (MappingFacts("a", "brand_new"), MappingFacts("b", "done")))) as health:
        on = [name for name, value in metrics(health).items() if name[0] == "abgleich_mapping_status" and value]
    assert on == [("abgleich_mapping_status", "a", "brand_new"), ("abgleich_mapping_status", "b", "done")]


def test_a_project_without_anything_has_metrics_too() -> None:
    with page(Facts(True, True)) as health:
        assert metrics(health) == {("abgleich_up",): 1}


# -- what goes wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/nothing", "/health/", "/metrics/../x", "//"])
def test_other_pages_are_not_found(path: str) -> None:
    with page() as health:
        assert ask(health, path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_written_here(method: str) -> None:
    with page() as health:
        assert ask(health, "/health", method)[0] == 405


def test_facts_that_can_not_be_read_are_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    def facts() -> Facts:
        raise RuntimeError("Max Mustermann")

    with page(facts) as health:
        answers = [ask(health, path) for path in ("/health", "/ready", "/metrics")]
    assert [answer[0] for answer in answers] == [503, 503, 503]
    assert all(b"Mustermann" not in answer[2] and b"Traceback" not in answer[2] for answer in answers)
    assert capfd.readouterr() == ("", "")


def test_garbage_and_hanging_up_leave_no_trace_and_the_page_goes_on(capfd: pytest.CaptureFixture[str]) -> None:
    with page() as health:
        for sent in (b"\xff\xfe\x00\r\n\r\n", b"GET", b"", b"GET /health HTTP/1.1\r\n"):
            with closing(socket.create_connection((HOST, health.port), timeout=60)) as raw:
                raw.sendall(sent)
                raw.shutdown(socket.SHUT_WR)
                with suppress(OSError):
                    raw.recv(1000)
        assert ask(health, "/health")[0] == 200
    assert capfd.readouterr() == ("", "")


def test_a_caller_that_says_nothing_keeps_nobody_from_an_answer() -> None:
    with page() as health, closing(socket.create_connection((HOST, health.port), timeout=60)):
        assert ask(health, "/health")[0] == 200


def test_a_port_that_is_taken_is_told_with_the_next_step() -> None:
    with page() as first, pytest.raises(UserMustFix) as caught:
        Health(first.port, lambda: FACTS).start()
    (problem,) = caught.value.problems
    assert problem.code == "health_port_busy"
    assert str(first.port) in problem.message
    assert "--health 0" in problem.hint


def test_only_this_machine_can_ask() -> None:
    with page() as health:
        assert health._server is not None
        assert health._server.server_address[0] == "127.0.0.1"


def test_the_port_is_free_again_after_the_end() -> None:
    with page() as first:
        port = first.port
    again = Health(port, lambda: FACTS)
    again.start()
    with closing(again):
        assert ask(again, "/health")[0] == 200
    again.close()
