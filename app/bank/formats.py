"""Which format a bank file is in, told by its content alone, and the one way to read any."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import BinaryIO

from app.bank import bai2, camt, csv_file, mt940, ofx
from app.bank.csv_mapping import CsvMapping
from app.bank.lines import BankStream, FileRefused
from app.bank.text import by_mark

_HEAD = 16 * 1024
_ARCHIVES = {
    b"PK\x03\x04": "a ZIP archive or a spreadsheet",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet",
}
_MT940 = re.compile(r"(?m)^(?:\{[1-5]:[^\r\n]*)?:20:|\A[\s\x01]*\{1:F[0-9]{2}")
_BAI2 = re.compile(r"\A\s*01,[^,\r\n]*,[^,\r\n]*,[0-9]{6},[0-9]{0,4},")


class Format(StrEnum):
    """The formats that are read."""

    CAMT = "camt"
    MT940 = "mt940"
    OFX = "ofx"
    BAI2 = "bai2"
    CSV = "csv"


def detect(head: bytes) -> Format | None:
    """The format of a file that begins so; None for none of those that say it themselves, which CSV does not.

    Raises FileRefused for an empty file and for what is no text.
    """
    for magic, what in _ARCHIVES.items():
        if head.startswith(magic):
            raise FileRefused("line 1", f"The file is {what}, not a bank's statement; unpack or export it first.", code="format")
    encoding = by_mark(head)
    text = head[encoding.skip :].decode(encoding.codec, "ignore") if encoding else head.decode("latin-1")
    text = text.strip("\ufeff \t\r\n\x01")
    if not text:
        raise FileRefused("line 1", "The file is empty.", code="empty")
    if text.startswith("OFXHEADER") or re.search(r"<\?OFX\s|<OFX>", text, re.IGNORECASE):
        return Format.OFX
    if text.startswith("<"):
        # Anything else in XML is given to the parser of CAMT, which names what it lacks.
        return Format.CAMT
    if _MT940.search(text[:4096]):
        return Format.MT940
    return Format.BAI2 if _BAI2.match(text) else None


def read(source: BinaryIO, mapping: CsvMapping | None = None) -> tuple[Format, BankStream]:
    """Tell the format of a seekable file and read it; `mapping` is for CSV alone.

    Raises FileRefused here for a file of no known format, and from the stream wherever the file goes wrong.
    """
    source.seek(0)
    found = detect(source.read(_HEAD))
    source.seek(0)
    if found is None:
        if mapping is None:
            raise FileRefused(
                "line 1",
                "The file is in no format that says its name (CAMT, MT940, OFX, BAI2); a CSV needs a mapping "
                "(--mapping; `bank mapping` prints one to begin with).",
                code="format",
            )
        return Format.CSV, csv_file.read(source, mapping)
    readers = {Format.CAMT: camt.read, Format.MT940: mt940.read, Format.OFX: ofx.read, Format.BAI2: bai2.read}
    return found, readers[found](source)
