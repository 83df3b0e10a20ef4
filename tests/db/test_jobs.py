"""Work that gave up, of one shop and of all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from app.db.jobs import Jobs


class ManyThatGaveUp:
    """DBOS with 250 workflows that gave up, every fifth of shop `b`."""

    def __init__(self) -> None:
        self.rows = [
            SimpleNamespace(
                workflow_id=f"wire:{'a' if number % 5 else 'b'}:{number}", name="money_came", error="no", queue_partition_key="p"
            )
            for number in range(250)
        ]

    async def list_workflows_async(self, *, limit: int, offset: int, **_: Any) -> list[SimpleNamespace]:
        return self.rows[offset : offset + limit]


async def test_work_that_gave_up_is_found_by_its_shop_however_much_others_have() -> None:
    jobs = Jobs("sqlite+aiosqlite:///unused.db", "reseller")
    jobs._client = ManyThatGaveUp()  # type: ignore[assignment]
    assert [work["id"] for work in await jobs.stuck("b")] == [f"wire:b:{number}" for number in range(0, 250, 5)]
    assert (await jobs.stuck("c"), len(await jobs.stuck()), len(await jobs.stuck("a", limit=7))) == ([], 100, 7)
