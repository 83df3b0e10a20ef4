"""Reading the mailbox that answers and bounces come to, over IMAP. It is opened for reading only: nothing in it is changed.

The standard library's client, in a thread: it blocks, and nothing else has a maintained client with a license that fits.
"""

from __future__ import annotations

import imaplib
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from urllib.parse import SplitResult, unquote, urlsplit

from app.errors import Unavailable
from app.mail.tls import is_this_machine, mail_tls
from app.settings import Settings

TIMEOUT = 30.0
"""Seconds."""
IMAP_PORT, IMAPS_PORT = 143, 993
A_BATCH = 20
"""Mails that are fetched at once, as long as they are small."""
_FAILURES = (imaplib.IMAP4.error, OSError, EOFError)
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


@dataclass(frozen=True, slots=True)
class Place:
    """How far a mailbox is read: everything up to `last_uid`, as long as its UIDVALIDITY stays."""

    uid_validity: int
    last_uid: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """A mail of the mailbox. Above the limit `content` is its headers alone; None where it is gone meanwhile."""

    uid: int
    size: int
    content: bytes | None
    whole: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """The next mails, the oldest first, and the place they lie behind; `more` wait."""

    place: Place
    mails: tuple[Fetched, ...]
    more: bool


def name_of(imap_url: str) -> str:
    """The mailbox without user and password, to be stored and shown."""
    url = urlsplit(imap_url)
    return f"{url.hostname}/{_folder(url)}"


def fetch(settings: Settings, place: Place | None, since: date | None) -> Batch:
    """The mails behind a place; blocks, so call it in a thread.

    Without a place reading begins with what comes from now on. Where the server numbered its mails anew, it begins with those of
    the day `since`: what is on the record already is known by its content. Raises Unavailable with the server's words.
    """
    try:
        with _opened(settings) as mailbox:
            validity, following = _number(mailbox, "UIDVALIDITY"), _number(mailbox, "UIDNEXT")
            if place is None:
                return Batch(Place(validity, max(0, following - 1)), (), False)
            if place.uid_validity != validity:
                place = Place(validity, 0)
                criteria = f"SINCE {since:%d-%b-%Y}" if since is not None else "ALL"
            else:
                criteria = f"UID {place.last_uid + 1}:*"
            _, found = mailbox.uid("SEARCH", criteria)
            # `n:*` always names the last mail, also where n is behind it.
            uids = sorted(uid for uid in map(int, (found[0] or b"").split()) if uid > place.last_uid)
            mails: list[Fetched] = []
            # One large mail at a time: twenty of them would fill the memory.
            while len(mails) < min(A_BATCH, len(uids)) and _bytes(mails) < settings.max_inbound_bytes:
                mails.append(_fetch(mailbox, uids[len(mails)], settings.max_inbound_bytes))
            return Batch(place, tuple(mails), len(uids) > len(mails))
    except _FAILURES as error:
        raise Unavailable(f"The mailbox {name_of(settings.imap_url)} cannot be read: {_words(error)}", code="mailbox") from error


@contextmanager
def _opened(settings: Settings) -> Iterator[imaplib.IMAP4]:
    url = urlsplit(settings.imap_url)
    host = url.hostname or ""
    mailbox: imaplib.IMAP4
    if url.scheme == "imaps":
        mailbox = imaplib.IMAP4_SSL(host, url.port or IMAPS_PORT, ssl_context=mail_tls(settings), timeout=TIMEOUT)
    else:
        mailbox = imaplib.IMAP4(host, url.port or IMAP_PORT, timeout=TIMEOUT)
    try:
        if url.scheme == "imap" and not is_this_machine(host):
            mailbox.starttls(mail_tls(settings))
        mailbox.login(unquote(url.username or ""), unquote(url.password or ""))
        status, said = mailbox.select(f'"{_folder(url)}"', readonly=True)
        if status != "OK":
            raise imaplib.IMAP4.error(said[0])
        yield mailbox
    finally:
        try:
            mailbox.logout()
        except _FAILURES:
            mailbox.shutdown()


def _fetch(mailbox: imaplib.IMAP4, uid: int, limit: int) -> Fetched:
    _, sizes = mailbox.uid("FETCH", str(uid), "(RFC822.SIZE)")
    size = next((int(found[1]) for part in sizes for found in [_SIZE.search(_head(part))] if found), 0)
    whole = size <= limit
    _, parts = mailbox.uid("FETCH", str(uid), "(BODY.PEEK[])" if whole else "(BODY.PEEK[HEADER])")
    content = next((part[1] for part in parts if isinstance(part, tuple)), None)
    return Fetched(uid, size, content, whole)


def _bytes(mails: list[Fetched]) -> int:
    return sum(len(mail.content or b"") for mail in mails)


def _head(part: bytes | tuple[bytes, bytes] | None) -> bytes:
    return part[0] if isinstance(part, tuple) else part or b""


def _number(mailbox: imaplib.IMAP4, name: str) -> int:
    _, said = mailbox.response(name)
    if not said or said[0] is None:
        raise imaplib.IMAP4.error(f"the server told no {name}")
    return int(said[0])


def _folder(url: SplitResult) -> str:
    folder = unquote(url.path.strip("/")) or "INBOX"
    return "".join(letter for letter in folder if letter.isprintable() and letter not in '"\\')


def _words(error: BaseException) -> str:
    given = error.args[0] if error.args else ""
    if isinstance(given, bytes):
        return given.decode("utf-8", "replace")
    return str(error) or ("it does not answer" if isinstance(error, socket.timeout) else type(error).__name__)
