"""Pages of rows, the newest first, by a cursor that names the last row seen: it stays right while rows are added."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Select, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from app.errors import InvalidInput

MAX_PAGE = 100
T = TypeVar("T")
Q = TypeVar("Q", bound=Select[Any])


def paged(query: Q, at: InstrumentedAttribute[datetime], row_id: InstrumentedAttribute[str], limit: int, cursor: str | None) -> Q:
    """The query for one page and one row more, which tells whether there is another page.

    An index that ends with `at` and `row_id` serves it at any depth. Raises InvalidInput for a cursor that is none.
    """
    if cursor is not None:
        moment, last = _position(cursor)
        query = query.where(tuple_(at, row_id) < tuple_(literal(moment, at.type), literal(last)))
    return query.order_by(at.desc(), row_id.desc()).limit(limit + 1)


def cut(rows: Sequence[T], limit: int, key: Callable[[T], tuple[datetime, str]]) -> tuple[Sequence[T], str | None]:
    """The page without the row more, and the cursor of the next page; None on the last."""
    if len(rows) <= limit:
        return rows, None
    moment, last = key(rows[limit - 1])
    text = json.dumps([moment.isoformat(), last])
    return rows[:limit], base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _position(cursor: str) -> tuple[datetime, str]:
    try:
        at, last = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or not isinstance(last, str):
            raise ValueError
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise InvalidInput("cursor: use the `next` of a page, as it is.", code="cursor") from error
    return moment, last
