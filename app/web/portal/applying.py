"""The questionnaire of the program: kept as a draft, handed in, and answered once more where staff ask."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.responses import Response

from app.errors import ResellerError
from app.orders.acceptance import accept_with_application
from app.orders.applying import hand_in, newest_application
from app.reasons import Reason
from app.resellers import policy, review
from app.resellers.application import EDITABLE, LONGEST, MAX_ANSWER, MAX_QUESTION, ApplicationState, Business
from app.resellers.tables import Application
from app.web.portal.visit import Form, Person, Posted, Signed
from app.web.portal.words import OPTIONAL

router = APIRouter()
LINES = ("contact", "company", "street", "street2", "postal_code", "city", "region", "country", "tax_number", "website")
"""Fields of one line, as the form shows them."""
FIELDS = (*LINES, "main_business", "why")
NOTICES = ("saved", "submitted")


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
                answers={**row.answers, _question(row): form["answer"]} if _question(row) and form["answer"] else None,
                version=int(seen) if seen.isdecimal() and len(seen) < 10 else None,
            )
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


def _question(row: Application) -> str:
    """What staff want to know, as short as an answer's name may be; empty where nothing was asked."""
    asked = row.reason if row.state == ApplicationState.MORE_INFORMATION else ""
    return " ".join(asked.split())[:MAX_QUESTION].strip()


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
        in_force = await policy.in_force(session, person.shop.settings, person.services.today(person.shop))
    typed = form.named((*FIELDS, "answer")) if form else {}
    kept = {name: getattr(row, name) for name in FIELDS} if row else {}
    answer = row.answers.get(_question(row), "") if row else ""
    return person.page(
        "apply.html",
        status=error.status if error else 422 if lacks else 200,
        application=row,
        editable=row is None or row.state in EDITABLE,
        question=row.reason if row and _question(row) else "",
        values={**dict.fromkeys(FIELDS, ""), "answer": answer, **kept, **typed},
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
