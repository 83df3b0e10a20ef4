import asyncio
import base64
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy import func, select

from app.db.secrets import SecretBox
from app.db.session import Database
from app.errors import Conflict
from app.licenses import container
from app.licenses.rules import Licensee, LicenseKind, LicensePolicy, LicenseState
from app.licenses.service import (
    active_key,
    export_keys,
    issue,
    license_file_name,
    of_order,
    public_keys,
    rotate_key,
    set_state,
    verify,
)
from app.licenses.tables import License, LicenseKey
from tests.conftest import NOW, install

BOX = SecretBox(["a passphrase of the tests"])
POLICY = LicensePolicy("grid", "ultimate", 5, None, 12)
EVA = Licensee("Acme", "Eva Ende", "eva@acme.example")


async def give(database: Database, tenant: str, kind: LicenseKind = LicenseKind.PERMANENT, **changes: Any) -> License:
    values: dict[str, Any] = {
        "order_id": "o1",
        "order_number": "1042",
        "order_line_id": "l1",
        "kind": kind,
        "quantity": 2,
        "policy": POLICY,
        "licensee": EVA,
        "sku": "GRID-DEV",
        "end_customer_id": None,
        "at": NOW,
        "temporary_days": 30,
    }
    async with database.tenant(tenant) as session:
        return await issue(session, BOX, **{**values, **changes})


async def test_a_repetition_gets_the_stored_license_unchanged(database: Database, tenant: str) -> None:
    first = await give(database, tenant)
    again = await give(database, tenant, at=NOW + timedelta(days=9), quantity=7)
    assert (again.id, again.file, again.issued_at) == (first.id, first.file, NOW)
    assert first.payload["attributes"]["seats"] == 10


async def test_case_82_fifty_at_once_give_one_license(database: Database, tenant: str) -> None:
    licenses = await asyncio.gather(*(give(database, tenant) for _ in range(50)))
    assert len({license.file for license in licenses}) == 1
    async with database.tenant(tenant) as session:
        assert await session.scalar(select(func.count()).select_from(License)) == 1
        assert await session.scalar(select(func.count()).select_from(LicenseKey)) == 1


async def test_the_permanent_license_supersedes_the_temporary_one(database: Database, tenant: str) -> None:
    temporary = await give(database, tenant, LicenseKind.TEMPORARY)
    await give(database, tenant, LicenseKind.TEMPORARY, order_line_id="l2")
    permanent = await give(database, tenant)
    async with database.tenant(tenant) as session:
        states = {row.id: row.state for row in await of_order(session, "o1")}
        assert (states.pop(temporary.id), set(states.values())) == (LicenseState.SUPERSEDED, {LicenseState.ACTIVE})
        assert (await verify(session, temporary.file, NOW)).code == "SUPERSEDED"
        assert (await verify(session, permanent.file, NOW)).code == "VALID"
        assert await set_state(session, temporary.id, LicenseState.ACTIVE, reason="no", at=NOW) == []
        with pytest.raises(ValueError, match="superseded by"):
            await set_state(session, temporary.id, LicenseState.SUPERSEDED, reason="no", at=NOW)


async def test_case_85_no_temporary_license_after_the_permanent_one(database: Database, tenant: str) -> None:
    await give(database, tenant)
    with pytest.raises(Conflict, match="GRID-DEV of order 1042 was issued already"):
        await give(database, tenant, LicenseKind.TEMPORARY)


async def test_a_revoked_temporary_license_stays_revoked(database: Database, tenant: str) -> None:
    temporary = await give(database, tenant, LicenseKind.TEMPORARY)
    async with database.tenant(tenant) as session:
        await set_state(session, "o1", LicenseState.REVOKED, reason="misuse", at=NOW)
    await give(database, tenant)
    async with database.tenant(tenant) as session:
        assert (await verify(session, temporary.file, NOW)).code == "REVOKED"


async def test_suspend_revoke_and_reinstate(database: Database, tenant: str) -> None:
    license = await give(database, tenant)
    other = await give(database, tenant, order_line_id="l2")
    async with database.tenant(tenant) as session:
        changed = await set_state(session, license.id, LicenseState.SUSPENDED, reason="wire reversed", at=NOW)
        assert [(row.id, row.state_reason, row.state_at) for row in changed] == [(license.id, "wire reversed", NOW)]
        found = await verify(session, license.file, NOW)
        assert (found.code, found.license) == ("SUSPENDED", license.payload)
        assert "suspended" in found.sentence
        assert (await verify(session, other.file, NOW)).code == "VALID"
        assert len(await set_state(session, "o1", LicenseState.REVOKED, reason="fraud", at=NOW)) == 2
        assert (await verify(session, other.file, NOW)).code == "REVOKED"
        assert len(await set_state(session, "o1", LicenseState.ACTIVE, reason="mistake", at=NOW)) == 2
        assert await set_state(session, "o1", LicenseState.ACTIVE, reason="mistake", at=NOW) == []
        assert (await verify(session, other.file, NOW)).code == "VALID"
        assert await set_state(session, "o9", LicenseState.REVOKED, reason="none", at=NOW) == []


async def test_verify_says_what_the_container_says(database: Database, tenant: str) -> None:
    temporary = await give(database, tenant, LicenseKind.TEMPORARY)
    assert temporary.expires_at is not None
    elsewhere = await install(database, "http://other.example/graphql/")
    async with database.tenant(tenant) as session:
        assert (await verify(session, temporary.file, temporary.expires_at + timedelta(seconds=1))).code == "EXPIRED"
        assert (await verify(session, "no license", NOW)).code == "MALFORMED"
    async with database.tenant(elsewhere) as session:
        found = await verify(session, temporary.file, NOW)
        assert (found.code, found.sentence, found.license) == (
            "UNKNOWN_KEY",
            container.SENTENCES[container.Code.UNKNOWN_KEY],
            None,
        )


async def test_a_rotated_key_goes_on_verifying(database: Database, tenant: str) -> None:
    old = await give(database, tenant)
    async with database.tenant(tenant) as session:
        rotated = await rotate_key(session, BOX, at=NOW)
        assert rotated.kid.startswith("2026-03-")
        assert len(rotated.kid) == 16
        assert (await active_key(session, BOX, NOW)).id == rotated.id
    new = await give(database, tenant, order_line_id="l2")
    assert (new.kid, new.kid != old.kid) == (rotated.kid, True)
    async with database.tenant(tenant) as session:
        assert (await verify(session, old.file, NOW)).code == (await verify(session, new.file, NOW)).code == "VALID"
        exported = await export_keys(session)
        keys = await public_keys(session)
        assert {(key["kid"], key["active"], key["algorithm"]) for key in exported} == {
            (old.kid, False, "ed25519"),
            (new.kid, True, "ed25519"),
        }
        for key in exported:
            raw = base64.b64decode(key["public_key"])
            assert raw == keys[key["kid"]].public_bytes_raw()
            assert load_pem_public_key(key["pem"].encode()) == keys[key["kid"]]


async def test_rotations_at_once_leave_one_active_key(database: Database, tenant: str) -> None:
    async def rotate() -> None:
        async with database.tenant(tenant) as session:
            await rotate_key(session, BOX, at=NOW)

    await asyncio.gather(*(rotate() for _ in range(8)), *(give(database, tenant, order_line_id=f"l{n}") for n in range(8)))
    async with database.tenant(tenant) as session:
        active = await session.scalar(select(func.count()).select_from(LicenseKey).where(LicenseKey.retired_at.is_(None)))
        assert active == 1
        assert {(await verify(session, row.file, NOW)).code for row in await of_order(session, "o1")} == {"VALID"}


async def test_the_private_key_is_sealed(database: Database, tenant: str) -> None:
    async with database.tenant(tenant) as session:
        key = await active_key(session, BOX, NOW)
        assert key.private_key.startswith(BOX.key_id + ".")


def test_file_names_hold_order_and_sku_alone() -> None:
    license = License(order_number="1042", sku="GRID-DEV", kind="permanent")
    assert license_file_name(license) == "license-1042-GRID-DEV.lic"
    odd = License(order_number="1042", sku="../ü\r\nX: y", kind="temporary")
    assert license_file_name(odd) == "license-1042-..-X-y-temporary.lic"


def test_a_policy_survives_storage() -> None:
    assert LicensePolicy.from_dict(POLICY.as_dict()) == POLICY


async def test_rule_9_a_license_file_and_its_name_hold_no_amount(database: Database, tenant: str) -> None:
    amount = re.compile(r"\d[.,]\d{2}\b|[€$£¥]|\b(?:EUR|USD|GBP|CHF|JPY)\b|price|amount|currency|total", re.IGNORECASE)
    for kind in (LicenseKind.TEMPORARY, LicenseKind.PERMANENT):
        license = await give(database, tenant, kind)
        outer = json.loads(base64.b64decode("".join(license.file.strip().splitlines()[1:-1])))
        inner = base64.b64decode(outer["enc"]).decode()
        assert "GRID-DEV" in inner
        for text in (inner, license_file_name(license)):
            assert amount.search(text) is None, text
