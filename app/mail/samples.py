"""Made-up facts of every mail: for previews, and to try a vendor's template before it is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import segno.helpers

from app.mail.rules import CONTEXTS, Context
from app.mail.schemas import (
    ApplicationContext,
    CaseContext,
    CaseStep,
    CertificateContext,
    ClaimContext,
    CreditNoteContext,
    InvitationContext,
    LicenseContext,
    MailedAccount,
    MailedStatement,
    MailKind,
    MailLine,
    OrderContext,
    Payment,
    PlacedPart,
    PriceChangeContext,
    PriceChangeLine,
    PriceTerms,
    ReminderContext,
    ReminderLine,
    ResellerContext,
    StatementContext,
    TrialContext,
    WireContext,
)
from app.money import Money
from app.settings import Seller

SELLER = Seller(
    name="Example Components GmbH", street="Marienplatz 1", city="München", email="sales@example.com", website="www.example.com"
)
LINES = (MailLine("GRID-DEV", "Grid Component, Developer", 2), MailLine("CHART-TEAM", "Chart Component, Team of 5", 1))


def payment(**changes: Any) -> Payment:
    qr = segno.helpers.make_epc_qr(
        name="Example", iban="DE89370400440532013000", amount=Decimal("1118.80"), reference="RF18539007547034"
    )
    full = Payment(
        amount=Money.of("1118.80", "EUR"),
        reference="RF18539007547034",
        due=date(2026, 4, 1),
        beneficiary="Example Components GmbH",
        iban="DE89370400440532013000",
        bic="COBADEFFXXX",
        qr_svg=qr.svg_inline(scale=3, border=4),
    )
    return replace(full, **changes)


def order(**changes: Any) -> OrderContext:
    full = OrderContext(
        seller=SELLER,
        name="Rita Resell",
        order_number="1042",
        end_customer="Acme GmbH",
        lines=LINES,
        total=Money.of("1118.80", "EUR"),
        terms="prepay",
        prepaid_done=2,
        prepaid_needed=3,
        po_number="PO-7781",
        payment=payment(),
    )
    return replace(full, **changes)


def license(**changes: Any) -> LicenseContext:
    full = LicenseContext(
        seller=SELLER,
        name="Rita Resell",
        order_number="1042",
        end_customer="Acme GmbH",
        lines=LINES,
        steps=("Save the file.", "Open it in the product."),
        po_number="PO-7781",
    )
    return replace(full, **changes)


def credit_note(**changes: Any) -> CreditNoteContext:
    full = CreditNoteContext(
        seller=SELLER,
        name="Rita Resell",
        order_number="1042",
        number="C2026-00001",
        invoice_number="2026-00007",
        amount=Money.of("1118.80", "EUR"),
        canceled=True,
        po_number="PO-7781",
    )
    return replace(full, **changes)


def claim(**changes: Any) -> ClaimContext:
    full = ClaimContext(
        seller=SELLER,
        name="Eva Endkunde",
        order_number="1042",
        end_customer="Acme GmbH",
        lines=LINES,
        link="https://shop.example/claim/abc-123",
        until=date(2026, 4, 1),
    )
    return replace(full, **changes)


def application(**changed: Any) -> ApplicationContext:
    full = ApplicationContext(
        seller=SELLER,
        name="Rita Resell",
        company="Beta Resell GmbH",
        reason="You build portals for your clients.\nThe program is for resellers.",
        policy_version="2026-1",
        apply_again_from=date(2026, 4, 1),
        prepaid_needed=3,
    )
    return replace(full, **changed)


def certificate(**changed: Any) -> CertificateContext:
    full = CertificateContext(
        seller=SELLER,
        company="Beta Resell GmbH",
        number="TX-4711",
        states=("New York", "Texas"),
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 4, 1),
        reason="The signature is missing.\nPlease sign page 2.",
        days_left=30,
    )
    return replace(full, **changed)


def about_reseller(**changed: Any) -> ResellerContext:
    full = ResellerContext(
        seller=SELLER, company="Beta Resell GmbH", reason="Three invoices are overdue.\nWe wrote twice.", policy_version="2026-1"
    )
    return replace(full, **changed)


def invitation(**changed: Any) -> InvitationContext:
    full = InvitationContext(
        seller=SELLER,
        company="Beta Resell GmbH",
        invited_by="rita@beta.example",
        role="buyer",
        url="https://store.example/invitation?token=s3cret",
        until=datetime(2026, 3, 9, 12, 0, tzinfo=UTC),
    )
    return replace(full, **changed)


def price_change(**changed: Any) -> PriceChangeContext:
    full = PriceChangeContext(
        seller=SELLER,
        name="Rita Resell",
        company="Beta Resell GmbH",
        effective_on=date(2026, 6, 1),
        prices=(
            PriceChangeLine("", "", PriceTerms(Decimal(10)), PriceTerms(Decimal("7.5"))),
            PriceChangeLine("variant", "GRID-DEV", PriceTerms(Decimal(5)), None, minimum_quantity=10),
            PriceChangeLine(
                "product", "Chart <b>", None, PriceTerms(Money.of("1091.50", "EUR"), date(2026, 12, 31)), since=date(2026, 7, 1)
            ),
        ),
        more=2,
    )
    return replace(full, **changed)


def statement(**changed: Any) -> StatementContext:
    full = StatementContext(
        seller=SELLER,
        company="Beta Resell GmbH",
        month=date(2026, 2, 1),
        dated=date(2026, 3, 1),
        statements=(
            MailedStatement("S2026-00001", Money.of("1118.80", "EUR"), "RF18539007547034"),
            MailedStatement("S2026-00002", None, "RF18539007547034"),
        ),
    )
    return replace(full, **changed)


def reminder(**changed: Any) -> ReminderContext:
    full = ReminderContext(
        seller=SELLER,
        company="Beta Resell GmbH",
        reminded=(
            ReminderLine("1042", "PO-77", Money.of("1118.80", "EUR"), date(2026, 3, 1), 7, "RF18539007547034"),
            ReminderLine("1043", "", Money.of("18.80", "EUR"), date(2026, 3, 11), -3, "RF18539007547034"),
        ),
        accounts=(MailedAccount("EUR", "Example Components GmbH", iban="DE89370400440532013000", bic="COBADEFFXXX"),),
    )
    return replace(full, **changed)


def trial(**changed: Any) -> TrialContext:
    return replace(TrialContext(seller=SELLER), **changed)


def case(**changed: Any) -> CaseContext:
    full = CaseContext(
        seller=SELLER,
        company="Beta Resell GmbH",
        number="A2026-00001",
        hand_over=True,
        subject="Volume for a bank",
        step=CaseStep.ANSWERED,
        text="They ask for 40 seats.\nCan you help?",
        by="anna",
        customer="Acme GmbH",
        contact="Eva Ende",
    )
    return replace(full, **changed)


def wire(**changed: Any) -> WireContext:
    full = WireContext(
        seller=SELLER,
        company="Beta Resell GmbH",
        received=Money.of("1200.00", "EUR"),
        value_date=date(2026, 3, 2),
        bank_reference="2026-03-02-00017",
        parts=(
            PlacedPart("1042", Money.of("1118.80", "EUR"), Money(0, "EUR"), "RF18539007547034"),
            PlacedPart("1043", Money.of("50.00", "EUR"), Money.of("68.80", "EUR"), "RF18539007547034"),
        ),
        left=Money.of("31.20", "EUR"),
    )
    return replace(full, **changed)


SAMPLES: dict[type[Context], Callable[..., Context]] = {
    OrderContext: order,
    CreditNoteContext: credit_note,
    LicenseContext: license,
    ClaimContext: claim,
    ApplicationContext: application,
    ResellerContext: about_reseller,
    InvitationContext: invitation,
    PriceChangeContext: price_change,
    CertificateContext: certificate,
    StatementContext: statement,
    ReminderContext: reminder,
    TrialContext: trial,
    CaseContext: case,
    WireContext: wire,
}


SPARSE: dict[type[Context], dict[str, Any]] = {
    OrderContext: {"name": "", "po_number": "", "terms": "on_account", "payment": None},
    CreditNoteContext: {"name": "", "po_number": "", "canceled": False},
    LicenseContext: {"name": "", "po_number": "", "temporary_until": date(2026, 4, 1)},
    ClaimContext: {"name": ""},
    ApplicationContext: {
        "name": "",
        "policy_version": "",
        "apply_again_from": None,
        "linked_to": "Beta Group",
        "prepaid_needed": 1,
    },
    ResellerContext: {"policy_version": ""},
    PriceChangeContext: {"name": "", "prices": (), "more": 0},
    CertificateContext: {"valid_to": None, "days_left": 0, "renewal_waits": True},
}
"""What the other branches of templates are taken for: facts that are missing, or the other way round."""


def variants(kind: MailKind) -> list[Context]:
    """The sample of a kind and, where it says something else without some facts, that one too."""
    made = sample(kind)
    sparse = SPARSE.get(CONTEXTS[kind])
    return [made, sample(kind, **sparse)] if sparse else [made]


def sample(kind: MailKind, **changed: Any) -> Context:
    """A context of the kind's own class; changes that it has no field for are left out."""
    make = SAMPLES[CONTEXTS[kind]]
    return make(**{name: value for name, value in changed.items() if hasattr(make(), name)})
