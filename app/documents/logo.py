"""The vendor's logo: PNG, JPEG or SVG, tried in print before it is taken; kept in the settings as Base64."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import date
from functools import lru_cache
from typing import Any

import typst

from app.documents.typesetting import MAIN, pdf_of
from app.errors import InvalidInput

MAX_BYTES = 250_000
KINDS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
FILE_NAME = "logo.json"
MAIL_HEIGHT, MAIL_WIDTH = 40, 240
"""Points, which are pixels of a mail, that a logo has there at most."""


def checked_logo(content: bytes) -> str:
    """The picture as the settings keep it. Raises InvalidInput for what is none, is too large or cannot be printed."""
    if len(content) > MAX_BYTES:
        raise _wrong(f"has {len(content):,} bytes; give one of at most {MAX_BYTES:,}")
    if not content.startswith(KINDS) and b"<svg" not in content[:4096]:
        raise _wrong("is no PNG, JPEG or SVG picture; export it as one of these")
    if b"<!ENTITY" in content or b"<script" in content:
        raise _wrong("holds entities or scripts; export it as a plain SVG")
    try:
        pdf_of(
            {MAIN: f'#image(bytes(json("{FILE_NAME}")), height: 14mm)'.encode(), FILE_NAME: as_file(content)},
            {},
            date(2000, 1, 1),
        )
    except typst.TypstError as error:
        raise _wrong(f"cannot be printed: {error.message}") from error
    return base64.b64encode(content).decode()


@lru_cache(maxsize=16)
def as_file(content: bytes) -> bytes:
    """The picture as a file for Typst, whose files from memory must be text: a JSON array of its bytes."""
    return json.dumps(list(content), separators=(",", ":")).encode()


@lru_cache(maxsize=64)
def decoded(kept: str) -> bytes:
    """The picture that `checked_logo` made text of; nothing of nothing. Raises InvalidInput for another text."""
    try:
        return base64.b64decode(kept, validate=True)
    except binascii.Error as error:
        raise _wrong("is not in Base64; set it with `reseller shop logo FILE`") from error


@lru_cache(maxsize=16)
def logo_png(kept: str) -> tuple[bytes, int]:
    """The logo of the settings as a PNG for mails, at most 40 pixels high and 240 wide, in twice as many; its width in pixels.

    Nothing and 0 for no logo. Raises InvalidInput for a text that is no logo.
    """
    content = decoded(kept)
    if not content:
        return b"", 0
    source = f"""#set page(width: auto, height: auto, margin: 0pt, fill: none)
#let data = bytes(json("{FILE_NAME}"))
#context {{
  let high = image(data, height: {MAIL_HEIGHT}pt)
  if measure(high).width > {MAIL_WIDTH}pt {{ image(data, width: {MAIL_WIDTH}pt) }} else {{ high }}
}}"""
    # The library takes files from memory, its stubs do not know of them.
    compile_files: Any = typst.compile
    try:
        png: bytes = compile_files({MAIN: source.encode(), FILE_NAME: as_file(content)}, format="png", ppi=144, timestamp=0)
    except typst.TypstError as error:
        raise _wrong(f"cannot be drawn: {error.message}") from error
    return png, max(1, int.from_bytes(png[16:20], "big") // 2)


def _wrong(what: str) -> InvalidInput:
    return InvalidInput(f"documents.logo: the logo {what}.", code="logo")
