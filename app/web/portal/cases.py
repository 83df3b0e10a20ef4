"""Advice about deals, deals handed over, and support requests for customers (`rules.md` 11)."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from app.cases import rules, service, support
from app.errors import ResellerError
from app.resellers.roles import Right
from app.web.forms import Form
from app.web.portal.visit import Person, Posted, Signed
from app.web.storefront.common import Cursor, Id

router = APIRouter()
PAGE = 20
FIELDS = ("kind", "subject", "text", "customer", "deal_contact")


@router.get("/cases")
async def cases(person: Person, cursor: Cursor = None) -> Response:
    """The reseller's cases, the newest first, and the form for another."""
    return await _cases(person, cursor=cursor)


@router.post("/cases")
async def open_case(person: Person, form: Posted) -> Response:
    """Open a case."""
    services, shop = person.services, person.shop
    try:
        what = rules.opening(*(form[name] for name in FIELDS))
        async with services.database.tenant(shop.tenant_id) as session:
            reseller = await person.member(session, Right.ASK_ADVICE)
            case, _ = await service.open_case(
                session, services, shop, reseller, what, by=person.customer.email, language=person.language
            )
    except ResellerError as error:
        if error.status not in (400, 409):
            raise
        return await _cases(person, form=form, error=error)
    return person.go(f"/cases/{case.id}?notice=case_opened")


@router.get("/cases/{case_id}")
async def case(person: Person, case_id: Id, notice: str = "") -> Response:
    """One case with all that was written."""
    return await _case(person, case_id, notice=notice if notice in ("case_opened", "case_written") else "")


@router.post("/cases/{case_id}")
async def write(person: Person, case_id: Id, form: Posted) -> Response:
    """Write more in a case."""
    services, shop = person.services, person.shop
    try:
        async with services.database.tenant(shop.tenant_id) as session:
            reseller = await person.member(session, Right.ASK_ADVICE)
            found = await service.own_case(session, reseller.id, case_id)
            await service.write(session, services, shop, found, form["text"], by=person.customer.email, from_staff=False)
    except ResellerError as error:
        if error.status not in (400, 409):
            raise
        return await _case(person, case_id, text=form["text"], error=error)
    return person.go(f"/cases/{case_id}?notice=case_written")


@router.get("/support")
async def requests(person: Person, cursor: Cursor = None) -> Response:
    """What the reseller confirmed, and the form to confirm more and go to the forum."""
    return await _support(person, cursor=cursor)


@router.post("/support")
async def request_support(person: Person, form: Posted) -> Response:
    """Confirm that a customer asked, and show the way to the forum."""
    services, shop = person.services, person.shop
    try:
        async with services.database.tenant(shop.tenant_id) as session:
            reseller = await person.member(session, Right.ASK_ADVICE)
            row, _ = await support.attest(
                session,
                services,
                shop,
                reseller,
                order_number=form["order_number"].strip(),
                topic=form["topic"],
                asked_by_customer=form["asked_by_customer"] == "yes",
                by=person.customer.email,
                language=person.language,
                address=person.request.client.host if person.request.client else None,
            )
    except ResellerError as error:
        if error.status not in (400, 404, 409):
            raise
        return await _support(person, form=form, error=error)
    return await _support(person, forum=row.forum_url)


async def _cases(
    person: Signed, *, cursor: str | None = None, form: Form | None = None, error: ResellerError | None = None
) -> Response:
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        reseller = await person.member(session, Right.SEE_CASES)
        rows, following = await service.page_of_cases(session, reseller.id, PAGE, cursor)
    return person.page(
        "cases.html",
        status=error.status if error else 200,
        cases=rows,
        following=following,
        first=cursor is None,
        given={name: form[name] if form else "" for name in FIELDS},
        longest=rules.MAX_TEXT,
        error=error,
    )


async def _case(
    person: Signed, case_id: str, *, notice: str = "", text: str = "", error: ResellerError | None = None
) -> Response:
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        reseller = await person.member(session, Right.SEE_CASES)
        found = await service.own_case(session, reseller.id, case_id)
        written = await service.entries(session, found.id)
    return person.page(
        "case.html",
        status=error.status if error else 200,
        case=found,
        entries=written,
        text=text,
        longest=rules.MAX_TEXT,
        notice=notice,
        error=error,
    )


async def _support(
    person: Signed, *, cursor: str | None = None, form: Form | None = None, error: ResellerError | None = None, forum: str = ""
) -> Response:
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        reseller = await person.member(session, Right.SEE_CASES)
        rows, following = await support.page_of_requests(session, reseller.id, PAGE, cursor)
    return person.page(
        "support.html",
        status=error.status if error else 200,
        requests=rows,
        following=following,
        first=cursor is None,
        given={name: form[name] if form else "" for name in ("order_number", "topic")},
        offered=bool(person.shop.settings.forum_url),
        attestation=rules.ATTESTATION[person.language],
        forum=forum,
        error=error,
    )
