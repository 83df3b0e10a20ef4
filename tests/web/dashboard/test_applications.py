"""Approving an application on its page: linked to a reseller that is there, with the role that was chosen."""

from __future__ import annotations

import pytest

from app.resellers import review, service
from app.resellers.tables import Application, Reseller, ResellerUser
from tests.conftest import NOW
from tests.orders.builders import rows
from tests.web.dashboard.conftest import Dashboard

FIELDS = {
    "street": "1 Main St", "city": "Graz", "postal_code": "8010", "country": "AT", "tax_number": "ATU12345678",
    "website": "https://new.example", "main_business": "reseller", "why": "We resell components.",
}  # fmt: skip


@pytest.mark.parametrize("role", ["accounts", "buyer"])
async def test_a_linked_account_gets_the_role_that_was_chosen(dashboard: Dashboard, role: str) -> None:
    world = dashboard.world
    texan = next(row for row in await rows(world, Reseller) if row.company != "Rival Inc")
    async with world.database.tenant(world.shop.tenant_id) as session:
        row = await review.start(
            session, saleor_user_id="new", email="new@b.example", numbers=world.shop.settings.program, by="new@b.example", at=NOW,
            contact="Nora New",
        )  # fmt: skip
        await review.save_draft(session, row.id, {**FIELDS, "company": texan.company, "postal_code": texan.postal_code})
        assert not await review.submit(session, row.id, email_confirmed=True, by="new@b.example", at=NOW)
        of = row.id
    page = (await dashboard.ask(f"/resellers/applications/{of}")).text
    assert f'value="{texan.email}"' in page
    assert '<option value="accounts">' in page
    (row,) = await rows(world, Application)
    data = {"do": "approve", "version": str(row.version), "link_to": texan.email, "role": "king"}
    assert (await dashboard.ask(f"/resellers/applications/{of}", "POST", data=data)).status_code == 400
    answer = await dashboard.ask(f"/resellers/applications/{of}", "POST", data={**data, "role": role})
    assert answer.headers["location"] == f"/dashboard/resellers/{texan.id}?notice=application_approve"
    (user,) = await rows(world, ResellerUser, ResellerUser.email == "new@b.example")
    assert (user.reseller_id, user.role) == (texan.id, role)


async def test_many_who_share_a_mail_domain_are_folded_and_the_most_alike_stand_first(dashboard: Dashboard) -> None:
    world = dashboard.world
    texan = next(row for row in await rows(world, Reseller) if row.company != "Rival Inc")
    async with world.database.tenant(world.shop.tenant_id) as session:
        for number in range(6):
            await service.add(
                session, email=f"r{number}@b.example", saleor_user_id=f"r{number}", company=f"Other {number}", street="1",
                city="C", postal_code=str(number), country="AT", at=NOW, by="t",
            )  # fmt: skip
        row = await review.start(
            session, saleor_user_id="new", email="new@b.example", numbers=world.shop.settings.program, by="new@b.example", at=NOW,
            contact="Nora New",
        )  # fmt: skip
        same = {"company": texan.company, "postal_code": texan.postal_code, "website": "https://b.example"}
        await review.save_draft(session, row.id, {**FIELDS, **same})
        assert not await review.submit(session, row.id, email_confirmed=True, by="new@b.example", at=NOW)
        found = [len(one.reasons) for one in await review.proposals(session, row)]
    assert found == sorted(found, reverse=True)
    page = (await dashboard.ask(f"/resellers/applications/{row.id}")).text
    assert f"And {len(found) - 5} more" in page
    assert page.index("Other 0") < page.index("<details>") < page.rindex("Other 5")
