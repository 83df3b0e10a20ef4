"""What every durable step works with: the process's services, the shop, and which failures another try may mend.

Every step can be repeated: database steps by unique keys and row locks, Saleor steps because they look first or because Saleor
takes the same key once.
"""

from __future__ import annotations

from typing import Any

from dbos import DBOS
from sqlalchemy.exc import OperationalError

from app.errors import Unavailable
from app.orders.services import Services
from app.saleor.client import SaleorUnreachable
from app.saleor.shops import Shop

_services: Services | None = None


def services() -> Services:
    """What the steps of this process work with. Raises RuntimeError outside of a worker (`workflow.start`)."""
    if _services is None:
        raise RuntimeError("the worker was not started")
    return _services


def work_with(opened: Services | None) -> None:
    """Let the steps of this process work with these; None ends it."""
    global _services
    _services = opened


async def shop_of(tenant_id: str) -> Shop:
    """The shop a step is about."""
    return await services().shops.by_tenant(tenant_id)


async def retryable(error: BaseException) -> bool:
    """Whether a later try may help: the shop or a server of ours is away. Anything else must be seen at once."""
    return isinstance(error, (SaleorUnreachable, Unavailable, OperationalError))


RETRY: dict[str, Any] = {
    "retries_allowed": True,
    "interval_seconds": 1.0,
    "backoff_rate": 2.0,
    "max_attempts": 9,
    "should_retry": retryable,
}


@DBOS.step(name="for_each_shop", **RETRY)
async def for_each_shop(workflow: str, run: str) -> int:
    """Ask for one run of a workflow in every active shop."""
    await services().shops.refresh()
    shops = services().shops.all()
    for shop in shops:
        async with services().database.tenant(shop.tenant_id) as session:
            workflow_id = f"{workflow}:{shop.tenant_id}:{run}"
            await services().jobs.enqueue(session, workflow, workflow_id, partition=workflow_id, args=(shop.tenant_id, run))
    return len(shops)
