"""A mail server on loopback (aiosmtpd)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope


class Server:
    """A mail server on loopback that keeps what it took, and answers what a test wants."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.recipient_answer = self.sender_answer = self.data_answer = ""
        self.plain_senders_only = ""
        """Where a sender with a plus is refused: at MAIL, RCPT or DATA, by one that lets an account write as itself alone."""
        self.logins: list[tuple[bytes, bytes]] = []
        self.secure: list[bool] = []
        self.port = 0

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        envelope.mail_from = address
        return self.sender_answer or self._as_itself("MAIL", address) or "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if refused := self.recipient_answer or self._as_itself("RCPT", envelope.mail_from):
            return refused
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        if refused := self.data_answer or self._as_itself("DATA", envelope.mail_from):
            return refused
        self.taken.append(envelope)
        self.secure.append(session.ssl is not None)
        return "250 taken"

    def _as_itself(self, command: str, sender: str | None) -> str:
        return "550 5.7.60 you may not send as this" if self.plain_senders_only == command and "+" in str(sender) else ""

    def login(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"p@ss", handled=False)


@asynccontextmanager
async def serving(handler: Server, tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[Server]:
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        return SMTP(handler, hostname="mail.example", loop=loop, **options)

    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls)
    handler.port = server.sockets[0].getsockname()[1]
    try:
        yield handler
    finally:
        server.close()
        await server.wait_closed()
