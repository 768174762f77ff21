"""JSON Schema of the files that people write, for editors: made from the models and the targets, so that editor and
engine agree.

Draft 7, because that is what editors know. A wrong key is underlined; values stay free as far as a tag (``!secret``,
``!include``, ``!input``) may stand there: an editor sees a tagged value as a text.
"""

from __future__ import annotations

import inspect
import sys
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from engine.config.blueprint import OWN_KEYS
from engine.config.documented import documented
from engine.config.load import NEEDED
from engine.config.parse import PLURALS
from engine.config.schema import (
    CONDITIONS,
    CONNECTIONS,
    TRIGGERS,
    ActionModel,
    BlueprintHead,
    BlueprintInput,
    ColumnModel,
    Configuration,
    EachColumnModel,
    MappingModel,
    TestModel,
    UseBlueprint,
)
from engine.config.values import DURATION_KEYS
from engine.i18n import _
from engine.sync.field_texts import field_texts, match_texts
from engine.target import HIDDEN, TARGETS, target_class
from engine.target.base import Target
from engine.template.kinds import FLAG, NAMES, AnyKind, Choice, Items, Kind, Pairs

Schema = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"
SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
TEXTS: Schema = {"type": ["string", "number", "boolean", "null", "array"], "items": SCALAR}
TAGGED = r"^[^\s{}]+$|\.ya?ml$"
"""What stands behind ``!include`` or ``!input`` where keys and values or a list belong: a file, a folder, a name."""

KINDS = ("mapping", "configuration", "blueprint")


def schema_of(kind: str) -> Schema:
    """The schema of one kind of file, in the language in use."""
    made = {"mapping": _mapping, "configuration": _configuration, "blueprint": _blueprint}[kind]()
    return {"$schema": DRAFT, "title": f"abgleich: {kind}", **made}


def editor_schema() -> Schema:
    """One schema for all files below ``mappings/``, chosen by the keys at the top of a file.

    Editors can't leave files out of a pattern. Files with none of the keys (tables, secrets) are left alone.
    """
    known = {kind: list(schema_of(kind)["properties"]) for kind in ("mapping", "configuration")}
    mapping = [key for key in known["mapping"] if key not in known["configuration"]]
    configuration = [key for key in known["configuration"] if key not in known["mapping"]]
    chosen: Schema = {"type": ["object", "null", "array", "string"]}
    for kind, keys in (("configuration", configuration), ("mapping", mapping), ("blueprint", ["blueprint"])):
        has_one = {"type": "object", "anyOf": [{"required": [key]} for key in keys]}
        chosen = {"if": has_one, "then": {"$ref": f"#/definitions/{kind}"}, "else": chosen}
    definitions = {kind: {"title": f"abgleich: {kind}", **_without_draft(schema_of(kind))} for kind in KINDS}
    return {"$schema": DRAFT, "title": "abgleich", "definitions": definitions, **chosen}


def _without_draft(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key != "$schema"}


# -- files -----------------------------------------------------------------------------------------------------------


def _mapping() -> Schema:
    own = {"required": ["use_blueprint"], "propertyNames": {"enum": ["use_blueprint", *OWN_KEYS]}}
    whole = {"not": {"required": ["use_blueprint"]}, **_needs_source_and_actions()}
    made = _body()
    made["properties"]["use_blueprint"] = _object(UseBlueprint) | {
        "description": _("This mapping is made by a blueprint; here stand its inputs.")
    }
    return {**made, "anyOf": [whole, own]}


def _blueprint() -> Schema:
    made = _body()
    head = _object(BlueprintHead)
    inputs = {
        "type": ["object", "null"],
        "additionalProperties": _object(BlueprintInput) | {"type": ["object", "null"]},
    }
    head["properties"]["input"] |= inputs
    made["properties"]["blueprint"] = head | {"description": _("This file is a blueprint: a mapping with inputs.")}
    whole: Schema = _with_inputs({**made, "required": ["blueprint"], **_needs_source_and_actions()})
    return whole


def _needs_source_and_actions() -> Schema:
    return {"allOf": [{"required": ["source"]}, {"anyOf": [{"required": ["actions"]}, {"required": ["action"]}]}]}


def _body() -> Schema:
    """The keys of a mapping itself, singular and plural."""
    schema = _object(MappingModel)
    schema.pop("required", None)
    properties: dict[str, Schema] = schema["properties"]
    triggers = [_kind(model, "trigger", "platform") for model in TRIGGERS.values()]
    conditions = [{"type": "string"}, *(_kind(model, "condition") for model in CONDITIONS.values())]
    actions = [_action(target_class(name)) for name in TARGETS if name not in HIDDEN]
    entries = {"triggers": triggers, "conditions": conditions, "actions": actions, "tests": [_test()]}
    for key, kinds in entries.items():
        properties[key] = _described(_entries(kinds), properties[key])
    tables = {"type": ["object", "string", "null"], "pattern": TAGGED, "additionalProperties": TEXTS}
    properties["tables"] |= {"type": ["object", "string", "null"], "pattern": TAGGED, "additionalProperties": tables}
    kinds = [_object(EachColumnModel), _object(ColumnModel)]
    # One set of keys for both, so that an editor marks just the one that is misspelled.
    keys = {key: value for kind in kinds for key, value in kind["properties"].items()}
    columns: Schema = {
        "type": [*SCALAR["type"], "array", "object"],
        "items": SCALAR,
        "additionalProperties": False,
        "properties": keys,
        "anyOf": [{"not": {"type": "object"}}, *({"required": kind["required"]} for kind in kinds)],
    }
    properties["source"] |= _needed_in_source()
    properties["source"]["properties"]["columns"] |= {"additionalProperties": columns}
    for singular, plural in PLURALS.items():
        properties[singular] = properties[plural]
    return schema


def _test() -> Schema:
    """A test: its row may be a list of rows, one a person has several of."""
    made = _object(TestModel)
    row = {"type": ["object", "string"], "pattern": TAGGED}
    made["properties"]["row"] |= {"type": ["object", "array", "string"], "pattern": TAGGED, "items": row}
    return made


def _needed_in_source() -> Schema:
    """What a source of each type must have; where that is a file, its path."""
    needed: Schema = {"required": ["path"]}
    for kind, keys in NEEDED.items():
        is_kind = {"type": "object", "required": ["type"], "properties": {"type": {"const": kind}}}
        needed = {"if": is_kind, "then": {"required": list(keys)}, "else": needed}
    return needed


def _configuration() -> Schema:
    schema = _object(Configuration)
    connections = [_kind(model, "type", name=name) for name, model in CONNECTIONS.items()]
    schema["properties"]["connections"] |= {"additionalProperties": {"anyOf": connections}}
    schema["properties"]["notify"] |= {"additionalProperties": TEXTS}
    return schema


def _kind(model: type[BaseModel], word: str, also: str | None = None, name: str | None = None) -> Schema:
    """An entry whose ``word`` says which kind it is; it may stand under another word, too."""
    made = _object(model)
    if name is not None:
        made["properties"][word] = {**made["properties"][word], "enum": [name]}
        made["properties"][word].pop("type", None)
    if also is not None:
        made["properties"][also] = made["properties"][word]
        made["required"] = [key for key in made.get("required", []) if key != word]
        made["anyOf"] = [{"required": [word]}, {"required": [also]}]
    elif word not in made.get("required", []):
        made["required"] = [*made.get("required", []), word]
    return made


def _entries(kinds: list[Schema]) -> Schema:
    """A list, or a single entry for a list of one, or a tag."""
    several = {"type": "array", "items": {"anyOf": [*kinds, {"type": "string", "pattern": TAGGED}]}}
    return {"type": ["array", "object", "string", "null"], "anyOf": [several, *kinds, _tag(), {"type": "null"}]}


def _tag() -> Schema:
    return {"type": "string", "pattern": TAGGED}


def _action(target: type[Target]) -> Schema:
    made = _object(ActionModel)
    properties = made["properties"]
    texts = field_texts(target.action)
    properties["action"] = _described({"enum": [target.action]}, properties["action"])
    properties["removal"] = _described({"enum": [*target.removals, None]}, properties["removal"])
    properties["fields"] |= {
        "type": ["object", "string"],
        "pattern": TAGGED,
        "additionalProperties": False,
        "required": list(target.required),
        "properties": {name: _field(kind, texts, name) for name, kind in target.fields.items()},
    }
    if target.found_by:
        ways = {name: {**SCALAR, "description": text} for name, text in match_texts().items()}
        properties["match"] |= {"type": "object", "additionalProperties": False, "properties": ways}
        properties["match"] |= {"minProperties": 1, "maxProperties": 1}
        made["required"].append("match")
    return made


def _field(kind: AnyKind, texts: dict[str, str], name: str) -> Schema:
    described = {"description": texts[name]}
    if isinstance(kind, Items):
        entry = {
            "type": "object",
            "additionalProperties": False,
            "required": list(kind.required),
            "properties": {key: _field(inner, texts, f"{name}.{key}") for key, inner in kind.keys.items()},
        }
        return {"type": ["array", "string", "null"], "pattern": TAGGED, "items": entry, **described}
    if isinstance(kind, Pairs):
        values = {"additionalProperties": SCALAR}
        return {"type": ["object", "string", "null"], "pattern": TAGGED, **values, **described}
    assert isinstance(kind, Kind)
    if isinstance(kind, Choice):
        known = {"enum": [*kind.numbers, *kind.numbers.values()]}
        return {
            "anyOf": [known, {"type": "string", "pattern": r"\{\{|\{%|^[0-9]+$"}, _any_case(kind.numbers)],
            **described,
        }
    if kind is FLAG:
        return {"anyOf": [{"enum": [True, False]}, SCALAR], **described}
    return {**(TEXTS if kind is NAMES else SCALAR), **described}


# -- models ----------------------------------------------------------------------------------------------------------


@cache
def _documented(module: str) -> dict[str, dict[str, tuple[int, str]]]:
    return documented(inspect.getsource(sys.modules[module]))


def description(model: type[BaseModel], key: str) -> str:
    """What a key of a model means, in the language in use; "" where its source does not say it."""
    for base in model.__mro__:
        found = _documented(base.__module__).get(base.__name__, {}).get(key) if issubclass(base, BaseModel) else None
        if found is not None:
            return _(found[1])
    return ""


def _object(model: type[BaseModel]) -> Schema:
    properties = {
        name: {**_value(info.annotation), "description": description(model, name)}
        for name, info in model.model_fields.items()
    }
    required = [name for name, info in model.model_fields.items() if info.is_required()]
    made: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return made | ({"required": required} if required else {})


def _described(schema: Schema, like: Schema) -> Schema:
    return {**schema, "description": like["description"]}


def _value(annotation: Any) -> Schema:
    if annotation is Any:
        return {}
    if get_origin(annotation) is Literal:
        return _words(get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _object(annotation) | {"type": ["object", "string"], "pattern": TAGGED}
    kinds = [get_origin(part) or part for part in (annotation, *get_args(annotation))]
    if dict in kinds:
        return {"type": ["object", "string", "null"], "pattern": TAGGED}
    if tuple in kinds:
        return dict(TEXTS)
    if float in kinds:
        units: Schema = {"additionalProperties": False, "properties": dict.fromkeys(DURATION_KEYS, SCALAR)}
        return {"type": ["string", "number", "object", "null"], **units}
    if bool in kinds:
        return {"anyOf": [{"enum": [True, False]}, SCALAR]}
    return dict(SCALAR)


def _words(words: tuple[Any, ...]) -> Schema:
    """One of these words, upper or lower case; a word of digits may be a number in the editor's eyes."""
    if len(words) == 1:
        return {"enum": [*words]}
    numbers = [int(word) for word in words if str(word).isdigit()]
    return {"anyOf": [{"enum": [*words, *numbers, None]}, _any_case(words)]}


def _any_case(words: Any) -> Schema:
    """Every way to write one of these words with upper and lower case; other texts are wrong."""
    either = ("".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else c for c in str(word)) for word in words)
    return {"type": "string", "pattern": f"^(?:{'|'.join(either)})$"}


def _with_inputs(schema: Any) -> Any:
    """The schema where ``!input name`` may stand for any value."""
    if isinstance(schema, list):
        return [_with_inputs(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _with_inputs(value) for key, value in schema.items()}
    if "enum" in made and "description" in made:
        words = {"enum": made.pop("enum")}
        made["anyOf"] = [words, _tag()]
    elif "anyOf" in made and "description" in made and not any("$ref" in one for one in made["anyOf"]):
        made["anyOf"] = [*made["anyOf"], _tag()]
    return made
