from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.arrived import Arrival, headers_of, key_of, read
from tests.mail.mails import letter, report

TOKEN = "abcdefghij234567klmn"


def test_a_persons_mail() -> None:
    mail = read(letter(In_Reply_To="<m1@app.example>", References="<m0@app.example> <m1@app.example>", Cc="B <b@x.example>"))
    assert (mail.sender, mail.subject, mail.message_id) == ("texan@partner.example", "A question", "q1@partner.example")
    assert mail.recipients == ("sales@vendor.example", "b@x.example")
    assert mail.references == ("m1@app.example", "m0@app.example")
    assert (mail.text, mail.arrival, mail.automatic) == ("When does it come?", Arrival.PERSON, "")


@pytest.mark.parametrize("header", ["To", "Cc", "Delivered_To", "X_Original_To", "Envelope_To"])
def test_the_token_of_a_plus_address(header: str) -> None:
    mail = read(letter(**{"To": "", header: f"Sales <Sales+{TOKEN.upper()}@vendor.example>"}))
    assert mail.tokens == (TOKEN,)
    assert read(letter(To="sales+short@vendor.example")).tokens == ()


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"}, {"Auto_Submitted": "auto-generated (vacation)"}, {"Precedence": "bulk"},
        {"X_Autoreply": "yes"}, {"List_Id": "<l.example>"}, {"Return_Path": "<>"}, {"X_Loop": "a@b.example"},
    ],
)  # fmt: skip
def test_what_a_machine_wrote(headers: dict[str, str]) -> None:
    assert read(letter(**headers)).arrival is Arrival.AUTOMATIC


def test_a_person_may_say_so() -> None:
    assert read(letter(Auto_Submitted="no", Return_Path="<texan@partner.example>")).arrival is Arrival.PERSON


@pytest.mark.parametrize(("action", "arrival"), [("failed", "bounce"), ("delayed", "delay"), ("delivered", "report")])
@pytest.mark.parametrize("part", ["rfc822", "headers"])
def test_case_83_a_report_names_mail_recipient_and_words(action: str, arrival: str, part: str) -> None:
    mail = read(report("m1@app.example", action=action, part=part))
    (found,) = mail.reports
    assert (mail.arrival, mail.reported_id) == (arrival, "m1@app.example")
    assert (found.recipient, found.action, found.status) == ("texan@partner.example", action, "5.1.1")
    assert found.words == "550 5.1.1 no such user here"


def test_a_report_within_a_persons_mail_is_none() -> None:
    forwarded = report("m1@app.example").replace(b"multipart/report; report-type=delivery-status", b"multipart/mixed")
    mail = read(forwarded.replace(b"Return-Path: <>\r\n", b""))
    assert (mail.reports, mail.reported_id, mail.arrival) == ((), "", Arrival.PERSON)


def test_hostile_html_is_text_alone() -> None:
    page = b"<script>steal()</script><b>Pay</b> to <a href='https://evil.example'>us</a>\x1b[2J<img src='https://t.example'>"
    content = letter().replace(b"text/plain", b"text/html").replace(b"When does it come?", page)
    assert read(content).text == "Pay to us: https://evil.example  [2J"


def test_parts_within_parts_without_end_are_read_as_far_as_it_goes() -> None:
    content = b"From: a@b.example\r\nSubject: deep\r\nMIME-Version: 1.0\r\n"
    for depth in range(3000):
        content += b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (depth, depth)
    assert read(content + b"\r\nend").subject == "deep"


@pytest.mark.parametrize(
    "name", ["To", "From", "Return-Path", "Date", "Subject", "Message-ID", "References", "X-Failed-Recipients"]
)
@pytest.mark.parametrize(
    "value", ["(" * 50_000, "<" * 50_000, '"' * 50_001, "a@b.example, " * 50_000, "=?utf-8?q?" * 5_000, "\x00" * 900]
)
def test_a_header_that_would_exhaust_the_parser_is_left_out_and_the_rest_is_read(name: str, value: str) -> None:
    content = letter(**{name.replace("-", "_"): ""})
    mail = read(f"Auto-Submitted: auto-replied\r\n{name}: {value}\r\n".encode() + content)
    assert mail.text == "When does it come?"
    assert mail.subject == ("A question" if name != "Subject" else mail.subject)
    assert len(mail.recipients) <= 100


def test_a_header_that_comes_again_and_again_is_read_so_often_alone() -> None:
    content = b"To: a@b.example\r\n" * 50_000 + b"References: <a@b>\r\n" * 50_000 + letter()
    assert read(content).recipients == ("a@b.example",)


@pytest.mark.parametrize(
    "changed",
    [
        {"charset": "no-such-charset"}, {"charset": "utf-16"}, {"charset": "idna"}, {"charset": "rot13"},
    ],
)  # fmt: skip
def test_an_odd_charset_is_no_obstacle(changed: dict[str, str]) -> None:
    content = letter().replace(b'charset="utf-8"', f'charset="{changed["charset"]}"'.encode())
    assert read(content).subject == "A question"


@given(st.binary(max_size=300), st.sampled_from([letter(), report("m1@app.example")]), st.integers(0, 1200))
def test_whatever_comes_is_read(noise: bytes, good: bytes, place: int) -> None:
    for content in (noise, good[:place] + noise + good[place:]):
        mail = read(content)
        for text in (mail.subject, mail.sender, mail.message_id, *mail.recipients, *mail.references, *mail.attachments):
            assert text.isprintable()
            text.encode()
        mail.text.encode()
        assert "\x00" not in mail.text


def test_the_same_mail_by_another_way_is_the_same() -> None:
    content = letter()
    other = b"Received: by mx\r\n" + content.replace(b"\r\n", b"\n")
    assert key_of(content, "q1") == key_of(other, "q1")
    assert key_of(content, "q1") != key_of(content, "q2")
    assert key_of(content, "q1") != key_of(letter("Something else"), "q1")
    assert headers_of(content).endswith(b"\r\n\r\n")
    assert headers_of(b"no end") == b"no end"


def test_long_headers_are_cut() -> None:
    changes: Any = {"Subject": "x" * 100_000, "To": ", ".join(f"a{n}@b.example" for n in range(500))}
    mail = read(letter(**changes))
    assert len(mail.subject) <= 1000
    assert len(mail.recipients) <= 100


def test_case_83_a_report_without_the_mail_names_it_or_answers_it() -> None:
    whole = report("m1@app.example")
    start, end = whole.index(b"--b\r\nContent-Type: message/rfc822"), whole.index(b"--b--")
    bare = whole[:start] + whole[end:]
    assert read(bare).reported_id == ""
    assert read(b"In-Reply-To: <m1@app.example>\r\n" + bare).reported_id == "m1@app.example", "as Exchange does"
    named = bare.replace(b"Reporting-MTA", b"X-Original-Message-ID: <m1@app.example>\r\nReporting-MTA")
    assert (read(named).reported_id, read(named).arrival) == ("m1@app.example", Arrival.BOUNCE), "as Gmail does"
    assert read(b"In-Reply-To: <other@app.example>\r\n" + whole).reported_id == "m1@app.example", "what is enclosed counts first"


def test_case_83_a_report_in_words_alone_names_whom_it_did_not_reach() -> None:
    headers = {"In_Reply_To": "<m1@app.example>", "X_Failed_Recipients": "a@x.example", "Subject": "Mail delivery failed"}
    mail = read(letter(Auto_Submitted="auto-replied", **headers))
    assert (mail.arrival, mail.reported_id) == (Arrival.BOUNCE, "m1@app.example")
    assert [(one.recipient, one.action, one.words) for one in mail.reports] == [("a@x.example", "failed", "Mail delivery failed")]
    assert read(letter(**headers)).arrival is Arrival.PERSON, "a person's mail is none"
