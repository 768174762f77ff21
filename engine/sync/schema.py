"""JSON Schema of mapping files, made from the models and the targets: the same keys that are checked."""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from engine.config.parse import PLURALS
from engine.config.schema import (
    CONDITIONS,
    TRIGGERS,
    ActionModel,
    ColumnModel,
    EachColumnModel,
    MappingModel,
    TestModel,
    UseBlueprint,
)
from engine.target import HIDDEN, TARGETS, target_class
from engine.target.base import Target
from engine.template.kinds import NAMES, AnyKind, Items, Kind, Pairs

DRAFT = "https://json-schema.org/draft/2020-12/schema"
SCALAR = {"type": ["string", "number", "boolean", "null"]}
TEXTS = {"type": ["string", "number", "boolean", "null", "array"], "items": SCALAR}


def mapping_schema() -> dict[str, Any]:
    """The schema. Every scalar may be written without quotes, so numbers and truth values are allowed for texts."""
    schema = _object(MappingModel)
    properties = schema["properties"]
    properties["triggers"] = _entries([_object(model) for model in TRIGGERS.values()], "platform")
    properties["conditions"] = _entries([{"type": "string"}, *(_object(model) for model in CONDITIONS.values())])
    properties["actions"] = _entries([_action(target_class(name)) for name in TARGETS if name not in HIDDEN])
    properties["tests"] = _entries([_object(TestModel)])
    columns = {"anyOf": [SCALAR, {"type": "array", "items": SCALAR}, _object(ColumnModel), _object(EachColumnModel)]}
    properties["source"]["properties"]["columns"] = {"type": "object", "additionalProperties": columns}
    for singular, plural in PLURALS.items():
        properties[singular] = properties[plural]
    properties["use_blueprint"] = _object(UseBlueprint)
    schema.pop("required", None)
    anyone = [{"required": ["source"]}, {"required": ["use_blueprint"]}]
    return {"$schema": DRAFT, "title": "abgleich", **schema, "anyOf": anyone}


def descriptions(model: type[BaseModel]) -> dict[str, str]:
    """What the keys of a model mean: the text below each of them in the source."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if base is BaseModel or not issubclass(base, BaseModel):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
        assert isinstance(body, ast.ClassDef)
        for statement, behind in itertools.pairwise(body.body):
            text = (
                behind.value.value if isinstance(behind, ast.Expr) and isinstance(behind.value, ast.Constant) else None
            )
            if (
                isinstance(statement, ast.AnnAssign)
                and isinstance(statement.target, ast.Name)
                and isinstance(text, str)
            ):
                found[statement.target.id] = " ".join(text.split())
    return found


def _object(model: type[BaseModel]) -> dict[str, Any]:
    properties = {}
    described = descriptions(model)
    for name, info in model.model_fields.items():
        properties[name] = _value(info.annotation)
        if name in described:
            properties[name]["description"] = described[name]
    required = [name for name, info in model.model_fields.items() if info.is_required()]
    made: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
    return made | ({"required": required} if required else {})


def _value(annotation: Any) -> dict[str, Any]:
    if get_origin(annotation) is Literal:
        return {"enum": list(get_args(annotation))}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _object(annotation)
    origin = get_origin(annotation) or annotation
    if origin is dict or dict in [get_origin(part) for part in get_args(annotation)]:
        return {"type": ["object", "null"]}
    if origin is tuple or tuple in [get_origin(part) for part in get_args(annotation)]:
        return dict(TEXTS)
    if origin is float or float in get_args(annotation):
        return {"type": ["string", "number", "object"]}
    return dict(SCALAR)


def _entries(kinds: list[dict[str, Any]], also: str | None = None) -> dict[str, Any]:
    for kind in kinds:
        if also is not None:
            kind["properties"][also] = {"type": "string"}
            kind.pop("required", None)
    return {"anyOf": [{"type": "array", "items": {"anyOf": kinds}}, *kinds]}


def _action(target: type[Target]) -> dict[str, Any]:
    made = _object(ActionModel)
    made["properties"]["action"] = {"enum": [target.action]}
    made["properties"]["removal"] = {"enum": list(target.removals)}
    made["properties"]["fields"] = {
        "type": "object",
        "additionalProperties": False,
        "required": list(target.required),
        "properties": {name: _field(kind) for name, kind in target.fields.items()},
    }
    return made


def _field(kind: AnyKind) -> dict[str, Any]:
    if isinstance(kind, Items):
        entry = {
            "type": "object",
            "additionalProperties": False,
            "required": list(kind.required),
            "properties": {name: _field(inner) for name, inner in kind.keys.items()},
        }
        return {"type": "array", "items": entry}
    if isinstance(kind, Pairs):
        return {"type": "object", "additionalProperties": _field(kind.value)}
    assert isinstance(kind, Kind)
    return dict(TEXTS) if kind is NAMES else dict(SCALAR)
