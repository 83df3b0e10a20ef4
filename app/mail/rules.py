"""Composing a mail: the same input gives the same bytes, and no text of others becomes a header or markup."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from urllib.parse import urlsplit

import typst

from app.colors import WHITE, ink_on, readable
from app.errors import InvalidInput
from app.mail.lines import one_line
from app.mail.markup import TEMPLATES, Fault, Look, Rendered, TemplateFault, render_mail
from app.mail.reports import delivery_token
from app.mail.schemas import (
    ApplicationContext,
    Attachment,
    CaseContext,
    CertificateContext,
    ClaimContext,
    CreditNoteContext,
    InvitationContext,
    Language,
    LicenseContext,
    MailKind,
    OrderContext,
    PriceChangeContext,
    ReminderContext,
    ResellerContext,
    StatementContext,
    TrialContext,
    WireContext,
)

PLAIN = Look()
LAYOUT = "layout"
DARK_SHEET, SEEN = "#1b2129", 3.0
"""What mails are written on where the reader's program is dark (`layout.mjml`), and the contrast of a button or rule on it."""
POLICY = SMTP.clone(cte_type="7bit")
MAX_LOCAL_PART = 64

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
    | TrialContext
    | CaseContext
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
    MailKind.TEST: TrialContext,
    MailKind.CASE: CaseContext,
    MailKind.WIRE_BOOKED: WireContext,
}


def message_id(mail_id: str, base_url: str) -> str:
    """A mail's own Message-ID without the angle brackets; it never changes."""
    return f"{mail_id}@{urlsplit(base_url).hostname or 'localhost'}"


def thread_token(subject_id: str) -> str:
    """The token that mails about one thing share: 20 letters and digits, from the id of an order or of a mail about none.

    It stands in the address that answers go to, so it is the same in any case of letters; ids are random, and so is it.
    """
    return base64.b32encode(hashlib.sha256(f"thread\0{subject_id}".encode()).digest())[:20].decode().lower()


def plus_address(address: str, token: str) -> str:
    """The address with the token behind a plus, like `sales+<token>@vendor.example`. Raises InvalidInput for no address."""
    plain = envelope(address)
    return f"{plain.username.partition('+')[0]}+{token}@{plain.domain}"


def sent_from(sender: str, mail_id: str) -> str:
    """The address that one mail is sent from, like `resellers+<token>@vendor.example`: reports on its delivery come there, and it
    tells which mail they are about. The plain address where that would be longer than a mailbox name may be.
    """
    address = plus_address(sender, delivery_token(mail_id))
    return address if len(address.partition("@")[0]) <= MAX_LOCAL_PART else envelope(sender).addr_spec


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
        return Address(display_name=one_line(name), addr_spec=f"{local}@{ascii_domain}")
    except Exception as error:  # the parser of the standard library fails in many ways on nonsense
        raise InvalidInput(f"No mail can be sent to {address!r}: it is not a mail address.", code="mail_address") from error


def spellings(address: str) -> set[str]:
    """An address as servers and people write it: small letters, the domain in ASCII and in its own letters."""
    local, _, domain = address.strip().lower().rpartition("@")
    if not local or not domain:
        return set()
    found = {f"{local}@{domain}"}
    with suppress(UnicodeError):
        in_ascii = domain.encode("idna")
        found |= {f"{local}@{in_ascii.decode()}", f"{local}@{in_ascii.decode('idna')}"}
    return found


@dataclass(frozen=True, slots=True)
class Templates:
    """The vendor's own templates, sources by name, over the built-in ones; each that failed while mails were made from them."""

    own: Mapping[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail ready to go: its subject, never with an amount, and its exact bytes."""

    subject: str
    content: bytes


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
    look: Look = PLAIN,
    templates: Templates | None = None,
    thread: str = "",
    reply_to: str = "",
) -> Composed:
    """The whole mail as it goes over the wire: text and HTML, logo and EPC code as inline pictures, the attachments.

    Where a template of the vendor's own fails, the built-in one takes its place, and `templates.faults` names the line.
    `thread` is the token by which mails of one subject hang together; an answer goes to `reply_to`, else to the vendor's address.
    Raises InvalidInput for a sender or recipient that is no address, TypeError for a context of another kind of mail: amounts
    cannot come into a license mail.
    """
    rendered, pictures = words_and_pictures(kind, language, context, look, templates or Templates(), message_id)
    mail = EmailMessage(policy=POLICY)
    mail["From"] = envelope(sender)
    mail["To"] = envelope(recipient)
    if answer := reply_to or context.seller.email:
        mail["Reply-To"] = envelope(answer)
    mail["Subject"] = rendered.subject
    mail["Date"] = format_datetime(at.astimezone(UTC))
    mail["Message-ID"] = f"<{message_id}>"
    if thread:
        mail["References"] = f"<{thread}@{message_id.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(rendered.text)
    mail.add_alternative(rendered.html, subtype="html")
    if pictures:
        page = mail.get_payload(1)
        assert isinstance(page, EmailMessage)
        for name, content in pictures.items():
            page.add_related(content, "image", "png", cid=f"<{name}.{message_id}>", filename=f"{name}.png", disposition="inline")
    for attachment, name in zip(attachments, distinct(attachment.file_name for attachment in attachments), strict=True):
        main, _, sub = attachment.media_type.partition("/")
        mail.add_attachment(attachment.content, maintype=main, subtype=sub, filename=name)
    # Only now: before, it would have become a header of the text alone.
    mail["Content-Language"] = language
    _fix_boundaries(mail, message_id)
    return Composed(rendered.subject, mail.as_bytes())


def words_and_pictures(
    kind: MailKind, language: Language, context: Context, look: Look, templates: Templates, message_id: str
) -> tuple[Rendered, dict[str, bytes]]:
    """A mail's words, and the pictures in its HTML by the first part of their Content-ID. Raises TypeError as `compose` does."""
    if not isinstance(context, CONTEXTS[kind]):
        raise TypeError(f"a {kind} mail is made from {CONTEXTS[kind].__name__}")
    pictures = {}
    if look.logo:
        pictures["logo"] = look.logo
    payment = context.payment if isinstance(context, OrderContext) else None
    if payment is not None and payment.qr_svg:
        pictures["qr"] = qr_png(payment.qr_svg)
    dark = readable(look.accent, DARK_SHEET, SEEN)
    facts = {
        "c": context,
        "portal": look.portal,
        "language": language,
        "qr_cid": f"qr.{message_id}" if "qr" in pictures else "",
        "look": {
            "accent": look.accent,
            "accent_ink": readable(look.accent, WHITE),
            "on_accent": ink_on(look.accent),
            "accent_dark": dark,
            "on_accent_dark": ink_on(dark),
            "footer": (look.footer or {}).get(language, ""),
            "logo_cid": f"logo.{message_id}" if look.logo else "",
            "logo_width": look.logo_width,
        },
    }
    name = f"{kind}.{language}"
    if {name, LAYOUT} & templates.own.keys():
        try:
            return render_mail(name, facts, templates.own), pictures
        except TemplateFault as error:
            templates.faults.append(error.fault)
    return render_mail(name, facts, {}), pictures


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
    for name in map(one_line, names):
        stem, dot, suffix = name.rpartition(".")
        candidate, number = name, 2
        while candidate in given:
            candidate = f"{stem}-{number}{dot}{suffix}" if dot else f"{name}-{number}"
            number += 1
        given.append(candidate)
    return given
