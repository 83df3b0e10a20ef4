"""A reseller's monthly statements as they were sent, byte for byte (`rules.md` 7)."""

from __future__ import annotations

from datetime import date, datetime

from fastapi import APIRouter, Response
from pydantic import Field

from app.money import Money
from app.orders import storefront
from app.resellers.roles import Right
from app.statements.drawing import CSV, PDF, file_stem
from app.statements.service import own_statement, page_of_statements
from app.statements.tables import Statement
from app.web.storefront import schemas as s
from app.web.storefront.access import Asking, Doors
from app.web.storefront.common import PREFIX, Cursor, Id, Limit, attached, binary
from app.web.storefront.problems import MEMBER, problems, register_problems

router = APIRouter(tags=["resellers"])
register_problems({"no_statement": (404, "There is no such statement.")})


class MonthlyStatementOut(s.Model):
    id: str = Field(examples=["3f0c8a52-7d0e-4a55-9a3f-0f6f3b0f2a11"])
    number: str = Field(examples=["S2026-00001"])
    period: str = Field(description="The month it is of.", examples=["2026-02"])
    dated: date = Field(description="The first of the next month.", examples=["2026-03-01"])
    to_pay: s.MoneyOut = Field(description="Zero where nothing is asked for.")
    reference: str = Field(description="One wire with exactly this reference pays it.", examples=["RF18539007547034"])
    created_at: datetime = Field(examples=["2026-03-01T05:15:00Z"])
    pdf: str = Field(description="Its PDF.", examples=["/storefront/v1/statements/3f0c8a52-7d0e-4a55-9a3f-0f6f3b0f2a11/pdf"])
    csv: str = Field(description="Its CSV.", examples=["/storefront/v1/statements/3f0c8a52-7d0e-4a55-9a3f-0f6f3b0f2a11/csv"])


class MonthlyStatementsOut(s.Model):
    statements: list[MonthlyStatementOut] = Field(description="The newest first; one per month and currency.")
    next: s.Next


@router.get("/statements", response_model=MonthlyStatementsOut, responses=problems(*MEMBER, "cursor"))
async def statements(asking: Asking, services: Doors, limit: Limit = 20, cursor: Cursor = None) -> MonthlyStatementsOut:
    """The monthly statements that were sent to the reseller."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.SEE_STATEMENTS)
        rows, following = await page_of_statements(session, reseller.id, limit, cursor)
    return MonthlyStatementsOut(statements=[_shown(row) for row in rows], next=following)


@router.get(
    "/statements/{statement_id}/pdf",
    response_class=Response,
    responses=binary("application/pdf", "The statement.") | problems(*MEMBER, "no_statement"),
)
async def statement_pdf(statement_id: Id, asking: Asking, services: Doors) -> Response:
    """A statement as PDF, as it was sent."""
    row = await _own(statement_id, asking, services)
    return Response(row.pdf, media_type=PDF, headers=attached(f"{file_stem(row)}.pdf"))


@router.get(
    "/statements/{statement_id}/csv",
    response_class=Response,
    responses=binary("text/csv", "The statement.") | problems(*MEMBER, "no_statement"),
)
async def statement_csv(statement_id: Id, asking: Asking, services: Doors) -> Response:
    """A statement as CSV, as it was sent."""
    row = await _own(statement_id, asking, services)
    return Response(row.csv, media_type=CSV, headers=attached(f"{file_stem(row)}.csv"))


async def _own(statement_id: str, asking: Asking, services: Doors) -> Statement:
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.SEE_STATEMENTS)
        return await own_statement(session, reseller.id, statement_id)


def _shown(row: Statement) -> MonthlyStatementOut:
    return MonthlyStatementOut(
        id=row.id,
        number=row.number,
        period=row.period,
        dated=row.dated,
        to_pay=s.MoneyOut.of(Money(row.to_pay_minor, row.currency)),
        reference=row.reference,
        created_at=row.created_at,
        pdf=f"{PREFIX}/statements/{row.id}/pdf",
        csv=f"{PREFIX}/statements/{row.id}/csv",
    )
