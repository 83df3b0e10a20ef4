"""Signing in and out. The password goes to the shop and nowhere else; whoever guesses is slowed down."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.errors import Forbidden, ResellerError, Unauthorized
from app.resellers.rules import fold_email
from app.saleor.accounts import sign_in
from app.saleor.shops import Shop
from app.web.forms import Form, read_form
from app.web.portal.session import PATH, Session
from app.web.portal.visit import Anybody, Person, Posted, Visit, find_shop
from app.web.storefront.access import Buckets

PER_ADDRESS, PER_EMAIL = 20, 5
"""Tries a minute from one address, and for one account whoever tries; the shop slows down further tries by itself."""
NOTICES = ("sign_in_first", "session_ended", "signed_out")
router = APIRouter()


def sign_in_path(visit: Visit, notice: str) -> str:
    """Where somebody who is not signed in goes, below the portal; a page asked for by GET is come back to."""
    several = len(visit.services.shops.all()) > 1 and visit.shop is not None and not visit.shop.settings.portal_host
    name = urlsplit(visit.shop.api_url).netloc if several and visit.shop else "sign-in"
    asked = visit.request.url.path.removeprefix(PATH) if visit.request.method == "GET" else "/"
    return f"/{name}?notice={notice}" + (f"&next={asked}" if _own_page(asked) and asked != "/" else "")


@router.get("/sign-in")
async def form(visit: Anybody, notice: str = "", next: str = "") -> Response:
    """The form to sign in by."""
    return _form(visit, _shop(visit, ""), notice=notice, following=next)


@router.post("/sign-in")
async def enter(visit: Anybody, request: Request) -> Response:
    """Sign in."""
    async with read_form(request) as form:
        return await _enter(visit, _shop(visit, ""), form)


@router.post("/sign-out")
async def leave(person: Person, form: Posted) -> Response:
    """Forget who was signed in; the shop's own pages are left as they are."""
    target = sign_in_path(person, "signed_out")
    person.keep(None)
    return person.go(target)


@router.get("/{shop}")
async def form_of_shop(visit: Anybody, shop: str, notice: str = "", next: str = "") -> Response:
    """The form to sign in to one of several shops by."""
    return _form(visit, _shop(visit, shop), notice=notice, following=next)


@router.post("/{shop}")
async def enter_shop(visit: Anybody, shop: str, request: Request) -> Response:
    """Sign in to one of several shops."""
    async with read_form(request) as form:
        return await _enter(visit, _shop(visit, shop), form)


def _shop(visit: Visit, name: str) -> Shop:
    return find_shop(visit.services, name, visit.request.headers.get("host", ""))


def _form(
    visit: Visit, shop: Shop, *, notice: str = "", following: str = "", email: str = "", error: ResellerError | None = None
) -> Response:
    if visit.session is None or visit.shop is None or visit.shop.tenant_id != shop.tenant_id:
        visit.keep(Session.visitor(shop.tenant_id, visit.services.clock()))
    visit.shop = shop
    return visit.page(
        "sign_in.html",
        status=error.status if error else 200,
        notice=notice if notice in NOTICES else "",
        following=following if _own_page(following) else "",
        email=email,
        error=error,
        action=visit.request.url.path,
    )


async def _enter(visit: Visit, shop: Shop, form: Form) -> Response:
    services = visit.services
    now = services.clock()
    try:
        if visit.session is None or visit.session.tenant_id != shop.tenant_id:
            raise Forbidden("This form is out of date; send it once more.", code="form_token")
        visit.session.check(form["form_token"])
        attempts: Buckets = visit.request.app.state.attempts
        attempts.take(("address", visit.request.client.host if visit.request.client else ""), PER_ADDRESS, now)
        attempts.take((shop.tenant_id, fold_email(form["email"])[:254]), PER_EMAIL, now)
        signed = await sign_in(services.shops, shop, form["email"], form["password"], now)
    except ResellerError as error:
        if isinstance(error, Unauthorized | Forbidden) or error.status in (429, 502):
            return _form(visit, shop, following=form["next"], email=form["email"][:254], error=error)
        raise
    visit.keep(Session.of(shop.tenant_id, signed, now))
    return visit.go(form["next"] if _own_page(form["next"]) else "/")


def _own_page(path: str) -> bool:
    """Whether this is a page below the portal and nothing that a browser could take for another site."""
    return bool(re.fullmatch(r"/[A-Za-z0-9][A-Za-z0-9/_.~-]*|/", path)) and "//" not in path
