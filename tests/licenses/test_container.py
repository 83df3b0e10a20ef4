import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.licenses.container import BEGIN, END, Code, sign, verify

ISSUED = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS = {"k1": KEY.public_key()}


def license(expiry: str | None = None) -> dict[str, Any]:
    attributes = {"issued": "2026-03-02T12:00:00Z", "expiry": expiry, "company": "Ünïted Köln", "seats": 5}
    return {"id": "L1", "type": "licenses", "attributes": attributes}


FILE = sign(license(), "k1", KEY)
LIMITED = sign(license("2026-04-01T23:59:59Z"), "k1", KEY)


def test_a_file_comes_back_as_it_was_signed() -> None:
    found = verify(FILE, KEYS, ISSUED)
    assert (found.code, found.license) == (Code.VALID, license())
    assert found.sentence.startswith("The license is genuine")
    assert sign(license(), "k1", KEY) == FILE


def test_the_container_is_keygens() -> None:
    body = "".join(FILE.strip().removeprefix(BEGIN).removesuffix(END).split())
    outer = json.loads(base64.b64decode(body))
    assert set(outer) == {"enc", "sig", "alg"}
    assert outer["alg"] == "base64+ed25519"
    KEY.public_key().verify(base64.b64decode(outer["sig"]), b"license/" + outer["enc"].encode())
    assert max(map(len, FILE.splitlines())) <= 64


@pytest.mark.parametrize(
    ("text", "at", "code"),
    [
        (LIMITED, datetime(2026, 4, 1, 23, 59, 59, tzinfo=UTC), Code.VALID),
        (LIMITED, datetime(2026, 4, 2, tzinfo=UTC), Code.EXPIRED),
        (FILE, ISSUED - timedelta(seconds=1), Code.NOT_YET_VALID),
        (FILE.replace("\n", "\r\n"), ISSUED, Code.VALID),
        ("  " + FILE + "\n\n", ISSUED, Code.VALID),
        (FILE.replace("LICENSE FILE", "MACHINE FILE"), ISSUED, Code.MALFORMED),
        ("", ISSUED, Code.MALFORMED),
        (f"{BEGIN}\n!!!\n{END}", ISSUED, Code.MALFORMED),
        (f"{BEGIN}\n{base64.b64encode(b'[1]').decode()}\n{END}", ISSUED, Code.MALFORMED),
        (f"{BEGIN}\n{base64.b64encode(b'[' * 20000).decode()}\n{END}", ISSUED, Code.MALFORMED),
        (BEGIN + "A" * 70_000 + END, ISSUED, Code.MALFORMED),
        (sign(license(), "k2", KEY), ISSUED, Code.UNKNOWN_KEY),
        (sign(license(), "k1", Ed25519PrivateKey.generate()), ISSUED, Code.BAD_SIGNATURE),
    ],
)
def test_findings(text: str, at: datetime, code: Code) -> None:
    found = verify(text, KEYS, at)
    assert found.code is code
    assert (found.license is not None) == (code in {Code.VALID, Code.EXPIRED, Code.NOT_YET_VALID})


@given(st.sampled_from(["enc", "sig", "alg"]), st.integers(0, 2000), st.characters(codec="ascii", categories=["L", "N"]))
def test_no_changed_file_is_valid(field: str, position: int, letter: str) -> None:
    outer = json.loads(base64.b64decode("".join(FILE.strip().removeprefix(BEGIN).removesuffix(END).split())))
    text = outer[field]
    index = position % len(text.rstrip("="))
    outer[field] = text[:index] + letter + text[index + 1 :]
    changed = f"{BEGIN}\n{base64.b64encode(json.dumps(outer).encode()).decode()}\n{END}"
    # Base64 has spare bits at its end: another letter there is the same signature.
    same = field == "sig" and base64.b64decode(outer["sig"]) == base64.b64decode(text)
    assert (verify(changed, KEYS, ISSUED).code is Code.VALID) == (letter == text[index] or same)


@given(st.text(max_size=300))
def test_any_text_has_a_finding(text: str) -> None:
    assert verify(text, KEYS, ISSUED).code is Code.MALFORMED
    assert verify(f"{BEGIN}{text}{END}", KEYS, ISSUED).code is Code.MALFORMED
