"""What a reseller says its wire pays."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from app.ledger.remittance import MAX_LINES, Given
from app.ledger.tables import RemittanceAdvice
from app.money import Money
from app.orders import storefront
from app.orders.remittance import MAX_REFERENCE, MAX_TEXT, advise, own_advice, page_of_advice
from app.reasons import Reason
from app.resellers.roles import Right
from app.web.storefront import schemas as s
from app.web.storefront.access import Asking, Doors
from app.web.storefront.common import TEXT, Cursor, Id, Limit, shown_reasons
from app.web.storefront.problems import MEMBER, problems, register_problems

router = APIRouter(tags=["resellers"])
register_problems(
    {
        "no_advice": (404, "There is no such remittance advice."),
        "advice": (400, "No line of the advice can be read. Write a reference and an amount in each line."),
        "currency": (400, "lines.1: ABC is no currency of ISO 4217."),
        "amount": (400, "lines.1: the amount must be more than zero."),
    }
)


class AdviceLineIn(s.Model):
    reference: str = Field(
        min_length=1,
        max_length=MAX_REFERENCE,
        pattern=TEXT,
        description="An order, invoice or purchase-order number, or a creditor reference.",
        examples=["1042"],
    )
    amount: str = Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,4})?$", description="Major units, exact.", examples=["118.80"])
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217.", examples=["USD"])


class AdviceIn(s.Model):
    """Either `text` or `lines`."""

    text: str = Field(
        "",
        max_length=MAX_TEXT,
        pattern=TEXT,
        description="As the accounting program writes it: a reference and an amount in each line.",
        examples=[""],
    )
    lines: list[AdviceLineIn] = Field(default_factory=list, max_length=MAX_LINES)
    paid_on: date | None = Field(None, description="The day the wire was sent.", examples=["2026-03-30"])


class AdviceLineOut(s.Model):
    reference: str = Field(examples=["1042"])
    amount: str = Field(description="As it was given.", examples=["118.80"])
    currency: str = Field(description="Empty where none was given and no order is meant.", examples=["USD"])
    order_number: str | None = Field(description="The order it means; null where that is not certain.", examples=["1042"])
    open: s.MoneyOut | None = Field(description="What was open of the order when the advice came.")
    reasons: list[s.ReasonOut] = Field(description="What is odd about the line; empty when all agrees.")


class AdviceOut(s.Model):
    id: str = Field(examples=["3f0c8a52-7d0e-4a55-9a3f-0f6f3b0f2a11"])
    at: datetime = Field(examples=["2026-03-30T09:00:00Z"])
    by: str = Field(examples=["rita@beta.example"])
    paid_on: date | None = Field(examples=["2026-03-30"])
    lines: list[AdviceLineOut]


class AdvisedOut(AdviceOut):
    unread: list[s.ReasonOut] = Field(description="Lines of the text that were not understood and are not part of it.")


class AdvicesOut(s.Model):
    advice: list[AdviceOut] = Field(description="The newest first.")
    next: s.Next


@router.post(
    "/remittance-advice",
    response_model=AdvisedOut,
    status_code=201,
    responses=problems(*MEMBER, "advice", "currency", "amount"),
)
async def advise_remittance(body: AdviceIn, asking: Asking, services: Doors) -> AdvisedOut:
    """Say which orders a wire pays. It is compared with what is open and kept for whoever books the wire; it books nothing."""
    given = [Given(line.reference, Decimal(line.amount), line.currency) for line in body.lines]
    async with services.database.tenant(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.ADVISE_REMITTANCE)
        row, unread = await advise(
            session, reseller.id, text=body.text, lines=given, paid_on=body.paid_on, by=asking.email, at=services.clock()
        )
    return AdvisedOut(**_facts(row), unread=shown_reasons(unread))


@router.get("/remittance-advice", response_model=AdvicesOut, responses=problems(*MEMBER, "cursor"))
async def list_remittance_advice(asking: Asking, services: Doors, limit: Limit = 20, cursor: Cursor = None) -> AdvicesOut:
    """What was advised, the newest first."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.SEE_STATEMENTS)
        rows, following = await page_of_advice(session, reseller.id, limit, cursor)
    return AdvicesOut(advice=[AdviceOut(**_facts(row)) for row in rows], next=following)


@router.get("/remittance-advice/{advice_id}", response_model=AdviceOut, responses=problems(*MEMBER, "no_advice"))
async def remittance_advice(advice_id: Id, asking: Asking, services: Doors) -> AdviceOut:
    """One advice."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.SEE_STATEMENTS)
        return AdviceOut(**_facts(await own_advice(session, reseller.id, advice_id)))


def _facts(row: RemittanceAdvice) -> dict[str, Any]:
    return {"id": row.id, "at": row.at, "by": row.by, "paid_on": row.paid_on, "lines": [_line(line) for line in row.lines]}


def _line(stored: dict[str, Any]) -> AdviceLineOut:
    left = stored["open_minor"]
    return AdviceLineOut(
        reference=stored["reference"],
        amount=stored["amount"],
        currency=stored["currency"],
        order_number=stored["order_number"],
        open=s.MoneyOut.of(Money(left, stored["open_currency"])) if left is not None else None,
        reasons=shown_reasons([Reason.from_dict(reason) for reason in stored["reasons"]]),
    )
