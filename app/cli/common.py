"""What all commands share: options, one way to open the program and name the shop, one way to print."""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from app import settings
from app.errors import InvalidInput, NotFound
from app.main import open_services
from app.money import Money, MoneyError
from app.orders.services import Services
from app.saleor.shops import Shop

T = TypeVar("T")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ShopUrl = Annotated[str, typer.Option("--shop", help="Saleor API URL; needed where more than one shop is installed.")]
By = Annotated[str, typer.Option("--by", help="Who decides; the name of this computer's user by default.")]


def show(data: Any, *, as_json: bool) -> None:
    """Print one result: as JSON, or a line per value, rows of a list as a table."""
    typer.echo(json.dumps(data, default=str, ensure_ascii=False) if as_json else _text(data))


def run(work: Callable[[Services], Awaitable[T]]) -> T:
    """Run one piece of work with the program opened as the settings say."""

    async def opened() -> T:
        async with open_services(settings.load()) as services:
            return await work(services)

    return asyncio.run(opened())


def run_in_shop(url: str, work: Callable[[Services, Shop], Awaitable[T]]) -> T:
    """Run one piece of work in the named shop, or in the only one there is."""

    async def chosen(services: Services) -> T:
        return await work(services, choose_shop(services, url))

    return run(chosen)


def choose_shop(services: Services, url: str) -> Shop:
    """The installed shop of this URL; without one, the only shop. Raises NotFound or InvalidInput that names the choices."""
    shops = services.shops.all()
    if url:
        for shop in shops:
            if shop.api_url.rstrip("/") == url.rstrip("/"):
                return shop
        raise NotFound(f"The app is not installed in {url}. Installed: {_names(shops)}.", code="unknown_shop")
    if not shops:
        raise NotFound("The app is not installed in any shop yet; install it from Saleor's Dashboard.", code="unknown_shop")
    if len(shops) > 1:
        raise InvalidInput(f"Several shops are installed; name one with --shop: {_names(shops)}.", code="which_shop")
    return shops[0]


def who(by: str) -> str:
    """The person on the record."""
    return by or getpass.getuser()


def a_date(text: str, option: str) -> date:
    """An ISO date of an option. Raises InvalidInput that names the option."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{option}: {text!r} is not a date like 2026-03-31.", code="date") from error


def an_amount(text: str, currency: str, option: str = "--amount") -> Money:
    """A decimal amount of an option. Raises InvalidInput that names the option."""
    try:
        return Money.of(Decimal(text), currency.upper())
    except (InvalidOperation, MoneyError) as error:
        raise InvalidInput(f"{option}: {text!r} is not an amount in {currency.upper()} like 118.80.", code="amount") from error


def a_percentage(text: str, option: str) -> Decimal:
    """A percentage of an option. Raises InvalidInput that names the option."""
    try:
        return Decimal(text.removesuffix("%").strip())
    except InvalidOperation as error:
        raise InvalidInput(f"{option}: {text!r} is not a percentage like 10 or 7.5.", code="percentage") from error


def a_rate(text: str, option: str = "--rate") -> Decimal:
    """An exchange rate of an option. Raises InvalidInput that names the option."""
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise InvalidInput(f"{option}: {text!r} is not a rate like 1.0834.", code="rate") from error


def write_new(path: Path, content: bytes, option: str) -> None:
    """Write a file that is not there yet. Raises InvalidInput that names the option."""
    try:
        with path.open("xb") as target:
            target.write(content)
    except OSError as error:
        raise InvalidInput(f"{option}: {path} cannot be written: {error.strerror}.", code="file") from error


def _names(shops: Sequence[Shop]) -> str:
    return ", ".join(shop.api_url for shop in shops) or "none"


def _text(data: Any, indent: str = "") -> str:
    if isinstance(data, Mapping):
        lines = []
        for name, value in data.items():
            if isinstance(value, (Mapping, list)) and value:
                lines.append(f"{indent}{name}:\n{_text(value, indent + '  ')}")
            else:
                lines.append(f"{indent}{name}: {_plain(value)}")
        return "\n".join(lines)
    if isinstance(data, list):
        return "\n".join(
            f"{indent}- {_text(item, indent + '  ').lstrip()}" if isinstance(item, Mapping) else f"{indent}- {_plain(item)}"
            for item in data
        )
    return f"{indent}{_plain(data)}"


def _plain(value: Any) -> str:
    if value is None or value in ([], {}):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
