"""Reports as staff see them: figures of the books, choices kept in the address, files, and what to do where nothing is."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal
from itertools import pairwise

import pytest

from app.reports import service
from app.web.dashboard.charts import HEIGHT, MOST_TICKS, WIDTH, Column, axis, chart
from tests.orders.builders import wire
from tests.web.dashboard.conftest import Dashboard

PAGES = ("", "/days", "/ageing", "/exempt")


async def added_up(dashboard: Dashboard) -> None:
    await service.refresh(dashboard.world.services, dashboard.world.shop)


async def test_before_anything_was_added_up_staff_are_told_what_to_do(dashboard: Dashboard) -> None:
    for path in PAGES:
        shown = (await dashboard.ask(f"/reports{path}")).text
        assert "The books were not added up yet" in shown
        assert "Refresh now" in shown
        assert "data-download" not in shown
    answer = await dashboard.ask("/reports/refresh", "POST", data={})
    assert answer.headers["location"].endswith("/reports?notice=reports_refresh")
    assert any(workflow == "reports_in_shop" for workflow, *_ in dashboard.world.asked)


async def test_sales_and_what_was_paid(dashboard: Dashboard) -> None:
    await wire(dashboard.world)
    await added_up(dashboard)
    sales = (await dashboard.ask("/reports")).text
    for text in ("18.00", "19.49", "Texan", "As of", "March 2026", "100.0 %", "<title", "<desc", "/dashboard/resellers/"):
        assert text in sales, text
    assert "style=" not in sales
    assert "<script" not in sales
    days = (await dashboard.ask("/reports/days")).text
    assert "Texan" in days
    assert "Nothing is open." in (await dashboard.ask("/reports/ageing")).text
    assert "There is nothing of any reseller" in (await dashboard.ask("/reports/exempt")).text


async def test_what_is_open_by_age(dashboard: Dashboard) -> None:
    await added_up(dashboard)
    shown = (await dashboard.ask("/reports/ageing")).text
    assert "not due" in shown
    assert "19.49" in shown
    german = (await dashboard.ask("/reports/ageing", headers={"Dashboard-Locale": "de"})).text
    assert "nicht fällig" in german
    assert "19,49" in german


async def test_choices_stay_in_the_address(dashboard: Dashboard) -> None:
    await added_up(dashboard)
    other = (await dashboard.ask("/reports?period=own&from=2026-02&to=2026-03&currency=USD&q=tex")).text
    assert 'name="from" value="2026-02"' in other
    assert "period=own&amp;from=2026-02&amp;to=2026-03&amp;currency=USD" in other
    assert "Clear filters" in other
    begun = (await dashboard.ask("/reports?period=own")).text
    assert 'name="from" value="2025-04"' in begun, "the last twelve months to begin with"
    assert "Nothing fits" in (await dashboard.ask("/reports?q=nobody")).text
    assert "There is nothing of any reseller" in (await dashboard.ask("/reports?period=last_year")).text
    for wrong in (
        "period=own&from=2026-13&to=2026-12",
        "period=own&from=2026-03&to=2026-02",
        "cursor=x",
        "cursor=-1",
        "cursor=0",
    ):
        assert (await dashboard.ask(f"/reports?{wrong}")).status_code == 400, wrong
    # What nobody offers is what is shown without a choice.
    for odd in ("by=password", "period=ages", "currency=XXX", "by=-open"):
        assert (await dashboard.ask(f"/reports?{odd}")).status_code == 200, odd


@pytest.mark.parametrize("kind", ["sales", "days", "ageing", "exempt"])
async def test_every_report_is_saved_as_csv(dashboard: Dashboard, kind: str) -> None:
    empty = await dashboard.ask(f"/reports/{kind}/csv")
    assert empty.status_code == 200
    await wire(dashboard.world, amount="25.00")
    await added_up(dashboard)
    answer = await dashboard.ask(f"/reports/{kind}/csv?currency=USD")
    assert re.search(rf'filename="?{kind}-20\d\d-.*USD\.csv', answer.headers["content-disposition"])
    lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [line["company"] for line in lines] == ([] if kind == "exempt" else ["Texan"])
    assert (await dashboard.ask("/reports/none/csv")).status_code == 404


@pytest.mark.parametrize("path", [*PAGES, "/sales/csv"])
async def test_every_report_needs_the_permission_for_orders(dashboard: Dashboard, path: str) -> None:
    session = await dashboard.session("MANAGE_USERS", "MANAGE_APPS")
    assert (await dashboard.ask(f"/reports{path}", session=session)).status_code == 403


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 0, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0, 97, ["0", "20", "40", "60", "80", "100"]),
        (0, 1_234_567, ["0", "250000", "500000", "750000", "1000000", "1250000"]),
        (-300, 900, ["-500", "0", "500", "1000"]),
        (-5, 0, ["-5", "-4", "-3", "-2", "-1", "0"]),
    ],
)
def test_an_axis_has_few_round_numbers(low: int, high: int, expected: list[str]) -> None:
    found = axis(Decimal(low), Decimal(high))
    assert [Decimal(text) for text in expected] == found
    assert len(found) <= MOST_TICKS + 1


@pytest.mark.parametrize("count", [0, 1, 5, 12, 24, 120])
@pytest.mark.parametrize("sign", [1, -1, 0])
def test_a_chart_stays_in_its_picture(count: int, sign: int) -> None:
    columns = [Column(Decimal(sign * place * 1_000), f"m{place}", "told") for place in range(count)]
    drawn = chart(columns, str)
    assert len(drawn.bars) == count
    for bar in drawn.bars:
        assert bar.x >= 0
        assert bar.x + bar.width <= WIDTH
        assert bar.y >= 0
        assert bar.y + bar.height <= HEIGHT - 20
        assert (bar.height > 0) == (sign != 0 and bar is not drawn.bars[0])
    labeled = [bar for bar in drawn.bars if bar.label]
    assert not count or labeled[-1] is drawn.bars[-1]
    assert all(later.middle - one.middle >= 50 for one, later in pairwise(labeled))
