"""Which booked line a reversal takes back (edge case 58)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.bank.candidates import payer_key
from app.bank.lines import BankLine
from app.bank.reasons import because
from app.bank.search import folded
from app.reasons import Reason


@dataclass(frozen=True, slots=True)
class Earlier:
    """A booked line of the same account and amount that nothing has taken back yet."""

    id: str
    payment_id: str
    day: str
    payer_name: str | None
    payer_account: str | None
    reference_structured: str | None
    reference_text: str | None
    bank_reference: str | None
    end_to_end: str | None


def original_of(line: BankLine, earlier: Sequence[Earlier]) -> tuple[Earlier | None, bool, Reason]:
    """(the line it means, whether that is sure, why): sure by the bank's or the payer's own reference, or by ours.

    By the payer and the amount alone it is a proposal, and only where one line fits.
    """
    text = folded(f"{line.reference_structured or ''}{line.reference_text or ''}")

    def same(own: str | None, other: str | None) -> bool:
        return bool(own and other and folded(own) == folded(other))

    def within(other: str | None, least: int = 6) -> bool:
        return bool(other and len(folded(other)) >= least and folded(other) in text)

    payer = payer_key(line.payer_account, line.payer_name)
    sure: Sequence[Callable[[Earlier], bool]] = (
        lambda row: same(line.bank_reference, row.bank_reference) or within(row.bank_reference),
        lambda row: same(line.end_to_end, row.end_to_end) or within(row.end_to_end),
        lambda row: same(line.reference_structured, row.reference_structured) or within(row.reference_structured),
        lambda row: within(row.reference_text),
    )
    for fits in sure:
        found = [row for row in earlier if fits(row)]
        if len(found) == 1:
            return found[0], True, _reverses(found[0])
        if found:
            earlier = found
    found = [row for row in earlier if payer and payer == payer_key(row.payer_account, row.payer_name)]
    if len(found) == 1:
        return found[0], False, _reverses(found[0])
    if earlier:
        return None, False, because("original_unclear", count=len(found or earlier))
    return None, False, because("original_unknown")


def _reverses(row: Earlier) -> Reason:
    shown = row.bank_reference or row.end_to_end or row.reference_structured or row.reference_text or "-"
    return because("reverses_line", day=row.day, reference=shown)
