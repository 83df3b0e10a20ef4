"""The written record of a reseller as a bundle that others can check: the same record gives the same bytes (`rules.md` 11.1)."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import zipfile
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import InvalidInput
from app.mail.record import chain_end, chain_rows, exact_bytes
from app.mail.tables import Correspondence
from app.orders.services import Services
from app.resellers.tables import Reseller
from app.saleor.shops import Shop

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The one time of every file of a bundle: the first that a ZIP knows."""
HOW = (
    "Each mail's bytes are in mails/, named by its number, and all of them in mails.mbox. content_sha256 is the SHA-256 of the "
    "bytes. hash is the SHA-256 of a JSON object of the fields under sealed, names sorted, without blanks, in ASCII; its field "
    "previous is the hash of the mail before, 64 zeros for the first. head is the hash of the last."
)
SEALED = (
    "chain", "position", "direction", "kind", "message_id", "at", "sender", "recipients", "subject", "note", "size",
    "content_sha256", "previous",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was written."""

    mails: int
    head: str
    sha256: str


async def write_bundle(session: AsyncSession, services: Services, shop: Shop, reseller: Reseller, out: Path) -> Bundle:
    """Write a reseller's bundle to a file that is not there yet.

    Raises InvalidInput where it cannot be written, Unavailable where bytes are gone or changed; no file is left then.
    """
    length, head = await chain_end(session, reseller.id)
    entries: list[dict[str, Any]] = []
    try:
        with out.open("xb") as file:
            try:
                with zipfile.ZipFile(file, "w") as bundle:
                    async for row in chain_rows(session, reseller.id, length):
                        content = await exact_bytes(session, services.files, row)
                        name = f"mails/{row.position:06}.eml"
                        await asyncio.to_thread(_add, bundle, name, content)
                        entries.append(_entry(row, name))
                    with bundle.open(_info("mails.mbox"), "w") as box:
                        async for row in chain_rows(session, reseller.id, length):
                            content = await exact_bytes(session, services.files, row)
                            await asyncio.to_thread(box.write, in_mbox(row, content))
                    manifest = {
                        "format": "reseller-correspondence/1",
                        "how_to_check": HOW,
                        "shop": shop.api_url,
                        "reseller": {"id": reseller.id, "company": reseller.company, "email": reseller.email},
                        "mails": length,
                        "head": head,
                        "entries": entries,
                    }
                    written = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=True).encode() + b"\n"
                    _add(bundle, "manifest.json", written)
            except BaseException:
                await asyncio.to_thread(out.unlink)
                raise
    except OSError as error:
        raise InvalidInput(f"--out: {out} cannot be written: {error.strerror}.", code="file") from error
    return Bundle(len(entries), head, await asyncio.to_thread(_digest, out))


def in_mbox(row: Correspondence, content: bytes) -> bytes:
    """A mail as mbox programs read it (mboxrd): lines that look like a separator get one more `>`."""
    quoted = re.sub(rb"(?m)^(>*From )", rb">\1", content.replace(b"\r\n", b"\n"))
    sender = re.sub(r"[^\x21-\x7e]", "", row.sender) or "MAILER-DAEMON"
    return f"From {sender} {row.at.astimezone(UTC):%a %b %d %H:%M:%S %Y}\n".encode() + quoted.rstrip(b"\n") + b"\n\n"


def _entry(row: Correspondence, name: str) -> dict[str, Any]:
    sealed = {field: getattr(row, field) for field in SEALED}
    sealed["at"] = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    return {"file": name, "date": format_datetime(row.at.astimezone(UTC)), "hash": row.hash, "sealed": sealed}


def _add(bundle: zipfile.ZipFile, name: str, content: bytes) -> None:
    bundle.writestr(_info(name), content)


def _info(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    entry.create_system = 3
    return entry


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
