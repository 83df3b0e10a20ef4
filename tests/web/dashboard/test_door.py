"""Who gets a session and by what, who may frame the pages, and what a page says to somebody who may not see it."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest

from app.orders.service import find_order
from app.web.dashboard.rendering import SCRIPTS, STATIC
from app.web.dashboard.session import LIFE
from tests.orders.builders import API
from tests.web.dashboard.conftest import ALL, DASHBOARD, Dashboard, shell_of, staff_token
from tests.web.storefront.conftest import AT, OTHER

FRAMES = re.compile(r"frame-ancestors ([^;]+)")
REFUSED: dict[str, dict[str, Any]] = {
    "token_malformed": {"user_permissions": "MANAGE_ORDERS"},
    "token_owner": {"owner": "somebody"},
    "token_type": {"type": "access"},
    "token_audience": {"aud": "custom:shop"},
    "token_expired": {"iat": AT - 900, "exp": AT - 600},
    "token_early": {"iat": AT + 900, "exp": AT + 1200},
    "token_app": {"app": "QXBwOjI="},
    "token_staff": {"is_staff": False},
    "token_issuer": {"iss": "https://evil.example/graphql/"},
}


async def test_a_session_is_given_for_the_shop_s_own_token_only(dashboard: Dashboard) -> None:
    for code, changed in REFUSED.items():
        bearer = {"Authorization": f"Bearer {staff_token(**changed)}"}
        answer = await dashboard.client.post("/dashboard/session", headers=bearer)
        assert answer.status_code == 401, code
        assert "set-cookie" not in answer.headers
    forged = f"{staff_token()[:-8]}AAAAAAAA"
    for header in ({}, *({"Authorization": value} for value in ("Basic x", "Bearer ", f"Bearer {forged}"))):
        assert (await dashboard.client.post("/dashboard/session", headers=header)).status_code == 401
    # Whatever the address says, the shop is the one that signed.
    answer = await dashboard.client.post(
        f"/dashboard/session?saleorApiUrl={OTHER}", headers={"Authorization": f"Bearer {staff_token()}"}
    )
    assert answer.status_code == 200
    assert answer.json()["seconds"] == LIFE.total_seconds()
    assert "set-cookie" not in answer.headers


async def test_nothing_ambient_opens_a_page(dashboard: Dashboard) -> None:
    """Without the header there is a shell without data, and for a form nothing, whatever cookies come along."""
    session = await dashboard.session()
    plain = await dashboard.client.get("/dashboard/orders/1", headers={"Cookie": f"dashboard-session={session}"})
    assert plain.status_code == 200
    assert "19.49" not in plain.text
    form = await dashboard.client.post("/dashboard/orders/1/decide", data={"do": "hold", "reason": "x", "session": session})
    assert form.status_code == 401
    for wrong in ("-", session[:-4] + "AAAA", session.replace(session.split(".")[0], "other", 1)):
        assert (await dashboard.ask("/orders/1", session=wrong)).status_code == 401
    good = await dashboard.ask("/orders/1", session=session)
    assert good.status_code == 200
    assert good.headers["cache-control"] == "private, no-store"
    assert "access-control-allow-origin" not in good.headers
    dashboard.world.clock.now += LIFE
    assert (await dashboard.ask("/orders/1", session=session)).status_code == 401


async def test_a_session_ends_with_the_installation(dashboard: Dashboard) -> None:
    session = await dashboard.session()
    shop = dashboard.world.services.shops.known(API)
    assert shop is not None
    object.__setattr__(shop, "app_id", "QXBwOjk=")
    assert (await dashboard.ask("/inbox", session=session)).status_code == 401


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/inbox", "ORDERS"),
        ("/resellers", "USERS"),
        ("/orders", "ORDERS"),
        ("/payments", "ORDERS"),
        ("/licenses", "ORDERS"),
        ("/statements", "ORDERS"),
        ("/prices", "PRODUCTS"),
        ("/tax", "TAXES"),
        ("/settings", "APPS"),
        ("/health", "APPS"),
    ],
)
async def test_a_page_says_which_permission_is_missing(dashboard: Dashboard, path: str, name: str) -> None:
    others = [permission for permission in ALL if permission != f"MANAGE_{name}"]
    session = await dashboard.session(*others)
    answer = await dashboard.ask(path, session=session)
    assert answer.status_code == 403
    assert f"MANAGE_{name}" in answer.text
    german = await dashboard.ask(path, session=session, headers={"Dashboard-Locale": "de"})
    assert "Berechtigung" in german.text


async def test_the_first_verified_request_says_who_may_frame(dashboard: Dashboard) -> None:
    async def framed(referer: str) -> str:
        answer = await dashboard.client.get(f"/dashboard/inbox?{shell_of()}", headers={"Referer": referer})
        assert "x-frame-options" not in answer.headers
        found = FRAMES.search(answer.headers["content-security-policy"])
        assert found
        return found[1]

    assert await framed("https://first.example/page") == "https://first.example"
    assert await framed("javascript:alert(1)") == "'none'"
    await dashboard.session(origin="https://evil.example; script-src *")  # no origin: nothing is learned
    assert await framed("https://second.example/") == "https://second.example"
    await dashboard.session(origin=DASHBOARD)
    await dashboard.session(origin="https://other.example")  # only the first one counts
    assert await framed("https://evil.example/") == DASHBOARD
    # A crafted link names another shop first: it chooses among the installed ones only, and gets no data (dashboard-facts 0.9).
    crafted = await dashboard.client.get(f"/dashboard/inbox?saleorApiUrl=https://evil.example/&id=E&{shell_of()}")
    assert DASHBOARD in crafted.headers["content-security-policy"]
    nobody = await dashboard.client.get("/dashboard/inbox?saleorApiUrl=https://evil.example/graphql/")
    assert "frame-ancestors 'none'" in nobody.headers["content-security-policy"]


async def test_the_policy_lets_nothing_inline_run(dashboard: Dashboard) -> None:
    for answer in (await dashboard.client.get("/dashboard/"), await dashboard.ask("/inbox")):
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=", answer.text)
        assert answer.headers["referrer-policy"] == "same-origin"
    for path in STATIC.parent.glob("templates/*.html"):
        assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son[a-z]+=|<style", path.read_text()), path.name


async def test_a_frame_that_is_asked_for_twice_gets_the_same_shell(dashboard: Dashboard) -> None:
    first = await dashboard.client.get(f"/dashboard/orders/1?asc=true&sort=name&{shell_of()}&{shell_of()}")
    again = await dashboard.client.get(f"/dashboard/orders/1?{shell_of('&theme=dark')}")
    assert first.text == again.text
    assert (await dashboard.client.get("/dashboard")).status_code == 200  # `appUrl` as it is


async def test_a_widget_comes_by_post_with_its_token(dashboard: Dashboard) -> None:
    async with dashboard.world.database.tenant(dashboard.world.shop.tenant_id) as session:
        of = (await find_order(session, "1")).saleor_order_id
    fields = {"saleorApiUrl": "https://evil.example/", "accessToken": staff_token(), "appId": "X", "orderId": of}
    answer = await dashboard.client.post("/dashboard/widgets/order", data=fields, headers={"Origin": DASHBOARD})
    assert answer.status_code == 200
    assert "19.49" in answer.text
    assert f"frame-ancestors {DASHBOARD}" in answer.headers["content-security-policy"]
    session_of = re.search(r'data-session="([^"]+)"', answer.text)
    assert session_of
    again = await dashboard.ask(f"/widgets/order?of={of}", session=session_of[1], headers={"Dashboard-Frame": "widget"})
    assert again.status_code == 200
    # The user lacks the extension's permissions: an empty token, and a sentence instead of a crash (dashboard-facts 0.8).
    nobody = await dashboard.client.post("/dashboard/widgets/order", data={**fields, "accessToken": ""})
    assert nobody.status_code == 200
    assert "19.49" not in nobody.text
    assert "no token" in nobody.text
    less = await dashboard.client.post("/dashboard/widgets/order", data={**fields, "accessToken": staff_token("MANAGE_USERS")})
    assert "MANAGE_ORDERS" in less.text
    assert "19.49" not in less.text
    assert (await dashboard.client.post("/dashboard/widgets/none", data=fields)).status_code == 404


async def test_a_form_of_100_mb_is_refused_and_the_page_stays(dashboard: Dashboard) -> None:
    answer = await dashboard.ask("/orders/1/decide", "POST", content=b"reason=" + b"x" * 1_000_000, headers={
        "Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
    assert answer.status_code == 413
    assert "KiB" in answer.text


def test_all_scripts_together_are_small() -> None:
    sizes = {name: len(gzip.compress((STATIC / name).read_bytes(), 9)) for name in SCRIPTS}
    assert sum(sizes.values()) < 40_000, sizes
    assert {path.name for path in STATIC.glob("*.js")} == set(SCRIPTS)
