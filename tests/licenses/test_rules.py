import json
import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.licenses.rules import (
    Licensee,
    LicenseKind,
    LicensePolicy,
    add_months,
    check_seats,
    may_issue_temporary,
    payload,
    policy_from,
)

ISSUED = datetime(2026, 3, 2, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
POLICY = LicensePolicy("grid", "ultimate", 5, None, 12)
EVA = Licensee("Acme", "Eva Ende", "eva@acme.example")


def make(policy: LicensePolicy = POLICY, kind: LicenseKind = LicenseKind.PERMANENT, quantity: int = 2) -> dict[str, Any]:
    return payload(policy, EVA, license_id="L1", kind=kind, quantity=quantity, order_number="28", sku="GRID-U", issued=ISSUED)


def test_the_variant_speaks_before_the_product() -> None:
    product = {"license.product": "grid", "license.edition": "standard", "license.maintenance_months": "12"}
    variant = {"license.edition": "ultimate", "license.seats_per_unit": "5"}
    assert policy_from(product, variant, "Grid") == POLICY


def test_what_is_not_said_has_a_default() -> None:
    assert policy_from({"license.product": "grid"}, {}, "Grid") == LicensePolicy("grid", "standard", 1, None, None)
    assert policy_from({"license.product": "grid", "license.term": "12 Months"}, {}, "Grid").term_months == 12


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({}, '"license.product"'),
        ({"license.product": " "}, "no license policy"),
        ({"license.product": "g", "license.term": "forever"}, '"license.term" holds "forever"'),
        ({"license.product": "g", "license.term": "0 months"}, '"12 months"'),
        ({"license.product": "g", "license.seats_per_unit": "-1"}, '"license.seats_per_unit" holds "-1"'),
        ({"license.product": "g", "license.maintenance_months": "1.5"}, "whole number"),
        ({"license.product": "g", "license.maintenance_months": "1201"}, "from 1 to 1200"),
        ({"license.product": "g", "license.maintenance_months": "999999"}, '"license.maintenance_months" holds "999999"'),
        ({"license.product": "g", "license.maintenance_months": "١٢"}, "from 1 to 1200"),
        ({"license.product": "g", "license.term": "1201 months"}, "up to 1200"),
        ({"license.product": "g", "license.seats_per_unit": "1000001"}, "from 1 to 1000000"),
    ],
)
def test_a_wrong_policy_names_the_product_the_key_and_the_way_out(metadata: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(says)) as caught:
        policy_from(metadata, {}, "Grid")
    assert caught.value.sentence.startswith("Grid")


def test_the_longest_policy_still_makes_a_license() -> None:
    most = {
        "license.product": "g", "license.term": "1200 months", "license.maintenance_months": "1200",
        "license.seats_per_unit": "1000000",
    }  # fmt: skip
    attributes = make(policy_from(most, {}, "Grid"), quantity=1)["attributes"]
    assert (attributes["maintenanceUntil"], attributes["expiry"], attributes["seats"]) == (
        "2126-03-03", "2126-03-03T23:59:59Z", 1_000_000,
    )  # fmt: skip


@pytest.mark.parametrize("quantity", [0, 200_001])
def test_too_many_seats_are_found_before_anything_is_paid(quantity: int) -> None:
    assert check_seats(POLICY, 200_000, "GRID-U") == 1_000_000
    with pytest.raises(InvalidInput, match=f"GRID-U: {quantity} units of 5 seats") as caught:
        check_seats(POLICY, quantity, "GRID-U")
    assert caught.value.code == "license_quantity"


def test_a_permanent_license() -> None:
    attributes = make()["attributes"]
    assert (attributes["seats"], attributes["kind"], attributes["expiry"]) == (10, "permanent", None)
    assert attributes["issued"] == "2026-03-03T04:30:00Z"
    assert attributes["maintenanceUntil"] == "2027-03-03"


def test_a_term_and_a_temporary_license_end_with_their_last_day() -> None:
    term = LicensePolicy("grid", "standard", 1, 12, None)
    assert make(term)["attributes"]["expiry"] == "2027-03-03T23:59:59Z"
    assert make(kind=LicenseKind.TEMPORARY)["attributes"]["expiry"] == "2026-04-02T23:59:59Z"


@pytest.mark.parametrize("quantity", [0, -1, 200_001])
def test_a_quantity_that_cannot_be_licensed(quantity: int) -> None:
    with pytest.raises(InvalidInput, match="GRID-U"):
        make(quantity=quantity)


def test_a_license_holds_no_money() -> None:
    text = json.dumps([make(), make(kind=LicenseKind.TEMPORARY)]).lower()
    assert not re.search(r"price|amount|total|currency|usd|eur|net|gross|tax|\$|€", text)


@pytest.mark.parametrize(
    ("state", "codes"),
    [
        ({}, ["temporary_allowed"]),
        ({"released": True}, ["temporary_released"]),
        ({"had_one": True}, ["temporary_twice"]),
        ({"held": True}, ["temporary_held"]),
        ({"held": True, "allow_held": True}, ["temporary_allowed"]),
        ({"canceled": True, "had_one": True}, ["temporary_closed", "temporary_twice"]),
    ],
)
def test_case_85_temporary_licenses(state: dict[str, bool], codes: list[str]) -> None:
    facts = {"released": False, "had_one": False, "held": False, "canceled": False, "allow_held": False} | state
    decision = may_issue_temporary(**facts, days=30)
    assert [reason.code for reason in decision.reasons] == codes
    assert decision.allowed == (codes == ["temporary_allowed"])


@pytest.mark.parametrize(
    ("day", "months", "result"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2026, 3, 31), 24, date(2028, 3, 31)),
    ],
)
def test_months_later(day: date, months: int, result: date) -> None:
    assert add_months(day, months) == result


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 240))
def test_months_later_is_never_a_later_day_of_the_month(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day <= day.day


def test_the_moment_is_aware() -> None:
    assert datetime.fromisoformat(make()["attributes"]["issued"]).tzinfo == UTC
