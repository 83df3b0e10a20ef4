"""The monthly statements of account as they were mailed, to look up and to download (`rules.md` 7)."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter
from starlette.responses import Response

from app.money import Money
from app.resellers.roles import Right
from app.statements.drawing import CSV, PDF, file_stem
from app.statements.service import own_statement, page_of_statements
from app.statements.tables import Statement
from app.web.portal.visit import Person, Signed
from app.web.storefront.common import Cursor, Id

router = APIRouter()
PAGE = 24


@router.get("/statements")
async def show(person: Person, cursor: Cursor = None) -> Response:
    """The statements, the newest first, each with its files."""
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        reseller = await person.member(session, Right.SEE_STATEMENTS)
        rows, following = await page_of_statements(session, reseller.id, PAGE, cursor)
    shown = [(row, date.fromisoformat(f"{row.period}-01"), Money(row.to_pay_minor, row.currency)) for row in rows]
    return person.page("statements.html", statements=shown, following=following, first=cursor is None)


@router.get("/statements/{statement_id}/pdf")
async def pdf(person: Person, statement_id: Id) -> Response:
    """A statement as PDF, as it was sent."""
    row = await _own(person, statement_id)
    return person.file(row.pdf or b"", PDF, f"{file_stem(row)}.pdf")


@router.get("/statements/{statement_id}/csv")
async def csv(person: Person, statement_id: Id) -> Response:
    """A statement as CSV, as it was sent."""
    row = await _own(person, statement_id)
    return person.file(row.csv or b"", CSV, f"{file_stem(row)}.csv")


async def _own(person: Signed, statement_id: str) -> Statement:
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        reseller = await person.member(session, Right.SEE_STATEMENTS)
        return await own_statement(session, reseller.id, statement_id)
