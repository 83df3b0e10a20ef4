import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.secrets import SecretBox
from app.db.session import Database
from app.db.tenants import Tenant
from app.errors import Unavailable
from app.orders import snapshot
from app.orders.quote import Program
from app.orders.snapshot import Programs, load_buyer, load_program
from app.pricing.rules import Scope
from app.pricing.service import assign, set_entry, set_rate
from app.pricing.tables import PriceEntry, PriceListRow
from app.resellers.rules import Decision
from app.resellers.service import add, decide
from app.resellers.tables import Reseller, ResellerUser
from app.saleor.shops import Shops
from app.settings import ProgramNumbers, Settings, ShopSettings
from app.tax.certificates import add_certificate, decide_certificate
from app.tax.rules import CertificateState
from app.tax.service import import_rates, register_state
from tests.conftest import NOW, install

SETTINGS = ShopSettings(reseller_only_channels=["partners"])


async def reseller(session: AsyncSession, name: str, *decisions: str, **changed: Any) -> Reseller:
    facts: dict[str, Any] = {
        "email": f"{name}@partner.example", "saleor_user_id": name, "company": name, "street": "1 Main St", "city": "Austin",
        "postal_code": "78701", "country": "US", "state": "TX", "by": "anna", "at": NOW,
    }  # fmt: skip
    row = await add(session, **facts | changed)
    for minutes, decision in enumerate(decisions, 1):
        at = NOW + timedelta(minutes=minutes)
        await decide(session, row.email, Decision(decision), by="anna", at=at, policy_version="1", reason="as agreed")
    return row


def make_shops(database: Database, http: httpx.AsyncClient) -> Shops:
    settings = Settings(secret_keys=["0123456789abcdef"], shop=SETTINGS)
    return Shops(database, SecretBox(["0123456789abcdef"]), http, settings, lambda: NOW)


async def test_the_program_holds_approved_resellers_only(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        texan = await reseller(session, "texan", "approve")
        await reseller(session, "waiting")
        await reseller(session, "refused", "reject")
        await reseller(session, "suspended", "approve", "suspend")
        await reseller(session, "ended", "approve", "end")
        gold = await reseller(session, "gold", "approve", country="DE", state="", postal_code="10115")
        session.add(ResellerUser(reseller_id=gold.id, saleor_user_id="gold-2", email="gold2@partner.example"))
        await set_rate(session, Decimal(8), cap=10, today=NOW.date(), by="anna", at=NOW, name="gold")
        await assign(session, gold.id, "gold", by="anna", at=NOW)
        await set_entry(
            session, scope=Scope.PRODUCT, target="p1", label="Grid", rate=Decimal(5), cap=10, today=NOW.date(), by="anna", at=NOW
        )
        row = await add_certificate(
            session, reseller_id=texan.id, number="T1", states=["TX"], signed_on=NOW.date(), valid_from=NOW.date(), at=NOW
        )
        await decide_certificate(session, row.id, CertificateState.APPROVED, by="anna", at=NOW)
        await register_state(session, "TX", valid_from=NOW.date())
        await import_rates(session, "state,rate,valid_from\nTX,8.25,2026-01-01\n", version="1", at=NOW)
    async with database.tenant(tenant) as session:
        program = await load_program(session, SETTINGS)
        assert set(program.resellers) == {"texan", "gold", "gold-2"}
        assert program.reseller_only_channels == {"partners"}
        assert ("TX", None, None) in program.tax.rates
        found = program.resellers["texan"]
        assert (found.id, found.location.us_state, found.location.zip_code) == (texan.id, "TX", "78701")
        assert [certificate.number for certificate in found.location.certificates] == ["T1"]
        assert set(found.prices.entries) == {(Scope.PRODUCT, "p1")}
        assert program.resellers["gold"].prices is program.resellers["gold-2"].prices
        assert program.resellers["gold"].prices.rate == Decimal(8)
        for user, expected in program.resellers.items():
            assert await load_buyer(session, SETTINGS, user) == expected
        for user in ("waiting", "refused", "suspended", "ended", "nobody"):
            assert await load_buyer(session, SETTINGS, user) is None


async def test_the_cap_is_the_shops(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await reseller(session, "texan", "approve")
        program = await load_program(session, ShopSettings(program=ProgramNumbers(max_discount_percent=5)))
        assert (program.resellers["texan"].prices.rate, program.resellers["texan"].prices.cap) == (Decimal(5), Decimal(5))


async def test_shops_stay_apart_and_a_change_reloads_only_its_shop(database: Database, tenant: str) -> None:
    other = await install(database, "http://other.example/graphql/")
    programs = Programs(database)
    with pytest.raises(Unavailable, match="still being loaded"):
        programs.get(tenant)
    async with httpx.AsyncClient() as http:
        shops = make_shops(database, http)
        await shops.refresh()
        await programs.refresh(shops.all())
        before = programs.get(other)
        async with database.tenant(tenant) as session:
            await reseller(session, "texan", "approve")
        await shops.refresh()
        await programs.refresh(shops.all())
    assert set(programs.get(tenant).resellers) == {"texan"}
    assert programs.get(other) is before


async def test_an_error_keeps_the_old_program_and_is_tried_again(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = Programs(database)
    broken = True
    loaded = snapshot.load_program

    async def sometimes(session: AsyncSession, settings: ShopSettings) -> Program:
        if broken:
            raise RuntimeError("no")
        return await loaded(session, settings)

    async with httpx.AsyncClient() as http:
        shops = make_shops(database, http)
        await shops.refresh()
        await programs.refresh(shops.all())
        before = programs.get(tenant)
        monkeypatch.setattr(snapshot, "load_program", sometimes)
        async with database.tenant(tenant) as session:
            await reseller(session, "texan", "approve")
        await shops.refresh()
        for _ in range(2):
            await programs.refresh(shops.all())
            assert programs.get(tenant) is before
        broken = False
        await programs.refresh(shops.all())
    assert set(programs.get(tenant).resellers) == {"texan"}


async def test_a_change_counts_within_a_second_and_errors_do_not_end_the_poll(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = Programs(database)
    async with httpx.AsyncClient() as http:
        shops = make_shops(database, http)
        await shops.refresh()
        await programs.refresh(shops.all())
        refresh, failed = shops.refresh, asyncio.Event()

        async def once(*args: Any) -> None:
            monkeypatch.setattr(shops, "refresh", refresh)
            failed.set()
            raise OSError("no database")

        monkeypatch.setattr(shops, "refresh", once)
        polling = asyncio.create_task(programs.poll(shops))
        try:
            await asyncio.wait_for(failed.wait(), 5)
            async with database.tenant(tenant) as session:
                await reseller(session, "texan", "approve")
            async with asyncio.timeout(5):
                while "texan" not in programs.get(tenant).resellers:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        finally:
            polling.cancel()
            await asyncio.wait([polling])


async def test_a_shop_switched_off_is_not_loaded(database: Database, tenant: str) -> None:
    async with database.system() as session:
        await session.execute(update(Tenant).values(active=False))
    programs = Programs(database)
    async with httpx.AsyncClient() as http:
        shops = make_shops(database, http)
        await shops.refresh()
        await programs.refresh(shops.all())
    with pytest.raises(Unavailable):
        programs.get(tenant)


async def test_resellers_share_one_price_list(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        row = PriceListRow(name="default", rate=Decimal(10))
        session.add(row)
        await session.flush()
        session.add_all(
            PriceEntry(price_list_id=row.id, scope="variant", target=f"v{n}", rate=Decimal(5), created_at=NOW) for n in range(300)
        )
        for n in range(100):
            users = [ResellerUser(saleor_user_id=f"u{n}", email=f"r{n}@p.example")]
            facts = {"street": "1", "city": "A", "postal_code": "78701", "country": "US", "status": "approved", "created_at": NOW}
            session.add(Reseller(email=f"r{n}@p.example", company=f"R{n}", users=users, acceptances=[], **facts))
    async with database.tenant(tenant) as session:
        program = await load_program(session, SETTINGS)
    assert len(program.resellers) == 100
    assert len({id(found.prices) for found in program.resellers.values()}) == 1
    assert len(program.resellers["u1"].prices.entries) == 300
