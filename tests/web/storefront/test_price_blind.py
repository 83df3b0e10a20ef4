"""Nothing an end customer can reach holds an amount or a currency (`rules.md` 9): every operation of the API, found in its own
document, its answers and their types, license files, file names and mails."""

from __future__ import annotations

import base64
import dataclasses
import email
import json
import re
import typing
from collections.abc import Iterator
from email.policy import SMTP
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import undefer

from app.mail.rules import CONTEXTS
from app.mail.schemas import MailKind
from app.mail.tables import Mail
from app.money import Money
from app.orders import claims, customer_view
from app.orders.claims import renew_claim
from tests.orders.test_customers import account
from tests.web.storefront.conftest import VARIANT, Store

MONEY = re.compile(
    r"\d[.,]\d\d\b(?!\d)|\b(USD|EUR|GBP|CHF|JPY|amount|price|total|currency|net|gross|preis|betrag|summe)\b|[$€£¥]", re.I
)
MONEY_NAME = re.compile(r"amount|price|total|currency|money|net$|gross|paid|open|due|owed|tax|cost|credit|discount|minor", re.I)
SALEOR_ORDER = re.compile(r'"O1"|\bO1\b')
TO_CUSTOMERS = (MailKind.LICENSE, MailKind.LICENSE_CLAIM)
"""Mails that end customers read: passed on by the reseller, or sent to them."""


def example(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    """A value that fits a schema of the document, from its own examples."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if schema.get("examples"):
        return schema["examples"][0]
    if "default" in schema:
        return schema["default"]
    if "enum" in schema:
        return schema["enum"][0]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return example(schema[choice][0], document)
    if schema.get("type") == "object" or "properties" in schema:
        wanted = schema.get("required", [])
        return {name: example(part, document) for name, part in schema.get("properties", {}).items() if name in wanted}
    if schema.get("type") == "array":
        return [example(schema["items"], document)] * schema.get("minItems", 1)
    return {"string": "x" * schema.get("minLength", 1), "integer": schema.get("minimum", 1), "boolean": True}.get(
        schema.get("type", ""), 1
    )


async def walk(store: Store) -> list[tuple[str, str, dict[str, Any], httpx.Response]]:
    """(method, path, operation, answer) of every operation there is, asked by the end customer, with ids it could have seen."""
    store.world.saleor.answers = {
        "VariantPrice": {"productVariant": VARIANT},
        "Customer": {"user": account("buyer", "buyer@mail.example")},
    }
    document = (await store.call(None, "/openapi.json")).json()
    known = {"number": "1", "document_id": store.document, "license_id": store.license, "token": store.claim}
    found = []
    for path, operations in document["paths"].items():
        # An id of a kind that is not here yet is one the end customer cannot know either.
        filled = re.sub(r"\{(\w+)\}", lambda name: known.get(name[1], "1"), path)
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            sent = {"json": example(content["application/json"]["schema"], document)} if "application/json" in content else {}
            answer = await store.call("buyer", filled, method.upper(), **sent)
            assert answer.status_code < 500, (path, answer.text)
            found.append((method, path, operation, answer))
    assert {(method, path) for method, path, _, _ in found} == {
        (method, path) for path, operations in document["paths"].items() for method in operations
    }
    return found


def payload_of(file: str) -> str:
    """What a license file says: its signed JSON."""
    lines = "".join(line for line in file.splitlines() if not line.startswith("-----"))
    return base64.b64decode(json.loads(base64.b64decode(lines))["enc"]).decode()


async def test_rule_9_no_answer_to_an_end_customer_holds_money(store: Store) -> None:
    reached = set()
    for method, path, operation, answer in await walk(store):
        file = answer.text.startswith("-----BEGIN")
        text = payload_of(answer.text) if file else answer.text
        headers = " ".join(f"{key}: {value}" for key, value in answer.headers.items() if key not in ("etag", "content-length"))
        for shown in (text, headers):
            assert not MONEY.search(shown), (path, shown)
            assert not SALEOR_ORDER.search(shown), (path, shown)
        if answer.status_code < 300:
            reached.add((method, path))
        if operation["tags"] == ["end customers"]:
            assert answer.status_code == 200, (method, path, answer.text)
    assert {("get", "/licenses"), ("get", "/licenses/{license_id}/file"), ("post", "/claims/{token}")} <= reached


async def test_rule_9_no_type_an_end_customer_is_answered_has_a_place_for_money(store: Store) -> None:
    document = (await store.call(None, "/openapi.json")).json()
    seen = set()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if operation["tags"] != ["end customers"]:
                continue
            for status, response in operation["responses"].items():
                for content in response.get("content", {}).values():
                    for name in names(content["schema"], document):
                        assert status >= "400" or not MONEY_NAME.search(name), (path, name)
                        seen.add(name)
    assert {"order_number", "sku", "quantity", "activation", "licensee"} <= seen


def names(schema: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    """Every name of a property in the schema and those it refers to."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for name, part in schema.get("properties", {}).items():
        yield name
        yield from names(part, document)
    for part in [schema.get("items"), *schema.get("anyOf", [])]:
        if part is not None:
            yield from names(part, document)


def fields(kind: Any) -> Iterator[tuple[str, Any]]:
    """(name, type) of every field of a dataclass, and of those in it."""
    for name, given in typing.get_type_hints(kind).items():
        for part in (given, *typing.get_args(given)):
            yield name, part
            if dataclasses.is_dataclass(part):
                yield from fields(part)


@pytest.mark.parametrize(
    "kind",
    [customer_view.CustomerLicense, claims.ShownClaim, *(CONTEXTS[mail] for mail in TO_CUSTOMERS)],
    ids=lambda k: k.__name__,
)
def test_rule_9_what_is_read_and_mailed_has_no_field_for_money(kind: Any) -> None:
    for name, part in fields(kind):
        assert part is not Money, name
        assert not MONEY_NAME.search(name), name


async def test_rule_9_a_mailed_link_names_no_price(store: Store) -> None:
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        await renew_claim(session, store.world.services, store.world.shop, number="1", by="anna")
        mail = (await session.scalars(select(Mail).options(undefer(Mail.content)))).one()
    parts = [part.get_content() for part in email.message_from_bytes(mail.content, policy=SMTP).walk() if not part.is_multipart()]
    assert len(parts) == 2
    for text in (mail.subject, *(re.sub(r"<[^>]+>|https?://\S+", " ", part) for part in parts)):
        assert not MONEY.search(text), text


def test_the_scan_can_fail() -> None:
    for text in ("19.49", "USD", '"total"', "€", "1,00", "1.234,56 EUR", "Betrag", '"gross":'):
        assert MONEY.search(text), text
    for name in ("total_minor", "unit_price", "currency", "open_amount", "net"):
        assert MONEY_NAME.search(name), name
    assert not MONEY.search("2026-03-02T12:00:00.123456Z order 1042, GRID-DEV 3.2.1")
    assert {name for name, _ in fields(CONTEXTS[MailKind.ORDER_DETAILS])} & {"total", "amount", "payment"}
