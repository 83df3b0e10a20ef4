from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from app.db.session import Database
from app.db.tenants import Tenant
from app.errors import InvalidInput
from app.tax.rules import Location, Registration, decide
from app.tax.service import (
    RateImport,
    import_rates,
    load_registrations,
    load_tax,
    register_state,
)
from app.tax.tables import FlatRateRow, StateRateRow
from tests.conftest import NOW

DAY = date(2026, 3, 1)
FILE = """\ufeffState,ZIP,rate,valid_from,valid_to,tax_class
TX,,6.25,2026-01-01,,
TX,78701,8.25,2026-01-01,2026-12-31,
Texas,,0,2026-01-01,,training

NY,,4,2026-01-01,,
"""


async def test_registering_again_changes_the_last_day(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await register_state(session, "texas", valid_from=DAY)
        await register_state(session, "TX", valid_from=DAY, valid_to=date(2026, 12, 31))
        assert await load_registrations(session) == [Registration("TX", DAY, date(2026, 12, 31))]
        with pytest.raises(InvalidInput, match="valid_to: "):
            await register_state(session, "TX", valid_from=DAY, valid_to=date(2025, 1, 1))
        with pytest.raises(InvalidInput, match="state: 'XX'"):
            await register_state(session, "XX", valid_from=DAY)


async def test_importing_rates(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await register_state(session, "TX", valid_from=DAY)
        session.add(FlatRateRow(country="DE", tax_class="", rate=Decimal(19)))
        session.add(FlatRateRow(country="DE", tax_class="books", rate=Decimal(7)))
        assert await import_rates(session, FILE, version="2026-01", at=NOW) == RateImport(4, 0, 0, ("NY",))
    async with database.tenant(tenant) as session:
        program = await load_tax(session)
    assert program.flat == {("DE", None): Decimal(19), ("DE", "books"): Decimal(7)}

    def rate(zip_code: str, on: date = DAY, **more: Any) -> Decimal:
        return decide(program, reseller=Location("US", "TX", zip_code), ship_to_country="DE", on=on, **more).rate

    assert rate("78701-1234") == Decimal("8.25")
    assert rate("75001") == rate("78701", date(2027, 1, 1)) == Decimal("6.25")
    assert rate("75001", tax_class="training") == 0


async def test_the_same_file_again_changes_nothing(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await import_rates(session, FILE, version="1", at=NOW)
    async with database.system() as system:
        before = await system.scalar(select(Tenant.program_version))
    async with database.tenant(tenant) as session:
        assert await import_rates(session, FILE, version="2", at=NOW) == RateImport(0, 0, 4, ("NY", "TX"))
        assert set(await session.scalars(select(StateRateRow.version))) == {"1"}
    async with database.system() as system:
        assert await system.scalar(select(Tenant.program_version)) == before


async def test_a_new_first_day_adds_and_a_correction_replaces(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        await import_rates(session, FILE, version="1", at=NOW)
        newer = "state;valid_from;rate\nTX;2026-07-01;6.5\nTX;2026-01-01;6.3\n"
        result = await import_rates(session, newer, version="2", at=NOW)
        assert (result.added, result.changed, result.unchanged) == (1, 1, 0)
    async with database.tenant(tenant) as session:
        rates = (await load_tax(session)).rates["TX", None, None]
        assert {(rate.rate, rate.version) for rate in rates} == {(Decimal("6.5"), "2"), (Decimal("6.3"), "2")}


async def test_every_wrong_line_is_told_and_nothing_imported(database: Database, tenant: str) -> None:
    text = (
        "state;zip;rate;valid_from;valid_to\n"
        "TX;;6.25;2026-01-01;\n"
        "XX;;6.25;2026-01-01;\n"
        "TX;2139;6.25;2026-01-01;\n"
        "TX;;6,25;2026-02-01;\n"
        "\n"
        "TX;;101;2026-02-01;\n"
        "TX;;1;01/02/2026;\n"
        "TX;;1;2026-02-30;\n"
        "TX;;1;2026-02-01;2026-01-01\n"
        "TX;;1;2026-02-01\n"
        "tx;;7;2026-01-01;\n"
        'TX;"0"1;7;2026-01-01;\n'
        "NY;;1;2026-02-01;x\n"
    )
    async with database.tenant(tenant) as session:
        with pytest.raises(InvalidInput) as caught:
            await import_rates(session, text, version="1", at=NOW)
        head, *told = caught.value.sentence.splitlines()
        assert head.startswith("Nothing was imported")
        assert [line.partition(":")[0] for line in told] == [f"line {n}" for n in (3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14)]
        assert "it repeats line 2" in caught.value.sentence
        assert "drop leading zeros" in told[1]
        assert list(await session.scalars(select(StateRateRow.id))) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "lacks state, rate, valid_from"),
        ("state,rate\nTX,1", "lacks valid_from"),
        ("state,rate,valid_from,zipcode\n", "'zipcode' unknown"),
        ("state,rate,valid_from,rate\n", "'rate' unknown or twice"),
    ],
)
async def test_the_header_is_required(database: Database, tenant: str, text: str, says: str) -> None:
    async with database.tenant(tenant) as session:
        with pytest.raises(InvalidInput, match=says):
            await import_rates(session, text, version="1", at=NOW)


async def test_an_import_has_a_name(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        with pytest.raises(InvalidInput, match="version: "):
            await import_rates(session, FILE, version=" ", at=NOW)


async def test_a_table_by_zip_is_imported_and_corrected_whole(database: Database, tenant: str) -> None:
    def table(rate: str) -> str:
        return "state,zip,rate,valid_from\n" + "\n".join(f"TX,{zip_code},{rate},2026-01-01" for zip_code in range(70000, 82000))

    async with database.tenant(tenant) as session:
        assert (await import_rates(session, table("8.25"), version="1", at=NOW)).added == 12000
    async with database.tenant(tenant) as session:
        assert (await import_rates(session, table("8.5"), version="2", at=NOW)).changed == 12000
    async with database.tenant(tenant) as session:
        assert len((await load_tax(session)).rates) == 12000
