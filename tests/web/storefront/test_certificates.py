"""Certificates and the tax answer through the API: upload, download, and nobody else's."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.files.service import sweep
from app.files.tables import StoredFile
from app.orders.certificates import decide
from app.resellers.roles import Role
from app.resellers.service import add_user, find
from app.tax.rules import CertificateState
from app.tax.tables import CertificateRow
from tests.conftest import NOW
from tests.files.samples import JPEG, PDF, PNG
from tests.orders.builders import rows
from tests.web.storefront.conftest import Store

FIELDS: dict[str, Any] = {
    "number": "TX-4711", "form": "01-339", "states": "TX, Oklahoma", "signed_on": "2026-01-05", "valid_from": "2026-01-01",
    "valid_to": "2026-12-31",
}  # fmt: skip


async def send(
    store: Store,
    content: bytes = PDF,
    name: str = "paper.pdf",
    kind: str = "application/pdf",
    user: str = "texan",
    **changed: Any,
) -> httpx.Response:
    data = {field: value for field, value in (FIELDS | changed).items() if value is not None}
    return await store.call(user, "/certificates", "POST", data=data, files={"file": (name, content, kind)})


async def approve(store: Store, certificate_id: str) -> None:
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        world = store.world
        await decide(session, world.services, world.shop, certificate_id, CertificateState.APPROVED, by="anna")


async def test_an_upload_waits_and_comes_back_as_it_was(store: Store) -> None:
    answer = await send(store)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["number"], made["states"], made["state"], made["has_document"]) == ("TX-4711", ["OK", "TX"], "pending", True)
    assert (await store.call("texan", "/certificates")).json() == {"certificates": [made], "next": None}
    got = await store.call("texan", f"/certificates/{made['id']}/document")
    assert (got.status_code, got.content, got.headers["content-type"]) == (200, PDF, "application/pdf")
    assert got.headers["content-disposition"] == "attachment; filename=\"paper.pdf\"; filename*=UTF-8''paper.pdf"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]
    assert got.headers["cache-control"].startswith("private")


@pytest.mark.parametrize(
    ("content", "kind", "suffix"), [(PDF, "application/pdf", "pdf"), (JPEG, "image/jpeg", "jpg"), (PNG, "image/png", "png")]
)
async def test_the_content_says_what_it_is_whatever_the_sender_says(store: Store, content: bytes, kind: str, suffix: str) -> None:
    made = (await send(store, content, "../../Überweisung.html", "text/html")).json()
    got = await store.call("texan", f"/certificates/{made['id']}/document")
    assert got.headers["content-type"] == kind
    named = f"attachment; filename=\"_berweisung.{suffix}\"; filename*=UTF-8''%C3%9Cberweisung.{suffix}"
    assert got.headers["content-disposition"] == named


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "file_empty"),
        (b"<html><script>alert(1)</script></html>", 400, "file_type"),
        (PDF[:-20], 400, "file_damaged"),
        (PNG + b"PK", 400, "file_polyglot"),
        (PDF + bytes(10 * 1024 * 1024), 413, "file_too_large"),
        (bytes(11 * 1024 * 1024), 413, "too_large"),
    ],
)
async def test_a_file_that_is_not_taken_leaves_nothing(store: Store, content: bytes, status: int, code: str) -> None:
    answer = await send(store, content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await rows(store.world, CertificateRow) == []
    assert await rows(store.world, StoredFile) == []


@pytest.mark.parametrize(
    ("changed", "status", "code", "says"),
    [
        ({"number": None}, 422, "validation", "body.number"),
        ({"number": "a" * 101}, 422, "validation", "body.number"),
        ({"number": "a\0"}, 400, "number", "number: "),
        ({"states": "TX,XX"}, 400, "us_state", "'XX'"),
        ({"states": " , "}, 422, "validation", "body.states"),
        ({"signed_on": "yesterday"}, 422, "validation", "body.signed_on"),
        ({"signed_on": "2026-03-09"}, 400, "signed_on", "future"),
        ({"valid_to": "2025-12-31"}, 400, "valid_to", "it ended"),
        ({"valid_to": "9999-12-31"}, 400, "valid_to", "cannot be right"),
        ({"valid_from": "2027-01-01"}, 400, "valid_to", "before the first day"),
        ({"replaces": "another"}, 400, "replaces", "no such certificate"),
        ({"color": "red"}, 422, "validation", "body.color"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_kept(
    store: Store, changed: dict[str, Any], status: int, code: str, says: str
) -> None:
    answer = await send(store, **changed)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert says in answer.json()["detail"]
    assert await rows(store.world, CertificateRow) == []
    world = store.world
    await sweep(world.database, world.services.files, world.shop.tenant_id, world.clock())
    assert await rows(world, StoredFile) == []


async def test_an_open_end_and_repeated_states(store: Store) -> None:
    made = (await send(store, valid_to="", states=["TX", "NY"])).json()
    assert (made["valid_to"], made["states"]) == (None, ["NY", "TX"])


async def test_a_body_that_is_no_form_is_refused(store: Store) -> None:
    for more, code in (
        ({"json": FIELDS}, "multipart"),
        ({"data": FIELDS}, "multipart"),
        ({"files": {"number": (None, "TX-1")}}, "file_missing"),
        ({"files": {"file": (None, "text")}}, "file_missing"),
        ({"content": b"--x\r\nno form", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, "multipart"),
        ({"content": b"nothing", "headers": {"Content-Type": "multipart/form-data"}}, "multipart"),
        ({"files": [("file", ("a.pdf", PDF)), ("file", ("b.pdf", PDF))]}, "multipart"),
    ):
        answer = await store.call("texan", "/certificates", "POST", **more)
        assert (answer.status_code, answer.json()["code"]) == (400, code), (code, answer.text)


async def test_a_large_body_is_for_uploads_alone(store: Store) -> None:
    for path in ("/prices", "/certificates/x", "/taxed"):
        answer = await store.call("texan", path, "POST", content=bytes(70_000))
        assert answer.status_code in (404, 405, 413)
        assert answer.status_code == 413 or path != "/prices"


async def test_nobody_uploads_before_the_token_was_looked_at(store: Store) -> None:
    for user, status in ((None, 401), ("stranger", 403), ("buyer", 403)):
        answer = await store.call(user, "/certificates", "POST", data=FIELDS, files={"file": ("a.pdf", PDF)})
        assert answer.status_code == status
    assert await rows(store.world, StoredFile) == []


async def test_another_resellers_document_is_not_found(store: Store) -> None:
    made = (await send(store)).json()
    for user, status in (("rival", 404), ("stranger", 403), ("buyer", 403), (None, 401)):
        answer = await store.call(user, f"/certificates/{made['id']}/document")
        assert answer.status_code == status
        assert PDF not in answer.content
    assert (await store.call("rival", "/certificates")).json() == {"certificates": [], "next": None}
    assert (await send(store, user="rival", replaces=made["id"])).json()["code"] == "replaces"


@pytest.mark.parametrize(
    ("role", "sees", "uploads"), [(Role.ACCOUNTS, 200, 201), (Role.VIEWER, 200, 403), (Role.BUYER, 403, 403)]
)
async def test_certificates_are_for_owner_and_accounts(store: Store, role: Role, sees: int, uploads: int) -> None:
    made = (await send(store)).json()
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        texan = await find(session, "texan@partner.example")
        await add_user(session, texan, saleor_user_id="second", email="second@partner.example", by="anna", at=NOW, role=role)
    await store.world.refresh()
    for path in ("/certificates", f"/certificates/{made['id']}/document", "/taxed"):
        assert (await store.call("second", path)).status_code == sees, path
    assert (await send(store, user="second", number="TX-2")).status_code == uploads


async def test_the_same_twice_is_one(store: Store) -> None:
    assert (await send(store)).status_code == 201
    answer = await send(store)
    assert (answer.status_code, answer.json()["code"]) == (409, "known_certificate")


async def test_will_i_be_taxed(store: Store) -> None:
    before = (await store.call("texan", "/taxed")).json()
    assert (before["state"], before["day"], before["taxed"], before["rate"]) == ("TX", "2026-03-02", True, "8.25")
    assert before["reasons"][0]["code"] == "tax_state"
    made = (await send(store)).json()
    assert [reason["code"] for reason in (await store.call("texan", "/taxed")).json()["reasons"]][1:] == ["tax_certificate_waits"]
    await approve(store, made["id"])
    after = (await store.call("texan", "/taxed")).json()
    assert (after["taxed"], after["rate"], after["certificate_id"]) == (False, "0", made["id"])
    assert (await store.call("texan", "/taxed", params={"day": "2027-01-01"})).json()["taxed"] is True
    elsewhere = (await store.call("texan", "/taxed", params={"state": "California"})).json()
    assert [reason["code"] for reason in elsewhere["reasons"]] == ["tax_not_registered", "tax_elsewhere"]
    for query, status in (({"state": "XX"}, 400), ({"day": "soon"}, 422), ({"state": "a\0"}, 422)):
        assert (await store.call("texan", "/taxed", params=query)).status_code == status
