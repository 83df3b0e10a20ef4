"""Saleor's webhook signature: a detached JWS over the raw body (RFC 7515 appendix F, RFC 7797).

Saleor signs with RS256, `b64: false` and `crit: ["b64"]` (saleor `core/jwt_manager.py`, `webhook/transport/__init__.py`). Nothing
else is accepted: another algorithm, an encoded payload, an unknown critical header or an unknown key is refused before any
arithmetic. The header that precedes the signature is the same for every body of a key, so what it says is kept per text.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from app.errors import Unauthorized

MIN_KEY_BITS = 2048
MAX_HEADER = 1024
_PADDING = PKCS1v15()
_HASH = SHA256()


class BadSignature(Unauthorized):
    """Unsigned, or signed by nobody we know, or another body than was signed."""

    default_code = "bad_signature"


class UnknownKey(BadSignature):
    """The signature names a key that is not in the set; fetching the shop's keys again may help. `kid` is its id."""

    default_code = "unknown_key"

    def __init__(self, kid: str) -> None:
        super().__init__("The signature names a key that this shop does not publish.")
        self.kid = kid


class KeySet:
    """A shop's public keys, prepared once. Keys that are not RSA signing keys of at least 2048 bits are left out."""

    def __init__(self, jwks: Mapping[str, Any]) -> None:
        self._keys: dict[str, RSAPublicKey] = {}
        for key in jwks.get("keys", ()):
            if (
                key.get("kty") == "RSA"
                and key.get("use", "sig") == "sig"
                and key.get("alg", "RS256") == "RS256"
                and key.get("kid")
            ):
                public = RSAPublicNumbers(_number(key["e"]), _number(key["n"])).public_key()
                if public.key_size >= MIN_KEY_BITS:
                    self._keys[key["kid"]] = public

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, kid: str) -> RSAPublicKey:
        """The key. Raises UnknownKey."""
        try:
            return self._keys[kid]
        except KeyError:
            raise UnknownKey(kid) from None


def verify(signature: str, body: bytes, keys: KeySet) -> None:
    """Check the `Saleor-Signature` header value against the body exactly as it arrived.

    Raises BadSignature, or UnknownKey when only a newer key set could tell.
    """
    header, separator, signed = signature.partition("..")
    if not separator or len(header) > MAX_HEADER:
        raise BadSignature("The webhook carries no detached signature.")
    verify_signed(_key_id(header), header.encode() + b"." + body, signed, keys)


def verify_signed(kid: str, message: bytes, signature: str, keys: KeySet) -> None:
    """Check an RS256 signature (base64url) over a message by the key of this id. Raises BadSignature or UnknownKey."""
    public = keys[kid]
    try:
        public.verify(decode(signature), message, _PADDING, _HASH)
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise BadSignature("The signature does not belong to this body.") from error


@lru_cache(maxsize=256)
def _key_id(header: str) -> str:
    """The key id that an acceptable protected header names."""
    try:
        fields = json.loads(decode(header))
        if fields["alg"] == "RS256" and fields["b64"] is False and fields["crit"] == ["b64"] and isinstance(fields["kid"], str):
            return str(fields["kid"])
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise BadSignature("The signature's header cannot be read.") from error
    raise BadSignature("The signature is not a detached RS256 one.")


def decode(text: str) -> bytes:
    """Base64url without its padding, as JOSE writes it. Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _number(text: str) -> int:
    return int.from_bytes(decode(text), "big")
