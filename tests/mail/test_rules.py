import email
import re
from dataclasses import fields, replace
from datetime import date, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest

from app.colors import TEXT_CONTRAST, contrast
from app.errors import InvalidInput
from app.mail.markup import Rendered
from app.mail.rules import PLAIN, Context, Templates, compose, envelope, message_id, readdressed, words_and_pictures
from app.mail.samples import SELLER, application, certificate, license, order, payment, price_change, sample
from app.mail.schemas import Attachment, ClaimContext, Language, LicenseContext, MailKind, MailLine
from tests.conftest import NOW

PDF = Attachment("invoice-2026-00001.pdf", "application/pdf", b"%PDF-1.7 \x00\xff" * 50)
LICENSE_FILE = Attachment("license-1042-GRID-DEV.lic", "application/octet-stream", b"-----BEGIN LICENSE FILE-----\n")
AMOUNT = re.compile(r"\d[.,]\d{2}\b|[€$£¥]|\b(?:EUR|USD|GBP|CHF|JPY)\b|price:|total", re.IGNORECASE)


def make(kind: MailKind = MailKind.ORDER_RECEIVED, language: Any = "en", context: Any = None, *attachments: Attachment) -> bytes:
    return compose(
        kind,
        language,
        context or sample(kind),
        attachments,
        sender="Reseller Program <resellers@vendor.example>",
        recipient="rita@beta.example",
        message_id="id-1@app.example",
        at=NOW,
    ).content


def rendered(kind: MailKind, language: Language, context: Context) -> Rendered:
    return words_and_pictures(kind, language, context, PLAIN, Templates(), "id-1@app.example")[0]


def subject(kind: MailKind, language: Language, context: Context) -> str:
    return rendered(kind, language, context).subject


def render(kind: MailKind, language: Language, context: Context, suffix: str) -> str:
    made = rendered(kind, language, context)
    return made.html if suffix == "html" else made.text


def parse(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=SMTP)  # type: ignore[return-value, unused-ignore]


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))  # type: ignore[arg-type, unused-ignore]
    assert part is not None
    return str(part.get_content())


def words(html: str) -> str:
    return re.sub(r"<[^>]+>", " ", html)


@pytest.mark.parametrize("kind", MailKind)
@pytest.mark.parametrize("language", ["en", "de"])
def test_the_same_mail_is_the_same_bytes(kind: MailKind, language: Any) -> None:
    content = make(kind, language, None, PDF)
    assert content == make(kind, language, None, PDF)
    content.decode("ascii")
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")


@pytest.mark.parametrize("kind", MailKind)
def test_case_83_a_mail_to_another_address_says_the_same(kind: MailKind) -> None:
    license_file = Attachment("grid.lic", "text/plain", "Ünîcode\r\n\r\nand blank lines".encode())
    content = make(kind, "de", None, license_file)
    assert readdressed(content, recipient="rita@beta.example", message_id="id-1@app.example", at=NOW) == content
    other = readdressed(content, recipient="Zoë <zoe@bücher.example>", message_id="id-2@app.example", at=NOW + timedelta(days=1))
    before, after = parse(content), parse(other)
    assert (after["To"], after["Message-ID"]) == ("Zoë <zoe@xn--bcher-kva.example>", "<id-2@app.example>")
    assert after["Date"].datetime == NOW + timedelta(days=1)
    changed = {"To", "Message-ID", "Date"}
    assert [(k, v) for k, v in before.items() if k not in changed] == [(k, v) for k, v in after.items() if k not in changed]
    assert content.partition(b"\r\n\r\n")[2] == other.partition(b"\r\n\r\n")[2]
    with pytest.raises(InvalidInput):
        readdressed(content, recipient="a@b.example\r\nBcc: c@d.example", message_id="i", at=NOW)


def test_headers() -> None:
    mail = parse(make())
    assert mail["From"] == "Reseller Program <resellers@vendor.example>"
    assert (mail["To"], mail["Reply-To"], mail["Message-ID"]) == ("rita@beta.example", "sales@example.com", "<id-1@app.example>")
    assert (mail["Subject"], mail["Date"]) == ("Order 1042 received", "Mon, 02 Mar 2026 12:00:00 +0000")
    assert parse(make(MailKind.LICENSE, "de"))["Subject"] == "Bestellung 1042: Lizenz"


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", ["EUR 1,118.80", "April 1, 2026", "So far 2 of 3 prepaid orders are paid.", "Thank you"]),
        ("de", ["1.118,80 EUR", "1. April 2026", "Bisher sind 2 von 3 Vorkasse-Bestellungen bezahlt.", "Vielen Dank"]),
    ],
)
def test_a_prepaid_order_says_how_to_pay(language: Any, says: list[str]) -> None:
    mail = parse(make(language=language))
    html, text = body(mail, "html"), body(mail, "plain")
    for part in (*says[:3], "RF18539007547034", "DE89 3704 0044 0532 0130 00", "COBADEFFXXX", "PO-7781", "Acme GmbH", "GRID-DEV"):
        assert part in html, part
        assert part in text, part
    assert says[3] in html


def test_the_code_to_scan_is_an_inline_picture() -> None:
    mail = parse(make())
    picture = next(part for part in mail.walk() if part.get_content_type() == "image/png")
    assert picture["Content-ID"] == "<qr.id-1@app.example>"
    assert "cid:qr.id-1@app.example" in body(mail, "html")
    assert picture.get_content().startswith(b"\x89PNG")
    dollars = order(payment=payment(qr_svg=None, iban="", bic="", routing_number="021000021", account_number="123456789"))
    plain = make(context=dollars)
    assert b"image/png" not in plain
    assert "021000021" in body(parse(plain), "html")
    assert "IBAN" not in body(parse(plain), "html")


def test_who_has_paid_all_prepaid_orders_is_told_no_count() -> None:
    for language, count in (("en", "of 3"), ("de", "von 3")):
        text = body(parse(make(language=language, context=order(prepaid_done=3))), "plain")
        assert count not in text


PORTAL = "https://store.example/portal"
LEADS = {
    MailKind.ORDER_RECEIVED: "/orders/1042", MailKind.ORDER_DETAILS: "/orders/1042", MailKind.CREDIT_NOTE: "/orders/1042",
    MailKind.STATEMENT: "/statements", MailKind.REMINDER: "/statement", MailKind.WIRE_BOOKED: "/statement",
    MailKind.APPLICATION_APPROVED: "/policy", MailKind.RESELLER_REINSTATED: "/policy",
    MailKind.APPLICATION_MORE_INFORMATION: "/apply", MailKind.PRICE_CHANGE: "/prices", MailKind.CASE: "/cases",
    MailKind.CERTIFICATE_APPROVED: "/certificates", MailKind.CERTIFICATE_ENDING: "/certificates",
    MailKind.CERTIFICATE_EXPIRED: "/certificates", MailKind.CERTIFICATE_REJECTED: "/certificates",
    MailKind.CERTIFICATE_REVOKED: "/certificates",
}  # fmt: skip
"""Where each mail's next step is done; a license mail is passed on to the end customer and leads nowhere."""


@pytest.mark.parametrize("kind", MailKind)
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_mail_leads_to_its_next_step_in_the_portal(kind: MailKind, language: Any) -> None:
    look = replace(PLAIN, portal=PORTAL)
    made = words_and_pictures(kind, language, sample(kind), look, Templates(), "id-1@app.example")[0]
    assert re.findall(rf'href="{PORTAL}([^"]*)"', made.html) == ([LEADS[kind]] if kind in LEADS else [])
    assert (f": {PORTAL}{LEADS.get(kind)}\n" in made.text) == (kind in LEADS)
    assert PORTAL not in rendered(kind, language, sample(kind)).html


def test_a_link_takes_any_order_number() -> None:
    look = replace(PLAIN, portal=PORTAL)
    context = order(order_number='A1 "x"?')
    made = words_and_pictures(MailKind.ORDER_RECEIVED, "en", context, look, Templates(), "id-1@app.example")[0]
    assert f'href="{PORTAL}/orders/A1%20%22x%22%3F"' in made.html


@pytest.mark.parametrize("kind", MailKind)
@pytest.mark.parametrize("language", ["en", "de"])
def test_what_a_mailbox_shows_beside_the_subject_says_something_of_its_own_and_no_amount(kind: MailKind, language: Any) -> None:
    made = rendered(kind, language, sample(kind))
    preview = re.search(r"<body[^>]*>\s*<div[^>]*display:none[^>]*>(.*?)</div>", made.html, re.DOTALL)
    assert preview is not None
    shown = preview[1].strip()
    assert len(shown) > 20
    assert not AMOUNT.search(shown)
    assert shown not in made.subject


@pytest.mark.parametrize("accent", ["#ffcc00", "#1f3a5f", "#000000", "#ffffff"])
def test_a_button_is_read_in_every_color_light_and_dark(accent: str) -> None:
    made = words_and_pictures(
        MailKind.INVITATION, "en", sample(MailKind.INVITATION), replace(PLAIN, accent=accent), Templates(), "m@x"
    )
    html = made[0].html
    dark = re.search(r"\.go a \{ background-color: (#\w{6}) !important; color: (#\w{6})", html)
    assert dark is not None
    assert contrast(dark[1], "#1b2129") >= 3
    assert contrast(dark[1], dark[2]) >= TEXT_CONTRAST
    shown = re.search(rf'<a[^>]*href="https://store[^>]*background:{accent};color:(#\w{{6}})', html)
    assert shown is not None
    assert contrast(accent, shown[1]) >= TEXT_CONTRAST


@pytest.mark.parametrize(("language", "says"), [("en", "on account"), ("de", "auf Rechnung")])
def test_an_order_on_account(language: Any, says: str) -> None:
    text = body(parse(make(language=language, context=order(terms="on_account"))), "plain")
    assert says in text
    assert "2 of 3" not in text


def test_nothing_to_pay_gives_no_instructions() -> None:
    for kind in (MailKind.ORDER_RECEIVED, MailKind.ORDER_DETAILS):
        assert "RF18" not in body(parse(make(kind, "en", order(payment=None))), "html")


def test_attachments_arrive_as_they_are() -> None:
    files = list(parse(make(MailKind.ORDER_DETAILS, "en", None, PDF, PDF)).iter_attachments())
    assert [file.get_filename() for file in files] == ["invoice-2026-00001.pdf", "invoice-2026-00001-2.pdf"]
    assert files[0].get_content() == PDF.content
    bare = replace(LICENSE_FILE, file_name="LIC\r\nX-Evil: 1")
    names = [file.get_filename() for file in parse(make(MailKind.LICENSE, "en", None, bare, bare)).iter_attachments()]
    assert names == ["LIC X-Evil: 1", "LIC X-Evil: 1-2"]


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("temporary", [None, date(2026, 4, 1)])
def test_rule_9_a_license_mail_holds_no_amount(language: Any, temporary: date | None) -> None:
    mail = parse(make(MailKind.LICENSE, language, license(temporary_until=temporary), LICENSE_FILE))
    text, html = body(mail, "plain"), words(body(mail, "html"))
    for part in (text, html, mail["Subject"], *(str(file.get_filename()) for file in mail.iter_attachments())):
        assert AMOUNT.search(part) is None, part
    assert "GRID-DEV" in text
    assert ("2026" in text) == (temporary is not None)
    assert AMOUNT.search(body(parse(make()), "plain")), "the scan must be able to find an amount"


@pytest.mark.parametrize("language", ["en", "de"])
def test_case_22_a_claim_mail_holds_its_link_and_no_amount(language: Any) -> None:
    mail = parse(make(MailKind.LICENSE_CLAIM, language))
    text, html = body(mail, "plain"), body(mail, "html")
    for part in (text, words(html), mail["Subject"]):
        assert AMOUNT.search(part) is None, part
    assert "https://shop.example/claim/abc-123" in text
    assert 'href="https://shop.example/claim/abc-123"' in html
    assert "2026" in text
    with pytest.raises(TypeError, match="ClaimContext"):
        make(MailKind.LICENSE_CLAIM, language, order())
    assert not any("Money" in str(field.type) or "Payment" in str(field.type) for field in fields(ClaimContext))


def test_rule_9_amounts_cannot_come_into_a_license_mail() -> None:
    with pytest.raises(TypeError, match="LicenseContext"):
        make(MailKind.LICENSE, "en", order())
    assert not any("Money" in str(field.type) or "Payment" in str(field.type) for field in fields(LicenseContext))


@pytest.mark.parametrize("kind", MailKind)
@pytest.mark.parametrize("language", ["en", "de"])
def test_names_are_text(kind: MailKind, language: Any) -> None:
    evil = "<script>alert(1)</script> {{ 7*7 }} & Söhne"
    changes: dict[str, Any] = {"name": evil, "end_customer": evil, "lines": (MailLine("<b>", evil, 1),), "po_number": "<i>"}
    changes |= {"company": evil, "reason": evil, "policy_version": "<b>", "seller": SELLER.model_copy(update={"name": evil})}
    context = sample(kind, **changes)
    html = render(kind, language, context, "html")
    assert "<script>" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 7*7 }} &amp; Söhne" in html
    assert evil in render(kind, language, context, "txt")


def test_no_text_becomes_a_header() -> None:
    context = order(order_number="1042\r\nBcc: all@evil.example", name="Rita\r\n\r\nBcc: x@evil.example")
    mail = parse(make(context=context))
    assert mail["Bcc"] is None
    assert subject(MailKind.ORDER_RECEIVED, "en", context) == "Order 1042 Bcc: all@evil.example received"
    assert mail["Subject"] == "Order 1042 Bcc: all@evil.example received"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a@b.example\r\nBcc: c@d.example",
        "a@b.example, c@d.example",
        "@b.example",
        "a b@c.example",
        "ü@b.example",
        "a@",
    ],
)
def test_what_is_no_address_gets_no_mail(address: str) -> None:
    with pytest.raises(InvalidInput, match="not a mail address"):
        envelope(address)


def test_addresses() -> None:
    assert envelope("eva@müller.example").addr_spec == "eva@xn--mller-kva.example"
    assert envelope("Eva\r\nX <eva+tag@b.example>").addr_spec == "eva+tag@b.example"
    assert message_id("m1", "https://app.example:8443") == "m1@app.example"


APPLICATION_MAILS = (MailKind.APPLICATION_APPROVED, MailKind.APPLICATION_REJECTED, MailKind.APPLICATION_MORE_INFORMATION)


@pytest.mark.parametrize("kind", APPLICATION_MAILS)
@pytest.mark.parametrize("language", ["en", "de"])
def test_mails_about_an_application_hold_no_amount_and_need_its_context(kind: MailKind, language: Any) -> None:
    mail = parse(make(kind, language))
    for part in (body(mail, "plain"), words(body(mail, "html")), mail["Subject"]):
        assert AMOUNT.search(part) is None, part
    with pytest.raises(TypeError, match="ApplicationContext"):
        make(kind, language, order())


@pytest.mark.parametrize(
    ("language", "reason", "again"),
    [("en", "Reason", "apply again from April 1, 2026 on"), ("de", "Begründung", "Ab dem 1. April 2026")],
)
def test_case_3_a_rejection_says_why_line_by_line_and_when_to_try_again(language: Any, reason: str, again: str) -> None:
    mail = parse(make(MailKind.APPLICATION_REJECTED, language))
    text, html = body(mail, "plain").replace("\r\n", "\n"), body(mail, "html")
    assert f"{reason}\n\n> You build portals for your clients.\n> The program is for resellers.\n" in text
    assert again in text
    assert again in html
    assert re.search(r"You build portals for your clients\.<br ?/?>The program", html)
    for_good = parse(make(MailKind.APPLICATION_REJECTED, language, application(apply_again_from=None)))
    assert "2026" not in body(for_good, "plain")


@pytest.mark.parametrize(
    ("language", "one", "three"), [("en", "first order is", "first 3 orders are"), ("de", "erste", "ersten 3")]
)
def test_an_approval_says_what_is_left_to_do(language: Any, one: str, three: str) -> None:
    def text(**changed: Any) -> str:
        return body(parse(make(MailKind.APPLICATION_APPROVED, language, application(**changed))), "plain")

    assert "2026-1" in text()
    assert three in text()
    assert "2026-1" not in text(policy_version="")
    assert one in text(prepaid_needed=1)
    assert "3." not in text(prepaid_needed=0)
    assert "Acme Group" in text(linked_to="Acme Group")


@pytest.mark.parametrize(
    ("language", "says"),
    [
        (
            "en",
            [
                "partner prices of Beta Resell GmbH change on June 1, 2026",
                "- General discount: 7.5 % off retail (until then 10 % off retail)",
                "- Variant GRID-DEV, from 10 units: no longer; the general price holds (until then 5 % off retail)",
                "- Product Chart <b>, orders from July 1, 2026: EUR 1,091.50 through December 31, 2026 (new)",
                "2 more prices change",
            ],
        ),
        (
            "de",
            [
                "Partnerpreise von Beta Resell GmbH ändern sich zum 1. Juni 2026",
                "- Allgemeiner Rabatt: 7,5 % unter Listenpreis (bisher 10 % unter Listenpreis)",
                "- Variante GRID-DEV, ab 10 Stück: entfällt; es gilt der allgemeine Preis (bisher 5 % unter",
                "- Produkt Chart <b>, Bestellungen ab 1. Juli 2026: 1.091,50 EUR bis einschließlich 31. Dezember 2026 (neu)",
                "2 weitere Preise ändern sich",
            ],
        ),
    ],
)
def test_a_price_change_says_what_changes_and_when(language: Any, says: list[str]) -> None:
    text = render(MailKind.PRICE_CHANGE, language, price_change(), "txt").replace("\xa0", " ")
    html = render(MailKind.PRICE_CHANGE, language, price_change(), "html").replace("\xa0", " ")
    for each in says:
        assert each in text
        for part in each.removeprefix("- ").replace("<b>", "&lt;b&gt;").split(": "):
            assert part in html
    assert "weitere" not in render(MailKind.PRICE_CHANGE, "de", price_change(more=0), "txt")


def test_the_subjects_of_price_mails_name_the_day_and_no_amount() -> None:
    assert subject(MailKind.PRICE_CHANGE, "en", price_change()) == "Your partner prices change on June 1, 2026"
    assert subject(MailKind.PRICE_CHANGE_CANCELED, "de", price_change()) == (
        "Die Änderung Ihrer Partnerpreise zum 1. Juni 2026 entfällt"
    )
    assert "1. Juni 2026 findet nicht statt" in render(MailKind.PRICE_CHANGE_CANCELED, "de", price_change(), "txt")


CERTIFICATE_MAILS = [kind for kind in MailKind if kind.startswith("certificate_")]


@pytest.mark.parametrize("kind", CERTIFICATE_MAILS)
@pytest.mark.parametrize("language", ["en", "de"])
def test_mails_about_a_certificate_name_it_and_hold_no_amount(kind: MailKind, language: Any) -> None:
    mail = parse(make(kind, language))
    for part in (body(mail, "plain"), words(body(mail, "html")), mail["Subject"]):
        assert AMOUNT.search(part) is None, part
        assert "TX-4711" in part
    for part in (body(mail, "plain"), words(body(mail, "html"))):
        assert "New York, Texas" in part
        assert ("The signature is missing." in part) == (kind in (MailKind.CERTIFICATE_REJECTED, MailKind.CERTIFICATE_REVOKED))
        assert {"en": "April 1, 2026", "de": "1. April 2026"}[language] in part
    open_end = body(parse(make(kind, language, certificate(valid_to=None))), "plain")
    assert {"en": "no expiry date", "de": "unbefristet"}[language] in open_end
    with pytest.raises(TypeError, match="CertificateContext"):
        make(kind, language, order())


@pytest.mark.parametrize(
    ("language", "days", "says"),
    [
        ("en", 7, "ends in 7 days"), ("en", 1, "ends tomorrow"), ("en", 0, "ends today"),
        ("de", 7, "in 7 Tagen ab"), ("de", 1, "morgen ab"), ("de", 0, "heute ab"),
    ],
)  # fmt: skip
def test_a_reminder_says_when_and_what_to_do(language: Any, days: int, says: str) -> None:
    for waits, to_do in ((False, {"en": "Please upload", "de": "Bitte laden"}), (True, {"en": "received", "de": "erhalten"})):
        context = certificate(days_left=days, renewal_waits=waits)
        for kind in ("plain", "html"):
            text = body(parse(make(MailKind.CERTIFICATE_ENDING, language, context)), kind)
            assert says in text
            assert to_do[language] in text


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", ["for February 2026", "EUR 1,118.80", "RF18539007547034", "S2026-00002", "nothing to pay"]),
        ("de", ["für Februar 2026", "1.118,80 EUR", "RF18539007547034", "S2026-00002", "nichts zu zahlen"]),
    ],
)
def test_a_statement_mail_says_what_to_pay_and_how(language: Any, says: list[str]) -> None:
    mail = parse(make(MailKind.STATEMENT, language, None, PDF))
    for text in (body(mail, "plain"), words(body(mail, "html"))):
        assert all(part in text for part in says)
        assert text.count("RF18539007547034") == 1, "what asks for nothing has no reference"
    assert not AMOUNT.search(mail["Subject"])


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", ["1042", "PO-77", "March 1, 2026, overdue for 7 days", "EUR 18.80", "March 11, 2026"]),
        ("de", ["1042", "PO-77", "1. März 2026, überfällig seit 7 Tagen", "18,80 EUR", "11. März 2026"]),
    ],
)
def test_a_reminder_of_orders_says_what_is_open_since_when(language: Any, says: list[str]) -> None:
    mail = parse(make(MailKind.REMINDER, language))
    for text in (body(mail, "plain"), words(body(mail, "html"))):
        assert all(part in text for part in [*says, "DE89 3704 0044 0532 0130 00", "Example Components GmbH"])
        assert "-3" not in text
