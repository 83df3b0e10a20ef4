"""Resellers: adding, deciding, showing."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from sqlalchemy import select

from app.cli.common import By, Json, ShopUrl, an_amount, run_in_shop, show, who
from app.cli.users import accounts
from app.errors import InvalidInput, NotFound
from app.ledger.service import reseller_receivables
from app.money import Money
from app.orders import applications, obligations
from app.orders.services import Services
from app.orders.storefront import reseller_standing
from app.orders.tables import ResellerOrder
from app.reasons import Reason, sentence
from app.resellers import service
from app.resellers.limits import Limits, locked_reseller, set_limits
from app.resellers.policy import in_force
from app.resellers.rules import Decision, Policy, may_order
from app.resellers.tables import Reseller
from app.saleor import operations as ops
from app.saleor.shops import Shop

NONE = "none"

resellers = typer.Typer(no_args_is_help=True, help="Companies in the program.")


def mount(cli: typer.Typer) -> None:
    """Add these commands."""
    resellers.add_typer(accounts, name="users")
    cli.add_typer(resellers, name="resellers")


@resellers.command()
def add(
    email: Annotated[str, typer.Argument(help="E-mail of the company's account in the store.")],
    company: Annotated[str, typer.Option(help="Registered name.")],
    street: Annotated[str, typer.Option(help="Street of the approved business address.")],
    city: Annotated[str, typer.Option()],
    postal_code: Annotated[str, typer.Option()],
    country: Annotated[str, typer.Option(help="ISO 3166-1 code, like US.")],
    state: Annotated[str, typer.Option(help="Needed in the US: sales tax follows it.")] = "",
    tax_number: Annotated[str, typer.Option()] = "",
    language: Annotated[str, typer.Option(help="en or de, for mails.")] = "en",
    approve: Annotated[bool, typer.Option("--approve", help="Approve at once.")] = False,
    accept_policy: Annotated[bool, typer.Option("--accept-policy", help="The policy in force was accepted in writing.")] = False,
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Add a company by its store account; pending unless --approve is given."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        client = await services.shops.client(shop)
        account = (await client.execute(ops.CUSTOMER_BY_EMAIL, email=email)).user
        if account is None:
            raise NotFound(
                f"The store has no customer account {email}; the company must register there first.", code="no_account"
            )
        now, person = services.clock(), who(by)
        async with services.database.tenant(shop.tenant_id) as session:
            policy = await in_force(session, shop.settings, services.today(shop))
            reseller = await service.add(
                session,
                email=account.email,
                saleor_user_id=account.id,
                company=company,
                street=street,
                city=city,
                postal_code=postal_code,
                country=country,
                state=state,
                tax_number=tax_number,
                language=language,
                by=person,
                at=now,
            )
            if approve:
                await applications.decide(session, services, shop, email, Decision.APPROVE, by=person)
            if accept_policy:
                await service.accept_policy(session, reseller, version=policy.version, by=account.email, at=now)
            return _shown(services, shop, reseller, policy)

    show(run_in_shop(shop, work), as_json=as_json)


def _decide(email: str, decision: Decision, reason: str, by: str, url: str, as_json: bool) -> None:
    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            policy = await in_force(session, shop.settings, services.today(shop))
            reseller = await applications.decide(session, services, shop, email, decision, by=who(by), reason=reason)
            return _shown(services, shop, reseller, policy)

    show(run_in_shop(url, work), as_json=as_json)


Email = Annotated[str, typer.Argument(help="E-mail of the reseller or one of its users.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept on the record, and mailed where it ends or is suspended.")]


@resellers.command()
def approve(email: Email, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Approve a pending reseller: partner prices from now on."""
    _decide(email, Decision.APPROVE, "", by, shop, as_json)


@resellers.command()
def reject(email: Email, reason: Why, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Reject a pending reseller."""
    _decide(email, Decision.REJECT, reason, by, shop, as_json)


@resellers.command()
def suspend(email: Email, reason: Why, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Suspend an approved reseller: no new orders; open ones and debts stay."""
    _decide(email, Decision.SUSPEND, reason, by, shop, as_json)


@resellers.command()
def end(email: Email, reason: Why, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """End a reseller's part in the program; open orders and debts stay."""
    _decide(email, Decision.END, reason, by, shop, as_json)


@resellers.command()
def reinstate(email: Email, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Take a suspended or ended reseller back."""
    _decide(email, Decision.REINSTATE, "", by, shop, as_json)


@resellers.command()
def limits(
    email: Email,
    prepaid_orders: Annotated[str, typer.Option(help="Orders to prepay; none takes the shop's number.")] = "",
    credit_limit: Annotated[str, typer.Option(help="Most that may be open at once; none sets no limit.")] = "",
    order_limit: Annotated[str, typer.Option(help="Most one order on account may come to; none sets no limit.")] = "",
    currency: Annotated[str, typer.Option(help="Currency of the limits; the one they have by default.")] = "",
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Show a reseller's own numbers, or set the ones given."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            reseller = await locked_reseller(session, email)
            now_in_force = Limits.of(reseller)
            known = currency or reseller.limit_currency or ""
            wanted = Limits(
                _number(prepaid_orders, now_in_force.prepaid_orders),
                _limit(credit_limit, known, "--credit-limit", now_in_force.credit_limit),
                _limit(order_limit, known, "--order-limit", now_in_force.order_limit),
            )
            if currency and not (credit_limit or order_limit):
                raise InvalidInput("--currency goes with --credit-limit or --order-limit.", code="currency")
            await set_limits(session, reseller, wanted, by=who(by), at=services.clock())
            return {
                "email": reseller.email,
                "prepaid_orders": wanted.prepaid_orders,
                "credit_limit": wanted.credit_limit and str(wanted.credit_limit),
                "order_limit": wanted.order_limit and str(wanted.order_limit),
            }

    show(run_in_shop(shop, work), as_json=as_json)


def _number(text: str, kept: int | None) -> int | None:
    if not text:
        return kept
    if text == NONE:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise InvalidInput(f"--prepaid-orders: {text!r} is not a number like 3, or none.", code="prepaid_orders")
    return int(text)


def _limit(text: str, currency: str, option: str, kept: Money | None) -> Money | None:
    if not text:
        return kept
    if text == NONE:
        return None
    if not currency:
        raise InvalidInput(f"{option} needs --currency.", code="currency")
    return an_amount(text, currency, option)


@resellers.command("accept-policy")
def accept(email: Email, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Record that the reseller accepted the policy version in force."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            reseller = await service.find(session, email)
            policy = await in_force(session, shop.settings, services.today(shop))
            await service.accept_policy(session, reseller, version=policy.version, by=who(by), at=services.clock())
            return _shown(services, shop, reseller, policy)

    show(run_in_shop(shop, work), as_json=as_json)


@resellers.command("obligations")
def show_obligations(email: Email, shop: ShopUrl = "", as_json: Json = False) -> None:
    """What a reseller owes beside money: product listings with their checks, a mailbox that takes mail, price changes read."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            reseller = await service.find(session, email)
            found = await obligations.overview(session, reseller)
            return {
                "company": reseller.company,
                "listings": [
                    {
                        "url": row.url,
                        "checked_at": row.checked_at,
                        "verified_at": row.verified_at,
                        "problem": sentence(Reason.from_dict(row.problem)) if row.problem else None,
                    }
                    for row in found.listings
                ],
                "mailbox_reachable": not found.undelivered,
                "undelivered": [{"to": to, "because": words} for to, words in found.undelivered],
                "price_changes": [
                    {
                        "id": one.id,
                        "effective_on": one.effective_on,
                        "told_at": one.told_at,
                        "acknowledged_at": one.acknowledged_at,
                    }
                    for one in found.price_changes
                ],
            }

    show(run_in_shop(shop, work), as_json=as_json)


@resellers.command("list")
def list_(shop: ShopUrl = "", as_json: Json = False) -> None:
    """All resellers with their state."""

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        async with services.database.tenant(shop.tenant_id) as session:
            policy = await in_force(session, shop.settings, services.today(shop))
            return [_shown(services, shop, reseller, policy) for reseller in await service.list_all(session)]

    show(run_in_shop(shop, work), as_json=as_json)


@resellers.command("show")
def show_one(email: Email, shop: ShopUrl = "", as_json: Json = False) -> None:
    """One reseller: standing with its reasons, orders, history."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            reseller = await service.find(session, email)
            debts = await reseller_receivables(session, reseller.id)
            found = await reseller_standing(session, services, shop, reseller, None)
            stand = found.standing
            orders = await session.scalars(
                select(ResellerOrder.number).where(ResellerOrder.reseller_id == reseller.id).order_by(ResellerOrder.created_at)
            )
            return {
                **_shown(services, shop, reseller, await in_force(session, shop.settings, services.today(shop))),
                "standing": stand.terms.value,
                "prepaid_orders": f"{stand.counted} of {found.policy.prepaid_orders}",
                "standing_reasons": [sentence(reason) for reason in stand.reasons],
                "lifted_by": [str(amount) for amount in stand.lifted_by],
                "limits": str(Limits.of(reseller)),
                "unallocated": [str(amount) for amount in found.unallocated],
                "open": [
                    {"order": debt.order_number, "open": str(Money(debt.open_minor, debt.currency)), "due": debt.due_date}
                    for debt in debts
                    if debt.open_minor > 0
                ],
                "orders": list(orders),
                "history": [
                    {"at": row.at, "by": row.by, "action": row.action, "reason": row.reason}
                    for row in await service.history(session, reseller.id)
                ],
            }

    show(run_in_shop(shop, work), as_json=as_json)


def _shown(services: Services, shop: Shop, reseller: Reseller, policy: Policy) -> dict[str, Any]:
    why_not = may_order(reseller, policy, services.today(shop))
    return {
        "email": reseller.email,
        "company": reseller.company,
        "status": reseller.status,
        "country": reseller.country,
        "state": reseller.state,
        "may_order": not why_not,
        "why_not": [sentence(reason) for reason in why_not],
        "policy_accepted": [acceptance.policy_version for acceptance in reseller.acceptances],
        "users": [f"{user.email} ({user.role})" for user in reseller.users],
    }
