"""The matching ladder: what a bank line pays, by which rule, how sure, and why (`rules.md` 4.3, edge cases 43 to 65).

Rules 1 to 4 book by themselves when the amount is equal, or short within the reseller's tolerance, and nothing speaks against it;
everything else is a proposal for a person. Nothing is ever matched across resellers or in another currency.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from app.bank.candidates import Candidates, Debt, oldest_first, payer_key
from app.bank.decisions import BOOKING, CONFIDENCE, Decision, Outcome, Part, Policy, Rule
from app.bank.lines import BankLine, LineStatus
from app.bank.named import Hit, named, strange
from app.bank.payers import by_advice, by_payer, numbers_of, open_of, other_payer
from app.bank.reasons import because
from app.money import Money, MoneyError
from app.reasons import Reason

_INTEREST = re.compile(r"\b(INTEREST|NINT)\b|ZINSEN\b|ZINSGUTSCHRIFT|\bHABENZINS")


def decide(line: BankLine, candidates: Candidates, *, policy: Policy | None = None, doubts: Sequence[Reason] = ()) -> Decision:
    """What a line that is no reversal pays. `doubts` are reasons known before that forbid to book it by itself."""
    if line.status is not LineStatus.BOOKED:
        return Decision(Outcome.PENDING, (because("line_not_booked", status=line.status.value),))
    hits = named(line, candidates)
    # What names an order is never the bank's own: a file that tells no payers (BAI2) has its texts alone.
    ignored = ignored_class(line, candidates.own_accounts)
    if ignored is not None and not (hits and ignored.code == "bank_interest" and line.amount > 0):
        return Decision(Outcome.IGNORED, (ignored,))
    try:
        amount = Money.of(line.amount, line.currency)
    except MoneyError as error:
        return Decision(Outcome.REFUSED, (because("bad_amount", why=error),))
    payers = candidates.payers.get(payer_key(line.payer_account, line.payer_name), set())
    against = [*doubts, *strange(line, hits)]
    if line.reversal:
        # A transfer of ours that came back carries the reference it was sent with, and is nobody's payment (edge case 58).
        against.append(because("reversed_debit"))
    if not hits:
        found = by_advice(amount, candidates, payers) or by_payer(amount, candidates, payers)
        return replace(found, reasons=(*against, *found.reasons))
    return _settle(line, amount, hits, candidates, payers, against, policy or Policy())


def ignored_class(line: BankLine, own_accounts: frozenset[str]) -> Reason | None:
    """Why a line is none of a reseller's payments (edge case 56): a debit, a fee, the bank's interest, a transfer of our own."""
    account = payer_key(line.payer_account, None)
    if account and account in own_accounts:
        return because("own_transfer")
    text = f"{line.reference_text or ''} {line.transaction_code or ''}".upper()
    anonymous = not line.payer_account and not line.reference_structured
    if line.amount < 0:
        if anonymous and any(word in text for word in ("FEE", "CHARGE", "ENTGELT", "GEBÜHR", "GEBUEHR", "SPESEN", "NCHG")):
            return because("bank_fee")
        if anonymous and any(word in text for word in ("INTEREST", "ZINS", "NINT")):
            return because("bank_interest")
        return because("debit")
    if anonymous and not line.payer_name and _INTEREST.search(text):
        return because("bank_interest")
    return None


def _settle(
    line: BankLine,
    amount: Money,
    hits: Sequence[Hit],
    candidates: Candidates,
    payers: set[str],
    against: list[Reason],
    policy: Policy,
) -> Decision:
    hit, debts = hits[0], _debts(hits[:1], candidates)
    strong = [each for each in hits if each.rule in BOOKING]
    if hit.rule in BOOKING and len(strong) > 1 and open_of(debts) != amount.minor:
        # A wire may name one order by its reference and another by its number: together they must be exact (edge case 44).
        together = _debts(strong, candidates)
        if open_of(together) == amount.minor and len({debt.reseller_id for debt in together}) == 1:
            hit = replace(
                strong[-1],
                reasons=tuple(reason for each in strong for reason in each.reasons),
                doubts=tuple(doubt for each in strong for doubt in each.doubts),
            )
            debts = together
    against = [*against, *hit.doubts]
    resellers = {debt.reseller_id for debt in debts}
    if hit.rule is Rule.PO_NUMBER and len(resellers) > 1 and len(resellers & payers) == 1:
        debts, resellers = [debt for debt in debts if debt.reseller_id in payers], resellers & payers
    sure = CONFIDENCE[hit.rule] - hit.lost - 15 * bool(against)
    if len(resellers) != 1:
        code = because("several_resellers", count=len(resellers)) if resellers else because("nothing_open")
        return Decision(Outcome.UNMATCHED, (*against, *hit.reasons, code), hit.rule, sure // 2)
    (reseller_id,) = resellers
    other = other_payer(line, reseller_id, candidates, payers)
    reasons = [*hit.reasons]
    if other is not None:
        reasons.append(other)
        if payers and hit.rule in (Rule.STATEMENT_NUMBER, Rule.ORDER_NUMBER):
            against.append(because("number_of_another", payer=line.payer_name or line.payer_account))
    if {debt.currency for debt in debts} != {amount.currency}:
        wrong = because("wrong_currency", currency=amount.currency, owed=", ".join(sorted({debt.currency for debt in debts})))
        return Decision(
            Outcome.UNMATCHED, (*against, *reasons, wrong), hit.rule, sure // 2, reseller_id, third_party=other is not None
        )
    parts, found, fits = _share(amount, debts, candidates, hit.rule, policy)
    booked = fits and not against and hit.rule in BOOKING
    return Decision(
        Outcome.BOOKED if booked else Outcome.PROPOSAL,
        (*against, *reasons, *found),
        hit.rule,
        max(1, sure if fits else sure - 20),
        reseller_id,
        parts,
        other is not None,
    )


def _debts(hits: Iterable[Hit], candidates: Candidates) -> list[Debt]:
    found = {debt.id: debt for hit in hits for subject in hit.subjects for debt in candidates.debts_of(subject)}
    return oldest_first(found.values())


def _share(
    amount: Money, debts: Sequence[Debt], candidates: Candidates, rule: Rule, policy: Policy
) -> tuple[tuple[Part, ...], list[Reason], bool]:
    """(what the wire pays of each debt, the oldest first; the reasons; whether the amount allows to book it)."""
    owed = open_of(debts)
    reseller_id = debts[0].reseller_id
    if owed == 0:
        canceled = all(debt.canceled for debt in debts)
        why = because("paid_after_cancellation" if canceled else "paid_before", numbers=numbers_of(debts))
        return (), [why, because("surplus", amount=amount)], policy.surplus_books
    parts = allocate_oldest_first(amount.minor, debts)
    missing = owed - amount.minor
    if missing == 0:
        return parts, [because("amount_equal", amount=amount)], True
    if missing < 0:
        return (
            parts,
            [
                because("amount_over", owed=Money(owed, amount.currency)),
                because("surplus", amount=Money(-missing, amount.currency)),
            ],
            policy.surplus_books,
        )
    tolerance = candidates.tolerance(reseller_id, amount.currency)
    if missing <= tolerance.of(sum(debt.total_minor for debt in debts)) and len(parts) == sum(d.open_minor > 0 for d in debts):
        charged = (*parts[:-1], replace(parts[-1], charge_minor=missing))
        return charged, [because("short_within_tolerance", missing=Money(missing, amount.currency))], True
    code = "short_over_tolerance" if missing <= tolerance.wire_minor else "amount_short"
    return parts, [because(code, missing=Money(missing, amount.currency), owed=Money(owed, amount.currency))], False


def allocate_oldest_first(minor: int, debts: Iterable[Debt]) -> tuple[Part, ...]:
    """The amount over the debts in the order given, each up to what is open of it (edge case 44)."""
    parts = []
    for debt in debts:
        if (part := min(minor, max(0, debt.open_minor))) > 0:
            parts.append(Part(debt.id, part))
            minor -= part
    return tuple(parts)
