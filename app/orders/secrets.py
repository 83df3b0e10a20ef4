"""Secrets at rest under their keys: which key sealed what, and sealing all of it by the newest one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table, select, update

from app.db.base import program_tables
from app.db.tenants import Tenant
from app.errors import Unavailable
from app.orders.services import Services


@dataclass(frozen=True, slots=True)
class Sealed:
    """How many secrets each key sealed, by its id; `current` is the newest key's id, `unreadable` names rows no key opens."""

    current: str
    by_key: dict[str, int]
    resealed: int
    unreadable: tuple[str, ...]


async def rotate(services: Services, *, dry_run: bool = False) -> Sealed:
    """Seal every secret by the newest key that older ones sealed; with `dry_run` only say what there is.

    Once nothing is left under an older key, it can be taken out of the settings. What no key opens is named and left alone. Safe
    beside running processes: they open with every configured key.
    """
    by_key: Counter[str] = Counter()
    unreadable: list[str] = []
    resealed = 0
    for table, column, owner in sealed_columns():
        key = table.c.id
        async with services.database.system() as session:
            rows = (await session.execute(select(key, owner, column).with_for_update())).all()
            for identity, tenant_id, sealed in rows:
                try:
                    services.box.decrypt(tenant_id, sealed)
                except Unavailable:
                    unreadable.append(f"{table.name} {identity}")
                    continue
                if not services.box.is_current(sealed) and not dry_run:
                    again = services.box.reseal(tenant_id, sealed)
                    await session.execute(update(table).where(key == identity).values({column.name: again}))
                    sealed = again
                    resealed += 1
                by_key[sealed.partition(".")[0]] += 1
    return Sealed(services.box.key_id, dict(by_key), resealed, tuple(unreadable))


def sealed_columns() -> Iterator[tuple[Table, Column[Any], Column[Any]]]:
    """Each column that holds sealed text: its table, itself, and the column of the shop it is sealed for."""
    for table in program_tables():
        for column in table.columns:
            if column.info.get("sealed"):
                yield table, column, table.c.id if table is Tenant.__table__ else table.c.tenant_id
