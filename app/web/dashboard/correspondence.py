"""The written record of one reseller: what was sent and received, one mail as text, its exact bytes, and the bundle (11.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from fastapi import APIRouter, Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response, StreamingResponse

from app.errors import NotFound, Unavailable
from app.files.rules import disposition
from app.mail import record
from app.mail.arrived import Arrived, headers_of, read
from app.mail.lines import printable
from app.mail.service import find_mail
from app.mail.tables import Correspondence, Mail
from app.mail.undelivered import undelivered
from app.orders.evidence_bundle import write_bundle
from app.orders.mail_again import resend_mail
from app.resellers.listing import emails, get
from app.resellers.tables import Reseller
from app.web.dashboard.permissions import Permission
from app.web.dashboard.tables import asked, listed
from app.web.dashboard.visit import Posted, UserStaff

router = APIRouter(prefix="/resellers/{reseller_id}/mails")
MAX_THREAD = 100
"""Mails of a thread that are listed beside one; the search finds all."""
MAX_HEADERS = 20_000
A_PIECE = 65_536


@router.get("")
async def mails(staff: UserStaff, request: Request, reseller_id: str) -> Response:
    """What did not arrive, and a page of the record, the newest first."""
    filters = asked(request.query_params, ("q",))
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        reseller = await get(session, reseller_id)
        rows, table = await listed(
            session,
            record.entries(reseller_id=reseller.id, words=filters["q"]),
            request.query_params,
            # The order in which mails came on the record; dates of mails follow it, and its index is the chain's.
            columns={"number": Correspondence.position},
            key=Correspondence.id,
            filters=filters,
            default="-number",
        )
        delivered = await _delivered(session, [row.mail_id for row in rows if row.mail_id])
        waiting = await undelivered(session, reseller.id, emails(reseller))
    return staff.page(
        "reseller_mails.html", reseller=reseller, rows=rows, table=table, delivered=delivered, waiting=waiting, tab="mails"
    )


@router.post("/again")
async def again(staff: UserStaff, form: Posted, reseller_id: str) -> Response:
    """Send a mail that did not arrive once more, perhaps to another address."""
    staff.need(Permission.ORDERS)
    async with staff.services.database.tenant(staff.shop.tenant_id) as session:
        reseller = await get(session, reseller_id)
        mail = await find_mail(session, form["mail"])
        if mail.reseller_id != reseller.id and mail.recipient not in emails(reseller):
            raise NotFound("This reseller has no such mail.", code="no_mail")
        sent = await resend_mail(session, staff.services, staff.shop, mail.id, to=form["to"].strip() or None)
    return staff.go(f"/resellers/{reseller_id}/mails", "mail_sent_again", to=sent.recipient)


@router.get("/bundle")
async def bundle(staff: UserStaff, reseller_id: str) -> Response:
    """The whole record as a ZIP file that others can check. Mails hold amounts: it needs both permissions, as one mail does."""
    staff.need(Permission.ORDERS)
    services, shop = staff.services, staff.shop
    with TemporaryDirectory() as directory:
        path = Path(directory) / "bundle.zip"
        async with services.database.tenant_reading(shop.tenant_id) as session:
            reseller = await get(session, reseller_id)
            await write_bundle(session, services, shop, reseller, path)
        # The file lives as long as it is read; its name is gone with the directory, also when the reader goes away.
        file = await asyncio.to_thread(path.open, "rb")
    name = disposition(f"{' '.join(reseller.company.split())} {services.today(shop)}.zip")
    return StreamingResponse(_pieces(file), media_type="application/zip", headers={"Content-Disposition": name})


@router.get("/{entry_id}")
async def one(staff: UserStaff, reseller_id: str, entry_id: str) -> Response:
    """One mail as text, whatever it holds, with its thread, and whether the record holds."""
    staff.need(Permission.ORDERS)
    services = staff.services
    async with services.database.tenant_reading(staff.shop.tenant_id) as session:
        reseller, row = await _found(session, reseller_id, entry_id)
        mail, headers = None, ""
        try:
            content = await record.exact_bytes(session, services.files, row)
        except Unavailable as error:
            if error.code != "mail_damaged":
                raise
        else:
            mail, headers = await asyncio.to_thread(_read, content)
        others = []
        if row.thread:
            thread = record.entries(reseller_id=reseller.id, thread=row.thread).where(Correspondence.id != row.id)
            others = list(await session.scalars(thread.order_by(Correspondence.position.desc()).limit(MAX_THREAD)))
        delivered = await _delivered(session, [one.mail_id for one in (row, *others) if one.mail_id])
        wrong = await record.contradictions(session, reseller_id=reseller.id)
    return staff.page(
        "reseller_mail.html",
        reseller=reseller,
        row=row,
        mail=mail,
        headers=headers,
        others=others,
        delivered=delivered,
        wrong=wrong,
        tab="mails",
    )


@router.get("/{entry_id}/eml")
async def eml(staff: UserStaff, reseller_id: str, entry_id: str) -> Response:
    """The exact bytes, to be saved."""
    staff.need(Permission.ORDERS)
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        _, row = await _found(session, reseller_id, entry_id)
        content = await record.exact_bytes(session, staff.services.files, row)
    return staff.file(content, "message/rfc822", f"{row.position:06}.eml")


async def _found(session: AsyncSession, reseller_id: str, entry_id: str) -> tuple[Reseller, Correspondence]:
    """The reseller and a mail of its record. Raises NotFound, for another reseller's mail as for none."""
    reseller = await get(session, reseller_id)
    row = await record.find_entry(session, entry_id)
    if row.chain != reseller.id:
        raise NotFound("There is no such mail on this reseller's record.", code="no_mail")
    return reseller, row


async def _delivered(session: AsyncSession, mail_ids: list[str]) -> dict[str, Mail]:
    """Mails sent, for where their delivery stands."""
    return {mail.id: mail for mail in await session.scalars(select(Mail).where(Mail.id.in_(mail_ids)))}


def _read(content: bytes) -> tuple[Arrived, str]:
    heads = headers_of(content)[:MAX_HEADERS].decode("utf-8", "replace")
    return read(content), "\n".join(printable(line) for line in heads.splitlines()).strip()


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(A_PIECE):
            yield piece
