"""Pages of a long list by keyset: a cursor names the last row seen, so that rows added meanwhile neither hide nor repeat one."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from sqlalchemy import Select, literal, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.errors import InvalidInput

MAX_PAGE = 100
MAX_CURSOR = 1500
"""Characters of a cursor; those of lists by a web address are the longest."""
Row = TypeVar("Row")
Order = InstrumentedAttribute[datetime] | InstrumentedAttribute[date] | InstrumentedAttribute[str] | InstrumentedAttribute[int]


async def page(
    session: AsyncSession,
    query: Select[Row],
    by: Order,
    key: InstrumentedAttribute[str],
    limit: int,
    cursor: str | None,
    *,
    ascending: bool = False,
) -> tuple[Sequence[Row], str | None]:
    """A page of the query's rows, the largest `by` (the newest) first, and the cursor of the next page; None on the last.

    With `ascending` the smallest come first. `key` decides between rows that have the same. Raises InvalidInput for a cursor that
    is none.
    """
    if cursor is not None:
        # One comparison of rows bounds the index scan; an OR of two would read every row before the page (bench.standing).
        row, last = tuple_(by, key), tuple_(*_position(cursor, by))
        query = query.where(row > last if ascending else row < last)
    order = (by.asc(), key.asc()) if ascending else (by.desc(), key.desc())
    rows = (await session.scalars(query.order_by(*order).limit(limit + 1))).all()
    if len(rows) <= limit:
        return rows, None
    end = rows[limit - 1]
    return rows[:limit], cursor_of(getattr(end, by.key), getattr(end, key.key))


def cursor_of(position: datetime | date | str | int, key: Any) -> str:
    """The cursor behind a row."""
    shown = str(position) if isinstance(position, str | int) else position.isoformat()
    return base64.urlsafe_b64encode(json.dumps([shown, key], ensure_ascii=False).encode()).decode().rstrip("=")


def _position(cursor: str, by: Order) -> tuple[Any, Any]:
    try:
        at, last = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(at, str) or not isinstance(last, str) or not last.isascii() or "\x00" in at + last:
            raise ValueError
        at.encode()  # half of a pair of surrogates is no text
        return literal(_typed(at, by.type.python_type), by.type), literal(last)
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError) as error:
        raise InvalidInput("cursor: use the `next` of a page, as it is.", code="cursor") from error


def _typed(text: str, kind: type) -> datetime | date | str | int:
    if kind is str:
        return text
    if kind is int:
        if abs(number := int(text)) >= 2**31:
            raise ValueError(text)
        return number
    if kind is not datetime:
        return date.fromisoformat(text)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    moment.astimezone(UTC)  # some of the first and the last day of all have no name there
    return moment
