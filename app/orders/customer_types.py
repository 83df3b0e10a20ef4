"""The customer type "Reseller" of accounts in Saleor, so that staff see and filter them there. Saleor before 3.23.26 has none.

What Saleor can do is found out by asking it: nothing here depends on a version or a granted permission that we believe in.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from app.resellers.rules import ResellerStatus
from app.saleor import operations as ops
from app.saleor.answers import SaleorCustomerTypes
from app.saleor.client import SaleorClient, SaleorDenied, SaleorQueryError, SaleorRefused

log = structlog.get_logger()

NAME, SLUG = "Reseller", "reseller"
GONE, TAKEN = "NOT_FOUND", "UNIQUE"


@dataclass(frozen=True, slots=True)
class CustomerTypes:
    """Saleor's ids of the type of resellers and of the default one; None where there is none."""

    own: str | None
    standard: str | None


async def customer_types(client: SaleorClient, *, create: bool) -> CustomerTypes | None:
    """The types of a shop, the one of resellers created if `create` and missing; None where Saleor has no types.

    Without the permission to create it, an administrator can: it is found by its slug.
    """
    found = await _look(client)
    if found is None or found.own is not None or not create:
        return found
    try:
        await client.execute(ops.CUSTOMER_TYPE_CREATE, input={"name": NAME, "slug": SLUG})
    except SaleorDenied:
        log.warning("customer_type.not_allowed", shop=client.api_url)
        return found
    except SaleorRefused as refused:
        if all(error.code != TAKEN for error in refused.errors):
            raise
    return await _look(client)


async def classify(client: SaleorClient, types: CustomerTypes, account: str, status: str) -> bool:
    """Give an approved reseller's account the type of resellers, and take it from one that left; whether anything changed.

    A suspended one keeps what it has, and nobody loses a type that is not ours.
    """
    if status == ResellerStatus.SUSPENDED:
        return False
    user = (await client.execute(ops.CUSTOMER_TYPE_OF, id=account)).user
    if user is None:
        return False
    current = user.customer_type.id if user.customer_type else None
    wanted = types.own if status == ResellerStatus.APPROVED else types.standard
    leaves = status != ResellerStatus.APPROVED and (current is None or current != types.own)
    if wanted is None or wanted == current or leaves:
        return False
    try:
        await client.execute(ops.CUSTOMER_TYPE_ASSIGN, id=account, input={"customerType": wanted})
    except SaleorRefused as refused:
        if all(error.code != GONE for error in refused.errors):
            raise
        return False
    return True


async def _look(client: SaleorClient) -> CustomerTypes | None:
    try:
        answer = await client.execute(ops.CUSTOMER_TYPES, slug=SLUG)
    except SaleorDenied:
        raise
    except SaleorQueryError as error:
        if any("Cannot query field" in problem.message and "customerTypes" in problem.message for problem in error.errors):
            return None
        raise
    return CustomerTypes(_first(answer.own), _first(answer.standard))


def _first(found: SaleorCustomerTypes | None) -> str | None:
    return found.edges[0].node.id if found is not None and found.edges else None
