import io
import random
import struct
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
import segno
import typst
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidInput, TooLarge
from app.files.rules import MAX_NAME, clean_name, disposition, media_type
from tests.files.samples import JPEG, PDF, PNG, chunk, jpeg

LIMIT = 10 * 1024 * 1024
KINDS = {"application/pdf": PDF, "image/jpeg": JPEG, "image/png": PNG}


def archive() -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as file:
        file.writestr("a.txt", "a")
    return kept.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_the_type_is_told_from_the_bytes(kind: str) -> None:
    assert media_type(KINDS[kind], LIMIT) == kind


def test_files_that_programs_write_are_taken() -> None:
    assert media_type(typst.compile(b"= A certificate"), LIMIT) == "application/pdf"
    assert media_type(typst.compile(b"= A certificate", format="png"), LIMIT) == "image/png"
    qr = io.BytesIO()
    segno.make("a").save(qr, kind="png")
    assert media_type(qr.getvalue(), LIMIT) == "image/png"
    assert media_type(jpeg(scans=3), LIMIT) == "image/jpeg"  # progressive
    assert media_type(JPEG + b"\0\0", LIMIT) == "image/jpeg"  # padded by some cameras
    assert media_type(PDF.replace(b"\n", b"\r\n"), LIMIT) == "application/pdf"


@pytest.mark.parametrize(
    "content",
    [
        b"<html><script>alert(1)</script>", b"GIF89a\1\0\1\0\0\0\0;", b"MZ\x90\0", archive(), b"\xff\xd8", b"%pdf-1.4",
        b" " + PDF,         b"RIFF\0\0\0\0WEBP", b"\xef\xbb\xbf%PDF-1.4", b"<?xml version='1.0'?><svg/>", b"\0",
    ],
)  # fmt: skip
def test_everything_else_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput, match="PDF, JPEG or PNG") as caught:
        media_type(content, LIMIT)
    assert caught.value.code == "file_type"


def test_an_empty_and_a_large_file() -> None:
    with pytest.raises(InvalidInput, match="empty"):
        media_type(b"", LIMIT)
    assert media_type(PNG, len(PNG)) == "image/png"
    with pytest.raises(TooLarge, match="at most 10 MB"):
        media_type(PNG + bytes(LIMIT), LIMIT)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_off_anywhere_is_refused(kind: str) -> None:
    whole = KINDS[kind]
    for length in range(1, len(whole) - (1 if kind == "application/pdf" else 0)):  # a PDF's last line break is nothing
        with pytest.raises(InvalidInput):
            media_type(whole[:length], LIMIT)


def test_a_damaged_picture_is_refused() -> None:
    with pytest.raises(InvalidInput, match="damaged or cut off"):
        media_type(PNG.replace(b"IDAT", b"IDAX"), LIMIT)
    with pytest.raises(InvalidInput, match="damaged or cut off"):
        media_type(
            JPEG.replace(b"\xff\xc0\x00\x0b\x08\x00\x08", b"\xff\xc0\x00\x0b\x08\x00\x00").replace(
                b"\x00\x08\x01", b"\x00\x00\x01"
            ),
            LIMIT,
        )


@pytest.mark.parametrize(
    "content",
    [
        PNG + b"<script>alert(1)</script>",
        PNG + archive(),
        JPEG + archive(),
        JPEG + PDF,
        JPEG + JPEG,
        jpeg(comment=b"<html><body><script>alert(1)</script>"),
        jpeg(comment=b"%PDF-1.4 1 0 obj"),
        jpeg(comment=b"\n#!/bin/sh\nrm -rf /\n"),
        PDF.replace(b"1 0 obj", b"<!DOCTYPE html><script>1</script> 1 0 obj", 1),
        archive() + PDF,
    ],
)
def test_two_kinds_at_once_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        media_type(content, LIMIT)
    assert caught.value.code in ("file_polyglot", "file_type")


def test_an_archive_hidden_in_a_pdf_is_refused() -> None:
    """A PDF's end may stand in the comment of the archive, so that both readers are content."""
    end = b"\nstartxref\n0\n%%EOF"
    packed = archive()
    hidden = b"%PDF-1.4\n" + packed[:-2] + len(end).to_bytes(2, "little") + end
    assert zipfile.ZipFile(io.BytesIO(hidden)).namelist() == ["a.txt"]
    with pytest.raises(InvalidInput, match="PDF and an archive at once"):
        media_type(hidden, LIMIT)


@given(st.binary(max_size=300), st.sampled_from([b"", b"%PDF-", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]))
def test_no_bytes_raise_anything_else(content: bytes, start: bytes) -> None:
    with suppress(InvalidInput, TooLarge):
        media_type(start + content, 200)


def test_a_large_picture_takes_no_time() -> None:
    body = random.Random(1).randbytes(9_000_000).replace(b"\xff", b"\xff\x00")
    assert media_type(JPEG[:-2] + body + b"\xff\xd9", LIMIT) == "image/jpeg"


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("TX resale 2026.pdf", "TX resale 2026.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Users\\rita\\Scan.PDF", "Scan.pdf"),
        ("evil.html", "evil.pdf"),
        ("a\u202efdp.exe", "a fdp.pdf"),
        ('x"; filename="y.html', "x filename= y.pdf"),
        ("line\r\nbreak\0.pdf", "line break.pdf"),
        ("Bescheinigung für Käufer.pdf", "Bescheinigung für Käufer.pdf"),
        ("", "file.pdf"),
        ("...", "file.pdf"),
        (".pdf", "file.pdf"),
        ("a" * 500 + ".pdf", "a" * 96 + ".pdf"),
    ],
)
def test_the_name_is_only_ever_shown(given_name: str, shown: str) -> None:
    assert clean_name(given_name, "application/pdf") == shown


@given(st.text(max_size=300))
def test_no_name_becomes_a_path_or_a_header(name: str) -> None:
    clean = clean_name(name, "image/png")
    assert Path(clean).name == clean
    assert len(clean) <= MAX_NAME
    assert clean.endswith(".png")
    header = disposition(clean)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2


def test_a_jpeg_may_have_fill_and_must_have_a_frame() -> None:
    assert media_type(JPEG.replace(b"\xff\xdb", b"\xff\xff\xff\xdb", 1), LIMIT) == "image/jpeg"
    without = JPEG.replace(b"\xff\xc0\x00\x0b", b"\xff\xe1\x00\x0b", 1)
    with pytest.raises(InvalidInput, match="damaged or cut off"):
        media_type(without, LIMIT)


def test_a_png_must_begin_with_its_size_and_hold_a_picture() -> None:
    start, head, picture, end = PNG[:8], PNG[8:33], PNG[33:-12], PNG[-12:]
    zero = chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 1, 8, 0, 0, 0, 0))
    assert start + head + picture + end == PNG
    for wrong in (start + picture + end, start + head + end, start + zero + picture + end):
        with pytest.raises(InvalidInput, match="damaged or cut off"):
            media_type(wrong, LIMIT)


@pytest.mark.parametrize("content", [b"\xff\xd8" + b"\xff" * 9_000_000, b"\xff\xd8" + b"\xff\xe0\x00\x02" * 2_000_000])
def test_a_picture_of_nothing_but_beginnings_takes_no_time(content: bytes) -> None:
    before = time.process_time()
    with pytest.raises(InvalidInput, match="damaged or cut off"):
        media_type(content, LIMIT)
    assert time.process_time() - before < 1
