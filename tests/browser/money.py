"""Money, licenses and statements beside what `world.fill` makes: bank lines of every kind, and a month's statements."""

from __future__ import annotations

import io
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.bank.tables import BankLineRow
from app.licenses.tables import License
from app.orders import bank_desk
from app.orders.bank_upload import import_bank_file
from app.sandbox.seed import RESELLER
from app.statements import drawing
from app.statements.rules import period_of
from app.statements.tables import Statement, StatementRun
from tests.journeys.harness import BOOKKEEPER, Journey

ACCOUNT = "000123456789"
PAYER = "LONE STAR SOFTWARE AND DISTRIBUTION OF TEXAS LLC DBA LONE STAR COMPONENTS"


def statement_file(*lines: tuple[str, str, str]) -> bytes:
    """An MT940 statement of the shop's account: (amount, text, payer) each."""
    text = "".join(
        f":61:2603020302C{amount.replace('.', ',')}NTRFNONREF//BANK{number}{int(float(amount) * 100)}\r\n"
        f":86:166?00TRANSFER?20{words[:27]}?32{payer[:27]}{'?33' if payer[27:] else ''}{payer[27:54]}\r\n"
        for number, (amount, words, payer) in enumerate(lines, 1)
    )
    return f":20:T\r\n:25:{ACCOUNT}\r\n:28C:1/1\r\n:60F:C260302USD0,00\r\n{text}:62F:C260302USD0,00\r\n-\r\n".encode()


async def fill_money(at: Journey) -> dict[str, str]:
    """Make it; what tests and pictures need of it. The orders are the shop's that wait for their money."""
    _, first = await at.buy(RESELLER, [("GRID-DEV", 2)], end_customer="first@customer.example", po_number="PO-2026-11")
    _, second = await at.buy(RESELLER, [("GRID-TEAM", 1)], end_customer="second@customer.example")
    await at.idle()
    owed = await at.recorded(first.number)
    other = await at.recorded(second.number)
    content = statement_file(
        ("5000.00", owed.reference, PAYER),
        ("123.45", "Thank you", "Unknown Payer Inc"),
        ("77.10", f"maybe {other.number}", PAYER),
        ("41.00", "office rent", "Somebody"),
    )
    await import_bank_file(at.services, at.shop, io.BytesIO(content), file_name="march-2026.sta", by=BOOKKEEPER)
    async with at.rows() as session:
        lines = (await session.scalars(select(BankLineRow).order_by(BankLineRow.number))).all()
        rent = next(line for line in lines if line.amount == "41")
        await bank_desk.reject(session, at.services, rent.id, by=BOOKKEEPER, reason="Not ours: the rent of a tenant.")
        period = period_of(at.services.clock(), ZoneInfo(at.shop.settings.time_zone)).next
        session.add(StatementRun(period=str(period), snapshot_at=at.services.clock()))
        await session.flush()
        made = await drawing.draw_up(session, at.services, at.shop, owed.reseller_id or "", period)
        license_id = (await session.scalars(select(License.id))).first()
    for statement_id in made:
        await drawing.print_statement(at.services.database, at.shop, statement_id)
    async with at.rows() as session:
        number = (await session.scalars(select(Statement.number))).first()
    return {
        "proposal": next(line.id for line in lines if line.amount == "5000"),
        "unmatched": next(line.id for line in lines if line.amount == "123.45"),
        "import": lines[0].import_id, "owed": owed.number, "other": other.number,
        "license": license_id or "", "statement": number or "",
    }  # fmt: skip
