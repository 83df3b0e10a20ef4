"""Files and ports of the commands."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from app.errors import Unavailable


def distinct(names: Iterable[str]) -> list[str]:
    """File names as the license mail has them: the second of the same name gets a number, so that none takes another's place."""
    given: list[str] = []
    for name in names:
        stem, dot, suffix = name.rpartition(".")
        candidate, number = name, 2
        while candidate in given:
            candidate = f"{stem}-{number}{dot}{suffix}" if dot else f"{name}-{number}"
            number += 1
        given.append(candidate)
    return given


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises Unavailable that names the address where it cannot."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048)
    except OSError as error:
        why = (error.strerror or str(error)).partition(" (")[0]
        raise Unavailable(
            f"{host} port {port} cannot be listened on: {why}. Choose another with --port.", code="address"
        ) from error
