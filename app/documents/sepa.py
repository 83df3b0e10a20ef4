"""The SEPA credit transfer file (pain.001.001.09) by which the vendor's bank sends money back.

sepaxml writes and checks it against the schema of ISO 20022; its message id and time are its own, so that a file is made once
and its bytes are kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException
from sepaxml import SepaTransfer
from sepaxml.validation import ValidationError

from app.documents.bank_details import BankAccount
from app.errors import InvalidInput
from app.money import Money

SCHEMA = "pain.001.001.09"
MAX_MINOR = 99_999_999_999
"""The largest amount of one SEPA transfer: 999,999,999.99."""
MAX_NAME = 70
_NOT_SEPA = re.compile(r"[!\"#$%&*;<=>@\[\\\]^_`{|}~\s]+")
"""ASCII that SEPA does not carry; letters beyond ASCII are spelled out by sepaxml."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money to one account in EUR. `reference` is its end-to-end id and its text: by it the bank's statement names it again."""

    name: str
    iban: str
    amount: Money
    reference: str


def sepa_iban(text: str) -> str:
    """An IBAN in its compact form that SEPA reaches. Raises InvalidInput that says what is wrong."""
    try:
        found = IBAN(text)
    except SchwiftyException as error:
        raise InvalidInput(f"{text!r} is not a valid IBAN: {error}.", code="iban") from error
    if not found.in_sepa_zone:
        raise InvalidInput(f"{found.compact} is outside of SEPA; send that money by hand.", code="iban")
    return str(found.compact)


def transfer_file(debtor: BankAccount, transfers: Sequence[Transfer], *, execution: date) -> tuple[str, bytes]:
    """(the file's message id, the file) that pays these from the vendor's account on a day, each booked on its own.

    Raises InvalidInput for an account without an IBAN and BIC in EUR, no transfers, and what SEPA does not take.
    """
    if not (debtor.iban and debtor.bic and debtor.currency == "EUR"):
        raise InvalidInput(
            "The account to pay from needs its IBAN and BIC: `reseller shop add-bank-account --currency EUR --iban --bic`.",
            code="no_debtor",
        )
    if not transfers:
        raise InvalidInput("There is nothing to send.", code="no_transfers")
    config = {"name": _plain(debtor.beneficiary), "IBAN": debtor.iban, "BIC": debtor.bic, "currency": "EUR", "batch": False}
    file = SepaTransfer(config, schema=SCHEMA, clean=True)
    for each in transfers:
        if each.amount.currency != "EUR" or not 0 < each.amount.minor <= MAX_MINOR:
            raise InvalidInput(f"SEPA does not send {each.amount}.", code="amount")
        file.add_payment(
            {
                "name": _plain(each.name),
                "IBAN": sepa_iban(each.iban),
                "amount": each.amount.minor,
                "execution_date": execution,
                "description": each.reference,
                "endtoend_id": each.reference,
            }
        )
    try:
        return str(file.msg_id), bytes(file.export(validate=True, pretty_print=True))
    except ValidationError as error:
        raise InvalidInput(f"The transfers make no valid {SCHEMA}: {error}", code="sepa") from error


def _plain(name: str) -> str:
    return " ".join(_NOT_SEPA.sub(" ", name).split())[:MAX_NAME]
