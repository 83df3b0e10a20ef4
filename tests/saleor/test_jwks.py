"""The cache of a shop's keys: one look at an unknown key a minute, old keys kept while the shop is down."""

import asyncio
from datetime import timedelta

import httpx
import pytest
import respx
from structlog.testing import capture_logs

from app.errors import SaleorError
from app.saleor.jwks import ShopKeys, fetch_jwks
from app.saleor.signature import BadSignature, UnknownKey
from tests.conftest import NOW
from tests.saleor.keys import jwk, sign

API = "https://shop.example/graphql/"
URL = "https://shop.example/.well-known/jwks.json"
BODY = b"{}"


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> object:
        return self.now


@pytest.fixture
def hands() -> Hands:
    return Hands()


def shop(http: httpx.AsyncClient, hands: Hands) -> ShopKeys:
    return ShopKeys(API, {"keys": [jwk("old")]}, http, hands)  # type: ignore[arg-type]


@respx.mock
async def test_a_rotated_key_is_fetched_once_for_many_at_once(hands: Hands) -> None:
    route = respx.get(URL).respond(json={"keys": [jwk("new")]})
    async with httpx.AsyncClient() as http:
        keys = shop(http, hands)
        await keys.verify(sign(BODY, "old"), BODY)
        assert route.call_count == 0
        await asyncio.gather(*(keys.verify(sign(BODY, "new"), BODY) for _ in range(20)))
    assert route.call_count == 1
    assert keys.jwks == {"keys": [jwk("new")]}


@respx.mock
async def test_an_unknown_key_is_looked_up_at_most_once_a_minute(hands: Hands) -> None:
    route = respx.get(URL).respond(json={"keys": [jwk("old")]})
    async with httpx.AsyncClient() as http:
        keys = shop(http, hands)
        for _ in range(5):
            with pytest.raises(UnknownKey):
                await keys.verify(sign(BODY, "stranger"), BODY)
        assert route.call_count == 1
        hands.now += timedelta(seconds=59)
        with pytest.raises(UnknownKey):
            await keys.verify(sign(BODY, "stranger"), BODY)
        assert route.call_count == 1
        hands.now += timedelta(seconds=1)
        with pytest.raises(UnknownKey):
            await keys.verify(sign(BODY, "stranger"), BODY)
        assert route.call_count == 2


@respx.mock
async def test_a_changed_body_asks_nobody(hands: Hands) -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(BadSignature):
            await shop(http, hands).verify(sign(BODY, "old"), b"[]")
    assert not respx.calls


@pytest.mark.parametrize(
    "answer", [httpx.Response(500), httpx.Response(200, text="<html>"), httpx.Response(200, json={"keys": []})]
)
@respx.mock
async def test_old_keys_are_kept_while_the_shop_is_down(hands: Hands, answer: httpx.Response) -> None:
    respx.get(URL).mock(return_value=answer)
    async with httpx.AsyncClient() as http:
        keys = shop(http, hands)
        with capture_logs() as said, pytest.raises(UnknownKey):
            await keys.verify(sign(BODY, "stranger"), BODY)
        await keys.verify(sign(BODY, "old"), BODY)
    assert [(entry["event"], entry["shop"], URL in entry["error"]) for entry in said] == [("jwks.unreachable", API, True)]


@respx.mock
async def test_an_unreachable_shop_is_named(hands: Hands) -> None:
    respx.get(URL).mock(side_effect=httpx.ConnectError("refused"))
    async with httpx.AsyncClient() as http:
        with pytest.raises(SaleorError, match=r"shop\.example.*refused"):
            await fetch_jwks(http, API)
