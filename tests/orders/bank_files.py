"""Bank files for the tests of the import, as a parser gives them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from stdnum.iso7064 import mod_97_10

from app.bank.lines import Balance, BankItem, BankLine, RefusedLine, StatementEnd, StatementHeader, StatementKind
from app.bank.reading import read
from app.bank.service import lock_line
from app.bank.tables import BankLineRow
from app.orders.bank_batch import ImportReport
from app.orders.bank_import import import_file
from tests.bank.lines import line as bank_line
from tests.orders.builders import World

ACCOUNT = "123456"
"""The account of the shop's settings (`builders.USD_ACCOUNT`)."""


def rf(number: int | str) -> str:
    """A valid creditor reference for an order of the tests."""
    body = f"TEST{number}"
    return f"RF{mod_97_10.calc_check_digits(body + 'RF')}{body}"


def paid(number: int | str = "1", amount: str = "19.49", **changed: Any) -> BankLine:
    """A wire of the reseller `texan` for an order, by its reference."""
    facts: dict[str, Any] = {
        "account": ACCOUNT, "payer_name": "TEXAN", "reference_structured": rf(number), "bank_reference": f"BANK-{number}",
    }  # fmt: skip
    return bank_line(amount, **facts | changed)


def statement(
    *lines: BankLine | RefusedLine,
    account: str | None = ACCOUNT,
    opening: str | None = None,
    closing: str | None = None,
    day: date = date(2026, 3, 2),
    kind: StatementKind = StatementKind.STATEMENT,
) -> Iterator[BankItem]:
    """One statement of one day."""

    def balance(amount: str | None) -> Balance | None:
        return Balance(amount=Decimal(amount), currency="USD", date=day) if amount is not None else None

    yield StatementHeader(
        kind=kind, account=account, currency="USD", statement_id="1", sequence=None, page=None,
        opening=balance(opening), position="statement 1",
    )  # fmt: skip
    yield from lines
    yield StatementEnd(closing=balance(closing), last_page=True, lines=len(lines), difference=None)


async def imported(
    world: World, *lines: BankLine | RefusedLine, name: str = "march.xml", dry_run: bool = False, **changed: Any
) -> ImportReport:
    """Import one statement with these lines."""
    file = read(statement(*lines, **changed))
    digest = hashlib.sha256(repr((lines, sorted(changed.items()))).encode()).hexdigest()
    try:
        return await import_file(
            world.services, world.shop, file, file_name=name, sha256=digest, format="camt", by="ada", dry_run=dry_run
        )
    finally:
        file.close()


async def line_of(world: World, line_id: str) -> BankLineRow:
    async with world.database.tenant(world.shop.tenant_id) as session:
        return await lock_line(session, line_id)


def outcomes(rows: Sequence[BankLineRow]) -> list[str]:
    return [row.outcome for row in sorted(rows, key=lambda row: row.number)]
