"""Rules beside and below the references: announced payments, and payers that were learned (rungs 6 to 8)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.bank.candidates import Candidates, Debt, company_key, oldest_first
from app.bank.decisions import CONFIDENCE, Decision, Outcome, Part, Rule
from app.bank.lines import BankLine
from app.bank.reasons import because
from app.money import Money
from app.reasons import Reason

MAX_SUBSET = 8
MAX_ITEMS = 16
MAX_SUMS = 2000
"""Beyond so many open items, or different sums of them, a subset is not looked for: it would hardly be the only one."""


def by_advice(amount: Money, candidates: Candidates, payers: set[str]) -> Decision | None:
    """An announced payment of exactly this amount, where there is one only."""
    found = [
        advice
        for advice in candidates.advices.get((amount.currency, amount.minor), ())
        if not payers or advice.reseller_id in payers
    ]
    if len(found) != 1:
        return None
    (advice,) = found
    parts = tuple(Part(debt, minor) for debt, minor in zip(advice.debts, advice.amounts, strict=True))
    if any(part.debt_id not in candidates.debts or candidates.debts[part.debt_id].open_minor < part.minor for part in parts):
        return None
    reasons = (because("advice_found", advice=advice.number), because("amount_equal", amount=amount))
    return Decision(Outcome.PROPOSAL, reasons, Rule.ADVICE, CONFIDENCE[Rule.ADVICE], advice.reseller_id, parts)


def by_payer(amount: Money, candidates: Candidates, payers: set[str]) -> Decision:
    """Rules 6 to 8: a payer that was learned, and what its amount can be for (edge cases 48 and 49)."""
    if len(payers) != 1:
        code = because("payer_of_several", count=len(payers)) if payers else because("no_reference")
        return Decision(Outcome.UNMATCHED, (code,))
    (reseller_id,) = payers
    known = because("payer_known")
    debts = candidates.open_debts(reseller_id, amount.currency)
    equal = [debt for debt in debts if debt.open_minor == amount.minor]
    if len(equal) == 1:
        reasons = (known, because("equals_one", number=equal[0].number, amount=amount))
        rule = Rule.PAYER_ONE_ITEM
        return Decision(Outcome.PROPOSAL, reasons, rule, CONFIDENCE[rule], reseller_id, (Part(equal[0].id, amount.minor),))
    if equal:
        reasons = (known, because("equals_several", numbers=numbers_of(equal), amount=amount))
        return Decision(Outcome.UNMATCHED, reasons, Rule.PAYER_ONE_ITEM, CONFIDENCE[Rule.PAYER], reseller_id)
    chosen, why = _several(amount, debts, candidates, reseller_id)
    if chosen:
        parts = tuple(Part(debt.id, debt.open_minor) for debt in chosen)
        rule = Rule.PAYER_ITEMS
        return Decision(Outcome.PROPOSAL, (known, why), rule, CONFIDENCE[rule], reseller_id, parts)
    credit = because("surplus", amount=amount)
    return Decision(Outcome.PROPOSAL, (known, why, credit), Rule.PAYER, CONFIDENCE[Rule.PAYER], reseller_id)


def _several(amount: Money, debts: Sequence[Debt], candidates: Candidates, reseller_id: str) -> tuple[list[Debt], Reason]:
    for subject in candidates.statements_of.get(reseller_id, ()):
        listed = [debt for debt in candidates.debts_of(subject) if debt.open_minor > 0 and debt.currency == amount.currency]
        if listed and open_of(listed) == amount.minor:
            return oldest_first(listed), because("equals_statement", number=candidates.bundles[subject].number, amount=amount)
    chosen = only_subset(amount.minor, [debt.open_minor for debt in debts])
    if chosen is None:
        return [], because("no_only_subset", count=len(debts))
    found = [debts[index] for index in chosen]
    return found, because("equals_subset", numbers=numbers_of(found), amount=amount)


def only_subset(amount: int, items: Sequence[int]) -> tuple[int, ...] | None:
    """Places of the only at most eight items that add up to the amount; None for none, for several, or for too many items.

    Bounded in time whatever the items are: with more than `MAX_ITEMS`, or `MAX_SUMS` different sums, none is called the only one.
    """
    if len(items) > MAX_ITEMS:
        return None
    # Sum -> (one way to it, whether it is the only one), by the number of items, as a longer way may be too long.
    ways: dict[tuple[int, int], tuple[tuple[int, ...], bool]] = {(0, 0): ((), True)}
    for place, item in enumerate(items):
        for (total, count), (way, only) in list(ways.items()):
            if total + item > amount or count == MAX_SUBSET:
                continue
            reached = (total + item, count + 1)
            ways[reached] = ((*way, place), only) if reached not in ways else (ways[reached][0], False)
        if len(ways) > MAX_SUMS:
            return None
    found = [ways[amount, count] for count in range(1, MAX_SUBSET + 1) if (amount, count) in ways]
    return found[0][0] if len(found) == 1 and found[0][1] else None


def other_payer(line: BankLine, reseller_id: str, candidates: Candidates, payers: set[str]) -> Reason | None:
    """Somebody else paid (edge case 47): neither the reseller's name nor a payer learned for it."""
    payer = line.payer_name or line.payer_account
    stranger = because("other_payer", payer=payer) if payer else because("payer_unnamed")
    if payers:
        return None if reseller_id in payers else stranger
    name = company_key(line.payer_name or "")
    company = candidates.companies.get(reseller_id, "")
    # Banks cut names off, most after 27 to 35 characters.
    if name and company and (name == company or (len(name) > 15 and company.startswith(name))):
        return None
    return stranger


def open_of(debts: Iterable[Debt]) -> int:
    """What is open of them together, in minor units."""
    return sum(max(0, debt.open_minor) for debt in debts)


def numbers_of(debts: Iterable[Debt]) -> str:
    """Their numbers, for a reason."""
    return ", ".join(debt.number for debt in debts)
