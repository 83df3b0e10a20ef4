"""Every router of the storefront API. A new file of routes is added here, and nowhere else."""

from __future__ import annotations

from app.web.storefront import (
    certificates,
    claims,
    evidence,
    licenses,
    obligations,
    orders,
    price_changes,
    prices,
    standing,
    users,
)

ROUTERS = (
    standing.router,
    prices.router,
    price_changes.router,
    orders.router,
    certificates.router,
    evidence.router,
    users.router,
    obligations.router,
    users.program,
    licenses.router,
    claims.router,
)
"""In the order in which the OpenAPI document shows them."""
