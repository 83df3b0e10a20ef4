"""A shop's own settings over the installation's: read as they are now, and changed all at once or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlalchemy import select

from app.db.tenants import Tenant
from app.documents.bank_details import BankAccount
from app.documents.logo import checked_logo, decoded
from app.errors import Conflict, InvalidInput
from app.orders.services import Services
from app.saleor.shops import Shop, merged
from app.settings import UNKNOWN, ShopSettings, unknown_key

Own = dict[str, Any]


class WrongSettings(InvalidInput):
    """Values that cannot be; `places` tells what is wrong by the path of each."""

    default_code = "setting"

    def __init__(self, places: dict[str, str]) -> None:
        super().__init__("These settings are wrong:\n" + "\n".join(_line(path, words) for path, words in places.items()))
        self.places = places


class SettingsChanged(Conflict):
    """Somebody else changed what was read; `now` is what is in force."""

    default_code = "settings_changed"

    def __init__(self, now: ShopSettings) -> None:
        super().__init__("Somebody else changed these settings since you read them; nothing of yours was stored.")
        self.now = now


async def current(services: Services, shop: Shop) -> ShopSettings:
    """The settings as they are stored now; a process may know them half a second later only."""
    async with services.database.system_reading() as session:
        own = await session.scalar(select(Tenant.settings).where(Tenant.id == shop.tenant_id))
    return merged(services.settings.shop, own or {})


async def change(
    services: Services, shop: Shop, put: Callable[[Own, ShopSettings], None], unchanged: tuple[str, str] | None = None
) -> ShopSettings:
    """Let `put` change the shop's own values, and keep them where all settings together are right.

    `unchanged` is a part with its `mark` as it was read. Raises WrongSettings, InvalidInput for an account or a logo that cannot
    be, and SettingsChanged.
    """
    async with services.database.system() as session:
        row = (await session.scalars(select(Tenant).where(Tenant.id == shop.tenant_id).with_for_update())).one()
        own: Own = json.loads(json.dumps(row.settings))
        before = merged(services.settings.shop, own)
        if unchanged is not None and mark(before, unchanged[0]) != unchanged[1]:
            raise SettingsChanged(before)
        put(own, before)
        result = checked(services, own)
        row.settings = own
        row.program_version += 1
    return result


def mark(settings: ShopSettings, part: str) -> str:
    """A short text that differs where this part of the settings does."""
    found = getattr(settings, part)
    data = found.model_dump(mode="json") if isinstance(found, BaseModel) else [item.model_dump(mode="json") for item in found]
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


def checked(services: Services, own: Own) -> ShopSettings:
    """The settings with a shop's own values. Raises as `change`."""
    try:
        result = merged(services.settings.shop, own)
    except ValidationError as error:
        raise WrongSettings(
            {
                ".".join(map(str, item["loc"])): unknown_key(ShopSettings, item["loc"])
                if item["type"] == UNKNOWN
                else item["msg"].removeprefix("Value error, ")
                for item in error.errors()
            }
        ) from error
    for account in result.bank_accounts:
        BankAccount.of(**account.model_dump(exclude={"channel"}))
    if result.documents.logo:
        checked_logo(decoded(result.documents.logo))
    return result


def put_account(own: Own, before: ShopSettings, account: dict[str, str]) -> None:
    """Set the account of a currency and channel; the one set before for it is replaced."""
    BankAccount.of(**{name: value for name, value in account.items() if name != "channel"})
    place = (account["currency"], account["channel"])
    own["bank_accounts"] = [*_others(before, place), account]


def drop_account(own: Own, before: ShopSettings, place: tuple[str, str]) -> None:
    """Take the account of a currency and channel away."""
    own["bank_accounts"] = _others(before, place)


def _others(before: ShopSettings, place: tuple[str, str]) -> list[dict[str, Any]]:
    accounts = [item.model_dump(mode="json") for item in before.bank_accounts]
    return [item for item in accounts if (item["currency"], item["channel"]) != place]


def _line(path: str, words: str) -> str:
    return words if words.startswith(path) else f"{path}: {words}"
