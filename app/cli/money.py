"""Decisions about debts: disputes, interest, write-offs, and a reseller's account in the ledger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.cli.common import By, Json, ShopUrl, an_amount, run_in_shop, show, who
from app.db.bulk import chunks
from app.ledger.booking import open_of
from app.ledger.disputes import all_disputes
from app.ledger.rules import DEBTS, EFFECT, Kind, credits
from app.ledger.service import as_item
from app.ledger.tables import LedgerItem
from app.money import Money
from app.orders import money_desk
from app.orders.money_desk import GivenUp
from app.orders.service import find_order
from app.orders.services import Services
from app.resellers.service import find, list_all
from app.saleor.shops import Shop

ledger = typer.Typer(no_args_is_help=True, help="What resellers owe and have paid; giving debts up.")
disputes = typer.Typer(no_args_is_help=True, help="Orders that resellers contest: no interest, no reminders and no hold.")
interest = typer.Typer(no_args_is_help=True, help="Interest on what is overdue; statements charge it.")

Number = Annotated[str, typer.Argument(help="The order's number.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept on the record.")]
Email = Annotated[str, typer.Argument(help="E-mail of the reseller.")]
Expected = Annotated[
    str, typer.Option("--expect", help="What you saw open, like 118.80; refused when it is something else by now.")
]


def mount(cli: typer.Typer) -> None:
    """Add these commands."""
    for name, group in {"ledger": ledger, "disputes": disputes, "interest": interest}.items():
        cli.add_typer(group, name=name)


@ledger.command("show")
def show_account(email: Email, shop: ShopUrl = "", as_json: Json = False) -> None:
    """A reseller's account: every booking in its order, and what is owed after it in that currency."""

    async def work(session: AsyncSession) -> dict[str, Any]:
        reseller = await find(session, email)
        query = select(LedgerItem).where(LedgerItem.reseller_id == reseller.id)
        found = (await session.scalars(query.order_by(LedgerItem.booked_at, LedgerItem.id))).all()
        # What comes in or is owed before what was made of it at the same moment.
        rows = sorted(found, key=lambda row: (row.booked_at, row.kind not in (Kind.PAYMENT, *DEBTS)))
        owed: dict[str, int] = {}
        booked = []
        for row in rows:
            owed[row.currency] = owed.get(row.currency, 0) + EFFECT[Kind(row.kind)][0] * row.amount_minor
            booked.append(
                {
                    "booked_at": row.booked_at,
                    "value_date": row.value_date,
                    "what": row.kind if row.reverses_id is None else f"{row.kind} taken back",
                    "order": row.order_number,
                    "amount": Money(row.amount_minor, row.currency),
                    "owed": Money(owed[row.currency], row.currency),
                    "by": row.booked_by,
                    "reference": row.reference,
                    "reason": row.reason,
                }
            )
        left = credits(as_item(row) for row in rows)
        return {
            "reseller": reseller.email,
            "booked": booked,
            "owed": [Money(minor, currency) for currency, minor in sorted(owed.items())],
            "credit": [Money(minor, currency) for currency, minor in sorted(left.items())],
        }

    _read(shop, work, as_json)


@ledger.command("write-off")
def write_off(number: Number, reason: Why, expect: Expected = "", by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Give up what is open of an order and of its interest: it counts as closed, never as paid."""
    _give_up(money_desk.give_up, number, reason, expect, by, shop, as_json)


@interest.command()
def waive(number: Number, reason: Why, expect: Expected = "", by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Waive what is open of an order's interest; it is not charged again."""
    _give_up(money_desk.waive, number, reason, expect, by, shop, as_json)


@interest.command("list")
def list_interest(
    email: Annotated[str, typer.Argument(help="E-mail of a reseller; all by default.")] = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Interest that was charged, by order, and what is open of it."""

    async def work(session: AsyncSession) -> list[dict[str, Any]]:
        resellers = [await find(session, email)] if email else await list_all(session)
        return [
            {
                "reseller": reseller.email,
                "order": row.order_number,
                "charged_until": row.until,
                "charged": row.charged,
                "open": row.open,
                "disputed": row.disputed,
            }
            for reseller in resellers
            for row in await money_desk.interest_list(session, reseller.id)
        ]

    _read(shop, work, as_json)


@disputes.command("list")
def list_disputes(
    closed: Annotated[bool, typer.Option("--all", help="Settled ones too.")] = False,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Orders that are contested, the oldest dispute first."""

    async def work(session: AsyncSession) -> list[dict[str, Any]]:
        names = {row.id: row.email for row in await list_all(session)}
        found = await all_disputes(session, closed=closed)
        left: dict[str, int] = {}
        for part in chunks([debt.id for _, debt in found]):
            left |= await open_of(session, part)
        return [
            {
                "order": debt.order_number,
                "reseller": names.get(debt.reseller_id),
                "amount": Money(debt.amount_minor, debt.currency),
                "open": Money(left.get(debt.id, 0), debt.currency),
                "since": row.opened_at,
                "by": row.opened_by,
                "reason": row.reason,
                "settled_at": row.closed_at,
                "settled_by": row.closed_by or None,
                "came_to": row.close_reason or None,
            }
            for row, debt in found
        ]

    _read(shop, work, as_json)


@disputes.command("open")
def open_(number: Number, reason: Why, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """The reseller contests an order: it stays owed and listed, without interest, reminders or a hold."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            order, row = await money_desk.contest(session, services, number=number, by=who(by), reason=reason)
            return {"order": order.number, "since": row.opened_at, "by": row.opened_by, "reason": row.reason}

    show(run_in_shop(shop, work), as_json=as_json)


@disputes.command("close")
def close(number: Number, reason: Why, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """The dispute is settled; the reason says what it came to. Interest runs from the due date again."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            order, row = await money_desk.settle(session, services, number=number, by=who(by), reason=reason)
            return {"order": order.number, "settled_at": row.closed_at, "by": row.closed_by, "came_to": row.close_reason}

    show(run_in_shop(shop, work), as_json=as_json)


def _give_up(
    use_case: Callable[..., Awaitable[GivenUp]], number: str, reason: str, expect: str, by: str, url: str, as_json: bool
) -> None:
    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            expected = await _expected(session, number, expect)
            done = await use_case(session, services, number=number, by=who(by), reason=reason, expected=expected)
            return {"order": done.order.number, "amount": done.amount, "interest": done.interest}

    show(run_in_shop(url, work), as_json=as_json)


async def _expected(session: AsyncSession, number: str, text: str) -> Money | None:
    """The amount of --expect, in the order's own currency."""
    if not text:
        return None
    order = await find_order(session, number)
    return an_amount(text, order.currency, "--expect")


def _read(url: str, work: Callable[[AsyncSession], Awaitable[Any]], as_json: bool) -> None:
    async def reading(services: Services, shop: Shop) -> Any:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            return await work(session)

    show(run_in_shop(url, reading), as_json=as_json)
