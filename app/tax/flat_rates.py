"""A copy of the store's own flat rates, from which everybody who is not a reseller in the US is taxed (`rules.md` 10.5)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.session import Database
from app.saleor.answers import FlatRatesAnswer
from app.saleor.client import SaleorClient
from app.saleor.operations import FLAT_RATES
from app.tax.tables import FlatRateRow

STORED = Decimal("0.0001")
"""Percent, as the column and Saleor's own keep it."""

Rates = Mapping[tuple[str, str | None], Decimal]
"""Percent by country code and tax class id, as `rules.TaxProgram.flat`; without a class it is the country's default."""


def rates_of(answer: FlatRatesAnswer) -> Rates:
    """The rates the shop answered."""
    return {
        (configuration.country.code, rate.tax_class.id if rate.tax_class else None): rate.rate.quantize(STORED)
        for configuration in answer.tax_country_configurations or ()
        for rate in configuration.tax_class_country_rates
    }


async def copy_flat_rates(database: Database, tenant_id: str, client: SaleorClient) -> bool:
    """Make a shop's copy equal to its rates; True when anything had to be written.

    The shop is asked before the transaction begins, so that nothing waits for it with the database locked. Raises SaleorError,
    and then nothing was changed.
    """
    rates = rates_of(await client.execute(FLAT_RATES))
    async with database.tenant(tenant_id) as session:
        return await store_flat_rates(session, rates)


async def store_flat_rates(session: AsyncSession, rates: Rates) -> bool:
    """Replace the copy. Only what differs is written, since every write makes all processes read the program again."""
    wanted = {(country, tax_class or ""): rate for (country, tax_class), rate in rates.items()}
    changed = False
    for row in await session.scalars(select(FlatRateRow)):
        rate = wanted.pop((row.country, row.tax_class), None)
        if rate is None:
            await session.delete(row)
        elif row.rate != rate:
            row.rate = rate
        else:
            continue
        changed = True
    for (country, tax_class), rate in wanted.items():
        session.add(FlatRateRow(country=country, tax_class=tax_class, rate=rate))
        changed = True
    await session.flush()
    return changed
