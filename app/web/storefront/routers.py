"""Every router of the storefront API. A new file of routes is added here, and nowhere else."""

from __future__ import annotations

from app.web.storefront import (
    applying,
    cases,
    certificates,
    claims,
    evidence,
    licenses,
    obligations,
    orders,
    policy,
    price_changes,
    prices,
    remittance,
    standing,
    statement,
    statements,
    users,
)

ROUTERS = (
    policy.router,
    applying.router,
    standing.router,
    prices.router,
    price_changes.router,
    orders.router,
    statement.router,
    statements.router,
    remittance.router,
    certificates.router,
    evidence.router,
    users.router,
    obligations.router,
    cases.router,
    users.program,
    licenses.router,
    claims.router,
)
"""In the order in which the OpenAPI document shows them."""
