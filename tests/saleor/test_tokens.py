"""Access tokens of customers: what is accepted, and every way to come with another one."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator

import httpx
import pytest
import respx
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select, update

from app.db.secrets import SecretBox
from app.db.session import Database
from app.db.tenants import Tenant
from app.errors import Unauthorized
from app.saleor.jwks import jwks_url
from app.saleor.shops import Shops
from app.saleor.tokens import customer
from app.settings import Settings, ShopSettings
from tests.conftest import NOW, install
from tests.saleor.keys import access_token, encode, jwk, private_key, token

API, OTHER = "http://shop.example/graphql/", "http://other.example/graphql/"
AT = int(NOW.timestamp())


@pytest.fixture
async def shops(database: Database, tenant: str) -> AsyncIterator[Shops]:
    other = await install(database, OTHER)
    async with database.system() as session:
        for row, key in ((tenant, "k"), (other, "other")):
            await session.execute(update(Tenant).where(Tenant.id == row).values(jwks={"keys": [jwk(key)]}))
    settings = Settings(secret_keys=["0123456789abcdef"], database_url=database.url, shop=ShopSettings(), _env_file=None)
    async with httpx.AsyncClient() as http:
        shops = Shops(database, SecretBox(["0123456789abcdef"]), http, settings, lambda: NOW)
        await shops.refresh()
        yield shops


async def refusal(shops: Shops, text: str) -> str:
    with pytest.raises(Unauthorized) as raised:
        await customer(shops, text, NOW)
    return raised.value.code


async def test_a_valid_token_names_its_customer(shops: Shops) -> None:
    found = await customer(shops, access_token("k", API, "VXNlcjox", AT, is_staff=True), NOW)
    assert (found.shop.api_url, found.user_id, found.email, found.is_staff) == (API, "VXNlcjox", "VXNlcjox@mail.example", True)


async def test_the_issuer_decides_which_shop(shops: Shops) -> None:
    assert (await customer(shops, access_token("other", OTHER, "u", AT), NOW)).shop.api_url == OTHER


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"type": "refresh"}, "token_type"),
        ({"type": "thirdparty", "app": "QXBwOjE="}, "token_type"),
        ({"type": None}, "token_type"),
        ({"owner": "somebody"}, "token_owner"),
        ({"exp": AT - 10}, "token_expired"),
        ({"exp": None}, "token_malformed"),
        ({"exp": True}, "token_malformed"),
        ({"exp": "9999999999"}, "token_malformed"),
        ({"exp": float("nan")}, "token_malformed"),
        ({"iat": AT + 11}, "token_early"),
        ({"iat": None}, "token_malformed"),
        ({"aud": "custom:another"}, "token_audience"),
        ({"user_id": None}, "token_malformed"),
        ({"user_id": ["a"]}, "token_malformed"),
        ({"email": ""}, "token_malformed"),
        ({"iss": "http://nobody.example/graphql/"}, "token_issuer"),
        ({"iss": [API]}, "token_issuer"),
        ({"iss": OTHER}, "token_signature"),
    ],
)
async def test_a_signed_token_with_other_claims_is_refused(shops: Shops, changed: dict[str, object], code: str) -> None:
    assert await refusal(shops, access_token("k", API, "u", AT, **changed)) == code


async def test_clocks_may_differ_by_the_leeway(shops: Shops) -> None:
    assert await customer(shops, access_token("k", API, "u", AT, exp=AT - 9, iat=AT + 10), NOW)


async def test_the_audience_that_was_set_is_asked_for(shops: Shops, database: Database) -> None:
    async with database.system() as session:
        row = (await session.scalars(select(Tenant).where(Tenant.saleor_api_url == API))).one()
        row.settings, row.program_version = {"storefront_audience": "shop"}, row.program_version + 1
    await shops.refresh()
    assert await customer(shops, access_token("k", API, "u", AT, aud="custom:shop"), NOW)
    assert await refusal(shops, access_token("k", API, "u", AT)) == "token_audience"


async def test_another_shops_key_signs_nothing_here(shops: Shops) -> None:
    forged = access_token("other", API, "u", AT)
    with respx.mock:
        respx.get(jwks_url(API)).respond(json={"keys": [jwk("k")]})
        assert await refusal(shops, forged) == "token_signature"
    assert await refusal(shops, token("other", header={"kid": "k"}, iss=API, type="access", owner="saleor")) == "token_signature"


async def test_no_algorithm_but_rs256(shops: Shops) -> None:
    head, said, _ = access_token("k", API, "u", AT).split(".")
    none = encode(json.dumps({"alg": "none", "kid": "k"}).encode())
    assert await refusal(shops, f"{none}.{said}.") == "token_algorithm"
    hs256 = encode(json.dumps({"alg": "HS256", "kid": "k"}).encode())
    public = private_key("k", 2048).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    mac = encode(hmac.new(public, f"{hs256}.{said}".encode(), hashlib.sha256).digest())
    assert await refusal(shops, f"{hs256}.{said}.{mac}") == "token_algorithm"
    for field in ({"kid": None}, {"kid": 1}, {"crit": ["b64"]}, {"alg": None}):
        assert await refusal(shops, token("k", header=field, iss=API)) == "token_algorithm"
    assert await refusal(shops, f"{head}.{said}.") == "token_signature"


async def test_a_changed_payload_is_refused(shops: Shops) -> None:
    head, _, signature = access_token("k", API, "u", AT).split(".")
    said = access_token("k", API, "victim", AT).split(".")[1]
    assert await refusal(shops, f"{head}.{said}.{signature}") == "token_signature"


@pytest.mark.parametrize(
    "text",
    [
        *("", "abc", "a.b", "a.b.c", "a.b.c.d", "..", "é.é.é", f"{encode(b'[]')}.{encode(b'{}')}.x", "x" * 10_000_000),
        *(f"{encode(b'[' * 5000)}.e30.x", f"{encode(bytes([255]))}.e30.x", "\x00.\x00.\x00"),
    ],
)
async def test_garbage_is_refused(shops: Shops, text: str) -> None:
    assert await refusal(shops, text) == "token_malformed"


async def test_an_unknown_key_is_looked_up_once_a_minute(shops: Shops) -> None:
    with respx.mock:
        asked = respx.get(jwks_url(API)).respond(json={"keys": [jwk("k"), jwk("new")]})
        assert await customer(shops, access_token("new", API, "u", AT), NOW)
        for _ in range(3):
            assert await refusal(shops, access_token("newer", API, "u", AT)) == "token_signature"
        assert asked.call_count == 1
