"""Every router of the storefront API. A new file of routes is added here, and nowhere else."""

from __future__ import annotations

from app.web.storefront import certificates, claims, licenses, orders, prices, standing, users

ROUTERS = (
    standing.router,
    prices.router,
    orders.router,
    certificates.router,
    users.router,
    users.program,
    licenses.router,
    claims.router,
)
"""In the order in which the OpenAPI document shows them."""
