"""What a reseller pays for variants."""

from __future__ import annotations

from fastapi import APIRouter

from app.orders import storefront
from app.web.storefront import schemas as s
from app.web.storefront.access import Asking, Doors
from app.web.storefront.common import shown_reasons
from app.web.storefront.problems import MEMBER, problems, register_problems

router = APIRouter(tags=["resellers"])
register_problems(
    {
        "day_over": (400, "on: 2026-03-01 is over; give today or a day to come."),
        "no_price": (404, "The variant UHJvZHVjdFZhcmlhbnQ6MQ== has no price in the channel default-channel."),
    }
)


@router.post(
    "/prices",
    response_model=s.PricesOut,
    responses=problems(*MEMBER, "reseller_inactive", "day_over", "no_price", "saleor_error"),
)
async def prices(body: s.PricesIn, asking: Asking, services: Doors) -> s.PricesOut:
    """What the reseller pays for variants in a channel, today or on a day to come, and why."""
    wanted = [(line.variant_id, line.quantity) for line in body.lines]
    found = await storefront.price_lines(services, asking.shop, asking.user_id, body.channel, wanted, body.on)
    return s.PricesOut(
        lines=[
            s.PriceOut(
                variant_id=line.variant.id,
                sku=line.variant.sku,
                name=line.variant.product.name,
                quantity=line.price.quantity,
                retail=s.MoneyOut.of(line.price.unit.retail),
                partner=s.MoneyOut.of(line.price.unit.unit),
                total=s.MoneyOut.of(line.price.total),
                includes_tax=line.includes_tax,
                reasons=shown_reasons(line.price.reasons),
                chain=shown_reasons(line.chain.reasons),
            )
            for line in found
        ]
    )
