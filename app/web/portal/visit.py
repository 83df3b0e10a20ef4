"""One request to a page: the shop, who is signed in, the language, and the form it carries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.errors import NotFound, Unauthorized
from app.files.rules import disposition
from app.mail.schemas import Language
from app.orders import storefront
from app.orders.services import Services
from app.orders.tables import EndCustomer
from app.resellers.roles import Right, allowed
from app.resellers.rules import ResellerStatus
from app.resellers.service import by_saleor_user
from app.resellers.tables import Reseller
from app.saleor.accounts import refreshed
from app.saleor.shops import Shop
from app.saleor.tokens import Customer, customer
from app.web.forms import Form, read_form
from app.web.portal import session as sessions
from app.web.portal.rendering import language_of, render
from app.web.portal.session import COOKIE, LIFE, PATH, Session, seal, unseal
from app.web.storefront.access import Buckets

LANGUAGE_COOKIE = "reseller_portal_language"
LANGUAGE_LIFE = 365 * 24 * 3600
RESELLER_PAGES = (
    ("/orders", "nav_orders", "SEE_ORDERS"),
    ("/licenses", "nav_licenses", "SEE_LICENSES"),
    ("/prices", "nav_prices", "SEE_PRICES"),
    ("/statement", "nav_statement", "SEE_STATEMENTS"),
    ("/remittance", "nav_remittance", "SEE_STATEMENTS"),
    ("/certificates", "nav_certificates", "SEE_CERTIFICATES"),
    ("/listings", "nav_listings", "SEE_LISTINGS"),
    ("/cases", "nav_cases", "SEE_CASES"),
    ("/support", "nav_support", "SEE_CASES"),
    ("/users", "nav_users", "SEE_USERS"),
    ("/policy", "nav_policy", "SEE_STANDING"),
)


@dataclass
class Visit:
    """What every page works with. `customer` and what hangs on it are there on pages for people who are signed in."""

    request: Request
    services: Services
    language: Language
    shop: Shop | None = None
    session: Session | None = None
    customer: Customer | None = None
    reseller: Reseller | None = None
    is_end_customer: bool = False
    cookies: list[str] = field(default_factory=list)

    @property
    def secure(self) -> bool:
        """Whether people reach this app by https, as the request or the installation's own address says."""
        return self.request.url.scheme == "https" or self.services.settings.base_url.startswith("https://")

    def keep(self, session: Session | None) -> None:
        """Send the session's cookie with the answer; None takes it away."""
        value = seal(self.services.box, session) if session else ""
        self.session = session
        self.cookies.append(sessions.cookie(COOKIE, value, secure=self.secure, max_age=int(LIFE.total_seconds())))

    def page(self, name: str, *, status: int = 200, **context: Any) -> Response:
        """The page of a template."""
        return self.finished(HTMLResponse(render(self, name, context), status))

    def go(self, path: str) -> Response:
        """To another page, by GET, as after a form that was carried out."""
        return self.finished(RedirectResponse(f"{PATH}{path}", 303))

    def file(self, content: bytes | str, media_type: str, name: str) -> Response:
        """A file to be saved, never shown in the portal's own origin."""
        headers = {"Content-Disposition": disposition(" ".join(name.split()))}
        return self.finished(Response(content, media_type=media_type, headers=headers))

    def finished(self, response: Response) -> Response:
        """The answer with the cookies that this visit changed."""
        for header in self.cookies:
            response.headers.append("Set-Cookie", header)
        self.cookies = []
        return response


@dataclass
class Signed(Visit):
    """A visit of somebody who is signed in."""

    shop: Shop
    session: Session
    customer: Customer

    @property
    def status(self) -> str:
        """Where this person's reseller stands; empty without one."""
        return self.reseller.status if self.reseller is not None else ""

    @property
    def is_reseller(self) -> bool:
        """In the program, in whatever state but rejected."""
        return self.reseller is not None and self.reseller.status != ResellerStatus.REJECTED

    def may(self, right: str) -> bool:
        """Whether this person's role has the right of this name (`resellers.roles`); for menus and buttons only."""
        if self.reseller is None or not self.is_reseller:
            return False
        return allowed(storefront.role_in(self.reseller, self.customer.user_id), Right[right])

    async def member(self, session: AsyncSession, right: Right) -> Reseller:
        """The reseller this person acts for. Raises Forbidden for everybody else, and for a role without the right."""
        return await storefront.member(session, self.customer.user_id, right)

    def menu(self) -> list[tuple[str, str]]:
        """The pages this person can open: where each is, and the word for it."""
        pages = [("/", "nav_home")]
        pages += [(path, word) for path, word, right in RESELLER_PAGES if self.may(right)]
        if not self.is_reseller:
            pages.append(("/apply", "nav_apply"))
        return pages + ([("/my/licenses", "nav_my_licenses")] if self.is_end_customer else [])


class SignInFirst(Unauthorized):
    """Nobody is signed in, or not any more."""


async def visiting(request: Request) -> Visit:
    """The visit of anybody, with the session of its cookie if that is of an installed shop."""
    services: Services = request.app.state.services
    asked = request.query_params.get("language")
    chosen = language_of(asked, request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", ""))
    visit = Visit(request, services, chosen)
    request.state.visit = visit
    if asked == chosen:
        visit.cookies.append(sessions.cookie(LANGUAGE_COOKIE, chosen, secure=visit.secure, max_age=LANGUAGE_LIFE))
    session = unseal(services.box, request.cookies.get(COOKIE, ""), services.clock())
    if session is not None:
        shop = next((shop for shop in services.shops.all() if shop.tenant_id == session.tenant_id), None)
        if shop is not None:
            visit.shop, visit.session = shop, session
    return visit


Anybody = Annotated[Visit, Depends(visiting)]


async def signed_in(visit: Anybody) -> Signed:
    """The visit of somebody who is signed in; a token that ran out is renewed by the shop. Raises SignInFirst."""
    services, session, shop = visit.services, visit.session, visit.shop
    if session is None or shop is None or not session.access:
        raise SignInFirst("Sign in first.", code="sign_in_first")
    now = services.clock()
    try:
        person = await customer(services.shops, session.access, now)
    except Unauthorized as error:
        if error.code != "token_expired":
            visit.keep(None)
            raise SignInFirst("Sign in again.", code="session_ended") from error
        person, session = await _renewed(visit, session, shop)
    if person.shop.tenant_id != shop.tenant_id:
        visit.keep(None)
        raise SignInFirst("Sign in again.", code="session_ended")
    buckets: Buckets = visit.request.app.state.buckets
    buckets.take((shop.tenant_id, person.user_id), shop.settings.storefront_requests_per_minute, now)
    signed = Signed(visit.request, services, visit.language, shop, session, person, cookies=visit.cookies)
    async with services.database.tenant_reading(shop.tenant_id) as rows:
        signed.reseller = await by_saleor_user(rows, person.user_id)
        theirs = select(EndCustomer.id).where(EndCustomer.saleor_user_id == person.user_id).limit(1)
        signed.is_end_customer = await rows.scalar(theirs) is not None
    visit.request.state.visit = signed
    return signed


async def _renewed(visit: Visit, session: Session, shop: Shop) -> tuple[Customer, Session]:
    services = visit.services
    try:
        found = await refreshed(services.shops, shop, session.refresh, services.clock())
    except Unauthorized as error:
        visit.keep(None)
        raise SignInFirst("Sign in again.", code="session_ended") from error
    session = replace(session, access=found.access)
    visit.keep(session)
    return found.customer, session


Person = Annotated[Signed, Depends(signed_in)]


async def posted(person: Person) -> AsyncIterator[Form]:
    """The form somebody signed in sent. Raises Forbidden unless this session showed it."""
    async with read_form(person.request) as form:
        person.session.check(form["form_token"])
        yield form


Posted = Annotated[Form, Depends(posted)]


def find_shop(services: Services, name: str, host: str) -> Shop:
    """The shop somebody signs in to: the one of this name, else the one served under this host, else the only one.

    Name and host only choose among the installed shops. Raises NotFound without telling which there are.
    """
    shops = services.shops.all()
    if name:
        found = [shop for shop in shops if urlsplit(shop.api_url).netloc == name.lower()]
    else:
        found = [shop for shop in shops if shop.settings.portal_host and shop.settings.portal_host == host.lower()]
        found = found or (shops if len(shops) == 1 else [])
    if len(found) != 1:
        raise NotFound("There is no shop at this address; use the link your shop gave you.", code="no_shop")
    return found[0]
