"""Keys of a shop that exists for the tests alone, and signatures as Saleor makes them."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256


@cache
def private_key(kid: str, bits: int = 2048) -> RSAPrivateKey:
    return generate_private_key(65537, bits)


def jwk(name: str, /, bits: int = 2048, **changed: Any) -> dict[str, Any]:
    numbers = private_key(name, bits).public_key().public_numbers()
    size = (bits + 7) // 8
    return {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": name,
        "n": encode(numbers.n.to_bytes(size, "big")),
        "e": "AQAB",
    } | changed


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(body: bytes, name: str, /, bits: int = 2048, **changed: Any) -> str:
    fields = {"alg": "RS256", "b64": False, "crit": ["b64"], "kid": name, "typ": "JWT"} | changed
    header = encode(json.dumps({name: value for name, value in fields.items() if value is not None}).encode())
    return f"{header}..{encode(private_key(name, bits).sign(header.encode() + b'.' + body, PKCS1v15(), SHA256()))}"
