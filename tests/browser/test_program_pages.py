"""Staff who set the program's terms: price lists, tax, settings and reports, in the Dashboard's frames."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from sqlalchemy import select

from app.files.service import Upload
from app.orders import price_changes, shop_settings
from app.orders.certificates import HandedIn, decide, hand_in
from app.pricing import service
from app.pricing.draft import Draft
from app.pricing.rules import Scope
from app.pricing.tables import PriceChange, PriceListRow
from app.resellers import policy
from app.tax.certificates import get_certificate
from app.tax.rules import CertificateState
from app.tax.service import import_rates, load_tax, register_state
from app.web.dashboard.rendering import STATIC
from tests.browser.conftest import Desk, desk_of
from tests.browser.figures import COMPANIES, fill_reports
from tests.browser.test_pages import clean
from tests.browser.world import LONG, fill
from tests.journeys.harness import Journey

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGES = [
    "/prices", "/prices/default", "/prices/{list}", "/prices/default/file", "/prices/default/planned",
    "/prices/default/planned/{change}", "/prices/{list}/resellers", "/prices/default/history", "/prices/default/history/2",
    "/prices/preview?reseller=reseller@example.com&sku=GRID-DEV&quantity=3",
    "/tax", "/tax?status=all", "/tax/certificates/{certificate}", "/tax/certificates/{paper}", "/tax/registrations", "/tax/rates",
    "/reports", "/reports/days?period=all", "/reports/ageing", "/reports/exempt?period=own", "/reports?period=last_year&q=nobody",
    "/settings", "/settings/seller", "/settings/documents", "/settings/mails",
    "/settings/mails/templates/order_received.de", "/settings/mails/templates/layout",
    "/settings/accounts", "/settings/keys", "/settings/policy", "/settings/policy/2027",
]  # fmt: skip
LOGO = STATIC / "logo.png"
LOOKS = [("light", "en"), ("dark", "de")]


async def fill_program(at: Journey) -> dict[str, str]:
    """`fill`, with prices that differ by thing and day."""
    ids = await fill(at)
    cap, now = at.shop.settings.program.max_discount_percent, at.services.clock()
    today, by = at.services.today(at.shop), "ada@vendor.example"
    variant = at.sandbox.store.products[0].variants[0]
    async with at.rows() as session:
        await service.set_entry(
            session, scope=Scope.VARIANT, target=variant.id, label=variant.sku, rate=Decimal("7.5"), cap=cap, today=today,
            by=by, at=now, why="Less for what is new.",
        )  # fmt: skip
        await service.set_entry(
            session, scope=Scope.CATEGORY, target="Q2F0ZWdvcnk6MQ==", label=LONG, rate=Decimal(5), cap=cap, today=today,
            by=by, at=now, minimum_quantity=10, valid_from=today, valid_to=today + timedelta(90),
        )  # fmt: skip
        row = await service.set_rate(session, Decimal(8), cap=cap, today=today, by=by, at=now, name="Consultants")
        await service.assign(session, ids["reseller"], "Consultants", by=by, at=now)
    async with at.rows() as session:
        change, _ = await price_changes.plan(
            session, at.services, at.shop, Draft(rate=Decimal(9)), on=today + timedelta(40), by=by, why="New year."
        )
    text = "state,zip,rate,valid_from\nTX,,6.25,2026-01-01\nTX,73301,8.25,2026-01-01\nOK,,4.5,2026-01-01\n"
    async with at.rows() as session:
        await register_state(session, "TX", valid_from=date(2026, 1, 1))
        await policy.publish(session, "2027", "# Policy\n\nBe fair.", "# Richtlinie\n\nSeien Sie fair.", date(2027, 1, 1), now)
        await register_state(session, "NV", valid_from=date(2026, 1, 1), valid_to=date(2026, 3, 31))
        await import_rates(session, text, version="2026-1.csv", at=now - timedelta(days=120))
    given = HandedIn("RS-77", ("TX", "NY"), date(2026, 2, 1), date(2026, 2, 1), form="MTC Uniform Sales")
    paper = await hand_in(at.services, at.shop, ids["reseller"], given, Upload(LOGO.read_bytes(), "paper.png"), by="b@p.example")
    await fill_reports(at)
    return {**ids, "list": row.id, "change": change.id, "paper": paper.id}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(at: Journey) -> dict[str, str]:
    return await fill_program(at)


@pytest.mark.parametrize(("theme", "locale"), LOOKS)
async def test_every_page_of_the_program(chromium: Browser, at: Journey, filled: dict[str, str], theme: str, locale: str) -> None:
    """Each opens by its address, in the theme and language of the Dashboard, and is usable by everybody."""
    async with desk_of(chromium, at, theme=theme, locale=locale) as desk:
        for path in PAGES:
            frame = await desk.open(path.format(**filled))
            assert await frame.inner_text("h1"), path
            await frame.wait_for_selector(f"html[lang={locale}]", state="attached")
            await clean(frame, path)
            assert not await frame.evaluate("document.documentElement.scrollWidth > innerWidth"), f"{path} is too wide"


async def test_a_report_is_chosen_remembered_saved_and_followed_to_a_reseller(desk: Desk, filled: dict[str, str]) -> None:
    frame = await desk.open("/reports")
    assert await frame.locator("svg.chart rect.bar").count() == 12
    await frame.select_option("select[name=period]", "own")
    await frame.wait_for_selector("input[name=from]")
    await frame.select_option("select[name=currency]", "EUR")
    await desk.page.wait_for_url("**/reports?period=own&from=*&currency=EUR**")
    await frame.click("th a:has-text('Credited')")
    await frame.wait_for_selector("th[aria-sort=ascending]")
    await frame.click("nav >> text=Ageing")
    await frame.wait_for_selector("h2:has-text('Open by days overdue')")
    assert "EUR" in await frame.inner_text(".numbers")
    async with desk.page.expect_download() as saved:
        await frame.click("text=Export CSV")
    assert (await saved.value).suggested_filename.startswith("ageing-")
    await frame.click(".menu >> text=Inbox")
    await frame.wait_for_selector("h1:has-text('What needs a person')")
    await frame.click(".menu >> text=Reports")
    await frame.wait_for_selector("th[aria-sort=ascending]")
    assert await frame.input_value("select[name=currency]") == "EUR", "as it was left"
    await frame.click("text=Refresh now")
    await desk.page.wait_for_selector("#toasts >> text=The books are being added up")
    await desk.at.idle()
    frame = await desk.open("/reports?period=12_months&by=-orders")
    await frame.click("text=Clear filters")
    await frame.wait_for_selector("nav.pager >> text=Next")
    await frame.click("nav.pager >> text=Next")
    await frame.wait_for_selector("nav.pager >> text=Back to the start")
    await frame.click("tbody th a >> nth=0")
    await frame.wait_for_selector("h1 .pill")
    name = await frame.inner_text("h1")
    assert any(company in name for company in COMPANIES)


async def test_an_entry_is_set_above_the_cap_with_an_exception_only(desk: Desk, filled: dict[str, str]) -> None:
    frame = await desk.open(f"/prices/{filled['list']}")
    assert "no entries" in await frame.inner_text("main")
    await frame.click("text=Add entry")
    await frame.fill("#new-target", "GRID-TEAM")
    await frame.fill("#new-rate", "15")
    await frame.click("dialog#entry button.primary")
    await frame.wait_for_selector("dialog#entry .problem >> text=above the cap")
    assert await frame.input_value("#new-target") == "GRID-TEAM"
    await frame.click("dialog#entry summary")
    await frame.fill("#new-exception", "A large deal.")
    await frame.fill("#new-expires", "2099-12-31")
    await frame.click("dialog#entry button.primary")
    await desk.page.wait_for_selector("#toasts >> text=The list is changed")
    assert "GRID-TEAM" in await frame.inner_text("table")
    assert "Up to 15 %" in await frame.inner_text(".notice.warn")


async def test_a_list_that_somebody_else_changed(desk: Desk, filled: dict[str, str]) -> None:
    """What they did is shown beside the form, which keeps what was typed."""
    frame = await desk.open("/prices/default")
    await frame.click("text=Change discount")
    await frame.fill("#list-rate", "6")
    async with desk.at.rows() as session:
        now, today = desk.at.services.clock(), desk.at.services.today(desk.at.shop)
        draft = Draft(rate=Decimal("9.5"))
        await service.change(session, draft, cap=10, today=today, by="other@vendor.example", at=now, why="Theirs.")
    await frame.click("dialog#rate button.primary")
    told = await frame.wait_for_selector("dialog#rate .problem .notice")
    assert told is not None
    assert "other@vendor.example: Theirs." in await told.inner_text()
    assert await frame.input_value("#list-rate") == "6"
    async with desk.at.rows() as session:
        assert (await service.known_list(session, cap=10)).rate == Decimal("9.5")


async def test_a_file_is_tried_mended_and_imported(desk: Desk, filled: dict[str, str], tmp_path: Path) -> None:
    frame = await desk.open("/prices/default/file")
    async with desk.page.expect_download() as download:
        await frame.click("text=Export CSV")
    saved = tmp_path / "saved.csv"
    await (await download.value).save_as(saved)
    exported = saved.read_text("utf-8-sig")
    assert "GRID-DEV" in exported
    file = tmp_path / "prices.csv"
    file.write_text("scope,target,rate\nlist,,7\nvariant,,x\nplanet,9,1\n")
    await frame.set_input_files("#file", file)
    await frame.click("text=Show what would change")
    told = await frame.wait_for_selector("form .problem .notice")
    assert told is not None
    words = await told.inner_text()
    assert "line 3" in words
    assert "line 4" in words
    file.write_text(exported + "variant,,GRID-TEAM,4,,,,,\n")
    await frame.set_input_files("#file", [])
    await frame.set_input_files("#file", file)
    await frame.click("text=Show what would change")
    await frame.wait_for_selector("#difference >> text=1 added")
    await clean(frame, "dry run")
    async with desk.at.rows() as session:
        before = (await service.known_list(session, cap=10)).version
    await frame.click("button:text-is('Import')")
    await desk.page.wait_for_selector("#toasts >> text=The list is changed")
    await frame.wait_for_selector("table >> text=GRID-TEAM")
    async with desk.at.rows() as session:
        assert (await service.known_list(session, cap=10)).version == before + 1


async def test_a_change_is_planned_and_canceled(desk: Desk, filled: dict[str, str]) -> None:
    day = (desk.at.services.today(desk.at.shop) + timedelta(60)).isoformat()
    frame = await desk.open(f"/prices/{filled['list']}")
    await frame.click("text=Change discount")
    await frame.fill("#list-rate", "5,5")
    await frame.fill("#rate-on", day)
    await frame.click("dialog#rate button.primary")
    await frame.wait_for_selector("dialog#rate .problem >> text=needs a reason")
    await frame.fill("#rate-why", "Costs rise.")
    await frame.click("dialog#rate button.primary")
    await desk.page.wait_for_selector("#toasts >> text=The change is planned")
    await frame.click("tbody a")
    await frame.wait_for_selector("text=8 % → 5.5 %")
    await frame.click("button:text-is('Cancel the change')")
    await frame.fill("#cancel-reason", "They do not.")
    await frame.click("dialog#cancel button.critical")
    await desk.page.wait_for_selector("#toasts >> text=The change is canceled")
    async with desk.at.rows() as session:
        lists = select(PriceChange.state).join(PriceListRow).where(PriceListRow.name == "Consultants")
        assert list(await session.scalars(lists)) == ["canceled"]


async def test_the_chain_of_reasons_of_a_price(desk: Desk, filled: dict[str, str]) -> None:
    frame = await desk.open("/prices/preview")
    await frame.fill("#reseller", "reseller@example.com")
    await frame.fill("#sku", "NO-SUCH")
    await frame.click("text=Show price")
    await frame.wait_for_selector(".problem >> text=no variant with the SKU")
    assert await frame.input_value("#reseller") == "reseller@example.com"
    await frame.fill("#sku", "GRID-DEV")
    await frame.fill("#quantity", "3")
    await frame.click("text=Show price")
    await frame.wait_for_selector("li >> text=The retail price is")


async def test_a_certificate_is_looked_at_and_decided_once(desk: Desk, filled: dict[str, str]) -> None:
    """Its picture is shown as data; of two people the second sees what the first decided, and keeps what was typed."""
    frame = await desk.open("/tax")
    await frame.click("text=RS-77")
    await frame.wait_for_selector("text=needs its own form")
    assert await frame.eval_on_selector("img.paper", "one => one.complete && one.naturalWidth > 0")
    await frame.click("button:text-is('Reject')")
    await frame.fill("#reject-reason", "Mine.")
    services, shop = desk.at.services, desk.at.shop
    async with desk.at.rows() as session:
        await decide(
            session, services, shop, filled["paper"], CertificateState.REJECTED, by="other@vendor.example", reason="Theirs."
        )
    await frame.click("dialog#reject button.critical")
    told = await frame.wait_for_selector("dialog#reject .problem .notice")
    assert told is not None
    assert "other@vendor.example: Theirs." in await told.inner_text()
    assert await frame.input_value("#reject-reason") == "Mine."
    frame = await desk.open(f"/tax/certificates/{filled['certificate']}")
    await frame.click("button:text-is('Approve')")
    await frame.click("dialog#approve button.primary")
    await desk.page.wait_for_selector("#toasts >> text=The certificate is approved")
    await frame.click("button:text-is('Revoke')")
    await frame.fill("#revoke-reason", "The state withdrew it.")
    await frame.click("dialog#revoke button.critical")
    await desk.page.wait_for_selector("#toasts >> text=The certificate is revoked")
    async with desk.at.rows() as session:
        assert (await get_certificate(session, filled["certificate"])).reason == "The state withdrew it."


async def test_rates_are_imported_and_a_state_registered(desk: Desk, filled: dict[str, str], tmp_path: Path) -> None:
    frame = await desk.open("/tax/rates")
    await frame.wait_for_selector(".notice.info >> text=0 days ago")
    await frame.click("text=Import rates")
    file = tmp_path / "2026-12.csv"
    file.write_text("state,rate,valid_from\nTX,x,2026-01-01\nZZ,1,2026-01-01\n")
    await frame.set_input_files("#file", file)
    await frame.click("dialog#import button.primary")
    await frame.wait_for_selector("dialog#import .problem >> text=line 3")
    file.write_text("state,rate,valid_from\nWA,6.5,2026-01-01\n")
    await frame.set_input_files("#file", [])
    await frame.set_input_files("#file", file)
    await frame.click("dialog#import button.primary")
    await desk.page.wait_for_selector("#toasts >> text=Not registered in WA")
    await frame.wait_for_selector("td >> text=2026-12.csv")
    await frame.click("text=Registrations")
    await frame.click("text=Add registration")
    await frame.select_option("#us_state", "WA")
    await frame.click("dialog#register button.primary")
    await desk.page.wait_for_selector("#toasts >> text=The registration in Washington is set")
    async with desk.at.rows() as session:
        assert "WA" in (await load_tax(session)).registrations


async def test_numbers_that_cannot_be_are_told_at_their_fields(desk: Desk, filled: dict[str, str]) -> None:
    frame = await desk.open("/settings")
    await frame.fill("#program-payment_days", "400")
    await frame.fill("#program-reminder_days", "-3, soon")
    await frame.click("button.primary")
    await frame.wait_for_selector("#program-reminder_days-wrong >> text=whole numbers")
    await frame.fill("#program-reminder_days", "-3, 7")
    await frame.click("button.primary")
    await frame.wait_for_selector("#program-payment_days-wrong >> text=365")
    assert await frame.inner_text("#program-reminder_days-wrong") == ""
    assert await frame.input_value("#program-payment_days") == "400"
    await frame.fill("#program-payment_days", "14")
    await frame.fill("#program-interest_rates", "2026-01-01 8.5")
    await frame.click("button.primary")
    await desk.page.wait_for_selector("#toasts >> text=The settings are stored")
    assert await frame.input_value("#program-payment_days") == "14"
    found = (await shop_settings.current(desk.at.services, desk.at.shop)).program
    assert (found.payment_days, found.reminder_days, found.interest_rates[0].percent) == (14, [-3, 7], Decimal("8.5"))


async def test_accounts_keys_and_policy(desk: Desk, filled: dict[str, str]) -> None:
    frame = await desk.open("/settings/accounts")
    await frame.click("text=Set account")
    await frame.fill("#new-currency", "gbp")
    await frame.fill("#new-beneficiary", "Components Inc")
    await frame.fill("#new-iban", "GB00 WRONG")
    await frame.click("dialog#add button.primary")
    await frame.wait_for_selector("dialog#add .problem .notice")
    await frame.fill("#new-iban", "GB29NWBK60161331926819")
    await frame.click("dialog#add button.primary")
    await desk.page.wait_for_selector("#toasts >> text=The settings are stored")
    assert "GB29 NWBK" in await frame.inner_text("table")
    await frame.click("text=License keys")
    await frame.click("text=New key")
    await frame.click("dialog#rotate button.critical")
    await desk.page.wait_for_selector("#toasts >> text=signs now")
    assert await frame.eval_on_selector_all("tbody tr", "all => all.length") == 2


async def test_documents_carry_what_the_vendor_sets(desk: Desk, filled: dict[str, str]) -> None:
    frame = await desk.open("/settings/documents")
    await frame.check("#documents-e_invoice")
    await frame.fill("#documents-accent_color", "#006633")
    await frame.fill("#documents-footer-de", "Amtsgericht München")
    await frame.click("button:text-is('Save')")
    await desk.page.wait_for_selector("#toasts >> text=The settings are stored")
    await frame.set_input_files("#file", LOGO)
    await frame.click("text=Use this picture")
    await frame.wait_for_selector("img.logo")
    assert await frame.evaluate("document.querySelector('img.logo').naturalWidth") > 0
    found = (await shop_settings.current(desk.at.services, desk.at.shop)).documents
    assert (found.e_invoice, found.accent_color, found.footer.de, bool(found.logo)) == (
        True,
        "#006633",
        "Amtsgericht München",
        True,
    )
    await frame.click("text=Remove")
    await frame.click("dialog#no-logo button.critical")
    await frame.wait_for_selector("text=No logo yet")


async def test_a_template_is_tried_in_its_frame_and_put_in_force(desk: Desk, filled: dict[str, str]) -> None:
    """The mail has its own styles, runs no script, and what is wrong is told with its line beside what was typed."""
    frame = await desk.open("/settings/mails")
    await frame.click("text=Send a test to")
    await frame.wait_for_selector("#tried >> text=No mail server is set")
    await frame.click("a[href$='templates/order_received.en']")
    mail = frame.frame_locator("iframe.mail")
    await mail.locator("text=Thank you for your order").wait_for()
    width = await mail.locator("body").evaluate("one => getComputedStyle(one).backgroundColor")
    assert width != "rgba(0, 0, 0, 0)", "the styles of the mail count"
    source = await frame.input_value("#source")
    await frame.fill("#source", source.replace("c.order_number", "c.order_numbers", 1))
    await frame.click("text=Put in force")
    await frame.wait_for_selector(".problem >> text=order_received.en, line 3")
    changed = source.replace("Thank you", "<script>document.body.textContent='run'</script>Howdy", 1)
    await frame.fill("#source", changed)
    await frame.click("text=Preview this")
    await mail.locator("text=Howdy").wait_for()
    await frame.fill("#source", source.replace("Thank you", "Howdy, thank you", 1))
    await frame.click("text=Put in force")
    await desk.page.wait_for_selector("#toasts >> text=The template is in force")
    await mail.locator("text=Howdy, thank you").wait_for()
    await frame.click("text=Take the built-in one")
    await frame.click("dialog#reset button.critical")
    await desk.page.wait_for_selector("#toasts >> text=The built-in template is in force")
