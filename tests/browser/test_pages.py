"""Staff at work: every page and action inside the Dashboard's frames, light and dark, English and German."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Frame
from sqlalchemy import select

from app.orders.inbound import receive
from app.orders.tables import ResellerOrder, StaffTask
from app.resellers import review
from app.resellers.tables import Application, Reseller
from app.sandbox.rows.people import User
from app.sandbox.seed import PASSWORD
from app.web.dashboard.session import unseal
from tests.browser.conftest import Desk, desk_of
from tests.browser.world import LONG, fill
from tests.journeys.harness import Journey
from tests.mail.mails import letter

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGES = [
    "/inbox", "/resellers", "/resellers/{reseller}", "/resellers/{reseller}/orders", "/resellers/{reseller}/ledger",
    "/resellers/{reseller}/licenses", "/resellers/{reseller}/mails", "/resellers/{reseller}/timeline", "/resellers/applications",
    "/resellers/applications/{application}", "/orders", "/orders/{waiting}", "/orders/{held}", "/orders/{paid}", "/health",
]  # fmt: skip
LOOKS = [("light", "en"), ("dark", "de")]
GERMAN = {"Eingang", "Wiederverkäufer", "Bestellungen", "Zustand"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(at: Journey) -> dict[str, str]:
    return await fill(at)


async def clean(frame: Frame, what: str) -> None:
    """Nothing for axe to complain of in what the frame shows."""
    found = await Axe().run(frame)
    problems = [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found.response["violations"]]
    assert problems == [], what
    # What a part of a page asks for by itself must not decide where the answers of links in it go.
    # Asked in one step: a part that is shown anew in between would take its links out of the page.
    astray = """() => [...document.querySelectorAll("#page a[href]:not([data-download])")]
        .map(one => [one.outerHTML, one.closest("[hx-target]").getAttribute("hx-target"), one.closest("[hx-swap]").id])
        .filter(([html, target, swap]) => target !== "#page" || swap !== "page")
        .map(([html]) => html)"""
    assert await frame.evaluate(astray) == [], what


@pytest.mark.parametrize(("theme", "locale"), LOOKS)
async def test_every_page_in_its_frame(chromium: Browser, at: Journey, filled: dict[str, str], theme: str, locale: str) -> None:
    """Each page opens by its own address, in the theme and language of the Dashboard, and is usable by everybody."""
    async with desk_of(chromium, at, theme=theme, locale=locale) as desk:
        for path in PAGES:
            frame = await desk.open(path.format(**filled))
            assert await frame.inner_text("h1"), path
            await frame.wait_for_selector(f"html[data-theme={theme}]", state="attached")
            await frame.wait_for_selector(f"html[lang={locale}]", state="attached")
            if path == "/health":
                await frame.wait_for_selector("#check table, #check details")
            await clean(frame, path)
            assert not await frame.evaluate("document.documentElement.scrollWidth > innerWidth"), f"{path} is too wide"
        menu = await frame.eval_on_selector_all(".menu a", "all => all.map(one => one.textContent)")
        assert set(menu) >= GERMAN if locale == "de" else not GERMAN & set(menu)


async def test_the_address_follows_and_a_table_opens_as_it_was_left(desk: Desk, filled: dict[str, str]) -> None:
    frame = await desk.open("/inbox")
    await frame.click("text=Resellers")
    await frame.wait_for_selector("h1:text-is('Resellers')")
    await desk.page.wait_for_url("**/extensions/app/*/resellers")
    await frame.fill("input[name=q]", "exempt")
    await frame.press("input[name=q]", "Enter")
    await frame.wait_for_selector("tbody tr:only-child")
    await desk.page.wait_for_url("**/resellers?q=exempt&status=")  # then the page is in place, too
    await frame.select_option("select[name=status]", "approved")
    await desk.page.wait_for_url("**/resellers?q=exempt&status=approved")
    await frame.click("tbody a")
    await frame.wait_for_selector("h1:has-text('Exempt Software')")
    await frame.click(".menu >> text=Resellers")
    await frame.wait_for_selector("h1:text-is('Resellers')")
    await frame.wait_for_selector("tbody tr:only-child")
    await desk.page.wait_for_url("**/resellers?q=exempt&status=approved")
    await desk.page.reload()
    frame = await desk.frame()
    assert await frame.input_value("input[name=q]") == "exempt"
    await frame.click("text=Clear filters")
    await frame.wait_for_selector("tbody tr:nth-child(2)")
    await frame.click("th a:has-text('Company')")
    await frame.wait_for_selector("th[aria-sort=descending]")
    await desk.page.wait_for_url("**/resellers?by=-company")
    await frame.click("tbody a")
    await frame.wait_for_selector("h1 .pill")
    await desk.page.go_back()  # the Dashboard's own history leads through the pages
    # Found anew until it is there: the frame of a moment ago may be the one that is about to go.
    await desk.page.frame_locator("iframe").locator("th[aria-sort=descending]").wait_for()


async def test_an_application_is_asked_about_and_approved(desk: Desk, filled: dict[str, str]) -> None:
    frame = await desk.open("/inbox?kind=applications")
    assert LONG in await frame.inner_text("table")
    await frame.click("table >> text=Review")
    await frame.wait_for_selector("h1")
    await frame.click("text=Ask")
    dialog = frame.locator("dialog#ask")
    await dialog.locator("textarea").fill("Which products?")
    await dialog.locator("button.primary").click()
    await desk.page.wait_for_selector("#toasts >> text=The question is on its way")
    await frame.wait_for_selector("h1 >> text=waits for the applicant")
    assert "notice=" not in desk.page.url
    # Meanwhile somebody else decides; what is typed stays, and both are shown (edge case 4).
    await frame.click("text=Reject")
    await frame.fill("#reject-reason", "Mine: not eligible.")
    async with desk.at.rows() as session:
        now = desk.at.services.clock()
        await review.reject(session, filled["application"], by="other@vendor.example", at=now, reason="Theirs: a consultancy.")
    await frame.click("dialog#reject button.critical")
    told = await frame.wait_for_selector("dialog#reject .problem .notice")
    assert told is not None
    words = await told.inner_text()
    assert "other@vendor.example" in words
    assert "Theirs: a consultancy." in words
    assert await frame.input_value("#reject-reason") == "Mine: not eligible."
    await frame.click("dialog#reject >> text=Show it as it is now")
    await frame.wait_for_selector("h1 >> text=rejected")
    async with desk.at.rows() as session:
        row = (await session.scalars(select(Application).where(Application.id == filled["application"]))).one()
        assert row.decided_by == "other@vendor.example"


async def test_a_held_order_is_accepted_and_its_wire_confirmed(desk: Desk, filled: dict[str, str]) -> None:
    number = filled["held"]
    frame = await desk.open("/orders")
    await frame.click(f"tbody >> text={number}")
    await frame.wait_for_selector("h1 >> text=held")
    await frame.click("button:text-is('Accept')")
    await frame.fill("#accept-reason", "They told us by phone.")
    await frame.click("dialog#accept button.primary")
    await desk.page.wait_for_selector("#toasts >> text=Accepted: its money decides now")
    await desk.at.idle()
    frame = await desk.open(f"/orders/{number}")
    await frame.click("text=Confirm wire")
    await frame.fill("#amount", "lots")
    await frame.fill("#bank_reference", "BANK-77")
    await frame.click("dialog#wire button.primary")
    told = await frame.wait_for_selector("dialog#wire .problem .notice")
    assert told is not None
    assert "amount" in (await told.inner_text())
    assert await frame.input_value("#bank_reference") == "BANK-77"
    await frame.fill("#amount", "194.85")
    await frame.click("dialog#wire button.primary")
    await desk.page.wait_for_selector("#toasts >> text=The wire is booked")
    await desk.at.idle()
    frame = await desk.open(f"/orders/{number}")
    await frame.wait_for_selector("h1 >> text=released")
    async with desk.page.expect_download() as download:
        await frame.click("[data-download]:has-text('Invoice')")
    assert (await download.value).suggested_filename.endswith(".pdf")
    await frame.click("text=Suspend")
    await frame.fill("#suspend-reason", "Wire in doubt.")
    await frame.click("dialog#suspend button.critical")
    await desk.page.wait_for_selector("#toasts >> text=The licenses are suspended")
    await clean(frame, "suspended")


async def test_the_order_widget_holds_and_releases_in_place(desk: Desk, filled: dict[str, str]) -> None:
    """By POST, without a handshake, with its own height; the page beside it is left alone."""
    await desk.go(f"/orders/{filled['waiting_id']}")
    frame = await desk.frame("aside iframe")
    assert "126.66" in await frame.inner_text("main")
    await clean(frame, "order widget")
    await desk.page.wait_for_function("document.querySelector('aside iframe').clientHeight > 250")
    assert not [one for one in await desk.page.evaluate("window.shell.log") if one["type"] != "widgetResize"]
    await frame.click("text=Hold")
    await frame.fill("#hold-reason", "Look at it first.")
    await frame.click("dialog#hold button.primary")
    await frame.wait_for_selector("text=The order is held.")
    assert "Look at it first" in await frame.inner_text("main")
    await frame.click("button:text-is('Accept')")
    await frame.fill("#accept-reason", "Fine.")
    await frame.click("dialog#accept button.primary")
    await frame.wait_for_selector("text=its money decides")
    assert desk.page.url.endswith(filled["waiting_id"])
    async with desk.at.rows() as session:
        row = (await session.scalars(select(ResellerOrder).where(ResellerOrder.number == filled["waiting"]))).one()
        assert row.release_decided_at is None


async def test_widgets_beside_customers_products_and_at_home(chromium: Browser, at: Journey, filled: dict[str, str]) -> None:
    async with desk_of(chromium, at, theme="dark", locale="de") as desk:
        await desk.open("/inbox")  # the theme and language that a widget is not told of are known from here
        for path, text in (
            (f"/customers/{filled['customer']}", "Nächste Bestellung"),
            (f"/customers/{filled['buyer']}", "nicht im Wiederverkäuferprogramm"),
            (f"/products/{filled['product']}", "Partnerpreis"),
            ("/", "Einrichtung"),
        ):
            await desk.go(path)
            frame = await desk.frame()
            await frame.wait_for_selector(f"text={text}")
            assert await frame.get_attribute("html", "data-theme") == "dark"
            await clean(frame, path)


async def test_a_customer_becomes_a_reseller_in_a_popup(desk: Desk, filled: dict[str, str]) -> None:
    await desk.go(f"/customers/{filled['buyer']}")
    await desk.page.click("#top button")
    frame = await desk.frame("#popup iframe")
    await frame.fill("#company", "Buyer GmbH")
    await frame.fill("#street", "Hauptstraße 1")
    await frame.fill("#city", "Berlin")
    await frame.fill("#postal_code", "10115")
    await frame.fill("#country", "XX")
    await frame.click("button.primary")
    await frame.wait_for_selector(".problem .notice")
    assert await frame.input_value("#company") == "Buyer GmbH"
    await frame.fill("#country", "DE")
    await frame.click("button.primary")
    await frame.wait_for_selector("h1:has-text('Buyer GmbH')")
    await desk.page.wait_for_selector("#toasts >> text=The reseller is made")
    assert await desk.page.evaluate("window.shell.refreshed") >= 1
    await frame.click("text=Close")
    await desk.page.wait_for_selector("#popup iframe", state="detached")
    async with desk.at.rows() as session:
        row = (await session.scalars(select(Reseller).where(Reseller.company == "Buyer GmbH"))).one()
        assert row.status == "approved"


async def test_a_product_shows_its_partner_prices_from_its_menu(chromium: Browser, at: Journey, filled: dict[str, str]) -> None:
    async with desk_of(chromium, at, theme="dark", locale="de") as desk:
        await desk.go(f"/products/{filled['product']}")
        await desk.page.click("#top button")
        frame = await desk.frame("#popup iframe")
        await frame.wait_for_selector("h1:has-text('Partnerpreise des Produkts')")
        assert "GRID" in await frame.inner_text("table")
        await clean(frame, "product popup")
        await frame.click("text=Zur Standardliste")
        await frame.wait_for_selector("h1:not(:has-text('Partnerpreise des Produkts'))")


async def test_what_stands_on_a_paper_is_found_from_any_page(desk: Desk, filled: dict[str, str]) -> None:
    frame = await desk.open("/health")
    await frame.fill("input[name=find]", filled["waiting"])
    await frame.press("input[name=find]", "Enter")
    await frame.wait_for_selector(f"h1:has-text('{filled['waiting']}')")
    await desk.page.wait_for_url(f"**/orders/{filled['waiting']}")
    await frame.fill("input[name=find]", "no-such-thing")
    await frame.press("input[name=find]", "Enter")
    await frame.wait_for_selector("text=Nothing is named so")
    assert await frame.input_value("input[name=find]") == "no-such-thing"
    await clean(frame, "nothing found")


async def test_an_expired_session_is_renewed_and_the_form_goes_through(
    desk: Desk, filled: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session ends on the server while somebody types; the Dashboard's token makes a new one and nothing is typed twice."""
    frame = await desk.open(f"/resellers/{filled['reseller']}")
    await frame.click("text=Change limits")
    await frame.fill("#credit_limit", "5000")
    over = {"left": 1}

    def once(box: Any, value: str, now: datetime) -> Any:
        if over["left"] and value != "-":
            over["left"] -= 1
            return None
        return unseal(box, value, now)

    monkeypatch.setattr("app.web.dashboard.visit.unseal", once)
    await frame.click("dialog#limits button.primary")
    await desk.page.wait_for_selector("#toasts >> text=The limits are set")
    assert over["left"] == 0
    assert "5,000.00" in await frame.inner_text("main")


async def test_a_popup_whose_token_is_over_keeps_what_was_typed(desk: Desk, filled: dict[str, str]) -> None:
    """Facts 0.7: the Dashboard repeats the dead token; the reader is told, and the form stays."""
    at = desk.at
    at.sandbox.app_access = timedelta(seconds=-60)  # dead by the time that it is shown again
    try:
        await desk.go(f"/orders/{filled['waiting_id']}")
        await desk.page.click("#top button")
        element = await desk.page.wait_for_selector("#popup iframe")
        frame = await element.content_frame() if element else None
        assert frame
        await frame.wait_for_selector("text=could not be renewed")
    finally:
        at.sandbox.app_access = None


async def test_without_a_connection_nothing_is_lost(desk: Desk, filled: dict[str, str]) -> None:
    frame = await desk.open(f"/orders/{filled['waiting']}")
    await frame.click("text=Hold")
    await frame.fill("#hold-reason", "Typed offline.")
    await desk.page.context.set_offline(True)
    await frame.click("dialog#hold button.primary")
    await frame.wait_for_selector("dialog#hold .problem >> text=There is no connection")
    assert await frame.input_value("#hold-reason") == "Typed offline."
    await desk.page.context.set_offline(False)
    assert all("htmx" in problem for problem in desk.problems)
    desk.problems.clear()
    await frame.click("dialog#hold >> text=Cancel")


async def test_staff_with_fewer_permissions(chromium: Browser, at: Journey, filled: dict[str, str]) -> None:
    """A menu of what may be seen, a page that says what is missing, and no access at all by an empty token."""
    async with desk_of(chromium, at, staff="users@example.com") as desk:
        frame = await desk.open("")
        assert await frame.eval_on_selector_all(".menu a", "all => all.map(one => one.textContent)") == ["Resellers"]
        frame = await desk.open("/orders")
        assert "MANAGE_ORDERS" in await frame.inner_text("main")
        await desk.go(f"/orders/{filled['waiting_id']}")
        frame = await desk.frame("aside iframe")
        assert "no token" in await frame.inner_text("main")
        await desk.page.click("#top button")
        frame = await desk.frame("#popup iframe")
        assert "do not have access" in await frame.inner_text("main")


async def test_an_order_that_is_gone(desk: Desk) -> None:
    frame = await desk.open("/orders/no-such")
    assert "Not there any more" in await frame.inner_text("main")
    await frame.click("text=To the inbox")
    await frame.wait_for_selector("h1:has-text('What needs a person')")


async def test_the_health_page_repairs(desk: Desk) -> None:
    desk.at.sandbox.store.channels[0].taxes.charge_taxes = False
    frame = await desk.open("/health")
    await frame.wait_for_selector("#check >> text=chargeTaxes is off")
    await frame.click("#check >> text=Fix it")
    await frame.wait_for_selector("#check .notice >> text=chargeTaxes")
    assert "chargeTaxes is off" not in await frame.inner_text("#check")
    assert desk.at.sandbox.store.channels[0].taxes.charge_taxes is True


async def test_the_inbox_decides_and_takes_off(desk: Desk, filled: dict[str, str]) -> None:
    frame = await desk.open("/inbox")
    row = frame.locator("tr", has_text="TX-2026-7")
    await row.locator("text=Approve").first.click()
    await frame.click("dialog[open] button.primary")
    await desk.page.wait_for_selector("#toasts >> text=The certificate is approved")
    row = frame.locator("tr", has_text="rate table")
    await row.locator("text=Done").first.click()
    await frame.click("dialog[open] button.primary")
    await desk.page.wait_for_selector("#toasts >> text=It is off the list")
    async with desk.at.rows() as session:
        task = (await session.scalars(select(StaffTask).where(StaffTask.key == "rates-old"))).one()
        assert task.done_at is not None
        key = f"certificate:{filled['certificate']}"
        assert (await session.scalars(select(StaffTask.done_at).where(StaffTask.key == key))).one() is not None


@pytest.mark.parametrize(("theme", "locale"), LOOKS)
async def test_the_written_record_is_searched_read_and_saved(
    chromium: Browser, at: Journey, filled: dict[str, str], theme: str, locale: str
) -> None:
    text = "<script>document.title = 'taken'</script> When does the zebra come?\n" + "x" * 300
    async with at.rows() as session:
        reseller = await session.get_one(Reseller, filled["reseller"])
    letter_of = letter(text, From=reseller.email, Subject=f"<b>{LONG}</b>", Message_ID="<zebra@partner.example>")
    await receive(at.services, letter_of)
    async with desk_of(chromium, at, theme=theme, locale=locale) as desk:
        frame = await desk.open(f"/resellers/{filled['reseller']}/mails")
        await frame.fill("input[name=q]", "zebra")
        await frame.press("input[name=q]", "Enter")
        await frame.wait_for_selector("tbody tr:only-child")
        await clean(frame, "searched")
        await frame.click("tbody a")
        await frame.wait_for_selector("pre.letter")
        assert "<script>" in await frame.inner_text("pre.letter")
        await clean(frame, "one mail")
        assert not await frame.evaluate("document.documentElement.scrollWidth > innerWidth")
        async with desk.page.expect_download() as saved:
            await frame.click("[data-download]")
        assert (await saved.value).suggested_filename.endswith(".eml")
        path = await (await saved.value).path()
        assert await asyncio.to_thread(Path(path).read_bytes) == letter_of


async def test_a_page_needs_three_requests_behind_its_shell(desk: Desk, filled: dict[str, str]) -> None:
    """Scripts and styles are kept, so that a session and the page itself are all that a click waits for."""
    await desk.open("/inbox")
    asked: list[str] = []
    desk.page.on(
        "request", lambda request: asked.append(f"{request.method} {request.url.partition('?')[0].rpartition('/dashboard')[2]}")
    )
    await desk.open("/resellers")
    app = [one for one in asked if one.endswith(("/resellers", "/session")) and "extensions" not in one]
    assert app.count("POST /session") <= 2  # the Dashboard says its token twice at once
    assert app.count("GET /resellers") <= 3  # the shell twice, since it is asked for twice, and the page


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def others(at: Journey) -> AsyncIterator[None]:
    """Staff who see to customers only."""
    if not any(user.email == "users@example.com" for user in at.sandbox.store.users):
        at.sandbox.store.users.append(
            User(email="users@example.com", password=PASSWORD, is_staff=True, permissions={"MANAGE_USERS"})
        )
    yield
