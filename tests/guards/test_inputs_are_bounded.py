"""Nothing that a caller can send is of unlimited size once it is read."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

Schema = dict[str, Any]


@pytest.fixture(scope="module")
def document(application: FastAPI) -> Schema:
    """The OpenAPI document."""
    return application.openapi()


def _inputs(document: Schema) -> Iterator[tuple[str, Schema]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            name = f"{method.upper()} {path}"
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "header":  # the server takes 64 kB of all together
                    continue
                yield f"{name} {parameter['name']}", parameter["schema"]
            for media in operation.get("requestBody", {}).get("content", {}).values():
                yield name, media["schema"]


def _unbounded(where: str, schema: Schema, document: Schema) -> Iterator[str]:
    """The places in a schema where a value may be of any size."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        yield from _unbounded(where, document["components"]["schemas"][name], document)
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from _unbounded(where, choice, document)
    kind = schema.get("type")
    if kind == "string":
        known = {"maxLength", "enum", "const", "format", "pattern"} & schema.keys()
        open_pattern = known == {"pattern"} and schema["pattern"].endswith(("*", "+", "*$", "+$"))
        if not known or open_pattern:
            yield where
    elif kind == "array":
        if "maxItems" not in schema:
            yield f"{where}[]"
        yield from _unbounded(f"{where}[]", schema["items"], document)
    elif kind == "object":
        if schema.get("additionalProperties") is not False:
            yield f"{where}{{}}"
        for name, inner in schema.get("properties", {}).items():
            yield from _unbounded(f"{where}.{name}", inner, document)


def test_every_input_is_bounded(document: Schema) -> None:
    inputs = list(_inputs(document))
    assert len(inputs) > 50
    assert [bad for name, schema in inputs for bad in _unbounded(name, schema, document)] == []


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, ["x"]),
        ({"type": "string", "pattern": "^a+$"}, ["x"]),
        ({"type": "string", "maxLength": 5}, []),
        ({"type": "array", "items": {"enum": ["a"], "type": "string"}}, ["x[]"]),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, ["x"]),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, ["x{}", "x.a"]),
        ({"$ref": "#/components/schemas/A"}, ["x{}"]),
    ],
)
def test_the_guard_notices(schema: Schema, expected: list[str]) -> None:
    document = {"components": {"schemas": {"A": {"type": "object"}}}}
    assert list(_unbounded("x", schema, document)) == expected
