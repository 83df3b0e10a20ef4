"""The sandbox's Dashboard against `dashboard-facts.md`: an app that only listens meets every trap that a real one sets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Frame, Page

from app.sandbox.app import create
from app.sandbox.rows.people import App, AppExtension, User
from app.sandbox.seed import PASSWORD, demo_store
from app.sandbox.serve import running
from app.sandbox.shop import Sandbox
from tests.browser.probe import Probe

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Shell:
    """A window with the Dashboard in it and the listening app."""

    def __init__(self, sandbox: Sandbox, probe: Probe, page: Page, app: App) -> None:
        self.sandbox, self.probe, self.page, self.app = sandbox, probe, page, app

    async def go(self, path: str) -> None:
        self.probe.asked.clear()
        await self.page.goto(f"{self.sandbox.url}/dashboard{path}")
        await self.page.wait_for_function("window.shell && window.shell.ready")

    async def frame(self, title: str, *, heard: str = "") -> Frame:
        """The frame of this title when it has heard a message of a kind."""
        element = await self.page.wait_for_selector(f'iframe[title="{title}"]')
        assert element is not None
        frame = await element.content_frame()
        assert frame is not None
        if heard:
            await frame.wait_for_function("kind => window.heard && window.heard.some(one => one.type === kind)", arg=heard)
        return frame

    async def heard(self, frame: Frame) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await frame.evaluate("window.heard")
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[tuple[Sandbox, Probe, App]]:
    application, probe = create(demo_store()), Probe()
    sandbox: Sandbox = application.state.sandbox
    async with running(application), running(probe.app) as url:
        app = App(
            name="Probe", identifier="probe", app_url=f"{url}/app", permissions={"MANAGE_ORDERS"}, created=sandbox.store.clock()
        )
        get: dict[str, Any] = {"widgetTarget": {"method": "GET"}}
        post: dict[str, Any] = {"widgetTarget": {"method": "POST"}}
        for label, mount, target, path, options, permissions in (
            ("get 1", "CUSTOMER_DETAILS_WIDGETS", "WIDGET", "/get1", get, set()),
            ("get 2", "CUSTOMER_DETAILS_WIDGETS", "WIDGET", "/get2", get, set()),
            ("post", "CUSTOMER_DETAILS_WIDGETS", "WIDGET", "/post", post, {"MANAGE_ORDERS"}),
            ("pop", "CUSTOMER_DETAILS_MORE_ACTIONS", "POPUP", "/pop", {}, {"MANAGE_ORDERS"}),
            ("home", "HOMEPAGE_WIDGETS", "WIDGET", "/home", {}, set()),
        ):
            extension = AppExtension(
                label=label, mount=mount, target=target, url=url + path, permissions=permissions, options=options
            )
            app.extensions.append(extension)
        sandbox.store.apps.append(app)
        sandbox.store.users.append(User(email="less@example.com", password=PASSWORD, is_staff=True, permissions={"MANAGE_USERS"}))
        yield sandbox, probe, app


@pytest_asyncio.fixture(loop_scope="module")
async def shell(chromium: Browser, served: tuple[Sandbox, Probe, App]) -> AsyncIterator[Shell]:
    context = await chromium.new_context()
    context.set_default_timeout(8000)
    sandbox, probe, app = served
    yield Shell(sandbox, probe, await context.new_page(), app)
    await context.close()


def customer(shell: Shell) -> str:
    return next(user.id for user in shell.sandbox.store.users if not user.is_staff)


async def test_a_frame_is_asked_for_twice_and_gets_its_token_by_message_only(shell: Shell) -> None:
    """Facts 0.1, 0.2, 0.6, 0.11, 2 and 3."""
    await shell.go(f"/extensions/app/{shell.app.id}/deep/path")
    frame = await shell.frame("Probe", heard="theme")
    asked = [one for one in shell.probe.asked if one["path"] == "/app/deep/path"]
    queries = [dict(parse_qsl(one["query"])) for one in asked]
    assert [query.get("theme") for query in queries][-1] == "light"
    assert asked[-1]["destination"] == "iframe"
    assert asked[-1]["referer"] == f"{shell.sandbox.url}/"
    assert "token" not in asked[-1]["query"].lower()
    assert "locale" not in queries[-1]
    assert queries[-1]["saleorApiUrl"] == shell.sandbox.api_url
    heard = await shell.heard(frame)
    kinds = [one["type"] for one in heard]
    assert kinds[0] == "handshake"
    hello = heard[0]["payload"]
    assert hello["version"] == 1
    assert hello["dashboardVersion"] == "v3.23.27"
    said = shell.sandbox.key.claims(hello["token"])
    assert (said["type"], said["app"], said["is_staff"]) == ("thirdparty", shell.app.id, True)
    await frame.evaluate("window.say('notifyReady')")
    await frame.wait_for_function("window.heard.some(one => one.type === 'response')")
    again = [one["type"] for one in await shell.heard(frame)]
    assert again.count("handshake") == kinds.count("handshake") + 1
    await frame.evaluate("location.href = '/app/other'")
    frame = await shell.frame("Probe", heard="handshake")
    after = [one["type"] for one in await shell.heard(frame)]
    assert "theme" not in after  # 0.6: not told again
    element = await shell.page.query_selector("iframe")
    assert element is not None
    assert await element.get_attribute("sandbox") == "allow-same-origin allow-forms allow-scripts allow-downloads allow-popups"


async def test_the_dashboards_own_query_stands_in_front(shell: Shell) -> None:
    """Facts 0.9: a crafted link reaches the app with the evil value first."""
    await shell.go(f"/extensions/app/{shell.app.id}?saleorApiUrl=https%3A%2F%2Fevil.example%2F&id=EVIL")
    await shell.frame("Probe", heard="theme")
    pairs = parse_qsl(shell.probe.asked[-1]["query"])
    assert [value for name, value in pairs if name == "saleorApiUrl"] == ["https://evil.example/", shell.sandbox.api_url]
    assert [value for name, value in pairs if name == "id"] == ["EVIL", shell.app.id]


async def test_widgets_by_get_are_handled_once_for_each_frame_of_the_origin(shell: Shell) -> None:
    """Facts 0.4, 0.10 and 0.19."""
    await shell.go(f"/customers/{customer(shell)}")
    one, two = await shell.frame("get 1", heard="theme"), await shell.frame("get 2", heard="theme")
    pairs = [name for name, _ in parse_qsl(next(ask["query"] for ask in reversed(shell.probe.asked) if ask["path"] == "/get1"))]
    assert pairs.count("id") == pairs.count("domain") == pairs.count("saleorApiUrl") == 2
    assert (await shell.heard(one))[0]["payload"]["saleorVersion"] == ""
    await one.evaluate("window.say('widgetResize', {height: 321})")
    await two.wait_for_function("window.heard.some(one => one.type === 'response')")  # a foreign answer
    for title in ("get 1", "get 2"):
        element = await shell.page.query_selector(f'iframe[title="{title}"]')
        box = await element.bounding_box() if element else None
        assert box
        assert box["height"] == 321


async def test_a_widget_by_post_has_its_token_in_the_body_and_no_handshake(shell: Shell) -> None:
    """Facts 0.3 and 2."""
    await shell.go(f"/customers/{customer(shell)}")
    frame = await shell.frame("post")
    await frame.wait_for_function("window.heard")
    asked = [one for one in shell.probe.asked if one["path"] == "/post"]
    assert len(asked) == 1
    assert asked[0]["origin"] == shell.sandbox.url
    fields = asked[0]["fields"]
    assert set(fields) == {"saleorApiUrl", "accessToken", "appId", "customerId"}
    assert shell.sandbox.key.claims(fields["accessToken"])["permissions"] == ["MANAGE_ORDERS"]
    await frame.evaluate("for (const kind of ['notifyReady', 'notification', 'refreshEntity', 'openPopup']) window.say(kind)")
    await frame.evaluate("window.say('widgetResize', {height: 222})")
    await frame.wait_for_function("window.heard.some(one => one.type === 'response')")
    await shell.page.evaluate("window.shell.refresh()")
    await frame.wait_for_function("window.heard.some(one => one.type === 'tokenRefresh')")
    heard = [(one["type"], one["payload"].get("actionId")) for one in await shell.heard(frame)]
    assert [entry for entry in heard if entry[0] == "response"] == [("response", "widgetResize")]
    assert {kind for kind, _ in heard} == {"response", "tokenRefresh"}


async def test_a_popup_gets_no_newer_token(shell: Shell) -> None:
    """Facts 0.7: also `notifyReady` repeats the one it had."""
    await shell.go(f"/customers/{customer(shell)}")
    await shell.page.click("#top button")
    frame = await shell.frame("pop", heard="theme")
    first = next(one for one in await shell.heard(frame) if one["type"] == "handshake")["payload"]["token"]
    shell.sandbox.app_access = timedelta(minutes=9)
    await shell.page.evaluate("window.shell.refresh()")
    await frame.evaluate("window.say('notifyReady')")
    await frame.wait_for_function("window.heard.some(one => one.type === 'response')")
    heard = await shell.heard(frame)
    assert {one["payload"]["token"] for one in heard if one["type"] == "handshake"} == {first}
    # Of the page's other frames it hears nothing either; a GET widget beside it is told.
    assert not [one for one in heard if one["type"] == "tokenRefresh"]
    await frame.evaluate("window.say('popupClose')")
    await shell.page.wait_for_selector("iframe[title=pop]", state="detached")


async def test_whoever_lacks_a_permission_gets_the_widget_with_an_empty_token(shell: Shell) -> None:
    """Facts 0.8: only menus and the home are filtered."""
    await shell.go("/")
    await shell.page.evaluate("window.shell.setStaff('less@example.com')")
    await shell.go(f"/customers/{customer(shell)}")
    frame = await shell.frame("post")
    await frame.wait_for_function("window.heard")
    assert next(one for one in shell.probe.asked if one["path"] == "/post")["fields"]["accessToken"] == ""
    await shell.page.click("#top button")
    popup = await shell.frame("pop", heard="handshake")
    assert (await shell.heard(popup))[0]["payload"]["token"] == ""


async def test_a_home_widget_comes_by_post_and_keeps_its_size(shell: Shell) -> None:
    """Facts 0.18 and 6."""
    await shell.go("/")
    frame = await shell.frame("home")
    await frame.wait_for_function("window.heard")
    assert shell.probe.asked[-1]["method"] == "POST"
    await frame.evaluate("window.say('widgetResize', {height: 999})")
    await frame.wait_for_function("window.heard.some(one => one.type === 'response')")
    element = await shell.page.query_selector("iframe")
    box = await element.bounding_box() if element else None
    assert box
    assert box["height"] == 200


async def test_what_a_frame_may_ask(shell: Shell) -> None:
    """Facts 6: routing, notices, and what has no answer."""
    await shell.go(f"/extensions/app/{shell.app.id}")
    frame = await shell.frame("Probe", heard="theme")
    await frame.evaluate("window.say('updateRouting', {newRoute: 'a/b?c=1'})")
    await frame.evaluate("window.say('notification', {status: 'success', title: 'Saved', text: 'ok'})")
    await frame.evaluate("window.say('unknown', {})")
    await frame.evaluate("window.say('redirect', {to: location.ancestorOrigins[0] + '/x'})")
    await frame.wait_for_function("window.heard.filter(one => one.type === 'response').length === 3")
    answers = {one["payload"]["actionId"]: one["payload"]["ok"] for one in await shell.heard(frame) if one["type"] == "response"}
    assert answers == {"updateRouting": True, "notification": True, "redirect": False}
    assert unquote(shell.page.url).endswith(f"/extensions/app/{shell.app.id}/a/b?c=1")  # an id may end in signs that are quoted
    assert "Saved" in await shell.page.inner_text("#toasts")
    await shell.page.evaluate("window.shell.setTheme('dark'); window.shell.setLocale('de')")
    await frame.wait_for_function("window.heard.some(one => one.type === 'theme' && one.payload.theme === 'dark')")
    assert [one["payload"]["locale"] for one in await shell.heard(frame) if one["type"] == "localeChanged"][-1] == "de"
    await frame.evaluate("window.say('redirect', {to: '/customers'})")
    await shell.page.wait_for_url("**/dashboard/customers")
