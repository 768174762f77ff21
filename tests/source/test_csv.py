from __future__ import annotations

import csv
import hashlib
import io
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.problems import Location, Problem, Refused
from engine.source import SOURCES
from engine.source.base import Chunk, Column, Damaged, Source, SourceOptions

NR_NAME = (Column("nr", ("Nr",)), Column("name", ("Name",)))
ANY = SourceOptions(None)
NAMED = SourceOptions(NR_NAME)
Write = Callable[..., Path]
Row = tuple[str, ...]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(content: str | bytes, encoding: str = "utf-8") -> Path:
        file = tmp_path / "personal.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return file

    return write_file


def source(file: Path, options: SourceOptions = ANY) -> Source:
    return SOURCES["csv"](file, options)


def read(file: Path, options: SourceOptions = ANY) -> list[Row]:
    return [row for chunk in source(file, options).chunks() for row in chunk.rows]


def all_in_one(file: Path, options: SourceOptions = ANY) -> Chunk:
    (chunk,) = source(file, options).chunks(raw=True)
    return chunk


def damage(file: Path, options: SourceOptions = ANY) -> list[Damaged]:
    return [damaged for chunk in source(file, options).chunks() for damaged in chunk.damaged]


def refusal(file: Path, options: SourceOptions = ANY) -> Problem:
    with pytest.raises(Refused) as refused:
        source(file, options).scan()
    (problem,) = refused.value.problems
    assert problem.message
    assert problem.hint
    return problem


# --- what a scan tells


def test_a_scan_tells_everything_about_the_file(write: Write) -> None:
    file = write("Liste\n\nNr;E-Mail privat;\n1;a@b;\n\n2;x;y;z\n3;c@d;\n")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    scan = source(file).scan()
    assert scan.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert scan.modified == datetime.fromtimestamp(1_700_000_000, UTC)
    assert (scan.file, scan.rows, scan.header_line) == (file, 3, 3)
    assert (scan.header, scan.names) == (("Nr", "E-Mail privat"), ("Nr", "E_Mail_privat"))
    assert (scan.encoding, scan.delimiter) == ("utf-8", ";")


def test_chunks_tell_numbers_and_lines_and_what_was_in_the_file(write: Write) -> None:
    file = write('Nr;Name\r\n1;"Max\r\nMuster"\r\n\r\n2;x;y\r\n ; \r\n3;"Eva ""E"" ; M"\r\n')
    chunk = all_in_one(file)
    assert chunk.rows == [("1", "Max\r\nMuster"), ("3", 'Eva "E" ; M')]
    assert chunk.numbers == [1, 3]
    assert chunk.lines == [2, 7]
    assert chunk.raw == [{"Nr": "1", "Name": "Max\r\nMuster"}, {"Nr": "3", "Name": 'Eva "E" ; M'}]
    assert [(row.number, row.line) for row in chunk.damaged] == [(2, 5)]


def test_raw_is_made_only_for_who_asks(write: Write) -> None:
    (chunk,) = source(write("Nr;Name\n1;a\n")).chunks()
    assert chunk.raw is None


def test_chunks_are_as_large_as_asked_for_and_damaged_rows_count(write: Write) -> None:
    file = write("Nr;Name\n" + "".join(f"{n};x\n" if n != 3 else "3\n" for n in range(1, 8)))
    chunks = list(source(file).chunks(size=3))
    assert [chunk.numbers for chunk in chunks] == [[1, 2], [4, 5, 6], [7]]
    assert sum(map(len, chunks)) == source(file).scan().rows == 7


def test_a_source_may_be_read_again(write: Write) -> None:
    of = source(write("Nr;Name\n1;a\n"))
    assert [chunk.rows for chunk in of.chunks()] == [chunk.rows for chunk in of.chunks()]


def test_values_arrive_as_they_were_typed(write: Write) -> None:
    typed = ["00042", "01067", "no", "1e5", "12:30", "=1+1", "'7", "NULL"]
    assert [row[0] for row in read(write("Wert;x\n" + "".join(f"{text};\n" for text in typed)))] == typed


# --- encodings

SAMPLES = [
    "Müller;Straße;Köln\n1;2;3\n",
    "Nr;Name\n1;Müller\n2;Öztürk\n",
    "Nr;Name\n1;Möller\n2;Müller\n",
    "Nr;Name\n1;Jäger\n",
    "Nr;Name\n1;Groß\n",
    "Nr;Name;Ort\n1;Jörg Groß;Übach\n",
    "NR;NAME\n1;MÜLLER\n2;SCHÄFER\n",
    "Nr;Name\n1;René\n",
    "Nr;Name\n1;Ärger\n2;Öl\n",
    "Nr;Name\n1;Zoé Großmann-Übel\n",
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", SAMPLES)
def test_unicode_is_recognised(write: Write, text: str, encoding: str) -> None:
    (first, *_others) = read(write(text, encoding))
    assert list(first) == text.splitlines()[1].split(";")


@pytest.mark.parametrize("encoding", ["cp1252", "cp850", "latin-1", "mac_roman"])
@pytest.mark.parametrize("text", SAMPLES)
def test_short_german_samples_in_older_encodings_are_read_right(write: Write, text: str, encoding: str) -> None:
    file = write(text, encoding)
    scan = source(file).scan()
    rows = [list(scan.header), *map(list, read(file))]
    assert rows == [line.split(";") for line in text.splitlines()]


@pytest.mark.parametrize(
    "text", ["12 €", "„Zug 1“ – alt", "O’Neil", "Meier’s", "§ 5", "Berlin–Mitte", "usw…", "A\u00a0B"]
)
def test_the_signs_of_windows_are_not_taken_for_letters_of_another_encoding(write: Write, text: str) -> None:
    assert read(write(f"Nr;Text\n1;{text}\n", "cp1252")) == [("1", text)]


def test_a_given_encoding_is_taken_and_its_name_may_be_spelt_as_usual(write: Write) -> None:
    options = SourceOptions(None, encoding="ISO-8859-15")
    assert read(write("Nr;Text\n1;5 €\n", "iso-8859-15"), options) == [("1", "5 €")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf8", "utf-16", "utf-16-le"])
def test_a_bom_is_no_part_of_the_first_heading(write: Write, encoding: str) -> None:
    file = write('\ufeff"Nr";Name\n1;Jörg\n', "utf-16-le" if "16" in encoding else "utf-8")
    assert read(file, SourceOptions(NR_NAME, encoding=encoding)) == [("1", "Jörg")]


def test_a_given_encoding_that_does_not_fit_is_refused_with_its_line(write: Write) -> None:
    file = write("Nr;Name\n1;a\n2;Jörg\n3;c\n", "cp1252")
    problem = refusal(file, SourceOptions(None, encoding="utf-8"))
    assert (problem.code, problem.at) == ("wrong_encoding", Location(str(file), 3))


def test_a_bom_that_says_otherwise_than_the_mapping_is_refused(write: Write) -> None:
    assert refusal(write("Nr\n1\n", "utf-16"), SourceOptions(None, encoding="cp1252")).code == "wrong_encoding"


@pytest.mark.parametrize("name", ["uft-8", "hex", "no\0pe", ""])
def test_what_is_no_encoding_is_refused_where_the_mapping_says_it(write: Write, name: str) -> None:
    at = Location("mappings/p.yaml", 9)
    problem = refusal(write("Nr\n1\n"), SourceOptions(None, encoding=name, at=at))
    assert (problem.code, problem.at) == ("unknown_encoding", at)


def test_one_foreign_line_in_a_utf8_file_is_not_read_as_garbage(write: Write) -> None:
    file = write("Nr;Name\n1;Jürgen\n2;Jörg\n".encode() + "3;Käthe\n".encode("cp1252"))
    problem = refusal(file)
    assert (problem.code, problem.at.line) == ("mixed_encoding", 4)


@pytest.mark.parametrize("missing", [1, 2])
def test_a_file_that_ends_inside_a_character_was_cut_off(write: Write, missing: int) -> None:
    assert refusal(write("Nr;Preis\n1;5 €".encode()[:-missing])).code == "cut_off_file"
    assert refusal(write("Nr;Name\n1;Grün\n2;Gru\u0308n".encode("utf-16")[:-1])).code == "cut_off_file"


def test_an_older_file_may_end_with_an_umlaut(write: Write) -> None:
    assert read(write("Nr;Name\n1;Groß", "cp1252")) == [("1", "Groß")]


# --- what is refused as a whole


@pytest.mark.parametrize("text", ["", "\ufeff", "\n\n", "Nr;Name", "Nr;Name\n", "Nr;Name\n;\n \n", "\x1a"])
def test_a_file_without_rows_is_refused(write: Write, text: str) -> None:
    assert refusal(write(text)).code == "no_rows"
    if "Nr" in text:
        assert refusal(write(text), NAMED).code == "no_rows"


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04\x14\0\0", b"\xd0\xcf\x11\xe0\0\0", b"Nr;Name\n1;a\0b\n", os.urandom(5000)]
)
def test_a_binary_file_is_refused(write: Write, content: bytes) -> None:
    problem = refusal(write(content))
    assert problem.code == "binary_file"
    assert ("workbook" in problem.hint) == content.startswith((b"PK", b"\xd0"))


def test_what_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    problem = refusal(tmp_path / "gone.csv")
    assert problem.code == "unreadable_file"
    assert "it does not exist" in problem.message
    assert refusal(tmp_path).code == "unreadable_file"


def test_a_last_row_with_too_few_cells_is_a_cut_off_file(write: Write) -> None:
    problem = refusal(write("Nr;Name;Ort\n1;a;b\n\n2;Mus\n\n"))
    assert (problem.code, problem.at.line) == ("cut_off_file", 4)
    assert "skip_footer" not in problem.hint


@pytest.mark.parametrize("footer", ["Anzahl: 2", "Stand;01.01.2026", "Summe;2"])
def test_a_last_row_that_looks_like_a_footer_gets_the_hint(write: Write, footer: str) -> None:
    assert "skip_footer" in refusal(write(f"Nr;Name;Ort\n1;a;b\n{footer}\n")).hint


def test_a_file_that_ends_inside_a_quoted_cell_is_cut_off(write: Write) -> None:
    problem = refusal(write('Nr;Name\n1;a\n2;"b\nc\nd\n'))
    assert (problem.code, problem.at.line) == ("cut_off_file", 3)


def test_a_quote_that_opens_in_a_later_line_of_a_row_is_named_by_that_line(write: Write) -> None:
    problem = refusal(write('Nr;Name;Ort\n1;"a\nb";"c\nd\n'))
    assert (problem.code, problem.at.line) == ("cut_off_file", 3)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"x" * 10_000_000, 1),
        (b";" * 5_000_000, 1),
        (b'"' * 5_000_001, 1),
        (b"Nr;Name\n1;a\n" + b";" * 5_000_000, 3),
        (b'Nr;Name\n1;a\n2;"b\n' + b"3;c\n" * 1_000_000, 3),
        (b"Nr;Name\n" + b"1;a\n" * 50_000 + b'2;"b\n' + b"3;c\n" * 500_000, 50_002),
        (b'Nr;Name\n1;"' + b"\n" * 1_000_000 + b'"\n', 2),
        (b"Nr;Name\n1;a\n2;" + b"b" * 200_000 + b"\n3;c\n", 3),
    ],
)
def test_an_absurdly_long_line_or_cell_is_refused_soon_and_cheaply(write: Write, content: bytes, line: int) -> None:
    file = write(content)
    start = time.monotonic()
    problem = refusal(file)
    assert (problem.code, problem.at.line) == ("line_too_long", line)
    assert time.monotonic() - start < 5
    tracemalloc.start()
    refusal(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000_000


def test_a_file_that_changes_between_scan_and_reading_gives_no_last_chunk(write: Write) -> None:
    file = write("Nr;Name\n1;a\n2;b\n3;c\n")
    for changed in ("Nr;Name\n1;a\n2;b\n3;X\n", "Nr;Name\n1;a\n", "Nr;Name\n1;a\n2;b\n3;c\n4;d\n", 'Nr;Name\n1;"', ""):
        of = source(write("Nr;Name\n1;a\n2;b\n3;c\n"))
        of.scan()
        write(changed)
        chunks = of.chunks(size=3)
        with pytest.raises(Refused, match="changed"):
            list(chunks)
    of = source(write("Nr;Name\n1;a\n"))
    of.scan()
    file.write_bytes("Nr;Name\n1;ä\n".encode("cp1252"))
    with pytest.raises(Refused, match="changed"):
        list(of.chunks())


def test_a_file_that_vanishes_after_the_scan_is_refused(write: Write) -> None:
    file = write("Nr;Name\n1;a\n")
    of = source(file)
    of.scan()
    file.unlink()
    with pytest.raises(Refused) as refused:
        list(of.chunks())
    assert refused.value.problems[0].code == "unreadable_file"


def test_who_stops_reading_early_leaves_nothing_open(write: Write) -> None:
    chunks = source(write("Nr;Name\n1;a\n2;b\n3;c\n")).chunks(size=1)
    assert isinstance(chunks, Iterator)
    assert next(chunks).rows == [("1", "a")]
    del chunks  # an open file would be a ResourceWarning, which is an error here


# --- delimiter and header


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|", ":"])
@pytest.mark.parametrize("options", [ANY, NAMED])
def test_the_delimiter_is_found_out(write: Write, delimiter: str, options: SourceOptions) -> None:
    file = write("Nr;Name\n1;a\n2;b\n".replace(";", delimiter))
    assert read(file, options) == [("1", "a"), ("2", "b")]
    assert source(file, options).scan().delimiter == delimiter


def test_a_given_delimiter_is_taken(write: Write) -> None:
    assert read(write("Nr~Name\n1~a;b\n"), SourceOptions(None, delimiter="~")) == [("1", "a;b")]
    assert read(write("Nr\tName\n1\ta\n"), SourceOptions(None, delimiter="tab")) == [("1", "a")]


@pytest.mark.parametrize("delimiter", ["", ";;", "\n", '"'])
def test_what_is_no_delimiter_is_refused_where_the_mapping_says_it(write: Write, delimiter: str) -> None:
    at = Location("mappings/p.yaml", 9)
    problem = refusal(write("Nr\n1\n"), SourceOptions(None, delimiter=delimiter, at=at))
    assert (problem.code, problem.at) == ("bad_delimiter", at)


def test_another_quote_or_none_can_be_given(write: Write) -> None:
    file = write("Nr;Name\n1;'a;b'\n")
    assert read(file, SourceOptions(None, quote="'")) == [("1", "a;b")]
    assert read(write('Nr;Name\n1;"5" Zoll\n'), SourceOptions(None, quote="")) == [("1", '"5" Zoll')]
    assert refusal(file, SourceOptions(None, quote="''")).code == "bad_quote"
    assert refusal(file, SourceOptions(None, quote=";", delimiter=";")).code == "bad_quote"


def test_excels_first_line_names_the_delimiter_and_is_no_row(write: Write) -> None:
    file = write("sep=|\r\nNr|Name;x\r\n1|a;b\r\n")
    assert read(file) == [("1", "a;b")]
    assert source(file).scan().header_line == 2
    assert read(file, SourceOptions(None, header_row=1)) == [("1", "a;b")], "Excel's row 1 is the line below"
    assert read(write("sep=\t\nNr\tName\n1\ta\n"), NAMED) == [("1", "a")]


def test_title_rows_above_the_header_are_passed_over(write: Write) -> None:
    title = 'Mitgliederliste, Stand: 01.01.2026\n"Aktive";;\n\nLöschzug: 1, 2, 3\n'
    file = write(title + "Nr;Name;Ort\n1;a, b;c\n2;d;e\n3;f;g\n")
    assert read(file)[0] == ("1", "a, b", "c")
    assert read(file, NAMED)[0] == ("1", "a, b")
    assert source(file, NAMED).scan().header_line == 5


def test_a_title_row_filled_up_with_delimiters_is_no_header(write: Write) -> None:
    assert source(write("Liste;;;\nNr;Name;Ort;Zug\n1;a;b;c\n")).scan().header_line == 2


def test_the_header_is_looked_for_in_the_first_twenty_rows(write: Write) -> None:
    assert read(write("x\n" * 19 + "Nr;Name\n1;a\n"), NAMED) == [("1", "a")]
    assert refusal_codes(write("x\n" * 20 + "Nr;Name\n1;a\n"), NAMED) == ["missing_heading"] * 2


def refusal_codes(file: Path, options: SourceOptions) -> list[str]:
    with pytest.raises(Refused) as refused:
        source(file, options).scan()
    return [problem.code for problem in refused.value.problems]


def test_a_header_row_can_be_given(write: Write) -> None:
    file = write("Nr;Name\n\nNr;Name\n1;a\n")
    assert read(file, SourceOptions(NR_NAME, header_row=3)) == [("1", "a")]
    assert read(file, SourceOptions(None, header_row=3)) == [("1", "a")]
    assert refusal(file, SourceOptions(None, header_row=2)).code == "no_header"
    assert refusal(file, SourceOptions(None, header_row=99)).code == "no_header"
    assert read(write('"Titel\nNr;Name\n1;a\n'), SourceOptions(None, header_row=2)) == [("1", "a")]


def test_for_a_missing_heading_the_row_with_most_headings_is_searched(write: Write) -> None:
    file = write("Liste 2026\nNummer;Nr;Vornahme\n1;2;3\n")
    at = Location("mappings/p.yaml", 7)
    problem = refusal(file, SourceOptions((Column("nr", ("Nr",)), Column("vorname", ("Vorname",), at=at))))
    assert (problem.code, problem.at) == ("missing_heading", at)
    assert f"{file}:2" in problem.message
    assert '"Vornahme"' in problem.hint


def test_headings_are_found_without_regard_to_blanks_and_case(write: Write) -> None:
    assert read(write("\u00a0NR ;name\n1;a\n"), NAMED) == [("1", "a")]


def test_only_optional_columns_still_find_their_header(write: Write) -> None:
    options = SourceOptions((Column("nr", ("Nr",), optional=True), Column("tel", ("Telefon",), optional=True)))
    assert read(write("Titel\nName,Nr\na,1\n"), options) == [("1", "")]


def test_a_file_may_have_one_column(write: Write) -> None:
    assert read(write("Name\nMuster\nMeier\n")) == [("Muster",), ("Meier",)]
    assert read(write("Nr\n1\n"), SourceOptions((Column("nr", ("Nr",)),))) == [("1",)]


def test_a_semicolon_file_with_commas_in_its_cells_stays_a_semicolon_file(write: Write) -> None:
    assert read(write("Nr;Name, Vorname\n1;Muster, Max\n2;Meier, Eva\n"))[0] == ("1", "Muster, Max")
    assert read(write("Nr;Betrag\n1;2,50\n2;3,50\n"))[0] == ("1", "2,50")


# --- rows


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_will_do(write: Write, end: str) -> None:
    file = write(end.join(["Nr;Name", "1;a", "", '2;"b' + end + 'c"', "3;d"]) + end)
    chunk = all_in_one(file)
    assert chunk.rows == [("1", "a"), ("2", f"b{end}c"), ("3", "d")]
    assert chunk.lines == [2, 4, 6]


def test_a_file_of_dos_may_end_with_its_end_sign(write: Write) -> None:
    assert read(write("Nr;Name\r\n1;Jörg\r\n\x1a", "cp850")) == [("1", "Jörg")]


def test_empty_cells_at_the_end_of_header_and_rows_are_tolerated(write: Write) -> None:
    file = write("Nr;Name;;\n1;a\n2;b;;\n3;c;;; ;\n4;d;note\n5;e;;;f\n6;g\n")
    chunk = all_in_one(file)
    assert chunk.rows == [("1", "a"), ("2", "b"), ("3", "c"), ("4", "d"), ("6", "g")]
    assert [row.number for row in chunk.damaged] == [5]


def test_a_row_with_another_number_of_cells_is_damaged_and_the_others_go_on(write: Write) -> None:
    file = write("Nr;Name;Ort\n1;a;b\n2;c\n3;d;e;f\n4;g;h\n")
    few, many = damage(file, NAMED)
    assert (few.number, few.line, few.cells, few.values) == (2, 3, ("2", "c"), ("2", "c"))
    assert (many.number, many.line, many.cells, many.values) == (3, 4, ("3", "d", "e", "f"), ("3", "d"))
    assert few.code == many.code == "wrong_number_of_cells"
    assert "2 cells" in few.message
    assert "header has 3" in few.message
    assert read(file, NAMED) == [("1", "a"), ("4", "g")]


def test_what_is_not_there_is_empty_in_the_values_of_a_damaged_row(write: Write) -> None:
    (few,) = damage(write("Ort;Name;Nr\nx\ny;a;1\n"), NAMED)
    assert few.values == ("", "")


def test_bad_quoting_damages_its_row_only(write: Write) -> None:
    file = write('Nr;Name;Ort\n1;a;b\n2;"abc"x;c\n3;d;e\n')
    (bad,) = damage(file)
    assert (bad.code, bad.number, bad.line, bad.values) == ("bad_quoting", 2, 3, ("2", "abcx", "c"))
    assert read(file) == [("1", "a", "b"), ("3", "d", "e")]


def test_a_row_that_may_have_swallowed_others_could_be_anybody(write: Write) -> None:
    file = write('Nr;Name\n1;a\n2;"b\n3;c\n4;"d"\n5;e\n6;"f\n7;g"\n8;"h\n9;i";x\n10;j\n')
    swallowing, extra = damage(file)
    assert (swallowing.code, swallowing.line, swallowing.values) == ("bad_quoting", 3, None)
    assert "5" in swallowing.hint
    assert (extra.code, extra.line, extra.values) == ("wrong_number_of_cells", 9, None)
    assert read(file) == [("1", "a"), ("5", "e"), ("6", "f\n7;g"), ("10", "j")]


def test_a_quote_inside_a_cell_is_a_sign_like_others(write: Write) -> None:
    assert read(write('Nr;Name\n1;5" Schlauch\n2; "a;b"\n')) == [("1", '5" Schlauch'), ("2", "a;b")]


def test_the_footer_is_left_out(write: Write) -> None:
    file = write("Nr;Name\n1;a\n2;b\n\nAnzahl: 2\n\nStand;heute;x\n\n")
    options = SourceOptions(None, skip_footer=2)
    assert source(file, options).scan().rows == 2
    assert read(file, options) == [("1", "a"), ("2", "b")]
    assert refusal(file, SourceOptions(None, skip_footer=4)).code == "no_rows"


def test_a_row_cut_off_above_the_footer_is_a_cut_off_file(write: Write) -> None:
    assert refusal(write("Nr;Name\n1;a\n2\nEnde\n"), SourceOptions(None, skip_footer=1)).code == "cut_off_file"


def test_only_the_columns_of_the_mapping_are_read(write: Write) -> None:
    chunk = all_in_one(write("IBAN;Nr;Name\nDE00;1;a\n"), NAMED)
    assert chunk.rows == [("1", "a")]
    assert chunk.raw == [{"Nr": "1", "Name": "a"}]


# --- as a whole


def test_memory_does_not_grow_with_the_file(write: Write) -> None:
    def peak(rows: int) -> int:
        file = write("Nr;Name;Ort\n" + "".join(f"{n};Müller {n};Köln\n" for n in range(rows)))
        tracemalloc.start()
        for _chunk in source(file).chunks():
            pass
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    assert peak(20_000) < peak(4_000) * 1.2


def test_importing_the_sources_brings_in_nothing_heavy() -> None:
    heavy = "{'engine.config.load', 'ruamel', 'jinja2', 'pydantic', 'charset_normalizer', 'sqlalchemy', 'httpx'}"
    code = f"import sys, engine.source; print(*({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


QUOTINGS: list[Literal[0, 1]] = [csv.QUOTE_MINIMAL, csv.QUOTE_ALL]


# cells are letters, signs and line breaks; not what makes a file binary, nor half a character
def cells(encoding: str) -> st.SearchStrategy[str]:
    signs = st.characters(codec=encoding, exclude_categories=["Cc", "Cs"]) | st.sampled_from(" ;,\t|:\"'\n\r")
    return st.text(signs, max_size=8)


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_written_is_read_back(tmp_path: Path, data: st.DataObject) -> None:
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252", "cp850", "latin-1"]))
    delimiter = data.draw(st.sampled_from(";,\t|:"))
    headings = data.draw(st.lists(st.text("abcdef", min_size=1, max_size=9), min_size=1, max_size=5, unique=True))
    width = len(headings)
    table = data.draw(st.lists(st.lists(cells(encoding), min_size=width, max_size=width), min_size=1, max_size=8))
    quoting = data.draw(st.sampled_from(QUOTINGS))

    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=quoting).writerows([headings, *table])
    file = tmp_path / "table.csv"
    file.write_bytes(text.getvalue().encode(encoding))
    expected = [tuple(normalize("NFC", cell.strip()) for cell in row) for row in table if any(map(str.strip, row))]

    columns = tuple(Column(f"c{place}", (heading,)) for place, heading in enumerate(headings))
    given_encoding = None if encoding.startswith("utf") else encoding
    of = source(file, SourceOptions(columns, encoding=given_encoding, delimiter=delimiter if width == 1 else None))
    if not expected:
        with pytest.raises(Refused):
            of.scan()
        return
    assert of.scan().rows == len(expected)
    chunks = list(of.chunks(size=3))
    assert [row for chunk in chunks for row in chunk.rows] == expected
    assert [number for chunk in chunks for number in chunk.numbers] == list(range(1, len(expected) + 1))
    assert not any(chunk.damaged for chunk in chunks)


SEED = 'sep=;\r\nNr;Name;Straße\r\n1;"Müller; M.";"Am\r\nTor"\r\n2;"a""b";Köln\r\n3;x;y\r\n'


@given(
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "cp850"]),
    changes=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 3), st.binary(max_size=4)), max_size=6),
    columns=st.sampled_from([None, NR_NAME]),
    footer=st.integers(0, 2),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
def test_whatever_happens_to_the_bytes_there_are_rows_or_a_refusal(
    tmp_path: Path,
    encoding: str,
    changes: list[tuple[int, int, bytes]],
    columns: tuple[Column, ...] | None,
    footer: int,
) -> None:
    content = bytearray(SEED.encode(encoding))
    for place, cut, put in changes:
        content[place : place + cut] = put
    file = tmp_path / "mutated.csv"
    file.write_bytes(content)
    of = source(file, SourceOptions(columns, skip_footer=footer))
    try:
        scan = of.scan()
        chunks = list(of.chunks(size=2))
    except Refused as refused:
        assert all(problem.code and problem.message and problem.hint for problem in refused.problems)
        return
    assert sum(map(len, chunks)) == scan.rows > 0
    assert all(len(row) == len(scan.names) for chunk in chunks for row in chunk.rows)
    numbers = sorted(n for chunk in chunks for n in [*chunk.numbers, *(row.number for row in chunk.damaged)])
    assert numbers == list(range(1, scan.rows + 1))


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_are_rows_or_a_refusal(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "any.csv"
    file.write_bytes(content)
    try:
        read(file)
    except Refused as refused:
        assert refused.problems
