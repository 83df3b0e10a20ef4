"""A bank file as it comes in, by command, page or watched folder: its format told, its account's mapping found, imported."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import BinaryIO

from sqlalchemy import select

from app.bank.csv_mapping import CsvMapping, read_mapping
from app.bank.formats import Format, read
from app.bank.reading import ReadFile
from app.bank.reading import read as read_whole
from app.bank.search import folded
from app.bank.service import accounts
from app.bank.tables import BankAccountRow
from app.errors import InvalidInput
from app.orders.bank_batch import ImportReport
from app.orders.bank_import import import_file
from app.orders.services import Services
from app.saleor.shops import Shop

PIECE = 1024 * 1024


async def import_bank_file(
    services: Services,
    shop: Shop,
    source: BinaryIO,
    *,
    file_name: str,
    by: str,
    account: str = "",
    dry_run: bool = False,
    progress: Callable[[str, int], None] | None = None,
) -> ImportReport:
    """Import a seekable file of any format. `account` names whose it is where it does not say, and whose CSV mapping to take.

    `progress` hears of lines "read" and "booked". Raises FileRefused with the place for a file that cannot be read, and as
    `import_file`; nothing is kept of a refused file.
    """
    async with services.database.tenant_reading(shop.tenant_id) as session:
        mapping, whose = _mapping(list(await accounts(session)), account)

    def whole() -> tuple[str, Format, ReadFile]:
        digest = hashlib.sha256()
        source.seek(0)
        while piece := source.read(PIECE):
            digest.update(piece)
        found, stream = read(source, mapping)
        told = (lambda count: progress("read", count)) if progress else None
        return digest.hexdigest(), found, read_whole(stream, account=whose, progress=told)

    sha256, found, file = await asyncio.to_thread(whole)
    try:
        return await import_file(
            services,
            shop,
            file,
            file_name=file_name,
            sha256=sha256,
            format=found.value,
            by=by,
            dry_run=dry_run,
            progress=(lambda count: progress("booked", count)) if progress else None,
        )
    finally:
        file.close()


async def mapping_of(services: Services, shop: Shop, account: str) -> CsvMapping | None:
    """How an account's CSV files are read; None where nobody said."""
    async with services.database.tenant_reading(shop.tenant_id) as session:
        row = await session.scalar(select(BankAccountRow).where(BankAccountRow.identifier == folded(account)))
        return read_mapping(row.mapping) if row is not None and row.mapping else None


def _mapping(known: list[BankAccountRow], account: str) -> tuple[CsvMapping | None, str]:
    """(the mapping for a file that may be a CSV, whose file it is)."""
    if account:
        row = next((row for row in known if row.identifier == folded(account)), None)
        if row is None:
            raise InvalidInput(
                f"Account {account} is none of this shop's yet. Add it: reseller bank account {account}", code="unknown_account"
            )
        return (read_mapping(row.mapping) if row.mapping else None), account
    mapped = [row for row in known if row.mapping]
    return (read_mapping(mapped[0].mapping), mapped[0].identifier) if len(mapped) == 1 else (None, "")
