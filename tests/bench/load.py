"""The benchmark's own load: raw requests over kept connections or a new one each, from one core, without an HTTP library."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of one server gave; times in milliseconds."""

    rate: float
    cpu: float
    p50: float
    p99: float


class Client(asyncio.Protocol):
    """One connection that asks one request after another."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._data = b""
        self._answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._data += data
        head = self._data.find(b"\r\n\r\n")
        if head < 0 or self._answer is None:
            return
        at = self._data.lower().index(b"content-length:", 0, head + 2) + 15
        size = int(self._data[at : self._data.index(b"\r\n", at)])
        if len(self._data) >= head + 4 + size:
            answer, self._data = self._data, b""
            self._answer.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("closed"))

    async def ask(self, request: bytes) -> bytes:
        assert self.transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._answer


def cpu_seconds(pid: int) -> float:
    """Processor time of all threads of a process, in seconds."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


async def run(port: int, pid: int, requests: list[bytes], count: int, *, kept: bool, connections: int = 16) -> Run:
    """Send `count` requests, round robin, and measure the server; every answer must be a 200."""
    loop = asyncio.get_running_loop()
    left = iter(range(count))
    times: list[float] = []

    async def worker() -> None:
        client: Client | None = None
        for number in left:
            request = requests[number % len(requests)]
            began = time.perf_counter()
            if client is None:
                _, client = await loop.create_connection(Client, "127.0.0.1", port)
            answer = await client.ask(request)
            times.append(time.perf_counter() - began)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise AssertionError(answer[:500])
            if not kept:
                assert client.transport is not None
                client.transport.close()
                client = None
        if client is not None and client.transport is not None:
            client.transport.close()

    before, began = cpu_seconds(pid), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(connections)))
    seconds = time.perf_counter() - began
    cpu = cpu_seconds(pid) - before
    times.sort()
    return Run(count / seconds, cpu / count * 1000, times[count // 2] * 1000, times[int(count * 0.99)] * 1000)
