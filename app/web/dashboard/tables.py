"""Lists of rows that sort, filter and page, by keyset: a page costs the same wherever in a million rows it lies.

    rows, shown = await listed(session, query, request.query_params, columns=COLUMNS, filters=("q", "status"), default="-created")

The column is named by `by`, since the Dashboard puts a `sort` of its own lists into addresses (dashboard-facts 0.9). The browser
remembers how a list was left (`data-remember` in the template, `dashboard.js`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.db.pages import page

PAGE = 25
MAX_FILTER = 200
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Shown:
    """How a list is shown now, and the query strings that show it otherwise."""

    filters: Mapping[str, str]
    sort: str
    down: bool
    cursor: str
    next: str | None

    def __getitem__(self, name: str) -> str:
        return self.filters[name]

    @property
    def filtered(self) -> bool:
        """Whether any filter is set."""
        return any(self.filters.values())

    def sorting(self, column: str) -> str:
        """Sorted by this column, or the other way round by the one that it is sorted by."""
        down = not self.down if column == self.sort else False
        return self._query(by=f"{'-' if down else ''}{column}")

    def beginning(self) -> str:
        """The first page."""
        return self._query(by=self._sort)

    def following(self) -> str:
        """The page after this one."""
        return self._query(by=self._sort, cursor=self.next or "")

    @property
    def _sort(self) -> str:
        return f"{'-' if self.down else ''}{self.sort}"

    def _query(self, **more: str) -> str:
        return urlencode({**{name: value for name, value in self.filters.items() if value}, **more})


def asked(params: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """The filters that an address sets, each a line of text."""
    return {name: params.get(name, "").replace("\x00", "").strip()[:MAX_FILTER] for name in names}


async def listed(
    session: AsyncSession,
    query: Select[Row],
    params: Mapping[str, str],
    *,
    columns: Mapping[str, InstrumentedAttribute[Any]],
    key: InstrumentedAttribute[str],
    filters: Mapping[str, str],
    default: str,
    limit: int = PAGE,
) -> tuple[Sequence[Row], Shown]:
    """A page of the query's rows as the address asks for it. `query` is filtered already; `filters` says by what.

    Every column of `columns` needs an index that ends with `key`. Raises InvalidInput for a cursor that is none.
    """
    given = params.get("by", "")
    if given.removeprefix("-") not in columns:
        given = default
    sort, down = given.removeprefix("-"), given.startswith("-")
    cursor = params.get("cursor", "")
    rows, following = await page(session, query, columns[sort], key, limit, cursor or None, ascending=not down)
    return rows, Shown(filters, sort, down, cursor, following)
