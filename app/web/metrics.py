"""`/metrics` as Prometheus reads it, and the operators' own port with health beside it, for processes that serve nothing else."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import DBAPIError

from app.orders.measures import SHOP_MEASURES, Measured, Measures
from app.orders.services import Services
from app.web import health

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
router = APIRouter(tags=["metrics"])


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """What this process counted and what stands in the database; 404 where no token is set, 401 without it."""
    wanted = request.app.state.services.settings.metrics_token
    if not wanted:
        return Response(status_code=404)
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
    return await _exposition(request)


def operations_application(services: Services) -> FastAPI:
    """Health and metrics without a token, for a port that only operators reach."""
    app = FastAPI(title="Reseller program, operations", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.services = services
    app.state.measured = Measured(services)
    app.include_router(health.router)
    app.get("/metrics")(_exposition)
    return app


async def _exposition(request: Request) -> Response:
    content = generate_latest(REGISTRY)
    try:
        found = await request.app.state.measured.get()
    except DBAPIError:
        # What this process counted counts all the same, and that the rest is missing is a fact, too.
        content += generate_latest(_registry(None))
    else:
        content += generate_latest(_registry(found))
    return Response(content, headers={"Content-Type": MEDIA_TYPE})


def _registry(found: Measures | None) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Shown(found))
    return registry


class _Shown(Collector):
    def __init__(self, found: Measures | None) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        found = self._found
        yield GaugeMetricFamily("reseller_database_up", "Whether the database answered.", float(found is not None))
        if found is None:
            return
        yield GaugeMetricFamily("reseller_queue_length", "Workflows that wait for a worker.", found.queue_length)
        yield GaugeMetricFamily("reseller_queue_age_seconds", "Seconds since the oldest of those was asked for.", found.queue_age)
        yield GaugeMetricFamily("reseller_work_stuck", "Workflows that gave up after all their tries.", found.stuck)
        if found.mailbox_age is not None:
            yield GaugeMetricFamily("reseller_mailbox_age_seconds", "Seconds since the mailbox was read.", found.mailbox_age)
        for name, text in SHOP_MEASURES.items():
            labels = ["shop", "currency"] if name == "unmatched_money" else ["shop"]
            family = GaugeMetricFamily(f"reseller_{name}", text, labels=labels)
            for values, number in sorted(found.by_shop[name].items()):
                family.add_metric(list(values), number)
            yield family
