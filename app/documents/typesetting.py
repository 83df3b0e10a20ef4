"""Setting files from memory in type with Typst; the fonts are those that come with it, then those of the system, read once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from functools import cache
from typing import Any

import typst

MAIN = "main.typ"


def pdf_of(files: Mapping[str, bytes], inputs: Mapping[str, str], day: date) -> bytes:
    """The PDF/A-3b of `main.typ` among text files, its only date the given day.

    The system's fonts help out where a text uses characters (Chinese, say) that the shipped ones do not have; where they have
    none either it is a plain PDF. Raises typst.TypstError for a wrong template or picture.
    """
    at = int(datetime.combine(day, time(), UTC).timestamp())
    facts = {"format": "pdf", "sys_inputs": dict(inputs), "timestamp": at}
    # The library takes files from memory, its stubs do not know of them.
    compile_files: Any = typst.compile
    pdf: bytes
    for system in (False, True):
        try:
            pdf = compile_files(dict(files), pdf_standards="a-3b", font_paths=_fonts(system), **facts)
        except typst.TypstError as error:
            if "could not be displayed" not in str(error):
                raise
        else:
            return pdf
    pdf = compile_files(dict(files), font_paths=_fonts(True), **facts)
    return pdf


def is_archival(pdf: bytes) -> bool:
    """Whether this is a PDF/A-3b as `pdf_of` makes it."""
    return b"<pdfaid:part>3</pdfaid:part>" in pdf


@cache
def _fonts(system: bool) -> typst.Fonts:
    return typst.Fonts(include_system_fonts=system)
