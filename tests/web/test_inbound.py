import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.db.session import Database
from app.mail.tables import Correspondence
from app.main import build
from app.web.inbound import signature
from tests.conftest import NOW
from tests.mail.mails import letter
from tests.orders.builders import World, opened, reseller, rows

SECRET = "a secret of the tests"


@pytest.fixture
async def world(database: Database, tenant: str, tmp_path: Path) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        changed = {"files_url": str(tmp_path), "inbound_secret": SECRET, "max_inbound_bytes": 8_000}
        world.services = replace(world.services, settings=world.services.settings.model_copy(update=changed))
        await reseller(world)
        yield world


async def post(
    world: World, body: bytes, *, kind: str = "message/rfc822", secret: str = SECRET, at: str = "", **headers: str
) -> httpx.Response:
    timestamp = at or str(int(NOW.timestamp()))
    signed = {"X-Reseller-Timestamp": timestamp, "X-Reseller-Signature": signature(secret, timestamp, body), "Content-Type": kind}
    transport: Any = httpx.ASGITransport(app=build(world.services))  # type: ignore[arg-type, unused-ignore]
    async with httpx.AsyncClient(transport=transport, base_url="http://app.example") as client:
        return await client.post("/mail/inbound", content=body, headers={**signed, **headers})


def as_json(content: bytes, *, coded: bool) -> bytes:
    raw = {"raw": base64.b64encode(content).decode(), "encoding": "base64"} if coded else {"raw": content.decode()}
    return json.dumps(raw).encode()


async def test_a_mail_is_taken_in_each_form_and_once(world: World) -> None:
    first = await post(world, letter())
    assert (first.status_code, first.json()["outcome"]) == (200, "kept")
    for coded in (True, False):
        again = await post(world, as_json(letter(), coded=coded), kind="application/json; charset=utf-8")
        assert (again.status_code, again.json()) == (200, {"outcome": "known", "id": first.json()["id"]})
    nobody = await post(world, letter(From="spam@evil.example", Message_ID="<s@x.example>"))
    assert (nobody.status_code, nobody.json()) == (200, {"outcome": "nobody", "id": None})
    assert len(await rows(world, Correspondence)) == 1


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"secret": "another secret than that"}, 401, "inbound_signature"),
        ({"X-Reseller-Signature": ""}, 401, "inbound_signature"),
        ({"at": str(int(NOW.timestamp()) - 301)}, 401, "inbound_timestamp"),
        ({"at": str(int(NOW.timestamp()) + 301)}, 401, "inbound_timestamp"),
        ({"at": "now"}, 401, "inbound_timestamp"),
        ({"at": "9" * 5000}, 401, "inbound_timestamp"),
        ({"kind": "application/json"}, 400, "inbound_body"),
    ],
)
async def test_what_is_not_signed_or_no_mail_is_refused(world: World, changes: dict[str, str], status: int, code: str) -> None:
    answer = await post(world, letter(), **changes)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert await rows(world, Correspondence) == []


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b'{"raw": 5, "encoding": "base64"}', b'{"raw": "@", "encoding": "base64"}', b"\xff"]
)
async def test_json_that_holds_no_mail_is_refused(world: World, body: bytes) -> None:
    answer = await post(world, body, kind="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "inbound_body")


async def test_a_mail_above_the_limit_is_kept_as_headers_and_far_above_refused(world: World) -> None:
    answer = await post(world, letter("x" * 9_000))
    assert (answer.status_code, answer.json()["outcome"]) == (200, "headers")
    assert (await post(world, letter("x" * 20_000))).status_code == 413
    (entry,) = await rows(world, Correspondence)
    assert "more than is kept" in entry.note


async def test_without_a_secret_there_is_no_such_door(world: World) -> None:
    world.services = replace(world.services, settings=world.services.settings.model_copy(update={"inbound_secret": ""}))
    answer = await post(world, letter())
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_inbound")
