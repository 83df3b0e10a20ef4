"""What staff see of a reseller at its accounts in Saleor: metadata that mirrors the standing, never read back as truth, and the
customer type."""

from __future__ import annotations

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.base import new_id
from app.orders.customer_types import GONE, classify, customer_types
from app.orders.services import Services
from app.resellers.rules import ResellerStatus
from app.resellers.service import by_saleor_user
from app.resellers.tables import Reseller
from app.saleor import operations as ops
from app.saleor.client import SaleorRefused
from app.saleor.shops import Shop

log = structlog.get_logger()

STATUS_KEY, ID_KEY = "reseller.status", "reseller.id"
REMOVED = "removed"
"""Status of an account that acts for no reseller any more."""


async def enqueue_mirror(session: AsyncSession, services: Services, shop: Shop, reseller: Reseller) -> None:
    """Ask for the mirror of a reseller's standing, when the session's transaction commits."""
    await session.flush()
    # Every change asks anew: adding, removing and adding a user again comes back to the same rows.
    name = f"standing:{shop.tenant_id}:{reseller.id}:{new_id()}"
    await services.jobs.enqueue(session, "mirror_standing", name, partition=reseller.id, args=(shop.tenant_id, reseller.id))


async def enqueue_mirror_of_account(session: AsyncSession, services: Services, shop: Shop, saleor_user_id: str) -> None:
    """The same for one account, which may act for no reseller any more."""
    name = f"account:{shop.tenant_id}:{saleor_user_id}:{new_id()}"
    await services.jobs.enqueue(session, "mirror_account", name, partition=saleor_user_id, args=(shop.tenant_id, saleor_user_id))


async def mirror_standing(services: Services, shop: Shop, reseller_id: str) -> int:
    """Write the reseller's standing to all its accounts in Saleor; how many were written.

    It writes what is true now, so that repeated and late runs do no harm. Accounts that are gone are passed over.
    """
    async with services.database.tenant(shop.tenant_id) as session:
        reseller = (await session.scalars(select(Reseller).where(Reseller.id == reseller_id))).one()
        accounts, status = [user.saleor_user_id for user in reseller.users], reseller.status
    return await _write(services, shop, accounts, status, reseller_id)


async def mirror_account(services: Services, shop: Shop, saleor_user_id: str) -> int:
    """The same for one account: its reseller's standing, or that it acts for none any more."""
    async with services.database.tenant(shop.tenant_id) as session:
        reseller = await by_saleor_user(session, saleor_user_id)
    status, reseller_id = (reseller.status, reseller.id) if reseller else (REMOVED, "")
    return await _write(services, shop, [saleor_user_id], status, reseller_id)


async def _write(services: Services, shop: Shop, accounts: list[str], status: str, reseller_id: str) -> int:
    client = await services.shops.client(shop)
    types = await customer_types(client, create=status == ResellerStatus.APPROVED)
    facts = [{"key": STATUS_KEY, "value": status}, {"key": ID_KEY, "value": reseller_id}]
    written = 0
    for account in accounts:
        try:
            await client.execute(ops.PRIVATE_METADATA_UPDATE, id=account, input=facts)
        except SaleorRefused as refused:
            if all(error.code != GONE for error in refused.errors):
                raise
            log.warning("mirror.account_gone", tenant=shop.tenant_id, account=account)
            continue
        if types is not None:
            await classify(client, types, account, status)
        written += 1
    return written
