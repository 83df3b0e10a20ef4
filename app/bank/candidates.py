"""What a bank line can be for: open and closed debts, statements, announced payments, known payers. In memory, found by key.

Filled once for an import by whoever may read those rows; `set_open` keeps the open amounts true while it goes on.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.bank.search import folded, number_key, reference_key


@dataclass(slots=True)
class Debt:
    """A receivable as the ladder sees it; amounts in minor units. Interest is a debt too, with no order behind it."""

    id: str
    reseller_id: str
    currency: str
    total_minor: int
    open_minor: int
    number: str
    due: str
    """ISO day it is due; the oldest is paid first."""
    order_id: str | None = None
    reference: str = ""
    invoice_number: str = ""
    po_number: str = ""
    canceled: bool = False


@dataclass(frozen=True, slots=True)
class Bundle:
    """Several debts that one reference or announcement pays: a statement, or a remittance advice with its own amounts."""

    id: str
    reseller_id: str
    currency: str
    debts: tuple[str, ...]
    number: str = ""
    reference: str = ""
    amounts: tuple[int, ...] = ()
    """Of an advice what is announced for each debt; empty pays what is open."""


@dataclass(slots=True)
class Tolerance:
    """What banks may keep of a reseller's wires in one currency, in minor units: of one wire, and still in this year."""

    wire_minor: int = 0
    year_left_minor: int = 0

    def of(self, total_minor: int) -> int:
        """The most a payment of debts of this total may be short by: never a tenth of it, lest small orders be given away."""
        return max(0, min(self.wire_minor, self.year_left_minor, total_minor // 10))


@dataclass(slots=True)
class Candidates:
    """Everything open of one shop, by each key the ladder looks for."""

    debts: dict[str, Debt] = field(default_factory=dict)
    bundles: dict[str, Bundle] = field(default_factory=dict)
    advices: dict[tuple[str, int], list[Bundle]] = field(default_factory=lambda: defaultdict(list))
    """By currency and total."""
    references: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    statement_numbers: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    numbers: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    po_numbers: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    open_of: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    """Debts with something open by reseller and currency."""
    statements_of: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    payers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Resellers by the key of a payer that was learned, confirmed and is not switched off."""
    companies: dict[str, str] = field(default_factory=dict)
    """Reseller's folded company name by its id."""
    tolerances: dict[tuple[str, str], Tolerance] = field(default_factory=dict)
    """By reseller and currency, where one has its own or was asked for."""
    default_tolerance: tuple[int, int] = (0, 0)
    """Of everybody else: of one wire, and of a year."""
    charged: dict[tuple[str, str], int] = field(default_factory=dict)
    """Bank charges booked this year, by reseller and currency."""
    own_accounts: frozenset[str] = frozenset()

    def add_debt(self, debt: Debt) -> None:
        """Make a debt findable."""
        if debt.id in self.debts:
            return
        self.debts[debt.id] = debt
        if debt.reference:
            self.references[reference_key(debt.reference)].append(debt.id)
        for number in {debt.number, debt.invoice_number} - {""}:
            self.numbers[number_key(number)].append(debt.id)
        if len(debt.po_number) > 2:
            self.po_numbers[number_key(debt.po_number)].append(debt.id)
        if debt.open_minor > 0:
            self.open_of[debt.reseller_id, debt.currency].add(debt.id)

    def add_bundle(self, bundle: Bundle) -> None:
        """Make a statement findable."""
        self.bundles[bundle.id] = bundle
        self.statements_of[bundle.reseller_id].append(bundle.id)
        if bundle.reference:
            self.references[reference_key(bundle.reference)].append(bundle.id)
        if bundle.number:
            self.statement_numbers[number_key(bundle.number)].append(bundle.id)

    def add_advice(self, advice: Bundle) -> None:
        """Make a remittance advice findable by its total."""
        self.advices[advice.currency, sum(advice.amounts)].append(advice)

    def add_company(self, reseller_id: str, company: str) -> None:
        """Remember a reseller's name, to tell its own wires from others'."""
        self.companies[reseller_id] = company_key(company)

    def debts_of(self, subject: str) -> Sequence[Debt]:
        """The debts a found key stands for: one, or all of a statement."""
        if subject in self.debts:
            return (self.debts[subject],)
        return [self.debts[debt] for debt in self.bundles[subject].debts if debt in self.debts]

    def open_debts(self, reseller_id: str, currency: str) -> list[Debt]:
        """What a reseller owes in a currency, the oldest first."""
        return oldest_first(self.debts[debt] for debt in self.open_of[reseller_id, currency])

    def tolerance(self, reseller_id: str, currency: str) -> Tolerance:
        """What banks may still keep of the reseller's wires in this currency."""
        key = (reseller_id, currency)
        if key not in self.tolerances:
            wire, year = self.default_tolerance
            self.tolerances[key] = Tolerance(wire, year - self.charged.get(key, 0))
        return self.tolerances[key]

    def set_open(self, debt_id: str, open_minor: int) -> None:
        """What is open of a debt changed."""
        debt = self.debts[debt_id]
        debt.open_minor = open_minor
        owed = self.open_of[debt.reseller_id, debt.currency]
        (owed.add if open_minor > 0 else owed.discard)(debt_id)


def oldest_first(debts: Iterable[Debt]) -> list[Debt]:
    """By due day, then number."""
    return sorted(debts, key=lambda debt: (debt.due, debt.number, debt.id))


def payer_key(account: str | None, name: str | None) -> str:
    """What a payer is known by: its account, else its name; empty for an anonymous one."""
    if account and folded(account):
        return folded(account)
    return f"name:{company_key(name)}" if name and company_key(name) else ""


_FORMS = re.compile(
    r"\b(GMBH( CO KG)?|MBH|AG|KG|UG|INC|LLC|LTD|LIMITED|CORP|CORPORATION|CO|COMPANY|SARL|SAS|BV|SPA|SRL|OY|AB|SL|SA)\b"
)


def company_key(name: str) -> str:
    """A company's name without punctuation and legal form, as banks shorten and capitalize it."""
    words = " ".join(re.findall(r"\w+", name.upper()))
    return " ".join(_FORMS.sub(" ", words).split())
