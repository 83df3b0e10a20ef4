"""Whether two names are of one account: its IBAN, and what banks write of it in older formats (`:25:` of MT940). Pure.

Taken for two accounts, what one format told of is booked a second time from another one (edge case 61).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypeVar

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from app.bank.search import folded

Names = tuple[str, ...]
"""What the shop's settings call one account, its IBAN first where it has one."""
T = TypeVar("T")


@lru_cache(maxsize=256)
def _parts(iban: str) -> tuple[tuple[str, ...], str] | None:
    """(how its bank may be written, its account without leading zeros) of an IBAN; None for what is none."""
    try:
        read = IBAN(iban)
    except SchwiftyException:
        return None
    banks = (read.bank_code, read.branch_code, f"{read.bank_code}{read.branch_code}")
    return tuple(folded(bank) for bank in banks if bank), folded(read.account_code).lstrip("0")


def _national(iban: str, name: str) -> bool:
    """Whether a name is the bank code and account of this IBAN, with or without zeros that lead the account."""
    parts = _parts(iban)
    if parts is None:
        return False
    banks, account = parts
    return any(name.startswith(bank) and name.removeprefix(bank).lstrip("0") == account for bank in banks)


def same_account(one: str, other: str, own: Iterable[Names] = ()) -> bool:
    """Whether two names mean one account: equal but for blanks and case, by what an IBAN says, or as the settings say."""
    first, second = folded(one), folded(other)

    def alike(left: str, right: str) -> bool:
        return left == right or _national(left, right) or _national(right, left)

    if alike(first, second):
        return True
    groups = ([folded(name) for name in names] for names in own)
    return any(any(alike(first, name) for name in group) and any(alike(second, name) for name in group) for group in groups)


def named_as(name: str, known: Sequence[tuple[str, T]], own: Iterable[Names] = ()) -> T | None:
    """Of known accounts (its name, what it is) the one that a name means: of that very name first."""
    own = list(own)
    exact = next((found for other, found in known if other == folded(name)), None)
    return exact if exact is not None else next((found for other, found in known if same_account(name, other, own)), None)
