"""Looking at somebody else's page: every hop and address is judged before anything is sent there."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.orders.pages import MAX_BYTES, look_at
from app.reasons import Reason

URL = "https://beta.example/products"
PUBLIC, OTHER = "93.184.216.34", "2606:2800:220:1::1"
NAMES: dict[str, list[str]] = {
    "beta.example": [PUBLIC],
    "www.beta.example": [OTHER],
    "inside.example": ["10.0.0.7"],
    "mixed.example": [PUBLIC, "127.0.0.1"],
    "mapped.example": ["::ffff:169.254.169.254"],
    "nowhere.example": [],
}


async def resolve(host: str, port: int) -> list[str]:
    if host in NAMES:
        return NAMES[host]
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        raise OSError("unknown") from None


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(cookies={"shop": "secret"}, headers={"Authorization": "Bearer secret"}) as client:
        yield client


async def look(http: httpx.AsyncClient, url: str = URL, *words: str, **more: Any) -> str | None:
    found: Reason | None = await look_at(http, url, words, resolve=resolve, **more)
    return found.code if found else None


@respx.mock
async def test_a_page_is_asked_for_at_the_address_that_was_looked_at(http: httpx.AsyncClient) -> None:
    route = respx.get(f"https://{PUBLIC}/products").respond(text="We sell the GRID component")
    assert await look(http) is None
    assert await look(http, URL, "Example Components", "grid") is None
    assert await look(http, URL, "Example Components") == "page_words"
    request = route.calls[0].request
    assert request.headers["host"] == "beta.example"
    assert request.extensions["sni_hostname"] == "beta.example"
    assert "cookie" not in request.headers
    assert "authorization" not in request.headers


@respx.mock
async def test_three_redirects_are_followed_and_a_fourth_is_not(http: httpx.AsyncClient) -> None:
    respx.get(f"https://{PUBLIC}/products").respond(301, headers={"location": "https://www.beta.example/1"})
    respx.get(f"https://[{OTHER}]/1").respond(302, headers={"location": "/2"})
    respx.get(f"https://[{OTHER}]/2").respond(307, headers={"location": "http://beta.example/3"})
    end = respx.get(f"http://{PUBLIC}/3").respond(200)
    assert await look(http) is None
    end.respond(308, headers={"location": URL})
    assert await look(http) == "page_redirects"


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/", "http://[::1]/", "http://inside.example/", "http://mixed.example/", "http://mapped.example/",
        "http://169.254.169.254/latest/meta-data", "http://0.0.0.0/",
    ],
)  # fmt: skip
@respx.mock
async def test_no_hop_leads_to_a_private_address(http: httpx.AsyncClient, target: str) -> None:
    inside = respx.get(url__regex=r"https?://(127|10|169|0|\[::)").respond(200)
    respx.get(f"https://{PUBLIC}/products").respond(302, headers={"location": target})
    assert await look(http, target) == "page_private"
    assert await look(http) == "page_private"
    assert not inside.called


@respx.mock
async def test_private_addresses_are_asked_where_the_operator_allows_it(http: httpx.AsyncClient) -> None:
    respx.get("http://10.0.0.7/").respond(200)
    assert await look(http, "http://inside.example/", allow_private=True) is None


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("ftp://beta.example/", "page_not_web"),
        ("file:///etc/passwd", "page_not_web"),
        ("http://beta.example:99999999/", "page_not_web"),
        ("http://", "page_not_web"),
        ("http://[::1", "page_unreachable"),
        ("http://nowhere.example/", "page_no_host"),
        ("http://unknown.example/", "page_no_host"),
    ],
)
@respx.mock
async def test_a_redirect_to_what_is_no_page(http: httpx.AsyncClient, location: str, code: str) -> None:
    respx.get(f"https://{PUBLIC}/products").respond(302, headers={"location": location})
    assert await look(http) == code


@respx.mock
async def test_case_8_what_does_not_answer_well_is_named(http: httpx.AsyncClient) -> None:
    page = respx.get(f"https://{PUBLIC}/products")
    for status in (403, 404, 500, 304):
        page.respond(status)
        assert await look(http) == "page_status"
    page.mock(side_effect=httpx.ConnectError("no"))
    assert await look(http) == "page_unreachable"

    async def slow(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    page.mock(side_effect=slow)
    assert await look(http, seconds=0.05) == "page_too_slow"


@respx.mock
async def test_an_encoding_that_nobody_knows_does_not_hide_the_words(http: httpx.AsyncClient) -> None:
    headers = {"content-type": "text/html; charset=x-nonsense"}
    respx.get(f"https://{PUBLIC}/products").respond(200, headers=headers, content="Grid, Zürich".encode())
    assert await look(http, URL, "zürich") is None


@respx.mock
async def test_a_page_is_read_up_to_the_limit(http: httpx.AsyncClient) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 65536
            yield b"x" * 65536

    respx.get(f"https://{PUBLIC}/products").mock(return_value=httpx.Response(200, stream=Endless(endless())))
    assert await look(http, URL, "grid") == "page_words"
    assert read <= MAX_BYTES


class Endless(httpx.AsyncByteStream):
    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self._parts = parts

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._parts


def certificate(name: str, directory: Path) -> Path:
    """A certificate for a host, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = directory / f"{name}.pem"
    file.write_bytes(key.private_bytes(*form) + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.mark.parametrize(("name", "code"), [("beta.example", None), ("other.example", "page_unreachable")])
async def test_the_certificate_must_be_the_hosts_although_its_address_is_asked(
    tmp_path: Path, name: str, code: str | None
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nGrid")
        await writer.drain()
        writer.close()

    shown, trusted = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    file = certificate(name, tmp_path)
    shown.load_cert_chain(file)
    trusted.load_verify_locations(file)

    async def local(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=shown)
    async with server, httpx.AsyncClient(verify=trusted) as http:
        url = f"https://beta.example:{server.sockets[0].getsockname()[1]}/"
        found = await look_at(http, url, ["grid"], allow_private=True, resolve=local)
    assert (found.code if found else None) == code


@respx.mock
@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://beta.example:8080/", "page_port"),
        ("https://beta.example:22/", "page_port"),
        ("https://beta.example:0/", "page_port"),
        ("https://beta.example:443/", None),
        ("http://beta.example:443/", None),
    ],
)
async def test_only_the_ports_of_the_web_are_asked(http: httpx.AsyncClient, url: str, code: str | None) -> None:
    asked = respx.route(host=PUBLIC).respond(text="GRID")
    assert await look(http, url) == code
    assert asked.called == (code is None)


@respx.mock
async def test_no_redirect_leads_to_another_port_but_in_a_private_network(http: httpx.AsyncClient) -> None:
    respx.get(f"https://{PUBLIC}/products").respond(302, headers={"Location": "http://beta.example:6379/"})
    inside = respx.get(f"http://{PUBLIC}:6379/").respond(text="GRID")
    assert await look(http) == "page_port"
    assert not inside.called
    assert await look(http, allow_private=True) is None
