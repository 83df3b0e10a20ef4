"""What a reseller owes now, and what it says its wires pay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from fastapi import APIRouter
from starlette.responses import Response

from app.errors import InvalidInput, ResellerError
from app.ledger.tables import RemittanceAdvice
from app.money import Money
from app.orders.remittance import MAX_TEXT, advise, own_advice, page_of_advice
from app.reasons import Reason
from app.resellers.roles import Right
from app.statements.open_items import open_items
from app.web.forms import Form
from app.web.portal.visit import Person, Posted, Signed
from app.web.storefront.common import Cursor, Id

router = APIRouter()
PAGE = 20


@router.get("/statement")
async def statement(person: Person) -> Response:
    """Every open order with what is paid and overdue, in buckets by due date, one block per currency."""
    today = person.services.today(person.shop)
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        reseller = await person.member(session, Right.SEE_STATEMENTS)
        blocks = await open_items(session, reseller.id, today)
    return person.page("statement.html", as_of=today, blocks=blocks)


@router.get("/remittance")
async def remittance(person: Person, cursor: Cursor = None) -> Response:
    """What was advised, the newest first, and the form for another advice."""
    return await _page(person, cursor=cursor)


@router.post("/remittance")
async def send(person: Person, form: Posted) -> Response:
    """Say which orders a wire pays; it books nothing."""
    services, shop = person.services, person.shop
    try:
        if len(form["text"]) > MAX_TEXT or "\x00" in form["text"]:
            raise InvalidInput(f"text: at most {MAX_TEXT} characters of text.", code="advice")
        async with services.database.tenant(shop.tenant_id) as session:
            reseller = await person.member(session, Right.ADVISE_REMITTANCE)
            row, unread = await advise(
                session,
                reseller.id,
                text=form["text"],
                lines=[],
                paid_on=_day(form["paid_on"]),
                by=person.customer.email,
                at=services.clock(),
            )
    except ResellerError as error:
        if error.status in (403, 503):
            raise
        return await _page(person, form=form, error=error)
    if unread:
        return person.page("advice.html", advice=row, lines=_lines(row), unread=unread, new=True)
    return person.go(f"/remittance/{row.id}?notice=advised")


@router.get("/remittance/{advice_id}")
async def advice(person: Person, advice_id: Id, notice: str = "") -> Response:
    """One advice."""
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        reseller = await person.member(session, Right.SEE_STATEMENTS)
        row = await own_advice(session, reseller.id, advice_id)
    return person.page("advice.html", advice=row, lines=_lines(row), unread=(), new=notice == "advised")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        raise InvalidInput("paid_on: give a day like 2026-12-31.", code="day") from None


def _lines(row: RemittanceAdvice) -> list[tuple[dict[str, str], Money | None, Sequence[Reason]]]:
    """(what was written, what was open of the order it means, what is odd about it) of every line."""
    return [
        (
            line,
            Money(line["open_minor"], line["open_currency"]) if line["open_minor"] is not None else None,
            [Reason.from_dict(reason) for reason in line["reasons"]],
        )
        for line in row.lines
    ]


async def _page(
    person: Signed, *, cursor: str | None = None, form: Form | None = None, error: ResellerError | None = None
) -> Response:
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        reseller = await person.member(session, Right.SEE_STATEMENTS)
        rows, following = await page_of_advice(session, reseller.id, PAGE, cursor)
    return person.page(
        "remittance.html",
        status=error.status if error else 200,
        advices=rows,
        following=following,
        first=cursor is None,
        text=form["text"] if form else "",
        paid_on=form["paid_on"] if form else "",
        longest=MAX_TEXT,
        error=error,
    )
