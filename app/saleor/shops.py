"""The installed shops as every process knows them: found by API URL, never by what a request says about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx
import structlog
from pydantic import ValidationError
from sqlalchemy import select, update

from app.clock import Clock
from app.db.secrets import SecretBox
from app.db.session import Database
from app.db.tenants import Tenant
from app.errors import NotFound, Unauthorized
from app.saleor.client import SaleorClient
from app.saleor.jwks import ShopKeys
from app.settings import Settings, ShopSettings

log = structlog.get_logger()


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
        self._clients: dict[str, tuple[str, SaleorClient]] = {}
        self._outdated: list[SaleorClient] = []
        self._wrong: dict[str, int] = {}

    async def refresh(self, changed: Callable[[Shop], None] | None = None) -> None:
        """Read what changed; `changed` hears of every new or changed shop.

        A shop whose stored settings this version does not understand keeps the ones it had, or stays unknown: the others go on.
        Keys fetched since the last look are stored first, so that a restart verifies while the shop is down.
        """
        await self._save_keys()
        async with self._database.system_reading() as session:
            rows = (await session.scalars(select(Tenant))).all()
        for row in rows:
            before = self._by_tenant.get(row.id)
            if before is not None and before.version == row.program_version:
                continue
            try:
                settings = merged(self._settings.shop, row.settings)
            except ValidationError as error:
                if self._wrong.get(row.id) != row.program_version:
                    self._wrong[row.id] = row.program_version
                    log.error("shop.settings_wrong", shop=row.saleor_api_url, errors=str(error))
                continue
            shop = Shop(
                tenant_id=row.id,
                api_url=row.saleor_api_url,
                app_id=row.app_id,
                active=row.active,
                version=row.program_version,
                settings=settings,
                keys=self._keys(row, before),
            )
            if before is not None and before.api_url != shop.api_url:
                self._by_url.pop(before.api_url, None)
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
        async with self._database.system_reading() as session:
            sealed = await session.scalar(select(Tenant.token).where(Tenant.id == shop.tenant_id))
        if sealed is None:
            raise NotFound("There is no such shop.", code="unknown_shop")
        return self._box.decrypt(shop.tenant_id, sealed)

    async def client(self, shop: Shop) -> SaleorClient:
        """The shop's one client with its connections, a new one after the token was replaced. `close` closes it, nobody else."""
        token = await self.token(shop)
        known = self._clients.get(shop.tenant_id)
        if known is not None and known[0] == token:
            return known[1]
        if known is not None:
            # Somebody may still be waiting for an answer with it.
            self._outdated.append(known[1])
        client = SaleorClient(shop.api_url, token, timeout=self._settings.saleor_timeout)
        self._clients[shop.tenant_id] = (token, client)
        return client

    async def close(self) -> None:
        """Close every client."""
        clients = [*self._outdated, *(client for _, client in self._clients.values())]
        self._outdated, self._clients = [], {}
        for client in clients:
            await client.close()

    def _keys(self, row: Tenant, before: Shop | None) -> ShopKeys:
        """The keys of the row: those in memory with their cooldown and grace, or new ones for another installation."""
        if before is None or before.app_id != row.app_id or before.api_url != row.saleor_api_url:
            return ShopKeys(row.saleor_api_url, row.jwks, self._http, self._clock)
        if before.keys.jwks != row.jwks:
            before.keys.accept(row.jwks)
        return before.keys

    async def _save_keys(self) -> None:
        for shop in self._by_tenant.values():
            if not shop.keys.unsaved:
                continue
            jwks = shop.keys.jwks
            async with self._database.system() as session:
                # Only for the installation that published them; the version tells every other process.
                await session.execute(
                    update(Tenant)
                    .where(Tenant.id == shop.tenant_id, Tenant.app_id == shop.app_id)
                    .values(jwks=jwks, program_version=Tenant.program_version + 1)
                )
            shop.keys.unsaved = shop.keys.jwks is not jwks
