"""The chain of the written record: what a row's hash covers, and what shows that something was changed. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from app.reasons import Reason, because, register

START = "0" * 64
"""What the first row of a chain follows."""


@dataclass(frozen=True, slots=True)
class Link:
    """A row as its hash sees it. `content_sha256` is of the exact bytes, `at` is in UTC."""

    chain: str
    position: int
    direction: str
    kind: str
    message_id: str
    at: datetime
    sender: str
    recipients: str
    subject: str
    note: str
    size: int
    content_sha256: str
    previous: str

    def hash(self) -> str:
        """SHA-256 over `sealed`, and so over the row, its bytes and every row before it."""
        return hashlib.sha256(self.sealed()).hexdigest()

    def sealed(self) -> bytes:
        """The row as JSON: names sorted, no blanks, ASCII; the moment in ISO form with microseconds."""
        facts = {name: getattr(self, name) for name in self.__slots__}
        facts["at"] = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


register(
    {
        "record_missing": "{whose}: number {number} of {on} '{subject}': number {expected} is missing",
        "record_order": "{whose}: number {number} of {on} '{subject}': it does not follow the mail before it",
        "record_changed": "{whose}: number {number} of {on} '{subject}': it was changed",
        "record_end": "{whose}: the record ends with number {number}, not with number {length} as it was written",
        "record_no_end": "{whose}: the end of its record is missing",
        "record_bytes": "{whose}: {words}",
    }
)


def broken(links: Iterable[tuple[Link, str]], *, length: int, head: str, whose: str = "") -> Iterator[Reason]:
    """What is wrong with a chain's rows, in their order and each with its stored hash, against the chain's stored end.

    `whose` record it is stands before each.
    """
    expected, previous, count = 1, START, 0
    for link, stored in links:
        count += 1
        named = {"whose": whose, "number": link.position, "on": f"{link.at:%Y-%m-%d}", "subject": link.subject[:60]}
        if link.position != expected:
            yield because("record_missing", **named, expected=expected)
        elif link.previous != previous:
            yield because("record_order", **named)
        if link.hash() != stored:
            yield because("record_changed", **named)
        expected, previous = link.position + 1, stored
    if count != length or previous != head:
        yield because("record_end", whose=whose, number=expected - 1, length=length)
