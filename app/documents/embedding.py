"""Factur-X's mark on a PDF/A-3: four properties in its XMP metadata, with the schema that PDF/A wants described.

Typst attaches the XML itself, but writes no metadata of other schemas. They are added as an incremental update: what Typst wrote
stays byte for byte, one newer metadata object follows it.
"""

from __future__ import annotations

import re

from app.documents.einvoice import FILE_NAME

NAMESPACE = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
PROPERTIES = {
    "DocumentFileName": (FILE_NAME, "name of the embedded XML invoice file"),
    "DocumentType": ("INVOICE", "INVOICE"),
    "Version": ("1.0", "The actual version of the Factur-X XML schema"),
    "ConformanceLevel": ("EN 16931", "The conformance level of the embedded Factur-X data"),
}


def mark_as_facturx(pdf: bytes) -> bytes:
    """The PDF/A-3 of Typst, marked as Factur-X in its profile EN 16931. Raises ValueError for a PDF of another make."""
    metadata = re.search(rb"\n(\d+) 0 obj\n<</Length \d+/Type/Metadata/Subtype/XML>>\nstream\n(.*?)\nendstream\n", pdf, re.S)
    trailer = re.search(rb"\ntrailer\n<<(.*)>>\nstartxref\n(\d+)\n%%EOF\s*$", pdf, re.S)
    if metadata is None or trailer is None:
        raise ValueError("this is no PDF/A with plain metadata and a trailer, as Typst writes it")
    number, xmp = int(metadata[1]), _extended(metadata[2])
    start = len(pdf) + 1
    update = b"\n%d 0 obj\n<</Length %d/Type/Metadata/Subtype/XML>>\nstream\n%s\nendstream\nendobj\n" % (number, len(xmp), xmp)
    table = start + len(update) - 1
    update += b"xref\n%d 1\n%010d 00000 n\r\n" % (number, start)
    update += b"trailer\n<<%s/Prev %s>>\nstartxref\n%d\n%%%%EOF\n" % (trailer[1], trailer[2], table)
    return pdf + update


def _extended(xmp: bytes) -> bytes:
    schema = "".join(
        '<rdf:li rdf:parseType="Resource"><pdfaProperty:category>external</pdfaProperty:category>'
        f"<pdfaProperty:description>{description}</pdfaProperty:description><pdfaProperty:name>{name}</pdfaProperty:name>"
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType></rdf:li>"
        for name, (_, description) in PROPERTIES.items()
    )
    described = (
        '<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>'
        f"<pdfaSchema:namespaceURI>{NAMESPACE}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{schema}</rdf:Seq></pdfaSchema:property></rdf:li>"
    )
    values = "".join(f"<fx:{name}>{value}</fx:{name}>" for name, (value, _) in PROPERTIES.items())
    own = f'<rdf:Description rdf:about="" xmlns:fx="{NAMESPACE}">{values}</rdf:Description>'
    for before, addition in ((b"</rdf:Bag></pdfaExtension:schemas>", described), (b"</rdf:RDF>", own)):
        if xmp.count(before) != 1:
            raise ValueError(f"the metadata has no single {before.decode()}")
        xmp = xmp.replace(before, addition.encode() + before)
    return xmp
