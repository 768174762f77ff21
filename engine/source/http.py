"""A list behind a web address, page by page, then JSON, NDJSON, csv or a workbook.

All pages come or none: one that fails, is cut off or leads elsewhere ends the reading. The headers carry secrets, so
no request ever leaves the server that the mapping names.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from engine.http import Answer, Http, Unreachable, repeated
from engine.i18n import _
from engine.problems import Location, Problem, Refused, SourceFailed, TargetStopped
from engine.source.base import CHUNK_ROWS, Chunk, Remote, Scan, Source, SourceOptions
from engine.source.csv import CsvSource
from engine.source.json import document_of, rows_of, take_lines, text_of, value_at
from engine.source.records import Loaded, RecordSource, combined
from engine.source.whole import MOST_MEBIBYTES, export_again, nobody, refusal, too_large

MOST_PAGES = 10_000
PAUSES = (2.0, 10.0, 30.0)
"""Seconds before a request is repeated that may succeed later."""
LATER = (408, 425, 429, 500, 502, 503, 504)

_FORMATS = (
    ("csv", re.compile(r"text/(csv|plain|tab-separated-values)")),
    ("excel", re.compile(r"spreadsheetml|ms-excel|opendocument.spreadsheet")),
    ("ndjson", re.compile(r"ndjson|jsonl|json-seq|json-lines")),
)
_LINK = re.compile(r'<([^>]*)>((?:\s*;\s*[\w*-]+\s*(?:=\s*(?:"[^"]*"|[^",;\s]+))?)*)')
_NEXT = re.compile(r';\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?=[\s;,]|$))', re.IGNORECASE)
_USUAL_LINKS = ("links.next", "next", "paging.next", "meta.next", "pagination.next", "@odata.nextLink")


class HttpSource:
    """A list behind an address. Implements :class:`engine.source.base.Source`; fetched once."""

    def __init__(self, options: SourceOptions) -> None:
        assert options.remote is not None
        self._options = options
        self._remote = options.remote
        self._name = _name(options.remote)
        self._at = Location(self._name)
        self._inner: Source | None = None

    def scan(self) -> Scan:
        """See :meth:`Source.scan`. A second call gives the same, without fetching again."""
        return self._source().scan()

    def chunks(self, size: int = CHUNK_ROWS, raw: bool = False) -> Iterator[Chunk]:
        """See :meth:`Source.chunks`."""
        return self._source().chunks(size, raw)

    def _source(self) -> Source:
        if self._inner is None:
            try:
                self._inner = self._fetched()
            except Refused as error:
                # Nobody exports what a server gives.
                again = _("Ask those who run the server what it should give.")
                told = (replace(one, hint=one.hint.replace(export_again(), again)) for one in error.problems)
                raise Refused(*told) from None
        return self._inner

    def _fetched(self) -> Source:
        check_address(self._remote.url, self._options.at)
        pages = _Pages(self._remote, self._at)
        try:
            first = pages.get(_first(self._remote))
            kind = self._remote.format or _format(first, self._remote.url)
            if kind in ("csv", "excel"):
                pages.no_more(first)
                return _Copied(kind, first.body, self._options, self._name)
            return _Fetched(self._options, self._records(pages, first, kind))
        finally:
            pages.close()

    def _records(self, pages: _Pages, first: Answer, kind: str) -> Loaded:
        """The records of all pages."""
        found: list[Loaded] = []
        sha256 = hashlib.sha256()
        answer: Answer | None = first
        while answer is not None:
            text = text_of(answer.body, self._options.encoding, self._at)
            document: Any = None
            if kind == "ndjson":
                part = take_lines(Loaded([], "", datetime.now(UTC), name=self._name), text, self._at)
            else:
                document = document_of(text, self._at)
                part = Loaded(rows_of(document, self._options, self._at), "", datetime.now(UTC), name=self._name)
            sha256.update(answer.body)
            found.append(part)
            answer = pages.after(answer, document, len(part.records))
        whole = combined(found)
        if not whole.records:
            raise nobody(_("The address gives an empty list."), self._at)
        return replace(whole, sha256=sha256.hexdigest())


class _Fetched(RecordSource):
    """Records that are there already."""

    def __init__(self, options: SourceOptions, loaded: Loaded) -> None:
        super().__init__(options)
        self._loaded = loaded

    def _load(self) -> Loaded:
        return self._loaded


class _Copied:
    """One page that is a file: read through a copy that is gone at once, its rows held."""

    def __init__(self, kind: str, body: bytes, options: SourceOptions, name: str) -> None:
        with tempfile.TemporaryDirectory(prefix="abgleich-") as folder:
            file = Path(folder) / "list"
            file.write_bytes(body)
            try:
                source = _file_source(kind, file, options)
                scan = source.scan()
                self._chunks = list(source.chunks(CHUNK_ROWS, raw=True))
            except Refused as error:
                raise Refused(*(_elsewhere(problem, file, name) for problem in error.problems)) from None
        self._scan = replace(scan, file=None, name=name)

    def scan(self) -> Scan:
        return self._scan

    def chunks(self, size: int = CHUNK_ROWS, raw: bool = False) -> Iterator[Chunk]:
        yield from self._chunks


def _file_source(kind: str, file: Path, options: SourceOptions) -> Source:
    if kind == "csv":
        return CsvSource(file, options)
    from engine.source.excel import ExcelSource

    return ExcelSource(file, options)


def _elsewhere(problem: Problem, file: Path, name: str) -> Problem:
    """A problem of the copy, told of the address."""
    told = replace(problem, message=problem.message.replace(str(file), name))
    return replace(told, at=replace(problem.at, file=name)) if problem.at.file else told


# --- pages ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Place:
    """The page being read: its address, and its number where pages are counted."""

    url: str
    number: int


class _Pages:
    """The pages of one list, all from one server."""

    def __init__(self, remote: Remote, at: Location) -> None:
        self._remote = remote
        self._at = at
        self._server = _server(remote.url)
        self._place = _Place(remote.url, _number(remote))
        self._seen: set[str] = set()
        self._bodies: set[bytes] = set()
        self._size = 0
        try:
            late = _("if the server needs longer, raise `timeout` in the mapping")
            ca_file = _ca_file(remote)
            self._http = Http(self._server, remote.timeout, _secrets(remote), ca_file, remote.verify_tls, late)
        except TargetStopped as error:
            raise Refused(*(problem.located(at) for problem in error.problems)) from None

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def get(self, url: str) -> Answer:
        """One page. Raises Refused or SourceFailed where it is not there as a whole."""
        self._place.url = url
        if url in self._seen or len(self._seen) >= MOST_PAGES:
            raise self._no_end()
        self._seen.add(url)
        parts = urlsplit(url)
        path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        headers = {"Accept": "application/json, text/csv;q=0.9, */*;q=0.5"} | dict(self._remote.headers)
        sleep = self._remote.sleep
        try:
            answer = repeated(
                lambda: self._http.send("GET", path, headers),
                lambda found: PAUSES if sleep is not None and _may_succeed_later(found) else (),
                sleep or (lambda _seconds: None),
            )
        except Unreachable as error:
            raise self._failed(error.message) from None
        self._check(answer)
        self._size += len(answer.body)
        if self._size > MOST_MEBIBYTES << 20:
            raise too_large(self._at)
        return answer

    def after(self, answer: Answer, document: Any, rows: int) -> Answer | None:
        """The page behind this one; None where it was the last."""
        if self._remote.page is not None:
            return self._counted(answer, rows)
        link = self._link(answer, document)
        return None if link is None else self.get(self._same_server(link))

    def no_more(self, answer: Answer) -> None:
        """Raises Refused where a file has pages: they can't be joined."""
        if _linked(answer.link) is not None or self._remote.page or self._remote.next:
            message = _("The address gives its list in pages, which only works with json and ndjson.")
            hint = _("Ask the server for all rows at once, or for json.")
            raise refusal("pages_not_possible", message, hint, self._at)

    def _counted(self, answer: Answer, rows: int) -> Answer | None:
        if not rows:
            return None
        digest = hashlib.sha256(answer.body).digest()
        if digest in self._bodies:
            message = _("The server gives the same page again: it does not know the parameter {name}.").format(
                name=self._remote.page
            )
            raise refusal("pages_without_end", message, _("See the server's documentation for its name."), self._at)
        self._bodies.add(digest)
        self._place.number += 1
        return self.get(with_page(self._remote.url, self._remote.page or "", self._place.number))

    def _link(self, answer: Answer, document: Any) -> str | None:
        """The link to the next page. A list that goes on must not end because nobody said where the link stands."""
        header = _linked(answer.link)
        value = value_at(document, self._remote.next) if self._remote.next is not None else None
        if isinstance(value, dict):
            value = value.get("href")
        if value in (None, "", False):
            found = next((path for path in _USUAL_LINKS if _is_link(value_at(document, path))), None)
            if header is None and found is not None:
                message = _("This is one page of several: {path} leads to the next one.").format(path=found)
                hint = _("Write `next: {path}` in the mapping.").format(path=found)
                raise refusal("more_pages", message, hint, self._at)
            return header
        if isinstance(value, str):
            return value
        message = _("At `next: {path}` there is no address.").format(path=self._remote.next)
        raise refusal("bad_next_link", message, _("Name the place of the address itself."), self._at)

    def _same_server(self, link: str) -> str:
        url = urljoin(self._place.url, link.strip())
        try:
            same = _server(url) == self._server
        except ValueError:
            same = False
        if not same:
            message = _("The next page is on another server. The headers may hold secrets, so it is not asked.")
            hint = _("Ask those who run the server for links on itself.")
            raise refusal("next_page_elsewhere", message, hint, self._at)
        return urlunsplit(urlsplit(url)._replace(fragment=""))

    def _check(self, answer: Answer) -> None:
        status = answer.status
        if status in LATER:
            raise self._failed(_("it answers with the error {status}").format(status=status))
        hints = {
            401: _("Is the token in `headers:` right, and still valid?"),
            403: _("The token is known, but may not read this list."),
            404: _("Check the address in the mapping."),
        }
        if 300 <= status < 400:
            message = _("The server leads to another address ({status}); that is not followed.").format(status=status)
            raise refusal("http_status", message, _("Write the new address into the mapping."), self._at)
        if status != 200:
            message = _("The server answers with the error {status}.").format(status=status)
            raise refusal("http_status", message, hints.get(status, _("Check the address in the mapping.")), self._at)
        if answer.is_html:
            message = _("The server answers with a page for people instead of a list.")
            hint = _("Is a login or a proxy in between? Check address and token.")
            raise refusal("http_not_a_list", message, hint, self._at)

    def _failed(self, reason: str) -> SourceFailed:
        message = _("{name} can't be read: {reason}.").format(name=self._at.file, reason=reason)
        hint = _("Nothing was written. The engine tries again by itself; by hand, run it again later.")
        return SourceFailed(Problem("source_unreachable", self._http.redact(message), hint, self._at))

    def _no_end(self) -> Refused:
        message = _("The pages never end: the same one came again, or more than {count}.").format(count=MOST_PAGES)
        return refusal("pages_without_end", message, _("Check `next:` or `page:` in the mapping."), self._at)


def _may_succeed_later(found: Answer | Unreachable) -> bool:
    return isinstance(found, Unreachable) or found.status in LATER


def _is_link(value: Any) -> bool:
    return isinstance(value, str) and bool(re.match(r"https?://|/|\?", value))


def _linked(header: str) -> str | None:
    """The address of the next page in a ``Link`` header (RFC 8288)."""
    return next((target for target, parameters in _LINK.findall(header) if _NEXT.search(parameters)), None)


def with_page(url: str, name: str, number: int) -> str:
    """The address with another number of a page."""
    parts = urlsplit(url)
    query = [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if key != name]
    return urlunsplit(parts._replace(query=urlencode([*query, (name, str(number))])))


# --- addresses --------------------------------------------------------------------------------------------------------


def check_address(url: str, at: Location) -> None:
    """Raises Refused for what is no web address, or holds a password."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or any(map(str.isspace, url)):
        message = _("This is no web address.")
        hint = _("Write for example https://verein.example.org/api/members")
        raise refusal("bad_address", message, hint, at)
    if parts.username or parts.password:
        hint = _("Write a header instead: `headers: {example}`.").format(example="{Authorization: !secret name}")
        raise refusal("secret_in_url", _("A user or password may not stand in the address."), hint, at)


def _first(remote: Remote) -> str:
    """The address of the first page."""
    if remote.page is not None:
        return with_page(remote.url, remote.page, _number(remote))
    return urlunsplit(urlsplit(remote.url)._replace(fragment=""))


def _number(remote: Remote) -> int:
    """The number of the first page: 1, or what stands in the address."""
    written = dict(parse_qsl(urlsplit(remote.url).query)).get(remote.page or "", "1")
    return int(written) if re.fullmatch("[0-9]{1,9}", written) else 1


def _server(url: str) -> str:
    """Scheme, host and port: whatever shares them is the same server."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme.casefold() == "https" else 80)
    host = (parts.hostname or "").casefold()
    return f"{parts.scheme.casefold()}://{f'[{host}]' if ':' in host else host}:{port}"


def _name(remote: Remote) -> str:
    """The address as it may be shown: without its query, and nothing of it where it is a secret itself."""
    try:
        parts = urlsplit(remote.url)
        shown = f"{parts.scheme}://{(parts.hostname or '')}{f':{parts.port}' if parts.port else ''}{parts.path}"
    except ValueError:
        return _("web address")
    known = [secret for secret in remote.secrets if len(secret) > 2]
    return _("web address") if remote.url in known or any(secret in shown for secret in known) else shown


def _secrets(remote: Remote) -> Sequence[str]:
    values = remote.headers.values()
    return [*values, *(part for value in values for part in value.split() if len(part) > 5), *remote.secrets]


def _ca_file(remote: Remote) -> str | None:
    return str(remote.root / remote.ca_file) if remote.ca_file is not None else None


def _format(answer: Answer, url: str) -> str:
    """What the server says it gives, else what the address looks like; JSON by default."""
    said = answer.content_type.casefold()
    found = next((kind for kind, pattern in _FORMATS if pattern.search(said)), None)
    if found is not None and "text/plain" not in said:
        return found
    start = answer.body.lstrip()[:1]
    if start in (b"{", b"["):
        return "json"
    return "csv" if found or urlsplit(url).path.casefold().endswith(".csv") else "json"
