"""Who asks: the customer of the bearer token, and how often it may."""

from __future__ import annotations

import math
from collections import OrderedDict
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.errors import ResellerError, Unauthorized
from app.orders.services import Services
from app.saleor.tokens import Customer, customer
from app.web.storefront.front import VISIT

MAX_BUCKETS = 100_000
bearer = HTTPBearer(
    auto_error=False,
    scheme_name="SaleorAccessToken",
    bearerFormat="JWT",
    description="The access token that Saleor gave the signed-in customer (`tokenCreate`, `tokenRefresh`): five minutes of life, "
    "signed by a key of the shop. No refresh token and no token of an app.",
)


class TooMany(ResellerError):
    """More requests than the shop allows one user; `wait` is in seconds."""

    status = 429
    default_code = "rate_limited"

    def __init__(self, wait: int) -> None:
        super().__init__(f"Too many requests; try again in {wait} s.")
        self.wait = wait


class Buckets:
    """A token bucket per user in this process's memory; those not used for longest are forgotten first."""

    def __init__(self) -> None:
        self._left: OrderedDict[tuple[str, str], tuple[float, datetime]] = OrderedDict()

    def take(self, key: tuple[str, str], per_minute: int, now: datetime) -> None:
        """Take one. Raises TooMany when none is left."""
        left, since = self._left.pop(key, (float(per_minute), now))
        left = min(float(per_minute), left + max(0.0, (now - since).total_seconds()) * per_minute / 60)
        self._left[key] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > MAX_BUCKETS:
            self._left.popitem(last=False)
        if left < 1:
            raise TooMany(max(1, math.ceil((1 - left) * 60 / per_minute)))


async def _asking(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> Customer:
    if given is None:
        raise Unauthorized("Send the customer's access token: Authorization: Bearer ...", code="token_missing")
    services: Services = request.app.state.services
    now = services.clock()
    found = await customer(services.shops, given.credentials, now)
    request.scope[VISIT].shop = found.shop
    buckets: Buckets = request.app.state.buckets
    buckets.take((found.shop.tenant_id, found.user_id), found.shop.settings.storefront_requests_per_minute, now)
    return found


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Asking = Annotated[Customer, Depends(_asking)]
Doors = Annotated[Services, Depends(_services)]
