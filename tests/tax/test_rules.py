from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.tax.rules import Certificate, CertificateState, Location, Registration, StateRate, TaxDecision, TaxProgram, decide

DAY = date(2026, 3, 2)
START = date(2026, 1, 1)
PROGRAM = TaxProgram.of(
    [Registration("TX", START), Registration("NY", START, date(2026, 2, 28)), Registration("WA", START)],
    [
        StateRate("TX", Decimal("6.25"), "2026-01", START),
        StateRate("TX", Decimal("8.25"), "2026-01", START, zip_code="78701"),
        StateRate("TX", Decimal(0), "2026-01", START, tax_class="training"),
        StateRate("TX", Decimal("6.50"), "2026-04", date(2026, 4, 1)),
        StateRate("CA", Decimal("7.25"), "2026-01", START),
    ],
    {("US", None): Decimal(7), ("DE", None): Decimal(19), ("DE", "books"): Decimal(7)},
)


def certificate(**changed: Any) -> Certificate:
    facts: dict[str, Any] = {
        "id": "c1",
        "number": "TX-1",
        "states": frozenset({"TX"}),
        "state": CertificateState.APPROVED,
        "signed_on": START,
        "valid_from": START,
    }
    return Certificate(**facts | changed)


def texan(*certificates: Certificate, **changed: Any) -> Location:
    facts: dict[str, Any] = {"country": "US", "us_state": "TX", "zip_code": "75001", "certificates": certificates}
    return Location(**facts | changed)


def tax(reseller: Location | None, country: str | None = "US", on: date = DAY, **more: Any) -> TaxDecision:
    return decide(PROGRAM, reseller=reseller, ship_to_country=country, on=on, **more)


def found(decision: TaxDecision) -> tuple[str, str]:
    return str(decision.rate), decision.reasons[-1].code


def test_case_30_the_resellers_state_not_the_customers() -> None:
    assert found(tax(texan(zip_code="78701-1234"))) == ("8.25", "tax_zip")
    assert found(tax(texan())) == ("6.25", "tax_state")


def test_case_31_of_two_certificates_the_one_signed_last() -> None:
    decision = tax(texan(certificate(), certificate(id="c2", number="TX-2", signed_on=date(2026, 2, 1))))
    assert (decision.rate, decision.certificate_id) == (Decimal(0), "c2")
    assert str(decision.reasons[0]) == "Exempt in TX by certificate TX-2."


def test_case_32_and_33_the_day_of_the_order_decides() -> None:
    later = texan(certificate(valid_from=date(2026, 3, 3)))
    assert found(tax(later)) == ("6.25", "tax_state")
    assert found(tax(texan(certificate(valid_to=date(2026, 3, 1))))) == ("6.25", "tax_state")


def test_case_36_and_37_through_its_last_day_or_without_end() -> None:
    for valid_to in (DAY, None):
        assert found(tax(texan(certificate(valid_to=valid_to)))) == ("0", "tax_exempt")


@pytest.mark.parametrize("state", [state for state in CertificateState if state is not CertificateState.APPROVED])
def test_case_35_and_38_only_an_approved_certificate_counts(state: CertificateState) -> None:
    assert found(tax(texan(certificate(state=state)))) == ("6.25", "tax_state")


def test_case_39_a_certificate_does_not_move_with_the_reseller() -> None:
    moved = texan(certificate(), us_state="WA")
    assert found(tax(moved)) == ("0", "tax_no_state_rate")
    assert tax(moved).certificate_id is None


def test_case_40_not_for_resale_is_taxed() -> None:
    decision = tax(texan(certificate()), for_resale=False)
    assert [reason.code for reason in decision.reasons] == ["tax_own_use", "tax_state"]
    assert decision.certificate_id is None


def test_case_41_a_reseller_elsewhere_gets_the_stores_flat_rates() -> None:
    german = Location("DE")
    assert found(tax(german, "DE")) == ("19", "tax_flat")
    assert found(tax(german, "DE", tax_class="books")) == ("7", "tax_flat")
    assert found(tax(german, "DE", tax_class="other")) == ("19", "tax_flat")


def test_case_42_an_old_rate_goes_on_with_its_version() -> None:
    decision = tax(texan(), on=date(2030, 1, 1))
    assert dict(decision.reasons[0].params)["version"] == "2026-04"
    assert decision.rate == Decimal("6.50")


def test_everybody_else_gets_the_stores_flat_rates() -> None:
    assert found(tax(None)) == ("7", "tax_flat")
    assert found(tax(None, "FR")) == ("0", "tax_no_flat_rate")
    assert found(tax(None, None)) == ("0", "tax_no_flat_rate")


def test_no_tax_where_the_vendor_is_not_registered() -> None:
    assert found(tax(texan(us_state="CA"))) == ("0", "tax_not_registered")
    assert found(tax(texan(us_state="NY"))) == ("0", "tax_not_registered")


def test_a_tax_class_a_state_does_not_tax() -> None:
    assert found(tax(texan(), tax_class="training")) == ("0", "tax_class_untaxed")


def test_a_line_without_tax() -> None:
    assert found(tax(texan(), charge_taxes=False)) == ("0", "tax_not_charged")
    assert found(tax(None, charge_taxes=False)) == ("0", "tax_not_charged")


@pytest.mark.parametrize("country", [None, "US", "DE"])
def test_a_us_reseller_is_taxed_at_home_whatever_the_ship_to(country: str | None) -> None:
    assert found(tax(texan(), country)) == ("6.25", "tax_state")
