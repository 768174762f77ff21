from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.problems import Problem, Refused
from engine.source import SOURCES
from engine.source.base import Column, SourceOptions
from engine.source.records import clean
from tests.source import lists

ANY = SourceOptions(None)


def read(folder: Path, content: str | bytes, options: SourceOptions = ANY, kind: str = "json") -> list[tuple[Any, ...]]:
    file = folder / "p.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [row for chunk in SOURCES[kind](file, options).chunks() for row in chunk.rows]


def refusal(folder: Path, content: str | bytes, options: SourceOptions = ANY, kind: str = "json") -> Problem:
    with pytest.raises(Refused) as refused:
        read(folder, content, options, kind)
    (problem,) = refused.value.problems
    assert problem.message and problem.hint
    return problem


def columns(**headings: str) -> SourceOptions:
    return SourceOptions(tuple(Column(name, (heading,)) for name, heading in headings.items()))


def test_numbers_keep_the_text_in_which_they_are_written(tmp_path: Path) -> None:
    content = '[{"a": 1042, "b": 1.50, "c": 1e5, "d": 123456789012345678901234, "e": true, "f": null, "g": " x "}]'
    assert read(tmp_path, content) == [("1042", "1.50", "1e5", "123456789012345678901234", "true", "", "x")]


def test_values_inside_of_others_have_dotted_headings(tmp_path: Path) -> None:
    first = '{"id": 1, "at": {"Vorname": "A", "x.y": 2}}'
    content = f'[{first}, {{"id": 2, "at": {{"Vorname": null, "ort": {{"plz": "01067"}}}}}}, {{"id": 3}}]'
    wanted = columns(nr="ID", vorname="at.vorname", plz="at.ort.plz", xy="at.x.y")
    assert read(tmp_path, content, wanted) == [("1", "A", "", "2"), ("2", "", "01067", ""), ("3", "", "", "")]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ('[{"a": 1}]', None),
        ('{"data": [{"a": 1}], "meta": {"count": 1}}', None),
        ('{"data": [{"a": 1}], "included": [{"b": 1}]}', "data"),
        ('{"result": {"items": [{"a": 1}]}}', None),
        ('{"result": {"items": [{"a": 1}]}}', "result.items"),
        ('{"a.b": {"c": [{"a": 1}]}}', "a.b.c"),
    ],
)
def test_the_list_is_found_in_its_document(tmp_path: Path, content: str, rows: str | None) -> None:
    assert read(tmp_path, content, SourceOptions(None, rows=rows)) == [("1",)]


@pytest.mark.parametrize(
    ("content", "rows", "said"),
    [
        ('{"data": [{"a": 1}], "included": [{"b": 1}]}', None, "rows: data"),
        ('{"data": [{"a": 1}]}', "dta", "data"),
        ('{"error": "no"}', None, "error message"),
        ('"text"', None, "error message"),
    ],
)
def test_a_list_that_is_not_found_is_told(tmp_path: Path, content: str, rows: str | None, said: str) -> None:
    problem = refusal(tmp_path, content, SourceOptions(None, rows=rows))
    assert problem.code == "rows_not_found"
    assert said in problem.hint


def test_a_mistake_in_the_document_has_a_place(tmp_path: Path) -> None:
    problem = refusal(tmp_path, '[\n  {"a": 1},\n  {"a" 2}\n]')
    assert (problem.code, problem.at.line, problem.at.column) == ("bad_json", 3, 8)


@given(st.integers(1, 60))
def test_a_document_that_ends_early_is_cut_off(end: int) -> None:
    import tempfile

    content = json.dumps([{"nr": "1", "name": "Jörg Groß"}, {"nr": "2", "name": "Eva"}], ensure_ascii=False).encode()
    with tempfile.TemporaryDirectory() as folder:
        assert refusal(Path(folder), content[: min(end, len(content) - 1)]).code in ("cut_off_file", "bad_json")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_the_encoding_is_found_out(tmp_path: Path, encoding: str) -> None:
    assert read(tmp_path, '[{"a": "Jörg"}]'.encode(encoding)) == [("Jörg",)]


def test_an_encoding_that_must_be_named(tmp_path: Path) -> None:
    content = '[{"a": "Jörg"}, {"a": "Eva"}]'.encode("cp1252")
    assert refusal(tmp_path, content).code == "wrong_encoding"
    assert read(tmp_path, content, SourceOptions(None, encoding="cp1252")) == [("Jörg",), ("Eva",)]


def test_what_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, "[" * 200_000 + "]" * 200_000).code == "bad_json"


def test_half_a_character_fails_where_it_is_used(tmp_path: Path) -> None:
    ((value,),) = read(tmp_path, '[{"a": "\\ud83d"}]')
    assert value.fault.code == "not_a_text"


def test_lines_that_can_not_be_read_are_single_bad_rows(tmp_path: Path) -> None:
    file = tmp_path / "p.ndjson"
    file.write_text('{"a": 1}\n\n{"a": \n[1]\n{"a": 2}\n', "utf-8")
    source = SOURCES["ndjson"](file, ANY)
    (chunk,) = source.chunks()
    assert source.scan().rows == 4
    assert (chunk.rows, chunk.lines, chunk.numbers) == ([("1",), ("2",)], [1, 5], [1, 4])
    assert [(one.line, one.code) for one in chunk.damaged] == [(3, "bad_json"), (4, "no_record")]
    assert source.scan().place(5, ("a",)) == "line 5, a"


def test_a_last_line_that_breaks_off_is_a_cut_off_file(tmp_path: Path) -> None:
    problem = refusal(tmp_path, '{"a": 1}\n{"a": 2', kind="ndjson")
    assert (problem.code, problem.at.line) == ("cut_off_file", 2)


def test_one_document_over_many_lines_is_no_ndjson(tmp_path: Path) -> None:
    problem = refusal(tmp_path, '[\n{"a": 1\n}\n]', kind="ndjson")
    assert problem.code in ("bad_json", "cut_off_file")


_JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(_JSON)
def test_values_become_texts_lists_and_keys_with_texts(value: Any) -> None:
    def is_clean(made: Any) -> bool:
        if isinstance(made, list):
            return all(map(is_clean, made))
        if isinstance(made, dict):
            return all(isinstance(key, str) and is_clean(item) for key, item in made.items())
        return isinstance(made, str) and made == made.strip()

    made = clean(value)
    assert is_clean(made)
    assert clean(made) == made


def test_records_with_thousands_of_keys_are_no_people(tmp_path: Path) -> None:
    file = lists.write_json(tmp_path / "a.json", [{f"k{number}": number for number in range(6000)}])
    with pytest.raises(Refused) as refused:
        SOURCES["json"](file, SourceOptions(None)).scan()
    assert [problem.code for problem in refused.value.problems] == ["too_many_headings"]
