"""Signing in, staying signed in, and leaving."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import update

from app.db.tenants import Tenant
from app.web.portal.entry import PER_EMAIL
from app.web.portal.session import COOKIE
from tests.conftest import NOW
from tests.saleor.keys import access_token
from tests.web.portal.conftest import PASSWORD, Portal, text_of
from tests.web.storefront.conftest import AT, OTHER

UNCONFIRMED = {"field": "email", "code": "ACCOUNT_NOT_CONFIRMED", "message": "Account needs to be confirmed via email."}


async def test_nobody_sees_a_page_before_signing_in_and_comes_back_to_the_one_asked_for(portal: Portal) -> None:
    browser = await portal.browser()
    answer = await browser.get("/orders/1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/portal/sign-in?notice=sign_in_first&next=/orders/1"
    await browser.get("/sign-in?notice=sign_in_first&next=/orders/1")
    assert "Please sign in first." in browser.page
    answer = await browser.post("/sign-in", {"email": "texan@partner.example", "password": PASSWORD, "next": "/orders/1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/portal/orders/1")
    assert (await browser.get("/orders/1")).status_code == 200


@pytest.mark.parametrize(
    "following", ["//evil.example", "https://evil.example", "/\\evil.example", "/a//evil", "javascript:1", ""]
)
async def test_after_signing_in_nobody_is_led_elsewhere(portal: Portal, following: str) -> None:
    browser = await portal.browser()
    await browser.get("/sign-in")
    answer = await browser.post("/sign-in", {"email": "texan@partner.example", "password": PASSWORD, "next": following})
    assert answer.headers["location"] == "/portal/"


@pytest.mark.parametrize("origin", ["http://app.example", "https://app.example"])
async def test_the_cookie_is_sealed_and_for_the_portal_alone(portal: Portal, origin: str) -> None:
    browser = await portal.browser(origin=origin)
    answer = await browser.sign_in("texan")
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "Path=/portal", "SameSite=Lax", "Max-Age=43200"} <= set(cookie.split("; "))
    assert ("Secure" in cookie) == origin.startswith("https")
    access = portal.token_create({"email": "texan@partner.example", "password": PASSWORD, "audience": None})
    # The first characters are the header, the same in every token; three of them alone appear by chance in what is sealed.
    for secret in (PASSWORD, "texan@", access["tokenCreate"]["token"][:20]):
        assert secret not in cookie


async def test_a_cookie_that_was_touched_signs_nobody_in(portal: Portal) -> None:
    browser = await portal.browser("texan")
    value = browser.client.cookies[COOKIE]
    tenant, sealed = value.split(".", 1)
    app_token = portal.world.services.box.encrypt(tenant, '{"csrf":"x","until":99999999999,"access":"x","refresh":"x"}')
    for wrong in (value[:-8] + "AAAAAAA=", f"other.{sealed}", f"{tenant}.{app_token}", "", "é".encode().decode("latin-1")):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(portal.app), base_url="http://app.example") as client:
            answer = await client.get("/portal/orders", headers=[(b"cookie", f"{COOKIE}={wrong}".encode("latin-1"))])
        assert answer.status_code == 303, wrong


@pytest.mark.parametrize(("language", "sentence"), [("en", "not right"), ("de", "stimmen nicht")])
async def test_a_wrong_password_keeps_the_email_and_says_not_which_was_wrong(
    portal: Portal, language: str, sentence: str
) -> None:
    browser = await portal.browser(language=language)
    for user in ("texan", "nobody"):
        answer = await browser.sign_in(user, "wrong")
        assert answer.status_code == 401
        assert sentence in browser.page
        assert f'value="{user}@partner.example"' in browser.page
        assert "wrong" not in browser.page
    assert (await browser.get("/orders")).status_code == 303


async def test_an_unconfirmed_account_hears_so_and_a_delay_of_the_shop_is_told(portal: Portal) -> None:
    browser = await portal.browser()
    portal.refusals = [UNCONFIRMED]
    await browser.sign_in("texan")
    assert "not confirmed yet" in browser.page
    portal.refusals = [{**UNCONFIRMED, "code": "LOGIN_ATTEMPT_DELAYED"}]
    await browser.sign_in("texan")
    assert "asks to wait" in browser.page


async def test_guessing_is_slowed_down_per_email_and_per_address(portal: Portal) -> None:
    browser = await portal.browser()
    for _ in range(PER_EMAIL):
        assert (await browser.sign_in("texan", "wrong")).status_code == 401
    asked = len(portal.world.saleor.named("TokenCreate"))
    answer = await browser.sign_in("texan")
    assert answer.status_code == 429
    assert "Too many requests" in text_of(browser.page)
    assert len(portal.world.saleor.named("TokenCreate")) == asked
    assert (await browser.sign_in("rival")).status_code == 303
    other = await portal.browser()
    answers = [(await other.sign_in(f"guess{number}", "wrong")).status_code for number in range(20)]
    assert answers[-1] == 429
    portal.world.clock.now += timedelta(minutes=2)
    assert (await other.sign_in("texan")).status_code == 303


async def test_a_form_without_its_token_signs_nobody_in(portal: Portal) -> None:
    fields = {"email": "texan@partner.example", "password": PASSWORD}
    browser = await portal.browser()
    assert (await browser.post("/sign-in", fields)).status_code == 403
    await browser.get("/sign-in")
    assert (await browser.post("/sign-in", {**fields, "form_token": "wrong"})).status_code == 403
    stranger = await portal.browser()
    await stranger.get("/sign-in")
    assert (await browser.post("/sign-in", {**fields, "form_token": "x" + stranger.page[-5:]})).status_code == 403
    assert not portal.world.saleor.named("TokenCreate")


async def test_a_token_that_ran_out_is_renewed_by_the_shop_until_it_says_no(portal: Portal) -> None:
    browser = await portal.browser("texan")
    before = browser.client.cookies[COOKIE]
    portal.world.clock.now = NOW + timedelta(minutes=6)
    assert (await browser.get("/orders")).status_code == 200
    assert browser.client.cookies[COOKIE] != before
    assert (await browser.get("/orders")).status_code == 200
    assert len(portal.world.saleor.named("TokenRefresh")) == 1
    portal.world.clock.now = NOW + timedelta(minutes=20)
    portal.refusals = [{"field": "refreshToken", "code": "JWT_INVALID_TOKEN", "message": "Incorrect refreshToken"}]
    answer = await browser.get("/orders")
    assert answer.headers["location"].startswith("/portal/sign-in?notice=session_ended")
    assert COOKIE not in browser.client.cookies


async def test_a_session_ends_after_half_a_day_and_with_the_installation(portal: Portal) -> None:
    browser = await portal.browser("texan")
    portal.world.clock.now = NOW + timedelta(hours=12)
    assert (await browser.get("/orders")).status_code == 303
    portal.world.clock.now = NOW
    assert (await browser.get("/orders")).status_code == 200
    async with portal.world.database.system() as session:
        await session.execute(update(Tenant).where(Tenant.saleor_api_url != OTHER).values(active=False, program_version=99))
    await portal.world.services.shops.refresh()
    assert (await browser.get("/orders")).status_code == 303


async def test_a_token_of_another_shop_than_the_cookies_counts_nothing(portal: Portal) -> None:
    browser = await portal.browser()
    theirs = access_token("other", OTHER, "texan", AT)
    portal.world.saleor.answers["TokenCreate"] = {"tokenCreate": {"token": theirs, "refreshToken": "r", "errors": []}}
    answer = await browser.sign_in("texan")
    assert answer.status_code == 401
    assert (await browser.get("/orders")).status_code == 303


async def test_signing_out_takes_the_cookie_away_and_needs_the_form(portal: Portal) -> None:
    browser = await portal.browser("texan")
    await browser.get("/")
    assert (await browser.post("/sign-out", {"form_token": "wrong"})).status_code == 403
    await browser.get("/")
    answer = await browser.post("/sign-out")
    assert answer.headers["location"] == "/portal/sign-in?notice=signed_out"
    assert COOKIE not in browser.client.cookies


async def test_the_shops_audience_is_asked_for(portal: Portal) -> None:
    await portal.set(storefront_audience="store")
    await portal.browser("texan")
    assert portal.world.saleor.named("TokenCreate")[-1]["audience"] == "store"


async def test_several_shops_have_each_their_own_address_or_host(portal: Portal) -> None:
    browser = await portal.browser()
    elsewhere = await portal.browser(origin="http://elsewhere.example")
    assert (await browser.get("/sign-in")).status_code == 200
    assert (await elsewhere.get("/sign-in")).status_code == 404
    await portal.set(portal_host="")
    assert (await browser.get("/sign-in")).status_code == 404
    for unknown in ("/none.example", "/shop.exampl"):
        answer = await browser.get(unknown)
        assert answer.status_code == 404
        assert "shop.example" not in answer.text  # which shops there are is told to nobody
    assert (await browser.get("/shop.example")).status_code == 200
    answer = await browser.post("/shop.example", {"email": "texan@partner.example", "password": PASSWORD})
    assert answer.status_code == 303
    await browser.get("/")
    answer = await browser.post("/sign-out")
    assert answer.headers["location"] == "/portal/shop.example?notice=signed_out"
    await browser.get("/other.example")
    answer = await browser.post("/shop.example", {"email": "texan@partner.example", "password": PASSWORD})
    assert answer.status_code == 403, "a form of one shop counts for no other"


async def test_a_shop_that_does_not_answer_is_said_without_its_address(portal: Portal) -> None:
    browser = await portal.browser()
    portal.world.saleor.answers["TokenCreate"] = lambda _: (_ for _ in ()).throw(httpx.ReadTimeout("slow"))
    answer = await browser.sign_in("texan")
    assert answer.status_code == 502
    assert "does not answer" in browser.page
    assert "graphql" not in browser.page
