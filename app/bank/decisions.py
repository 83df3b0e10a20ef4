"""The ladder's rules, what they are worth, and what they say of a line (`edge-cases.md`, matching ladder)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.reasons import Reason


class Rule(StrEnum):
    """The ladder, from the surest rule to the weakest, and the two beside it."""

    REFERENCE = "structured_reference"
    REFERENCE_IN_TEXT = "reference_in_text"
    STATEMENT_NUMBER = "statement_number"
    ORDER_NUMBER = "order_or_invoice_number"
    PO_NUMBER = "po_number"
    ADVICE = "remittance_advice"
    PAYER_ONE_ITEM = "payer_and_one_item"
    PAYER_ITEMS = "payer_and_several_items"
    PAYER = "payer_only"
    REVERSAL = "reversal"
    HAND = "by_hand"


CONFIDENCE: dict[Rule, int] = {
    Rule.REFERENCE: 100,
    Rule.REFERENCE_IN_TEXT: 97,
    Rule.STATEMENT_NUMBER: 92,
    Rule.ORDER_NUMBER: 88,
    Rule.PO_NUMBER: 75,
    Rule.ADVICE: 72,
    Rule.PAYER_ONE_ITEM: 65,
    Rule.PAYER_ITEMS: 55,
    Rule.PAYER: 30,
    Rule.REVERSAL: 90,
    Rule.HAND: 100,
}
BOOKING = (Rule.REFERENCE, Rule.REFERENCE_IN_TEXT, Rule.STATEMENT_NUMBER, Rule.ORDER_NUMBER)
"""The rules that may book by themselves."""


class Outcome(StrEnum):
    """What becomes of a line."""

    BOOKED = "booked"
    PROPOSAL = "proposal"
    UNMATCHED = "unmatched"
    IGNORED = "ignored"
    PENDING = "pending"
    REFUSED = "refused"


WAITING = (Outcome.PROPOSAL, Outcome.UNMATCHED)
"""What waits for a person."""


@dataclass(frozen=True, slots=True)
class Part:
    """What of a line pays one debt, and what a bank kept of it; minor units."""

    debt_id: str
    minor: int
    charge_minor: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What the ladder says of one line. What `parts` leave of it stays the reseller's unallocated credit."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    rule: Rule | None = None
    confidence: int = 0
    reseller_id: str | None = None
    parts: tuple[Part, ...] = ()
    third_party: bool = False
    """Somebody other than the reseller paid (edge case 47)."""

    @property
    def acceptable(self) -> bool:
        """Whether a person can accept it as it is: it names whose money it is, in that currency."""
        return self.outcome is Outcome.PROPOSAL and self.reseller_id is not None


@dataclass(frozen=True, slots=True)
class Policy:
    """What the vendor chose: whether a wire above what is open books itself too, its surplus as unallocated credit."""

    surplus_books: bool = False
