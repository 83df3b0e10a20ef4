"""Serving the sandbox, or any other ASGI application, inside this process; on the loopback interface unless told otherwise."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette

from app.sandbox.shop import Sandbox


class _Server(uvicorn.Server):
    """Says when it is ready, ends when told, and leaves signals to whoever runs the loop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.ended = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit as error:
            raise OSError("The application did not start; its log says why.") from error
        self.ready.set()

    async def main_loop(self) -> None:
        await self.ended.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def running(app: Any, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """Serve an application and yield its origin, e.g. `http://127.0.0.1:43211`; port 0 takes a free one.

    A sandbox is told its origin before it starts, since headers and tokens name it. Raises OSError when the port is taken or the
    application does not start.
    """
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        url = f"http://{host}:{listening.getsockname()[1]}"
        if isinstance(app, Starlette) and isinstance(getattr(app.state, "sandbox", None), Sandbox):
            app.state.sandbox.url = url
        # Without uvicorn's ticks there is no clock for its Date header; logging is the process's own.
        config = uvicorn.Config(app, log_config=None, access_log=False, date_header=False, timeout_graceful_shutdown=1)
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        ready = asyncio.create_task(server.ready.wait())
        try:
            await asyncio.wait({ready, serving}, return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                serving.result()
            yield url
        finally:
            ready.cancel()
            server.ended.set()
            await asyncio.wait({serving})
