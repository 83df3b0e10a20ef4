from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest

from app.documents.bank_details import BankAccount
from app.documents.sepa import MAX_MINOR, SCHEMA, Transfer, sepa_iban, transfer_file
from app.errors import InvalidInput
from app.money import Money

DEBTOR = BankAccount("Müller & Söhne GmbH", "EUR", iban="DE89370400440532013000", bic="COBADEFFXXX")
ONE = Transfer("Äcme <GmbH> & Co. KG", "FR1420041010050500013M02606", Money.of("1012.30", "EUR"), "REFUNDABCDEFGHJKLM")
TWO = Transfer("Łukasz Ćwik", "PL61 1090 1014 0000 0712 1981 2874", Money.of("0.01", "EUR"), "REFUNDNPQRSTUVWXYZ")
DAY = date(2026, 3, 4)


def texts(content: bytes, name: str) -> list[str]:
    found = ElementTree.fromstring(content).iter(f"{{urn:iso:std:iso:20022:tech:xsd:{SCHEMA}}}{name}")
    return [element.text or "" for element in found]


def test_a_file_says_whom_how_much_and_by_which_reference() -> None:
    message_id, content = transfer_file(DEBTOR, [ONE, TWO], execution=DAY)
    assert texts(content, "MsgId") == [message_id]
    assert texts(content, "CtrlSum")[0] == "1012.31"
    assert texts(content, "NbOfTxs") == ["2", "1", "1"]
    assert texts(content, "BtchBookg") == ["false", "false"], "the statement names each by its own"
    assert texts(content, "Dt") == ["2026-03-04"] * 2
    assert sum(map(Decimal, texts(content, "InstdAmt"))) == Decimal("1012.31")
    assert texts(content, "EndToEndId") == texts(content, "Ustrd") == [ONE.reference, TWO.reference]
    assert texts(content, "IBAN") == [DEBTOR.iban, ONE.iban, DEBTOR.iban, "PL61109010140000071219812874"]
    assert texts(content, "BICFI") == ["COBADEFFXXX"] * 2
    assert texts(content, "Nm") == [
        "Muller Sohne GmbH", "Muller Sohne GmbH", "Acme GmbH Co. KG", "Muller Sohne GmbH", "Lukasz Cwik",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("debtor", "transfers", "code"),
    [
        (replace(DEBTOR, bic=""), [ONE], "no_debtor"),
        (replace(DEBTOR, iban=""), [ONE], "no_debtor"),
        (replace(DEBTOR, currency="USD"), [ONE], "no_debtor"),
        (DEBTOR, [], "no_transfers"),
        (DEBTOR, [replace(ONE, amount=Money.of("1.00", "USD"))], "amount"),
        (DEBTOR, [replace(ONE, amount=Money(0, "EUR"))], "amount"),
        (DEBTOR, [replace(ONE, amount=Money(MAX_MINOR + 1, "EUR"))], "amount"),
        (DEBTOR, [replace(ONE, iban="DE89370400440532013001")], "iban"),
        (DEBTOR, [replace(ONE, name="")], "sepa"),
    ],
)
def test_what_makes_no_file(debtor: BankAccount, transfers: list[Transfer], code: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        transfer_file(debtor, transfers, execution=DAY)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("text", "says"),
    [("SA0380000000608010167519", "outside of SEPA"), ("DE00370400440532013000", "not a valid IBAN"), ("", "IBAN")],
)
def test_accounts_that_sepa_does_not_reach(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        sepa_iban(text)


def test_a_long_name_is_cut() -> None:
    many: Any = replace(ONE, name="Gesellschaft " * 20)
    _, content = transfer_file(DEBTOR, [many], execution=DAY)
    assert len(texts(content, "Nm")[2]) <= 70
