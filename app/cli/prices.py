"""Price lists: setting, listing, and what a reseller pays for a variant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from app.cli.common import By, Json, ShopUrl, a_date, a_percentage, an_amount, run_in_shop, show, who
from app.errors import InvalidInput
from app.money import Money
from app.orders import price_desk
from app.orders.services import Services
from app.pricing import service
from app.pricing.content import Kind, exception_words, shown
from app.pricing.draft import Difference, Draft
from app.pricing.rules import Scope, StaffException
from app.pricing.tables import DEFAULT_LIST, PriceChange, PriceEntry
from app.pricing.versions import exception_of
from app.reasons import sentence
from app.resellers.service import find
from app.saleor.shops import Shop

prices = typer.Typer(no_args_is_help=True, help="Price lists and partner prices.")

ListName = Annotated[str, typer.Option("--list", help="Name of the price list.")]
Why = Annotated[str, typer.Option("--why", help="The reason, kept with the list's version.")]
On = Annotated[str, typer.Option("--on", help="Plan it for this day, announced by mail before; needs --why. At once by default.")]
ShortNotice = Annotated[
    bool, typer.Option("--short-notice", help="Plan it although resellers have less notice than they should.")
]


@prices.command("set")
def set_(
    rate: Annotated[str, typer.Option(help="Percent off retail.")] = "",
    fixed: Annotated[str, typer.Option(help="A fixed unit price; needs --currency.")] = "",
    currency: Annotated[str, typer.Option(help="Currency of --fixed.")] = "",
    sku: Annotated[str, typer.Option(help="For one variant; without any of these, --rate is the whole list's.")] = "",
    product: Annotated[str, typer.Option(help="For a product: the SKU of one of its variants, or its Saleor id.")] = "",
    category: Annotated[str, typer.Option(help="For a category, by its Saleor id.")] = "",
    collection: Annotated[str, typer.Option(help="For a collection, by its Saleor id.")] = "",
    minimum_quantity: Annotated[int, typer.Option(help="From this quantity on.")] = 1,
    valid_from: Annotated[str, typer.Option(help="First day, like 2026-04-01.")] = "",
    valid_to: Annotated[str, typer.Option(help="Last day.")] = "",
    exception_reason: Annotated[str, typer.Option(help="Why the rate may be above the cap; needs --exception-expires.")] = "",
    exception_expires: Annotated[str, typer.Option(help="Last day of the exception.")] = "",
    name: ListName = DEFAULT_LIST,
    assign: Annotated[str, typer.Option(help="Give this list to the reseller of this e-mail.")] = "",
    on: On = "",
    short_notice: ShortNotice = False,
    why: Why = "",
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Set a list's percentage, or an entry for a variant, product, category or collection; at once, or planned for a day."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        if not any((sku, product, category, collection)):
            _refuse_for_whole_list(
                {
                    "--fixed": fixed,
                    "--currency": currency,
                    "--minimum-quantity": minimum_quantity != 1,
                    "--valid-from": valid_from,
                    "--valid-to": valid_to,
                }
            )
        scope, target, label = await _target(services, shop, sku, product, category, collection)
        percent = a_percentage(rate, "--rate") if rate else None
        if fixed and not currency:
            raise InvalidInput("--fixed needs --currency.", code="currency")
        price = an_amount(fixed, currency, "--fixed") if fixed else None
        leave = None
        if exception_reason:
            if percent is None or not exception_expires:
                raise InvalidInput("--exception-reason goes with --rate and --exception-expires.", code="exception")
            leave = StaffException(percent, exception_reason, a_date(exception_expires, "--exception-expires"))
        if scope is not None:
            first, last = (a_date(text, option) if text else None for text, option in _days(valid_from, valid_to))
            draft = service.entry_draft(scope, target, label, percent, price, minimum_quantity, first, last, leave)
        elif percent is not None:
            draft = Draft(rate=percent, exception=leave)
        elif assign and not on:
            draft = Draft()
        else:
            raise InvalidInput("Give --rate, or an entry's target with --rate or --fixed.", code="price")
        async with services.database.tenant(shop.tenant_id) as session:
            found = await carry_out(session, services, shop, draft, name=name, on=on, short_notice=short_notice, why=why, by=by)
            if assign:
                reseller = await find(session, assign)
                await service.assign(session, reseller.id, name, by=who(by), at=services.clock(), why=why)
            return found

    show(run_in_shop(shop, work), as_json=as_json)


async def carry_out(
    session: AsyncSession,
    services: Services,
    shop: Shop,
    draft: Draft,
    *,
    name: str,
    on: str,
    short_notice: bool,
    why: str,
    by: str,
) -> dict[str, Any]:
    """Change a list at once or, with a day, plan it; what a command answers."""
    day = a_date(on, "--on") if on else None
    if short_notice and day is None:
        raise InvalidInput("--short-notice goes with --on.", code="short_notice")
    made, found = await price_desk.carry_out(
        session, services, shop, draft, name=name, on=day, short_notice=short_notice, why=why, by=who(by)
    )
    if isinstance(made, PriceChange):
        return {
            "list": name,
            "planned": made.id,
            "effective_on": made.effective_on,
            "announced_on": made.announce_on,
            "short_notice": made.short_notice,
        } | shown(found.changes)
    return {"list": made.name, "rate": made.rate, "version": made.version} | _counts(found)


def _counts(found: Difference) -> dict[str, Any]:
    kinds: tuple[Kind, ...] = ("added", "changed", "removed")
    return {kind: found.changes.count(kind) for kind in kinds} | {"unchanged": found.unchanged}


def _days(valid_from: str, valid_to: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (valid_from, "--valid-from"), (valid_to, "--valid-to")


def _refuse_for_whole_list(entry_options: Mapping[str, object]) -> None:
    """What only an entry can have must not end in a change of the whole list's percentage."""
    if given := [option for option, value in entry_options.items() if value]:
        raise InvalidInput(
            f"{', '.join(given)}: only an entry has this; name its target with --sku, --product, --category or --collection.",
            code="target",
        )


@prices.command()
def remove(
    entry_id: Annotated[str, typer.Argument(help="The entry's id, as `prices list` prints it.")],
    on: On = "",
    short_notice: ShortNotice = False,
    why: Why = "",
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Take an entry out of its list; at once, or planned for a day."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            key, row = await service.entry_and_list(session, entry_id)
            draft = Draft(entries={key: None})
            found = await carry_out(
                session, services, shop, draft, name=row.name, on=on, short_notice=short_notice, why=why, by=by
            )
        return found if on else {"removed": entry_id}

    show(run_in_shop(shop, work), as_json=as_json)


@prices.command("list")
def list_(name: ListName = DEFAULT_LIST, shop: ShopUrl = "", as_json: Json = False) -> None:
    """A list's percentage and entries."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            row = await service.known_list(session, cap=shop.settings.program.max_discount_percent, name=name)
            entries = await service.list_entries(session, name)
            leave = exception_of(row)
            facts = {"list": row.name, "rate": row.rate, "version": row.version}
            if leave is not None:
                facts["exception"] = exception_words(leave)
            return facts | {"entries": [_shown(entry) for entry in entries]}

    show(run_in_shop(shop, work), as_json=as_json)


@prices.command()
def preview(
    email: Annotated[str, typer.Argument(help="E-mail of the reseller.")],
    sku: Annotated[str, typer.Argument(help="SKU of the variant.")],
    quantity: Annotated[int, typer.Option(min=1)] = 1,
    channel: Annotated[str, typer.Option(help="Channel slug; all channels by default.")] = "",
    on: Annotated[str, typer.Option(help="A day to come, with all that is planned until then; today by default.")] = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """What a reseller pays for a variant, with the chain of reasons from retail on."""

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        today = services.today(shop)
        day = a_date(on, "--on") if on else today
        if day < today:
            raise InvalidInput(f"--on: {day} is over; give a day to come.", code="on")
        return [
            {
                "channel": found.channel,
                "on": day,
                "retail": str(found.chain.price.retail),
                "partner_price": str(found.chain.price.unit),
                "total": str(found.chain.total),
                "reasons": [sentence(reason) for reason in found.chain.reasons],
            }
            for found in await price_desk.prices_of(services, shop, email, sku, quantity=quantity, day=day, channel=channel)
        ]

    show(run_in_shop(shop, work), as_json=as_json)


async def _target(
    services: Services, shop: Shop, sku: str, product: str, category: str, collection: str
) -> tuple[Scope | None, str, str]:
    given = [text for text in (sku, product, category, collection) if text]
    if len(given) > 1:
        raise InvalidInput("Give one of --sku, --product, --category and --collection.", code="target")
    scopes = {Scope.VARIANT: sku, Scope.PRODUCT: product, Scope.CATEGORY: category, Scope.COLLECTION: collection}
    for scope, text in scopes.items():
        if text:
            return scope, *await price_desk.target_of(services, shop, scope, text)
    return None, "", ""


def _shown(entry: PriceEntry) -> dict[str, Any]:
    price = f"{entry.rate} %" if entry.fixed_minor is None else str(Money(entry.fixed_minor, entry.currency))
    return {
        "id": entry.id,
        "for": f"{entry.scope} {entry.label}",
        "price": price,
        "minimum_quantity": entry.minimum_quantity,
        "valid_from": None if entry.valid_from.year == 1 else entry.valid_from,
        "valid_to": entry.valid_to,
    }
