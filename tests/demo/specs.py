"""Answers held against the vendors' API descriptions, strictly: wrong types and unlisted members both count.

The descriptions require nothing, so a check that only asks for types would let anything pass.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import jsonschema

Json = dict[str, Any]


def load(data_dir: Path, name: str) -> Json:
    """A description, its schemas made strict."""
    with gzip.open(data_dir / "specs" / "mock-ready" / f"{name}.json.gz") as file:
        spec: Json = json.load(file)
    schemas = spec.get("components", {}).get("schemas", {})
    spec["components"] = {"schemas": {key: _strict(schema, schemas) for key, schema in schemas.items()}, "raw": schemas}
    return spec


def problems(spec: Json, method: str, template: str, status: int, body: Any) -> set[str]:
    """What is wrong with an answer: ``path: is null``, ``path: unlisted``. Raises KeyError for an unknown call."""
    answer = spec["paths"][template][method.lower()]["responses"][str(status)]
    return deviations(spec, next(iter(answer["content"].values()))["schema"], body)


def deviations(spec: Json, schema: Json, value: Any) -> set[str]:
    """How a value differs from one of the description's schemas, in the words of ``problems``."""
    root = {**_strict(schema, spec["components"]["raw"]), "components": {"schemas": spec["components"]["schemas"]}}
    found: set[str] = set()
    for error in jsonschema.Draft7Validator(root).iter_errors(value):
        found |= _named(error)
    return found


def has_schema(spec: Json, method: str, template: str, status: int) -> bool:
    """Whether the description says what the answer looks like."""
    content = spec["paths"][template][method.lower()]["responses"].get(str(status), {}).get("content", {})
    return any("schema" in one for one in content.values())


def _named(error: jsonschema.ValidationError) -> set[str]:
    path = ".".join("*" if isinstance(step, int) else str(step) for step in error.absolute_path)
    if error.validator == "additionalProperties":
        listed = error.schema["properties"]
        return {f"{path}.{name}".lstrip(".") + ": unlisted" for name in error.instance if name not in listed}
    if error.validator == "type":
        return {f"{path}: is {_kind(error.instance)}"}
    return {f"{path}: {error.validator}"}


def _kind(value: Any) -> str:
    kinds = {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return kinds.get(type(value), "object")


def _strict(schema: Any, schemas: Json) -> Any:
    """OpenAPI 3.0 as JSON Schema: ``nullable`` means null, ``allOf`` is one object, and objects have no other members."""
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    if len(schema.get("allOf", ())) == 1:  # a reference with a description of its own
        return _strict(schema["allOf"][0], schemas)
    if "allOf" in schema:
        merged: Json = {}
        for part in schema["allOf"]:
            known = schemas[part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part
            for name, one in known.get("properties", {}).items():
                old = merged.get(name, {})
                both = {**_properties(old, schemas), **_properties(one, schemas)}
                merged[name] = {"type": "object", "properties": both} if both else one
        return _strict({"type": "object", "properties": merged}, schemas)
    made = {key: value for key, value in schema.items() if key not in ("nullable", "example", "description", "format")}
    if "properties" in schema:
        made["properties"] = {name: _strict(one, schemas) for name, one in schema["properties"].items()}
        made.setdefault("additionalProperties", False)
    if "items" in schema:
        made["items"] = _strict(schema["items"], schemas)
    for word in ("oneOf", "anyOf"):
        if word in schema:
            made[word] = [_strict(one, schemas) for one in schema[word]]
    if schema.get("nullable") and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
        if "enum" in made:
            made["enum"] = [*made["enum"], None]
    return made


def _properties(schema: Any, schemas: Json) -> Json:
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
    found: Json = schema.get("properties", {})
    return found
