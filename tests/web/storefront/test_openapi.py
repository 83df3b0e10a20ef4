"""The OpenAPI document is complete: each operation with words, examples that fit, errors with their codes, and who may ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, cast
from unittest.mock import Mock

import jsonschema_rs
import pytest

from app.orders.services import Services
from app.web.storefront.application import storefront_api
from app.web.storefront.openapi import codes_of, example_of, operations
from app.web.storefront.problems import EVERYWHERE, PROBLEM, by_status, problems, register_problems
from tests.web.storefront.conftest import Store

DOCUMENT: dict[str, Any] = storefront_api(cast(Services, Mock())).openapi()
SCHEMAS = DOCUMENT["components"]["schemas"]
NAMED = [pytest.param(operation, id=f"{method} {path}") for path, method, operation in operations(DOCUMENT)]
MONEY = re.compile(r"money|amount|price|currency|total|net|gross", re.I)
BINARY = {"type": "string", "format": "binary"}


def fits(schema: dict[str, Any], example: Any) -> list[str]:
    """What is wrong with an example."""
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "components": {"schemas": SCHEMAS}}
    found = jsonschema_rs.Draft202012Validator(whole, validate_formats=True).iter_errors(example)
    return [f"{'.'.join(map(str, error.instance_path))}: {error.message}" for error in found]


def bodies(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
        yield f"request {media_type}", body
    for status, answer in operation["responses"].items():
        for media_type, body in answer.get("content", {}).items():
            yield f"{status} {media_type}", body


@pytest.mark.parametrize("operation", NAMED)
def test_every_body_has_an_example_that_fits(operation: dict[str, Any]) -> None:
    for place, body in bodies(operation):
        if "example" not in body and "examples" not in body:
            pytest.fail(f"{place}: {example_of(body['schema'], SCHEMAS)} has no example")  # raises with the field's name
        given = [body["example"]] if "example" in body else [one["value"] for one in body["examples"].values()]
        assert given, place
        for example in given:
            assert fits(body["schema"], example) == [], place
    for parameter in operation.get("parameters", ()):
        for example in parameter["schema"]["examples"]:
            assert fits(parameter["schema"], example) == [], parameter["name"]


@pytest.mark.parametrize("operation", NAMED)
def test_every_error_is_a_problem_with_its_codes(operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    for status, answer in answers.items():
        if int(status) < 400:
            assert answer["description"]
            continue
        assert set(answer["content"]) == {PROBLEM}, status
        codes = codes_of(answer)
        assert codes, status
        for code, example in answer["content"][PROBLEM]["examples"].items():
            assert code in codes
            assert (example["value"]["code"], example["value"]["status"]) == (code, int(status))
            assert example["value"]["title"] == HTTPStatus(int(status)).phrase
    for status, codes in by_status(EVERYWHERE).items():
        assert set(codes) <= set(codes_of(answers[str(status)])), status


@pytest.mark.parametrize("operation", NAMED)
def test_every_operation_says_what_it_does_and_who_may(operation: dict[str, Any]) -> None:
    assert operation["description"].endswith((".", ")"))
    assert operation["security"] == [{"SaleorAccessToken": []}]
    assert [tag for tag in operation["tags"] if tag not in {one["name"] for one in DOCUMENT["tags"]}] == []
    assert len(operation["tags"]) == 1
    for parameter in operation.get("parameters", ()):
        assert parameter["description"], parameter["name"]


def test_the_document_as_a_whole() -> None:
    ids = [operation["operationId"] for _, _, operation in operations(DOCUMENT)]
    assert len(ids) == len(set(ids))
    assert DOCUMENT["openapi"].startswith("3.1")
    assert DOCUMENT["servers"] == [{"url": "/storefront/v1"}]
    scheme = DOCUMENT["components"]["securitySchemes"]["SaleorAccessToken"]
    assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")
    assert "tokenCreate" in scheme["description"]
    assert all(tag["description"] for tag in DOCUMENT["tags"])
    assert "RFC 9457" in DOCUMENT["info"]["description"]


def test_what_end_customers_read_has_no_field_for_money() -> None:
    def reached(schema: Any) -> Iterator[str]:
        if isinstance(schema, dict):
            if "$ref" in schema:
                name = schema["$ref"].rsplit("/", 1)[1]
                yield name
                yield from reached(SCHEMAS[name])
            for name, inner in schema.items():
                if name == "properties":
                    yield from inner
                yield from reached(inner)
        elif isinstance(schema, list):
            for inner in schema:
                yield from reached(inner)

    seen = 0
    for path, _method, operation in operations(DOCUMENT):
        if operation["tags"] == ["end customers"]:
            names = list(reached([body for _, body in bodies(operation)]))
            assert not [name for name in names if MONEY.search(name)], path
            seen += 1
    assert seen >= 3


async def test_the_document_is_served_without_a_token(store: Store) -> None:
    answer = await store.call(None, "/openapi.json")
    assert answer.status_code == 200
    assert answer.json() == DOCUMENT


def test_an_example_is_made_of_the_fields_own() -> None:
    items = {"type": "array", "items": {"$ref": "#/components/schemas/B"}}
    schemas: dict[str, Any] = {"A": {"type": "object", "properties": {"b": items}}}
    schemas["B"] = {"type": "object", "properties": {"c": {"anyOf": [{"type": "null"}, {"type": "string"}]}}}
    with pytest.raises(LookupError, match=r"A\.b\[\]\.c"):
        example_of({"$ref": "#/components/schemas/A"}, schemas)
    schemas["B"]["properties"]["c"] |= {"examples": ["x"]}
    assert example_of({"$ref": "#/components/schemas/A"}, schemas) == {"b": [{"c": "x"}]}


def test_a_code_needs_a_status_with_a_meaning() -> None:
    with pytest.raises(ValueError, match="without meaning"):
        register_problems({"teapot": (418, "I am one.")})
    with pytest.raises(KeyError):
        problems("never_registered")
