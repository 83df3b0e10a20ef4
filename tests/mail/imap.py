"""A small IMAP server on loopback: one mailbox, read only, with UIDs, sizes and what a test wants to go wrong."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Mailbox:
    """What the server holds; `mails` by UID. `commands` are those it was given, after LOGIN."""

    mails: dict[int, bytes] = field(default_factory=dict)
    validity: int = 7
    password: str = "p@ss word"
    refuse: str = ""
    commands: list[str] = field(default_factory=list)
    port: int = 0

    def add(self, content: bytes) -> int:
        uid = max(self.mails, default=0) + 1
        self.mails[uid] = content
        return uid


@asynccontextmanager
async def serving(box: Mailbox, tls: ssl.SSLContext | None = None) -> AsyncIterator[Mailbox]:
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        current = asyncio.current_task()
        assert current is not None
        talks.add(current)
        try:
            await _talk(box, reader, writer)
        finally:
            talks.discard(current)
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", box.port, ssl=tls)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        if talks:
            await asyncio.wait(talks, timeout=5)
        await server.wait_closed()


async def _talk(box: Mailbox, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"* OK ready\r\n")
    while line := (await reader.readline()).decode().strip():
        tag, _, command = line.partition(" ")
        name = command.split(" ")[0].upper()
        if name == "LOGIN":
            good = command.endswith(f'"{box.password}"')
            writer.write(f"{tag} OK in\r\n".encode() if good else f"{tag} NO wrong password\r\n".encode())
        elif name == "CAPABILITY":
            writer.write(f"* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n".encode())
        elif name == "LOGOUT":
            writer.write(f"* BYE\r\n{tag} OK done\r\n".encode())
            await writer.drain()
            return
        else:
            box.commands.append(command)
            writer.write(_answer(box, tag, command))
        await writer.drain()


def _answer(box: Mailbox, tag: str, command: str) -> bytes:
    name = command.upper()
    if box.refuse and box.refuse in name:
        return f"{tag} NO refused\r\n".encode()
    if name.startswith(("EXAMINE", "SELECT")):
        following = max(box.mails, default=0) + 1
        lines = [f"{len(box.mails)} EXISTS", f"OK [UIDVALIDITY {box.validity}] x", f"OK [UIDNEXT {following}] x"]
        return "".join(f"* {said}\r\n" for said in lines).encode() + f"{tag} OK [READ-ONLY] done\r\n".encode()
    if name.startswith("UID SEARCH"):
        first = re.search(r"UID (\d+):\*", name)
        uids = [uid for uid in box.mails if first is None or uid >= int(first[1])]
        if first is not None and not uids and box.mails:
            uids = [max(box.mails)]  # as every server answers n:* beyond the end
        return f"* SEARCH {' '.join(map(str, uids))}\r\n{tag} OK done\r\n".encode()
    found = re.fullmatch(r"UID FETCH (\d+) \((.+)\)", name)
    assert found is not None, command
    content = box.mails.get(int(found[1]))
    if content is None:
        return f"{tag} OK done\r\n".encode()
    if found[2] == "RFC822.SIZE":
        return f"* 1 FETCH (UID {found[1]} RFC822.SIZE {len(content)})\r\n{tag} OK done\r\n".encode()
    if "HEADER" in found[2]:
        content = content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    head = f"* 1 FETCH (UID {found[1]} {found[2].replace('.PEEK', '')} {{{len(content)}}}\r\n".encode()
    return head + content + f")\r\n{tag} OK done\r\n".encode()
