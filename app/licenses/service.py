"""Signing keys, and licenses issued exactly once. Each use case can be repeated; unique keys decide who was first."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.base import new_id
from app.db.secrets import SecretBox
from app.db.session import TENANT
from app.errors import Conflict, Unavailable
from app.licenses import container
from app.licenses.rules import Licensee, LicenseKind, LicensePolicy, LicenseState, payload
from app.licenses.tables import License, LicenseKey

STATE_SENTENCES = {
    LicenseState.SUSPENDED: "The license is genuine, but suspended by the vendor.",
    LicenseState.REVOKED: "The license is genuine, but was revoked by the vendor.",
    LicenseState.SUPERSEDED: "The license is genuine, but the permanent license took its place.",
}


@dataclass(frozen=True, slots=True)
class Verification:
    """What a license file is found to be: a `container.Code`, or SUSPENDED, REVOKED or SUPERSEDED for a license of this shop.

    `license` is the signed resource, present only when its signature is good.
    """

    code: str
    sentence: str
    license: dict[str, Any] | None = None


async def active_key(session: AsyncSession, box: SecretBox, at: datetime) -> LicenseKey:
    """The key that signs now, made when there is none. Locked until the transaction ends, so that no rotation passes between."""
    for _ in range(3):
        if found := await _active(session):
            return found
        key = _new_key(session, box, at)
        try:
            async with session.begin_nested():
                session.add(key)
        except IntegrityError:
            continue
        return key
    raise Unavailable("The signing key is being changed; try again.", code="license_key")


async def rotate_key(session: AsyncSession, box: SecretBox, *, at: datetime) -> LicenseKey:
    """Retire the active key and put a new one in its place. Licenses under the retired one go on verifying."""
    if retiring := await _active(session):
        retiring.retired_at = at
        await session.flush()
    return await active_key(session, box, at)


async def public_keys(session: AsyncSession) -> dict[str, Ed25519PublicKey]:
    """Every key this shop ever signed with, by its id."""
    rows = await session.scalars(select(LicenseKey))
    return {row.kid: Ed25519PublicKey.from_public_bytes(base64.b64decode(row.public_key)) for row in rows}


async def export_keys(session: AsyncSession) -> list[dict[str, Any]]:
    """The public keys as JSON data, oldest first, for developers who build the verification into their software."""
    rows = await session.scalars(select(LicenseKey).order_by(LicenseKey.created_at, LicenseKey.kid))
    return [
        {
            "kid": row.kid,
            "algorithm": "ed25519",
            "public_key": row.public_key,
            "pem": Ed25519PublicKey.from_public_bytes(base64.b64decode(row.public_key))
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            .decode(),
            "active": row.retired_at is None,
        }
        for row in rows
    ]


async def issue(
    session: AsyncSession,
    box: SecretBox,
    *,
    order_id: str,
    order_number: str,
    order_line_id: str,
    kind: LicenseKind,
    quantity: int,
    policy: LicensePolicy,
    licensee: Licensee,
    sku: str,
    end_customer_id: str | None,
    at: datetime,
    temporary_days: int,
) -> License:
    """The license of an order line, once per kind: a repetition gets the stored one unchanged (`rules.md` 5.8).

    A permanent one supersedes the line's temporary one. Raises Conflict for a temporary one after the permanent one, InvalidInput
    for a quantity that cannot be licensed.
    """
    if stored := await _of_line(session, order_line_id, kind):
        return stored
    key = await active_key(session, box, at)  # its lock lets one license be issued after the other
    if kind is LicenseKind.TEMPORARY and await _of_line(session, order_line_id, LicenseKind.PERMANENT):
        raise Conflict(f"The permanent license for {sku} of order {order_number} was issued already.", code="temporary_released")
    license_id = new_id()
    data = payload(
        policy,
        licensee,
        license_id=license_id,
        kind=kind,
        quantity=quantity,
        order_number=order_number,
        sku=sku,
        issued=at,
        temporary_days=temporary_days,
    )
    expiry = data["attributes"]["expiry"]
    license = License(
        id=license_id,
        order_id=order_id,
        order_number=order_number,
        order_line_id=order_line_id,
        kind=kind,
        ordinal=1,
        sku=sku,
        end_customer_id=end_customer_id,
        kid=key.kid,
        payload=data,
        file=container.sign(data, key.kid, _private_key(key, box)),
        state=LicenseState.ACTIVE,
        state_at=at,
        issued_at=at,
        expires_at=datetime.fromisoformat(expiry) if expiry else None,
    )
    try:
        async with session.begin_nested():
            session.add(license)
    except IntegrityError:
        stored = await _of_line(session, order_line_id, kind)
        if stored is None:
            raise
        return stored
    if kind is LicenseKind.PERMANENT:
        await _supersede(session, order_line_id, at)
    return license


async def set_state(session: AsyncSession, of: str, state: LicenseState, *, reason: str, at: datetime) -> Sequence[License]:
    """Suspend, revoke or reinstate (ACTIVE) a license by its id, or all of an order by the order's id; what was changed.

    Superseded ones stay so. Raises ValueError for SUPERSEDED: only `issue` supersedes.
    """
    if state is LicenseState.SUPERSEDED:
        raise ValueError("a license is superseded by issuing the permanent one")
    query = select(License).where(
        or_(License.id == of, License.order_id == of), License.state.not_in([LicenseState.SUPERSEDED, state])
    )
    rows = (await session.scalars(query.order_by(License.issued_at, License.id).with_for_update())).all()
    for row in rows:
        row.state, row.state_reason, row.state_at = state, reason, at
    await session.flush()
    return rows


async def of_order(session: AsyncSession, order_id: str) -> Sequence[License]:
    """The licenses of an order, the oldest first."""
    query = select(License).where(License.order_id == order_id)
    return (await session.scalars(query.order_by(License.issued_at, License.sku, License.id))).all()


async def verify(session: AsyncSession, text: str, at: datetime) -> Verification:
    """Check a pasted license file against this shop's keys, and whether the license still stands."""
    found = container.verify(text, await public_keys(session), at)
    if found.license is not None:
        state = await session.scalar(select(License.state).where(License.id == str(found.license.get("id"))))
        if state in STATE_SENTENCES:
            return Verification(state.upper(), STATE_SENTENCES[LicenseState(state)], found.license)
    return Verification(found.code.value, found.sentence, found.license)


def license_file_name(license: License) -> str:
    """The name of its file, like `license-1042-GRID-DEV.lic`: the order's number, SKU and kind, never a price."""
    suffix = "-temporary" if license.kind == LicenseKind.TEMPORARY else ""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{license.order_number}-{license.sku}{suffix}")
    return f"license-{name[:120].strip('-.')}.lic"


async def _active(session: AsyncSession) -> LicenseKey | None:
    query = select(LicenseKey).where(LicenseKey.retired_at.is_(None)).with_for_update()
    return await session.scalar(query, execution_options={"populate_existing": True})


def _new_key(session: AsyncSession, box: SecretBox, at: datetime) -> LicenseKey:
    private = Ed25519PrivateKey.generate()
    return LicenseKey(
        kid=f"{at:%Y-%m}-{secrets.token_hex(4)}",
        private_key=box.encrypt(_tenant(session), base64.b64encode(private.private_bytes_raw()).decode()),
        public_key=base64.b64encode(private.public_key().public_bytes_raw()).decode(),
        created_at=at,
    )


def _private_key(key: LicenseKey, box: SecretBox) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(box.decrypt(key.tenant_id, key.private_key)))


def _tenant(session: AsyncSession) -> str:
    return str(session.info[TENANT])


async def _of_line(session: AsyncSession, order_line_id: str, kind: LicenseKind) -> License | None:
    return await session.scalar(
        select(License).where(License.order_line_id == order_line_id, License.kind == kind, License.ordinal == 1)
    )


async def _supersede(session: AsyncSession, order_line_id: str, at: datetime) -> None:
    temporary = await _of_line(session, order_line_id, LicenseKind.TEMPORARY)
    if temporary is not None and temporary.state != LicenseState.REVOKED:
        temporary.state, temporary.state_reason, temporary.state_at = LicenseState.SUPERSEDED, "permanent license issued", at
        await session.flush()
