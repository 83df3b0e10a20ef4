"""Every page and form with everybody who could ask for it: nothing without a session, nor without the permission."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from sqlalchemy import select

from app.resellers.tables import Reseller
from app.web.dashboard import application, customer_widget, product_widget, search, widgets
from app.web.dashboard.permissions import Permission
from tests.orders.builders import failed, no_types
from tests.web.dashboard.conftest import ALL, Dashboard, staff_token

PEOPLE = {
    "everybody": ALL,
    "nobody": ("MANAGE_STAFF",),
    **{permission.value: (permission.value,) for permission in Permission},
}
SECRET = ("19.49", "ACME", "buyer@", "Texan")
"""What stands on the pages of the seeded order and its reseller."""


def routes() -> list[tuple[str, str]]:
    """(method, path) of every page and form, as the application has them."""
    routers: list[APIRouter] = [
        *(page.router for page in application.PAGES),
        search.router,
        widgets.router,
        customer_widget.router,
        product_widget.router,
    ]
    found = sorted(
        (method, route.path)
        for router in routers
        for route in _all(router)
        for method in (route.methods or ())
        if method != "HEAD"
    )
    assert len(found) == len(set(found)) >= 30
    return found


def _all(router: APIRouter) -> list[APIRoute]:
    found: list[APIRoute] = []
    for route in router.routes:
        if isinstance(route, APIRoute):
            found.append(route)
        elif (inner := getattr(route, "original_router", None)) is not None:
            found += _all(inner)
    return found


async def test_every_page_asks_who_it_is(dashboard: Dashboard) -> None:
    async with dashboard.world.database.tenant(dashboard.world.shop.tenant_id) as session:
        reseller = (await session.scalars(select(Reseller.id).where(Reseller.email == "texan@partner.example"))).one()
    for question in ("AppSelf", "Installation", "FlatRates"):
        dashboard.world.saleor.answers[question] = failed("The shop is being repaired.")
    dashboard.world.saleor.answers["CustomerTypes"] = no_types
    dashboard.world.saleor.answers["ProductPrices"] = {"product": None}
    values: dict[str, Any] = {
        "number": "1", "reseller_id": reseller, "document_id": dashboard.store.document, "license_id": dashboard.store.license,
        "application_id": "none", "file_id": "none", "name": "order",
    }  # fmt: skip
    sessions = {who: await dashboard.session(*permissions) for who, permissions in PEOPLE.items()}
    for method, template in routes():
        path = template.format_map(defaultdict(lambda: "none", values))
        if template == "/widgets/{name}" and method == "POST":
            continue  # it brings its token itself: `test_a_widget_comes_by_post_with_its_token`
        anonymous = await dashboard.client.request(method, f"/dashboard{path}")
        assert anonymous.status_code == (200 if method == "GET" else 401), (method, path)
        assert not any(secret in anonymous.text for secret in SECRET), (method, path)
        foreign = staff_token(app="QXBwOjI=")
        assert (await dashboard.ask(path, method, session=foreign)).status_code == 401, (method, path)
        seen = {}
        for who, session_of in sessions.items():
            answer = await dashboard.ask(path, method, session=session_of)
            assert answer.status_code < 500 or path == "/health/fix", (method, path, who, answer.text)
            seen[who] = answer.status_code
        assert seen["everybody"] != 403, (method, path)
        assert seen["nobody"] == 403, (method, path)
        assert 403 in seen.values()
