"""What the storm disturbs lines with: a gate for TCP connections, and a mail server that is not always willing."""

from __future__ import annotations

import asyncio
import email
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any


class Gate:
    """Passes connections on to one of its backends, chosen by chance, and can cut or slow all that pass."""

    def __init__(self, backends: Sequence[int], chance: random.Random) -> None:
        self.backends = list(backends)
        self.seconds = 0.0
        self.port = 0
        self.cuts = 0
        self._chance = chance
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on a free port of its own."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Break every connection that is open now, in the middle of whatever it says."""
        for writer in list(self._open):
            writer.transport.abort()
        self.cuts += 1

    async def close(self) -> None:
        self.cut()
        if self._server is not None:
            self._server.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for port in self._chance.sample(self.backends, len(self.backends)):
            with suppress(OSError):
                onward = await asyncio.open_connection("127.0.0.1", port)
                break
        else:
            writer.transport.abort()
            return
        both = {writer, onward[1]}
        self._open |= both
        await asyncio.gather(self._copy(reader, onward[1]), self._copy(onward[0], writer))
        self._open -= both

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if self.seconds:
                    await asyncio.sleep(self.seconds)
                writer.write(data)
                await writer.drain()
        with suppress(OSError, RuntimeError):
            writer.close()


class Mailbox:
    """An aiosmtpd handler: keeps how often each mail came, and refuses or hangs up by chance while `trouble` is set."""

    def __init__(self, chance: random.Random) -> None:
        self.trouble = 0.0
        self.received: Counter[str] = Counter()
        self._chance = chance

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        dice = self._chance.random()
        if dice < self.trouble / 2:
            return "451 try again later"
        message = email.message_from_bytes(envelope.content)
        self.received[message["Message-ID"].strip("<> \r\n")] += 1
        if dice < self.trouble:
            server.transport.abort()  # taken, and the answer lost
        return "250 taken"
