"""The worker is killed with SIGKILL at every step of summing up the books; in the end the sums are the ledger's."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from app.reports import service, workflow
from app.reports.tables import EVERYBODY, ReportMonth
from tests.faults.lives import killed_at_every_step
from tests.faults.test_kill import BESIDE, REPORTS
from tests.faults.test_kill_statements import a_month
from tests.faults.worker import Moment
from tests.journeys.harness import Journey, journey

LONG = 200.0


async def sums(at: Journey) -> list[tuple[str, str, int, int]]:
    async with at.rows() as session:
        rows = await session.scalars(select(ReportMonth).order_by(ReportMonth.reseller_id, ReportMonth.currency))
        return [(row.reseller_id, row.currency, row.orders, row.gross_minor) for row in rows]


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_sums_are_made_once_although_the_worker_dies_at_every_step(tmp_path: Path, moment: Moment) -> None:
    async with journey(f"sqlite+aiosqlite:///{tmp_path}/reseller.db", tmp_path, worker=False) as at:
        await a_month(at)
        with killed_at_every_step(at.settings, moment, "every", tmp_path) as lives:
            for turn in ("first", "second"):
                await at.start("reports", f"reports:{turn}", datetime.now(UTC), None)
                await at.idle(LONG)
            found = await sums(at)
            everybody = [row[1:] for row in found if row[0] == EVERYBODY]
            count = len({row[0] for row in found}) - 1
            assert count >= 2
            assert everybody == [(currency, count, count * 10_000) for currency in ("EUR", "USD")]
            assert REPORTS <= lives.names() <= BESIDE, sorted(lives.names())
            assert sorted(lives.deaths()) == sorted(await at.steps())
        assert await service.refresh(at.services, at.shop, everything=True) == count
        assert await sums(at) == found


def test_the_walk_reaches_every_step_there_is() -> None:
    assert set(re.findall(r'@DBOS\.step\(name="(\w+)"', Path(workflow.__file__).read_text())) == REPORTS
