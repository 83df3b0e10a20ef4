"""The installed shops as every process knows them: found by API URL, never by what a request says about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx
from sqlalchemy import select

from app.clock import Clock
from app.db.secrets import SecretBox
from app.db.session import Database
from app.db.tenants import Tenant
from app.errors import NotFound, Unauthorized
from app.saleor.jwks import ShopKeys
from app.settings import Settings, ShopSettings


@dataclass(frozen=True, slots=True)
class Shop:
    """One installation at one version of its settings and program."""

    tenant_id: str
    api_url: str
    app_id: str
    active: bool
    version: int
    """`Tenant.program_version`: another one means that something of the shop changed."""
    settings: ShopSettings
    keys: ShopKeys


def merged(defaults: ShopSettings, own: dict[str, object]) -> ShopSettings:
    """The installation's values with the shop's own over them, key by key; nested objects are merged, lists replaced."""
    return ShopSettings.model_validate(_over(defaults.model_dump(mode="json"), own))


def _over(base: dict[str, object], own: dict[str, object]) -> dict[str, object]:
    result = dict(base)
    for name, value in own.items():
        below = result.get(name)
        result[name] = _over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


class Shops:
    """All installed shops in memory. `refresh` reads the small table of shops again; a poll calls it twice a second."""

    def __init__(self, database: Database, box: SecretBox, http: httpx.AsyncClient, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._box = box
        self._http = http
        self._settings = settings
        self._clock = clock
        self._by_url: dict[str, Shop] = {}
        self._by_tenant: dict[str, Shop] = {}

    async def refresh(self, changed: Callable[[Shop], None] | None = None) -> None:
        """Read what changed; `changed` hears of every new or changed shop."""
        async with self._database.system() as session:
            rows = (await session.scalars(select(Tenant))).all()
        for row in rows:
            before = self._by_tenant.get(row.id)
            if before is not None and before.version == row.program_version:
                continue
            keys = before.keys if before is not None and before.keys.jwks == row.jwks else None
            shop = Shop(
                tenant_id=row.id,
                api_url=row.saleor_api_url,
                app_id=row.app_id,
                active=row.active,
                version=row.program_version,
                settings=merged(self._settings.shop, row.settings),
                keys=keys or ShopKeys(row.saleor_api_url, row.jwks, self._http, self._clock),
            )
            self._by_url[shop.api_url] = self._by_tenant[shop.tenant_id] = shop
            if changed is not None:
                changed(shop)

    def known(self, api_url: str) -> Shop | None:
        """The shop from memory, for the hot path; None also for one that was removed or switched off."""
        shop = self._by_url.get(api_url)
        return shop if shop is not None and shop.active else None

    async def by_api_url(self, api_url: str) -> Shop:
        """An active shop, looked up again when it is not in memory. Raises Unauthorized for any other."""
        shop = self.known(api_url)
        if shop is None:
            await self.refresh()
            shop = self.known(api_url)
        if shop is None:
            raise Unauthorized("This app is not installed in that shop.", code="unknown_shop")
        return shop

    async def by_tenant(self, tenant_id: str) -> Shop:
        """A shop by our own id, active or not. Raises NotFound."""
        if tenant_id not in self._by_tenant:
            await self.refresh()
        try:
            return self._by_tenant[tenant_id]
        except KeyError:
            raise NotFound("There is no such shop.", code="unknown_shop") from None

    def all(self) -> list[Shop]:
        """Every shop in memory that is active."""
        return [shop for shop in self._by_tenant.values() if shop.active]

    async def token(self, shop: Shop) -> str:
        """The shop's app token, read from the database each time so that a re-install counts at once."""
        async with self._database.system() as session:
            sealed = await session.scalar(select(Tenant.token).where(Tenant.id == shop.tenant_id))
        if sealed is None:
            raise NotFound("There is no such shop.", code="unknown_shop")
        return self._box.decrypt(shop.tenant_id, sealed)
