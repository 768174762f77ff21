"""For babel: the texts below the keys of the models are messages too. Editors show them (`abgleich schema`)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any

from babel.messages.extract import extract_python

from engine.config.documented import documented


def extract(
    file: IO[bytes], keywords: Mapping[str, Any], comments: Collection[str], options: Mapping[str, Any]
) -> Iterator[tuple[int, Any, Any, Any]]:
    """Babel's own extraction of Python, and the texts below the keys."""
    yield from extract_python(file, keywords, comments, options)  # type: ignore[arg-type]
    file.seek(0)
    for keys in documented(file.read().decode("utf-8")).values():
        for line, text in keys.values():
            yield line, "_", text, []
