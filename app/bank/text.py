"""Files of text lines: which encoding they are in, and their lines with numbers.

The whole file is checked to be in its encoding before its first line is given, so a wrong byte far below is not met halfway.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from app.bank.lines import FileRefused

_CHUNK = 256 * 1024
MAX_LINE = 64 * 1024
BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_FIRST = 1024


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec and the length of the mark (BOM) before the text."""

    codec: str
    skip: int = 0


def by_mark(head: bytes) -> Encoding | None:
    """The encoding that the file's first bytes state: a BOM, or the zero bytes of UTF-16 without one."""
    for mark, codec in BOMS.items():
        if head.startswith(mark):
            return Encoding(codec, len(mark))
    sample = head[:_FIRST]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) > len(sample) // 4 and min(even, odd) == 0:
        return Encoding("utf-16-le" if odd else "utf-16-be")
    return None


def choose(source: BinaryIO, declared: str | None = None) -> Encoding:
    """The encoding of a whole file: its BOM, what was declared, else UTF-8 where all of it is, else Windows-1252.

    Raises FileRefused with the line of the first byte that the encoding does not have, and of a zero byte.
    """
    source.seek(0)
    marked = by_mark(source.read(_FIRST))
    if marked or declared:
        chosen = marked or Encoding(codecs.lookup(declared or "").name)
        _verify(source, chosen)
        return chosen
    try:
        _verify(source, Encoding("utf-8"))
        return Encoding("utf-8")
    except FileRefused as refused:
        if refused.code != "encoding":
            raise
    _verify(source, Encoding("cp1252"))
    return Encoding("cp1252")


def numbered_lines(source: BinaryIO, encoding: Encoding) -> Iterator[tuple[int, str]]:
    """The file's lines without their ends (CR, LF or both), numbered from 1. Raises FileRefused for an endless line."""
    for number, line in enumerate(raw_lines(source, encoding), 1):
        yield number, line.rstrip("\r\n")


def raw_lines(source: BinaryIO, encoding: Encoding) -> Iterator[str]:
    """The file's lines as they stand, with their ends. Raises FileRefused for an endless line."""
    source.seek(encoding.skip)
    decoder = codecs.getincrementaldecoder(encoding.codec)()
    pending, number = "", 0
    while chunk := source.read(_CHUNK):
        lines = list(io.StringIO(pending + decoder.decode(chunk), newline=""))
        # A line that ends with CR alone may be half of one that ends with CR and LF.
        pending = lines.pop() if lines and not lines[-1].endswith("\n") else ""
        for line in lines:
            number += 1
            yield _bounded(line, number)
        _bounded(pending, number + 1)
    if pending:
        yield pending


def _bounded(line: str, number: int) -> str:
    if len(line) > MAX_LINE:
        raise FileRefused(f"line {number}", f"The line is longer than {MAX_LINE} characters.", code="size")
    return line


def _verify(source: BinaryIO, encoding: Encoding) -> None:
    source.seek(encoding.skip)
    decoder = codecs.getincrementaldecoder(encoding.codec)()
    line, ended_with_return = 1, False
    while True:
        chunk = source.read(_CHUNK)
        try:
            text = decoder.decode(chunk, not chunk)
        except UnicodeDecodeError as error:
            line += _ends(str(error.object[: error.start], encoding.codec, "replace"), ended_with_return)
            raise FileRefused(
                f"line {line}",
                f"A byte is not {encoding.codec}: the file is damaged, or has to be converted to UTF-8.",
                code="encoding",
            ) from error
        if "\0" in text:
            line += _ends(text[: text.index("\0")], ended_with_return)
            raise FileRefused(f"line {line}", "The file holds a zero byte, so it is no text.", code="encoding")
        if not chunk:
            return
        line += _ends(text, ended_with_return)
        ended_with_return = text.endswith("\r") if text else ended_with_return


def _ends(text: str, after_return: bool) -> int:
    """Line ends in a piece of text; a LF that completes the CR of the piece before is none."""
    returns = text.count("\r")
    feeds = text.count("\n") - text.count("\r\n")
    return returns + feeds - (1 if after_return and text.startswith("\n") else 0)
