"""Orders, wires, licenses and signing keys."""

from __future__ import annotations

from datetime import date as Day
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypedDict

import typer

from app.cli.common import By, Json, ShopUrl, a_date, a_rate, an_amount, run_in_shop, show, who
from app.errors import InvalidInput, NotFound
from app.licenses import service as licenses
from app.licenses.rules import LicenseState
from app.mail.rules import distinct
from app.mail.schemas import MailKind
from app.money import Money
from app.orders.claims import renew_claim
from app.orders.conversion import Conversion
from app.orders.license_state import change_licenses, keep_licenses
from app.orders.mail_again import resend_order_mail
from app.orders.reconciling import compare_recent
from app.orders.record import finish_task, open_tasks
from app.orders.refunds import book_refund
from app.orders.service import confirm_wire, find_order, staff_accepts, staff_decides
from app.orders.services import Services
from app.orders.ship_to import correct_ship_to
from app.orders.temporary import issue_temporary
from app.orders.view import order_view, sentences
from app.saleor.shops import Shop
from app.settings import need_base_url

orders = typer.Typer(no_args_is_help=True, help="Orders of resellers.")
wire = typer.Typer(no_args_is_help=True, help="Money by bank transfer.")
license_ = typer.Typer(no_args_is_help=True, help="License files.")
keys = typer.Typer(no_args_is_help=True, help="The keys that sign licenses.")

Number = Annotated[str, typer.Argument(help="The order's number.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept on the record.")]


def mount(cli: typer.Typer) -> None:
    """Add these commands."""
    for name, group in {"orders": orders, "wire": wire, "license": license_, "keys": keys}.items():
        cli.add_typer(group, name=name)


@orders.command("show")
def show_order(number: Number, shop: ShopUrl = "", as_json: Json = False) -> None:
    """Everything known of one order: gate with reasons, ledger, evidence, licenses, mails."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            return await order_view(session, number, services.clock())

    show(run_in_shop(shop, work), as_json=as_json)


def _decide(number: str, hold: bool, reason: str, days: int, by: str, url: str, as_json: bool) -> None:
    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        expires: datetime | None = services.clock() + timedelta(days=days) if days else None
        async with services.database.tenant(shop.tenant_id) as session:
            await staff_decides(
                session, services, shop.tenant_id, number=number, hold=hold, by=who(by), reason=reason, expires_at=expires
            )
            view = await order_view(session, number, services.clock())
            return {name: view[name] for name in ("number", "state", "gate", "decisions")}

    show(run_in_shop(url, work), as_json=as_json)


Days = Annotated[int, typer.Option("--days", min=0, max=3650, help="Days it is in force; 0 is without an end.")]


@orders.command()
def hold(number: Number, reason: Why, days: Days = 0, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Hold an order's license back."""
    _decide(number, True, reason, days, by, shop, as_json)


@orders.command()
def release(number: Number, reason: Why, days: Days = 0, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Release an order whatever its money says; of one that failed the audit, accept it."""
    _decide(number, False, reason, days, by, shop, as_json)


@orders.command()
def accept(number: Number, reason: Why, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Accept an order that is held without releasing it: from here on its money decides."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            await staff_accepts(session, services, shop.tenant_id, number=number, by=who(by), reason=reason)
            view = await order_view(session, number, services.clock())
            return {name: view[name] for name in ("number", "state", "gate", "audit", "decisions")}

    show(run_in_shop(shop, work), as_json=as_json)


@orders.command()
def tasks(shop: ShopUrl = "", as_json: Json = False) -> None:
    """What needs a person, the oldest first."""

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        async with services.database.tenant(shop.tenant_id) as session:
            return [
                {"since": task.created_at, "order": number, "reasons": sentences(task.reasons), "key": task.key}
                for task, number in await open_tasks(session)
            ]

    show(run_in_shop(shop, work), as_json=as_json)


@orders.command()
def done(
    key: Annotated[str, typer.Argument(help="The task's key, as `orders tasks` prints it.")],
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Take a task off the list."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            if not await finish_task(session, key, services.clock()):
                raise NotFound(f"There is no open task {key!r}.", code="no_task")
            return {"done": key}

    show(run_in_shop(shop, work), as_json=as_json)


@orders.command("reconcile-money")
def reconcile_money(
    numbers: Annotated[list[str] | None, typer.Argument(help="Orders to compare; those whose money moved by default.")] = None,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Compare what Saleor shows of orders' money with the ledger; differences are tasks until they are gone. Hourly by itself."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            asked = [(await find_order(session, number)).number for number in numbers or ()]
        found = await compare_recent(services, shop, asked)
        different = [
            {"order": each.number, "differences": [str(reason) for reason in each.differences]}
            for each in found
            if each.differences
        ]
        told_later = sorted({*asked} - {each.number for each in found})
        return {"compared": len(found), "different": different, "nothing_to_compare_yet": told_later}

    show(run_in_shop(shop, work), as_json=as_json)


Order = Annotated[str, typer.Option(help="Number of the order.")]
Amount = Annotated[str, typer.Option(help="What arrived or was sent back, like 118.80.")]
Currency = Annotated[str, typer.Option(help="Currency of the amount.")]
ValueDate = Annotated[str, typer.Option(help="The bank's value date.")]
Reference = Annotated[str, typer.Option(help="The bank's own reference; it makes the booking once.")]


class _Moved(TypedDict):
    """A movement of money on the bank's statement, as both bookings take it."""

    number: str
    amount: Money
    bank_reference: str
    value_date: Day
    by: str


def _moved(order: str, amount: str, currency: str, date: str, reference: str, by: str) -> _Moved:
    return {
        "number": order,
        "amount": an_amount(amount, currency),
        "bank_reference": reference,
        "value_date": a_date(date, "--date"),
        "by": who(by),
    }


@orders.command("mail-again")
def mail_again(
    number: Number,
    kind: Annotated[MailKind, typer.Argument(help="Which of its mails.")],
    to: Annotated[str, typer.Option("--to", help="Another address; the same one by default.")] = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Send one of an order's mails once more, perhaps to an address that works."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            mail = await resend_order_mail(session, services, shop, number=number, kind=kind, to=to or None)
            return {"mail": mail.kind, "to": mail.recipient, "subject": mail.subject}

    show(run_in_shop(shop, work), as_json=as_json)


@orders.command("ship-to")
def ship_to(
    number: Number,
    email: Annotated[str, typer.Option("--email", help="The end customer's right e-mail.")],
    reason: Why,
    mail_again: Annotated[bool, typer.Option("--mail-again", help="Send the reseller the license mail once more.")] = False,
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Correct a mistyped end-customer e-mail: the licenses move to the right account, also after the release."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        if mail_again:
            need_base_url(services.settings)  # the mail's id names it for ever
        async with services.database.tenant(shop.tenant_id) as session:
            done = await correct_ship_to(
                session, services, shop, number=number, email=email, by=who(by), reason=reason, mail_again=mail_again
            )
            return {
                "number": done.order.number,
                "from": done.old,
                "to": done.order.end_customer_email,
                "lost_by": done.lost_by,
                "had_claimed": done.claimed,
                "mailed_again_to": done.mail.recipient if done.mail else None,
            }

    show(run_in_shop(shop, work), as_json=as_json)


@orders.command("claim-again")
def claim_again(number: Number, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Send a new link to claim an order's license; the one before counts no more."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        need_base_url(services.settings)  # the link and the mail's id name it
        async with services.database.tenant(shop.tenant_id) as session:
            claim = await renew_claim(session, services, shop, number=number, by=who(by))
            return {"email": claim.email, "expires_at": claim.expires_at}

    show(run_in_shop(shop, work), as_json=as_json)


@wire.command()
def confirm(
    order: Order,
    amount: Amount,
    currency: Currency,
    date: ValueDate,
    reference: Reference,
    booked: Annotated[str, typer.Option(help="Of another currency than the order's: what it was booked as, like 118.80.")] = "",
    booked_currency: Annotated[str, typer.Option(help="Currency of --booked: the order's.")] = "",
    rate: Annotated[str, typer.Option(help="Of another currency: one unit of it in --booked-currency.")] = "",
    source: Annotated[str, typer.Option(help="Where the rate is from; it is kept on the record.")] = "",
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Book a wire for an order by hand; one in another currency with its rate and where that is from."""
    moved = _moved(order, amount, currency, date, reference, by)
    conversion = None
    if booked or rate or source:
        conversion = Conversion(an_amount(booked, booked_currency, "--booked"), a_rate(rate), source)

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            row, booking = await confirm_wire(session, services, shop, conversion=conversion, **moved)
            view = await order_view(session, row.number, services.clock())
            return {
                "order": row.number,
                "booked_before": booking.repeated,
                "allocated": str(Money(booking.allocated_minor, row.currency)),
                "bank_charge": str(Money(booking.bank_charge_minor, row.currency)),
                "surplus": str(Money(booking.surplus_minor, row.currency)),
                "open": view["open"],
                "gate": view["gate"],
            }

    show(run_in_shop(shop, work), as_json=as_json)


@wire.command()
def refund(
    order: Order,
    amount: Amount,
    currency: Currency,
    date: ValueDate,
    reference: Reference,
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Book money that was sent back to the reseller for an order."""
    moved = _moved(order, amount, currency, date, reference, by)

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            row = await book_refund(session, services, shop, **moved)
            view = await order_view(session, row.number, services.clock())
            return {name: view[name] for name in ("number", "open", "ledger", "tasks")}

    show(run_in_shop(shop, work), as_json=as_json)


@license_.command()
def export(
    number: Annotated[str, typer.Argument(help="An order's number: its license files; without one, the public keys.")] = "",
    directory: Annotated[Path, typer.Option(help="Where to write the files.")] = Path("."),
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Write an order's license files, or print the public keys that developers build in."""

    async def work(services: Services, shop: Shop) -> Any:
        async with services.database.tenant(shop.tenant_id) as session:
            if not number:
                return await licenses.export_keys(session)
            found = await licenses.of_order(session, (await find_order(session, number)).id)
            if not found:
                raise NotFound(f"Order {number} has no license yet.", code="no_license")
            names = distinct(map(licenses.license_file_name, found))
            return [(name, row.file, row.state) for name, row in zip(names, found, strict=True)]

    result = run_in_shop(shop, work)
    if number:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text, _ in result:
            (directory / name).write_text(text)
        result = [{"file": str(directory / name), "state": state} for name, _, state in result]
    show(result, as_json=as_json)


@license_.command()
def verify(file: Annotated[Path, typer.Argument(help="A license file.")], shop: ShopUrl = "", as_json: Json = False) -> None:
    """Check a license file; exit code 1 unless it is valid."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        try:
            text = file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{file} cannot be read: {error}", code="file") from error
        async with services.database.tenant(shop.tenant_id) as session:
            found = await licenses.verify(session, text, services.clock())
            return {"code": found.code, "sentence": found.sentence, "license": found.license}

    result = run_in_shop(shop, work)
    show(result, as_json=as_json)
    if result["code"] != "VALID":
        raise typer.Exit(1)


@license_.command()
def temporary(number: Number, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Issue the temporary licenses of an order that waits for its wire, once."""

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        need_base_url(services.settings)  # the mail's id names it for ever
        async with services.database.tenant(shop.tenant_id) as session:
            issued = await issue_temporary(session, services, shop, number=number, by=who(by))
            return [{"id": row.id, "sku": row.sku, "expires_at": row.expires_at} for row in issued]

    show(run_in_shop(shop, work), as_json=as_json)


def _set_state(subject: str, state: LicenseState, reason: str, by: str, url: str, as_json: bool) -> None:
    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        async with services.database.tenant(shop.tenant_id) as session:
            changed = await change_licenses(session, services, subject=subject, state=state, by=who(by), reason=reason)
            return [{"id": row.id, "sku": row.sku, "state": row.state} for row in changed]

    show(run_in_shop(url, work), as_json=as_json)


Subject = Annotated[str, typer.Argument(help="An order's number, or the id of one license.")]


@license_.command()
def suspend(subject: Subject, reason: Why, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Suspend the licenses of an order, or one license."""
    _set_state(subject, LicenseState.SUSPENDED, reason, by, shop, as_json)


@license_.command()
def reinstate(subject: Subject, reason: Why, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Make suspended or revoked licenses active again."""
    _set_state(subject, LicenseState.ACTIVE, reason, by, shop, as_json)


@license_.command()
def revoke(subject: Subject, reason: Why, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Revoke the licenses of an order, or one license."""
    _set_state(subject, LicenseState.REVOKED, reason, by, shop, as_json)


@license_.command()
def keep(number: Number, reason: Why, by: By = "", shop: ShopUrl = "", as_json: Json = False) -> None:
    """Let an order's licenses stay although its wire came back, it was refunded or canceled; the tasks that ask are done."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            order = await keep_licenses(session, services, number=number, by=who(by), reason=reason)
            view = await order_view(session, order.number, services.clock())
            return {name: view[name] for name in ("number", "state", "licenses", "tasks")}

    show(run_in_shop(shop, work), as_json=as_json)


@keys.command()
def rotate(shop: ShopUrl = "", as_json: Json = False) -> None:
    """Sign with a new key from now on; licenses under the old ones go on verifying."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            key = await licenses.rotate_key(session, services.box, at=services.clock())
            return {"kid": key.kid, "public_key": key.public_key}

    show(run_in_shop(shop, work), as_json=as_json)
