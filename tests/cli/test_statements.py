import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from app.db.migrate import upgrade
from app.db.session import Database
from app.errors import Conflict, InvalidInput, NotFound
from app.ledger.service import post_receivable
from app.main import open_services
from app.money import Money
from app.resellers.tables import Reseller
from app.settings import load
from app.statements.drawing import draw_up, mail_statements, print_statement
from app.statements.rules import Period, period_of
from tests.cli.test_applications import call
from tests.conftest import NOW, install

EMAIL = "texan@partner.example"


async def prepare(url: str) -> None:
    database = Database(url)
    await upgrade(database)
    tenant = await install(database, "http://shop.example/graphql/")
    reseller = Reseller(
        email=EMAIL, company="Texan", street="1", city="Austin", postal_code="78701", country="US", state="TX",
        status="approved", created_at=NOW,
    )  # fmt: skip
    day = month().first
    async with database.tenant(tenant) as session:
        session.add(reseller)
        await session.flush()
        await post_receivable(
            session, reseller_id=reseller.id, order_id="o1", order_number="1", amount=Money.of("100.00", "USD"), reference="RF",
            order_date=day, due=day + timedelta(days=5), at=NOW,
        )  # fmt: skip
    await database.close()


def month() -> Period:
    return period_of(datetime.now(UTC), ZoneInfo("UTC"))


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migrated database with one shop, whose reseller owes one order of the month that is over."""
    url = f"sqlite+aiosqlite:///{tmp_path}/reseller.db"
    monkeypatch.setenv("RESELLER_SECRET_KEYS", "a long passphrase")
    monkeypatch.setenv("RESELLER_DATABASE_URL", url)
    asyncio.run(prepare(url))


async def work(*, printed: bool) -> None:
    """What the worker does of a month."""
    async with open_services(load()) as services:
        (shop,) = services.shops.all()
        async with services.database.tenant(shop.tenant_id) as session:
            reseller_id = (await session.scalars(select(Reseller.id))).one()
            (statement_id,) = await draw_up(session, services, shop, reseller_id, month())
        if printed:
            await print_statement(services.database, shop, statement_id)
            async with services.database.tenant(shop.tenant_id) as session:
                await mail_statements(session, services, shop, reseller_id, month())


def test_a_month_by_commands(tmp_path: Path) -> None:
    (before,) = call("statements", "preview", EMAIL, "--pdf", str(tmp_path / "p.pdf"), "--csv", str(tmp_path / "p.csv"))
    assert before["balance"] == "100.00 USD"
    assert (tmp_path / "p.USD.pdf").read_bytes().startswith(b"%PDF")
    assert "100.00" in (tmp_path / "p.USD.csv").read_text()
    assert call("statements", "list") == []
    ran = call("statements", "run")
    assert (ran["period"], ran["resellers_asked_for"]) == (str(month()), 1)
    assert call("statements", "run", "--period", str(month())) == ran
    asyncio.run(work(printed=True))
    (listed,) = call("statements", "list", EMAIL, "--period", str(month()))
    assert (listed["to_pay"], listed["printed"]) == ("100.00 USD", True)
    pdf, table = tmp_path / "s.pdf", tmp_path / "s.csv"
    shown = call("statements", "show", listed["number"], "--pdf", str(pdf), "--csv", str(table))
    assert (shown["reseller"], shown["open_now"], shown["orders"][0]["order"]) == (EMAIL, "100.00 USD", "1")
    assert hashlib.sha256(pdf.read_bytes()).hexdigest() == shown["pdf_sha256"]
    assert hashlib.sha256(table.read_bytes()).hexdigest() == shown["csv_sha256"]
    (again,) = call("statements", "resend", listed["number"], "--to", "books@partner.example")
    assert again["recipient"] == "books@partner.example"


def test_what_cannot_be_says_why(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is not over"):
        call("statements", "run", "--period", "2999-01")
    with pytest.raises(InvalidInput, match="a month like"):
        call("statements", "run", "--period", "soon")
    with pytest.raises(NotFound, match="no such statement"):
        call("statements", "show", "S1")
    call("statements", "run")
    asyncio.run(work(printed=False))
    (listed,) = call("statements", "list")
    with pytest.raises(Conflict, match="not printed yet"):
        call("statements", "show", listed["number"], "--pdf", str(tmp_path / "s.pdf"))
    assert not (tmp_path / "s.pdf").exists()
    assert call("statements", "show", listed["number"])["printed"] is False


def test_a_preview_of_nothing_only_when_asked_for() -> None:
    assert call("statements", "preview", EMAIL, "--period", "2020-01") == []
    (nil,) = call("statements", "preview", EMAIL, "--period", "2020-01", "--nil")
    assert (nil["balance"], nil["orders"]) == ("0.00 USD", [])
