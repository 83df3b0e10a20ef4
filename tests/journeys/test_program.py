"""A company's whole way through the program, as its people and the vendor's go it: from an application to a claimed license.

Everything the company does is a request to the storefront API with the token its account has in the shop; everything the end
customer reads on the way is free of money.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.errors import Conflict
from app.orders import applications, certificates
from app.orders.view import order_view
from app.resellers import policy, review
from app.sandbox.rows.people import User
from app.sandbox.seed import BUYER, END_CUSTOMER, PASSWORD, STAFF
from app.sandbox.storefront import Storefront
from app.tax.rules import CertificateState
from tests.files.samples import PDF
from tests.journeys.harness import BILLING, CHANNEL, GATEWAY, SHIPPING, Journey, journey

COLLEAGUE = "colleague@lonestar.example"
ANSWERS = {
    "contact": "Bob Buyer",
    "company": "Ünïted Reselling GmbH & Co. KG",
    "street": "1 Congress Ave",
    "city": "Austin",
    "postal_code": "78701",
    "country": "US",
    "region": "TX",
    "tax_number": "74-1234567",
    "website": "https://www.lonestar.example",
    "main_business": "reseller",
    "why": "We sell developer tools to 300 companies.",
}
ELSEWHERE = SHIPPING | {"companyName": "Globex Corporation", "firstName": "Gert", "lastName": "Globe"}
"""A ship-to whose mailbox is that of an account which names nobody of this company."""
MONEY = re.compile(r"\b\d+[.,]\d{2}\b|USD|EUR|[$€]")
WORDS = {
    "en": {"question": "A question about", "welcome": "Welcome to the reseller program", "received": "received"},
    "de": {"question": "Eine Rückfrage", "welcome": "Willkommen im Wiederverkäuferprogramm", "received": "eingegangen"},
}


class Person:
    """Somebody with an account of the shop, at the storefront API."""

    def __init__(self, at: Journey, signed_in: Storefront, language: str) -> None:
        self.storefront = signed_in
        self._at = at
        self._headers = {"Authorization": f"Bearer {signed_in.token}", "Accept-Language": language}

    async def ask(self, method: str, path: str, status: int = 200, **more: Any) -> httpx.Response:
        """One request that is answered with this status."""
        url = f"{self._at.settings.base_url}/storefront/v1{path}"
        answer = await self._at.http.request(method, url, headers=self._headers, **more)
        assert answer.status_code == status, (method, path, answer.text)
        return answer

    async def get(self, path: str) -> Any:
        return (await self.ask("GET", path)).json()


async def person(at: Journey, email: str, language: str) -> Person:
    account = at.sandbox.store.user_by_email(email)
    if account is None:
        at.sandbox.store.users.append(User(email=email, password=PASSWORD, first_name="Carla", last_name="Colleague"))
        account = at.sandbox.store.user_by_email(email)
    assert account is not None
    account.language_code = language.upper()
    return Person(at, await at.storefront(email), language)


def mails_to(at: Journey, email: str) -> list[EmailMessage]:
    return [mail for mail in at.mails() if mail["To"] == email]


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def subjects(mails: Sequence[EmailMessage]) -> str:
    return "\n".join(str(mail["Subject"]) for mail in mails)


async def apply(at: Journey, buyer: Person) -> None:
    """Fill in the form, be asked something, answer it, and be approved."""
    assert (await buyer.ask("GET", "/application", 404)).json()["code"] == "no_application"
    await buyer.ask("POST", "/application")
    assert (await buyer.ask("POST", "/application/submit", 422)).json()["code"] == "incomplete"
    await buyer.ask("PATCH", "/application", json=ANSWERS)
    refused = await buyer.ask(
        "POST", "/application/evidence", 400, files={"file": ("license.pdf", b"MZ no pdf", "application/pdf")}
    )
    assert refused.json()["code"] == "file_type"
    await buyer.ask("POST", "/application/evidence", 201, files={"file": ("license.pdf", PDF, "application/pdf")})
    await buyer.ask("POST", "/application/acceptance", json={"version": (await buyer.get("/policy"))["version"]})
    for _ in range(2):
        assert (await buyer.ask("POST", "/application/submit")).json()["state"] == "submitted"
    async with at.rows() as session:
        row = await review.find(session, BUYER)
        await applications.ask_more(session, at.services, at.shop, row.id, by=STAFF, reason="Which distributors?")
    await buyer.ask("POST", "/application/answer", json={"answer": "None; we buy from vendors."})
    with pytest.raises(Conflict, match="Both write from example"):
        async with at.rows() as session:
            await applications.approve(session, at.services, at.shop, row.id, by=STAFF)
    async with at.rows() as session:
        await applications.approve(session, at.services, at.shop, row.id, by=STAFF, separate=True)
    await at.refresh()
    await at.idle()


async def exempt(at: Journey, buyer: Person) -> None:
    """Taxed without a certificate; not taxed once staff approved one."""
    assert (await buyer.get("/taxed?state=TX"))["rate"] == "8.25"
    today = at.services.today(at.shop)
    signed = today - timedelta(1)  # in Texas it may be yesterday still
    fields = {
        "number": "TX-01-339", "form": "01-339", "states": "TX", "signed_on": f"{signed}", "valid_from": f"{signed}",
        "valid_to": f"{today + timedelta(365)}",
    }  # fmt: skip
    made = await buyer.ask("POST", "/certificates", 201, data=fields, files={"file": ("form.pdf", PDF, "application/pdf")})
    assert (await buyer.get("/taxed?state=TX"))["taxed"] is True
    async with at.rows() as session:
        await certificates.decide(session, at.services, at.shop, made.json()["id"], CertificateState.APPROVED, by=STAFF)
    await at.refresh()
    assert (await buyer.get("/taxed?state=TX"))["taxed"] is False


async def invite(at: Journey, buyer: Person, language: str) -> Person:
    """A colleague who may order, by the link in the mail."""
    await buyer.ask("POST", "/invitations", 201, json={"email": COLLEAGUE.upper(), "role": "buyer"})
    await at.idle()
    (mail,) = mails_to(at, COLLEAGUE)
    found = re.search(r"/invitations/([\w-]+)", text_of(mail))
    assert found is not None, text_of(mail)
    colleague = await person(at, COLLEAGUE, language)
    assert (await buyer.ask("POST", "/invitations/accept", 403, json={"token": found[1]})).json()["code"] == "invitation_foreign"
    await colleague.ask("POST", "/invitations/accept", json={"token": found[1]})
    await at.refresh()
    await colleague.ask("GET", "/certificates", 403)
    return colleague


@pytest.mark.parametrize("language", ["en", "de"])
async def test_case_22_from_an_application_to_a_claimed_license(language: str, tmp_path: Path) -> None:
    async with journey(f"sqlite+aiosqlite:///{tmp_path}/journey.db", tmp_path) as at:
        async with at.rows() as session:
            now, today = at.services.clock(), at.services.today(at.shop)
            await policy.publish(
                session, "2026-1", "# Reseller Policy\n\nList us.", "# Richtlinie\n\nListen Sie uns.", today, now
            )
        await at.refresh()
        buyer = await person(at, BUYER, language)
        await apply(at, buyer)
        told = subjects(mails_to(at, BUYER))
        assert WORDS[language]["question"] in told
        assert WORDS[language]["welcome"] in told
        standing = await buyer.get("/standing")
        assert (standing["status"], standing["counted_prepaid_orders"], standing["required_prepaid_orders"]) == ("approved", 0, 3)
        await exempt(at, buyer)
        colleague = await invite(at, buyer, language)

        # The colleague orders at the partner price without tax; the mailbox of the ship-to is another company's account.
        variant = next(one for one in at.sandbox.store.variants if one.sku == "GRID-DEV")
        asked = {"channel": CHANNEL, "lines": [{"variant_id": variant.id, "quantity": 2}]}
        (price,) = (await colleague.ask("POST", "/prices", json=asked)).json()["lines"]
        assert price["partner"]["amount"] == "90.00"
        eva = await person(at, END_CUSTOMER, language)
        browser = Storefront(
            at.http, at.sandbox.api_url, email=COLLEAGUE, token=colleague.storefront.token, user_id=colleague.storefront.user_id,
            language=language.upper(),
        )  # fmt: skip
        payment, placed = await browser.buy(
            CHANNEL, [("GRID-DEV", 2)], BILLING, ELSEWHERE, GATEWAY, end_customer=END_CUSTOMER, po_number="PO-7"
        )
        assert (payment.result, payment.amount) == ("CHARGE_REQUEST", Decimal("180.00"))
        await at.idle()
        detail = await colleague.get(f"/orders/{placed.number}")
        assert (detail["released"], detail["gate_open"]) == (False, False)
        assert [item["order_number"] for block in (await buyer.get("/statement"))["blocks"] for item in block["items"]] == [
            placed.number
        ]
        advice = {"text": f"Order {placed.number}  180.00 USD"}
        (line,) = (await buyer.ask("POST", "/remittance-advice", 201, json=advice)).json()["lines"]
        assert (line["order_number"], line["reasons"]) == (placed.number, [])
        assert mails_to(at, END_CUSTOMER) == []

        # The wire comes; the license waits for the holder of the mailbox, and its company learns nothing of an account.
        await at.wire_came(placed.number)
        await at.idle()
        detail = await colleague.get(f"/orders/{placed.number}")
        assert detail["released"] is True
        assert detail["documents"] == [], "a buyer sees no invoices"
        papers = (await buyer.get(f"/orders/{placed.number}"))["documents"]
        assert sorted(paper["kind"] for paper in papers) == ["invoice", "proforma"]
        assert (await buyer.get("/standing"))["counted_prepaid_orders"] == 1
        assert (await eva.ask("GET", "/licenses", 403)).json()["code"] == "not_a_customer"
        (mail,) = mails_to(at, END_CUSTOMER)
        found = re.search(r"/claims?/([\w-]+)", text_of(mail))
        assert found is not None, text_of(mail)
        claim = f"/claims/{found[1]}"
        assert (await buyer.ask("GET", claim, 403)).json()["code"] == "claim_foreign"
        shown = await eva.ask("GET", claim)
        assert shown.json()["licensee"] == "Globex Corporation"
        await eva.ask("POST", claim)
        assert (await eva.ask("POST", claim, 409)).json()["code"] == "claim_used"
        await at.idle()
        licenses = await eva.ask("GET", "/licenses")
        (license,) = licenses.json()["licenses"]
        assert (license["order_number"], license["sku"], license["quantity"]) == (placed.number, "GRID-DEV", 2)
        file = await eva.ask("GET", f"/licenses/{license['id']}/file")
        assert b"-----BEGIN LICENSE FILE-----" in file.content
        for seen in (text_of(mail), str(mail["Subject"]), shown.text, licenses.text, file.headers["content-disposition"]):
            assert MONEY.search(seen) is None, seen
        for path in ("/standing", f"/orders/{placed.number}", "/statement"):
            await eva.ask("GET", path, 403)

        received = subjects(mails_to(at, BUYER))
        assert WORDS[language]["received"] in received
        async with at.rows() as session:
            view = await order_view(session, placed.number, at.services.clock())
        assert view["state"] == "released"
        assert await at.contradictions() == {}
