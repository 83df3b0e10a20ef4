"""Accepting the Reseller Policy in force, as the storefront and the portal offer it (`rules.md` 1.3)."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Conflict, Forbidden
from app.orders.services import Services
from app.resellers import review
from app.resellers.policy import in_force
from app.resellers.rules import ResellerStatus
from app.resellers.service import accept_policy
from app.resellers.tables import Application, Reseller
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
    await _in_force(session, services, shop, version)
    return await accept_policy(session, reseller, version=version, by=by, at=services.clock(), language=language, address=address)


async def accept_with_application(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    application: Application,
    *,
    version: str,
    language: str,
    address: str | None,
) -> bool:
    """Keep with an application that `version`, the one that was shown, was accepted; False when it had been before.

    Raises Conflict when another version is in force by now, and as `review.accept_with`.
    """
    await _in_force(session, services, shop, version)
    new = application.policy_version != version
    await review.accept_with(session, application.id, version=version, language=language, address=address, at=services.clock())
    return new


async def _in_force(session: AsyncSession, services: Services, shop: Shop, version: str) -> None:
    current = (await in_force(session, shop.settings, services.today(shop))).version
    if version != current:
        raise Conflict(f"Version {current} of the Reseller Policy is in force; show it and ask again.", code="policy_version")
