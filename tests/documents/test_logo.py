import base64
import re
import zlib
from dataclasses import replace

import pytest

from app.documents.invoice import render_invoice
from app.documents.logo import MAX_BYTES, checked_logo, decoded
from app.documents.schemas import Look
from app.errors import InvalidInput
from tests.documents.samples import invoice


def png(width: int = 40, height: int = 20) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    rows = (b"\x00" + b"\x20\x60\xa0\xff" * width) * height
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    parts = (chunk(b"IHDR", size + b"\x08\x06\x00\x00\x00"), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20"><rect width="60" height="20" fill="#1f3a5f"/></svg>'


@pytest.mark.parametrize("picture", [png(), SVG], ids=["png", "svg"])
def test_a_picture_is_kept_and_printed(picture: bytes) -> None:
    assert decoded(checked_logo(picture)) == picture
    plain, shown = render_invoice(invoice()), render_invoice(replace(invoice(), look=Look(picture, "#aa0000", "Court of Wake")))
    assert b"<pdfaid:part>3</pdfaid:part>" in shown
    assert plain != shown


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is no PNG, JPEG or SVG picture"),
        (b"GIF89a", "is no PNG, JPEG or SVG picture"),
        (b"%PDF-1.7", "is no PNG, JPEG or SVG picture"),
        (b"\x89PNG\r\n\x1a\nnothing", "cannot be printed"),
        (png()[:60], "cannot be printed"),
        (b"\xff\xd8\xff\xe0broken", "cannot be printed"),
        (b"<svg", "cannot be printed"),
        (b'<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG, "holds entities or scripts"),
        (SVG.replace(b"<rect", b"<script>1</script><rect"), "holds entities or scripts"),
        (SVG + b" " * MAX_BYTES, "give one of at most 250,000"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_sentence(content: bytes, why: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(why)) as refusal:
        checked_logo(content)
    assert refusal.value.sentence.startswith("documents.logo: the logo ")


def test_other_text_in_the_settings_is_told() -> None:
    with pytest.raises(InvalidInput, match="reseller shop logo FILE"):
        decoded("no base64!")
    assert decoded("") == b""
    assert decoded(base64.b64encode(b"x").decode()) == b"x"
