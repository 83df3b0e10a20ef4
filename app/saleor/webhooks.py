"""The webhooks a shop has against those the manifest wants, and their repair.

Saleor reads the manifest once, at installation; afterwards the app keeps its own webhooks in step by itself (saleor-facts 1).
Where staff renamed, switched off or edited one, or the app moved or learned new events, `sync` puts it right.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from graphql import GraphQLError, parse, print_ast

from app.errors import Refused, SaleorError
from app.saleor.answers import AppSelfAnswer, SaleorWebhook
from app.saleor.client import SaleorClient
from app.saleor.manifest import render
from app.saleor.operations import APP_SELF, WEBHOOK_CREATE, WEBHOOK_DELETE, WEBHOOK_UPDATE


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook as the manifest wants it, or as the shop has it."""

    name: str
    target_url: str
    query: str
    """Printed in one form, so that blanks and comments make no difference."""
    sync_events: frozenset[str]
    async_events: frozenset[str]
    active: bool

    @property
    def events(self) -> frozenset[str]:
        """What it is called for; the manifest has exactly one event per webhook."""
        return self.sync_events | self.async_events


@dataclass(frozen=True, slots=True)
class MissingWebhook:
    """The manifest wants it and the shop has none for its event."""

    wanted: Webhook

    def __str__(self) -> str:
        return f"{self.wanted.name} is missing"


@dataclass(frozen=True, slots=True)
class ChangedWebhook:
    """The shop has it otherwise; `fields` names what differs."""

    id: str
    wanted: Webhook
    fields: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.wanted.name} differs in {', '.join(self.fields)}"


@dataclass(frozen=True, slots=True)
class SurplusWebhook:
    """The shop has one that the manifest does not want, or has it twice."""

    id: str
    name: str

    def __str__(self) -> str:
        return f"{self.name or self.id} is not wanted"


Difference = MissingWebhook | ChangedWebhook | SurplusWebhook


def wanted_webhooks(base_url: str, version: str) -> list[Webhook]:
    """What the manifest for this Saleor version says."""
    return [
        Webhook(
            name=entry["name"],
            target_url=entry["targetUrl"],
            query=_printed(entry["query"]),
            sync_events=frozenset(entry.get("syncEvents", ())),
            async_events=frozenset(entry.get("asyncEvents", ())),
            active=entry["isActive"],
        )
        for entry in render(base_url, version)["webhooks"]
    ]


def differences(installed: Iterable[SaleorWebhook], wanted: Sequence[Webhook]) -> list[Difference]:
    """What has to be done, creations and changes before deletions, so that no event is without its webhook in between.

    An installed webhook belongs to a wanted one by its name, else by its events; one match each, the rest is surplus.
    """
    have = {webhook.id: _installed(webhook) for webhook in installed}
    matched: dict[str, str] = {}
    for same in (_same_name, _same_events):
        for webhook in wanted:
            free = (id for id in have if id not in matched.values() and same(have[id], webhook))
            if webhook.name not in matched and (found := next(free, None)):
                matched[webhook.name] = found
    repairs: list[Difference] = []
    for webhook in wanted:
        id = matched.get(webhook.name)
        if id is None:
            repairs.append(MissingWebhook(webhook))
        elif fields := _different(have[id], webhook):
            repairs.append(ChangedWebhook(id, webhook, fields))
    kept = set(matched.values())
    return repairs + [SurplusWebhook(id, webhook.name) for id, webhook in have.items() if id not in kept]


async def drift(client: SaleorClient, base_url: str) -> list[Difference]:
    """What differs in the shop now. Raises SaleorError."""
    return drift_of(await client.execute(APP_SELF), base_url)


def drift_of(answer: AppSelfAnswer, base_url: str) -> list[Difference]:
    """What differs in what the shop answered. Raises SaleorError `no_app` when the token belongs to no app."""
    if answer.app is None:
        raise SaleorError("The shop knows no app by this token.", code="no_app")
    return differences(answer.app.webhooks or (), wanted_webhooks(base_url, answer.shop.version))


async def sync(client: SaleorClient, base_url: str) -> list[Difference]:
    """Repair what differs and say what that was; empty when nothing did. Each repair is a request of its own, so that running it
    again after a failure goes on where it stopped.

    Raises Refused, with nothing changed, where webhooks of another machine would be called on the shop's own from then on; else
    SaleorRefused and the other errors of the client.
    """
    answer = await client.execute(APP_SELF)
    repairs = drift_of(answer, base_url)
    _refuse_to_lose(answer.app.webhooks or () if answer.app else (), base_url)
    for repair in repairs:
        match repair:
            case MissingWebhook(wanted):
                await client.execute(WEBHOOK_CREATE, input=_input(wanted))
            case ChangedWebhook(id, wanted):
                await client.execute(WEBHOOK_UPDATE, id=id, input=_input(wanted))
            case SurplusWebhook(id):
                await client.execute(WEBHOOK_DELETE, id=id)
    return repairs


def _refuse_to_lose(installed: Iterable[SaleorWebhook], base_url: str) -> None:
    """A shell without the installation's own RESELLER_BASE_URL must not take a live shop's webhooks away from it."""
    if not _is_loopback(base_url):
        return
    for webhook in installed:
        if not _is_loopback(webhook.target_url):
            raise Refused(
                f"The shop calls {webhook.target_url}; RESELLER_BASE_URL={base_url} would move its webhooks to this machine, "
                "where the shop does not reach them. Set RESELLER_BASE_URL to the app's public address and try again.",
                code="loopback_target",
            )


def _is_loopback(url: str) -> bool:
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _installed(webhook: SaleorWebhook) -> Webhook:
    return Webhook(
        name=webhook.name or "",
        target_url=webhook.target_url,
        query=_printed(webhook.subscription_query or ""),
        sync_events=frozenset(event.event_type for event in webhook.sync_events),
        async_events=frozenset(event.event_type for event in webhook.async_events),
        active=webhook.is_active,
    )


def _same_name(have: Webhook, want: Webhook) -> bool:
    return have.name == want.name


def _same_events(have: Webhook, want: Webhook) -> bool:
    return have.events == want.events


def _different(have: Webhook, want: Webhook) -> tuple[str, ...]:
    return tuple(field for field in Webhook.__slots__ if getattr(have, field) != getattr(want, field))


def _input(webhook: Webhook) -> Mapping[str, Any]:
    """Both kinds of events always: Saleor replaces them together. No `identifier`, which only 3.23.23 and newer know."""
    return {
        "name": webhook.name,
        "targetUrl": webhook.target_url,
        "query": webhook.query,
        "syncEvents": sorted(webhook.sync_events),
        "asyncEvents": sorted(webhook.async_events),
        "isActive": webhook.active,
    }


def _printed(query: str) -> str:
    try:
        return print_ast(parse(query))
    except GraphQLError:
        return query.strip()
