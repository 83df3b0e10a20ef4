"""The tokens of an OFX file: aggregates that open and close, leaves with their text, each with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from app.bank.lines import FileRefused
from app.bank.text import Encoding, by_mark, choose, raw_lines

OPEN, CLOSE, LEAF = "open", "close", "leaf"
MAX_TEXT = 64 * 1024
MAX_DEPTH = 32
_HEAD = 2048
_TAG = re.compile(r"(/?)([A-Za-z][A-Za-z0-9._-]*)((?:\s[^>]*)?)(/?)")
_LEADING = re.compile(r"[A-Z]+:[^<\r\n]*")
_ENTITY = re.compile(r"&(amp|lt|gt|quot|apos|nbsp|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " "}
_ENCODINGS = {"1252": "cp1252", "8859-1": "iso-8859-1", "ISO-8859-1": "iso-8859-1", "UTF-8": "utf-8"}
# Everything that may hold other elements on the way to a bank entry. A name not listed is a leaf where text follows it.
AGGREGATES = frozenset(
    [
        "OFX",
        "SIGNONMSGSRSV1",
        "SONRS",
        "STATUS",
        "FI",
        "BANKMSGSRSV1",
        "CREDITCARDMSGSRSV1",
        "STMTTRNRS",
        "CCSTMTTRNRS",
        "STMTRS",
        "CCSTMTRS",
        "BANKACCTFROM",
        "BANKACCTTO",
        "CCACCTFROM",
        "CCACCTTO",
        "BANKTRANLIST",
        "BANKTRANLISTP",
        "STMTTRN",
        "STMTTRNP",
        "PAYEE",
        "CURRENCY",
        "ORIGCURRENCY",
        "LEDGERBAL",
        "AVAILBAL",
        "BALLIST",
        "BAL",
        "INVSTMTMSGSRSV1",
        "INVSTMTTRNRS",
        "INVSTMTRS",
        "LOANMSGSRSV1",
        "LOANSTMTTRNRS",
        "LOANSTMTRS",
        "SIGNUPMSGSRSV1",
        "ACCTINFOTRNRS",
        "ACCTINFORS",
        "ACCTINFO",
        "BANKACCTINFO",
        "CCACCTINFO",
        "PROFMSGSRSV1",
        "EMAILMSGSRSV1",
        "IMAGEDATA",
    ]
)


_LEFT_OPEN = frozenset(["BANKTRANLIST"])
"""An aggregate that a bank forgets to close; what is in it is closed, so nothing can be missing."""


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is OPEN, CLOSE or LEAF; only a leaf has text."""

    kind: str
    name: str
    text: str
    line: int


def tokens(source: BinaryIO) -> Iterator[Token]:
    """All tokens from <OFX> to </OFX>. Raises FileRefused with the line, also where an aggregate is not closed."""
    path: list[Token] = []
    done = False
    leaf = ""
    for tag, text, line in _pieces(source, choose(source, _declared(source))):
        found = _TAG.fullmatch(tag)
        if not found:
            raise FileRefused(f"line {line}", f"<{tag[:20]}> is no tag.", code="xml")
        closing, name, empty = bool(found[1]), found[2].upper(), bool(found[4]) or found[3].endswith("/")
        if done:
            raise FileRefused(f"line {line}", "Something follows the end of the file's content (</OFX>).", code="structure")
        if closing:
            if name == leaf:
                leaf = ""
            elif name in AGGREGATES or (path and path[-1].name == name):
                if len(path) > 1 and path[-1].name in _LEFT_OPEN and path[-2].name == name:
                    yield Token(CLOSE, path.pop().name, "", line)
                if not path or path[-1].name != name:
                    inside = path[-1].name if path else "nothing"
                    raise FileRefused(f"line {line}", f"</{name}> closes {inside}.", code="structure")
                path.pop()
                done = not path
                yield Token(CLOSE, name, "", line)
            # The end tag of an empty leaf says nothing.
            continue
        if not path and name != "OFX":
            raise FileRefused(f"line {line}", f"<{name}> stands before <OFX>.", code="structure")
        leaf = ""
        if name in AGGREGATES and not text:
            if len(path) >= MAX_DEPTH:
                raise FileRefused(f"line {line}", f"Aggregates are nested deeper than {MAX_DEPTH}.", code="depth")
            opened = Token(OPEN, name, "", line)
            yield opened
            if empty:
                yield Token(CLOSE, name, "", line)
            else:
                path.append(opened)
        else:
            leaf = name
            yield Token(LEAF, name, text, line)
    if not done:
        last = path[-1] if path else Token(OPEN, "OFX", "", 1)
        raise FileRefused(
            f"line {last.line}", f"The file ends before {last.name} is closed; fetch it from the bank again.", code="truncated"
        )


def _pieces(source: BinaryIO, encoding: Encoding) -> Iterator[tuple[str, str, int]]:
    """Each tag without its brackets, the text up to the next one, and the tag's line."""
    tag: str | None = None
    text = ""
    began = 0
    skipping = ""
    for number, line in enumerate(raw_lines(source, encoding), 1):
        rest = line
        if len(text) > MAX_TEXT:
            raise FileRefused(f"line {number}", f"A text is longer than {MAX_TEXT} characters.", code="size")
        while rest:
            if skipping:
                before, ended, rest = rest.partition(skipping)
                if skipping == "]]>":
                    text += before.replace("&", "&amp;")
                skipping = "" if ended else skipping
                continue
            before, bracket, rest = rest.partition("<")
            text += before
            if not bracket:
                break
            if rest.startswith(("![CDATA[", "!--", "?")):
                opening, skipping = next(
                    pair for pair in (("![CDATA[", "]]>"), ("!--", "-->"), ("?", "?>")) if rest.startswith(pair[0])
                )
                rest = rest[len(opening) :]
                continue
            if rest.startswith("!"):
                raise FileRefused(f"line {number}", "The file declares a document type (DTD), so it is not read.", code="doctype")
            if tag is not None:
                yield tag, _decoded(text), began
            elif any(part.strip() and not _LEADING.fullmatch(part.strip()) for part in text.splitlines()):
                raise FileRefused(f"line {number}", "Text stands before <OFX> that is no header.", code="structure")
            tag, closed, rest = rest.partition(">")
            if not closed:
                raise FileRefused(f"line {number}", f"The tag <{tag[:20].strip()} is not closed.", code="truncated")
            text, began = "", number
    if skipping:
        raise FileRefused(f"line {began}", "The file ends in the middle; fetch it from the bank again.", code="truncated")
    if tag is not None:
        yield tag, _decoded(text), began


def _decoded(text: str) -> str:
    """Text without the blanks around it; banks leave a lone & as it is."""
    return _ENTITY.sub(_character, " ".join(text.split("\n")).strip()) if "&" in text else text.strip()


def _character(found: re.Match[str]) -> str:
    name = found[1]
    if not name.startswith("#"):
        return _NAMED[name]
    point = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
    return chr(point) if 31 < point < 0xD800 or 0xDFFF < point < 0x110000 else " "


def _declared(source: BinaryIO) -> str | None:
    """The encoding of the header (CHARSET:1252, ENCODING:UTF-8) or of the XML declaration."""
    source.seek(0)
    head = source.read(_HEAD)
    if by_mark(head):
        return None
    text = head.decode("latin-1")
    named = re.search(r"<\?xml[^>]*encoding=[\"']([A-Za-z0-9._-]{1,20})", text) or re.search(r"CHARSET:\s*([\w-]{1,20})", text)
    if re.search(r"ENCODING:\s*UTF-?8", text):
        return "utf-8"
    return _ENCODINGS.get(named[1].upper()) if named else None
