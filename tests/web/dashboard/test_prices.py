"""Price lists: what is wrong is told by its place, and nothing is half stored."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import select

from app.pricing.tables import PriceEntry, PriceListRow
from tests.web.dashboard.conftest import ALL, Dashboard

SETS = ("rate", "entry", "remove", "exception", "assign", "planned/x")
CATEGORY = "Q2F0ZWdvcnk6MQ=="


async def lists(dashboard: Dashboard) -> dict[str, tuple[Decimal, int]]:
    world = dashboard.world
    async with world.database.tenant_reading(world.shop.tenant_id) as session:
        return {row.name: (row.rate, row.version) for row in await session.scalars(select(PriceListRow))}


async def test_what_is_wrong_is_named(dashboard: Dashboard) -> None:
    before = await lists(dashboard)
    wrong = [
        ("/prices", {"name": "New", "rate": "1e9999"}, 400, "rate"),
        ("/prices", {"name": " ", "rate": "5"}, 400, "list"),
        ("/prices", {"name": "New", "rate": "11"}, 422, "cap"),
        ("/prices/default/rate", {"rate": "NaN"}, 400, "rate"),
        ("/prices/default/rate", {"rate": "5", "effective_on": "tomorrow"}, 400, "effective_on"),
        ("/prices/default/rate", {"rate": "5", "short_notice": "yes"}, 400, "short_notice"),
        ("/prices/default/entry", {"scope": "world", "target": "1"}, 400, "scope"),
        ("/prices/default/entry", {"scope": "collection", "target": CATEGORY, "minimum_quantity": "1"}, 400, "target"),
        ("/prices/default/entry", {"scope": "category", "target": CATEGORY, "minimum_quantity": "0"}, 400, "price"),
        ("/prices/default/entry", {"scope": "category", "target": CATEGORY, "minimum_quantity": "x"}, 400, "minimum_quantity"),
        (
            "/prices/default/entry",
            {"scope": "category", "target": CATEGORY, "minimum_quantity": "1", "fixed": "5", "currency": "QQQ"},
            400,
            "fixed",
        ),
        ("/prices/default/remove", {"entry": "gone"}, 404, "entry"),
        ("/prices/default/exception", {"rate": "20", "reason": "", "expires": "2099-01-01"}, 400, "reason"),
        ("/prices/default/assign", {"email": "nobody@nowhere.example"}, 404, "nobody@nowhere.example"),
        ("/prices/default/planned/gone", {"reason": "x"}, 404, "planned"),
        ("/prices/gone/rate", {"rate": "5"}, 404, "no such price list"),
    ]
    session = await dashboard.session()
    for path, data, status, words in wrong:
        answer = await dashboard.ask(path, "POST", session=session, data=data)
        assert (answer.status_code, words in answer.text) == (status, True), (path, data, answer.text)
    for path in ("/prices/gone", "/prices/gone/export", "/prices/default/history/99", "/prices/default/planned/gone"):
        assert (await dashboard.ask(path, session=session)).status_code == 404, path
    assert await lists(dashboard) == before


async def test_nothing_is_changed_without_the_permission(dashboard: Dashboard) -> None:
    session = await dashboard.session(*[one for one in ALL if one != "MANAGE_PRODUCTS"])
    for path in ("/prices", "/prices/import", *(f"/prices/default/{one}" for one in SETS)):
        answer = await dashboard.ask(path, "POST", session=session, data={"rate": "1", "name": "X", "reason": "x"})
        assert answer.status_code == 403, path
    over = await dashboard.ask("/prices/default/rate", "POST", session="-", data={"rate": "1"})
    assert over.status_code == 401


async def test_a_file_that_is_too_large_or_none_changes_nothing(dashboard: Dashboard) -> None:
    async def sent(content: bytes, name: str = "prices.csv") -> tuple[int, str]:
        answer = await dashboard.ask(
            "/prices/import", "POST", data={"list": "default", "do": "import"}, files={"file": (name, content)}
        )
        return answer.status_code, answer.text

    limit = dashboard.world.services.settings.max_upload_bytes
    assert (await sent(b"x" * (limit + 200_000)))[0] == 413
    for content, words in ((b"", "header"), (b"\xff\xfe", "UTF-8"), (b"scope,target,rate\nvariant,1,2,3\n", "line 2")):
        status, told = await sent(content)
        assert status == 400
        assert words in told, told
    missing = await dashboard.ask("/prices/import", "POST", data={"list": "default", "do": "import"})
    assert missing.status_code == 400
    assert "CSV" in missing.text
    status, _ = await sent(b"scope,target,rate\nlist,,9\ncategory,Q2F0ZWdvcnk6MQ==,3\n")
    assert status == 204
    world = dashboard.world
    async with world.database.tenant_reading(world.shop.tenant_id) as session:
        assert list(await session.scalars(select(PriceEntry.target))) == [CATEGORY]


async def test_two_people_at_one_list(dashboard: Dashboard) -> None:
    first = await dashboard.ask("/prices/default/rate", "POST", data={"rate": "7", "version": "1"})
    assert first.status_code == 303
    late = await dashboard.ask("/prices/default/rate", "POST", data={"rate": "6", "version": "1"})
    assert late.status_code == 409
    assert "ada@vendor.example" in late.text
    assert (await lists(dashboard))["default"] == (Decimal(7), 2)
