"""The pages of statements: found, read, opened by a link of some minutes, mailed; months run; previews; reminders."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.documents.links import GLANCE
from app.ledger.tables import LedgerItem
from app.resellers.tables import Reseller
from app.statements.tables import Reminder, Statement
from tests.conftest import NOW
from tests.orders.builders import rows
from tests.web.dashboard.conftest import Dashboard
from tests.web.storefront.conftest import drawn_up


async def texan(dashboard: Dashboard) -> Reseller:
    return next(row for row in await rows(dashboard.world, Reseller) if row.company != "Rival Inc")


async def statement(dashboard: Dashboard) -> Statement:
    await drawn_up(dashboard.world, (await texan(dashboard)).id)
    return (await rows(dashboard.world, Statement))[0]


async def test_a_statement_is_found_read_and_opened(dashboard: Dashboard) -> None:
    row, reseller = await statement(dashboard), await texan(dashboard)
    for text in ("", row.number, row.number.lower(), row.reference, reseller.company[:4], reseller.email):
        answer = await dashboard.ask("/statements", params={"q": text, "period": row.period})
        assert row.number in answer.text, text
    for query in ({"q": "Rival"}, {"q": "S2020-1"}, {"period": "2020-01"}):
        assert row.number not in (await dashboard.ask("/statements", params=query)).text
    assert (await dashboard.ask("/statements?period=x")).status_code == 400
    page = (await dashboard.ask(f"/statements/{row.number}")).text
    assert "19.49" in page
    pdf = await dashboard.ask(f"/statements/{row.number}/pdf")
    assert pdf.content.startswith(b"%PDF")
    assert row.number in (await dashboard.ask(f"/statements/{row.number}/csv")).text
    link = (await dashboard.ask(f"/statements/{row.number}/link")).text
    path = link[link.index("/documents/") :]
    opened = await dashboard.client.get(path)
    assert opened.content == pdf.content
    assert opened.headers["content-disposition"].startswith("inline")
    assert opened.headers["cache-control"] == "private, no-store"
    for wrong in (path[:-1] + ("0" if path[-1] != "0" else "1"), path.partition("?")[0], path.replace(row.id, "other")):
        assert (await dashboard.client.get(wrong)).status_code == 403
    assert (await dashboard.client.get(path.replace("/statements/", "/"))).status_code in (403, 404)
    dashboard.world.clock.now += GLANCE + timedelta(seconds=1)
    assert (await dashboard.client.get(path)).status_code == 403


async def test_a_statement_that_was_not_mailed_is_not_mailed_again(dashboard: Dashboard) -> None:
    row = await statement(dashboard)
    answer = await dashboard.ask(f"/statements/{row.number}/mail", "POST", data={"to": ""})
    assert answer.status_code == 409
    assert "not mailed yet" in answer.text
    assert (await dashboard.ask("/statements/S1999-1/mail", "POST", data={"to": ""})).status_code == 404


async def test_a_month_is_run_by_hand(dashboard: Dashboard) -> None:
    answer = await dashboard.ask("/statements/runs", "POST", data={"period": "2026-02"})
    assert "notice=statements_run" in answer.headers["location"]
    jobs = dashboard.world.services.jobs
    assert any(workflow == "statements_in_shop" for workflow, *_ in jobs.asked)  # type: ignore[attr-defined]
    assert "February 2026" in (await dashboard.ask("/statements/runs")).text
    for wrong in ("2026-13", "x", "2099-01"):
        assert (await dashboard.ask("/statements/runs", "POST", data={"period": wrong})).status_code == 400


async def test_a_preview_keeps_nothing(dashboard: Dashboard) -> None:
    reseller = await texan(dashboard)
    params = {"email": reseller.email, "period": "2026-02"}
    answer = await dashboard.ask("/statements/preview", params=params)
    assert answer.status_code == 200, answer.text
    assert "USD" in answer.text
    pdf = await dashboard.ask("/statements/preview/pdf", params={**params, "currency": "USD"})
    assert pdf.content.startswith(b"%PDF")
    assert (await dashboard.ask("/statements/preview/pdf", params={**params, "currency": "JPY"})).status_code == 400
    assert (await dashboard.ask("/statements/preview", params={"email": "no@b.example"})).status_code == 404
    assert await rows(dashboard.world, Statement) == []


async def test_reminders_that_went_out(dashboard: Dashboard) -> None:
    assert "No reminder went out" in (await dashboard.ask("/statements/reminders")).text
    (debt,) = await rows(dashboard.world, LedgerItem, LedgerItem.key.startswith("receivable:"))
    async with dashboard.world.database.tenant(dashboard.world.shop.tenant_id) as session:
        for rung in (-3, 0, 7):
            session.add(Reminder(receivable_id=debt.id, reseller_id=debt.reseller_id, rung=rung, at=NOW))
    shown = (await dashboard.ask("/statements/reminders")).text
    for text in ("3 days before", "on the due date", "7 days after", "19.49"):
        assert text in shown, text


@pytest.mark.parametrize("path", ["", "/runs", "/reminders", "/preview", "/none", "/none/pdf", "/none/link", "?cursor=x"])
async def test_every_page_needs_the_permission_for_orders(dashboard: Dashboard, path: str) -> None:
    session = await dashboard.session("MANAGE_USERS", "MANAGE_APPS")
    assert (await dashboard.ask(f"/statements{path}", session=session)).status_code == 403
    assert (await dashboard.ask(f"/statements{path}")).status_code in (200, 400, 404)
