"""Price changes that a reseller was told of and that are to come (`rules.md` 2.6)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from app.mail.schemas import PriceChangeLine, PriceTerms
from app.money import Money, shortest
from app.orders import storefront
from app.resellers.obligations import acknowledged
from app.resellers.roles import Right
from app.web.storefront import schemas as s
from app.web.storefront.access import Asking, Doors
from app.web.storefront.common import Cursor, Limit
from app.web.storefront.problems import MEMBER, problems

router = APIRouter(tags=["resellers"])


class TermsOut(s.Model):
    rate: str | None = Field(description="Percent off retail; null for a fixed price.", examples=["7.5"])
    fixed: s.MoneyOut | None = Field(description="A fixed price of one unit; null for a rate.")
    valid_to: date | None = Field(description="The last day it counts; null without an end.", examples=[None])


class PriceChangeLineOut(s.Model):
    scope: Literal["list", "variant", "product", "category", "collection"] = Field(
        description="What the price is for; `list` is the general percentage off retail.", examples=["variant"]
    )
    label: str = Field(description="The SKU or name; empty for the whole list.", examples=["GRID-1"])
    minimum_quantity: int = Field(description="From this quantity on.", examples=[1])
    valid_from: date | None = Field(description="The first day of orders it counts for; null without one.", examples=[None])
    old: TermsOut | None = Field(description="What holds now; null for a new price.")
    new: TermsOut | None = Field(description="What will hold; null for a price that ends, where a more general one counts.")


class PriceChangeOut(s.Model):
    id: str = Field(description="What is acknowledged.", examples=["3f0c8a52-7d0e-4a55-9a3f-0f6f3b0f2a11"])
    effective_on: date = Field(description="The first day of the new prices, by the vendor's midnight.", examples=["2026-06-01"])
    announced_at: datetime = Field(examples=["2026-05-02T00:15:00Z"])
    acknowledged_at: datetime | None = Field(
        description="When the reseller said that it had read it; null until then.", examples=["2026-05-03T09:00:00Z"]
    )
    prices: list[PriceChangeLineOut]


class PriceChangesOut(s.Model):
    price_changes: list[PriceChangeOut] = Field(description="The earliest first.")
    next: s.Next


@router.get("/price-changes", response_model=PriceChangesOut, responses=problems(*MEMBER, "cursor"))
async def price_changes(asking: Asking, services: Doors, limit: Limit = 20, cursor: Cursor = None) -> PriceChangesOut:
    """The changes of the reseller's prices that it was told of and that are to come."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.SEE_PRICES)
        found, following = await storefront.upcoming_changes(session, services, asking.shop, reseller, limit, cursor)
        read = await acknowledged(session, reseller.id)
    return PriceChangesOut(
        price_changes=[
            PriceChangeOut(
                id=change.id,
                effective_on=change.effective_on,
                announced_at=change.announced_at,
                acknowledged_at=read.get(change.id),
                prices=[_line(line) for line in change.prices],
            )
            for change in found
        ],
        next=following,
    )


def _line(line: PriceChangeLine) -> PriceChangeLineOut:
    return PriceChangeLineOut(
        scope=line.scope or "list",
        label=line.label,
        minimum_quantity=line.minimum_quantity,
        valid_from=line.since,
        old=_terms(line.old),
        new=_terms(line.new),
    )


def _terms(terms: PriceTerms | None) -> TermsOut | None:
    if terms is None:
        return None
    if isinstance(terms.price, Money):
        return TermsOut(rate=None, fixed=s.MoneyOut.of(terms.price), valid_to=terms.until)
    return TermsOut(rate=str(shortest(terms.price)), fixed=None, valid_to=terms.until)
