"""Starting durable work in the transaction that makes it necessary.

DBOS keeps its tables in the program's own database, so that a row and the workflow it calls for are committed together or not at
all: no outbox, no sweep for what was lost in between. A workflow's id makes it once, however often it is asked for.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from dbos import DBOSClient
from sqlalchemy.ext.asyncio import AsyncSession

QUEUE = "orders"


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
        self, session: AsyncSession, workflow: str, workflow_id: str, *, partition: str, args: tuple[str, ...]
    ) -> None:
        """Ask for a workflow when the session's transaction commits.

        The same `workflow_id` again, at any time, changes nothing. Workflows of one `partition` run one after the other.
        """
        connection = await session.connection()

        def insert(sync: sa.Connection) -> None:
            self._client.enqueue_in_transaction(
                sync,
                {
                    "workflow_name": workflow,
                    "queue_name": QUEUE,
                    "workflow_id": workflow_id,
                    "queue_partition_key": partition,
                },
                *args,
            )

        await connection.run_sync(insert)

    async def stuck(self, *, limit: int = 100) -> list[dict[str, Any]]:
        """Workflows that gave up after all their retries, the oldest first: id, name and the error's words."""
        found = await self._client.list_workflows_async(status=["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"], limit=limit)
        return [
            {"id": item.workflow_id, "workflow": item.name, "error": str(item.error), "partition": item.queue_partition_key}
            for item in found
        ]

    async def run_again(self, workflow_id: str, partition: str) -> None:
        """Run a workflow that gave up once more, from its start: every step can be repeated, and what failed is forgotten."""
        await self._client.rewind_workflow_async(workflow_id, queue_name=QUEUE, queue_partition_key=partition)

    def close(self) -> None:
        """Give the client's own connections back."""
        self._client.destroy()
