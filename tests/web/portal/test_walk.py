"""Every page with everybody who could ask for it, every form without its token, and what an end customer can reach."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from app.web.portal import application
from app.web.portal.front import POLICY
from tests.orders.builders import recorded
from tests.web.portal.conftest import Browser, Portal, text_of
from tests.web.storefront.test_price_blind import MONEY, SALEOR_ORDER

CHANNEL = {"slug": "default", "currencyCode": "USD", "taxConfiguration": {"pricesEnteredWithTax": False}}
VARIANT: dict[str, Any] = {
    "id": "V1", "sku": "GRID-1", "name": "One",
    "channelListings": [{"channel": CHANNEL, "price": {"amount": 10.0}}],
    "pricing": {"price": {"net": {"amount": 10.0}, "gross": {"amount": 10.0}}},
    "product": {"id": "P1", "name": "Grid", "category": None, "collections": []},
}  # fmt: skip
FOREIGN = re.compile(r"GRID-1|RF-|RF18|19\.49|2026-00001|ACME|buyer@|Texan", re.I)
OPEN = {"/sign-in", "/{shop}"}
STRANGERS = {"/", "/apply", "/apply/withdraw", "/sign-out", "/invitations/{token}"}
"""For anybody with an account in the shop."""
CUSTOMERS = {"/my/licenses", "/my/licenses/{license_id}", "/my/licenses/{license_id}/file"}
FORMS: dict[str, dict[str, str]] = {
    "/policy": {"version": "1"},
    "/apply": {"company": "X", "do": "save"},
    "/remittance": {"text": "1 10.00 USD"},
    "/cases": {"kind": "advice", "subject": "Volume", "text": "40 seats"},
    "/support": {"order_number": "1", "topic": "It does not print", "asked_by_customer": "yes"},
    "/users": {"email": "new@partner.example", "role": "viewer"},
    "/users/{user_id}": {"role": "owner"},
}
PEOPLE = ["nobody", "stranger", "rival", "customer", "reseller"]
USERS = {"nobody": "", "stranger": "stranger", "rival": "rival", "customer": "buyer", "reseller": "texan"}


def routes() -> list[tuple[str, str]]:
    """(method, path) of every page, as the application has them."""
    found = [
        (method, route.path)
        for room in application.ROOMS
        for route in room.router.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods or ())
    ]
    assert len(found) == len(set(found)) >= 20
    return [one for one in found if one[1] not in OPEN]


def filled(portal: Portal, path: str) -> str:
    return path.format(
        number="1",
        document_id=portal.store.document,
        license_id=portal.store.license,
        user_id=portal.texan,
        invitation_id="none",
        certificate_id="none",
        advice_id="none",
        case_id="none",
        statement_id="none",
        file_id="none",
        change_id="none",
        token="none",
    )


async def ask(portal: Portal, browser: Browser, method: str, path: str) -> httpx.Response:
    portal.world.saleor.answers |= {
        "VariantPrice": {"productVariant": VARIANT},
        "VariantBySku": {"productVariant": {**VARIANT, "metadata": [], "product": {**VARIANT["product"], "metadata": []}}},
    }
    target = filled(portal, path)
    if method == "GET":
        return await browser.get(target + ("?sku=GRID-1" if path == "/prices" else ""))
    await browser.form("/")
    return await browser.post(target, FORMS.get(path))


def expected(who: str, method: str, path: str) -> tuple[int, ...]:
    """The statuses that this person may get."""
    fine = (303,) if method == "POST" else (200,)
    if who == "nobody":
        return (303,)
    if path.startswith("/claims/") or "{file_id}" in path:
        return (404,)
    if path == "/apply/evidence":
        return (400,)
    if path == "/apply/withdraw" and who in ("rival", "reseller"):
        return (404,)  # they have none
    if method == "POST" and path in ("/invitations/{token}", "/apply") and (path != "/apply" or who in ("rival", "reseller")):
        return (404,) if "token" in path else (409,)
    if path in STRANGERS or (method, path) == ("GET", "/policy"):
        return fine
    if who == "stranger" or (who == "customer") != (path in CUSTOMERS):
        return (403,)
    if path.endswith("temporary-license"):
        return (404,) if who == "rival" else (303, 409, 422)
    if (method, path) == ("POST", "/certificates"):
        return (400,)
    if (method, path) == ("POST", "/support"):
        return (409,)  # the shop names no forum
    if (
        "{invitation_id}" in path
        or "{certificate_id}" in path
        or "{advice_id}" in path
        or "{case_id}" in path
        or "{statement_id}" in path
        or "{change_id}" in path
        or (who == "rival" and "{" in path)
    ):
        return (404,)
    return fine


@pytest.mark.parametrize("who", PEOPLE)
async def test_every_page_with_everybody(portal: Portal, who: str) -> None:
    browser = await portal.browser(USERS[who])
    for method, path in routes():
        if path == "/sign-out":
            continue
        answer = await ask(portal, browser, method, path)
        code = answer.status_code
        place = (method, path, code)
        assert code in expected(who, method, path), place
        if who == "nobody":
            assert answer.headers["location"].startswith("/portal/sign-in"), place
        if who in ("nobody", "stranger", "rival") and path != "/prices":
            assert not FOREIGN.search(answer.text), (place, FOREIGN.search(answer.text))
        guarded(answer)


def guarded(answer: httpx.Response) -> None:
    """What a browser is told with every page."""
    assert answer.headers["content-security-policy"] == POLICY
    assert "script" not in POLICY
    assert "unsafe" not in POLICY
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    if answer.headers.get("content-type", "").startswith("text/html"):
        assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:", answer.text, re.I)


@pytest.mark.parametrize("given", [None, "", "wrong", "theirs"])
async def test_no_form_counts_without_the_token_of_its_own_session(portal: Portal, given: str | None) -> None:
    browser, other = await portal.browser("texan"), await portal.browser("rival")
    await other.get("/apply")
    theirs = re.search(r'name="form_token" value="([^"]+)"', other.page)
    assert theirs
    posts = [path for method, path in routes() if method == "POST"]
    assert len(posts) >= 4
    for path in posts:
        fields = {} if given is None else {"form_token": theirs[1] if given == "theirs" else given}
        answer = await browser.client.post(f"/portal{filled(portal, path)}", data={**FORMS.get(path, {}), **fields})
        assert answer.status_code == 403, path
        assert "out of date" in answer.text


async def test_another_resellers_order_answers_like_an_unknown_one(portal: Portal) -> None:
    browser = await portal.browser("rival")
    for tail in ("", f"/documents/{portal.store.document}", f"/licenses/{portal.store.license}"):
        theirs, none = [await browser.get(f"/orders/{number}{tail}") for number in ("1", "9")]
        assert (theirs.status_code, theirs.text.replace("/orders/1", "/orders/9")) == (none.status_code, none.text)


async def test_a_document_or_license_counts_only_under_its_own_order(portal: Portal) -> None:
    await recorded(portal.world, "2")
    browser = await portal.browser("texan")
    for tail in (f"/documents/{portal.store.document}", f"/licenses/{portal.store.license}"):
        assert (await browser.get(f"/orders/1{tail}")).status_code == 200
        assert (await browser.get(f"/orders/2{tail}")).status_code == 404


@pytest.mark.parametrize("language", ["en", "de"])
async def test_nothing_an_end_customer_reaches_holds_money(portal: Portal, language: str) -> None:
    browser = await portal.browser("buyer", language=language)
    reached = 0
    for method, path in routes():
        if path == "/sign-out":
            continue
        answer = await ask(portal, browser, method, path)
        text = answer.text if not path.endswith("/file") else ""
        headers = " ".join(
            f"{key}: {value}" for key, value in answer.headers.items() if key not in ("set-cookie", "content-length")
        )
        for shown in (re.sub(r'name="form_token" value="[^"]+"', "", text), headers):
            assert not MONEY.search(shown), (path, MONEY.search(shown))
            assert not re.search(r"Preis|Betrag|Summe|Netto|Brutto", shown), path
            assert not SALEOR_ORDER.search(shown), path
        reached += answer.status_code == 200 and path in CUSTOMERS
    assert reached == 3
    await browser.get("/my/licenses")
    assert {"GRID-1", "1"} <= set(text_of(browser.page).split())


async def test_the_style_sheet_is_the_one_thing_that_is_kept(portal: Portal) -> None:
    browser = await portal.browser()
    await browser.get("/sign-in")
    found = re.search(r'href="/portal(/static/portal\.css\?[0-9a-f]+)"', browser.page)
    assert found
    answer = await browser.get(found[1])
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=86400"
    assert "http" not in answer.text
    for path in ("/static/../front.py", "/static/none.css", "/static/"):
        assert (await browser.get(path)).status_code == 404


async def test_a_form_that_is_too_large_is_refused(portal: Portal) -> None:
    browser = await portal.browser("stranger")
    await browser.get("/apply")
    answer = await browser.post("/apply", {"why": "x" * 200_000})
    assert answer.status_code == 413
    assert "128 KiB" in browser.page


async def test_a_failure_of_ours_tells_nothing_and_keeps_the_headers(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = await portal.browser("texan")
    monkeypatch.setattr("app.web.portal.home.storefront.reseller_standing", None)
    answer = await browser.get("/")
    assert answer.status_code == 500
    assert "NoneType" not in answer.text
    assert "We cannot do this right now" in answer.text
    assert answer.headers["content-security-policy"] == POLICY


async def test_a_page_that_cannot_even_be_made_keeps_them_too(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = await portal.browser()
    monkeypatch.setattr("app.web.portal.visit.render", None)
    answer = await browser.get("/sign-in")
    assert (answer.status_code, answer.headers["content-security-policy"]) == (500, POLICY)
    assert "wrong on our side" in answer.text
