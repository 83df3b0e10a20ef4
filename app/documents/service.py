"""Issuing documents: numbered without gaps, set in type once, kept as they are (`rules.md` 8.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from app.documents.schemas import DocumentKind, InvoiceData
from app.documents.tables import Document, DocumentSeries
from app.errors import NotFound

PREFIXES = {DocumentKind.INVOICE: "", DocumentKind.PROFORMA: "P", DocumentKind.CREDIT_NOTE: "C"}


async def issue_document(
    session: AsyncSession,
    *,
    kind: DocumentKind,
    order_id: str,
    data_without_number: InvoiceData,
    render: Callable[[InvoiceData], bytes],
    at: datetime,
    occasion: str = "",
    corrects: Document | None = None,
) -> Document:
    """The order's document of this kind and occasion, once: a repetition gets the stored one.

    Numbers run per shop, kind and year of `issued_on` without gaps, like `2026-00001` (`P2026-00001` for a proforma,
    `C2026-00001` for a credit note): the counter is locked until the transaction ends and raised only after the rendering, whose
    errors pass through and use up no number.
    """
    if stored := await of_order(session, kind, order_id, occasion):
        return stored
    year = data_without_number.issued_on.year
    series = await locked_series(session, f"{kind}-{year}")
    if stored := await of_order(session, kind, order_id, occasion):
        return stored
    number = f"{PREFIXES[kind]}{year}-{series.last + 1:05d}"
    pdf = render(replace(data_without_number, kind=kind, number=number))
    series.last += 1
    document = Document(
        kind=kind,
        number=number,
        order_id=order_id,
        occasion=occasion,
        corrects_id=corrects.id if corrects else None,
        amount_minor=data_without_number.gross.minor,
        file_name=f"{kind.replace('_', '-')}-{number}.pdf",
        media_type="application/pdf",
        content=pdf,
        sha256=hashlib.sha256(pdf).hexdigest(),
        issued_at=at,
    )
    session.add(document)
    await session.flush()
    return document


async def of_order(session: AsyncSession, kind: DocumentKind, order_id: str, occasion: str = "") -> Document | None:
    """The order's document of this kind and occasion with its bytes, if it was issued."""
    query = select(Document).where(Document.kind == kind, Document.order_id == order_id, Document.occasion == occasion)
    return await session.scalar(query.options(undefer(Document.content)))


async def credit_notes(session: AsyncSession, order_id: str) -> Sequence[Document]:
    """The order's credit notes with their bytes, in the order of their issue."""
    query = select(Document).where(Document.kind == DocumentKind.CREDIT_NOTE, Document.order_id == order_id)
    return (await session.scalars(query.order_by(Document.number).options(undefer(Document.content)))).all()


async def fetch(session: AsyncSession, document_id: str) -> Document:
    """A document with its bytes, by the unguessable id in its address. Raises NotFound."""
    query = select(Document).where(Document.id == document_id).options(undefer(Document.content))
    found = await session.scalar(query)
    if found is None:
        raise NotFound("There is no such document.", code="no_document")
    return found


async def locked_series(session: AsyncSession, name: str) -> DocumentSeries:
    """The counter of a series, locked until the transaction ends; the first document of a year makes it."""
    query = select(DocumentSeries).where(DocumentSeries.series == name).with_for_update()
    fresh = {"populate_existing": True}
    if found := await session.scalar(query, execution_options=fresh):
        return found
    series = DocumentSeries(series=name, last=0)
    try:
        async with session.begin_nested():
            session.add(series)
    except IntegrityError:
        return (await session.scalars(query, execution_options=fresh)).one()
    return series
