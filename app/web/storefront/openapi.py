"""The OpenAPI document of the storefront API: what FastAPI makes of the routes, with an example beside every body.

Examples are put together from those of the models' fields, so that they cannot drift from the models; a field without one leaves
its operation without, which a test reports.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from app.web.storefront.problems import CODES, PROBLEM, by_status, response
from app.web.storefront.schemas import ProblemOut

METHODS = ("get", "put", "post", "patch", "delete")
DESCRIPTION = """
What a shop's storefront calls for its signed-in customers: resellers of the program, companies that apply to it, and the end
customers of resellers.

- **Who asks** is the customer of the Saleor access token in `Authorization: Bearer ...`. Nothing else in a request says who.
- **What is not one's own** is answered exactly like what does not exist.
- **An end customer never sees a price**: the operations tagged *end customers* hold no amount and no currency.
- **Errors** are problems (RFC 9457, `application/problem+json`). `code` is stable and for programs, `detail` is for a person.
- **Money** is text with exact major units, beside its ISO 4217 currency. Days are in the vendor's time zone, moments in UTC.
- **Lists** are paged: `next` of an answer is `cursor` of the next request, and null on the last page.
- **`ETag`** stands on every answer to a GET; `If-None-Match` saves the body. Nothing is for shared caches.
- **Limits**: so many requests a minute per user as the shop allows; 429 carries `Retry-After`.
- **Browsers** may read answers from the origins in the shop's settings alone.
""".strip()
TAGS = [
    {"name": "program", "description": "For everybody with an account: the Reseller Policy, and applying to the program."},
    {"name": "resellers", "description": "For the users of a reseller: its standing, prices, orders, statement and company."},
    {"name": "end customers", "description": "For those a license is for. No money in it, ever."},
]


def document(api: FastAPI) -> dict[str, Any]:
    """The document, built at the first call and kept; FastAPI serves it."""
    if api.openapi_schema is None:
        made = get_openapi(
            title=api.title,
            version=api.version,
            description=DESCRIPTION,
            routes=api.routes,
            servers=api.servers,
            tags=TAGS,
        )
        schemas = made["components"]["schemas"]
        schemas["ProblemOut"] = ProblemOut.model_json_schema()
        for _path, _method, operation in operations(made):
            _more_problems(operation)
            for body in _bodies(operation):
                if "example" not in body and "examples" not in body:
                    try:
                        body["example"] = example_of(body["schema"], schemas)
                    except LookupError:
                        continue
        api.openapi_schema = made
    return api.openapi_schema


def operations(made: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method, operation) of every operation of a document."""
    for path, item in made["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def operation_id(route: APIRoute) -> str:
    """The function's name: short names for generated clients; a test proves that no two are equal."""
    return route.name


def example_of(schema: dict[str, Any], schemas: dict[str, Any], place: str = "") -> Any:
    """An example of a schema, from the first example of every field. Raises LookupError that names a field without one."""
    for name in ("example", "const", "default"):
        if schema.get(name) is not None:
            return schema[name]
    for name in ("examples", "enum"):
        if schema.get(name):
            return schema[name][0]
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return example_of(schemas[name], schemas, place or name)
    if "anyOf" in schema:
        return example_of(next(one for one in schema["anyOf"] if one.get("type") != "null"), schemas, place)
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        return {name: example_of(one, schemas, f"{place}.{name}") for name, one in schema["properties"].items()}
    if kind == "array" and "items" in schema:
        return [example_of(schema["items"], schemas, f"{place}[]")]
    if kind == "boolean":
        return True
    raise LookupError(place)


def _bodies(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The media type objects of an operation's request and answers."""
    for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from holder.get("content", {}).values()


def _more_problems(operation: dict[str, Any]) -> None:
    """Name what any operation with a body, or with a place in its path, can answer too."""
    more = []
    if "requestBody" in operation:
        more.append("body")
    if any(parameter["in"] == "path" for parameter in operation.get("parameters", ())):
        more.append("not_found")
    for status, codes in by_status(more).items():
        answers = operation["responses"]
        known = codes_of(answers[str(status)]) if str(status) in answers else []
        answers[str(status)] = response(status, [*known, *(code for code in codes if code not in known)])
    operation["responses"] = dict(sorted(operation["responses"].items()))


def codes_of(answer: dict[str, Any]) -> list[str]:
    """The codes a documented answer names; empty for one that is no problem."""
    body = answer.get("content", {}).get(PROBLEM)
    codes: list[str] = body["schema"]["properties"]["code"]["enum"] if body else []
    assert set(codes) <= set(CODES)
    return codes
