"""Mails as they come in, for tests."""

from email.message import EmailMessage
from email.policy import SMTP

SENDER = "texan@partner.example"


def letter(text: str = "When does it come?", **headers: str) -> bytes:
    """A person's mail; headers by name with `_` for `-`, an empty one is left out."""
    mail = EmailMessage(policy=SMTP)
    given = {
        "From": f"Tex <{SENDER}>", "To": "sales@vendor.example", "Subject": "A question", "Message_ID": "<q1@partner.example>",
        "Date": "Mon, 02 Mar 2026 12:00:00 +0000",
    }  # fmt: skip
    for name, value in {**given, **headers}.items():
        if value:
            mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


def report(original: str, *, action: str = "failed", recipient: str = SENDER, part: str = "rfc822") -> bytes:
    """What a mail server reports of the delivery of the mail with this Message-ID (RFC 3464)."""
    kind = {"rfc822": "message/rfc822", "headers": "text/rfc822-headers"}[part]
    return f"""From: Mail Delivery <MAILER-DAEMON@mx.partner.example>
To: resellers@vendor.example
Subject: Delivery Status Notification
Message-ID: <dsn-{action}@mx.partner.example>
Return-Path: <>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

The mail could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.partner.example

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user
 here

--b
Content-Type: {kind}

From: resellers@vendor.example
Message-ID: <{original}>
Subject: Order 1 received

--b--
""".replace("\n", "\r\n").encode()
