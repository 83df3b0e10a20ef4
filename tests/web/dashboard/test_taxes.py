"""Tax: what is wrong is told by its place, and nothing is half stored."""

from __future__ import annotations

from sqlalchemy import func, select

from app.tax.tables import RegistrationRow, StateRateRow
from tests.web.dashboard.conftest import ALL, Dashboard


async def counted(dashboard: Dashboard) -> tuple[int, int]:
    world = dashboard.world
    async with world.database.tenant_reading(world.shop.tenant_id) as session:
        registrations = await session.scalar(select(func.count(RegistrationRow.id)))
        return registrations or 0, await session.scalar(select(func.count(StateRateRow.id))) or 0


async def test_what_is_wrong_is_named(dashboard: Dashboard) -> None:
    before, session = await counted(dashboard), await dashboard.session()
    wrong = [
        ("/tax/registrations", {"us_state": "ZZ", "valid_from": "2026-01-01"}, 400, "state"),
        ("/tax/registrations", {"us_state": "TX", "valid_from": "soon"}, 400, "valid_from"),
        ("/tax/registrations", {"us_state": "TX", "valid_from": "2026-02-01", "valid_to": "2026-01-01"}, 400, "valid_to"),
        ("/tax/certificates/gone", {"do": "approve"}, 404, "certificate"),
        ("/tax/certificates/gone", {"do": "burn"}, 400, "Choose"),
        ("/tax/certificates/gone", {"do": "revoke", "reason": " "}, 400, "reason"),
    ]
    for path, data, status, words in wrong:
        answer = await dashboard.ask(path, "POST", session=session, data=data)
        assert (answer.status_code, words in answer.text) == (status, True), (path, data, answer.text)
    for path in ("/tax/certificates/gone", "/tax/certificates/gone/document"):
        assert (await dashboard.ask(path, session=session)).status_code == 404, path
    for content, words in ((b"", "header"), (b"state\xff", "line 1"), (b"state,rate,valid_from\nTX,1,x\n", "line 2")):
        answer = await dashboard.ask("/tax/import", "POST", session=session, files={"file": ("rates.csv", content)})
        assert (answer.status_code, words in answer.text) == (400, True), answer.text
    limit = dashboard.world.services.settings.max_upload_bytes
    large = await dashboard.ask("/tax/import", "POST", session=session, files={"file": ("x.csv", b"x" * (limit + 200_000))})
    assert large.status_code == 413
    assert await counted(dashboard) == before


async def test_nothing_is_changed_without_the_permission(dashboard: Dashboard) -> None:
    session = await dashboard.session(*[one for one in ALL if one != "MANAGE_TAXES"])
    for path in ("/tax/registrations", "/tax/import", "/tax/certificates/gone"):
        answer = await dashboard.ask(path, "POST", session=session, data={"do": "approve", "us_state": "TX"})
        assert answer.status_code == 403, path
    for path in ("/tax/rates", "/tax/registrations", "/tax/certificates/gone/document"):
        assert (await dashboard.ask(path, session=session)).status_code == 403, path
