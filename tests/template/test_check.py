"""What a clerk reads when a template is wrong, before any row is seen (dsl.md §4)."""

from __future__ import annotations

import time
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from engine.explain.filters import filters
from engine.template.check import Names, check_constant, check_template, check_truth, used_names
from engine.template.environment import Environment
from engine.template.faults import Finding
from engine.template.filters import FILTERS

COLUMNS = Names(
    ("vorname", "nachname", "email", "tel", "nr", "name"),
    {"vorname": "vorname", "e-mail": "email", "tel. privat": "tel", "strasse/nr": "nr", "rufname": "name"},
)
UNSEEN = Names(None)


def check(text: str, names: Names = COLUMNS) -> list[Finding]:
    return check_template(Environment({"zuege": {"1": "A"}}, ZoneInfo("Europe/Berlin")), text, names)


@pytest.mark.parametrize("names", [COLUMNS, UNSEEN], ids=["columns", "unseen"])
@pytest.mark.parametrize(
    "text",
    [
        "{{ vorname }}",
        "{{ vorname - nachname }}",
        "{{ vorname-nachname }}",
        "{{ vorname / nachname }}",
        "{{ source.file }} {{ source.rows }} {{ trigger.id }}",
        "{{ source['file'] }}",
        "{{ row['E-Mail'] }} {{ rows | length }}",
        "{{ now().year }} {{ today() }} {{ first_of(vorname, email) }}",
        "{{ nobody is defined }} {{ nobody | default('') }}",
        "{{ row['Nobody'] | default('') }}",
        "{% for x in [1] %}{{ loop.index }}{{ x }}{% else %}-{% endfor %}",
        "{% for Person in rows %}{{ Person.Name }}{% endfor %}",
        "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
        "{% set Big = rows | first %}{{ Big.Name }}",
        "{% if vorname %}{% set q = 1 %}{% endif %}{{ q }}",
        "{% set text %}{{ vorname }}{% endset %}{{ text }}",
        "{% set ns = namespace(a=1) %}{% set ns.a = 2 %}{{ ns.a }}",
        "{% macro f(x, y=1) %}{{ x }}{{ y }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(vorname) }}",
        "{% macro f() %}{{ caller() }}{% endmacro %}{% call f() %}{{ vorname }}{% endcall %}",
        "{% with a = vorname %}{{ a }}{% endwith %}",
        "{{ 'a' if vorname is string else 'b' }}",
        "{{ vorname | lookup('zuege') }}",
        "{{ vorname | regex_replace('\\d+', '') }}",
        "{# Tel. privat #}{{ vorname }}",
        "{{ 'E-Mail: ' ~ email }}",
        "{% raw %}{{ E-Mail }}{% endraw %}"[:0] + "plain",
    ],
)
def test_real_code_is_left_alone(text: str, names: Names) -> None:
    assert check(text, names) == []


@pytest.mark.parametrize(
    ("text", "names", "corrected", "needle", "line"),
    [
        ("{{ E-Mail }}", COLUMNS, "{{ email }}", "E-Mail", 1),
        ("{{ e-mail }}", COLUMNS, "{{ email }}", "e-mail", 1),
        ("{{ E-Mail | lower }}", COLUMNS, "{{ email | lower }}", "E-Mail", 1),
        ("{{ Rufname }}", COLUMNS, "{{ name }}", "Rufname", 1),
        ("a\nTel: {{ Tel. privat | phone }} abends", COLUMNS, "Tel: {{ tel | phone }} abends", "Tel. privat", 2),
        ("{{ Straße/Nr }}", COLUMNS, "{{ nr }}", "Straße/Nr", 1),
        ("{% if E-Mail %}x{% endif %}", COLUMNS, "{% if email %}x{% endif %}", "E-Mail", 1),
        ("{{ first_of(E-Mail, Tel. privat) }}", COLUMNS, "{{ first_of(email, tel) }}", "Tel. privat", 1),
        ("{{ Tel. dienstlich }}", COLUMNS, "tel_dienstlich: Tel. dienstlich", "Tel. dienstlich", 1),
        ("{{ E-Mail }}", UNSEEN, "{{ row['E-Mail'] }}", "E-Mail", 1),
        ("x {{ Tel. privat | phone }}", UNSEEN, "x {{ row['Tel. privat'] | phone }}", "Tel. privat", 1),
        ("{{ Straße/Nr }}", UNSEEN, "{{ row['Straße/Nr'] }}", "Straße/Nr", 1),
        ("{{ 1. Telefon }}", UNSEEN, "{{ row['1. Telefon'] }}", "1. Telefon", 1),
        ("{{ Telefon (privat) }}", UNSEEN, "{{ row['Telefon (privat)'] }}", "Telefon (privat)", 1),
    ],
)
def test_a_heading_written_as_a_name_comes_with_the_corrected_line(
    text: str, names: Names, corrected: str, needle: str, line: int
) -> None:
    (finding,) = check(text, names)
    assert finding.code == "heading_as_name"
    assert corrected in finding.hint
    assert (finding.needle, finding.line) == (needle, line)


@pytest.mark.parametrize(
    ("text", "code", "word", "needle", "line"),
    [
        ("{{ vornam }}", "unknown_name", "vorname", "vornam", 1),
        ("{{ vorname }}\n\n{{ emial }}", "unknown_name", "email", "emial", 3),
        ("{{ xyz }}", "unknown_name", "vorname, nachname", "xyz", 1),
        ("{{ tody() }}", "unknown_name", "today", "tody", 1),
        ("{{ vorname | uper }}", "unknown_filter", "upper", "uper", 1),
        ("{{ vorname is strin }}", "unknown_filter", "string", "strin", 1),
        ("{{ vorname | _concat }}", "unknown_filter", "", "_concat", 1),
        ("{{ vorname | lookup('zuge') }}", "unknown_table", "zuege", "zuge", 1),
        ("{{ source.fiel }}", "unknown_key", "file", "fiel", 1),
        ("{{ row['E-Mial'] }}", "unknown_key", "e-mail", "E-Mial", 1),
        ("{{ vorname, nachname }}", "tuple", "{{ vorname }}, {{ nachname }}", "vorname", 1),
        ("{{ vorname | upper, 'x, y' }}", "tuple", "{{ vorname | upper }}, {{ 'x, y' }}", "vorname | upper", 1),
        ("{{ self }}", "forbidden_name", "", "self", 1),
        ("a\n{% include 'x' %}", "forbidden_statement", "variables", "include", 2),
    ],
)
def test_a_mistake_comes_with_its_place_and_a_way_out(text: str, code: str, word: str, needle: str, line: int) -> None:
    (finding,) = check(text)
    assert (finding.code, finding.needle, finding.line) == (code, needle, line)
    assert word in finding.hint


@pytest.mark.parametrize(
    ("text", "says", "needle", "line"),
    [
        ("{{ vorname nachname }}", "“nachname” does not fit", "nachname", 1),
        ("x\n{{ vorname nachname }}", "“nachname” does not fit", "nachname", 2),
        ("{{ vorname = 'x' }}", "==", "=", 1),
        ("{{ vorname 'x' }}", "does not fit", None, 1),
        ("{{ vorname", "too early", None, 1),
        ("{{ vorname }", "bracket }", "}", 1),
        ("{{ (vorname }}", "the bracket ) is missing", "}", 1),
        ("{{ vorname) }}", "bracket )", ")", 1),
        ("{{ }}", "missing before the closing", None, 1),
        ("{{ vorname | }}", "Behind “|” something is missing", "|", 1),
        ("{{ vorname if }}", "Behind “if” something is missing", "if", 1),
        ("{% if vorname %}x", "{% endif %}", "if", 1),
        ("{% endif %}", "stands alone", "endif", 1),
        ("{% fro x in y %}{% endfor %}", "{% for %}", "fro", 1),
        ("{{ „x“ }}", "Write: {{ 'x' }}", "„", 1),
        ("{{ 'x }}", "never closed", "'", 1),
        ("{{ vorname && nachname }}", "Write: {{ vorname and nachname }}", "&&", 1),
        ("{# x", "#}", "{#", 1),
        ("{{ f(a=1, a=2) }}", "one is named twice", None, 1),
        ("{{ f(a=1, 2) }}", "in the wrong order", None, 1),
        ("{{ vorname nachname }}", "Write: {{ vorname }} {{ nachname }}", "nachname", 1),
        ("{{ vorname. | upper }}", "Behind the dot a name is missing", None, 1),
        ("{{ vorname ? 'a' : 'b' }}", "{{ 'a' if name else 'b' }}", "?", 1),
        ("{{ vorname is defined is none }}", "a second “is”", None, 1),
        ("{% for x of vorname %}{% endfor %}", "“in” is missing", None, 1),
        ("{% set 1 = vorname %}", "Only a name can be given a value", None, 1),
        ("{% %}", "a statement is missing", None, 1),
        ("{% vorname %}", "To show a value, write {{ vorname }}", "vorname", 1),
    ],
)
def test_a_syntax_error_is_said_in_plain_words(text: str, says: str, needle: str | None, line: int) -> None:
    (finding,) = check(text)
    assert finding.code == "template_syntax"
    assert says in f"{finding.message} {finding.hint}"
    assert (finding.needle, finding.line) == (needle, line)


ZUG = Names(("zug", "vorname", "ort", "handy"), {"zug": "zug", "ort": "ort", "mobil privat": "handy"})


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        ("{{ zug oder ort }}", "{{ zug or ort }}"),
        ("{{ zug UND ort }}", "{{ zug and ort }}"),
        ("{{ nicht zug }}", "{{ not zug }}"),
        ("{{ zug || ort }}", "{{ zug or ort }}"),
        ("{{ !zug }}", "{{ not zug }}"),
        ("{{ zug wenn ort sonst '' }}", "{{ zug if ort else '' }}"),
        ("{{ zug if ort sonst '' }}", "{{ zug if ort else '' }}"),
        ("{{ wenn ort dann zug sonst '' }}", "{{ zug if ort else '' }}"),
        ("{{ WENN(ort; zug; '') }}", "{{ zug if ort else '' }}"),
        ("{{ 'a' wenn zug ist 'x' sonst 'b' }}", "{{ 'a' if zug == 'x' else 'b' }}"),
        ("{{ zug ist nicht 'x' }}", "{{ zug != 'x' }}"),
        ("{{ zug is not 'x' }}", "{{ zug != 'x' }}"),
        ("{{ zug ist aktiv }}", "{{ zug == 'aktiv' }}"),
        ("{{ zug ist nicht leer }}", "{{ zug != '' }}"),
        ("{{ zug aus ['x'] }}", "{{ zug in ['x'] }}"),
        ("{{ zug nicht in ['x'] }}", "{{ zug not in ['x'] }}"),
        ("{{ zug = 'x' }}", "{{ zug == 'x' }}"),
        ("{{ dict(d=1) if (zug = 'x') else '' }}", "{{ dict(d=1) if (zug == 'x') else '' }}"),
        ("{{ zug <> 'x' }}", "{{ zug != 'x' }}"),
        ("{{ zug == „x“ }}", "{{ zug == 'x' }}"),
        ("{{ if zug }}a{{ else }}b{{ endif }}", "{% if zug %}a{% else %}b{% endif %}"),
        ("{% wenn zug %}a{% sonst %}b{% ende %}", "{% if zug %}a{% else %}b{% endif %}"),
        ("{% if zug %}a{% else if ort %}b{% endif %}", "{% if zug %}a{% elif ort %}b{% endif %}"),
        ("{%- für x in zug -%}{{ x }}{%- ende für -%}", "{%- for x in zug -%}{{ x }}{%- endfor -%}"),
        ("{{ zug | lookup: 'zuege' }}", "{{ zug | lookup('zuege') }}"),
        ("a\n{{ zug oder 'oder' }}", "{{ zug or 'oder' }}"),
    ],
)
def test_words_of_another_language_come_with_the_corrected_line(text: str, corrected: str) -> None:
    (finding,) = check(text, ZUG)
    assert finding.code == "template_syntax"
    assert finding.hint == f"Write: {corrected}"
    assert finding.instead is not None
    assert check(finding.instead, ZUG) == []


def test_a_column_may_have_a_german_word_as_its_name() -> None:
    names = Names(("und", "ist", "zug"))
    assert check("{{ und ~ ist }}", names) == []
    assert check("{{ zug is defined and ist }}", names) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{{ Straße / Nr. }}", "`strasse_nr: Straße / Nr.`"),
        ("{{ Straße und Nr. | upper }}", "`strasse_und_nr: Straße und Nr.`"),
        ("{{ Telefon oder Handy }}", "`telefon_oder_handy: Telefon oder Handy`"),
        ("{{ 1. Telefon | phone }}", "`column_1_telefon: 1. Telefon`"),
        ("{{ Tel.: privat }}", '`tel_privat: "Tel.: privat"`'),
        ("{{ Mobil (Arbeit) }}", "`mobil_arbeit: Mobil (Arbeit)`"),
        ("{{ Name & Titel }}", "`name_titel: Name & Titel`"),
        ("{{ Zug# }}", '`zug_2: "Zug#"`'),
        ("{{ Name, Titel }}", '`name_titel: "Name, Titel"`'),
    ],
)
def test_a_heading_that_no_column_has_comes_with_the_line_to_add(text: str, line: str) -> None:
    (finding,) = check(text, ZUG)
    assert finding.code in ("heading_as_name", "tuple")
    assert f"add the line {line} there" in finding.hint
    assert finding.instead is None


@pytest.mark.parametrize("text", ["{{ Straße / Nr. }}", "{{ Tel.: privat }}", "{{ Zug# }}"])
def test_a_heading_with_signs_is_one_where_the_list_is_not_known_yet(text: str) -> None:
    (finding,) = check(text, UNSEEN)
    assert (finding.code, finding.hint) == ("heading_as_name", "Write: {{ row['" + text[3:-3] + "'] }}")


def test_words_that_may_be_one_heading_are_shown_both_ways() -> None:
    (finding,) = check("{{ Telefon oder Handy }}", UNSEEN)
    assert "{{ Telefon or Handy }}" in finding.hint
    assert "{{ row['Telefon oder Handy'] }}" in finding.hint
    assert finding.instead is None


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Bemerkung", "`bemerkung: Bemerkung`"),
        ("Geburtsdatum", "`geburtsdatum: Geburtsdatum`"),
        ("geb_datum", "`geb_datum: Geb.-Datum`"),
        ("Mobil_privat", "Did you mean handy?"),
        ("xyz", "Known are: zug, vorname, ort, handy"),
    ],
)
def test_a_name_that_no_column_has_may_be_a_heading(name: str, hint: str) -> None:
    (finding,) = check("{{ " + name + " }}", replace(ZUG, unread=["Geb.-Datum"]))
    assert (finding.code, finding.needle) == ("unknown_name", name)
    assert hint in finding.hint


def test_without_columns_nobody_is_told_to_add_one() -> None:
    names = Names(("Zug", "Ort"), {"zug": "Zug", "ort": "Ort"}, has_columns=False)
    for text in ("{{ Bemerkung }}", "{{ Straße / Nr. }}", "{{ Name, Titel }}"):
        assert "columns" not in " ".join(finding.hint for finding in check(text, names))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("telefon", "phone"),
        ("gross", "upper"),
        ("groß", "upper"),
        ("klein", "lower"),
        ("datum", "date"),
        ("nummer", "digits"),
        ("trennen", "split"),
        ("suchen", "lookup"),
        ("ersetzen", "replace"),
        ("alter", "age"),
    ],
)
def test_a_german_word_leads_to_the_filter(name: str, meant: str) -> None:
    (finding,) = check("{{ vorname | " + name + " }}")
    assert finding.code == "unknown_filter"
    assert f"{meant} ({filters()[meant]})" in finding.hint


def test_where_no_filter_is_near_all_are_named() -> None:
    (finding,) = check("{{ vorname | xyzzy }}")
    assert all(name in finding.hint for name in FILTERS)


def test_every_filter_of_ours_is_explained() -> None:
    environment = Environment({}, ZoneInfo("UTC"))
    assert set(FILTERS) | {"lookup"} <= filters().keys() <= environment.filters.keys()


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        ("{{ upper(vorname) }}", "{{ vorname | upper }}"),
        ("{{ phone(handy, region='AT') }}", "{{ handy | phone(region='AT') }}"),
        ("{{ gross(vorname) }}", "{{ vorname | upper }}"),
        ("{{ upper(trim(vorname)) }}", "{{ vorname | trim | upper }}"),
        ("{{ upper(vorname ~ zug) ~ ort }}", "{{ (vorname ~ zug) | upper ~ ort }}"),
        ("{{ upper(vorname)[0] }}", "{{ (vorname | upper)[0] }}"),
        ("{{ lookup('zuege', zug) }}", "{{ zug | lookup('zuege') }}"),
        ("{{ zug | lookup(zuege) }}", "lookup('zuege')"),
        ("{{ zug | lookup(zuge) }}", "lookup('zuege')"),
    ],
)
def test_a_filter_written_as_a_function_and_a_table_without_quotes(text: str, corrected: str) -> None:
    (finding,) = check(text, ZUG)
    assert (finding.code, finding.hint) == ("unknown_name", f"Write: {corrected}")
    assert finding.instead is not None
    assert check(finding.instead, ZUG) == []


@pytest.mark.parametrize(
    "text", ["{% macro upper(x) %}{{ x }}{% endmacro %}{{ upper(zug) }}", "{{ zug | lookup(ort) }}"]
)
def test_what_is_called_may_be_something_of_ones_own(text: str) -> None:
    assert check(text, ZUG) == []


@pytest.mark.parametrize(
    "text", ["{{ " + "A" * 60_000 + " }}", "{{ " + "a oder " * 8_000 + "b }}", "{% ende %}" * 5_000]
)
def test_no_text_takes_long(text: str) -> None:
    begin = time.monotonic()
    assert check(text, ZUG)
    check(text, UNSEEN)
    assert time.monotonic() - begin < 5


def truth(text: str, names: Names) -> list[Finding]:
    return check_truth(Environment({}, ZoneInfo("Europe/Berlin")), text, names)


STATUS = Names(("nr", "name", "status"), {"nr": "nr", "name": "name", "mitglied seit": "status"})


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("status == 'aktiv'", "{{ status == 'aktiv' }}"),
        ("name", "{{ name }}"),
        ("Mitglied seit", "{{ status }}"),
        ("true", "{{ true }}"),
    ],
)
def test_a_condition_without_braces_gets_them(text: str, meant: str) -> None:
    (finding,) = truth(text, STATUS)
    assert (finding.code, finding.hint, finding.instead) == ("condition_without_braces", f'Write: "{meant}"', meant)


@pytest.mark.parametrize(
    ("text", "names", "example"),
    [
        ("Aktiv", STATUS, "{{ status == 'Aktiv' }}"),
        ("Aktive Mitglieder", STATUS, "{{ status == 'Aktive Mitglieder' }}"),
        ("(Aktiv", STATUS, "{{ status == 'aktiv' }}"),
        ("Aktiv", COLUMNS, "{{ vorname == 'Aktiv' }}"),
        ("status == aktiv", STATUS, "{{ status == 'aktiv' }}"),
        ("Name == Meier", STATUS, "{{ name == 'Meier' }}"),
        ("Name > 3", STATUS, "{{ name > 3 }}"),
        ("Nahme > 3", STATUS, "{{ status == 'aktiv' }}"),
        ("Montag", Names(("source", "now"), has_columns=False), "{{ source.rows > 20 }}"),
    ],
)
def test_where_braces_alone_help_nobody_a_condition_is_shown_that_is_right(
    text: str, names: Names, example: str
) -> None:
    (finding,) = truth(text, names)
    assert f'"{example}"' in finding.hint
    assert finding.instead is None
    assert check(example, replace(names, known=(*(names.known or ()), "source"))) == []


def test_a_condition_with_braces_is_one() -> None:
    assert truth("{{ status }}", STATUS) == truth("{% if a %}1{% endif %}", STATUS) == []


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("{{ email | email(default='') }}", "`| email`."),
        ("{{ tel | phone(defualt='') }}", "Did you mean default? It is written `| phone(region='DE', default=…)"),
        ("{{ tel | phone('DE', '', 1) }}", "| phone(region='DE', default=…)"),
        ("{{ nr | lookup }}", "| lookup(table, default=…, keep=false)"),
        ("{{ name | upper(1) }}", "`| upper`."),
        ("{{ name | replace('a') }}", "| replace(old, new, count=…)"),
        ("{{ name | split(',', 2) }}", "| split(sep=…)"),
        ("{{ name | title_name('x') }}", "`| title_name`."),
        ("{{ rows | list(1) }}", "`| list`."),
        ("{{ rows | first(1) }}", "`| first`."),
        ("{{ rows | map('phone', regoin='AT') | list }}", "Did you mean region?"),
        ("{{ today(1) }}", "today()"),
        ("{{ first_of(x=1) }}", "first_of(…)"),
        ("{% filter upper(1) %}x{% endfilter %}", "`| upper`."),
    ],
)
def test_what_a_filter_or_function_does_not_take_is_told_with_what_it_takes(text: str, form: str) -> None:
    for names in (COLUMNS, UNSEEN):
        (finding,) = check(text, names)
        assert finding.code == "wrong_arguments"
        assert form in finding.hint


@pytest.mark.parametrize(
    "text",
    [
        "{{ tel | phone }}{{ tel | phone('AT') }}{{ tel | phone(region='AT', default='') }}{{ tel | e164('DE', '') }}",
        "{{ nr | lookup('zuege', '') }}{{ nr | lookup('zuege', default='', keep=true) }}{{ nr | age }}",
        "{{ rows | map(attribute='x') | unique | sort(reverse=true) | join(', ', attribute='y') }}",
        "{{ rows | map('lookup', 'zuege') | list }}{{ rows | selectattr('a', 'equalto', 1) | list }}",
        "{{ name | truncate(5, true, '…') }}{{ name | default('x', true) }}{{ name | center(20) }}{{ 1.5 | round(1) }}",
        "{{ name | regex_replace(find='a', replace='b', ignorecase=true) }}{{ rows | batch(2, '') }}",
        "{{ range(1, 3) | list }}{{ dict(a=1).a }}{{ namespace(a=1).a }}{{ now().year }}{{ first_of(nr, name) }}",
        "{{ rows | groupby('x') | length }}{{ rows | sum(attribute='x') }}{{ '%s' | format(name) }}{{ name | tojson }}",
        "{% macro today(x) %}{{ x }}{% endmacro %}{{ today(1) }}",
        "{{ name | phone(*[1, 2, 3, 4]) }}",
    ],
)
def test_what_filters_and_functions_take_is_right(text: str) -> None:
    assert check(text) == []


@pytest.mark.parametrize("pattern", ["(", "[a", "*a", "a{3,1}", "[z-a]", "(?P<a", r"\\p{foo}"])
def test_a_pattern_that_is_none_is_told_before_any_row_is_seen(pattern: str) -> None:
    for text in (f"{{{{ name | regex_search('{pattern}') }}}}", f"{{{{ name | regex_replace(find='{pattern}') }}}}"):
        (finding,) = check(text)
        assert finding.code == "regex_invalid"
        assert " at position " not in finding.message


def test_a_constant_that_is_a_name_was_meant_as_the_name() -> None:
    for word in ("vorname", " vorname ", "E-Mail"):
        (finding,) = check_constant(word, COLUMNS)
        assert finding.code == "constant_is_name"
    assert check_constant("LEGACY", COLUMNS) == check_constant("", COLUMNS) == []


def test_the_names_a_template_uses_are_those_from_outside() -> None:
    environment = Environment({}, ZoneInfo("Europe/Berlin"))
    assert used_names(environment, "{% for x in rows %}{{ x }}{{ row }}{% endfor %}") == {"rows", "row"}
    assert used_names(environment, "{{ broken") == set()


@pytest.mark.parametrize("text", ["{ vorname }", "{vorname}", "{ vorname | upper }"])
def test_single_braces_are_a_mistake(text: str) -> None:
    (finding,) = check_constant(text, Names(("vorname",)))
    assert finding.code == "single_braces"
    assert "{{ vorname" in finding.hint


def test_typographic_quotes_are_a_mistake() -> None:
    (finding,) = check_template(Environment({}, ZoneInfo("Europe/Berlin")), "„{{ vorname }}“", Names(("vorname",)))
    assert (finding.code, finding.hint) == ("typographic_quotes", 'Write: "{{ vorname }}"')


def test_a_word_that_is_compared_without_quotes_may_be_meant_itself() -> None:
    names = Names(known=("abteilung", "name"))
    (finding,) = check_template(Environment({}, ZoneInfo("UTC")), "{{ abteilung == Einsatzabteilung }}", names)
    assert finding.hint.startswith("Is the word itself meant? Then put it in quotes: 'Einsatzabteilung'.")
    (other,) = check_template(Environment({}, ZoneInfo("UTC")), "{{ nam }}", names)
    assert other.hint == "Did you mean name?"
