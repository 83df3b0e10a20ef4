"""How a reseller pays: the vendor's account, the creditor reference and, in EUR, the EPC QR code (`rules.md` 4.2).

Check digits come from python-stdnum and schwifty; segno draws the code but checks neither IBAN nor reference, so both are
validated first (`edge-cases.md`, bank format traps).
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import date

import segno.helpers
from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException
from stdnum import iso11649
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_97_10
from stdnum.us import rtn

from app.errors import InvalidInput
from app.money import Money

MAX_EPC_MINOR = 99_999_999_999


def creditor_reference(body: str) -> str:
    """The ISO 11649 reference for a body of 1 to 21 letters A-Z and digits: `RF`, two check digits, the body.

    Raises InvalidInput for any other body.
    """
    if not re.fullmatch(r"[A-Z0-9]{1,21}", body):
        raise InvalidInput(f"A creditor reference is made of 1 to 21 capital letters and digits, not {body!r}.", code="reference")
    return f"RF{mod_97_10.calc_check_digits(body + 'RF')}{body}"


def normalize_reference(text: str) -> str | None:
    """The reference as issued, from what a person or bank wrote with blanks or lower case; None when its check digits fail."""
    try:
        return str(iso11649.validate(text))
    except ValidationError:
        return None


@dataclass(frozen=True, slots=True)
class BankAccount:
    """The vendor's account in one currency: either an IBAN, or a US routing and account number."""

    beneficiary: str
    currency: str
    iban: str = ""
    bic: str = ""
    routing_number: str = ""
    account_number: str = ""
    bank_name: str = ""

    @classmethod
    def of(cls, **fields: str) -> BankAccount:
        """A checked account in its compact form. Raises InvalidInput that names the first wrong field and the way out."""
        account = {name: value.strip() for name, value in fields.items()}
        if not account.get("beneficiary"):
            raise _wrong("beneficiary", "is missing: name the holder of the account")
        if bool(account.get("iban")) == bool(account.get("routing_number")):
            raise _wrong("iban", "or routing_number: give one of the two")
        for name, parse in (("iban", IBAN), ("bic", BIC)):
            if account.get(name):
                try:
                    account[name] = str(parse(account[name]).compact)
                except SchwiftyException as error:
                    raise _wrong(name, f"is not valid: {error}") from error
        if account.get("routing_number"):
            try:
                account["routing_number"] = rtn.validate(account["routing_number"])
            except ValidationError as error:
                raise _wrong("routing_number", f"is not valid: {error}") from error
            if not re.fullmatch(r"\d{4,17}", account.get("account_number", "")):
                raise _wrong("account_number", "must be 4 to 17 digits")
        return cls(**account)


@dataclass(frozen=True, slots=True)
class Instructions:
    """What the payer needs. `qr_svg` is an EPC QR code, present in EUR alone."""

    account: BankAccount
    amount: Money
    reference: str
    due: date
    qr_svg: str | None


def instructions(account: BankAccount, amount: Money, reference: str, due: date) -> Instructions:
    """The payment instructions of one order or statement.

    Raises InvalidInput for an amount that is not positive, an account in another currency, or a reference that is none.
    """
    if amount.minor <= 0:
        raise InvalidInput(f"There is nothing to pay: {amount}.", code="nothing_to_pay")
    if account.currency != amount.currency:
        raise InvalidInput(f"The bank account is in {account.currency}, the amount in {amount.currency}.", code="wrong_currency")
    checked = normalize_reference(reference)
    if checked is None:
        raise InvalidInput(f"{reference!r} is not a valid creditor reference.", code="reference")
    return Instructions(account, amount, checked, due, _epc_qr(account, amount, checked))


def _epc_qr(account: BankAccount, amount: Money, reference: str) -> str | None:
    if amount.currency != "EUR" or not account.iban or amount.minor > MAX_EPC_MINOR:
        return None
    code = segno.helpers.make_epc_qr(
        name=account.beneficiary[:70], iban=account.iban, amount=amount.amount, reference=reference, bic=account.bic or None
    )
    drawn = io.BytesIO()
    code.save(drawn, kind="svg", xmldecl=False, scale=3, border=4)
    return drawn.getvalue().decode()


def _wrong(name: str, what: str) -> InvalidInput:
    return InvalidInput(f"Bank account: {name} {what}.", code="bank_account")
