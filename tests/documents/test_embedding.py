import re
from dataclasses import replace
from io import BytesIO
from typing import Any
from xml.etree import ElementTree as ET

import facturx
import pytest
from pypdf import PdfReader

from app.documents.einvoice import build_xml
from app.documents.embedding import NAMESPACE, mark_as_facturx
from app.documents.invoice import render_invoice
from tests.documents.test_einvoice import VALID, credit_note, german

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
PDFA = "{http://www.aiim.org/pdfa/ns/schema#}"


def structured(name: str = "home") -> bytes:
    return render_invoice(replace(VALID[name], structured=True))


@pytest.mark.parametrize("name", ["home", "us", "reverse charge", "60 lines", "credit note"])
def test_the_xml_is_in_the_pdf_as_factur_x_wants_it(name: str) -> None:
    pdf = structured(name)
    file_name, xml = facturx.get_xml_from_pdf(pdf, check_xsd=True)
    assert (file_name, xml) == ("factur-x.xml", build_xml(VALID[name]))
    assert pdf == structured(name), "the same bytes"


def test_the_attachment_is_an_alternative_of_the_whole_document() -> None:
    root: Any = PdfReader(BytesIO(structured())).root_object
    (attached,) = root["/AF"]
    file = attached.get_object()
    assert (file["/AFRelationship"], file["/UF"], file["/Desc"]) == ("/Alternative", "factur-x.xml", "Factur-X invoice, EN 16931")
    stream = file["/EF"]["/F"].get_object()
    assert (stream["/Subtype"], "/ModDate" in stream["/Params"]) == ("/text/xml", True)
    assert root["/Names"]["/EmbeddedFiles"]["/Names"][0] == "factur-x.xml"


def test_the_metadata_stays_that_of_a_pdf_a_3_and_describes_what_is_added() -> None:
    root: Any = PdfReader(BytesIO(structured())).root_object
    metadata = root["/Metadata"].get_data()
    tree = ET.fromstring(re.sub(rb"<\?xpacket.*?\?>", b"", metadata))
    values = {element.tag: element.text for element in tree.iter()}
    assert values["{http://www.aiim.org/pdfa/ns/id/}part"] == "3"
    assert values["{http://www.aiim.org/pdfa/ns/id/}conformance"] == "B"
    assert {tag.partition("}")[2]: text for tag, text in values.items() if tag.startswith(f"{{{NAMESPACE}}}")} == {
        "DocumentFileName": "factur-x.xml",
        "DocumentType": "INVOICE",
        "Version": "1.0",
        "ConformanceLevel": "EN 16931",
    }
    schemas = [element.text for element in tree.iter(f"{PDFA}namespaceURI")]
    assert schemas.count(NAMESPACE) == 1
    assert len(schemas) == 3, "Typst's own are described still"


def test_what_typst_wrote_stays_and_every_object_is_found() -> None:
    pdf = structured()
    first = pdf.index(b"%%EOF") + len(b"%%EOF")
    assert pdf.count(b"%%EOF") == 2
    assert pdf[:first].startswith(b"%PDF-1.7")
    reader = PdfReader(BytesIO(pdf), strict=True)
    assert [reader.get_object(number) for number in range(1, int(str(reader.trailer["/Size"])))]
    assert re.search(rb"startxref\n(\d+)\n%%EOF\n$", pdf)


def test_a_name_in_letters_without_a_font_keeps_its_xml() -> None:
    data = replace(german(), bill_to=replace(german().bill_to, company="漢字"), structured=True)
    pdf = render_invoice(data)
    attached = PdfReader(BytesIO(pdf)).attachments["factur-x.xml"]
    assert attached == [build_xml(data)]
    assert "漢字".encode() in attached[0]


def test_without_the_switch_nothing_is_attached() -> None:
    assert b"factur-x" not in render_invoice(german())
    assert b"factur-x" not in render_invoice(credit_note(german()))


@pytest.mark.parametrize("pdf", [b"", b"%PDF-1.7\ntrailer\n<<>>\nstartxref\n1\n%%EOF"])
def test_another_pdf_is_refused(pdf: bytes) -> None:
    with pytest.raises(ValueError, match="no PDF/A"):
        mark_as_facturx(pdf)


def test_other_metadata_is_refused() -> None:
    pdf = render_invoice(german()).replace(b"</rdf:RDF>", b"</rdf:RDX>")
    with pytest.raises(ValueError, match="</rdf:RDF>"):
        mark_as_facturx(pdf)
