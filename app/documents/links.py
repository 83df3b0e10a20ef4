"""Signed addresses of documents, which count for some days: whoever has one may read that document and no other."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

from app.errors import Forbidden

GLANCE = timedelta(minutes=5)
"""How long a link counts that is opened at once."""


def signed_url(base_url: str, keys: Sequence[str], tenant_id: str, document_id: str, at: datetime, days: int) -> str:
    """An address that counts `days` from `at`, signed with the newest of the installation's secret keys."""
    expires = int((at + timedelta(days=days)).timestamp())
    signature = _signature(keys[0], tenant_id, document_id, expires)
    return f"{base_url}/documents/{tenant_id}/{document_id}?expires={expires}&signature={signature}"


def statement_url(base_url: str, keys: Sequence[str], tenant_id: str, statement_id: str, at: datetime) -> str:
    """An address of a statement's PDF for one look: a tab of its own carries no session (dashboard-facts 0.12)."""
    expires = int((at + GLANCE).timestamp())
    signature = _signature(keys[0], tenant_id, f"statement/{statement_id}", expires)
    return f"{base_url}/documents/{tenant_id}/statements/{statement_id}?expires={expires}&signature={signature}"


def check_statement(keys: Sequence[str], tenant_id: str, statement_id: str, expires: int, signature: str, at: datetime) -> None:
    """Raises Forbidden like `check_signature`."""
    check_signature(keys, tenant_id, f"statement/{statement_id}", expires, signature, at)


def check_signature(keys: Sequence[str], tenant_id: str, document_id: str, expires: int, signature: str, at: datetime) -> None:
    """Raises Forbidden for a signature that none of the keys made, or whose time is over."""
    made = [_signature(key, tenant_id, document_id, expires) for key in keys]
    if not any(hmac.compare_digest(one.encode(), signature.encode()) for one in made):
        raise Forbidden("This link is not one that was given out.", code="document_link")
    if at.timestamp() > expires:
        raise Forbidden(
            "This link has expired. Sign in and open the document with its order, or ask for the invoice again.",
            code="document_link_expired",
        )


def _signature(key: str, tenant_id: str, document_id: str, expires: int) -> str:
    # A key of its own for this purpose: what is signed here can never pass for something else.
    own = hashlib.sha256(b"document link\0" + key.encode()).digest()
    return hmac.new(own, f"{tenant_id}/{document_id}/{expires}".encode(), hashlib.sha256).hexdigest()
