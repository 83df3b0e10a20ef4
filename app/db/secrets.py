"""Encryption of secrets at rest: AES-256-GCM, the shop as associated data, the key's id in front (`architecture.md`)."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.errors import Unavailable

SEALED: dict[str, Any] = {"sealed": True}
"""`info` of every column that holds what a SecretBox sealed for its row's shop: `orders.secrets` finds them by it."""


class SecretBox:
    """Encrypts with the first key and decrypts with any, so that keys can be rotated.

    `keys` are passphrases of at least 16 characters from settings; each becomes a 256-bit key by SHA-256, its id the first
    8 hex digits of the key's own hash.
    """

    def __init__(self, keys: list[str]) -> None:
        if not keys or any(len(key) < 16 for key in keys):
            raise ValueError("every secret key needs at least 16 characters")
        self._keys: dict[str, AESGCM] = {}
        for key in keys:
            raw = hashlib.sha256(key.encode()).digest()
            self._keys[hashlib.sha256(raw).hexdigest()[:8]] = AESGCM(raw)
        self.key_id = next(iter(self._keys))

    def encrypt(self, tenant_id: str, plain: str) -> str:
        """`<key id>.<base64 of nonce and ciphertext>`."""
        nonce = os.urandom(12)
        sealed = self._keys[self.key_id].encrypt(nonce, plain.encode(), tenant_id.encode())
        return f"{self.key_id}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def decrypt(self, tenant_id: str, sealed: str) -> str:
        """The plain text. Raises Unavailable when its key is not configured, or it was changed or belongs to another shop."""
        key_id, _, body = sealed.partition(".")
        try:
            raw = base64.urlsafe_b64decode(body)
            return self._keys[key_id].decrypt(raw[:12], raw[12:], tenant_id.encode()).decode()
        except (KeyError, InvalidTag, ValueError) as error:
            raise Unavailable(
                "A stored secret cannot be read: its key is missing from the settings.", code="secret_key"
            ) from error

    def is_current(self, sealed: str) -> bool:
        """Whether the newest key sealed it."""
        return sealed.partition(".")[0] == self.key_id

    def reseal(self, tenant_id: str, sealed: str) -> str:
        """The same text sealed by the newest key. Raises Unavailable like `decrypt`."""
        return self.encrypt(tenant_id, self.decrypt(tenant_id, sealed))
