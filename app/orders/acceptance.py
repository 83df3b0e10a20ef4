"""Accepting the Reseller Policy in force, as the storefront and the portal offer it (`rules.md` 1.3)."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Conflict, Forbidden
from app.orders.services import Services
from app.resellers.policy import in_force
from app.resellers.rules import ResellerStatus
from app.resellers.service import accept_policy
from app.resellers.tables import Reseller
from app.saleor.shops import Shop


async def accept_in_force(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    reseller: Reseller,
    *,
    version: str,
    by: str,
    language: str,
    address: str | None,
) -> bool:
    """Record that the reseller accepted `version`, the one that was shown; False when it had before.

    Raises Forbidden for a reseller that is not in the program, and Conflict when another version is in force by now.
    """
    if reseller.status in (ResellerStatus.REJECTED, ResellerStatus.ENDED):
        raise Forbidden("The reseller is not in the program.", code="reseller_inactive")
    current = (await in_force(session, shop.settings, services.today(shop))).version
    if version != current:
        raise Conflict(f"Version {current} of the Reseller Policy is in force; show it and ask again.", code="policy_version")
    return await accept_policy(session, reseller, version=version, by=by, at=services.clock(), language=language, address=address)
