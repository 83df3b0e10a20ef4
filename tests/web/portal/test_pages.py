"""What the pages say and do: names of any kind, both languages, and forms carried out by the use cases of the API."""

from __future__ import annotations

import hashlib
import html
import re
import string
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from app.cases.tables import Case, CaseEntry, SupportRequest
from app.errors import InvalidInput
from app.files.tables import StoredFile
from app.ledger.charging import charge_interest
from app.ledger.disputes import open_dispute
from app.ledger.interest import DayCount, Rate
from app.ledger.service import receivable_id
from app.licenses.tables import License
from app.money import Money
from app.orders.price_changes import plan, tell
from app.orders.tables import ResellerOrder
from app.pricing.draft import Draft
from app.reasons import SENTENCES, because
from app.resellers import review
from app.resellers.obligations import note_check
from app.resellers.policy import publish
from app.resellers.roles import Role
from app.resellers.service import add_user, find
from app.resellers.tables import (
    Application,
    PolicyAcceptance,
    PriceChangeAcknowledgement,
    ProductListing,
    Reseller,
    ResellerInvitation,
    ResellerUser,
)
from app.statements.tables import Statement
from app.tax.tables import CertificateRow
from app.web.german import ERRORS, REASONS
from app.web.portal import users as portal_users
from app.web.portal.rendering import HERE, language_of, speech
from app.web.portal.words import FIELDS, WORDS
from tests.conftest import NOW
from tests.orders.builders import rows
from tests.web.portal.conftest import Browser, Portal, text_of
from tests.web.storefront.conftest import drawn_up

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> {{7*7}} ÄÖÜ 株式会社 \u202e"
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\nstartxref\n0\n%%EOF\n"
FILLED = {
    "contact": "Nina New", "company": "New Resell Inc", "street": "1 Main St", "city": "Austin", "postal_code": "78701",
    "region": "TX", "country": "US", "tax_number": "12-3456789", "website": "https://new.example",
    "main_business": "reseller", "why": "We sell components.",
}  # fmt: skip


async def rename(portal: Portal, company: str) -> None:
    async with portal.world.database.tenant(portal.world.shop.tenant_id) as session:
        own = update(Reseller).where(Reseller.email == "texan@partner.example")
        await session.execute(own.values(company=EVIL * (200 // len(EVIL))))  # as much as the program takes of one
        order = (await session.scalars(select(ResellerOrder))).one()
        order.ship_to = {**order.ship_to, "company": company}
        order.po_number = EVIL


async def test_names_of_any_kind_and_length_are_text_and_nothing_else(portal: Portal) -> None:
    await rename(portal, (EVIL * 60)[:4096])
    browser = await portal.browser("texan")
    for path in ("/", "/orders", "/orders/1", "/licenses", "/users", "/policy", "/statement"):
        answer = await browser.get(path)
        assert answer.status_code == 200, path
        assert not re.search(r"<script|<img src=x|\sonerror=\S+>", answer.text.replace("&lt;", ""), re.I), path
        assert "49" not in text_of(re.sub(r'value="[^"]*"|href="[^"]*"', "", answer.text)).split(), path
    await browser.get("/orders/1")
    assert EVIL.split("ÄÖÜ")[0].strip() in text_of(browser.page.replace("&lt;", "\x01")).replace("\x01", "<")


@pytest.mark.parametrize("field", ["sku", "quantity"])
async def test_what_is_typed_comes_back_as_text(portal: Portal, field: str) -> None:
    portal.world.saleor.answers["VariantBySku"] = {"productVariant": None}
    browser = await portal.browser("texan")
    answer = await browser.get("/prices", params={"sku": "NONE", "quantity": "1", field: '"><script>x</script>'[:20]})
    assert answer.status_code in (400, 404)
    assert "<script" not in answer.text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Your standing", "0 of 3", "Prepayment", "USD 19.49", "March 2, 2026", "until then every order is prepaid"]),
        ("de", ["Ihr Stand", "0 von 3", "Vorkasse", "19,49 USD", "2. März 2026", "bis dahin ist jede Bestellung Vorkasse"]),
    ],
)
async def test_the_overview_in_both_languages(portal: Portal, language: str, words: list[str]) -> None:
    browser = await portal.browser("texan", language=language)
    await browser.get("/")
    assert f'<html lang="{language}">' in browser.page
    for word in words:
        assert word in text_of(browser.page), word


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            ["Payment by bank transfer", "021000021", "RF18 5390 0754 7034", "USD 19.49 of USD 19.49 has not arrived", "8.25 %"],
        ),
        ("de", ["Zahlung per Banküberweisung", "RF18 5390 0754 7034", "19,49 USD von 19,49 USD sind noch nicht", "8,25 %"]),
    ],
)
async def test_an_order_shows_how_to_pay_and_why_its_license_waits(portal: Portal, language: str, words: list[str]) -> None:
    browser = await portal.browser("texan", language=language)
    await browser.get("/orders/1")
    for word in words:
        assert word in text_of(browser.page), word


async def test_a_chosen_language_stays(portal: Portal) -> None:
    browser = await portal.browser("texan")
    await browser.get("/orders?language=de")
    assert 'lang="de"' in browser.page
    await browser.get("/")
    assert "Übersicht" in browser.page
    await browser.get("/?language=fr")
    assert "Übersicht" in browser.page


@pytest.mark.parametrize(
    ("asked", "kept", "accepted", "expected"),
    [
        (None, None, "", "en"), (None, None, "de-AT,de;q=0.9", "de"), (None, None, "fr, en;q=0.5", "en"),
        (None, "de", "en", "de"), ("en", "de", "de", "en"), ("xx", "yy", ";;,,\x00", "en"),
    ],
)  # fmt: skip
def test_the_language(asked: str | None, kept: str | None, accepted: str, expected: str) -> None:
    assert language_of(asked, kept, accepted) == expected


def test_every_word_is_there_and_has_the_same_places_in_both_languages() -> None:
    used = {
        found for path in HERE.glob("templates/*.html") for found in re.findall(r'\bt\("([a-z_0-9-]+)"[,)]', path.read_text())
    }
    assert used <= set(WORDS), used - set(WORDS)
    said = [*HERE.glob("*.py"), *HERE.glob("templates/*.html"), HERE.parent / "speech.py"]
    code = "".join(path.read_text() for path in said)
    prefixes = ("notice_", "error_", "role_", "bucket_", "business_", "terms_", "order_", "reseller_", "application_", "kind_")
    for key, (english, german) in WORDS.items():
        assert places(english) == places(german), key
        known = f'"{key}"' in code.replace(f'    "{key}": (', "", 1)
        assert known or key.startswith((*prefixes, "license_", "certificate_", "document_", "scope_", "deal_", "case_")), key
    for english, german in FIELDS.values():
        assert english
        assert german


def test_german_reasons_and_errors_have_no_place_that_is_not_filled() -> None:
    for code, sentence in REASONS.items():
        assert code in SENTENCES, code
        assert places(sentence) <= places(SENTENCES[code]), code
    for code, sentence in ERRORS.items():
        assert places(sentence) <= {"wait", "tail"}, code


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_reasons_and_errors_as_they_are_said() -> None:
    overdue = because("overdue", order="7", days=6, amount="118.80 USD")
    assert speech("de").said(overdue) == "Bestellung 7 ist seit 6 Tagen überfällig; 118,80 USD heben das auf."
    assert "USD 118.80" in speech("en").said(overdue)
    assert speech("de").said(because("tax_state", rate="8.25", state="TX", version="1.2")).startswith("8,25 % nach dem Sitz")
    assert speech("de").said(because("application_missing", field="company")) == "Firma: fehlt noch."
    assert speech("de").said(because("staff_hold", by="a", reason="b")) == "Angehalten von a: b."
    assert speech("de").failed(InvalidInput("x: is odd.", code="odd")) == "Das hat nicht geklappt: x: is odd."


async def test_the_policy_is_text_and_is_accepted_once_as_it_was_shown(portal: Portal) -> None:
    english = "# Policy\n\n**bold** <script>x</script> [a](javascript:b) ![p](http://evil.example/p.png)\n"
    async with portal.world.database.tenant(portal.world.shop.tenant_id) as session:
        await publish(session, "2", english, "# Richtlinie\n\nText\n", NOW.date(), NOW)
    browser = await portal.browser("texan")
    await browser.get("/")
    assert (
        "Version 2 of the Reseller Policy waits for your acceptance; without it you can order until April 1, 2026."
        in browser.page
    )
    await browser.get("/policy")
    assert "<strong>bold</strong>" in browser.page
    assert "<script" not in browser.page
    assert "<img" not in browser.page
    assert 'href="javascript' not in browser.page
    answer = await browser.post("/policy", {"version": "1"})
    assert answer.status_code == 409
    await browser.get("/policy")
    for _ in range(2):
        await browser.form("/")
        answer = await browser.post("/policy", {"version": "2", "text_language": "en"})
        assert answer.headers["location"] == "/portal/?notice=accepted"
    kept = await rows(portal.world, PolicyAcceptance, PolicyAcceptance.policy_version == "2")
    assert [(row.accepted_by, row.language, bool(row.text_sha256)) for row in kept] == [("texan@partner.example", "en", True)]
    await browser.get("/policy?language=de")
    assert "Richtlinie" in browser.page


async def applied(portal: Portal) -> list[Application]:
    return await rows(portal.world, Application)


async def test_a_company_applies_answers_a_question_and_hears_the_end(portal: Portal) -> None:
    browser = await portal.browser("newcomer")
    await browser.get("/")
    assert "may apply" in browser.page
    await browser.get("/apply")
    answer = await browser.post("/apply", {"company": "New Resell Inc", "do": "submit"})
    assert answer.status_code == 422
    assert "Tax number: it is missing." in text_of(browser.page)
    assert 'value="New Resell Inc"' in browser.page
    (kept,) = await applied(portal)
    assert kept.state == "draft"
    answer = await browser.post("/apply", {**FILLED, "do": "submit", "accept": "yes", "policy_version": "2"})
    assert answer.status_code == 409, "a version that is not in force was never shown"
    assert [(one.state, one.policy_version) for one in await applied(portal)] == [("draft", None)]
    answer = await browser.post("/apply", {**FILLED, "do": "submit", "accept": "yes", "policy_version": "1"})
    assert answer.headers["location"] == "/portal/apply?notice=submitted"
    (kept,) = await applied(portal)
    assert (kept.state, kept.policy_version, kept.language) == ("submitted", "1", "en")
    answer = await browser.post("/apply", {**FILLED, "company": "Other", "do": "save"})
    assert answer.status_code == 409
    async with portal.world.database.tenant(portal.world.shop.tenant_id) as session:
        await review.ask_more(session, kept.id, by="anna", at=NOW, reason="Which products do you sell?")
    await browser.get("/apply")
    assert "Which products do you sell?" in browser.page
    await browser.post("/apply", {**FILLED, "answer": "Grids.", "do": "submit"})
    (kept,) = await applied(portal)
    assert (kept.state, kept.answers) == ("submitted", {"Which products do you sell?": "Grids."})
    async with portal.world.database.tenant(portal.world.shop.tenant_id) as session:
        await review.reject(session, kept.id, by="anna", at=NOW, reason="No shop <yet>.")
    await browser.get("/apply")
    assert "No shop &lt;yet&gt;." in browser.page
    answer = await browser.post("/apply", {"do": "save"})
    assert answer.status_code == 422
    assert "apply again from" in browser.page


async def test_an_application_is_withdrawn_and_made_again(portal: Portal) -> None:
    browser = await portal.browser("newcomer")
    assert (await browser.get("/apply/withdraw")).status_code == 404, "there is none yet"
    await browser.get("/apply")
    await browser.post("/apply", {**FILLED, "do": "submit", "accept": "yes", "policy_version": "1"})
    await browser.get("/apply")
    assert 'href="/portal/apply/withdraw"' in browser.page
    await browser.get("/apply/withdraw?language=de")
    assert "Ja, zurückziehen" in browser.page
    answer = await browser.post("/apply/withdraw")
    assert answer.headers["location"] == "/portal/apply?notice=taken_back"
    assert [one.state for one in await applied(portal)] == ["withdrawn"]
    await browser.get("/apply?notice=taken_back&language=en")
    assert "Your application is withdrawn." in browser.page
    assert "withdraw" not in browser.page.replace("withdrawn", "")
    assert (await browser.post("/apply/withdraw")).status_code == 404
    await browser.get("/apply")
    assert (await browser.post("/apply", {"do": "save"})).status_code == 303
    assert sorted(one.state for one in await applied(portal)) == ["draft", "withdrawn"]
    await browser.get("/apply")
    assert 'value="New Resell Inc"' in browser.page, "nobody fills it in twice"


async def test_an_answer_to_a_question_asked_again_leaves_the_first(portal: Portal) -> None:
    browser = await portal.browser("newcomer")
    await browser.get("/apply")
    await browser.post("/apply", {**FILLED, "do": "submit"})
    for turn in ("one", "two"):
        async with portal.world.database.tenant(portal.world.shop.tenant_id) as session:
            (kept,) = await session.scalars(select(Application))
            await review.ask_more(session, kept.id, by="anna", at=NOW, reason="Which  products?")
        await browser.get("/apply")
        await browser.post("/apply", {**FILLED, "answer": f"draft {turn}", "do": "save"})
        await browser.get("/apply")
        assert f"draft {turn}</textarea>" in browser.page
        await browser.post("/apply", {**FILLED, "answer": turn, "do": "submit"})
    (kept,) = await applied(portal)
    assert (kept.state, kept.answers) == ("submitted", {"Which products?": "one", "Which products? (2)": "two"})


async def test_monthly_statements_are_listed_and_read_as_they_were_sent(portal: Portal) -> None:
    world = portal.world
    (texan,) = await rows(world, Reseller, Reseller.email == "texan@partner.example")
    browser = await portal.browser("texan")
    await browser.get("/statement")
    assert 'href="/portal/statements"' in browser.page
    await browser.get("/statements")
    assert "There is no statement yet." in browser.page
    statement_id = await drawn_up(world, texan.id)
    await browser.get("/statements?language=de")
    assert {"März", "2026", "S2026-00001", "19,49", "PDF", "CSV"} <= set(text_of(browser.page).split())
    (row,) = await rows(world, Statement)
    for kind, sha256 in (("pdf", row.pdf_sha256), ("csv", row.csv_sha256)):
        answer = await browser.get(f"/statements/{statement_id}/{kind}")
        assert hashlib.sha256(answer.content).hexdigest() == sha256
        assert f"statement-S2026-00001.{kind}" in answer.headers["content-disposition"]
        rival = await portal.browser("rival")
        assert (await rival.get(f"/statements/{statement_id}/{kind}")).status_code == 404


async def test_open_items_tell_of_interest_and_disputes(portal: Portal) -> None:
    world = portal.world
    day = NOW.date() + timedelta(days=60)
    async with world.database.tenant(world.shop.tenant_id) as session:
        (order,) = await session.scalars(select(ResellerOrder).where(ResellerOrder.number == "1"))
        debt = await receivable_id(session, order.id)
        assert debt is not None
        rates = [Rate(date(2020, 1, 1), Decimal(50))]
        charged = await charge_interest(session, debt, until=day, rates=rates, day_count=DayCount.ACT_365, by="anna", at=NOW)
        await open_dispute(session, debt, reason="wrong quantity", by="anna", at=NOW)
    world.clock.now = NOW + timedelta(days=60)
    browser = await portal.browser("texan")
    await browser.get("/statement")
    assert charged > 0
    text = text_of(browser.page)
    assert f"Interest, not in the total USD {Money(charged, 'USD').amount}" in text
    assert " 1 disputed March 2, 2026" in text
    assert "To pay USD 0.00" in text


async def test_long_lists_have_pages(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal_users, "PAGE", 1)
    world = portal.world
    async with world.database.tenant(world.shop.tenant_id) as session:
        texan = await find(session, "texan@partner.example")
        await add_user(session, texan, saleor_user_id="a", email="a@partner.example", by="x", at=NOW, role=Role.VIEWER)
    browser = await portal.browser("texan")
    await browser.get("/users")
    assert "a@partner.example" in browser.page
    following = re.search(r'href="/portal(/users\?cursor=[^"]+)"', browser.page)
    assert following is not None
    await browser.get(html.unescape(following[1]))
    assert "a@partner.example" not in browser.page
    assert "Back to the newest" in browser.page


async def test_a_draft_changed_elsewhere_and_a_field_too_long_lose_nothing(portal: Portal) -> None:
    browser = await portal.browser("newcomer")
    await browser.get("/apply")
    await browser.post("/apply", {"company": "One", "do": "save"})
    await browser.get("/apply")
    (kept,) = await applied(portal)
    await browser.post("/apply", {"company": "Two", "version": str(kept.version), "do": "save"})
    await browser.get("/apply")
    answer = await browser.post("/apply", {"company": "Three", "version": str(kept.version), "do": "save"})
    assert answer.status_code == 409
    assert 'value="Three"' in browser.page
    answer = await browser.post("/apply", {"company": "Ü" * 4096, "do": "save"})
    assert answer.status_code == 400
    assert "company: at most 200 characters" in text_of(browser.page)
    assert (await applied(portal))[0].company == "Two"


async def test_users_are_invited_change_roles_and_leave(portal: Portal) -> None:
    browser = await portal.browser("texan")
    await browser.get("/users")
    assert (await browser.post("/users", {"email": "no address", "role": "buyer"})).status_code == 400
    assert 'value="no address"' in browser.page
    assert (await browser.post("/users", {"email": "new@partner.example", "role": "king"})).status_code == 400
    assert (await browser.post("/users", {"email": "new@partner.example", "role": "viewer"})).status_code == 303
    (row,) = await rows(portal.world, ResellerInvitation)
    await browser.get("/users?notice=invited")
    assert "new@partner.example" in browser.page
    answer = await browser.post(f"/users/{portal.texan}", {"role": "viewer", "do": "role"})
    assert answer.status_code == 409
    assert "last owner" in browser.page
    assert (await browser.post(f"/users/invitations/{row.id}")).headers["location"].endswith("notice=withdrawn")


async def viewer(portal: Portal, role: str) -> Browser:
    async with portal.world.database.tenant(portal.world.shop.tenant_id) as session:
        reseller = (await session.scalars(select(Reseller).where(Reseller.email == "texan@partner.example"))).one()
        session.add(ResellerUser(reseller_id=reseller.id, saleor_user_id="second", email="second@partner.example", role=role))
    return await portal.browser("second")


@pytest.mark.parametrize(
    ("role", "closed"),
    [
        ("buyer", {"/statement", "/remittance", "/certificates"}),
        ("accounts", {"/licenses", "/prices"}),
        ("viewer", set()),
    ],
)
async def test_each_role_sees_its_pages_and_no_button_that_it_may_not_press(portal: Portal, role: str, closed: set[str]) -> None:
    browser = await viewer(portal, role)
    await browser.get("/")
    menu = set(re.findall(r'href="/portal(/[a-z]+)"', browser.page))
    for path in ("/orders", "/licenses", "/prices", "/statement", "/remittance", "/certificates", "/users", "/policy"):
        answer = await browser.get(path)
        assert answer.status_code == (403 if path in closed else 200), path
        assert (path in menu) == (path not in closed), path
    await browser.get("/users")
    assert 'name="role"' not in browser.page
    if role == "viewer":
        for path in ("/remittance", "/certificates", "/policy"):
            await browser.get(path)
            assert browser.page.count("<form") == 1, path  # signing out alone
    answer = await browser.post("/users", {"email": "x@partner.example", "role": "owner"})
    assert answer.status_code == 403


async def test_a_certificate_is_handed_in_with_its_document_and_read_again(portal: Portal) -> None:
    browser = await portal.browser("texan")
    await browser.get("/certificates")
    assert "Sales tax is charged." in browser.page
    fields = {"number": "TX-1", "states": "TX; OK", "signed_on": "2026-01-01", "valid_from": "2026-01-01", "form": "01-339"}
    for changed, file, words in (
        ({}, None, "file: it is missing"),
        ({"signed_on": "soon"}, ("c.pdf", PDF), "give a day like"),
        ({}, ("c.pdf", b"MZ no pdf"), "none of the kinds"),
        ({"states": "XX"}, ("c.pdf", PDF), "not a US state"),
    ):
        files = {"file": (file[0], file[1], "application/pdf")} if file else {"file": ("", b"")}
        answer = await browser.post("/certificates", {**fields, **changed}, files=files)
        assert answer.status_code == 400, words
        assert words in text_of(browser.page)
        assert 'value="TX-1"' in browser.page
    assert not await rows(portal.world, CertificateRow)
    answer = await browser.post("/certificates", fields, files={"file": ("c.pdf", PDF, "application/pdf")})
    assert answer.headers["location"] == "/portal/certificates?notice=uploaded"
    (row,) = await rows(portal.world, CertificateRow)
    assert sorted(row.states) == ["OK", "TX"]
    await browser.get("/certificates")
    assert "in review" in browser.page
    answer = await browser.get(f"/certificates/{row.id}/document")
    assert answer.content == PDF
    assert answer.headers["content-disposition"].startswith("attachment")
    rival = await portal.browser("rival")
    assert (await rival.get(f"/certificates/{row.id}/document")).status_code == 404


async def test_evidence_is_added_read_and_taken_away(portal: Portal) -> None:
    browser = await portal.browser("newcomer")
    await browser.get("/apply")
    answer = await browser.post("/apply/evidence", files={"file": ("", b"")})
    assert (answer.status_code, "file: it is missing" in text_of(browser.page)) == (400, True)
    answer = await browser.post("/apply/evidence", files={"file": ("e.pdf", b"MZ no pdf")})
    assert (answer.status_code, "none of the kinds" in browser.page) == (400, True)
    answer = await browser.post("/apply/evidence", files={"file": ("extract.pdf", PDF)})
    assert answer.headers["location"] == "/portal/apply?notice=file_added"
    await browser.get("/apply?language=de")
    assert "extract.pdf" in browser.page
    assert "Nachweise" in browser.page
    twice = await browser.post("/apply/evidence", files={"file": ("again.pdf", PDF)})
    assert (twice.status_code, "liegt der Bewerbung schon bei" in browser.page) == (409, True)
    (file,) = await rows(portal.world, StoredFile, StoredFile.state == "kept")
    answer = await browser.get(f"/apply/evidence/{file.id}")
    assert answer.content == PDF
    assert answer.headers["content-disposition"].startswith("attachment")
    rival = await portal.browser("rival")
    assert (await rival.get(f"/apply/evidence/{file.id}")).status_code == 404
    await rival.get("/users")
    assert (await rival.post(f"/apply/evidence/{file.id}")).status_code == 404
    await browser.get("/apply")
    answer = await browser.post(f"/apply/evidence/{file.id}")
    assert answer.headers["location"] == "/portal/apply?notice=file_removed"
    assert await rows(portal.world, StoredFile, StoredFile.state == "kept") == []


async def test_listings_are_recorded_with_what_their_check_found(portal: Portal) -> None:
    browser = await portal.browser("texan")
    await browser.get("/listings")
    answer = await browser.post("/listings", {"urls": "https://partner.example/a\nhttp://127.0.0.1/"})
    assert (answer.status_code, "http://127.0.0.1/</textarea>" in browser.page) == (400, True)
    answer = await browser.post("/listings", {"urls": "https://partner.example/a\r\nhttps://partner.example/b"})
    assert answer.headers["location"] == "/portal/listings?notice=listings_saved"
    async with portal.world.database.tenant(portal.world.shop.tenant_id) as session:
        first, second = sorted(await session.scalars(select(ProductListing)), key=lambda row: row.url)
        problem = because("page_status", url=first.url, status=404)
        await note_check(session, first.id, problem, NOW)
        await note_check(session, second.id, None, NOW)
    await browser.get("/listings?language=de")
    assert "https://partner.example/a antwortet mit Status 404." in text_of(browser.page)
    assert {"nicht bestätigt", "gefunden"} <= set(re.findall(r'class="badge [a-z]+">([^<]+)<', browser.page))
    member = await viewer(portal, "buyer")
    await member.get("/listings")
    assert 'name="urls"' not in member.page
    assert (await member.post("/listings", {"urls": ""})).status_code == 403


async def test_new_prices_are_acknowledged_once(portal: Portal) -> None:
    world = portal.world
    async with world.database.tenant(world.shop.tenant_id) as session:
        await plan(session, world.services, world.shop, Draft(Decimal(8)), on=date(2026, 4, 1), by="anna", why="costs")
        while await tell(session, world.services, world.shop):
            pass
    browser = await portal.browser("texan")
    await browser.get("/")
    (path,) = re.findall(r'action="/portal(/announcements/[^"]+)"', browser.page)
    answer = await browser.post(path)
    assert answer.headers["location"] == "/portal/?notice=acknowledged"
    await browser.get("/")
    assert path not in browser.page
    assert "Acknowledged on March 2, 2026." in text_of(browser.page)
    (kept,) = await rows(world, PriceChangeAcknowledgement)
    assert kept.acknowledged_by == "texan@partner.example"
    assert (await browser.post(path)).status_code == 303
    assert len(await rows(world, PriceChangeAcknowledgement)) == 1


async def test_open_items_and_a_remittance_advice(portal: Portal) -> None:
    portal.world.clock.now = NOW + timedelta(days=45)
    browser = await portal.browser("texan")
    await browser.get("/statement")
    assert {"15", "USD", "19.49"} <= set(text_of(browser.page).split())
    await browser.get("/remittance")
    answer = await browser.post("/remittance", {"text": "no line at all", "paid_on": ""})
    assert answer.status_code == 400
    assert "no line at all</textarea>" in browser.page
    answer = await browser.post("/remittance", {"text": "1 19.49 USD", "paid_on": "2026-04-01"})
    assert answer.status_code == 303
    await browser.get(answer.headers["location"].removeprefix("/portal"))
    assert "19.49 USD" in text_of(browser.page)
    answer = await browser.post("/remittance", {"text": "1 5.00 USD\n1042 1,234 USD", "paid_on": ""})
    assert answer.status_code == 200
    assert "not understood" in browser.page
    rival = await portal.browser("rival")
    await rival.get("/remittance")
    assert "texan@" not in rival.page


async def test_a_temporary_license_is_asked_for_once(portal: Portal) -> None:
    async with portal.world.database.tenant(portal.world.shop.tenant_id) as session:
        for row in await session.scalars(select(License)):
            await session.delete(row)
    browser = await portal.browser("texan")
    await browser.get("/orders/1")
    assert "temporary-license" in browser.page
    answer = await browser.post("/orders/1/temporary-license")
    assert answer.headers["location"] == "/portal/orders/1?notice=temporary"
    (row,) = await rows(portal.world, License)
    assert row.kind == "temporary"
    await browser.get("/orders/1")
    assert "temporary-license" not in browser.page
    answer = await browser.post("/orders/1/temporary-license")
    assert answer.status_code == 422


async def test_prices_come_with_their_reasons(portal: Portal) -> None:
    from tests.web.portal.test_walk import VARIANT, ask

    browser = await portal.browser("texan", language="de")
    answer = await ask(portal, browser, "GET", "/prices")
    assert answer.status_code == 200
    assert VARIANT["sku"]
    text = text_of(answer.text)
    assert "9,00 USD" in text
    assert "10 % unter dem Listenpreis 10,00 USD" in text
    answer = await browser.get("/prices?sku=GRID-1&quantity=0")
    assert answer.status_code == 400


async def test_a_case_is_opened_written_in_and_read_by_its_reseller_alone(portal: Portal) -> None:
    browser = await portal.browser("texan", language="de")
    await browser.get("/cases")
    assert "Beratung und Übergabe" in browser.page
    await browser.post("/cases", {"kind": "hand_over", "subject": EVIL, "text": "Bitte", "customer": "Acme", "deal_contact": ""})
    assert "eine Übergabe braucht auch Kunde und Ansprechpartner" in text_of(browser.page)
    assert "Bitte" in browser.page, "what was typed stays"
    answer = await browser.post(
        "/cases",
        {"kind": "hand_over", "subject": EVIL[:190], "text": f"Bitte\n{EVIL}", "customer": "Acme", "deal_contact": "Eva"},
    )
    assert answer.status_code == 303
    await browser.get(answer.headers["location"].removeprefix("/portal"))
    assert "Vielen Dank. Wir antworten an texan@partner.example." in text_of(browser.page)
    assert "<script>" not in browser.page
    (case,) = await rows(portal.world, Case)
    for _ in range(2):
        assert (await browser.post(f"/cases/{case.id}", {"text": "Eilt"})).status_code == 303
    assert len(await rows(portal.world, CaseEntry)) == 2
    await browser.post(f"/cases/{case.id}", {"text": " "})
    assert "Ein Feld fehlt" in browser.page
    rival = await portal.browser("rival")
    theirs, none = [await rival.get(f"/cases/{one}") for one in (case.id, "none")]
    assert (theirs.status_code, theirs.text.replace(case.id, "none")) == (404, none.text)


async def test_a_support_request_needs_the_customers_wish_and_leads_to_the_forum(portal: Portal) -> None:
    browser = await portal.browser("texan")
    await browser.get("/support")
    assert "named no forum" in browser.page
    assert "asked_by_customer" not in browser.page
    await portal.set(forum_url="https://forum.vendor.example/new")
    await browser.get("/support")
    assert "My customer asked me to open this support request." in browser.page
    await browser.post("/support", {"order_number": "1", "topic": "Printing"})
    assert "only be opened if the customer asked" in text_of(browser.page)
    assert "forum.vendor.example" not in browser.page
    await browser.post("/support", {"order_number": "9", "topic": "Printing", "asked_by_customer": "yes"})
    assert "no such order" in text_of(browser.page)
    assert await rows(portal.world, SupportRequest) == []
    await browser.post("/support", {"order_number": "1", "topic": "Printing", "asked_by_customer": "yes"})
    assert 'href="https://forum.vendor.example/new"' in browser.page
    (row,) = await rows(portal.world, SupportRequest)
    assert (row.attested_by, row.topic, row.order_number) == ("texan@partner.example", "Printing", "1")
