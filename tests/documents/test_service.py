import asyncio
import hashlib
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from app.db.session import Database
from app.documents.schemas import DocumentKind, InvoiceData
from app.documents.service import fetch, issue_document, of_order
from app.documents.tables import Document
from app.errors import NotFound
from tests.conftest import NOW, install
from tests.documents.samples import invoice

DATA = invoice(number="")


def plain(data: InvoiceData) -> bytes:
    return f"{data.kind} {data.number}".encode()


async def give(
    database: Database, tenant: str, order_id: str = "o1", kind: DocumentKind = DocumentKind.INVOICE, data: InvoiceData = DATA
) -> Document:
    async with database.tenant(tenant) as session:
        return await issue_document(
            session, kind=kind, order_id=order_id, data_without_number=data, render=plain, at=NOW + timedelta(days=1)
        )


async def test_a_document_is_issued_once(database: Database, tenant: str) -> None:
    first, again = await give(database, tenant), await give(database, tenant, data=replace(DATA, order_number="changed"))
    assert (first.id, first.number, first.file_name) == (again.id, "2026-00001", "invoice-2026-00001.pdf")
    assert again.content == b"invoice 2026-00001"
    assert again.sha256 == hashlib.sha256(again.content).hexdigest()


async def test_each_kind_year_and_shop_counts_for_itself(database: Database, tenant: str) -> None:
    other = await install(database, "http://other.example/graphql/")
    later = replace(DATA, issued_on=date(2027, 1, 1))
    numbers = [
        (await give(database, tenant)).number,
        (await give(database, tenant, kind=DocumentKind.PROFORMA)).number,
        (await give(database, tenant, "o2")).number,
        (await give(database, tenant, "o3", data=later)).number,
        (await give(database, other)).number,
    ]
    assert numbers == ["2026-00001", "P2026-00001", "2026-00002", "2027-00001", "2026-00001"]


async def test_twenty_at_once_leave_no_gap(database: Database, tenant: str) -> None:
    await asyncio.gather(*(give(database, tenant, f"o{n % 20}") for n in range(40)))
    async with database.tenant(tenant) as session:
        numbers = sorted(await session.scalars(select(Document.number)))
    assert numbers == [f"2026-{n:05d}" for n in range(1, 21)]


async def test_a_failing_render_uses_up_no_number(database: Database, tenant: str) -> None:
    def broken(data: InvoiceData) -> bytes:
        raise RuntimeError(data.number)

    await give(database, tenant)
    async with database.tenant(tenant) as session:
        with pytest.raises(RuntimeError, match="2026-00002"):
            await issue_document(
                session, kind=DocumentKind.INVOICE, order_id="o2", data_without_number=DATA, render=broken, at=NOW
            )
    assert (await give(database, tenant, "o3")).number == "2026-00002"


async def test_a_document_is_fetched_by_its_id_in_its_own_shop(database: Database, tenant: str) -> None:
    document = await give(database, tenant)
    other = await install(database, "http://other.example/graphql/")
    async with database.tenant(tenant) as session:
        assert (await fetch(session, document.id)).content == b"invoice 2026-00001"
        assert await of_order(session, DocumentKind.PROFORMA, "o1") is None
    async with database.tenant(other) as session:
        with pytest.raises(NotFound):
            await fetch(session, document.id)
