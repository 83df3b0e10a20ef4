"""Files and ports of the commands."""

from __future__ import annotations

import socket

from app.errors import Unavailable


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises Unavailable that names the address where it cannot."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048)
    except OSError as error:
        why = (error.strerror or str(error)).partition(" (")[0]
        raise Unavailable(
            f"{host} port {port} cannot be listened on: {why}. Choose another with --port.", code="address"
        ) from error
