"""What an operator watches that stands in the database: work that waits, money nobody matched, licenses and mails not out yet.

Asked when somebody reads `/metrics` or `/ready`, at most every few seconds; each is a count over a small index.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from sqlalchemy import Numeric, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bank.decisions import Outcome
from app.bank.tables import BankLineRow
from app.mail.mailbox import name_of
from app.mail.service import BOUNCED
from app.mail.tables import Mail, Mailbox
from app.orders.services import Services
from app.orders.tables import MoneyReport, ResellerOrder, StaffTask

KEPT_SECONDS = 5.0
UNMATCHED = (Outcome.PROPOSAL.value, Outcome.UNMATCHED.value)


@dataclass(frozen=True, slots=True)
class Measures:
    """One look. Ages are seconds; `by_shop` has one value per measure's name and shop domain, money also per currency."""

    queue_length: int
    queue_age: float
    stuck: int
    by_shop: dict[str, dict[tuple[str, ...], float]] = field(default_factory=dict)
    mailbox_age: float | None = None
    """Since the mailbox was last read; where it never was, since it first failed or since somebody first looked. None without."""


SHOP_MEASURES: dict[str, str] = {
    "unmatched_lines": "Bank lines that wait for a person.",
    "unmatched_money": "Their sum in major units, by currency.",
    "licenses_waiting": "Orders whose release was decided and is not through.",
    "licenses_waiting_seconds": "Seconds since the oldest of those was decided.",
    "reports_waiting": "Money booked that Saleor was not told of yet.",
    "mails_waiting": "Mails the mail server did not take yet.",
    "mails_waiting_seconds": "Seconds since the oldest of those was made.",
    "mails_failed": "Mails the mail server refused for good.",
    "mails_bounced": "Mails that a mail server took and gave back.",
    "cases_waiting": "Cases whose answer is the vendor's turn.",
    "cases_waiting_seconds": "Seconds since staff got the oldest of those.",
    "tasks_open": "Tasks of staff that are open.",
    "tasks_open_seconds": "Seconds since the oldest of those was made.",
    "contradictions": "Questions of `reseller check` that had an answer at the last hourly look.",
}


async def measure(services: Services, *, since: datetime | None = None) -> Measures:
    """Look now. `since` is when this process began to look: a mailbox nobody ever tried to read is that old."""
    now = services.clock()
    async with services.database.system_reading() as session:
        waiting, oldest, stuck = await services.jobs.waiting(session)
        url = services.settings.imap_url
        box = await session.scalar(select(Mailbox).where(Mailbox.name == name_of(url))) if url else None
    by_shop: dict[str, dict[tuple[str, ...], float]] = {name: {} for name in SHOP_MEASURES}
    for shop in services.shops.all():
        async with services.database.tenant_reading(shop.tenant_id) as session:
            for (name, *labels), value in (await _of_shop(session, now)).items():
                by_shop[name][(shop.api_url, *labels)] = value
    age = max(0.0, (now - oldest).total_seconds()) if oldest is not None else 0.0
    read = (box.read_at or box.failing_since if box is not None else None) or since or now
    return Measures(waiting, age, stuck, by_shop, max(0.0, (now - read).total_seconds()) if url else None)


class Measured:
    """The last look, taken again once it is KEPT_SECONDS old: several who ask at once share one."""

    def __init__(self, services: Services, time: Callable[[], float] = monotonic) -> None:
        self._services = services
        self._time = time
        self._since = services.clock()
        self._at: float | None = None
        self._last: Measures | None = None
        self._lock = asyncio.Lock()

    async def get(self) -> Measures:
        """Raises what the database raises."""
        async with self._lock:
            if self._last is None or self._at is None or self._time() - self._at >= KEPT_SECONDS:
                self._last = await measure(self._services, since=self._since)
                self._at = self._time()
            return self._last


async def _of_shop(session: AsyncSession, now: datetime) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    lines = (
        select(BankLineRow.currency, func.count(), func.sum(cast(BankLineRow.amount, Numeric(20, 4))))
        .where(BankLineRow.outcome.in_(UNMATCHED), BankLineRow.undone == "")
        .group_by(BankLineRow.currency)
    )
    found["unmatched_lines",] = 0
    for currency, count, total in await session.execute(lines):
        found["unmatched_lines",] += count
        found["unmatched_money", currency] = float(total)
    going = select(func.count(ResellerOrder.id), func.min(ResellerOrder.release_decided_at)).where(
        ResellerOrder.release_decided_at.is_not(None), ResellerOrder.released_at.is_(None), ResellerOrder.canceled_at.is_(None)
    )
    found |= _counted("licenses_waiting", (await session.execute(going)).one(), now)
    queued = select(func.count(Mail.id), func.min(Mail.created_at)).where(Mail.state == "queued")
    found |= _counted("mails_waiting", (await session.execute(queued)).one(), now)
    asked = select(func.count(StaffTask.id), func.min(StaffTask.created_at)).where(
        StaffTask.done_at.is_(None), StaffTask.key.startswith("case:")
    )
    found |= _counted("cases_waiting", (await session.execute(asked)).one(), now)
    open_ones = select(func.count(StaffTask.id), func.min(StaffTask.created_at)).where(StaffTask.done_at.is_(None))
    found |= _counted("tasks_open", (await session.execute(open_ones)).one(), now)
    for name, query in {
        "mails_bounced": select(func.count(Mail.id)).where(Mail.state == BOUNCED),
        "mails_failed": select(func.count(Mail.id)).where(Mail.state == "failed"),
        "reports_waiting": select(func.count(MoneyReport.id)).where(MoneyReport.reported_at.is_(None)),
        "contradictions": select(func.count(StaffTask.id)).where(StaffTask.done_at.is_(None), StaffTask.key.startswith("check:")),
    }.items():
        found[name,] = await session.scalar(query) or 0
    return found


def _counted(name: str, row: tuple[int, datetime | None], now: datetime) -> dict[tuple[str, ...], float]:
    count, oldest = row
    return {(name,): count, (f"{name}_seconds",): max(0.0, (now - oldest).total_seconds()) if oldest is not None else 0.0}
