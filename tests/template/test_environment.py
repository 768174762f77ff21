"""Templates are strict, and they can't run away (dsl.md §4)."""

from __future__ import annotations

import datetime as dt
import time
import tracemalloc
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError

from engine.template.check import Names, check_template
from engine.template.environment import Environment, as_expression, compile_tree, explain, parse
from engine.template.faults import Fault
from engine.template.kinds import as_text

NOON = dt.datetime(2026, 1, 2, 12, 0, tzinfo=ZoneInfo("Europe/Berlin"))
TABLES = {"t": {"1. Zug": ["Alarm 1"], "Ä": "ja", "leer": None}}


@pytest.fixture
def environment() -> Environment:
    return Environment(TABLES, ZoneInfo("Europe/Berlin"), NOON.astimezone)


def value_of(environment: Environment, text: str, **names: Any) -> Any:
    """What a template gives; raises what it raises."""
    before, expression = as_expression(environment, parse(environment, text), "__x")
    *_nothing, value = compile_tree(environment, [*before, nodes.Output([expression])])(names)
    return value


def fault_of(environment: Environment, text: str, **names: Any) -> Fault:
    """The fault of a template that can't be a text, whether it shows before or while it runs."""
    try:
        as_text(value_of(environment, text, **names))
    except Exception as error:
        return explain(error)
    raise AssertionError(f"no fault: {text}")


# --- what templates may use ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ a }}", "x"),
        ("  {{ a }}\n", "x"),
        ("{# said #}{{ number }}", 7),
        ("{{ number + 1 }}", 8),
        ("{{ a }}{{ number }}", "x7"),
        ("{{ a ~ none ~ number }}", "x7"),
        ("{{ a }}-{{ none }}", "x-"),
        ("{{ 'y' if false }}", None),
        ("{{ ('y' if false) | default('z') }}", "z"),
        ("{{ nobody is defined }}", False),
        ("{{ nobody | default('z') }}", "z"),
        ("{{ row['E-Mail privat'] }}", "m"),
        ("{{ row['Fax'] | default('-') }}", "-"),
        ("{{ rows | map(attribute='f') | list }}", ["1", "2"]),
        ("{{ rows | join('+', attribute='f') }}", "1+2"),
        ("{{ first_of('', none, a) }}", "x"),
        ("{{ now().isoformat() }}", "2026-01-02T12:00:00+01:00"),
        ("{{ today() }}", dt.date(2026, 1, 2)),
        ("{{ '01067' }}", "01067"),
        ("{{ '[1, 2]' }}", "[1, 2]"),
        ("{{ '{}' }}{{ '' }}", "{}"),
        ("{% if a %}1{% endif %}", "1"),
        ("{% for n in [1, 2] %}{{ loop.index }}{{ ',' if not loop.last }}{% endfor %}", "1,2"),
        ("{% set ns = namespace(n=0) %}{% for n in range(3) %}{% set ns.n = ns.n + n %}{% endfor %}{{ ns.n }}", "3"),
        ("{% macro twice(x, y='!') %}{{ x }}{{ x }}{{ y }}{% endmacro %}{{ twice(a) }}", "xx!"),
        ("{% filter upper %}{{ a }}{% endfilter %}", "X"),
        ("{% with b = a %}{{ b }}{% endwith %}", "x"),
        ("{{ '%s-%03d' % (a, 7) }}", "x-007"),
        ("{{ '%s Nr. 01234567' % a }}", "x Nr. 01234567"),
        ("{{ 'Tel. 0151234567 {}'.format(a) }}", "Tel. 0151234567 x"),
        ("{{ '{:>3}'.format(a) }}", "  x"),
        ("{{ ', '.join(['a', 'b']) }}", "a, b"),
        ("{{ ', '.join(['a', 'b'] | map('upper')) }}", "A, B"),
        ("{{ 'ab'.replace('a', 'c') }}", "cb"),
        ("{{ {'a': 'Ä<'} | tojson }}", '{"a": "Ä<"}'),
        ("{{ 'a1' | regex_replace('\\d', '') }}", "a"),
    ],
)
def test_a_template_gives(environment: Environment, text: str, value: object) -> None:
    rows = [{"f": "1"}, {"f": "2"}]
    got = value_of(environment, text, a="x", number=7, row={"E-Mail privat": "m"}, rows=rows)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("{{ nobody }}", "unknown_name", "nobody"),
        ("{{ nobody }}!", "unknown_name", "nobody"),
        ("{{ row['E-Mial'] }}", "unknown_name", "E-Mail"),
        ("{{ [] | first }}", "unknown_name", ""),
        ("{{ [1] }}", "list_where_text", ""),
        ("{{ [1] }}!", "list_where_text", ""),
        ("{{ range(3) }}", "list_where_text", ""),
        ("{{ {'a': 1}.keys() }}", "list_where_text", ""),
        ("{{ ['a'] | map('upper') }}", "list_where_text", ""),
        ("{{ today }}", "function_where_text", "()"),
        ("{{ 'a'.upper }}", "function_where_text", "()"),
        ("{{ 1 / 0 }}", "division_by_zero", ""),
        ("{{ 'a' + 1 }}", "template_failed", "computed"),
        ("{{ range('a') }}", "template_failed", "computed"),
        ("{{ 'a'.upper(1) }}", "wrong_arguments", "brackets"),
        ("{{ ['a'] | map('phone', 1, 2, 3, 4) | list }}", "wrong_arguments", "brackets"),
        ("{{ ['a'] | map(attribut='x') | list }}", "wrong_arguments", "brackets"),
        ("{{ ['a'] | select('grün') | list }}", "unknown_filter", "grün"),
        ("{{ 'a'() }}", "template_failed", "no function"),
        ("{% for x in 1 %}{% endfor %}", "template_failed", "list"),
        ("{{ '\ud800' }}", "not_a_text", ""),
        ("{% do row.update({'a': 1}) %}", "forbidden", ""),
        ("{% do rows.append(1) %}", "forbidden", ""),
    ],
)
def test_a_fault_says_what_is_wrong(environment: Environment, text: str, code: str, word: str) -> None:
    fault = fault_of(environment, text, row={"E-Mail": ""}, rows=[])
    assert fault.code == code
    assert word in f"{fault.message} {fault.hint}"


# --- look-ups ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ ' 1. ZUG ' | lookup('t') }}", ["Alarm 1"]),
        ("{{ ['1. Zug', 'ä'] | lookup('t') }}", ["Alarm 1", "ja"]),
        ("{{ ('1. Zug;ä' | split | map('trim')) | lookup('t') }}", ["Alarm 1", "ja"]),
        ("{{ 'A\u0308' | lookup('t') }}", "ja"),
        ("{{ 'leer' | lookup('t') }}", None),
        ("{{ 'x' | lookup('t', 'y') }}", "y"),
        ("{{ 'x' | lookup('t', default=none) }}", None),
        ("{{ ['x', '1. Zug'] | lookup('t', default=[]) }}", ["Alarm 1"]),
        ("{{ 'X' | lookup('t', keep=true) }}", "X"),
        ("{{ ['x', '1. Zug', 'x', 'ä'] | lookup('t', keep=true) }}", ["x", "Alarm 1", "x", "ja"]),
        ("{{ ['x', 'Ä'] | lookup('t', keep=false, default='-') }}", ["-", "ja"]),
    ],
)
def test_a_lookup_compares_without_case_and_blanks(environment: Environment, text: str, value: object) -> None:
    assert value_of(environment, text) == value


def test_a_value_in_no_table_is_a_fault_and_counted_once_a_row(environment: Environment) -> None:
    assert fault_of(environment, "{{ ' X ' | lookup('t') }}").code == "not_in_table"
    value_of(environment, "{{ 'X' | lookup('t', '') }}{{ 'X' | lookup('t', '') }}")
    environment.recorder.commit()
    assert environment.recorder.unmatched == {("t", "X"): 1}
    value_of(environment, "{{ ['Y'] | lookup('t', keep=true) | first }}")
    environment.recorder.commit()
    assert environment.recorder.unmatched == {("t", "X"): 1}, "what is kept is no gap in the table"


def test_a_number_without_use_is_left_out_with_a_note(environment: Environment) -> None:
    assert value_of(environment, "{{ 'unbekannt' | phone(default='') }}") == ""
    assert [note.code for note in environment.recorder.commit()] == ["phone_letters"]


def test_checking_a_template_runs_nothing(environment: Environment) -> None:
    assert check_template(environment, "{{ 'X' | lookup('t', '') }}{{ 'x' | phone(default='') }}", Names(())) == []
    assert not environment.recorder.misses
    assert not environment.recorder.notes


# --- running away -----------------------------------------------------------------------------------------------------

DOUBLED = "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}"
CALLING = "{% macro f() %}{{ caller() }}{% endmacro %}"
RUNAWAYS = [
    "{{ range(10**9) | list }}",
    "{{ range(1) | batch(10000, 'x' * 60000) | first | string }}",
    "{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}",
    "{% for a in range(10000) %}{% for b in range(10000) if false %}{% endfor %}{% endfor %}",
    "{% for a in range(10000) %}{{ 'x' * 60000 }}{% endfor %}",
    "{% for a in range(10000) %}{{ range(10000) | sort | length }}{% endfor %}",
    "{{ 'x' * 10**9 }}",
    "{{ 10**9 * 'x' }}",
    "{{ [1] * 10**9 }}",
    "{{ 9**(9**9) }}",
    "{{ 'x'.center(10**9) }}",
    "{{ 'x'.ljust(10**9) }}",
    "{{ '1'.zfill(10**9) }}",
    "{{ ('x' | attr('center'))(10**9) }}",
    "{{ '\t'.expandtabs(10**9) }}",
    "{{ 'x' | center(10**9) }}",
    "{{ ('x\n' * 30000) | indent(10000) }}",
    "{{ ('x\n' * 30000) | indent('y' * 60000) }}",
    "{{ ('x ' * 30000) | wordwrap(1, wrapstring='y' * 60000) }}",
    "{{ ('x' * 60000) | replace('x', 'y' * 60000) }}",
    "{{ ('x' * 60000).replace('x', 'y' * 60000) }}",
    "{{ ('x' * 60000) | replace('', 'y' * 60000) }}",
    "{{ ('x' * 60000) | list | join('y' * 60000) }}",
    "{{ ('y' * 60000).join('x' * 60000) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%*d' % (10**9, 1) }}",
    "{{ '%.1000000000f' % 1 }}",
    "{{ ('%(a)s' * 10000) % {'a': 'x' * 60000} }}",
    "{{ '%1000000000d' | format(1) }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ '{:>{}}'.format('x', 10**9) }}",
    "{{ '{:>{}}'.format('x', '1000000000') }}",
    "{{ '{a:>{b}}'.format_map({'a': 'x', 'b': 10**9}) }}",
    "{{ ('{0}' * 10000).format('x' * 60000) }}",
    "{{ 'x'.translate({120: 'y' * 60000}) }}",
    "{{ 'x'.encode() * 10**9 }}",
    "{{ (1).to_bytes(10**9, 'big') }}",
    "{{ 5 | round(-10**9) }}",
    "{{ 5.5 | round(10**9, 'ceil') }}",
    DOUBLED,
    DOUBLED + "{{ ns.x | string }}",
    "{% set ns = namespace(x='x') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace(x='x') %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = dict(a=ns.x, b=ns.x) %}{% endfor %}",
    "{% set ns = namespace(x=1) %}{% for i in range(99) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}{{ {ns.x: 1} }}",
    "{% set n = namespace(x=1) %}{% for i in range(99) %}{% set n.x = namespace(a=n.x) %}{% endfor %}{{ n | list }}",
    "{{ ([['x'] * 5000] * 5000) | sum(start=[]) }}",
    "{{ ('a' * 5000) | regex_replace('(a|aa)+$b', '') | regex_replace('(a+)+b|c', '') ~ 1 / 0 }}",
    "{{ (['a' * 30 ~ '!'] * 10000) | map('regex_search', '^(a|a?)+$') | list | string ~ 1 / 0 }}",
    "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}",
    "{% macro f(n) %}{{ f(n - 1) ~ f(n - 1) if n }}{% endmacro %}{{ f(50) }}",
    CALLING + "{% macro g() %}{% call f() %}{{ g() }}{% endcall %}{% endmacro %}{{ g() }}",
    "{% for n in [50] recursive %}{{ loop([n - 1, n - 1]) if n }}{% endfor %}",
    "{{ " + "(" * 10_000 + "1" + ")" * 10_000 + " }}",
    "{{ " + "[" * 10_000 + "]" * 10_000 + " }}",
    "{{ " + "-" * 10_000 + "1 }}",
    "{{ 1" + " + 1" * 10_000 + " }}",
    "{{ 1" + " | abs" * 5_000 + " }}",
    "{{ " + "9" * 60_000 + " }}",
    "{{ 'a' }}" + "x" * 70_000,
    "{% if 1 %}" * 5_000 + "{% endif %}" * 5_000,
    "{% for a in [1] %}" * 30 + "{% endfor %}" * 30,
]


@pytest.mark.parametrize("text", RUNAWAYS, ids=lambda text: text[:60])
def test_no_template_runs_away(environment: Environment, text: str) -> None:
    tracemalloc.start()
    begin = time.monotonic()
    check_template(environment, text, Names(()))
    fault = fault_of(environment, text)
    took, (_size, peak) = time.monotonic() - begin, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert fault.message
    assert took < 10
    assert peak < 128 * 1024 * 1024


# --- breaking out -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ '' | attr('__class__') }}",
        "{{ [''] | map(attribute='__class__') | list }}",
        "{{ [''] | map('attr', '__class__') | list | first }}",
        "{{ [''] | join(attribute='__class__') }}",
        "{{ dict.mro() }}",
        "{{ dict.fromkeys('ab') }}",
        "{{ namespace.__init__ }}",
        "{{ now.__globals__ }}",
        "{{ first_of.__globals__ }}",
        "{{ '{0.__class__}'.format('') }}",
        "{{ '{0[__class__]}'.format(now) }}",
        "{{ '{a.__class__}'.format_map({'a': ''}) }}",
        "{{ ('{0.__class__}' | attr('format'))('') }}",
        "{{ ''.format.__self__ }}",
        "{{ (['a'] | map('upper')).gi_frame }}",
        "{{ (['a'] | map('upper')).throw }}",
        "{{ now().tzinfo.no_cache('UTC') }}",
        "{{ lipsum() }}",
        "{{ cycler('a') }}",
        "{{ self }}",
        "{{ self._TemplateReference__context }}",
        "{{ __rows }}",
        "{{ '' | pprint }}",
        "{{ '' | random }}",
        "{% include 'secrets.yaml' %}",
        "{% import 'x' as x %}",
        "{% from 'x' import y %}",
        "{% extends 'x' %}",
        "{% block x %}{% endblock %}",
    ],
)
def test_nothing_leads_out_of_the_sandbox(environment: Environment, text: str) -> None:
    assert fault_of(environment, text).message


@pytest.mark.parametrize("word", ["include", "import", "from", "extends", "block", "autoescape"])
def test_a_statement_that_reaches_beyond_its_template_is_named(environment: Environment, word: str) -> None:
    written = {
        "include": "{% include 'x' %}",
        "import": "{% import 'x' as x %}",
        "from": "{% from 'x' import y %}",
        "extends": "{% extends 'x' %}",
        "block": "{% block x %}{% endblock %}",
        "autoescape": "{% autoescape true %}{% endautoescape %}",
    }
    (finding,) = check_template(environment, "\n" + written[word], Names(()))
    assert (finding.code, finding.needle, finding.line) == ("forbidden_statement", word, 2)
    with pytest.raises(TemplateSyntaxError):
        parse(environment, written[word])


def test_who_keeps_persons_without_a_number_is_told_to_correct_the_list(environment: Environment) -> None:
    for value in ("keine", "123"):
        assert "phone(default='')" in fault_of(environment, "{{ a | phone }}", a=value).hint
        assert value_of(environment, "{{ a | phone(default='') }}", a=value) == ""
        (note,) = environment.recorder.commit()
        assert "default" not in note.hint
        assert note.hint
