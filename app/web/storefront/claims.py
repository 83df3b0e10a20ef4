"""The links by which the holder of a mailbox takes a license into an account that was there before (`rules.md` 8.2).

What is shown names no price. Only the account of the mailbox is told where a link stands.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from app.orders import claims
from app.web.storefront import customer_schemas as s
from app.web.storefront.access import Asking, Doors
from app.web.storefront.common import PREFIX
from app.web.storefront.problems import problems, register_problems

router = APIRouter(tags=["end customers"])
register_problems(
    {
        "no_claim": (404, "There is no such link; open it as it was mailed."),
        "claim_foreign": (403, "The link was sent to another mailbox; sign in with the account that has its address."),
        "claim_expired": (409, "The link has expired; ask the vendor for another one."),
        "claim_used": (409, "The link was used already; the licenses are in your account."),
        "claim_withdrawn": (409, "The vendor withdrew this link; it does not count any more."),
        "claim_other_account": (409, "Another account holds the licenses of this mailbox; ask the vendor."),
    }
)
WRONG = ("no_claim", "claim_foreign", "claim_expired", "claim_used", "claim_withdrawn")
Token = Annotated[
    str,
    Path(
        max_length=claims.MAX_TOKEN,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="From the mailed link.",
        examples=["Zk3yqv0Jx1m2n4b5v6c7x8z9a0s1d2f3g4h5j6k7l8p"],
    ),
]


@router.get("/claims/{token}", response_model=s.ClaimOut, responses=problems(*WRONG))
async def claim(token: Token, asking: Asking, services: Doors) -> s.ClaimOut:
    """What a mailed link is about, for the account of its mailbox."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        shown = await claims.shown_claim(session, services, token, user_id=asking.user_id, email=asking.email)
    return s.ClaimOut.model_validate(shown)


@router.post("/claims/{token}", response_model=s.ClaimedOut, responses=problems(*WRONG, "claim_other_account"))
async def take_claim(token: Token, asking: Asking, services: Doors) -> s.ClaimedOut:
    """Take the licenses of a mailed link into the account that is signed in, once."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        number = await claims.take_claim(session, services, asking.shop, token, user_id=asking.user_id, email=asking.email)
    return s.ClaimedOut(order_number=number, licenses=f"{PREFIX}/licenses")
