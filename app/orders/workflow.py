"""Starting and stopping the durable work of a process on DBOS, and what its schedule asks for.

The workflows and their steps are in `workflow_orders`, `workflow_accounts`, `workflow_mail`, `workflow_bank` and
`workflow_schedule`: a worker must know all of them before it starts, for it goes on with whatever an earlier run left behind.
"""

from __future__ import annotations

from dbos import DBOS

from app import tracing
from app.db.jobs import QUEUE, system_url
from app.orders import workflow_accounts, workflow_bank, workflow_mail, workflow_orders, workflow_schedule
from app.orders.durable import work_with
from app.orders.services import Services

STOP_SECONDS = 10
PARTS = (workflow_orders, workflow_accounts, workflow_mail, workflow_bank, workflow_schedule)
"""Every module with workflows of this room."""


async def start(opened: Services) -> None:
    """Make this process a worker: what its last run left behind goes on. Call it on the loop that opened `opened`."""
    work_with(opened)
    settings = opened.settings
    DBOS(
        config={
            "name": opened.jobs.application,
            "system_database_url": system_url(settings.database_url),
            "application_version": "1",
            "executor_id": settings.worker_id,
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": 0.2,
            # Its spans go where `tracing` sends ours.
            "enable_otlp": tracing.on(),
            "otel_attribute_format": "semconv",
        }
    )
    DBOS.launch()
    await DBOS.register_queue_async(QUEUE, partition_concurrency=1, worker_concurrency=16, polling_interval_sec=0.1)
    DBOS.apply_schedules(
        [
            {"schedule_name": "reconcile", "workflow_fn": workflow_schedule.reconcile, "schedule": "17 * * * *"},
            {"schedule_name": "look_again", "workflow_fn": workflow_schedule.look_again, "schedule": "*/5 * * * *"},
            {"schedule_name": "look_after", "workflow_fn": workflow_schedule.look_after, "schedule": "37 * * * *"},
            {"schedule_name": "check_listings", "workflow_fn": workflow_schedule.check_listings, "schedule": "53 * * * *"},
            # Every midnight of the world is at a quarter of an hour.
            {"schedule_name": "price_changes", "workflow_fn": workflow_schedule.price_changes, "schedule": "*/15 * * * *"},
        ]
    )


def stop() -> None:
    """End the worker once the steps it is in are through; the rest goes on at the next start. Not on the loop of the steps."""
    DBOS.destroy(workflow_completion_timeout_sec=STOP_SECONDS)
    work_with(None)
