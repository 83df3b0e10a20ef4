"""A bank file as it comes in, by command, page or watched folder: its format told, its account's mapping found, imported."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import BinaryIO

from app.bank import service as bank
from app.bank.account_names import Names, named_as
from app.bank.csv_mapping import CsvMapping, read_mapping
from app.bank.formats import Format, read
from app.bank.reading import ReadFile
from app.bank.reading import read as read_whole
from app.bank.service import accounts
from app.bank.tables import BankAccountRow
from app.errors import InvalidInput, ResellerError
from app.orders.bank_batch import ImportReport
from app.orders.bank_candidates import own_names
from app.orders.bank_import import import_file, repeated_report
from app.orders.services import Services
from app.saleor.shops import Shop

PIECE = 1024 * 1024
SHOWN_EVERY = 1.0
"""Seconds between two notes of how far a file is read."""


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
    reading: str = "",
) -> ImportReport:
    """Import a seekable file of any format. `account` names whose it is where it does not say, and whose CSV mapping to take.

    `progress` hears of lines "read" and "booked"; `reading` is a row that shows it already, which its owner keeps.

    Raises FileRefused with the place for a file that cannot be read, and as `import_file`; nothing is kept of a refused file.
    """
    async with services.database.tenant_reading(shop.tenant_id) as session:
        mapping, whose = _mapping(list(await accounts(session)), account, own_names(shop))

    sha256 = await asyncio.to_thread(digest_of, source)
    row = None
    if not dry_run and not reading:
        async with services.database.tenant(shop.tenant_id) as session:
            row, repeated = await bank.begin_reading(session, file_name=file_name, sha256=sha256, by=by, at=services.clock())
        if repeated:
            return repeated_report(row)
    try:
        found, file = await _read(services, shop, source, mapping, whose, row.id if row else reading, progress)
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
                reading=row.id if row else reading,
                progress=(lambda count: progress("booked", count)) if progress else None,
            )
        finally:
            file.close()
    except ResellerError:
        if row is not None:
            async with services.database.tenant(shop.tenant_id) as session:
                await bank.forget_reading(session, row.id)
        raise


async def look_at(services: Services, shop: Shop, source: BinaryIO, account: str) -> None:
    """Refuse at once what is no bank file, or of an account that is not known; its lines are not read. Raises as the import."""
    async with services.database.tenant_reading(shop.tenant_id) as session:
        mapping, _ = _mapping(list(await accounts(session)), account, own_names(shop))
    await asyncio.to_thread(read, source, mapping)


def digest_of(source: BinaryIO) -> str:
    """The SHA-256 of a seekable file, piece by piece."""
    digest = hashlib.sha256()
    source.seek(0)
    while piece := source.read(PIECE):
        digest.update(piece)
    return digest.hexdigest()


async def _read(
    services: Services,
    shop: Shop,
    source: BinaryIO,
    mapping: CsvMapping | None,
    account: str,
    row_id: str,
    progress: Callable[[str, int], None] | None,
) -> tuple[Format, ReadFile]:
    """Read a file in a thread of its own; how far it is stands in its row meanwhile."""
    count = shown = 0

    def told(lines: int) -> None:
        nonlocal count
        count = lines
        if progress is not None:
            progress("read", lines)

    def whole() -> tuple[Format, ReadFile]:
        found, stream = read(source, mapping)
        return found, read_whole(stream, account=account, progress=told)

    reading = asyncio.create_task(asyncio.to_thread(whole))
    while not (await asyncio.wait({reading}, timeout=SHOWN_EVERY))[0]:
        if row_id and count != shown:
            shown = count
            async with services.database.tenant(shop.tenant_id) as session:
                await bank.show_read(session, row_id, shown)
    return await reading


async def mapping_of(services: Services, shop: Shop, account: str) -> CsvMapping | None:
    """How an account's CSV files are read; None where nobody said."""
    async with services.database.tenant_reading(shop.tenant_id) as session:
        row = named_as(account, [(row.identifier, row) for row in await accounts(session)], own_names(shop))
        return read_mapping(row.mapping) if row is not None and row.mapping else None


def _mapping(known: list[BankAccountRow], account: str, own: list[Names]) -> tuple[CsvMapping | None, str]:
    """(the mapping for a file that may be a CSV, whose file it is)."""
    if account:
        row = named_as(account, [(row.identifier, row) for row in known], own)
        if row is None:
            raise InvalidInput(
                f"Account {account} is none of this shop's yet. Add it: reseller bank account {account}", code="unknown_account"
            )
        return (read_mapping(row.mapping) if row.mapping else None), account
    mapped = [row for row in known if row.mapping]
    return (read_mapping(mapped[0].mapping), mapped[0].identifier) if len(mapped) == 1 else (None, "")
