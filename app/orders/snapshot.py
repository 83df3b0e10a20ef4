"""Each shop's whole program in memory, so that the tax webhook waits for no database (`performance.md`)."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.reading import rows
from app.db.session import Database
from app.errors import Unavailable
from app.orders.quote import ActiveReseller, Program
from app.pricing.service import load_prices
from app.resellers.rules import ResellerStatus
from app.resellers.tables import Reseller, ResellerUser
from app.saleor.shops import Shop, Shops
from app.settings import ShopSettings
from app.tax.rules import Location
from app.tax.service import load_certificates, load_tax

log = structlog.get_logger()

POLL_SECONDS = 0.4


async def load_program(session: AsyncSession, settings: ShopSettings) -> Program:
    """A shop's program as the database holds it: approved resellers by their users' Saleor ids, with prices and tax.

    Suspended, ended and pending resellers are not in it, so that they get the public price. Price lists are shared objects.
    """
    return Program(
        resellers=await _resellers(session, settings, None),
        tax=await load_tax(session),
        reseller_only_channels=frozenset(settings.reseller_only_channels),
    )


async def load_buyer(session: AsyncSession, settings: ShopSettings, saleor_user_id: str) -> ActiveReseller | None:
    """One reseller as `load_program` would have it, read now; None for everybody who is not approved."""
    return (await _resellers(session, settings, saleor_user_id)).get(saleor_user_id)


async def _resellers(session: AsyncSession, settings: ShopSettings, user: str | None) -> dict[str, ActiveReseller]:
    columns = (
        select(ResellerUser.saleor_user_id, Reseller.id, Reseller.country, Reseller.state, Reseller.postal_code)
        .join(Reseller, Reseller.id == ResellerUser.reseller_id)
        .where(Reseller.status == ResellerStatus.APPROVED.value)
    )
    if user is not None:
        columns = columns.where(ResellerUser.saleor_user_id == user)
    only: str | None = None
    if user is not None:
        only = await session.scalar(select(ResellerUser.reseller_id).where(ResellerUser.saleor_user_id == user))
        if only is None:
            return {}
    certificates = await load_certificates(session, only)
    prices = await load_prices(session, cap=settings.program.max_discount_percent, reseller_id=only)
    found: dict[str, ActiveReseller] = {}
    async for saleor_user_id, reseller_id, country, state, postal_code in rows(session, columns):
        location = Location(sys.intern(country), sys.intern(state), postal_code, certificates.get(reseller_id, ()))
        found[saleor_user_id] = ActiveReseller(reseller_id, prices.of(reseller_id), location)
    return found


class Programs:
    """The current program of every active shop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[str, tuple[int, Program]] = {}
        self._failing: dict[str, str] = {}

    def get(self, tenant_id: str) -> Program:
        """The program to decide by. Raises Unavailable until it was loaded once: no answer is better than a wrong price."""
        kept = self._kept.get(tenant_id)
        if kept is None:
            raise Unavailable("The reseller program of this shop is still being loaded; try again.", code="loading")
        return kept[1]

    def loaded(self, tenant_id: str) -> bool:
        """Whether there is a program to decide by."""
        return tenant_id in self._kept

    def current(self, shop: Shop) -> bool:
        """Whether the program is the one of the shop's version."""
        kept = self._kept.get(shop.tenant_id)
        return kept is not None and kept[0] == shop.version

    async def refresh(self, shops: Iterable[Shop]) -> None:
        """Load the program of every shop that is new or changed since.

        A shop that cannot be loaded keeps the program it had, is logged once per kind of error, and is tried again next time.
        """
        for shop in shops:
            kept = self._kept.get(shop.tenant_id)
            if kept is not None and kept[0] == shop.version:
                continue
            try:
                async with self._database.tenant_reading(shop.tenant_id) as session:
                    program = await load_program(session, shop.settings)
            except Exception as error:
                if self._failing.get(shop.tenant_id) != type(error).__name__:
                    log.exception("program_not_loaded", tenant=shop.tenant_id, kept_version=kept[0] if kept else None)
                self._failing[shop.tenant_id] = type(error).__name__
            else:
                # The version was read before the rows: what changed in between raises it again and is loaded by the next round.
                self._kept[shop.tenant_id] = (shop.version, program)
                self._failing.pop(shop.tenant_id, None)

    async def poll(self, shops: Shops, seconds: float = POLL_SECONDS) -> None:
        """Follow the database until cancelled, so that a change counts in every process within a second; errors never end it."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await shops.refresh()
            except Exception:
                log.exception("shops_not_refreshed")
            await self.refresh(shops.all())
