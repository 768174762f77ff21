"""Every example, the default project and the demo, used as a user uses them: on the command line, over real sockets.

The stand-ins are strict: whatever the vendors' pages forbid is recorded as a breach.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.simulator import Fe2Simulator, GreyhoundSimulator

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
EVERY = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
WITH_BLUEPRINTS = "04-blaupausen"
NAMES = [name for name in EVERY if name != WITH_BLUEPRINTS]
"""The examples with one mapping."""
WITH_FE2 = ["01-csv-to-fe2", "03-both", "05-brigade"]
BOTH = EXAMPLES / "03-both"
FIRST, CHANGED = "personal.csv", "personal-geaendert.csv"
SECRETS = {"fe2_key": "Schlüssel-0815".encode().hex(), "greyhound_password": "geheim-äöü"}
HELD = 3


class Program:
    """``abgleich`` in a project's folder, in a process of its own; warnings are errors there too."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-m", "engine", *words]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
        return subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, encoding="utf-8", timeout=120, check=False
        )

    def json(self, *words: str, code: int = 0) -> Any:
        """The document a command prints, which must end with this exit code."""
        done = self(*words, "--json")
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    @property
    def mapping(self) -> str:
        """The id of the project's only mapping: its file's name."""
        names = {path.stem for path in (self.root / "mappings").glob("*.yaml")}
        (name,) = names - {"configuration", "secrets", "secrets.example"}
        return name

    def carry_out(self, *words: str) -> Any:
        """``run``, and ``approve`` where the first sync is held; the report of what was done in the end."""
        done = self("run", self.mapping, *words, "--json")
        report = json.loads(done.stdout)
        if report["status"] == "held":
            assert done.returncode == HELD
            report = self.json("approve", report["plan"])
        return report


@pytest.fixture
def fe2() -> Iterator[Fe2Simulator]:
    """FE2, which takes the project's key only."""
    with Fe2Simulator(access_key=SECRETS["fe2_key"]) as server:
        yield server
        assert server.breaches == []


@pytest.fixture
def greyhound() -> Iterator[GreyhoundSimulator]:
    """GREYHOUND, which takes the project's password only."""
    with GreyhoundSimulator(users={"api": SECRETS["greyhound_password"]}) as server:
        yield server
        assert server.breaches == []


@pytest.fixture
def example(
    request: pytest.FixtureRequest, tmp_path: Path, fe2: Fe2Simulator, greyhound: GreyhoundSimulator
) -> Program:
    """A copy of the example that the test names, with secrets and with the stand-ins' addresses."""
    root = tmp_path / "projekt"
    shutil.copytree(EXAMPLES / request.param, root)
    wanted = re.findall(r"^(\w+):", (root / "mappings/secrets.example.yaml").read_text("utf-8"), re.MULTILINE)
    secrets = "".join(f"{name}: {SECRETS[name]}\n" for name in wanted)
    (root / "mappings/secrets.yaml").write_text(secrets, "utf-8")
    configuration = root / "mappings/configuration.yaml"
    text = configuration.read_text("utf-8")
    text = text.replace("http://127.0.0.1:8083", fe2.url).replace("http://127.0.0.1:8084", greyhound.url)
    configuration.write_text(text, "utf-8")
    return Program(root)


def of_all(*names: str) -> pytest.MarkDecorator:
    """The test runs for each of these examples."""
    return pytest.mark.parametrize("example", names, indirect=True)


def lists_of(example: Program) -> dict[str, Any]:
    """``expected.json``: for each list what the targets hold after it; later ones name the differences only, and
    null means gone."""
    expected: dict[str, Any] = json.loads((example.root / "expected.json").read_text("utf-8"))
    return expected


def first_list(example: Program) -> tuple[str, dict[str, Any]]:
    """The name of the first list and what the targets hold after it."""
    name, holdings = next(iter(lists_of(example).items()))
    return name, holdings


def contacts_by_key(greyhound: GreyhoundSimulator) -> dict[str, Any]:
    """GREYHOUND's contacts by the member's number, in the short form of ``expected.json``."""
    return {contact["UserFields"]["6"]: contact for contact in map(short, greyhound.contacts.values())}


def short(item: dict[str, Any]) -> dict[str, Any]:
    """A contact without what the server adds itself."""
    fields = {str(entry["FieldRef"]): entry["Value"] for entry in item["UserFields"]}
    top = {name: item[name] for name in ("Kind", "GroupRef", "Subject")}
    contact: dict[str, Any] = item["Properties"]["Contact"]
    links = [_short_link(link) for link in contact.get("ComLinks", [])]
    return top | contact | {"ComLinks": links, "UserFields": fields}


def _short_link(link: dict[str, Any]) -> dict[str, Any]:
    """A link left without its Kind is an e-mail address, one without Preferred is not preferred."""
    preferred = {"Preferred": True} if link.get("Preferred") else {}
    return {"Kind": link.get("Kind", 0), "Category": link["Category"], "Text": link["Text"]} | preferred


# -- every example ---------------------------------------------------------------------------------------------------


def test_there_is_an_example_for_each_target_and_one_for_both() -> None:
    assert EVERY == ["01-csv-to-fe2", "02-csv-to-greyhound", "03-both", WITH_BLUEPRINTS, "05-brigade"]


@of_all(*EVERY)
def test_check_finds_nothing_wrong(example: Program) -> None:
    assert example.json("check") == {"ok": True, "problems": []}


@of_all(*EVERY)
def test_the_tests_of_the_mapping_pass(example: Program) -> None:
    result = example.json("test")

    assert result["ok"]
    assert result["passed"] >= 2


@of_all(*NAMES)
def test_no_row_of_the_list_is_rejected(example: Program) -> None:
    rows = example.json("preview", example.mapping, f"inbox/{first_list(example)[0]}")["rows"]

    assert [row for row in rows if row["problems"]] == []
    assert any(not row["selected"] for row in rows), "an example also shows somebody who takes no part"


@of_all(*WITH_FE2)
def test_the_first_sync_of_fe2_writes_nothing_until_it_is_approved(example: Program, fe2: Fe2Simulator) -> None:
    file, _ = first_list(example)

    report = example.json("run", example.mapping, f"inbox/{file}", code=HELD)

    assert report["status"] == "held"
    assert [problem["code"] for problem in report["problems"]] == ["first_sync"]
    assert fe2.requests == []
    assert example.json("approve", report["plan"])["status"] == "done"
    assert fe2.writes == 1


@of_all("02-csv-to-greyhound")
def test_greyhound_alone_needs_no_approval(example: Program) -> None:
    assert example.json("run", example.mapping)["status"] == "done"


@of_all(*NAMES)
def test_afterwards_the_targets_hold_what_the_example_says(
    example: Program, fe2: Fe2Simulator, greyhound: GreyhoundSimulator
) -> None:
    file, expected = first_list(example)

    report = example.carry_out(f"inbox/{file}")

    assert (report["status"], report["problems"]) == ("done", [])
    assert fe2.persons == expected.get("fe2", {})
    assert contacts_by_key(greyhound) == expected.get("greyhound", {})


@of_all(*NAMES)
def test_the_same_list_again_writes_nothing(example: Program, fe2: Fe2Simulator, greyhound: GreyhoundSimulator) -> None:
    file = f"inbox/{first_list(example)[0]}"
    example.carry_out(file)
    before = fe2.writes, greyhound.writes

    report = example.json("run", example.mapping, file)

    assert report["status"] == "unchanged"
    assert (fe2.writes, greyhound.writes) == before


@of_all(*NAMES)
def test_every_key_of_the_mapping_is_in_the_schema(example: Program) -> None:
    validate = pytest.importorskip("jsonschema", reason="jsonschema is not installed").validate
    loaded = pytest.importorskip("ruamel.yaml").YAML(typ="safe", pure=True)
    mapping = loaded.load((example.root / f"mappings/{example.mapping}.yaml").read_text("utf-8"))

    validate(json.loads(json.dumps(mapping, default=str)), json.loads(example("schema").stdout))


@pytest.mark.parametrize("name", EVERY)
def test_an_example_keeps_no_secret_and_explains_itself(name: str) -> None:
    assert "secrets.yaml" in (ROOT / ".gitignore").read_text("utf-8").split()
    assert (EXAMPLES / name / "README.md").read_text("utf-8").startswith("# ")


# -- a list that changes, and one that was cut off -------------------------------------------------------------------


def test_the_list_for_both_has_sixty_people_that_take_part() -> None:
    first = json.loads((BOTH / "expected.json").read_text("utf-8"))[FIRST]

    assert len(first["fe2"]) == 60


@of_all("03-both")
def test_a_week_later_only_the_differences_are_sent(
    example: Program, fe2: Fe2Simulator, greyhound: GreyhoundSimulator
) -> None:
    expected = lists_of(example)
    example.carry_out(f"inbox/{FIRST}")

    report = example.json("run", "personal", f"inbox/{CHANGED}")

    to_fe2, to_greyhound = report["actions"]
    assert [to_fe2[name] for name in ("created", "updated", "removed", "held")] == [2, 5, 1, 0]
    assert [to_greyhound[name] for name in ("created", "updated", "removed", "held")] == [2, 4, 0, 0]
    later = {name: expected[FIRST][name] | expected[CHANGED][name] for name in ("fe2", "greyhound")}
    assert fe2.persons == {key: person for key, person in later["fe2"].items() if person is not None}
    assert contacts_by_key(greyhound) == later["greyhound"]


@of_all("03-both")
def test_a_list_that_was_cut_off_removes_nobody(example: Program, fe2: Fe2Simulator) -> None:
    example.carry_out(f"inbox/{FIRST}")
    lines = (example.root / "inbox" / FIRST).read_text("utf-8").splitlines(keepends=True)
    (example.root / "inbox/personal-halb.csv").write_text("".join(lines[: len(lines) // 2]), "utf-8", newline="")
    before = dict(fe2.persons)

    report = example.json("run", "personal", "inbox/personal-halb.csv", code=HELD)

    assert {problem["code"] for problem in report["problems"]} == {"shrunk", "too_many_removals"}
    assert fe2.persons == before


# -- what comes with the program -------------------------------------------------------------------------------------


def test_the_mapping_of_a_new_project_is_the_one_of_the_example() -> None:
    default = ROOT / "mappings/personal.yaml"

    assert default.read_bytes() == (BOTH / "mappings/personal.yaml").read_bytes()


def test_a_new_project_in_an_empty_folder_is_in_order(tmp_path: Path) -> None:
    assert Program(tmp_path)("init", "projekt").returncode == 0
    made = Program(tmp_path / "projekt")

    assert made.json("check") == {"ok": True, "problems": []}
    assert made.json("test")["ok"]


def test_a_new_project_gets_secrets_of_its_own(tmp_path: Path) -> None:
    for name in ("a", "b"):
        Program(tmp_path)("init", name)
    one, other = ((tmp_path / name / "mappings/secrets.yaml").read_text("utf-8") for name in ("a", "b"))

    assert re.findall(r"^(\w+):", one, re.MULTILINE) == list(SECRETS)
    assert one != other
    assert "hier-" not in one, "no value of the example is left"


def test_the_demo_shows_everything_and_ends_well(tmp_path: Path) -> None:
    done = Program(tmp_path)("demo")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0002 Anna-Lena Köhler-Brandt" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_possibilities_of_a_new_project_are_right_when_just_their_sign_is_taken_away(tmp_path: Path) -> None:
    Program(tmp_path)("init", "projekt")
    root = tmp_path / "projekt"
    (root / "certs").mkdir()
    (root / "certs" / "fe2.pem").touch()
    for name in ("configuration.yaml", "personal.yaml"):
        path = root / "mappings" / name
        text = path.read_text("utf-8")
        taken = re.sub(r"^( *)#(?=\w|  (?:- trigger|  path))", r"\1", text, flags=re.MULTILINE)
        assert taken != text
        path.write_text(taken, "utf-8")

    report = Program(root).json("check")

    assert [problem["code"] for problem in report["problems"] if problem["severity"] == "error"] == []
