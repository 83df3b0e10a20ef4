"""Every document is PDF/A-3b, as veraPDF reads ISO 19005-3, and the validator would say so if it were not."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

from app.documents.invoice import render_invoice
from app.documents.schemas import DocumentKind, Look
from app.documents.statement import render_statement
from tests.documents.samples import SHIP, invoice
from tests.documents.test_einvoice import VALID, german
from tests.documents.test_logo import SVG, png
from tests.documents.verapdf import broken_clauses
from tests.statements import samples

UNDRAWN = "hostile texts"
"""Holds characters that no font has, and is a plain PDF."""
FORGED: dict[str, tuple[bytes, bytes, str]] = {
    "no relation": (b"/AFRelationship", b"/AFRelationshiq", "6.8-3"),
    "another part": (b"<pdfaid:part>3<", b"<pdfaid:part>2<", "6.6.4-2"),
    "a schema not described": (b"fx:Version>", b"fx:Versiom>", "6.6.2.3.1-2"),
    "a font that is not embedded": (b"/FontFile3", b"/FontFilex", "6.2.11.4.1-1"),
    "another file id": (b"/ID[", b"/IE[", "6.1.3-1"),
}
"""What is changed in a valid document, byte for byte in place, and the rule that this breaks."""


ASIAN = Path("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf")
"""Debian's `fonts-droid-fallback`, which CI installs."""


def documents() -> dict[str, Callable[[], bytes]]:
    """Each kind of document there is, in both languages, with what may be printed on it."""
    made: dict[str, Callable[[], bytes]] = {}
    for name, data in VALID.items():
        if name != UNDRAWN:
            made[f"e-invoice {name}"] = lambda data=data: render_invoice(replace(data, structured=True))  # type: ignore[misc]
    proforma = german(2, kind=DocumentKind.PROFORMA, terms="prepay", number="P2026-00001")
    made |= {
        "plain": lambda: render_invoice(invoice(2)),
        "proforma": lambda: render_invoice(proforma),
        "logo with an alpha channel": lambda: render_invoice(invoice(look=Look(png(), "#aa0000", "Court of Wake"))),
        "logo in vectors": lambda: render_invoice(invoice(look=Look(SVG))),
        "statement en": lambda: render_statement(samples.long_names("en")),
        "statement de": lambda: render_statement(samples.many(120, "de")),
        "statement empty": lambda: render_statement(samples.data(dated=date(2026, 3, 1))),
    }
    if ASIAN.exists() or "CI" in os.environ:
        made["e-invoice to Japan"] = lambda: render_invoice(
            german(ship_to=replace(SHIP, company="株式会社ソフトウェア部品"), structured=True)
        )
    return made


def test_vera_pdf_finds_every_document_valid_and_every_forgery_not(tmp_path: Path) -> None:
    made = {name: render() for name, render in documents().items()}
    valid = made["e-invoice home"]
    forged = {name: valid.replace(before, after) for name, (before, after, _) in FORGED.items()}
    assert all(changed != valid and len(changed) == len(valid) for changed in forged.values())
    paths = []
    for name, pdf in {**made, **forged}.items():
        paths.append(tmp_path / name)
        paths[-1].write_bytes(pdf)
    found = broken_clauses(paths)
    assert {name: words for name, words in found.items() if words and name in made} == {}
    assert len(found) == len(made) + len(FORGED)
    for name, (_, _, rule) in FORGED.items():
        assert any(words.startswith(f"{rule} ") for words in found[name]), (name, found[name])
