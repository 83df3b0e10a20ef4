"""Durable work about accounts in Saleor: what changed there, and what ours say of where a reseller stands."""

from __future__ import annotations

from dbos import DBOS

from app.orders import customers, mirror
from app.orders.durable import RETRY, services, shop_of


@DBOS.workflow(name="attend_customer")
async def attend_customer(tenant_id: str, saleor_user_id: str, event: str) -> str:
    """An account changed or was deleted in Saleor."""
    return await follow_customer(tenant_id, saleor_user_id, event)


@DBOS.workflow(name="mirror_standing")
async def mirror_standing(tenant_id: str, reseller_id: str) -> int:
    """Somebody decided about a reseller: show where it stands on its accounts in Saleor."""
    return await write_standing(tenant_id, reseller_id)


@DBOS.workflow(name="mirror_account")
async def mirror_account(tenant_id: str, saleor_user_id: str) -> int:
    """An account was taken out of a reseller: show it there."""
    return await write_account(tenant_id, saleor_user_id)


# Steps: each one transaction of ours, or one conversation with Saleor.


@DBOS.step(name="follow_customer", **RETRY)
async def follow_customer(tenant_id: str, saleor_user_id: str, event: str) -> str:
    return await customers.attend_customer(services(), await shop_of(tenant_id), saleor_user_id, event)


@DBOS.step(name="write_standing", **RETRY)
async def write_standing(tenant_id: str, reseller_id: str) -> int:
    return await mirror.mirror_standing(services(), await shop_of(tenant_id), reseller_id)


@DBOS.step(name="write_account", **RETRY)
async def write_account(tenant_id: str, saleor_user_id: str) -> int:
    return await mirror.mirror_account(services(), await shop_of(tenant_id), saleor_user_id)
