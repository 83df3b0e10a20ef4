"""Monthly statements through the API: a list, the very bytes, and nobody else's."""

from __future__ import annotations

import hashlib

from sqlalchemy import select

from app.resellers.service import find
from app.statements.tables import Statement
from tests.web.storefront.conftest import Store, drawn_up


async def test_a_reseller_lists_and_reads_its_statements_as_they_were_sent(store: Store) -> None:
    world = store.world
    async with world.database.tenant(world.shop.tenant_id) as session:
        texan = await find(session, "texan@partner.example")
    statement_id = await drawn_up(world, texan.id)
    body = (await store.call("texan", "/statements")).json()
    (listed,) = body["statements"]
    assert body["next"] is None
    assert (listed["id"], listed["number"], listed["period"], listed["dated"]) == (
        statement_id, "S2026-00001", "2026-03", "2026-04-01",
    )  # fmt: skip
    assert listed["to_pay"] == {"amount": "19.49", "currency": "USD"}
    async with world.database.tenant(world.shop.tenant_id) as session:
        row = (await session.scalars(select(Statement))).one()
    for kind, sha256 in (("pdf", row.pdf_sha256), ("csv", row.csv_sha256)):
        path = listed[kind].removeprefix("/storefront/v1")
        answer = await store.call("texan", path)
        assert hashlib.sha256(answer.content).hexdigest() == sha256
        assert answer.headers["content-disposition"] == f'attachment; filename="statement-S2026-00001.{kind}"'
        theirs, none = [await store.call("rival", place) for place in (path, f"/statements/none/{kind}")]
        assert (theirs.status_code, theirs.content) == (none.status_code, none.content)
        assert theirs.status_code == 404
    assert (await store.call("rival", "/statements")).json() == {"statements": [], "next": None}
    assert (await store.call("buyer", "/statements")).status_code == 403
