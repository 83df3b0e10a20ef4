"""Looking at a page on somebody else's website, without being led anywhere that is not the public Internet.

Each hop's host is looked up once, every address it has must be public, its port one of the web's own, and the connection goes to
the address that was looked at: a name that changes its address in between leads nowhere else. The page is read up to a limit and
never kept.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from urllib.parse import urljoin, urlsplit

import httpx

from app.reasons import Reason, because, register
from app.saleor.registration import PORTS, Resolve, first_private, resolve_host

register(
    {
        "page_not_web": "{url} is not an http or https address.",
        "page_no_host": "The host of {url} could not be looked up.",
        "page_private": "{url} leads to a private address.",
        "page_port": "{url} names port {port}; only 80 and 443 are looked at.",
        "page_unreachable": "{url} did not answer: {what}.",
        "page_too_slow": "{url} did not answer within {seconds} s.",
        "page_redirects": "{url} redirects more than {most} times.",
        "page_status": "{url} answers with status {status}.",
        "page_words": "{url} does not name {words}.",
    }
)

MAX_REDIRECTS = 3
MAX_BYTES = 1024 * 1024
SECONDS = 15.0
AGENT = "reseller-program-listing-check"
REDIRECTS = (301, 302, 303, 307, 308)


async def look_at(
    http: httpx.AsyncClient,
    url: str,
    words: Sequence[str] = (),
    *,
    allow_private: bool = False,
    resolve: Resolve = resolve_host,
    seconds: float = SECONDS,
) -> Reason | None:
    """Why the page is not there, or names none of the words; None when it is well.

    `allow_private` lets the check go to any address and port, as in a private network and in tests.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _follow(http, url, words, allow_private, resolve)
    except TimeoutError:
        return because("page_too_slow", url=url, seconds=f"{seconds:g}")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        # ValueError: a redirect to what no parser takes for an address. Others write these pages; none of it may end the round.
        return because("page_unreachable", url=url, what=type(error).__name__)


async def _follow(
    http: httpx.AsyncClient, url: str, words: Sequence[str], allow_private: bool, resolve: Resolve
) -> Reason | None:
    at = url
    for _ in range(MAX_REDIRECTS + 1):
        found = await _address(at, allow_private, resolve)
        if isinstance(found, Reason):
            return found
        request = _request(http, at, found)
        answer = await http.send(request, stream=True, follow_redirects=False)
        try:
            if answer.status_code in REDIRECTS and "location" in answer.headers:
                at = urljoin(at, answer.headers["location"])
                continue
            if answer.status_code != 200:
                return because("page_status", url=at, status=answer.status_code)
            return await _named(answer, at, words)
        finally:
            await answer.aclose()
    return because("page_redirects", url=url, most=MAX_REDIRECTS)


async def _address(url: str, allow_private: bool, resolve: Resolve) -> str | Reason:
    """The address to connect to, or why there is none to connect to."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return because("page_not_web", url=url[:200])
    if parts.scheme not in PORTS or not host:
        return because("page_not_web", url=url[:200])
    port = PORTS[parts.scheme] if port is None else port
    if not allow_private and port not in PORTS.values():
        return because("page_port", url=url, port=port)
    try:
        addresses = await resolve(host, port)
    except (OSError, UnicodeError):
        return because("page_no_host", url=url)
    if not addresses:
        return because("page_no_host", url=url)
    if not allow_private and first_private(addresses) is not None:
        return because("page_private", url=url)
    return addresses[0]


def _request(http: httpx.AsyncClient, url: str, address: str) -> httpx.Request:
    """The request to the address that was looked at; the certificate is checked for the host all the same."""
    target = httpx.URL(url)
    pinned = target.copy_with(host=str(ipaddress.ip_address(address.partition("%")[0])), userinfo=b"")
    headers = {
        "Host": target.netloc.decode(),
        "User-Agent": AGENT,
        "Accept": "text/html",
        "Accept-Encoding": "identity",
        # A connection is kept by its address; another host behind the same one must show its own certificate.
        "Connection": "close",
    }
    request = http.build_request("GET", pinned, headers=headers)
    # Nobody else's cookie or token goes along.
    for name in ("cookie", "authorization"):
        request.headers.pop(name, None)
    request.extensions["sni_hostname"] = target.raw_host.decode()
    return request


async def _named(answer: httpx.Response, url: str, words: Sequence[str]) -> Reason | None:
    """Whether the page, as far as it is read, holds one of the words."""
    if not words:
        return None
    read = bytearray()  # as it comes: a small answer cannot unpack into a large one
    async for part in answer.aiter_raw():
        read += part
        if len(read) >= MAX_BYTES:
            break
    try:
        text = read[:MAX_BYTES].decode(answer.charset_encoding or "utf-8", "replace").casefold()
    except LookupError:  # an encoding that nobody knows
        text = read[:MAX_BYTES].decode("utf-8", "replace").casefold()
    if any(word.casefold() in text for word in words):
        return None
    return because("page_words", url=url, words=" or ".join(words))
