"""Telling one bank line from another, and the same one in another file (edge cases 60 and 61)."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from decimal import Decimal

from app.bank.candidates import payer_key
from app.bank.lines import BankLine, LineStatus
from app.bank.search import folded


def fingerprint(line: BankLine) -> str:
    """What makes a line itself in every file that tells of it in the same words: 32 hexadecimal digits.

    Two genuine payments may share it; a counter within the file tells them apart. A pending entry has another one than the booked
    entry it becomes.
    """
    facts = [
        str(line.booking_date),
        str(line.value_date),
        f"{line.amount.normalize():f}",
        line.currency,
        line.reversal,
        *(
            folded(text or "")
            for text in (
                line.payer_name,
                line.payer_account,
                line.reference_structured,
                line.reference_text,
                line.bank_reference,
                line.end_to_end,
            )
        ),
    ]
    if line.status is not LineStatus.BOOKED:
        facts.append(line.status.value)
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def day_of(line: BankLine) -> date | None:
    """The day a line is booked on, else its value date."""
    return line.booking_date or line.value_date


def loose_key(line: BankLine) -> str:
    """What two banks' words for one payment have in common at least: day, amount, currency."""
    return day_key(day_of(line), line.amount, line.currency, reversal=line.reversal)


def day_key(day: date | None, amount: Decimal, currency: str, *, reversal: bool = False) -> str:
    """The `loose_key` of such a line."""
    return f"{day}|{amount.normalize():f}|{currency}|{int(reversal)}"


def same_payment(
    line: BankLine, *, payer_name: str | None, payer_account: str | None, structured: str | None, text: str | None
) -> bool:
    """Whether a line of equal `loose_key` is likely this payment in other words.

    What both say of references decides, where both say something; else the payer.
    """
    ours = folded(f"{line.reference_structured or ''}{line.reference_text or ''}")
    theirs = folded(f"{structured or ''}{text or ''}")
    if ours and theirs:
        own, other = folded(line.reference_structured or ""), folded(structured or "")
        return ours in theirs or theirs in ours or bool(own and own in theirs) or bool(other and other in ours)
    mine, other_payer = payer_key(line.payer_account, line.payer_name), payer_key(payer_account, payer_name)
    return not mine or not other_payer or mine == other_payer
