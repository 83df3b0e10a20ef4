"""The Reseller Policy in force: its text for everybody with an account, and its acceptance by a reseller."""

from __future__ import annotations

from datetime import date
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.orders import storefront
from app.orders.acceptance import accept_in_force
from app.resellers.policy import in_force, text_in
from app.resellers.roles import Right
from app.web.storefront import schemas as s
from app.web.storefront.access import Asking, Doors
from app.web.storefront.common import AcceptLanguage, language_of
from app.web.storefront.problems import MEMBER, problems

router = APIRouter()


class PolicyOut(s.Model):
    version: str = Field(description="What an acceptance names.", examples=["2026-1"])
    since: date | None = Field(description="The day it came into force.", examples=["2026-01-01"])
    accepted: bool = Field(description="Whether the caller's reseller, or else its application, accepted this version.")
    language: Literal["en", "de"] = Field(examples=["en"])
    text: str | None = Field(
        description="Markdown; null where the vendor shows its policy elsewhere.",
        examples=["# Reseller Policy\n\nBy ordering ...\n"],
    )
    sha256: str | None = Field(
        description="Of the text in UTF-8, as an acceptance keeps it.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )


@router.get("/policy", tags=["program"], response_model=PolicyOut)
async def policy(asking: Asking, services: Doors, response: Response, accept_language: AcceptLanguage = None) -> PolicyOut:
    """The text in force today, in English or German as `Accept-Language` prefers."""
    language = language_of(accept_language)
    async with services.database.tenant_reading(asking.shop.tenant_id) as session:
        found = await in_force(session, asking.shop.settings, services.today(asking.shop))
        text = await text_in(session, found.version, language)
        accepted = await storefront.accepted(session, asking.user_id, found.version)
    response.headers["Content-Language"] = language
    return PolicyOut(
        version=found.version,
        since=found.since,
        accepted=accepted,
        language=language,
        text=text[0] if text else None,
        sha256=text[1] if text else None,
    )


@router.post(
    "/policy/acceptance",
    tags=["resellers"],
    response_model=s.AcceptanceOut,
    responses=problems(*MEMBER, "reseller_inactive", "policy_version"),
)
async def policy_acceptance(request: Request, body: s.AcceptanceIn, asking: Asking, services: Doors) -> s.AcceptanceOut:
    """Accept the Reseller Policy in force; a repetition changes nothing."""
    async with services.database.tenant(asking.shop.tenant_id) as session:
        reseller = await storefront.member(session, asking.user_id, Right.ACCEPT_POLICY)
        new = await accept_in_force(
            session,
            services,
            asking.shop,
            reseller,
            version=body.version,
            by=asking.email,
            language=body.language or "",
            address=request.client.host if request.client else None,
        )
    return s.AcceptanceOut(version=body.version, new=new)
