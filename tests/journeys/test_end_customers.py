"""From an order for a mailbox whose account is another company's to a claimed license, and a mistyped address put right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.orders.ship_to import correct_ship_to
from app.orders.view import order_view
from app.sandbox.rows.people import Address
from app.sandbox.seed import END_CUSTOMER, RESELLER
from tests.journeys.harness import Journey, journey

LINK = re.compile(r"/portal/claims/([\w-]+)")
RIGHT = "erik@acme.example"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/journey.db"


async def asked(at: Journey, email: str, path: str, method: str = "GET") -> httpx.Response:
    """The storefront API, asked with an account's own token."""
    browser = await at.storefront(email)
    headers = {"Authorization": f"Bearer {browser.token}"}
    return await at.http.request(method, f"{at.settings.base_url}/storefront/v1{path}", headers=headers)


async def released(at: Journey, end_customer: str = END_CUSTOMER) -> str:
    """A paid order that went out; its number."""
    _, order = await at.buy(RESELLER, [("GRID-DEV", 1)], end_customer=end_customer)
    await at.idle()
    await at.wire_came(order.number)
    await at.idle()
    return order.number


async def view(at: Journey, number: str) -> dict[str, Any]:
    async with at.rows() as session:
        return await order_view(session, number, at.services.clock())


def claim_mail(at: Journey) -> tuple[str, str]:
    """Whom the link went to, and its token."""
    (mail,) = [mail for mail in at.mails() if "license waits" in str(mail["Subject"]) or "wartet" in str(mail["Subject"])]
    body = mail.get_body(("plain",))
    assert body is not None
    found = LINK.search(body.get_content())
    assert found is not None
    return str(mail["To"]), found[1]


def other_company(at: Journey, language: str) -> None:
    """The account of the mailbox belongs to somebody else than the end customer."""
    eva = at.sandbox.store.user_by_email(END_CUSTOMER)
    assert eva is not None
    eva.email, eva.language_code = "eva@unrelated.example", language
    eva.addresses.append(Address(first_name="Eva", last_name="Endkunde", company_name="Unrelated Ltd", country="US"))


@pytest.mark.parametrize(("language", "subject"), [("EN", "A license waits for you"), ("DE", "Eine Lizenz wartet auf Sie")])
async def test_case_22_from_an_order_to_a_claimed_license(database_url: str, tmp_path: Path, language: str, subject: str) -> None:
    async with journey(database_url, tmp_path) as at:
        other_company(at, language)
        number = await released(at, "eva@unrelated.example")
        assert [str(mail["Subject"]) for mail in at.mails()].count(subject) == 1
        recipient, token = claim_mail(at)
        assert recipient == "eva@unrelated.example"
        assert (await asked(at, "eva@unrelated.example", "/licenses")).json()["code"] == "not_a_customer"
        assert (await asked(at, RESELLER, f"/claims/{token}")).json()["code"] == "claim_foreign"
        shown = (await asked(at, "eva@unrelated.example", f"/claims/{token}")).json()
        assert (shown["order_number"], shown["licensee"]) == (number, "Acme Inc")
        assert (await asked(at, "eva@unrelated.example", f"/claims/{token}", "POST")).status_code == 200
        await at.idle()
        (license,) = (await asked(at, "eva@unrelated.example", "/licenses")).json()["licenses"]
        assert license["order_number"] == number
        again = await asked(at, "eva@unrelated.example", f"/claims/{token}", "POST")
        assert again.json()["code"] == "claim_used"
        assert await at.contradictions() == {}


async def test_case_29_a_mistyped_address_is_put_right_after_the_claim(database_url: str, tmp_path: Path) -> None:
    async with journey(database_url, tmp_path) as at:
        other_company(at, "EN")
        number = await released(at, "eva@unrelated.example")
        await asked(at, "eva@unrelated.example", f"/claims/{claim_mail(at)[1]}", "POST")
        await at.idle()
        async with at.rows() as session:
            done = await correct_ship_to(
                session, at.services, at.shop, number=number, email=RIGHT, by="anna", reason="typed wrong", mail_again=True
            )
        assert done.claimed
        assert (await asked(at, "eva@unrelated.example", "/licenses")).json()["licenses"] == []
        await at.idle()
        found = await view(at, number)
        account = at.sandbox.store.user_by_email(RIGHT)
        assert account is not None
        assert found["end_customer"] == {"email": RIGHT, "account": account.id}
        assert [claim["withdrawn_at"] is None for claim in found["claims"]] == [False]
        notes = at.notes(number)
        assert any("corrected from eva@unrelated.example to erik@acme.example by anna: typed wrong." in note for note in notes)
        assert any("eva@unrelated.example had claimed" in note for note in notes)
        assert len(set(notes)) == len(notes)
        assert at.order(number).private_metadata["reseller.end_customer"] == RIGHT
        mails = [mail for mail in found["mails"] if mail["kind"] == "license"]
        assert [(mail["to"], mail["state"]) for mail in mails] == [(RESELLER, "sent")] * 2
        assert await at.contradictions() == {}
