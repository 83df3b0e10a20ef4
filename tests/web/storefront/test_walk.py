"""Every operation of the OpenAPI document with every kind of token, and what an end customer can reach.

Operations, their bodies and who may ask come from the document itself, so that a new route is walked without being named here.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast
from unittest.mock import Mock

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.orders import storefront
from app.orders.services import Services
from app.resellers.roles import Right, Role, allowed
from app.resellers.service import add_user, find
from app.resellers.tables import Reseller
from app.saleor.signature import decode
from app.web.storefront.application import storefront_api
from app.web.storefront.openapi import codes_of, operations
from app.web.storefront.problems import PROBLEM
from tests.conftest import NOW
from tests.orders.builders import API, recorded
from tests.saleor.keys import access_token
from tests.web.storefront.conftest import AT, OTHER, Store, known_things, token

FOREIGN = re.compile(r"texan|GRID-1|RF-|19\.49|2026-00001|ACME|buyer@", re.I)
DOCUMENT: dict[str, Any] = storefront_api(cast(Services, Mock())).openapi()

NOBODY: dict[str, str | None] = {
    "none": None,
    "garbage": "garbage",
    "expired": token("texan", exp=AT - 60),
    "refresh": token("texan", type="refresh"),
    "other app's": token("texan", type="thirdparty", app="QXBwOjI="),
    "other issuer's": token("texan", owner="plugin"),
    "other audience's": token("texan", aud="custom:elsewhere"),
    "unknown shop's": access_token("k", "http://unknown.example/graphql/", "texan", AT),
    "forged": access_token("other", API, "texan", AT),
}
"""Answered 401, whatever is asked."""
SOMEBODY = {
    "other shop": access_token("other", OTHER, "texan", AT),
    "other shop's customer": access_token("other", OTHER, "buyer", AT),
    "stranger": token("stranger", email="texan@partner.example"),
    "staff": token("staff", is_staff=True),
    "rival": token("rival"),
    "rival's customer": token("rival-buyer"),
    "customer": token("buyer"),
    "reseller": token("texan"),
}
INSIDE = {
    "program": set(SOMEBODY),
    "resellers": {"rival", "reseller"},
    "end customers": {"rival's customer", "customer"},
}
"""Who is let in to the operations of a tag; everybody else is answered 403."""
OWNERS = {"reseller", "customer"}
"""Theirs is what the fixture made."""


@dataclass(frozen=True)
class Answered:
    tag: str
    method: str
    path: str
    operation: dict[str, Any]
    answer: httpx.Response

    @property
    def place(self) -> str:
        return f"{self.method} {self.path}: {self.answer.status_code} {self.answer.text[:200]}"


async def walked(store: Store, sent: str | None) -> AsyncIterator[Answered]:
    """Every operation as the document describes it, with the ids of the fixture's own things; reading first.

    A KeyError here is a new place in a path: `known_things` makes what it names.
    """
    known = await known_things(store)
    for path, method, operation in sorted(operations(DOCUMENT), key=lambda one: one[1] != "get"):
        content = next(iter(operation.get("requestBody", {}).get("content", {}).items()), None)
        headers = {"Authorization": f"Bearer {sent}"} if sent else {}
        more: dict[str, Any] = {}
        if content is not None and content[0] == "application/json":
            more["json"] = content[1]["example"]
        elif content is not None and content[0] == "multipart/form-data":
            fields = content[1]["example"]
            more = {"files": {"file": fields["file"].encode()}, "data": {name: fields[name] for name in fields if name != "file"}}
        url = f"/storefront/v1{path.format(**known)}"
        yield Answered(
            operation["tags"][0], method, path, operation, await store.client.request(method, url, headers=headers, **more)
        )


def conforms(found: Answered) -> None:
    """A documented answer for this caller alone, and no failure of ours."""
    answer, documented = found.answer, found.operation["responses"]
    assert str(answer.status_code) in documented, found.place
    assert answer.status_code < 500, found.place
    assert answer.headers["cache-control"].startswith("private")
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == PROBLEM
        assert set(answer.json()) == {"type", "title", "status", "detail", "code"}
        assert answer.json()["code"] in codes_of(documented[str(answer.status_code)]), found.place


@pytest.mark.parametrize("name", NOBODY)
async def test_no_route_answers_a_token_that_does_not_count(store: Store, name: str) -> None:
    async for found in walked(store, NOBODY[name]):
        conforms(found)
        assert found.answer.status_code == 401, found.place
        assert found.answer.headers["www-authenticate"] == "Bearer"
        assert not FOREIGN.search(found.answer.text), found.place


@pytest.mark.parametrize("name", SOMEBODY)
async def test_every_route_knows_whom_it_is_for(store: Store, name: str) -> None:
    said = json.loads(decode(SOMEBODY[name].split(".")[1]))
    async for found in walked(store, SOMEBODY[name]):
        conforms(found)
        code = found.answer.status_code
        if name not in INSIDE[found.tag]:
            # A link that was mailed says no more to a stranger than that there is none.
            assert code in ((403, 404) if "{token}" in found.path else (403,)), found.place
        elif "{" in found.path and name not in OWNERS:
            assert code in (403, 404), found.place
        elif found.method == "get" and found.tag != "program":
            assert code == 200, found.place
        else:
            assert code not in (401, 403), found.place
        if name not in OWNERS and found.path != "/prices":
            # An application holds the applicant's own address, as the token names it or, once handed in, the shop itself.
            text = found.answer.text.replace(said["email"], "").replace(f"{said['user_id']}@shop.example", "")
            assert not FOREIGN.search(text), found.place


@pytest.mark.parametrize("role", Role)
async def test_every_route_of_a_reseller_asks_what_the_role_may(
    store: Store, role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        texan = await find(session, "texan@partner.example")
        await add_user(session, texan, saleor_user_id="second", email="second@partner.example", by="anna", at=NOW, role=role)
    await store.world.refresh()
    asked: list[Right] = []
    original = storefront.member

    async def member(session: AsyncSession, user_id: str, right: Right) -> Reseller:
        asked.append(right)
        return await original(session, user_id, right)

    monkeypatch.setattr(storefront, "member", member)
    async for found in walked(store, token("second")):
        conforms(found)
        if found.tag == "resellers":
            assert asked, f"{found.method} {found.path} asks for no right"
            refused = found.answer.status_code == 403 and found.answer.json()["code"] == "role"
            assert refused is not all(allowed(role, right) for right in asked), (found.place, asked)
            assert found.answer.status_code != 403 or refused, found.place
        asked.clear()


async def test_another_resellers_order_answers_like_an_unknown_one(store: Store) -> None:
    for tail in ("", f"/documents/{store.document}", f"/licenses/{store.license}"):
        theirs, none = [await store.call("rival", f"/orders/{number}{tail}") for number in ("1", "999")]
        assert (theirs.status_code, theirs.content, theirs.headers) == (none.status_code, none.content, none.headers)


async def test_a_document_or_license_counts_only_under_its_own_order(store: Store) -> None:
    await recorded(store.world, "2")
    for tail in (f"/documents/{store.document}", f"/licenses/{store.license}"):
        assert (await store.call("texan", f"/orders/1{tail}")).status_code == 200
        assert (await store.call("texan", f"/orders/2{tail}")).status_code == 404


def test_every_tag_has_its_callers() -> None:
    assert {tag["name"] for tag in DOCUMENT["tags"]} == set(INSIDE)
