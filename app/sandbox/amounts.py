"""Amounts as Saleor's GraphQL shows them, and its rounding."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from app.money import round_half_up


def money(amount: Decimal, currency: str) -> dict[str, Any]:
    """A `Money`."""
    return {"amount": amount, "currency": currency}


def taxed(net: Decimal, gross: Decimal, currency: str) -> dict[str, Any]:
    """A `TaxedMoney`."""
    return {
        "currency": currency,
        "net": money(net, currency),
        "gross": money(gross, currency),
        "tax": money(gross - net, currency),
    }


def quantize(amount: Decimal, currency: str) -> Decimal:
    """To the currency's minor unit, half-up (saleor `core/prices.py`)."""
    return round_half_up(amount, currency)
