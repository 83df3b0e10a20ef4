import asyncio
import ipaddress
import re
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import func, select
from sqlalchemy.orm import undefer

from app.db.session import Database
from app.errors import Conflict, InvalidInput, NotFound, Unavailable
from app.mail.reports import deliveries
from app.mail.samples import license, order
from app.mail.schemas import MailKind
from app.mail.service import GIVE_UP, deliver, of_order, queue, resend, waiting
from app.mail.tables import Mail
from app.settings import Settings
from tests.conftest import NOW, install
from tests.mail.smtp import Server, serving


def settings(tmp_path: Path, **changes: Any) -> Settings:
    values: dict[str, Any] = {
        "secret_keys": ["a passphrase of the tests"],
        "base_url": "https://app.example",
        "mail_directory": str(tmp_path / "mail"),
        "mail_from": "Program <resellers@vendor.example>",
        "smtp_url": "",
    }
    return Settings(_env_file=None, **{**values, **changes})


async def put(database: Database, tenant: str, config: Settings, key: str = "license:o1", **changes: Any) -> Mail:
    values: dict[str, Any] = {
        "key": key,
        "kind": MailKind.LICENSE,
        "order_id": "o1",
        "recipient": "rita@beta.example",
        "language": "en",
        "context": license(),
        "attachments": [],
        "settings": config,
        "at": NOW,
    }
    async with database.tenant(tenant) as session:
        return await queue(session, **{**values, **changes})


async def stored(database: Database, tenant: str, mail_id: str) -> Mail:
    async with database.tenant(tenant) as session:
        return (await session.scalars(select(Mail).where(Mail.id == mail_id).options(undefer(Mail.content)))).one()


def clock() -> datetime:
    return NOW + timedelta(minutes=1)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate of 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + signed.public_bytes(Encoding.PEM))
    return file


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_a_mail_is_made_once(database: Database, tenant: str, tmp_path: Path) -> None:
    config = settings(tmp_path)
    mails = await asyncio.gather(*(put(database, tenant, config) for _ in range(20)))
    assert len({mail.id for mail in mails}) == 1
    again = await put(database, tenant, config, kind=MailKind.ORDER_RECEIVED, context=order())
    assert (again.id, again.kind, again.message_id) == (mails[0].id, "license", f"{mails[0].id}@app.example")
    row = await stored(database, tenant, again.id)
    assert f"Message-ID: <{row.message_id}>".encode() in row.content
    assert (row.subject, row.state, row.attempts, row.sent_at) == ("Order 1042: license", "queued", 0, None)
    await put(database, tenant, config, key="order_received:o1", kind=MailKind.ORDER_RECEIVED, context=order())
    await put(database, tenant, config, key="license:o2", order_id="o2")
    async with database.tenant(tenant) as session:
        assert [mail.key for mail in await of_order(session, "o1")] == ["license:o1", "order_received:o1"]


async def test_a_recipient_that_is_no_address_makes_no_mail(database: Database, tenant: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        await put(database, tenant, settings(tmp_path), recipient="nobody")
    async with database.tenant(tenant) as session:
        assert await session.scalar(select(func.count()).select_from(Mail)) == 0


async def test_without_a_server_a_mail_becomes_one_file(database: Database, tenant: str, tmp_path: Path) -> None:
    config = settings(tmp_path)
    mail = await put(database, tenant, config)
    assert await deliver(database, tenant, mail.id, config, clock) == "sent"
    assert await deliver(database, tenant, mail.id, config, clock) == "sent"
    row = await stored(database, tenant, mail.id)
    assert (row.state, row.attempts, row.sent_at) == ("sent", 1, clock())
    files = list((tmp_path / "mail").rglob("*"))
    assert [file.name for file in files if file.is_file()] == [f"{mail.id}@app.example.eml"]
    assert (tmp_path / "mail" / tenant / f"{mail.id}@app.example.eml").read_bytes() == row.content


async def test_deliveries_at_once_leave_one_file(database: Database, tenant: str, tmp_path: Path) -> None:
    config = settings(tmp_path)
    mail = await put(database, tenant, config)
    states = await asyncio.gather(*(deliver(database, tenant, mail.id, config, clock) for _ in range(5)))
    assert set(states) == {"sent"}
    assert len([file for file in (tmp_path / "mail").rglob("*") if file.is_file()]) == 1


async def test_a_full_disk_is_tried_again(
    database: Database, tenant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    config = settings(tmp_path)
    mail = await put(database, tenant, config)
    with monkeypatch.context() as patched, pytest.raises(Unavailable, match="No space left"):
        patched.setattr("os.replace", full)
        await deliver(database, tenant, mail.id, config, clock)
    assert list((tmp_path / "mail" / tenant).iterdir()) == []
    row = await stored(database, tenant, mail.id)
    assert (row.state, row.attempts, row.error) == ("queued", 1, "[Errno 28] No space left on device")
    assert await deliver(database, tenant, mail.id, config, clock) == "sent"
    assert (await stored(database, tenant, mail.id)).error == ""


async def test_a_mail_goes_to_the_server_as_it_was_made(database: Database, tenant: str, tmp_path: Path) -> None:
    async with serving(Server()) as server:
        config = settings(tmp_path, smtp_url=f"smtp://127.0.0.1:{server.port}")
        mail = await put(database, tenant, config, recipient="rita@müller.example")
        assert await deliver(database, tenant, mail.id, config, clock) == "sent"
        assert await deliver(database, tenant, mail.id, config, clock) == "sent"
    row = await stored(database, tenant, mail.id)
    (taken,) = server.taken
    assert (taken.mail_from, taken.rcpt_tos) == ("resellers@vendor.example", ["rita@xn--mller-kva.example"])
    assert taken.content == row.content
    assert (row.state, row.attempts, row.sent_at) == ("sent", 1, clock())
    assert not (tmp_path / "mail").exists()


@pytest.mark.parametrize(
    "reads", [{"inbound_secret": "a secret of the tests"}, {"imap_url": "imaps://user:word@imap.example/INBOX"}]
)
async def test_case_83_where_reports_are_read_each_mail_goes_from_an_address_of_its_own(
    database: Database, tenant: str, tmp_path: Path, reads: dict[str, str]
) -> None:
    async with serving(Server()) as server:
        config = settings(tmp_path, smtp_url=f"smtp://127.0.0.1:{server.port}", **reads)
        mails = [await put(database, tenant, config, key=key) for key in ("one", "two")]
        for mail in mails:
            assert await deliver(database, tenant, mail.id, config, clock) == "sent"
    senders = [str(taken.mail_from) for taken in server.taken]
    assert [list(deliveries(sender)) for sender in senders] == [[mail.id] for mail in mails]
    assert all(re.fullmatch(r"resellers\+[a-z2-7]{26}@vendor\.example", sender) for sender in senders)
    first = server.taken[0].content
    assert isinstance(first, bytes)
    assert b"From: Program <resellers@vendor.example>" in first, "what people see stays"


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
async def test_a_server_that_lets_an_account_write_as_itself_alone_gets_the_plain_sender(
    database: Database, tenant: str, tmp_path: Path, command: str
) -> None:
    async with serving(Server()) as server:
        server.plain_senders_only = command
        config = settings(tmp_path, smtp_url=f"smtp://127.0.0.1:{server.port}", inbound_secret="a secret of the tests")
        mail = await put(database, tenant, config)
        assert await deliver(database, tenant, mail.id, config, clock) == "sent"
        assert [taken.mail_from for taken in server.taken] == ["resellers@vendor.example"]
        server.recipient_answer = "550 no such user"
        gone = await put(database, tenant, config, key="gone")
        assert await deliver(database, tenant, gone.id, config, clock) == "failed"
        server.recipient_answer = "450 try later"
        later = await put(database, tenant, config, key="later")
        with pytest.raises(Unavailable, match="450 try later"):
            await deliver(database, tenant, later.id, config, clock)
    assert len(server.taken) == 1


async def test_starttls_and_login_by_the_url(
    database: Database, tenant: str, tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    handler = Server()
    options: dict[str, Any] = {"tls_context": server_side(certificate), "authenticator": handler.login, "auth_required": True}
    async with serving(handler, **options) as server:
        config = settings(tmp_path, smtp_url=f"smtp://us%40er:p%40ss@127.0.0.1:{server.port}")
        mail = await put(database, tenant, config)
        assert await deliver(database, tenant, mail.id, config, clock) == "sent"
        wrong = settings(tmp_path, smtp_url=f"smtp://user:wrong@127.0.0.1:{server.port}")
        other = await put(database, tenant, config, key="other")
        with pytest.raises(Unavailable, match="could not be sent yet"):
            await deliver(database, tenant, other.id, wrong, clock)
    assert server.logins[0] == (b"us@er", b"p@ss")
    assert server.secure == [True]
    assert "535" in (await stored(database, tenant, other.id)).error


async def test_smtps_and_a_certificate_nobody_vouches_for(
    database: Database, tenant: str, tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(Server(), server_side(certificate)) as server:
        config = settings(tmp_path, smtp_url=f"smtps://127.0.0.1:{server.port}")
        mail = await put(database, tenant, config)
        with pytest.raises(Unavailable):
            await deliver(database, tenant, mail.id, config, clock)
        assert server.taken == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert await deliver(database, tenant, mail.id, config, clock) == "sent"


def refuse_recipient(server: Server, answer: str) -> None:
    server.recipient_answer = answer


def refuse_data(server: Server, answer: str) -> None:
    server.data_answer = answer


def refuse_sender(server: Server, answer: str) -> None:
    server.sender_answer = answer


@pytest.mark.parametrize(("refuse", "answer"), [(refuse_recipient, "550 no such user"), (refuse_data, "554 looks like spam")])
async def test_case_83_a_final_refusal_keeps_the_servers_words(
    database: Database, tenant: str, tmp_path: Path, refuse: Callable[[Server, str], None], answer: str
) -> None:
    async with serving(Server()) as server:
        refuse(server, answer)
        config = settings(tmp_path, smtp_url=f"smtp://127.0.0.1:{server.port}")
        mail = await put(database, tenant, config)
        assert await deliver(database, tenant, mail.id, config, clock) == "failed"
        refuse(server, "")
        assert await deliver(database, tenant, mail.id, config, clock) == "failed"
    row = await stored(database, tenant, mail.id)
    assert (row.state, row.error, row.attempts, row.sent_at) == ("failed", answer, 1, None)
    assert server.taken == []


@pytest.mark.parametrize(
    ("refuse", "answer"),
    [(refuse_recipient, "450 try later"), (refuse_data, "451 busy"), (refuse_sender, "550 sender not allowed")],
)
async def test_what_may_pass_is_tried_again(
    database: Database, tenant: str, tmp_path: Path, refuse: Callable[[Server, str], None], answer: str
) -> None:
    async with serving(Server()) as server:
        refuse(server, answer)
        config = settings(tmp_path, smtp_url=f"smtp://127.0.0.1:{server.port}")
        mail = await put(database, tenant, config)
        with pytest.raises(Unavailable, match="could not be sent yet"):
            await deliver(database, tenant, mail.id, config, clock)
        row = await stored(database, tenant, mail.id)
        assert (row.state, row.attempts) == ("queued", 1)
        assert answer[4:] in row.error
        refuse(server, "")
        assert await deliver(database, tenant, mail.id, config, clock) == "sent"
    assert (await stored(database, tenant, mail.id)).attempts == 2
    assert len(server.taken) == 1


async def test_a_server_that_is_away(database: Database, tenant: str, tmp_path: Path) -> None:
    async with serving(Server()) as server:
        port = server.port
    config = settings(tmp_path, smtp_url=f"smtp://127.0.0.1:{port}")
    mail = await put(database, tenant, config)
    with pytest.raises(Unavailable, match="to rita@beta"):
        await deliver(database, tenant, mail.id, config, clock)
    assert (await stored(database, tenant, mail.id)).attempts == 1


async def test_another_shops_mail_is_not_there(database: Database, tenant: str, tmp_path: Path) -> None:
    config = settings(tmp_path)
    mail = await put(database, tenant, config)
    other = await install(database, "http://other.example/graphql/")
    with pytest.raises(NotFound):
        await deliver(database, other, mail.id, config, clock)


async def refused(database: Database, tenant: str, config: Settings) -> Mail:
    mail = await put(database, tenant, config)
    async with database.tenant(tenant) as session:
        row = (await session.scalars(select(Mail).where(Mail.id == mail.id))).one()
        row.state, row.error = "failed", "550 no such user"
    return mail


async def again(database: Database, tenant: str, mail_id: str, recipient: str | None = None) -> Mail:
    async with database.tenant(tenant) as session:
        return await resend(session, mail_id, recipient=recipient, at=NOW + timedelta(days=1))


async def test_case_83_a_refused_mail_goes_to_another_address_and_the_old_one_stays(
    database: Database, tenant: str, tmp_path: Path
) -> None:
    old = await refused(database, tenant, settings(tmp_path))
    before = await stored(database, tenant, old.id)
    new = await again(database, tenant, old.id, " Second <second@beta.example> ")
    assert (new.key, new.state, new.recipient) == ("license:o1:again:1", "queued", "Second <second@beta.example>")
    assert (new.kind, new.order_id, new.subject, new.language) == (old.kind, old.order_id, old.subject, old.language)
    kept = await stored(database, tenant, old.id)
    assert (kept.state, kept.content, kept.message_id) == ("failed", before.content, before.message_id)
    assert new.message_id == f"{new.id}@app.example"
    assert await deliver(database, tenant, new.id, settings(tmp_path), clock) == "sent"
    third = await again(database, tenant, new.id)
    assert (third.key, third.recipient) == ("license:o1:again:2", new.recipient)
    async with database.tenant(tenant) as session:
        assert [mail.id for mail in await of_order(session, "o1")] == [old.id, new.id, third.id]


async def test_two_who_send_again_at_once_make_two_mails(database: Database, tenant: str, tmp_path: Path) -> None:
    old = await refused(database, tenant, settings(tmp_path))
    made = await asyncio.gather(again(database, tenant, old.id), again(database, tenant, old.id))
    assert {mail.key for mail in made} == {"license:o1:again:1", "license:o1:again:2"}


async def test_what_cannot_be_sent_again(database: Database, tenant: str, tmp_path: Path) -> None:
    waiting = await put(database, tenant, settings(tmp_path))
    with pytest.raises(Conflict, match="still on its way"):
        await again(database, tenant, waiting.id)
    with pytest.raises(InvalidInput, match="not a mail address"):
        await again(database, tenant, waiting.id, "nobody")
    with pytest.raises(NotFound):
        await again(database, tenant, "nothing")
    assert (await again(database, tenant, waiting.id, "second@beta.example")).key == "license:o1:again:1"


async def test_certificates_are_checked_by_the_settings_alone(
    database: Database, tenant: str, tmp_path: Path, certificate: Path
) -> None:
    async with serving(Server(), server_side(certificate)) as server:
        url = f"smtps://127.0.0.1:{server.port}"
        mail = await put(database, tenant, settings(tmp_path))
        with pytest.raises(Unavailable, match="certificate verify failed"):
            await deliver(database, tenant, mail.id, settings(tmp_path, smtp_url=url), clock)
        trusted = settings(tmp_path, smtp_url=url, mail_ca_file=str(certificate))
        assert await deliver(database, tenant, mail.id, trusted, clock) == "sent"
        other = await put(database, tenant, settings(tmp_path), key="other")
        unchecked = settings(tmp_path, smtp_url=url, mail_tls_verify=False)
        assert await deliver(database, tenant, other.id, unchecked, clock) == "sent"
        third = await put(database, tenant, settings(tmp_path), key="third")
        with pytest.raises(Unavailable):
            await deliver(database, tenant, third.id, settings(tmp_path, smtp_url=url, mail_ca_file="/nowhere.pem"), clock)


@pytest.mark.parametrize(("mode", "offered", "state", "secure"), [
    ("auto", True, "sent", True), ("auto", False, "sent", False), ("required", True, "sent", True),
    ("required", False, "queued", None), ("off", True, "sent", False),
])  # fmt: skip
async def test_starttls_by_the_settings(
    database: Database, tenant: str, tmp_path: Path, certificate: Path, mode: str, offered: bool, state: str, secure: bool | None
) -> None:
    options: dict[str, Any] = {"tls_context": server_side(certificate)} if offered else {}
    async with serving(Server(), **options) as server:
        url = f"smtp://127.0.0.1:{server.port}"
        config = settings(tmp_path, smtp_url=url, smtp_starttls=mode, mail_ca_file=str(certificate))
        mail = await put(database, tenant, config)
        if state == "queued":
            with pytest.raises(Unavailable, match="STARTTLS"):
                await deliver(database, tenant, mail.id, config, clock)
        else:
            assert await deliver(database, tenant, mail.id, config, clock) == state
        assert server.secure == ([] if secure is None else [secure])


async def test_one_refused_recipient_of_several_loses_no_other(database: Database, tenant: str, tmp_path: Path) -> None:
    async with serving(Server()) as server:
        config = settings(tmp_path, smtp_url=f"smtp://127.0.0.1:{server.port}")
        mails = [await put(database, tenant, config, key=f"statement:{n}", recipient=f"r{n}@beta.example") for n in range(3)]
        states = []
        for mail in mails:
            server.recipient_answer = "550 no such user" if mail.recipient == "r1@beta.example" else ""
            states.append(await deliver(database, tenant, mail.id, config, clock))
    assert states == ["sent", "failed", "sent"]
    assert [taken.rcpt_tos for taken in server.taken] == [["r0@beta.example"], ["r2@beta.example"]]


async def test_what_cannot_be_taken_now_is_tried_for_days_and_then_told(database: Database, tenant: str, tmp_path: Path) -> None:
    async with serving(Server()) as server:
        config = settings(tmp_path, smtp_url=f"smtp://127.0.0.1:{server.port}")
        mail = await put(database, tenant, config)
        server.recipient_answer = "452 mailbox full"
        with pytest.raises(Unavailable):
            await deliver(database, tenant, mail.id, config, lambda: NOW + GIVE_UP)
        async with database.tenant(tenant) as session:
            count, oldest = await waiting(session)
        assert oldest is not None
        assert (count, oldest.id, oldest.error) == (1, mail.id, "452 mailbox full")
        assert await deliver(database, tenant, mail.id, config, lambda: NOW + GIVE_UP + timedelta(seconds=1)) == "failed"
    away = settings(tmp_path, smtp_url=f"smtp://127.0.0.1:{server.port}")
    other = await put(database, tenant, away, key="other")
    with pytest.raises(Unavailable):
        await deliver(database, tenant, other.id, away, lambda: NOW + 3 * GIVE_UP)
