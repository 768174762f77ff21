"""A blueprint is a mapping with inputs; a mistake points into it and to the line that uses it."""

from __future__ import annotations

from engine.problems import Problem
from engine.sync.script import effects_of
from tests.config.folder import MAPPING, Folder

HEAD = """\
blueprint:
  name: FE2
  description: Everybody
  input:
    connection:
      name: Connection
      selector: {text: }
    ordner:
      default: inbox
"""
BODY = MAPPING.replace("connection: fe2", "connection: !input connection").replace(
    "path: inbox/personal.csv", "path: !input ordner"
)
BLUEPRINT = HEAD + BODY
USING = "use_blueprint:\n  path: fe2.yaml\n  input: {connection: fe2}\n"


def users(problem: Problem) -> str:
    return ", ".join(map(str, problem.used_by))


def with_blueprint(folder: Folder, blueprint: str = BLUEPRINT, using: str = USING) -> Folder:
    folder.write("blueprints/fe2.yaml", blueprint)
    folder.write("personal.yaml", using)
    return folder


def test_inputs_and_defaults_are_filled_in(folder: Folder) -> None:
    mapping = with_blueprint(folder).mapping()
    assert mapping.model.source.path == "inbox"
    assert mapping.actions[0].model.connection == "fe2"
    assert mapping.inputs == {"connection": "fe2", "ordner": "inbox"}


def test_an_input_may_be_a_list_or_keys_and_values(folder: Folder) -> None:
    blueprint = BLUEPRINT.replace("      default: inbox\n", "    columns:\n").replace("!input ordner", "x.csv")
    blueprint = blueprint.replace(
        "columns:\n    nr: Personalnummer\n    name: Name\n", "columns: !input columns\n"
    ).replace("    ordner:\n", "")
    with_blueprint(folder, blueprint, USING.replace("fe2}", "fe2, columns: {nr: Nr, name: [A, B]}}"))
    columns = folder.mapping().columns
    assert columns is not None
    assert columns["name"].patterns == ("A", "B")


def test_inputs_are_names_in_templates(folder: Folder) -> None:
    with_blueprint(folder, BLUEPRINT.replace("{{ name }}", "{{ name }} {{ ordner }}"))
    assert folder.problems() == []


def test_a_mapping_may_describe_itself_beside_the_blueprint(folder: Folder) -> None:
    mapping = with_blueprint(folder, using=USING + "id: own\nalias: Eigener Name\nenabled: no\n").load().mappings["own"]
    assert (mapping.id, mapping.model.alias, mapping.model.enabled) == ("own", "Eigener Name", False)


def test_other_keys_beside_the_blueprint_are_unknown(folder: Folder) -> None:
    assert with_blueprint(folder, using=USING + "source: {}\n").said() == [("personal.yaml:4:1", "unknown_key")]


def test_a_mistake_points_into_the_blueprint_and_to_the_line_that_uses_it(folder: Folder) -> None:
    problem = with_blueprint(folder, BLUEPRINT.replace("{{ name }}", "{{ nahme }}")).problem()
    assert (problem.code, str(problem.at)) == ("unknown_name", "mappings/blueprints/fe2.yaml:21:21")
    assert users(problem) == "mappings/personal.yaml:1:1"


def test_a_mistake_of_the_shape_points_to_both_as_well(folder: Folder) -> None:
    problem = with_blueprint(folder, BLUEPRINT + "enabeld: no\n").problem()
    assert (str(problem.at), users(problem)) == (
        "mappings/blueprints/fe2.yaml:23:1",
        "mappings/personal.yaml:1:1",
    )


def test_a_mistake_of_the_syntax_points_to_both_as_well(folder: Folder) -> None:
    problem = with_blueprint(folder, BLUEPRINT.replace('"{{ name }}"', "{{ name }}")).problem()
    assert (problem.code, str(problem.at)) == ("template_without_quotes", "mappings/blueprints/fe2.yaml:21:17")
    assert users(problem) == "mappings/personal.yaml:1:1"


def test_a_wrong_input_is_reported_where_it_was_given(folder: Folder) -> None:
    problem = with_blueprint(folder, using=USING.replace("fe2}", "fe3}")).problem()
    assert (problem.code, str(problem.at)) == ("unknown_connection", "mappings/personal.yaml:3:23")
    assert users(problem) == "mappings/blueprints/fe2.yaml:18:5"


def test_a_wrong_part_of_an_input_is_told_with_the_place_where_it_went(folder: Folder) -> None:
    blueprint = BLUEPRINT.replace("    ordner:", "    worte:\n    ordner:") + "tables:\n  worte: !input worte\n"
    using = USING.replace("fe2}", "fe2, worte: {eins: [A], zwei: [~]}}")
    problem = with_blueprint(folder, blueprint, using).problem()
    assert (problem.code, str(problem.at)) == ("value_missing", "mappings/personal.yaml:3:54")
    assert users(problem) == "mappings/blueprints/fe2.yaml:25:3"


def test_an_input_of_a_ready_blueprint_is_told_by_its_name(folder: Folder) -> None:
    using = "use_blueprint:\n  path: mp_feuer_fe2.yaml\n  input: {connection: fe3, alarmgruppen: {}}\n"
    folder.write("personal.yaml", using)
    problem = folder.problem()
    assert (problem.code, str(problem.at)) == ("unknown_connection", "mappings/personal.yaml:3:23")
    assert users(problem).startswith("mp_feuer_fe2.yaml:")


def test_a_mistake_of_a_template_that_two_mappings_share_names_both(folder: Folder) -> None:
    with_blueprint(folder, BLUEPRINT.replace("{{ name }}", "{{ nahme }}"))
    folder.write("second.yaml", USING)
    project = folder.load()
    problem = folder.problem()
    assert users(problem) == "mappings/personal.yaml:1:1, mappings/second.yaml:1:1"
    assert (
        effects_of(project, [problem])[problem.at.file or ""]
        == "The mappings personal, second are not used as they stand."
    )


def test_an_input_without_a_value_is_not_given(folder: Folder) -> None:
    with_blueprint(folder, using=USING.replace("fe2}", "fe2, ordner: ~}"))
    assert folder.mapping().model.source.path == "inbox"
    problem = with_blueprint(folder, using=USING.replace("fe2}", "}")).problem()
    assert (problem.code, str(problem.at)) == ("input_missing", "mappings/personal.yaml:3:11")
    assert "`connection:`" in problem.hint


def test_a_mistake_that_two_mappings_share_is_reported_once_and_stops_both(folder: Folder) -> None:
    with_blueprint(folder, BLUEPRINT + "enabled: maybe\n")
    folder.write("second.yaml", USING)
    assert folder.said() == [("blueprints/fe2.yaml:23:10", "expected_truth")]
    project = folder.load()
    assert project.mappings == {}
    for name in ("personal", "second"):
        assert [problem.code for problem in project.errors_of(project.ids[name])] == ["expected_truth"]


def test_a_missing_input_is_reported_once(folder: Folder) -> None:
    problem = with_blueprint(folder, using="use_blueprint:\n  path: fe2.yaml\n  input: {}\n").problem()
    assert (problem.code, str(problem.at)) == ("input_missing", "mappings/personal.yaml:3:3")


def test_a_misspelled_input_gets_a_suggestion_and_is_not_missing_as_well(folder: Folder) -> None:
    problem = with_blueprint(folder, using=USING.replace("connection", "conection")).problem()
    assert (problem.code, problem.hint) == ("unknown_key", "Did you mean connection?")
    assert problem.at.path == ("use_blueprint", "input", "conection")


def test_an_input_that_the_blueprint_does_not_declare_is_reported_there(folder: Folder) -> None:
    problem = with_blueprint(folder, BLUEPRINT.replace("!input ordner", "!input ordnr")).problem()
    assert (problem.code, problem.hint) == ("unknown_input", "Did you mean ordner?")
    assert problem.at.file == "mappings/blueprints/fe2.yaml"


def test_an_input_without_a_description_needs_a_value(folder: Folder) -> None:
    blueprint = BLUEPRINT.replace("      default: inbox\n", "")
    assert [code for _place, code in with_blueprint(folder, blueprint).said()] == ["input_missing"]


def test_a_key_of_an_input_is_checked(folder: Folder) -> None:
    problem = with_blueprint(folder, BLUEPRINT.replace("default: inbox", "defalt: inbox")).problem()
    assert (problem.code, problem.at.path) == ("unknown_key", ("blueprint", "input", "ordner", "defalt"))


def test_a_misspelled_blueprint_gets_a_suggestion(folder: Folder) -> None:
    problem = with_blueprint(folder, using=USING.replace("fe2.yaml", "f2.yaml")).problem()
    assert (problem.code, problem.hint) == ("blueprint_missing", "Did you mean fe2.yaml?")
    assert problem.at.path == ("use_blueprint", "path")


def test_a_file_without_a_head_is_no_blueprint(folder: Folder) -> None:
    problem = with_blueprint(folder, MAPPING).problem()
    assert (problem.code, problem.at.file) == ("key_missing", "mappings/blueprints/fe2.yaml")


def test_an_empty_blueprint_is_reported(folder: Folder) -> None:
    assert len(with_blueprint(folder, "").problems()) == 1


def test_a_blueprint_stays_inside_of_the_project(folder: Folder) -> None:
    assert (
        with_blueprint(folder, using=USING.replace("fe2.yaml", "../../../x.yaml")).problem().code == "include_outside"
    )


def test_use_blueprint_must_say_which(folder: Folder) -> None:
    for value in ("", " fe2.yaml", " []", "\n  input: {}"):
        ((_place, code),) = with_blueprint(folder, using=f"use_blueprint:{value}\n").said()
        assert code in ("expected_mapping", "key_missing")


def test_the_id_of_a_blueprint_is_the_mappings(folder: Folder) -> None:
    with_blueprint(folder, BLUEPRINT + "id: !input connection\n")
    assert list(folder.load().mappings) == ["fe2"]
    folder.write("second.yaml", USING)
    assert folder.problem().code == "duplicate_id"


def test_a_blueprint_may_include_and_use_secrets(folder: Folder) -> None:
    folder.write("secrets.yaml", "file: inbox/x.csv\n")
    folder.write("blueprints/columns.yaml", "nr: Nr\nname: Name\n")
    blueprint = BLUEPRINT.replace("!input ordner", "!secret file").replace(
        "columns:\n    nr: Personalnummer\n    name: Name\n", "columns: !include columns.yaml\n"
    )
    assert with_blueprint(folder, blueprint).mapping().model.source.path == "inbox/x.csv"


def test_an_input_that_is_only_a_name_in_templates_changes_the_mapping_too(folder: Folder) -> None:
    before = with_blueprint(folder).mapping().hash
    using = USING.replace("{connection: fe2}", "{connection: fe2, ordner: elsewhere}")
    blueprint = BLUEPRINT.replace("path: !input ordner", "path: inbox/personal.csv")
    with_blueprint(folder, blueprint)
    unused = folder.mapping().hash
    with_blueprint(folder, blueprint, using)
    assert len({before, unused, folder.mapping().hash}) == 3
