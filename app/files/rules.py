"""What an uploaded file really is, told from its bytes alone: not from its name, nor from what the browser says of it.

PDF, JPEG and PNG are taken, whole and with nothing behind their end. A file that is something else beside (a polyglot) is
refused, so that nobody can be made to open as a program or a page what staff looked at as a picture.
"""

from __future__ import annotations

import re
import struct
import unicodedata
import zlib
from urllib.parse import quote

from app.errors import InvalidInput, TooLarge

PDF, JPEG, PNG = "application/pdf", "image/jpeg", "image/png"
MAIL = "message/rfc822"
"""Of no upload: mails that came in are kept as files, too."""
BYTES = "application/octet-stream"
"""Of files whose kind their reader tells, like a bank's."""
SUFFIXES = {PDF: "pdf", JPEG: "jpg", PNG: "png"}
MAX_NAME = 100
ACCEPTED = "Send a PDF, JPEG or PNG file"
MAX_PARTS = 50_000
"""Segments or chunks of a picture: far more than any program writes, and read in no time."""
HEAD = 1024
"""Bytes within which readers of PDF and browsers look for the start of something."""
_PNG_START = b"\x89PNG\r\n\x1a\n"
_JPEG_START = b"\xff\xd8\xff"
_PDF_END = re.compile(rb"startxref\s+[0-9]{1,12}\s+%%EOF\s*\Z")
_PAGE = re.compile(rb"<\s*(?:!doctype|html|head|body|script|iframe|svg)\b", re.IGNORECASE)
_PROGRAM = re.compile(rb"^#!", re.MULTILINE)
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""In a JPEG's picture data: what is neither a stuffed byte, nor fill, nor a restart."""


def media_type(content: bytes, limit: int) -> str:
    """The media type of an upload of at most `limit` bytes: PDF, JPEG or PNG.

    Raises TooLarge, and InvalidInput that says what is wrong with an empty, cut off, foreign or double-faced file.
    """
    if not content:
        raise InvalidInput(f"file: it is empty. {ACCEPTED}.", code="file_empty")
    if len(content) > limit:
        raise too_large(limit)
    if content.startswith(b"%PDF-"):
        found = PDF
        _check_pdf(content)
    elif content.startswith(_JPEG_START):
        found = JPEG
        _check_jpeg(content)
    elif content.startswith(_PNG_START):
        found = PNG
        _check_png(content)
    else:
        raise InvalidInput(f"file: it is none of the kinds that are taken, whatever its name says. {ACCEPTED}.", code="file_type")
    _check_alone(content, found)
    return found


def too_large(limit: int) -> TooLarge:
    """The error for a file of more than `limit` bytes."""
    return TooLarge(f"file: it may have at most {limit / 1024 / 1024:.4g} MB.", code="file_too_large")


def clean_name(given: str, kind: str) -> str:
    """The uploader's file name as it may be shown: without folders, control or directing characters, with the true suffix.

    At most `MAX_NAME` characters. It is never a path: files are stored under names of our own.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", given))[-1]
    plain = "".join(letter if letter.isprintable() and letter not in '<>:"|?*%;' else " " for letter in last)
    stem = " ".join(plain.rpartition(".")[0].split() if "." in plain else plain.split()).strip(". ")
    suffix = {MAIL: "eml", BYTES: "bin"}.get(kind) or SUFFIXES[kind]
    return f"{stem[: MAX_NAME - len(suffix) - 1].rstrip() or 'file'}.{suffix}"


def disposition(name: str) -> str:
    """The value of Content-Disposition that has the file saved, never shown, under its name (RFC 6266)."""
    plain = "".join(letter if letter.isascii() and letter not in '"\\' else "_" for letter in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _check_pdf(content: bytes) -> None:
    if not _PDF_END.search(content[-HEAD:]):
        raise _cut_off("PDF")


def _check_jpeg(content: bytes) -> None:
    """Walk its segments to the end of the picture."""
    place, framed = 2, False
    for _ in range(MAX_PARTS):
        if place + 4 > len(content) or content[place] != 0xFF:
            break
        marker = content[place + 1]
        if marker == 0xFF:  # fill
            place += 1
            continue
        length = int.from_bytes(content[place + 2 : place + 4], "big")
        if length < 2 or marker in (0x00, 0x01, 0xD8, 0xD9):
            break
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", content.ljust(place + 9, b"\x00"), place + 5)
            framed = bool(width and (height or marker == 0xC0))
        place += 2 + length
        if marker == 0xDA:  # the picture's data, up to the next marker
            following = _MARKER.search(content, place)
            if following is None:
                break
            place = following.start()
            if content[place + 1] == 0xD9:
                if not framed:
                    break
                _check_nothing_behind(content, place + 2, "JPEG")
                return
    raise _cut_off("JPEG")


def _check_png(content: bytes) -> None:
    """Walk its chunks, each with its check sum, to the last one."""
    place, names = len(_PNG_START), set[bytes]()
    for _ in range(MAX_PARTS):
        if place + 12 > len(content):
            break
        length = int.from_bytes(content[place : place + 4], "big")
        end = place + 12 + length
        name = content[place + 4 : place + 8]
        if end > len(content) or zlib.crc32(content[place + 4 : end - 4]) != int.from_bytes(content[end - 4 : end], "big"):
            break
        if not names and (name != b"IHDR" or length != 13 or not all(struct.unpack_from(">II", content, place + 8))):
            break
        names.add(name)
        place = end
        if name == b"IEND":
            if b"IDAT" not in names:
                break
            _check_nothing_behind(content, place, "PNG")
            return
    raise _cut_off("PNG")


def _check_nothing_behind(content: bytes, end: int, kind: str) -> None:
    if content[end:].strip(b"\x00"):
        raise InvalidInput(
            f"file: something stands behind the end of the {kind}. Save the picture anew, or as a PDF, and send that.",
            code="file_polyglot",
        )


def _check_alone(content: bytes, kind: str) -> None:
    """Refuse what is a page, a program or an archive beside."""
    head = content[:HEAD]
    other = None
    if _PAGE.search(head):
        other = "a web page"
    elif kind != PDF and b"%PDF-" in head:
        other = "a PDF"
    elif content.startswith((b"MZ", b"\x7fELF")) or _PROGRAM.search(head):
        other = "a program"
    else:
        place = content.rfind(b"PK\x05\x06")
        while place >= 0 and len(content) - place < 65_558:
            if place + 22 <= len(content) and place + 22 + int.from_bytes(content[place + 20 : place + 22], "little") == len(
                content
            ):
                other = "an archive"
                break
            place = content.rfind(b"PK\x05\x06", 0, place)
    if other:
        raise InvalidInput(
            f"file: it is {SUFFIXES[kind].upper()} and {other} at once. Print it to a new PDF and send that.",
            code="file_polyglot",
        )


def _cut_off(kind: str) -> InvalidInput:
    return InvalidInput(
        f"file: it begins as {kind} and is damaged or cut off. Save it anew and send it again.", code="file_damaged"
    )
