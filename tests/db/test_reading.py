import asyncio
from datetime import date

import pytest
from sqlalchemy import select

from app.db import reading
from app.db.session import Database
from app.tax.tables import RegistrationRow

DAY = date(2026, 3, 2)


async def test_rows_come_in_chunks_and_others_get_their_turn(
    database: Database, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CHUNK", 2)
    states = ["CA", "FL", "NY", "TX", "WA"]
    async with database.tenant(tenant) as session:
        session.add_all(RegistrationRow(us_state=state, valid_from=DAY) for state in states)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    found, at = [], []
    async with database.tenant_reading(tenant) as session:
        async for (state,) in reading.rows(session, select(RegistrationRow.us_state).order_by(RegistrationRow.us_state)):
            found.append(state)
            at.append(turns)
    task.cancel()
    assert found == states
    assert at[0] == at[1] < at[2] == at[3] < at[4]
