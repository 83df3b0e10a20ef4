"""The structured invoice of EN 16931 as UN/CEFACT CII XML, in Factur-X's (ZUGFeRD's) profile EN 16931; pure.

It says what the printed document says. Business terms (BT-..) and rules (BR-..) are those of the norm. US sales tax has no place
in it of its own and stands where VAT stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from xml.etree import ElementTree as ET  # it writes here and reads nothing

from app.documents.schemas import Address, DocumentKind, InvoiceData, InvoiceLine
from app.documents.words import WORDS
from app.money import Money

PROFILE = "urn:cen.eu:en16931:2017"
FILE_NAME = "factur-x.xml"
RSM = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
UDT = "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"
QDT = "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"
for _prefix, _uri in {"rsm": RSM, "ram": RAM, "udt": UDT, "qdt": QDT}.items():
    ET.register_namespace(_prefix, _uri)

TYPE_CODES = {DocumentKind.INVOICE: "380", DocumentKind.CREDIT_NOTE: "381"}
SEPA_TRANSFER, BANK_TRANSFER = "58", "30"
"""UNTDID 4461, how it is paid."""
EACH = "C62"
EU = frozenset(re.findall("..", "ATBEBGCYCZDEDKEEESFIFRGRHRHUIEITLTLULVMTNLPLPTROSESISK"))
VAT_PREFIXES = EU - {"GR"} | {"EL", "XI"}


class Category(StrEnum):
    """The norm's tax categories (UNTDID 5305) that this program has."""

    STANDARD = "S"
    ZERO = "Z"
    EXEMPT = "E"
    REVERSE_CHARGE = "AE"
    EXPORT = "G"


REASON_CODES = {Category.REVERSE_CHARGE: "VATEX-EU-AE", Category.EXPORT: "VATEX-EU-G"}
"""A certificate has no code in the norm's list (VATEX); its number stands in the reason's text."""


@dataclass(frozen=True, slots=True)
class TaxGroup:
    """The lines of one category and rate (BG-23)."""

    category: Category
    rate: Decimal
    net: Money
    tax: Money
    reason: str = ""


def obstacles(data: InvoiceData) -> tuple[str, ...]:
    """Why there can be no structured invoice of this document, in words that name the way out; empty when there can."""
    seller = data.seller
    problems = [
        f"settings: seller.{name} is empty; set it with `reseller shop set`."
        for name in ("name", "city", "tax_number")
        if not _clean(getattr(seller, name))
    ]
    groups = tax_groups(data)
    if any(group.category in (Category.REVERSE_CHARGE, Category.EXPORT) for group in groups) and not is_vat_id(seller.tax_number):
        problems.append("settings: seller.tax_number is no VAT id like DE123456789, which a reverse charge or an export needs.")
    if not _clean(data.bill_to.company or data.bill_to.name):
        problems.append("The billing address has neither company nor name.")
    if not data.bill_to.country:
        problems.append("The billing address has no country.")
    if _places(data.gross) > 2:
        problems.append(f"EN 16931 knows amounts of two decimals at most; {data.gross.currency} has {_places(data.gross)}.")
    if data.kind not in TYPE_CODES:
        problems.append(f"A {data.kind} is no invoice.")
    return tuple(problems)


def category(line: InvoiceLine, data: InvoiceData) -> Category:
    """The tax category of a line: the certificate first, then where seller and reseller are."""
    if line.tax_rate:
        return Category.STANDARD
    if line.certificate_number:
        return Category.EXEMPT
    if data.reverse_charge:
        return Category.REVERSE_CHARGE
    if data.seller.country in EU and data.bill_to.country not in EU:
        return Category.EXPORT
    return Category.ZERO


def is_reverse_charge(seller_country: str, bill_to: Address) -> bool:
    """Whether an untaxed sale between two EU countries to a company with a VAT id leaves the tax to the buyer."""
    return seller_country in EU and bill_to.country in EU and bill_to.country != seller_country and is_vat_id(bill_to.tax_number)


def is_vat_id(text: str) -> bool:
    """Whether this begins as VAT ids do, with the country's letters."""
    compact = _compact(text)
    return compact[:2] in VAT_PREFIXES and any(letter.isdigit() for letter in compact[2:])


def tax_groups(data: InvoiceData) -> tuple[TaxGroup, ...]:
    """The lines by category and rate. The tax of a rate is the document's own (`data.taxes`), which is counted line by line."""
    taxes = {sum_.rate: sum_.tax for sum_ in data.taxes}
    groups: dict[tuple[Category, Decimal], TaxGroup] = {}
    for line in data.lines:
        kind = category(line, data)
        reason = _reason(kind, line, data)
        zero = Money(0, data.gross.currency)
        known = groups.get((kind, line.tax_rate))
        if known is None:
            tax = taxes.get(line.tax_rate, zero) if kind is Category.STANDARD else zero
            groups[kind, line.tax_rate] = TaxGroup(kind, line.tax_rate, line.net_total, tax, reason)
            continue
        reasons = dict.fromkeys(part for part in (*known.reason.split("; "), reason) if part)
        groups[kind, line.tax_rate] = replace(known, net=known.net + line.net_total, reason="; ".join(reasons))
    return tuple(groups[key] for key in sorted(groups))


def build_xml(data: InvoiceData) -> bytes:
    """The XML; the same data gives the same bytes. The caller asked `obstacles` before."""
    root = ET.Element(f"{{{RSM}}}CrossIndustryInvoice")
    context = _in(root, "ExchangedDocumentContext", ns=RSM)
    _text(_in(context, "GuidelineSpecifiedDocumentContextParameter"), "ID", PROFILE)
    document = _in(root, "ExchangedDocument", ns=RSM)
    _text(document, "ID", data.number)
    _text(document, "TypeCode", TYPE_CODES[data.kind])
    _day(_in(document, "IssueDateTime"), data.issued_on)
    for note in _notes(data):
        _text(_in(document, "IncludedNote"), "Content", note)
    trade = _in(root, "SupplyChainTradeTransaction", ns=RSM)
    for position, line in enumerate(data.lines, 1):
        _line(trade, position, line, data)
    _agreement(trade, data)
    _delivery(trade, data)
    _settlement(trade, data)
    xml: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return xml


def _line(trade: ET.Element, position: int, line: InvoiceLine, data: InvoiceData) -> None:
    item = _in(trade, "IncludedSupplyChainTradeLineItem")
    _text(_in(item, "AssociatedDocumentLineDocument"), "LineID", str(position))
    product = _in(item, "SpecifiedTradeProduct")
    _text(product, "SellerAssignedID", line.sku)
    _text(product, "Name", line.name or line.sku or "-")
    agreement = _in(item, "SpecifiedLineTradeAgreement")
    if line.retail_unit.minor >= line.net_unit.minor > 0:
        gross = _in(agreement, "GrossPriceProductTradePrice")
        _text(gross, "ChargeAmount", _amount(line.retail_unit))
        if line.retail_unit != line.net_unit:
            discount = _in(gross, "AppliedTradeAllowanceCharge")
            _text(_in(discount, "ChargeIndicator"), "Indicator", "false", ns=UDT)
            _text(discount, "ActualAmount", _amount(line.retail_unit - line.net_unit))
    _text(_in(agreement, "NetPriceProductTradePrice"), "ChargeAmount", _amount(line.net_unit))
    _text(_in(item, "SpecifiedLineTradeDelivery"), "BilledQuantity", str(line.quantity), unitCode=EACH)
    settlement = _in(item, "SpecifiedLineTradeSettlement")
    tax = _in(settlement, "ApplicableTradeTax")
    _text(tax, "TypeCode", "VAT")
    _text(tax, "CategoryCode", category(line, data))
    _text(tax, "RateApplicablePercent", _percent(line.tax_rate))
    total = _in(settlement, "SpecifiedTradeSettlementLineMonetarySummation")
    _text(total, "LineTotalAmount", _amount(line.net_total))


def _agreement(trade: ET.Element, data: InvoiceData) -> None:
    agreement = _in(trade, "ApplicableHeaderTradeAgreement")
    seller = data.seller
    address = Address(
        company=seller.name,
        street=seller.street,
        postal_code=seller.postal_code,
        city=seller.city,
        state=seller.state,
        country=seller.country,
        email=seller.email,
        tax_number=seller.tax_number,
    )
    _party(_in(agreement, "SellerTradeParty"), address, seller=True)
    _party(_in(agreement, "BuyerTradeParty"), data.bill_to)
    _text(_in(agreement, "SellerOrderReferencedDocument"), "IssuerAssignedID", data.order_number)
    if _clean(data.po_number):
        _text(_in(agreement, "BuyerOrderReferencedDocument"), "IssuerAssignedID", data.po_number)


def _party(party: ET.Element, address: Address, *, seller: bool = False) -> None:
    if seller and not is_vat_id(address.tax_number):
        # BR-CO-26: without a VAT id it needs another identifier.
        _text(party, "ID", address.tax_number)
    _text(party, "Name", _clean(address.company) or address.name)
    if _clean(address.name) and _clean(address.company):
        _text(_in(party, "DefinedTradeContact"), "PersonName", address.name)
    _address(party, address)
    if address.email:
        _text(_in(party, "URIUniversalCommunication"), "URIID", address.email, schemeID="EM")
    if _clean(address.tax_number):
        vat = is_vat_id(address.tax_number)
        if vat or seller:
            # VA is a VAT id, FC a number that the tax office gave.
            number = _compact(address.tax_number) if vat else address.tax_number
            _text(_in(party, "SpecifiedTaxRegistration"), "ID", number, schemeID="VA" if vat else "FC")


def _address(party: ET.Element, address: Address) -> None:
    place = _in(party, "PostalTradeAddress")
    _text(place, "PostcodeCode", address.postal_code)
    _text(place, "LineOne", address.street)
    _text(place, "LineTwo", address.street_2)
    _text(place, "CityName", address.city)
    _text(place, "CountryID", address.country)
    _text(place, "CountrySubDivisionName", address.state)


def _delivery(trade: ET.Element, data: InvoiceData) -> None:
    """To the end customer (BG-13), on the day of the document: licenses are delivered with it."""
    delivery = _in(trade, "ApplicableHeaderTradeDelivery")
    if _clean(data.ship_to.company or data.ship_to.name) and data.ship_to.country:
        party = _in(delivery, "ShipToTradeParty")
        _text(party, "Name", _clean(data.ship_to.company) or data.ship_to.name)
        _address(party, data.ship_to)
    event = _in(_in(delivery, "ActualDeliverySupplyChainEvent"), "OccurrenceDateTime")
    _day(event, data.delivered_on or data.issued_on)


def _settlement(trade: ET.Element, data: InvoiceData) -> None:
    settlement = _in(trade, "ApplicableHeaderTradeSettlement")
    pay = data.instructions
    if pay is not None:
        _text(settlement, "PaymentReference", pay.reference)
    _text(settlement, "InvoiceCurrencyCode", data.gross.currency)
    if pay is not None:
        means = _in(settlement, "SpecifiedTradeSettlementPaymentMeans")
        sepa = pay.account.currency == "EUR" and bool(pay.account.iban)
        _text(means, "TypeCode", SEPA_TRANSFER if sepa else BANK_TRANSFER)
        account = _in(means, "PayeePartyCreditorFinancialAccount")
        _text(account, "IBANID", pay.account.iban)
        _text(account, "AccountName", pay.account.beneficiary)
        if pay.account.account_number:
            _text(account, "ProprietaryID", f"{pay.account.routing_number} {pay.account.account_number}")
        if pay.account.bic:
            _text(_in(means, "PayeeSpecifiedCreditorFinancialInstitution"), "BICID", pay.account.bic)
    groups = tax_groups(data)
    for group in groups:
        tax = _in(settlement, "ApplicableTradeTax")
        _text(tax, "CalculatedAmount", _amount(group.tax))
        _text(tax, "TypeCode", "VAT")
        _text(tax, "ExemptionReason", group.reason)
        _text(tax, "BasisAmount", _amount(group.net))
        _text(tax, "CategoryCode", group.category)
        _text(tax, "ExemptionReasonCode", REASON_CODES.get(group.category, ""))
        _text(tax, "RateApplicablePercent", _percent(group.rate))
    paid = data.paid or Money(0, data.gross.currency)
    due = data.gross - paid
    if due.minor > 0 and data.kind is DocumentKind.INVOICE:
        terms = _in(settlement, "SpecifiedTradePaymentTerms")
        _text(terms, "Description", WORDS[data.language][data.terms])
        _day(_in(terms, "DueDateDateTime"), data.due_date)
    sums = _in(settlement, "SpecifiedTradeSettlementHeaderMonetarySummation")
    _text(sums, "LineTotalAmount", _amount(data.net))
    _text(sums, "TaxBasisTotalAmount", _amount(data.net))
    tax_total = sum((group.tax for group in groups), Money(0, data.gross.currency))
    _text(sums, "TaxTotalAmount", _amount(tax_total), currencyID=data.gross.currency)
    _text(sums, "GrandTotalAmount", _amount(data.gross))
    if paid:
        _text(sums, "TotalPrepaidAmount", _amount(paid))
    _text(sums, "DuePayableAmount", _amount(due))
    if data.corrects is not None:
        corrected = _in(settlement, "InvoiceReferencedDocument")
        _text(corrected, "IssuerAssignedID", data.corrects.number)
        stamp = _in(corrected, "FormattedIssueDateTime")
        _text(stamp, "DateTimeString", data.corrects.issued_on.strftime("%Y%m%d"), ns=QDT, format="102")


def _reason(kind: Category, line: InvoiceLine, data: InvoiceData) -> str:
    words = WORDS[data.language]
    if kind is Category.EXEMPT:
        return words["exempt"].format(number=_clean(line.certificate_number))
    if kind is Category.REVERSE_CHARGE:
        return _clean(data.reverse_charge)
    return words["export"] if kind is Category.EXPORT else ""


def _notes(data: InvoiceData) -> Iterable[str]:
    if data.corrects is not None:
        yield WORDS[data.language]["corrects"].format(number=data.corrects.number)
    if data.correction_reason:
        yield data.correction_reason


def _in(parent: ET.Element, name: str, *, ns: str = RAM) -> ET.Element:
    return ET.SubElement(parent, f"{{{ns}}}{name}")


def _text(parent: ET.Element, name: str, text: str, *, ns: str = RAM, **attributes: str) -> None:
    """Nothing for an empty text: the norm wants no empty elements."""
    if cleaned := _clean(text):
        element = ET.SubElement(parent, f"{{{ns}}}{name}", attributes)
        element.text = cleaned


def _day(parent: ET.Element, day: date) -> None:
    _text(parent, "DateTimeString", day.strftime("%Y%m%d"), ns=UDT, format="102")


def _amount(money: Money) -> str:
    return f"{money.amount:f}"


def _percent(rate: Decimal) -> str:
    return f"{rate.normalize():f}"


def _places(money: Money) -> int:
    return max(0, -int(money.amount.as_tuple().exponent))


def _compact(text: str) -> str:
    return "".join(letter for letter in text.upper() if letter.isalnum())


def _clean(text: str) -> str:
    """Without what XML cannot hold, blanks folded."""
    kept = (" " if unicodedata.category(letter) in {"Cc", "Cn", "Co", "Cs"} else letter for letter in text)
    return " ".join("".join(kept).split())
