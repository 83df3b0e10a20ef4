"""What mail servers report of a delivery: in the form of RFC 3464, or in words as qmail and older servers do. Pure.

A report names the mail it is about, or comes to the address that this one mail was sent from (`delivery_token`).
"""

from __future__ import annotations

import base64
import binascii
import email
import re
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message

from app.mail.lines import one_line

MAX_HEADER = 1_000
MAX_RECIPIENTS = 100
DAEMONS = ("mailer-daemon", "postmaster", "mail-daemon", "maildaemon")
"""Whom servers write as."""
_DELIVERY = re.compile(r"[^@+\s<>]+\+([a-z2-7]{26})@", re.IGNORECASE)
_ID = re.compile(r"^Message-ID:\s*<([^<>\s]{1,500})>", re.IGNORECASE | re.MULTILINE)
_QMAIL = re.compile(r"^Hi\. This is the ", re.MULTILINE)
_COPY = re.compile(r"^-{3,} ?Below this line is a copy of the message\.", re.MULTILINE)
_RECIPIENT = re.compile(r"^<([^<>\s@]{1,64}@[^<>\s@]{1,255})>:[ \t]*$", re.MULTILINE)
_ADDRESS = re.compile(r"[^\s<>()\[\]:;,@\"']{1,64}@[\w.-]{1,255}\w")
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<![\d.@])([45])\d\d[ -](?=\S)")


@dataclass(frozen=True, slots=True)
class Report:
    """What a mail server reports of one recipient (RFC 3464): `action` is failed, delayed, delivered, relayed or expanded."""

    recipient: str
    action: str
    status: str
    words: str


def delivery_token(mail_id: str) -> str:
    """The token in the address that one mail is sent from: reports on it come there, whatever they say or leave out."""
    return base64.b32encode(uuid.UUID(mail_id).bytes).decode().rstrip("=").lower()


def deliveries(addresses: str) -> Iterator[str]:
    """The ids of the mails that were sent from these addresses."""
    for token in _DELIVERY.findall(addresses)[:MAX_RECIPIENTS]:
        with suppress(binascii.Error, ValueError):
            yield str(uuid.UUID(bytes=base64.b32decode(f"{token.upper()}======")))


def header(message: Message, name: str) -> str:
    """A header as one line, decoded as far as it can be."""
    value = message.get(name)
    if value is None:
        return ""
    text = str(value)[: MAX_HEADER * 4]
    with suppress(ValueError, LookupError, HeaderParseError, TypeError, AssertionError):
        text = str(make_header(decode_header(text)))
    return one_line(text.encode("utf-8", "replace").decode())[:MAX_HEADER]


def inner(part: Message) -> list[Message]:
    """The parts of a part."""
    payload = part.get_payload()
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []


def in_fields(part: Message) -> Iterator[Report]:
    """The recipients of a `message/delivery-status`."""
    for block in inner(part)[:MAX_RECIPIENTS]:
        action = header(block, "Action").lower()
        if not action:
            continue  # the block about the whole message
        recipient = (header(block, "Original-Recipient") or header(block, "Final-Recipient")).rpartition(";")[2].strip()
        recipient = recipient.removeprefix("<").removesuffix(">")
        status, words = header(block, "Status"), header(block, "Diagnostic-Code").partition(";")
        yield Report(recipient[:320].lower(), action[:20], status[:20], (words[2] or words[0]).strip() or status)


def in_words(text: str, sender: str, own: bool) -> tuple[list[Report], str]:
    """What a server's report in words alone says, and the Message-ID it names; nothing of what others wrote.

    qmail's form is read wherever it comes to. Another counts only where it came to a delivery's own address, and with a code that
    tells a failure from a delay: a wrong guess would call a mail lost that only waits.
    """
    if sender.partition("@")[0] not in DAEMONS:
        return [], ""
    if _QMAIL.search(text):
        head, _, copy = _split(text, _COPY)
        named = _ID.search(copy)
        return list(_paragraphs(head)), named[1] if named else ""
    if not own:
        return [], ""
    status, code = _STATUS.search(text), _CODE.search(text)
    kind = status[1] if status else code[1] if code else ""
    if kind not in ("4", "5"):
        return [], ""
    found = status or code
    assert found is not None
    line = next(line for line in text[found.start() :].splitlines() or [""])
    recipient = next((one for one in _ADDRESS.findall(text) if one.lower() != sender), "")
    named = _ID.search(text)
    report = Report(
        recipient.lower(), "failed" if kind == "5" else "delayed", status[0] if status else "", one_line(line)[:MAX_HEADER]
    )
    return [report], named[1] if named else ""


def named_in(text: str) -> str:
    """The Message-ID among headers that are enclosed as text."""
    return next(iter(ids(email.message_from_string(text), "Message-ID")), "")


def ids(message: Message, name: str) -> list[str]:
    """The ids in a header, without their angle brackets."""
    found = (
        one
        for value in message.get_all(name, [])[:MAX_RECIPIENTS]
        for one in re.findall(r"<([^<>\s]{1,500})>", str(value)[:20_000])
    )
    return [one for one in found if one.isprintable()]


def _paragraphs(head: str) -> Iterator[Report]:
    """qmail's paragraphs: `<recipient>:` and below it why."""
    places = list(_RECIPIENT.finditer(head))[:MAX_RECIPIENTS]
    for place in places:
        words = one_line(head[place.end() :].lstrip("\r\n").split("\n\n", 1)[0])[:MAX_HEADER]
        status = _STATUS.search(words)
        yield Report(place[1].lower(), "failed", status[0] if status else "", words)


def _split(text: str, mark: re.Pattern[str]) -> tuple[str, str, str]:
    found = mark.search(text)
    return (text[: found.start()], found[0], text[found.end() :]) if found else (text, "", "")
