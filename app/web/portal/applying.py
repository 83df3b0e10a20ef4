"""The questionnaire of the program: kept as a draft, handed in, and answered once more where staff ask."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from app.errors import NotFound, ResellerError
from app.files.service import content
from app.orders.acceptance import accept_with_application
from app.orders.applying import hand_in, newest_application
from app.reasons import Reason
from app.resellers import applicant, evidence, policy, review
from app.resellers.application import EDITABLE, LONGEST, MAX_ANSWER, OPEN, Business
from app.resellers.tables import Application
from app.web.forms import Form, uploaded
from app.web.portal.visit import Person, Posted, Signed
from app.web.portal.words import OPTIONAL
from app.web.storefront.common import Id

router = APIRouter()
LINES = ("contact", "company", "street", "street2", "postal_code", "city", "region", "country", "tax_number", "website")
"""Fields of one line, as the form shows them."""
FIELDS = (*LINES, "main_business", "why")
NOTICES = ("saved", "submitted", "taken_back", "file_added", "file_removed")


@router.get("/apply")
async def questionnaire(person: Person, notice: str = "") -> Response:
    """The account's application: to fill in, or where it stands."""
    return await _page(person, notice=notice if notice in NOTICES else "")


@router.post("/apply")
async def keep(person: Person, form: Posted) -> Response:
    """Keep what was filled in and, where asked, hand it in."""
    services, shop, user_id = person.services, person.shop, person.customer.user_id
    try:
        async with services.database.tenant(shop.tenant_id) as session:
            row = await review.start(
                session,
                saleor_user_id=user_id,
                email=person.customer.email,
                numbers=shop.settings.program,
                by=person.customer.email,
                at=services.clock(),
                language=person.language,
            )
            seen = form["version"]
            await review.save_draft(
                session,
                row.id,
                {**form.named(FIELDS), "language": person.language},
                version=int(seen) if seen.isdecimal() and len(seen) < 10 else None,
            )
            if form["answer"].strip():
                await applicant.keep_answer(session, row.id, form["answer"])
            if form["accept"]:
                await accept_with_application(
                    session,
                    services,
                    shop,
                    row,
                    version=form["policy_version"],
                    language=person.language,
                    address=person.request.client.host if person.request.client else None,
                )
        if form["do"] != "submit":
            return person.go("/apply?notice=saved")
        lacks = await hand_in(services, shop, row.id, user_id, by=person.customer.email)
    except ResellerError as error:
        return await _page(person, form=form, error=error)
    return await _page(person, lacks=lacks) if lacks else person.go("/apply?notice=submitted")


@router.get("/apply/withdraw")
async def ask_to_withdraw(person: Person) -> Response:
    """The question whether the application is to be taken back. Raises NotFound where none is open."""
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        row = await _open(session, person.customer.user_id)
    return person.page("withdraw.html", application=row)


@router.post("/apply/withdraw")
async def withdraw(person: Person, form: Posted) -> Response:
    """Take the application back."""
    async with person.services.database.tenant(person.shop.tenant_id) as session:
        row = await _open(session, person.customer.user_id)
        await applicant.withdraw(session, row.id, by=person.customer.email, at=person.services.clock())
    return person.go("/apply?notice=taken_back")


@router.post("/apply/evidence")
async def add_file(person: Person, form: Posted) -> Response:
    """Add a file to the application, which is begun by it if it is the first thing there is of it."""
    services, shop, customer = person.services, person.shop, person.customer
    limit = services.settings.max_upload_bytes
    try:
        upload = await uploaded(form, limit)
        async with services.database.tenant(shop.tenant_id) as session:
            await review.start(
                session,
                saleor_user_id=customer.user_id,
                email=customer.email,
                numbers=shop.settings.program,
                by=customer.email,
                at=services.clock(),
                language=person.language,
            )
        await evidence.add_evidence(
            services.database,
            services.files,
            shop.tenant_id,
            customer.user_id,
            upload,
            by=customer.email,
            at=services.clock(),
            limit=limit,
        )
    except ResellerError as error:
        if error.status >= 500:
            raise
        return await _page(person, error=error)
    return person.go("/apply?notice=file_added")


@router.get("/apply/evidence/{file_id}")
async def read_file(person: Person, file_id: Id) -> Response:
    """A file with the account's application, as it was uploaded."""
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        file = await evidence.own_evidence(session, person.customer.user_id, file_id)
    return person.file(await content(person.services.files, file), file.media_type, file.name)


@router.post("/apply/evidence/{file_id}")
async def remove_file(person: Person, file_id: Id, form: Posted) -> Response:
    """Take a file away from the application."""
    user_id, by = person.customer.user_id, person.customer.email
    async with person.services.database.tenant(person.shop.tenant_id) as session:
        await evidence.remove_evidence(session, user_id, file_id, by=by, at=person.services.clock())
    return person.go("/apply?notice=file_removed")


async def _open(session: AsyncSession, user_id: str) -> Application:
    row = await newest_application(session, user_id)
    if row is None or row.state not in OPEN:
        raise NotFound("There is no application of this account that is open.", code="no_application")
    return row


async def _page(
    person: Signed,
    *,
    form: Form | None = None,
    lacks: Sequence[Reason] = (),
    error: ResellerError | None = None,
    notice: str = "",
) -> Response:
    """The questionnaire with what was typed last, else with what is kept."""
    async with person.services.database.tenant_reading(person.shop.tenant_id) as session:
        row = await newest_application(session, person.customer.user_id)
        open_ = row is not None and row.state in OPEN
        asked = await applicant.question(session, row) if row is not None else None
        files = await evidence.evidence(session, person.customer.user_id) if open_ else []
        in_force = await policy.in_force(session, person.shop.settings, person.services.today(person.shop))
    typed = form.named((*FIELDS, "answer")) if form else {}
    kept = {name: getattr(row, name) for name in FIELDS} if row else {}
    answer = row.answers.get(asked, "") if row and asked else ""
    return person.page(
        "apply.html",
        status=error.status if error else 422 if lacks else 200,
        application=row,
        editable=row is None or row.state in EDITABLE,
        question=row.reason if row and asked else "",
        may_withdraw=open_,
        values={**dict.fromkeys(FIELDS, ""), "answer": answer, **kept, **typed},
        files=files,
        lines=LINES,
        optional=OPTIONAL,
        longest={**LONGEST, "answer": MAX_ANSWER},
        businesses=list(Business),
        policy_version=in_force.version,
        policy_accepted=row is not None and row.policy_version == in_force.version,
        lacks=lacks,
        error=error,
        notice=notice,
    )
