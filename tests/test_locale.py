"""The German catalogue is complete, keeps every placeholder, and is compiled."""

from __future__ import annotations

import gettext
import io
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from engine.i18n import LOCALE_FOLDER, _, language, use_language

ENGINE = Path(__file__).parent.parent / "engine"
GERMAN = LOCALE_FOLDER / "de" / "LC_MESSAGES" / "abgleich.po"
PLACEHOLDER = re.compile(r"\{(\w*)[^{}]*\}")


def messages() -> set[str | tuple[str, str]]:
    """Every message in the source; a pair where there is a plural."""
    found: set[str | tuple[str, str]] = set()
    methods = [("config/schema.py", "tests.docstrings:extract"), ("**.py", "python")]
    for _file, _line, message, _comments, _context in extract_from_dir(ENGINE, method_map=methods):
        found.add(message if isinstance(message, str) else (message[0], message[1]))
    return found


@pytest.fixture(scope="module")
def german() -> Catalog:
    with GERMAN.open("rb") as file:
        return read_po(file, locale="de", domain="abgleich")


def texts(message: Message) -> list[str]:
    """All forms of a translation."""
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


def test_every_message_is_translated(german: Catalog) -> None:
    known = {message.id if isinstance(message.id, str) else message.id[0]: message for message in german if message.id}
    missing = [m for m in messages() if (m if isinstance(m, str) else m[0]) not in known]
    assert missing == []
    assert [m.id for m in known.values() if m.fuzzy or not all(texts(m))] == []


def test_nothing_is_translated_that_is_not_said_any_more(german: Catalog) -> None:
    said = {m if isinstance(m, str) else m[0] for m in messages()}
    assert [m.id for m in german if m.id and (m.id if isinstance(m.id, str) else m.id[0]) not in said] == []


def test_every_placeholder_is_kept(german: Catalog) -> None:
    wrong = []
    for message in german:
        if not message.id:
            continue
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        wanted = {name for text in ids for name in PLACEHOLDER.findall(text)}
        wrong += [text for text in texts(message) if set(PLACEHOLDER.findall(text)) - wanted]
        wrong += [text for text in texts(message)[-1:] if wanted - set(PLACEHOLDER.findall(text))]
    assert wrong == []


def test_the_compiled_catalogue_is_up_to_date(german: Catalog) -> None:
    fresh = io.BytesIO()
    write_mo(fresh, german)
    fresh.seek(0)
    with GERMAN.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    wanted = gettext.GNUTranslations(fresh)
    assert {k: v for k, v in compiled._catalog.items() if k} == {k: v for k, v in wanted._catalog.items() if k}  # type: ignore[attr-defined]


def test_the_language_can_be_changed_and_unknown_ones_are_english() -> None:
    before = language()
    try:
        use_language("de")
        assert _("planned") == "geplant"
        use_language("fr")
        assert _("planned") == "planned"
    finally:
        use_language(before)


def test_no_message_is_put_together_before_it_is_translated() -> None:
    """``_(f"…")`` and ``_("…" + x)`` can never be found in a catalogue."""
    wrong = [
        f"{path.name}: {match}"
        for path in ENGINE.rglob("*.py")
        for match in re.findall(r"\b_\(\s*f[\"'].*", path.read_text("utf-8"))
    ]
    assert wrong == []


COUNTED = re.compile(
    r"\{\w+\} (?:\w+ )?(?:rows|persons|people|contacts|files|lines|changes|cells|entries|runs|tests|plans"
    r"|connections|tries|keys|columns|notices|mistakes|seconds|minutes|hours|days)\b"
)
NEVER_ONE = {
    "The records have more than {count} different keys.",
    "The sheet {name} is too large: {size} million cells at the most can be read.",
    "The notice to {names} is given up after {count} tries.",
}
"""Their numbers are constants of the program."""


def test_whatever_is_counted_has_a_singular_in_both_languages(german: Catalog) -> None:
    """`1 rows` reads like a mistake, and people look for one."""
    said = {message for message in messages() if isinstance(message, str)}
    assert {message for message in said if COUNTED.search(message)} - NEVER_ONE == set()
    pairs = {message.id[0]: texts(message) for message in german if isinstance(message.id, tuple)}
    nouns = re.compile(r"\{\w+\} (?:\w+ )?(?:Zeilen|Personen|Kontakte|Dateien|Änderungen|Läufe|Zellen|Einträge)\b")
    assert [forms[0] for forms in pairs.values() if nouns.search(forms[0]) and "von {count}" not in forms[0]] == []
