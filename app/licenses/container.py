"""Signed license files in Keygen's license-file container, so that existing verifiers in many languages read them.

The container is base64 of `{"enc", "sig", "alg": "base64+ed25519"}` between two marker lines; the signature is Ed25519 over
`license/` + enc. Verification answers a code, never a mere yes or no.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

BEGIN, END = "-----BEGIN LICENSE FILE-----", "-----END LICENSE FILE-----"
ALGORITHM = "base64+ed25519"
MAX_CHARACTERS = 64 * 1024
LINE = 64


class Code(StrEnum):
    """What a license file is found to be."""

    VALID = "VALID"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    MALFORMED = "MALFORMED"


SENTENCES = {
    Code.VALID: "The license is genuine and in force.",
    Code.EXPIRED: "The license is genuine, but its time is over.",
    Code.NOT_YET_VALID: "The license is genuine, but was issued for a later time; check this computer's clock.",
    Code.BAD_SIGNATURE: "The license was changed after it was issued, or was not issued by this vendor.",
    Code.UNKNOWN_KEY: "The license names a signing key that is not known here.",
    Code.MALFORMED: "This is not a license file.",
}


@dataclass(frozen=True, slots=True)
class Verification:
    """The finding; `license` is the signed resource, present only when its signature is good."""

    code: Code
    license: dict[str, Any] | None = None

    @property
    def sentence(self) -> str:
        """The finding for a person."""
        return SENTENCES[self.code]


def sign(license: Mapping[str, Any], kid: str, key: Ed25519PrivateKey) -> str:
    """The license file for a resource of `licenses.rules.payload`. The same input gives the same text, byte for byte."""
    attributes = license["attributes"]
    data = {"data": license, "meta": {"issued": attributes["issued"], "expiry": attributes["expiry"], "kid": kid}}
    encoded = base64.b64encode(json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).decode()
    signature = base64.b64encode(key.sign(f"license/{encoded}".encode())).decode()
    body = base64.b64encode(json.dumps({"enc": encoded, "sig": signature, "alg": ALGORITHM}).encode()).decode()
    lines = [body[start : start + LINE] for start in range(0, len(body), LINE)]
    return "\n".join([BEGIN, *lines, END, ""])


def verify(text: str, keys: Mapping[str, Ed25519PublicKey], at: datetime) -> Verification:
    """Check a pasted license file against the vendor's public keys by their id, at a moment."""
    try:
        enclosed, signature, data = _open(text)
        meta = data["meta"]
        kid, issued, expiry = str(meta["kid"]), _moment(meta["issued"]), _moment(meta["expiry"]) if meta["expiry"] else None
        license = dict(data["data"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error):
        return Verification(Code.MALFORMED)
    if kid not in keys:
        return Verification(Code.UNKNOWN_KEY)
    try:
        keys[kid].verify(signature, f"license/{enclosed}".encode())
    except InvalidSignature:
        return Verification(Code.BAD_SIGNATURE)
    if at < issued:
        return Verification(Code.NOT_YET_VALID, license)
    if expiry is not None and expiry < at:
        return Verification(Code.EXPIRED, license)
    return Verification(Code.VALID, license)


def _open(text: str) -> tuple[str, bytes, dict[str, Any]]:
    stripped = text.strip()
    if len(text) > MAX_CHARACTERS or not stripped.startswith(BEGIN) or not stripped.endswith(END):
        raise ValueError("no license file")
    outer = json.loads(_decode("".join(stripped[len(BEGIN) : -len(END)].split())))
    if outer["alg"] != ALGORITHM:
        raise ValueError("another algorithm")
    enclosed = str(outer["enc"])
    return enclosed, _decode(outer["sig"]), json.loads(_decode(enclosed))


def _decode(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
