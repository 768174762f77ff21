"""Messages for people: English in the source, other languages from ``locale/<language>/LC_MESSAGES/abgleich.mo``.

Codes, keys and JSON field names never pass through here.
"""

from __future__ import annotations

import gettext
import os
from pathlib import Path

LANGUAGES = ("de", "en")
DEFAULT_LANGUAGE = "de"
LOCALE_FOLDER = Path(__file__).parent / "locale"

_catalogue: gettext.NullTranslations = gettext.NullTranslations()
_language = "en"


def use_language(language: str) -> None:
    """Take all messages from now on in ``language``; an unknown one means English."""
    global _catalogue, _language
    _language = language if language in LANGUAGES else "en"
    _catalogue = (
        gettext.NullTranslations()
        if _language == "en"
        else gettext.translation("abgleich", LOCALE_FOLDER, languages=[_language], fallback=True)
    )


def language() -> str:
    """The language in use: ``de`` or ``en``."""
    return _language


def environment_language() -> str:
    """What the environment asks for where no project says it; German unless it names another language."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value and value.split(".")[0] not in ("C", "POSIX"):
            return "de" if value.startswith("de") else "en"
    return DEFAULT_LANGUAGE


def _(message: str) -> str:
    """The message in the language in use. Fill placeholders afterwards: ``_("{n} rows").format(n=3)``."""
    return _catalogue.gettext(message) if message else ""


def ngettext(singular: str, plural: str, count: int) -> str:
    """The form of the message that fits ``count``."""
    return _catalogue.ngettext(singular, plural, count)
