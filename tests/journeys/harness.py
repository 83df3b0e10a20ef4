"""A whole installation in this process: the stand-in Saleor, the app's web part beside it, and a program that is ready to sell.

    async with journey(database_url, tmp_path) as at:
        paid, order = await at.buy(RESELLER, [("GRID-DEV", 2)], end_customer="new@customer.example")
        await at.idle()
        await at.wire_came(order.number)
        await at.idle()
        assert len(at.mails()) == 3

With `worker=False` nothing durable is done here: another process does it (`at.settings` is what it needs), or nobody.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
from dbos import DBOSClient, EnqueueOptions
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.clock import Clock, system_clock
from app.db.jobs import QUEUE, system_url
from app.db.migrate import upgrade
from app.db.session import Database
from app.db.tenants import Tenant
from app.ledger.service import Booking
from app.main import APPLICATION, running
from app.money import Money
from app.orders import doctor
from app.orders.check import check
from app.orders.service import confirm_wire, find_order
from app.orders.services import Services
from app.orders.tables import ResellerOrder
from app.resellers import service as resellers
from app.resellers.rules import Decision
from app.resellers.tables import Reseller
from app.saleor.manifest import render
from app.saleor.shops import Shop
from app.sandbox.app import create
from app.sandbox.rows.sales import Order
from app.sandbox.seed import END_CUSTOMER, EXEMPT, PASSWORD, RESELLER, STAFF, demo_store
from app.sandbox.serve import running as serving
from app.sandbox.shop import Sandbox
from app.sandbox.store import Store
from app.sandbox.storefront import Payment, PlacedOrder, Storefront
from app.settings import BankAccountSettings, Seller, Settings, ShopSettings
from app.tax.certificates import add_certificate, decide_certificate
from app.tax.rules import CertificateState
from app.tax.service import import_rates, register_state

GATEWAY = "reseller.program"
CHANNEL = "default-channel"
BOOKKEEPER = "books@vendor.example"
FIRST_DAY = date(2020, 1, 1)
RATES = f"state,zip,rate,valid_from\nTX,,6.25,{FIRST_DAY}\nTX,78701,8.25,{FIRST_DAY}\nCA,,7.25,{FIRST_DAY}\n"

BILLING: dict[str, Any] = {
    "firstName": "Rita",
    "lastName": "Reseller",
    "companyName": "Lone Star Software",
    "streetAddress1": "1 Congress Ave",
    "city": "Austin",
    "countryArea": "TX",
    "postalCode": "78701",
    "country": "US",
}
"""The address both resellers of the seed are approved with."""
SHIPPING: dict[str, Any] = {
    "firstName": "Eva",
    "lastName": "Endkunde",
    "companyName": "Acme Inc",
    "streetAddress1": "500 Market St",
    "city": "San Francisco",
    "countryArea": "CA",
    "postalCode": "94105",
    "country": "US",
}
"""An end customer's address."""

PROGRAM = ShopSettings(
    seller=Seller(
        name="Example Components Inc",
        street="1 Vendor Way",
        postal_code="27513",
        city="Cary",
        state="NC",
        country="US",
        email="sales@vendor.example",
        website="https://vendor.example",
    ),
    bank_accounts=[
        BankAccountSettings(
            currency="USD",
            beneficiary="Example Components Inc",
            routing_number="021000021",
            account_number="000123456789",
            bank_name="Example Bank",
        ),
        BankAccountSettings(
            currency="EUR", beneficiary="Example Components Inc", iban="DE89370400440532013000", bic="COBADEFFXXX"
        ),
    ],
    account_redirect_url="http://localhost:3000/set-password/",
)
"""What a vendor sets before it sells: itself, its accounts, and where new end customers set their password."""

INSTALL = """mutation Install($input: AppInstallInput!) {
  appInstall(input: $input) { appInstallation { id } errors { field code message } }
}"""
CANCEL = """mutation Cancel($id: ID!) { orderCancel(id: $id) { order { id } errors { field code message } } }"""
OVER = {"SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"}


@dataclass
class Wire:
    """The line to the shop and what is wrong with it: seconds before a request is heard, and a status instead of answers."""

    seconds: float = 0.0
    status: int | None = None
    only: str = ""
    """Only requests that contain this text get the status, such as the name of a mutation."""
    refused: int = 0
    """How many requests got it."""


class _Disturbed:
    def __init__(self, app: ASGIApp, wire: Wire) -> None:
        self._app, self._wire = app, wire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._wire.seconds:
            await asyncio.sleep(self._wire.seconds)
        messages = [await receive()]
        while messages[-1].get("more_body"):
            messages.append(await receive())
        if messages[-1]["type"] == "http.disconnect":
            return  # The other end was killed while it spoke: there is no request and nobody to answer.
        status = self._wire.status
        if status is not None and self._wire.only.encode() in b"".join(message.get("body", b"") for message in messages):
            self._wire.refused += 1
            await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return

        async def again() -> Message:
            return messages.pop(0) if messages else await receive()

        await self._app(scope, again, send)


@dataclass
class Journey:
    """A running installation: `sandbox` is the shop, `services` what the app's web part works with, `wire` lies between."""

    sandbox: Sandbox
    services: Services
    http: httpx.AsyncClient
    wire: Wire
    tenant_id: str
    staff: Storefront
    """Signed in as the shop's administrator: `staff.send(document, mutation, **variables)`."""
    _shop: _Served
    _workflows: DBOSClient
    _buyers: dict[str, Storefront] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """What another process of this installation is started with."""
        return self.services.settings

    @property
    def shop(self) -> Shop:
        """The installed shop as the app knows it now."""
        return next(shop for shop in self.services.shops.all() if shop.tenant_id == self.tenant_id)

    @asynccontextmanager
    async def rows(self) -> AsyncIterator[AsyncSession]:
        """One transaction in the shop's tables."""
        async with self.services.database.tenant(self.tenant_id) as session:
            yield session

    # --- The shop's side ----------------------------------------------------------------------------------------------

    async def storefront(self, email: str = "") -> Storefront:
        """The buyer's browser, signed in; a guest's without an e-mail. The same buyer gets the same one."""
        if email not in self._buyers:
            buyer = Storefront(self.http, self.sandbox.api_url, email=email, password=PASSWORD if email else "")
            if email:
                await buyer.sign_in()
            self._buyers[email] = buyer
        return self._buyers[email]

    async def buy(
        self,
        buyer: str,
        lines: Sequence[tuple[str, int]],
        *,
        end_customer: str = END_CUSTOMER,
        po_number: str = "",
        channel: str = CHANNEL,
        billing: Mapping[str, Any] = BILLING,
        shipping: Mapping[str, Any] = SHIPPING,
    ) -> tuple[Payment, PlacedOrder]:
        """An order by bank transfer, placed in a browser of its own. Raises StorefrontRefused with the gateway's code."""
        signed_in = await self.storefront(buyer)
        browser = replace(signed_in, checkout_id="")
        return await browser.buy(channel, lines, billing, shipping, GATEWAY, end_customer=end_customer, po_number=po_number)

    async def cancel(self, order: PlacedOrder) -> None:
        """Staff cancel an order in the Dashboard."""
        await self.staff.send(CANCEL, "orderCancel", id=order.id)

    def order(self, number: str) -> Order:
        """The order as the shop has it."""
        return next(order for order in self.sandbox.store.orders if order.number == number)

    def notes(self, number: str) -> list[str]:
        """What the app wrote on the order's timeline."""
        return [event.message or "" for event in self.order(number).events if event.type == "NOTE_ADDED"]

    @asynccontextmanager
    async def shop_down(self) -> AsyncIterator[None]:
        """The shop cannot be reached inside; it keeps what it knows and comes back at the same address."""
        await self.sandbox.settled()
        await self._shop.stop()
        try:
            yield
        finally:
            await self._shop.start()

    # --- The app's side -----------------------------------------------------------------------------------------------

    async def add_reseller(self, email: str, **address: str) -> Reseller:
        """An approved reseller with an account in the shop; `address` may change company, street, city, postal_code, ..."""
        account = self.sandbox.store.user_by_email(email)
        assert account is not None, f"the shop has no account {email}"
        now, version = self.services.clock(), self.shop.settings.program.policy_version
        given = {
            "company": BILLING["companyName"],
            "street": BILLING["streetAddress1"],
            "city": BILLING["city"],
            "postal_code": BILLING["postalCode"],
            "country": BILLING["country"],
            "state": BILLING["countryArea"],
        }
        async with self.rows() as session:
            row = await resellers.add(session, email=email, saleor_user_id=account.id, by=STAFF, at=now, **(given | address))
            await resellers.decide(session, email, Decision.APPROVE, by=STAFF, at=now, policy_version=version)
            await resellers.accept_policy(session, row, version=version, by=email, at=now)
        await self.refresh()
        return row

    async def trust(self, email: str) -> None:
        """Let a reseller order on account from now on, as if its prepaid orders were paid."""
        async with self.rows() as session:
            (await resellers.find(session, email)).prepaid_orders = 0
        await self.refresh()

    async def wire_came(self, number: str, amount: Decimal | None = None, *, reference: str = "") -> Booking:
        """The bookkeeper books a wire for an order: all of it unless an amount is given; the order's number names it."""
        async with self.rows() as session:
            order = await find_order(session, number)
            money = Money(order.total_minor, order.currency) if amount is None else Money.of(amount, order.currency)
            _, booking = await confirm_wire(
                session,
                self.services,
                self.shop,
                number=number,
                amount=money,
                bank_reference=reference or f"BANK-{number}",
                value_date=self.services.today(self.shop),
                by=BOOKKEEPER,
            )
        return booking

    async def recorded(self, number: str) -> ResellerOrder:
        """The order as the program recorded it. Raises NotFound."""
        async with self.rows() as session:
            return await find_order(session, number)

    async def refresh(self) -> None:
        """Let a change of the program count now instead of within a second."""
        await self.services.shops.refresh()
        await self.services.programs.refresh(self.services.shops.all())

    def mails(self) -> list[EmailMessage]:
        """The mails on disk, in the order in which their files are named."""
        files = sorted((Path(self.settings.mail_directory) / self.tenant_id).glob("*.eml"))
        parser = email.policy.default
        return [email.message_from_bytes(file.read_bytes(), _class=EmailMessage, policy=parser) for file in files]

    async def contradictions(self) -> dict[str, list[str]]:
        """The answers of `reseller check` that are not empty, asked as if an hour had passed; also workflows that gave up."""
        later = self.services.clock() + timedelta(hours=1)
        async with self.rows() as session:
            answers = await check(session, later)
        ended = (await self.workflows()).items()
        answers["workflows_that_gave_up"] = [f"{name} {key}" for key, (name, state) in ended if state in OVER - {"SUCCESS"}]
        return {question: found for question, found in answers.items() if found}

    async def workflows(self) -> dict[str, tuple[str, str]]:
        """Every workflow's name and state by its id."""
        found = await self._workflows.list_workflows_async(load_input=False, load_output=False)
        return {item.workflow_id: (item.name, item.status) for item in found}

    async def steps(self) -> list[tuple[str, int, str]]:
        """Every recorded step: its workflow's id, its place in it, its name."""
        found = []
        for workflow_id in await self.workflows():
            steps = await self._workflows.list_workflow_steps_async(workflow_id)
            found += [(workflow_id, step["function_id"], step["function_name"]) for step in steps]
        return found

    async def begun(self) -> list[str]:
        """Workflow ids in the order in which their first steps began."""
        times: dict[str, int] = {}
        for workflow_id in await self.workflows():
            steps = await self._workflows.list_workflow_steps_async(workflow_id)
            times |= {workflow_id: min(step["started_at_epoch_ms"] or 0 for step in steps)} if steps else {}
        return sorted(times, key=lambda workflow_id: times[workflow_id])

    async def start(self, workflow: str, workflow_id: str, *arguments: Any) -> None:
        """Ask for a workflow as the schedule does, such as `reconcile`; `idle` waits for it."""
        options: EnqueueOptions = {
            "workflow_name": workflow,
            "workflow_id": workflow_id,
            "queue_name": QUEUE,
            "queue_partition_key": workflow_id,
        }
        await self._workflows.enqueue_async(options, *arguments)

    async def until(self, happened: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
        """Wait for something that no event tells of. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while True:
                if await happened():
                    return
                await asyncio.sleep(0.02)

    async def idle(self, seconds: float = 200.0) -> None:
        """Wait until no delivery and no workflow is under way any more.

        Raises AssertionError that names what still is when nothing ended for so long.
        """
        loop, ended = asyncio.get_running_loop(), 0
        deadline = loop.time() + seconds
        before: dict[str, tuple[str, str]] = {}
        while True:
            await self.sandbox.settled()
            now = await self.workflows()
            over = sum(state in OVER for _, state in now.values())
            if over > ended:
                ended, deadline = over, loop.time() + seconds
            # Twice the same: whatever ended in between would have left a trace.
            if now == before and all(state in OVER for _, state in now.values()):
                return
            if loop.time() > deadline:
                raise AssertionError({key: work for key, work in now.items() if work[1] not in OVER})
            before = now
            await asyncio.sleep(0.05)


@asynccontextmanager
async def journey(
    database_url: str,
    directory: Path,
    *,
    worker: bool = True,
    store: Store | None = None,
    clock: Clock = system_clock,
    program: ShopSettings = PROGRAM,
    **own: Any,
) -> AsyncIterator[Journey]:
    """An installation that is ready to sell, on an empty database.

    The app is installed by the shop's staff, the shop's channels are set as the program needs them, tax is collected in TX and
    CA, and the seed's RESELLER (taxed) and EXEMPT (certificate for TX) are approved. Mails go to files below `directory`, unless
    settings of the test's `own` say otherwise.
    """
    wire = Wire()
    shop_app = create(store or demo_store(clock))
    shop_app.add_middleware(_Disturbed, wire=wire)
    async with AsyncExitStack() as stack:
        shop_port, port = stack.enter_context(reserved()), stack.enter_context(reserved())
        shop = _Served(shop_app, shop_port)
        await shop.start()
        stack.push_async_callback(shop.stop)
        sandbox: Sandbox = shop_app.state.sandbox
        settings = Settings(
            files_url=str(directory / "files"),
            database_url=database_url,
            base_url=f"http://127.0.0.1:{port}",
            secret_keys=["a key of the tests alone"],
            allowed_shops=[sandbox.api_url],
            allow_private_addresses=True,
            mail_directory=str(directory / "mail"),
            document_directory=str(directory / "documents"),
            **own,
        )
        await migrate(database_url)
        services, web = await stack.enter_async_context(running(settings, worker=worker, clock=clock))
        app = _Served(web, port)
        await app.start()
        stack.push_async_callback(app.stop)
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        staff = Storefront(http, sandbox.api_url, email=STAFF, password=PASSWORD)
        await staff.sign_in()
        tenant_id = await install(sandbox, services, staff)
        workflows = DBOSClient(
            system_database_url=system_url(database_url), application_name=APPLICATION, lazy=True, use_listen_notify=False
        )
        stack.callback(workflows.destroy)
        at = Journey(sandbox, services, http, wire, tenant_id, staff, shop, workflows)
        await prepare(at, program)
        yield at


async def migrate(database_url: str) -> None:
    """Bring the database to the newest schema."""
    database = Database(database_url)
    try:
        await upgrade(database)
    finally:
        await database.close()


async def install(sandbox: Sandbox, services: Services, staff: Storefront) -> str:
    """Install the app as staff do in the Dashboard; the tenant's id. Raises AssertionError with what the Dashboard shows."""
    manifest = render(services.settings.base_url)
    wanted = {
        "appName": manifest["name"],
        "manifestUrl": f"{services.settings.base_url}/api/manifest",
        "permissions": manifest["permissions"],
        "activateAfterInstallation": True,
    }
    await staff.send(INSTALL, "appInstall", input=wanted)
    await sandbox.settled()
    assert not sandbox.store.installations, sandbox.store.installations[0].message
    return services.shops.all()[0].tenant_id


async def prepare(at: Journey, program: ShopSettings) -> None:
    """Set the shop up with a seller, accounts, channels, taxes and the two resellers of the seed."""
    async with at.services.database.system() as session:
        tenant = (await session.scalars(select(Tenant).where(Tenant.id == at.tenant_id))).one()
        tenant.settings = program.model_dump(mode="json", exclude_unset=True)
        tenant.program_version += 1
    await at.services.shops.refresh()
    failed = [repair for repair in await doctor.fix(at.services, at.shop) if not repair.done]
    assert not failed, failed
    now = at.services.clock()
    async with at.rows() as session:
        for state in ("TX", "CA"):
            await register_state(session, state, valid_from=FIRST_DAY)
        await import_rates(session, RATES, version="test", at=now)
    await at.add_reseller(RESELLER)
    exempt = await at.add_reseller(EXEMPT, company="Exempt Software")
    async with at.rows() as session:
        paper = await add_certificate(
            session,
            reseller_id=exempt.id,
            number="TX-1",
            states=["TX"],
            signed_on=FIRST_DAY,
            valid_from=FIRST_DAY,
            at=now,
        )
        await decide_certificate(session, paper.id, CertificateState.APPROVED, by=STAFF, at=now)
    await at.refresh()


@contextmanager
def reserved() -> Iterator[int]:
    """A free port that nobody else gets while it is reserved; a server that reuses addresses may listen on it."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


class _Served:
    """An ASGI application on its port, as often as it is started."""

    def __init__(self, app: Starlette | Any, port: int) -> None:
        self._app, self._port = app, port
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        await self._stack.enter_async_context(serving(self._app, self._port))

    async def stop(self) -> None:
        await self._stack.aclose()
