"""What a license says, and whether a temporary one may be given (`rules.md` 5.6, 8, 9).

A license never says what was paid: nothing in this module knows money.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from app.errors import InvalidInput
from app.reasons import Reason, because, register

register(
    {
        "temporary_allowed": "The order waits for its wire; a temporary license of {days} days bridges the time.",
        "temporary_released": "The permanent license was issued already.",
        "temporary_twice": "This order had its temporary license already.",
        "temporary_held": "The order is held; ask the vendor.",
        "temporary_closed": "The order is canceled.",
    }
)

MAX_SEATS = 1_000_000
"""In one license."""
MAX_MONTHS = 1200
"""A hundred years; more is a slip of the hand, and a date beyond what calendars know."""


class LicenseKind(StrEnum):
    """A permanent license is issued once per order line; a temporary one bridges the wait for the wire."""

    PERMANENT = "permanent"
    TEMPORARY = "temporary"


class LicenseState(StrEnum):
    """Where an issued license stands. Superseded is final: the permanent license took the temporary one's place."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class LicensePolicy:
    """What one unit of a product licenses. `term_months` None is perpetual, `maintenance_months` None is without maintenance."""

    product: str
    edition: str
    seats_per_unit: int
    term_months: int | None
    maintenance_months: int | None

    def as_dict(self) -> dict[str, Any]:
        """JSON form, as an order line keeps it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> LicensePolicy:
        """The policy as it was stored by `as_dict`."""
        return cls(**stored)


@dataclass(frozen=True, slots=True)
class Licensee:
    """The end customer a license is made out to (`rules.md` 3.1)."""

    company: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class TemporaryDecision:
    """Whether a temporary license may be issued, and why."""

    allowed: bool
    reasons: tuple[Reason, ...]


def policy_from(product: Mapping[str, str], variant: Mapping[str, str], name: str) -> LicensePolicy:
    """The policy in a product's and its variant's metadata, the variant's keys first.

    Keys: `license.product` (required), `license.edition` (default "standard"), `license.seats_per_unit` (default 1),
    `license.term` (`perpetual`, the default, or `12 months`), `license.maintenance_months` (default none); months are 1 to 1200,
    and one unit has at most a million seats. Raises InvalidInput that names the product `name`, the key and what it must hold.
    """
    metadata = {**product, **variant}
    code = metadata.get("license.product", "").strip()
    if not code:
        raise InvalidInput(
            f'{name} has no license policy: set the metadata key "license.product" on the product or the variant.',
            code="no_license_policy",
        )
    term = metadata.get("license.term", "perpetual").strip().lower()
    matched = re.fullmatch(r"([1-9][0-9]{0,3}) months?", term)
    if term != "perpetual" and (matched is None or int(matched[1]) > MAX_MONTHS):
        raise _wrong(name, "license.term", term, f'"perpetual" or a number of months up to {MAX_MONTHS} like "12 months"')
    return LicensePolicy(
        product=code,
        edition=metadata.get("license.edition", "").strip() or "standard",
        seats_per_unit=_whole(name, metadata, "license.seats_per_unit", MAX_SEATS) or 1,
        term_months=int(matched[1]) if matched else None,
        maintenance_months=_whole(name, metadata, "license.maintenance_months", MAX_MONTHS),
    )


def check_seats(policy: LicensePolicy, quantity: int, name: str) -> int:
    """The seats of one license for so many units. Raises InvalidInput that names the product, for less than one unit or more
    than a million seats: an order with such a line is held before it is paid, for its license could not be made."""
    seats = policy.seats_per_unit * quantity
    if quantity < 1 or seats > MAX_SEATS:
        raise InvalidInput(
            f"{name}: {quantity} units of {policy.seats_per_unit} seats are {seats} seats; one license has 1 to "
            f"{MAX_SEATS}. Change the quantity of the line.",
            code="license_quantity",
        )
    return seats


def payload(
    policy: LicensePolicy,
    licensee: Licensee,
    *,
    license_id: str,
    kind: LicenseKind,
    quantity: int,
    order_number: str,
    sku: str,
    issued: datetime,
    temporary_days: int = 30,
) -> dict[str, Any]:
    """The data of a license file, in the shape of a JSON:API resource as Keygen's verifiers read it.

    Dates are counted from the issue day; a license holds through the end of its last day in UTC. Raises InvalidInput for a
    quantity below 1 or more than a million seats.
    """
    seats = check_seats(policy, quantity, sku)
    day = issued.astimezone(UTC).date()
    expires: date | None = add_months(day, policy.term_months) if policy.term_months else None
    if kind is LicenseKind.TEMPORARY:
        expires = day + timedelta(days=temporary_days)
    maintenance = add_months(day, policy.maintenance_months) if policy.maintenance_months else None
    return {
        "id": license_id,
        "type": "licenses",
        "attributes": {
            "kind": kind.value,
            "product": policy.product,
            "edition": policy.edition,
            "seats": seats,
            "company": licensee.company,
            "name": licensee.name,
            "email": licensee.email,
            "orderNumber": order_number,
            "sku": sku,
            "issued": _moment(issued),
            "maintenanceUntil": maintenance.isoformat() if maintenance else None,
            "expiry": _moment(datetime.combine(expires, time(23, 59, 59), UTC)) if expires else None,
        },
    }


def may_issue_temporary(
    *, released: bool, had_one: bool, held: bool, canceled: bool, allow_held: bool, days: int
) -> TemporaryDecision:
    """One temporary license per order while it waits (`rules.md` 5.6, edge case 85); `allow_held` is the shop's setting."""
    against = {
        "temporary_closed": canceled,
        "temporary_released": released,
        "temporary_twice": had_one,
        "temporary_held": held and not allow_held,
    }
    reasons = tuple(because(code) for code, applies in against.items() if applies)
    return TemporaryDecision(not reasons, reasons or (because("temporary_allowed", days=days),))


def add_months(day: date, months: int) -> date:
    """The same day months later, or that month's last day where it has no such day."""
    year, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _whole(name: str, metadata: Mapping[str, str], key: str, highest: int) -> int | None:
    text = metadata.get(key, "").strip()
    if not text:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,6}", text) or int(text) > highest:
        raise _wrong(name, key, text, f"a whole number from 1 to {highest}")
    return int(text)


def _wrong(name: str, key: str, value: str, wanted: str) -> InvalidInput:
    return InvalidInput(f'{name}: the metadata key "{key}" holds "{value}"; it must be {wanted}.', code="license_policy")


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
