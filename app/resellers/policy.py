"""The Reseller Policy: publishing its versions, and which one is in force on a day (`rules.md` 1.3)."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Conflict, InvalidInput, NotFound
from app.resellers.rules import Policy
from app.resellers.tables import PolicyVersion
from app.settings import ShopSettings

MAX_TEXT = 200_000
"""Characters of one text."""
MAX_VERSION = 40
_IN_FORCE = (  # put together once: every request of a reseller asks it
    select(PolicyVersion.version, PolicyVersion.in_force_from, PolicyVersion.published_at)
    .where(PolicyVersion.in_force_from <= bindparam("day"))
    .order_by(PolicyVersion.in_force_from.desc(), PolicyVersion.published_at.desc())
    .limit(1)
)


async def publish(
    session: AsyncSession, version: str, text_en: str, text_de: str, in_force_from: date, at: datetime
) -> PolicyVersion:
    """Keep one version with its texts in Markdown; the same once more returns what is kept.

    Raises InvalidInput for an empty or overlong version or text, and Conflict when this version was published with another text
    or day: what somebody accepted does not change.
    """
    name = version.strip()
    if not name or len(name) > MAX_VERSION or not name.isprintable():
        raise InvalidInput(f"version: give a short name of at most {MAX_VERSION} characters, like 2026-1.", code="version")
    english, german = _text("English", text_en), _text("German", text_de)
    kept = await session.scalar(select(PolicyVersion).where(PolicyVersion.version == name))
    if kept is None:
        row = PolicyVersion(
            version=name,
            text_en=english,
            text_de=german,
            sha256_en=_hash(english),
            sha256_de=_hash(german),
            published_at=at,
            in_force_from=in_force_from,
        )
        try:
            async with session.begin_nested():
                session.add(row)
        except IntegrityError:
            kept = (await session.scalars(select(PolicyVersion).where(PolicyVersion.version == name))).one()
        else:
            return row
    if (kept.text_en, kept.text_de) != (english, german):
        raise Conflict(f"Version {name} was published with another text; give the new text a new version.", code="policy_text")
    if kept.in_force_from != in_force_from:
        raise Conflict(
            f"Version {name} was published to be in force from {kept.in_force_from}; give another day a new version.",
            code="policy_day",
        )
    return kept


async def in_force(session: AsyncSession, settings: ShopSettings, day: date) -> Policy:
    """The policy of a day: the published one that came into force last, and the settings' own before and without any.

    The grace period never begins before the day of publication: nobody could accept the text earlier.
    """
    found = (await session.execute(_IN_FORCE, {"day": day})).first()
    numbers = settings.program
    if found is None:
        return Policy(numbers.policy_version, numbers.policy_since, numbers.policy_grace_days)
    version, since, published_at = found
    since = max(since, published_at.astimezone(ZoneInfo(settings.time_zone)).date())
    return Policy(version, since, numbers.policy_grace_days)


async def find_version(session: AsyncSession, version: str) -> PolicyVersion:
    """One version with its texts. Raises NotFound."""
    found = await session.scalar(select(PolicyVersion).where(PolicyVersion.version == version.strip()))
    if found is None:
        raise NotFound(f"No text of version {version} was published; `reseller policy list` shows all.", code="no_policy")
    return found


async def versions(session: AsyncSession) -> list[PolicyVersion]:
    """Every published version, the one that comes into force last first."""
    order = (PolicyVersion.in_force_from.desc(), PolicyVersion.published_at.desc())
    return list(await session.scalars(select(PolicyVersion).order_by(*order)))


async def text_hash(session: AsyncSession, version: str, language: str) -> str | None:
    """The SHA-256 of a version's text in a language; None where no text of it was published here."""
    column = PolicyVersion.sha256_de if language == "de" else PolicyVersion.sha256_en
    found: str | None = await session.scalar(select(column).where(PolicyVersion.version == version))
    return found


async def text_in(session: AsyncSession, version: str, language: str) -> tuple[str, str] | None:
    """A version's text in Markdown with its SHA-256, German for `de`, otherwise English; None where none was published here."""
    found = await session.scalar(select(PolicyVersion).where(PolicyVersion.version == version))
    if found is None:
        return None
    return (found.text_de, found.sha256_de) if language == "de" else (found.text_en, found.sha256_en)


def _text(name: str, text: str) -> str:
    """The text with one kind of line end, so that its hash does not depend on where it was written."""
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").strip() + "\n"
    if len(plain) < 2:
        raise InvalidInput(f"The {name} text is empty.", code="policy_text")
    if len(plain) > MAX_TEXT or "\x00" in plain:
        raise InvalidInput(f"The {name} text is not a Markdown text of at most {MAX_TEXT} characters.", code="policy_text")
    return plain


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
