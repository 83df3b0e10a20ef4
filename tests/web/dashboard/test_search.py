"""The search on every page: whatever stands on a paper leads to its thing, and nobody finds what it may not see."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.bank.tables import BankAccountRow, BankImport, BankLineRow
from app.ledger.tables import LedgerItem
from app.orders.tables import RefundRequest, ResellerOrder
from app.resellers.tables import Reseller
from app.statements.tables import Statement
from tests.conftest import NOW
from tests.orders.builders import recorded, rows, wire
from tests.web.dashboard.conftest import Dashboard
from tests.web.storefront.conftest import REFERENCE, drawn_up


async def texan(dashboard: Dashboard) -> Reseller:
    return next(row for row in await rows(dashboard.world, Reseller) if row.company != "Rival Inc")


async def lands(dashboard: Dashboard, text: str, session: str | None = None) -> str:
    """Where a search ends: the page it goes to, or empty where a list is shown."""
    answer = await dashboard.ask("/search", params={"find": text}, session=session)
    assert answer.status_code in (200, 303), answer.text
    return str(answer.headers.get("location", "")).removeprefix("/dashboard")


async def test_whatever_is_typed_lands_on_its_thing(dashboard: Dashboard) -> None:
    person = await texan(dashboard)
    world = dashboard.world
    (order,) = await rows(world, ResellerOrder)
    await drawn_up(world, person.id)
    (statement,) = await rows(world, Statement)
    await wire(world, amount="25.00", reference="BANK-77")
    async with world.database.tenant(world.shop.tenant_id) as session:
        kept = (await session.scalars(select(ResellerOrder))).one()
        kept.po_number = "PO-2026-9"
        session.add(
            RefundRequest(
                order_id=order.id, reseller_id=person.id, psp_reference="p", reference="REFUNDABC", amount_minor=1,
                currency="USD", requested_at=NOW, bank_reference="OUT-5",
            )
        )  # fmt: skip
    for text, path in {
        "1": "/orders/1",
        " #1 ": "/orders/1",
        "PO-2026-9": "/orders/1",
        REFERENCE: "/orders/1",
        "rf18 5390 0754 7034": "/orders/1",
        order.saleor_order_id: "/orders/1",
        "2026-00001": "/orders/1",
        "REFUNDABC": "/orders/1",
        "refundabc": "/orders/1",
        "OUT-5": "/orders/1",
        "BANK-77": "/orders/1",
        statement.number: f"/statements/{statement.number}",
        statement.number.lower(): f"/statements/{statement.number}",
        statement.reference: f"/statements/{statement.number}",
        dashboard.store.license: f"/licenses/{dashboard.store.license}",
        dashboard.store.license.upper(): f"/licenses/{dashboard.store.license}",
        person.email: f"/resellers/{person.id}",
        person.email.upper(): f"/resellers/{person.id}",
        "buyer@customer.example": "/licenses?q=buyer%40customer.example",
        person.company[:4].lower(): f"/resellers/{person.id}",
    }.items():
        assert await lands(dashboard, text) == path, text
        assert (await dashboard.ask(path)).status_code == 200, path


async def test_a_wire_leads_to_its_bank_line(dashboard: Dashboard) -> None:
    world = dashboard.world
    await wire(world, reference="BANK-77")
    (payment,) = await rows(world, LedgerItem, LedgerItem.key == "payment:BANK-77")
    async with world.database.tenant(world.shop.tenant_id) as session:
        account = BankAccountRow(identifier="DE1", added_by="a", added_at=NOW)
        file = BankImport(file_name="a.sta", sha256="x", format="mt940", state="done", by="a", started_at=NOW)
        session.add_all([account, file])
        await session.flush()
        line = {
            "account_id": account.id, "import_id": file.id, "number": 1, "occurrence": 1, "loose_key": "x", "amount": "19.49",
            "currency": "USD", "status": "booked", "reversal": False, "position": "1", "confidence": 50,
        }  # fmt: skip
        booked = BankLineRow(**line, fingerprint="a", outcome="booked", payment_id=payment.id, bank_reference="BANK-77")
        waits = BankLineRow(**line | {"number": 2}, fingerprint="b", outcome="unmatched", end_to_end="E2E-5", payer_name="Payer")
        session.add_all([booked, waits])
        await session.flush()
    assert await lands(dashboard, "BANK-77") == f"/payments/lines/{booked.id}"
    assert await lands(dashboard, "E2E-5") == f"/payments/lines/{waits.id}"
    assert await lands(dashboard, "19.49") == ""


async def test_several_things_are_listed_and_nothing_says_what_can_be_typed(dashboard: Dashboard) -> None:
    await recorded(dashboard.world, "2")
    async with dashboard.world.database.tenant(dashboard.world.shop.tenant_id) as session:
        second = (await session.scalars(select(ResellerOrder).where(ResellerOrder.number == "2"))).one()
        second.po_number = "1"
    shown = (await dashboard.ask("/search", params={"find": "1"})).text
    assert 'href="/dashboard/orders/1"' in shown
    assert 'href="/dashboard/orders/2"' in shown
    for text in ("no-such-thing", "%", "_", "a\x00b", "' OR 1=1 --", "x" * 5000, "٣"):
        assert "Nothing is named so" in (await dashboard.ask("/search", params={"find": text})).text, text
    assert "Type what you have" in (await dashboard.ask("/search")).text
    german = await dashboard.ask("/search", params={"find": "nix"}, headers={"Dashboard-Locale": "de"})
    assert "Nichts heißt so" in german.text


@pytest.mark.parametrize("text", ["1", REFERENCE, "2026-00001", "buyer@customer.example"])
async def test_who_sees_customers_only_finds_no_money(dashboard: Dashboard, text: str) -> None:
    people = await dashboard.session("MANAGE_USERS")
    assert await lands(dashboard, text, people) == ""
    assert "19.49" not in (await dashboard.ask("/search", params={"find": text}, session=people)).text


async def test_who_sees_orders_only_finds_no_reseller(dashboard: Dashboard) -> None:
    orders = await dashboard.session("MANAGE_ORDERS")
    assert await lands(dashboard, "1", orders) == "/orders/1"
    person = await texan(dashboard)
    assert await lands(dashboard, person.email, orders) == ""
    nobody = await dashboard.session("MANAGE_PRODUCTS")
    assert (await dashboard.ask("/search?find=1", session=nobody)).status_code == 403
