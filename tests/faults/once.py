"""What must be there exactly once after a story, whatever happened on the way: asked of the shop and of our own tables."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import undefer

from app.documents.tables import Document, DocumentSeries
from app.ledger.rules import Kind
from app.ledger.tables import LedgerItem
from app.licenses.rules import LicenseKind
from app.licenses.tables import License
from app.mail.schemas import MailKind
from app.mail.tables import Mail
from app.orders.tables import EndCustomer, ResellerOrder, StaffTask
from app.sandbox.rows.sales import Order
from tests.journeys.harness import Journey

RELEASED = [MailKind.LICENSE, MailKind.ORDER_DETAILS, MailKind.ORDER_RECEIVED]


async def assert_released_once(at: Journey, number: str, *, by_file: bool = False) -> None:
    """A paid order went out once: money, licenses, account, invoice, mails, fulfillment, notes.

    A wire of a bank file may pay many orders, so it is booked as none's own.
    """
    row = await recorded_once(at, number)
    order = at.order(number)
    assert row.released_at is not None
    wire = [] if by_file else [Kind.PAYMENT]
    assert await booked(at, row) == [Kind.ALLOCATION, *wire, Kind.RECEIVABLE]
    assert_charged_once(order)
    async with at.rows() as session:
        licenses = (await session.scalars(select(License).where(License.order_id == row.id))).all()
        documents = (await session.scalars(select(Document).where(Document.order_id == row.id).order_by(Document.kind))).all()
        tasks = (await session.scalars(select(StaffTask).where(StaffTask.order_id == row.id))).all()
    assert sorted(license.order_line_id for license in licenses) == sorted(line.id for line in row.lines)
    assert {license.kind for license in licenses} == {LicenseKind.PERMANENT}
    assert {license.end_customer_id for license in licenses} == {row.end_customer_id}
    assert [invoice.number for invoice in order.invoices] == [documents[0].number]
    assert [document.kind for document in documents] == ["invoice"] + ["proforma"] * (row.terms == "prepay")
    assert [(fulfillment.status, len(fulfillment.lines)) for fulfillment in order.fulfillments] == [("FULFILLED", len(row.lines))]
    assert order.status == "FULFILLED"
    assert tasks == []
    await assert_mailed_once(at, row, RELEASED)
    await assert_account_once(at, row)
    assert_noted_once(at, number)


async def recorded_once(at: Journey, number: str) -> ResellerOrder:
    """The one row of an order."""
    async with at.rows() as session:
        rows = await session.scalars(select(ResellerOrder).where(ResellerOrder.saleor_order_id == at.order(number).id))
        return rows.one()


async def booked(at: Journey, row: ResellerOrder) -> list[str]:
    """The kinds of an order's ledger items, sorted."""
    async with at.rows() as session:
        return sorted(await session.scalars(select(LedgerItem.kind).where(LedgerItem.order_id == row.id)))


def assert_charged_once(order: Order) -> None:
    """One transaction, and in it one success that is the whole total."""
    (transaction,) = order.transactions
    successes = [event for event in transaction.events if event.type == "CHARGE_SUCCESS"]
    assert [event.amount for event in successes] == [order.gross]
    assert (transaction.charged, transaction.charge_pending) == (order.gross, Decimal(0))


async def assert_mailed_once(at: Journey, row: ResellerOrder, kinds: list[MailKind]) -> None:
    """One mail of each kind, sent, and on disk once with the very bytes that are kept."""
    async with at.rows() as session:
        query = select(Mail).where(Mail.order_id == row.id).options(undefer(Mail.content))
        mails = (await session.scalars(query)).all()
    assert sorted(mail.kind for mail in mails) == kinds
    assert {mail.state for mail in mails} <= {"sent"}
    assert {mail.recipient for mail in mails} <= {row.recipient}
    directory = Path(at.settings.mail_directory) / at.tenant_id
    # A life that ended while it wrote leaves a hidden draft behind; only a whole file under its name is a mail.
    files = [file.read_bytes() for file in directory.glob("*.eml")]
    assert sorted(files.count(mail.content) for mail in mails) == [1] * len(mails)
    assert len({mail.message_id for mail in mails}) == len(mails)


async def assert_account_once(at: Journey, row: ResellerOrder) -> None:
    """One account in the shop for the end customer, and one row of ours that knows it."""
    email = row.end_customer_email.lower()
    accounts = [user for user in at.sandbox.store.users if user.email == email]
    async with at.rows() as session:
        customers = (await session.scalars(select(EndCustomer).where(EndCustomer.email_key == email))).all()
    assert [(customer.id, customer.saleor_user_id) for customer in customers] == [
        (row.end_customer_id, account.id) for account in accounts
    ]
    assert len(accounts) == 1


def assert_noted_once(at: Journey, number: str) -> None:
    """No note twice on the order's timeline, and at least one."""
    notes = at.notes(number)
    assert notes
    assert len(set(notes)) == len(notes)


async def assert_nothing_contradicts(at: Journey) -> None:
    """`reseller check` finds nothing, no series of documents has gaps, no mail on disk is nobody's or there twice."""
    assert await at.contradictions() == {}
    async with at.rows() as session:
        numbers = list(await session.scalars(select(Document.number)))
        last = (await session.scalars(select(DocumentSeries.last))).all()
        mails = len((await session.scalars(select(Mail.id))).all())
    series: dict[str, list[int]] = {}
    for number in numbers:
        series.setdefault(number.split("-")[0], []).append(int(number.split("-")[1]))
    for given in series.values():
        assert sorted(given) == list(range(1, len(given) + 1))
    assert sum(last) == len(numbers)
    # Not `iterdir`: a life that ended while it wrote leaves a hidden draft behind, which no mail program ever sees.
    assert len(list((Path(at.settings.mail_directory) / at.tenant_id).glob("*.eml"))) == mails
