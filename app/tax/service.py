"""Registrations, the rate table, and what the rules read of them and of certificates (`rules.md` 10)."""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.reading import rows
from app.errors import InvalidInput
from app.money import shortest
from app.resellers.addresses import us_state
from app.tax.rate_file import read_rates
from app.tax.rules import Certificate, CertificateState, Registration, StateRate, TaxProgram
from app.tax.tables import CertificateRow, FlatRateRow, RateImportRow, RegistrationRow, StateRateRow


@dataclass(frozen=True, slots=True)
class RateImport:
    """What an import did, and the states of the file in which the vendor is not registered: no tax is charged there yet."""

    added: int
    changed: int
    unchanged: int
    unregistered: tuple[str, ...]


CHUNK = 500


async def register_state(session: AsyncSession, state: str, *, valid_from: date, valid_to: date | None = None) -> RegistrationRow:
    """Say that the vendor collects tax in a state from a day on (`rules.md` 10.4); said again, the last day is changed.

    Raises InvalidInput that names the field.
    """
    code = us_state(state)
    if valid_to is not None and valid_to < valid_from:
        raise InvalidInput(f"valid_to: {valid_to} is before the first day {valid_from}.", code="valid_to")
    same = select(RegistrationRow).where(RegistrationRow.us_state == code, RegistrationRow.valid_from == valid_from)
    row = (await session.scalars(same)).one_or_none()
    if row is None:
        row = RegistrationRow(us_state=code, valid_from=valid_from)
        session.add(row)
    row.valid_to = valid_to
    await session.flush()
    return row


async def import_rates(session: AsyncSession, file_text: str, *, version: str, at: datetime) -> RateImport:
    """Import a rate table; the same file again changes nothing, a new first day adds a rate beside the old one.

    `version` names this import and is shown with every decision that used it (edge case 42). Raises InvalidInput that lists every
    wrong line with its number; nothing is imported then.
    """
    if not version.strip():
        raise InvalidInput("version: name this import, like 2026-03.", code="version")
    lines = read_rates(file_text)
    columns = select(
        StateRateRow.us_state,
        StateRateRow.zip_code,
        StateRateRow.tax_class,
        StateRateRow.valid_from,
        StateRateRow.id,
        StateRateRow.rate,
        StateRateRow.valid_to,
    )
    known = {
        (state, zip_code, tax_class, start): rest for state, zip_code, tax_class, start, *rest in await session.execute(columns)
    }
    new = [line for line in lines if line.place not in known]
    changed = {
        known[line.place][0]: line
        for line in lines
        if line.place in known and known[line.place][1:] != [line.rate, line.valid_to]
    }
    session.add_all(
        StateRateRow(
            us_state=line.place[0],
            zip_code=line.place[1],
            tax_class=line.place[2],
            valid_from=line.place[3],
            rate=line.rate,
            valid_to=line.valid_to,
            version=version,
            imported_at=at,
        )
        for line in new
    )
    ids = list(changed)
    for start in range(0, len(ids), CHUNK):
        for row in await session.scalars(select(StateRateRow).where(StateRateRow.id.in_(ids[start : start + CHUNK]))):
            row.rate, row.valid_to, row.version, row.imported_at = changed[row.id].rate, changed[row.id].valid_to, version, at
    session.add(RateImportRow(version=version, at=at))
    await session.flush()
    registered = {found.us_state for found in await load_registrations(session) if found.valid(at.date())}
    missing = sorted({line.place[0] for line in lines} - registered)
    return RateImport(len(new), len(changed), len(lines) - len(new) - len(changed), tuple(missing))


async def rates_imported_at(session: AsyncSession) -> datetime | None:
    """When the rate table was imported last, changed or not; None without one (edge case 42)."""
    again = await session.scalar(select(func.max(RateImportRow.at)))
    return again or await session.scalar(select(func.max(StateRateRow.imported_at)))


async def load_registrations(session: AsyncSession) -> list[Registration]:
    """Every registration as the rules read it."""
    columns = select(RegistrationRow.us_state, RegistrationRow.valid_from, RegistrationRow.valid_to)
    return [Registration(*row) for row in await session.execute(columns)]


async def load_tax(session: AsyncSession, place: tuple[str, str] | None = None) -> TaxProgram:
    """Registrations, the rate table and the store's own flat rates as the rules read them.

    With `place`, a US state and a ZIP, only the rates that may count there. Columns instead of mapped rows, and one object per
    repeated text: tables by ZIP are large.
    """
    columns = select(
        StateRateRow.us_state,
        StateRateRow.rate,
        StateRateRow.version,
        StateRateRow.valid_from,
        StateRateRow.valid_to,
        StateRateRow.zip_code,
        StateRateRow.tax_class,
    )
    if place is not None:
        columns = columns.where(StateRateRow.us_state == place[0], StateRateRow.zip_code.in_(["", place[1][:5]]))
    percents: dict[Decimal, Decimal] = {}
    rates = []
    async for state, rate, version, start, end, zip_code, tax_class in rows(session, columns):
        percent = percents.get(rate)
        if percent is None:
            percent = percents[rate] = shortest(rate)
        places = (zip_code or None, sys.intern(tax_class) or None)
        rates.append(StateRate(sys.intern(state), percent, sys.intern(version), start, end, *places))
    flat = await session.execute(select(FlatRateRow.country, FlatRateRow.tax_class, FlatRateRow.rate))
    return TaxProgram.of(
        await load_registrations(session),
        rates,
        {(country, tax_class or None): shortest(rate) for country, tax_class, rate in flat},
    )


async def load_certificates(session: AsyncSession, reseller_id: str | None = None) -> dict[str, tuple[Certificate, ...]]:
    """Approved certificates by reseller id, of all resellers or of one; no other state counts (`rules.md` 10.2).

    Of one reseller also those that expired: an order of an earlier day may still come in (edge case 33).
    """
    counting = [CertificateState.APPROVED] + ([CertificateState.EXPIRED] if reseller_id is not None else [])
    columns = select(
        CertificateRow.reseller_id,
        CertificateRow.id,
        CertificateRow.number,
        CertificateRow.states,
        CertificateRow.signed_on,
        CertificateRow.valid_from,
        CertificateRow.valid_to,
        CertificateRow.state,
    ).where(CertificateRow.state.in_([state.value for state in counting]))
    if reseller_id is not None:
        columns = columns.where(CertificateRow.reseller_id == reseller_id)
    found: dict[str, tuple[Certificate, ...]] = defaultdict(tuple)
    async for owner, row_id, number, states, signed_on, valid_from, valid_to, state in rows(session, columns):
        covered = frozenset(map(sys.intern, states))
        certificate = Certificate(row_id, number, covered, CertificateState(state), signed_on, valid_from, valid_to)
        found[owner] = (*found[owner], certificate)
    return dict(found)
