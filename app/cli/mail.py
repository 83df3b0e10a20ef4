"""Mails: what waits, sending one again, trying the server, and the vendor's own templates."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import select

from app.cli.common import By, Json, ShopUrl, run, run_in_shop, show, who, write_new
from app.errors import InvalidInput
from app.mail import overrides
from app.mail.markup import SUFFIX
from app.mail.preview import preview as preview_of
from app.mail.schemas import Language
from app.mail.service import QUEUED, SENT
from app.mail.tables import Mail, Mailbox
from app.orders.mail_again import resend_mail
from app.orders.mail_trial import send_trial
from app.orders.mailbox import read_batch
from app.orders.mails import look_of
from app.orders.record import finish_task
from app.orders.services import Services
from app.orders.tables import StaffTask
from app.saleor.shops import Shop

mail = typer.Typer(no_args_is_help=True, help="Mails sent, and the mailbox that answers come to.")
templates = typer.Typer(no_args_is_help=True, help="Mail templates of your own, in MJML with Jinja2.")

Name = Annotated[str, typer.Argument(help="The template, like order_received.de, or layout; `mail templates list` names all.")]


def mount(cli: typer.Typer) -> None:
    """Add these commands."""
    mail.add_typer(templates, name="templates")
    cli.add_typer(mail, name="mail")


@mail.command("queue")
def queue_(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 200,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Mails that no server has taken, was refused, or came back and were not sent again; the oldest first, with their age."""

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            told = select(StaffTask.key).where(StaffTask.key.startswith("mail:"), StaffTask.done_at.is_(None))
            open_ones = [key.removeprefix("mail:") for key in await session.scalars(told)]
            query = select(Mail).where((Mail.state == QUEUED) | Mail.id.in_(open_ones[:500]), Mail.state != SENT)
            rows = await session.scalars(query.order_by(Mail.created_at, Mail.id).limit(limit))
            return [_shown(row, services.clock()) for row in rows]

    show(run_in_shop(shop, work), as_json=as_json)


@mail.command()
def resend(
    mail_id: Annotated[str, typer.Argument(help="The mail's id, as `mail queue` and `orders show` print it.")],
    to: Annotated[str, typer.Option("--to", help="Another address; the one it went to by default.")] = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Send a mail once more as it was, to exactly the address that is printed."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            return _shown(await resend_mail(session, services, shop, mail_id, to=to or None), services.clock())

    show(run_in_shop(shop, work), as_json=as_json)


@mail.command("test")
def try_server(
    address: Annotated[str, typer.Argument(help="Where to.")],
    language: Annotated[Language, typer.Option(help="en or de.")] = "en",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Send a test mail now, not by the worker, and say what the server answered; exit code 1 when it did not take it."""

    async def work(services: Services, shop: Shop) -> tuple[bool, dict[str, Any]]:
        trial = await send_trial(services, shop, address, language)
        return trial.taken, {**_shown(trial.mail, services.clock()), "way_out": str(trial.way_out)}

    taken, result = run_in_shop(shop, work)
    show(result, as_json=as_json)
    if not taken:
        raise typer.Exit(1)


@mail.command()
def poll(as_json: Json = False) -> None:
    """Read the mailbox now, and say what came and how far it is read."""

    async def work(services: Services) -> dict[str, Any]:
        if not services.settings.imap_url:
            raise InvalidInput("RESELLER_IMAP_URL is not set; give imaps://user:password@host/INBOX.", code="imap_url")
        outcomes: dict[str, int] = {}
        while True:
            reading = await read_batch(services)
            for outcome, count in reading.outcomes.items():
                outcomes[outcome] = outcomes.get(outcome, 0) + count
            if not reading.more:
                break
        async with services.database.system_reading() as session:
            boxes = (await session.scalars(select(Mailbox))).all()
        return {
            "mails": outcomes,
            "mailboxes": [{"name": box.name, "read_up_to": box.last_uid, "read_at": box.read_at} for box in boxes],
        }

    show(run(work), as_json=as_json)


@mail.command()
def preview(
    name: Name,
    out: Annotated[Path, typer.Option("--out", help="Where to: a file .html, .txt or .eml that is not there yet.")],
    language: Annotated[str, typer.Option(help="en or de, where the name has none.")] = "",
    file: Annotated[
        Path | None, typer.Option("--file", help="A template that is not set yet.", exists=True, dir_okay=False, readable=True)
    ] = None,
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Make a mail from made-up facts, with the shop's own look and templates."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            own = await overrides.own_templates(session)
        look, seller = look_of(services, shop), shop.settings.seller
        made = preview_of(name, language, own, look, seller, _read(file) if file is not None else None)
        forms = {".html": made.html.encode, ".txt": made.text.encode, ".eml": lambda: made.eml(services.clock())}
        if out.suffix not in forms:
            raise InvalidInput("--out: give a file that ends with .html, .txt or .eml.", code="file")
        content = forms[out.suffix]()
        write_new(out, content, "--out")
        return {
            "name": made.name,
            "file": out,
            "bytes": len(content),
            "own": made.own,
            "faults": [fault.sentence for fault in made.faults],
        }

    show(run_in_shop(shop, work), as_json=as_json)


@templates.command("list")
def list_(shop: ShopUrl = "", as_json: Json = False) -> None:
    """Every template, and which are your own."""

    async def work(services: Services, shop: Shop) -> list[dict[str, Any]]:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            found = await overrides.listed(session)
        return [
            {
                "name": each.name,
                "source": f"own, set by {each.set_by} at {each.set_at:%Y-%m-%d %H:%M}" if each.set_at else "built in",
            }
            for each in found
        ]

    show(run_in_shop(shop, work), as_json=as_json)


@templates.command("show")
def show_one(
    name: Name,
    built_in: Annotated[bool, typer.Option("--built-in", help="The one that comes with the program.")] = False,
    shop: ShopUrl = "",
) -> None:
    """A template's source, to be saved and changed."""

    async def work(services: Services, shop: Shop) -> str:
        async with services.database.tenant_reading(shop.tenant_id) as session:
            return overrides.built_in(name) if built_in else (await overrides.source_of(session, name))[0]

    typer.echo(run_in_shop(shop, work), nl=False)


@templates.command("set")
def set_(
    file: Annotated[Path, typer.Argument(help="The template, named like order_received.de.mjml.", exists=True, dir_okay=False)],
    name: Annotated[str, typer.Option("--name", help="Its name, where the file is called otherwise.")] = "",
    by: By = "",
    shop: ShopUrl = "",
    as_json: Json = False,
) -> None:
    """Make a file the template in force, once it makes its mail; with an error its line is named and nothing changes."""
    chosen = name or file.name.removesuffix(SUFFIX)

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        source = _read(file)
        async with services.database.tenant(shop.tenant_id) as session:
            await overrides.set_template(session, chosen, source, by=who(by), at=services.clock())
            await finish_task(session, f"template:{chosen}", services.clock())
        return {"name": chosen, "source": "own"}

    show(run_in_shop(shop, work), as_json=as_json)


@templates.command()
def reset(name: Name, shop: ShopUrl = "", as_json: Json = False) -> None:
    """Take the built-in template again."""

    async def work(services: Services, shop: Shop) -> dict[str, Any]:
        async with services.database.tenant(shop.tenant_id) as session:
            was_own = await overrides.reset_template(session, name)
            await finish_task(session, f"template:{name}", services.clock())
        return {"name": name, "source": "built in", "was_own": was_own}

    show(run_in_shop(shop, work), as_json=as_json)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file}: it is no text in UTF-8.", code="file") from error


def _shown(row: Mail, now: datetime) -> dict[str, Any]:
    age = now - row.created_at
    return {
        "id": row.id,
        "kind": row.kind,
        "recipient": row.recipient,
        "subject": row.subject,
        "state": row.state,
        "attempts": row.attempts,
        "age": f"{age.days} d {age.seconds // 3600} h {age.seconds % 3600 // 60} min",
        "said": row.error,
    }
