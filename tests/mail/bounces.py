"""Reports as well-known servers write them, made up for these tests: in their form, without the words of any of them.

`to` is the address they come to, which is the one the mail was sent from; `message_id` the mail they enclose, if they do.
"""

from __future__ import annotations

from collections.abc import Callable

PLAIN = "resellers@vendor.example"
GONE = "texan@partner.example"


def _mail(headers: str, body: str) -> bytes:
    return f"{headers.strip()}\n\n{body}".replace("\n", "\r\n").encode()


def _original(message_id: str) -> str:
    named = f"Message-ID: <{message_id}>\n" if message_id else ""
    return f"From: Program <{PLAIN}>\nTo: {GONE}\nSubject: Order 1 received\n{named}"


def postfix(to: str = PLAIN, message_id: str = "", *, recipient: str = GONE, action: str = "failed") -> bytes:
    """Fields and the headers of the mail; of an alias the first recipient stands apart."""
    return _mail(
        f"""
Return-Path: <>
From: MAILER-DAEMON@mx.partner.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="4ZQ1.1/mx"
Message-Id: <4ZQ1@mx.partner.example>
Date: Mon, 02 Mar 2026 12:00:05 +0000
""",
        f"""--4ZQ1.1/mx
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

Host mx.partner.example could not hand the mail over.

--4ZQ1.1/mx
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.partner.example
X-Postfix-Queue-ID: 4ZQ1
X-Postfix-Sender: rfc822; {to}
Arrival-Date: Mon,  2 Mar 2026 12:00:01 +0000 (UTC)

Final-Recipient: rfc822; inner-{recipient}
Original-Recipient: rfc822;{recipient}
Action: {action}
Status: 5.1.1
Remote-MTA: dns; store.partner.example
Diagnostic-Code: smtp; 550 5.1.1 <inner-{recipient}>: no mailbox
    of this name

--4ZQ1.1/mx
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

{_original(message_id)}
--4ZQ1.1/mx--
""",
    )


def exchange(to: str = PLAIN, message_id: str = "", *, recipient: str = GONE, action: str = "failed") -> bytes:
    """A page for people, capital letters in the address, an answer's headers, and often no mail at all."""
    enclosed = f"--_000_x_\nContent-Type: message/rfc822\n\n{_original(message_id)}\n" if message_id else ""
    return _mail(
        f"""
From: Microsoft Outlook <postmaster@partner.example>
To: {to}
Subject: Undeliverable: Order 1 received
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="_000_x_"
Message-ID: <e1@partner.example>
References: <somebody-elses-thread@partner.example>
X-MS-Exchange-Message-Is-Ndr:
Date: Mon, 02 Mar 2026 12:00:05 +0000
""",
        f"""--_000_x_
Content-Type: multipart/alternative; boundary="_001_x_"

--_001_x_
Content-Type: text/html; charset="us-ascii"

<html><body><p>The mail to <b>{recipient}</b> did not arrive.</p></body></html>

--_001_x_--
--_000_x_
Content-Type: message/delivery-status

Reporting-MTA: dns;EX01.partner.example
Received-From-MTA: dns;app.example

Original-Recipient: rfc822;{recipient.upper()}
Final-Recipient: rfc822;{recipient.upper()}
Action: {action}
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found by SMTP address lookup

{enclosed}--_000_x_--
""",
    )


def gmail(to: str = PLAIN, message_id: str = "", *, recipient: str = GONE, action: str = "failed") -> bytes:
    """A page with a picture, the id among the fields."""
    named = f"X-Original-Message-ID: <{message_id}>\n" if message_id else ""
    failed = f"X-Failed-Recipients: {recipient}\n" if action == "failed" else ""
    return _mail(
        f"""
Return-Path: <>
From: Mail Delivery Subsystem <mailer-daemon@mail.example>
To: {to}
{failed}Auto-Submitted: auto-replied
Subject: Delivery Status Notification
MIME-Version: 1.0
Content-Type: multipart/report; boundary="000g"; report-type=delivery-status
Message-ID: <g1@mail.example>
Date: Mon, 02 Mar 2026 04:00:05 -0800 (PST)
""",
        f"""--000g
Content-Type: multipart/related; boundary="001g"

--001g
Content-Type: text/plain; charset="UTF-8"

** Address not found **

--001g
Content-Type: image/png; name="icon.png"
Content-Disposition: attachment; filename="icon.png"
Content-Transfer-Encoding: base64

iVBORw0KGgo=

--001g--
--000g
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example
Arrival-Date: Mon, 02 Mar 2026 04:00:01 -0800 (PST)
{named}
Final-Recipient: rfc822; {recipient}
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; 550-5.1.1 There is no such account here.
Last-Attempt-Date: Mon, 02 Mar 2026 04:00:02 -0800 (PST)

--000g--
""",
    )


def qmail(to: str = PLAIN, message_id: str = "", *, recipient: str = GONE) -> bytes:
    """Words alone in a form of its own; the mail follows as text."""
    return _mail(
        f"""
Return-Path: <>
Date: 2 Mar 2026 12:00:05 -0000
From: MAILER-DAEMON@mx.partner.example
To: {to}
Subject: failure notice
""",
        f"""Hi. This is the program that delivers mail at mx.partner.example.
Nothing more will be tried.

<{recipient}>:
There is no mailbox of this name here. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <{to}>
{_original(message_id)}
Thank you for your order.
""",
    )


def exim(to: str = PLAIN, message_id: str = "", *, recipient: str = GONE) -> bytes:
    """Words, and headers that name the recipient and, in later versions, the mail that is answered."""
    answered = f"In-Reply-To: <{message_id}>\n" if message_id else ""
    return _mail(
        f"""
Return-path: <>
Auto-Submitted: auto-replied
X-Failed-Recipients: {recipient}
{answered}From: Mail Delivery System <Mailer-Daemon@mx.partner.example>
To: {to}
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1x@mx.partner.example>
""",
        f"One address could not be reached:\n\n  {recipient}\n    no such user\n",
    )


def own_words(to: str = PLAIN, words: str = "550 5.1.1 unknown here", *, recipient: str = GONE) -> bytes:
    """A server that knows no form at all."""
    return _mail(
        f"""
From: postmaster@partner.example
To: {to}
Subject: Mail
Message-ID: <w1@partner.example>
""",
        f"The mail for {recipient} has a problem.\nThe other side said: {words}\n",
    )


SHAPES: dict[str, Callable[..., bytes]] = {
    "postfix": postfix,
    "exchange": exchange,
    "gmail": gmail,
    "qmail": qmail,
    "exim": exim,
}
