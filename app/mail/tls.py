"""How connections to mail servers are secured."""

from __future__ import annotations

import ssl
from ipaddress import ip_address

from app.settings import Settings


def mail_tls(settings: Settings) -> ssl.SSLContext:
    """The certificates that are believed. Raises OSError for a file of authorities that cannot be read."""
    context = ssl.create_default_context(cafile=settings.mail_ca_file or None)
    if not settings.mail_tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def is_this_machine(host: str) -> bool:
    """Whether what is sent there stays on this machine."""
    try:
        return host.lower() == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
