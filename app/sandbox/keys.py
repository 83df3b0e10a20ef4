"""The shop's RSA key: detached JWS under webhooks, JWTs of people, and the JWKS both are checked with (saleor-facts 2 and 8)."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from app.errors import Unauthorized


class ShopKey:
    """One RSA key; its id is the thumbprint of RFC 7638, as Saleor names it."""

    def __init__(self, private: RSAPrivateKey) -> None:
        self._private = private
        numbers = private.public_key().public_numbers()
        self._n, self._e = _number(numbers.n), _number(numbers.e)
        members = json.dumps({"e": self._e, "kty": "RSA", "n": self._n}, separators=(",", ":"), sort_keys=True)
        self.kid = _encode(hashlib.sha256(members.encode()).digest())

    @classmethod
    def generate(cls) -> ShopKey:
        """A new key."""
        return cls(generate_private_key(public_exponent=65537, key_size=2048))

    def jwks(self) -> dict[str, Any]:
        """What `/.well-known/jwks.json` says."""
        key = {"kty": "RSA", "key_ops": ["verify"], "n": self._n, "e": self._e, "use": "sig", "kid": self.kid, "alg": "RS256"}
        return {"keys": [key]}

    def sign(self, body: bytes) -> str:
        """The detached signature over a webhook's raw body (RFC 7797)."""
        header = _json({"alg": "RS256", "b64": False, "crit": ["b64"], "kid": self.kid, "typ": "JWT"})
        return f"{header}..{_encode(self._signature(header.encode() + b'.' + body))}"

    def token(self, claims: Mapping[str, Any]) -> str:
        """A signed JWT."""
        signed = f"{_json({'alg': 'RS256', 'kid': self.kid, 'typ': 'JWT'})}.{_json(claims)}"
        return f"{signed}.{_encode(self._signature(signed.encode()))}"

    def claims(self, token: str) -> dict[str, Any]:
        """What a token of this shop says; whether it still holds is the caller's to decide. Raises Unauthorized."""
        signed, _, signature = token.rpartition(".")
        try:
            self._private.public_key().verify(_decode(signature), signed.encode(), PKCS1v15(), SHA256())
            claims: dict[str, Any] = json.loads(_decode(signed.partition(".")[2]))
        except (InvalidSignature, ValueError) as error:
            raise Unauthorized("Signature verification failed", code="InvalidSignatureError") from error
        return claims

    @staticmethod
    def is_of_saleor(token: str) -> bool:
        """Whether a token says that a Saleor made it; others concern plugins only, and whoever brings one is a stranger."""
        try:
            return bool(json.loads(_decode(token.split(".")[1]))["owner"] == "saleor")
        except (ValueError, LookupError, TypeError):
            return False

    def _signature(self, content: bytes) -> bytes:
        return self._private.sign(content, PKCS1v15(), SHA256())


@lru_cache(maxsize=1)
def process_key() -> ShopKey:
    """A key for this process: making one takes a noticeable moment, and a stand-in shop needs no own one."""
    return ShopKey.generate()


def _json(content: Mapping[str, Any]) -> str:
    return _encode(json.dumps(content, separators=(",", ":")).encode())


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _number(value: int) -> str:
    return _encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))
