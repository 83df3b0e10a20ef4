"""Small whole files of every kind that is taken."""

from __future__ import annotations

import struct
import zlib


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(b"\x00\x80"))
    + chunk(b"IEND", b"")
)
PDF = (
    b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    b"xref\n0 3\n0000000000 65535 f \n0000000015 00000 n \n0000000060 00000 n \ntrailer<</Size 3/Root 1 0 R>>\n"
    b"startxref\n109\n%%EOF\n"
)


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def jpeg(*, comment: bytes = b"", scans: int = 1) -> bytes:
    """A frame of 8 by 8 points and its scans, with stuffed bytes and a restart in the data."""
    frame = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0") + (segment(0xFE, comment) if comment else b"")
    frame += segment(0xDB, bytes(65)) + segment(0xC2 if scans > 1 else 0xC0, struct.pack(">BHHBBBB", 8, 8, 8, 1, 1, 0x11, 0))
    scan = segment(0xC4, bytes(20)) + segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x12\xff\x00\x34\xff\xd0\x56"
    return b"\xff\xd8" + frame + scan * scans + b"\xff\xd9"


JPEG = jpeg()
