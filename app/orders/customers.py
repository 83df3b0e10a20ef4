"""The people behind an order as Saleor's accounts: the end customer's, found or created once, and changes of a reseller's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.orders.accounts import accepted_names, customer_row, forget_customer, give_licenses
from app.orders.belonging import Account, obviously_theirs
from app.orders.claims import offer_claim, open_claim
from app.orders.record import add_event, add_task, finish_task
from app.orders.service import lock_order
from app.orders.services import Services
from app.orders.tables import EndCustomer, ResellerOrder
from app.reasons import because, register
from app.resellers.roles import Role
from app.resellers.rules import email_key, fold_email
from app.resellers.service import by_saleor_user
from app.resellers.tables import Reseller, ResellerUser
from app.resellers.users import pass_address_on
from app.saleor import operations as ops
from app.saleor.answers import SaleorAccount
from app.saleor.client import SaleorClient, SaleorRefused
from app.saleor.shops import Shop

register(
    {
        "customer_account": "The license belongs to the account of {email}.",
        "customer_account_missing": "No account could be made for {email}: {why}. The license is with the reseller all the same.",
        "reseller_account_deleted": "The reseller's account {email} was deleted in Saleor; it has no partner prices any more.",
        "reseller_account_unseen": "Saleor shows no customer account for the reseller's {email} any more; is it staff's now? "
        "It keeps its partner prices until the account is deleted or the reseller is suspended.",
        "reseller_address_taken": "The account {email} of {company} is {new} in Saleor now, the address of {other} here; mails "
        "to {company} go on to {email}. Give one of the two another address in Saleor.",
        "reseller_account_inactive": "The account {email} of the reseller was switched off in Saleor.",
    }
)


MADE_FOR = "reseller.end_customer_id"
"""Private metadata of an account that we made: by it a repetition knows its own."""


async def find_or_create_customer(services: Services, shop: Shop, order_id: str) -> None:
    """Give the order's end customer its account (`rules.md` 8.2): an existing one, otherwise a new one from the ship-to.

    One row per folded e-mail decides, so that two orders at once end with one account (edge case 25). An account that was there
    before and is not obviously the end customer's own gets a link to claim the license (edge case 22), and so does one that
    somebody registered, and nobody confirmed, while a crash kept us from making ours. The reseller learns nothing of which it
    was. An account that cannot be made does not keep the license back; staff are asked.
    """
    async with services.database.tenant(shop.tenant_id) as session:
        order = await lock_order(session, order_id)
        customer = await customer_row(session, order, services.clock())
        if order.end_customer_id == customer.id and customer.saleor_user_id is not None:
            return
        if await open_claim(session, order_id) is not None:
            return
        if customer.saleor_user_id is not None and _is_known(order, await accepted_names(session, customer), customer):
            await _attach(session, services, order, customer, customer.saleor_user_id)
            return
        customer_id, email, ship_to, channel = customer.id, customer.email, order.ship_to, order.channel
    client = await services.shops.client(shop)
    found: SaleorAccount | None = (await client.execute(ops.CUSTOMER_BY_EMAIL, email=email)).user
    why, made = "", False
    if found is None:
        async with services.database.tenant(shop.tenant_id) as session:
            (
                await session.scalars(select(EndCustomer).where(EndCustomer.id == customer_id))
            ).one().account_asked_at = services.clock()
        found, made, why = await _create(client, shop, customer_id, email, ship_to, channel)
    async with services.database.tenant(shop.tenant_id) as session:
        order = await lock_order(session, order_id)
        if email_key(order.end_customer_email) != email_key(email):
            return  # corrected meanwhile; the correction looks the right account up
        row = (await session.scalars(select(EndCustomer).where(EndCustomer.id == customer_id).with_for_update())).one()
        now = services.clock()
        if found is None:
            row.account_asked_at = None
            await give_licenses(session, order, row.id)
            reason = because("customer_account_missing", email=email, why=why)
            await add_event(session, order_id, f"customer-missing:{customer_id}", now, reason)
            await add_task(session, f"customer:{customer_id}", order_id, [reason], now)
            return
        await finish_task(session, f"customer:{customer_id}", now)
        names = await accepted_names(session, row) if row.saleor_user_id == found.id else ()
        # Ours, or made by the mailbox's own holder after we looked for it: an unconfirmed one may be anybody's.
        ours = made or found.private_metadata.get(MADE_FOR) == row.id
        since = row.account_asked_at is not None and found.is_confirmed
        if ours or since or _is_known(order, names, row, found):
            await _attach(session, services, order, row, found.id)
        else:
            await offer_claim(session, services, shop, order, found)


async def attend_customer(services: Services, shop: Shop, saleor_user_id: str, event: str) -> str:
    """An account changed or went: keep a reseller's e-mail in step, end its prices, forget an erased end customer.

    Only a deletion ends or erases anything: an account that became one of staff is no longer shown to apps (saleor-facts 7), but
    it is the same person. A license and the invoice stay (edge case 27). The answer says whose account it was.
    """
    deleted = event == "customer_deleted"
    client = await services.shops.client(shop)
    account = None if deleted else (await client.execute(ops.CUSTOMER, id=saleor_user_id)).user
    now = services.clock()
    async with services.database.tenant(shop.tenant_id) as session:
        reseller = await by_saleor_user(session, saleor_user_id)
        if reseller is not None:
            query = select(ResellerUser).where(ResellerUser.saleor_user_id == saleor_user_id)
            user = (await session.scalars(query)).one()
            if deleted:
                reason = because("reseller_account_deleted", email=user.email)
                await add_task(session, f"account:{saleor_user_id}", None, [reason], now)
                await finish_task(session, f"unseen:{saleor_user_id}", now)
                pass_address_on(reseller, user)
                await session.delete(user)
            elif account is None:
                reason = because("reseller_account_unseen", email=user.email)
                await add_task(session, f"unseen:{saleor_user_id}", None, [reason], now)
            else:
                await _follow_email(session, reseller, user, fold_email(account.email), now)
                if not account.is_active:
                    inactive = because("reseller_account_inactive", email=user.email)
                    await add_task(session, f"inactive:{saleor_user_id}", None, [inactive], now)
            return "reseller"
        # More than one where the account's address changed between two claims.
        customers = (await session.scalars(select(EndCustomer).where(EndCustomer.saleor_user_id == saleor_user_id))).all()
        for customer in customers if deleted else ():
            forget_customer(customer)
        return "end customer" if customers else "other"


async def _follow_email(session: AsyncSession, reseller: Reseller, user: ResellerUser, new: str, at: datetime) -> None:
    """The account's address is another one now; the company's own follows where it was that, unless another company has the new.

    Then it stays as it was and staff are asked, until a later change of the account finds the address free.
    """
    before, user.email = user.email, new
    others = {other.email for other in reseller.users if other.id != user.id}
    key = f"address:{user.saleor_user_id}"
    follows = reseller.email == before or (user.role == Role.OWNER and reseller.email not in others)
    if reseller.email == new or not follows:
        await finish_task(session, key, at)
        return
    await session.flush()
    company, kept = reseller.company, reseller.email
    try:
        async with session.begin_nested():
            reseller.email = new
    except IntegrityError:
        await session.refresh(reseller)
        other = (await session.scalars(select(Reseller.company).where(Reseller.email == new))).first() or new
        taken = because("reseller_address_taken", email=kept, company=company, new=new, other=other)
        await add_task(session, key, None, [taken], at)
    else:
        await finish_task(session, key, at)


async def _attach(
    session: AsyncSession, services: Services, order: ResellerOrder, customer: EndCustomer, saleor_user_id: str
) -> None:
    if customer.saleor_user_id is None:
        customer.saleor_user_id = saleor_user_id
    await give_licenses(session, order, customer.id)
    said = because("customer_account", email=customer.email)
    await add_event(session, order.id, f"customer:{customer.id}", services.clock(), said)


def _is_known(
    order: ResellerOrder, names: Sequence[tuple[str, str]], customer: EndCustomer, account: SaleorAccount | None = None
) -> bool:
    """Whether the license goes into the account unasked; without `account` only what is in it already tells."""
    seen = Account(customer.email, confirmed=False, companies=frozenset(), people=frozenset())
    if account is not None:
        people = {(account.first_name, account.last_name), *((one.first_name, one.last_name) for one in account.addresses)}
        seen = Account(
            account.email,
            account.is_confirmed,
            frozenset(one.company_name for one in account.addresses),
            frozenset(" ".join(name) for name in people),
        )
    return obviously_theirs(seen, order.ship_to.get("company", ""), order.ship_to.get("name", ""), names)


async def _create(
    client: SaleorClient, shop: Shop, customer_id: str, email: str, ship_to: dict[str, Any], channel: str
) -> tuple[SaleorAccount | None, bool, str]:
    """A new account and True, or one that somebody made in the same moment and False; else None, and why there is none."""
    first, _, last = ship_to.get("name", "").rpartition(" ")
    given: dict[str, Any] = {
        "email": email,
        "firstName": first or last,
        "lastName": last if first else "",
        "privateMetadata": [{"key": MADE_FOR, "value": customer_id}],
    }
    address = {
        "firstName": given["firstName"],
        "lastName": given["lastName"],
        "companyName": ship_to.get("company", ""),
        "streetAddress1": ship_to.get("street", ""),
        "streetAddress2": ship_to.get("street2", ""),
        "city": ship_to.get("city", ""),
        "postalCode": ship_to.get("postal_code", ""),
        "country": ship_to.get("country"),
        "countryArea": ship_to.get("state", ""),
    }
    if ship_to.get("country"):
        given["defaultShippingAddress"] = address
    if shop.settings.account_redirect_url:
        given |= {"redirectUrl": shop.settings.account_redirect_url, "channel": channel}
    try:
        answer = (await client.execute(ops.CUSTOMER_CREATE, input=given)).customer_create
        if answer is None or answer.user is None:
            return None, False, "Saleor gave no account back"
        return SaleorAccount(**answer.user.model_dump()), True, ""
    except SaleorRefused as refused:
        # Taken in the same moment by another order, or by an account of staff, which Saleor does not show (saleor-facts 7).
        found = (await client.execute(ops.CUSTOMER_BY_EMAIL, email=email)).user
        return found, False, "" if found is not None else refused.sentence
