"""A reseller's open items, read from the ledger now."""

from __future__ import annotations

from datetime import date
from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from app.orders import storefront
from app.resellers.roles import Right
from app.statements.open_items import open_items
from app.statements.rules import Block, OpenItem
from app.web.storefront import schemas as s
from app.web.storefront.access import Asking, Doors
from app.web.storefront.common import PREFIX
from app.web.storefront.problems import MEMBER, problems

router = APIRouter(tags=["resellers"])


class OpenItemOut(s.Model):
    order_number: str = Field(examples=["1042"])
    order_date: date = Field(examples=["2026-03-02"])
    po_number: str = Field(description="The reseller's own number; may be empty.", examples=["PO-77"])
    amount: s.MoneyOut
    paid: s.MoneyOut = Field(description="Booked against it: wires, what banks kept of them, and credits.")
    open: s.MoneyOut = Field(description="Negative where more was credited than owed.")
    due_date: date = Field(examples=["2026-04-01"])
    days_overdue: int = Field(examples=[0])
    interest: s.MoneyOut = Field(description="Open of the interest charged on it; not part of `open`.")
    disputed: bool = Field(description="Contested: listed, not asked for.", examples=[False])
    href: str = Field(description="The order, with how to pay it.", examples=["/storefront/v1/orders/1042"])


class BucketOut(s.Model):
    overdue: Literal["not_due", "1-30", "31-60", "61-90", "over_90"] = Field(description="Days past the due date.")
    amount: s.MoneyOut


class BlockOut(s.Model):
    currency: str = Field(description="ISO 4217.", examples=["USD"])
    items: list[OpenItemOut] = Field(description="By due date.")
    buckets: list[BucketOut] = Field(description="All five, however much is in them.")
    total: s.MoneyOut = Field(description="The sum of what is open.")
    interest: s.MoneyOut = Field(description="The sum of the open interest; not part of the total.")
    unallocated: s.MoneyOut = Field(description="The reseller's money that no order has taken yet; not part of the total.")


class StatementOut(s.Model):
    as_of: date = Field(description="Today in the vendor's time zone.", examples=["2026-03-02"])
    blocks: list[BlockOut] = Field(description="One per currency; empty when nothing is open.")


@router.get("/statement", response_model=StatementOut, responses=problems(*MEMBER))
async def statement(asking: Asking, services: Doors) -> StatementOut:
    """Every open order with what is paid and overdue, in buckets by due date, one block per currency."""
    today = services.today(asking.shop)
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.SEE_STATEMENTS)
        blocks = await open_items(session, reseller.id, today)
    return StatementOut(as_of=today, blocks=[_block(block) for block in blocks])


def _block(block: Block) -> BlockOut:
    return BlockOut(
        currency=block.currency,
        items=[_item(item) for item in block.items],
        buckets=[BucketOut(overdue=name.value, amount=s.MoneyOut.of(amount)) for name, amount in block.buckets.items()],
        total=s.MoneyOut.of(block.total),
        interest=s.MoneyOut.of(block.interest),
        unallocated=s.MoneyOut.of(block.credit),
    )


def _item(item: OpenItem) -> OpenItemOut:
    return OpenItemOut(
        order_number=item.order_number,
        order_date=item.order_date,
        po_number=item.po_number,
        amount=s.MoneyOut.of(item.amount),
        paid=s.MoneyOut.of(item.paid),
        open=s.MoneyOut.of(item.open),
        due_date=item.due_date,
        days_overdue=item.days_overdue,
        interest=s.MoneyOut.of(item.interest),
        disputed=item.disputed,
        href=f"{PREFIX}/orders/{item.order_number}",
    )
