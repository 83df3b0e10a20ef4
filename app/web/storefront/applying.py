"""Applying to the program: a draft, kept until it is handed in, and what staff ask about it (`rules.md` 1)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import NotFound, Refused
from app.orders.acceptance import accept_with_application
from app.orders.applying import hand_in, mailbox, newest_application
from app.reasons import Reason
from app.resellers import applicant, review
from app.resellers.application import LONGEST, MAX_ANSWER, MAX_ANSWERS, MAX_QUESTION, OPEN, missing
from app.resellers.tables import Application
from app.web.storefront import schemas as s
from app.web.storefront.access import Asking, Doors
from app.web.storefront.common import AcceptLanguage, language_of, shown_reasons
from app.web.storefront.problems import problems, register_problems

router = APIRouter(tags=["program"])
FIELD_CODES = ("field", "answers", *LONGEST)
register_problems(
    {
        "no_application": (404, "There is no application of this account."),
        "known_user": (409, "This account orders for ACME already; it is approved."),
        "cool_down": (422, "The last application was rejected; apply again from 2026-04-01 on."),
        "email": (400, "email: 'a@b' is not an e-mail address."),
        "not_editable": (409, "The application of ACME cannot be changed: its state is submitted."),
        "changed": (409, "The application was changed since it was read; read it again."),
        "already_decided": (409, "The application of ACME cannot be withdrawn: its state is approved since 2026-03-02."),
        "not_asked": (409, "Nothing is asked about the application: its state is submitted."),
        "incomplete": (422, "company: it is missing."),
        **{code: (400, f"{code}: it holds characters that are no text.") for code in FIELD_CODES},
    }
)


def _text(field: str, example: str, description: str) -> Any:
    return Field(None, description=description, max_length=LONGEST[field], examples=[example])


class ApplicationIn(s.Model):
    """What is left out stays as it is."""

    version: int | None = Field(None, ge=1, description="The one that was read; another one stored is a conflict.", examples=[3])
    contact: str | None = _text("contact", "Ann Lee", "The person who applies.")
    company: str | None = _text("company", "Northwind Resale Ltd", "The company's legal name.")
    street: str | None = _text("street", "1 Main St", "Of the registered address.")
    street2: str | None = _text("street2", "Suite 5", "Second line of the street.")
    city: str | None = _text("city", "Austin", "Of the registered address.")
    postal_code: str | None = _text("postal_code", "78701", "Of the registered address.")
    country: str | None = _text("country", "US", "ISO 3166-1 code.")
    region: str | None = _text("region", "TX", "In the US the state's two letters.")
    tax_number: str | None = _text("tax_number", "74-1234567", "EIN, VAT or another number of the company.")
    website: str | None = _text("website", "https://www.northwind.example", "The company's own.")
    main_business: str | None = _text("main_business", "reseller", "reseller, distributor, consultancy, developer or other.")
    why: str | None = _text("why", "We sell developer tools to 300 companies in Texas.", "Why the company wants to resell.")
    language: str | None = _text("language", "en", "Of mails to the applicant: en or de.")
    answers: (
        dict[Annotated[str, StringConstraints(max_length=MAX_QUESTION)], Annotated[str, StringConstraints(max_length=MAX_ANSWER)]]
        | None
    ) = Field(
        None,
        max_length=MAX_ANSWERS,
        description="The vendor's own questions with their answers; all of them are replaced.",
        examples=[{"How many developers do you serve?": "About 2,000."}],
    )


class AnswerIn(s.Model):
    answer: str = Field(min_length=1, max_length=MAX_ANSWER, examples=["Our VAT number is DE123456789."])


class ApplicationOut(s.Model):
    state: str = Field(
        description="draft, submitted, more_information, approved, rejected or withdrawn.", examples=["more_information"]
    )
    version: int = Field(description="Counts changes.", examples=[3])
    email: str = Field(examples=["ann@northwind.example"])
    contact: str = Field(examples=["Ann Lee"])
    company: str = Field(examples=["Northwind Resale Ltd"])
    street: str = Field(examples=["1 Main St"])
    street2: str = Field(examples=["Suite 5"])
    city: str = Field(examples=["Austin"])
    postal_code: str = Field(examples=["78701"])
    country: str = Field(examples=["US"])
    region: str = Field(examples=["TX"])
    tax_number: str = Field(examples=["74-1234567"])
    website: str = Field(examples=["https://www.northwind.example"])
    main_business: str = Field(examples=["reseller"])
    why: str = Field(examples=["We sell developer tools to 300 companies in Texas."])
    language: str = Field(examples=["en"])
    answers: dict[str, str] = Field(examples=[{"How many developers do you serve?": "About 2,000."}])
    reason: str = Field(
        description="What staff ask, or why it was rejected; empty otherwise.", examples=["Which is your VAT number?"]
    )
    lacks: list[s.ReasonOut] = Field(description="What it lacks to be submitted, as far as the app itself can see.")
    policy_version: str | None = Field(description="The version of the Reseller Policy accepted with it.", examples=["2026-1"])
    created_at: datetime = Field(examples=["2026-03-02T12:00:00Z"])
    submitted_at: datetime | None = Field(examples=["2026-03-02T12:30:00Z"])
    decided_at: datetime | None = Field(examples=["2026-03-03T09:00:00Z"])


@router.get("/application", response_model=ApplicationOut, responses=problems("no_application"))
async def application(asking: Asking, services: Doors) -> ApplicationOut:
    """The account's application: the one in the works, or the last one decided."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        return _shown(await _own(session, asking.user_id))


@router.post("/application", response_model=ApplicationOut, responses=problems("known_user", "cool_down", "email"))
async def start_application(asking: Asking, services: Doors, accept_language: AcceptLanguage = None) -> ApplicationOut:
    """Begin an application; the one in the works is answered however often it is asked for."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        row = await review.start(
            session,
            saleor_user_id=asking.user_id,
            email=asking.email,
            numbers=asking.shop.settings.program,
            by=asking.email,
            at=services.clock(),
            language=language_of(accept_language),
        )
        return _shown(row)


@router.patch(
    "/application", response_model=ApplicationOut, responses=problems("no_application", "not_editable", "changed", *FIELD_CODES)
)
async def save_application(body: ApplicationIn, asking: Asking, services: Doors) -> ApplicationOut:
    """Keep what the applicant filled in; a draft may be incomplete. One wrong field, and nothing is changed."""
    given = body.model_dump(exclude={"version", "answers"}, exclude_none=True)
    async with services.database.tenant(asking.shop.tenant_id) as session:
        row = await _own(session, asking.user_id)
        return _shown(await review.save_draft(session, row.id, given, answers=body.answers, version=body.version))


@router.post(
    "/application/submit",
    response_model=ApplicationOut,
    responses=problems("no_application", "not_editable", "incomplete", "saleor_error"),
)
async def submit_application(asking: Asking, services: Doors) -> ApplicationOut:
    """Hand the application to the vendor. The account's e-mail must be confirmed in the shop. Twice changes nothing."""
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        found = (await _own(session, asking.user_id)).id
    _complete(await hand_in(services, asking.shop, found, asking.user_id, by=asking.email))
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        return _shown(await _own(session, asking.user_id))


@router.post(
    "/application/answer",
    response_model=ApplicationOut,
    responses=problems("no_application", "not_asked", "not_editable", "incomplete", "answers", "saleor_error"),
)
async def answer_application(body: AnswerIn, asking: Asking, services: Doors) -> ApplicationOut:
    """Answer what the vendor asked, and submit again. An application that lacks something else stays as it was."""
    seen = await mailbox(services, asking.shop, asking.user_id)
    async with services.database.tenant(asking.shop.tenant_id) as session:
        row = await applicant.keep_answer(session, (await _own(session, asking.user_id)).id, body.answer)
        _complete(
            await review.submit(
                session, row.id, email_confirmed=seen.confirmed, email=seen.email, by=asking.email, at=services.clock()
            )
        )
        return _shown(row)


@router.post("/application/withdraw", response_model=ApplicationOut, responses=problems("no_application", "already_decided"))
async def withdraw_application(asking: Asking, services: Doors) -> ApplicationOut:
    """Take the application back before it is decided. Twice changes nothing."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        row = await _own(session, asking.user_id)
        return _shown(await applicant.withdraw(session, row.id, by=asking.email, at=services.clock()))


@router.post(
    "/application/acceptance",
    response_model=s.AcceptanceOut,
    responses=problems("no_application", "not_editable", "policy_version"),
)
async def application_acceptance(request: Request, body: s.AcceptanceIn, asking: Asking, services: Doors) -> s.AcceptanceOut:
    """Accept the Reseller Policy with the application; it counts at approval if the same version is in force then."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        row = await _own(session, asking.user_id)
        new = await accept_with_application(
            session,
            services,
            asking.shop,
            row,
            version=body.version,
            language=body.language or row.language,
            address=request.client.host if request.client else None,
        )
    return s.AcceptanceOut(version=body.version, new=new)


async def _own(session: AsyncSession, user_id: str) -> Application:
    row = await newest_application(session, user_id)
    if row is None:
        raise NotFound("There is no application of this account.", code="no_application")
    return row


def _complete(lacks: tuple[Reason, ...]) -> None:
    if lacks:
        raise Refused(" ".join(map(str, lacks)), code="incomplete")


def _shown(row: Application) -> ApplicationOut:
    own = {name: getattr(row, name) for name in ApplicationOut.model_fields if name != "lacks"}
    # Whether the e-mail is confirmed only the shop knows; it is asked when the application is submitted.
    return ApplicationOut(**own, lacks=shown_reasons(missing(row, email_confirmed=True) if row.state in OPEN else ()))
