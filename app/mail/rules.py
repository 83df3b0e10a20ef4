"""Composing a mail: the same input gives the same bytes, and no text of others becomes a header or markup."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import typst
from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.errors import InvalidInput
from app.mail.schemas import (
    ApplicationContext,
    Attachment,
    CertificateContext,
    ClaimContext,
    CreditNoteContext,
    InvitationContext,
    Language,
    LicenseContext,
    MailKind,
    OrderContext,
    PriceChangeContext,
    PriceTerms,
    ReminderContext,
    ResellerContext,
    StatementContext,
    WireContext,
)
from app.money import Money

TEMPLATES = Path(__file__).parent / "templates"
POLICY = SMTP.clone(cte_type="7bit")
LOCALES = {"en": "en_US", "de": "de_DE"}
MONEY = {"en": "¤¤ #,##0.00", "de": "#,##0.00 ¤¤"}
DATES = {"en": "MMMM d, y", "de": "d. MMMM y"}
OFF_RETAIL = {"en": "{percent} % off retail", "de": "{percent} % unter Einzelhandelspreis"}
UNTIL = {"en": "{price} through {day}", "de": "{price} bis einschließlich {day}"}
SUBJECTS = {
    (MailKind.ORDER_RECEIVED, "en"): "Order {c.order_number} received",
    (MailKind.ORDER_RECEIVED, "de"): "Bestellung {c.order_number} eingegangen",
    (MailKind.ORDER_DETAILS, "en"): "Order {c.order_number}: details and invoice",
    (MailKind.ORDER_DETAILS, "de"): "Bestellung {c.order_number}: Details und Rechnung",
    (MailKind.CREDIT_NOTE, "en"): "Order {c.order_number}: credit note {c.number}",
    (MailKind.CREDIT_NOTE, "de"): "Bestellung {c.order_number}: Rechnungskorrektur {c.number}",
    (MailKind.LICENSE, "en"): "Order {c.order_number}: license",
    (MailKind.LICENSE, "de"): "Bestellung {c.order_number}: Lizenz",
    (MailKind.LICENSE_CLAIM, "en"): "A license waits for you",
    (MailKind.LICENSE_CLAIM, "de"): "Eine Lizenz wartet auf Sie",
    (MailKind.APPLICATION_APPROVED, "en"): "Welcome to the reseller program",
    (MailKind.APPLICATION_APPROVED, "de"): "Willkommen im Wiederverkäuferprogramm",
    (MailKind.APPLICATION_REJECTED, "en"): "Your application to the reseller program",
    (MailKind.APPLICATION_REJECTED, "de"): "Ihre Bewerbung zum Wiederverkäuferprogramm",
    (MailKind.APPLICATION_MORE_INFORMATION, "en"): "A question about your application to the reseller program",
    (MailKind.APPLICATION_MORE_INFORMATION, "de"): "Eine Rückfrage zu Ihrer Bewerbung zum Wiederverkäuferprogramm",
    (MailKind.CERTIFICATE_APPROVED, "en"): "Your exemption certificate {c.number} is approved",
    (MailKind.CERTIFICATE_APPROVED, "de"): "Ihr Befreiungszertifikat {c.number} ist anerkannt",
    (MailKind.CERTIFICATE_REJECTED, "en"): "Your exemption certificate {c.number} was not accepted",
    (MailKind.CERTIFICATE_REJECTED, "de"): "Ihr Befreiungszertifikat {c.number} wurde nicht anerkannt",
    (MailKind.CERTIFICATE_REVOKED, "en"): "Your exemption certificate {c.number} no longer counts",
    (MailKind.CERTIFICATE_REVOKED, "de"): "Ihr Befreiungszertifikat {c.number} gilt nicht mehr",
    (MailKind.CERTIFICATE_ENDING, "en"): "Your exemption certificate {c.number} ends soon",
    (MailKind.CERTIFICATE_ENDING, "de"): "Ihr Befreiungszertifikat {c.number} läuft bald ab",
    (MailKind.CERTIFICATE_EXPIRED, "en"): "Your exemption certificate {c.number} has expired",
    (MailKind.CERTIFICATE_EXPIRED, "de"): "Ihr Befreiungszertifikat {c.number} ist abgelaufen",
    (MailKind.RESELLER_SUSPENDED, "en"): "Your part in the reseller program is suspended",
    (MailKind.RESELLER_SUSPENDED, "de"): "Ihre Teilnahme am Wiederverkäuferprogramm ruht",
    (MailKind.RESELLER_ENDED, "en"): "Your part in the reseller program has ended",
    (MailKind.RESELLER_ENDED, "de"): "Ihre Teilnahme am Wiederverkäuferprogramm ist beendet",
    (MailKind.RESELLER_REINSTATED, "en"): "Welcome back to the reseller program",
    (MailKind.RESELLER_REINSTATED, "de"): "Willkommen zurück im Wiederverkäuferprogramm",
    (MailKind.INVITATION, "en"): "{c.company} invites you to its reseller account",
    (MailKind.INVITATION, "de"): "{c.company} lädt Sie in sein Wiederverkäuferkonto ein",
    (MailKind.PRICE_CHANGE, "en"): "Your partner prices change on {c.effective_on:%Y-%m-%d}",
    (MailKind.PRICE_CHANGE, "de"): "Ihre Partnerpreise ändern sich zum {c.effective_on:%d.%m.%Y}",
    (MailKind.PRICE_CHANGE_CANCELED, "en"): "The change of your partner prices on {c.effective_on:%Y-%m-%d} is canceled",
    (MailKind.PRICE_CHANGE_CANCELED, "de"): "Die Änderung Ihrer Partnerpreise zum {c.effective_on:%d.%m.%Y} entfällt",
    (MailKind.STATEMENT, "en"): "Statement of account for {c.month:%Y-%m}",
    (MailKind.STATEMENT, "de"): "Monatsabrechnung für {c.month:%m/%Y}",
    (MailKind.REMINDER, "en"): "Payment reminder",
    (MailKind.REMINDER, "de"): "Zahlungserinnerung",
    (MailKind.WIRE_BOOKED, "en"): "About your bank transfer of {c.value_date:%Y-%m-%d}",
    (MailKind.WIRE_BOOKED, "de"): "Zu Ihrer Überweisung vom {c.value_date:%d.%m.%Y}",
}

Context = (
    OrderContext
    | CreditNoteContext
    | LicenseContext
    | ClaimContext
    | ApplicationContext
    | ResellerContext
    | InvitationContext
    | PriceChangeContext
    | CertificateContext
    | StatementContext
    | ReminderContext
    | WireContext
)
CONTEXTS: dict[MailKind, type[Context]] = {
    MailKind.ORDER_RECEIVED: OrderContext,
    MailKind.ORDER_DETAILS: OrderContext,
    MailKind.CREDIT_NOTE: CreditNoteContext,
    MailKind.LICENSE: LicenseContext,
    MailKind.LICENSE_CLAIM: ClaimContext,
    MailKind.APPLICATION_APPROVED: ApplicationContext,
    MailKind.APPLICATION_REJECTED: ApplicationContext,
    MailKind.APPLICATION_MORE_INFORMATION: ApplicationContext,
    MailKind.CERTIFICATE_APPROVED: CertificateContext,
    MailKind.CERTIFICATE_REJECTED: CertificateContext,
    MailKind.CERTIFICATE_REVOKED: CertificateContext,
    MailKind.CERTIFICATE_ENDING: CertificateContext,
    MailKind.CERTIFICATE_EXPIRED: CertificateContext,
    MailKind.RESELLER_SUSPENDED: ResellerContext,
    MailKind.RESELLER_ENDED: ResellerContext,
    MailKind.RESELLER_REINSTATED: ResellerContext,
    MailKind.INVITATION: InvitationContext,
    MailKind.PRICE_CHANGE: PriceChangeContext,
    MailKind.PRICE_CHANGE_CANCELED: PriceChangeContext,
    MailKind.STATEMENT: StatementContext,
    MailKind.REMINDER: ReminderContext,
    MailKind.WIRE_BOOKED: WireContext,
}


def subject(kind: MailKind, language: Language, context: Context) -> str:
    """The subject, one line of at most 200 characters. It never names an amount."""
    return _line(SUBJECTS[kind, language].format(c=context))[:200]


def message_id(mail_id: str, base_url: str) -> str:
    """A mail's own Message-ID without the angle brackets; it never changes."""
    return f"{mail_id}@{urlsplit(base_url).hostname or 'localhost'}"


def envelope(address: str) -> Address:
    """One mail address, perhaps with a display name; an international domain in its ASCII form.

    Raises InvalidInput for anything that is no single address in ASCII letters before the @.
    """
    name, plain = parseaddr(address) if "<" in address else ("", address.strip())
    local, _, domain = plain.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode()
        if not local or not re.fullmatch(r"[!-~]+", plain.replace(domain, "", 1)) or not re.fullmatch(r"[\w.-]+", ascii_domain):
            raise ValueError("no address")
        return Address(display_name=_line(name), addr_spec=f"{local}@{ascii_domain}")
    except Exception as error:  # the parser of the standard library fails in many ways on nonsense
        raise InvalidInput(f"No mail can be sent to {address!r}: it is not a mail address.", code="mail_address") from error


def compose(
    kind: MailKind,
    language: Language,
    context: Context,
    attachments: Sequence[Attachment],
    *,
    sender: str,
    recipient: str,
    message_id: str,
    at: datetime,
) -> bytes:
    """The whole mail as it goes over the wire: text and HTML, an EPC code as inline picture, the attachments.

    Raises InvalidInput for a sender or recipient that is no address, TypeError for a context of another kind of mail: amounts
    cannot come into a license mail.
    """
    if not isinstance(context, CONTEXTS[kind]):
        raise TypeError(f"a {kind} mail is made from {CONTEXTS[kind].__name__}")
    payment = context.payment if isinstance(context, OrderContext) else None
    qr = qr_png(payment.qr_svg) if payment is not None and payment.qr_svg else None
    cid = f"qr.{message_id}"
    mail = EmailMessage(policy=POLICY)
    mail["From"] = envelope(sender)
    mail["To"] = envelope(recipient)
    if context.seller.email:
        mail["Reply-To"] = envelope(context.seller.email)
    mail["Subject"] = subject(kind, language, context)
    mail["Date"] = format_datetime(at.astimezone(UTC))
    mail["Message-ID"] = f"<{message_id}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Content-Language"] = language
    mail.set_content(render(kind, language, context, "txt"))
    mail.add_alternative(render(kind, language, context, "html", qr_cid=cid if qr else ""), subtype="html")
    if qr:
        html = mail.get_payload(1)
        assert isinstance(html, EmailMessage)
        html.add_related(qr, "image", "png", cid=f"<{cid}>", filename="qr.png", disposition="inline")
    for attachment, name in zip(attachments, distinct(attachment.file_name for attachment in attachments), strict=True):
        main, _, sub = attachment.media_type.partition("/")
        mail.add_attachment(attachment.content, maintype=main, subtype=sub, filename=name)
    _fix_boundaries(mail, message_id)
    return mail.as_bytes()


def readdressed(content: bytes, *, recipient: str, message_id: str, at: datetime) -> bytes:
    """The same mail to another address: only To, Date and Message-ID change, every other byte stays.

    Raises InvalidInput for a recipient that is no address.
    """
    head, blank, body = content.partition(b"\r\n\r\n")
    headers = BytesHeaderParser(policy=POLICY).parsebytes(head + blank)
    headers.replace_header("To", envelope(recipient))
    headers.replace_header("Date", format_datetime(at.astimezone(UTC)))
    headers.replace_header("Message-ID", f"<{message_id}>")
    return b"".join(POLICY.fold_binary(name, value) for name, value in headers.raw_items()) + b"\r\n" + body


def render(kind: MailKind, language: Language, context: Context, suffix: str, *, qr_cid: str = "") -> str:
    """The body as `txt` or `html`; names are escaped in HTML."""
    template = ENVIRONMENT.get_template(f"{kind}.{language}.{suffix}")
    return template.render(c=context, language=language, subject=subject(kind, language, context), qr_cid=qr_cid)


def qr_png(svg: str) -> bytes:
    """The picture of an SVG code, for mail programs draw no SVG."""
    return typst.compile(TEMPLATES / "qr.typ", root=TEMPLATES, format="png", ppi=216, sys_inputs={"svg": svg}, timestamp=0)


def _fix_boundaries(mail: EmailMessage, message_id: str) -> None:
    parts = [part for part in mail.walk() if part.is_multipart()]
    for position, part in enumerate(parts):
        part.set_boundary("=_" + hashlib.sha256(f"{message_id}/{position}".encode()).hexdigest()[:40])


def distinct(names: Iterable[str]) -> list[str]:
    """File names without control characters, the second of the same name with a number."""
    given: list[str] = []
    for name in map(_line, names):
        stem, dot, suffix = name.rpartition(".")
        candidate, number = name, 2
        while candidate in given:
            candidate = f"{stem}-{number}{dot}{suffix}" if dot else f"{name}-{number}"
            number += 1
        given.append(candidate)
    return given


def _line(text: str) -> str:
    """One line: no control characters, no double blanks."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _money(money: Money, language: Language) -> str:
    return str(format_currency(money.amount, money.currency, MONEY[language], LOCALES[language]))


def _date(day: date, language: Language) -> str:
    return format_date(day, DATES[language], LOCALES[language])


def _month(day: date, language: Language) -> str:
    return format_date(day, "LLLL y", LOCALES[language])


def _moment(at: datetime, language: Language) -> str:
    return f"{_date(at.date(), language)}, {format_time(at, 'HH:mm z', tzinfo=at.tzinfo, locale=LOCALES[language])}"


def _terms(terms: PriceTerms, language: Language) -> str:
    """A price as it is said: `7.5 % off retail`, or an amount, with its last day."""
    if isinstance(terms.price, Money):
        said = _money(terms.price, language)
    else:
        percent = format_decimal(terms.price, "#,##0.##", LOCALES[language])
        said = OFF_RETAIL[language].format(percent=percent)
    return UNTIL[language].format(price=said, day=_date(terms.until, language)) if terms.until else said


def _iban(iban: str) -> str:
    return " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {
        "money": _money,
        "day": _date,
        "month": _month,
        "moment": _moment,
        "terms": _terms,
        "iban": _iban,
        "line": _line,
    }
    environment.filters.update(filters)
    return environment


ENVIRONMENT = _environment()
