"""The longest texts Saleor allows (its `account`, `order`, `product` and `payment` models) are kept whole on every database."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.db.session import Database
from app.licenses.tables import License
from app.mail.tables import Mail
from app.orders.customers import find_or_create_customer
from app.orders.documents import issue_invoice
from app.orders.record import add_event, add_task
from app.orders.release import issue_licenses, queue_release_mails
from app.orders.service import lock_order
from app.orders.tables import (
    EndCustomer,
    MoneyReport,
    OrderEvent,
    OrderLine,
    PaymentSession,
    RefundRequest,
    ResellerOrder,
    StaffTask,
)
from app.reasons import because
from app.resellers.tables import Reseller
from tests.conftest import NOW
from tests.orders.builders import World, address, opened, order_line, promise, recorded, reseller, rows, wire

EMAIL = "a" * 64 + "@" + ".".join(["b" * 59] * 3) + ".customers"
NAME, COMPANY, LINE = "N" * 256, "C" * 256, "S" * 256
PRODUCT, VARIANT, SKU = "P" * 386, "V" * 255, "K" * 255
PSP = "p" * 512


@pytest.fixture
async def world(database: Database, tenant: str) -> AsyncIterator[World]:
    async with opened(database, tenant) as world:
        await reseller(world)
        yield world


def longest() -> dict[str, Any]:
    where = address(
        "CA", EMAIL, companyName=COMPANY, firstName=NAME, lastName=NAME, streetAddress1=LINE, streetAddress2=LINE, city=LINE,
        postalCode="9" * 20,
    )  # fmt: skip
    line = order_line(productName=PRODUCT, variantName=VARIANT, productSku=SKU)
    return {
        "billingAddress": {**where, "countryArea": "TX", "metadata": []},
        "shippingAddress": where,
        "metadata": [{"key": "po_number", "value": "7" * 300}],
        "lines": [line],
    }


async def test_an_order_of_longest_texts_is_frozen_and_released(world: World) -> None:
    row = await recorded(world, **longest())
    (line,) = await rows(world, OrderLine)
    assert (line.sku, line.name, row.end_customer_email) == (SKU, f"{PRODUCT} ({VARIANT})", EMAIL)
    assert row.audit_passed, row.audit
    await wire(world, reference="x" * 140, by="b" * 254)
    account = {
        "id": "u7", "email": EMAIL, "firstName": NAME, "lastName": NAME, "isActive": True, "isConfirmed": True,
        "languageCode": "EN_US",
    }  # fmt: skip
    world.saleor.answers = {"CustomerByEmail": {"user": account}}
    await find_or_create_customer(world.services, world.shop, row.id)
    (customer,) = await rows(world, EndCustomer)
    assert (customer.company, customer.name, customer.email) == (COMPANY, f"{NAME} {NAME}", EMAIL)
    async with world.database.tenant(world.shop.tenant_id) as session:
        (await lock_order(session, row.id)).reference = "RF18539007547034"
        await issue_licenses(session, world.services, world.shop, row.id)
        await issue_invoice(session, world.services, world.shop, row.id)
        await queue_release_mails(session, world.services, world.shop, row.id)
    (license,) = await rows(world, License)
    assert license.sku == SKU
    assert len(await rows(world, Mail)) == 2


async def test_the_references_of_payments_are_kept_whole(world: World) -> None:
    row = await recorded(world)
    (buyer,) = await rows(world, Reseller)
    await promise(world, buyer.id, "T" * 512, psp_reference=PSP, source_id="C" * 100, reference="RF-2")
    booked = await wire(world)
    (report,) = await rows(world, MoneyReport)
    async with world.database.tenant(world.shop.tenant_id) as session:
        session.add(
            RefundRequest(order_id=row.id, psp_reference=PSP, amount_minor=1, currency="USD", requested_at=NOW, done_at=None)
        )
        (await session.get_one(MoneyReport, report.id)).psp_reference = PSP
        await add_event(session, row.id, f"refund:{PSP}", NOW, because("gift_card"))
        await add_task(session, f"refund:{PSP}:{row.id}", row.id, [because("gift_card")], NOW)
    assert booked.allocated_minor == 1949
    assert PSP in {kept.psp_reference for kept in await rows(world, PaymentSession)}
    assert (await rows(world, RefundRequest))[0].psp_reference == PSP
    assert f"refund:{PSP}" in {kept.key for kept in await rows(world, OrderEvent)}
    assert (await rows(world, StaffTask))[0].key == f"refund:{PSP}:{row.id}"
    assert len(await rows(world, ResellerOrder)) == 1
