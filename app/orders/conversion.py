"""Money of another currency than is owed: staff enter what it was booked as, the rate, and where that is from (edge case 54)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.errors import InvalidInput
from app.money import Money, round_half_up
from app.reasons import Reason, because, register

register({"wire_converted": "{amount} arrived; they were booked as {booked} at {rate} ({source})."})


@dataclass(frozen=True, slots=True)
class Conversion:
    """What money of another currency was booked as: one unit of what arrived is `rate` of the booked currency."""

    booked: Money
    rate: Decimal
    source: str

    def of(self, arrived: Money) -> Money:
        """What is booked of what arrived. Raises InvalidInput where rate and amounts do not agree, or no source is named."""
        if not self.source.strip() or self.rate <= 0 or self.booked.minor <= 0:
            raise InvalidInput("A conversion needs the booked amount, its rate and where that is from.", code="conversion")
        if self.booked.currency == arrived.currency:
            raise InvalidInput(f"The money came in {arrived.currency} already; leave the rate out.", code="conversion")
        expected = round_half_up(arrived.amount * self.rate, self.booked.currency)
        if expected != self.booked.amount:
            raise InvalidInput(
                f"{arrived} at {self.rate} are {expected} {self.booked.currency}, not {self.booked}.", code="conversion"
            )
        return self.booked

    def reason(self, arrived: Money) -> Reason:
        """It as it is put on the record."""
        return because(
            "wire_converted",
            amount=arrived,
            booked=self.booked,
            rate=self.rate.normalize(),
            source=self.source.strip().rstrip("."),
        )
