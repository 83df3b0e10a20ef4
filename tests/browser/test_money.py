"""Payments, licenses and statements inside the Dashboard's frame: every state in both looks, and every way of deciding."""

from __future__ import annotations

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from sqlalchemy import select

from app.bank.tables import BankImport, BankLineRow, LearnedPayer
from app.licenses.tables import License
from tests.browser.conftest import Desk, desk_of
from tests.browser.money import fill_money, statement_file
from tests.browser.test_pages import LOOKS, clean
from tests.browser.world import fill
from tests.journeys.harness import Journey

pytestmark = pytest.mark.asyncio(loop_scope="module")
EMPTY = [
    "/payments",
    "/payments/imports",
    "/payments/payers",
    "/licenses",
    "/statements",
    "/statements/runs",
    "/statements/reminders",
]
FULL = [
    *EMPTY, "/payments/imports/{import}", "/payments/lines/{proposal}", "/payments/lines/{unmatched}?q=lone",
    "/licenses/{license}", "/licenses/verify", "/statements/{statement}",
]  # fmt: skip


async def test_without_anything_every_page_says_what_to_do_next(desk: Desk) -> None:
    for path in EMPTY:
        frame = await desk.open(path)
        assert await frame.query_selector(".empty"), path
        await clean(frame, path)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(at: Journey) -> dict[str, str]:
    return await fill(at) | await fill_money(at)


@pytest.mark.parametrize(("theme", "locale"), LOOKS)
async def test_every_page_in_its_frame(chromium: Browser, at: Journey, filled: dict[str, str], theme: str, locale: str) -> None:
    async with desk_of(chromium, at, theme=theme, locale=locale) as desk:
        for path in FULL:
            frame = await desk.open(path.format(**filled))
            assert await frame.inner_text("h1"), path
            await frame.wait_for_selector(f"html[lang={locale}]", state="attached")
            await clean(frame, path)
            assert not await frame.evaluate("document.documentElement.scrollWidth > innerWidth"), f"{path} is too wide"


async def test_a_file_is_tried_imported_and_undone(desk: Desk, filled: dict[str, str]) -> None:
    frame = await desk.open("/payments/imports")
    content = statement_file(("9.99", "for nobody", "Nobody Ltd"))
    limit = await frame.evaluate("document.querySelector('#file').dataset.maxBytes")
    assert limit == str(200 * 1024 * 1024)
    await frame.evaluate("document.querySelector('#file').dataset.maxBytes = 1048576")
    await frame.set_input_files("#file", {"name": "large.sta", "mimeType": "text/plain", "buffer": b"x" * 1_048_577})
    await frame.wait_for_selector(".problem >> text=it was not sent")
    await frame.set_input_files("#file", {"name": "april.sta", "mimeType": "text/plain", "buffer": b"no bank file at all"})
    await frame.click("button[value=dry]")
    await frame.wait_for_selector("#import .problem [role=alert]")
    await frame.set_input_files("#file", {"name": "april.sta", "mimeType": "text/plain", "buffer": content})
    await frame.click("button[value=dry]")
    await frame.wait_for_selector("#report >> text=Nobody Ltd")
    assert await frame.query_selector("#import .problem [role=alert]") is None
    await clean(frame, "the dry run")
    await frame.click("button[value=import]")  # the form still has its file
    await frame.wait_for_selector("#report >> text=The file is imported")
    await frame.wait_for_selector("#imports >> text=april.sta")
    await frame.click("#report >> text=See the file")
    await frame.wait_for_selector("h1 >> text=april.sta")
    await frame.click("text=Undo this file")
    assert "owed again" in await frame.inner_text("dialog#undo")
    await frame.click("dialog#undo button.critical")
    await desk.page.wait_for_selector("#toasts >> text=The file is being undone")
    await frame.wait_for_selector("text=undid it")  # the page shows it by itself
    await desk.page.wait_for_url("**/payments/imports/*")
    async with desk.at.rows() as session:
        row = (await session.scalars(select(BankImport).where(BankImport.file_name == "april.sta"))).one()
    assert row.state == "undone"


async def test_money_is_shared_out_with_a_running_rest(desk: Desk, filled: dict[str, str]) -> None:
    frame = await desk.open("/payments?which=unmatched")
    await frame.click("article >> text=Share out")
    await frame.wait_for_selector("text=Search for the orders")
    await frame.fill("input[name=q]", "lone star")
    await frame.press("input[name=q]", "Enter")
    await frame.fill(f'input[name="part:{filled["owed"]}"]', "100,40")
    assert await frame.inner_text("[data-left]") == "USD\xa023.05"
    await frame.fill(f'input[name="part:{filled["other"]}"]', "999")
    assert "late" in (await frame.get_attribute("[data-left]", "class") or "")
    await frame.click("form[data-share] >> text=Share out")
    await frame.wait_for_selector("form[data-share] .problem [role=alert]")
    assert await frame.input_value(f'input[name="part:{filled["owed"]}"]') == "100,40"
    await frame.click("text=Fill the oldest first")
    assert await frame.inner_text("[data-left]") == "USD\xa00.00"
    await frame.click("form[data-share] >> text=Share out")
    await desk.page.wait_for_selector("#toasts >> text=Shared out and booked")
    await frame.wait_for_selector("text=What it paid")
    async with desk.at.rows() as session:
        assert (await session.scalars(select(LearnedPayer.shown))).first() == "Unknown Payer Inc"


async def test_a_proposal_is_accepted_but_not_by_two(desk: Desk, filled: dict[str, str]) -> None:
    frame = await desk.open("/payments?which=proposal")
    card = frame.locator("article", has_text="5,000.00")
    await card.locator("[data-dialog]").click()
    await frame.fill(f"#reason-{filled['proposal']}", "Mine.")
    async with desk.at.rows() as session:  # meanwhile somebody else decides
        line = (await session.scalars(select(BankLineRow).where(BankLineRow.id == filled["proposal"]))).one()
        line.confidence += 1
    await card.locator("dialog button.critical").click()
    await card.locator("dialog >> text=Somebody else decided").wait_for()
    assert await frame.input_value(f"#reason-{filled['proposal']}") == "Mine."
    await card.locator("dialog >> text=Show it as it is now").click()
    await frame.wait_for_selector("h1 >> text=5,000.00")
    await frame.click(".head >> text=Accept")
    await desk.page.wait_for_selector("#toasts >> text=Booked")
    await frame.wait_for_selector("[data-share='4805.15']")


async def test_a_license_is_revoked_with_a_reason_and_a_file_verified(desk: Desk, filled: dict[str, str]) -> None:
    async with desk.at.rows() as session:
        row = (await session.scalars(select(License).where(License.id == filled["license"]))).one()
    frame = await desk.open(f"/licenses?q={row.order_number}")
    await frame.click("tbody th a")
    await frame.wait_for_selector(f"h1 >> text={row.sku}")
    await frame.click(".head >> text=Revoke")
    assert "cannot be downloaded" in await frame.inner_text("dialog#revoke")
    await frame.fill("#revoke-reason", "charged back")
    await frame.click("dialog#revoke button.critical")
    await frame.wait_for_selector("h1 >> text=revoked")
    await frame.click(".menu >> text=Licenses")
    await frame.click("text=Verify a license file")
    await frame.fill("textarea", row.file)
    await frame.click("button.primary")
    await frame.wait_for_selector("[role=status] >> text=was revoked")
    assert await frame.input_value("textarea") == row.file.strip()


async def test_a_statement_opens_in_a_tab_of_its_own(desk: Desk, filled: dict[str, str]) -> None:
    frame = await desk.open(f"/statements/{filled['statement']}")
    await frame.click("text=Open PDF")
    await desk.page.wait_for_function("window.shell.log.some(one => one.type === 'redirect')")
    (asked,) = await desk.said("redirect")
    assert asked["newContext"]
    assert "/documents/" in asked["to"]
    answer = await desk.page.request.get(asked["to"])
    assert (await answer.body()).startswith(b"%PDF")
    async with desk.page.expect_download() as saved:
        await frame.click("text=CSV")
    assert (await saved.value).suggested_filename == f"statement-{filled['statement']}.csv"
