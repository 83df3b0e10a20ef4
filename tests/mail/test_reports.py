"""Reports of mail servers, in the forms they come in (edge case 83)."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.mail.arrived import Arrival, read
from app.mail.reports import deliveries, delivery_token
from app.mail.rules import sent_from, spellings, thread_token
from tests.mail.bounces import GONE, SHAPES, own_words, postfix, qmail
from tests.mail.mails import letter

MAIL = "0e1d6a52-3c52-4a5d-9c7f-0a1b2c3d4e5f"
OWN = sent_from("Program <resellers@vendor.example>", MAIL)


@pytest.mark.parametrize("shape", SHAPES)
def test_case_83_the_report_of_each_server_names_the_recipient_and_comes_to_the_mails_own_address(shape: str) -> None:
    mail = read(SHAPES[shape](OWN))
    assert mail.arrival is Arrival.BOUNCE
    assert [(one.recipient, one.action) for one in mail.reports] == [(GONE, "failed")]
    assert mail.reports[0].words
    assert mail.deliveries == (MAIL,)
    assert mail.automatic


@pytest.mark.parametrize("shape", SHAPES)
def test_case_83_the_report_of_each_server_names_the_mail_where_it_does(shape: str) -> None:
    assert read(SHAPES[shape](message_id="m1@app.example")).reported_id == "m1@app.example"
    assert read(SHAPES[shape]()).deliveries == ()


@pytest.mark.parametrize(
    ("words", "arrival"),
    [
        ("550 5.1.1 unknown here", Arrival.BOUNCE),
        ("552 the mailbox is full", Arrival.BOUNCE),
        ("it is tried again, 4.4.1 no answer", Arrival.DELAY),
        ("451 try later", Arrival.DELAY),
        ("version 15.20.5.1 of 10.5.1.1", Arrival.PERSON),
        ("nothing that a machine could read", Arrival.PERSON),
    ],
)
def test_case_83_words_of_no_form_count_at_the_mails_own_address_and_with_a_code(words: str, arrival: Arrival) -> None:
    mail = read(own_words(OWN, words))
    assert mail.arrival is arrival
    assert all(one.recipient == GONE for one in mail.reports)
    assert read(own_words(words=words)).reports == (), "elsewhere they may be about anything"
    assert read(own_words(OWN, words).replace(b"postmaster@", b"holiday@")).reports == (), "a person's are no report"


def test_a_person_who_sends_a_report_on_reports_nothing() -> None:
    quoted = qmail(OWN, "m1@app.example").partition(b"\r\n\r\n")[2].decode()
    assert read(letter(quoted, To=OWN)).arrival is Arrival.PERSON


def test_case_83_qmail_names_each_recipient_with_its_words() -> None:
    two = qmail().replace(b"--- Below", b"<other@partner.example>:\r\nIt is full.\r\nReally.\r\n\r\n--- Below")
    assert [(one.recipient, one.status, one.words) for one in read(two).reports] == [
        (GONE, "5.1.1", "There is no mailbox of this name here. (#5.1.1)"),
        ("other@partner.example", "", "It is full. Really."),
    ]


def test_an_address_of_an_alias_is_the_one_we_wrote_to() -> None:
    (report,) = read(postfix(recipient="sales@partner.example")).reports
    assert report.recipient == "sales@partner.example"


@given(st.uuids())
def test_the_address_of_a_mail_leads_back_to_it(mail_id: uuid.UUID) -> None:
    address = sent_from("Program <resellers+box@vendor.example>", str(mail_id))
    assert list(deliveries(address)) == list(deliveries(address.upper())) == [str(mail_id)]
    assert len(address.partition("@")[0]) <= 64
    assert read(letter(To=address)).tokens == (), "it is no thread's"
    assert list(deliveries(f"sales+{thread_token('x')}@vendor.example")) == []


def test_a_long_mailbox_name_has_no_room_for_a_token() -> None:
    assert sent_from("a" * 40 + "@vendor.example", MAIL) == "a" * 40 + "@vendor.example"
    with pytest.raises(InvalidInput):
        sent_from("nobody", MAIL)


def test_an_address_is_known_in_every_spelling() -> None:
    assert spellings("Eva@MÜLLER.example") == spellings("eva@xn--mller-kva.example")
    assert delivery_token(MAIL).isalnum()
    assert spellings("nobody") == set()


@given(st.text(max_size=300))
def test_whatever_a_server_says_is_read(noise: str) -> None:
    content = qmail(OWN).decode().replace("Nothing more", noise).encode("utf-8", "replace")
    for report in read(content).reports:
        assert report.words.isprintable()
