"""Advice about deals, deals handed over, and support requests for customers (`rules.md` 11)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from app.cases import rules, service, support
from app.cases.tables import Case, SupportRequest
from app.orders import storefront
from app.resellers.roles import Right
from app.web.storefront import schemas as s
from app.web.storefront.access import Asking, Doors
from app.web.storefront.common import TEXT, AcceptLanguage, Cursor, Id, Limit, language_of
from app.web.storefront.problems import MEMBER, problems, register_problems

router = APIRouter(tags=["resellers"])
register_problems(
    {
        "no_case": (404, "There is no such case."),
        "case_text": (400, "text: it is missing."),
        "case_closed": (409, "The case is closed; open a new one."),
        "too_many_cases": (409, "Too many of your cases wait for an answer; write in one of them."),
        "no_forum": (409, "The vendor has named no forum; ask for advice instead."),
        "customer_not_asked": (400, "asked_by_customer: a support request may only be opened if the customer asked for it."),
    }
)
NUMBER, AT = "A2026-00001", "2026-03-30T09:00:00Z"


class CaseIn(s.Model):
    kind: Literal["advice", "hand_over"] = Field(
        description="Help with a deal of your own, or a deal that the vendor takes over.", examples=["advice"]
    )
    subject: str = Field(min_length=1, max_length=rules.MAX_SUBJECT, pattern=TEXT, examples=["Volume for a bank"])
    text: str = Field(min_length=1, max_length=rules.MAX_TEXT, pattern=TEXT, examples=["They ask for 40 seats."])
    customer: str = Field(
        "", max_length=rules.MAX_NAME, pattern=TEXT, description="The company; needed for `hand_over`.", examples=["Acme GmbH"]
    )
    contact: str = Field(
        "",
        max_length=rules.MAX_NAME,
        pattern=TEXT,
        description="Whom to speak to there; needed for `hand_over`.",
        examples=["Eva Ende, eva@acme.example"],
    )


class ReplyIn(s.Model):
    text: str = Field(min_length=1, max_length=rules.MAX_TEXT, pattern=TEXT, examples=["It is 60 seats now."])


class CaseEntryOut(s.Model):
    at: datetime = Field(examples=[AT])
    by: str = Field(description="A user of the reseller, or who of the vendor's staff.", examples=["rita@beta.example"])
    from_vendor: bool = Field(examples=[False])
    text: str = Field(examples=["They ask for 40 seats."])


class CaseSummaryOut(s.Model):
    id: str = Field(examples=["3f0c8a52-7d0e-4a55-9a3f-0f6f3b0f2a11"])
    number: str = Field(examples=[NUMBER])
    kind: Literal["advice", "hand_over"] = Field(examples=["advice"])
    state: Literal["open", "answered", "closed"] = Field(
        description="`open` waits for the vendor, `answered` for the reseller.", examples=["open"]
    )
    subject: str = Field(examples=["Volume for a bank"])
    customer: str = Field(examples=["Acme GmbH"])
    contact: str = Field(examples=["Eva Ende, eva@acme.example"])
    opened_at: datetime = Field(examples=[AT])
    opened_by: str = Field(examples=["rita@beta.example"])
    closed_at: datetime | None = Field(examples=[AT])


class CaseOut(CaseSummaryOut):
    entries: list[CaseEntryOut] = Field(description="The first first.")


class CasesOut(s.Model):
    cases: list[CaseSummaryOut] = Field(description="The newest first.")
    next: s.Next


class SupportIn(s.Model):
    order_number: str = Field(
        min_length=1, max_length=50, pattern=TEXT, description="The own order of the customer who asked.", examples=["1042"]
    )
    topic: str = Field(min_length=1, max_length=rules.MAX_SUBJECT, pattern=TEXT, examples=["The grid does not print"])
    asked_by_customer: bool = Field(
        description=f"True confirms: '{rules.ATTESTATION['en']}' Nothing is opened without.", examples=[True]
    )


class SupportOut(s.Model):
    id: str = Field(examples=["3f0c8a52-7d0e-4a55-9a3f-0f6f3b0f2a11"])
    order_number: str = Field(examples=["1042"])
    customer: str = Field(examples=["Acme GmbH"])
    topic: str = Field(examples=["The grid does not print"])
    confirmed: str = Field(description="The sentence on record.", examples=[rules.ATTESTATION["en"]])
    at: datetime = Field(examples=[AT])
    by: str = Field(examples=["rita@beta.example"])
    forum_url: str = Field(description="Go on there.", examples=["https://forum.example.com"])


class SupportsOut(s.Model):
    support_requests: list[SupportOut] = Field(description="The newest first.")
    next: s.Next


def again(model: type[s.Model]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation that was carried out today already."""
    return {200: {"model": model, "description": "The same was sent today already: this is it."}}


@router.post(
    "/cases",
    response_model=CaseOut,
    status_code=201,
    responses=again(CaseOut) | problems(*MEMBER, "case_text", "too_many_cases"),
)
async def open_case(
    body: CaseIn, response: Response, asking: Asking, services: Doors, accept_language: AcceptLanguage = None
) -> CaseOut:
    """Ask for advice about a deal, or hand it over to the vendor; answers come by mail and stand in the case."""
    what = rules.opening(body.kind, body.subject, body.text, body.customer, body.contact)
    async with services.database.tenant(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.ASK_ADVICE)
        case, new = await service.open_case(
            session, services, asking.shop, reseller, what, by=asking.email, language=language_of(accept_language)
        )
        response.status_code = 201 if new else 200
        return await _case(session, case)


@router.get("/cases", response_model=CasesOut, responses=problems(*MEMBER, "cursor"))
async def list_cases(asking: Asking, services: Doors, limit: Limit = 20, cursor: Cursor = None) -> CasesOut:
    """The reseller's cases."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.SEE_CASES)
        rows, following = await service.page_of_cases(session, reseller.id, limit, cursor)
    return CasesOut(cases=[CaseSummaryOut(**_facts(row)) for row in rows], next=following)


@router.get("/cases/{case_id}", response_model=CaseOut, responses=problems(*MEMBER, "no_case"))
async def case(case_id: Id, asking: Asking, services: Doors) -> CaseOut:
    """A case with all that was written in it."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.SEE_CASES)
        return await _case(session, await service.own_case(session, reseller.id, case_id))


@router.post(
    "/cases/{case_id}/entries", response_model=CaseOut, responses=problems(*MEMBER, "no_case", "case_text", "case_closed")
)
async def write_in_case(case_id: Id, body: ReplyIn, asking: Asking, services: Doors) -> CaseOut:
    """Write more in a case that is not closed."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.ASK_ADVICE)
        found = await service.own_case(session, reseller.id, case_id)
        await service.write(session, services, asking.shop, found, body.text, by=asking.email, from_staff=False)
        return await _case(session, found)


@router.post(
    "/support-requests",
    response_model=SupportOut,
    status_code=201,
    responses=again(SupportOut) | problems(*MEMBER, "customer_not_asked", "case_text", "no_forum", "no_order"),
)
async def request_support(
    body: SupportIn,
    request: Request,
    response: Response,
    asking: Asking,
    services: Doors,
    accept_language: AcceptLanguage = None,
) -> SupportOut:
    """Confirm that a customer asked for support; the answer leads to the vendor's forum."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.ASK_ADVICE)
        row, new = await support.attest(
            session,
            services,
            asking.shop,
            reseller,
            order_number=body.order_number,
            topic=body.topic,
            asked_by_customer=body.asked_by_customer,
            by=asking.email,
            language=language_of(accept_language),
            address=request.client.host if request.client else None,
        )
    response.status_code = 201 if new else 200
    return _support(row)


@router.get("/support-requests", response_model=SupportsOut, responses=problems(*MEMBER, "cursor"))
async def list_support_requests(asking: Asking, services: Doors, limit: Limit = 20, cursor: Cursor = None) -> SupportsOut:
    """What the reseller confirmed."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.SEE_CASES)
        rows, following = await support.page_of_requests(session, reseller.id, limit, cursor)
    return SupportsOut(support_requests=[_support(row) for row in rows], next=following)


async def _case(session: AsyncSession, row: Case) -> CaseOut:
    written = [
        CaseEntryOut(at=one.at, by=one.by, from_vendor=one.from_staff, text=one.text)
        for one in await service.entries(session, row.id)
    ]
    return CaseOut(**_facts(row), entries=written)


def _facts(row: Case) -> dict[str, Any]:
    names = ("id", "number", "kind", "state", "subject", "customer", "contact", "opened_at", "opened_by", "closed_at")
    return {name: getattr(row, name) for name in names}


def _support(row: SupportRequest) -> SupportOut:
    return SupportOut(
        id=row.id,
        order_number=row.order_number,
        customer=row.customer,
        topic=row.topic,
        confirmed=row.words,
        at=row.attested_at,
        by=row.attested_by,
        forum_url=row.forum_url,
    )
