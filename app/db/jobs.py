"""Starting durable work in the transaction that makes it necessary.

DBOS keeps its tables in the program's own database, so that a row and the workflow it calls for are committed together or not at
all: no outbox, no sweep for what was lost in between. A workflow's id makes it once, however often it is asked for.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from dbos import DBOSClient, EnqueueOptions
from sqlalchemy.ext.asyncio import AsyncSession

from app import tracing
from app.db.session import Database

QUEUE = "orders"
FIRST, IN_TURN = 1, 2
PAGE = 100
GAVE_UP = ("ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")


def system_url(database_url: str) -> str:
    """The same database as DBOS's own synchronous engine opens it."""
    return database_url.replace("sqlite+aiosqlite://", "sqlite://")


class Jobs:
    """Enqueues workflows; runs none. Any process may have one, whether or not it also is a worker."""

    def __init__(self, database_url: str, application: str) -> None:
        self._client = DBOSClient(
            system_database_url=system_url(database_url), application_name=application, lazy=True, use_listen_notify=False
        )
        self.application = application

    async def enqueue(
        self,
        session: AsyncSession,
        workflow: str,
        workflow_id: str,
        *,
        partition: str,
        args: tuple[str, ...],
        first: bool = False,
    ) -> None:
        """Ask for a workflow when the session's transaction commits.

        The same `workflow_id` again changes nothing until `forget` took it; what it did is once by keys of its own. Workflows of
        one `partition` run one after the other, the oldest first; one that goes `first` waits for none but the running one.
        """
        connection = await session.connection()

        options: EnqueueOptions = {
            "workflow_name": workflow,
            "queue_name": QUEUE,
            "workflow_id": workflow_id,
            "queue_partition_key": partition,
            "priority": FIRST if first else IN_TURN,
        }
        if (trace := tracing.carried()) is not None:
            options["otel_context"] = trace

        def insert(sync: sa.Connection) -> None:
            self._client.enqueue_in_transaction(sync, options, *args)

        await connection.run_sync(insert)

    async def waiting(self, session: AsyncSession) -> tuple[int, datetime | None, int]:
        """How many workflows wait for a worker, since when the oldest does, and how many gave up. Of all shops."""
        table = _workflows(session, "status", "created_at")
        query = (
            sa.select(table.c.status, sa.func.count(), sa.func.min(table.c.created_at))
            .where(table.c.status.in_(("ENQUEUED", *GAVE_UP)))
            .group_by(table.c.status)
        )
        found = {status: (count, oldest) for status, count, oldest in await session.execute(query)}
        count, oldest = found.pop("ENQUEUED", (0, None))
        since = datetime.fromtimestamp(oldest / 1000, UTC) if oldest is not None else None
        return count, since, sum(number for number, _ in found.values())

    async def busy_workers(self, session: AsyncSession) -> set[str]:
        """The names of workers that have work in their hands."""
        table = _workflows(session, "status", "executor_id")
        return set(await session.scalars(sa.select(table.c.executor_id).where(table.c.status == "PENDING").distinct())) - {None}

    async def in_hands_of(self, session: AsyncSession, worker: str) -> set[str]:
        """The ids of the workflows that stand in a worker's name."""
        table = _workflows(session, "workflow_uuid", "status", "executor_id")
        held = sa.select(table.c.workflow_uuid).where(table.c.status == "PENDING", table.c.executor_id == worker)
        return set(await session.scalars(held))

    async def unfinished(self, session: AsyncSession) -> int:
        """How much work of the queue is neither done nor canceled."""
        table = _workflows(session, "status", "queue_name")
        over = table.c.status.in_(("SUCCESS", "CANCELLED"))
        return await session.scalar(sa.select(sa.func.count()).where(~over, table.c.queue_name == QUEUE)) or 0

    async def stuck(self, tenant_id: str | None = None, *, limit: int = 100) -> list[dict[str, Any]]:
        """At most `limit` workflows that gave up after all their retries, the oldest first: id, name and the error's words.

        With `tenant_id` only those of this shop: its id stands between colons in the id of all its work.
        """
        found: list[dict[str, Any]] = []
        for offset in itertools.count(step=PAGE):
            page = await self._client.list_workflows_async(status=list(GAVE_UP), limit=PAGE, offset=offset, load_input=False)
            found += [
                {"id": item.workflow_id, "workflow": item.name, "error": str(item.error), "partition": item.queue_partition_key}
                for item in page
                if tenant_id is None or f":{tenant_id}:" in item.workflow_id
            ]
            if len(page) < PAGE or len(found) >= limit:
                break
        return found[:limit]

    async def run_again(self, workflow_id: str, partition: str) -> None:
        """Run a workflow that gave up once more, from its start: every step can be repeated, and what failed is forgotten."""
        await self._client.rewind_workflow_async(workflow_id, queue_name=QUEUE, queue_partition_key=partition)

    async def forget(self, before: datetime) -> int:
        """Delete what ended well, or was canceled, before a moment; how many. What gave up stays for `run_again`."""
        count = 0
        while True:
            found = await self._client.list_workflows_async(
                status=["SUCCESS", "CANCELLED"],
                completed_before=before.isoformat(),
                limit=PAGE,
                load_input=False,
                load_output=False,
            )
            if not found:
                return count
            await self._client.delete_workflows_async([item.workflow_id for item in found])
            count += len(found)

    async def forget_shop(self, database: Database, tenant_id: str) -> int:
        """Delete all work of a shop, whatever its state; how many. Its id stands between colons in the id of all its work."""
        count = 0
        async with database.system_reading() as session:
            table = _workflows(session, "workflow_uuid")
            query = sa.select(table.c.workflow_uuid).where(table.c.workflow_uuid.contains(f":{tenant_id}:", autoescape=True))
            ids = list(await session.scalars(query))
        for start in range(0, len(ids), PAGE):
            await self._client.delete_workflows_async(ids[start : start + PAGE])
            count += len(ids[start : start + PAGE])
        return count

    def close(self) -> None:
        """Give the client's own connections back."""
        self._client.destroy()


def _workflows(session: AsyncSession, *columns: str) -> sa.TableClause:
    """The workflow engine's own table, to be read beside ours."""
    schema = "dbos" if session.get_bind().dialect.name == "postgresql" else None
    return sa.table("workflow_status", *(sa.column(name) for name in columns), schema=schema)
