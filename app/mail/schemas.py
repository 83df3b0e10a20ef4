"""What each mail says. The license mail has no place for an amount: it is passed on to the end customer (`rules.md` 9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from app.money import Money
from app.settings import Seller

Language = Literal["en", "de"]


class MailKind(StrEnum):
    """Mails of an order to its reseller (`rules.md` 8.1) and to who may claim its license (8.2), those about an application and
    what staff decide about a reseller (1.1, 1.2), invitations of users, a planned change of prices (2.6), an exemption
    certificate (10.3), the statement of a month (7), reminders of what is due (6), wires that were not exactly what was owed
    (4.3), cases about deals (11.3), and a test of the mail settings."""

    ORDER_RECEIVED = "order_received"
    ORDER_DETAILS = "order_details"
    CREDIT_NOTE = "credit_note"
    LICENSE = "license"
    LICENSE_CLAIM = "license_claim"
    APPLICATION_APPROVED = "application_approved"
    APPLICATION_REJECTED = "application_rejected"
    APPLICATION_MORE_INFORMATION = "application_more_information"
    CERTIFICATE_APPROVED = "certificate_approved"
    CERTIFICATE_REJECTED = "certificate_rejected"
    CERTIFICATE_REVOKED = "certificate_revoked"
    CERTIFICATE_ENDING = "certificate_ending"
    CERTIFICATE_EXPIRED = "certificate_expired"
    RESELLER_SUSPENDED = "reseller_suspended"
    RESELLER_ENDED = "reseller_ended"
    RESELLER_REINSTATED = "reseller_reinstated"
    INVITATION = "invitation"
    PRICE_CHANGE = "price_change"
    PRICE_CHANGE_CANCELED = "price_change_canceled"
    STATEMENT = "statement"
    REMINDER = "reminder"
    TEST = "test"
    CASE = "case"
    WIRE_BOOKED = "wire_booked"


@dataclass(frozen=True, slots=True)
class MailLine:
    """A line as a mail lists it."""

    sku: str
    name: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Payment:
    """How to pay: the fields of `documents.bank_details.Instructions`, empty ones left out. `qr_svg` is the EPC code in EUR."""

    amount: Money
    reference: str
    due: date
    beneficiary: str
    iban: str = ""
    bic: str = ""
    routing_number: str = ""
    account_number: str = ""
    bank_name: str = ""
    qr_svg: str | None = None


@dataclass(frozen=True, slots=True)
class OrderContext:
    """An order received, or released. `prepaid_done` of `prepaid_needed` prepaid orders count so far (`rules.md` 5.1).

    `payment` is what is still to be paid; None when nothing is.
    """

    seller: Seller
    name: str
    order_number: str
    end_customer: str
    lines: tuple[MailLine, ...]
    total: Money
    terms: Literal["prepay", "on_account"]
    prepaid_done: int
    prepaid_needed: int
    po_number: str = ""
    payment: Payment | None = None


@dataclass(frozen=True, slots=True)
class CreditNoteContext:
    """A credit note of `amount` that corrects an invoice, since the order was canceled or else money was sent back."""

    seller: Seller
    name: str
    order_number: str
    number: str
    invoice_number: str
    amount: Money
    canceled: bool
    po_number: str = ""


@dataclass(frozen=True, slots=True)
class LicenseContext:
    """License files of an order. `steps` say how one is applied; `temporary_until` is the last day of a temporary license."""

    seller: Seller
    name: str
    order_number: str
    end_customer: str
    lines: tuple[MailLine, ...]
    steps: tuple[str, ...]
    po_number: str = ""
    temporary_until: date | None = None


@dataclass(frozen=True, slots=True)
class ClaimContext:
    """A license that waits to be claimed by the holder of the mailbox, who is an end customer: no amount (`rules.md` 9).

    `link` counts through the day `until`.
    """

    seller: Seller
    name: str
    order_number: str
    end_customer: str
    lines: tuple[MailLine, ...]
    link: str
    until: date


@dataclass(frozen=True, slots=True)
class ApplicationContext:
    """A decision about an application. `reason` is what staff wrote; `policy_version` the policy to be accepted yet, if any.

    `apply_again_from` is the first day of another try after a rejection; `linked_to` the reseller that the account orders for.
    """

    seller: Seller
    name: str
    company: str
    reason: str = ""
    policy_version: str = ""
    apply_again_from: date | None = None
    linked_to: str = ""
    prepaid_needed: int = 0


@dataclass(frozen=True, slots=True)
class CertificateContext:
    """A decision about an exemption certificate, or its end (`rules.md` 10.3). `states` are names of US states.

    `reason` is what staff wrote. `days_left` is 0 on its last day; `renewal_waits` tells that its renewal is with staff already.
    """

    seller: Seller
    company: str
    number: str
    states: tuple[str, ...]
    valid_from: date
    valid_to: date | None = None
    reason: str = ""
    days_left: int = 0
    renewal_waits: bool = False


@dataclass(frozen=True, slots=True)
class ResellerContext:
    """A decision about a reseller. `reason` is what staff wrote; `policy_version` the policy to be accepted yet, if any."""

    seller: Seller
    company: str
    reason: str = ""
    policy_version: str = ""


@dataclass(frozen=True, slots=True)
class InvitationContext:
    """An invitation of a user by `invited_by`. `url` holds its token; `until` is when it expires, in the shop's time zone."""

    seller: Seller
    company: str
    invited_by: str
    role: Literal["owner", "buyer", "accounts", "viewer"]
    url: str
    until: datetime


@dataclass(frozen=True, slots=True)
class PriceTerms:
    """What a reseller gets: a percentage off retail, or a fixed unit price, perhaps through a last day."""

    price: Decimal | Money
    until: date | None = None


@dataclass(frozen=True, slots=True)
class PriceChangeLine:
    """A price that changes: what it is for, from which quantity and day on, what it was and what it becomes, None for nothing.

    Without a `scope` it is the general percentage off retail.
    """

    scope: Literal["", "variant", "product", "category", "collection"]
    label: str
    old: PriceTerms | None
    new: PriceTerms | None
    minimum_quantity: int = 1
    since: date | None = None


@dataclass(frozen=True, slots=True)
class PriceChangeContext:
    """A planned change of a reseller's prices, or its cancellation; `more` prices do not stand in the mail."""

    seller: Seller
    name: str
    company: str
    effective_on: date
    prices: tuple[PriceChangeLine, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class MailedStatement:
    """A statement in one currency. `to_pay` is None where nothing is asked for."""

    number: str
    to_pay: Money | None
    reference: str


@dataclass(frozen=True, slots=True)
class StatementContext:
    """The statements of a month, one per currency, dated the first of the next one (`rules.md` 7). `month` is its first day."""

    seller: Seller
    company: str
    month: date
    dated: date
    statements: tuple[MailedStatement, ...]


@dataclass(frozen=True, slots=True)
class ReminderLine:
    """What is open of one order. `days` are those since it was due, negative before."""

    order_number: str
    po_number: str
    open: Money
    due: date
    days: int
    reference: str


@dataclass(frozen=True, slots=True)
class MailedAccount:
    """An account of the vendor to pay to: the fields of `documents.bank_details.BankAccount`, empty ones left out."""

    currency: str
    beneficiary: str
    iban: str = ""
    bic: str = ""
    routing_number: str = ""
    account_number: str = ""
    bank_name: str = ""


@dataclass(frozen=True, slots=True)
class ReminderContext:
    """What a reseller is reminded of (`rules.md` 6), and where to pay it: `accounts` are those of the orders' channels."""

    seller: Seller
    company: str
    reminded: tuple[ReminderLine, ...]
    accounts: tuple[MailedAccount, ...] = ()


class CaseStep(StrEnum):
    """What a mail about a case tells: it is here, staff answered, it is closed; or staff of what a reseller wrote."""

    RECEIVED = "received"
    ANSWERED = "answered"
    CLOSED = "closed"
    FOR_STAFF = "for_staff"


@dataclass(frozen=True, slots=True)
class CaseContext:
    """A case about a deal (`rules.md` 11.3). `text` is what was written now, `by` who of the vendor's staff wrote it."""

    seller: Seller
    company: str
    number: str
    hand_over: bool
    subject: str
    step: CaseStep
    text: str
    by: str = ""
    customer: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True)
class TrialContext:
    """A mail that only shows that mails arrive."""

    seller: Seller


@dataclass(frozen=True, slots=True)
class PlacedPart:
    """What of a wire pays one order, or the interest on it, and what is still open of that."""

    order_number: str
    paid: Money
    open: Money
    reference: str
    interest: bool = False


@dataclass(frozen=True, slots=True)
class WireContext:
    """A wire that was booked and was too little, too much, or for nothing that is open (`rules.md` 4.3, edge cases 50 to 53).

    `left` is what no order took: the reseller's credit; None where nothing is left.
    """

    seller: Seller
    company: str
    received: Money
    value_date: date
    bank_reference: str
    parts: tuple[PlacedPart, ...]
    left: Money | None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail, like `application/pdf`."""

    file_name: str
    media_type: str
    content: bytes
