"""What never became anything is forgotten; what an order stands on stays."""

from __future__ import annotations

from datetime import timedelta

from app.db.session import Database
from app.orders.retention import forget_abandoned
from app.orders.tables import LicenseClaim, PaymentSession
from tests.conftest import NOW
from tests.orders.builders import opened, promise, recorded, reseller, rows


async def test_sessions_without_an_order_and_withdrawn_links_are_forgotten_after_a_while(database: Database, tenant: str) -> None:
    async with opened(database, tenant) as world:
        buyer = await reseller(world)
        order = await recorded(world, "1")
        await promise(world, buyer.id, "T-left")
        link = {"order_id": order.id, "email": "e@x.example", "language": "en", "saleor_user_id": "u", "created_at": NOW}
        async with database.tenant(tenant) as session:
            session.add(LicenseClaim(token_hash="a", expires_at=NOW, withdrawn_at=NOW, **link))
            session.add(LicenseClaim(token_hash="b", expires_at=NOW, **link))  # expired and open: it can be renewed

        async def forgotten(days: int) -> int:
            async with database.tenant(tenant) as session:
                return await forget_abandoned(session, NOW + timedelta(days))

        assert await forgotten(-1) == 0
        assert await forgotten(1) == 2
        assert await forgotten(1) == 0
        assert [kept.transaction_id for kept in await rows(world, PaymentSession)] == ["T1"]
        assert [kept.token_hash for kept in await rows(world, LicenseClaim)] == ["b"]
