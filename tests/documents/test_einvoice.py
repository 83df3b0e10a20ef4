from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import facturx
import pytest

from app.documents.einvoice import Category, build_xml, category, is_reverse_charge, is_vat_id, obstacles, tax_groups
from app.documents.schemas import Corrected, DocumentKind, InvoiceData, TaxSum
from app.money import Money
from tests.documents.samples import BILL, SELLER, invoice, lines
from tests.documents.schematron import broken_rules

BERLIN = SELLER.model_copy(
    update={"country": "DE", "state": "", "tax_number": "DE 123456789", "postal_code": "10115", "city": "Berlin"}
)
PARIS = replace(BILL, country="FR", state="", city="Paris", postal_code="75001", tax_number="FR 12 345678901")
HOME = replace(BILL, country="DE", state="", city="Bonn", postal_code="53111", tax_number="DE987654321")
NS = {
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
    "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
}


def german(count: int = 1, **changes: Any) -> InvoiceData:
    known = {"currency": "EUR", "seller": BERLIN, "bill_to": HOME, "language": "de"}
    return invoice(count, **{**known, **changes})


def untaxed(**changes: Any) -> InvoiceData:
    return german(2, lines=lines(2, "EUR", tax_rate=Decimal(0), certificate_number=changes.pop("certificate", "")), **changes)


def mixed() -> InvoiceData:
    taxed, exempt = lines(1, "EUR", tax_rate=Decimal(19))[0], lines(1, "EUR", tax_rate=Decimal(0), certificate_number="E-1")[0]
    net, tax = taxed.net_total, Money.of("341.66", "EUR")
    return german(
        lines=(taxed, exempt),
        net=net + net,
        taxes=(TaxSum(Decimal(0), net, Money(0, "EUR")), TaxSum(Decimal(19), net, tax)),
        gross=net + net + tax,
        instructions=None,
    )


def paid(data: InvoiceData, minor: int) -> InvoiceData:
    return replace(data, paid=Money(minor, data.gross.currency), paid_on=date(2026, 3, 2), instructions=None)


def credit_note(data: InvoiceData) -> InvoiceData:
    return replace(
        data,
        kind=DocumentKind.CREDIT_NOTE,
        number="C2026-00001",
        corrects=Corrected("2026-00001", date(2026, 3, 1)),
        correction_reason="Storniert.",
        instructions=None,
    )


VALID = {
    "us": invoice(),
    "us exempt": invoice(lines=lines(2, "USD", tax_rate=Decimal(0), certificate_number="TX-1")),
    "home": german(),
    "60 lines": german(60),
    "mixed": mixed(),
    "zero": untaxed(),
    "exempt": untaxed(certificate="B-22"),
    "reverse charge": untaxed(bill_to=PARIS, reverse_charge="Steuerschuldnerschaft des Leistungsempfängers"),
    "export": untaxed(bill_to=BILL),
    "paid": paid(german(), german().gross.minor),
    "paid in part": paid(german(), 100),
    "credit note": credit_note(german()),
    "credit note of an export": credit_note(untaxed(bill_to=BILL)),
    "public price above retail": german(lines=lines(1, "EUR", retail_unit=Money.of("1.00", "EUR"))),
    "free line": german(
        lines=(
            *lines(1, "EUR"),
            *lines(1, "EUR", net_unit=Money(0, "EUR"), net_total=Money(0, "EUR"), retail_unit=Money(0, "EUR")),
        )
    ),
    "hostile texts": german(
        po_number="\x00<&>\x1b]]>", bill_to=replace(HOME, company="a\x00\ufffe\ud800b 漢 & <b>", email="x\ny@z.example")
    ),
    "bare addresses": german(bill_to=replace(HOME, street="", street_2="", postal_code="", city="", name="", tax_number="")),
    "yen": invoice(
        lines=tuple(
            replace(line, retail_unit=Money(995, "JPY"), net_unit=Money(896, "JPY"), net_total=Money(1792, "JPY"))
            for line in lines(1, "USD")
        ),
        net=Money(1792, "JPY"),
        taxes=(TaxSum(Decimal("8.6250"), Money(1792, "JPY"), Money(155, "JPY")),),
        gross=Money(1947, "JPY"),
        instructions=None,
    ),
}


@pytest.mark.parametrize("data", VALID.values(), ids=list(VALID))
def test_the_xml_keeps_schema_and_rules_of_en_16931(data: InvoiceData) -> None:
    assert obstacles(data) == ()
    xml = build_xml(data)
    assert facturx.xml_check_xsd(xml, flavor="factur-x", level="en16931") is True
    assert broken_rules(xml) == []
    assert xml == build_xml(data)


def test_the_checks_can_fail() -> None:
    xml = build_xml(german())
    assert any("BR-CO-10" in rule for rule in broken_rules(xml.replace(b"<ram:LineTotalAmount>", b"<ram:LineTotalAmount>1", 1)))
    with pytest.raises(Exception, match="DuePayable"):
        facturx.xml_check_xsd(xml.replace(b"DuePayableAmount", b"DuePayable"), flavor="factur-x", level="en16931")


def root_of(data: InvoiceData) -> ET.Element:
    return ET.fromstring(build_xml(data))


def text(data: InvoiceData, path: str) -> str | None:
    return root_of(data).findtext(f".//{path}", namespaces=NS)


def test_it_says_what_the_page_says() -> None:
    data = german(2, seller=BERLIN)
    for path, said in {
        "rsm:ExchangedDocument/ram:ID": "2026-00001",
        "rsm:ExchangedDocument/ram:TypeCode": "380",
        "ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID": "PO-7781",
        "ram:SellerOrderReferencedDocument/ram:IssuerAssignedID": "1042",
        "ram:PaymentReference": "RF18539007547034",
        "ram:IBANID": "DE89370400440532013000",
        "ram:SpecifiedTradeSettlementPaymentMeans/ram:TypeCode": "58",
        "ram:DueDateDateTime/udt:DateTimeString": "20260401",
        "ram:SellerTradeParty/ram:SpecifiedTaxRegistration/ram:ID": "DE123456789",
        "ram:ShipToTradeParty/ram:Name": "Acme GmbH",
        "ram:GrossPriceProductTradePrice/ram:ChargeAmount": "999.00",
        "ram:AppliedTradeAllowanceCharge/ram:ActualAmount": "99.90",
        "ram:NetPriceProductTradePrice/ram:ChargeAmount": "899.10",
        "ram:GrandTotalAmount": f"{data.gross.amount}",
        "ram:RateApplicablePercent": "8.625",
    }.items():
        assert text(data, path) == said, path


def test_a_credit_note_names_its_invoice() -> None:
    data = credit_note(german())
    assert text(data, "rsm:ExchangedDocument/ram:TypeCode") == "381"
    assert text(data, "ram:InvoiceReferencedDocument/ram:IssuerAssignedID") == "2026-00001"
    assert text(data, "ram:FormattedIssueDateTime/qdt:DateTimeString") == "20260301"
    assert text(data, "ram:DueDateDateTime/udt:DateTimeString") is None


@pytest.mark.parametrize(
    ("data", "kind", "code", "words"),
    [
        (german(), Category.STANDARD, None, None),
        (VALID["zero"], Category.ZERO, None, None),
        (VALID["exempt"], Category.EXEMPT, None, "Steuerbefreit, Befreiungszertifikat Nr. B-22"),
        (VALID["reverse charge"], Category.REVERSE_CHARGE, "VATEX-EU-AE", "Steuerschuldnerschaft des Leistungsempfängers"),
        (VALID["export"], Category.EXPORT, "VATEX-EU-G", "Nicht steuerbar: Der Käufer sitzt außerhalb der Europäischen Union"),
    ],
)
def test_what_is_not_taxed_says_why(data: InvoiceData, kind: Category, code: str | None, words: str | None) -> None:
    assert {category(line, data) for line in data.lines} == {kind}
    assert (text(data, "ram:ExemptionReasonCode"), text(data, "ram:ExemptionReason")) == (code, words)


def test_each_certificate_is_named_once() -> None:
    numbers = ("A-1", "B-2", "A-1")
    data = german(lines=tuple(lines(1, "EUR", tax_rate=Decimal(0), certificate_number=number)[0] for number in numbers))
    (group,) = tax_groups(data)
    assert group.reason == "Steuerbefreit, Befreiungszertifikat Nr. A-1; Steuerbefreit, Befreiungszertifikat Nr. B-2"
    assert group.net == data.net


@pytest.mark.parametrize(
    ("seller", "buyer", "number", "reverse"),
    [
        ("DE", "FR", "FR12345678901", True),
        ("DE", "FR", "fr 12 345 678 901", True),
        ("DE", "GR", "EL123456789", True),
        ("DE", "FR", "", False),
        ("DE", "FR", "56-1234567", False),
        ("DE", "DE", "DE123456789", False),
        ("DE", "US", "DE123456789", False),
        ("US", "FR", "FR12345678901", False),
    ],
)
def test_reverse_charge_is_between_two_countries_of_the_union(seller: str, buyer: str, number: str, reverse: bool) -> None:
    assert is_reverse_charge(seller, replace(BILL, country=buyer, tax_number=number)) is reverse


def test_a_vat_id_begins_with_its_country() -> None:
    assert [is_vat_id(number) for number in ("DE1", "de 1", "EL1", "GR1", "XI1", "US1", "DE", "", "12")] == [
        True, True, True, False, True, False, False, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (german(seller=BERLIN.model_copy(update={"tax_number": ""})), "seller.tax_number is empty"),
        (german(seller=BERLIN.model_copy(update={"name": " \x00"})), "seller.name is empty"),
        (untaxed(bill_to=BILL, seller=BERLIN.model_copy(update={"tax_number": "12/345"})), "no VAT id"),
        (german(bill_to=replace(HOME, company="", name="")), "neither company nor name"),
        (german(bill_to=replace(HOME, country="")), "no country"),
        (replace(german(), gross=Money(1, "KWD")), "KWD has 3"),
        (replace(german(), kind=DocumentKind.PROFORMA), "is no invoice"),
    ],
)
def test_what_the_norm_cannot_say_is_told(data: InvoiceData, why: str) -> None:
    (problem,) = obstacles(data)
    assert why in problem
