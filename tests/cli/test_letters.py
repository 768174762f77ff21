"""What is printed for a stream that does not know every letter: readable, never an error, never other letters."""

from __future__ import annotations

import codecs
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from engine.cli.letters import READABLE, readable
from engine.i18n import LOCALE_FOLDER
from tests.world import World, people, person

CODE_PAGES = ("cp1252", "cp850", "cp437", "ascii")

codecs.register_error(READABLE, readable)


def printed(world: World, encoding: str, *words: str) -> tuple[bytes, bytes]:
    """What a command writes into pipes whose reader understands this encoding."""
    command = [sys.executable, "-m", "engine", "--project", str(world.root), *words]
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONPATH": str(root)}
    done = subprocess.run(command, capture_output=True, env=environment, cwd=world.root, check=False)
    return done.stdout, done.stderr


def in_german(world: World) -> World:
    world.mapping()
    path = world.root / "mappings" / "configuration.yaml"
    path.write_text(path.read_text("utf-8").replace("language: en", "language: de"), "utf-8")
    world.drop([*people(2), person(3, nachname="Yılmaz-Größe")])
    return world


@pytest.mark.parametrize("encoding", ["cp1252", "cp850"])
def test_umlauts_are_umlauts_and_signs_are_spelled_where_the_reader_has_none(world: World, encoding: str) -> None:
    out, err = printed(in_german(world), encoding, "preview", "personal", "--key", "3")
    text = out.decode(encoding)
    assert err == b""
    assert "Größe" in text
    assert " -> fe2" in text
    assert "?" not in text.replace("nimmt teil?", "").replace("Nimmt teil?", "")
    assert "Ã" not in text


def test_what_is_wrong_is_readable_as_well(world: World) -> None:
    _out, err = printed(in_german(world), "cp850", "abc")
    assert "Nichts wurde getan: " in err.decode("cp850")
    _out, err = printed(world, "cp850", "explain", "überall")
    assert "überall" in err.decode("cp850")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_json_is_the_same_whatever_the_reader_understands(world: World, encoding: str) -> None:
    for words in (["preview", "personal", "--json"], ["plan", "personal", "--json"], ["status", "--json"]):
        out, _err = printed(in_german(world), encoding, *words)
        assert isinstance(json.loads(out.decode("utf-8")), dict)
    out, _err = printed(world, encoding, "preview", "personal", "--json")
    assert json.loads(out)["rows"][2]["actions"]["fe2.sync"]["lastName"] == "Yılmaz-Größe"


@pytest.mark.parametrize("encoding", CODE_PAGES)
def test_every_message_can_be_said_in_every_code_page(encoding: str) -> None:
    with (LOCALE_FOLDER / "de" / "LC_MESSAGES" / "abgleich.po").open("rb") as file:
        catalogue = read_po(file, locale="de", domain="abgleich")
    texts = [text for one in catalogue for text in ([one.string] if isinstance(one.string, str) else one.string or ())]
    unclear = [text for text in texts if text.encode(encoding, READABLE).count(b"?") != text.count("?")]
    assert (len(texts) > 1000, unclear) == (True, [])


def test_a_letter_without_a_likeness_is_a_question_mark_and_half_of_one_is_no_error() -> None:
    assert "Ψ".encode("ascii", READABLE) == b"?"
    assert "\ud800".encode("utf-8", READABLE) == b"?"
    assert "Łódź: ✓ → Ş".encode("ascii", READABLE) == b"Lodz: ok -> S"
