"""Finding our references and numbers in what a payer typed and banks cut, joined and retyped (edge cases 43, 45, 65).

Pure text work. Every spelling that was repaired costs confidence, each with its own step.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum

from stdnum import iso11649

MAX_REFERENCE, MIN_REFERENCE = 25, 5
MAX_WINDOW = 8
"""Words that may together be one number or reference."""
_NOT_WORD = re.compile(r"[^0-9A-Za-z]+")
_WORD = re.compile(r"[0-9A-Z]+")
_RF = re.compile(r"RF(?=[0-9]{2})")
_RF_WORD = re.compile(r"\bRF[0-9]{2}[0-9A-Z]{4,21}\b")
_MARK = re.compile(
    r"(?:#|\b(?:ORDER|INVOICE|INV|NO|NR|NUMBER|STATEMENT|BESTELLUNG|AUFTRAG|RECHNUNG|ABRECHNUNG|BESTELLNR|RECHNUNGSNR|RE|RG))"
    r"[\s.:#-]*(?:NO|NR|NUMBER|NUMMER)?[\s.:#-]*$"
)
"""What stands before a number to say that it is one of ours."""
_MARK_REACH = 80


class Spelling(StrEnum):
    """How a reference was written, from as it was issued to what had to be repaired most."""

    EXACT = "exact"
    BLANKS = "blanks_or_case"
    HYPHENS = "hyphens"
    LETTER_O = "letter_o_for_zero"
    ZEROS = "leading_zeros_missing"
    PREFIX = "prefix_missing"


LOST: dict[Spelling, int] = {
    Spelling.EXACT: 0,
    Spelling.BLANKS: 1,
    Spelling.HYPHENS: 2,
    Spelling.LETTER_O: 5,
    Spelling.ZEROS: 8,
    Spelling.PREFIX: 10,
}
"""Points of confidence that each repair costs."""


def folded(text: str) -> str:
    """Capital letters and digits only, the letter O as zero."""
    if text.isascii() and text.isalnum():
        return text.upper().replace("O", "0")
    return _NOT_WORD.sub("", text).upper().replace("O", "0")


def reference_key(reference: str) -> str:
    """What all spellings of one creditor reference have in common; zeros that lead its body count nothing in its check digits."""
    text = folded(reference)
    return text[:4] + text[4:].lstrip("0")


def number_key(number: str) -> str:
    """What all spellings of one order, invoice or statement number have in common."""
    text = folded(number)
    return text.lstrip("0") if text.isdigit() else text


def variants(text: str | None) -> list[str]:
    """The text with a blank and with nothing where the bank broke its line: it may have cut a word there (edge case 45)."""
    if not text:
        return []
    if "\n" not in text:
        return [text]
    return [text.replace("\n", " "), text.replace("\n", "")]


def found_references(text: str, known: Iterable[str] | dict[str, list[str]]) -> Iterator[str]:
    """Keys of known references that stand in the text after an RF, wherever blanks or other words are glued to them."""
    squeezed = folded(text)
    for start in (match.start() for match in _RF.finditer(squeezed)):
        head = squeezed[start : start + 4]
        for length in range(min(MAX_REFERENCE, len(squeezed) - start), MIN_REFERENCE - 1, -1):
            key = head + squeezed[start + 4 : start + length].lstrip("0")
            if key in known:
                yield key
                break


def found_without_prefix(text: str, known: Iterable[str] | dict[str, list[str]]) -> Iterator[str]:
    """Keys of known references whose check digits and body stand in the text without the RF."""
    for joined, _ in windows(text):
        if 6 <= len(joined) <= MAX_REFERENCE - 2 and joined[:2].isdigit():
            key = f"RF{joined[:2]}{joined[2:].lstrip('0')}"
            if key in known:
                yield key


def windows(text: str) -> Iterator[tuple[str, int]]:
    """(the folded words from one to another put together, how many there are), for all neighbors up to `MAX_WINDOW`."""
    words = _WORD.findall(text.upper().replace("O", "0"))
    for first in range(len(words)):
        joined = ""
        for count, word in enumerate(words[first : first + MAX_WINDOW], 1):
            joined += word
            if len(joined) > MAX_REFERENCE:
                break
            yield joined, count


def spelling(issued: str, texts: Iterable[str]) -> Spelling:
    """How the nearest of the texts wrote the reference that was found in them."""
    texts = list(texts)
    if any(issued in text for text in texts):
        return Spelling.EXACT
    if any(issued in re.sub(r"\s", "", text).upper() for text in texts):
        return Spelling.BLANKS
    squeezed = [_NOT_WORD.sub("", text).upper() for text in texts]
    if any(issued in text for text in squeezed):
        return Spelling.HYPHENS
    whole = folded(issued)
    squeezed = [text.replace("O", "0") for text in squeezed]
    if any(whole in text for text in squeezed):
        return Spelling.LETTER_O
    # Only the zeros that lead the body may differ now, or the RF is not there.
    key = reference_key(issued)
    if any(re.search(f"{key[:4]}0*{key[4:]}", text) for text in squeezed):
        return Spelling.ZEROS
    return Spelling.PREFIX


def strange_references(text: str) -> tuple[list[str], list[str]]:
    """(references with right check digits, those with wrong ones) that stand in the text as words of their own."""
    right: list[str] = []
    wrong: list[str] = []
    words = _RF_WORD.findall(text.upper())
    # With the blanks gone a reference may be whole, or run into the word behind it: then it is told once, as it was written.
    for long in _RF_WORD.findall(re.sub(r"[\s-]+", "", text).upper()):
        if iso11649.is_valid(long):
            words = [word for word in words if not long.startswith(word)]
        if not any(long.startswith(word) for word in words):
            words.append(long)
    for found in dict.fromkeys(words):
        (right if iso11649.is_valid(found) else wrong).append(found)
    return right, wrong


def is_marked(text: str, number: str) -> bool:
    """Whether the text calls the number one of ours (`order 1043`, `#1043`, `RE-Nr. 1043`), or says nothing else."""
    upper = text.upper()
    if number_key(upper) == number_key(number):
        return True
    bare = number.upper().lstrip("#0")
    return any(
        match[0].lstrip("0") == bare and _MARK.search(upper, max(0, match.start() - _MARK_REACH), match.start())
        for match in _WORD.finditer(upper)
    )
