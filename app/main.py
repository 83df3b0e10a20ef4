"""The composition: settings to a running application. The only file, beside the command line, that knows everybody."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError
from starlette.routing import Route

import app.tables  # noqa: F401 - every mapped table must be known before the first query
from app.cases.answers import written_by_mail
from app.clock import Clock, system_clock
from app.db import workers
from app.db.jobs import Jobs
from app.db.secrets import SecretBox
from app.db.session import Database
from app.orders import mailbox, workflow
from app.orders.measures import Measured
from app.orders.services import Services
from app.orders.snapshot import Programs
from app.reports import workflow as reports
from app.saleor.manifest import webhook_path
from app.saleor.shops import Shops
from app.settings import Settings
from app.statements import workflow as statements
from app.web import documents, health, inbound, install, metrics
from app.web.dashboard.application import dashboard_application
from app.web.dashboard.rendering import PATH as DASHBOARD
from app.web.dispatch import Asgi, Dispatcher
from app.web.portal.application import portal_application
from app.web.portal.session import PATH as PORTAL
from app.web.storefront.application import storefront_application
from app.web.storefront.common import PREFIX
from app.web.webhooks.events import event_answers
from app.web.webhooks.payment import payment_answers
from app.web.webhooks.signed import signed_endpoint
from app.web.webhooks.tax import tax_endpoint

APPLICATION = "reseller"


@asynccontextmanager
async def open_services(settings: Settings, clock: Clock = system_clock) -> AsyncIterator[Services]:
    """Everything a process works with, opened on the running loop and closed at the end."""
    database = Database(settings.database_url)
    box = SecretBox(settings.secret_keys)
    jobs = Jobs(settings.database_url, APPLICATION)
    async with httpx.AsyncClient(timeout=settings.saleor_timeout, follow_redirects=False) as http:
        shops = Shops(database, box, http, settings, clock)
        services = Services(settings, database, box, http, clock, shops, Programs(database), jobs, (written_by_mail,))
        try:
            await shops.refresh()
            yield services
        finally:
            await shops.close()
            jobs.close()
            await database.close()


def build(services: Services) -> Asgi:
    """The ASGI application: webhooks in front of the router, everything else behind it."""
    api = FastAPI(title="Reseller program", docs_url=None, redoc_url=None)
    api.state.services = services
    api.state.measured = Measured(services)
    api.include_router(install.router)
    api.include_router(health.router)
    api.include_router(metrics.router)
    api.include_router(documents.router)
    api.include_router(inbound.router)
    api.mount(PREFIX, storefront_application(services))
    api.mount(PORTAL, portal_application(services))
    staff_pages = dashboard_application(services)
    api.mount(DASHBOARD, staff_pages)
    api.router.routes.append(Route(DASHBOARD, staff_pages))  # the Dashboard opens `appUrl` as it is, without a slash
    answers = payment_answers(services) | event_answers(services)
    limit = services.settings.max_body_bytes
    routes = {
        webhook_path(event).encode(): signed_endpoint(services.shops, limit, answer, event) for event, answer in answers.items()
    }
    for event in ("checkout_calculate_taxes", "order_calculate_taxes"):
        taxes = tax_endpoint(services.shops, services.programs, services.settings, services.clock, event)
        routes[webhook_path(event).encode()] = taxes
    return Dispatcher(routes, api)


@asynccontextmanager
async def running(settings: Settings, *, worker: bool, clock: Clock = system_clock) -> AsyncIterator[tuple[Services, Asgi]]:
    """The application with its program loaded and polled and, where asked, a worker in the same process."""
    async with open_services(settings, clock) as services:
        await services.programs.refresh(services.shops.all())
        polling = asyncio.create_task(services.programs.poll(services.shops))
        beating: asyncio.Task[None] | None = None
        if worker:
            await workflow.start(services)
            statements.schedule()
            reports.schedule()
            beating = asyncio.create_task(workers.keep(services.database, services.jobs, settings.worker_id, services.clock))
            mailbox.schedule(settings.imap_url)
        # What is loaded now stays: walking it at every collection would cost pauses (performance.md).
        gc.collect()
        gc.freeze()
        try:
            yield services, build(services)
        finally:
            polling.cancel()
            with suppress(asyncio.CancelledError):
                await polling
            if beating is not None:
                beating.cancel()
                with suppress(asyncio.CancelledError):
                    await beating
                await asyncio.to_thread(workflow.stop)
                with suppress(DBAPIError):
                    await workers.beat(services.database, settings.worker_id, workers.ENDED)
