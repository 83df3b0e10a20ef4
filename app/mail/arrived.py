"""Reading a mail that came in: who, what about, whether a machine wrote it, and what a report says of a delivery. Pure.

Mails come from anybody: nothing here fails, whatever the bytes are. What cannot be read is left out.
"""

from __future__ import annotations

import email
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from enum import StrEnum

from app.mail.lines import one_line, printable
from app.mail.plain import plain_text
from app.mail.reports import MAX_HEADER, Report, deliveries, header, ids, in_fields, in_words, inner, named_in

MAX_PARTS = 200
MAX_HEADERS = 65_536
"""Bytes of all headers of one mail that are kept where nothing else is."""
MAX_TEXT = 200_000
MAX_ADDRESSES = 100
NONSENSE = (RecursionError, ValueError, LookupError, AssertionError, TypeError, AttributeError)
"""What the standard library's parsers raise on it; comments within comments without end, in an address, are a RecursionError."""
TOKEN = re.compile(r"[^@+\s<>]+\+([a-z2-7]{20})@", re.IGNORECASE)
ADDRESSED = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Forwarded-To")


class Arrival(StrEnum):
    """What a mail received is: of a person, of a machine, or a report on a delivery that failed, is late, or says else."""

    PERSON = "person"
    AUTOMATIC = "automatic"
    BOUNCE = "bounce"
    DELAY = "delay"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail as far as it could be read; addresses are bare, ids without their angle brackets."""

    message_id: str = ""
    subject: str = ""
    sender: str = ""
    recipients: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    """Thread tokens of plus-addresses it was sent to."""
    deliveries: tuple[str, ...] = ()
    """Ids of mails of ours to whose own address it came."""
    date: datetime | None = None
    automatic: str = ""
    """The header by which a machine wrote it."""
    reports: tuple[Report, ...] = ()
    reported_id: str = ""
    """The Message-ID of the mail that reports are about."""
    text: str = ""
    attachments: tuple[str, ...] = ()

    @property
    def arrival(self) -> Arrival:
        """What it is."""
        if self.reports:
            actions = {report.action for report in self.reports}
            return Arrival.BOUNCE if "failed" in actions else Arrival.DELAY if "delayed" in actions else Arrival.REPORT
        return Arrival.AUTOMATIC if self.automatic else Arrival.PERSON


def read(content: bytes) -> Arrived:
    """What a mail says, or as much of it as can be read."""
    try:
        message = email.message_from_bytes(content)
    except NONSENSE:
        # Parts within parts within parts: the headers can be read still.
        message = email.message_from_bytes(re.split(rb"\r?\n\r?\n", content, maxsplit=1)[0] + b"\r\n\r\n")
    mail = _heads(message)
    try:
        return _with_parts(mail, message)
    except NONSENSE:
        return mail


def key_of(content: bytes, message_id: str) -> str:
    """What makes a received mail one, whichever way it came: its Message-ID and its body; servers add headers on the way."""
    body = re.split(rb"\r?\n\r?\n", content, maxsplit=1)[-1].replace(b"\r\n", b"\n").rstrip()
    return "in:" + hashlib.sha256(message_id.encode() + b"\0" + body).hexdigest()


def headers_of(content: bytes) -> bytes:
    """A mail's headers alone, with the empty line behind them; of those without end as many as are read."""
    found = re.search(rb"\r?\n\r?\n", content)
    headers = content[: found.end()] if found else content
    return headers if len(headers) <= MAX_HEADERS else headers[:MAX_HEADERS].rpartition(b"\n")[0] + b"\n\r\n"


def _heads(message: Message) -> Arrived:
    addressed = [address for name in ADDRESSED for address in _addresses(message, name)]
    places = " ".join(f"{address}" for address in addressed)
    return Arrived(
        message_id=next(iter(ids(message, "Message-ID")), ""),
        subject=header(message, "Subject"),
        sender=_sender(message),
        recipients=tuple(dict.fromkeys([*_addresses(message, "To"), *_addresses(message, "Cc")]))[:MAX_ADDRESSES],
        references=tuple(dict.fromkeys([*ids(message, "In-Reply-To"), *reversed(ids(message, "References"))]))[:MAX_ADDRESSES],
        tokens=tuple(dict.fromkeys(token.lower() for token in TOKEN.findall(places)))[:MAX_ADDRESSES],
        deliveries=tuple(dict.fromkeys(deliveries(places))),
        date=_date(message),
        automatic=_automatic(message),
    )


def _with_parts(mail: Arrived, message: Message) -> Arrived:
    plain, pages, reports, attachments = "", "", [], []
    reported, named = "", ""
    for number, part in enumerate(_parts(message)):
        if number >= MAX_PARTS:
            break
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            reports += list(in_fields(part))
            named = named or next((one for block in inner(part) for one in ids(block, "X-Original-Message-ID")), "")
        elif kind in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"):
            reported = reported or _reported(part)
            attachments.append(_file_name(part) or kind)
        elif _file_name(part) or part.get_content_disposition() == "attachment":
            attachments.append(_file_name(part) or kind)
        elif kind == "text/plain":
            plain += _decoded(part)
        elif kind == "text/html":
            pages += _decoded(part)
    # What is shown is text in any case: HTML is read for its words where no plain part says them.
    text = plain if plain.strip() else plain_text(pages)
    lines = [printable(line) for line in text[:MAX_TEXT].splitlines()]
    is_report = message.get_content_type() == "multipart/report"
    if not is_report:
        reports, reported = list(_failed(message)), ""
        if not reports:
            reports, reported = in_words("\n".join(lines), mail.sender, bool(mail.deliveries))
    # Not every server encloses the mail; then the report names it, or answers it.
    answered = next(iter(mail.references), "") if reports else ""
    return replace(
        mail,
        reports=tuple(reports),
        reported_id=reported or named or answered,
        automatic=mail.automatic or ("Content-Type: multipart/report" if is_report else "report in words" if reports else ""),
        text="\n".join(lines).strip("\n"),
        attachments=tuple(attachments[:MAX_ADDRESSES]),
    )


def _parts(message: Message) -> Iterator[Message]:
    """The leaves, where a mail within the mail is one."""
    waiting = [message]
    while waiting:
        part = waiting.pop(0)
        if part.get_content_maintype() == "multipart" and (parts := inner(part)):
            waiting[:0] = parts[:MAX_PARTS]
        else:
            yield part


def _failed(message: Message) -> Iterator[Report]:
    """What a report in words alone (like Exim's) says: who was not reached, and nothing why."""
    if _automatic(message):
        for recipient in _addresses(message, "X-Failed-Recipients")[:MAX_ADDRESSES]:
            yield Report(recipient, "failed", "", header(message, "Subject"))


def _reported(part: Message) -> str:
    if parts := inner(part):
        return next(iter(ids(parts[0], "Message-ID")), "")
    return named_in(_decoded(part)[:MAX_TEXT].lstrip())


def _automatic(message: Message) -> str:
    """The first header that says a machine wrote this (RFC 3834, and what servers used before it)."""
    submitted = header(message, "Auto-Submitted").lower()
    if submitted and submitted != "no":
        return f"Auto-Submitted: {submitted}"
    precedence = header(message, "Precedence").lower()
    if precedence in ("bulk", "junk", "list", "auto_reply"):
        return f"Precedence: {precedence}"
    for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "List-Id", "List-Unsubscribe", "X-Loop", "Feedback-ID"):
        if header(message, name):
            return name
    if message.get("Return-Path") is not None and header(message, "Return-Path") in ("<>", ""):
        return "Return-Path: <>"
    return ""


def _addresses(message: Message, name: str) -> list[str]:
    values = [str(value)[: MAX_HEADER * 8] for value in message.get_all(name, [])[:MAX_ADDRESSES]]
    try:
        found = getaddresses(values)
    except NONSENSE:
        return []
    return [one_line(address.encode("utf-8", "replace").decode()).lower()[:320] for _, address in found if "@" in address]


def _sender(message: Message) -> str:
    return next(iter(_addresses(message, "From") or _addresses(message, "Return-Path")), "")


def _date(message: Message) -> datetime | None:
    try:
        return parsedate_to_datetime(header(message, "Date"))
    except (*NONSENSE, OverflowError):
        return None


def _file_name(part: Message) -> str:
    try:
        return one_line((part.get_filename() or "").encode("utf-8", "replace").decode())[:200]
    except NONSENSE:
        return "file"


def _decoded(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        return content[: MAX_TEXT * 2].decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):
        return content[: MAX_TEXT * 2].decode("latin-1")
