"""A file of each format pays an order through to its license: one shop, six orders, six files of its bank."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from sqlalchemy import select

from app.bank import service as bank
from app.bank.tables import BankImport
from app.licenses.tables import License
from app.mail.schemas import MailKind
from app.mail.tables import Mail
from app.orders.bank_upload import import_bank_file
from app.sandbox.seed import RESELLER
from tests.bank.writers import ACCOUNT, Movement, bai2, camt_pieces, mt940, ofx
from tests.journeys.harness import BILLING, BOOKKEEPER, Journey, journey

MAPPING = {
    "columns": {"booking_date": "Datum", "amount": "Betrag", "payer_name": "Name", "reference_text": "Zweck"},
    "decimal": ",",
    "delimiter": ";",
    "date_order": "DMY",
    "currency": "USD",
}


def notification(paid: Movement) -> str:
    statement = "".join(camt_pieces([paid]))
    return statement.replace("camt.053", "camt.054").replace("BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn").replace("Stmt>", "Ntfctn>")


def csv_file(paid: Movement) -> str:
    amount = f"{paid.amount}".replace(".", ",")
    return f"Datum;Betrag;Name;Zweck\n{paid.booked:%d.%m.%Y};{amount};{paid.payer};{paid.text}\n"


FILES = {
    "statement.xml": lambda paid: "".join(camt_pieces([paid], 2)),
    "advice.xml": notification,
    "march.sta": lambda paid: mt940([paid]),
    "march.qfx": lambda paid: ofx([paid], xml=False),
    "march.bai": lambda paid: bai2([paid]),
    "march.csv": csv_file,
}


async def paid_by_file(at: Journey, number: str, name: str) -> Movement:
    """Import a file in which the reseller's wire for an order stands, its reference as the bank wrote it."""
    order = await at.recorded(number)
    day = at.services.today(at.shop)
    text = f"thank you {order.reference[:4]} {order.reference[4:]}"
    paid = Movement(order.total_minor, day, day, str(BILLING["companyName"]), text, f"BANK{number}", order.currency)
    file = BytesIO(FILES[name](paid).encode("cp1252" if name.endswith("csv") else "utf-8"))
    report = await import_bank_file(at.services, at.shop, file, file_name=name, by=BOOKKEEPER)
    assert report.counts == {"booked": 1}, (name, report)
    return paid


async def test_a_file_of_each_format_pays_an_order_through_to_its_license(tmp_path: Path) -> None:
    async with journey(f"sqlite+aiosqlite:///{tmp_path}/reseller.db", tmp_path) as at:
        async with at.rows() as session:
            await bank.add_account(session, ACCOUNT, mapping=MAPPING, by=BOOKKEEPER, at=at.services.clock())
        # All ordered before the first is paid: each of them waits for its money.
        numbers = [(await at.buy(RESELLER, [("GRID-DEV", 1)]))[1].number for _ in FILES]
        await at.idle()
        for number, name in zip(numbers, FILES, strict=True):
            assert (await at.recorded(number)).released_at is None
            await paid_by_file(at, number, name)
        await at.idle()
        for number in numbers:
            order = await at.recorded(number)
            assert order.released_at is not None, number
            (transaction,) = at.order(number).transactions
            assert transaction.charged == at.order(number).gross
            async with at.rows() as session:
                assert len(list(await session.scalars(select(License).where(License.order_id == order.id)))) == 1
                kinds = set(await session.scalars(select(Mail.kind).where(Mail.order_id == order.id)))
            assert {MailKind.LICENSE, MailKind.ORDER_DETAILS} <= kinds
        async with at.rows() as session:
            formats = list(await session.scalars(select(BankImport.format)))
        assert sorted(formats) == ["bai2", "camt", "camt", "csv", "mt940", "ofx"]
        assert await at.contradictions() == {}
