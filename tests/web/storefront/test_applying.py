"""From a draft to staff's decision through the API, and the policy that goes with it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from app.orders.applications import approve, ask_more
from app.resellers.policy import publish
from app.resellers.review import history
from app.resellers.tables import Application, Reseller
from app.web.storefront.common import language_of
from tests.conftest import NOW
from tests.orders.builders import rows
from tests.web.storefront.conftest import Store, account

FILLED = {
    "contact": "Ann Lee", "company": "ACME Resale Ltd", "street": "1 Main St", "city": "Austin", "postal_code": "78701",
    "country": "us", "region": "TX", "tax_number": "74-1234567", "website": "https://www.acme.example",
    "main_business": "reseller", "why": "We sell developer tools.",
}  # fmt: skip
USER = "applicant"


async def ask(store: Store, tail: str = "", method: str = "POST", user: str = USER, **body: Any) -> httpx.Response:
    return await store.call(user, f"/application{tail}", method, json=body or None)


async def submitted(store: Store) -> Application:
    await ask(store)
    await ask(store, "", "PATCH", **FILLED)
    answer = await ask(store, "/submit")
    assert (answer.status_code, answer.json()["state"]) == (200, "submitted"), answer.text
    return (await rows(store.world, Application, Application.saleor_user_id == USER))[0]


async def staff(store: Store, what: Any, row: Application, **more: Any) -> None:
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        await what(session, store.world.services, store.world.shop, row.id, by="anna", **more)


async def test_from_a_draft_to_the_approval_in_both_languages(store: Store) -> None:
    missing = await ask(store, method="GET")
    assert (missing.status_code, missing.json()["code"]) == (404, "no_application")
    first = await store.call(USER, "/application", "POST", headers={"Accept-Language": "de"})
    assert (first.json()["state"], first.json()["language"]) == ("draft", "de")
    assert (await ask(store)).json() == first.json(), "a double click"
    assert {one["params"]["field"] for one in first.json()["lacks"]} >= {"company", "why"}
    incomplete = await ask(store, "/submit")
    assert (incomplete.status_code, incomplete.json()["code"]) == (422, "incomplete")
    assert "company: it is missing." in incomplete.json()["detail"]
    saved = (await ask(store, "", "PATCH", **FILLED, answers={"Team?": "12"})).json()
    assert (saved["company"], saved["country"], saved["answers"], saved["lacks"]) == (
        "ACME Resale Ltd",
        "US",
        {"Team?": "12"},
        [],
    )
    assert (await ask(store, "/acceptance", version="1")).json() == {"version": "1", "new": True}
    assert (await ask(store, "/acceptance", version="1")).json()["new"] is False
    for _ in range(2):
        assert (await ask(store, "/submit")).json()["state"] == "submitted"
    late = await ask(store, "", "PATCH", city="Dallas")
    assert (late.status_code, late.json()["code"]) == (409, "not_editable")
    row = (await rows(store.world, Application, Application.saleor_user_id == USER))[0]
    await staff(store, approve, row)
    assert (await ask(store, method="GET")).json()["state"] == "approved"
    standing = (await store.call(USER, "/standing")).json()
    assert (standing["status"], standing["may_order"]) == ("approved", True)
    again = await ask(store)
    assert (again.status_code, again.json()["code"]) == (409, "known_user")


async def test_case_2_an_unconfirmed_address_stays_a_draft(store: Store) -> None:
    store.world.saleor.answers["Customer"] = lambda asked: account(asked["id"], confirmed=False)
    await ask(store)
    await ask(store, "", "PATCH", **FILLED)
    answer = await ask(store, "/submit")
    assert (answer.status_code, answer.json()["code"]) == (422, "incomplete")
    assert "is not confirmed in the store yet" in answer.json()["detail"]
    assert (await ask(store, method="GET")).json()["state"] == "draft"


async def test_the_address_that_is_confirmed_is_the_one_that_is_handed_in(store: Store) -> None:
    await ask(store)
    await ask(store, "", "PATCH", **FILLED)
    (begun,) = await rows(store.world, Application, Application.saleor_user_id == USER)
    assert begun.email == f"{USER}@mail.example", "of the token, which says nothing of a confirmation"
    moved = account(USER)
    moved["user"]["email"] = "Elsewhere@Other.example"
    store.world.saleor.answers["Customer"] = moved
    assert (await ask(store, "/submit")).json()["email"] == "elsewhere@other.example"
    (row,) = await rows(store.world, Application, Application.saleor_user_id == USER)
    await staff(store, approve, row)
    (reseller,) = await rows(store.world, Reseller, Reseller.email == "elsewhere@other.example")
    assert [user.email for user in reseller.users] == ["elsewhere@other.example"]


async def test_a_question_is_answered_and_kept(store: Store) -> None:
    row = await submitted(store)
    early = await ask(store, "/answer", answer="It is DE123.")
    assert (early.status_code, early.json()["code"]) == (409, "not_asked")
    for number in (1, 2):
        await staff(store, ask_more, row, reason="Which is your\nVAT number?")
        assert (await ask(store, method="GET")).json()["reason"] == "Which is your\nVAT number?"
        empty = await ask(store, "/answer", answer=" ")
        assert (empty.status_code, empty.json()["code"]) == (400, "answers")
        body = (await ask(store, "/answer", answer=f"It is DE{number}.")).json()
        assert (body["state"], body["reason"]) == ("submitted", "")
    assert body["answers"] == {"Which is your VAT number?": "It is DE1.", "Which is your VAT number? (2)": "It is DE2."}


async def test_an_answer_to_an_application_that_lacks_something_changes_nothing(store: Store) -> None:
    row = await submitted(store)
    await staff(store, ask_more, row, reason="Why?")
    await ask(store, "", "PATCH", company="")
    answer = await ask(store, "/answer", answer="So.")
    assert (answer.status_code, answer.json()["code"]) == (422, "incomplete")
    kept = (await ask(store, method="GET")).json()
    assert (kept["state"], kept["answers"]) == ("more_information", {})


async def test_an_application_is_taken_back_and_begun_anew(store: Store) -> None:
    row = await submitted(store)
    for _ in range(2):
        assert (await ask(store, "/withdraw")).json()["state"] == "withdrawn"
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        assert sorted(one.action for one in await history(session, row.id)) == ["start", "submit", "withdraw"]
    assert (await ask(store, "/submit")).json()["code"] == "not_editable"
    store.world.clock.now += timedelta(minutes=1)
    assert (await ask(store)).json()["state"] == "draft"
    row = await submitted(store)
    await staff(store, approve, (await rows(store.world, Application, Application.state == "submitted"))[0])
    for tail in ("/withdraw", "/submit"):
        refused = (await ask(store, tail)).json()
        assert refused["code"] == ("already_decided" if tail == "/withdraw" else "not_editable")
        assert "anna" not in refused["detail"], "who of the vendor's staff decided is for staff"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"company": "A" * 4096}, 422, "validation"),
        ({"compny": "ACME"}, 422, "validation"),
        ({"company": "AC\x1bME"}, 400, "company"),
        ({"language": "fr"}, 400, "language"),
        ({"answers": {"Q": "\x00"}}, 400, "answers"),
        ({"city": "Dallas", "version": 99}, 409, "changed"),
    ],
)
async def test_one_wrong_field_and_nothing_is_changed(store: Store, body: dict[str, Any], status: int, code: str) -> None:
    await ask(store)
    before = (await ask(store, "", "PATCH", **FILLED)).json()
    answer = await ask(store, "", "PATCH", **{"why": "Other.", **body})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await ask(store, method="GET")).json() == before


async def test_unicode_names_are_kept_as_they_are(store: Store) -> None:
    await ask(store)
    name = "Łódź 株式会社 – Müller & Søn 🙂"
    assert (await ask(store, "", "PATCH", company=name)).json()["company"] == name


async def test_an_application_is_its_accounts_own(store: Store) -> None:
    await submitted(store)
    for tail, method in (("", "GET"), ("/submit", "POST"), ("/withdraw", "POST")):
        assert (await ask(store, tail, method, user="stranger")).json()["code"] == "no_application"


async def test_the_policy_is_shown_in_the_language_that_is_preferred(store: Store) -> None:
    nothing = (await store.call("stranger", "/policy")).json()
    assert (nothing["version"], nothing["text"], nothing["accepted"]) == ("1", None, False)
    assert (await store.call("texan", "/policy")).json()["accepted"] is True
    async with store.world.database.tenant(store.world.shop.tenant_id) as session:
        kept = await publish(session, "2", "# Policy\r\n", "# Richtlinie", date(2026, 3, 1), NOW)
        hashes = {"en": kept.sha256_en, "de": kept.sha256_de}
    for header, language, text in (("de-AT,en;q=0.5", "de", "# Richtlinie\n"), (None, "en", "# Policy\n")):
        answer = await store.call("texan", "/policy", headers={"Accept-Language": header} if header else {})
        body = answer.json()
        assert (body["language"], body["text"], body["sha256"]) == (language, text, hashes[language])
        assert (body["version"], body["accepted"], answer.headers["content-language"]) == ("2", False, language)
        assert "Accept-Language" in answer.headers["vary"]
    assert (await store.call("texan", "/policy/acceptance", "POST", json={"version": "2", "language": "de"})).status_code == 200
    assert (await store.call("texan", "/policy")).json()["accepted"] is True
    await ask(store)
    await ask(store, "/acceptance", version="2")
    assert (await store.call(USER, "/policy")).json()["accepted"] is True
    old = await ask(store, "/acceptance", version="1")
    assert (old.status_code, old.json()["code"]) == (409, "policy_version")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"), ("", "en"), ("de", "de"), ("DE-ch", "de"), ("fr, de;q=0.2", "de"), ("en, de;q=0.9", "en"), 
        ("de;q=0, en", "en"),
        ("de;q=0.9, en;q=0.8", "de"), ("*", "en"), ("de;q=x", "en"), ("\x00;;,", "en"),
    ],
)  # fmt: skip
def test_the_language_of_a_header(header: str | None, language: str) -> None:
    assert language_of(header) == language
