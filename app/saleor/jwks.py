"""A shop's published keys, kept in memory: refreshed when an unknown key appears, at most once a minute, and never thrown away
because the shop is down. The habit is warehouse's (`architecture.md`, Style).

A key that the shop no longer publishes counts for one more hour. Saleor has one key, but while a new one is rolled out its
processes sign with the old and the new one side by side and publish either; a webhook refused then would be lost, since Saleor
never repeats a 401 (saleor-facts 2). An hour later, or after a restart of ours, the old key is worth nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog

from app import metrics
from app.clock import Clock
from app.errors import SaleorError
from app.saleor.signature import KeySet, UnknownKey, verify

log = structlog.get_logger()

COOLDOWN = timedelta(minutes=1)
GRACE = timedelta(hours=1)
MAX_BYTES = 64 * 1024
MAX_FORMER = 4


def jwks_url(api_url: str) -> str:
    """Where a shop publishes its keys: at the root of the API's origin (saleor `urls.py`)."""
    parts = urlsplit(api_url)
    return f"{parts.scheme}://{parts.netloc}/.well-known/jwks.json"


async def fetch_jwks(http: httpx.AsyncClient, api_url: str) -> dict[str, Any]:
    """The key set as the shop publishes it. Raises SaleorError that names the URL tried and what came back."""
    url = jwks_url(api_url)
    try:
        answer = await http.get(url, follow_redirects=False)
        answer.raise_for_status()
        jwks = answer.json() if len(answer.content) <= MAX_BYTES else None
    except (httpx.HTTPError, ValueError) as error:
        raise SaleorError(f"The keys at {url} could not be read: {error}", code="jwks") from error
    if not isinstance(jwks, dict) or not len(KeySet(jwks)):
        raise SaleorError(f"{url} holds no usable RS256 key.", code="jwks")
    return jwks


class ShopKeys:
    """One shop's keys with their cooldown.

    `jwks` is the newest set known. `unsaved` is True from the fetch of another set until its owner stored it and said so.
    """

    def __init__(self, api_url: str, jwks: Mapping[str, Any], http: httpx.AsyncClient, clock: Clock) -> None:
        self.api_url = api_url
        self.jwks = dict(jwks)
        self.unsaved = False
        self._keys = KeySet(jwks)
        self._former: tuple[tuple[datetime, KeySet], ...] = ()
        self._http = http
        self._clock = clock
        self._tried_at: datetime | None = None
        self._lock = asyncio.Lock()

    async def verify(self, signature: str, body: bytes) -> None:
        """Check a webhook's signature; an unknown key is looked up at the shop first. Raises BadSignature."""
        await self.check(lambda keys: verify(signature, body, keys))

    async def check(self, against: Callable[[KeySet], None]) -> None:
        """Call `against` with the shop's keys; after an UnknownKey, with newer ones. What it raises then passes."""
        try:
            self._check(against)
        except UnknownKey:
            if not await self._refresh():
                raise
            self._check(against)

    def accept(self, jwks: Mapping[str, Any]) -> None:
        """Use another set from now on; keys that are not in it count until GRACE is over."""
        until = self._clock() + GRACE
        self._former = ((until, self._keys), *self._former)[:MAX_FORMER]
        self.jwks = dict(jwks)
        self._keys = KeySet(jwks)

    def _check(self, against: Callable[[KeySet], None]) -> None:
        try:
            against(self._keys)
        except UnknownKey:
            for until, keys in self._former:
                if self._clock() < until:
                    with suppress(UnknownKey):
                        return against(keys)
            raise

    async def _refresh(self) -> bool:
        """Fetch the keys unless that was tried within the cooldown; False when nothing new is known."""
        before = self._keys
        async with self._lock:
            if self._keys is not before:
                return True
            now = self._clock()
            if self._tried_at is not None and now - self._tried_at < COOLDOWN:
                return False
            self._tried_at = now
            try:
                fetched = await fetch_jwks(self._http, self.api_url)
            except SaleorError as error:
                metrics.JWKS_REFRESHES.labels("unreachable").inc()
                log.warning("jwks.unreachable", shop=self.api_url, error=error.sentence)
                return False
            metrics.JWKS_REFRESHES.labels("unchanged" if fetched == self.jwks else "changed").inc()
            if fetched == self.jwks:
                return False
            self.accept(fetched)
            self.unsaved = True
            return True
