"""JSON and NDJSON (one document a line) as records. Numbers keep the text in which they are written."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.i18n import _
from engine.problems import Location, Refused, did_you_mean
from engine.source.base import SourceOptions
from engine.source.records import Loaded, RecordSource
from engine.source.whole import export_again, nobody, place_of, read_whole, refusal
from engine.template.faults import Fault

_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False)


class JsonSource(RecordSource):
    """A file that holds one JSON document with a list in it."""

    def __init__(self, file: Path, options: SourceOptions) -> None:
        super().__init__(options)
        self._file = file

    def _load(self) -> Loaded:
        whole = read_whole(self._file)
        at = place_of(self._file)
        found = rows_of(document_of(text_of(whole.content, self._options.encoding, at), at), self._options, at)
        return Loaded(found, whole.sha256, whole.modified, self._file)


class NdjsonSource(RecordSource):
    """A file with one JSON document on every line that is not blank."""

    def __init__(self, file: Path, options: SourceOptions) -> None:
        super().__init__(options)
        self._file = file

    def _load(self) -> Loaded:
        whole = read_whole(self._file)
        at = place_of(self._file)
        loaded = Loaded([], whole.sha256, whole.modified, self._file)
        return take_lines(loaded, text_of(whole.content, self._options.encoding, at), at)


def text_of(content: bytes, encoding: str | None, at: Location) -> str:
    """The text of a document, by default in the encoding that its first bytes tell. Raises Refused where it isn't."""
    name = encoding or json.detect_encoding(content)
    if codecs.lookup(name).name == "utf-8":
        name = "utf-8-sig"
    try:
        return content.decode(name)
    except UnicodeDecodeError as error:
        if error.end >= len(content) - 1 and error.reason == "unexpected end of data":
            raise _cut_off(at) from None
        message = _("The document is not written in {encoding}.").format(encoding=name.removesuffix("-sig"))
        hint = _("Say encoding: in the mapping, such as cp1252, or export it again.")
        raise refusal("wrong_encoding", message, hint, at) from None


def document_of(text: str, at: Location) -> Any:
    """What a text of JSON holds. Raises Refused, with the place where it goes wrong."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        if not text.strip():
            raise nobody(_("The file is empty."), at) from None
        if _ends_early(error):
            raise _cut_off(at) from None
        place = Location(at.file, error.lineno, error.colno)
        message = _("This is no valid JSON.")
        hint = _("Look for a comma, a bracket or a quote before this place, or export it again.")
        raise refusal("bad_json", message, hint, place) from None
    except RecursionError:
        message = _("The document is nested too deeply.")
        raise refusal("bad_json", message, _("Check that this is the right list."), at) from None


def rows_of(document: Any, options: SourceOptions, at: Location) -> list[Any]:
    """The list inside of a document: at the way that the mapping says, or the only one there is."""
    if options.rows is not None:
        found = value_at(document, options.rows)
        if isinstance(found, list):
            return found
        paths = [path for path, _list in _lists(document)]
        near = did_you_mean(options.rows, paths)
        hint = _("Did you mean {name}?").format(name=near) if near else _seen_lists(paths)
        message = _("There is no list at `rows: {path}`.").format(path=options.rows)
        raise refusal("rows_not_found", message, hint, at)
    if isinstance(document, list):
        return document
    known = list(_lists(document))
    if len(known) == 1:
        return known[0][1]
    message = _("The document is no list, and which list in it is meant can't be told.")
    raise refusal("rows_not_found", message, _seen_lists([path for path, _list in known]), at)


def _seen_lists(paths: list[str]) -> str:
    if not paths:
        return _("There is no list of records in it. Is it an error message of a server, or another file?")
    return _("Lists in it: {paths}. Name one in the mapping, as in `rows: {first}`.").format(
        paths=", ".join(paths[:10]), first=paths[0]
    )


def _lists(document: Any) -> Iterator[tuple[str, list[Any]]]:
    """The lists of records at the top of a document, or one level below."""
    for key, value in document.items() if isinstance(document, dict) else ():
        below = value.items() if isinstance(value, dict) else ()
        for path, found in ((key, value), *((f"{key}.{name}", item) for name, item in below)):
            if isinstance(found, list) and all(isinstance(item, dict) for item in found):
                yield path, found


def value_at(document: Any, path: str) -> Any:
    """What stands at the end of a dotted way; None where it leads nowhere. A key may hold dots itself."""
    if isinstance(document, dict):
        if path in document:
            return document[path]
        head, dot, rest = path.partition(".")
        while dot:
            if head in document and (found := value_at(document[head], rest)) is not None:
                return found
            more, dot, rest = rest.partition(".")
            head = f"{head}.{more}"
    return None


def take_lines(loaded: Loaded, text: str, at: Location) -> Loaded:
    """Fill in the records of NDJSON. A line that can't be read is one bad record; the last one means a cut-off file."""
    lines: list[int] = []
    broken = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = _DECODER.decode(line)
        except (json.JSONDecodeError, RecursionError):
            message, hint = _("This line is no valid JSON."), _("Every line is one record in curly brackets.")
            loaded.faults[len(loaded.records)] = Fault("bad_json", message, hint)
            record, broken = None, number
        loaded.records.append(record)
        lines.append(number)
    if lines and broken == lines[-1]:
        raise _cut_off(Location(at.file, broken))
    if len(loaded.faults) == len(loaded.records) and lines:
        message, hint = _("This line is no valid JSON."), _("Is it one document with a list? Then say type: json.")
        raise refusal("bad_json", message, hint, Location(at.file, lines[0]))
    loaded.lines = lines
    return loaded


def _ends_early(error: json.JSONDecodeError) -> bool:
    return error.pos >= len(error.doc.rstrip()) or error.msg.startswith(("Unterminated string", "Expecting value: end"))


def _cut_off(at: Location) -> Refused:
    message = _("The document ends in the middle: it was cut off.")
    return refusal("cut_off_file", message, export_again(), at)
