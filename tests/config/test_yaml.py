"""Files become trees in which every scalar is text and everything knows where it stands; nothing ever raises."""

from __future__ import annotations

import os
import time

import pytest

from engine.config.node import Node
from tests.config.folder import Folder, place

# -- scalars are text ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "01067",
        "0171123456",
        "+49",
        "no",
        "yes",
        "on",
        "True",
        "12:30",
        "1e5",
        "0x10",
        "0o17",
        "1_000",
        ".5",
        ".inf",
        ".nan",
        "2026-01-02",
        "2026-01-02T03:04:05Z",
        "1. Zug",
        "=",
        "NaN",
        "N",
        "nULL",
        "none",
        "Straße",
    ],
)
def test_a_scalar_stays_as_it_was_typed(folder: Folder, written: str) -> None:
    assert folder.tree(f"a: {written}\nb: [{written}]\n{written}: c\n").plain() == {
        "a": written,
        "b": [written],
        written: "c",
    }


@pytest.mark.parametrize("written", ["", "~", "null", "Null", "NULL"])
def test_null_and_nothing_are_no_value(folder: Folder, written: str) -> None:
    assert folder.tree(f"a: {written}").plain() == {"a": None}


@pytest.mark.parametrize("written", ['"null"', "'null'", "|-\n  null", '"~"', '""'])
def test_a_quoted_null_is_the_word(folder: Folder, written: str) -> None:
    assert isinstance(folder.tree(f"a: {written}").plain()["a"], str)


def test_a_yaml_1_1_file_gets_no_other_meaning(folder: Folder) -> None:
    assert folder.tree("%YAML 1.1\n---\na: no\nb: 010\nc: 12:30:45\n").plain() == {
        "a": "no",
        "b": "010",
        "c": "12:30:45",
    }


def test_a_tag_for_text_changes_nothing(folder: Folder) -> None:
    assert folder.tree("a: !!str 01067\nb: !!int 5\n").plain() == {"a": "01067", "b": "5"}


# -- places ----------------------------------------------------------------------------------------------------------


def test_every_value_and_key_has_its_place(folder: Folder) -> None:
    node = folder.tree("a: 1\nb:\n  - x\n  -   y\nc: {d: 2, e: [3]}\n")
    assert place(node.find(("a",))) == (1, 4)
    assert place(node.find(("b", 1))) == (4, 7)
    assert place(node.find(("c", "d"))) == (5, 8)
    assert place(node.find(("c", "e", 0))) == (5, 15)
    keys = node.find(("c",))
    assert keys is not None
    assert (keys.keys["e"].line, keys.keys["e"].column, keys.keys["e"].path) == (5, 11, ("c", "e"))


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_places_do_not_depend_on_line_ends_or_a_bom(folder: Folder, line_end: str, bom: str) -> None:
    text = bom + line_end.join(["a: 1", "b: |", "  {{ x }}", "  {{ mistaken }}", 'c: "{{ y }}"', ""])
    node = folder.tree(text.encode())
    assert place(node.find(("a",))) == (1, 4)
    assert place(node.find(("c",))) == (5, 4)
    found = node.locate_text(("b",), "mistaken", 2)
    assert (found.line, found.column) == (4, 6)


@pytest.mark.parametrize("character", ["\u2028", "\x85", "\u2029", "\u00a0", "😀"])
def test_unusual_characters_do_not_shift_lines(folder: Folder, character: str) -> None:
    node = folder.tree(f"a: x{character}y\nb: 1\n")
    assert place(node.find(("b",))) == (2, 4)


def test_a_word_is_found_in_the_line_of_a_block(folder: Folder) -> None:
    node = folder.tree("a:\n  b: |-\n    {{ nr }}\n    {{ nrx }} {{ nr }}\n")
    assert node.locate_text(("a", "b"), "nr", 1).column == 8
    second = node.locate_text(("a", "b"), "nr", 2)
    assert (second.line, second.column, second.path) == (4, 18, ("a", "b"))


def test_a_word_is_found_in_a_block_with_an_anchor_or_a_comment(folder: Folder) -> None:
    node = folder.tree("a: &x |  # why\n  {{ one }}\n  {{ two }}\nb: *x\n")
    for key in ("a", "b"):
        found = node.locate_text((key,), "two", 2)
        assert (found.line, found.column) == (3, 6)


def test_a_word_is_found_in_a_folded_text_and_over_several_lines(folder: Folder) -> None:
    node = folder.tree('a: >\n  one\n  {{ two }}\nb: "one\n  {{ three }}"\n')
    assert (node.locate_text(("a",), "two", 1).line, node.locate_text(("b",), "three", 1).line) == (3, 5)


def test_a_line_of_a_block_is_known_without_a_word(folder: Folder) -> None:
    found = folder.tree("a: |\n  one\n    two\n").locate_text(("a",), None, 2)
    assert (found.line, found.column) == (3, 5)


def test_an_included_value_stands_in_its_own_file(folder: Folder) -> None:
    folder.write("tables/t.yaml", "x:\n  - one\n")
    node = folder.tree("a: !include tables/t.yaml\n")
    assert str(node.locate(("a", "x", 0))) == "mappings/tables/t.yaml:2:5"
    assert node.locate(("a", "x", 0)).path == ("a", "x", 0)


def test_an_alias_stands_where_its_anchor_does(folder: Folder) -> None:
    node = folder.tree("a: &x {b: 1}\nc: *x\n")
    assert place(node.find(("c", "b"))) == (1, 11)


def test_a_merged_key_stands_where_it_was_written(folder: Folder) -> None:
    node = folder.tree("base: &x\n  b: 1\n  c: 2\nd:\n  <<: *x\n  c: 3\n")
    assert node.plain()["d"] == {"c": "3", "b": "1"}
    assert place(node.find(("d", "b"))) == (2, 6)
    assert node.locate_key(("d", "b")).line == 2
    assert place(node.find(("d", "c"))) == (6, 6)


def test_the_first_of_several_merged_mappings_wins(folder: Folder) -> None:
    node = folder.tree("x: &x {a: 1}\ny: &y {a: 2, b: 2}\nz:\n  <<: [*x, *y]\n")
    assert node.plain()["z"] == {"a": "1", "b": "2"}


def test_a_missing_value_is_at_its_key(folder: Folder) -> None:
    assert folder.tree("a:\n  b:\n").locate(("a", "b")).column == 3


# -- tags ------------------------------------------------------------------------------------------------------------


def test_a_secret_comes_from_the_nearest_secrets_file(folder: Folder) -> None:
    folder.write("secrets.yaml", "one: far\ntwo: far too\n")
    folder.write("sub/secrets.yaml", "one: near\n")
    assert folder.tree("a: !secret one\nb: !secret two\n", "sub/x.yaml").plain() == {"a": "near", "b": "far too"}


def test_the_fingerprint_of_a_secret_is_its_name(folder: Folder) -> None:
    folder.write("secrets.yaml", "one: geheim\n")
    assert folder.tree("a: [!secret one]\n").fingerprint() == {"a": ["!secret one"]}


def test_a_misspelled_secret_gets_a_suggestion_and_no_value(folder: Folder) -> None:
    folder.write("secrets.yaml", "fe2_key: geheim\n")
    node, (problem,) = folder.read("a: !secret fe2_kye\n")
    assert (problem.code, problem.hint) == ("secret_missing", "Did you mean fe2_key?")
    assert (str(problem.at), problem.at.path) == ("mappings/x.yaml:1:4", ("a",))
    assert node is not None
    assert node.is_broken(("a",))


@pytest.mark.parametrize("value", ["", "null", "{a: b}", "[a]", "# all of it"])
def test_a_secret_that_is_no_text_is_reported_where_it_stands(folder: Folder, value: str) -> None:
    folder.write("secrets.yaml", f"other: x\none: {value}\n")
    _node, (problem,) = folder.read("a: !secret one\n")
    assert (problem.code, problem.at.file, problem.at.line) == ("secret_missing", "mappings/secrets.yaml", 2)


def test_a_broken_secrets_file_is_the_only_problem(folder: Folder) -> None:
    folder.write("secrets.yaml", "one: x\n\x00two: y\n")
    _node, problems = folder.read("a: !secret one\nb: !secret two\n")
    assert [problem.at.file for problem in problems] == ["mappings/secrets.yaml"]


def test_a_secret_can_not_be_another_secret(folder: Folder) -> None:
    folder.write("secrets.yaml", "one: !secret two\ntwo: !secret one\n")
    _node, problems = folder.read("a: !secret one\n")
    assert {problem.code for problem in problems} == {"secret_in_secrets"}


def test_an_environment_variable_may_have_a_default(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABGLEICH_TEST_SET", "from outside")
    monkeypatch.delenv("ABGLEICH_TEST_UNSET", raising=False)
    node = folder.tree(
        "a: !env_var ABGLEICH_TEST_SET\nb: !env_var ABGLEICH_TEST_SET other\nc: !env_var ABGLEICH_TEST_UNSET a b\n"
    )
    assert node.plain() == {"a": "from outside", "b": "from outside", "c": "a b"}


@pytest.mark.parametrize("name", ["ABGLEICH_TEST_UNSET", '"A\\0B"', "A=B"])
def test_an_environment_variable_that_is_not_set_is_reported(folder: Folder, name: str) -> None:
    _node, (problem,) = folder.read(f"a: !env_var {name}\n")
    assert problem.code == "env_var_missing"


@pytest.mark.parametrize("tag", ["!secret", "!include", "!env_var", "!input", "!include_dir_list"])
@pytest.mark.parametrize("value", ["", "[a]", "{a: b}", "'  '"])
def test_a_tag_needs_a_name(folder: Folder, tag: str, value: str) -> None:
    _node, (problem,) = folder.read(f"a: {tag} {value}\n")
    assert problem.code == "tag_without_name"


def test_an_unknown_tag_gets_a_suggestion(folder: Folder) -> None:
    _node, (problem,) = folder.read("a: !secrt x\n")
    assert (problem.code, problem.hint) == ("unknown_tag", "Did you mean !secret?")


def test_the_text_of_an_unknown_tag_may_be_a_password_and_is_not_repeated(folder: Folder) -> None:
    _node, (problem,) = folder.read("a: !x7Geheim\n")
    assert "x7Geheim" not in repr(problem)


def test_an_input_needs_a_blueprint(folder: Folder) -> None:
    _node, (problem,) = folder.read("a: !input x\n")
    assert problem.code == "input_outside_blueprint"


@pytest.fixture
def parts(folder: Folder) -> Folder:
    folder.write("parts/b.yaml", "- 3\n")
    folder.write("parts/a.yaml", "- 1\n- 2\n")
    folder.write("parts/sub/c.yml", "- 4\n")
    folder.write("parts/.hidden.yaml", "- 5\n")
    folder.write("parts/secrets.yaml", "x: 6\n")
    folder.write("parts/notes.txt", "7")
    folder.write("named/b.yaml", "y: 2\n")
    folder.write("named/a.yaml", "x: 1\n")
    return folder


def test_a_folder_as_a_list_has_an_entry_for_each_file(parts: Folder) -> None:
    assert parts.tree("a: !include_dir_list parts\n").plain()["a"] == [["1", "2"], ["3"], ["4"]]


def test_a_folder_as_a_merged_list_has_all_their_entries(parts: Folder) -> None:
    assert parts.tree("a: !include_dir_merge_list parts\n").plain()["a"] == ["1", "2", "3", "4"]


def test_a_named_folder_has_a_key_for_each_file(parts: Folder) -> None:
    assert parts.tree("a: !include_dir_named named\n").plain()["a"] == {"a": {"x": "1"}, "b": {"y": "2"}}


def test_a_folder_as_merged_keys_has_all_their_keys(parts: Folder) -> None:
    node = parts.tree("a: !include_dir_merge_named named\n")
    assert node.plain()["a"] == {"x": "1", "y": "2"}
    assert str(node.locate_key(("a", "y"))) == "mappings/named/b.yaml:1:1"


def test_an_empty_folder_is_an_empty_list_or_mapping(folder: Folder) -> None:
    (folder.mappings / "nothing").mkdir()
    node = folder.tree("a: !include_dir_list nothing\nb: !include_dir_merge_named nothing\n")
    assert node.plain() == {"a": [], "b": {}}


def test_files_of_the_wrong_shape_are_reported_where_they_stand(parts: Folder) -> None:
    _node, problems = parts.read("a: !include_dir_merge_list named\nb: !include_dir_merge_named parts\n")
    assert {problem.code for problem in problems} == {"include_not_list", "include_not_mapping"}
    assert {problem.at.file for problem in problems} >= {"mappings/named/a.yaml", "mappings/parts/sub/c.yml"}


@pytest.mark.parametrize("tag", ["!include_dir_named", "!include_dir_merge_named"])
def test_no_file_of_a_folder_hides_another(folder: Folder, tag: str) -> None:
    folder.write("d/a.yaml", "x: 1\n")
    folder.write("d/sub/a.yaml", "x: 2\n")
    _node, (problem,) = folder.read(f"a: {tag} d\n")
    assert (problem.code, problem.at.file) == ("duplicate_key", "mappings/d/sub/a.yaml")


# -- includes stay inside --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["../../outside.yaml", "../../project2/x.yaml", "/etc/hostname", "../.."])
@pytest.mark.parametrize("tag", ["!include", "!include_dir_list"])
def test_nothing_outside_of_the_project_is_included(folder: Folder, tag: str, target: str) -> None:
    (folder.root.parent / "outside.yaml").write_text("geheim: 1\n")
    _node, (problem,) = folder.read(f"a: {tag} {target}\n")
    assert problem.code == "include_outside"


def test_a_symlink_does_not_lead_outside(folder: Folder) -> None:
    outside = folder.root.parent / "outside"
    outside.mkdir()
    (outside / "x.yaml").write_text("geheim: 1\n")
    (folder.mappings / "link").symlink_to(outside)
    (folder.mappings / "file.yaml").symlink_to(outside / "x.yaml")
    (folder.mappings / "d").mkdir()
    (folder.mappings / "d" / "y.yaml").symlink_to(outside / "x.yaml")
    node, problems = folder.read("a: !include link/x.yaml\nb: !include file.yaml\nc: !include_dir_list d\n")
    assert [problem.code for problem in problems] == ["include_outside"] * 3
    assert node is not None
    assert "geheim" not in repr(node.plain())


def test_a_symlink_inside_of_the_project_is_followed(folder: Folder) -> None:
    folder.write("tables/t.yaml", "x: 1\n")
    (folder.mappings / "link.yaml").symlink_to(folder.mappings / "tables" / "t.yaml")
    assert folder.tree("a: !include link.yaml\n").plain() == {"a": {"x": "1"}}


def test_a_project_that_is_a_symlink_itself_is_read(folder: Folder) -> None:
    from engine.config.load import load

    folder.write("tables/t.yaml", "x: 1\n")
    folder.write("personal.yaml", "a: !include tables/t.yaml\n")
    link = folder.root.parent / "link"
    link.symlink_to(folder.root)
    assert "include_outside" not in [problem.code for problem in load(link).problems]


@pytest.mark.parametrize("target", ['"a\\0b"', "a" * 300, "loop.yaml", '"\\ud800"', "tables"])
def test_what_can_not_be_a_file_is_reported(folder: Folder, target: str) -> None:
    (folder.mappings / "loop.yaml").symlink_to("loop.yaml")
    (folder.mappings / "tables").mkdir()
    _node, (problem,) = folder.read(f"a: !include {target}\n")
    assert problem.code in ("include_missing", "yaml_character")


def test_a_misspelled_include_gets_a_suggestion(folder: Folder) -> None:
    folder.write("tables/alarmgruppen.yaml", "x: 1\n")
    _node, (problem,) = folder.read("a: !include tables/alarmgruppe.yaml\n")
    assert problem.hint == "Did you mean alarmgruppen.yaml?"


def test_an_included_file_may_be_empty(folder: Folder) -> None:
    folder.write("tables/t.yaml", "# nothing yet\n")
    assert folder.tree("a: !include tables/t.yaml\n").plain() == {"a": None}


def test_circles_are_reported_once_per_place(folder: Folder) -> None:
    folder.write("one.yaml", "x: !include two.yaml\n")
    folder.write("two.yaml", "y: !include one.yaml\n")
    _node, problems = folder.read("a: !include one.yaml\nb: !include one.yaml\n")
    assert {(str(problem.at), problem.code) for problem in problems} == {("mappings/two.yaml:1:4", "include_circle")}


def test_a_file_that_includes_itself_is_reported(folder: Folder) -> None:
    _node, problems = folder.read("a: !include x.yaml\n")
    assert {problem.code for problem in problems} == {"include_circle"}


def test_a_problem_in_an_included_file_is_met_by_every_file_that_includes_it(folder: Folder) -> None:
    folder.write("tables/t.yaml", "x: 1\nx: 2\n")
    text = "tables: {t: !include tables/t.yaml}\n"
    folder.write("one.yaml", text)
    folder.write("two.yaml", text)
    project = folder.load()
    assert project.mappings == {}
    for name in ("one", "two"):
        assert "duplicate_key" in [problem.code for problem in project.errors_of(project.ids[name])]


# -- mistakes --------------------------------------------------------------------------------------------------------


def test_a_duplicate_key_names_the_first_one_and_keeps_it(folder: Folder) -> None:
    node, (problem,) = folder.read("a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert (problem.code, str(problem.at), problem.at.path) == ("duplicate_key", "mappings/x.yaml:4:3", ("a", "b"))
    assert "line 2" in problem.message
    assert node is not None
    assert node.plain() == {"a": {"b": "1", "c": "2"}}


def test_keys_that_differ_in_case_are_two(folder: Folder) -> None:
    assert folder.tree("a: 1\nA: 2\n").plain() == {"a": "1", "A": "2"}


def test_an_alias_that_holds_itself_is_reported(folder: Folder) -> None:
    _node, (problem,) = folder.read("a: &x\n  b: *x\n")
    assert (problem.code, problem.message) == ("yaml_alias", "An alias holds itself.")


def test_an_alias_without_an_anchor_is_reported(folder: Folder) -> None:
    _node, (problem,) = folder.read("a: 1\nb: *x\n")
    assert str(problem.at) == "mappings/x.yaml:2:4"


def test_a_key_must_be_text(folder: Folder) -> None:
    node, (problem,) = folder.read("? [a, b]\n: 1\nc: 2\n")
    assert problem.code == "key_not_text"
    assert node is not None
    assert node.plain() == {"c": "2"}


def test_only_a_mapping_can_be_merged(folder: Folder) -> None:
    _node, (problem,) = folder.read("a:\n  <<: text\n")
    assert problem.code == "merge_not_mapping"


def test_an_empty_file_has_no_value(folder: Folder) -> None:
    for content in ("", "\n\n", "# only a comment\n", "---\n", "\ufeff"):
        assert folder.tree(content).value is None


def test_a_second_document_is_reported_where_it_begins(folder: Folder) -> None:
    _node, (problem,) = folder.read("a: 1\n---\nb: 2\n")
    assert (problem.code, str(problem.at)) == ("yaml_documents", "mappings/x.yaml:2:1")


def test_the_marks_of_one_document_are_allowed(folder: Folder) -> None:
    assert folder.tree("---\na: 1\n...\n").plain() == {"a": "1"}


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\ufffe"])
def test_a_control_character_is_reported_at_its_place(folder: Folder, character: str) -> None:
    _node, (problem,) = folder.read(f"a: 1\nb: x{character}y\n")
    assert (problem.code, str(problem.at)) == ("yaml_character", "mappings/x.yaml:2:5")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "cp1252"])
def test_a_file_that_is_not_utf_8_is_reported(folder: Folder, encoding: str) -> None:
    _node, (problem,) = folder.read("a: 1\nb: Müller\n".encode(encoding))
    assert problem.code == "file_not_utf8"
    assert problem.at.line == (1 if encoding == "utf-16" else 2)


def test_a_file_that_can_not_be_read_is_reported(folder: Folder) -> None:
    (folder.mappings / "gone.yaml").symlink_to("nowhere.yaml")
    os.mkfifo(folder.mappings / "pipe.yaml")
    (folder.mappings / "folder.yaml").mkdir()
    assert folder.said() == [("gone.yaml", "file_unreadable")]


def test_tabs_in_a_block_of_text_are_text(folder: Folder) -> None:
    assert folder.tree("a: |\n  \tindented\n  x\tx\n").plain() == {"a": "\tindented\nx\tx\n"}


def test_a_block_indented_with_tabs_is_one_mistake(folder: Folder) -> None:
    node, (problem,) = folder.read("a:\n\tb: 1\n\tc:\n\t\td: 2\ne: 3\n")
    assert (problem.code, str(problem.at), problem.at.path) == ("tab_indentation", "mappings/x.yaml:2:1", ("a", "b"))
    assert node is not None
    assert node.plain() == {"a": {"b": "1", "c": {"d": "2"}}, "e": "3"}


# -- what is mended --------------------------------------------------------------------------------------------------


def mended(folder: Folder, content: str) -> tuple[Node, list[tuple[str, int | None, int | None]]]:
    node, problems = folder.read(content)
    assert node is not None
    return node, [(problem.code, problem.at.line, problem.at.column) for problem in problems]


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("a: {{ x }}", "{{ x }}"),
        ("a: {{ x }} and {{ y }}", "{{ x }} and {{ y }}"),
        ("a: {{ x | default('') }}  # why", "{{ x | default('') }}"),
        ('a: {{ row["E-Mail"] }}', '{{ row["E-Mail"] }}'),
        ("a: {% if x %}1{% endif %}", "{% if x %}1{% endif %}"),
        ("a: {{ x['y'] }} \"z\"", "{{ x['y'] }} \"z\""),
    ],
)
def test_a_template_without_quotes_is_taken_for_what_it_means(folder: Folder, line: str, meant: str) -> None:
    node, said = mended(folder, f"first: 1\n{line}\nlast: 2\n")
    assert said == [("template_without_quotes", 2, 4)]
    assert node.plain() == {"first": "1", "a": meant, "last": "2"}


def test_a_template_without_quotes_may_go_on_in_the_next_line(folder: Folder) -> None:
    _node, (problem,) = folder.read("a: {{ x\n  | phone }}\nb: 1\n")
    assert problem.hint == 'Write: `a: "{{ x | phone }}"`'


def test_places_inside_of_a_mended_line_are_those_of_the_file(folder: Folder) -> None:
    node, _said = mended(folder, "a: {{ one }} {{ two }}\nb: [{{ f['x'] }}, {{ three }}]\n")
    assert node.locate_text(("a",), "two").column == 17
    assert node.locate_text(("b", 1), "three").column == 22


def test_a_template_in_a_block_above_a_mistake_is_not_blamed(folder: Folder) -> None:
    _node, said = mended(folder, "a: |\n  {{ x }}\nb: @y\n")
    assert said == [("yaml_character", 3, 4)]


def test_every_line_that_is_understood_is_mended(folder: Folder) -> None:
    node, said = mended(
        folder,
        """\
        a: {{ x }}
        b:"{{ y }}"
        c: "{{ z }}
        d: 2
        e: Export: 2
         f: 1
        g: '{{ s == 'x' }}'
        h: "{{ h | replace('\\.', '') }}"
        i: @home
        j "{{ i }}"
        k: [1, 2
        l: 3
        """,
    )
    assert sorted(said, key=lambda entry: entry[1] or 0) == [
        ("template_without_quotes", 1, 4),
        ("yaml_colon", 2, 2),
        ("yaml_quote", 3, 4),
        ("yaml_colon", 5, 10),
        ("yaml_indentation", 6, 2),
        ("quote_inside", 7, 13),
        ("yaml_escape", 8, 21),
        ("yaml_character", 9, 4),
        ("yaml_colon", 10, 2),
        ("yaml_bracket", 11, 4),
    ]
    assert node.plain() == {
        "a": "{{ x }}",
        "b": "{{ y }}",
        "c": "{{ z }}",
        "d": "2",
        "e": "Export: 2",
        "f": "1",
        "g": "{{ s == 'x' }}",
        "h": "{{ h | replace('\\.', '') }}",
        "i": "@home",
        "j": "{{ i }}",
        "k": ["1", "2"],
        "l": "3",
    }


def test_a_mistake_nobody_understands_stops_the_file(folder: Folder) -> None:
    node, (problem,) = folder.read("a: 1\n]]}{{[\nb: 2\n")
    assert node is None
    assert problem.at.line == 2


# -- bombs -----------------------------------------------------------------------------------------------------------


def reported_soon(folder: Folder, content: str | bytes) -> list[str]:
    begun = time.monotonic()
    folder.write("personal.yaml", content)
    codes = [code for _place, code in folder.said()]
    assert time.monotonic() - begun < 5
    return codes


def test_billion_laughs_are_refused(folder: Folder) -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    assert reported_soon(folder, "\n".join(lines)) == ["yaml_too_large"]


def test_laughs_by_merge_keys_are_refused(folder: Folder) -> None:
    lines = ["a0: &a0 {x: lol}"]
    lines += [f"a{n}: &a{n} {{b: *a{n - 1}, c: *a{n - 1}, <<: *a{n - 1}}}" for n in range(1, 30)]
    assert reported_soon(folder, "\n".join(lines)) == ["yaml_too_large"]


def test_laughs_by_includes_are_refused(folder: Folder) -> None:
    folder.write("tables/a0.yaml", "[lol, lol, lol, lol]")
    for n in range(1, 19):
        folder.write(f"tables/a{n}.yaml", "\n".join([f"- !include a{n - 1}.yaml"] * 10))
    assert set(reported_soon(folder, "tables: !include tables/a18.yaml\n")) >= {"yaml_too_large"}


@pytest.mark.parametrize(
    "content",
    [
        "a: " + "[" * 10_000 + "]" * 10_000,
        "a: " + "{a: " * 10_000 + "}" * 10_000,
        "- " * 10_000 + "x",
        "\n".join(" " * n + "a:" for n in range(900)),
        "[" * 100_000,
        "a: " + "[" * 100 + "]" * 100,
    ],
    ids=["lists", "mappings", "items", "lines", "unclosed", "a few"],
)
def test_a_file_that_is_nested_too_deeply_is_refused(folder: Folder, content: str) -> None:
    assert reported_soon(folder, content) == ["yaml_too_deep"]


def test_aliases_do_not_nest_deeper_than_what_is_written_out(folder: Folder) -> None:
    lines = ["a0: &a0 x"]
    lines += [f"a{n}: &a{n} {'[' * 30}*a{n - 1}{']' * 30}" for n in range(1, 60)]
    assert reported_soon(folder, "\n".join(lines)) == ["yaml_too_deep"]


def test_a_file_of_ten_megabytes_is_refused(folder: Folder) -> None:
    assert reported_soon(folder, b"a: 1\n" * 2_000_000) == ["file_too_large"]


@pytest.mark.parametrize(
    "content",
    ["a: {{" + " " * 200_000 + "x", 'a: "' + "\\" * 100_001, "a" * 300_000 + " b: c: d", "- " + "'" * 200_001],
)
def test_long_lines_do_not_take_long(folder: Folder, content: str) -> None:
    assert reported_soon(folder, content) != []


def test_many_mistakes_do_not_take_long(folder: Folder) -> None:
    assert len(reported_soon(folder, "\n".join(f"k{n}: @x" for n in range(200)))) >= 50


def test_a_folder_can_be_read_that_links_to_itself(folder: Folder) -> None:
    (folder.mappings / "again").symlink_to(folder.mappings)
    assert folder.said() == []


def test_a_mistake_in_the_first_line_is_not_looked_for_in_the_last(folder: Folder) -> None:
    _node, problems = folder.read("a: [\nb: {{ x }} {{ y }}")
    assert all(problem.at.line is not None and problem.at.line > 0 for problem in problems)
