"""One field on every page: a number, reference, license or address typed from a paper leads to the thing it names.

The Dashboard's own search (Ctrl+K) offers the page where it can, from 3.23 on.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from app.orders.search import Hit, find
from app.statements.service import named
from app.web.dashboard.permissions import Permission
from app.web.dashboard.visit import MissingPermission, Staff, path_part

router = APIRouter()
LONGEST = 200
"""Characters that are looked for."""
PATHS = {
    "order": "/orders/{}",
    "statement": "/statements/{}",
    "license": "/licenses/{}",
    "key": "/licenses?q={}",
    "customer": "/licenses?q={}",
    "line": "/payments/lines/{}",
    "ledger": "/resellers/{}/ledger",
    "reseller": "/resellers/{}",
    "application": "/resellers/applications/{}",
}


@router.get("/search")
async def search(staff: Staff) -> Response:
    """To the one thing that is named so, or a list of what may be meant. `find` is the text."""
    text = staff.request.query_params.get("find", "").replace("\x00", "").strip()[:LONGEST]
    money, people = staff.may(Permission.ORDERS), staff.may(Permission.USERS)
    if not money and not people:
        raise MissingPermission(Permission.ORDERS)
    async with staff.services.database.tenant_reading(staff.shop.tenant_id) as session:
        statement = await named(session, text) if money and text else None
        others = [Hit("statement", statement.number, statement.number, statement.period)] if statement is not None else []
        hits = await find(session, text, money=money, people=people, others=others)
    if len(hits) == 1:
        return staff.go(path_of(hits[0]))
    return staff.page("search.html", sought=text, hits=[(hit, path_of(hit)) for hit in hits])


def path_of(hit: Hit) -> str:
    """Where a thing's page is, below `/dashboard`."""
    return PATHS[hit.kind].format(path_part(hit.key))
