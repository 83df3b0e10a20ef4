"""The tax rate of one line (`rules.md` 10).

A reseller in the US is taxed by its approved business address: nothing where the vendor is not registered, nothing with a
certificate valid on the day of the order, else the rate of its state and ZIP. Everybody else gets the store's own flat rates.
A decision carries its evidence; a later change of a certificate or rate never changes a past order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from app.reasons import Reason, because, register

register(
    {
        "tax_not_charged": "The store charges no tax on this line.",
        "tax_flat": "{rate} % by the store's flat rate for {country}.",
        "tax_no_flat_rate": "The store has no flat rate for {country}.",
        "tax_not_registered": "The vendor is not registered in {state}.",
        "tax_class_untaxed": "Products of this tax class are not taxed in {state}.",
        "tax_exempt": "Exempt in {state} by certificate {number}.",
        "tax_own_use": "Not for resale: the certificate does not count.",
        "tax_state": "{rate} % by the reseller's location {state} (rates {version}).",
        "tax_zip": "{rate} % by the reseller's location {state} {zip} (rates {version}).",
        "tax_no_state_rate": "There is no rate for {state} on {day}; import one.",
    }
)

ZERO = Decimal(0)


class CertificateState(StrEnum):
    """A certificate counts only once it is approved (`rules.md` 10.3)."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    REVOKED = "revoked"


# msgspec structures for what a program holds by the thousand: the garbage collector need not walk them at every collection.
class Certificate(msgspec.Struct, frozen=True, gc=False):
    """A reseller's exemption certificate. `valid_to` is the last valid day; None is an open end (edge cases 36 and 37)."""

    id: str
    number: str
    states: frozenset[str]
    state: CertificateState
    signed_on: date
    valid_from: date
    valid_to: date | None = None

    def covers(self, us_state: str, on: date) -> bool:
        """Whether it exempts in this US state on this day; one that expired since still covers the days before (edge case 33)."""
        return (
            (self.state is CertificateState.APPROVED or (self.state is CertificateState.EXPIRED and self.valid_to is not None))
            and us_state in self.states
            and self.valid_from <= on
            and (self.valid_to is None or on <= self.valid_to)
        )


class StateRate(msgspec.Struct, frozen=True, gc=False):
    """A rate in percent from a day on; `zip_code` None is the whole state, `tax_class` None every class."""

    us_state: str
    rate: Decimal
    version: str
    valid_from: date
    valid_to: date | None = None
    zip_code: str | None = None
    tax_class: str | None = None

    def valid(self, on: date) -> bool:
        """Whether it is in force on this day."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Registration:
    """A state in which the vendor collects tax, with both days inclusive."""

    us_state: str
    valid_from: date
    valid_to: date | None = None

    def valid(self, on: date) -> bool:
        """Whether the vendor is registered on this day."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True, slots=True)
class TaxProgram:
    """All a decision needs, put where a look-up finds it. `flat` is Saleor's: (country, tax class or None) -> percent."""

    registrations: Mapping[str, tuple[Registration, ...]] = field(default_factory=dict)
    rates: Mapping[tuple[str, str | None, str | None], tuple[StateRate, ...]] = field(default_factory=dict)
    flat: Mapping[tuple[str, str | None], Decimal] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        registrations: Iterable[Registration] = (),
        rates: Iterable[StateRate] = (),
        flat: Mapping[tuple[str, str | None], Decimal] | None = None,
    ) -> TaxProgram:
        """A program from plain rows."""
        registered: dict[str, tuple[Registration, ...]] = {}
        for registration in registrations:
            registered[registration.us_state] = (*registered.get(registration.us_state, ()), registration)
        by_place: dict[tuple[str, str | None, str | None], tuple[StateRate, ...]] = {}
        for rate in rates:
            place = (rate.us_state, rate.zip_code, rate.tax_class)
            by_place[place] = (*by_place.get(place, ()), rate)
        return cls(registered, by_place, flat or {})


class Location(msgspec.Struct, frozen=True, gc=False):
    """A reseller's approved business address as far as tax goes, with its certificates."""

    country: str
    us_state: str = ""
    zip_code: str = ""
    certificates: Sequence[Certificate] = ()


class TaxDecision(msgspec.Struct, frozen=True):
    """The rate in percent with its reasons and, when exempt, the evidence to freeze on the order."""

    rate: Decimal
    reasons: tuple[Reason, ...]
    certificate_id: str | None = None


def flat_rate(program: TaxProgram, country: str | None, tax_class: str | None) -> TaxDecision:
    """What the store's own flat rates give: the tax class's rate in the country, else the country's default, else nothing."""
    if country is None:
        return TaxDecision(ZERO, (because("tax_no_flat_rate", country="an unknown country"),))
    rate = program.flat.get((country, tax_class))
    if rate is None:
        rate = program.flat.get((country, None))
    if rate is None:
        return TaxDecision(ZERO, (because("tax_no_flat_rate", country=country),))
    return TaxDecision(rate, (because("tax_flat", rate=rate, country=country),))


def decide(
    program: TaxProgram,
    *,
    reseller: Location | None,
    ship_to_country: str | None,
    on: date,
    tax_class: str | None = None,
    charge_taxes: bool = True,
    for_resale: bool = True,
) -> TaxDecision:
    """The rate of a line of an order placed on this day.

    `reseller` is None for everybody who is not an active reseller. `ship_to_country` None (a checkout without address) is not an
    error: prices must be shown before an address is known.
    """
    if not charge_taxes:
        return TaxDecision(ZERO, (because("tax_not_charged"),))
    if reseller is None or reseller.country != "US":
        return flat_rate(program, ship_to_country, tax_class)
    state = reseller.us_state
    if not any(registration.valid(on) for registration in program.registrations.get(state, ())):
        return TaxDecision(ZERO, (because("tax_not_registered", state=state),))
    certificate = best_certificate(reseller.certificates, state, on)
    if certificate and for_resale:
        return TaxDecision(ZERO, (because("tax_exempt", state=state, number=certificate.number),), certificate.id)
    own_use = (because("tax_own_use"),) if certificate else ()
    decision = _state_rate(program, reseller, tax_class, on)
    return TaxDecision(decision.rate, (*own_use, *decision.reasons))


def best_certificate(certificates: Iterable[Certificate], us_state: str, on: date) -> Certificate | None:
    """Of several valid certificates the one signed last (edge case 31)."""
    valid = [certificate for certificate in certificates if certificate.covers(us_state, on)]
    return max(valid, key=lambda certificate: (certificate.signed_on, certificate.id), default=None)


def _state_rate(program: TaxProgram, reseller: Location, tax_class: str | None, on: date) -> TaxDecision:
    """The ZIP's rate before the state's, the tax class's before the general one, the latest valid one of each."""
    state, zip_code = reseller.us_state, reseller.zip_code[:5]
    for kind in (tax_class, None) if tax_class is not None else (None,):
        for zip_or_none in (zip_code, None):
            rates = program.rates.get((state, zip_or_none, kind))
            rate = _latest(rates, on) if rates else None
            if rate is not None:
                return _by_rate(rate, state)
    return TaxDecision(ZERO, (because("tax_no_state_rate", state=state, day=on),))


def _latest(rates: Iterable[StateRate], on: date) -> StateRate | None:
    return max((rate for rate in rates if rate.valid(on)), key=lambda rate: rate.valid_from, default=None)


def _by_rate(rate: StateRate, state: str) -> TaxDecision:
    if rate.tax_class is not None and not rate.rate:
        return TaxDecision(ZERO, (because("tax_class_untaxed", state=state),))
    if rate.zip_code is not None:
        reason = because("tax_zip", rate=rate.rate, state=state, zip=rate.zip_code, version=rate.version)
    else:
        reason = because("tax_state", rate=rate.rate, state=state, version=rate.version)
    return TaxDecision(rate.rate, (reason,))
