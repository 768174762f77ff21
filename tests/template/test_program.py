"""The row program gives what one template per field gives, and names what fails."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import nodes

from engine.template.check import is_template
from engine.template.environment import Environment, as_expression, compile_tree, explain, parse
from engine.template.kinds import INTEGER, NAMES, TEXT, AnyKind, Items, Kind, Pairs, join_names, truth
from engine.template.program import Block, Field, Program, Rendered, Script, holds

COLUMNS = ("nr", "name", "zug", "handy", "zahl")
TABLES = {"t": {"1": ["Alarm 1", "Alarm 2"], "2": "Alarm 3", "x": None}}
SHARED = {"source": {"file": "list.csv"}, "trigger": {"trigger": "manual"}}


def environment() -> Environment:
    return Environment(TABLES, ZoneInfo("Europe/Berlin"))


def block(id_: str, where: str | None = None, /, **fields: tuple[AnyKind, Any]) -> Block:
    entries = tuple(Field(name, kind, value, ("fields", name)) for name, (kind, value) in fields.items())
    return Block(id_, entries, where, (id_, "where"))


def script(*blocks: Block, where: str | None = None, key: str = "nr", **variables: Any) -> Script:
    return Script(COLUMNS, key, where, ("source", "where"), tuple(variables.items()), blocks)


def run(made: Script, *rows: Sequence[str]) -> list[Rendered]:
    return list(Program(environment(), made).run([tuple(row) for row in rows], SHARED))


def value(kind: AnyKind, template: Any, row: Sequence[str] = ("7", "Max", "1", "0151 2000001", "3")) -> Any:
    (rendered,) = run(script(block("a", field=(kind, template))), row)
    assert not rendered.faults, rendered.faults[0].fault.message
    assert rendered.values[0] is not None
    return rendered.values[0][0]


# --- typing by field --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "template", "result"),
    [
        (TEXT, "{{ name }}", "Max"),
        (TEXT, "  {{ name }} \n", "Max"),
        (TEXT, "{{ name }} {{ '' }}", "Max"),
        (TEXT, "{{ name }}, {{ nr }} 100%", "Max, 7 100%"),
        (TEXT, "{{ none }}", ""),
        (TEXT, "{{ name if not name }}", ""),
        (TEXT, "{% if name %}\n {{ name }}\n{% endif %}", "Max"),
        (TEXT, "{{ '01067' }}", "01067"),
        (TEXT, "{{ 1 + 1 }}", "2"),
        (TEXT, " LEGACY ", "LEGACY"),
        (TEXT, "A\u0308", "Ä"),
        (TEXT, "{{ 'A\u0308' }}", "Ä"),
        (TEXT, None, ""),
        (TEXT, "{{ source.file }} {{ trigger.trigger }}", "list.csv manual"),
        (NAMES, "A, B", ["A", "B"]),
        (
            NAMES,
            ["A, B", "{{ name }}", "{{ zug | lookup('t') }}", "{{ none }}", "Max"],
            ["A, B", "Max", "Alarm 1", "Alarm 2"],
        ),
        (NAMES, [], []),
        (NAMES, ["B", "A", "B"], ["B", "A"]),
        (NAMES, "{{ zug | lookup('t') }}", ["Alarm 1", "Alarm 2"]),
        (NAMES, "{{ zug | lookup(table='t') }}", ["Alarm 1", "Alarm 2"]),
        (NAMES, "{{ 'q' | lookup('t', default='A;B') }}", ["A", "B"]),
        (NAMES, "{{ 'q' | lookup('t', none) }}", []),
        (NAMES, "{% for n in [1, 2] %}Zug {{ n }},{% endfor %}", ["Zug 1", "Zug 2"]),
        (INTEGER, "{{ zahl }}", 3),
        (INTEGER, " 42 ", 42),
        (Items({"Kind": INTEGER, "Text": TEXT}), [{"Kind": "4", "Text": "{{ name }}"}], [{"Kind": 4, "Text": "Max"}]),
        (Pairs(TEXT), {"6": "{{ nr }}", "7": None}, {"6": "7", "7": ""}),
    ],
)
def test_the_field_decides_the_type(kind: AnyKind, template: Any, result: object) -> None:
    assert value(kind, template) == result


def test_a_variable_that_is_one_expression_keeps_its_type() -> None:
    made = script(
        block(
            "a",
            groups=(NAMES, "{{ groups }}"),
            sum=(TEXT, "{{ number + 1 }}"),
            kind=(TEXT, "{{ 'yes' if word == 'Max' }}"),
        ),
        groups=" {{ zug | lookup('t') }} ",
        number="{{ zahl | int }}",
        word="{% if name %}\n  {{ name }}\n{% endif %}",
    )
    (rendered,) = run(made, ("7", "Max", "1", "", "3"))
    assert rendered.values == ((["Alarm 1", "Alarm 2"], "4", "yes"),)


def test_a_variable_may_take_the_name_of_a_column() -> None:
    (rendered,) = run(script(block("a", f=(TEXT, "{{ name }}")), name="{{ [name] }}"), ("7", "Max", "", "", ""))
    assert [fault.fault.code for fault in rendered.faults] == ["list_where_text"]


def test_the_key_is_a_text_of_a_column_or_a_variable() -> None:
    (rendered,) = run(script(key="id", id="{{ nr | int + 1 }}"), ("7", "", "", "", ""))
    assert rendered.key == "8"


def test_row_and_rows_are_there_where_they_are_used() -> None:
    made = script(block("a", f=(TEXT, "{{ row['E-Mail'] }} {{ rows | length }}")))
    program = Program(environment(), made)
    assert program.extras == ("row", "rows")
    (rendered,) = program.run([("7", "", "", "", "", {"E-Mail": "m"}, [1, 2])], SHARED)
    assert rendered.values == (("m 2",),)


def test_a_cell_of_more_than_64_kib_is_a_fault() -> None:
    long = "x" * 65_537
    fields = block("a", column=(TEXT, "{{ name }}"), joined=(TEXT, "{{ name }}!"), rest=(TEXT, "{{ name | length }}"))
    (rendered,) = run(script(fields), ("7", long, "", "", ""))
    assert [(fault.field, fault.fault.code) for fault in rendered.faults] == [
        ("column", "result_too_long"),
        ("joined", "result_too_long"),
    ]


def test_the_loop_over_the_rows_is_not_seen() -> None:
    fields = block(
        "a", inner=(TEXT, "{% for x in [1] %}{{ loop.index }}{% endfor %}"), outer=(TEXT, "{{ loop is defined }}")
    )
    assert run(script(fields), ("7", "", "", "", ""))[0].values == (("1", "False"),)


# --- what fails -------------------------------------------------------------------------------------------------------


def test_a_failing_row_names_all_its_fields_and_the_rows_after_it_go_on() -> None:
    fields = block("a", ok=(TEXT, "{{ nr }}"), phone=(TEXT, "{{ handy | phone }}"), sum=(INTEGER, "{{ zahl }}"))
    rows = run(script(fields), ("1", "", "", "", "1"), ("2", "", "", "x", "y"), ("3", "", "", "", "3"))
    assert [row.key for row in rows] == ["1", "2", "3"]
    assert [(fault.action, fault.field, fault.path) for fault in rows[1].faults] == [
        ("a", "phone", ("fields", "phone")),
        ("a", "sum", ("fields", "sum")),
    ]
    assert rows[1].values == (None,)
    assert rows[2].values == (("3", "", 3),)


def test_one_failing_action_leaves_the_other_ones_part() -> None:
    made = script(block("a", f=(TEXT, "{{ handy | phone }}")), block("b", f=(TEXT, "{{ nr }}")))
    (rendered,) = run(made, ("7", "", "", "x", ""))
    assert rendered.values == (None, ("7",))
    assert rendered.fails("a")
    assert not rendered.fails("b")


@pytest.mark.parametrize(
    ("made", "path", "action"),
    [
        (script(where="{{ 1 / 0 }}"), ("source", "where"), None),
        (script(v="{{ 1 / 0 }}"), ("variables", "v"), None),
        (script(key="v", v="{{ [nr] }}"), ("source", "key"), None),
        (script(key="nobody"), ("source", "key"), None),
        (script(block("a", "{{ 1 / 0 }}")), ("a", "where"), "a"),
    ],
)
def test_a_fault_outside_of_fields_has_its_place(made: Script, path: object, action: str | None) -> None:
    for rendered in run(made, ("7", "", "", "", ""), ("8", "", "", "", "")):
        assert [(fault.path, fault.action, fault.field) for fault in rendered.faults] == [(path, action, None)]


def test_rows_that_where_leaves_out_are_never_rendered() -> None:
    made = script(block("a", f=(TEXT, "{{ 1 / 0 }}")), where="{{ name }}")
    assert [row.selected for row in run(made, ("1", "", "", "", ""), ("2", "nein", "", "", ""))] == [False, False]


def test_an_action_takes_only_the_rows_of_its_where() -> None:
    made = script(
        block("a", "{{ name }}", f=(TEXT, "{% if 1 %}{{ nr }}{% endif %}")),
        block("b", "{{ not name }}", f=(TEXT, "{{ nr }}")),
    )
    rows = run(made, ("1", "Max", "", "", ""), ("2", "", "", "", ""))
    assert [row.values for row in rows] == [(("1",), None), (None, ("2",))]


def test_what_is_in_no_table_is_counted_once_for_each_row_however_it_ends() -> None:
    lookup = "{{ zug | lookup('t', '') }}"
    made = script(
        block("a", f=(TEXT, lookup), g=(TEXT, lookup), n=(INTEGER, "{{ zahl }}")),
        where="{{ (name | lookup('t', '')) and name }}",
        v=lookup,
    )
    used = environment()
    list(
        Program(used, made).run([("1", "1", "q", "", "1"), ("2", "1", "q", "", "bad"), ("3", "", "q", "", "1")], SHARED)
    )
    assert used.recorder.unmatched == {("t", "q"): 2}


def test_a_number_left_out_leaves_a_note_also_where_the_row_fails() -> None:
    made = script(block("a", f=(TEXT, "{{ handy | phone(default='') }}"), n=(INTEGER, "{{ zahl }}")))
    good, bad, fine = run(made, ("1", "", "", "x", "1"), ("2", "", "", "x", "x"), ("3", "", "", "", "1"))
    assert [len(row.notes) for row in (good, bad, fine)] == [1, 1, 0]
    assert good.values == (("", 1),)


def test_a_note_of_map_is_kept() -> None:
    (row,) = run(script(block("a", f=(NAMES, "{{ [handy] | map('phone', default='') }}"))), ("1", "", "", "x", ""))
    assert len(row.notes) == 1


def test_many_failing_rows_take_little_longer() -> None:
    fields = {f"f{number}": (TEXT, "{{ handy | phone }}") for number in range(10)}
    begin = time.monotonic()
    rows = run(script(block("a", **fields)), *([("1", "", "", "x", "")] * 2000))
    assert all(len(row.faults) == 10 for row in rows)
    assert time.monotonic() - begin < 20


def test_a_condition_of_the_run_holds_or_not() -> None:
    assert holds(environment(), "{{ source.file }}", SHARED)
    assert not holds(environment(), "{{ 'nein' }}", SHARED)
    assert not holds(environment(), "{% for n in [] %}x{% endfor %}", SHARED)


# --- the program against one template per field ---------------------------------------------------------------------

texts = st.sampled_from(
    ["", "Max", "Müller", "A, B; C", "1", "2", " 3", "x", "nein", "0", "0151 2000001", "49", "Ä" * 20]
)
rows_ = st.lists(st.tuples(*[texts.map(str.strip)] * len(COLUMNS)), max_size=12)
templates = st.sampled_from(
    [
        "{{ nr }}",
        "{{ name }} {{ zug }}",
        " {{ name }}, {{ v }} ",
        "100% {{ handy }}{{ zahl }}",
        "{{ zug | lookup('t') }}",
        "{{ zug | lookup('t', default='ohne') }}",
        "{{ [zug, name] | map('lower') }}",
        "{{ handy | phone }}",
        "{{ handy | phone(default='') }}",
        "{{ zahl | int + 1 }}",
        "{{ zahl }}",
        "{{ 1 / (zahl | int) }}",
        "{{ name if zahl }}",
        "{{ name | split | list }}",
        "{% if zahl == '1' %}{{ name }}{% elif zug %}{{ zug }};{{ zug }}{% endif %}",
        "{% set nr = name %}{{ nr }}",
        "{% for part in name | split %}{{ loop.index }}{{ part }},{% endfor %}",
        "{{ missing }}",
        "{{ source.file }}",
        "{{ v }}",
        "{{ name, zug }}",
        "constant, A",
        "7",
    ]
)
kinds = st.sampled_from([TEXT, NAMES, INTEGER])
wheres = st.sampled_from(
    [None, None, "{{ name }}", "{{ zug == '1' }}", "{{ name == 'Max' or zug }}", "{{ handy | phone }}"]
)
values = st.one_of(templates, templates, st.lists(templates, max_size=3))


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    blocks = []
    for number in range(draw(st.integers(0, 2))):
        fields = []
        for index in range(draw(st.integers(0, 4))):
            kind = draw(kinds)
            fields.append(Field(f"f{index}", kind, draw(values if kind is NAMES else templates), (number, index)))
        blocks.append(Block(f"a{number}", tuple(fields), draw(wheres), (number, "where")))
    variables = [("v", draw(templates.filter(lambda text: "{{ v }}" not in text and "v }}" not in text)))]
    key = draw(st.sampled_from(["nr", "name", "v"]))
    return Script(COLUMNS, key, draw(wheres), ("source", "where"), tuple(variables), tuple(blocks))


class Naive:
    """One compiled template for every value, in the order of dsl.md §4."""

    def __init__(self, made: Script) -> None:
        self.script = made
        self.environment = environment()

    def template(self, text: Any, names: Mapping[str, Any], strip: bool = False) -> Any:
        if not is_template(text):
            return text
        before, expression = as_expression(self.environment, parse(self.environment, text), "__value")
        *_nothing, made = compile_tree(self.environment, [*before, nodes.Output([expression])])(dict(names))
        one = text.strip().startswith("{{") and text.strip().endswith("}}") and text.count("{{") == 1
        return made.strip() if strip and isinstance(made, str) and not one else made

    def field(self, kind: Kind, text: Any, names: Mapping[str, Any]) -> Any:
        if isinstance(text, list):
            return join_names([self.template(item, names) for item in text])
        return kind.finish(self.template(text, names))

    def row(self, row: Sequence[str]) -> Any:
        names: dict[str, Any] = {**SHARED, **dict(zip(COLUMNS, row, strict=True))}
        faults: list[tuple[str | None, str | None, str]] = []
        try:
            if self.script.where is not None and not truth(self.template(self.script.where, names)):
                return "left out"
            for name, text in self.script.variables:
                names[name] = self.template(text, names, strip=True)
            key = TEXT.finish(names[self.script.key])
        except Exception as error:
            return "failed", explain(error).code
        parts = [self.block(block_, names, faults) for block_ in self.script.blocks]
        return key, tuple(parts), faults

    def block(self, block_: Block, names: Mapping[str, Any], faults: list[Any]) -> tuple[Any, ...] | None:
        try:
            if block_.where is not None and not truth(self.template(block_.where, names)):
                return None
        except Exception as error:
            faults.append((block_.id, None, explain(error).code))
            return None
        made = []
        before = len(faults)
        for entry in block_.fields:
            assert isinstance(entry.kind, Kind)
            try:
                made.append(self.field(entry.kind, entry.value, names))
            except Exception as error:
                faults.append((block_.id, entry.name, explain(error).code))
        return tuple(made) if len(faults) == before else None


def shape(rendered: Rendered) -> Any:
    if not rendered.selected:
        return "left out"
    faults = [(fault.action, fault.field, fault.fault.code) for fault in rendered.faults]
    if any(action is None for action, _field, _code in faults):
        return "failed", faults[0][2]
    return rendered.key, rendered.values, faults


@settings(deadline=None, max_examples=150)
@given(scripts(), rows_)
def test_the_row_program_gives_what_one_template_per_field_gives(made: Script, rows: list[tuple[str, ...]]) -> None:
    naive = Naive(made)
    assert [shape(rendered) for rendered in run(made, *rows)] == [naive.row(row) for row in rows]
