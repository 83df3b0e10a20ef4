"""`reseller doctor`: ask an installation what `installation` judges, and repair what the app may change itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, TypeVar

import httpx
from sqlalchemy import select

from app.errors import SaleorError
from app.mail.service import waiting
from app.mail.tables import Mailbox
from app.orders.customer_types import CustomerTypes, customer_types
from app.orders.installation import Facts, Finding, active_channels, channel_patch, findings, tax_patch
from app.orders.services import Services
from app.reasons import Reason, because, register
from app.saleor import webhooks
from app.saleor.client import SaleorClient, SaleorDenied
from app.saleor.jwks import fetch_jwks, jwks_url
from app.saleor.operations import (
    APP_SELF,
    CHANNEL_UPDATE,
    FLAT_RATES,
    INSTALLATION,
    SHOP_SETTINGS_UPDATE,
    TAX_CONFIGURATION_UPDATE,
)
from app.saleor.shops import Shop
from app.settings import need_base_url
from app.tax.flat_rates import copy_flat_rates
from app.tax.service import load_tax, rates_imported_at

T = TypeVar("T")
register(
    {
        "fix_refused": "{sentence}",
        "fix_webhooks": "The webhooks are as the manifest says again.",
        "fix_tax_app": "Taxes: {changes}.",
        "fix_channel": "Channel: {changes}.",
        "fix_fulfillment_unpaid": "fulfillmentAllowUnpaid is off now.",
        "fix_flat_rates": "The store's flat rates are copied again.",
    }
)


@dataclass(frozen=True, slots=True)
class Repair:
    """Something `fix` changed, or could not."""

    code: str
    subject: str
    done: bool
    said: Reason

    @property
    def sentence(self) -> str:
        """What was done or refused, in English."""
        return str(self.said)


async def examine(services: Services, shop: Shop) -> list[Finding]:
    """Look at one installation. What the shop does not answer is a finding, not an exception."""
    return findings(await gather(services, shop, await services.shops.client(shop)))


async def gather(services: Services, shop: Shop, client: SaleorClient) -> Facts:
    """Ask the shop and the database for everything `findings` judges."""
    problems: list[str] = []

    async def ask(question: Awaitable[T]) -> T | None:
        try:
            return await question
        except SaleorError as error:
            problems.append(error.sentence)
            return None

    async with services.database.tenant(shop.tenant_id) as session:
        tax = await load_tax(session)
        imported = await rates_imported_at(session)
        count, oldest = await waiting(session)
        box = await session.scalar(select(Mailbox).where(Mailbox.failing_since.is_not(None)))
    return Facts(
        api_url=shop.api_url,
        base_url=services.settings.base_url,
        settings=shop.settings,
        today=services.today(shop),
        app=await ask(client.execute(APP_SELF)),
        installation=await ask(client.execute(INSTALLATION)),
        flat_rates=await ask(client.execute(FLAT_RATES)),
        stored_keys=shop.keys.jwks,
        published_keys=await ask(fetch_jwks(services.http, shop.api_url)),
        skew=await _skew(services, shop.api_url),
        tax=tax,
        rates_imported=imported.date() if imported else None,
        mails_waiting=count,
        mails_waiting_since=services.clock() - oldest.created_at if oldest else timedelta(),
        mail_words=oldest.error if oldest else "",
        mailbox_problem=box.error.rstrip(".") if box and services.settings.imap_url else "",
        types=await ask(_types(client)),
        problems=tuple(problems),
    )


async def fix(services: Services, shop: Shop) -> list[Repair]:
    """Change what the app may, and say what was done or refused; a second run finds nothing to do.

    Webhooks come first: Saleor takes only an app that has the tax webhooks for a tax app. Raises InvalidInput without the app's
    own address, Refused where webhooks would be lost to this machine (`webhooks.sync`), SaleorError when the shop cannot be asked
    at all.
    """
    base_url = need_base_url(services.settings)
    client = await services.shops.client(shop)
    installation = await client.execute(INSTALLATION)
    repairs: list[Repair] = []

    async def repair(code: str, subject: str, work: Callable[[], Awaitable[object]], changes: str = "") -> None:
        try:
            done = await work()
        except SaleorError as error:
            repairs.append(Repair(code, subject, False, because("fix_refused", sentence=error.sentence)))
        else:
            if done:
                repairs.append(Repair(code, subject, True, because(f"fix_{code}", changes=changes)))

    await repair(
        "webhooks",
        shop.api_url,
        partial(webhooks.sync, client, base_url),
    )
    for channel in active_channels(installation):
        if taxes := tax_patch(channel):
            await repair(
                "tax_app",
                channel.slug,
                partial(client.execute, TAX_CONFIGURATION_UPDATE, id=channel.tax_configuration.id, input=taxes),
                _said(taxes),
            )
        if settings := channel_patch(channel):
            await repair(
                "channel",
                channel.slug,
                partial(client.execute, CHANNEL_UPDATE, id=channel.id, input=settings),
                ", ".join(_said(group) for group in settings.values()),
            )
    if installation.shop.fulfillment_allow_unpaid:
        await repair(
            "fulfillment_unpaid",
            "shop",
            partial(client.execute, SHOP_SETTINGS_UPDATE, input={"fulfillmentAllowUnpaid": False}),
        )
    await repair(
        "flat_rates",
        "shop",
        partial(copy_flat_rates, services.database, shop.tenant_id, client),
    )
    return repairs


async def _types(client: SaleorClient) -> CustomerTypes | None:
    """The customer types of the shop as far as our permissions show them; None where Saleor has none."""
    try:
        return await customer_types(client, create=False)
    except SaleorDenied:
        return CustomerTypes(None, None)


async def _skew(services: Services, api_url: str) -> timedelta | None:
    """How far the shop's clock is ahead of ours; None when it does not say."""
    try:
        answer = await services.http.get(jwks_url(api_url), follow_redirects=False)
        return parsedate_to_datetime(answer.headers["Date"]) - services.clock()
    except (httpx.HTTPError, KeyError, ValueError, TypeError):
        return None


def _said(patch: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in patch.items())
