"""Durable work is asked for once, found when it gave up, and forgotten when it is old."""

from datetime import UTC, datetime, timedelta

from app.db.jobs import Jobs
from app.db.migrate import upgrade
from app.db.session import Database
from tests.conftest import install


async def test_finished_work_is_forgotten_and_waiting_work_is_not(database_url: str) -> None:
    database = Database(database_url)
    await upgrade(database)
    shop = await install(database, "http://a.example/graphql/")
    jobs = Jobs(database_url, "reseller")
    for number in ("1", "2"):
        async with database.tenant(shop) as session:
            await jobs.enqueue(session, "attend_order", f"order:{shop}:{number}", partition=number, args=(shop, number, "x"))
    await jobs._client.cancel_workflow_async(f"order:{shop}:1")
    assert await jobs.forget(datetime.now(UTC) - timedelta(days=1)) == 0
    assert await jobs.forget(datetime.now(UTC) + timedelta(days=1)) == 1
    assert await jobs.forget(datetime.now(UTC) + timedelta(days=1)) == 0
    assert await jobs.stuck(shop) == []
    jobs.close()
    await database.close()
