"""What of ours a line names: references, then numbers, rung by rung."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.bank.candidates import Candidates
from app.bank.decisions import Rule
from app.bank.lines import BankLine
from app.bank.reasons import because
from app.bank.search import (
    LOST,
    Spelling,
    found_references,
    found_without_prefix,
    is_marked,
    number_key,
    spelling,
    strange_references,
    variants,
    windows,
)
from app.reasons import Reason


@dataclass(frozen=True, slots=True)
class Hit:
    """What one rung found: subjects are ids of debts and statements, doubts forbid to book it by itself."""

    rule: Rule
    subjects: tuple[str, ...]
    lost: int
    reasons: tuple[Reason, ...]
    doubts: tuple[Reason, ...] = ()


def named(line: BankLine, candidates: Candidates) -> list[Hit]:
    """What the line names, by rung: references first, then numbers. A rung without anything is absent."""
    structured = variants(line.reference_structured)
    texts = [*variants(line.reference_text), *variants(line.end_to_end)]
    hits: list[Hit] = []
    for rule, where in ((Rule.REFERENCE, structured), (Rule.REFERENCE_IN_TEXT, texts)):
        keys = dict.fromkeys(key for text in where for key in found_references(text, candidates.references))
        if not keys and not hits:
            keys = dict.fromkeys(key for text in where for key in found_without_prefix(text, candidates.references))
        if keys:
            hits.append(_reference_hit(rule, keys, where, candidates))
    everywhere = [*structured, *texts]
    words = {joined: count for text in everywhere for joined, count in windows(text)}
    counts = {joined.lstrip("0") if joined.isdigit() else joined: count for joined, count in words.items()}
    for rule, index in (
        (Rule.STATEMENT_NUMBER, candidates.statement_numbers),
        (Rule.ORDER_NUMBER, candidates.numbers),
        (Rule.PO_NUMBER, candidates.po_numbers),
    ):
        if (hit := _number_hit(rule, counts, index, everywhere, candidates)) is not None:
            hits.append(hit)
    return hits


def _reference_hit(rule: Rule, keys: Iterable[str], where: Sequence[str], candidates: Candidates) -> Hit:
    subjects, reasons, lost = [], [], 0
    doubts: list[Reason] = []
    for key in keys:
        found = candidates.references[key]
        subjects += found
        issued = (
            candidates.bundles[found[0]].reference if found[0] in candidates.bundles else candidates.debts[found[0]].reference
        )
        how = spelling(issued, where)
        lost = max(lost, LOST[how])
        reasons.append(because("reference_found", reference=issued))
        if how is not Spelling.EXACT:
            reasons.append(because(f"spelled_{how.value}", reference=issued))
        if len(found) > 1:
            doubts.append(because("ambiguous", text=issued, count=len(found)))
    return Hit(rule, tuple(dict.fromkeys(subjects)), lost, tuple(reasons), tuple(doubts))


def _number_hit(
    rule: Rule, keys: dict[str, int], index: dict[str, list[str]], texts: Sequence[str], candidates: Candidates
) -> Hit | None:
    subjects: list[str] = []
    reasons: list[Reason] = []
    doubts: list[Reason] = []
    for key, count in keys.items():
        for subject in index.get(key, ()):
            if subject in subjects:
                continue
            number = _number(subject, key, rule, candidates)
            # Words that only together are a plain number are chance; a number with hyphens in it is cut at them.
            if count > 1 and number.isalnum():
                continue
            subjects.append(subject)
            reasons.append(because("number_found", number=number))
            if number.isdigit() and not any(is_marked(text, number) for text in texts):
                doubts.append(because("bare_number", number=number))
            if len(index[key]) > 1:
                doubts.append(because("ambiguous", text=number, count=len(index[key])))
    return Hit(rule, tuple(subjects), 0, tuple(reasons), tuple(dict.fromkeys(doubts))) if subjects else None


def _number(subject: str, key: str, rule: Rule, candidates: Candidates) -> str:
    if rule is Rule.STATEMENT_NUMBER:
        return candidates.bundles[subject].number
    debt = candidates.debts[subject]
    if rule is Rule.PO_NUMBER:
        return debt.po_number
    return debt.number if number_key(debt.number) == key else debt.invoice_number


def strange(line: BankLine, hits: Sequence[Hit]) -> list[Reason]:
    """References that are none of ours: whoever wrote one meant it, so a number beside it is no proof (edge case 46)."""
    if any(hit.rule in (Rule.REFERENCE, Rule.REFERENCE_IN_TEXT) for hit in hits):
        return []
    found = []
    for text in (line.reference_structured, line.reference_text):
        right, wrong = strange_references(text or "")
        found += [because("wrong_check_digits", reference=reference) for reference in wrong]
        found += [because("unknown_reference", reference=reference) for reference in right]
    return list(dict.fromkeys(found))
