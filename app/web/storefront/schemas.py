"""What the storefront API takes and answers resellers. End customers' models stand apart, in `customer_schemas`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.money import Money
from app.reasons import Reason, sentence


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


EXAMPLE_CURSOR = "WyIyMDI2LTAzLTAyVDEyOjAwOjAwKzAwOjAwIiwgIjEiXQ"
Next = Annotated[
    str | None,
    Field(description="Cursor of the next page; null on the last.", examples=[EXAMPLE_CURSOR]),
]


class ProblemOut(Model):
    """An RFC 9457 problem."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(description="A sentence for a person.", examples=["There is no such order."])
    code: str = Field(description="Stable, for programs.", examples=["no_order"])


class MoneyOut(Model):
    amount: str = Field(description="Major units, exact.", examples=["118.80"])
    currency: str = Field(description="ISO 4217.", examples=["USD"])

    @classmethod
    def of(cls, money: Money) -> MoneyOut:
        return cls(amount=str(money.amount), currency=money.currency)


class ReasonOut(Model):
    code: str = Field(examples=["prepaid_count"])
    params: dict[str, str] = Field(examples=[{"paid": "2", "required": "3"}])
    sentence: str = Field(examples=["2 of 3 prepaid orders are paid; until then every order is prepaid."])

    @classmethod
    def of(cls, reason: Reason) -> ReasonOut:
        return cls(code=reason.code, params=dict(reason.params), sentence=sentence(reason))


class OpenOut(Model):
    open: MoneyOut = Field(description="Owed in this currency.")
    overdue: MoneyOut = Field(description="The part of it that is past its due date.")


class UpcomingOut(Model):
    due_date: date = Field(examples=["2026-04-01"])
    amount: MoneyOut


class StandingOut(Model):
    status: str = Field(examples=["approved"])
    terms: str = Field(description="prepay or on_account: how the next order is paid.", examples=["prepay"])
    counted_prepaid_orders: int = Field(examples=[2])
    required_prepaid_orders: int = Field(examples=[3])
    reasons: list[ReasonOut] = Field(description="Why these terms.")
    lifted_by: list[MoneyOut] = Field(
        description="What has to be paid, per currency, so that nothing is overdue and the credit limit is kept."
    )
    credit_limit: MoneyOut | None = Field(description="Of all that is open on account; null without one.")
    order_limit: MoneyOut | None = Field(description="Of one order on account; null without one.")
    may_order: bool
    obstacles: list[ReasonOut] = Field(description="Why no order may be placed now; empty when one may.")
    open_amounts: list[OpenOut] = Field(description="One entry per currency.")
    upcoming: list[UpcomingOut] = Field(description="What falls due today or later, by day and currency.")
    unallocated: list[MoneyOut] = Field(description="Money that arrived and no order has taken, per currency.")


class AcceptanceIn(Model):
    language: Literal["en", "de"] | None = Field(
        None, description="Of the text that was shown; the reseller's own by default.", examples=["en"]
    )
    version: str = Field(max_length=40, description="The version that was shown to the user.", examples=["1"])


class AcceptanceOut(Model):
    version: str = Field(examples=["1"])
    new: bool = Field(description="False when it was accepted before.")


class PriceLineIn(Model):
    variant_id: str = Field(min_length=1, max_length=100, examples=["UHJvZHVjdFZhcmlhbnQ6MQ=="])
    quantity: int = Field(ge=1, le=1_000_000, examples=[3])


class PricesIn(Model):
    channel: str = Field(min_length=1, max_length=255, examples=["default-channel"])
    lines: list[PriceLineIn] = Field(min_length=1, max_length=20)
    on: date | None = Field(
        None,
        description="A day to come, with the price changes announced until then; null for today. Retail and public prices are "
        "today's.",
        examples=[None],
    )


class PriceOut(Model):
    variant_id: str = Field(examples=["UHJvZHVjdFZhcmlhbnQ6MQ=="])
    sku: str | None = Field(examples=["GRID-1"])
    name: str = Field(examples=["Grid"])
    quantity: int = Field(examples=[3])
    retail: MoneyOut = Field(description="Retail price of one unit.")
    partner: MoneyOut = Field(description="Partner price of one unit.")
    total: MoneyOut = Field(description="What the line costs: the lower of partner and public price.")
    includes_tax: bool = Field(description="Whether these prices hold the store's own tax, as the channel's prices do.")
    reasons: list[ReasonOut]
    chain: list[ReasonOut] = Field(description="Every step from retail to the partner price, with all that was considered.")


class PricesOut(Model):
    lines: list[PriceOut]


class OrderOut(Model):
    number: str = Field(examples=["1042"])
    order_date: date = Field(examples=["2026-03-02"])
    due_date: date = Field(examples=["2026-04-01"])
    terms: str = Field(examples=["prepay"])
    state: str = Field(examples=["confirmed"])
    total: MoneyOut
    po_number: str = Field(description="The reseller's own number; may be empty.", examples=["PO-77"])


class OrdersOut(Model):
    orders: list[OrderOut] = Field(description="The newest first.")
    next: Next


class LineOut(Model):
    sku: str = Field(examples=["GRID-1"])
    name: str = Field(examples=["Grid"])
    quantity: int = Field(examples=[2])
    retail: MoneyOut
    unit: MoneyOut
    net: MoneyOut
    gross: MoneyOut
    tax_rate: str = Field(description="Percent.", examples=["8.25"])
    reasons: list[ReasonOut]


class PaymentOut(Model):
    beneficiary: str = Field(examples=["Vendor Inc"])
    iban: str = Field(examples=["DE89370400440532013000"])
    bic: str = Field(examples=["COBADEFFXXX"])
    routing_number: str = Field(examples=[""])
    account_number: str = Field(examples=[""])
    bank_name: str = Field(examples=["Example Bank"])
    reference: str = Field(description="The creditor reference the wire must carry.", examples=["RF18539007547034"])
    amount: MoneyOut = Field(description="What is still open.")
    due_date: date = Field(examples=["2026-04-01"])
    qr_svg: str | None = Field(description="EPC QR code, in EUR only.", examples=["<svg/>"])


class DocumentOut(Model):
    id: str = Field(examples=["3f0c8a52-7d0e-4a55-9a3f-0f6f3b0f2a11"])
    kind: str = Field(examples=["invoice"])
    number: str = Field(examples=["2026-00001"])
    file_name: str = Field(examples=["invoice-2026-00001.pdf"])
    href: str = Field(examples=["/storefront/v1/orders/1042/documents/3f0c8a52-7d0e-4a55-9a3f-0f6f3b0f2a11"])


class OrderLicenseOut(Model):
    id: str = Field(examples=["7a1e2f34-52b1-4c0e-8a77-5d3a9c1b2e60"])
    sku: str = Field(examples=["GRID-1"])
    kind: str = Field(examples=["permanent"])
    state: str = Field(examples=["active"])
    issued_at: datetime = Field(examples=["2026-03-02T12:00:00Z"])
    expires_at: datetime | None = Field(examples=["2027-03-02T12:00:00Z"])
    href: str = Field(examples=["/storefront/v1/orders/1042/licenses/7a1e2f34-52b1-4c0e-8a77-5d3a9c1b2e60"])


class OrderDetailOut(OrderOut):
    open: MoneyOut | None = Field(description="Null while nothing is owed yet.")
    released: bool = Field(description="Whether the license went out.")
    gate_open: bool
    reasons: list[ReasonOut] = Field(description="Why the license may or may not go out.")
    lines: list[LineOut]
    payment: PaymentOut | None = Field(description="How to pay what is open.")
    documents: list[DocumentOut]
    licenses: list[OrderLicenseOut]


class TemporaryOut(Model):
    licenses: list[OrderLicenseOut]


class CertificateIn(Model):
    number: str = Field(min_length=1, max_length=100, examples=["TX-4711"])
    form: str = Field("", max_length=100, description="Name of the form.", examples=["01-339"])
    states: list[str] = Field(
        min_length=1, max_length=60, description="US states, repeated or separated by commas.", examples=[["TX", "OK"]]
    )
    signed_on: date = Field(examples=["2026-01-01"])
    valid_from: date = Field(examples=["2026-01-01"])
    valid_to: date | None = Field(
        None, description="Last valid day; left out where the form has no end.", examples=["2027-12-31"]
    )
    replaces: str = Field(
        "",
        max_length=36,
        pattern=r"^[^\x00]*$",
        description="Id of the certificate that this one renews, if any.",
        examples=["c0a8f1de-1b2c-4d3e-9f40-516273849506"],
    )


class CertificateOut(Model):
    id: str = Field(examples=["c0a8f1de-1b2c-4d3e-9f40-516273849506"])
    number: str = Field(examples=["TX-4711"])
    form: str = Field(examples=["01-339"])
    states: list[str] = Field(examples=[["TX", "CA"]])
    state: str = Field(description="pending, approved, rejected, expired or revoked.", examples=["approved"])
    signed_on: date = Field(examples=["2026-01-01"])
    valid_from: date = Field(examples=["2026-01-01"])
    valid_to: date | None = Field(description="Null is an open end.", examples=["2027-12-31"])
    reason: str = Field(description="Why it was rejected or revoked.", examples=["The signature is missing."])
    replaces_id: str | None = Field(description="The certificate it renews.", examples=["7a1e2f34-52b1-4c0e-8a77-5d3a9c1b2e60"])
    created_at: datetime = Field(examples=["2026-03-02T12:00:00Z"])
    decided_at: datetime | None = Field(examples=["2026-03-02T12:00:00Z"])
    has_document: bool = Field(description="Whether its document can be downloaded.")


class CertificatesOut(Model):
    certificates: list[CertificateOut] = Field(description="The one that came last first.")
    next: Next


class TaxedOut(Model):
    """Whether orders are taxed: a percentage, never an amount."""

    state: str = Field(description="US state; empty for a reseller outside the US.", examples=["TX"])
    day: date = Field(examples=["2026-03-02"])
    taxed: bool
    rate: str = Field(description="Percent, for products without a tax class of their own.", examples=["8.25"])
    certificate_id: str | None = Field(
        description="The certificate that exempts.", examples=["c0a8f1de-1b2c-4d3e-9f40-516273849506"]
    )
    reasons: list[ReasonOut]


class EvidenceOut(Model):
    id: str = Field(examples=["3f0c8a52-7d0e-4a55-9a3f-0f6f3b0f2a11"])
    name: str = Field(examples=["trade-license.pdf"])
    media_type: str = Field(examples=["application/pdf"])
    size: int = Field(description="Bytes.", examples=[48213])
    sha256: str = Field(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
    created_at: datetime = Field(examples=["2026-03-02T12:00:00Z"])


class EvidenceListOut(Model):
    files: list[EvidenceOut] = Field(description="The oldest first.")
