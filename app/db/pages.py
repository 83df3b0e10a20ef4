"""Pages of a long list by keyset: a cursor names the last row seen, so that rows added meanwhile neither hide nor repeat one."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Select, literal, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.errors import InvalidInput

MAX_PAGE = 100
MAX_CURSOR = 200
"""Characters of a cursor."""
Row = TypeVar("Row")


async def page(
    session: AsyncSession,
    query: Select[Row],
    at: InstrumentedAttribute[datetime],
    key: InstrumentedAttribute[str],
    limit: int,
    cursor: str | None,
) -> tuple[Sequence[Row], str | None]:
    """A page of the query's rows, the newest by `at` first, and the cursor of the next page; None on the last.

    `key` decides between rows of one moment. Raises InvalidInput for a cursor that is none.
    """
    if cursor is not None:
        moment, last = _position(cursor)
        # One comparison of rows bounds the index scan; an OR of two would read every row before the page (bench.standing).
        query = query.where(tuple_(at, key) < tuple_(literal(moment, at.type), literal(last)))
    rows = (await session.scalars(query.order_by(at.desc(), key.desc()).limit(limit + 1))).all()
    if len(rows) <= limit:
        return rows, None
    end = rows[limit - 1]
    return rows[:limit], cursor_of(getattr(end, at.key), getattr(end, key.key))


def cursor_of(moment: datetime, key: Any) -> str:
    """The cursor behind a row."""
    return base64.urlsafe_b64encode(json.dumps([moment.isoformat(), key]).encode()).decode().rstrip("=")


def _position(cursor: str) -> tuple[datetime, str]:
    try:
        at, last = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or not isinstance(last, str) or not last.isascii() or "\x00" in last:
            raise ValueError
        moment.astimezone(UTC)  # some of the first and the last day of all have no name there
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError) as error:
        raise InvalidInput("cursor: use the `next` of a page, as it is.", code="cursor") from error
    return moment, last
