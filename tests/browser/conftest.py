"""One running installation, its shop and Debian's Chromium for all tests of a module: staff at work in the Dashboard's frames."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Frame, Page, async_playwright

from tests.journeys.harness import Journey, journey

CHROMIUM = shutil.which("chromium")


@dataclass
class Desk:
    """A staff member's browser window with the Dashboard in it."""

    at: Journey
    page: Page
    problems: list[str]
    """What the browser complained of; in the end there is nothing."""

    async def go(self, path: str) -> None:
        """Open a page of the Dashboard."""
        await self.page.goto(f"{self.at.sandbox.url}/dashboard{path}")
        await self.page.wait_for_function("window.shell && window.shell.ready")

    @property
    def app_id(self) -> str:
        return next(app.id for app in self.at.sandbox.store.apps if app.extensions)

    async def open(self, path: str) -> Frame:
        """Open a page of the app in the Dashboard; the frame when it shows the page."""
        await self.go(f"/extensions/app/{self.app_id}{path}")
        return await self.frame()

    async def frame(self, selector: str = "iframe") -> Frame:
        """The frame of the app, when it shows a page."""
        element = await self.page.wait_for_selector(selector)
        assert element is not None
        frame = await element.content_frame()
        assert frame is not None
        if await element.get_attribute("src"):  # asked for twice: the second time counts
            await frame.wait_for_function("performance.getEntriesByType('navigation')[0].name.includes('theme=')")
        await frame.wait_for_selector("#page[aria-busy=false] [data-title], [data-frame=widget] [data-title]")
        return frame

    async def settled(self) -> None:
        """When what was pressed has been answered."""
        frame = await self.frame()
        await frame.wait_for_selector("#page[aria-busy=false]")

    async def said(self, kind: str) -> list[dict[str, Any]]:
        """The messages of a kind that the Dashboard got."""
        log: list[dict[str, Any]] = await self.page.evaluate("window.shell.log")
        return [entry["payload"] for entry in log if entry["type"] == kind]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Journey]:
    directory: Path = tmp_path_factory.mktemp("browser")
    async with journey(f"sqlite+aiosqlite:///{directory}/reseller.db", directory) as found:
        yield found


@asynccontextmanager
async def desk_of(
    chromium: Browser, at: Journey, *, theme: str = "light", locale: str = "en", staff: str = ""
) -> AsyncIterator[Desk]:
    """A window of its own, as the Dashboard is set up for somebody."""
    context = await chromium.new_context(viewport={"width": 1400, "height": 1000}, locale=locale, timezone_id="Europe/Berlin")
    values = f"shell.theme={theme};shell.locale={locale};shell.staff={staff}".split(";")
    pairs = [value.split("=", 1) for value in values]
    await context.add_init_script(
        "if (location.pathname.startsWith('/dashboard') && window.top === window) {"
        + "".join(
            f"if (localStorage.getItem('{name}') === null) localStorage.setItem('{name}', '{value}');" for name, value in pairs
        )
        + "}"
    )
    context.set_default_timeout(30_000)
    page = await context.new_page()
    problems: list[str] = []

    def told(message: ConsoleMessage) -> None:
        # A refusal is an answer like any other; the browser notes each that is not below 400.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            problems.append(message.text)

    page.on("console", told)
    page.on("pageerror", lambda error: problems.append(str(error)))
    try:
        yield Desk(at, page, problems)
    finally:
        await (
            context.close()
        )  # a page that a failed test left open would go on asking the installation, which waits for it to end
    assert problems == []


@pytest_asyncio.fixture(loop_scope="module")
async def desk(chromium: Browser, at: Journey) -> AsyncIterator[Desk]:
    async with desk_of(chromium, at) as found:
        yield found
