"""What every use case of the order's story works with, opened once per process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import Clock
from app.db.jobs import Jobs
from app.db.secrets import SecretBox
from app.db.session import Database
from app.files.storage import Storage
from app.mail.arrived import Arrived
from app.mail.tables import Correspondence
from app.orders.snapshot import Programs
from app.saleor.shops import Shop, Shops
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The doors to the outside: database, shops, their programs in memory, durable jobs, the clock."""

    settings: Settings
    database: Database
    box: SecretBox
    http: httpx.AsyncClient
    clock: Clock
    shops: Shops
    programs: Programs
    jobs: Jobs
    followers: tuple[Follower, ...] = ()
    """Rooms above that take a person's mail over in the transaction it is recorded in; without one it is a task of staff."""

    @property
    def files(self) -> Storage:
        """Where uploaded files lie."""
        return Storage(self.settings.files_url)

    def portal(self, shop: Shop) -> str:
        """What stands before the path of a page of the shop's portal, like `/orders/1042`, in a link; empty without an address.

        Beside other shops, and without a host of its own, it leads through the shop's sign-in.
        """
        base = self.settings.base_url.rstrip("/")
        if not base:
            return ""
        if shop.settings.portal_host:
            return f"{urlsplit(base).scheme}://{shop.settings.portal_host}/portal"
        several = len(self.shops.all()) > 1
        return f"{base}/portal" + (f"/{urlsplit(shop.api_url).netloc}?next=" if several else "")

    def today(self, shop: Shop) -> date:
        """The day it is in the vendor's time zone."""
        return self.clock().astimezone(ZoneInfo(shop.settings.time_zone)).date()


Follower = Callable[[AsyncSession, Services, Shop, Correspondence, Arrived], Awaitable[bool]]
"""Takes a mail that a person wrote, and its row on the record; whether staff need no other task for it."""
