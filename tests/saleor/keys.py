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


def token(name: str, /, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A JWT as Saleor signs it by the key of this name; a claim or header field of None is left out."""
    head, said = (
        encode(json.dumps({key: value for key, value in fields.items() if value is not None}).encode())
        for fields in ({"alg": "RS256", "kid": name, "typ": "JWT"} | (header or {}), claims)
    )
    message = f"{head}.{said}"
    return f"{message}.{encode(private_key(name, 2048).sign(message.encode(), PKCS1v15(), SHA256()))}"


def access_token(name: str, issuer: str, user: str, at: int, /, **changed: Any) -> str:
    """A customer's access token of five minutes (saleor `core/jwt.py`)."""
    said: dict[str, Any] = {
        "iat": at, "owner": "saleor", "iss": issuer, "exp": at + 300, "token": "tk", "email": f"{user}@mail.example",
        "type": "access", "user_id": user, "is_staff": False,
    }  # fmt: skip
    return token(name, **said | changed)
